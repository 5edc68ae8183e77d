"""A drive that is cancelled, at whatever moment, leaves nothing behind: no task, no connection, no exception group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from loops import EVENT_LOOPS, EventLoop
from scenarios.moments import WAYS, Moments
from scenarios.scripts import BOTH_FAMILIES, DOMAIN, STRANGER, TWO, V4, V6, scenario
from scenarios.virtual import on_every_virtual_loop
from scenarios.worlds import NEVER, Played, Scenario
from siptls import Policy
from siptls.dns import Lookup
from siptls.events import Connect, ConnectEvent, LookupEvent, PathEvent, ValidatePath
from siptls.verdict import Verdict

on_every_way = pytest.mark.parametrize("way", WAYS)

RUNS = (
    scenario("accepted", BOTH_FAMILIES, DOMAIN, f"ACCEPTED pkix id.match {V6}"),
    scenario(
        "a stranger, then accepted", TWO, {f"{V4}:5061": STRANGER, "*": DOMAIN}, "ACCEPTED pkix id.match 192.0.2.2"
    ),
    scenario("strangers", BOTH_FAMILIES, STRANGER, f"REJECTED none id.mismatch {V6}"),
    scenario(
        "a time-out, then accepted",
        BOTH_FAMILIES,
        DOMAIN,
        f"ACCEPTED pkix id.match {V4}",
        delays={V6: NEVER},
        policy=Policy(connect_timeout=1),
    ),
    scenario(
        "staggered, the second one is accepted, the first one presented",
        BOTH_FAMILIES,
        DOMAIN,
        f"ACCEPTED pkix id.match {V4}",
        delays={V6: 2, V4: 1, "path": 2},
        policy=Policy(attempt_delay=1),
    ),
    scenario(
        "staggered, the first one answers too late",
        BOTH_FAMILIES,
        DOMAIN,
        f"ACCEPTED pkix id.match {V4}",
        delays={V6: 2, V4: 0.5},
        policy=Policy(attempt_delay=1),
    ),
)


class Slow(Played):
    """Takes some steps for everything, the closing too; what it is cancelled in is done all the same, or not at all."""

    async def lookup(self, action: Lookup, /) -> LookupEvent:
        await anyio.lowlevel.checkpoint()
        return await super().lookup(action)

    async def connect(self, action: Connect, /) -> ConnectEvent:
        await anyio.lowlevel.checkpoint()
        await anyio.sleep(0.25)
        return await super().connect(action)

    async def validate(self, action: ValidatePath, /) -> PathEvent:
        await anyio.lowlevel.checkpoint()
        return await super().validate(action)

    async def close(self, connect: Connect, /) -> None:
        try:
            await anyio.lowlevel.checkpoint()
            await anyio.sleep(0.25)
        finally:
            await super().close(connect)


def attempted(played: Slow, name: str) -> Callable[[], Coroutine[Any, Any, Verdict]]:
    async def attempt() -> Verdict:
        verdict: Verdict = await EVENT_LOOPS[name].module.drive(
            played.script.scenario.machine(anyio.current_time()), played
        )
        return verdict

    return attempt


def cancelled(way: str, scenario: Scenario, moments: Moments) -> bool:
    """Cancel at these moments, and see that nothing is left but what the verdict speaks of."""
    name, run = WAYS[way]
    played = Slow(scenario)
    verdict = run(attempted(played, name), moments)
    assert played.script.left_open() == (set() if verdict is None else {verdict.connection} - {None}), moments
    return verdict is None


def last_moment(cancelled_at: Callable[[int], bool], more: int = 10) -> int:
    """Try one moment after the other until nothing is cancelled some times more; tasks on trio run in any order."""
    last = moment = 0
    while moment <= last + more:
        if cancelled_at(moment):
            last = moment
        moment += 1
    return last


@on_every_way
@pytest.mark.parametrize("scenario", RUNS, ids=str)
def test_a_drive_can_be_cancelled_at_every_moment_and_leaves_nothing_open(way: str, scenario: Scenario) -> None:
    assert last_moment(lambda moment: cancelled(way, scenario, (moment,))) > 10


@on_every_way
@pytest.mark.parametrize(("scenario", "pause"), [(RUNS[2], 3), (RUNS[4], 1)], ids=str)
def test_a_drive_that_is_cancelled_twice_leaves_nothing_open(way: str, scenario: Scenario, pause: int) -> None:
    assert last_moment(lambda moment: cancelled(way, scenario, (moment, moment + pause))) > 10


class Stubborn(Played):
    """Presents a connection although that was cancelled."""

    async def connect(self, action: Connect, /) -> ConnectEvent:
        with suppress(BaseException):
            await self._wait(action)
        return self.script.connect(action)


@on_every_virtual_loop
def test_a_connection_that_is_made_in_spite_of_its_cancellation_is_closed(loop: EventLoop) -> None:
    staggered = scenario(
        "staggered", BOTH_FAMILIES, DOMAIN, "", delays={V6: NEVER, V4: 1}, policy=Policy(attempt_delay=1)
    )
    performer = Stubborn(staggered)
    verdict = loop.drive(staggered.machine, performer)
    assert len(performer.script.opened) == 2
    assert performer.script.left_open() == {verdict.connection}


class Polite(Played):
    """Takes a while to close, and has not closed what it was interrupted in closing; it never finds a path."""

    async def validate(self, action: ValidatePath, /) -> PathEvent:
        await anyio.sleep(60)
        return await super().validate(action)

    async def close(self, connect: Connect, /) -> None:
        await anyio.sleep(0.25)
        await super().close(connect)


@on_every_virtual_loop
def test_what_is_closed_since_the_drive_was_cancelled_may_take_its_time(loop: EventLoop) -> None:
    performer = Polite(RUNS[0])

    async def drive() -> None:
        await loop.module.drive(performer.script.scenario.machine(anyio.current_time()), performer)

    async def main() -> None:
        with suppress(TimeoutError):
            if "asyncio" in loop.name:
                # anyio says again and again that a scope is cancelled, so that virtual time would stand still.
                await asyncio.wait_for(drive(), 4)
            else:
                with anyio.fail_after(4):
                    await drive()

    loop.run(main)
    assert performer.script.opened
    assert performer.script.left_open() == set()
