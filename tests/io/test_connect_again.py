"""`connect()` with a table: the connection that is open already is handed out where a new one would be accepted, too.

Each test runs on every loop. Its script is a coroutine; where there is no event loop, nothing in it ever waits.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any

import pytest

import siptls_io.asyncio
import siptls_io.blocking
import siptls_io.trio
from loopback_tls import CURRENT, LoopbackServer, server_context, tls
from loops import EVENT_LOOPS, MESSAGE, PATIENCE
from pki import Issued, Issuer
from siptls import AliasTable, Anchors, LocalProtocolError, Policy, Presentation, Refusal, Row
from siptls_io.asyncio import connect as connect_on_asyncio
from siptls_io.connection import Connection, PeerRejected
from siptls_io.zone_files import Status, ZoneFiles

FOO, BAR = "sip:alice@sip.foo", "sip:bob@sip.bar"
ROOT = Issuer.root(**CURRENT)
ANCHORS = Anchors((ROOT.der,))
BOTH = ROOT.leaf(uris=["sip:sip.foo", "sip:sip.bar"], **CURRENT)
ONE = ROOT.leaf(uris=["sip:sip.foo"], **CURRENT)
HOST = ROOT.leaf(dns=["host.example"], **CURRENT)
START = "$TTL 600\n@ SOA ns hostmaster 1 7200 3600 1209600 600\n"  # what is not there is remembered, too
REPLY = b"SIP/2.0 200 OK\r\n\r\n"


class Way:
    """One way to run: how a script is run, what the time is, how to connect, and how to talk on a stream.

    Args:
        name: for people.
        run: runs a script to its end.
        now: the clock.
        connect: that of the adapter.
        say: says something, and returns what comes back.
        close: closes a stream.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any],
        now: Callable[[], float],
        connect: Callable[..., Awaitable[Connection[Any]]],
        say: Callable[[Any, bytes], Awaitable[bytes]],
        close: Callable[[Any], Awaitable[object]],
    ) -> None:
        self.name, self.run, self.now, self.connect, self.say, self.close = name, run, now, connect, say, close

    def __repr__(self) -> str:
        return self.name


async def say_asyncio(streams: siptls_io.asyncio.Streams, what: bytes) -> bytes:
    reader, writer = streams
    writer.write(what)
    return await asyncio.wait_for(reader.read(4096), PATIENCE)


async def say_trio(stream: siptls_io.trio.Stream, what: bytes) -> bytes:
    await stream.send_all(what)
    return bytes(await stream.receive_some(4096))


async def say_anyio(stream: Any, what: bytes) -> bytes:
    await stream.send(what)
    received: bytes = await stream.receive(4096)
    return received


async def say_blocking(stream: Any, what: bytes) -> bytes:
    assert stream.gettimeout() is None
    stream.settimeout(PATIENCE)
    stream.sendall(what)
    received: bytes = stream.recv(4096)
    stream.settimeout(None)
    return received


async def connect_blocking(uri: str, **more: Any) -> Connection[Any]:
    return siptls_io.blocking.connect(uri, **more)


async def close_asyncio(streams: siptls_io.asyncio.Streams) -> None:
    streams[1].close()
    await streams[1].wait_closed()


async def close_blocking(stream: Any) -> None:
    stream.close()


