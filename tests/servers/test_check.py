"""`siptls check` against real servers: a validating resolver and Kamailio."""

import json

import pytest

from servers.checking import EXIT_CODES, Checked, check, installed_siptls, siptls
from servers.deployments import SIP_ADDRESS
from servers.detours import SIP_ADDRESS_6
from servers.kamailio import SIPS_PORT
from servers.lab import Lab

pytestmark = pytest.mark.server("nsd", "unbound", "kamailio", "ldns-signzone")


def case(name: str, outcome: str, method: str, code: str, *ids: str) -> object:
    return pytest.param(name, (outcome, method, code), marks=[pytest.mark.req(*ids)] if ids else [], id=name)


ACCEPTED_BY_KEY = ("ACCEPTED", "dane-ee", "dane.match")
BY_TARGET = ("ACCEPTED", "pkix", "id.match-target")
BY_DOMAIN = ("ACCEPTED", "pkix", "id.match")
TARGET_ONLY = ("REJECTED", "none", "id.srv-target-only")
NO_MATCH = ("REJECTED", "none", "dane.no-match")
BOGUS = ("UNDETERMINED", "none", "dnssec.bogus")
TLSA_FAILED = ("UNDETERMINED", "none", "dane.lookup-failed")

SHOWN = [
    case("dane-ee", *ACCEPTED_BY_KEY, "D-SEC-1", "R6698-2.1.1-3", "R6698-4.1-2"),
    case("dane-ee-bare", *ACCEPTED_BY_KEY, "R7671-5.1-1", "R7671-5.1-2", "R7673-4.2-1"),
    case("dane-ee-full", *ACCEPTED_BY_KEY, "R6698-2.1.2-1", "R6698-2.1.3-1"),
    case("dane-ee-key-full", *ACCEPTED_BY_KEY, "R6698-2.1.2-1", "R6698-2.1.3-1"),
    case("rollover", *ACCEPTED_BY_KEY, "R6698-4.1-8"),
    case("part-unusable", *ACCEPTED_BY_KEY, "R6698-4.1-5", "R6698-4.1-8"),
    case("mismatch", *NO_MATCH, "R7673-1-1", "R6698-4.1-7", "A-32"),
    case("agility", *NO_MATCH, "R7671-9-1"),
    case("part-unusable-mismatch", *NO_MATCH, "R6698-4.1-7", "A-32"),
    case("dane-ee-second", *NO_MATCH, "R6698-2.1.1-3"),
    case("dane-ta", "ACCEPTED", "dane-ta", "dane.match", "R6698-2.1.1-2", "R7671-5.2.2-3"),
    case("dane-ta-key", "ACCEPTED", "dane-ta", "dane.match", "R7671-5.2.3-1"),
    case("dane-ta-full", "ACCEPTED", "dane-ta", "dane.match", "R7671-5.2.2-1"),
    case("dane-ta-uri", "ACCEPTED", "dane-ta", "dane.match", "A-19"),
    case("dane-either", "ACCEPTED", "dane-ta", "dane.match", "R6698-4.1-8"),
    case("dane-ta-absent", "REJECTED", "none", "dane.ta-not-sent", "R7671-5.2.2-2"),
    case("dane-ta-leaf", "REJECTED", "none", "dane.ta-depth-0", "A-21"),
    case("dane-ta-stranger", "REJECTED", "none", "chain.unknown-ca", "R6698-2.1.1-2"),
    case("dane-ta-name", "REJECTED", "none", "id.mismatch", "R7671-5.2-2", "R7671-10.2-2"),
    case("dane-ta-wildcard", "REJECTED", "none", "id.wildcard", "A-11", "R7671-10.2-3"),
    case("dane-ta-cn", "REJECTED", "none", "id.cn-only", "A-10"),
    case("dane-ta-expired", "REJECTED", "none", "chain.expired", "R7671-5.2-2"),
    case("pkix-ee", "ACCEPTED", "pkix-ee", "dane.match", "R6698-2.1.1-1", "R7671-5.3-1"),
    case("pkix-ee-private", "REJECTED", "none", "chain.unknown-ca", "R6698-2.1.1-1", "R7671-4-2"),
    case("pkix-ta", "ACCEPTED", "pkix-ta", "dane.match", "R6698-2.1.1-0"),
    case("pkix-ta-root", "ACCEPTED", "pkix-ta", "dane.match", "R7671-5.4-1"),
    case("pkix-ta-other", *NO_MATCH, "R6698-2.1.1-0"),
    case("unusable", *BY_DOMAIN, "R7673-4.1-1", "A-06", "R6698-4.1-5"),
    case("unknown-matching", *BY_DOMAIN, "R7673-4.1-1", "A-06", "R6698-4.1-5"),
    case("other-port", *BY_DOMAIN, "R7673-3.3-1", "R7673-3.4-3"),
    case("no-tlsa", *BY_DOMAIN, "R7673-3.4-3"),
    case("host-only", *BY_TARGET, "R7673-4.1-3", "A-36"),
    case("mixed", *BY_TARGET, "R7673-4.1-3", "R7673-3.2-2"),
    case("unsigned", *BY_DOMAIN, "R7673-3.1-3", "D-SEC-5", "R5922-7.3-1", "R6698-4.1-3"),
    case("unsigned-host", *TARGET_ONLY, "R5922-7.3-1", "R7673-4.1-2", "D-SEC-5"),
]
LED = [
    case("hoster", *ACCEPTED_BY_KEY, "D-SEC-1"),
    case("hosted", *ACCEPTED_BY_KEY, "D-SEC-3", "R3263-4.1-13"),
    case("hosted-unsigned", *TARGET_ONLY, "D-SEC-5", "R7673-4.1-2"),
    case("naptr-signed", *ACCEPTED_BY_KEY, "D-SEC-3", "R3263-4.1-13"),
    case("naptr-unsigned", *TARGET_ONLY, "D-SEC-4"),
    case("naptr-to-unsigned", *BY_DOMAIN, "D-SEC-5", "R7673-3.1-3"),
    case("srv-only", *ACCEPTED_BY_KEY, "D-SEC-2"),
    case("failover-bogus", *ACCEPTED_BY_KEY, "R7673-3.2-3"),
    case("order", *BY_DOMAIN, "R7673-3.1-4"),
    case("alias", *ACCEPTED_BY_KEY, "R7671-7-1", "R7671-7-5"),
    case("alias-original", *ACCEPTED_BY_KEY, "R7671-7-2", "R7671-7-5"),
    case("alias-unsigned", *BY_TARGET, "R7673-3.2-2", "A-28"),
    case("dname", *ACCEPTED_BY_KEY, "R7671-7-1", "R7671-7-5"),
    case("dname-unsigned", *BY_TARGET, "R7673-3.2-2"),
    case("srv-alias", *ACCEPTED_BY_KEY, "R7673-3.1-1"),
    case("srv-alias-unsigned", *TARGET_ONLY, "R7673-3.1-1"),
    case("naptr-alias", *ACCEPTED_BY_KEY, "D-SEC-1", "D-SEC-3"),
    case("naptr-alias-unsigned", *ACCEPTED_BY_KEY, "D-SEC-7"),
    case("tlsa-alias", *ACCEPTED_BY_KEY, "R6698-A.2-1"),
    case("tlsa-dname", *ACCEPTED_BY_KEY, "R6698-A.2-1"),
    case("tlsa-alias-unsigned", *BY_TARGET, "R7673-3.4-3"),
    case("wildcard-tlsa", *ACCEPTED_BY_KEY, "R6698-A.2-1"),
    case("wildcard-alias", *ACCEPTED_BY_KEY, "R6698-A.2-1"),
    case("wildcard-host", *ACCEPTED_BY_KEY, "R6698-A.2-1"),
    case("wildcard-srv", *ACCEPTED_BY_KEY, "R7673-3.1-1"),
    case("wildcard-beside", *BY_TARGET, "R7673-3.4-3"),
    case("ipv6", *ACCEPTED_BY_KEY),
    case("ipv6-unsigned", *BY_DOMAIN, "R7673-3.1-3", "D-SEC-5"),
    case("dual", *ACCEPTED_BY_KEY),
    case("dual-bogus-a", *ACCEPTED_BY_KEY, "D-SEC-13", "A-29"),
    case("dual-bogus-aaaa", *ACCEPTED_BY_KEY, "D-SEC-13", "A-29"),
    case("direct", *ACCEPTED_BY_KEY, "D-SEC-8", "A-30"),
    case("direct-no-tlsa", *BY_DOMAIN, "D-SEC-8"),
    case("direct-unsigned", *BY_DOMAIN, "R7673-3.1-3"),
    case("nsec3-direct", *ACCEPTED_BY_KEY, "D-SEC-8", "A-30"),
    case("opt-out-direct", *BY_DOMAIN, "R7673-3.1-3", "A-30"),
    case("nsec3", *ACCEPTED_BY_KEY, "D-SEC-1"),
    case("nsec3-no-tlsa", *BY_TARGET, "R7673-3.4-3"),
    case("nsec3-wildcard", *ACCEPTED_BY_KEY, "R6698-A.2-1"),
    case("opt-out", *BY_TARGET, "R7673-3.4-3"),
    case("signed.nsec3", *ACCEPTED_BY_KEY, "D-SEC-1"),
    case("signed.opt-out", *ACCEPTED_BY_KEY, "D-SEC-1"),
    case("unsigned.nsec3", *TARGET_ONLY, "D-SEC-5"),
    case("unsigned.opt-out", *TARGET_ONLY, "D-SEC-5"),
    # To whoever knows neither algorithm nor digest of its DS record, a zone is an unsigned one.
    case("unknown-algorithm", *BY_DOMAIN, "R7673-3.1-3", "R6698-4.1-3"),
    case("unknown-digest", *BY_DOMAIN, "R7673-3.1-3", "R6698-4.1-3"),
]
UNCONNECTED = [
    case("bogus", *BOGUS, "D-SEC-6"),
    case("expired", *BOGUS, "D-SEC-6"),
    case("wrong-ds", *BOGUS, "D-SEC-6"),
    case("unserved", *BOGUS, "D-SEC-6"),
    case("naptr-bogus", *BOGUS, "D-SEC-6"),
    case("naptr-refused", "UNDETERMINED", "none", "locate.refused", "D-SEC-6"),
    case("naptr-to-bogus", *BOGUS, "R7673-3.1-2"),
    case("bogus-srv", *BOGUS, "R7673-3.1-2"),
    case("srv-alias-loop", "UNDETERMINED", "none", "locate.servfail", "R7673-3.1-2"),
    case("srv-to-bogus", *BOGUS, "R7673-3.2-3"),
    case("bogus-address", *BOGUS, "R7673-3.2-3"),
    case("refused", "UNDETERMINED", "none", "locate.refused", "R7673-3.2-3"),
    case("bogus-tlsa", *BOGUS, "R7673-3.4-2", "R6698-4.1-2"),
    case("bogus-denial", *BOGUS, "R7673-3.4-2", "D-SEC-13"),
    case("tlsa-alias-bogus", *BOGUS, "R7673-3.4-2"),
    case("tlsa-alias-loop", *TLSA_FAILED, "R7673-3.4-2"),
    case("tlsa-alias-long", *TLSA_FAILED, "R7673-3.4-2"),
    case("unanswered", *TLSA_FAILED, "R7673-3.4-2", "R6698-4.1-10"),
    case("srv-root", "NO_SERVICE", "none", "locate.no-service", "R2782-tgt-2"),
    case("silent", "NO_SERVICE", "none", "locate.no-service"),
    case("nsec3-silent", "NO_SERVICE", "none", "locate.no-service"),
    case("silent-unsigned", "NO_SERVICE", "none", "locate.no-service.unproven"),
    # The denials of an opt-out zone prove nothing: an unsigned name may be there (RFC 5155 section 6).
    case("opt-out-silent", "NO_SERVICE", "none", "locate.no-service.unproven"),
]
ELSEWHERE = {"watched", "failover"}
"""Who is checked in tests of their own."""


