"""Judge certificates that the caller already holds, with what the caller knows of the DNS."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Final

from .dane import RecordSet
from .delegation import CODES, D_STATE, Addressed, Delegation, Pinned, Treatment
from .dns.answer import SECURE, Alias, Security
from .dns.records import Tlsa
from .events import Anchors
from .judgement import Decision, Judgement
from .machine import Machine
from .names import domain as checked_domain
from .names import fold, ip_literal
from .policy import Policy
from .references import References
from .verdict import Method, Outcome, Verdict

_FAILED: Final = {Security.BOGUS: "dnssec.bogus", Security.INDETERMINATE: "dane.lookup-failed"}


class Verification(Machine[Verdict]):
    """Judge a certificate chain for a domain; the only actions are `ValidatePath`.

    For callers that located the server and hold the connection themselves.

    Args:
        chain: the certificates in DER as the peer presented them, its own first.
        domain: the SIP domain that the connection is for (the AUS domain), in A-labels, or an IP address.
        target: the SRV target that was connected to; None when there was no SRV record: then it is the domain itself.
        tlsa: the TLSA records of the server's base domain.
        tlsa_security: the DNSSEC status of the TLSA answer; None means that of ``delegation``.
        delegation: the weakest DNSSEC status of the NAPTR, SRV and address answers.
        aliases: the alias steps from the target, or the domain, to the address.
        anchors: the trust anchors for PKIX.
        policy: what the caller wants.
        now: the monotonic clock, in seconds.
        at: the wall clock at ``now``, an aware datetime; certificates must be valid then.

    Raises:
        InvalidName: ``domain`` or ``target`` is not a host name in A-labels.
        LocalProtocolError: ``at`` is naive.

    Source: RFC 5922 section 7.3, RFC 7673 section 4.
    """

    __slots__ = ("_domain", "_judgement")

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
        anchors: Anchors = Anchors(),  # noqa: B008 - an empty set
        policy: Policy = Policy(),  # noqa: B008 - a frozen value
        now: float,
        at: datetime,
    ) -> None:
        super().__init__(policy, now, at)
        self._domain = domain if ip_literal(domain) is not None else checked_domain(domain)
        host = self._domain if target is None else checked_domain(target)
        self._judgement: Judgement | None = None
        weakest = min(delegation, delegation if tlsa_security is None else tlsa_security)
        if weakest in _FAILED:
            self._note(_FAILED[weakest], host, None)
            self._conclude(Decision(Outcome.UNDETERMINED, "none", _FAILED[weakest]))
            return
        secure = delegation is SECURE and ip_literal(self._domain) is None
        kind = Delegation.TAINTED
        if secure:
            kind = Delegation.HOST if target is None else Delegation.SRV
        self._note(CODES[kind], host, None)
        records, pinned = self._sorted(host, tuple(tlsa), secure, weakest)
        if pinned is Pinned.UNUSABLE and policy.strict_dane:
            self._conclude(Decision(Outcome.REJECTED, "none", "dane.unusable"))
            return
        treatment = D_STATE[kind, Addressed.SECURE if secure else Addressed.INSECURE, pinned]
        steps = tuple(aliases)
        names: tuple[str, ...] = (host,)
        if secure and steps and all(step.security is SECURE for step in steps):
            names = (fold(steps[-1].target), host)
        hosts: tuple[str, ...] = ()
        if treatment is Treatment.DANE:
            hosts = names
        elif treatment is Treatment.DOMAIN_OR_TARGET:
            hosts = (host,)
        references = References(self._domain, hosts, not (hosts and policy.require_target_name), host)
        self._judgement = Judgement(
            chain,
            references,
            records,
            anchors,
            policy=policy,
            now=now,
            clock=self._wall_clock,
            note=partial(self._note_at, host),
            validate=self._validate,
            done=self._judged,
        )
        self._judgement.begin()
        self._settle()

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, once there is one: the same as `result`."""
        return self._result

    def _sorted(
        self, host: str, tlsa: tuple[Tlsa, ...], secure: bool, weakest: Security
    ) -> tuple[RecordSet | None, Pinned]:
        """Say what the TLSA records are good for (RFC 6698 section 4.1)."""
        if not secure:
            if tlsa:
                self._note("dane.insecure", host, f"{len(tlsa)} TLSA record(s)")
            return None, Pinned.NOT_ASKED
        if not tlsa:
            return None, Pinned.NONE
        if weakest is not SECURE:
            self._note("dane.insecure", host, f"{len(tlsa)} TLSA record(s)")
            return None, Pinned.NONE
        records = RecordSet(tlsa, self.policy)
        for code, evidence in records.notes:
            self._note(code, host, evidence)
        if records.counting:
            return records, Pinned.USABLE
        self._note("dane.unusable", host, None)
        return None, Pinned.UNUSABLE

    def _judged(self, _judgement: Judgement, decision: Decision) -> None:
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
                None if leaf is None else leaf.der,
                None,
                decision.identities,
                decision.until if decision.outcome is Outcome.ACCEPTED else math.inf,
                tuple(self._journal),
                self._began,
                self._now,
            )
        )
