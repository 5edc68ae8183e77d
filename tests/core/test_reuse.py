"""The alias table: who gets a row, under which address, who finds it, and who has to make room."""

from __future__ import annotations

import copy
import hashlib
import math
import pickle
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from alias_model import Peer, judged
from forged import dns, uri
from judging import CA, ROOT, Made, issued, made
from siptls import (
    AliasTable,
    Anchors,
    Connect,
    Endpoint,
    Identity,
    Inbound,
    InvalidPolicy,
    InvalidVia,
    LocalProtocolError,
    Outbound,
    Outcome,
    PathRejected,
    PathValidated,
    Policy,
    Presentation,
    Presented,
    Refusal,
    Row,
    Security,
    TlsFacts,
    ValidatePath,
    Verdict,
    Verification,
    Via,
)
from siptls.codes import CATALOGUE
from siptls.dns import Srv
from siptls.verdict import Method, RawKey
from world import AT, SECURE, World

COM = Peer("P1", ("example.com",))
NET = Peer("P2", ("example.net",))
P1 = Endpoint("p1.example.com", "192.0.2.1", 5061, "tls")
P2 = Endpoint("p2.example.net", "192.0.2.128", 5061, "tls")
ALIAS = Via.parse("SIP/2.0/TLS p1.example.com;branch=z9hG4bKa7c8dze;alias")
KINDS: tuple[Method, ...] = ("pkix", "pkix-ta", "pkix-ee")
DEFAULT = Policy()
DANE: tuple[Method, ...] = ("dane-ee", "dane-ta")


def opened(
    table: AliasTable,
    connection: object,
    domain: str = "example.net",
    *,
    peer: Peer = NET,
    endpoint: Endpoint = P2,
    expires: float = math.inf,
    local_domain: str = "",
    now: float = 0.0,
) -> Row | Refusal:
    """Add a connection that we opened for a domain."""
    verdict = judged(peer, "client", domain=domain, endpoint=endpoint, expires=expires)
    return table.add(verdict, connection, peer.presentation, local_domain=local_domain, now=now)


def accepted(
    table: AliasTable,
    connection: object,
    peer: Peer = COM,
    *,
    via: Via | str | None = ALIAS,
    source: str | None = "192.0.2.1",
    expires: float = math.inf,
    local_domain: str = "",
    now: float = 0.0,
) -> Row | Refusal:
    """Add a connection that a client opened, over which it sent a request."""
    top = Via.parse_all(via)[0] if isinstance(via, str) else via
    verdict = judged(peer, "server", expires=expires)
    return table.add(verdict, connection, peer.presentation, local_domain=local_domain, now=now, source=source, via=top)


def proven(
    domain: str, connection: object, *, peer: Peer = NET, endpoint: Endpoint = P2, expires: float = 60.0, **more: Any
) -> Verdict:
    """What comes of judging the certificates in a row for a further domain."""
    more = {"reused": connection, "method": "dane-ee", "identities": [Identity(domain, "dane")], **more}
    return judged(peer, "client", domain=domain, endpoint=endpoint, expires=expires, **more)


def row(answer: Row | Refusal) -> Row:
    """The row that there is."""
    assert isinstance(answer, Row), str(answer)
    return answer


def code(answer: Row | Refusal) -> str:
    """Why there is no row."""
    assert isinstance(answer, Refusal), repr(answer)
    return answer.code


def found(table: AliasTable, endpoint: Endpoint = P1, *, local_domain: str = "", now: float = 0.0) -> list[object]:
    """The connections that lead to an endpoint."""
    return [each.connection for each in table.candidates(endpoint, local_domain=local_domain, now=now)]


def columns(table: AliasTable, *endpoints: Endpoint) -> list[tuple[str, int, str, set[str], object]]:
    """The table as RFC 5923 prints it."""
    rows = [each for endpoint in endpoints for each in table.candidates(endpoint, local_domain="", now=0.0)]
    return [(r.address, r.port, r.transport.upper(), set(r.domains), r.connection) for r in rows]


def judged_client(*chain: Made, valid: bool = True, policy: Policy = DEFAULT) -> Verdict:
    """What `Inbound` says of a client that presents this chain."""
    machine = Inbound(tuple([each.der for each in chain]), anchors=Anchors((ROOT.der,)), policy=policy, now=0.0, at=AT)
    validate = issued((*chain, ROOT)) if valid else issued()
    while machine.verdict is None:
        for action in machine.next_actions(now=0.0):
            assert isinstance(action, ValidatePath)
            path = validate(action)
            event = PathValidated(action, path) if isinstance(path, tuple) else PathRejected(action, "chain.unknown-ca")
            machine.receive(event, now=0.0)
    return machine.verdict


def delegating(security: Security = SECURE) -> World:
    """A world in which example.com and example.net have servers of their own, and trust one root."""
    world = World(security=security)
    for domain, host, address in (
        ("example.com", "p1.example.com", "192.0.2.1"),
        ("example.net", "p2.example.net", "192.0.2.128"),
    ):
        world.srv(f"_sips._tcp.{domain}", (10, 0, 5061, host))
        world.address(host, address)
    return world


