"""Worlds made by chance, full of things that happen at the same time: every driver does what the ideal one does."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from loops import EventLoop
from scenarios.scripts import BOTH_FAMILIES, DOMAIN, HOST, STRANGER, TLSA2, scenario, sha256
from scenarios.virtual import on_every_virtual_loop
from scenarios.worlds import NEVER, Played, Scenario, report, simulated
from siptls import Limits, Policy

ZONE = f"""{BOTH_FAMILIES}
sip1        A 192.0.2.9
_sips._tcp  SRV 20 0 5061 sip2
sip2        A 192.0.2.2
sip2        AAAA 2001:db8::2
{TLSA2}     {sha256(3, 1, STRANGER)}
"""
WORLD = scenario("made by chance", ZONE, {}, "")
SERVERS = ("[2001:db8::1]:5061", "192.0.2.1:5061", "192.0.2.9:5061", "192.0.2.2:5061", "[2001:db8::2]:5061")
SLOW = (
    *("2001:db8::1", "192.0.2.1", "192.0.2.9", "192.0.2.2", "2001:db8::2", "path"),
    *("example.com NAPTR", "_sips._tcp.example.com SRV"),
    *("sip1.example.com A", "sip1.example.com AAAA", "sip2.example.com A", "sip2.example.com AAAA"),
)
DELAYS = (0.5, 1.0, 1.5, 2.0, 3.0, 10.0, NEVER)
"""They are made to coincide: with each other, and with the deadlines."""


def made_by_chance(seed: int) -> Scenario:
    chance = random.Random(seed)
    policy = Policy(
        attempt_delay=chance.choice([0.5, 1.0, float("inf")]),
        connect_timeout=chance.choice([1.0, 2.0, 10.0]),
        lookup_timeout=chance.choice([1.0, 2.0, 10.0]),
        path_timeout=chance.choice([1.0, 3.0]),
        prefetch=chance.choice([0, 1]),
        audit=chance.choice([False, True]),
        limits=Limits(seconds=chance.choice([3.0, 5.0, 30.0])),
    )
    leaves = {where: chance.choice([DOMAIN, STRANGER, HOST, None]) for where in SERVERS}
    return replace(
        WORLD,
        chains={where: leaf.presented for where, leaf in leaves.items() if leaf is not None},
        delays={what: chance.choice(DELAYS) for what in SLOW if chance.random() < 0.4},
        dnssec=chance.choice(["secure", "insecure"]),
        policy=policy,
    )


@on_every_virtual_loop
@pytest.mark.parametrize("first", range(0, 60, 20))
def test_whatever_happens_at_once_is_reported_alike(loop: EventLoop, first: int) -> None:
    for seed in range(first, first + 20):
        world = made_by_chance(seed)
        performer = Played(world)
        verdict = loop.drive(world.machine, performer)
        assert report(verdict, times=True) == report(simulated(world)[0], times=True), seed
        assert performer.script.left_open() == {verdict.connection} - {None}


def test_chance_makes_worlds_of_every_outcome() -> None:
    """Otherwise the test above would compare less than it seems to."""
    verdicts = [simulated(made_by_chance(seed))[0] for seed in range(60)]
    assert {verdict.outcome.name for verdict in verdicts} >= {"ACCEPTED", "REJECTED", "UNDETERMINED"}
    assert len({verdict.code for verdict in verdicts}) >= 6
    assert len({verdict.method for verdict in verdicts}) >= 3
