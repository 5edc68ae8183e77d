"""Where a server sends a response when the way that the request came has failed (RFC 3263 section 5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from .addresses import OrderAddresses
from .errors import InvalidVia, LocalProtocolError
from .location import Locate
from .names import srv_owner
from .policy import Policy
from .target import TargetFailure
from .transport import SRV_NAMES
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
