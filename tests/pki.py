"""A small certification authority for tests: it issues what a test asks for, right or wrong, with real signatures.

    root = Issuer.root()
    leaf = root.intermediate(path_length=0).leaf(uris=["sip:example.com"], eku=[SERVER_AUTH])
    leaf.chain            # DER of leaf, intermediate, root
    leaf.presented_pem    # what a server loads, with leaf.key_pem
    root.crl(leaf)        # DER of a CRL that lists the leaf

Each certificate has its own new P-256 key unless it is given one: ``key=other.key``. RSA keys are slow to make, so
these are made once per process and subject.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal, TypeAlias, TypedDict, Unpack

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Algorithm: TypeAlias = Literal["ec", "rsa"]

SIP_DOMAIN = "1.3.6.1.5.5.7.3.20"
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH.dotted_string
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string
EMAIL_PROTECTION = ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string
ANY_EKU = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
"""The wall-clock time of tests that bring their own."""


def new_key(algorithm: Algorithm = "ec", subject: str = "") -> Key:
    """Make a P-256 key, or the RSA-2048 key of this subject."""
    if algorithm == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return _rsa_key(subject)


@cache
def _rsa_key(subject: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True)
class Issued:
    """A certificate with its private key, and the certificates above it."""

    certificate: x509.Certificate
    key: Key
    above: tuple[Issued, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def spki(self) -> bytes:
        return self.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER of this certificate and all above it, the root included."""
        return (self.der, *(issued.der for issued in self.above))

    @property
    def presented(self) -> tuple[bytes, ...]:
        """What a server sends: DER of this certificate and all above it except a self-signed root."""
        return (self.der, *(issued.der for issued in self.above if issued.above))

    @property
    def presented_pem(self) -> bytes:
        """What a server loads as its certificate file."""
        return b"".join((self.pem, *(issued.pem for issued in self.above if issued.above)))


