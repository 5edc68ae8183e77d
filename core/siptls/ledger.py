"""What a machine knows of one action: its state, who waits for what comes of it, and until when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .events import Action, Event

# The states of an action; an abandoned one is ANSWERED once its first late answer has come.
FRESH: Final = 0
OUTSTANDING: Final = 1
ANSWERED: Final = 2
ABANDONED: Final = 3


class Entry:
    """What the ledger of a machine knows of one action.

    Args:
        action: the action.
        deadline: when it is overdue, on the ``now`` clock.
        then: how to go on with what came of it.

    Attributes:
        when: the deadline, and once the action is answered: when the answer came.
        others: how to go on in other places that have asked the same.
        event: what came of it, once that is known.
    """

    __slots__ = ("action", "event", "others", "state", "then", "when")

    def __init__(self, action: Action, deadline: float, then: Callable[[Any], None]) -> None:
        self.action: Final = action
        self.when: float = deadline
        self.then: Callable[[Any], None] | None = then
        self.others: list[Callable[[Any], None]] | None = None
        self.state: int = FRESH
        self.event: Event | None = None
