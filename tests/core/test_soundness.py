"""Answers that are not what they say they are: mended, or taken for the failures that they amount to."""

from __future__ import annotations

from itertools import pairwise

import pytest

from asker import A, found, handed_out, heard
from siptls import (
    Answered,
    Failure,
    Limits,
    Lookup,
    LookupFailed,
    Policy,
    Security,
)
from siptls.dns import RRTYPES, Address, Alias, Answer, Denial, Naptr, Srv
from world import INSECURE, SECURE, SOURCE, World


def test_an_answer_that_is_what_it_says_passes_as_it_is() -> None:
    event = found(A, Address(A.name, "192.0.2.1"), Address(A.name, "192.0.2.2"))
    assert heard(event) is event
    denied = found(A, security=INSECURE)
    assert heard(denied) is denied


def test_names_compare_without_case_and_final_dot() -> None:
    answer = Answer(A, (), "SIP.Example.com.", (Address("sip.EXAMPLE.com", "192.0.2.1"),), None, SECURE, 1.0, SOURCE)
    event = heard(Answered(A, answer))
    assert isinstance(event, Answered)
    assert [str(record) for record in event.answer.records] == ["192.0.2.1"]
    aliases = (Alias("SIP.example.COM", "B.example.", SECURE, 9.0),)
    event = heard(Answered(A, Answer(A, aliases, "b.EXAMPLE", (), Denial.NODATA, SECURE, 1.0, SOURCE)))
    assert isinstance(event, Answered)


def test_records_of_another_owner_or_type_are_dropped_and_reported() -> None:
    world = World()
    evil = Naptr("example.net", 0, 0, "s", "SIPS+D2T", "", "evil.example")
    wrong = Srv("example.com", 0, 0, 5061, "evil.example")
    good = Naptr("example.com", 9, 9, "s", "SIPS+D2T", "", "_sips._tcp.example.org")
    world.say("example.com", "NAPTR", evil, wrong, good)
    verdict = world.outbound("sips:example.com")
    assert ("_sips._tcp.example.org", "SRV") in world.questions()
    (step,) = [step for step in verdict.steps if step.code == "locate.foreign-record"]
    assert (step.hop, step.found) == ("LOCATE", "2 record(s) beside example.com NAPTR")


@pytest.mark.parametrize("rrtype", RRTYPES)
def test_where_only_records_of_strangers_stand_the_answer_is_malformed_and_no_denial(rrtype: str) -> None:
    (question,) = [Lookup("sip.example.com", each) for each in RRTYPES if each == rrtype]
    stranger = Address("evil.example", "192.0.2.6")
    event = heard(found(question, stranger))
    assert isinstance(event, LookupFailed)
    assert event.reason is Failure.MALFORMED


@pytest.mark.parametrize("denial", [None, Denial.NODATA, Denial.NXDOMAIN])
def test_records_and_a_denial_exclude_each_other(denial: Denial | None) -> None:
    records = (Address(A.name, "192.0.2.1"),) if denial else ()
    event = heard(Answered(A, Answer(A, (), A.name, records, denial, SECURE, 300.0, SOURCE)))
    assert isinstance(event, LookupFailed)
    assert event.reason is Failure.MALFORMED


ELSEWHERE, LOOP = Failure.MALFORMED, Failure.LOOP


@pytest.mark.req("R7672-2.1.3-2")
@pytest.mark.parametrize(
    ("steps", "owner", "reason"),
    [
        ([], "elsewhere.example", ELSEWHERE),
        ([("sip.example.com", "b.example")], "c.example", ELSEWHERE),
        ([("other.example", "b.example")], "b.example", ELSEWHERE),
        ([("sip.example.com", "b.example"), ("x.example", "c.example")], "c.example", ELSEWHERE),
        ([("sip.example.com", "sip.example.com")], "sip.example.com", LOOP),
        ([("sip.example.com", "b.example"), ("b.example", "SIP.example.com.")], "sip.example.com", LOOP),
        ([("sip.example.com", "b.example"), ("b.example", "b.example"), ("b.example", "c.example")], "c.example", LOOP),
    ],
)
def test_aliases_that_loop_or_lead_elsewhere_make_the_lookup_failed(
    steps: list[tuple[str, str]], owner: str, reason: Failure
) -> None:
    aliases = tuple([Alias(*step, SECURE, 60.0) for step in steps])
    records = (Address(owner, "192.0.2.1"),)
    event = heard(Answered(A, Answer(A, aliases, owner, records, None, SECURE, 60.0, SOURCE)))
    assert isinstance(event, LookupFailed)
    assert event.reason is reason


def steps(*qualities: tuple[Security, float]) -> tuple[Alias, ...]:
    """Alias steps from A.name to z.example, with these statuses and TTLs."""
    names = [A.name, *[f"n{n}.example" for n in range(1, len(qualities))], "z.example"]
    return tuple([Alias(a, b, *quality) for (a, b), quality in zip(pairwise(names), qualities, strict=True)])


@pytest.mark.req("R7672-2.1.3-1", "R6672-5.3.3-1", "R7673-3.1-1")
@pytest.mark.parametrize("weak", [0, 1, 2])
def test_an_answer_is_as_weak_as_its_weakest_alias(weak: int) -> None:
    aliases = steps(*[(INSECURE if n == weak else SECURE, 600.0) for n in range(3)])
    event = heard(found(A, Address("z.example", "192.0.2.1"), aliases=aliases))
    assert isinstance(event, Answered)
    assert (event.answer.security, event.answer.ttl) == (INSECURE, 300.0)
    assert event.answer.aliases == aliases


@pytest.mark.parametrize("short", [0, 1, 2])
def test_an_answer_lasts_as_long_as_its_shortest_lived_alias(short: int) -> None:
    aliases = steps(*[(SECURE, 7.0 if n == short else 600.0) for n in range(3)])
    event = heard(found(A, Address("z.example", "192.0.2.1"), aliases=aliases))
    assert isinstance(event, Answered)
    assert (event.answer.security, event.answer.ttl) == (SECURE, 7.0)


def test_secure_and_lasting_aliases_leave_an_answer_as_it_is() -> None:
    aliases = steps((SECURE, 600.0), (SECURE, 300.0))
    for status in (SECURE, INSECURE):
        event = heard(found(A, aliases=aliases, security=status))
        assert isinstance(event, Answered)
        assert (event.answer.security, event.answer.ttl) == (status, 300.0)


@pytest.mark.parametrize("beyond", [0, 1])
def test_too_many_records_or_aliases_make_the_lookup_failed(beyond: int) -> None:
    limits = Limits(records=5, aliases=3)
    names = [A.name, *[f"n{n}.example" for n in range(3 + beyond)]]
    aliases = tuple([Alias(a, b, SECURE, 60.0) for a, b in pairwise(names)])
    many = tuple([Address(A.name, f"192.0.2.{n}") for n in range(5 + beyond)])
    for event in (found(A, *many), found(A, aliases=aliases)):
        machine = handed_out(A, policy=Policy(limits=limits))
        machine.receive(event, now=0.0)
        (received,) = machine.heard
        if beyond:
            assert isinstance(received, LookupFailed)
            assert received.reason is Failure.LIMIT
        else:
            assert isinstance(received, Answered)
