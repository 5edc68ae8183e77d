"""Servers on loopback for thousands of clients: a name server, TLS servers, and some that are out of order.

All of them run in one thread. The first label of a domain, up to a hyphen, says what happens to who wants to reach it.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, Final, TypeAlias

import dns.message

from loopback_dns import answering, octets
from loopback_tls import CURRENT, black_hole, closed_port, server_context
from pki import Issuer

Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

REPLY: Final = b"SIP/2.0 200 OK\r\n\r\n"
ACCEPTED: Final = ("ACCEPTED", "id.match")
FAULTS: Final = {
    "refused": ("UNDETERMINED", "net.refused"),
    "swallowed": ("UNDETERMINED", "net.timeout"),
    "silent": ("UNDETERMINED", "net.timeout"),
    "reset": ("UNDETERMINED", "net.reset"),
    "closed": ("UNDETERMINED", "net.closed"),
    "plain": ("UNDETERMINED", "tls.plain-sip"),
    "alert": ("UNDETERMINED", "tls.alert"),
    "demanding": ("UNDETERMINED", "tls.client-cert-required"),
    "older": ("UNDETERMINED", "tls.client-cert-required"),
    "stranger": ("REJECTED", "id.mismatch"),
    "mute": ("UNDETERMINED", "locate.timeout"),
    "twice": ACCEPTED,
    "late": ACCEPTED,
}
"""What may happen to a client, and the outcome and the code of its verdict. Others, such as ``good``, are served well.

A server demands a certificate under TLS 1.3, an older one under TLS 1.2; the name server is mute, answers twice, and
answers too late, so that it is asked again.
"""

_NOBODY: Final = ("127.0.0.66", 9)
"""Where every second answer of ``twice`` would lead."""
_LATE: Final = re.compile(rb".{10}\x05_sips\x04_tcp.late", re.DOTALL)
"""The beginning of a query that is answered when it comes again; without the identifier."""


class LoopbackCrowd:
    """The servers, while its context lasts.

    Args:
        domains: those that may be reached, each below ``example``.

    Attributes:
        root: the authority of all that are not strangers.
        names: address and port of the name server.
        broken: what went wrong here, which it should not.
    """

    def __init__(self, domains: list[str]) -> None:
        self.root = Issuer.root(**CURRENT)
        self.names = ""
        self.broken: list[dict[str, Any]] = []
        self._leaf = self.root.leaf(uris=[f"sip:{domain}" for domain in sorted({*domains})], **CURRENT)
        self._stranger = self.root.leaf(uris=["sip:somebody.example"], **CURRENT)
        self._ports: dict[str, int] = {}
        self._around = ExitStack()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready, self._ended = threading.Event(), asyncio.Event()

    def __enter__(self) -> LoopbackCrowd:
        self._ports["refused"] = self._around.enter_context(closed_port())
        self._ports["swallowed"] = self._around.enter_context(black_hole())
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._around.close()
        assert not self.broken

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._note)
        older = server_context(self._leaf, client_root=self.root, newest=ssl.TLSVersion.TLSv1_2)
        servers = {
            "good": await _started(_answers, server_context(self._leaf)),
            "stranger": await _started(_answers, server_context(self._stranger)),
            "demanding": await _started(_demands(server_context(self._leaf, client_root=self.root))),
            "older": await _started(_demands(older)),
            "silent": await _started(_keeps_silent),
            "reset": await _started(_resets),
            "closed": await _started(_hangs_up),
            "plain": await _started(_says(b"SIP/2.0 400 Bad Request\r\n\r\n")),
            "alert": await _started(_says(b"\x15\3\3\0\2\2\x28")),
        }
        self._ports.update({kind: server.sockets[0].getsockname()[1] for kind, server in servers.items()})
        transport, _ = await self._loop.create_datagram_endpoint(lambda: _NameServer(self._ports), ("127.0.0.1", 0))
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        self.names = f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
        self._ready.set()
        await self._ended.wait()
        transport.close()
        for server in servers.values():
            server.close()

    def _note(self, _loop: object, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), OSError):  # clients that leave are no news
            self.broken.append(context)


async def _started(serve: Serve, context: ssl.SSLContext | None = None) -> asyncio.Server:
    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                await serve(reader, writer)
        finally:
            writer.close()

    return await asyncio.start_server(served, "127.0.0.1", 0, ssl=context, backlog=1_000)


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        writer.write(REPLY)


async def _keeps_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65_536):
        pass


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65_536)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


async def _hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65_536)


def _says(said: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(said)
        await _keeps_silent(reader, writer)

    return serve


def _demands(context: ssl.SSLContext) -> Serve:
    """Demand a certificate. Asyncio's own servers would hang up without the alert."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_side=True)
        with suppress(ssl.SSLError):
            while received := await reader.read(65_536):
                incoming.write(received)
                with suppress(ssl.SSLWantReadError):
                    session.do_handshake()
                writer.write(outgoing.read())
        writer.write(outgoing.read())
        await _keeps_silent(reader, writer)

    return serve


class _NameServer(asyncio.DatagramProtocol):
    """A name server that works each reply out once."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports
        self._known: dict[bytes, list[bytes]] = {}
        self._held: dict[bytes, tuple[bytes, tuple[str, int]]] = {}

    def connection_made(self, transport: Any) -> None:  # Python 3.11 has datagram transports of another class
        self._transport: asyncio.DatagramTransport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        identifier, question = data[:2], data[2:]
        if question not in self._known:
            self._known[question] = self._replies(dns.message.from_wire(data))
        replies = [identifier + reply for reply in self._known[question]]
        if _LATE.match(question):
            if question not in self._held:
                self._held[question] = (replies[0], addr)
                return
            self._transport.sendto(*self._held[question])  # nobody waits for it any more
        for reply in replies:
            self._transport.sendto(reply, addr)

    def _replies(self, query: dns.message.Message) -> list[bytes]:
        """Return what is answered, without the identifier."""
        *_, label, _ = query.question[0].name.to_text(omit_final_dot=True).split(".")
        kind, domain = label.partition("-")[0], f"{label}.example"
        answers = [self._answer(query, domain, "127.0.0.1", self._ports.get(kind, self._ports["good"]))]
        if kind == "twice":
            answers.append(self._answer(query, domain, *_NOBODY))
        return [] if kind == "mute" else answers

    def _answer(self, query: dns.message.Message, domain: str, address: str, port: int) -> bytes:
        records = {f"_sips._tcp.{domain} SRV": [f"1 1 {port} sip.{domain}."], f"sip.{domain} A": [address]}
        reply = answering(records)(query, False)
        assert isinstance(reply, dns.message.Message)
        return octets(reply)[2:]
