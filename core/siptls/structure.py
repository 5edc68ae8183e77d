"""The structure of a certificate around the values of its extensions (RFC 5280 section 4.1).

Each loop takes the shape that nearly all certificates have without a call, and leaves everything else, right or wrong,
to the strict readers in `der` and `general_name`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias

from . import algorithm
from . import der as asn1
from .errors import InvalidCertificate
from .general_name import PRINTABLE, PRINTABLE_STRING, UTF8_STRING, directory_name

# v1 is the default and left out (RFC 5280 section 4.1.2.1). v2 came and went without use; path validators refuse it.
_LONG: Final = b"\x30\x82"
_VERSION_3: Final = b"\xa0\x03\x02\x01\x02"

EXTENSIONS: Final = {
    b"\x55\x1d\x0f": "keyUsage",
    b"\x55\x1d\x11": "subjectAltName",
    b"\x55\x1d\x13": "basicConstraints",
    b"\x55\x1d\x1e": "nameConstraints",
    b"\x55\x1d\x25": "extKeyUsage",
}
"""The extensions that are read, by the content octets of their object identifiers."""

Table: TypeAlias = dict[bytes, tuple[int, bool, int, int]]
"""For each extension: its number, whether it is critical, and where its value begins and ends."""

Dates: TypeAlias = tuple[datetime, datetime]


class Body:
    """What the structure of a certificate says, and where the values of its extensions are."""

    __slots__ = ("dates", "extensions", "issuer", "serial", "subject")

    def __init__(self, serial: int, issuer: bytes, dates: Dates, subject: bytes, extensions: Table) -> None:
        self.serial: Final = serial
        self.issuer: Final = issuer
        self.dates: Final = dates
        self.subject: Final = subject
        self.extensions: Final = extensions


def spki(der: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate without a look at what follows it.

    Raises:
        InvalidCertificate: something on the way to it is malformed, or data follow the certificate.
    """
    start, end = _skip(der, ("signature", "issuer", "validity", "subject"))
    return der[start : _public_key(der, start, end)]


def dates(der: bytes) -> Dates:
    """Return notBefore and notAfter of a certificate without a look at what follows them; like `spki` otherwise."""
    start, end = _skip(der, ("signature", "issuer"))
    return _validity(der, start, end)[0]


def _skip(der: bytes, places: tuple[str, ...]) -> tuple[int, int]:
    """Go past the serial number and these sequences; return where that is and where the tbsCertificate ends."""
    start, end, _, _ = _begin(der)
    _, start = asn1.tagged(der, start, end, asn1.INTEGER, "serialNumber")
    for place in places:
        stop = start + 2
        if stop <= end and der[start] == 0x30 and (length := der[start + 1]) < 0x80 and stop + length <= end:
            start = stop + length  # as in asn1.tagged, without the cost of a call
        else:
            _, start = asn1.tagged(der, start, end, asn1.SEQUENCE, place)
    return start, end


def _begin(der: bytes) -> tuple[int, int, int, bool]:
    """Return where the serial number begins, where tbsCertificate and certificate end, and whether it is v3."""
    stop = len(der)
    if stop > 0x103 and der[:2] == _LONG == der[4:6] and stop == 4 + (der[2] << 8 | der[3]) and der[6]:
        start, end = 8, 8 + (der[6] << 8 | der[7])  # nearly all have these two lengths of two octets
        if end > stop:
            raise InvalidCertificate("tbsCertificate", "a length that fits into what encloses it")
    else:
        start, stop = asn1.only(der, 0, stop, asn1.SEQUENCE, "certificate")
        start, end = asn1.tagged(der, start, stop, asn1.SEQUENCE, "tbsCertificate")
    if der[start : start + 5] == _VERSION_3:
        return start + 5, end, stop, True
    if der[start : start + 1] == b"\xa0":
        raise InvalidCertificate("version", "v3, or none for v1")
    return start, end, stop, False


def body(der: bytes) -> Body:
    """Check the structure of a whole certificate, except for what is inside of its extensions.

    Args:
        der: the octets.

    Raises:
        InvalidCertificate: they are not a certificate in strict DER; or an extension occurs twice (RFC 5280 4.2).
    """
    start, end, stop, version_3 = _begin(der)
    serial, signature = asn1.integer(der, start, end, "serialNumber")
    issuer = algorithm.check(der, signature, end, "signature")
    outer = end + issuer - signature
    if der[end:outer] != der[signature:issuer]:
        raise InvalidCertificate("signatureAlgorithm", "the same algorithm as in signature")
    asn1.bits(der, outer, stop, "signatureValue")
    validity = _name(der, issuer, end, "issuer")
    interval, subject = _validity(der, validity, end)
    key = _name(der, subject, end, "subject")
    extensions = _public_key(der, key, end)
    table = _table(der, extensions, end, version_3=version_3)
    return Body(serial, der[issuer:validity], interval, der[subject:key], table)


