"""Certificates of any shape, right or wrong, put together octet by octet and signed by nobody.

The core does not check signatures, so its tests need no cryptography: they run where nothing but pytest and Hypothesis
is installed. Real certificates come from `pki`.

    certificate(names=[uri("sip:example.com"), dns("example.com")])
"""

from __future__ import annotations

from collections.abc import Sequence

SHA256_ECDSA = bytes.fromhex("300a06082a8648ce3d040302")
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04" + bytes(range(64))

KEY_USAGE = "2.5.29.15"
SUBJECT_ALT_NAME = "2.5.29.17"
BASIC_CONSTRAINTS = "2.5.29.19"
NAME_CONSTRAINTS = "2.5.29.30"
EXTENDED_KEY_USAGE = "2.5.29.37"

SIP_DOMAIN = "1.3.6.1.5.5.7.3.20"
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"
ANY_EKU = "2.5.29.37.0"


def der(tag: int, *content: bytes) -> bytes:
    """Encode an element with the shortest length."""
    octets = b"".join(content)
    size = len(octets)
    if size < 0x80:
        return bytes((tag, size)) + octets
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + octets


def sequence(*content: bytes) -> bytes:
    return der(0x30, *content)


def integer(number: int) -> bytes:
    magnitude = number if number >= 0 else ~number
    return der(0x02, number.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    octets = b""
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        octets += bytes(reversed(groups))
    return der(0x06, octets)


def utf8(text: str) -> bytes:
    return der(0x0C, text.encode())


def dns(name: str | bytes) -> bytes:
    return der(0x82, name.encode() if isinstance(name, str) else name)


def uri(text: str | bytes) -> bytes:
    return der(0x86, text.encode() if isinstance(text, str) else text)


def email(address: str) -> bytes:
    return der(0x81, address.encode())


def ip(packed: bytes) -> bytes:
    return der(0x87, packed)


def other_name(type_id: str, value: bytes) -> bytes:
    return der(0xA0, oid(type_id), der(0xA0, value))


def attribute(type_id: str, value: bytes) -> bytes:
    return sequence(oid(type_id), value)


def name(*attributes: bytes) -> bytes:
    """A directory name with one attribute in each RDN."""
    return sequence(*(der(0x31, each) for each in attributes))


def common_name(*values: str | bytes) -> bytes:
    """A directory name of common names; octets are taken as a complete string element."""
    strings = (utf8(value) if isinstance(value, str) else value for value in values)
    return name(*(attribute("2.5.4.3", string) for string in strings))


def extension(type_id: str, value: bytes, *, critical: bool = False) -> bytes:
    return sequence(oid(type_id), b"\x01\x01\xff" if critical else b"", der(0x04, value))


def alternative_names(*names: bytes) -> bytes:
    return extension(SUBJECT_ALT_NAME, sequence(*names))


def purposes(*type_ids: str) -> bytes:
    return extension(EXTENDED_KEY_USAGE, sequence(*map(oid, type_ids)))


def authority(path_length: int | None = None) -> bytes:
    limit = b"" if path_length is None else integer(path_length)
    return extension(BASIC_CONSTRAINTS, sequence(b"\x01\x01\xff", limit), critical=True)


def constraints(permitted: Sequence[bytes] = (), excluded: Sequence[bytes] = ()) -> bytes:
    """A critical nameConstraints extension; the subtrees are general names."""
    parts = [der(tag, *map(sequence, trees)) for tag, trees in ((0xA0, permitted), (0xA1, excluded)) if trees]
    return extension(NAME_CONSTRAINTS, sequence(*parts), critical=True)


def bit_string(octets: bytes, unused: int = 0) -> bytes:
    return der(0x03, bytes((unused,)), octets)


def certificate(
    *,
    names: Sequence[bytes] = (),
    eku: Sequence[str] = (),
    extensions: Sequence[bytes] = (),
    subject: bytes | None = None,
    issuer: bytes | None = None,
    version: bytes = b"\xa0\x03\x02\x01\x02",
    serial: bytes = b"\x02\x01\x01",
    algorithm: bytes = SHA256_ECDSA,
    outer_algorithm: bytes | None = None,
    validity: bytes = sequence(der(0x17, b"260101000000Z"), der(0x17, b"270101000000Z")),
    spki: bytes = SPKI,
    unique_ids: bytes = b"",
    all_extensions: bytes | None = None,
    signature: bytes = bit_string(b"unsigned"),
    behind: bytes = b"",
) -> bytes:
    """Put a certificate together; every argument that is octets is a complete element and stands as it is.

    Args:
        names: the general names of subjectAltName; none leaves the extension out.
        eku: the purposes of extKeyUsage; none leaves the extension out.
        extensions: more extensions.
        all_extensions: what stands in place of all extensions.
        behind: what follows the certificate.
    """
    listed = [
        *([alternative_names(*names)] if names else []),
        *([purposes(*eku)] if eku else []),
        *extensions,
    ]
    if all_extensions is None:
        all_extensions = der(0xA3, sequence(*listed)) if listed else b""
    to_be_signed = sequence(
        version,
        serial,
        algorithm,
        common_name("Forged Issuer") if issuer is None else issuer,
        validity,
        common_name("Forged Subject") if subject is None else subject,
        spki,
        unique_ids,
        all_extensions,
    )
    return sequence(to_be_signed, algorithm if outer_algorithm is None else outer_algorithm, signature) + behind
