"""Two readers on the same octets: the same facts, or ours refuses; and it has none where the other one refuses."""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from differential.mutants import mutants
from second_reader import compare_or_refuse, expected_name, facts, found
from siptls.certificate import Certificate
from siptls.errors import InvalidCertificate

_AT_ONCE = 10_000


class _Within:
    """Equal to what is part of it: the other reader does not give the octets of a key that it does not know."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def __eq__(self, other: object) -> bool:
        return isinstance(other, bytes) and other in self._octets

    def __hash__(self) -> int:
        return hash(self._octets)


def _key(theirs: x509.Certificate) -> object:
    return _Within(theirs.tbs_certificate_bytes)


def _dates(theirs: x509.Certificate) -> object:
    return theirs.not_valid_before_utc, theirs.not_valid_after_utc


def _parties(theirs: x509.Certificate) -> object:
    return theirs.issuer.public_bytes(), theirs.subject.public_bytes()


def _authority(theirs: x509.Certificate) -> object:
    basic = found(theirs, x509.BasicConstraints)
    return (basic.ca, basic.path_length) if basic else (False, None)


def _purposes(theirs: x509.Certificate) -> object:
    purposes = found(theirs, x509.ExtendedKeyUsage)
    return purposes and tuple(each.dotted_string for each in purposes)


def _names(theirs: x509.Certificate) -> object:
    names = found(theirs, x509.SubjectAlternativeName)
    return None if names is None else tuple(map(expected_name, names))


@dataclass(frozen=True)
class _Fact:
    """Something in a certificate, as each of the two reads it."""

    ours: Callable[[Certificate], object]
    theirs: Callable[[x509.Certificate], object]


_FACTS: Final = {
    "key": _Fact(lambda ours: ours.spki, _key),
    "dates": _Fact(lambda ours: (ours.not_before, ours.not_after), _dates),
    "serial number": _Fact(lambda ours: ours.serial, lambda theirs: theirs.serial_number),
    "issuer and subject": _Fact(lambda ours: (ours.issuer, ours.subject), _parties),
    "authority": _Fact(lambda ours: (ours.is_ca, ours.path_length), _authority),
    "purposes": _Fact(lambda ours: ours.extended_key_usage, _purposes),
    "names": _Fact(lambda ours: ours.names, _names),
}
_REFUSALS: Final = (
    ValueError,
    TypeError,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    x509.DuplicateExtension,
)


def check(der: bytes, tally: Counter[str]) -> None:
    """Hold both readings against each other: the whole, and where ours refuses that, each fact that it still gives.

    Raises:
        AssertionError: they differ.
    """
    ours = Certificate(der)
    if facts(ours):
        compare_or_refuse(der)
        tally["read by both, alike"] += 1
        return
    tally["refused by ours"] += 1
    try:
        theirs = x509.load_der_x509_certificate(der)
    except _REFUSALS as error:
        _check_without_structure(ours, str(error))
        return
    tally["refused by ours, not at first sight by the other"] += 1
    for name, fact in _FACTS.items():
        with contextlib.suppress(InvalidCertificate):
            value = fact.ours(ours)
            try:
                expected = fact.theirs(theirs)
            except _REFUSALS:
                tally[f"{name}: read by ours beside what both refuse"] += 1
                continue
            assert expected == value, name
            tally["facts alike beside what ours refuses"] += 1


def _check_without_structure(ours: Certificate, reason: str) -> None:
    """Where the other reader finds no certificate at all, ours has no fact of one."""
    for name, fact in _FACTS.items():
        with contextlib.suppress(InvalidCertificate):
            fact.ours(ours)
            raise AssertionError(f"{name} read where there is no certificate: {reason}")


def run(count: int, seed: int) -> Counter[str]:
    """Compare both readers on so many changed certificates.

    Raises:
        AssertionError: they differ; with the octets.
    """
    tally: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the other reader warns of serial numbers below 1
        for start in range(0, count, _AT_ONCE):
            for der in mutants(min(_AT_ONCE, count - start), seed + start // _AT_ONCE):
                try:
                    check(der, tally)
                except Exception as error:
                    raise AssertionError(f"{type(error).__name__}: {error}; certificate {der.hex()}") from error
    tally["certificates"] += count
    return tally
