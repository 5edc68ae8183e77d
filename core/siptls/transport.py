"""Which transports a SIP URI leaves open, and how DNS names them (RFC 3263, RFC 4168, RFC 7118)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from .policy import SECURE_TRANSPORTS, TRANSPORTS

# RFC 3263 sections 4.1 and 9, RFC 4168 section 6, RFC 7118 section 5.5
SERVICES: Final = {
    "SIP+D2U": "udp",
    "SIP+D2T": "tcp",
    "SIP+D2S": "sctp",
    "SIP+D2W": "ws",
    "SIPS+D2T": "tls",
    "SIPS+D2S": "tls-sctp",
    "SIPS+D2W": "wss",
}
# RFC 3263 section 4.2. WebSocket has no SRV names of its own: they come from NAPTR or not at all (RFC 7118).
SRV_NAMES: Final = {
    "udp": ("sip", "udp"),
    "tcp": ("sip", "tcp"),
    "sctp": ("sip", "sctp"),
    "tls": ("sips", "tcp"),
    "tls-sctp": ("sips", "sctp"),
}
# What a transport parameter leaves open: with "tcp", the URI's scheme and the policy decide between TCP and TLS.
_PARAMETERS: Final = {
    "udp": ("udp",),
    "tcp": ("tcp", "tls"),
    "tls": ("tls",),
    "sctp": ("sctp", "tls-sctp"),
    "tls-sctp": ("tls-sctp",),
    "ws": ("ws", "wss"),
    "wss": ("wss",),
}
# RFC 3261 section 19.1.2, RFC 7118 section 5.5
DEFAULT_PORTS: Final = {"udp": 5060, "tcp": 5060, "sctp": 5060, "tls": 5061, "tls-sctp": 5061, "ws": 80, "wss": 443}


@lru_cache(maxsize=64)
def transport_of(service: str) -> str | None:
    """Return the transport of a NAPTR service field, or None if it is none of SIP; case does not matter.

    Args:
        service: the field as it came.

    Source: RFC 3263 sections 4.1 and 9, RFC 4168 section 6, RFC 7118 section 5.5.
    """
    return SERVICES.get(service.upper()) if service.isascii() else None  # other letters have ASCII ones as upper case


# RFC 3261 section 18.1.1: what a message may be long, in octets, where the path MTU is not known; else how much room
# below it there must be.
_SAFE_SIZE: Final = 1_300
_ROOM: Final = 200


def too_large_for_udp(octets: int, path_mtu: int | None = None) -> bool:
    """Say whether a request must not go over UDP because of its size.

    Args:
        octets: the length of the request.
        path_mtu: the path MTU in octets, if it is known.

    Returns:
        True above 1,300 octets, or, with a known path MTU, within 200 octets of it.

    Source: RFC 3261 section 18.1.1.
    """
    return octets > (_SAFE_SIZE if path_mtu is None else path_mtu - _ROOM)


@lru_cache(maxsize=256)
def usable_transports(
    scheme: str, parameter: str | None, wanted: tuple[str, ...], large: bool = False
) -> tuple[str, ...]:
    """Return the transports of ``wanted`` that a URI leaves open, in their order.

    Args:
        scheme: ``sip`` or ``sips``; sips leaves only those with TLS (RFC 3261 section 26.2.2).
        parameter: the transport parameter, or None.
        wanted: the caller's transports in order of preference.
        large: whether the request is too large for UDP; where the URI says UDP, TCP takes its place.
    """
    if large and parameter == "udp":
        open_to: tuple[str, ...] = ("tcp",)
    else:
        open_to = TRANSPORTS if parameter is None else _PARAMETERS.get(parameter, ())
    return tuple(
        [
            transport
            for transport in wanted
            if transport in open_to
            and (scheme == "sip" or transport in SECURE_TRANSPORTS)
            and not (large and transport == "udp")
        ]
    )


def transport_without_dns(scheme: str, parameter: str | None, usable: tuple[str, ...], large: bool = False) -> str:
    """Return the transport where no DNS record chooses it: UDP for sip, TLS over TCP for sips, if that is usable.

    Args:
        scheme: ``sip`` or ``sips``.
        parameter: the transport parameter, or None.
        usable: what `usable_transports` left; not empty.
        large: whether the request is too large for UDP; TCP takes its place.

    Source: RFC 3263 section 4.1.
    """
    usual = "tls" if scheme == "sips" else parameter or "udp"
    if large and usual == "udp":
        usual = "tcp"
    return usual if usual in usable else usable[0]
