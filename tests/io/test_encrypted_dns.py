from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import dns.flags
import dns.message
import dns.rcode
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from hypothesis import given
from hypothesis import strategies as st

from loopback_dns import NameServer, octets, response
from loopback_encrypted_dns import MEDIA_TYPE, NAME, PATH, EncryptedNameServer, Http, Protocol, Raw, Reply, Script
from loopback_tls import CURRENT, NOW, Behaviour, Dates, LoopbackServer, Seen, hangs_up, keeps_silent, resets, says
from loops import EVENT_LOOPS, EventLoop
from pki import SERVER_AUTH, Issued, Issuer, self_signed
from resolving import Ask, in_every_way
from servers.daemon import wait_until
from siptls.dns import Address, Denial, Lookup, Security, Tlsa
from siptls.events import Answered, Failure, LookupEvent, LookupFailed
from siptls_io.ad_resolver import AdResolver
from siptls_io.cancellation import Cancellation, Cancelled
from siptls_io.conversation import Conversation, Malformed, over_tcp
from siptls_io.errors import InvalidPem, InvalidServer
from siptls_io.over_https import Resource

QUESTION = Lookup("a.example.com", "A")
RECORD = "a.example.com. 60 IN A 192.0.2.1"
ROOT = Issuer.root(**CURRENT)
ISSUER = ROOT.intermediate(**CURRENT)
LEAF = ISSUER.leaf(dns=[NAME], ips=["127.0.0.1", "::1"], eku=[SERVER_AUTH], **CURRENT)

PROTOCOLS: tuple[Protocol, ...] = ("dot", "h2", "http/1.1")
over_each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)
over_http = pytest.mark.parametrize("protocol", PROTOCOLS[1:])


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("roots") / "roots.pem"
    file.write_bytes(ROOT.pem)
    return file


def plain(query: dns.message.Message) -> dns.message.Message:
    return response(query, RECORD)


def with_ad(query: dns.message.Message) -> dns.message.Message:
    return response(query, RECORD, ad=True)


def answered(event: LookupEvent) -> Answered:
    assert isinstance(event, Answered), event
    (record,) = event.answer.records
    assert isinstance(record, Address)
    assert record.address == "192.0.2.1"
    return event


def failed(event: LookupEvent) -> tuple[Failure, str]:
    assert isinstance(event, LookupFailed), event
    return event.reason, event.detail


def patient(
    servers: list[str], trusted: Iterable[str | tuple[str, int]] = (), ca_file: Path | None = None
) -> AdResolver:
    """A resolver that does not mind how busy this machine is."""
    return AdResolver(servers, trusted, timeout=60, patience=60, ca_file=ca_file)


# An answer.


@in_every_way
@over_each_protocol
@pytest.mark.req("T-S02", "R4035-4.9.3-1", "R6698-4.1-4")
def test_tls_protects_the_way_and_only_trust_makes_the_ad_bit_count(ask: Ask, protocol: Protocol, roots: Path) -> None:
    with EncryptedNameServer(with_ad, protocol, LEAF) as server:
        for address in (server.by_name, server.by_address):
            event = answered(ask(patient([address], ca_file=roots), QUESTION))
            assert event.answer.security is Security.INSECURE
            assert (event.answer.source.name, event.answer.source.note) == (address, "resolver.not-trusted")
            for trusted in (address, "127.0.0.1", ("127.0.0.1", server.port)):
                event = answered(ask(patient([address], [trusted], ca_file=roots), QUESTION))
                assert event.answer.security is Security.SECURE
                assert event.answer.source.note == "resolver.trust-ad"
        assert [seen.server_name for seen in server.seen] == [NAME] * 4 + [None] * 4


@in_every_way
@over_each_protocol
def test_an_encrypted_query_is_padded_and_asks_for_validation(ask: Ask, protocol: Protocol, roots: Path) -> None:
    with EncryptedNameServer(with_ad, protocol, LEAF) as server:
        ask(patient([server.by_name], ca_file=roots), QUESTION)
        ask(patient([server.by_name], ca_file=roots), Lookup("_5061._tcp." + "a" * 60 + ".example.com", "TLSA"))
    assert [len(query) for query in server.queries] == [128, 128]
    query = dns.message.from_wire(server.queries[0])
    assert query.flags & dns.flags.RD
    assert query.flags & dns.flags.AD
    assert not query.flags & dns.flags.CD
    assert query.ednsflags & dns.flags.DO


