from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import dns.message
import pytest
from cryptography import x509

import siptls_io.asyncio
import siptls_io.blocking
from loopback_dns import NameServer, Script, response
from loopback_tls import (
    CURRENT,
    NOW,
    Behaviour,
    LoopbackServer,
    black_hole,
    closed_port,
    hangs_up,
    keeps_silent,
    resets,
    says,
    server_context,
    tls,
)
from loops import EVENT_LOOPS, LOOPS, MESSAGE, EventLoop, Loop, on_every_loop
from pki import Issuer
from siptls.dns import Lookup
from siptls.errors import InvalidUri
from siptls.events import Anchors, Connect, ConnectEvent, ConnectFailed, Endpoint
from siptls.policy import Policy
from siptls.verdict import Outcome, Verdict
from siptls_io.ad_resolver import AdResolver
from siptls_io.cancellation import Cancellation
from siptls_io.connection import NoService, NotConnected, PeerInsufficient, PeerRejected, PeerUndetermined
from siptls_io.resolver import Resolver
from siptls_io.tls import ClientCertificate, client_context
from siptls_io.zone_files import Status, ZoneFiles

URI = "sip:alice@example.com"
ROOT = Issuer.root(**CURRENT)
ANCHORS = Anchors((ROOT.der,))
LEAF = ROOT.intermediate(**CURRENT).leaf(uris=["sip:example.com"], **CURRENT)
STRANGER = ROOT.leaf(uris=["sip:stranger.example"], **CURRENT)
GOOD = tls(server_context(LEAF))
DEMANDING = tls(server_context(LEAF, client_root=ROOT, newest=ssl.TLSVersion.TLSv1_2))
REPLY = b"SIP/2.0 200 OK\r\n\r\n"


def world(port: int, *addresses: str, dnssec: Status = "insecure", tlsa: str = "", **more: Status) -> ZoneFiles:
    """example.com with one server at loopback addresses; the first is preferred."""
    records = "".join(f"sip A {address}\n" for address in addresses or ["127.0.0.1"])
    pinned = f"_{port}._tcp.sip TLSA {tlsa}\n" if tlsa else ""
    zone = f'@ NAPTR 1 1 "s" "SIPS+D2T" "" _sips._tcp\n_sips._tcp SRV 1 1 {port} sip\n{records}{pinned}'
    return ZoneFiles({"example.com": zone}, default=dnssec)


def refusal(loop: Loop, *, kind: type[NotConnected] = PeerUndetermined, **more: Any) -> Verdict:
    """Connect in vain and return the verdict."""
    more.setdefault("anchors", ANCHORS)
    with pytest.raises(kind) as raised:
        loop.reach(URI, **more)
    assert type(raised.value) is kind
    assert str(raised.value).splitlines()[0] == raised.value.verdict.explain().splitlines()[0]
    return raised.value.verdict


# Accepted.


@on_every_loop
@pytest.mark.req("R5922-7.8-2")
def test_an_accepted_connection_carries_messages_both_ways(loop: Loop) -> None:
    with LoopbackServer(GOOD) as server:
        verdict, reply = loop.reach(URI, resolver=world(server.port), anchors=ANCHORS)
        seen = server.only()
    assert (verdict.outcome, verdict.method, verdict.code) == (Outcome.ACCEPTED, "pkix", "id.match")
    assert reply == REPLY
    assert seen.received == MESSAGE
    assert seen.server_name == "example.com"


@on_every_loop
@pytest.mark.req("R6698-2.1.1-3", "R7671-10.2-1")
def test_a_pinned_key_needs_no_anchor(loop: Loop) -> None:
    pin = f"3 1 1 {hashlib.sha256(STRANGER.spki).hexdigest()}"
    with LoopbackServer(tls(server_context(STRANGER))) as server:
        verdict, reply = loop.reach(URI, resolver=world(server.port, dnssec="secure", tlsa=pin), anchors=Anchors())
        seen = server.only()
    assert (verdict.method, reply) == ("dane-ee", REPLY)
    assert seen.server_name == "sip.example.com"


@on_every_loop
def test_a_pinned_private_authority_needs_no_anchor(loop: Loop) -> None:
    pin = f"2 0 1 {hashlib.sha256(LEAF.above[0].der).hexdigest()}"
    with LoopbackServer(GOOD) as server:
        verdict, _ = loop.reach(URI, resolver=world(server.port, dnssec="secure", tlsa=pin), anchors=Anchors())
    assert verdict.method == "dane-ta"


