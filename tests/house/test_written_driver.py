"""The driver of the page "Write your own driver", built from that page's code alone, against servers on loopback."""

from __future__ import annotations

import gc
import hashlib
import ssl
import threading
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from sybil import Document, Sybil
from sybil.parsers.myst import PythonCodeBlockParser

from loopback_tls import CURRENT, LoopbackServer, hangs_up, keeps_silent, says, server_context, tls
from pki import Issuer
from siptls import Locate, Lookup, TargetFailed, TargetFailure, TargetInUse
from siptls.events import Anchors
from siptls.policy import Limits, Policy
from siptls.verdict import Outcome, Verdict
from siptls_io import ZoneFiles

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-your-own-driver.md"
URI = "sip:alice@example.com"
ROOT = Issuer.root(**CURRENT)
ANCHORS = Anchors((ROOT.der,))
LEAF = ROOT.leaf(uris=["sip:example.com"], **CURRENT)
STRANGER = ROOT.leaf(uris=["sip:stranger.example"], **CURRENT)
GOOD = tls(server_context(LEAF))
MESSAGE, REPLY = b"OPTIONS sip:example.com SIP/2.0\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"


@cache
def page() -> dict[str, Any]:
    """What the code of the page defines when it is run from top to bottom."""
    document: Document = Sybil(parsers=[PythonCodeBlockParser()]).parse(PAGE)
    for example in document.examples():
        example.evaluate()
    return document.namespace


def call(zones: ZoneFiles, policy: Policy = Policy(), anchors: Anchors = ANCHORS) -> tuple[bytes, Verdict]:
    """Call by the page's driver; on the connection, if there is one, send a request and return the reply."""
    by_the_page = cast("Callable[..., tuple[ssl.SSLSocket | None, Verdict]]", page()["call"])
    stream, verdict = by_the_page(URI, zones, policy=policy, anchors=anchors)
    if stream is None:
        return b"", verdict
    with stream:
        stream.settimeout(30)
        stream.sendall(MESSAGE)
        return stream.recv(4096), verdict


def world(port: int, *addresses: str, tlsa: str = "") -> ZoneFiles:
    """example.com with one server at loopback addresses; the first is preferred."""
    records = "".join(f"sip A {address}\n" for address in addresses or ["127.0.0.1"])
    pinned = f"_{port}._tcp.sip TLSA {tlsa}\n" if tlsa else ""
    return ZoneFiles(
        {"example.com": f"_sips._tcp SRV 1 1 {port} sip\n{records}{pinned}"},
        default="secure" if tlsa else "insecure",
    )


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> Generator[None]:
    """No run may leave a file, a socket or a thread open."""
    page()
    gc.collect()
    files, threads = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    yield
    gc.collect()
    assert (len(list(Path("/proc/self/fd").iterdir())), threading.active_count()) == (files, threads)


def test_an_accepted_connection_carries_a_request_and_its_reply() -> None:
    with LoopbackServer(GOOD) as server:
        reply, verdict = call(world(server.port))
        seen = server.only()
    assert (verdict.method, verdict.code) == ("pkix", "id.match")
    assert (seen.received, seen.server_name, reply) == (MESSAGE, "example.com", REPLY)


def test_a_pinned_key_is_accepted() -> None:
    pin = f"3 1 1 {hashlib.sha256(STRANGER.spki).hexdigest()}"
    with LoopbackServer(tls(server_context(STRANGER))) as server:
        reply, verdict = call(world(server.port, tlsa=pin), anchors=Anchors())
    assert (verdict.method, reply) == ("dane-ee", REPLY)


def test_revocation_is_asked_for_and_answered() -> None:
    loose, strict = Policy(revocation="crl"), Policy(revocation="crl-required")
    for policy, outcome in ((loose, Outcome.ACCEPTED), (strict, Outcome.UNDETERMINED)):
        with LoopbackServer(GOOD) as server:
            _, verdict = call(world(server.port), policy)
            server.only()
        assert verdict.outcome is outcome
        assert "crl.missing" in {finding.code for finding in verdict.findings}


@pytest.mark.req("R5922-7.3-4")
def test_a_rejected_peer_is_sent_no_octet() -> None:
    with LoopbackServer(tls(server_context(STRANGER), greeting=b"x" * 50_000)) as server:
        _, verdict = call(world(server.port))
        assert server.only().received == b""
    assert (verdict.outcome, verdict.code) == (Outcome.REJECTED, "id.mismatch")


