"""Reaching a domain: dialogues from the URI to the verdict, in the words of RFC 7673, 7671 and 5922."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime

import pytest

from pki import SERVER_AUTH, Issued, Issuer
from siptls import (
    Action,
    Close,
    Connect,
    ConnectFailed,
    Failure,
    InvalidPolicy,
    InvalidUri,
    Limits,
    LocalProtocolError,
    Lookup,
    Outbound,
    Outcome,
    Policy,
    Presented,
    Security,
    TlsFacts,
    ValidatePath,
)
from siptls.dns import Alias, Cname
from siptls.dns.question import RRType
from world import AT, INSECURE, SECURE, World, first

ROOT = Issuer.root()
FOR_DOMAIN = ROOT.leaf(cn="d", uris=["sip:example.com"], eku=[SERVER_AUTH])
FOR_TARGET = ROOT.leaf(cn="t", dns=["sip.hoster.example"])
FOR_OTHERS = ROOT.leaf(cn="o", dns=["other.example"])
SELF_MADE = Issuer.root(cn="self").leaf(cn="nobody")

TLSA = "_5061._tcp.sip.hoster.example"


def pin(leaf: Issued) -> str:
    return "3 1 1 " + hashlib.sha256(leaf.spki).hexdigest()


def hosted(leaf: Issued, security: Security = SECURE) -> World:
    """example.com delegates to sip.hoster.example by SRV; the server there presents a leaf of ROOT's."""
    world = World(security)
    world.srv("_sips._tcp.example.com", (10, 0, 5061, "sip.hoster.example"))
    world.address("sip.hoster.example", "192.0.2.1")
    world.server("192.0.2.1", leaf.presented)
    world.trust(ROOT.der, leaf.chain)
    return world


