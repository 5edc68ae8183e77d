"""Small certification authorities that live as long as the demonstration does."""

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
    def spki(self) -> bytes:
        """The public key in DER, as a certificate holds it (SubjectPublicKeyInfo)."""
        return self.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def pem(self) -> bytes:
        """What a server loads: the key, the certificate, those above it."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return b"".join([key, *(c.public_bytes(Encoding.PEM) for c in (self.certificate, *self.above))])


def sha256(octets: bytes) -> str:
    """Return the digest that a TLSA record of matching type 1 holds (RFC 6698 section 2.1.3), in hexadecimal."""
    return hashlib.sha256(octets).hexdigest()


def authority(name: str, issuer: Credential | None = None, permitted: Sequence[str] = ()) -> Credential:
    """Make a certification authority.

    Args:
        name: its common name.
        issuer: who signs it; None makes it a root, which signs itself.
        permitted: the DNS names that it is constrained to (RFC 5280 section 4.2.1.10); none for all.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(name), issuer, key)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(ca=True), critical=True)
    if permitted:
        constraints = x509.NameConstraints([x509.DNSName(domain) for domain in permitted], None)
        builder = builder.add_extension(constraints, critical=True)
    return _signed(builder, key, issuer)


def server(
    issuer: Credential | None,
    names: Sequence[x509.GeneralName],
    *,
    common_name: str = "a SIP server",
    send_issuer: bool = False,
) -> Credential:
    """Make a server's certificate with a new key.

    Args:
        issuer: who signs it; None lets it sign itself.
        names: its subjectAltName; may be empty.
        common_name: its Common Name.
        send_issuer: whether the server sends the issuer's certificate too.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(common_name), issuer, key)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(ca=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return _signed(builder, key, issuer, (issuer.certificate,) if issuer is not None and send_issuer else ())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: Credential | None, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer is None:
        return builder
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    return builder.add_extension(identifier, critical=False)


def _signed(
    builder: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    issuer: Credential | None,
    above: tuple[x509.Certificate, ...] = (),
) -> Credential:
    return Credential(builder.sign(key if issuer is None else issuer.key, hashes.SHA256()), key, above)


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
