"""The TLS extension in which a client says at which name its TLSA records stand (draft-ietf-dance-client-auth-13).

The extension is ``dane_clientid``; its number is not assigned yet, so the caller has to know it. It belongs to TLS 1.3
alone: the server sends it empty in its CertificateRequest, and only then the client sends its name in its Certificate
message. What comes out of `name_of_client` goes into ``Inbound(client_name=...)``.
"""

from __future__ import annotations

from typing import Final

from .errors import InvalidName
from .names import is_domain_name

REQUEST: Final = b"\x00"
"""The extension data of a CertificateRequest: an empty ClientName (section 7)."""

MALFORMED: Final = "(malformed)"
"""What `name_of_client` makes of data without form: text that is no domain name, so that nobody is proven by it."""


def is_request(data: bytes | None) -> bool:
    """Say, for a client, whether the server asks for its name: only then it may send one.

    Args:
        data: the extension data in the server's CertificateRequest; None if there was no such extension.

    Returns:
        True for an empty ClientName. A server has no name to tell, so anything else asks for nothing.

    Source: draft-ietf-dance-client-auth-13 sections 7 and 8.1.
    """
    return data == REQUEST


def extension_of_client(name: str, request: bytes | None) -> bytes | None:
    """Return the extension data of a client's Certificate message, or None where it must not send any.

    Args:
        name: the owner name of the client's TLSA records, in A-labels and without the trailing dot.
        request: the extension data in the server's CertificateRequest; None if there was no such extension.

    Raises:
        InvalidName: the name is empty, the root, or not a domain name of printable ASCII characters that need no
            escape in presentation form.

    Source: draft-ietf-dance-client-auth-13 section 7.
    """
    if name.endswith(".") or not is_domain_name(name):
        raise InvalidName(name, "the owner name of TLSA records, in A-labels and without the trailing dot")
    octets = name.encode("ascii")
    return bytes((len(octets),)) + octets if is_request(request) else None


def name_of_client(data: bytes | None, *, asked: bool = True) -> str | None:
    """Return, for a server, the name in the extension of a client's Certificate message.

    Args:
        data: the extension data; None if there was no such extension.
        asked: whether our CertificateRequest held the extension.

    Returns:
        The name as it came; an empty text for an empty name; `MALFORMED` for data of another form, for octets that are
        not ASCII, and for a name that nobody had asked for. `Inbound` rejects the client for each of the last three,
        as for a name that is no domain name. None if the client sent no extension: it asks for nothing.

    Source: draft-ietf-dance-client-auth-13 sections 7 and 8.2.
    """
    if data is None:
        return None
    if not asked or not data or data[0] != len(data) - 1 or not data[1:].isascii():
        return MALFORMED
    return data[1:].decode("ascii")
