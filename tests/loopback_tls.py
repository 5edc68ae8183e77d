"""TLS servers on loopback, right and wrong ones, that remember what clients did to them."""

from __future__ import annotations

import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TypeAlias, TypedDict

from loopback import accepted
from pki import Issued, Issuer

NOW = datetime.now(UTC)

PATIENCE = 30.0
"""Seconds that a server waits for its client. A test that passes never waits so long; a busy machine may well stall."""


class Dates(TypedDict):
    """Two of the fields of a certificate."""

    not_before: datetime
    not_after: datetime


CURRENT: Dates = {"not_before": NOW - timedelta(days=1), "not_after": NOW + timedelta(days=30)}
"""For certificates that are judged by the real clock."""

Behaviour: TypeAlias = "Callable[[socket.socket, Seen], None]"


class Seen:
    """What a server saw of one connection, and what became of it."""

    def __init__(self) -> None:
        self.server_name: str | None = None
        self.received = b""
        self.client_chain: bytes | None = None
        self.error: Exception | None = None
        self.ended = threading.Event()


class LoopbackServer:
    """Behaves to every connection as it is told, while its context lasts.

    Attributes:
        address: 127.0.0.1, unless another one was asked for.
        port: the port.
        seen: the connections, in their order.
    """

    def __init__(self, behaviour: Behaviour, address: str = "127.0.0.1", port: int = 0) -> None:
        self._behaviour = behaviour
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, port), family=family)
        self.address = address
        self.port: int = self._listener.getsockname()[1]
        self.seen: list[Seen] = []
        self._threads: list[threading.Thread] = []
        self._ended = False
        self._acceptor = threading.Thread(target=self._accept)

    def __enter__(self) -> LoopbackServer:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        with socket.create_connection((self.address, self.port)):
            pass
        self._acceptor.join()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def only(self) -> Seen:
        """The one connection there was, after it ended."""
        (seen,) = self.seen
        assert seen.ended.wait(PATIENCE)
        return seen

    def _accept(self) -> None:
        while True:
            connection = accepted(self._listener)
            if self._ended:
                connection.close()
                return
            connection.settimeout(PATIENCE)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else tickets delay replies
            seen = Seen()
            self.seen.append(seen)
            thread = threading.Thread(target=self._behave, args=(connection, seen))
            self._threads.append(thread)
            thread.start()

    def _behave(self, connection: socket.socket, seen: Seen) -> None:
        with connection:
            try:
                self._behaviour(connection, seen)
            except (OSError, ValueError) as error:
                seen.error = error
        seen.ended.set()


def server_context(
    leaf: Issued,
    *,
    client_root: Issuer | None = None,
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    chain: bytes | None = None,
) -> ssl.SSLContext:
    """Make a server's context; with a client root it demands a certificate of that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    with tempfile.TemporaryDirectory() as folder:
        chain_file, key_file = Path(folder, "chain.pem"), Path(folder, "key.pem")
        chain_file.write_bytes(leaf.presented_pem if chain is None else chain)
        key_file.write_bytes(leaf.key_pem)
        context.load_cert_chain(chain_file, key_file)
    if client_root is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_root.pem.decode())
    return context


def tls(context: ssl.SSLContext, greeting: bytes = b"", reply: bytes = b"SIP/2.0 200 OK\r\n\r\n") -> Behaviour:
    """Serve TLS, answer each message, and remember all until the client closes."""

    def behave(connection: socket.socket, seen: Seen) -> None:
        context.sni_callback = lambda _tls, name, _context: setattr(seen, "server_name", name)
        with context.wrap_socket(connection, server_side=True) as stream:
            seen.client_chain = stream.getpeercert(binary_form=True)
            if greeting:
                stream.sendall(greeting)
            with suppress(ssl.SSLEOFError, ConnectionResetError, BrokenPipeError):
                while received := stream.recv(4096):
                    seen.received += received
                    stream.sendall(reply)

    return behave


def says(octets: bytes) -> Behaviour:
    """Read the ClientHello, send octets that are no TLS, and wait until the client gives up."""

    def behave(connection: socket.socket, seen: Seen) -> None:
        connection.recv(65_536)
        connection.sendall(octets)
        while received := connection.recv(65_536):
            seen.received += received

    return behave


def hangs_up(connection: socket.socket, seen: Seen) -> None:
    """Close in the middle of the handshake."""
    connection.recv(65_536)


def resets(connection: socket.socket, seen: Seen) -> None:
    """Answer the ClientHello with a TCP reset."""
    connection.recv(65_536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def flight(connection: socket.socket, context: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    """Read the ClientHello, and return a session, what it reads from, and what it would send now: its whole flight."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(connection.recv(65_536))
    with suppress(ssl.SSLWantReadError):
        session.do_handshake()
    return session, incoming, outgoing


