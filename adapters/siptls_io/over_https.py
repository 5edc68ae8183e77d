"""DNS over HTTPS (RFC 8484), as a conversation over a stream that is TLS already; HTTP/2 or HTTP/1.1.

Each query is a POST on a connection of its own. A redirection is not followed: it would let the server choose who
answers. Nothing here knows proxies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import dns.message
import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import h11
from dns.rdtypes.ANY.SOA import SOA

from .conversation import CLOSED, Conversation, Malformed, accepted
from .message import denial_ttl, rows_of

_MEDIA_TYPE = "application/dns-message"
_MAX_BODY = 65_535
"""The longest DNS message (RFC 8484 section 6)."""
_MAX_RECEIVED = 4 * _MAX_BODY
"""How much is received in all. What HTTP adds to a message is little; frames and fields for ever are an attack."""
_MAX_AGE = 2**31
_STREAM = 1


class Resource:
    """Where queries go.

    Args:
        authority: the host, with the port unless that is 443 (RFC 9110 section 7.2).
        path: path and query of the URI.
    """

    __slots__ = ("authority", "path")

    def __init__(self, authority: str, path: str) -> None:
        self.authority: Final = authority
        self.path: Final = path

    def converse(self, query: dns.message.Message, agreed: str | None) -> Conversation:
        """Begin a conversation.

        Args:
            query: the query.
            agreed: ``h2``; for anything else HTTP/1.1 is spoken (RFC 9113 section 3.2).

        Returns:
            The conversation. The TTLs of its response are what remains of them (RFC 8484 section 5.1).
        """
        return (_over_http2 if agreed == "h2" else _over_http11)(self, query)


class _Content:
    """The content of a response while it comes."""

    def __init__(self) -> None:
        self._all = 0
        self._received = b""
        self._age = 0

    def count(self, octets: bytes) -> None:
        """Count what came, content or not.

        Raises:
            Malformed: it is too much.
        """
        self._all += len(octets)
        if self._all > _MAX_RECEIVED:
            raise Malformed(f"more than {_MAX_RECEIVED} octets of HTTP")

    def head(self, status: int | bytes, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Take status and header fields, the names in lower case.

        Raises:
            Malformed: no DNS message will follow.
        """
        values = dict(reversed([(name, value.decode("ascii", "replace")) for name, value in fields]))
        code = status.decode("ascii", "replace") if isinstance(status, bytes) else str(status)
        if not re.fullmatch("2[0-9][0-9]", code):
            raise Malformed(f"HTTP status {code[:10]}")
        media_type = values.get(b"content-type", "")
        if media_type.partition(";")[0].strip().lower() != _MEDIA_TYPE:
            raise Malformed(f"content of type {media_type[:80]!r} instead of {_MEDIA_TYPE}")
        age = values.get(b"age", "").strip()
        if re.fullmatch("[0-9]+", age):  # another one is ignored (RFC 9111 section 5.1)
            self._age = int(age) if len(age) < 10 else _MAX_AGE

    def add(self, octets: bytes) -> None:
        """Take some of the content.

        Raises:
            Malformed: it is too much.
        """
        self._received += octets
        if len(self._received) > _MAX_BODY:
            raise Malformed(f"content of more than {_MAX_BODY} octets")

    def response(self, query: dns.message.Message) -> dns.message.Message:
        """Return the response that the content is.

        Raises:
            Malformed: it is none.
        """
        message = accepted(query, self._received)
        if self._age:
            _aged(message, self._age)
        return message


def _aged(message: dns.message.Message, seconds: int) -> None:
    """Take the time that a response spent in HTTP caches off its TTLs (RFC 8484 section 5.1)."""
    for rrset in (*message.answer, *message.authority):
        for ttl, rdata in rows_of(rrset):
            kept = denial_ttl(ttl, rdata) if isinstance(rdata, SOA) else ttl
            rrset.ttl = max(0, kept - seconds)


def _over_http2(resource: Resource, query: dns.message.Message) -> Conversation:
    connection = _begun(resource, query.to_wire())
    content = _Content()
    while True:
        received = yield connection.data_to_send()
        if not received:
            raise Malformed(CLOSED)
        content.count(received)
        try:
            for event in connection.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived):
                    content.head(dict(event.headers).get(b":status", b""), event.headers)
                elif isinstance(event, h2.events.DataReceived):
                    content.add(event.data)
                    if event.stream_ended is None:
                        connection.acknowledge_received_data(event.flow_controlled_length, _STREAM)
                elif isinstance(event, h2.events.StreamEnded):
                    return content.response(query)
                elif isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
                    raise Malformed(f"HTTP/2 error {event.error_code!s:.40}")
        except (h2.exceptions.H2Error, ValueError) as error:
            raise Malformed(f"broken HTTP/2 ({type(error).__name__})") from error


def _begun(resource: Resource, wire: bytes) -> h2.connection.H2Connection:
    """Return a connection that has its preface and one request to send."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=False))
    # In the first frame, not in a later one: nothing may be pushed before that is acknowledged either.
    no_push = {h2.settings.SettingCodes.ENABLE_PUSH: 0}
    connection.local_settings = h2.settings.Settings(client=True, initial_values=no_push)
    connection.initiate_connection()
    request = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", resource.authority),
        (":path", resource.path),
        ("accept", _MEDIA_TYPE),
        ("content-type", _MEDIA_TYPE),
        ("content-length", str(len(wire))),
    ]
    connection.send_headers(_STREAM, request)
    connection.send_data(_STREAM, wire, end_stream=True)
    return connection


def _over_http11(resource: Resource, query: dns.message.Message) -> Conversation:
    connection = h11.Connection(h11.CLIENT)
    content = _Content()
    octets = _request(connection, resource, query.to_wire())
    while True:
        received = yield octets
        octets = b""
        content.count(received)
        try:
            connection.receive_data(received)
            while (event := connection.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.Response):
                    content.head(event.status_code, event.headers)
                elif isinstance(event, h11.Data):
                    content.add(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    return content.response(query)
        except h11.RemoteProtocolError as error:
            raise Malformed(f"broken HTTP/1.1 ({str(error)[:80]})" if received else CLOSED) from error


def _request(connection: h11.Connection, resource: Resource, wire: bytes) -> bytes:
    headers = [
        ("Host", resource.authority),
        ("Accept", _MEDIA_TYPE),
        ("Content-Type", _MEDIA_TYPE),
        ("Content-Length", str(len(wire))),
        ("Connection", "close"),
    ]
    parts = (
        h11.Request(method="POST", target=resource.path, headers=headers),
        h11.Data(data=wire),
        h11.EndOfMessage(),
    )
    return b"".join([connection.send(part) or b"" for part in parts])
