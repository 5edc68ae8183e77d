"""What a valid path must fulfil beyond RFC 5280 path validation: purposes, dates, revocation (D-PATH, RFC 5924).

The validator lets all of these pass, because they mean something else for SIP than for the web.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

from . import structure
from .certificate import Certificate
from .errors import InvalidCertificate
from .events import Anchors
from .identity import (
    ANY_PURPOSE,
    CLIENT_AUTH,
    SERVER_AUTH,
    SIP_DOMAIN,
    Identity,
    Role,
    acceptable_purpose,
    purpose_violation,
)
from .journal import when
from .policy import Policy, Purpose
from .references import Identification
from .revocation import Revocation, RevocationChecked

PURPOSES: Final = {
    SIP_DOMAIN: "sipDomain",
    SERVER_AUTH: "serverAuth",
    CLIENT_AUTH: "clientAuth",
    ANY_PURPOSE: "anyExtendedKeyUsage",
}
"""The names of the purposes that can be told from each other here (RFC 5280 section 4.2.1.12, RFC 5924)."""

_KEY_USAGES_FOR_TLS: Final = frozenset({"digitalSignature", "keyEncipherment", "keyAgreement"})

_NOT_OF_NAMES: Final = frozenset({"chain.eku", "chain.key-usage", "chain.expired"})


class Examined:
    """What a valid path comes to beside its validity.

    Args:
        path: the path as far as it counts, leaf first, anchor last.
        code: the code of the name that matched, or the first fault.
        identities: the domains that are proven by it; empty after a fault.
        notes: codes with their evidence, faults among them.
        faults: the codes of the faults, the one that tells most first.
        left: how long the path stays valid, in seconds.
    """

    __slots__ = ("code", "faults", "identities", "left", "notes", "path")

    def __init__(
        self,
        path: list[Certificate],
        code: str,
        identities: tuple[Identity, ...],
        notes: list[tuple[str, object]],
        faults: list[str],
        left: float,
    ) -> None:
        self.path: Final = path
        self.code: Final = code
        self.identities: Final = identities
        self.notes: Final = notes
        self.faults: Final = faults
        self.left: Final = left

    @property
    def named(self) -> bool:
        """Whether the names suffice, whatever else there is."""
        return not self.faults or self.faults[0] in _NOT_OF_NAMES


class Names(Protocol):
    """What the names in a certificate are held against: the references of a server, or a client's allow-list."""

    @property
    def domain(self) -> str:
        """The domain that is to be proven."""
        ...

    def check(self, path: list[Certificate], policy: Policy, /) -> Identification:
        """Compare the names of the leaf, which the constraints of the path bind."""
        ...


def examine(
    path: list[Certificate], anchors: Anchors, names: Names, policy: Policy, role: Role, at: datetime
) -> Examined:
    """Check on a valid path all that RFC 5280 path validation leaves open: names first, then purposes.

    Args:
        path: the validated path, leaf first, anchor last.
        anchors: the anchors it was looked for to.
        names: what the names are held against.
        policy: what the caller wants.
        role: what the peer is on this connection.
        at: the time of judging.

    Raises:
        InvalidCertificate: a certificate is malformed where it is read.
    """
    path = up_to_anchor(path, anchors)
    bound = binding(path, anchors)
    compared = names.check(bound, policy)
    notes = [*compared.notes]
    faults = [] if compared.identities else [compared.code]
    for code, evidence in purpose_faults(path, policy.eku, role):
        notes.append((code, evidence))
        faults.append(code)
    left = seconds_left(bound, at)
    if left < 0:
        notes.append(("chain.expired", f"{-left:g} s ago; the path was found valid for the second before"))
        faults.append("chain.expired")
    purposes = path[0].extended_key_usage
    if purposes is not None and not faults:
        notes.append(("chain.purpose", ", ".join([PURPOSES.get(purpose, purpose) for purpose in purposes])))
    identities = () if faults else compared.identities
    return Examined(path, faults[0] if faults else compared.code, identities, notes, faults, left)


def leaf_faults(leaf: Certificate, at: datetime, eku: Purpose, role: Role) -> list[tuple[str, object]]:
    """Return what a certificate says against itself, whatever path it has: its dates, its purposes, its key usage.

    Args:
        leaf: the peer's certificate.
        at: the time of judging.
        eku: which purposes the policy takes.
        role: what the peer is on this connection.

    Raises:
        InvalidCertificate: it is malformed where it is read.
    """
    dates = date_fault(leaf, at)
    return [*([] if dates is None else [dates]), *purpose_faults([leaf], eku, role)]


