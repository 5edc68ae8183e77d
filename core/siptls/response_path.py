"""Where a server sends a response, and where the client awaits it (RFC 3261 section 18, RFC 3263 section 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, Literal, NamedTuple

from .addresses import OrderAddresses
from .alias_row import packed_address, written_address
from .errors import InvalidName, InvalidVia, LocalProtocolError
from .location import Locate
from .names import srv_owner
from .policy import Policy
from .target import TargetFailure
from .transport import DEFAULT_PORTS, SRV_NAMES
from .via import Via


class ResponsePath(Locate):
    """Find out where a server sends a response when the way that the request came has failed (RFC 3263 section 5).

    It is a `Locate` for the sent-by of the topmost Via: with its transport and never a weaker one. `Outbound` with
    ``via.uri`` connects there too, and verifies that the peer is the sent-by host before the response is sent to it.

    Args:
        via: the topmost Via header field value of the request.
        failure: why the response could not go the way that the request came. Only TRANSPORT starts this: the
            connection was closed before the response could be sent, or the transport reported a fatal error.
        policy: address families and limits; the transport is that of the Via.
        now: the monotonic clock, in seconds.
        at: the wall clock at ``now``, an aware datetime.
        randbelow: a source of randomness for SRV weights, or None for the same order each time.
        order_addresses: puts the addresses of one target into the order in which to try them (RFC 6724 section 6).

    Raises:
        InvalidVia: ``via`` is not a Via header field value, or names a transport that SIP does not know.
        LocalProtocolError: ``failure`` is not TRANSPORT, or ``at`` is naive.

    Source: RFC 3263 section 5.
    """

    __slots__ = ("via",)

    def __init__(
        self,
        via: str | Via,
        *,
        failure: TargetFailure,
        policy: Policy = Policy(),
        now: float,
        at: datetime,
        randbelow: Callable[[int], int] | None,
        order_addresses: OrderAddresses | None = None,
    ) -> None:
        if failure is not TargetFailure.TRANSPORT:
            raise LocalProtocolError(f"a response takes another way only after a transport error, not after {failure}")
        self.via: Final = Via.parse(via) if isinstance(via, str) else via
        uri = self.via.uri
        super().__init__(
            uri,
            policy=policy.replace(transports=(self.via.transport,)),
            now=now,
            at=at,
            randbelow=randbelow,
            order_addresses=order_addresses,
        )


class Listening(NamedTuple):
    """A place at which a client has to listen, because a response may come there.

    Attributes:
        transport: ``udp`` ``tcp`` ``tls`` ``sctp`` ``tls-sctp`` ``ws`` or ``wss``.
        host: an address; or a domain name, and then each of its addresses is meant.
        port: 1-65535; None for a name of SRV records: each server that they name is meant, at its port.
        why: which rule makes a server send a response there.
    """

    transport: str
    host: str
    port: int | None
    why: str


def listen_hints(via: Via, source: str) -> tuple[Listening, ...]:
    """Say where a response to a request may come, besides the connection that the request was sent on.

    Args:
        via: our own Via, the topmost one of the request.
        source: the IP address that the request was sent from.

    Returns:
        The places, the likeliest first. What is a name is to be looked up as `ResponsePath` does.

    Raises:
        InvalidVia: the transport is none that SIP knows.

    Source: RFC 3261 sections 18.1.1 and 18.2.2, RFC 3263 section 5.
    """
    port = via.reply_port
    if port is None:
        raise InvalidVia(via.text, 0, "a transport that SIP knows")
    places = [Listening(via.transport, source, port, "the source of the request, with the port of sent-by")]
    if via.maddr is not None:
        places.append(Listening(via.transport, via.maddr, port, "the parameter maddr of the Via"))
    if via.port is not None or via.is_ip:
        places.append(Listening(via.transport, via.host, port, "sent-by of the Via"))
    else:
        names = SRV_NAMES.get(via.transport)
        if names is not None:
            owner = srv_owner(*names, via.host)
            places.append(Listening(via.transport, owner, None, "the SRV records of sent-by"))
        places.append(Listening(via.transport, via.host, port, "sent-by of the Via, if it has no SRV records"))
    once: dict[tuple[str, str, int | None], Listening] = {}
    for place in places:
        once.setdefault(place[:3], place)
    return tuple(once.values())


def received_from(via: Via, address: str, port: int | None = None) -> Via:
    """Write into the topmost Via of a request where it really came from.

    Args:
        via: the topmost Via as it came.
        address: the IP address that the request came from. An IPv4 address in an IPv6 one is written as IPv4, and a
            zone is left out.
        port: the port that it came from, 1-65535, for a client that asks for it by rport.

    Returns:
        The Via with ``received`` where sent-by is a name or another address, or rport is asked for. What the client
        itself wrote as ``received`` is gone, and so is a number that it wrote as rport, if ``port`` is given.

    Raises:
        InvalidName: ``address`` is no IP address.

    Source: RFC 3261 section 18.2.1, RFC 3581 section 4.
    """
    plain = address.partition("%")[0]
    octets = packed_address(plain)
    if octets is None:
        raise InvalidName(address, "an IP address")
    parameters: list[tuple[str, str | None]] = []
    for name, value in via.parameters:
        if name == "rport" and port is not None:
            parameters.append((name, str(port)))
        elif name != "received":
            parameters.append((name, value))
    if packed_address(via.host) != octets or "rport" in dict(parameters):
        parameters.append(("received", written_address(plain, octets)))
    stamped = Via(via.transport, via.host, via.port, tuple(parameters), via.text)
    return Via.parse(str(stamped))


def sent_by_us(via: Via, ours: Iterable[Via]) -> bool:
    """Say whether a response belongs here by the sent-by of its topmost Via; if not, it is dropped in silence.

    Args:
        via: the topmost Via of the response.
        ours: a Via for each sent-by that this client puts into requests.

    Source: RFC 3261 section 18.1.2.
    """
    return any(
        via.transport == own.transport
        and via.reply_port == own.reply_port
        and (via.host == own.host or (packed_address(via.host) or b"") == packed_address(own.host))
        for own in ours
    )


class ResponseStep(NamedTuple):
    """One way to send a response.

    Attributes:
        kind: ``connection``: over the connection of the request; ``address``: to this host and port, where the request
            came from; ``locate``: to what `ResponsePath` finds.
        host: an address; for maddr it may be a name; with ``locate`` the host of sent-by; empty for ``connection``.
        port: 1-65535, or None: for ``connection``, and for ``locate`` where sent-by has none.
    """

    kind: Literal["connection", "address", "locate"]
    host: str = ""
    port: int | None = None


def response_plan(via: Via) -> tuple[ResponseStep, ...]:
    """Say how a server sends a response: each way is taken when the ones before it have failed.

    A new connection over TLS leads to whoever has the address. `Outbound` with ``via.uri`` proves that it is the host
    of sent-by, before the response is sent.

    Args:
        via: the topmost Via of the request, in which `received_from` has written where it came from.

    Raises:
        InvalidVia: the transport is none that SIP knows.

    Source: RFC 3261 section 18.2.2, RFC 3263 section 5, RFC 3581 section 4, RFC 7118 section 5.
    """
    port = via.reply_port
    if port is None or via.transport not in DEFAULT_PORTS:
        raise InvalidVia(via.text, 0, "a transport that SIP knows")
    connection, locate = ResponseStep("connection"), ResponseStep("locate", via.host, via.port)
    if via.transport in ("ws", "wss"):
        return (connection,)  # nobody can connect to a browser
    if via.transport != "udp":
        source = () if via.received is None else (ResponseStep("address", via.received, port),)
        return (connection, *source, locate)
    if via.maddr is not None:
        return (ResponseStep("address", via.maddr, port),)
    if via.received is None:
        return (locate,)
    return (ResponseStep("address", via.received, via.rport or port), locate)
