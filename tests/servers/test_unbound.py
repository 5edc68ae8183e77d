"""What libunbound in this process says of the lab's tree, beside what the lab's own validating resolver says."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from unittest.mock import MagicMock

import anyio
import dns.flags
import dns.message
import dns.query
import dns.rrset
import pytest
from dns.rdatatype import RdataType

from cli.console import run
from loopback_dns import NameServer
from loops import EventLoop, on_every_event_loop
from servers.deployments import Deployment
from servers.kamailio import options
from servers.lab import Lab
from servers.nameservers import (
    NAME_SERVER_PORT,
    REFUSED_NAMES,
    RESOLVER_ADDRESS,
    RESOLVER_PORT,
    UNANSWERED_NAME,
)
from servers.tree import NAME_SERVER_ADDRESS, Signing
from siptls import Outcome
from siptls.dns import Denial, Lookup, Security
from siptls.events import Answered, Failure, LookupEvent, LookupFailed
from siptls_io import AdResolver, UnboundResolver, anchors_from_pem

pytestmark = pytest.mark.server("nsd", "unbound", "kamailio", "ldns-signzone")

SERVER = f"{NAME_SERVER_ADDRESS}:{NAME_SERVER_PORT}"
RESOLVER = f"{RESOLVER_ADDRESS}:{RESOLVER_PORT}"
SECONDS = 30.0


@pytest.fixture(scope="module", params=[SERVER, RESOLVER], ids=["nsd", "unbound"])
def validating(request: pytest.FixtureRequest, lab: Lab) -> Generator[UnboundResolver]:
    """libunbound, which asks the name server, or a resolver that validates itself and keeps bogus answers back."""
    with UnboundResolver([request.param], lab.tree.trust_anchor, SECONDS) as resolver:
        yield resolver


def lookups(deployment: Deployment) -> list[Lookup]:
    """What a client may ask on its way to a deployment, and names that are not there."""
    host, domain = deployment.host, deployment.domain
    asked = [
        Lookup(domain, "NAPTR"),
        Lookup(f"_sips._tcp.{domain}", "SRV"),
        Lookup(f"_sip._tcp.{domain}", "SRV"),
        Lookup(host, "A"),
        Lookup(host, "AAAA"),
        Lookup(host, "CNAME"),
        Lookup(f"_5061._tcp.{host}", "TLSA"),
        Lookup(f"nowhere.{deployment.apex}", "A"),
        Lookup(deployment.apex, "A"),
    ]
    # What the lab's resolver itself refuses or leaves unanswered is no question of validation.
    odd = tuple(name.removesuffix(".") for name in (*REFUSED_NAMES, UNANSWERED_NAME))
    return [lookup for lookup in asked if not lookup.name.endswith(odd)]


def summary(event: LookupEvent) -> tuple[object, ...]:
    """What must be the same, whoever validates."""
    if isinstance(event, LookupFailed):
        return ("failed", event.reason)
    answer = event.answer
    aliases = [(step.owner, step.target, step.security) for step in answer.aliases]
    return answer.security, answer.denial, answer.owner, aliases, sorted(map(str, answer.records))


@pytest.mark.req("R4035-4.3-1", "R4035-5.2-4", "R4035-5.5-1", "T-S02")
def test_every_deployment_is_judged_as_the_labs_resolver_judges_it(lab: Lab, validating: UnboundResolver) -> None:
    trusted = AdResolver([RESOLVER], trusted=[RESOLVER], timeout=SECONDS, patience=SECONDS)
    seen: set[object] = set()
    for deployment in lab.deployments.values():
        for lookup in lookups(deployment):
            expected, found = trusted.answer(lookup), validating.answer(lookup)
            if deployment.signing is Signing.UNSERVED and isinstance(expected, LookupFailed):
                assert isinstance(found, LookupFailed), (lookup, found)
            else:
                assert summary(found) == summary(expected), (lookup, getattr(found, "detail", ""))
            seen.add(summary(found)[1 if isinstance(found, LookupFailed) else 0])
    assert {Security.SECURE, Security.INSECURE, Failure.BOGUS} <= seen


@pytest.mark.req("R4035-5.5-1", "R4035-5.4-3")
@pytest.mark.parametrize(
    ("lookup", "reason"),
    [
        (Lookup("_sips._tcp.bogus-srv.example", "SRV"), "failure <_sips._tcp.bogus-srv.example. SRV IN>"),
        (Lookup("_5061._tcp.sip.bogus-tlsa.example", "TLSA"), "failure <_5061._tcp.sip.bogus-tlsa.example. TLSA IN>"),
        (Lookup("_5061._tcp.sip.bogus-denial.example", "TLSA"), "validation failure"),
        (Lookup("expired.example", "NAPTR"), "signature expired"),
    ],
)
def test_bogus_data_say_which_and_why(lab: Lab, lookup: Lookup, reason: str) -> None:
    with UnboundResolver([SERVER], lab.tree.trust_anchor, SECONDS) as resolver:
        event = resolver.answer(lookup)
    assert isinstance(event, LookupFailed)
    assert event.reason is Failure.BOGUS
    assert reason in event.detail


@pytest.mark.req("R2308-2-1")
@pytest.mark.parametrize(
    ("lookup", "denial", "security"),
    [
        (Lookup("_5061._tcp.sip.no-tlsa.example", "TLSA"), Denial.NXDOMAIN, Security.SECURE),
        (Lookup("sip.dane-ee.example", "AAAA"), Denial.NODATA, Security.SECURE),
        (Lookup("_5061._tcp.sip.nsec3-no-tlsa.example", "TLSA"), Denial.NXDOMAIN, Security.SECURE),
        (Lookup("nowhere.unsigned.example", "A"), Denial.NXDOMAIN, Security.INSECURE),
    ],
)
def test_a_denial_is_as_secure_as_its_proof(lab: Lab, lookup: Lookup, denial: Denial, security: Security) -> None:
    with UnboundResolver([SERVER], lab.tree.trust_anchor, SECONDS) as resolver:
        event = resolver.answer(lookup)
    assert isinstance(event, Answered)
    assert (event.answer.denial, event.answer.security) == (denial, security)


@on_every_event_loop
def test_two_hundred_questions_at_a_time_in_every_loop(lab: Lab, loop: EventLoop) -> None:
    found: list[str] = []

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(200):
                group.start_soon(one, number)

    async def one(number: int) -> None:
        event = await resolver.answer_async(Lookup(f"nobody-{number}.dane-ee.example", "A"))
        assert isinstance(event, Answered), event
        found.append(event.answer.security.name)

    with UnboundResolver([SERVER], lab.tree.trust_anchor, SECONDS) as resolver:
        loop.run(main)
    assert found == ["SECURE"] * 200


@on_every_event_loop
def test_connect_uses_what_was_validated_here(lab: Lab, loop: EventLoop) -> None:
    before = lab.kamailio.now()
    with UnboundResolver([SERVER], lab.tree.trust_anchor, SECONDS) as resolver:
        verdict, reply = loop.reach(
            "sip:alice@dane-ee.example",
            say=options("dane-ee.example"),
            resolver=resolver,
            anchors=anchors_from_pem(lab.ca_file),
        )
    lab.kamailio.ended(before, count=1)
    assert reply.startswith(b"SIP/2.0 200 OK\r\n")
    assert (verdict.outcome, verdict.method) == (Outcome.ACCEPTED, "dane-ee")
    assert not [step.code for step in verdict.steps if step.code.startswith("resolver.")]


# The command line.


def checked(lab: Lab, name: str, *more: str, anchor: Path | None = None) -> tuple[tuple[str, str, str], set[str]]:
    """Check a deployment with the options that an operator would give."""
    before = lab.kamailio.now()
    arguments = ("--validate", "--trust-anchor", str(anchor or lab.tree.trust_anchor), "--ca-file", str(lab.ca_file))
    ran = run("check", f"sip:alice@{name}.example", *more, *arguments, "--format", "json")
    lab.kamailio.ended(before, count=1 if ran.json["verdict"]["endpoint"] else 0)
    assert ran.err == ""
    return ran.verdict, {step["code"] for step in ran.json["verdict"]["steps"]}


@pytest.mark.parametrize("address", [SERVER, RESOLVER])
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("dane-ee", ("ACCEPTED", "dane-ee")),
        ("unsigned", ("ACCEPTED", "pkix")),
        ("mismatch", ("REJECTED", "none")),
        ("bogus", ("UNDETERMINED", "none")),
    ],
)
def test_the_command_line_validates_what_the_name_server_says(
    lab: Lab, name: str, verdict: tuple[str, str], address: str
) -> None:
    found, codes = checked(lab, name, "--resolver", address)
    assert found[:2] == verdict
    assert not {code for code in codes if code.startswith("resolver.")}


def test_without_options_the_systems_name_servers_are_asked(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AdResolver, "system", MagicMock(return_value=AdResolver([SERVER])))
    found, codes = checked(lab, "dane-ee")
    assert found[:2] == ("ACCEPTED", "dane-ee")
    assert not {code for code in codes if code.startswith("resolver.")}


def test_with_the_anchor_of_another_root_all_is_bogus(lab: Lab, tmp_path: Path) -> None:
    other = tmp_path / "root.ds"
    other.write_text(". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n")
    found, _ = checked(lab, "dane-ee", "--resolver", SERVER, anchor=other)
    assert found == ("UNDETERMINED", "none", "dnssec.bogus")


# Somebody stands in between.

Tamper = Callable[[dns.message.Message], None]


def _without(message: dns.message.Message, *types: RdataType) -> None:
    for section in (message.answer, message.authority):
        section[:] = [rrset for rrset in section if rrset.rdtype not in types]


def strip_signatures(message: dns.message.Message) -> None:
    _without(message, RdataType.RRSIG)


def hide_the_delegation_signer(message: dns.message.Message) -> None:
    """Let a signed zone look like one that is not, as far as that goes without the parent's key."""
    if message.question[0].rdtype == RdataType.DS:
        message.answer.clear()
        message.authority.clear()
    elif message.question[0].name.to_text().endswith("dane-ee.example."):
        _without(message, RdataType.RRSIG, RdataType.NSEC)


