"""The addresses of one target, of both families, and what DNSSEC says of them (RFC 7984, RFC 7673 section 3.2).

What comes out for the judge is a status and the TLSA base domains: the names at which TLSA records may stand.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

from .delegation import Addressed, Delegation
from .dns.answer import SECURE, Answer
from .dns.question import Lookup, RRType
from .dns.records import Address
from .errors import LocalProtocolError
from .events import Answered, LookupEvent, LookupFailed
from .machine import Machine
from .names import fold, ip_literal, is_domain_name, is_host
from .policy import Policy
from .target import Target

R = TypeVar("R")

OrderAddresses: TypeAlias = Callable[[tuple[str, ...]], Sequence[str]]
"""Puts the addresses of one target into the order in which to try them (RFC 6724 section 6)."""

_RRTYPES: Final[dict[str, RRType]] = {"ipv4": "A", "ipv6": "AAAA"}


class Reached:
    """What came of the address lookups of one target.

    Args:
        status: whether there are addresses, and what DNSSEC says of them.
        bases: the TLSA base domains to ask, in their order; empty when none may be asked.
        code: for FAILED the code of the failure, else empty.
    """

    __slots__ = ("bases", "code", "status")

    def __init__(self, status: Addressed, bases: tuple[str, ...] = (), code: str = "") -> None:
        self.status: Final = status
        self.bases: Final = bases
        self.code: Final = code


class Addressing(Machine[R]):
    """A machine that asks for the addresses of one target at a time."""

    __slots__ = (
        "_address_questions",
        "_expires",
        "_left",
        "_order_addresses",
        "_proven",
        "_target",
        "_target_expires",
    )

    def __init__(self, policy: Policy, now: float, at: datetime, order_addresses: OrderAddresses | None) -> None:
        super().__init__(policy, now, at)
        self._order_addresses = order_addresses
        self._target: Target | None = None
        self._address_questions: tuple[Lookup, ...] = ()
        self._left = 0
        self._proven = True
        self._expires = math.inf
        self._target_expires = math.inf

    @abstractmethod
    def _addressed(self, target: Target, reached: Reached) -> None:
        """Go on: what there is to know of the addresses of a target is known."""

    def _ask_addresses(self, target: Target) -> None:
        self._target = target
        self._target_expires = math.inf
        self._address_questions = ()
        if target.addresses:  # the URI names an address instead of a host
            self._addressed(target, Reached(Addressed.INSECURE))
            return
        if target.port == 0 or not _is_name(target.host) or ip_literal(target.host) is not None:
            self._note("locate.bad-target", target, None)
            self._addressed(target, Reached(Addressed.FAILED, code="locate.bad-target"))
            return
        self._address_questions = tuple([Lookup(target.host, _RRTYPES[family]) for family in self.policy.families])
        self._left = len(self._address_questions)
        for question in self._address_questions:
            self._ask(question, self._address_answered)

    def _prefetch(self, host: str) -> None:
        """Ask for the addresses of a host ahead of time."""
        if _is_name(host):
            for family in self.policy.families:
                self._ask(Lookup(host, _RRTYPES[family]), _keep)

    def _address_answered(self, event: LookupEvent) -> None:
        self._note_lookup("locate.address", self._target, event)
        self._count_on_for_target(event)
        self._left -= 1
        if self._left == 0:
            assert self._target is not None
            self._combine(self._target)

    def _combine(self, target: Target) -> None:
        """Unite the address families (RFC 7984 section 3.1) and say what DNSSEC says of them."""
        failed: LookupFailed | None = None
        addresses: list[str] = []
        secure: Answer | None = None
        insecure: Answer | None = None
        for question in self._address_questions:
            event = self._answer_to(question)
            if not isinstance(event, Answered):
                failed = failed or event
                continue
            answer = event.answer
            addresses.extend([r.address for r in answer.records if type(r) is Address])
            if answer.security is not SECURE:
                self._proven = False
                insecure = insecure or answer
            elif answer.records:
                secure = secure or answer
        if failed is not None and (not addresses or (target.delegation is Delegation.SRV and secure is None)):
            # With a secure SRV the family that failed could have been the SECURE one whose TLSA counts (D-SEC-13).
            self._addressed(target, Reached(Addressed.FAILED, code=failed.code))
        elif not addresses:
            self._note("locate.no-address", target, None)
            self._addressed(target, Reached(Addressed.NONE))
        else:
            target.addresses = self._in_order(target, tuple(addresses))
            if target.addresses:
                self._find_bases(target, secure, insecure)
            else:
                self._addressed(target, Reached(Addressed.NONE))

    def _in_order(self, target: Target, addresses: tuple[str, ...]) -> tuple[str, ...]:
        """Order the addresses of one target, never those of several together (RFC 7984 section 4)."""
        if len(addresses) == 1:
            return addresses
        addresses = tuple(dict.fromkeys(addresses))
        most = self.policy.limits.addresses
        if len(addresses) > most:
            self._note("limit.addresses", target, f"limits.addresses: {len(addresses)}, {most} are tried")
        if self._order_addresses is not None:
            # Of each family no more than can be tried: to order thousands would hold up the caller.
            ipv6 = [address for address in addresses if ":" in address]
            ipv4 = [address for address in addresses if ":" not in address]
            given = (*ipv6[:most], *ipv4[:most])
            addresses = tuple(self._order_addresses(given))
            if sorted(given) != sorted(addresses):
                raise LocalProtocolError(f"order_addresses made {addresses!r} of {given!r}, which is no permutation")
        return addresses[:most]

    def _find_bases(self, target: Target, secure: Answer | None, insecure: Answer | None) -> None:
        """Say at which names TLSA records may stand (RFC 7671 section 7, RFC 7673 section 3.2)."""
        if secure is not None:
            if target.delegation is Delegation.TAINTED:
                bases: tuple[str, ...] = ()
            else:
                bases = (target.host,)
                # The canonical name is asked first, if it can be the name of a server at all (RFC 6698 section 3).
                if secure.aliases and is_host(canonical := fold(secure.owner)):
                    bases = (canonical, target.host)
            self._addressed(target, Reached(Addressed.SECURE, bases))
        elif target.delegation is not Delegation.HOST or insecure is None or not insecure.aliases:
            self._addressed(target, Reached(Addressed.INSECURE))
        elif insecure.aliases[0].security is SECURE:
            self._addressed(target, Reached(Addressed.INSECURE, (target.host,)))
        else:
            # The answer as a whole is INSECURE; only the alias alone tells whether its first step is (RFC 7672 2.1.3).
            self._ask(Lookup(target.host, "CNAME"), self._alias_answered)

    def _alias_answered(self, event: LookupEvent) -> None:
        target = self._target
        assert target is not None
        self._note_lookup("locate.alias", target, event)
        self._count_on_for_target(event)
        if isinstance(event, LookupFailed):
            self._addressed(target, Reached(Addressed.FAILED, code=event.code))
        elif event.answer.records and event.answer.security is SECURE:
            self._addressed(target, Reached(Addressed.INSECURE, (target.host,)))
        else:
            self._addressed(target, Reached(Addressed.INSECURE))

    def _note_lookup(self, code: str, hop: object, event: LookupEvent) -> None:
        """Write what came of a lookup into the journal: under its own code, or under that of its failure."""
        self._note(event.code if isinstance(event, LookupFailed) else code, hop, event)

    @property
    def _no_service(self) -> str:
        """The code of an absence: only one that DNSSEC proves may lead a caller elsewhere (RFC 3263 section 7)."""
        return "locate.no-service" if self._proven else "locate.no-service.unproven"

    def _count_on(self, event: Answered) -> None:
        """Remember how long, and how surely, what rests on this answer holds."""
        until = self._holds_until(event)
        if until < self._expires:
            self._expires = until
        if event.answer.security is not SECURE:
            self._proven = False

    def _count_on_for_target(self, event: LookupEvent) -> None:
        """Remember how long what is known of this target holds."""
        if isinstance(event, Answered):
            until = self._holds_until(event)
            if until < self._target_expires:
                self._target_expires = until


def _is_name(host: str) -> bool:
    """Whether a text from the network is a name that a server may have; the root has none."""
    return host != "." and is_domain_name(host)


def _keep(_event: LookupEvent) -> None:
    """An address asked for ahead of time: the machine keeps the answer until it is asked for in earnest."""
