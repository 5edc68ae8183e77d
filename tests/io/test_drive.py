"""The drivers, with performers of every kind; tests/scenarios has what does not need real time."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias, TypeVar

import anyio
import pytest

import siptls_io.blocking
from loops import BLOCKING, LOOPS, Blocking, EventLoop
from pki import NOW, Issuer
from siptls import Limits, Locate, Outbound, Route
from siptls.dns import Lookup, Security
from siptls.events import Anchors, Connect, ConnectEvent, ConnectFailed, LookupEvent, PathEvent, Presented, ValidatePath
from siptls.machine import Machine
from siptls.policy import Policy
from siptls_io.cancellation import EVENT_READ, Cancellation, Cancelled
from siptls_io.offline import OfflinePerformer
from siptls_io.performer import Performer
from siptls_io.zone_files import ZoneFiles

ROOT = Issuer.root()
LEAF = ROOT.leaf(uris=["sip:example.com"])
STRANGER = ROOT.leaf(uris=["sip:stranger.example"])
ZONE = """
@            NAPTR 1 1 "s" "SIPS+D2T" "" _sips._tcp
_sips._tcp   SRV 10 0 5061 sip1
_sips._tcp   SRV 20 0 5071 sip2
sip1         A 192.0.2.1
sip1         AAAA 2001:db8::1
sip2         A 192.0.2.2
"""

T = TypeVar("T")
Drive: TypeAlias = Callable[[Callable[[float], Machine[Any]], Performer], Any]


def driven(loop: EventLoop | Blocking, make: Callable[[float], Machine[Any]], performer: Performer) -> Any:
    """Drive a machine in one of the loops, with a performer that serves them all."""
    if loop is not BLOCKING:
        return loop.drive(make, performer)
    in_threads = performer.blocking() if isinstance(performer, OfflinePerformer) else Threaded(performer)
    return BLOCKING.drive(make, in_threads)


on_every_loop = pytest.mark.parametrize(
    "drive", [pytest.param(partial(driven, loop), id=name) for name, loop in LOOPS.items()]
)
by_blocking = partial(driven, BLOCKING)


def outbound(now: float, **more: Any) -> Outbound:
    return Outbound(
        "sip:alice@example.com", now=now, at=NOW, randbelow=lambda _n: 0, anchors=Anchors((ROOT.der,)), **more
    )


@on_every_loop
def test_any_machine_can_be_driven(drive: Drive) -> None:
    def locate(now: float) -> Locate:
        return Locate("sip:alice@example.com", now=now, at=NOW, randbelow=lambda _n: 0)

    route = drive(locate, OfflinePerformer(ZoneFiles({"example.com": ZONE}), {}))
    assert isinstance(route, Route)
    assert [target.host for target in route.targets] == ["sip1.example.com", "sip2.example.com"]


class Scripted:
    """Performs as an `OfflinePerformer`, with delays, and remembers what happened."""

    def __init__(self, chain: Sequence[bytes], delays: Mapping[str, float] | None = None) -> None:
        world = ZoneFiles({"example.com": ZONE}, default=Security.SECURE)
        self.offline = OfflinePerformer(world, {"*": chain})
        self.delays = dict(delays or {})
        self.opened: list[Connect] = []
        self.closed: list[Connect] = []
        self.cancelled: list[str] = []
        self.sleep: Callable[[float], Awaitable[None]] = anyio.sleep

    async def _wait(self, what: str) -> None:
        try:
            await self.sleep(self.delays.get(what, 0))
        except BaseException:
            self.cancelled.append(what)
            raise

    async def lookup(self, action: Lookup, /) -> LookupEvent:
        await self._wait(f"{action.name} {action.rrtype}")
        return await self.offline.lookup(action)

    async def connect(self, action: Connect, /) -> ConnectEvent:
        await self._wait(action.endpoint.address)
        event = await self.offline.connect(action)
        if isinstance(event, Presented):
            self.opened.append(action)
        return event

    async def validate(self, action: ValidatePath, /) -> PathEvent:
        await self._wait("path")
        return await self.offline.validate(action)

    async def close(self, connect: Connect, /) -> None:
        self.closed.append(connect)
        await self._wait("close")


class Threaded:
    """Lets a `Scripted` performer serve the blocking driver: all that it awaits is its own delays."""

    def __init__(self, scripted: Performer) -> None:
        assert isinstance(scripted, Scripted)
        self.scripted = scripted
        scripted.sleep = Delay

    def lookup(self, action: Lookup, cancellation: Cancellation, /) -> LookupEvent:
        return finished(self.scripted.lookup(action), cancellation)

    def connect(self, action: Connect, cancellation: Cancellation, /) -> ConnectEvent:
        return finished(self.scripted.connect(action), cancellation)

    def validate(self, action: ValidatePath, /) -> PathEvent:
        with Cancellation() as never:
            return finished(self.scripted.validate(action), never)

    def close(self, connect: Connect, /) -> None:
        with Cancellation() as never:
            finished(self.scripted.close(connect), never)


class Delay:
    """What is awaited instead of a sleep: it hands the seconds to whoever runs the coroutine."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __await__(self) -> Generator[float, None, None]:
        yield self.seconds


