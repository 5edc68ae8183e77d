"""alice, P1, P2, bob: both proxies verify each other, and requests go both ways; each hop is real TLS on loopback."""

from __future__ import annotations

import anyio
import pytest
from anyio.streams.tls import TLSAttribute

from loopback_tls import CURRENT
from siptls import Admission, Identity, Policy, Refusal, Row, Security, Via
from siptls.trapezoid import mutual_authentication
from siptls_io.tls import presented_chain
from trapezoid.deployment import (
    A_DOMAIN,
    ALICE,
    B_DOMAIN,
    BOB,
    CAROL,
    CUSTOMER,
    P1,
    P1_FOR_DOMAIN,
    P1_HOST,
    P2,
    P2_FOR_BOTH,
    P2_FOR_DOMAIN,
    P2_HOST,
    ROOT,
    SECOND,
    SHORT,
    pin,
    trapezoid,
)
from trapezoid.on_loops import on_both_loops, until
from trapezoid.sip import request
from trapezoid.stranger import answered, connected

NAMELESS = ROOT.leaf(cn="P2", uris=["sip:other.example"], **CURRENT)
"""The certificate that P2 shows by default: none of the names in it is one that anybody here asks for."""


# Who is who.


@pytest.mark.req("S-A-28", "S-B-3", "S-B-4", "S-B-7", "RJOH-m-1", "R5922-7.5-1", "R5923-9.2-1", "S-A-27")
@on_both_loops
async def test_two_proxies_whose_certificates_name_hosts_alone_verify_each_other_by_tlsa() -> None:
    async with trapezoid() as all_four:
        response = await all_four.alice.say(BOB, "hello")
        assert (response.status, response.body) == (200, b"heard: hello")
        (server,) = all_four.p1.verdicts
        client = all_four.from_p1().verdict
        assert (server.method, server.code, server.domain) == ("dane-ee", "dane.match", B_DOMAIN)
        assert (client.method, client.code) == ("dane-ee", "inbound.server-records")
        assert Identity(A_DOMAIN, "server-records") in client.identities
        (mutual,) = mutual_authentication(server, client)
        assert mutual.code == "proxy.mutual"
        (found,) = all_four.p2.findings
        assert [step.code for step in found] == [
            "proxy.by-server-records",
            "via.tls",
            "via.tls",
            "via.domain-present",
        ]


@pytest.mark.req("RJOH-abs-1", "RJOH-m-1", "S-A-12", "S-B-7")
@on_both_loops
async def test_where_the_records_are_signed_the_name_of_the_host_is_verified_in_place_of_the_domain() -> None:
    of_another_host = ROOT.leaf(cn="P3", dns=[f"p3.{B_DOMAIN}"], **CURRENT)
    for shown, method, code in (
        (P2, "pkix-ee", "dane.match"),
        (of_another_host, "none", "id.mismatch"),
    ):
        async with trapezoid(p2=[shown]) as all_four:
            all_four.publish(A_DOMAIN, pin(P1, usage=1))
            all_four.publish(B_DOMAIN, pin(shown, usage=1))
            accepted = (await all_four.alice.say(BOB, "hello")).status == 200
            (verdict,) = all_four.p1.verdicts
            assert (verdict.accepted, verdict.method, verdict.code) == (accepted, method, code)
            client = all_four.from_p1().verdict
            assert client.method == "pkix-ee"
            assert Identity(A_DOMAIN, "server-records") in client.identities
            if accepted:
                assert Identity(P2_HOST, "dns") in verdict.identities
                assert (await all_four.bob.say(ALICE, "hello back")).status == 200
                assert all_four.between() == (1, 0)


