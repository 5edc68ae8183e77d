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
from typing import Final, cast

from . import dane
from .certificate import Certificate
from .errors import InvalidCertificate
from .events import Anchors, PathEvent, PathRejected, PathValidated, ValidatePath
from .identity import Identity
from .path_rules import binding, date_fault, malformed, purpose_fault, seconds_left, up_to_anchor
from .policy import METHODS, Policy
from .references import References
from .trust_anchors import dane_ta_anchors, matching, readable
from .verdict import Method, Outcome

# The ways in the order of what they cost: DANE-EE needs no path, PKIX-TA may need several.
_WAYS: Final = (dane.DANE_EE, dane.DANE_TA, dane.PKIX_EE, dane.PKIX_TA)


class Decision:
    """What a judgement came to.

    Args:
        outcome: ACCEPTED, REJECTED, UNDETERMINED or INSUFFICIENT.
        method: by what the peer was authenticated.
        code: what decided.
        identities: the domains that are proven for the peer.
        until: until when the certificates used are valid, on the ``now`` clock; infinite where dates do not count.
    """

    __slots__ = ("code", "identities", "method", "outcome", "until")

    def __init__(
        self,
        outcome: Outcome,
        method: Method,
        code: str,
        identities: tuple[Identity, ...] = (),
        until: float = math.inf,
    ) -> None:
        self.outcome: Final = outcome
        self.method: Final[Method] = method
        self.code: Final = code
        self.identities: Final = identities
        self.until: Final = until


