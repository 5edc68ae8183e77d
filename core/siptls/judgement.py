"""Is the peer that presented these certificates the one it should be?

`Judgement` judges one connection: `Outbound` makes one for each, `Verification` makes one for certificates that the
caller already holds. What to hold against the certificates was settled before they were seen (RFC 9525 section
6.1): the reference identifiers, and the TLSA records if DANE decides.

The ways by which a peer can be accepted are tried one after the other, the cheapest first; one that succeeds suffices
(RFC 6698 section 4.1). Each way that fails leaves its faults; the first fault of the gravest kind decides. With
``policy.audit`` the remaining ways are tried as well and reported, but what is decided stays decided.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final, cast

from . import dane
from .certificate import Certificate
from .decision import Decision
from .dns.records import Tlsa
from .errors import InvalidCertificate
from .events import Anchors, PathEvent, PathValidated, ValidatePath
from .identity import Identity, Role
from .path_rules import Names
from .path_weighing import PathWeighing
from .policy import METHODS, Policy
from .revocation import NO_CRLS, CheckRevocation, Crls
from .trust_anchors import dane_ta_anchors, pkix_ta_candidates
from .verdict import Method, Outcome

# The ways in the order of what they cost: DANE-EE needs no path, PKIX-TA may need several.
_WAYS: Final = (dane.DANE_EE, dane.DANE_TA, dane.PKIX_EE, dane.PKIX_TA)


def _no_connection(_judgement: Judgement) -> None:
    """There is no connection to close: the caller holds it."""


class Judgement(PathWeighing):
    """Judges what one peer presented.

    Args:
        chain: the certificates as presented, the peer's own first.
        references: the names to hold against them.
        records: the TLSA records, all of which SECURE, when DANE decides; None when PKIX does.
        anchors: the trust anchors of the caller.
        public_key: the DER of the key that the peer presented instead of certificates (RFC 7250).
        crls: the CRLs of the caller.
        role: what the peer is on this connection.
        policy: what the caller wants.
        now: when the peer presented them, on the monotonic clock, in seconds.
        at: the same on the wall clock; paths must be valid then.
        hop: where the peer is, for the journal.
        note: takes a hop, a code and its evidence for the journal, and tells the place of it there.
        validate: asks for a path and says how to go on.
        refused: is told this judgement as soon as the peer is not accepted, to close the connection; by default the
            caller of the machine holds it.
        done: is told this judgement and its decision, once, when nothing more is awaited.
    """

    __slots__ = (
        "_done",
        "_public_key",
        "_refused",
        "_through",
        "_ways",
    )

    def __init__(
        self,
        chain: tuple[bytes, ...],
        references: Names,
        records: dane.RecordSet | None,
        anchors: Anchors,
        *,
        public_key: bytes | None = None,
        crls: Crls = NO_CRLS,
        role: Role = "server",
        policy: Policy,
        now: float,
        at: datetime,
        hop: object,
        note: Callable[[object, str, object], int],
        validate: Callable[[ValidatePath | CheckRevocation, Callable[[Any], None]], None],
        refused: Callable[[Judgement], None] = _no_connection,
        done: Callable[[Judgement, Decision], None],
    ) -> None:
        super().__init__(chain, anchors, crls, now, validate, references, records, role, policy, at, hop, note)
        self._public_key = public_key
        self._refused = refused
        self._done = done
        self._ways: list[int] = []
        self._through: list[tuple[bytes, Tlsa, int]] = []

    def begin(self) -> None:
        """Look at the certificates and take the first way."""
        chain, limits = self._chain, self._policy.limits
        if not chain:
            if self._public_key is None:
                self._refuse("tls.no-certificate")
            else:
                self._judge_key(self._public_key)
            return
        octets = 0
        for der in chain:
            octets += len(der)
        if len(chain) > limits.chain or octets > limits.chain_octets:
            self._refuse("limit.chain", f"{len(chain)} certificates of {octets} octets")
            return
        leaf = Certificate(chain[0])
        try:
            leaf.pinned_key  # noqa: B018 - whatever authenticates the peer authenticates its key, so there must be one (A-22)
        except InvalidCertificate as error:
            self._refuse("cert.malformed", f"{error.place}: expected {error.expected}")
            return
        self._shown(leaf)
        if self._records is not None:
            self._ways = self._ordered_ways(self._records)
            self._next_way()
        else:
            self._method = "pkix"
            self._ask_pkix(None)

    def _judge_key(self, key: bytes) -> None:
        """A raw public key can only be matched as it is, by DANE-EE (RFC 7250, RFC 7671 section 5.1)."""
        if len(key) > self._policy.limits.chain_octets:
            self._refuse("limit.chain", f"a public key of {len(key)} octets")
            return
        if not dane.is_public_key(key):
            self._refuse("cert.malformed", "a raw public key: expected one SubjectPublicKeyInfo in DER")
            return
        counting = [] if self._records is None else self._records.of(dane.DANE_EE)
        records = [record for record in counting if record.selector == dane.SPKI]
        data = {matching: dane.digest(key, matching) for matching in {record.matching for record in records}}
        found = [record for record in records if record.data == data[record.matching]]
        if found:
            self._method = "dane-ee"
            self._accept_key(found[0], "the peer's public key")
        elif records:
            self._fault("dane.no-match", ("; ".join(map(str, records[:8])), f"3 1 1 {dane.digest(key, 1).hex()}"))
        else:
            self._fault("cert.raw-public-key")
        self._end()

    def _accept_key(self, record: object, what: str) -> None:
        """DANE-EE binds the peer's key to the domain; nothing else counts (RFC 7673 section 4.2)."""
        place = self._note("dane.match", (record, what))
        self._note("id.not-needed", None)
        self._accept("dane.match", (Identity(self._references.domain, "dane"),), math.inf, place)

    # The ways.

    def _ordered_ways(self, records: dane.RecordSet) -> list[int]:
        """The usages to try, those that satisfy the policy first."""
        present = {record.usage for record in records.counting}
        if len(present) == 1:
            return [records.counting[0].usage]
        ways = [usage for usage in _WAYS if usage in present]
        required = METHODS[self._policy.require]
        ways.sort(key=lambda usage: dane.METHODS[usage] not in required)
        return ways

    def _next_way(self) -> None:
        """Take the next way, or end when there is none left."""
        while self._ways and self._undecided_or_audit:
            usage = self._ways.pop(0)
            self._method = cast("Method", dane.METHODS[usage])
            self._matches = ()
            if self._try(usage):
                return  # a path is awaited
            if self.decision is None:
                self._unmatched += (usage,)
        self._end()

    def _try(self, usage: int) -> bool:
        """Take one way, and say whether a path is awaited."""
        if usage == dane.DANE_EE:
            return self._try_dane_ee()
        if usage == dane.DANE_TA:
            return self._try_dane_ta()
        return self._try_pkix_ee() if usage == dane.PKIX_EE else self._try_pkix_ta()

    @property
    def _undecided_or_audit(self) -> bool:
        return self.decision is None or self._policy.audit

    def _matcher(self, usage: int) -> dane.Matcher:
        assert self._records is not None
        return dane.Matcher(self._records.of(usage))

    def _try_dane_ee(self) -> bool:
        """DANE-EE: the leaf matches, and nothing else counts (RFC 7671 section 5.1, RFC 7673 section 4.2)."""
        assert self.leaf is not None
        record = self._matcher(dane.DANE_EE).match(self.leaf)
        if record is not None:
            self._accept_key(record, "the peer's certificate")
        return False

    def _try_dane_ta(self) -> bool:
        """DANE-TA: a matching issuer, or one that stands only in the DNS, is the anchor (RFC 7671 section 5.2)."""
        assert self.leaf is not None
        assert self._records is not None
        records = self._records.of(dane.DANE_TA)
        try:
            anchors, matched, untried = dane_ta_anchors(records, self.leaf, self._issuers(), self._policy.limits.paths)
        except InvalidCertificate as error:
            self._fault_of_form("cert.malformed", error)
            return False
        if untried:
            self._cut = f"limits.paths: {untried} record(s) of usage 2 were not tried"
        for record in matched:
            self._matches += ((record, self._note("dane.match", (record, "a certificate of the chain"))),)
        if anchors is None:
            return False
        self._sought += (anchors,)
        self._ask(ValidatePath(self._chain[0], self._chain[1:], anchors, self._at))
        return True

    def _try_pkix_ee(self) -> bool:
        """PKIX-EE: the leaf matches, and everything else counts as well (RFC 7671 section 5.3)."""
        assert self.leaf is not None
        record = self._matcher(dane.PKIX_EE).match(self.leaf)
        if record is None:
            return False
        self._matches = ((record, self._note("dane.match", (record, "the peer's certificate"))),)
        self._ask_pkix(None)
        return True

    def _try_pkix_ta(self) -> bool:
        """PKIX-TA: a certificate of the path above the leaf matches (RFC 7671 section 5.4)."""
        assert self.leaf is not None
        found, untried = pkix_ta_candidates(
            self._matcher(dane.PKIX_TA), self.leaf, self._issuers(), self._anchors, self._policy.limits.paths
        )
        if untried:
            self._cut = f"limits.paths: {untried} candidate(s) of usage 0 were not tried"
        for candidate, record in found:
            place = self._note("dane.match", (record, "an issuer that the path must contain"))
            self._through.append((candidate, record, place))
        return self._next_through()

    def _next_through(self) -> bool:
        """Ask for a path through the next candidate: any of them may be the one that leads to an anchor."""
        if not self._through:
            return False
        if not self._may_lead_through():
            self._cut = f"limits.paths: {len(self._through)} candidate(s) of usage 0 were not tried"
            self._through.clear()
            return False
        candidate, record, place = self._through.pop(0)
        self._matches = ((record, place),)
        self._ask_pkix(candidate)
        return True

    def _ask_pkix(self, through: bytes | None) -> None:
        if self._anchors not in self._sought:
            self._sought += (self._anchors,)
        self._ask(ValidatePath(self._chain[0], self._chain[1:], self._anchors, self._at, through))

    def _go_on(self) -> None:
        """Ask for a better path, for one through the next candidate, or take the next way."""
        if self._detours is not None and self._take_detour():
            return
        if self._method == "pkix-ta" and self._undecided_or_audit and self._next_through():
            return
        if self._lists is not None:
            if self._look_further():
                return
            self._accept_doubtful()
        self._left_to_try = self._policy.limits.paths
        self._next_way()

    # Ends.

    def _refuse(self, code: str, evidence: object = None) -> None:
        """Reject what is not worth a look."""
        self._fault(code, evidence)
        decision = self._decided(Decision(Outcome.REJECTED, "none", code, place=self._places[-1]))
        self._refused(self)
        self._done(self, decision)

    def _end(self) -> None:
        """Settle the outcome."""
        decision = self.decision
        if decision is None:
            decision = self._decided(self._fail())
            self._refused(self)
        self._done(self, decision)

    @property
    def wants_audit(self) -> bool:
        """Whether the policy wants to know what PKIX alone would have said, and nobody has asked yet."""
        known = self._anchors in self._sought or self.leaf is None or not self._anchors.certificates
        return self._policy.audit and not known

    def audit(self, then: Callable[[], None]) -> None:
        """Ask what PKIX alone would say, for the journal; the decision stands.

        Args:
            then: is called when that is noted.
        """
        question = ValidatePath(self._chain[0], self._chain[1:], self._anchors, self._at)
        self._validate(question, partial(self._audited, then))

    def _audited(self, then: Callable[[], None], event: PathEvent) -> None:
        if isinstance(event, PathValidated):
            self._note("chain.also-pkix", event)
        else:
            self._note("chain.timeout" if event.reason == "chain.timeout" else "chain.not-pkix", event)
        then()
