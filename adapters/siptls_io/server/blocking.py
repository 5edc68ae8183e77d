"""Accept the connections of clients, judge each client, and only then let anybody speak SIP; with threads."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TypeAlias

from siptls import Admission, ClientVerdict, Inbound

from ..ad_resolver import AdResolver
from ..blocking import SocketPerformer
from ..cancellation import EVENT_READ, Cancellation, Cancelled
from ..handshake import Handshake
from ..resolver import Resolver
from ..tls import client_context, failure
from ..workers import Workers, drive_aside
from .arrival import BOUNDS, Address, Arrival, Bounds, ClientConnection, Crowd, MakeInbound, NotServed, address
from .context import ServerContext
from .reports import Failed, Refused, Reports, log
from .sockets import ServerSocket
from .trouble import REST, is_over, is_short

__all__ = ["ServerSocket", "serve"]

Served: TypeAlias = ClientConnection[ServerSocket]
Handle: TypeAlias = Callable[[Served], object]


def serve(
    handle: Handle,
    listener: socket.socket,
    *,
    context: ServerContext,
    judge: MakeInbound,
    resolver: Resolver | None = None,
    bounds: Bounds = BOUNDS,
    refused: Refused | None = None,
    failed: Failed | None = None,
    cancellation: Cancellation | None = None,
) -> None:
    """Accept connections until this is cancelled, and judge each client before a byte of SIP is read or sent.

    The same as `siptls_io.server.serve`, with a thread for each connection. When this is cancelled, or interrupted by
    Ctrl-C, whatever waits on a connection raises `Cancelled`, which passes through ``except Exception``; all
    connections and the listener are closed, and this returns when every ``handle`` has.

    Args:
        handle: is called with each connection that is served, in a thread of its own.
        listener: a TCP socket, such as ``socket.create_server(("", 5061))``; it belongs to this function.
        context: for TLS, from `server_context`.
        judge: makes the judge of each client: a `Judge`.
        resolver: answers the questions of a judge that has any; None takes the system's name servers, none of which
            is trusted.
        bounds: how much clients may ask; there may be as many threads as connections.
        refused: is called with each connection that is not served, in the thread of that; None writes to the log
            ``siptls_io.server``.
        failed: is called with what ``handle`` or ``judge`` raised, after the connection was closed; None writes to the
            log.
        cancellation: ends this function from another thread; it is cancelled in any case when this ends. None leaves
            that to Ctrl-C.

    Raises:
        InvalidServer: there is no ``resolver``, and the system names no name server.
        OSError: the listener cannot accept connections.

    Source: RFC 3261 section 26.3.1, RFC 5922 sections 7.4 and 8.1, RFC 5923 section 9.2.
    """
    with listener:
        performer = SocketPerformer(AdResolver.system() if resolver is None else resolver, client_context())
        with Cancellation() as own:
            end = own if cancellation is None else cancellation
            server = _Server(handle, context, judge, performer, bounds, Reports(refused, failed), end)
            ended: Future[None] = Future()
            # Ctrl-C may hit between any two steps of the caller's thread. Therefore that one only waits.
            thread = threading.Thread(target=server.run, args=(listener, ended), name="siptls server")
            try:
                thread.start()
                ended.exception()
                thread.join()
            except BaseException:
                end.cancel()
                if thread.is_alive():
                    ended.exception()
                    thread.join()
                raise
            ended.result()


class _Server:
    """What the connections of one server have in common."""

    def __init__(
        self,
        handle: Handle,
        context: ServerContext,
        judge: MakeInbound,
        performer: SocketPerformer,
        bounds: Bounds,
        reports: Reports,
        cancellation: Cancellation,
    ) -> None:
        self._handle = handle
        self._context = context
        self._judge = judge
        self._performer = performer
        self._reports = reports
        self._cancellation = cancellation
        self._seconds = bounds.seconds
        self._connections = threading.Semaphore(bounds.connections)
        self._handshakes = threading.Semaphore(bounds.handshakes)
        self._present = Crowd(bounds.connections_per_source)
        self._arriving = Crowd(bounds.handshakes_per_source)
        self._lock = threading.Lock()
        self._judging: set[Workers] = set()
        self._ending = False
        self._threads: set[threading.Thread] = set()
        self._ended: deque[threading.Thread] = deque()

    def run(self, listener: socket.socket, ended: Future[None]) -> None:
        """Accept connections until it is cancelled, and then see to it that nothing is left."""
        error: BaseException | None = None
        try:
            self._accept_all(listener)
        except Cancelled:
            pass
        except BaseException as other:  # noqa: BLE001 - it is raised in the caller's thread
            error = other
        self._cancellation.cancel()
        with self._lock:
            self._ending = True
            for workers in self._judging:
                workers.cancel()
        for thread in self._threads:
            thread.join()
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)

    def _accept_all(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        while True:
            try:
                self._cancellation.wait(listener, EVENT_READ)
                tcp, source = listener.accept()
            except BlockingIOError:
                continue  # the client has changed its mind
            except OSError as error:
                if is_short(error):
                    log.warning("no connection can be accepted: %s", error)
                    time.sleep(REST)
                elif not is_over(error):
                    raise
                continue
            # Who holds one of these ends when this is cancelled, and gives it back.
            self._connections.acquire()
            self._handshakes.acquire()
            while self._ended:
                ended = self._ended.popleft()
                ended.join()
                self._threads.remove(ended)
            thread = threading.Thread(target=self._attend, args=(tcp, source[:2]), name="siptls connection")
            try:
                thread.start()
            except RuntimeError as error:
                log.warning("no connection can be accepted: %s", error)
                self._handshakes.release()
                self._connections.release()
                tcp.close()
                time.sleep(REST)
            else:
                self._threads.add(thread)

    def _attend(self, tcp: socket.socket, source: tuple[str, int]) -> None:
        """See a connection through from its first octet to its last."""
        came_from = address(source)
        with self._lock:
            present = self._present.enter(came_from)
        try:
            with tcp:
                stream = ServerSocket(tcp, self._context.session(), self._cancellation)
                try:
                    try:
                        connection = self._received(tcp, stream, came_from, present)
                    finally:
                        self._handshakes.release()
                    if connection is not None:
                        self._handled(connection)
                finally:
                    stream.close()
        except Cancelled:
            pass
        finally:
            if present:
                with self._lock:
                    self._present.leave(came_from)
            self._connections.release()
            self._ended.append(threading.current_thread())

    def _received(self, tcp: socket.socket, stream: ServerSocket, source: Address, present: bool) -> Served | None:
        """Do the handshake with a client and have it judged, if its source does not do too many things at once."""
        if not present:
            self._turned_away(stream, NotServed(source, "limit.connections"))
            return None
        with self._lock:
            entered = self._arriving.enter(source)
        if not entered:
            self._turned_away(stream, NotServed(source, "limit.handshakes"))
            return None
        try:
            met = self._met(tcp, stream, source)
            connection = met if isinstance(met, NotServed) else self._judged(stream, met)
        finally:
            with self._lock:
                self._arriving.leave(source)
        if isinstance(connection, NotServed):
            self._turned_away(stream, connection)
            return None
        return connection

    def _met(self, tcp: socket.socket, stream: ServerSocket, source: Address) -> Arrival | NotServed:
        begun = Handshake()
        try:
            tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.shake_hands(begun, self._seconds)
            session = stream.session
            return Arrival(session.presentation(), session.facts(), source, address(tcp.getsockname()[:2]))
        except Exception as error:  # noqa: BLE001 - hostile certificates may make a library raise anything
            return NotServed(source, *failure(error, begun))

    def _judged(self, stream: ServerSocket, arrival: Arrival) -> Served | NotServed | None:
        """Return the connection with the verdict; None if it was closed because the caller's own code failed."""
        try:
            machine = self._judge(arrival, now=time.monotonic(), at=datetime.now(UTC))
            verdict = self._driven(machine)
        except Exception as error:  # noqa: BLE001 - it is the caller's own, and no other connection shall feel it
            stream.abandon()
            self._reports.failed(arrival, error)
            return None
        if verdict.admission is Admission.CLOSE:
            return NotServed(arrival.source, verdict.code, verdict=verdict)
        try:
            stream.welcome(self._seconds)
        except OSError as error:
            return NotServed(arrival.source, *failure(error))
        return ClientConnection(stream, verdict, arrival)

    def _driven(self, machine: Inbound) -> ClientVerdict:
        workers = Workers(self._performer)
        outcome: Future[ClientVerdict] = Future()
        try:
            with self._lock:
                if self._ending:
                    raise Cancelled
                self._judging.add(workers)
            drive_aside(machine, workers, outcome)
            return outcome.result()
        finally:
            workers.end(None)
            with self._lock:
                self._judging.discard(workers)

    def _turned_away(self, stream: ServerSocket, why: NotServed) -> None:
        stream.abandon()
        self._reports.refused(why)

    def _handled(self, connection: Served) -> None:
        try:
            self._handle(connection)
        except Exception as error:  # noqa: BLE001 - no other connection shall feel it
            connection.stream.close()
            self._reports.failed(connection.arrival, error)