def finished(coroutine: Coroutine[Any, None, T], cancellation: Cancellation) -> T:
    try:
        seconds = coroutine.send(None)
        while True:
            try:
                pause(seconds, cancellation)
            except Cancelled as cancelled:
                coroutine.throw(cancelled)
            seconds = coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result


def pause(seconds: float, cancellation: Cancellation) -> None:
    silent, open_end = socket.socketpair()
    with silent, open_end, suppress(TimeoutError):
        cancellation.wait(silent, EVENT_READ, time.monotonic() + seconds)


@on_every_loop
def test_every_connection_but_the_accepted_one_is_closed_once(drive: Drive) -> None:
    performer = Scripted(LEAF.presented)
    verdict = drive(outbound, performer)
    assert verdict.accepted
    assert performer.opened == [verdict.connection]
    assert performer.closed == []
    performer = Scripted(STRANGER.presented)
    assert drive(outbound, performer).connection is None
    assert len(performer.opened) == 3
    assert performer.closed == performer.opened


@on_every_loop
def test_of_two_attempts_at_a_time_the_one_that_lost_is_closed_or_cancelled(drive: Drive) -> None:
    for first, second in ((0.05, 0.05), (0.06, 0.0), (30.0, 0.0)):
        performer = Scripted(LEAF.presented, {"2001:db8::1": first, "192.0.2.1": second})
        verdict = drive(lambda now: outbound(now, policy=Policy(attempt_delay=0.02)), performer)
        assert verdict.accepted
        assert set(performer.opened) - set(performer.closed) == {verdict.connection}
        assert len(performer.closed) == len(set(performer.closed))


@on_every_loop
def test_what_is_late_is_a_time_out_and_is_not_waited_for(drive: Drive) -> None:
    performer = Scripted(LEAF.presented, {"2001:db8::1": 60.0})
    began = time.monotonic()
    verdict = drive(lambda now: outbound(now, policy=Policy(connect_timeout=0.3)), performer)
    assert time.monotonic() - began < 30
    assert verdict.endpoint.address == "192.0.2.1"
    assert performer.cancelled == ["2001:db8::1"]
    performer = Scripted(LEAF.presented, {"example.com NAPTR": 60.0})
    verdict = drive(lambda now: outbound(now, policy=Policy(lookup_timeout=0.3)), performer)
    assert verdict.code == "locate.timeout"
    assert performer.cancelled == ["example.com NAPTR"]


@on_every_loop
@pytest.mark.parametrize("policy", [Policy(limits=Limits(seconds=1e-9)), Policy(lookup_timeout=1e-9)])
def test_what_is_overdue_before_it_begins_is_a_verdict(drive: Drive, policy: Policy) -> None:
    verdict = drive(lambda now: outbound(now, policy=policy), Scripted(LEAF.presented, {}))
    assert verdict.code in {"limit.seconds", "locate.timeout"}


