"""What was an alias once is judged again: by what the DNS and the CRLs say now. What runs on the connection goes on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import anyio
import pytest

from loopback_tls import CURRENT, NOW
from siptls import Crls, Policy, Row, Security
from trapezoid.deployment import (
    A_DOMAIN,
    ALICE,
    BOB,
    P1_FOR_DOMAIN,
    P1_HOST,
    P2_FOR_DOMAIN,
    ROOT,
    Trapezoid,
    pin,
    trapezoid,
)
from trapezoid.on_loops import on_both_loops, until
from trapezoid.phone import LATER
from trapezoid.sip import Message

NEW_P1 = ROOT.leaf(cn="P1 after a roll-over", dns=[P1_HOST], **CURRENT)


@asynccontextmanager
async def running(all_four: Trapezoid) -> AsyncGenerator[list[Message]]:
    """A request of alice that bob answers at the end of the block; then its response is in the list."""
    responses: list[Message] = []

    async def ask() -> None:
        responses.append(await all_four.alice.say(BOB, LATER.decode()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await all_four.bob.rung()
        yield responses
        assert responses == []
        all_four.bob.released.set()


@pytest.mark.req("A-16", "R5923-5-3", "T-A05", "R5922-7.3-4")
@on_both_loops
async def test_after_the_tlsa_records_changed_the_old_connection_gets_no_new_request_and_ends_its_transaction() -> None:
    async with trapezoid() as all_four:
        async with running(all_four) as responses:
            assert (await all_four.bob.say(ALICE, "before")).status == 200
            all_four.publish(A_DOMAIN, pin(NEW_P1))
            assert (await all_four.bob.say(ALICE, "after")).status == 503
            before, after = all_four.p2.verdicts
            assert before.reused is all_four.from_p1()
            assert (after.outcome.value, after.code, after.reused) == ("REJECTED", "dane.no-match", None)
            link = all_four.p2.accepted[1]
            assert [message.start for message in link.said] == [f"MESSAGE {ALICE} SIP/2.0"]
            # A new connection was made, and not used: P1 shows what it has always shown.
            await until(lambda: all_four.between() == (1, 1))
            assert all(new.heard == [] for new in all_four.p1.accepted[1:])
            assert [message.body for message in all_four.alice.heard] == [b"before"]
        assert responses[0].status == 200
        assert link.said[-1].start == "SIP/2.0 200 OK"


@pytest.mark.req("A-16", "R5923-8.2-8")
@on_both_loops
async def test_after_a_roll_over_requests_go_over_a_new_connection_and_the_old_one_may_end_its_transaction() -> None:
    async with trapezoid() as all_four:
        async with running(all_four) as responses:
            all_four.publish(A_DOMAIN, pin(NEW_P1))
            all_four.p1.show(NEW_P1)
            assert (await all_four.bob.say(ALICE, "hello")).status == 200
            assert all_four.between() == (1, 1)
            assert (await all_four.bob.say(ALICE, "hello")).status == 200
            assert all_four.between() == (1, 1)
            assert all_four.p2.verdicts[-1].reused is all_four.p2.opened[0]
            assert all_four.from_p1().carrier.state == "open"
        assert responses[0].status == 200


@pytest.mark.req("A-16", "R5923-5-3")
@on_both_loops
async def test_an_alias_whose_ttl_is_over_is_stale_until_the_records_of_the_day_prove_it_again() -> None:
    async with trapezoid() as all_four:
        assert (await all_four.alice.say(BOB, "hello")).status == 200
        (row,) = all_four.p2.table.of(all_four.from_p1())
        (stale,) = all_four.p2.table.expire(row.expires)
        assert (stale.state, dict(stale.proven)) == ("stale", {})
        assert (await all_four.bob.say(ALICE, "hello back")).status == 200
        assert all_four.between() == (1, 0)
        (renewed,) = all_four.p2.grants
        assert isinstance(renewed, Row)
        assert (renewed.state, [*renewed.proven]) == ("live", [A_DOMAIN])

        all_four.p2.table.expire(renewed.expires)
        all_four.publish(A_DOMAIN, pin(NEW_P1))
        assert (await all_four.bob.say(ALICE, "and again")).status == 503
        assert [row.state for row in all_four.p2.table.of(all_four.from_p1())] == ["stale"]
        assert all_four.from_p1().carrier.state == "open"


@pytest.mark.req("GJ-7", "A-16", "R5280-6.1.3-1")
@on_both_loops
async def test_a_certificate_that_was_revoked_carries_no_new_request_and_ends_its_transaction() -> None:
    for certificate in (P1_FOR_DOMAIN, P2_FOR_DOMAIN):
        async with trapezoid(
            security=Security.INSECURE,
            p1=[P1_FOR_DOMAIN],
            p2=[P2_FOR_DOMAIN],
            pinned=False,
            policy=Policy(revocation="crl"),
        ) as all_four:
            backward = certificate is P1_FOR_DOMAIN
            proxy, phone, other = (all_four.p2, all_four.bob, ALICE) if backward else (all_four.p1, all_four.alice, BOB)
            async with running(all_four) as responses:
                link = all_four.from_p1() if backward else all_four.p1.opened[0]
                assert (await phone.say(other, "before")).status == 200
                assert proxy.verdicts[-1].reused is link
                said = len(link.said)
                proxy.crls = Crls((ROOT.crl(certificate, since=NOW - timedelta(days=1)),))
                assert (await phone.say(other, "after")).status == 503
                verdict = proxy.verdicts[-1]
                assert (verdict.outcome.value, verdict.code) == ("REJECTED", "chain.revoked")
                assert "reuse.identity" in {step.code for step in verdict.steps}
                assert len(link.said) == said
            assert responses[0].status == 200


@pytest.mark.req("R5923-8.3-1", "R5923-8.3-3")
@on_both_loops
async def test_a_connection_that_is_about_to_be_closed_is_found_no_more_and_ends_what_runs() -> None:
    async with trapezoid() as all_four:
        async with running(all_four) as responses:
            link = all_four.from_p1()
            assert len(link.carrier.close()) == 1
            all_four.p2.table.closing(link)
            assert (await all_four.bob.say(ALICE, "hello")).status == 200
            assert all_four.between() == (1, 1)
            assert len(link.carrier.pending) == 1
        assert responses[0].status == 200
        assert link.carrier.discards  # it is time for the closure alert