class TestRfc5923Section5:
    """P1 and P2 are proxies; P1 opens a connection to P2, and P2 gets a request over it."""

    SERVER = made("P2", names=[uri("sip:example.net"), uri("sip:p2.example.net")])
    CLIENT = made("P1", names=[uri("sip:example.com"), uri("sip:p1.example.com")])
    REQUEST = "SIP/2.0/TLS p1.example.com;branch=z9hG4bKa7c8dze;alias;\r\n received=192.0.2.1"

    def at_p1(self) -> AliasTable:
        world = delegating(Security.INSECURE)
        world.server("192.0.2.128", (self.SERVER.der, CA.der))
        world.trust(ROOT.der, (self.SERVER.der, CA.der, ROOT.der))
        verdict = world.outbound("sip:bob@example.net")
        table = AliasTable()
        row(table.add(verdict, 25, Presentation((self.SERVER.der, CA.der)), local_domain="", now=0.0))
        return table

    def at_p2(self) -> AliasTable:
        table = AliasTable()
        answer = table.add(
            judged_client(self.CLIENT, CA),
            18,
            Presentation((self.CLIENT.der, CA.der)),
            local_domain="",
            now=0.0,
            source="192.0.2.1",
            via=Via.parse(self.REQUEST),
        )
        row(answer)
        return table

    @pytest.mark.req("R5923-5-1", "R5923-8.1-6", "R5923-9.1-1", "S-A-24")
    def test_the_table_of_p1_looks_like_the_one_of_the_rfc(self) -> None:
        identities = {"example.net", "p2.example.net"}
        assert columns(self.at_p1(), P1, P2) == [("192.0.2.128", 5061, "TLS", identities, 25)]

    @pytest.mark.req("R5923-5-1", "R5923-8.2-3", "R5923-8.2-4", "R5923-8.2-6", "S-A-24")
    def test_the_table_of_p2_looks_like_the_one_of_the_rfc(self) -> None:
        identities = {"example.com", "p1.example.com"}
        assert columns(self.at_p2(), P1, P2) == [("192.0.2.1", 5061, "TLS", identities, 18)]

    @pytest.mark.req("R5923-8.1-7")
    @pytest.mark.parametrize("address", ["192.0.2.128", "192.0.2.129"])
    @pytest.mark.parametrize("domain", ["example.net", "example.org"])
    def test_p1_uses_its_connection_again_only_where_address_and_identity_are_those_of_the_row(
        self, address: str, domain: str
    ) -> None:
        rows = self.at_p1().candidates(Endpoint("any", address, 5061, "tls"), local_domain="", now=0.0)
        usable = [each.connection for each in rows if each.identifies(domain)]
        assert usable == ([25] if (address, domain) == ("192.0.2.128", "example.net") else [])

    @pytest.mark.req("R5923-8.2-7")
    @pytest.mark.parametrize("address", ["192.0.2.1", "192.0.2.2"])
    @pytest.mark.parametrize("domain", ["P1.Example.COM.", "example.net"])
    def test_p2_uses_it_only_under_the_same_two_conditions(self, address: str, domain: str) -> None:
        rows = self.at_p2().candidates(Endpoint("any", address, 5061, "tls"), local_domain="", now=0.0)
        usable = [each.connection for each in rows if each.identifies(domain)]
        assert usable == ([18] if (address, domain) == ("192.0.2.1", "P1.Example.COM.") else [])


class TestRfc5923Section93:
    """P1 hosts example.com and example.net on the same IP address and port."""

    COM = made("P1 for example.com", number=4, names=[uri("sip:example.com")])
    NET = made("P1 for example.net", number=5, names=[uri("sip:example.net")])

    def judge(self, chain: tuple[bytes, ...], domain: str) -> Verdict:
        """Judge what stands in a row for a domain."""
        machine = Verification(chain, domain=domain, anchors=Anchors((ROOT.der,)), now=0.0, at=AT)
        World(paths=issued((self.COM, CA, ROOT), (self.NET, CA, ROOT))).run(machine)
        assert machine.verdict is not None
        return machine.verdict

    @pytest.mark.req("R5923-5-2", "R5923-9.3-2", "R5923-9.3-4", "T-A01")
    def test_the_walk_through_ends_with_the_two_rows_of_the_rfc(self) -> None:
        table = AliasTable()
        presentation = Presentation((self.COM.der, CA.der))
        row(
            table.add(
                judged_client(self.COM, CA), 18, presentation, local_domain="", now=0.0, source="192.0.2.1", via=ALIAS
            )
        )
        assert columns(table, P1) == [("192.0.2.1", 5061, "TLS", {"example.com"}, 18)]
        # A request for sips:example.net resolves to 192.0.2.1, 5061, TLS as well.
        (cached,) = table.candidates(P1, local_domain="", now=0.0)
        assert not cached.identifies("example.net")
        assert not self.judge(cached.presentation.chain, "example.net").accepted
        assert self.judge(cached.presentation.chain, "example.com").accepted
        # So P2 opens a new connection to the same address.
        world = delegating(Security.INSECURE)
        world.srv("_sips._tcp.example.net", (10, 0, 5061, "p1.example.com"))
        world.server("192.0.2.1", (self.NET.der, CA.der))
        world.trust(ROOT.der, (self.NET.der, CA.der, ROOT.der))
        verdict = world.outbound("sips:bob@example.net")
        row(table.add(verdict, 54, Presentation((self.NET.der, CA.der)), local_domain="", now=0.0))
        assert columns(table, P1) == [
            ("192.0.2.1", 5061, "TLS", {"example.com"}, 18),
            ("192.0.2.1", 5061, "TLS", {"example.net"}, 54),
        ]

    @pytest.mark.req("R5923-9.3-3")
    def test_a_connection_of_one_local_domain_is_never_found_for_another(self) -> None:
        table = AliasTable()
        row(opened(table, 1, local_domain="example.com"))
        row(accepted(table, 2, local_domain="example.org"))
        for local_domain, ours, theirs in (("example.com", [1], []), ("EXAMPLE.org.", [], [2]), ("", [], [])):
            assert found(table, P2, local_domain=local_domain) == ours
            assert found(table, P1, local_domain=local_domain) == theirs

    @pytest.mark.req("R5923-9.3-3")
    def test_neither_does_a_connection_ever_change_its_local_domain(self) -> None:
        table = AliasTable(rows_per_identity=1)
        row(opened(table, 1, local_domain="example.com"))
        assert code(opened(table, 1, local_domain="example.org")) == "reuse.other-local-domain"
        row(opened(table, 2, local_domain="example.com"))
        assert table.of(1) == ()  # it has given way to 2, and is still the connection of example.com
        assert code(opened(table, 1, local_domain="example.org")) == "reuse.other-local-domain"
        table.close(1)
        assert row(opened(table, 1, local_domain="example.org")).local_domain == "example.org"


