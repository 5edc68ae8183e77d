"""Servers on every kind of event loop: which certificate they show, whom they serve, and what clients cannot do."""

from __future__ import annotations

import hashlib
import re
import select
import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

import anyio
import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from loopback_tls import CURRENT
from loops import MESSAGE, PATIENCE, Loop, on_every_loop
from pki import Issued, Issuer, self_signed
from serving import (
    REPLY,
    WAYS,
    Talk,
    Visit,
    Way,
    client,
    context,
    in_every_way,
    in_files,
    own,
    serving,
    to_the_end,
    visited,
)
from siptls import Admission, AllowList, Anchors, Inbound, InvalidName, InvalidPolicy
from siptls.dns import Security
from siptls.names import is_host
from siptls_io import ClientCertificate, PeerUndetermined, ZoneFiles, verify_chain
from siptls_io.server import Arrival, Bounds, ClientConnection, Judge, ServerStream
from siptls_io.server.blocking import ServerSocket
from siptls_io.server.session import Heard, TlsSession

DOMAIN, HOST = "example.com", "sip1.host.example"

ROOT = Issuer.root(**CURRENT)
CA = ROOT.intermediate("Intermediate", **CURRENT)
ANCHORS = Anchors((ROOT.der,))
FOR_ALL = CA.leaf(cn=HOST, uris=[f"sip:{DOMAIN}", "sip:other.example"], **CURRENT)
FOR_DOMAIN = CA.leaf(uris=[f"sip:{DOMAIN}"], **CURRENT)
FOR_HOST = CA.leaf(dns=[HOST], **CURRENT)
CLIENT = CA.leaf(uris=["sip:client.example"], **CURRENT)

JUDGE = Judge(anchors=ANCHORS)
ANYBODY = Judge(anchors=ANCHORS, client_certificate="optional")
THREE = context(FOR_ALL, FOR_HOST, FOR_DOMAIN)
ONE = context(FOR_ALL)
PRESENTING = client(CLIENT)

VERSIONS = pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
TABLE = [
    pytest.param(HOST, FOR_HOST, id="host"),
    pytest.param(DOMAIN, FOR_DOMAIN, id="domain"),
    pytest.param(None, FOR_ALL, id="no name"),
    pytest.param("unknown.example", FOR_ALL, id="unknown name"),
]


async def _echo(connection: ClientConnection[ServerStream]) -> bytes:
    heard = b""
    async for said in connection.stream:
        heard += said
        await connection.stream.send(said)
    return heard


def _echo_blocking(connection: ClientConnection[ServerSocket]) -> bytes:
    heard = b""
    while said := connection.stream.recv():
        heard += said
        connection.stream.sendall(said)
    return heard


ECHO = Talk(_echo, _echo_blocking)
SIZE = 200_000


async def _chorus(connection: ClientConnection[ServerStream]) -> bytes:
    said = await connection.stream.receive()
    async with anyio.create_task_group() as tasks:
        for voice in range(4):
            tasks.start_soon(connection.stream.send, bytes([voice]) * SIZE)
    return said


def _chorus_blocking(connection: ClientConnection[ServerSocket]) -> bytes:
    said, send = connection.stream.recv(), connection.stream.sendall
    voices = [threading.Thread(target=send, args=(bytes([voice]) * SIZE,)) for voice in range(4)]
    for each in voices:
        each.start()
    for each in voices:
        each.join()
    return said


CHORUS = Talk(_chorus, _chorus_blocking)


async def _closed(connection: ClientConnection[ServerStream]) -> bytes:
    stream = connection.stream
    await stream.aclose()
    await stream.aclose()
    with pytest.raises(anyio.ClosedResourceError):
        await stream.receive()
    with pytest.raises(anyio.ClosedResourceError):
        await stream.send(REPLY)
    with pytest.raises(anyio.ClosedResourceError):
        await stream.send_eof()
    return b""


def _closed_blocking(connection: ClientConnection[ServerSocket]) -> bytes:
    stream = connection.stream
    with stream:
        pass
    stream.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        stream.recv()
    with pytest.raises(OSError, match="Bad file descriptor"):
        stream.sendall(REPLY)
    return b""


CLOSED = Talk(_closed, _closed_blocking)


async def _failing(connection: ClientConnection[ServerStream]) -> bytes:
    said = await connection.stream.receive()
    if said == MESSAGE:
        raise Mistake
    await connection.stream.send(REPLY)
    return said


def _failing_blocking(connection: ClientConnection[ServerSocket]) -> bytes:
    said = connection.stream.recv()
    if said == MESSAGE:
        raise Mistake
    connection.stream.sendall(REPLY)
    return said


async def _interrupted(connection: ClientConnection[ServerStream]) -> bytes:
    said = await connection.stream.receive()
    with anyio.move_on_after(0.2):
        await connection.stream.send(bytes(100_000_000))
    with pytest.raises(anyio.BrokenResourceError):
        await connection.stream.send(REPLY)
    return said


def _interrupted_blocking(connection: ClientConnection[ServerSocket]) -> bytes:
    said = connection.stream.recv()
    connection.stream.settimeout(0.2)
    with pytest.raises(TimeoutError):
        connection.stream.sendall(bytes(100_000_000))
    with pytest.raises(BrokenPipeError):
        connection.stream.sendall(REPLY)
    return said


INTERRUPTED = Talk(_interrupted, _interrupted_blocking)


