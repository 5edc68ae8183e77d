"""Name servers: how they are written, and what is known of each before it is asked."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterable, Iterator
from importlib import import_module
from ipaddress import ip_address
from typing import Final, Literal, NamedTuple, TypeAlias, cast

from siptls.dns import Source
from siptls.names import is_host

from .conversation import Converse, over_tcp
from .errors import InvalidServer
from .over_tls import server_context

Address: TypeAlias = str | tuple[str, int]
Transport: TypeAlias = Literal["udp", "tls", "https"]
"""Plain DNS over UDP and TCP, DNS over TLS (RFC 7858), DNS over HTTPS (RFC 8484)."""

_PORTS: dict[Transport, int] = {"udp": 53, "tls": 853, "https": 443}
_ALPN: dict[Transport, tuple[str, ...]] = {"tls": ("dot",), "https": ("h2", "http/1.1")}
_PATH = "/dns-query"

_PLAIN = re.compile(
    r"(?P<bare>[^\[\]]*:[^\[\]]*:[^\[\]]*)|(?:\[(?P<v6>[^\]]*)\]|(?P<v4>[^:]*))(?::(?P<port>[0-9]{1,5}))?"
)
_URI = re.compile(
    r"(?P<transport>tls|https)://(?:\[(?P<v6>[^\]]*)\]|(?P<v4>[^:/?#\[\]]*))(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?(?:\#(?P<name>[^#]*))?",
    re.IGNORECASE,
)


class _Written(NamedTuple):
    """What somebody wrote of a server."""

    text: str
    transport: Transport
    address: str
    port: int | None
    path: str = ""
    name: str | None = None

    def covers(self, server: _Written) -> bool:
        """Say whether trust in this is trust in a server."""
        if self.address != server.address or self.port not in (None, server.port or _PORTS[server.transport]):
            return False
        same = (self.transport, self.path, self.name) == (server.transport, server.path, server.name)
        return same or self.transport == "udp"


class Server:
    """A name server and the way to it.

    Attributes:
        transport: ``udp``, ``tls`` or ``https``.
        address: the IP address.
        port: 1-65535.
        path: of a server over HTTPS.
        name: whom the server's certificate must be for: a host name or the address; None without TLS.
        trusted: whether its AD bit counts.
        context: for TLS; None for plain DNS.
        converse: begins a conversation over TCP or TLS.
        source: what answers say of where they come from.
    """

    __slots__ = ("address", "context", "converse", "name", "path", "port", "source", "transport", "trusted")

    def __init__(self, written: _Written, context: ssl.SSLContext | None, converse: Converse, *, trusted: bool) -> None:
        self.transport: Final = written.transport
        self.address: Final = written.address
        self.port: Final = written.port or _PORTS[written.transport]
        self.path: Final = written.path
        self.name: Final = None if written.transport == "udp" else written.name or written.address
        self.trusted: Final = trusted
        self.context: Final = context
        self.converse: Final = converse
        scheme = "" if written.transport == "udp" else f"{written.transport}://"
        named = "" if written.name is None else f"#{written.name}"
        text = f"{scheme}{_bracketed(written.address)}:{self.port}{written.path}{named}"
        self.source: Final = Source(text, "resolver.trust-ad" if trusted else "resolver.not-trusted")


def read_servers(
    servers: Iterable[Address], trusted: Iterable[Address], ca_file: str | os.PathLike[str] | None
) -> Iterator[Server]:
    """Read the addresses of name servers.

    Args:
        servers: the addresses, as in `AdResolver`.
        trusted: those whose AD bit counts.
        ca_file: PEM, the roots for servers that are asked over TLS; None takes the system's.

    Returns:
        The servers, in their order.

    Raises:
        InvalidServer: a text is no address, or what it takes to ask such a server is not installed.
        InvalidPem: there are no certificates in ``ca_file``.
    """
    trust = [_read(each) for each in trusted]
    contexts: dict[Transport, ssl.SSLContext] = {}
    for written in map(_read, servers):
        context: ssl.SSLContext | None = None
        if written.transport != "udp":
            context = contexts.get(written.transport) or server_context(_ALPN[written.transport], ca_file)
            contexts[written.transport] = context
        converse = _over_https(written) if written.transport == "https" else over_tcp
        yield Server(written, context, converse, trusted=any(each.covers(written) for each in trust))


def _over_https(written: _Written) -> Converse:
    """Load what speaks HTTP, only now: not everybody has it."""
    try:
        module = import_module(".over_https", __package__)
    except ImportError as error:
        missing = str(error.name).partition(".")[0]
        raise InvalidServer(
            written.text, f'the packages for DNS over HTTPS ({missing} is missing): pip install "siptls[doh]"'
        ) from error
    authority = written.name or _bracketed(written.address)
    if written.port not in (None, _PORTS["https"]):
        authority = f"{authority}:{written.port}"
    converse: Converse = module.Resource(authority, written.path).converse
    return converse


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _read(server: Address) -> _Written:
    """Read an address.

    Raises:
        InvalidServer: it is none.
    """
    if not isinstance(server, str):
        return _checked(_Written(f"{server[0]} port {server[1]}", "udp", *server))
    if "://" in server:
        return _checked(_read_uri(server))
    match = _PLAIN.fullmatch(server)
    if match is None:
        return _checked(_Written(server, "udp", "", None))
    port = None if match["port"] is None else int(match["port"])
    return _checked(_Written(server, "udp", match["bare"] or match["v6"] or match["v4"] or "", port))


def _read_uri(text: str) -> _Written:
    match = _URI.fullmatch(text)
    transport = "" if match is None else match["transport"].lower()
    if match is None or (transport == "tls" and match["path"] is not None):
        raise InvalidServer(text, "tls://ADDRESS or https://ADDRESS/dns-query, with :PORT and #NAME or not")
    name = None if match["name"] is None else match["name"].lower()
    if name is not None and not is_host(name):
        raise InvalidServer(text, "a host name after #, in A-labels: whom the server's certificate is for")
    host, path = match["v6"] or match["v4"] or "", match["path"] or ""
    if is_host(host):
        # Its address would have to come from the DNS that is still to be set up.
        raise InvalidServer(text, f"an IP address, with the name behind it: {transport}://192.0.2.53{path}#{host}")
    port = None if match["port"] is None else int(match["port"])
    return _Written(
        text, cast("Transport", transport), host, port, path or (_PATH if transport == "https" else ""), name
    )


def _checked(written: _Written) -> _Written:
    try:
        address = str(ip_address(written.address))
    except ValueError:
        raise InvalidServer(
            written.text, "an IP address, with :port or not; an IPv6 address with a port in brackets"
        ) from None
    if written.port is not None and not 0 < written.port < 65_536:
        raise InvalidServer(written.text, "a port from 1 to 65535")
    return written._replace(address=address)
