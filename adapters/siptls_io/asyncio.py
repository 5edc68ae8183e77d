"""The driver for asyncio, and verified connections as asyncio streams."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from siptls.events import Anchors, Close, Connect, Endpoint, Event, Presented
from siptls.machine import Machine
from siptls.policy import Policy
from siptls.reuse import AliasTable
from siptls.revocation import Crls
from siptls.uri import SipUri
from siptls.verdict import Verdict

from .ad_resolver import AdResolver
from .connection import Connection, connected
from .handshake import Handshake, refused
from .outgoing import outgoing
from .performer import LoopPerformer, Performer, close_all, family, perform, raise_sole
from .resolver import Resolver
from .tls import ClientCertificate, TlsObject

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

R = TypeVar("R")
_AS_LONG_AS_AN_ALERT = 2
Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def drive(machine: Machine[R], performer: Performer) -> R:
    """Run a machine until it is ready: to its result, or until it waits for a word of its caller.

    Args:
        machine: one that was made with ``now=loop.time()`` of the event loop that runs.
        performer: does what the machine asks for, several things at a time.

    Returns:
        What the machine is ready with. Then nothing runs any more, and every connection but that of an ACCEPTED verdict
        is closed. When this is cancelled or raises, every connection is.
    """
    loop = asyncio.get_running_loop()
    running: list[asyncio.Task[Event]] = []
    opened: set[Connect] = set()
    left = machine.outstanding  # by a driver that was cancelled
    try:
        while (result := machine.ready) is None:
            for action in (*left, *machine.next_actions(now=loop.time())):
                if isinstance(action, Close):
                    opened.remove(action.connect)
                    await performer.close(action.connect)
                else:
                    running.append(loop.create_task(perform(performer, action)))
            left = ()
            if machine.ready is not None or not running:
                machine.advance(now=loop.time())  # what was to be done is overdue already
                continue
            patience = None if machine.deadline == math.inf else max(0.0, machine.deadline - loop.time())
            done, _ = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            # What is done at the same time is taken in the order of the questions: equal worlds give equal reports.
            for task in [each for each in running if each in done]:
                running.remove(task)
                event = task.result()
                if isinstance(event, Presented):
                    opened.add(event.action)
                machine.receive(event, now=loop.time())
            machine.advance(now=loop.time())
        kept = result.connection if isinstance(result, Verdict) else None
        await _undisturbed(_end(performer, running, opened, kept))
    except BaseException as error:
        await _undisturbed(_end(performer, running, opened, None))
        if isinstance(error, BaseExceptionGroup):
            raise_sole(cast("BaseExceptionGroup[BaseException]", error), asyncio.CancelledError)  # a performer's own
        raise
    return result


async def _undisturbed(ending: Coroutine[Any, Any, None]) -> None:
    """Await something to its end, however often this task is cancelled meanwhile; then it is."""
    task = asyncio.get_running_loop().create_task(ending)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


async def _end(
    performer: Performer, running: list[asyncio.Task[Event]], opened: set[Connect], kept: Connect | None
) -> None:
    """Stop what runs, and close what is open, all but one connection."""
    for task in running:
        task.cancel()
    opened.update(
        [o.action for o in await asyncio.gather(*running, return_exceptions=True) if isinstance(o, Presented)]
    )
    running.clear()
    ending = tuple(opened)
    opened.clear()
    await close_all(performer, ending, kept)
    if kept is not None:
        opened.add(kept)  # for the case that this was cancelled meanwhile


class StreamPerformer(LoopPerformer[Streams]):
    """Makes connections as asyncio streams."""

    async def close(self, connect: Connect, /) -> None:
        """Close a connection without waiting for the peer."""
        await _hung_up(self._taken(connect)[1])

    async def _secured(
        self, endpoint: Endpoint, server_name: str | None, begun: Handshake
    ) -> tuple[Streams, TlsObject]:
        tcp = _TcpSocket(family(endpoint), socket.SOCK_STREAM)
        tcp.begun = begun
        await _connected(tcp, endpoint)
        protocol = await self._shake_hands(tcp, server_name, begun)
        reader, writer = protocol.streams()
        if begun.may_be_refused():
            try:
                await protocol.hear_out(begun.patience())
            except BaseException:
                await _hung_up(writer)
                raise
        return (reader, writer), writer.get_extra_info("ssl_object")

    async def _shake_hands(self, tcp: _TcpSocket, server_name: str | None, begun: Handshake) -> _Protocol:
        """Do the handshake. The socket is taken over: unless a protocol is returned, it is closed."""
        loop = asyncio.get_running_loop()
        protocol = _Protocol(asyncio.StreamReader(loop=loop), loop)
        begun.settled = protocol.gone_on
        try:
            await loop.create_connection(
                lambda: protocol, sock=tcp, ssl=self._context, server_hostname=server_name or ""
            )
        except BaseException:
            if protocol.transport is not None:  # cancelled when the handshake was just done
                protocol.transport.abort()
            await _closed(tcp)
            raise
        return protocol


class _TcpSocket(socket.socket):
    """A TCP socket that notes the first octets it received, to tell clear text from broken TLS."""

    begun: Handshake

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """Receive, and note the beginning."""
        received = super().recv_into(buffer, nbytes, flags)
        self.begun.noted(memoryview(buffer)[:received])
        return received


class _Protocol(asyncio.StreamReaderProtocol):
    """The protocol of asyncio streams; it also knows whether something has happened since the handshake.

    Attributes:
        transport: the transport, when there is one.
    """

    transport: asyncio.WriteTransport | None = None

    def __init__(self, reader: asyncio.StreamReader, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(reader, loop=loop)
        self._stirred = asyncio.Event()
        self._has_gone_on = False
        self._reader = reader
        self._event_loop = loop
        self._first_data = b""
        self._lost: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if not self._stirred.is_set():
            self._first_data = data
        self.gone_on()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = exc or EOFError("the peer closed the connection")
        self._stirred.set()
        super().connection_lost(exc)

    def streams(self) -> Streams:
        """Return the two streams after the handshake."""
        assert self.transport is not None
        return self._reader, asyncio.StreamWriter(self.transport, self, self._reader, self._event_loop)

    def gone_on(self) -> None:
        """Take note that the server has gone on after the handshake: it has not refused us, whatever follows."""
        self._has_gone_on = self._has_gone_on or self._lost is None
        self._stirred.set()

    async def hear_out(self, seconds: float) -> None:
        """Wait for the server to go on or to refuse us.

        Raises:
            OSError, EOFError: it refused us.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stirred.wait(), seconds)
        await _turns()  # it takes a round or two until a refusal that has arrived in time is known here
        if self._lost is not None and not self._has_gone_on:
            raise self._lost
        if len(self._first_data) == _AS_LONG_AS_AN_ALERT:
            refused(self._first_data)  # as on other loops, where it takes a look to tell it from an alert


