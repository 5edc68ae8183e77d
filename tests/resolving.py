"""A resolver, asked in each of the five ways in which the drivers ask it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import pytest

from loops import EVENT_LOOPS, EventLoop
from siptls.dns import Lookup
from siptls.events import LookupEvent
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
