"""Who is not who he should be: between the proxies no byte of SIP is sent to him or read from him."""

from __future__ import annotations

from functools import partial

import anyio
import pytest

from loopback_tls import CURRENT, LoopbackServer, server_context, tls
from pki import Issuer
from serving import visited
from siptls import Refusal, Row, Security, Via
from trapezoid.deployment import (
    A_DOMAIN,
    ALICE,
    B_DOMAIN,
    BOB,
    P1_FOR_DOMAIN,
    P1_HOST,
    P2,
    P2_ADDRESS,
    P2_FOR_DOMAIN,
    P2_HOST,
    ROOT,
    Trapezoid,
    pin,
    publish,
    trapezoid,
)
from trapezoid.on_loops import on_both_loops, until
from trapezoid.sip import Message, request
from trapezoid.stranger import answered, connected

MALLORY = "sip:mallory@evil.example"
OTHER_CA = Issuer.root("Other Root", **CURRENT)
EVIL = ROOT.leaf(cn="evil", uris=["sip:evil.example"], **CURRENT)
"""An honest certificate of a domain that wants more."""
NAMES_ALL = ROOT.leaf(cn="false P2", uris=[f"sip:{B_DOMAIN}"], dns=[P2_HOST], **CURRENT)
"""One that a trusted CA should not have issued."""
FALSE_P1 = OTHER_CA.leaf(cn="false P1", uris=[f"sip:{A_DOMAIN}"], dns=[P1_HOST], **CURRENT)


def offering(all_four: Trapezoid, sender: str) -> Message:
    """A request that says it comes from P1, and offers the connection that it comes over."""
    via = Via.build("tls", P1_HOST, all_four.ports["p1"], branch="z9hG4bKevil", alias=True)
    return request("MESSAGE", BOB, sender, via, 1, b"hello")


# At P1: the server.


@pytest.mark.req("R5922-7.3-4", "R5923-8.1-5", "R5923-9.1-1", "RJOH-m-1")
@on_both_loops
async def test_a_false_p2_hears_nothing_of_the_request_though_a_trusted_ca_vouches_for_it() -> None:
    for leaf, tlsa, code in (
        (NAMES_ALL, pin(P2), "dane.no-match"),
        (OTHER_CA.leaf(dns=[P2_HOST], **CURRENT), None, "chain.missing-intermediate"),
        (EVIL, None, "id.mismatch"),
    ):
        with LoopbackServer(tls(server_context(leaf)), P2_ADDRESS) as false_p2:
            async with trapezoid() as all_four:
                publish(all_four.world, B_DOMAIN, P2_HOST, P2_ADDRESS, false_p2.port, tlsa)
                assert (await all_four.alice.say(BOB, "for you only")).status == 503
                (verdict,) = all_four.p1.verdicts
                assert (verdict.accepted, verdict.code) == (False, code)
                assert len(all_four.p1.table) == 0
                seen = await anyio.to_thread.run_sync(false_p2.only)
            assert seen.received == b""


# At P2: the client.


@pytest.mark.req("R5923-9.2-3", "R5923-9-1", "T-A02")
@on_both_loops
async def test_a_false_p1_is_closed_unheard_and_gets_no_row() -> None:
    async with trapezoid() as all_four:
        say = bytes(offering(all_four, ALICE))
        visit = await anyio.to_thread.run_sync(
            partial(visited, all_four.ports["p2"], FALSE_P1, name=P2_HOST, address=P2_ADDRESS, say=say)
        )
        assert visit.reply == b""
        await until(lambda: all_four.p2.refused)
        (why,) = all_four.p2.refused
        assert why.verdict is not None
        assert not why.verdict.accepted
        assert len(all_four.p2.accepted) == 1  # bob
        assert (len(all_four.p2.table), all_four.bob.heard) == (0, [])


@pytest.mark.req("R5923-5-2", "R5923-9.3-2", "R5923-9.3-4", "T-A02", "T-A01", "T-A05", "A-16")
@on_both_loops
async def test_a_neighbour_who_offers_the_address_of_p1_is_sent_nothing_for_its_domain() -> None:
    async with trapezoid() as all_four, connected(all_four.ports["p2"], EVIL) as evil:
        await evil.send(bytes(offering(all_four, MALLORY)))
        assert (await answered(evil)).status == 200
        (_, link) = all_four.p2.accepted
        (row,) = link.offers
        assert isinstance(row, Row)
        # It has the very place that alice's domain leads to, for itself.
        assert (row.address, row.port, row.domains) == ("127.0.0.1", all_four.ports["p1"], ("evil.example",))

        assert (await all_four.bob.say(ALICE, "for you only")).status == 200
        (verdict,) = all_four.p2.verdicts
        assert (verdict.accepted, verdict.reused) == (True, None)
        assert next(step.code for step in verdict.steps if step.hop.startswith("REUSE")) == "reuse.candidate"
        assert [message.status for message in link.said] == [200]
        assert all_four.between() == (1, 1)


@pytest.mark.req("R5923-8.2-1", "R5923-9.2-2", "T-A02")
@on_both_loops
async def test_who_has_no_certificate_is_served_and_offers_in_vain() -> None:
    async with trapezoid() as all_four, connected(all_four.ports["p2"], None) as nobody:
        await nobody.send(bytes(offering(all_four, MALLORY)))
        assert (await answered(nobody)).status == 200
        (_, link) = all_four.p2.accepted
        (refusal,) = link.offers
        assert isinstance(refusal, Refusal)
        assert refusal.code == "reuse.not-authenticated"
        assert all_four.p2.arrivals[-1].facts.server_name is None
        assert (await all_four.bob.say(ALICE, "for you only")).status == 200
        assert all_four.between() == (1, 1)
        assert [message.status for message in link.said] == [200]


@pytest.mark.req("R5923-8.1-3")
@on_both_loops
async def test_a_server_that_was_offered_nothing_may_send_no_requests_over_the_connection() -> None:
    async with trapezoid(offers=False) as all_four:
        assert (await all_four.alice.say(BOB, "hello")).status == 200
        via = Via.build("tls", P2_HOST, all_four.ports["p2"], branch="z9hG4bKpush")
        await all_four.from_p1().send(request("MESSAGE", ALICE, BOB, via, 1, b"unasked"))
        await until(lambda: len(all_four.from_p1().heard) == 2)
        assert all_four.from_p1().heard[1].status == 403
        assert all_four.alice.heard == []
        assert [step.code for step in all_four.p1.findings[-1]] == ["reuse.not-offered"]


@pytest.mark.req("R5922-7.3-4")
@on_both_loops
async def test_without_dnssec_the_name_of_the_host_makes_nobody_the_proxy_of_the_domain() -> None:
    async with trapezoid(security=Security.INSECURE, p1=[P1_FOR_DOMAIN], p2=[P2_FOR_DOMAIN], pinned=False) as all_four:
        all_four.p2.show(P2)
        assert (await all_four.alice.say(BOB, "hello")).status == 503
        (verdict,) = all_four.p1.verdicts
        assert verdict.code == "id.srv-target-only"
        assert all_four.from_p1().heard == []
