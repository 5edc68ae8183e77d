"""The certificate path."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "chain.valid",
        "ok",
        "the certificate path is valid",
        why="each certificate is signed by the next one, up to a trust anchor, and all are in time",
        reference="RFC 5280 section 6",
    ),
    Code(
        "chain.purpose",
        "ok",
        "the certificate's purposes allow SIP over TLS",
        reference="RFC 5924 section 5",
    ),
    Code(
        "chain.expired",
        "error",
        "a certificate has expired",
        why="after its last day nobody answers for what a certificate says",
        impact=(
            "calls with this peer fail from everybody who verifies certificates; DANE-EE alone does not look at dates"
        ),
        causes=(
            "the renewal did not run, or the server was not reloaded after it",
            "an intermediate certificate has expired, and the server still sends it",
            "the clock of this machine is wrong",
        ),
        confirm=(
            "$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",
            "$ openssl x509 -in FILE -noout -dates",
            "$ date -u",
        ),
        fix="renew it and reload the server",
        reference="RFC 5280 section 6.1.3",
    ),
    Code(
        "chain.not-yet-valid",
        "error",
        "a certificate is not valid yet",
        why="one of two clocks may be wrong",
        impact="calls with this peer fail from everybody whose clock says the same",
        causes=(
            "the clock of this machine is slow, for example after a restart without time service",
            "the certificate was made on a machine whose clock is fast, or for a later date",
        ),
        confirm=(
            "$ date -u",
            "$ openssl x509 -in FILE -noout -dates",
        ),
        fix="check the clock of this machine",
        reference="RFC 5280 section 6.1.3",
    ),
    Code(
        "chain.self-signed",
        "error",
        "the certificate is self-signed and no trust anchor",
        why=(
            "everybody can make such a certificate for every name; only a trust anchor or a TLSA record could vouch "
            "for it"
        ),
        impact="calls with this peer fail from everybody who was not told to trust this certificate",
        causes=(
            "the server still has the certificate that came with the product",
            "the certificate of the company's own authority was not added to the trust anchors",
            "the TLSA record for it is missing, or not signed",
        ),
        confirm=(
            "$ openssl x509 -in FILE -noout -subject -issuer",
            "$ dig +dnssec _PORT._tcp.HOST TLSA",
        ),
        fix="use DANE-EE, or a certificate of a trusted authority",
        reference="RFC 5280 section 6.1, RFC 7671 section 5.1",
    ),
    Code(
        "chain.missing-intermediate",
        "error",
        "the peer did not send its issuer's certificate",
        why=(
            "a peer must send all certificates up to the root; browsers fetch or remember missing ones, SIP clients "
            "do not"
        ),
        impact="calls fail from most SIP clients, while a browser shows no error",
        causes=(
            "the server was given the certificate file instead of the full chain",
            "the authority has changed its intermediate certificate",
        ),
        confirm=(
            "$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",
            "count the certificates: one alone is nearly always too few",
        ),
        fix="configure the whole chain on the server, often called fullchain.pem",
        reference="RFC 5246 section 7.4.2, RFC 8446 section 4.4.2",
    ),
    Code(
        "chain.unknown-ca",
        "error",
        "the path ends at an authority that is not trusted here",
        why="a certificate is worth what its authority is, and nobody here has said that this one is to be trusted",
        impact="calls with this peer fail from everybody who does not trust that authority",
        causes=(
            "the authority is a company's own, and its root is not installed here",
            "the trust anchors of this machine are old, or --ca-file names others",
            "the authority was removed from the usual trust stores",
            "somebody else answers at the address",
        ),
        confirm=(
            "$ openssl x509 -in FILE -noout -issuer",
            "$ siptls cert FILE --domain DOMAIN --ca-file ROOTS",
        ),
        fix="add the authority's root to the trust anchors, or change the authority",
        reference="RFC 5280 section 6.1",
    ),
    Code(
        "chain.name-constraints",
        "error",
        "an authority in the path may not speak for this name",
        why=(
            "an authority whose certificate limits it to some names must not vouch for others; here this holds for sip "
            "URIs too"
        ),
        impact="calls with this peer fail from everybody who verifies certificate paths",
        causes=(
            "a company's own authority is limited to its own domains, and this is another one",
            "somebody misuses an authority that is limited",
        ),
        confirm=(
            "$ openssl x509 -in ISSUER -noout -ext nameConstraints",
            "$ siptls cert FILE --domain DOMAIN --ca-file ROOTS",
        ),
        fix="use an authority without that constraint",
        reference="RFC 5280 section 4.2.1.10",
    ),
    Code(
        "chain.name-barred",
        "warning",
        "an authority in the path may not speak for some of the certificate's names, so these prove nothing",
        why=(
            "an authority whose certificate limits it to some names must not vouch for others; its word for the other "
            "names of the same certificate still counts"
        ),
        impact="connections for the barred names are refused; for the others nothing changes",
        causes=(
            "a certificate was ordered with names of a domain that the authority is not meant for",
            "somebody misuses an authority that is limited",
        ),
        confirm=("$ openssl x509 -in ISSUER -noout -ext nameConstraints", "$ openssl x509 -in FILE -noout -text"),
        fix="ask whoever runs the authority why it signed these names; have a certificate issued without them",
        reference="RFC 5280 section 4.2.1.10",
    ),
    Code(
        "chain.uri-constraints",
        "error",
        "an authority in the path constrains URIs, so it cannot issue a certificate with a sip URI",
        why="a sip URI has no authority component that could be held against the constraint, so it must be rejected",
        impact="every call to this server fails, whatever other names its certificate has",
        causes=("the authority was set up for web servers, and constrains more than DNS names",),
        confirm=("$ openssl x509 -in FILE -noout -ext nameConstraints",),
        fix="take an authority without constraints on URIs, or have the certificate issued with DNS names alone",
        reference="RFC 5280 section 4.2.1.10",
    ),
    Code(
        "chain.eku",
        "error",
        "a certificate in the path is for another purpose",
        why="the extended key usage says what the certificate was issued for, and SIP over TLS is not among it",
        impact="calls with this peer fail here; clients that follow another policy may connect",
        causes=(
            "it is a certificate for a client, for mail or for signing code",
            "with the policy strict, serverAuth alone does not suffice",
            "an authority in the path is limited to other purposes",
        ),
        confirm=(
            "$ openssl x509 -in FILE -noout -ext extendedKeyUsage",
            "$ siptls cert FILE --domain DOMAIN",
        ),
        fix="issue it with id-kp-sipDomain or serverAuth, or without extended key usage",
        reference="RFC 5924 section 5, RFC 5280 section 4.2.1.12",
    ),
    Code(
        "chain.key-usage",
        "error",
        "the certificate's key may not be used for TLS",
        why="the key usage of the certificate allows neither digitalSignature, nor keyEncipherment, nor keyAgreement",
        impact="calls with this peer fail here; clients that do not look at key usage may connect",
        causes=(
            "it is the certificate of an authority, or one for signing only",
            "the template of the authority is wrong",
        ),
        confirm=("$ openssl x509 -in FILE -noout -ext keyUsage",),
        fix="issue it with digitalSignature",
        reference="RFC 5280 section 4.2.1.3",
    ),
    Code(
        "chain.weak",
        "error",
        "a key or signature in the path is too weak or of a kind that is not supported",
        why="what can be computed by an attacker proves nothing",
        impact="calls with this peer fail here, and from most clients with a current TLS library",
        causes=(
            "the certificate, or one of its authority, is very old: SHA-1, or RSA below 2048 bits",
            "the authority signs with Ed25519 or Ed448, which the path validator does not support",
        ),
        confirm=(
            "$ openssl x509 -in FILE -noout -text",
            "look at Signature Algorithm and Public-Key",
        ),
        fix="use P-256 or RSA of at least 2048 bits with SHA-256",
        reference="RFC 5280 section 6.1, RFC 9155 section 2, NIST SP 800-131A section 3",
    ),
    Code(
        "chain.malformed",
        "error",
        "a certificate in the path is malformed",
        why="what two readers could read differently proves nothing",
        impact="calls with this peer fail here; less strict clients may connect",
        causes=(
            "a certificate in the chain of the server is damaged, or in the wrong format",
            "the authority does not follow RFC 5280",
        ),
        confirm=(
            "$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",
            "$ openssl x509 -in FILE -noout -text",
        ),
        fix="issue it anew",
        reference="RFC 5280 section 4.1",
    ),
    Code(
        "chain.invalid",
        "error",
        "no valid certificate path was found",
        why="there are certificates that look like a path, but one of the rules for paths is broken",
        impact="calls with this peer fail from everybody who verifies certificate paths",
        causes=(
            "a signature does not fit: two authorities have the same name and different keys",
            "an issuer is no authority, or may not issue further authorities",
            "a critical extension is unknown",
        ),
        confirm=(
            "$ openssl verify -CAfile ROOTS -untrusted CHAIN FILE",
            "the finding says what the path validator said",
        ),
        fix="order the certificates as one chain of one authority; ask the authority for its current intermediates",
        reference="RFC 5280 section 6.1",
    ),
    Code(
        "chain.timeout",
        "error",
        "the certificate path was not validated in time",
        why="path validation runs apart from the rest, and had no result when its time was over",
        impact="calls with this peer fail from here; trying again may help",
        causes=(
            "this machine is overloaded",
            "the chain is made to take long",
        ),
        confirm=(
            "$ uptime",
            "$ siptls cert FILE --domain DOMAIN",
        ),
        fix="try again; raise path_timeout",
        reference="RFC 5280 section 6.1",
    ),
    Code(
        "chain.also-pkix",
        "note",
        "PKIX alone would have accepted the certificate path",
        why="the certificate would do for clients without DANE too, as far as its path goes",
        impact="none",
        reference="RFC 5280 section 6",
    ),
    Code(
        "chain.not-pkix",
        "note",
        "PKIX alone would not have accepted the certificate path",
        why="clients without DANE will refuse this server",
        impact="none for those who use DANE; all others cannot call this server",
        reference="RFC 5280 section 6",
    ),
)
