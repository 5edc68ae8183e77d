"""Rows of RFC 5922, 5924, 6698, 7671, 7672, 7673 and 9525 that only a whole run shows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import EMAIL_PROTECTION, SERVER_AUTH, SIP_DOMAIN, constraints, dns, extension, other_name, uri
from judging import (
    CA,
    DOMAIN,
    LEAF,
    OTHER,
    OTHER_CA,
    ROOT,
    TARGET,
    TARGET_LEAF,
    Court,
    Made,
    ca,
    codes,
    issued,
    judge,
    made,
    said,
    valid_between,
)
from siptls import Anchors, Connect, Failure, Identity, InvalidPolicy, Outcome, Policy, Security, Verdict
from siptls.codes import CATALOGUE
from siptls.dns import Alias, Denial
from siptls.dns.records import Tlsa
from siptls.policy import SECURE_TRANSPORTS, Transport
from world import INSECURE, SECURE, World

SERVICE, TLSA = f"_sips._tcp.{DOMAIN}", f"_5061._tcp.{TARGET}"
URI, WAY = f"sips:alice@{DOMAIN}", (LEAF, CA, ROOT)
PINNED = made("pinned", "pinned", 7)
PATHS = issued(WAY, (TARGET_LEAF, CA, ROOT), (OTHER, CA, ROOT))
UNUSABLE = "9 1 1 " + "00" * 32


def delegated(leaf: Made, *records: str, security: Security = SECURE, port: int = 5061) -> World:
    """example.com delegates to the target by SRV; its server presents a leaf, and TLSA records stand there."""
    world = World(security, paths=PATHS, anchors=Anchors((ROOT.der,)))
    world.srv(SERVICE, (10, 0, port, TARGET))
    world.address(TARGET, "192.0.2.1")
    world.server("192.0.2.1", [leaf.der, CA.der])
    if records:
        world.tlsa(f"_{port}._tcp.{TARGET}", *records)
    return world


def pin(leaf: Made) -> str:
    return str(leaf.record(3, 1, 1))


def connects(world: World) -> list[Connect]:
    return [action for action in world.asked if isinstance(action, Connect)]


class TestDomainCertificates:
    @pytest.mark.req("R5922-4-2", "S-A-29")
    @pytest.mark.parametrize("scheme", ["sip", "sips"])
    def test_a_sip_uri_in_the_certificate_serves_both_schemes_and_a_sips_uri_none(self, scheme: str) -> None:
        world = delegated(LEAF, security=INSECURE)
        assert said(world.outbound(f"{scheme}:alice@{DOMAIN}", Policy(transports=("tls",)))) == (
            "ACCEPTED",
            "pkix",
            "id.match",
        )
        sips = made(names=[uri(f"sips:{DOMAIN}")])
        world.server("192.0.2.1", [sips.der, CA.der])
        world.paths = issued((sips, CA, ROOT))
        assert said(world.outbound(f"{scheme}:alice@{DOMAIN}"))[2] == "cert.no-identities"

    @pytest.mark.req("R5922-4-2", "R5922-7.1-9")
    def test_where_both_kinds_stand_the_uri_is_the_identity_in_both_orders(self) -> None:
        for names in ([uri(f"sip:{DOMAIN}"), dns("host.example")], [dns("host.example"), uri(f"sip:{DOMAIN}")]):
            leaf = made(names=names)
            assert judge([leaf, CA], valid=[(leaf, CA, ROOT)]).identities == (Identity(DOMAIN, "uri"),)
            assert judge([leaf, CA], valid=[(leaf, CA, ROOT)], domain="host.example", target=None).code == "id.mismatch"

    @pytest.mark.req("R5922-7.1-12", "R5922-7.1-1", "R5922-7.1-2", "R5922-8-1")
    @pytest.mark.parametrize(
        ("leaf", "above", "valid", "code"),
        [
            (LEAF, CA, False, "chain.unknown-ca"),
            (made(names=[uri(f"sip:{DOMAIN}")], eku=[EMAIL_PROTECTION]), CA, True, "chain.eku"),
            (made(names=[uri(f"sip:{DOMAIN}")], extensions=[extension("2.5.29.15", b"\x03\x02\x02\x04")]), CA, True,
             "chain.key-usage"),
            (LEAF, ca(eku=[EMAIL_PROTECTION]), True, "chain.eku"),
            (LEAF, ca(extensions=[constraints(permitted=[dns("evil.example")])]), True, "chain.name-constraints"),
            (made(names=[uri(f"sip:{DOMAIN}")], validity=valid_between("240101", "250101")), CA, False,
             "chain.expired"),
        ],
    )  # fmt: skip
    def test_the_right_name_in_a_certificate_that_is_refused_proves_nothing(
        self, leaf: Made, above: Made, valid: bool, code: str
    ) -> None:
        for audit in (False, True):
            verdict = judge([leaf, above], valid=[(leaf, above, ROOT)] if valid else [], policy=Policy(audit=audit))
            assert said(verdict) == ("REJECTED", "none", code)
            assert verdict.identities == ()

    @pytest.mark.req("R5922-8.1-2", "R5922-4-3", "R5922-7.3-4")
    def test_a_connection_is_authenticated_by_what_tls_presented_and_by_nothing_else(self) -> None:
        world = delegated(LEAF, security=INSECURE)
        verdict = world.outbound(URI)
        assert verdict.accepted
        assert verdict.connection is not None
        world.server("192.0.2.1", [])
        assert said(world.outbound(URI)) == ("REJECTED", "none", "tls.no-certificate")
        world.server("192.0.2.1", "net.refused")
        assert world.outbound(URI).connection is None
        assert world.open == []


class TestPurposes:
    @pytest.mark.req("R5924-7-1", "R5924-4.1-1", "R5924-5-2")
    @pytest.mark.parametrize(
        ("eku", "named"),
        [
            ([SIP_DOMAIN], "sipDomain"),
            ([SERVER_AUTH, SIP_DOMAIN], "serverAuth, sipDomain"),
            ([SERVER_AUTH], "serverAuth"),
            (["2.5.29.37.0"], "anyExtendedKeyUsage"),
            (["1.2.3.4", SIP_DOMAIN], "1.2.3.4, sipDomain"),
        ],
    )
    def test_the_verdict_names_the_purposes_that_were_accepted(self, eku: list[str], named: str) -> None:
        leaf = made(names=[uri(f"sip:{DOMAIN}")], eku=eku)
        verdict = judge([leaf, CA], valid=[(leaf, CA, ROOT)])
        assert verdict.accepted
        assert [step.found for step in verdict.steps if step.code == "chain.purpose"] == [named]

    @pytest.mark.req("R5924-7-1")
    def test_without_the_extension_or_with_one_that_is_refused_none_is_named(self) -> None:
        assert "chain.purpose" not in codes(judge([LEAF, CA], valid=[WAY]))
        leaf = made(names=[uri(f"sip:{DOMAIN}")], eku=[EMAIL_PROTECTION])
        verdict = judge([leaf, CA], valid=[(leaf, CA, ROOT)])
        assert verdict.code == "chain.eku"
        assert "chain.purpose" not in codes(verdict)


class TestTheEndpoint:
    @pytest.mark.req("R6698-4-1", "R7673-3.3-1", "R6698-3-1")
    @pytest.mark.parametrize("owner", [f"_5061._tcp.{TARGET}", f"_9143._sctp.{TARGET}", f"_9143._udp.{TARGET}"])
    def test_records_of_another_port_or_transport_say_nothing_about_a_connection(self, owner: str) -> None:
        world = delegated(LEAF, port=9143)
        world.tlsa(owner, pin(PINNED))
        assert said(world.outbound(URI)) == ("ACCEPTED", "pkix", "id.match")
        assert [name for name, rrtype in world.questions() if rrtype == "TLSA"] == [f"_9143._tcp.{TARGET}"]
        world.tlsa(f"_9143._tcp.{TARGET}", pin(PINNED))
        assert said(world.outbound(URI)) == ("REJECTED", "none", "dane.no-match")
        assert [connect.endpoint.port for connect in connects(world)] == [9143]

    @pytest.mark.req("R6698-4-1")
    def test_the_records_of_two_ports_of_a_host_are_held_against_their_own_connections(self) -> None:
        world = delegated(LEAF, pin(PINNED))
        world.srv(SERVICE, (10, 0, 5061, TARGET), (20, 0, 5062, TARGET))
        world.tlsa(f"_5062._tcp.{TARGET}", pin(LEAF))
        verdict = world.outbound(URI)
        assert said(verdict) == ("ACCEPTED", "dane-ee", "dane.match")
        assert verdict.endpoint is not None
        assert verdict.endpoint.port == 5062
        assert "dane.no-match" in codes(verdict)

    @pytest.mark.req("R7673-9.1-1", "R7673-3.1-4")
    def test_in_a_mixed_deployment_each_endpoint_has_no_more_than_its_own_protection(self) -> None:
        world = delegated(OTHER, pin(PINNED))
        plain = "plain.host.example"
        world.srv(SERVICE, (10, 0, 5061, plain), (20, 0, 5061, TARGET))
        world.address(plain, "192.0.2.2", security=INSECURE)
        world.server("192.0.2.2", [LEAF.der, CA.der])
        verdict = world.outbound(URI)  # the records of the second endpoint do not make the first one wait
        assert said(verdict) == ("ACCEPTED", "pkix", "id.match")
        assert said(world.outbound(URI, Policy(require="dane")))[:2] == ("REJECTED", "none")
        world.server("192.0.2.2", [PINNED.der])  # nor do they vouch for what is presented at the first
        assert said(world.outbound(URI))[:2] == ("REJECTED", "none")
        world.server("192.0.2.1", [PINNED.der])
        verdict = world.outbound(URI, Policy(require="dane"))
        assert said(verdict) == ("ACCEPTED", "dane-ee", "dane.match")
        assert verdict.endpoint is not None
        assert verdict.endpoint.host == TARGET

    @pytest.mark.req("R7673-B-1", "R7673-3.3-1")
    def test_tlsa_is_never_asked_for_under_the_name_of_the_domain_when_srv_leads_elsewhere(self) -> None:
        for security in (SECURE, INSECURE):
            world = delegated(PINNED, pin(PINNED), security=security)
            world.tlsa(f"_5061._tcp.{DOMAIN}", pin(LEAF), security=SECURE)
            assert world.outbound(URI).accepted is (security is SECURE)
            asked = [name for name, rrtype in world.questions() if rrtype == "TLSA"]
            assert asked == ([TLSA] if security is SECURE else [])


class TestServerName:
    @pytest.mark.req("R7672-8.1-1", "R7671-10.2-1", "A-05")
    @pytest.mark.parametrize("usage", range(4))
    @pytest.mark.parametrize(
        ("expanded", "at", "sent"),
        [
            (False, TARGET, TARGET),
            (True, "real.host.example", "real.host.example"),
            (True, TARGET, TARGET),  # nothing at the expansion: the original name is the base
        ],
    )
    def test_it_is_the_base_domain_where_usable_records_stand(
        self, usage: int, expanded: bool, at: str, sent: str
    ) -> None:
        named = CA if usage in (0, 2) else LEAF
        world = delegated(LEAF)
        if expanded:
            step = Alias(TARGET, "real.host.example", SECURE, 60.0)
            world.address(TARGET, "192.0.2.1", alias=[step])
        world.tlsa(f"_5061._tcp.{at}", str(named.record(usage, 0, 1)))
        assert world.outbound(URI).accepted
        assert world.names_sent == [sent]

    @pytest.mark.req("R7672-8.1-1", "R7673-4.1-4", "A-05", "R5922-7.8-2")
    @pytest.mark.parametrize(("records", "security"), [((), SECURE), ((UNUSABLE,), SECURE), ((pin(PINNED),), INSECURE)])
    def test_it_is_the_domain_where_there_are_none(self, records: Sequence[str], security: Security) -> None:
        world = delegated(LEAF)
        world.tlsa(TLSA, *records, security=security)
        assert world.outbound(URI).accepted
        assert world.names_sent == [DOMAIN]

    @pytest.mark.req("R7672-2.2.3-1", "R6698-A.2-1", "R7671-10.2-1")
    def test_an_alias_at_the_owner_of_the_records_does_not_move_the_base(self) -> None:
        owner = "_dane.elsewhere.example"
        for names, accepted in (([dns(TARGET)], True), ([dns("elsewhere.example")], False)):
            leaf = made(names=names)
            world = delegated(leaf)
            world.tlsa(TLSA, str(CA.record(2, 0, 1)))
            said_there = world.said[TLSA, "TLSA"]
            said_there.aliases = (Alias(TLSA, owner, SECURE, 60.0),)
            said_there.records = (Tlsa(owner, 2, 0, 1, CA.record(2, 0, 1).data),)
            world.paths = issued((leaf, CA))
            assert world.outbound(URI).accepted is accepted
            assert world.names_sent == [TARGET]


class TestNoClearText:
    """TLS is all that is ever opened, so no failure of it can lead to less (R7673-4-1, R7672-2.2.3-4)."""

    @pytest.mark.req("R7673-4-1", "R7673-3.4-1", "R7672-2.2.3-4", "D-SEC-10")
    @pytest.mark.parametrize("uri_text", [URI, f"sip:alice@{DOMAIN}"])
    @pytest.mark.parametrize(
        ("records", "policy"),
        [
            ([pin(LEAF)], Policy()),
            ([pin(PINNED)], Policy()),
            ([UNUSABLE], Policy()),
            ([UNUSABLE], Policy(strict_dane=True)),
            ([pin(PINNED)], Policy(tlsa_usages=frozenset({0, 1}))),  # disabled by policy
            ([], Policy()),
        ],
    )
    @pytest.mark.parametrize("answer", ["net.refused", "tls.plain-sip", "tls.handshake", "a stranger", "nothing"])
    def test_whatever_happens_every_connection_is_tls_and_fails_as_tls(
        self, uri_text: str, records: list[str], policy: Policy, answer: str
    ) -> None:
        world = delegated(LEAF, *records)
        world.srv(f"_sip._tcp.{DOMAIN}", (10, 0, 5060, TARGET))
        world.srv(f"_sip._udp.{DOMAIN}", (10, 0, 5060, TARGET))
        chains = {"a stranger": [OTHER.der, CA.der], "nothing": list[bytes]()}
        world.server("192.0.2.1", chains.get(answer, answer))
        verdict = world.outbound(uri_text, policy)
        assert not verdict.accepted
        assert {connect.endpoint.transport for connect in connects(world)} <= SECURE_TRANSPORTS
        assert {connect.endpoint.port for connect in connects(world)} <= {5061}
        assert verdict.connection is None

    @pytest.mark.req("R7673-4-1", "R7672-2.2.3-4")
    @pytest.mark.parametrize("transport", ["udp", "tcp", "ws", "sctp"])
    def test_a_policy_with_clear_text_is_refused(self, transport: Transport) -> None:
        with pytest.raises(InvalidPolicy):
            delegated(LEAF).outbound(f"sip:{DOMAIN}", Policy(transports=("tls", transport)))

    @pytest.mark.req("R7673-3.4-1")
    def test_a_sip_uri_uses_the_records_of_its_tls_service_as_a_sips_uri_does(self) -> None:
        world = delegated(PINNED, pin(PINNED))
        world.naptr(DOMAIN, (1, 1, "s", "SIP+D2T", "", f"_sip._tcp.{DOMAIN}"), (2, 1, "s", "SIPS+D2T", "", SERVICE))
        verdict = world.outbound(f"sip:alice@{DOMAIN}")
        assert said(verdict) == ("ACCEPTED", "dane-ee", "dane.match")
        assert [connect.endpoint.transport for connect in connects(world)] == ["tls"]


class TestAbsence:
    """A proof that there is nothing is an answer; a failure is none (R7672-2.1.1-2)."""

    @pytest.mark.req("R7672-2.1.1-2", "R7673-3.1-3", "R7673-3.4-3")
    @pytest.mark.parametrize("denial", Denial)
    @pytest.mark.parametrize("security", [SECURE, INSECURE])
    def test_denied_records_leave_pkix_and_failed_lookups_leave_nothing(
        self, denial: Denial, security: Security
    ) -> None:
        world = delegated(LEAF)
        world.say(TLSA, "TLSA", denial=denial, security=security)
        assert said(world.outbound(URI)) == ("ACCEPTED", "pkix", "id.match")
        for failure in Failure:
            world.fail(TLSA, "TLSA", failure)
            assert said(world.outbound(URI))[:2] == ("UNDETERMINED", "none")
            assert world.names_sent == []

    @pytest.mark.req("R7672-2.1.1-2", "R7673-3.1-2", "D-SEC-6")
    @pytest.mark.parametrize("denial", Denial)
    @pytest.mark.parametrize("security", [SECURE, INSECURE])
    @pytest.mark.parametrize("which", ["NAPTR", "SRV"])
    def test_so_it_is_for_the_service(self, denial: Denial, security: Security, which: str) -> None:
        world = delegated(LEAF)
        world.address(DOMAIN, "192.0.2.1", security=security)
        if which == "NAPTR":
            world.say(DOMAIN, "NAPTR", denial=denial, security=security)
            assert world.outbound(URI).accepted
            world.fail(DOMAIN, "NAPTR")
        else:
            world.say(SERVICE, "SRV", denial=denial, security=security)
            assert world.outbound(URI).accepted  # at the domain itself
            world.fail(SERVICE, "SRV")
        assert said(world.outbound(URI))[:2] == ("UNDETERMINED", "none")
        assert world.names_sent == []


class TestInsecureDelegation:
    @pytest.mark.req("R7672-2.2.1-1", "R7673-3.1-3", "D-SEC-5", "R6698-4.1-9")
    def test_success_at_a_host_that_was_found_insecurely_is_no_dane_and_needs_the_domain(self) -> None:
        both = made(names=[uri(f"sip:{DOMAIN}"), dns(TARGET)])
        world = delegated(both, pin(both))
        world.paths = issued((both, CA, ROOT))
        world.srv(SERVICE, (10, 0, 5061, TARGET), security=INSECURE)  # the hoster's own zone stays signed
        verdict = world.outbound(URI)
        assert said(verdict) == ("ACCEPTED", "pkix", "id.match")
        assert verdict.identities == (Identity(DOMAIN, "uri"),)
        assert said(world.outbound(URI, Policy(require="dane"))) == ("INSUFFICIENT", "pkix", "policy.too-weak")
        world.server("192.0.2.1", [PINNED.der])
        world.tlsa(TLSA, pin(PINNED))
        assert said(world.outbound(URI))[:2] == ("REJECTED", "none")
        assert "TLSA" not in {rrtype for _, rrtype in world.questions()}


class TestNames:
    @pytest.mark.req("R7673-8-1", "R6698-3-2", "R6066-3-1")
    def test_every_question_and_the_server_name_are_in_a_labels(self) -> None:
        domain, host = "xn--bcher-kva.example", "SIP.xn--r8jz45g.EXAMPLE"
        world = World(paths=PATHS)
        world.srv(f"_sips._tcp.{domain}", (10, 0, 5061, host), (20, 0, 5061, "b\xfccher.example"))
        for name in (host, host.lower(), "b\xfccher.example"):
            world.address(name, "192.0.2.1")
            world.tlsa(f"_5061._tcp.{name}", pin(PINNED))
        world.server("192.0.2.1", [PINNED.der])
        assert world.outbound(f"sips:{domain}").accepted
        assert world.names_sent == [host.lower()]
        world.server("192.0.2.1", "net.refused")
        world.outbound(f"sips:{domain}")
        names = [name for name, _ in world.questions()]
        assert f"_5061._tcp.{host.lower()}" in [name.lower() for name in names]
        assert all(name.isascii() for name in names)
        assert all(each is not None and each.isascii() and not each.endswith(".") for each in world.names_sent)

    @pytest.mark.req("R9525-6.1-1")
    @given(st.lists(st.sampled_from([LEAF, TARGET_LEAF, OTHER, PINNED, CA]), max_size=4), st.booleans())
    def test_what_is_looked_for_is_settled_before_anything_is_presented(self, chain: list[Made], secure: bool) -> None:
        # The same questions, the same server name and the same expectation, whatever the peer shows.
        usual, other = delegated(OTHER), delegated(OTHER)
        for world in (usual, other):
            world.srv(SERVICE, (10, 0, 5061, TARGET), security=SECURE if secure else INSECURE)
        other.server("192.0.2.1", [each.der for each in chain])
        expected = f"{DOMAIN} or {TARGET}" if secure else DOMAIN
        verdict, presented = usual.outbound(URI), other.outbound(URI)
        assert said(verdict) == ("REJECTED", "none", "id.mismatch")
        assert next(step.expected for step in verdict.steps if step.code == "id.mismatch") == expected
        assert usual.questions() == other.questions()
        assert usual.names_sent == other.names_sent
        told = [step.expected for step in presented.steps if step.code.startswith("id.mis")]
        assert set(told) <= {expected}


class TestTransparency:
    """No log of certificates is asked for, with any usage (RFC 7671 section 4.2)."""

    LOGGED = extension("1.3.6.1.4.1.11129.2.4.2", b"\x04\x02\x00\x00")

    @pytest.mark.req("R7671-4.2-1")
    @pytest.mark.parametrize("usage", [2, 3])
    @pytest.mark.parametrize("logged", [False, True])
    def test_a_certificate_counts_the_same_in_a_log_and_outside(self, usage: int, logged: bool) -> None:
        leaf = made(names=[uri(f"sip:{DOMAIN}")], extensions=[self.LOGGED] if logged else [])
        record = (CA if usage == 2 else leaf).record(usage, 1, 1)
        verdict = judge([leaf, CA], record, valid=[(leaf, CA, ROOT)], policy=Policy(audit=True))
        assert said(verdict) == ("ACCEPTED", "dane-ta" if usage == 2 else "dane-ee", "dane.match")
        assert not [code for code in CATALOGUE if "transparency" in code or ".sct" in code]


class TestWildcards:
    @pytest.mark.req("R7671-10.2-3", "A-11", "R9525-6.3-2", "R5922-7.2-5", "D-REF-3")
    @pytest.mark.parametrize("usage", [None, 0, 1, 2])
    @pytest.mark.parametrize(
        ("name", "allowed", "code"),
        [
            ("*.host.example", False, "id.wildcard"),
            ("*.host.example", True, ""),
            ("*.example", True, "id.mismatch"),  # one label, not two
            ("*.com", True, "id.mismatch"),  # never the domain
        ],
    )
    def test_they_are_treated_alike_with_dane_and_without(
        self, usage: int | None, name: str, allowed: bool, code: str
    ) -> None:
        leaf = made(names=[dns(name)])
        records = [] if usage is None else [(leaf if usage == 1 else CA).record(usage, 0, 1)]
        policy = Policy(allow_wildcards=allowed)
        verdict = judge([leaf, CA], *records, valid=[(leaf, CA, ROOT)], policy=policy)
        assert verdict.accepted is (code == "")
        if code:
            assert verdict.code == code
        assert ("policy.relaxed" in codes(verdict)) is (code == "")


class TestTheValidatedIdentity:
    @pytest.mark.req("R9525-6.6-2", "R5922-7.3-3", "R7671-6-1")
    @pytest.mark.parametrize("usage", [None, 0, 1, 2, 3])
    def test_the_verdict_is_about_the_domain_that_was_looked_for(self, usage: int | None) -> None:
        leaf = made(names=[uri(f"sip:{DOMAIN}"), uri("sip:bank.example")])
        records: list[Tlsa] = []
        if usage is not None:
            records = [(CA if usage in (0, 2) else leaf).record(usage, 0, 1)]
        verdict = judge([leaf, CA], *records, valid=[(leaf, CA, ROOT)])
        assert verdict.accepted
        assert verdict.domain == DOMAIN
        assert DOMAIN in {identity.domain for identity in verdict.identities}
        # Names that only the zone's own authority vouches for, or nobody, prove no other domain.
        others = {identity.domain for identity in verdict.identities} - {DOMAIN}
        assert others == (set() if usage in (2, 3) else {"bank.example"})

    @pytest.mark.req("R9525-6.6-1", "R5922-7.3-2")
    def test_a_rejection_tells_a_mismatch_from_a_certificate_that_names_nobody(self) -> None:
        nobody = made(names=[other_name("1.2.3.4", b"\x05\x00")])
        found: dict[str, Verdict] = {}
        for leaf in (OTHER, nobody):
            verdict = judge([leaf, CA], valid=[(leaf, CA, ROOT)])
            found[verdict.code] = verdict
        assert set(found) == {"id.mismatch", "cert.no-identities"}
        assert all(verdict.outcome is Outcome.REJECTED for verdict in found.values())


def test_all_faults_of_a_peer_are_told_and_the_one_that_decided_is_named() -> None:
    leaf = made(names=[uri("sip:other.example")], validity=valid_between("240101", "250101"))
    court = Court([leaf, CA], [OTHER_CA.record(2, 0, 1), OTHER.record(3, 1, 1)])
    verdict = court.verdict()
    told = [finding.code for finding in verdict.findings]
    assert verdict.outcome is Outcome.REJECTED
    assert told[0] == verdict.code
    assert {"chain.expired", "id.mismatch"} < set(told)
    assert any(code.startswith("dane.") for code in told)
    assert len(told) == len(set(told))
