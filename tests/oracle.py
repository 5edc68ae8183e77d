"""The reference model: of a whole world it says which verdicts are allowed.

It reads like the tables it is made from, and names their rows: D-SEC (where the answers lead), D-STATE (what applies to
a server), D-REF (which names count), D-PATH (which paths count), and the resolutions A-*; `oracle_court` has the last
three. It knows neither events nor time nor order of arrival, and shares no logic with the core: it looks at all answers
of a world at once, and at certificates as the facts that they were made from.

More than one verdict is allowed only where the standards leave it open: the order of servers of one priority and of
addresses of one family, and which of several valid paths a validator returns.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, TypeAlias

from model_certificates import Server
from model_worlds import ModelWorld
from oracle_court import Charge, Court, Rule, constraining, counting
from siptls import Failure, Policy, SipUri
from siptls.dns import Address, Naptr, Srv, Tlsa
from world import INSECURE, SECURE, Said
from worlds import heard_in

Delegation: TypeAlias = Literal["srv", "host", "tainted"]
Addressed: TypeAlias = Literal["failed", "none", "insecure", "secure"]
Pinned: TypeAlias = Literal["not asked", "failed", "none", "unusable", "usable"]

FAILURES = {
    Failure.BOGUS: "dnssec.bogus",
    Failure.SERVFAIL: "locate.servfail",
    Failure.REFUSED: "locate.refused",
    Failure.TIMEOUT: "locate.timeout",
}

D_STATE: dict[tuple[Delegation, Addressed, Pinned], Rule | None] = {
    # TAINTED stands for "INSECURE, or none without secure proof"; None is no endpoint.
    ("tainted", "failed", "not asked"): None,
    ("tainted", "insecure", "not asked"): "domain",
    ("tainted", "secure", "not asked"): "domain",
    ("srv", "failed", "not asked"): None,
    ("srv", "insecure", "not asked"): "domain or target",
    ("srv", "secure", "failed"): None,
    ("srv", "secure", "none"): "domain or target",
    ("srv", "secure", "unusable"): "domain or target",
    ("srv", "secure", "usable"): "dane",
    ("host", "secure", "usable"): "dane",
    ("host", "secure", "none"): "domain",
    ("host", "secure", "unusable"): "domain",
    ("host", "secure", "failed"): None,
    ("host", "insecure", "not asked"): "domain",
    ("host", "failed", "not asked"): None,
    # An alias with a secure first step: TLSA at the original name only.
    ("host", "insecure", "failed"): None,
    ("host", "insecure", "none"): "domain",
    ("host", "insecure", "unusable"): "domain",
    ("host", "insecure", "usable"): "dane",
}
"""REQUIREMENTS section 23: what applies to a server. An insecure answer to a TLSA question is none."""


@dataclass(frozen=True)
class Allowed:
    """One verdict that is allowed.

    Attributes:
        codes: what the code may begin with.
        host, port, address: the server that it speaks of.
        identities: the domains that are proven.
        expires: until when the evidence holds, at the latest, in seconds from now.
    """

    outcome: str
    codes: tuple[str, ...]
    method: str = "none"
    host: str | None = None
    port: int | None = None
    address: str | None = None
    identities: frozenset[str] = frozenset()
    expires: float = math.inf


GRAVITY = ("ACCEPTED", "REJECTED", "UNDETERMINED", "INSUFFICIENT", "NO_SERVICE")
"""DESIGN section 3: several attempts are ACCEPTED if one is, else the first of what stands first here."""


def first_of(groups: Sequence[Sequence[frozenset[Allowed]]]) -> frozenset[Allowed]:
    """What attempts come to: each group is tried in any order, one group after the other."""

    def gravest(allowed: Iterable[Allowed]) -> list[Allowed]:
        listed = list(allowed)
        least = min([GRAVITY.index(each.outcome) for each in listed], default=0)
        return [each for each in listed if GRAVITY.index(each.outcome) == least]

    of_groups = [
        frozenset([each for chosen in itertools.product(*group) for each in gravest(chosen)])
        for group in groups
        if group
    ]
    return frozenset([gravest(chosen)[0] for chosen in itertools.product(*of_groups) if chosen])


# D-SEC: where the answers lead.


@dataclass(frozen=True)
class Way:
    """A server that the answers lead to."""

    host: str
    port: int
    delegation: Delegation
    priority: int = 0
    led_by: tuple[Said, ...] = ()
    """The answers that led to it."""


@dataclass(frozen=True)
class Pins:
    """What came of the TLSA lookups for a server: the records that count, and the base domain where they stand."""

    state: Pinned
    base: str = ""
    counting: tuple[Tlsa, ...] = ()
    asked: tuple[Said, ...] = ()
    """The answers that this stands on."""
    failure: Failure | None = None


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class Oracle:
    """Says which verdicts a world allows.

    Args:
        world: what there is.
        uri: where to.
        policy: what is wanted.
    """

    def __init__(self, world: ModelWorld, uri: str, policy: Policy) -> None:
        self.world, self.uri, self.policy = world, SipUri.parse(uri), policy
        self.domain = self.uri.host
        """The AUS domain: the URI's host, whatever is resolved instead of it (A-02)."""
        self.target = self.uri.maddr or self.uri.host
        self.own = self.target == self.domain
        """Only the AUS domain starts TRUSTED (D-SEC-15)."""
        self.server_names: dict[tuple[str, int], str | None] = {}
        """The server_name that each server must be sent."""
        self.may_ask: set[str] = set()
        """The TLSA owners that may be asked at all."""
        self.allowed = self.verdicts()

    def said(self, name: str, rrtype: str) -> Said:
        return heard_in(self.world, name, rrtype)

    # Where the answers lead.

    def verdicts(self) -> frozenset[Allowed]:
        """All verdicts that are allowed."""
        ways = self.ways()
        if isinstance(ways, Allowed):
            return frozenset([ways])
        priorities = sorted({way.priority for way in ways})
        return first_of([[self.at_server(way) for way in ways if way.priority == each] for each in priorities])

    def ways(self) -> Allowed | list[Way]:
        """The servers, or why there are none (RFC 3263 section 4)."""
        trusted: Delegation = "host" if self.own else "tainted"
        if is_address(self.target):
            if {4: "ipv4", 6: "ipv6"}[ip_address(self.target).version] not in self.policy.families:
                return Allowed("NO_SERVICE", ("locate.",))  # R7984-3.1-2
            return [Way(self.target, self.uri.port or 5061, "tainted")]  # D-SEC-9
        if self.uri.port is not None:
            return [Way(self.target, self.uri.port, trusted)]  # D-SEC-8
        led_by: tuple[Said, ...] = ()
        name = f"_sips._tcp.{self.target}"
        if self.uri.transport is None:
            naptr = self.said(self.target, "NAPTR")
            led_by = (naptr,)
            if naptr.failure is not None:
                return Allowed("UNDETERMINED", (FAILURES[naptr.failure],))  # D-SEC-6
            chosen = self.chosen(naptr)
            if chosen is not None:
                name = chosen
                if naptr.security is not SECURE:
                    trusted = "tainted"  # D-SEC-4; an empty one leaves the name as it was: D-SEC-7
        return self.by_srv(name, trusted, led_by)

    def chosen(self, naptr: Said) -> str | None:
        """The replacement of the NAPTR record that is taken (RFC 3263 section 4.1, RFC 3403 section 4.1)."""
        fit = [
            (record.order, record.preference, record.replacement)
            for record in naptr.records
            if isinstance(record, Naptr) and not record.regexp and record.replacement != "."
            and (record.flags.lower(), record.service.lower()) == ("s", "sips+d2t")
        ]  # fmt: skip
        return min(fit)[2] if fit else None

    def by_srv(self, name: str, trusted: Delegation, led_by: tuple[Said, ...]) -> Allowed | list[Way]:
        """The servers that an SRV set names (RFC 2782, RFC 7673 section 3.1)."""
        srv = self.said(name, "SRV")
        led_by = (*led_by, srv)
        if srv.failure is not None:
            return Allowed("UNDETERMINED", (FAILURES[srv.failure],))  # D-STATE row 1
        protected: Delegation = trusted if srv.security is SECURE else "tainted"  # D-SEC-5
        records = [record for record in srv.records if isinstance(record, Srv)]
        if [record.target for record in records] == ["."]:
            proven = all(said.security is SECURE for said in led_by)
            return Allowed("NO_SERVICE", ("locate.no-service" if proven else "locate.no-service.unproven",))
        if not records:
            return [Way(self.target, 5061, protected, led_by=led_by)]  # D-SEC-8
        delegation: Delegation = "srv" if protected == "host" else "tainted"
        return [Way(r.target, r.port, delegation, r.priority, led_by) for r in records]

    # D-STATE: what applies to a server.

    def at_server(self, way: Way) -> frozenset[Allowed]:
        """The verdicts that are allowed at one server."""
        answers = self.address_answers(way)
        addressed = self.addressed(way, answers)
        if addressed == "none":
            return frozenset([Allowed("NO_SERVICE", ("locate.",), "none", way.host, way.port)])
        pins = self.pins(way, answers) if addressed != "failed" else Pins("not asked")
        rule = D_STATE[way.delegation, addressed, pins.state]
        if rule is None:
            failed = [said.failure for said in answers] if addressed == "failed" else [pins.failure]
            codes = tuple([FAILURES[failure] for failure in failed if failure is not None])
            return frozenset([Allowed("UNDETERMINED", (*codes, "dane.lookup-failed"), "none", way.host, way.port)])
        if pins.state == "unusable" and self.policy.strict_dane:
            return frozenset([Allowed("REJECTED", ("dane.unusable",), "none", way.host, way.port)])
        # the TLSA base domain where records can be used, else the AUS domain.
        sent = pins.base if rule == "dane" else self.domain
        self.server_names[way.host, way.port] = None if is_address(sent) else sent
        charge = Charge(rule, self.domain, way.host, self.hosts(way, pins.base, answers), pins.counting)
        stood_on = [*way.led_by, *pins.asked, *[said for said in answers if said.failure is None]]
        until = min([said.ttl for said in stood_on], default=math.inf)
        return self.at_addresses(way, charge, answers, until)

    def address_answers(self, way: Way) -> list[Said]:
        """What is said of the addresses, in the order of preference of the families."""
        if is_address(way.host):
            return [Said((Address(way.host, way.host),), INSECURE, ttl=math.inf)]
        return [self.said(way.host, {"ipv4": "A", "ipv6": "AAAA"}[family]) for family in self.policy.families]

    def addressed(self, way: Way, answers: Sequence[Said]) -> Addressed:
        """What came of the address lookups (R7673-3.2-1 to -3, D-SEC-13)."""
        failed = any(said.failure for said in answers)
        found = [said.security for said in answers if said.records]
        if failed and (not found or (way.delegation == "srv" and SECURE not in found)):
            return "failed"
        return "none" if not found else "secure" if SECURE in found else "insecure"

    def bases(self, way: Way, answers: Sequence[Said]) -> list[str] | Failure:
        """The TLSA base domains in the order in which they count (RFC 7671 section 7), none if TLSA is not asked."""
        if way.delegation == "tainted":
            return []
        secure = [said for said in answers if said.records and said.security is SECURE]
        if secure:
            return list(dict.fromkeys([*[alias.target for alias in secure[0].aliases[-1:]], way.host]))
        if way.delegation == "srv" or not any(said.aliases and said.security is INSECURE for said in answers):
            return []
        if not self.asks_first_step(way, answers):
            return [way.host]
        first = self.said(way.host, "CNAME")
        if first.failure is not None:
            return first.failure  # R7672-2.1.2-1
        return [way.host] if first.security is SECURE else []

    def asks_first_step(self, way: Way, answers: Sequence[Said]) -> bool:
        """Whether only a question for the alias alone tells if its first step is SECURE (R7672-2.1.3-3)."""
        weak = all(said.security is INSECURE for said in answers if said.records)
        steps = [said.aliases[0].security for said in answers if said.aliases and said.security is INSECURE]
        return way.delegation == "host" and weak and bool(steps) and SECURE not in steps

    def pins(self, way: Way, answers: Sequence[Said]) -> Pins:
        """What came of the TLSA lookups (R7671-7-2, R7672-2.2.3-3)."""
        bases = self.bases(way, answers)
        if isinstance(bases, Failure):
            return Pins("failed", failure=bases)
        asked = [self.said(way.host, "CNAME")] if self.asks_first_step(way, answers) else []
        for base in bases:
            name = f"_{way.port}._tcp.{base}"
            self.may_ask.add(name)
            said = self.said(name, "TLSA")
            asked.append(said)
            if said.failure is not None:
                return Pins("failed", failure=said.failure)  # R7673-3.4-2
            if said.records and said.security is SECURE:
                records = [record for record in said.records if isinstance(record, Tlsa)]
                if counted := counting(records, self.policy):
                    return Pins("usable", base, counted, tuple(asked))
                return Pins("unusable", base, constraining(records, self.policy), tuple(asked))
        return Pins("none" if bases else "not asked", asked=tuple(asked))

    def hosts(self, way: Way, base: str, answers: Sequence[Said]) -> tuple[str, ...]:
        """The references of D-REF row 3 beside the AUS domain: the base, and what the AUS name securely expands to."""
        ways_to_the_domain = [self.said(self.domain, "NAPTR")] if way.led_by[1:] and self.own else []
        if way.host == self.domain:
            ways_to_the_domain += answers
        expanded = [said.aliases[-1].target for said in ways_to_the_domain if said.aliases and said.security is SECURE]
        return (base, *expanded)

    def at_addresses(self, way: Way, charge: Charge, answers: Sequence[Said], until: float) -> frozenset[Allowed]:
        """The verdicts that are allowed at the addresses of a server: one family after the other."""
        families: dict[bool, list[frozenset[Allowed]]] = {}
        for address in [record.address for said in answers for record in said.records if isinstance(record, Address)]:
            server = self.world.peers.get(address, Server(down="net.refused"))
            findings = Court(charge, server, self.world, self.policy).findings()
            families.setdefault(":" in address, []).append(
                frozenset(
                    [
                        Allowed(
                            *(f.outcome, f.codes, f.method, way.host, way.port, address, f.identities),
                            expires=min(until, f.lasts),
                        )
                        for f in findings
                    ]
                )
            )
        return first_of(list(families.values()))
