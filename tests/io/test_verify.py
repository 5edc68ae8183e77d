from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import pytest

import siptls_io
from loopback_tls import CURRENT
from pki import NOW, Issuer
from siptls.dns import Alias, Security, Tlsa
from siptls.errors import InvalidName, InvalidRecord, LocalProtocolError
from siptls.events import Anchors
from siptls.policy import Policy
from siptls_io import verify_chain

SECURE, INSECURE, BOGUS, INDETERMINATE = (
    Security.SECURE,
    Security.INSECURE,
    Security.BOGUS,
    Security.INDETERMINATE,
)
ROOT, PRIVATE = Issuer.root(), Issuer.root("Private Root")
LEAF = ROOT.intermediate().leaf(uris=["sip:example.com"])
HOST = PRIVATE.leaf(dns=["sip.example.net"])
ANCHORS = Anchors((ROOT.der,))
PIN = f"3 1 1 {hashlib.sha256(LEAF.spki).hexdigest()}"
HOST_PIN = f"3 1 1 {hashlib.sha256(HOST.spki).hexdigest()}"
TA_PIN = f"2 0 1 {hashlib.sha256(PRIVATE.der).hexdigest()}"
WRONG = f"3 1 1 {'00' * 32}"


def judge(chain: Any = LEAF.presented, **more: Any) -> str:
    arguments: dict[str, Any] = {"domain": "example.com", "anchors": ANCHORS, "at": NOW, **more}
    verdict = verify_chain(chain, **arguments)
    return f"{verdict.outcome.name} {verdict.method} {verdict.code}"


SECURE_TARGET: dict[str, Any] = {"target": "sip.example.net", "delegation": SECURE}


@pytest.mark.req("R5922-7.3-1", "R6698-4.1-2", "R6698-4.1-3", "R6698-4.1-7", "R7671-5.1-1")
@pytest.mark.parametrize(
    ("chain", "more", "expected"),
    [
        (LEAF.presented, {}, "ACCEPTED pkix id.match"),
        (LEAF.presented, {"domain": "Example.COM."}, "ACCEPTED pkix id.match"),
        (list(LEAF.presented), {}, "ACCEPTED pkix id.match"),
        (LEAF.presented, {"domain": "example.net"}, "REJECTED none id.mismatch"),
        (LEAF.presented[:1], {}, "REJECTED none chain.missing-intermediate"),
        (LEAF.presented, {"anchors": Anchors()}, "REJECTED none chain.unknown-ca"),
        (LEAF.presented, {"at": NOW + timedelta(days=4_000)}, "REJECTED none chain.expired"),
        ((), {}, "REJECTED none tls.no-certificate"),
        ((b"junk",), {}, "REJECTED none cert.malformed"),
        # TLSA records count when they are SECURE.
        (LEAF.presented, {"tlsa": [PIN], "delegation": SECURE, "anchors": Anchors()}, "ACCEPTED dane-ee dane.match"),
        (LEAF.presented, {"tlsa": [WRONG], "delegation": SECURE}, "REJECTED none dane.no-match"),
        (LEAF.presented, {"tlsa": [WRONG]}, "ACCEPTED pkix id.match"),
        (LEAF.presented, {"tlsa": [WRONG], "delegation": SECURE, "tlsa_security": INSECURE}, "ACCEPTED pkix id.match"),
        (LEAF.presented, {"tlsa": ["3 1 1 00"], "delegation": SECURE}, "ACCEPTED pkix id.match"),
        # A failed or bogus answer is never "no record".
        (LEAF.presented, {"delegation": BOGUS}, "UNDETERMINED none dnssec.bogus"),
        (LEAF.presented, {"delegation": INDETERMINATE}, "UNDETERMINED none dane.lookup-failed"),
        (LEAF.presented, {"delegation": SECURE, "tlsa_security": BOGUS}, "UNDETERMINED none dnssec.bogus"),
        # The target of a secure delegation may speak for the domain.
        (HOST.chain, {**SECURE_TARGET, "tlsa": [HOST_PIN]}, "ACCEPTED dane-ee dane.match"),
        (HOST.chain, {**SECURE_TARGET, "tlsa": [TA_PIN]}, "ACCEPTED dane-ta dane.match"),
        (HOST.chain, {**SECURE_TARGET, "anchors": Anchors((PRIVATE.der,))}, "ACCEPTED pkix id.match-target"),
        (
            HOST.chain,
            {"target": "sip.example.net", "anchors": Anchors((PRIVATE.der,))},
            "REJECTED none id.srv-target-only",
        ),
        (LEAF.presented, {"policy": Policy(require="dane")}, "INSUFFICIENT pkix policy.too-weak"),
    ],
)
def test_a_chain_is_judged(chain: Any, more: dict[str, Any], expected: str) -> None:
    assert judge(chain, **more) == expected


def test_tlsa_records_are_given_as_text_or_as_values() -> None:
    value = Tlsa("", 3, 1, 1, hashlib.sha256(LEAF.spki).digest())
    assert judge(tlsa=[WRONG, value], delegation=SECURE, anchors=Anchors()) == "ACCEPTED dane-ee dane.match"
    assert judge(tlsa=(f"DANE-EE SPKI SHA2-256 {PIN[6:]}",), delegation=SECURE) == "ACCEPTED dane-ee dane.match"
    with pytest.raises(InvalidRecord):
        judge(tlsa=["3 1 1 xyz"])


@pytest.mark.req("R7671-7-1")
def test_aliases_lead_to_the_canonical_name_of_the_target() -> None:
    steps = [Alias("sip.example.com", "sip.example.net", SECURE, 60)]
    more: dict[str, Any] = {"target": "sip.example.com", "delegation": SECURE, "tlsa": [TA_PIN]}
    assert judge(HOST.chain, **more, aliases=steps) == "ACCEPTED dane-ta dane.match"
    assert judge(HOST.chain, **more) == "REJECTED none id.mismatch"


@pytest.mark.req("R5922-7.2-3")
def test_an_internationalised_domain_may_be_given_in_u_labels() -> None:
    leaf = ROOT.leaf(uris=["sip:xn--bcher-kva.example"])
    assert judge(leaf.presented, domain="bücher.example") == "ACCEPTED pkix id.match"
    assert judge(leaf.presented, domain="example.com", target="bücher.example").startswith("REJECTED")


def test_what_the_caller_gets_wrong_is_raised() -> None:
    for domain in ("", "sip:example.com", "*.example.com", "Bücher.example", "a..b"):
        with pytest.raises(InvalidName):
            judge(domain=domain)
    with pytest.raises(InvalidName):
        judge(target="a b")
    with pytest.raises(LocalProtocolError):
        judge(at=datetime(2026, 1, 1))  # noqa: DTZ001 - a naive time


def test_by_default_it_is_now_and_the_systems_anchors_count(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Issuer.root(**CURRENT)
    leaf = root.leaf(uris=["sip:example.com"], **CURRENT)
    monkeypatch.setattr("siptls_io.verify.system_anchors", lambda: Anchors((root.der,)))
    assert verify_chain(leaf.presented, domain="example.com").accepted


def test_the_package_exports_what_it_names_and_loads_no_trio() -> None:
    for name in siptls_io.__all__:
        assert getattr(siptls_io, name) is not None
    loads = "import siptls_io, siptls_io.asyncio, siptls_io.blocking, sys; sys.exit('trio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads], check=False).returncode == 0