@pytest.mark.req("R5922-7.3-4", "R5922-4-3")
@pytest.mark.parametrize(("name", "summary"), SHOWN + LED)
def test_a_server_gets_the_verdict_that_its_deployment_deserves_and_nothing_else(
    lab: Lab, checked: Checked, name: str, summary: tuple[str, str, str]
) -> None:
    told = checked(name)
    assert told.summary == summary
    assert len(told.seen) == 1
    assert told.verdict["domain"] == lab.deployments[name].domain
    assert "resolver.trust-ad" in told.codes


@pytest.mark.parametrize(("name", "summary"), UNCONNECTED)
def test_a_domain_whose_dns_leads_nowhere_is_not_connected_to(
    checked: Checked, name: str, summary: tuple[str, str, str]
) -> None:
    told = checked(name)
    assert told.summary == summary
    assert told.verdict["endpoint"] is None
    assert told.seen == []


def test_no_deployment_is_without_an_expected_verdict(lab: Lab) -> None:
    expected = [str(getattr(each, "id", "")) for each in SHOWN + LED + UNCONNECTED]
    assert sorted([*expected, *ELSEWHERE]) == sorted(lab.deployments)


@pytest.mark.parametrize("name", ["dane-ee", "mismatch", "bogus-tlsa", "silent"])
def test_the_installed_command_tells_the_same_as_a_process_of_its_own(lab: Lab, checked: Checked, name: str) -> None:
    told = checked(name)
    before = lab.kamailio.now()
    code, again = installed_siptls("check", f"sip:alice@{name}.example", "--trust-ad", "--ca-file", str(lab.ca_file))
    lab.kamailio.ended(before, count=len(told.seen))
    assert code == told.exit_code == EXIT_CODES[told.verdict["outcome"]]
    assert (again["verdict"]["outcome"], again["verdict"]["method"], again["verdict"]["code"]) == told.summary
    assert [step["code"] for step in again["verdict"]["steps"]] == told.codes