@on_every_loop
@pytest.mark.parametrize("broken", ["lookup", "connect", "validate", "close"])
def test_an_exception_of_a_performer_comes_out_as_it_is_and_everything_is_closed(drive: Drive, broken: str) -> None:
    performer = Scripted(STRANGER.presented)

    async def fail(_action: object, /) -> Any:
        raise ZeroDivisionError(broken)

    setattr(performer, broken, fail)
    with pytest.raises(ZeroDivisionError, match=broken):
        drive(outbound, performer)
    if broken != "close":
        assert performer.closed == performer.opened


@on_every_loop
def test_two_exceptions_at_once_are_one_exception(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    performer = Scripted(LEAF.presented)

    async def fail(action: Lookup, /) -> LookupEvent:
        if action.rrtype in ("A", "AAAA"):
            raise ZeroDivisionError(action.rrtype)
        return await performer.offline.lookup(action)

    monkeypatch.setattr(performer, "lookup", fail)
    with pytest.raises(ZeroDivisionError):
        drive(outbound, performer)


class InStep:
    """Answers no address lookup before both are asked, and no connection before two are tried."""

    def __init__(self) -> None:
        world = ZoneFiles({"example.com": ZONE}, default=Security.SECURE)
        self.offline = OfflinePerformer(world, {"*": LEAF.presented}).blocking()
        self.lookups = threading.Barrier(2, timeout=5)
        self.connects = threading.Barrier(2, timeout=5)
        self.opened: set[Connect] = set()

    def lookup(self, action: Lookup, cancellation: Cancellation, /) -> LookupEvent:
        if (action.name, action.rrtype) in (("sip1.example.com", "A"), ("sip1.example.com", "AAAA")):
            self.lookups.wait()
        return self.offline.lookup(action, cancellation)

    def connect(self, action: Connect, cancellation: Cancellation, /) -> ConnectEvent:
        self.connects.wait()
        self.opened.add(action)
        return self.offline.connect(action, cancellation)

    def validate(self, action: ValidatePath, /) -> PathEvent:
        return self.offline.validate(action)

    def close(self, connect: Connect, /) -> None:
        self.opened.remove(connect)


def test_the_blocking_driver_looks_up_and_connects_side_by_side() -> None:
    performer = InStep()
    machine = outbound(time.monotonic(), policy=Policy(attempt_delay=0.01))
    verdict = siptls_io.blocking.drive(machine, performer)
    assert verdict.accepted
    assert performer.opened == {verdict.connection}


def test_ctrl_c_ends_a_blocking_drive_at_once_wherever_it_waits_and_closes_everything() -> None:
    for waiting in ("example.com NAPTR", "sip1.example.com A", "2001:db8::1", "192.0.2.2"):
        performer = Scripted(STRANGER.presented, {waiting: 60.0})
        presser = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        presser.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            by_blocking(outbound, performer)
        assert time.monotonic() - began < 30
        presser.join()
        assert performer.cancelled == [waiting]
        assert performer.closed == performer.opened


def test_a_blocking_drive_makes_no_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_loop: object) -> None:
        raise ZeroDivisionError("an event loop")

    monkeypatch.setattr(asyncio.BaseEventLoop, "__init__", fail)
    assert by_blocking(outbound, Scripted(LEAF.presented)).accepted


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (["*"], True),
        (["SIP1.Example.COM:5061"], True),
        (["192.0.2.1:5061"], True),
        (["192.0.2.1:5062", "sip1.example.com:506", "sip1.example.com", "192.0.2.1", "sip2.example.com:5061"], False),
        ([], False),
    ],
)
def test_an_endpoint_without_a_chain_refuses(keys: list[str], found: bool) -> None:
    from siptls.events import Endpoint

    performer = OfflinePerformer(ZoneFiles({}), dict.fromkeys(keys, (b"x",)))
    connect = Connect(1, Endpoint("sip1.example.com", "192.0.2.1", 5061, "tls"), "example.com")
    event = asyncio.run(performer.connect(connect))
    if found:
        assert isinstance(event, Presented)
        assert (event.chain, event.facts.server_name) == ((b"x",), "example.com")
    else:
        assert isinstance(event, ConnectFailed)
        assert event.reason == "net.refused"