async def _impatient(connection: ClientConnection[ServerStream]) -> bytes:
    with anyio.move_on_after(0.1) as waiting:
        await connection.stream.receive()
    assert waiting.cancelled_caught
    await connection.stream.send(REPLY)
    said = await connection.stream.receive(3) + await connection.stream.receive(1)
    with pytest.raises(ValueError, match="max_bytes"):
        await connection.stream.receive(0)
    return said


def _impatient_blocking(connection: ClientConnection[ServerSocket]) -> bytes:
    connection.stream.settimeout(0.1)
    with pytest.raises(TimeoutError):
        connection.stream.recv()
    connection.stream.settimeout(None)
    connection.stream.sendall(REPLY)
    said = connection.stream.recv(3) + connection.stream.recv(1)
    with pytest.raises(ValueError, match="most"):
        connection.stream.recv(0)
    return said


IMPATIENT = Talk(_impatient, _impatient_blocking)


async def _last_words(connection: ClientConnection[ServerStream]) -> bytes:
    said = await connection.stream.receive()
    await connection.stream.send(REPLY)
    await connection.stream.send_eof()
    with pytest.raises(anyio.BrokenResourceError):
        await connection.stream.send(REPLY)
    async for more in connection.stream:
        said += more
    return said


class Mistake(Exception):
    """What the caller's own code raises here."""


FAILING = Talk(_failing, _failing_blocking)


def _shaken(mine: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, theirs: TlsSession) -> None:
    """Do a handshake in memory, to the end of the server's side."""
    while True:
        with suppress(ssl.SSLWantReadError):
            mine.do_handshake()
        theirs.received(outgoing.read())
        if theirs.shake_hands():
            return
        incoming.write(theirs.to_send())


def _run(command: list[str], said: bytes) -> bytes:
    """Run a client that says something, and return what it printed."""
    return subprocess.run(command, input=said, capture_output=True, timeout=PATIENCE, check=False).stdout


def _first_certificate(told: bytes) -> bytes:
    found = re.search(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", told, re.DOTALL)
    assert found is not None
    return ssl.PEM_cert_to_DER_cert(found[0].decode())


class TestWhichCertificateIsShown:
    """The compatibility table of the slides, with real clients."""

    @in_every_way
    @VERSIONS
    @pytest.mark.req("S-A-22", "A-05", "R7671-3-2", "R7672-8.1-2", "R5922-7.8-2")
    def test_the_name_that_a_client_asks_for_decides(self, way: Way, newest: ssl.TLSVersion) -> None:
        with serving(way, THREE, ANYBODY) as server:
            for asked, shown in ((HOST, FOR_HOST), (DOMAIN, FOR_DOMAIN), (None, FOR_ALL), ("unknown.example", FOR_ALL)):
                visit = visited(server.port, name=asked, newest=newest)
                assert (visit.presented, visit.reply) == (shown.der, REPLY)
        names = [connection.arrival.facts.server_name for connection in server.connections]
        assert names == [HOST, DOMAIN, None, "unknown.example"]

    @on_every_loop
    @pytest.mark.req("S-A-22", "R5922-7.8-2")
    @pytest.mark.parametrize("dnssec", ["secure", "insecure"])
    def test_our_own_client_is_shown_what_it_can_verify_whether_or_not_it_can_follow_dane(
        self, loop: Loop, dnssec: Literal["secure", "insecure"]
    ) -> None:
        with serving(WAYS[2], THREE, ANYBODY) as server:
            pin = hashlib.sha256(FOR_HOST.spki).hexdigest()
            zones = ZoneFiles(
                {
                    DOMAIN: f"_sips._tcp SRV 1 1 {server.port} {HOST}.\n",
                    "host.example": f"sip1 A 127.0.0.1\n_{server.port}._tcp.sip1 TLSA 3 1 1 {pin}\n",
                },
                default=dnssec,
            )
            verdict, reply = loop.reach(f"sips:{DOMAIN}", resolver=zones, anchors=ANCHORS)
        assert reply == REPLY
        assert verdict.leaf == hashlib.sha256((FOR_HOST if dnssec == "secure" else FOR_DOMAIN).der).digest()
        assert verdict.method == ("dane-ee" if dnssec == "secure" else "pkix")

    @pytest.mark.server("openssl")
    @pytest.mark.req("S-A-22", "A-05", "R7671-3-2")
    @pytest.mark.parametrize(("asked", "shown"), TABLE)
    def test_openssl_is_shown_the_certificate_of_the_name_that_it_asks_for(
        self,
        asked: str | None,
        shown: Issued,
    ) -> None:
        names = ["-noservername"] if asked is None else ["-servername", asked]
        with serving(WAYS[0], THREE, ANYBODY) as server:
            told = _run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", *names, "-showcerts", "-ign_eof"],
                MESSAGE,
            )
        assert _first_certificate(told) == shown.der
        assert REPLY in told
        # OpenSSL tells what it was asked for: a certificate, whoever has issued it.
        assert b"No client certificate CA names sent" in told
        assert b"Requested Signature Algorithms" in told

    @pytest.mark.server("openssl")
    @pytest.mark.req("S-A-22")
    @pytest.mark.parametrize(
        ("asked", "pinned", "accepted"),
        [(HOST, FOR_HOST, True), (HOST, FOR_DOMAIN, False), (DOMAIN, FOR_DOMAIN, True), (DOMAIN, FOR_ALL, False)],
    )
    def test_the_dane_client_of_openssl_finds_the_certificate_that_its_record_pins(
        self, asked: str, pinned: Issued, accepted: bool
    ) -> None:
        record = f"3 1 1 {hashlib.sha256(pinned.spki).hexdigest()}"
        dane = ["-dane_tlsa_domain", asked, "-dane_tlsa_rrdata", record, "-dane_ee_no_namechecks"]
        with serving(WAYS[1], THREE, ANYBODY) as server:
            told = _run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-ign_eof", *dane], MESSAGE)
        assert (b"Verify return code: 0 (ok)" in told) is accepted

    @pytest.mark.server("gnutls-cli")
    @pytest.mark.req("S-A-22", "A-05", "R7671-3-2")
    @pytest.mark.parametrize(("asked", "shown"), TABLE)
    def test_gnutls_is_shown_the_certificate_of_the_name_that_it_asks_for(
        self,
        asked: str | None,
        shown: Issued,
    ) -> None:
        names = ["--disable-sni"] if asked is None else ["--sni-hostname", asked]
        with serving(WAYS[2], THREE, ANYBODY) as server:
            told = _run(
                ["gnutls-cli", "--insecure", "--print-cert", *names, "-p", str(server.port), "127.0.0.1"], MESSAGE
            )
        assert _first_certificate(told) == shown.der
        assert REPLY.strip() in told

    @in_every_way
    @pytest.mark.req("S-A-23")
    def test_what_is_shown_without_a_name_serves_clients_of_both_kinds(self, way: Way) -> None:
        with serving(way, THREE, ANYBODY) as server:
            shown = visited(server.port, name=None).presented
        assert shown is not None
        by_domain = verify_chain([shown, CA.der], domain=DOMAIN, anchors=ANCHORS)
        assert (by_domain.accepted, by_domain.method) == (True, "pkix")
        record = f"3 1 1 {hashlib.sha256(FOR_ALL.spki).hexdigest()}"
        by_host = verify_chain([shown], domain=DOMAIN, target=HOST, tlsa=[record], delegation=Security.SECURE)
        assert (by_host.accepted, by_host.method) == (True, "dane-ee")

    @pytest.mark.req("A-05", "R7671-3-2")
    @pytest.mark.parametrize("asked", [b"\x1b[2Jevil", b"192.0.2.1", b"b\xfccher.example", b"a b", b"-.example", b"*"])
    def test_what_is_no_name_of_a_host_counts_as_no_name(self, asked: bytes) -> None:
        hostile = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
        hostile.set_tlsext_host_name(asked)
        hostile.set_connect_state()
        session = THREE.session()
        while not session.established:
            with suppress(SSL.WantReadError):
                hostile.do_handshake()
            session.received(hostile.bio_read(65_536))
            if not session.shake_hands():
                hostile.bio_write(session.to_send())
        assert session.facts().server_name is None
        shown = hostile.get_peer_certificate(as_cryptography=True)
        assert shown == FOR_ALL.certificate

    @in_every_way
    def test_a_renewed_certificate_is_shown_from_the_next_handshake_on(self, way: Way) -> None:
        renewed = CA.leaf(uris=[f"sip:{DOMAIN}"], **CURRENT)
        changing = context(FOR_DOMAIN)
        with serving(way, changing, ANYBODY) as server:
            assert visited(server.port).presented == FOR_DOMAIN.der
            changing.renew(own(renewed), [own(FOR_HOST)])
            assert visited(server.port).presented == renewed.der
            assert visited(server.port, name=HOST).presented == FOR_HOST.der


