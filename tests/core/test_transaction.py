"""One transaction from its first server to its last: what its caller tells `Locate`, and what `Locate` does then."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dialogue import Dialogue
from siptls import (
    Answered,
    Connect,
    ConnectFailed,
    Endpoint,
    Limits,
    LocalProtocolError,
    Locate,
    Lookup,
    Outbound,
    Outcome,
    Policy,
    Target,
    TargetFailed,
    TargetFailure,
    TargetInUse,
)
from siptls.policy import Transport
from siptls.transport import too_large_for_udp
from world import AT, World, first

URI = "sip:example.com;transport=tcp"
HOSTS = ("one.example.com", "two.example.com", "three.example.com", "four.example.com", "five.example.com")
ONE, TWO, THREE, FOUR, FIVE = HOSTS
SRV_QUESTION = "_sip._tcp.example.com SRV"
SRV = """
IN SRV 10 0 5061 one.example.com.
IN SRV 20 0 5062 two.example.com.
IN SRV 30 0 5063 three.example.com.
IN SRV 40 0 5064 four.example.com.
IN SRV 50 0 5065 five.example.com.
"""
ADDRESSES = """
one.example.com.   AAAA 2001:db8::1
one.example.com.   A 192.0.2.1
two.example.com.   A 192.0.2.2
three.example.com. A 192.0.2.3
four.example.com.  A 192.0.2.4
five.example.com.  A 192.0.2.5
"""
AT_ONE = Endpoint(ONE, "2001:db8::1", 5061, "tcp")


def last(n: int) -> int:
    """A source of randomness that always draws the highest number."""
    return n - 1


def addresses(*hosts: str) -> list[str]:
    """The questions for the addresses of hosts."""
    return [f"{host} A AAAA" for host in hosts]


def caller(
    prefetch: int | None = 0,
    *,
    uri: str = URI,
    transports: tuple[Transport, ...] = ("tcp",),
    randbelow: Callable[[int], int] | None = first,
    large: bool = False,
    sips_seen: bool = False,
    limits: Limits | None = None,
) -> Dialogue:
    """The caller of a machine that has asked nothing yet."""
    policy = Policy(transports=transports, prefetch=prefetch, limits=limits or Limits())
    return Dialogue(Locate(uri, policy=policy, now=0.0, at=AT, randbelow=randbelow, large=large, sips_seen=sips_seen))


def located(
    prefetch: int | None = 0,
    srv: str = SRV,
    *,
    ttl: float = 1_000_000.0,
    randbelow: Callable[[int], int] | None = first,
    limits: Limits | None = None,
) -> Dialogue:
    """The caller of a machine that has found as much as it wants to begin with."""
    uac = caller(prefetch, randbelow=randbelow, limits=limits)
    uac.asks(SRV_QUESTION)
    uac.is_told(srv, ttl=ttl)
    uac.is_served(ADDRESSES, ttl=ttl)
    return uac


class TestFirstTarget:
    @pytest.mark.parametrize("prefetch", [0, 1, 3])
    def test_only_the_addresses_of_the_first_target_are_asked_for(self, prefetch: int) -> None:
        uac = caller(prefetch)
        uac.asks(SRV_QUESTION)
        uac.is_told(SRV)
        uac.asks(*addresses(ONE))
        uac.is_told(ADDRESSES)
        uac.goes_to(f"tcp {ONE} 2001:db8::1 5061", f"tcp {ONE} 192.0.2.1 5061")

    def test_a_target_without_an_address_costs_no_request(self) -> None:
        uac = caller()
        uac.asks(SRV_QUESTION)
        uac.is_told(SRV)
        uac.asks(*addresses(ONE))
        uac.is_told("")
        uac.asks(*addresses(TWO))
        uac.is_told(ADDRESSES)
        assert (uac.next_host, uac.machine.attempt) == (TWO, 1)

    def test_while_only_the_caller_is_awaited_there_is_no_deadline_and_the_route_is_at_hand(self) -> None:
        uac = located()
        route = uac.machine.ready
        assert route is not None
        assert [target.host for target in route.targets] == [ONE]
        assert (route.outcome, route.code, route.complete) == (None, None, False)
        assert uac.machine.deadline == math.inf

    def test_while_the_dns_is_awaited_there_is_a_deadline_and_no_route(self) -> None:
        uac = caller()
        uac.asks(SRV_QUESTION)
        assert uac.machine.deadline == 10.0  # the limit of one lookup
        assert uac.machine.ready is None
        assert uac.machine.next_target is None

    def test_a_domain_with_a_thousand_targets_costs_what_is_used(self) -> None:
        uac = caller(limits=Limits(targets=1000, lookups=5000))
        uac.asks(SRV_QUESTION)
        uac.is_told("\n".join(f"IN SRV {n} 0 5060 h{n}.example.com." for n in range(1000)))
        uac.asks(*addresses("h0.example.com"))
        uac.is_told("IN A 192.0.2.1")
        uac.fails("h0.example.com")
        uac.asks(*addresses("h1.example.com"))


class TestPrefetch:
    """How many targets ahead are looked up while one is in use."""

    @pytest.mark.parametrize(("depth", "ahead"), [(0, ()), (1, (TWO,)), (3, (TWO, THREE, FOUR))])
    def test_the_depth_is_counted_from_the_target_in_use(self, depth: int, ahead: tuple[str, ...]) -> None:
        uac = located(depth)
        uac.uses(ONE)
        uac.asks(*addresses(*ahead))

    def test_the_next_ones_are_looked_up_as_the_caller_goes_on(self) -> None:
        uac = located(1)
        uac.uses(ONE)
        uac.asks(*addresses(TWO))
        uac.is_told(ADDRESSES)
        uac.fails(ONE)
        assert uac.next_host == TWO
        uac.uses(TWO)
        uac.asks(*addresses(THREE))

    @pytest.mark.req("R3263-4.3-3")
    def test_what_was_looked_up_ahead_is_at_hand_when_it_is_needed(self) -> None:
        uac = located(3)
        uac.uses(ONE)
        uac.asks(*addresses(TWO, THREE, FOUR))
        uac.is_told(ADDRESSES)
        for host, following in itertools.pairwise((ONE, TWO, THREE, FOUR)):
            uac.fails(host)
            assert uac.next_host == following

    def test_a_look_up_ahead_that_fails_leaves_the_target_in_use_alone(self) -> None:
        uac = located(1)
        uac.uses(ONE)
        uac.asks(*addresses(TWO))
        uac.hears_of_a_failure()
        assert uac.next_host == ONE
        assert uac.machine.in_use == AT_ONE
        uac.fails(ONE)
        uac.is_served(ADDRESSES)
        assert uac.next_host == THREE

    def test_a_look_up_ahead_has_its_own_deadline_and_the_request_none(self) -> None:
        uac = located(3)
        uac.uses(ONE)
        uac.asks(*addresses(TWO, THREE, FOUR))
        assert uac.machine.deadline == 10.0
        uac.passes(10.0)
        assert uac.machine.deadline == math.inf
        uac.asks_nothing()
        assert (uac.next_host, uac.machine.in_use) == (ONE, AT_ONE)
        uac.is_told(ADDRESSES)  # too late: they count as failed
        uac.fails(ONE)
        uac.asks(*addresses(FIVE))

    def test_a_target_that_fails_before_its_turn_is_passed_over(self) -> None:
        # A proxy may know from other transactions that a server is down.
        uac = located(None)
        uac.fails(TWO, TargetFailure.TRANSPORT)
        assert uac.next_host == ONE
        with pytest.raises(LocalProtocolError):
            uac.fails(TWO)
        uac.fails(ONE)
        assert uac.next_host == THREE

    def test_without_a_depth_all_are_looked_up_at_once_and_the_search_is_over(self) -> None:
        uac = caller(None)
        uac.asks(SRV_QUESTION)
        uac.is_told(SRV)
        uac.asks(*addresses(*HOSTS))
        uac.is_told(ADDRESSES)
        assert uac.machine.result is not None
        assert uac.machine.result.complete
        assert [target.host for target in uac.machine.result.targets] == [*HOSTS]


class TestPin:
    """Retransmissions, CANCEL and the ACK of a failure response go to the same host."""

    @pytest.mark.req("R3263-4-2")
    @pytest.mark.parametrize("prefetch", [0, 1, None])
    @pytest.mark.parametrize("address", [None, "2001:db8::1", "192.0.2.1"])
    def test_what_is_in_use_stays_in_use_however_long_it_lasts(self, prefetch: int | None, address: str | None) -> None:
        uac = located(prefetch, ttl=60.0)
        assert uac.machine.in_use is None
        uac.uses(ONE, address)
        pinned = Endpoint(ONE, address or "2001:db8::1", 5061, "tcp")
        assert uac.machine.in_use == pinned
        uac.is_served(ADDRESSES)
        uac.passes(100_000.0)
        uac.asks_nothing()  # "exactly once per transaction"
        assert uac.machine.in_use == pinned

    @pytest.mark.req("R3263-4-2", "R3263-4.3-2")
    def test_only_a_failure_leads_to_another_server(self) -> None:
        uac = located()
        uac.uses(ONE)
        uac.fails(ONE, TargetFailure.TRANSPORT)
        uac.asks(*addresses(TWO))
        uac.is_told(ADDRESSES)
        uac.uses(TWO)
        assert uac.machine.in_use == Endpoint(TWO, "192.0.2.2", 5062, "tcp")

    @pytest.mark.req("R3263-4-3")
    def test_the_ack_of_a_2xx_is_located_anew_and_may_go_elsewhere(self) -> None:
        equal = "IN SRV 10 1 5061 one.example.com.\nIN SRV 10 1 5062 two.example.com."
        invite = located(srv=equal)
        invite.uses(ONE)
        hosts: set[str | None] = set()
        for draw in (first, last):
            ack = located(srv=equal, randbelow=draw)
            assert ack.machine.in_use is None
            hosts.add(ack.next_host)
        assert hosts == {ONE, TWO}
        assert invite.machine.in_use == AT_ONE

    @pytest.mark.req("R7984-3.2-1")
    def test_a_request_is_never_raced_on_two_families(self) -> None:
        # Locate hands out one server at a time, and knows of one address that is in use.
        uac = located(1)
        uac.uses(ONE, "2001:db8::1")
        uac.is_served(ADDRESSES)
        assert uac.next_host == ONE
        uac.uses(ONE, "192.0.2.1")
        assert uac.machine.in_use == Endpoint(ONE, "192.0.2.1", 5061, "tcp")

    @pytest.mark.req("R7984-3.2-1")
    def test_neither_are_the_connections_unless_the_policy_says_so(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", (10, 0, 5061, ONE))
        world.address(ONE, "2001:db8::1", "192.0.2.1")
        machine = Outbound("sips:example.com", now=0.0, at=AT, randbelow=first)
        connects: list[Connect] = []
        while not connects:
            for action in machine.next_actions(now=0.0):
                if isinstance(action, Lookup):
                    machine.receive(world.answer(action), now=0.0)
                elif isinstance(action, Connect):
                    connects.append(action)
        machine.advance(now=9.0)
        assert machine.next_actions(now=9.0) == ()
        assert [connect.endpoint.address for connect in connects] == ["2001:db8::1"]
        machine.receive(ConnectFailed(connects[0], "net.refused"), now=9.0)
        (second,) = machine.next_actions(now=9.0)
        assert isinstance(second, Connect)
        assert second.endpoint.address == "192.0.2.1"


class TestWhatCountsAsFailure:
    """A 503, an error of the transport, or a time-out "without ever having received any response"."""

    @pytest.mark.req("R3263-4.3-1")
    def test_503_is_the_only_response_that_is_a_failure(self) -> None:
        failures = [status for status in range(200, 700) if TargetFailure.of_status(status) is not None]
        assert failures == [503]
        assert TargetFailure.of_status(503) is TargetFailure.UNAVAILABLE

    @pytest.mark.req("R3263-4.3-1", "R3263-4.3-2", "D-SEC-11")
    @pytest.mark.parametrize("reason", TargetFailure)
    def test_after_each_failure_a_new_request_goes_to_the_next_server(self, reason: TargetFailure) -> None:
        uac = located()
        assert uac.machine.attempt == 1
        uac.uses(ONE)
        assert uac.machine.attempt == 1
        uac.fails(ONE, reason)
        assert uac.machine.attempt == 2
        uac.asks(*addresses(TWO))
        uac.is_told(ADDRESSES)
        assert uac.next_host == TWO

    @pytest.mark.req("R3263-4.3-2", "R3263-4.3-3")
    @pytest.mark.parametrize("prefetch", [0, 1, 3, None])
    def test_the_list_is_gone_through_once_and_each_server_has_a_branch_of_its_own(self, prefetch: int | None) -> None:
        uac = located(prefetch)
        served: list[tuple[int, str]] = []
        while (host := uac.next_host) is not None:
            served.append((uac.machine.attempt, host))
            uac.uses(host)
            uac.fails(host)
            uac.is_served(ADDRESSES)
        assert served == list(enumerate(HOSTS, 1))
        assert uac.machine.result is not None
        # The order is made once, and no question is asked twice.
        assert sorted(uac.questions) == sorted({SRV_QUESTION, *[f"{h} {t}" for h in HOSTS for t in ("A", "AAAA")]})

    @pytest.mark.parametrize("prefetch", [0, 1, 3, None])
    def test_the_list_is_as_long_as_the_policy_allows(self, prefetch: int | None) -> None:
        uac = located(prefetch, limits=Limits(targets=2))
        for host in (ONE, TWO):
            assert uac.next_host == host
            uac.uses(host)
            uac.is_served(ADDRESSES)
            uac.fails(host)
            uac.is_served(ADDRESSES)
        result = uac.machine.result
        assert result is not None
        assert (uac.next_host, result.complete) == (None, False)
        assert "limits.targets" in " ".join(step.found for step in result.findings)
        assert not [question for question in uac.questions if question.startswith(THREE)]

    def test_a_target_may_fail_without_having_been_in_use(self) -> None:
        uac = located()
        uac.fails(ONE, TargetFailure.TRANSPORT)
        uac.is_served(ADDRESSES)
        assert (uac.next_host, uac.machine.attempt) == (TWO, 2)


class TestStatelessProxy:
    """RFC 3263 section 4.4: each retransmission goes the same way."""

    RECORDS = (
        (10, 5, 5060, "c.example.com"),
        (10, 7, 5060, "d.example.com"),
        (10, 5, 5060, "b.example.com"),
        (10, 5, 5059, "c.example.com"),
        (10, 0, 5060, "a.example.com"),
        (9, 0, 5060, "z.example.com"),
    )

    def order(self, records: Sequence[tuple[int, int, int, str]]) -> tuple[tuple[str, int], ...]:
        world = World()
        world.srv("_sip._tcp.example.com", *records)
        for *_, host in records:
            world.address(host.lower(), "192.0.2.1")
        machine = Locate(URI, policy=Policy(transports=("tcp",)), now=0.0, at=AT, randbelow=None)
        world.run(machine)
        return tuple([(target.host, target.port) for target in machine.targets])

    @pytest.mark.req("R3263-4.4-1", "R2782-pri-1")
    def test_records_of_one_priority_have_one_order_however_the_dns_sends_them(self) -> None:
        # By weight, the heaviest first, then by name and port.
        assert {self.order(records) for records in itertools.permutations(self.RECORDS)} == {
            (
                ("z.example.com", 5060),
                ("d.example.com", 5060),
                ("b.example.com", 5060),
                ("c.example.com", 5059),
                ("c.example.com", 5060),
                ("a.example.com", 5060),
            )
        }

    @pytest.mark.req("R3263-4.4-1", "R3403-4.1-2")
    def test_equal_naptr_records_have_one_order_too(self) -> None:
        # Section 4.4 asks domains not to publish such: "and similarly for NAPTR records".
        records = [
            (10, 10, "s", "SIP+D2T", "", "_sip._tcp.b.example"),
            (10, 10, "S", "sip+d2t", "", "_sip._tcp.a.example"),
            (10, 10, "s", "SIP+D2T", "", "_sip._tcp.c.example"),
        ]
        followed: set[str] = set()
        for permutation in itertools.permutations(records):
            world = World()
            world.naptr("example.com", *permutation)
            machine = Locate("sip:example.com", now=0.0, at=AT, randbelow=None)
            world.run(machine)
            followed |= {asked for asked, rrtype in world.questions() if rrtype == "SRV"}
        assert followed == {"_sip._tcp.a.example"}

    @pytest.mark.req("R3263-4.4-1")
    def test_the_case_of_a_name_does_not_change_its_place(self) -> None:
        lower = self.order([(0, 1, 5060, "b.example.com"), (0, 1, 5060, "a.example.com")])
        upper = self.order([(0, 1, 5060, "B.EXAMPLE.com"), (0, 1, 5060, "a.example.com")])
        assert [host.lower() for host, _ in lower] == [host.lower() for host, _ in upper]

    @pytest.mark.req("R3263-4.4-2")
    @pytest.mark.parametrize("prefetch", [0, 1, None])
    def test_who_does_not_reach_the_first_server_acts_as_a_stateful_proxy(self, prefetch: int | None) -> None:
        proxy = located(prefetch, randbelow=None)
        proxy.uses(ONE)
        proxy.is_served(ADDRESSES)
        assert proxy.machine.must_be_stateful is False
        proxy.fails(ONE)
        assert proxy.machine.must_be_stateful is True
        proxy.is_served(ADDRESSES)
        proxy.uses(TWO)
        assert proxy.machine.must_be_stateful is True

    @pytest.mark.req("R3263-4.4-2")
    def test_another_address_of_the_first_server_is_not_the_first_either(self) -> None:
        proxy = located(randbelow=None)
        proxy.uses(ONE, "192.0.2.1")
        assert proxy.machine.must_be_stateful is True

    @pytest.mark.req("R3263-4.4-2")
    def test_who_draws_is_stateful_already_and_is_not_told(self) -> None:
        uac = located()
        uac.uses(ONE, "192.0.2.1")
        uac.fails(ONE)
        assert uac.machine.must_be_stateful is False


class TestLargeRequests:
    """RFC 3261 section 18.1.1: too large for UDP."""

    @pytest.mark.req("R3263-4.1-4", "R3261-18.1.1-2")
    @pytest.mark.parametrize(
        ("octets", "path_mtu", "large"),
        [
            (1300, None, False),
            (1301, None, True),
            (65_535, None, True),
            (1299, 1500, False),
            (1301, 1500, True),
            (8_799, 9_000, False),
            (8_801, 9_000, True),
            (500, 576, True),
            (375, 576, False),
        ],
    )
    def test_within_200_octets_of_the_path_mtu_or_more_than_1300(
        self, octets: int, path_mtu: int | None, *, large: bool
    ) -> None:
        assert too_large_for_udp(octets, path_mtu) is large

    @pytest.mark.req("R3263-4.1-4", "R3263-4.1-17", "R3261-18.1.1-2")
    @pytest.mark.parametrize(
        ("uri", "small", "large"),
        [
            ("sip:192.0.2.1", "udp 192.0.2.1 192.0.2.1 5060", "tcp 192.0.2.1 192.0.2.1 5060"),
            ("sip:192.0.2.1:5070", "udp 192.0.2.1 192.0.2.1 5070", "tcp 192.0.2.1 192.0.2.1 5070"),
            (f"sip:{ONE}:5070", f"udp {ONE} 192.0.2.1 5070", f"tcp {ONE} 192.0.2.1 5070"),
            (f"sip:{ONE}", f"udp {ONE} 192.0.2.1 5060", f"tcp {ONE} 192.0.2.1 5060"),
            (f"sip:{ONE};transport=udp", f"udp {ONE} 192.0.2.1 5060", f"tcp {ONE} 192.0.2.1 5060"),
            ("sip:192.0.2.1;transport=udp", "udp 192.0.2.1 192.0.2.1 5060", "tcp 192.0.2.1 192.0.2.1 5060"),
        ],
    )
    def test_a_large_request_takes_tcp_where_udp_would_be_the_default(self, uri: str, small: str, large: str) -> None:
        for is_large, found in ((False, small), (True, large)):
            uac = caller(None, uri=uri, transports=("udp", "tcp"), large=is_large)
            uac.is_served("one.example.com. A 192.0.2.1")
            uac.goes_to(found)

    @pytest.mark.req("R3263-4.1-4", "R3263-4.1-10")
    def test_naptr_records_for_udp_are_none_for_a_large_request(self) -> None:
        naptr = """
        IN NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp.example.com.
        IN NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp.example.com.
        """
        for is_large, label in ((False, "_sip._udp"), (True, "_sip._tcp")):
            uac = caller(None, uri="sip:example.com", transports=("udp", "tcp"), large=is_large)
            uac.asks("example.com NAPTR")
            uac.is_told(naptr)
            uac.asks(f"{label}.example.com SRV")

    @pytest.mark.req("R3263-4.1-4", "R3263-4.1-16")
    def test_srv_records_for_udp_are_not_taken_for_a_large_request(self) -> None:
        uac = caller(None, uri="sip:example.com", transports=("udp", "tcp"), large=True)
        uac.is_served(
            """
            _sip._udp.example.com. IN SRV 0 0 5060 one.example.com.
            _sip._tcp.example.com. IN SRV 0 0 5061 one.example.com.
            one.example.com. A 192.0.2.1
            """
        )
        uac.goes_to(f"tcp {ONE} 192.0.2.1 5061")


class TestExpiry:
    """RFC 3403 section 3: "none of the records it is relying on have expired", else it starts over."""

    NAPTR = 'example.com. IN NAPTR 10 10 "s" "SIP+D2T" "" _sip._tcp.example.com.'
    EVERYTHING = f"{NAPTR}\n{SRV.replace('IN SRV', '_sip._tcp.example.com. IN SRV')}\n{ADDRESSES}"
    URI = "sip:example.com"

    def begun(self, naptr_ttl: float, srv_ttl: float, prefetch: int = 0) -> Dialogue:
        uac = caller(prefetch, uri=self.URI)
        uac.asks("example.com NAPTR")
        uac.is_told(self.NAPTR, ttl=naptr_ttl)
        uac.asks(SRV_QUESTION)
        uac.is_told(SRV, ttl=srv_ttl)
        uac.asks(*addresses(ONE))
        uac.is_told(ADDRESSES)
        uac.uses(ONE)
        return uac

    @pytest.mark.req("R3403-3-1")
    @pytest.mark.parametrize("prefetch", [0, 1])
    def test_fresh_records_are_gone_on_with(self, prefetch: int) -> None:
        uac = self.begun(60, 60, prefetch)
        uac.is_served(ADDRESSES)
        uac.passes(59.0)
        uac.fails(ONE)
        uac.is_served(ADDRESSES)
        assert uac.next_host == TWO
        assert "locate.restarted" not in uac.codes
        assert uac.questions.count("example.com NAPTR") == 1

    @pytest.mark.req("R3403-3-1", "R3263-4.3-3")
    @pytest.mark.parametrize(("naptr_ttl", "srv_ttl"), [(60, 3600), (3600, 60)])
    def test_if_a_single_record_has_expired_the_run_starts_over_at_the_beginning(
        self, naptr_ttl: float, srv_ttl: float
    ) -> None:
        uac = self.begun(naptr_ttl, srv_ttl)
        uac.passes(61.0)
        uac.fails(ONE)
        uac.is_served(self.EVERYTHING)
        # From the URI on; what is still fresh need not be asked for again.
        assert uac.questions.count("example.com NAPTR") == (2 if naptr_ttl == 60 else 1)
        assert uac.questions.count(SRV_QUESTION) == (2 if srv_ttl == 60 else 1)
        assert uac.codes.count("locate.restarted") == 1
        assert uac.next_host == TWO  # what failed before is not handed out again
        assert uac.machine.attempt == 2

    @pytest.mark.req("R3403-3-1")
    def test_after_the_restart_the_new_records_count(self) -> None:
        uac = self.begun(60, 60)
        uac.passes(61.0)
        uac.fails(ONE)
        uac.asks("example.com NAPTR")
        uac.is_told(self.NAPTR)
        uac.asks(SRV_QUESTION)
        uac.is_told("IN SRV 10 0 5061 one.example.com.\nIN SRV 20 0 5064 four.example.com.")
        uac.is_served(ADDRESSES)
        assert uac.next_host == FOUR

    @pytest.mark.req("R3403-3-1")
    def test_it_starts_over_only_once(self) -> None:
        uac = self.begun(60, 60)
        for host in (ONE, TWO):
            uac.passes(61.0)
            uac.fails(host)
            uac.is_served(
                f"{self.NAPTR}\n{SRV.replace('IN SRV', '_sip._tcp.example.com. IN SRV')}\n{ADDRESSES}", ttl=60
            )
        assert uac.machine.result is not None
        assert uac.machine.result.complete is False
        assert uac.next_host is None
        assert uac.codes.count("locate.restarted") == 1
        assert uac.codes.count("locate.expired") == 1

    @pytest.mark.req("R3403-3-1")
    @pytest.mark.parametrize("ttl", [0, 1, 29])
    def test_records_live_for_30_seconds_at_least_within_the_run_that_fetched_them(self, ttl: float) -> None:
        uac = self.begun(ttl, ttl)
        uac.passes(29.0)
        uac.fails(ONE)
        uac.asks(*addresses(TWO))

    @pytest.mark.req("R3403-3-1")
    @pytest.mark.parametrize(
        ("ttl", "tried"),
        # With the most significant bit set it is "as if the entire value received was zero" (RFC 2181 section 8).
        [(0, [ONE, TWO]), (2**31 - 1, [*HOSTS]), (2**31, [ONE, TWO]), (2**32 - 1, [ONE, TWO])],
    )
    def test_a_run_ends_whatever_the_time_to_live(self, ttl: float, tried: list[str]) -> None:
        uac = caller(0, uri=self.URI)
        uac.is_served(self.EVERYTHING, ttl=ttl)
        found: list[str] = []
        while (host := uac.next_host) is not None:
            found.append(host)
            uac.uses(host)
            uac.passes(1_000.0)
            uac.fails(host)
            uac.is_served(self.EVERYTHING, ttl=ttl)
        assert uac.machine.result is not None
        assert found == tried

    @pytest.mark.req("R3403-3-1")
    @pytest.mark.parametrize("shortest", range(4))
    def test_the_route_says_until_when_all_of_its_records_hold(self, shortest: int) -> None:
        uac = caller(None, uri=self.URI)
        ttls = [60.0 if place == shortest else 300.0 for place in range(4)]
        uac.asks("example.com NAPTR")
        uac.is_told(self.NAPTR, ttl=ttls[0])
        uac.asks(SRV_QUESTION)
        uac.is_told("IN SRV 10 0 5061 one.example.com.\nIN SRV 20 0 5062 two.example.com.", ttl=ttls[1])
        uac.asks(*addresses(ONE, TWO))
        both = uac.open
        for host, ttl in ((ONE, ttls[2]), (TWO, ttls[3])):
            uac.open = [question for question in both if question.name == host]
            uac.is_told(ADDRESSES, ttl=ttl)
        assert uac.route().expires == 60.0


class TestTime:
    """The limit of time counts each search, and not the time that a request takes."""

    @pytest.mark.parametrize("waits", [0.0, 100.0, 10_000.0])
    def test_the_time_in_which_the_caller_is_awaited_does_not_count(self, waits: float) -> None:
        uac = caller(limits=Limits(seconds=8.0))
        uac.asks(SRV_QUESTION)
        assert uac.machine.deadline == 8.0
        uac.now += 3.0
        uac.is_told(SRV, ttl=1_000_000.0)
        uac.asks(*addresses(ONE))
        assert uac.machine.deadline == 8.0
        uac.now += 3.0
        uac.is_told(ADDRESSES)
        uac.uses(ONE)
        assert uac.machine.deadline == math.inf
        uac.passes(waits)
        uac.fails(ONE)
        uac.asks(*addresses(TWO))
        assert uac.machine.deadline == uac.now + 8.0
        uac.passes(7.9)
        uac.is_told(ADDRESSES)
        assert uac.next_host == TWO

    @pytest.mark.parametrize("used", [False, True])
    def test_a_search_that_has_used_up_its_seconds_ends(self, *, used: bool) -> None:
        uac = caller(limits=Limits(seconds=8.0))
        uac.asks(SRV_QUESTION)
        uac.now += 5.0
        uac.is_told(SRV, ttl=1_000_000.0)
        if used:
            uac.is_served(ADDRESSES)
            uac.uses(ONE)
            uac.passes(1_000.0)
            uac.fails(ONE)
            uac.asks(*addresses(TWO))
            uac.passes(8.0)
        else:
            uac.asks(*addresses(ONE))
            uac.passes(3.0)
        result = uac.machine.result
        assert result is not None
        assert result.complete is False
        assert [target.host for target in result.targets] == ([ONE] if used else [])
        assert "limits.seconds" in " ".join(step.found for step in result.findings)


class TestStop:
    def test_a_caller_that_has_what_it_wants_ends_the_search(self) -> None:
        uac = located(1)
        uac.uses(ONE)
        uac.asks(*addresses(TWO))
        uac.machine.stop(now=1.0)
        result = uac.machine.result
        assert result is not None
        assert [target.host for target in result.targets] == [ONE]
        assert (result.outcome, result.complete) == (None, False)
        assert uac.machine.deadline == math.inf
        uac.is_told(ADDRESSES)  # too late, and harmless
        uac.machine.stop(now=2.0)
        uac.machine.advance(now=3.0)
        uac.asks_nothing()
        assert uac.machine.result is result
        assert uac.machine.in_use == AT_ONE

    def test_it_may_end_before_anything_is_known(self) -> None:
        uac = caller()
        uac.asks(SRV_QUESTION)
        uac.machine.stop(now=1.0)
        assert uac.machine.result is not None
        assert uac.machine.result.targets == ()
        assert uac.machine.result.outcome is Outcome.UNDETERMINED
        assert uac.machine.result.complete is False

    def test_a_search_that_is_over_stays_over(self) -> None:
        uac = located(None)
        result = uac.machine.result
        uac.machine.stop(now=1.0)
        assert uac.machine.result is result


class TestAddresses:
    """Within a target one address is tried after the other, each by a transaction of its own."""

    @pytest.mark.req("R3263-4.2-3", "R3263-4.3-2", "R3263-5-7", "R7984-3.2-1")
    @pytest.mark.parametrize("prefetch", [0, 1, None])
    @pytest.mark.parametrize("reason", list(TargetFailure))
    def test_when_one_address_fails_the_next_one_of_the_same_target_is_tried(
        self, prefetch: int | None, reason: TargetFailure
    ) -> None:
        uac = located(prefetch)
        machine, one = uac.machine, uac.target(ONE)
        tried: list[tuple[str, int]] = []
        while machine.next_target is one and machine.next_endpoint is not None:
            tried.append((machine.next_endpoint.address, machine.attempt))
            machine.receive(TargetInUse(one, machine.next_endpoint.address), now=0.0)
            assert machine.in_use == machine.next_endpoint
            machine.receive(TargetFailed(one, reason, machine.next_endpoint.address), now=0.0)
            assert machine.in_use is None
        assert tried == [("2001:db8::1", 1), ("192.0.2.1", 2)]
        uac.is_served(ADDRESSES)
        assert machine.next_endpoint == Endpoint(TWO, "192.0.2.2", 5062, "tcp")
        assert machine.attempt == 3

    def test_as_long_as_one_address_is_left_the_next_target_is_not_asked_for(self) -> None:
        uac = located()
        uac.machine.receive(TargetFailed(uac.target(ONE), TargetFailure.TRANSPORT, "2001:db8::1"), now=0.0)
        uac.asks_nothing()
        uac.machine.receive(TargetFailed(uac.target(ONE), TargetFailure.TRANSPORT, "192.0.2.1"), now=0.0)
        uac.asks(*addresses(TWO))

    def test_the_rest_of_a_target_can_fail_as_a_whole(self) -> None:
        uac = located()
        uac.machine.receive(TargetFailed(uac.target(ONE), TargetFailure.TRANSPORT, "2001:db8::1"), now=0.0)
        uac.machine.receive(TargetInUse(uac.target(ONE)), now=0.0)
        assert uac.machine.in_use == Endpoint(ONE, "192.0.2.1", 5061, "tcp")
        uac.fails(ONE)
        assert uac.machine.in_use is None
        uac.asks(*addresses(TWO))

    @pytest.mark.req("R3263-4.4-2")
    def test_a_stateless_proxy_needs_state_as_soon_as_the_first_address_failed(self) -> None:
        uac = located(randbelow=None)
        assert not uac.machine.must_be_stateful
        uac.machine.receive(TargetFailed(uac.target(ONE), TargetFailure.TRANSPORT, "2001:db8::1"), now=0.0)
        assert uac.machine.must_be_stateful

    @pytest.mark.req("R3403-3-1")
    def test_an_address_that_failed_before_the_run_started_again_is_not_tried_again(self) -> None:
        uac = located(ttl=10.0)
        one = uac.target(ONE)
        for now, address in ((20.0, "2001:db8::1"), (40.0, "192.0.2.1")):
            uac.machine.receive(TargetFailed(one, TargetFailure.TIMEOUT, address), now=now)
        uac.now = 40.0
        uac.asks(SRV_QUESTION)
        uac.is_told(SRV)
        uac.asks(*addresses(ONE))
        uac.is_told(ADDRESSES + "one.example.com. A 192.0.2.11")  # its operator has brought up another one
        assert uac.machine.next_endpoint == Endpoint(ONE, "192.0.2.11", 5061, "tcp")


TWICE = """
IN SRV 10 0 5061 one.example.com.
IN SRV 20 0 5061 ONE.example.com.
IN SRV 30 0 5062 two.example.com.
"""


class TestEqualServers:
    """Records may name one server twice, and spell it differently; nothing that the DNS says makes the core raise."""

    @pytest.mark.parametrize("prefetch", [0, None])
    def test_each_has_its_own_turn(self, prefetch: int | None) -> None:
        uac = located(prefetch, TWICE)
        machine = uac.machine
        tried: list[tuple[int, str]] = []
        while (target := machine.next_target) is not None:
            assert machine.next_endpoint is not None
            machine.receive(TargetInUse(target), now=0.0)
            tried.append((target.priority, machine.next_endpoint.address))
            machine.receive(TargetFailed(target, TargetFailure.TRANSPORT, machine.next_endpoint.address), now=0.0)
            uac.is_served(ADDRESSES)
        assert tried == [
            (10, "2001:db8::1"),
            (10, "192.0.2.1"),
            (20, "2001:db8::1"),
            (20, "192.0.2.1"),
            (30, "192.0.2.2"),
        ]

    @pytest.mark.req("R3263-4-2")
    def test_the_failure_of_one_does_not_take_the_pin_of_the_other(self) -> None:
        uac = located(None, TWICE)
        one, again = uac.machine.targets[:2]
        uac.machine.receive(TargetInUse(again), now=0.0)
        uac.machine.receive(TargetFailed(one, TargetFailure.TIMEOUT), now=0.0)
        assert uac.machine.in_use == AT_ONE


class TestLateAnswers:
    """An answer that comes when its question is asked anew is a late answer, and never an error."""

    SRV = """
    IN SRV 10 0 5061 one.example.com.
    IN SRV 20 0 5062 two.example.com.
    IN SRV 30 0 5063 one.example.com.
    """

    def late(self) -> tuple[Dialogue, Lookup, Answered]:
        """A caller whose first target's AAAA is asked for again, while the first answer is still to come."""
        uac = caller(0, limits=Limits(seconds=100.0))
        uac.asks(SRV_QUESTION)
        uac.is_told(self.SRV, ttl=1_000.0)
        uac.asks(*addresses(ONE))
        a, aaaa = sorted(uac.open, key=lambda question: question.rrtype)
        answered = {question: uac.answered(question, ADDRESSES) for question in (a, aaaa)}
        uac.machine.receive(answered[a], now=0.0)
        uac.machine.advance(now=10.0)  # the other one is given up
        uac.open.clear()
        uac.now = 42.0
        uac.machine.receive(TargetFailed(uac.target(ONE), TargetFailure.TIMEOUT), now=42.0)
        uac.asks(*addresses(TWO))
        uac.open.clear()
        return uac, aaaa, answered[aaaa]

    def test_it_may_come_when_the_machine_is_just_about_to_ask_again(self) -> None:
        uac, aaaa, answer = self.late()
        uac.machine.receive(answer, now=52.0)  # the addresses of the second target are given up at this moment
        uac.now = 52.0
        uac.asks(f"{ONE} AAAA")
        assert uac.open == [aaaa]
        uac.is_told(ADDRESSES)
        assert uac.next_host == ONE

    def test_it_may_come_after_the_end(self) -> None:
        uac, _, answer = self.late()
        uac.machine.advance(now=52.0)
        uac.machine.stop(now=52.0)
        uac.machine.receive(answer, now=52.0)


