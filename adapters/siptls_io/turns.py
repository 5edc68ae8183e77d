"""Waiting for libunbound without a thread: in each event loop one of those who wait reads the replies for all.

libunbound has one file descriptor that becomes readable when there is a reply to any question, and says no more. So in
every event loop, and once for all threads that block, one asker watches it. Whoever reads gives each reply to its
asker, in whichever loop that waits; and an asker that leaves hands the watch on. No loop depends on another: one that
is stopped or busy delays its own askers only.
"""

from __future__ import annotations

import os
import selectors
import socket
from contextlib import suppress
from typing import Final

import dns.name
import dns.rdatatype

from .libunbound import Context, Query


class Question(Query):
    """One question, and the way to call its asker.

    Args:
        loop: equal for all that wait in the same event loop, and for no others.
    """

    __slots__ = ("_bell", "_rope", "_selector", "loop")

    def __init__(self, loop: object) -> None:
        super().__init__()
        self.loop: Final = loop
        self._bell: socket.socket | None = None
        self._rope: socket.socket | None = None
        self._selector: selectors.DefaultSelector | None = None

    def ring(self) -> None:
        """Wake the asker, if it waits."""
        if self._rope is not None:
            with suppress(BlockingIOError):  # it rings loud enough already
                self._rope.send(b"\0")

    def bell(self) -> int:
        """Return what becomes readable when it rings; from now on it is silent."""
        if self._bell is None:
            self._bell, self._rope = socket.socketpair()
            self._bell.setblocking(False)
            self._rope.setblocking(False)
        with suppress(BlockingIOError):
            self._bell.recv(64)
        return self._bell.fileno()

    def bell_or(self, fd: int) -> int:
        """Return what becomes readable when it rings or a file descriptor is readable."""
        bell = self.bell()
        if self._selector is None:
            # Of one file descriptor alone every event loop can tell whether it is readable.
            self._selector = selectors.DefaultSelector()
            self._selector.register(bell, selectors.EVENT_READ)
            self._selector.register(fd, selectors.EVENT_READ)
        return self._selector.fileno()

    def close(self) -> None:
        """Close what was opened to wait."""
        for each in (self._selector, self._bell, self._rope):
            if each is not None:
                each.close()


class Turns:
    """Those who wait for replies of one context. All event loops and threads may use it at the same time.

    Args:
        context: who answers; it belongs to this object.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = context.lock
        self._waiting: dict[Question, None] = {}
        self._readers: dict[object, Question] = {}
        self.closed: bool = False

    def begin(self, question: Question, name: dns.name.Name, rrtype: dns.rdatatype.RdataType) -> None:
        """Ask. `end` has to follow, whatever happens.

        Args:
            question: one that was not asked yet.
            name: the name.
            rrtype: the type.
        """
        with self._lock:
            if not self.closed:
                self._waiting[question] = None
                self._context.ask(question, name.to_text(), rrtype)

    def awaited(self, question: Question) -> int | None:
        """Return what has to become readable before this is called again, or None when there is nothing to wait for."""
        with self._lock:
            if self.closed:
                return None
            reader = self._readers.setdefault(question.loop, question)
            if reader is question:
                self._read()
            if question.reply is not None:
                return None
            return question.bell_or(self._context.fd) if reader is question else question.bell()

    def end(self, question: Question) -> None:
        """Forget a question. Its reply stays, if there is one; otherwise none will come."""
        if self._context.pid != os.getpid():  # after a fork, a thread that is not here may hold the lock
            question.close()
            return
        with self._lock:
            if not self._context.take(question) and question.reply is None:
                self._context.cancel(question)
            self._waiting.pop(question, None)
            question.close()
            if self._readers.get(question.loop) is question:
                del self._readers[question.loop]
                for heir in list(self._waiting):
                    if heir.loop == question.loop and heir.reply is None:
                        self._readers[heir.loop] = heir
                        heir.ring()
                        break
            if self.closed and not self._waiting:
                self._context.delete()

    def close(self) -> None:
        """Let everybody go without a reply. The last to leave deletes the context."""
        self.closed = True
        if self._context.pid != os.getpid():
            return
        with self._lock:
            for question in list(self._waiting):
                question.ring()
            if not self._waiting:
                self._context.delete()

    def _read(self) -> None:
        """Give the replies that are here to those who asked."""
        broken = self._context.process()
        for question in list(self._waiting):
            if broken is not None and question.reply is None:
                question.reply = broken
                question.ring()
            elif self._context.take(question):
                question.ring()
