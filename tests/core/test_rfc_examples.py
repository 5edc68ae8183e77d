"""The examples of the RFCs as conversations: what the client asks, what the DNS says, and where the client goes.

The records are copied from the texts. What the texts leave out, mostly addresses, says so.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import ip_address

import pytest

from dialogue import Dialogue
from siptls import (
    Endpoint,
    LocalProtocolError,
    Locate,
    Policy,
    ResponsePath,
    TargetFailed,
    TargetFailure,
    TargetInUse,
    Via,
)
from siptls.policy import Transport
from world import AT, first


def client(
    uri: str,
    *transports: Transport,
    draw: Callable[[int], int] = first,
    order_addresses: Callable[[tuple[str, ...]], Sequence[str]] | None = None,
) -> Dialogue:
    """A client that supports these transports, the best first, and IPv4 and IPv6."""
    return Dialogue(
        Locate(
            uri,
            policy=Policy(transports=transports),
            now=0.0,
            at=AT,
            randbelow=draw,
            order_addresses=order_addresses,
        )
    )


def always(drawn: int) -> Callable[[int], int]:
    """A source of randomness that draws one number, and 0 where that is too much."""
    return lambda n: drawn if drawn < n else 0


class TestRfc3263Section41:
    """As an example, consider a client that wishes to resolve sip:user@example.com."""

    NAPTR = """
    ;          order pref flags service      regexp  replacement
       IN NAPTR 50   50  "s"  "SIPS+D2T"     ""  _sips._tcp.example.com.
       IN NAPTR 90   50  "s"  "SIP+D2T"      ""  _sip._tcp.example.com
       IN NAPTR 100  50  "s"  "SIP+D2U"      ""  _sip._udp.example.com.
    """
    SRV = """
    ;;          Priority Weight Port   Target
       IN SRV  0        1      5060   server1.example.com
       IN SRV  0        2      5060   server2.example.com
    """
    # The text shows no addresses.
    ADDRESSES = """
    server1.example.com. A 192.0.2.1
    server2.example.com. A 192.0.2.2
    """

    # The weights are 1 and 2, so of the numbers 0 to 3 the first two lead to server1.
    @pytest.mark.req("R3263-4.1-7", "R3263-4.1-10", "R3263-4.1-11", "R3263-8-1", "R2782-wt-1")
    @pytest.mark.parametrize(("drawn", "order"), [(0, "12"), (1, "12"), (2, "21"), (3, "21")])
    def test_since_the_client_supports_tcp_and_udp_tcp_will_be_used(self, drawn: int, order: str) -> None:
        uac = client("sip:user@example.com", "tcp", "udp", draw=always(drawn))
        uac.asks("example.com NAPTR")
        uac.is_told(self.NAPTR)
        uac.asks("_sip._tcp.example.com SRV")
        uac.is_told(self.SRV)
        uac.asks("server1.example.com A AAAA", "server2.example.com A AAAA")
        uac.is_told(self.ADDRESSES)
        uac.goes_to(*[f"tcp server{n}.example.com 192.0.2.{n} 5060" for n in order])

    @pytest.mark.req("R3263-4.1-11")
    def test_it_is_the_servers_order_and_not_the_clients_that_decides(self) -> None:
        uac = client("sip:user@example.com", "udp", "tcp")
        uac.asks("example.com NAPTR")
        uac.is_told(self.NAPTR)
        uac.asks("_sip._tcp.example.com SRV")

    @pytest.mark.req("R3263-4.1-9", "R3263-4.1-11")
    def test_a_client_that_has_tls_too_takes_tls_over_tcp(self) -> None:
        uac = client("sip:user@example.com", "udp", "tcp", "tls")
        uac.asks("example.com NAPTR")
        uac.is_told(self.NAPTR)
        uac.asks("_sips._tcp.example.com SRV")
        # The text does not show this set.
        uac.is_told("IN SRV 0 1 5061 server1.example.com")
        uac.asks("server1.example.com A AAAA")
        uac.is_told(self.ADDRESSES)
        uac.goes_to("tls server1.example.com 192.0.2.1 5061")

    @pytest.mark.req("R3263-4.1-8")
    def test_a_sips_uri_discards_what_has_not_sips_in_the_service_field(self) -> None:
        uac = client("sips:user@example.com", "udp", "tcp", "tls")
        uac.asks("example.com NAPTR")
        uac.is_told(self.NAPTR)
        uac.asks("_sips._tcp.example.com SRV")

    @pytest.mark.req("R3263-4.1-13", "R3263-4.1-5")
    def test_the_replacement_may_be_in_another_domain(self) -> None:
        """Even though the SRV record for TCP is _sip._tcp.school.edu ..."""
        uac = client("sip:user@example.com", "tcp", "udp")
        uac.asks("example.com NAPTR")
        uac.is_told('IN NAPTR 90 50 "s" "SIP+D2T" "" _sip._tcp.school.edu.')
        uac.asks("_sip._tcp.school.edu SRV")
        uac.is_told("IN SRV 0 1 5060 sip.school.edu.")
        uac.asks("sip.school.edu A AAAA")
        uac.is_told("IN A 192.0.2.7")
        uac.goes_to("tcp sip.school.edu 192.0.2.7 5060")

    @pytest.mark.req("R3263-4.1-15", "R3263-4.2-4")
    def test_there_must_also_be_an_srv_record_at_example_com_for_who_asks_no_naptr(self) -> None:
        """... there MUST also be an SRV record at _sip._tcp.example.com."""
        uac = client("sip:user@example.com;transport=tcp", "tcp", "udp")
        uac.asks("_sip._tcp.example.com SRV")
        uac.is_told("IN SRV 0 1 5060 sip.school.edu.")
        uac.asks("sip.school.edu A AAAA")
        uac.is_told("IN A 192.0.2.7")
        uac.goes_to("tcp sip.school.edu 192.0.2.7 5060")


class TestRfc3263Section42:
    """The paragraphs of section 4.2, which has no example of its own."""

    @pytest.mark.req("R3263-4.2-1")
    def test_if_target_is_a_numeric_ip_address_the_client_uses_that_address(self) -> None:
        client("sip:192.0.2.4", "tcp", "udp").goes_to("udp 192.0.2.4 192.0.2.4 5060")
        client("sips:[2001:db8::4]:5070", "tls").goes_to("tls 2001:db8::4 2001:db8::4 5070")

    @pytest.mark.req("R3263-4.2-2", "R3263-4.2-3", "R7984-3.1-3")
    def test_previously_if_the_port_was_5060_srv_was_used_now_a_or_aaaa_is(self) -> None:
        uac = client("sip:example.com:5060", "tcp", "udp")
        uac.asks("example.com A AAAA")
        uac.is_told("IN A 192.0.2.1\nIN A 192.0.2.2\nIN AAAA 2001:db8::1")
        uac.goes_to(
            "udp example.com 2001:db8::1 5060", "udp example.com 192.0.2.1 5060", "udp example.com 192.0.2.2 5060"
        )

    @pytest.mark.req("R3263-4.1-15", "R3263-4.1-18", "R3263-4.1-16")
    def test_if_no_naptr_records_are_found_the_client_asks_srv_for_each_transport(self) -> None:
        uac = client("sip:user@example.com", "tcp", "udp")
        uac.asks("example.com NAPTR")
        uac.is_told("")
        uac.asks("_sip._tcp.example.com SRV", "_sip._udp.example.com SRV")
        uac.is_told("_sip._udp.example.com. IN SRV 0 0 5066 server1.example.com.")
        uac.asks("server1.example.com A AAAA")
        uac.is_told("IN A 192.0.2.1")
        uac.goes_to("udp server1.example.com 192.0.2.1 5066")

    @pytest.mark.req("R3263-4.1-17", "R3263-4.2-5", "R2782-use-3")
    @pytest.mark.parametrize(
        ("uri", "asked", "found"),
        [
            ("sip:user@example.com", ("_sips._tcp", "_sip._tcp", "_sip._udp"), "udp example.com 192.0.2.1 5060"),
            ("sips:user@example.com", ("_sips._tcp",), "tls example.com 192.0.2.1 5061"),
        ],
    )
    def test_if_no_srv_records_are_found_the_client_asks_for_addresses_of_the_domain(
        self, uri: str, asked: tuple[str, ...], found: str
    ) -> None:
        uac = client(uri, "tls", "tcp", "udp")
        uac.asks("example.com NAPTR")
        uac.is_told("")
        uac.asks(*[f"{label}.example.com SRV" for label in asked])
        uac.is_told("")
        uac.asks("example.com A AAAA")
        uac.is_told("IN A 192.0.2.1")
        uac.goes_to(found)


class TestRfc2782:
    """The example zone, foobar being the service of somebody's SIP servers: NAPTR may give any name."""

    FOOBAR = """
    ; foobar - use old-slow-box or new-fast-box if either is
    ; available, make three quarters of the logins go to
    ; new-fast-box.
    _foobar._tcp.example.com.    SRV 0 1 9 old-slow-box.example.com.
    _foobar._tcp.example.com.    SRV 0 3 9 new-fast-box.example.com.
    ; if neither old-slow-box or new-fast-box is up, switch to
    ; using the sysdmin's box and the server
    _foobar._tcp.example.com.    SRV 1 0 9 sysadmins-box.example.com.
    _foobar._tcp.example.com.    SRV 1 0 9 server.example.com.
    """
    ADDRESSES = """
    server.example.com.          A   172.30.79.10
    old-slow-box.example.com.    A   172.30.79.11
    sysadmins-box.example.com.   A   172.30.79.12
    new-fast-box.example.com.    A   172.30.79.13
    """
    OLD = "tcp old-slow-box.example.com 172.30.79.11 9"
    NEW = "tcp new-fast-box.example.com 172.30.79.13 9"
    SPARE = ("tcp server.example.com 172.30.79.10 9", "tcp sysadmins-box.example.com 172.30.79.12 9")

    def order(self, draw: Callable[[int], int]) -> list[str]:
        """Let a client of foobar locate it, and return where it goes."""
        user = client("sip:user@example.net", "tcp", draw=draw)
        user.asks("example.net NAPTR")
        user.is_told('IN NAPTR 10 10 "s" "SIP+D2T" "" _foobar._tcp.example.com.')
        user.asks("_foobar._tcp.example.com SRV")
        user.is_told(self.FOOBAR)
        hosts = ("old-slow-box", "new-fast-box", "sysadmins-box", "server")
        user.asks(*[f"{host}.example.com A AAAA" for host in hosts])
        user.is_told(self.ADDRESSES)
        return [f"{e.transport} {e.host} {e.address} {e.port}" for t in user.route().targets for e in t.endpoints]

    @pytest.mark.req("R2782-wt-1", "R2782-pri-1", "R2782-port-1", "R3263-4.2-6", "R2782-use-1")
    @pytest.mark.parametrize("drawn", range(5))
    def test_one_of_the_two_boxes_comes_first_the_other_second_and_the_spare_ones_last(self, drawn: int) -> None:
        # "a uniform random number between 0 and the sum computed (inclusive)": 0 to 4, running sums 1 and 4.
        found = self.order(always(drawn))
        assert found[:2] == ([self.OLD, self.NEW] if drawn <= 1 else [self.NEW, self.OLD])
        assert sorted(found[2:]) == sorted(self.SPARE)

    @pytest.mark.req("R2782-wt-1")
    def test_the_new_fast_box_has_about_three_quarters_of_the_logins(self) -> None:
        chance = random.Random(2782)
        firsts = Counter(self.order(chance.randrange)[0] for _ in range(1000))
        # The inclusive sum gives one more number to whoever stands first in the list, so 3/5 to 4/5 is what the words
        # of the algorithm give; both boxes together have all.
        assert 560 <= firsts[self.NEW] <= 840
        assert firsts[self.NEW] + firsts[self.OLD] == 1000

    @pytest.mark.req("R2782-tgt-2", "R3263-4.1-18")
    def test_no_other_services_are_supported(self) -> None:
        user = client("sip:user@example.com", "tcp", "udp")
        user.asks("example.com NAPTR")
        user.is_told("")
        user.asks("_sip._tcp.example.com SRV", "_sip._udp.example.com SRV")
        # *._tcp and *._udp, as a name server writes them out.
        user.is_told("_sip._tcp.example.com. SRV  0 0 0 .\n_sip._udp.example.com. SRV  0 0 0 .")
        # "If there is precisely one SRV RR, and its Target is ".", abort": nothing is asked at example.com itself.
        user.goes_nowhere("locate.no-service.unproven")


