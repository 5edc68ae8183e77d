"""alice, P1, P2, bob, with Kamailio as P2: it moves the messages, and asks siptls whom it speaks to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from anyio.streams.tls import TLSAttribute

from servers.advice import Advice, advising
from servers.kamailio_proxy import proxying
from servers.lab import Lab
from servers.nameservers import RESOLVER_ADDRESS, RESOLVER_PORT
from servers.proxies import (
    A_DOMAIN,
    B_DOMAIN,
    P1_ADDRESS,
    P1_HOST,
    P1_PORT,
    P2_ADDRESS,
    P2_HOST,
    P2_PORT,
    SECOND,
    SHORT,
)
from siptls import Anchors, Identity, Policy, Refusal, Row, Via
from siptls.trapezoid import authoritative_proxy, mutual_authentication
from siptls_io.ad_resolver import AdResolver
from siptls_io.anchors import anchors_from_pem
from siptls_io.tls import presented_chain
from trapezoid.on_loops import Run, by_both_loops
from trapezoid.phone import Phone
from trapezoid.proxy import Proxy
from trapezoid.sip import request
from trapezoid.stranger import answered, connected

pytestmark = pytest.mark.server("nsd", "unbound", "kamailio", "ldns-signzone")

ALICE, BOB, CAROL = f"sip:alice@{A_DOMAIN}", f"sip:bob@{B_DOMAIN}", f"sip:carol@{SECOND}"


def new_resolver() -> AdResolver:
    """A new one each time, since the cache is part of it."""
    server = (RESOLVER_ADDRESS, RESOLVER_PORT)
    return AdResolver([server], trusted=[server])


@dataclass
class Kamailio:
    """P2: what it asked siptls, and the world around it."""

    lab: Lab
    advice: Advice
    anchors: Anchors


@pytest.fixture
def kamailio(lab: Lab, tmp_path: Path) -> Iterator[Kamailio]:
    anchors = anchors_from_pem(lab.ca_file)
    advice = Advice([B_DOMAIN, SECOND], [A_DOMAIN], new_resolver(), anchors)
    with advising(advice) as port, proxying(lab.proxies.p2, lab.proxies.somebody, port, tmp_path):
        yield Kamailio(lab, advice, anchors)


@dataclass
class Around:
    """Those around P2, running."""

    p1: Proxy
    alice: Phone
    bob: Phone


@asynccontextmanager
async def around(kamailio: Kamailio, *, shows: bool = True, offers: bool = True) -> AsyncGenerator[Around]:
    """Run P1, alice and bob as long as the block runs."""
    resolver, anchors = new_resolver(), kamailio.anchors
    listener = await anyio.create_tcp_listener(local_host=P1_ADDRESS, local_port=P1_PORT)
    async with listener, anyio.create_task_group() as tasks:
        p1 = Proxy(
            P1_HOST,
            [A_DOMAIN],
            listener,
            P1_PORT,
            [kamailio.lab.proxies.p1],
            resolver=resolver,
            anchors=anchors,
            claims=[B_DOMAIN],
            shows=shows,
            offers=offers,
            policy=Policy(),
        )
        alice = Phone(ALICE, resolver=resolver, anchors=anchors)
        bob = Phone(BOB, resolver=resolver, anchors=anchors)
        for each in (p1, alice, bob):
            await tasks.start(each.run)
        yield Around(p1, alice, bob)
        assert p1.failed == []
        tasks.cancel_scope.cancel()


@by_both_loops
@pytest.mark.req("S-A-28", "S-B-2", "S-B-4", "RJOH-m-1", "R5923-9.2-1", "S-A-27", "R7671-10.2-1")
def test_p1_and_kamailio_verify_each_other_by_tlsa(kamailio: Kamailio, run: Run) -> None:
    async def main() -> None:
        async with around(kamailio) as those:
            response = await those.alice.say(BOB, "hello")
            assert (response.status, response.body) == (200, b"heard: hello")
            (server,) = those.p1.verdicts
            (client,) = kamailio.advice.others()
            assert (server.method, server.domain) == ("dane-ee", B_DOMAIN)
            assert (client.verdict.method, client.verdict.code) == ("dane-ee", "inbound.server-records")
            assert Identity(A_DOMAIN, "server-records") in client.verdict.identities
            assert [step.code for step in mutual_authentication(server, client.verdict)] == ["proxy.mutual"]
            assert [step.code for step in authoritative_proxy(client.verdict, A_DOMAIN)] == ["proxy.by-server-records"]
            assert kamailio.advice.asked[-1]["server_name"] == P2_HOST
            # bob's phone has no certificate: it is served, and is nobody.
            assert kamailio.advice.asked[0]["certificate"] == ""

    run(main)


@by_both_loops
@pytest.mark.req("R5923-8.2-3", "R5923-8.2-4", "R5923-8.2-7", "R5923-8.1-3", "R5923-5-3", "S-A-25")
def test_kamailio_sends_a_request_back_over_the_connection_that_p1_opened_and_offered(
    kamailio: Kamailio, run: Run
) -> None:
    async def main() -> None:
        async with around(kamailio) as those:
            assert (await those.bob.say(ALICE, "too early")).status == 503
            assert (await those.alice.say(BOB, "hello")).status == 200
            response = await those.bob.say(ALICE, "hello back")
            assert (response.status, response.body) == (200, b"heard: hello back")
            assert [message.body for message in those.alice.heard] == [b"hello back"]
            assert (len(those.p1.accepted), those.p1.refused) == (1, [])  # alice; nobody else connected to P1
            (opened,) = those.p1.opened
            assert [message.start for message in opened.heard][-1] == f"MESSAGE {ALICE} SIP/2.0"
            (verdict,) = kamailio.advice.verdicts[1:]
            assert (verdict.method, verdict.domain, verdict.accepted) == ("dane-ee", A_DOMAIN, True)
            (row,) = kamailio.advice.grants
            assert isinstance(row, Row)
            assert (row.address, row.port, [*row.proven]) == (P1_ADDRESS, P1_PORT, [A_DOMAIN])

    run(main)


@by_both_loops
@pytest.mark.req("R5923-8.2-2", "R5923-9.2-2", "R5922-7.4-5", "T-A02")
@pytest.mark.parametrize(
    ("shows", "offers", "code"), [(True, False, "reuse.no-alias"), (False, True, "reuse.not-authenticated")]
)
def test_kamailio_sends_nothing_back_where_nothing_was_offered_or_nobody_is_known(
    kamailio: Kamailio, run: Run, shows: bool, offers: bool, code: str
) -> None:
    async def main() -> None:
        async with around(kamailio, shows=shows, offers=offers) as those:
            assert (await those.alice.say(BOB, "hello")).status == 200
            refusals = [client.offers[-1] for client in kamailio.advice.clients.values()]
            assert [refusal.code for refusal in refusals if isinstance(refusal, Refusal)] == ["reuse.no-alias", code]
            assert (await those.bob.say(ALICE, "hello back")).status == 503
            assert those.alice.heard == []

    run(main)


@by_both_loops
@pytest.mark.req("R5923-5-2", "R5923-9.3-2", "T-A01", "T-A02", "T-A05", "A-16")
def test_kamailio_sends_a_neighbour_who_offers_the_address_of_p1_nothing_for_its_domain(
    kamailio: Kamailio, run: Run
) -> None:
    somebody = kamailio.lab.proxies.somebody

    async def main() -> None:
        async with around(kamailio) as those, connected(P2_PORT, somebody, P2_ADDRESS) as stream:
            via = Via.build("tls", P1_HOST, P1_PORT, branch="z9hG4bKneighbour", alias=True)
            await stream.send(bytes(request("MESSAGE", BOB, "sip:x@somebody.example", via, 1, b"hello")))
            assert (await answered(stream)).status == 200
            (client,) = kamailio.advice.others()
            (row,) = client.offers
            assert isinstance(row, Row)
            assert (row.address, row.port, row.domains) == (P1_ADDRESS, P1_PORT, ("somebody.example",))
            assert (await those.bob.say(ALICE, "for you only")).status == 503
            (verdict,) = kamailio.advice.verdicts
            assert "reuse.identity" in {step.code for step in verdict.steps}
            # Once P1 has come, the request finds its way past the neighbour.
            assert (await those.alice.say(BOB, "hello")).status == 200
            assert (await those.bob.say(ALICE, "for you only")).status == 200

    run(main)


@by_both_loops
@pytest.mark.req("R5923-9.2-3", "R5923-9-1", "T-A02")
def test_who_shows_a_certificate_that_nobody_vouches_for_gets_no_service_and_no_row(
    kamailio: Kamailio, run: Run
) -> None:
    stranger = kamailio.lab.proxies.stranger

    async def main() -> None:
        async with around(kamailio) as those, connected(P2_PORT, stranger, P2_ADDRESS) as stream:
            via = Via.build("tls", P1_HOST, P1_PORT, branch="z9hG4bKfalse", alias=True)
            await stream.send(bytes(request("MESSAGE", BOB, ALICE, via, 1, b"hello")))
            assert (await answered(stream)).status == 403
            assert (len(kamailio.advice.table), those.bob.heard) == (0, [])
            # Who sends no server name sees the default certificate.
            shown = presented_chain(stream.extra(TLSAttribute.ssl_object))  # noqa: S610 - Django's is another
            assert shown[0] == kamailio.lab.proxies.somebody.der

    run(main)


@by_both_loops
@pytest.mark.req("S-A-25", "S-A-26", "A-16", "R5923-8.1-7")
def test_a_second_domain_at_kamailio_joins_by_its_own_signed_records_for_no_longer_than_their_ttl(
    kamailio: Kamailio, run: Run
) -> None:
    async def main() -> None:
        async with around(kamailio) as those:
            assert (await those.alice.say(BOB, "hello")).status == 200
            assert (await those.alice.say(CAROL, "hello")).status == 480  # her phone is switched off
            asked_until = anyio.current_time()
            assert len(those.p1.opened) == 1
            (row,) = those.p1.grants
            assert isinstance(row, Row)
            assert set(row.proven) == {B_DOMAIN, SECOND}
            assert row.proven[SECOND] <= asked_until + SHORT

    run(main)


@by_both_loops
@pytest.mark.req("A-16", "R5923-5-3")
def test_an_alias_at_kamailio_whose_evidence_is_over_is_judged_again(kamailio: Kamailio, run: Run) -> None:
    async def main() -> None:
        async with around(kamailio) as those:
            assert (await those.alice.say(BOB, "hello")).status == 200
            (client,) = kamailio.advice.others()
            row = client.offers[-1]
            assert isinstance(row, Row)
            (stale,) = kamailio.advice.table.expire(row.expires)
            assert (stale.state, dict(stale.proven)) == ("stale", {})
            assert (await those.bob.say(ALICE, "hello back")).status == 200
            (renewed,) = kamailio.advice.grants
            assert isinstance(renewed, Row)
            assert (renewed.state, [*renewed.proven]) == ("live", [A_DOMAIN])

    run(main)