class TestLookingAhead:
    def test_what_is_asked_ahead_does_not_hold_up_the_next_target(self) -> None:
        uac = located(2)
        uac.machine.receive(TargetInUse(uac.target(ONE)), now=0.0)
        uac.asks(*addresses(TWO), *addresses(THREE))
        assert uac.machine.ready is None  # there is time
        slow = [question for question in uac.open if question.name == THREE]
        uac.open = [question for question in uac.open if question.name == TWO]
        uac.is_told(ADDRESSES)
        uac.fails(ONE)
        assert uac.next_host == TWO
        assert uac.machine.ready is not None  # there is none
        assert list(uac.machine.outstanding) == slow

    @pytest.mark.req("R3403-3-1")
    def test_after_a_new_start_it_begins_anew(self) -> None:
        uac = located(1, ttl=10.0)
        uac.machine.receive(TargetInUse(uac.target(ONE)), now=0.0)
        uac.is_served(ADDRESSES, ttl=10.0)
        uac.now = 100.0
        uac.machine.receive(TargetFailed(uac.target(ONE), TargetFailure.TIMEOUT), now=100.0)
        uac.asks(SRV_QUESTION)
        uac.is_told(SRV)
        uac.asks(*addresses(ONE))
        uac.is_told(ADDRESSES)
        uac.asks(*addresses(TWO))
        uac.is_told(ADDRESSES)
        uac.machine.receive(TargetInUse(uac.target(TWO)), now=100.0)
        uac.asks(*addresses(THREE))

    @pytest.mark.req("R3403-3-1")
    def test_after_a_new_start_the_limit_of_addresses_counts_all_that_was_tried(self) -> None:
        many = "\n".join([f"one.example.com. A 192.0.2.{n}" for n in range(1, 7)])
        uac = caller(0, limits=Limits(addresses=4))
        uac.asks(SRV_QUESTION)
        uac.is_told(SRV, ttl=10.0)
        uac.is_served(many, ttl=10.0)
        for now, address in ((1.0, "192.0.2.1"), (2.0, "192.0.2.2"), (3.0, "192.0.2.3"), (100.0, "192.0.2.4")):
            uac.machine.receive(TargetFailed(uac.target(ONE), TargetFailure.TIMEOUT, address), now=now)
        uac.now = 100.0
        uac.asks(SRV_QUESTION)
        uac.is_told(SRV)
        uac.asks(*addresses(ONE))
        uac.is_told(many)  # four of them were tried, which is all that may be
        uac.asks(*addresses(TWO))
        uac.machine.stop(now=100.0)
        assert uac.machine.result is not None
        told = [step for step in uac.machine.result.findings if step.code == "limit.addresses"]
        assert len(told) == 2


