"""What can go wrong on the network goes wrong here, on every loop: what the verdict says then, and what it shows."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dns.message
import pytest

from loopback_dns import Late, NameServer, Said, Script, answering
from loopback_tls import (
    CURRENT,
    Behaviour,
    LoopbackServer,
    Seen,
    black_hole,
    closed_port,
    falls_silent_amid_the_certificate,
    hangs_up,
    hangs_up_amid_the_certificate,
    keeps_silent,
    leaves_after_the_handshake,
    one_octet_at_a_time,
    resets,
    resets_amid_the_certificate,
    s_server,
    says,
    server_context,
    tls,
)
from loops import MESSAGE, Loop, on_every_loop
from pki import Issuer
from siptls.events import Anchors
from siptls.policy import Policy
from siptls.verdict import Outcome, Verdict
from siptls_io.ad_resolver import AdResolver
from siptls_io.connection import NotConnected
from siptls_io.resolver import Resolver
from siptls_io.zone_files import ZoneFiles

URI = "sips:alice@example.com"
ROOT = Issuer.root(**CURRENT)
ANCHORS = Anchors((ROOT.der,))
LEAF = ROOT.intermediate(**CURRENT).leaf(uris=["sip:example.com"], **CURRENT)
CONTEXT = server_context(LEAF)
OLDER = server_context(LEAF, newest=ssl.TLSVersion.TLSv1_2)
GOOD = tls(CONTEXT)
REPLY = b"SIP/2.0 200 OK\r\n\r\n"
SHORT = Policy(connect_timeout=0.3)


@dataclass(frozen=True)
class World:
    """What is connected to, and by what."""

    resolver: Resolver
    policy: Policy = field(default_factory=Policy)
    say: bytes = MESSAGE
    reply: bytes = REPLY


def zones(port: int) -> ZoneFiles:
    return ZoneFiles({"example.com": f"_sips._tcp SRV 1 1 {port} sip\nsip A 127.0.0.1\n"})


Made = Callable[[Path], AbstractContextManager[World]]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        name: what happens.
        world: makes it happen.
        code: of the verdict.
        shows: with what ends what was found, in the step with that code: the same words on every loop.
    """

    name: str
    world: Made
    code: str = "id.match"
    shows: str = "uri example.com"

    @property
    def outcome(self) -> Outcome:
        return Outcome.ACCEPTED if self.code == "id.match" else Outcome.UNDETERMINED

    def __str__(self) -> str:
        return self.name


def served(behaviour: Behaviour, policy: Policy | None = None, *, say: bytes = MESSAGE, reply: bytes = REPLY) -> Made:
    @contextmanager
    def made(folder: Path) -> Generator[World]:
        with LoopbackServer(behaviour) as server:
            yield World(zones(server.port), policy or Policy(), say, reply)
            received = server.only().received
            assert received == say or not say or received == b"" or received.startswith(b"\x15\3")  # a TLS alert

    return made


@contextmanager
def refusing(folder: Path) -> Generator[World]:
    with closed_port() as port:
        yield World(zones(port))


@contextmanager
def swallowing(folder: Path) -> Generator[World]:
    with black_hole() as port:
        yield World(zones(port), SHORT)


def demanding(version: str) -> Made:
    @contextmanager
    def made(folder: Path) -> Generator[World]:
        with s_server(folder, LEAF, Issuer.root("Partners, Inc.", **CURRENT).pem, version) as port:
            yield World(zones(port))

    return made


# Name servers.


def records(port: int) -> dict[str, list[str]]:
    return {"_sips._tcp.example.com SRV": [f"1 1 {port} sip.example.com."], "sip.example.com A": ["127.0.0.1"]}


def named(script: Callable[[Script], Script], timeout: float, patience: float) -> Made:
    """A good server, and a name server that spoils what a good one would say."""

    @contextmanager
    def made(folder: Path) -> Generator[World]:
        with LoopbackServer(GOOD) as server, NameServer(script(answering(records(server.port)))) as names:
            yield World(AdResolver([names.address], timeout=timeout, patience=patience))
            assert names.queries

    return made


def never(good: Script) -> Script:
    return lambda query, tcp: None


def late_once(good: Script) -> Script:
    """Leave the first query of each kind unanswered until it is asked again, which happens after its time."""
    asked: set[str] = set()

    def script(query: dns.message.Message, tcp: bool) -> dns.message.Message | Late:
        reply = good(query, tcp)
        assert isinstance(reply, dns.message.Message)
        question = query.question[0].to_text()
        if "SRV" not in question or question in asked:
            return reply
        asked.add(question)
        return Late(reply)

    return script


