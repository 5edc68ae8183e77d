"""The scenarios, each with the verdict that the standards demand; that was written down before anything ran."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from cryptography import x509

from pki import EMAIL_PROTECTION, NOW, SERVER_AUTH, Issued, Issuer, self_signed
from scenarios.worlds import NEVER, Scenario
from siptls import Limits, Policy
from siptls.events import Anchors, Failure

ROOT = Issuer.root()
ANCHORS = Anchors((ROOT.der,))
OWN_CA = Issuer.root("A CA of the domain's own")
DAY = timedelta(days=1)

# What servers present, by what it names.
DOMAIN = ROOT.intermediate().leaf(uris=["sip:example.com"])
HOST = ROOT.leaf(dns=["sip1.example.com"])
STRANGER = ROOT.leaf(uris=["sip:stranger.example"])
ATTACKER = ROOT.leaf(dns=["sip.evil.example", "evil.example"])
SELF_MADE = self_signed(cn="somebody")
PRIVATE = OWN_CA.leaf(dns=["sip1.example.com"])
COMMON_NAME = ROOT.leaf(cn="example.com")
WILDCARD = ROOT.leaf(dns=["*.example.com"])


def sha256(usage: int, selector: int, issued: Issued | Issuer) -> str:
    """A TLSA record with a digest."""
    return f"TLSA {usage} {selector} 1 {hashlib.sha256(issued.spki if selector else issued.der).hexdigest()}"


SERVICE = """
@           NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp
_sips._tcp  SRV 10 0 5061 sip1
"""
ONE = f"{SERVICE}sip1 A 192.0.2.1\n"
BOTH_FAMILIES = f"{ONE}sip1 AAAA 2001:db8::1\n"
TWO = f"{ONE}_sips._tcp SRV 20 0 5061 sip2\nsip2 A 192.0.2.2\n"
TLSA1, TLSA2 = "_5061._tcp.sip1", "_5061._tcp.sip2"
OF_HOSTER = """
_sips._tcp      SRV 10 0 5061 sip
sip             A 203.0.113.66
"""
V4, V6, SECOND = "192.0.2.1", "2001:db8::1", "192.0.2.2"


def scenario(
    name: str,
    zone: str | Mapping[str, str],
    chains: Issued | Mapping[str, Issued | Sequence[bytes]],
    expected: str,
    **more: Any,
) -> Scenario:
    """One scenario: the zone of example.com or several; who presents what; the verdict."""
    zones = {"example.com": zone} if isinstance(zone, str) else zone
    servers: Mapping[str, Issued | Sequence[bytes]] = {"*": chains} if isinstance(chains, Issued) else chains
    presented = {where: each.presented if isinstance(each, Issued) else each for where, each in servers.items()}
    more.setdefault("anchors", ANCHORS)
    return Scenario(name=name, expected=expected, zones=zones, chains=presented, **more)


def secure(name: str, zone: str | Mapping[str, str], *rest: Any, **more: Any) -> Scenario:
    """The same where the zones are signed."""
    return scenario(name, zone, *rest, dnssec="secure", **more)


METHODS = (
    secure("DANE-EE", f"{ONE}{TLSA1} {sha256(3, 1, SELF_MADE)}", SELF_MADE, f"ACCEPTED dane-ee dane.match {V4}"),
    secure(
        "DANE-TA",
        f"{ONE}{TLSA1} {sha256(2, 0, OWN_CA)}",
        {"*": PRIVATE.chain},
        f"ACCEPTED dane-ta dane.match {V4}",
        anchors=Anchors(),
    ),
    secure("PKIX-EE", f"{ONE}{TLSA1} {sha256(1, 1, DOMAIN)}", DOMAIN, f"ACCEPTED pkix-ee dane.match {V4}"),
    secure("PKIX-TA", f"{ONE}{TLSA1} {sha256(0, 0, ROOT)}", DOMAIN, f"ACCEPTED pkix-ta dane.match {V4}"),
    scenario("PKIX", ONE, DOMAIN, f"ACCEPTED pkix id.match {V4}"),
    scenario("PKIX by a DNS name", ONE, ROOT.leaf(dns=["example.com"]), f"ACCEPTED pkix id.match {V4}"),
    secure("the target's name, way protected", ONE, HOST, f"ACCEPTED pkix id.match-target {V4}"),
    scenario("the target's name, way unprotected", ONE, HOST, f"REJECTED none id.srv-target-only {V4}"),
    secure(
        "DANE-EE at the host, port in the URI",
        f"@ A 192.0.2.1\n_5071._tcp {sha256(3, 1, SELF_MADE)}",
        SELF_MADE,
        f"ACCEPTED dane-ee dane.match {V4}",
        uri="sips:alice@example.com:5071",
    ),
)

PINS = (
    secure(
        "wrong pin, PKIX would accept",
        f"{ONE}{TLSA1} {sha256(3, 1, HOST)}",
        DOMAIN,
        f"REJECTED none dane.no-match {V4}",
    ),
    secure(
        "pinned authority not sent",
        f"{ONE}{TLSA1} {sha256(2, 0, OWN_CA)}",
        PRIVATE,
        f"REJECTED none dane.ta-not-sent {V4}",
    ),
    secure(
        "stronger digest wrong, weaker one right",
        f"{ONE}{TLSA1} {sha256(3, 1, DOMAIN)}\n{TLSA1} TLSA 3 1 2 {'00' * 64}",
        DOMAIN,
        f"REJECTED none dane.no-match {V4}",
    ),
    secure("unusable TLSA", f"{ONE}{TLSA1} TLSA 3 1 9 00", DOMAIN, f"ACCEPTED pkix id.match {V4}"),
    secure(
        "unusable TLSA, strict DANE",
        f"{ONE}{TLSA1} TLSA 3 1 9 00",
        DOMAIN,
        "REJECTED none dane.unusable -",
        policy=Policy(strict_dane=True),
    ),
    secure(
        "TLSA in an unsigned zone",
        f"{ONE}{TLSA1} {sha256(3, 1, HOST)}",
        DOMAIN,
        f"ACCEPTED pkix id.match {V4}",
        statuses={"_5061._tcp.sip1.example.com": "insecure"},
    ),
    secure(
        "TLSA bogus",
        ONE,
        DOMAIN,
        "UNDETERMINED none dnssec.bogus -",
        statuses={"_5061._tcp.sip1.example.com": "bogus"},
    ),
    secure(
        "TLSA bogus, second target well",
        f"{TWO}{TLSA2} {sha256(3, 1, SELF_MADE)}",
        SELF_MADE,
        f"ACCEPTED dane-ee dane.match {SECOND}",
        statuses={"_5061._tcp.sip1.example.com": "bogus"},
    ),
    secure(
        "TLSA server fails",
        ONE,
        DOMAIN,
        "UNDETERMINED none dane.lookup-failed -",
        faults={"_5061._tcp.sip1.example.com TLSA": Failure.SERVFAIL},
    ),
    secure(
        "TLSA never answered",
        ONE,
        DOMAIN,
        "UNDETERMINED none dane.lookup-failed -",
        delays={"_5061._tcp.sip1.example.com TLSA": NEVER},
        policy=Policy(lookup_timeout=1),
        seconds=1,
    ),
)

LOOKUPS = (
    scenario("NAPTR bogus", ONE, DOMAIN, "UNDETERMINED none dnssec.bogus -", dnssec="bogus"),
    secure(
        "NAPTR server fails",
        ONE,
        DOMAIN,
        "UNDETERMINED none locate.servfail -",
        faults={"example.com NAPTR": Failure.SERVFAIL},
    ),
    secure(
        "NAPTR never answered",
        ONE,
        DOMAIN,
        "UNDETERMINED none locate.timeout -",
        delays={"example.com NAPTR": NEVER},
        policy=Policy(lookup_timeout=1),
        seconds=1,
    ),
    scenario(
        "NAPTR answered late, but in time",
        ONE,
        DOMAIN,
        f"ACCEPTED pkix id.match {V4}",
        delays={"example.com NAPTR": 1},
        policy=Policy(lookup_timeout=4),
        seconds=1,
    ),
    secure(
        "SRV bogus",
        ONE,
        DOMAIN,
        "UNDETERMINED none dnssec.bogus -",
        statuses={"_sips._tcp.example.com": "bogus"},
    ),
    secure(
        "SRV server refuses",
        ONE,
        DOMAIN,
        "UNDETERMINED none locate.refused -",
        faults={"_sips._tcp.example.com SRV": Failure.REFUSED},
    ),
    secure(
        "SRV answer malformed",
        ONE,
        DOMAIN,
        "UNDETERMINED none locate.malformed -",
        faults={"_sips._tcp.example.com SRV": Failure.MALFORMED},
    ),
    secure(
        "SRV never answered",
        ONE,
        DOMAIN,
        "UNDETERMINED none locate.timeout -",
        delays={"_sips._tcp.example.com SRV": NEVER},
        policy=Policy(lookup_timeout=1),
        seconds=1,
    ),
    secure("A and AAAA bogus", ONE, DOMAIN, "UNDETERMINED none dnssec.bogus -", statuses={"sip1.example.com": "bogus"}),
    secure(
        "AAAA bogus, A signed",
        ONE,
        DOMAIN,
        f"ACCEPTED pkix id.match {V4}",
        faults={"sip1.example.com AAAA": Failure.BOGUS},
    ),
    secure(
        "AAAA fails, A unsigned, SRV signed",
        ONE,
        DOMAIN,
        "UNDETERMINED none locate.servfail -",
        faults={"sip1.example.com AAAA": Failure.SERVFAIL},
        statuses={"sip1.example.com": "insecure"},
    ),
    scenario(
        "A fails, AAAA fine, nothing signed",
        BOTH_FAMILIES,
        DOMAIN,
        f"ACCEPTED pkix id.match {V6}",
        faults={"sip1.example.com A": Failure.SERVFAIL},
    ),
    scenario(
        "AAAA never answered",
        ONE,
        DOMAIN,
        f"ACCEPTED pkix id.match {V4}",
        delays={"sip1.example.com AAAA": NEVER},
        policy=Policy(lookup_timeout=1),
        seconds=1,
    ),
    scenario(
        "A answered before AAAA",
        BOTH_FAMILIES,
        DOMAIN,
        f"ACCEPTED pkix id.match {V6}",
        delays={"sip1.example.com AAAA": 1},
        policy=Policy(lookup_timeout=4),
        seconds=1,
    ),
    secure("no address", SERVICE, DOMAIN, "NO_SERVICE none locate.no-service -"),
    secure(
        "no address, second target well",
        f"{SERVICE}_sips._tcp SRV 20 0 5061 sip2\nsip2 A 192.0.2.2",
        DOMAIN,
        f"ACCEPTED pkix id.match {SECOND}",
    ),
    secure("no service, proven", "", DOMAIN, "NO_SERVICE none locate.no-service -"),
    scenario("no service, unproven", "", DOMAIN, "NO_SERVICE none locate.no-service.unproven -"),
    secure(
        "service refused by an SRV record",
        f"_sips._tcp SRV 0 0 0 .\n{ONE.split('5061 sip1')[1]}",
        DOMAIN,
        "NO_SERVICE none locate.no-service -",
        uri="sips:alice@example.com",
    ),
    secure(
        "sips, but clear text only",
        '@ NAPTR 1 1 "s" "SIP+D2T" "" _sip._tcp\n_sip._tcp SRV 1 1 5060 sip1\nsip1 A 192.0.2.1',
        DOMAIN,
        "NO_SERVICE none locate.no-service -",
        uri="sips:alice@example.com",
    ),
    secure(
        "a URI that wants UDP",
        ONE,
        DOMAIN,
        "NO_SERVICE none locate.no-service.unproven -",
        uri="sip:alice@example.com;transport=udp",
    ),
    scenario("SRV without NAPTR", ONE.partition("_sips._tcp\n")[2], DOMAIN, f"ACCEPTED pkix id.match {V4}"),
)

DETOURS = (
    secure(
        "alias, TLSA where it leads",
        {
            "example.com": f"{SERVICE}sip1 CNAME real.hoster.example.",
            "hoster.example": f"real A 192.0.2.1\n_5061._tcp.real {sha256(3, 1, SELF_MADE)}",
        },
        SELF_MADE,
        f"ACCEPTED dane-ee dane.match {V4}",
    ),
    secure(
        "alias, TLSA where it starts",
        {
            "example.com": f"{SERVICE}sip1 CNAME real.hoster.example.\n{TLSA1} {sha256(3, 1, SELF_MADE)}",
            "hoster.example": "real A 192.0.2.1",
        },
        SELF_MADE,
        f"ACCEPTED dane-ee dane.match {V4}",
    ),
    secure(
        "alias into an unsigned zone",
        {
            "example.com": f"{SERVICE}sip1 CNAME real.hoster.example.",
            "hoster.example": f"real A 192.0.2.1\n_5061._tcp.real {sha256(3, 1, HOST)}",
        },
        DOMAIN,
        f"ACCEPTED pkix id.match {V4}",
        statuses={"hoster.example": "insecure"},
    ),
    scenario("aliases in a circle", f"{SERVICE}sip1 CNAME a\na CNAME sip1", DOMAIN, "UNDETERMINED none locate.loop -"),
    secure(
        "sideways, both zones signed",
        {
            "example.com": '@ NAPTR 1 1 "s" "SIPS+D2T" "" _sips._tcp.hoster.example.',
            "hoster.example": f"{OF_HOSTER}_5061._tcp.sip {sha256(3, 1, SELF_MADE)}",
        },
        SELF_MADE,
        "ACCEPTED dane-ee dane.match 203.0.113.66",
    ),
    secure(
        "sideways to a signed attacker, unsigned",
        {
            "example.com": '@ NAPTR 1 1 "s" "SIPS+D2T" "" _sips._tcp.evil.example.',
            "evil.example": f"{OF_HOSTER}_5061._tcp.sip {sha256(3, 1, ATTACKER)}",
        },
        ATTACKER,
        "REJECTED none id.srv-target-only 203.0.113.66",
        statuses={"example.com": "insecure"},
    ),
    secure(
        "SRV to a signed attacker, unsigned",
        {
            "example.com": "_sips._tcp SRV 1 1 5061 sip.evil.example.",
            "evil.example": f"{OF_HOSTER}_5061._tcp.sip {sha256(3, 1, ATTACKER)}",
        },
        ATTACKER,
        "REJECTED none id.srv-target-only 203.0.113.66",
        statuses={"example.com": "insecure"},
    ),
    secure(
        "maddr to a signed attacker",
        {"example.com": ONE, "evil.example": f"{OF_HOSTER}_5061._tcp.sip {sha256(3, 1, ATTACKER)}"},
        ATTACKER,
        "REJECTED none id.srv-target-only 203.0.113.66",
        uri="sip:alice@example.com;maddr=evil.example",
    ),
    secure(
        "maddr to the domain's server",
        {"example.com": ONE, "evil.example": OF_HOSTER},
        DOMAIN,
        "ACCEPTED pkix id.match 203.0.113.66",
        uri="sip:alice@example.com;maddr=evil.example",
    ),
    scenario(
        "maddr is an address",
        ONE,
        DOMAIN,
        "ACCEPTED pkix id.match 192.0.2.77",
        uri="sip:alice@example.com;maddr=192.0.2.77",
    ),
    scenario("an address has no domain", "", DOMAIN, f"REJECTED none uri.ip-literal {V4}", uri="sip:alice@192.0.2.1"),
    scenario(
        "sips and an IPv6 address", "", HOST, f"REJECTED none uri.ip-literal {V6}", uri="sips:alice@[2001:db8::1]:5061"
    ),
    scenario(
        "an address that the policy lets prove",
        "",
        ROOT.leaf(ips=["192.0.2.1"]),
        f"ACCEPTED pkix id.match {V4}",
        uri="sip:alice@192.0.2.1",
        policy=Policy(allow_ip_identity=True),
    ),
)

CONNECTIONS = (
    scenario("nobody listens", BOTH_FAMILIES, {}, f"UNDETERMINED none net.refused {V6}"),
    scenario("the first address refuses", BOTH_FAMILIES, {f"{V4}:5061": DOMAIN}, f"ACCEPTED pkix id.match {V4}"),
    scenario(
        "one refuses, one is a stranger", BOTH_FAMILIES, {f"{V4}:5061": STRANGER}, f"REJECTED none id.mismatch {V4}"
    ),
    scenario(
        "the first target is a stranger",
        TWO,
        {"sip1.example.com:5061": STRANGER, "sip2.example.com:5061": DOMAIN},
        f"ACCEPTED pkix id.match {SECOND}",
    ),
    scenario("strangers everywhere", TWO, STRANGER, f"REJECTED none id.mismatch {V4}"),
    scenario("reset in the handshake", ONE, DOMAIN, f"UNDETERMINED none net.reset {V4}", faults={V4: "net.reset"}),
    scenario(
        "clear text on the port", ONE, DOMAIN, f"UNDETERMINED none tls.plain-sip {V4}", faults={V4: "tls.plain-sip"}
    ),
    scenario(
        "a certificate is demanded of us",
        ONE,
        DOMAIN,
        f"UNDETERMINED none tls.client-cert-required {V4}",
        faults={V4: "tls.client-cert-required"},
    ),
    scenario(
        "the first address never answers",
        BOTH_FAMILIES,
        DOMAIN,
        f"ACCEPTED pkix id.match {V4}",
        delays={V6: NEVER},
        policy=Policy(connect_timeout=1),
        seconds=1,
    ),
    scenario(
        "the first address answers too late",
        BOTH_FAMILIES,
        {f"[{V6}]:5061": STRANGER, f"{V4}:5061": DOMAIN},
        f"ACCEPTED pkix id.match {V4}",
        delays={V6: 3, V4: 1.5},
        policy=Policy(connect_timeout=2),
        seconds=3.5,
    ),
    scenario(
        "no address ever answers",
        BOTH_FAMILIES,
        DOMAIN,
        f"UNDETERMINED none net.timeout {V6}",
        delays={V6: NEVER, V4: NEVER},
        policy=Policy(connect_timeout=1),
        seconds=2,
    ),
    scenario(
        "staggered: the second one answers",
        BOTH_FAMILIES,
        DOMAIN,
        f"ACCEPTED pkix id.match {V4}",
        delays={V6: NEVER},
        policy=Policy(attempt_delay=1),
        seconds=1,
    ),
    scenario(
        "staggered: the first one answers first",
        BOTH_FAMILIES,
        DOMAIN,
        f"ACCEPTED pkix id.match {V6}",
        delays={V6: 2, V4: 3},
        policy=Policy(attempt_delay=1),
        seconds=2,
    ),
    scenario(
        "staggered: the quick one is a stranger",
        BOTH_FAMILIES,
        {f"[{V6}]:5061": DOMAIN, f"{V4}:5061": STRANGER},
        f"ACCEPTED pkix id.match {V6}",
        delays={V6: 2},
        policy=Policy(attempt_delay=1),
        seconds=2,
    ),
    scenario(
        "staggered: two strangers",
        BOTH_FAMILIES,
        STRANGER,
        f"REJECTED none id.mismatch {V4}",
        delays={V6: 2},
        policy=Policy(attempt_delay=1),
        seconds=2,
    ),
    scenario(
        "staggered: refused, then a time-out",
        BOTH_FAMILIES,
        {f"{V4}:5061": DOMAIN},
        f"UNDETERMINED none net.refused {V6}",
        delays={V6: 2, V4: NEVER},
        policy=Policy(attempt_delay=1, connect_timeout=4),
        seconds=5,
    ),
)

CERTIFICATES = (
    scenario("no certificate", ONE, {"*": ()}, f"REJECTED none tls.no-certificate {V4}"),
    scenario("a malformed certificate", ONE, {"*": (b"junk",)}, f"REJECTED none cert.malformed {V4}"),
    scenario(
        "expired",
        ONE,
        ROOT.leaf(uris=["sip:example.com"], not_before=NOW - 9 * DAY, not_after=NOW - DAY),
        f"REJECTED none chain.expired {V4}",
    ),
    scenario(
        "not yet valid",
        ONE,
        ROOT.leaf(uris=["sip:example.com"], not_before=NOW + DAY, not_after=NOW + 9 * DAY),
        f"REJECTED none chain.not-yet-valid {V4}",
    ),
    secure(
        "expired, but pinned by DANE-EE",
        f"{ONE}{TLSA1} TLSA 3 0 0 "
        + (old := ROOT.leaf(uris=["sip:x.example"], not_before=NOW - 9 * DAY, not_after=NOW - DAY)).der.hex(),
        old,
        f"ACCEPTED dane-ee dane.match {V4}",
    ),
    scenario(
        "self-signed", ONE, self_signed(uris=["sip:example.com"], cn="x"), f"REJECTED none chain.self-signed {V4}"
    ),
    scenario(
        "an authority unknown here",
        ONE,
        {"*": OWN_CA.leaf(uris=["sip:example.com"]).chain},
        f"REJECTED none chain.unknown-ca {V4}",
    ),
    scenario(
        "the issuer's certificate not sent",
        ONE,
        {"*": DOMAIN.presented[:1]},
        f"REJECTED none chain.missing-intermediate {V4}",
    ),
    scenario(
        "a CA that may not name the domain",
        ONE,
        ROOT.intermediate(permitted=[x509.DNSName("evil.example")]).leaf(uris=["sip:example.com"]),
        f"REJECTED none chain.name-constraints {V4}",
    ),
    scenario(
        "for e-mail only",
        ONE,
        ROOT.leaf(uris=["sip:example.com"], eku=[EMAIL_PROTECTION]),
        f"REJECTED none chain.eku {V4}",
    ),
    scenario(
        "for web servers",
        ONE,
        web := ROOT.leaf(uris=["sip:example.com"], eku=[SERVER_AUTH]),
        f"ACCEPTED pkix id.match {V4}",
    ),
    scenario(
        "for web servers, strict RFC 5924", ONE, web, f"REJECTED none chain.eku {V4}", policy=Policy(eku="strict")
    ),
    scenario(
        "no SIP name at all", ONE, ROOT.leaf(emails=["sip@example.com"]), f"REJECTED none cert.no-identities {V4}"
    ),
    scenario("the name only in the CN", ONE, COMMON_NAME, f"REJECTED none id.cn-only {V4}"),
    scenario(
        "the name only in the CN, allowed",
        ONE,
        COMMON_NAME,
        f"ACCEPTED pkix id.match {V4}",
        policy=Policy(allow_cn=True),
    ),
    secure("only a wildcard", ONE, WILDCARD, f"REJECTED none id.wildcard {V4}"),
    secure(
        "only a wildcard, allowed",
        ONE,
        WILDCARD,
        f"ACCEPTED pkix id.match-target {V4}",
        policy=Policy(allow_wildcards=True),
    ),
    secure(
        "the target's name is wanted, and absent",
        ONE,
        DOMAIN,
        f"REJECTED none id.target-name {V4}",
        policy=Policy(require_target_name=True),
    ),
)

POLICIES = (
    secure(
        "DANE required, PKIX found",
        ONE,
        DOMAIN,
        f"INSUFFICIENT pkix policy.too-weak {V4}",
        policy=Policy(require="dane"),
    ),
    secure(
        "PKIX required, DANE-EE found",
        f"{ONE}{TLSA1} {sha256(3, 1, SELF_MADE)}",
        SELF_MADE,
        f"INSUFFICIENT dane-ee policy.too-weak {V4}",
        policy=Policy(require="pkix"),
    ),
    secure(
        "DANE-EE required, DANE-TA found",
        f"{ONE}{TLSA1} {sha256(2, 0, OWN_CA)}",
        {"*": PRIVATE.chain},
        f"INSUFFICIENT dane-ta policy.too-weak {V4}",
        policy=Policy(require="dane-ee"),
    ),
    secure(
        "too weak, second target is enough",
        f"{TWO}{TLSA2} {sha256(3, 1, DOMAIN)}",
        DOMAIN,
        f"ACCEPTED dane-ee dane.match {SECOND}",
        policy=Policy(require="dane"),
    ),
    secure(
        "audit of an acceptance",
        f"{ONE}{TLSA1} {sha256(3, 1, SELF_MADE)}",
        SELF_MADE,
        f"ACCEPTED dane-ee dane.match {V4}",
        policy=Policy(audit=True),
    ),
    secure(
        "audit of a rejection",
        f"{ONE}{TLSA1} {sha256(3, 1, HOST)}\n{TLSA1} {sha256(2, 0, OWN_CA)}",
        DOMAIN,
        f"REJECTED none dane.no-match {V4}",
        policy=Policy(audit=True),
    ),
    scenario("IPv4 only", BOTH_FAMILIES, DOMAIN, f"ACCEPTED pkix id.match {V4}", policy=Policy(families=("ipv4",))),
    scenario(
        "asked ahead of time",
        TWO,
        {f"{SECOND}:5061": DOMAIN},
        f"ACCEPTED pkix id.match {SECOND}",
        policy=Policy(prefetch=2),
    ),
)

LIMITS = (
    scenario(
        "limit of targets",
        TWO,
        {"sip1.example.com:5061": STRANGER, "sip2.example.com:5061": DOMAIN},
        f"REJECTED none id.mismatch {V4}",
        policy=Policy(limits=Limits(targets=1)),
    ),
    scenario(
        "limit of addresses",
        BOTH_FAMILIES,
        {f"{V4}:5061": DOMAIN},
        f"UNDETERMINED none net.refused {V6}",
        policy=Policy(limits=Limits(addresses=1)),
    ),
    scenario(
        "limit of attempts",
        BOTH_FAMILIES,
        {f"{V4}:5061": DOMAIN},
        f"UNDETERMINED none net.refused {V6}",
        policy=Policy(limits=Limits(attempts=1)),
    ),
    scenario(
        "limit of certificates", ONE, DOMAIN, f"REJECTED none limit.chain {V4}", policy=Policy(limits=Limits(chain=1))
    ),
    scenario(
        "limit of names",
        ONE,
        ROOT.leaf(uris=["sip:example.com", "sip:example.net"]),
        f"REJECTED none limit.sans {V4}",
        policy=Policy(limits=Limits(sans=1)),
    ),
    scenario("limit of lookups", ONE, DOMAIN, "UNDETERMINED none limit.dns -", policy=Policy(limits=Limits(lookups=2))),
    scenario("limit of records", TWO, DOMAIN, "UNDETERMINED none limit.dns -", policy=Policy(limits=Limits(records=1))),
    scenario(
        "limit of seconds",
        ONE,
        DOMAIN,
        f"UNDETERMINED none limit.seconds {V4}",
        delays={V4: NEVER},
        policy=Policy(limits=Limits(seconds=2)),
        seconds=2,
    ),
    scenario(
        "limit of seconds, a stranger before",
        BOTH_FAMILIES,
        {f"[{V6}]:5061": STRANGER, f"{V4}:5061": DOMAIN},
        f"REJECTED none id.mismatch {V6}",
        delays={V4: NEVER},
        policy=Policy(limits=Limits(seconds=2)),
        seconds=2,
    ),
    scenario(
        "path not validated in time",
        ONE,
        DOMAIN,
        f"UNDETERMINED none chain.timeout {V4}",
        delays={"path": 3},
        policy=Policy(path_timeout=1),
        seconds=1,
    ),
)

SCENARIOS: tuple[Scenario, ...] = (
    *METHODS,
    *PINS,
    *LOOKUPS,
    *DETOURS,
    *CONNECTIONS,
    *CERTIFICATES,
    *POLICIES,
    *LIMITS,
)
