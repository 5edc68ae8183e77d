"""A resolver, asked in each of the five ways in which the drivers ask it, and one that runs out of files."""

from __future__ import annotations

import resource
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias

import pytest

from loops import EVENT_LOOPS, EventLoop
from siptls.dns import Lookup
from siptls.events import LookupEvent
from siptls_io import Cancellation
from siptls_io.resolver import Resolver

Ask: TypeAlias = Callable[[Resolver, Lookup], LookupEvent]


def blocking(resolver: Resolver, lookup: Lookup) -> LookupEvent:
    return resolver.answer(lookup)


def in_loop(loop: EventLoop, resolver: Resolver, lookup: Lookup) -> LookupEvent:
    async def main() -> LookupEvent:
        return await resolver.answer_async(lookup)

    event: LookupEvent = loop.run(main)
    return event


ASK: dict[str, Ask] = {"blocking": blocking, **{name: partial(in_loop, loop) for name, loop in EVENT_LOOPS.items()}}

in_every_way = pytest.mark.parametrize("ask", [pytest.param(ask, id=name) for name, ask in ASK.items()])


@contextmanager
def no_more_files() -> Generator[None]:
    """Let nothing be opened in this process; what is open stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class WithoutFiles:
    """A resolver that can open nothing while it answers."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def answer(self, lookup: Lookup, cancellation: Cancellation | None = None, /) -> LookupEvent:
        with no_more_files():
            return self._resolver.answer(lookup, cancellation)

    async def answer_async(self, lookup: Lookup, /) -> LookupEvent:
        with no_more_files():
            return await self._resolver.answer_async(lookup)
