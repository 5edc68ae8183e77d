"""The driver for programs without an event loop, and verified connections as TLS sockets.

The work is done in an event loop of its own in a thread of its own, which ends with the call: so lookups and connection
attempts run side by side, and Ctrl-C or a verdict stops all of them at once, without a thread or a socket left behind.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from siptls.events import Anchors
from siptls.machine import Machine
from siptls.policy import Policy
from siptls.uri import SipUri

from .ad_resolver import AdResolver
from .asyncio import drive as drive_async
from .connection import Connection, accepted
from .outgoing import outgoing
from .performer import NetworkPerformer, Performer, TcpSocket
from .resolver import Resolver
from .tls import ClientCertificate, TlsObject

R = TypeVar("R")


def drive(machine: Machine[R], performer: Performer) -> R:
    """Run a machine to its result, and block until then.

    Args:
        machine: one that was made with ``now=time.monotonic()``.
        performer: does what the machine asks for, several things at a time, in an asyncio event loop.

    Returns:
        The machine's result. Then nothing runs any more, and every connection but that of an ACCEPTED verdict is
        closed. When this raises, `KeyboardInterrupt` included, every connection is.
    """
    return _in_a_loop_aside(drive_async(machine, performer))


def _in_a_loop_aside(main: Coroutine[Any, Any, R]) -> R:
    # Not the default of Windows: that one cannot wait for a socket to become readable.
    loop = asyncio.SelectorEventLoop()
    task = loop.create_task(main)
    done = threading.Event()

    def work() -> None:
        try:
            loop.run_until_complete(asyncio.wait({task}))
        finally:
            loop.close()
            done.set()

    thread = threading.Thread(target=work, name="siptls")
    thread.start()
    try:
        done.wait()
    except BaseException:
        with suppress(RuntimeError):  # the loop may just have been closed
            loop.call_soon_threadsafe(task.cancel)
        done.wait()
        raise
    finally:
        thread.join()
    return task.result()


class SocketPerformer(NetworkPerformer[ssl.SSLSocket]):
    """Makes connections as TLS sockets that do not block."""

    async def _shake_hands(self, tcp: TcpSocket, server_name: str | None) -> tuple[ssl.SSLSocket, TlsObject]:
        try:
            tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tls = self._context.wrap_socket(tcp, server_hostname=server_name, do_handshake_on_connect=False)
        except BaseException:
            tcp.close()
            raise
        try:
            while (wanted := _handshake_step(tls)) is not None:
                await _ready(tls, writable=wanted is ssl.SSLWantWriteError)
        except BaseException:
            tcp.remember_rest(tls)
            tls.close()
            raise
        return tls, tls

    async def _close(self, stream: ssl.SSLSocket) -> None:
        with suppress(OSError, ValueError):
            stream.unwrap()  # sends close_notify; the peer's is not waited for
        stream.close()


def _handshake_step(tls: ssl.SSLSocket) -> type[ssl.SSLError] | None:
    """Go on with a handshake, and return what is waited for, or None at its end."""
    try:
        tls.do_handshake()
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
        return type(error)
    return None


async def _ready(stream: socket.socket, *, writable: bool) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if writable else (loop.add_reader, loop.remove_reader)

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    add(stream, wake)
    try:
        await ready
    finally:
        remove(stream)


def connect(
    uri: str | SipUri,
    *,
    policy: Policy = Policy(),
    resolver: Resolver | None = None,
    anchors: Anchors | None = None,
    client_certificate: ClientCertificate | None = None,
) -> Connection[ssl.SSLSocket]:
    """Connect to the domain of a SIP URI, make sure that it is the domain, and block until then.

    Nothing but the TLS handshake is sent before the peer is accepted. Our certificate, if there is one and the peer
    asks for it, is part of the handshake.

    Args:
        uri: a SIP or SIPS URI; the host may be an internationalised name.
        policy: what is wanted; the transports must be TLS over TCP.
        resolver: answers questions to the DNS; None takes the system's name servers, none of which is trusted.
        anchors: the trust anchors; None takes the system's.
        client_certificate: what is shown to a server that asks for a certificate.

    Returns:
        The connection, with the verdict. Its stream is an ``ssl.SSLSocket`` that blocks without a time-out.

    Raises:
        PeerRejected: there is evidence against every peer, or, as `PeerInsufficient`, too little for the policy.
        PeerUndetermined: something that is needed failed.
        NoService: the domain offers nothing to connect to.
        InvalidUri: ``uri`` is not a SIP URI.
        InvalidPolicy: the policy names a transport without TLS.
        InvalidServer: there is no ``resolver``, and the system names no name server.
    """
    machine, context = outgoing(uri, policy, anchors, client_certificate, time.monotonic())
    performer = SocketPerformer(AdResolver.system() if resolver is None else resolver, context)
    try:
        verdict = drive(machine, performer)
        stream = performer.streams[accepted(verdict)]
        stream.settimeout(None)
    except BaseException:
        for left in performer.streams.values():  # interrupted just when it was accepted
            left.close()
        raise
    return Connection(stream, verdict)