class TestWhatIsAskedOfClients:
    @in_every_way
    @VERSIONS
    @pytest.mark.req("R5922-7.4-6", "R5923-9.2-1", "S-A-27", "R3261-26.3.1-1")
    def test_a_certificate_is_asked_for_and_all_that_the_client_presents_is_judged(
        self, way: Way, newest: ssl.TLSVersion
    ) -> None:
        with serving(way, ONE, JUDGE) as server:
            visit = visited(server.port, CLIENT, newest=newest)
        assert (visit.presented, visit.reply) == (FOR_ALL.der, REPLY)
        connection = server.only()
        assert connection.arrival.presentation.chain == CLIENT.presented
        assert connection.arrival.facts.version == visit.version
        assert connection.arrival.source.ip == connection.arrival.local.ip == "127.0.0.1"
        assert connection.arrival.local.port == server.port
        assert connection.verdict.accepted
        assert connection.verdict.admission is Admission.AUTHENTICATED
        assert [identity.domain for identity in connection.verdict.identities] == ["client.example"]
        assert server.heard == [MESSAGE]

    @in_every_way
    @pytest.mark.req("R5922-7.4-6", "R5922-7.4-1", "R3261-26.3.1-1")
    def test_where_none_is_asked_for_a_client_that_has_one_stays_unauthenticated(self, way: Way) -> None:
        with serving(way, context(FOR_ALL, ask=False), ANYBODY) as server:
            assert visited(server.port, CLIENT).reply == REPLY
        connection = server.only()
        assert connection.arrival.presentation.chain == ()
        assert connection.verdict.admission is Admission.UNAUTHENTICATED
        assert connection.verdict.identities == ()

    @on_every_loop
    @pytest.mark.req("R5922-7.4-6", "R3261-26.3.1-1")
    def test_our_own_clients_and_servers_authenticate_each_other(self, loop: Loop) -> None:
        with serving(WAYS[0], ONE, JUDGE) as server, in_files(CLIENT) as files:
            zones = ZoneFiles({DOMAIN: f"_sips._tcp SRV 1 1 {server.port} sip\nsip A 127.0.0.1\n"})
            shown = ClientCertificate(*files)
            verdict, reply = loop.reach(f"sips:{DOMAIN}", resolver=zones, anchors=ANCHORS, client_certificate=shown)
        assert (verdict.accepted, verdict.domain, reply) == (True, DOMAIN, REPLY)
        assert [identity.domain for identity in server.only().verdict.identities] == ["client.example"]

    @on_every_loop
    def test_our_own_clients_notice_at_once_that_they_are_not_served(self, loop: Loop, time_to_refuse: None) -> None:
        with serving(WAYS[0], ONE, JUDGE) as server:
            zones = ZoneFiles({DOMAIN: f"_sips._tcp SRV 1 1 {server.port} sip\nsip A 127.0.0.1\n"})
            with pytest.raises(PeerUndetermined) as raised:
                loop.reach(f"sips:{DOMAIN}", resolver=zones, anchors=ANCHORS)
            assert server.only_refused().code == "tls.no-certificate"
        assert raised.value.verdict.code == "net.closed"

    @in_every_way
    @pytest.mark.req("R5922-7.4-2", "R5922-7.4-1", "S-B-2")
    def test_whether_a_client_without_a_certificate_is_served_is_the_servers_policy(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY) as server:
            assert visited(server.port).reply == REPLY
        assert server.only().verdict.admission is Admission.UNAUTHENTICATED
        assert not server.only().verdict.accepted
        with serving(way, ONE, JUDGE) as server:
            assert visited(server.port).reply == b""
            why = server.only_refused()
        assert (why.code, server.connections) == ("tls.no-certificate", [])

    @in_every_way
    def test_each_virtual_host_has_rules_of_its_own(self, way: Way) -> None:
        rules = {
            DOMAIN: Judge(anchors=ANCHORS, authorize=AllowList(["client.example"])),
            "other.example": Judge(anchors=ANCHORS, authorize=AllowList(["other.example"])),
        }
        nobody = Judge(anchors=Anchors())

        def judge(arrival: Arrival, /, *, now: float, at: datetime) -> Inbound:
            return rules.get(arrival.facts.server_name or "", nobody)(arrival, now=now, at=at)

        with serving(way, ONE, judge) as server:
            assert visited(server.port, CLIENT, name="EXAMPLE.com").reply == REPLY
            assert visited(server.port, CLIENT, name="other.example").reply == b""
            assert visited(server.port, CLIENT, name=None).reply == b""
            codes = {why.code for why in server.all_refused(2)}
        assert codes == {"inbound.not-allowed", "chain.unknown-ca"}

    @in_every_way
    @pytest.mark.req("D-DANCE-2")
    def test_a_server_of_a_domain_that_pins_its_key_needs_no_authority(self, way: Way) -> None:
        proxy = self_signed(dns=["p1.client.example"], **CURRENT)
        pin = hashlib.sha256(proxy.spki).hexdigest()
        zone = (
            '@ NAPTR 1 1 "s" "SIPS+D2T" "" _sips._tcp\n_sips._tcp SRV 1 1 5061 p1\np1 A 127.0.0.1\n'
            f"_5061._tcp.p1 TLSA 3 1 1 {pin}\n"
        )
        zones = ZoneFiles({"client.example": zone}, default="secure")
        judge = Judge(anchors=Anchors(), claims=["client.example"])
        with serving(way, ONE, judge, resolver=zones) as server:
            assert visited(server.port, proxy).reply == REPLY
            assert visited(server.port, self_signed(dns=["p1.client.example"], **CURRENT)).reply == b""
        assert [(each.domain, each.origin) for each in server.only().verdict.identities] == [
            ("client.example", "server-records")
        ]


