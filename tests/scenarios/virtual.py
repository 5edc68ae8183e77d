"""Event loops whose clocks start at zero and jump to the next deadline as soon as nothing else can happen.

So minutes pass at once, and what happens when is exact. A run in which nothing will ever happen ends with an error.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import anyio
import pytest
import trio
import trio.testing

from loops import EVENT_LOOPS, EventLoop, alone_on_asyncio, alone_on_trio

T = TypeVar("T")


class Jumping(selectors.DefaultSelector):
    """Jumps in time instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("nothing will ever happen any more")
        if not ready and timeout:
            # Even the shortest time passes, whatever the clock's resolution.
            self.now = max(self.now + timeout, math.nextafter(self.now, math.inf))
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's event loop in virtual time."""

    def __init__(self, jumping: Jumping | None = None) -> None:
        self._jumping = jumping or Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def _clock() -> trio.testing.MockClock:
    return trio.testing.MockClock(autojump_threshold=0)


def run_asyncio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(alone_on_asyncio(main))


def run_trio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return trio.run(alone_on_trio, main, clock=_clock())


def run_anyio_on_asyncio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return anyio.run(alone_on_asyncio, main, backend="asyncio", backend_options={"loop_factory": VirtualLoop})


def run_anyio_on_trio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return anyio.run(alone_on_trio, main, backend="trio", backend_options={"clock": _clock()})


def _virtual(loop: EventLoop, run: Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]) -> EventLoop:
    return EventLoop(loop.name, loop.module, run, anyio.current_time, loop.ask)


VIRTUAL_LOOPS: dict[str, EventLoop] = {
    name: _virtual(EVENT_LOOPS[name], run)
    for name, run in (
        ("asyncio", run_asyncio),
        ("trio", run_trio),
        ("anyio+asyncio", run_anyio_on_asyncio),
        ("anyio+trio", run_anyio_on_trio),
    )
}

on_every_virtual_loop = pytest.mark.parametrize(
    "loop", [pytest.param(loop, id=name) for name, loop in VIRTUAL_LOOPS.items()]
)
