"""A resolver that validates by itself, from the root's keys down: libunbound inside this process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from types import TracebackType

import anyio
import anyio.lowlevel
import dns.name
import dns.rdatatype

from siptls.dns import Lookup, Security, Source
from siptls.events import Answered, Failure, LookupEvent, LookupFailed

from .ad_resolver import AdResolver
from .cancellation import EVENT_READ, Cancellation, waiting_by
from .errors import InvalidServer
from .libunbound import Context, Reply
from .message import from_message, question_name
from .name_server import Address, Server, read_servers
from .resolver import Cache
from .trust_anchors import read_trust_anchors
from .turns import Question, Turns
from .wire import read_message

_DETAIL = 200
_CLOSED = "the resolver was closed"
_THREADS = None
"""What stands for the event loop where there is none."""


class UnboundResolver:
    """Validates answers with libunbound, and so needs to trust neither a name server nor the way to it.

    It may be used from several event loops and threads at the same time. Close it when it is not needed any more, or
    let it go: nothing stays open then either.

    Args:
        forwarders: the name servers that are asked, as for `AdResolver`: ``"192.0.2.53"``, ``"192.0.2.53:5353"``,
            ``"[2001:db8::53]:53"`` or ``("2001:db8::53", 53)``. They must hand out DNSSEC records. Without any, the
            authoritative servers are asked, from the root down.
        trust_anchors: DS or DNSKEY records in master-file syntax (RFC 1035 section 5.1), from which validation starts;
            a `Path` is read instead. None: the keys of the root zone, which come with this package.
        timeout: how long one question may take in all, in seconds.
        cache: where answers are kept; each resolver has its own by default.

    Raises:
        MissingLibrary: libunbound is not on this system.
        InvalidTrustAnchor: there is no trust anchor, or a record is none; with file and line.
        InvalidServer: a text is no address.
        OSError: libunbound cannot start, for instance because fewer than 16 more files can be opened.
    """

    def __init__(
        self,
        forwarders: Iterable[Address] = (),
        trust_anchors: str | os.PathLike[str] | None = None,
        timeout: float = 5.0,
        *,
        cache: Cache | None = None,
    ) -> None:
        servers = _servers(forwarders)
        self._forwarders = [f"{server.address}@{server.port}" for server in servers]
        self._anchors = read_trust_anchors(trust_anchors)
        self._timeout = timeout
        self._cache = Cache() if cache is None else cache
        by = ", ".join([server.source.name for server in servers])
        self._source = Source(f"libunbound, asking {by}" if by else "libunbound")
        self._started = self._start()

    @classmethod
    def system(
        cls,
        trust_anchors: str | os.PathLike[str] | None = None,
        timeout: float = 5.0,
        *,
        cache: Cache | None = None,
    ) -> UnboundResolver:
        """Make a resolver that asks the name servers of the operating system, and validates what they say.

        Args:
            trust_anchors: DS or DNSKEY records instead of those of the root zone.
            timeout: how long one question may take in all, in seconds.
            cache: where answers are kept.

        Returns:
            The resolver.

        Raises:
            MissingLibrary, InvalidTrustAnchor, OSError: as of the constructor.
            InvalidServer: the system's configuration names no server.
        """
        servers = [(server.address, server.port) for server in AdResolver.system().servers]
        return cls(servers, trust_anchors, timeout, cache=cache)

    def __enter__(self) -> UnboundResolver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop libunbound. Whoever still waits for an answer, or asks for one, gets a `LookupFailed`."""
        self._started[1].close()

    def answer(self, lookup: Lookup, cancellation: Cancellation | None = None, /) -> LookupEvent:
        """Answer one question, and block until then.

        Args:
            lookup: the question.
            cancellation: what to wait by; None if nobody will cancel.

        Returns:
            `Answered` or `LookupFailed`, within ``timeout``.

        Raises:
            Cancelled: it was cancelled.
        """
        if (event := self._known(lookup)) is not None:
            return event
        until = time.monotonic() + self._timeout
        try:
            with waiting_by(cancellation) as waits:
                turns, question = self._turns(), Question(_THREADS)
                try:
                    turns.begin(question, *_asked(lookup))
                    while (fd := turns.awaited(question)) is not None:
                        waits.wait(fd, EVENT_READ, until)
                except TimeoutError:
                    pass
                finally:
                    turns.end(question)
        except OSError as error:
            return self._failed(lookup, Failure.SERVFAIL, error.strerror or str(error))
        return self._event(lookup, question.reply, turns)

    async def answer_async(self, lookup: Lookup, /) -> LookupEvent:
        """Answer one question, under asyncio or trio.

        Args:
            lookup: the question.

        Returns:
            `Answered` or `LookupFailed`, within ``timeout``.
        """
        if (event := self._known(lookup)) is not None:
            return event
        try:
            turns, question = self._turns(), Question(anyio.lowlevel.current_token())
            try:
                with anyio.move_on_after(self._timeout):
                    turns.begin(question, *_asked(lookup))
                    while (fd := turns.awaited(question)) is not None:
                        await anyio.wait_readable(fd)
            finally:
                turns.end(question)
        except OSError as error:
            return self._failed(lookup, Failure.SERVFAIL, error.strerror or str(error))
        return self._event(lookup, question.reply, turns)

    def _start(self) -> tuple[int, Turns]:
        return os.getpid(), Turns(Context(self._forwarders, self._anchors))

    def _turns(self) -> Turns:
        """Return who answers in this process: after a fork, the thread of libunbound is in the parent alone."""
        process, turns = self._started
        if process != os.getpid():
            self._started = _, turns = self._start()
        return turns

    def _known(self, lookup: Lookup) -> LookupEvent | None:
        """Return what can be said without asking."""
        if question_name(lookup) is None:
            return LookupFailed(lookup, Failure.MALFORMED, "not a domain name")
        if (kept := self._cache.get(lookup)) is not None:
            return Answered(lookup, kept)
        return self._failed(lookup, Failure.SERVFAIL, _CLOSED) if self._started[1].closed else None

    def _event(self, lookup: Lookup, reply: Reply | None, turns: Turns) -> LookupEvent:
        """Say what a reply amounts to, and keep it if it is an answer."""
        if reply is None and turns.closed:
            return self._failed(lookup, Failure.SERVFAIL, _CLOSED)
        if reply is None:
            return self._failed(lookup, Failure.TIMEOUT, f"{self._source.name}: no answer in time")
        # First: the message of bogus data looks like any other.
        if reply.bogus:
            return self._failed(lookup, Failure.BOGUS, reply.why)
        if not reply.packet:
            return self._failed(lookup, Failure.SERVFAIL, reply.why or "libunbound: no answer")
        message = read_message(reply.packet)
        if message is None:
            return self._failed(lookup, Failure.MALFORMED, "libunbound: no DNS message")
        event = from_message(lookup, message, Security.SECURE if reply.secure else Security.INSECURE, self._source)
        if isinstance(event, LookupFailed):
            return self._failed(lookup, event.reason, event.detail)
        if [(each.name, each.rdtype) for each in message.question] != [_asked(lookup)]:
            return self._failed(lookup, Failure.MALFORMED, "libunbound: the answer to another question")
        self._cache.put(event.answer)
        return event

    def _failed(self, lookup: Lookup, reason: Failure, detail: str) -> LookupFailed:
        return LookupFailed(lookup, reason, detail[:_DETAIL], self._source)


def _asked(lookup: Lookup) -> tuple[dns.name.Name, dns.rdatatype.RdataType]:
    name = question_name(lookup)
    assert name is not None  # `_known` has seen to that
    return name, dns.rdatatype.from_text(lookup.rrtype)


def _servers(forwarders: Iterable[Address]) -> list[Server]:
    given = tuple(forwarders)
    for each in given:
        if isinstance(each, str) and "://" in each:
            raise InvalidServer(each, "an address without ://, because libunbound asks over UDP and TCP here")
    return list(read_servers(given, (), None))
