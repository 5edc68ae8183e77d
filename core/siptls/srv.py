"""The order in which the targets of an SRV record set are tried (RFC 2782, "Usage rules")."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from .dns.records import Srv
from .names import fold

_FEW: Final = 4


def ordered(records: Iterable[Srv], randbelow: Callable[[int], int]) -> list[Srv]:
    """Put SRV records into the order in which a client tries them.

    Args:
        records: the records of one owner name.
        randbelow: a source of randomness: ``randbelow(n)`` returns a number from 0 to n - 1.

    Returns:
        All records: lowest priority first; within one priority drawn by weight, exactly as RFC 2782 says, in time
        n log n.
    """
    left = sorted(records, key=_rank)
    result: list[Srv] = []
    start = 0
    for end, record in enumerate(left):
        if record.priority != left[start].priority:
            result += _drawn(left[start:end], randbelow)
            start = end
    return result + _drawn(left[start:], randbelow)


def ordered_without_chance(records: Iterable[Srv]) -> list[Srv]:
    """Put SRV records into an order that is the same each time, for a proxy that keeps no state.

    Args:
        records: the records of one owner name, in any order.

    Returns:
        All records: lowest priority first; within one priority the greatest weight first, then by name and port.

    Source: RFC 3263 section 4.4.
    """
    return sorted(records, key=lambda record: (record.priority, -record.weight, fold(record.target), record.port))


def _rank(record: Srv) -> int:
    # Records without weight come first in their priority, so that a draw of 0 can choose one of them.
    return 2 * record.priority + (record.weight > 0)


def _drawn(records: list[Srv], randbelow: Callable[[int], int]) -> list[Srv]:
    """Draw records of one priority one after the other, each by its share of the weights that are left."""
    if len(records) < 2:
        return records
    if len(records) > _FEW:
        tree = _WeightTree([record.weight for record in records])
        return [records[tree.draw(randbelow)] for _ in records]
    # The same without the tree, which costs more than it saves where there are few records.
    total = sum([record.weight for record in records])
    result: list[Srv] = []
    while records:
        drawn = randbelow(total + 1)
        chosen = 0
        while drawn > records[chosen].weight:
            drawn -= records[chosen].weight
            chosen += 1
        total -= records[chosen].weight
        result.append(records.pop(chosen))
    return result


class _WeightTree:
    """The running sums of the weights that are left, as a Fenwick tree: a draw costs log n instead of n."""

    def __init__(self, weights: list[int]) -> None:
        self._weights = weights
        self._size = len(weights)
        self._sums = [0, *weights]
        self._total = sum(weights)
        self._taken = [False] * self._size
        self._first = 0
        for i in range(1, self._size + 1):
            parent = i + (i & -i)
            if parent <= self._size:
                self._sums[parent] += self._sums[i]

    def draw(self, randbelow: Callable[[int], int]) -> int:
        """Take away, and return, the index of the first record whose running sum reaches a random number.

        The number lies between 0 and the sum of the weights left, both included (RFC 2782).
        """
        index = self._reaching(randbelow(self._total + 1))
        self._taken[index] = True
        self._total -= self._weights[index]
        position = index + 1
        while position <= self._size:
            self._sums[position] -= self._weights[index]
            position += position & -position
        while self._first < self._size and self._taken[self._first]:
            self._first += 1
        return index

    def _reaching(self, wanted: int) -> int:
        if wanted == 0:
            return self._first
        position = 0
        step = 1 << self._size.bit_length()
        while step:
            after = position + step
            if after <= self._size and self._sums[after] < wanted:
                position = after
                wanted -= self._sums[after]
            step >>= 1
        return position