async def _connected(tcp: _TcpSocket, endpoint: Endpoint) -> None:
    try:
        tcp.setblocking(False)
        await asyncio.get_running_loop().sock_connect(tcp, (endpoint.address, endpoint.port))
    except BaseException:
        tcp.close()
        raise


async def _turns() -> None:
    """Let the event loop do what it has begun."""
    for _ in range(3):
        await asyncio.sleep(0)


async def _closed(tcp: _TcpSocket) -> None:
    """Let the event loop close a socket, which takes it a round or two, or close it if no transport took it over."""
    try:
        await _turns()
    finally:
        tcp.close()


async def _hung_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection without waiting for the peer."""
    if not writer.transport.is_closing():  # Python 3.11.2 cannot abort what the peer has ended
        writer.close()  # sends close_notify; the peer's is not waited for
        writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


async def connect(
    uri: str | SipUri,
    *,
    policy: Policy = Policy(),
    resolver: Resolver | None = None,
    anchors: Anchors | None = None,
    crls: Crls | Iterable[bytes] = (),
    client_certificate: ClientCertificate | None = None,
    aliases: AliasTable | None = None,
    local_domain: str = "",
) -> Connection[Streams]:
    """Connect to the domain of a SIP URI, and make sure that it is the domain.

    Nothing but the TLS handshake is sent before the peer is accepted. Our certificate, if there is one and the peer
    asks for it, is part of the handshake.

    Args:
        uri: a SIP or SIPS URI; the host may be an internationalised name.
        policy: what is wanted; the transports must be TLS over TCP.
        resolver: answers questions to the DNS; None takes the system's name servers, none of which is trusted.
        anchors: the trust anchors; None takes the system's.
        crls: certificate revocation lists, each in DER; better as `Crls`, which are prepared once and may be large. The
            policy says what it means when none of them speaks of a certificate.
        client_certificate: what is shown to a server that asks for a certificate.
        aliases: the connections that are open already, each under the `Connection` that an earlier call returned. One
            that leads to a server of the domain is used again where its peer is accepted for this domain, too.
        local_domain: the domain of ours on behalf of which the connection is used, as in ``aliases``.

    Returns:
        The connection, with the verdict; ``verdict.reused`` is None if it is new. Its stream is a
        ``StreamReader`` and a ``StreamWriter``; close the latter.

    Raises:
        PeerRejected: there is evidence against every peer, or, as `PeerInsufficient`, too little for the policy.
        PeerUndetermined: something that is needed failed.
        NoService: the domain offers nothing to connect to.
        InvalidUri: ``uri`` is not a SIP URI.
        InvalidPolicy: the policy names a transport without TLS, or there are CRLs while ``policy.revocation`` is
            ``off``.
        InvalidServer: there is no ``resolver``, and the system names no name server.
        OSError: this process has no file descriptors left.
    """
    machine, context = outgoing(
        uri, policy, anchors, crls, client_certificate, aliases, local_domain, asyncio.get_running_loop().time
    )
    performer = StreamPerformer(AdResolver.system() if resolver is None else resolver, context)
    return connected(performer, await drive(machine, performer))
