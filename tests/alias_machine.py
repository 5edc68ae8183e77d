"""Whatever may happen to an alias table, in any order, by Hypothesis."""

from __future__ import annotations

import itertools
import math
from collections import Counter

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from alias_model import DOMAINS, ENDPOINTS, LOCAL_DOMAINS, PEERS, VIAS, WRITTEN, Both, Peer
from siptls import Outcome
from siptls.verdict import Method

STEPS = 200
"""How many operations one table lives through."""

# A connection has its peer and its local domain; now and then somebody mistakes it for another one.
_PEERS = st.sampled_from([None] * 15 + [*PEERS])
_CONNECTIONS = st.integers(0, 23)
_DOMAINS = st.sampled_from(DOMAINS)
_WRITTEN = st.sampled_from(WRITTEN)
_PORTS = st.sampled_from(ENDPOINTS)
_LOCAL = st.sampled_from([None] * 12 + [*LOCAL_DOMAINS])
_SECONDS = st.sampled_from([-1.0, 0.0, *[1.0, 2.0, 3.0, 5.0, 8.0, math.inf] * 4])
_OUTCOMES = st.sampled_from([Outcome.ACCEPTED] * 27 + [Outcome.REJECTED, Outcome.UNDETERMINED, Outcome.INSUFFICIENT])
_SOURCES = st.sampled_from([*[told for told, _ in WRITTEN] * 5, None, "fe80::1%eth0", "p.example", "192.0.2.300", ""])
_VIAS = st.sampled_from([None, *range(len(VIAS)), *[0, 0, 0, 1, 1] * 3])
_METHODS: st.SearchStrategy[Method] = st.sampled_from(["pkix", "pkix-ee", "dane-ee", "dane-ta"])

TALLY: Counter[str] = Counter()
"""What all tables together have seen."""


def usual_peer(connection: int) -> Peer:
    """Who is at the other end."""
    return PEERS[connection % len(PEERS)]


def local_domain(told: str | None, connection: int) -> str:
    """On whose behalf the connection is used, unless somebody says otherwise."""
    return LOCAL_DOMAINS[connection % 7 % len(LOCAL_DOMAINS)] if told is None else told


class Tables(RuleBasedStateMachine):
    """The table and its model, which live through the same."""

    def __init__(self) -> None:
        super().__init__()
        self.both = Both()

    def _step(self) -> None:
        TALLY["operations"] += 1

    @rule(
        peer=_PEERS, connection=_CONNECTIONS, domain=_DOMAINS, written=_WRITTEN, port=_PORTS, local=_LOCAL,
        seconds=_SECONDS, outcome=_OUTCOMES, reused=st.sampled_from([False] * 15 + [True]),
        shown=st.sampled_from([None] * 15 + [PEERS[0]]),
    )  # fmt: skip
    def we_open(
        self,
        peer: Peer | None,
        connection: int,
        domain: str,
        written: tuple[str, str],
        port: tuple[int, str],
        local: str | None,
        seconds: float,
        outcome: Outcome,
        reused: bool,
        shown: Peer | None,
    ) -> None:
        self._step()
        self.both.opened(
            peer or usual_peer(connection),
            connection,
            domain,
            written,
            port,
            local_domain(local, connection),
            seconds,
            outcome,
            reused,
            shown,
        )

    @rule(
        peer=_PEERS, connection=_CONNECTIONS, source=_SOURCES, via=_VIAS, local=_LOCAL, seconds=_SECONDS,
        outcome=_OUTCOMES,
    )  # fmt: skip
    def a_client_asks(
        self,
        peer: Peer | None,
        connection: int,
        source: str | None,
        via: int | None,
        local: str | None,
        seconds: float,
        outcome: Outcome,
    ) -> None:
        self._step()
        self.both.accepted(
            peer or usual_peer(connection), connection, source, via, local_domain(local, connection), seconds, outcome
        )

    @rule(
        peer=_PEERS, connection=_CONNECTIONS, domain=_DOMAINS, written=_WRITTEN, port=_PORTS, seconds=_SECONDS,
        method=_METHODS, outcome=_OUTCOMES, reused=st.sampled_from([True] * 15 + [False]),
        named=st.sampled_from([-1] * 15 + [3]), known=st.sampled_from([True] * 7 + [False]),
    )  # fmt: skip
    def a_domain_is_proven(
        self,
        peer: Peer | None,
        connection: int,
        domain: str,
        written: tuple[str, str],
        port: tuple[int, str],
        seconds: float,
        method: Method,
        outcome: Outcome,
        reused: bool,
        named: int,
        known: bool,
    ) -> None:
        self._step()
        lines = self.both.model.lines
        if known and lines:
            line = lines[connection % len(lines)]
            assert isinstance(line.connection, int)
            connection, peer = line.connection, peer or line.peer
            written, port = (line.place[1], line.place[1]), line.place[2:]
        self.both.granted(
            peer or usual_peer(connection), connection, domain, written, port, seconds, method, outcome, reused, named
        )

    @rule(connection=_CONNECTIONS)
    def one_closes(self, connection: int) -> None:
        self._step()
        self.both.closed(connection)

    @rule(connection=_CONNECTIONS)
    def an_alert_comes(self, connection: int) -> None:
        self._step()
        self.both.closing(connection)

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 2.0, 10.0]))
    def time_passes(self, seconds: float) -> None:
        self._step()
        self.both.passes(seconds)

    @rule()
    def what_is_over_is_taken_away(self) -> None:
        self._step()
        self.both.expired()

    @rule(written=_WRITTEN, port=_PORTS, local=_LOCAL)
    def a_request_is_to_go(self, written: tuple[str, str], port: tuple[int, str], local: str | None) -> None:
        self._step()
        self.both.looked_up(written, port, local or "")

    @rule()
    def all_is_held_against_all(self) -> None:
        self._step()
        self.both.agree_on_all()

    def teardown(self) -> None:
        self.both.agree_on_all()
        TALLY.update(self.both.seen)


def play(operations: int, number: int, *, shrink: bool = True) -> Counter[str]:
    """Let tables live through so many operations.

    Args:
        operations: how many, at the least.
        number: settles them.
        shrink: whether to look for fewer operations that make the same difference.

    Raises:
        AssertionError: the table and the model differ; the message has the operations that lead there.
    """
    TALLY.clear()
    # Some tables end early, so there may be another round.
    for more in itertools.count():
        wanted = operations - TALLY["operations"]
        if wanted <= 0:
            return TALLY.copy()
        _play(max(1, wanted // STEPS), number + more, shrink)
    raise AssertionError("this is never reached")


def _play(tables: int, number: int, shrink: bool) -> None:
    machine = seed(number)(type("Tables", (Tables,), {}))
    rounds = settings(
        max_examples=tables,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    try:
        run_state_machine_as_test(machine, settings=rounds)
    except AssertionError as error:
        error.add_note(f"again: alias_machine.play({tables * STEPS}, {number})")
        raise
