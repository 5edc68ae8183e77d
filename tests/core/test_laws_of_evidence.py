"""The fifth law: an attacker gets nobody accepted, and every ACCEPTED verdict needs all of its evidence.

More examples: ``pytest tests/core/test_laws_of_evidence.py --hypothesis-profile=thorough``.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from attacker import Move, attacked, moves, weakened
from peers import DOMAIN, HOST, HOSTER, NAMELESS
from play import GENTLE, WILD, Player, judged_at, outbound
from siptls import (
    Close,
    Connect,
    ConnectFailed,
    Delegation,
    Failure,
    Limits,
    Lookup,
    Outcome,
    Policy,
    SipUri,
    Verdict,
)
from vouch import SecureTrail, named_and_validated
from world import SECURE, Said, World
from worlds import NAMELESS_PIN, OWN_SRV, all_worlds, altered, heard_in, policies, seeds, sound_worlds, uris, worlds

many = settings(max_examples=4 * settings().max_examples)


class TestLaw5a:
    """An attacker who can drop, delay and alter what is not signed gets nobody accepted."""

    @many
    @given(world=worlds(), uri=uris, policy=policies, chosen=moves)
    def test_dropping_answers_and_connections_gets_nobody_accepted(
        self, world: World, uri: str, policy: Policy, chosen: list[Move]
    ) -> None:
        assume(not world.outbound(uri, policy).accepted)
        worse = attacked(world, chosen, lies=False)
        verdict = worse.outbound(uri, policy)
        assert not verdict.accepted or named_and_validated(worse, verdict)

    @many
    @given(world=worlds(), uri=uris, policy=policies, seed=seeds)
    def test_delaying_answers_and_connections_gets_nobody_accepted(
        self, world: World, uri: str, policy: Policy, seed: int
    ) -> None:
        assume(not world.outbound(uri, policy).accepted)
        machine = outbound(world, uri, policy)
        Player(world, random.Random(seed), jumps=WILD).play(machine)
        verdict = machine.verdict
        assert verdict is not None
        assert not verdict.accepted or named_and_validated(world, verdict)

    @many
    @given(world=all_worlds(), uri=uris, policy=policies, chosen=moves)
    def test_lies_get_nobody_accepted_for_whom_the_signed_answers_do_not_speak(
        self, world: World, uri: str, policy: Policy, chosen: list[Move]
    ) -> None:
        """What the attacker may reach is an honest server that the domain's own SECURE answers vouch for."""
        worse = attacked(world, chosen, lies=True)
        for judged in (world, worse):
            verdict = judged.outbound(uri, policy)
            event(f"{verdict.outcome.name} {verdict.method}")
            if verdict.accepted and not named_and_validated(judged, verdict):
                assert SecureTrail(world, SipUri.parse(uri), policy).vouches_for(verdict)

    @many
    @given(world=all_worlds(), uri=uris, policy=policies, chosen=moves)
    def test_lies_before_a_run_starts_again_get_nobody_accepted_either(
        self, world: World, uri: str, policy: Policy, chosen: list[Move]
    ) -> None:
        """The first connection hangs until all records have expired, and then the attacker answers."""
        before = altered(world)
        for question, said in before.said.items():
            before.said[question] = replace(said, ttl=5.0)
        after = attacked(before, chosen, lies=True)
        policy = policy.replace(limits=Limits(seconds=1_000.0), connect_timeout=500.0, attempt_delay=math.inf)
        machine = outbound(before, uri, policy)
        now, here = 0.0, before
        while machine.verdict is None:
            for action in machine.next_actions(now=now):
                if isinstance(action, Connect) and here is before:
                    now, here = 100.0, after
                    machine.receive(ConnectFailed(action, "net.reset"), now=now)
                elif not isinstance(action, Close):
                    machine.receive(here.reply(action), now=now)
        verdict = machine.verdict
        event(f"{verdict.outcome.name}, {'restarted' if 'locate.restarted' in str(verdict.steps) else 'one run'}")
        if verdict.accepted and not named_and_validated(after, verdict):
            assert SecureTrail(before, SipUri.parse(uri), policy).vouches_for(verdict)


