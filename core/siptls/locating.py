"""From a URI to its targets in order: the part that every machine shares that begins with a URI (RFC 3263 section 4).

NAPTR chooses the transport, SRV the targets, A and AAAA their addresses. Each target carries its delegation with it, so
that the judge knows later what its name is worth.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from .addresses import Addressing, OrderAddresses
from .choice import (
    BY_ADDRESS,
    BY_PORT,
    NO_ROOM_FOR_SRV,
    NO_SRV_NAMES,
    NO_SRV_RECORDS,
    NaptrChoice,
    Way,
    naptr_flaw,
    offers_service,
)
from .delegation import Delegation, leads
from .dns.answer import SECURE, Answer
from .dns.question import Lookup, lookup
from .dns.records import Naptr, Srv
from .events import Answered, Endpoint, LookupEvent, LookupFailed
from .names import fold, ip_literal, srv_owner
from .policy import SECURE_TRANSPORTS, Policy
from .srv import ordered, ordered_without_chance
from .target import Target
from .transport import DEFAULT_PORTS, SRV_NAMES, transport_of, transport_without_dns, usable_transports
from .uri import SipUri
from .verdict import Outcome

R = TypeVar("R")

_LONGEST_WITH_SRV: Final = 253 - len("_sips._sctp.")


class Locating(Addressing[R]):
    """A machine that begins by locating the servers of a URI."""

    __slots__ = (
        "_before",
        "_canonical",
        "_randbelow",
        "_srv_questions",
        "_stale_at",
        "_taken",
        "_transports",
        "_tried",
        "_way",
        "uri",
    )

    def __init__(
        self,
        uri: str | SipUri,
        policy: Policy,
        now: float,
        at: datetime,
        randbelow: Callable[[int], int] | None,
        transports: tuple[str, ...],
        order_addresses: OrderAddresses | None,
        large: bool = False,
    ) -> None:
        super().__init__(policy, now, at, order_addresses)
        self.uri: Final[SipUri] = SipUri.parse(uri) if isinstance(uri, str) else uri
        self._randbelow = randbelow
        self._transports = usable_transports(
            self.uri.scheme, self.uri.transport, policy.transports or transports, large
        )
        self._srv_questions: tuple[tuple[str, Lookup, bool], ...] = ()
        self._canonical = ""  # the canonical name of the domain, if it is an alias in a SECURE NAPTR answer (D-REF)
        self._way: Way | None = None
        self._taken = 0
        self._tried = 0
        self._stale_at = math.inf
        self._before: frozenset[Endpoint] | None = None  # what had failed when the run started again

    # What a machine on top of this says to the findings.

    @abstractmethod
    def _begin_target(self, target: Target) -> None:
        """Go on with the next target: ask for its addresses, in the end."""

    @abstractmethod
    def _no_more_targets(self) -> None:
        """End: no target is left."""

    @abstractmethod
    def _cut_short(self) -> None:
        """End: there are more targets, but none of them may be taken."""

    @abstractmethod
    def _not_located(self, outcome: Outcome, code: str) -> None:
        """End: there is nothing to try, or the way to it failed."""

    @abstractmethod
    def _failed_endpoints(self) -> frozenset[Endpoint]:
        """Return what was tried and failed so far."""

    def _without_dns(self) -> str:
        """Return the transport where no DNS record chooses it."""
        return transport_without_dns(self.uri.scheme, self.uri.transport, self._transports)

    # Transport and port (RFC 3263 sections 4.1 and 4.2).

    @property
    def _trusted(self) -> bool:
        """Whether the name that is looked up is trusted: maddr is no promise of the URI's host (D-SEC-15)."""
        return self.uri.maddr is None or self.uri.maddr == self.uri.host

    def _locate(self) -> None:
        uri = self.uri
        if not self._trusted:
            self._note("locate.maddr", "LOCATE", f"{uri.target}, for {uri.host}")
        if not self._transports:
            self._note("locate.transport", "LOCATE", uri)
            self._proven = False
            self._not_located(Outcome.NO_SERVICE, "locate.no-service.unproven")
        elif ip_literal(uri.target) is not None:
            if ("ipv6" if ":" in uri.target else "ipv4") in self.policy.families:
                self._go_to_target(self._without_dns(), Delegation.TAINTED, BY_ADDRESS)
            else:
                self._note("locate.family", "LOCATE", uri.target)
                self._proven = False
                self._not_located(Outcome.NO_SERVICE, "locate.no-service.unproven")
        elif uri.port is not None:
            self._go_to_host(self._without_dns(), BY_PORT)
        elif uri.transport is not None:
            self._ask_srv_of_domain()
        else:
            self._ask(lookup(uri.target, "NAPTR"), self._naptr_answered)

    def _naptr_answered(self, event: LookupEvent) -> None:
        if isinstance(event, LookupFailed):
            self._note(event.code, "LOCATE", event)
            self._not_located(Outcome.UNDETERMINED, event.code)
            return
        answer = event.answer
        self._count_on_for_all(event)
        if answer.aliases and leads(self._trusted, answer):
            self._canonical = fold(answer.owner)
        chosen = self._chosen_naptr(answer)
        self._note("locate.naptr", "LOCATE", NaptrChoice(answer, chosen, self.uri, self._transports))
        transport = None if chosen is None else transport_of(chosen.service)
        if self.uri.scheme == "sip" and answer.security is not SECURE and transport not in SECURE_TRANSPORTS:
            self._note("locate.downgrade-possible", "LOCATE", answer)
        if chosen is None or transport is None:
            self._ask_srv_of_domain()
        else:
            self._ask_srv([(transport, fold(chosen.replacement), leads(self._trusted, answer))])

    def _chosen_naptr(self, answer: Answer) -> Naptr | None:
        """The most preferred record that says something about a transport we can use (RFC 3403 section 4.1)."""
        chosen, least = None, (0x10000, 0, 0, "")
        scheme, usable = self.uri.scheme, self._transports
        for record in answer.records:
            assert type(record) is Naptr  # Machine lets only the type asked for pass
            if record.order > least[0] or naptr_flaw(record, scheme, usable):
                continue
            # Equal records are told apart by name, so that each run of a stateless proxy takes the same one.
            preferred = usable.index(str(transport_of(record.service)))
            rank = (record.order, record.preference, preferred, fold(record.replacement))
            if rank < least:
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
        if questions and len(self.uri.target) > _LONGEST_WITH_SRV:
            self._go_to_host(self._without_dns(), NO_ROOM_FOR_SRV)  # such names cannot exist
        elif questions:
            self._ask_srv(questions)
        else:
            self._go_to_host(self._without_dns(), NO_SRV_NAMES)

    def _ask_srv(self, questions: list[tuple[str, str, bool]]) -> None:
        asked = [(transport, lookup(name, "SRV"), trusted) for transport, name, trusted in questions]
        self._srv_questions = tuple(asked)
        self._left = len(questions)
        for _, question, _ in self._srv_questions:
            self._ask(question, self._srv_answered)

    def _srv_answered(self, event: LookupEvent) -> None:
        self._left -= 1
        if isinstance(event, Answered):
            self._count_on_for_all(event)
            if len(self._srv_questions) > 1 or not event.answer.records:
                self._note("locate.srv", "LOCATE", event)  # else it is noted together with the choice
        else:
            self._note(event.code, "LOCATE", event)
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
                self._take_srv(transport, answer, trusted, records)
                return
            if answer.records:
                self._note("locate.srv-root", "LOCATE", answer)
                refused.add(transport)
            proven = proven and leads(trusted, answer)
        self._fall_back(refused, proven)

    def _take_srv(self, transport: str, answer: Answer, trusted: bool, records: list[Srv]) -> None:
        """Put the records into the order in which they are tried, and begin."""
        order = ordered_without_chance(records) if self._randbelow is None else ordered(records, self._randbelow)
        if len({(record.target, record.port) for record in order}) < len(order):
            # The same server again would be the same failure again.
            first: dict[tuple[str, int], Srv] = {}
            for record in order:
                first.setdefault((record.target, record.port), record)
            order = list(first.values())
        delegation = Delegation.SRV if leads(trusted, answer) else Delegation.TAINTED
        if len(self._srv_questions) > 1:
            self._way = Way(transport, delegation, order, answer, self._other_offers(answer))
            self._note("locate.srv-chosen", "LOCATE", self._way)
        else:
            self._way = Way(transport, delegation, order, answer)
            self._note("locate.srv", "LOCATE", self._way)
        self._go_on()

    def _other_offers(self, chosen: Answer) -> tuple[Answer, ...]:
        """The answers with records for other transports than the chosen one."""
        events = [self._answer_to(question) for _, question, _ in self._srv_questions]
        answers = [event.answer for event in events if isinstance(event, Answered)]
        return tuple([answer for answer in answers if answer is not chosen and offers_service(answer)])

    def _fall_back(self, refused: set[str], proven: bool) -> None:
        """Without SRV records the domain's own addresses are used, unless "." says no (RFC 3263 4.2, RFC 2782)."""
        transport = self._without_dns()
        if len(self._srv_questions) == 1:
            transport = self._srv_questions[0][0]  # NAPTR or the URI settled it already
        if transport in refused:
            self._not_located(Outcome.NO_SERVICE, self._no_service)
        elif proven:
            self._go_to_host(transport, NO_SRV_RECORDS)
        else:
            self._go_to_target(transport, Delegation.TAINTED, NO_SRV_RECORDS)

    def _go_to_host(self, transport: str, why: str) -> None:
        """The domain is its own server, by its own word: SRV is not to be used, or proven absent (D-SEC-8)."""
        self._go_to_target(transport, Delegation.HOST if self._trusted else Delegation.TAINTED, why)

    def _go_to_target(self, transport: str, delegation: Delegation, why: str) -> None:
        """The URI's host (or maddr) is the only target."""
        self._way = Way(transport, delegation, None, why)
        self._note("locate.direct", "LOCATE", self._way)
        self._go_on()

    # Targets and addresses (RFC 3263 section 4.2, RFC 7984).

    def _go_on(self, _event: object = None) -> None:
        """Take the next target, or end, or start again if what is known of the targets is too old."""
        way = self._way
        assert way is not None
        if self._taken >= (1 if way.order is None else len(way.order)):
            self._no_more_targets()
        elif self._tried >= self._limits.targets:
            most = self._limits.targets
            self._note("limit.targets", "LOCATE", f"limits.targets: {most} are tried, and there are more")
            self._proven = False  # nobody knows of the others
            self._cut_short()
        elif self._taken and self._now >= self._stale_at:
            self._start_again()
        else:
            self._tried += 1
            self._begin_target(self._next_target(way))

    def _next_target(self, way: Way) -> Target:
        """The next target in order."""
        taken = self._taken
        self._taken += 1
        if way.order is None:
            uri = self.uri
            port = uri.port if uri.port is not None else DEFAULT_PORTS[way.transport]
            target = Target(uri.target, port, way.transport, 0, 0, way.delegation)
            if ip_literal(uri.target) is not None:
                target.addresses = (uri.target,)
            return target
        record = way.order[taken]
        return Target(fold(record.target), record.port, way.transport, record.priority, record.weight, way.delegation)

    def _start_again(self) -> None:
        """Locate anew, because expired records must not be fallen back on (RFC 3403 section 3); but only once."""
        if self._before is not None:
            self._note("locate.expired", "LOCATE", None)
            self._proven = False
            self._cut_short()
            return
        self._note("locate.restarted", "LOCATE", None)
        self._before = self._failed_endpoints()
        self._canonical = ""
        self._way = None
        self._taken = 0
        self._srv_questions = ()
        self._stale_at = self._expires = math.inf
        self._proven = True
        self._locate()

    def _in_order(self, target: Target, addresses: tuple[str, ...], most: int) -> tuple[str, ...]:
        if self._before:
            server = (target.host, target.port, target.transport)
            failed = {e.address for e in self._before if (e.host, e.port, e.transport) == server}
            addresses = tuple([address for address in addresses if address not in failed])
            if not addresses:
                self._note("locate.failed-before", target, None)
                return ()
            most = max(0, most - len(failed))  # the limit is for the whole run
        if self._randbelow is None:
            # Name servers send addresses in turn. A stateless proxy needs the same order each time (section 4.4).
            ipv6_first = self.policy.families[0] == "ipv6"
            addresses = tuple(sorted(addresses, key=lambda a: ((":" in a) is not ipv6_first, ip_literal(a) or b"", a)))
        return super()._in_order(target, addresses, most)

    def _aliased(self, target: Target, event: Answered) -> None:
        if self._way is not None and self._way.order is not None:
            self._note("locate.srv-cname", target, event)  # followed all the same

    def _ask_ahead(self, start: int, depth: int) -> int:
        """Ask ahead for the addresses of ``depth`` targets, but of none before ``start``; return where that ends."""
        if self._way is None or self._way.order is None:
            return start
        end = self._taken + min(depth, self._limits.targets - self._tried)
        for record in self._way.order[max(self._taken, start) : end]:
            self._prefetch(fold(record.target), record.port)
        return max(start, end)

    def _count_on_for_all(self, event: Answered) -> None:
        """Remember what rests on an answer by which all targets were found."""
        self._count_on(event)
        stale = self._stale_from(event)
        if stale < self._stale_at:
            self._stale_at = stale