@in_every_way
@over_http
def test_a_query_over_https_is_a_post_without_an_id(ask: Ask, protocol: Protocol, roots: Path) -> None:
    with EncryptedNameServer(plain, protocol, LEAF) as server:
        answered(ask(patient([f"https://{server.host}/other?a=b#{NAME}"], ca_file=roots), QUESTION))
        answered(ask(patient([server.by_address], ca_file=roots), QUESTION))
    host = "host" if protocol == "http/1.1" else ":authority"
    for request, path, authority in zip(
        server.requests, ["/other?a=b", PATH], [f"{NAME}:{server.port}", server.host], strict=True
    ):
        assert (request[":method"], request[":path"], request[host]) == ("POST", path, authority)
        assert (request["content-type"], request["accept"]) == (MEDIA_TYPE, MEDIA_TYPE)
    assert [query[:2] for query in server.queries] == [b"\0\0"] * 2


@in_every_way
@over_each_protocol
def test_a_tlsa_record_of_a_wrong_length_does_not_spoil_the_others(ask: Ask, protocol: Protocol, roots: Path) -> None:
    def script(query: dns.message.Message) -> bytes:
        good = response(query, f"_5061._tcp.example.com. 60 IN TLSA 3 1 1 {'ab' * 32}")
        good.use_edns(False)
        wire = octets(good)
        # The same record again, with a digest that is one octet short.
        short = b"\xc0\x0c\x00\x34\x00\x01\x00\x00\x00\x3c\x00\x22\x03\x01\x01" + b"\xcd" * 31
        return wire[:6] + b"\0\2" + wire[8:] + short

    with EncryptedNameServer(script, protocol, LEAF) as server:
        event = ask(patient([server.by_name], ca_file=roots), Lookup("_5061._tcp.example.com", "TLSA"))
    assert isinstance(event, Answered), event
    tlsa = [record for record in event.answer.records if isinstance(record, Tlsa)]
    assert [len(record.data) for record in tlsa] == [32, 31]


@in_every_way
@over_each_protocol
def test_a_long_answer_comes_in_one_piece(ask: Ask, protocol: Protocol, roots: Path) -> None:
    many = [f"a.example.com. 60 IN A 192.0.{high}.{low}" for high in range(8) for low in range(240)]
    with EncryptedNameServer(lambda query: response(query, *many), protocol, LEAF) as server:
        event = ask(patient([server.by_name], ca_file=roots), QUESTION)
    assert isinstance(event, Answered), event
    assert len(event.answer.records) == 1_920


@in_every_way
@over_each_protocol
def test_failures_of_the_lookup_are_told_as_over_udp(ask: Ask, protocol: Protocol, roots: Path) -> None:
    def script(query: dns.message.Message) -> dns.message.Message:
        return response(query, rcode=dns.rcode.SERVFAIL, ede=[(7, "expired in May"), (22, "")])

    with EncryptedNameServer(script, protocol, LEAF) as server:
        reason, detail = failed(ask(patient([server.by_name], ca_file=roots), QUESTION))
    assert reason is Failure.BOGUS
    assert detail == "SERVFAIL, EDE 7 (Signature Expired): expired in May, EDE 22 (No Reachable Authority)"


@in_every_way
def test_a_server_has_an_ipv6_address(ask: Ask, roots: Path) -> None:
    for protocol in PROTOCOLS:
        with EncryptedNameServer(plain, protocol, LEAF, "::1") as server:
            event = answered(ask(patient([server.by_address], ca_file=roots), QUESTION))
        assert event.answer.source.name == server.by_address
        assert "[::1]" in server.by_address
        assert protocol == "dot" or server.host in server.requests[0].values()


@in_every_way
def test_content_may_come_in_chunks_after_informational_responses(ask: Ask, roots: Path) -> None:
    def script(query: dns.message.Message) -> Raw:
        content = octets(plain(query))
        early = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" * 2
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {MEDIA_TYPE}; q=1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        return Raw(
            early + head + b"1\r\n" + content[:1] + b"\r\n%x\r\n" % (len(content) - 1) + content[1:] + b"\r\n0\r\n\r\n"
        )

    with EncryptedNameServer(script, "http/1.1", LEAF) as server:
        answered(ask(patient([server.by_name], ca_file=roots), QUESTION))


