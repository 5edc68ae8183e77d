"""What stands for and against a peer, and what is decided by it.

Each way by which a peer can be accepted leaves its faults. The first fault of the first way decides, unless something
that was needed is not known: that is no evidence against the peer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Final

from . import dane
from .certificate import Certificate
from .errors import InvalidCertificate
from .identity import Identity, Role
from .path_rules import Names, leaf_faults
from .policy import METHODS, Policy
from .verdict import Method, Outcome

# Faults that are no evidence against a peer: something that is needed is not known.
_UNSETTLED: Final = ("chain.timeout", "chain.revocation-unknown", "limit.paths")


class Decision:
    """What a judgement came to.

    Args:
        outcome: ACCEPTED, REJECTED, UNDETERMINED or INSUFFICIENT.
        method: by what the peer was authenticated.
        code: what decided.
        identities: the domains that are proven for the peer.
        until: until when the certificates used are valid, on the ``now`` clock; infinite where dates do not count.
        place: where in the journal it stands what decided; -1 if nowhere.
    """

    __slots__ = ("code", "identities", "method", "outcome", "place", "until")

    def __init__(
        self,
        outcome: Outcome,
        method: Method,
        code: str,
        identities: tuple[Identity, ...] = (),
        until: float = math.inf,
        place: int = -1,
    ) -> None:
        self.outcome: Final = outcome
        self.method: Final[Method] = method
        self.code: Final = code
        self.identities: Final = identities
        self.until: Final = until
        self.place: Final = place


class Weighing:
    """Collects what speaks for and against one peer.

    Args:
        references: the names to hold against its certificates.
        records: the TLSA records, all of which SECURE, when DANE decides; None when PKIX does.
        role: what the peer is on this connection.
        policy: what the caller wants.
        at: the time of judging on the wall clock.
        hop: where the peer is, for the journal.
        note: takes a hop, a code and its evidence for the journal, and tells the place of it there.

    Attributes:
        decision: what is decided, or None.
        leaf: the peer's certificate, once it is known to hold a key; None for a raw public key.
    """

    __slots__ = (
        "_at",
        "_cut",
        "_faults",
        "_hop",
        "_method",
        "_named",
        "_note_at",
        "_places",
        "_policy",
        "_records",
        "_references",
        "_role",
        "_unmatched",
        "_weak",
        "decision",
        "leaf",
    )

    def __init__(
        self,
        references: Names,
        records: dane.RecordSet | None,
        role: Role,
        policy: Policy,
        at: datetime,
        hop: object,
        note: Callable[[object, str, object], int],
    ) -> None:
        self._references = references
        self._records = records
        self._role: Role = role
        self._policy = policy
        self._at = at
        self._hop = hop
        self._note_at = note
        self._faults: list[str] = []
        self._places: list[int] = []  # of the faults, in the journal
        self._cut: object = None  # what was not tried, because there was too much of it
        self._weak: Decision | None = None
        self._unmatched: tuple[int, ...] = ()  # usages whose records matched nothing, while other ways had faults
        self._named = False
        self._method: Method = "none"
        self.decision: Decision | None = None
        self.leaf: Certificate | None = None

    def _shown(self, leaf: Certificate) -> None:
        self.leaf = leaf

    def _decided(self, decision: Decision) -> Decision:
        self.decision = decision
        return decision

    def _note(self, code: str, evidence: object) -> int:
        return self._note_at(self._hop, code, evidence)

    def _fault(self, code: str, evidence: object = None) -> None:
        self._faults.append(code)
        self._places.append(self._note(code, evidence))

    def _fault_of_form(self, code: str, error: InvalidCertificate) -> None:
        self._fault(code, f"{error.place}: expected {error.expected}")

    def _accept(self, code: str, identities: tuple[Identity, ...], until: float, place: int) -> None:
        """Accept by what stands at a place of the journal, or go on if the method is less than the policy requires."""
        if self.decision is not None:
            return  # this was for the audit
        if self._suffices():
            self.decision = Decision(Outcome.ACCEPTED, self._method, code, identities, until, place)
            return
        code = "policy.too-weak"
        place = self._note(code, (f"require {self._policy.require}", self._method))
        self._weak = self._weak or Decision(Outcome.INSUFFICIENT, self._method, code, identities, until, place)

    def _suffices(self) -> bool:
        """Whether the method is what the policy requires; a disabled usage constrains, but it is no DANE (A-17)."""
        policy, usage = self._policy, dane.USAGES.get(self._method)
        disabled = usage is not None and usage not in policy.tlsa_usages
        return self._method in METHODS[policy.require] and not (disabled and policy.require == "dane")

    def _fail(self) -> Decision:
        """No way led to acceptance."""
        if self._weak is not None:
            return self._weak
        if self._cut is not None:
            self._fault("limit.paths", self._cut)
        if not self._faults:
            assert self._records is not None
            assert self.leaf is not None
            self._fault(*dane.no_match(self._records.counting, self.leaf))
            self._unmatched = ()
        if self.leaf is not None:
            self._make_remaining_checks(self.leaf)
        unsettled = [code for code in _UNSETTLED if code in self._faults and "chain.revoked" not in self._faults]
        code = unsettled[0] if unsettled else next(code for code in self._faults if code not in _UNSETTLED)
        place = self._places[self._faults.index(code)]
        return Decision(Outcome.UNDETERMINED if unsettled else Outcome.REJECTED, "none", code, place=place)

    def _make_remaining_checks(self, leaf: Certificate) -> None:
        """After a rejection also make the checks that cost no further question, since people ask for all reasons."""
        try:
            for usage in self._unmatched:
                assert self._records is not None
                self._note(*dane.no_match(self._records.of(usage), leaf))
            for code, evidence in leaf_faults(leaf, self._at, self._policy.eku, self._role):
                if code not in self._faults:
                    self._note(code, evidence)
            if not self._named:
                for code, evidence in self._references.check([leaf], self._policy).notes:
                    self._note(code, evidence)
        except InvalidCertificate as error:
            self._note("cert.malformed", f"{error.place}: expected {error.expected}")