class Judgement:
    """Judges what one peer presented.

    Args:
        chain: the certificates as presented, the peer's own first.
        references: the names to hold against them.
        records: the TLSA records, all of which SECURE, when DANE decides; None when PKIX does.
        anchors: the trust anchors of the caller.
        policy: what the caller wants.
        now: when the peer presented them, on the monotonic clock, in seconds.
        clock: tells the same on the wall clock; paths must be valid then. DANE-EE never asks.
        note: takes a code and its evidence for the journal.
        validate: asks for a path and says how to go on.
        refused: is told this judgement as soon as the peer is not accepted, even if an audit goes on.
        done: is told this judgement and its decision, once, when nothing more is awaited.
    """

    __slots__ = (
        "_anchors",
        "_chain",
        "_clock",
        "_done",
        "_faults",
        "_known_at",
        "_method",
        "_named",
        "_note",
        "_now",
        "_pkix_asked",
        "_policy",
        "_pool",
        "_records",
        "_references",
        "_refused",
        "_through",
        "_validate",
        "_ways",
        "_weak",
        "decision",
        "leaf",
    )

    def __init__(
        self,
        chain: tuple[bytes, ...],
        references: References,
        records: dane.RecordSet | None,
        anchors: Anchors,
        *,
        policy: Policy,
        now: float,
        clock: Callable[[], datetime],
        note: Callable[[str, object], None],
        validate: Callable[[ValidatePath, Callable[[PathEvent], None]], None],
        refused: Callable[[Judgement], None],
        done: Callable[[Judgement, Decision], None],
    ) -> None:
        self._policy = policy
        self._now = now
        self._clock = clock
        self._known_at: datetime | None = None
        self._note = note
        self._validate = validate
        self._chain = chain
        self._references = references
        self._records = records
        self._anchors = anchors
        self._refused = refused
        self._done = done
        self._faults: list[str] = []
        self._weak: Decision | None = None
        self._ways: list[int] = []
        self._through: list[bytes] = []
        self._pool: list[Certificate] | None = None
        self._pkix_asked = False
        self._named = False
        self._method: Method = "none"
        self.decision: Decision | None = None
        self.leaf: Certificate | None = None

    def begin(self) -> None:
        """Look at the certificates and take the first way."""
        chain, limits = self._chain, self._policy.limits
        if not chain:
            self._refuse("tls.no-certificate")
            return
        if len(chain) > limits.chain or sum(map(len, chain)) > limits.chain_octets:
            self._refuse("limit.chain", f"{len(chain)} certificates of {sum(map(len, chain))} octets")
            return
        leaf = Certificate(chain[0])
        try:
            leaf.spki  # noqa: B018 - whatever authenticates the peer authenticates its key, so there must be one (A-22)
        except InvalidCertificate as error:
            self._refuse("cert.malformed", f"{error.place}: expected {error.expected}")
            return
        self.leaf = leaf
        if self._records is not None:
            self._ways = self._ordered_ways(self._records)
            self._next_way()
        else:
            self._method = "pkix"
            self._ask_pkix(None)

    @property
    def _at(self) -> datetime:
        """The time of judging: one for all checks, read when first needed."""
        if self._known_at is None:
            self._known_at = self._clock()
        return self._known_at

    # The ways.

    def _ordered_ways(self, records: dane.RecordSet) -> list[int]:
        """The usages to try, those that satisfy the policy first."""
        present = {record.usage for record in records.counting}
        if len(present) == 1:
            return [*present]
        ways = [usage for usage in _WAYS if usage in present]
        required = METHODS[self._policy.require]
        ways.sort(key=lambda usage: dane.METHODS[usage] not in required)
        return ways

    def _next_way(self) -> None:
        """Take the next way, or end when there is none left."""
        while self._ways and self._undecided_or_audit:
            usage = self._ways.pop(0)
            self._method = cast("Method", dane.METHODS[usage])
            if (self._try_pkix_ta, self._try_pkix_ee, self._try_dane_ta, self._try_dane_ee)[usage]():
                return  # a path is awaited
        self._end()

    @property
    def _undecided_or_audit(self) -> bool:
        return self.decision is None or self._policy.audit

    def _matcher(self, usage: int) -> dane.Matcher:
        assert self._records is not None
        return dane.Matcher(self._records.of(usage))

    def _matched(self, record: object, what: str) -> None:
        self._note("dane.match", (record, what))

    def _try_dane_ee(self) -> bool:
        """DANE-EE: the leaf matches, and nothing else counts (RFC 7671 section 5.1, RFC 7673 section 4.2)."""
        assert self.leaf is not None
        record = self._matcher(dane.DANE_EE).match(self.leaf)
        if record is not None:
            self._matched(record, "the peer's certificate")
            self._note("id.not-needed", None)
            self._accept("dane.match", (Identity(self._references.domain, "dane"),), math.inf)
        return False

    def _try_dane_ta(self) -> bool:
        """DANE-TA: a matching issuer, or one that stands only in the DNS, is the anchor (RFC 7671 section 5.2)."""
        assert self.leaf is not None
        assert self._records is not None
        records = self._records.of(dane.DANE_TA)
        try:
            anchors, matched = dane_ta_anchors(records, self.leaf, self._issuers(), self._policy.limits.paths)
        except InvalidCertificate as error:
            self._fault_of_form("cert.malformed", error)
            return False
        for record in matched:
            self._matched(record, "a certificate of the chain")
        if anchors is None:
            return False
        self._ask(ValidatePath(self._chain[0], self._chain[1:], anchors, self._at))
        return True

    def _try_pkix_ee(self) -> bool:
        """PKIX-EE: the leaf matches, and everything else counts as well (RFC 7671 section 5.3)."""
        assert self.leaf is not None
        record = self._matcher(dane.PKIX_EE).match(self.leaf)
        if record is None:
            return False
        self._matched(record, "the peer's certificate")
        self._ask_pkix(None)
        return True

    def _try_pkix_ta(self) -> bool:
        """PKIX-TA: a certificate of the path above the leaf matches (RFC 7671 section 5.4)."""
        limit = self._policy.limits.paths
        # In the order of their octets, so that the order in which a peer sends them decides nothing (D-PATH-3).
        issuers = sorted([i for i in self._issuers() if i.der != self._chain[0]], key=lambda issuer: issuer.der)
        candidates = [*[Certificate(der) for der in self._anchors.certificates], *issuers]
        for candidate, record in matching(self._matcher(dane.PKIX_TA), candidates):
            if candidate.der not in self._through:
                self._matched(record, "an issuer that the path must contain")
                self._through.append(candidate.der)
        if len(self._through) > limit:
            self._note("limit.paths", f"{len(self._through)} candidates for PKIX-TA")
            del self._through[limit:]
        return self._next_through()

    def _next_through(self) -> bool:
        """Ask for a path through the next candidate: any of them may be the one that leads to an anchor."""
        if not self._through:
            return False
        self._ask_pkix(self._through.pop(0))
        return True

    def _issuers(self) -> list[Certificate]:
        """The presented certificates above the leaf that can be read."""
        if self._pool is None:
            self._pool = readable(self._chain[1:])
        return self._pool

    # Paths.

    def _ask_pkix(self, through: bytes | None) -> None:
        self._pkix_asked = True
        self._ask(ValidatePath(self._chain[0], self._chain[1:], self._anchors, self._at, through))

    def _ask(self, question: ValidatePath) -> None:
        self._validate(question, self._path_answered)

    def _path_answered(self, event: PathEvent) -> None:
        if isinstance(event, PathRejected):
            self._fault_of_path(event)
        else:
            self._path_found(event)
        if not (self._method == "pkix-ta" and self._undecided_or_audit and self._next_through()):
            self._next_way()

    def _fault_of_path(self, event: PathRejected) -> None:
        """Note why no path is valid; what the leaf itself says is more telling than the validator's text."""
        assert self.leaf is not None
        reason = date_fault(self.leaf, self._at) or event.reason
        self._fault(reason, ("a path to " + event.action.anchors.name, event.detail))

    def _path_found(self, event: PathValidated) -> None:
        """Check on a valid path what RFC 5280 path validation leaves open; accept if nothing stands against it."""
        self._note("chain.valid", event)
        path, anchors = [Certificate(der) for der in event.path], event.action.anchors
        try:
            path = up_to_anchor(path, anchors)
            bound = binding(path, anchors)
            code, identities = self._check_names(bound)
            fault = purpose_fault(path, self._policy.eku)
            left = seconds_left(bound, self._at)
        except InvalidCertificate as error:
            self._fault_of_form(malformed(path[0]), error)
            return
        if fault is not None:
            self._fault(*fault)
        elif identities:
            if self._method == "dane-ta":
                # Names under a TA that only this zone named prove nothing for other domains.
                identities = (Identity(self._references.domain, "dane"),)
            elif self._method != "pkix" and not self._policy.tlsa_usages.isdisjoint({2, 3}):
                self._note("dane.pkix-usage", self._method)
            self._accept("dane.match" if self._records is not None else code, identities, self._now + left)

    def _check_names(self, path: list[Certificate]) -> tuple[str, tuple[Identity, ...]]:
        """Return the code of the match and the identities it proves; after a fault there are none."""
        self._named = True
        found = self._references.check(path, self._policy)
        for code, evidence in found.notes:
            self._note(code, evidence)
        if not found.identities:
            self._faults.append(found.code)
        return found.code, found.identities

    # Ends.

    def _fault(self, code: str, evidence: object = None) -> None:
        self._faults.append(code)
        self._note(code, evidence)

    def _fault_of_form(self, code: str, error: InvalidCertificate) -> None:
        self._fault(code, f"{error.place}: expected {error.expected}")

    def _accept(self, code: str, identities: tuple[Identity, ...], until: float) -> None:
        """Accept, or go on looking if the method is less than the policy requires."""
        if self.decision is not None:
            return  # this was for the audit
        if self._suffices():
            self.decision = Decision(Outcome.ACCEPTED, self._method, code, identities, until)
            return
        self._note("policy.too-weak", (f"require {self._policy.require}", self._method))
        self._weak = self._weak or Decision(Outcome.INSUFFICIENT, self._method, "policy.too-weak", identities, until)

    def _suffices(self) -> bool:
        """Whether the method is what the policy requires; a disabled usage constrains, but it is no DANE (A-17)."""
        policy, usage = self._policy, dane.USAGES.get(self._method)
        disabled = usage is not None and usage not in policy.tlsa_usages
        return self._method in METHODS[policy.require] and not (disabled and policy.require == "dane")

    def _fail(self) -> Decision:
        """No way led to acceptance."""
        if self._weak is not None:
            return self._weak
        if not self._faults:
            assert self._records is not None
            assert self.leaf is not None
            self._fault(*dane.no_match(self._records.counting, self.leaf))
        self._make_remaining_checks()
        if "chain.timeout" in self._faults:
            return Decision(Outcome.UNDETERMINED, "none", "chain.timeout")
        return Decision(Outcome.REJECTED, "none", self._faults[0])

    def _make_remaining_checks(self) -> None:
        """After a rejection also make the checks that cost no further question, since people ask for all reasons."""
        assert self.leaf is not None
        dates = date_fault(self.leaf, self._at)
        if dates and dates not in self._faults:
            self._fault(dates)
        if not self._named:
            try:
                self._check_names([self.leaf])
            except InvalidCertificate as error:
                self._fault_of_form("cert.malformed", error)

    def _refuse(self, code: str, evidence: object = None) -> None:
        """Reject what is not worth a look."""
        self._fault(code, evidence)
        self.decision = Decision(Outcome.REJECTED, "none", code)
        self._refused(self)
        self._done(self, self.decision)

    def _end(self) -> None:
        """Settle the outcome; an audit may still want to know what PKIX alone would have said."""
        if self.decision is None:
            self.decision = self._fail()
            self._refused(self)
        if self._policy.audit and not self._pkix_asked and self._anchors.certificates:
            self._validate(ValidatePath(self._chain[0], self._chain[1:], self._anchors, self._at), self._audited)
        else:
            self._done(self, self.decision)

    def _audited(self, event: PathEvent) -> None:
        """Report what PKIX alone would have said; the decision stands."""
        assert self.decision is not None
        if isinstance(event, PathValidated):
            self._note("chain.also-pkix", event)
        else:
            self._note("chain.timeout" if event.reason == "chain.timeout" else "chain.not-pkix", event)
        self._done(self, self.decision)