class TestClientsThatAreNotServed:
    @in_every_way
    @VERSIONS
    @pytest.mark.req("R5922-7.4-7", "R5922-7.4-3")
    def test_nothing_is_read_from_them_or_sent_to_them(self, way: Way, newest: ssl.TLSVersion) -> None:
        with serving(way, ONE, Judge(anchors=ANCHORS, authorize=AllowList(["other.example"]))) as server:
            visit = visited(server.port, CLIENT, newest=newest)
            why = server.only_refused()
        assert visit.reply == b""
        # Under TLS 1.2 not even the handshake has come to an end.
        assert (visit.presented is None) is (newest is ssl.TLSVersion.TLSv1_2)
        assert (server.connections, server.heard) == ([], [])
        assert why.verdict is not None
        assert why.verdict.admission is Admission.CLOSE
        assert (why.code, why.verdict.code) == ("inbound.not-allowed", "inbound.not-allowed")
        assert why.source is not None
        assert why.source.ip == "127.0.0.1"

    @in_every_way
    def test_what_was_said_too_early_is_lost_with_the_connection(self, way: Way) -> None:
        """Also what a client says in the same packet as the end of its handshake."""
        with serving(way, ONE, JUDGE) as server:
            assert visited(server.port, self_signed(cn="a", **CURRENT), say=MESSAGE * 1000).reply == b""
            assert server.only_refused().code == "chain.self-signed"
        assert server.heard == []

    @in_every_way
    @pytest.mark.parametrize("said", [MESSAGE, b"\x16\x03\x01\x00\x05hello", b"\0" * 600, b"\x80" * 300])
    def test_what_is_no_tls_is_told_and_harms_nobody(self, way: Way, said: bytes) -> None:
        with serving(way, ONE, ANYBODY) as server:
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as tcp:
                tcp.sendall(said)
                assert to_the_end(tcp)[:1] in {b"", b"\x15"}  # at the most an alert
            why = server.only_refused()
            assert visited(server.port).reply == REPLY
        assert why.code in {"tls.plain-sip", "tls.handshake"}
        if said is MESSAGE:
            assert (why.code, why.detail) == ("tls.plain-sip", "the peer sent: OPTIONS sip:example.com SIP/2.0\r\n\r\n")

    @in_every_way
    @pytest.mark.server("openssl")
    @pytest.mark.req("T-N10")
    def test_nobody_talks_to_it_without_certificates_on_both_sides_by_an_anonymous_cipher_suite(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY) as server:
            command = ["openssl", "s_client", "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0", "-brief"]
            assert REPLY not in _run([*command, "-connect", f"127.0.0.1:{server.port}"], MESSAGE)
            why = server.only_refused()
        assert (why.code, why.detail) == ("tls.handshake", "no shared cipher")

    @in_every_way
    @pytest.mark.parametrize("reset", [False, True])
    def test_clients_that_leave_are_told_as_such(self, way: Way, reset: bool) -> None:
        with serving(way, ONE, ANYBODY) as server:
            tcp = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
            if reset:
                tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            tcp.close()
            assert server.only_refused().code in ({"net.reset", "net.closed"} if reset else {"net.closed"})
            assert visited(server.port).reply == REPLY