class TestState:
    """The rows of D-STATE, each from the URI to the verdict."""

    @pytest.mark.req("R7673-3.1-2", "D-SEC-6", "T-D01")
    @pytest.mark.parametrize("rrtype", ["NAPTR", "SRV"])
    @pytest.mark.parametrize("failure", list(Failure))
    def test_a_failed_service_lookup_aborts_the_attempt(self, rrtype: RRType, failure: Failure) -> None:
        world = hosted(FOR_DOMAIN)
        world.fail("example.com" if rrtype == "NAPTR" else "_sips._tcp.example.com", rrtype, failure)
        verdict = world.outbound("sips:example.com")
        assert verdict.outcome is Outcome.UNDETERMINED
        assert verdict.method == "none"
        assert not world.names_sent

    @pytest.mark.req("R7673-3.1-3", "R7673-4.1-2", "R5922-7.3-1", "R7673-B-1", "D-SEC-5", "S-A-21")
    def test_insecure_srv_means_rfc_5922_on_the_domain(self) -> None:
        world = hosted(FOR_DOMAIN, INSECURE)
        verdict = world.outbound("sips:example.com")
        assert (verdict.outcome, verdict.method, verdict.code) == (Outcome.ACCEPTED, "pkix", "id.match")
        assert world.names_sent == ["example.com"]
        assert not [q for q in world.questions() if q[1] == "TLSA"]

    @pytest.mark.req("R5922-7.3-1", "R7673-4.1-2", "R9525-6.1-2", "T-S01", "S-B-7")
    def test_insecure_srv_never_lets_the_target_speak_for_the_domain(self) -> None:
        verdict = hosted(FOR_TARGET, INSECURE).outbound("sips:example.com")
        assert (verdict.outcome, verdict.code) == (Outcome.REJECTED, "id.srv-target-only")

    @pytest.mark.req("R7673-3.2-3", "D-SEC-13", "A-29")
    @pytest.mark.parametrize("failure", list(Failure))
    def test_secure_srv_and_failed_addresses_skip_the_endpoint(self, failure: Failure) -> None:
        world = hosted(FOR_DOMAIN)
        world.fail("sip.hoster.example", "A", failure)
        world.fail("sip.hoster.example", "AAAA", failure)
        assert world.outbound("sips:example.com").outcome is Outcome.UNDETERMINED
        assert not world.names_sent

    @pytest.mark.req("D-SEC-13", "A-29")
    @pytest.mark.parametrize(("other", "connects"), [(SECURE, True), (INSECURE, False)])
    def test_with_secure_srv_a_failed_family_is_made_up_only_by_a_secure_one(
        self, other: Security, connects: bool
    ) -> None:
        world = hosted(FOR_DOMAIN)
        world.address("sip.hoster.example", "192.0.2.1", security=other)
        world.fail("sip.hoster.example", "AAAA")
        assert bool(world.outbound("sips:example.com").accepted) is connects

    @pytest.mark.req("D-SEC-13", "A-29")
    def test_without_secure_srv_the_family_that_answers_is_used(self) -> None:
        world = hosted(FOR_DOMAIN, INSECURE)
        world.fail("sip.hoster.example", "AAAA")
        assert world.outbound("sips:example.com").accepted

    @pytest.mark.req("R7673-3.2-2", "R7672-2.2.2-1", "R7673-4.1-3", "R7673-4.1-4", "A-36")
    @pytest.mark.parametrize("leaf", [FOR_DOMAIN, FOR_TARGET])
    def test_secure_srv_and_insecure_address_mean_pkix_for_domain_or_target(self, leaf: Issued) -> None:
        world = hosted(leaf)
        world.address("sip.hoster.example", "192.0.2.1", security=INSECURE)
        world.tlsa(TLSA, pin(FOR_OTHERS))
        verdict = world.outbound("sips:example.com")
        assert (verdict.outcome, verdict.method) == (Outcome.ACCEPTED, "pkix")
        assert world.names_sent == ["example.com"]
        assert (TLSA, "TLSA") not in world.questions()

    @pytest.mark.req("R7673-3.4-2", "R6698-4.1-2", "R6698-4.1-10", "R7672-2.1.2-1", "T-D01")
    @pytest.mark.parametrize(
        ("failure", "code"),
        [(f, "dnssec.bogus" if f is Failure.BOGUS else "dane.lookup-failed") for f in Failure],
    )
    def test_a_failed_tlsa_lookup_skips_the_endpoint_and_never_falls_back(self, failure: Failure, code: str) -> None:
        world = hosted(FOR_DOMAIN)
        world.fail(TLSA, "TLSA", failure)
        verdict = world.outbound("sips:example.com")
        assert (verdict.outcome, verdict.code) == (Outcome.UNDETERMINED, code)
        assert not world.names_sent

    @pytest.mark.req("R7673-3.4-3", "R6698-4.1-3", "R7673-4.1-3", "S-A-15")
    @pytest.mark.parametrize("leaf", [FOR_DOMAIN, FOR_TARGET])
    def test_insecure_tlsa_records_are_ignored_and_reported(self, leaf: Issued) -> None:
        world = hosted(leaf)
        world.tlsa(TLSA, pin(FOR_OTHERS), security=INSECURE)
        verdict = world.outbound("sips:example.com")
        assert (verdict.outcome, verdict.method) == (Outcome.ACCEPTED, "pkix")
        assert "dane.insecure" in [step.code for step in verdict.steps]

    @pytest.mark.req("A-06", "R7671-10.3-1", "R7673-4.1-1", "R6698-4.1-7", "T-D02")
    def test_secure_but_unusable_tlsa_means_pkix_or_with_strict_dane_no_connection(self) -> None:
        world = hosted(FOR_TARGET)
        world.tlsa(TLSA, "9 1 1 " + "00" * 32, "3 1 1 abcd")
        verdict = world.outbound("sips:example.com")
        assert (verdict.outcome, verdict.method) == (Outcome.ACCEPTED, "pkix")
        assert world.names_sent == ["example.com"]
        strict = world.outbound("sips:example.com", Policy(strict_dane=True))
        assert (strict.outcome, strict.code) == (Outcome.REJECTED, "dane.unusable")
        assert not world.names_sent

    @pytest.mark.req("D-SEC-1", "R7673-3.4-1", "R7671-5.1-1", "R7671-5.1-2", "R7673-4.2-1", "R7671-10.2-1", "S-A-5")
    def test_a_matching_dane_ee_record_accepts_whatever_the_certificate_says(self) -> None:
        world = hosted(SELF_MADE)
        world.tlsa(TLSA, pin(SELF_MADE))
        verdict = world.outbound("sips:example.com")
        assert (verdict.outcome, verdict.method, verdict.code) == (Outcome.ACCEPTED, "dane-ee", "dane.match")
        assert world.names_sent == ["sip.hoster.example"]
        assert [(i.domain, i.origin) for i in verdict.identities] == [("example.com", "dane")]
        assert verdict.leaf == hashlib.sha256(SELF_MADE.der).digest()

    @pytest.mark.req("R6698-4.1-7", "S-A-19", "A-32", "R7673-1-1", "R7671-4.1-2")
    def test_a_mismatch_rejects_whatever_pkix_says(self) -> None:
        world = hosted(FOR_DOMAIN)
        world.tlsa(TLSA, pin(FOR_OTHERS))
        verdict = world.outbound("sips:example.com")
        assert (verdict.outcome, verdict.code, verdict.connection) == (Outcome.REJECTED, "dane.no-match", None)

    @pytest.mark.req("D-SEC-8", "A-30", "R6698-3-1", "R7673-4.1-1")
    @pytest.mark.parametrize("uri", ["sips:example.com", "sips:example.com:5061"])
    def test_the_domain_as_its_own_host_is_judged_by_its_own_records(self, uri: str) -> None:
        world = World()
        world.address("example.com", "192.0.2.1")
        world.server("192.0.2.1", SELF_MADE.presented)
        world.tlsa("_5061._tcp.example.com", pin(SELF_MADE))
        assert world.outbound(uri).method == "dane-ee"
        world.fail("_5061._tcp.example.com", "TLSA")
        assert world.outbound(uri).code == "dane.lookup-failed"

    def test_the_domain_as_its_own_host_without_records_is_judged_by_rfc_5922(self) -> None:
        world = World()
        world.address("example.com", "192.0.2.1")
        world.server("192.0.2.1", FOR_DOMAIN.presented)
        world.trust(ROOT.der, FOR_DOMAIN.chain)
        assert world.outbound("sips:example.com").method == "pkix"

    @pytest.mark.req("D-SEC-4", "T-S01")
    def test_an_insecure_naptr_into_a_signed_zone_of_an_attacker_wins_nothing(self) -> None:
        world = World()
        world.naptr("example.com", (1, 1, "s", "SIPS+D2T", "", "_sips._tcp.evil.example"), security=INSECURE)
        world.srv("_sips._tcp.evil.example", (0, 0, 5061, "sip.evil.example"))
        world.address("sip.evil.example", "192.0.2.66")
        world.tlsa("_5061._tcp.sip.evil.example", pin(SELF_MADE))
        world.server("192.0.2.66", SELF_MADE.presented)
        assert world.outbound("sips:example.com").outcome is Outcome.REJECTED
        assert not [q for q in world.questions() if q[1] == "TLSA"]

    @pytest.mark.req("D-SEC-15", "T-S03", "A-02")
    def test_maddr_to_a_signed_zone_of_an_attacker_wins_nothing(self) -> None:
        world = World()
        world.address("evil.example", "192.0.2.66")
        world.tlsa("_5061._tcp.evil.example", pin(SELF_MADE))
        world.server("192.0.2.66", SELF_MADE.presented)
        verdict = world.outbound("sips:a@bank.example;maddr=evil.example")
        assert (verdict.outcome, verdict.domain) == (Outcome.REJECTED, "bank.example")
        assert not [q for q in world.questions() if q[1] == "TLSA"]

    @pytest.mark.req("D-SEC-9", "R6066-3-2", "T-N09")
    def test_a_numeric_host_is_no_domain_and_gets_no_server_name(self) -> None:
        leaf = ROOT.leaf(cn="ip", ips=["192.0.2.1"])
        world = World()
        world.server("192.0.2.1", leaf.presented)
        world.trust(ROOT.der, leaf.chain)
        verdict = world.outbound("sips:192.0.2.1")
        assert (verdict.outcome, verdict.code) == (Outcome.REJECTED, "uri.ip-literal")
        assert world.names_sent == [None]
        relaxed = world.outbound("sips:192.0.2.1", Policy(allow_ip_identity=True))
        assert relaxed.accepted
        assert "policy.relaxed" in [step.code for step in relaxed.steps]


