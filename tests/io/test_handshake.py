"""Servers that may refuse us after the handshake, as TLS 1.3 lets them: heard out, and nothing of theirs is lost."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from loopback_tls import CURRENT, Behaviour, LoopbackServer, Seen, finishes, server_context, tls
from loops import PATIENCE, Loop, on_every_event_loop, on_every_loop
from pki import Issuer
from siptls.events import Anchors
from siptls.policy import Policy
from siptls.verdict import Outcome, Verdict
from siptls_io.connection import PeerRejected, PeerUndetermined
from siptls_io.handshake import Handshake, handshake, looks_like_a_refusal
from siptls_io.tls import ClientCertificate, client_context, facts
from siptls_io.zone_files import ZoneFiles

ROOT = Issuer.root(**CURRENT)
OTHER = Issuer.root("Other Root", **CURRENT)
LEAF = ROOT.intermediate(**CURRENT).leaf(uris=["sip:example.com"], **CURRENT)
STRANGER = ROOT.leaf(uris=["sip:stranger.example"], **CURRENT)
VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
heard_out = pytest.mark.usefixtures("time_to_refuse")


def asking(*, tickets: int = 0, demanding: bool = False) -> ssl.SSLContext:
    """Of a server that asks for a certificate, and goes on without one unless it demands it."""
    context = server_context(LEAF, client_root=ROOT)
    context.num_tickets = tickets
    if not demanding:
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def reached(loop: Loop, behaviour: Behaviour, **more: Any) -> tuple[Verdict, bytes]:
    with LoopbackServer(behaviour) as server:
        zones = ZoneFiles({"example.com": f"_sips._tcp SRV 1 1 {server.port} sip\nsip A 127.0.0.1\n"})
        return loop.reach("sips:example.com", resolver=zones, anchors=Anchors((ROOT.der,)), **more)


def refused(loop: Loop, behaviour: Behaviour, **more: Any) -> Verdict:
    with pytest.raises(PeerUndetermined) as raised:
        reached(loop, behaviour, **more)
    verdict = raised.value.verdict
    assert verdict.outcome is Outcome.UNDETERMINED
    return verdict


def client_certificate(folder: Path) -> ClientCertificate:
    issued = OTHER.leaf(uris=["sip:client.example"], **CURRENT)
    chain, key = folder / "client.pem", folder / "client.key"
    chain.write_bytes(issued.presented_pem)
    key.write_bytes(issued.key_pem)
    return ClientCertificate(chain, key)


# What is noted.


@pytest.mark.parametrize(
    ("octets", "refusal"),
    [
        (b"", True),
        (b"\x15", True),
        (b"\x15\3\3\0\2\2\x28", True),
        (b"\x17", None),
        (b"\x17\3\3\0", None),
        (b"\x17\3\3\0\x13", True),
        (b"\x17\3\3\1\x13", False),
        (b"\x17\3\3\0\x12", False),
        (b"\x16\3\3\0\x13", False),
        (b"S", False),
    ],
)
def test_an_alert_is_known_by_its_type_or_by_its_length(octets: bytes, refusal: bool | None) -> None:
    assert looks_like_a_refusal(octets) is refusal


@VERSIONS
@pytest.mark.parametrize("asks", [False, True])
def test_it_is_known_whether_a_server_asked_for_a_certificate(version: ssl.TLSVersion, asks: bool) -> None:
    context = server_context(LEAF, client_root=ROOT if asks else None, newest=version)
    if asks:
        context.verify_mode = ssl.CERT_OPTIONAL
    with (
        LoopbackServer(tls(context)) as server,
        socket.create_connection((server.address, server.port)) as tcp,
        handshake() as begun,
        client_context().wrap_socket(tcp, server_hostname="example.com") as stream,
    ):
        assert begun.certificate_asked is asks
        assert begun.may_be_refused() is (asks and version is ssl.TLSVersion.TLSv1_3)
        assert not begun.certificate_shown
        assert facts(stream, "example.com", begun).certificate_asked is asks
        assert facts(stream, "example.com").certificate_asked is None


@VERSIONS
def test_it_is_known_whether_our_certificate_was_shown(version: ssl.TLSVersion, tmp_path: Path) -> None:
    context = server_context(LEAF, client_root=OTHER, newest=version)
    context.verify_mode = ssl.CERT_OPTIONAL
    ours = client_certificate(tmp_path)
    for certificate in (None, ours):
        with (
            LoopbackServer(tls(context)) as server,
            socket.create_connection((server.address, server.port)) as tcp,
            handshake() as begun,
            client_context(certificate).wrap_socket(tcp, server_hostname="example.com"),
        ):
            assert begun.certificate_asked
            assert begun.certificate_shown is (certificate is ours)


def test_what_two_handshakes_with_one_context_hear_is_kept_apart() -> None:
    shared = client_context()
    heard: dict[bool, Handshake] = {}
    together = threading.Barrier(2)

    def shake_hands(server: LoopbackServer, asks: bool) -> None:
        with socket.create_connection((server.address, server.port)) as tcp, handshake() as begun:
            stream = shared.wrap_socket(tcp, server_hostname="example.com", do_handshake_on_connect=False)
            together.wait(PATIENCE)
            with stream:
                stream.do_handshake()
            heard[asks] = begun

    with LoopbackServer(tls(asking())) as curious, LoopbackServer(tls(server_context(LEAF))) as other:
        threads = [threading.Thread(target=shake_hands, args=pair) for pair in ((curious, True), (other, False))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {asks: begun.certificate_asked for asks, begun in heard.items()} == {True: True, False: False}


def test_nobody_listens_outside_of_an_attempt() -> None:
    with (
        LoopbackServer(tls(asking())) as server,
        socket.create_connection((server.address, server.port)) as tcp,
        client_context().wrap_socket(tcp, server_hostname="example.com") as stream,
    ):
        assert stream.version() == "TLSv1.3"


def test_patience_grows_with_the_way_to_the_server_and_ends_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("siptls_io.handshake.time.monotonic", lambda: now[0])
    begun = Handshake()
    waited: list[float] = []
    for now[0] in (100.01, 100.5, 130.0):
        waited.append(begun.patience())
    assert waited == [0.25, 0.5, 1.0]


# Servers that go on.


@on_every_loop
@heard_out
@pytest.mark.parametrize("tickets", [1, 2])
def test_a_server_that_sends_tickets_has_not_refused_and_is_not_waited_for(loop: Loop, tickets: int) -> None:
    began = time.monotonic()
    verdict, reply = reached(loop, tls(asking(tickets=tickets)))
    assert time.monotonic() - began < PATIENCE / 2
    assert (verdict.accepted, reply) == (True, b"SIP/2.0 200 OK\r\n\r\n")


@on_every_loop
def test_a_server_that_keeps_silent_is_accepted_after_a_while(loop: Loop) -> None:
    verdict, reply = reached(loop, tls(asking()))
    assert (verdict.accepted, reply) == (True, b"SIP/2.0 200 OK\r\n\r\n")


@on_every_loop
@heard_out
@pytest.mark.parametrize("greeting", [b"h", b"hel", b"hello", b"x" * 4000])
@pytest.mark.parametrize("tickets", [0, 1])
def test_what_a_server_says_when_it_has_accepted_us_is_there_to_be_read(
    loop: Loop, greeting: bytes, tickets: int
) -> None:
    verdict, reply = reached(loop, tls(asking(tickets=tickets), greeting=greeting), say=b"")
    assert (verdict.accepted, reply) == (True, greeting)


@on_every_loop
@heard_out
def test_after_a_greeting_as_long_as_an_alert_the_connection_is_not_used(loop: Loop) -> None:
    verdict = refused(loop, tls(asking(), greeting=b"ok"), say=b"")
    assert verdict.code == "tls.handshake"
    (step,) = [step for step in verdict.steps if step.code == verdict.code]
    assert step.found == "the server began to speak before it was known whether it takes us"


@on_every_loop
@heard_out
def test_a_greeting_that_comes_in_parts_is_there_to_be_read(loop: Loop) -> None:
    def in_parts(connection: socket.socket, seen: Seen, octets: bytes) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in (octets[:1], octets[1:4], octets[4:9], octets[9:]):
            connection.sendall(part)
            time.sleep(0.03)

    verdict, reply = reached(loop, finishes(asking(), in_parts, answer=b"hello"), say=b"")
    assert (verdict.accepted, reply) == (True, b"hello")


@on_every_loop
@heard_out
def test_a_stranger_that_asks_for_a_certificate_is_rejected_for_what_it_is(loop: Loop) -> None:
    context = server_context(STRANGER, client_root=ROOT)
    context.verify_mode = ssl.CERT_OPTIONAL
    with pytest.raises(PeerRejected) as raised:
        reached(loop, tls(context))
    assert raised.value.verdict.code == "id.mismatch"


@on_every_loop
@heard_out
def test_a_server_that_has_gone_on_is_judged_though_it_leaves_then(loop: Loop) -> None:
    context = server_context(STRANGER, client_root=ROOT)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.num_tickets = 1

    def leave(connection: socket.socket, seen: Seen) -> None:
        context.wrap_socket(connection, server_side=True).close()

    with pytest.raises(PeerRejected) as raised:
        reached(loop, leave)
    assert raised.value.verdict.code == "id.mismatch"


# Servers that refuse us.


def at_once(connection: socket.socket, octets: bytes) -> None:
    connection.sendall(octets)


def cut(*where: int) -> Callable[[socket.socket, bytes], None]:
    def send(connection: socket.socket, octets: bytes) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin, end in zip((0, *where), (*where, None), strict=True):
            connection.sendall(octets[begin:end])
            time.sleep(0.03)

    return send


@on_every_loop
@heard_out
@pytest.mark.parametrize("send", [at_once, cut(1), cut(3), cut(5), cut(12), cut(2, 4, 8, 16)])
def test_an_alert_is_heard_however_it_is_cut(loop: Loop, send: Callable[[socket.socket, bytes], None]) -> None:
    def end(connection: socket.socket, seen: Seen, octets: bytes) -> None:
        assert looks_like_a_refusal(octets)
        send(connection, octets)

    verdict = refused(loop, finishes(asking(demanding=True), end))
    assert verdict.code == "tls.client-cert-required"
    assert "alert certificate_required" in verdict.explain()


SHORT = 0.5
"""Seconds that a server is given; long enough for the task that is to keep the loop from running to begin."""


async def busy(until: threading.Event) -> None:
    """Keep the event loop from running until something has happened, and until nobody would wait for it any more."""
    assert until.wait(PATIENCE)
    time.sleep(SHORT + 0.1)  # noqa: ASYNC251 - on purpose


@on_every_event_loop
def test_a_refusal_that_came_in_time_is_heard_by_a_loop_that_was_busy(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = threading.Event()
    tasks: list[object] = []

    def patience(_begun: Handshake) -> float:
        if "trio" in loop.name:
            tasks.append(trio.lowlevel.spawn_system_task(busy, said))
        else:
            tasks.append(asyncio.get_running_loop().create_task(busy(said)))
        return SHORT

    def end(connection: socket.socket, seen: Seen, octets: bytes) -> None:
        connection.sendall(octets)
        said.set()

    monkeypatch.setattr(Handshake, "patience", patience)
    verdict = refused(loop, finishes(asking(demanding=True), end))
    assert verdict.code == "tls.client-cert-required"
    assert len(tasks) == 1


@on_every_loop
@heard_out
@VERSIONS
def test_a_server_that_does_not_take_our_certificate_is_no_server_that_wants_one(
    loop: Loop, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    context = server_context(LEAF, client_root=ROOT, newest=version)
    verdict = refused(loop, tls(context), client_certificate=client_certificate(tmp_path))
    assert verdict.code == "tls.alert"
    assert "alert unknown_ca" in verdict.explain()


def closes(connection: socket.socket, seen: Seen, octets: bytes) -> None:
    connection.shutdown(socket.SHUT_WR)


@on_every_loop
@heard_out
@pytest.mark.parametrize("demanding", [False, True])
def test_a_server_that_asks_and_then_closes_has_refused_us(loop: Loop, demanding: bool) -> None:
    verdict = refused(loop, finishes(asking(demanding=demanding), closes))
    assert verdict.code == "net.closed"


@on_every_loop
@heard_out
def test_a_server_that_asks_and_then_resets_has_refused_us(loop: Loop) -> None:
    def resets(connection: socket.socket, seen: Seen, octets: bytes) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    assert refused(loop, finishes(asking(), resets)).code == "net.reset"


@on_every_loop
def test_a_server_that_asks_is_not_waited_for_beyond_the_time_for_a_connection(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siptls_io.handshake._PATIENCE", (60.0, 60.0))
    began = time.monotonic()
    verdict = refused(loop, tls(asking()), policy=Policy(connect_timeout=0.3))
    assert time.monotonic() - began < 30
    assert verdict.code == "net.timeout"
