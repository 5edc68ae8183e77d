"""The TLS cases that Gurbani and Jeffrey collected for SIP, with the client being judged (RFC 6216 section 6).

Each is played over real TLS on loopback, our side being the server, through the public ``serve()`` of every kind of
program. A server has no name that it could hold against a client's certificate (RFC 5922 section 7.4): where a server's
certificate must name the domain that was called, a client's must name a domain that may connect.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest

from loopback_tls import CURRENT, NOW, Dates
from loops import MESSAGE
from pki import ANY_EKU, CLIENT_AUTH, EMAIL_PROTECTION, SERVER_AUTH, SIP_DOMAIN, Issued, Issuer
from serving import REPLY, Way, context, in_every_way, serving, visited
from siptls import Admission, AllowList, Anchors, ClientVerdict, Identity, Policy
from siptls.policy import Purpose
from siptls_io.server import Judge

DAY = timedelta(days=1)
DOMAIN = "example.com"
URI = [f"sip:{DOMAIN}"]

ROOT = Issuer.root(**CURRENT)
CA = ROOT.intermediate("Intermediate", **CURRENT)
ANCHORS = Anchors((ROOT.der,))
LEAF = CA.leaf(uris=URI, **CURRENT)
STRANGER = Issuer.root("Unknown Root", **CURRENT)
OUR_OWN = context(CA.leaf(uris=["sip:biloxi.example"], **CURRENT))
PEERS = AllowList([DOMAIN])

MATCH = ("ACCEPTED", "pkix", "inbound.allowed")


def said(verdict: ClientVerdict) -> tuple[str, str, str]:
    return verdict.outcome.value, verdict.method, verdict.code


def rejected(code: str) -> tuple[str, str, str]:
    return "REJECTED", "none", code


def codes(verdict: ClientVerdict) -> set[str]:
    return {finding.code for finding in verdict.findings}


def accepted(way: Way, leaf: Issued, judge: Judge, *, chain: bytes | None = None) -> ClientVerdict:
    """A client is served: its message was heard, and answered."""
    with serving(way, OUR_OWN, judge) as server:
        assert visited(server.port, leaf, chain=chain).reply == REPLY
    assert server.heard == [MESSAGE]
    assert server.refused == []
    verdict: ClientVerdict = server.only().verdict
    assert verdict.accepted
    assert verdict.admission is Admission.AUTHENTICATED
    return verdict


def refused(way: Way, leaf: Issued, judge: Judge, *, chain: bytes | None = None) -> ClientVerdict:
    """A client is not served: not one octet of its message was heard, nothing was answered, and it is nobody."""
    with serving(way, OUR_OWN, judge) as server:
        assert visited(server.port, leaf, chain=chain).reply == b""
        why = server.only_refused()
    assert (server.connections, server.heard) == ([], [])
    verdict = why.verdict
    assert verdict is not None
    assert (why.code, verdict.admission, verdict.identities) == (verdict.code, Admission.CLOSE, ())
    assert verdict.code in codes(verdict)
    return verdict


def judging(*, anchors: Anchors = ANCHORS, crls: list[bytes] | None = None, policy: Policy | None = None) -> Judge:
    return Judge(anchors=anchors, crls=crls or [], authorize=PEERS, policy=policy or Policy())


STRICT = judging()


# GJ-1: the domain in a dNSName.


@in_every_way
@pytest.mark.req("GJ-1", "R5922-7.4-3", "R5922-7.4-7")
def test_gj_1_a_client_is_the_domain_of_its_dns_name(way: Way) -> None:
    verdict = accepted(way, CA.leaf(dns=[DOMAIN], **CURRENT), STRICT)
    assert said(verdict) == MATCH
    assert verdict.identities == (Identity(DOMAIN, "dns"),)


@in_every_way
@pytest.mark.req("GJ-1", "R5922-7.1-9")
def test_gj_1_a_dns_name_counts_for_nothing_beside_a_sip_uri(way: Way) -> None:
    leaf = CA.leaf(dns=[DOMAIN], uris=["sip:other.example"], **CURRENT)
    assert said(refused(way, leaf, STRICT)) == rejected("inbound.not-allowed")


# GJ-2: the domain in the Common Name alone.


@in_every_way
@pytest.mark.req("GJ-2", "A-10")
def test_gj_2_a_common_name_counts_by_policy_where_there_is_no_alternative_name(way: Way) -> None:
    leaf = CA.leaf(cn=DOMAIN, **CURRENT)
    assert said(refused(way, leaf, STRICT)) == rejected("cert.no-identities")
    verdict = accepted(way, leaf, judging(policy=Policy(allow_cn=True)))
    assert verdict.identities == (Identity(DOMAIN, "cn"),)
    assert "policy.relaxed" in codes(verdict)


@in_every_way
@pytest.mark.req("GJ-2", "A-10", "T-N04", "T-N05")
def test_gj_2_a_common_name_counts_for_nothing_beside_an_alternative_name(way: Way) -> None:
    for leaf in (
        CA.leaf(cn=DOMAIN, emails=["alice@example.com"], **CURRENT),
        CA.leaf(cn=DOMAIN, uris=["sip:alice@example.com"], **CURRENT),
    ):
        for policy in (Policy(), Policy(allow_cn=True)):
            assert said(refused(way, leaf, judging(policy=policy))) == rejected("cert.no-identities")


# GJ-3: no name is one that may connect.


@in_every_way
@pytest.mark.req("GJ-3", "R5922-7.4-7")
@pytest.mark.parametrize(
    ("leaf", "code"),
    [
        (CA.leaf(uris=["sip:other.example", "sip:sub.example.com"], **CURRENT), "inbound.not-allowed"),
        (CA.leaf(dns=["example.com.evil.example"], **CURRENT), "inbound.not-allowed"),
        (CA.leaf(dns=["*.com", "*.example.com"], **CURRENT), "cert.no-identities"),
        (CA.leaf(cn="other.example", **CURRENT), "cert.no-identities"),
    ],
    ids=["uri", "longer", "wildcard", "name"],
)
def test_gj_3_a_client_of_another_domain_may_not_connect(way: Way, leaf: Issued, code: str) -> None:
    assert said(refused(way, leaf, STRICT)) == rejected(code)


# GJ-4: the root is not trusted.


@in_every_way
@pytest.mark.req("GJ-4", "R5922-7.1-1", "R5922-8-1")
def test_gj_4_a_client_below_a_root_that_is_not_trusted_is_nobody(way: Way) -> None:
    leaf = STRANGER.intermediate(**CURRENT).leaf(uris=URI, **CURRENT)
    for anchors in (ANCHORS, Anchors()):
        for chain in (None, leaf.presented_pem + STRANGER.pem):
            verdict = refused(way, leaf, judging(anchors=anchors), chain=chain)
            assert said(verdict) == rejected("chain.unknown-ca")
    assert said(accepted(way, leaf, judging(anchors=Anchors((STRANGER.der,))))) == MATCH


# GJ-5: an issuer is missing.


@in_every_way
@pytest.mark.req("GJ-5")
def test_gj_5_a_client_that_leaves_out_its_issuer_is_nobody(way: Way) -> None:
    assert said(refused(way, LEAF, STRICT, chain=LEAF.pem)) == rejected("chain.missing-intermediate")
    assert said(accepted(way, LEAF, STRICT)) == MATCH


# GJ-6: out of date.

PAST: Dates = {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY}
FUTURE: Dates = {"not_before": NOW + DAY, "not_after": NOW + 9 * DAY}


@in_every_way
@pytest.mark.req("GJ-6", "R5280-6.1.3-1")
@pytest.mark.parametrize(
    ("dates", "code"), [(PAST, "chain.expired"), (FUTURE, "chain.not-yet-valid")], ids=["after", "before"]
)
def test_gj_6_a_client_with_a_certificate_out_of_its_dates_is_nobody(way: Way, dates: Dates, code: str) -> None:
    of_the_leaf = CA.leaf(uris=URI, **dates)
    of_the_issuer = ROOT.intermediate(**dates).leaf(uris=URI, **CURRENT)
    for leaf in (of_the_leaf, of_the_issuer):
        assert said(refused(way, leaf, STRICT)) == rejected(code)


# GJ-7: revoked.

CA_LIST, ROOT_LIST = CA.crl(since=NOW - DAY), ROOT.crl(since=NOW - DAY)
LEAF_REVOKED, CA_REVOKED = CA.crl(LEAF, since=NOW - DAY), ROOT.crl(CA, since=NOW - DAY)


@in_every_way
@pytest.mark.req("GJ-7", "R5280-6.1.3-1", "R5922-8-1")
@pytest.mark.parametrize("revocation", ["crl", "crl-required"])
def test_gj_7_a_client_whose_certificate_or_issuer_is_revoked_is_nobody(
    way: Way, revocation: Literal["crl", "crl-required"]
) -> None:
    policy = Policy(revocation=revocation)
    for lists in ([LEAF_REVOKED, ROOT_LIST], [CA_LIST, CA_REVOKED]):
        assert said(refused(way, LEAF, judging(crls=lists, policy=policy))) == rejected("chain.revoked")
    assert said(accepted(way, LEAF, judging(crls=[CA_LIST, ROOT_LIST], policy=policy))) == MATCH


@in_every_way
@pytest.mark.req("GJ-7")
def test_gj_7_a_client_of_whom_no_list_speaks_is_nobody_where_lists_are_required(way: Way) -> None:
    verdict = refused(way, LEAF, judging(crls=[ROOT_LIST], policy=Policy(revocation="crl-required")))
    assert said(verdict) == ("UNDETERMINED", "none", "chain.revocation-unknown")
    assert said(accepted(way, LEAF, judging(crls=[ROOT_LIST], policy=Policy(revocation="crl")))) == MATCH


# GJ-8 and GJ-10: for another purpose.


@in_every_way
@pytest.mark.req("GJ-8", "GJ-10", "R5924-5-4", "R5924-5-5", "A-04")
@pytest.mark.parametrize(
    ("purposes", "by"),
    [
        ([EMAIL_PROTECTION], set[Purpose]()),
        ([SERVER_AUTH], {"lax-client"}),
        ([CLIENT_AUTH], {"interop", "lax-client"}),
        ([SERVER_AUTH, CLIENT_AUTH], {"interop", "lax-client"}),
        ([SIP_DOMAIN], {"strict", "interop", "lax-client"}),
        ([ANY_EKU], {"strict", "interop", "lax-client"}),
        ([], {"strict", "interop", "lax-client"}),
    ],
    ids=["mail", "server", "client", "both", "sip", "any", "none"],
)
def test_gj_8_and_10_a_client_needs_a_certificate_that_is_for_clients_or_for_sip_domains(
    way: Way, purposes: list[str], by: set[Purpose]
) -> None:
    leaf = CA.leaf(uris=URI, eku=purposes, **CURRENT)
    policies: tuple[Purpose, ...] = ("strict", "interop", "lax-client")
    for eku in policies:
        judge = judging(policy=Policy(eku=eku))
        if eku in by:
            assert said(accepted(way, leaf, judge)) == MATCH
        else:
            assert said(refused(way, leaf, judge)) == rejected("chain.eku")


@in_every_way
@pytest.mark.req("GJ-8", "D-PATH-2")
def test_gj_8_a_client_whose_issuer_is_for_another_purpose_is_nobody(way: Way) -> None:
    leaf = ROOT.intermediate(eku=[EMAIL_PROTECTION], **CURRENT).leaf(uris=URI, **CURRENT)
    assert said(refused(way, leaf, STRICT)) == rejected("chain.eku")


# GJ-9: an address in place of a name.


@in_every_way
@pytest.mark.req("GJ-9", "A-23")
@pytest.mark.parametrize("allowed", [False, True])
def test_gj_9_the_address_that_a_client_comes_from_is_no_identity_of_it(way: Way, allowed: bool) -> None:
    for leaf in (
        CA.leaf(ips=["127.0.0.1"], **CURRENT),
        CA.leaf(dns=["127.0.0.1"], **CURRENT),
        CA.leaf(uris=["sip:127.0.0.1"], **CURRENT),
    ):
        verdict = refused(way, leaf, Judge(anchors=ANCHORS, policy=Policy(allow_ip_identity=allowed)))
        assert said(verdict) == rejected("cert.no-identities")
