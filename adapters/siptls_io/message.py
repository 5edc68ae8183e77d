"""DNS messages and records of dnspython as values of the core."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.DNAME import DNAME
from dns.rdtypes.ANY.SOA import SOA
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV

from siptls.dns import Address, Alias, Answer, Cname, Denial, Lookup, Naptr, Record, Security, Source, Srv, Tlsa
from siptls.events import Answered, Failure, LookupEvent, LookupFailed

from .wire import UncheckedTlsa, rdatatype

MAX_ALIASES = 16
"""How many alias steps are followed here. The core's own limit is lower; this one ends chains that only ever grow."""

# DNSSEC Bogus, Signature Expired, Signature Not Yet Valid, DNSKEY Missing, RRSIGs Missing, No Zone Key Bit Set and
# NSEC Missing (RFC 8914 sections 4.7 to 4.13): the resolver says that the data should be signed and are not, or badly.
_BOGUS = frozenset(range(6, 13))
_DETAIL = 200

Records = list[tuple[int, dns.rdata.Rdata]]
"""Records of one owner and type, each with its TTL."""


def question_name(lookup: Lookup) -> dns.name.Name | None:
    """Return the name of a question for dnspython, or None if it is no domain name."""
    if not lookup.name.isascii():
        return None
    try:
        return dns.name.from_text(lookup.name)
    except dns.exception.DNSException:
        return None


def presentation(name: dns.name.Name) -> str:
    """Return a name as the core writes it: in lower case, without the trailing dot, odd octets escaped."""
    return name.to_text(omit_final_dot=True).lower()


def record(owner: str, rdata: dns.rdata.Rdata) -> Record | None:
    """Return a record of the core, or None for a type that it does not ask for."""
    if isinstance(rdata, A | AAAA):
        return Address(owner, rdata.address)
    if isinstance(rdata, CNAME):
        return Cname(owner, presentation(rdata.target))
    if isinstance(rdata, SRV):
        return Srv(owner, rdata.priority, rdata.weight, rdata.port, presentation(rdata.target))
    if isinstance(rdata, UncheckedTlsa):
        return Tlsa(owner, rdata.usage, rdata.selector, rdata.mtype, rdata.cert)
    if isinstance(rdata, NAPTR):
        flags, service, regexp = _text(rdata.flags), _text(rdata.service), _text(rdata.regexp)
        replacement = presentation(rdata.replacement)
        return Naptr(owner, rdata.order, rdata.preference, flags, service, regexp, replacement)
    return None


def rows_of(rdataset: dns.rdataset.Rdataset) -> Records:
    """Return the records of a set, each with the TTL of the set."""
    return [(rdataset.ttl, rdata) for rdata in cast("Iterable[dns.rdata.Rdata]", rdataset)]


def denial_ttl(ttl: int, soa: SOA) -> int:
    """Return how long a denial may be believed, in seconds (RFC 2308 section 5)."""
    return min(ttl, soa.minimum)


def substituted(name: dns.name.Name, owner: dns.name.Name, target: dns.name.Name) -> dns.name.Name | None:
    """Return what a DNAME makes of a name below its owner, or None if that is too long (RFC 6672 section 2.2)."""
    try:
        return name.relativize(owner).concatenate(target)
    except dns.name.NameTooLong:
        return None


def came_back(aliases: list[Alias]) -> bool:
    """Say whether the last alias step leads to a name that was an alias before: the steps would never end."""
    return any(alias.owner == aliases[-1].target for alias in aliases)


def from_message(lookup: Lookup, message: dns.message.Message, security: Security, source: Source) -> LookupEvent:
    """Say what a response amounts to.

    Args:
        lookup: the question that was asked.
        message: the response to it, from `read_response`.
        security: what is known of all that stands in the response: one status for every step.
        source: where the response comes from.

    Returns:
        An answer with the records asked for and the aliases that lead to them, or with a denial; otherwise why there is
        none. Only the answer section counts, and of the authority section the SOA record of a denial.
    """
    if message.flags & dns.flags.TC:
        return LookupFailed(lookup, Failure.MALFORMED, "the response is truncated, or has more records than are read")
    rcode = message.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return _failed(lookup, message, rcode)
    return _Reading(lookup, message, security, source).event()


