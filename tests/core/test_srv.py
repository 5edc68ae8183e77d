"""The order of SRV records (RFC 2782)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siptls.dns import Srv
from siptls.srv import ordered

RECORDS = st.lists(
    st.builds(Srv, st.just("o"), st.integers(0, 3), st.integers(0, 9), st.integers(1, 99), st.just("h")), max_size=12
)


def naive(records: list[Srv], randbelow: Callable[[int], int]) -> list[Srv]:
    """RFC 2782 word by word: zero weights first, running sums, a number up to the sum, first one that reaches it."""
    left = sorted(records, key=lambda r: r.priority)
    result: list[Srv] = []
    for priority in sorted({r.priority for r in left}):
        group = sorted([r for r in left if r.priority == priority], key=lambda r: r.weight > 0)
        while group:
            if len(group) == 1 and len([r for r in left if r.priority == priority]) == 1:
                result.append(group.pop())
                continue
            drawn = randbelow(sum(r.weight for r in group) + 1)
            running = 0
            for record in group:
                running += record.weight
                if running >= drawn:
                    result.append(record)
                    group.remove(record)
                    break
    return result


@pytest.mark.req("R2782-wt-1", "R2782-pri-1", "R3263-4.2-6")
@given(RECORDS, st.integers(0, 2**32))
def test_the_order_is_that_of_the_words_of_rfc_2782(records: list[Srv], seed: int) -> None:
    fast = ordered(records, random.Random(seed).randrange)
    slow = naive(records, random.Random(seed).randrange)
    assert [id(r) for r in fast] == [id(r) for r in slow]


@pytest.mark.req("R2782-wt-1")
def test_a_draw_of_zero_takes_a_record_without_weight_and_any_other_never_does() -> None:
    zero, one, three = (Srv("o", 0, weight, 1, str(weight)) for weight in (0, 1, 3))
    for drawn, expected in [(0, zero), (1, one), (2, three), (3, three), (4, three)]:
        draws = iter([drawn, 0, 0])

        def scripted(_n: int, draws: Iterator[int] = draws) -> int:
            return next(draws)

        assert ordered([one, three, zero], scripted)[0] is expected


@pytest.mark.req("R2782-wt-1", "R2782-wt-2")
def test_the_shares_are_those_of_the_weights_by_chi_square() -> None:
    draw = random.Random(20261122).randrange
    weights = (0, 1, 3, 6)
    records = [Srv("o", 0, weight, 1, str(weight)) for weight in weights]
    rounds = 100_000
    seen = Counter(ordered(records, draw)[0].weight for _ in range(rounds))
    # Of the eleven numbers 0 to 10, one falls to weight 0 and the others by weight.
    expected = {0: Fraction(1, 11), 1: Fraction(1, 11), 3: Fraction(3, 11), 6: Fraction(6, 11)}
    chi_square = sum(
        (seen[weight] - float(share) * rounds) ** 2 / (float(share) * rounds) for weight, share in expected.items()
    )
    assert chi_square < 16.27  # 3 degrees of freedom, one false alarm in a thousand seeds; the seed is fixed


def test_many_records_cost_no_more_than_their_sort() -> None:
    calls = 0

    def counted(n: int) -> int:
        nonlocal calls
        calls += 1
        return n - 1

    records = [Srv("o", 0, n % 7, 1, str(n)) for n in range(5_000)]
    assert sorted(r.target for r in ordered(records, counted)) == sorted(r.target for r in records)
    assert calls == len(records)
