"""The five ways in which the drivers run: each event loop with its driver, anyio on both, and threads.

verdict, reply = LOOPS["trio"].reach("sip:example.com", resolver=zones, anchors=anchors)
verdict = LOOPS["trio"].drive(make, performer)
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import anyio
import pytest
import trio

import siptls_io.anyio
import siptls_io.asyncio
import siptls_io.blocking
import siptls_io.trio
from siptls.machine import Machine
from siptls.verdict import Verdict
from siptls_io.performer import Performer

T = TypeVar("T")
MESSAGE = b"OPTIONS sip:example.com SIP/2.0\r\n\r\n"
PATIENCE = 30.0
"""Seconds to wait for a reply; only a hanging test takes as long."""


class Loop(Protocol):
    """One way to run."""

    name: str

    def reach(self, uri: str, *, say: bytes = MESSAGE, **more: Any) -> tuple[Verdict, bytes]:
        """Connect, say something, read what comes back, nothing at the end, and close; nothing may stay behind."""
        ...


class EventLoop:
    """An event loop and its driver.

    Args:
        name: for people.
        module: the module with ``drive`` and ``connect``.
        run: runs a coroutine function to its end.
        now: the clock of the loop.
        ask: says something on a stream, reads the reply, and closes.
    """

    def __init__(
        self,
        name: str,
        module: Any,
        run: Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any],
        now: Callable[[], float],
        ask: Callable[[Any, bytes], Awaitable[bytes]],
    ) -> None:
        self.name, self.module, self.run, self.now, self.ask = name, module, run, now, ask

    def reach(self, uri: str, *, say: bytes = MESSAGE, **more: Any) -> tuple[Verdict, bytes]:
        """Connect, say something, read what comes back, and close; nothing may stay behind."""

        async def main() -> tuple[Verdict, bytes]:
            return await self.reach_async(uri, say=say, **more)

        result: tuple[Verdict, bytes] = self.run(main)
        return result

    async def reach_async(self, uri: str, *, say: bytes = MESSAGE, **more: Any) -> tuple[Verdict, bytes]:
        """Do the same inside of the loop."""
        connection = await self.module.connect(uri, **more)
        return connection.verdict, await self.ask(connection.stream, say)

    def drive(self, make: Callable[[float], Machine[T]], performer: Performer) -> T:
        """Run a machine, made at the time it is given, with a performer for event loops."""

        async def main() -> T:
            result: T = await self.module.drive(make(self.now()), performer)
            return result

        driven: T = self.run(main)
        return driven


class Blocking:
    """Threads."""

    name = "blocking"

    def reach(self, uri: str, *, say: bytes = MESSAGE, **more: Any) -> tuple[Verdict, bytes]:
        """Connect, say something, read what comes back, and close."""
        connection = siptls_io.blocking.connect(uri, **more)
        assert connection.stream.gettimeout() is None
        return connection.verdict, self.ask(connection.stream, say)

    def ask(self, stream: ssl.SSLSocket, say: bytes) -> bytes:
        """Say something on a stream, read the reply, and close."""
        with stream:
            stream.settimeout(PATIENCE)
            if say:
                stream.sendall(say)
            return stream.recv(4096)

    def drive(self, make: Callable[[float], Machine[T]], performer: Any) -> T:
        """Run a machine, made at the time it is given, with a performer for threads."""
        result: T = siptls_io.blocking.drive(make(time.monotonic()), performer)
        return result


async def ask_asyncio(streams: siptls_io.asyncio.Streams, say: bytes) -> bytes:
    reader, writer = streams
    try:
        if say:
            writer.write(say)
        return await asyncio.wait_for(reader.read(4096), PATIENCE)
    finally:
        writer.close()
        await writer.wait_closed()


async def ask_trio(stream: siptls_io.trio.Stream, say: bytes) -> bytes:
    async with stream:
        with trio.fail_after(PATIENCE):
            if say:
                await stream.send_all(say)
            with suppress(trio.BrokenResourceError):
                return bytes(await stream.receive_some(4096))
            return b""


async def ask_anyio(stream: Any, say: bytes) -> bytes:
    async with stream:
        with anyio.fail_after(PATIENCE):
            if say:
                await stream.send(say)
            with suppress(anyio.EndOfStream):
                received: bytes = await stream.receive(4096)
                return received
            return b""


async def alone_on_asyncio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function and see to it that it leaves no task behind."""
    try:
        return await main()
    finally:
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def alone_on_trio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function and see to it that it leaves no task behind."""
    try:
        return await main()
    finally:
        task = trio.lowlevel.current_task()
        assert task.parent_nursery is not None
        assert task.parent_nursery.child_tasks == {task}


def run_asyncio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(alone_on_asyncio(main))


def run_trio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return trio.run(alone_on_trio, main)


def run_anyio_on_asyncio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return anyio.run(alone_on_asyncio, main, backend="asyncio")


def run_anyio_on_trio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return anyio.run(alone_on_trio, main, backend="trio")


EVENT_LOOPS: dict[str, EventLoop] = {
    loop.name: loop
    for loop in (
        EventLoop("asyncio", siptls_io.asyncio, run_asyncio, time.monotonic, ask_asyncio),
        EventLoop("trio", siptls_io.trio, run_trio, trio.current_time, ask_trio),
        EventLoop("anyio+asyncio", siptls_io.anyio, run_anyio_on_asyncio, anyio.current_time, ask_anyio),
        EventLoop("anyio+trio", siptls_io.anyio, run_anyio_on_trio, anyio.current_time, ask_anyio),
    )
}
BLOCKING = Blocking()
LOOPS: dict[str, EventLoop | Blocking] = {**EVENT_LOOPS, BLOCKING.name: BLOCKING}

on_every_loop = pytest.mark.parametrize("loop", [pytest.param(loop, id=name) for name, loop in LOOPS.items()])
on_every_event_loop = pytest.mark.parametrize(
    "loop", [pytest.param(loop, id=name) for name, loop in EVENT_LOOPS.items()]
)
