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

from .wire import read_response

_DATAGRAM = 65_535


class Malformed(Exception):
    """A name server answered over TCP what is no response to the query."""


def exchange(address: str, port: int, query: dns.message.Message, seconds: float) -> dns.message.Message:
    """Ask, and block until the response is here.

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
    until = time.monotonic() + seconds
    response = _over_udp(address, port, query, until)
    if response.flags & dns.flags.TC:
        response = _over_tcp(address, port, query, until)
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


def _remaining(until: float) -> float:
    remaining = until - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("no response in time")
    return remaining


def _over_udp(address: str, port: int, query: dns.message.Message, until: float) -> dns.message.Message:
    with socket.socket(_family(address), socket.SOCK_DGRAM) as udp:
        udp.connect((address, port))  # so that the kernel drops what others send
        udp.send(query.to_wire())
        while True:
            udp.settimeout(_remaining(until))
            response = read_response(query, udp.recv(_DATAGRAM))
            if response is not None:
                return response


def _over_tcp(address: str, port: int, query: dns.message.Message, until: float) -> dns.message.Message:
    with socket.create_connection((address, port), _remaining(until)) as tcp:
        tcp.sendall(_framed(query))
        length = int.from_bytes(_exactly(tcp, 2, until))
        return _accepted(query, _exactly(tcp, length, until))


def _exactly(tcp: socket.socket, length: int, until: float) -> bytes:
    received = b""
    while len(received) < length:
        tcp.settimeout(_remaining(until))
        chunk = tcp.recv(length - len(received))
        if not chunk:
            raise Malformed("the name server closed the connection")
        received += chunk
    return received


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