@contextmanager
def unheard(folder: Path) -> Generator[World]:
    """Nobody listens where the name server should be."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        holder.connect(("127.0.0.1", 9))  # whoever else sends to it is told that nobody listens
        yield World(AdResolver([f"127.0.0.1:{holder.getsockname()[1]}"]))


@contextmanager
def answering_twice(folder: Path) -> Generator[World]:
    """The second time with the address and the port of somebody else, in the same breath."""
    with LoopbackServer(GOOD) as server, LoopbackServer(GOOD, "127.0.0.66", server.port) as other:
        good = answering(records(server.port))
        bad = answering({**records(other.port), "sip.example.com A": [other.address], "sip.example.com AAAA": ["::66"]})

        def script(query: dns.message.Message, tcp: bool) -> list[dns.message.Message | bytes | None]:
            replies = [good(query, tcp), bad(query, tcp)]
            return [reply for reply in replies if isinstance(reply, dns.message.Message)]

        with NameServer(script) as names:
            yield World(AdResolver([names.address]))
        assert other.seen == []


def leaving(context: ssl.SSLContext, *, politely: bool) -> Made:
    return served(leaves_after_the_handshake(context, politely=politely), say=b"", reply=b"")


ALERT_112 = b"\x15\3\3\0\2\2\x70"


def greets(connection: socket.socket, seen: Seen) -> None:
    """Say something in clear text at once."""
    connection.sendall(b"SIP/2.0 400 Hello")
    while connection.recv(65_536):
        pass


FAULTS = [
    Fault("connection refused", refusing, "net.refused", "Connection refused"),
    Fault("black hole, no SYN-ACK", swallowing, "net.timeout", "no connection in time"),
    Fault("silence after the ClientHello", served(keeps_silent, SHORT), "net.timeout", "no connection in time"),
    Fault(
        "silence amid the certificate",
        served(falls_silent_amid_the_certificate(CONTEXT), SHORT),
        "net.timeout",
        "no connection in time",
    ),
    Fault("reset after the ClientHello", served(resets), "net.reset", "reset by peer"),
    Fault("reset amid the certificate", served(resets_amid_the_certificate(CONTEXT)), "net.reset", "reset by peer"),
    Fault("closed after the ClientHello", served(hangs_up), "net.closed", "the peer closed the connection"),
    Fault(
        "closed amid the certificate",
        served(hangs_up_amid_the_certificate(CONTEXT)),
        "net.closed",
        "the peer closed the connection",
    ),
    Fault(
        "plain SIP",
        served(says(b"SIP/2.0 400 Bad Request\r\n\r\n")),
        "tls.plain-sip",
        r"400 Bad Request\x0d\x0a\x0d\x0a",
    ),
    Fault("alert", served(says(b"\x15\3\3\0\2\2\x28")), "tls.alert", "alert handshake_failure"),
    Fault("alert that OpenSSL names otherwise", served(says(ALERT_112)), "tls.alert", "alert unrecognized_name"),
    Fault("alert that nobody knows", served(says(b"\x15\3\3\0\2\2\xc8")), "tls.alert", "alert 200"),
    Fault("clear text before the ClientHello", served(greets), "tls.plain-sip", "the peer sent: SIP/2.0 400 Hello"),
    Fault(
        "certificate demanded, TLS 1.2",
        demanding("-tls1_2"),
        "tls.client-cert-required",
        r"alert handshake_failure; it takes certificates of CN=Partners\, Inc.",
    ),
    Fault(
        "certificate demanded, TLS 1.3",
        demanding("-tls1_3"),
        "tls.client-cert-required",
        r"alert certificate_required; it takes certificates of CN=Partners\, Inc.",
    ),
    Fault("one octet at a time, TLS 1.2", served(one_octet_at_a_time(OLDER))),
    Fault("one octet at a time, TLS 1.3", served(one_octet_at_a_time(CONTEXT))),
    Fault("left after the handshake, TLS 1.2", leaving(OLDER, politely=True)),
    Fault("left after the handshake, TLS 1.3", leaving(CONTEXT, politely=True)),
    Fault("cut off after the handshake, TLS 1.3", leaving(CONTEXT, politely=False)),
    Fault("DNS refuses", unheard, "locate.timeout", "Connection refused"),
    Fault("DNS never answers", named(never, timeout=0.3, patience=0.1), "locate.timeout", "no response in time"),
    Fault("DNS answers twice", answering_twice),
    Fault("DNS answers late, then again", named(late_once, timeout=30, patience=1)),
]


def said(loop: Loop, world: World) -> tuple[Verdict, bytes]:
    """Connect, say and hear something."""
    try:
        return loop.reach(URI, say=world.say, resolver=world.resolver, policy=world.policy, anchors=ANCHORS)
    except NotConnected as error:
        return error.verdict, b""


@on_every_loop
@pytest.mark.scenario("fault")
@pytest.mark.server("openssl")
@pytest.mark.usefixtures("time_to_refuse")
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_is_told_as_what_it_is(loop: Loop, fault: Fault, tmp_path: Path) -> None:
    with fault.world(tmp_path) as world:
        verdict, reply = said(loop, world)
    assert (verdict.outcome, verdict.code) == (fault.outcome, fault.code)
    assert [step.found for step in verdict.steps if step.code == fault.code][-1].endswith(fault.shows)
    assert reply == (world.reply if verdict.accepted else b"")


@on_every_loop
def test_an_answer_that_comes_when_nobody_waits_any_more_answers_nothing(loop: Loop) -> None:
    with LoopbackServer(GOOD) as server, LoopbackServer(GOOD, "127.0.0.66", server.port) as other:
        good = answering({**records(server.port), "other.example.com A": [other.address]})
        bad = answering({"_sips._tcp.example.com SRV": [f"1 1 {other.port} other.example.com."]})
        given_up = False

        def script(query: dns.message.Message, tcp: bool) -> Said:
            if given_up or "SRV" not in query.question[0].to_text():
                return good(query, tcp)
            reply = bad(query, tcp)
            assert isinstance(reply, dns.message.Message)
            return Late(reply)

        with NameServer(script) as names:
            hasty = AdResolver([names.address], timeout=0.2, patience=0.2)
            verdict, _ = said(loop, World(hasty))
            assert (verdict.outcome, verdict.code) == (Outcome.UNDETERMINED, "locate.timeout")
            given_up = True
            verdict, reply = said(loop, World(AdResolver([names.address])))
        assert (verdict.accepted, reply) == (True, REPLY)
        assert other.seen == []
