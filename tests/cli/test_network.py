"""Runs that wait for the network, on loopback: Ctrl-C, time-outs, resolvers, real connections."""

import asyncio
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from unittest.mock import MagicMock

import dns.message
import dns.rdatatype
import pytest
from cryptography.x509 import UniformResourceIdentifier

from cli.console import Run, run, start
from cli.offline import URI, World
from loopback_dns import NameServer, response
from pki import CLIENT_AUTH, Issuer
from signed_root import SignedRoot, signed_root
from siptls_cli.demo.certificates import Credential, authority, server
from siptls_cli.demo.server import SipServer
from siptls_io import AdResolver, UnboundResolver, libunbound


@contextmanager
def silent_resolver() -> Generator[socket.socket]:
    """A name server that takes questions and answers none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(30)
        yield bound


@contextmanager
def silent_server() -> Generator[socket.socket]:
    """A server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        yield listening


def interrupted(arguments: Sequence[str], waiting: socket.socket) -> tuple[int, str, str]:
    """Press Ctrl-C as soon as something arrives at the socket."""
    process = start(*arguments)
    with process:
        peer = None
        if waiting.type == socket.SOCK_DGRAM:
            waiting.recvfrom(65_535)
        else:
            peer, _ = waiting.accept()
        time.sleep(0.05)
        began = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - began < 10
        if peer is not None:
            peer.close()
    return process.returncode, out, err.strip()


@pytest.mark.parametrize("verb", ["check", "locate"])
def test_ctrl_c_while_the_resolver_is_silent(verb: str) -> None:
    with silent_resolver() as resolver:
        address = f"127.0.0.1:{resolver.getsockname()[1]}"
        assert interrupted((verb, URI, "--resolver", address), resolver) == (130, "", "siptls: interrupted")
        code, out, err = interrupted((verb, URI, "--resolver", address, "--format", "json"), resolver)
    assert (code, err) == (130, "")
    assert out == '{\n  "error": {\n    "code": "run.interrupted",\n    "message": "interrupted"\n  }\n}\n'


def test_ctrl_c_while_the_server_is_silent() -> None:
    with silent_server() as listening:
        uri = f"sip:127.0.0.1:{listening.getsockname()[1]}"
        code, out, err = interrupted(("check", uri), listening)
    assert (code, out, err) == (130, "", "siptls: interrupted")


def test_a_silent_resolver_leaves_the_verdict_open_when_the_time_is_over() -> None:
    with silent_resolver() as resolver:
        began = time.monotonic()
        ran = run(
            "check", URI, "--resolver", f"127.0.0.1:{resolver.getsockname()[1]}", "--timeout", "0.3", "--format", "json"
        )
        assert time.monotonic() - began < 5
    assert ran.exit_code == 3
    assert ran.verdict[:2] == ("UNDETERMINED", "none")


def test_a_silent_server_leaves_the_verdict_open_when_the_time_is_over() -> None:
    with silent_server() as listening:
        uri = f"sip:127.0.0.1:{listening.getsockname()[1]}"
        ran = run("check", uri, "--timeout", "0.3", "--format", "json")
    assert (ran.exit_code, ran.verdict) == (3, ("UNDETERMINED", "none", "limit.seconds"))


def test_a_port_where_nobody_listens_leaves_the_verdict_open() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        ran = run("check", f"sip:127.0.0.1:{unused.getsockname()[1]}", "--format", "json")
    assert (ran.exit_code, ran.verdict) == (3, ("UNDETERMINED", "none", "net.refused"))


def test_ctrl_c_while_a_result_is_written_adds_nothing_to_it() -> None:
    with start("demo", "--loop", "all", "--format", "json") as process:
        assert process.stdout is not None
        began = process.stdout.read(1)  # what follows does not fit into a pipe that nobody reads
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "siptls: interrupted, and the result was cut off\n"
    assert (began, "run.interrupted" in out) == ("{", False)


# Real connections.


