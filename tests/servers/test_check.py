"""`siptls check` against real servers: a validating resolver and Kamailio, with OpenSSL for a second opinion."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from servers.deployments import SIP_ADDRESS
from servers.kamailio import SIPS_PORT, Lifeline
from servers.lab import Lab
from servers.nameservers import RESOLVER_ADDRESS, RESOLVER_PORT
from servers.opinion import EXPLAINED_DIFFERENCES

pytestmark = pytest.mark.server("nsd", "unbound", "kamailio", "openssl")

EXIT_CODES = {"ACCEPTED": 0, "REJECTED": 1, "UNDETERMINED": 3, "NO_SERVICE": 4, "INSUFFICIENT": 5}


@dataclasses.dataclass(frozen=True)
class Told:
    """What the command told, and what Kamailio saw of it meanwhile."""

    exit_code: int
    verdict: dict[str, Any]
    seen: list[Lifeline]

    @property
    def summary(self) -> tuple[str, str, str]:
        return self.verdict["outcome"], self.verdict["method"], self.verdict["code"]

    @property
    def codes(self) -> list[str]:
        return [step["code"] for step in self.verdict["steps"]]


def siptls(verb: str, uri: str, *options: str) -> tuple[int, dict[str, Any]]:
    """Run the installed command with the lab's resolver; return its exit code and its JSON."""
    command = [str(Path(sys.executable).with_name("siptls")), verb, uri, "--format", "json", *options]
    command += ["--resolver", f"{RESOLVER_ADDRESS}:{RESOLVER_PORT}"]
    run = subprocess.run(command, check=False, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
    assert run.stderr == b""
    told: dict[str, Any] = json.loads(run.stdout)
    assert "error" not in told, told
    return run.returncode, told


def check(lab: Lab, uri: str, *options: str, trust_ad: bool = True, connections: int = 1) -> Told:
    """Run `siptls check` with the lab's trust anchors, and wait until Kamailio has seen the end of `connections`.

    Whatever comes of it: the exit code is that of the outcome, and Kamailio got handshakes but no request.
    """
    before = lab.kamailio.now()
    trust = ["--trust-ad"] if trust_ad else []
    exit_code, told = siptls("check", uri, "--ca-file", str(lab.ca_file), *trust, *options)
    assert exit_code == EXIT_CODES[told["verdict"]["outcome"]]
    seen = lab.kamailio.ended(before, count=connections)
    assert [(lifeline.secured, lifeline.methods) for lifeline in seen] == [(True, [])] * connections
    return Told(exit_code, told["verdict"], seen)


def case(name: str, outcome: str, method: str, code: str, *ids: str) -> object:
    return pytest.param(name, (outcome, method, code), marks=[pytest.mark.req(*ids)] if ids else [], id=name)


CONNECTED = [
    case("dane-ee", "ACCEPTED", "dane-ee", "dane.match", "D-SEC-1", "R6698-2.1.1-3", "R6698-4.1-2"),
    case("dane-ee-bare", "ACCEPTED", "dane-ee", "dane.match", "R7671-5.1-1", "R7671-5.1-2", "R7673-4.2-1"),
    case("rollover", "ACCEPTED", "dane-ee", "dane.match", "R6698-4.1-8"),
    case("tlsa-alias", "ACCEPTED", "dane-ee", "dane.match", "R6698-A.2-1"),
    case("alias", "ACCEPTED", "dane-ee", "dane.match", "R7671-7-1", "R7671-7-5"),
    case("hosted", "ACCEPTED", "dane-ee", "dane.match", "D-SEC-3", "R3263-4.1-13"),
    case("naptr-signed", "ACCEPTED", "dane-ee", "dane.match", "D-SEC-3", "R3263-4.1-13"),
    case("mismatch", "REJECTED", "none", "dane.no-match", "R7673-1-1", "R6698-4.1-7", "A-32"),
    case("agility", "REJECTED", "none", "dane.no-match", "R7671-9-1"),
    case("dane-ta", "ACCEPTED", "dane-ta", "dane.match", "R6698-2.1.1-2", "R7671-5.2.2-3"),
    case("dane-ta-key", "ACCEPTED", "dane-ta", "dane.match", "R7671-5.2.3-1"),
    case("dane-ta-full", "ACCEPTED", "dane-ta", "dane.match", "R7671-5.2.2-1"),
    case("dane-ta-uri", "ACCEPTED", "dane-ta", "dane.match", "A-19"),
    case("dane-either", "ACCEPTED", "dane-ta", "dane.match", "R6698-4.1-8"),
    case("dane-ta-absent", "REJECTED", "none", "dane.ta-not-sent", "R7671-5.2.2-2"),
    case("dane-ta-name", "REJECTED", "none", "id.mismatch", "R7671-5.2-2", "R7671-10.2-2"),
    case("dane-ta-expired", "REJECTED", "none", "chain.expired", "R7671-5.2-2"),
    case("pkix-ee", "ACCEPTED", "pkix-ee", "dane.match", "R6698-2.1.1-1", "R7671-5.3-1"),
    case("pkix-ee-private", "REJECTED", "none", "chain.unknown-ca", "R6698-2.1.1-1", "R7671-4-2"),
    case("pkix-ta", "ACCEPTED", "pkix-ta", "dane.match", "R6698-2.1.1-0"),
    case("pkix-ta-root", "ACCEPTED", "pkix-ta", "dane.match", "R7671-5.4-1"),
    case("pkix-ta-other", "REJECTED", "none", "dane.no-match", "R6698-2.1.1-0"),
    case("unusable", "ACCEPTED", "pkix", "id.match", "R7673-4.1-1", "A-06", "R6698-4.1-5"),
    case("no-tlsa", "ACCEPTED", "pkix", "id.match", "R7673-3.4-3"),
    case("host-only", "ACCEPTED", "pkix", "id.match-target", "R7673-4.1-3", "A-36"),
    case("mixed", "ACCEPTED", "pkix", "id.match-target", "R7673-4.1-3"),
    case("unsigned", "ACCEPTED", "pkix", "id.match", "R7673-3.1-3", "D-SEC-5", "R5922-7.3-1", "R6698-4.1-3"),
    case("unsigned-host", "REJECTED", "none", "id.srv-target-only", "R5922-7.3-1", "R7673-4.1-2", "D-SEC-5"),
    case("naptr-unsigned", "REJECTED", "none", "id.srv-target-only", "D-SEC-4"),
]
UNCONNECTED = [
    case("bogus", "UNDETERMINED", "none", "dnssec.bogus", "D-SEC-6"),
    case("expired", "UNDETERMINED", "none", "dnssec.bogus", "D-SEC-6"),
    case("bogus-srv", "UNDETERMINED", "none", "dnssec.bogus", "R7673-3.1-2"),
    case("bogus-tlsa", "UNDETERMINED", "none", "dnssec.bogus", "R7673-3.4-2", "R6698-4.1-2"),
    case("bogus-denial", "UNDETERMINED", "none", "dnssec.bogus", "R7673-3.4-2", "D-SEC-13"),
    case("silent", "NO_SERVICE", "none", "locate.no-service"),
    case("silent-unsigned", "NO_SERVICE", "none", "locate.no-service.unproven"),
]


def assert_openssl_agrees(lab: Lab, name: str, told: Told) -> None:
    """Compare with OpenSSL's opinion, where TLSA records are at hand; a difference must be an explained one."""
    if lab.deployments[name].tlsa:
        accepted = told.verdict["outcome"] == "ACCEPTED"
        opinion = lab.openssl_opinion_of(name)
        explanation = EXPLAINED_DIFFERENCES.get(name)
        assert (opinion.accepted != accepted) == (explanation is not None), (explanation, opinion.text)


@pytest.mark.req("R5922-7.3-4", "R5922-4-3")
@pytest.mark.parametrize(("name", "summary"), CONNECTED)
def test_a_server_gets_the_verdict_that_its_deployment_deserves_and_nothing_else(
    lab: Lab, name: str, summary: tuple[str, str, str]
) -> None:
    told = check(lab, f"sip:alice@{name}.example")
    assert told.summary == summary
    assert told.verdict["domain"] == f"{name}.example"
    assert "resolver.trust-ad" in told.codes
    assert_openssl_agrees(lab, name, told)


@pytest.mark.parametrize(("name", "summary"), UNCONNECTED)
def test_a_domain_whose_dns_leads_nowhere_is_not_connected_to(
    lab: Lab, name: str, summary: tuple[str, str, str]
) -> None:
    told = check(lab, f"sip:alice@{name}.example", connections=0)
    assert told.summary == summary
    assert told.verdict["endpoint"] is None
    assert_openssl_agrees(lab, name, told)


@pytest.mark.req("R7673-1-1", "R5922-7.3-4", "R7671-10.2-1")
def test_a_server_whose_key_does_not_match_gets_no_octet_after_the_handshake(lab: Lab) -> None:
    before = len(lab.recorder.conversations)
    told = check(lab, "sip:alice@watched.example", connections=0)
    assert told.summary == ("REJECTED", "none", "dane.no-match")
    assert told.exit_code == 1
    (conversation,) = lab.recorder.next_after(before)
    assert conversation.secured
    assert conversation.server_name == "sip.watched.example"
    assert conversation.octets == b""


@pytest.mark.req("D-SEC-11")
def test_after_a_server_that_is_refused_the_next_one_is_tried(lab: Lab) -> None:
    told = check(lab, "sip:alice@failover.example", connections=2)
    assert told.summary == ("ACCEPTED", "dane-ee", "dane.match")
    assert told.verdict["endpoint"]["host"] == "second.failover.example"
    assert told.codes.index("dane.no-match") < told.codes.index("dane.match")


@pytest.mark.req("D-SEC-8", "R3263-4.2-2")
@pytest.mark.parametrize(
    ("uri", "method"),
    [
        ("sips:sip.dane-ee.example:5061", "dane-ee"),
        ("sips:sip.dane-ta.example:5061", "dane-ta"),
        pytest.param("sips:www.alias.example:5061", "dane-ee", marks=pytest.mark.req("R7671-7-1", "R7671-7-3")),
        ("sips:sip.host-only.example:5061", "pkix"),
    ],
)
def test_a_port_in_the_uri_leads_to_the_tlsa_records_of_the_host_itself(lab: Lab, uri: str, method: str) -> None:
    told = check(lab, uri)
    assert (told.verdict["outcome"], told.verdict["method"]) == ("ACCEPTED", method)
    assert "locate.srv" not in told.codes


def test_what_is_verified_by_less_than_required_is_told_and_not_used(lab: Lab) -> None:
    told = check(lab, "sip:alice@no-tlsa.example", "--require", "dane")
    assert told.summary == ("INSUFFICIENT", "pkix", "policy.too-weak")
    assert told.exit_code == 5


@pytest.mark.req("R3263-4.2-6")
def test_the_servers_of_a_domain_are_located_in_the_order_of_their_priority(lab: Lab) -> None:
    before = lab.kamailio.now()
    exit_code, told = siptls("locate", "sips:alice@failover.example", "--trust-ad")
    assert exit_code == 0
    assert [(target["host"], target["address"], target["port"]) for target in told["targets"]] == [
        ("first.failover.example", SIP_ADDRESS, SIPS_PORT),
        ("second.failover.example", SIP_ADDRESS, SIPS_PORT),
    ]
    assert lab.kamailio.connections(before) == []


UNTRUSTED = [
    # The same answers, believed by nobody: DANE neither proves nor refuses anything.
    case("dane-ee", "ACCEPTED", "pkix", "id.match", "R6698-4.1-3"),
    case("mismatch", "ACCEPTED", "pkix", "id.match", "R6698-4.1-3"),
    case("dane-ta", "REJECTED", "none", "chain.unknown-ca", "R5922-7.1-1"),
    case("pkix-ee", "REJECTED", "none", "id.srv-target-only", "R5922-7.3-1", "R7673-4.1-2"),
    case("host-only", "REJECTED", "none", "id.srv-target-only", "R5922-7.3-1", "R7673-4.1-2"),
    case("silent", "NO_SERVICE", "none", "locate.no-service.unproven"),
]


@pytest.mark.req("R6698-4.1-4")
@pytest.mark.parametrize(("name", "summary"), UNTRUSTED)
def test_without_trust_ad_the_word_of_the_same_resolver_counts_for_nothing(
    lab: Lab, name: str, summary: tuple[str, str, str]
) -> None:
    told = check(lab, f"sip:alice@{name}.example", trust_ad=False, connections=0 if name == "silent" else 1)
    assert told.summary == summary
    assert "resolver.not-trusted" in told.codes
    assert not {"resolver.trust-ad", "delegation.srv", "delegation.host", "dane.match"} & set(told.codes)
    assert "(secure)" not in json.dumps(told.verdict["steps"])


@pytest.mark.req("D-SEC-6")
def test_a_failed_lookup_stays_one_even_if_a_resolver_reports_it_that_is_not_trusted(lab: Lab) -> None:
    told = check(lab, "sip:alice@bogus.example", trust_ad=False, connections=0)
    assert told.summary == ("UNDETERMINED", "none", "dnssec.bogus")