class TestIdentities:
    @pytest.mark.req("R5922-7.2-5", "S-A-10")
    def test_a_wildcard_of_the_certificate_is_no_proven_domain(self) -> None:
        leaf = ROOT.leaf(cn="w", dns=["example.com", "*.other.example"])
        verdict = hosted(leaf, INSECURE).outbound("sips:example.com")
        assert [i.domain for i in verdict.identities] == ["example.com"]


class TestAlias:
    """CNAME at the host (RFC 7671 section 7)."""

    def world(self, *hops: Security, security: Security = SECURE) -> World:
        names = ["example.com", *[f"h{n}.example" for n in range(1, len(hops) + 1)]]
        steps = [Alias(names[n], names[n + 1], hop, 60.0) for n, hop in enumerate(hops)]
        world = World()
        world.address("example.com", "192.0.2.1", alias=steps, security=security)
        world.server("192.0.2.1", SELF_MADE.presented)
        return world

    @pytest.mark.req("R7671-7-1", "R7671-7-3", "R7672-2.2.3-2")
    def test_a_secure_expansion_is_asked_first_and_is_the_server_name(self) -> None:
        world = self.world(SECURE, SECURE)
        world.tlsa("_5061._tcp.h2.example", pin(SELF_MADE))
        assert world.outbound("sips:example.com").method == "dane-ee"
        assert world.names_sent == ["h2.example"]
        assert ("_5061._tcp.h1.example", "TLSA") not in world.questions()

    @pytest.mark.req("R7671-7-2", "R7672-2.2.3-3")
    def test_nothing_at_the_expansion_leads_back_to_the_original_name(self) -> None:
        world = self.world(SECURE)
        world.tlsa("_5061._tcp.example.com", pin(SELF_MADE))
        assert world.outbound("sips:example.com").method == "dane-ee"
        assert world.names_sent == ["example.com"]
        assert [q for q in world.questions() if q[1] == "TLSA"] == [
            ("_5061._tcp.h1.example", "TLSA"),
            ("_5061._tcp.example.com", "TLSA"),
        ]

    @pytest.mark.req("R7671-7-4", "R7672-2.2.2-2", "A-28", "T-D11")
    def test_an_insecure_later_step_leaves_the_original_name(self) -> None:
        world = self.world(SECURE, INSECURE, security=INSECURE)
        world.tlsa("_5061._tcp.h2.example", pin(FOR_OTHERS))
        world.tlsa("_5061._tcp.example.com", pin(SELF_MADE))
        assert world.outbound("sips:example.com").method == "dane-ee"
        assert ("_5061._tcp.h2.example", "TLSA") not in world.questions()

    @pytest.mark.req("R7672-2.1.3-3", "A-28")
    @pytest.mark.parametrize("alone", [SECURE, INSECURE, Failure.SERVFAIL])
    def test_where_the_steps_are_not_told_apart_the_alias_is_asked_alone(self, alone: Security | Failure) -> None:
        world = self.world(INSECURE, security=INSECURE)
        world.tlsa("_5061._tcp.example.com", pin(SELF_MADE))
        if isinstance(alone, Failure):
            world.fail("example.com", "CNAME", alone)
        else:
            world.say("example.com", "CNAME", Cname("example.com", "h1.example"), security=alone)
        verdict = world.outbound("sips:example.com")
        if alone is SECURE:
            assert verdict.method == "dane-ee"
        elif alone is INSECURE:
            assert verdict.outcome is Outcome.REJECTED
            assert not [q for q in world.questions() if q[1] == "TLSA"]
        else:
            assert (verdict.outcome, world.names_sent) == (Outcome.UNDETERMINED, [])

    @pytest.mark.req("A-08", "R7671-7-5", "A-37", "A-28")
    @pytest.mark.parametrize("hop", [SECURE, INSECURE])
    def test_an_srv_target_that_is_an_alias_is_followed_by_the_same_rules(self, hop: Security) -> None:
        world = hosted(SELF_MADE)
        step = Alias("sip.hoster.example", "real.hoster.example", hop, 60.0)
        world.address("sip.hoster.example", "192.0.2.1", alias=[step], security=hop)
        world.tlsa("_5061._tcp.real.hoster.example", pin(SELF_MADE))
        verdict = world.outbound("sips:example.com")
        assert verdict.accepted is (hop is SECURE)
        assert bool([q for q in world.questions() if q[1] == "TLSA"]) is (hop is SECURE)

    @pytest.mark.req("D-REF", "R7672-3.2.2-1")
    def test_the_secure_expansion_of_the_domain_is_a_reference_for_a_trust_anchor(self) -> None:
        leaf = ROOT.leaf(cn="x", dns=["h1.example"])
        world = self.world(SECURE)
        world.server("192.0.2.1", leaf.chain)
        world.trust(b"no anchor", leaf.chain)
        world.tlsa("_5061._tcp.example.com", "2 0 1 " + hashlib.sha256(ROOT.der).hexdigest())
        verdict = world.outbound("sips:example.com")
        assert (verdict.outcome, verdict.method) == (Outcome.ACCEPTED, "dane-ta")