def exchange_the_records(message: dns.message.Message) -> None:
    for number, rrset in enumerate(message.answer):
        if rrset.rdtype == RdataType.TLSA:
            message.answer[number] = dns.rrset.from_text(rrset.name, rrset.ttl, "IN", "TLSA", f"3 1 1 {'00' * 32}")


def hide_the_records(message: dns.message.Message) -> None:
    if message.question[0].rdtype == RdataType.TLSA:
        message.answer.clear()


@pytest.mark.req("T-S02", "R4035-5-2", "R4035-4.9.3-2", "R4035-5.2-2")
@pytest.mark.parametrize(
    "tampers",
    [
        [strip_signatures],
        [hide_the_delegation_signer],
        [exchange_the_records],
        [hide_the_records],
        [exchange_the_records, strip_signatures],
        [exchange_the_records, hide_the_delegation_signer],
    ],
)
def test_who_stands_in_between_and_sets_the_ad_bit_is_never_believed(lab: Lab, tampers: Sequence[Tamper]) -> None:
    def between(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        said = dns.query.udp_with_fallback(query, NAME_SERVER_ADDRESS, port=NAME_SERVER_PORT, timeout=SECONDS)[0]
        for tamper in tampers:
            tamper(said)
        said.flags |= dns.flags.AD
        return said

    with NameServer(between) as server, UnboundResolver([server.address], lab.tree.trust_anchor, SECONDS) as resolver:
        event = resolver.answer(Lookup("_5061._tcp.sip.dane-ee.example", "TLSA"))
    assert isinstance(event, LookupFailed)
    assert event.reason is Failure.BOGUS
