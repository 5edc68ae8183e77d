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
        impact=(
            "calls to the domain fail from everybody who validates DNSSEC; callers who do not validate notice nothing"
        ),
        causes=(
            "the signatures have expired: the signer has stopped",
            "the keys were changed, but the DS record at the parent was not",
            "the clock of this machine is wrong",
            "a resolver on the way removes signatures",
            "somebody forges answers",
        ),
        confirm=(
            "$ delv NAME TYPE",
            "$ dig +cd +dnssec NAME TYPE",
            "compare the dates in the RRSIG records with the date of today",
            "$ dig DOMAIN DS",
        ),
        fix="re-sign the zone; check its DS",
        reference="RFC 4035 section 5, RFC 7673 section 3.1",
    ),
    Code(
        "delegation.srv",
        "ok",
        "the delegation is secure: the target host may speak for the domain",
        why="DNSSEC protects each step from the domain to the host, so the host's name and its TLSA records count",
        reference="RFC 7673 section 3.1",
    ),
    Code(
        "delegation.host",
        "ok",
        "the host is the domain itself",
        why="no other name stands between the domain and the server",
        reference="RFC 6698 section 3",
    ),
    Code(
        "delegation.tainted",
        "note",
        "the delegation is not secure: only the domain itself counts as identity",
        why="some name on the way came from an answer that DNSSEC does not protect, or not from the domain",
        impact=(
            "servers at a provider need a certificate for the customer's domain; TLSA records on the way are not used"
        ),
        confirm=("$ delv _sips._tcp.DOMAIN SRV",),
        fix="sign the zone",
        reference="RFC 5922 section 7.3, RFC 7673 section 3.1",
    ),
    Code(
        "dane.tlsa",
        "ok",
        "TLSA asked",
        why="the TLSA records at the server's port say which certificates or keys it may present",
        reference="RFC 7673 section 3.3",
    ),
    Code(
        "dane.insecure",
        "note",
        "TLSA records without DNSSEC are ignored",
        why=(
            "what DNSSEC does not protect may be forged, so it may neither help nor harm; the certificate is judged "
            "without it"
        ),
        impact="none for calls; the protection that the TLSA records were published for is not there",
        causes=(
            "the zone of the host is not signed, or has no DS record at its parent",
            "the resolver does not validate, or is not trusted to",
        ),
        confirm=(
            "$ delv _PORT._tcp.HOST TLSA",
            "$ dig HOST DS",
        ),
        fix="sign the zone",
        reference="RFC 6698 section 4.1",
    ),
    Code(
        "dane.match",
        "ok",
        "a TLSA record matches what the server presented",
        why="the domain itself says by DNSSEC that this certificate or key is the one",
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
        impact=(
            "calls fail from everybody who uses DANE; callers without DANE still connect, so only some peers report an "
            "outage"
        ),
        causes=(
            "the certificate was renewed with a new key, and the TLSA record was not changed",
            "the TLSA record was changed, but caches still hold the old one",
            "one of several servers behind the name has another certificate",
            "somebody else answers at the address",
        ),
        confirm=(
            "$ siptls dane check HOST:PORT --domain DOMAIN",
            "$ dig +dnssec _PORT._tcp.HOST TLSA",
            "$ openssl s_client -connect HOST:PORT -servername HOST -showcerts",
            "compare the digests that were expected and found with those of each of the servers",
        ),
        fix="publish the record for the new key two TTLs before each renewal, or keep the key",
        reference="RFC 7671 section 8.1, RFC 7673 section 4",
    ),
    Code(
        "dane.unusable",
        "error",
        "none of the TLSA records can be used",
        why="the policy (strict_dane) refuses a server whose zone says that DANE is wanted, but not by which key",
        impact="calls from here to this server fail; without strict_dane it would be judged by its certificate path",
        causes=(
            "the digest has the wrong length, or data was cut off",
            "the numbers of usage, selector or matching type are unknown",
        ),
        confirm=(
            "$ dig +dnssec _PORT._tcp.HOST TLSA",
            "the reason stands beside each record",
        ),
        fix="publish for example 3 1 1 with SHA-256",
        reference="RFC 7671 section 10.3, RFC 6698 section 4.1",
    ),
    Code(
        "dane.record-unusable",
        "warning",
        "a TLSA record cannot be used",
        why="its numbers are unknown, or its data does not fit them, so it can match nothing",
        impact=(
            "none while another record matches; if none is left, this server is judged as if DANE were not there, or "
            "refused"
        ),
        causes=(
            "the digest has the wrong length, or data was cut off",
            "the record is for the future, with numbers that are not known yet",
        ),
        confirm=(
            "$ dig +dnssec _PORT._tcp.HOST TLSA",
            "the reason stands beside the record",
        ),
        fix="remove or correct it",
        reference="RFC 6698 section 4.1, RFC 7671 section 10.3",
    ),
    Code(
        "dane.record-set-aside",
        "note",
        "a TLSA record is set aside: a stronger digest is there, or by policy",
        why=(
            "of records for the same usage and selector only the strongest digest counts, so that a weak one cannot be "
            "the way in"
        ),
        impact="none, if the stronger record is right; if only the weaker one was kept up to date, calls fail",
        reference="RFC 7671 section 9, RFC 7671 section 4",
    ),
    Code(
        "dane.lookup-failed",
        "error",
        "the TLSA lookup failed, so this server is not used",
        why="a failed lookup is treated as an attack, not as no record",
        impact="calls do not reach this server; another server of the domain is tried, if there is one",
        causes=(
            "the name servers do not answer for TLSA, or for names with an underscore",
            "a firewall in front of the name servers drops unknown types",
            "the denial of the TLSA record does not validate",
            "somebody holds the answer back",
        ),
        confirm=(
            "$ dig +dnssec _PORT._tcp.HOST TLSA",
            "$ delv _PORT._tcp.HOST TLSA",
            "ask each name server of the zone alone",
        ),
        fix="mend the name servers",
        reference="RFC 7673 section 3.4, RFC 7672 section 2.1.1",
    ),
    Code(
        "dane.ta-not-sent",
        "error",
        "no certificate that the server sent matches the DANE-TA records",
        why="a digest cannot match a certificate that is not there",
        impact="calls fail from everybody who uses DANE; callers without DANE still connect",
        causes=(
            "the server sends its own certificate only",
            "the authority has changed its issuing certificate",
            "the TLSA record names another authority, or somebody else answers at the address",
        ),
        confirm=(
            "$ openssl s_client -connect HOST:PORT -servername HOST -showcerts",
            "$ dig +dnssec _PORT._tcp.HOST TLSA",
        ),
        fix="send the trust anchor's certificate in the handshake",
        reference="RFC 7671 section 5.2.2",
    ),
    Code(
        "dane.pkix-usage",
        "note",
        "the verdict leans on a PKIX usage while DANE usages are enabled",
        why="it gives no more security against a DNSSEC compromise",
        impact="none: the server is accepted",
        reference="RFC 7671 section 4",
    ),
)
