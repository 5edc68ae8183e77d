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
    """Answers, kept until their time to live is over; failures are never kept. Threads may share it.

    Args:
        size: how many answers are kept; the one that was not used for the longest time goes first.
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, size: int = 4_096, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._kept: OrderedDict[Lookup, tuple[float, Answer]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, lookup: Lookup) -> Answer | None:
        """Return the answer to a question, with what remains of its time to live, or None."""
        with self._lock:
            kept = self._kept.get(lookup)
            if kept is None:
                return None
            since, answer = kept
            age = self._clock() - since
            if age >= min(answer.ttl, MAX_TTL):
                del self._kept[lookup]
                return None
            self._kept.move_to_end(lookup)
        return _aged(answer, age)

    def put(self, answer: Answer) -> None:
        """Keep an answer that has just arrived."""
        if answer.ttl <= 0:
            return
        with self._lock:
            self._kept[answer.question] = (self._clock(), answer)
            self._kept.move_to_end(answer.question)
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)


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
