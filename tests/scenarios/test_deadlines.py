"""Deadlines in virtual time: half a minute passes at once, and every finding has its exact second."""

from __future__ import annotations

import time
from typing import Any, cast

import anyio
import pytest

import siptls_io.blocking
from loops import EventLoop
from scenarios.scripts import BOTH_FAMILIES, DOMAIN, ONE, STRANGER, V4, V6, scenario
from scenarios.virtual import on_every_virtual_loop
from scenarios.worlds import NEVER, Played, PlayedInThreads, Scenario, simulated, summary
from siptls import Action, Limits, Outbound, Policy, Verdict

TIMED: tuple[tuple[Scenario, dict[str, float]], ...] = (
    (
        scenario(
            "a lookup has 10 seconds",
            ONE,
            DOMAIN,
            "UNDETERMINED none locate.timeout -",
            delays={"_sips._tcp.example.com SRV": NEVER, "example.com NAPTR": 9.5},
            seconds=19.5,
        ),
        {"locate.naptr": 9.5, "locate.timeout": 19.5},
    ),
    (
        scenario(
            "each connection has 10 seconds",
            BOTH_FAMILIES,
            DOMAIN,
            f"UNDETERMINED none net.timeout {V6}",
            delays={V6: NEVER, V4: NEVER, "sip1.example.com A": 1, "sip1.example.com AAAA": 2},
            seconds=22,
        ),
        {"locate.address": 2, "net.timeout": 22},
    ),
    (
        scenario(
            "a path validation has 10 seconds",
            ONE,
            DOMAIN,
            f"UNDETERMINED none chain.timeout {V4}",
            delays={"path": NEVER, V4: 1},
            seconds=11,
        ),
        {"tls.presented": 1, "chain.timeout": 11},
    ),
    (
        scenario(
            "all together have 30 seconds",
            BOTH_FAMILIES,
            DOMAIN,
            f"UNDETERMINED none net.timeout {V6}",
            delays={"example.com NAPTR": 9, "_sips._tcp.example.com SRV": 9, V6: NEVER, V4: 9},
            seconds=30,
        ),
        {"locate.naptr": 9, "locate.srv": 18, "net.timeout": 28, "limit.seconds": 30},
    ),
    (
        scenario(
            "a run may be shorter than any of its parts",
            ONE,
            DOMAIN,
            f"UNDETERMINED none limit.seconds {V4}",
            delays={V4: NEVER},
            policy=Policy(limits=Limits(seconds=3)),
            seconds=3,
        ),
        {"limit.seconds": 3},
    ),
    (
        scenario(
            "a second attempt starts after its delay",
            BOTH_FAMILIES,
            DOMAIN,
            f"ACCEPTED pkix id.match {V4}",
            delays={V6: NEVER, V4: 1},
            policy=Policy(attempt_delay=0.25),
            seconds=1.25,
        ),
        {"tls.presented": 1.25},
    ),
    (
        scenario(
            "no second attempt starts while the first one is judged",
            BOTH_FAMILIES,
            STRANGER,
            f"REJECTED none id.mismatch {V6}",
            delays={V6: 0.125, V4: 1, "path": 2},
            policy=Policy(attempt_delay=0.25),
            seconds=5.125,
        ),
        {"tls.presented": 3.125, "id.mismatch": 5.125},
    ),
    (
        scenario(
            "what comes with its deadline comes too late",
            BOTH_FAMILIES,
            {f"[{V6}]:5061": STRANGER, f"{V4}:5061": DOMAIN},
            f"ACCEPTED pkix id.match {V4}",
            delays={V6: 10, V4: 4},
            seconds=14,
        ),
        {"net.timeout": 10, "tls.presented": 14},
    ),
    (
        scenario(
            "two deadlines at once",
            BOTH_FAMILIES,
            DOMAIN,
            f"UNDETERMINED none net.timeout {V6}",
            delays={V6: NEVER, V4: NEVER},
            policy=Policy(attempt_delay=5, connect_timeout=5),
            seconds=10,
        ),
        {"net.timeout": 10},
    ),
)


