"""One zone in master-file syntax, and how an authoritative server finds what it holds (RFC 1034 section 4.3.2)."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

import dns.exception
import dns.name
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.tokenizer
import dns.transaction
import dns.zone
import dns.zonefile
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.DNAME import DNAME
from dns.rdtypes.ANY.SOA import SOA

from siptls.dns import Denial

from .errors import InvalidZone
from .message import Records, denial_ttl, presentation, rows_of, substituted
from .wire import unchecked_zone

_TTL = 3_600
_ALONE = (dns.rdatatype.CNAME, dns.rdatatype.DNAME, dns.rdatatype.SOA)
"""Types of which a name has one record at the most."""


Node: TypeAlias = dict[dns.rdatatype.RdataType, Records]
"""The records of one name, by type."""


class Redirection:
    """The name is an alias, or stands below a DNAME.

    Args:
        owner: the owner of the CNAME or DNAME record.
        target: the name to go on with.
        ttl: the record's time to live, in seconds.
    """

    __slots__ = ("owner", "target", "ttl")

    def __init__(self, owner: dns.name.Name, target: dns.name.Name, ttl: int) -> None:
        self.owner: Final = owner
        self.target: Final = target
        self.ttl: Final = ttl


class Delegation:
    """The name is at or below a zone cut: other servers hold it.

    Args:
        cut: the name at which the zone ends.
    """

    __slots__ = ("cut",)

    def __init__(self, cut: dns.name.Name) -> None:
        self.cut: Final = cut


class Undefined:
    """No good answer is defined.

    Args:
        problem: why.
    """

    __slots__ = ("problem",)

    def __init__(self, problem: str) -> None:
        self.problem: Final = problem


class Zone:
    """The records of a zone.

    Args:
        origin: the zone's name.
        nodes: the records by name and type.
    """

    def __init__(self, origin: dns.name.Name, nodes: dict[dns.name.Name, Node]) -> None:
        self.origin: Final = origin
        self._nodes: Final = nodes
        # A name exists when records stand at it or below it (RFC 4592 section 2.2.2).
        self._existing: Final = {origin, *(above for name in nodes for above in _ancestors(name, len(origin)))}
        soas = nodes.get(origin, {}).get(dns.rdatatype.SOA, ())
        self.denial_ttl: Final = min([denial_ttl(ttl, soa) for ttl, soa in soas if isinstance(soa, SOA)], default=0)

    @classmethod
    def read(cls, origin: dns.name.Name, text: str, file: str) -> Zone:
        """Read a zone in master-file syntax (RFC 1035 section 5.1).

        Args:
            origin: the zone's name.
            text: the text of the master file; of the directives only ``$TTL`` and ``$ORIGIN`` are allowed.
            file: what an error message calls the text.

        Returns:
            The zone.

        Raises:
            InvalidZone: the text breaks the syntax, or a name has an alias beside other records.
        """
        zone = read_records(origin, text, file, _check_alone)
        nodes: dict[dns.name.Name, Node] = {}
        for name, rdataset in zone.iterate_rdatasets():
            nodes.setdefault(name, {})[rdataset.rdtype] = rows_of(rdataset)
        return cls(origin, nodes)

    def find(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Records | Denial | Redirection | Delegation | Undefined:
        """Find what the zone says of a name.

        Args:
            name: a name at or below the origin.
            rdtype: the type that is asked for, as `rdatatype` gives it.

        Returns:
            The records, or what there is instead of them.
        """
        if diverted := self._diverted(name):
            return diverted
        node = self._nodes.get(name)
        if node is None:
            if name in self._existing:
                return Denial.NODATA
            node = self._nodes.get(self._source_of_synthesis(name))
            if node is None:
                return Denial.NXDOMAIN
            if dns.rdatatype.DNAME in node or dns.rdatatype.NS in node:
                return Undefined(f"a DNAME or NS record at the wildcard for {presentation(name)} (RFC 4592 section 4)")
        if rdtype in node:
            return node[rdtype]
        for ttl, cname in node.get(dns.rdatatype.CNAME, ()):
            if isinstance(cname, CNAME):
                return Redirection(name, cname.target, ttl)
        return Denial.NODATA

    def _diverted(self, name: dns.name.Name) -> Redirection | Delegation | Undefined | None:
        """Return what a DNAME above the name, or a zone cut at or above it, makes of it; the highest one counts."""
        for above in reversed(_ancestors(name, len(self.origin))):
            node = self._nodes.get(above, {})
            if above != self.origin and dns.rdatatype.NS in node:
                return Delegation(above)
            for ttl, dname in node.get(dns.rdatatype.DNAME, ()):
                if above != name and isinstance(dname, DNAME):
                    target = substituted(name, above, dname.target)
                    if target is None:
                        return Undefined(f"the DNAME of {presentation(above)} makes too long a name")
                    return Redirection(above, target, ttl)
        return None

    def _source_of_synthesis(self, name: dns.name.Name) -> dns.name.Name:
        """Return the only wildcard that may answer for a name: the one below its closest encloser (RFC 4592 3.3.1)."""
        encloser = next(above for above in _ancestors(name, len(self.origin)) if above in self._existing)
        return dns.name.Name((b"*", *encloser.labels))


def read_records(
    origin: dns.name.Name, text: str, file: str, check: dns.transaction.CheckPutRdatasetType
) -> dns.zone.Zone:
    """Read records in master-file syntax (RFC 1035 section 5.1).

    Args:
        origin: what names without a trailing dot are relative to; records outside of it are ignored.
        text: the text of the master file; of the directives only ``$TTL`` and ``$ORIGIN`` are allowed.
        file: what an error message calls the text.
        check: sees each record before it is taken, and raises `ValueError` if it must not be.

    Returns:
        The records.

    Raises:
        InvalidZone: the text breaks the syntax, or ``check`` refuses a record.
    """
    zone = dns.zone.Zone(origin, relativize=False)
    tokens = _Tokens(unchecked_zone(text), file, idna_codec=dns.name.IDNA_2008_Strict)
    try:
        with zone.writer(True) as transaction:
            # $GENERATE could make records without end out of one line.
            reader = dns.zonefile.Reader(tokens, dns.rdataclass.IN, transaction, allow_directives=("$TTL", "$ORIGIN"))
            # As if the line before the first had stated it; $TTL and stated TTLs go before.
            reader.last_ttl, reader.last_ttl_known = _TTL, True
            transaction.check_put_rdataset(check)
            reader.read()
    except (dns.exception.DNSException, ValueError) as error:
        problem = str(error).removeprefix(f"{file}:{tokens.where()[1]}: ")
        line = tokens.began
        raise InvalidZone(file, line, f"{problem} in {_line(text, line)!r}") from error
    return zone


def read_text(file: str | os.PathLike[str]) -> str:
    """Read a file that holds text in UTF-8.

    Raises:
        InvalidZone: it cannot be read.
    """
    try:
        return Path(file).read_text("utf-8")
    except OSError as error:
        raise InvalidZone(os.fspath(file), None, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        octets: bytes = error.object
        raise InvalidZone(os.fspath(file), octets.count(b"\n", 0, error.start) + 1, "not UTF-8") from error


class _Tokens(dns.tokenizer.Tokenizer):
    """Tells the line on which an entry began: the line on which dnspython notices an error is often a later one."""

    began = 1

    def get(self, want_leading: bool = False, want_comment: bool = False) -> dns.tokenizer.Token:
        if want_leading and self.ungotten_token is None:
            self.began = self.line_number
        return super().get(want_leading, want_comment)


def _line(text: str, number: int) -> str:
    """Return a line, shortened, for an error message."""
    return next(islice(text.split("\n"), number - 1, None), "").strip()[:80]


def _ancestors(name: dns.name.Name, least: int) -> list[dns.name.Name]:
    """Return a name and those above it, down to ``least`` labels."""
    return [name.split(depth)[1] for depth in range(len(name), least - 1, -1)]


def _check_alone(
    transaction: dns.transaction.Transaction, name: dns.name.Name, rdataset: dns.rdataset.Rdataset
) -> None:
    """Refuse a second record where there may be one only; dnspython would replace the first."""
    if rdataset.rdtype in _ALONE:
        before = transaction.get(name, rdataset.rdtype)
        if before is not None and before != rdataset:
            kind = dns.rdatatype.to_text(rdataset.rdtype)
            raise ValueError(f"a second {kind} record at {presentation(name)}")
