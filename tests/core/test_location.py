"""Where a client goes: dialogues in the words of RFC 3263, and the taint that each answer leaves."""

from __future__ import annotations

import pytest

from siptls import Delegation, Failure, Limits, Locate, Lookup, Outcome, Policy, Security, TargetFailed, TargetFailure
from siptls.dns import Alias, Naptr
from siptls.policy import Transport
from siptls.transport import transport_without_dns, usable_transports
from world import AT, INSECURE, SECURE, World, first

ALL: tuple[Transport, ...] = ("udp", "tcp", "tls", "sctp", "tls-sctp", "ws", "wss")

RFC3263_NAPTR = (
    (50, 50, "s", "SIPS+D2T", "", "_sips._tcp.example.com"),
    (90, 50, "s", "SIP+D2T", "", "_sip._tcp.example.com"),
    (100, 50, "s", "SIP+D2U", "", "_sip._udp.example.com"),
)


def rfc3263_world(security: Security = SECURE) -> World:
    """The example of RFC 3263 section 4.1."""
    world = World(security)
    world.naptr("example.com", *RFC3263_NAPTR)
    for owner in ("_sips._tcp", "_sip._tcp", "_sip._udp"):
        port = 5061 if owner == "_sips._tcp" else 5060
        world.srv(
            f"{owner}.example.com",
            (0, 1, port, "server1.example.com"),
            (0, 2, port, "server2.example.com"),
        )
    world.address("server1.example.com", "192.0.2.1")
    world.address("server2.example.com", "192.0.2.2")
    return world


def places(world: World, uri: str, policy: Policy | None = None) -> list[tuple[str, str, int]]:
    """Transport, address and port of each endpoint in order."""
    return [(e.transport, e.address, e.port) for t in world.locate(uri, policy).targets for e in t.endpoints]


