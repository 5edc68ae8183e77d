"""One client for each kind of event loop: connect as any program does, and ask OPTIONS on the accepted stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from siptls import Anchors, Policy, Verdict
from siptls_io import NotConnected, ZoneFiles

_PATIENCE = 10.0  # seconds to wait for the answer to OPTIONS
_MOST = 4_096  # octets read at once
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Call:
    """What a client is to do.

    Args:
        uri: whom to call.
        policy: what is wanted.
        resolver: the DNS.
        anchors: the trust anchors.
        request: what is sent to a peer that is accepted.
    """

    uri: str
    policy: Policy
    resolver: ZoneFiles
    anchors: Anchors
    request: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a call.

    Args:
        verdict: the verdict.
        seconds: from the URI to the verdict.
        response: what the accepted peer sent; empty if nothing was asked.
    """

    verdict: Verdict
    seconds: float
    response: bytes = b""


def by_asyncio(call: Call) -> Ended:
    """Call with asyncio: the stream is a ``StreamReader`` and a ``StreamWriter``."""
    import asyncio

    from siptls_io.asyncio import connect

    async def main() -> Ended:
        began = time.perf_counter()
        try:
            connection = await connect(call.uri, policy=call.policy, resolver=call.resolver, anchors=call.anchors)
        except NotConnected as refused:
            return Ended(refused.verdict, time.perf_counter() - began)
        seconds = time.perf_counter() - began
        reader, writer = connection.stream
        response = b""
        with suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                writer.write(call.request)
                response = await reader.readuntil(_END)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return Ended(connection.verdict, seconds, response)

    return asyncio.run(main())


def by_trio(call: Call) -> Ended:
    """Call with trio: the stream is a ``trio.SSLStream``."""
    import trio

    from siptls_io.trio import connect

    async def main() -> Ended:
        began = time.perf_counter()
        try:
            connection = await connect(call.uri, policy=call.policy, resolver=call.resolver, anchors=call.anchors)
        except NotConnected as refused:
            return Ended(refused.verdict, time.perf_counter() - began)
        seconds = time.perf_counter() - began
        response = b""
        async with connection.stream as stream:
            with suppress(trio.BrokenResourceError), trio.move_on_after(_PATIENCE):
                await stream.send_all(call.request)
                while _END not in response and (octets := await stream.receive_some(_MOST)):
                    response += octets
        return Ended(connection.verdict, seconds, response)

    return trio.run(main)


def by_anyio(call: Call) -> Ended:
    """Call with anyio, on its asyncio backend: the stream is a ``TLSStream``."""
    import anyio

    from siptls_io.anyio import connect

    async def main() -> Ended:
        began = time.perf_counter()
        try:
            connection = await connect(call.uri, policy=call.policy, resolver=call.resolver, anchors=call.anchors)
        except NotConnected as refused:
            return Ended(refused.verdict, time.perf_counter() - began)
        seconds = time.perf_counter() - began
        response = b""
        async with connection.stream as stream:
            with suppress(OSError, anyio.BrokenResourceError, anyio.EndOfStream), anyio.move_on_after(_PATIENCE):
                await stream.send(call.request)
                while _END not in response:
                    response += await stream.receive(_MOST)
        return Ended(connection.verdict, seconds, response)

    return anyio.run(main, backend="asyncio")


def by_blocking(call: Call) -> Ended:
    """Call without an event loop: the stream is an ``ssl.SSLSocket``."""
    from siptls_io.blocking import connect

    began = time.perf_counter()
    try:
        connection = connect(call.uri, policy=call.policy, resolver=call.resolver, anchors=call.anchors)
    except NotConnected as refused:
        return Ended(refused.verdict, time.perf_counter() - began)
    seconds = time.perf_counter() - began
    response = b""
    with connection.stream as stream, suppress(OSError):
        stream.settimeout(_PATIENCE)
        stream.sendall(call.request)
        while _END not in response and (octets := stream.recv(_MOST)):
            response += octets
    return Ended(connection.verdict, seconds, response)


CLIENTS: Final[Mapping[str, Callable[[Call], Ended]]] = {
    "asyncio": by_asyncio,
    "trio": by_trio,
    "anyio": by_anyio,
    "blocking": by_blocking,
}
"""The clients by what ``--loop`` calls them."""
