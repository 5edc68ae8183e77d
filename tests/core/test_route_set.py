"""Which URI of a request is resolved, and what becomes of schemes and transport=tls on the way (RFC 3261, RFC 5630)."""

from __future__ import annotations

import re
from time import process_time
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siptls import InvalidUri, NextHop, Outcome, Policy, SipUri, next_hop
from siptls.codes import CATALOGUE
from siptls.route_set import own_uri_advice, to_sip, to_sips
from world import SECURE, World


def entries(header: str) -> tuple[str, ...]:
    """The URIs of a Route header field as a standard prints it."""
    return tuple(re.findall(r"<([^>]*)>", header))


def sent(hop: NextHop) -> tuple[str, str]:
    """The Request-URI and the Route header field of a request."""
    return hop.request_uri.text, ", ".join(f"<{entry.text}>" for entry in hop.route)


RFC5630_F24 = (
    "<sip:proxya.example.net;lr>, <sip:pb.example.com;lr>, "
    "<sip:psodkfsj+34+kklsL+uJH-Xm816k09Kk@edge.example.com;lr;ob>"
)

FORMED = [
    # what it shows, Request-URI or remote target, route set; what is resolved, Request-URI, Route
    ("RFC 3261 16.12.1.1: no Route", "sip:callee@u2.domain.com", "", "u2.domain.com", "sip:callee@u2.domain.com", ""),
    (
        "RFC 3261 16.12.1.1: U1 sends BYE",
        "sip:callee@u2.domain.com",
        "<sip:p1.example.com;lr>,<sip:p2.domain.com;lr>",
        "p1.example.com",
        "sip:callee@u2.domain.com",
        "<sip:p1.example.com;lr>, <sip:p2.domain.com;lr>",
    ),
    (
        "RFC 3261 16.12.1.1: P1 has taken its own entry out",
        "sip:callee@u2.domain.com",
        "<sip:p2.domain.com;lr>",
        "p2.domain.com",
        "sip:callee@u2.domain.com",
        "<sip:p2.domain.com;lr>",
    ),
    (
        "RFC 3261 16.12.1.2: U2 sends BYE to the loose router P4",
        "sip:caller@u1.example.com",
        "<sip:p4.domain.com;lr>, <sip:p3.middle.com>, <sip:p2.example.com;lr>, <sip:p1.example.com;lr>",
        "p4.domain.com",
        "sip:caller@u1.example.com",
        "<sip:p4.domain.com;lr>, <sip:p3.middle.com>, <sip:p2.example.com;lr>, <sip:p1.example.com;lr>",
    ),
    (
        "RFC 3261 16.12.1.2: P4 sends to the strict router P3",
        "sip:caller@u1.example.com",
        "<sip:p3.middle.com>, <sip:p2.example.com;lr>, <sip:p1.example.com;lr>",
        "p3.middle.com",
        "sip:p3.middle.com",
        "<sip:p2.example.com;lr>, <sip:p1.example.com;lr>, <sip:caller@u1.example.com>",
    ),
    (
        "RFC 3261 12.2.1.1",
        "sip:user@remoteua",
        "<sip:proxy1>,<sip:proxy2>,<sip:proxy3;lr>,<sip:proxy4>",
        "proxy1",
        "sip:proxy1",
        "<sip:proxy2>, <sip:proxy3;lr>, <sip:proxy4>, <sip:user@remoteua>",
    ),
    (
        "RFC 5630 6.1 F1",
        "sip:pb.example.com",
        "<sip:eb.example.com;lr>",
        "eb.example.com",
        "sip:pb.example.com",
        "<sip:eb.example.com;lr>",
    ),
    (
        "RFC 5630 6.1 F5",
        "sips:pb.example.com",
        "<sips:eb.example.com;lr>",
        "eb.example.com",
        "sips:pb.example.com",
        "<sips:eb.example.com;lr>",
    ),
    (
        "RFC 5630 6.2 F9",
        "sips:bob@example.com",
        "<sips:proxya.example.net;lr>",
        "proxya.example.net",
        "sips:bob@example.com",
        "<sips:proxya.example.net;lr>",
    ),
    (
        "RFC 5630 6.2 F13",
        "sips:bob@bobphone.example.com",
        "<sips:psodkfsj+34+kklsL+uJH-Xm816k09Kk@edge.example.com;lr;ob>",
        "edge.example.com",
        "sips:bob@bobphone.example.com",
        "<sips:psodkfsj+34+kklsL+uJH-Xm816k09Kk@edge.example.com;lr;ob>",
    ),
    ("RFC 5630 6.2 F11", "sips:bob@example.com", "", "example.com", "sips:bob@example.com", ""),
    (
        "RFC 5630 6.3 F24",
        "sip:bob@bobphone.example.com",
        RFC5630_F24,
        "proxya.example.net",
        "sip:bob@bobphone.example.com",
        RFC5630_F24,
    ),
    (
        "RFC 7118 8.1: the port and the transport stay",
        "sip:bob@203.0.113.22:5060;transport=udp",
        "<sip:h7kjh12s@proxy.example.com:443;transport=ws;lr>, <sip:proxy.example.com;transport=udp;lr>",
        "proxy.example.com",
        "sip:bob@203.0.113.22:5060;transport=udp",
        "<sip:h7kjh12s@proxy.example.com:443;transport=ws;lr>, <sip:proxy.example.com;transport=udp;lr>",
    ),
    (
        "lr with a value is lr",
        "sip:bob@b.example",
        "<sip:p.example;lr=on>",
        "p.example",
        "sip:bob@b.example",
        "<sip:p.example;lr=on>",
    ),
    (
        "a parameter that only looks like lr is none",
        "sip:bob@b.example",
        "<sip:lr@p.example;alr;x=lr>",
        "p.example",
        "sip:lr@p.example;alr;x=lr",
        "<sip:bob@b.example>",
    ),
]