class TestRfc7984Section4:
    """Consider a server with DNS name example.com, with TCP transport specified."""

    SRV = """
      _sip._tcp.example.com.  300 IN SRV 10 1 5060 sip-1.example.com.
      _sip._tcp.example.com.  300 IN SRV 20 1 5060 sip-2.example.com.
    """
    # "The address records for sip-1.example.com, as ordered by [RFC6724]"; the same for sip-2.
    SIP_1 = """
      sip-1.example.com.  300 IN AAAA 2001:0db8:58:c02::face
      sip-1.example.com.  300 IN AAAA 2001:0db8:c:a06::2:cafe
      sip-1.example.com.  300 IN AAAA 2001:0db8:44:204::d1ce
      sip-1.example.com.  300 IN A 192.0.2.45
      sip-1.example.com.  300 IN A 203.0.113.109
      sip-1.example.com.  300 IN A 198.51.100.24
    """
    SIP_2 = """
      sip-2.example.com.  300 IN AAAA 2001:0db8:58:c02::dead
      sip-2.example.com.  300 IN AAAA 2001:0db8:c:a06::2:beef
      sip-2.example.com.  300 IN AAAA 2001:0db8:44:204::c0de
      sip-2.example.com.  300 IN A 192.0.2.75
      sip-2.example.com.  300 IN A 203.0.113.38
      sip-2.example.com.  300 IN A 198.51.100.140
    """
    # "Thus, the complete list of destination addresses has this ordering"
    COMPLETE = (
        "2001:0db8:58:c02::face",
        "2001:0db8:c:a06::2:cafe",
        "2001:0db8:44:204::d1ce",
        "192.0.2.45",
        "203.0.113.109",
        "198.51.100.24",
        "2001:0db8:58:c02::dead",
        "2001:0db8:c:a06::2:beef",
        "2001:0db8:44:204::c0de",
        "192.0.2.75",
        "203.0.113.38",
        "198.51.100.140",
    )

    def addresses(self, srv: str, draw: Callable[[int], int], order: Sequence[str]) -> list[str]:
        """Locate the server where one list sorts the addresses of each call, and return them all."""
        calls: list[set[str]] = []

        def rfc6724(addresses: tuple[str, ...]) -> list[str]:
            calls.append(set(addresses))
            return sorted(addresses, key=order.index)

        uac = client("sip:example.com;transport=tcp", "tcp", "udp", draw=draw, order_addresses=rfc6724)
        uac.asks("_sip._tcp.example.com SRV")
        uac.is_told(srv)
        uac.asks("sip-1.example.com A AAAA", "sip-2.example.com A AAAA")
        # The DNS says them in any order.
        records = [line for text in (self.SIP_1, self.SIP_2) for line in text.splitlines()]
        uac.is_told("\n".join(sorted(records)))
        # "The set of addresses provided to a single invocation ... MUST be the address records for the target DNS name
        # in a single SRV record".
        assert sorted(calls, key=sorted) == sorted([set(self.COMPLETE[:6]), set(self.COMPLETE[6:])], key=sorted)
        return [address for target in uac.route().targets for address in target.addresses]

    @pytest.mark.req("R7984-4-1", "R7984-4-2", "R7984-4-4", "R7984-3.1-1")
    def test_the_complete_list_has_this_ordering(self) -> None:
        assert self.addresses(self.SRV, first, self.COMPLETE) == [*self.COMPLETE]

    @pytest.mark.req("R7984-4-1", "R7984-4-2", "R7984-4-4")
    def test_destination_address_selection_does_not_operate_on_the_complete_list(self) -> None:
        # All of IPv6 before all of IPv4, and sip-2 before sip-1: still no address leaves its target.
        backwards = self.COMPLETE[::-1]
        by_family = sorted(backwards, key=lambda address: ip_address(address).version, reverse=True)
        assert self.addresses(self.SRV, first, by_family) == [
            *[address for address in by_family if address in self.COMPLETE[:6]],
            *[address for address in by_family if address in self.COMPLETE[6:]],
        ]

    @pytest.mark.req("R7984-4-2", "R7984-4-4")
    @pytest.mark.parametrize("drawn", [0, 1, 2])
    def test_this_would_be_true_even_if_the_two_srv_records_had_the_same_priority(self, drawn: int) -> None:
        found = self.addresses(self.SRV.replace("SRV 20", "SRV 10"), always(drawn), self.COMPLETE)
        one, two = self.COMPLETE[:6], self.COMPLETE[6:]
        assert tuple(found) == (one + two if drawn <= 1 else two + one)

    @pytest.mark.req("R7984-4-3")
    @pytest.mark.parametrize("uri", ["sip:example.com", "sip:example.com:5070"])
    def test_or_if_there_are_no_srv_records_the_dns_name_in_the_uri(self, uri: str) -> None:
        calls: list[tuple[str, ...]] = []

        def rfc6724(addresses: tuple[str, ...]) -> Sequence[str]:
            calls.append(addresses)
            return addresses[::-1]

        uac = client(uri, "udp", order_addresses=rfc6724)
        if uri == "sip:example.com":
            uac.asks("example.com NAPTR")
            uac.is_told("")
            uac.asks("_sip._udp.example.com SRV")
            uac.is_told("")
        uac.asks("example.com A AAAA")
        uac.is_told("IN A 192.0.2.1\nIN AAAA 2001:db8::1\nIN A 192.0.2.2")
        assert [sorted(addresses) for addresses in calls] == [["192.0.2.1", "192.0.2.2", "2001:db8::1"]]
        assert [target.addresses for target in uac.route().targets] == [calls[0][::-1]]

    @pytest.mark.req("R7984-3.2-2")
    def test_priority_and_single_family_names_express_a_preference_of_family(self) -> None:
        # Section 3.2: the operator puts IPv4 first, whatever the client likes.
        uac = client("sip:example.com;transport=tcp", "tcp")
        uac.asks("_sip._tcp.example.com SRV")
        uac.is_told("IN SRV 10 0 5060 sip-v4.example.com.\nIN SRV 20 0 5060 sip-v6.example.com.")
        uac.asks("sip-v4.example.com A AAAA", "sip-v6.example.com A AAAA")
        uac.is_told("sip-v4.example.com. A 192.0.2.1\nsip-v6.example.com. AAAA 2001:db8::1")
        uac.goes_to("tcp sip-v4.example.com 192.0.2.1 5060", "tcp sip-v6.example.com 2001:db8::1 5060")