class TestMisuse:
    """Mistakes of the caller are exceptions, and change nothing."""

    def check(self, uac: Dialogue, event: TargetInUse | TargetFailed) -> None:
        before = (uac.machine.attempt, uac.machine.in_use, uac.next_host, uac.machine.deadline)
        with pytest.raises(LocalProtocolError):
            uac.machine.receive(event, now=0.0)
        assert (uac.machine.attempt, uac.machine.in_use, uac.next_host, uac.machine.deadline) == before

    def of_another(self) -> Target:
        return located().target(ONE)

    def test_a_target_of_another_machine(self) -> None:
        uac = located()
        self.check(uac, TargetInUse(self.of_another()))
        self.check(uac, TargetFailed(self.of_another(), TargetFailure.TIMEOUT))

    def test_an_address_that_the_target_does_not_have(self) -> None:
        uac = located()
        self.check(uac, TargetInUse(uac.target(ONE), "192.0.2.2"))
        self.check(uac, TargetFailed(uac.target(ONE), TargetFailure.TIMEOUT, "192.0.2.2"))

    def test_an_address_that_has_failed_already(self) -> None:
        uac = located()
        uac.machine.receive(TargetFailed(uac.target(ONE), TargetFailure.TIMEOUT, "192.0.2.1"), now=0.0)
        self.check(uac, TargetFailed(uac.target(ONE), TargetFailure.TIMEOUT, "192.0.2.1"))
        self.check(uac, TargetInUse(uac.target(ONE), "192.0.2.1"))

    @pytest.mark.parametrize("prefetch", [0, None])
    def test_a_target_that_has_failed_already(self, prefetch: int | None) -> None:
        uac = located(prefetch)
        uac.fails(ONE)
        one = uac.target(ONE)
        self.check(uac, TargetFailed(one, TargetFailure.TIMEOUT))
        self.check(uac, TargetInUse(one))

    @pytest.mark.req("R3263-4.3-1")
    @pytest.mark.parametrize("reason", [TargetFailure.of_status(404), 503, "timeout", None])
    def test_a_reason_that_is_none(self, reason: object) -> None:
        uac = located()
        with pytest.raises(LocalProtocolError, match="is no failure of a target"):
            TargetFailed(uac.target(ONE), reason)  # type: ignore[arg-type]  # the mistake that is tested

    def test_a_word_for_locate_is_none_for_another_machine(self) -> None:
        target = located().target(ONE)
        machine = Outbound("sips:example.com", now=0.0, at=AT, randbelow=first)
        with pytest.raises(LocalProtocolError, match="no event that Outbound takes"):
            machine.receive(TargetInUse(target), now=0.0)  # type: ignore[arg-type]  # the mistake that is tested

    @pytest.mark.req("R7984-4-1")
    @pytest.mark.parametrize(
        "order",
        [
            None,
            7,
            (None, None),
            ([], []),
            (),
            ("192.0.2.1",),
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.99"),
            ("192.0.2.1", "2001:db8::1") * 2,
        ],
    )
    def test_an_order_that_is_none(self, order: Any) -> None:
        machine = Locate(
            f"sip:{ONE}:5060", policy=Policy(), now=0.0, at=AT, randbelow=first, order_addresses=lambda _found: order
        )
        uac = Dialogue(machine)
        uac.asks(*addresses(ONE))
        with pytest.raises(LocalProtocolError):
            uac.is_told(ADDRESSES)

    def test_what_the_function_itself_raises_is_not_taken_for_its_order(self) -> None:
        def broken(_found: object) -> list[str]:
            raise TypeError("a mistake in the caller's function")

        machine = Locate(f"sip:{ONE}:5060", policy=Policy(), now=0.0, at=AT, randbelow=first, order_addresses=broken)
        uac = Dialogue(machine)
        uac.asks(*addresses(ONE))
        with pytest.raises(TypeError, match="a mistake in the caller's function"):
            uac.is_told(ADDRESSES)