class TestConnectionsThatWeOpened:
    @pytest.mark.req("R5923-8.1-5", "R5923-9-1", "R5923-9.1-1")
    @pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.ACCEPTED])
    def test_only_an_accepted_server_gets_a_row(self, outcome: Outcome) -> None:
        table = AliasTable()
        verdict = judged(NET, "client", domain="example.net", endpoint=P2, outcome=outcome)
        answer = table.add(verdict, 1, NET.presentation, local_domain="", now=0.0)
        assert code(answer) == "reuse.not-authenticated"
        assert len(table) == 0

    @pytest.mark.req("R5923-8.1-12")
    def test_address_port_and_transport_are_those_of_the_location_of_servers(self) -> None:
        leaf = made(names=[uri("sip:example.net"), dns("elsewhere.example")])
        world = delegating(Security.INSECURE)
        world.say("_sips._tcp.example.net", "SRV", Srv("_sips._tcp.example.net", 10, 0, 5071, "p2.example.net"))
        world.server("192.0.2.128", (leaf.der, CA.der))
        world.trust(ROOT.der, (leaf.der, CA.der, ROOT.der))
        verdict = world.outbound("sip:bob@example.net")
        made_row = row(
            AliasTable().add(
                verdict,
                1,
                Presentation((leaf.der, CA.der)),
                local_domain="",
                now=0.0,
                source="198.51.100.1",
                via=Via.parse("SIP/2.0/TLS-SCTP elsewhere.example:5099;branch=z9hG4bK1;alias"),
            )
        )
        assert (made_row.address, made_row.port, made_row.transport) == ("192.0.2.128", 5071, "tls")
        assert made_row.role == "client"

    @pytest.mark.req("R5923-3-2", "R3261-18.1.1-3", "A-14")
    def test_forward_again_needs_no_alias_but_the_identity_all_the_same(self) -> None:
        table = AliasTable()
        row(opened(table, 1))
        (again,) = table.candidates(P2, local_domain="", now=1.0)
        assert again.connection == 1
        assert again.identifies("example.net")
        assert not again.identifies("example.org")

    @pytest.mark.req("R5923-8.1-10")
    def test_a_live_connection_is_preferred_and_kept_as_long_as_it_is_open(self) -> None:
        table = AliasTable()
        row(opened(table, "old", expires=10.0))
        row(opened(table, "new", expires=20.0))
        assert found(table, P2) == ["old", "new"]
        assert found(table, P2, now=15.0) == ["new", "old"]
        assert found(table, P2, now=1e9) == ["old", "new"]

    @pytest.mark.req("A-16", "R7671-6-1", "R5923-8.1-6")
    @pytest.mark.parametrize("method", [*KINDS, *DANE])
    def test_names_in_the_certificate_are_candidates_only_if_an_anchor_of_ours_vouches_for_them(
        self, method: Method
    ) -> None:
        peer = Peer("host", ("example.net", "bank.example"), method)
        made_row = row(opened(AliasTable(), 1, peer=peer, expires=30.0))
        assert dict(made_row.proven) == {"example.net": 30.0}
        assert [each.domain for each in made_row.identities] == ([*peer.domains] if method in KINDS else [])
        assert made_row.identifies("bank.example") is (method in KINDS)

    @pytest.mark.req("A-16")
    @pytest.mark.parametrize("domain", ["example.net", "EXAMPLE.net"])
    def test_a_certificate_that_names_only_the_host_proves_the_domain_that_was_asked_for(self, domain: str) -> None:
        peer = Peer("host", ("p2.example.net",), "dane-ta", ("dns",))
        made_row = row(opened(AliasTable(), 1, domain, peer=peer))
        assert made_row.domains == ("example.net",)

    def test_none_is_no_connection(self) -> None:
        with pytest.raises(LocalProtocolError):
            opened(AliasTable(), None)

    def test_a_verdict_that_names_no_endpoint_makes_no_row(self) -> None:
        verdict = judged(NET, "client", domain="example.net")
        answer = AliasTable().add(verdict, 1, NET.presentation, local_domain="", now=0.0)
        assert code(answer) == "reuse.no-address"

    @pytest.mark.req("T-A04")
    @pytest.mark.parametrize("transport", ["tcp", "udp", "sctp", "ws"])
    def test_no_transport_without_tls_has_a_row(self, transport: str) -> None:
        table = AliasTable()
        answer = opened(table, 1, endpoint=Endpoint("host", "192.0.2.1", 5060, transport))
        assert code(answer) == "reuse.not-tls"
        assert found(table, Endpoint("host", "192.0.2.1", 5060, transport)) == []

    @pytest.mark.req("T-A04", "R5923-8.2-11")
    def test_the_transport_is_part_of_the_key(self) -> None:
        table = AliasTable()
        for transport in ("tls", "tls-sctp", "wss"):
            row(opened(table, transport, endpoint=Endpoint("host", "192.0.2.1", 5061, transport)))
        for transport in ("tls", "tls-sctp", "wss"):
            assert found(table, Endpoint("host", "192.0.2.1", 5061, transport)) == [transport]
        for transport in ("tcp", "sctp", "ws", "udp", "TLS", ""):
            assert found(table, Endpoint("host", "192.0.2.1", 5061, transport)) == []

    def test_the_answers_of_a_driver_serve_as_well_as_a_presentation(self) -> None:
        chain = NET.presentation.chain
        event = Presented(Connect(1, P2, None), chain, TlsFacts())
        verdict = judged(NET, "client", domain="example.net", endpoint=P2)
        made_row = row(AliasTable().add(verdict, event.action, event, local_domain="", now=0.0))
        assert made_row.presentation.chain is chain
        assert made_row.connection is event.action

    def test_a_peer_with_a_raw_public_key_has_a_row_too(self) -> None:
        table, key = AliasTable(), Presentation((), b"a public key")
        verdict = Verdict(
            Outcome.ACCEPTED, "dane-ee", "dane.match", "example.net", None, P2, "client", RawKey(b"a public key"), None,
            (Identity("example.net", "dane"),), math.inf, (), 0.0, 0.0,
        )  # fmt: skip
        assert row(table.add(verdict, 1, key, local_domain="", now=0.0)).presentation.public_key == b"a public key"
        for connection in (1, 2):
            for presented in (Presentation((), b"another one"), Presentation(()), NET.presentation):
                answer = table.add(verdict, connection, presented, local_domain="", now=0.0)
                assert code(answer) == "reuse.other-certificate"

    @pytest.mark.req("T-A01", "R5923-9.3-4")
    def test_a_verdict_on_one_raw_public_key_grants_nothing_to_the_peer_with_another(self) -> None:
        table = AliasTable()
        one, two = (
            Peer("one", ("example.net",), "dane-ee", raw=True),
            Peer("two", ("example.net",), "dane-ee", raw=True),
        )
        row(opened(table, 1, peer=one))
        assert row(table.grant(1, proven("a.example", 1, peer=one), now=0.0)).identifies("a.example")
        table.close(1)
        row(opened(table, 1, peer=two))  # the handle names another connection now
        answer = table.grant(1, proven("a.example", 1, peer=one), now=0.0)
        assert isinstance(answer, Refusal)
        assert answer.code == "reuse.other-certificate"
        for peer, text in ((two, answer.step.expected), (one, answer.step.found)):
            assert text == f"raw public key, SHA-256 {hashlib.sha256(peer.der).hexdigest()}"

    def test_a_certificate_is_never_a_raw_public_key_of_the_same_octets(self) -> None:
        table = AliasTable()
        certificate, key = (
            Peer("same", ("example.net",), "dane-ee"),
            Peer("same", ("example.net",), "dane-ee", raw=True),
        )
        for verdict_on, presented in ((certificate, key), (key, certificate)):
            verdict = judged(verdict_on, "client", domain="example.net", endpoint=P2)
            answer = table.add(verdict, 1, presented.presentation, local_domain="", now=0.0)
            assert code(answer) == "reuse.other-certificate"

    @pytest.mark.req("R5923-8.1-12")
    @pytest.mark.parametrize(
        "elsewhere",
        [
            Endpoint("p2.example.net", "192.0.2.129", 5061, "tls"),
            Endpoint("p2.example.net", "192.0.2.128", 5062, "tls"),
            Endpoint("p2.example.net", "192.0.2.128", 5061, "wss"),
        ],
    )
    @pytest.mark.parametrize("domain", ["example.net", "other.example"])
    def test_a_connection_that_we_opened_leads_to_one_place(self, elsewhere: Endpoint, domain: str) -> None:
        table = AliasTable()
        before = row(opened(table, 1))
        assert code(opened(table, 1, domain, endpoint=elsewhere)) == "reuse.one-place"
        assert table.of(1) == (before,)
        assert found(table, elsewhere) == []
        row(opened(table, 1, endpoint=Endpoint("another name", "::ffff:192.0.2.128", 5061, "tls")))

    @pytest.mark.req("R5923-8.1-12")
    def test_neither_the_place_nor_the_domain_is_forgotten_when_the_row_has_given_way(self) -> None:
        table = AliasTable(rows_per_identity=1)
        row(opened(table, 1))
        row(opened(table, 2))
        assert table.of(1) == ()
        assert code(opened(table, 1, endpoint=P1)) == "reuse.one-place"
        assert code(opened(table, 1, "other.example")) == "reuse.not-reused"
        assert row(opened(table, 1)).domains == ("example.net",)