@over_http
@pytest.mark.parametrize(
    ("age", "ttl"), [("0", 60), ("20", 40), ("59", 1), ("60", 0), ("7" * 30, 0), ("-1", 60), ("x", 60), ("", 60)]
)
def test_time_in_an_http_cache_is_taken_off_the_ttl(protocol: Protocol, age: str, ttl: int, roots: Path) -> None:
    def script(query: dns.message.Message) -> Http:
        return Http(octets(plain(query)), more=(("age", age),))

    with EncryptedNameServer(script, protocol, LEAF) as server:
        event = answered(patient([server.by_name], ca_file=roots).answer(QUESTION))
    assert event.answer.ttl == ttl


def test_time_in_an_http_cache_is_taken_off_a_denial_too(roots: Path) -> None:
    soa = "example.com. 300 IN SOA ns. hostmaster. 1 7200 3600 1209600 60"

    def script(query: dns.message.Message) -> Http:
        return Http(octets(response(query, authority=(soa,))), more=(("age", "25"),))

    with EncryptedNameServer(script, "h2", LEAF) as server:
        event = patient([server.by_name], ca_file=roots).answer(QUESTION)
    assert isinstance(event, Answered)
    assert (event.answer.denial, event.answer.ttl) == (Denial.NODATA, 35)


# Who answers.

_EXPIRED: Dates = {"not_before": CURRENT["not_before"], "not_after": NOW - timedelta(hours=1)}
STRANGERS: dict[str, tuple[Issued, str]] = {
    "for another name": (ROOT.leaf(dns=["other.example"], eku=[SERVER_AUTH], **CURRENT), "ostname mismatch"),
    "for a name above": (ROOT.leaf(dns=["example"], eku=[SERVER_AUTH], **CURRENT), "ostname mismatch"),
    "with the name as its common name": (ROOT.leaf(cn=NAME, eku=[SERVER_AUTH], **CURRENT), "ostname mismatch"),
    "self-signed": (self_signed(dns=[NAME], **CURRENT), "self"),
    "of a root that nobody knows": (
        Issuer.root(**CURRENT).leaf(dns=[NAME], eku=[SERVER_AUTH], **CURRENT),
        "issuer certificate",
    ),
    "expired": (ROOT.leaf(dns=[NAME], eku=[SERVER_AUTH], **_EXPIRED), "expired"),
    "for another purpose": (ROOT.leaf(dns=[NAME], eku=["1.3.6.1.5.5.7.3.4"], **CURRENT), "certificate purpose"),
}


@in_every_way
@over_each_protocol
@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_server_that_is_not_authenticated_is_asked_nothing_and_nobody_in_clear_text_either(
    ask: Ask, protocol: Protocol, stranger: str, roots: Path
) -> None:
    leaf, why = STRANGERS[stranger]
    with EncryptedNameServer(plain, protocol, leaf) as server, NameServer(lambda query, _: plain(query)) as clear:
        resolver = patient([server.by_name, clear.address], ca_file=roots)
        reason, detail = failed(ask(resolver, QUESTION))
        assert reason is Failure.MALFORMED
        assert detail.startswith(f"{server.by_name}: the name server is not authenticated: ")
        assert why in detail
        assert len(server.seen) == 1
        assert server.queries == []
        assert clear.queries == []


@in_every_way
@over_each_protocol
def test_without_a_name_the_certificate_must_be_for_the_address(ask: Ask, protocol: Protocol, roots: Path) -> None:
    for leaf in (
        ROOT.leaf(dns=[NAME, "127.0.0.1"], eku=[SERVER_AUTH], **CURRENT),
        ROOT.leaf(ips=["127.0.0.2"], eku=[SERVER_AUTH], **CURRENT),
    ):
        with EncryptedNameServer(plain, protocol, leaf) as server:
            reason, detail = failed(ask(patient([server.by_address], ca_file=roots), QUESTION))
            assert reason is Failure.MALFORMED
            assert "not authenticated: IP address mismatch" in detail
            assert server.queries == []


@over_each_protocol
def test_the_roots_of_the_system_are_taken_when_no_others_are_given(protocol: Protocol, roots: Path) -> None:
    with EncryptedNameServer(plain, protocol, LEAF) as server:
        assert failed(patient([server.by_name]).answer(QUESTION))[0] is Failure.MALFORMED
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(roots))
            resolver = patient([server.by_name])
        answered(resolver.answer(QUESTION))


