"""Offline worlds: zones in master-file syntax answer instead of the DNS, and nothing is sent anywhere."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Literal, TypeAlias, TypeVar

import dns.exception
import dns.name
import dns.rdatatype

from siptls.dns import Alias, Answer, Cname, Denial, Lookup, Record, Security, Source
from siptls.errors import InvalidName
from siptls.events import Answered, Failure, LookupEvent, LookupFailed

from .cancellation import Cancellation
from .errors import InvalidStatus
from .message import MAX_ALIASES, Records, came_back, presentation, question_name, record
from .wire import rdatatype
from .zone import Delegation, Redirection, Undefined, Zone, read_text

Status: TypeAlias = Security | Literal["secure", "insecure", "bogus", "failed"]

_STATUSES: Mapping[object, Security] = {
    **{security: security for security in Security},
    "secure": Security.SECURE,
    "insecure": Security.INSECURE,
    "bogus": Security.BOGUS,
    "failed": Security.INDETERMINATE,
}
_SOURCE = Source("zone files")
T = TypeVar("T")


class ZoneFiles:
    """A resolver that answers from zones in master-file syntax (RFC 1035 section 5.1).

    The zone with the longest name that encloses a name holds it, so zones may be nested. Aliases lead from zone to
    zone, and each step has the DNSSEC status of its own owner name. A name in no zone is REFUSED, and so is one that a
    zone delegates away to name servers that are not here.

    Args:
        zones: the text of each zone by its name; a `Path` is read instead. Records need not state a TTL (3,600 s),
            and neither an SOA nor an NS record is required. Records outside of their zone are ignored. Without an SOA
            record, that a name has no records holds for 0 seconds, and so does a verdict that rests on it.
        statuses: the DNSSEC status of a name and of everything below it; the longest name wins. ``"bogus"`` makes
            lookups fail as a validator does, ``"failed"`` as a broken server does.
        default: the status of all other names.

    Raises:
        InvalidZone: a file cannot be read or is no zone; with file and line.
        InvalidStatus: a status is none of those that there are.
    """

    def __init__(
        self,
        zones: Mapping[str, str | os.PathLike[str]],
        statuses: Mapping[str, Status] | None = None,
        default: Status = Security.INSECURE,
    ) -> None:
        self._zones = {zone.origin: zone for zone in map(_zone, zones, zones.values())}
        self._default = _security(".", default)
        self._statuses: dict[dns.name.Name, Security] = {}
        for text, status in (statuses or {}).items():
            self._statuses[_name(text)] = _security(text, status)

    def answer(self, lookup: Lookup, _cancellation: Cancellation | None = None, /) -> LookupEvent:
        """Answer one question.

        Args:
            lookup: the question.

        Returns:
            `Answered` or `LookupFailed`; the same for the same question, always.
        """
        name = question_name(lookup)
        if name is None:
            return LookupFailed(lookup, Failure.MALFORMED, "not a domain name")
        return _Chase(self, lookup).follow(name)

    async def answer_async(self, lookup: Lookup, /) -> LookupEvent:
        """Answer one question; nothing is waited for.

        Args:
            lookup: the question.

        Returns:
            What `answer` returns.
        """
        return self.answer(lookup)

    def zone_of(self, name: dns.name.Name) -> Zone | None:
        """Return the zone that holds a name, or None."""
        return _longest(self._zones, name)

    def security(self, name: dns.name.Name) -> Security:
        """Return the DNSSEC status of a name; INDETERMINATE stands for ``"failed"``."""
        status = _longest(self._statuses, name)
        return self._default if status is None else status


class _Chase:
    """The way from one question to its answer."""

    def __init__(self, world: ZoneFiles, lookup: Lookup) -> None:
        self._world = world
        self._lookup = lookup
        self._rdtype = rdatatype(lookup.rrtype)
        self._aliases: list[Alias] = []
        self._security = Security.SECURE
        self._ttl: float = math.inf

    def follow(self, name: dns.name.Name) -> LookupEvent:
        while True:
            if failure := self._weaken(name):
                return failure
            zone = self._world.zone_of(name)
            if zone is None:
                return self._failed(Failure.REFUSED, f"no zone holds {presentation(name)}")
            found = zone.find(name, self._rdtype)
            if not isinstance(found, Redirection):
                return self._end(name, zone, found)
            if failure := self._weaken(found.owner):
                return failure
            self._ttl = min(self._ttl, found.ttl)
            if self._rdtype is dns.rdatatype.CNAME:
                made = Cname(presentation(name), presentation(found.target))
                return self._answered(name, (made,), None)
            if len(self._aliases) == MAX_ALIASES:
                return self._failed(Failure.LIMIT, f"more than {MAX_ALIASES} aliases")
            security = min(self._world.security(name), self._world.security(found.owner))
            self._aliases.append(Alias(presentation(name), presentation(found.target), security, found.ttl))
            if came_back(self._aliases):
                return self._failed(Failure.LOOP, f"the aliases come back to {presentation(found.target)}")
            name = found.target

    def _weaken(self, name: dns.name.Name) -> LookupFailed | None:
        """Take in the status of a name on the way, and return the failure that it amounts to."""
        security = self._world.security(name)
        self._security = min(self._security, security)
        if security is Security.BOGUS:
            return self._failed(Failure.BOGUS, f"{presentation(name)} is bogus in this world")
        if security is Security.INDETERMINATE:
            return self._failed(Failure.SERVFAIL, f"{presentation(name)} fails in this world")
        return None

    def _end(self, name: dns.name.Name, zone: Zone, found: Records | Denial | Delegation | Undefined) -> LookupEvent:
        if isinstance(found, Delegation):
            return self._failed(Failure.REFUSED, f"{presentation(found.cut)} is delegated away and no zone holds it")
        if isinstance(found, Undefined):
            return self._failed(Failure.MALFORMED, found.problem)
        if isinstance(found, Denial):
            self._ttl = min(self._ttl, zone.denial_ttl)
            return self._answered(name, (), found)
        self._ttl = min(self._ttl, *(ttl for ttl, _ in found))
        owner = presentation(name)
        records = tuple([made for _, rdata in found if (made := record(owner, rdata)) is not None])
        return self._answered(name, records, None)

    def _answered(self, name: dns.name.Name, records: tuple[Record, ...], denial: Denial | None) -> Answered:
        answer = Answer(
            self._lookup,
            tuple(self._aliases),
            presentation(name),
            records,
            denial,
            self._security,
            self._ttl,
            _SOURCE,
        )
        return Answered(self._lookup, answer)

    def _failed(self, reason: Failure, detail: str) -> LookupFailed:
        return LookupFailed(self._lookup, reason, detail)


def _longest(by_name: Mapping[dns.name.Name, T], name: dns.name.Name) -> T | None:
    """Return what belongs to the longest name that is ``name`` or encloses it."""
    for depth in range(len(name), 0, -1):
        found = by_name.get(name.split(depth)[1])
        if found is not None:
            return found
    return None


def _zone(name: str, source: str | os.PathLike[str]) -> Zone:
    if isinstance(source, str):
        return Zone.read(_name(name), source, f"zone {name}")
    return Zone.read(_name(name), read_text(source), os.fspath(source))


def _name(text: str) -> dns.name.Name:
    try:
        return dns.name.from_text(text, idna_codec=dns.name.IDNA_2008_Strict)
    except dns.exception.DNSException as error:
        raise InvalidName(text, f"the name of a zone ({error})") from error


def _security(name: str, status: Status) -> Security:
    try:
        return _STATUSES[status]
    except KeyError:
        raise InvalidStatus(name, status) from None