def finishes(
    context: ssl.SSLContext, end: Callable[[socket.socket, Seen, bytes], None], *, answer: bytes | None = None
) -> Behaviour:
    """Serve TLS up to the client's second flight, and leave it to another function what is said then.

    Args:
        context: of the server.
        end: is called with the records that the server answers, and says or does not say them.
        answer: what is said in place of tickets when the handshake is done; None says what TLS says.
    """

    def behave(connection: socket.socket, seen: Seen) -> None:
        session, incoming, outgoing = flight(connection, context)
        connection.sendall(outgoing.read())
        try:
            while True:
                incoming.write(connection.recv(65_536))
                with suppress(ssl.SSLWantReadError):
                    session.do_handshake()
                    break
            if answer is not None:
                outgoing.read()
                session.write(answer)
        except ssl.SSLError as error:
            seen.error = error
        end(connection, seen, outgoing.read())
        seen.received = connection.recv(65_536)

    return behave


def hangs_up_amid_the_certificate(context: ssl.SSLContext) -> Behaviour:
    """Send half of what the ClientHello is answered with, and close."""

    def behave(connection: socket.socket, seen: Seen) -> None:
        octets = flight(connection, context)[2].read()
        connection.sendall(octets[: len(octets) // 2])

    return behave


def one_octet_at_a_time(context: ssl.SSLContext) -> Behaviour:
    """Serve TLS in the smallest pieces, each in a packet of its own."""
    serve = tls(context)

    def behave(connection: socket.socket, seen: Seen) -> None:
        ours, theirs = socket.socketpair()
        there = threading.Thread(target=_crumbled, args=(theirs, connection))
        back = threading.Thread(target=_passed_on, args=(connection, theirs))
        with theirs:
            there.start()
            back.start()
            with ours, suppress(OSError):
                serve(ours, seen)
            there.join()
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
            back.join()

    return behave


def _crumbled(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while octets := source.recv(65_536):
            for octet in octets:
                sink.sendall(bytes([octet]))
                time.sleep(0.0001)
        sink.shutdown(socket.SHUT_WR)


def _passed_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while octets := source.recv(65_536):
            sink.sendall(octets)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def s_server(folder: Path, leaf: Issued, authorities: bytes, *options: str) -> Generator[int]:
    """OpenSSL's own server, which demands a certificate of certain authorities and names them."""
    for name, content in (("chain", leaf.presented_pem), ("key", leaf.key_pem), ("authorities", authorities)):
        (folder / name).write_bytes(content)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    files = ["-cert", "chain", "-cert_chain", "chain", "-key", "key", "-CAfile", "authorities"]
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-Verify", "1", "-verify_return_error", *files]
    process = subprocess.Popen(
        [*command, *options],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    )
    with process:
        assert process.stdout is not None
        told = b""
        while b"ACCEPT" not in told:
            told += process.stdout.read(4096)
            assert process.poll() is None, "openssl s_server does not run"
        yield port
        process.kill()


@contextmanager
def closed_port() -> Generator[int]:
    """A port that refuses connections, and that nobody else gets."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def black_hole() -> Generator[int]:
    """A port that drops connection attempts, since its backlog is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        filling = [socket.socket() for _ in range(4)]
        for each in filling:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        time.sleep(0.05)
        yield port
        for each in filling:
            each.close()


def resets_amid_the_certificate(context: ssl.SSLContext) -> Behaviour:
    """Send half of what the ClientHello is answered with, and reset."""
    half = hangs_up_amid_the_certificate(context)

    def behave(connection: socket.socket, seen: Seen) -> None:
        half(connection, seen)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    return behave


def falls_silent_amid_the_certificate(context: ssl.SSLContext) -> Behaviour:
    """Send half of what the ClientHello is answered with, and nothing more."""
    half = hangs_up_amid_the_certificate(context)

    def behave(connection: socket.socket, seen: Seen) -> None:
        half(connection, seen)
        keeps_silent(connection, seen)

    return behave


def leaves_after_the_handshake(context: ssl.SSLContext, *, politely: bool) -> Behaviour:
    """Do the handshake, and close at once, with or without the alert close_notify."""

    def behave(connection: socket.socket, seen: Seen) -> None:
        with context.wrap_socket(connection, server_side=True) as stream:
            if politely:
                stream.settimeout(0)
                with suppress(ssl.SSLWantReadError):  # the client's own close_notify is not waited for
                    stream.unwrap()

    return behave


def keeps_silent(connection: socket.socket, seen: Seen) -> None:
    """Never answer, until the client closes."""
    while connection.recv(65_536):
        pass


def goes_slowly(context: ssl.SSLContext) -> Behaviour:
    """Serve TLS so slowly that a cancellation hits every stage of the handshake."""
    serve = tls(context)

    def behave(connection: socket.socket, seen: Seen) -> None:
        time.sleep(0.02)
        serve(connection, seen)

    return behave
