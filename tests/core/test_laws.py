"""The laws that every machine keeps, each over worlds drawn at random; `test_laws_of_evidence` has the fifth.

`worlds` has the worlds, `play` the driver that goes through them.

More examples: ``pytest tests/core/test_laws.py --hypothesis-profile=thorough``.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostile import HostileWorld, Reply, hostile_replies
from peers import FOR_MAIL, HOST, ROOT, ideal_path
from play import GENTLE, WILD, Player, judged_at, locate, outbound
from siptls import Anchors, Close, Connect, Limits, Lookup, Machine, Policy, Route, ValidatePath, Verdict
from world import World
from worlds import (
    ADDRESSES,
    AUTHORITY_PINS,
    OWN_SRV,
    all_worlds,
    limits,
    policies,
    seeds,
    sound_world,
    sound_worlds,
    swollen_worlds,
    uris,
)

Begin = Callable[[World, str, Policy], Machine[Verdict] | Machine[Route]]
many = settings(max_examples=4 * settings().max_examples)
machines = pytest.mark.parametrize("begin", [outbound, locate])


def read(result: Verdict | Route) -> None:
    """Read everything that a result can say."""
    assert json.loads(json.dumps(result.to_dict()))
    steps = result.steps if isinstance(result, Verdict) else result.findings
    lines = [str(step) for step in steps]
    if isinstance(result, Verdict):
        first_line, *rest = result.explain().split("\n")
        assert rest == lines
        lines.append(first_line)
    assert all(line.isascii() and line.isprintable() for line in lines)


class TestLaw1And2:
    """No input from the network makes the core raise. Every run ends, and an undecided machine awaits something."""

    @machines
    @given(world=all_worlds(), uri=uris, policy=policies, seed=seeds)
    def test_every_run_ends_in_whatever_order_answers_come(
        self, begin: Begin, world: World, uri: str, policy: Policy, seed: int
    ) -> None:
        machine = begin(world, uri, policy)
        Player(world, random.Random(seed)).play(machine)
        assert machine.result is not None
        read(machine.result)

    @machines
    @many
    @given(world=all_worlds(), uri=uris, policy=policies, seed=seeds, delay=st.sampled_from((0.01, 0.25, 3.0, 12.0)))
    def test_every_run_ends_however_time_passes(
        self, begin: Begin, world: World, uri: str, policy: Policy, seed: int, delay: float
    ) -> None:
        machine = begin(world, uri, policy.replace(attempt_delay=delay))
        Player(world, random.Random(seed), jumps=WILD).play(machine)
        assert machine.result is not None
        read(machine.result)

    @machines
    @given(world=all_worlds(), uri=uris, policy=policies, seed=seeds, share=st.floats(0, 1))
    def test_every_run_ends_in_time_when_answers_stay_away(
        self, begin: Begin, world: World, uri: str, policy: Policy, seed: int, share: float
    ) -> None:
        rng = random.Random(seed)
        machine = begin(world, uri, policy)
        player = Player(world, rng, answers=lambda _action: rng.random() < share)
        player.play(machine)
        assert player.now <= policy.limits.seconds

    @machines
    @many
    @given(
        sound=sound_worlds(),
        replies=hostile_replies,
        uri=uris,
        policy=policies,
        seed=seeds,
        jumps=st.sampled_from(((), WILD)),
    )
    def test_no_reply_of_dns_or_peer_makes_the_core_raise(
        self,
        begin: Begin,
        sound: World,
        replies: tuple[Reply, ...],
        uri: str,
        policy: Policy,
        seed: int,
        jumps: tuple[float, ...],
    ) -> None:
        world = HostileWorld(sound, replies)
        machine = begin(world, uri, policy)
        Player(world, random.Random(seed), jumps=jumps).play(machine)
        assert machine.result is not None
        read(machine.result)

    def test_hostile_worlds_get_far_enough_to_be_hostile(self) -> None:
        codes: set[str] = set()
        for seed in range(200):
            rng = random.Random(seed)
            replies = tuple([Reply(rng.randbytes(24), "x") for _ in range(rng.randrange(1, 12))])
            world = HostileWorld(sound_world(rng.randbytes(192)), replies)
            codes |= {step.code for step in world.outbound("sips:example.com", Policy()).steps}
        assert {"locate.foreign-record", "locate.malformed", "locate.bad-target", "dane.record-unusable"} <= codes
        assert {"tls.no-certificate", "cert.malformed", "dane.match", "chain.valid", "net.reset"} <= codes


class TestLaw3:
    """Where no deadline passes and connects are not staggered, arrival order never changes the outcome."""

    @given(world=all_worlds(), uri=uris, policy=policies, seed=seeds)
    def test_order_never_changes_the_outcome_of_reaching_a_domain(
        self, world: World, uri: str, policy: Policy, seed: int
    ) -> None:
        expected = world.outbound(uri, policy)
        for order in range(seed, seed + 3):
            machine = outbound(world, uri, policy)
            Player(world, random.Random(order)).play(machine)
            verdict = machine.result
            assert verdict is not None
            assert verdict.outcome is expected.outcome
            assert (judged_at(verdict), verdict.method) == (judged_at(expected), expected.method)

    @given(world=all_worlds(), uri=uris, policy=policies, seed=seeds)
    def test_order_never_changes_the_targets(self, world: World, uri: str, policy: Policy, seed: int) -> None:
        expected = world.locate(uri, policy)
        for order in range(seed, seed + 3):
            machine = locate(world, uri, policy)
            Player(world, random.Random(order)).play(machine)
            route = machine.result
            assert route is not None
            assert route.to_dict()["targets"] == expected.to_dict()["targets"]
            assert (route.outcome, route.complete, route.expires) == (
                expected.outcome,
                expected.complete,
                expected.expires,
            )


class TestLaw4:
    """Asked once, answered once: the driver's mistakes are refused and leave the machine as it was."""

    @machines
    @given(world=all_worlds(), uri=uris, policy=policies, seed=seeds, jumps=st.sampled_from(((), GENTLE, WILD)))
    def test_a_second_or_a_stray_answer_changes_nothing(
        self, begin: Begin, world: World, uri: str, policy: Policy, seed: int, jumps: tuple[float, ...]
    ) -> None:
        seen: list[tuple[object, list[str]]] = []
        for provoke in (False, True):
            machine = begin(world, uri, policy)
            player = Player(world, random.Random(seed), jumps=jumps, provoke=provoke)
            player.play(machine)  # asserts that every question is asked once
            assert machine.result is not None
            seen.append((machine.result.to_dict(), [repr(action) for action in player.issued]))
        assert seen[0] == seen[1]