@pytest.mark.req("R7673-3.2-2", "A-28", "A-30")
@pytest.mark.parametrize("name", ["alias-unsigned", "dname-unsigned", "mixed", "opt-out-direct", "direct-unsigned"])
def test_tlsa_records_are_not_asked_for_where_no_secure_answer_leads_to_the_server(checked: Checked, name: str) -> None:
    assert not {"dane.tlsa", "dane.lookup-failed", "dane.insecure"} & set(checked(name).codes)


@pytest.mark.req("D-SEC-7")
def test_an_unsigned_answer_without_naptr_records_leaves_the_transport_unprotected_and_says_so(
    checked: Checked,
) -> None:
    assert "locate.downgrade-possible" in checked("naptr-alias-unsigned").codes
    assert "locate.downgrade-possible" not in checked("naptr-alias").codes


@pytest.mark.req("R7673-3.1-4")
def test_a_better_server_of_lower_priority_is_not_preferred(checked: Checked) -> None:
    assert checked("order").verdict["endpoint"]["host"] == "sip.unsigned-host.example"


@pytest.mark.req("R7673-3.2-3", "D-SEC-13")
@pytest.mark.parametrize(
    ("name", "host", "address"),
    [
        ("failover-bogus", "second.failover-bogus.example", SIP_ADDRESS),
        ("dual-bogus-a", "sip.dual-bogus-a.example", SIP_ADDRESS_6),
        ("dual-bogus-aaaa", "sip.dual-bogus-aaaa.example", SIP_ADDRESS),
        ("ipv6", "sip.ipv6.example", SIP_ADDRESS_6),
    ],
)
def test_what_is_left_of_the_addresses_is_connected_to(checked: Checked, name: str, host: str, address: str) -> None:
    endpoint = checked(name).verdict["endpoint"]
    assert (endpoint["host"], endpoint["address"]) == (host, address)


