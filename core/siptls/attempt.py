"""One attempt to reach a server, and what came of it."""

from __future__ import annotations

from typing import Final

from .alias_row import Row
from .decision import Decision
from .events import Connect, Endpoint
from .judgement import Judgement
from .reuse import AliasTable
from .target import Target
from .verdict import Method, Outcome, RawKey

_ROWS: Final = 8  # open connections to one endpoint that are judged before a new one is made


def rows_for(domain: str, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Choose the open connections that are judged for a domain, those whose peers are said to be it first.

    Args:
        domain: the SIP domain.
        rows: the open connections that lead to one of its servers.
    """
    named: list[Row] = []
    others: list[Row] = []
    for row in rows:  # thousands, where many peers are behind one address
        if row.identifies(domain):
            named.append(row)
            if len(named) == _ROWS:
                break
        elif len(others) < _ROWS:
            others.append(row)
    return tuple([*named, *others][:_ROWS])


class Attempt:
    """One connection that is being made or judged, or the reason why a target was not connected to.

    Args:
        target: the server, where it is known.
        connect: the connection that is made for this; None for one that is open already.
        endpoint: where an open connection leads.
        rows: the open connections that lead there, that which is judged first.
        table: where the rows come from.
    """

    __slots__ = (
        "closed",
        "code",
        "connect",
        "endpoint",
        "judgement",
        "key",
        "method",
        "outcome",
        "place",
        "rows",
        "table",
        "target",
    )

    def __init__(
        self,
        target: Target | None,
        connect: Connect | None,
        endpoint: Endpoint | None = None,
        rows: tuple[Row, ...] = (),
        table: AliasTable | None = None,
    ) -> None:
        self.target: Final = target
        self.connect: Final = connect
        self.endpoint: Final = endpoint if connect is None else connect.endpoint
        self.rows: Final = rows
        self.table: Final = table
        self.judgement: Judgement | None = None
        self.key: RawKey | None = None
        self.closed: bool = False
        self.outcome: Outcome = Outcome.UNDETERMINED
        self.method: Method = "none"
        self.code: str = "limit.seconds"
        self.place: int = -1

    @property
    def gone(self) -> bool:
        """Whether this was an open connection, and is none any more, or one that is closing.

        Its handle may name another one by now. But what was presented is kept once for each row that is added.
        """
        if self.table is None:
            return False
        judged = self.rows[0]
        rows = self.table.of(judged.connection)
        return not any(row.presentation is judged.presentation and row.state != "closing" for row in rows)

    def decided(self, decision: Decision) -> None:
        """Take over what was decided of the peer."""
        self.outcome, self.method = decision.outcome, decision.method
        self.code, self.place = decision.code, decision.place
