"""Is the client the DNS name that it signalled in TLS? DANE for clients (draft-ietf-dance-client-auth-13).

The client says in its handshake at which name its TLSA records stand; nothing is built from the certificate. The name
that is proven so is the name of a client, and no SIP domain (D-DANCE-1).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, cast

from .client_names import ClientName
from .dane import RecordSet
from .decision import Decision
from .dns.answer import SECURE
from .dns.question import lookup
from .dns.records import Tlsa
from .events import Answered, Failure, LookupEvent, LookupFailed
from .journal import Note
from .judgement import Judgement
from .machine import Machine
from .names import fold, is_domain_name
from .policy import Policy
from .proof import Proof, Shown
from .server_records import Claimed
from .verdict import Outcome

_VERSIONS: Final = frozenset({"TLSv1.3", "DTLSv1.3"})
_RULE: Final = "the client signalled the name (draft-ietf-dance-client-auth-13 section 8.2)"
_HOP: Final = "CLIENT"

ABORTING: Final = frozenset(
    {"inbound.client-name-unusable", "inbound.client-name-version", "inbound.client-name-mismatch"}
)
"""The codes after which the standard leaves a server no choice but to abort."""


class SignalledName(Machine[Proof]):
    """Hold what a client presented against the TLSA records at the name that it signalled.

    Args:
        name: the name as it came in the ``dane_clientid`` extension; an empty one is a violation of the protocol.
        version: the version of TLS, as in `TlsFacts`; only under 1.3 the extension has a meaning.
        shown: what the client presented.
        policy: what the caller wants.
        now: the monotonic clock, in seconds.
        at: the wall clock at ``now``.
        holds_until: as for `ServerRecords`.

    Source: draft-ietf-dance-client-auth-13 sections 5 to 9.
    """

    __slots__ = ("_holds", "_name", "_shown", "_until")

    def __init__(
        self,
        name: str,
        version: str,
        shown: Shown,
        policy: Policy,
        now: float,
        at: datetime,
        holds_until: Callable[[Answered], float],
    ) -> None:
        super().__init__(policy, now, at)
        self._name: Final = fold(name)
        self._shown = shown
        self._holds = holds_until
        self._until = now
        self._note("inbound.claim", _HOP, Claimed("client-name", name, _RULE))
        if version not in _VERSIONS:
            self._refuse("inbound.client-name-version", ("TLSv1.3", version or "a version that nobody told"))
        elif name.endswith(".") or not is_domain_name(name):
            self._refuse("inbound.client-name-unusable", ("a DNS name in A-labels without the trailing dot", name))
        else:
            self._ask(lookup(self._name, "TLSA"), self._answered)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was found so far."""
        return tuple(self._journal)

    def _answered(self, event: LookupEvent) -> None:
        if isinstance(event, LookupFailed):
            code = "dnssec.bogus" if event.reason is Failure.BOGUS else "dane.lookup-failed"
            self._note(code, _HOP, event)
            self._fail(Outcome.UNDETERMINED, code)
            return
        self._note("dane.tlsa", _HOP, event)
        self._until = self._holds(event)
        answer = event.answer
        if answer.security is not SECURE or not answer.records:
            self._refuse("inbound.client-name-unproven", ("TLSA records that DNSSEC protects", answer))
            return
        records = RecordSet(cast("tuple[Tlsa, ...]", answer.records), self.policy)  # Machine lets no other type pass
        for code, evidence in records.notes:
            self._note(code, _HOP, evidence)
        if not records.counting or records.only_constrains:
            self._refuse("inbound.client-name-unproven", ("a TLSA record that can be used", answer))
            return
        self._judge(records)

    def _judge(self, records: RecordSet) -> None:
        Judgement(
            self._shown.chain,
            ClientName(self._name),
            records,
            self._shown.anchors,
            public_key=self._shown.public_key,
            crls=self._shown.crls,
            role="client",
            policy=self.policy,
            now=self._now,
            at=self._wall_clock(),
            hop=_HOP,
            note=self._note_at,
            validate=self._validate,
            done=self._judged,
        ).begin()

    def _judged(self, _judgement: Judgement, decision: Decision) -> None:
        until = min(self._until, decision.until)
        host = self._name if decision.outcome is Outcome.ACCEPTED else ""
        self._finish(Proof("client-name", self._name, decision, host, until=until))

    def _refuse(self, code: str, evidence: object) -> None:
        self._note(code, _HOP, evidence)
        self._fail(Outcome.REJECTED, code)

    def _fail(self, outcome: Outcome, code: str) -> None:
        """End by what the last note says."""
        decision = Decision(outcome, "none", code, place=len(self._journal) - 1)
        self._finish(Proof("client-name", self._name, decision))

    def _run_out(self) -> None:
        self._note("limit.seconds", _HOP, self.policy.limits.seconds)
        self._fail(Outcome.UNDETERMINED, "limit.seconds")