class TestEveryConnectionIsAHandshakeOfItsOwn:
    @in_every_way
    @VERSIONS
    @pytest.mark.req("A-26")
    def test_no_session_is_resumed_and_each_client_presents_its_chain_anew(
        self, way: Way, newest: ssl.TLSVersion
    ) -> None:
        made, session = client(CLIENT, newest=newest), None
        with serving(way, ONE, JUDGE) as server:
            for _ in range(3):
                with (
                    socket.create_connection(("127.0.0.1", server.port), PATIENCE) as tcp,
                    made.wrap_socket(tcp, server_hostname=DOMAIN, session=session) as stream,
                ):
                    stream.sendall(MESSAGE)
                    assert stream.recv(4096) == REPLY  # tickets of TLS 1.3 come with the first octets
                    assert not stream.session_reused
                    session = stream.session
                    assert session is None or newest is ssl.TLSVersion.TLSv1_3 or not session.has_ticket
        chains = [connection.arrival.presentation.chain for connection in server.connections]
        assert chains == [CLIENT.presented] * 3

    @VERSIONS
    @pytest.mark.req("A-26")
    def test_a_session_that_was_resumed_all_the_same_is_no_handshake(self, newest: ssl.TLSVersion) -> None:
        """The context of another server, that knows sessions, but no way to tell whether one was resumed."""
        forgetful = SSL.Context(SSL.TLS_SERVER_METHOD)
        forgetful.use_certificate(FOR_ALL.certificate)
        forgetful.use_privatekey(FOR_ALL.key)
        forgetful.set_session_id(b"id")

        def taken(tls: SSL.Connection, *_: object) -> bool:
            heard: Heard = tls.get_app_data()
            heard.certificate = True
            return True

        forgetful.set_verify(SSL.VERIFY_PEER, taken)
        made, session = client(CLIENT, newest=newest), None
        for again in (False, True):
            heard = Heard()
            tls = SSL.Connection(forgetful, None)
            tls.set_app_data(heard)
            tls.set_accept_state()
            theirs = TlsSession(tls, heard)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            mine = made.wrap_bio(incoming, outgoing, server_hostname=DOMAIN, session=session)
            if again:
                with pytest.raises(ssl.SSLError, match="resumed a session"):
                    _shaken(mine, incoming, outgoing, theirs)
                assert not theirs.established
            else:
                _shaken(mine, incoming, outgoing, theirs)
                assert len(theirs.presentation().chain) == 2
                incoming.write(theirs.to_send())
                with pytest.raises(ssl.SSLWantReadError):
                    mine.read()
            session = mine.session

    @in_every_way
    @pytest.mark.server("openssl")
    @pytest.mark.parametrize(("version", "oldest"), [("-tls1_1", "TLSv1.2"), ("-tls1_2", "TLSv1.3")])
    @pytest.mark.req("RDANCE-1-1")
    def test_versions_of_tls_that_are_too_old_are_refused(
        self, way: Way, version: str, oldest: Literal["TLSv1.2", "TLSv1.3"]
    ) -> None:
        command = ["openssl", "s_client", version, "-cipher", "ALL:@SECLEVEL=0", "-brief"]
        with serving(way, context(FOR_ALL, oldest=oldest), ANYBODY) as server:
            assert REPLY not in _run([*command, "-connect", f"127.0.0.1:{server.port}"], MESSAGE)
            why = server.only_refused()
            assert visited(server.port).version == "TLSv1.3"
        assert (why.code, why.detail) == ("tls.handshake", "unsupported protocol")