class TestConnectionsThatClientsOpened:
    @pytest.mark.req("R5922-7.4-5", "R5923-8.2-1")
    @pytest.mark.parametrize(
        "via",
        [None, "SIP/2.0/TLS p1.example.com;branch=z9hG4bK1", "SIP/2.0/TLS p1.example.com;branch=z9hG4bK1;alias=x"],
    )
    def test_an_authenticated_client_that_offers_nothing_is_sent_nothing(self, via: str | None) -> None:
        table = AliasTable()
        assert code(accepted(table, 1, via=via)) == "reuse.no-alias"
        assert found(table) == []

    @pytest.mark.req("R5923-8.2-1")
    def test_what_further_vias_say_does_not_count(self) -> None:
        table = AliasTable()
        header = "SIP/2.0/TLS p1.example.com;branch=z9hG4bK2, SIP/2.0/TLS alice.example.com;branch=z9hG4bK1;alias"
        assert code(accepted(table, 1, via=header)) == "reuse.no-alias"
        assert len(table) == 0

    @pytest.mark.req("R5923-8.2-1", "R5923-9.3-1", "T-A04")
    @pytest.mark.parametrize("transport", ["TCP", "SCTP", "UDP", "WS", "WSS", "X-TLS"])
    def test_only_a_request_over_tls_makes_an_alias(self, transport: str) -> None:
        table = AliasTable()
        via = f"SIP/2.0/{transport} p1.example.com;branch=z9hG4bK1;alias"
        assert code(accepted(table, 1, via=via)) == "reuse.not-tls"
        assert len(table) == 0

    @pytest.mark.req("R5923-8.2-11")
    def test_tls_over_sctp_is_another_row_than_tls_over_tcp(self) -> None:
        table = AliasTable()
        row(accepted(table, 1, via="SIP/2.0/TLS-SCTP p1.example.com;branch=z9hG4bK1;alias"))
        assert found(table, Endpoint("p1.example.com", "192.0.2.1", 5061, "tls-sctp")) == [1]
        assert found(table, P1) == []

    @pytest.mark.req("R5923-8.2-3", "T-A02")
    @pytest.mark.parametrize(("written", "port"), [("", 5061), (":5061", 5061), (":5062", 5062), (":65535", 65535)])
    def test_the_port_is_that_of_sent_by_or_5061(self, written: str, port: int) -> None:
        table = AliasTable()
        made_row = row(accepted(table, 1, via=f"SIP/2.0/TLS p1.example.com{written};branch=z9hG4bK1;alias"))
        assert made_row.port == port
        assert found(table, Endpoint("p1.example.com", "192.0.2.1", port, "tls")) == [1]

    @pytest.mark.req("T-A02")
    @pytest.mark.parametrize("port", [0, 65536, -1])
    def test_a_port_that_is_none_makes_no_row(self, port: int) -> None:
        text = f"SIP/2.0/TLS p1.example.com:{port};branch=z9hG4bK1;alias"
        with pytest.raises(InvalidVia):
            Via.parse(text)
        table = AliasTable()
        by_hand = Via("tls", "p1.example.com", port, (("branch", "z9hG4bK1"), ("alias", None)), text)
        assert code(accepted(table, 1, via=by_hand)) == "reuse.port"
        assert len(table) == 0

    @pytest.mark.req("R5923-8.2-4", "T-A02")
    @pytest.mark.parametrize(
        "via",
        [
            "SIP/2.0/TLS 203.0.113.9;branch=z9hG4bK1;alias",
            "SIP/2.0/TLS bank.example;branch=z9hG4bK1;alias;received=203.0.113.9",
            "SIP/2.0/TLS [2001:db8::9];branch=z9hG4bK1;alias;maddr=203.0.113.9;rport=5061",
        ],
    )
    def test_the_address_is_where_the_request_came_from_whatever_the_client_writes(self, via: str) -> None:
        table = AliasTable()
        assert row(accepted(table, 1, via=via)).address == "192.0.2.1"
        assert found(table, P1) == [1]
        for address in ("203.0.113.9", "2001:db8::9"):
            assert found(table, Endpoint("bank.example", address, 5061, "tls")) == []

    @pytest.mark.req("T-A02")
    @pytest.mark.parametrize(
        ("source", "address"),
        [
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::FFFF:c000:201", "192.0.2.1"),
            ("2001:DB8::1", "2001:db8::1"),
            ("2001:db8:0:0::1", "2001:db8::1"),
        ],
    )
    def test_one_address_is_one_address_however_the_socket_tells_it(self, source: str, address: str) -> None:
        table = AliasTable()
        row(accepted(table, 1, source=source))
        assert found(table, Endpoint("any", address, 5061, "tls")) == [1]
        assert found(table, Endpoint("any", source, 5061, "tls")) == [1]

    @pytest.mark.parametrize("source", [None, "", "fe80::1%eth0", "p1.example.com", "192.0.2.1:5061", "192.0.2.01"])
    def test_what_is_no_address_makes_no_row(self, source: str | None) -> None:
        table = AliasTable()
        assert code(accepted(table, 1, source=source)) == "reuse.no-address"
        assert found(table, Endpoint("any", source or "", 5061, "tls")) == []

    @pytest.mark.req("R5923-8.2-5", "R5923-9.2-2", "R5923-9-1", "T-A02")
    def test_a_client_without_a_certificate_gets_no_row(self) -> None:
        table = AliasTable()
        verdict = judged_client()
        assert verdict.code == "tls.no-certificate"
        answer = table.add(verdict, 1, Presentation(()), local_domain="", now=0.0, source="192.0.2.1", via=ALIAS)
        assert code(answer) == "reuse.not-authenticated"
        assert len(table) == 0

    @pytest.mark.req("R5923-8.2-5", "R5923-9.2-3", "R5923-9-1")
    def test_a_client_whose_certificate_fails_gets_no_row(self) -> None:
        table = AliasTable()
        leaf = made(names=[uri("sip:example.com")])
        verdict = judged_client(leaf, CA, valid=False)
        presentation = Presentation((leaf.der, CA.der))
        answer = table.add(verdict, 1, presentation, local_domain="", now=0.0, source="192.0.2.1", via=ALIAS)
        assert code(answer) == "reuse.not-authenticated"
        assert len(table) == 0

    @pytest.mark.req("A-13", "R5923-8.2-6")
    def test_a_common_name_makes_no_alias_even_where_it_authenticates(self) -> None:
        table = AliasTable()
        leaf = made("client.example.com")
        verdict = judged_client(leaf, CA, policy=Policy(allow_cn=True))
        assert [each.origin for each in verdict.identities] == ["cn"]
        presentation = Presentation((leaf.der, CA.der))
        answer = table.add(verdict, 1, presentation, local_domain="", now=0.0, source="192.0.2.1", via=ALIAS)
        assert code(answer) == "reuse.no-identities"
        assert len(table) == 0

    @pytest.mark.req("A-16")
    def test_what_the_dns_proves_of_a_client_is_proven_and_what_its_certificate_names_is_not(self) -> None:
        client = Peer("P1", ("example.com",), "pkix-ta", ("dns", "server-records"))
        made_row = row(accepted(AliasTable(), 1, client, expires=30.0))
        assert dict(made_row.proven) == {"example.com": 30.0}
        by_name = row(accepted(AliasTable(), 1, COM))
        assert dict(by_name.proven) == {}
        assert by_name.identifies("example.com")
        names_alone = Peer("P1", ("example.com",), "dane-ta", ("dns",))
        assert code(accepted(AliasTable(), 1, names_alone)) == "reuse.no-identities"

    @pytest.mark.req("R5923-8.2-2", "R5923-8.2-10")
    def test_a_refusal_is_a_value_and_leaves_everything_as_it_was(self) -> None:
        table = AliasTable()
        row(accepted(table, 1))
        before = columns(table, P1, P2)
        via = copy.copy(ALIAS)
        answers = [
            accepted(table, 2, via=None),
            accepted(table, 2, source=None),
            accepted(table, 2, expires=-1.0),
            accepted(table, 1, NET),
        ]
        assert [bool(each) for each in answers] == [False] * 4
        assert columns(table, P1, P2) == before
        assert via == ALIAS  # the response takes the same way

    @pytest.mark.req("T-A02", "R5923-9.3-4")
    def test_a_second_client_at_the_same_address_changes_nothing_of_the_first(self) -> None:
        table = AliasTable()
        victim = row(accepted(table, 1, COM, expires=30.0))
        row(accepted(table, 2, NET, expires=60.0))
        first, second = table.candidates(P1, local_domain="", now=0.0)
        assert first is victim
        assert (first.connection, first.domains) == (1, ("example.com",))
        assert (second.connection, second.domains) == (2, ("example.net",))
        table.close(2)
        assert table.candidates(P1, local_domain="", now=0.0) == (victim,)

    @pytest.mark.req("T-A02")
    def test_no_other_certificate_takes_over_a_connection(self) -> None:
        table = AliasTable()
        row(accepted(table, 1, COM))
        assert code(accepted(table, 1, NET)) == "reuse.other-certificate"
        assert code(opened(table, 1, peer=COM)) == "reuse.other-certificate"  # nor another role
        verdict = judged(COM, "server")
        answer = table.add(verdict, 2, NET.presentation, local_domain="", now=0.0, source="192.0.2.1", via=ALIAS)
        assert code(answer) == "reuse.other-certificate"
        assert columns(table, P1) == [("192.0.2.1", 5061, "TLS", {"example.com"}, 1)]