class TestFailover:
    def two_targets(self) -> World:
        world = World()
        world.srv("_sips._tcp.example.com", (10, 0, 5061, "a.example.com"), (20, 0, 5061, "b.example.com"))
        world.address("a.example.com", "192.0.2.1", "192.0.2.2")
        world.address("b.example.com", "192.0.2.3")
        world.tlsa("_5061._tcp.a.example.com", pin(SELF_MADE))
        world.tlsa("_5061._tcp.b.example.com", pin(SELF_MADE))
        return world

    @pytest.mark.req("D-SEC-11", "R3263-4.2-3", "R5922-7.3-4", "R3263-4.3-3", "S-A-21")
    def test_addresses_then_targets_are_tried_until_one_is_verified(self) -> None:
        world = self.two_targets()
        world.server("192.0.2.1", "net.timeout")
        world.server("192.0.2.2", FOR_OTHERS.presented)
        world.server("192.0.2.3", SELF_MADE.presented)
        verdict = world.outbound("sips:example.com")
        assert verdict.accepted
        assert verdict.endpoint is not None
        assert verdict.target is not None
        assert (verdict.endpoint.address, verdict.target.host) == ("192.0.2.3", "b.example.com")
        codes = [step.code for step in verdict.steps]
        assert "net.timeout" in codes
        assert "dane.no-match" in codes

    @pytest.mark.req("R7673-9.1-1", "D-SEC-11")
    def test_when_all_fail_a_rejection_speaks_before_a_failure(self) -> None:
        world = self.two_targets()
        world.server("192.0.2.2", FOR_OTHERS.presented)
        verdict = world.outbound("sips:example.com")
        assert (verdict.outcome, verdict.code) == (Outcome.REJECTED, "dane.no-match")
        assert verdict.endpoint is not None
        assert verdict.endpoint.address == "192.0.2.2"

    def test_when_no_one_answers_the_first_failure_speaks(self) -> None:
        world = self.two_targets()
        world.server("192.0.2.1", "net.timeout")
        verdict = world.outbound("sips:example.com")
        assert (verdict.outcome, verdict.code) == (Outcome.UNDETERMINED, "net.timeout")

    def test_a_target_without_address_is_no_service_unless_another_fails(self) -> None:
        world = self.two_targets()
        del world.said["a.example.com", "A"], world.said["b.example.com", "A"]
        verdict = world.outbound("sips:example.com")
        assert (verdict.outcome, verdict.code) == (Outcome.NO_SERVICE, "locate.no-service")
        assert "locate.no-address" in [step.code for step in verdict.steps]
        world.fail("b.example.com", "A")
        assert world.outbound("sips:example.com").outcome is Outcome.UNDETERMINED

    @pytest.mark.parametrize(
        ("security", "code"), [(SECURE, "locate.no-service"), (INSECURE, "locate.no-service.unproven")]
    )
    @pytest.mark.req("T-S04")
    def test_a_domain_without_anything_is_no_service(self, security: Security, code: str) -> None:
        verdict = World(security).outbound("sips:example.com")
        assert (verdict.outcome, verdict.code, verdict.method) == (Outcome.NO_SERVICE, code, "none")

    def test_insufficient_evidence_is_closed_and_the_next_target_tried(self) -> None:
        world = self.two_targets()
        leaf = FOR_DOMAIN
        world.trust(ROOT.der, leaf.chain)
        del world.said["_5061._tcp.a.example.com", "TLSA"]
        world.server("192.0.2.1", leaf.presented)
        world.server("192.0.2.2", leaf.presented)
        verdict = world.outbound("sips:example.com", Policy(require="dane"))
        assert (verdict.outcome, verdict.code) == (Outcome.UNDETERMINED, "net.refused")
        world.address("b.example.com")
        verdict = world.outbound("sips:example.com", Policy(require="dane"))
        assert (verdict.outcome, verdict.code, verdict.method) == (Outcome.INSUFFICIENT, "policy.too-weak", "pkix")
        world.address("b.example.com", "192.0.2.3")
        world.server("192.0.2.3", SELF_MADE.presented)
        assert world.outbound("sips:example.com", Policy(require="dane")).accepted

    def test_targets_and_connections_beyond_the_limits_are_not_tried(self) -> None:
        world = self.two_targets()
        verdict = world.outbound("sips:example.com", Policy(limits=Limits(targets=1)))
        assert len(world.names_sent) == 2
        assert "limit.targets" in [step.code for step in verdict.steps]
        verdict = world.outbound("sips:example.com", Policy(limits=Limits(attempts=1)))
        assert len(world.names_sent) == 1
        assert "limit.attempts" in [step.code for step in verdict.steps]

    def test_the_order_in_which_answers_arrive_changes_nothing(self) -> None:
        world = self.two_targets()
        world.server("192.0.2.2", FOR_OTHERS.presented)
        world.server("192.0.2.3", SELF_MADE.presented)
        verdicts = {
            (v.outcome, v.method, v.code)
            for seed in range(20)
            for v in [world.outbound("sips:example.com", Policy(prefetch=2), order=random.Random(seed))]
        }
        assert verdicts == {(Outcome.ACCEPTED, "dane-ee", "dane.match")}


