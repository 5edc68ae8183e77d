"""The order of destination addresses beside that of the C library, on a host with many addresses.

glibc orders the answers of getaddrinfo() by RFC 6724; `siptls_io.rfc6724_order` must never contradict it, but for one
thing: glibc compares all the bits of IPv6 addresses, the RFC only those before the interface identifier.
"""

import os
import platform
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address, ip_network

import pytest

from servers import namespace
from servers.destination_order import DEPRECATED, DESTINATIONS, SOURCES, Ordered, ordered_inside, random_hosts
from siptls.address_selection import PolicyTable, destination_order

Order = Callable[..., tuple[str, ...]]

pytestmark = pytest.mark.server("unshare", "mount", "ip")

HOSTS = random_hosts(seed=6724, names=500)


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> Ordered:
    """What the C library made of `HOSTS`."""
    if missing := namespace.missing_permission():
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"{missing} is missing", pytrace=False)
        pytest.skip(f"not run: {missing} missing")
    return ordered_inside(HOSTS, tmp_path_factory.mktemp("inside"))


def _bits_of_glibc(source: str) -> int:
    return 128 if ":" in source else 0


by_the_bits_of_glibc = partial(destination_order, prefix_length=_bits_of_glibc, deprecated=DEPRECATED.__eq__)
only_glibc_knows = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc",
    reason="other C libraries have no gai.conf: their tables cannot be made the RFC's",
)


def contradictions(ordered: Ordered, order: Order) -> set[str]:
    """The names whose addresses, in the order of the C library, are out of order for us."""
    return {
        name
        for name, addresses in ordered.names.items()
        if order(addresses, ordered.sources.__getitem__) != tuple(addresses)
    }


def routed(destination: str) -> str | None:
    """The source that belongs to the route with the longest prefix."""
    if ip_address(destination).is_loopback:
        return "127.0.0.1" if "." in destination else "::1"
    routes = [
        (network.prefixlen, source)
        for source, networks in SOURCES.items()
        for network in map(ip_network, networks)
        if ip_address(destination) in network
    ]
    return max(routes)[1] if routes else None


def test_the_source_is_the_one_that_the_operating_system_uses(ordered: Ordered) -> None:
    assert ordered.sources == {destination: routed(destination) for destination in DESTINATIONS}
    assert {*ordered.sources.values()} == {*SOURCES, "127.0.0.1", "::1", None}


@only_glibc_knows
@pytest.mark.req("R6724-6-1")
def test_what_the_c_library_puts_into_order_is_in_order_for_us(ordered: Ordered) -> None:
    assert {name: sorted(addresses) for name, addresses in ordered.names.items()} == {
        name: sorted(addresses) for name, addresses in HOSTS.items()
    }
    assert contradictions(ordered, by_the_bits_of_glibc) == set()


@only_glibc_knows
@pytest.mark.req("R6724-6-1")
def test_the_order_that_is_ready_to_use_does_not_know_of_deprecated_addresses_only(ordered: Ordered) -> None:
    different = {name for name, addresses in ordered.names.items() if ordered.again[name] != addresses}
    with_deprecated = {
        name for name, addresses in HOSTS.items() if DEPRECATED in {ordered.sources[each] for each in addresses}
    }
    assert different <= with_deprecated


def never(_source: str) -> bool:
    return False


def no_bits(_source: str) -> int:
    return 0


def backwards(addresses: Sequence[str], _source: object) -> tuple[str, ...]:
    return tuple(reversed(addresses))


@only_glibc_knows
@pytest.mark.parametrize(
    "other",
    [
        pytest.param(partial(by_the_bits_of_glibc, deprecated=never), id="rule 3 left out"),
        pytest.param(partial(by_the_bits_of_glibc, table=PolicyTable([("::/0", 1, 1)])), id="rules 5 and 6 left out"),
        pytest.param(backwards, id="backwards"),
    ],
)
def test_another_order_would_contradict_the_c_library(ordered: Ordered, other: Order) -> None:
    assert len(contradictions(ordered, other)) >= 20


@only_glibc_knows
def test_the_c_library_lets_the_longest_prefix_decide_as_we_do(ordered: Ordered) -> None:
    decided = 0
    for addresses in ordered.names.values():
        source, given = ordered.sources.__getitem__, backwards(addresses, None)
        if by_the_bits_of_glibc(given, source) == tuple(addresses):
            decided += by_the_bits_of_glibc(given, source, prefix_length=no_bits) != tuple(addresses)
    assert decided >= 20