class Evidence:
    """The lookups that an ACCEPTED verdict stands on, read from what was asked on the way to it."""

    def __init__(self, world: World, verdict: Verdict) -> None:
        assert verdict.target is not None
        host, port = verdict.target.host, verdict.target.port
        asked = world.questions()
        bases = {host, *[alias.target for t in ("A", "AAAA") for alias in heard_in(world, host, t).aliases]}
        pins = [(f"_{port}._tcp.{base}", "TLSA") for base in sorted(bases)]
        self.naptr = [question for question in asked if question[1] == "NAPTR"]
        self.srv = [question for question in asked if question[1] == "SRV"]
        self.addresses = [question for question in asked if question[0] == host and question[1] in ("A", "AAAA")]
        self.alias = [question for question in asked if question == (host, "CNAME")]
        self.tlsa = [question for question in pins if question in asked]
        self.all_tlsa = pins

    def pieces(self) -> Iterator[list[tuple[str, str]]]:
        """Each lookup for itself; address families can stand in for each other, so they are one piece."""
        for question in (*self.naptr, *self.srv, *self.alias, *self.tlsa):
            yield [question]
        if self.addresses:
            yield self.addresses

    def needed_secure(self, world: World, verdict: Verdict) -> Iterator[list[tuple[str, str]]]:
        """What DNSSEC must protect for DANE. Only an empty NAPTR answer decides nothing (D-SEC-7)."""
        assert verdict.target is not None
        if "locate.naptr-chosen" in [step.code for step in verdict.steps]:
            yield self.naptr
        if verdict.target.delegation is Delegation.HOST:
            yield from [[question] for question in self.srv]
        else:
            yield [question for question in self.srv if heard_in(world, *question).records]
        yield [*self.addresses, (verdict.target.host, "CNAME")]
        yield self.all_tlsa


def accepted_alike(verdict: Verdict, again: Verdict) -> bool:
    """Whether another run accepts by the same method and target."""
    return again.accepted and (judged_at(again), again.method) == (judged_at(verdict), verdict.method)