class TestTransport:
    @pytest.mark.req("A-20", "R5630-3.1.3-1", "R5630-5.3-4", "S-A-29")
    @pytest.mark.parametrize("scheme", ["sip", "sips"])
    def test_only_tls_is_asked_for_whatever_the_scheme(self, scheme: str) -> None:
        world = hosted(SELF_MADE)
        world.tlsa(TLSA, pin(SELF_MADE))
        verdict = world.outbound(f"{scheme}:example.com")
        assert verdict.accepted
        assert {name for name, rrtype in world.questions() if rrtype == "SRV"} == {"_sips._tcp.example.com"}

    @pytest.mark.req("R4168-6-1", "R6698-3-1", "S-A-14", "R2782-port-1", "R7673-3.3-1")
    def test_the_records_of_tls_over_sctp_stand_under_sctp_and_at_the_srv_port(self) -> None:
        world = World()
        world.srv("_sips._sctp.example.com", (0, 0, 5071, "sip.example.com"))
        world.address("sip.example.com", "192.0.2.1")
        world.tlsa("_5071._sctp.sip.example.com", pin(SELF_MADE))
        world.server("192.0.2.1", SELF_MADE.presented)
        verdict = world.outbound("sips:example.com;transport=sctp", Policy(transports=("tls-sctp",)))
        assert verdict.accepted
        assert verdict.to_dict()["endpoint"] == {
            "transport": "TLS-SCTP",
            "host": "sip.example.com",
            "address": "192.0.2.1",
            "port": 5071,
        }

    @pytest.mark.req("D-SEC-10", "R3261-26.2.2-1")
    def test_a_transport_without_tls_cannot_be_verified(self) -> None:
        with pytest.raises(InvalidPolicy, match="a peer is to be verified"):
            World().outbound("sip:example.com", Policy(transports=("udp", "tls")))
        verdict = World().outbound("sip:example.com;transport=udp")
        assert (verdict.outcome, verdict.code) == (Outcome.NO_SERVICE, "locate.no-service.unproven")

    def test_what_is_no_uri_is_refused_at_once(self) -> None:
        with pytest.raises(InvalidUri):
            Outbound("mailto:alice@example.com", now=0.0, at=AT, randbelow=first)


