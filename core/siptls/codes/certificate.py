"""The certificate itself, and the names in it."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "cert.malformed",
        "error",
        "the server's certificate is malformed",
        fix="issue a new certificate",
        reference="RFC 5280 section 4.1",
    ),
    Code(
        "cert.no-identities",
        "error",
        "the certificate names no SIP domain",
        why="it has no sip URI without a user part and no DNS name in subjectAltName",
        fix="add URI:sip:example.com or DNS:example.com",
        reference="RFC 5922 section 7.3",
    ),
    Code(
        "id.match",
        "ok",
        "the certificate names the SIP domain",
        reference="RFC 5922 section 7.2",
    ),
    Code(
        "id.match-target",
        "ok",
        "the certificate names the host that the domain securely delegates to",
        reference="RFC 7673 section 4.1",
    ),
    Code(
        "id.not-needed",
        "ok",
        "DANE-EE binds the key itself: names, dates and purposes do not count",
        reference="RFC 7671 section 5.1",
    ),
    Code(
        "id.mismatch",
        "error",
        "the certificate is for other names",
        fix="use a certificate that names the domain",
        reference="RFC 5922 section 7.3",
    ),
    Code(
        "id.srv-target-only",
        "error",
        "the certificate names the host, not the SIP domain",
        why="the way from the domain to the host is not protected here, so the host's name cannot stand for the domain",
        fix="add URI:sip: or DNS: with the domain to the certificate, or sign the zone and publish TLSA",
        reference="RFC 5922 section 4",
    ),
    Code(
        "id.target-name",
        "error",
        "the certificate does not name the target host, which the policy asks for",
        fix="add DNS: with the host to the certificate",
        reference="RFC 7671 section 10.2",
    ),
    Code(
        "id.wildcard",
        "error",
        "only a wildcard covers the name, and SIP allows none",
        fix="use a certificate that spells the name out",
        reference="RFC 5922 section 7.2",
    ),
    Code(
        "id.cn-only",
        "error",
        "the name stands only in the Common Name",
        fix="put it into subjectAltName",
        reference="RFC 5922 section 7.1",
    ),
    Code(
        "cert.raw-public-key",
        "error",
        "the server presented a bare key instead of a certificate",
        why="a raw public key has neither names nor a path; only a SECURE TLSA record 3 1 x can stand for it",
        impact="calls to this server fail for every client",
        causes=("the server offers raw public keys, but its zone has no usable TLSA record 3 1 x",),
        confirm=("$ dig +dnssec _5061._tcp.HOST TLSA",),
        fix="publish a TLSA record 3 1 1 for the key in a signed zone, or let the server present a certificate",
        reference="RFC 7250 section 3, RFC 7671 section 5.1",
    ),
)