def purpose_faults(path: list[Certificate], eku: Purpose, role: Role) -> list[tuple[str, object]]:
    """Say what in a path is for another purpose than SIP over TLS (A-04, D-PATH-2, RFC 5280 section 4.2.1.12).

    Args:
        path: the validated path, leaf first and anchor last; or the leaf alone.
        eku: which purposes the policy takes.
        role: what the peer is on this connection.

    Returns:
        Codes, each with what was expected and found.

    Raises:
        InvalidCertificate: a certificate is malformed where it is read.
    """
    faults: list[tuple[str, object]] = []
    leaf = path[0]
    if not acceptable_purpose(leaf.extended_key_usage, eku, role):
        faults.append(("chain.eku", (_expected(eku, role), purposes_of(leaf))))
    usage = leaf.key_usage
    if usage is not None and usage.isdisjoint(_KEY_USAGES_FOR_TLS):
        faults.append(("chain.key-usage", ("digitalSignature", ", ".join(sorted(usage)))))
    authority = purpose_violation(path, eku, role)
    if authority is not None:
        limited = f"an authority limited to {purposes_of(authority)}"
        faults.append(("chain.eku", (_expected(eku, role), limited)))
    return faults


def purposes_of(certificate: Certificate) -> str:
    """Return the purposes of a certificate by their names, as far as they have one here.

    Raises:
        InvalidCertificate: the extension is malformed.
    """
    return ", ".join([PURPOSES.get(purpose, purpose) for purpose in certificate.extended_key_usage or ()])


def _expected(eku: Purpose, role: Role) -> str:
    taken = [name for purpose, name in PURPOSES.items() if acceptable_purpose([purpose], eku, role)]
    return f"{' or '.join(taken)}, as policy {eku!r} has it for a {role}"


class Blame:
    """Says which authorities make a valid path bad, each of them alone and wherever it stands.

    Args:
        names: what the names are held against.
        policy: what the caller wants.
        role: what the peer is on this connection.
        at: the time of judging.
    """

    __slots__ = ("_at", "_names", "_policy", "_role", "_unnamed")

    def __init__(self, names: Names, policy: Policy, role: Role, at: datetime) -> None:
        self._names = names
        self._policy = policy
        self._role: Role = role
        self._at = at
        self._unnamed: dict[bytes, bool] = {}  # whether no name is left below a certificate; a leaf may have very many

    def of(self, path: list[Certificate], anchors: Anchors, *, named: bool) -> set[bytes] | None:
        """Return those authorities of a path.

        Args:
            path: the validated path, leaf first and anchor last.
            anchors: the anchors it was looked for to.
            named: whether the names of the leaf suffice, as this path constrains them.

        Returns:
            Their certificates in DER, none if only several together are to blame; or None if the leaf is bad by itself,
            so that no other path is better.
        """
        leaf = path[0]
        try:
            if leaf_faults(leaf, self._at, self._policy.eku, self._role) or not (named or self._are_named([leaf])):
                return None
        except InvalidCertificate:
            return None
        try:
            path = up_to_anchor(path, anchors)
            bound = len(binding(path, anchors))
        except InvalidCertificate:
            bound = len(path)
        bad = {each.der for each in path[1:bound] if self._may_not_stand_above(leaf, each, named)}
        return bad | {each.der for each in path[1:-1] if self._is_for_other_purposes(each)}

    def _are_named(self, path: list[Certificate]) -> bool:
        der = path[-1].der
        if der not in self._unnamed:
            self._unnamed[der] = not self._names.check(path, self._policy).identities
        return not self._unnamed[der]

    def _may_not_stand_above(self, leaf: Certificate, authority: Certificate, named: bool) -> bool:
        pair = [leaf, authority]
        try:
            constrains = not named and authority.may_constrain() and not self._are_named(pair)
            return constrains or seconds_left(pair, self._at) < 0
        except InvalidCertificate:
            return True

    def _is_for_other_purposes(self, authority: Certificate) -> bool:
        try:
            return purpose_violation([authority] * 3, self._policy.eku, self._role) is not None
        except InvalidCertificate:
            return True


def settled(finding: Revocation, at: datetime) -> bool:
    """Say whether it is known that a certificate is good, or revoked: a list that has ended proves nobody good.

    Args:
        finding: what CRLs say.
        at: the time of judging.
    """
    return finding.status != "unknown" and (finding.until is None or finding.status != "good" or finding.until > at)


