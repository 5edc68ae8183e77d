"""What certificates a server asks a client for: CertificateRequest (RFC 5246 section 7.4.4, RFC 8446 section 4.3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from siptls.der import object_identifier
from siptls.errors import InvalidCertificate
from siptls.general_name import directory_name

_CERTIFICATE_AUTHORITIES: Final = 47  # the extension of TLS 1.3 (RFC 8446 section 4.2.4)
_SHOWN: Final = 16
"""How many names are told at the most."""
_LONGEST: Final = 200
"""How many characters of a name are told at the most."""

# The short names of RFC 4514 section 3; others are shown as identifiers.
_TYPES: Final = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.25": "DC",
}


def certificate_authorities(request: bytes, *, tls_1_3: bool) -> tuple[str, ...]:
    """Return the names of the authorities whose certificates a server takes.

    Args:
        request: a CertificateRequest with its header of four octets, as it came.
        tls_1_3: whether it came under TLS 1.3, else under TLS 1.2.

    Returns:
        The names in the form of RFC 4514, hostile text, at most 16 of them and 200 characters of each; none if the
        server did not say, or not in a form that can be read.
    """
    try:
        listed = _Octets(request[4:])
        if tls_1_3:
            listed.vector(1)  # certificate_request_context
            listed = next((value for kind, value in _extensions(listed) if kind == _CERTIFICATE_AUTHORITIES), _Octets())
        else:
            listed.vector(1)  # certificate_types
            listed.vector(2)  # supported_signature_algorithms
        return tuple(islice(_names(listed), _SHOWN))
    except EOFError:
        return ()


class _Octets:
    """Octets that are read from the front."""

    def __init__(self, octets: bytes = b"\0\0") -> None:
        self._octets = octets

    def __bool__(self) -> bool:
        return bool(self._octets)

    def take(self, size: int) -> bytes:
        """Take octets.

        Raises:
            EOFError: there are fewer.
        """
        taken, self._octets = self._octets[:size], self._octets[size:]
        if len(taken) < size:
            raise EOFError("the message ends too early")
        return taken

    def vector(self, size: int) -> bytes:
        """Take a vector whose length stands in ``size`` octets before it (RFC 8446 section 3.4)."""
        return self.take(int.from_bytes(self.take(size)))


def _extensions(octets: _Octets) -> Iterator[tuple[int, _Octets]]:
    listed = _Octets(octets.vector(2))
    while listed:
        kind = int.from_bytes(listed.take(2))
        yield kind, _Octets(listed.vector(2))


def _names(octets: _Octets) -> Iterator[str]:
    listed = _Octets(octets.vector(2))
    while listed:
        name = listed.vector(2)
        try:
            text = _text(name)
        except InvalidCertificate:
            text = f"#{name[:_LONGEST].hex()}"
        yield text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _text(name: bytes) -> str:
    """Return a directory name as text; the last attribute of the sequence comes first (RFC 4514 section 2.1).

    Raises:
        InvalidCertificate: it is none.
    """
    attributes = [
        (object_identifier(oid, "the type of an attribute"), value)
        for oid, value in directory_name(name, 0, len(name), "a certificate authority")
    ]
    return ",".join([f"{_TYPES.get(oid, oid)}={_value(value)}" for oid, value in reversed(attributes)])


def _value(value: str | bytes) -> str:
    """Return the value of an attribute, escaped as far as that keeps it apart from others (RFC 4514 section 2.4)."""
    if isinstance(value, bytes):
        return f"#{value.hex()}"
    escaped = "".join([f"\\{character}" if character in ',+"\\<>;' else character for character in value])
    return f"\\{escaped}" if value.startswith("#") else escaped