@pytest.mark.req("R3263-4-6")
@pytest.mark.parametrize(
    ("target", "route", "host", "request_uri", "sent_route"),
    [row[1:] for row in FORMED],
    ids=[row[0] for row in FORMED],
)
def test_requests_are_formed_and_resolved_as_the_standards_print_them(
    target: str, route: str, host: str, request_uri: str, sent_route: str
) -> None:
    hop = next_hop(target, entries(route))
    assert hop.uri.host == host
    assert sent(hop) == (request_uri, sent_route)
    assert hop.uri in {hop.request_uri, *hop.route[:1]}
    assert hop.tls_required == target.startswith("sips:")


@pytest.mark.req("R3263-4-6")
def test_the_domain_that_the_peer_has_to_be_is_that_of_the_route_and_not_of_the_request_uri() -> None:
    hop = next_hop("sips:bob@b.example", ["sips:p.example;lr"])
    assert hop.uri.text == "sips:p.example;lr"
    world = World(SECURE)
    world.srv("_sips._tcp.p.example", (0, 0, 5061, "edge.p.example"))
    world.address("edge.p.example", "192.0.2.1")
    assert [target.host for target in world.locate(hop.uri.text).targets] == ["edge.p.example"]
    assert {name for name, _ in world.questions() if name.endswith("b.example")} == set()


def test_uris_that_need_no_change_are_handed_on_as_the_same_objects() -> None:
    target, first, second = map(SipUri.parse, ("sips:bob@b.example", "sips:p1.example;lr", "sips:p2.example"))
    hop = next_hop(target, (first, second))
    assert hop.request_uri is target
    assert (hop.uri, hop.route) == (first, (first, second))
    assert hop.codes == ()


def test_what_may_not_stand_in_a_request_uri_is_stripped_from_a_strict_router() -> None:
    hop = next_hop("sip:bob@b.example;user=phone", ["sip:p.example;method=BYE;x=1;maddr=192.0.2.1;ttl=1?Subject=hi"])
    assert sent(hop) == ("sip:p.example;x=1;maddr=192.0.2.1;ttl=1", "<sip:bob@b.example;user=phone>")
    assert hop.codes == ("route.strict",)


def test_a_request_is_not_formed_with_the_method_and_header_fields_of_its_uri() -> None:
    text = "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com"
    assert sent(next_hop(text)) == ("sip:biloxi.com;transport=tcp", "")
    assert sent(next_hop(text, ["sip:p.example"])) == ("sip:p.example", "<sip:biloxi.com;transport=tcp>")


