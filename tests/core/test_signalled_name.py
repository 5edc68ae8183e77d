"""DANE for clients: the name that a client signals in TLS (draft-ietf-dance-client-auth-13)."""

from __future__ import annotations

from typing import Any

import pytest

from clients import BOTH, DOMAIN, HOST, NAMELESS, P1, STRANGERS_PIN, Gate, pin, proven
from forged import dns, uri
from judging import CA, Made, codes, key, made, said
from siptls import (
    Admission,
    AllowList,
    Failure,
    InvalidName,
    InvalidPolicy,
    Limits,
    LocalProtocolError,
    Lookup,
    Outcome,
    Policy,
)
from siptls.dns import Alias
from siptls.proof import Shown
from siptls.signalled_name import SignalledName
from world import AT, INSECURE, SECURE, World

NAME = "_sip-client.example.com"
DEVICE = made(number=11, names=[dns("42._device.example.org"), dns("other.example")])


def signalled(who: Made = P1, *pins: str, name: str = NAME, **more: Any) -> Gate:
    """A client that signals a name, at which these records stand."""
    gate = Gate([who], client_name=name, **more)
    gate.world.tlsa(name.lower(), *pins)
    return gate


class TestTheName:
    @pytest.mark.req("RDANCE-2-1", "RDANCE-2-2", "RDANCE-5-1", "S-A-28")
    @pytest.mark.parametrize("name", [NAME, "42._device.example.org", "p1.example.com", "example.com"])
    def test_it_is_asked_for_exactly_as_signalled_and_nothing_is_built_from_it(self, name: str) -> None:
        gate = signalled(NAMELESS, pin(NAMELESS), name=name)
        verdict = gate.verdict()
        assert gate.world.questions() == [(name, "TLSA")]
        assert said(verdict) == ("ACCEPTED", "dane-ee", "inbound.client-name")
        assert proven(verdict) == ([], [f"client-name {name}"])
        assert verdict.admission is Admission.AUTHENTICATED

    @pytest.mark.req("RDANCE-6-1", "S-A-28")
    @pytest.mark.parametrize("who", [P1, BOTH, DEVICE])
    def test_without_a_signalled_name_nothing_is_looked_up_whatever_the_certificate_names(self, who: Made) -> None:
        gate = Gate([who])
        gate.world.tlsa(HOST, pin(who))
        gate.verdict()
        assert gate.world.questions() == []

    @pytest.mark.req("RDANCE-8.2-1")
    def test_without_the_extension_the_servers_usual_policy_holds(self) -> None:
        assert said(Gate([BOTH]).verdict()) == ("ACCEPTED", "pkix", "inbound.identities")
        required = Gate([BOTH], policy=Policy(require="dane")).verdict()
        assert said(required) == ("INSUFFICIENT", "pkix", "policy.too-weak")
        assert required.admission is Admission.CLOSE

    @pytest.mark.req("RDANCE-8.2-1", "RDANCE-7-1", "RDANCE-7-2")
    @pytest.mark.parametrize(
        "name", ["", ".", f"{NAME}.", "b\xfccher.example", "a b", "(malformed)", "\x1b[2J", "a..b"]
    )
    @pytest.mark.parametrize("dane_failure", ["abort", "unauthenticated"])
    def test_an_empty_name_or_one_that_is_none_ends_it_and_nothing_is_asked(self, name: str, dane_failure: Any) -> None:
        gate = Gate([BOTH], client_name=name, claims=[DOMAIN], sent_by=HOST, dane_failure=dane_failure)
        verdict = gate.verdict()
        assert said(verdict) == ("REJECTED", "none", "inbound.client-name-unusable")
        assert verdict.admission is Admission.CLOSE
        assert gate.world.questions() == []
        assert verdict.explain().isascii()

    @pytest.mark.req("RDANCE-1-1")
    @pytest.mark.parametrize("version", ["TLSv1.2", "DTLSv1.2", "", None, "TLSv1.30", "tlsv1.3 "])
    def test_it_counts_under_tls_1_3_only(self, version: str | None) -> None:
        gate = signalled(P1, pin(P1), version=version, dane_failure="unauthenticated")
        verdict = gate.verdict()
        assert said(verdict) == ("REJECTED", "none", "inbound.client-name-version")
        assert verdict.admission is Admission.CLOSE
        assert gate.world.questions() == []
        for good in ("TLSv1.3", "DTLSv1.3"):
            assert signalled(P1, pin(P1), version=good).verdict().accepted

    @pytest.mark.req("R5922-7.4-1", "RDANCE-8.2-1")
    def test_without_a_certificate_there_is_nobody_to_look_up(self) -> None:
        gate = Gate([], client_name=NAME, claims=[DOMAIN], sent_by=HOST)
        assert said(gate.verdict()) == ("REJECTED", "none", "tls.no-certificate")
        for chain in ([b"junk"], [P1.der] * 30):
            gate.chain = chain
            assert gate.verdict().outcome is Outcome.REJECTED
        assert gate.world.questions() == []