class Peer:
    """A TLS SIP server in a thread of its own."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential
        self._ready = threading.Event()
        self._ended: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self.port = 0
        self.octets = -1
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with SipServer(self._credential) as listening:
            self.port = listening.port
            self._ready.set()
            await self._ended.wait()
        self.octets = listening.octets

    def __enter__(self) -> "Peer":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()


@pytest.fixture(scope="module")
def trusted() -> Credential:
    return authority("Test Root")


def name_server(port: int, *, ad: bool) -> NameServer:
    """A name server for example.com, whose server listens at a port of 127.0.0.1."""
    records = {
        ("_sips._tcp.example.com.", "SRV"): f"_sips._tcp.example.com. 60 IN SRV 0 0 {port} sip1.example.com.",
        ("sip1.example.com.", "A"): "sip1.example.com. 60 IN A 127.0.0.1",
    }
    soa = "example.com. 60 IN SOA ns1.example.com. h.example.com. 1 2 3 4 60"

    def script(query: dns.message.Message, _tcp: bool) -> dns.message.Message:
        question = query.question[0]
        found = records.get((question.name.to_text(), dns.rdatatype.to_text(question.rdtype)))
        return response(query, found, ad=ad) if found else response(query, authority=(soa,), ad=ad)

    return NameServer(script)


def test_a_real_server_is_accepted_and_hears_nothing_but_the_handshake(world: World, trusted: Credential) -> None:
    credential = server(trusted, [UniformResourceIdentifier("sip:example.com")])
    roots = world.write("root.pem", trusted.pem)
    with Peer(credential) as peer, name_server(peer.port, ad=True) as resolver:
        arguments = ("check", URI, "--resolver", resolver.address, "--ca-file", roots, "--format", "json")
        trusting, doubting = run(*arguments, "--trust-ad"), run(*arguments)
    assert (trusting.exit_code, trusting.verdict) == (0, ("ACCEPTED", "pkix", "id.match"))
    assert doubting.verdict == trusting.verdict
    codes = [{step["code"] for step in ran.json["verdict"]["steps"]} for ran in (trusting, doubting)]
    assert {"resolver.trust-ad", "delegation.srv"} <= codes[0]
    assert {"resolver.not-trusted", "delegation.tainted"} <= codes[1]
    assert peer.octets == 0


@pytest.fixture
def no_libunbound(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """A system on which the library is not installed."""
    libunbound.load.cache_clear()
    monkeypatch.setattr(libunbound, "NAMES", ("libnowhere.so.8",))
    yield
    libunbound.load.cache_clear()


def system_asks(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it the system's name server."""
    system = AdResolver([server.address])
    monkeypatch.setattr(AdResolver, "system", MagicMock(return_value=system))


def test_without_libunbound_the_systems_resolver_is_asked_and_not_trusted(
    monkeypatch: pytest.MonkeyPatch, no_libunbound: None
) -> None:
    with name_server(1, ad=True) as resolver:
        system_asks(resolver, monkeypatch)
        ran = run("check", URI)
        found = run("locate", URI, "--format", "json")
    assert ran.exit_code == 3  # nobody listens at port 1
    note = next(line for line in ran.out.splitlines() if "resolver.not-trusted" in line)
    assert note.startswith("  ○ resolver.not-trusted  nobody validated")
    assert ran.out.index("PEER 1") < ran.out.index(note)
    assert [target["port"] for target in found.json["targets"]] == [1]
    assert found.json["steps"][-1]["code"] == "resolver.not-trusted"


@pytest.mark.parametrize(
    "options", [("--validate",), ("--resolver", "127.0.0.1", "--validate"), ("--trust-anchor", "anchors")]
)
def test_without_libunbound_nobody_can_be_told_to_validate(
    options: Sequence[str], world: World, no_libunbound: None
) -> None:
    given = [world.write("anchors", signed_root().anchor) if each == "anchors" else each for each in options]
    ran = run("check", URI, *given)
    assert (ran.exit_code, ran.out) == (2, "")
    assert ran.err.startswith("siptls: libunbound is missing: install the package libunbound8")
    assert ran.err.count("\n") == 1
    as_json = run("check", URI, *given, "--format", "json")
    assert (as_json.exit_code, as_json.err, as_json.error["code"]) == (2, "", "usage.error")


SIGNED = SignedRoot("""\
_sips._tcp.example.com. SRV 0 0 1 sip1.example.com.
sip1.example.com. A 127.0.0.1
example.com. TXT x
""")


def codes(ran: Run) -> set[str]:
    found = ran.json
    return {step["code"] for step in found.get("verdict", found)["steps"]}


