"""The threads of the blocking driver, and how their waits are ended."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from siptls.dns import Lookup
from siptls.events import (
    Connect,
    ConnectEvent,
    Endpoint,
    Failure,
    LookupEvent,
    LookupFailed,
    PathEvent,
    Presented,
    TlsFacts,
    ValidatePath,
)
from siptls_io.cancellation import EVENT_READ, EVENT_WRITE, Cancellation, Cancelled
from siptls_io.workers import Workers


@contextmanager
def pair() -> Generator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_a_wait_ends_when_the_socket_is_ready() -> None:
    with Cancellation() as cancellation, pair() as (one, other):
        cancellation.wait(one, EVENT_WRITE)
        other.sendall(b"x")
        cancellation.wait(one, EVENT_READ)
        assert cancellation.receive(one, 9) == b"x"


def test_a_wait_ends_when_its_time_is_up_though_a_peer_keeps_the_socket_ready() -> None:
    with Cancellation() as cancellation, pair() as (one, other):
        with pytest.raises(TimeoutError):
            cancellation.wait(one, EVENT_READ, time.monotonic() + 0.01)
        other.sendall(b"x")
        with pytest.raises(TimeoutError):
            cancellation.wait(one, EVENT_READ, time.monotonic())


def test_cancelling_ends_all_waits_those_to_come_too_and_harms_none_when_done_twice() -> None:
    ended: list[str] = []
    with Cancellation() as cancellation, pair() as (one, _):

        def wait() -> None:
            try:
                cancellation.wait(one, EVENT_READ)
            except Cancelled:
                ended.append("cancelled")

        threads = [threading.Thread(target=wait) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        assert ended == []
        cancellation.cancel()
        cancellation.cancel()
        for thread in threads:
            thread.join()
        assert ended == ["cancelled"] * 3
        with pytest.raises(Cancelled):
            cancellation.wait(one, EVENT_WRITE)
        assert not issubclass(Cancelled, Exception)


def test_a_connection_that_is_refused_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    with Cancellation() as cancellation, socket.socket() as stream, pytest.raises(ConnectionRefusedError):
        cancellation.connect(stream, "127.0.0.1", port)


class Obedient:
    """Does for each name what it is told."""

    def __init__(self, **doings: Callable[[Cancellation], None]) -> None:
        self.doings = doings
        self.closed: list[Connect] = []

    def lookup(self, action: Lookup, cancellation: Cancellation, /) -> LookupEvent:
        self.doings[action.name](cancellation)
        return LookupFailed(action, Failure.TIMEOUT, "")

    def connect(self, action: Connect, cancellation: Cancellation, /) -> ConnectEvent:
        self.doings[action.endpoint.host](cancellation)
        return Presented(action, (), TlsFacts())

    def validate(self, action: ValidatePath, /) -> PathEvent:
        raise AssertionError(action)

    def close(self, connect: Connect, /) -> None:
        self.closed.append(connect)


def nothing(_: Cancellation) -> None:
    pass


def silence(cancellation: Cancellation) -> None:
    with pair() as (one, _):
        cancellation.wait(one, EVENT_READ)


def test_what_ends_at_the_same_time_is_returned_in_the_order_in_which_it_was_started() -> None:
    second_ended = threading.Event()

    def late(_: Cancellation) -> None:
        second_ended.wait(5)

    def early(_: Cancellation) -> None:
        second_ended.set()

    for _ in range(20):
        second_ended.clear()
        workers = Workers(Obedient(late=late, waits=silence, early=early))
        for name in ("late", "waits", "early"):
            workers.start(Lookup(name, "A"))
        names = [event.action.name for event in workers.events(math.inf) if isinstance(event, LookupFailed)]
        workers.end(None)
        assert names == ["late", "early"]


def test_who_does_not_wait_by_the_cancellation_keeps_the_others_up_for_a_moment_only() -> None:
    released = threading.Event()

    def stubborn(_: Cancellation) -> None:
        released.wait(10)

    workers = Workers(Obedient(stubborn=stubborn, quick=nothing))
    workers.start(Lookup("stubborn", "A"))
    workers.start(Lookup("quick", "A"))
    began = time.monotonic()
    (event,) = workers.events(math.inf)
    assert time.monotonic() - began < 8
    assert isinstance(event, LookupFailed)
    assert event.action.name == "quick"
    assert workers.events(time.monotonic() + 0.01) == []
    released.set()
    assert len(workers.events(math.inf)) == 1
    workers.end(None)


def test_a_connection_that_nobody_awaits_any_more_is_closed_and_the_kept_one_is_not() -> None:
    performer = Obedient(first=nothing, second=nothing)
    connects = [Connect(n, Endpoint(host, "192.0.2.1", 5061, "tls"), None) for n, host in enumerate(performer.doings)]
    workers = Workers(performer)
    for connect in connects:
        workers.start(connect)
    workers.end(connects[0])
    assert performer.closed == [connects[1]]
    workers.end(None)
    assert performer.closed == [connects[1], connects[0]]


def test_workers_that_were_cancelled_start_nothing_and_wait_for_nothing() -> None:
    workers = Workers(Obedient(a=silence))
    workers.start(Lookup("a", "A"))
    workers.cancel()
    with pytest.raises(Cancelled):
        workers.events(math.inf)
    with pytest.raises(Cancelled):
        workers.start(Lookup("b", "A"))
    workers.end(None)


def test_when_the_system_has_no_more_threads_those_that_work_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    workers = Workers(Obedient(a=silence))
    workers.start(Lookup("a", "A"))
    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(RuntimeError, match="start"):
        workers.start(Lookup("a", "AAAA"))
    workers.end(None)