def test_a_password_and_the_spelling_of_a_host_are_sent_as_they_came_and_not_shown() -> None:
    hop = next_hop("sips:bob:secret@B.Example.:5061;a=%20", ["SIP:x:y@P.Example;LR"])
    assert sent(hop) == ("sips:bob:secret@B.Example.:5061;a=%20", "<sips:x:y@P.Example;lr>")
    assert repr(hop) == "<NextHop 'sips:x@p.example;lr', TLS required>"
    assert repr(next_hop("sip:bob:secret@b.example")) == "<NextHop 'sip:bob@b.example'>"


PROMOTED = [
    # sip entry, the sips entry that it becomes
    ("sip:p.example;lr", "sips:p.example;lr"),
    ("sip:p.example:5080;lr", "sips:p.example:5080;lr"),
    ("sip:p.example:5060;lr", "sips:p.example:5060;lr"),
    ("sip:u:pw@[2001:db8::1]:5061;lr;ob;x=%20", "sips:u:pw@[2001:db8::1]:5061;lr;ob;x=%20"),
    ("sip:p.example;transport=tcp;lr", "sips:p.example;transport=tcp;lr"),
    ("sip:p.example;transport=SCTP;lr", "sips:p.example;transport=SCTP;lr"),
    ("sip:p.example;transport=ws;lr", "sips:p.example;transport=ws;lr"),
    ("sip:p.example;transport=tls;lr", "sips:p.example;lr"),
    ("sip:p.example;lr;TransPort=TLS", "sips:p.example;lr"),
    ("sip:p.example;%74ransport=tls;lr", "sips:p.example;lr"),
    ("sip:p.example;transport=udp;lr", "sips:p.example;lr"),
    ("sip:p.example;transport=udp;maddr=239.255.255.1;ttl=15;lr", "sips:p.example;maddr=239.255.255.1;lr"),
    ("sip:p.example;lr;maddr=239.255.255.1;ttl=15", "sips:p.example;lr;maddr=239.255.255.1"),
    ("sip:a;transport=tls@p.example;lr", "sips:a;transport=tls@p.example;lr"),  # this is a user's name
    ("sips:p.example;transport=tls;lr", "sips:p.example;lr"),
    ("sips:p.example;lr", "sips:p.example;lr"),
]


