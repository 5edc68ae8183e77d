"""What an operation of the alias table costs: as much as what it is about, however large the table is.

It is counted in lines, which are the same on every machine.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

from alias_model import Peer, judged
from siptls import AliasTable, Endpoint, Identity, Row, Via, alias_offer, alias_row, attempt, reuse
from siptls.attempt import rows_for

MODULES = {module.__file__ for module in (alias_offer, alias_row, attempt, reuse)}
COM = Peer("P1", ("example.com",))
ELSEWHERE = Endpoint("p1.example.com", "192.0.2.1", 5061, "tls")
ALIAS = Via.parse("SIP/2.0/TLS p1.example.com;branch=z9hG4bKa7c8dze;alias")


def accepted(table: AliasTable, connection: object, source: str, expires: float = 1e9) -> Row:
    """Add a connection that a client opened."""
    verdict = judged(COM, "server", expires=expires)
    row = table.add(verdict, connection, COM.presentation, local_domain="", now=0.0, source=source, via=ALIAS)
    assert isinstance(row, Row)
    return row


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of the table's modules a piece of work runs."""
    count = 0

    def local(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return local

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        return local if frame.f_code.co_filename in MODULES else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    assert count > 0
    return count


HERE = Endpoint("p", "10.0.0.7", 5061, "tls")
FURTHER = judged(
    COM, "client", domain="other.example", endpoint=HERE, expires=60.0, reused=7, method="dane-ee",
    identities=[Identity("other.example", "dane")],
)  # fmt: skip
WORKS: dict[str, Callable[[AliasTable], object]] = {
    "look up": lambda table: table.candidates(HERE, local_domain="", now=0.0),
    "look up what is not there": lambda table: table.candidates(ELSEWHERE, local_domain="", now=0.0),
    "add": lambda table: accepted(table, "new", "192.0.2.1"),
    "refresh": lambda table: accepted(table, 7, "10.0.0.7", 12.0),
    "grant": lambda table: table.grant(7, FURTHER, now=0.0),
    "stop": lambda table: table.closing(7),
    "close": lambda table: table.close(7),
}


def filled(rows: int) -> AliasTable:
    table = AliasTable(rows=10_000, rows_per_identity=10_000)
    for number in range(rows):
        accepted(table, number, f"10.0.{number // 250}.{number % 250}", float(number % 97 + 5))
    return table


@pytest.mark.parametrize("name", WORKS)
def test_an_operation_costs_the_same_however_many_rows_there_are(name: str) -> None:
    costs: list[int] = []
    for rows in (20, 2_000):
        table = filled(rows)
        costs.append(lines_run(partial(WORKS[name], table)))
    assert costs[0] == costs[1]


def test_to_keep_the_queue_short_costs_each_operation_a_constant() -> None:
    def churn(rows: int) -> float:
        table = filled(rows)
        ticks = itertools.count(1000)

        def work() -> None:
            for _ in range(3 * rows):
                accepted(table, 7, "10.0.0.7", float(next(ticks)))

        return lines_run(work) / (3 * rows)

    assert churn(1_000) < 1.5 * churn(100)


def test_one_call_of_expire_costs_what_is_over() -> None:
    costs: list[int] = []
    for rows in (200, 2_000):
        table = AliasTable(rows_per_identity=10_000)
        for number in range(rows):
            accepted(table, number, f"10.0.{number // 250}.{number % 250}", 1.0 + (number > 9))
        costs.append(lines_run(partial(table.expire, 1.0)))
    assert costs[0] == costs[1]


def crowd(rows: int, names: int) -> tuple[Row, ...]:
    """Connections at one address whose peers all have a certificate with many names."""
    table = AliasTable(rows_per_identity=10_000)
    many = Peer("many", tuple([f"d{number}.example" for number in range(names)]))
    verdict = judged(many, "server")
    for number in range(rows):
        assert table.add(verdict, number, many.presentation, local_domain="", now=0.0, source="10.0.0.7", via=ALIAS)
    return table.candidates(HERE, local_domain="", now=0.0)


@pytest.mark.req("T-A03")
def test_to_choose_among_the_connections_to_one_address_ends_with_the_eighth_that_has_the_domain() -> None:
    costs: list[int] = []
    for count in (20, 1_000):
        rows = crowd(count, 3)
        assert rows_for("D2.example", rows) == rows[:8]
        costs.append(lines_run(partial(rows_for, "d2.example", rows)))
    assert costs[0] == costs[1]


@pytest.mark.req("T-A03")
def test_to_choose_among_them_costs_the_same_however_many_names_each_of_them_has() -> None:
    costs: list[int] = []
    for names in (1, 256):
        rows = crowd(50, names)
        assert rows_for("elsewhere.example", rows) == rows[:8]
        costs.append(lines_run(partial(rows_for, "elsewhere.example", rows)))
    assert costs[0] == costs[1]


def test_those_that_have_the_domain_come_first_and_then_the_first_of_the_others() -> None:
    table = AliasTable()
    other = Peer("other", ("other.example",))
    for number in range(20):
        peer = COM if number in (9, 15) else other
        verdict = judged(peer, "server")
        assert table.add(verdict, number, peer.presentation, local_domain="", now=0.0, source="10.0.0.7", via=ALIAS)
    chosen = rows_for("example.com", table.candidates(HERE, local_domain="", now=0.0))
    assert [row.connection for row in chosen] == [9, 15, 0, 1, 2, 3, 4, 5]
    assert rows_for("example.com", ()) == ()


@pytest.mark.req("T-A03")
def test_a_client_that_refreshes_its_row_all_the_time_leaves_nothing_behind_in_the_queue() -> None:
    table = filled(10)
    for number in range(5_000):
        accepted(table, 7, "10.0.0.7", float(1_000 + number))
    assert lines_run(partial(table.expire, 1e12)) < 1_000
