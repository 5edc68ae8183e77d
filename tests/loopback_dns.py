"""A name server on loopback that says what a test wants it to say, over UDP and TCP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TypeAlias

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from loopback import accepted


class Reset:
    """In place of a reply: the TCP connection is reset."""


RESET = Reset()


class Late:
    """In place of a reply: it is sent when the next query comes, so when somebody has given up waiting for it."""

    def __init__(self, reply: dns.message.Message) -> None:
        self.reply = reply


Reply: TypeAlias = "dns.message.Message | bytes | None"
Said: TypeAlias = "Reply | list[Reply] | Reset | Late"
Script: TypeAlias = Callable[[dns.message.Message, bool], Said]
"""Called with each query and whether it came over TCP; None sends nothing, a list several datagrams."""


def response(
    query: dns.message.Message,
    *records: str,
    authority: tuple[str, ...] = (),
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR,
    ad: bool = False,
    tc: bool = False,
    ede: tuple[int, str] | list[tuple[int, str]] | None = None,
) -> dns.message.Message:
    """Make a response; records are written as ``owner TTL IN type rdata``."""
    made = dns.message.make_response(query, recursion_available=True)
    made.set_rcode(rcode)
    made.flags |= (dns.flags.AD if ad else 0) | (dns.flags.TC if tc else 0)
    for section, texts in ((made.answer, records), (made.authority, authority)):
        for text in texts:
            owner, ttl, rdclass, rdtype, rdata = text.split(" ", 4)
            section.append(dns.rrset.from_text(owner, int(ttl), rdclass, rdtype, rdata))
    if ede is not None:
        errors = ede if isinstance(ede, list) else [ede]
        made.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.make(code), text) for code, text in errors])
    return made


def answering(records: Mapping[str, Sequence[str]]) -> Script:
    """Answer from a table such as ``{"sip.example.com A": ["192.0.2.1"]}``; what does not stand there is NODATA."""

    def script(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        (question,) = query.question
        asked = f"{question.name.to_text(omit_final_dot=True)} {dns.rdatatype.to_text(question.rdtype)}"
        owner, rdtype = asked.split()
        found = [f"{owner}. 60 IN {rdtype} {rdata}" for rdata in records.get(asked, ())]
        authority = () if found else (f"{owner}. 60 IN SOA ns.example. hostmaster.example. 1 60 60 60 60",)
        return response(query, *found, authority=authority)

    return script


class NameServer:
    """Answers as its script says, while its context lasts.

    Args:
        script: what to say.
        from_elsewhere: UDP responses come from another port than the queries went to.
        udp_only: TCP connections are refused.

    Attributes:
        port: the same for UDP and TCP, on 127.0.0.1.
        queries: all that came, each with whether it came over TCP.
    """

    def __init__(self, script: Script, *, from_elsewhere: bool = False, udp_only: bool = False) -> None:
        self._script = script
        self._from_elsewhere = from_elsewhere
        self.queries: list[tuple[dns.message.Message, bool]] = []
        self._udp, self._tcp = _both_sockets()
        self.port: int = self._udp.getsockname()[1]
        self._ended = False
        self._late: list[tuple[bytes, tuple[str, int]]] = []
        self._threads = [threading.Thread(target=self._serve_udp)]
        if not udp_only:
            self._tcp.listen()
            self._threads.append(threading.Thread(target=self._serve_tcp))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> NameServer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        if len(self._threads) > 1:
            socket.create_connection(("127.0.0.1", self.port)).close()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def _replies(self, wire: bytes, *, tcp: bool) -> list[bytes] | Reset | Late:
        query = dns.message.from_wire(wire)
        self.queries.append((query, tcp))
        replies = self._script(query, tcp)
        if isinstance(replies, Reset | Late):
            return replies
        return [octets(reply) for reply in (replies if isinstance(replies, list) else [replies]) if reply is not None]

    def _serve_udp(self) -> None:
        while True:
            wire, sender = self._udp.recvfrom(65_535)
            if self._ended:
                return
            replies = self._replies(wire, tcp=False)
            assert not isinstance(replies, Reset)
            while self._late:
                self._udp.sendto(*self._late.pop())
            if isinstance(replies, Late):
                self._late.append((octets(replies.reply), sender))
                continue
            for reply in replies:
                if self._from_elsewhere:
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                        stranger.sendto(reply, sender)
                else:
                    self._udp.sendto(reply, sender)

    def _serve_tcp(self) -> None:
        while True:
            with accepted(self._tcp) as connection:
                if self._ended:
                    return
                connection.settimeout(30)
                wire = connection.recv(65_535)
                if len(wire) <= 2:
                    continue
                replies = self._replies(wire[2:], tcp=True)
                assert not isinstance(replies, Late)
                if isinstance(replies, Reset):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    continue
                for reply in replies:
                    # In two pieces, as TCP is free to do.
                    connection.sendall(len(reply).to_bytes(2)[:1])
                    connection.sendall(len(reply).to_bytes(2)[1:] + reply)


def octets(reply: dns.message.Message | bytes) -> bytes:
    """A reply as it goes over the network."""
    return reply.to_wire(max_size=65_535) if isinstance(reply, dns.message.Message) else reply


def _both_sockets() -> tuple[socket.socket, socket.socket]:
    """Find a port that is free for UDP and for TCP."""
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind(udp.getsockname())
        except OSError:
            udp.close()
            tcp.close()
        else:
            return udp, tcp