class TestSips:
    @pytest.mark.req("R5630-5.1.1-2", "R5630-5.1.1-4")
    @pytest.mark.parametrize(("entry", "promoted"), PROMOTED)
    def test_a_sips_request_uri_turns_every_sip_entry_into_sips_by_its_scheme(self, entry: str, promoted: str) -> None:
        hop = next_hop("sips:bob@b.example", ["sip:top.example;lr", entry, "sip:last.example;lr"])
        assert [each.text for each in hop.route] == ["sips:top.example;lr", promoted, "sips:last.example;lr"]
        assert hop.request_uri.text == "sips:bob@b.example"
        assert hop.tls_required
        assert "route.promoted" in hop.codes
        assert to_sips(entry).text == promoted

    @pytest.mark.req("R5630-5.1.1-2")
    def test_a_strict_router_of_a_sips_request_is_promoted_as_well(self) -> None:
        hop = next_hop("sips:bob@b.example", ["sip:p.example:5070", "sip:q.example;lr"])
        assert sent(hop) == ("sips:p.example:5070", "<sips:q.example;lr>, <sips:bob@b.example>")
        assert hop.uri is hop.request_uri
        assert hop.tls_required
        assert hop.codes == ("route.strict", "route.promoted")

    @pytest.mark.req("R5630-5.1.1-3")
    def test_a_sip_request_under_a_loose_sips_entry_stays_sip_and_goes_over_tls(self) -> None:
        hop = next_hop("sip:bob@b.example", ["sips:p.example;lr", "sip:q.example;lr"])
        assert sent(hop) == ("sip:bob@b.example", "<sips:p.example;lr>, <sip:q.example;lr>")
        assert hop.uri.text == "sips:p.example;lr"
        assert hop.tls_required
        assert hop.codes == ()

    @pytest.mark.req("R5630-5.1.1-5")
    def test_a_sip_request_under_a_strict_sips_entry_takes_its_sips_uri_and_goes_over_tls(self) -> None:
        hop = next_hop("sip:bob@b.example", ["sips:p.example", "sip:q.example;lr"])
        assert sent(hop) == ("sips:p.example", "<sip:q.example;lr>, <sip:bob@b.example>")
        assert hop.uri is hop.request_uri
        assert hop.tls_required

    @pytest.mark.req("R5630-3.1.3-1")
    def test_sip_leaves_tls_open_and_sips_does_not(self) -> None:
        assert not next_hop("sip:bob@b.example").tls_required
        assert not next_hop("sip:bob@b.example", ["sip:p.example;lr", "sips:q.example;lr"]).tls_required
        assert next_hop("sips:bob@b.example").tls_required

    @pytest.mark.req("R5630-5.3-4")
    def test_a_sip_request_goes_over_tls_where_the_domain_offers_it_and_else_without(self) -> None:
        uri = next_hop("sip:bob@b.example").uri
        world = World(SECURE)
        world.address("s.b.example", "192.0.2.1")
        world.srv("_sip._tcp.b.example", (0, 0, 5060, "s.b.example"))
        world.srv("_sip._udp.b.example", (0, 0, 5060, "s.b.example"))
        assert world.locate(uri.text).targets[0].transport == "tcp"
        world.srv("_sips._tcp.b.example", (0, 0, 5061, "s.b.example"))
        assert world.locate(uri.text).targets[0].transport == "tls"

    @pytest.mark.req("R5630-4.1-1")
    def test_both_schemes_name_one_domain_and_one_may_be_out_of_reach(self) -> None:
        sip, sips = SipUri.parse("sip:bob@B.example"), to_sips("sip:bob@B.example")
        assert (sip.user, sip.host, sip.target) == (sips.user, sips.host, sips.target)
        world = World(SECURE)
        world.address("s.b.example", "192.0.2.1")
        world.srv("_sip._udp.b.example", (0, 0, 5060, "s.b.example"))
        world.srv("_sips._tcp.b.example", (0, 0, 0, "."))
        assert world.locate(sip.text).targets[0].transport == "udp"
        assert world.locate(sips.text).outcome is Outcome.NO_SERVICE

    @pytest.mark.req("R5630-3.2-1", "R5630-4-1")
    def test_nothing_but_the_need_for_tls_on_this_hop_is_said_of_a_sips_request(self) -> None:
        def switches(value: object) -> set[str]:
            public = (name for name in dir(value) if not name.startswith("_"))
            return {name for name in public if isinstance(getattr(value, name), bool)}

        world = World(SECURE)
        assert switches(next_hop("sips:bob@b.example")) == {"tls_required"}
        assert switches(world.outbound("sips:bob@b.example")) == {"accepted"}
        told = world.outbound("sips:bob@b.example").to_dict()
        assert told.keys() == world.outbound("sip:bob@b.example").to_dict().keys()


class TestBinding:
    """A proxy forwards to the URI that the UAS registered (RFC 5630 section 5.3)."""

    @pytest.mark.req("R5630-5.3-3")
    @pytest.mark.parametrize(
        ("binding", "request_uri"),
        [
            ("sips:bob@bobphone.example.com", "sip:bob@bobphone.example.com"),  # RFC 5630 section 6.3, F15
            ("sips:bob:pw@192.0.2.4:5061;transport=tcp;x", "sip:bob:pw@192.0.2.4:5061;transport=tcp;x"),
            ("sips:bob@192.0.2.4;transport=tls", "sip:bob@192.0.2.4"),
        ],
    )
    def test_a_sip_request_to_a_sips_binding_becomes_sip_and_is_sent_over_tls(
        self, binding: str, request_uri: str
    ) -> None:
        hop = next_hop(binding, received="sip:bob@example.com")
        assert sent(hop) == (request_uri, "")
        assert hop.uri is hop.request_uri
        assert hop.tls_required

    @pytest.mark.req("R5630-5.3-3")
    def test_over_tls_means_that_a_policy_of_tls_finds_only_such_targets(self) -> None:
        hop = next_hop("sips:bob@bobphone.example.com", received="sip:bob@example.com")
        world = World(SECURE)
        world.address("bobphone.example.com", "192.0.2.1")
        assert hop.tls_required
        route = world.locate(hop.uri.text, Policy(transports=("tls",)))
        assert [(target.transport, target.port) for target in route.targets] == [("tls", 5061)]

    @pytest.mark.req("R5630-5.3-3")
    def test_the_hop_to_the_edge_proxy_of_a_sips_binding_is_over_tls_as_well(self) -> None:
        edge = "sip:psodkfsj+34+kklsL+uJH-Xm816k09Kk@eb.example.com;lr;ob"  # RFC 5630 section 6.3, F13
        hop = next_hop("sips:bob@bobphone.example.com", [edge], received="sip:bob@example.com")
        assert sent(hop) == ("sip:bob@bobphone.example.com", f"<{edge}>")
        assert hop.uri.host == "eb.example.com"
        assert hop.tls_required

    def test_a_binding_of_the_scheme_that_was_asked_for_is_used_as_it_is(self) -> None:
        plain = next_hop("sip:bob@bobpc.example.com", received="sip:bob@example.com")
        assert (plain.request_uri.text, plain.tls_required) == ("sip:bob@bobpc.example.com", False)
        safe = next_hop("sips:bob@bobphone.example.com", received=SipUri.parse("sips:bob@example.com"))
        assert (safe.request_uri.text, safe.tls_required) == ("sips:bob@bobphone.example.com", True)

    def test_a_sips_request_is_not_formed_for_a_sip_binding(self) -> None:
        with pytest.raises(InvalidUri, match="forwarded to no other"):
            next_hop("sip:bob@bobpc.example.com", received="sips:bob@example.com")