@on_every_loop
def test_what_the_server_says_before_it_is_accepted_is_there_afterwards(loop: Loop) -> None:
    with LoopbackServer(tls(server_context(LEAF), greeting=b"hello")) as server:
        _, reply = loop.reach(URI, say=b"", resolver=world(server.port), anchors=ANCHORS)
    assert reply == b"hello"


@on_every_loop
@pytest.mark.req("R5922-7.2-3")
def test_an_internationalised_domain_is_reached_by_its_a_labels(loop: Loop) -> None:
    leaf = ROOT.leaf(uris=["sip:xn--bcher-kva.example"], **CURRENT)
    with LoopbackServer(tls(server_context(leaf))) as server:
        zones = ZoneFiles({"bücher.example": f"_sips._tcp SRV 1 1 {server.port} sip\nsip A 127.0.0.1\n"})
        verdict, _ = loop.reach("sips:alice@bücher.example", resolver=zones, anchors=ANCHORS)
    assert verdict.domain == "xn--bcher-kva.example"


@on_every_loop
def test_the_second_address_is_used_when_the_first_refuses(loop: Loop) -> None:
    with LoopbackServer(GOOD, "127.0.0.2") as server:
        verdict, reply = loop.reach(URI, resolver=world(server.port, "127.0.0.3", "127.0.0.2"), anchors=ANCHORS)
    assert reply == REPLY
    assert verdict.endpoint is not None
    assert verdict.endpoint.address == "127.0.0.2"


@on_every_loop
@pytest.mark.req("R5922-7.3-4", "D-SEC-11")
def test_the_second_address_is_used_when_the_first_is_somebody_else(loop: Loop) -> None:
    with (
        LoopbackServer(GOOD, "127.0.0.2") as good,
        LoopbackServer(tls(server_context(STRANGER)), "127.0.0.1", good.port) as bad,
    ):
        verdict, reply = loop.reach(URI, resolver=world(good.port, "127.0.0.1", "127.0.0.2"), anchors=ANCHORS)
        assert bad.only().received == b""
    assert (verdict.accepted, reply) == (True, REPLY)


@on_every_loop
def test_staggered_attempts_reach_the_second_address_while_the_first_keeps_silent(loop: Loop) -> None:
    with (
        LoopbackServer(GOOD, "127.0.0.2") as good,
        LoopbackServer(keeps_silent, "127.0.0.1", good.port) as bad,
    ):
        began = time.monotonic()
        zones = world(good.port, "127.0.0.1", "127.0.0.2")
        verdict, reply = loop.reach(URI, resolver=zones, anchors=ANCHORS, policy=Policy(attempt_delay=0.1))
        assert time.monotonic() - began < 8
        bad.only()
    assert (verdict.accepted, reply) == (True, REPLY)


@on_every_loop
def test_of_two_that_answer_only_the_accepted_one_stays_open(loop: Loop) -> None:
    def slowly(connection: socket.socket, seen: Any) -> None:
        time.sleep(0.15)
        GOOD(connection, seen)

    with LoopbackServer(slowly, "127.0.0.1") as one, LoopbackServer(slowly, "127.0.0.2", one.port) as two:
        zones = world(one.port, "127.0.0.1", "127.0.0.2")
        verdict, _ = loop.reach(URI, resolver=zones, anchors=ANCHORS, policy=Policy(attempt_delay=0.1))
        received = [one.only().received, two.only().received]
    assert verdict.accepted
    assert sorted(received) == [b"", MESSAGE]


# Rejected, without an octet sent.


@on_every_loop
@pytest.mark.req("R5922-7.3-1", "R5922-7.3-4")
def test_a_stranger_is_closed_before_an_octet_is_sent(loop: Loop) -> None:
    with LoopbackServer(tls(server_context(STRANGER), greeting=b"x" * 50_000)) as server:
        verdict = refusal(loop, kind=PeerRejected, resolver=world(server.port))
        assert server.only().received == b""
    assert (verdict.outcome, verdict.code) == (Outcome.REJECTED, "id.mismatch")


@on_every_loop
@pytest.mark.req("R6698-4.1-7", "R7671-4.1-2")
def test_a_wrong_pin_is_a_rejection_though_pkix_would_accept(loop: Loop) -> None:
    with LoopbackServer(GOOD) as server:
        zones = world(server.port, dnssec="secure", tlsa=f"3 1 1 {'00' * 32}")
        verdict = refusal(loop, kind=PeerRejected, resolver=zones)
        assert server.only().received == b""
    assert verdict.code == "dane.no-match"


