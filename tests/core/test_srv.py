"""The order of SRV records (RFC 2782)."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import accumulate
from typing import TypeAlias, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siptls.dns import Srv
from siptls.srv import ordered

T = TypeVar("T")
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


# The distribution, against exact probabilities.

Places: TypeAlias = tuple[int, int]
"""Which record came first and which second, by their places in the answer."""

ROUNDS = 100_000
WEIGHTS = {
    "one to three": (1, 3),
    "one without weight": (0, 1, 3, 6),
    "the one without weight comes last": (6, 3, 1, 0),
    "several without weight": (5, 0, 0, 2),
    "none without weight": (10, 20, 30, 40),
    "five, so that sums are kept in a tree": (1, 2, 3, 4, 5),
    "seven, two without weight": (0, 1, 7, 0, 3, 2, 7),
    "nine, one far above the others": (1, 1, 1, 1, 1, 1, 1, 0, 200),
}


def shares(weights: dict[int, int]) -> dict[int, Fraction]:
    """How often each record is drawn first, in the words of RFC 2782; the weights by the place in the answer.

    "Arrange all SRV RRs in any order, except that all those with weight 0 are placed at the beginning of the list",
    here in the order of the answer. "Choose a uniform random number between 0 and the sum computed (inclusive), and
    select the RR whose running sum value is the first in the selected order which is greater than or equal to" it.
    """
    arranged = [place for place in weights if weights[place] == 0] + [place for place in weights if weights[place]]
    numbers = range(sum(weights.values()) + 1)
    running = list(accumulate([weights[place] for place in arranged]))
    drawn = Counter(next(p for p, total in zip(arranged, running, strict=True) if total >= n) for n in numbers)
    return {place: Fraction(drawn[place], len(numbers)) for place in weights}


def pairs(weights: tuple[int, ...]) -> dict[Places, Fraction]:
    """How often each pair of records comes first and second: the second is drawn from those that the first left."""
    everyone = dict(enumerate(weights))
    return {
        (one, two): share * share_of_those_left
        for one, share in shares(everyone).items()
        for two, share_of_those_left in shares({p: w for p, w in everyone.items() if p != one}).items()
    }


def bound(freedom: int) -> float:
    """What a chi-square statistic exceeds once in a thousand times, nearly (Wilson and Hilferty)."""
    part = 2 / (9 * freedom)
    return freedom * (1 - part + 3.0902 * math.sqrt(part)) ** 3


def assert_shares(seen: Counter[T], expected: dict[T, Fraction]) -> None:
    """Hold counts against exact probabilities; what has none must not occur."""
    assert sum(expected.values()) == 1
    possible = {each: share for each, share in expected.items() if share}
    assert set(+seen) <= set(possible)
    total = seen.total()
    statistic = sum(
        (seen[each] - float(share) * total) ** 2 / (float(share) * total) for each, share in possible.items()
    )
    assert statistic < bound(len(possible) - 1) if len(possible) > 1 else statistic == 0


def test_the_exact_shares_are_those_that_can_be_worked_out_by_hand() -> None:
    # Of the eleven numbers 0 to 10, one falls to weight 0 and the others by weight; without weight 0 the 0 falls to
    # whoever stands first.
    by_weight = dict(zip((0, 1, 3, 6), shares({0: 0, 1: 1, 2: 3, 3: 6}).values(), strict=True))
    assert by_weight == {0: Fraction(1, 11), 1: Fraction(1, 11), 3: Fraction(3, 11), 6: Fraction(6, 11)}
    assert shares({0: 1, 1: 3}) == {0: Fraction(2, 5), 1: Fraction(3, 5)}
    assert pairs((0, 1, 3))[2, 1] == Fraction(3, 5) * Fraction(1, 2)
    assert pairs((0, 1, 3))[1, 2] == Fraction(1, 5) * Fraction(3, 4)
    # Two zeros: the 0 falls to the first of them. "Any order" lets it be the order of the answer, which servers rotate.
    assert shares({0: 0, 1: 0, 2: 4}) == {0: Fraction(1, 5), 1: Fraction(0), 2: Fraction(4, 5)}
    assert bound(3) == pytest.approx(16.27, rel=0.02)


@pytest.mark.req("R2782-wt-1", "R2782-wt-2", "R3263-4.2-6")
@pytest.mark.parametrize("weights", [pytest.param(weights, id=name) for name, weights in WEIGHTS.items()])
def test_the_shares_of_the_first_and_of_the_second_place_are_exact_by_chi_square(weights: tuple[int, ...]) -> None:
    draw = random.Random(20261122).randrange  # the seed is fixed: there are no false alarms
    records = [Srv("o", 0, weight, 1, str(place)) for place, weight in enumerate(weights)]
    seen: Counter[Places] = Counter()
    for _ in range(ROUNDS):
        one, two, *_rest = ordered(records, draw)
        seen[int(one.target), int(two.target)] += 1
    expected = pairs(weights)
    assert_shares(seen, expected)
    everyone = dict(enumerate(weights))
    assert_shares(
        Counter({p: sum([n for (one, _), n in seen.items() if one == p]) for p in everyone}), shares(everyone)
    )
    for first in everyone:
        # The second place by itself, among the runs that this record began.
        behind = Counter({two: count for (one, two), count in seen.items() if one == first})
        if behind:
            assert_shares(behind, shares({place: weight for place, weight in everyone.items() if place != first}))


@pytest.mark.req("R2782-wt-2")
def test_a_record_without_weight_is_never_excluded_beside_heavy_ones() -> None:
    records = [Srv("o", 0, 50, 1, "heavy"), Srv("o", 0, 0, 1, "light"), Srv("o", 0, 49, 1, "heavy")]
    draw = random.Random(2782).randrange
    seen = Counter(ordered(records, draw)[0].target for _ in range(10_000))
    assert 50 < seen["light"] < 160  # one draw in a hundred


@pytest.mark.req("R2782-wt-1")
@pytest.mark.parametrize("count", [2, 4, 5, 9])
def test_where_no_record_has_a_weight_each_number_is_zero_and_the_order_of_the_answer_stands(count: int) -> None:
    # "Domain administrators SHOULD use Weight 0 when there isn't any server selection to do."
    records = [Srv("o", 0, 0, 1, str(place)) for place in range(count)]
    for seed in range(20):
        assert ordered(records, random.Random(seed).randrange) == records
    turned = records[1:] + records[:1]
    assert ordered(turned, random.Random(0).randrange) == turned


@pytest.mark.req("R2782-pri-1")
@given(RECORDS, st.integers(0, 2**32))
def test_no_draw_lets_a_record_pass_one_of_a_lower_priority(records: list[Srv], seed: int) -> None:
    found = ordered(records, random.Random(seed).randrange)
    assert [r.priority for r in found] == sorted([r.priority for r in records])
    assert sorted(map(id, found)) == sorted(map(id, records))


def test_many_records_cost_no_more_than_their_sort() -> None:
    calls = 0

    def counted(n: int) -> int:
        nonlocal calls
        calls += 1
        return n - 1

    records = [Srv("o", 0, n % 7, 1, str(n)) for n in range(5_000)]
    assert sorted(r.target for r in ordered(records, counted)) == sorted(r.target for r in records)
    assert calls == len(records)
