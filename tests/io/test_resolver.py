from __future__ import annotations

import pytest

from siptls.dns import Address, Alias, Answer, Denial, Lookup, Security, Source
from siptls_io.resolver import MAX_TTL, Cache

SOURCE = Source("a test")


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def answer(name: str, ttl: float, *, denied: bool = False) -> Answer:
    lookup = Lookup(name, "A")
    aliases = (Alias(name, f"to.{name}", Security.SECURE, ttl + 5),)
    records = () if denied else (Address(f"to.{name}", "192.0.2.1"),)
    denial = Denial.NXDOMAIN if denied else None
    return Answer(lookup, aliases, f"to.{name}", records, denial, Security.SECURE, ttl, SOURCE)


@pytest.mark.req("R6698-8.2-1", "R2308-5-1")
@pytest.mark.parametrize("denied", [False, True])
def test_an_answer_is_kept_until_its_time_is_over_and_says_what_remains_of_it(denied: bool) -> None:
    clock = Clock()
    cache = Cache(clock=clock)
    original = answer("example.com", 60, denied=denied)
    assert cache.get(original.question) is None
    cache.put(original)
    clock.now += 59.5
    kept = cache.get(Lookup("example.com", "A"))
    assert kept is not None
    assert (kept.ttl, [step.ttl for step in kept.aliases]) == (0.5, [5.5])
    assert (kept.records, kept.denial, kept.owner) == (original.records, original.denial, original.owner)
    assert (kept.security, kept.source) == (original.security, original.source)
    assert cache.get(Lookup("example.com", "AAAA")) is None
    clock.now += 0.5
    assert cache.get(Lookup("example.com", "A")) is None


def test_what_has_no_time_to_live_is_not_kept() -> None:
    cache = Cache(clock=Clock())
    cache.put(answer("example.com", 0))
    assert cache.get(Lookup("example.com", "A")) is None


def test_nothing_is_kept_longer_than_a_day() -> None:
    clock = Clock()
    cache = Cache(clock=clock)
    cache.put(answer("example.com", 10 * MAX_TTL))
    clock.now += MAX_TTL - 1
    assert cache.get(Lookup("example.com", "A")) is not None
    clock.now += 1
    assert cache.get(Lookup("example.com", "A")) is None


def test_a_full_cache_drops_what_was_not_used_for_the_longest_time() -> None:
    cache = Cache(2, clock=Clock())
    cache.put(answer("a.example", 60))
    cache.put(answer("b.example", 60))
    assert cache.get(Lookup("a.example", "A")) is not None
    cache.put(answer("c.example", 60))
    assert cache.get(Lookup("b.example", "A")) is None
    assert cache.get(Lookup("a.example", "A")) is not None
    assert cache.get(Lookup("c.example", "A")) is not None