class TestRfc5923Section10:
    """The proxy uses the DNS SRV to load balance across the three servers, S1, S2, and S3."""

    SRV = """
    IN SRV 10 1 5061 s1.example.com.
    IN SRV 10 1 5061 s2.example.com.
    IN SRV 10 1 5061 s3.example.com.
    """
    ADDRESSES = """
    s1.example.com. A 192.0.2.1
    s2.example.com. A 192.0.2.2
    s3.example.com. A 192.0.2.3
    """

    def chosen(self, drawn: int) -> Endpoint:
        """Let the proxy locate one server: the ordering is made first, then the address of the chosen one is asked."""
        policy = Policy(transports=("tls",), prefetch=0)
        proxy = Dialogue(Locate("sips:example.com", policy=policy, now=0.0, at=AT, randbelow=always(drawn)))
        proxy.asks("example.com NAPTR")
        proxy.is_told("")
        proxy.asks("_sips._tcp.example.com SRV")
        proxy.is_told(self.SRV)
        host = proxy.asks_about_one_host()
        proxy.is_told(self.ADDRESSES)
        target = proxy.machine.next_target
        assert target is not None
        assert target.host == host
        return target.endpoints[0]

    @pytest.mark.req("R5923-10-1")
    def test_over_time_there_is_a_connection_to_each_and_traffic_is_still_balanced(self) -> None:
        connections: dict[Endpoint, int] = {}
        rounds: list[Counter[str]] = []
        for _ in range(3):
            balance: Counter[str] = Counter()
            for drawn in range(4):  # all that there are: the sum of the weights is 3
                server = self.chosen(drawn)
                connections.setdefault(server, len(connections))
                balance[server.host] += 1
            rounds.append(balance)
        # The first round found the table empty, the others found all connections there.
        assert rounds[0] == rounds[1] == rounds[2]
        assert {server.host for server in connections} == {"s1.example.com", "s2.example.com", "s3.example.com"}
        assert set(rounds[0].values()) == {1, 2}