class TestTransportTls:
    """The parameter asks for TLS on one hop: it is taken out, and what it asked for is not forgotten."""

    @pytest.mark.req("R5630-5.1.1-4", "R5630-3.1.4-1")
    def test_on_the_hop_made_now_tls_is_required_instead(self) -> None:
        hop = next_hop("sip:bob@b.example:5061;transport=tls")
        assert (sent(hop), hop.uri.text) == (("sip:bob@b.example:5061", ""), "sip:bob@b.example:5061")
        assert hop.tls_required
        assert hop.codes == ("route.transport-tls",)
        loose = next_hop("sip:bob@b.example", ["sip:p.example;transport=TLS;lr"])
        assert (sent(loose), loose.tls_required) == (("sip:bob@b.example", "<sip:p.example;lr>"), True)
        strict = next_hop("sip:bob@b.example", ["sip:p.example;transport=tls"])
        assert (sent(strict), strict.tls_required) == (("sip:p.example", "<sip:bob@b.example>"), True)

    @pytest.mark.req("R5630-5.1.1-4")
    def test_further_down_the_route_sips_asks_for_it(self) -> None:
        hop = next_hop("sip:bob@b.example", ["sip:p.example;lr", "sip:q.example;transport=tls;lr", "sip:r.example;lr"])
        assert sent(hop) == ("sip:bob@b.example", "<sip:p.example;lr>, <sips:q.example;lr>, <sip:r.example;lr>")
        assert not hop.tls_required
        assert hop.codes == ("route.promoted", "route.transport-tls")

    @pytest.mark.req("R5630-5.1.1-4")
    @pytest.mark.parametrize("top", ["sip:p.example;lr", "sips:p.example;lr", "sip:p.example"])
    def test_in_a_sip_request_uri_that_another_element_resolves_it_is_lost_and_this_is_said(self, top: str) -> None:
        hop = next_hop("sip:bob@b.example:5061;transport=tls", [top])
        assert "sip:bob@b.example:5061" in {hop.request_uri.text, hop.route[-1].text}
        assert hop.codes[-2:] == ("route.transport-tls", "route.tls-lost")

    @pytest.mark.req("R5630-5.1.1-4")
    def test_in_a_sips_request_uri_nothing_is_lost(self) -> None:
        hop = next_hop("sips:bob@b.example;transport=tls", ["sips:p.example;lr"])
        assert hop.request_uri.text == "sips:bob@b.example"
        assert hop.codes == ("route.transport-tls",)