def test_roots_that_cannot_be_read_are_the_callers_mistake(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")
    for file in (empty, tmp_path / "missing.pem"):
        with pytest.raises(InvalidPem) as raised:
            AdResolver(["tls://127.0.0.1"], ca_file=file)
        assert raised.value.file == str(file)


@in_every_way
@pytest.mark.req("T-S02")
def test_after_an_encrypted_server_failed_only_encrypted_ones_are_asked(ask: Ask, roots: Path) -> None:
    def refusing(query: dns.message.Message) -> dns.message.Message:
        return response(query, rcode=dns.rcode.REFUSED)

    with (
        EncryptedNameServer(refusing, "dot", LEAF) as one,
        NameServer(lambda query, _: with_ad(query)) as clear,
        EncryptedNameServer(plain, "h2", LEAF) as two,
    ):
        event = ask(patient([one.by_name, clear.address, two.by_name], ca_file=roots), QUESTION)
        assert answered(event).answer.source.name == two.by_name
        # Neither protection makes up for the other one.
        resolver = patient([one.by_name, clear.address, two.by_name], [clear.address, one.by_name], ca_file=roots)
        assert failed(ask(resolver, QUESTION))[0] is Failure.REFUSED
        assert clear.queries == []
        event = ask(patient([clear.address, two.by_name], ca_file=roots), QUESTION)
        assert answered(event).answer.source.name == clear.address


# What servers do wrong.

CLOSED = "the name server closed the connection"
NO_RESPONSE = "what the name server sent is no response to the query"
_HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: 100\r\n\r\n".encode()


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame of HTTP/2 (RFC 9113 section 4.1)."""
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def sends(reply: Reply) -> Script:
    return lambda _query: reply


def another_id(query: dns.message.Message) -> bytes:
    wire = octets(plain(query))
    return bytes([wire[0] ^ 1]) + wire[1:]


def another_question(query: dns.message.Message) -> dns.message.Message:
    return response(dns.message.make_query("b.example.com", "A", id=query.id), RECORD)


def the_query_itself(query: dns.message.Message) -> dns.message.Message:
    return query


def truncated(query: dns.message.Message) -> dns.message.Message:
    return response(query, RECORD, tc=True)


_PROMISE = frame(5, 4, 1, b"\0\0\0\2\x82\x84\x87")
WRONG: dict[str, tuple[tuple[Protocol, ...], Script, str]] = {
    "another ID": (PROTOCOLS, another_id, NO_RESPONSE),
    "another question": (PROTOCOLS, another_question, NO_RESPONSE),
    "the query": (PROTOCOLS, the_query_itself, NO_RESPONSE),
    "nothing at all": (PROTOCOLS, sends(Http(b"")), NO_RESPONSE),
    "garbage": (PROTOCOLS, sends(Http(b"\0" * 20)), NO_RESPONSE),
    "the beginning of a message": (PROTOCOLS, lambda query: octets(plain(query))[:-3], NO_RESPONSE),
    "a truncated message": (PROTOCOLS, truncated, "the response is truncated"),
    "a closed connection": (PROTOCOLS, sends(Raw(b"", closes=True)), CLOSED),
    "half of a length": (("dot",), sends(Raw(b"\0", closes=True)), CLOSED),
    "half of a message": (("dot",), sends(Raw(b"\0\x20abc", closes=True)), CLOSED),
    "half of a content": (("http/1.1",), sends(Raw(_HEAD + b"abc", closes=True)), CLOSED),
    "half of a head": (("http/1.1",), sends(Raw(_HEAD[:30], closes=True)), CLOSED),
    "404": (PROTOCOLS[1:], sends(Http(b"", status=404)), "HTTP status 404"),
    "500": (PROTOCOLS[1:], sends(Http(b"", status=500)), "HTTP status 500"),
    "a redirection": (
        PROTOCOLS[1:],
        sends(Http(b"", status=302, more=(("location", "https://127.0.0.1:1/dns-query"),))),
        "HTTP status 302",
    ),
    "an answer that is an error": (
        PROTOCOLS[1:],
        lambda query: Http(octets(plain(query)), status=502),
        "HTTP status 502",
    ),
    "text": (
        PROTOCOLS[1:],
        lambda query: Http(octets(plain(query)), media_type="text/html"),
        "content of type 'text/html' instead of application/dns-message",
    ),
    "no type": (PROTOCOLS[1:], lambda query: Http(octets(plain(query)), media_type=""), "content of type ''"),
    "too much": (PROTOCOLS[1:], sends(Http(b"\0" * 200_000)), "content of more than 65535 octets"),
    "too much in chunks": (("http/1.1",), sends(Http(b"\0" * 200_000, chunked=True)), "more than 65535 octets"),
    "no HTTP/2": (("h2",), sends(Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", closes=True)), CLOSED),
    "no frame": (("h2",), sends(Raw(frame(1, 4, 0, b"\x88"))), "broken HTTP/2"),
    "a frame that is too long": (("h2",), sends(Raw(b"\xff" * 300_000)), "more than 262140 octets of HTTP"),
    "no HTTP/1.1": (("http/1.1",), sends(Raw(b"220 smtp.example ESMTP\r\n\r\n")), "broken HTTP/1.1"),
    "a head without end": (("http/1.1",), sends(Raw(_HEAD[:-2] + b"X: y\r\n" * 20_000)), "broken HTTP/1.1"),
    "no status": (("h2",), sends(Http(b"", status="")), "HTTP"),
    "a status that is none": (("h2",), sends(Http(b"", status="2\u00b2")), "HTTP"),
    "a stream that is reset": (("h2",), sends(Raw(frame(3, 0, 1, b"\0\0\0\x0b"))), "HTTP/2 error"),
    "a connection that goes away": (("h2",), sends(Raw(frame(7, 0, 0, bytes(8)))), "HTTP/2 error"),
    "something pushed": (("h2",), sends(Raw(_PROMISE)), "broken HTTP/2"),
}


@in_every_way
@pytest.mark.parametrize(
    ("protocol", "what"),
    [pytest.param(protocol, what, id=f"{protocol}: {what}") for what, row in WRONG.items() for protocol in row[0]],
)
def test_what_is_no_answer_is_malformed_and_not_asked_for_again(
    ask: Ask, protocol: Protocol, what: str, roots: Path
) -> None:
    _, script, why = WRONG[what]
    with EncryptedNameServer(script, protocol, LEAF) as server:
        reason, detail = failed(ask(patient([server.by_name], [server.by_name], ca_file=roots), QUESTION))
        assert reason is Failure.MALFORMED
        assert why in detail
        assert len(server.queries) == len(server.seen) == 1


@in_every_way
@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (hangs_up, CLOSED),
        (resets, CLOSED),
        (says(b"HTTP/1.0 400 Bad Request\r\n\r\n"), "no TLS with the name server: wrong version number"),
        (says(b"\x15\x03\x03\0\2\2\x28"), "no TLS with the name server: "),
    ],
)
def test_a_server_that_does_not_speak_tls_is_told_from_one_that_keeps_silent(
    ask: Ask, behaviour: Behaviour, why: str, roots: Path
) -> None:
    with LoopbackServer(behaviour) as server:
        for address in (f"tls://127.0.0.1:{server.port}", f"https://127.0.0.1:{server.port}"):
            reason, detail = failed(ask(patient([address], ca_file=roots), QUESTION))
            assert reason is Failure.MALFORMED
            assert why in detail
        assert len(server.seen) == 2


@in_every_way
def test_a_server_that_keeps_silent_is_asked_three_times_wherever_it_stops(ask: Ask, roots: Path) -> None:
    with LoopbackServer(keeps_silent) as server:
        resolver = AdResolver([f"tls://127.0.0.1:{server.port}"], patience=0.1, ca_file=roots)
        reason, detail = failed(ask(resolver, QUESTION))
        assert (reason, detail.partition(": ")[2]) == (Failure.TIMEOUT, "no response in time")
        wait_until(lambda: len(server.seen) == 3, seconds=30, what="three connections")
    for protocol in PROTOCOLS:
        with EncryptedNameServer(sends(None), protocol, LEAF) as server:
            resolver = AdResolver([server.by_name], timeout=0.4, ca_file=roots)
            assert failed(ask(resolver, QUESTION))[0] is Failure.TIMEOUT


@in_every_way
def test_when_nobody_listens_the_next_server_is_asked(ask: Ask, roots: Path) -> None:
    with EncryptedNameServer(plain, "dot", LEAF) as nobody:
        gone = nobody.by_name
    with EncryptedNameServer(plain, "h2", LEAF) as server:
        event = ask(patient([gone, server.by_name], ca_file=roots), QUESTION)
        assert answered(event).answer.source.name == server.by_name
    reason, detail = failed(ask(patient([gone], ca_file=roots), QUESTION))
    assert reason is Failure.TIMEOUT
    assert "refused" in detail


@in_every_way
@pytest.mark.parametrize(
    ("protocol", "octets", "pause", "reason"),
    [
        ("h2", frame(6, 0, 0, bytes(8)) * 100, 0.0, Failure.MALFORMED),
        ("h2", frame(4, 0, 0, b""), 0.01, Failure.TIMEOUT),
        ("http/1.1", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, 0.0, Failure.MALFORMED),
        ("http/1.1", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.01, Failure.TIMEOUT),
        ("dot", b"\xff", 0.01, Failure.TIMEOUT),
    ],
    ids=["many pings", "settings now and then", "many hints", "hints now and then", "an octet now and then"],
)
def test_a_server_that_talks_for_ever_is_not_listened_to_for_ever(
    ask: Ask, protocol: Protocol, octets: bytes, pause: float, reason: Failure, roots: Path
) -> None:
    with EncryptedNameServer(sends(Raw(octets, again=pause)), protocol, LEAF) as server:
        patience = 0.4 if reason is Failure.TIMEOUT else 30
        resolver = AdResolver([server.by_name], timeout=patience, patience=patience, ca_file=roots)
        assert failed(ask(resolver, QUESTION))[0] is reason


# Cancelled.


class CancelsAtWait(Cancellation):
    """Is cancelled when it is waited by for the n-th time."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def wait(self, *arguments: Any, **more: Any) -> None:
        self._count -= 1
        if self._count == 0:
            self.cancel()
        super().wait(*arguments, **more)


@over_each_protocol
def test_a_thread_that_asks_can_be_cancelled_at_every_wait(protocol: Protocol, roots: Path) -> None:
    with EncryptedNameServer(plain, protocol, LEAF) as server:
        cancelled = 0
        while True:
            with CancelsAtWait(cancelled + 1) as cancellation:
                try:
                    event = patient([server.by_name], ca_file=roots).answer(QUESTION, cancellation)
                except Cancelled:
                    cancelled += 1
                else:
                    break
        answered(event)
        assert cancelled >= 2  # at least in the handshake, and before the response
        assert all(seen.ended.wait(30) for seen in server.seen)


@over_each_protocol
@pytest.mark.parametrize("loop", EVENT_LOOPS.values(), ids=EVENT_LOOPS)
def test_a_lookup_can_be_cancelled_at_every_moment(loop: EventLoop, protocol: Protocol, roots: Path) -> None:
    async def attempt(resolver: AdResolver, rounds: int) -> bool:
        events: list[LookupEvent] = []

        async def look_up() -> None:
            events.append(await resolver.answer_async(QUESTION))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look_up)
            for _ in range(rounds):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        return bool(events)

    async def main(server: EncryptedNameServer) -> int:
        rounds = 0
        while not await attempt(AdResolver([server.by_name], patience=30, timeout=30, ca_file=roots), rounds):
            rounds += 1 if rounds < 40 else 1 + rounds // 5
        return rounds

    with EncryptedNameServer(plain, protocol, LEAF) as server:
        assert loop.run(lambda: main(server)) > 4
        assert all(seen.ended.wait(30) for seen in server.seen)