@on_every_loop
def test_less_than_the_policy_requires_is_closed_too(loop: Loop) -> None:
    with LoopbackServer(GOOD) as server:
        verdict = refusal(loop, kind=PeerInsufficient, resolver=world(server.port), policy=Policy(require="dane"))
        assert server.only().received == b""
    assert verdict.outcome is Outcome.INSUFFICIENT
    assert issubclass(PeerInsufficient, PeerRejected)


@on_every_loop
def test_an_expired_certificate_is_judged_by_the_clock(loop: Loop) -> None:
    leaf = ROOT.leaf(uris=["sip:example.com"], not_before=NOW - timedelta(9), not_after=NOW - timedelta(1))
    with LoopbackServer(tls(server_context(leaf))) as server:
        verdict = refusal(loop, kind=PeerRejected, resolver=world(server.port))
    assert verdict.code == "chain.expired"


@on_every_loop
@pytest.mark.req("R6698-4.1-2")
def test_what_dns_does_not_tell_leaves_no_connection(loop: Loop) -> None:
    assert refusal(loop, resolver=world(5061, dnssec="bogus")).code == "dnssec.bogus"
    assert refusal(loop, resolver=world(5061, dnssec="failed")).code == "locate.servfail"
    empty = ZoneFiles({"example.com": ""}, default="secure")
    assert refusal(loop, kind=NoService, resolver=empty).outcome is Outcome.NO_SERVICE


@on_every_loop
def test_a_uri_that_is_none_is_the_callers_mistake(loop: Loop) -> None:
    for uri in ("example.com", "sip:a@b_c", "sip:ü..x"):
        with pytest.raises(InvalidUri):
            loop.reach(uri, resolver=world(5061), anchors=ANCHORS)


# Servers that are none.


@on_every_loop
@pytest.mark.parametrize(
    ("behaviour", "code", "detail"),
    [
        (hangs_up, "net.closed", "closed the connection"),
        (resets, "net.reset", "reset"),
        (says(b"SIP/2.0 400 Bad Request\r\n\r\n"), "tls.plain-sip", "the peer sent: "),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "tls.plain-sip", ".1 400 Bad Request"),
        (says(bytes(range(200, 256))), "tls.handshake", "cdcecfd0"),
        (says(b"\0" * 100), "tls.handshake", "0000"),
        (says(b"\x16\3\3\0\x20" + b"\xff" * 32), "tls.handshake", "unexpected message"),
        (says(b"\x15\3\3\0\2\2\x28"), "tls.alert", "handshake_failure"),
        (DEMANDING, "tls.client-cert-required", "handshake_failure"),
    ],
)  # fmt: skip
def test_a_server_that_does_not_complete_the_handshake(
    loop: Loop, behaviour: Behaviour, code: str, detail: str
) -> None:
    with LoopbackServer(behaviour) as server:
        verdict = refusal(loop, resolver=world(server.port))
        received = server.only().received
    assert received == b"" or received.startswith(b"\x15\3")  # nothing, or a TLS alert
    assert (verdict.outcome, verdict.code) == (Outcome.UNDETERMINED, code)
    assert detail in verdict.explain()


@on_every_loop
def test_the_whole_beginning_of_a_greeting_is_shown(loop: Loop) -> None:
    def slowly(connection: socket.socket, seen: Any) -> None:
        time.sleep(0.2)  # OpenSSL has looked for an answer in vain
        says(b"SIP/2.0 400 Bad Request\r\n\r\n")(connection, seen)

    with LoopbackServer(slowly) as server:
        verdict = refusal(loop, resolver=world(server.port))
    assert "the peer sent: SIP/2.0 400 Bad Request" in verdict.explain()


@on_every_loop
def test_a_closed_port_refuses(loop: Loop) -> None:
    with closed_port() as port:
        assert refusal(loop, resolver=world(port)).code == "net.refused"


@on_every_loop
def test_a_server_that_never_answers_is_given_up_in_time(loop: Loop) -> None:
    with LoopbackServer(keeps_silent) as server:
        began = time.monotonic()
        verdict = refusal(loop, resolver=world(server.port), policy=Policy(connect_timeout=0.2))
        assert time.monotonic() - began < 8
        server.only()
    assert verdict.code == "net.timeout"


@on_every_loop
def test_an_address_that_swallows_everything_is_given_up_in_time(loop: Loop) -> None:
    with black_hole() as port:
        began = time.monotonic()
        verdict = refusal(loop, resolver=world(port), policy=Policy(connect_timeout=0.2))
        assert time.monotonic() - began < 8
    assert verdict.code == "net.timeout"


