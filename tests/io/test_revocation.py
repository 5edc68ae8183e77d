"""What CRLs say of a path: who is revoked, which lists count, and that nothing is good on doubt."""

from __future__ import annotations

import gc
import re
import subprocess
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import event, given, settings
from hypothesis import strategies as st

from forged import der, integer, oid, sequence
from pki import NOW, Issued, Issuer, build_crl, revoked
from siptls import Policy, Security, Verdict
from siptls.errors import InvalidPolicy
from siptls.events import Anchors, KeyAnchor, PathValidated, ValidatePath
from siptls.revocation import CheckRevocation, Crls, Revocation
from siptls_io import InvalidCrl, check_revocation, crls_from_files, validate_path, verify_chain
from siptls_io.crl import Crl

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
POINT, OTHER_POINT = "http://crl.example/1", "http://crl.example/2"
STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")

ROOT = Issuer.root("Root")
CA = ROOT.intermediate("CA")
OF_ANOTHER = x509.CertificateIssuer([x509.DirectoryName(ROOT.certificate.subject)]), True


def points(*more: x509.DistributionPoint, uri: str = POINT) -> tuple[x509.ExtensionType, bool]:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(uri)], None, None, None)
    return x509.CRLDistributionPoints([point, *more]), False


LEAF = CA.leaf(uris=["sip:example.com"], extensions=[points()])
OTHER = CA.leaf(uris=["sip:other.example"])
ROOT_LIST = ROOT.crl()
ANCHORS = Anchors((ROOT.der,))


def scope(
    *,
    uri: str | None = None,
    user: bool = False,
    ca: bool = False,
    attribute: bool = False,
    indirect: bool = False,
    reasons: frozenset[x509.ReasonFlags] | None = None,
    rdn: x509.RelativeDistinguishedName | None = None,
) -> tuple[x509.ExtensionType, bool]:
    names = None if uri is None else [x509.UniformResourceIdentifier(uri)]
    return x509.IssuingDistributionPoint(names, rdn, user, ca, reasons, indirect, attribute), True


class Dates(TypedDict):
    """Of a list."""

    since: datetime
    until: datetime


def ca_list(
    *entries: x509.RevokedCertificate,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    since: datetime = NOW - DAY,
    until: datetime = NOW + 7 * DAY,
    issuer: Issuer = CA,
) -> bytes:
    return build_crl(issuer, *entries, since=since, until=until, extensions=extensions).public_bytes(Encoding.DER)


_LISTED = ca_list(revoked(7), revoked(LEAF, x509.ReasonFlags.key_compromise), revoked(8))
_SCOPED = ca_list(revoked(LEAF), extensions=[scope(uri=POINT)])


def findings(path: Sequence[Issued | Issuer | bytes], *lists: bytes, at: datetime = NOW) -> tuple[Revocation, ...]:
    question = CheckRevocation(tuple([each if isinstance(each, bytes) else each.der for each in path]), Crls(lists), at)
    answer = check_revocation(question)
    assert answer.action is question
    assert len(answer.findings) == len(path) - 1
    for finding in answer.findings:
        assert (finding.status == "good") is (finding.code == "")
        assert (finding.status == "good") is (finding.until is not None)
        assert len(finding.detail) <= 200
    return answer.findings


def of_leaf(*lists: bytes, at: datetime = NOW, leaf: Issued = LEAF, issuer: Issuer = CA) -> tuple[str, str]:
    """What lists say of a leaf."""
    finding, *_ = findings([leaf, issuer, ROOT], *lists, at=at)
    return finding.status, finding.code


def of_path(*lists: bytes) -> list[str]:
    return [finding.code or finding.status for finding in findings([LEAF, CA, ROOT], *lists)]


def unknown(code: str) -> tuple[str, str]:
    return "unknown", code


GOOD, REVOKED = ("good", ""), ("revoked", "chain.revoked")


# Who is revoked.


@pytest.mark.req("GJ-7", "R5280-6.1.3-1")
def test_the_leaf_and_each_issuer_are_looked_for_in_the_lists_of_their_issuers() -> None:
    assert of_path(CA.crl(), ROOT.crl()) == ["good", "good"]
    assert of_path(CA.crl(LEAF), ROOT.crl()) == ["chain.revoked", "good"]
    assert of_path(CA.crl(), ROOT.crl(CA)) == ["good", "chain.revoked"]
    assert of_path(ROOT.crl(CA), CA.crl(LEAF)) == ["chain.revoked", "chain.revoked"]
    assert of_path(CA.crl(OTHER), ROOT.crl()) == ["good", "good"]


def test_a_number_means_nothing_on_the_list_of_another_issuer() -> None:
    assert of_path(CA.crl(), ROOT.crl(LEAF, ROOT)) == ["good", "good"]


def test_the_anchor_is_not_asked_for() -> None:
    assert findings([ROOT]) == ()
    assert [each.status for each in findings([LEAF, CA], CA.crl(LEAF))] == ["revoked"]


def test_a_good_finding_says_until_when_and_a_bad_one_when_and_what() -> None:
    good, _ = findings([LEAF, CA, ROOT], CA.crl(until=NOW + DAY))
    assert good.until == NOW + DAY
    bad, missing = findings([LEAF, CA, ROOT], ca_list(revoked(LEAF, at=NOW - 3 * DAY)))
    assert bad.detail == f"serial number {LEAF.certificate.serial_number:x} is revoked as of 2026-11-19T12:00:00Z"
    assert missing.detail == "no list is issued by CN=Root"
    (held, _) = findings([LEAF, CA, ROOT], ca_list(revoked(LEAF, x509.ReasonFlags.certificate_hold)))
    assert "on hold" in held.detail


@pytest.mark.parametrize("reason", [None, *x509.ReasonFlags])
def test_every_reason_revokes_but_the_one_that_lifts_a_hold(reason: x509.ReasonFlags | None) -> None:
    lifted = reason is x509.ReasonFlags.remove_from_crl
    strange = ca_list(revoked(LEAF, reason, extensions=[(STRANGE, True)]))
    assert of_leaf(strange, CA.crl()) == (unknown("crl.critical-extension") if lifted else REVOKED)
    assert of_leaf(ca_list(revoked(LEAF, reason))) == (unknown("crl.delta") if lifted else REVOKED)


def test_of_two_entries_the_stronger_counts() -> None:
    hold = revoked(LEAF, x509.ReasonFlags.certificate_hold)
    removed = revoked(LEAF, x509.ReasonFlags.remove_from_crl)
    for order in permutations([removed, hold, revoked(LEAF)]):
        for wanted in (2, 3):
            assert of_leaf(ca_list(*order[:wanted])) == REVOKED


@pytest.mark.parametrize("number", [1, 127, 128, 255, 256, 1 << 63, 1 << 64, (1 << 158) - 1])
def test_numbers_of_every_length_are_found(number: int) -> None:
    leaf = CA.leaf(uris=["sip:example.com"], serial=number)
    assert of_leaf(CA.crl(leaf), leaf=leaf) == REVOKED
    assert of_leaf(ca_list(revoked(number + 1), revoked(max(1, number - 1) + 3)), leaf=leaf) == GOOD


