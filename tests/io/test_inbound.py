"""Clients with real certificates, by the real path validator and real CRLs; and a request that OpenSSL makes."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from judging import codes, said
from pki import CLIENT_AUTH, NOW, SERVER_AUTH, SIP_DOMAIN, Issued, Issuer, self_signed
from siptls import AllowList, Anchors, CheckRevocation, Crls, Inbound, Policy, ValidatePath, Verdict
from siptls.certificate_lint import subject_alt_name
from siptls.policy import Purpose
from siptls_io import check_revocation, validate_path

URI = ["sip:example.com"]

ROOT = Issuer.root("Root")
CA = ROOT.intermediate("CA")
LEAF = CA.leaf(uris=URI)


def judge(
    chain: Sequence[Issued | Issuer],
    *,
    crls: Sequence[bytes] = (),
    policy: Policy | None = None,
    at: datetime = NOW,
    allowed: AllowList | None = None,
) -> Verdict:
    machine = Inbound(
        tuple([each.der for each in chain]),
        anchors=Anchors((ROOT.der,)),
        crls=Crls(tuple(crls)),
        authorize=allowed,
        policy=policy or Policy(),
        now=0.0,
        at=at,
    )
    while machine.result is None:
        for action in machine.next_actions(now=0.0):
            if isinstance(action, CheckRevocation):
                machine.receive(check_revocation(action), now=0.0)
            else:
                assert isinstance(action, ValidatePath)
                machine.receive(validate_path(action), now=0.0)
    return machine.result


@pytest.mark.req("R5922-7.4-3", "R5922-7.1-1", "R5922-7.4-7")
def test_a_client_is_who_its_validly_issued_certificate_says() -> None:
    verdict = judge([LEAF, CA])
    assert said(verdict) == ("ACCEPTED", "pkix", "inbound.identities")
    assert [(identity.domain, identity.origin) for identity in verdict.identities] == [("example.com", "uri")]
    assert judge([LEAF, CA], allowed=AllowList(["example.com"])).accepted
    assert judge([LEAF, CA], allowed=AllowList(["other.example"])).code == "inbound.not-allowed"


@pytest.mark.req("R5922-7.1-1", "R5922-7.1-12")
def test_what_is_not_validly_issued_is_nobody() -> None:
    other = Issuer.root("Other")
    stranger = other.leaf(uris=URI)
    assert judge([LEAF]).code == "chain.missing-intermediate"
    assert judge([stranger, other]).code == "chain.unknown-ca"
    assert judge([self_signed(cn="example.com", uris=URI)]).code == "chain.self-signed"
    assert judge([LEAF, CA], at=NOW + timedelta(days=400)).code == "chain.expired"
    assert judge([LEAF]).identities == judge([stranger, other]).identities == ()


@pytest.mark.req("R5924-5-5", "A-04")
@pytest.mark.parametrize(
    ("eku", "accepted"),
    [
        ([CLIENT_AUTH], {"interop", "lax-client"}),
        ([SERVER_AUTH], {"lax-client"}),
        ([SIP_DOMAIN], {"strict", "interop", "lax-client"}),
        ([], {"strict", "interop", "lax-client"}),
    ],
)
def test_the_validator_leaves_purposes_to_the_judge(eku: Sequence[str], accepted: set[str]) -> None:
    leaf = CA.leaf(uris=URI, eku=eku)
    policies: tuple[Purpose, ...] = ("strict", "interop", "lax-client")
    assert {each for each in policies if judge([leaf, CA], policy=Policy(eku=each)).accepted} == accepted


def test_a_revoked_client_is_refused() -> None:
    policy = Policy(revocation="crl-required")
    lists = [CA.crl(LEAF), ROOT.crl()]
    assert said(judge([LEAF, CA], crls=lists, policy=policy)) == ("REJECTED", "none", "chain.revoked")
    assert judge([LEAF, CA], crls=[CA.crl(), ROOT.crl()], policy=policy).accepted
    missing = judge([LEAF, CA], crls=[ROOT.crl()], policy=policy)
    assert said(missing) == ("UNDETERMINED", "none", "chain.revocation-unknown")
    assert "crl.missing" in codes(missing)


@pytest.mark.server("openssl")
@pytest.mark.req("R5922-6-1", "RJOH-m-4")
def test_openssl_makes_a_request_with_the_names_that_the_lint_asks_for(tmp_path: Path) -> None:
    wanted = subject_alt_name(["example.com", "example.net"], ["sip1.example.com"])
    request = tmp_path / "request.pem"
    subprocess.run(
        ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
         tmp_path / "key.pem", "-out", request, "-subj", "/CN=sip1.example.com", "-addext", wanted],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    extensions = x509.load_pem_x509_csr(request.read_bytes()).extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["sip:example.com", "sip:example.net"]
    assert names.get_values_for_type(x509.DNSName) == ["example.com", "example.net", "sip1.example.com"]