class TestTheRecords:
    @pytest.mark.req("RDANCE-5-1", "RDANCE-8.2-4")
    def test_dane_ee_needs_no_name_in_the_certificate(self) -> None:
        for who in (NAMELESS, P1, made(number=12, names=[dns("elsewhere.example")])):
            assert proven(signalled(who, pin(who), trusted=False).verdict()) == ([], [f"client-name {NAME}"])

    @pytest.mark.req("RDANCE-5-2", "RDANCE-10-1", "RDANCE-8.2-4")
    @pytest.mark.parametrize("usage", [0, 1, 2])
    @pytest.mark.parametrize("name", ["42._device.example.org", "OTHER.example"])
    def test_the_other_usages_need_the_name_as_a_dns_name(self, usage: int, name: str) -> None:
        who, match = DEVICE, pin(DEVICE if usage == 1 else CA, usage, 0, 1)
        verdict = signalled(who, match, name=name).verdict()
        assert proven(verdict)[1] == [f"client-name {name.lower()}"]
        assert verdict.method == {0: "pkix-ta", 1: "pkix-ee", 2: "dane-ta"}[usage]

    @pytest.mark.req("RDANCE-5-2", "RDANCE-10-1")
    @pytest.mark.parametrize("usage", [0, 1, 2])
    @pytest.mark.parametrize(
        "names",
        [
            [],
            [dns(DOMAIN)],
            [dns("*.example.com")],
            [uri(f"sip:{NAME}")],
            [uri("sip:p1.example.com")],
            [dns(f"x.{NAME}")],
            [dns(f"{NAME}.example")],
        ],
    )
    @pytest.mark.parametrize("dane_failure", ["abort", "unauthenticated"])
    def test_another_name_ends_the_handshake_whatever_the_policy(
        self, usage: int, names: list[bytes], dane_failure: Any
    ) -> None:
        who = made(number=13, names=names)
        match = pin(who if usage == 1 else CA, usage, 0, 1)
        policy = Policy(allow_wildcards=True)
        verdict = signalled(who, match, name=NAME, dane_failure=dane_failure, policy=policy).verdict()
        assert said(verdict) == ("REJECTED", "none", "inbound.client-name-mismatch")
        assert verdict.admission is Admission.CLOSE

    @pytest.mark.req("RDANCE-8.2-4")
    def test_any_one_record_suffices_and_the_strongest_digest_counts(self) -> None:
        assert signalled(P1, STRANGERS_PIN, pin(P1), "4 1 1 " + "00" * 32).verdict().accepted
        weaker = signalled(P1, pin(P1, 3, 1, 1), "3 1 2 " + "00" * 64).verdict()
        assert said(weaker) == ("REJECTED", "none", "dane.no-match")
        assert "dane.record-set-aside" in codes(weaker)

    @pytest.mark.req("RDANCE-5-2")
    def test_a_certificate_with_more_names_than_are_read_has_no_name(self) -> None:
        many = made(number=15, names=[dns("other.example"), *[dns(f"n{number}.example") for number in range(9)]])
        policy = Policy(limits=Limits(sans=5))
        verdict = signalled(many, pin(many, 1, 0, 1), name="other.example", policy=policy).verdict()
        assert said(verdict) == ("REJECTED", "none", "limit.sans")

    def test_a_run_whose_time_is_over_is_undetermined(self) -> None:
        machine = signalled(P1, pin(P1), policy=Policy(lookup_timeout=100.0, path_timeout=100.0)).machine()
        machine.advance(now=30.0)
        assert machine.verdict is not None
        assert said(machine.verdict) == ("UNDETERMINED", "none", "limit.seconds")

    @pytest.mark.req("RDANCE-9-1")
    @pytest.mark.parametrize(("usage", "selector"), [(3, 1), (3, 0), (2, 1), (1, 1), (0, 1)])
    @pytest.mark.parametrize("matching", [0, 1, 2])
    def test_a_raw_public_key_is_matched_by_3_1_x_alone(self, usage: int, selector: int, matching: int) -> None:
        raw = key(14)
        record = Made(raw, raw)
        gate = Gate(client_name=NAME, public_key=raw)
        gate.world.tlsa(NAME, pin(record, usage, selector, matching))
        assert gate.verdict().accepted is ((usage, selector) == (3, 1))

    @pytest.mark.req("RDANCE-2-1")
    def test_an_alias_of_the_name_is_followed_as_far_as_it_is_secure(self) -> None:
        for security, accepted in ((SECURE, True), (INSECURE, False)):
            gate = Gate([P1], client_name=NAME)
            gate.world.tlsa(NAME, aliases=(Alias(NAME, "t.example", security, 60.0),))
            target = World()
            target.tlsa("t.example", pin(P1))
            records = target.said["t.example", "TLSA"].records
            gate.world.say(
                NAME, "TLSA", *records, aliases=(Alias(NAME, "t.example", security, 60.0),), security=security
            )
            assert gate.verdict().accepted is accepted


