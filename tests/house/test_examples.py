"""The example programs do what the documentation says, each as a process of its own, and are shown there unchanged."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from unittest.mock import MagicMock

import dns.message
import dns.rdatatype
import pytest

from loopback_dns import NameServer, response
from loopback_tls import CURRENT, Behaviour, LoopbackServer, Seen, server_context, tls
from pki import Issued, Issuer
from siptls_cli.report import EXITS
from siptls_io import AdResolver, MissingLibrary, UnboundResolver
from siptls_io.examples import options

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "adapters" / "siptls_io" / "examples"
LOOPS = ("asyncio", "trio", "anyio", "blocking")
URI = "sip:alice@example.com"
ISSUER = Issuer.root(**CURRENT)
LEAF = ISSUER.leaf(uris=["sip:example.com"], **CURRENT)
STRANGER = ISSUER.leaf(uris=["sip:stranger.example"], **CURRENT)

each_loop = pytest.mark.parametrize("loop", LOOPS)


def run(loop: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an example; whatever Python warns of is an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", f"siptls_io.examples.{loop}", *arguments],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def name_server(port: int, pinned: Issued | None) -> NameServer:
    """A validating resolver: it knows example.com, and the key of its server if there is one."""
    records: dict[tuple[str, str], str] = {}
    if pinned is not None:
        digest = hashlib.sha256(pinned.spki).hexdigest()
        records = {
            ("_sips._tcp.example.com.", "SRV"): f"0 0 {port} sip1.example.com.",
            ("sip1.example.com.", "A"): "127.0.0.1",
            (f"_{port}._tcp.sip1.example.com.", "TLSA"): f"3 1 1 {digest}",
        }
    soa = "example.com. 60 IN SOA ns1.example.com. h.example.com. 1 2 3 4 60"

    def script(query: dns.message.Message, _tcp: bool) -> dns.message.Message:
        owner, rrtype = query.question[0].name.to_text(), dns.rdatatype.to_text(query.question[0].rdtype)
        found = records.get((owner, rrtype))
        if found is None:
            return response(query, authority=(soa,), ad=True)
        return response(query, f"{owner} 60 IN {rrtype} {found}", ad=True)

    return NameServer(script)


def meet(loop: str, behaviour: Behaviour) -> tuple[subprocess.CompletedProcess[str], Seen]:
    """Run an example against a server of which the DNS says that it has the key of `LEAF`."""
    with LoopbackServer(behaviour) as server, name_server(server.port, LEAF) as resolver:
        ran = run(loop, URI, resolver.address)
        return ran, server.only()


@each_loop
def test_an_example_says_why_the_peer_is_the_domain_and_what_it_answered(loop: str) -> None:
    ran, seen = meet(loop, tls(server_context(LEAF)))
    assert (ran.returncode, ran.stderr) == (0, "")
    first, *_, last = ran.stdout.splitlines()
    assert first.startswith("ACCEPTED example.com (dane.match) by dane-ee at sip1.example.com 127.0.0.1")
    assert last == "SIP/2.0 200 OK"
    assert re.fullmatch(rb"OPTIONS sip:alice@example\.com SIP/2\.0\r\n(\S+: \S.*\r\n)+\r\n", seen.received)


@each_loop
@pytest.mark.req("R5922-7.3-4")
def test_an_example_sends_no_octet_to_a_wrong_peer(loop: str) -> None:
    ran, seen = meet(loop, tls(server_context(STRANGER)))
    assert (ran.returncode, ran.stderr) == (1, "")
    assert ran.stdout.startswith("REJECTED example.com (dane.no-match)")
    assert seen.received == b""


@each_loop
def test_an_answer_cannot_write_to_the_terminal(loop: str) -> None:
    ran, _ = meet(loop, tls(server_context(LEAF), reply=b"SIP/2.0 200 \x1b[2J\xff\r\n\r\n"))
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "SIP/2.0 200 \\x1b[2J\\xff")


def hangs_up_after(octets: bytes, *, reset: bool) -> Behaviour:
    """Serve TLS, wait for the request, send octets, and break off."""
    context = server_context(LEAF)

    def behave(connection: socket.socket, seen: Seen) -> None:
        with context.wrap_socket(connection, server_side=True) as stream:
            stream.recv(4096)
            stream.sendall(octets)
            if reset:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            else:
                stream.unwrap()

    return behave


@each_loop
@pytest.mark.parametrize("reset", [False, True])
def test_a_peer_that_does_not_answer_is_told_of(loop: str, reset: bool) -> None:
    ran, _ = meet(loop, hangs_up_after(b"SIP/2.0", reset=reset))
    assert (ran.returncode, ran.stderr) == (3, "")
    assert "answer" in ran.stdout.splitlines()[-1]


@each_loop
def test_an_example_says_that_there_is_nothing_to_connect_to(loop: str) -> None:
    with name_server(1, None) as resolver:
        ran = run(loop, "sips:bob@example.com", resolver.address)
    assert (ran.returncode, ran.stderr) == (4, "")
    assert ran.stdout.startswith("NO_SERVICE example.com")


@pytest.mark.parametrize(
    ("loop", "arguments", "problem"),
    [
        *[(loop, (), "expected a SIP URI") for loop in LOOPS],
        ("asyncio", (URI, "127.0.0.1", "more"), "expected a SIP URI"),
        ("asyncio", ("example.com",), "not a SIP URI"),
        ("blocking", (URI, "a.name"), "not a name server"),
    ],
)
def test_a_mistake_in_the_arguments_is_one_clear_line(loop: str, arguments: tuple[str, ...], problem: str) -> None:
    ran = run(loop, *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"siptls_io.examples.{loop}: {problem}")


def test_without_trio_its_example_says_how_to_get_it() -> None:
    program = (
        "import runpy, sys\n"
        "sys.modules['trio'] = None\n"
        "runpy.run_module('siptls_io.examples.trio', run_name='__main__', alter_sys=True)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.splitlines()
    assert line.endswith(': pip install "siptls[trio]"')


def test_the_resolver_validates_unless_libunbound_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    system = AdResolver(["127.0.0.1:1"])
    validating = MagicMock()
    monkeypatch.setattr(AdResolver, "system", MagicMock(return_value=system))
    monkeypatch.setattr(UnboundResolver, "system", validating)
    monkeypatch.setattr(sys, "argv", ["blocking.py", URI])
    uri, resolver = options.arguments()
    assert (str(uri), resolver) == (URI, validating())
    validating.side_effect = MissingLibrary("libunbound", "libunbound8", "no such file")
    assert options.arguments()[1] is system
    assert not any(server.trusted for server in system.servers)


def test_the_examples_exit_as_the_command_line_does() -> None:
    assert options.EXIT_CODES == EXITS


def shape(loop: str) -> list[str]:
    """The text of an example without what its event loop gives it to say."""
    text = (EXAMPLES / f"{loop}.py").read_text(encoding="utf-8")
    body = text[text.index("def main(") :]
    return re.findall(r"options\.\w+|connection\.\w+|except NotConnected|__main__", body)


def test_the_examples_are_short_and_equal_in_shape() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*LOOPS, "__init__", "options", "server"}
    for loop in LOOPS:
        assert len((EXAMPLES / f"{loop}.py").read_text(encoding="utf-8").splitlines()) <= 45
        assert sorted(shape(loop)) == sorted(shape("asyncio"))


@each_loop
def test_the_documentation_shows_the_whole_text_of_an_example(loop: str) -> None:
    page = (ROOT / "docs" / "how-to" / "connect-from-your-program.md").read_text(encoding="utf-8")
    assert f"```{{literalinclude}} ../../adapters/siptls_io/examples/{loop}.py\n```\n" in page
