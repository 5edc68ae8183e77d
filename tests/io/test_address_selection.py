"""Which source address this host would use: the operating system is asked, and nothing is sent."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siptls import Locate
from siptls_io import rfc6724_order, source_address
from world import AT, World, first


def has_ipv6_loopback() -> bool:
    """Say whether this machine has ::1; a container may not."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


class Routes:
    """An operating system that knows these sources, and fails for all other destinations."""

    def __init__(self, sources: dict[str, str], failure: int = errno.ENETUNREACH) -> None:
        self.sources = sources
        self.failure = failure
        self.connected: list[tuple[socket.AddressFamily, socket.SocketKind, str]] = []
        self.open = 0

    def socket(self, family: socket.AddressFamily, kind: socket.SocketKind) -> Probe:
        self.open += 1
        return Probe(self, family, kind)


class Probe:
    def __init__(self, routes: Routes, family: socket.AddressFamily, kind: socket.SocketKind) -> None:
        self.routes, self.family, self.kind, self.to = routes, family, kind, ""

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        self.routes.open -= 1

    def connect(self, to: tuple[str, int]) -> None:
        self.routes.connected.append((self.family, self.kind, to[0]))
        self.to = to[0]
        if self.to not in self.routes.sources:
            raise OSError(self.routes.failure, "as the script says")

    def getsockname(self) -> tuple[Any, ...]:
        return (self.routes.sources[self.to], 40_000)


Install = Callable[..., Routes]


@pytest.fixture
def routes(monkeypatch: pytest.MonkeyPatch) -> Install:
    def install(sources: dict[str, str], failure: int = errno.ENETUNREACH) -> Routes:
        scripted = Routes(sources, failure)
        monkeypatch.setattr("siptls_io.address_selection.socket.socket", scripted.socket)
        return scripted

    return install


def test_the_source_for_a_loopback_address_is_a_loopback_address() -> None:
    assert source_address("127.0.0.1") == "127.0.0.1"
    assert source_address("::1") == ("::1" if has_ipv6_loopback() else None)


def test_nothing_arrives_where_only_the_source_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        monkeypatch.setattr("siptls_io.address_selection._DISCARD", listener.getsockname()[1])
        assert source_address("127.0.0.1") == "127.0.0.1"
        with pytest.raises(BlockingIOError):
            listener.recv(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", listener.getsockname())
        listener.settimeout(30.0)
        assert listener.recv(1) == b"x"  # and it would have arrived


def test_a_udp_socket_of_the_family_is_connected_and_closed(routes: Install) -> None:
    system = routes({"192.0.2.1": "192.0.2.7", "2001:db8::1": "2001:db8::7"})
    assert source_address("192.0.2.1") == "192.0.2.7"
    assert source_address("2001:DB8:0::1") == "2001:db8::7"
    assert system.connected == [
        (socket.AF_INET, socket.SOCK_DGRAM, "192.0.2.1"),
        (socket.AF_INET6, socket.SOCK_DGRAM, "2001:db8::1"),
    ]
    assert system.open == 0


def test_a_zone_is_no_part_of_the_source(routes: Install) -> None:
    routes({"fe80::1": "fe80::7%eth0"})
    assert source_address("fe80::1") == "fe80::7"


@pytest.mark.parametrize("failure", [errno.ENETUNREACH, errno.EACCES, errno.EINVAL, errno.EADDRNOTAVAIL])
def test_where_there_is_no_way_there_is_no_source(routes: Install, failure: int) -> None:
    system = routes({}, failure)
    assert source_address("192.0.2.1") is None
    assert system.open == 0


@pytest.mark.parametrize("failure", [errno.EAFNOSUPPORT, errno.EMFILE])
def test_where_there_is_no_socket_there_is_no_source(monkeypatch: pytest.MonkeyPatch, failure: int) -> None:
    def refuse(*_: object) -> None:
        raise OSError(failure, "as the script says")

    monkeypatch.setattr("siptls_io.address_selection.socket.socket", refuse)
    assert source_address("2001:db8::1") is None


@pytest.mark.parametrize("text", ["localhost", "sip.example.com", "fe80::1%lo", "127.1", "<broadcast>", "", "::1\0"])
def test_a_text_that_is_no_address_is_never_looked_up(routes: Install, text: str) -> None:
    system = routes({text: "192.0.2.7"})
    assert source_address(text) is None
    assert system.connected == []


@pytest.mark.req("R6724-6-1")
def test_the_addresses_of_a_host_are_ordered_by_what_the_operating_system_says(routes: Install) -> None:
    routes({"2001:db8:1::1": "fe80::1", "198.51.100.121": "198.51.100.117", "203.0.113.1": "198.51.100.117"})
    given_order = ("2001:db8:9::1", "2001:db8:1::1", "198.51.100.121", "203.0.113.1")
    assert rfc6724_order(given_order) == ("198.51.100.121", "203.0.113.1", "2001:db8:1::1", "2001:db8:9::1")


@pytest.mark.req("R7984-4-1", "R7984-4-4")
def test_locate_takes_it_as_it_is_for_the_addresses_of_each_target(routes: Install) -> None:
    routes({"192.0.2.1": "192.0.2.9", "192.0.2.2": "192.0.2.9"})
    world = World()
    world.srv("_sips._tcp.example.com", (1, 0, 5061, "a.example.com"), (2, 0, 5061, "b.example.com"))
    world.address("a.example.com", "2001:db8::1", "192.0.2.1")
    world.address("b.example.com", "2001:db8::2", "192.0.2.2")
    machine = Locate("sips:example.com", now=0.0, at=AT, randbelow=first, order_addresses=rfc6724_order)
    world.run(machine)
    assert [target.addresses for target in machine.targets] == [
        ("192.0.2.1", "2001:db8::1"),
        ("192.0.2.2", "2001:db8::2"),
    ]


def test_without_any_network_the_order_is_that_of_the_rules_that_need_no_source(routes: Install) -> None:
    routes({})
    assert rfc6724_order(["192.0.2.1", "2002::1", "2001:db8::1"]) == ("2001:db8::1", "192.0.2.1", "2002::1")


@given(st.lists(st.integers(1, 2**24 - 2).map(lambda n: f"127.{n >> 16}.{n >> 8 & 255}.{n & 255}"), max_size=6))
def test_loopback_addresses_stay_as_they_are(addresses: list[str]) -> None:
    assert rfc6724_order(addresses) == tuple(addresses)
