"""The large counts: what each compares, how often, and what has to occur in them."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Run = Callable[[int, int], Counter[str]]
"""Makes so many comparisons from a seed, and counts what it saw; raises AssertionError at the first one unexplained."""


@dataclass(frozen=True)
class Part:
    """One comparison.

    Attributes:
        name: how it is called on the command line.
        title: what is compared, for the page.
        module: where its `run` is.
        count: how many comparisons are wanted.
        at_once: how many are made from one seed.
        counted: what of the tally counts the comparisons.
    """

    name: str
    title: str
    module: str
    count: int
    at_once: int
    counted: str

    def run(self, count: int, seed: int) -> Counter[str]:
        """Make so many comparisons."""
        run: Run = importlib.import_module(self.module).run
        return run(count, seed)


PARTS: Final = {
    part.name: part
    for part in (
        Part("openssl", "OpenSSL's DANE and PKIX", "differential.openssl_dane", 20_000, 1_000, "worlds"),
        Part(
            "der",
            "the certificate reader of `cryptography`",
            "differential.der_reading",
            1_000_000,
            50_000,
            "certificates",
        ),
        Part("libdane", "GnuTLS' libdane", "differential.libdane_opinion", 10_000, 1_000, "worlds"),
        Part("names", "service-identity", "differential.name_opinion", 10_000, 1_000, "questions"),
        Part("model", "the reference model", "assurance.model", 20_000, 1_000, "worlds"),
        Part(
            "aliases",
            "a naive model of the alias table",
            "assurance.aliases",
            1_000_000,
            50_000,
            "operations",
        ),
    )
}


def again(part: Part, count: int, seed: int) -> str:
    """The command that makes the same comparisons again."""
    return f"PYTHONPATH=tests .venv/bin/python -m assurance {part.name} --count {count} --seed {seed} --jobs 1"


def share(part: Part, count: int, seed: int) -> Counter[str]:
    """Make some of the comparisons; a failure says how it comes again.

    Raises:
        AssertionError: a comparison is unexplained; its notes name the command.
    """
    try:
        return part.run(count, seed)
    except AssertionError as error:
        error.add_note(f"again: {again(part, count, seed)}")
        raise


def never_decided(tally: Counter[str]) -> list[str]:
    """The classes of differences that were possible, and never made one."""
    return sorted(key for key, times in tally.items() if key.startswith("decides: ") and not times)
