"""What was chosen, what was passed over and why, and which rule asked each question, in words that people read."""

from __future__ import annotations

import pytest

from siptls import Delegation, Limits, Outcome, Policy, Route, Security
from siptls.choice import Way
from siptls.dns import Alias, Denial
from siptls.journal import rendered
from siptls.policy import Family
from world import INSECURE, SECURE, World

CHOSEN = (20, 20, "s", "SIPS+D2T", "", "_sips._tcp.example.com")


def found(route: Route, code: str) -> list[str]:
    """What stands in the steps of one code."""
    return [step.found for step in route.findings if step.code == code]


def domain(*naptr: tuple[int, int, str, str, str, str]) -> World:
    """A domain with these NAPTR records, and servers for TLS, TCP and UDP."""
    world = World()
    world.naptr("example.com", *naptr)
    world.srv("_sips._tcp.example.com", (1, 0, 5061, "sip.example.com"))
    world.srv("_sip._tcp.example.com", (1, 0, 5060, "sip.example.com"), (2, 0, 5070, "sip.example.com"))
    world.srv("_sip._udp.example.com", (1, 0, 5060, "sip.example.com"))
    world.address("sip.example.com", "192.0.2.1")
    return world


class TestNaptr:
    @pytest.mark.req("R3263-4.1-6", "R3263-4.1-7", "R3263-4.1-10", "R3403-4.1-1", "R3403-4.1-2", "R3403-4.1-4")
    @pytest.mark.parametrize(
        ("record", "why"),
        [
            ((10, 10, "u", "E2U+sip", "!^.*$!sip:x@example.com!", "."), "its service is not one of SIP"),
            ((10, 10, "s", "SIP+D2N", "", "_sip._nctp.example.com"), "its service is not one of SIP"),
            ((10, 10, "s", "SIP+D2S", "", "_sip._sctp.example.com"), "SCTP is not open to this request"),
            ((10, 10, "a", "SIPS+D2T", "", "sip.example.com"), "its flag is not s"),
            ((10, 10, "s", "SIPS+D2T", "!^.*$!sips:x!", "_sips._tcp.example.com"), "it has a regular expression"),
            ((10, 10, "s", "SIPS+D2T", "", "."), "its replacement is no name to go to"),
            ((21, 10, "s", "SIPS+D2T", "", "_sips._tcp.example.net"), "order 20 comes first"),
            ((20, 21, "s", "SIPS+D2T", "", "_sips._tcp.example.net"), "preference 20 comes first"),
            ((20, 20, "s", "SIP+D2T", "", "_sip._tcp.example.com"), "TLS is preferred here"),
            ((20, 20, "s", "SIPS+D2T", "", "_sips._tcp.example.net"), "of equal records the first by name is taken"),
        ],
    )
    def test_each_record_that_is_passed_over_comes_with_its_reason(
        self, record: tuple[int, int, str, str, str, str], why: str
    ) -> None:
        route = domain(record, CHOSEN).locate("sip:example.com")
        (text,) = found(route, "locate.naptr-passed-over")
        assert text.endswith(f": {why}")
        assert found(route, "locate.naptr-chosen") == ['20 20 "s" "SIPS+D2T" "" _sips._tcp.example.com']

    @pytest.mark.req("R3263-4.1-8")
    def test_a_sips_uri_passes_over_what_is_not_tls(self) -> None:
        route = domain((10, 10, "s", "SIP+D2T", "", "_sip._tcp.example.com"), CHOSEN).locate("sips:example.com")
        (text,) = found(route, "locate.naptr-passed-over")
        assert text.endswith(": a sips URI goes only over TLS")

    @pytest.mark.req("T-L02", "R3263-4.1-13", "D-SEC-4")
    @pytest.mark.parametrize(("security", "told"), [(SECURE, "delegation.srv"), (INSECURE, "delegation.tainted")])
    def test_a_replacement_in_another_domain_is_told_and_what_it_does_to_the_identity(
        self, security: Security, told: str
    ) -> None:
        world = World()
        world.naptr("example.com", (10, 10, "s", "SIPS+D2T", "", "_sips._tcp.notexample.com"), security=security)
        world.srv("_sips._tcp.notexample.com", (1, 0, 5061, "sip.example.com"))
        world.address("sip.example.com", "192.0.2.1")
        route = world.locate("sip:example.com")
        assert found(route, "locate.naptr-foreign") == ["_sips._tcp.notexample.com, which is not below example.com"]
        assert [step.code for step in route.findings if step.code.startswith("delegation.")] == [told]
        assert found(domain(CHOSEN).locate("sip:example.com"), "locate.naptr-foreign") == []

    def test_of_many_records_the_first_ones_are_named_and_the_others_counted(self) -> None:
        many = [(n, 0, "s", "SIP+D2N", "", f"n{n}.example.com") for n in range(100, 120)]
        texts = found(domain(CHOSEN, *many).locate("sip:example.com"), "locate.naptr-passed-over")
        assert len(texts) == 9
        assert texts[-1] == "and 12 more"

    def test_where_none_can_be_used_that_is_said_once_and_each_has_its_reason(self) -> None:
        route = domain((10, 10, "a", "SIPS+D2T", "", "sip.example.com")).locate("sip:example.com")
        assert len(found(route, "locate.naptr-unusable")) == 1
        assert len(found(route, "locate.naptr-passed-over")) == 1
        assert found(route, "locate.naptr-chosen") == []


