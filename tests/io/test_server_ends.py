"""Servers on every kind of event loop: how they end, where clients come from, and files that are no certificates."""

from __future__ import annotations

import errno
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from operator import attrgetter
from pathlib import Path

import anyio
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

import siptls_io.server.blocking
from loopback_tls import CURRENT
from loops import MESSAGE, PATIENCE
from pki import Issuer, Key
from serving import (
    ANSWER,
    REPLY,
    WAYS,
    EventLoopWay,
    Talk,
    Way,
    client,
    context,
    in_every_way,
    in_files,
    serving,
    to_the_end,
    visited,
)
from siptls import Anchors, Inbound, InvalidPolicy
from siptls.dns import Lookup
from siptls.events import LookupEvent
from siptls_io import Cancellation, InvalidPem, ZoneFiles
from siptls_io.cancellation import EVENT_READ
from siptls_io.server import Address, Arrival, ClientConnection, Judge, ServerCertificate, ServerStream, serve
from siptls_io.server.arrival import Crowd, address
from siptls_io.server.blocking import ServerSocket

ROOT = Issuer.root(**CURRENT)
CA = ROOT.intermediate("Intermediate", **CURRENT)
ANCHORS = Anchors((ROOT.der,))
SERVER = CA.leaf(uris=["sip:example.com"], dns=["example.com"], **CURRENT)
OTHER = CA.leaf(uris=["sip:example.com"], **CURRENT)
CLIENT = CA.leaf(uris=["sip:client.example"], **CURRENT)
ONE = context(SERVER)
ANYBODY = Judge(anchors=ANCHORS, client_certificate="optional")


