# Invariant: any text is either refused with InvalidVia, at a place inside of it, or read as the via-parms of a Via
# header field, whose shown form is read again as equal ones and holds no control character; and what is read has a host
# that is a checked domain name or an address, ports of 1-65535 or none, an address or nothing in received, and a sips
# URI where the request came over TLS. Nothing else is ever raised.
"""Hostile texts for the reader of Via header fields."""

from __future__ import annotations

from siptls.errors import InvalidVia
from siptls.names import ip_literal, is_host
from siptls.uri import SipUri
from siptls.via import Via

SEEDS = (
    b"SIP / 2.0 / UDP first.example.com: 4000;ttl=16\r\n ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1",
    b'SIP/2.0/TLS [2001:db8::1]:5061;alias;received=::2;rport=5062;x="a,\\";\r\n b",SIP/2.0/WSS a.example;rport',
    b"SIP/2.0/TLS-SCTP 192.0.2.1;received=[::1];x=[::1];y=token , SIP/2.0/OTHER a.example",
)
_TLS = frozenset({"tls", "tls-sctp", "wss"})


def check(data: bytes) -> None:
    """Read the octets as a header, as UTF-8 where they are and octet by octet elsewhere."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    for each in (text, f"SIP/2.0/TLS {text}", f"SIP/2.0/UDP a.example;{text}", f'SIP/2.0/WS a.example;x="{text}'):
        _check(each)


def _check(text: str) -> None:
    vias = _read(text)
    if isinstance(vias, InvalidVia):
        assert 0 <= vias.position <= len(text), vias
        assert vias.text == text
        return
    for via in vias:
        _check_via(via)
    shown = ",".join(map(str, vias))
    assert not any(character < " " or "\x7f" <= character < "\xa0" for character in shown), vias
    assert Via.parse_all(shown) == vias
    assert [str(via) for via in Via.parse_all(shown)] == [str(via) for via in vias]


def _check_via(via: Via) -> None:
    for host in (via.host, via.maddr or via.host):
        assert is_host(host) or ip_literal(host) is not None, via
    for port in (via.port, via.rport):
        assert port is None or 0 < port < 65536, via
    assert via.received is None or ip_literal(via.received) is not None, via
    assert len(dict(via.parameters)) == len(via.parameters), via
    assert Via.parse(via.text) == via
    uri = _uri(via)
    if uri is None:
        assert via.transport not in _TLS | {"udp", "tcp", "sctp", "ws"}, via
    else:
        assert (uri.scheme == "sips") == (via.transport in _TLS), via
        assert (uri.host, uri.port, uri.maddr, uri.user) == (via.host, via.port, None, None), via


def _read(text: str) -> tuple[Via, ...] | InvalidVia:
    try:
        return Via.parse_all(text)
    except InvalidVia as error:
        return error


def _uri(via: Via) -> SipUri | None:
    try:
        return via.uri
    except InvalidVia:
        return None
