"""DNS over TLS and over HTTPS as a validating resolver speaks them, over the lab's tree."""

from pathlib import Path

import pytest

from loops import Loop, on_every_loop
from resolving import Ask, in_every_way
from servers.kamailio import options
from servers.lab import Lab
from servers.nameservers import HTTPS_PORT, RESOLVER_ADDRESS, RESOLVER_NAME, RESOLVER_PORT, RESOLVER_ROOTS, TLS_PORT
from siptls import Outcome
from siptls.dns import Lookup, Security
from siptls.dns.question import RRType
from siptls.events import Answered, Failure, LookupFailed
from siptls_io import AdResolver, anchors_from_pem

pytestmark = pytest.mark.server("nsd", "unbound", "kamailio", "ldns-signzone")

PLAIN = f"{RESOLVER_ADDRESS}:{RESOLVER_PORT}"
SERVERS = [
    f"tls://{RESOLVER_ADDRESS}:{TLS_PORT}#{RESOLVER_NAME}",
    f"tls://{RESOLVER_ADDRESS}:{TLS_PORT}",
    f"https://{RESOLVER_ADDRESS}:{HTTPS_PORT}/dns-query#{RESOLVER_NAME}",
    f"https://{RESOLVER_ADDRESS}:{HTTPS_PORT}/dns-query",
]
QUESTIONS: list[tuple[str, RRType]] = [
    ("dane-ee.example", "NAPTR"),
    ("_sips._tcp.dane-ee.example", "SRV"),
    ("sip.dane-ee.example", "A"),
    ("_5061._tcp.sip.dane-ee.example", "TLSA"),
    ("sip.dane-ee.example", "AAAA"),
    ("_5061._tcp.sip.no-tlsa.example", "TLSA"),
    ("www.alias.example", "A"),
]


def resolver(lab: Lab, server: str, *, trusted: bool) -> AdResolver:
    trust = [server] if trusted else []
    return AdResolver([server], trust, timeout=60, patience=60, ca_file=roots(lab))


def roots(lab: Lab) -> Path:
    return lab.ca_file.with_name(RESOLVER_ROOTS)


def shown(event: object) -> list[object]:
    """All of an answer but its source and its times."""
    assert isinstance(event, Answered), event
    answer = event.answer
    aliases = [(step.owner, step.target, step.security) for step in answer.aliases]
    return [answer.question, aliases, answer.owner, sorted(map(str, answer.records)), answer.denial, answer.security]


@in_every_way
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.req("T-S02", "R4035-4.9.3-1")
def test_answers_are_the_same_as_over_udp_and_secure_only_from_a_trusted_resolver(
    lab: Lab, ask: Ask, server: str
) -> None:
    for name, rrtype in QUESTIONS:
        lookup = Lookup(name, rrtype)
        over_udp = shown(ask(resolver(lab, PLAIN, trusted=True), lookup))
        assert over_udp[-1] is Security.SECURE
        assert shown(ask(resolver(lab, server, trusted=True), lookup)) == over_udp
        event = ask(resolver(lab, server, trusted=False), lookup)
        assert isinstance(event, Answered)
        assert event.answer.security is Security.INSECURE


@in_every_way
@pytest.mark.parametrize("server", SERVERS)
def test_data_that_do_not_validate_are_told_with_their_reason(lab: Lab, ask: Ask, server: str) -> None:
    event = ask(resolver(lab, server, trusted=True), Lookup("_sips._tcp.bogus.example", "SRV"))
    assert isinstance(event, LookupFailed)
    assert event.reason is Failure.BOGUS
    assert event.detail.startswith("SERVFAIL, EDE ")


@in_every_way
@pytest.mark.parametrize("server", SERVERS)
def test_a_resolver_with_another_certificate_is_asked_nothing(lab: Lab, ask: Ask, server: str) -> None:
    stranger = f"{server.partition('#')[0]}#other.example"
    event = ask(resolver(lab, stranger, trusted=True), Lookup("dane-ee.example", "NAPTR"))
    assert isinstance(event, LookupFailed)
    assert event.reason is Failure.MALFORMED
    assert "not authenticated" in event.detail
    event = ask(AdResolver([server], ca_file=lab.ca_file, timeout=60, patience=60), Lookup("dane-ee.example", "NAPTR"))
    assert isinstance(event, LookupFailed)
    assert "not authenticated" in event.detail


@on_every_loop
@pytest.mark.parametrize("server", [SERVERS[0], SERVERS[2]])
def test_dane_accepts_a_peer_whose_records_came_encrypted_from_a_trusted_resolver(
    lab: Lab, loop: Loop, server: str
) -> None:
    before = lab.kamailio.now()
    verdict, reply = loop.reach(
        "sip:alice@dane-ee.example",
        say=options("dane-ee.example"),
        resolver=resolver(lab, server, trusted=True),
        anchors=anchors_from_pem(lab.ca_file),
    )
    assert (verdict.outcome, verdict.method) == (Outcome.ACCEPTED, "dane-ee")
    assert reply.startswith(b"SIP/2.0 200")
    lab.kamailio.ended(before, count=1)
