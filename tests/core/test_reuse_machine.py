"""The alias table beside its naive model: whatever happens in whatever order, both say the same."""

from __future__ import annotations

import math
import secrets
from typing import Any

import pytest

from alias_machine import Tables, play
from alias_model import PEERS, Both
from assurance.parts import PARTS, share
from siptls import AliasTable, Endpoint, Row, Verdict

OPERATIONS = 6_000
"""Drawn afresh each time; `make assurance` makes a million."""


@pytest.mark.req("R5923-5-1", "R5923-5-2", "R5923-9-1", "R5923-9.3-2", "R5923-9.3-3", "R5923-9.3-4", "T-A02", "T-A03")
def test_whatever_happens_the_table_and_a_naive_model_say_the_same() -> None:
    seen = share(PARTS["aliases"], OPERATIONS, secrets.randbelow(10**9))
    assert seen["operations"] >= OPERATIONS
    assert seen["rows"] > 0
    assert seen["found"] > 0


def test_the_same_number_makes_the_same_operations() -> None:
    assert play(600, 7) == play(600, 7)


def _one_row_for_each_address(table: AliasTable, endpoint: Endpoint, *, local_domain: str, now: float) -> Any:
    return CANDIDATES(table, endpoint, local_domain=local_domain, now=now)[:1]


def _one_table_for_all_local_domains(table: AliasTable, *what: Any, local_domain: str, **more: Any) -> Any:
    return ADD(table, *what, local_domain="", **more)


def _nothing_ever_ends(_table: AliasTable, _now: float) -> tuple[Row, ...]:
    return ()


def _whatever_is_over_still_counts(table: AliasTable, connection: object, verdict: Verdict, *, now: float) -> Any:
    return GRANT(table, connection, verdict, now=-math.inf)


CANDIDATES, ADD, GRANT = AliasTable.candidates, AliasTable.add, AliasTable.grant


@pytest.mark.parametrize(
    ("method", "broken"),
    [
        ("candidates", _one_row_for_each_address),
        ("add", _one_table_for_all_local_domains),
        ("grant", _whatever_is_over_still_counts),
        ("expire", _nothing_ever_ends),
        ("closing", AliasTable.of),
    ],
)
def test_a_broken_table_is_found_out(method: str, broken: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AliasTable, method, broken)
    with pytest.raises(AssertionError) as found:
        play(4_000, 1, shrink=False)
    assert found.value.__notes__[-1].startswith("again: alias_machine.play(")


def test_tables_are_kept_apart() -> None:
    first, second = Both(), Both()
    first.opened(PEERS[0], 1, "a.example", ("192.0.2.1", "192.0.2.1"), (5061, "tls"), "", 10.0)
    assert (len(first.table), len(second.table)) == (1, 0)
    assert Tables().both.table is not Tables().both.table