class TestSrv:
    def test_the_order_is_told_and_what_other_transports_offer(self) -> None:
        route = domain().locate("sip:example.com")
        assert found(route, "locate.srv-chosen") == ["TLS: 1 0 5061 sip.example.com"]
        assert found(route, "locate.srv-passed-over") == [
            "_sip._tcp.example.com: 2 records; TLS is preferred here",
            "_sip._udp.example.com: 1 record; TLS is preferred here",
        ]

    @pytest.mark.req("R2782-tgt-2")
    def test_a_root_target_beside_others_is_told(self) -> None:
        world = domain()
        world.srv("_sips._tcp.example.com", (1, 0, 5061, "sip.example.com"), (2, 0, 0, "."))
        told = found(world.locate("sips:example.com"), "locate.srv-passed-over")
        assert told == ['_sips._tcp.example.com: the target "." among others names no server']

    def test_of_many_records_the_first_ones_are_named_and_the_others_counted(self) -> None:
        world = domain()
        world.srv("_sips._tcp.example.com", *[(n, 0, 5061 + n, "sip.example.com") for n in range(20)])
        (text,) = found(world.locate("sips:example.com"), "locate.srv-chosen")
        assert text.endswith("7 0 5068 sip.example.com; and 12 more")

    def test_the_same_server_again_is_told_and_not_tried_again(self) -> None:
        world = domain()
        world.srv("_sips._tcp.example.com", *[(n, 0, 5061, "sip.example.com") for n in range(3)])
        route = world.locate("sips:example.com")
        assert [target.priority for target in route.targets] == [0]
        assert found(route, "locate.srv-passed-over") == ["_sips._tcp.example.com: 2 more for the same servers"]

    @pytest.mark.req("R2782-tgt-2")
    def test_a_service_that_is_not_offered_was_not_passed_over(self) -> None:
        world = domain()
        world.srv("_sips._tcp.example.com", (0, 0, 0, "."))
        texts = found(world.locate("sip:example.com"), "locate.srv-passed-over")
        assert texts == ["_sip._udp.example.com: 1 record; TCP is preferred here"]


