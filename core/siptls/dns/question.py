"""A question to the DNS, which is also the action that asks it."""

from __future__ import annotations

from typing import ClassVar, Final, Literal, TypeAlias

RRType: TypeAlias = Literal["A", "AAAA", "CNAME", "NAPTR", "SRV", "TLSA"]
RRTYPES: Final[tuple[RRType, ...]] = ("A", "AAAA", "CNAME", "NAPTR", "SRV", "TLSA")


class Lookup:
    """Ask the DNS for one name and type, in class IN.

    Equal questions are equal values: the core asks each of them once.

    Args:
        name: the owner name, in lower case, without the trailing dot.
        rrtype: one of `RRTYPES`.
    """

    __slots__ = ("_hash", "name", "rrtype")
    kind: ClassVar = "lookup"

    def __init__(self, name: str, rrtype: RRType) -> None:
        self.name: Final = name
        self.rrtype: Final = rrtype
        self._hash: Final = hash((name, rrtype))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Lookup):
            return NotImplemented
        return self.name == other.name and self.rrtype == other.rrtype

    def __repr__(self) -> str:
        return f"Lookup({self.name!r}, {self.rrtype!r})"
