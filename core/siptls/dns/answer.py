"""What came of a question, and how far DNSSEC protects it."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final

from .question import Lookup
from .records import Record


class Security(IntEnum):
    """The DNSSEC status of data, weakest first (RFC 4035 section 4.3)."""

    BOGUS = 0
    """Should be signed and does not validate."""
    INDETERMINATE = 1
    """The lookup failed, so nothing is known. This is the meaning of RFC 4035, not that of RFC 4033."""
    INSECURE = 2
    """Not signed, or not validated by anyone who is trusted."""
    SECURE = 3
    """Validated from a trust anchor down."""


SECURE: Final = Security.SECURE
INSECURE: Final = Security.INSECURE


class Denial(Enum):
    """How an answer says that there are no records (RFC 2308 section 2)."""

    NODATA = "NODATA"
    NXDOMAIN = "NXDOMAIN"


class Source:
    """Where answers come from; one object serves all answers of a resolver.

    Args:
        name: for people, for example ``127.0.0.1:53``.
        note: the code of a note that a verdict built on this source should carry, or None. Resolvers that nobody
            trusts carry ``resolver.not-trusted``; those that are trusted on the caller's word ``resolver.trust-ad``.
    """

    __slots__ = ("name", "note")

    def __init__(self, name: str, note: str | None = None) -> None:
        self.name: Final = name
        self.note: Final = note

    def __repr__(self) -> str:
        return f"Source({self.name!r}, {self.note!r})"


class Alias:
    """One CNAME or DNAME step on the way to an answer.

    Args:
        owner: the name that is an alias.
        target: the name it stands for.
        security: the status of this step alone, SECURE or INSECURE.
        ttl: what remains of its time to live, in seconds.
    """

    __slots__ = ("owner", "security", "target", "ttl")

    def __init__(self, owner: str, target: str, security: Security, ttl: float) -> None:
        self.owner: Final = owner
        self.target: Final = target
        self.security: Final = security
        self.ttl: Final = ttl

    def __repr__(self) -> str:
        return f"Alias({self.owner!r}, {self.target!r}, {self.security.name}, {self.ttl})"


class Answer:
    """The answer to a question: records, or a denial.

    Args:
        question: the question that this answers.
        aliases: the alias steps followed, in order.
        owner: the last name of the alias chain, where the records stand or are denied.
        records: the records; empty for a denial.
        denial: None when there are records, else how they were denied.
        security: SECURE or INSECURE; the weakest of all steps, for a denial that of its proof.
        ttl: what remained at receipt, in seconds; the least of all steps.
        source: where the answer comes from.
    """

    __slots__ = ("aliases", "denial", "owner", "question", "records", "security", "source", "ttl")

    def __init__(
        self,
        question: Lookup,
        aliases: tuple[Alias, ...],
        owner: str,
        records: tuple[Record, ...],
        denial: Denial | None,
        security: Security,
        ttl: float,
        source: Source,
    ) -> None:
        self.question: Final = question
        self.aliases: Final = aliases
        self.owner: Final = owner
        self.records: Final = records
        self.denial: Final = denial
        self.security: Final = security
        self.ttl: Final = ttl
        self.source: Final = source

    def __repr__(self) -> str:
        what = self.denial.name if self.denial else f"{len(self.records)} record(s)"
        return f"<Answer {self.question.name} {self.question.rrtype}: {what}, {self.security.name}>"

    def changed(
        self, *, records: tuple[Record, ...] | None = None, security: Security | None = None, ttl: float | None = None
    ) -> Answer:
        """Return this answer with other records, status or time to live."""
        return Answer(
            self.question,
            self.aliases,
            self.owner,
            self.records if records is None else records,
            self.denial,
            self.security if security is None else security,
            self.ttl if ttl is None else ttl,
            self.source,
        )
