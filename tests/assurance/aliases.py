"""Many tables of connections, each beside a naive model of it."""

from __future__ import annotations

from collections import Counter

from alias_machine import play


def run(count: int, seed: int) -> Counter[str]:
    """Let alias tables and their models live through the same.

    Args:
        count: how many operations, at the least.
        seed: settles them.

    Returns:
        How many operations, rows made and found, and refusals by code.

    Raises:
        AssertionError: a table and its model differ; the message has the operations that lead there.
    """
    return play(count, seed)
