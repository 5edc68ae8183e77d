"""The zone file of RFC 2782, "a still-unused domain", as it stands in the text, and who is led where by it."""

from __future__ import annotations

import pytest

from located import located
from siptls import Lookup, Outcome, Policy, Route
from siptls_io.zone_files import ZoneFiles

EXAMPLE_COM = """
$ORIGIN example.com.
@               SOA server.example.com. root.example.com. (
                    1995032001 3600 3600 604800 86400 )
                NS  server.example.com.
                NS  ns1.ip-provider.net.
                NS  ns2.ip-provider.net.
; foobar - use old-slow-box or new-fast-box if either is
; available, make three quarters of the logins go to
; new-fast-box.
_foobar._tcp    SRV 0 1 9 old-slow-box.example.com.
                 SRV 0 3 9 new-fast-box.example.com.
; if neither old-slow-box or new-fast-box is up, switch to
; using the sysdmin's box and the server
                 SRV 1 0 9 sysadmins-box.example.com.
                 SRV 1 0 9 server.example.com.
server           A   172.30.79.10
old-slow-box     A   172.30.79.11
sysadmins-box    A   172.30.79.12
new-fast-box     A   172.30.79.13
; NO other services are supported
*._tcp          SRV  0 0 0 .
*._udp          SRV  0 0 0 .
"""
# foobar is no SIP service. A SIP domain may still name it, because a NAPTR record may lead to any SRV name.
EXAMPLE_NET = """
$ORIGIN example.net.
@  NAPTR 10 10 "s" "SIP+D2T" "" _foobar._tcp.example.com.
"""
ZONES = ZoneFiles({"example.com": EXAMPLE_COM, "example.net": EXAMPLE_NET})


def found(route: Route) -> list[str]:
    return [f"{e.transport} {e.host} {e.address} {e.port}" for target in route.targets for e in target.endpoints]


@pytest.mark.req("R2782-pri-1", "R2782-wt-1", "R2782-port-1", "R2782-use-1", "R3263-4.2-6")
def test_the_boxes_come_before_the_spare_ones_all_at_port_9() -> None:
    route = located("sip:user@example.net", ZONES.answer, Policy(transports=("tcp",)))
    first, second, *spare = found(route)
    assert {first, second} == {
        "tcp old-slow-box.example.com 172.30.79.11 9",
        "tcp new-fast-box.example.com 172.30.79.13 9",
    }
    assert sorted(spare) == [
        "tcp server.example.com 172.30.79.10 9",
        "tcp sysadmins-box.example.com 172.30.79.12 9",
    ]


@pytest.mark.req("R2782-tgt-2", "R3263-4.1-18")
@pytest.mark.parametrize(
    "uri",
    [
        "sip:user@example.com",
        "sips:user@example.com",
        "sip:user@example.com;transport=udp",
        "sip:user@example.com;transport=tcp",
        "sip:user@example.com;transport=tls",
    ],
)
def test_no_other_services_are_supported(uri: str) -> None:
    asked: list[Lookup] = []
    route = located(uri, ZONES.answer, asked=asked)
    assert (found(route), route.outcome, route.code) == ([], Outcome.NO_SERVICE, "locate.no-service.unproven")
    assert "locate.srv-root" in [step.code for step in route.findings]
    # "abort": the addresses of the domain itself are not asked for.
    assert {lookup.rrtype for lookup in asked} <= {"NAPTR", "SRV"}


@pytest.mark.req("R2782-use-3", "R3263-4.2-2")
def test_a_host_of_the_domain_is_reached_at_its_address() -> None:
    # server.example.com has no SRV of its own, and the wildcards stand beside it, not below it.
    route = located("sip:server.example.com", ZONES.answer, Policy(transports=("tcp", "udp")))
    assert found(route) == ["udp server.example.com 172.30.79.10 5060"]
