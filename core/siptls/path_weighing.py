"""The ways by which a peer can be accepted that need a valid path: what is asked, and what follows from the answers.

One path is under way at a time, and which one a validator finds is chance. So it decides nothing:

* A path that is good as a whole decides. Until one is found, others are asked for, without the authorities that stand
  against those found so far (`Detours`), or of which nothing is known.
* If there is none, but a path of which nothing is worse than that something is not known, each authority of which no
  list was asked yet is looked at, too, in some valid path. If one is revoked, nothing is taken on trust.
* What was not looked at in time, or because there was too much of it, may be revoked, and may be good. So it is neither
  for nor against the peer, and leaves the outcome open.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

from . import dane
from .certificate import Certificate
from .decision import Weighing
from .detours import Detours, Lists
from .dns.records import Tlsa
from .errors import InvalidCertificate
from .events import Anchors, PathEvent, PathRejected, ValidatePath
from .identity import Identity, Role
from .path_rules import (
    Blame,
    Examined,
    Names,
    date_fault,
    depends_on_issuer,
    examine,
    malformed,
    revocation_notes,
    settled,
    up_to_anchor,
)
from .policy import Policy
from .revocation import CheckRevocation, Crls, RevocationChecked
from .trust_anchors import readable

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
        "_left_to_lead",
        "_left_to_try",
        "_lists",
        "_matches",
        "_now",
        "_place_of_name",
        "_pool",
        "_sought",
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
        # By a valid path of which nothing is known to be revoked, or not to be.
        self._doubtful: _Acceptance | None = None
        self._lists: Lists | None = None  # once they were asked
        self._detours: Detours | None = None  # once there was a reason for one
        self._left_to_try = policy.limits.paths
        self._left_to_lead = policy.limits.paths  # through a certain certificate
        self._untried = False  # whether there was a path that was not looked at, in time or at all
        self._sought: tuple[Anchors, ...] = ()  # to which anchors paths were asked for

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
            self._look_past_faults(event.action, path, named=False)
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
            self._path_examined(event.action, found, found.left)
        else:
            question = CheckRevocation(tuple([each.der for each in found.path]), self._crls, self._at)
            self._validate(question, partial(self._revocation_checked, event.action, found))

    def _path_examined(self, asked: ValidatePath, found: Examined, left: float) -> None:
        """Accept by a valid path if nothing stands against it; look for another one if an authority of it does."""
        if found.faults:
            self._look_past_faults(asked, found.path, named=found.named)
        else:
            self._doubtful = None
            self._accept(*self._acceptance(found, left))
        self._go_on()

    def _revocation_checked(self, asked: ValidatePath, found: Examined, event: RevocationChecked) -> None:
        """Refuse what is revoked, and, if the policy requires CRLs, what none of them speaks of."""
        fault, until = self._note_revocation(event)
        left = found.left
        if until is not None:
            left = min(left, (until - self._at) / timedelta(seconds=1))
        if fault == "chain.revoked":
            revoked = {
                each.der for each, said in zip(found.path, event.findings, strict=False) if said.status == "revoked"
            }
            if found.path[0].der not in revoked:  # the leaf is the same in every path
                self._look_past_faults(asked, found.path, revoked, named=found.named)
            self._go_on()
        elif fault and not found.faults:
            self._weigh_doubtful(asked, found, left, event)
            self._go_on()
        else:
            self._path_examined(asked, found, left)

    def _note_revocation(self, event: RevocationChecked) -> tuple[str, datetime | None]:
        """Note what CRLs have against a path; what is revoked is a fault, whatever path it was found in."""
        notes, fault, until = revocation_notes(event)
        revoked = -1
        for code, evidence in notes:
            place = self._note(code, evidence)
            if code == "chain.revoked" and revoked < 0:
                revoked = place
        lists = self._lists = self._lists or Lists()
        if revoked >= 0:
            self._faults.append(fault)
            self._places.append(revoked)
            lists.revoked = True
        lists.count += 1
        lists.checked.update(event.action.path[1:-1])
        lists.late = lists.late or any(each.code == "crl.timeout" for each in event.findings)
        return fault, until

    def _weigh_doubtful(self, asked: ValidatePath, found: Examined, left: float, event: RevocationChecked) -> None:
        """Keep a path of which nothing is worse than that something is not known, and look for one that is all good."""
        assert self._lists is not None
        required = self._policy.revocation == "crl-required"
        if required and not self._lists.revoked:
            self._fault("chain.revocation-unknown")
        if self.decision is not None:
            return
        self._lists.doubt = True
        if not required:
            doubtful = self._acceptance(found, left)
            if self._doubtful is None or self._doubtful[2] < doubtful[2]:
                self._doubtful = doubtful
        path = found.path
        unknown = [place for place, each in enumerate(event.findings) if not settled(each, self._at)]
        alone = [place for place in unknown if not depends_on_issuer(event.findings[place], path[place + 1])]
        if alone:
            if alone[0]:
                self._detours_at_hand.leave_out(asked, [[path[place].der for place in alone]])
        else:
            either = path[max(1, unknown[0]) : unknown[0] + 2]
            self._detours_at_hand.leave_out(asked, [[each.der] for each in either])

    @property
    def _detours_at_hand(self) -> Detours:
        if self._detours is None:
            self._detours = Detours(self._issuers(), Blame(self._references, self._policy, self._role, self._at))
        return self._detours

    def _look_past_faults(
        self, asked: ValidatePath, path: list[Certificate], revoked: Iterable[bytes] = (), *, named: bool
    ) -> None:
        """Another certificate of an authority may lead past what was wrong (D-PATH-3)."""
        if self.decision is not None:
            return
        detours = self._detours_at_hand
        blamed = detours.blame.of(path, asked.anchors, named=named)
        if blamed is not None:
            blamed.update(revoked)
            detours.leave_out(asked, [blamed] if blamed else [{each.der} for each in path[1:]])

    def _take_detour(self) -> bool:
        """Ask for the next path that may be better, and say whether there is one."""
        detours = self._detours
        waiting = 0 if detours is None else len(detours)
        if detours is None or not waiting or self.decision is not None:
            return False
        question = detours.take()
        if not self._may_ask(waiting, through=question.through is not None):
            detours.drop()
            return False
        self._ask(question)
        return True

    def _may_ask(self, waiting: int, *, through: bool) -> bool:
        """Count one more question, if the limit allows one."""
        if not self._left_to_try or (through and not self._may_lead_through()):
            self._untried = True
            self._cut = f"limits.paths: {waiting} or more path(s) past an authority were not tried"
            return False
        self._left_to_try -= 1
        return True

    def _may_lead_through(self) -> bool:
        """Count one more path through a certain certificate, if the limit allows one; it is for all ways together."""
        left = self._left_to_lead
        self._left_to_lead = max(0, left - 1)
        return left > 0

    def _look_further(self) -> bool:
        """While a path is in doubt, have lists asked of one more authority, and say whether there is one."""
        lists, leaf = self._lists, self.leaf
        if lists is None or not lists.doubt or lists.revoked or self._untried or self.decision is not None:
            return False
        assert leaf is not None
        for anchors in self._sought:
            der = lists.next_to_look_for(leaf, self._issuers(), anchors)
            if der is not None:
                if not self._may_ask(1, through=True):
                    return False
                question = ValidatePath(self._chain[0], self._chain[1:], anchors, self._at, der)
                self._validate(question, self._found_further)
                return True
        return False

    def _found_further(self, event: PathEvent) -> None:
        if isinstance(event, PathRejected):
            if event.reason == "chain.timeout":
                self._untried = True
                self._fault(event.reason, ("a path through another certificate of an authority", event.detail))
            self._go_on()
            return
        self._note("chain.valid", event)
        anchors = event.action.anchors
        path = [Certificate(der) for der in event.path]
        with suppress(InvalidCertificate):
            path = up_to_anchor(path, anchors)
        ends = [place for place, each in enumerate(path) if place and each.der in anchors.certificates]
        ders = event.path[: min([len(path), *[place + 1 for place in ends]])]
        self._validate(CheckRevocation(ders, self._crls, self._at), self._checked_further)

    def _checked_further(self, event: RevocationChecked) -> None:
        self._note_revocation(event)
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
        lists, doubtful, self._doubtful = self._lists, self._doubtful, None
        if lists is None or doubtful is None or lists.revoked or self._untried:
            return
        if lists.late and lists.count > 1:
            self._fault("chain.timeout", ("what CRLs say of each path", "no answer in time"))
        else:
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

    def _fault_of_path(self, event: PathRejected) -> None:
        """Note why no path is valid; what the dates of the leaf say is more telling than the validator's text."""
        assert self.leaf is not None
        if event.reason == "chain.timeout":
            self._untried = True
        elif self._detours is not None and self._detours.is_detour(event.action):
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
