"""Judging a client whose connection the caller holds: real certificates, zones in place of the DNS, every loop."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import anyio
import pytest
import trio

from clients import proven
from judging import said
from loopback_tls import CURRENT
from pki import Issuer
from siptls import Admission, AllowList, Anchors, ClientVerdict, InvalidName, InvalidPolicy, Policy, Security, TlsFacts
from siptls_io import InvalidServer, ZoneFiles, judge_client, judge_client_async
from siptls_io.ad_resolver import AdResolver

ROOT = Issuer.root(**CURRENT)
LEAF = ROOT.leaf(uris=["sip:example.com"], dns=["p1.example.com"], **CURRENT)
ANCHORS = Anchors((ROOT.der,))
PIN = f"3 1 1 {hashlib.sha256(LEAF.spki).hexdigest()}"
ZONE = f"""
_sips._tcp SRV 10 0 5061 p1
p1 A 192.0.2.1
_5061._tcp.p1 TLSA {PIN}
_sip-client TLSA {PIN}
"""
FACTS = TlsFacts("TLSv1.3")

Judge = Callable[..., ClientVerdict]


def on_asyncio(chain: Any, **options: Any) -> ClientVerdict:
    return asyncio.run(judge_client_async(chain, **options))


def on_trio(chain: Any, **options: Any) -> ClientVerdict:
    async def judge() -> ClientVerdict:
        return await judge_client_async(chain, **options)

    return trio.run(judge)


def on_anyio(chain: Any, **options: Any) -> ClientVerdict:
    async def judge() -> ClientVerdict:
        return await judge_client_async(chain, **options)

    return anyio.run(judge, backend="asyncio")


everywhere = pytest.mark.parametrize("judge", [judge_client, on_asyncio, on_trio, on_anyio])


def zones(zone: str = ZONE, status: Security = Security.SECURE) -> ZoneFiles:
    return ZoneFiles({"example.com": zone}, default=status)


@everywhere
@pytest.mark.req("R5922-7.4-3", "D-DANCE-1", "D-DANCE-2", "D-DANCE-3", "S-A-28")
def test_all_ways_are_taken_and_told(judge: Judge) -> None:
    verdict = judge(
        LEAF.chain,
        resolver=zones(),
        anchors=ANCHORS,
        facts=FACTS,
        client_name="_sip-client.example.com",
        claims=iter(["example.com"]),
        sent_by="p1.example.com",
    )
    assert said(verdict) == ("ACCEPTED", "dane-ee", "inbound.client-name")
    assert proven(verdict) == (
        ["server-records example.com", "uri example.com"],
        ["client-name _sip-client.example.com", "server-records p1.example.com", "sent-by p1.example.com"],
    )
    assert verdict.admission is Admission.AUTHENTICATED


@everywhere
@pytest.mark.req("D-DANCE-4")
def test_failed_lookups_leave_it_undetermined(judge: Judge) -> None:
    verdict = judge(LEAF.chain, resolver=zones(status=Security.BOGUS), anchors=ANCHORS, claims=["example.com"])
    assert said(verdict) == ("UNDETERMINED", "none", "dnssec.bogus")


@everywhere
def test_where_nothing_is_to_be_looked_up_no_resolver_is_needed(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_system(*_arguments: object) -> AdResolver:
        raise InvalidServer("the system", "a name server")

    monkeypatch.setattr(AdResolver, "system", no_system)
    assert said(judge(LEAF.chain, anchors=ANCHORS)) == ("ACCEPTED", "pkix", "inbound.identities")
    assert judge(LEAF.chain, anchors=ANCHORS, authorize=AllowList(["other.example"])).code == "inbound.not-allowed"
    served = judge((), client_certificate="optional", claims=["example.com"])
    assert (served.code, served.admission) == ("tls.no-certificate", Admission.UNAUTHENTICATED)
    with pytest.raises(InvalidServer):
        judge(LEAF.chain, anchors=ANCHORS, claims=["example.com"])


@everywhere
def test_an_internationalised_claim_is_looked_up_in_a_labels(judge: Judge) -> None:
    verdict = judge(
        LEAF.chain,
        resolver=ZoneFiles({"xn--bcher-kva.example": ""}, default=Security.SECURE),
        anchors=ANCHORS,
        claims=["b\xfccher.example"],
    )
    (step,) = [step for step in verdict.steps if step.code == "inbound.claim"]
    assert step.found == "server-records xn--bcher-kva.example"


@everywhere
def test_mistakes_are_told_before_anything_is_done(judge: Judge) -> None:
    for mistake, error in (
        ({"authorise": AllowList([])}, TypeError),
        ({"claims": "example.com"}, InvalidName),
        ({"claims": ["b\xfccher..example"]}, InvalidName),
        ({"client_certificate": "maybe"}, InvalidPolicy),
        ({"crls": [b"a list"]}, InvalidPolicy),
        ({"crls": b"a list", "policy": Policy(revocation="crl")}, TypeError),
    ):
        with pytest.raises(error):
            judge(LEAF.chain, anchors=ANCHORS, **mistake)
    revoked = judge(
        LEAF.chain,
        anchors=ANCHORS,
        crls=[ROOT.crl(LEAF, since=CURRENT["not_before"], until=CURRENT["not_after"])],
        policy=Policy(revocation="crl"),
    )
    assert revoked.code == "chain.revoked"
    assert judge(LEAF.chain, anchors=ANCHORS, at=CURRENT["not_after"] + timedelta(days=1)).code == "chain.expired"


@everywhere
def test_without_anchors_the_systems_are_taken(judge: Judge) -> None:
    verdict = judge(LEAF.chain)
    assert not verdict.accepted
    (step,) = [step for step in verdict.steps if step.code == verdict.code][:1]
    assert "system" in step.expected