@pytest.mark.req("S-B-2", "R5922-7.4-1", "R5922-7.4-2", "R5923-9.2-2")
@on_both_loops
async def test_phones_without_certificates_are_served_and_are_nobody_and_have_no_rows() -> None:
    async with trapezoid() as all_four:
        assert (await all_four.alice.say(BOB, "hello")).status == 200
        for proxy, phone in ((all_four.p1, all_four.alice), (all_four.p2, all_four.bob)):
            assert phone.verdict is not None
            assert phone.verdict.method == "dane-ee"
            link = proxy.accepted[0]
            assert not link.verdict.accepted
            assert link.verdict.to_dict()["admission"] == Admission.UNAUTHENTICATED.value
            assert link.verdict.identities == ()
            assert proxy.table.of(link) == ()


@pytest.mark.req("S-B-5")
@on_both_loops
async def test_a_sip_uri_goes_over_tls_on_every_hop_and_is_not_made_sips() -> None:
    async with trapezoid() as all_four:
        assert (await all_four.alice.say(BOB, "hello")).status == 200
        (heard,) = all_four.bob.heard
        assert heard.uri.text == BOB
        assert [(via.transport, via.host) for via in heard.vias] == [
            ("tls", P2_HOST),
            ("tls", P1_HOST),
            ("tls", "phone.invalid"),
        ]


@pytest.mark.req("S-B-8", "A-15")
@on_both_loops
async def test_a_request_of_a_stranger_that_another_proxy_brings_is_told_or_refused_by_policy() -> None:
    async with trapezoid() as all_four:
        assert (await all_four.alice.say(BOB, "hello", sender="sip:mallory@example.org")).status == 200
        codes = {step.code for step in all_four.p2.findings[0]}
        assert codes == {"proxy.other-domain", "via.tls", "via.domain-absent"}
    async with trapezoid(policy=Policy(from_policy="reject")) as all_four:
        assert (await all_four.alice.say(BOB, "hello", sender="sip:mallory@example.org")).status == 403
        assert all_four.bob.heard == []
        assert (await all_four.alice.say(BOB, "hello")).status == 200


# Over which connection.


@pytest.mark.req("R5923-8.1-1", "R5923-8.2-9", "R5923-3-2", "R5923-8.1-10")
@on_both_loops
async def test_many_requests_need_one_connection_that_no_end_of_a_transaction_closes() -> None:
    async with trapezoid(offers=False) as all_four:
        for number in range(3):
            assert (await all_four.alice.say(BOB, f"hello {number}")).status == 200
        assert all_four.between() == (1, 0)
        assert [verdict.reused for verdict in all_four.p1.verdicts] == [None, *all_four.p1.opened * 2]
        assert all_four.from_p1().carrier.state == "open"
        assert all_four.from_p1().carrier.pending == ()


@pytest.mark.req("R5923-8.1-2", "R5923-8.1-3", "R5923-8.2-3", "R5923-8.2-4", "R5923-8.2-7", "R5923-5-3", "S-A-25")
@on_both_loops
async def test_a_request_goes_back_over_the_connection_that_was_offered_and_nobody_connects() -> None:
    async with trapezoid() as all_four:
        assert (await all_four.alice.say(BOB, "hello")).status == 200
        (row,) = all_four.from_p1().offers
        assert isinstance(row, Row)
        assert (row.address, row.port, [*row.proven]) == ("127.0.0.1", all_four.ports["p1"], [A_DOMAIN])

        response = await all_four.bob.say(ALICE, "hello back")
        assert (response.status, response.body) == (200, b"heard: hello back")
        assert all_four.between() == (1, 0)
        (verdict,) = all_four.p2.verdicts
        assert (verdict.reused, verdict.connection) == (all_four.from_p1(), None)
        assert (verdict.method, verdict.domain) == ("dane-ee", A_DOMAIN)
        (opened,) = all_four.p1.opened
        assert [message.start for message in opened.heard] == [
            "SIP/2.0 200 OK",
            f"MESSAGE {ALICE} SIP/2.0",
        ]


