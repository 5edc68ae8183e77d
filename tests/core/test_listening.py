"""Where a client has to listen, because the response to its request may come there."""

from __future__ import annotations

import pytest

from siptls import InvalidVia, Listening, Lookup, ResponsePath, TargetFailure, Via, listen_hints
from world import AT, World, first

SOURCE = "198.51.100.7"


def places(via: str) -> list[tuple[str, str, int | None]]:
    return [(each.transport, each.host, each.port) for each in listen_hints(Via.parse(via), SOURCE)]


@pytest.mark.req("R3261-18.1.1-4")
@pytest.mark.parametrize(
    ("sent_by", "expected"),
    [
        ("TLS p1.example.com:5071", [(SOURCE, 5071), ("p1.example.com", 5071)]),
        ("TLS 192.0.2.1", [(SOURCE, 5061), ("192.0.2.1", 5061)]),
        (f"TCP {SOURCE}", [(SOURCE, 5060)]),
        ("TLS p1.example.com", [(SOURCE, 5061), ("_sips._tcp.p1.example.com", None), ("p1.example.com", 5061)]),
        ("TCP p1.example.com", [(SOURCE, 5060), ("_sip._tcp.p1.example.com", None), ("p1.example.com", 5060)]),
        ("UDP p1.example.com", [(SOURCE, 5060), ("_sip._udp.p1.example.com", None), ("p1.example.com", 5060)]),
        ("WSS p1.example.com", [(SOURCE, 443), ("p1.example.com", 443)]),
    ],
)
def test_the_places_are_those_of_rfc_3261_and_of_rfc_3263_section_5(
    sent_by: str, expected: list[tuple[str, int | None]]
) -> None:
    found = places(f"SIP/2.0/{sent_by};branch=z9hG4bK1")
    assert [place[1:] for place in found] == expected
    assert {place[0] for place in found} == {sent_by.split(maxsplit=1)[0].lower()}


def test_the_place_that_maddr_names_is_one_of_them() -> None:
    found = places("SIP/2.0/UDP p1.example.com:5070;maddr=224.0.1.75;ttl=1;branch=z9hG4bK1")
    assert found == [("udp", SOURCE, 5070), ("udp", "224.0.1.75", 5070), ("udp", "p1.example.com", 5070)]
    found = places(f"SIP/2.0/UDP {SOURCE}:5070;maddr=224.0.1.75;branch=z9hG4bK1")
    assert found == [("udp", SOURCE, 5070), ("udp", "224.0.1.75", 5070)]


@pytest.mark.req("R3261-18.1.1-4")
@pytest.mark.parametrize("transport", ["TLS", "TCP", "UDP", "SCTP", "TLS-SCTP"])
@pytest.mark.parametrize("sent_by", ["p1.example.com", "p1.example.com:5071", "192.0.2.1"])
def test_wherever_a_server_looks_the_client_was_told_to_listen(transport: str, sent_by: str) -> None:
    via = Via.parse(f"SIP/2.0/{transport} {sent_by};branch=z9hG4bK1")
    world = World()
    world.address("p1.example.com", "192.0.2.1")
    machine = ResponsePath(via, failure=TargetFailure.TRANSPORT, now=0.0, at=AT, randbelow=first)
    world.run(machine)
    assert machine.result is not None
    told = listen_hints(via, SOURCE)
    looked_up = {action.name for action in world.asked if isinstance(action, Lookup) and action.rrtype == "SRV"}
    assert looked_up == {place.host for place in told if place.port is None}
    for target in machine.result.targets:
        assert (target.transport, target.host, target.port) in {(place[0], place[1], place[2]) for place in told}


def test_each_place_says_by_which_rule() -> None:
    first_place, *_ = listen_hints(Via.parse("SIP/2.0/TLS p1.example.com;branch=z9hG4bK1"), SOURCE)
    assert first_place == Listening("tls", SOURCE, 5061, "the source of the request, with the port of sent-by")


def test_a_transport_that_nobody_knows_has_no_place() -> None:
    with pytest.raises(InvalidVia):
        listen_hints(Via.parse("SIP/2.0/DCCP p1.example.com;branch=z9hG4bK1"), SOURCE)
