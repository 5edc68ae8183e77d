"""The alias table beside a naive model of it: both are told the same, and have to say the same.

The model keeps one list and goes through all of it for every answer. It has no queue and no index, so it cannot forget
what they could.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Literal

from siptls import AliasTable, Endpoint, Identity, Outcome, Presentation, Refusal, Row, Verdict, Via
from siptls.identity import Origin
from siptls.verdict import Method, RawKey, Role

Code = str
Place = tuple[str, str, int, str]
"""Local domain, address, port, transport."""
View = tuple[str, int, str, str, object, str, tuple[str, ...], tuple[tuple[str, float], ...], str]

ROWS, PER_CONNECTION, PER_IDENTITY = 6, 2, 3
"""So few that every limit is reached all the time."""


@dataclass(frozen=True)
class Peer:
    """Somebody with a certificate, or with a key alone, and what a verdict says of it."""

    name: str
    domains: tuple[str, ...]
    method: Method = "pkix"
    origins: tuple[Origin, ...] = ("uri",)
    raw: bool = False

    @property
    def der(self) -> bytes:
        return f"the certificate of {self.name}".encode()

    @property
    def presentation(self) -> Presentation:
        return Presentation((), self.der) if self.raw else Presentation((self.der, b"an issuer"))

    @property
    def digests(self) -> tuple[bytes | None, bytes | None]:
        """That of the certificate, and that of the raw key."""
        digest = hashlib.sha256(self.der).digest()
        return (None, digest) if self.raw else (digest, None)

    @property
    def identities(self) -> tuple[Identity, ...]:
        return tuple([Identity(domain, origin) for domain in self.domains for origin in self.origins])


def judged(
    peer: Peer,
    role: Role,
    *,
    domain: str = "",
    endpoint: Endpoint | None = None,
    expires: float = math.inf,
    outcome: Outcome = Outcome.ACCEPTED,
    reused: object | None = None,
    method: Method | None = None,
    identities: Iterable[Identity] | None = None,
) -> Verdict:
    """What a machine says of a peer, without a machine."""
    return Verdict(
        outcome,
        method or peer.method,
        "id.match" if outcome is Outcome.ACCEPTED else "id.mismatch",
        domain,
        None,
        endpoint,
        role,
        RawKey(peer.der) if peer.raw else peer.der,
        None,
        peer.identities if identities is None else tuple(identities),
        expires,
        (),
        0.0,
        0.0,
        reused=reused,
    )


@dataclass
class Line:
    """A row of the model."""

    place: Place
    connection: object
    role: Role
    peer: Peer
    owner: tuple[str, str, frozenset[str]]
    candidates: tuple[str, ...]
    proven: dict[str, float]
    expires: float
    born: int
    used: int
    told: bool = False  # that it is stale

    def state(self, now: float) -> Literal["live", "stale"]:
        return "live" if now < self.expires else "stale"


@dataclass
class Known:
    """What the model knows of a connection until it is closed."""

    local_domain: str
    role: Role
    peer: Peer
    owner: tuple[str, str, frozenset[str]]
    place: Place


@dataclass
class Model:
    """What the table does, said as plainly as possible."""

    lines: list[Line] = field(default_factory=list[Line])
    closing: dict[object, list[Line]] = field(default_factory=dict[object, "list[Line]"])
    known: dict[object, Known] = field(default_factory=dict[object, Known])
    clock: int = 0

    def add(
        self, verdict: Verdict, connection: object, peer: Peer, place: Place | None, fault: Code, now: float
    ) -> Code | Line:
        """Add a row; ``fault`` is what is wrong with the Via, the source or the endpoint, if anything."""
        if fault == "reuse.no-alias":
            return fault
        if not verdict.accepted:
            return "reuse.not-authenticated"
        if verdict.reused is not None:
            return "reuse.not-new"
        if verdict.expires <= now:
            return "reuse.expired"
        if (verdict.leaf, verdict.raw_key) != peer.digests:
            return "reuse.other-certificate"
        if place is None:
            return fault
        ours = verdict.role == "client"
        proven = [verdict.domain] if ours else [i.domain for i in verdict.identities if i.origin == "server-records"]
        named = [i.domain for i in verdict.identities if i.origin in ("uri", "dns") and verdict.method.startswith("pk")]
        if not proven and not named:
            return "reuse.no-identities"
        known = self.known.get(connection)
        if connection in self.closing:
            return "reuse.closing"
        if known is not None and known.local_domain != place[0]:
            return "reuse.other-local-domain"
        if known is not None and (known.peer != peer or known.role != verdict.role):
            return "reuse.other-certificate"
        if known is not None and ours and known.place != place:
            return "reuse.one-place"
        if known is not None and ours and not known.owner[2].issuperset(proven):
            return "reuse.not-reused"
        proofs = dict.fromkeys(proven, verdict.expires)
        self.clock += 1
        for line in self.lines:
            if line.connection == connection and line.place == place:
                line.proven = {**{d: until for d, until in line.proven.items() if now < until}, **proofs}
                line.candidates = tuple(named)
                line.expires = max([verdict.expires, *line.proven.values()])
                line.used, line.told = self.clock, False
                return line
        owner = known.owner if known else (place[0], verdict.role, frozenset(proven if ours else [*proven, *named]))
        if sum(line.connection == connection for line in self.lines) >= PER_CONNECTION:
            return "reuse.connection-full"
        own = sorted([line for line in self.lines if line.owner == owner], key=lambda line: line.used)
        if len(own) >= PER_IDENTITY or sum(line.role == verdict.role for line in self.lines) >= ROWS:
            if not own:
                return "reuse.table-full"
            self.lines.remove(own[0])
        self.known.setdefault(connection, Known(place[0], verdict.role, peer, owner, place))
        line = Line(
            place,
            connection,
            verdict.role,
            peer,
            owner,
            tuple(named),
            proofs,
            verdict.expires,
            self.clock,
            self.clock,
        )
        self.lines.append(line)
        return line

    def grant(self, connection: object, verdict: Verdict, place: Place | None, now: float) -> Code | Line:
        if not verdict.accepted:
            return "reuse.not-authenticated"
        if verdict.reused is None or verdict.reused != connection or place is None:
            return "reuse.not-reused"
        if verdict.expires <= now:
            return "reuse.expired"
        if connection in self.closing:
            return "reuse.closing"
        for line in self.lines:
            if line.connection == connection and line.place[1:] == place[1:]:
                if (verdict.leaf, verdict.raw_key) != line.peer.digests:
                    return "reuse.other-certificate"
                named = {i.domain for i in verdict.identities if i.origin != "delegation"}
                if verdict.method == "pkix" and verdict.domain not in named:
                    return "reuse.no-tlsa"
                line.proven[verdict.domain] = verdict.expires
                line.expires = max(line.expires, verdict.expires)
                line.told = False
                return line
        return "reuse.no-row"

    def close(self, connection: object) -> list[Line]:
        gone = self.closing.pop(connection, []) + [line for line in self.lines if line.connection == connection]
        self.lines = [line for line in self.lines if line.connection != connection]
        self.known.pop(connection, None)
        return gone

    def close_soon(self, connection: object) -> list[Line]:
        closing = self.closing.setdefault(connection, [])
        closing += [line for line in self.lines if line.connection == connection]
        self.lines = [line for line in self.lines if line.connection != connection]
        return closing

    def expire(self, now: float) -> list[Line]:
        over = [line for line in self.lines if line.state(now) == "stale" and not line.told]
        for line in over:
            line.told = True
        return over

    def at(self, place: Place, now: float) -> list[Line]:
        here = [line for line in self.lines if line.place == place]
        return sorted(here, key=lambda line: (line.state(now) == "stale", line.born))


def view(row: Row, now: float) -> View:
    """What there is to be seen of a row of the table."""
    row = row.at(now)
    proven = tuple(sorted(row.proven.items()))
    named = tuple([identity.domain for identity in row.identities])
    where = (str(ip_address(row.address)), row.port, row.transport, row.local_domain)
    return (*where, row.connection, row.role, named, proven, row.state)


def model_view(line: Line, now: float, *, closing: bool = False) -> View:
    """What there is to be seen of a row of the model."""
    proven = tuple(sorted([(domain, until) for domain, until in line.proven.items() if now < until]))
    local_domain, address, port, transport = line.place
    state = "closing" if closing else line.state(now)
    return (address, port, transport, local_domain, line.connection, line.role, line.candidates, proven, state)


LOCAL_DOMAINS: Final = ("", "atlanta.example", "biloxi.example")
WRITTEN: Final = (
    ("192.0.2.1", "192.0.2.1"),
    ("::ffff:192.0.2.1", "192.0.2.1"),
    ("192.0.2.2", "192.0.2.2"),
    ("2001:db8::1", "2001:db8::1"),
    ("2001:DB8:0::1", "2001:db8::1"),
)
"""Addresses as they are told, and what they are."""
PEERS: Final = (
    Peer("alice", ("a.example",)),
    Peer("another of alice's", ("a.example",)),
    Peer("bob", ("b.example",), "pkix-ee", ("dns",)),
    Peer("a hoster", ("a.example", "b.example"), "pkix-ta"),
    Peer("carol", ("c.example",), "dane-ee", ("server-records",)),
    Peer("carol's host", ("c.example",), "dane-ta", ("dns",)),
    Peer("dave", ("d.example",), "pkix", ("cn",)),
    Peer("eve", ("e.example",), "pkix-ta", ("uri", "server-records")),
    Peer("frank", ("a.example",), "dane-ee", ("server-records",), raw=True),
    Peer("another of frank's", ("a.example",), "dane-ee", ("server-records",), raw=True),
)
DOMAINS: Final = ("a.example", "b.example", "c.example")
VIAS: Final = (
    ("SIP/2.0/TLS p.example;branch=z9hG4bK1;alias", 5061, "tls", ""),
    ("SIP/2.0/TLS p.example:5071;branch=z9hG4bK1;alias", 5071, "tls", ""),
    ("SIP/2.0/TLS-SCTP 198.51.100.9;branch=z9hG4bK1;alias;received=198.51.100.9", 5061, "tls-sctp", ""),
    ("SIP/2.0/TLS p.example;branch=z9hG4bK1", 0, "", "reuse.no-alias"),
    ("SIP/2.0/TCP p.example;branch=z9hG4bK1;alias", 0, "", "reuse.not-tls"),
    ("SIP/2.0/WSS p.invalid;branch=z9hG4bK1;alias", 0, "", "reuse.not-tls"),
)
"""Topmost Vias, the port and the transport of the row that they ask for, and what keeps them from it."""
ENDPOINTS: Final = ((5061, "tls"), (5071, "tls"), (5061, "tls-sctp"))


@dataclass
class Both:
    """The table and the model."""

    table: AliasTable = field(
        default_factory=lambda: AliasTable(
            rows=ROWS, rows_per_connection=PER_CONNECTION, rows_per_identity=PER_IDENTITY
        )
    )
    model: Model = field(default_factory=Model)
    now: float = 0.0
    seen: Counter[str] = field(default_factory=Counter[str])

    def opened(
        self, peer: Peer, connection: int, domain: str, written: tuple[str, str], port: tuple[int, str], local: str,
        seconds: float, outcome: Outcome = Outcome.ACCEPTED, reused: bool = False, shown: Peer | None = None,
    ) -> None:  # fmt: skip
        """We opened a connection."""
        endpoint = Endpoint("host.example", written[0], *port)
        until = self.now + seconds
        verdict = judged(
            peer,
            "client",
            domain=domain,
            endpoint=endpoint,
            expires=until,
            outcome=outcome,
            reused=connection if reused else None,
        )
        shown = shown or peer
        answer = self.table.add(verdict, connection, shown.presentation, local_domain=local, now=self.now)
        place = (local, written[1], *port)
        self._agree(answer, self.model.add(verdict, connection, shown, place, "", self.now))

    def accepted(
        self, peer: Peer, connection: int, source: str | None, via: int | None, local: str, seconds: float,
        outcome: Outcome = Outcome.ACCEPTED,
    ) -> None:  # fmt: skip
        """A client opened a connection, and sent a request."""
        verdict = judged(peer, "server", expires=self.now + seconds, outcome=outcome)
        text, port, transport, fault = ("", 0, "", "reuse.no-alias") if via is None else VIAS[via]
        top = Via.parse(text) if text else None
        answer = self.table.add(
            verdict, connection, peer.presentation, local_domain=local.upper(), now=self.now, source=source, via=top
        )
        address = dict(WRITTEN).get(source or "")
        place = None if fault or address is None else (local, address, port, transport)
        expected = self.model.add(verdict, connection, peer, place, fault or "reuse.no-address", self.now)
        self._agree(answer, expected)

    def granted(
        self, peer: Peer, connection: int, domain: str, written: tuple[str, str], port: tuple[int, str],
        seconds: float, method: Method, outcome: Outcome = Outcome.ACCEPTED, reused: bool = True, named: int = -1,
    ) -> None:  # fmt: skip
        """A connection was judged for a further domain."""
        origin: Origin = "delegation" if method == "pkix" and domain == "c.example" else "dns"
        verdict = judged(
            peer,
            "client",
            domain=domain,
            endpoint=Endpoint("other.example", written[0], *port),
            expires=self.now + seconds,
            outcome=outcome,
            reused=(connection if named < 0 else named) if reused else None,
            method=method,
            identities=[Identity(domain, origin)],
        )
        answer = self.table.grant(connection, verdict, now=self.now)
        place = ("", written[1], *port)
        self._agree(answer, self.model.grant(connection, verdict, place, self.now))

    def closed(self, connection: int) -> None:
        closing = connection in self.model.closing
        rows, lines = self.table.close(connection), self.model.close(connection)
        assert self._views(rows) == sorted([model_view(line, self.now, closing=closing) for line in lines], key=repr)
        self.seen["closed"] += len(rows)

    def closing(self, connection: int) -> None:
        rows, lines = self.table.closing(connection), self.model.close_soon(connection)
        assert self._views(rows) == sorted([model_view(line, self.now, closing=True) for line in lines], key=repr)
        self.seen["closing"] += len(rows)

    def passes(self, seconds: float) -> None:
        self.now += seconds

    def expired(self) -> None:
        rows, lines = self.table.expire(self.now), self.model.expire(self.now)
        assert self._views(rows) == sorted([model_view(line, self.now) for line in lines], key=repr)
        self.seen["stale"] += len(rows)

    def looked_up(self, written: tuple[str, str], port: tuple[int, str], local: str) -> None:
        """A request is to go somewhere."""
        endpoint = Endpoint("any.example", written[0], *port)
        rows = self.table.candidates(endpoint, local_domain=local.upper(), now=self.now)
        lines = self.model.at((local, written[1], *port), self.now)
        assert [view(row, self.now) for row in rows] == [model_view(line, self.now) for line in lines]
        assert [row.state for row in rows] == [line.state(self.now) for line in lines]
        self.seen["found"] += len(rows)

    def agree_on_all(self) -> None:
        """Hold everything against everything."""
        assert len(self.table) == len(self.model.lines)
        for local in LOCAL_DOMAINS:
            for written in WRITTEN:
                for port in ENDPOINTS:
                    self.looked_up(written, port, local)
        for connection in {*self.model.known, *self.model.closing}:
            closing = connection in self.model.closing
            lines = [line for line in self.model.lines if line.connection == connection]
            lines += self.model.closing.get(connection, [])
            views = sorted([model_view(line, self.now, closing=closing) for line in lines], key=repr)
            assert self._views(self.table.of(connection)) == views

    def _views(self, rows: Iterable[Row]) -> list[View]:
        return sorted([view(row, self.now) for row in rows], key=repr)

    def _agree(self, answer: Row | Refusal, expected: Code | Line) -> None:
        if isinstance(answer, Refusal):
            assert answer.code == expected, f"{answer} instead of {expected}"
            self.seen[answer.code] += 1
        else:
            assert isinstance(expected, Line), f"{answer} instead of {expected}"
            assert view(answer, self.now) == model_view(expected, self.now)
            self.seen["rows"] += 1
