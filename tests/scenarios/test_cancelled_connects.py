"""Connecting to servers on loopback, cancelled at every moment: a connection is returned, or every socket is closed.

That no socket, task or thread stays behind is seen by the fixtures here, by the way in which everything is run, and by
the servers: each of their connections ends, and nothing but the handshake was ever sent over it.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import anyio
import pytest
import trio
from anyio.streams.tls import TLSStream

import siptls_io.blocking
from loopback_tls import CURRENT, Behaviour, LoopbackServer, goes_slowly, keeps_silent, server_context, tls
from loops import EVENT_LOOPS, EventLoop, on_every_event_loop
from pki import Issuer
from scenarios.moments import WAYS
from scenarios.test_cancellation import last_moment, on_every_way
from siptls import Policy
from siptls.events import Anchors, Connect
from siptls_io.cancellation import Cancelled
from siptls_io.connection import NotConnected
from siptls_io.performer import BlockingPerformer
from siptls_io.workers import Workers
from siptls_io.zone_files import ZoneFiles

ROOT = Issuer.root(**CURRENT)
ANCHORS = Anchors((ROOT.der,))
GOOD = server_context(ROOT.leaf(uris=["sip:example.com"], **CURRENT))
STRANGER = server_context(ROOT.leaf(uris=["sip:stranger.example"], **CURRENT))
PATIENT = Policy()
HASTY = Policy(connect_timeout=0.05)
STAGGERED = Policy(attempt_delay=0.01)

WORLDS: dict[str, tuple[tuple[Behaviour, ...], Policy]] = {
    "accepted": ((tls(GOOD),), PATIENT),
    "a stranger": ((tls(STRANGER),), PATIENT),
    "a silent one": ((keeps_silent,), HASTY),
    "two silent ones": ((keeps_silent, keeps_silent), Policy(connect_timeout=0.03, attempt_delay=0.01)),
    "two at a time": ((goes_slowly(GOOD), goes_slowly(GOOD)), STAGGERED),
}
in_every_world = pytest.mark.parametrize("world", ["accepted", "a stranger", "a silent one", "two at a time"])


@contextmanager
def servers(world: str) -> Generator[ZoneFiles]:
    """Run the servers, and see at the end that every connection ended and nothing was sent over it."""
    behaviours, _ = WORLDS[world]
    with ExitStack() as stack:
        running: list[LoopbackServer] = []
        for number, behaviour in enumerate(behaviours, 1):
            port = running[0].port if running else 0
            running.append(stack.enter_context(LoopbackServer(behaviour, f"127.0.0.{number}", port)))
        addresses = "".join([f"sip A {server.address}\n" for server in running])
        yield ZoneFiles({"example.com": f"_sips._tcp SRV 1 1 {running[0].port} sip\n{addresses}"})
        for seen in [seen for server in running for seen in server.seen]:
            assert seen.ended.wait(30)
            assert seen.received == b""


@on_every_way
@in_every_world
def test_an_attempt_to_connect_can_be_cancelled_at_every_moment(way: str, world: str) -> None:
    name, run = WAYS[way]

    def cancelled_at(zones: ZoneFiles) -> Callable[[int], bool]:
        async def attempt() -> bool:
            try:
                connection = await EVENT_LOOPS[name].module.connect(
                    "sips:example.com", policy=WORLDS[world][1], resolver=zones, anchors=ANCHORS
                )
            except NotConnected:
                return True
            await closed(connection.stream)
            return True

        return lambda moment: run(attempt, (moment,), virtual=False) is None

    with servers(world) as zones:
        assert last_moment(cancelled_at(zones), 4) > 10


async def closed(stream: Any) -> None:
    """Close a stream of any loop, although that is being cancelled too."""
    if isinstance(stream, trio.SSLStream | TLSStream):
        with anyio.CancelScope(shield=True):
            await stream.aclose()
    else:
        stream[1].transport.abort()


@on_every_event_loop
def test_ctrl_c_ends_an_attempt_at_once_and_is_no_group(loop: EventLoop) -> None:
    with servers("two silent ones") as zones:
        presser = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        presser.start()
        with pytest.raises(KeyboardInterrupt) as raised:
            loop.reach("sips:example.com", policy=STAGGERED, resolver=zones, anchors=ANCHORS)
        assert raised.type is KeyboardInterrupt
        presser.join()


class CancelledLater(Workers):
    """Workers that somebody cancels some time after they began."""

    seconds = 0.0

    def __init__(self, performer: BlockingPerformer) -> None:
        super().__init__(performer)
        self.timer = threading.Timer(self.seconds, self.cancel)
        self.timer.start()
        if not self.seconds:
            self.timer.join()

    def end(self, kept: Connect | None) -> None:
        super().end(kept)
        self.timer.cancel()


@in_every_world
def test_in_threads_too_at_moments_that_chance_chooses(world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siptls_io.blocking, "Workers", CancelledLater)
    chance = random.Random(world)
    with servers(world) as zones:
        for _ in range(20):
            cancelled_after(chance.uniform(0, 0.02), world, zones)
        assert cancelled_after(0, world, zones)
    for timer in [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]:
        timer.join()


def cancelled_after(seconds: float, world: str, zones: ZoneFiles) -> bool:
    """Connect, and be cancelled when that has gone on for so many seconds; after none it is before anything ran."""
    CancelledLater.seconds = seconds
    try:
        connection = siptls_io.blocking.connect(
            "sips:example.com", policy=WORLDS[world][1], resolver=zones, anchors=ANCHORS
        )
    except NotConnected:
        return False
    except Cancelled:
        return True
    connection.stream.close()
    return False