def depends_on_issuer(finding: Revocation, issuer: Certificate) -> bool:
    """Say whether another certificate of the same issuer might let lists settle what they do not settle now.

    Args:
        finding: what CRLs say.
        issuer: the certificate of the issuer, as it stood in the path. A list counts only if it lets its holder sign
            lists (RFC 5280 section 6.3.3 (f)), and validators pass over lists if they cannot read it.
    """
    if finding.code in {"crl.malformed", "crl.key-usage"}:
        return True
    try:
        _ = issuer.extended_key_usage, issuer.name_constraints
        return issuer.key_usage is not None and "cRLSign" not in issuer.key_usage
    except InvalidCertificate:
        return True


def revocation_notes(event: RevocationChecked) -> tuple[list[tuple[str, object]], str, datetime | None]:
    """Say what CRLs have against a path (RFC 5280 section 6.3).

    Args:
        event: one finding for each certificate below the anchor.

    Returns:
        Codes with their evidence; then ``chain.revoked``, ``chain.revocation-unknown`` or an empty text; then when the
        first of the CRLs that counted ends.
    """
    notes: list[tuple[str, object]] = []
    worst = ""
    ends: list[datetime] = []
    for position, finding in enumerate(event.findings):
        code, detail = finding.code, finding.detail
        if finding.status == "good":
            if finding.until is None:
                continue
            if finding.until > event.action.at:
                ends.append(finding.until)
                continue
            code, detail = "crl.expired", f"the next list was due on {when(finding.until)}"
        which = f"authority {position} of the path" if position else "the peer's certificate"
        notes.append((code, (f"{which} not revoked", detail)))
        worst = "chain.revoked" if "chain.revoked" in (code, worst) else "chain.revocation-unknown"
    return notes, worst, min(ends, default=None)


def date_fault(leaf: Certificate, at: datetime) -> tuple[str, object] | None:
    """Return the code of what is wrong with the dates of a certificate and the evidence, or None.

    Args:
        leaf: the certificate.
        at: the time at which it must be valid (RFC 5280 section 6.1.3 (a) (2)).

    Raises:
        InvalidCertificate: its dates are malformed.
    """
    first, last = leaf.not_before, leaf.not_after
    if first <= at <= last:
        return None
    code = "chain.expired" if at > last else "chain.not-yet-valid"
    return code, (f"valid at {when(at)}", f"valid from {when(first)} to {when(last)}")


def up_to_anchor(path: list[Certificate], anchors: Anchors) -> list[Certificate]:
    """Return a path without what stands above the first certificate that has the name and the key of a bare-key anchor.

    Such a certificate is the anchor, whatever else is in it, and however the validator went on (RFC 5280 section 6.1).

    Args:
        path: the validated path, leaf first and anchor last.
        anchors: the anchors it was looked for to.

    Raises:
        InvalidCertificate: a certificate is malformed.
    """
    keys = {(anchor.name, anchor.spki) for anchor in anchors.keys}
    if keys:
        for position, authority in enumerate(path[1:], 2):
            if (authority.subject, authority.spki) in keys:
                return path[:position]
    return path


def binding(path: list[Certificate], anchors: Anchors) -> list[Certificate]:
    """Return the certificates of a path whose dates and constraints bind: a bare key has none (D-PATH-4).

    Args:
        path: the path from `up_to_anchor`.
        anchors: the anchors it was looked for to.
    """
    if not anchors.keys:
        return path
    # One record may name a certificate and another one its bare key: any one record is enough (RFC 6698 section 4.1).
    last = path[-1]
    bare = last.der not in anchors.certificates or (last.subject, last.spki) in [(k.name, k.spki) for k in anchors.keys]
    return path[:-1] if bare else path


def seconds_left(certificates: list[Certificate], at: datetime) -> float:
    """Return how long certificates stay valid: until the first of them expires.

    Args:
        certificates: the leaf, and authorities of a validated path.
        at: the time from which it is counted.

    Raises:
        InvalidCertificate: the dates of a certificate are malformed.
    """
    # The validator has read the authorities as a whole; here only the way to their dates is read.
    ends = [certificates[0].not_after, *[structure.dates(authority.der)[1] for authority in certificates[1:]]]
    return (min(ends) - at).total_seconds()


def malformed(leaf: Certificate) -> str:
    """Return the code that says whether the malformed certificate of a path is the leaf or one above it.

    Args:
        leaf: the peer's certificate.
    """
    try:
        _ = leaf.names, leaf.key_usage, leaf.extended_key_usage, leaf.not_after
    except InvalidCertificate:
        return "cert.malformed"
    return "chain.malformed"
