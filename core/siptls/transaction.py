"""One request on its way from server to server: what failed, what is left, and where it is now (RFC 3263 section 4.3).

Strictly, each new try is a SIP transaction of its own, with a Via branch of its own; `attempt` counts them.
"""

from __future__ import annotations

from itertools import islice

from .errors import LocalProtocolError
from .events import Endpoint
from .target import Target, TargetEvent


class Transaction:
    """The targets that a caller was shown, and what it told of them."""

    __slots__ = ("_failed", "_first", "_in_use", "attempt", "targets")

    def __init__(self) -> None:
        self.targets: list[Target] = []
        self.attempt: int = 1
        # By target, not by endpoint: two records may name the same endpoint, and each has its own turn.
        self._failed: dict[Target, set[str]] = {}
        self._first = 0  # the first of the targets that has not failed
        self._in_use: tuple[Target, str] | None = None

    @property
    def next_target(self) -> Target | None:
        """The first target that has not failed."""
        return self.targets[self._first] if self._first < len(self.targets) else None

    @property
    def next_endpoint(self) -> Endpoint | None:
        """The first address of the next target that has not failed."""
        target = self.next_target
        return None if target is None else _endpoint(target, self.untried(target)[0])

    @property
    def in_use(self) -> Endpoint | None:
        """Where the request was sent, unless that has failed."""
        return None if self._in_use is None else _endpoint(*self._in_use)

    @property
    def is_under_way(self) -> bool:
        """Whether the next target is the one in use."""
        return self._in_use is not None and self._in_use[0] is self.next_target

    @property
    def went_elsewhere(self) -> bool:
        """Whether the request went, or must go, to another server than the first one."""
        return bool(self._failed) or (self._in_use is not None and self.in_use != self.targets[0].endpoints[0])

    @property
    def failed_endpoints(self) -> frozenset[Endpoint]:
        """All that failed."""
        return frozenset([_endpoint(target, address) for target, told in self._failed.items() for address in told])

    def untried(self, target: Target) -> list[str]:
        """The addresses of a target that have not failed."""
        failed = self._failed.get(target, ())
        return [address for address in target.addresses if address not in failed]

    def check(self, event: TargetEvent) -> None:
        """Refuse what a caller cannot tell.

        Raises:
            LocalProtocolError: the target was not shown, or has no such address, or it has failed already.
        """
        target = event.target
        if target not in islice(self.targets, self._first, None) or not self.untried(target):
            raise LocalProtocolError(f"{event!r}: this target was not shown, or has failed already")
        if event.address is not None and event.address not in self.untried(target):
            raise LocalProtocolError(f"{event!r}: {event.address!r} is none of its addresses, or has failed already")

    def use(self, target: Target, address: str | None) -> None:
        """Remember where the request is."""
        self._in_use = (target, address or self.untried(target)[0])

    def fail(self, target: Target, address: str | None) -> None:
        """Remember that an address, or the whole target, failed."""
        told = self._failed.setdefault(target, set())
        told.update(target.addresses if address is None else (address,))
        if self._in_use is not None and self._in_use[0] is target and self._in_use[1] in told:
            self._in_use = None
        while self._first < len(self.targets) and not self.untried(self.targets[self._first]):
            self._first += 1
        self.attempt += 1


def _endpoint(target: Target, address: str) -> Endpoint:
    return Endpoint(target.host, address, target.port, target.transport)