class TestToSip:
    @pytest.mark.req("R5630-5.1.1-1", "R5630-5.1.1.3-1")
    def test_sips_does_not_become_sip_without_leave(self) -> None:
        with pytest.raises(InvalidUri, match="leave of the user"):
            to_sip("sips:bob@b.example")
        with pytest.raises(InvalidUri, match="leave of the user") as caught:
            to_sip(SipUri.parse("sips:bob:secret@b.example"), leave=False)
        assert "secret" not in str(caught.value)

    @pytest.mark.req("R5630-5.1.1-1", "R5630-5.1.1.3-1")
    def test_an_answer_that_is_merely_not_empty_is_no_leave(self) -> None:
        with pytest.raises(InvalidUri, match="leave of the user"):
            to_sip("sips:bob@b.example", leave=cast("bool", "no"))

    @pytest.mark.req("R5630-5.1.1-1", "R5630-5.1.1.3-1")
    def test_with_leave_only_the_scheme_changes(self) -> None:
        uri = to_sip("sips:bob:pw@B.example:5061;transport=tcp;x=y?Subject=hi", leave=True)
        assert uri.text == "sip:bob:pw@B.example:5061;transport=tcp;x=y?Subject=hi"
        assert to_sip("sips:b.example;transport=tls", leave=True).text == "sip:b.example"

    def test_a_sip_uri_needs_no_leave(self) -> None:
        uri = SipUri.parse("sip:bob@b.example")
        assert to_sip(uri) is uri


@pytest.mark.req("R3263-4-4")
def test_a_next_hop_known_by_its_name_alone_is_promoted_for_a_sips_request() -> None:
    assert to_sips(SipUri.of_next_hop("proxy.example")).text == "sips:proxy.example"
    assert to_sips(SipUri.of_next_hop("2001:db8::1")).text == "sips:[2001:db8::1]"


class TestBadInput:
    def test_a_route_is_not_one_text(self) -> None:
        with pytest.raises(InvalidUri, match="one by one"):
            next_hop("sip:bob@b.example", "sip:p.example;lr")

    @pytest.mark.parametrize("text", ["", "p.example", "<sip:p.example;lr>", "tel:+1", "sips:p.example;transport=udp"])
    def test_what_is_no_sip_uri_is_refused_wherever_it_stands(self, text: str) -> None:
        with pytest.raises(InvalidUri):
            next_hop(text)
        with pytest.raises(InvalidUri):
            next_hop("sip:bob@b.example", ["sip:p.example;lr", text])
        with pytest.raises(InvalidUri):
            next_hop("sip:bob@b.example", received=text)
        for function in (to_sips, to_sip, own_uri_advice):
            with pytest.raises(InvalidUri):
                function(text)


class TestOwnUris:
    @pytest.mark.req("R3263-6-1")
    @pytest.mark.parametrize(
        ("text", "codes"),
        [
            ("sip:server23.provider.com", ()),  # RFC 3263 section 6
            ("sip:1.2.3.4", ("route.address-literal",)),  # RFC 3263 section 6
            ("sips:alice@[2001:db8::1]:5061", ("route.address-literal",)),
            ("sip:alice@a.example;maddr=192.0.2.1", ("route.address-literal",)),
            ("sip:alice@192.0.2.1;maddr=backed.example", ()),
            ("sips:alice@a.example:5061", ("route.port",)),
            ("sip:alice@a.example;transport=tls", ("route.transport-tls",)),
            ("sip:alice@192.0.2.1;transport=TLS", ("route.address-literal", "route.transport-tls")),
            ("sip:alice@a.example;transport=tcp", ()),
            ("sip:alice@a.example;ttl=1?Subject=hi", ()),
            ("sip:alice@a.example;method=INVITE", ("route.component",)),
        ],
    )
    def test_a_contact_names_what_backups_can_stand_behind(self, text: str, codes: tuple[str, ...]) -> None:
        assert own_uri_advice(text) == codes
        assert own_uri_advice(SipUri.parse(text)) == codes

    @pytest.mark.req("R3263-6-1")
    @pytest.mark.parametrize(
        ("text", "codes"),
        [
            ("sip:p1.example.com;lr", ()),
            ("sip:192.0.2.1;lr", ("route.address-literal",)),
            ("sip:p1.example.com", ("route.no-lr",)),
            ("sip:p1.example.com;transport=udp;lr", ("route.transport",)),
            ("sip:p1.example.com;transport=tls;lr", ("route.transport-tls",)),
            ("sip:p1.example.com;lr;ttl=1", ("route.component",)),
            ("sip:p1.example.com;lr?a=b", ("route.component",)),
            (
                "sip:p1.example.com:5060;method=BYE;transport=tcp?a=b",
                ("route.port", "route.transport", "route.no-lr", "route.component"),
            ),
        ],
    )
    def test_a_record_route_is_held_to_more(self, text: str, codes: tuple[str, ...]) -> None:
        assert own_uri_advice(text, record_route=True) == codes


