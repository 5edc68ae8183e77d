"""Accept the connections of clients, judge each client, and only then let anybody speak SIP; asyncio and trio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NoReturn, TypeAlias

import anyio
import anyio.abc
from anyio.abc import SocketAttribute, SocketListener, SocketStream, TaskStatus
from anyio.streams.stapled import MultiListener

from siptls import Admission

from ..ad_resolver import AdResolver
from ..anyio import StreamPerformer, drive
from ..handshake import Handshake
from ..performer import raise_sole
from ..resolver import Resolver
from ..tls import client_context, failure
from .arrival import BOUNDS, Address, Arrival, Bounds, ClientConnection, Crowd, MakeInbound, NotServed, address
from .context import ServerContext
from .reports import Failed, Refused, Reports, log
from .stream import ServerStream
from .trouble import REST, is_over, is_short

Served: TypeAlias = ClientConnection[ServerStream]
Handle: TypeAlias = Callable[[Served], Awaitable[object]]


async def serve(
    handle: Handle,
    listener: SocketListener | MultiListener[SocketStream],
    *,
    context: ServerContext,
    judge: MakeInbound,
    resolver: Resolver | None = None,
    bounds: Bounds = BOUNDS,
    refused: Refused | None = None,
    failed: Failed | None = None,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> NoReturn:
    """Accept connections until this is cancelled, and judge each client before a byte of SIP is read or sent.

    A connection that is served is handed over to a task of its own, and closed when that returns. One that is not is
    closed; under TLS 1.2 its client has not even seen the end of the handshake. Whatever one connection does ends
    neither this nor another connection. A cancellation closes all of them, and the listener.

    Args:
        handle: is called, and awaited, with each connection that is served.
        listener: what to accept connections from, such as ``await anyio.create_tcp_listener(local_port=5061)``; it
            belongs to this function.
        context: for TLS, from `server_context`.
        judge: makes the judge of each client: a `Judge`.
        resolver: answers the questions of a judge that has any; None takes the system's name servers, none of which
            is trusted.
        bounds: how much clients may ask.
        refused: is called with each connection that is not served; None writes to the log ``siptls_io.server``.
        failed: is called with what ``handle`` or ``judge`` raised, after the connection was closed; None writes to the
            log.
        task_status: is told when clients can connect.

    Raises:
        InvalidServer: there is no ``resolver``, and the system names no name server.
        anyio.ClosedResourceError: somebody has closed the listener.

    Source: RFC 3261 section 26.3.1, RFC 5922 sections 7.4 and 8.1, RFC 5923 section 9.2.
    """
    performer = StreamPerformer(AdResolver.system() if resolver is None else resolver, client_context())
    listeners = _socket_listeners(listener)
    try:
        async with listener, anyio.create_task_group() as tasks:
            server = _Server(handle, context, judge, performer, bounds, Reports(refused, failed), tasks)
            for each in listeners:
                tasks.start_soon(server.accept, each)
            task_status.started()
    except BaseExceptionGroup as group:
        raise_sole(group, anyio.get_cancelled_exc_class())
    raise AssertionError("accepting ends by an exception only")


class _Server:
    """What the connections of one server have in common."""

    def __init__(
        self,
        handle: Handle,
        context: ServerContext,
        judge: MakeInbound,
        performer: StreamPerformer,
        bounds: Bounds,
        reports: Reports,
        tasks: anyio.abc.TaskGroup,
    ) -> None:
        self._handle = handle
        self._context = context
        self._judge = judge
        self._performer = performer
        self._reports = reports
        self._tasks = tasks
        self._seconds = bounds.seconds
        self._connections = anyio.Semaphore(bounds.connections)
        self._handshakes = anyio.Semaphore(bounds.handshakes)
        self._present = Crowd(bounds.connections_per_source)
        self._arriving = Crowd(bounds.handshakes_per_source)

    async def accept(self, listener: SocketListener) -> NoReturn:
        """Accept connections as long as there is room, and have each attended to."""
        while True:
            try:
                transport = await listener.accept()
            except OSError as error:
                await _rest(error)
                continue
            except anyio.BrokenResourceError as error:  # how anyio puts it on trio
                if not isinstance(error.__cause__, OSError):
                    raise
                await _rest(error.__cause__)
                continue
            try:
                await self._connections.acquire()
                await self._handshakes.acquire()
            except BaseException:
                await anyio.aclose_forcefully(transport)
                raise
            self._tasks.start_soon(self._attend, transport)

    async def _attend(self, transport: SocketStream) -> None:
        """See a connection through from its first octet to its last."""
        stream = ServerStream(transport, self._context.session())
        ends = _ends(transport)
        present = ends is not None and self._present.enter(ends[0])
        try:
            try:
                connection = await self._received(stream, ends, present)
            finally:
                self._handshakes.release()
            if connection is not None:
                await self._handled(connection)
        finally:
            await stream.aclose()
            if present and ends is not None:
                self._present.leave(ends[0])
            self._connections.release()

    async def _received(
        self, stream: ServerStream, ends: tuple[Address, Address] | None, present: bool
    ) -> Served | None:
        """Do the handshake with a client and have it judged, if its source does not do too many things at once."""
        if ends is None:
            await self._turned_away(stream, NotServed(None, "net.closed", "the peer closed the connection"))
            return None
        source, local = ends
        if not present:
            await self._turned_away(stream, NotServed(source, "limit.connections"))
            return None
        if not self._arriving.enter(source):
            await self._turned_away(stream, NotServed(source, "limit.handshakes"))
            return None
        try:
            met = await self._met(stream, source, local)
            connection = met if isinstance(met, NotServed) else await self._judged(stream, met)
        finally:
            self._arriving.leave(source)
        if isinstance(connection, NotServed):
            await self._turned_away(stream, connection)
            return None
        return connection

    async def _met(self, stream: ServerStream, source: Address, local: Address) -> Arrival | NotServed:
        begun = Handshake()
        try:
            with anyio.fail_after(self._seconds):
                await stream.shake_hands(begun)
            return Arrival(stream.session.presentation(), stream.session.facts(), source, local)
        except Exception as error:  # noqa: BLE001 - hostile certificates may make a library raise anything
            return NotServed(source, *failure(error, begun))

    async def _judged(self, stream: ServerStream, arrival: Arrival) -> Served | NotServed | None:
        """Return the connection with the verdict; None if it was closed because the caller's own code failed."""
        try:
            machine = self._judge(arrival, now=anyio.current_time(), at=datetime.now(UTC))
            verdict = await drive(machine, self._performer)
        except Exception as error:  # noqa: BLE001 - it is the caller's own, and no other connection shall feel it
            await stream.abandon()
            self._reports.failed(arrival, error)
            return None
        if verdict.admission is Admission.CLOSE:
            return NotServed(arrival.source, verdict.code, verdict=verdict)
        try:
            with anyio.fail_after(self._seconds):
                await stream.welcome()
        except (OSError, anyio.BrokenResourceError) as error:
            return NotServed(arrival.source, *failure(error))
        return ClientConnection(stream, verdict, arrival)

    async def _turned_away(self, stream: ServerStream, why: NotServed) -> None:
        await stream.abandon()
        self._reports.refused(why)

    async def _handled(self, connection: Served) -> None:
        try:
            await self._handle(connection)
        except Exception as error:  # noqa: BLE001 - no other connection shall feel it
            await connection.stream.aclose()
            self._reports.failed(connection.arrival, error)


async def _rest(error: OSError) -> None:
    """Wait until it makes sense to accept again, or raise what makes none."""
    if is_short(error):
        log.warning("no connection can be accepted: %s", error)
        await anyio.sleep(REST)
    elif not is_over(error):
        raise error


def _socket_listeners(listener: SocketListener | MultiListener[SocketStream]) -> list[SocketListener]:
    """Return the listeners that connections can be accepted from one by one."""
    several = listener.listeners if isinstance(listener, MultiListener) else [listener]
    listeners = [each for each in several if isinstance(each, SocketListener)]
    if len(listeners) < len(several):
        raise TypeError("the listener must be one of TCP sockets")
    return listeners


def _ends(transport: SocketStream) -> tuple[Address, Address] | None:
    """Return the two ends of a connection, or None if it is gone already."""
    try:
        attributes = transport.extra_attributes
        ends = attributes[SocketAttribute.remote_address](), attributes[SocketAttribute.local_address]()
    except (OSError, KeyError):
        return None
    return address(ends[0]), address(ends[1])
