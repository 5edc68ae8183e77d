"""The ways by which a peer can be accepted that need a valid path: what is asked, and what follows from the answers.

One path is under way at a time. Where an authority stands against one, another certificate of it may lead past that.

What is known of revocation does not depend on which path the validator finds first. A path of which all is known to be
good is taken at once. As long as something of a path is not known, other certificates of its authorities are looked at,
too: one that is revoked counts against the authority, and then nothing is taken on trust. So of all paths that are
found, one that is good decides; if there is none, one that is revoked; and only then one of which nothing is known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeAlias

from . import dane
from .certificate import Certificate
from .decision import Weighing
from .dns.records import Tlsa
from .errors import InvalidCertificate
from .events import Anchors, PathEvent, PathRejected, ValidatePath
from .identity import Identity, Role
from .path_rules import Examined, Names, date_fault, examine, malformed, revocation_notes
from .policy import Policy
from .revocation import CheckRevocation, Crls, RevocationChecked
from .trust_anchors import readable

# What an authority of a path can be the reason of, so that a path past it may be better.
_OF_AUTHORITIES: Final = frozenset(
    {"chain.name-constraints", "chain.eku", "chain.expired", "chain.revoked", "chain.revocation-unknown"}
)

_Acceptance: TypeAlias = tuple[str, tuple[Identity, ...], float, int]


class PathWeighing(Weighing, ABC):
    """Weighs what valid paths say for and against one peer.

    Args:
        chain: the certificates as presented, the peer's own first.
        anchors: the trust anchors of the caller.
        crls: the CRLs of the caller.
        now: when the peer presented the chain, on the monotonic clock, in seconds.
        validate: asks for a path, or what CRLs say of one, and says how to go on.

    The other arguments are those of `Weighing`.
    """

    __slots__ = (
        "_anchors",
        "_chain",
        "_crls",
        "_detours",
        "_doubtful",
        "_left_to_try",
        "_matches",
        "_now",
        "_place_of_name",
        "_pool",
        "_revoked",
        "_tried",
        "_untried",
        "_validate",
    )

    def __init__(
        self,
        chain: tuple[bytes, ...],
        anchors: Anchors,
        crls: Crls,
        now: float,
        validate: Callable[[ValidatePath | CheckRevocation, Callable[[Any], None]], None],
        references: Names,
        records: dane.RecordSet | None,
        role: Role,
        policy: Policy,
        at: datetime,
        hop: object,
        note: Callable[[object, str, object], int],
    ) -> None:
        super().__init__(references, records, role, policy, at, hop, note)
        self._chain = chain
        self._anchors = anchors
        self._crls = crls
        self._now = now
        self._validate = validate
        self._pool: list[Certificate] | None = None
        self._matches: tuple[tuple[Tlsa, int], ...] = ()  # records that matched, and where in the journal that stands
        self._place_of_name = -1
        self._revoked = False  # whether a path was refused, because a certificate of it is revoked
        self._doubtful: _Acceptance | None = (
            None  # by a valid path of which nothing is known to be revoked, or not to be
        )
        self._detours: tuple[ValidatePath, ...] = ()
        self._left_to_try = policy.limits.paths
        self._untried = False  # whether there were more ways past an authority
        self._tried: frozenset[bytes] = frozenset()  # what paths were asked to lead through, to get past an authority

    @abstractmethod
    def _go_on(self) -> None:
        """Go on when a path is weighed."""

    def _issuers(self) -> list[Certificate]:
        """The presented certificates above the leaf that can be read."""
        if self._pool is None:
            self._pool = readable(self._chain[1:])
        return self._pool

    def _ask(self, question: ValidatePath) -> None:
        self._validate(question, self._path_answered)

    def _path_answered(self, event: PathEvent) -> None:
        if isinstance(event, PathRejected):
            self._fault_of_path(event)
            self._go_on()
            return
        self._note("chain.valid", event)
        if self._crls.lists and self._policy.revocation == "off" and not self._named:
            self._note("policy.crls-unused", f"{self._crls.name}: {len(self._crls.lists)} list(s)")
        path = [Certificate(der) for der in event.path]
        self._named = True
        try:
            found = examine(path, event.action.anchors, self._references, self._policy, self._role, self._at)
            if self._method == "dane-ta":
                _ = found.path[-1].spki  # it is the anchor's, which its record is held against
        except InvalidCertificate as error:
            self._fault_of_form(malformed(path[0]), error)
            self._go_on()
            return
        for code, evidence in found.notes:
            place = self._note(code, evidence)
            if code in found.faults:
                self._faults.append(code)
                self._places.append(place)
            elif code == found.code:
                self._place_of_name = place
        if self._policy.revocation == "off":
            self._path_examined(event.action, found, found.left, found.faults)
        else:
            question = CheckRevocation(tuple([each.der for each in found.path]), self._crls, self._at)
            self._validate(question, partial(self._revocation_checked, event.action, found))

    def _revocation_checked(self, asked: ValidatePath, found: Examined, event: RevocationChecked) -> None:
        """Refuse what is revoked, and, if the policy requires CRLs, what none of them speaks of."""
        notes, fault, until = revocation_notes(event)
        revoked = -1
        for code, evidence in notes:
            place = self._note(code, evidence)
            if code == "chain.revoked" and revoked < 0:
                revoked = place
        left = found.left
        if until is not None:
            left = min(left, (until - self._at) / timedelta(seconds=1))
        faults = found.faults
        if fault == "chain.revoked":
            self._faults.append(fault)
            self._places.append(revoked)
            self._revoked = True
            if event.findings[0].status == "revoked":
                self._left_to_try = 0  # the leaf is the same in every path
            faults = [*faults, fault]
        elif fault and (self._revoked or self._policy.revocation == "crl-required"):
            # What is known to be revoked is not passed by where nothing is known.
            if not faults and not self._revoked:
                self._fault(fault)
            faults = [*faults, fault]
        self._path_examined(asked, found, left, faults, known=not fault)

    def _path_examined(
        self, asked: ValidatePath, found: Examined, left: float, faults: list[str], known: bool = True
    ) -> None:
        """Accept by a valid path if nothing stands against it; look for another one if an authority of it does."""
        if faults:
            if not _OF_AUTHORITIES.isdisjoint(faults) and self._method != "pkix-ta":
                self._look_for_detours(asked, found)
        elif known:
            self._doubtful = None
            self._accept(*self._acceptance(found, left))
        elif self.decision is None:
            doubtful = self._acceptance(found, left)
            if self._doubtful is None or self._doubtful[2] < doubtful[2]:
                self._doubtful = doubtful
            if self._method != "pkix-ta":
                self._look_for_detours(asked, found)
        self._go_on()

    def _acceptance(self, found: Examined, left: float) -> _Acceptance:
        """What a path is accepted by: the code, the identities, until when, and where in the journal that stands."""
        identities = found.identities
        if self._method == "dane-ta":
            # Names under a TA that only this zone named prove nothing for other domains.
            identities = (Identity(self._references.domain, "dane"),)
        elif self._method != "pkix" and not self._policy.tlsa_usages.isdisjoint({2, 3}):
            self._note("dane.pkix-usage", self._method)
        if self._records is None:
            return found.code, identities, self._now + left, self._place_of_name
        return "dane.match", identities, self._now + left, self._place_of_match(found.path[-1])

    def _accept_doubtful(self) -> None:
        """Accept by a path of which nothing is known, when all others are looked at and none says otherwise."""
        doubtful, self._doubtful = self._doubtful, None
        if doubtful is not None and not self._revoked and not self._untried:
            self._accept(*doubtful)

    def _place_of_match(self, anchor: Certificate) -> int:
        """Where in the journal it stands which record the path has matched; an anchor that is not sent is noted now."""
        if self._method != "dane-ta":
            return self._matches[0][1]
        for record, place in self._matches:
            if dane.matches(record, anchor):
                return place
        assert self._records is not None
        full = [record for record in self._records.of(dane.DANE_TA) if record.matching == dane.FULL]
        named = [str(record) for record in full if dane.matches(record, anchor)]
        return self._note("dane.match", (" or ".join(named), "the trust anchor, which stands in the DNS"))

    def _look_for_detours(self, asked: ValidatePath, found: Examined) -> None:
        """An authority may have several certificates, and one of the others may lead past what was wrong (D-PATH-3)."""
        names = {each.subject for each in readable([each.der for each in found.path[1:]])}
        seen = self._tried.union([each.der for each in found.path])
        # A trust store is large, and few of it can have one of these names.
        named = [der for der in asked.anchors.certificates if any(name in der for name in names)]
        others = [*readable(named), *self._issuers()]
        ways = sorted({each.der for each in others if each.subject in names} - seen)
        if len(ways) > self._left_to_try:
            self._untried = True
            if self._left_to_try or not self._revoked:
                self._cut = f"limits.paths: {len(ways) - self._left_to_try} path(s) past an authority were not tried"
            del ways[self._left_to_try :]
        self._left_to_try -= len(ways)
        self._tried = seen.union(ways)
        self._detours += tuple(
            [ValidatePath(asked.leaf, asked.pool, asked.anchors, asked.at, through) for through in ways]
        )

    def _fault_of_path(self, event: PathRejected) -> None:
        """Note why no path is valid; what the dates of the leaf say is more telling than the validator's text."""
        assert self.leaf is not None
        detour = event.action.through is not None and self._method != "pkix-ta"
        if detour and event.reason != "chain.timeout":
            return  # there was no way past the authority, and what stands against it is noted already
        try:
            dates = date_fault(self.leaf, self._at)
        except InvalidCertificate as error:
            self._fault_of_form("cert.malformed", error)
            return
        if dates is not None:
            self._fault(*dates)
        if dates is None or event.reason not in (dates[0], "chain.invalid", "chain.timeout"):
            self._fault(event.reason, ("a path to " + event.action.anchors.name, event.detail))
