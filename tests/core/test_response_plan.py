"""What a server writes into the Via of a request, how it sends the response, and who takes that one."""

from __future__ import annotations

import pytest

from siptls import (
    InvalidName,
    InvalidVia,
    Outbound,
    ResponsePath,
    TargetFailure,
    Via,
    received_from,
    response_plan,
    sent_by_us,
)
from world import AT, first

BOB = "SIP/2.0/UDP bobspc.biloxi.com:5060;branch=z9hG4bK1"


def steps(via: str) -> list[tuple[str, str, int | None]]:
    return [(step.kind, step.host, step.port) for step in response_plan(Via.parse(via))]


@pytest.mark.req("R3261-18.2.1-1")
@pytest.mark.parametrize(
    ("via", "address", "expected"),
    [
        (BOB, "192.0.2.4", f"{BOB};received=192.0.2.4"),
        ("SIP/2.0/TLS 192.0.2.4;branch=z9hG4bK1", "192.0.2.4", "SIP/2.0/TLS 192.0.2.4;branch=z9hG4bK1"),
        ("SIP/2.0/TLS 192.0.2.4;branch=z9hG4bK1", "::ffff:192.0.2.4", "SIP/2.0/TLS 192.0.2.4;branch=z9hG4bK1"),
        ("SIP/2.0/TLS 10.0.0.1;x", "192.0.2.4", "SIP/2.0/TLS 10.0.0.1;x;received=192.0.2.4"),
        ("SIP/2.0/TLS [2001:DB8:0::1];x", "2001:db8::1", "SIP/2.0/TLS [2001:db8:0::1];x"),
        ("SIP/2.0/TLS a.example;x", "fe80::1%eth0", "SIP/2.0/TLS a.example;x;received=fe80::1"),
        ("SIP/2.0/TLS a.example;alias", "::ffff:192.0.2.4", "SIP/2.0/TLS a.example;alias;received=192.0.2.4"),
    ],
)
def test_a_server_writes_down_where_the_request_came_from(via: str, address: str, expected: str) -> None:
    assert str(received_from(Via.parse(via), address)) == expected


@pytest.mark.req("R3261-18.2.1-1")
def test_what_the_client_wrote_as_received_does_not_count() -> None:
    via = Via.parse("SIP/2.0/TLS a.example;received=203.0.113.9;rport=7;alias")
    assert str(received_from(via, "192.0.2.4", 5099)) == "SIP/2.0/TLS a.example;rport=5099;alias;received=192.0.2.4"
    same = Via.parse("SIP/2.0/TLS 192.0.2.4;received=203.0.113.9")
    assert received_from(same, "192.0.2.4").received is None


def test_a_client_that_asks_for_its_port_is_told() -> None:
    via = received_from(Via.parse("SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff"), "192.0.2.1", 9988)
    assert str(via) == "SIP/2.0/UDP 10.1.1.1:4540;rport=9988;branch=z9hG4bKkjshdyff;received=192.0.2.1"
    at_home = received_from(Via.parse("SIP/2.0/UDP 192.0.2.1;rport"), "192.0.2.1", 9988)
    assert (at_home.received, at_home.rport) == ("192.0.2.1", 9988)


@pytest.mark.parametrize("address", ["", "a.example", "192.0.2.1:5061", "192.0.2.1;x"])
def test_a_source_that_is_no_address_is_a_mistake(address: str) -> None:
    with pytest.raises(InvalidName):
        received_from(Via.parse(BOB), address)


@pytest.mark.req("R3261-18.1.2-1")
@pytest.mark.parametrize(
    ("via", "belongs_here"),
    [
        ("TLS p1.example.com", True),
        ("TLS P1.Example.COM.:5061;received=192.0.2.1", True),
        ("TLS p1.example.com:5062", False),
        ("TCP p1.example.com", False),
        ("TLS p2.example.com", False),
        ("TLS example.com", False),
        ("UDP 192.0.2.1:5060", True),
        ("UDP 192.0.2.2:5060", False),
        ("UDP [2001:db8:0:0::1]", True),
        ("DCCP p1.example.com", False),
    ],
)
def test_a_response_to_somebody_else_is_told_apart(via: str, belongs_here: bool) -> None:
    ours = [
        Via.build("tls", "p1.example.com", branch="z9hG4bK1"),
        Via.build("udp", "192.0.2.1", branch="z9hG4bK1"),
        Via.build("udp", "2001:db8::1", branch="z9hG4bK1"),
    ]
    assert sent_by_us(Via.parse(f"SIP/2.0/{via};branch=z9hG4bK1"), ours) is belongs_here
    assert not sent_by_us(Via.parse(f"SIP/2.0/{via};branch=z9hG4bK1"), [])


@pytest.mark.req("R3261-18.2.2-1")
@pytest.mark.parametrize(("transport", "port"), [("TLS", 5061), ("TCP", 5060), ("SCTP", 5060), ("TLS-SCTP", 5061)])
def test_over_a_connection_there_are_three_ways(transport: str, port: int) -> None:
    assert steps(f"SIP/2.0/{transport} p1.example.com;received=192.0.2.4;branch=z9hG4bK1") == [
        ("connection", "", None),
        ("address", "192.0.2.4", port),
        ("locate", "p1.example.com", None),
    ]
    assert steps(f"SIP/2.0/{transport} 192.0.2.4:5099;maddr=203.0.113.1;branch=z9hG4bK1") == [
        ("connection", "", None),
        ("locate", "192.0.2.4", 5099),
    ]


@pytest.mark.req("R3261-18.2.2-1")
@pytest.mark.parametrize(
    ("via", "expected"),
    [
        (f"{BOB};received=192.0.2.4", [("address", "192.0.2.4", 5060), ("locate", "bobspc.biloxi.com", 5060)]),
        (f"{BOB};received=192.0.2.4;rport=99", [("address", "192.0.2.4", 99), ("locate", "bobspc.biloxi.com", 5060)]),
        (f"{BOB};received=192.0.2.4;maddr=224.0.1.75", [("address", "224.0.1.75", 5060)]),
        ("SIP/2.0/UDP b.example;maddr=m.example", [("address", "m.example", 5060)]),
        (BOB, [("locate", "bobspc.biloxi.com", 5060)]),
        ("SIP/2.0/WSS df7jal23ls0d.invalid;received=192.0.2.4", [("connection", "", None)]),
    ],
)
def test_other_transports_have_their_own_ways(via: str, expected: list[tuple[str, str, int | None]]) -> None:
    assert steps(via) == expected


@pytest.mark.parametrize("via", ["SIP/2.0/DCCP p1.example.com", "SIP/2.0/DCCP p1.example.com:5061"])
def test_a_transport_that_nobody_knows_leads_nowhere(via: str) -> None:
    with pytest.raises(InvalidVia):
        response_plan(Via.parse(via))


@pytest.mark.req("R3261-18.2.2-1")
def test_the_last_way_is_a_machine_of_its_own() -> None:
    via = received_from(Via.parse("SIP/2.0/TLS p1.example.com;branch=z9hG4bK1"), "192.0.2.4")
    assert response_plan(via)[-1].kind == "locate"
    machine = ResponsePath(via, failure=TargetFailure.TRANSPORT, now=0.0, at=AT, randbelow=first)
    assert machine.uri.host == "p1.example.com"
    # And over TLS a new connection is proven to be the host of sent-by.
    assert Outbound(via.uri, now=0.0, at=AT, randbelow=first).uri.host == "p1.example.com"
