"""Hosts and ports of the command line."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from siptls.names import domain, ip_literal
from siptls_io.a_labels import host_to_a_labels

from .dane_parameters import DEFAULT_PORT
from .problem import Problem, shown

_SERVER: Final = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]:/@;?\s]+))(?::(?P<port>\d{1,5}))?", re.ASCII
)


class Server(NamedTuple):
    """A host and a port.

    Attributes:
        host: a name in A-labels, or an address as text.
        port: 1-65535.
    """

    host: str
    port: int

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address."""
        return ip_literal(self.host) is not None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def server(text: str) -> Server:
    """Read ``HOST`` or ``HOST:PORT``; an IPv6 address stands in brackets.

    Args:
        text: the argument; the host may hold U-labels.

    Raises:
        Problem: it is neither.
        InvalidName: the host is no host name.
    """
    match = _SERVER.fullmatch(text)
    port = DEFAULT_PORT if match is None or match["port"] is None else int(match["port"])
    if match is None or not 0 < port < 65536:
        expected = "HOST or HOST:PORT, such as sip1.example.com:5061, with a port from 1 to 65535"
        raise Problem("usage.error", shown(f"{text!r}: expected {expected}"))
    host = match["ipv6"] or match["host"]
    if match["ipv6"] is not None and ip_literal(host) is None:
        raise Problem("usage.error", shown(f"{text!r}: expected an IPv6 address in the brackets"))
    return Server(host if ip_literal(host) is not None else host_name(host), port)


def named_server(text: str) -> Server:
    """Read ``HOST`` or ``HOST:PORT`` where the host must be a name.

    Args:
        text: the argument.

    Raises:
        Problem: it is not.
        InvalidName: the host is no host name.
    """
    found = server(text)
    if found.is_address:
        raise Problem("usage.error", shown(f"{text!r}: expected the name of a host: an address has no TLSA records"))
    return found


def host_name(text: str) -> str:
    """Return a host name in A-labels and lower case.

    Args:
        text: the name; it may hold U-labels.

    Raises:
        InvalidName: it is no host name.
    """
    return domain(host_to_a_labels(text))
