"""Which open connection may carry requests to which domain (RFC 5923).

A row says: this connection leads to that address, and its peer presented these certificates. It permits nothing by
itself. Before a connection carries a request to a domain, the certificates in its row are judged for that domain as
those of a new connection would be; `Outbound` does so when it is given the table. So a request goes over an old
connection only where a new one would have delivered it (RFC 5923 section 5), and no certificate that names two domains
gets one of them past the other's DNSSEC.

What the peer says decides nothing about whose row it is: identities come from verdicts, addresses from where the
connection comes from or went to, and the rows of one identity never give way to those of another.
"""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict
from typing import Final, TypeAlias

from .alias_offer import (
    DOMAINS,
    Offer,
    Place,
    by_delegation_alone,
    key_of,
    not_authenticated,
    offered,
    other_certificate,
    over,
    place_of,
    refreshed,
)
from .alias_row import Presentation, Refusal, Row, renewed
from .errors import InvalidPolicy, LocalProtocolError
from .events import Endpoint, Presented
from .names import fold
from .verdict import Role, Verdict
from .via import Via

# Whose rows give way to each other: the local domain, our role, the domains that the peer was.
_Owner: TypeAlias = tuple[str, str, frozenset[str]]


class _Peer:
    """One connection, and who is at its other end."""

    __slots__ = ("closing", "key", "local_domain", "owner", "place", "role", "rows")

    def __init__(self, local_domain: str, role: Role, key: bytes, owner: _Owner, place: Place | None = None) -> None:
        self.local_domain: Final = local_domain
        self.role: Final[Role] = role
        self.key: Final = key
        self.owner: Final = owner
        self.place: Final = place  # of its first row
        self.rows: dict[Place, Row] = {}
        self.closing: bool = False


