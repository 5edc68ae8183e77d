"""One attempt to reach a server, and what came of it."""

from __future__ import annotations

from typing import Final

from .decision import Decision
from .events import Connect
from .judgement import Judgement
from .target import Target
from .verdict import Method, Outcome


class Attempt:
    """One connection that is being made or judged, or the reason why a target was not connected to."""

    __slots__ = ("closed", "code", "connect", "endpoint", "judgement", "method", "outcome", "place", "target")

    def __init__(self, target: Target | None, connect: Connect | None) -> None:
        self.target: Final = target
        self.connect: Final = connect
        self.endpoint: Final = None if connect is None else connect.endpoint
        self.judgement: Judgement | None = None
        self.closed: bool = False
        self.outcome: Outcome = Outcome.UNDETERMINED
        self.method: Method = "none"
        self.code: str = "limit.seconds"
        self.place: int = -1

    def decided(self, decision: Decision) -> None:
        """Take over what was decided of the peer."""
        self.outcome, self.method = decision.outcome, decision.method
        self.code, self.place = decision.code, decision.place
