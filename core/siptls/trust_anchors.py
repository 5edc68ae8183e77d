"""The trust anchors that TLSA records name (RFC 6698 section 2.1.1, RFC 7671 sections 5.2 and 5.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .certificate import Certificate
from .dane import CERT, FULL, SPKI, Matcher
from .dns.records import Tlsa
from .errors import InvalidCertificate
from .events import Anchors, KeyAnchor


def readable(chain: Iterable[bytes]) -> list[Certificate]:
    """Return the certificates that can be read; the others can be part of no path.

    Args:
        chain: certificates in DER, or octets that are none.
    """
    certificates: list[Certificate] = []
    for der in chain:
        certificate = Certificate(der)
        try:
            certificate.issuer  # noqa: B018 - reading it is the check
        except InvalidCertificate:
            continue
        certificates.append(certificate)
    return certificates


def matching(matcher: Matcher, candidates: Iterable[Certificate]) -> Iterator[tuple[Certificate, Tlsa]]:
    """Yield the candidates that match a record, each with that record.

    Args:
        matcher: knows the records.
        candidates: certificates; those that cannot be read match nothing.
    """
    for candidate in candidates:
        try:
            record = matcher.match(candidate)
        except InvalidCertificate:
            continue
        if record is not None:
            yield candidate, record


def pkix_ta_candidates(
    matcher: Matcher, leaf: Certificate, issuers: list[Certificate], anchors: Anchors, limit: int
) -> tuple[list[tuple[bytes, Tlsa]], int]:
    """Return the certificates that a PKIX-TA record matches, each with that record (RFC 7671 section 5.4).

    Args:
        matcher: knows the records of usage 0.
        leaf: the peer's certificate; it is no authority of its own path.
        issuers: the other certificates that the peer presented.
        anchors: the trust anchors of the caller.
        limit: how many candidates are wanted at most.

    Returns:
        The candidates in the order of their octets, so that neither a peer nor a trust store decides by the order of
        its certificates (D-PATH-3); and how many were left out. If there are too many, those are left out first that
        cannot stand above the leaf, by their names.
    """
    authorities = [*[Certificate(der) for der in anchors.certificates], *issuers]
    found = {each.der: record for each, record in matching(matcher, authorities) if each.der != leaf.der}
    candidates = sorted(found)
    if len(candidates) > limit:
        above = _above(leaf, readable([each.der for each in authorities]))
        candidates = [der for der in candidates if der in above]
    return [(der, found[der]) for der in candidates[:limit]], max(0, len(candidates) - limit)


def _is_named(der: bytes, names: list[bytes]) -> bool:
    """Whether a certificate has one of these subjects; one that cannot be read has none."""
    try:
        return Certificate(der).subject in names
    except InvalidCertificate:
        return False


def _above(leaf: Certificate, authorities: list[Certificate]) -> set[bytes]:
    """Return the authorities that may stand above a leaf, as far as their names tell."""
    below: dict[bytes, list[Certificate]] = {}
    for authority in authorities:
        below.setdefault(authority.subject, []).append(authority)
    names = [leaf.issuer]
    above: set[bytes] = set()
    for name in names:  # grows while it is walked
        for authority in below.pop(name, ()):
            above.add(authority.der)
            names.append(authority.issuer)
    return above


def dane_ta_anchors(
    records: list[Tlsa], leaf: Certificate, issuers: list[Certificate], limit: int
) -> tuple[Anchors | None, list[Tlsa], int]:
    """Return all that DANE-TA records make a trust anchor, and the records that match a presented certificate.

    Args:
        records: usable records of usage 2.
        leaf: the peer's certificate; it is never its own trust anchor, not even in another certificate's clothes.
        issuers: the other certificates that the peer presented.
        limit: how many records with full data are looked at beyond the presented certificates.

    Returns:
        The anchors, those records, and how many records with full data were left out. None instead of anchors when
        there is none. A certificate binds as a certificate (selector 0) or as its bare key
        (selector 1, RFC 7671 section 5.2.1). Full data can be an anchor that the peer did not send (sections 5.2.2,
        5.2.3).

    Raises:
        InvalidCertificate: the leaf is malformed.
    """
    certificates: dict[bytes, None] = {}
    keys: dict[tuple[bytes, bytes], None] = {}
    matched: list[Tlsa] = []
    # Each selector for itself: a certificate that both match is both an anchor, and a bare key without constraints.
    for selector in (CERT, SPKI):
        of_selector = [record for record in records if record.selector == selector]
        for issuer, record in matching(Matcher(of_selector), issuers) if of_selector else ():
            if issuer.spki == leaf.spki:
                continue
            matched.append(record)
            if selector == CERT:
                certificates[issuer.der] = None
            else:
                keys[issuer.subject, issuer.spki] = None
    names = sorted({leaf.issuer, *[issuer.issuer for issuer in issuers]})
    full = sorted([record for record in records if record.matching == FULL], key=lambda record: record.data)
    if len(full) > limit:
        full.sort(key=lambda record: record.selector == CERT and not _is_named(record.data, names))
    for record in full[:limit]:  # sorted, since the order of the records of an RRset means nothing
        if record.selector == CERT:
            if Certificate(record.data).pinned_key != leaf.spki:
                certificates[record.data] = None
        elif record.data != leaf.spki:
            keys.update({(name, record.data): None for name in names})
    if not certificates and not keys:
        return None, matched, max(0, len(full) - limit)
    anchors = tuple([KeyAnchor(name, spki) for name, spki in keys])
    return Anchors(tuple(certificates), anchors, name="DANE-TA records"), matched, max(0, len(full) - limit)
