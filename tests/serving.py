"""Our own servers on loopback, in each of the ways in which they run, and clients that visit them.

    with serving(way, context(LEAF), judge) as server:
        visit = visited(server.port, CLIENT)
    assert visit.reply == REPLY

The server runs in a thread of its own, and nothing of it is left when the block ends: no task, no thread, no file.
"""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import anyio.from_thread
import anyio.lowlevel
import pytest
from anyio.abc import SocketAttribute, TaskStatus

import siptls_io.server.blocking
from loops import MESSAGE, PATIENCE, run_anyio_on_asyncio, run_anyio_on_trio
from pki import Issued
from siptls_io import Cancellation, ZoneFiles
from siptls_io.server import (
    Arrival,
    ClientConnection,
    MakeInbound,
    NotServed,
    ServerCertificate,
    ServerContext,
    ServerStream,
    serve,
    server_context,
)
from siptls_io.server.blocking import ServerSocket

REPLY = b"SIP/2.0 200 OK\r\n\r\n"


@dataclass
class Server:
    """A server that runs, and what it saw."""

    port: int = 0
    connections: list[ClientConnection[Any]] = field(default_factory=list[ClientConnection[Any]])
    heard: list[bytes] = field(default_factory=list[bytes])
    refused: list[NotServed] = field(default_factory=list[NotServed])
    failed: list[tuple[Arrival, Exception]] = field(default_factory=list[tuple[Arrival, Exception]])
    changed: threading.Condition = field(default_factory=threading.Condition)

    def note(self, where: list[Any], what: object) -> None:
        with self.changed:
            where.append(what)
            self.changed.notify_all()

    def note_refused(self, why: NotServed) -> None:
        self.note(self.refused, why)

    def note_failed(self, arrival: Arrival, error: Exception) -> None:
        self.note(self.failed, (arrival, error))

    def only_refused(self) -> NotServed:
        """The one connection that was not served."""
        (why,) = self.all_refused(1)
        return why

    def all_refused(self, count: int) -> list[NotServed]:
        """The connections that were not served; they are waited for, since clients may know first."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.refused) >= count, PATIENCE)
        assert len(self.refused) == count
        return self.refused

    def only_heard(self) -> bytes:
        """What the one connection said, until its end."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.heard, PATIENCE)
        (heard,) = self.heard
        return heard

    def only_failed(self) -> tuple[Arrival, Exception]:
        """The one thing that failed."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.failed, PATIENCE)
        (failure,) = self.failed
        return failure

    def only(self) -> ClientConnection[Any]:
        """The one connection that was served."""
        (connection,) = self.connections
        return connection


AsyncHandle: TypeAlias = Callable[[ClientConnection[ServerStream]], Awaitable[object]]
BlockingHandle: TypeAlias = Callable[[ClientConnection[ServerSocket]], object]


@dataclass(frozen=True)
class Talk:
    """What a server does with a connection, in both kinds of program."""

    by_task: AsyncHandle
    by_thread: BlockingHandle


async def _answered(connection: ClientConnection[ServerStream]) -> bytes:
    said = await connection.stream.receive()
    await connection.stream.send(REPLY)
    return said


def _answered_blocking(connection: ClientConnection[ServerSocket]) -> bytes:
    said = connection.stream.recv()
    connection.stream.sendall(REPLY)
    return said


ANSWER = Talk(_answered, _answered_blocking)


class EventLoopWay:
    """``serve()`` on anyio, with either backend."""

    def __init__(self, name: str, run: Callable[[Any], Any]) -> None:
        self.name = name
        self.run = run

    def __repr__(self) -> str:
        return self.name

    @contextmanager
    def serving(self, server: Server, talk: Talk, host: str, **more: Any) -> Generator[None]:
        began: Future[Callable[[], None]] = Future()

        async def handle(connection: ClientConnection[ServerStream]) -> None:
            server.note(server.connections, connection)
            said = await talk.by_task(connection)
            server.note(server.heard, said)

        async def main() -> None:
            listener = await anyio.create_tcp_listener(local_host=host, local_port=0)
            server.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - Django's method of that name is another
            token = anyio.lowlevel.current_token()
            async with anyio.create_task_group() as tasks:

                async def run(*, task_status: TaskStatus[None]) -> None:
                    await serve(handle, listener, task_status=task_status, **more)

                await tasks.start(run)
                began.set_result(lambda: anyio.from_thread.run_sync(tasks.cancel_scope.cancel, token=token))

        with _thread(self.run, main, began) as stop:
            yield
            stop()


class BlockingWay:
    """``serve()`` with threads."""

    name = "blocking"

    def __repr__(self) -> str:
        return self.name

    @contextmanager
    def serving(self, server: Server, talk: Talk, host: str, **more: Any) -> Generator[None]:
        listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        server.port = listener.getsockname()[1]
        began: Future[Callable[[], None]] = Future()

        def handle(connection: ClientConnection[ServerSocket]) -> None:
            server.note(server.connections, connection)
            server.note(server.heard, talk.by_thread(connection))

        with Cancellation() as cancellation:

            def main() -> None:
                siptls_io.server.blocking.serve(handle, listener, cancellation=cancellation, **more)

            began.set_result(cancellation.cancel)
            with _thread(lambda run: run(), main, began) as stop:
                yield
                stop()


@contextmanager
def _thread(
    run: Callable[[Any], Any], main: Callable[[], Any], began: Future[Callable[[], None]]
) -> Generator[Callable[[], None]]:
    """Run the main function of a server in a thread, as long as the block runs; what it raises is raised here."""
    ended: Future[None] = Future()

    def body() -> None:
        try:
            run(main)
        except BaseException as error:  # noqa: BLE001 - it is raised where the server was started
            ended.set_exception(error)
            if not began.done():
                began.set_exception(error)
        else:
            ended.set_result(None)

    thread = threading.Thread(target=body)
    thread.start()
    try:
        stop = began.result(PATIENCE)
        stopped = False

        def stop_once() -> None:
            nonlocal stopped
            if not stopped:
                stopped = True
                stop()

        try:
            yield stop_once
        except BaseException:
            stop_once()
            raise
    finally:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the server goes on"
    ended.result()


Way: TypeAlias = EventLoopWay | BlockingWay

WAYS: tuple[Way, ...] = (
    EventLoopWay("anyio+asyncio", run_anyio_on_asyncio),
    EventLoopWay("anyio+trio", run_anyio_on_trio),
    BlockingWay(),
)
in_every_way = pytest.mark.parametrize("way", WAYS, ids=repr)


@contextmanager
def serving(
    way: Way,
    context: ServerContext,
    judge: MakeInbound,
    *,
    talk: Talk = ANSWER,
    host: str = "127.0.0.1",
    **more: Any,
) -> Generator[Server]:
    """Run a server as long as the block runs; what is not named here goes to ``serve()``."""
    server = Server()
    more.setdefault("resolver", ZoneFiles({}))
    more.setdefault("refused", server.note_refused)
    more.setdefault("failed", server.note_failed)
    with way.serving(server, talk, host, context=context, judge=judge, **more):
        yield server


def own(leaf: Issued) -> ServerCertificate:
    """A certificate of a server."""
    with in_files(leaf) as (chain, key):
        return ServerCertificate(chain, key)


def context(default: Issued, *others: Issued, **more: Any) -> ServerContext:
    """The context of a server that has these certificates."""
    return server_context(own(default), [own(each) for each in others], **more)


@contextmanager
def in_files(leaf: Issued, chain: bytes | None = None) -> Generator[tuple[Path, Path]]:
    """Files with what this end presents, and its key."""
    with tempfile.TemporaryDirectory() as folder:
        chain_file, key_file = Path(folder, "chain.pem"), Path(folder, "key.pem")
        chain_file.write_bytes(leaf.presented_pem if chain is None else chain)
        key_file.write_bytes(leaf.key_pem)
        yield chain_file, key_file


@dataclass(frozen=True)
class Visit:
    """What a client saw of a server.

    Attributes:
        presented: the server's own certificate; None if there was no end of the handshake.
        reply: all that the server said.
        version: of TLS.
    """

    presented: bytes | None
    reply: bytes
    version: str | None = None


def client(
    leaf: Issued | None = None,
    *,
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    chain: bytes | None = None,
) -> ssl.SSLContext:
    """The context of a client that judges nothing, and has this certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.maximum_version = newest
    if leaf is not None:
        with in_files(leaf, chain) as (chain_file, key_file):
            made.load_cert_chain(chain_file, key_file)
    return made


def visited(
    port: int,
    leaf: Issued | None = None,
    *,
    name: str | None = "example.com",
    address: str = "127.0.0.1",
    source: str | None = None,
    say: bytes = MESSAGE,
    **more: Any,
) -> Visit:
    """Connect, say something, and read until the server closes; what is not named here goes to `client`."""
    at = None if source is None else (source, 0)
    presented: bytes | None = None
    version: str | None = None
    reply = b""
    made = client(leaf, **more)
    with socket.create_connection((address, port), PATIENCE, source_address=at) as tcp:
        try:
            with made.wrap_socket(tcp, server_hostname=name) as stream:
                presented, version = stream.getpeercert(binary_form=True), stream.version()
                stream.sendall(say)
                while said := stream.recv(65_536):
                    reply += said
        except (ssl.SSLError, ConnectionError):
            pass  # it was closed without a word, or with an alert
    return Visit(presented, reply, version)


def to_the_end(tcp: socket.socket) -> bytes:
    """All that comes on a TCP connection until the server closes it."""
    received = b""
    try:
        while more := tcp.recv(65_536):
            received += more
    except ConnectionError:
        pass
    return received