def test_among_many_entries_the_one_that_counts_is_found() -> None:
    many = [revoked(number) for number in range(1, 3_000)]
    assert of_leaf(ca_list(*many)) == GOOD
    assert of_leaf(ca_list(*many[:1_500], revoked(LEAF), *many[1_500:])) == REVOKED


def test_a_revocation_counts_whatever_its_date_says() -> None:
    assert of_leaf(ca_list(revoked(LEAF, at=NOW + 300 * DAY))) == REVOKED
    assert of_leaf(ca_list(revoked(LEAF, at=datetime(1960, 1, 1, tzinfo=UTC)))) == REVOKED


# Which lists count, each refusal by its name.


def test_a_list_of_nobody_on_the_path_is_missing() -> None:
    assert of_leaf() == unknown("crl.missing")
    assert of_leaf(ROOT_LIST) == unknown("crl.missing")


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (NOW, NOW + SECOND, GOOD),
        (NOW + SECOND, NOW + DAY, unknown("crl.not-yet-valid")),
        (NOW - DAY, NOW, unknown("crl.expired")),
        (NOW - DAY, NOW - SECOND, unknown("crl.expired")),
    ],
)
def test_a_list_counts_from_this_update_until_the_next(
    since: datetime, until: datetime, expected: tuple[str, str]
) -> None:
    assert of_leaf(ca_list(since=since, until=until)) == expected


@pytest.mark.req("R5280-6.1.3-1")
def test_a_list_must_be_signed_by_the_issuers_key_in_the_path() -> None:
    namesake = Issuer.root("CA")
    assert of_leaf(namesake.crl()) == unknown("crl.signature")
    assert of_leaf(namesake.crl(LEAF)) == unknown("crl.signature")
    assert of_leaf(namesake.crl(), CA.crl()) == GOOD
    assert of_leaf(namesake.crl(LEAF), CA.crl()) == GOOD
    assert of_leaf(namesake.crl(), CA.crl(LEAF)) == REVOKED


@pytest.mark.parametrize("usage", [["key_cert_sign"], ["digital_signature", "key_cert_sign"]])
def test_an_issuer_that_may_not_sign_lists_proves_nobody_good_but_takes_back_what_it_signed(usage: list[str]) -> None:
    limited = ROOT.intermediate("CA", key_usage=usage)
    leaf = limited.leaf(uris=["sip:example.com"])
    assert of_leaf(limited.crl(), leaf=leaf, issuer=limited) == unknown("crl.key-usage")
    assert of_leaf(limited.crl(leaf), leaf=leaf, issuer=limited) == REVOKED
    held = ca_list(revoked(leaf, x509.ReasonFlags.certificate_hold), issuer=limited)
    assert of_leaf(limited.crl(), held, leaf=leaf, issuer=limited) == REVOKED


def test_an_issuer_without_key_usage_may_sign_lists() -> None:
    free = ROOT.intermediate("CA", key_usage=())
    leaf = free.leaf(uris=["sip:example.com"])
    assert of_leaf(free.crl(), leaf=leaf, issuer=free) == GOOD
    assert of_leaf(free.crl(leaf), leaf=leaf, issuer=free) == REVOKED


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize(
    ("extension", "code"),
    [
        ((x509.DeltaCRLIndicator(1), True), "crl.delta"),
        ((x509.DeltaCRLIndicator(1), False), "crl.delta"),
        (scope(indirect=True), "crl.indirect"),
        (scope(indirect=True, uri=POINT), "crl.indirect"),
        (scope(attribute=True), "crl.scope"),
        ((STRANGE, True), "crl.critical-extension"),
        ((x509.FreshestCRL([x509.DistributionPoint(None, None, None, [x509.DNSName("a")])]), True), None),
    ],
)
def test_lists_of_a_kind_that_is_not_read_are_refused_by_name(
    listed: bool, extension: tuple[x509.ExtensionType, bool], code: str | None
) -> None:
    entries = [revoked(LEAF)] if listed else []
    refused = unknown(code or "crl.critical-extension")
    understood = refused[1] != "crl.critical-extension"
    crl = ca_list(*entries, extensions=[extension])
    assert of_leaf(crl) == (REVOKED if listed else refused)
    # Beside a complete list: what is not understood may say more than can be seen, the others say nothing.
    assert of_leaf(crl, CA.crl()) == (REVOKED if listed else GOOD if understood else refused)
    assert of_leaf(crl, CA.crl(LEAF)) == REVOKED


def test_a_delta_list_revokes_but_makes_nobody_good() -> None:
    for more in ([], [(STRANGE, False)], [scope(uri=OTHER_POINT)]):
        extensions = [(x509.DeltaCRLIndicator(1), True), *more]
        for reason in (None, x509.ReasonFlags.key_compromise, x509.ReasonFlags.certificate_hold):
            for lists in permutations([ca_list(revoked(LEAF, reason), extensions=extensions), CA.crl()]):
                assert of_leaf(*lists) == REVOKED
        lifting = ca_list(revoked(LEAF, x509.ReasonFlags.remove_from_crl), extensions=extensions)
        held = ca_list(revoked(LEAF, x509.ReasonFlags.certificate_hold), since=NOW - 2 * DAY)
        for delta in (lifting, ca_list(revoked(OTHER), extensions=extensions)):
            assert of_leaf(delta) == unknown("crl.delta")
            assert of_leaf(delta, CA.crl()) == GOOD
            assert of_leaf(delta, held) == REVOKED


def test_an_unread_list_leaves_no_certificate_good_by_an_older_one() -> None:
    entries = [entry(7, reason(b"junk"))]
    number = sequence(oid("2.5.29.20"), der(0x04, integer(1)))
    for code, unread in {
        "crl.malformed": forged(entries=entries),
        "crl.malformed ": forged(extensions=der(0xA0, sequence(number, number))),
        "crl.critical-extension": ca_list(extensions=[(STRANGE, True)]),
        "crl.critical-extension ": ca_list(revoked(7, extensions=[(STRANGE, True)])),
        "crl.critical-extension  ": ca_list(extensions=[(x509.DeltaCRLIndicator(1), True), (STRANGE, True)]),
        "crl.indirect": ca_list(revoked(7, extensions=[OF_ANOTHER])),
    }.items():
        # It is of NOW - DAY.
        for beside, expected in {
            ca_list(since=NOW - 2 * DAY): unknown(code.strip()),
            ca_list(since=NOW - DAY): unknown(code.strip()),
            ca_list(since=NOW - DAY + SECOND): GOOD,
            ca_list(revoked(LEAF), since=NOW - 2 * DAY): REVOKED,
        }.items():
            for lists in permutations([unread, beside]):
                assert of_leaf(*lists) == expected, code
    # Out of date or early, it may name the certificate all the same; of somebody else, it may not.
    for dates in ((NOW - DAY, NOW - SECOND), (NOW + SECOND, NOW + DAY)):
        unread = ca_list(extensions=[(STRANGE, True)], since=dates[0], until=dates[1])
        assert of_leaf(unread, ca_list(since=NOW - 2 * DAY)) == unknown("crl.critical-extension")
    assert of_leaf(ca_list(extensions=[(STRANGE, True)], issuer=Issuer.root("CA")), CA.crl()) == GOOD


