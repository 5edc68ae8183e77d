"""Judge certificates that the caller already holds, with what the caller knows of the DNS."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Final

from .dane import RecordSet
from .decision import Decision
from .delegation import CODES, D_STATE, Addressed, Delegation, Pinned
from .dns.answer import SECURE, Alias, Security
from .dns.records import Tlsa
from .events import Anchors
from .judgement import Judgement
from .machine import Machine
from .names import domain as checked_domain
from .names import fold, ip_literal, same
from .policy import Policy
from .references import References
from .revocation import NO_CRLS, Crls
from .soundness import refuse_two_kinds
from .verdict import Method, Outcome, RawKey, Verdict

_FAILED: Final = {Security.BOGUS: "dnssec.bogus", Security.INDETERMINATE: "dane.lookup-failed"}


class Verification(Machine[Verdict]):
    """Judge a certificate chain for a domain; the only actions are `ValidatePath` and `CheckRevocation`.

    For callers that located the server and hold the connection themselves.

    Args:
        chain: the certificates in DER as the peer presented them, its own first.
        domain: the SIP domain that the connection is for (the AUS domain), in A-labels, or an IP address.
        target: the SRV target that was connected to; None when there was no SRV record: then it is the domain itself.
        tlsa: the TLSA records of the server's base domain.
        tlsa_security: the DNSSEC status of the TLSA answer; None means that of ``delegation``.
        delegation: the weakest DNSSEC status of the NAPTR, SRV and address answers.
        aliases: the alias steps from the target, or the domain, to the name at which the TLSA records stood; none if
            they stood at the target or domain itself. A step that is not SECURE weakens ``delegation``.
        anchors: the trust anchors for PKIX.
        public_key: the DER of the SubjectPublicKeyInfo that the peer presented instead of certificates (RFC 7250);
            ``chain`` is empty then.
        crls: the CRLs for ``policy.revocation``.
        policy: what the caller wants.
        now: the monotonic clock, in seconds.
        at: the wall clock at ``now``, an aware datetime; certificates must be valid then.

    Raises:
        InvalidName: ``domain`` or ``target`` is not a host name in A-labels.
        LocalProtocolError: ``at`` is naive, or there is a public key beside a chain.

    Source: RFC 5922 section 7.3, RFC 7673 section 4.
    """

    __slots__ = ("_domain", "_host", "_judgement", "_key")

    def __init__(
        self,
        chain: tuple[bytes, ...],
        *,
        domain: str,
        target: str | None = None,
        tlsa: Iterable[Tlsa] = (),
        tlsa_security: Security | None = None,
        delegation: Security = Security.INSECURE,
        aliases: Iterable[Alias] = (),
        anchors: Anchors = Anchors(),
        public_key: bytes | None = None,
        crls: Crls = NO_CRLS,
        policy: Policy = Policy(),
        now: float,
        at: datetime,
    ) -> None:
        refuse_two_kinds(chain, public_key)
        super().__init__(policy, now, at)
        self._domain = domain if ip_literal(domain) is not None else checked_domain(domain)
        self._host = self._domain if target is None else checked_domain(target)
        self._key = None if public_key is None else RawKey(public_key)
        self._judgement: Judgement | None = None
        steps = tuple(aliases)
        delegation = min(delegation, *[step.security for step in steps], Security.SECURE)
        weakest = min(delegation, delegation if tlsa_security is None else tlsa_security)
        if weakest in _FAILED:
            self._note(_FAILED[weakest], self._host, None)
            self._conclude(Decision(Outcome.UNDETERMINED, "none", _FAILED[weakest]))
            return
        kind = _kind(self._domain, target, delegation)
        self._note(CODES[kind], self._host, None)
        records, pinned = self._sorted(tuple(tlsa), kind, weakest)
        if pinned is Pinned.UNUSABLE and policy.strict_dane:
            self._conclude(Decision(Outcome.REJECTED, "none", "dane.unusable"))
            return
        # What the chain is held against was settled before it is looked at (D-STATE, D-REF).
        treatment = D_STATE[kind, Addressed.INSECURE if kind is Delegation.TAINTED else Addressed.SECURE, pinned]
        references, _ = References.under(treatment, policy, self._domain, self._host, _expanded(self._host, steps))
        self._judgement = Judgement(
            chain,
            references,
            records,
            anchors,
            public_key=public_key,
            crls=crls,
            policy=policy,
            now=now,
            at=self._wall_clock(),
            hop=self._host,
            note=self._note_at,
            validate=self._validate,
            done=self._judged,
        )
        self._judgement.begin()
        self._settle()

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, once there is one: the same as `result`."""
        return self._result

    def _sorted(self, tlsa: tuple[Tlsa, ...], kind: Delegation, weakest: Security) -> tuple[RecordSet | None, Pinned]:
        """Say what the TLSA records are good for (RFC 6698 section 4.1)."""
        host = self._host
        if tlsa and weakest is not SECURE:
            self._note("dane.insecure", host, f"{len(tlsa)} TLSA record(s)")
        if kind is Delegation.TAINTED:
            return None, Pinned.NOT_ASKED
        if not tlsa or weakest is not SECURE:
            return None, Pinned.NONE
        records = RecordSet(tlsa, self.policy)
        for code, evidence in records.notes:
            self._note(code, host, evidence)
        if records.counting and not records.only_constrains:
            return records, Pinned.USABLE
        self._note("dane.unusable", host, "; ".join([str(record) for record in tlsa[:8]]))
        return (records if records.counting else None), Pinned.UNUSABLE

    def _judged(self, judgement: Judgement, decision: Decision) -> None:
        if judgement.wants_audit:
            judgement.audit(partial(self._conclude, decision))
        else:
            self._conclude(decision)

    def _run_out(self) -> None:
        decided = None if self._judgement is None else self._judgement.decision
        if decided is None:
            self._note("limit.seconds", self._domain, self.policy.limits.seconds)
        self._conclude(decided or Decision(Outcome.UNDETERMINED, "none", "limit.seconds"))

    def _conclude(self, decision: Decision) -> None:
        leaf = None if self._judgement is None else self._judgement.leaf
        method: Method = decision.method
        self._finish(
            Verdict(
                decision.outcome,
                method,
                decision.code,
                self._domain,
                None,
                None,
                "client",
                self._key if leaf is None else leaf.der,
                None,
                decision.identities,
                decision.until if decision.outcome is Outcome.ACCEPTED else math.inf,
                tuple(self._journal),
                self._began,
                self._now,
                decision.place,
            )
        )


def _expanded(host: str, aliases: tuple[Alias, ...]) -> str:
    """Return the canonical name of a host, or the host's own name unless SECURE steps lead all the way (RFC 7671 7)."""
    name = host
    for step in aliases:
        if step.security is not SECURE or not same(step.owner, name):
            return host
        name = fold(step.target)
    return name


def _kind(domain: str, target: str | None, delegation: Security) -> Delegation:
    """How the server was found; an IP address leaves nothing that DNSSEC could protect."""
    if delegation is not SECURE or ip_literal(domain) is not None:
        return Delegation.TAINTED
    return Delegation.HOST if target is None else Delegation.SRV
