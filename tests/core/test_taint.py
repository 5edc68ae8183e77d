"""The taint rule, each row with every branch: read off the verdict, the questions asked, the name sent, the route.

Each table here is written by hand from the requirements. It is held against whole runs and shares nothing with the
code that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise, product
from typing import Literal, TypeAlias

import pytest

from judging import CA, DOMAIN, LEAF, OTHER, ROOT, TARGET, TARGET_LEAF, Made, codes, issued, made, said
from siptls import (
    Anchors,
    Connect,
    Delegation,
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
    SipUri,
    Verdict,
)
from siptls.dane import parse
from siptls.dns import Address, Alias, Answer, Cname, Denial, Naptr, Record, Srv
from siptls.dns.question import RRType
from siptls.events import Answered
from siptls.policy import SECURE_TRANSPORTS, TRANSPORTS, Transport
from world import AT, INSECURE, SECURE, SOURCE, Said, World, first

URI = f"sips:alice@{DOMAIN}"
BY_PORT = f"sips:alice@{DOMAIN}:5061"
OWN, AWAY = f"_sips._tcp.{DOMAIN}", "_sips._tcp.hoster.example"
ADDRESS = "192.0.2.1"
PINNED = made("pinned", "pinned", 7, names=[])
PIN = str(PINNED.record(3, 1, 1))
LEAVES = (LEAF, TARGET_LEAF, OTHER, PINNED)

Statuses: TypeAlias = tuple[Security, ...]
Treated: TypeAlias = Literal["dane", "either", "domain", "skip"]
THREE_HOPS = tuple(product((SECURE, INSECURE), repeat=3))


def hop_names(name: str, count: int, kind: str) -> list[str]:
    """The name and those that its aliases lead to: made anew by CNAME, with another ending by DNAME."""
    stem = f"{name.removesuffix('.example').removesuffix('.com')}." if kind == "DNAME" else ""
    return [name, *[f"{stem}via{n}.example" for n in range(1, count)]]


def along(
    world: World,
    name: str,
    rrtype: RRType,
    statuses: Statuses,
    make: Callable[[str], list[Record]],
    *,
    kind: str = "CNAME",
    claimed: Security | None = None,
) -> list[str]:
    """Let the DNS answer by way of aliases, one status for each step and the last for the records; return all names.

    The answer as a whole is as weak as its weakest step, unless ``claimed`` says something else.
    """
    names = hop_names(name, len(statuses), kind)
    aliases = tuple([Alias(a, b, status, 60.0) for (a, b), status in zip(pairwise(names), statuses, strict=False)])
    security = min(statuses) if claimed is None else claimed
    records = tuple(make(names[-1]))
    world.say(name, rrtype, *records, aliases=aliases, security=security)
    return names


def addresses_along(world: World, name: str, statuses: Statuses) -> None:
    """Let a host have one IPv4 address by way of aliases, and none of the other family."""
    families: tuple[RRType, RRType] = ("A", "AAAA")
    for rrtype in families:
        along(world, name, rrtype, statuses, PUBLISHED[rrtype])


def world_of(leaf: Made = LEAF) -> World:
    """A world in which everything is SECURE and every host has a TLSA record; its servers present a leaf."""
    world = World()
    world.naptr(DOMAIN, (10, 10, "s", "SIPS+D2T", "", OWN))
    world.srv(OWN, (10, 0, 5061, TARGET))
    for host in (DOMAIN, TARGET):
        world.address(host, ADDRESS)
        world.tlsa(f"_5061._tcp.{host}", PIN)
    world.server(ADDRESS, [leaf.der, CA.der])
    world.anchors = Anchors((ROOT.der,))
    world.paths = issued((LEAF, CA, ROOT), (TARGET_LEAF, CA, ROOT), (OTHER, CA, ROOT))
    return world


def tlsa_questions(world: World) -> list[str]:
    """The hosts whose TLSA records were asked for, in order."""
    return [name.removeprefix("_5061._tcp.") for name, rrtype in world.questions() if rrtype == "TLSA"]


def expect(make: Callable[[Made], World], uri: str, what: Treated, server_name: str = DOMAIN) -> Verdict:
    """Run the world with each leaf, and see that those are accepted that the treatment allows, by the right method."""
    accepted: dict[str, tuple[Made, ...]] = {
        "dane": (PINNED,),
        "either": (LEAF, TARGET_LEAF),
        "domain": (LEAF,),
        "skip": (),
    }
    method = "dane-ee" if what == "dane" else "pkix"
    told: list[Verdict] = []
    for leaf in LEAVES:
        world = make(leaf)
        verdict = world.outbound(uri)
        told.append(verdict)
        if what == "skip":
            assert said(verdict)[:2] == ("UNDETERMINED", "none")
            assert world.names_sent == []
        else:
            assert world.names_sent == [server_name]
            assert said(verdict)[:2] == (("ACCEPTED", method) if leaf in accepted[what] else ("REJECTED", "none"))
    return told[0]


def sole_delegation(world: World, uri: str) -> Delegation:
    """What the only target is worth, from `Locate`."""
    (target,) = world.locate(uri).targets
    return target.delegation


def grid(text: str, rows: Sequence[str], columns: Sequence[str]) -> dict[tuple[str, str], str]:
    """Read a table that is written as a table: one letter for each combination."""
    lines = [line.split() for line in text.strip().splitlines()]
    assert [line[0] for line in lines] == list(rows)
    assert {len(line) for line in lines} == {len(columns) + 1}
    return {(line[0], column): letter for line in lines for column, letter in zip(columns, line[1:], strict=True)}


# One insecure step somewhere on the way. D-SEC-1, 3, 4, 5; RFC 7671 section 7, RFC 7672 section 2.1.3.

Way: TypeAlias = tuple[str, RRType]
WAYS: tuple[Way, ...] = ((DOMAIN, "NAPTR"), (OWN, "SRV"), (TARGET, "A"), (f"_5061._tcp.{TARGET}", "TLSA"))
PUBLISHED: dict[str, Callable[[str], list[Record]]] = {
    "NAPTR": lambda owner: [Naptr(owner, 10, 10, "s", "SIPS+D2T", "", OWN)],
    "SRV": lambda owner: [Srv(owner, 10, 0, 5061, TARGET)],
    "A": lambda owner: [Address(owner, ADDRESS)],
    "AAAA": lambda owner: [],
    "TLSA": lambda owner: [parse(PIN, owner)],
}
# What comes of one INSECURE step or more, by the type of the answer: delegation, treatment, TLSA questions.
Expected: TypeAlias = tuple[Delegation, Treated, list[str]]
AFTER_AN_INSECURE_STEP: dict[str, Expected] = {
    "NAPTR": (Delegation.TAINTED, "domain", []),
    "SRV": (Delegation.TAINTED, "domain", []),
    "A": (Delegation.SRV, "either", []),
    "TLSA": (Delegation.SRV, "either", [TARGET]),
}


def detoured(way: Way, statuses: Statuses, kind: str, claimed: Security | None) -> Callable[[Made], World]:
    """A world that is SECURE but for the steps on one way."""
    name, rrtype = way

    def make(leaf: Made) -> World:
        world = world_of(leaf)
        names = along(world, name, rrtype, statuses, PUBLISHED[rrtype], kind=kind, claimed=claimed)
        if rrtype == "A":
            world.say(name, "AAAA", aliases=world.said[name, "A"].aliases, security=world.said[name, "A"].security)
            world.tlsa(f"_5061._tcp.{names[-1]}", PIN)
            for between in names[1:-1]:
                world.tlsa(f"_5061._tcp.{between}", "3 1 1 " + "00" * 32)
        return world

    return make


@pytest.mark.req("R7672-2.1.3-1", "R7671-7-1", "R7671-7-4", "R7671-7-5", "R7673-3.1-1", "D-SEC-4", "D-SEC-5", "D-DNS-1")
@pytest.mark.req("R7672-2.2.3-1", "R7672-2.2.3-2", "R7673-3.2-2", "R7673-3.4-3")
@pytest.mark.parametrize("kind", ["CNAME", "DNAME"])
@pytest.mark.parametrize("claimed", [None, SECURE, INSECURE])
@pytest.mark.parametrize("statuses", [*THREE_HOPS, (SECURE, SECURE), (INSECURE, SECURE), (SECURE, INSECURE)])
@pytest.mark.parametrize("way", WAYS, ids=[rrtype for _, rrtype in WAYS])
def test_one_insecure_step_of_an_alias_chain_is_enough_wherever_it_is(
    way: Way, statuses: Statuses, claimed: Security | None, kind: str
) -> None:
    # A resolver may know one status for the whole answer, or be wrong about it: the weakest of all counts.
    make = detoured(way, statuses, kind, claimed)
    secure = INSECURE not in (*statuses[:-1], statuses[-1] if claimed is None else claimed)
    if secure:
        bases = [TARGET]
        if way[1] == "A":
            bases = [hop_names(TARGET, len(statuses), kind)[-1]]
        expected: Expected = (Delegation.SRV, "dane", bases)
    else:
        expected = AFTER_AN_INSECURE_STEP[way[1]]
    delegation, what, bases = expected
    world = make(LEAF)
    assert sole_delegation(world, URI) is delegation
    world.outbound(URI)
    assert tlsa_questions(world) == bases
    verdict = expect(make, URI, what, bases[0] if secure else DOMAIN)
    if way[1] == "TLSA" and not secure:
        assert "dane.insecure" in codes(verdict)


@pytest.mark.req("R7671-7-1", "R7671-7-3", "R7671-7-4", "R7672-2.2.2-2", "D-SEC-8", "A-28")
@pytest.mark.parametrize("uri", [BY_PORT, URI])
@pytest.mark.parametrize("statuses", THREE_HOPS)
def test_the_domain_that_is_an_alias_has_its_own_name_and_its_last_one_as_bases(statuses: Statuses, uri: str) -> None:
    # By hand: all SECURE, the last name and then the first; a SECURE first step, the first; else none.
    by_hand: dict[Statuses, list[str]] = {
        (SECURE, SECURE, SECURE): ["via2.example", DOMAIN],
        (SECURE, SECURE, INSECURE): [DOMAIN],
        (SECURE, INSECURE, SECURE): [DOMAIN],
        (SECURE, INSECURE, INSECURE): [DOMAIN],
    }
    bases = by_hand.get(statuses, [])

    def make(leaf: Made) -> World:
        world = world_of(leaf)
        world.naptr(DOMAIN)
        world.srv(OWN)
        addresses_along(world, DOMAIN, statuses)
        world.say(DOMAIN, "CNAME", Cname(DOMAIN, "via1.example"), security=statuses[0])
        return world

    world = make(LEAF)
    assert sole_delegation(world, uri) is Delegation.HOST
    assert (DOMAIN, "TLSA") not in world.questions()
    world.outbound(uri)
    # The last name has no TLSA record here, so the first one is asked too.
    assert tlsa_questions(world) == bases
    assert ((DOMAIN, "CNAME") in world.questions()) is (statuses[0] is INSECURE)
    expect(make, uri, "dane" if bases else "domain", DOMAIN)


# The first step of an alias chain whose answer has one status for all (R7672-2.1.3-3, A-28).

ALIAS_ALONE: dict[str, tuple[Said, Treated, list[str]]] = {
    "secure": (Said((Cname(DOMAIN, "via1.example"),), SECURE), "dane", [DOMAIN]),
    "insecure": (Said((Cname(DOMAIN, "via1.example"),), INSECURE), "domain", []),
    "secure, and denied": (Said((), SECURE, Denial.NODATA), "domain", []),
    "insecure, and denied": (Said((), INSECURE, Denial.NXDOMAIN), "domain", []),
    "bogus": (Said(failure=Failure.BOGUS), "skip", []),
    "failed": (Said(failure=Failure.SERVFAIL), "skip", []),
    "timed out": (Said(failure=Failure.TIMEOUT), "skip", []),
}


@pytest.mark.req("R7672-2.1.3-3", "R7672-2.1.3-2", "R7672-2.2.2-2", "A-28", "D-SEC-8")
@pytest.mark.parametrize("alone", ALIAS_ALONE)
@pytest.mark.parametrize("steps", [1, 2])
def test_where_one_status_holds_for_a_whole_chain_the_first_step_is_asked_for_alone(alone: str, steps: int) -> None:
    told, what, bases = ALIAS_ALONE[alone]

    def make(leaf: Made) -> World:
        world = world_of(leaf)
        addresses_along(world, DOMAIN, (INSECURE,) * (steps + 1))
        world.said[DOMAIN, "CNAME"] = told
        return world

    world = make(LEAF)
    world.outbound(BY_PORT)
    assert world.questions().count((DOMAIN, "CNAME")) == 1
    assert tlsa_questions(world) == bases
    expect(make, BY_PORT, what, DOMAIN)


@pytest.mark.req("R7673-3.2-2", "R7671-7-5", "A-08")
@pytest.mark.parametrize("srv", [SECURE, INSECURE])
def test_an_srv_target_with_an_insecure_alias_is_not_asked_for_its_first_step(srv: Security) -> None:
    # RFC 7673 section 3.2 forbids the TLSA question without a SECURE address, so nothing would come of it.
    world = world_of()
    world.srv(OWN, (10, 0, 5061, TARGET), security=srv)
    along(world, TARGET, "A", (SECURE, INSECURE), lambda owner: [Address(owner, ADDRESS)])
    world.outbound(URI)
    assert (TARGET, "CNAME") not in world.questions()
    assert tlsa_questions(world) == []


# NAPTR and SRV, each in every state. D-SEC-1 to 8.

NAPTRS = (
    *("nodata-secure", "nodata-insecure", "nxdomain-secure", "nxdomain-insecure"),
    *("own-secure", "own-insecure", "away-secure", "away-insecure", "unusable-secure", "unusable-insecure"),
    *("bogus", "failed"),
)
SRVS = ("secure", "insecure", "nodata-secure", "nodata-insecure", "nxdomain-secure", "root-secure", "root-insecure")
SRV_FAILURES = ("bogus", "failed")
FAILURES = {"bogus": Failure.BOGUS, "failed": Failure.SERVFAIL}
FAILURE_CODES = {"bogus": "dnssec.bogus", "failed": "locate.servfail"}

# S: the SRV target speaks for the domain. H: the domain is its own server. t: only the domain counts, the server is the
# SRV target; h: the same, the server is the domain's own address. N: no service, proven; U: unproven. -: aborted.
NAPTR_AND_SRV = grid(
    """
    nodata-secure      S t H h H N U - -
    nodata-insecure    S t H h H U U - -
    nxdomain-secure    S t H h H N U - -
    nxdomain-insecure  S t H h H U U - -
    own-secure         S t H h H N U - -
    own-insecure       t t h h h U U - -
    away-secure        S t H h H N U - -
    away-insecure      t t h h h U U - -
    unusable-secure    S t H h H N U - -
    unusable-insecure  S t H h H U U - -
    bogus              - - - - - - - - -
    failed             - - - - - - - - -
    """,
    NAPTRS,
    SRVS + SRV_FAILURES,
)
LOCATED: dict[str, tuple[Delegation, str, Treated]] = {
    "S": (Delegation.SRV, TARGET, "dane"),
    "H": (Delegation.HOST, DOMAIN, "dane"),
    "t": (Delegation.TAINTED, TARGET, "domain"),
    "h": (Delegation.TAINTED, DOMAIN, "domain"),
}


def status_of(state: str) -> Security:
    return INSECURE if state.endswith("insecure") else SECURE


def stated(world: World, name: str, rrtype: RRType, state: str, *records: Record) -> None:
    """Let the DNS answer as a state says: denied in one of two ways, failed, or with records."""
    if state in FAILURES:
        world.fail(name, rrtype, FAILURES[state])
    elif state.startswith("nodata"):
        world.say(name, rrtype, security=status_of(state), denial=Denial.NODATA)
    elif state.startswith("nxdomain"):
        world.say(name, rrtype, security=status_of(state), denial=Denial.NXDOMAIN)
    else:
        world.say(name, rrtype, *records, security=status_of(state))


def served(naptr: str, srv: str, leaf: Made = LEAF) -> World:
    """A world with NAPTR and SRV in these states; addresses and TLSA records are all SECURE."""
    world = world_of(leaf)
    owner = AWAY if naptr.startswith("away") else OWN
    flag = "u" if naptr.startswith("unusable") else "s"
    stated(world, DOMAIN, "NAPTR", naptr, Naptr(DOMAIN, 10, 10, flag, "SIPS+D2T", "", owner))
    stated(world, owner, "SRV", srv, Srv(owner, 10, 0, 5061, "." if srv.startswith("root") else TARGET))
    return world


@pytest.mark.req("D-SEC-1", "D-SEC-2", "D-SEC-3", "D-SEC-4", "D-SEC-5", "D-SEC-6", "D-SEC-7", "D-SEC-8")
@pytest.mark.req("R7673-3.1-1", "R7673-3.1-2", "R7673-3.1-3", "R2782-tgt-2", "T-S01", "A-30")
@pytest.mark.parametrize(("naptr", "srv"), list(NAPTR_AND_SRV), ids=["/".join(each) for each in NAPTR_AND_SRV])
def test_naptr_and_srv_in_every_state(naptr: str, srv: str) -> None:
    letter = NAPTR_AND_SRV[naptr, srv]
    world = served(naptr, srv)
    route = world.locate(URI)
    if letter in LOCATED:
        delegation, host, what = LOCATED[letter]
        (target,) = route.targets
        assert (target.delegation, target.host, target.port) == (delegation, host, 5061)
        world.outbound(URI)
        assert tlsa_questions(world) == ([host] if what == "dane" else [])
        expect(lambda leaf: served(naptr, srv, leaf), URI, what, host if what == "dane" else DOMAIN)
        return
    if letter == "-":
        outcome, code = Outcome.UNDETERMINED, FAILURE_CODES.get(naptr) or FAILURE_CODES[srv]
    else:
        outcome = Outcome.NO_SERVICE
        code = "locate.no-service" if letter == "N" else "locate.no-service.unproven"
    assert (route.outcome, route.code, route.targets) == (outcome, code, ())
    verdict = world.outbound(URI)
    assert (verdict.outcome, verdict.method, verdict.code) == (outcome, "none", code)
    assert {rrtype for _, rrtype in world.questions()} <= {"NAPTR", "SRV"}
    assert not [action for action in world.asked if isinstance(action, Connect)]


@pytest.mark.req("D-SEC-7", "R3263-7-2")
@pytest.mark.parametrize("scheme", ["sip", "sips"])
@pytest.mark.parametrize("naptr", [each for each in NAPTRS if each not in FAILURES])
def test_a_choice_of_transport_that_an_insecure_naptr_answer_may_have_weakened_is_reported_but_never_for_sips(
    naptr: str, scheme: str
) -> None:
    found = [step.code for step in served(naptr, "secure").locate(f"{scheme}:alice@{DOMAIN}").findings]
    # The records of "own" and "away" lead to TLS, which is as strong as it gets; others may have been removed.
    reported = scheme == "sip" and naptr in ("nodata-insecure", "nxdomain-insecure", "unusable-insecure")
    assert ("locate.downgrade-possible" in found) is reported


@pytest.mark.req("D-SEC-4", "T-L02", "S-A-20")
@pytest.mark.parametrize("leaf", [TARGET_LEAF, PINNED])
def test_the_signed_zone_of_an_attacker_gains_nothing_by_an_unsigned_naptr_record(leaf: Made) -> None:
    # Everything behind the NAPTR record is SECURE and the attacker's own; the certificate names his host.
    assert said(served("away-secure", "secure", PINNED).outbound(URI))[:2] == ("ACCEPTED", "dane-ee")
    assert served("away-insecure", "secure", leaf).outbound(URI).outcome is Outcome.REJECTED


# The two address families, each in every state. D-SEC-13, RFC 7673 section 3.2.

FAMILIES = ("secure", "insecure", "nodata-secure", "nodata-insecure", "bogus", "failed")
# D: TLSA is asked for, and DANE decides. E: it is not; the domain's name counts, and with a secure SRV record the
# host's too. S: skipped, because a lookup failed. N: no address, proven; U: unproven.
WITH_SRV = grid(
    """
    secure           D D D D D D
    insecure         D E E E S S
    nodata-secure    D E N U S S
    nodata-insecure  D E U U S S
    bogus            D S S S S S
    failed           D S S S S S
    """,
    FAMILIES,
    FAMILIES,
)
OWN_HOST = grid(
    """
    secure           D D D D D D
    insecure         D E E E E E
    nodata-secure    D E N U S S
    nodata-insecure  D E U U S S
    bogus            D E S S S S
    failed           D E S S S S
    """,
    FAMILIES,
    FAMILIES,
)
NOT_TRUSTED = grid(
    """
    secure           E E E E E E
    insecure         E E E E E E
    nodata-secure    E E U U S S
    nodata-insecure  E E U U S S
    bogus            E E S S S S
    failed           E E S S S S
    """,
    FAMILIES,
    FAMILIES,
)
MADDR = "elsewhere.example"
Kind: TypeAlias = tuple[dict[tuple[str, str], str], Treated, str]
KINDS: dict[str, Kind] = {
    "SRV": (WITH_SRV, "either", TARGET),
    "no SRV": (OWN_HOST, "domain", DOMAIN),
    "port": (OWN_HOST, "domain", DOMAIN),
    "insecure SRV": (NOT_TRUSTED, "domain", TARGET),
    "insecure NAPTR": (NOT_TRUSTED, "domain", TARGET),
    "insecure denial of SRV": (NOT_TRUSTED, "domain", DOMAIN),
}


def reached(kind: str, ipv6: str, ipv4: str, leaf: Made) -> World:
    """A world whose server is found in some way, and has its addresses in these states."""
    naptr, srv = {
        "no SRV": ("nodata-secure", "nodata-secure"),
        "insecure SRV": ("own-secure", "insecure"),
        "insecure NAPTR": ("own-insecure", "secure"),
        "insecure denial of SRV": ("nodata-secure", "nodata-insecure"),
    }.get(kind, ("own-secure", "secure"))
    world = served(naptr, srv, leaf)
    host = KINDS[kind][2]
    stated(world, host, "AAAA", ipv6, Address(host, "2001:db8::1"))
    stated(world, host, "A", ipv4, Address(host, ADDRESS))
    world.server("2001:db8::1", [leaf.der, CA.der])
    return world


@pytest.mark.req("D-SEC-13", "A-29", "R7673-3.2-1", "R7673-3.2-2", "R7673-3.2-3", "R7672-2.1.2-1")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("ipv6", "ipv4"), list(product(FAMILIES, repeat=2)))
def test_the_two_address_families_in_every_state(kind: str, ipv6: str, ipv4: str) -> None:
    table, lesser, host = KINDS[kind]
    uri = BY_PORT if kind == "port" else URI
    letter = table[ipv6, ipv4]
    world = reached(kind, ipv6, ipv4, LEAF)
    route = world.locate(uri)
    verdict = world.outbound(uri)
    assert tlsa_questions(world) == ([host] if letter == "D" else [])
    with_records = [a for state, a in ((ipv6, "2001:db8::1"), (ipv4, ADDRESS)) if state in ("secure", "insecure")]
    if letter in "DE":
        (target,) = route.targets
        assert list(target.addresses) == with_records
        for leaf in LEAVES:
            world = reached(kind, ipv6, ipv4, leaf)
            verdict = world.outbound(uri)
            accepted = {"D": (PINNED,), "E": (LEAF, TARGET_LEAF) if lesser == "either" else (LEAF,)}[letter]
            assert verdict.accepted is (leaf in accepted)
            assert set(world.names_sent) == {host if letter == "D" else DOMAIN}
        return
    assert not route.targets
    assert world.names_sent == []
    if letter == "S":
        failed = ipv6 if ipv6 in FAILURES else ipv4
        assert (verdict.outcome, verdict.code) == (Outcome.UNDETERMINED, FAILURE_CODES[failed])
        assert (route.outcome, route.code) == (Outcome.UNDETERMINED, FAILURE_CODES[failed])
    else:
        code = "locate.no-service" if letter == "N" else "locate.no-service.unproven"
        assert (verdict.outcome, verdict.code) == (route.outcome, route.code) == (Outcome.NO_SERVICE, code)


@pytest.mark.req("R7673-3.2-3", "D-SEC-13", "D-SEC-11")
@pytest.mark.parametrize(("ipv6", "ipv4"), [pair for pair, letter in WITH_SRV.items() if letter in "SNU"])
def test_after_a_target_that_is_skipped_the_next_one_is_tried(ipv6: str, ipv4: str) -> None:
    world = reached("SRV", ipv6, ipv4, PINNED)
    second = "sip2.host.example"
    world.srv(OWN, (10, 0, 5061, TARGET), (20, 0, 5061, second))
    world.address(second, "192.0.2.2")
    world.tlsa(f"_5061._tcp.{second}", PIN)
    world.server("192.0.2.2", [PINNED.der])
    verdict = world.outbound(URI)
    assert said(verdict) == ("ACCEPTED", "dane-ee", "dane.match")
    assert world.names_sent == [second]


# TLSA at the end of an alias, and at its beginning. RFC 7671 section 7.

TLSAS = ("usable", "insecure", "nodata-secure", "nodata-insecure", "unusable", "bogus", "failed")
# R: DANE decides, by the records at the last name. T: by those at the first. E: PKIX. S: skipped.
LAST_AND_FIRST = grid(
    """
    usable           R R R R R R R
    insecure         T E E E E S S
    nodata-secure    T E E E E S S
    nodata-insecure  T E E E E S S
    unusable         E E E E E E E
    bogus            S S S S S S S
    failed           S S S S S S S
    """,
    TLSAS,
    TLSAS,
)
ASKED_ON = ("insecure", "nodata-secure", "nodata-insecure")
REAL = "via1.example"


def pinned(world: World, host: str, state: str) -> None:
    name = f"_5061._tcp.{host}"
    if state == "unusable":
        world.tlsa(name, "3 1 1 00", security=SECURE)
    elif state in ("usable", "insecure"):
        world.tlsa(name, PIN, security=SECURE if state == "usable" else INSECURE)
    else:
        stated(world, name, "TLSA", state)


@pytest.mark.req(
    "R7671-7-1", "R7671-7-2", "R7671-7-3", "R7671-7-5", "R7671-10.2-1", "R7673-3.4-2", "R7673-3.4-3", "A-08"
)
@pytest.mark.parametrize("host", [TARGET, DOMAIN])
@pytest.mark.parametrize(("last", "original"), list(LAST_AND_FIRST))
def test_tlsa_at_the_last_name_of_an_alias_and_at_its_own_in_every_state(last: str, original: str, host: str) -> None:
    uri = URI if host == TARGET else BY_PORT

    def make(leaf: Made) -> World:
        world = world_of(leaf)
        addresses_along(world, host, (SECURE, SECURE))
        pinned(world, REAL, last)
        pinned(world, host, original)
        return world

    letter = LAST_AND_FIRST[last, original]
    world = make(LEAF)
    verdict = world.outbound(uri)
    assert tlsa_questions(world) == ([REAL, host] if last in ASKED_ON else [REAL])
    what: dict[str, tuple[Treated, str]] = {
        "R": ("dane", REAL),
        "T": ("dane", host),
        "E": ("either" if host == TARGET else "domain", DOMAIN),
        "S": ("skip", ""),
    }
    expect(make, uri, *what[letter])
    if letter == "S":
        failed = original if last in ASKED_ON else last
        assert verdict.code == ("dnssec.bogus" if failed == "bogus" else "dane.lookup-failed")


# Several SRV questions. D-SEC-12.

OFFERS = ("secure", "insecure", "nodata-secure", "nodata-insecure", "bogus", "failed")
OWNERS = {"tls": OWN, "tcp": f"_sip._tcp.{DOMAIN}", "udp": f"_sip._udp.{DOMAIN}"}


@pytest.mark.req("D-SEC-12", "R7673-3.1-2", "R3263-4.1-16", "D-SEC-8")
@pytest.mark.parametrize("states", list(product(OFFERS, repeat=3)), ids="/".join)
def test_srv_of_three_transports_in_every_state(states: tuple[str, str, str]) -> None:
    world = world_of()
    world.naptr(DOMAIN)
    for (_, owner), state in zip(OWNERS.items(), states, strict=True):
        stated(world, owner, "SRV", state, Srv(owner, 0, 0, 5070, TARGET))
    route = world.locate(f"sip:alice@{DOMAIN}")
    failed = [state for state in states if state in FAILURES]
    offered = [(t, state) for t, state in zip(OWNERS, states, strict=True) if state in ("secure", "insecure")]
    assert {name for name, rrtype in world.questions() if rrtype == "SRV"} == set(OWNERS.values())
    if failed:
        assert (route.outcome, route.code) == (Outcome.UNDETERMINED, FAILURE_CODES[failed[0]])
        assert (route.targets, route.complete) == ((), False)
        assert {rrtype for _, rrtype in world.questions()} == {"NAPTR", "SRV"}
        return
    (target,) = route.targets
    if offered:
        transport, state = offered[0]
        delegation = Delegation.SRV if state == "secure" else Delegation.TAINTED
        assert (target.transport, target.host, target.delegation) == (transport, TARGET, delegation)
    else:
        # Only when no transport has records does the domain's own address count, over UDP.
        delegation = Delegation.HOST if set(states) == {"nodata-secure"} else Delegation.TAINTED
        assert (target.transport, target.host, target.delegation) == ("udp", DOMAIN, delegation)


# Names that the domain did not give. D-SEC-9, D-SEC-15.


@pytest.mark.req("D-SEC-15", "T-S01", "R3263-4-5")
@pytest.mark.parametrize("port", ["", ":5061"])
@pytest.mark.parametrize("maddr", [MADDR, f"sub.{DOMAIN}", "com", TARGET, "192.0.2.1", "[2001:db8::1]"])
def test_whatever_maddr_leads_to_is_tainted_though_every_answer_is_secure(maddr: str, port: str) -> None:
    uri = f"sips:alice@{DOMAIN}{port};maddr={maddr}"

    def make(leaf: Made) -> World:
        world = world_of(leaf)
        world.naptr(maddr, (10, 10, "s", "SIPS+D2T", "", f"_sips._tcp.{maddr}"))
        world.srv(f"_sips._tcp.{maddr}", (0, 0, 5061, TARGET))
        for host in (maddr, TARGET):
            world.address(host, ADDRESS)
            world.tlsa(f"_5061._tcp.{host}", PIN)
        world.server("2001:db8::1", [leaf.der, CA.der])
        return world

    assert sole_delegation(make(LEAF), uri) is Delegation.TAINTED
    world = make(LEAF)
    world.outbound(uri)
    assert tlsa_questions(world) == []
    assert DOMAIN not in {name for name, _ in world.questions()}
    expect(make, uri, "domain", DOMAIN)


@pytest.mark.req("D-SEC-15")
def test_a_maddr_that_is_the_host_itself_changes_nothing() -> None:
    uri = f"sips:alice@{DOMAIN};maddr={DOMAIN.upper()}"
    assert sole_delegation(world_of(), uri) is Delegation.SRV
    expect(world_of, uri, "dane", TARGET)


@pytest.mark.req("D-SEC-15", "D-SEC-8")
def test_a_denial_at_maddr_does_not_make_its_host_trusted() -> None:
    world = world_of()
    world.address(MADDR, ADDRESS)
    world.tlsa(f"_5061._tcp.{MADDR}", PIN)
    assert sole_delegation(world, f"{URI};maddr={MADDR}") is Delegation.TAINTED
    world.outbound(f"{URI};maddr={MADDR}")
    assert tlsa_questions(world) == []


@pytest.mark.req("D-SEC-9", "R7672-2.2-1")
@pytest.mark.parametrize("address", ["192.0.2.1", "[2001:db8::1]"])
@pytest.mark.parametrize("leaf", LEAVES)
def test_an_address_as_host_has_no_dane_and_no_name_and_is_refused(address: str, leaf: Made) -> None:
    world = world_of(leaf)
    world.server("2001:db8::1", [leaf.der, CA.der])
    assert sole_delegation(world, f"sips:{address}") is Delegation.TAINTED
    verdict = world.outbound(f"sips:{address}")
    assert said(verdict)[:2] == ("REJECTED", "none")
    assert (world.questions(), world.names_sent) == ([], [None])


# What sips must never come to. D-SEC-10.

ALL: tuple[Transport, ...] = TRANSPORTS
STATES: dict[str, Said] = {
    "failed": Said(failure=Failure.SERVFAIL),
    "bogus": Said(failure=Failure.BOGUS),
    "denied": Said((), SECURE, Denial.NODATA),
    "denied without proof": Said((), INSECURE, Denial.NXDOMAIN),
    "there": Said(),
}


@pytest.mark.req("D-SEC-10", "R3263-7-2")
@pytest.mark.parametrize("states", list(product(STATES, repeat=3)), ids="/".join)
@pytest.mark.parametrize("parameter", ["", ";transport=tcp", ";transport=sctp", ";transport=ws", ":5070"])
def test_sips_never_comes_to_a_transport_without_tls_whatever_fails(
    states: tuple[str, str, str], parameter: str
) -> None:
    world = World()
    clear = [(n, n, "s", s, "", f"_sip._x{n}.{DOMAIN}") for n, s in enumerate(("SIP+D2U", "SIP+D2T", "SIP+D2S"))]
    world.naptr(DOMAIN, *clear, (50, 50, "s", "SIPS+D2T", "", OWN))
    for owner in (OWN, f"_sips._sctp.{DOMAIN}", *[f"_sip._{p}.{DOMAIN}" for p in ("udp", "tcp", "sctp", "x0", "x1")]):
        world.srv(owner, (0, 0, 5060, TARGET))
    for host in (DOMAIN, TARGET):
        world.address(host, ADDRESS)
    for (name, rrtypes), state in zip(
        ((DOMAIN, ("NAPTR",)), (OWN, ("SRV",)), (TARGET, ("A", "AAAA"))), states, strict=True
    ):
        for rrtype in rrtypes if state != "there" else ():
            world.said[name, rrtype] = STATES[state]
    route = world.locate(f"sips:{DOMAIN}{parameter}", Policy(transports=ALL))
    assert {target.transport for target in route.targets} <= SECURE_TRANSPORTS
    assert not [name for name, _ in world.questions() if name.startswith("_sip.")]


@pytest.mark.req("D-SEC-11", "R5922-7.3-4", "S-A-21")
def test_a_peer_that_is_not_the_domain_is_closed_and_the_next_one_tried_and_all_reasons_are_told() -> None:
    world = world_of(OTHER)
    second, third = "sip2.host.example", "sip3.host.example"
    world.srv(OWN, *[(n, 0, 5061, host) for n, host in enumerate((TARGET, second, third))])
    world.fail(second, "A", Failure.BOGUS)
    world.address(third, "192.0.2.3", security=INSECURE)
    world.server("192.0.2.3", [OTHER.der, CA.der])
    verdict = world.outbound(URI)
    assert said(verdict) == ("REJECTED", "none", "dane.no-match")  # the gravest, and of these the first
    assert world.names_sent == [TARGET, DOMAIN]
    told = [(step.hop.split(":")[0].split(" ")[0], step.code) for step in verdict.steps]
    assert (TARGET, "dane.no-match") in told
    assert (second, "dnssec.bogus") in told
    assert (third, "id.mismatch") in told
    world.server("192.0.2.3", [LEAF.der, CA.der])
    assert said(world.outbound(URI)) == ("ACCEPTED", "pkix", "id.match")


# A status is fixed. D-SEC-14, R7673-3.1-5.


def begun(machine: Outbound | Locate, world: World, stop: Lookup) -> None:
    """Drive a machine until it has asked this; that question is left without an answer."""
    while stop not in machine.outstanding:
        for action in machine.next_actions(now=0.0):
            world.asked.append(action)
            if action != stop:
                event = world.perform(action)
                assert event is not None
                machine.receive(event, now=0.0)


def outbound(world: World, uri: str = URI, policy: Policy | None = None) -> Outbound:
    return Outbound(
        SipUri.parse(uri), policy=policy or Policy(), now=0.0, at=AT, randbelow=first, anchors=world.anchors
    )


def finished(machine: Outbound | Locate, world: World) -> Verdict | Route:
    world.run(machine)
    assert machine.result is not None
    return machine.result


@pytest.mark.req("D-SEC-14")
@pytest.mark.parametrize("kind", [Outbound, Locate])
@pytest.mark.parametrize("way", WAYS, ids=[rrtype for _, rrtype in WAYS])
def test_a_second_answer_that_is_secure_is_refused_and_lifts_no_taint(way: Way, kind: type) -> None:
    name, rrtype = way
    question = Lookup(name, rrtype)
    if kind is Locate and rrtype == "TLSA":
        question = Lookup(TARGET, "AAAA")  # the last thing that Locate asks
    world = world_of(LEAF)
    if question.rrtype == "AAAA":
        world.address(TARGET, ADDRESS, "2001:db8::1")
    before = replace(world.said[question], security=INSECURE)
    after, world.said[question] = world.said[question], before
    machine = outbound(world) if kind is Outbound else Locate(URI, now=0.0, at=AT, randbelow=first)
    begun(machine, world, question)
    machine.receive(world.answer(question), now=0.0)
    later = Answered(question, Answer(question, (), question.name, after.records, after.denial, SECURE, 300.0, SOURCE))
    if machine.result is None:
        with pytest.raises(LocalProtocolError):
            machine.receive(later, now=0.0)
    world.said[question] = after  # whoever asked again would hear this
    result = finished(machine, world)
    assert world.questions().count((question.name, question.rrtype)) == 1
    if isinstance(result, Route):
        (target,) = result.targets
        tainted = question.rrtype in ("NAPTR", "SRV")
        assert target.delegation is (Delegation.TAINTED if tainted else Delegation.SRV)
    else:
        assert said(result)[:2] == ("ACCEPTED", "pkix")
        assert "dane.match" not in codes(result)


@pytest.mark.req("D-SEC-14", "D-SEC-13")
def test_an_answer_that_comes_after_its_time_saves_no_target() -> None:
    second = "sip2.host.example"
    world = world_of(PINNED)
    world.srv(OWN, (10, 0, 5061, TARGET), (20, 0, 5061, second))
    world.address(second, "192.0.2.2", security=INSECURE)
    world.server("192.0.2.2", [LEAF.der, CA.der])
    world.address(TARGET, security=INSECURE)
    late = Lookup(TARGET, "A")
    machine = outbound(world)
    begun(machine, world, late)
    machine.advance(now=11.0)  # the lookup is over; the target is skipped
    machine.receive(
        Answered(late, Answer(late, (), TARGET, (Address(TARGET, ADDRESS),), None, SECURE, 300.0, SOURCE)), now=11.0
    )
    verdict = run_at(machine, world, 11.0)
    assert said(verdict) == ("ACCEPTED", "pkix", "id.match")
    assert verdict.target is not None
    assert verdict.target.host == second
    assert tlsa_questions(world) == []


def run_at(machine: Outbound, world: World, now: float) -> Verdict:
    """Drive a machine to its verdict, all at one time."""
    while machine.verdict is None:
        actions = machine.next_actions(now=now)
        assert actions, "an undecided machine awaits something"
        for action in actions:
            world.asked.append(action)
            event = world.perform(action)
            if event is not None:
                machine.receive(event, now=now)
    return machine.verdict


@pytest.mark.req("D-SEC-14")
@pytest.mark.parametrize(("before", "after"), list(product((SECURE, INSECURE), repeat=2)))
@pytest.mark.parametrize("way", WAYS[:2], ids=["NAPTR", "SRV"])
def test_after_a_restart_the_new_answers_count_alone_for_better_and_for_worse(
    way: Way, before: Security, after: Security
) -> None:
    second = "sip2.host.example"
    world = world_of(OTHER)
    world.srv(OWN, (10, 0, 5061, TARGET), (20, 0, 5061, second))
    world.address(second, "192.0.2.2")
    world.tlsa(f"_5061._tcp.{second}", PIN)
    world.server("192.0.2.2", [PINNED.der])
    world.said[way] = replace(world.said[way], security=before, ttl=5.0)
    machine = outbound(world, policy=Policy(limits=Limits(seconds=1_000.0), connect_timeout=500.0))
    slow: Connect | None = None
    while slow is None:
        for action in machine.next_actions(now=0.0):
            world.asked.append(action)
            if isinstance(action, Connect):
                world.names_sent.append(action.server_name)
                slow = action
            else:
                event = world.perform(action)
                assert event is not None
                machine.receive(event, now=0.0)
    assert slow.endpoint.host == TARGET
    asked_before = len(world.asked)
    # The first server takes so long to be refused that what led to the second one is too old.
    world.said[way] = replace(world.said[way], security=after)
    event = world.connect(slow)
    world.open.append(slow)
    machine.receive(event, now=100.0)
    verdict = run_at(machine, world, 100.0)
    assert "locate.restarted" in codes(verdict)
    asked = [action for action in world.asked[asked_before:] if isinstance(action, Lookup)]
    assert Lookup(*way) in asked
    assert verdict.target is not None
    if after is SECURE:
        assert said(verdict) == ("ACCEPTED", "dane-ee", "dane.match")
        assert verdict.target.delegation is Delegation.SRV
    else:
        assert verdict.outcome is Outcome.REJECTED
        assert "delegation.tainted" in codes(verdict)
        assert f"_5061._tcp.{second}" not in {action.name for action in asked}


@pytest.mark.req("R7673-3.1-5", "R7673-4.1-2", "R7673-4.1-3")
@pytest.mark.parametrize(("srv", "accepted"), [(SECURE, True), (INSECURE, False)])
def test_the_status_of_srv_is_remembered_for_the_names_and_not_asked_for_again(srv: Security, accepted: bool) -> None:
    # Each target is judged by the names that the status of the SRV answer allows, the last one like the first.
    world = world_of(TARGET_LEAF)
    hosts = ["a.host.example", "b.host.example", TARGET]
    world.srv(OWN, *[(n, 0, 5061, host) for n, host in enumerate(hosts)], security=srv)
    for n, host in enumerate(hosts):
        world.address(host, f"192.0.2.{n + 1}", security=INSECURE)
        world.server(f"192.0.2.{n + 1}", [TARGET_LEAF.der, CA.der])
    verdict = world.outbound(URI)
    assert verdict.accepted is accepted
    assert codes(verdict)[-1] == ("id.match-target" if accepted else "id.srv-target-only")
    assert world.questions().count((OWN, "SRV")) == 1
    assert world.names_sent == [DOMAIN] * 3


# The evidence keeps the status of every step.

EVIDENCE = {"NAPTR": "locate.naptr", "SRV": "locate.srv", "A": "locate.address", "TLSA": "dane.tlsa"}


@pytest.mark.req("D-DNS-1", "R7672-2.1.3-1")
@pytest.mark.parametrize("statuses", THREE_HOPS)
@pytest.mark.parametrize("way", WAYS, ids=[rrtype for _, rrtype in WAYS])
def test_the_status_of_every_step_stands_in_the_evidence(way: Way, statuses: Statuses) -> None:
    name, rrtype = way
    world = detoured(way, statuses, "CNAME", None)(LEAF)
    if rrtype == "TLSA":
        world.said[TARGET, "A"] = replace(world.said[TARGET, "A"], security=SECURE)
    verdict = world.outbound(URI)
    routes = [verdict.steps] if rrtype == "TLSA" else [verdict.steps, world.locate(URI).findings]
    for steps in routes:
        (step,) = [s for s in steps if s.code == EVIDENCE[rrtype] and s.found.startswith(f"{name} {rrtype} ")]
        first_hop, second_hop, end = [status.name.lower() for status in statuses]
        weakest = "insecure" if INSECURE in statuses else "secure"
        assert f"{name} {rrtype} -> via1.example ({first_hop}) -> via2.example ({second_hop}): " in step.found
        assert step.found.endswith(f"({weakest})")
        assert step.security == weakest
        assert end == weakest or weakest == "insecure"
        assert step.to_dict()["security"] == weakest


@pytest.mark.req("D-SEC-6", "D-SEC-13")
@pytest.mark.parametrize("failure", list(Failure))
@pytest.mark.parametrize("way", WAYS, ids=[rrtype for _, rrtype in WAYS])
def test_the_status_of_a_failed_lookup_stands_in_the_evidence(way: Way, failure: Failure) -> None:
    world = world_of()
    world.fail(*way, failure)
    verdict = world.outbound(URI)
    (step,) = [s for s in verdict.steps if s.found.startswith(f"{way[0]} {way[1]}: {failure.value}")]
    assert step.security == ("bogus" if failure is Failure.BOGUS else "indeterminate")
    assert verdict.outcome is Outcome.UNDETERMINED
    assert isinstance(world.answer(Lookup(*way)), LookupFailed)


@pytest.mark.req("D-SEC-1", "D-SEC-8")
@pytest.mark.parametrize(("uri", "code"), [(URI, "delegation.srv"), (BY_PORT, "delegation.host")])
def test_the_delegation_of_each_target_stands_in_the_evidence(uri: str, code: str) -> None:
    assert code in codes(world_of(PINNED).outbound(uri))
    world = world_of(LEAF)
    world.srv(OWN, (10, 0, 5061, TARGET), security=INSECURE)
    assert "delegation.tainted" in codes(world.outbound(URI))
