"""A small certification authority that lives as long as the demonstration does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate, its private key, and the certificates that a server sends with it.

    Args:
        certificate: the certificate.
        key: its private key.
        above: further certificates to send, in their order.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """What a server loads: the key, the certificate, those above it."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return b"".join([key, *(c.public_bytes(Encoding.PEM) for c in (self.certificate, *self.above))])

    def tlsa(self, usage: int, selector: int) -> str:
        """Return TLSA data with SHA-256 that matches this certificate (RFC 6698 section 2.1).

        Args:
            usage: 0-3.
            selector: 0 for the certificate, 1 for its key.
        """
        spki = self.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"{usage} {selector} 1 {hashlib.sha256(spki if selector else self.der).hexdigest()}"


def authority(name: str) -> Credential:
    """Make a root that signs itself.

    Args:
        name: its common name.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = (
        _builder(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
    )
    return Credential(builder.sign(key, hashes.SHA256()), key)


def server(issuer: Credential | None, names: Sequence[x509.GeneralName], *, send_issuer: bool = False) -> Credential:
    """Make a server's certificate with a new key.

    Args:
        issuer: who signs it; None lets it sign itself.
        names: its subjectAltName; may be empty.
        send_issuer: whether the server sends the issuer's certificate too.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name("a SIP server")
    builder = _builder(subject, subject if issuer is None else issuer.certificate.subject, key)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(ca=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if issuer is not None:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(identifier, critical=False)
    certificate = builder.sign(key if issuer is None else issuer.key, hashes.SHA256())
    return Credential(certificate, key, (issuer.certificate,) if issuer is not None and send_issuer else ())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
