"""Where a client goes for a SIP URI, and why; nothing is connected to (RFC 3263).

`Locate` is for programs that make their connections themselves. It serves one transaction: it shows the targets in
their order, is told what became of them, and keeps in mind which one is in use.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Final

from .addresses import OrderAddresses, Reached
from .choice import offers_tls
from .delegation import CODES, Addressed
from .dns.question import Lookup, lookup
from .events import Answered, Endpoint, Event, LookupEvent, LookupFailed
from .locating import Locating
from .policy import SECURE_TRANSPORTS, Policy
from .target import Route, Target, TargetEvent, TargetFailed, TargetInUse
from .transaction import Transaction
from .transport import transport_without_dns
from .uri import SipUri
from .verdict import Outcome

_TRANSPORTS: Final = ("tls", "tcp", "udp")
_AT_ONCE: Final = 16  # targets: enough to be quick, and no flood of questions


class Locate(Locating[Route]):
    """Find out where a client would go for a SIP URI, and why.

    One machine serves one transaction (RFC 3263 section 4). With ``policy.prefetch`` left at None it asks for the
    addresses of all targets, of many at a time, and ends by itself. With a number it is lazy: it stops at the first
    target that has addresses, and goes on when its caller says `TargetFailed`. `TargetInUse` lets it ask for the
    addresses of so many targets ahead.

    Args:
        uri: a SIP or SIPS URI.
        policy: transports, address families and limits.
        now: the monotonic clock, in seconds.
        at: the wall clock at ``now``, an aware datetime.
        randbelow: a source of randomness for SRV weights, for example ``secrets.randbelow``. None is for a stateless
            proxy: nothing is left to chance, so that each retransmission goes the same way (section 4.4).
        order_addresses: puts the addresses of one target into the order in which to try them (RFC 6724 section 6);
            None takes them by ``policy.families``.
        large: whether the request is too large for UDP (RFC 3261 section 18.1.1): see `too_large_for_udp`.
        sips_seen: whether the caller has seen before that the domain offers TLS (`Route.sips`); if it does not now,
            the route says so, since somebody may hide it (section 7).

    Raises:
        InvalidUri: ``uri`` is not a SIP URI.
        LocalProtocolError: ``at`` is naive; later, ``order_addresses`` made no permutation of what it was given.

    Source: RFC 3263 section 4.
    """

    __slots__ = (
        "_audited",
        "_cut",
        "_failure",
        "_known_ahead",
        "_large",
        "_sips_here",
        "_sips_seen",
        "_so_far",
        "_told",
        "_warned",
    )

    def __init__(
        self,
        uri: str | SipUri,
        *,
        policy: Policy = Policy(),
        now: float,
        at: datetime,
        randbelow: Callable[[int], int] | None,
        order_addresses: OrderAddresses | None = None,
        large: bool = False,
        sips_seen: bool = False,
    ) -> None:
        super().__init__(uri, policy, now, at, randbelow, _TRANSPORTS, order_addresses, large)
        self._large = large
        self._sips_seen = sips_seen
        self._sips_here = False  # whether this machine has seen it, before it started again
        self._told = Transaction()
        self._failure: tuple[Outcome, str] | None = None
        self._known_ahead = 0
        self._cut = False  # whether there may be more addresses
        self._so_far: tuple[int, Route] | None = None
        self._warned = False
        self._audited: tuple[bool, tuple[Lookup, ...]] | None = None  # whether all targets are known, what is asked
        self._locate()
        self._settle()

    # What the caller sees.

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets whose addresses are known so far, in the order in which to try them."""
        return tuple(self._told.targets)

    @property
    def next_target(self) -> Target | None:
        """The first known target that has not failed: where the request goes now."""
        return self._told.next_target

    @property
    def next_endpoint(self) -> Endpoint | None:
        """The first address of `next_target` that has not failed."""
        return self._told.next_endpoint

    @property
    def in_use(self) -> Endpoint | None:
        """Where the request was sent; its retransmissions, CANCEL, and the ACK of a failure response go there too.

        The ACK of a 2xx response is another transaction, and may be located anew (RFC 3263 section 4).
        """
        return self._told.in_use

    @property
    def attempt(self) -> int:
        """Which request it is that goes to `next_endpoint`, counted from 1.

        Each is a transaction of its own, with a Via branch of its own (RFC 3263 section 4.3).
        """
        return self._told.attempt

    @property
    def must_be_stateful(self) -> bool:
        """Whether a stateless proxy must keep state, since the first server was not reached (RFC 3263 section 4.4)."""
        return self._randbelow is None and self._told.went_elsewhere

    @property
    def ready(self) -> Route | None:
        """The result; or, while the machine waits for a word of its caller, the route as far as it is known."""
        if self._result is not None or self._ends != math.inf:
            return self._result
        if self._open and self._told.is_under_way:
            return None  # there is time to look ahead
        if self._so_far is None or self._so_far[0] != len(self._journal):
            self._so_far = len(self._journal), self._route(complete=False)
        return self._so_far[1]

    # What the caller tells.

    def receive(self, event: Event | TargetEvent, *, now: float) -> None:
        """Take in what came of an action, or what the caller tells of a target.

        Args:
            event: what came of ``event.action``, or `TargetInUse`, or `TargetFailed`; these two also after the result.
            now: the monotonic clock, in seconds.

        Raises:
            LocalProtocolError: the action was never handed out, is answered already, or the event does not fit it; the
                target was not shown by this machine, or has no such address, or it has failed already.
        """
        if not isinstance(event, (TargetInUse, TargetFailed)):
            super().receive(event, now=now)
            return
        self.advance(now=now)
        self._told.check(event)
        if isinstance(event, TargetInUse):
            self._told.use(event.target, event.address)
            if self._result is None and self.policy.prefetch is not None:
                self._look_ahead(self.policy.prefetch)
        else:
            self._told.fail(event.target, event.address)
            hop = event.target if event.address is None else f"{event.target.host}:{event.target.port}"
            self._note("locate.target-failed", hop, f"{event.address or 'all addresses'}: {event.reason.value}")
            self._replace_failed()
        self._settle()

    def stop(self, *, now: float) -> None:
        """End the search, because the caller has what it wants.

        Args:
            now: the monotonic clock, in seconds.
        """
        self.advance(now=now)
        if self._result is None and self._audited is not None:
            self._conclude(complete=self._audited[0])
        elif self._result is None:
            if not self._told.targets:
                self._failure = (Outcome.UNDETERMINED, "locate.stopped")
                self._note("locate.stopped", "LOCATE", None)
            self._conclude(complete=False)

    def _replace_failed(self) -> None:
        """Search for the next target, if that is what is missing."""
        if self._result is None and self._audited is None and self._is_lazy and self.next_target is None:
            self._ends = self._now + self.policy.limits.seconds
            self._due = min(self._due, self._ends)
            self._go_on()

    # From the targets to their addresses.

    @property
    def _is_lazy(self) -> bool:
        return self.policy.prefetch is not None

    def _without_dns(self) -> str:
        return transport_without_dns(self.uri.scheme, self.uri.transport, self._transports, self._large)

    def _count_on_for_all(self, event: Answered) -> None:
        super()._count_on_for_all(event)
        if not self._is_lazy:
            self._stale_at = math.inf  # all targets are asked for at once, so nothing is fallen back on

    def _begin_target(self, target: Target) -> None:
        self._warn_if_sips_vanished()  # before anything can be sent
        if self._taken == 1:
            self._note(CODES[target.delegation], "LOCATE", None)  # it is that of all targets
        self._ask_addresses(target)
        if not self._is_lazy:
            self._look_ahead(_AT_ONCE)

    def _look_ahead(self, depth: int) -> None:
        """Ask for the addresses of so many targets ahead, but of none twice."""
        self._known_ahead = self._ask_ahead(self._known_ahead, depth)

    def _addressed(self, target: Target, reached: Reached) -> None:
        failed = [
            question for question in self._address_questions if isinstance(self._answer_to(question), LookupFailed)
        ]
        self._cut = self._cut or bool(failed)
        if target.addresses:
            self._told.targets.append(target)
            self._expires = min(self._expires, self._target_expires)
        elif reached.status is Addressed.FAILED:
            if self._failure is None or self._failure[0] is Outcome.NO_SERVICE:
                self._failure = (Outcome.UNDETERMINED, reached.code)
        elif self._failure is None:
            self._failure = (Outcome.NO_SERVICE, "")
        if self._is_lazy and target.addresses and self._has_more:
            # The caller may take its time, such as Timer B; only searching is limited.
            self._ends = math.inf
            self._due = min([entry.when for entry in self._open], default=math.inf)
        else:
            self._later(self._go_on)

    @property
    def _has_more(self) -> bool:
        """Whether targets are left behind the one that is begun."""
        return self._way is not None and self._way.order is not None and self._taken < len(self._way.order)

    def _failed_endpoints(self) -> frozenset[Endpoint]:
        return self._told.failed_endpoints

    def _in_order(self, target: Target, addresses: tuple[str, ...], most: int) -> tuple[str, ...]:
        kept = super()._in_order(target, addresses, most)
        self._cut = self._cut or len(set(addresses)) > most
        return kept

    def _start_again(self) -> None:
        self._sips_here = self._sips_here or self._sips is True
        self._known_ahead = 0
        super()._start_again()

    # Ends.

    def _not_located(self, outcome: Outcome, code: str) -> None:
        self._failure = (outcome, code)
        self._end_search(complete=outcome is Outcome.NO_SERVICE)

    def _no_more_targets(self) -> None:
        self._end_search(complete=True)

    def _cut_short(self) -> None:
        self._end_search(complete=False)

    def _run_out(self) -> None:
        if self._audited is not None:
            self._conclude(complete=self._audited[0])  # an audit never changes what was found
            return
        self._note("limit.seconds", "LOCATE", f"limits.seconds: {self.policy.limits.seconds:g} s")
        self._failure = (Outcome.UNDETERMINED, "limit.seconds")
        self._conclude(complete=False)

    def _end_search(self, *, complete: bool) -> None:
        """Nothing is left to find. An audit now asks what only the operator of the domain has to know."""
        if self.policy.audit:
            from .zone_lint import audit_questions  # noqa: PLC0415 - most programs never need it

            self._audited = (complete, audit_questions(self.uri, self._heard()))
            self._left = len(self._audited[1])
            for question in self._audited[1]:
                self._ask(question, self._audit_answered)
            if self._left:
                return
        self._conclude(complete=complete)

    def _audit_answered(self, event: LookupEvent) -> None:
        if isinstance(event, Answered):
            self._note("locate.audited", "LOCATE", event)
        self._left -= 1
        if self._left == 0 and self._audited is not None:
            self._conclude(complete=self._audited[0])

    def _heard(self) -> list[LookupEvent]:
        """What came of all questions so far."""
        events = [entry.event for entry in self._ledger.values()]
        return [event for event in events if isinstance(event, (Answered, LookupFailed))]

    def _conclude(self, *, complete: bool) -> None:
        self._warn_if_sips_vanished()
        if self._audited is not None:
            from .zone_lint import audit_findings  # noqa: PLC0415

            for code, text in audit_findings(self.uri, self._heard(), self._audited[1]):
                self._note(code, "LOCATE", text)
        self._finish(self._route(complete=complete))

    def _route(self, *, complete: bool) -> Route:
        outcome, code = (None, None) if self._told.targets else self._failure or (Outcome.NO_SERVICE, "")
        if outcome is Outcome.NO_SERVICE:
            code = code or self._no_service
            if self._way is not None or self._srv_questions:  # else the reason is told already: nothing was denied
                self._note(code, "LOCATE", None)
        unfailed = self._failure is None or self._failure[0] is Outcome.NO_SERVICE
        return Route(
            self.targets,
            complete and unfailed and not self._cut,
            outcome,
            code,
            self._expires,
            tuple(self._journal),
            self._began,
            self._now,
            True if self._sips_here else self._sips,
        )

    def _warn_if_sips_vanished(self) -> None:
        if (self._sips_seen or self._sips_here) and self._sips is False and not self._warned:
            self._warned = True
            self._note("locate.sips-vanished", "LOCATE", None)

    @property
    def _sips(self) -> bool | None:
        """Whether NAPTR or SRV records offer TLS; None if nothing was asked that could tell."""
        if not self._trusted:
            return None  # it would be that of maddr
        questions = [question for transport, question, _ in self._srv_questions if transport in SECURE_TRANSPORTS]
        entries = [self._ledger.get(question) for question in (lookup(self.uri.host, "NAPTR"), *questions)]
        answers = [entry.event.answer for entry in entries if entry is not None and isinstance(entry.event, Answered)]
        # That there is no NAPTR record says nothing; then it is the SRV records for TLS that tell.
        answers = [answer for answer in answers if answer.records or answer.question.rrtype == "SRV"]
        return any(map(offers_tls, answers)) if answers else None
