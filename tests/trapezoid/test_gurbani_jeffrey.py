"""The TLS cases that Gurbani and Jeffrey collected for SIP, and two of their neighbours (RFC 6216 section 6).

Each is played over real TLS on loopback, our side being the client, through the public ``connect()`` of every driver.
"""

from __future__ import annotations

import ssl
from datetime import timedelta
from typing import Literal

import pytest

from loopback_tls import CURRENT, NOW, Dates, server_context
from loops import Loop, on_every_loop
from pki import ANY_EKU, CLIENT_AUTH, EMAIL_PROTECTION, SERVER_AUTH, SIP_DOMAIN, Issued, Issuer
from siptls import Anchors, Identity, Policy, Verdict
from siptls_io import PeerRejected, PeerUndetermined
from trapezoid.calling import DOMAIN, HOST, accepted, pin, refused

DAY = timedelta(days=1)
URI = [f"sip:{DOMAIN}"]

ROOT = Issuer.root(**CURRENT)
CA = ROOT.intermediate("Intermediate", **CURRENT)
ANCHORS = Anchors((ROOT.der,))
LEAF = CA.leaf(uris=URI, **CURRENT)
STRANGER = Issuer.root("Unknown Root", **CURRENT)


def said(verdict: Verdict) -> tuple[str, str, str]:
    return verdict.outcome.value, verdict.method, verdict.code


def codes(verdict: Verdict) -> set[str]:
    return {finding.code for finding in verdict.findings}


MATCH = ("ACCEPTED", "pkix", "id.match")


def rejected(code: str) -> tuple[str, str, str]:
    return "REJECTED", "none", code


# GJ-1: the domain in a dNSName.


@on_every_loop
@pytest.mark.req("GJ-1")
def test_gj_1_a_dns_name_of_the_domain_is_accepted(loop: Loop) -> None:
    verdict = accepted(loop, CA.leaf(dns=[DOMAIN], **CURRENT), anchors=ANCHORS)
    assert said(verdict) == MATCH
    assert verdict.identities == (Identity(DOMAIN, "dns"),)


@on_every_loop
@pytest.mark.req("GJ-1", "R5922-7.1-1")
def test_gj_1_a_dns_name_counts_for_nothing_beside_a_sip_uri_of_another_domain(loop: Loop) -> None:
    leaf = CA.leaf(dns=[DOMAIN], uris=["sip:other.example"], **CURRENT)
    assert said(refused(loop, leaf, PeerRejected, anchors=ANCHORS)) == rejected("id.mismatch")
    both = CA.leaf(dns=[DOMAIN], uris=["sip:other.example", *URI], **CURRENT)
    assert accepted(loop, both, anchors=ANCHORS).identities[-1] == Identity(DOMAIN, "uri")


@on_every_loop
@pytest.mark.req("GJ-1")
def test_gj_1_the_name_of_the_host_counts_only_where_the_domain_securely_delegates_to_it(loop: Loop) -> None:
    leaf = CA.leaf(dns=[HOST], **CURRENT)
    assert said(refused(loop, leaf, PeerRejected, anchors=ANCHORS)) == rejected("id.srv-target-only")
    verdict = accepted(loop, leaf, anchors=ANCHORS, dnssec="secure")
    assert said(verdict) == ("ACCEPTED", "pkix", "id.match-target")


# GJ-2: the domain in the Common Name alone.


@on_every_loop
@pytest.mark.req("GJ-2", "A-10")
def test_gj_2_a_common_name_is_accepted_by_policy_where_there_is_no_alternative_name(loop: Loop) -> None:
    leaf = CA.leaf(cn=DOMAIN, **CURRENT)
    assert said(refused(loop, leaf, PeerRejected, anchors=ANCHORS)) == rejected("id.cn-only")
    verdict = accepted(loop, leaf, anchors=ANCHORS, policy=Policy(allow_cn=True))
    assert said(verdict) == MATCH
    assert verdict.identities == (Identity(DOMAIN, "cn"),)
    assert "policy.relaxed" in codes(verdict)


