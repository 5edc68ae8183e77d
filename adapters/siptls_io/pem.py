"""Certificates from PEM files (RFC 7468), with the line that is to blame when there are none."""

from __future__ import annotations

import binascii
import os
import re
from base64 import b64decode
from pathlib import Path

from .errors import InvalidPem

_BEGIN = "-----BEGIN CERTIFICATE-----"
_END = "-----END CERTIFICATE-----"
_BASE64 = re.compile(r"\s*[A-Za-z0-9+/]*=*\s*")


def certificates_from_pem(path: str | os.PathLike[str]) -> tuple[bytes, ...]:
    """Read the certificates of a PEM file; other text and other objects in it are passed over.

    Args:
        path: the file.

    Returns:
        The certificates in DER in their order, at least one. Whether they are certificates is not looked at.

    Raises:
        InvalidPem: the file cannot be read, holds no certificate, or breaks the encoding; with file and line.
    """
    return tuple([der for der, _ in numbered_certificates(path)])


def numbered_certificates(path: str | os.PathLike[str]) -> list[tuple[bytes, int]]:
    """Read the certificates of a PEM file, each with the number of the line on which it begins.

    Args:
        path: the file.

    Returns:
        The certificates in DER in their order, at least one.

    Raises:
        InvalidPem: the file cannot be read, holds no certificate, or breaks the encoding; with file and line.
    """
    file = os.fspath(path)
    try:
        # What is not ASCII can only stand between the certificates, where anything may stand.
        lines = Path(path).read_text("ascii", "replace").splitlines()
    except OSError as error:
        raise InvalidPem(file, None, error.strerror or str(error)) from error
    found: list[tuple[bytes, int]] = []
    began: int | None = None
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text == _BEGIN:
            began = number
        elif text == _END and began is not None:
            found.append((_decoded(file, began, lines[began : number - 1]), began))
            began = None
    if began is not None:
        raise InvalidPem(file, began, f"no {_END} follows")
    if not found:
        raise InvalidPem(file, None, f"no certificate in PEM ({_BEGIN})")
    return found


def _decoded(file: str, began: int, lines: list[str]) -> bytes:
    for number, line in enumerate(lines, began + 1):
        if not _BASE64.fullmatch(line):
            raise InvalidPem(file, number, "not Base64")
    try:
        der = b64decode("".join(lines))
    except binascii.Error as error:
        raise InvalidPem(file, began, f"not Base64 ({error})") from error
    if not der:
        raise InvalidPem(file, began, "an empty certificate")
    return der
