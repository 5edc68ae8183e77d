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
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast

from . import dane
from .certificate import Certificate
from .decision import Decision, Weighing
from .errors import InvalidCertificate
from .events import Anchors, PathEvent, PathRejected, PathValidated, ValidatePath
from .identity import Identity, Role
from .path_rules import Examined, Names, date_fault, examine, malformed, revocation_notes
from .policy import METHODS, Policy
from .revocation import NO_CRLS, CheckRevocation, Crls, RevocationChecked
from .trust_anchors import dane_ta_anchors, matching, readable
from .verdict import Method, Outcome

# The ways in the order of what they cost: DANE-EE needs no path, PKIX-TA may need several.
_WAYS: Final = (dane.DANE_EE, dane.DANE_TA, dane.PKIX_EE, dane.PKIX_TA)


# What an authority of a path can be the reason of, so that a path past it may be better.
_OF_AUTHORITIES: Final = frozenset(
    {"chain.name-constraints", "chain.eku", "chain.expired", "chain.revoked", "chain.revocation-unknown"}
)


class Judgement(Weighing):
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
        clock: tells the same on the wall clock; paths must be valid then. DANE-EE never asks.
        note: takes a code and its evidence for the journal.
        validate: asks for a path and says how to go on.
        refused: is told this judgement as soon as the peer is not accepted, even if an audit goes on.
        done: is told this judgement and its decision, once, when nothing more is awaited.
    """

    __slots__ = (
        "_anchors",
        "_chain",
        "_crls",
        "_detours",
        "_done",
        "_now",
        "_pkix_asked",
        "_pool",
        "_public_key",
        "_refused",
        "_through",
        "_tried",
        "_validate",
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
        clock: Callable[[], datetime],
        note: Callable[[str, object], None],
        validate: Callable[[ValidatePath | CheckRevocation, Callable[[Any], None]], None],
        refused: Callable[[Judgement], None],
        done: Callable[[Judgement, Decision], None],
    ) -> None:
        super().__init__(references, records, role, policy, clock, note)
        self._now = now
        self._validate = validate
        self._chain = chain
        self._anchors = anchors
        self._public_key = public_key
        self._crls = crls
        self._refused = refused
        self._done = done
        self._ways: list[int] = []
        self._through: list[bytes] = []
        self._pool: list[Certificate] | None = None
        self._detours: tuple[ValidatePath, ...] = ()
        self._tried: frozenset[bytes] = frozenset()  # what paths were asked to lead through, to get past an authority
        self._pkix_asked = False

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
        found = [record for record in records if dane.digest(key, record.matching) == record.data]
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
        self._note("dane.match", (record, what))
        self._note("id.not-needed", None)
        self._accept("dane.match", (Identity(self._references.domain, "dane"),), math.inf)

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

    def _matched(self, record: object, what: str) -> None:
        self._note("dane.match", (record, what))

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
            self._go_on()
            return
        self._note("chain.valid", event)
        path = [Certificate(der) for der in event.path]
        self._named = True
        try:
            found = examine(path, event.action.anchors, self._references, self._policy, self._role, self._at)
        except InvalidCertificate as error:
            self._fault_of_form(malformed(path[0]), error)
            self._go_on()
            return
        for code, evidence in found.notes:
            self._note(code, evidence)
        self._faults += found.faults
        if self._policy.revocation == "off":
            self._path_examined(event.action, found, found.left, found.faults)
        else:
            question = CheckRevocation(tuple([each.der for each in found.path]), self._crls, self._at)
            self._validate(question, partial(self._revocation_checked, event.action, found))

    def _revocation_checked(self, asked: ValidatePath, found: Examined, event: RevocationChecked) -> None:
        """Refuse what is revoked, and, if the policy requires CRLs, what none of them speaks of."""
        notes, fault, until = revocation_notes(event)
        for code, evidence in notes:
            self._note(code, evidence)
        left = found.left
        if until is not None:
            left = min(left, (until - self._at) / timedelta(seconds=1))
        faults = found.faults
        if fault == "chain.revoked":
            self._faults.append(fault)
            faults = [*faults, fault]
        elif fault and self._policy.revocation == "crl-required":
            if not faults:
                self._fault(fault)
            faults = [*faults, fault]
        self._path_examined(asked, found, left, faults)

    def _path_examined(self, asked: ValidatePath, found: Examined, left: float, faults: list[str]) -> None:
        """Accept by a valid path if nothing stands against it; look for another one if an authority of it does."""
        identities = found.identities
        if faults:
            if not _OF_AUTHORITIES.isdisjoint(faults) and self._method != "pkix-ta":
                self._look_for_detours(asked, found)
        else:
            if self._method == "dane-ta":
                # Names under a TA that only this zone named prove nothing for other domains.
                identities = (Identity(self._references.domain, "dane"),)
            elif self._method != "pkix" and not self._policy.tlsa_usages.isdisjoint({2, 3}):
                self._note("dane.pkix-usage", self._method)
            self._accept("dane.match" if self._records is not None else found.code, identities, self._now + left)
        self._go_on()

    def _look_for_detours(self, asked: ValidatePath, found: Examined) -> None:
        """An authority may have several certificates, and one of the others may lead past what was wrong (D-PATH-3)."""
        names = {each.subject for each in found.path[1:]}
        seen = self._tried.union([each.der for each in found.path])
        others = [*readable(asked.anchors.certificates), *self._issuers()]
        ways = sorted({each.der for each in others if each.subject in names} - seen)
        ways = ways[: max(0, self._policy.limits.paths - len(self._tried))]
        self._tried = self._tried.union(ways)
        self._detours += tuple(
            [ValidatePath(asked.leaf, asked.pool, asked.anchors, asked.at, through) for through in ways]
        )

    def _go_on(self) -> None:
        """Ask for a path through the next candidate, or take the next way."""
        detours, self._detours = self._detours, ()
        if detours and self.decision is None:
            self._detours = detours[1:]
            self._ask(detours[0])
        elif not (self._method == "pkix-ta" and self._undecided_or_audit and self._next_through()):
            self._next_way()

    def _fault_of_path(self, event: PathRejected) -> None:
        """Note why no path is valid; what the dates of the leaf say is more telling than the validator's text."""
        assert self.leaf is not None
        if event.action.through in self._tried and event.reason != "chain.timeout":
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

    # Ends.

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
        if self._policy.audit and not self._pkix_asked and self._chain and self._anchors.certificates:
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