class TestWithoutProof:
    """A client that asked to be judged by DANE is nobody where that fails; PKIX does not stand in (D-DANCE-4)."""

    @pytest.mark.req("RDANCE-8.2-2", "RDANCE-8.2-3", "D-DANCE-4")
    @pytest.mark.parametrize("dane_failure", ["abort", "unauthenticated"])
    @pytest.mark.parametrize(
        ("records", "security", "outcome", "code"),
        [
            ([pin(BOTH)], INSECURE, "REJECTED", "inbound.client-name-unproven"),
            ([], SECURE, "REJECTED", "inbound.client-name-unproven"),
            ([], INSECURE, "REJECTED", "inbound.client-name-unproven"),
            (["3 2 1 " + "00" * 32], SECURE, "REJECTED", "inbound.client-name-unproven"),
            ([STRANGERS_PIN], SECURE, "REJECTED", "dane.no-match"),
            (Failure.BOGUS, SECURE, "UNDETERMINED", "dnssec.bogus"),
            (Failure.SERVFAIL, SECURE, "UNDETERMINED", "dane.lookup-failed"),
            (Failure.TIMEOUT, SECURE, "UNDETERMINED", "dane.lookup-failed"),
        ],
    )
    def test_it_is_closed_or_served_as_nobody_and_never_judged_by_something_weaker(
        self, records: Any, security: Any, outcome: str, code: str, dane_failure: Any
    ) -> None:
        gate = Gate([BOTH], client_name=NAME, dane_failure=dane_failure, authorize=AllowList([DOMAIN]))
        if isinstance(records, Failure):
            gate.world.fail(NAME, "TLSA", records)
        else:
            gate.world.tlsa(NAME, *records, security=security)
        verdict = gate.verdict()
        assert said(verdict) == (outcome, "none", code)
        assert proven(verdict) == ([], [])
        served = dane_failure == "unauthenticated"
        assert verdict.admission is (Admission.UNAUTHENTICATED if served else Admission.CLOSE)
        assert ("inbound.unauthenticated" in codes(verdict)) is served
        decisive = verdict.findings[0]
        assert decisive.code == code
        # The same certificate without the signalled name is judged by what it is.
        assert Gate([BOTH]).verdict().accepted

    @pytest.mark.req("RDANCE-8.2-2", "D-DANCE-4")
    def test_records_that_only_constrain_prove_no_name(self) -> None:
        policy = Policy(tlsa_usages=frozenset({2, 3}))
        verdict = signalled(DEVICE, pin(DEVICE, 1, 0, 1), name="other.example", policy=policy).verdict()
        assert said(verdict) == ("REJECTED", "none", "inbound.client-name-unproven")

    @pytest.mark.req("D-DANCE-4")
    def test_what_other_ways_prove_does_not_help_it(self) -> None:
        gate = signalled(BOTH, STRANGERS_PIN, claims=[DOMAIN])
        gate.world.srv("_sips._tcp.example.com", (0, 0, 5061, HOST))
        gate.world.address(HOST, "192.0.2.1")
        gate.world.tlsa(f"_5061._tcp.{HOST}", pin(BOTH))
        verdict = gate.verdict()
        assert said(verdict) == ("REJECTED", "none", "dane.no-match")
        gate.client_name = None
        assert gate.verdict().accepted


