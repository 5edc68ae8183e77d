"""The driver for trio, and verified connections as trio's own TLS streams."""

from __future__ import annotations

import math
import socket
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from operator import itemgetter
from typing import ClassVar, TypeAlias, TypeVar, cast

try:
    import trio
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError('siptls_io.trio needs trio: pip install "siptls[trio]"', name="trio") from _missing

from siptls.events import Anchors, Close, Connect, Endpoint, Event, Presented
from siptls.machine import Machine
from siptls.policy import Policy
from siptls.reuse import AliasTable
from siptls.revocation import Crls
from siptls.uri import SipUri
from siptls.verdict import Verdict

from .ad_resolver import AdResolver
from .connection import Connection, connected
from .handshake import A_MOMENT, REMEMBERED, Handshake, looks_like_a_refusal, refused
from .outgoing import outgoing
from .performer import Errand, LoopPerformer, Performer, close_all, family, perform, raise_sole
from .resolver import Resolver
from .tls import ClientCertificate, TlsObject, tls_object

R = TypeVar("R")
Stream: TypeAlias = trio.SSLStream[trio.SocketStream]


async def drive(machine: Machine[R], performer: Performer) -> R:
    """Run a machine until it is ready: to its result, or until it waits for a word of its caller.

    Args:
        machine: one that was made with ``now=trio.current_time()``.
        performer: does what the machine asks for, several things at a time.

    Returns:
        What the machine is ready with. Then nothing runs any more, and every connection but that of an ACCEPTED verdict
        is closed. When this is cancelled or raises, every connection is; an exception comes as it is, never in a group.
    """
    arrive, arrivals = trio.open_memory_channel[tuple[int, Event]](math.inf)
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
            async with trio.open_nursery() as nursery:
                while machine.ready is None:
                    for action in (*left, *machine.next_actions(now=trio.current_time())):
                        if isinstance(action, Close):
                            opened.remove(action.connect)
                            await performer.close(action.connect)
                        else:
                            nursery.start_soon(run, next(numbers), action)
                    left = ()
                    if machine.ready is None:  # else its time was over
                        for event in await _arrived(arrivals, machine.deadline):
                            machine.receive(event, now=trio.current_time())
                    machine.advance(now=trio.current_time())
                nursery.cancel_scope.cancel()
            kept = machine.ready.connection if isinstance(machine.ready, Verdict) else None
        finally:
            with trio.CancelScope(shield=True):
                await close_all(performer, opened, kept)
    except BaseExceptionGroup as group:
        raise_sole(group, trio.Cancelled)
    return machine.ready


async def _arrived(arrivals: trio.MemoryReceiveChannel[tuple[int, Event]], deadline: float) -> list[Event]:
    """Wait for an event, and return all that are there then.

    Trio runs tasks in any order. What is done at the same time is taken in the order of the questions, so that equal
    worlds give equal reports.
    """
    arrived: list[tuple[int, Event]] = []
    with trio.move_on_at(deadline):
        arrived.append(await arrivals.receive())
    with suppress(trio.WouldBlock):
        while True:
            arrived.append(arrivals.receive_nowait())
    return [event for _, event in sorted(arrived, key=itemgetter(0))]


class StreamPerformer(LoopPerformer[Stream]):
    """Makes connections as trio's TLS streams."""

    failures: ClassVar[tuple[type[Exception], ...]] = (OSError, EOFError, trio.BrokenResourceError)

    async def close(self, connect: Connect, /) -> None:
        """Close a connection without waiting for the peer."""
        with suppress(trio.BrokenResourceError):
            await self._taken(connect).aclose()  # sends close_notify; the peer's is not waited for

    async def _secured(self, endpoint: Endpoint, server_name: str | None, begun: Handshake) -> tuple[Stream, TlsObject]:
        tcp = trio.socket.socket(family(endpoint), socket.SOCK_STREAM)
        try:
            await tcp.connect((endpoint.address, endpoint.port))
            transport = trio.SocketStream(tcp)
            # During the handshake somebody listens in; afterwards the stream is what everybody else's is.
            listening = cast("trio.SocketStream", _ListenedTo(transport, begun))
            stream = trio.SSLStream(listening, self._context, server_hostname=server_name)
            await stream.do_handshake()
            stream.transport_stream = transport
            if begun.may_be_refused():
                await _hear_out(stream, tcp, begun.patience())
        except BaseException:
            tcp.close()
            raise
        return stream, tls_object(stream)


async def _hear_out(stream: Stream, tcp: trio.socket.SocketType, seconds: float) -> None:
    """Wait for the server to go on or to refuse us, and leave what it says to whom uses the connection.

    Raises:
        OSError, EOFError, trio.BrokenResourceError: it refused us.
    """
    refusal: bool | None = False
    with trio.move_on_after(seconds):
        octets = await tcp.recv(REMEMBERED, socket.MSG_PEEK)
        while (refusal := looks_like_a_refusal(octets)) is None:
            await trio.sleep(A_MOMENT)
            octets = await tcp.recv(REMEMBERED, socket.MSG_PEEK)
    if refusal:
        refused(await stream.receive_some(1))  # if the rest of it is still on the way, the core says how long to wait


class _ListenedTo(trio.abc.Stream):
    """A stream whose first octets are noted."""

    def __init__(self, stream: trio.SocketStream, begun: Handshake) -> None:
        self._stream = stream
        self._begun = begun

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        received = await self._stream.receive_some(max_bytes)
        self._begun.noted(received)
        return received

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


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
) -> Connection[Stream]:
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
        ``trio.SSLStream``; close it with ``aclose()``.

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
        uri, policy, anchors, crls, client_certificate, aliases, local_domain, trio.current_time
    )
    performer = StreamPerformer(AdResolver.system() if resolver is None else resolver, context)
    return connected(performer, await drive(machine, performer))