class TestTime:
    @pytest.mark.req("R7671-13-1", "R6698-8.2-1", "R4035-5.3.3-2")
    def test_a_verdict_holds_as_long_as_the_shortest_of_its_answers(self) -> None:
        world = hosted(SELF_MADE)
        world.tlsa(TLSA, pin(SELF_MADE))
        for key, ttl in ((("_sips._tcp.example.com", "SRV"), 40.0), (("sip.hoster.example", "A"), 30.0)):
            world.said[key].ttl = ttl
        assert world.outbound("sips:example.com").expires == 30.0
        world.said[TLSA, "TLSA"].ttl = 20.0
        assert world.outbound("sips:example.com").expires == 20.0

    def test_a_verdict_by_pkix_holds_no_longer_than_its_certificates(self) -> None:
        leaf = ROOT.leaf(cn="d", uris=["sip:example.com"], not_after=AT.replace(hour=12, minute=1))
        world = hosted(leaf, INSECURE)
        assert world.outbound("sips:example.com").expires == 60.0

    @pytest.mark.parametrize("until", ["NAPTR", "SRV", "A", "TLSA", "connect", "path"])
    def test_when_the_time_is_over_the_verdict_is_undetermined_and_nothing_stays_open(self, until: str) -> None:
        world = hosted(FOR_DOMAIN)
        if until == "TLSA":
            world.tlsa(TLSA, pin(SELF_MADE))
        machine = Outbound("sips:example.com", now=0.0, at=AT, randbelow=first, anchors=world.anchors)

        def is_last(action: object) -> bool:
            if isinstance(action, Lookup):
                return action.rrtype == until
            return isinstance(action, Connect) if until == "connect" else isinstance(action, ValidatePath)

        stuck = False
        while not stuck:
            for action in machine.next_actions(now=0.0):
                if is_last(action):
                    stuck = True
                elif (event := world.perform(action)) is not None:
                    machine.receive(event, now=0.0)
        machine.advance(now=30.0)
        for action in machine.next_actions(now=30.0):
            world.perform(action)
        assert machine.verdict is not None
        assert (machine.verdict.outcome, machine.verdict.code) == (Outcome.UNDETERMINED, "limit.seconds")
        assert world.open == []
        assert machine.deadline == float("inf")

    def test_an_earlier_rejection_speaks_even_when_the_time_is_over(self) -> None:
        world = TestFailover().two_targets()
        world.server("192.0.2.1", FOR_OTHERS.presented)
        machine = Outbound("sips:example.com", now=0.0, at=AT, randbelow=first)
        seen = 0
        while seen < 2:
            for action in machine.next_actions(now=0.0):
                if isinstance(action, Connect):
                    seen += 1
                if seen < 2 and (event := world.perform(action)) is not None:
                    machine.receive(event, now=0.0)
        machine.advance(now=30.0)
        assert machine.verdict is not None
        assert machine.verdict.code == "dane.no-match"

    @pytest.mark.req("R5922-7.3-4")
    def test_a_rejected_peer_is_closed_at_once_and_the_audit_goes_on_without_it(self) -> None:
        world = hosted(FOR_DOMAIN)
        world.tlsa(TLSA, pin(FOR_OTHERS))
        machine = Outbound(
            "sips:example.com", policy=Policy(audit=True), now=0.0, at=AT, randbelow=first, anchors=world.anchors
        )
        asked: list[Action] = []
        while not (asked and isinstance(asked[-1], ValidatePath)):
            for action in machine.next_actions(now=0.0):
                asked.append(action)
                if not isinstance(action, ValidatePath) and (event := world.perform(action)) is not None:
                    machine.receive(event, now=0.0)
        assert [type(action) for action in asked[-3:]] == [Connect, Close, ValidatePath]
        question = asked[-1]
        assert isinstance(question, ValidatePath)
        machine.receive(world.validate(question), now=0.0)
        assert machine.verdict is not None
        assert machine.verdict.code == "dane.no-match"
        assert "chain.also-pkix" in [step.code for step in machine.verdict.steps]
        assert machine.next_actions(now=0.0) == ()

    @pytest.mark.parametrize("match", [True, False])
    def test_an_audit_that_does_not_end_changes_nothing(self, match: bool) -> None:
        world = hosted(FOR_DOMAIN)
        world.tlsa(TLSA, pin(FOR_DOMAIN if match else FOR_OTHERS))
        machine = Outbound(
            "sips:example.com", policy=Policy(audit=True), now=0.0, at=AT, randbelow=first, anchors=world.anchors
        )
        stuck = False
        while not stuck:
            for action in machine.next_actions(now=0.0):
                if isinstance(action, ValidatePath):
                    stuck = True
                elif (event := world.perform(action)) is not None:
                    machine.receive(event, now=0.0)
        assert machine.verdict is None
        machine.advance(now=30.0)
        for action in machine.next_actions(now=30.0):
            world.perform(action)
        assert machine.verdict is not None
        assert machine.verdict.code == ("dane.match" if match else "dane.no-match")
        assert world.open == ([machine.verdict.connection] if match else [])


