# Invariant: any text is either refused with InvalidRecord or read as a TLSA record whose shown form is read again as
# the same record. A set of such records puts each of them into exactly one of its three parts, and says why where it
# does not count. A certificate matches exactly the records that hold its association data, however many there are;
# only a malformed certificate makes matching raise, and then InvalidCertificate. Nothing else is ever raised.
"""Hostile texts for the reader of TLSA records, and hostile records for the matcher."""

from __future__ import annotations

from pathlib import Path

from siptls.certificate import Certificate
from siptls.dane import Matcher, RecordSet, association, parse, unusable
from siptls.dns import Tlsa
from siptls.errors import InvalidCertificate, InvalidRecord
from siptls.policy import Policy

_DER = (Path(__file__).parents[1] / "vectors" / "rfc6698" / "appendix_c.der").read_bytes()
_CERTIFICATES = tuple(Certificate(der) for der in (_DER, _DER[:-1], b"", b"\x30\x80\x00\x00"))
_POLICIES = (
    Policy(),
    Policy(digests=("sha256",)),
    Policy(digests=("sha256", "sha512"), tlsa_usages=frozenset({2, 3})),
    Policy(tlsa_usages=frozenset()),
)
_MATCHING = tuple(
    str(Tlsa("", 3, selector, matching, association(_CERTIFICATES[0], selector, matching)))
    for selector in (0, 1)
    for matching in (0, 1, 2)
)

SEEDS = (
    b"3 1 1 8bd1da95272f7fa4ffb24137fc0ed03aae67e5c4d8b3c50734e1050a7920b922",
    b"DANE-EE SPKI SHA2-512 00 11\n2 0 0 30820101",
    b"PKIX-TA\tCert Full AB\n256 1 1 00\n3 1 1 0",
    "\n".join(_MATCHING).encode(),
)
"""Where the search begins."""


def check(data: bytes) -> None:
    """Read each line as a record, and all of them as one set."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    records: list[Tlsa] = []
    for line in text.split("\n"):
        for each in (line, f"3 1 1 {line}"):
            records.extend(_read(each))
    usual = [record for text in _MATCHING for record in _read(text)]
    _check_set([*records, *usual], _POLICIES[len(data) % len(_POLICIES)])


def _read(text: str) -> list[Tlsa]:
    try:
        record = parse(text, "_5061._tcp.example.com")
    except InvalidRecord as error:
        assert error.text == text
        return []
    assert record.owner == "_5061._tcp.example.com"
    assert all(0 <= number <= 255 for number in (record.usage, record.selector, record.matching))
    shown = str(record)
    assert shown.isascii()
    assert shown.isprintable()
    assert _fields(parse(shown)) == _fields(record)
    return [record]


def _fields(record: Tlsa) -> tuple[int, int, int, bytes]:
    return (record.usage, record.selector, record.matching, record.data)


def _check_set(records: list[Tlsa], policy: Policy) -> None:
    found = RecordSet(records, policy)
    put_aside = [*found.unusable, *found.set_aside]
    parts = [*found.counting, *[record for record, _ in put_aside]]
    assert sorted(map(id, parts)) == sorted(map(id, records))
    assert all(reason for _, reason in put_aside)
    # Eight of each kind are named, and one note counts the rest.
    assert len(found.notes) == min(len(found.unusable), 9) + min(len(found.set_aside), 9)
    assert not any(unusable(record) for record in found.counting)
    for usage in range(4):
        _check_matching(found.of(usage))


def _check_matching(records: list[Tlsa]) -> None:
    matcher = Matcher(records)
    for certificate in _CERTIFICATES:
        try:
            found = matcher.match(certificate)
            matching = [r for r in records if association(certificate, r.selector, r.matching) == r.data]
        except InvalidCertificate:
            continue
        assert (found is None) is not bool(matching)
        assert found is None or found in matching
