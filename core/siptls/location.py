"""Where a client goes for a SIP URI: NAPTR, then SRV, then A and AAAA (RFC 3263 section 4, RFC 7984).

`Locating` is the part that `Locate` and `Outbound` share: it finds the targets in their order. Each target carries its
delegation with it, so that the judge knows later what its name is worth.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from .addresses import Addressing, Reached
from .delegation import Addressed, Delegation, leads
from .dns.answer import SECURE, Answer
from .dns.question import Lookup
from .dns.records import Naptr, Srv
from .events import Answered, LookupEvent, LookupFailed
from .names import fold, ip_literal, is_domain_name, srv_owner
from .policy import Policy
from .srv import ordered
from .target import Route, Target
from .transport import DEFAULT_PORTS, SERVICES, SRV_NAMES, transport_without_dns, usable_transports
from .uri import SipUri
from .verdict import Outcome

R = TypeVar("R")

_LOCATE_TRANSPORTS: Final = ("tls", "tcp", "udp")


class Locating(Addressing[R]):
    """A machine that begins by locating the servers of a URI."""

    __slots__ = (
        "_delegation",
        "_numeric",
        "_order",
        "_randbelow",
        "_srv_questions",
        "_taken",
        "_transport",
        "_transports",
        "_trusted",
        "uri",
    )

    def __init__(
        self,
        uri: str | SipUri,
        policy: Policy,
        now: float,
        at: datetime,
        randbelow: Callable[[int], int],
        transports: tuple[str, ...],
    ) -> None:
        super().__init__(policy, now, at)
        self.uri: Final[SipUri] = SipUri.parse(uri) if isinstance(uri, str) else uri
        self._randbelow = randbelow
        self._transports = usable_transports(self.uri.scheme, self.uri.transport, policy.transports or transports)
        # Only the URI's host speaks for itself; maddr is no promise of the domain (D-SEC-15).
        self._trusted = self.uri.maddr is None or self.uri.maddr == self.uri.host
        self._numeric = ip_literal(self.uri.target) is not None
        self._order: list[Srv] | None = None
        self._taken = 0
        self._delegation = Delegation.TAINTED
        self._transport = ""
        self._srv_questions: tuple[tuple[str, Lookup, bool], ...] = ()

    # What a machine on top of this says to the findings.

    @abstractmethod
    def _located(self) -> None:
        """Go on: the targets are known and `_next_target` hands them out."""

    @abstractmethod
    def _not_located(self, outcome: Outcome, code: str) -> None:
        """End: there is nothing to try, or the way to it failed."""

    # Transport and port (RFC 3263 sections 4.1 and 4.2).

    def _locate(self) -> None:
        uri = self.uri
        if not self._transports:
            self._note("locate.transport", "LOCATE", uri)
            self._proven = False
            self._not_located(Outcome.NO_SERVICE, "locate.no-service.unproven")
        elif self._numeric or uri.port is not None:
            self._go_to_target(transport_without_dns(uri.scheme, uri.transport, self._transports), proven=True)
        elif uri.transport is not None:
            self._ask_srv_of_domain()
        else:
            self._ask(Lookup(uri.target, "NAPTR"), self._naptr_answered)
        self._settle()

    def _naptr_answered(self, event: LookupEvent) -> None:
        self._note_lookup("locate.naptr", "LOCATE", event)
        if isinstance(event, LookupFailed):
            self._not_located(Outcome.UNDETERMINED, event.code)
            return
        answer = event.answer
        self._count_on(event)
        chosen = self._chosen_naptr(answer)
        if chosen is None:
            if answer.records:
                self._note("locate.naptr-unusable", "LOCATE", answer)
            elif answer.security is not SECURE and self.uri.scheme == "sip":
                self._note("locate.downgrade-possible", "LOCATE", answer)
            self._ask_srv_of_domain()
            return
        self._note("locate.naptr-chosen", "LOCATE", chosen)
        trusted = leads(self._trusted, answer)
        self._ask_srv([(SERVICES[chosen.service.upper()], fold(chosen.replacement), trusted)])

    def _chosen_naptr(self, answer: Answer) -> Naptr | None:
        """The most preferred record that says something about a transport we can use (RFC 3403 section 4.1)."""
        chosen, least = None, (0x10000, 0, 0)
        for record in answer.records:
            assert type(record) is Naptr  # Machine lets only the type asked for pass
            transport = SERVICES.get(record.service.upper())
            if transport not in self._transports or record.flags.upper() != "S" or record.regexp:
                continue
            rank = (record.order, record.preference, self._transports.index(transport))
            if rank < least and record.replacement != "." and is_domain_name(fold(record.replacement)):
                chosen, least = record, rank
        return chosen

    def _ask_srv_of_domain(self) -> None:
        """Ask for the SRV records of each transport under the domain's own name."""
        trusted = self._trusted
        questions = [
            (transport, srv_owner(*SRV_NAMES[transport], self.uri.target), trusted)
            for transport in self._transports
            if transport in SRV_NAMES
        ]
        if questions:
            self._ask_srv(questions)
        else:
            # SRV is not used for these transports, so the host is its own server (D-SEC-8).
            transport = transport_without_dns(self.uri.scheme, self.uri.transport, self._transports)
            self._go_to_target(transport, proven=True)

    def _ask_srv(self, questions: list[tuple[str, str, bool]]) -> None:
        asked = [(transport, Lookup(name, "SRV"), trusted) for transport, name, trusted in questions]
        self._srv_questions = tuple(asked)
        self._left = len(questions)
        for _, question, _ in self._srv_questions:
            self._ask(question, self._srv_answered)

    def _srv_answered(self, event: LookupEvent) -> None:
        self._note_lookup("locate.srv", "LOCATE", event)
        if isinstance(event, Answered):
            self._count_on(event)
        self._left -= 1
        if self._left == 0:
            self._choose_srv()

    def _choose_srv(self) -> None:
        """Take the first transport that the domain offers; fall back to its own address only if it has no SRV."""
        answers: list[tuple[str, Answer, bool]] = []
        for transport, question, trusted in self._srv_questions:
            event = self._answer_to(question)
            if isinstance(event, LookupFailed):
                # One failed lookup ends the attempt, or a weaker transport would win by it (D-SEC-12, RFC 7673 3.1).
                self._not_located(Outcome.UNDETERMINED, event.code)
                return
            answers.append((transport, event.answer, trusted))
        refused: set[str] = set()
        proven = True
        for transport, answer, trusted in answers:
            records = [r for r in answer.records if type(r) is Srv and r.target != "."]
            if records:
                self._transport = transport
                self._delegation = Delegation.SRV if leads(trusted, answer) else Delegation.TAINTED
                self._order = ordered(records, self._randbelow)
                self._located()
                return
            if answer.records:
                self._note("locate.srv-root", "LOCATE", answer)
                refused.add(transport)
            proven = proven and leads(trusted, answer)
        self._fall_back(refused, proven)

    def _fall_back(self, refused: set[str], proven: bool) -> None:
        """Without SRV records the domain's own addresses are used, unless "." says no (RFC 3263 4.2, RFC 2782)."""
        transport = transport_without_dns(self.uri.scheme, self.uri.transport, self._transports)
        if len(self._srv_questions) == 1:
            transport = self._srv_questions[0][0]  # NAPTR or the URI settled it already
        if transport in refused:
            self._not_located(Outcome.NO_SERVICE, self._no_service)
            return
        self._go_to_target(transport, proven=proven)

    def _go_to_target(self, transport: str, *, proven: bool) -> None:
        """The URI's host (or maddr) is the only target; ``proven`` says that no SRV record should have been used."""
        self._transport = transport
        if proven and self._trusted and not self._numeric:
            self._delegation = Delegation.HOST
        self._located()

    # Targets and addresses (RFC 3263 section 4.2, RFC 7984).

    def _next_target(self) -> Target | None:
        """The next target in order, or None after the last."""
        uri, transport = self.uri, self._transport
        if self._order is None:
            self._taken += 1
            if self._taken > 1:
                return None
            port = uri.port if uri.port is not None else DEFAULT_PORTS[transport]
            target = Target(uri.target, port, transport, 0, 0, self._delegation)
            if self._numeric:
                target.addresses = (uri.target,)
            return target
        if self._taken >= len(self._order):
            return None
        record = self._order[self._taken]
        self._taken += 1
        return Target(fold(record.target), record.port, transport, record.priority, record.weight, self._delegation)

    def _address_answered(self, event: LookupEvent) -> None:
        if self._order is not None and isinstance(event, Answered) and event.answer.aliases:
            self._note("locate.srv-cname", self._target, event)  # followed all the same
        super()._address_answered(event)

    def _reach(self, target: Target) -> None:
        """Ask for the addresses of a target, and ahead of time for those of the next ones."""
        self._ask_addresses(target)
        if self._order is not None:
            for record in self._order[self._taken : self._taken + self.policy.prefetch]:
                self._prefetch(fold(record.target))