@over_each_protocol
@pytest.mark.parametrize("way", ["blocking", *EVENT_LOOPS])
def test_a_lookup_is_cancelled_wherever_the_server_keeps_silent(protocol: Protocol, way: str, roots: Path) -> None:
    def silent_before_tls(connection: socket.socket, seen: Seen) -> None:
        reaching.send(b"!")
        keeps_silent(connection, seen)

    def silent_script(content: bytes) -> Script:
        def script(query: dns.message.Message) -> Raw:
            reaching.send(b"!")
            return Raw(content)

        return script

    begun = {"dot": b"\1", "h2": frame(4, 0, 0, b""), "http/1.1": _HEAD + b"abc"}[protocol]
    scheme = "tls" if protocol == "dot" else "https"
    for server in (
        LoopbackServer(silent_before_tls),
        EncryptedNameServer(silent_script(b""), protocol, LEAF),
        EncryptedNameServer(silent_script(begun), protocol, LEAF),
    ):
        reached, reaching = socket.socketpair()
        with server, reached, reaching:
            address = f"{scheme}://127.0.0.1:{server.port}"
            cancel(way, AdResolver([address], timeout=600, patience=600, ca_file=roots), reached)
            assert server.only().ended.wait(30)


def cancel(way: str, resolver: AdResolver, reached: socket.socket) -> None:
    """Begin a lookup, and cancel it when something can be read from a socket."""

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(resolver.answer_async, QUESTION)
            await anyio.wait_readable(reached)
            tasks.cancel_scope.cancel()

    if way != "blocking":
        EVENT_LOOPS[way].run(main)
        return
    with Cancellation() as cancellation:

        def cancel_then() -> None:
            reached.recv(1)
            cancellation.cancel()

        canceller = threading.Thread(target=cancel_then)
        canceller.start()
        with pytest.raises(Cancelled):
            resolver.answer(QUESTION, cancellation)
        canceller.join()


