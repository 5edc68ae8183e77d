"""Strict reading of the Distinguished Encoding Rules (X.690), as far as certificates need them (RFC 5280 appendix A).

All functions take the octets, the place of an element in them, and the end of what encloses it, and raise
`InvalidCertificate` for an element that is malformed or that does not fit into ``end``. No function recurses.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

from .errors import InvalidCertificate

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31

# Identifiers that occur in nearly every certificate and need no decoding.
_KNOWN_IDENTIFIERS: Final = {
    b"\x2b\x06\x01\x05\x05\x07\x03\x01": "1.3.6.1.5.5.7.3.1",  # id-kp-serverAuth
    b"\x2b\x06\x01\x05\x05\x07\x03\x02": "1.3.6.1.5.5.7.3.2",  # id-kp-clientAuth
    b"\x2b\x06\x01\x05\x05\x07\x03\x14": "1.3.6.1.5.5.7.3.20",  # id-kp-sipDomain
}


def element(octets: bytes, start: int, end: int, place: str) -> tuple[int, int]:
    """Read the header of an element, whatever its tag is.

    Args:
        octets: what is read.
        start: where the element begins.
        end: where the enclosing element ends; at most ``len(octets)``.
        place: the name of the element for the exception.

    Returns:
        Where the content begins and where it ends, which is at most ``end``.

    Raises:
        InvalidCertificate: the header is cut off, the content reaches beyond ``end``, the tag has more than one octet,
            or the length is indefinite or not minimal (X.690 sections 8.1.2.4, 10.1).
    """
    content = start + 2
    if content > end:
        raise InvalidCertificate(place, "an element, not the end of the data")
    if octets[start] & 0x1F == 0x1F:
        raise InvalidCertificate(place, "a tag of one octet")
    length = octets[start + 1]
    if length >= 0x80:
        count = length & 0x7F
        if not 0 < count < 5 or content + count > end:
            raise InvalidCertificate(place, "a definite length of at most four octets")
        length = 0
        for octet in octets[content : content + count]:
            length = length << 8 | octet
        if length < 0x80 or not octets[content]:
            raise InvalidCertificate(place, "a length in its shortest form")
        content += count
    if content + length > end:
        raise InvalidCertificate(place, "a length that fits into what encloses it")
    return content, content + length


def tagged(octets: bytes, start: int, end: int, tag: int, place: str) -> tuple[int, int]:
    """Read the header of an element that must have this tag; like `element` otherwise."""
    content = start + 2
    if content <= end and octets[start] == tag:
        stop = content + octets[start + 1]
        if stop <= end and stop < content + 0x80:  # nearly all elements are short, and this is the inner loop
            return content, stop
    content, stop = element(octets, start, end, place)
    if octets[start] != tag:
        raise InvalidCertificate(place, f"tag 0x{tag:02x}, not 0x{octets[start]:02x}")
    return content, stop


def only(octets: bytes, start: int, end: int, tag: int, place: str) -> tuple[int, int]:
    """Read the header of an element that must have this tag and fill everything up to ``end``."""
    content, stop = tagged(octets, start, end, tag, place)
    if stop != end:
        raise InvalidCertificate(place, "nothing behind the element")
    return content, stop


def boolean_true(octets: bytes, start: int, end: int, place: str) -> int:
    """Check a BOOLEAN whose default is FALSE, so that only TRUE may stand there (X.690 sections 11.1, 11.5).

    Returns:
        Where the element ends.
    """
    if octets[start : min(start + 3, end)] != b"\x01\x01\xff":
        raise InvalidCertificate(place, "BOOLEAN TRUE as 01 01 ff; FALSE is the default and is left out")
    return start + 3


def integer(octets: bytes, start: int, end: int, place: str) -> tuple[int, int]:
    """Read an INTEGER of at most 32 octets.

    Returns:
        The number and where the element ends.
    """
    content, stop = tagged(octets, start, end, INTEGER, place)
    if not 0 < stop - content <= 32:
        raise InvalidCertificate(place, "an INTEGER of 1 to 32 octets")
    if stop - content > 1 and octets[content] in {0x00, 0xFF} and (octets[content] ^ octets[content + 1]) < 0x80:
        raise InvalidCertificate(place, "an INTEGER in its shortest form")
    return int.from_bytes(octets[content:stop], "big", signed=True), stop


def bits(octets: bytes, start: int, end: int, place: str) -> bytes:
    """Read a BIT STRING that fills everything up to ``end``.

    Returns:
        The octets of the bits; unused bits at the end are 0 (X.690 section 11.2.1).
    """
    content, stop = only(octets, start, end, BIT_STRING, place)
    return check_bits(octets, content, stop, place)


def check_bits(octets: bytes, content: int, stop: int, place: str) -> bytes:
    """Read the content octets of a BIT STRING; like `bits` otherwise."""
    # An end before its beginning is an empty slice to Python, but compiled it is an error.
    unused, value = (octets[content], octets[content + 1 : stop]) if content < stop else (8, b"")
    if unused > 7 or (unused and not value) or (unused and value[-1] & ((1 << unused) - 1)):
        raise InvalidCertificate(place, "a BIT STRING with 0 to 7 unused bits that are 0")
    return value


def check_object_identifier(content: bytes, place: str) -> None:
    """Check the content octets of an OBJECT IDENTIFIER (X.690 section 8.19).

    Raises:
        InvalidCertificate: it is empty, cut off, not minimal, or longer than 63 octets (no real one is).
    """
    if not 0 < len(content) < 64 or content[-1] >= 0x80:
        raise InvalidCertificate(place, "an OBJECT IDENTIFIER of 1 to 63 octets")
    # 0x80 adds nothing where an arc begins: at the start, or behind an octet that ends an arc.
    if 0x80 in content and any(
        octet == 0x80 and (index == 0 or content[index - 1] < 0x80) for index, octet in enumerate(content)
    ):
        raise InvalidCertificate(place, "an OBJECT IDENTIFIER in its shortest form")


def object_identifier(content: bytes, place: str) -> str:
    """Read the content octets of an OBJECT IDENTIFIER; like `check_object_identifier` otherwise.

    Returns:
        The identifier in dotted form, such as ``1.3.6.1.5.5.7.3.20``.
    """
    known = _KNOWN_IDENTIFIERS.get(content)
    if known is not None:
        return known
    check_object_identifier(content, place)
    arcs: list[int] = []
    arc = 0
    for octet in content:
        arc = arc << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(arc)
            arc = 0
    root = min(arcs[0] // 40, 2)
    return ".".join(map(str, (root, arcs[0] - 40 * root, *arcs[1:])))


def time(octets: bytes, start: int, end: int, place: str) -> tuple[datetime, int]:
    """Read a Time of a certificate (RFC 5280 section 4.1.2.5).

    Returns:
        The time, aware in UTC, and where the element ends.

    Raises:
        InvalidCertificate: it is neither ``YYMMDDHHMMSSZ`` for 1950-2049 nor ``YYYYMMDDHHMMSSZ`` from 2050 on, or there
            is no such day or second.
    """
    content, stop = tagged(
        octets, start, end, UTC_TIME if octets[start : start + 1] == b"\x17" else GENERALIZED_TIME, place
    )
    # The length comes first, so that nobody fills the memory of what was read with long ones.
    if stop - content == (13 if octets[start] == UTC_TIME else 15):
        moment = _moment(octets[content:stop])
    else:
        moment = _FORMS_OF_TIME
    if isinstance(moment, str):
        raise InvalidCertificate(place, moment)
    return moment, stop


_FORMS_OF_TIME: Final = "UTCTime YYMMDDHHMMSSZ or GeneralizedTime YYYYMMDDHHMMSSZ"


@lru_cache(maxsize=1024)  # the dates of an authority come again with each peer that it has certified
def _moment(text: bytes) -> datetime | str:
    """Read 13 octets of UTCTime or 15 octets of GeneralizedTime; return what was expected where they are malformed."""
    if text[-1] != 0x5A or not text[:-1].isdigit() or text[-7:-5] > b"23":
        return _FORMS_OF_TIME  # some versions of Python take hour 24 for midnight
    # Only digits are left here, so the many other forms of ISO 8601 cannot hide in them.
    iso = text.decode()
    if len(iso) == 13:
        iso = f"20{iso}" if iso < "50" else f"19{iso}"
    elif iso < "2050":
        return "UTCTime for a time before 2050"
    try:
        return datetime.fromisoformat(f"{iso[:8]}T{iso[8:]}")
    except ValueError:
        return "a day and a time of day that exist"