@pytest.mark.server("unbound")
@pytest.mark.req("R4035-4.4-1")
@pytest.mark.parametrize("named", [False, True], ids=["the system's", "a resolver"])
def test_what_a_name_server_says_is_validated_from_the_anchor_down(
    named: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor = world.write("root.key", f"; the root of this test\n{SIGNED.anchor}\n")
    with NameServer(SIGNED.truth) as server:
        system_asks(server, monkeypatch)
        options = ("--resolver", server.address, "--validate") if named else ()
        arguments = (URI, *options, "--trust-anchor", anchor, "--format", "json")
        ran, found = run("check", *arguments), run("locate", *arguments)
    assert ran.verdict == ("UNDETERMINED", "none", "net.refused")  # nobody listens at port 1
    assert "delegation.srv" in codes(ran)
    assert [target["port"] for target in found.json["targets"]] == [1]
    assert not {code for code in codes(ran) | codes(found) if code.startswith("resolver.")}


@pytest.mark.server("unbound")
@pytest.mark.req("T-S02")
@pytest.mark.parametrize("options", [(), ("--validate",)])
def test_a_name_server_that_lies_and_sets_the_ad_bit_is_found_out(
    options: Sequence[str], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with name_server(1, ad=True) as lying:
        system_asks(lying, monkeypatch)
        anchor = ("--trust-anchor", world.write("root.key", SIGNED.anchor))
        ran = run("check", URI, *options, *anchor, "--format", "json")
        text = run("check", URI, *options, *anchor)
    assert (ran.exit_code, ran.verdict) == (3, ("UNDETERMINED", "none", "dnssec.bogus"))
    assert "validation failure <example.com. NAPTR IN>" in " ".join(text.out.split())


@pytest.mark.server("unbound")
def test_the_roots_own_keys_are_the_anchors_where_none_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with NameServer(SIGNED.truth) as server:
        ran = run("locate", URI, "--resolver", server.address, "--validate", "--format", "json")
    assert (ran.exit_code, ran.json["code"]) == (3, "dnssec.bogus")  # these zones have another root


@pytest.mark.server("unbound")
def test_ctrl_c_while_libunbound_waits() -> None:
    with silent_resolver() as resolver:
        address = f"127.0.0.1:{resolver.getsockname()[1]}"
        arguments = ("check", URI, "--resolver", address, "--validate")
        assert interrupted(arguments, resolver) == (130, "", "siptls: interrupted")


@pytest.mark.server("unbound")
def test_the_resolver_is_closed_when_the_run_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[UnboundResolver] = []
    close = UnboundResolver.close

    def noted(resolver: UnboundResolver) -> None:
        closed.append(resolver)
        close(resolver)

    monkeypatch.setattr(UnboundResolver, "close", noted)
    assert run("locate", "sip:127.0.0.1", "--resolver", "127.0.0.1", "--validate").exit_code == 0
    assert len(closed) == 1


@pytest.mark.req("R5922-7.3-4", "D-SEC-9")
def test_an_address_is_rejected_as_identity_without_an_octet_of_sip(trusted: Credential) -> None:
    with Peer(server(trusted, [UniformResourceIdentifier("sip:example.com")])) as peer:
        ran = run("check", f"sip:127.0.0.1:{peer.port}", "--format", "json")
    assert ran.exit_code == 1
    assert peer.octets == 0


def certificate_seen(listening: socket.socket, context: ssl.SSLContext, seen: list[bytes | None]) -> None:
    """Take one connection and note the certificate of the client."""
    connection, _ = listening.accept()
    with connection, context.wrap_socket(connection, server_side=True) as tls:
        seen.append(tls.getpeercert(binary_form=True))
        with suppress(OSError):
            tls.recv(1)  # until the client goes: a server that goes first may do so because it refuses the client


@pytest.mark.parametrize("files", [1, 2])
def test_a_server_that_demands_a_certificate_sees_ours(world: World, trusted: Credential, files: int) -> None:
    began, ends = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
    issuer = Issuer.root("Clients", not_before=began, not_after=ends)
    ours = issuer.leaf(uris=["sip:client.example"], eku=[CLIENT_AUTH], not_before=began, not_after=ends)
    cert = ("--cert", world.write("cert.pem", ours.presented_pem), "--key", world.write("key.pem", ours.key_pem))
    both = ("--cert", world.write("both.pem", ours.presented_pem + ours.key_pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world.write("server.pem", server(trusted, []).pem))
    context.load_verify_locations(cadata=issuer.pem.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    seen: list[bytes | None] = []
    with silent_server() as listening:
        thread = threading.Thread(target=certificate_seen, args=(listening, context, seen))
        thread.start()
        ran = run("check", f"sip:127.0.0.1:{listening.getsockname()[1]}", *(both if files == 1 else cert))
        thread.join()
    assert seen == [ours.der]
    assert ran.exit_code == 1  # an address is nobody's domain