@on_every_loop
@pytest.mark.req("GJ-2", "A-10", "T-N04", "T-N05")
@pytest.mark.parametrize(
    "leaf",
    [
        CA.leaf(cn=DOMAIN, emails=["alice@example.com"], **CURRENT),
        CA.leaf(cn=DOMAIN, uris=["sip:alice@example.com"], **CURRENT),
        CA.leaf(cn=DOMAIN, ips=["127.0.0.1"], **CURRENT),
    ],
    ids=["email", "user", "address"],
)
def test_gj_2_a_common_name_counts_for_nothing_beside_an_alternative_name(loop: Loop, leaf: Issued) -> None:
    for policy in (Policy(), Policy(allow_cn=True)):
        verdict = refused(loop, leaf, PeerRejected, anchors=ANCHORS, policy=policy)
        assert said(verdict) == rejected("id.cn-only")


# GJ-3: no name matches.


@on_every_loop
@pytest.mark.req("GJ-3", "R5922-7.3-1")
@pytest.mark.parametrize(
    ("leaf", "code", "code_with_cn"),
    [
        (CA.leaf(cn="other.example", dns=["other.example"], **CURRENT), "id.mismatch", "id.mismatch"),
        (CA.leaf(cn="other.example", **CURRENT), "cert.no-identities", "id.mismatch"),
        (CA.leaf(uris=["sip:other.example", "sip:sub.example.com"], **CURRENT), "id.mismatch", "id.mismatch"),
        (CA.leaf(dns=["example.com.evil.example"], **CURRENT), "id.mismatch", "id.mismatch"),
        (CA.leaf(dns=["*.com", "*.example.com"], **CURRENT), "id.mismatch", "id.mismatch"),
    ],
    ids=["both", "name", "uri", "longer", "wildcard"],
)
def test_gj_3_other_names_are_rejected(loop: Loop, leaf: Issued, code: str, code_with_cn: str) -> None:
    assert said(refused(loop, leaf, PeerRejected, anchors=ANCHORS)) == rejected(code)
    loose = Policy(allow_cn=True, allow_wildcards=True, allow_ip_identity=True, eku="lax-client")
    assert said(refused(loop, leaf, PeerRejected, anchors=ANCHORS, policy=loose)) == rejected(code_with_cn)


# GJ-4: the root is not trusted.


@on_every_loop
@pytest.mark.req("GJ-4", "R5922-8-1")
def test_gj_4_a_valid_chain_to_a_root_that_is_not_trusted_is_rejected(loop: Loop) -> None:
    leaf = STRANGER.intermediate(**CURRENT).leaf(uris=URI, **CURRENT)
    with_root = server_context(leaf, chain=leaf.presented_pem + STRANGER.pem)
    for anchors in (ANCHORS, Anchors()):
        for server in (leaf, with_root):
            assert said(refused(loop, server, PeerRejected, anchors=anchors)) == rejected("chain.unknown-ca")
    assert said(accepted(loop, leaf, anchors=Anchors((STRANGER.der,)))) == MATCH


# GJ-5: an issuer is missing.


@on_every_loop
@pytest.mark.req("GJ-5")
def test_gj_5_a_chain_without_its_intermediate_is_rejected(loop: Loop) -> None:
    alone = server_context(LEAF, chain=LEAF.pem)
    assert said(refused(loop, alone, PeerRejected, anchors=ANCHORS)) == rejected("chain.missing-intermediate")
    assert said(accepted(loop, LEAF, anchors=ANCHORS)) == MATCH


# GJ-6: out of date.

PAST: Dates = {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY}
FUTURE: Dates = {"not_before": NOW + DAY, "not_after": NOW + 9 * DAY}


@on_every_loop
@pytest.mark.req("GJ-6", "R5280-6.1.3-1")
@pytest.mark.parametrize(
    ("dates", "code"), [(PAST, "chain.expired"), (FUTURE, "chain.not-yet-valid")], ids=["after", "before"]
)
def test_gj_6_a_certificate_out_of_its_dates_is_rejected(loop: Loop, dates: Dates, code: str) -> None:
    of_the_leaf = CA.leaf(uris=URI, **dates)
    of_the_issuer = ROOT.intermediate(**dates).leaf(uris=URI, **CURRENT)
    for leaf in (of_the_leaf, of_the_issuer):
        assert said(refused(loop, leaf, PeerRejected, anchors=ANCHORS)) == rejected(code)


# GJ-7: revoked.

Revocation = Literal["off", "crl", "crl-required"]
CA_LIST, ROOT_LIST = CA.crl(since=NOW - DAY), ROOT.crl(since=NOW - DAY)
LEAF_REVOKED, CA_REVOKED = CA.crl(LEAF, since=NOW - DAY), ROOT.crl(CA, since=NOW - DAY)


