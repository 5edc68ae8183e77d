"""The order of destination addresses (RFC 6724) on this host: only its operating system knows the source addresses."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from siptls.address_selection import destination_order
from siptls.names import ip_literal

_DISCARD = 9  # RFC 863; nothing is sent there


def source_address(address: str) -> str | None:
    """Ask the operating system which source address it would use for a destination.

    A UDP socket is connected, which chooses a route and a source and sends nothing; it does not wait for anything
    either, so it may be called from an event loop.

    Args:
        address: an IPv4 or IPv6 address; any other text is not looked up.

    Returns:
        The source address, without a zone; None if there is none: no route, no address of that family, no such family,
        or the text is no address.
    """
    octets = ip_literal(address)
    if octets is None:
        return None
    family = socket.AF_INET if len(octets) == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((socket.inet_ntop(family, octets), _DISCARD))
            source: str = probe.getsockname()[0]
    except OSError:
        return None
    return source.partition("%")[0]


def rfc6724_order(addresses: Sequence[str]) -> tuple[str, ...]:
    """Put the addresses of one host into the order in which this host should try them (RFC 6724 section 6).

    This is what ``order_addresses`` of `siptls.Locate` takes: it is called once for each target (RFC 7984 section 4).

    Args:
        addresses: IPv4 and IPv6 addresses of one host.

    Returns:
        The same addresses; the one to try first is the first. The default policy table is used, and no rule that needs
        more than the addresses: see `siptls.address_selection.destination_order`, which takes what else you know.
    """
    return destination_order(addresses, source_address)
