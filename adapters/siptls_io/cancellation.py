"""Waiting for sockets in one thread, until another thread says that it is no use any more."""

from __future__ import annotations

import math
import os
import selectors
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from selectors import EVENT_READ, EVENT_WRITE
from types import TracebackType

__all__ = ["EVENT_READ", "EVENT_WRITE", "Cancellation", "Cancelled", "waiting_by"]


class Cancelled(BaseException):
    """Nobody needs the result any more. It is no `Exception`, so that it is not taken for a failure."""


class Cancellation:
    """Ends the waits of any number of threads at once, those that have begun and those that are still to come.

    Every wait is for a socket and for this: one end of a pair of sockets, which everybody can read from as soon as the
    other end is closed. A context manager that closes both.

    Args:
        around: makes the context in which each wait is done.

    Raises:
        OSError: there are too many open files.
    """

    def __init__(self, around: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._watched, self._closed_to_cancel = socket.socketpair()
        self._around = around

    def __enter__(self) -> Cancellation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def cancel(self) -> None:
        """Let every wait raise `Cancelled`. It does no harm to say so twice."""
        self._closed_to_cancel.close()

    def close(self) -> None:
        """Give up the pair of sockets. Nobody may wait any more."""
        self._closed_to_cancel.close()
        self._watched.close()

    def wait(self, stream: socket.socket | int, event: int, until: float = math.inf) -> None:
        """Block until a socket is ready.

        Args:
            stream: the socket, or the number of a file; it should be one that does not block, since what is ready may
                be gone when it is taken.
            event: `EVENT_READ`, `EVENT_WRITE`, or both.
            until: when to give up, in seconds on the clock of ``time.monotonic()``.

        Raises:
            Cancelled: it was cancelled, whether or not the socket is ready too.
            TimeoutError: the time is up, whether or not the socket is ready.
        """
        remaining = until - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("no response in time")
        with selectors.DefaultSelector() as selector:
            selector.register(self._watched, EVENT_READ)
            selector.register(stream, event)
            with self._around():
                ready = selector.select(None if remaining == math.inf else remaining)
        if any(key.fileobj is self._watched for key, _ in ready):
            raise Cancelled
        if not ready:
            raise TimeoutError("no response in time")

    def connect(self, stream: socket.socket, address: str, port: int, until: float = math.inf) -> None:
        """Connect a socket, which does not block afterwards.

        Args:
            stream: the socket.
            address: an IP address of its family.
            port: 1-65535.
            until: when to give up, in seconds on the clock of ``time.monotonic()``.

        Raises:
            OSError: there is no connection; `TimeoutError` if there was none in time.
            Cancelled: it was cancelled.
        """
        stream.setblocking(False)
        try:
            stream.connect((address, port))
        except BlockingIOError:
            self.wait(stream, EVENT_WRITE, until)
            error = stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error)) from None

    def receive(self, stream: socket.socket, size: int, until: float = math.inf) -> bytes:
        """Block until octets are here, and return them.

        Args:
            stream: a socket that does not block.
            size: how many octets to take at most.
            until: when to give up, in seconds on the clock of ``time.monotonic()``.

        Returns:
            The octets; none if the peer closed the connection.

        Raises:
            OSError: the connection failed; `TimeoutError` if nothing came in time.
            Cancelled: it was cancelled.
        """
        while True:
            self.wait(stream, EVENT_READ, until)
            try:
                return stream.recv(size)
            except BlockingIOError:
                continue  # a datagram with a wrong checksum


def waiting_by(cancellation: Cancellation | None) -> AbstractContextManager[Cancellation]:
    """Return a context with what to wait by.

    Args:
        cancellation: what others may cancel, which stays open; None makes one that nobody cancels.

    Raises:
        OSError: there are too many open files.
    """
    return Cancellation() if cancellation is None else nullcontext(cancellation)
