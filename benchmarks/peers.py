"""What siptls is measured against. Each peer proves that it refuses what is wrong before anybody believes its time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from cryptography.x509 import load_der_x509_certificate
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from service_identity import VerificationError as WrongName
from service_identity.cryptography import verify_certificate_hostname

from .certificates import AT, INTERMEDIATE, LEAF, OTHER_ROOT, ROOT, SPKI
from .openssl import OpenSslDane

_DIGEST: Final = hashlib.sha256(SPKI).digest()
_OTHER_DIGEST: Final = hashlib.sha256(b"another key").digest()
_BASE: Final = b"sip0.example.com"


def openssl_dane(library: OpenSslDane, chain: tuple[bytes, ...]) -> Callable[[], object]:
    """OpenSSL judges a chain by the records of the DANE-EE run."""
    right = ((3, 1, 1, _OTHER_DIGEST), (3, 1, 1, _DIGEST))
    assert library.verify(chain, right, _BASE, AT)
    assert not library.verify(chain, right[:1], _BASE, AT), "OpenSSL accepts a wrong digest"
    return lambda: library.verify(chain, right, _BASE, AT)


def path_validation() -> Callable[[], object]:
    """`cryptography` finds the path leaf, intermediate, root and validates it; only the root is prepared."""

    def verifier(anchor: bytes) -> Callable[[], object]:
        store = Store([load_der_x509_certificate(anchor)])
        client = PolicyBuilder().store(store).time(AT).build_client_verifier()
        return lambda: client.verify(load_der_x509_certificate(LEAF), [load_der_x509_certificate(INTERMEDIATE)])

    try:
        verifier(OTHER_ROOT)()
    except VerificationError:
        return verifier(ROOT)
    raise AssertionError("cryptography accepts another authority's key")


def service_identity(*, parsed: bool) -> Callable[[], object]:
    """service-identity compares the leaf's names with a host name.

    Args:
        parsed: whether the certificate is parsed beforehand.
    """
    certificate = load_der_x509_certificate(LEAF)
    try:
        verify_certificate_hostname(certificate, "example.net")
    except WrongName:
        if parsed:
            return lambda: verify_certificate_hostname(certificate, "example.com")
        return lambda: verify_certificate_hostname(load_der_x509_certificate(LEAF), "example.com")
    raise AssertionError("service-identity accepts a wrong name")