def test_a_certificate_that_cannot_be_read_is_good_by_no_list_of_its_issuer() -> None:
    junk = x509.UnrecognizedExtension(x509.CRLDistributionPoints.oid, b"junk"), False
    leaf = CA.leaf(uris=["sip:example.com"], extensions=[junk])
    partial: list[tuple[x509.ExtensionType, bool]] = [scope(uri=POINT)]
    for lists in permutations([ca_list(extensions=partial), CA.crl()]):
        assert of_leaf(*lists, leaf=leaf) == unknown("crl.malformed")
    assert of_leaf(ca_list(revoked(leaf), extensions=partial), leaf=leaf) == REVOKED
    assert of_leaf(ca_list(extensions=partial, issuer=Issuer.root("CA")), CA.crl(), leaf=leaf) == GOOD


def test_entries_of_an_indirect_list_count_for_the_issuer_that_they_are_of() -> None:
    """RFC 5280 section 5.3.3: an entry without certificateIssuer is of the issuer of the entry before it."""
    leaf, seven = revoked(LEAF), revoked(7)
    of_others = revoked(LEAF, extensions=[OF_ANOTHER])
    own = x509.CertificateIssuer([x509.DNSName("x"), x509.DirectoryName(CA.certificate.subject)]), True
    nobody = x509.CertificateIssuer([x509.DNSName("x")]), True
    worlds: list[tuple[list[x509.RevokedCertificate], bool]] = [
        ([leaf], True),
        ([leaf, revoked(7, extensions=[OF_ANOTHER])], True),
        ([seven, leaf], True),
        ([of_others], False),
        ([revoked(7, extensions=[OF_ANOTHER]), leaf], False),
        ([revoked(7, extensions=[OF_ANOTHER]), revoked(8), leaf], False),
        ([of_others, revoked(LEAF, extensions=[own])], True),
        ([of_others, revoked(7, extensions=[own]), leaf], True),
    ]
    for entries, named in worlds:
        declared = ca_list(*entries, extensions=[scope(indirect=True)])
        undeclared = ca_list(*entries, extensions=[scope(user=True)])
        assert of_leaf(declared) == of_leaf(undeclared) == (REVOKED if named else unknown("crl.indirect"))
        assert of_leaf(declared, CA.crl()) == (REVOKED if named else GOOD)
        assert of_leaf(undeclared, CA.crl()) == (REVOKED if named else unknown("crl.indirect"))
    # The date of the entry of the other issuer's certificate says nothing of this one.
    early: Dates = {"since": NOW + DAY, "until": NOW + 2 * DAY}
    others = revoked(LEAF, at=NOW + SECOND, extensions=[OF_ANOTHER])
    mixed = ca_list(others, revoked(LEAF, extensions=[own]), extensions=[scope(indirect=True)], **early)
    assert of_leaf(mixed) == REVOKED
    unread = ca_list(revoked(7, extensions=[nobody]), extensions=[scope(indirect=True)])
    assert of_leaf(unread, CA.crl()) == unknown("crl.malformed")


def test_extensions_that_are_not_critical_are_passed_over() -> None:
    fresh = x509.FreshestCRL([x509.DistributionPoint([x509.UniformResourceIdentifier(POINT)], None, None, None)])
    assert of_leaf(ca_list(extensions=[(STRANGE, False), (fresh, False)])) == GOOD
    assert of_leaf(ca_list(revoked(LEAF, extensions=[(STRANGE, False)]))) == REVOKED
    assert of_leaf(ca_list(revoked(OTHER, extensions=[(x509.InvalidityDate(NOW), False)]))) == GOOD


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        ((STRANGE, True), unknown("crl.critical-extension")),
        ((x509.CertificateIssuer([x509.DirectoryName(ROOT.certificate.subject)]), True), unknown("crl.indirect")),
        ((x509.CertificateIssuer([x509.DirectoryName(ROOT.certificate.subject)]), False), unknown("crl.indirect")),
        ((x509.CRLReason(x509.ReasonFlags.superseded), True), GOOD),
        ((x509.InvalidityDate(NOW), True), GOOD),
    ],
)
def test_an_entry_that_is_not_understood_makes_nobody_good_but_those_named_are_revoked(
    extension: tuple[x509.ExtensionType, bool], expected: tuple[str, str]
) -> None:
    assert of_leaf(ca_list(revoked(OTHER, extensions=[extension]))) == expected
    assert of_leaf(ca_list(revoked(7), revoked(OTHER, extensions=[extension]), revoked(8))) == expected
    # The issuer that an entry names is that of the entries behind it, too: the number is of another certificate.
    of_others = expected == unknown("crl.indirect")
    for entries in ([revoked(OTHER, extensions=[extension]), revoked(LEAF)], [revoked(LEAF, extensions=[extension])]):
        assert of_leaf(ca_list(*entries)) == (expected if of_others else REVOKED)
    assert of_leaf(ca_list(revoked(LEAF), revoked(OTHER, extensions=[extension]))) == REVOKED


@pytest.mark.parametrize(
    ("extension", "of_the_leaf", "of_the_ca"),
    [
        (scope(user=True), True, False),
        (scope(ca=True), False, True),
        (scope(uri=POINT), True, False),
        (scope(uri=OTHER_POINT), False, False),
        (scope(uri=POINT, user=True), True, False),
        (scope(uri=POINT, ca=True), False, False),
        (scope(reasons=frozenset({x509.ReasonFlags.key_compromise})), False, False),
        (scope(uri=POINT, reasons=frozenset({x509.ReasonFlags.key_compromise})), False, False),
    ],
)
def test_a_list_of_some_certificates_is_good_for_those_that_it_surely_covers(
    extension: tuple[x509.ExtensionType, bool], of_the_leaf: bool, of_the_ca: bool
) -> None:
    lists = ca_list(extensions=[extension]), ca_list(extensions=[extension], issuer=ROOT)
    expected = ["good" if covered else "crl.scope" for covered in (of_the_leaf, of_the_ca)]
    assert of_path(*lists) == expected
    noncritical = (extension[0], False)
    assert of_path(ca_list(extensions=[noncritical]), ca_list(extensions=[noncritical], issuer=ROOT)) == expected
    # Whoever is on the list is revoked, though he should stand on another one.
    assert of_leaf(ca_list(revoked(LEAF), extensions=[extension])) == REVOKED


