"""What drivers have done for them: an action goes in, an event comes out."""

from __future__ import annotations

import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack
from typing import Any, ClassVar, Generic, NoReturn, Protocol, TypeAlias, TypeVar, cast

from siptls.alias_row import Presentation
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
from siptls.revocation import CheckRevocation, RevocationChecked

from .cancellation import Cancellation
from .handshake import Handshake, handshake
from .paths import validate_path
from .resolver import Resolver
from .revocation import check_revocation
from .tls import TlsObject, facts, failure, presented_chain

S = TypeVar("S")

_TRANSPORTS = frozenset({"tls", "wss"})
"""Transports that are TLS over TCP."""


class Performer(Protocol):
    """Does what a machine asks for, in an event loop. Whatever the network does is an event, never an exception.

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


class BlockingPerformer(Protocol):
    """Does what a machine asks for, in threads. Whatever the network does is an event, never an exception.

    Whatever waits, waits by the cancellation: when that raises `Cancelled`, nothing may stay behind.
    """

    def lookup(self, action: Lookup, cancellation: Cancellation, /) -> LookupEvent:
        """Answer a question to the DNS."""
        ...

    def connect(self, action: Connect, cancellation: Cancellation, /) -> ConnectEvent:
        """Connect, do the TLS handshake, and keep the connection until `close` or until somebody takes it over."""
        ...

    def validate(self, action: ValidatePath, /) -> PathEvent:
        """Find a valid certificate path."""
        ...

    def close(self, connect: Connect, /) -> None:
        """Close a connection that was presented, without waiting for anything."""
        ...


Errand: TypeAlias = Lookup | ValidatePath | CheckRevocation | Connect
"""An action that is answered by an event."""


def perform(performer: Performer, action: Errand) -> Coroutine[Any, Any, Event]:
    """Return what is to be awaited for the event that answers an action."""
    if isinstance(action, Lookup):
        return performer.lookup(action)
    if isinstance(action, ValidatePath):
        return performer.validate(action)
    if isinstance(action, CheckRevocation):
        return _checked(action)
    return performer.connect(action)


async def _checked(action: CheckRevocation) -> RevocationChecked:
    """Look into the CRLs, which takes nothing that performers could do in different ways."""
    return check_revocation(action)


class NetworkPerformer(Generic[S]):
    """What performers that send and receive have in common; what kind of stream comes out is up to the subclass.

    Args:
        resolver: answers questions to the DNS.
        context: for TLS, from `client_context`.

    Attributes:
        streams: the open connections; who takes one out of here has to close it.
        presentations: what the peers of the open connections presented.
    """

    def __init__(self, resolver: Resolver, context: ssl.SSLContext) -> None:
        self._resolver = resolver
        self._context = context
        self.streams: dict[Connect, S] = {}
        self.presentations: dict[Connect, Presentation] = {}

    def _taken(self, connect: Connect) -> S:
        """Keep a connection no more, and return its stream."""
        self.presentations.pop(connect, None)
        return self.streams.pop(connect)

    def _presented(self, action: Connect, stream: S, tls: TlsObject, begun: Handshake) -> Presented:
        """Keep a stream after its handshake, and tell of it."""
        self.streams[action] = stream
        chain = presented_chain(tls)
        self.presentations[action] = Presentation(chain)
        return Presented(action, chain, facts(tls, action.server_name, begun))


class LoopPerformer(NetworkPerformer[S], ABC):
    """What performers in event loops have in common."""

    failures: ClassVar[tuple[type[Exception], ...]] = (OSError, EOFError)
    """How the event loop says that a connection failed."""

    async def lookup(self, action: Lookup, /) -> LookupEvent:
        """Ask the resolver."""
        return await self._resolver.answer_async(action)

    async def validate(self, action: ValidatePath, /) -> PathEvent:
        """Find a valid certificate path."""
        return validate_path(action)

    async def connect(self, action: Connect, /) -> ConnectEvent:
        """Connect and do the TLS handshake; nothing else is sent."""
        if (failed := impossible(action)) is not None:
            return failed
        with handshake() as begun:
            try:
                stream, tls = await self._secured(action.endpoint, action.server_name, begun)
            except self.failures as error:
                return ConnectFailed(action, *failure(error, begun))
        return self._presented(action, stream, tls, begun)

    @abstractmethod
    async def _secured(self, endpoint: Endpoint, server_name: str | None, begun: Handshake) -> tuple[S, TlsObject]:
        """Connect, do the handshake, and hear out a server that may still refuse us.

        Args:
            endpoint: where to.
            server_name: what goes into the server_name extension, or None.
            begun: where the first octets of the peer are noted.

        Returns:
            The stream and its TLS session. When this raises or is cancelled, nothing stays open.
        """


def impossible(action: Connect) -> ConnectFailed | None:
    """Return why a connection cannot even be tried, or None."""
    if action.endpoint.transport not in _TRANSPORTS:
        return ConnectFailed(action, "net.unsupported", f"no {action.endpoint.transport} here")
    if action.server_name is not None and not is_host(action.server_name):
        # Python would leave the socket open when it finds out.
        return ConnectFailed(action, "tls.handshake", "the server name is no host name (RFC 6066 section 3)")
    return None


async def close_all(performer: Performer, opened: Iterable[Connect], kept: Connect | None) -> None:
    """Close connections, each of them whatever becomes of the others.

    Args:
        performer: closes them.
        opened: those that are open.
        kept: the one that stays open, if all the others could be closed; it may not be in use before that.
    """

    async def close_kept(_kind: object, error: BaseException | None, _trace: object) -> None:
        if kept is not None and error is not None:
            await performer.close(kept)

    async with AsyncExitStack() as stack:
        stack.push_async_exit(close_kept)
        for connect in opened:
            if connect is not kept:
                stack.push_async_callback(performer.close, connect)


def raise_sole(group: BaseExceptionGroup[BaseException], cancelled: type[BaseException]) -> NoReturn:
    """Raise the one exception that tasks failed with, or the first of several, with its own cause and context.

    Args:
        group: what the tasks raised.
        cancelled: how the event loop cancels tasks.

    Raises:
        BaseException: one out of the group; a cancellation only if there is nothing else.
    """
    leaves = list(_leaves(group))
    error = next((leaf for leaf in leaves if not isinstance(leaf, cancelled)), leaves[0])
    context = error.__context__
    try:
        raise error
    finally:
        error.__context__ = context  # and not the group
        del context, error, group, leaves  # no frame shall refer to an exception that refers to it


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _leaves(cast("BaseExceptionGroup[BaseException]", each))
        else:
            yield each


def family(endpoint: Endpoint) -> socket.AddressFamily:
    """Return the address family of an endpoint."""
    return socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
