"""Times functions against each other: a round of each, then the next round, so that a slow moment hits all alike.

The least time of all rounds is kept: whatever else the machine does only ever adds to it. It is processor time, so that
waiting for a busy processor does not count; what neighbours do to caches still does.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from itertools import repeat
from time import thread_time_ns
from typing import Final

ROUNDS: Final = 31
_ROUND: Final = 4_000_000
"""How long each function is run in a round, in nanoseconds; once at the least. Short, so that some are undisturbed."""


def _nothing() -> None:
    pass


def _elapsed(function: Callable[[], object], count: int) -> int:
    for _ in repeat(None, 1 + count // 8):
        function()  # what ran before has left the caches full of other things
    started = thread_time_ns()
    for _ in repeat(None, count):
        function()
    return thread_time_ns() - started


def _count(function: Callable[[], object]) -> int:
    """How many calls fill a round."""
    count = 1
    while (elapsed := _elapsed(function, count)) < _ROUND // 4:
        count *= 4
    return max(1, count * _ROUND // elapsed)


def measured(functions: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Measure functions side by side.

    Args:
        functions: what to call, by name.
        rounds: how many rounds.

    Returns:
        For each name the nanoseconds of one call, net of what it costs to call a function that does nothing. The
        collector of cyclic garbage runs between the rounds.
    """
    everything = {"": _nothing, **functions}
    counts = {name: _count(function) for name, function in everything.items()}
    least = dict.fromkeys(everything, float("inf"))
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, function in everything.items():
                least[name] = min(least[name], _elapsed(function, counts[name]) / counts[name])
            gc.collect()
    finally:
        gc.enable()
    return {name: least[name] - least[""] for name in functions}
