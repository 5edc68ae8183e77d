"""An authority may have several certificates: where one stands against a path, another may lead past it (D-PATH-3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import combinations_with_replacement, permutations

import pytest

from forged import EMAIL_PROTECTION, constraints, dns, purposes, uri
from judging import CA, DOMAIN, LEAF, OTHER, ROOT, TARGET, Court, Made, ca, issued, made, said, valid_between
from siptls import Anchors, Limits, LocalProtocolError, Outbound, Policy, Revocation, Security, ValidatePath
from siptls.certificate import Certificate
from siptls.dns import Alias, Tlsa
from siptls.path_rules import depends_on_issuer
from world import AT, World, first

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
    assert said(court.verdict()) == ("UNDETERMINED", "none", "limit.paths")
    assert len(court.questions) == 4
    court.policy = Policy(limits=Limits(paths=5))
    assert said(court.verdict()) == ("REJECTED", "none", "chain.name-constraints")


def test_a_way_that_was_not_looked_at_in_time_leaves_it_open() -> None:
    court = judged(CONSTRAINED, FINE)
    court.paths = lambda question: (
        "chain.timeout" if CONSTRAINED.der not in question.pool else (LEAF.der, CONSTRAINED.der, ROOTS[2].der)
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


KNOWN = ("good", "revoked", "unknown")
FOUND = {
    "good": Revocation("good"),
    "revoked": Revocation("revoked", "chain.revoked"),
    "unknown": Revocation("unknown", "crl.missing"),
}
CERTIFIED = [ca("CA", f"Root {number}", 2) for number in range(4)]
"""The same authority, with certificates of four roots of which the validator prefers the first one that is sent."""


def told(found: dict[bytes, Revocation], der: bytes) -> Revocation:
    """What lists say of a certificate; all others are good."""
    return found.get(der, FOUND["good"])


def decided_by(known: Sequence[str], required: bool) -> tuple[str, str]:
    """What is known of all ways together, in the order of what it weighs."""
    if "good" in known:
        return "ACCEPTED", ""
    if "revoked" in known:
        return "REJECTED", "chain.revoked"
    return ("UNDETERMINED", "chain.revocation-unknown") if required else ("ACCEPTED", "")


@pytest.mark.req("D-PATH-3", "R5922-8-1", "GJ-7")
@pytest.mark.parametrize("usage", [None, 0, 1, 2])
@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize(
    "known", [each for number in (1, 2, 3, 4) for each in combinations_with_replacement(KNOWN, number)], ids="-".join
)
def test_what_is_known_of_an_authority_decides_and_not_which_path_comes_first(
    known: tuple[str, ...], required: bool, usage: int | None
) -> None:
    roots = ROOTS[: len(known)]
    records = {
        None: [],
        0: [root.record(0, 0, 1) for root in roots],
        1: [LEAF.record(1, 1, 1)],
        2: [root.record(2, 0, 0) for root in roots],
    }
    for order in set(permutations(known)):
        found = {made.der: FOUND[each] for made, each in zip(CERTIFIED, order, strict=False)}
        sent = CERTIFIED[: len(known)]
        court = Court(
            (LEAF, *sent),
            records[usage],
            [(LEAF, authority, root) for authority, root in zip(sent, roots, strict=True)],
            roots,
            policy=Policy(revocation="crl-required" if required else "crl"),
            revocation=partial(told, found),
        )
        verdict = court.verdict()
        outcome, code = decided_by(known, required)
        assert verdict.outcome.value == outcome, order
        assert code in ("", verdict.code)
        assert len(court.questions) <= len(known)
        reported = [step.code for step in verdict.steps]
        assert "crl.missing" in reported or "unknown" not in known or "good" in known


def test_a_leaf_of_which_nothing_is_known_leaves_its_authority_to_be_looked_at() -> None:
    for order in permutations(["good", "revoked"]):
        found = {LEAF.der: FOUND["unknown"]}
        found |= {made.der: FOUND[each] for made, each in zip(CERTIFIED, order, strict=False)}
        ways = [(LEAF, CERTIFIED[number], ROOTS[number]) for number in range(2)]
        court = Court((LEAF, *CERTIFIED[:2]), (), ways, ROOTS[:2], policy=Policy(revocation="crl"),
                      revocation=partial(told, found))  # fmt: skip
        assert said(court.verdict()) == ("REJECTED", "none", "chain.revoked")


def test_where_more_certificates_are_sent_than_are_looked_at_nothing_is_taken_on_trust() -> None:
    most = Limits().paths
    many = [ca("CA", f"Root {number}", 2) for number in range(most + 2)]
    ways = [(LEAF, authority, root) for authority, root in zip(many, ROOTS, strict=False)]

    def judged(number: int, of_last: str) -> tuple[str, str, str]:
        found = {made.der: FOUND["unknown"] for made in many[:number]} | {many[number - 1].der: FOUND[of_last]}
        court = Court((LEAF, *many[:number]), (), ways[:number], ROOTS, policy=Policy(revocation="crl"),
                      revocation=partial(told, found))  # fmt: skip
        return said(court.verdict())

    assert judged(most + 1, "unknown")[0] == "ACCEPTED"
    assert judged(most + 1, "revoked") == ("REJECTED", "none", "chain.revoked")
    assert judged(most + 2, "unknown") == ("UNDETERMINED", "none", "limit.paths")


class TestRevoked:
    """What is known to be revoked is not passed by on a way of which nothing is known."""

    def judged(self, *, leaf: Revocation, way: Revocation, revocation: str = "crl") -> Court:
        says = {LEAF.der: leaf, REVOKED.der: Revocation("revoked", "chain.revoked"), FINE.der: way}
        return Court(
            (LEAF, REVOKED, FINE),
            (),
            [(LEAF, REVOKED, ROOTS[4]), (LEAF, FINE, ROOTS[1])],
            ROOTS,
            policy=Policy().replace(revocation=revocation),
            revocation=lambda der: says[der],
        )

    @pytest.mark.req("GJ-7", "R5922-8-1")
    @pytest.mark.parametrize("revocation", ["crl", "crl-required"])
    def test_only_a_way_that_is_good_as_a_whole_leads_past_it(self, revocation: str) -> None:
        good, unknown = Revocation("good"), Revocation("unknown", "crl.missing")
        for leaf in (good, unknown):
            for way in (good, unknown):
                verdict = self.judged(leaf=leaf, way=way, revocation=revocation).verdict()
                if leaf is good and way is good:
                    assert verdict.accepted
                else:
                    assert said(verdict) == ("REJECTED", "none", "chain.revoked")

    @pytest.mark.req("GJ-7")
    @pytest.mark.parametrize("revocation", ["crl", "crl-required"])
    @pytest.mark.parametrize("way", [Revocation("good"), Revocation("unknown", "crl.missing")])
    def test_a_revoked_leaf_is_the_same_in_every_path(self, revocation: str, way: Revocation) -> None:
        court = self.judged(leaf=Revocation("revoked", "chain.revoked"), way=way, revocation=revocation)
        assert said(court.verdict()) == ("REJECTED", "none", "chain.revoked")
        assert len(court.questions) == 1

    def test_the_order_of_what_is_found_decides_nothing(self) -> None:
        revoked, unknown = Revocation("revoked", "chain.revoked"), Revocation("unknown", "crl.missing")
        for findings in ((revoked, unknown), (unknown, revoked)):
            says = dict(zip((LEAF.der, CA.der), findings, strict=True))
            court = Court((LEAF, CA), (), [(LEAF, CA, ROOT)], policy=Policy(revocation="crl"))
            court.revocation = says.__getitem__
            assert said(court.verdict()) == ("REJECTED", "none", "chain.revoked")

    def test_a_slow_detour_does_not_make_it_undetermined(self) -> None:
        court = self.judged(leaf=Revocation("good"), way=Revocation("good"))
        court.paths = lambda question: (
            "chain.timeout" if REVOKED.der not in question.pool else (LEAF.der, REVOKED.der, ROOTS[4].der)
        )
        assert said(court.verdict()) == ("REJECTED", "none", "chain.revoked")


def test_a_malformed_anchor_in_the_dns_takes_no_other_one_its_turn() -> None:
    broken = Tlsa("", 2, 0, 0, made("broken", all_extensions=b"\xa3\x03\x30\x01\x00").der)
    records = [root.record(2, 0, 0) for root in (*ROOTS[:8], ROOT)]
    for order in ([broken, *records], [*records, broken]):
        assert Court((LEAF, CA), order, [(LEAF, CA, ROOT)]).verdict().accepted


@pytest.mark.req("D-PATH-4")
def test_a_bare_key_binds_no_dates_though_another_record_names_its_certificate() -> None:
    old = ca("CA", "Root", 2, validity=valid_between("200101", "210101"))
    records = [old.record(2, 0, 1), old.record(2, 1, 1)]
    for order in (records, records[::-1]):
        verdict = Court((LEAF, old), order, [(LEAF, old, ROOT)]).verdict()
        assert verdict.accepted
        assert verdict.expires > 0


@pytest.mark.parametrize("at", [datetime.max.replace(tzinfo=timezone(timedelta(hours=-2))), datetime(2026, 1, 1)])  # noqa: DTZ001
def test_a_time_that_utc_cannot_express_is_a_mistake_of_the_caller(at: datetime) -> None:
    with pytest.raises(LocalProtocolError):
        Court((LEAF, CA), at=at).verdict()


@pytest.mark.req("D-REF")
def test_an_alias_of_an_srv_target_adds_no_reference() -> None:
    leaf = made(names=[dns("canonical.example")], number=11)
    world = World()
    world.naptr(DOMAIN)
    world.srv(f"_sips._tcp.{DOMAIN}", (10, 0, 5061, TARGET))
    world.address(TARGET, "192.0.2.1", alias=[Alias(TARGET, "canonical.example", Security.SECURE, 300.0)])
    world.tlsa(f"_5061._tcp.{TARGET}", str(CA.record(2, 0, 1)))
    world.server("192.0.2.1", [leaf.der, CA.der])
    world.paths = issued((leaf, CA, ROOT))
    assert world.outbound(f"sips:a@{DOMAIN}").code == "id.mismatch"


@pytest.mark.parametrize("audit", [False, True])
def test_a_slow_audit_takes_no_server_its_turn(audit: bool) -> None:
    world = World(anchors=Anchors((ROOT.der,)))
    world.naptr(DOMAIN)
    world.srv(f"_sips._tcp.{DOMAIN}", *[(n, 0, 5061, f"s{n}.example") for n in range(6)])
    for n in range(6):
        world.address(f"s{n}.example", f"192.0.2.{n + 1}")
        world.server(f"192.0.2.{n + 1}", [(LEAF if n == 5 else OTHER).der])
        world.tlsa(f"_5061._tcp.s{n}.example", str(LEAF.record(3, 1, 1)))
    policy, now = Policy(audit=audit), 0.0
    machine = Outbound(f"sips:{DOMAIN}", policy=policy, now=now, at=AT, randbelow=first, anchors=world.anchors)
    while machine.verdict is None:
        actions = [action for action in machine.next_actions(now=now) if not isinstance(action, ValidatePath)]
        events = [world.perform(action) for action in actions]
        for event in events:
            if event is not None:
                machine.receive(event, now=now)
        if not events:
            now = machine.deadline
            machine.advance(now=now)
    assert said(machine.verdict) == ("ACCEPTED", "dane-ee", "dane.match")
    assert [step.code for step in machine.verdict.steps].count("chain.timeout") == (6 if audit else 0)
    for action in machine.next_actions(now=now):
        world.perform(action)
    assert world.open == [machine.verdict.connection]


def test_an_authority_that_cannot_be_read_has_no_other_certificate() -> None:
    broken = Made(made("broken").der[:-1], b"")
    court = Court((OTHER, CA), (), policy=Policy(revocation="crl"))
    court.paths = lambda _question: (OTHER.der, broken.der, ROOT.der)
    court.revocation = lambda _der: Revocation("revoked", "chain.revoked")
    assert court.verdict().outcome.value == "REJECTED"
    court.domain = "other.example"
    assert court.verdict().outcome.value == "REJECTED"


def test_an_anchor_whose_key_cannot_be_read_raises_nothing() -> None:
    """Such a path comes from a validator that errs; it is refused."""
    whole = ca("Root", "Root", 1)
    broken = Made(whole.der.replace(whole.spki, b"\x30\x01" + whole.spki[2:]), b"")
    court = Court((LEAF, CA), [ROOT.record(2, 0, 0)], paths=lambda _question: (LEAF.der, CA.der, broken.der))
    assert said(court.verdict()) == ("REJECTED", "none", "chain.malformed")


def test_another_certificate_of_an_issuer_that_cannot_be_read_may_let_lists_speak() -> None:
    unknown = Revocation("unknown", "crl.missing")
    assert not depends_on_issuer(unknown, Certificate(CA.der))
    assert depends_on_issuer(unknown, Certificate(made("CA", "Root", 2, extensions=[purposes()]).der))


@pytest.mark.req("D-PATH-3")
def test_no_more_paths_through_a_certificate_are_asked_for_than_the_limit_in_all() -> None:
    limited, other = ca("CA", "Root 0", 97, eku=[EMAIL_PROTECTION]), ca("CA", "Root 0", 98)
    roots = ROOTS[:2]
    court = Court(
        [LEAF, limited, other],
        [root.record(0, 0, 1) for root in roots],
        trusted=roots,
        policy=Policy(limits=Limits(paths=2)),
        paths=lambda question: (
            (LEAF.der, limited.der, question.through or roots[0].der)
            if limited.der in question.pool
            else "chain.unknown-ca"
        ),
    )
    assert said(court.verdict()) == ("UNDETERMINED", "none", "limit.paths")
    assert len([question for question in court.questions if question.through is not None]) == 2