class AliasTable:
    """Remembers which open connections lead where, and who was proven to be at their other ends.

    The table opens and closes nothing, and knows no clock: every time is given. An operation costs what the rows of
    one connection or of one endpoint are, and the logarithm of all rows; none looks at the whole table.
    Threads that change the table take turns, by a lock of the caller's. `candidates`, `of` and ``len`` may be asked at
    any time; so `Outbound` needs no lock, which reads the table whenever it comes to an endpoint.

    Args:
        rows: how many rows there are at the most of connections that we opened, and again of those that were opened to
            us, so that clients which connect take no room from our own connections.
        rows_per_connection: how many rows a connection has at the most.
        rows_per_identity: how many rows, of one local domain, those connections have at the most whose peers proved to
            be the same domains. The next one takes the place of the one of them that was not added for longest.

    Raises:
        InvalidPolicy: a number is not positive.

    Source: RFC 5923.
    """

    __slots__ = ("_at", "_due", "_owned", "_peers", "_per_connection", "_per_identity", "_rows", "_serial", "_taken")

    def __init__(self, *, rows: int = 10_000, rows_per_connection: int = 4, rows_per_identity: int = 256) -> None:
        for option, value in (
            ("rows", rows),
            ("rows_per_connection", rows_per_connection),
            ("rows_per_identity", rows_per_identity),
        ):
            if value < 1:
                raise InvalidPolicy(option, value, "a positive number")
        self._rows: Final = rows
        self._per_connection: Final = rows_per_connection
        self._per_identity: Final = rows_per_identity
        self._at: dict[Place, dict[object, Row]] = {}
        self._peers: dict[object, _Peer] = {}
        self._owned: dict[_Owner, OrderedDict[tuple[Place, object], None]] = {}
        self._taken: dict[str, int] = {"client": 0, "server": 0}
        # When a row is to be looked at again; it may be gone, or be another one, by then.
        self._due: list[tuple[float, int, Place, object]] = []
        self._serial: int = 0

    # Who asks for a row.

    def add(
        self,
        verdict: Verdict,
        connection: object,
        presented: Presented | Presentation,
        *,
        local_domain: str,
        now: float,
        source: str | None = None,
        via: Via | None = None,
    ) -> Row | Refusal:
        """Remember a connection under the address that it leads to.

        A connection that we opened leads to the endpoint of its verdict, and needs no alias to be used again (RFC 5923
        section 3). One that was opened to us leads back only if the client offers it by the alias parameter of the
        topmost Via, and is authenticated; then to the address that the request came from and the port of sent-by,
        5061 without one (section 8.2). To add it again is to refresh the row; a row never changes its peer.

        Args:
            verdict: what came of judging the peer of this very connection.
            connection: the caller's own handle of the connection: hashable, not None, and used for no other one before
                `close`.
            presented: what the peer presented.
            local_domain: the domain of ours on behalf of which the connection is used. Rows of one local domain are
                not found for another (section 9.3).
            now: the monotonic clock, in seconds, as the verdict's.
            source: for a connection that was opened to us, the IP address that the request came from.
            via: for a connection that was opened to us, the topmost Via of the request; None if that has none.

        Returns:
            The row, or why there is none. Then nothing has changed, and the request goes on as if without alias.

        Raises:
            LocalProtocolError: ``connection`` is None.

        Source: RFC 5923 sections 5, 8.1, 8.2 and 9.
        """
        if connection is None:
            raise LocalProtocolError("None is the handle of no connection")
        # Only these two attributes are kept: a Presented would keep its action, and whatever hangs on that.
        presentation = Presentation(presented.chain, presented.public_key)
        offer = offered(verdict, presentation, fold(local_domain), now, source, via)
        if isinstance(offer, Refusal):
            return offer
        known = self._peers.get(connection)
        if known is not None:
            refusal = _unlike(known, offer)
            if refusal is not None:
                return refusal
            row = known.rows.get(offer.place)
            if row is not None:
                return self._refresh(known, row.at(now), offer)
        return self._insert(known, connection, offer)

    def grant(self, connection: object, verdict: Verdict, *, now: float) -> Row | Refusal:
        """Remember that a connection was proven for a further domain, or once more for one that it has.

        Args:
            connection: the handle of the connection.
            verdict: what came of judging, for that domain, what stands in the row of this connection; of `Outbound`
                with a table. Its ``reused`` is this connection.
            now: the monotonic clock, in seconds, as the verdict's.

        Returns:
            The row, in which the domain is proven as long as the verdict holds; or why nothing has changed. The
            verdict itself stands in any case, and what it accepts may be sent.

        Source: RFC 5923 sections 5 and 8.1, RFC 7671 section 7.
        """
        if not verdict.accepted:
            return not_authenticated(verdict)
        endpoint = verdict.endpoint
        if verdict.reused is None or verdict.reused != connection or endpoint is None:
            return Refusal("reuse.not-reused", "a verdict on what stands in the row", repr(verdict))
        if verdict.expires <= now:
            return over(verdict, now)
        peer = self._peers.get(connection)
        if peer is not None and peer.closing:
            return Refusal("reuse.closing")
        place = None if peer is None else place_of(peer.local_domain, endpoint)
        if peer is None or place is None or place not in peer.rows:
            return Refusal("reuse.no-row", f"{endpoint.address} {endpoint.port} {endpoint.transport.upper()}")
        row = peer.rows[place].at(now)
        if key_of(verdict) != peer.key:
            return other_certificate(peer.key, key_of(verdict))
        domain = fold(verdict.domain)
        if by_delegation_alone(verdict):
            return Refusal("reuse.no-tlsa", f"TLSA records, or {domain} in the certificate", verdict.code)
        if domain not in row.proven and len(row.proven) >= DOMAINS:
            return Refusal("reuse.domains-full", f"at most {DOMAINS}", domain)
        proven = {**row.proven, domain: verdict.expires}
        return self._put(peer, place, renewed(row, row.identities, proven, max(row.expires, verdict.expires), "live"))

    # Who asks for a connection.

    def candidates(self, endpoint: Endpoint, *, local_domain: str, now: float) -> tuple[Row, ...]:
        """Return the rows of the connections that lead to an endpoint. Each is still to be judged for a domain.

        Args:
            endpoint: where a request is to go, as the location of servers has it; its ``host`` does not matter.
            local_domain: the domain of ours on behalf of which it goes.
            now: the monotonic clock, in seconds.

        Returns:
            The rows of this local domain at this address, port and transport: the live ones, the oldest first, and then
            the stale ones. None is of a connection that is closing.

        Source: RFC 5923 sections 8.1, 8.2, 8.3 and 9.3.
        """
        if not self._at:
            return ()
        place = place_of(fold(local_domain), endpoint)
        rows = None if place is None else self._at.get(place)
        if rows is None:
            return ()
        found = [row.at(now) for row in [*rows.values()]]  # copied in one step, since another thread may add
        found.sort(key=_is_stale)
        return tuple(found)

    def of(self, connection: object) -> tuple[Row, ...]:
        """Return the rows of a connection as they were when they last changed, closing ones among them."""
        peer = self._peers.get(connection)
        return () if peer is None else (*peer.rows.values(),)  # copied in one step

    def __len__(self) -> int:
        return self._taken["client"] + self._taken["server"]

    # What ends.

    def close(self, connection: object) -> tuple[Row, ...]:
        """Forget a connection; its handle may name another one from now on.

        Args:
            connection: the handle of a connection that is closed, or never was added.

        Returns:
            The rows that it had.

        Source: RFC 5923 sections 8.1 and 8.2.
        """
        peer = self._peers.pop(connection, None)
        if peer is None:
            return ()
        rows = tuple(peer.rows.values())
        for place in [*peer.rows] if not peer.closing else ():
            self._hide(peer, place, connection)
        return rows

    def closing(self, connection: object) -> tuple[Row, ...]:
        """Find a connection no more, since a closure alert was received or is about to be sent; `close` follows.

        Args:
            connection: the handle of the connection. If it has no row yet, it will not get one.

        Returns:
            Its rows, which are ``closing`` now. Transactions that run on it may come to their ends.

        Source: RFC 5923 section 8.3.
        """
        peer = self._peers.get(connection)
        if peer is None:
            peer = self._peers[connection] = _Peer("", "client", b"", ("", "", frozenset()))
        if not peer.closing:
            for place, row in [*peer.rows.items()]:
                self._hide(peer, place, connection)
                peer.rows[place] = renewed(row, row.identities, row.proven, row.expires, "closing")
            peer.closing = True
        return tuple(peer.rows.values())

    def expire(self, now: float) -> tuple[Row, ...]:
        """Take away what is over: proofs of domains, and the life of rows none of whose evidence is left.

        `candidates` and `grant` do not wait for this; it only keeps the table small.

        Args:
            now: the monotonic clock, in seconds.

        Returns:
            The rows that are stale from now on, which are found until they are closed, and judged again.
        """
        stale: list[Row] = []
        while self._due and self._due[0][0] <= now:
            due, _, place, connection = heapq.heappop(self._due)
            row = self._at.get(place, {}).get(connection)
            if row is not None and row.state == "live" and row.changes == due:
                row = self._put(self._peers[connection], place, row.at(now))
                if row.state == "stale":
                    stale.append(row)
        return tuple(stale)

    # How rows are kept.

    def _refresh(self, peer: _Peer, row: Row, offer: Offer) -> Row:
        self._owned[peer.owner].move_to_end((offer.place, row.connection))
        proven = refreshed(row.proven, offer.proven)
        expires = max([offer.verdict.expires, *proven.values()])
        return self._put(peer, offer.place, renewed(row, offer.candidates, proven, expires, "live"))

    def _insert(self, peer: _Peer | None, connection: object, offer: Offer) -> Row | Refusal:
        place, verdict = offer.place, offer.verdict
        if peer is None:
            peer = _Peer(place[0], verdict.role, offer.key, _owner(offer), place)
        elif len(peer.rows) >= self._per_connection:
            return Refusal("reuse.connection-full", f"at most {self._per_connection}", f"port {place[2]}")
        if not self._make_room(peer.owner):
            return Refusal("reuse.table-full", f"at most {self._rows}", f"{offer.address} {place[2]}")
        self._peers[connection] = peer
        self._owned.setdefault(peer.owner, OrderedDict())[place, connection] = None
        self._taken[peer.role] += 1
        row = Row(
            offer.address,
            place[2],
            place[3],
            place[0],
            peer.role,
            connection,
            offer.presentation,
            offer.candidates,
            offer.proven,
            verdict.expires,
        )
        return self._put(peer, place, row)

    def _make_room(self, owner: _Owner) -> bool:
        """Say whether there is room for a row; if need be, it takes the place of another one of the same owner."""
        owned = self._owned.get(owner)
        if (0 if owned is None else len(owned)) < self._per_identity and self._taken[owner[1]] < self._rows:
            return True
        if owned is None:
            return False
        place, connection = next(iter(owned))
        peer = self._peers[connection]
        self._hide(peer, place, connection)
        # The peer stays known: even without rows its connection belongs to one local domain until it is closed.
        del peer.rows[place]
        return True

    def _put(self, peer: _Peer, place: Place, row: Row) -> Row:
        known = peer.rows.get(place)
        peer.rows[place] = row
        self._at.setdefault(place, {})[row.connection] = row
        # A row that is refreshed with every request stands in the queue once.
        if row.state == "live" and row.changes != math.inf and (known is None or known.changes != row.changes):
            if len(self._due) > 2 * len(self) + 64:
                self._forget_what_changed()
            self._serial += 1
            heapq.heappush(self._due, (row.changes, self._serial, place, row.connection))
        return row

    def _forget_what_changed(self) -> None:
        """Make the queue no longer than the table; this comes only after as many rows have been put there."""
        due: dict[tuple[Place, object], tuple[float, int, Place, object]] = {}
        for entry in self._due:
            row = self._at.get(entry[2], {}).get(entry[3])
            if row is not None and row.state == "live" and row.changes == entry[0]:
                due[entry[2], entry[3]] = entry
        self._due = [*due.values()]
        heapq.heapify(self._due)

    def _hide(self, peer: _Peer, place: Place, connection: object) -> None:
        """Let nobody find a row any more, and count it no more."""
        rows = self._at[place]
        del rows[connection]
        if not rows:
            del self._at[place]
        owned = self._owned[peer.owner]
        del owned[place, connection]
        if not owned:
            del self._owned[peer.owner]
        self._taken[peer.role] -= 1


