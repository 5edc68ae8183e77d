"""Certificates with something changed, made fast: octets, lengths and tags, whole elements, pieces of others."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from differential.certificates import Description, Key, certificate
from forged import (
    KEY_USAGE,
    SERVER_AUTH,
    SIP_DOMAIN,
    attribute,
    authority,
    bit_string,
    common_name,
    constraints,
    dns,
    email,
    extension,
    ip,
    name,
    other_name,
    uri,
    utf8,
)
from forged import certificate as forged

VECTORS: Final = Path(__file__).parents[1] / "vectors"

FORGED: Final = (
    forged(
        names=[
            uri("sip:example.com"),
            dns("example.com"),
            dns("*.example.com"),
            ip(b"\x7f\0\0\1"),
            ip(bytes(16)),
            email("a@example.com"),
            other_name("1.3.6.1.5.5.7.8.7", b"\x16\x10_sip.example.com"),
        ],
        eku=[SERVER_AUTH, SIP_DOMAIN],
        extensions=[extension(KEY_USAGE, bit_string(b"\x80", 7), critical=True)],
    ),
    forged(
        subject=name(attribute("2.5.4.6", b"\x13\x02DE"), attribute("2.5.4.3", utf8("Authority"))),
        extensions=[
            authority(3),
            constraints([dns("example.com"), ip(b"\x0a\0\0\0\xff\0\0\0")], [dns("x.example.com"), email("y.example")]),
            extension(KEY_USAGE, bit_string(b"\x06", 1), critical=True),
        ],
    ),
    forged(subject=common_name("example.com", b"\x1e\x04\0a\0b", b"\x14\x02ab"), unique_ids=b"\x81\x02\0\1"),
    forged(version=b"", names=()),
)
"""Certificates of odd shapes."""

_TAGS: Final = bytes(
    [0, 1, 2, 3, 4, 5, 6, 12, 19, 20, 22, 23, 24, 28, 30, 48, 49, 127, 128, 129, 130, 134, 135, 160, 161, 163, 255]
)
_OCTET_STRING: Final = 0x04


@dataclass(frozen=True)
class Element:
    """Where an element of a certificate is, and which one it is part of (itself for the outermost)."""

    start: int
    content: int
    end: int
    inside: int


@dataclass(frozen=True)
class Seed:
    """A certificate and its elements, the outermost first."""

    der: bytes
    elements: tuple[Element, ...]


def _header(octets: bytes, at: int, end: int) -> tuple[int, int] | None:
    """Where the content of an element begins and ends, if there is one."""
    if at + 2 > end:
        return None
    length, content = octets[at + 1], at + 2
    if length > 0x80:
        content += length & 0x7F
        length = int.from_bytes(octets[at + 2 : content], "big")
    return (content, content + length) if content + length <= end else None


def _elements(der: bytes) -> tuple[Element, ...]:
    found: list[Element] = []

    def read(at: int, end: int, inside: int) -> bool:
        """Add the elements of a range, if it holds nothing else."""
        before = len(found)
        while at < end:
            header = _header(der, at, end)
            if header is None:
                del found[before:]
                return False
            content, stop = header
            found.append(Element(at, content, stop, inside))
            if der[at] & 0x20 or der[at] == _OCTET_STRING:
                read(content, stop, len(found) - 1)
            at = stop
        return True

    read(0, len(der), 0)
    return tuple(found)


@cache
def seeds() -> tuple[Seed, ...]:
    """The certificates that are changed: those of the standards, odd ones, and those of every kind of key and name."""
    standards = [
        x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)
        for path in sorted(VECTORS.glob("*/*.pem"))
    ]
    key: Key = ("p256", 10)
    signer: Key = ("p256", 1)
    leaf = Description(subject="leaf", key=key, issuer="CA", signer=signer, dns=("example.com",))
    issuer = Description(
        subject="CA",
        key=signer,
        issuer="CA",
        signer=signer,
        ca=True,
        path_length=1,
        key_usage=("key_cert_sign",),
        permitted=("example.com",),
        excluded=("x.example.com",),
    )
    made = [
        replace(leaf, uris=("sip:example.com",), dns=("example.com", "*.example.net")),
        replace(leaf, dns=tuple([f"sip{number}.example.com" for number in range(20)]), purposes=(SIP_DOMAIN,)),
        replace(leaf, key=("p384", 10), dates="expired"),
        replace(leaf, key=("ed25519", 10), uris=("sip:a@example.com",), subject="example.com"),
        issuer,
    ]
    return tuple([Seed(der, _elements(der)) for der in (*standards, *FORGED, *map(certificate, made))])


def _encoded(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def _replaced(seed: Seed, place: int, octets: bytes) -> bytes:
    """The certificate with other octets for one element, and the lengths of those around it put right."""
    elements, der = seed.elements, seed.der
    while place:
        old, outer = elements[place], elements[elements[place].inside]
        octets = _encoded(der[outer.start], der[outer.content : old.start] + octets + der[old.end : outer.end])
        place = old.inside
    return octets


def _octets(numbers: random.Random, der: bytes) -> bytes:
    """Change some octets, whatever they are."""
    changed = bytearray(der)
    for _ in range(numbers.choice((1, 1, 1, 2, 3))):
        place = numbers.randrange(len(changed))
        match numbers.randrange(6):
            case 0:
                changed[place] ^= 1 << numbers.randrange(8)
            case 1:
                changed[place] = numbers.randrange(256)
            case 2:
                changed[place] = numbers.choice(_TAGS)
            case 3:
                changed[place] = (changed[place] + numbers.choice((1, 255))) & 0xFF
            case 4 if len(changed) > 8:
                del changed[place : place + numbers.randint(1, 4)]
            case _:
                changed[place:place] = numbers.randbytes(numbers.randint(1, 4))
    return bytes(changed)


def _element(numbers: random.Random, seed: Seed) -> bytes:
    """Change one whole element, and often keep all lengths right around it."""
    place = numbers.randrange(1, len(seed.elements))
    one = seed.elements[place]
    whole, content, tag = seed.der[one.start : one.end], seed.der[one.content : one.end], seed.der[one.start]
    match numbers.randrange(9):
        case 0:
            other = numbers.choice(seeds())
            return _replaced(seed, place, _some(numbers, other))  # a piece of another certificate
        case 1:
            return _replaced(seed, place, whole + whole)  # such as an extension that occurs twice
        case 2:
            return _replaced(seed, place, b"")
        case 3:
            return _replaced(seed, place, whole + _some(numbers, seed))
        case 4:
            return _replaced(seed, place, _encoded(numbers.choice(_TAGS), content))
        case 5:
            return _replaced(seed, place, _encoded(tag, _octets(numbers, content or b"\0")))
        case 6:
            return _replaced(seed, place, _encoded(tag, content[: numbers.randrange(len(content) + 1)]))
        case 7:
            return _replaced(seed, place, _badly_encoded(numbers, tag, content))
        case _:
            return seed.der[: one.start] + _badly_encoded(numbers, tag, content) + seed.der[one.end :]


def _some(numbers: random.Random, seed: Seed) -> bytes:
    one = numbers.choice(seed.elements[1:])
    return seed.der[one.start : one.end]


def _badly_encoded(numbers: random.Random, tag: int, content: bytes) -> bytes:
    """An element whose length is wrong, or is not written as DER wants it."""
    size = len(content)
    match numbers.randrange(4):
        case 0:
            return bytes((tag, 0x81)) + size.to_bytes(3, "big").lstrip(b"\0").rjust(1, b"\0") + content
        case 1:
            return bytes((tag, 0x82)) + (size & 0xFFFF).to_bytes(2, "big") + content
        case 2:
            return bytes((tag, 0x80)) + content + b"\0\0"
        case _:
            return _encoded(tag, content)[:1] + bytes(((size + numbers.choice((1, 255))) & 0x7F,)) + content


def mutants(count: int, seed: int) -> list[bytes]:
    """So many changed certificates; the same seed makes the same ones."""
    numbers = random.Random(seed)
    made: list[bytes] = []
    while len(made) < count:
        of = numbers.choice(seeds())
        changed = _octets(numbers, of.der) if numbers.random() < 0.4 else _element(numbers, of)
        if numbers.random() < 0.1:
            changed = _octets(numbers, changed or b"\0")
        if changed != of.der:
            made.append(changed)
    return made
