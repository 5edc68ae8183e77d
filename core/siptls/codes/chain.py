"""The certificate path."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "chain.valid",
        "ok",
        "the certificate path is valid",
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
        fix="renew it",
        reference="RFC 5280 section 6.1.3",
    ),
    Code(
        "chain.not-yet-valid",
        "error",
        "a certificate is not valid yet",
        why="one of two clocks may be wrong",
        fix="check the clock of this machine",
        reference="RFC 5280 section 6.1.3",
    ),
    Code(
        "chain.self-signed",
        "error",
        "the certificate is self-signed and no trust anchor",
        fix="use DANE-EE, or a certificate of a trusted authority",
        reference="RFC 5280 section 6.1",
    ),
    Code(
        "chain.missing-intermediate",
        "error",
        "the server did not send its issuer's certificate",
        fix="configure the whole chain on the server",
        reference="RFC 5246 section 7.4.2",
    ),
    Code(
        "chain.unknown-ca",
        "error",
        "the path ends at an authority that is not trusted here",
        fix="add the authority's root to the trust anchors, or change the authority",
        reference="RFC 5280 section 6.1",
    ),
    Code(
        "chain.name-constraints",
        "error",
        "an authority in the path may not speak for this name",
        fix="use an authority without that constraint",
        reference="RFC 5280 section 4.2.1.10",
    ),
    Code(
        "chain.eku",
        "error",
        "a certificate in the path is for another purpose",
        fix="issue it with id-kp-sipDomain or serverAuth, or without extended key usage",
        reference="RFC 5924 section 5",
    ),
    Code(
        "chain.key-usage",
        "error",
        "the certificate's key may not be used for TLS",
        fix="issue it with digitalSignature",
        reference="RFC 5280 section 4.2.1.3",
    ),
    Code(
        "chain.weak",
        "error",
        "a key or signature in the path is too weak or of a kind that is not supported",
        fix="use P-256 or RSA of at least 2048 bits with SHA-256",
        reference="RFC 5280 section 6.1",
    ),
    Code(
        "chain.malformed",
        "error",
        "a certificate in the path is malformed",
        fix="issue it anew",
        reference="RFC 5280 section 4.1",
    ),
    Code(
        "chain.invalid",
        "error",
        "no valid certificate path was found",
        reference="RFC 5280 section 6.1",
    ),
    Code(
        "chain.timeout",
        "error",
        "the certificate path was not validated in time",
        fix="try again",
    ),
    Code(
        "chain.also-pkix",
        "note",
        "PKIX alone would have accepted the certificate path",
        reference="RFC 5280 section 6",
    ),
    Code(
        "chain.not-pkix",
        "note",
        "PKIX alone would not have accepted the certificate path",
        why="clients without DANE will refuse this server",
        reference="RFC 5280 section 6",
    ),
)
