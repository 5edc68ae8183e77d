"""The Via header field: the way a request came, which is the way its response goes back (RFC 3261 section 20.42)."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from .errors import InvalidVia
from .hostport import read_host, read_port, refuse_bare_ipv6
from .names import fold, ip_literal
from .transport import DEFAULT_PORTS
from .uri import SipUri

# A token (RFC 3261 section 25.1).
_UNQUOTED: Final = r"[A-Za-z0-9.!%*_+`'~-]+"
# One fold at most. "*+" gives nothing back, so that no run of blanks is read more than twice.
_LWS: Final = r"(?:[ \t]*+\r\n)?[ \t]+"
# What stands between two separators, to be looked at closer.
_SEGMENT: Final = r"[^ \t\r\n:;,=]*"
_ADDRESS: Final = r"[^ \t\r\n;,=]*"
# The grammar would let a backslash hide a control character and a NUL; no terminal or log is to meet these.
_QUOTED: Final = r"(?:[ \t!#-\[\]-~\u00a0-\ud7ff\ue000-\U0010ffff]|\\[ -~]|\r\n(?=[ \t]))*+"
_TTL: Final = r"[0-9]{1,3}(?![0-9])"

# What every branch begins with since RFC 3261 (section 8.1.1.7).
_COOKIE: Final = "z9hG4bK"
# The only ones for which a connection may be offered (RFC 5923 sections 8.2 and 9.3).
_ALIASED: Final = frozenset({"tls", "tls-sctp"})

# What a SIP URI calls each transport (RFC 3261 section 26.2.2, RFC 4168 section 4, RFC 7118 section 5.2).
_URIS: Final = {
    "udp": ("sip", "udp"),
    "tcp": ("sip", "tcp"),
    "sctp": ("sip", "sctp"),
    "ws": ("sip", "ws"),
    "tls": ("sips", "tcp"),
    "tls-sctp": ("sips", "sctp"),
    "wss": ("sips", "ws"),
}


class Via:
    """One via-parm of a Via header field (RFC 3261 section 25.1); make it with `parse` or `parse_all`.

    Two are equal when their transport, host, port and parameters are the same, in this order and as shown by ``str()``.
    This does not say whether a response belongs to a request: that is for the branch (RFC 3261 section 17.1.3).

    Attributes:
        transport: ``"udp"``, ``"tcp"``, ``"tls"`` (over TCP), ``"sctp"``, ``"tls-sctp"``, ``"ws"``, ``"wss"``, or any
            other token in lower case.
        host: the host of sent-by: the domain name in lower case without a trailing dot, or the IP address without
            brackets. It is what the sender says of itself.
        port: the port of sent-by, 1-65535, or None.
        parameters: all parameters in their order: the name in lower case, and the value or None. Addresses, names and
            numbers are in one form; a token is as written; a quoted string has its quotes and escapes, and no folds.
        branch: the branch parameter as written, or None.
        received: the IP address, without brackets, from which the next hop got the request, or None.
        rport: the port from which the next hop got the request, 1-65535, or None (RFC 3581).
        rport_wanted: True if rport stands there without a value: the sender asks for it to be filled in (RFC 3581
            section 3).
        maddr: the maddr parameter in the form of ``host``, or None.
        alias: True if the sender offers its connection for requests in the other direction (RFC 5923 section 7). An
            alias parameter with a value is not this one.
        text: the via-parm as written, folds included.
    """

    __slots__ = (
        "alias",
        "branch",
        "host",
        "maddr",
        "parameters",
        "port",
        "received",
        "rport",
        "rport_wanted",
        "text",
        "transport",
    )

    def __init__(
        self, transport: str, host: str, port: int | None, parameters: tuple[tuple[str, str | None], ...], text: str
    ) -> None:
        values = dict(parameters)
        maddr, rport = values.get("maddr"), values.get("rport")
        self.transport: Final = transport
        self.host: Final = host
        self.port: Final = port
        self.parameters: Final = parameters
        self.branch: Final = values.get("branch")
        self.received: Final = values.get("received")
        self.rport: Final = None if rport is None else int(rport)
        self.rport_wanted: Final = rport is None and "rport" in values
        self.maddr: Final = None if maddr is None else maddr.strip("[]")
        self.alias: Final = "alias" in values and values["alias"] is None
        self.text: Final = text

    @classmethod
    def parse(cls, text: str) -> Via:
        """Read a single via-parm.

        Args:
            text: the value of a Via header field, without its name; blanks around it are allowed.

        Returns:
            The via-parm. The time is linear in the length of the text.

        Raises:
            InvalidVia: the text breaks the grammar of RFC 3261 section 25.1 or holds more than one via-parm; the
                protocol is not SIP/2.0 (section 8.1.1.7); a parameter stands there twice (section 7.3.1); a port is
                outside of 1-65535; received is no IP address; or a control character is somewhere. An IPv6 address in
                received may stand in brackets, which the grammar forbids (RFC 5118 section 4.5).
        """
        via, position = _via_parm(text, 0)
        if position < len(text):
            raise InvalidVia(text, position, "a parameter or the end")
        return via

    @classmethod
    def build(
        cls,
        transport: str,
        host: str,
        port: int | None = None,
        *,
        branch: str,
        alias: bool = False,
        rport: bool = False,
    ) -> Via:
        """Make the Via that a client puts on top of a request.

        Args:
            transport: over which the request is sent, for example ``tls``.
            host: the domain name or address, without brackets, at which this client listens: what sent-by says.
            port: at which it listens, 1-65535; None for the default of the transport (RFC 3261 section 18.1.1).
            branch: the transaction's own branch; it begins with ``z9hG4bK``.
            alias: whether to offer the connection for requests in the other direction (RFC 5923 section 8.1). It is
                left out where the transport is not TLS over TCP or SCTP.
            rport: whether to ask for the port that the request came from (RFC 3581).

        Raises:
            InvalidVia: one of these is not what may stand there.

        Source: RFC 3261 sections 8.1.1.7 and 18.1.1, RFC 5923 section 8.1.
        """
        address = f"[{host}]" if ":" in host else host
        text = f"SIP/2.0/{transport.upper()} {address}{'' if port is None else f':{port}'};branch={branch}"
        offers = alias and transport.lower() in _ALIASED
        via = cls.parse(f"{text}{';rport' if rport else ''}{';alias' if offers else ''}")
        # Whoever made the parts has not made a further parameter, or another host, of one of them.
        asked = (transport.lower(), fold(host), port, branch, 1 + rport + offers)
        if (via.transport, via.host, via.port, via.branch, len(via.parameters)) != asked:
            raise InvalidVia(text, 0, "a transport, a host, a port and a branch, with nothing else in them")
        if not branch.startswith(_COOKIE):
            raise InvalidVia(text, len(text) - len(branch), f"a branch that begins with {_COOKIE}")
        return via

    @classmethod
    def parse_all(cls, header: str) -> tuple[Via, ...]:
        """Read all via-parms of a header field.

        Args:
            header: the value of a Via header field, without its name: one via-parm, or several with commas between
                them, the latest hop first. It may be folded. Of several header fields the values may be joined by
                commas (RFC 3261 section 7.3.1).

        Returns:
            The via-parms in their order. The time is linear in the length of the text.

        Raises:
            InvalidVia: one of them is not what `parse` reads; ``text`` and ``position`` speak of the whole header.
        """
        via, position = _via_parm(header, 0)
        vias = [via]
        while position < len(header):
            if header[position] != ",":
                raise InvalidVia(header, position, "a parameter, a comma or the end")
            via, position = _via_parm(header, position + 1)
            vias.append(via)
        return tuple(vias)

    @property
    def is_ip(self) -> bool:
        """True if the host is an IP address, which is no domain."""
        return ip_literal(self.host) is not None

    @property
    def reply_port(self) -> int | None:
        """The port of sent-by, or else the default of the transport: 5061 for TLS, 5060 for TCP, UDP and SCTP.

        None where sent-by has no port and the transport is unknown (RFC 3261 section 18.1.1).
        """
        return DEFAULT_PORTS.get(self.transport) if self.port is None else self.port

    @property
    def uri(self) -> SipUri:
        """The URI whose servers may take the response when the request's own connection or source address fails.

        It has the host and the port of sent-by and nothing of the parameters. Where the request came over TLS, it is a
        sips URI, so that the response never goes without (RFC 3263 section 5); and `Outbound` with this URI proves a
        new connection to be the host of sent-by.

        Raises:
            InvalidVia: no URI can name the transport: it is none of those that ``transport`` lists.
        """
        known = _URIS.get(self.transport)
        if known is None:
            position = _transport_start(self.text)
            raise InvalidVia(self.text, position, "one of the transports UDP, TCP, TLS, SCTP, TLS-SCTP, WS and WSS")
        scheme, transport = known
        return SipUri.parse(f"{scheme}:{self._sent_by()};transport={transport}")

    def _sent_by(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def __str__(self) -> str:
        parameters = "".join(f";{name}" if value is None else f";{name}={value}" for name, value in self.parameters)
        return f"SIP/2.0/{self.transport.upper()} {self._sent_by()}{parameters}"

    def __repr__(self) -> str:
        return f"Via.parse({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, Via) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))


def _via_parm(text: str, start: int) -> tuple[Via, int]:
    """Read the via-parm that begins behind blanks at ``start``; return it and what follows behind blanks."""
    start = _blanks(text, start)
    at = _transport_start(text, start)
    position = _token(text, at, "a transport such as TLS")
    transport = text[at:position].lower()
    at = _blanks(text, position)
    if at == position:
        raise InvalidVia(text, at, "a blank, and then the host that sent this")
    host, position = _host(text, at)
    port = None
    at = _separator(text, position, ":")
    if at >= 0:
        position = _end(_SEGMENT, text, at)
        port = read_port(text, at, position, InvalidVia)
    parameters, position = _parameters(text, position)
    return Via(transport, host, port, parameters, text[start:position]), _blanks(text, position)


def _transport_start(text: str, start: int = 0) -> int:
    """Read ``SIP/2.0/``, which begins at ``start``, and return where the transport begins."""
    for word in ("sip", "2.0"):
        end = start + len(word)
        if text[start:end].lower() != word:
            raise InvalidVia(text, start, "SIP/2.0 and a transport")
        start = _separator(text, end, "/")
        if start < 0:
            raise InvalidVia(text, _blanks(text, end), f"/ after {word.upper()}")
    return start


def _parameters(text: str, position: int) -> tuple[tuple[tuple[str, str | None], ...], int]:
    parameters: dict[str, str | None] = {}
    while (start := _separator(text, position, ";")) >= 0:
        position = _token(text, start, "a parameter name")
        name = text[start:position].lower()
        if name in parameters:
            raise InvalidVia(text, start, "each parameter only once")
        start = _separator(text, position, "=")
        if start >= 0:
            parameters[name], position = _value(text, start, name)
        elif name in {"branch", "maddr", "received", "ttl"}:
            raise InvalidVia(text, _blanks(text, position), f"= and a value of {name}")
        else:
            parameters[name] = None
    return tuple(parameters.items()), position


def _value(text: str, start: int, name: str) -> tuple[str, int]:
    """Return the value that begins at ``start``, in the form in which it is shown, and where it ends."""
    if name == "received":
        return _received(text, start)
    if name == "rport":
        end = _end(_SEGMENT, text, start)
        return str(read_port(text, start, end, InvalidVia)), end
    if name == "ttl":
        digits = _compiled(_TTL).match(text, start)
        if digits is None or int(digits[0]) > 255:
            raise InvalidVia(text, start, "a number from 0 to 255")
        return str(int(digits[0])), digits.end()
    if name == "maddr" or (name != "branch" and text.startswith("[", start)):
        host, end = _host(text, start)
        return f"[{host}]" if ":" in host else host, end
    if name != "branch" and text.startswith('"', start):
        return _quoted(text, start)
    end = _token(text, start, f"a value of {name}")
    return text[start:end], end


def _received(text: str, start: int) -> tuple[str, int]:
    end = _end(_ADDRESS, text, start)
    address = text[start:end]
    if address.startswith("[") and address.endswith("]") and ":" in address:
        address = address[1:-1]
    if ip_literal(address) is None:
        raise InvalidVia(text, start, "an IP address as received")
    return address.lower(), end


def _host(text: str, start: int) -> tuple[str, int]:
    """Return the host that begins at ``start``, and where it ends."""
    if text.startswith("[", start):
        end = text.find("]", start) + 1
        if end == 0:
            raise InvalidVia(text, len(text), "] after the IPv6 address")
    else:
        refuse_bare_ipv6(text, start, _end(_ADDRESS, text, start), InvalidVia)
        end = _end(_SEGMENT, text, start)
    return read_host(text, start, end, InvalidVia), end


def _quoted(text: str, start: int) -> tuple[str, int]:
    end = _end(_QUOTED, text, start + 1)
    if not text.startswith('"', end):
        expected = "a character of a quoted string, without controls" if end < len(text) else 'the closing "'
        raise InvalidVia(text, end, expected)
    # A fold has the same meaning as the blank that ends it (RFC 3261 section 7.3.1).
    return text[start : end + 1].replace("\r\n", "").replace("\t", " "), end + 1


def _token(text: str, start: int, expected: str) -> int:
    """Return where the token ends that begins at ``start``."""
    end = _end(_UNQUOTED, text, start)
    if end == start:
        raise InvalidVia(text, start, expected)
    return end


def _separator(text: str, position: int, character: str) -> int:
    """Return where that begins what follows the separator and its blanks, or -1 if another character comes next."""
    at = _blanks(text, position)
    return _blanks(text, at + 1) if text.startswith(character, at) else -1


def _blanks(text: str, position: int) -> int:
    """Return where the blanks end that may begin here."""
    return _end(_LWS, text, position)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile when a Via is read: most programs that import this package read none, and it takes milliseconds."""
    return re.compile(pattern)


def _end(pattern: str, text: str, start: int) -> int:
    """Return where that ends which matches the pattern at ``start``: at once if nothing does."""
    found = _compiled(pattern).match(text, start)
    return start if found is None else found.end()