class TestRfc4168:
    """SCTP, and TLS over SCTP, are found like any other transport."""

    NAPTR = """
    IN NAPTR 10 10 "s" "SIPS+D2S" "" _sips._sctp.example.com.
    IN NAPTR 20 10 "s" "SIP+D2S"  "" _sip._sctp.example.com.
    IN NAPTR 30 10 "s" "SIP+D2U"  "" _sip._udp.example.com.
    """

    @pytest.mark.req("R4168-6-1", "R3263-4.1-6")
    def test_the_naptr_service_value_sips_d2s_is_for_servers_that_support_tls_over_sctp(self) -> None:
        uac = client("sips:user@example.com", "tls", "tls-sctp")
        uac.asks("example.com NAPTR")
        uac.is_told(self.NAPTR)
        uac.asks("_sips._sctp.example.com SRV")
        uac.is_told("IN SRV 0 0 5061 sctp.example.com.")
        uac.asks("sctp.example.com A AAAA")
        uac.is_told("IN A 192.0.2.1")
        uac.goes_to("tls-sctp sctp.example.com 192.0.2.1 5061")

    @pytest.mark.req("R4168-6-1", "R3263-4.1-6", "R3263-4.1-10")
    def test_sip_d2s_is_for_sctp(self) -> None:
        uac = client("sip:user@example.com", "udp", "sctp")
        uac.asks("example.com NAPTR")
        uac.is_told(self.NAPTR)
        uac.asks("_sip._sctp.example.com SRV")
        uac.is_told("IN SRV 0 0 5060 sctp.example.com.")
        uac.asks("sctp.example.com A AAAA")
        uac.is_told("IN A 192.0.2.1")
        uac.goes_to("sctp sctp.example.com 192.0.2.1 5060")

    @pytest.mark.req("R4168-4-1", "R3263-5-4")
    @pytest.mark.parametrize(
        ("via", "transport"),
        [
            ("SIP/2.0/SCTP ws1234.example.com:5060", "sctp"),
            ("SIP/2.0/TLS-SCTP ws1234.example.com:5060", "tls-sctp"),
            ("SIP/2.0/TLS ws1234.example.com:5060", "tls"),  # "intended for TLS over TCP"
        ],
    )
    def test_examples_of_via_header_fields(self, via: str, transport: str) -> None:
        server = responder(via)
        server.asks("ws1234.example.com A AAAA")
        server.is_told("IN A 192.0.2.4")
        server.goes_to(f"{transport} ws1234.example.com 192.0.2.4 5060")


