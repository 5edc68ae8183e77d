"""A client that the servers' own records speak for: the authoritative proxy, and the host of an alias request."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Sequence
from typing import Any

import pytest

from clients import (
    ALL,
    BOTH,
    DOMAIN,
    HOST,
    NAMELESS,
    ONLY_DOMAIN,
    OTHER_DOMAIN,
    P1,
    SECOND,
    SRV,
    STRANGERS_PIN,
    TWO_DOMAINS,
    Gate,
    pin,
    proven,
    secure_delegation,
)
from forged import dns, uri
from judging import CA, Made, codes, key, made, said
from siptls import (
    Admission,
    AllowList,
    Failure,
    Identity,
    InvalidName,
    InvalidPolicy,
    Limits,
    Lookup,
    Outcome,
    Policy,
)
from siptls.dns import Denial
from siptls.dns.question import RRType
from world import INSECURE

TLSA, SECOND_TLSA = f"_5061._tcp.{HOST}", f"_5061._tcp.{SECOND}"


def claimed(
    who: Made = P1, *pins: str, servers: tuple[str, ...] = (HOST,), claims: Sequence[str] = (DOMAIN,), **more: Any
) -> Gate:
    """A client for which example.com is claimed, whose first server has these records."""
    gate = Gate([who], claims=claims, **more)
    secure_delegation(gate.world, *servers)
    gate.world.tlsa(TLSA, *pins)
    return gate


def tlsa_questions(gate: Gate) -> list[str]:
    return [name for name, rrtype in gate.world.questions() if rrtype == "TLSA"]


class TestAuthoritativeProxy:
    @pytest.mark.req("D-DANCE-2", "S-A-28", "S-B-3", "R5922-7.4-3")
    @pytest.mark.parametrize(("usage", "method"), [(0, "pkix-ta"), (1, "pkix-ee"), (2, "dane-ta"), (3, "dane-ee")])
    def test_a_client_that_is_one_of_the_domains_servers_is_the_domain(self, usage: int, method: str) -> None:
        gate = claimed(P1, pin(CA if usage in (0, 2) else P1, usage, 0, 1), servers=(SECOND, HOST))
        verdict = gate.verdict()
        assert said(verdict) == ("ACCEPTED", method, "inbound.server-records")
        assert Identity(DOMAIN, "server-records") in verdict.identities
        assert verdict.hosts == (Identity(HOST, "server-records"),)
        assert verdict.admission is Admission.AUTHENTICATED
        (step,) = [step for step in verdict.steps if step.code == "inbound.server-records"]
        assert (step.expected, step.found) == (DOMAIN, f"the host {HOST}, the SIP domain {DOMAIN}")
        assert verdict.findings[0] is step

    @pytest.mark.req("D-DANCE-2", "S-B-3", "S-B-6")
    def test_a_certificate_of_the_host_alone_needs_no_authority_under_dane(self) -> None:
        verdict = claimed(P1, pin(P1), trusted=False).verdict()
        assert proven(verdict) == ([f"server-records {DOMAIN}"], [f"server-records {HOST}"])

    @pytest.mark.req("D-DANCE-2")
    def test_with_the_name_of_a_server_in_the_certificate_only_that_one_is_asked_about(self) -> None:
        servers = (*[f"s{number}.example.net" for number in range(40)], HOST)
        gate = claimed(P1, pin(P1), servers=servers)
        assert gate.verdict().accepted
        assert tlsa_questions(gate) == [TLSA]
        assert len(gate.world.questions()) == 5  # NAPTR, SRV, two families, TLSA

    @pytest.mark.req("D-DANCE-2")
    @pytest.mark.parametrize(
        "who",
        [
            made(number=20, names=[dns("p9.example.com")]),
            made(number=21, names=[dns("*.example.com")]),
            made(number=22, names=[uri("sip:example.org")]),
            made(number=23, names=[dns("x.p1.example.com"), dns("example.net")]),
        ],
    )
    def test_a_certificate_that_names_others_is_none_of_the_servers_even_with_the_key_of_one(self, who: Made) -> None:
        gate = claimed(who, pin(who))
        verdict = gate.verdict()
        assert f"server-records {DOMAIN}" not in proven(verdict)[0]
        assert "inbound.not-a-server" in codes(verdict)
        assert tlsa_questions(gate) == []

    def test_a_wildcard_names_a_server_only_where_the_policy_says_so_and_never_the_domain(self) -> None:
        who = made(number=24, names=[dns("*.example.com")])
        wild = Policy(allow_wildcards=True)
        assert claimed(who, pin(who), policy=wild).verdict().accepted
        own = Gate([who], claims=["x.example.com"], policy=wild)
        own.world.address("x.example.com", "192.0.2.1")
        own.world.tlsa("_5061._tcp.x.example.com", pin(who))
        assert not own.verdict().accepted

    @pytest.mark.req("D-DANCE-2", "RDANCE-9-1")
    @pytest.mark.parametrize("raw", [False, True])
    def test_without_any_name_each_server_is_asked_about_up_to_the_limit(self, raw: bool) -> None:
        servers = tuple([f"s{number}.example.net" for number in range(5)])
        public_key = key(30)
        record = pin(Made(public_key, public_key)) if raw else pin(NAMELESS)
        for number, accepted in ((2, True), (4, False)):
            gate = claimed(NAMELESS, servers=servers, policy=Policy(limits=Limits(inbound_targets=3)))
            if raw:
                gate.chain, gate.public_key = (), public_key
            for server in servers:
                gate.world.tlsa(f"_5061._tcp.{server}", record if server == servers[number] else STRANGERS_PIN)
            verdict = gate.verdict()
            assert verdict.accepted is accepted
            assert len(tlsa_questions(gate)) == 3
            if not accepted:
                assert said(verdict) == ("UNDETERMINED", "none", "limit.inbound-targets")

    @pytest.mark.req("D-DANCE-2", "S-B-6")
    def test_a_certificate_of_the_domain_alone_may_belong_to_any_of_its_servers(self) -> None:
        gate = claimed(ONLY_DOMAIN, STRANGERS_PIN, servers=(HOST, SECOND), trusted=False)
        gate.world.tlsa(SECOND_TLSA, pin(ONLY_DOMAIN))
        assert proven(gate.verdict()) == ([f"server-records {DOMAIN}"], [f"server-records {SECOND}"])

    @pytest.mark.req("D-DANCE-2")
    def test_a_domain_that_is_its_own_server_is_proven_by_its_own_records(self) -> None:
        who = made(number=25, names=[dns(DOMAIN)])
        gate = Gate([who], claims=[DOMAIN], trusted=False)
        gate.world.address(DOMAIN, "192.0.2.1")
        gate.world.tlsa(f"_5061._tcp.{DOMAIN}", pin(who))
        assert proven(gate.verdict()) == ([f"server-records {DOMAIN}"], [f"server-records {DOMAIN}"])

    @pytest.mark.req("D-DANCE-2")
    @pytest.mark.parametrize("insecure", ["NAPTR", "SRV", "A", "TLSA"])
    def test_one_insecure_step_proves_nothing_and_refutes_nothing(self, insecure: str) -> None:
        for pins in (pin(P1), STRANGERS_PIN):
            gate = claimed(P1, pins, servers=(HOST,))
            gate.world.naptr(DOMAIN, (10, 10, "s", "SIPS+D2T", "", SRV))
            for (name, rrtype), answer in list(gate.world.said.items()):
                if rrtype == insecure or (insecure == "A" and rrtype == "AAAA"):
                    answer.security = INSECURE
                    assert gate.world.said[name, rrtype].security is INSECURE
            verdict = gate.verdict()
            assert proven(verdict) == ([f"dns {HOST}"], [])
            assert "inbound.no-proof" in codes(verdict)

    @pytest.mark.req("D-DANCE-2")
    def test_a_certificate_of_the_host_proves_the_domain_by_no_delegation_without_tlsa(self) -> None:
        """D-DANCE-2 wants records; the delegation alone says where the domain is, and not who may speak for it."""
        assert proven(claimed(P1).verdict()) == ([f"dns {HOST}"], [])

    @pytest.mark.req("D-DANCE-2", "R5922-7.8-1")
    def test_several_claims_are_proven_each_for_itself_and_equal_questions_are_asked_once(self) -> None:
        gate = claimed(P1, pin(P1), claims=[DOMAIN, "Example.COM.", OTHER_DOMAIN, "third.example"])
        secure_delegation(gate.world, HOST, domain=OTHER_DOMAIN)
        verdict = gate.verdict()
        assert proven(verdict)[0] == [f"server-records {DOMAIN}", f"server-records {OTHER_DOMAIN}", f"dns {HOST}"]
        assert len(gate.world.questions()) == len(set(gate.world.questions()))
        assert tlsa_questions(gate) == [TLSA]
        assert codes(verdict).count("inbound.claim") == 3

    @pytest.mark.req("R5922-7.4-4", "D-DANCE-2", "RDANCE-8.2-5")
    def test_the_servers_rule_is_asked_once_with_all_that_is_proven(self) -> None:
        asked: list[tuple[Identity, ...]] = []

        def rule(identities: tuple[Identity, ...]) -> bool:
            asked.append(identities)
            return True

        gate = claimed(TWO_DOMAINS, pin(TWO_DOMAINS), authorize=rule)
        assert gate.verdict().code == "inbound.allowed"
        both = (Identity(DOMAIN, "uri"), Identity(OTHER_DOMAIN, "uri"))
        assert asked == [(Identity(DOMAIN, "server-records"), *both)]
        gate.authorize = AllowList(["elsewhere.example"])
        assert gate.verdict().code == "inbound.not-allowed"

    def test_what_is_claimed_is_all_that_is_looked_up(self) -> None:
        gate = claimed(TWO_DOMAINS, pin(TWO_DOMAINS), claims=[])
        assert gate.verdict().accepted
        assert gate.world.questions() == []

    def test_it_holds_no_longer_than_any_answer_it_rests_on(self) -> None:
        for rrtype in ("SRV", "A", "TLSA"):
            gate = claimed(P1, pin(P1), trusted=False)
            for (_, asked), answer in gate.world.said.items():
                answer.ttl = 7.0 if asked == rrtype else 300.0
            assert gate.verdict().expires == 7.0

    def test_an_answer_that_is_shared_ages_from_when_it_came(self) -> None:
        gate = claimed(P1, pin(P1), claims=[DOMAIN, OTHER_DOMAIN], trusted=False)
        secure_delegation(gate.world, HOST, domain=OTHER_DOMAIN)
        gate.world.naptr(OTHER_DOMAIN, (10, 10, "s", "SIPS+D2T", "", f"_sips._tcp.{OTHER_DOMAIN}"))
        machine = gate.machine()
        now, late = 0.0, [f"_sips._tcp.{OTHER_DOMAIN}"]
        held: list[Any] = []
        while machine.verdict is None:
            for action in machine.next_actions(now=now):
                if getattr(action, "name", "") in late:
                    held.append(action)
                    continue
                event = gate.world.perform(action)
                assert event is not None
                machine.receive(event, now=now)
            if held and not [each for each in machine.outstanding if each not in held]:
                now = 8.0
                machine.receive(gate.world.answer(held.pop()), now=now)
        assert proven(machine.verdict)[0] == [f"server-records {DOMAIN}", f"server-records {OTHER_DOMAIN}"]
        assert machine.verdict.expires == 300.0


class TestWhatStandsAgainstAClaim:
    """A domain that was looked up is not taken from the certificate where the DNS fails or contradicts (D-DANCE-4)."""

    @pytest.mark.req("D-DANCE-4", "D-DANCE-2")
    @pytest.mark.parametrize("dane_failure", ["abort", "unauthenticated"])
    @pytest.mark.parametrize("failure", [Failure.BOGUS, Failure.SERVFAIL, Failure.TIMEOUT])
    @pytest.mark.parametrize("where", ["NAPTR", "SRV", "A", "TLSA"])
    def test_a_failed_lookup_is_no_absence(self, where: RRType, failure: Failure, dane_failure: Any) -> None:
        gate = claimed(BOTH, pin(BOTH), dane_failure=dane_failure)
        names: dict[RRType, str] = {"NAPTR": DOMAIN, "SRV": SRV, "A": HOST, "TLSA": TLSA}
        gate.world.fail(names[where], where, failure)
        if where == "A":
            gate.world.fail(HOST, "AAAA", failure)
        verdict = gate.verdict()
        assert verdict.outcome is Outcome.UNDETERMINED
        assert (verdict.code == "dnssec.bogus") is (failure is Failure.BOGUS)
        assert proven(verdict) == ([], [])
        assert "inbound.held-back" in codes(verdict)
        served = dane_failure == "unauthenticated"
        assert verdict.admission is (Admission.UNAUTHENTICATED if served else Admission.CLOSE)
        assert verdict.findings[0].code == verdict.code

    @pytest.mark.req("D-DANCE-4", "D-DANCE-2", "A-16")
    @pytest.mark.parametrize("who", [BOTH, ONLY_DOMAIN])
    def test_records_that_do_not_match_outweigh_an_authority(self, who: Made) -> None:
        verdict = claimed(who, STRANGERS_PIN).verdict()
        assert said(verdict) == ("REJECTED", "none", "dane.no-match")
        assert "inbound.held-back" in codes(verdict)
        assert claimed(who, STRANGERS_PIN, claims=[]).verdict().accepted

    @pytest.mark.req("D-DANCE-4", "A-16")
    def test_only_the_names_that_were_looked_up_are_doubted(self) -> None:
        gate = claimed(TWO_DOMAINS, STRANGERS_PIN)
        verdict = gate.verdict()
        assert said(verdict) == ("ACCEPTED", "pkix", "inbound.identities")
        assert proven(verdict) == ([f"uri {OTHER_DOMAIN}"], [])
        (step,) = [step for step in verdict.steps if step.code == "inbound.held-back"]
        assert step.found == f"uri {DOMAIN}"
        gate.authorize = AllowList([DOMAIN])
        assert gate.verdict().code == "inbound.not-allowed"

    @pytest.mark.req("D-DANCE-4")
    def test_the_host_whose_records_do_not_match_is_doubted_too(self) -> None:
        verdict = claimed(P1, STRANGERS_PIN).verdict()
        assert said(verdict) == ("REJECTED", "none", "dane.no-match")
        assert proven(verdict) == ([], [])

    @pytest.mark.req("D-DANCE-4")
    def test_a_server_without_records_may_present_what_the_others_records_do_not_name(self) -> None:
        gate = claimed(ONLY_DOMAIN, STRANGERS_PIN, servers=(HOST, SECOND))
        assert proven(gate.verdict()) == ([f"uri {DOMAIN}"], [])
        gate.world.tlsa(SECOND_TLSA, STRANGERS_PIN)
        assert gate.verdict().code == "dane.no-match"
        # The one that is named is held against its own records.
        named = claimed(BOTH, STRANGERS_PIN, servers=(HOST, SECOND))
        assert named.verdict().code == "dane.no-match"

    @pytest.mark.req("D-DANCE-4")
    def test_a_server_that_cannot_be_known_keeps_the_domain_doubted_unless_another_one_matches(self) -> None:
        gate = claimed(ONLY_DOMAIN, servers=(HOST, SECOND))
        gate.world.fail(TLSA, "TLSA", Failure.BOGUS)
        assert said(gate.verdict()) == ("UNDETERMINED", "none", "dnssec.bogus")
        gate.world.tlsa(SECOND_TLSA, pin(ONLY_DOMAIN))
        assert proven(gate.verdict())[0] == [f"server-records {DOMAIN}", f"uri {DOMAIN}"]

    @pytest.mark.req("D-DANCE-4")
    def test_that_not_every_server_is_looked_at_is_no_doubt_where_one_without_records_was_seen(self) -> None:
        servers = tuple([f"s{number}.example.net" for number in range(9)])
        gate = claimed(ONLY_DOMAIN, servers=servers)
        assert proven(gate.verdict()) == ([f"uri {DOMAIN}"], [])
        assert "limit.inbound-targets" in codes(gate.verdict())
        gate.trusted = False  # then it may still be a server that was not looked at
        assert said(gate.verdict()) == ("UNDETERMINED", "none", "limit.inbound-targets")
        gate.trusted = True
        gate.world.tlsa(f"_5061._tcp.{servers[0]}", STRANGERS_PIN)
        assert said(gate.verdict()) == ("UNDETERMINED", "none", "limit.inbound-targets")

    @pytest.mark.req("D-DANCE-4", "A-16")
    def test_a_limit_lets_nobody_in_whom_a_server_beyond_it_would_have_refuted(self) -> None:
        hosts = tuple([f"s{number}.example.com" for number in range(3)])
        named = made(number=26, names=[uri(f"sip:{DOMAIN}"), *[dns(host) for host in hosts]])
        accepted = 0
        for who in (ONLY_DOMAIN, named):
            for pinned in itertools.product((None, STRANGERS_PIN, "no address"), repeat=3):
                gate = claimed(who, servers=hosts)
                for host, records in zip(hosts, pinned, strict=True):
                    if records == STRANGERS_PIN:
                        gate.world.tlsa(f"_5061._tcp.{host}", STRANGERS_PIN)
                    elif records is not None:
                        gate.world.said.pop((host, "A"))
                unlimited = gate.verdict()
                gate.policy = Policy(limits=Limits(inbound_targets=2))
                limited = gate.verdict()
                assert unlimited.accepted or not limited.accepted
                accepted += "limit.inbound-targets" in codes(limited) and limited.accepted
        assert accepted

    @pytest.mark.req("D-DANCE-4")
    def test_strictly_records_that_cannot_be_used_stand_against_the_claim(self) -> None:
        useless = "3 2 1 " + "00" * 32
        assert proven(claimed(BOTH, useless).verdict())[0] == [f"uri {DOMAIN}"]
        strict = claimed(BOTH, useless, policy=Policy(strict_dane=True)).verdict()
        assert said(strict) == ("REJECTED", "none", "dane.unusable")

    @pytest.mark.req("D-DANCE-4")
    def test_what_another_way_proves_stays_proven(self) -> None:
        gate = claimed(NAMELESS, STRANGERS_PIN, claims=[DOMAIN, OTHER_DOMAIN])
        secure_delegation(gate.world, SECOND, domain=OTHER_DOMAIN)
        gate.world.tlsa(SECOND_TLSA, pin(NAMELESS))
        verdict = gate.verdict()
        assert proven(verdict) == ([f"server-records {OTHER_DOMAIN}"], [f"server-records {SECOND}"])
        assert "dane.no-match" in codes(verdict)

    def test_a_domain_that_offers_nothing_proves_nothing(self) -> None:
        gate = Gate([BOTH], claims=[DOMAIN])
        gate.world.srv(SRV, (0, 0, 0, "."))
        assert proven(gate.verdict())[0] == [f"uri {DOMAIN}"]
        nowhere = claimed(BOTH)
        nowhere.world.say(HOST, "A", denial=Denial.NXDOMAIN)
        assert proven(nowhere.verdict())[0] == [f"uri {DOMAIN}"]

    @pytest.mark.req("D-DANCE-4")
    def test_when_nothing_is_proven_what_is_not_known_comes_before_what_stands_against_it(self) -> None:
        gate = claimed(P1, STRANGERS_PIN, claims=[DOMAIN, OTHER_DOMAIN], trusted=False)
        assert said(gate.verdict()) == ("REJECTED", "none", "dane.no-match")
        gate.world.fail(OTHER_DOMAIN, "NAPTR", Failure.SERVFAIL)
        assert said(gate.verdict()) == ("UNDETERMINED", "none", "locate.servfail")
        gate.claims = []
        assert said(gate.verdict()) == ("REJECTED", "none", "chain.unknown-ca")

    def test_less_than_the_policy_requires_is_insufficient_by_any_way(self) -> None:
        gate = claimed(P1, pin(P1, 1, 0, 1), policy=Policy(require="dane-ee"))
        assert said(gate.verdict()) == ("INSUFFICIENT", "pkix-ee", "policy.too-weak")


class TestOddClientsAndSlowAnswers:
    @pytest.mark.req("D-DANCE-4")
    def test_a_path_that_is_not_validated_in_time_leaves_the_claim_unknown(self) -> None:
        gate = claimed(P1, pin(CA, 2, 0, 1))
        machine = gate.machine()
        now = 0.0
        while machine.verdict is None:
            actions = machine.next_actions(now=now)
            for action in actions:
                if isinstance(action, Lookup):
                    machine.receive(gate.world.answer(action), now=now)
            if not actions:
                now = machine.deadline
                machine.advance(now=now)
        assert said(machine.verdict) == ("UNDETERMINED", "none", "chain.timeout")

    @pytest.mark.req("D-DANCE-2")
    def test_names_that_cannot_be_read_are_those_of_no_server(self) -> None:
        many = made(number=27, names=[dns(HOST), *[dns(f"n{number}.example") for number in range(9)]])
        gate = claimed(many, pin(many), policy=Policy(limits=Limits(sans=5)))
        assert said(gate.verdict()) == ("REJECTED", "none", "limit.sans")
        assert "inbound.not-a-server" in codes(gate.verdict())
        assert tlsa_questions(gate) == []

    def test_a_run_that_takes_so_long_that_records_expire_begins_again_but_once(self) -> None:
        limits = Limits(seconds=1_000.0)
        gate = claimed(
            ONLY_DOMAIN,
            STRANGERS_PIN,
            servers=(HOST, SECOND, "p3.example.com", "p4.example.com"),
            policy=Policy(limits=limits, lookup_timeout=100.0),
        )
        for host in (SECOND, "p3.example.com", "p4.example.com"):
            gate.world.tlsa(f"_5061._tcp.{host}", STRANGERS_PIN)
        for answer in gate.world.said.values():
            answer.ttl = 1.0
        machine, now = gate.machine(), 0.0
        while machine.verdict is None:
            for action in machine.next_actions(now=now):
                event = gate.world.perform(action)
                assert event is not None
                now += 40.0 if getattr(action, "rrtype", "") == "TLSA" else 0.0
                machine.receive(event, now=now)
        assert codes(machine.verdict).count("locate.restarted") == 1
        assert said(machine.verdict) == ("UNDETERMINED", "none", "limit.seconds")
        assert "inbound.held-back" in codes(machine.verdict)

    def test_a_run_whose_time_is_over_tells_what_was_found_so_far(self) -> None:
        machine = claimed(BOTH, pin(BOTH), policy=Policy(lookup_timeout=100.0, path_timeout=100.0)).machine()
        machine.advance(now=30.0)
        assert machine.verdict is not None
        assert said(machine.verdict) == ("UNDETERMINED", "none", "limit.seconds")
        assert "inbound.claim" in codes(machine.verdict)
        assert machine.admission is Admission.CLOSE


class TestSentBy:
    @pytest.mark.req("D-DANCE-3", "S-A-28")
    @pytest.mark.parametrize(("sent_by", "port"), [(HOST, 5061), ("P1.Example.com.", 5061), (f"{HOST}:5071", 5071)])
    def test_it_proves_the_host_and_no_domain(self, sent_by: str, port: int) -> None:
        gate = Gate([P1], sent_by=sent_by, trusted=False)
        gate.world.address(HOST, "192.0.2.1")
        gate.world.tlsa(f"_{port}._tcp.{HOST}", pin(P1))
        verdict = gate.verdict()
        assert said(verdict) == ("ACCEPTED", "dane-ee", "inbound.sent-by")
        assert proven(verdict) == ([], [f"sent-by {HOST}"])
        assert gate.world.questions()[-1] == (f"_{port}._tcp.{HOST}", "TLSA")
        assert {rrtype for _, rrtype in gate.world.questions()} == {"A", "AAAA", "TLSA"}
        gate.authorize = AllowList([HOST])
        assert gate.verdict().code == "inbound.not-allowed"

    @pytest.mark.req("D-DANCE-3", "D-DANCE-2")
    def test_a_domain_comes_from_its_own_claim_only(self) -> None:
        gate = claimed(P1, pin(P1), sent_by=HOST, trusted=False)
        assert proven(gate.verdict()) == (
            [f"server-records {DOMAIN}"],
            [f"server-records {HOST}", f"sent-by {HOST}"],
        )
        gate.claims = []
        assert proven(gate.verdict()) == ([], [f"sent-by {HOST}"])

    @pytest.mark.req("D-DANCE-3", "D-DANCE-4")
    def test_bogus_is_not_absent_and_a_mismatch_is_evidence_against_the_host(self) -> None:
        gate = Gate([P1], sent_by=HOST)
        gate.world.address(HOST, "192.0.2.1")
        assert proven(gate.verdict()) == ([f"dns {HOST}"], [])
        gate.world.tlsa(TLSA, STRANGERS_PIN)
        assert said(gate.verdict()) == ("REJECTED", "none", "dane.no-match")
        gate.world.fail(TLSA, "TLSA", Failure.BOGUS)
        assert said(gate.verdict()) == ("UNDETERMINED", "none", "dnssec.bogus")
        gate.world.tlsa(TLSA, pin(P1), security=INSECURE)
        assert proven(gate.verdict()) == ([f"dns {HOST}"], [])
        gate.world.address(HOST, "192.0.2.1", security=INSECURE)
        assert proven(gate.verdict()) == ([f"dns {HOST}"], [])

    @pytest.mark.req("D-DANCE-3", "D-DANCE-4")
    def test_another_name_in_the_certificate_counts_where_the_usage_wants_a_name(self) -> None:
        who = made(number=26, names=[dns("p9.example.com")])
        for usage, accepted in ((3, True), (2, False)):
            gate = Gate([who], sent_by=HOST)
            gate.world.address(HOST, "192.0.2.1")
            gate.world.tlsa(TLSA, pin(who if usage == 3 else CA, usage, 0, 1))
            verdict = gate.verdict()
            assert proven(verdict) == (["dns p9.example.com"], [f"sent-by {HOST}"] if accepted else [])

    @pytest.mark.parametrize(
        "sent_by",
        ["192.0.2.1", "[2001:db8::1]:5061", "", ":", "a b", "alice@p1.example.com", "p1.example.com;maddr=x.example",
         "p1.example.com:0", "p1.example.com:99999", "p1.example.com?a=b", "b\xfccher.example", "\x1b[2J", "x" * 300],
    )  # fmt: skip
    def test_text_that_names_no_host_is_a_finding_and_nothing_is_asked(self, sent_by: str) -> None:
        gate = Gate([BOTH], sent_by=sent_by)
        verdict = gate.verdict()
        assert proven(verdict)[0] == [f"uri {DOMAIN}"]
        assert "inbound.sent-by-unusable" in codes(verdict)
        assert gate.world.questions() == []
        assert verdict.explain().isascii()


class TestAllWaysAtOnce:
    @pytest.mark.req("D-DANCE-1", "D-DANCE-2", "D-DANCE-3", "S-A-28")
    def test_the_verdict_says_which_way_proved_what(self) -> None:
        gate = claimed(BOTH, pin(BOTH), client_name="_sip-client.example.org", sent_by=HOST)
        gate.domain_of = lambda name: name.removeprefix("_sip-client.")
        gate.world.tlsa("_sip-client.example.org", pin(BOTH))
        verdict = gate.verdict()
        assert said(verdict) == ("ACCEPTED", "dane-ee", "inbound.client-name")
        assert proven(verdict) == (
            [f"client-name {OTHER_DOMAIN}", f"server-records {DOMAIN}", f"uri {DOMAIN}"],
            ["client-name _sip-client.example.org", f"server-records {HOST}", f"sent-by {HOST}"],
        )
        told = [code for code in codes(verdict) if code in ("inbound.client-name", *_WAYS)]
        assert told == ["inbound.client-name", *_WAYS]
        assert verdict.to_dict()["hosts"] == [
            {"domain": "_sip-client.example.org", "origin": "client-name"},
            {"domain": HOST, "origin": "server-records"},
            {"domain": HOST, "origin": "sent-by"},
        ]
        assert verdict.to_dict()["admission"] == "authenticated"
        for same in (copy.copy(verdict), copy.deepcopy(verdict)):
            assert (same.to_dict(), same.hosts, same.admission) == (verdict.to_dict(), verdict.hosts, verdict.admission)
        with pytest.raises(AttributeError):
            verdict.hosts = ()

    @pytest.mark.parametrize("who", ALL)
    def test_the_order_of_answers_changes_nothing(self, who: Made) -> None:
        for pins in ([pin(who)], [STRANGERS_PIN], []):
            gate = claimed(who, *pins, servers=(SECOND, HOST), claims=[DOMAIN, OTHER_DOMAIN], sent_by=HOST)
            first = gate.verdict()
            for seed in range(10):
                other = gate.verdict(random.Random(seed))
                assert (said(other), proven(other), other.expires) == (said(first), proven(first), first.expires)


_WAYS = ["inbound.server-records", "inbound.sent-by"]


class TestMistakesOfTheCaller:
    @pytest.mark.parametrize(
        "claims", [DOMAIN, ["b\xfccher.example"], ["192.0.2.1"], [""], ["*.example.com"], ["a_b"], ["a.1b"]]
    )
    def test_claims_are_domains_in_a_labels(self, claims: Any) -> None:
        with pytest.raises(InvalidName):
            Gate([P1], claims=claims).machine()

    def test_claims_want_transports_with_tls(self) -> None:
        policy = Policy(transports=("tls", "tcp"))
        assert Gate([BOTH], policy=policy).verdict().accepted
        with pytest.raises(InvalidPolicy):
            Gate([BOTH], claims=[DOMAIN], policy=policy).machine()
