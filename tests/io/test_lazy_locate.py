"""A lazy `Locate` in every loop: driven until it waits for its caller, told what became of a target, driven on."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, TypeAlias

import anyio
import pytest

import siptls_io.blocking
from loops import BLOCKING, LOOPS, Blocking, EventLoop, on_every_loop
from pki import NOW
from scenarios.virtual import VIRTUAL_LOOPS
from siptls import Locate, Outcome, Policy, Route, TargetFailed, TargetFailure, TargetInUse
from siptls.dns import Lookup
from siptls.events import Action, LookupEvent
from siptls_io import Cancellation, OfflinePerformer, ZoneFiles
from siptls_io.cancellation import EVENT_READ

ZONE = """
$TTL 600
@            SOA ns1 hostmaster 1 7200 3600 1209600 600
_sips._tcp   SRV 10 0 5061 sip1
_sips._tcp   SRV 20 0 5061 sip2
_sips._tcp   SRV 30 0 5061 sip3
_sips._tcp   SRV 40 0 5061 sip4
sip1         A 192.0.2.1
sip2         A 192.0.2.2
sip2         AAAA 2001:db8::2
sip3         A 192.0.2.3
"""
ZONES = ZoneFiles({"example.com": ZONE, "brief.example.com": ZONE.replace("600", "1")})
NEVER = 86_400.0
FOUND, SECOND, THIRD = "sip1.example.com", "sip2.example.com", "sip3.example.com"

Telling: TypeAlias = Generator[Locate, Route, None]
Story: TypeAlias = Callable[[Callable[[], float]], Telling]
"""Yields the machine whenever it is to be driven, and is sent what the driver returns."""


class Names:
    """Answers from zone files, and remembers whose addresses were asked for.

    Args:
        silent: a host whose addresses are never told.
        broken: a host at whose first question the resolver itself breaks.
    """

    def __init__(self, silent: str = "", broken: str = "") -> None:
        self.silent = silent
        self.broken = broken
        self.asked: list[str] = []

    def _note(self, lookup: Lookup) -> None:
        if lookup.rrtype == "A":
            self.asked.append(lookup.name)
            if lookup.name == self.broken:
                self.broken = ""
                raise ZeroDivisionError

    def answer(self, lookup: Lookup, cancellation: Cancellation | None = None, /) -> LookupEvent:
        self._note(lookup)
        if lookup.name == self.silent:
            assert cancellation is not None
            silence, open_end = socket.socketpair()
            with silence, open_end:
                cancellation.wait(silence, EVENT_READ, time.monotonic() + NEVER)
        return ZONES.answer(lookup)

    async def answer_async(self, lookup: Lookup, /) -> LookupEvent:
        self._note(lookup)
        if lookup.name == self.silent:
            await anyio.sleep(NEVER)
        return await ZONES.answer_async(lookup)


class Counted(Locate):
    """Counts how often it is asked for actions."""

    __slots__ = ("turns",)

    def next_actions(self, *, now: float) -> tuple[Action, ...]:
        self.turns = getattr(self, "turns", 0) + 1
        return super().next_actions(now=now)


def lazy(now: float, prefetch: int = 0, uri: str = "sips:alice@example.com", **more: Any) -> Counted:
    return Counted(uri, policy=Policy(prefetch=prefetch, **more), now=now, at=NOW, randbelow=lambda _n: 0)


def play(loop: EventLoop | Blocking, story: Story, names: Names) -> None:
    """Play a story in one run of a loop."""
    performer = OfflinePerformer(names, {})
    if isinstance(loop, Blocking):
        scenes = story(time.monotonic)
        machine = next(scenes, None)
        while machine is not None:
            machine = sent(scenes, siptls_io.blocking.drive(machine, performer.blocking()))
        return

    async def main() -> None:
        scenes = story(loop.now)
        machine = next(scenes, None)
        while machine is not None:
            machine = sent(scenes, await loop.module.drive(machine, performer))

    loop.run(main)


def sent(scenes: Telling, route: Route) -> Locate | None:
    """Tell a story what the driver returned, and return what is to be driven next, if anything is."""
    try:
        return scenes.send(route)
    except StopIteration:
        return None


def hosts(route: Route) -> list[str]:
    return [target.host for target in route.targets]


@on_every_loop
def test_the_driver_returns_the_route_so_far_while_the_machine_waits_for_its_caller(
    loop: EventLoop | Blocking,
) -> None:
    names = Names()

    def story(now: Callable[[], float]) -> Telling:
        machine = lazy(now())
        route = yield machine
        assert (hosts(route), route.complete, route.outcome, machine.result) == ([FOUND], False, None, None)
        assert names.asked == [FOUND]
        again = yield machine  # there is nothing to do, so nothing is done, and nothing is waited for
        assert hosts(again) == [FOUND]
        assert names.asked == [FOUND]

    play(loop, story, names)


@on_every_loop
@pytest.mark.req("R3263-4.3-3")
def test_each_failure_leads_to_the_next_target_and_the_last_one_to_the_whole_route(
    loop: EventLoop | Blocking,
) -> None:
    names = Names()

    def story(now: Callable[[], float]) -> Telling:
        machine = lazy(now())
        route = yield machine
        for number, host in enumerate([FOUND, SECOND, THIRD], 1):
            assert hosts(route)[-1] == host
            assert names.asked == [FOUND, SECOND, THIRD][:number]
            target = machine.next_target
            assert target is not None
            assert (target.host, machine.attempt) == (host, number)
            machine.receive(TargetFailed(target, TargetFailure.TIMEOUT), now=now())
            route = yield machine
        assert (hosts(route), route.complete) == ([FOUND, SECOND, THIRD], True)  # sip4 has no address
        assert route is machine.result
        assert machine.next_target is None
        assert (yield machine) is route

    play(loop, story, names)


@on_every_loop
@pytest.mark.parametrize(("prefetch", "ahead"), [(0, []), (1, [SECOND]), (2, [SECOND, THIRD])])
def test_a_target_in_use_lets_the_driver_ask_ahead_and_no_further(
    loop: EventLoop | Blocking, prefetch: int, ahead: list[str]
) -> None:
    names = Names()

    def story(now: Callable[[], float]) -> Telling:
        machine = lazy(now(), prefetch)
        (target,) = (yield machine).targets
        assert names.asked == [FOUND]
        machine.receive(TargetInUse(target), now=now())
        route = yield machine
        assert (hosts(route), route.complete) == ([FOUND], False)  # these are in store, and not shown
        assert sorted(names.asked) == [FOUND, *ahead]
        machine.receive(TargetFailed(target, TargetFailure.UNAVAILABLE), now=now())
        route = yield machine
        assert hosts(route) == [FOUND, SECOND]
        assert names.asked.count(SECOND) == 1

    play(loop, story, names)


@on_every_loop
def test_a_driver_does_not_turn_more_often_than_events_come(loop: EventLoop | Blocking) -> None:
    names = Names()
    machines: list[Counted] = []

    def story(now: Callable[[], float]) -> Telling:
        machine = lazy(now(), 1)
        machines.append(machine)
        while (route := (yield machine)) is not machine.result:
            target = route.targets[-1]
            machine.receive(TargetInUse(target), now=now())
            yield machine
            machine.receive(TargetFailed(target, TargetFailure.TRANSPORT), now=now())

    play(loop, story, names)
    lookups = 2 + 2 * len(names.asked)  # NAPTR, SRV, and both families of each host
    assert machines[0].turns <= lookups + 8  # of the drives, the last turn of each has nothing to do


@pytest.mark.parametrize("loop", [*VIRTUAL_LOOPS.values(), BLOCKING], ids=[*VIRTUAL_LOOPS, BLOCKING.name])
def test_a_lookup_ahead_that_is_never_answered_is_a_time_out_and_no_hang(loop: EventLoop | Blocking) -> None:
    names = Names(silent=SECOND)

    def story(now: Callable[[], float]) -> Telling:
        machine = lazy(now(), 1, lookup_timeout=3.0)  # which threads have to wait for
        (target,) = (yield machine).targets
        machine.receive(TargetInUse(target), now=now())
        began = now()
        route = yield machine
        assert now() - began >= 3.0
        assert (hosts(route), route.complete) == ([FOUND], False)
        machine.receive(TargetFailed(target, TargetFailure.TIMEOUT), now=now())
        route = yield machine
        assert names.asked.count(SECOND) == 1
        assert hosts(route) == [FOUND, THIRD]
        assert "locate.timeout" in [step.code for step in route.findings]
        assert machine.turns <= 24

    play(loop, story, names)


@pytest.mark.parametrize("loop", VIRTUAL_LOOPS.values(), ids=VIRTUAL_LOOPS)
def test_while_the_caller_waits_for_a_response_no_time_of_the_search_passes(loop: EventLoop) -> None:
    async def main() -> None:
        machine, performer = lazy(loop.now()), OfflinePerformer(Names(), {})
        for host in (FOUND, SECOND, THIRD):
            route = await loop.module.drive(machine, performer)
            assert hosts(route)[-1] == host
            await anyio.sleep(32.0)  # Timer B; the limit of a search is 30 s
            machine.receive(TargetFailed(route.targets[-1], TargetFailure.TIMEOUT), now=loop.now())
        route = await loop.module.drive(machine, performer)
        assert (route.complete, machine.turns < 24) == (True, True)

    loop.run(main)


@pytest.mark.parametrize("loop", VIRTUAL_LOOPS.values(), ids=VIRTUAL_LOOPS)
@pytest.mark.req("R3403-3-1")
def test_records_that_expired_meanwhile_are_asked_for_again_once(loop: EventLoop) -> None:
    names = Names()

    async def main() -> None:
        machine = lazy(loop.now(), uri="sips:alice@brief.example.com")
        performer = OfflinePerformer(names, {})
        for number in (1, 2, 2):
            route = await loop.module.drive(machine, performer)
            if route is not machine.result:
                assert route.targets[-1].host == f"sip{number}.brief.example.com"
                await anyio.sleep(32.0)
                machine.receive(TargetFailed(route.targets[-1], TargetFailure.TIMEOUT), now=loop.now())
        assert route.complete is False
        told = [step.code for step in route.findings]
        assert (told.count("locate.restarted"), told.count("locate.expired")) == (1, 1)

    loop.run(main)


def drive_again(loop: EventLoop, names: Names, patience: float) -> None:
    """Look ahead for a while, and when that was cancelled or has failed, drive on."""

    async def main() -> None:
        machine, performer = lazy(loop.now(), 1), OfflinePerformer(names, {})
        (target,) = (await loop.module.drive(machine, performer)).targets
        machine.receive(TargetInUse(target), now=loop.now())
        with anyio.move_on_after(patience), suppress(ZeroDivisionError):
            await loop.module.drive(machine, performer)
        assert [action.name for action in machine.outstanding if isinstance(action, Lookup)] != []
        names.silent = ""
        machine.receive(TargetFailed(target, TargetFailure.UNAVAILABLE), now=loop.now())
        route = await loop.module.drive(machine, performer)
        assert hosts(route) == [FOUND, SECOND]
        assert machine.turns < 12

    loop.run(main)


@pytest.mark.parametrize("loop", VIRTUAL_LOOPS.values(), ids=VIRTUAL_LOOPS)
def test_what_a_cancelled_driver_has_left_is_taken_up_by_the_next_one(loop: EventLoop) -> None:
    drive_again(loop, Names(silent=SECOND), 1.0)


@on_every_loop
def test_what_a_driver_has_left_that_raised_is_taken_up_by_the_next_one(loop: EventLoop | Blocking) -> None:
    names = Names(broken=SECOND)
    if not isinstance(loop, Blocking):
        drive_again(loop, names, NEVER)
        return
    machine, performer = lazy(time.monotonic(), 1), OfflinePerformer(names, {}).blocking()
    (target,) = siptls_io.blocking.drive(machine, performer).targets
    machine.receive(TargetInUse(target), now=time.monotonic())
    with pytest.raises(ZeroDivisionError):
        siptls_io.blocking.drive(machine, performer)
    machine.receive(TargetFailed(target, TargetFailure.UNAVAILABLE), now=time.monotonic())
    assert hosts(siptls_io.blocking.drive(machine, performer)) == [FOUND, SECOND]
    assert machine.turns < 12


@on_every_loop
def test_stopping_ends_it_with_what_is_known(loop: EventLoop | Blocking) -> None:
    def story(now: Callable[[], float]) -> Telling:
        machine = lazy(now(), 1)
        yield machine
        machine.stop(now=now())
        route = yield machine
        assert (hosts(route), route.complete, route is machine.result) == ([FOUND], False, True)

    play(loop, story, Names())


@on_every_loop
def test_a_lazy_machine_that_finds_nothing_ends_by_itself(loop: EventLoop | Blocking) -> None:
    def story(now: Callable[[], float]) -> Telling:
        machine = lazy(now(), 1, "sips:bob@nowhere.example.com")
        route = yield machine
        assert (route.outcome, route.targets, route is machine.result) == (Outcome.NO_SERVICE, (), True)

    play(loop, story, Names())


def test_every_loop_is_here() -> None:
    assert set(VIRTUAL_LOOPS) | {BLOCKING.name} == set(LOOPS)