class TestRfc7118Section55:
    """SIP over WebSocket; the text gives the NAPTR services and the ports, and no name for SRV."""

    NAPTR = """
    IN NAPTR 10 10 "s" "SIPS+D2W" "" _wss.proxy.example.com.
    IN NAPTR 20 10 "s" "SIP+D2W"  "" _ws.proxy.example.com.
    """

    @pytest.mark.req("R7118-5.5-1", "R3263-4.1-6", "D-7118-1")
    @pytest.mark.parametrize(
        ("uri", "transports", "asked", "transport"),
        [
            ("sip:alice@example.com", ("ws",), "_ws.proxy.example.com SRV", "ws"),
            ("sip:alice@example.com", ("ws", "wss"), "_wss.proxy.example.com SRV", "wss"),
            ("sips:alice@example.com", ("ws", "wss"), "_wss.proxy.example.com SRV", "wss"),
        ],
    )
    def test_sip_d2w_is_for_plain_and_sips_d2w_for_secure_websocket_connections(
        self, uri: str, transports: tuple[Transport, ...], asked: str, transport: str
    ) -> None:
        uac = client(uri, *transports)
        uac.asks("example.com NAPTR")
        uac.is_told(self.NAPTR)
        uac.asks(asked)
        uac.is_told("IN SRV 0 0 10080 proxy.example.com.")
        uac.asks("proxy.example.com A AAAA")
        uac.is_told("IN A 192.0.2.10")
        uac.goes_to(f"{transport} proxy.example.com 192.0.2.10 10080")

    @pytest.mark.req("R7118-5.5-2", "R7118-5.2-1", "D-7118-1")
    @pytest.mark.parametrize(
        ("uri", "found"),
        [
            ("sip:proxy.example.com;transport=ws", "ws proxy.example.com 192.0.2.10 80"),
            ("sips:proxy.example.com;transport=ws", "wss proxy.example.com 192.0.2.10 443"),
            ("sip:proxy.example.com:10080;transport=ws", "ws proxy.example.com 192.0.2.10 10080"),
        ],
    )
    def test_in_the_absence_of_srv_or_an_explicit_port_it_is_80_and_443(self, uri: str, found: str) -> None:
        uac = client(uri, "ws", "wss")
        uac.asks("proxy.example.com A AAAA")
        uac.is_told("IN A 192.0.2.10")
        uac.goes_to(found)

    @pytest.mark.req("R7118-5.1-1")
    def test_a_via_of_the_examples_names_a_host_that_cannot_be_found(self) -> None:
        # Section 5.3: "SIP responses can only be sent over the existing WebSocket connection".
        server = responder("SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKasudf")
        server.asks("df7jal23ls0d.invalid A AAAA")
        server.is_told("")
        server.goes_nowhere("locate.no-service.unproven")