PARTS = st.tuples(
    st.sampled_from(["sip:", "sips:", "SIP:", "SIPS:"]),
    st.sampled_from(["", "bob@", "bob:pw@", "a;transport=tls@", "%40?;/@"]),
    st.sampled_from(["b.example", "B.Example.", "192.0.2.1", "[2001:DB8::1]"]),
    st.sampled_from(["", ":5060", ":05061"]),
    st.sampled_from(["", ";transport=tls", ";Transport=TLS", ";%74ransport=tLs", ";transport=tcp", ";transport=udp"]),
    st.sampled_from(["", ";lr", ";LR=on"]),
    st.sampled_from(["", ";ttl=1", ";method=BYE", ";maddr=[::1]", ";x=%20;y"]),
    st.sampled_from(["", "?a=b", "?a=transport:tls&b="]),
)


def _is_uri(text: str) -> bool:
    try:
        SipUri.parse(text)
    except InvalidUri:
        return False
    return True


URIS = PARTS.map("".join).filter(_is_uri)


def _address(text: str) -> tuple[str | None, str, int | None, str | None]:
    uri = SipUri.parse(text)
    return uri.user, uri.host, uri.port, uri.maddr


@pytest.mark.req("R5630-5.1.1-1", "R5630-5.1.1-2", "R5630-5.1.1-4")
@given(target=URIS, route=st.lists(URIS, max_size=5))
def test_no_uri_is_lost_or_lowered_and_none_comes_out_with_transport_tls(target: str, route: list[str]) -> None:
    hop = next_hop(target, route)
    out = [hop.request_uri, *hop.route]
    assert len(out) == 1 + len(route)
    strict = "route.strict" in hop.codes
    # In the order in which the request visits them, the Request-URI last.
    visited = [hop.request_uri, *hop.route] if strict else [*hop.route, hop.request_uri]
    given_ = [*route, target]
    assert [_address(uri.text) for uri in visited] == [_address(text) for text in given_]
    for uri, text in zip(visited, given_, strict=True):
        assert SipUri.parse(uri.text).transport == uri.transport != "tls"
        assert uri.scheme == "sips" or SipUri.parse(text).scheme == "sip"
    if SipUri.parse(target).scheme == "sips":
        assert {uri.scheme for uri in out} == {"sips"}
    assert visited[-1].scheme == SipUri.parse(target).scheme
    assert hop.uri in out[:2]
    assert hop.tls_required or "sips" not in {hop.uri.scheme, hop.request_uri.scheme}
    assert hop.tls_required or SipUri.parse(given_[0]).transport != "tls"
    assert hop.request_uri.headers is None
    assert "method" not in dict(hop.request_uri.parameters)
    assert set(hop.codes) <= CATALOGUE.keys()


@pytest.mark.req("R5630-5.3-3")
@given(binding=URIS, route=st.lists(URIS, max_size=3))
def test_a_sip_request_leaves_a_proxy_as_a_sip_request(binding: str, route: list[str]) -> None:
    hop = next_hop(binding, route, received="sip:bob@example.com")
    last = hop.route[-1] if "route.strict" in hop.codes else hop.request_uri
    assert (last.scheme, last.transport == "tls") == ("sip", False)
    assert hop.tls_required or SipUri.parse(binding).scheme == "sip"


@given(uri=URIS)
def test_a_promoted_uri_is_read_again_as_the_same_place(uri: str) -> None:
    promoted = to_sips(uri)
    assert (promoted.scheme, promoted.transport == "tls") == ("sips", False)
    assert _address(promoted.text) == _address(uri)
    assert to_sips(promoted) is promoted
    assert to_sip(promoted, leave=True).scheme == "sip"


def test_long_routes_take_linear_time() -> None:
    begun = process_time()
    hop = next_hop("sips:bob@b.example", ["sip:p.example;transport=tls;lr"] * 20_000)
    assert len(hop.route) == 20_000
    assert process_time() - begun < 10