class TestTime:
    @pytest.mark.req("T-A02", "A-16")
    def test_at_expiry_a_row_is_stale_and_still_found_so_that_it_can_be_judged_again(self) -> None:
        table = AliasTable()
        row(opened(table, 1, expires=30.0))
        states: list[tuple[str, set[str]]] = []
        for now in (0.0, 29.9, 30.0, 1e9):
            (each,) = table.candidates(P2, local_domain="", now=now)
            states.append((each.state, set(each.proven)))
        assert states == [("live", {"example.net"})] * 2 + [("stale", set())] * 2
        assert [each.state for each in table.expire(30.0)] == ["stale"]
        assert table.expire(31.0) == ()
        assert found(table, P2, now=31.0) == [1]

    @pytest.mark.req("A-16")
    def test_to_be_stale_takes_nothing_from_the_transactions_that_run(self) -> None:
        table = AliasTable()
        row(opened(table, 1, expires=30.0))
        table.expire(31.0)
        assert [each.connection for each in table.of(1)] == [1]  # nobody was told to close anything
        assert len(table) == 1

    def test_a_stale_row_lives_again_after_a_new_verdict(self) -> None:
        table = AliasTable()
        row(opened(table, 1, expires=30.0))
        again = row(table.grant(1, proven("example.net", 1, expires=90.0), now=40.0))
        assert (again.state, dict(again.proven), again.expires) == ("live", {"example.net": 90.0}, 90.0)
        assert [each.state for each in table.expire(90.0)] == ["stale"]

    def test_a_client_refreshes_its_row_with_each_request_as_long_as_its_verdict_holds(self) -> None:
        table = AliasTable()
        row(accepted(table, 1, expires=30.0))
        assert row(accepted(table, 1, expires=60.0, now=10.0)).expires == 60.0
        assert code(accepted(table, 1, expires=30.0, now=31.0)) == "reuse.expired"
        assert [each.expires for each in table.candidates(P1, local_domain="", now=31.0)] == [60.0]
        assert len(table) == 1

    def test_what_holds_for_ever_never_becomes_stale(self) -> None:
        table = AliasTable()
        row(opened(table, 1))
        assert table.expire(1e12) == ()
        assert [each.state for each in table.candidates(P2, local_domain="", now=1e12)] == ["live"]


