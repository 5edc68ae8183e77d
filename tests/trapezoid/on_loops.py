"""Tests that are coroutine functions, on asyncio and on trio; no task may be left when one ends."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import anyio
import pytest

from loops import EVENT_LOOPS, PATIENCE

Main: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
Run: TypeAlias = Callable[[Main], object]

by_both_loops = pytest.mark.parametrize(
    "run", [pytest.param(EVENT_LOOPS[name].run, id=name) for name in ("anyio+asyncio", "anyio+trio")]
)


def on_both_loops(main: Main) -> Callable[[Run], None]:
    """Make a test of a coroutine function, run once by each of the two."""

    def test(run: Run) -> None:
        run(main)

    test.__name__, test.__qualname__, test.__module__ = main.__name__, main.__qualname__, main.__module__
    return by_both_loops(test)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that happens soon; only a hanging test waits long."""
    with anyio.fail_after(PATIENCE):
        while True:
            if condition():
                return
            await anyio.sleep(0.01)
