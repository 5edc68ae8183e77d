"""What follows from CRLs: `policy.revocation` (RFC 5280 section 6.3, RFC 5922 section 8)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from judging import CA, DOMAIN, LEAF, OTHER, OTHER_CA, ROOT, TARGET, Court, Made, codes, said
from siptls import (
    Anchors,
    CheckRevocation,
    Crls,
    Inbound,
    LocalProtocolError,
    Outbound,
    PathValidated,
    Policy,
    Revocation,
    RevocationChecked,
    Security,
    ValidatePath,
    Verdict,
    Verification,
)
from siptls.codes import CATALOGUE
from siptls.dns.records import Tlsa
from siptls.journal import when
from siptls.policy import RevocationCheck
from world import AT, World, first

WAY = (LEAF, CA, ROOT)
REASONS = sorted(code for code in CATALOGUE if code.startswith("crl."))
GOOD = Revocation("good")
DAY = timedelta(days=1)
BOUND = ((), (LEAF.record(1, 1, 1),), (CA.record(0, 0, 1),), (ROOT.record(2, 0, 0),))


def unknown(code: str = "crl.missing") -> Revocation:
    return Revocation("unknown", code, "as the script says")


def judged(
    of: dict[Made, Revocation],
    *records: Tlsa,
    revocation: RevocationCheck = "crl",
    chain: tuple[Made, ...] = (LEAF, CA),
    audit: bool = False,
) -> Verdict:
    findings = {made.der: finding for made, finding in of.items()}
    policy = Policy(revocation=revocation, audit=audit)
    return Court(
        chain,
        records,
        [WAY, (OTHER, OTHER_CA)],
        (ROOT,),
        policy=policy,
        revocation=lambda der: findings.get(der, GOOD),
    ).verdict()


class TestRevoked:
    @pytest.mark.req("GJ-7", "R5922-8-1", "R5280-6.1.3-1")
    @pytest.mark.parametrize("audit", [False, True])
    @pytest.mark.parametrize("revocation", ["crl", "crl-required"])
    @pytest.mark.parametrize(
        ("withdrawn", "records"),
        [
            *[(LEAF, records) for records in (*BOUND, (CA.record(2, 0, 1),))],
            # Where the zone names the CA as the anchor, nobody stands above it who could revoke it.
            *[(CA, records) for records in BOUND],
        ],
    )
    def test_a_revoked_leaf_or_issuer_is_refused(
        self, records: tuple[Tlsa, ...], withdrawn: Made, revocation: RevocationCheck, audit: bool
    ) -> None:
        verdict = judged({withdrawn: Revocation("revoked", "chain.revoked", "serial 7")}, *records,
                         revocation=revocation, audit=audit)  # fmt: skip
        assert said(verdict) == ("REJECTED", "none", "chain.revoked")
        (step,) = [step for step in verdict.steps if step.code == "chain.revoked"]
        assert step.found == "serial 7"
        assert step.expected == ("the peer's certificate" if withdrawn is LEAF else "authority 1 of the path") + (
            " not revoked"
        )

    def test_an_anchor_is_not_asked_for(self) -> None:
        asked = CheckRevocation((LEAF.der, CA.der, ROOT.der), Crls(), AT)
        assert judged({ROOT: Revocation("revoked", "chain.revoked")}).accepted
        assert "of 3" in repr(asked)

    @pytest.mark.req("R7671-5.1-1", "R7673-4.2-1")
    def test_dane_ee_needs_no_path_and_so_no_crl(self) -> None:
        everything = dict.fromkeys([LEAF, CA], Revocation("revoked", "chain.revoked"))
        assert said(judged(everything, LEAF.record(3, 1, 1))) == ("ACCEPTED", "dane-ee", "dane.match")

    def test_a_policy_without_revocation_asks_nothing(self) -> None:
        everything = dict.fromkeys([LEAF, CA], Revocation("revoked", "chain.revoked"))
        assert judged(everything, revocation="off").accepted

    @pytest.mark.parametrize("lists", [0, 1, 2])
    def test_lists_that_nobody_looks_at_are_not_passed_over_in_silence(self, lists: int) -> None:
        anchors, crls = Anchors((ROOT.der,)), Crls((b"list",) * lists, name="mine")
        for role in ("client", "server"):
            machine: Verification | Inbound
            if role == "client":
                machine = Verification((LEAF.der, CA.der), domain=DOMAIN, anchors=anchors, crls=crls, now=0.0, at=AT)
            else:
                machine = Inbound((LEAF.der, CA.der), anchors=anchors, crls=crls, now=0.0, at=AT)
            (path,) = machine.next_actions(now=0.0)
            assert isinstance(path, ValidatePath)
            machine.receive(PathValidated(path, tuple([made.der for made in WAY])), now=0.0)
            assert machine.verdict is not None
            assert machine.verdict.accepted
            told = [(step.severity, step.found) for step in machine.verdict.findings if "crls" in step.code]
            assert told == ([("warning", f"mine: {lists} list(s)")] if lists else [])

    def test_they_are_told_of_once_however_many_paths_there_are(self) -> None:
        machine = Verification((LEAF.der, CA.der), domain=DOMAIN, tlsa=[CA.record(0, 0, 1), ROOT.record(0, 0, 1)],
                               delegation=Security.SECURE, anchors=Anchors((ROOT.der,)), crls=Crls((b"list",)),
                               policy=Policy(audit=True), now=0.0, at=AT)  # fmt: skip
        while machine.verdict is None:
            for path in machine.next_actions(now=0.0):
                assert isinstance(path, ValidatePath)
                machine.receive(PathValidated(path, tuple([made.der for made in WAY])), now=0.0)
        assert codes(machine.verdict).count("chain.valid") > 1
        assert codes(machine.verdict).count("policy.crls-unused") == 1

    def test_another_way_that_is_not_revoked_suffices(self) -> None:
        revoked = {CA: Revocation("revoked", "chain.revoked")}
        verdict = judged(revoked, LEAF.record(1, 1, 1), CA.record(2, 0, 1))
        assert said(verdict) == ("ACCEPTED", "dane-ta", "dane.match")

    def test_a_name_that_is_wrong_too_is_told_too(self) -> None:
        court = Court((OTHER, CA), (), [(OTHER, CA, ROOT)], policy=Policy(revocation="crl"),
                      revocation=lambda _der: Revocation("revoked", "chain.revoked"))  # fmt: skip
        verdict = court.verdict()
        assert said(verdict) == ("REJECTED", "none", "id.mismatch")
        assert [step.code for step in verdict.findings if step.severity == "error"] == [
            "id.mismatch",
            "chain.revoked",
            "chain.revoked",
        ]


class TestUnknown:
    @pytest.mark.req("R5922-8-1")
    @pytest.mark.parametrize("code", REASONS)
    @pytest.mark.parametrize("of", [LEAF, CA])
    def test_it_is_reported_and_decides_only_where_crls_are_required(self, of: Made, code: str) -> None:
        verdict = judged({of: unknown(code)})
        assert said(verdict) == ("ACCEPTED", "pkix", "id.match")
        assert code in [step.code for step in verdict.findings]
        required = judged({of: unknown(code)}, revocation="crl-required")
        assert said(required) == ("UNDETERMINED", "none", "chain.revocation-unknown")
        assert {code, "chain.revocation-unknown"} <= set(codes(required))

    def test_evidence_against_the_peer_weighs_more(self) -> None:
        verdict = Court((OTHER, CA), (), [(OTHER, CA, ROOT)], policy=Policy(revocation="crl-required"),
                        revocation=lambda _der: unknown()).verdict()  # fmt: skip
        assert said(verdict) == ("REJECTED", "none", "id.mismatch")
        both = {LEAF: unknown(), CA: Revocation("revoked", "chain.revoked")}
        assert said(judged(both, revocation="crl-required")) == ("REJECTED", "none", "chain.revoked")

    def test_another_way_that_is_known_suffices(self) -> None:
        verdict = judged({CA: unknown()}, LEAF.record(1, 1, 1), CA.record(2, 0, 1), revocation="crl-required")
        assert said(verdict) == ("ACCEPTED", "dane-ta", "dane.match")

    def test_nobody_looks_in_time(self) -> None:
        for revocation, outcome in (("crl", "ACCEPTED"), ("crl-required", "UNDETERMINED")):
            machine, question = asked(Policy(revocation=revocation, path_timeout=3.0))  # type: ignore[arg-type]
            machine.advance(now=2.9)
            assert machine.verdict is None
            machine.advance(now=3.0)
            assert machine.verdict is not None
            assert machine.verdict.outcome.value == outcome
            assert codes(machine.verdict).count("crl.timeout") == len(question.path) - 1


def asked(policy: Policy) -> tuple[Verification, CheckRevocation]:
    """A machine that waits for what CRLs say."""
    anchors = Anchors((ROOT.der,))
    machine = Verification((LEAF.der, CA.der), domain=DOMAIN, anchors=anchors, policy=policy, now=0.0, at=AT)
    (path,) = machine.next_actions(now=0.0)
    assert isinstance(path, ValidatePath)
    machine.receive(PathValidated(path, tuple([made.der for made in WAY])), now=0.0)
    (question,) = machine.next_actions(now=0.0)
    assert isinstance(question, CheckRevocation)
    assert question.path == tuple([made.der for made in WAY])
    assert question.at == AT
    return machine, question


class TestTheQuestion:
    @pytest.mark.parametrize(
        "findings",
        [
            (),
            (GOOD,),
            (GOOD, GOOD, GOOD),
            (GOOD, Revocation("good", "chain.revoked")),
            (GOOD, Revocation("revoked")),
            (GOOD, Revocation("revoked", "crl.missing")),
            (GOOD, Revocation("unknown")),
            (GOOD, Revocation("unknown", "chain.revoked")),
            (GOOD, Revocation("unknown", "crl.nonsense")),
            (GOOD, Revocation("perhaps", "")),  # type: ignore[arg-type]
        ],
    )
    def test_findings_that_do_not_fit_are_a_mistake_of_the_driver(self, findings: tuple[Revocation, ...]) -> None:
        machine, question = asked(Policy(revocation="crl"))
        with pytest.raises(LocalProtocolError):
            machine.receive(RevocationChecked(question, findings), now=0.0)
        machine.receive(RevocationChecked(question, (GOOD, GOOD)), now=0.0)
        assert machine.verdict is not None
        assert machine.verdict.accepted

    def test_it_is_equal_to_another_one_about_the_same(self) -> None:
        crls, path = Crls((b"list",), name="mine"), (LEAF.der, ROOT.der)
        question = CheckRevocation(path, crls, AT)
        assert question == CheckRevocation(path, crls, AT)
        assert hash(question) == hash(CheckRevocation(path, crls, AT))
        assert question != CheckRevocation(path, Crls((b"list",)), AT)
        assert question != CheckRevocation(path[::-1], crls, AT)
        assert question != CheckRevocation(path, crls, AT + timedelta(seconds=1))
        assert question != "a question"
        assert repr(question) == "<CheckRevocation path of 2, <Crls 'mine': 1 list(s)>, at 2026-11-22T12:00:00Z>"
        assert repr(RevocationChecked(question, (GOOD,))) == "<RevocationChecked good>"
        assert repr(GOOD) == "Revocation('good', '', '', None)"

    def test_the_verdict_holds_until_the_first_list_ends(self) -> None:
        machine, question = asked(Policy(revocation="crl"))
        ends = AT + timedelta(hours=3), AT + timedelta(hours=2)
        machine.receive(
            RevocationChecked(question, tuple([Revocation("good", until=until) for until in ends])), now=0.0
        )
        assert machine.verdict is not None
        assert machine.verdict.expires == 7200.0

    @pytest.mark.parametrize(
        "ends", [AT, AT - timedelta(seconds=1), (AT - DAY).astimezone(timezone(timedelta(hours=9)))]
    )
    @pytest.mark.parametrize("place", [0, 1])
    def test_a_list_that_has_ended_proves_nobody_good_whatever_the_driver_says(
        self, place: int, ends: datetime
    ) -> None:
        ended = Revocation("good", until=ends)
        current = Revocation("good", until=AT + DAY)
        findings = (ended, current) if place == 0 else (current, ended)
        outcomes: dict[RevocationCheck, str] = {"crl": "ACCEPTED", "crl-required": "UNDETERMINED"}
        for revocation, outcome in outcomes.items():
            machine, question = asked(Policy(revocation=revocation))
            machine.receive(RevocationChecked(question, findings), now=0.0)
            assert machine.verdict is not None
            assert machine.verdict.outcome.value == outcome
            (step,) = [step for step in machine.verdict.steps if step.code == "crl.expired"]
            assert step.found == f"the next list was due on {when(ends)}"
            assert machine.verdict.expires > 0

    def test_a_time_without_a_zone_is_a_mistake_where_it_is_made(self) -> None:
        with pytest.raises(LocalProtocolError, match="aware"):
            Revocation("good", until=AT.replace(tzinfo=None))

    def test_an_outbound_run_passes_the_lists_on(self) -> None:
        world = World()
        world.naptr(DOMAIN)
        world.srv(f"_sips._tcp.{DOMAIN}", (10, 0, 5061, TARGET))
        world.address(TARGET, "192.0.2.1")
        world.server("192.0.2.1", [LEAF.der, CA.der])
        world.paths = lambda _question: tuple([made.der for made in WAY])
        crls = Crls((b"one",))
        machine = Outbound(f"sips:{DOMAIN}", policy=Policy(revocation="crl"), now=0.0, at=AT, randbelow=first,
                           anchors=Anchors((ROOT.der,)), crls=crls)  # fmt: skip
        world.run(machine)
        (question,) = [action for action in world.asked if isinstance(action, CheckRevocation)]
        assert question.crls is crls
        assert machine.verdict is not None
        assert machine.verdict.accepted
