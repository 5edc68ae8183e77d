"""Examples from a seed, made by Hypothesis, and a failure that says how it comes again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

T = TypeVar("T")

_AT_ONCE = 1_000


def search(examples: st.SearchStrategy[T], check: Callable[[T], None], count: int, first_seed: int) -> None:
    """Check so many examples; the same seed makes the same ones.

    Args:
        examples: what they look like.
        check: raises where something is wrong.
        count: how many.
        first_seed: of the first thousand; each further thousand has the next one.

    Raises:
        AssertionError: something was wrong with an example; it is the simplest that was found.
    """
    for start in range(0, count, _AT_ONCE):
        _search(examples, check, min(_AT_ONCE, count - start), first_seed + start // _AT_ONCE)


def _search(examples: st.SearchStrategy[T], check: Callable[[T], None], count: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(examples)
    def checked(example: T) -> None:
        check(example)

    checked()