class Fields(TypedDict, total=False):
    """The fields of `Wanted` as keyword arguments."""

    cn: str | None
    uris: Sequence[str]
    dns: Sequence[str]
    ips: Sequence[str]
    emails: Sequence[str]
    other: Sequence[x509.GeneralName]
    san_critical: bool
    eku: Sequence[str]
    eku_critical: bool
    not_before: datetime
    not_after: datetime
    ca: bool | None
    path_length: int | None
    key_usage: Sequence[str] | None
    permitted: Sequence[x509.GeneralName]
    excluded: Sequence[x509.GeneralName]
    extensions: Sequence[tuple[x509.ExtensionType, bool]]
    subject: x509.Name | None
    serial: int | None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a certificate is to hold; the defaults make a leaf without any name but its subject."""

    cn: str | None = None
    uris: Sequence[str] = ()
    dns: Sequence[str] = ()
    ips: Sequence[str] = ()
    emails: Sequence[str] = ()
    other: Sequence[x509.GeneralName] = ()
    san_critical: bool = False
    eku: Sequence[str] = ()
    eku_critical: bool = False
    not_before: datetime = NOW - timedelta(days=30)
    not_after: datetime = NOW + timedelta(days=365)
    ca: bool | None = False
    """None leaves BasicConstraints out."""
    path_length: int | None = None
    key_usage: Sequence[str] | None = None
    """Names of the bits, as `cryptography.x509.KeyUsage` spells them; None takes the usual ones, () leaves it out."""
    permitted: Sequence[x509.GeneralName] = ()
    excluded: Sequence[x509.GeneralName] = ()
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = ()
    """More extensions, each with its critical bit."""
    subject: x509.Name | None = None
    """Replaces the subject made from cn."""
    serial: int | None = None

    def names(self) -> list[x509.GeneralName]:
        return [
            *(x509.UniformResourceIdentifier(uri) for uri in self.uris),
            *(x509.DNSName(name) for name in self.dns),
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in self.ips),
            *(x509.RFC822Name(address) for address in self.emails),
            *self.other,
        ]


_USAGES = (
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


def _key_usage(wanted: Wanted, key: Key) -> x509.KeyUsage | None:
    bits = wanted.key_usage
    if bits is None:
        rsa_bits = ["key_encipherment"] if isinstance(key, rsa.RSAPrivateKey) else []
        bits = ["key_cert_sign", "crl_sign"] if wanted.ca else ["digital_signature", *rsa_bits]
    return x509.KeyUsage(**{usage: usage in bits for usage in _USAGES}) if bits else None


def build(wanted: Wanted, key: Key, issuer_name: x509.Name | None, issuer_key: Key) -> x509.Certificate:
    """Sign a certificate; without an issuer name it is self-issued."""
    attributes = [] if wanted.cn is None else [x509.NameAttribute(NameOID.COMMON_NAME, wanted.cn)]
    subject = wanted.subject or x509.Name(attributes)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer_name is None else issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number() if wanted.serial is None else wanted.serial)
        .not_valid_before(wanted.not_before)
        .not_valid_after(wanted.not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if wanted.ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(wanted.ca, wanted.path_length), critical=True)
    usage = _key_usage(wanted, key)
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    if names := wanted.names():
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=wanted.san_critical)
    if wanted.eku:
        purposes = [x509.ObjectIdentifier(oid) for oid in wanted.eku]
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=wanted.eku_critical)
    if wanted.permitted or wanted.excluded:
        constraints = x509.NameConstraints(wanted.permitted or None, wanted.excluded or None)
        builder = builder.add_extension(constraints, critical=True)
    for extension, critical in wanted.extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, hashes.SHA256())


@dataclass(frozen=True)
class Issuer:
    """Something that signs certificates: a root, or an intermediate; ``issued`` is its own certificate."""

    issued: Issued
    algorithm: Algorithm = "ec"

    @classmethod
    def root(
        cls, name: str = "Test Root", /, *, algorithm: Algorithm = "ec", key: Key | None = None, **more: Unpack[Fields]
    ) -> Issuer:
        """Make a self-signed root."""
        more.setdefault("cn", name)
        more.setdefault("ca", True)
        key = new_key(algorithm, f"CA {name}") if key is None else key
        return cls(Issued(build(Wanted(**more), key, None, key), key), algorithm)

    @property
    def der(self) -> bytes:
        return self.issued.der

    @property
    def pem(self) -> bytes:
        return self.issued.pem

    @property
    def spki(self) -> bytes:
        return self.issued.spki

    @property
    def certificate(self) -> x509.Certificate:
        return self.issued.certificate

    @property
    def key(self) -> Key:
        return self.issued.key

    @property
    def key_pem(self) -> bytes:
        return self.issued.key_pem

    def intermediate(
        self, name: str = "Test Intermediate", /, *, key: Key | None = None, **more: Unpack[Fields]
    ) -> Issuer:
        """Make a subordinate CA, for example with path_length, eku or permitted."""
        more.setdefault("cn", name)
        more.setdefault("ca", True)
        key = new_key(self.algorithm, f"CA {name}") if key is None else key
        return Issuer(self._sign(Wanted(**more), key), self.algorithm)

    def leaf(self, *, key: Key | None = None, **more: Unpack[Fields]) -> Issued:
        """Issue an end-entity certificate."""
        key = new_key(self.algorithm, "leaf") if key is None else key
        return self._sign(Wanted(**more), key)

    def crl(self, *withdrawn: Issued | Issuer, since: datetime | None = None, until: datetime | None = None) -> bytes:
        """Sign a CRL in DER that lists these certificates, as of a day before it; see `build_crl` for odd ones."""
        since = NOW - timedelta(days=1) if since is None else since
        until = since + timedelta(days=8) if until is None else until
        entries = [revoked(each, at=since - timedelta(days=1)) for each in withdrawn]
        return build_crl(self, *entries, since=since, until=until).public_bytes(Encoding.DER)

    def cross_sign(self, issuer: Issuer, **more: Unpack[Fields]) -> Issuer:
        """Issue a certificate for the name and the key of another issuer."""
        more.setdefault("subject", issuer.certificate.subject)
        more.setdefault("ca", True)
        return Issuer(self._sign(Wanted(**more), issuer.key), self.algorithm)

    def _sign(self, wanted: Wanted, key: Key) -> Issued:
        certificate = build(wanted, key, self.certificate.subject, self.key)
        return Issued(certificate, key, (self.issued, *self.issued.above))


def revoked(
    certificate: Issued | Issuer | int,
    reason: x509.ReasonFlags | None = None,
    *,
    at: datetime = NOW - timedelta(days=2),
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> x509.RevokedCertificate:
    """Make an entry of a CRL, for a certificate or a serial number."""
    number = certificate if isinstance(certificate, int) else certificate.certificate.serial_number
    builder = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(at)
    if reason is not None:
        builder = builder.add_extension(x509.CRLReason(reason), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.build()


def build_crl(
    issuer: Issuer,
    *entries: x509.RevokedCertificate,
    since: datetime = NOW - timedelta(days=1),
    until: datetime = NOW + timedelta(days=7),
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    name: x509.Name | None = None,
    key: Key | None = None,
    digest: hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None = None,
) -> x509.CertificateRevocationList:
    """Sign a CRL; ``name`` and ``key`` replace those of the issuer."""
    key = issuer.key if key is None else key
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject if name is None else name)
        .last_update(since)
        .next_update(until)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for entry in entries:
        builder = builder.add_revoked_certificate(entry)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, digest or hashes.SHA256())


def self_signed(*, algorithm: Algorithm = "ec", key: Key | None = None, **more: Unpack[Fields]) -> Issued:
    """Make an end-entity certificate that signs itself."""
    key = new_key(algorithm, "leaf") if key is None else key
    return Issued(build(Wanted(**more), key, None, key), key)
