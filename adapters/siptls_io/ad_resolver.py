"""A stub resolver that takes the word of validating name servers, where the caller says that they may be trusted."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Final, cast

import anyio
import dns.flags
import dns.message
import dns.name
import dns.resolver

from siptls.dns import Lookup, Security
from siptls.events import Answered, Failure, LookupEvent, LookupFailed

from .cancellation import Cancellation, waiting_by
from .conversation import Malformed
from .errors import InvalidServer
from .exchange import exchange, exchange_async
from .message import from_message, question_name
from .name_server import Address, Server, read_servers
from .over_tls import problem
from .resolver import Cache

_PAYLOAD = 1_232
"""What is announced as our UDP payload: it fits into one IPv6 packet on nearly every path (RFC 9715)."""
_BLOCK = 128
"""To what length a query is padded where nobody sees more of it than that (RFC 8467 section 4.1)."""
_ROUNDS = 3


class AdResolver:
    """Asks recursive name servers and takes their AD bit for the DNSSEC status, where they are trusted.

    Nothing is trusted by default, not even loopback: common forwarders copy the AD bit from wherever they ask, and a
    datagram from further away can be forged. Trust a server only if it validates and the way to it is safe (RFC 4035
    section 4.9.3). An answer without the AD bit, or from a server that is not trusted, is INSECURE.

    A server that does not answer is asked again, up to three times. When a trusted server fails, only other trusted
    ones are asked: otherwise whoever can disturb the one would choose that the other, unvalidated, decides. In the same
    way only encrypted servers are asked after an encrypted one failed.

    A server over TLS or HTTPS has to prove by a certificate that it is who it should be, before it is asked anything
    (RFC 8310, strict profile). That protects the way to the server. It does not say that the server validates: the AD
    bit still counts only from those that are trusted.

    Args:
        servers: addresses in order of preference. Plain DNS: ``"192.0.2.53"``, ``"192.0.2.53:5353"``,
            ``"[2001:db8::53]:53"`` or ``("2001:db8::53", 53)``; the port is 53 by default. DNS over TLS (RFC 7858):
            ``"tls://192.0.2.53#dns.example"``, port 853. DNS over HTTPS (RFC 8484):
            ``"https://192.0.2.53/dns-query#dns.example"``, port 443; it takes the extra ``siptls[doh]``. The name after
            ``#`` is whom the certificate must be for; without it that is the IP address.
        trusted: the same for servers whose AD bit counts; one without a port is trusted on every port. A plain address
            is trusted however it is asked, one over TLS or HTTPS only if it is asked exactly so.
        timeout: how long one question may take in all, in seconds.
        patience: how long to wait for one server, in seconds.
        cache: where answers are kept; each resolver has its own by default.
        ca_file: PEM, the roots for servers over TLS and HTTPS; None takes the system's.

    Raises:
        InvalidServer: there is no server, a text is no address, or ``siptls[doh]`` is needed and not installed.
        InvalidPem: there are no certificates in ``ca_file``.
    """

    def __init__(
        self,
        servers: Iterable[Address],
        trusted: Iterable[Address] = (),
        timeout: float = 5.0,
        *,
        patience: float = 1.5,
        cache: Cache | None = None,
        ca_file: str | os.PathLike[str] | None = None,
    ) -> None:
        self.servers: Final = tuple(read_servers(servers, trusted, ca_file))
        if not self.servers:
            raise InvalidServer("", "at least one address")
        self._timeout = timeout
        self._patience = patience
        self._cache = Cache() if cache is None else cache

    @classmethod
    def system(cls, timeout: float = 5.0) -> AdResolver:
        """Make a resolver for the name servers of the operating system; none of them is trusted.

        Args:
            timeout: how long one question may take in all, in seconds.

        Returns:
            The resolver.

        Raises:
            InvalidServer: the system's configuration names no server.
        """
        try:
            configured = dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration as error:
            raise InvalidServer("", f"a configuration of the system's resolver ({error})") from error
        addresses = [server for server in configured.nameservers if isinstance(server, str)]
        return cls([(address, configured.port) for address in addresses], timeout=timeout)

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
        plan = self._plan(lookup, time.monotonic)
        event: LookupEvent | None = None
        while True:
            try:
                server, query, seconds = plan.send(event)
            except StopIteration as stop:
                return cast("LookupEvent", stop.value)
            try:
                with waiting_by(cancellation) as waits:
                    response = exchange(server, query, seconds, waits)
            except (OSError, Malformed) as error:
                event = _no_response(lookup, server, error)
            else:
                event = _judged(lookup, server, response)

    async def answer_async(self, lookup: Lookup, /) -> LookupEvent:
        """Answer one question, under asyncio or trio.

        Args:
            lookup: the question.

        Returns:
            `Answered` or `LookupFailed`, within ``timeout``.
        """
        plan = self._plan(lookup, anyio.current_time)
        event: LookupEvent | None = None
        while True:
            try:
                server, query, seconds = plan.send(event)
            except StopIteration as stop:
                return cast("LookupEvent", stop.value)
            try:
                response = await exchange_async(server, query, seconds)
            except (OSError, Malformed) as error:
                event = _no_response(lookup, server, error)
            else:
                event = _judged(lookup, server, response)

    def _plan(
        self, lookup: Lookup, clock: Callable[[], float]
    ) -> Generator[tuple[Server, dns.message.Message, float], LookupEvent | None, LookupEvent]:
        """Say whom to ask what and for how long, until there is something to return."""
        name = question_name(lookup)
        if name is None:
            return LookupFailed(lookup, Failure.MALFORMED, "not a domain name")
        if (kept := self._cache.get(lookup)) is not None:
            return Answered(lookup, kept)
        until = clock() + self._timeout
        failures: list[tuple[Server, LookupFailed]] = []
        for server in _order(self.servers, failures):
            remaining = until - clock()
            if remaining <= 0:
                break
            event = yield server, _query(name, lookup, server), min(remaining, self._patience)
            if isinstance(event, Answered):
                self._cache.put(event.answer)
                return event
            assert isinstance(event, LookupFailed)
            failures.append((server, event))
        return _telling(lookup, [failure for _, failure in failures])


def _query(name: dns.name.Name, lookup: Lookup, server: Server) -> dns.message.Message:
    query = dns.message.make_query(name, lookup.rrtype, want_dnssec=True, payload=_PAYLOAD)
    query.flags |= dns.flags.AD
    if server.context is not None:
        query.pad = _BLOCK
    if server.transport == "https":
        query.id = 0  # the connection says to which query a response belongs (RFC 8484 section 4.1)
    return query


def _order(servers: tuple[Server, ...], failures: list[tuple[Server, LookupFailed]]) -> Iterator[Server]:
    """Say whom to ask next, considering who has failed: the silent ones again, and nobody of less trust or secrecy."""
    asked = list(servers)
    for _ in range(_ROUNDS):
        silent: list[Server] = []
        for server in asked:
            # Once data were found bogus, nobody decides who would not know.
            bogus = any(event.reason is Failure.BOGUS for _, event in failures)
            if not (bogus and not server.trusted) and not any(_weakens(server, failed) for failed, _ in failures):
                yield server
                if failures[-1][1].reason is Failure.TIMEOUT:
                    silent.append(server)
        asked = silent


def _weakens(server: Server, failed: Server) -> bool:
    """Say whether whoever made one server fail would gain something if another one were asked instead."""
    return (failed.trusted and not server.trusted) or (failed.context is not None and server.context is None)


def _telling(lookup: Lookup, failures: list[LookupFailed]) -> LookupFailed:
    """Return the failure that says the most: bogus data before anything, and anything before silence."""
    told = [failure for failure in failures if failure.reason is not Failure.TIMEOUT]
    bogus = [failure for failure in told if failure.reason is Failure.BOGUS]
    return [*bogus, *told, *failures, LookupFailed(lookup, Failure.TIMEOUT, "no time to ask")][0]


def _judged(lookup: Lookup, server: Server, response: dns.message.Message) -> LookupEvent:
    validated = server.trusted and bool(response.flags & dns.flags.AD)
    event = from_message(lookup, response, Security.SECURE if validated else Security.INSECURE, server.source)
    if isinstance(event, LookupFailed):
        return LookupFailed(lookup, event.reason, event.detail, server.source)
    return event


def _no_response(lookup: Lookup, server: Server, error: OSError | Malformed) -> LookupFailed:
    # Only silence is a time-out: a server that proves to be the wrong one would do so again.
    reason = Failure.MALFORMED if isinstance(error, Malformed | ssl.SSLError) else Failure.TIMEOUT
    return LookupFailed(lookup, reason, f"{server.source.name}: {_what(error)}", server.source)


def _what(error: OSError | Malformed) -> str:
    if isinstance(error, TimeoutError):
        return "no response in time"
    if isinstance(error, ssl.SSLError):
        return problem(error)
    if isinstance(error, OSError) and isinstance(error.__cause__, OSError):
        error = error.__cause__  # anyio itself only says that all attempts failed
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