@pytest.mark.req("R7984-3.1-1")
def test_the_addresses_of_both_families_are_located(lab: Lab) -> None:
    exit_code, told = siptls("locate", "sip:alice@dual.example", "--trust-ad")
    assert exit_code == 0
    assert {target["address"] for target in told["targets"]} == {SIP_ADDRESS, SIP_ADDRESS_6}


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
        pytest.param("sips:sip.pbx.dname.example:5061", "dane-ee", marks=pytest.mark.req("R7671-7-1", "R7671-7-3")),
        ("sips:sip.ipv6.example:5061", "dane-ee"),
        ("sips:sip.host-only.example:5061", "pkix"),
    ],
)
def test_a_port_in_the_uri_leads_to_the_tlsa_records_of_the_host_itself(lab: Lab, uri: str, method: str) -> None:
    told = check(lab, uri)
    assert (told.verdict["outcome"], told.verdict["method"]) == ("ACCEPTED", method)
    assert "locate.srv" not in told.codes


@pytest.mark.req("A-28", "R7671-7-4", "R7672-2.2.2-2", "R7672-2.1.3-3")
def test_an_alias_into_an_unsigned_zone_leaves_the_tlsa_records_at_its_own_name(lab: Lab) -> None:
    told = check(lab, "sips:sip.alias-unsigned.example:5061")
    assert told.summary == NO_MATCH
    assert "locate.alias" in told.codes


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
