"""The certificates that are measured: P-256, leaf + intermediate + root, octet for octet the same in every run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AT: Final = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
"""The time at which the certificates are judged."""

LEAF_OCTETS: Final = 1_200
"""About what a certificate of a public authority has."""

_SIP_DOMAIN: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.20")
_EXAMPLE_EXTENSION: Final = x509.ObjectIdentifier("1.3.6.1.4.1.32473.1")  # a number for examples (RFC 5612)
_NAMES: Final = (
    x509.UniformResourceIdentifier("sip:example.com"),
    x509.DNSName("example.com"),
    x509.DNSName("sip0.example.com"),
    x509.DNSName("sip1.example.com"),
)
_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def _key(number: int) -> ec.EllipticCurvePrivateKey:
    """A key that is the same each time: these certificates protect nothing."""
    return ec.derive_private_key(number, ec.SECP256R1())


_ROOT_KEY: Final = _key(0x5EED_0001)
_INTERMEDIATE_KEY: Final = _key(0x5EED_0002)
_LEAF_KEY: Final = _key(0x5EED_0003)


def _name(common_name: str) -> x509.Name:
    attributes = (
        (NameOID.COUNTRY_NAME, "DE"),
        (NameOID.ORGANIZATION_NAME, "Example"),
        (NameOID.COMMON_NAME, common_name),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, ca: bool) -> x509.CertificateBuilder:
    used = {"key_cert_sign", "crl_sign"} if ca else {"digital_signature"}
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(0x1234_5678_9ABC_DEF0_1234_5678_9ABC_DEF0)
        .not_valid_before(datetime(2026, 10, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC) if ca else datetime(2027, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.KeyUsage(**{usage: usage in used for usage in _USAGES}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
    )
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)


def leaf(names: Sequence[x509.GeneralName] = _NAMES) -> bytes:
    """Issue a server's certificate, filled up to `LEAF_OCTETS` where the names leave room.

    Args:
        names: the subject alternative names.

    Returns:
        The certificate in DER.
    """
    access = x509.AccessDescription(
        x509.oid.AuthorityInformationAccessOID.CA_ISSUERS,
        x509.UniformResourceIdentifier("http://ca.example/intermediate.der"),
    )
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH, _SIP_DOMAIN]
    builder = (
        _builder("sip0.example.com", "Example Intermediate", _LEAF_KEY, ca=False)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    )
    # Public authorities add signed certificate timestamps of some hundred octets; these octets stand for them.
    room = LEAF_OCTETS - len(_signed(builder, _INTERMEDIATE_KEY)) - 18
    if room > 0:
        stamps = x509.UnrecognizedExtension(_EXAMPLE_EXTENSION, bytes(room))
        builder = builder.add_extension(stamps, critical=False)
    return _signed(builder, _INTERMEDIATE_KEY)


def leaf_with(count: int) -> bytes:
    """Issue a server's certificate with ``count`` dNSNames, of which only the last one is the domain."""
    return leaf([*[x509.DNSName(f"host{i}.example.net") for i in range(count - 1)], x509.DNSName("example.com")])


def authorities(count: int) -> tuple[bytes, ...]:
    """Issue certificates of ``count`` authorities, each with its own name and key."""
    keys = [_key(0x5EED_1000 + i) for i in range(count)]
    names = [f"Example Intermediate {i}" for i in range(count)]
    return tuple(
        [
            _signed(_builder(name, "Example Root", key, ca=True), _ROOT_KEY)
            for name, key in zip(names, keys, strict=True)
        ]
    )


def key_of(certificate: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate in DER."""
    return (
        x509.load_der_x509_certificate(certificate)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )


LEAF: Final = leaf()
INTERMEDIATE: Final = _signed(_builder("Example Intermediate", "Example Root", _INTERMEDIATE_KEY, ca=True), _ROOT_KEY)
ROOT: Final = _signed(_builder("Example Root", "Example Root", _ROOT_KEY, ca=True), _ROOT_KEY)
SPKI: Final = _LEAF_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
# The name of the root with the key of somebody else: only a signature tells them apart.
OTHER_ROOT: Final = _signed(_builder("Example Root", "Example Root", _key(0x5EED_0004), ca=True), _key(0x5EED_0004))
