# Invariant: any text is either refused with InvalidUri, at a place inside of it, or read as a SIP URI whose shown form
# is read again as the same URI; and what is read has a host that is a checked domain name or an address, a port of
# 1-65535 or none, and is never a sips URI over udp. Nothing else is ever raised.
"""Hostile texts for the reader of SIP URIs."""

from __future__ import annotations

from siptls.errors import InvalidUri
from siptls.names import ip_literal, is_host
from siptls.uri import SipUri


def check(data: bytes) -> None:
    """Read the octets as a URI, as UTF-8 where they are and octet by octet elsewhere."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    for each in (text, f"sip:{text}", f"sips:example.com;{text}"):
        _check(each)


def _check(text: str) -> None:
    uri = _read(text)
    if isinstance(uri, InvalidUri):
        assert 0 <= uri.position <= len(text), uri
        assert uri.text == text
        return
    for host in (uri.host, uri.target):
        assert is_host(host) or ip_literal(host) is not None, uri
    assert uri.port is None or 0 < uri.port < 65536, uri
    assert (uri.scheme, uri.transport) != ("sips", "udp"), uri
    assert text[: len(uri.scheme)].lower() == uri.scheme, uri
    again = SipUri.parse(str(uri))
    assert str(again) == str(uri)
    assert _parts(again) == _parts(uri)


def _read(text: str) -> SipUri | InvalidUri:
    try:
        return SipUri.parse(text)
    except InvalidUri as error:
        return error


def _parts(uri: SipUri) -> tuple[object, ...]:
    return (uri.scheme, uri.user, uri.host, uri.port, uri.transport, uri.maddr, uri.parameters, uri.headers)
