"""How the work of locating grows with the number of targets: counted, not timed, so that load changes nothing.

What takes place in C is not counted here; the ratios of times are in `benchmarks`.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from siptls import Limits, Locate, Lookup, Outbound, Policy, TargetFailed, TargetFailure, TargetInUse
from siptls.dns import Srv
from siptls.events import Connect, ConnectFailed
from siptls.srv import ordered, ordered_without_chance
from world import AT, World, first

URI = "sips:alice@example.com"
OWNER = "_sips._tcp.example.com"
WIDE = Limits(targets=10_000, lookups=100_000, attempts=100_000, records=10_000)


def domain_of(targets: int) -> World:
    """A domain with so many servers, each with an address of both families."""
    world = World()
    world.naptr("example.com", (10, 10, "s", "SIPS+D2T", "", OWNER))
    world.srv(OWNER, *[(n % 5, 1 + n % 7, 5061, f"h{n}.example.com") for n in range(targets)])
    for n in range(targets):
        world.address(f"h{n}.example.com", f"10.0.{n >> 8}.{n & 255}", f"2001:db8::{n:x}")
    return world


class Calls:
    """Counts the Python functions of the core that are called while it is entered, by their module."""

    def __init__(self) -> None:
        self.by_module: Counter[str] = Counter()

    @property
    def total(self) -> int:
        return self.by_module.total()

    def outside(self, *modules: str) -> int:
        return sum([count for name, count in self.by_module.items() if name not in modules])

    def _called(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            module = str(frame.f_globals.get("__name__", ""))
            if module.startswith("siptls."):
                self.by_module[module.removeprefix("siptls.")] += 1

    def __enter__(self) -> Calls:
        self._before = sys.getprofile()
        sys.setprofile(self._called)
        return self

    def __exit__(self, *_failure: object) -> None:
        sys.setprofile(self._before)


def located(world: World, policy: Policy, used: int = 0, failing: int = 0) -> tuple[Locate, list[Lookup]]:
    """Drive a machine until it waits for its caller, who tries some targets of which some fail."""
    machine = Locate(URI, policy=policy, now=0.0, at=AT, randbelow=first)
    asked: list[Lookup] = []
    answer(machine, world, asked)
    for turn in range(used):
        target = machine.next_target
        assert target is not None
        machine.receive(TargetInUse(target), now=0.0)
        answer(machine, world, asked)
        if turn < failing:
            machine.receive(TargetFailed(target, TargetFailure.TIMEOUT), now=0.0)
            answer(machine, world, asked)
    return machine, asked


def answer(machine: Locate, world: World, asked: list[Lookup]) -> None:
    """Answer what the machine asks, until it asks no more."""
    while actions := machine.next_actions(now=0.0):
        for action in actions:
            assert isinstance(action, Lookup)
            asked.append(action)
            machine.receive(world.answer(action), now=0.0)


def counted(run: Callable[..., Any], *arguments: object) -> Calls:
    """What one run calls; it has run once before, so that nothing is counted that is done only once."""
    run(*arguments)
    with Calls() as calls:
        run(*arguments)
    return calls


def test_what_is_counted_is_what_is_called() -> None:
    records = [Srv("o", 0, 1, 1, "a"), Srv("o", 1, 1, 1, "b")]
    calls = counted(ordered, records, first)
    assert set(calls.by_module) == {"srv"}
    assert calls.total >= 1 + len(records)  # the function, and the key of each record
    assert counted(lambda: None).total == 0


@pytest.mark.req("T-L01", "R2782-use-1")
def test_all_targets_at_once_cost_two_questions_each_and_calls_in_proportion() -> None:
    small, large = domain_of(100), domain_of(1_000)
    policy = Policy(limits=WIDE)
    machine, asked = located(large, policy)
    assert len(asked) == 2 + 2 * 1_000
    assert len(set(asked)) == len(asked)
    assert machine.result is not None
    assert (len(machine.result.targets), machine.result.complete) == (1_000, True)
    few, many = (counted(located, world, policy).total for world in (small, large))
    assert many <= 12 * few


@pytest.mark.parametrize("prefetch", [0, 1, 5])
@pytest.mark.parametrize("used", [1, 2, 10])
@pytest.mark.parametrize("targets", [100, 1_000])
def test_a_lazy_run_asks_two_questions_for_each_target_that_is_used_and_for_those_ahead(
    prefetch: int, used: int, targets: int
) -> None:
    _, asked = located(domain_of(targets), Policy(limits=WIDE, prefetch=prefetch), used, failing=used - 1)
    assert len(asked) == 2 + 2 * (used + prefetch)
    assert len(set(asked)) == len(asked)


def test_before_a_target_is_used_a_lazy_run_asks_for_the_first_one_alone() -> None:
    machine, asked = located(domain_of(1_000), Policy(limits=WIDE, prefetch=5))
    assert [lookup.rrtype for lookup in asked] == ["NAPTR", "SRV", "AAAA", "A"]
    assert [target.host for target in machine.targets] == [asked[-1].name]
    assert machine.result is None


@pytest.mark.parametrize("prefetch", [0, 3])
def test_a_lazy_run_calls_as_much_for_a_thousand_targets_as_for_a_hundred_but_for_their_order(prefetch: int) -> None:
    policy = Policy(limits=WIDE, prefetch=prefetch)
    small, large = domain_of(100), domain_of(1_000)
    few, many = (counted(located, world, policy, 3, 2) for world in (small, large))
    assert many.outside("srv") <= 1.02 * few.outside("srv")
    assert many.by_module["srv"] <= 12 * few.by_module["srv"]
    # And nothing of a run with all of them.
    assert many.outside("srv") * 50 < counted(located, large, Policy(limits=WIDE)).outside("srv")


def test_each_further_target_costs_the_same_wherever_it_stands() -> None:
    world, policy = domain_of(1_000), Policy(limits=WIDE, prefetch=1)
    first_ten, first_hundred, all_of_them = (
        counted(located, world, policy, n, n - 1).outside("srv") for n in (10, 100, 990)
    )
    one_more = (first_hundred - first_ten) / 90
    assert (all_of_them - first_hundred) / 890 <= 1.05 * one_more


@pytest.mark.req("T-L01")
def test_a_connection_to_each_of_a_thousand_targets_costs_calls_in_proportion() -> None:
    def run(world: World) -> int:
        machine = Outbound(URI, policy=Policy(limits=WIDE), now=0.0, at=AT, randbelow=first)
        lookups = 0
        while machine.verdict is None:
            for action in machine.next_actions(now=0.0):
                if isinstance(action, Lookup):
                    lookups += 1
                    machine.receive(world.answer(action), now=0.0)
                else:
                    assert isinstance(action, Connect)
                    machine.receive(ConnectFailed(action, "net.refused"), now=0.0)
        return lookups

    small, large = domain_of(100), domain_of(1_000)
    # Two address questions for each, and one for TLSA records.
    assert (run(small), run(large)) == (2 + 3 * 100, 2 + 3 * 1_000)
    few, many = (counted(run, world).total for world in (small, large))
    assert many <= 12 * few


# The order of SRV records: here the steps are sums and comparisons of weights.


class Weight(int):
    """A number that counts what is done with it."""

    done = 0

    def _counted(self, value: int) -> Weight:
        Weight.done += 1
        return Weight(value)

    def __add__(self, other: int, /) -> Weight:
        return self._counted(int(self) + int(other))

    def __radd__(self, other: int, /) -> Weight:
        return self._counted(int(other) + int(self))

    def __sub__(self, other: int, /) -> Weight:
        return self._counted(int(self) - int(other))

    def __rsub__(self, other: int, /) -> Weight:
        return self._counted(int(other) - int(self))

    def __lt__(self, other: int, /) -> bool:
        Weight.done += 1
        return int(self) < int(other)

    def __gt__(self, other: int, /) -> bool:
        Weight.done += 1
        return int(self) > int(other)


def steps(count: int, priorities: int, draw: Callable[[int], int]) -> int:
    """What is done with weights, to put so many records into their order."""
    records = [Srv("o", n % priorities, Weight(n * 7 % 11), 1, str(n)) for n in range(count)]
    Weight.done = 0
    found = ordered(records, draw)
    assert sorted(map(id, found)) == sorted(map(id, records))
    return Weight.done


DRAWS: dict[str, Callable[[int], int]] = {
    "always the least": first,
    "always the greatest": lambda n: n - 1,
    "always the middle": lambda n: n // 2,
    "by chance": random.Random(2782).randrange,
}


def test_what_is_done_with_weights_is_counted() -> None:
    assert steps(2, 2, first) == 2 < steps(2, 1, first)  # whether there is a weight at all


@pytest.mark.req("R2782-wt-1", "R2782-pri-1")
@pytest.mark.parametrize("priorities", [1, 3])
@pytest.mark.parametrize("draw", DRAWS)
def test_the_order_of_ten_times_the_srv_records_takes_at_most_fifteen_times_the_steps(
    draw: str, priorities: int
) -> None:
    small, large = (steps(count, priorities, DRAWS[draw]) for count in (100, 1_000))
    assert large <= 15 * small
    # Each draw looks at as many sums as the number of records has binary digits, and changes as many.
    assert large <= 1_000 * 40


def drawn_first(records: list[Srv]) -> list[Srv]:
    return ordered(records, first)


@pytest.mark.req("R2782-pri-1")
@pytest.mark.parametrize("order", [drawn_first, ordered_without_chance])
def test_the_order_of_ten_times_the_srv_records_takes_at_most_fifteen_times_the_calls(
    order: Callable[[list[Srv]], list[Srv]],
) -> None:
    records = [Srv("o", n % 5, n % 7, 1, f"h{n}.example") for n in range(1_000)]
    few, many = (counted(order, some).total for some in (records[:100], records))
    assert many <= 15 * few