class TestWhatItProves:
    @pytest.mark.req("D-DANCE-1", "RDANCE-8.2-5")
    def test_the_name_of_a_client_is_no_sip_domain_even_where_it_looks_like_one(self) -> None:
        gate = signalled(NAMELESS, pin(NAMELESS), name=DOMAIN)
        assert proven(gate.verdict()) == ([], [f"client-name {DOMAIN}"])
        gate.authorize = AllowList([DOMAIN])
        refused = gate.verdict()
        assert said(refused) == ("REJECTED", "none", "inbound.not-allowed")
        assert (refused.hosts, refused.admission) == ((), Admission.CLOSE)

    @pytest.mark.req("D-DANCE-1", "RDANCE-8.2-5")
    def test_a_rule_of_the_caller_may_make_a_sip_domain_of_it(self) -> None:
        asked: list[str] = []

        def mapped(name: str) -> str | None:
            asked.append(name)
            return name.removeprefix("_sip-client.").upper() if name.startswith("_sip-client.") else None

        gate = signalled(NAMELESS, pin(NAMELESS), domain_of=mapped, authorize=AllowList([DOMAIN]))
        verdict = gate.verdict()
        assert said(verdict) == ("ACCEPTED", "dane-ee", "inbound.allowed")
        assert proven(verdict) == ([f"client-name {DOMAIN}"], [f"client-name {NAME}"])
        assert asked == [NAME]
        other = signalled(NAMELESS, pin(NAMELESS), name="42._device.example.org", domain_of=mapped)
        assert proven(other.verdict())[0] == []
        wrong = signalled(NAMELESS, STRANGERS_PIN, domain_of=mapped)
        wrong.verdict()
        assert asked == [NAME, "42._device.example.org"]  # only what is proven is asked about

    @pytest.mark.parametrize(
        ("answer", "error"), [(1, LocalProtocolError), (b"example.com", LocalProtocolError), ("*.example", InvalidName)]
    )
    def test_a_rule_that_says_nonsense_is_a_mistake_and_lets_nobody_in(
        self, answer: Any, error: type[Exception]
    ) -> None:
        def nonsense(_name: str) -> Any:
            return answer

        gate = signalled(NAMELESS, pin(NAMELESS), domain_of=nonsense)
        machine = gate.machine()
        with pytest.raises(error):
            gate.world.run(machine)
        assert machine.verdict is not None
        assert said(machine.verdict) == ("REJECTED", "none", "inbound.rule-failed")
        assert machine.admission is Admission.CLOSE

    @pytest.mark.parametrize("option", [{"domain_of": DOMAIN}, {"dane_failure": "close"}])
    def test_what_cannot_be_called_is_no_rule_and_an_unknown_word_no_policy(self, option: dict[str, Any]) -> None:
        with pytest.raises(InvalidPolicy):
            Gate([P1], **option).machine()

    @pytest.mark.req("D-DANCE-1")
    def test_what_the_certificate_proves_stands_beside_it(self) -> None:
        verdict = signalled(BOTH, pin(BOTH)).verdict()
        assert said(verdict) == ("ACCEPTED", "dane-ee", "inbound.client-name")
        assert proven(verdict) == ([f"uri {DOMAIN}"], [f"client-name {NAME}"])

    def test_it_holds_no_longer_than_the_records(self) -> None:
        gate = Gate([NAMELESS], client_name=NAME)
        gate.world.tlsa(NAME, pin(NAMELESS), ttl=60.0)
        assert gate.verdict().expires == 60.0

    def test_the_lookup_is_told_with_its_rule(self) -> None:
        gate = signalled(P1, pin(P1))
        (step,) = [step for step in gate.verdict().steps if step.code == "dane.tlsa"]
        assert (step.hop, step.security) == ("CLIENT", "secure")
        assert "draft-ietf-dance-client-auth" in step.rule
        assert isinstance(gate.world.asked[-1], Lookup)


def test_a_question_that_outlives_the_run_leaves_the_name_open() -> None:
    shown = Shown((P1.der,), None)
    part = SignalledName(NAME, "TLSv1.3", shown, Policy(lookup_timeout=60.0), 0.0, AT, lambda _event: 0.0)
    assert len(part.next_actions(now=0.0)) == 1
    part.advance(now=30.0)
    assert part.result is not None
    assert part.result.decision is not None
    assert (part.result.decision.outcome, part.result.decision.code) == (Outcome.UNDETERMINED, "limit.seconds")
