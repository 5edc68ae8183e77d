"""One question to one name server: UDP first, TCP after a truncated response (RFC 1035 section 4.2, RFC 7766).

What does not answer the query is passed over until the time is up: anybody can send it, and only guessing the port and
the ID would make it look right (RFC 5452 section 9.1).
"""

from __future__ import annotations

import socket
import time
from ipaddress import ip_address
from typing import Literal

import anyio
import dns.flags
import dns.message

from .cancellation import Cancellation
from .wire import read_response

_DATAGRAM = 65_535


class Malformed(Exception):
    """A name server answered over TCP what is no response to the query."""


def exchange(
    address: str, port: int, query: dns.message.Message, seconds: float, cancellation: Cancellation
) -> dns.message.Message:
    """Ask, and block until the response is here.

    Args:
        address: the address of the name server.
        port: its port.
        query: the query.
        seconds: how long all of it may take.
        cancellation: what to wait by.

    Returns:
        The response.

    Raises:
        OSError: there is no response; `TimeoutError` if there was none in time.
        Malformed: the server answered something else.
        Cancelled: it was cancelled.
    """
    until = time.monotonic() + seconds
    response = _over_udp(address, port, query, until, cancellation)
    if response.flags & dns.flags.TC:
        response = _over_tcp(address, port, query, until, cancellation)
    return response


async def exchange_async(address: str, port: int, query: dns.message.Message, seconds: float) -> dns.message.Message:
    """Ask, under asyncio or trio.

    Args:
        address: the address of the name server.
        port: its port.
        query: the query.
        seconds: how long all of it may take.

    Returns:
        The response.

    Raises:
        OSError: there is no response; `TimeoutError` if there was none in time.
        Malformed: the server answered something else.
    """
    with anyio.fail_after(seconds):
        response = await _over_udp_async(address, port, query)
        if response.flags & dns.flags.TC:
            response = await _over_tcp_async(address, port, query)
        return response


def _family(address: str) -> Literal[socket.AddressFamily.AF_INET, socket.AddressFamily.AF_INET6]:
    return socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET


def _over_udp(
    address: str, port: int, query: dns.message.Message, until: float, cancellation: Cancellation
) -> dns.message.Message:
    with socket.socket(_family(address), socket.SOCK_DGRAM) as udp:
        cancellation.connect(udp, address, port, until)  # so that the kernel drops what others send
        udp.send(query.to_wire())
        while True:
            response = read_response(query, cancellation.receive(udp, _DATAGRAM, until))
            if response is not None:
                return response


def _over_tcp(
    address: str, port: int, query: dns.message.Message, until: float, cancellation: Cancellation
) -> dns.message.Message:
    with socket.socket(_family(address), socket.SOCK_STREAM) as tcp:
        cancellation.connect(tcp, address, port, until)
        tcp.sendall(_framed(query))
        received = b""
        while (missing := _missing(received)) > 0:
            chunk = cancellation.receive(tcp, missing, until)
            if not chunk:
                raise Malformed("the name server closed the connection")
            received += chunk
        return _accepted(query, received[2:])


def _missing(received: bytes) -> int:
    """Return how many octets of the length or of the message are still to come."""
    wanted = 2 if len(received) < 2 else 2 + int.from_bytes(received[:2])
    return wanted - len(received)


async def _over_udp_async(address: str, port: int, query: dns.message.Message) -> dns.message.Message:
    server = ip_address(address)
    async with await anyio.create_udp_socket(family=_family(address)) as udp:
        await udp.sendto(query.to_wire(), address, port)
        while True:
            wire, (sender, sender_port) = await udp.receive()
            if sender_port == port and ip_address(sender) == server:
                response = read_response(query, wire)
                if response is not None:
                    return response


async def _over_tcp_async(address: str, port: int, query: dns.message.Message) -> dns.message.Message:
    async with await anyio.connect_tcp(address, port) as tcp:
        await tcp.send(_framed(query))
        received = b""
        while len(received) < 2 or len(received) < 2 + int.from_bytes(received[:2]):
            try:
                received += await tcp.receive()
            except anyio.EndOfStream as error:
                raise Malformed("the name server closed the connection") from error
        return _accepted(query, received[2 : 2 + int.from_bytes(received[:2])])


def _framed(query: dns.message.Message) -> bytes:
    wire = query.to_wire()
    return len(wire).to_bytes(2) + wire


def _accepted(query: dns.message.Message, wire: bytes) -> dns.message.Message:
    response = read_response(query, wire)
    if response is None:
        raise Malformed("what came over TCP is no response to the query")
    return response