class TestReasons:
    @pytest.mark.parametrize("reason", ["tls.closed", "refused", "chain.expired", ""])
    def test_a_connection_fails_for_a_reason_of_the_catalogue_or_the_driver_is_wrong(self, reason: str) -> None:
        machine = Outbound("sips:192.0.2.1", now=0.0, at=AT, randbelow=first)
        (connect,) = machine.next_actions(now=0.0)
        assert isinstance(connect, Connect)
        with pytest.raises(LocalProtocolError, match="no code of the catalogue"):
            machine.receive(ConnectFailed(connect, reason), now=0.0)
        assert machine.outstanding == (connect,)

    @pytest.mark.parametrize("reason", ["net.refused", "chain.what", "chain.valid"])
    def test_a_path_is_rejected_for_a_reason_of_the_catalogue_or_the_driver_is_wrong(self, reason: str) -> None:
        world = hosted(FOR_DOMAIN, INSECURE)
        world.paths = lambda _question: reason
        with pytest.raises(LocalProtocolError, match="no code of the catalogue"):
            world.outbound("sips:example.com")


@pytest.mark.req("R3403-3-1", "D-SEC-11")
@pytest.mark.parametrize("now", ["fails", "is denied"])
def test_what_failed_before_a_run_started_again_still_counts_when_there_is_nothing_any_more(now: str) -> None:
    world = World()
    world.srv("_sips._tcp.example.com", (1, 0, 5061, "a.example.com"), (2, 0, 5061, "b.example.com"), ttl=5.0)
    world.address("a.example.com", "192.0.2.1")
    world.server("192.0.2.1", "net.reset")
    policy = Policy(limits=Limits(seconds=1_000.0), connect_timeout=500.0)
    machine = Outbound("sips:example.com", policy=policy, now=0.0, at=AT, randbelow=first)
    time = 0.0
    while machine.verdict is None:
        for action in machine.next_actions(now=time):
            if isinstance(action, Connect):
                # The first server takes so long that what led to the second one is too old, and then it is gone.
                time = 100.0
                world.said.clear()
                if now == "fails":
                    world.fail("_sips._tcp.example.com", "SRV")
            event = world.perform(action)
            assert event is not None
            machine.receive(event, now=time)
    verdict = machine.verdict
    assert (verdict.outcome, verdict.code) == (Outcome.UNDETERMINED, "net.reset")
    assert verdict.endpoint is not None
    told = [step.code for step in verdict.steps]
    assert "locate.restarted" in told
    assert ("locate.servfail" if now == "fails" else "locate.no-address") in told


def test_at_the_end_of_time_the_clock_stands_still() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    machine = Outbound("sip:192.0.2.1", now=0.0, at=last, randbelow=first)
    (connect,) = machine.next_actions(now=0.0)
    assert isinstance(connect, Connect)
    machine.receive(Presented(connect, FOR_DOMAIN.presented, TlsFacts("TLSv1.3", "", None, False)), now=5.0)
    (question,) = machine.next_actions(now=5.0)
    assert isinstance(question, ValidatePath)
    assert question.at == last