@on_every_loop
@pytest.mark.req("GJ-7", "R5280-6.1.3-1", "R5922-8-1")
@pytest.mark.parametrize("revocation", ["crl", "crl-required"])
@pytest.mark.parametrize(
    "lists",
    [(LEAF_REVOKED, ROOT_LIST), (CA_LIST, CA_REVOKED), (LEAF_REVOKED,), (CA_REVOKED,)],
    ids=["leaf", "issuer", "leaf alone", "issuer alone"],
)
def test_gj_7_a_chain_of_which_the_leaf_or_an_issuer_is_revoked_is_rejected(
    loop: Loop, revocation: Revocation, lists: tuple[bytes, ...]
) -> None:
    policy = Policy(revocation=revocation)
    verdict = refused(loop, LEAF, PeerRejected, anchors=ANCHORS, crls=lists, policy=policy)
    assert said(verdict) == rejected("chain.revoked")


@on_every_loop
@pytest.mark.req("GJ-7")
def test_gj_7_a_chain_that_no_list_names_is_accepted(loop: Loop) -> None:
    for revocation in ("crl", "crl-required"):
        policy = Policy(revocation=revocation)
        verdict = accepted(loop, LEAF, anchors=ANCHORS, crls=[CA_LIST, ROOT_LIST], policy=policy)
        assert said(verdict) == MATCH
        assert not {code for code in codes(verdict) if code.startswith("crl.")}
    assert said(accepted(loop, LEAF, anchors=ANCHORS)) == MATCH


@on_every_loop
@pytest.mark.req("GJ-7")
@pytest.mark.parametrize(
    ("lists", "code"),
    [
        ((), "crl.missing"),
        ((CA_LIST,), "crl.missing"),
        ((CA.crl(since=NOW - 9 * DAY), ROOT_LIST), "crl.expired"),
        ((CA.crl(since=NOW + DAY), ROOT_LIST), "crl.not-yet-valid"),
        ((Issuer.root("Intermediate").crl(LEAF, since=NOW - DAY), ROOT_LIST), "crl.signature"),
        ((b"junk", ROOT_LIST), "crl.malformed"),
    ],
    ids=["none", "one", "expired", "early", "forged", "malformed"],
)
def test_gj_7_without_a_list_that_counts_the_policy_decides(loop: Loop, lists: tuple[bytes, ...], code: str) -> None:
    loose, strict = Policy(revocation="crl"), Policy(revocation="crl-required")
    verdict = accepted(loop, LEAF, anchors=ANCHORS, crls=lists, policy=loose)
    assert said(verdict) == MATCH
    assert code in codes(verdict)
    verdict = refused(loop, LEAF, PeerUndetermined, anchors=ANCHORS, crls=lists, policy=strict)
    assert said(verdict) == ("UNDETERMINED", "none", "chain.revocation-unknown")
    assert code in codes(verdict)


# GJ-8 and GJ-10: for another purpose.


@on_every_loop
@pytest.mark.req("GJ-8", "R5924-5-4", "A-04")
@pytest.mark.parametrize("purposes", [[CLIENT_AUTH], [EMAIL_PROTECTION]], ids=["client", "mail"])
def test_gj_8_a_certificate_that_is_not_for_servers_is_rejected(loop: Loop, purposes: list[str]) -> None:
    leaf = CA.leaf(uris=URI, eku=purposes, **CURRENT)
    for policy in (Policy(eku="strict"), Policy(), Policy(eku="lax-client")):
        verdict = refused(loop, leaf, PeerRejected, anchors=ANCHORS, policy=policy)
        assert said(verdict) == rejected("chain.eku")


@on_every_loop
@pytest.mark.req("GJ-8", "D-PATH-2")
def test_gj_8_an_issuer_that_is_not_for_servers_is_rejected(loop: Loop) -> None:
    leaf = ROOT.intermediate(eku=[EMAIL_PROTECTION], **CURRENT).leaf(uris=URI, **CURRENT)
    assert said(refused(loop, leaf, PeerRejected, anchors=ANCHORS)) == rejected("chain.eku")


