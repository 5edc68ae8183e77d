"""From a target to what its peer will be held against: addresses, TLSA records, then the rows of D-STATE and D-REF."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar, cast

from .addresses import OrderAddresses, Reached
from .dane import RecordSet
from .delegation import CODES, D_STATE, Addressed, Pinned
from .dns.answer import SECURE, Answer
from .dns.question import lookup
from .dns.records import Tlsa
from .events import Failure, LookupEvent, LookupFailed
from .locating import Locating
from .names import tlsa_owner
from .policy import Policy
from .references import References
from .target import Target
from .uri import SipUri
from .verdict import Outcome

R = TypeVar("R")

# The transport label of a TLSA owner name is that of the layer below TLS (RFC 6698 section 3, RFC 4168 section 6).
_TLSA_PROTOCOLS: Final = {"tls": "tcp", "tls-sctp": "sctp", "wss": "tcp"}


class Planning(Locating[R]):
    """A machine that settles what a peer will be held against, before it is seen (RFC 9525 section 6.1)."""

    __slots__ = ("_addressed_as", "_bases", "_expansion", "_records", "_references", "_server_name")

    def __init__(
        self,
        uri: str | SipUri,
        policy: Policy,
        now: float,
        at: datetime,
        randbelow: Callable[[int], int] | None,
        transports: tuple[str, ...],
        order_addresses: OrderAddresses | None,
    ) -> None:
        super().__init__(uri, policy, now, at, randbelow, transports, order_addresses)
        self._addressed_as = Addressed.NONE
        self._bases: tuple[str, ...] = ()
        self._expansion = ""
        self._records: RecordSet | None = None
        self._references: References | None = None
        self._server_name: str | None = None

    @abstractmethod
    def _start_attempt(self, _event: object = None) -> None:
        """Connect to the target, all being settled."""

    @abstractmethod
    def _skip(self, target: Target, outcome: Outcome, code: str) -> None:
        """Do not connect to this target."""

    def _addressed(self, target: Target, reached: Reached) -> None:
        self._note(CODES[target.delegation], target, None)
        self._addressed_as = reached.status
        self._bases = bases = reached.bases
        # Only the URI's own host can add its canonical name as a third reference (D-REF).
        if len(bases) > 1 and target.host == self.uri.host:
            self._expansion = bases[0]
        else:
            self._expansion = self._canonical
        if reached.status is Addressed.FAILED:
            self._skip(target, Outcome.UNDETERMINED, reached.code)
        elif reached.status is Addressed.NONE:
            self._skip(target, Outcome.NO_SERVICE, "locate.no-address")
        elif bases:
            self._ask_tlsa(target)
        else:
            self._treat(target, Pinned.NOT_ASKED, "")

    def _ask_tlsa(self, target: Target) -> None:
        owner = tlsa_owner(target.port, _TLSA_PROTOCOLS[target.transport], self._bases[0])
        self._ask(lookup(owner, "TLSA"), self._tlsa_answered)

    def _tlsa_answered(self, event: LookupEvent) -> None:
        target = self._target
        assert target is not None
        if isinstance(event, LookupFailed):
            code = "dnssec.bogus" if event.reason is Failure.BOGUS else "dane.lookup-failed"
            self._note(code, target, event)
            self._skip(target, Outcome.UNDETERMINED, code)
            return
        self._note("dane.tlsa", target, event)
        answer = event.answer
        self._count_on_for_target(event)
        if answer.security is SECURE and answer.records:
            self._sort_records(target, answer)
            return
        if answer.records:
            self._note("dane.insecure", target, answer)
        if len(self._bases) > 1:
            # Nothing at the canonical name: the name before the alias is asked next (RFC 7671 section 7).
            self._bases = self._bases[1:]
            self._ask_tlsa(target)
        else:
            self._treat(target, Pinned.NONE, "")

    def _sort_records(self, target: Target, answer: Answer) -> None:
        records = RecordSet(cast("tuple[Tlsa, ...]", answer.records), self.policy)  # Machine lets no other type pass
        for code, evidence in () if len(records.counting) == len(answer.records) else records.notes:
            self._note(code, target, evidence)
        self._records = records if records.counting else None
        if records.counting and not records.only_constrains:
            self._treat(target, Pinned.USABLE, self._bases[0])
            return
        self._note("dane.unusable", target, answer)
        if self.policy.strict_dane:
            self._skip(target, Outcome.REJECTED, "dane.unusable")
        else:
            self._treat(target, Pinned.UNUSABLE, "")

    def _treat(self, target: Target, pinned: Pinned, base: str) -> None:
        """Settle what the peer will be held against, before it is seen, and connect (D-STATE, D-REF)."""
        treatment = D_STATE[target.delegation, self._addressed_as, pinned]
        self._references, self._server_name = References.under(
            treatment, self.policy, self.uri.host, target.host, base, self._expansion
        )
        self._start_attempt()