class Locate(Locating[Route]):
    """Find out where a client would go for a SIP URI, and why; nothing is connected to.

    Args:
        uri: a SIP or SIPS URI.
        policy: transports, address families and limits.
        now: the monotonic clock, in seconds.
        at: the wall clock at ``now``, an aware datetime.
        randbelow: a source of randomness for SRV weights, for example ``secrets.randbelow``.

    Raises:
        InvalidUri: ``uri`` is not a SIP URI.
        LocalProtocolError: ``at`` is naive.

    Source: RFC 3263 section 4.
    """

    __slots__ = ("_failure", "_found")

    def __init__(
        self,
        uri: str | SipUri,
        *,
        policy: Policy = Policy(),
        now: float,
        at: datetime,
        randbelow: Callable[[int], int],
    ) -> None:
        super().__init__(uri, policy, now, at, randbelow, _LOCATE_TRANSPORTS)
        self._found: list[Target] = []
        self._failure: tuple[Outcome, str] | None = None
        self._locate()

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets whose addresses are known so far, in the order in which to try them."""
        return tuple(self._found)

    def _located(self) -> None:
        self._go_on()

    def _go_on(self, _event: object = None) -> None:
        """Ask for the addresses of the next target, or end."""
        target = self._next_target()
        if target is None:
            self._conclude(complete=True)
        elif self._taken > self.policy.limits.targets:
            self._note("limit.targets", "LOCATE", self.policy.limits.targets)
            self._conclude(complete=False)
        else:
            self._reach(target)

    def _addressed(self, target: Target, reached: Reached) -> None:
        if target.addresses:
            self._found.append(target)
            self._expires = min(self._expires, self._target_expires)
        elif reached.status is Addressed.FAILED:
            if self._failure is None or self._failure[0] is Outcome.NO_SERVICE:
                self._failure = (Outcome.UNDETERMINED, reached.code)
        elif self._failure is None:
            self._failure = (Outcome.NO_SERVICE, "")
        self._later(self._go_on)

    def _not_located(self, outcome: Outcome, code: str) -> None:
        self._failure = (outcome, code)
        self._conclude(complete=outcome is Outcome.NO_SERVICE)

    def _run_out(self) -> None:
        self._note("limit.seconds", "LOCATE", self.policy.limits.seconds)
        self._failure = (Outcome.UNDETERMINED, "limit.seconds")
        self._conclude(complete=False)

    def _conclude(self, *, complete: bool) -> None:
        outcome, code = (None, None) if self._found else self._failure or (Outcome.NO_SERVICE, "")
        if outcome is Outcome.NO_SERVICE and not code:
            code = self._no_service
        if outcome is Outcome.NO_SERVICE and code:
            self._note(code, "LOCATE", None)  # a failure stands in the journal already
        unfailed = self._failure is None or self._failure[0] is Outcome.NO_SERVICE
        self._finish(
            Route(
                tuple(self._found),
                complete and unfailed,
                outcome,
                code,
                self._expires,
                tuple(self._journal),
                self._began,
            )
        )
