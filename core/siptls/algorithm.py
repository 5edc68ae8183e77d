"""An AlgorithmIdentifier: which parameters belong to which algorithm (RFC 5280 section 4.1.1.2).

Algorithms that are not known here are not refused: they may have no parameters, NULL, or a SEQUENCE of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import der as asn1
from .errors import InvalidCertificate

# What needs no reading, because it is known to be right.
_KNOWN: Final = frozenset(
    map(
        bytes.fromhex,
        (
            "300a06082a8648ce3d040302",  # ecdsa-with-SHA256
            "300a06082a8648ce3d040303",  # ecdsa-with-SHA384
            "300d06092a864886f70d01010b0500",  # sha256WithRSAEncryption
            "300d06092a864886f70d01010c0500",  # sha384WithRSAEncryption
            "300d06092a864886f70d0101010500",  # rsaEncryption
            "301306072a8648ce3d020106082a8648ce3d030107",  # id-ecPublicKey, P-256
            "301006072a8648ce3d020106052b81040022",  # id-ecPublicKey, P-384
            "300506032b6570",  # Ed25519
        ),
    )
)

_EC_KEY: Final = bytes.fromhex("2a8648ce3d0201")
_DSA_KEY: Final = bytes.fromhex("2a8648ce380401")
_RSA_PSS: Final = bytes.fromhex("2a864886f70d01010a")
# Beginnings of object identifiers.
_NULL_OR_NOTHING: Final = (
    bytes.fromhex("2a8648ce3d04"),  # ECDSA (RFC 5758)
    bytes.fromhex("2a864886f70d0101"),  # PKCS #1 (RFC 4055)
    bytes.fromhex("2a864886f70d02"),  # digests and HMAC of RSA Data Security
    bytes.fromhex("2b0e0302"),  # SHA-1
    bytes.fromhex("6086480165030402"),  # SHA-2 and SHA-3
)
_NOTHING: Final = (
    bytes.fromhex("2a8648ce3d04"),  # ECDSA (RFC 5758)
    bytes.fromhex("2b65"),  # the curves of RFC 8410
    bytes.fromhex("6086480165030403"),  # DSA with SHA-2 (RFC 5758), ML-DSA, SLH-DSA
)
# What neither signs nor is the algorithm of a key that does.
_STRANGERS: Final = (
    bytes.fromhex("2a864886f70d0103"),  # Diffie-Hellman
    bytes.fromhex("2a8648ce3e02"),  # the same by X9.42
    bytes.fromhex("2a864886f70d0105"),  # encryption by password
)
_NULL: Final = b"\x05\x00"
_SHA_1: Final = bytes.fromhex("2b0e03021a")
_MGF_1: Final = bytes.fromhex("2a864886f70d010108")


def check(der: bytes, start: int, end: int, place: str) -> int:
    """Check an AlgorithmIdentifier and return where it ends.

    Args:
        der: the octets around it.
        start: where it begins.
        end: where what encloses it ends.
        place: its name, for an exception.

    Raises:
        InvalidCertificate: it is malformed, or has parameters that the algorithm does not have.

    Source: RFC 3279, RFC 4055, RFC 5480, RFC 5758, RFC 8410.
    """
    content, stop = asn1.tagged(der, start, end, asn1.SEQUENCE, place)
    if der[start:stop] in _KNOWN:
        return stop
    first, content = asn1.tagged(der, content, stop, asn1.OBJECT_IDENTIFIER, place)
    oid = der[first:content]
    asn1.check_object_identifier(oid, place)
    if not _fits(oid, der, content, stop, place):
        raise InvalidCertificate(place, "an algorithm with the parameters that belong to it")
    return stop


def _fits(oid: bytes, der: bytes, start: int, end: int, place: str) -> bool:
    """Say whether parameters belong to an algorithm."""
    parameters = der[start:end]
    if oid == _EC_KEY:
        return _is_curve(der, start, end, place)
    if oid == _DSA_KEY:
        return _are_numbers(der, start, end, place)
    if oid == _RSA_PSS:
        return not parameters or _are_of_pss(der, start, end, place)
    if oid.startswith(_STRANGERS):
        return False
    if oid.startswith(_NOTHING):
        return not parameters
    if oid.startswith(_NULL_OR_NOTHING):
        return parameters in {b"", _NULL}
    if parameters not in {b"", _NULL}:
        asn1.only(der, start, end, asn1.SEQUENCE, place)
    return True


def _is_curve(der: bytes, start: int, end: int, place: str) -> bool:
    """A curve has a name; one that is described is not used (RFC 5480 section 2.1.1)."""
    content, stop = asn1.only(der, start, end, asn1.OBJECT_IDENTIFIER, place)
    asn1.check_object_identifier(der[content:stop], place)
    return True


def _are_numbers(der: bytes, start: int, end: int, place: str) -> bool:
    """The numbers p, q and g of DSA (RFC 3279 section 2.3.2)."""
    start, end = asn1.only(der, start, end, asn1.SEQUENCE, place)
    for _ in range(3):
        content, start = asn1.tagged(der, start, end, asn1.INTEGER, place)
        if not _is_positive(der[content:start]):
            return False
    return start == end


def _is_positive(number: bytes) -> bool:
    """Whether the content of an INTEGER is above 0, in its shortest form."""
    first = number[:1]
    if first == b"\x00":
        return len(number) > 1 and number[1] >= 0x80
    return bool(first) and number[0] < 0x80


def _are_of_pss(der: bytes, start: int, end: int, place: str) -> bool:
    """RSASSA-PSS-params; what is the default is left out (RFC 4055 section 3.1)."""
    start, end = asn1.only(der, start, end, asn1.SEQUENCE, place)
    readers: tuple[tuple[int, Callable[[bytes, int, int, str], bool]], ...] = (
        (0xA0, _is_digest),
        (0xA1, _is_mask),
        (0xA2, _is_salt_length),
    )
    for tag, reads in readers:
        if start < end and der[start] == tag:
            content, start = asn1.tagged(der, start, end, tag, place)
            if not reads(der, content, start, place):
                return False
    return start == end  # the trailer field has one value, which is the default


def _is_digest(der: bytes, start: int, end: int, place: str) -> bool:
    stop = check(der, start, end, place)
    return stop == end and _SHA_1 not in der[start:end]


def _is_mask(der: bytes, start: int, end: int, place: str) -> bool:
    start, stop = asn1.only(der, start, end, asn1.SEQUENCE, place)
    first, content = asn1.tagged(der, start, stop, asn1.OBJECT_IDENTIFIER, place)
    return der[first:content] == _MGF_1 and _is_digest(der, content, stop, place)


def _is_salt_length(der: bytes, start: int, end: int, place: str) -> bool:
    length, stop = asn1.integer(der, start, end, place)
    return stop == end and 0 <= length < 0x10000 and length != 20