class TestTransport:
    @pytest.mark.req("R3263-4.1-5", "R3263-4.1-9", "R3263-4.1-11", "R3263-4.1-19", "R3403-4.1-1")
    def test_the_example_of_rfc_3263_with_tls_goes_to_the_sips_service(self) -> None:
        world = rfc3263_world()
        assert {place[0] for place in places(world, "sip:user@example.com")} == {"tls"}
        assert world.questions()[0] == ("example.com", "NAPTR")
        assert ("_sips._tcp.example.com", "SRV") in world.questions()

    @pytest.mark.req("R3263-4.1-10", "R3263-4.1-11", "R3263-4-1")
    def test_the_example_of_rfc_3263_without_tls_goes_to_tcp(self) -> None:
        world = rfc3263_world()
        found = places(world, "sip:user@example.com", Policy(transports=("udp", "tcp")))
        assert {place[0] for place in found} == {"tcp"}
        assert {place[2] for place in found} == {5060}

    @pytest.mark.req("R3263-4.1-8", "R3263-7-2", "D-SEC-10")
    def test_sips_discards_services_without_tls_and_goes_on_with_sips_srv(self) -> None:
        world = World()
        world.naptr("example.com", (10, 10, "s", "SIP+D2T", "", "_sip._tcp.example.com"))
        world.srv("_sips._tcp.example.com", (0, 0, 5061, "sip.example.com"))
        world.address("sip.example.com", "192.0.2.1")
        assert places(world, "sips:user@example.com") == [("tls", "192.0.2.1", 5061)]
        assert ("_sip._tcp.example.com", "SRV") not in world.questions()

    @pytest.mark.req("R3263-4.1-7", "R3403-4.1-4", "R3403-5-1", "R3263-9-1", "T-L01")
    @pytest.mark.parametrize(
        "unusable",
        [
            (10, 10, "u", "SIPS+D2T", "", "_sips._tcp.example.com"),
            (10, 10, "a", "SIPS+D2T", "", "sip.example.com"),
            (10, 10, "", "SIPS+D2T", "", "_sips._tcp.example.com"),
            (10, 10, "s", "SIPS+D2T", "!^.*$!sips:x@evil.example!", "."),
            (10, 10, "s", "SIPS+D2T", "!^.*$!sips:x@evil.example!", "_sips._tcp.evil.example"),
            (10, 10, "u", "E2U+sip", "!^.*$!sip:x@evil.example!", "."),
            (10, 10, "s", "SIP+D2N", "", "_sip._udp.evil.example"),
            (10, 10, "s", "SIPS+D2T", "", "."),
            (10, 10, "s", "SIPS+D2T", "", "bad..name"),
            (10, 10, "s", "SIPS+D2T", "", "x" * 64 + ".example"),
        ],
    )
    def test_a_naptr_record_that_is_not_for_us_is_passed_over(
        self, unusable: tuple[int, int, str, str, str, str]
    ) -> None:
        world = World()
        world.naptr("example.com", unusable, (20, 10, "S", "sips+d2t", "", "_sips._tcp.Example.NET."))
        world.srv("_sips._tcp.example.net", (0, 0, 5061, "sip.example.net"))
        world.address("sip.example.net", "192.0.2.1")
        assert places(world, "sip:user@example.com") == [("tls", "192.0.2.1", 5061)]
        assert world.questions()[1] == ("_sips._tcp.example.net", "SRV")

    @pytest.mark.req("R3403-4.1-1", "R3403-4.1-2", "R3403-4.1-3", "R3263-4.1-6")
    def test_order_comes_before_preference_and_one_match_ends_the_search(self) -> None:
        world = World()
        world.naptr(
            "example.com",
            (20, 1, "s", "SIPS+D2T", "", "_sips._tcp.third.example"),
            (10, 20, "s", "SIPS+D2T", "", "_sips._tcp.second.example"),
            (10, 10, "s", "SIPS+D2T", "", "_sips._tcp.first.example"),
        )
        world.srv("_sips._tcp.first.example", (0, 0, 5061, "h.first.example"))
        world.address("h.first.example", "192.0.2.1")
        assert places(world, "sip:user@example.com") == [("tls", "192.0.2.1", 5061)]
        assert not [q for q in world.questions() if "second" in q[0] or "third" in q[0]]

    @pytest.mark.req("R4168-6-1", "R7118-5.5-1", "D-7118-1", "R3263-4.1-6")
    @pytest.mark.parametrize(
        ("service", "transport"),
        [
            ("SIP+D2U", "udp"),
            ("SIP+D2T", "tcp"),
            ("SIP+D2S", "sctp"),
            ("SIP+D2W", "ws"),
            ("SIPS+D2T", "tls"),
            ("SIPS+D2S", "tls-sctp"),
            ("SIPS+D2W", "wss"),
        ],
    )
    def test_each_registered_service_means_its_transport(self, service: str, transport: str) -> None:
        world = World()
        world.naptr("example.com", (10, 10, "s", service, "", "_anything._at.all.example"))
        world.srv("_anything._at.all.example", (0, 0, 7777, "sip.example.com"))
        world.address("sip.example.com", "192.0.2.1")
        assert places(world, "sip:user@example.com", Policy(transports=ALL)) == [(transport, "192.0.2.1", 7777)]

    @pytest.mark.req("R3263-4.1-15", "R3263-4.1-16", "R2782-fmt-1")
    def test_without_naptr_srv_is_asked_for_each_transport_and_preference_decides(self) -> None:
        world = World()
        world.srv("_sip._udp.example.com", (0, 0, 5060, "sip.example.com"))
        world.srv("_sip._tcp.example.com", (0, 0, 5060, "sip.example.com"))
        world.address("sip.example.com", "192.0.2.1")
        assert places(world, "sip:user@example.com") == [("tcp", "192.0.2.1", 5060)]
        assert [name for name, rrtype in world.questions() if rrtype == "SRV"] == [
            "_sips._tcp.example.com",
            "_sip._tcp.example.com",
            "_sip._udp.example.com",
        ]

    @pytest.mark.req("R3263-4.1-17", "R3263-4.2-5", "R2782-use-3")
    @pytest.mark.parametrize(("scheme", "place"), [("sip", ("udp", 5060)), ("sips", ("tls", 5061))])
    def test_without_naptr_and_srv_the_domain_itself_is_used(self, scheme: str, place: tuple[str, int]) -> None:
        world = World()
        world.address("example.com", "192.0.2.1")
        assert places(world, f"{scheme}:user@example.com") == [(place[0], "192.0.2.1", place[1])]

    @pytest.mark.req("R3263-4.1-3", "R3263-4.2-2", "R7984-3.1-3")
    def test_an_explicit_port_means_addresses_only(self) -> None:
        world = World()
        world.address("example.com", "192.0.2.1", "2001:db8::1")
        assert places(world, "sip:user@example.com:5061") == [
            ("udp", "2001:db8::1", 5061),
            ("udp", "192.0.2.1", 5061),
        ]
        assert places(world, "sips:user@example.com:5060")[0][0] == "tls"
        assert {rrtype for _, rrtype in world.questions()} == {"A", "AAAA"}

    @pytest.mark.req("R3263-4.1-2", "R3263-4.2-1")
    @pytest.mark.parametrize(
        ("uri", "place"),
        [
            ("sip:user@192.0.2.7", ("udp", "192.0.2.7", 5060)),
            ("sips:user@192.0.2.7", ("tls", "192.0.2.7", 5061)),
            ("sip:user@[2001:db8::7]:5070", ("udp", "2001:db8::7", 5070)),
            ("sip:user@192.0.2.7;transport=tcp", ("tcp", "192.0.2.7", 5060)),
            ("sip:user@192.0.2.7;transport=tls", ("tls", "192.0.2.7", 5061)),
        ],
    )
    def test_a_numeric_host_needs_no_dns(self, uri: str, place: tuple[str, str, int]) -> None:
        world = World()
        assert places(world, uri) == [place]
        assert world.questions() == []

    @pytest.mark.req("R3263-4.1-1", "R3263-4.2-4", "R7118-5.2-1", "R3261-26.2.2-3")
    @pytest.mark.parametrize(
        ("uri", "owners"),
        [
            ("sip:example.com;transport=udp", ["_sip._udp"]),
            ("sip:example.com;transport=tcp", ["_sips._tcp", "_sip._tcp"]),
            ("sips:example.com;transport=tcp", ["_sips._tcp"]),
            ("sip:example.com;transport=tls", ["_sips._tcp"]),
            ("sip:example.com;transport=sctp", ["_sips._sctp", "_sip._sctp"]),
            ("sips:example.com;transport=sctp", ["_sips._sctp"]),
        ],
    )
    def test_an_explicit_transport_is_used_and_naptr_is_not_asked(self, uri: str, owners: list[str]) -> None:
        world = World()
        policy = Policy(transports=("tls", "tcp", "udp", "tls-sctp", "sctp"))
        world.locate(uri, policy)
        assert world.questions()[: len(owners)] == [(f"{owner}.example.com", "SRV") for owner in owners]
        assert ("example.com", "NAPTR") not in world.questions()

    @pytest.mark.req("R7118-5.2-1", "R7118-5.5-2", "D-7118-1")
    @pytest.mark.parametrize(("scheme", "place"), [("sip", ("ws", 80)), ("sips", ("wss", 443))])
    def test_websocket_has_no_srv_name_of_its_own(self, scheme: str, place: tuple[str, int]) -> None:
        world = World()
        world.address("example.com", "192.0.2.1")
        found = places(world, f"{scheme}:example.com;transport=ws", Policy(transports=("ws", "wss")))
        assert found == [(place[0], "192.0.2.1", place[1])]
        assert {rrtype for _, rrtype in world.questions()} == {"A", "AAAA"}

    def test_a_uri_that_leaves_no_transport_is_told_without_a_question(self) -> None:
        world = World()
        route = world.locate("sip:example.com;transport=udp", Policy(transports=("tls",)))
        assert (route.outcome, route.code) == (Outcome.NO_SERVICE, "locate.no-service.unproven")
        assert "locate.transport" in [step.code for step in route.findings]
        assert world.questions() == []

    @pytest.mark.req("R3261-19.1.2-1", "R3263-7-2")
    def test_sips_never_leaves_a_transport_without_tls(self) -> None:
        for parameter in (None, "udp", "tcp", "sctp", "ws", "tls", "unheard-of"):
            usable = usable_transports("sips", parameter, ALL)
            assert set(usable) <= {"tls", "tls-sctp", "wss"}
            if usable:
                assert transport_without_dns("sips", parameter, usable) in usable


