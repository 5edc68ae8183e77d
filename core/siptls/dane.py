"""TLSA records: which can be used, which count, and what they match (RFC 6698, RFC 7671, RFC 7218)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from . import der as asn1
from .certificate import Certificate
from .dns.records import Tlsa
from .errors import InvalidCertificate, InvalidRecord
from .policy import Policy

PKIX_TA, PKIX_EE, DANE_TA, DANE_EE = 0, 1, 2, 3
CERT, SPKI = 0, 1
FULL, SHA256, SHA512 = 0, 1, 2

METHODS: Final = {PKIX_TA: "pkix-ta", PKIX_EE: "pkix-ee", DANE_TA: "dane-ta", DANE_EE: "dane-ee"}
USAGES: Final = {method: usage for usage, method in METHODS.items()}

_DIGEST_OCTETS: Final = {SHA256: 32, SHA512: 64}
_MATCHING_OF_DIGEST: Final = {"sha256": SHA256, "sha512": SHA512}

ACRONYMS: Final = (
    {0: "PKIX-TA", 1: "PKIX-EE", 2: "DANE-TA", 3: "DANE-EE", 255: "PrivCert"},
    {0: "Cert", 1: "SPKI", 255: "PrivSel"},
    {0: "Full", 1: "SHA2-256", 2: "SHA2-512", 255: "PrivMatch"},
)
"""The acronyms of certificate usages, selectors and matching types (RFC 7218 section 2)."""
_NUMBERS: Final = tuple([{name.lower(): number for number, name in names.items()} for names in ACRONYMS])
_TOLD: Final = 8
_FIELDS: Final = ("certificate usage", "selector", "matching type")


def parse(text: str, owner: str = "") -> Tlsa:
    """Read the presentation form of a TLSA record.

    Args:
        text: usage, selector and matching type as numbers from 0 to 255 or acronyms, then the association data in
            hexadecimal, which may hold white space. For example ``3 1 1 8d0d...`` or ``DANE-EE SPKI SHA2-256 8d0d...``.
        owner: the owner name that the record is to have.

    Returns:
        The record. It may be unusable: that is for `unusable` to say.

    Raises:
        InvalidRecord: the text is no TLSA record; it names the field.

    Source: RFC 6698 section 2.2, RFC 7218 section 2.
    """
    words = text.split()
    if len(words) < 4:
        raise InvalidRecord(text, "certificate usage, selector, matching type and hexadecimal data")
    numbers: list[int] = []
    for word, acronyms, name in zip(words, _NUMBERS, _FIELDS, strict=False):
        if word.isascii() and word.isdigit() and len(word) <= 3 and int(word) <= 255:
            numbers.append(int(word))
        elif word.lower() in acronyms:
            numbers.append(acronyms[word.lower()])
        else:
            raise InvalidRecord(text, f"a {name} from 0 to 255 or one of {', '.join(acronyms).upper()}, not {word!r}")
    digits = "".join(words[3:])
    if not digits.isascii() or len(digits) % 2 or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
        raise InvalidRecord(text, "an even number of hexadecimal digits as the association data")
    return Tlsa(owner, numbers[0], numbers[1], numbers[2], bytes.fromhex(digits))


def acronyms(record: Tlsa) -> str:
    """Return usage, selector and matching type of a record in words (RFC 7218 section 2).

    Args:
        record: the record.

    Returns:
        For example ``DANE-EE SPKI SHA2-256``; a value without a name as its number.
    """
    numbers = (record.usage, record.selector, record.matching)
    return " ".join([names.get(number, str(number)) for names, number in zip(ACRONYMS, numbers, strict=True)])


def unusable(record: Tlsa) -> str:
    """Say why a record can match nothing, or return an empty text if it can be used (RFC 6698 section 4.1).

    Args:
        record: the record.
    """
    if record.usage > DANE_EE:
        return f"certificate usage {record.usage} is unknown"
    if record.selector > SPKI:
        return f"selector {record.selector} is unknown"
    matching, data = record.matching, record.data
    if matching > SHA512:
        return f"matching type {matching} is unknown"
    if matching != FULL:
        if len(data) != _DIGEST_OCTETS[matching]:
            return f"the digest has {len(data)} octets, not {_DIGEST_OCTETS[matching]}"
        return ""
    return _unusable_full(record)


def _unusable_full(record: Tlsa) -> str:
    """Full data must be a certificate or a key, or it could never be a trust anchor."""
    try:
        if record.selector == SPKI:
            _check_public_key(record.data)
        else:
            Certificate(record.data).pinned_key  # noqa: B018 - reading it is the check
    except InvalidCertificate:
        return f"the data is not a {'SubjectPublicKeyInfo' if record.selector == SPKI else 'certificate'} in DER"
    return ""


def is_public_key(data: bytes) -> bool:
    """Say whether octets are one SubjectPublicKeyInfo in DER and nothing after it (RFC 5280 section 4.1).

    Args:
        data: the octets.
    """
    try:
        _check_public_key(data)
    except InvalidCertificate:
        return False
    return True


def _check_public_key(data: bytes) -> None:
    """Raise `InvalidCertificate` unless this is one SubjectPublicKeyInfo and nothing after it (RFC 5280 4.1)."""
    start, end = asn1.only(data, 0, len(data), asn1.SEQUENCE, "subjectPublicKeyInfo")
    _, key = asn1.tagged(data, start, end, asn1.SEQUENCE, "subjectPublicKeyInfo")
    asn1.bits(data, key, end, "subjectPublicKeyInfo")


@lru_cache(maxsize=16)
def _octets(digests: tuple[str, ...]) -> dict[int, int]:
    """How many octets the digests that a policy takes have, by matching type."""
    return {matching: _DIGEST_OCTETS[matching] for matching in [_MATCHING_OF_DIGEST[digest] for digest in digests]}


class RecordSet:
    """The TLSA records of one base domain, sorted by what they are good for.

    Args:
        records: the records as published, all SECURE.
        policy: which usages count and which digests are stronger.

    Attributes:
        counting: the records that decide, in their order: usable, enabled, and not put aside by a stronger digest.
        only_constrains: True if all of these have a usage that the policy does not enable: they are no DANE then, but
            the PKIX path still has to match one of them (A-17).
        unusable: the records that can match nothing, each with the reason.
        set_aside: usable records that do not count, each with the reason.
    """

    __slots__ = ("counting", "only_constrains", "set_aside", "unusable")

    def __init__(self, records: Iterable[Tlsa], policy: Policy) -> None:
        self.set_aside: tuple[tuple[Tlsa, str], ...] = ()
        self.only_constrains: bool = False
        useless: list[tuple[Tlsa, str]] = []
        usable: list[Tlsa] = []
        octets = _octets(policy.digests)
        for record in records:
            if record.usage <= DANE_EE and record.selector <= SPKI and octets.get(record.matching) == len(record.data):
                usable.append(record)  # nearly all records hold a digest like this
                continue
            reason = unusable(record)
            if not reason and record.matching != FULL:
                reason = "the policy does not take its digest"
            if reason:
                useless.append((record, reason))
            else:
                usable.append(record)
        self.unusable: tuple[tuple[Tlsa, str], ...] = tuple(useless)
        self.counting: list[Tlsa] = self._strongest(self._enabled(usable, policy), policy)

    def _enabled(self, usable: list[Tlsa], policy: Policy) -> list[Tlsa]:
        """Leave out disabled usages. Alone, a disabled PKIX usage still constrains the PKIX path (A-17)."""
        usages = policy.tlsa_usages
        if len(usages) == 4:
            return usable
        enabled = [r for r in usable if r.usage in usages]
        if not enabled:
            enabled = [r for r in usable if r.usage in (PKIX_TA, PKIX_EE)]
            self.only_constrains = bool(enabled)
        kept = {id(r) for r in enabled}
        self.set_aside += tuple([(r, "its usage is disabled by policy") for r in usable if id(r) not in kept])
        return enabled

    def _strongest(self, usable: list[Tlsa], policy: Policy) -> list[Tlsa]:
        """Digest agility: for each usage and selector full data and the strongest digest only (RFC 7671 section 9)."""
        digests = {record.matching for record in usable}
        digests.discard(FULL)
        if len(digests) < 2:
            return usable
        ranks = {_MATCHING_OF_DIGEST[digest]: rank for rank, digest in enumerate(policy.digests)}
        best: dict[tuple[int, int], int] = {}
        for record in usable:
            if record.matching != FULL:
                group = (record.usage, record.selector)
                rank = ranks[record.matching]
                best[group] = min(rank, best.get(group, rank))
        counting: list[Tlsa] = []
        weaker: list[tuple[Tlsa, str]] = []
        for record in usable:
            group = (record.usage, record.selector)
            if record.matching == FULL or ranks[record.matching] == best[group]:
                counting.append(record)
            else:
                weaker.append((record, "a stronger digest stands beside it"))
        self.set_aside += tuple(weaker)
        return counting

    @property
    def notes(self) -> list[tuple[str, tuple[object, str]]]:
        """What to report of the records that do not count: a code, and the record with the reason.

        A zone may publish thousands of such records, and many targets may share them, so few are named and the rest
        counted.
        """
        notes: list[tuple[str, tuple[object, str]]] = []
        for code, pairs in (("dane.record-unusable", self.unusable), ("dane.record-set-aside", self.set_aside)):
            notes.extend([(code, pair) for pair in pairs[:_TOLD]])
            if len(pairs) > _TOLD:
                notes.append((code, (f"{len(pairs) - _TOLD} more record(s)", "not named here")))
        return notes

    def of(self, usage: int) -> list[Tlsa]:
        """Return the counting records of one usage, in their order."""
        return [record for record in self.counting if record.usage == usage]


class Matcher:
    """Finds the record of a set that a certificate matches: one look per form, however many records there are.

    Args:
        records: usable records of one usage.
    """

    __slots__ = ("_few", "_forms", "_table")

    def __init__(self, records: list[Tlsa]) -> None:
        self._few = records if len(records) <= 2 else None  # a table costs more than it saves for so few
        self._table: dict[tuple[int, int, bytes], Tlsa] = {}
        self._forms: list[tuple[int, int]] = []
        if self._few is None:
            for record in records:
                self._table.setdefault((record.selector, record.matching, record.data), record)
            self._forms = sorted({(selector, matching) for selector, matching, _ in self._table})

    def match(self, certificate: Certificate) -> Tlsa | None:
        """Return a record that the certificate matches, or None.

        Args:
            certificate: the certificate.

        Raises:
            InvalidCertificate: it is malformed where a selector needs it.

        Source: RFC 6698 section 2.1.
        """
        if self._few is not None:
            form, data = (-1, -1), b""
            for record in self._few:
                if form != (record.selector, record.matching):
                    form = (record.selector, record.matching)
                    data = association(certificate, record.selector, record.matching)
                if data == record.data:
                    return record
            return None
        for selector, matching in self._forms:
            found = self._table.get((selector, matching, association(certificate, selector, matching)))
            if found is not None:
                return found
        return None


def association(certificate: Certificate, selector: int, matching: int) -> bytes:
    """Return the association data that a record must hold to match a certificate (RFC 6698 section 2.1).

    Args:
        certificate: the certificate.
        selector: 0 for the whole certificate, 1 for its SubjectPublicKeyInfo.
        matching: 0 for the octets themselves, 1 for SHA-256, 2 for SHA-512.

    Raises:
        InvalidCertificate: it is malformed and the selector is 1.
    """
    return digest(certificate.der if selector == CERT else certificate.pinned_key, matching)


def matches(record: Tlsa, certificate: Certificate) -> bool:
    """Say whether a certificate matches a record (RFC 6698 section 2.1).

    Args:
        record: a usable record.
        certificate: the certificate.

    Raises:
        InvalidCertificate: it is malformed and the selector is 1.
    """
    return record.data == association(certificate, record.selector, record.matching)


def digest(octets: bytes, matching: int) -> bytes:
    """Return what a matching type makes of octets (RFC 6698 section 2.1.3).

    Args:
        octets: a certificate or a SubjectPublicKeyInfo in DER.
        matching: 0 for the octets themselves, 1 for SHA-256, 2 for SHA-512.
    """
    if matching == SHA256:
        return hashlib.sha256(octets).digest()
    if matching == SHA512:
        return hashlib.sha512(octets).digest()
    return octets


def no_match(records: list[Tlsa], leaf: Certificate) -> tuple[str, object]:
    """Return the code and the evidence for records none of which matched anything.

    Args:
        records: the counting records, at least one.
        leaf: the peer's certificate.

    Raises:
        InvalidCertificate: its key is malformed.
    """
    # Once for each form: a zone may publish thousands of records, and the certificate may be large.
    own = {form: association(leaf, *form) for form in {(r.selector, r.matching) for r in records}}
    for record in records:
        if record.usage in (PKIX_TA, DANE_TA) and record.data == own[record.selector, record.matching]:
            return "dane.ta-depth-0", (f"{record}, a certificate above the peer's own", "the peer's own certificate")
    forms = sorted({(r.usage, r.selector, r.matching) for r in records if r.matching != FULL})
    found = [f"{u} {s} {m} {own[s, m].hex()} (the peer's certificate)" for u, s, m in forms]
    only_ta = all(r.usage == DANE_TA and r.matching != FULL for r in records)
    code = "dane.ta-not-sent" if only_ta else "dane.no-match"
    return code, ("; ".join([str(r) for r in records[:8]]), "; ".join(found) or "other certificates")
