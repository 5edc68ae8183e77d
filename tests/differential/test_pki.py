"""The certificates that other tests rely on are real ones: a verifier and a TLS library take them."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import verification

from pki import CLIENT_AUTH, NOW, SERVER_AUTH, SIP_DOMAIN, Algorithm, Issued, Issuer, self_signed


def verified(leaf: Issued, anchor: Issuer, *others: Issuer) -> list[x509.Certificate]:
    between = [*(issued.certificate for issued in leaf.above[:-1]), *(issuer.certificate for issuer in others)]
    builder = verification.PolicyBuilder().store(verification.Store([anchor.certificate])).time(NOW)
    return builder.build_server_verifier(x509.DNSName("example.com")).verify(leaf.certificate, between)


@pytest.mark.parametrize("algorithm", ["ec", "rsa"])
def test_a_verifier_finds_a_path(algorithm: Algorithm) -> None:
    root = Issuer.root(algorithm=algorithm)
    issuer = root.intermediate(path_length=0, permitted=[x509.DNSName("example.com")])
    leaf = issuer.leaf(cn="sip1", dns=["example.com"], eku=[SERVER_AUTH, CLIENT_AUTH, SIP_DOMAIN])
    assert verified(leaf, root) == [leaf.certificate, issuer.certificate, root.certificate]


@pytest.mark.parametrize("algorithm", ["ec", "rsa"])
def test_a_tls_library_loads_what_is_presented(algorithm: Algorithm, tmp_path: Path) -> None:
    leaf = Issuer.root(algorithm=algorithm).intermediate().leaf(cn="sip1", uris=["sip:example.com"])
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(leaf.presented_pem)
    key.write_bytes(leaf.key_pem)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key)
    assert chain.read_bytes().count(b"BEGIN CERTIFICATE") == 2
    assert leaf.presented == leaf.chain[:2]


def test_authorities_have_keys_of_their_own_and_a_cross_certificate_shares_one() -> None:
    one, two = Issuer.root("One"), Issuer.root("Two")
    assert one.spki != two.spki
    crossed = two.cross_sign(one)
    assert (crossed.spki, crossed.certificate.subject) == (one.spki, one.certificate.subject)
    leaf = one.leaf(cn="sip1", dns=["example.com"], eku=[SERVER_AUTH])
    assert verified(leaf, two, crossed) == [leaf.certificate, crossed.certificate, two.certificate]


def test_a_self_signed_certificate_presents_itself() -> None:
    own = self_signed(cn="sip1", dns=["example.com"])
    assert own.presented == own.chain == (own.der,)
    assert own.certificate.issuer == own.certificate.subject
    own.certificate.verify_directly_issued_by(own.certificate)