class TestMaddr:
    @pytest.mark.req("R3263-4-5", "R3261-19.1.1-2", "D-SEC-15")
    def test_maddr_is_what_is_looked_up_and_is_never_trusted(self) -> None:
        world = World()
        world.srv("_sips._tcp.elsewhere.example", (0, 0, 5061, "sip.elsewhere.example"))
        world.address("sip.elsewhere.example", "192.0.2.1")
        route = world.locate("sips:user@example.com;maddr=elsewhere.example")
        assert [t.delegation for t in route.targets] == [Delegation.TAINTED]
        assert world.questions()[0] == ("elsewhere.example", "NAPTR")
        assert not [q for q in world.questions() if q[0].endswith("example.com")]

    def test_a_numeric_maddr_needs_no_dns(self) -> None:
        assert places(World(), "sips:user@example.com:5062;maddr=192.0.2.9") == [("tls", "192.0.2.9", 5062)]


class TestSrv:
    @pytest.mark.req("R2782-pri-1", "R3263-4.2-6", "R7673-3.1-4")
    def test_the_lowest_priority_is_first_whatever_dnssec_says(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", (20, 0, 5061, "b.example.com"), (10, 0, 5062, "a.example.com"))
        world.address("a.example.com", "192.0.2.1", security=INSECURE)
        world.address("b.example.com", "192.0.2.2")
        assert [p[2] for p in places(world, "sips:example.com")] == [5062, 5061]

    @pytest.mark.req("R2782-tgt-2", "R3263-4.1-18")
    def test_a_sole_dot_means_not_offered_and_no_fall_back(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", (0, 0, 0, "."))
        world.address("example.com", "192.0.2.1")
        route = world.locate("sips:example.com")
        assert (route.outcome, route.code, route.targets) == (Outcome.NO_SERVICE, "locate.no-service", ())
        assert "locate.srv-root" in [step.code for step in route.findings]
        assert ("example.com", "A") not in world.questions()

    @pytest.mark.req("R3263-4.1-18")
    def test_a_dot_for_one_transport_leaves_the_others(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", (0, 0, 0, "."))
        world.srv("_sip._tcp.example.com", (0, 0, 5060, "sip.example.com"))
        world.address("sip.example.com", "192.0.2.1")
        assert places(world, "sip:example.com") == [("tcp", "192.0.2.1", 5060)]

    @pytest.mark.req("R2782-tgt-2")
    def test_a_dot_for_the_usual_transport_is_not_overruled_by_the_address(self) -> None:
        world = World()
        world.srv("_sip._udp.example.com", (0, 0, 0, "."))
        world.address("example.com", "192.0.2.1")
        assert world.locate("sip:example.com").code == "locate.no-service"

    @pytest.mark.req("D-SEC-12", "R7673-3.1-2")
    @pytest.mark.parametrize("failure", list(Failure))
    def test_one_failed_srv_lookup_ends_the_attempt(self, failure: Failure) -> None:
        world = World()
        world.fail("_sips._tcp.example.com", "SRV", failure)
        world.srv("_sip._udp.example.com", (0, 0, 5060, "sip.example.com"))
        route = world.locate("sip:example.com")
        assert route.outcome is Outcome.UNDETERMINED
        assert route.targets == ()
        assert ("sip.example.com", "A") not in world.questions()

    @pytest.mark.req("D-SEC-6", "R3263-7-2")
    @pytest.mark.parametrize("failure", list(Failure))
    def test_a_failed_naptr_lookup_ends_the_attempt(self, failure: Failure) -> None:
        world = World()
        world.fail("example.com", "NAPTR", failure)
        route = world.locate("sip:example.com")
        assert route.outcome is Outcome.UNDETERMINED
        assert world.questions() == [("example.com", "NAPTR")]

    @pytest.mark.req("R2782-port-1", "R2782-tgt-2", "T-L01")
    @pytest.mark.parametrize("bad", [(0, 0, 0, "sip.example.com"), (0, 0, 5061, "a..b"), (0, 0, 5061, "192.0.2.1")])
    def test_a_record_that_names_no_host_or_port_is_passed_over(self, bad: tuple[int, int, int, str]) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", bad, (1, 0, 5061, "good.example.com"))
        world.address("good.example.com", "192.0.2.1")
        route = world.locate("sips:example.com", Policy(prefetch=2))
        assert [t.host for t in route.targets] == ["good.example.com"]
        assert "locate.bad-target" in [step.code for step in route.findings]
        assert not route.complete

    def test_what_is_no_host_is_not_asked_for_ahead_either(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", (0, 0, 5061, "good.example.com"), (1, 0, 5061, "a..b"))
        world.address("good.example.com", "192.0.2.1")
        route = world.locate("sips:example.com", Policy(prefetch=1))
        assert not [name for name, _ in world.questions() if ".." in name]
        assert route.findings is route.findings

    def test_targets_beyond_the_limit_are_left_out_and_said_so(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", *[(n, 0, 5061, f"h{n}.example.com") for n in range(5)])
        for n in range(5):
            world.address(f"h{n}.example.com", f"192.0.2.{n}")
        route = world.locate("sips:example.com", Policy(limits=Limits(targets=3)))
        assert [t.host for t in route.targets] == ["h0.example.com", "h1.example.com", "h2.example.com"]
        assert not route.complete
        assert "limit.targets" in [step.code for step in route.findings]

    def test_prefetch_asks_ahead_and_asks_nothing_twice(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", *[(n, 0, 5061, f"h{n}.example.com") for n in range(3)])
        for n in range(3):
            world.address(f"h{n}.example.com", f"192.0.2.{n}", ttl=10.0 * (n + 1))
        plain = world.locate("sips:example.com")
        asked = world.questions()
        ahead = world.locate("sips:example.com", Policy(prefetch=2))
        assert sorted(world.questions()) == sorted(asked)
        assert [t.addresses for t in ahead.targets] == [t.addresses for t in plain.targets]
        assert ahead.expires == plain.expires == 10.0


class TestAddresses:
    @pytest.mark.req("R7984-3.1-1", "R7984-4-2")
    def test_both_families_are_asked_and_united_target_by_target(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", (0, 0, 5061, "a.example.com"), (1, 0, 5061, "b.example.com"))
        world.address("a.example.com", "192.0.2.1", "2001:db8::1")
        world.address("b.example.com", "192.0.2.2", "2001:db8::2")
        assert [p[1] for p in places(world, "sips:example.com")] == [
            "2001:db8::1",
            "192.0.2.1",
            "2001:db8::2",
            "192.0.2.2",
        ]

    @pytest.mark.req("R7984-3.1-2")
    def test_a_family_that_is_not_supported_is_not_asked(self) -> None:
        world = World()
        world.address("example.com", "192.0.2.1", "2001:db8::1")
        assert [p[1] for p in places(world, "sips:example.com:5061", Policy(families=("ipv4",)))] == ["192.0.2.1"]
        assert world.questions() == [("example.com", "A")]

    def test_addresses_beyond_the_limit_are_left_out_and_said_so(self) -> None:
        world = World()
        world.address("example.com", *[f"192.0.2.{n}" for n in range(1, 20)])
        route = world.locate("sips:example.com:5061", Policy(limits=Limits(addresses=4)))
        assert len(route.targets[0].addresses) == 4
        assert "limit.addresses" in [step.code for step in route.findings]

    @pytest.mark.req("T-S04")
    @pytest.mark.parametrize(
        ("security", "code"), [(SECURE, "locate.no-service"), (INSECURE, "locate.no-service.unproven")]
    )
    def test_only_a_proven_absence_is_called_no_service(self, security: Security, code: str) -> None:
        route = World(security).locate("sips:example.com")
        assert (route.outcome, route.code, route.complete) == (Outcome.NO_SERVICE, code, True)

    def test_one_target_without_address_does_not_hide_the_failure_of_another(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", (0, 0, 5061, "a.example.com"), (1, 0, 5061, "b.example.com"))
        world.fail("b.example.com", "A", Failure.TIMEOUT)
        route = world.locate("sips:example.com")
        assert (route.outcome, route.code) == (Outcome.UNDETERMINED, "locate.timeout")
        world.fail("a.example.com", "A", Failure.BOGUS)
        assert world.locate("sips:example.com").code == "dnssec.bogus"

    def test_the_run_out_of_time_leaves_what_was_found(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", (0, 0, 5061, "a.example.com"), (1, 0, 5061, "b.example.com"))
        world.address("a.example.com", "192.0.2.1")
        machine = Locate("sips:example.com", now=0.0, at=AT, randbelow=first)
        while not machine.targets:
            for action in machine.next_actions(now=0.0):
                if isinstance(action, Lookup) and action.name != "b.example.com":  # nobody answers for that one
                    machine.receive(world.answer(action), now=0.0)
        machine.advance(now=30.0)
        assert machine.result is not None
        assert [t.host for t in machine.result.targets] == ["a.example.com"]
        assert not machine.result.complete
        assert machine.result.code is None

    def test_the_run_out_of_time_with_nothing_found_is_undetermined(self) -> None:
        machine = Locate("sips:example.com", now=0.0, at=AT, randbelow=first)
        machine.advance(now=1e9)
        assert machine.result is not None
        assert (machine.result.outcome, machine.result.code) == (Outcome.UNDETERMINED, "limit.seconds")

    def test_a_route_tells_json_one_entry_for_each_address(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", (1, 2, 5061, "a.example.com"))
        world.address("a.example.com", "192.0.2.1", "2001:db8::1")
        told = world.locate("sips:example.com").to_dict()
        assert told["targets"] == [
            {"transport": "TLS", "host": "a.example.com", "address": address, "port": 5061, "priority": 1, "weight": 2}
            for address in ("2001:db8::1", "192.0.2.1")
        ]
        assert told["complete"] is True


class TestDelegation:
    """The taint rule D-SEC, read off the target's delegation."""

    def delegation(self, world: World, uri: str = "sips:user@example.com") -> Delegation:
        (target,) = world.locate(uri).targets
        return target.delegation

    def world(self, naptr: Security | None, srv: Security, owner: str = "_sips._tcp.example.com") -> World:
        world = World()
        if naptr is not None:
            world.naptr("example.com", (10, 10, "s", "SIPS+D2T", "", owner), security=naptr)
        world.srv(owner, (0, 0, 5061, "sip.hoster.example"), security=srv)
        world.address("sip.hoster.example", "192.0.2.1")
        return world

    @pytest.mark.req("D-SEC-1", "S-A-12")
    def test_naptr_and_srv_secure_is_a_secure_delegation(self) -> None:
        assert self.delegation(self.world(SECURE, SECURE)) is Delegation.SRV

    @pytest.mark.req("D-SEC-2")
    def test_naptr_securely_absent_and_srv_secure_is_a_secure_delegation(self) -> None:
        assert self.delegation(self.world(None, SECURE)) is Delegation.SRV

    @pytest.mark.req("D-SEC-3", "S-A-20", "R3263-4.1-13")
    def test_a_sideways_jump_by_secure_answers_is_a_secure_delegation(self) -> None:
        assert self.delegation(self.world(SECURE, SECURE, "_sips._tcp.hoster.example")) is Delegation.SRV

    @pytest.mark.req("D-SEC-4", "S-A-13", "S-A-20", "T-S01", "T-L02")
    @pytest.mark.parametrize("owner", ["_sips._tcp.example.com", "_sips._tcp.evil.example"])
    def test_an_insecure_naptr_taints_whatever_follows_even_secure_srv(self, owner: str) -> None:
        assert self.delegation(self.world(INSECURE, SECURE, owner)) is Delegation.TAINTED

    @pytest.mark.req("D-SEC-5", "T-S01")
    @pytest.mark.parametrize("naptr", [SECURE, None])
    def test_an_insecure_srv_taints_the_target(self, naptr: Security | None) -> None:
        assert self.delegation(self.world(naptr, INSECURE)) is Delegation.TAINTED

    @pytest.mark.req("D-SEC-7")
    def test_an_insecure_but_empty_naptr_leaves_the_srv_name_trusted_and_is_reported(self) -> None:
        world = self.world(None, SECURE)
        world.naptr("example.com", security=INSECURE)
        assert self.delegation(world) is Delegation.SRV
        world.srv("_sips._tcp.example.com", (0, 0, 5061, "sip.hoster.example"))
        route = world.locate("sip:user@example.com")
        assert "locate.downgrade-possible" in [step.code for step in route.findings]

    @pytest.mark.req("R7673-3.1-1", "D-DNS-1", "R7672-2.1.3-1")
    def test_one_insecure_alias_on_the_way_to_srv_taints_the_target(self) -> None:
        world = World()
        world.srv(
            "_sips._tcp.example.com",
            aliases=(Alias("_sips._tcp.example.com", "_sips._tcp.hoster.example", INSECURE, 60),),
        )
        said = world.said["_sips._tcp.example.com", "SRV"]
        world.srv("_sips._tcp.hoster.example", (0, 0, 5061, "sip.hoster.example"))
        said.records, said.denial = world.said["_sips._tcp.hoster.example", "SRV"].records, None
        world.address("sip.hoster.example", "192.0.2.1")
        assert self.delegation(world) is Delegation.TAINTED
        said.aliases = (Alias("_sips._tcp.example.com", "_sips._tcp.hoster.example", SECURE, 60),)
        assert self.delegation(world) is Delegation.SRV

    @pytest.mark.req("D-SEC-8")
    def test_srv_securely_absent_makes_the_host_its_own_server(self) -> None:
        world = World()
        world.address("example.com", "192.0.2.1")
        assert self.delegation(world) is Delegation.HOST

    @pytest.mark.req("D-SEC-8")
    def test_an_explicit_port_makes_the_host_its_own_server(self) -> None:
        world = World(INSECURE)
        world.address("example.com", "192.0.2.1")
        assert self.delegation(world, "sips:example.com:5061") is Delegation.HOST

    @pytest.mark.req("D-SEC-8", "D-7118-1")
    def test_a_transport_that_uses_no_srv_makes_the_host_its_own_server(self) -> None:
        world = World(INSECURE)
        world.address("example.com", "192.0.2.1")
        (target,) = world.locate("sips:example.com", Policy(transports=("wss",))).targets
        assert (target.delegation, target.port) == (Delegation.HOST, 443)

    @pytest.mark.req("D-SEC-8", "A-30")
    def test_srv_absent_without_proof_leaves_only_rfc_5922(self) -> None:
        world = World(INSECURE)
        world.address("example.com", "192.0.2.1", security=SECURE)
        assert self.delegation(world) is Delegation.TAINTED

    def test_srv_absent_at_a_tainted_name_proves_nothing(self) -> None:
        world = World()
        world.naptr("example.com", (10, 10, "s", "SIPS+D2T", "", "_sips._tcp.evil.example"), security=INSECURE)
        world.address("example.com", "192.0.2.1")
        assert self.delegation(world) is Delegation.TAINTED

    @pytest.mark.req("D-SEC-9", "R7672-2.2-1")
    def test_a_numeric_host_has_no_delegation(self) -> None:
        assert self.delegation(World(), "sips:192.0.2.1") is Delegation.TAINTED


class TestReports:
    def test_targets_and_routes_show_what_they_are(self) -> None:
        world = World()
        world.address("example.com", "192.0.2.1")
        route = world.locate("sips:example.com")
        assert repr(route) == "<Route of 1 target(s)>"
        assert repr(route.targets[0]) == "<Target 'example.com' port 5061 tls, host>"
        world.fail("example.com", "AAAA")
        world.address("example.com")
        world.fail("example.com", "AAAA")
        assert repr(world.locate("sips:example.com")) == "<Route of 0 target(s), incomplete>"

    @pytest.mark.req("A-08", "R2782-tgt-1")
    def test_an_srv_target_that_is_an_alias_is_followed_with_a_warning(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", (0, 0, 5061, "sip.example.com"))
        world.address("sip.example.com", "192.0.2.1", alias=[Alias("sip.example.com", "real.example.com", SECURE, 60)])
        route = world.locate("sips:example.com")
        assert route.targets[0].addresses == ("192.0.2.1",)
        assert "locate.srv-cname" in [step.code for step in route.findings]

    def test_the_domain_itself_may_be_an_alias_without_a_warning(self) -> None:
        world = World()
        world.address("example.com", "192.0.2.1", alias=[Alias("example.com", "real.example.com", SECURE, 60)])
        assert "locate.srv-cname" not in [step.code for step in world.locate("sips:example.com").findings]

    def test_records_are_shown_in_the_order_of_their_ranks_not_of_the_wire(self) -> None:
        shown: set[str] = set()
        for rows in (RFC3263_NAPTR, RFC3263_NAPTR[::-1]):
            world = World()
            world.naptr("example.com", *rows)
            world.srv("_sips._tcp.example.com", (2, 0, 1, "b.example"), (1, 0, 1, "a.example"))
            shown.add("\n".join([step.found for step in world.locate("sips:example.com").findings]))
        assert len(shown) == 1
        assert "1 0 1 a.example; 2 0 1 b.example" in shown.pop()


class TestStatelessProxies:
    @pytest.mark.req("R3263-4.4-1")
    def test_addresses_that_are_answered_in_turn_are_tried_in_one_order(self) -> None:
        seen: set[tuple[str, ...]] = set()
        addresses = ["192.0.2.9", "192.0.2.10", "2001:db8::2", "2001:db8::1", "192.0.2.1"]
        for turn in range(len(addresses)):
            world = World()
            world.address("example.com", *addresses[turn:], *addresses[:turn])
            policy = Policy(limits=Limits(addresses=4))
            machine = Locate("sips:example.com:5061", policy=policy, now=0.0, at=AT, randbelow=None)
            world.run(machine)
            assert machine.result is not None
            seen.add(machine.result.targets[0].addresses)
        assert seen == {("2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.9")}


class TestLimits:
    @pytest.mark.req("R7984-3.1-1", "T-L01")
    def test_many_addresses_of_one_family_do_not_hide_the_other_one(self) -> None:
        world = World()
        world.address("example.com", "192.0.2.1", *[f"2001:db8::{n}" for n in range(1, 10)])
        route = world.locate("sips:example.com:5061")
        assert route.targets[0].addresses == (*[f"2001:db8::{n}" for n in range(1, 8)], "192.0.2.1")
        assert not route.complete

    def test_looking_ahead_leaves_lookups_for_what_decides(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", *[(n, 0, 5061, f"h{n}.example.com") for n in range(40)])
        for n in range(40):
            world.address(f"h{n}.example.com", f"192.0.2.{n}")
        plain, ahead = (world.outbound("sips:example.com", Policy(prefetch=prefetch)) for prefetch in (0, 40))
        assert (plain.outcome, plain.code) == (ahead.outcome, ahead.code) == (Outcome.UNDETERMINED, "net.refused")

    def test_what_is_no_server_is_not_asked_for_ahead(self) -> None:
        world = World()
        bad = [(1, 0, 5061, "192.0.2.5"), (2, 0, 0, "sip.example.com"), (3, 0, 5061, ".."), (4, 0, 5061, "a b")]
        world.srv("_sips._tcp.example.com", *bad)
        route = world.locate("sips:example.com")
        assert not [question for question in world.questions() if question[1] in ("A", "AAAA")]
        found = [step.found for step in route.findings if step.code == "locate.bad-target"]
        assert found == ["'192.0.2.5' port 5061", "'sip.example.com' port 0", "'.' port 5061", "'a b' port 5061"]

    @pytest.mark.req("R3263-4.2-5", "D-SEC-8")
    def test_a_domain_whose_srv_name_would_be_too_long_is_its_own_server(self) -> None:
        domain = ".".join(["a" * 61] * 4)
        assert len(domain) == 247
        world = World()
        world.address(domain, "192.0.2.1")
        route = world.locate(f"sips:{domain}")
        assert [(t.host, t.delegation) for t in route.targets] == [(domain, Delegation.HOST)]
        assert {rrtype for _, rrtype in world.questions()} == {"NAPTR", "A", "AAAA"}


class TestVanishedTls:
    JUNK = ((10, 10, "x", "SIPS+D2T", "", "_sips._tcp.example.com"), (10, 10, "s", "SIPS+D2T", "!x!", "."))

    @pytest.mark.req("R3263-7-1")
    @pytest.mark.parametrize("junk", JUNK)
    def test_a_record_that_nobody_can_use_offers_nothing(self, junk: tuple[int, int, str, str, str, str]) -> None:
        world = World(INSECURE)
        world.naptr("example.com", junk, (20, 10, "s", "SIP+D2U", "", "_sip._udp.example.com"))
        world.srv("_sip._udp.example.com", (0, 0, 5060, "sip.example.com"))
        world.address("sip.example.com", "192.0.2.1")
        machine = Locate("sip:example.com", now=0.0, at=AT, randbelow=first, sips_seen=True)
        world.run(machine)
        assert machine.result is not None
        assert machine.result.sips is False
        assert "locate.sips-vanished" in [step.code for step in machine.result.findings]

    @pytest.mark.req("R3263-7-1", "D-SEC-14")
    def test_a_run_that_starts_again_remembers_what_it_has_seen(self) -> None:
        world = World(INSECURE)
        tls = [(1, 0, 5061, "sip.example.com"), (2, 0, 5061, "sip2.example.com")]
        world.srv("_sips._tcp.example.com", *tls, ttl=31.0)
        world.address("sip.example.com", "192.0.2.1")
        machine = Locate("sip:example.com", policy=Policy(prefetch=0), now=0.0, at=AT, randbelow=first)
        world.run_to_the_caller(machine, now=0.0)
        assert machine.ready is not None
        assert machine.ready.sips is True
        # Meanwhile somebody on the path denies what is protected.
        world.srv("_sips._tcp.example.com")
        world.srv("_sip._udp.example.com", (0, 0, 5060, "sip.example.com"))
        target = machine.next_target
        assert target is not None
        machine.receive(TargetFailed(target, TargetFailure.TIMEOUT), now=100.0)
        world.run_to_the_caller(machine, now=100.0)
        assert machine.ready is not None
        assert machine.ready.sips is True  # still worth keeping
        assert "locate.sips-vanished" in [step.code for step in machine.ready.findings]


class TestHostileText:
    def test_the_quotes_of_a_character_string_end_with_it(self) -> None:
        record = Naptr("example.com", 1, 1, "s", 'x"y', '!^.*$!"; 1 1 "s" "SIPS+D2T" "" evil (secure)!\\', ".")
        assert str(record) == r'1 1 "s" "x\"y" "!^.*$!\"; 1 1 \"s\" \"SIPS+D2T\" \"\" evil (secure)!\\" .'

    def test_a_long_record_does_not_hide_why_it_was_passed_over(self) -> None:
        world = World()
        world.naptr("example.com", (10, 10, "s", "SIPS+D2T", "!" + "x" * 5_000 + "!", "."))
        route = world.locate("sips:example.com")
        (text,) = [step.found for step in route.findings if step.code == "locate.naptr-passed-over"]
        assert text.endswith("...: it has a regular expression")