def _is_stale(row: Row) -> bool:
    return row.state == "stale"


def _owner(offer: Offer) -> _Owner:
    domains = [*offer.proven, *[identity.domain for identity in offer.candidates]]
    # Whom we called is who has the rows of our own connections, whoever else stands in the certificate.
    mine = offer.proven if offer.verdict.role == "client" else domains
    return offer.place[0], offer.verdict.role, frozenset(mine)


def _unlike(peer: _Peer, offer: Offer) -> Refusal | None:
    """Say what keeps a known connection from a further row: whose it is, and for whom, never changes."""
    if peer.closing:
        return Refusal("reuse.closing")
    if offer.place[0] != peer.local_domain:
        return Refusal("reuse.other-local-domain", peer.local_domain or "none", offer.place[0] or "none")
    if offer.key != peer.key or offer.verdict.role != peer.role:
        return other_certificate(peer.key, offer.key)
    if peer.role == "client":
        if offer.place != peer.place:
            found = f"{offer.address} {offer.place[2]} {offer.place[3].upper()}"
            return Refusal("reuse.one-place", "where the connection was opened to", found)
        if not peer.owner[2].issuperset(offer.proven):
            return Refusal("reuse.not-reused", "a verdict on what stands in the row", repr(offer.verdict))
    return None