class TestLaw5b:
    """Every ACCEPTED verdict lists its evidence; without any one piece of it, it is not ACCEPTED so any more."""

    @given(world=sound_worlds(), uri=uris, policy=policies)
    def test_the_evidence_is_listed(self, world: World, uri: str, policy: Policy) -> None:
        verdict = world.outbound(uri, policy)
        assume(verdict.accepted)
        found = [step.found for step in verdict.steps]
        for piece in Evidence(world, verdict).pieces():
            for name, rrtype in piece:
                assert [text for text in found if text.startswith(f"{name} {rrtype}")]
        codes = {step.code for step in verdict.steps}
        assert {"tls.presented", verdict.code} <= codes
        assert verdict.target is not None
        assert f"delegation.{verdict.target.delegation.value}" in codes
        if verdict.method != "dane-ee":
            assert "chain.valid" in codes
            assert codes & {"id.match", "id.match-target"}

    @given(world=sound_worlds(), uri=uris, policy=policies, failure=st.sampled_from((Failure.TIMEOUT, Failure.BOGUS)))
    def test_without_any_one_lookup_it_is_not_accepted_by_that_method_and_target(
        self, world: World, uri: str, policy: Policy, failure: Failure
    ) -> None:
        verdict = world.outbound(uri, policy)
        assume(verdict.accepted)
        for piece in Evidence(world, verdict).pieces():
            worse = altered(world)
            for question in piece:
                worse.said[question] = Said(failure=failure)
            assert not accepted_alike(verdict, worse.outbound(uri, policy))

    @given(world=sound_worlds(), uri=uris, policy=policies)
    def test_without_the_address_the_connection_or_the_path_it_is_not_accepted_at_that_endpoint(
        self, world: World, uri: str, policy: Policy
    ) -> None:
        verdict = world.outbound(uri, policy)
        assume(verdict.accepted)
        assert verdict.endpoint is not None
        host, address = verdict.endpoint.host, verdict.endpoint.address
        if host != address:
            unheard = altered(world)
            unheard.said[host, "AAAA" if ":" in address else "A"] = Said(failure=Failure.TIMEOUT)
            again = unheard.outbound(uri, policy)
            assert not again.accepted or again.endpoint != verdict.endpoint
        unreached = altered(world)
        unreached.server(address, "net.refused")
        again = unreached.outbound(uri, policy)
        assert not again.accepted or again.endpoint != verdict.endpoint
        if verdict.method != "dane-ee":
            unproven = altered(world)
            unproven.paths = lambda _question: "chain.unknown-ca"
            again = unproven.outbound(uri, policy)
            assert not again.accepted or again.method == "dane-ee"

    @given(world=sound_worlds(), uri=uris, policy=policies)
    def test_dane_needs_every_answer_on_its_way_to_be_secure(self, world: World, uri: str, policy: Policy) -> None:
        verdict = world.outbound(uri, policy)
        assume(verdict.accepted and verdict.method != "pkix")
        for piece in Evidence(world, verdict).needed_secure(world, verdict):
            weaker = altered(world)
            for question in piece:
                weaker.said[question] = weakened(heard_in(world, *question))
            again = weaker.outbound(uri, policy)
            assert not again.accepted or again.method == "pkix" or judged_at(again) != judged_at(verdict)

    @given(world=sound_worlds(), uri=uris, policy=policies, failure=st.sampled_from(Failure))
    def test_a_failed_lookup_is_never_taken_for_no_record(
        self, world: World, uri: str, policy: Policy, failure: Failure
    ) -> None:
        """Not even where it costs a peer who would be accepted by other means."""
        verdict = world.outbound(uri, policy)
        assume(verdict.accepted)
        evidence = Evidence(world, verdict)
        for question in (*evidence.naptr, *evidence.srv, *evidence.tlsa, *evidence.alias):
            worse = altered(world)
            worse.said[question] = Said(failure=failure)
            again = worse.outbound(uri, policy)
            if question[1] in ("NAPTR", "SRV"):
                assert again.outcome is Outcome.UNDETERMINED
            else:
                assert not again.accepted or judged_at(again) != judged_at(verdict)

    @many
    @given(world=all_worlds(), uri=uris, policy=policies, failure=st.sampled_from(Failure))
    def test_under_secure_srv_a_failed_address_family_is_made_up_only_by_a_secure_one(
        self, world: World, uri: str, policy: Policy, failure: Failure
    ) -> None:
        for host in (HOST, HOSTER, DOMAIN):
            for family, other in (("A", "AAAA"), ("AAAA", "A")):
                worse = altered(world)
                worse.said[host, family] = Said(failure=failure)
                verdict = worse.outbound(uri, policy)
                if verdict.accepted and verdict.target is not None and verdict.target.host == host:
                    asked = (host, family) in worse.questions()
                    secure = heard_in(worse, host, other).security is SECURE
                    assert not asked or secure or verdict.target.delegation is not Delegation.SRV

    @given(world=sound_worlds(), uri=uris, policy=policies, seed=seeds)
    def test_no_verdict_outlives_its_evidence(self, world: World, uri: str, policy: Policy, seed: int) -> None:
        machine = outbound(world, uri, policy)
        player = Player(world, random.Random(seed), jumps=GENTLE)
        player.play(machine)
        verdict = machine.verdict
        assert verdict is not None
        assume(verdict.accepted)
        world.asked = list(player.issued)
        evidence = [question for piece in Evidence(world, verdict).pieces() for question in piece]
        for question, heard in player.heard_at.items():
            in_time = heard < player.asked_at[question] + policy.lookup_timeout
            if isinstance(question, Lookup) and tuple(question) in evidence and in_time:
                assert verdict.expires <= heard + heard_in(world, *question).ttl

    def test_an_answer_ages_from_when_it_came_also_where_a_later_target_shares_it(self) -> None:
        world = World()
        world.srv(OWN_SRV, (1, 0, 5061, HOST), (2, 0, 5062, HOST))
        world.address(HOST, "192.0.2.11", ttl=25.0)
        world.tlsa(f"_5061._tcp.{HOST}", "3 1 1 " + "00" * 32)
        world.tlsa(f"_5062._tcp.{HOST}", NAMELESS_PIN)
        world.server("192.0.2.11", NAMELESS.chain)
        machine = outbound(world, "sips:example.com", Policy())
        now = 0.0
        while machine.verdict is None:
            for action in machine.next_actions(now=now):
                if isinstance(action, Connect):
                    now += 9.0
                answered = world.perform(action)
                if answered is not None:
                    machine.receive(answered, now=now)
        assert now == 18.0
        assert (machine.verdict.method, machine.verdict.expires) == ("dane-ee", 25.0)

    @many
    @given(world=all_worlds(), uri=uris, policy=policies)
    def test_an_absence_is_called_proven_only_when_every_answer_was_secure(
        self, world: World, uri: str, policy: Policy
    ) -> None:
        # What an audit asks besides is no evidence for the result.
        for run, wanted in ((world.outbound, policy), (world.locate, policy.replace(audit=False))):
            result = run(uri, wanted)
            if result.code == "locate.no-service":
                assert all(heard_in(world, *question).security is SECURE for question in world.questions())

    @given(world=sound_worlds(), uri=uris, policy=policies)
    def test_an_audit_never_changes_what_is_decided(self, world: World, uri: str, policy: Policy) -> None:
        plain, audited = [world.outbound(uri, policy.replace(audit=audit)) for audit in (False, True)]
        assert (plain.outcome, plain.method, plain.code) == (audited.outcome, audited.method, audited.code)
        assert (plain.endpoint, plain.identities, plain.leaf) == (audited.endpoint, audited.identities, audited.leaf)
        assert {step.code for step in plain.steps} <= {step.code for step in audited.steps}
