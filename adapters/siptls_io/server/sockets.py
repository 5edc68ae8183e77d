"""The stream that a server reads from and writes to in threads."""

from __future__ import annotations

import errno
import math
import os
import socket
import ssl
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Final

from ..cancellation import EVENT_WRITE, Cancellation
from ..handshake import Handshake
from .session import TlsSession

_CHUNK: Final = 65_536
_OWED: Final = 65_536
"""How many octets a client may have us owe it, such as for its wishes to change the keys, before it has to wait."""


class ServerSocket:
    """The server's end of a TLS connection over TCP, with the methods that sockets have.

    One thread may read while others write: what each of them writes comes in one piece.

    Args:
        tcp: the TCP connection; it belongs to this object.
        session: the TLS session on it.
        cancellation: what every wait is done by.

    Attributes:
        session: the TLS session.
    """

    def __init__(self, tcp: socket.socket, session: TlsSession, cancellation: Cancellation) -> None:
        tcp.setblocking(False)
        self._tcp = tcp
        self.session: Final = session
        self._cancellation = cancellation
        self._owed = bytearray()
        self._tls = threading.Lock()
        self._receiving = threading.Lock()
        self._sending = threading.Lock()
        self._timeout = math.inf
        self._broken = False
        self._closed = False

    def __enter__(self) -> ServerSocket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def settimeout(self, seconds: float | None) -> None:
        """Set how long a call may wait, in seconds; None for as long as it takes, which is the default."""
        self._timeout = math.inf if seconds is None else seconds

    def shake_hands(self, begun: Handshake, seconds: float) -> None:
        """Do the handshake, but keep back what the server says at its end: `welcome` says that.

        Args:
            begun: where the first octets of the client are noted.
            seconds: how long it may take.

        Raises:
            OSError, EOFError: it failed; `TimeoutError` if there was no time left.
            Cancelled: it was cancelled.
        """
        until = time.monotonic() + seconds
        try:
            while not self.session.shake_hands():
                self._push(self.session.to_send(), until)
                octets = self._cancellation.receive(self._tcp, _CHUNK, until)
                begun.noted(octets)
                self.session.received(octets)
        except ssl.SSLError:
            with suppress(OSError):
                self._tcp.send(self.session.to_send())  # the alert that says why
            raise

    def welcome(self, seconds: float) -> None:
        """Send what ends the handshake.

        Args:
            seconds: how long it may take.

        Raises:
            OSError: the connection failed; `TimeoutError` if there was no time left.
            Cancelled: it was cancelled.
        """
        with self._sending:
            self._flush(time.monotonic() + seconds)

    def recv(self, most: int = 65_536) -> bytes:
        """Return what the client says; wait for it if necessary.

        Args:
            most: how many octets to return at the most, 1 or more.

        Returns:
            The octets; none if the client says no more.

        Raises:
            OSError: the connection failed, or is closed; `TimeoutError` if nothing came in time.
            Cancelled: the server ends.
        """
        if most < 1:
            raise ValueError("most must be 1 or more")
        until = time.monotonic() + self._timeout
        with self._receiving:
            while (said := self._read(most)) is None:
                self._answer(until)
                octets = self._cancellation.receive(self._tcp, _CHUNK, until)
                with self._tls:
                    self.session.received(octets)
            self._answer(until)
        return said

    def sendall(self, octets: bytes) -> None:
        """Say something to the client.

        Args:
            octets: all of it.

        Raises:
            OSError: the connection failed, or is closed, or an earlier call did not come to its end; `TimeoutError` if
                it took too long.
            Cancelled: the server ends.
        """
        until = time.monotonic() + self._timeout
        with self._sending:
            view = memoryview(octets)
            for begin in range(0, len(view), _CHUNK):
                self._usable()
                if self._broken:
                    raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
                with self._tls:
                    self.session.write(view[begin : begin + _CHUNK])
                self._flush(until)

    def close(self) -> None:
        """Close the connection with a closure alert, without waiting for the client."""
        with self._tls:
            if self._closed:
                return
            self._closed = True
            last = b""
            if self.session.established and not self._broken and not self._sending.locked():
                self.session.shut_down()
                last = bytes(self._owed) + self.session.to_send()
        with suppress(OSError):
            if last:
                self._tcp.send(last)
        self.abandon()

    def abandon(self) -> None:
        """Close the connection without a word."""
        self._closed = True
        with suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)  # wakes who waits; closing alone would not
        with self._receiving, self._sending:
            self._tcp.close()

    def _read(self, most: int) -> bytes | None:
        self._usable()
        with self._tls:
            return self.session.read(most)

    def _usable(self) -> None:
        if self._closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def _answer(self, until: float) -> None:
        """Send what TLS has to answer to what was read, unless somebody sends just now and will do it."""
        with self._tls:
            self._owed += self.session.to_send()
        if self._owed and (len(self._owed) > _OWED or not self._sending.locked()):
            with self._sending:
                self._flush(until)

    def _flush(self, until: float) -> None:
        """Send all that is there; only for who holds the lock."""
        while True:
            with self._tls:
                octets = bytes(self._owed) + self.session.to_send()
                self._owed.clear()
            if not octets:
                return
            whole = False
            try:
                self._push(octets, until)
                whole = True
            finally:
                self._broken |= not whole

    def _push(self, octets: bytes, until: float) -> None:
        view = memoryview(octets)
        while view:
            try:
                view = view[self._tcp.send(view) :]
            except BlockingIOError:
                self._cancellation.wait(self._tcp, EVENT_WRITE, until)
