from __future__ import annotations

from pathlib import Path

import pytest

import siptls
from pki import NOW, Issuer
from siptls import Certificate, Locate, Outbound, Verification
from siptls.errors import InvalidName, InvalidUri
from siptls.events import Anchors
from siptls.uri import SipUri
from siptls_io import verify_chain
from siptls_io.a_labels import host_to_a_labels, to_a_labels
from siptls_io.tls import ClientCertificate

U_LABELS, A_LABELS = "b\xfccher.example", "xn--bcher-kva.example"
ROOT = Issuer.root()
LEAF = ROOT.leaf(uris=[f"sip:{A_LABELS}"])


@pytest.mark.req("R5922-7.2-3", "R6698-3-2")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:alice@bücher.example", "sip:alice@xn--bcher-kva.example"),
        ("sips:bücher.example:5061;transport=tcp?x=y", "sips:xn--bcher-kva.example:5061;transport=tcp?x=y"),
        ("SIP:bücher.example.", "SIP:xn--bcher-kva.example."),
        ("sip:a:b@straße.example", "sip:a:b@xn--strae-oqa.example"),
        ("sip:bücher.例え", "sip:xn--bcher-kva.xn--r8jz45g"),
        # What is ASCII is left as it is, wrong or not.
        ("sip:alice@example.com", "sip:alice@example.com"),
        ("sip:[2001:db8::1]:5061", "sip:[2001:db8::1]:5061"),
        ("sip:alice@xn--a.example", "sip:alice@xn--a.example"),
        ("sip:", "sip:"),
        ("tel:+1", "tel:+1"),
        ("example.com", "example.com"),
        ("", ""),
        # Only the host is an internationalised name.
        ("sip:jürgen@example.com", "sip:jürgen@example.com"),
        ("sip:example.com;x=ü", "sip:example.com;x=ü"),
        ("mailto:a@bücher.example", "mailto:a@bücher.example"),
    ],
)
def test_the_host_of_a_uri_is_turned_into_a_labels(text: str, expected: str) -> None:
    assert to_a_labels(text) == expected


def test_the_result_is_a_uri() -> None:
    assert SipUri.parse(to_a_labels("sip:alice@bücher.example")).host == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("Bücher.example", 0),
        ("ü..example", 0),
        ("a\u3002ü.example", 1),
        ("\u2665.example", 0),
        ("ü_x.example", 1),
        ("-ü.x", 0),
        ("ok.büXcher.example", 5),
    ],
)
def test_a_host_that_is_no_internationalised_name_is_refused_where_it_goes_wrong(host: str, place: int) -> None:
    with pytest.raises(InvalidUri) as raised:
        to_a_labels(f"sip:alice@{host}:5061")
    assert raised.value.position == len("sip:alice@") + place
    with pytest.raises(InvalidName):
        host_to_a_labels(host)


def test_a_name_may_be_given_alone() -> None:
    assert host_to_a_labels("bücher.example") == "xn--bcher-kva.example"
    assert host_to_a_labels("example.com") == "example.com"
    assert host_to_a_labels("192.0.2.1") == "192.0.2.1"


@pytest.mark.req("R5922-7.2-3", "R9525-6.3-1", "R7673-8-1")
@pytest.mark.parametrize("uri", [f"sip:alice@{U_LABELS}", f"sips:{U_LABELS}", f"sip:a@x.example;maddr={U_LABELS}"])
def test_the_core_refuses_u_labels_in_a_uri_and_says_what_it_wants(uri: str) -> None:
    for machine in (Outbound, Locate):
        with pytest.raises(InvalidUri, match="A-labels"):
            machine(uri, now=0.0, at=NOW, randbelow=lambda _n: 0)


@pytest.mark.req("R5922-7.2-3", "R9525-6.3-1", "R6698-3-2")
def test_the_core_refuses_u_labels_in_a_name_and_says_what_it_wants() -> None:
    for target in (None, "x.example"):
        with pytest.raises(InvalidName, match="A-labels"):
            Verification(LEAF.presented, domain=U_LABELS, target=target, now=0.0, at=NOW)
    with pytest.raises(InvalidName, match="A-labels"):
        Verification(LEAF.presented, domain="x.example", target=U_LABELS, now=0.0, at=NOW)
    with pytest.raises(InvalidName, match="A-labels"):
        siptls.compare_names(Certificate(LEAF.der), U_LABELS)
    assert Verification(LEAF.presented, domain=A_LABELS, now=0.0, at=NOW).next_actions(now=0.0)


@pytest.mark.req("R5922-7.2-3", "R9525-6.3-1", "R5280-7.2-1")
def test_a_domain_in_u_labels_is_verified_by_its_a_labels() -> None:
    for domain in (U_LABELS, A_LABELS, A_LABELS.upper()):
        verdict = verify_chain(LEAF.presented, domain=domain, anchors=Anchors((ROOT.der,)), at=NOW)
        assert verdict.accepted
        assert verdict.domain == A_LABELS
    verdict = verify_chain(LEAF.presented, domain="b\xfcchers.example", anchors=Anchors((ROOT.der,)), at=NOW)
    assert (verdict.outcome.name, verdict.code) == ("REJECTED", "id.mismatch")


def test_the_domains_that_may_see_our_certificate_may_be_given_in_u_labels(tmp_path: Path) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(LEAF.presented_pem)
    key.write_bytes(LEAF.key_pem)
    shown = ClientCertificate(chain, key, [U_LABELS])
    assert shown.may_be_shown_to(A_LABELS)
    assert not shown.may_be_shown_to("bcher.example")
    with pytest.raises(InvalidName):
        ClientCertificate(chain, key, ["B\xfccher.example"])
