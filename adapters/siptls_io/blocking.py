"""The driver for programs without an event loop, and verified connections as TLS sockets.

Each action is performed by a thread of its own with plain blocking calls, so that lookups and connection attempts run
side by side. A verdict, an exception or Ctrl-C stops all of them at once, without a thread or a socket left behind.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar, cast

from siptls.dns import Lookup
from siptls.events import Anchors, Connect, ConnectEvent, ConnectFailed, LookupEvent, PathEvent, ValidatePath
from siptls.machine import Machine
from siptls.policy import Policy
from siptls.reuse import AliasTable
from siptls.revocation import Crls
from siptls.uri import SipUri

from .ad_resolver import AdResolver
from .cancellation import EVENT_READ, EVENT_WRITE, Cancellation, Cancelled
from .connection import Connection, connected
from .handshake import A_MOMENT, REMEMBERED, Handshake, handshake, looks_like_a_refusal, refused
from .outgoing import outgoing
from .paths import validate_path
from .performer import BlockingPerformer, NetworkPerformer, family, impossible, raise_sole
from .resolver import Resolver
from .tls import ClientCertificate, failure
from .workers import Workers, drive_aside

R = TypeVar("R")


def drive(machine: Machine[R], performer: BlockingPerformer) -> R:
    """Run a machine to its result, and block until then.

    Args:
        machine: one that was made with ``now=time.monotonic()``.
        performer: does what the machine asks for, several things at a time.

    Returns:
        What the machine is ready with. Then nothing runs any more, and every connection but that of an ACCEPTED verdict
        is closed. When this raises, `KeyboardInterrupt` included, every connection is.

    Raises:
        OSError: this process has no file descriptors left.
    """
    workers = Workers(performer)
    outcome: Future[R] = Future()
    # Ctrl-C may hit between any two steps of the caller's thread. Therefore that one only waits.
    thread = threading.Thread(target=drive_aside, args=(machine, workers, outcome), name="siptls")
    try:
        thread.start()
        outcome.exception()  # is waited for; a join that is interrupted forgets that the thread still runs
        thread.join()
        return outcome.result()
    except BaseException as error:
        workers.cancel()
        if thread.is_alive():
            outcome.exception()
            thread.join()
        workers.end(None)
        if isinstance(error, BaseExceptionGroup):
            raise_sole(cast("BaseExceptionGroup[BaseException]", error), Cancelled)  # a performer's own
        raise


class SocketPerformer(NetworkPerformer[ssl.SSLSocket]):
    """Makes connections as TLS sockets that do not block."""

    def lookup(self, action: Lookup, cancellation: Cancellation, /) -> LookupEvent:
        """Ask the resolver."""
        return self._resolver.answer(action, cancellation)

    def validate(self, action: ValidatePath, /) -> PathEvent:
        """Find a valid certificate path."""
        return validate_path(action)

    def connect(self, action: Connect, cancellation: Cancellation, /) -> ConnectEvent:
        """Connect and do the TLS handshake; nothing else is sent."""
        if (failed := impossible(action)) is not None:
            return failed
        endpoint = action.endpoint
        try:
            with socket.socket(family(endpoint), socket.SOCK_STREAM) as tcp:  # no more open when TLS takes it over
                cancellation.connect(tcp, endpoint.address, endpoint.port)
                tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                tls = self._context.wrap_socket(tcp, server_hostname=action.server_name, do_handshake_on_connect=False)
        except OSError as error:
            return ConnectFailed(action, *failure(error))
        with handshake() as begun:
            try:
                _shake_hands(tls, cancellation, begun)
            except (OSError, EOFError) as error:
                begun.noted(begun.first_header)  # OpenSSL took no more than that, and left the rest
                with suppress(OSError):
                    begun.noted(_peeked(tls))
                tls.close()
                return ConnectFailed(action, *failure(error, begun))
            except BaseException:
                tls.close()
                raise
        return self._presented(action, tls, tls, begun)

    def close(self, connect: Connect, /) -> None:
        """Close a connection without waiting for the peer."""
        stream = self._taken(connect)
        with suppress(OSError, ValueError):
            stream.unwrap()  # sends close_notify; the peer's is not waited for
        stream.close()


def _shake_hands(tls: ssl.SSLSocket, cancellation: Cancellation, begun: Handshake) -> None:
    """Do the handshake, and hear out a server that may still refuse us.

    Raises:
        OSError, EOFError: there is no connection.
        Cancelled: it was cancelled.
    """
    while (event := _wanted(tls)) is not None:
        cancellation.wait(tls, event)
    if begun.may_be_refused():
        _hear_out(tls, cancellation, begun.patience())


def _hear_out(tls: ssl.SSLSocket, cancellation: Cancellation, seconds: float) -> None:
    """Wait for the server to go on or to refuse us, and leave what it says to whom uses the connection."""
    until = time.monotonic() + seconds
    refusal: bool | None = None
    with suppress(TimeoutError):
        while refusal is None:
            cancellation.wait(tls, EVENT_READ, until)
            refusal = looks_like_a_refusal(_peeked(tls))
            if refusal is None:
                time.sleep(A_MOMENT)
    while refusal:
        with suppress(ssl.SSLWantReadError):
            refused(tls.recv(1))
        cancellation.wait(tls, EVENT_READ)  # if the rest of it is still on the way, the core says how long to wait


def _wanted(tls: ssl.SSLSocket) -> int | None:
    """Go on with a handshake, and return what is waited for, or None at its end."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return EVENT_READ
    except ssl.SSLWantWriteError:
        return EVENT_WRITE
    return None


def _peeked(stream: socket.socket) -> bytes:
    """Return what can be read from a socket, and leave it there: OpenSSL does not show what it could not use.

    Raises:
        OSError: the connection failed. The system says so only once.
    """
    try:
        return socket.socket.recv(stream, REMEMBERED, socket.MSG_PEEK)
    except BlockingIOError:
        return b""


def connect(
    uri: str | SipUri,
    *,
    policy: Policy = Policy(),
    resolver: Resolver | None = None,
    anchors: Anchors | None = None,
    crls: Crls | Iterable[bytes] = (),
    client_certificate: ClientCertificate | None = None,
    aliases: AliasTable | None = None,
    local_domain: str = "",
) -> Connection[ssl.SSLSocket]:
    """Connect to the domain of a SIP URI, make sure that it is the domain, and block until then.

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
            Other threads may change the table meanwhile, one at a time.
        local_domain: the domain of ours on behalf of which the connection is used, as in ``aliases``.

    Returns:
        The connection, with the verdict; ``verdict.reused`` is None if it is new. Its stream is an
        ``ssl.SSLSocket`` that blocks without a time-out.

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
    machine, context = outgoing(uri, policy, anchors, crls, client_certificate, aliases, local_domain, time.monotonic)
    performer = SocketPerformer(AdResolver.system() if resolver is None else resolver, context)
    try:
        connection = connected(performer, drive(machine, performer))
        for stream in performer.streams.values():  # the new one
            stream.settimeout(None)
    except BaseException:
        for left in list(performer.streams.values()):  # interrupted just when it was accepted
            left.close()
        raise
    return connection