def test_a_distribution_point_for_some_reasons_or_of_another_issuer_covers_nothing() -> None:
    name = [x509.UniformResourceIdentifier(POINT)]
    elsewhere = x509.DistributionPoint([x509.UniformResourceIdentifier(OTHER_POINT)], None, None, None)
    some_reasons = x509.DistributionPoint(name, None, frozenset({x509.ReasonFlags.key_compromise}), None)
    indirect = x509.DistributionPoint(name, None, None, [x509.DirectoryName(ROOT.certificate.subject)])
    for point in (some_reasons, indirect, elsewhere):
        leaf = CA.leaf(extensions=[points(point, uri=OTHER_POINT)])
        assert of_leaf(ca_list(extensions=[scope(uri=POINT)]), leaf=leaf) == unknown("crl.scope")
        assert of_leaf(CA.crl(), leaf=leaf) == GOOD
    assert of_leaf(ca_list(extensions=[scope(uri=POINT)]), leaf=OTHER) == unknown("crl.scope")


def test_names_relative_to_the_issuer_are_compared() -> None:
    one, two = [
        x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("one", "two")
    ]
    leaf = CA.leaf(extensions=[(x509.CRLDistributionPoints([x509.DistributionPoint(None, one, None, None)]), False)])
    assert of_leaf(ca_list(extensions=[scope(rdn=one)]), leaf=leaf) == GOOD
    assert of_leaf(ca_list(extensions=[scope(rdn=two)]), leaf=leaf) == unknown("crl.scope")
    assert of_leaf(ca_list(extensions=[scope(rdn=one)])) == unknown("crl.scope")


# Several lists.


def test_the_newest_good_list_says_until_when() -> None:
    older = ca_list(since=NOW - 5 * DAY, until=NOW + 30 * DAY)
    newer = ca_list(since=NOW - DAY, until=NOW + 2 * DAY)
    for lists in permutations([older, newer]):
        assert findings([LEAF, CA], *lists)[0].until == NOW + 2 * DAY


@pytest.mark.parametrize("reason", [None, x509.ReasonFlags.certificate_hold])
def test_whoever_is_on_any_list_in_date_is_revoked(reason: x509.ReasonFlags | None) -> None:
    older = ca_list(revoked(LEAF, reason), since=NOW - 5 * DAY)
    for lists in permutations([older, CA.crl()]):
        assert of_leaf(*lists) == REVOKED


def test_a_list_out_of_date_still_tells_who_was_revoked_for_good() -> None:
    expired: Dates = {"since": NOW - 20 * DAY, "until": NOW - 10 * DAY}
    early: Dates = {"since": NOW + DAY, "until": NOW + 2 * DAY}
    assert of_leaf(ca_list(revoked(LEAF), **expired)) == REVOKED
    assert of_leaf(ca_list(revoked(LEAF), **early)) == REVOKED
    assert of_leaf(ca_list(revoked(LEAF, at=NOW + SECOND), **early)) == unknown("crl.not-yet-valid")
    assert of_leaf(ca_list(revoked(LEAF, at=NOW + SECOND), **early), CA.crl()) == GOOD
    assert of_leaf(ca_list(revoked(LEAF, at=NOW + SECOND), **expired)) == REVOKED
    # Named twice, nobody knows as of when.
    assert of_leaf(ca_list(revoked(LEAF, at=NOW + SECOND), revoked(LEAF, at=NOW - DAY), **early)) == REVOKED


@pytest.mark.parametrize("reason", [None, x509.ReasonFlags.key_compromise, x509.ReasonFlags.certificate_hold])
@pytest.mark.parametrize("extensions", [[], [scope(uri=OTHER_POINT)], [(x509.DeltaCRLIndicator(1), True)]])
def test_a_list_out_of_date_speaks_against_a_certificate_until_a_newer_one_in_date_clears_it(
    reason: x509.ReasonFlags | None, extensions: list[tuple[x509.ExtensionType, bool]]
) -> None:
    expired = ca_list(revoked(LEAF, reason), since=NOW - 20 * DAY, until=NOW - 10 * DAY, extensions=extensions)
    early = ca_list(revoked(LEAF, reason), since=NOW + DAY, until=NOW + 2 * DAY, extensions=extensions)
    endless = forged(until=b"", entries=[entry()])  # of NOW - DAY
    older, newer = ca_list(since=NOW - 30 * DAY), ca_list(since=NOW - DAY + SECOND)
    for named in (expired, early, endless):
        assert of_leaf(named) == REVOKED
        assert of_leaf(named, older) == REVOKED
        assert of_leaf(named, newer) == (REVOKED if named is early else GOOD)
    for crl in (
        ca_list(since=NOW - 9 * DAY, until=NOW - DAY),  # newer, but no longer in date
        ca_list(extensions=[scope(ca=True)]),  # newer and in date, but of others
    ):
        assert of_leaf(expired, crl) == REVOKED
    assert of_leaf(expired, ca_list(since=NOW - 20 * DAY)) == REVOKED


def test_what_came_nearest_to_counting_is_named() -> None:
    row = [
        b"junk",
        ca_list(extensions=[(STRANGE, True)]),
        ca_list(extensions=[(x509.DeltaCRLIndicator(1), True)]),
        ca_list(extensions=[scope(indirect=True)]),
        ca_list(extensions=[scope(ca=True)]),
        Issuer.root("CA").crl(),
        ca_list(since=NOW + DAY),
        ca_list(since=NOW - 9 * DAY, until=NOW - DAY),
    ]
    codes = [of_leaf(*row[:count])[1].removeprefix("crl.") for count in range(len(row) + 1)]
    kinds = ["critical-extension", "delta", "indirect", "scope", "signature", "not-yet-valid", "expired"]
    assert codes == ["missing", "malformed", *kinds]
    assert [of_leaf(*reversed(row[:count]))[1].removeprefix("crl.") for count in range(len(row) + 1)] == codes


# Names, keys and algorithms.


def test_names_that_are_equal_by_the_rules_of_names_are_equal() -> None:
    def name(tag: int, text: str) -> bytes:
        return sequence(
            der(0x31, sequence(oid("2.5.4.3"), der(tag, text.encode("utf-16-be" if tag == 30 else "utf-8"))))
        )

    assert name(12, "CA") == CA.certificate.subject.public_bytes()
    for equal in (name(12, "CA"), name(19, "CA"), name(30, "CA"), name(12, "ca"), name(19, " Ca  ")):
        assert of_leaf(forged(issuer=equal, entries=[entry()])) == REVOKED
    for other in (name(12, "C A"), name(12, "CA2"), sequence(), name(22, "ROOT")):
        assert of_leaf(forged(issuer=other, entries=[entry()])) == unknown("crl.missing")


def test_authorities_with_rsa_keys_sign_lists_too() -> None:
    root = Issuer.root("RSA Root", algorithm="rsa")
    leaf = root.leaf(uris=["sip:example.com"])
    assert [each.status for each in findings([leaf, root], root.crl())] == ["good"]
    assert [each.status for each in findings([leaf, root], root.crl(leaf))] == ["revoked"]