class TestGrants:
    """A connection proven for one domain gains another one that shares its host."""

    @pytest.mark.req("A-16", "S-A-25", "S-A-26")
    def test_a_domain_that_was_judged_by_its_own_rules_is_added_for_as_long_as_that_holds(self) -> None:
        table = AliasTable()
        row(opened(table, 1, expires=100.0))
        granted = row(table.grant(1, proven("Other.example", 1, expires=60.0), now=0.0))
        assert dict(granted.proven) == {"example.net": 100.0, "other.example": 60.0}
        (later,) = table.candidates(P2, local_domain="", now=60.0)
        assert (later.state, dict(later.proven)) == ("live", {"example.net": 100.0})
        assert not later.identifies("other.example")
        assert table.expire(60.0) == ()
        assert [dict(each.proven) for each in table.of(1)] == [{"example.net": 100.0}]

    @pytest.mark.req("A-16", "T-A05")
    @pytest.mark.parametrize(
        ("verdict", "refused"),
        [
            (proven("other.example", 1, outcome=Outcome.REJECTED), "reuse.not-authenticated"),
            (proven("other.example", 1, outcome=Outcome.UNDETERMINED), "reuse.not-authenticated"),
            (proven("other.example", 1, reused=None), "reuse.not-reused"),
            (proven("other.example", 2), "reuse.not-reused"),
            (proven("other.example", 1, peer=COM), "reuse.other-certificate"),
            (proven("other.example", 1, endpoint=P1), "reuse.no-row"),
            (proven("other.example", 1, endpoint=Endpoint("p2", "192.0.2.128", 5062, "tls")), "reuse.no-row"),
            (proven("other.example", 1, endpoint=Endpoint("p2", "192.0.2.128", 5061, "wss")), "reuse.no-row"),
            (proven("other.example", 1, endpoint=Endpoint("p2", "p2.example.net", 5061, "tls")), "reuse.no-row"),
            (proven("other.example", 1, expires=10.0), "reuse.expired"),
            (
                proven("other.example", 1, method="pkix", identities=[Identity("other.example", "delegation")]),
                "reuse.no-tlsa",
            ),
            (
                proven("other.example", 1, method="pkix", identities=[Identity("example.net", "uri")]),
                "reuse.no-tlsa",
            ),
        ],
    )  # fmt: skip
    def test_nothing_less_adds_a_domain(self, verdict: Verdict, refused: str) -> None:
        table = AliasTable()
        before = row(opened(table, 1, expires=100.0))
        assert code(table.grant(1, verdict, now=10.0)) == refused
        assert table.of(1) == (before,)

    @pytest.mark.req("A-16")
    def test_a_domain_that_the_certificate_names_needs_no_tlsa(self) -> None:
        table = AliasTable()
        row(opened(table, 1))
        verdict = proven("other.example", 1, method="pkix", identities=[Identity("other.example", "uri")])
        assert row(table.grant(1, verdict, now=0.0)).identifies("other.example")

    def test_a_verdict_on_a_client_grants_nothing(self) -> None:
        table = AliasTable()
        row(accepted(table, 1))
        verdict = judged(COM, "server", reused=1)
        assert code(table.grant(1, verdict, now=0.0)) == "reuse.not-reused"

    def test_a_verdict_on_a_stored_chain_makes_no_row_of_its_own(self) -> None:
        table = AliasTable()
        answer = table.add(proven("example.net", 1), 2, NET.presentation, local_domain="", now=0.0)
        assert code(answer) == "reuse.not-new"

    def test_neither_does_a_copy_of_such_a_verdict_and_it_grants_nothing(self) -> None:
        table = AliasTable()
        before = row(opened(table, 1))
        for again in (copy.copy(proven("example.net", 1)), pickle.loads(pickle.dumps(proven("example.net", 1)))):  # noqa: S301
            answer = table.add(again, 2, NET.presentation, local_domain="", now=0.0)
            assert code(answer) == "reuse.not-new"
            assert code(table.grant(1, again, now=0.0)) == "reuse.not-reused"
        assert table.of(1) == (before,)

    def test_one_of_our_own_connections_gains_a_domain_by_a_grant_only(self) -> None:
        table = AliasTable()
        row(opened(table, 1, "example.net"))
        assert code(opened(table, 1, "other.example")) == "reuse.not-reused"
        assert row(opened(table, 1, "example.net", expires=50.0)).domains == ("example.net",)

    @pytest.mark.req("T-A03")
    def test_a_row_has_room_for_256_domains_and_none_gives_way(self) -> None:
        table = AliasTable()
        row(opened(table, 1))
        for number in range(255):
            row(table.grant(1, proven(f"d{number}.example", 1), now=0.0))
        assert code(table.grant(1, proven("one.more.example", 1), now=0.0)) == "reuse.domains-full"
        assert row(table.grant(1, proven("d7.example", 1, expires=90.0), now=0.0)).proven["d7.example"] == 90.0
        assert row(table.grant(1, proven("one.more.example", 1, expires=99.0), now=60.0)).domains == (
            "example.net", "d7.example", "one.more.example",
        )  # fmt: skip


