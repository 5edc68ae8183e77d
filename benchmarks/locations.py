"""What it costs to locate the servers of a domain, all at once or as many as are used, and to order SRV records."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Final

from siptls import Answered, Limits, Locate, Lookup, Policy, Route, TargetFailed, TargetFailure, TargetInUse
from siptls.dns import Srv
from siptls.srv import ordered

from .certificates import AT
from .deployments import NOW, URI, Deployment

WIDE: Final = Limits(targets=10_000, lookups=100_000, attempts=100_000, seconds=1e9)
_TRIED: Final = 3


def at_once(targets: int) -> Callable[[], object]:
    """Locate all targets of a domain at once."""
    deployment, policy = Deployment(targets=targets), Policy(limits=WIDE)

    def run() -> Route:
        machine = _machine(policy)
        return _answered(machine, deployment)

    route = run()
    assert route.complete
    assert len(route.targets) == targets
    return run


def lazily(targets: int) -> Callable[[], object]:
    """Locate the targets of a domain as a caller does who tries three: two fail, and the last one answers."""
    deployment, policy = Deployment(targets=targets), Policy(limits=WIDE, prefetch=1)

    def run() -> Route:
        machine = _machine(policy)
        route = _answered(machine, deployment)
        for tried in range(1, _TRIED + 1):
            target = machine.next_target
            assert target is not None
            machine.receive(TargetInUse(target), now=NOW)
            route = _answered(machine, deployment)
            if tried < _TRIED:
                machine.receive(TargetFailed(target, TargetFailure.TIMEOUT), now=NOW)
                route = _answered(machine, deployment)
        machine.stop(now=NOW)
        return route

    assert len(run().targets) == _TRIED
    return run


def srv_order(records: int) -> Callable[[], object]:
    """Put SRV records of one priority into their order, with weights of all sizes."""
    owner = "_sips._tcp.example.com"
    given = [Srv(owner, 10, n * 7 % 100, 5061, f"sip{n}.example.com") for n in range(records)]
    numbers = count()

    def draw(below: int) -> int:
        """Scatter the draws over the whole range, the same way each time, at hardly any cost."""
        return next(numbers) * 2_654_435_761 % below

    assert sorted(map(id, ordered(given, draw))) == sorted(map(id, given))
    return lambda: ordered(given, draw)


def _machine(policy: Policy) -> Locate:
    return Locate(URI, policy=policy, now=NOW, at=AT, randbelow=_last)


def _last(below: int) -> int:
    """A source of randomness that costs nothing and always draws the greatest number."""
    return below - 1


def _answered(machine: Locate, deployment: Deployment) -> Route:
    """Answer what the machine asks, until it waits for its caller or has its result."""
    while (route := machine.ready) is None:
        for action in machine.next_actions(now=NOW):
            assert isinstance(action, Lookup)
            machine.receive(Answered(action, deployment.answers[action]), now=NOW)
    return route
