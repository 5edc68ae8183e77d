"""The laws of every machine, for the one that judges clients: over worlds drawn at random, by a driver with caprices.

More examples: ``pytest tests/core/test_laws_of_clients.py --hypothesis-profile=thorough``.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from attacker import Move, attacked, moves
from clients import BOTH, Gate
from hostile import HostileWorld, Reply, hostile_replies
from peers import DOMAIN, EVIL, HOST, HOSTER, PEERS, Peer
from play import GENTLE, WILD, Player
from siptls import (
    Admission,
    CheckRevocation,
    ClientVerdict,
    Identity,
    Inbound,
    Limits,
    Lookup,
    Policy,
    TlsFacts,
    ValidatePath,
)
from siptls.dns import Tlsa
from world import AT, SECURE, World
from worlds import (
    ADDRESSES,
    NAMELESS_PIN,
    all_worlds,
    altered,
    limits,
    policies,
    seeds,
    sound_world,
    sound_worlds,
    swollen_worlds,
)

many = settings(max_examples=4 * settings().max_examples)

CLIENT_NAME = "_sip-client.example.com"


@dataclass(frozen=True)
class Caller:
    """Who is at the gate, and what the caller passes for it."""

    peer: Peer
    client_name: str | None = None
    claims: tuple[str, ...] = ()
    sent_by: str | None = None

    def machine(self, world: World, policy: Policy, chain: tuple[bytes, ...] | None = None) -> Inbound:
        """The machine; in this world the client has the records of some server, too."""
        pins = [record for (name, _), said in sorted(world.said.items()) for record in said.records if HOST in name]
        records = [Tlsa(CLIENT_NAME, p.usage, p.selector, p.matching, p.data) for p in pins if isinstance(p, Tlsa)]
        world.say(CLIENT_NAME, "TLSA", *records, security=SECURE)
        return Inbound(
            self.peer.chain if chain is None else chain,
            facts=TlsFacts("TLSv1.3"),
            client_name=self.client_name,
            claims=self.claims,
            sent_by=self.sent_by,
            anchors=world.anchors,
            policy=policy,
            now=0.0,
            at=AT,
        )

    def verdict(self, world: World, policy: Policy) -> ClientVerdict:
        machine = self.machine(world, policy)
        world.asked.clear()
        world.run(machine)
        assert machine.verdict is not None
        return machine.verdict


callers = st.builds(
    Caller,
    peer=st.sampled_from(PEERS),
    client_name=st.sampled_from((None, None, None, CLIENT_NAME, CLIENT_NAME, "", "nobody.example")),
    claims=st.sampled_from(((DOMAIN,), (), (DOMAIN, EVIL), (DOMAIN, HOST, "nobody.example"), (HOSTER, DOMAIN))),
    sent_by=st.sampled_from((None, HOST, f"{HOSTER}:5061", DOMAIN, "192.0.2.1")),
)


def read(verdict: ClientVerdict) -> None:
    """Read everything that a verdict can say."""
    assert json.loads(json.dumps(verdict.to_dict()))
    assert all(line.isascii() and line.isprintable() for line in verdict.explain().split("\n"))
    assert verdict.accepted is (verdict.admission is Admission.AUTHENTICATED)
    assert verdict.accepted or (verdict.identities, verdict.hosts) == ((), ())
    assert verdict.findings[0].code == verdict.code


def by_dnssec(verdict: ClientVerdict) -> set[Identity]:
    """What DNSSEC has proven."""
    ways = ("client-name", "server-records", "sent-by")
    return {each for each in (*verdict.identities, *verdict.hosts) if each.origin in ways}


def played(caller: Caller, world: World, policy: Policy, player: Player) -> ClientVerdict:
    machine = caller.machine(world, policy)
    player.play(machine)
    assert machine.verdict is not None
    assert player.open == []
    read(machine.verdict)
    return machine.verdict


class TestLaw1And2:
    """No input from the network makes the core raise. Every run ends, and an undecided machine awaits something."""

    @many
    @given(world=all_worlds(), caller=callers, policy=policies, seed=seeds, jumps=st.sampled_from(((), GENTLE, WILD)))
    def test_every_run_ends_in_whatever_order_answers_come_and_however_time_passes(
        self, world: World, caller: Caller, policy: Policy, seed: int, jumps: tuple[float, ...]
    ) -> None:
        played(caller, world, policy, Player(world, random.Random(seed), jumps=jumps))

    @given(world=all_worlds(), caller=callers, policy=policies, seed=seeds, share=st.floats(0, 1))
    def test_every_run_ends_in_time_when_answers_stay_away(
        self, world: World, caller: Caller, policy: Policy, seed: int, share: float
    ) -> None:
        rng = random.Random(seed)
        player = Player(world, rng, answers=lambda _action: rng.random() < share)
        played(caller, world, policy, player)
        assert player.now <= policy.limits.seconds

    @many
    @given(
        sound=sound_worlds(),
        replies=hostile_replies,
        caller=callers,
        policy=policies,
        seed=seeds,
        jumps=st.sampled_from(((), WILD)),
        chain=st.none() | st.lists(st.binary(max_size=40), max_size=2),
        name=st.none() | st.text(max_size=12),
        sent_by=st.none() | st.text(max_size=12),
    )
    def test_no_answer_and_nothing_that_a_client_sends_makes_the_core_raise(
        self,
        sound: World,
        replies: tuple[Reply, ...],
        caller: Caller,
        policy: Policy,
        seed: int,
        jumps: tuple[float, ...],
        chain: list[bytes] | None,
        name: str | None,
        sent_by: str | None,
    ) -> None:
        world = HostileWorld(sound, replies)
        given_names = Caller(caller.peer, name or caller.client_name, caller.claims, sent_by or caller.sent_by)
        machine = given_names.machine(world, policy, None if chain is None else tuple(chain))
        Player(world, random.Random(seed), jumps=jumps).play(machine)
        assert machine.verdict is not None
        read(machine.verdict)

    def test_these_worlds_get_far_enough_for_each_way(self) -> None:
        codes: set[str] = set()
        for seed in range(300):
            rng = random.Random(seed)
            caller = Caller(rng.choice(PEERS), rng.choice((None, CLIENT_NAME)), (DOMAIN,), HOST)
            codes |= {step.code for step in caller.verdict(sound_world(rng.randbytes(192)), Policy()).steps}
        assert {"inbound.client-name", "inbound.server-records", "inbound.sent-by", "inbound.identities"} <= codes
        assert {"inbound.held-back", "inbound.not-a-server", "inbound.no-proof", "dane.no-match"} <= codes
        assert {"inbound.client-name-mismatch", "inbound.client-name-unproven"} <= codes


class TestLaw3:
    """Where no deadline passes, arrival order never changes the outcome."""

    @many
    @given(world=all_worlds(), caller=callers, policy=policies, seed=seeds)
    def test_order_never_changes_who_a_client_is(self, world: World, caller: Caller, policy: Policy, seed: int) -> None:
        expected = caller.verdict(world, policy)
        for order in range(seed, seed + 3):
            verdict = played(caller, world, policy, Player(world, random.Random(order)))
            assert (verdict.outcome, verdict.method, verdict.code) == (
                expected.outcome,
                expected.method,
                expected.code,
            )
            assert (verdict.identities, verdict.hosts, verdict.expires) == (
                expected.identities,
                expected.hosts,
                expected.expires,
            )


class TestLaw4:
    """Asked once, answered once: the driver's mistakes are refused and leave the machine as it was."""

    @given(world=all_worlds(), caller=callers, policy=policies, seed=seeds, jumps=st.sampled_from(((), GENTLE, WILD)))
    def test_a_second_or_a_stray_answer_changes_nothing(
        self, world: World, caller: Caller, policy: Policy, seed: int, jumps: tuple[float, ...]
    ) -> None:
        seen: list[tuple[object, list[str]]] = []
        for provoke in (False, True):
            player = Player(world, random.Random(seed), jumps=jumps, provoke=provoke)
            verdict = played(caller, world, policy, player)
            seen.append((verdict.to_dict(), [repr(action) for action in player.issued]))
        assert seen[0] == seen[1]


