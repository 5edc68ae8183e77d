"""What a server presents, or is going to present, as those who publish TLSA records for it have to see it.

Nothing here verifies a signature. Issuers are found by their names alone, so what is said of them is what is wrong for
certain; that a chain is good is for a verdict to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, TypeAlias

from .certificate import Certificate
from .dane import ACRONYMS, CERT, DANE_EE, FULL, PKIX_EE, PKIX_TA, SPKI, RecordSet, association, digest, unusable
from .dns.records import Tlsa
from .errors import InvalidCertificate, InvalidRecord
from .policy import Policy
from .trust_anchors import readable

Form: TypeAlias = tuple[int, int, int]
"""Certificate usage, selector and matching type."""
Result: TypeAlias = Literal["match", "no-match", "set-aside", "unusable", "unknown"]

_END_ENTITY: Final = (PKIX_EE, DANE_EE)
_COMPUTED: Final = 8  # certificates


class Served:
    """The certificates of a server, or only its key.

    Args:
        chain: the certificates in DER as the server sends them, its own first. Those that cannot be read are left out.
        trusted: certificates in DER that clients have already, for PKIX-TA; the server need not send them.
        key: the DER of the SubjectPublicKeyInfo, for a server of which nothing else is known or presented (RFC 7250).

    Attributes:
        leaf: the server's own certificate; None if there is none that can be read.
        key: the server's key; None if nothing is known of it.
        above: the certificates that may stand above the leaf, nearest first, by the names of their issuers. Those that
            the server sends stand before those that clients have.
        strangers: the certificates that the server sends and that stand above nothing.
        unread: how many certificates of the chain cannot be read.
    """

    __slots__ = ("_below", "_sent", "above", "key", "leaf", "strangers", "unread")

    def __init__(self, chain: Iterable[bytes] = (), trusted: Iterable[bytes] = (), key: bytes | None = None) -> None:
        given = tuple(chain)
        certificates = readable(given)
        self.unread: Final = len(given) - len(certificates)
        # Whatever cannot be read, the first certificate is the server's own or none is.
        own = bool(certificates) and certificates[0].der == given[0]
        self.leaf: Final = certificates[0] if own else None
        self.key: Final = key if self.leaf is None else self.leaf.spki
        sent = {certificate.der: certificate for certificate in certificates[own:]}
        sent.pop(given[0] if given else b"", None)
        self._sent: Final = frozenset(sent)
        self._below: Final[dict[bytes, Certificate]] = {}
        above = self._climbed([*sent.values(), *[c for c in readable(trusted) if c.der not in sent]])
        self.above: Final = tuple(above)
        reached = {certificate.der for certificate in above}
        self.strangers: Final = tuple([c for c in sent.values() if c.der not in reached])

    def _climbed(self, pool: list[Certificate]) -> list[Certificate]:
        """Find who may stand above the leaf, one level after the other, each certificate once."""
        if self.leaf is None:
            return []
        named: dict[bytes, list[Certificate]] = {}
        for certificate in pool:
            named.setdefault(certificate.subject, []).append(certificate)
        above: list[Certificate] = []
        for below in (line := [self.leaf]):  # grows while it is walked
            for issuer in named.pop(below.issuer, ()):
                if issuer.der != self.leaf.der:
                    self._below[issuer.der] = below
                    above.append(issuer)
                    line.append(issuer)
        return above

    @property
    def authorities(self) -> tuple[Certificate, ...]:
        """The certificates above the leaf that the server sends, nearest first."""
        return tuple([certificate for certificate in self.above if certificate.der in self._sent])

    def path_to(self, authority: Certificate) -> list[Certificate]:
        """Return the path by names from the leaf to a certificate that may stand above it.

        Args:
            authority: one of `above`, or a certificate that has issued the leaf or one of these.

        Returns:
            The leaf first, the authority last.
        """
        path = [authority]
        below = self._below.get(authority.der) or self._issued_by(authority)
        while below is not None:
            path.append(below)
            below = self._below.get(below.der)
        return path[::-1]

    def match(self, record: Tlsa) -> Certificate | None:
        """Return the certificate that a record matches, or None; of a bare key see `matches`.

        Args:
            record: any record; one that cannot be used matches nothing.

        Returns:
            The leaf for usages 1 and 3. For the others a certificate that may stand above the leaf: one that the
            record holds itself, or one that the server sends (RFC 7671 section 5.2.2), or for usage 0 one that clients
            have.
        """
        if unusable(record) or self.leaf is None:
            return None
        if record.usage in _END_ENTITY:
            return self.leaf if _matches(record, self.leaf) else None
        for certificate in self.above if record.usage == PKIX_TA else self.authorities:
            if certificate.spki != self.leaf.spki and _matches(record, certificate):
                return certificate
        if form_of(record)[1:] != (CERT, FULL):
            return None
        anchor = Certificate(record.data)  # the server need not send it, or clients have it
        return anchor if self._issued_by(anchor) is not None and anchor.spki != self.leaf.spki else None

    def matches(self, record: Tlsa) -> bool:
        """Say whether a record matches what the server presents: certificates or a bare key."""
        if self.leaf is None and self.key is not None:
            fits = record.usage in _END_ENTITY and record.selector == SPKI and not unusable(record)
            return fits and record.data == digest(self.key, record.matching)
        return self.match(record) is not None

    def _issued_by(self, authority: Certificate) -> Certificate | None:
        """The nearest certificate that names this authority as its issuer; none if the authority cannot be read."""
        try:
            name = authority.subject
        except InvalidCertificate:
            return None
        line = () if self.leaf is None else (self.leaf, *self.authorities)
        return next((c for c in line if c.issuer == name and c.der != authority.der), None)

    def named_by(self, usage: int) -> Certificate:
        """Choose the certificate that a new record of a usage should name.

        Args:
            usage: 0-3.

        Returns:
            The leaf for usages 1 and 3. For the others the highest authority that the server sends; if it sends none,
            the only certificate, when that is itself a certificate authority's.

        Raises:
            InvalidRecord: there is no such certificate.
        """
        if self.leaf is not None:
            if usage in _END_ENTITY:
                return self.leaf
            authorities = [certificate for certificate in (self.leaf, *self.authorities) if _may_issue(certificate)]
            if authorities:
                return authorities[-1]
        kind = "the server's certificate" if usage in _END_ENTITY else "a certificate authority's certificate"
        raise InvalidRecord(f"certificate usage {usage}", f"{kind} among those that are given")

    def record(self, form: Form, owner: str = "") -> Tlsa:
        """Make the record of a form for what the server presents.

        Args:
            form: usage 0-3, selector 0-1 and matching type 0-2.
            owner: the owner name that the record is to have.

        Raises:
            InvalidRecord: nothing is known that such a record could name.

        Source: RFC 6698 section 2.1.
        """
        usage, selector, matching = form
        if self.leaf is None and self.key is not None:
            if selector != SPKI:
                raise InvalidRecord(f"selector {selector}", "selector 1, since only a key is given")
            return Tlsa(owner, usage, selector, matching, digest(self.key, matching))
        return record_of(self.named_by(usage), form, owner)


def record_of(certificate: Certificate, form: Form, owner: str = "") -> Tlsa:
    """Make the record of a form that names a certificate (RFC 6698 section 2.1).

    Args:
        certificate: the certificate.
        form: usage 0-3, selector 0-1 and matching type 0-2.
        owner: the owner name that the record is to have.

    Raises:
        InvalidCertificate: the certificate is malformed and the selector is 1.
    """
    usage, selector, matching = form
    return Tlsa(owner, usage, selector, matching, association(certificate, selector, matching))


def form_of(record: Tlsa) -> Form:
    """Return certificate usage, selector and matching type of a record."""
    return record.usage, record.selector, record.matching


def form_text(form: Form) -> str:
    """Return a form with its acronyms, for example ``DANE-EE(3) SPKI(1) SHA2-256(1)`` (RFC 7218 section 2).

    Args:
        form: usage, selector and matching type, each 0-255; those without an acronym stay numbers.
    """
    shown = [names.get(number, "") for number, names in zip(form, ACRONYMS, strict=True)]
    return " ".join([f"{name}({number})" if name else str(number) for name, number in zip(shown, form, strict=True)])


class Examined(NamedTuple):
    """What one record is good for.

    Attributes:
        record: the record.
        result: ``match`` or ``no-match``; ``set-aside``: clients that know a stronger digest beside it do not look at
            it; ``unusable``; ``unknown`` if nothing is known of what the server presents, or of what clients trust.
        reason: the same in words.
        computed: what the record would have to hold, for each certificate that it might mean: which one that is, and
            the octets. Empty for a record that matches or cannot be used.
    """

    record: Tlsa
    result: Result
    reason: str
    computed: tuple[tuple[str, bytes], ...]


def examine(records: Iterable[Tlsa], served: Served, policy: Policy) -> tuple[Examined, ...]:
    """Say of each record what it is good for.

    Args:
        records: the records, in any order.
        served: what the server presents.
        policy: which digests are stronger, and which usages count.

    Returns:
        One result for each record, in their order.
    """
    given = tuple(records)
    sorted_records = RecordSet(given, policy)
    useless = {id(record): reason for record, reason in sorted_records.unusable}
    aside = {id(record): reason for record, reason in sorted_records.set_aside}
    found: list[Examined] = []
    for record in given:
        if id(record) in useless:
            found.append(Examined(record, "unusable", useless[id(record)], ()))
        elif served.key is None:
            found.append(Examined(record, "unknown", "it is not known what the server presents", ()))
        elif id(record) in aside:
            found.append(Examined(record, "set-aside", aside[id(record)], _computed(record, served)))
        elif served.matches(record):
            found.append(Examined(record, "match", f"matches {_place(served.match(record), served)}", ()))
        elif record.usage == PKIX_TA and form_of(record)[1:] != (CERT, FULL) and not _complete(served):
            reason = "may mean a root that clients have and the server does not send"
            found.append(Examined(record, "unknown", reason, _computed(record, served)))
        else:
            found.append(Examined(record, "no-match", "matches nothing that is presented", _computed(record, served)))
    return tuple(found)


def missing(examined: Iterable[Examined], served: Served) -> tuple[Tlsa, ...]:
    """Return the records that are not published and would make each form match what the server presents.

    Args:
        examined: what the published records are good for.
        served: what the server presents.

    Returns:
        One record for each form of usages 1 and 3 that can be used and does not match; what an authority's record
        should name is not ours to choose.
    """
    given = tuple(examined)
    owner = given[0].record.owner if given else ""
    forms = {form_of(each.record) for each in given if each.result in ("no-match", "set-aside")}
    matched = {form_of(each.record) for each in given if served.matches(each.record)}
    wanted = sorted([form for form in forms - matched if form[0] in _END_ENTITY])
    return tuple([served.record(form, owner) for form in wanted if served.leaf is not None or form[1] == SPKI])


def _complete(served: Served) -> bool:
    """Whether the chain ends at a certificate that names itself as its issuer."""
    return any(certificate.self_issued for certificate in served.above)


def _place(certificate: Certificate | None, served: Served) -> str:
    """Which certificate this is, in words."""
    if certificate is None:
        return "the server's key"
    if served.leaf is not None and certificate.der == served.leaf.der:
        return "the server's certificate"
    for number, authority in enumerate(served.above, 1):
        if authority.der == certificate.der:
            return f"the certificate authority {number} above it"
    return "a certificate authority that only the record holds"


def _computed(record: Tlsa, served: Served) -> tuple[tuple[str, bytes], ...]:
    if served.leaf is None:
        fits = served.key is not None and record.usage in _END_ENTITY and record.selector == SPKI
        return (("the server's key", digest(served.key, record.matching)),) if fits and served.key is not None else ()
    meant = (served.leaf,) if record.usage in _END_ENTITY else served.above[:_COMPUTED]
    return tuple([(_place(c, served), record_of(c, form_of(record)).data) for c in meant])


def _matches(record: Tlsa, certificate: Certificate) -> bool:
    return record_of(certificate, form_of(record)).data == record.data


def _may_issue(certificate: Certificate) -> bool:
    try:
        return certificate.is_ca
    except InvalidCertificate:
        return False
