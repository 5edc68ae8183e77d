"""The addresses of one target, of both families, and what DNSSEC says of them (RFC 7984, RFC 7673 section 3.2).

What comes out for the judge is a status and the TLSA base domains: the names at which TLSA records may stand.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, TypeAlias, TypeVar, cast

from .delegation import Addressed, Delegation
from .dns.answer import SECURE, Answer
from .dns.question import Lookup, RRType, lookup
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

_IPV4_CHARACTERS: Final = "0123456789."
_IPV6_CHARACTERS: Final = "0123456789abcdefABCDEF:."
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

    def _aliased(self, target: Target, event: Answered) -> None:
        """Take note that the host of a target is an alias; told once of each target."""

    def _ask_addresses(self, target: Target) -> None:
        self._target = target
        self._target_expires = math.inf
        self._address_questions = ()
        if target.addresses:  # the URI names an address instead of a host
            self._addressed(target, Reached(Addressed.INSECURE))
            return
        if not _is_server(target.host, target.port):
            self._note("locate.bad-target", target, f"{target.host!r} port {target.port}")
            self._addressed(target, Reached(Addressed.FAILED, code="locate.bad-target"))
            return
        self._address_questions = tuple([lookup(target.host, _RRTYPES[family]) for family in self.policy.families])
        self._left = len(self._address_questions)
        for question in self._address_questions:
            self._ask(question, self._address_answered)

    def _prefetch(self, host: str, port: int) -> None:
        """Ask for the addresses of a server ahead of time."""
        if _is_server(host, port):
            for family in self.policy.families:
                self._ask(lookup(host, _RRTYPES[family]), _keep)

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
        aliased = False
        for question in self._address_questions:
            event = self._answer_to(question)
            if not isinstance(event, Answered):
                failed = failed or event
                continue
            answer = event.answer
            if answer.aliases and not aliased:
                aliased = True
                self._aliased(target, event)
            addresses.extend(self._texts(answer, ":" if question.rrtype == "AAAA" else "."))
            if answer.security is not SECURE:
                self._proven = False
                insecure = answer if insecure is None else _telling(insecure, answer)
            elif answer.records:
                secure = secure or answer
        if failed is not None and (not addresses or (target.delegation is Delegation.SRV and secure is None)):
            # With a secure SRV the family that failed could have been the SECURE one whose TLSA counts (D-SEC-13).
            self._addressed(target, Reached(Addressed.FAILED, code=failed.code))
        elif not addresses:
            self._note("locate.no-address", target, None)
            if len(self.policy.families) == 1:
                self._proven = False  # nobody asked for the other family
            self._addressed(target, Reached(Addressed.NONE))
        else:
            target.addresses = self._in_order(target, tuple(addresses), self._limits.addresses)
            if target.addresses:
                self._find_bases(target, secure, insecure)
            else:
                self._addressed(target, Reached(Addressed.NONE))

    def _texts(self, answer: Answer, separator: str) -> list[str]:
        """The addresses of an answer, without what is no address of its family: adapters read them, callers may err."""
        texts = [record.address for record in answer.records if type(record) is Address]
        characters = _IPV4_CHARACTERS if separator == "." else _IPV6_CHARACTERS
        sound = [text for text in texts if separator in text and not text.strip(characters)]
        if len(sound) < len(texts):
            dropped = f"{len(texts) - len(sound)} text(s) that are no address"
            self._note("locate.foreign-record", "LOCATE", f"{dropped}, of {answer.question.name}")
        return sound

    def _in_order(self, target: Target, addresses: tuple[str, ...], most: int) -> tuple[str, ...]:
        """Order the addresses of one target, never those of several together (RFC 7984 section 4)."""
        if len(addresses) == 1 <= most:
            return addresses
        if len(set(addresses)) < len(addresses):
            addresses = tuple(dict.fromkeys(addresses))
        if len(addresses) > most:
            self._note("limit.addresses", target, f"limits.addresses: {len(addresses)}, {most} are tried")
        if self._order_addresses is not None:
            # Of each family no more than can be tried: to order thousands would hold up the caller.
            ipv6 = [address for address in addresses if ":" in address]
            ipv4 = [address for address in addresses if ":" not in address]
            addresses = _permuted((*ipv6[:most], *ipv4[:most]), self._order_addresses)
        kept = addresses[:most]
        if len(kept) < len(addresses) and most > 1 and len({":" in address for address in kept}) == 1:
            # A host of both families stays one, whatever the other family's number (RFC 7984 section 3.1).
            others = [address for address in addresses if (":" in address) is not (":" in kept[0])]
            kept = (*kept[: most - len(others[:1])], *others[:1])
        return kept

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
            self._ask(lookup(target.host, "CNAME"), self._alias_answered)

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


def _permuted(given: tuple[str, ...], order: OrderAddresses) -> tuple[str, ...]:
    """Let the caller's function order addresses; what it raises passes through."""
    returned = cast("object", order(given))
    made = tuple(cast("Iterable[object]", returned)) if isinstance(returned, Iterable) else ()
    ordered = tuple([address for address in made if isinstance(address, str)])
    if len(made) == len(ordered) == len(given) and set(ordered) == set(given):
        return ordered
    raise LocalProtocolError(f"order_addresses made {returned!r} of {given!r}, which is no permutation")


def _is_server(host: str, port: int) -> bool:
    """Whether an SRV record names a server: by name, which is not that of the root, and with a port."""
    return port != 0 and host != "." and is_domain_name(host) and ip_literal(host) is None


def _keep(_event: LookupEvent) -> None:
    """An address asked for ahead of time: the machine keeps the answer until it is asked for in earnest."""


def _telling(first: Answer, second: Answer) -> Answer:
    """Which of two INSECURE answers tells more of an alias: the families of a host should agree on it, but need not."""
    if not first.aliases or (second.aliases and second.aliases[0].security is SECURE):
        return second if second.aliases else first
    return first
