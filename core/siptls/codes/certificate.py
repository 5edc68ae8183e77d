"""The certificate itself, and the names in it."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "cert.malformed",
        "error",
        "the peer's certificate is malformed",
        why="what two readers could read differently proves nothing",
        impact="calls with this peer fail here; less strict clients may connect",
        causes=(
            "the certificate was made by a script or a device that does not follow RFC 5280",
            "the file was damaged, or converted wrongly",
            "somebody tries to confuse readers",
        ),
        confirm=(
            "$ openssl x509 -in FILE -noout -text",
            "$ openssl asn1parse -in FILE -i",
            "the finding says where in the certificate",
        ),
        fix="issue a new certificate",
        reference="RFC 5280 section 4.1",
    ),
    Code(
        "cert.no-identities",
        "error",
        "the certificate names no SIP domain",
        why="it has no sip URI without a user part and no DNS name in subjectAltName",
        impact="calls with this peer fail from everybody who follows RFC 5922, and often only from those",
        causes=(
            "the certificate is meant for another use, such as mail or a person",
            "it has names in the Common Name only, or only addresses",
            "its sip URIs have a user part, or are sips or tel URIs",
        ),
        confirm=(
            "$ siptls cert FILE --domain DOMAIN",
            "$ openssl x509 -in FILE -noout -ext subjectAltName",
        ),
        fix="add URI:sip:example.com or DNS:example.com",
        reference="RFC 5922 sections 7.1, 7.3 and 7.4",
    ),
    Code(
        "id.match",
        "ok",
        "the certificate names the SIP domain",
        why="one of its SIP domain identities is the domain of the URI, letter for letter, ASCII case aside",
        reference="RFC 5922 section 7.2",
    ),
    Code(
        "id.match-target",
        "ok",
        "the certificate names the host that the domain securely delegates to",
        why="DNSSEC says that the domain uses this host, and the certificate says that this is the host",
        reference="RFC 7673 section 4.1",
    ),
    Code(
        "id.not-needed",
        "ok",
        "DANE-EE binds the key itself: names, dates and purposes do not count",
        why="the TLSA record was published for this very key, so nobody else has to vouch for it",
        reference="RFC 7671 section 5.1",
    ),
    Code(
        "id.mismatch",
        "error",
        "the certificate is for other names",
        why="the certificate may be good, but it speaks for somebody else",
        impact=(
            "calls to this server fail from everybody who follows RFC 5922; clients that verify nothing still connect"
        ),
        causes=(
            "the certificate names the host or a web site, not the SIP domain",
            "a provider's server holds no certificate for this customer's domain, or chose another one by SNI",
            "a sip URI stands in the certificate, so its DNS names do not count",
            "somebody else answers at the address",
        ),
        confirm=(
            "$ siptls cert FILE --domain DOMAIN",
            "$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",
        ),
        fix="use a certificate that names the domain",
        reference="RFC 5922 section 7.2, RFC 5922 section 7.3",
    ),
    Code(
        "id.srv-target-only",
        "error",
        "the certificate names the host, not the SIP domain",
        why="the way from the domain to the host is not protected here, so the host's name cannot stand for the domain",
        impact=(
            "calls to this server fail from everybody who follows RFC 5922; clients that compare the host, as browsers "
            "do, still connect"
        ),
        causes=(
            "the certificate was ordered for the name of the server, as for a web site",
            "the provider has no certificate for the customer's domain",
            "the zone with the SRV record is not signed",
        ),
        confirm=(
            "$ siptls cert FILE --domain DOMAIN --host HOST",
            "$ delv _sips._tcp.DOMAIN SRV",
        ),
        fix="add URI:sip: or DNS: with the domain to the certificate, or sign the zone and publish TLSA",
        reference="RFC 5922 section 4, RFC 7673 section 4.1",
    ),
    Code(
        "id.target-name",
        "error",
        "the certificate does not name the target host, which the policy asks for",
        why=(
            "the policy (require_target_name) wants the name of the host to which the domain delegates, not that of "
            "the domain"
        ),
        impact="calls from here to this server fail; with the usual policy they would not",
        causes=("the certificate names the SIP domain only",),
        confirm=("$ siptls cert FILE --domain DOMAIN --host HOST",),
        fix="add DNS: with the host to the certificate",
        reference="RFC 7671 section 10.2, RFC 7673 section 4.1",
    ),
    Code(
        "id.wildcard",
        "error",
        "only a wildcard covers the name, and SIP allows none",
        why="a wildcard would let each host below a domain speak for the domain's calls",
        impact="calls to this server fail from everybody who follows RFC 5922; others still connect",
        causes=("the wildcard certificate of the web site is used for SIP too",),
        confirm=(
            "$ siptls cert FILE --domain DOMAIN",
            "$ openssl x509 -in FILE -noout -ext subjectAltName",
        ),
        fix="use a certificate that spells the name out",
        reference="RFC 5922 section 7.2, RFC 9525 section 6.3",
    ),
    Code(
        "id.cn-only",
        "error",
        "the name stands only in the Common Name",
        why=(
            "a Common Name is free text, and authorities need not verify it; it does not count where subjectAltName "
            "stands"
        ),
        impact=(
            "calls to this server fail here, and from everybody who goes by subjectAltName alone; old clients still "
            "connect"
        ),
        causes=(
            "the certificate was made by an old script or device that writes no subjectAltName",
            "the order had the name in the subject only",
        ),
        confirm=("$ openssl x509 -in FILE -noout -subject -ext subjectAltName",),
        fix="put it into subjectAltName",
        reference="RFC 5922 section 7.1, RFC 9525 section 2",
    ),
    Code(
        "cert.raw-public-key",
        "error",
        "the peer presented a bare key instead of a certificate",
        why="a raw public key has neither names nor a path; only a SECURE TLSA record 3 1 x can stand for it",
        impact="calls to this server fail for every client",
        causes=("the server offers raw public keys, but its zone has no usable TLSA record 3 1 x",),
        confirm=("$ dig +dnssec _5061._tcp.HOST TLSA",),
        fix="publish a TLSA record 3 1 1 for the key in a signed zone, or let the server present a certificate",
        reference="RFC 7250 section 3, RFC 7671 section 5.1",
    ),
)