class TestClosing:
    @pytest.mark.req("R5923-8.1-8", "R5923-8.2-8")
    @pytest.mark.parametrize("add", [opened, accepted])
    def test_a_connection_that_is_gone_has_no_row_and_a_new_one_gets_its_own(
        self, add: Callable[[AliasTable, object], Row | Refusal]
    ) -> None:
        table = AliasTable()
        endpoint = P2 if add is opened else P1
        old = row(add(table, 1))
        assert table.close(1) == (old,)
        assert found(table, endpoint) == []
        assert (len(table), table.close(1), table.of(1)) == (0, (), ())
        row(add(table, 2))
        assert found(table, endpoint) == [2]

    @pytest.mark.req("R5923-8.3-3")
    def test_a_connection_that_is_closing_is_never_found_and_gains_nothing(self) -> None:
        table = AliasTable()
        row(opened(table, 1, expires=10.0))
        row(opened(table, 2, expires=10.0))
        (closing,) = table.closing(1)
        assert closing.state == "closing"
        assert found(table, P2) == [2]
        assert code(opened(table, 1)) == "reuse.closing"
        assert code(table.grant(1, proven("example.net", 1), now=0.0)) == "reuse.closing"
        assert [each.connection for each in table.expire(20.0)] == [2]
        assert [each.at(20.0).state for each in table.closing(1)] == ["closing"]
        assert [each.state for each in table.close(1)] == ["closing"]
        assert len(table) == 1

    @pytest.mark.req("R5923-8.3-3")
    def test_a_connection_without_a_row_gets_none_after_a_closure_alert(self) -> None:
        table = AliasTable()
        assert table.closing(1) == ()
        assert code(accepted(table, 1)) == "reuse.closing"
        assert table.close(1) == ()
        row(accepted(table, 1))  # the handle names another connection now

    @pytest.mark.req("R5923-8.1-1", "R5923-8.2-9", "R5923-8.3-4")
    def test_the_table_closes_nothing_and_takes_note_of_a_closure_by_either_side(self) -> None:
        table = AliasTable()
        row(opened(table, "ours"))
        row(accepted(table, "theirs"))
        table.expire(1e9)
        assert len(table) == 2
        for connection in ("ours", "theirs"):
            assert [each.state for each in table.closing(connection)] == ["closing"]
            table.close(connection)
        assert len(table) == 0


class TestRoom:
    """Whoever fills the table fills it for himself."""

    @pytest.mark.req("T-A03")
    def test_a_flood_by_one_identity_pushes_out_nobody_else(self) -> None:
        table = AliasTable(rows=10, rows_per_identity=4)
        row(accepted(table, "victim", COM, source="198.51.100.1"))
        for number in range(100):
            row(accepted(table, number, NET, source=f"203.0.113.{number}"))
        assert len(table) == 5
        assert found(table, Endpoint("p1", "198.51.100.1", 5061, "tls")) == ["victim"]
        left = [n for n in range(100) if found(table, Endpoint("p", f"203.0.113.{n}", 5061, "tls"))]
        assert left == [96, 97, 98, 99]

    @pytest.mark.req("T-A03")
    def test_a_flood_under_many_identities_finds_the_table_full_and_pushes_out_nobody_either(self) -> None:
        table = AliasTable(rows=5)
        row(accepted(table, "victim", COM))
        answers = [accepted(table, n, Peer(f"p{n}", (f"d{n}.example",)), source="203.0.113.1") for n in range(100)]
        assert [code(each) for each in answers[4:]] == ["reuse.table-full"] * 96
        assert found(table) == ["victim"]
        row(accepted(table, "victim's other", COM, source="198.51.100.2"))  # in the place of the victim's own row
        assert found(table) == []
        assert len(table) == 5

    @pytest.mark.req("T-A03")
    def test_clients_take_no_room_from_our_own_connections(self) -> None:
        table = AliasTable(rows=3)
        for number in range(10):
            accepted(table, number, Peer(f"p{number}", (f"d{number}.example",)))
        row(opened(table, "ours"))
        assert (len(table), found(table, P2)) == (4, ["ours"])

    @pytest.mark.req("T-A03")
    def test_a_connection_has_only_so_many_rows(self) -> None:
        table = AliasTable(rows_per_connection=2)
        answers = [
            accepted(table, 1, via=f"SIP/2.0/TLS p1.example.com:{port};branch=z9hG4bK1;alias") for port in range(1, 6)
        ]
        assert [isinstance(each, Row) for each in answers] == [True, True, False, False, False]
        assert {code(each) for each in answers[2:]} == {"reuse.connection-full"}
        row(accepted(table, 1, via="SIP/2.0/TLS p1.example.com:1;branch=z9hG4bK9;alias"))  # it has this one
        assert len(table.of(1)) == 2

    @pytest.mark.req("T-A03")
    def test_the_row_that_gives_way_is_the_one_that_was_not_added_for_longest(self) -> None:
        table = AliasTable(rows_per_identity=2)
        row(accepted(table, 1, source="192.0.2.1"))
        row(accepted(table, 2, source="192.0.2.2"))
        row(accepted(table, 1, source="192.0.2.1"))
        row(accepted(table, 3, source="192.0.2.3"))
        assert [bool(table.of(connection)) for connection in (1, 2, 3)] == [True, False, True]

    @pytest.mark.req("T-A03")
    def test_to_share_a_domain_with_somebody_is_not_to_be_him(self) -> None:
        table = AliasTable(rows_per_identity=1)
        both = Peer("a certificate with the victim's domain and another one", ("example.com", "evil.example"))
        row(accepted(table, "victim", COM))
        for number in range(5):
            row(accepted(table, number, both))
        assert found(table) == ["victim", 4]

    @pytest.mark.req("T-A03")
    def test_local_domains_do_not_take_room_from_each_other_by_one_identity(self) -> None:
        table = AliasTable(rows_per_identity=1)
        row(accepted(table, 1, local_domain="a.example"))
        row(accepted(table, 2, local_domain="b.example"))
        assert found(table, local_domain="a.example") == [1]

    @pytest.mark.req("T-A03")
    def test_a_row_keeps_no_more_than_64_kilobytes_of_certificates_and_256_names(self) -> None:
        names = tuple([f"d{number}.example" for number in range(20_000)])
        assert len(row(accepted(AliasTable(), 1, Peer("many names", names))).identities) == 256
        dns_names = Peer("many", names, "dane-ee", ("server-records",))
        assert len(row(accepted(AliasTable(), 1, dns_names)).proven) == 256
        verdict = judged(COM, "server")
        for octets, fits in ((65_536, True), (65_537, False)):
            chain = (COM.der, bytes(octets - len(COM.der)))
            answer = AliasTable().add(
                verdict, 1, Presentation(chain), local_domain="", now=0.0, source="192.0.2.1", via=ALIAS
            )
            assert (answer.code if isinstance(answer, Refusal) else "") == ("" if fits else "reuse.too-large")

    @pytest.mark.req("T-A03")
    def test_a_row_that_is_added_again_and_again_for_other_domains_keeps_256_of_those_that_hold_longest(self) -> None:
        table = AliasTable()
        for batch, expires in ((0, 900.0), (1, 100.0), (2, 500.0)):
            domains = tuple([f"d{batch}-{number}.example" for number in range(120)])
            client = Peer("P1", domains, "dane-ee", ("server-records",))
            kept = row(accepted(table, 1, client, expires=expires))
        assert len(kept.proven) == 256
        held = Counter([domain.partition("-")[0] for domain in kept.proven])
        assert held == {"d0": 120, "d1": 16, "d2": 120}
        assert kept.expires == 900.0
        full = Peer("P1", tuple([f"n{number}.example" for number in range(256)]), "dane-ee", ("server-records",))
        assert set(row(accepted(table, 1, full, expires=50.0)).proven) == set(full.domains)
        assert [each.expires for each in table.of(1)] == [50.0]

    @pytest.mark.parametrize("option", ["rows", "rows_per_connection", "rows_per_identity"])
    @pytest.mark.parametrize("value", [0, -1])
    def test_a_table_has_room_for_something(self, option: str, value: int) -> None:
        with pytest.raises(InvalidPolicy, match=option):
            AliasTable(**{option: value})

    def test_rows_may_be_asked_for_while_another_thread_changes_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        table = AliasTable()
        for number in range(3):
            row(accepted(table, number))
        look = Row.at

        def changes_meanwhile(each: Row, now: float) -> Row:
            table.close(2)
            if not table.of("another"):
                accepted(table, "another")
            return look(each, now)

        monkeypatch.setattr(Row, "at", changes_meanwhile)
        assert found(table) == [0, 1, 2]
        assert found(table) == [0, 1, "another"]

    def test_closing_everything_leaves_nothing_behind(self) -> None:
        table = AliasTable()
        for number in range(1_000):
            row(accepted(table, number, source=f"192.0.2.{number % 250}", expires=float(number + 1)))
        for number in range(1_000):
            table.close(number)
        assert len(table) == 0
        for number in range(250):
            assert found(table, Endpoint("p1", f"192.0.2.{number}", 5061, "tls")) == []
        assert table.expire(1e9) == ()


