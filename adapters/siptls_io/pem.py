"""Certificates and CRLs from PEM files (RFC 7468), with the line that is to blame when there are none."""

from __future__ import annotations

import binascii
import os
import re
from base64 import b64decode
from pathlib import Path

from .errors import InvalidCrl, InvalidFile, InvalidPem

# A SEQUENCE of more than 127 octets, as every CRL is; in text no octet is above 127.
_DER = re.compile(rb"\x30[\x81-\x84]")
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
    return _Reader(path, "CERTIFICATE", "certificate", InvalidPem).objects()


def numbered_certificates_of(octets: bytes, file: str) -> list[tuple[bytes, int | None]]:
    """Read the certificates of PEM text, or the one in DER, each with the number of the line on which it begins.

    Args:
        octets: what a file holds.
        file: what it is called in exceptions.

    Returns:
        The certificates in DER in their order, at least one; the line is None for DER. Whether they are certificates is
        not looked at.

    Raises:
        InvalidPem: there is no certificate in it, or it breaks the encoding; with file and line.
    """
    if _DER.match(octets):
        return [(octets, None)]
    if b"-----BEGIN CERTIFICATE-----" not in octets:
        raise InvalidPem(file, None, "expected certificates in PEM (-----BEGIN CERTIFICATE-----), or one in DER")
    return [*_Reader(file, "CERTIFICATE", "certificate", InvalidPem, octets).objects()]


def numbered_crls(path: str | os.PathLike[str]) -> list[tuple[bytes, int | None]]:
    """Read the CRLs of a file in DER or PEM, each with the number of the line on which it begins.

    Args:
        path: the file.

    Returns:
        The lists in DER in their order, at least one; the line is None for a file in DER. Whether they are lists is not
        looked at.

    Raises:
        InvalidCrl: the file cannot be read, holds no CRL, or breaks the encoding; with file and line.
    """
    reader = _Reader(path, "X509 CRL", "CRL", InvalidCrl)
    if _DER.match(reader.octets):
        return [(reader.octets, None)]
    return [*reader.objects()]


class _Reader:
    """A file of PEM, of which objects of one kind are wanted.

    Args:
        path: the file.
        label: what stands behind BEGIN.
        name: what people call it.
        invalid: the exception for a file that is not what it should be.
        octets: what the file holds; None reads it.

    Raises:
        InvalidFile: the file cannot be read.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        label: str,
        name: str,
        invalid: type[InvalidFile],
        octets: bytes | None = None,
    ) -> None:
        self._file = os.fspath(path)
        self._begin, self._end = f"-----BEGIN {label}-----", f"-----END {label}-----"
        self._name = name
        self._invalid = invalid
        try:
            self.octets: bytes = Path(path).read_bytes() if octets is None else octets
        except OSError as error:
            raise invalid(self._file, None, error.strerror or str(error)) from error

    def objects(self) -> list[tuple[bytes, int]]:
        """Return the objects, at least one, each with the number of the line on which it begins."""
        # What is not ASCII can only stand between the objects, where anything may stand.
        lines = self.octets.decode("ascii", "replace").splitlines()
        found: list[tuple[bytes, int]] = []
        began: int | None = None
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if text == self._begin:
                began = number
            elif text == self._end and began is not None:
                found.append((self._decoded(began, lines[began : number - 1]), began))
                began = None
        if began is not None:
            raise self._invalid(self._file, began, f"no {self._end} follows")
        if not found:
            raise self._invalid(self._file, None, f"no {self._name} in PEM ({self._begin})")
        return found

    def _decoded(self, began: int, lines: list[str]) -> bytes:
        for number, line in enumerate(lines, began + 1):
            if not _BASE64.fullmatch(line):
                raise self._invalid(self._file, number, "not Base64")
        try:
            der = b64decode("".join(lines))
        except binascii.Error as error:
            raise self._invalid(self._file, began, f"not Base64 ({error})") from error
        if not der:
            raise self._invalid(self._file, began, f"an empty {self._name}")
        return der
