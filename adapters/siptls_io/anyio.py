"""The driver for anyio, on asyncio and on trio, and verified connections as anyio's own TLS streams."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import count
from operator import itemgetter
from typing import Any, ClassVar, TypeVar

import anyio
import anyio.abc
from anyio.lowlevel import checkpoint
from anyio.streams.memory import MemoryObjectReceiveStream
from anyio.streams.tls import TLSAttribute, TLSStream

from siptls.events import Anchors, Close, Connect, Endpoint, Event, Presented
from siptls.machine import Machine
from siptls.policy import Policy
from siptls.reuse import AliasTable
from siptls.revocation import Crls
from siptls.uri import SipUri
from siptls.verdict import Verdict

from .ad_resolver import AdResolver
from .connection import Connection, connected
from .handshake import Handshake, looks_like_a_refusal, refused
from .outgoing import outgoing
from .performer import Errand, LoopPerformer, Performer, close_all, perform, raise_sole
from .resolver import Resolver
from .tls import ClientCertificate, TlsObject

R = TypeVar("R")


async def drive(machine: Machine[R], performer: Performer) -> R:
    """Run a machine until it is ready: to its result, or until it waits for a word of its caller.

    Args:
        machine: one that was made with ``now=anyio.current_time()``.
        performer: does what the machine asks for, several things at a time.

    Returns:
        What the machine is ready with. Then nothing runs any more, and every connection but that of an ACCEPTED verdict
        is closed. When this is cancelled or raises, every connection is; an exception comes as it is, never in a group.
    """
    arrive, arrivals = anyio.create_memory_object_stream[tuple[int, Event]](math.inf)
    opened: set[Connect] = set()
    kept: Connect | None = None
    numbers = count()
    left = machine.outstanding  # by a driver that was cancelled

    async def run(number: int, errand: Errand) -> None:
        event = await perform(performer, errand)
        if isinstance(event, Presented):
            opened.add(event.action)
        arrive.send_nowait((number, event))

    try:
        try:
            async with arrive, arrivals, anyio.create_task_group() as tasks:
                while machine.ready is None:
                    for action in (*left, *machine.next_actions(now=anyio.current_time())):
                        if isinstance(action, Close):
                            opened.remove(action.connect)
                            await performer.close(action.connect)
                        else:
                            tasks.start_soon(run, next(numbers), action)
                    left = ()
                    if machine.ready is None:  # else its time was over
                        for event in await _arrived(arrivals, machine.deadline):
                            machine.receive(event, now=anyio.current_time())
                    machine.advance(now=anyio.current_time())
                tasks.cancel_scope.cancel()
            kept = machine.ready.connection if isinstance(machine.ready, Verdict) else None
        finally:
            with anyio.CancelScope(shield=True):
                await close_all(performer, opened, kept)
    except BaseExceptionGroup as group:
        raise_sole(group, anyio.get_cancelled_exc_class())
    if machine.ready is None:
        # A cancellation of asyncio's own came together with our deadline, and anyio took the one for the other.
        raise anyio.get_cancelled_exc_class()
    return machine.ready


async def _arrived(arrivals: MemoryObjectReceiveStream[tuple[int, Event]], deadline: float) -> list[Event]:
    """Wait for an event, and return all that are there then, in the order of the questions.

    Tasks run in any order on trio; equal worlds shall give equal reports.
    """
    arrived: list[tuple[int, Event]] = []
    with anyio.CancelScope(deadline=deadline):
        arrived.append(await arrivals.receive())
    await checkpoint()  # whoever is ready too, and was not run yet, comes now
    with suppress(anyio.WouldBlock):
        while True:
            arrived.append(arrivals.receive_nowait())
    return [event for _, event in sorted(arrived, key=itemgetter(0))]


class StreamPerformer(LoopPerformer[TLSStream]):
    """Makes connections as anyio's TLS streams."""

    failures: ClassVar[tuple[type[Exception], ...]] = (OSError, EOFError, anyio.BrokenResourceError)

    async def close(self, connect: Connect, /) -> None:
        """Close a connection without waiting for the peer."""
        stream = self._taken(connect)
        transport = stream.transport_stream
        try:
            if isinstance(transport, _TcpStream):
                transport.deaf = True
                with suppress(*self.failures, anyio.EndOfStream):
                    await stream.unwrap()  # sends close_notify; the peer's is not waited for
        finally:
            await transport.aclose()

    async def _secured(
        self, endpoint: Endpoint, server_name: str | None, begun: Handshake
    ) -> tuple[TLSStream, TlsObject]:
        transport = _TcpStream(await anyio.connect_tcp(endpoint.address, endpoint.port), begun)
        try:
            # Nobody shall wait for the peer's close_notify when the stream is closed.
            stream = await TLSStream.wrap(
                transport,
                server_side=False,
                hostname=server_name,
                ssl_context=self._context,
                standard_compatible=False,
            )
            if begun.may_be_refused():
                await _hear_out(stream, transport, begun.patience())
        except anyio.EndOfStream as end:
            await anyio.aclose_forcefully(transport)
            raise EOFError("the peer closed the connection") from end
        except BaseException:
            await anyio.aclose_forcefully(transport)
            raise
        return stream, stream.extra(TLSAttribute.ssl_object)  # noqa: S610 - Django's method of that name is another


async def _hear_out(stream: TLSStream, transport: _TcpStream, seconds: float) -> None:
    """Wait for the server to go on or to refuse us, and leave what it says to whom uses the connection.

    Raises:
        OSError, EOFError, anyio.BrokenResourceError, anyio.EndOfStream: it refused us.
    """
    refusal: bool | None = False
    with anyio.move_on_after(seconds):
        while (refusal := looks_like_a_refusal(await transport.peek())) is None:
            pass
    if refusal:
        refused(await stream.receive(1))  # if the rest of it is still on the way, the core says how long to wait


class _TcpStream(anyio.abc.ByteStream):
    """A TCP stream that notes the first octets, can be looked ahead into, and can be told not to listen any more.

    Attributes:
        deaf: whether to take the connection as ended by the peer.
    """

    def __init__(self, stream: anyio.abc.SocketStream, begun: Handshake) -> None:
        self.deaf: bool = False
        self._stream = stream
        self._begun = begun
        self._ahead = b""

    async def peek(self) -> bytes:
        """Wait for more to come, and return all that has not been received yet.

        Raises:
            anyio.EndOfStream: no more comes.
        """
        self._ahead += await self._stream.receive()
        return self._ahead

    async def receive(self, max_bytes: int = 65_536) -> bytes:
        if self.deaf:
            raise anyio.EndOfStream
        if self._ahead:
            received, self._ahead = self._ahead[:max_bytes], self._ahead[max_bytes:]
            return received
        received = await self._stream.receive(max_bytes)
        self._begun.noted(received)
        return received

    async def send(self, item: bytes) -> None:
        await self._stream.send(item)

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return self._stream.extra_attributes


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
) -> Connection[TLSStream]:
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
        ``TLSStream``; close it with ``aclose()``.

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
        uri, policy, anchors, crls, client_certificate, aliases, local_domain, anyio.current_time
    )
    performer = StreamPerformer(AdResolver.system() if resolver is None else resolver, context)
    return connected(performer, await drive(machine, performer))
