"""No connection resumes a TLS session: each one shows its certificates anew, so that each one is judged (A-26)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

import pytest

from loopback_tls import CURRENT, Behaviour, LoopbackServer, Seen, server_context
from loops import MESSAGE, Loop, on_every_loop
from pki import Issuer
from siptls.events import Anchors
from siptls_io.connection import PeerRejected
from siptls_io.tls import client_context
from siptls_io.zone_files import ZoneFiles

ROOT = Issuer.root(**CURRENT)
ANCHORS = Anchors((ROOT.der,))
LEAF = ROOT.leaf(uris=["sip:example.com"], **CURRENT)
VERSIONS = pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


def resuming(newest: ssl.TLSVersion) -> tuple[Behaviour, list[tuple[str | None, bool]]]:
    """A server that hands out tickets and takes them back; it tells the names it heard, and what was resumed."""
    context = server_context(LEAF, newest=newest)
    told: list[tuple[str | None, bool]] = []

    def behave(connection: socket.socket, seen: Seen) -> None:
        context.sni_callback = lambda _tls, name, _context: setattr(seen, "server_name", name)
        with context.wrap_socket(connection, server_side=True) as stream:
            told.append((seen.server_name, bool(stream.session_reused)))
            while stream.recv(4096):
                stream.sendall(b"SIP/2.0 200 OK\r\n\r\n")

    return behave, told


def say_twice(port: int, make: Callable[[], ssl.SSLContext]) -> None:
    """Open two connections with one context, the second with the session of the first."""
    context, session = make(), None
    for _ in range(2):
        with (
            socket.create_connection(("127.0.0.1", port)) as connection,
            context.wrap_socket(connection, server_hostname="example.com", session=session) as stream,
        ):
            stream.sendall(MESSAGE)
            stream.recv(4096)  # tickets of TLS 1.3 come with the first octets
            session = stream.session


def careless() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@VERSIONS
def test_the_server_of_these_tests_does_resume_for_clients_that_want_it(newest: ssl.TLSVersion) -> None:
    behave, told = resuming(newest)
    with LoopbackServer(behave) as server:
        say_twice(server.port, careless)
    assert [reused for _, reused in told] == [False, True]


@VERSIONS
@on_every_loop
@pytest.mark.req("A-26", "R6066-3-3")
def test_every_connection_is_a_full_handshake_for_its_own_name(loop: Loop, newest: ssl.TLSVersion) -> None:
    behave, told = resuming(newest)
    with LoopbackServer(behave) as server:
        zone = f"_sips._tcp SRV 1 1 {server.port} sip\nsip A 127.0.0.1\n"
        zones = ZoneFiles({"example.com": zone, "other.example": zone})
        for _ in range(2):
            verdict, _ = loop.reach("sips:example.com", resolver=zones, anchors=ANCHORS)
            assert verdict.leaf is not None
        # Another domain at the same address is judged by what is presented there, not by what was found before.
        with pytest.raises(PeerRejected) as raised:
            loop.reach("sips:other.example", resolver=zones, anchors=ANCHORS)
    assert raised.value.verdict.code == "id.mismatch"
    assert told == [("example.com", False), ("example.com", False), ("other.example", False)]


@pytest.mark.req("A-26")
def test_the_context_asks_for_no_tickets_and_keeps_no_sessions() -> None:
    behave, told = resuming(ssl.TLSVersion.TLSv1_2)
    with LoopbackServer(behave) as server:
        for _ in range(2):
            with (
                socket.create_connection(("127.0.0.1", server.port)) as connection,
                client_context().wrap_socket(connection, server_hostname="example.com") as stream,
            ):
                assert not stream.session_reused
                assert stream.session is None or not stream.session.has_ticket
    assert [reused for _, reused in told] == [False, False]
