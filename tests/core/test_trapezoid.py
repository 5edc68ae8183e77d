"""What a proxy knows of the proxies beside it: alice, P1 of example.com, P2 of b.example, bob.

P1 connects to P2. The verdicts are those of `Outbound` at P1 and of `Inbound` at P2, on the same connection.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import certificate, common_name, dns, uri
from judging import CA, DOMAIN, LEAF, ROOT, Court, Made, issued, made
from siptls import (
    AliasTable,
    Anchors,
    Certificate,
    Close,
    Connect,
    Identity,
    Inbound,
    InvalidCertificate,
    InvalidName,
    InvalidUri,
    LocalProtocolError,
    Outcome,
    Policy,
    Presentation,
    Refusal,
    Security,
    SipUri,
    Step,
    Verdict,
    Via,
)
from siptls.identity import Origin
from siptls.policy import FromPolicy
from siptls.trapezoid import (
    authoritative_proxy,
    from_domain,
    mutual_authentication,
    record_route,
    scheme_tampering,
    site_certificate,
    via_trail,
)
from world import AT, INSECURE, SECURE, World

P1_HOST = "p1.example.com"
P2 = "b.example"
P2_LEAF = made("p2", names=[uri(f"sip:{P2}")])
PROVIDER = made("provider", names=[uri("sip:carrier.example")])


def told(found: Sequence[Step]) -> list[str]:
    return [step.code for step in found]


def at_p2(
    leaf: Made | None,
    *,
    claims: Sequence[str] = (),
    sent_by: str | None = None,
    world: World | None = None,
    client_certificate: Literal["required", "optional"] = "required",
) -> Verdict:
    """Let P2 judge who connected; only a leaf that the CA issued has a valid path."""
    world = world or World()
    world.paths = issued(*[(each, CA, ROOT) for each in (LEAF, PROVIDER)])
    machine = Inbound(
        () if leaf is None else (leaf.der, CA.der),
        anchors=Anchors((ROOT.der,)),
        claims=claims,
        sent_by=sent_by,
        client_certificate=client_certificate,
        now=0.0,
        at=AT,
    )
    world.run(machine)
    assert machine.verdict is not None
    return machine.verdict


def at_p1(shown: Made = P2_LEAF, security: Security = SECURE) -> Verdict:
    """Let P1 reach b.example, whose server shows this certificate."""
    world = World(security)
    world.srv(f"_sips._tcp.{P2}", (0, 0, 5061, "s.b.example"))
    world.address("s.b.example", "192.0.2.2")
    world.server("192.0.2.2", [shown.der, CA.der])
    world.trust(ROOT.der, [P2_LEAF.der, CA.der, ROOT.der])
    return world.outbound(f"sips:bob@{P2}")


def delegated(leaf: Made, security: Security = SECURE) -> World:
    """example.com names p1.example.com as its server, and pins this certificate."""
    world = World(security)
    world.srv(f"_sips._tcp.{DOMAIN}", (0, 0, 5061, P1_HOST))
    world.address(P1_HOST, "192.0.2.1")
    world.tlsa(f"_5061._tcp.{P1_HOST}", f"3 1 1 {hashlib.sha256(leaf.spki).hexdigest()}")
    return world


SELF_MADE = made("p1", names=[dns(P1_HOST)], number=7)


class TestAuthoritativeProxy:
    """Slides, question 1: P2 knows that the request came from P1, but may P1 act for example.com?"""

    @pytest.mark.req("S-B-3", "R5922-7.4-3")
    def test_a_proxy_acts_for_the_domains_that_its_certificate_names(self) -> None:
        (step,) = authoritative_proxy(at_p2(LEAF), "Example.COM")
        assert (step.code, step.severity, step.hop) == ("proxy.authoritative", "ok", "CLIENT")
        assert (step.expected, step.found) == (DOMAIN, f"uri {DOMAIN}")

    @pytest.mark.req("S-B-3", "D-DANCE-2")
    def test_a_proxy_acts_for_a_domain_whose_secure_records_name_it_as_a_server(self) -> None:
        (step,) = authoritative_proxy(at_p2(SELF_MADE, claims=[DOMAIN], world=delegated(SELF_MADE)), DOMAIN)
        assert (step.code, step.found) == ("proxy.by-server-records", f"server-records {DOMAIN}")

    @pytest.mark.req("S-B-3", "D-DANCE-2")
    def test_without_dnssec_or_with_another_key_the_records_make_nobody_of_a_proxy(self) -> None:
        for world in (delegated(SELF_MADE, INSECURE), delegated(LEAF)):
            (step,) = authoritative_proxy(at_p2(SELF_MADE, claims=[DOMAIN], world=world), DOMAIN)
            assert (step.code, step.severity) == ("proxy.unauthenticated", "warning")

    @pytest.mark.req("S-B-3", "D-DANCE-3")
    def test_the_proven_host_of_an_alias_request_acts_for_no_domain_not_even_its_parent(self) -> None:
        verdict = at_p2(SELF_MADE, sent_by=P1_HOST, world=delegated(SELF_MADE))
        assert verdict.accepted
        for domain in (P1_HOST, DOMAIN):
            (step,) = authoritative_proxy(verdict, domain)
            assert (step.code, step.found) == ("proxy.host-only", f"sent-by {P1_HOST}")

    @pytest.mark.req("S-B-3", "R5922-4-1")
    @pytest.mark.parametrize("domain", ["b.example", "sub.example.com", "example", "xexample.com"])
    def test_a_proxy_that_is_others_does_not_act_for_a_domain(self, domain: str) -> None:
        (step,) = authoritative_proxy(at_p2(LEAF), domain)
        assert (step.code, step.severity, step.found) == ("proxy.other-domain", "warning", f"uri {DOMAIN}")

    @pytest.mark.req("S-B-2", "S-B-3", "R5922-7.4-1")
    def test_a_client_that_is_served_without_a_certificate_acts_for_nobody(self) -> None:
        (step,) = authoritative_proxy(at_p2(None, client_certificate="optional"), DOMAIN)
        assert (step.code, step.found) == ("proxy.unauthenticated", "tls.no-certificate")

    @pytest.mark.req("R5630-5.3-8")
    def test_a_client_without_a_certificate_is_advised_to_keep_its_flow_which_is_no_alias(self) -> None:
        verdict = at_p2(None, client_certificate="optional")
        (step,) = authoritative_proxy(verdict, DOMAIN)
        assert "keep its flow by RFC 5626" in step.fix
        via = Via.parse("SIP/2.0/TLS alice.example.com;branch=z9hG4bK1;alias")
        row = AliasTable().add(verdict, "flow", Presentation(()), local_domain=P2, now=0.0, source="192.0.2.9", via=via)
        assert isinstance(row, Refusal)

    def test_a_domain_is_a_domain_and_the_verdict_one_on_a_client(self) -> None:
        for text in ("sip:example.com", "192.0.2.1", "*.example.com", "", "\x1b[2J"):
            (step,) = authoritative_proxy(at_p2(LEAF), text)
            assert step.code == "proxy.other-domain"
            assert str(step).isprintable()
        with pytest.raises(LocalProtocolError, match="a verdict of Inbound on a client is needed"):
            authoritative_proxy(at_p1(), DOMAIN)


class TestMutualAuthentication:
    """Slides, question 2: what mutual authentication between P1 and P2 gives."""

    @pytest.mark.req("S-B-4", "R3261-26.3.1-1", "R3261-26.3.2.2-1")
    def test_both_proxies_are_proven_each_by_the_rules_of_its_role(self) -> None:
        (step,) = mutual_authentication(at_p1(), at_p2(LEAF))
        assert (step.code, step.severity) == ("proxy.mutual", "ok")
        assert step.found == f"server {P2} by pkix; client uri {DOMAIN} by pkix"

    @pytest.mark.req("R3261-26.3.1-1", "S-B-2", "S-B-4")
    def test_one_way_authentication_is_told_as_what_it_is(self) -> None:
        (step,) = mutual_authentication(at_p1(), at_p2(None, client_certificate="optional"))
        assert (step.code, step.severity, step.hop) == ("proxy.one-way", "warning", "CLIENT")
        assert step.found == "tls.no-certificate"

    @pytest.mark.req("S-B-4", "R3261-26.2.2-2")
    def test_that_the_client_is_proven_does_not_make_up_for_a_server_that_is_not(self) -> None:
        (step,) = mutual_authentication(at_p1(PROVIDER), at_p2(LEAF))
        assert (step.code, step.severity, step.hop) == ("proxy.server-unproven", "error", "SERVER")
        assert step.expected == P2
        both = mutual_authentication(at_p1(PROVIDER), at_p2(SELF_MADE))
        assert told(both) == ["proxy.server-unproven", "proxy.one-way"]

    def test_the_verdicts_are_not_to_be_mixed_up(self) -> None:
        for server, client in ((at_p2(LEAF), at_p1()), (at_p1(), at_p1()), (at_p2(LEAF), at_p2(LEAF))):
            with pytest.raises(LocalProtocolError):
                mutual_authentication(server, client)


class TestSecuredRequests:
    """What becomes of a request when the peer is not the domain (RFC 3261 section 26.2.2)."""

    @pytest.mark.req("R3261-26.2.2-2", "R3261-26.3.2.1-1")
    @pytest.mark.parametrize("scheme", ["sip", "sips"])
    def test_a_registrar_of_the_wrong_party_is_closed_and_nothing_is_tried_in_clear_text(self, scheme: str) -> None:
        world = World(INSECURE)
        for protocol, name, port in (("_sips._tcp", "s", 5061), ("_sip._tcp", "c", 5060), ("_sip._udp", "u", 5060)):
            world.srv(f"{protocol}.{P2}", (0, 0, port, f"{name}.b.example"))
            world.address(f"{name}.b.example", f"192.0.2.{ord(name)}")
            world.server(f"192.0.2.{ord(name)}", [PROVIDER.der, CA.der])
        world.trust(ROOT.der, [PROVIDER.der, CA.der, ROOT.der])
        verdict = world.outbound(f"{scheme}:{P2}")
        connects = [action for action in world.asked if isinstance(action, Connect)]
        closed = [action.connect for action in world.asked if isinstance(action, Close)]
        assert (verdict.outcome, verdict.code, verdict.connection) == (Outcome.REJECTED, "id.mismatch", None)
        assert [connect.endpoint.transport for connect in connects] == ["tls"]
        assert closed == connects  # there is no action that sends, and none is left that could
        assert world.open == []


def client(*identities: tuple[str, Origin]) -> Verdict:
    """An accepted verdict on a client that is these domains."""
    names = tuple([Identity(*each) for each in identities])
    return Verdict(
        Outcome.ACCEPTED, "pkix", "inbound.identities", "", None, None, "server", b"", None, names, 1.0, (), 0.0, 0.0
    )


class TestFrom:
    """The policy of RFC 3261 section 26.3.2.2, which is wrong in general and so off by default (A-15)."""

    @pytest.mark.req("A-15", "R3261-26.3.2.2-1")
    def test_by_default_from_is_not_looked_at(self) -> None:
        for verdict in (at_p2(LEAF), at_p2(None)):
            assert from_domain("sip:mallory@c.example", verdict, policy=Policy()) == ()

    @pytest.mark.req("A-15", "R3261-26.3.2.2-1")
    @pytest.mark.parametrize(
        ("policy", "code", "severity"),
        [("warn", "proxy.from-differs", "warning"), ("reject", "proxy.from-refused", "error")],
    )
    @pytest.mark.parametrize(
        "text",
        [
            "sip:alice@carrier.example",
            "sip:alice@sub.example.com",
            "sip:alice@example",
            "sip:anonymous@anonymous.invalid",
            "sip:alice@192.0.2.1",
            "tel:+15551234",
            "not a URI \x1b[2J",
            "",
        ],
    )
    def test_a_from_of_another_domain_is_told_or_refused_as_the_policy_says(
        self, policy: FromPolicy, code: str, severity: str, text: str
    ) -> None:
        (step,) = from_domain(text, at_p2(LEAF), policy=Policy(from_policy=policy))
        assert (step.code, step.severity, step.expected) == (code, severity, f"uri {DOMAIN}")
        named = text.partition("@")[2]
        assert step.found == (named if named and named != "192.0.2.1" else "no SIP domain")

    @pytest.mark.req("A-15")
    def test_an_address_in_from_is_no_domain_whatever_a_certificate_names(self) -> None:
        found = from_domain("sip:192.0.2.1", client(("192.0.2.1", "dns")), policy=Policy(from_policy="reject"))
        assert told(found) == ["proxy.from-refused"]

    @pytest.mark.req("A-15", "R3261-26.3.2.2-1")
    @pytest.mark.parametrize("policy", ["warn", "reject"])
    def test_a_from_of_one_of_the_clients_domains_is_right_however_it_was_proven(self, policy: FromPolicy) -> None:
        verdict = client(("carrier.example", "uri"), ("example.com", "server-records"))
        for text in ("sip:alice@EXAMPLE.com", "sips:alice@example.com:5061;user=phone", "sip:carrier.example"):
            (step,) = from_domain(text, verdict, policy=Policy(from_policy=policy))
            assert (step.code, step.found) == ("proxy.from-matches", SipUri.parse(text).host)
            assert step.expected.endswith(f" {step.found}")

    @pytest.mark.req("A-15", "S-B-2")
    @pytest.mark.parametrize("policy", ["warn", "reject"])
    def test_who_shows_no_certificate_does_not_get_around_the_policy(self, policy: FromPolicy) -> None:
        verdict = at_p2(None, client_certificate="optional")
        (step,) = from_domain(f"sip:alice@{DOMAIN}", verdict, policy=Policy(from_policy=policy))
        assert step.code == ("proxy.from-refused" if policy == "reject" else "proxy.from-differs")

    @pytest.mark.req("A-15")
    def test_the_policy_never_changes_who_the_client_is(self) -> None:
        verdict = at_p2(LEAF)
        before = verdict.to_dict()
        from_domain("sip:mallory@c.example", verdict, policy=Policy(from_policy="reject"))
        assert verdict.to_dict() == before

    def test_the_verdict_is_one_on_a_client(self) -> None:
        with pytest.raises(LocalProtocolError):
            from_domain("sip:alice@example.com", at_p1(), policy=Policy(from_policy="warn"))


HOST = "sip1.host.example"
KINDS = {
    "domain as sip URI": [uri(f"sip:{DOMAIN}")],
    "domain as DNS name": [dns(DOMAIN)],
    "both": [uri(f"sip:{DOMAIN}"), dns(HOST)],
    "host": [dns(HOST)],
    "host beside another domain": [uri("sip:other.example"), dns(HOST)],
    "domain beside another sip URI": [uri("sip:other.example"), dns(DOMAIN)],
    "common name": [],
    "wildcard": [dns("*.host.example"), dns("*.com")],
    "sips": [uri(f"sips:{DOMAIN}")],
    "user": [uri(f"sip:alice@{DOMAIN}")],
}
ACCEPTED = {
    # What it proves of the server: to a client by RFC 5922, with a secure delegation, with TLSA, with target names.
    "domain as sip URI": (True, True, True, False),
    "domain as DNS name": (True, True, True, False),
    "both": (True, True, True, True),
    "host": (False, True, True, True),
    "host beside another domain": (False, True, True, True),
    "domain beside another sip URI": (False, False, False, False),
    "common name": (False, False, False, False),
    "wildcard": (False, False, False, False),
    "sips": (False, False, False, False),
    "user": (False, False, False, False),
}
CLIENTS = ("RFC 5922", "RFC 7673", "DANE", "TARGET NAME")
GOOD = {"id.match", "id.match-target"}


def site(names: Sequence[bytes], cn: str = "Nobody in particular") -> dict[str, Step]:
    """What a certificate proves, by the kind of client."""
    leaf = Certificate(certificate(names=names, subject=common_name(cn)))
    return {step.hop: step for step in site_certificate(leaf, domain=DOMAIN, host=HOST)}


class TestSiteCertificate:
    """Slides, question 4: canonical host names and domain names."""

    @pytest.mark.req("S-B-6", "S-B-7", "R5922-A-1", "S-A-16")
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_of_certificate_proves_the_server_to_these_clients(self, kind: str) -> None:
        found = site(KINDS[kind], HOST if kind == "common name" else "Nobody in particular")
        assert tuple(found[hop].code in GOOD for hop in CLIENTS) == ACCEPTED[kind]
        assert found["DANE-EE"].code == "site.any-name"

    @pytest.mark.req("S-B-6", "S-B-7", "R5922-A-1", "RJOH-m-4")
    def test_the_domain_is_right_and_the_canonical_host_name_is_not_enough(self) -> None:
        assert site(KINDS["both"])["CERT"].code == "site.domain"
        step = site(KINDS["host"])["CERT"]
        assert (step.code, step.severity, step.found) == ("site.host", "warning", f"dns {HOST}")
        assert site(KINDS["host"])["RFC 5922"].code == "id.srv-target-only"
        for kind in ("common name", "wildcard", "user"):
            assert "CERT" not in site(KINDS[kind])

    @pytest.mark.req("S-A-22")
    def test_a_client_without_dnssec_needs_the_domain_and_one_with_it_takes_the_host(self) -> None:
        for_domain, for_host = site(KINDS["domain as sip URI"]), site(KINDS["host"])
        assert for_domain["RFC 5922"].code in GOOD
        assert for_host["RFC 5922"].code not in GOOD
        assert for_host["DANE"].code in GOOD

    @pytest.mark.req("S-A-23")
    def test_the_host_as_common_name_and_the_domain_as_sip_uri_serve_both_but_who_wants_the_target_name(self) -> None:
        found = site([uri(f"sip:{DOMAIN}")], cn=HOST)
        assert [hop for hop in CLIENTS if found[hop].code not in GOOD] == ["TARGET NAME"]
        assert found["TARGET NAME"].code == "id.target-name"

    @pytest.mark.req("S-B-7", "D-REF")
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_judgement_of_such_clients_says_the_same(self, kind: str) -> None:
        leaf = made(HOST if kind == "common name" else "leaf", names=KINDS[kind])
        found = {step.hop: step.code for step in site_certificate(Certificate(leaf.der), domain=DOMAIN, host=HOST)}
        ways = {
            "RFC 5922": Court([leaf, CA], valid=[(leaf, CA, ROOT)], target=HOST, delegation=INSECURE),
            "RFC 7673": Court([leaf, CA], valid=[(leaf, CA, ROOT)], target=HOST),
            "DANE": Court([leaf, CA], [CA.record(2, 0, 1)], [(leaf, CA)], target=HOST),
            "TARGET NAME": Court(
                [leaf, CA], valid=[(leaf, CA, ROOT)], target=HOST, policy=Policy(require_target_name=True)
            ),
            "DANE-EE": Court([leaf], [leaf.record(3, 1, 1)], target=HOST),
        }
        for hop, court in ways.items():
            assert court.verdict().accepted is (found[hop] in GOOD or found[hop] == "site.any-name"), hop

    def test_a_malformed_certificate_is_a_finding_and_a_bad_name_the_callers_mistake(self) -> None:
        (step,) = site_certificate(Certificate(b"junk"), domain=DOMAIN, host=HOST)
        assert step.code == "cert.malformed"
        for domain, host in (("sip:example.com", HOST), (DOMAIN, "192.0.2.1/24")):
            with pytest.raises(InvalidName):
                site_certificate(Certificate(b""), domain=domain, host=host)

    def test_names_in_it_are_told_in_plain_text(self) -> None:
        for step in site([dns("a\x1b[2J.example"), uri("sip:\r\nx.example")], cn="\x07bell").values():
            assert str(step).isascii()
            assert str(step).isprintable()


TRAIL = Via.parse_all(
    "SIP/2.0/TLS p2.b.example;branch=z9hG4bK3, SIP/2.0/TCP p1.example.com:5060;branch=z9hG4bK2;received=192.0.2.1,"
    "SIP/2.0/WSS pc.invalid;branch=z9hG4bK1"
)


class TestViaTrail:
    """Slides, question 5: From claims a domain that appears nowhere in the Via trail."""

    @pytest.mark.req("R3261-26.4.4-1", "D-VIA-1")
    def test_each_hop_is_listed_with_what_it_claims(self) -> None:
        assert [(step.hop, step.code, step.found) for step in via_trail(TRAIL)] == [
            ("VIA 1", "via.tls", "SIP/2.0/TLS p2.b.example"),
            ("VIA 2", "via.clear", "SIP/2.0/TCP p1.example.com:5060"),
            ("VIA 3", "via.tls", "SIP/2.0/WSS pc.invalid"),
        ]

    @pytest.mark.req("R3261-26.4.4-1")
    @pytest.mark.parametrize(
        ("transport", "claims_tls"),
        [
            ("UDP", False),
            ("TCP", False),
            ("SCTP", False),
            ("WS", False),
            ("DTLS-UDP", False),
            ("XTLS", False),
            ("tls", True),
            ("TLS-SCTP", True),
            ("WSS", True),
        ],
    )
    def test_a_transport_that_is_not_known_to_be_tls_is_not_taken_for_it(
        self, transport: str, claims_tls: bool
    ) -> None:
        (step,) = via_trail([Via.parse(f"SIP/2.0/{transport} a.example;branch=z9hG4bK1")])
        assert step.code == ("via.tls" if claims_tls else "via.clear")

    @pytest.mark.req("D-VIA-1", "S-B-8")
    @pytest.mark.parametrize(
        ("claimed", "present"),
        [
            ("example.com", "p1.example.com"),
            ("Example.Com.", "p1.example.com"),
            ("p1.example.com", "p1.example.com"),
            ("b.example", "p2.b.example"),
            ("example.org", None),
            ("ample.com", None),
            ("x.p1.example.com", None),
        ],
    )
    def test_the_claimed_domain_or_a_name_below_it_is_looked_for(self, claimed: str, present: str | None) -> None:
        step = via_trail(TRAIL, claimed=claimed)[-1]
        code, severity = ("via.domain-present", "note") if present else ("via.domain-absent", "warning")
        assert (step.code, step.severity) == (code, severity)
        assert step.found == (present or "p2.b.example, p1.example.com, pc.invalid")

    @pytest.mark.req("D-VIA-1", "S-B-8", "R5630-3.2-1")
    def test_nothing_of_it_speaks_of_anybody_as_authenticated(self) -> None:
        for step in via_trail(TRAIL, claimed="example.com") + via_trail(TRAIL, claimed="example.org"):
            assert "authenticat" not in f"{step.finding} {step.why}"
        assert via_trail(TRAIL, claimed="example.com")[-1].severity == "note"  # and not "ok": it speaks for nobody

    @pytest.mark.req("D-VIA-1")
    def test_no_via_is_the_shortest_trail(self) -> None:
        assert via_trail([]) == ()
        assert told(via_trail([], claimed=DOMAIN)) == ["via.domain-absent"]
        assert told(via_trail([], claimed="sip:example.com")) == ["via.domain-absent"]
        at_an_address = [Via.parse("SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1")]
        assert told(via_trail(at_an_address, claimed="192.0.2.1")) == ["via.tls", "via.domain-absent"]

    @given(st.lists(st.from_regex(r"[A-Za-z0-9.!%*_+`'~-]{1,12}", fullmatch=True), max_size=12))
    def test_every_hop_gets_one_finding_in_plain_text(self, transports: list[str]) -> None:
        vias = [Via.parse(f'SIP/2.0/{each} h.example;x="\u00e9;\t"') for each in transports]
        found = via_trail(vias)
        assert len(found) == len(vias)
        for step in found:
            assert str(step).isascii()
            assert str(step).isprintable()
            assert '"' not in step.found


class TestTampering:
    """RFC 3261 section 26.4.4: the user agent looks at To and at the trail, and tells its user."""

    @pytest.mark.req("R3261-26.4.4-1", "R3261-26.4.4-2")
    @pytest.mark.parametrize(
        ("request_uri", "to", "codes"),
        [
            ("sips:bob@b.example", "sips:bob@b.example", []),
            ("sips:bob@pc.b.example", "sips:robert@c.example", []),
            ("sip:bob@b.example", "sip:bob@b.example", []),
            ("sip:bob@b.example", "sips:bob@b.example", ["sips.to-differs"]),
            ("sips:bob@b.example", "sip:bob@b.example", ["sips.to-differs"]),
            ("sips:bob@b.example", "tel:+15551234", []),
            ("sip:bob@b.example", "\x00", []),
        ],
    )
    def test_a_to_of_the_other_scheme_is_told_to_the_user(self, request_uri: str, to: str, codes: list[str]) -> None:
        found = scheme_tampering(request_uri, to)
        assert told(found) == codes
        if to.startswith("sip"):
            assert told(scheme_tampering(SipUri.parse(request_uri), SipUri.parse(to))) == codes
        assert all(step.severity == "warning" and "tell the user" in step.fix for step in found)

    @pytest.mark.req("R3261-26.4.4-1", "R3261-26.4.4-2", "R5630-3.2-1")
    def test_a_hop_without_tls_is_told_where_sips_was_asked_for(self) -> None:
        uri = "sips:bob@b.example"
        (step,) = scheme_tampering(uri, uri, TRAIL)
        assert (step.code, step.found) == ("sips.clear-hop", "VIA 2 SIP/2.0/TCP p1.example.com:5060")
        assert "tell the user" in step.fix
        assert scheme_tampering(uri, uri, TRAIL[:1]) == ()
        assert scheme_tampering("sip:bob@b.example", "sip:bob@b.example", TRAIL) == ()

    @pytest.mark.parametrize("text", ["tel:+15551234", "", "sips:\x1b@b.example"])
    def test_a_request_uri_that_is_none_of_sip_shows_no_signs(self, text: str) -> None:
        assert scheme_tampering(text, "sip:bob@b.example", TRAIL) == ()


class TestRecordRoute:
    @pytest.mark.req("R5922-7.5-2", "R3263-6-1")
    @pytest.mark.parametrize(
        ("text", "codes"),
        [
            ("sip:example.com;lr", []),
            ("sips:example.com;lr", []),
            ("sip:p1.example.com;lr", ["route.not-an-identity"]),
            ("sip:192.0.2.1;lr", ["route.address-literal", "route.not-an-identity"]),
            ("sip:example.com:5061;transport=tls", ["route.port", "route.transport-tls", "route.no-lr"]),
        ],
    )
    def test_the_uri_is_good_in_itself_and_its_host_one_of_the_proxys_identities(
        self, text: str, codes: list[str]
    ) -> None:
        assert told(record_route(text, Certificate(LEAF.der))) == codes
        assert told(record_route(SipUri.parse(text), Certificate(LEAF.der))) == codes

    @pytest.mark.parametrize(
        ("call", "error"),
        [
            (lambda: record_route("example.com", Certificate(LEAF.der)), InvalidUri),
            (lambda: record_route("sip:example.com;lr", Certificate(b"junk")), InvalidCertificate),
        ],
    )
    def test_what_is_no_uri_or_no_certificate_is_refused(
        self, call: Callable[[], object], error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            call()
