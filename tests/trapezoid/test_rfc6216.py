"""The certificates that RFC 6216 prints, on real servers, by the private keys that it prints too (appendix B).

They are signed with SHA-1, which nobody trusts any more, and nobody should: as they are, they can only show that PKIX
and DANE-TA refuse them for it, and that a pinned key needs no signature. What the RFC expects of their names and
purposes is shown with copies: the same subject, names, extensions, dates and key, under a signature of today.
"""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from loopback_tls import CURRENT
from loops import Loop, on_every_loop
from pki import Issued, Issuer
from siptls import Anchors, Policy
from siptls_io import PeerRejected
from trapezoid.calling import accepted, pin, refused

CERTIFICATES = Path(__file__).parents[1] / "vectors" / "rfc6216"
KEYS = Path(__file__).parent / "rfc6216_keys"
"""As printed in the RFC: everybody knows them."""

DOMAIN_EKU, DOMAIN, USER = (
    "eku_domain_example.com",
    "noeku_domain_example.com",
    "eku_user_fluffy_example.com",
)


def certificate(name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((CERTIFICATES / f"{name}_cert.pem").read_bytes())


def printed(name: str) -> Issued:
    """A certificate of the RFC with its key."""
    key = load_pem_private_key((KEYS / f"{name}_key.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return Issued(certificate(name), key)


ROOT = certificate("ca_root_sipit")
ROOT_DER = ROOT.public_bytes(Encoding.DER)
OF_TODAY = Issuer.root("Root", subject=ROOT.subject, **CURRENT)


def signed_anew(name: str) -> Issued:
    """A certificate of the RFC with its key, by a root of the same name that signs with SHA-256."""
    old = printed(name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.certificate.subject)
        .issuer_name(OF_TODAY.certificate.subject)
        .public_key(old.certificate.public_key())
        .serial_number(old.certificate.serial_number)
        .not_valid_before(old.certificate.not_valid_before_utc)
        .not_valid_after(old.certificate.not_valid_after_utc)
    )
    for extension in old.certificate.extensions:
        if not isinstance(extension.value, x509.AuthorityKeyIdentifier):  # of the root that signs no more
            builder = builder.add_extension(extension.value, critical=extension.critical)
    return Issued(builder.sign(OF_TODAY.key, hashes.SHA256()), old.key, (OF_TODAY.issued,))


def server(name: str) -> ssl.SSLContext:
    """A server that shows a certificate as it is printed; OpenSSL must be told to let it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(CERTIFICATES / f"{name}_cert.pem", KEYS / f"{name}_key.pem")
    return context


@on_every_loop
@pytest.mark.req("R5280-6.1.3-1")
def test_as_printed_they_are_refused_for_their_signatures(loop: Loop) -> None:
    anchors = Anchors((ROOT_DER,))
    ta = f"2 0 0 {ROOT_DER.hex()}"
    for name in (DOMAIN_EKU, DOMAIN, USER):
        context = server(name)
        verdict = refused(loop, context, PeerRejected, anchors=anchors)
        assert verdict.code == "chain.weak"
        codes = {finding.code for finding in verdict.findings}
        assert ("cert.no-identities" in codes) is (name == USER)
        verdict = refused(loop, context, PeerRejected, anchors=anchors, dnssec="secure", tlsa=ta)
        assert verdict.code == "chain.weak"


@on_every_loop
@pytest.mark.req("R7671-5.1-1", "R7673-4.2-1")
def test_as_printed_they_are_accepted_where_the_domain_pins_them(loop: Loop) -> None:
    for name in (DOMAIN_EKU, DOMAIN, USER):
        leaf = printed(name)
        for tlsa in (pin(leaf), f"3 0 1 {hashlib.sha256(leaf.der).hexdigest()}"):
            verdict = accepted(loop, server(name), anchors=Anchors(), dnssec="secure", tlsa=tlsa)
            assert (verdict.method, verdict.code) == ("dane-ee", "dane.match")


@on_every_loop
@pytest.mark.req("GJ-1", "R5924-5-1", "R5924-5-2", "R5922-7.3-1")
def test_signed_anew_a_domain_certificate_is_accepted_for_its_domain_and_for_no_other(loop: Loop) -> None:
    anchors = Anchors((OF_TODAY.der,))
    for name in (DOMAIN_EKU, DOMAIN):
        leaf = signed_anew(name)
        verdict = accepted(loop, leaf, anchors=anchors, policy=Policy(eku="strict"))
        assert (verdict.method, verdict.code) == ("pkix", "id.match")
        assert [(each.domain, each.origin) for each in verdict.identities] == [("example.com", "uri")]
        verdict = refused(loop, leaf, PeerRejected, uri="sip:alice@example.net", domain="example.net", anchors=anchors)
        assert verdict.code == "id.mismatch"


@on_every_loop
@pytest.mark.req("R5922-7.1-6", "T-N07")
def test_signed_anew_a_user_certificate_names_no_domain(loop: Loop) -> None:
    verdict = refused(
        loop, signed_anew(USER), PeerRejected, anchors=Anchors((OF_TODAY.der,)), policy=Policy(allow_cn=True)
    )
    assert verdict.code == "cert.no-identities"
