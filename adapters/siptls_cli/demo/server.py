"""SIP servers on loopback that answer OPTIONS with 200 and count what they are sent, in a thread of their own."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
import threading
from collections.abc import Coroutine, Generator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from .certificates import Credential

R = TypeVar("R")

ADDRESS = "127.0.0.1"
_REQUEST = 16 * 1024  # octets of one request
_PATIENCE = 10.0  # seconds for a client to close, and for us to notice
_END = b"\r\n\r\n"
_COPIED = (b"via", b"from", b"to", b"call-id", b"cseq")
"""The header fields of a request that its response repeats (RFC 3261 section 8.2.6.2)."""


class SipServer:
    """Listens on a free port of 127.0.0.1 while its block runs: ``async with SipServer(credential) as server:``.

    Args:
        credential: what it presents; None makes it speak clear text.

    Attributes:
        connections: how many connections were made to it.
        octets: how many octets it received on them, after the handshake if it speaks TLS.
    """

    def __init__(self, credential: Credential | None) -> None:
        self._context = None if credential is None else _context(credential)
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self._marker: object = None
        self._marked = asyncio.Event()
        self.connections: int = 0
        self.octets: int = 0

    @property
    def port(self) -> int:
        """The port, 1-65535."""
        assert self._listener is not None, "the port is known inside of the block only"
        port: int = self._listener.getsockname()[1]
        return port

    async def __aenter__(self) -> SipServer:
        self._listener = socket.create_server((ADDRESS, 0))
        self._listener.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(self._listener))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._accepting is not None
        try:
            await self.settle()
        finally:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)

    async def settle(self) -> None:
        """Wait until all is counted that clients sent before they closed their connections, up to now."""
        # Connections are accepted in their order: when this one is, nobody waits to be accepted any more.
        with socket.socket() as marker:
            marker.bind((ADDRESS, 0))
            marker.setblocking(False)
            self._marker = marker.getsockname()
            self._marked.clear()
            await asyncio.get_running_loop().sock_connect(marker, (ADDRESS, self.port))
            async with asyncio.timeout(_PATIENCE):
                await self._marked.wait()
        if self._conversations:
            await asyncio.wait(self._conversations, timeout=_PATIENCE)
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                tcp, client = await loop.sock_accept(listener)
                if client == self._marker:
                    tcp.close()
                    self._marked.set()
                    continue
                self.connections += 1
                conversation = loop.create_task(self._converse(tcp))
                self._conversations.add(conversation)
                conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, tcp: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, tcp, ssl=self._context)
        except OSError:
            return  # no handshake, no conversation
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        received = b""
        try:
            while len(received) < _REQUEST and (octets := await reader.read(_REQUEST)):
                self.octets += len(octets)
                *requests, received = (received + octets).split(_END)
                for request in requests:
                    writer.write(_response(request))
                await writer.drain()
        except OSError:
            pass  # who breaks off is not answered
        finally:
            if not reader.at_eof():
                writer.transport.abort()  # it is not for the client to decide when this ends
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


class Servers:
    """A thread with an event loop of its own, in which servers run: no client, whatever its loop, has to run them."""

    def __init__(self) -> None:
        self._running: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        # Ctrl-C may hit before the block begins; that must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="the servers of the demonstration", daemon=True)

    def _run(self) -> None:
        async def main() -> None:
            ended = asyncio.Event()
            self._running.set_result((asyncio.get_running_loop(), ended))
            await ended.wait()

        asyncio.run(main())  # which ends everything that was left when Ctrl-C hit

    def __enter__(self) -> Servers:
        self._thread.start()
        self._running.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop, ended = self._running.result()
        loop.call_soon_threadsafe(ended.set)
        self._thread.join()

    @contextmanager
    def listening(self, credentials: Sequence[Credential | None]) -> Generator[list[SipServer]]:
        """Have servers run while a block does.

        Args:
            credentials: what each of them presents; None for one that speaks clear text.
        """
        with ExitStack() as stack:
            yield [stack.enter_context(self._listening(SipServer(credential))) for credential in credentials]

    @contextmanager
    def _listening(self, server: SipServer) -> Generator[SipServer]:
        self._wait_for(server.__aenter__())
        try:
            yield server
        finally:
            self._wait_for(server.__aexit__(None, None, None))

    def settle(self, servers: Sequence[SipServer]) -> None:
        """Wait until the servers have counted all that they were sent."""
        for server in servers:
            self._wait_for(server.settle())

    def _wait_for(self, coroutine: Coroutine[Any, Any, R]) -> R:
        loop, _ = self._running.result()
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()


def _response(request: bytes) -> bytes:
    """Answer OPTIONS with 200 and everything else with 501 (RFC 3261 section 11.2)."""
    first, *fields = request.split(b"\r\n")
    status = b"200 OK" if first.startswith(b"OPTIONS ") else b"501 Not Implemented"
    copied = [field for field in fields if field.partition(b":")[0].strip().lower() in _COPIED]
    return b"\r\n".join([b"SIP/2.0 " + status, *copied, b"Allow: OPTIONS", b"Content-Length: 0", b"", b""])


def _context(credential: Credential) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # OpenSSL reads keys from files only; the folder is ours alone, and gone a moment later.
    with tempfile.TemporaryDirectory(prefix="siptls-demo-") as folder:
        path = Path(folder) / "server.pem"
        path.write_bytes(credential.pem)
        context.load_cert_chain(path)
    return context