class _Reading:
    """One response while it is being read."""

    def __init__(self, lookup: Lookup, message: dns.message.Message, security: Security, source: Source) -> None:
        self._lookup = lookup
        self._message = message
        self._security = security
        self._source = source
        self._rows = _rows(message.answer)
        self._aliases: list[Alias] = []
        self._ttl: float = math.inf

    def event(self) -> LookupEvent:
        name = question_name(self._lookup)
        assert name is not None  # it was asked
        rdtype = rdatatype(self._lookup.rrtype)
        found = self._rows.get((name, rdtype), [])
        try:
            while rdtype is not dns.rdatatype.CNAME and (step := self._alias(name)):
                if found:
                    return self._malformed("other records beside an alias")
                if len(self._aliases) == MAX_ALIASES:
                    return LookupFailed(self._lookup, Failure.LIMIT, f"more than {MAX_ALIASES} aliases")
                ttl, target = step
                self._aliases.append(Alias(presentation(name), presentation(target), self._security, ttl))
                if came_back(self._aliases):
                    return LookupFailed(self._lookup, Failure.LOOP, f"the aliases come back to {presentation(target)}")
                self._ttl = min(self._ttl, ttl)
                name = target
                found = self._rows.get((name, rdtype), [])
        except ValueError as error:
            return self._malformed(str(error))
        return self._found(name, found) if found else self._denied(name)

    def _alias(self, name: dns.name.Name) -> tuple[int, dns.name.Name] | None:
        """Return the TTL and the target of the alias at a name.

        Raises:
            ValueError: there are several, or what a DNAME makes of the name is too long.
        """
        cnames = self._rows.get((name, dns.rdatatype.CNAME), [])
        targets = {rdata.target for _, rdata in cnames if isinstance(rdata, CNAME)}
        if len(targets) > 1:
            raise ValueError("several aliases at one name")
        if targets:
            return min(ttl for ttl, _ in cnames), targets.pop()
        # A server adds the CNAME that it makes from a DNAME (RFC 6672 section 3.1). If it did not, we make it.
        for depth in range(1, len(name)):
            owner = name.split(depth)[1]
            for ttl, rdata in self._rows.get((owner, dns.rdatatype.DNAME), []):
                if owner != name and isinstance(rdata, DNAME):
                    target = substituted(name, owner, rdata.target)
                    if target is None:
                        raise ValueError("a DNAME makes a name that is too long")
                    return ttl, target
        return None

    def _found(self, name: dns.name.Name, found: Records) -> LookupEvent:
        if self._message.rcode() == dns.rcode.NXDOMAIN:
            return self._malformed("records of a name that does not exist")
        owner = presentation(name)
        # "It is meaningless for two records to ever have label, class, type and data all equal" (RFC 2181 section 5).
        different = dict.fromkeys([rdata for _, rdata in found])
        records = [made for rdata in different if (made := record(owner, rdata)) is not None]
        if len(records) != len(different):
            return self._malformed("records of another kind than their type says")
        ttl = min(self._ttl, *(ttl for ttl, _ in found))
        return self._answered(owner, tuple(records), None, ttl)

    def _denied(self, name: dns.name.Name) -> LookupEvent:
        nxdomain = self._message.rcode() == dns.rcode.NXDOMAIN
        ttls = [ttl for owner, ttl in _denial_ttls(self._message.authority) if name.is_subdomain(owner)]
        if not ttls and not nxdomain and _holds_ns(self._message.authority):
            return self._malformed("a referral instead of an answer")
        # Without an SOA record a denial holds for this moment only (RFC 2308 section 5).
        ttl = min([self._ttl, *ttls]) if ttls else 0
        return self._answered(presentation(name), (), Denial.NXDOMAIN if nxdomain else Denial.NODATA, ttl)

    def _answered(self, owner: str, records: tuple[Record, ...], denial: Denial | None, ttl: float) -> Answered:
        answer = Answer(self._lookup, tuple(self._aliases), owner, records, denial, self._security, ttl, self._source)
        return Answered(self._lookup, answer)

    def _malformed(self, detail: str) -> LookupFailed:
        return LookupFailed(self._lookup, Failure.MALFORMED, detail)


def _rows(section: list[dns.rrset.RRset]) -> dict[tuple[dns.name.Name, dns.rdatatype.RdataType], Records]:
    rows: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], Records] = {}
    for rrset in section:
        if rrset.rdclass == dns.rdataclass.IN:
            row = rows.setdefault((rrset.name, rrset.rdtype), [])
            row.extend(rows_of(rrset))
    return rows


def _denial_ttls(section: list[dns.rrset.RRset]) -> Iterator[tuple[dns.name.Name, int]]:
    for rrset in section:
        for ttl, rdata in rows_of(rrset):
            if isinstance(rdata, SOA):
                yield rrset.name, denial_ttl(ttl, rdata)


def _holds_ns(section: list[dns.rrset.RRset]) -> bool:
    return any(rrset.rdtype == dns.rdatatype.NS for rrset in section)


def _failed(lookup: Lookup, message: dns.message.Message, rcode: dns.rcode.Rcode) -> LookupFailed:
    errors = message.extended_errors()
    detail = ", ".join([dns.rcode.to_text(rcode), *(error.to_text() for error in errors)])[:_DETAIL]
    if rcode == dns.rcode.SERVFAIL:
        bogus = any(error.code in _BOGUS for error in errors)
        return LookupFailed(lookup, Failure.BOGUS if bogus else Failure.SERVFAIL, detail)
    if rcode == dns.rcode.REFUSED:
        return LookupFailed(lookup, Failure.REFUSED, detail)
    return LookupFailed(lookup, Failure.MALFORMED, detail)


def _text(octets: bytes) -> str:
    """Decode the octets of a character string (RFC 1035 section 3.3) so that it cannot look like other ASCII text."""
    return octets.decode("ascii", "backslashreplace")