class TestLaw5:
    """What an attacker may do proves nobody; and what is proven for a client a connection would prove as well."""

    @many
    @given(world=all_worlds(), caller=callers, policy=policies, chosen=moves)
    def test_dropping_answers_proves_nothing_new(
        self, world: World, caller: Caller, policy: Policy, chosen: list[Move]
    ) -> None:
        before = by_dnssec(caller.verdict(world, policy))
        after = caller.verdict(attacked(world, chosen, lies=False), policy)
        event(f"{len(before)} proven before, {len(by_dnssec(after))} after")
        assert {each for each in by_dnssec(after) if each in after.identities} <= before
        assert before or not by_dnssec(after)

    @many
    @given(world=all_worlds(), caller=callers, policy=policies)
    def test_a_client_that_is_a_server_of_a_domain_would_be_accepted_when_it_is_connected_to(
        self, world: World, caller: Caller, policy: Policy
    ) -> None:
        """The other direction is an independent way to the same rows of D-STATE."""
        policy = policy.replace(eku="lax-client")  # for the role of a server this is the usual policy
        proven = [each for each in caller.verdict(world, policy).identities if each.origin == "server-records"]
        event(f"{len(proven)} proven")
        everywhere = altered(world)
        for address in {*everywhere.servers, *[a for addresses in ADDRESSES.values() for a in addresses]}:
            everywhere.servers[address] = caller.peer.chain
        for identity in proven:
            verdict = everywhere.outbound(f"sips:{identity.domain}", policy)
            assert verdict.accepted
            assert verdict.method in ("dane-ee", "dane-ta", "pkix-ee", "pkix-ta", "pkix")

    @many
    @given(world=all_worlds(), caller=callers, policy=policies)
    def test_what_the_certificate_proves_is_never_more_than_without_lookups(
        self, world: World, caller: Caller, policy: Policy
    ) -> None:
        alone = Caller(caller.peer).verdict(world, policy)
        verdict = caller.verdict(world, policy)
        named = {each for each in verdict.identities if each not in by_dnssec(verdict)}
        assert named <= set(alone.identities)
        assert (
            named
            <= {Identity(name, "uri") for name in caller.peer.identities}
            | {Identity(name, "dns") for name in caller.peer.identities}
            or policy.allow_cn
        )