class TestRules:
    """Each question says which rule asked it."""

    def rules(self, world: World, uri: str, policy: Policy | None = None) -> dict[str, str]:
        route = world.locate(uri, policy)
        assert all(bool(step.rule) is bool(step.security) for step in route.findings)
        return {step.found.split(":")[0].split()[1]: step.rule for step in route.findings if step.rule}

    @pytest.mark.req("R3263-4.1-5", "R3263-4.2-4", "R7984-3.1-3")
    def test_naptr_then_srv_then_addresses(self) -> None:
        assert self.rules(domain(CHOSEN), "sip:example.com") == {
            "NAPTR": "the URI names neither port nor transport (RFC 3263 section 4.1)",
            "SRV": "the chosen NAPTR record names it (RFC 3263 section 4.2)",
            "AAAA": "the SRV record names this host (RFC 2782, RFC 7984 section 3.1)",
            "A": "the SRV record names this host (RFC 2782, RFC 7984 section 3.1)",
        }

    def test_srv_without_naptr(self) -> None:
        told = self.rules(domain(), "sip:example.com")["SRV"]
        assert told == "no NAPTR record is there to use: SRV is asked for each transport (RFC 3263 section 4.1)"

    def test_srv_for_the_transport_of_the_uri(self) -> None:
        told = self.rules(domain(CHOSEN), "sip:example.com;transport=tcp")["SRV"]
        assert told == "a transport is given and no port (RFC 3263 section 4.2)"

    @pytest.mark.parametrize(
        ("uri", "why"),
        [
            ("sips:sip.example.com:5071", "a port is given, so neither NAPTR nor SRV is asked"),
            ("sips:sip.example.com", "there are no SRV records"),
            ("sips:sip.example.com;transport=ws", "WebSocket has no SRV names"),
        ],
    )
    def test_addresses_of_the_host_itself(self, uri: str, why: str) -> None:
        told = self.rules(domain(), uri, Policy(transports=("tls", "wss")))
        assert told["A"] == told["AAAA"] == f"{why} (RFC 3263 section 4.2, RFC 7984 section 3.1)"

    def test_a_numeric_host_asks_nothing_and_says_why(self) -> None:
        route = World().locate("sips:192.0.2.1")
        assert found(route, "locate.direct") == ["TLS: an address is given, and no name"]
        assert not [step for step in route.findings if step.rule]

    @pytest.mark.req("R7672-2.1.3-3")
    def test_the_alias_that_is_asked_for_alone_and_tlsa(self) -> None:
        world = World()
        alias = [Alias("sip.example.com", "pbx.example.net", INSECURE, 300.0)]
        world.address("sip.example.com", "192.0.2.1", alias=alias, security=INSECURE)
        world.say("sip.example.com", "CNAME", denial=Denial.NODATA, security=SECURE)
        steps = world.outbound("sips:sip.example.com:5061").steps
        assert "the answer is insecure as a whole; is its first step? (RFC 7672 section 2.1.3)" in [
            step.rule for step in steps
        ]
        world.address("sip.example.com", "192.0.2.1")
        for uri, why in (
            (
                "sips:sip.example.com:5061",
                "the server is the domain itself, and its address is secure (RFC 6698 section 3)",
            ),
            ("sips:example.com", "the server's name and address are secure (RFC 7673 section 3.2)"),
        ):
            world.srv("_sips._tcp.example.com", (1, 0, 5061, "sip.example.com"))
            assert why in [step.rule for step in world.outbound(uri).steps]

    def test_a_choice_that_nobody_asked_for_changes_no_rule(self) -> None:
        way = Way("tls", Delegation.HOST, None, "because")
        (step,) = rendered(((0.0, "locate.direct", "LOCATE", way),), 0.0)
        assert (step.found, step.rule, step.security) == ("TLS: because", "", "")


class TestWhatNobodyAskedFor:
    """Only what was asked for can be denied."""

    @pytest.mark.req("R3263-4-5", "D-SEC-15")
    def test_maddr_is_told_and_that_it_is_no_identity(self) -> None:
        route = domain(CHOSEN).locate("sips:bank.example;maddr=example.com")
        assert found(route, "locate.maddr") == ["example.com, for bank.example"]
        assert [step.code for step in route.findings if step.code.startswith("delegation.")] == ["delegation.tainted"]
        assert route.sips is None

    @pytest.mark.req("R7984-3.1-2")
    @pytest.mark.parametrize(("uri", "family"), [("sip:[2001:db8::1]", "ipv4"), ("sip:192.0.2.1", "ipv6")])
    def test_an_address_of_a_family_that_is_not_used_is_no_target(self, uri: str, family: Family) -> None:
        route = World().locate(uri, Policy(families=(family,)))
        assert (route.outcome, route.code) == (Outcome.NO_SERVICE, "locate.no-service.unproven")
        assert [step.code for step in route.findings] == ["locate.family"]

    @pytest.mark.req("T-S04")
    def test_a_uri_without_a_transport_is_told_without_a_denial_that_nobody_made(self) -> None:
        route = World().locate("sip:example.com;transport=sctp")
        assert (route.outcome, route.code) == (Outcome.NO_SERVICE, "locate.no-service.unproven")
        assert [step.code for step in route.findings] == ["locate.transport"]

    @pytest.mark.req("T-S04")
    def test_targets_that_a_limit_left_out_are_no_proof_of_absence(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", *[(n, 0, 5061, f"h{n}.example.com") for n in range(3)])
        for run in (world.locate, world.outbound):
            proven = run("sips:example.com", Policy())
            cut = run("sips:example.com", Policy(limits=Limits(targets=2)))
            assert (proven.code, cut.code) == ("locate.no-service", "locate.no-service.unproven")

    @pytest.mark.req("R3263-7-1")
    def test_srv_for_tls_that_nobody_asked_for_has_not_vanished(self) -> None:
        world = World(INSECURE)
        world.srv("_sips._tcp.example.com", (1, 0, 5061, "sip.example.com"))
        world.srv("_sip._udp.example.com", (1, 0, 5060, "sip.example.com"))
        world.address("sip.example.com", "192.0.2.1")
        assert world.locate("sip:example.com", Policy(transports=("udp", "tcp"))).sips is None
        assert world.locate("sip:example.com").sips is True