class TestLaw6:
    """Work and memory are bounded by the limits, whatever the DNS or a peer sends."""

    def check(self, player: Player, policy: Policy) -> None:
        """Count what was done."""
        bounds, issued = policy.limits, player.issued
        lookups = [action for action in issued if isinstance(action, Lookup)]
        connects = [action for action in issued if isinstance(action, Connect)]
        paths = [action for action in issued if isinstance(action, ValidatePath)]
        closes = [action for action in issued if isinstance(action, Close)]
        assert len(lookups) <= bounds.lookups
        hosts = {action.name for action in lookups if action.rrtype in ("A", "AAAA")}
        assert len(hosts) <= bounds.targets + (policy.prefetch or 0)
        assert len(connects) <= bounds.attempts
        assert len({(c.endpoint.host, c.endpoint.port) for c in connects}) <= bounds.targets
        for host in hosts:
            assert len({c.endpoint.address for c in connects if c.endpoint.host == host}) <= bounds.addresses
        # DANE-TA, PKIX-EE and an audit need one path each; the limit is that of PKIX-TA.
        for path in paths:
            same = [p for p in paths if p.through and (p.leaf, p.pool, p.at) == (path.leaf, path.pool, path.at)]
            assert len(same) <= bounds.paths
        assert len(paths) <= len(connects) * (bounds.paths + 3)
        assert len(closes) <= len(connects)
        for path in paths:
            assert len(path.pool) < bounds.chain
            assert len(path.leaf) + sum(map(len, path.pool)) <= bounds.chain_octets
        assert player.now <= bounds.seconds

    @machines
    @many
    @given(
        world=all_worlds(), uri=uris, policy=policies, seed=seeds, bounds=limits, prefetch=st.none() | st.integers(0, 3)
    )
    def test_small_limits_are_kept(
        self, begin: Begin, world: World, uri: str, policy: Policy, seed: int, bounds: Limits, prefetch: int | None
    ) -> None:
        policy = policy.replace(limits=bounds, prefetch=prefetch)
        machine = begin(world, uri, policy)
        player = Player(world, random.Random(seed))
        player.play(machine)
        self.check(player, policy)
        assert machine.result is not None
        read(machine.result)

    @machines
    @settings(max_examples=settings().max_examples // 4)  # these take longer
    @given(world=swollen_worlds(), uri=uris, policy=policies, seed=seeds, share=st.sampled_from((1.0, 0.9, 0.0)))
    def test_the_default_limits_are_kept_in_swollen_worlds(
        self, begin: Begin, world: World, uri: str, policy: Policy, seed: int, share: float
    ) -> None:
        rng = random.Random(seed)
        machine = begin(world, uri, policy)
        player = Player(world, rng, answers=lambda _action: rng.random() < share)
        player.play(machine)
        self.check(player, policy)
        result = machine.result
        assert result is not None
        steps = result.steps if isinstance(result, Verdict) else result.findings
        assert len(steps) <= 12 * len(player.issued) + policy.limits.targets * policy.limits.records + 40
        assert sum(len(step.found) + len(step.expected) for step in steps) <= 2_000 * len(steps)

    @pytest.mark.parametrize("paths", [1, 2, 3])
    def test_no_more_candidates_of_pkix_ta_are_tried_than_the_limit_says(self, paths: int) -> None:
        world = World(paths=ideal_path, anchors=Anchors((ROOT.der,)))
        world.srv(OWN_SRV, (0, 0, 5061, HOST))
        world.address(HOST, *ADDRESSES[HOST])
        world.tlsa(f"_5061._tcp.{HOST}", *AUTHORITY_PINS)
        for address in ADDRESSES[HOST]:
            world.server(address, FOR_MAIL.chain)
        policy = Policy(limits=Limits(paths=paths))
        machine = outbound(world, "sips:example.com", policy)
        player = Player(world, random.Random(0))
        player.play(machine)
        self.check(player, policy)
        tried = {action.through for action in player.issued if isinstance(action, ValidatePath)}
        assert len(tried - {None}) == min(paths, 2)


class TestLaw7:
    """When machine and driver are done, exactly the connection of an ACCEPTED verdict is open."""

    @many
    @given(
        world=all_worlds(),
        uri=uris,
        policy=policies,
        seed=seeds,
        delay=st.sampled_from((0.01, 0.3, 2.0, math.inf)),
        jumps=st.sampled_from(((), GENTLE, WILD)),
    )
    def test_only_the_accepted_connection_is_open_at_the_end(
        self, world: World, uri: str, policy: Policy, seed: int, delay: float, jumps: tuple[float, ...]
    ) -> None:
        rng = random.Random(seed)
        machine = outbound(world, uri, policy.replace(attempt_delay=delay))
        player = Player(world, rng, jumps=jumps, answers=lambda action: type(action) is Lookup or rng.random() < 0.8)
        player.play(machine)
        verdict = machine.verdict
        assert verdict is not None
        assert (verdict.connection is not None) is verdict.accepted
        assert player.open == ([verdict.connection] if verdict.accepted else [])
        read(verdict)