def responder(via: str, draw: Callable[[int], int] = first) -> Dialogue:
    """A server whose response could not go the way that the request came."""
    return Dialogue(ResponsePath(via, failure=TargetFailure.TRANSPORT, now=0.0, at=AT, randbelow=draw))


class TestRfc3263Section5:
    """Server usage: in these cases, the server examines the value of the sent-by construction in the topmost Via."""

    @pytest.mark.req("R3263-5-2", "R3263-5-3")
    @pytest.mark.parametrize(
        ("via", "found"),
        [
            ("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "udp 192.0.2.1 192.0.2.1 5060"),
            ("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;received=192.0.2.99", "udp 192.0.2.1 192.0.2.1 5070"),
            ("SIP/2.0/TCP [2001:db8::1]", "tcp 2001:db8::1 2001:db8::1 5060"),
            ("SIP/2.0/SCTP 192.0.2.1", "sctp 192.0.2.1 192.0.2.1 5060"),
            ("SIP/2.0/TLS 192.0.2.1", "tls 192.0.2.1 192.0.2.1 5061"),
            ("SIP/2.0/TLS [2001:db8::1]:5060", "tls 2001:db8::1 2001:db8::1 5060"),
            ("SIP/2.0/TLS-SCTP 192.0.2.1", "tls-sctp 192.0.2.1 192.0.2.1 5061"),
        ],
    )
    def test_a_numeric_address_with_the_port_from_sent_by_or_the_default(self, via: str, found: str) -> None:
        responder(via).goes_to(found)

    @pytest.mark.req("R3263-5-3", "R3263-5-4", "R3263-5-7", "R7984-3.1-1")
    @pytest.mark.parametrize(("word", "transport"), [("UDP", "udp"), ("TCP", "tcp"), ("TLS", "tls"), ("SCTP", "sctp")])
    def test_a_name_and_a_port_each_element_on_the_resulting_list_of_addresses(self, word: str, transport: str) -> None:
        server = responder(f"SIP/2.0/{word} client.example.com:5077")
        server.asks("client.example.com A AAAA")
        server.is_told("IN A 192.0.2.1\nIN A 192.0.2.2\nIN AAAA 2001:db8::1")
        server.goes_to(
            f"{transport} client.example.com 2001:db8::1 5077",
            f"{transport} client.example.com 192.0.2.1 5077",
            f"{transport} client.example.com 192.0.2.2 5077",
        )

    @pytest.mark.req("R3263-5-5", "R3263-5-3", "R4168-4-1")
    @pytest.mark.parametrize(
        ("word", "label", "transport"),
        [
            ("UDP", "_sip._udp", "udp"),
            ("TCP", "_sip._tcp", "tcp"),
            ("TLS", "_sips._tcp", "tls"),  # ""TLS" implies that the transport protocol in the SRV query is TCP"
            ("SCTP", "_sip._sctp", "sctp"),
            ("TLS-SCTP", "_sips._sctp", "tls-sctp"),  # by analogy: RFC 3263 is older than RFC 4168
        ],
    )
    def test_a_name_and_no_port_srv_sips_if_the_via_transport_is_tls_sip_otherwise(
        self, word: str, label: str, transport: str
    ) -> None:
        server = responder(f"SIP/2.0/{word} client.example.com;branch=z9hG4bK1")
        server.asks(f"{label}.client.example.com SRV")
        server.is_told("IN SRV 20 0 5082 two.example.com.\nIN SRV 10 0 5081 one.example.com.")
        server.asks("one.example.com A AAAA", "two.example.com A AAAA")
        server.is_told("one.example.com. A 192.0.2.1\ntwo.example.com. A 192.0.2.2")
        server.goes_to(f"{transport} one.example.com 192.0.2.1 5081", f"{transport} two.example.com 192.0.2.2 5082")

    @pytest.mark.req("R3263-5-5", "R2782-wt-1")
    @pytest.mark.parametrize(("drawn", "order"), [(0, "12"), (1, "12"), (2, "21"), (3, "21")])
    def test_the_resulting_list_is_sorted_as_described_in_rfc_2782(self, drawn: int, order: str) -> None:
        server = responder("SIP/2.0/TLS client.example.com", always(drawn))
        server.asks("_sips._tcp.client.example.com SRV")
        server.is_told("IN SRV 0 1 5061 server1.example.com\nIN SRV 0 2 5061 server2.example.com")
        server.asks("server1.example.com A AAAA", "server2.example.com A AAAA")
        server.is_told(TestRfc3263Section41.ADDRESSES)
        server.goes_to(*[f"tls server{n}.example.com 192.0.2.{n} 5061" for n in order])

    @pytest.mark.req("R3263-5-7", "R3263-5-5")
    def test_if_that_results_in_a_failure_the_next_entry_on_the_list_is_tried(self) -> None:
        server = responder("SIP/2.0/TLS client.example.com")
        server.asks("_sips._tcp.client.example.com SRV")
        server.is_told("IN SRV 10 0 5061 one.example.com.\nIN SRV 20 0 5061 two.example.com.")
        server.asks("one.example.com A AAAA", "two.example.com A AAAA")
        server.is_told("one.example.com. A 192.0.2.1\ntwo.example.com. A 192.0.2.2")
        for host in ("one.example.com", "two.example.com"):
            target = server.machine.next_target
            assert target is not None
            assert target.host == host
            server.machine.receive(TargetInUse(target), now=0.0)
            server.machine.receive(TargetFailed(target, TargetFailure.TRANSPORT), now=0.0)
        assert server.machine.next_target is None

    @pytest.mark.req("R3263-5-1", "R3263-5-6")
    @pytest.mark.parametrize("failure", [TargetFailure.TIMEOUT, TargetFailure.UNAVAILABLE, TargetFailure.PEER])
    def test_fails_is_defined_as_closure_of_the_connection_or_a_fatal_error_from_the_transport(
        self, failure: TargetFailure
    ) -> None:
        with pytest.raises(LocalProtocolError):
            ResponsePath("SIP/2.0/TLS client.example.com", failure=failure, now=0.0, at=AT, randbelow=first)

    @pytest.mark.req("R3263-5-3")
    def test_when_the_value_is_tls_no_answer_of_the_dns_leads_to_anything_less(self) -> None:
        server = responder("SIP/2.0/TLS client.example.com")
        server.asks("_sips._tcp.client.example.com SRV")  # and not _sip._tcp
        server.is_told("")
        server.asks("client.example.com A AAAA")
        server.is_told("IN A 192.0.2.1")
        server.goes_to("tls client.example.com 192.0.2.1 5061")

    @pytest.mark.req("R3263-5-2")
    def test_a_via_that_is_read_already_is_taken_as_it_is(self) -> None:
        machine = ResponsePath(
            Via.parse("SIP/2.0/TCP 192.0.2.1"), failure=TargetFailure.TRANSPORT, now=0.0, at=AT, randbelow=None
        )
        Dialogue(machine).goes_to("tcp 192.0.2.1 192.0.2.1 5060")
