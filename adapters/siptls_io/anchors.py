"""Trust anchors: those of the system, those of a file, and all of them prepared for path validation."""

from __future__ import annotations

import os
import ssl
import threading
import warnings
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.x509.verification import Store

from siptls.events import Anchors, KeyAnchor

from .errors import InvalidPem
from .pem import certificates_from_pem, numbered_certificates


class Prepared:
    """Anchors, parsed; what cannot be parsed cannot be trusted and is left out.

    Args:
        certificates: the certificates by their DER, those that stand for bare keys among them.
        keys: the bare keys as SubjectPublicKeyInfo, by the DER of the certificate that stands for each.
    """

    __slots__ = ("_by_subject", "certificates", "keys", "store")

    def __init__(self, certificates: dict[bytes, x509.Certificate], keys: dict[bytes, bytes]) -> None:
        self.certificates: Final = certificates
        self.keys: Final = keys
        self._by_subject: dict[bytes, list[x509.Certificate]] | None = None
        self.store: Final = Store(list(certificates.values())) if certificates else None

    @classmethod
    def of(cls, anchors: Anchors) -> Prepared:
        """Return anchors in their prepared form, which is made once and lives as long as they do."""
        with _lock:
            prepared = _prepared.get(anchors)
            if prepared is None:
                prepared = _prepared[anchors] = _prepare(anchors)
        return prepared

    def named(self, name: bytes) -> list[x509.Certificate]:
        """Return the anchors with a name in DER."""
        if self._by_subject is None:
            self._by_subject = by_subject(self.certificates.values())
        return self._by_subject.get(name, [])

    def without(self, leaf: x509.Certificate, der: bytes) -> Prepared:
        """Return the anchors that are neither a certificate nor its key: nothing vouches for itself (A-21).

        Args:
            leaf: the certificate.
            der: the same in DER.
        """
        own = {der}
        if self.keys:
            spki = spki_of(leaf)
            own.update(stand_in for stand_in, key in self.keys.items() if key == spki)
        if not own & self.certificates.keys():
            return self
        return Prepared({each: self.certificates[each] for each in self.certificates if each not in own}, self.keys)


# Old roots break rules that RFC 5280 has (serial numbers, lengths of names), and so may peers. The library warns and
# goes on; nobody who runs this could do anything about it. Where warnings are errors, the certificate is malformed.
warnings.filterwarnings("ignore", module=r"siptls_io\.(anchors|paths)\Z")

_ALWAYS_CHEAP = 1_536
"""No certificate of so few octets holds a key that takes long."""
_MAX_RSA_BITS = 8_192

_prepared: WeakKeyDictionary[Anchors, Prepared] = WeakKeyDictionary()
_lock = threading.Lock()


@cache
def system_anchors() -> Anchors:
    """Return the trust anchors of the operating system, as OpenSSL finds them; they are read once.

    Returns:
        The anchors; none if the system has none where OpenSSL looks. ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are heeded.

    Raises:
        OSError: this process has no file descriptors left. Nothing is remembered then.
    """
    os.close(os.open(os.devnull, os.O_RDONLY))  # OpenSSL would take roots that it cannot open for none
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    certificates = dict.fromkeys(context.get_ca_certs(binary_form=True))
    directory = ssl.get_default_verify_paths().capath
    # OpenSSL looks into the directory only when it searches for an issuer; we cannot wait for that.
    for file in sorted(Path(directory).glob("*.[0-9]")) if directory else ():
        try:
            certificates.update(dict.fromkeys(certificates_from_pem(file)))
        except InvalidPem:
            continue  # a file that OpenSSL would pass over as well
    return Anchors(tuple(certificates), name="the system's roots")


def anchors_from_pem(path: str | os.PathLike[str]) -> Anchors:
    """Read trust anchors from a PEM file.

    Args:
        path: the file.

    Returns:
        All certificates of the file, as anchors.

    Raises:
        InvalidPem: the file cannot be read, holds no certificate, or one that is malformed; with file and line.
    """
    certificates: list[bytes] = []
    for der, line in numbered_certificates(path):
        if loaded(der) is None:
            raise InvalidPem(os.fspath(path), line, f"certificate {len(certificates) + 1} of the file is malformed")
        certificates.append(der)
    return Anchors(tuple(certificates), name=os.fspath(path))