@on_every_loop
@pytest.mark.req("GJ-10", "GJ-8", "R5924-5-2", "R5924-5-4", "A-04")
def test_gj_10_a_certificate_for_neither_sip_domains_nor_any_purpose_is_rejected_by_the_strict_policy(
    loop: Loop,
) -> None:
    strict = Policy(eku="strict")
    for purposes in ([SERVER_AUTH], [SERVER_AUTH, CLIENT_AUTH]):
        leaf = CA.leaf(uris=URI, eku=purposes, **CURRENT)
        assert said(refused(loop, leaf, PeerRejected, anchors=ANCHORS, policy=strict)) == rejected("chain.eku")
        assert said(accepted(loop, leaf, anchors=ANCHORS)) == MATCH
    for purposes in ([], [SIP_DOMAIN], [SIP_DOMAIN, SERVER_AUTH], [ANY_EKU]):
        leaf = CA.leaf(uris=URI, eku=purposes, **CURRENT)
        assert said(accepted(loop, leaf, anchors=ANCHORS, policy=strict)) == MATCH


# GJ-9: an address in place of a name.


@on_every_loop
@pytest.mark.req("GJ-9", "A-23")
@pytest.mark.parametrize("allowed", [False, True])
def test_gj_9_an_address_names_no_domain(loop: Loop, allowed: bool) -> None:
    leaf = CA.leaf(ips=["127.0.0.1"], **CURRENT)
    verdict = refused(loop, leaf, PeerRejected, anchors=ANCHORS, policy=Policy(allow_ip_identity=allowed))
    assert said(verdict) == rejected("cert.no-identities")


NUMERIC = "sips:alice@127.0.0.1:PORT"


@on_every_loop
@pytest.mark.req("GJ-9", "A-23", "T-N09")
def test_gj_9_an_address_names_itself_by_policy(loop: Loop) -> None:
    leaf, policy = CA.leaf(ips=["127.0.0.1"], **CURRENT), Policy(allow_ip_identity=True)
    assert said(refused(loop, leaf, PeerRejected, uri=NUMERIC, anchors=ANCHORS)) == rejected("uri.ip-literal")
    verdict = accepted(loop, leaf, uri=NUMERIC, anchors=ANCHORS, policy=policy)
    assert said(verdict) == MATCH
    assert verdict.identities == (Identity("127.0.0.1", "ip"),)
    assert "policy.relaxed" in codes(verdict)


@on_every_loop
@pytest.mark.req("GJ-9", "T-N09")
@pytest.mark.parametrize("allowed", [False, True])
def test_gj_9_nothing_else_names_an_address(loop: Loop, allowed: bool) -> None:
    for leaf in (
        CA.leaf(ips=["127.0.0.2", "::1"], **CURRENT),
        CA.leaf(dns=["127.0.0.1"], **CURRENT),
        CA.leaf(cn="127.0.0.1", **CURRENT),
        CA.leaf(uris=["sip:127.0.0.1"], **CURRENT),
    ):
        policy = Policy(allow_ip_identity=allowed, allow_cn=True)
        verdict = refused(loop, leaf, PeerRejected, uri=NUMERIC, anchors=ANCHORS, policy=policy)
        assert (verdict.outcome.value, verdict.method) == ("REJECTED", "none")


# Where the domain pins the key, none of this counts.


@on_every_loop
@pytest.mark.req("R7671-5.1-1", "R7673-4.2-1", "R6698-2.1.1-3")
def test_a_key_that_the_domain_has_pinned_is_accepted_in_each_of_the_bad_cases(loop: Loop) -> None:
    leaves = [
        CA.leaf(dns=["other.example"], **CURRENT),
        STRANGER.leaf(uris=URI, **CURRENT),
        CA.leaf(uris=URI, **PAST),
        CA.leaf(uris=URI, eku=[EMAIL_PROTECTION], **CURRENT),
        CA.leaf(ips=["127.0.0.1"], **CURRENT),
    ]
    bad: list[tuple[Issued, ssl.SSLContext | Issued]] = [(leaf, leaf) for leaf in leaves]
    for leaf, server in (*bad, (LEAF, server_context(LEAF, chain=LEAF.pem))):
        verdict = accepted(
            loop,
            server,
            anchors=ANCHORS,
            dnssec="secure",
            tlsa=pin(leaf),
            crls=[LEAF_REVOKED],
            policy=Policy(revocation="crl-required"),
        )
        assert said(verdict) == ("ACCEPTED", "dane-ee", "dane.match")