# Whatever comes.

QUERY = dns.message.make_query("a.example.com", "A", id=0)


def transcript(protocol: Protocol, *, age: str = "1") -> bytes:
    """What a good server sends after the query."""
    content = octets(plain(QUERY))
    if protocol == "dot":
        return len(content).to_bytes(2) + content
    if protocol == "http/1.1":
        return _HEAD.replace(b" 100", b" %d\r\nAge: %s" % (len(content), age.encode())) + content
    server = H2Connection(H2Configuration(client_side=False))
    server.receive_data(next(conversation("h2")))
    server.send_headers(1, [(":status", "200"), ("content-type", MEDIA_TYPE), ("age", age)])
    server.send_data(1, content, end_stream=True)
    return server.data_to_send()


def conversation(protocol: Protocol) -> Conversation:
    return over_tcp(QUERY) if protocol == "dot" else Resource(NAME, PATH).converse(QUERY, protocol)


def hold(protocol: Protocol, pieces: list[bytes]) -> dns.message.Message | None:
    """Hold a conversation in which these pieces come, and then the end; None if no response comes of it."""
    talk = conversation(protocol)
    next(talk)
    try:
        for piece in pieces:
            if piece:
                talk.send(piece)
        talk.send(b"")
    except StopIteration as stop:
        received: dns.message.Message = stop.value
        return received
    except Malformed:
        return None
    raise AssertionError("the conversation goes on after its end")