def flood() -> Behaviour:
    """A server that sends 5 MB of certificates."""
    ballast = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(500_000)), False)
    heavy = ROOT.intermediate("Heavy", extensions=[ballast], **CURRENT).issued
    assert 10 * len(heavy.der) > 5_000_000
    return tls(server_context(LEAF, chain=LEAF.pem + 10 * heavy.pem))


@on_every_loop
def test_a_flood_of_certificates_ends_the_handshake(loop: Loop) -> None:
    with LoopbackServer(flood()) as server:
        verdict = refusal(loop, resolver=world(server.port))
    assert verdict.code == "tls.handshake"


@on_every_loop
def test_a_chain_longer_than_the_policy_allows_is_judged_and_not_used(loop: Loop) -> None:
    many = LEAF.presented_pem + ROOT.intermediate("y", **CURRENT).issued.pem * 30
    with LoopbackServer(tls(server_context(LEAF, chain=many))) as server:
        verdict = refusal(loop, kind=PeerRejected, resolver=world(server.port))
        assert server.only().received == b""
    assert verdict.code == "limit.chain"


@on_every_loop
def test_other_transports_than_tls_over_tcp_are_not_offered(loop: Loop) -> None:
    zones = ZoneFiles({"example.com": "_sips._sctp SRV 1 1 5061 sip\nsip A 127.0.0.1\n"})
    verdict = refusal(loop, resolver=zones, policy=Policy(transports=("tls-sctp",)))
    assert verdict.code == "net.unsupported"


def by_sockets(connect: Connect) -> ConnectEvent:
    with Cancellation() as cancellation:
        return siptls_io.blocking.SocketPerformer(world(5061), client_context()).connect(connect, cancellation)


def by_streams(loop: EventLoop) -> Callable[[Connect], ConnectEvent]:
    def try_to_connect(connect: Connect) -> ConnectEvent:
        performer = loop.module.StreamPerformer(world(5061), client_context())
        event: ConnectEvent = loop.run(lambda: performer.connect(connect))
        return event

    return try_to_connect


@pytest.mark.req("R6066-3-1")
@pytest.mark.parametrize("try_to_connect", [by_sockets, *map(by_streams, EVENT_LOOPS.values())])
@pytest.mark.parametrize("server_name", ["", "a" * 64, ".example.com", "a\0b", "192.0.2.1", "bücher.example"])
def test_nothing_is_sent_with_a_server_name_that_tls_cannot_carry(
    try_to_connect: Callable[[Connect], ConnectEvent], server_name: str
) -> None:
    event = try_to_connect(Connect(1, Endpoint("sip.example.com", "127.0.0.1", 5061, "tls"), server_name))
    assert isinstance(event, ConnectFailed)
    assert event.reason == "tls.handshake"


@on_every_loop
def test_ipv6_addresses_are_reached_too(loop: Loop) -> None:
    with LoopbackServer(GOOD, "::1") as server:
        zone = f"_sips._tcp SRV 1 1 {server.port} sip\nsip AAAA ::1\n"
        verdict, reply = loop.reach("sips:example.com", resolver=ZoneFiles({"example.com": zone}), anchors=ANCHORS)
    assert verdict.endpoint is not None
    assert (verdict.endpoint.address, reply) == ("::1", REPLY)


# Our own certificate.


def client_files(folder: Path) -> tuple[Path, Path]:
    issued = ROOT.leaf(uris=["sip:client.example"], **CURRENT)
    chain, key = folder / "client.pem", folder / "client.key"
    chain.write_bytes(issued.presented_pem)
    key.write_bytes(issued.key_pem)
    return chain, key


@on_every_loop
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_is_shown_to_a_server_that_asks(
    loop: Loop, newest: ssl.TLSVersion, tmp_path: Path
) -> None:
    ours = ClientCertificate(*client_files(tmp_path), domains=["example.com"])
    demanding = tls(server_context(LEAF, client_root=ROOT, newest=newest))
    with LoopbackServer(demanding) as server:
        _, reply = loop.reach(URI, resolver=world(server.port), anchors=ANCHORS, client_certificate=ours)
        assert server.only().client_chain is not None
    assert reply == REPLY
    with LoopbackServer(GOOD) as server:
        loop.reach(URI, resolver=world(server.port), anchors=ANCHORS, client_certificate=ours)
        assert server.only().client_chain is None


