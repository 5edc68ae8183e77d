"""What is said over one stream to a name server, without a stream: it is told what came, and tells what to send."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias

import dns.message

from .wire import read_response

Conversation: TypeAlias = Generator[bytes, bytes, dns.message.Message]
"""Yields octets to send, perhaps none, and is then sent octets that were received; none means that the peer closed.

It returns the response, or raises `Malformed`.
"""
Converse: TypeAlias = Callable[[dns.message.Message, "str | None"], Conversation]
"""Begins a conversation with a query, over the protocol that was agreed upon by ALPN (RFC 7301), or None."""

CLOSED = "the name server closed the connection"


class Malformed(Exception):
    """A name server answered something that is no response to the query."""


def over_tcp(query: dns.message.Message, _agreed: str | None = None) -> Conversation:
    """Ask over TCP or TLS: each message follows its length (RFC 1035 section 4.2.2, RFC 7858 section 3.3).

    Args:
        query: the query.

    Returns:
        The conversation.
    """
    wire = query.to_wire()
    octets = len(wire).to_bytes(2) + wire
    received = b""
    while len(received) < 2 or len(received) < 2 + int.from_bytes(received[:2]):
        more = yield octets
        octets = b""
        if not more:
            raise Malformed(CLOSED)
        received += more
    return accepted(query, received[2 : 2 + int.from_bytes(received[:2])])


def accepted(query: dns.message.Message, wire: bytes) -> dns.message.Message:
    """Read what came over a stream as the response to a query.

    Args:
        query: the query.
        wire: the octets of one message.

    Returns:
        The response.

    Raises:
        Malformed: it is none.
    """
    response = read_response(query, wire)
    if response is None:
        raise Malformed("what the name server sent is no response to the query")
    return response
