"""A question to the DNS, which is also the action that asks it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

RRType: TypeAlias = Literal["A", "AAAA", "CNAME", "NAPTR", "SRV", "TLSA"]
RRTYPES: Final[tuple[RRType, ...]] = ("A", "AAAA", "CNAME", "NAPTR", "SRV", "TLSA")


class Lookup(NamedTuple):
    """Ask the DNS for one name and type, in class IN.

    Equal questions are equal values: the core asks each of them once.

    Attributes:
        name: the owner name, in lower case, without the trailing dot.
        rrtype: one of `RRTYPES`.
    """

    # A named tuple, because a machine hashes each question several times and a tuple does that in C.
    name: str
    rrtype: RRType


@lru_cache(maxsize=4096)  # a domain that is called once is called again, and the constructor is slow
def lookup(name: str, rrtype: RRType) -> Lookup:
    """Make a `Lookup`, or take the one that there is."""
    return Lookup(name, rrtype)