@pytest.mark.req("D-PATH-4", "R7671-5.2.3-1")
def test_a_bare_key_at_the_end_of_the_path_has_lists_too() -> None:
    for anchor, key in ((CA, CA), (CA, OTHER)):
        anchors = Anchors((), (KeyAnchor(anchor.certificate.subject.public_bytes(), anchor.spki),))
        path = validate_path(ValidatePath(LEAF.der, (), anchors, NOW))
        assert isinstance(path, PathValidated)
        signed_by = CA if key is CA else Issuer(Issued(CA.certificate, OTHER.key))
        good = findings(path.path, signed_by.crl())
        bad = findings(path.path, signed_by.crl(LEAF))
        expected = [("good", ""), ("revoked", "chain.revoked")] if key is CA else [unknown("crl.signature")] * 2
        assert [(each.status, each.code) for each in (*good, *bad)] == expected


# Lists that no library would make.

SHA1 = hashes.SHA1()  # noqa: S303 - to be refused
_ECDSA_SHA1, _ECDSA_SHA256 = (sequence(oid(f"1.2.840.10045.4.{arc}")) for arc in ("1", "3.2"))


def utc(time: datetime) -> bytes:
    return der(0x17, f"{time:%y%m%d%H%M%SZ}".encode())


def forged(
    *,
    until: bytes = utc(NOW + DAY),
    entries: Sequence[bytes] = (),
    extensions: bytes = b"",
    version: bytes = integer(1),
    algorithm: bytes = _ECDSA_SHA256,
    claimed: bytes | None = None,
    digest: hashes.HashAlgorithm | None = None,
    issuer: bytes = CA.certificate.subject.public_bytes(),
    behind: bytes = b"",
) -> bytes:
    """A list of the CA, put together by hand and signed with its real key."""
    revoked = sequence(*entries) if entries else b""
    tbs = sequence(version, algorithm, issuer, utc(NOW - DAY), until, revoked, extensions)
    assert isinstance(CA.key, ec.EllipticCurvePrivateKey)
    signature = CA.key.sign(tbs, ec.ECDSA(digest or hashes.SHA256()))
    return sequence(tbs, claimed or algorithm, der(0x03, b"\0", signature), behind)


def entry(number: int = LEAF.certificate.serial_number, extensions: bytes = b"") -> bytes:
    return sequence(integer(number), utc(NOW - DAY), extensions)


def reason(octets: bytes) -> bytes:
    return sequence(sequence(oid("2.5.29.21"), der(0x04, octets)))


_OF_X400 = sequence(sequence(oid("2.5.29.29"), der(0x04, sequence(der(0xA3)))))
_DELTA = der(0xA0, sequence(sequence(oid("2.5.29.27"), der(0x04, integer(1)))))


@pytest.mark.parametrize(
    ("crl", "expected"),
    [
        (forged(), GOOD),
        (forged(entries=[entry()]), REVOKED),
        # Version 1 has no extensions, and is to be read (RFC 5280 section 5).
        (forged(version=b""), GOOD),
        (forged(version=b"", entries=[entry()]), REVOKED),
        (forged(version=integer(2)), unknown("crl.malformed")),
        # Nobody knows when a list without nextUpdate is too old.
        (forged(until=b""), unknown("crl.expired")),
        (forged(until=b"", entries=[entry()]), REVOKED),
        # SHA-1 can be forged.
        (forged(algorithm=_ECDSA_SHA1, digest=SHA1), unknown("crl.signature")),
        (forged(claimed=_ECDSA_SHA1), unknown("crl.malformed")),
        (forged(algorithm=sequence(oid("1.2.3.4"))), unknown("crl.signature")),
        # Entries.
        (forged(entries=[entry(extensions=reason(b"\x0a\x01\x01"))]), REVOKED),
        (forged(entries=[entry(extensions=reason(b"\x0a\x01\x07"))]), REVOKED),
        (forged(entries=[entry(extensions=reason(b"\x05\x00"))]), REVOKED),
        (forged(entries=[entry(7, reason(b"\x05\x00")), entry()]), REVOKED),
        (forged(entries=[entry(), entry(7, reason(b"\x05\x00"))]), REVOKED),
        (forged(entries=[entry(7, _OF_X400), entry()]), REVOKED),
        (forged(entries=[entry(7, _OF_X400)]), unknown("crl.malformed")),
        (forged(entries=[entry(7, reason(b"junk"))]), unknown("crl.malformed")),
        (forged(entries=[entry(-5)]), GOOD),
        (forged(entries=[b"\x05\x00"]), unknown("crl.malformed")),
        # The whole.
        (forged(behind=b"\x05\x00"), unknown("crl.malformed")),
        (forged() + b"\0", unknown("crl.malformed")),
        (forged()[:-1], unknown("crl.malformed")),
        (b"", unknown("crl.malformed")),
        (LEAF.der, unknown("crl.malformed")),
    ],
)
def test_lists_that_no_library_would_make_are_never_good_on_doubt(crl: bytes, expected: tuple[str, str]) -> None:
    assert of_leaf(crl) == expected


def test_an_extension_that_is_there_twice_spoils_the_list() -> None:
    number = sequence(oid("2.5.29.20"), der(0x04, integer(1)))
    assert of_leaf(forged(extensions=der(0xA0, sequence(number)))) == GOOD
    assert of_leaf(forged(extensions=der(0xA0, sequence(number, number)))) == unknown("crl.malformed")
    assert of_leaf(forged(extensions=der(0xA0, sequence(number, number)), entries=[entry()])) == REVOKED


def test_a_negative_number_is_found_where_the_certificate_has_one() -> None:
    serial = der(0x02, b"\x40" * 20)
    leaf = CA.leaf(uris=["sip:example.com"], serial=int.from_bytes(b"\x40" * 20))
    negative = leaf.der.replace(serial, der(0x02, b"\xc0" * 20))
    number = int.from_bytes(b"\xc0" * 20, signed=True)
    found = findings([negative, CA], forged(entries=[entry(number)]))[0]
    assert (found.status, found.code) in (REVOKED, unknown("crl.malformed"))
    assert found.status == "revoked" or "parsed" in found.detail
    assert findings([negative, CA], forged(entries=[entry(number)], until=b""))[0].status != "good"


@given(st.data())
@settings(max_examples=300)
def test_a_list_with_a_wrong_octet_never_makes_a_revoked_certificate_good(data: st.DataObject) -> None:
    crl = bytearray(data.draw(st.sampled_from([_LISTED, _SCOPED])))
    place, mask = data.draw(st.integers(0, len(crl) - 1)), data.draw(st.integers(1, 255))
    crl[place] ^= mask
    assert of_leaf(bytes(crl))[0] != "good"


