"""Certificates made from a description: the same description gives the same octets, in every process and at any time.

So a world that two judges see differently comes again from its description alone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from pki import NOW

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Algorithm: TypeAlias = Literal["p256", "p384", "rsa", "ed25519"]
Key: TypeAlias = tuple[Algorithm, int]
"""An algorithm, and which of its keys."""
Private: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
Dates: TypeAlias = Literal["good", "expired", "future", "last second", "first second"]

HOUR: Final = timedelta(hours=1)
YEAR: Final = timedelta(days=365)
DATES: Final[dict[Dates, tuple[datetime, datetime]]] = {
    "good": (NOW - YEAR, NOW + YEAR),
    "expired": (NOW - YEAR, NOW - HOUR),
    "future": (NOW + HOUR, NOW + YEAR),
    "last second": (NOW - YEAR, NOW),
    "first second": (NOW, NOW + YEAR),
}
_LEAF_USAGES: Final = ("digital_signature",)
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


def as_expression(value: DataclassInstance) -> str:
    """What makes a value again: all its fields that are not as usual."""
    given = [
        (each.name, getattr(value, each.name)) for each in fields(value) if getattr(value, each.name) != each.default
    ]
    return f"{type(value).__name__}({', '.join([f'{name}={content!r}' for name, content in given])})"


@dataclass(frozen=True, kw_only=True, repr=False)
class Description:
    """What stands in a certificate.

    Attributes:
        subject: the common name of the subject.
        key: the subject's key.
        issuer: the common name of the issuer.
        signer: the key that signs.
        dates: whether the certificate is valid at `pki.NOW`.
        ca: what basicConstraints says; None leaves it out.
        path_length: how many authorities may follow.
        key_usage: the bits, as `cryptography` spells them; none leaves the extension out.
        purposes: the extended key usage; none leaves it out.
        uris, dns, emails: the subject alternative names.
        permitted, excluded: the dNSName constraints.
        key_ids: whether there are subject and authority key identifiers.
    """

    subject: str
    key: Key
    issuer: str
    signer: Key
    dates: Dates = "good"
    ca: bool | None = False
    path_length: int | None = None
    key_usage: tuple[str, ...] = _LEAF_USAGES
    purposes: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    key_ids: bool = True

    def __repr__(self) -> str:
        return as_expression(self)

    @property
    def self_signed(self) -> bool:
        return (self.subject, self.key) == (self.issuer, self.signer)


def _prime(numbers: random.Random) -> int:
    """A number of 1,024 bits that is prime, or so likely so that no test will see the difference."""
    small = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97]
    while True:
        candidate = numbers.getrandbits(1024) | 3 << 1022 | 1
        odd = all(candidate % each for each in small) and candidate % 65537 != 1
        if odd and pow(2, candidate - 1, candidate) == 1:
            return candidate


@cache
def private_key(key: Key) -> Private:
    """A key, always the same: its secret is its number."""
    algorithm, number = key
    match algorithm:
        case "p256":
            return ec.derive_private_key(1_000_003 + number, ec.SECP256R1())
        case "p384":
            return ec.derive_private_key(1_000_003 + number, ec.SECP384R1())
        case "ed25519":
            return ed25519.Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
        case "rsa":
            numbers = random.Random(number)
            p, q = _prime(numbers), _prime(numbers)
            d = pow(65537, -1, (p - 1) * (q - 1))
            public = rsa.RSAPublicNumbers(65537, p * q)
            return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()


@cache
def spki(key: Key) -> bytes:
    """The SubjectPublicKeyInfo of a key."""
    return private_key(key).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@cache
def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


@lru_cache(maxsize=20_000)
def certificate(wanted: Description) -> bytes:
    """The certificate of a description, in DER."""
    key, signer = private_key(wanted.key).public_key(), private_key(wanted.signer)
    begin, end = DATES[wanted.dates]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(wanted.subject))
        .issuer_name(_name(wanted.issuer))
        .public_key(key)
        .serial_number(1 + hash_of(wanted))
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    for extension, critical in _extensions(wanted):
        builder = builder.add_extension(extension, critical=critical)
    is_ecdsa = isinstance(signer, ec.EllipticCurvePrivateKey)
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    signed = builder.sign(signer, digest, ecdsa_deterministic=True if is_ecdsa else None)
    return signed.public_bytes(Encoding.DER)


def hash_of(wanted: Description) -> int:
    """A number for a description, the same in every process."""
    return int.from_bytes(repr(wanted).encode(), "big") % (2**61 - 1)


def _extensions(wanted: Description) -> list[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = []
    if wanted.key_ids:
        key, signer = private_key(wanted.key).public_key(), private_key(wanted.signer).public_key()
        found.append((x509.SubjectKeyIdentifier.from_public_key(key), False))
        found.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), False))
    if wanted.ca is not None:
        found.append((x509.BasicConstraints(wanted.ca, wanted.path_length if wanted.ca else None), True))
    if wanted.key_usage:
        found.append((x509.KeyUsage(**{usage: usage in wanted.key_usage for usage in _USAGES}), True))
    if wanted.purposes:
        found.append((x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in wanted.purposes]), False))
    names: list[x509.GeneralName] = [
        *map(x509.UniformResourceIdentifier, wanted.uris),
        *map(x509.DNSName, wanted.dns),
        *map(x509.RFC822Name, wanted.emails),
    ]
    if names:
        found.append((x509.SubjectAlternativeName(names), False))
    if wanted.permitted or wanted.excluded:
        trees = [[x509.DNSName(name) for name in each] or None for each in (wanted.permitted, wanted.excluded)]
        found.append((x509.NameConstraints(*trees), True))
    return found
