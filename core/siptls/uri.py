"""SIP and SIPS URIs (RFC 3261 sections 19.1.1 and 25.1, RFC 5630)."""

from __future__ import annotations

from typing import Final

from .errors import InvalidUri
from .hostport import DIGITS, LETTERS, read_host, read_port, refuse_bare_ipv6
from .names import fold, ip_literal

_HEX_DIGITS: Final = "0123456789abcdefABCDEF"
_UNRESERVED: Final = LETTERS + DIGITS + "-_.!~*'()"
_USER: Final = _UNRESERVED + "&=+$,;?/"
_PASSWORD: Final = _UNRESERVED + "&=+$,"
_PARAMETER: Final = _UNRESERVED + "[]/:&+$"
_HEADER: Final = _UNRESERVED + "[]/?:+$"
# A token may hold a bare "%", but whether it then begins an escape is anybody's guess.
_TOKEN: Final = LETTERS + DIGITS + "-.!*_+`'~"


class SipUri:
    """A SIP or SIPS URI, checked against the grammar of RFC 3261 section 25.1; make it with `parse`.

    Attributes:
        scheme: ``"sip"`` or ``"sips"``.
        user: the user part as written, escapes included, without the password; None if there is none.
        host: the domain name in lower case without a trailing dot, or the IP address without brackets.
        port: 1-65535, or None.
        transport: the transport parameter in lower case, known or not, or None.
        maddr: the maddr parameter in the form of ``host``, or None.
        parameters: all parameters in their order: the name in lower case and without needless escapes, and the value as
            written or None.
        headers: what follows the question mark, as written, or None.
        text: the text that was parsed; it may hold a password, which ``str()`` leaves out.
    """

    __slots__ = ("headers", "host", "maddr", "parameters", "port", "scheme", "text", "transport", "user")

    def __init__(
        self,
        scheme: str,
        user: str | None,
        host: str,
        port: int | None,
        parameters: tuple[tuple[str, str | None], ...],
        headers: str | None,
        text: str,
    ) -> None:
        transport = maddr = None
        for name, value in parameters:
            if name == "transport" and value is not None:
                transport = value.lower()
            elif name == "maddr" and value is not None:
                maddr = fold(value.strip("[]"))
        self.scheme: Final = scheme
        self.user: Final = user
        self.host: Final = host
        self.port: Final = port
        self.transport: Final[str | None] = transport
        self.maddr: Final[str | None] = maddr
        self.parameters: Final = parameters
        self.headers: Final = headers
        self.text: Final = text

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Read a SIP or SIPS URI.

        Args:
            text: the URI, without angle brackets or blanks around it. A bare domain is not a URI.

        Returns:
            The URI. The time is linear in the length of the text.

        Raises:
            InvalidUri: the text breaks the grammar of RFC 3261 section 25.1, names a parameter twice (section 19.1.1),
                has a port outside of 1-65535, or is a sips URI with ``transport=udp`` (section 26.2.2).
        """
        scheme = _scheme(text)
        start = len(scheme) + 1
        user, start = _userinfo(text, start)
        question = text.find("?", start)
        end = len(text) if question < 0 else question
        semicolon = text.find(";", start, end)
        authority_end = end if semicolon < 0 else semicolon
        host, port = _hostport(text, start, authority_end)
        parameters = () if semicolon < 0 else _parameters(text, semicolon, end, sips=scheme == "sips")
        headers = None if question < 0 else _headers(text, question + 1)
        return cls(scheme, user, host, port, parameters, headers, text)

    @classmethod
    def of(
        cls,
        scheme: str,
        host: str,
        *,
        user: str | None = None,
        port: int | None = None,
        transport: str | None = None,
        lr: bool = False,
    ) -> SipUri:
        """Make a URI that is to be sent, for example in Contact or Record-Route.

        Args:
            scheme: ``"sip"`` or ``"sips"``.
            host: a domain name, an IPv4 address, or an IPv6 address with or without brackets.
            user: the user part without a password, other characters than the grammar's escaped as %XX; None for none.
            port: 1-65535; None for none.
            transport: the transport parameter, such as ``"tcp"``; None for none. Never ``"tls"``.
            lr: whether the element is a loose router, which every proxy says of itself in Record-Route.

        Returns:
            The URI; no part can become another one.

        Raises:
            InvalidUri: a part breaks the grammar, the transport is ``tls`` (RFC 5630 section 5.1.1: nobody may use
                it), or a sips URI is to use ``udp``.
        """
        if scheme not in {"sip", "sips"}:
            raise InvalidUri(scheme, 0, "sip or sips")
        userinfo = "" if user is None else f"{user}@"
        if user is not None:
            _characters(user, 0, len(user), _USER, "a character of a user name, others escaped as %XX")
        hostport = _host_alone(host) if port is None else f"{_host_alone(host)}:{port}"
        if port is not None:
            read_port(str(port), 0, len(str(port)), InvalidUri)
        parameters = ";lr" if lr else ""
        if transport is not None:
            if transport.lower() == "tls":
                raise InvalidUri(transport, 0, "another transport than tls, which is deprecated: sips asks for TLS")
            _transport(transport, 0, len(transport), sips=scheme == "sips")
            parameters = f";transport={transport}{parameters}"
        return cls.parse(f"{scheme}:{userinfo}{hostport}{parameters}")

    @classmethod
    def of_next_hop(cls, text: str) -> SipUri:
        """Make the temporary URI of a next hop that is known by its name or address only (RFC 3263 section 4).

        Args:
            text: a domain name, an IPv4 address, or an IPv6 address with or without brackets; no port, no scheme.

        Returns:
            ``sip:<host>``, for locating the next hop; it is no part of any message. Where the Request-URI is a sips
            URI, give it to `siptls.route_set.to_sips` first (RFC 3261 section 8.1.2: the next hop is then contacted
            with TLS).

        Raises:
            InvalidUri: the text is anything else.
        """
        return cls.parse(f"sip:{_host_alone(text)}")

    @property
    def is_ip(self) -> bool:
        """True if the host is an IP address, which is no domain."""
        return ip_literal(self.host) is not None

    @property
    def target(self) -> str:
        """The host that is looked up: maddr if there is one, else the host (RFC 3263 section 4)."""
        return self.host if self.maddr is None else self.maddr

    def __str__(self) -> str:
        user = "" if self.user is None else f"{self.user}@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        parameters = "".join(f";{name}" if value is None else f";{name}={value}" for name, value in self.parameters)
        headers = "" if self.headers is None else f"?{self.headers}"
        return f"{self.scheme}:{user}{host}{port}{parameters}{headers}"

    def __repr__(self) -> str:
        return f"SipUri.parse({str(self)!r})"


def _host_alone(text: str) -> str:
    """Return a host as a URI writes it, if the text is nothing but a host."""
    if text.count(":") > 1 and text[0] != "[":
        if ip_literal(text) is None:
            raise InvalidUri(text, 0, "an IPv6 address, without a zone and without a port")
        return f"[{text}]"
    end = text.find("]") + 1 if text.startswith("[") else text.find(":")
    end = end if end > 0 else len(text)
    read_host(text, 0, end, InvalidUri)
    if end < len(text):
        raise InvalidUri(text, end, "the end: a host name or an address alone, without a scheme and without a port")
    return text


def _scheme(text: str) -> str:
    scheme = text.partition(":")[0].lower() if ":" in text[:16] else ""
    if scheme in {"sip", "sips"}:
        return scheme
    if scheme == "tel":
        raise InvalidUri(text, 0, "sip: or sips: (a tel URI names no domain that a peer could prove)")
    raise InvalidUri(text, 0, "sip: or sips:")


def _userinfo(text: str, start: int) -> tuple[str | None, int]:
    """Return the user part and where the host begins."""
    # Nowhere else does the grammar allow an "@", but the user part may hold all of ";?/".
    at = text.find("@", start)
    if at < 0:
        return None, start
    colon = text.find(":", start, at)
    user_end = at if colon < 0 else colon
    if user_end == start:
        raise InvalidUri(text, start, "a user name before the @")
    _characters(text, start, user_end, _USER, "a character of a user name, others escaped as %XX")
    if colon >= 0:
        _characters(text, colon + 1, at, _PASSWORD, "a character of a password, others escaped as %XX")
    return text[start:user_end], at + 1


def _hostport(text: str, start: int, end: int) -> tuple[str, int | None]:
    if text.startswith("[", start):
        host_end = text.find("]", start, end) + 1
        if host_end == 0:
            raise InvalidUri(text, end, "] after the IPv6 address")
        colon = host_end
    else:
        refuse_bare_ipv6(text, start, end, InvalidUri)
        host_end = colon = text.find(":", start, end)
        if colon < 0:
            host_end = colon = end
    host = read_host(text, start, host_end, InvalidUri)
    if colon == end:
        return host, None
    if text[colon] != ":":
        raise InvalidUri(text, colon, ":port, a parameter or the end")
    return host, read_port(text, colon + 1, end, InvalidUri)


def _parameters(text: str, start: int, end: int, *, sips: bool) -> tuple[tuple[str, str | None], ...]:
    """Read ``text[start:end]``, which begins with a semicolon."""
    parameters: list[tuple[str, str | None]] = []
    seen: set[str] = set()
    while start < end:
        start += 1
        stop = text.find(";", start, end)
        stop = end if stop < 0 else stop
        equals = text.find("=", start, stop)
        name_end = stop if equals < 0 else equals
        _characters(text, start, name_end, _PARAMETER, "a parameter name")
        name = _unescaped(text[start:name_end]).lower()
        if name in seen:
            raise InvalidUri(text, start, "each parameter only once")
        seen.add(name)
        value = None if equals < 0 else text[equals + 1 : stop]
        if name == "transport":
            _transport(text, name_end + 1, stop, sips=sips)
        elif name == "maddr":
            _maddr(text, name_end + 1, stop)
        elif equals >= 0:
            _characters(text, equals + 1, stop, _PARAMETER, "a parameter value")
        parameters.append((name, value))
        start = stop
    return tuple(parameters)


def _transport(text: str, start: int, end: int, *, sips: bool) -> None:
    # Without a value there is no "=", and start lies one behind the end.
    _characters(text, min(start, end), end, _TOKEN, "a transport such as tcp", escapes=False)
    if sips and text[start:end].lower() == "udp":
        raise InvalidUri(text, start, "a transport that can carry TLS: a sips URI cannot use udp")


def _maddr(text: str, start: int, end: int) -> None:
    if start >= end:
        raise InvalidUri(text, end, "a domain name or an IP address as maddr")
    refuse_bare_ipv6(text, start, end, InvalidUri)
    read_host(text, start, end, InvalidUri)


def _headers(text: str, start: int) -> str:
    position = start
    for header in text[start:].split("&"):
        end = position + len(header)
        equals = text.find("=", position, end)
        name_end = end if equals < 0 else equals
        _characters(text, position, name_end, _HEADER, "a header name")
        if equals < 0:
            raise InvalidUri(text, end, "= after the header name")
        if equals + 1 < end:
            _characters(text, equals + 1, end, _HEADER, "a character of a header value, others escaped as %XX")
        position = end + 1
    return text[start:]


def _characters(text: str, start: int, end: int, allowed: str, expected: str, *, escapes: bool = True) -> None:
    """Raise unless ``text[start:end]`` is not empty and holds only allowed characters and escapes."""
    segment = text[start:end]
    if not segment:
        raise InvalidUri(text, start, expected)
    if not segment.strip(allowed):
        return
    position = start
    while position < end:
        if text[position] in allowed:
            position += 1
        elif escapes and text[position] == "%":
            digits = text[position + 1 : min(position + 3, end)]
            if len(digits) != 2 or digits.strip(_HEX_DIGITS):
                raise InvalidUri(text, position, "two hexadecimal digits after %")
            position += 3
        else:
            raise InvalidUri(text, position, expected)


def _unescaped(name: str) -> str:
    """Return a parameter name in its plain form, so that ``%74ransport`` cannot hide (RFC 3261 section 19.1.2)."""
    if "%" not in name:
        return name
    first, *rest = name.split("%")
    # An escaped reserved character is not the same as the character itself (section 19.1.4), and may be no text at all.
    return first + "".join(
        (plain if (plain := chr(int(part[:2], 16))) in _UNRESERVED else f"%{part[:2]}") + part[2:] for part in rest
    )