@pytest.mark.req("R5923-8.2-2", "R5923-8.2-10", "R5922-7.4-5")
@on_both_loops
async def test_a_request_goes_back_over_a_connection_of_its_own_where_none_was_offered() -> None:
    async with trapezoid(offers=False) as all_four:
        assert (await all_four.alice.say(BOB, "hello")).status == 200
        (refusal,) = all_four.from_p1().offers
        assert isinstance(refusal, Refusal)
        assert refusal.code == "reuse.no-alias"
        assert (await all_four.bob.say(ALICE, "hello back")).status == 200
        assert all_four.between() == (1, 1)


@pytest.mark.req("R5923-9.2-2", "R5923-9-1", "R5923-8.2-5", "T-A02")
@on_both_loops
async def test_the_offer_of_a_proxy_without_a_certificate_is_as_if_it_was_not_made() -> None:
    async with trapezoid(shows=False) as all_four:
        assert (await all_four.alice.say(BOB, "hello")).status == 200
        offers = all_four.p2.accepted[1].offers
        assert [offer.code for offer in offers if isinstance(offer, Refusal)] == ["reuse.not-authenticated"]
        (found,) = all_four.p2.findings
        assert found[0].code == "proxy.unauthenticated"
        assert (await all_four.bob.say(ALICE, "hello back")).status == 200
        assert all_four.between() == (1, 1)


@pytest.mark.req("R5923-8.2-8", "R5923-8.1-8", "R5923-8.1-7", "R5923-8.2-7")
@on_both_loops
async def test_when_the_connection_is_gone_a_new_one_takes_its_place() -> None:
    async with trapezoid() as all_four:
        assert (await all_four.alice.say(BOB, "hello")).status == 200
        link = all_four.from_p1()
        (opened,) = all_four.p1.opened
        await opened.stream.aclose()
        await until(lambda: link.carrier.state == "closed")
        assert (await all_four.bob.say(ALICE, "hello back")).status == 200
        assert all_four.between() == (1, 1)
        # P2's connection comes from 127.0.0.1, which is not the address of P2: it is offered, but leads nowhere.
        assert (await all_four.alice.say(BOB, "and again")).status == 200
        assert all_four.between() == (2, 1)


@pytest.mark.req("R5923-9.3-3", "R5923-9.3-4")
@on_both_loops
async def test_each_of_the_domains_that_a_proxy_hosts_has_connections_of_its_own() -> None:
    async with trapezoid() as all_four:
        customer = f"sip:alice@{CUSTOMER}"
        for number, sender in enumerate((ALICE, customer, ALICE, customer)):
            assert (await all_four.alice.say(BOB, "hello", sender=sender)).status == 200
            assert all_four.between() == (min(number + 1, 2), 0)
        first, second = all_four.p1.opened
        assert [verdict.reused for verdict in all_four.p1.verdicts] == [None, None, first, second]
        assert [row.local_domain for link in (first, second) for row in all_four.p1.table.of(link)] == [
            A_DOMAIN,
            CUSTOMER,
        ]


# Another domain at the same server.


@pytest.mark.req("S-A-25", "S-A-26", "A-16", "R5923-8.1-7", "RJOH-m-2", "S-A-20")
@on_both_loops
async def test_a_second_domain_joins_by_its_own_secure_records_for_no_longer_than_their_ttl() -> None:
    async with trapezoid() as all_four:
        srv = f"_sips._tcp {SHORT} SRV 10 0 {all_four.ports['p2']} {P2_HOST}."
        all_four.world.publish(SECOND, srv)
        assert (await all_four.alice.say(BOB, "hello")).status == 200
        response = await all_four.alice.say(CAROL, "hello")
        asked_until = anyio.current_time()
        assert response.status == 480  # P2 took the request; carol's phone is switched off
        assert all_four.between() == (1, 0)
        (row,) = all_four.p1.grants
        assert isinstance(row, Row)
        assert set(row.proven) == {B_DOMAIN, SECOND}
        until = row.proven[SECOND]
        assert until <= asked_until + SHORT
        assert set(row.at(until).proven) == {B_DOMAIN}