@given(st.data())
@settings(max_examples=200)
def test_certificates_with_wrong_octets_are_looked_for_and_nothing_worse(data: st.DataObject) -> None:
    path = [bytearray(LEAF.der), bytearray(CA.der), bytearray(ROOT.der)]
    spoiled = data.draw(st.sampled_from(path))
    for _ in range(data.draw(st.integers(1, 3))):
        spoiled[data.draw(st.integers(0, len(spoiled) - 1))] ^= data.draw(st.integers(1, 255))
    findings([bytes(each) for each in path], _LISTED, _SCOPED, ROOT_LIST)


@given(st.lists(st.binary(max_size=60), max_size=3), st.lists(st.binary(max_size=60), min_size=1, max_size=4))
def test_octets_that_are_nothing_are_unknown(lists: list[bytes], path: list[bytes]) -> None:
    assert {each.status for each in findings(path, *lists)} <= {"unknown"}


@pytest.mark.parametrize("tag", range(0, 256, 3))
def test_an_issuer_name_of_any_string_type_is_judged_and_nothing_worse(tag: int) -> None:
    crl = forged()
    place = crl.index(b"\x55\x04\x03") + 3
    findings([LEAF, CA], crl[:place] + bytes((tag,)) + crl[place + 1 :], at=NOW)


# Work.


def test_each_list_is_parsed_once_and_verified_once_for_each_key(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[x509.Certificate] = []
    parsed: list[bytes] = []
    verify: Callable[[Crl, x509.Certificate], bool] = Crl.verify
    load = x509.load_der_x509_crl

    def counted(crl: Crl, certificate: x509.Certificate) -> bool:
        verified.append(certificate)
        return verify(crl, certificate)

    def loaded(octets: bytes) -> x509.CertificateRevocationList:
        parsed.append(octets)
        return load(octets)

    monkeypatch.setattr(Crl, "verify", counted)
    monkeypatch.setattr("siptls_io.revocation.x509.load_der_x509_crl", loaded)
    crls = Crls((CA.crl(), ROOT_LIST, ROOT_LIST))
    cross = Issuer.root("Other Root").cross_sign(CA)
    namesake = Issuer.root("CA")
    for _ in range(3):
        for path in ((LEAF, CA, ROOT), (OTHER, CA, ROOT), (LEAF, cross), (LEAF, namesake)):
            check_revocation(CheckRevocation(tuple([each.der for each in path]), crls, NOW))
    assert len(parsed) == 2
    assert len(verified) == 3  # the list of the CA for two keys of that name, the list of the root for one


def test_keys_without_end_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siptls_io.crl._MAX_KEYS", 2)
    crls = Crls((CA.crl(),))
    for ca in [*(Issuer.root("CA") for _ in range(4)), CA, CA]:
        (finding,) = check_revocation(CheckRevocation((LEAF.der, ca.der), crls, NOW)).findings
        assert finding.status == ("good" if ca is CA else "unknown")


def test_what_was_prepared_goes_with_the_lists() -> None:
    crls = Crls((CA.crl(),))
    (finding,) = check_revocation(CheckRevocation((LEAF.der, CA.der), crls, NOW)).findings
    assert finding.status == "good"
    gone = weakref.ref(crls)
    del crls
    gc.collect()
    assert gone() is None


# What callers give.


def judge(*lists: bytes, policy: Policy, crls: Crls | None = None) -> Verdict:
    return verify_chain(
        LEAF.presented,
        domain="example.com",
        anchors=ANCHORS,
        crls=lists if crls is None else crls,
        at=NOW,
        policy=policy,
    )


@pytest.mark.req("GJ-7", "R5280-6.1.3-1", "R5922-8-1")
@pytest.mark.parametrize(
    ("lists", "loose", "strict"),
    [
        ([CA.crl(), ROOT_LIST], ("ACCEPTED", "id.match"), ("ACCEPTED", "id.match")),
        ([CA.crl(LEAF), ROOT_LIST], ("REJECTED", "chain.revoked"), ("REJECTED", "chain.revoked")),
        ([CA.crl(), ROOT.crl(CA)], ("REJECTED", "chain.revoked"), ("REJECTED", "chain.revoked")),
        ([ROOT.crl(CA)], ("REJECTED", "chain.revoked"), ("REJECTED", "chain.revoked")),
        ([CA.crl()], ("ACCEPTED", "id.match"), ("UNDETERMINED", "chain.revocation-unknown")),
        ([ROOT_LIST], ("ACCEPTED", "id.match"), ("UNDETERMINED", "chain.revocation-unknown")),
        ([], ("ACCEPTED", "id.match"), ("UNDETERMINED", "chain.revocation-unknown")),
        ([b"junk"], ("ACCEPTED", "id.match"), ("UNDETERMINED", "chain.revocation-unknown")),
    ],
)
def test_a_chain_is_judged_by_the_lists_that_are_given(
    lists: list[bytes], loose: tuple[str, str], strict: tuple[str, str]
) -> None:
    for policy, expected in ((Policy(revocation="crl"), loose), (Policy(revocation="crl-required"), strict)):
        for verdict in (judge(*lists, policy=policy), judge(policy=policy, crls=Crls(tuple(lists)))):
            assert (verdict.outcome.value, verdict.code) == expected


@pytest.mark.req("GJ-7", "R7671-5.2-2", "R7673-4.2-1")
@pytest.mark.parametrize(
    ("tlsa", "method"),
    [
        (f"2 0 0 {CA.der.hex()}", "dane-ta"),
        (f"2 1 0 {CA.spki.hex()}", "dane-ta"),
        (f"2 1 0 {ROOT.spki.hex()}", "dane-ta"),
        (f"0 0 0 {ROOT.der.hex()}", "pkix-ta"),
        (f"1 1 0 {LEAF.spki.hex()}", "pkix-ee"),
        (f"3 1 0 {LEAF.spki.hex()}", "dane-ee"),
    ],
)
def test_whoever_vouches_by_a_path_is_asked_for_lists_and_a_pinned_key_needs_none(tlsa: str, method: str) -> None:
    def by(*lists: bytes) -> tuple[str, str]:
        verdict = verify_chain(
            LEAF.presented,
            domain="example.com",
            tlsa=[tlsa],
            delegation=Security.SECURE,
            anchors=ANCHORS,
            crls=lists,
            at=NOW,
            policy=Policy(revocation="crl-required"),
        )
        return verdict.outcome.value, verdict.method if verdict.accepted else verdict.code

    pinned = method == "dane-ee"
    assert by(CA.crl(), ROOT_LIST) == ("ACCEPTED", method)
    assert by(CA.crl(LEAF), ROOT_LIST) == (("ACCEPTED", method) if pinned else ("REJECTED", "chain.revoked"))
    assert by() == (("ACCEPTED", method) if pinned else ("UNDETERMINED", "chain.revocation-unknown"))


def test_a_verdict_holds_no_longer_than_the_lists_it_rests_on() -> None:
    soon = ca_list(until=NOW + timedelta(hours=3))
    assert judge(soon, ROOT_LIST, policy=Policy(revocation="crl-required")).expires == 3 * 3600
    assert judge(policy=Policy()).expires > 3 * 3600


def test_lists_that_nobody_would_look_at_are_the_callers_mistake() -> None:
    for crls in (Crls((CA.crl(),)), Crls((b"junk",))):
        with pytest.raises(InvalidPolicy, match="revocation"):
            judge(policy=Policy(), crls=crls)
    assert judge(policy=Policy(), crls=Crls()).accepted
    one: Any = CA.crl()
    with pytest.raises(TypeError, match="single"):
        judge(policy=Policy(revocation="crl"), crls=one)


@pytest.mark.parametrize("policy", [Policy(), Policy(revocation="crl")])
@pytest.mark.parametrize("wrong", ["abc", 5, None, True, [b"abc"], "x" * 10_000])
def test_a_list_that_is_no_octets_is_named_with_its_place(wrong: Any, policy: Policy) -> None:
    for place in (0, 1):
        given: list[Any] = [CA.crl(), ROOT_LIST]
        given[place] = wrong
        for crls in (given, tuple(given), iter(given), Crls(tuple(given))):
            with pytest.raises(TypeError, match=rf"crls\[{place}\]: expected .* bytes") as raised:
                verify_chain(LEAF.presented, domain="example.com", anchors=ANCHORS, crls=crls, at=NOW, policy=policy)
            assert repr(wrong)[:12] in str(raised.value)
            assert len(str(raised.value)) < 200


def test_lists_may_come_one_by_one_and_in_changeable_octets() -> None:
    lists: Any = [bytearray(CA.crl()), ROOT_LIST]
    verdict = verify_chain(
        LEAF.presented,
        domain="example.com",
        anchors=ANCHORS,
        crls=iter(lists),
        at=NOW,
        policy=Policy(revocation="crl-required"),
    )
    assert verdict.accepted


@pytest.mark.parametrize("revocation", ["crl", "crl-required"])
def test_a_cross_certificate_that_may_sign_no_lists_hides_no_revocation(
    revocation: Literal["crl", "crl-required"],
) -> None:
    """The key that signed the certificate has taken it back, whichever certificate of that key is in the path."""
    for _ in range(3):  # which path is found first is up to the octets
        one, two = Issuer.root("One"), Issuer.root("Two")
        way = one.intermediate("Issuer")
        past = two.cross_sign(way, key_usage=["key_cert_sign"])
        leaf = way.leaf(uris=["sip:example.com"])
        for above in permutations([way, past]):
            verdict = verify_chain(
                (leaf.der, *[each.der for each in above]),
                domain="example.com",
                anchors=Anchors((one.der, two.der)),
                crls=(way.crl(leaf), one.crl(), two.crl()),
                at=NOW,
                policy=Policy(revocation=revocation),
            )
            assert (verdict.outcome.value, verdict.code) == ("REJECTED", "chain.revoked")


# Files.


def pem(crl: bytes) -> bytes:
    return x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM)