@on_every_loop
@pytest.mark.usefixtures("time_to_refuse")
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_demand_for_a_certificate_that_this_domain_may_not_see_is_the_verdict(
    loop: Loop, newest: ssl.TLSVersion, tmp_path: Path
) -> None:
    other = ClientCertificate(*client_files(tmp_path), domains=["example.net"])
    for ours in (None, other):
        with LoopbackServer(tls(server_context(LEAF, client_root=ROOT, newest=newest))) as server:
            verdict = refusal(loop, resolver=world(server.port), client_certificate=ours)
            assert server.only().client_chain is None
        assert verdict.code == "tls.client-cert-required"


# Defaults.


@on_every_loop
def test_by_default_the_systems_name_servers_and_anchors_are_asked(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer(GOOD) as server:
        zones = world(server.port)
        monkeypatch.setattr(AdResolver, "system", lambda: zones)
        monkeypatch.setattr("siptls_io.outgoing.system_anchors", lambda: ANCHORS)
        verdict, _ = loop.reach(URI)
    assert verdict.accepted


# Interrupted.


def test_a_connection_attempt_can_be_cancelled_at_every_moment() -> None:
    async def attempt(server: LoopbackServer, rounds: int) -> bool:
        task = asyncio.create_task(siptls_io.asyncio.connect(URI, resolver=world(server.port), anchors=ANCHORS))
        for _ in range(rounds):
            await asyncio.sleep(0)
            if task.done():
                break
        task.cancel()
        try:
            connection = await task
        except asyncio.CancelledError:
            return False
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}
        connection.stream[1].close()
        await connection.stream[1].wait_closed()
        return True

    async def main(server: LoopbackServer) -> None:
        rounds = 0
        while not await attempt(server, rounds):
            rounds += 1 if rounds < 40 else 1 + rounds // 10

    with LoopbackServer(GOOD) as server:
        asyncio.run(main(server))
        assert len(server.seen) > 5
        for seen in server.seen:
            assert seen.ended.wait(30)
            assert seen.received == b""


def test_a_connection_attempt_can_be_cancelled_while_the_server_keeps_silent() -> None:
    async def main(server: LoopbackServer) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await siptls_io.asyncio.connect(URI, resolver=world(server.port), anchors=ANCHORS)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with LoopbackServer(keeps_silent) as server:
        asyncio.run(main(server))
        server.only()


def interrupted(resolver: Resolver) -> None:
    """Press Ctrl-C while a blocking attempt is under way."""
    presser = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    presser.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        siptls_io.blocking.connect(URI, resolver=resolver, anchors=ANCHORS)
    assert time.monotonic() - began < 8
    presser.join()


def silent_until(released: threading.Event, truncating: bool) -> Script:
    def script(query: dns.message.Message, tcp: bool) -> dns.message.Message | None:
        if tcp:
            released.wait(10)
        return response(query, tc=True) if truncating and not tcp else None

    return script


def test_ctrl_c_ends_a_blocking_attempt_at_once_and_leaves_nothing_behind() -> None:
    with LoopbackServer(keeps_silent) as server:
        interrupted(world(server.port))
        server.only()
    with black_hole() as port:
        interrupted(world(port))
    for truncating in (False, True):
        released = threading.Event()
        with NameServer(silent_until(released, truncating)) as names:
            interrupted(AdResolver([names.address], timeout=60, patience=60))
            released.set()
        assert names.queries[-1][1] is truncating


def test_a_blocking_attempt_does_not_wait_for_a_lookup_that_is_late() -> None:
    with NameServer(lambda query, tcp: None) as names:
        began = time.monotonic()
        slow = AdResolver([names.address], timeout=60, patience=60)
        verdict = refusal(LOOPS["blocking"], resolver=slow, policy=Policy(lookup_timeout=0.2))
        assert time.monotonic() - began < 8
    assert verdict.code == "locate.timeout"


def test_a_blocking_attempt_works_inside_of_a_running_event_loop() -> None:
    async def main(server: LoopbackServer) -> bytes:
        return LOOPS["blocking"].reach(URI, resolver=world(server.port), anchors=ANCHORS)[1]

    with LoopbackServer(GOOD) as server:
        assert asyncio.run(main(server)) == REPLY


@on_every_loop
def test_a_resolver_that_breaks_its_promise_is_heard_and_leaves_nothing_behind(loop: Loop) -> None:
    class Broken:
        def answer(self, lookup: Lookup, cancellation: Cancellation | None = None, /) -> Any:
            raise ZeroDivisionError("broken")

        async def answer_async(self, lookup: Lookup, /) -> Any:
            raise ZeroDivisionError("broken")

    with pytest.raises(ZeroDivisionError, match="broken"):
        loop.reach(URI, resolver=Broken(), anchors=ANCHORS)
