"""All five `connect()`s against real servers: what may be used is used, and what may not hears nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import anyio
import pytest
import trio

import siptls_io.anyio
import siptls_io.asyncio
import siptls_io.blocking
import siptls_io.trio
from servers.kamailio import options
from servers.lab import Lab
from servers.nameservers import RESOLVER_ADDRESS, RESOLVER_PORT
from siptls import Anchors, Outcome, Verdict
from siptls_io.ad_resolver import AdResolver
from siptls_io.anchors import anchors_from_pem
from siptls_io.connection import NoService, NotConnected, PeerRejected, PeerUndetermined

pytestmark = pytest.mark.server("nsd", "unbound", "kamailio", "ldns-signzone")

Asked: TypeAlias = tuple[Verdict, bytes]
Ask: TypeAlias = Callable[[str, AdResolver, Anchors], Asked]

END_OF_HEADERS = b"\r\n\r\n"


def ask_blocking(domain: str, resolver: AdResolver, anchors: Anchors) -> Asked:
    connection = siptls_io.blocking.connect(f"sip:alice@{domain}", resolver=resolver, anchors=anchors)
    with connection.stream as stream:
        stream.sendall(options(domain))
        reply = b""
        while END_OF_HEADERS not in reply:
            received = stream.recv(4096)
            assert received, "the server ended the connection"
            reply += received
        return connection.verdict, reply


async def _headers(receive: Callable[[], Awaitable[bytes | bytearray]]) -> bytes:
    reply = b""
    while END_OF_HEADERS not in reply:
        received = await receive()
        assert received, "the server ended the connection"
        reply += received
    return reply


async def _by_asyncio(domain: str, resolver: AdResolver, anchors: Anchors) -> Asked:
    connection = await siptls_io.asyncio.connect(f"sip:alice@{domain}", resolver=resolver, anchors=anchors)
    reader, writer = connection.stream
    try:
        writer.write(options(domain))
        return connection.verdict, await reader.readuntil(END_OF_HEADERS)
    finally:
        writer.close()
        await writer.wait_closed()


async def _by_trio(domain: str, resolver: AdResolver, anchors: Anchors) -> Asked:
    connection = await siptls_io.trio.connect(f"sip:alice@{domain}", resolver=resolver, anchors=anchors)
    async with connection.stream as stream:
        await stream.send_all(options(domain))
        return connection.verdict, await _headers(stream.receive_some)


async def _by_anyio(domain: str, resolver: AdResolver, anchors: Anchors) -> Asked:
    connection = await siptls_io.anyio.connect(f"sip:alice@{domain}", resolver=resolver, anchors=anchors)
    async with connection.stream as stream:
        await stream.send(options(domain))
        return connection.verdict, await _headers(stream.receive)


def ask_asyncio(domain: str, resolver: AdResolver, anchors: Anchors) -> Asked:
    return asyncio.run(_by_asyncio(domain, resolver, anchors))


def ask_trio(domain: str, resolver: AdResolver, anchors: Anchors) -> Asked:
    return trio.run(_by_trio, domain, resolver, anchors)


def ask_anyio(backend: str, domain: str, resolver: AdResolver, anchors: Anchors) -> Asked:
    return anyio.run(_by_anyio, domain, resolver, anchors, backend=backend)


LOOPS: dict[str, Ask] = {
    "asyncio": ask_asyncio,
    "trio": ask_trio,
    "anyio+asyncio": partial(ask_anyio, "asyncio"),
    "anyio+trio": partial(ask_anyio, "trio"),
    "blocking": ask_blocking,
}


@pytest.fixture(params=list(LOOPS))
def ask(request: pytest.FixtureRequest) -> Ask:
    """Connect, send OPTIONS on the accepted connection, and return the verdict and the answer."""
    return LOOPS[request.param]


@pytest.fixture
def resolver() -> AdResolver:
    """A new one each time, since the cache is part of it."""
    server = (RESOLVER_ADDRESS, RESOLVER_PORT)
    return AdResolver([server], trusted=[server])


@pytest.fixture
def anchors(lab: Lab) -> Anchors:
    return anchors_from_pem(lab.ca_file)


@pytest.mark.parametrize(
    ("name", "method", "server_name"),
    [
        # With usable TLSA records the server is asked for by its own name, else by that of the domain.
        pytest.param("dane-ee", "dane-ee", "sip.dane-ee.example", marks=pytest.mark.req("D-SEC-1", "R7671-10.2-1")),
        pytest.param("dane-ta", "dane-ta", "sip.dane-ta.example", marks=pytest.mark.req("R7671-10.2-1")),
        pytest.param("pkix-ta", "pkix-ta", "sip.pkix-ta.example", marks=pytest.mark.req("R7671-10.2-1")),
        pytest.param("alias", "dane-ee", "sip.alias.example", marks=pytest.mark.req("R7671-7-3", "R7671-7-5")),
        pytest.param("hosted", "dane-ee", "sip.hoster.example", marks=pytest.mark.req("D-SEC-3")),
        pytest.param("no-tlsa", "pkix", "no-tlsa.example", marks=pytest.mark.req("R7673-4.1-4")),
        pytest.param("unusable", "pkix", "unusable.example", marks=pytest.mark.req("R7673-4.1-4")),
        pytest.param("mixed", "pkix", "mixed.example", marks=pytest.mark.req("R7673-4.1-4")),
        pytest.param("dname", "dane-ee", "sip.hoster.example", marks=pytest.mark.req("R7671-7-3", "R7671-7-5")),
        pytest.param("ipv6", "dane-ee", "sip.ipv6.example"),
        pytest.param("unsigned", "pkix", "unsigned.example", marks=pytest.mark.req("R5922-7.8-2", "R7673-4.1-4")),
    ],
)
def test_an_accepted_server_answers_options_on_that_connection(
    lab: Lab, ask: Ask, resolver: AdResolver, anchors: Anchors, name: str, method: str, server_name: str
) -> None:
    before = lab.kamailio.now()
    verdict, reply = ask(f"{name}.example", resolver, anchors)
    assert verdict.accepted
    assert verdict.method == method
    assert reply.startswith(b"SIP/2.0 200 OK\r\n")
    (seen,) = lab.kamailio.ended(before, count=1)
    assert seen.methods == ["OPTIONS"]
    assert seen.server_name == server_name


@pytest.mark.req("R5922-7.3-4", "R5922-4-3")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("mismatch", "dane.no-match"),
        ("dane-ta-name", "id.mismatch"),
        ("pkix-ee-private", "chain.unknown-ca"),
        ("unsigned-host", "id.srv-target-only"),
        ("naptr-unsigned", "id.srv-target-only"),
    ],
)
def test_a_rejected_server_gets_a_handshake_and_no_request(
    lab: Lab, ask: Ask, resolver: AdResolver, anchors: Anchors, name: str, code: str
) -> None:
    before = lab.kamailio.now()
    with pytest.raises(PeerRejected) as rejected:
        ask(f"{name}.example", resolver, anchors)
    assert rejected.value.verdict.code == code
    (seen,) = lab.kamailio.ended(before, count=1)
    assert seen.secured
    assert seen.methods == []


@pytest.mark.req("R5922-7.3-4", "R7671-10.2-1")
def test_a_server_whose_key_does_not_match_gets_no_octet_after_the_handshake(
    lab: Lab, ask: Ask, resolver: AdResolver, anchors: Anchors
) -> None:
    before = len(lab.recorder.conversations)
    with pytest.raises(PeerRejected) as rejected:
        ask("watched.example", resolver, anchors)
    assert rejected.value.verdict.code == "dane.no-match"
    (conversation,) = lab.recorder.next_after(before)
    assert conversation.secured
    assert conversation.server_name == "sip.watched.example"
    assert conversation.octets == b""
    assert conversation.ending == "close_notify"


@pytest.mark.req("D-SEC-11")
def test_after_a_server_that_is_refused_the_next_one_is_used(
    lab: Lab, ask: Ask, resolver: AdResolver, anchors: Anchors
) -> None:
    before = lab.kamailio.now()
    verdict, reply = ask("failover.example", resolver, anchors)
    assert verdict.accepted
    assert verdict.endpoint is not None
    assert verdict.endpoint.host == "second.failover.example"
    assert reply.startswith(b"SIP/2.0 200 OK\r\n")
    first, second = lab.kamailio.ended(before, count=2)
    assert (first.secured, first.methods) == (True, [])
    assert (second.server_name, second.methods) == ("second.failover.example", ["OPTIONS"])


@pytest.mark.parametrize(
    ("name", "error", "outcome", "code"),
    [
        ("bogus", PeerUndetermined, Outcome.UNDETERMINED, "dnssec.bogus"),
        ("bogus-tlsa", PeerUndetermined, Outcome.UNDETERMINED, "dnssec.bogus"),
        ("silent", NoService, Outcome.NO_SERVICE, "locate.no-service"),
    ],
)
def test_without_a_server_to_judge_nobody_is_connected_to(
    lab: Lab,
    ask: Ask,
    resolver: AdResolver,
    anchors: Anchors,
    name: str,
    error: type[NotConnected],
    outcome: Outcome,
    code: str,
) -> None:
    before = lab.kamailio.now()
    with pytest.raises(error) as failed:
        ask(f"{name}.example", resolver, anchors)
    assert (failed.value.verdict.outcome, failed.value.verdict.code) == (outcome, code)
    assert lab.kamailio.connections(before) == []


@pytest.mark.req("R6698-4.1-4")
def test_a_resolver_that_is_not_trusted_makes_no_dane_verdict(lab: Lab, ask: Ask, anchors: Anchors) -> None:
    before = lab.kamailio.now()
    resolver = AdResolver([(RESOLVER_ADDRESS, RESOLVER_PORT)])
    verdict, _ = ask("dane-ee.example", resolver, anchors)
    assert verdict.method == "pkix"
    with pytest.raises(PeerRejected) as rejected:
        ask("dane-ta.example", resolver, anchors)
    assert "resolver.not-trusted" in [step.code for step in rejected.value.verdict.steps]
    lab.kamailio.ended(before, count=2)