@pytest.mark.parametrize(
    ("behaviour", "code"), [(hangs_up, "net.closed"), (says(b"SIP/2.0 400 Bad Request\r\n\r\n"), "tls.plain-sip")]
)
def test_a_handshake_that_fails_is_a_verdict(behaviour: Any, code: str) -> None:
    with LoopbackServer(behaviour) as server:
        _, verdict = call(world(server.port))
    assert (verdict.outcome, verdict.code) == (Outcome.UNDETERMINED, code)


@pytest.mark.parametrize(
    ("policy", "code"),
    [(Policy(connect_timeout=0.2), "net.timeout"), (Policy(limits=Limits(seconds=0.2)), "limit.seconds")],
)
def test_a_silent_server_is_a_verdict_when_its_time_is_over(policy: Policy, code: str) -> None:
    with LoopbackServer(keeps_silent) as server:
        _, verdict = call(world(server.port), policy)
        server.only()  # the connection was closed
    assert (verdict.outcome, verdict.code) == (Outcome.UNDETERMINED, code)


def test_a_time_that_is_over_before_anything_is_asked_is_a_verdict() -> None:
    _, verdict = call(world(5061), Policy(limits=Limits(seconds=1e-9)))
    assert verdict.code == "limit.seconds"


def test_the_second_address_is_used_when_the_first_refuses() -> None:
    with LoopbackServer(GOOD, "127.0.0.2") as server:
        reply, verdict = call(world(server.port, "127.0.0.3", "127.0.0.2"))
    assert verdict.endpoint is not None
    assert (verdict.endpoint.address, reply) == ("127.0.0.2", REPLY)


def test_the_second_address_is_used_when_somebody_else_answers_at_the_first() -> None:
    with (
        LoopbackServer(GOOD, "127.0.0.2") as good,
        LoopbackServer(tls(server_context(STRANGER)), "127.0.0.1", good.port) as bad,
    ):
        reply, verdict = call(world(good.port, "127.0.0.1", "127.0.0.2"))
        assert bad.only().received == b""
    assert (verdict.accepted, reply) == (True, REPLY)


def test_staggered_attempts_reach_the_second_address_while_the_first_keeps_silent() -> None:
    with (
        LoopbackServer(GOOD, "127.0.0.2") as good,
        LoopbackServer(keeps_silent, "127.0.0.1", good.port) as silent,
    ):
        reply, verdict = call(world(good.port, "127.0.0.1", "127.0.0.2"), Policy(attempt_delay=0.1))
        silent.only()  # the connection was closed
    assert (verdict.accepted, reply) == (True, REPLY)


def test_an_exception_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_action: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(page(), "validate_path", interrupted)
    monkeypatch.setitem(page(), "in_thread", at_once)
    with LoopbackServer(GOOD) as server:
        with pytest.raises(KeyboardInterrupt):
            call(world(server.port))
        assert server.only().received == b""


def at_once(work: Callable[[None], Any]) -> Generator[Any, None, Any]:
    """A task that waits for nothing."""
    yield from ()
    return work(None)


def test_a_lazy_machine_is_driven_on_and_what_was_left_is_taken_up() -> None:
    zones = ZoneFiles({"example.com": "_sips._tcp SRV 1 1 1 a\n_sips._tcp SRV 2 1 1 b\na A 192.0.2.1\nb A 192.0.2.2\n"})
    network = page()["Network"](zones)
    machine = Locate(URI, policy=Policy(prefetch=1), now=time.monotonic(), at=datetime.now(UTC), randbelow=None)
    broken = ["b.example.com"]

    def perform(action: Lookup) -> Generator[Any, None, Any]:
        if action.name in broken:
            broken.clear()
            raise KeyboardInterrupt
        task: Generator[Any, None, Any] = network.perform(action)
        return task

    def drive() -> list[str]:
        return [target.host for target in page()["drive"](machine, perform, network.close).targets]

    assert drive() == ["a.example.com"]
    machine.receive(TargetInUse(machine.targets[0]), now=time.monotonic())
    with pytest.raises(KeyboardInterrupt):
        drive()
    assert drive() == ["a.example.com"]
    machine.receive(TargetFailed(machine.targets[0], TargetFailure.TIMEOUT), now=time.monotonic())
    assert drive() == ["a.example.com", "b.example.com"]
