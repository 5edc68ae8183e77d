"""A stub resolver that takes the word of validating name servers, where the caller says that they may be trusted."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterable, Iterator
from ipaddress import ip_address
from typing import Final, TypeAlias, cast

import dns.flags
import dns.message
import dns.resolver

from siptls.dns import Lookup, Security, Source
from siptls.events import Answered, Failure, LookupEvent, LookupFailed

from .cancellation import Cancellation
from .errors import InvalidServer
from .exchange import Malformed, exchange, exchange_async
from .message import from_message, question_name
from .resolver import Cache

Address: TypeAlias = str | tuple[str, int]

_PORT = 53
_PAYLOAD = 1_232
"""What is announced as our UDP payload: it fits into one IPv6 packet on nearly every path (RFC 9715)."""
_ROUNDS = 3


class Server:
    """A name server.

    Args:
        address: its IP address.
        port: 1-65535.
        trusted: whether its AD bit counts.
    """

    __slots__ = ("address", "port", "source", "trusted")

    def __init__(self, address: str, port: int, *, trusted: bool) -> None:
        self.address: Final = address
        self.port: Final = port
        self.trusted: Final = trusted
        name = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        self.source: Final = Source(name, "resolver.trust-ad" if trusted else "resolver.not-trusted")


class AdResolver:
    """Asks recursive name servers and takes their AD bit for the DNSSEC status, where they are trusted.

    Nothing is trusted by default, not even loopback: common forwarders copy the AD bit from wherever they ask, and a
    datagram from further away can be forged. Trust a server only if it validates and the way to it is safe (RFC 4035
    section 4.9.3). An answer without the AD bit, or from a server that is not trusted, is INSECURE.

    A server that does not answer is asked again, up to three times. When a trusted server fails, only other trusted
    ones are asked: otherwise whoever can disturb the one would choose that the other, unvalidated, decides.

    Args:
        servers: addresses in order of preference: ``"192.0.2.53"``, ``"192.0.2.53:5353"``, ``"[2001:db8::53]:53"`` or
            ``("2001:db8::53", 53)``; the port is 53 by default.
        trusted: the same for servers whose AD bit counts; one without a port is trusted on every port.
        timeout: how long one question may take in all, in seconds.
        patience: how long to wait for one server, in seconds.
        cache: where answers are kept; each resolver has its own by default.

    Raises:
        InvalidServer: there is no server, or a text is no address.
    """

    def __init__(
        self,
        servers: Iterable[Address],
        trusted: Iterable[Address] = (),
        timeout: float = 5.0,
        *,
        patience: float = 1.5,
        cache: Cache | None = None,
    ) -> None:
        trust = [_address(server) for server in trusted]
        self.servers: Final = tuple(_servers(servers, trust))
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
        if cancellation is None:
            with Cancellation() as never:
                return self.answer(lookup, never)
        plan = self._plan(lookup)
        event: LookupEvent | None = None
        while True:
            try:
                server, query, seconds = plan.send(event)
            except StopIteration as stop:
                return cast("LookupEvent", stop.value)
            try:
                response = exchange(server.address, server.port, query, seconds, cancellation)
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
        plan = self._plan(lookup)
        event: LookupEvent | None = None
        while True:
            try:
                server, query, seconds = plan.send(event)
            except StopIteration as stop:
                return cast("LookupEvent", stop.value)
            try:
                response = await exchange_async(server.address, server.port, query, seconds)
            except (OSError, Malformed) as error:
                event = _no_response(lookup, server, error)
            else:
                event = _judged(lookup, server, response)

    def _plan(
        self, lookup: Lookup
    ) -> Generator[tuple[Server, dns.message.Message, float], LookupEvent | None, LookupEvent]:
        """Say whom to ask what and for how long, until there is something to return."""
        name = question_name(lookup)
        if name is None:
            return LookupFailed(lookup, Failure.MALFORMED, "not a domain name")
        if (kept := self._cache.get(lookup)) is not None:
            return Answered(lookup, kept)
        until = time.monotonic() + self._timeout
        failures: list[tuple[Server, LookupFailed]] = []
        for server in _order(self.servers, failures):
            remaining = until - time.monotonic()
            if remaining <= 0:
                break
            query = dns.message.make_query(name, lookup.rrtype, want_dnssec=True, payload=_PAYLOAD)
            query.flags |= dns.flags.AD
            event = yield server, query, min(remaining, self._patience)
            if isinstance(event, Answered):
                self._cache.put(event.answer)
                return event
            assert isinstance(event, LookupFailed)
            failures.append((server, event))
        return _telling(lookup, [failure for _, failure in failures])


def _order(servers: tuple[Server, ...], failures: list[tuple[Server, LookupFailed]]) -> Iterator[Server]:
    """Say whom to ask next, considering who has failed: the silent ones again, and nobody of less trust."""
    asked = list(servers)
    for _ in range(_ROUNDS):
        silent: list[Server] = []
        for server in asked:
            if server.trusted or not any(failed.trusted for failed, _ in failures):
                yield server
                if failures[-1][1].reason is Failure.TIMEOUT:
                    silent.append(server)
        asked = silent


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
    reason = Failure.MALFORMED if isinstance(error, Malformed) else Failure.TIMEOUT
    what = "no response in time" if isinstance(error, TimeoutError) else str(error)
    return LookupFailed(lookup, reason, f"{server.source.name}: {what}", server.source)


def _servers(servers: Iterable[Address], trust: list[tuple[str, int | None]]) -> Iterator[Server]:
    for text in servers:
        address, port = _address(text)
        port = _PORT if port is None else port
        yield Server(address, port, trusted=(address, port) in trust or (address, None) in trust)


def _address(server: Address) -> tuple[str, int | None]:
    """Read an address with or without a port.

    Raises:
        InvalidServer: it is none.
    """
    address, port = _split(server) if isinstance(server, str) else server
    text = server if isinstance(server, str) else f"{address} port {port}"
    try:
        canonical = str(ip_address(address))
    except ValueError:
        raise InvalidServer(text, "an IP address, with :port or not; an IPv6 address with a port in brackets") from None
    if port is not None and not 0 < port < 65_536:
        raise InvalidServer(text, "a port from 1 to 65535")
    return canonical, port


_WRITTEN = re.compile(
    r"(?P<bare>[^\[\]]*:[^\[\]]*:[^\[\]]*)|(?:\[(?P<v6>[^\]]*)\]|(?P<v4>[^:]*))(?::(?P<port>[0-9]{1,5}))?"
)


def _split(text: str) -> tuple[str, int | None]:
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return "", None
    address = match["bare"] or match["v6"] or match["v4"] or ""
    return address, None if match["port"] is None else int(match["port"])