class TestLoadBalancing:
    """S1, S2 and S3 have the same priority; the order is drawn first, and the table is asked for whose turn it is."""

    LEAF = made(names=[uri("sip:example.com")])

    def reached(self, drawn: int, table: AliasTable | None) -> Verdict:
        """Reach the domain, with one outcome of the draw."""
        world = World(security=Security.INSECURE)
        world.srv("_sips._tcp.example.com", *[(10, 1, 5061, f"s{number}.example.com") for number in (1, 2, 3)])
        for number in (1, 2, 3):
            world.address(f"s{number}.example.com", f"192.0.2.{number}")
            world.server(f"192.0.2.{number}", (self.LEAF.der, CA.der))
        world.trust(ROOT.der, (self.LEAF.der, CA.der, ROOT.der))
        machine = Outbound(
            "sips:example.com",
            now=0.0,
            at=AT,
            randbelow=lambda n: min(drawn, n - 1),
            anchors=world.anchors,
            aliases=table,
        )
        world.run(machine)
        assert machine.verdict is not None
        return machine.verdict

    @pytest.mark.req("R5923-10-1", "R5923-8.1-10")
    def test_a_table_with_a_connection_to_each_leaves_the_load_where_it_was(self) -> None:
        table, rounds = AliasTable(), list[list[str]]()
        for _ in range(3):
            chosen: list[str] = []
            for drawn in range(4):  # all that there are: the sum of the weights is 3
                cold, warm = self.reached(drawn, None), self.reached(drawn, table)
                assert cold.endpoint is not None
                assert warm.endpoint == cold.endpoint
                chosen.append(cold.endpoint.host)
                if warm.reused is None:
                    row(
                        table.add(
                            warm, warm.connection, Presentation((self.LEAF.der, CA.der)), local_domain="", now=0.0
                        )
                    )
            rounds.append(chosen)
        assert rounds[0] == rounds[1] == rounds[2]
        assert len(table) == len(set(rounds[0])) == 3
        assert self.reached(0, table).reused is not None


class TestWhatIsTold:
    def test_every_refusal_has_a_code_of_the_catalogue_with_a_section(self) -> None:
        answer = accepted(AliasTable(), 1, source=None)
        assert isinstance(answer, Refusal)
        assert CATALOGUE[answer.code].reference.startswith("RFC 5923 section")
        assert str(answer) == str(answer.step)
        assert repr(answer) == f"<Refusal {answer}>"
        assert str(answer) == (
            "REUSE: the connection leads to no address that could be remembered (reuse.no-address); expected the IP "
            "address that the request came from; found none; [RFC 5923 sections 8.1 and 8.2]"
        )

    def test_text_of_a_peer_is_safe_for_terminals(self) -> None:
        by_hand = Via("x\x1b[31m", "p\n", None, (("alias", None),), "")
        answer = accepted(AliasTable(), 1, via=by_hand)
        assert isinstance(answer, Refusal)
        assert str(answer).isprintable()
        assert str(accepted(AliasTable(), 1, source="\x1b[2J")).isprintable()

    def test_a_row_is_told_for_people_and_for_programs(self) -> None:
        peer = Peer("P2", ("example.net", "p2.example.net"))
        made_row = row(opened(AliasTable(), object(), peer=peer, local_domain="Example.COM"))
        assert repr(made_row) == "<Row 192.0.2.128 5061 TLS for example.net, p2.example.net: live>"
        assert made_row.to_dict() == {
            "address": "192.0.2.128",
            "port": 5061,
            "transport": "TLS",
            "local_domain": "example.com",
            "role": "client",
            "proven": ["example.net"],
            "candidates": [{"domain": d, "origin": "uri"} for d in peer.domains],
            "state": "live",
        }
        many = Peer("P2", tuple([f"d{number}.example" for number in range(9)]))
        assert repr(row(accepted(AliasTable(), 1, many))).endswith("d7.example, ...: live>")
        assert repr(Presentation((b"a", b"b"))) == "<Presentation of 2 certificate(s)>"
        assert repr(Presentation((), b"ab")) == "<Presentation of 0 certificate(s), a public key of 2 octets>"

    def test_a_row_cannot_be_changed_by_whoever_looks_at_it(self) -> None:
        made_row = row(opened(AliasTable(), 1))
        proofs: Any = made_row.proven
        with pytest.raises(TypeError):
            proofs["bank.example"] = math.inf