def test_files_hold_one_list_in_der_or_many_in_pem(tmp_path: Path) -> None:
    one, many, empty = tmp_path / "one.crl", tmp_path / "many.pem", tmp_path / "none.pem"
    one.write_bytes(ROOT_LIST)
    many.write_bytes(b"\xff text\r\n" + pem(_LISTED) + LEAF.pem + pem(_SCOPED).replace(b"\n", b"\r\n"))
    crls = crls_from_files(one, many)
    assert crls.lists == (ROOT_LIST, _LISTED, _SCOPED)
    bad, good = check_revocation(CheckRevocation((LEAF.der, CA.der, ROOT.der), crls, NOW)).findings
    assert (bad.status, good.status) == ("revoked", "good")
    assert crls.name == f"{one}, {many}"
    assert crls_from_files(str(many)).lists == (_LISTED, _SCOPED)
    assert crls_from_files().lists == ()
    assert not empty.exists()


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (None, None, "No such file"),
        (b"", None, "no CRL in PEM (-----BEGIN X509 CRL-----)"),
        (LEAF.pem, None, "no CRL in PEM"),
        (LEAF.der, None, "CRL 1 of the file is malformed"),
        (_LISTED[:-1], None, "CRL 1 of the file is malformed"),
        (_LISTED + _SCOPED, None, "CRL 1 of the file is malformed"),
        (
            pem(_LISTED) + b"\n" + pem(_SCOPED).replace(b"CRL-----\nMI", b"CRL-----\nMA"),
            11,
            "CRL 2 of the file is",
        ),
        (pem(_LISTED).replace(b"-----END", b"-----ENDE"), 1, "no -----END X509 CRL----- follows"),
        (b"\n" + pem(_LISTED).replace(b"MI", b"M!"), 3, "not Base64"),
        (forged(entries=[entry(7, reason(b"junk"))]), None, "CRL 1 of the file is malformed"),
        (forged(entries=[entry(7, reason(b"junk"))], extensions=_DELTA), None, "CRL 1 of the file is malformed"),
        (b"-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n", 1, "an empty CRL"),
    ],
)
def test_a_file_that_holds_no_lists_is_refused_with_file_and_line(
    content: bytes | None, line: int | None, problem: str, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.pem", tmp_path / "bad.pem"
    good.write_bytes(pem(ROOT_LIST))
    if content is not None:
        bad.write_bytes(content)
    with pytest.raises(InvalidCrl) as raised:
        crls_from_files(good, bad)
    assert (raised.value.file, raised.value.line) == (str(bad), line)
    assert problem in raised.value.problem


# A second opinion: OpenSSL, which looks for the best list and believes that one alone.

Kind: TypeAlias = Literal[
    "plain", "user", "ca", "point", "other point", "reasons", "delta", "indirect", "critical", "critical entry"
]
When: TypeAlias = Literal["now", "before", "expired", "early"]
_KINDS: dict[Kind, list[tuple[x509.ExtensionType, bool]]] = {
    "plain": [],
    "user": [scope(user=True)],
    "ca": [scope(ca=True)],
    "point": [scope(uri=POINT)],
    "other point": [scope(uri=OTHER_POINT)],
    "reasons": [scope(reasons=frozenset({x509.ReasonFlags.key_compromise}))],
    "delta": [(x509.DeltaCRLIndicator(1), True)],
    "indirect": [scope(indirect=True)],
    "critical": [(STRANGE, True)],
    "critical entry": [],
}
_WHEN: dict[When, Dates] = {
    "now": {"since": NOW - DAY, "until": NOW + DAY},
    "before": {"since": NOW - 5 * DAY, "until": NOW + SECOND},
    "expired": {"since": NOW - 3 * DAY, "until": NOW},
    "early": {"since": NOW + SECOND, "until": NOW + DAY},
}
_REASONS = (
    None,
    x509.ReasonFlags.key_compromise,
    x509.ReasonFlags.certificate_hold,
    x509.ReasonFlags.remove_from_crl,
)
_MUTE = ROOT.intermediate(
    "CA",
    key=CA.key,
    key_usage=["key_cert_sign"],
    serial=CA.certificate.serial_number,  # so that lists name both
)
_FORGER, _ROOT_FORGER = Issuer.root("CA"), Issuer.root("Root")


@dataclass(frozen=True)
class Sketch:
    """A list of an authority, or of somebody with its name."""

    kind: Kind
    when: When
    listed: bool
    reason: x509.ReasonFlags | None
    forged: bool

    @property
    def revokes(self) -> bool:
        """Whether it is genuine, and names the certificate for good or for a while."""
        return not self.forged and self.listed and self.reason is not x509.ReasonFlags.remove_from_crl

    @property
    def unread(self) -> bool:
        """Whether it is genuine and may say more than is understood."""
        return not self.forged and self.kind in ("critical", "critical entry")

    @property
    def since(self) -> datetime:
        """Its thisUpdate."""
        return _WHEN[self.when]["since"]

    def proves(self, depth: int) -> bool:
        """Whether it would be enough to prove a certificate good."""
        covered = self.kind in (("plain", "user", "point"), ("plain", "ca"))[depth]
        return covered and self.when in ("now", "before") and not self.forged


@cache
def drawn(sketch: Sketch, depth: int) -> bytes:
    """The list of the CA about the leaf, or of the root about the CA."""
    below, issuer, forger = ((LEAF, CA, _FORGER), (CA, ROOT, _ROOT_FORGER))[depth]
    entries = [revoked(7, extensions=[(STRANGE, True)] if sketch.kind == "critical entry" else [])]
    if sketch.listed:
        entries.append(revoked(below, sketch.reason))
    key = forger.key if sketch.forged else issuer.key
    crl = build_crl(issuer, *entries, **_WHEN[sketch.when], extensions=_KINDS[sketch.kind], key=key)
    return crl.public_bytes(Encoding.DER)


def openssl(ca: Issuer, lists: Sequence[bytes], folder: Path) -> dict[int, str]:
    """What OpenSSL says of the leaf at depth 0, and of its CA at depth 1 if it goes on to that."""
    files = {
        "root.pem": ROOT.pem,
        "ca.pem": ca.pem,
        "leaf.pem": LEAF.pem,
        "crls.pem": b"".join(map(pem, [_UNRELATED, *lists])),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    options = ["-crl_check_all", "-attime", f"{NOW:%s}", "-trusted", "root.pem", "-untrusted", "ca.pem"]
    run = subprocess.run(
        ["openssl", "verify", *options, "-CRLfile", "crls.pem", "leaf.pem"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = re.findall(r"error (\d+) at (\d) depth lookup", run.stderr)
    assert errors or (run.returncode, run.stdout) == (0, "leaf.pem: OK\n"), run.stderr
    # The command goes on when a list is out of date (11, 12); the first error at each depth is the one that decides.
    told = {int(depth): "revoked" if number == "23" else "unknown" for number, depth in reversed(errors)}
    reached = min([int(depth) for number, depth in errors if number not in ("11", "12")], default=1)
    return {depth: told.get(depth, "good") for depth in (0, 1) if depth <= reached}


def wanted(depth: int, sketches: Sequence[Sketch], *, mute: bool) -> str:
    """What is to be said of a certificate, in as few words as there are rules."""
    good = [] if mute else [each.since for each in sketches if each.proves(depth) and not each.listed]
    cleared = max(good, default=datetime.min.replace(tzinfo=UTC))
    if any(each.revokes and (each.when != "expired" or each.since >= cleared) for each in sketches):
        return "revoked"
    return "good" if good and all(each.since < cleared for each in sketches if each.unread) else "unknown"


_EXPLAINED: dict[str, Callable[[int, Sequence[Sketch], str, str], bool]] = {
    # Whom a genuine list names is revoked, whatever else that list is too old, too new, too narrow or too odd for.
    "named on a list that proves nobody good": lambda depth, sketches, ours, theirs: (
        (ours, theirs) == ("revoked", "unknown") and any(each.revokes and not each.proves(depth) for each in sketches)
    ),
    # A genuine list with something critical that is not understood may name the certificate. OpenSSL asks another one.
    "beside a list that is not understood": lambda depth, sketches, ours, theirs: (
        (ours, theirs) == ("unknown", "good")
        and any(
            unread.unread
            and all(unread.since >= each.since for each in sketches if each.proves(depth) and not each.listed)
            for unread in sketches
        )
    ),
    # OpenSSL asks one list. We ask all, and whoever is named on one of them is revoked.
    "named on another list": lambda _, sketches, ours, theirs: (
        ours == "revoked"
        and theirs != "revoked"
        and any(each.revokes for each in sketches)
        and any(not each.revokes for each in sketches)
    ),
    # Without -extended_crl, OpenSSL takes a delta CRL for a complete one.
    "a delta CRL": lambda _, sketches, ours, theirs: (
        (ours, theirs) == ("unknown", "good") and any(each.kind == "delta" and not each.forged for each in sketches)
    ),
    # removeFromCRL may stand in delta CRLs alone; OpenSSL passes over it.
    "removeFromCRL": lambda _, sketches, ours, theirs: (
        (ours, theirs) == ("unknown", "good")
        and any(each.listed and each.reason is x509.ReasonFlags.remove_from_crl for each in sketches)
    ),
}

_SKETCHES = st.lists(
    st.builds(
        Sketch,
        st.sampled_from([*_KINDS, "plain", "plain", "plain"]),
        st.sampled_from([*_WHEN, "now"]),
        st.booleans(),
        st.sampled_from(_REASONS),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=3,
)
_UNRELATED = Issuer.root("Unrelated").crl()
_GOOD = [Sketch("plain", "now", False, None, False)]


@pytest.mark.server("openssl")
@pytest.mark.req("R5280-6.1.3-1")
@given(_SKETCHES | st.just(_GOOD), _SKETCHES | st.just(_GOOD), st.sampled_from([CA, CA, CA, _MUTE]))
@settings(max_examples=150)
def test_openssl_says_the_same_but_for_what_is_explained(
    tmp_path_factory: pytest.TempPathFactory, of_ca: list[Sketch], of_root: list[Sketch], ca: Issuer
) -> None:
    lists = [drawn(sketch, depth) for depth, sketches in enumerate((of_ca, of_root)) for sketch in sketches]
    ours = findings([LEAF, ca, ROOT], *lists)
    theirs = openssl(ca, lists, tmp_path_factory.mktemp("openssl"))
    for depth, (finding, sketches) in enumerate(zip(ours, (of_ca, of_root), strict=True)):
        mute = ca is _MUTE and depth == 0
        assert finding.status == wanted(depth, sketches, mute=mute)
        if depth in theirs and finding.status != theirs[depth]:
            # The key that signed the certificate has taken it back. OpenSSL looks into no list of such an authority.
            if mute and (finding.status, theirs[depth]) == ("revoked", "unknown"):
                event("named by an authority without cRLSign")
                continue
            reasons = [
                name for name, holds in _EXPLAINED.items() if holds(depth, sketches, finding.status, theirs[depth])
            ]
            assert reasons, (depth, finding, theirs)
            event(reasons[0])
