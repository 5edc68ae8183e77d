"""What drivers have done for them: an action goes in, an event comes out."""

from __future__ import annotations

import asyncio
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from siptls.dns import Lookup
from siptls.events import (
    Connect,
    ConnectEvent,
    ConnectFailed,
    Endpoint,
    Event,
    LookupEvent,
    PathEvent,
    Presented,
    ValidatePath,
)
from siptls.names import is_host

from .paths import validate_path
from .resolver import Resolver
from .tls import TlsObject, facts, failure, presented_chain

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

S = TypeVar("S")

_TRANSPORTS = frozenset({"tls", "wss"})
"""Transports that are TLS over TCP."""
_REMEMBERED = 64


class Performer(Protocol):
    """Does what a machine asks for. Whatever the network does is an event, never an exception.

    Drivers cancel what is not needed any more; then nothing may stay behind.
    """

    async def lookup(self, action: Lookup, /) -> LookupEvent:
        """Answer a question to the DNS."""
        ...

    async def connect(self, action: Connect, /) -> ConnectEvent:
        """Connect, do the TLS handshake, and keep the connection until `close` or until somebody takes it over."""
        ...

    async def validate(self, action: ValidatePath, /) -> PathEvent:
        """Find a valid certificate path."""
        ...

    async def close(self, connect: Connect, /) -> None:
        """Close a connection that was presented."""
        ...


def perform(performer: Performer, action: Lookup | ValidatePath | Connect) -> Coroutine[Any, Any, Event]:
    """Return what is to be awaited for the event that answers an action."""
    if isinstance(action, Lookup):
        return performer.lookup(action)
    if isinstance(action, ValidatePath):
        return performer.validate(action)
    return performer.connect(action)


class TcpSocket(socket.socket):
    """A TCP socket that remembers the first octets it received, to tell clear text from broken TLS."""

    first_octets: bytes = b""

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """Receive, and remember the beginning."""
        received = super().recv_into(buffer, nbytes, flags)
        if not self.first_octets:
            self.first_octets = bytes(memoryview(buffer)[: min(received, _REMEMBERED)])
        return received

    def remember_rest(self, taken_over: socket.socket) -> None:
        """Remember what waits on a socket that OpenSSL reads from; it took five octets, those of a record's header."""
        with suppress(OSError):
            self.first_octets = socket.socket.recv(taken_over, _REMEMBERED)


class NetworkPerformer(ABC, Generic[S]):
    """Sends and receives; what kind of stream comes out is up to the subclass. It needs an asyncio event loop.

    Args:
        resolver: answers questions to the DNS.
        context: for TLS, from `client_context`.

    Attributes:
        streams: the open connections; who takes one out of here has to close it.
    """

    def __init__(self, resolver: Resolver, context: ssl.SSLContext) -> None:
        self._resolver = resolver
        self._context = context
        self.streams: dict[Connect, S] = {}

    async def lookup(self, action: Lookup, /) -> LookupEvent:
        """Ask the resolver."""
        return await self._resolver.answer_async(action)

    async def validate(self, action: ValidatePath, /) -> PathEvent:
        """Find a valid certificate path."""
        return validate_path(action)

    async def connect(self, action: Connect, /) -> ConnectEvent:
        """Connect and do the TLS handshake; nothing else is sent."""
        endpoint = action.endpoint
        if endpoint.transport not in _TRANSPORTS:
            return ConnectFailed(action, "net.unsupported", f"no {endpoint.transport} here")
        if action.server_name is not None and not is_host(action.server_name):
            # Python would leave the socket open when it finds out.
            return ConnectFailed(action, "tls.handshake", "the server name is no host name (RFC 6066 section 3)")
        tcp = TcpSocket(socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            await _connected(tcp, endpoint)
            stream, tls = await self._shake_hands(tcp, action.server_name)
        except (OSError, EOFError) as error:
            return ConnectFailed(action, *failure(error, tcp.first_octets or None))
        self.streams[action] = stream
        return Presented(action, presented_chain(tls), facts(tls, action.server_name))

    async def close(self, connect: Connect, /) -> None:
        """Close a connection without waiting for the peer."""
        await self._close(self.streams.pop(connect))

    @abstractmethod
    async def _shake_hands(self, tcp: TcpSocket, server_name: str | None) -> tuple[S, TlsObject]:
        """Do the handshake. The socket is taken over: unless a stream is returned, it is closed.

        Raises:
            OSError, EOFError: the handshake failed.
        """

    @abstractmethod
    async def _close(self, stream: S) -> None:
        """Close a stream without waiting for the peer."""


async def _connected(tcp: TcpSocket, endpoint: Endpoint) -> None:
    try:
        tcp.setblocking(False)
        await asyncio.get_running_loop().sock_connect(tcp, (endpoint.address, endpoint.port))
    except BaseException:
        tcp.close()
        raise