class Silent:
    """A resolver that answers nothing."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def answer(self, lookup: Lookup, cancellation: Cancellation | None = None, /) -> LookupEvent:
        assert cancellation is not None
        self.asked.set()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            cancellation.wait(ours, EVENT_READ)
        raise AssertionError("nobody wrote to it")

    async def answer_async(self, lookup: Lookup, /) -> LookupEvent:
        self.asked.set()
        await anyio.sleep_forever()
        raise AssertionError("it was slept for ever")


async def _flood(connection: ClientConnection[ServerStream]) -> None:
    await connection.stream.receive()
    while True:
        await connection.stream.send(bytes(1_000_000))


def _flood_blocking(connection: ClientConnection[ServerSocket]) -> None:
    connection.stream.recv()
    while True:
        connection.stream.sendall(bytes(1_000_000))


FLOOD = Talk(_flood, _flood_blocking)


class TestTheEnd:
    @in_every_way
    def test_whatever_goes_on_is_closed(self, way: Way) -> None:
        """A handshake, a judgement, a handler that waits for its client, and one whose client does not listen."""
        resolver = Silent()

        def judge(arrival: Arrival, /, *, now: float, at: datetime) -> Inbound:
            claims = ["client.example"] if arrival.facts.server_name == "claimed.example" else []
            return Judge(anchors=ANCHORS, claims=claims)(arrival, now=now, at=at)

        with ExitStack() as stack:
            with serving(way, ONE, judge, talk=FLOOD, resolver=resolver) as server:
                four = [socket.create_connection(("127.0.0.1", server.port), PATIENCE) for _ in range(4)]
                silent, judged, waiting, deaf = [stack.enter_context(tcp) for tcp in four]
                made = client(CLIENT)
                judged = stack.enter_context(made.wrap_socket(judged, server_hostname="claimed.example"))
                waiting = stack.enter_context(
                    made.wrap_socket(waiting, server_hostname="example.com", suppress_ragged_eofs=False)
                )
                deaf = stack.enter_context(made.wrap_socket(deaf, server_hostname="example.com"))
                deaf.sendall(MESSAGE)
                assert resolver.asked.wait(PATIENCE)
                with server.changed:
                    assert server.changed.wait_for(lambda: len(server.connections) == 2, PATIENCE)
            assert to_the_end(silent) == b""
            assert waiting.recv(4096) == b""  # without a closure alert this raises SSLEOFError
        assert (server.refused, server.failed, server.heard) == ([], [], [])

    @pytest.mark.parametrize("way", WAYS[:2], ids=repr)
    def test_a_listener_that_somebody_closes_ends_the_server(self, way: EventLoopWay) -> None:
        async def main() -> None:
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
            await listener.aclose()
            with pytest.raises(anyio.ClosedResourceError):
                await serve(ANSWER.by_task, listener, context=ONE, judge=ANYBODY, resolver=ZoneFiles({}))

        way.run(main)

    def test_a_socket_that_cannot_accept_ends_the_server_with_threads(self) -> None:
        with pytest.raises(OSError, match="Invalid argument"):
            siptls_io.server.blocking.serve(
                ANSWER.by_thread, socket.socket(), context=ONE, judge=ANYBODY, resolver=ZoneFiles({})
            )


class TestWhereConnectionsComeFrom:
    @in_every_way
    def test_ipv6(self, way: Way) -> None:
        with serving(way, ONE, ANYBODY, host="::1") as server:
            assert visited(server.port, address="::1").reply == REPLY
        assert server.only().arrival.source.ip == "::1"

    def test_an_ipv4_address_in_an_ipv6_one_is_an_ipv4_address(self) -> None:
        assert address(("::ffff:192.0.2.1", 5061)) == ("192.0.2.1", 5061)
        assert address(("2001:db8::1", 5061)) == ("2001:db8::1", 5061)
        with pytest.raises(ValueError, match="no IP address"):
            address("/run/sip")

    def test_an_ipv6_network_is_one_source(self) -> None:
        crowd = Crowd(1)
        here, near, far = Address("2001:db8::1", 1), Address("2001:db8::2", 1), Address("2001:db8:0:1::1", 1)
        assert [crowd.enter(each) for each in (here, near, far)] == [True, False, True]
        crowd.leave(here)
        assert crowd.enter(near)

    @in_every_way
    @pytest.mark.parametrize("number", [errno.EMFILE, errno.ECONNABORTED])
    def test_what_the_system_refuses_for_a_moment_is_tried_again(
        self, way: Way, number: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failures = [OSError(number, os.strerror(number))] * 2

        accept: Callable[[object], object] = attrgetter("_accept")(socket.socket)

        def accepting(listener: object) -> object:
            if failures:
                raise failures.pop()
            return accept(listener)

        monkeypatch.setattr(socket.socket, "_accept", accepting)  # what every event loop comes to in the end
        with serving(way, ONE, ANYBODY) as server:
            assert visited(server.port).reply == REPLY
        assert failures == []


def _pem(key: Key | X25519PrivateKey, encryption: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


class TestTheServersOwnCertificates:
    @pytest.mark.parametrize(
        ("chain", "key", "problem"),
        [
            ("missing.pem", "key.pem", r"missing\.pem: No such file or directory"),
            ("chain.pem", "missing.pem", r"missing\.pem: No such file or directory"),
            ("key.pem", "key.pem", r"key\.pem: no certificate in PEM"),
            ("broken.pem", "key.pem", r"broken\.pem: a certificate that cannot be read"),
            ("chain.pem", "chain.pem", r"chain\.pem: no private key in PEM that can be read"),
            ("chain.pem", "x25519.pem", r"x25519\.pem: a key of a kind that TLS does not use"),
            ("chain.pem", "other.pem", r"other\.pem: not the key of the certificate"),
        ],
    )
    def test_files_that_are_none_or_do_not_belong_together_are_told(
        self, chain: str, key: str, problem: str, tmp_path: Path
    ) -> None:
        (tmp_path / "key.pem").write_bytes(SERVER.key_pem)
        (tmp_path / "other.pem").write_bytes(OTHER.key_pem)
        (tmp_path / "chain.pem").write_bytes(SERVER.presented_pem)
        (tmp_path / "broken.pem").write_text(ssl.DER_cert_to_PEM_cert(SERVER.der[:-9]))
        (tmp_path / "x25519.pem").write_bytes(_pem(X25519PrivateKey.generate()))
        with pytest.raises(InvalidPem, match=problem):
            ServerCertificate(tmp_path / chain, tmp_path / key)

    def test_the_key_may_be_encrypted(self, tmp_path: Path) -> None:
        chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
        chain.write_bytes(SERVER.presented_pem)
        key.write_bytes(_pem(SERVER.key, BestAvailableEncryption(b"secret")))
        made = ServerCertificate(chain, key, password="secret")  # noqa: S106 - that is what it is
        assert made.certificate.der == SERVER.der
        assert repr(made) == f"<ServerCertificate {str(chain)!r}>"
        for wrong in (None, "guess"):
            with pytest.raises(InvalidPem, match="no private key in PEM"):
                ServerCertificate(chain, key, password=wrong)

    def test_a_key_that_is_too_weak_for_tls_is_told(self) -> None:
        weak = CA.leaf(key=rsa.generate_private_key(65537, 1024), uris=["sip:example.com"], **CURRENT)
        with in_files(weak) as files, pytest.raises(InvalidPem, match="a certificate that TLS cannot use"):
            ServerCertificate(*files)

    def test_there_are_two_versions_of_tls(self) -> None:
        with pytest.raises(InvalidPolicy):
            context(SERVER, oldest="TLSv1.1")


class TestTheExampleProgram:
    def test_it_says_who_each_client_is_and_answers_its_requests(self) -> None:
        copied = (
            b"Via: SIP/2.0/TLS c.example;branch=z9hG4bK1\r\nf: <sip:a@c.example>;tag=1\r\n"
            b"To: <sip:example.com>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
        )
        request = b"OPTIONS sip:example.com SIP/2.0\r\n" + copied + b"Max-Forwards: 70\r\n\r\n"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        with in_files(SERVER) as own, in_files(OTHER) as other:
            files = [os.fspath(file) for file in (*own, *other)]
            command = [sys.executable, "-W", "error", "-m", "siptls_io.examples.server", "127.0.0.1", str(port), *files]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
                try:
                    reply = _asked(port, request)
                    assert visited(port, CLIENT).reply == b""  # of an authority that this system does not trust
                finally:
                    run.send_signal(signal.SIGINT)
                told, errors = run.communicate(timeout=PATIENCE)
        assert reply == b"SIP/2.0 200 OK\r\n" + copied + b"Content-Length: 0\r\n\r\n"
        assert (run.returncode, errors) == (0, "")
        assert told.splitlines()[0].startswith("REJECTED client (tls.no-certificate)")
        assert "<NotServed from 127.0.0.1: chain.unknown-ca ''>" in told


def _asked(port: int, request: bytes) -> bytes:
    """Ask a server that may just be starting."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            tcp = socket.create_connection(("127.0.0.1", port), PATIENCE)
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            with client().wrap_socket(tcp, server_hostname="example.com") as stream:
                stream.sendall(request)
                return stream.recv(4096)