class TestHostileHandshakes:
    @given(
        st.lists(st.tuples(st.integers(0, 2), st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
        st.lists(st.floats(0, 1), min_size=3, max_size=3),
    )
    def test_nothing_that_a_client_sends_raises_anything_but_what_a_failed_handshake_raises(
        self, changes: list[tuple[int, float, int]], cuts: list[float]
    ) -> None:
        session = ONE.session()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        mine = PRESENTING.wrap_bio(incoming, outgoing, server_hostname=DOMAIN)
        with suppress(ssl.SSLError, EOFError):
            for number, cut in enumerate(cuts):
                with suppress(ssl.SSLWantReadError):
                    mine.do_handshake()
                flight = bytearray(outgoing.read())
                for which, place, octet in changes if flight else ():
                    if which == number:
                        flight[int(place * len(flight))] = octet
                end = len(flight) if cut > 0.2 else int(5 * cut * len(flight))
                for part in (flight[:end], flight[end:]):
                    if part:
                        session.received(bytes(part))
                        session.shake_hands()
                incoming.write(session.to_send())
        if session.established:
            assert session.presentation().chain == CLIENT.presented
            facts = session.facts()
            assert facts.server_name is None or is_host(facts.server_name)


class TestHowMuchClientsMayAsk:
    @in_every_way
    @pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"])
    def test_who_does_not_finish_the_handshake_in_time_is_not_served(self, way: Way, said: bytes) -> None:
        with serving(way, ONE, ANYBODY, bounds=Bounds(seconds=0.2)) as server:
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as tcp:
                tcp.sendall(said)
                assert to_the_end(tcp) == b""
            why = server.only_refused()
        assert why.code == "net.timeout"
        assert server.connections == []

    @in_every_way
    def test_who_keeps_on_talking_does_not_get_more_time(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY, bounds=Bounds(seconds=0.3)) as server:
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as tcp, suppress(ConnectionError):
                # A record that never ends: each octet comes in time, all of them together do not.
                tcp.sendall(b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc")
                while not server.refused:
                    tcp.sendall(b"\0")
                    threading.Event().wait(0.02)
            assert server.only_refused().code == "net.timeout"

    @in_every_way
    def test_one_source_cannot_keep_all_others_waiting(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY, bounds=Bounds(handshakes_per_source=2, seconds=PATIENCE)) as server:
            idle = [socket.create_connection(("127.0.0.1", server.port), PATIENCE) for _ in range(3)]
            why = server.only_refused()
            assert (why.code, why.verdict) == ("limit.handshakes", None)
            assert visited(server.port, source="127.0.0.2").reply == REPLY
            for each in idle:
                each.close()
            server.all_refused(3)
            assert visited(server.port).reply == REPLY

    @in_every_way
    def test_one_source_cannot_take_all_connections(self, way: Way) -> None:
        bounds = Bounds(connections=3, connections_per_source=2, seconds=PATIENCE)
        with serving(way, ONE, ANYBODY, bounds=bounds) as server:
            here = ("127.0.0.1", server.port)
            idle = [client().wrap_socket(socket.create_connection(here, PATIENCE)) for _ in range(2)]
            assert visited(server.port).reply == b""
            why = server.only_refused()
            assert (why.code, why.verdict) == ("limit.connections", None)
            assert visited(server.port, source="127.0.0.2").reply == REPLY
            for each in idle:
                each.sendall(MESSAGE)
                assert to_the_end(each) == REPLY
                each.close()
            # The server frees a place a moment after the client has seen the end.
            while visited(server.port).reply != REPLY:
                assert server.refused[-1].code == "limit.connections"

    def test_how_many_connections_a_source_may_have_follows_from_how_many_there_are(self) -> None:
        assert Bounds().connections_per_source == 1_000
        assert Bounds(connections=5).connections_per_source == 20
        assert Bounds(connections=5, connections_per_source=2).connections_per_source == 2

    @in_every_way
    def test_who_comes_while_too_many_handshakes_go_on_waits(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY, bounds=Bounds(handshakes=1, seconds=PATIENCE)) as server:
            idle = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
            visits: list[Visit] = []
            waiting = threading.Thread(target=lambda: visits.append(visited(server.port)))
            waiting.start()
            waiting.join(0.2)
            assert (visits, server.connections) == ([], [])
            idle.close()
            waiting.join(PATIENCE)
        assert [visit.reply for visit in visits] == [REPLY]

    @in_every_way
    def test_who_comes_while_too_many_connections_are_open_waits(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY, bounds=Bounds(connections=1)) as server:
            with client().wrap_socket(socket.create_connection(("127.0.0.1", server.port), PATIENCE)) as first:
                visits: list[Visit] = []
                waiting = threading.Thread(target=lambda: visits.append(visited(server.port)))
                waiting.start()
                waiting.join(0.2)
                assert (visits, len(server.connections)) == ([], 1)
                first.sendall(MESSAGE)
                assert first.recv(4096) == REPLY
            waiting.join(PATIENCE)
        assert [visit.reply for visit in visits] == [REPLY]

    @in_every_way
    @VERSIONS
    def test_certificates_that_are_too_large_are_not_even_received(self, way: Way, newest: ssl.TLSVersion) -> None:
        padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.1"), b"\4\4" + bytes(110_000))
        large = CA.leaf(uris=["sip:client.example"], extensions=[(padding, False)], **CURRENT)
        with serving(way, ONE, JUDGE) as server:
            assert visited(server.port, large, newest=newest).reply == b""
            why = server.only_refused()
        assert (why.code, why.detail) == ("tls.handshake", "excessive message size")

    @in_every_way
    def test_more_certificates_than_a_path_may_have_are_a_verdict(self, way: Way) -> None:
        many = CLIENT.pem + CA.pem * 30
        with serving(way, ONE, JUDGE) as server:
            assert visited(server.port, CLIENT, chain=many).reply == b""
            assert server.only_refused().code == "limit.chain"

    @pytest.mark.parametrize(
        "which", ["connections", "connections_per_source", "handshakes", "handshakes_per_source", "seconds"]
    )
    def test_bounds_are_above_zero(self, which: str) -> None:
        wrong: dict[str, Any] = {which: 0}
        with pytest.raises(InvalidPolicy, match=which):
            Bounds(**wrong)

    def test_a_handshake_without_an_end_is_cut_off(self) -> None:
        """OpenSSL has limits of its own for each message; this one holds for all that comes."""
        session = ONE.session()
        flood = b"\x16\x03\x01\x40\x00" + bytes(65_000)
        for _ in range(3):
            session.received(flood)
        with pytest.raises(ssl.SSLError, match="too long"):
            session.received(flood)


class TestStreams:
    @in_every_way
    @VERSIONS
    def test_much_can_be_said_in_both_directions_at_the_same_time(self, way: Way, newest: ssl.TLSVersion) -> None:
        size = 3_000_000
        with serving(way, ONE, ANYBODY, talk=ECHO) as server:
            made = client(newest=newest)
            with (
                socket.create_connection(("127.0.0.1", server.port), PATIENCE) as tcp,
                made.wrap_socket(tcp, server_hostname=DOMAIN) as stream,
            ):
                # One thread does both: before Python 3.13 a TLS socket may not be read and written at the same time.
                stream.setblocking(False)
                said = bytes(range(256)) * (size // 256)
                left, heard = memoryview(said), bytearray()
                while len(heard) < len(said):
                    with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                        left = left[stream.send(left[:65_536]) :] if left else left
                    with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                        heard += stream.recv(65_536)
                    select.select([stream], [stream] if left else [], [], 0.05)
                assert heard == said

    @in_every_way
    def test_what_several_say_at_once_comes_in_one_piece_each(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY, talk=CHORUS) as server:
            reply = visited(server.port).reply
        pieces = [reply[place : place + SIZE] for place in range(0, len(reply), SIZE)]
        assert sorted(pieces) == [bytes([voice]) * SIZE for voice in range(4)]

    @in_every_way
    def test_a_closure_alert_and_a_connection_that_just_ends_are_the_end(self, way: Way) -> None:
        for politely in (True, False):
            with serving(way, ONE, ANYBODY, talk=ECHO) as server:
                tcp = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
                with client().wrap_socket(tcp, server_hostname=DOMAIN) as stream:
                    stream.sendall(MESSAGE)
                    assert stream.recv(4096) == MESSAGE
                    if politely:
                        stream.unwrap().close()
                assert server.only_heard() == MESSAGE
            assert server.failed == []

    @in_every_way
    def test_the_client_is_told_that_the_connection_ends(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY) as server:
            tcp = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
            with client().wrap_socket(tcp, server_hostname=DOMAIN, suppress_ragged_eofs=False) as stream:
                stream.sendall(MESSAGE)
                assert stream.recv(4096) == REPLY
                assert stream.recv(4096) == b""  # without a closure alert this raises SSLEOFError

    @in_every_way
    def test_who_stops_amid_a_sentence_cannot_begin_another_one(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY, talk=INTERRUPTED) as server:
            tcp = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
            with client().wrap_socket(tcp, server_hostname=DOMAIN) as stream:
                stream.sendall(MESSAGE)
                assert server.only_heard() == MESSAGE
        assert server.failed == []

    @in_every_way
    def test_who_stops_waiting_loses_nothing(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY, talk=IMPATIENT) as server:
            tcp = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
            with client().wrap_socket(tcp, server_hostname=DOMAIN) as stream:
                assert stream.recv(4096) == REPLY
                stream.sendall(b"PING")
                assert server.only_heard() == b"PING"
        assert server.failed == []

    @in_every_way
    @pytest.mark.server("openssl")
    def test_nobody_changes_who_they_are_by_renegotiating(self, way: Way) -> None:
        """The verdict is about the first handshake, and a client with TLS 1.2 could ask for another one."""
        with serving(way, ONE, ANYBODY, talk=ECHO) as server:
            command = ["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{server.port}"]
            pipe = subprocess.PIPE
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT) as run:
                assert run.stdin is not None
                assert run.stdout is not None
                run.stdin.write(b"one\n")
                run.stdin.flush()
                while run.stdout.readline() != b"one\n":
                    assert run.poll() is None
                run.stdin.write(b"R\n")
                run.stdin.flush()
                patience = threading.Timer(PATIENCE, run.kill)
                patience.start()
                told = run.stdout.read()  # until it gives up, by itself
                patience.cancel()
                patience.join()
            assert b"no renegotiation" in told
            _, error = server.only_failed()
        assert "alert handshake failure" in str(error.__cause__ or error)  # that is how OpenSSL takes it
        assert len(server.connections) == 1

    @in_every_way
    def test_a_client_that_is_served_sees_the_end_of_the_handshake_whatever_is_done_then(self, way: Way) -> None:
        seen = threading.Event()

        async def idle(_connection: object) -> bytes:
            while not seen.is_set():  # noqa: ASYNC110 - another thread says when
                await anyio.sleep(0.01)
            return b""

        def idle_blocking(_connection: object) -> bytes:
            assert seen.wait(PATIENCE)
            return b""

        with serving(way, ONE, ANYBODY, talk=Talk(idle, idle_blocking)) as server:
            tcp = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
            with client(newest=ssl.TLSVersion.TLSv1_2).wrap_socket(tcp, server_hostname=DOMAIN):
                seen.set()
        assert server.failed == []

    @pytest.mark.parametrize("way", WAYS[:2], ids=repr)
    def test_who_has_said_the_last_word_still_listens(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY, talk=Talk(_last_words, _echo_blocking)) as server:
            tcp = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
            with client().wrap_socket(tcp, server_hostname=DOMAIN, suppress_ragged_eofs=False) as stream:
                stream.sendall(MESSAGE)
                assert (stream.recv(4096), stream.recv(4096)) == (REPLY, b"")
                stream.sendall(b"PONG")
                stream.unwrap().close()
            assert server.only_heard() == MESSAGE + b"PONG"
        assert server.failed == []

    @in_every_way
    def test_a_stream_that_was_closed_is_of_no_use(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY, talk=CLOSED) as server:
            assert visited(server.port).reply == b""
        assert server.failed == []

    @in_every_way
    def test_octets_that_are_no_tls_break_an_open_connection(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY, talk=ECHO) as server:
            tcp = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
            with client().wrap_socket(tcp, server_hostname=DOMAIN) as stream:
                stream.sendall(MESSAGE)
                assert stream.recv(4096) == MESSAGE
                raw = stream.detach()
            with socket.socket(fileno=raw) as plain:
                plain.settimeout(PATIENCE)
                plain.sendall(b"in clear text\r\n")
                to_the_end(plain)
            _, error = server.only_failed()
        assert isinstance(error, OSError | anyio.BrokenResourceError)

    @in_every_way
    @pytest.mark.server("openssl")
    def test_a_client_may_change_the_keys(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY, talk=ECHO) as server:
            command = ["openssl", "s_client", "-tls1_3", "-connect", f"127.0.0.1:{server.port}"]
            pipe = subprocess.PIPE
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT) as run:
                assert run.stdin is not None
                assert run.stdout is not None
                # At the beginning of what is read at once, a letter is a command: both ends, or one, get new keys.
                for said in (b"one\n", b"K\n", b"two\n", b"k\n", b"three\n"):
                    run.stdin.write(said)
                    run.stdin.flush()
                    heard = b"KEYUPDATE\n" if said in {b"K\n", b"k\n"} else said
                    while run.stdout.readline() != heard:
                        assert run.poll() is None
                run.communicate(b"Q\n", PATIENCE)
            assert server.only_heard() == b"one\ntwo\nthree\n"
        assert server.failed == []


class TestTheCallersOwnCode:
    @in_every_way
    def test_what_it_raises_ends_its_own_connection_and_no_other(self, way: Way) -> None:
        with serving(way, ONE, JUDGE, talk=FAILING) as server:
            assert visited(server.port, CLIENT).reply == b""
            arrival, error = server.only_failed()
            assert visited(server.port, CLIENT, say=b"PING").reply == REPLY
        assert isinstance(error, Mistake)
        assert arrival.presentation.chain == CLIENT.presented

    @in_every_way
    def test_a_judge_that_fails_lets_nobody_in(self, way: Way) -> None:
        def authorize(_identities: object) -> bool:
            raise Mistake

        with serving(way, ONE, Judge(anchors=ANCHORS, authorize=authorize)) as server:
            assert visited(server.port, CLIENT).reply == b""
            assert isinstance(server.only_failed()[1], Mistake)
            assert visited(server.port, self_signed(cn="a", **CURRENT)).reply == b""
            assert server.only_refused().code == "chain.self-signed"
        assert server.connections == []

    @in_every_way
    def test_who_does_not_ask_finds_it_in_the_log(self, way: Way, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO", "siptls_io.server")
        with serving(way, ONE, JUDGE, talk=FAILING, refused=None, failed=None) as server:
            assert visited(server.port, CLIENT).reply == b""
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as tcp:
                tcp.sendall(b"OPTIONS \x1b[2J SIP/2.0\r\n")
                to_the_end(tcp)
            assert visited(server.port, CLIENT, say=b"PING").reply == REPLY
        failure, refusal = sorted(caplog.records, key=lambda record: -record.levelno)
        assert failure.exc_info is not None
        assert failure.exc_info[0] is Mistake
        assert failure.getMessage() == "the connection from 127.0.0.1 was closed"
        assert refusal.getMessage().startswith("<NotServed from 127.0.0.1: tls.")
        assert "\x1b" not in refusal.getMessage()

    @in_every_way
    def test_receivers_of_reports_that_fail_end_nothing(self, way: Way, caplog: pytest.LogCaptureFixture) -> None:
        def fail(*_: object) -> None:
            raise Mistake

        with serving(way, ONE, JUDGE, talk=FAILING, refused=fail, failed=fail) as server:
            assert visited(server.port, CLIENT).reply == b""
            assert visited(server.port).reply == b""
            assert visited(server.port, CLIENT, say=b"PING").reply == REPLY
        assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [Mistake, Mistake]

    def test_mistakes_of_a_judge_are_told_before_the_first_client_comes(self) -> None:
        with pytest.raises(InvalidPolicy):
            Judge(client_certificate="wanted")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        with pytest.raises(InvalidPolicy):
            Judge(anchors=ANCHORS, crls=[ROOT.crl()])
        with pytest.raises(InvalidName):
            Judge(anchors=ANCHORS, claims="example.com")
        with pytest.raises(InvalidName):
            Judge(anchors=ANCHORS, claims=["192.0.2.1"])