class TestSipsSeen:
    """RFC 3263 section 7: a domain that offered TLS and does not any more is a sign of a potential attack."""

    NAPTR = """
    example.com. IN NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.example.com.
    example.com. IN NAPTR 20 10 "s" "SIP+D2T"  "" _sip._tcp.example.com.
    """
    SRV = """
    _sips._tcp.example.com. IN SRV 0 0 5061 one.example.com.
    _sip._tcp.example.com.  IN SRV 0 0 5060 one.example.com.
    """
    SRV_OF_TWO = SRV + "_sip._tcp.example.com.  IN SRV 9 0 5060 two.example.com."
    WITHOUT = "\n".join(line for line in (NAPTR + SRV_OF_TWO).splitlines() if "_sips" not in line)

    @pytest.mark.req("R3263-7-1")
    @pytest.mark.parametrize(
        ("uri", "records", "sips"),
        [
            ("sip:example.com", NAPTR + SRV, True),
            ("sip:example.com", SRV, True),
            ("sip:example.com", WITHOUT, False),
            ("sip:example.com", SRV.replace("0 0 5061 one.example.com.", "0 0 0 ."), False),
            ("sip:192.0.2.1", "", None),
            ("sip:one.example.com:5060", "", None),
        ],
    )
    def test_the_route_says_whether_the_domain_offers_tls(self, uri: str, records: str, *, sips: bool | None) -> None:
        uac = caller(None, uri=uri, transports=("tls", "tcp"))
        uac.is_served(records + ADDRESSES)
        assert uac.route().targets
        assert uac.route().sips is sips

    @pytest.mark.req("R3263-7-1")
    @pytest.mark.parametrize("prefetch", [0, None])
    @pytest.mark.parametrize("seen", [False, True])
    @pytest.mark.parametrize(("records", "there"), [(NAPTR + SRV, True), (SRV, True), (WITHOUT, False)])
    def test_if_it_ceases_to_appear_there_is_an_alarm_before_anything_is_sent(
        self, records: str, prefetch: int | None, *, seen: bool, there: bool
    ) -> None:
        uac = caller(prefetch, uri="sip:example.com", transports=("tls", "tcp"), sips_seen=seen)
        uac.is_served(records + ADDRESSES)
        alarms = [step for step in uac.route().findings if step.code == "locate.sips-vanished"]
        assert [step.severity for step in alarms] == (["warning"] if seen and not there else [])
        # "MAY reject the request": that is left to the caller.
        assert {target.transport for target in uac.route().targets} == {"tls" if there else "tcp"}