def _name(der: bytes, start: int, end: int, place: str) -> int:
    """Check a Name and return where it ends."""
    rdn, stop = asn1.tagged(der, start, end, asn1.SEQUENCE, place)
    while rdn + 11 <= stop:
        # One attribute under id-at (2.5.4), all lengths below 128: 31 n 30 n-2 06 03 55 04 xx tag n-9 value.
        length = der[rdn + 1]
        if (
            der[rdn + 4 : rdn + 8] != b"\x06\x03\x55\x04"
            or der[rdn] != asn1.SET
            or der[rdn + 2] != asn1.SEQUENCE
            or der[rdn + 3] != length - 2
            or der[rdn + 10] != length - 9
            or length > 0x7F
            or der[rdn + 8] > 0x7F
        ):
            break
        tag, value = der[rdn + 9], der[rdn + 11 : rdn + length + 2]
        if not (value.isascii() if tag == UTF8_STRING else tag == PRINTABLE_STRING and not value.strip(PRINTABLE)):
            break
        rdn += length + 2
    if rdn != stop:
        directory_name(der, start, stop, place)
    return stop


def _validity(der: bytes, start: int, end: int) -> tuple[Dates, int]:
    """Read a Validity and return where it ends."""
    start, end = asn1.tagged(der, start, end, asn1.SEQUENCE, "validity")
    not_before, start = asn1.time(der, start, end, "validity.notBefore")
    not_after, start = asn1.time(der, start, end, "validity.notAfter")
    if start != end:
        raise InvalidCertificate("validity", "notBefore and notAfter and nothing behind them")
    return (not_before, not_after), end


def _public_key(der: bytes, start: int, end: int) -> int:
    """Check the outer form of a SubjectPublicKeyInfo and return where it ends."""
    start, end = asn1.tagged(der, start, end, asn1.SEQUENCE, "subjectPublicKeyInfo")
    key = algorithm.check(der, start, end, "subjectPublicKeyInfo")
    asn1.bits(der, key, end, "subjectPublicKeyInfo")
    return end


def _table(der: bytes, start: int, end: int, *, version_3: bool) -> Table:
    """Read all that follows the public key in a tbsCertificate."""
    if start == end:
        return {}
    if not version_3:
        raise InvalidCertificate("version", "v3 for a certificate with extensions")
    for tag, place in ((0x81, "issuerUniqueID"), (0x82, "subjectUniqueID")):
        if start < end and der[start] == tag:
            content, stop = asn1.element(der, start, end, place)
            asn1.check_bits(der, content, stop, place)
            start = stop
    if start == end:
        return {}
    start, end = asn1.only(der, start, end, 0xA3, "extensions")
    start, end = asn1.only(der, start, end, asn1.SEQUENCE, "extensions")
    if start == end:
        raise InvalidCertificate("extensions", "at least one extension")
    return _extensions(der, start, end)


def _extensions(der: bytes, start: int, end: int) -> Table:
    table: Table = {}
    while start < end:
        # Under id-ce (2.5.29), all lengths below 128: 30 n 06 03 55 1d xx [01 01 ff] 04 n-7 value.
        content = start + 2
        value = content + 7
        critical = False
        if der[content : content + 4] == b"\x06\x03\x55\x1d" and value <= end and der[content + 4] < 0x80:
            oid = der[content + 2 : content + 5]
            stop = content + der[start + 1]
            if der[content + 5 : content + 8] == b"\x01\x01\xff":
                critical = True
                value += 3
            if (
                stop > end
                or stop > content + 0x7F
                or value > stop
                or der[start] != asn1.SEQUENCE
                or der[value - 2] != asn1.OCTET_STRING
                or der[value - 1] != stop - value
            ):
                oid, critical, value, stop = _extension(der, start, end, len(table))
        else:
            oid, critical, value, stop = _extension(der, start, end, len(table))
        if oid in table:
            place = f"extensions[{len(table)}] {EXTENSIONS.get(oid, '')}".rstrip()
            raise InvalidCertificate(place, "each extension only once")
        table[oid] = (len(table), critical, value, stop)
        start = stop
    return table


def _extension(der: bytes, start: int, end: int, index: int) -> tuple[bytes, bool, int, int]:
    """Read an extension of any shape: its identifier, whether it is critical, where its value begins and ends."""
    place = f"extensions[{index}]"
    content, stop = asn1.tagged(der, start, end, asn1.SEQUENCE, place)
    first, content = asn1.tagged(der, content, stop, asn1.OBJECT_IDENTIFIER, place)
    oid = der[first:content]
    asn1.check_object_identifier(oid, place)
    critical = der[content : content + 1] == b"\x01"
    if critical:
        content = asn1.boolean_true(der, content, stop, place)
    value, _ = asn1.only(der, content, stop, asn1.OCTET_STRING, place)
    return oid, critical, value, stop
