"""The machine held against the reference model in worlds drawn at random, and against attackers of these worlds.

`oracle` and `oracle_court` are the model, `model_cases` and `model_worlds` have the worlds, `model` compares. A world
that fails prints the call that makes it again. ``make assurance`` draws far more of them.
"""

from __future__ import annotations

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from model import disagreements, moves, pieces_not_needed
from model_cases import OCTETS, Case, case_of
from oracle import Oracle

cases = st.binary(min_size=OCTETS, max_size=OCTETS).map(case_of)
seeds = st.integers(0, 2**32 - 1)
# Fresh worlds each time, in CI too: a failure prints all that is needed to have it again.
worlds = settings(max_examples=25 * settings().max_examples, derandomize=False)


@worlds
@given(case=cases, seed=seeds)
@pytest.mark.req("D-SEC-1", "D-SEC-3", "D-SEC-4", "D-SEC-5", "D-SEC-6", "D-SEC-8", "D-SEC-9", "D-SEC-11", "D-SEC-13")
@pytest.mark.req("D-SEC-15", "D-PATH-1", "D-PATH-2", "D-PATH-3", "D-PATH-4", "R6698-4.1-8", "R7671-9-1", "R7671-9-3")
@pytest.mark.req("R7673-3.2-1", "R7673-3.2-2", "R7673-3.2-3", "R7673-3.4-2", "R7671-7-1", "R7671-7-2", "R7671-7-4")
def test_every_verdict_is_one_that_the_model_allows(case: Case, seed: int) -> None:
    oracle = Oracle(case.world, case.uri, case.policy)
    event(" or ".join(sorted({f"{allowed.outcome} {allowed.method}" for allowed in oracle.allowed})))
    for order in range(seed, seed + 3):
        assert not disagreements(case, order, oracle)


@settings(worlds, max_examples=10 * settings().max_examples)
@given(case=cases, seed=seeds)
def test_no_move_of_an_attacker_gets_anybody_accepted(case: Case, seed: int) -> None:
    assert not list(moves(case, seed, 3))


@settings(worlds, max_examples=10 * settings().max_examples)
@given(case=cases, seed=seeds)
def test_without_any_one_piece_of_its_evidence_nobody_is_accepted_alike(case: Case, seed: int) -> None:
    assert not list(pieces_not_needed(case, seed))
