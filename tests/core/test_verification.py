"""Judging a chain that the caller already holds: what the caller knows of the DNS decides by which rules."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import dns, uri
from judging import CA, DOMAIN, LEAF, OTHER, ROOT, TARGET, TARGET_LEAF, Court, codes, judge, made, said
from siptls import (
    Anchors,
    Identity,
    InvalidName,
    LocalProtocolError,
    Outcome,
    PathRejected,
    PathValidated,
    Policy,
    Security,
    ValidatePath,
    Verification,
)
from siptls.dns import Alias
from siptls.dns.records import Tlsa
from world import AT, INSECURE, SECURE

WAY = (LEAF, CA, ROOT)
VALID = [WAY, (TARGET_LEAF, CA, ROOT), (OTHER, CA, ROOT)]
MATCH, MISMATCH, UNUSABLE = LEAF.record(3, 1, 1), OTHER.record(3, 1, 1), Tlsa("", 3, 1, 1, b"")


class TestSecurity:
    @pytest.mark.req(
        "A-07", "R6698-4.1-2", "R6698-4.1-10", "R7673-3.1-2", "R7673-3.4-2", "R7672-2.1.1-1", "T-D01", "T-S02"
    )
    @pytest.mark.parametrize("security", [Security.BOGUS, Security.INDETERMINATE])
    @pytest.mark.parametrize("where", ["delegation", "tlsa"])
    @pytest.mark.parametrize("records", [(), (MATCH,), (MISMATCH,)])
    def test_a_bogus_or_failed_lookup_is_undetermined_whatever_else_there_is(
        self, security: Security, where: str, records: tuple[Tlsa, ...]
    ) -> None:
        court = Court([LEAF, CA], records, VALID)
        if where == "delegation":
            court.delegation, court.tlsa_security = security, SECURE
        else:
            court.tlsa_security = security
        verdict = court.verdict()
        code = "dnssec.bogus" if security is Security.BOGUS else "dane.lookup-failed"
        assert said(verdict) == ("UNDETERMINED", "none", code)
        assert court.questions == []
        assert verdict.identities == ()

    @pytest.mark.req("T-S02")
    def test_of_two_failures_the_worse_one_is_told(self) -> None:
        court = Court([LEAF], delegation=Security.INDETERMINATE, tlsa_security=Security.BOGUS)
        assert court.verdict().code == "dnssec.bogus"

    @pytest.mark.req("R6698-4.1-3", "R6698-4.1-9", "D-SEC-5", "D-STATE-2")
    @pytest.mark.parametrize("tlsa_security", [None, SECURE, INSECURE])
    @pytest.mark.parametrize("record", [MATCH, MISMATCH, UNUSABLE])
    def test_under_an_insecure_delegation_records_change_nothing(
        self, tlsa_security: Security | None, record: Tlsa
    ) -> None:
        court = Court([LEAF, CA], [record], VALID, delegation=INSECURE, tlsa_security=tlsa_security)
        assert said(court.verdict()) == ("ACCEPTED", "pkix", "id.match")
        court = Court([LEAF, CA], [record], delegation=INSECURE, tlsa_security=tlsa_security)
        assert said(court.verdict()) == ("REJECTED", "none", "chain.unknown-ca")
        strict = Court([LEAF, CA], [record], VALID, delegation=INSECURE, policy=Policy(strict_dane=True))
        assert strict.verdict().accepted

    @pytest.mark.req("R6698-4.1-3", "D-STATE-6", "D-STATE-10", "R7673-3.4-3")
    @pytest.mark.parametrize("target", [TARGET, None])
    def test_insecure_records_under_a_secure_delegation_are_reported_and_ignored(self, target: str | None) -> None:
        court = Court([LEAF, CA], [MISMATCH], VALID, tlsa_security=INSECURE, target=target)
        verdict = court.verdict()
        assert said(verdict) == ("ACCEPTED", "pkix", "id.match")
        assert "dane.insecure" in codes(verdict)

    @pytest.mark.req("D-STATE-4", "D-STATE-6", "R7673-4.1-3", "A-36", "D-STATE-10", "D-STATE-2")
    @pytest.mark.parametrize(
        ("delegation", "target", "accepted"),
        [(SECURE, TARGET, True), (SECURE, None, False), (INSECURE, TARGET, False), (INSECURE, None, False)],
    )
    def test_the_target_speaks_for_the_domain_only_under_a_secure_delegation(
        self, delegation: Security, target: str | None, accepted: bool
    ) -> None:
        verdict = judge([TARGET_LEAF, CA], valid=VALID, target=target, delegation=delegation)
        assert verdict.accepted is accepted
        assert judge([LEAF, CA], valid=VALID, target=target, delegation=delegation).accepted
        assert not judge([OTHER, CA], valid=VALID, target=target, delegation=delegation).accepted

    def test_the_status_of_the_records_is_that_of_the_delegation_unless_it_is_given(self) -> None:
        assert judge([LEAF], MATCH).method == "dane-ee"
        assert Court([LEAF], [MATCH], tlsa_security=SECURE).verdict().method == "dane-ee"
        assert Court([LEAF], [MATCH], tlsa_security=INSECURE).verdict().method == "none"

    def test_nothing_is_taken_for_secure_by_default(self) -> None:
        machine = Verification((LEAF.der,), domain=DOMAIN, tlsa=[MATCH], now=0.0, at=AT)
        (question,) = machine.next_actions(now=0.0)
        assert isinstance(question, ValidatePath)
        assert question.anchors.certificates == ()
        machine.receive(PathRejected(question, "chain.unknown-ca"), now=0.0)
        assert machine.verdict is not None
        assert said(machine.verdict) == ("REJECTED", "none", "chain.unknown-ca")


class TestReferences:
    @pytest.mark.req("R7671-7-3", "D-REF-3")
    def test_without_a_target_the_domain_is_the_base(self) -> None:
        leaf = made(names=[uri("sip:unrelated.example"), dns(DOMAIN)])
        verdict = judge([leaf, CA], CA.record(2, 0, 1), valid=[(leaf, CA, ROOT)], target=None)
        assert said(verdict) == ("ACCEPTED", "dane-ta", "dane.match")

    @pytest.mark.req("A-37", "R7671-7-5", "D-REF-3")
    @pytest.mark.parametrize(("name", "accepted"), [(DOMAIN, True), ("canonical.example", True), (TARGET, False)])
    def test_where_the_records_stood_at_the_canonical_name_that_is_the_reference(
        self, name: str, accepted: bool
    ) -> None:
        leaf = made(names=[dns(name)])
        aliases = [Alias(TARGET, "Canonical.example", SECURE, 300)]
        court = Court([leaf, CA], [CA.record(2, 0, 1)], [(leaf, CA, ROOT)], aliases=aliases)
        assert court.verdict().accepted is accepted

    def test_an_alias_step_without_dnssec_weakens_the_delegation(self) -> None:
        aliases = [Alias(TARGET, "canonical.example", INSECURE, 300)]
        verdict = Court([LEAF, CA], [LEAF.record(3, 1, 1)], VALID, aliases=aliases).verdict()
        assert said(verdict) == ("ACCEPTED", "pkix", "id.match")

    @pytest.mark.req("A-19")
    def test_require_target_name_counts_where_there_is_a_target(self) -> None:
        policy = Policy(require_target_name=True)
        assert judge([LEAF, CA], valid=VALID, policy=policy).code == "id.target-name"
        assert judge([TARGET_LEAF, CA], valid=VALID, policy=policy).code == "id.match-target"
        assert judge([LEAF, CA], valid=VALID, policy=policy, delegation=INSECURE).accepted
        assert judge([LEAF, CA], valid=VALID, policy=policy, target=None).accepted
        verdict = judge([LEAF, CA], LEAF.record(1, 1, 1), valid=VALID, policy=policy)
        assert verdict.code == "id.target-name"

    def test_names_are_compared_in_any_case(self) -> None:
        verdict = judge([LEAF, CA], valid=VALID, domain="EXAMPLE.com.", target="SIP1.Host.Example.")
        assert verdict.domain == DOMAIN
        assert verdict.accepted
        assert judge([TARGET_LEAF, CA], valid=VALID, target="SIP1.Host.Example.").accepted


class TestTheCallersMistakes:
    @pytest.mark.req("T-N11", "R6698-3-2")
    @pytest.mark.parametrize("name", ["", "*", "*.example.com", "exam ple.com", "b\xfccher.example", ".", "a..b", "\0"])
    def test_a_name_that_is_none_is_refused(self, name: str) -> None:
        with pytest.raises(InvalidName):
            judge([LEAF], domain=name)
        with pytest.raises(InvalidName):
            judge([LEAF], target=name)

    @pytest.mark.req("R6698-3-2", "D-SEC-9")
    def test_an_address_can_be_the_domain_but_not_the_target(self) -> None:
        assert judge([LEAF], domain="192.0.2.1", target=None).domain == "192.0.2.1"
        with pytest.raises(InvalidName):
            judge([LEAF], target="192.0.2.1")

    def test_a_time_without_a_zone_is_refused(self) -> None:
        with pytest.raises(LocalProtocolError):
            judge([LEAF], MATCH, at=datetime(2026, 11, 22))  # noqa: DTZ001 - the mistake that is tested


class TestTheVerdict:
    def test_it_says_what_is_known_without_a_connection(self) -> None:
        verdict = judge([LEAF], MATCH)
        assert (verdict.target, verdict.endpoint, verdict.connection) == (None, None, None)
        assert verdict.role == "client"
        assert verdict.identities == (Identity(DOMAIN, "dane"),)
        assert verdict.steps[0].hop == TARGET

    def test_result_and_verdict_are_the_same(self) -> None:
        machine = Verification((LEAF.der,), domain=DOMAIN, tlsa=[MATCH], delegation=SECURE, now=5.0, at=AT)
        assert machine.result is machine.verdict
        assert machine.verdict is not None
        assert machine.verdict.outcome is Outcome.ACCEPTED
        assert machine.deadline == math.inf
        assert machine.next_actions(now=6.0) == ()

    def test_only_what_is_accepted_expires(self) -> None:
        rejected = judge([OTHER, CA], valid=VALID)
        assert not rejected.accepted
        assert rejected.expires == math.inf

    def test_expiry_is_on_the_callers_clock(self) -> None:
        machine = Verification(
            (LEAF.der, CA.der), domain=DOMAIN, anchors=Anchors((ROOT.der,)), now=1_000.0, at=AT + timedelta(days=1)
        )
        (question,) = machine.next_actions(now=1_000.0)
        assert isinstance(question, ValidatePath)
        court = Court([LEAF, CA], valid=[WAY], at=AT + timedelta(days=1), delegation=INSECURE, target=None)
        machine.receive(PathValidated(question, tuple([each.der for each in WAY])), now=1_005.0)
        assert machine.verdict is not None
        assert machine.verdict.expires == 1_000.0 + court.verdict().expires

    @pytest.mark.req("R6698-4.1-8")
    @given(st.permutations([MATCH, MISMATCH, UNUSABLE, LEAF.record(1, 1, 1)]))
    def test_records_may_come_in_any_order_and_from_anything(self, records: list[Tlsa]) -> None:
        machine = Verification(
            (LEAF.der,), domain=DOMAIN, tlsa=(record for record in records), delegation=SECURE, now=0.0, at=AT
        )
        assert machine.verdict is not None
        assert said(machine.verdict) == ("ACCEPTED", "dane-ee", "dane.match")

    @pytest.mark.req("R6698-4.1-5")
    def test_what_is_wrong_with_each_record_is_told(self) -> None:
        weaker = LEAF.record(3, 1, 1)
        verdict = judge([LEAF], UNUSABLE, weaker, LEAF.record(3, 1, 2))
        told = {step.code: (step.expected, step.found) for step in verdict.steps}
        assert told["dane.record-unusable"] == (str(UNUSABLE), "the digest has 0 octets, not 32")
        assert told["dane.record-set-aside"] == (str(weaker), "a stronger digest stands beside it")
        unusable = judge([LEAF], UNUSABLE)
        assert "dane.unusable" in codes(unusable)
