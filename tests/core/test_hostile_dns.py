"""Hostile DNS: whatever it says, the work is bounded, the run ends, and the result says which limit or flaw it was.

`test_laws` holds runs against the laws in worlds drawn at random; here each kind of attack has its own test.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile import HostileWorld, Reply, hostile_replies
from judging import CA, DOMAIN, LEAF, OTHER, ROOT, TARGET, issued
from play import WILD, Player
from siptls import (
    Action,
    Anchors,
    Connect,
    Failure,
    Limits,
    LocalProtocolError,
    Locate,
    Lookup,
    LookupFailed,
    Outbound,
    Outcome,
    Policy,
    Route,
    Security,
    TargetFailed,
    TargetFailure,
    Verdict,
)
from siptls.address_selection import destination_order
from siptls.codes import CATALOGUE
from siptls.dane import parse
from siptls.dns import Address, Alias, Answer, Denial, Naptr, Record, Srv, Tlsa
from siptls.dns.question import RRType
from siptls.events import Answered, Event, LookupEvent
from siptls.machine import Machine
from siptls.names import fold, ip_literal, is_domain_name
from siptls.policy import SECURE_TRANSPORTS, TRANSPORTS
from world import AT, INSECURE, SECURE, SOURCE, World, first
from worlds import all_worlds, limits, policies, seeds, swollen_worlds, uris

OWN = f"_sips._tcp.{DOMAIN}"
ADDRESS = "192.0.2.1"
SMALL = Limits(aliases=1, records=3, targets=2, addresses=2, lookups=5, attempts=3, seconds=20.0)
LOOSE = Limits(aliases=8, records=2_000, targets=2_000, addresses=2_000, lookups=10_000, attempts=2_000)
URIS = (f"sip:{DOMAIN}", f"sips:alice@{DOMAIN}", f"sips:{DOMAIN};transport=tcp", f"sips:{DOMAIN}:5061")

Said: TypeAlias = "Callable[[Lookup], LookupEvent | None]"
"""What the DNS says to a question; None: nothing, ever."""
Machines: TypeAlias = "Outbound | Locate"


def good(lookup: Lookup, security: Security = SECURE) -> Answered:
    """What an honest domain says: one server, with one address, and no TLSA record."""
    records: dict[RRType, Record] = {
        "NAPTR": Naptr(lookup.name, 10, 10, "s", "SIPS+D2T", "", OWN),
        "SRV": Srv(lookup.name, 10, 0, 5061, TARGET),
        "A": Address(lookup.name, ADDRESS),
        "AAAA": Address(lookup.name, "2001:db8::1"),
    }
    record = records.get(lookup.rrtype)
    return answered(lookup, *([record] if record else []), security=security)


def answered(
    lookup: Lookup,
    *records: Record,
    aliases: tuple[Alias, ...] = (),
    owner: str | None = None,
    security: Security = SECURE,
    ttl: float = 300.0,
) -> Answered:
    end = (aliases[-1].target if aliases else lookup.name) if owner is None else owner
    denial = None if records else Denial.NODATA
    return Answered(lookup, Answer(lookup, aliases, end, records, denial, security, ttl, SOURCE))


def at(owner: str, lookup: Lookup) -> Record:
    """The record of an honest domain, but at another owner."""
    match good(lookup).answer.records:
        case (Naptr() as naptr,):
            return Naptr(owner, naptr.order, naptr.preference, naptr.flags, naptr.service, "", naptr.replacement)
        case (Srv() as srv,):
            return Srv(owner, srv.priority, srv.weight, srv.port, srv.target)
        case (Address() as address,):
            return Address(owner, address.address)
        case _:
            return parse("3 1 1 " + "ab" * 32, owner)


def only(rrtype: str, said: Said) -> Said:
    """A DNS that is hostile in the answers of one type, and honest in all others."""
    return lambda lookup: said(lookup) if lookup.rrtype == rrtype else good(lookup)


# A driver that counts.


@dataclass
class Run:
    """One machine against one DNS; every connection reaches a server that is somebody else.

    Args:
        said: what the DNS says.
        after: how long each answer takes, in seconds.
    """

    said: Said
    after: float = 0.0
    now: float = 0.0
    lookups: list[Lookup] = field(default_factory=list[Lookup])
    connects: list[Connect] = field(default_factory=list[Connect])
    due: list[tuple[float, Event]] = field(default_factory=list[tuple[float, Event]])
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.world.paths = issued((OTHER, CA, ROOT), (LEAF, CA, ROOT))
        self.world.anchors = Anchors((ROOT.der,))

    def through(self, machine: Machines) -> Verdict | Route:
        for _ in range(20_000):
            for action in machine.next_actions(now=self.now):
                self.take(action)
            if machine.result is not None:
                return machine.result
            if isinstance(machine, Locate) and machine.ready is not None:
                target = machine.next_target
                assert target is not None
                machine.receive(TargetFailed(target, TargetFailure.TIMEOUT), now=self.now)
                continue
            self.go_on(machine)
        raise AssertionError("the machine does not end")

    def take(self, action: Action) -> None:
        if isinstance(action, Lookup):
            self.lookups.append(action)
            event: Event | None = self.said(action)
        else:
            if isinstance(action, Connect):
                self.connects.append(action)
                self.world.server(action.endpoint.address, [OTHER.der, CA.der])
            event = self.world.perform(action)
        if event is not None:
            self.due.append((self.now + self.after, event))

    def go_on(self, machine: Machine[Any]) -> None:
        self.due.sort(key=lambda each: each[0])
        if self.due and self.due[0][0] <= machine.deadline:
            self.now, event = self.due.pop(0)
            machine.receive(event, now=self.now)
        else:
            assert machine.deadline < math.inf, "an undecided machine awaits something"
            self.now = machine.deadline
            machine.advance(now=self.now)


def begin(kind: str, uri: str, policy: Policy) -> Machines:
    """A machine of a kind, by the same URI and policy."""
    if kind == "Outbound":
        return Outbound(uri, policy=policy, now=0.0, at=AT, randbelow=first, anchors=Anchors((ROOT.der,)))
    prefetch = 1 if kind == "lazy Locate" else None
    return Locate(uri, policy=policy.replace(prefetch=prefetch), now=0.0, at=AT, randbelow=first)


KINDS = ("Outbound", "Locate", "lazy Locate")
in_every_kind = pytest.mark.parametrize("kind", KINDS)
in_every_type = pytest.mark.parametrize("rrtype", ["NAPTR", "SRV", "A", "AAAA", "TLSA"])


def steps_of(result: Verdict | Route) -> list[tuple[str, str]]:
    """The codes of all steps with what was found."""
    steps = result.steps if isinstance(result, Verdict) else result.findings
    return [(step.code, step.found) for step in steps]


def fit_for_the_wire(name: str) -> bool:
    """Whether a name may stand in the server_name extension (RFC 6066 section 3)."""
    return is_domain_name(name) and name != "." and ip_literal(name) is None


def held_to_the_limits(run: Run, result: Verdict | Route, policy: Policy) -> None:
    """The work is bounded by the limits, every code is one of the catalogue, and the text is safe and short."""
    bounds = policy.limits
    assert len(run.lookups) <= bounds.lookups
    assert len({lookup.name for lookup in run.lookups if lookup.rrtype in ("A", "AAAA")}) <= bounds.targets
    assert len(run.connects) <= bounds.attempts
    for host in {connect.endpoint.host for connect in run.connects}:
        assert len({c.endpoint.address for c in run.connects if c.endpoint.host == host}) <= bounds.addresses
    assert all(connect.endpoint.transport in SECURE_TRANSPORTS for connect in run.connects)
    for name in [connect.server_name for connect in run.connects]:
        assert name is None or fit_for_the_wire(name)
    # Only searching is limited: a lazy one begins anew with each target that its caller gives up.
    assert run.now <= bounds.seconds * (len(run.lookups) if policy.prefetch is not None else 1)
    steps = result.steps if isinstance(result, Verdict) else result.findings
    # Each answer is told once with what was passed over in it; each target and each connection has its few findings.
    assert len(steps) <= 24 + 2 * len(run.lookups) + 5 * bounds.targets + 8 * len(run.connects)
    for step in steps:
        assert step.code in CATALOGUE
        text = f"{step.hop}{step.expected}{step.found}"
        assert text.isascii()
        assert text.isprintable()
        assert len(step.found) < 1_010
    assert json.loads(json.dumps(result.to_dict()))
    if isinstance(result, Verdict):
        assert not result.accepted
        assert result.code in CATALOGUE
    else:
        assert len(result.targets) <= bounds.targets
        assert all(len(target.addresses) <= bounds.addresses for target in result.targets)
        assert (result.code is None) is bool(result.targets)
        assert result.code is None or result.code in CATALOGUE


def held(run: Run, kind: str, uri: str = URIS[1], policy: Policy | None = None) -> Verdict | Route:
    """Run a machine of a kind, and hold it to its limits."""
    machine = begin(kind, uri, policy or Policy())
    result = run.through(machine)
    held_to_the_limits(run, result, machine.policy)
    return result


def played(
    kind: str, said: Said, uri: str = URIS[1], policy: Policy | None = None, after: float = 0.0
) -> Verdict | Route:
    """Run a machine through a hostile DNS, and hold it to the limits."""
    return held(Run(said, after), kind, uri, policy)


def failed_by(result: Verdict | Route) -> tuple[str | None, str | None]:
    """Outcome and code."""
    return (None if result.outcome is None else result.outcome.value), result.code


# Alias loops.

LOOPS: dict[str, Callable[[str], list[str]]] = {
    "itself": lambda name: [name, name],
    "itself, in capitals and with a dot": lambda name: [name, name.upper() + "."],
    "there and back": lambda name: [name, "b.example", name],
    "back into the middle": lambda name: [name, "b.example", "c.example", "B.example."],
    "through itself and on": lambda name: [name, "b.example", "b.example", "c.example"],
    "back at the very end": lambda name: [name, *[f"n{n}.example" for n in range(6)], name],
}


def looping(names: Callable[[str], list[str]], security: Security) -> Said:
    def said(lookup: Lookup) -> LookupEvent:
        chain = names(lookup.name)
        aliases = tuple([Alias(a, b, security, 60.0) for a, b in pairwise(chain)])
        return answered(lookup, at(chain[-1], lookup), aliases=aliases, security=security)

    return said


@pytest.mark.req("R7672-2.1.3-2", "T-L01", "D-SEC-6", "R7673-3.1-2", "R7673-3.2-3", "R7673-3.4-2")
@in_every_kind
@in_every_type
@pytest.mark.parametrize("security", [SECURE, INSECURE])
@pytest.mark.parametrize("loop", LOOPS)
def test_an_alias_loop_is_a_failed_lookup_and_is_called_a_loop(
    kind: str, rrtype: str, loop: str, security: Security
) -> None:
    said = only(rrtype, looping(LOOPS[loop], security))
    result = played(kind, said, policy=Policy(families=("ipv6", "ipv4")))
    loops = [found for _, found in steps_of(result) if "LOOP" in found]
    if kind != "Outbound" and rrtype == "TLSA":
        assert (result.outcome, loops) == (None, [])  # not asked for
        return
    assert loops
    if rrtype == "TLSA":
        assert failed_by(result) == ("UNDETERMINED", "dane.lookup-failed")
    elif rrtype in ("A", "AAAA"):
        # The other family is SECURE, so that it is enough (D-SEC-13).
        assert ("locate.loop", loops[0]) in steps_of(result)
        assert result.outcome is (Outcome.REJECTED if kind == "Outbound" else None)
        alone = Policy(families=("ipv4",) if rrtype == "A" else ("ipv6",))
        assert failed_by(played(kind, said, policy=alone)) == ("UNDETERMINED", "locate.loop")
    else:
        assert failed_by(result) == ("UNDETERMINED", "locate.loop")


@in_every_kind
@pytest.mark.req("R7672-2.1.3-2", "T-L01")
def test_a_loop_that_a_resolver_found_is_told_as_one(kind: str) -> None:
    result = played(kind, only("SRV", lambda lookup: LookupFailed(lookup, Failure.LOOP, "\x1b[2Jround and round")))
    assert failed_by(result) == ("UNDETERMINED", "locate.loop")
    assert "\\x1b[2Jround and round" in steps_of(result)[-1][1]


def chained(count: int) -> Said:
    """Answers that so many alias steps lead to."""

    def said(lookup: Lookup) -> LookupEvent:
        names = [lookup.name, *[f"n{n}.example" for n in range(count)]]
        return answered(
            lookup, at(names[-1], lookup), aliases=tuple([Alias(a, b, SECURE, 60.0) for a, b in pairwise(names)])
        )

    return said


# Self-references, and names that look like other things.


@in_every_kind
@pytest.mark.req("T-L01", "R3263-4.2-6")
@pytest.mark.parametrize("target", [OWN, OWN.upper() + ".", DOMAIN, f"_sips._tcp.{OWN}"])
def test_an_srv_record_that_names_itself_leads_nowhere_but_to_its_addresses(kind: str, target: str) -> None:
    def said(lookup: Lookup) -> LookupEvent:
        if lookup.rrtype == "SRV":
            return answered(lookup, Srv(lookup.name, 0, 0, 5061, target))
        return good(lookup) if lookup.rrtype == "NAPTR" else answered(lookup)

    run = Run(said)
    result = held(run, kind)
    assert failed_by(result) == ("NO_SERVICE", "locate.no-service")
    assert [lookup.rrtype for lookup in run.lookups] == ["NAPTR", "SRV", "AAAA", "A"]


@in_every_kind
@pytest.mark.req("T-L01", "R3403-4.1-6", "R3263-4.1-7")
@pytest.mark.parametrize("flags", ["", "s", "u", "a", "p", "ss", "\x00"])
@pytest.mark.parametrize("replacement", [DOMAIN, DOMAIN.upper(), f"naptr.{DOMAIN}", OWN])
def test_naptr_records_never_lead_to_further_naptr_questions(kind: str, flags: str, replacement: str) -> None:
    def said(lookup: Lookup) -> LookupEvent:
        if lookup.rrtype == "NAPTR":
            return answered(lookup, Naptr(lookup.name, 1, 1, flags, "SIPS+D2T", "", replacement))
        return good(lookup)

    run = Run(said)
    held(run, kind)
    assert [lookup.name for lookup in run.lookups if lookup.rrtype == "NAPTR"] == [DOMAIN]
    srv = [lookup.name for lookup in run.lookups if lookup.rrtype == "SRV"]
    assert srv == [replacement.lower() if flags == "s" else OWN]


# Thousands of records.


def crowd(lookup: Lookup, count: int) -> list[Record]:
    """So many records, all different."""
    owner = lookup.name
    make: dict[RRType, Callable[[int], Record]] = {
        "NAPTR": lambda n: Naptr(owner, n % 65_536, 0, "s", "SIPS+D2T", "", f"_sips._tcp.d{n}.example"),
        "SRV": lambda n: Srv(owner, n % 7, n % 5, 1 + n % 60_000, f"h{n}.example"),
        "A": lambda n: Address(owner, f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"),
        "AAAA": lambda n: Address(owner, f"2001:db8::{n:x}"),
        "TLSA": lambda n: Tlsa(owner, 3, 1, 1, n.to_bytes(32)),
    }
    return list(map(make[lookup.rrtype], range(count)))


def crowded(count: int) -> Said:
    """So many records in each answer."""
    return lambda lookup: answered(lookup, *crowd(lookup, count))


@in_every_kind
@in_every_type
@pytest.mark.req("T-L01")
@pytest.mark.parametrize(("count", "policy"), [(2_001, Policy()), (50_000, Policy()), (4, Policy(limits=SMALL))])
def test_an_answer_with_more_records_than_the_limit_is_a_failed_lookup_and_names_it(
    kind: str, rrtype: str, count: int, policy: Policy
) -> None:
    result = played(kind, only(rrtype, crowded(count)), policy=policy)
    named = [found for _, found in steps_of(result) if "limits.records" in found]
    if kind != "Outbound" and rrtype == "TLSA":
        assert result.outcome is None
        return
    assert named
    assert f"{count} records" in named[0]
    if rrtype in ("NAPTR", "SRV"):
        assert failed_by(result) == ("UNDETERMINED", "limit.dns")
    elif rrtype == "TLSA":
        assert failed_by(result) == ("UNDETERMINED", "dane.lookup-failed")


@in_every_kind
@in_every_type
@pytest.mark.req("T-L01", "R2782-use-1")
@pytest.mark.parametrize(("count", "policy"), [(2_000, Policy()), (3, Policy(limits=SMALL))])
def test_an_answer_with_as_many_records_as_the_limit_is_used_and_costs_no_more_questions(
    kind: str, rrtype: str, count: int, policy: Policy
) -> None:
    result = played(kind, only(rrtype, crowded(count)), policy=policy)
    assert "limits.records" not in str(steps_of(result))
    limit = {"SRV": "limits.targets", "A": "limits.addresses", "AAAA": "limits.addresses"}.get(rrtype)
    if limit is not None:
        assert limit in str(steps_of(result))


@in_every_kind
@pytest.mark.req("T-L01")
@pytest.mark.parametrize("uri", URIS)
@pytest.mark.parametrize("count", [10, 2_000, 2_001])
@pytest.mark.parametrize("policy", [Policy(), Policy(limits=SMALL)])
def test_thousands_of_records_in_every_answer_at_once(kind: str, uri: str, count: int, policy: Policy) -> None:
    played(kind, crowded(count), uri, policy)


@in_every_kind
def test_the_report_of_thousands_of_records_is_as_short_as_that_of_twenty(kind: str) -> None:
    few, many = [len(json.dumps(played(kind, crowded(count)).to_dict())) for count in (20, 2_000)]
    assert many < 1.3 * few


@in_every_kind
@in_every_type
@pytest.mark.req("T-L01")
def test_thousands_of_equal_records_are_no_more_than_one(kind: str, rrtype: str) -> None:
    def said(lookup: Lookup) -> LookupEvent:
        return answered(lookup, *[at(lookup.name, lookup)] * 2_000)

    once, often = Run(only(rrtype, lambda lookup: answered(lookup, at(lookup.name, lookup)))), Run(only(rrtype, said))
    result, honest = held(often, kind), held(once, kind)
    assert often.lookups == once.lookups
    assert failed_by(result) == failed_by(honest)
    if isinstance(result, Route) and rrtype in ("A", "AAAA"):
        assert [target.addresses for target in result.targets] == [("2001:db8::1", ADDRESS)]


# Each limit is named where it is hit.

Limiting: TypeAlias = tuple[Said, Limits, str, float]


def never(_lookup: Lookup) -> LookupEvent | None:
    return None


LIMITED: dict[str, Limiting] = {
    "aliases": (only("SRV", chained(9)), Limits(), "limits.aliases", 0.0),
    "aliases, small": (only("SRV", chained(2)), Limits(aliases=1), "limits.aliases", 0.0),
    "aliases, of NAPTR": (only("NAPTR", chained(500)), Limits(), "limits.aliases", 0.0),
    "records": (only("SRV", crowded(2_001)), Limits(), "limits.records", 0.0),
    "records, small": (only("SRV", crowded(2)), Limits(records=1), "limits.records", 0.0),
    "lookups": (only("SRV", crowded(100)), Limits(lookups=7), "limits.lookups", 0.0),
    "lookups, of which there is one": (good, Limits(lookups=1), "limits.lookups", 0.0),
    "targets": (only("SRV", crowded(100)), Limits(), "limits.targets", 0.0),
    "targets, of which there is one": (only("SRV", crowded(2)), Limits(targets=1), "limits.targets", 0.0),
    "addresses": (only("A", crowded(100)), Limits(), "limits.addresses", 0.0),
    "addresses, small": (good, Limits(addresses=1), "limits.addresses", 0.0),
    "seconds, nobody answers": (never, Limits(seconds=3.0), "limits.seconds", 0.0),
    "seconds, every answer is slow": (only("SRV", crowded(100)), Limits(), "limits.seconds", 9.0),
}


@in_every_kind
@pytest.mark.req("T-L01")
@pytest.mark.parametrize("limited", LIMITED)
def test_the_limit_that_was_hit_is_named_in_the_steps(kind: str, limited: str) -> None:
    said, bounds, named, after = LIMITED[limited]
    if limited == "seconds, every answer is slow" and kind != "Outbound":
        bounds = Limits(seconds=25.0)  # its first search is over after three answers of 9 seconds
    result = played(kind, said, policy=Policy(limits=bounds), after=after)
    assert named in str(steps_of(result))
    if isinstance(result, Route):
        assert not result.complete
    elsewhere = {f"limits.{name}:" for name in Limits.__slots__} - {f"{named}:", "limits.attempts:"}
    if named == "limits.lookups":
        elsewhere.discard("limits.targets:")  # without lookups the targets run out as well
    assert not [each for each in elsewhere if each in str(steps_of(result))]


@pytest.mark.req("T-L01")
def test_the_number_of_connections_is_limited_and_named_too() -> None:
    result = played("Outbound", only("SRV", crowded(100)), policy=Policy(limits=Limits(attempts=3)))
    assert "limits.attempts" in str(steps_of(result))
    assert result.outcome is Outcome.REJECTED


# Records of others, and of other types.

STRANGERS = ("evil.example", f"sub.{DOMAIN}", f"_sips._tcp.{DOMAIN}.evil.example", "com", ".", "", f"*.{DOMAIN}")
FOREIGN: dict[str, Callable[[Lookup, str], Record]] = {
    "another owner": lambda lookup, owner: at(owner, lookup),
    "another type": lambda lookup, _owner: (
        Address(lookup.name, "203.0.113.66")
        if lookup.rrtype not in ("A", "AAAA")
        else Srv(lookup.name, 0, 0, 5061, "evil.example")
    ),
    "another type and owner": lambda lookup, owner: (
        Naptr(owner, 0, 0, "s", "SIPS+D2T", "", "_x.evil.example")
        if lookup.rrtype != "NAPTR"
        else Srv(owner, 0, 0, 5061, "evil.example")
    ),
}


@in_every_kind
@in_every_type
@pytest.mark.req("T-L01")
@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("owner", STRANGERS)
def test_records_that_nobody_asked_for_are_no_answer_alone_and_are_dropped_beside_good_ones(
    kind: str, rrtype: str, foreign: str, owner: str
) -> None:
    strange = FOREIGN[foreign]
    alone = played(kind, only(rrtype, lambda lookup: answered(lookup, strange(lookup, owner))))
    honest = played(kind, good)

    def beside(lookup: Lookup) -> LookupEvent:
        records = good(lookup).answer.records
        return answered(lookup, strange(lookup, owner), *records, strange(lookup, owner)) if records else good(lookup)

    mixed = played(kind, only(rrtype, beside))
    assert failed_by(mixed) == failed_by(honest)
    if isinstance(mixed, Route):
        assert isinstance(honest, Route)
        assert mixed.to_dict()["targets"] == honest.to_dict()["targets"]
    if rrtype == "TLSA":
        if kind == "Outbound":
            assert failed_by(alone) == ("UNDETERMINED", "dane.lookup-failed")
        return
    assert "locate.foreign-record" in [code for code, _ in steps_of(mixed)]
    assert "locate.malformed" in [code for code, _ in steps_of(alone)]
    if rrtype in ("NAPTR", "SRV"):
        assert failed_by(alone) == ("UNDETERMINED", "locate.malformed")
    assert "evil" not in str(played(kind, only(rrtype, beside)).to_dict()).replace(owner, "")


# Names that are none.

BAD_NAMES = (
    *(
        "",
        "..",
        "a..b",
        ".a",
        "x" * 64 + ".example",
        ("y" * 60 + ".") * 5 + "example",
        "z." * 200 + "example",
        "q" * 5_000,
    ),
    *("a b.example", "\x00.example", "\x1b[2J.example", "caf\u00e9.example", "\u212a.example", "\ud800.example"),
    *(
        "a\n.example",
        "a\\.example",
        '".example',
        "a;b.example",
        "a@b.example",
        "a(.example",
        "192.0.2.1",
        "::1",
    ),
)


@in_every_kind
@pytest.mark.req("T-L01", "R3263-4.1-7")
@pytest.mark.parametrize("bad", [name for name in BAD_NAMES if not is_domain_name(name) or not name])
def test_a_naptr_replacement_that_is_no_name_is_passed_over(kind: str, bad: str) -> None:
    def said(lookup: Lookup) -> LookupEvent:
        if lookup.rrtype == "NAPTR":
            return answered(lookup, Naptr(lookup.name, 1, 1, "s", "SIPS+D2T", "", bad))
        return good(lookup)

    run = Run(said)
    result = held(run, kind)
    assert {"locate.naptr-unusable", "locate.naptr-passed-over"} <= {code for code, _ in steps_of(result)}
    assert [lookup.name for lookup in run.lookups if lookup.rrtype == "SRV"] == [OWN]


@in_every_kind
@pytest.mark.req("T-L01", "R2782-tgt-2", "R2782-port-1")
@pytest.mark.parametrize("bad", BAD_NAMES)
def test_an_srv_target_that_is_no_host_name_is_passed_over_and_the_next_one_taken(kind: str, bad: str) -> None:
    def said(lookup: Lookup) -> LookupEvent:
        if lookup.rrtype == "SRV":
            return answered(lookup, Srv(lookup.name, 1, 0, 5061, bad), Srv(lookup.name, 2, 0, 5061, TARGET))
        return good(lookup)

    run = Run(said)
    result = held(run, kind)
    assert "locate.bad-target" in [code for code, _ in steps_of(result)]
    assert {lookup.name for lookup in run.lookups if lookup.rrtype in ("A", "AAAA")} == {TARGET}
    assert {connect.endpoint.host for connect in run.connects} <= {TARGET}


@in_every_kind
@in_every_type
@pytest.mark.req("T-L01", "R7672-2.1.3-2")
@pytest.mark.parametrize("bad", BAD_NAMES)
def test_an_alias_to_what_is_no_name_is_neither_followed_nor_sent_to_a_server(kind: str, rrtype: str, bad: str) -> None:
    def said(lookup: Lookup) -> LookupEvent:
        if lookup.rrtype == "TLSA" and rrtype != "TLSA":
            return answered(lookup, parse("3 1 1 " + "ab" * 32, lookup.name))
        if lookup.rrtype != rrtype:
            return good(lookup)
        return answered(lookup, at(bad, lookup), aliases=(Alias(lookup.name, bad, SECURE, 60.0),))

    run = Run(said)
    result = held(run, kind)
    for lookup in run.lookups:
        assert is_domain_name(lookup.name)
    if not is_domain_name(fold(bad)) and (kind == "Outbound" or rrtype != "TLSA"):
        assert "MALFORMED" in str(steps_of(result))


@in_every_kind
@in_every_type
@pytest.mark.req("T-L01")
@pytest.mark.parametrize("bad", BAD_NAMES)
def test_a_denial_at_the_end_of_an_alias_to_what_is_no_name_ends_the_run_too(kind: str, rrtype: str, bad: str) -> None:
    played(kind, only(rrtype, lambda lookup: answered(lookup, aliases=(Alias(lookup.name, bad, SECURE, 60.0),))))


@in_every_kind
@pytest.mark.req("T-L01")
@pytest.mark.parametrize(
    "text", ["", "x" * 70_000, "\x1b]0;title\x07", "\u202e", "\ud800", "!^.*$!sips:x@evil.example!"]
)
@pytest.mark.parametrize("place", ["flags", "service", "regexp"])
def test_texts_of_naptr_records_may_hold_anything(kind: str, text: str, place: str) -> None:
    def said(lookup: Lookup) -> LookupEvent:
        texts = {"flags": "s", "service": "SIPS+D2T", "regexp": ""} | {place: text}
        naptr = Naptr(lookup.name, 1, 1, texts["flags"], texts["service"], texts["regexp"], "_x._y.evil.example")
        return answered(lookup, naptr)

    result = played(kind, only("NAPTR", said))
    followed = "_x._y.evil.example SRV" in str(steps_of(result))
    assert followed is (place == "regexp" and not text)


@in_every_kind
@pytest.mark.req("T-L01", "R3403-4.1-1", "R3403-4.1-2")
def test_order_and_preference_at_their_ends_are_numbers_like_others(kind: str) -> None:
    def said(lookup: Lookup) -> LookupEvent:
        ends = [(65_535, 65_535), (65_535, 0), (0, 65_535)]
        return answered(
            lookup, *[Naptr(lookup.name, o, p, "s", "SIPS+D2T", "", f"_x.o{o}p{p}.example") for o, p in ends]
        )

    run = Run(only("NAPTR", said))
    held(run, kind)
    assert Lookup("_x.o0p65535.example", "SRV") in run.lookups


BAD_ADDRESSES = (
    "",
    "\x00",
    "\x1b[2J",
    "x" * 70_000,
    "192.0.2.300",
    "fe80::1%eth0",
    "sip.example.com",
    "\ud800",
    "[::1]",
)


@in_every_kind
@pytest.mark.req("T-L01", "R7984-4-2")
@pytest.mark.parametrize("bad", BAD_ADDRESSES)
@pytest.mark.parametrize("rrtype", ["A", "AAAA"])
def test_an_address_that_is_none_ends_no_run_whoever_orders_the_addresses(kind: str, rrtype: str, bad: str) -> None:
    said = only(rrtype, lambda lookup: answered(lookup, Address(lookup.name, bad), at(lookup.name, lookup)))
    looks_like_one = bad == "192.0.2.300" and rrtype == "A"  # of digits and dots; a resolver that makes it is to blame
    assert ("locate.foreign-record" in {code for code, _ in steps_of(played(kind, said))}) is not looks_like_one
    if kind == "Outbound":
        return

    def order(addresses: tuple[str, ...]) -> tuple[str, ...]:
        return destination_order(addresses, lambda address: address)

    machine = Locate(URIS[1], now=0.0, at=AT, randbelow=first, order_addresses=order)
    result = Run(said).through(machine)
    assert isinstance(result, Route)
    (target,) = result.targets
    assert (bad in target.addresses) is looks_like_one
    assert target.addresses[-1] == bad or not looks_like_one  # what is no address comes last


# Time to live.

TTLS = {
    0.0: 0.0,
    2.0**31: 0.0,  # the most significant bit set: as if it were 0 (RFC 2181 section 8)
    2.0**32 - 1: 0.0,
    2.0**31 - 1: 2.0**31 - 1,
    -1.0: 0.0,
    -(2.0**31): 0.0,
    1e300: 0.0,
    math.inf: 0.0,
    -math.inf: 0.0,
    math.nan: 0.0,
}


@in_every_kind
@in_every_type
@pytest.mark.req("T-L01")
@pytest.mark.parametrize("ttl", TTLS)
@pytest.mark.parametrize("aliased", [False, True])
def test_a_time_to_live_of_any_size_is_taken_for_what_it_says_or_for_none(
    kind: str, rrtype: str, ttl: float, aliased: bool
) -> None:
    def said(lookup: Lookup) -> LookupEvent:
        if lookup.rrtype != rrtype:
            return answered(lookup, *good(lookup).answer.records, ttl=2.0**31 - 1)
        if aliased:
            return answered(
                lookup,
                at("b.example", lookup),
                aliases=(Alias(lookup.name, "b.example", SECURE, ttl),),
                ttl=2.0**31 - 1,
            )
        return answered(lookup, at(lookup.name, lookup), ttl=ttl)

    result = played(kind, said)
    asked = kind == "Outbound" or rrtype != "TLSA"
    assert result.expires == (TTLS[ttl] if asked else 2.0**31 - 1)


@in_every_kind
@pytest.mark.req("R3403-3-1")
@pytest.mark.parametrize("ttl", [0.0, -5.0, 2.0**31, 29.0])
def test_records_that_expire_at_once_do_not_make_a_run_begin_again_for_ever(kind: str, ttl: float) -> None:
    def said(lookup: Lookup) -> LookupEvent:
        return answered(lookup, *crowd(lookup, 10), ttl=ttl)

    bounds = Limits(seconds=10_000.0, lookups=500)
    run = Run(said)
    policy = Policy(limits=bounds, connect_timeout=100.0, lookup_timeout=100.0)
    run.after = 40.0  # each answer, and each connection, takes longer than the records last
    result = held(run, kind, policy=policy)
    assert [lookup.rrtype for lookup in run.lookups].count("NAPTR") <= 2
    codes = [code for code, _ in steps_of(result)]
    assert codes.count("locate.restarted") <= 1
    if kind == "Outbound":
        assert codes.count("locate.restarted") == codes.count("locate.expired") == 1


# Every question fails.


@in_every_kind
@pytest.mark.req("D-SEC-6", "D-SEC-10", "R7673-3.1-2", "R3263-7-2")
@pytest.mark.parametrize("failure", list(Failure))
@pytest.mark.parametrize("uri", URIS)
@pytest.mark.parametrize("policy", [Policy(), Policy(limits=SMALL)])
def test_when_every_question_fails_alike_the_result_says_how(
    kind: str, failure: Failure, uri: str, policy: Policy
) -> None:
    result = played(kind, lambda lookup: LookupFailed(lookup, failure, "hostile \x07"), uri, policy)
    code = {
        Failure.BOGUS: "dnssec.bogus",
        Failure.SERVFAIL: "locate.servfail",
        Failure.REFUSED: "locate.refused",
        Failure.TIMEOUT: "locate.timeout",
        Failure.MALFORMED: "locate.malformed",
        Failure.LOOP: "locate.loop",
        Failure.LIMIT: "limit.dns",
    }[failure]
    assert failed_by(result) == ("UNDETERMINED", code)
    if isinstance(result, Route):
        assert not result.complete


@in_every_kind
@pytest.mark.req("D-SEC-6", "R7673-3.1-2")
@pytest.mark.parametrize("uri", URIS)
@pytest.mark.parametrize(
    ("policy", "code", "ends"),
    [
        (Policy(), "locate.timeout", 10.0),
        (Policy(limits=SMALL), "locate.timeout", 10.0),
        (Policy(limits=Limits(seconds=2.0)), "limit.seconds", 2.0),
        (Policy(lookup_timeout=60.0), "limit.seconds", 30.0),
    ],
)
def test_when_no_question_is_ever_answered_the_run_ends_in_time(
    kind: str, uri: str, policy: Policy, code: str, ends: float
) -> None:
    run = Run(never)
    assert failed_by(held(run, kind, uri, policy)) == ("UNDETERMINED", code)
    assert run.now == ends


@in_every_kind
@in_every_type
@pytest.mark.req("D-SEC-10")
def test_when_one_type_is_never_answered_no_run_comes_to_clear_text(kind: str, rrtype: str) -> None:
    result = played(kind, only(rrtype, never))
    if isinstance(result, Route):
        assert {target.transport for target in result.targets} <= SECURE_TRANSPORTS


# Answers to other questions.


def strangers(lookup: Lookup) -> Iterator[Answered]:
    """Answers that are not to this question, though a driver hands them in with it."""
    for other in (
        Lookup("evil.example", lookup.rrtype),
        Lookup(lookup.name.upper(), lookup.rrtype),
        Lookup(lookup.name + ".", lookup.rrtype),
        Lookup(lookup.name, "CNAME"),
        Lookup("", lookup.rrtype),
    ):
        yield Answered(lookup, good(other).answer)
    for status in (Security.BOGUS, Security.INDETERMINATE):
        yield answered(lookup, at(lookup.name, lookup), security=status)
        yield answered(lookup, at("b.example", lookup), aliases=(Alias(lookup.name, "b.example", status, 60.0),))


@in_every_kind
@pytest.mark.req("T-L01")
def test_an_answer_to_another_question_is_the_drivers_mistake_and_changes_nothing(kind: str) -> None:
    machine, honest = begin(kind, URIS[1], Policy()), begin(kind, URIS[1], Policy())
    run = Run(good)
    while machine.result is None:
        if isinstance(machine, Locate) and machine.ready is not None:
            machine.stop(now=0.0)
            break
        for action in machine.next_actions(now=0.0):
            if isinstance(action, Lookup):
                for strange in strangers(action):
                    before = (machine.deadline, machine.outstanding, machine.result)
                    with pytest.raises(LocalProtocolError):
                        machine.receive(strange, now=0.0)
                    assert before == (machine.deadline, machine.outstanding, machine.result)
                with pytest.raises(LocalProtocolError):
                    machine.receive(good(Lookup("never.asked.example", "A")), now=0.0)
            run.take(action)
        while run.due:
            machine.receive(run.due.pop()[1], now=0.0)
    usual = Run(good).through(honest)
    result = machine.result
    assert result is not None
    assert failed_by(result) == failed_by(usual)


# Worlds made at random.


class Abysmal(HostileWorld):
    """A hostile world that now and then answers like one of the tests above."""

    def answer(self, lookup: Lookup) -> Answered | LookupFailed:
        choices, text = self.next_reply()
        attacks: list[Said] = [
            super().answer,
            crowded(choices.of((9, 40, 2_001))),
            chained(choices.of((1, 8, 9))),
            looping(choices.of(tuple(LOOPS.values())), choices.of((SECURE, INSECURE))),
            lambda question: answered(question, at(choices.of((*BAD_NAMES, text)), question)),
            lambda question: answered(question, at(question.name, question), ttl=choices.of(tuple(TTLS))),
            lambda question: answered(
                question,
                at(choices.of((*BAD_NAMES, text)), question),
                aliases=(Alias(question.name, choices.of((*BAD_NAMES, text)), SECURE, choices.of(tuple(TTLS))),),
            ),
        ]
        event = choices.of((attacks[0], *attacks))(lookup)
        assert event is not None
        return event


@in_every_kind
@given(
    world=all_worlds() | swollen_worlds(),
    replies=hostile_replies,
    uri=uris,
    policy=policies,
    seed=seeds,
    bounds=st.just(Limits()) | limits,
    jumps=st.sampled_from(((), (), WILD)),
)
def test_in_a_hostile_world_every_run_ends_within_its_limits_and_sips_never_becomes_clear_text(
    kind: str,
    world: World,
    replies: tuple[Reply, ...],
    uri: str,
    policy: Policy,
    seed: int,
    bounds: Limits,
    jumps: tuple[float, ...],
) -> None:
    wide = policy.replace(limits=bounds, transports=None if kind == "Outbound" else TRANSPORTS)
    abysmal = Abysmal(world, replies)
    machine = begin(kind, uri, wide)
    player = Player(abysmal, random.Random(seed), jumps=jumps)
    player.play(machine)
    result = machine.result
    assert result is not None
    asked = [action for action in player.issued if isinstance(action, Lookup)]
    assert len(asked) <= bounds.lookups
    connects = [action for action in player.issued if isinstance(action, Connect)]
    assert len(connects) <= bounds.attempts
    assert all(is_domain_name(lookup.name) for lookup in asked)
    assert all(c.server_name is None or fit_for_the_wire(c.server_name) for c in connects)
    assert json.loads(json.dumps(result.to_dict()))
    for code, found in steps_of(result):
        assert code in CATALOGUE
        assert found.isascii()
        assert found.isprintable()
    if isinstance(result, Route):
        transports = {target.transport for target in result.targets}
        assert transports <= (SECURE_TRANSPORTS if uri.startswith("sips:") else set(TRANSPORTS))
        if uri.startswith("sips:") and not policy.audit:  # an audit looks for common mistakes, and goes nowhere
            assert not [a for a in asked if a.name.startswith("_sip.") and a.rrtype == "SRV"]
    else:
        assert {connect.endpoint.transport for connect in connects} <= SECURE_TRANSPORTS
