"""An authority may have several certificates: where one stands against a path, another may lead past it (D-PATH-3)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import permutations

import pytest

from forged import EMAIL_PROTECTION, constraints, dns, uri
from judging import CA, LEAF, ROOT, Court, Made, ca, made, said
from siptls import Limits, Policy, Revocation
from world import AT

ROOTS = [ca(f"Root {number}", f"Root {number}", 60 + number) for number in range(12)]


# The same authority, certified by four roots.
FINE = ca("CA", "Root 1", 2)
CONSTRAINED = ca("CA", "Root 2", 2, extensions=[constraints([dns("elsewhere.example")])])
FOR_MAIL = ca("CA", "Root 3", 2, eku=[EMAIL_PROTECTION])
REVOKED = ca("CA", "Root 4", 2)
BAD = {"chain.name-constraints": CONSTRAINED, "chain.eku": FOR_MAIL, "chain.revoked": REVOKED}


def judged(*authorities: Made, usage: int | None = None) -> Court:
    """A court in which the leaf has one way by each of these; the validator prefers them in this order."""
    numbers = {FINE.der: 1, CONSTRAINED.der: 2, FOR_MAIL.der: 3, REVOKED.der: 4}
    anchors = [root.record(2, 0, 0) for root in ROOTS[:8]]
    return Court(
        (LEAF, *authorities),
        {None: [], 1: [LEAF.record(1, 1, 1)], 2: anchors}[usage],
        [(LEAF, authority, ROOTS[numbers[authority.der]]) for authority in authorities],
        ROOTS,
        policy=Policy(revocation="crl"),
        revocation=lambda der: Revocation("revoked", "chain.revoked") if der == REVOKED.der else Revocation("good"),
    )


@pytest.mark.req("D-PATH-3", "D-PATH-1", "D-PATH-2")
@pytest.mark.parametrize("usage", [None, 1, 2])
@pytest.mark.parametrize("order", list(permutations(["chain.name-constraints", "chain.eku", "chain.revoked", "fine"])))
def test_whichever_path_comes_first_the_good_one_is_found(order: tuple[str, ...], usage: int | None) -> None:
    court = judged(*[BAD.get(kind, FINE) for kind in order], usage=usage)
    verdict = court.verdict()
    assert verdict.outcome.value == "ACCEPTED"
    assert len(court.questions) <= 1 + Limits().paths


@pytest.mark.parametrize("code", BAD)
def test_without_a_good_one_the_reason_is_told_once(code: str) -> None:
    verdict = judged(BAD[code]).verdict()
    assert said(verdict) == ("REJECTED", "none", code)
    assert [step.code for step in verdict.findings if step.severity == "error"] == [code]


def test_all_ways_may_be_bad() -> None:
    verdict = judged(*BAD.values()).verdict()
    assert said(verdict) == ("REJECTED", "none", "chain.name-constraints")
    assert {step.code for step in verdict.findings if step.severity == "error"} == set(BAD)


def test_a_wrong_name_is_no_reason_to_look_for_another_path() -> None:
    other = made("other", "CA", 9, names=[uri("sip:other.example")])
    court = Court((other, CA, FINE), (), [(other, CA, ROOT), (other, FINE, ROOTS[1])], [ROOT, *ROOTS])
    assert court.verdict().code == "id.mismatch"
    assert len(court.questions) == 1


def test_the_questions_are_bounded() -> None:
    many = [
        ca("CA", f"Root {number}", 2, extensions=[constraints([dns("elsewhere.example")])]) for number in range(6, 12)
    ]
    ways = [(LEAF, authority, ROOTS[number]) for number, authority in enumerate(many, 6)]
    court = Court((LEAF, *many), (), ways, ROOTS, policy=Policy(limits=Limits(paths=3)))
    assert court.verdict().code == "chain.name-constraints"
    assert len(court.questions) == 4


def test_a_way_that_was_not_looked_at_in_time_leaves_it_open() -> None:
    court = judged(CONSTRAINED, FINE)
    court.paths = lambda question: (
        "chain.timeout" if question.through is not None else (LEAF.der, CONSTRAINED.der, ROOTS[2].der)
    )
    assert said(court.verdict()) == ("UNDETERMINED", "none", "chain.timeout")


def test_a_path_that_ended_within_the_second_is_refused() -> None:
    """Validators count in whole seconds; an ACCEPTED verdict never holds until before it was given."""
    ends = datetime(2027, 1, 1, tzinfo=AT.tzinfo)
    assert Court((LEAF, CA), (), [(LEAF, CA, ROOT)], at=ends).verdict().accepted
    late = Court((LEAF, CA), (), [(LEAF, CA, ROOT)], at=ends + timedelta(seconds=0.5)).verdict()
    assert said(late) == ("REJECTED", "none", "chain.expired")


def test_times_are_told_in_utc_wherever_the_caller_lives() -> None:
    at = (AT + timedelta(days=100)).astimezone(timezone(timedelta(hours=14)))
    verdict = Court((LEAF, CA), at=at).verdict()
    (step,) = [step for step in verdict.steps if step.code == "chain.expired"]
    assert step.expected == "valid at 2027-03-02T12:00:00Z"