class TestLaw6:
    """Work is bounded by the limits, whatever the DNS or a client sends."""

    def check(self, player: Player, caller: Caller, policy: Policy) -> None:
        """Count what was done."""
        bounds, issued = policy.limits, player.issued
        assert {type(action) for action in issued} <= {Lookup, ValidatePath, CheckRevocation}
        lookups = [action for action in issued if isinstance(action, Lookup)]
        assert len(lookups) <= bounds.lookups
        places = len(caller.claims) * bounds.inbound_targets + 1
        assert len({action.name for action in lookups if action.rrtype in ("A", "AAAA")}) <= places
        paths = [action for action in issued if isinstance(action, ValidatePath)]
        assert len(paths) <= (places + 2) * (bounds.paths + 3)
        assert player.now <= bounds.seconds

    @many
    @given(world=all_worlds(), caller=callers, policy=policies, seed=seeds, bounds=limits, most=st.integers(1, 3))
    def test_small_limits_are_kept(
        self, world: World, caller: Caller, policy: Policy, seed: int, bounds: Limits, most: int
    ) -> None:
        policy = policy.replace(limits=bounds.replace(inbound_targets=most))
        player = Player(world, random.Random(seed))
        played(caller, world, policy, player)
        self.check(player, caller, policy)

    @settings(max_examples=settings().max_examples // 4)  # these take longer
    @given(world=swollen_worlds(), caller=callers, policy=policies, seed=seeds)
    def test_the_default_limits_are_kept_in_swollen_worlds(
        self, world: World, caller: Caller, policy: Policy, seed: int
    ) -> None:
        player = Player(world, random.Random(seed))
        verdict = played(caller, world, policy, player)
        self.check(player, caller, policy)
        assert len(verdict.steps) <= 12 * len(player.issued) + 60 * (len(caller.claims) + 2)

    @pytest.mark.parametrize("servers", [10, 2_000])
    def test_a_server_that_is_named_is_found_among_very_many(self, servers: int) -> None:
        world = World()
        world.srv(
            "_sips._tcp.example.com",
            *[(n, 0, 5061, f"s{n}.example") for n in range(servers - 1)],
            (9999, 0, 5061, HOST),
        )
        world.address(HOST, "192.0.2.1")
        world.tlsa(f"_5061._tcp.{HOST}", NAMELESS_PIN)
        caller = Caller(PEERS[0], claims=(DOMAIN,))
        verdict = caller.verdict(world, Policy())
        assert "dane.no-match" in [step.code for step in verdict.steps]
        assert [name for name, rrtype in world.questions() if rrtype == "TLSA"] == [f"_5061._tcp.{HOST}"]


@pytest.mark.parametrize("count", [65, 400, 2_000])
def test_more_claims_than_may_be_looked_up_end_without_depth(count: int) -> None:
    gate = Gate([BOTH], claims=[f"c{number}.example" for number in range(count)])
    assert "limit.dns" in [step.code for step in gate.verdict().steps]
    assert len(gate.world.questions()) <= Policy().limits.lookups


def test_many_questions_that_time_out_at_once_end_without_depth() -> None:
    policy = Policy(limits=Limits(lookups=5_000))
    machine = Gate([BOTH], claims=[f"c{number}.example" for number in range(1_000)], policy=policy).machine()
    assert len(machine.next_actions(now=0.0)) == 1_001
    machine.advance(now=10.0)
    machine.advance(now=31.0)
    assert machine.verdict is not None
