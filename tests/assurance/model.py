"""Many worlds of the reference model, each played in several orders of arrival and then attacked."""

from __future__ import annotations

import random
from collections import Counter

from model import disagreements, moves, pieces_not_needed
from model import run as decide
from model_cases import OCTETS, case_of
from oracle import Oracle

ORDERS = 3
"""In how many orders of arrival each world is played."""
MOVES = 3
"""How often an attacker moves in each world: he drops, he lies, he delays."""


def run(count: int, seed: int) -> Counter[str]:
    """Compare the machine with the reference model, and let attackers try.

    Args:
        count: how many worlds.
        seed: settles the worlds, the orders of arrival and the attacker's moves.

    Returns:
        How many worlds, comparisons, moves of an attacker, and verdicts by outcome and method.

    Raises:
        AssertionError: the machine decided what the model does not allow, or an attacker had success; the message has
            the call that makes the world again.
    """
    rng = random.Random(seed)
    tally: Counter[str] = Counter()
    for _ in range(count):
        octets, order = rng.randbytes(OCTETS), rng.randrange(2**32)
        case = case_of(octets)
        oracle = Oracle(case.world, case.uri, case.policy)
        wrong = [found for n in range(ORDERS) for found in disagreements(case, order + n, oracle)]
        wrong += [*moves(case, order, MOVES), *pieces_not_needed(case, order)]
        assert not wrong, f"{wrong[0]}\nin the world case_of({octets.hex()!r}), order {order}: {case}"
        verdict, _ = decide(case, order)
        tally.update(
            {
                "worlds": 1,
                "comparisons": ORDERS,
                "moves of an attacker": MOVES,
                "verdicts robbed of each piece of their evidence": int(verdict.accepted),
                "worlds that leave more than one verdict open": int(len(oracle.allowed) > 1),
                f"{verdict.outcome.value} {verdict.method}": 1,
            }
        )
    return tally