@over_each_protocol
@given(cuts=st.lists(st.integers(0, 400), max_size=20))
def test_a_response_may_come_in_any_pieces(protocol: Protocol, cuts: list[int]) -> None:
    whole = transcript(protocol)
    ends = sorted({cut for cut in cuts if cut < len(whole)})
    pieces = [whole[begin:end] for begin, end in zip([0, *ends], [*ends, len(whole)], strict=True)]
    received = hold(protocol, pieces)
    assert received is not None
    assert len(received.answer) == 1


def test_a_server_may_close_http2_behind_its_response_but_not_before_the_end_of_it() -> None:
    whole, goodbye = transcript("h2"), frame(7, 0, 0, bytes(8))
    assert hold("h2", [whole + goodbye]) is not None
    half, rest = whole[:-20], whole[-20:]
    assert hold("h2", [half + goodbye, rest]) is None
    # The same, where the server had all but the end of the response in a frame of its own.
    split = H2Connection(H2Configuration(client_side=False))
    split.receive_data(next(conversation("h2")))
    split.send_headers(1, [(":status", "200"), ("content-type", MEDIA_TYPE)])
    split.send_data(1, octets(plain(QUERY))[:-4])
    assert hold("h2", [split.data_to_send() + goodbye]) is None


@over_each_protocol
@given(pieces=st.lists(st.binary(max_size=100), max_size=10))
def test_no_octets_break_a_conversation(protocol: Protocol, pieces: list[bytes]) -> None:
    hold(protocol, pieces)


@over_each_protocol
@given(
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.integers(0, 400),
    more=st.binary(max_size=40),
)
def test_no_change_of_a_response_breaks_a_conversation(
    protocol: Protocol, changes: list[tuple[int, int]], cut: int, more: bytes
) -> None:
    changed = bytearray(transcript(protocol))
    for position, octet in changes:
        changed[position % len(changed)] = octet
    hold(protocol, [bytes(changed), more])
    hold(protocol, [bytes(changed[:cut]), more])


# How servers are written.


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("tls://192.0.2.53", ("tls", "192.0.2.53", 853, "", "192.0.2.53")),
        ("TLS://192.0.2.53:8853#DNS.Example", ("tls", "192.0.2.53", 8853, "", "dns.example")),
        ("tls://[2001:DB8::53]", ("tls", "2001:db8::53", 853, "", "2001:db8::53")),
        ("tls://[2001:db8::53]:8853#xn--bcher-kva.example", ("tls", "2001:db8::53", 8853, "", "xn--bcher-kva.example")),
        ("https://192.0.2.53", ("https", "192.0.2.53", 443, "/dns-query", "192.0.2.53")),
        ("https://192.0.2.53/", ("https", "192.0.2.53", 443, "/", "192.0.2.53")),
        ("https://192.0.2.53/dns-query#dns.example", ("https", "192.0.2.53", 443, "/dns-query", "dns.example")),
        ("https://[2001:db8::53]:8443/a/b?c=%20d", ("https", "2001:db8::53", 8443, "/a/b?c=%20d", "2001:db8::53")),
    ],
)
def test_an_encrypted_server_is_written(text: str, written: tuple[str, str, int, str, str]) -> None:
    (server,) = AdResolver([text], trusted=[text]).servers
    assert (server.transport, server.address, server.port, server.path, server.name) == written
    assert server.trusted
    assert AdResolver([server.source.name], trusted=[text]).servers[0].source.name == server.source.name


