"""Cancels something at some moments: those of the rounds of asyncio's event loop, and the steps of trio's tasks.

A moment after the end does nothing. So whoever tries one moment after the other, until nothing is cancelled any more,
has tried them all.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import anyio
import trio
import trio.testing

from loops import alone_on_asyncio, alone_on_trio
from scenarios.virtual import Jumping, VirtualLoop

T = TypeVar("T")
Attempt: TypeAlias = Callable[[], Coroutine[Any, Any, T]]
Moments: TypeAlias = tuple[int, ...]


class Way(Protocol):
    """A way to run something and to cancel it at some moments; the result is None if it was cancelled."""

    def __call__(self, attempt: Attempt[T], moments: Moments, *, virtual: bool = True) -> T | None: ...


class _Rounds(selectors.DefaultSelector):
    """Does something at some moments of an event loop: each of its rounds has one before it waits and one after."""

    moments: Moments = ()
    then: Callable[[], object]
    moment = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0 if self._act() else timeout)
        self._act()
        return ready

    def _act(self) -> bool:
        if not self.moments:
            return False
        acts = self.moment in self.moments
        self.moment += 1
        if acts:
            self.then()
        return acts


class _VirtualRounds(_Rounds, Jumping):
    """The same in virtual time."""


def _on_asyncio(main: Callable[[_Rounds], Coroutine[Any, Any, T]], *, virtual: bool) -> T:
    rounds = _VirtualRounds() if virtual else _Rounds()

    def loop() -> asyncio.AbstractEventLoop:
        return VirtualLoop(rounds) if isinstance(rounds, Jumping) else asyncio.SelectorEventLoop(rounds)

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(alone_on_asyncio(lambda: main(rounds)))


def task_cancelled(attempt: Attempt[T], moments: Moments, *, virtual: bool = True) -> T | None:
    """Cancel a task of asyncio."""

    async def main(rounds: _Rounds) -> T | None:
        task = asyncio.get_running_loop().create_task(attempt())
        rounds.then, rounds.moments = task.cancel, moments
        try:
            return await task
        except asyncio.CancelledError:
            return None
        finally:
            rounds.moments = ()

    return _on_asyncio(main, virtual=virtual)


def scope_cancelled_on_asyncio(attempt: Attempt[T], moments: Moments, *, virtual: bool = True) -> T | None:
    """Cancel a scope of anyio on asyncio."""

    async def main(rounds: _Rounds) -> T | None:
        with anyio.CancelScope() as scope:
            rounds.then, rounds.moments = scope.cancel, moments
            try:
                return await attempt()
            finally:
                rounds.moments = ()
        return None

    return _on_asyncio(main, virtual=virtual)


class _Steps(trio.abc.Instrument):
    def __init__(self, moments: Moments, scope: trio.CancelScope) -> None:
        self._moments = moments
        self._scope = scope
        self._step = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if self._step in self._moments:
            self._scope.cancel()
        self._step += 1


def scope_cancelled_on_trio(attempt: Attempt[T], moments: Moments, *, virtual: bool = True) -> T | None:
    """Cancel a scope of trio, which is what anyio's scopes are there."""

    async def main() -> T | None:
        with trio.CancelScope() as scope:
            steps = _Steps(moments, scope)
            trio.lowlevel.add_instrument(steps)
            try:
                return await attempt()
            finally:
                trio.lowlevel.remove_instrument(steps)
        return None

    clock = trio.testing.MockClock(autojump_threshold=0) if virtual else None
    return trio.run(alone_on_trio, main, clock=clock)


WAYS: Final[dict[str, tuple[str, Way]]] = {
    "asyncio": ("asyncio", task_cancelled),
    "trio": ("trio", scope_cancelled_on_trio),
    "anyio+asyncio, its scope": ("anyio+asyncio", scope_cancelled_on_asyncio),
    "anyio+asyncio, the task": ("anyio+asyncio", task_cancelled),
    "anyio+trio": ("anyio+trio", scope_cancelled_on_trio),
}
"""For each way to cancel the loop that it is for."""
