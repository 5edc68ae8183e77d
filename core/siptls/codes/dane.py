"""DNSSEC, the secure delegation, and TLSA records."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "dnssec.bogus",
        "error",
        "the DNS answer does not validate",
        why="its signatures are wrong, expired or missing: this looks the same as an attack",
        fix="re-sign the zone; check its DS",
        reference="RFC 7673 section 3.1",
    ),
    Code(
        "delegation.srv",
        "ok",
        "the delegation is secure: the target host may speak for the domain",
        reference="RFC 7673 section 3.1",
    ),
    Code(
        "delegation.host",
        "ok",
        "the host is the domain itself",
        reference="RFC 6698 section 3",
    ),
    Code(
        "delegation.tainted",
        "note",
        "the delegation is not secure: only the domain itself counts as identity",
        why="some name on the way came from an answer that DNSSEC does not protect, or not from the domain",
        fix="sign the zone",
        reference="RFC 5922 section 7.3",
    ),
    Code(
        "dane.tlsa",
        "ok",
        "TLSA asked",
        reference="RFC 7673 section 3.3",
    ),
    Code(
        "dane.insecure",
        "note",
        "TLSA records without DNSSEC are ignored",
        fix="sign the zone",
        reference="RFC 6698 section 4.1",
    ),
    Code(
        "dane.match",
        "ok",
        "a TLSA record matches what the server presented",
        reference="RFC 6698 section 2.1",
    ),
    Code(
        "dane.no-match",
        "error",
        "no TLSA record matches what the server presented",
        why=(
            "the certificate was probably renewed while the TLSA record still names the old one, or this is not the "
            "server"
        ),
        fix="publish the record for the new key one TTL before each renewal, or keep the key",
        reference="RFC 7671 section 8.1",
    ),
    Code(
        "dane.unusable",
        "error",
        "none of the TLSA records can be used",
        fix="publish for example 3 1 1 with SHA-256",
        reference="RFC 7671 section 10.3",
    ),
    Code(
        "dane.record-unusable",
        "warning",
        "a TLSA record cannot be used",
        fix="remove or correct it",
        reference="RFC 6698 section 4.1",
    ),
    Code(
        "dane.record-set-aside",
        "note",
        "a TLSA record is set aside: a stronger digest is there, or by policy",
        reference="RFC 7671 section 9",
    ),
    Code(
        "dane.lookup-failed",
        "error",
        "the TLSA lookup failed, so this server is not used",
        why="a failed lookup is treated as an attack, not as no record",
        fix="mend the name servers",
        reference="RFC 7673 section 3.4",
    ),
    Code(
        "dane.ta-not-sent",
        "error",
        "no certificate that the server sent matches the DANE-TA records",
        why="a digest cannot match a certificate that is not there",
        fix="send the trust anchor's certificate in the handshake",
        reference="RFC 7671 section 5.2.2",
    ),
    Code(
        "dane.pkix-usage",
        "note",
        "the verdict leans on a PKIX usage while DANE usages are enabled",
        why="it gives no more security against a DNSSEC compromise",
        reference="RFC 7671 section 4",
    ),
)