@pytest.mark.parametrize(
    "text",
    """tls://|tls://192.0.2.53/|tls://192.0.2.53/dns-query|tls://2001:db8::53|tls://192.0.2.53:0|tls://192.0.2.53:65536
    |tls://192.0.2.53:|tls://192.0.2.53#|tls://192.0.2.53#192.0.2.53|tls://192.0.2.53#a b|tls://192.0.2.53#b\u00fccher.example
    |tls://192.0.2.53#a#b|tls://192.0.2|tls://user@192.0.2.53|https://|https:///dns-query|https://192.0.2.53/a b
    |https://192.0.2.53?dns|https://192.0.2.53/dns-query{?dns}|https://user:password@192.0.2.53/|https://192.0.2.53/a\r\nb
    |https://[2001:db8::53/dns-query|http://192.0.2.53/dns-query|quic://192.0.2.53|dns://192.0.2.53|://192.0.2.53""".replace(
        "\n    ", ""
    ).split("|"),
)
def test_what_is_no_encrypted_server_is_refused(text: str) -> None:
    with pytest.raises(InvalidServer) as raised:
        AdResolver([text])
    assert raised.value.text == text
    with pytest.raises(InvalidServer):
        AdResolver(["192.0.2.53"], trusted=[text])


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("https://dns.example/dns-query", "https://192.0.2.53/dns-query#dns.example"),
        ("tls://dns.example", "tls://192.0.2.53#dns.example"),
        ("tls://dns.example:853", "tls://192.0.2.53#dns.example"),
    ],
)
def test_a_host_name_is_refused_with_what_to_write_instead(text: str, instead: str) -> None:
    with pytest.raises(InvalidServer) as raised:
        AdResolver([text])
    assert str(raised.value).endswith(instead)
    AdResolver([instead])


@pytest.mark.req("T-S02")
@pytest.mark.parametrize(
    ("trusted", "servers"),
    [
        ("192.0.2.53", [True, True, True, True, True, True]),
        (("192.0.2.53", 853), [False, True, True, False, False, False]),
        ("tls://192.0.2.53", [False, True, False, False, False, False]),
        ("tls://192.0.2.53#dns.example", [False, False, True, True, False, False]),
        ("tls://192.0.2.53:853#dns.example", [False, False, True, False, False, False]),
        ("https://192.0.2.53/dns-query", [False, False, False, False, True, False]),
        ("192.0.2.54", [False] * 6),
        ("tls://192.0.2.54", [False] * 6),
    ],
)
def test_trust_in_a_plain_address_covers_every_way_to_it_and_trust_in_an_encrypted_one_only_itself(
    trusted: str | tuple[str, int], servers: list[bool]
) -> None:
    resolver = AdResolver(
        [
            "192.0.2.53",
            "tls://192.0.2.53",
            "tls://192.0.2.53#dns.example",
            "tls://192.0.2.53:8853#dns.example",
            "https://192.0.2.53",
            "https://192.0.2.53/other",
        ],
        [trusted],
    )
    assert [server.trusted for server in resolver.servers] == servers


def test_dns_over_https_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for missing in ("h2", "h11"):
        with monkeypatch.context() as patch:
            patch.delitem(sys.modules, "siptls_io.over_https")
            for module in [name for name in sys.modules if name.partition(".")[0] == missing]:
                patch.setitem(sys.modules, module, None)
            with pytest.raises(InvalidServer, match=rf'{missing} is missing\): pip install "siptls\[doh\]"'):
                AdResolver(["https://192.0.2.53/dns-query"])
            AdResolver(["tls://192.0.2.53", "192.0.2.53"])


def test_what_speaks_http_is_loaded_only_when_it_is_needed() -> None:
    program = (
        "import sys, siptls_io; siptls_io.AdResolver(['tls://192.0.2.53']); print({'h2', 'h11'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
