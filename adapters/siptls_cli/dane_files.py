"""Certificate chains and keys from files, in PEM or DER. Of a private key only the public key is taken."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from siptls.certificate import Certificate
from siptls.errors import InvalidCertificate
from siptls_io import InvalidPem, certificates_from_pem

_LARGEST: Final = 1 << 20  # octets
_KEY: Final = re.compile(rb"-----BEGIN ((?:[A-Z0-9]+ )*(PRIVATE|PUBLIC) KEY)-----.*?-----END \1-----", re.DOTALL)


def chain_from(path: Path) -> tuple[bytes, ...]:
    """Read a certificate chain, the server's own certificate first.

    Args:
        path: a file in PEM, or one certificate in DER.

    Returns:
        The certificates in DER in their order, at least one.

    Raises:
        InvalidPem: the file cannot be read, or holds no certificates; with file and line.
    """
    octets = _read(path)
    in_der = octets[:1] == b"\x30"
    chain = (octets,) if in_der else certificates_from_pem(path)
    for number, der in enumerate(chain, 1):
        try:
            Certificate(der).issuer  # noqa: B018 - reading it is the check
        except InvalidCertificate as error:
            problem = f"certificate {number}: {error.place}: expected {error.expected}"
            raise InvalidPem(os.fspath(path), None, problem) from error
    return chain


def whole_chain_from(path: Path) -> tuple[bytes, ...]:
    """Read a certificate chain that a server is going to present: all of it that a client looks at must be readable.

    Args:
        path: as for `chain_from`.

    Raises:
        InvalidPem: as for `chain_from`; or an extension, a date or a name of a certificate is malformed.
    """
    chain = chain_from(path)
    for number, der in enumerate(chain, 1):
        each = Certificate(der)
        try:
            _ = each.not_after, each.common_names, each.names, each.key_usage, each.extended_key_usage, each.is_ca
            _ = each.critical_extensions, each.name_constraints
        except InvalidCertificate as error:
            problem = f"certificate {number}: {error.place}: expected {error.expected}"
            raise InvalidPem(os.fspath(path), None, problem) from error
    return chain


def key_from(path: Path) -> bytes:
    """Read a public key, or the public key of a private one.

    Args:
        path: a file in PEM or DER.

    Returns:
        The DER of the SubjectPublicKeyInfo.

    Raises:
        InvalidPem: the file cannot be read, or holds no key that can be read without a password.
    """
    octets = _read(path)
    file = os.fspath(path)
    match = _KEY.search(octets)
    if match is None and b"-----BEGIN CERTIFICATE-----" in octets:
        raise InvalidPem(file, None, "a certificate and no key: give it with the option for certificates")
    loaders: tuple[Callable[[], bytes], ...]
    if match is None:
        loaders = (lambda: _public_half(octets, pem=False), lambda: _public(octets, pem=False))
    elif match[2] == b"PRIVATE":
        loaders = (lambda: _public_half(match[0], pem=True),)
    else:
        loaders = (lambda: _public(match[0], pem=True),)
    for load in loaders:
        try:
            return load()
        except TypeError as error:  # how the library says that it wants a password
            problem = "an encrypted private key: give the certificate, or the public key alone"
            raise InvalidPem(file, None, problem) from error
        except (ValueError, UnsupportedAlgorithm):
            continue
    raise InvalidPem(file, None, "no key that can be read, in PEM or DER")


def _public_half(octets: bytes, *, pem: bool) -> bytes:
    key = load_pem_private_key(octets, None) if pem else load_der_private_key(octets, None)
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _public(octets: bytes, *, pem: bool) -> bytes:
    key = load_pem_public_key(octets) if pem else load_der_public_key(octets)
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            octets = stream.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidPem(os.fspath(path), None, error.strerror or str(error)) from error
    if len(octets) > _LARGEST:
        raise InvalidPem(os.fspath(path), None, f"more than {_LARGEST} octets")
    return octets