def run_blocking(script: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run what never waits for an event loop."""
    coroutine = script()
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


def _way(name: str, say: Callable[[Any, bytes], Awaitable[bytes]], close: Callable[[Any], Awaitable[object]]) -> Way:
    loop = EVENT_LOOPS[name]
    return Way(name, loop.run, loop.now, loop.module.connect, say, close)


async def aclose(stream: Any) -> None:
    await stream.aclose()


WAYS = (
    _way("asyncio", say_asyncio, close_asyncio),
    _way("trio", say_trio, aclose),
    _way("anyio+asyncio", say_anyio, aclose),
    _way("anyio+trio", say_anyio, aclose),
    Way("blocking", run_blocking, time.monotonic, connect_blocking, say_blocking, close_blocking),
)
on_every_loop = pytest.mark.parametrize("way", WAYS, ids=repr)


def world(port: int, *, dnssec: Status = "insecure", tlsa: str = "") -> ZoneFiles:
    """Two domains with the same server."""
    zone = f"{START}_sips._tcp SRV 1 1 {port} host.example.\n"
    pinned = f"_{port}._tcp.host TLSA {tlsa}\n" if tlsa else ""
    return ZoneFiles(
        {"sip.foo": zone, "sip.bar": zone, "example": f"{START}host A 127.0.0.1\n{pinned}"}, default=dnssec
    )


@contextmanager
def serving(leaf: Issued) -> Generator[LoopbackServer]:
    with LoopbackServer(tls(server_context(leaf))) as server:
        yield server


def added(way: Way, table: AliasTable, connection: Connection[Any], local_domain: str = "") -> Row:
    row = table.add(connection.verdict, connection, connection.presentation, local_domain=local_domain, now=way.now())
    assert isinstance(row, Row)
    return row


@on_every_loop
@pytest.mark.req("R5923-8.1-6", "R5923-8.1-7", "R5923-8.1-10")
def test_a_second_domain_of_the_same_peer_gets_the_open_connection(way: Way) -> None:
    table = AliasTable()

    async def script(port: int) -> None:
        first = await way.connect(FOO, resolver=world(port), anchors=ANCHORS, aliases=table)
        assert first.verdict.reused is None
        assert list(added(way, table, first).proven) == ["sip.foo"]
        second = await way.connect(BAR, resolver=world(port), anchors=ANCHORS, aliases=table)
        assert second.verdict.reused is first
        assert (second.verdict.accepted, second.verdict.domain) == (True, "sip.bar")
        assert second.verdict.connection is None
        assert second.stream is first.stream
        assert second.presentation is first.presentation
        row = table.grant(second, second.verdict, now=way.now())
        assert isinstance(row, Row)
        assert sorted(row.proven) == ["sip.bar", "sip.foo"]
        assert await way.say(first.stream, MESSAGE) == REPLY
        assert await way.say(second.stream, MESSAGE) == REPLY
        await way.close(second.stream)
        assert table.close(second) == (row,)
        assert len(table) == 0

    with serving(BOTH) as server:
        way.run(lambda: script(server.port))
        assert server.only().received == MESSAGE * 2


@on_every_loop
@pytest.mark.req("T-A01", "R5923-9.3-2")
def test_a_domain_that_the_peer_is_not_never_gets_the_open_connection(way: Way) -> None:
    table = AliasTable()

    async def script(port: int) -> None:
        first = await way.connect(FOO, resolver=world(port), anchors=ANCHORS, aliases=table)
        added(way, table, first)
        with pytest.raises(PeerRejected) as refused:
            await way.connect(BAR, resolver=world(port), anchors=ANCHORS, aliases=table)
        assert "reuse.identity" in [step.code for step in refused.value.verdict.steps]
        assert await way.say(first.stream, MESSAGE) == REPLY  # nobody closed it
        await way.close(first.stream)

    with serving(ONE) as server:
        way.run(lambda: script(server.port))
        assert sorted(seen.received for seen in server.seen) == [b"", MESSAGE]


@on_every_loop
@pytest.mark.req("T-A05", "R5923-5-3")
def test_a_pinned_key_speaks_for_both_domains_whatever_the_certificate_names(way: Way) -> None:
    table = AliasTable()
    pin = f"3 1 1 {hashlib.sha256(HOST.spki).hexdigest()}"

    async def script(port: int) -> None:
        zones = world(port, dnssec="secure", tlsa=pin)
        first = await way.connect(FOO, resolver=zones, anchors=Anchors(), aliases=table)
        added(way, table, first)
        second = await way.connect(BAR, resolver=zones, anchors=Anchors(), aliases=table)
        assert (second.verdict.reused, second.verdict.method) == (first, "dane-ee")
        changed = world(port, dnssec="secure", tlsa=f"3 1 1 {'00' * 32}")
        with pytest.raises(PeerRejected):
            await way.connect(BAR, resolver=changed, anchors=Anchors(), aliases=table)
        await way.close(first.stream)

    with serving(HOST) as server:
        way.run(lambda: script(server.port))


@on_every_loop
@pytest.mark.req("R5923-9.3-3")
def test_a_connection_of_one_local_domain_is_none_of_anothers(way: Way) -> None:
    table = AliasTable()

    async def script(port: int) -> None:
        first = await way.connect(FOO, resolver=world(port), anchors=ANCHORS, aliases=table, local_domain="a.example")
        added(way, table, first, "a.example")
        again = await way.connect(FOO, resolver=world(port), anchors=ANCHORS, aliases=table, local_domain="A.example")
        other = await way.connect(FOO, resolver=world(port), anchors=ANCHORS, aliases=table, local_domain="b.example")
        assert again == first
        assert other != first
        assert other.verdict.reused is None
        for connection in (first, other):
            await way.close(connection.stream)

    with serving(BOTH) as server:
        way.run(lambda: script(server.port))
        assert len(server.seen) == 2


@on_every_loop
def test_the_stream_of_a_connection_under_another_handle_is_with_the_caller(way: Way) -> None:
    table = AliasTable()

    async def script(port: int) -> None:
        first = await way.connect(FOO, resolver=world(port), anchors=ANCHORS)
        handle = "connection 25"
        presented = Presentation(first.presentation.chain)
        assert table.add(first.verdict, handle, presented, local_domain="", now=way.now())
        second = await way.connect(BAR, resolver=world(port), anchors=ANCHORS, aliases=table)
        assert second.verdict.reused is handle
        assert second.opened is None
        for part in ("stream", "presentation"):
            with pytest.raises(LocalProtocolError, match="the handle is 'connection 25'"):
                getattr(second, part)
        third = await way.connect(BAR, resolver=world(port), anchors=ANCHORS, aliases=table)
        assert (second == third, hash(second) == hash(third), second == first) == (True, True, False)
        assert table.grant(second.verdict.reused, second.verdict, now=way.now())
        await way.close(first.stream)

    with serving(BOTH) as server:
        way.run(lambda: script(server.port))
        server.only()


@on_every_loop
@pytest.mark.req("R5923-8.1-8")
def test_a_connection_that_is_gone_is_made_anew_once_the_table_knows(way: Way) -> None:
    table = AliasTable()

    async def script(port: int) -> None:
        first = await way.connect(FOO, resolver=world(port), anchors=ANCHORS, aliases=table)
        added(way, table, first)
        await way.close(first.stream)
        table.close(first)
        second = await way.connect(FOO, resolver=world(port), anchors=ANCHORS, aliases=table)
        assert second.verdict.reused is None
        assert isinstance(added(way, table, second), Row)
        await way.close(second.stream)

    with serving(BOTH) as server:
        way.run(lambda: script(server.port))
        assert len(server.seen) == 2


@on_every_loop
def test_nothing_is_connected_where_a_connection_is_open(way: Way) -> None:
    table = AliasTable()

    async def script(port: int) -> None:
        staggered = Policy(attempt_delay=0.01)
        first = await way.connect(FOO, resolver=world(port), anchors=ANCHORS, aliases=table, policy=staggered)
        added(way, table, first)
        again = await way.connect(FOO, resolver=world(port), anchors=ANCHORS, aliases=table, policy=staggered)
        assert again.stream is first.stream
        refusal = table.add(again.verdict, again, again.presentation, local_domain="", now=way.now())
        assert isinstance(refusal, Refusal)
        assert refusal.code == "reuse.not-new"
        await way.close(first.stream)

    with serving(BOTH) as server:
        way.run(lambda: script(server.port))
        server.only()


def test_a_stream_of_another_adapter_is_not_handed_out_as_ones_own() -> None:
    table = AliasTable()
    anyio_way, asyncio_way = WAYS[2], WAYS[0]

    async def script(port: int) -> None:
        first = await anyio_way.connect(FOO, resolver=world(port), anchors=ANCHORS)
        added(asyncio_way, table, first)
        second = await connect_on_asyncio(BAR, resolver=world(port), anchors=ANCHORS, aliases=table)
        assert second.verdict.reused is first
        with pytest.raises(LocalProtocolError):
            _ = second.stream
        await anyio_way.close(first.stream)

    with serving(BOTH) as server:
        asyncio_way.run(lambda: script(server.port))
        server.only()
