from __future__ import annotations

import threading

import pytest
from dns.rcode import NOERROR, NXDOMAIN, REFUSED, SERVFAIL, Rcode
from hypothesis import given
from hypothesis import strategies as st

from loopback_dns import NameServer, response
from siptls.dns import Address, Alias, Answer, Denial, Lookup, Naptr, Security, Source, Tlsa
from siptls.events import Answered, LookupFailed
from siptls_io import AdResolver
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


def test_a_full_cache_is_measured_in_octets_too() -> None:
    big = Lookup("big.example", "TLSA")
    data = tuple(Tlsa("big.example", 3, 1, 0, bytes([number]) * 1_000) for number in range(4))
    cache = Cache(octets=10_000, clock=Clock())
    cache.put(answer("a.example", 60))
    cache.put(answer("b.example", 60))
    assert cache.get(Lookup("a.example", "A")) is not None
    cache.put(Answer(big, (), "big.example", data, None, Security.SECURE, 60, SOURCE))  # 8,000 hexadecimal digits
    assert cache.get(Lookup("b.example", "A")) is None
    assert cache.get(Lookup("a.example", "A")) is not None
    assert cache.get(big) is not None
    more = Answer(Lookup("c.example", "TLSA"), (), "c.example", data, None, Security.SECURE, 60, SOURCE)
    cache.put(more)
    assert cache.get(big) is None
    assert cache.get(more.question) is not None


def test_an_answer_that_alone_is_too_big_is_not_kept_and_drops_nothing_else() -> None:
    lookup = Lookup("big.example", "NAPTR")
    records = tuple(Naptr("big.example", 1, number, "s", "SIPS+D2T", "x" * 250, ".") for number in range(100))
    cache = Cache(octets=20_000, clock=Clock())
    cache.put(answer("a.example", 60))
    cache.put(Answer(lookup, (), "big.example", records, None, Security.SECURE, 60, SOURCE))
    assert cache.get(lookup) is None
    assert cache.get(Lookup("a.example", "A")) is not None


def test_a_newer_answer_replaces_an_older_one_even_if_it_must_not_be_kept() -> None:
    clock = Clock()
    cache = Cache(clock=clock)
    cache.put(answer("example.com", 60))
    clock.now += 10
    cache.put(answer("example.com", 100, denied=True))
    kept = cache.get(Lookup("example.com", "A"))
    assert kept is not None
    assert (kept.denial, kept.ttl) == (Denial.NXDOMAIN, 100)
    cache.put(answer("example.com", 0))
    assert cache.get(Lookup("example.com", "A")) is None


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 40), st.integers(0, 30)), max_size=60))
def test_a_cache_never_keeps_more_than_it_may_and_never_tells_what_has_expired(
    puts: list[tuple[int, int, int]],
) -> None:
    clock = Clock()
    cache = Cache(5, 6_000, clock=clock)
    expires: dict[Lookup, float] = {}
    for name, ttl, records in puts:
        lookup = Lookup(f"n{name}.example", "A")
        found = tuple(Address(lookup.name, f"192.0.2.{number}") for number in range(records))
        cache.put(Answer(lookup, (), lookup.name, found, None, Security.SECURE, ttl, SOURCE))
        expires[lookup] = clock.now + ttl
        clock.now += 3
        kept = {each: got for each in expires if (got := cache.get(each)) is not None}
        assert len(kept) <= 5
        assert sum(len(got.records) for got in kept.values()) * 150 <= 6_000
        assert all(got.ttl == expires[each] - clock.now > 0 for each, got in kept.items())


def test_threads_share_a_cache() -> None:
    cache = Cache(8, clock=Clock())
    failures: list[BaseException] = []

    def hammer(seed: int) -> None:
        try:
            for number in range(2_000):
                name = f"n{(number * seed) % 16}.example"
                cache.put(answer(name, 60))
                if (got := cache.get(Lookup(name, "A"))) is not None:
                    assert got.question.name == name
        except BaseException as error:  # noqa: BLE001 - the test raises it below
            failures.append(error)

    threads = [threading.Thread(target=hammer, args=(seed,)) for seed in (1, 3, 5, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(cache.get(Lookup(f"n{n}.example", "A")) is not None for n in range(16)) == 8


SOA = "example.com. 900 IN SOA ns1.example.com. h.example.com. 1 2 3 4 60"


@pytest.mark.req("R2308-5-1")
@pytest.mark.parametrize(("rcode", "denial"), [(NXDOMAIN, Denial.NXDOMAIN), (NOERROR, Denial.NODATA)])
def test_a_denial_is_kept_as_long_as_the_soa_record_says_and_the_network_is_not_asked_again(
    rcode: Rcode, denial: Denial
) -> None:
    clock = Clock()
    with NameServer(lambda query, tcp: response(query, authority=(SOA,), rcode=rcode)) as server:
        resolver = AdResolver([server.address], cache=Cache(clock=clock))
        for later, queries, ttl in ((0, 1, 60), (59, 1, 1), (1, 2, 60)):
            clock.now += later
            event = resolver.answer(Lookup("a.example.com", "A"))
            assert isinstance(event, Answered)
            assert (event.answer.denial, event.answer.ttl) == (denial, ttl)
            assert len(server.queries) == queries


@pytest.mark.req("R2308-5-1")
def test_a_denial_without_an_soa_record_is_not_kept() -> None:
    with NameServer(lambda query, tcp: response(query, rcode=NXDOMAIN)) as server:
        resolver = AdResolver([server.address])
        for queries in (1, 2):
            assert isinstance(resolver.answer(Lookup("a.example.com", "A")), Answered)
            assert len(server.queries) == queries


@pytest.mark.req("R2308-7.1-1", "R4035-4.7-1")
@pytest.mark.parametrize("rcode", [SERVFAIL, REFUSED])
def test_a_failure_is_never_kept(rcode: Rcode) -> None:
    with NameServer(lambda query, tcp: response(query, rcode=rcode)) as server:
        resolver = AdResolver([server.address])
        for queries in (1, 2):
            assert isinstance(resolver.answer(Lookup("a.example.com", "A")), LookupFailed)
            assert len(server.queries) == queries


@pytest.mark.req("T-S02")
def test_what_a_trusted_resolver_found_out_reaches_another_one_only_through_a_cache_that_the_caller_shares() -> None:
    with NameServer(lambda query, tcp: response(query, "a.example.com. 60 IN A 192.0.2.1", ad=True)) as server:
        shared = Cache()

        def security(*, trusted: bool, cache: Cache | None = None) -> Security:
            resolver = AdResolver([server.address], [server.address] if trusted else [], cache=cache)
            event = resolver.answer(Lookup("a.example.com", "A"))
            assert isinstance(event, Answered)
            return event.answer.security

        assert security(trusted=True) is Security.SECURE
        assert security(trusted=False) is Security.INSECURE
        assert security(trusted=True, cache=shared) is Security.SECURE
        assert security(trusted=False, cache=shared) is Security.SECURE
