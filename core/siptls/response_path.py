"""Where a server sends a response when the way that the request came has failed (RFC 3263 section 5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from .addresses import OrderAddresses
from .errors import LocalProtocolError
from .location import Locate
from .policy import Policy
from .target import TargetFailure
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