def loaded(der: bytes) -> x509.Certificate | None:
    """Return a certificate, or None if it is malformed."""
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion, Warning):
        return None


def loaded_issuer(der: bytes) -> x509.Certificate | None:
    """Return a certificate that may stand above another one in a path, or None if it is malformed or too costly.

    Nobody issues RSA keys as large as OpenSSL would compute with: these can only be meant to keep us busy.
    """
    certificate = loaded(der)
    if certificate is None or len(der) <= _ALWAYS_CHEAP:
        return certificate
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm, Warning):
        return None
    return None if isinstance(key, rsa.RSAPublicKey) and key.key_size > _MAX_RSA_BITS else certificate


def by_subject(certificates: Iterable[x509.Certificate]) -> dict[bytes, list[x509.Certificate]]:
    """Return certificates by the name of their subject in DER; those with a malformed name are left out."""
    found: dict[bytes, list[x509.Certificate]] = {}
    for certificate in certificates:
        name = subject_of(certificate)
        if name is not None:
            found.setdefault(name, []).append(certificate)
    return found


def subject_of(certificate: x509.Certificate) -> bytes | None:
    """Return the subject's name in DER, or None if it is malformed."""
    try:
        return certificate.subject.public_bytes()
    except (ValueError, TypeError, Warning):
        return None


def issuer_of(certificate: x509.Certificate) -> bytes | None:
    """Return the issuer's name in DER, or None if it is malformed."""
    try:
        return certificate.issuer.public_bytes()
    except (ValueError, TypeError, Warning):
        return None


def spki_of(certificate: x509.Certificate) -> bytes | None:
    """Return the SubjectPublicKeyInfo of a certificate, or None for a key of an unknown kind."""
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm, Warning):
        return None


def _prepare(anchors: Anchors) -> Prepared:
    certificates = {der: certificate for der in anchors.certificates if (certificate := loaded_issuer(der))}
    keys: dict[bytes, bytes] = {}
    for anchor in anchors.keys:
        try:
            spki = load_der_public_key(anchor.spki).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            der = _stand_in(anchor, spki)
        except (ValueError, UnsupportedAlgorithm, Warning):
            continue
        if certificate := loaded_issuer(der):
            certificates[der] = certificate
            keys[der] = spki
    return Prepared(certificates, keys)


# ecdsa-with-SHA256. Nobody checks the signature of a trust anchor (RFC 5280 section 6.1), so there is none.
_ALGORITHM = bytes.fromhex("300a06082a8648ce3d040302")
_NO_SIGNATURE = bytes.fromhex("030100")
# A bare key has no dates (D-PATH-4): 1950 to 9999, as far as they go (RFC 5280 section 4.1.2.5).
_ALWAYS = bytes.fromhex("3020") + b"\x17\x0d500101000000Z" + b"\x18\x0f99991231235959Z"
# Version 3, serial number 1; basicConstraints critical with cA.
_VERSION_SERIAL = bytes.fromhex("a003020102020101")
_CA = bytes.fromhex("a3133011300f0603551d130101ff040530030101ff")


def _stand_in(anchor: KeyAnchor, spki: bytes) -> bytes:
    """Return a certificate that says no more than a bare key does: this key belongs to a CA of this name.

    Raises:
        ValueError: the name is not one DER value.
    """
    name = anchor.name
    if _sequence(_content(name)) != name:
        raise ValueError("not the DER of a name")
    tbs = _sequence(_VERSION_SERIAL + _ALGORITHM + name + _ALWAYS + name + spki + _CA)
    return _sequence(tbs + _ALGORITHM + _NO_SIGNATURE)


def _sequence(content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return b"\x30" + size.to_bytes(1) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return b"\x30" + (0x80 | len(octets)).to_bytes(1) + octets + content


def _content(sequence: bytes) -> bytes:
    """Return what stands behind the header of a value, whatever its length says."""
    header = sequence[1] & 0x7F if len(sequence) > 1 and sequence[1] & 0x80 else 0
    return sequence[2 + header :]