@pytest.mark.req("A-16", "RJOH-m-2", "RJOH-m-3", "T-A01")
@on_both_loops
async def test_a_second_domain_whose_records_are_not_signed_gets_neither_the_connection_nor_a_new_one() -> None:
    async with trapezoid() as all_four:
        srv = f"_sips._tcp SRV 10 0 {all_four.ports['p2']} {P2_HOST}."
        all_four.world.publish(SECOND, srv, security=Security.INSECURE)
        assert (await all_four.alice.say(BOB, "hello")).status == 200
        assert (await all_four.alice.say(CAROL, "hello")).status == 503
        verdict = all_four.p1.verdicts[-1]
        assert (verdict.outcome.value, verdict.code, verdict.reused) == ("REJECTED", "id.srv-target-only", None)
        assert "reuse.identity" in {step.code for step in verdict.steps}
        assert all_four.p1.grants == []
        assert [len(link.heard) for link in all_four.p2.accepted if link.presentation.chain] == [1, 0]


@pytest.mark.req("S-A-24", "R5923-8.1-6", "R5923-8.1-7", "R5923-9.3-2", "T-A01")
@on_both_loops
async def test_without_dnssec_a_second_domain_joins_by_its_name_in_the_certificate_alone() -> None:
    for certificate, status, reused in ((P2_FOR_BOTH, 480, True), (P2_FOR_DOMAIN, 503, False)):
        async with trapezoid(
            security=Security.INSECURE, p1=[P1_FOR_DOMAIN], p2=[certificate], pinned=False
        ) as all_four:
            all_four.world.publish(SECOND, f"_sips._tcp SRV 10 0 {all_four.ports['p2']} {P2_HOST}.")
            assert (await all_four.alice.say(BOB, "hello")).status == 200
            assert (await all_four.alice.say(CAROL, "hello")).status == status
            assert (all_four.p1.verdicts[-1].reused is not None) == reused


# Which certificate is shown.


@pytest.mark.req("RJOH-m-5", "S-A-22", "R7671-10.2-1", "R5922-7.8-2")
@on_both_loops
async def test_a_proxy_that_follows_dane_asks_for_the_host_and_one_that_does_not_for_the_domain() -> None:
    shown = [NAMELESS, P2, P2_FOR_DOMAIN]
    async with trapezoid(p1=[P1_FOR_DOMAIN], p2=shown, pinned_at_p2=P2) as all_four:
        assert (await all_four.alice.say(BOB, "hello")).status == 200
        (verdict,) = all_four.p1.verdicts
        assert (all_four.p2.arrivals[-1].facts.server_name, verdict.method) == (P2_HOST, "dane-ee")
    async with trapezoid(security=Security.INSECURE, p1=[P1_FOR_DOMAIN], p2=shown, pinned=False) as all_four:
        assert (await all_four.alice.say(BOB, "hello")).status == 200
        (verdict,) = all_four.p1.verdicts
        assert (all_four.p2.arrivals[-1].facts.server_name, verdict.method) == (B_DOMAIN, "pkix")


@pytest.mark.req("S-A-22")
@on_both_loops
async def test_a_client_that_asks_for_no_name_is_shown_the_default_certificate() -> None:
    async with (
        trapezoid(p2=[NAMELESS, P2, P2_FOR_DOMAIN], pinned_at_p2=P2) as all_four,
        connected(all_four.ports["p2"], None) as stream,
    ):
        via = Via.build("tls", "old.example", branch="z9hG4bKold")
        await stream.send(bytes(request("MESSAGE", BOB, "sip:anybody@old.example", via, 1, b"hello")))
        assert (await answered(stream)).status == 200
        assert presented_chain(stream.extra(TLSAttribute.ssl_object))[0] == NAMELESS.der  # noqa: S610 - not Django's
        assert all_four.p2.arrivals[-1].facts.server_name is None
