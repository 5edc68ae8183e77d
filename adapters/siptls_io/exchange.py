"""One question to one name server: plain DNS, DNS over TLS or DNS over HTTPS.

Plain DNS is UDP first, and TCP after a truncated response (RFC 1035 section 4.2, RFC 7766). Over UDP, what does not
answer the query is passed over until the time is up: anybody can send it, and only guessing the port and the ID would
make it look right (RFC 5452 section 9.1).

Each question has a connection of its own, so that nothing stays open between two questions. A server over TLS is
authenticated before the question is sent, and is never asked in clear text (RFC 8310 section 6.4, strict profile).
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from typing import Literal, TypeVar

import anyio
import dns.flags
import dns.message
from anyio.abc import ByteStream
from anyio.streams.tls import TLSAttribute

from .cancellation import EVENT_READ, EVENT_WRITE, Cancellation
from .conversation import CLOSED, Conversation, Malformed
from .name_server import Server
from .wire import read_response

T = TypeVar("T")

_DATAGRAM = 65_535
_CHUNK = 65_536


def exchange(
    server: Server, query: dns.message.Message, seconds: float, cancellation: Cancellation
) -> dns.message.Message:
    """Ask, and block until the response is here.

    Args:
        server: the name server.
        query: the query.
        seconds: how long all of it may take.
        cancellation: what to wait by.

    Returns:
        The response.

    Raises:
        OSError: there is no response; `TimeoutError` if there was none in time.
        ssl.SSLError: there is no TLS; `ssl.SSLCertVerificationError` if the server is not authenticated.
        Malformed: the server answered something else, or closed the connection.
        Cancelled: it was cancelled.
    """
    until = time.monotonic() + seconds
    if server.context is None:
        response = _over_udp(server, query, until, cancellation)
        if not response.flags & dns.flags.TC:
            return response
    try:
        return _over_stream(server, query, until, cancellation)
    except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        raise Malformed(CLOSED) from error


async def exchange_async(server: Server, query: dns.message.Message, seconds: float) -> dns.message.Message:
    """Ask, under asyncio or trio.

    Args:
        server: the name server.
        query: the query.
        seconds: how long all of it may take.

    Returns:
        The response.

    Raises:
        OSError: there is no response; `TimeoutError` if there was none in time.
        ssl.SSLError: there is no TLS; `ssl.SSLCertVerificationError` if the server is not authenticated.
        Malformed: the server answered something else, or closed the connection.
    """
    with anyio.fail_after(seconds):
        if server.context is None:
            response = await _over_udp_async(server, query)
            if not response.flags & dns.flags.TC:
                return response
        try:
            return await _over_stream_async(server, query)
        except (anyio.EndOfStream, anyio.BrokenResourceError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            raise Malformed(CLOSED) from error


def _family(address: str) -> Literal[socket.AddressFamily.AF_INET, socket.AddressFamily.AF_INET6]:
    return socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET


# In a thread.


def _over_udp(
    server: Server, query: dns.message.Message, until: float, cancellation: Cancellation
) -> dns.message.Message:
    with socket.socket(_family(server.address), socket.SOCK_DGRAM) as udp:
        # Connected, so that the kernel drops what others send.
        cancellation.connect(udp, server.address, server.port, until)
        udp.send(query.to_wire())
        while True:
            response = read_response(query, cancellation.receive(udp, _DATAGRAM, until))
            if response is not None:
                return response


def _over_stream(
    server: Server, query: dns.message.Message, until: float, cancellation: Cancellation
) -> dns.message.Message:
    with socket.socket(_family(server.address), socket.SOCK_STREAM) as tcp:
        cancellation.connect(tcp, server.address, server.port, until)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if server.context is None:
            return _conversed(tcp, server.converse(query, None), until, cancellation)
        # From here on it is the TLS socket that holds the connection.
        tls = server.context.wrap_socket(tcp, server_hostname=server.name, do_handshake_on_connect=False)
    with tls:
        _done(tls.do_handshake, tls, EVENT_READ, until, cancellation)
        return _conversed(tls, server.converse(query, tls.selected_alpn_protocol()), until, cancellation)


def _conversed(
    stream: socket.socket, conversation: Conversation, until: float, cancellation: Cancellation
) -> dns.message.Message:
    """Hold a conversation to its end."""
    try:
        octets = next(conversation)
        while True:
            # A server that never pauses is not listened to for ever either.
            cancellation.wait(stream, EVENT_READ | EVENT_WRITE, until)
            while octets:
                sent = _done(partial(stream.send, octets), stream, EVENT_WRITE, until, cancellation)
                octets = octets[sent:]
            received = _done(partial(stream.recv, _CHUNK), stream, EVENT_READ, until, cancellation)
            octets = conversation.send(received)
    except StopIteration as stop:
        response: dns.message.Message = stop.value
        return response


def _done(do: Callable[[], T], stream: socket.socket, event: int, until: float, cancellation: Cancellation) -> T:
    """Do something with a socket as soon as that can be done without blocking.

    Args:
        do: what to do.
        stream: the socket.
        event: what a socket without TLS waits for.
        until: when to give up, in seconds on the clock of ``time.monotonic()``.
        cancellation: what to wait by.
    """
    while True:
        try:
            return do()
        except ssl.SSLWantReadError:
            cancellation.wait(stream, EVENT_READ, until)
        except ssl.SSLWantWriteError:
            cancellation.wait(stream, EVENT_WRITE, until)
        except BlockingIOError:
            cancellation.wait(stream, event, until)


# In an event loop.


async def _over_udp_async(server: Server, query: dns.message.Message) -> dns.message.Message:
    with socket.socket(_family(server.address), socket.SOCK_DGRAM) as udp:
        udp.setblocking(False)
        udp.connect((server.address, server.port))  # the kernel drops what others send, and tells that nobody listens
        udp.send(query.to_wire())
        while True:
            await anyio.wait_readable(udp)
            with suppress(BlockingIOError):  # a datagram with a wrong checksum
                response = read_response(query, udp.recv(_DATAGRAM))
                if response is not None:
                    return response


async def _over_stream_async(server: Server, query: dns.message.Message) -> dns.message.Message:
    if server.context is None:
        async with await anyio.connect_tcp(server.address, server.port) as tcp:
            return await _conversed_async(tcp, server.converse(query, None))
    async with await anyio.connect_tcp(
        server.address,
        server.port,
        ssl_context=server.context,
        tls_hostname=server.name,
        tls_standard_compatible=False,  # closing does not wait for the server
    ) as tls:
        return await _conversed_async(tls, server.converse(query, tls.extra_attributes[TLSAttribute.alpn_protocol]()))


async def _conversed_async(stream: ByteStream, conversation: Conversation) -> dns.message.Message:
    """Hold a conversation to its end."""
    octets = next(conversation)
    while True:
        if octets:
            await stream.send(octets)
        try:
            received = await stream.receive(_CHUNK)
        except anyio.EndOfStream:
            received = b""
        try:
            octets = conversation.send(received)
        except StopIteration as stop:
            response: dns.message.Message = stop.value
            return response