@on_every_virtual_loop
@pytest.mark.parametrize(("scenario", "seconds"), TIMED, ids=[str(scenario) for scenario, _ in TIMED])
def test_everything_has_its_exact_second(loop: EventLoop, scenario: Scenario, seconds: dict[str, float]) -> None:
    assert simulated(scenario)[2] == scenario.seconds
    performer = Played(scenario)
    verdict, ended = driven(loop, scenario, performer)
    assert summary(verdict) == scenario.expected
    assert ended == scenario.seconds
    last = {step.code: step.seconds for step in verdict.steps}
    assert {code: last[code] for code in seconds} == seconds
    assert performer.script.left_open() == {verdict.connection} - {None}


def driven(loop: EventLoop, scenario: Scenario, performer: Played, *, late: float = 0.0) -> tuple[Verdict, float]:
    """The verdict, and when there was one, on a clock that starts at zero; ``late`` is how old the machine is."""

    async def main() -> tuple[Verdict, float]:
        verdict: Verdict = await loop.module.drive(scenario.machine(anyio.current_time() - late), performer)
        return verdict, anyio.current_time()

    result: tuple[Verdict, float] = loop.run(main)
    return result


@on_every_virtual_loop
@pytest.mark.parametrize("late", [30.0, 100.0])
def test_a_machine_whose_time_is_over_asks_nothing_and_takes_no_time(loop: EventLoop, late: float) -> None:
    world = scenario("over", ONE, DOMAIN, "UNDETERMINED none limit.seconds -", delays={"example.com NAPTR": NEVER})
    performer = Played(world)
    verdict, ended = driven(loop, world, performer, late=late)
    assert summary(verdict) == world.expected
    assert ended == 0.0
    assert performer.script.cancelled == []


@on_every_virtual_loop
def test_a_lookup_that_is_overdue_before_it_is_asked_is_a_time_out(loop: EventLoop) -> None:
    world = scenario("overdue", ONE, DOMAIN, "UNDETERMINED none locate.timeout -", delays={"example.com NAPTR": NEVER})
    performer = Played(world)
    verdict, ended = driven(loop, world, performer, late=10.0)
    assert summary(verdict) == world.expected
    assert ended == 0.0
    assert performer.script.cancelled == []


@on_every_virtual_loop
def test_a_machine_that_has_its_result_already_is_not_driven(loop: EventLoop) -> None:
    world = scenario("a URI that wants UDP", ONE, DOMAIN, "", uri="sip:alice@example.com;transport=udp")
    performer = Played(world)
    verdict, ended = driven(loop, world, performer)
    assert verdict.code == "locate.no-service.unproven"
    assert ended == 0.0


class Hurried:
    """A machine whose time is over, as it finds out, as soon as it has asked something."""

    def __init__(self, machine: Outbound) -> None:
        self._machine = machine

    def next_actions(self, *, now: float) -> tuple[Action, ...]:
        return self._machine.next_actions(now=now + 100 if self._machine.outstanding else now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._machine, name)


OVER = scenario(
    "over", ONE, DOMAIN, "UNDETERMINED none limit.seconds -", delays={"sip1.example.com A": NEVER}, seconds=0
)


@on_every_virtual_loop
def test_time_that_is_over_when_actions_are_asked_for_ends_what_runs(loop: EventLoop) -> None:
    performer = Played(OVER)

    async def main() -> tuple[Verdict, float]:
        verdict: Verdict = await loop.module.drive(Hurried(OVER.machine(anyio.current_time())), performer)
        return verdict, anyio.current_time()

    verdict, ended = loop.run(main)
    assert summary(verdict) == OVER.expected
    assert ended == 0.0
    assert performer.script.cancelled == ["sip1.example.com A"]


def test_in_threads_too() -> None:
    performer = PlayedInThreads(OVER)
    verdict = siptls_io.blocking.drive(cast("Outbound", Hurried(OVER.machine(time.monotonic()))), performer)
    assert summary(verdict) == OVER.expected
    assert performer.script.cancelled == ["sip1.example.com A"]
