"""What a resolver is, and the cache that every resolver has."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from siptls.dns import Alias, Answer, Lookup
from siptls.events import LookupEvent

from .cancellation import Cancellation

MAX_TTL = 86_400.0
"""No answer is kept longer than a day, whatever its TTL says (RFC 8767 section 4 recommends a bound)."""


_OBJECT = 150
"""What a record, an alias or an answer takes beside its text, in octets; sys.getsizeof of its parts says so."""


class Resolver(Protocol):
    """Anything that answers questions to the DNS and says how far DNSSEC protects the answers.

    What goes wrong is a `LookupFailed`, never an exception. Repeating a question that was lost, TCP after a truncated
    response and the choice of a server are the resolver's part; the core asks each question once.
    """

    def answer(self, lookup: Lookup, cancellation: Cancellation | None = None, /) -> LookupEvent:
        """Answer one question, and block until then.

        Args:
            lookup: the question.
            cancellation: what to wait by, so that a wait ends at once, by `Cancelled`, when nobody needs the answer.

        Returns:
            `Answered` or `LookupFailed`, in bounded time.
        """
        ...

    async def answer_async(self, lookup: Lookup, /) -> LookupEvent:
        """Answer one question, in the event loop that runs.

        Args:
            lookup: the question.

        Returns:
            `Answered` or `LookupFailed`, in bounded time.
        """
        ...


class Cache:
    """Answers, denials too, kept until their time to live is over; failures are never kept. Threads may share it.

    Who gives one cache to several resolvers lets each of them answer with what the others found out, DNSSEC status
    included.

    Args:
        answers: how many answers are kept.
        octets: how much memory they may take in all, roughly; one that takes more than this alone is not kept.
        clock: a monotonic clock, in seconds.

    What was not used for the longest time goes first.
    """

    def __init__(
        self, answers: int = 4_096, octets: int = 16_000_000, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._answers = answers
        self._octets = octets
        self._clock = clock
        self._kept: OrderedDict[Lookup, tuple[float, int, Answer]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, lookup: Lookup) -> Answer | None:
        """Return the answer to a question, with what remains of its time to live, or None."""
        with self._lock:
            kept = self._kept.get(lookup)
            if kept is None:
                return None
            since, _, answer = kept
            age = self._clock() - since
            if age >= min(answer.ttl, MAX_TTL):
                self._drop(lookup)
                return None
            self._kept.move_to_end(lookup)
        return _aged(answer, age)

    def put(self, answer: Answer) -> None:
        """Keep an answer that has just arrived, instead of an older one to the same question."""
        size = _size(answer)
        with self._lock:
            self._drop(answer.question)
            if answer.ttl <= 0 or size > self._octets:
                return
            self._kept[answer.question] = (self._clock(), size, answer)
            self._size += size
            while len(self._kept) > self._answers or self._size > self._octets:
                self._drop(next(iter(self._kept)))

    def _drop(self, lookup: Lookup) -> None:
        _, size, _ = self._kept.pop(lookup, (0.0, 0, None))
        self._size -= size


def _size(answer: Answer) -> int:
    """Return about how many octets of memory an answer takes: its objects, and the text or data in them."""
    names = (answer.question.name, answer.owner, *(step.target for step in answer.aliases))
    texts = [*names, *map(str, answer.records)]
    return sum(map(len, texts)) + _OBJECT * len(texts)


def _aged(answer: Answer, age: float) -> Answer:
    aliases = tuple([Alias(step.owner, step.target, step.security, step.ttl - age) for step in answer.aliases])
    return Answer(
        answer.question,
        aliases,
        answer.owner,
        answer.records,
        answer.denial,
        answer.security,
        answer.ttl - age,
        answer.source,
    )
