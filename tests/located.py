"""`Locate` driven by any resolver, one question after the other."""

from __future__ import annotations

from collections.abc import Callable

from siptls import Locate, Policy, Route
from siptls.dns import Lookup
from siptls.events import LookupEvent
from world import AT, first


def located(
    uri: str,
    answer: Callable[[Lookup], LookupEvent],
    policy: Policy | None = None,
    asked: list[Lookup] | None = None,
) -> Route:
    """Where a client goes for a URI, all weights drawn 0; the questions are added to ``asked``."""
    machine = Locate(uri, policy=policy or Policy(), now=0.0, at=AT, randbelow=first)
    while machine.result is None:
        actions = machine.next_actions(now=0.0)
        assert actions, "an undecided machine awaits something"
        for action in actions:
            assert isinstance(action, Lookup)
            if asked is not None:
                asked.append(action)
            machine.receive(answer(action), now=0.0)
    return machine.result
