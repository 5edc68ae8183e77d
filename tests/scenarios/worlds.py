"""Scripted worlds: zones, what servers present, what fails, and when everything is answered.

One script is played in three ways: by a performer for event loops, by one for threads, and by a simulation of what an
ideal driver does, which is written down here without any event loop.
"""

from __future__ import annotations

import heapq
import math
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

import anyio

from pki import NOW
from siptls import Outbound, Policy
from siptls.dns import Lookup
from siptls.events import (
    Anchors,
    Close,
    Connect,
    ConnectEvent,
    ConnectFailed,
    Event,
    Failure,
    LookupEvent,
    LookupFailed,
    PathEvent,
    Presented,
    ValidatePath,
)
from siptls.verdict import Verdict
from siptls_io.cancellation import EVENT_READ, Cancellation
from siptls_io.offline import OfflinePerformer
from siptls_io.performer import Errand
from siptls_io.zone_files import Status, ZoneFiles

NEVER = 86_400.0
"""A delay, in seconds, that no policy here waits for."""


def first(_n: int) -> int:
    """A source of randomness that always draws 0."""
    return 0


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One script, and the verdict that the standards demand.

    Faults and delays are told by what is asked: ``"sip1.example.com AAAA"`` for a lookup, an address for a connection,
    ``"path"`` for path validations. A delay is in seconds.
    """

    name: str
    expected: str
    """Outcome, method, code and address of the endpoint; ``-`` for none."""
    seconds: float = 0.0
    """When the verdict is reached, if time passes by the script alone."""
    uri: str = "sip:alice@example.com"
    zones: Mapping[str, str]
    dnssec: Status = "insecure"
    statuses: Mapping[str, Status] = field(default_factory=dict[str, Status])
    chains: Mapping[str, Sequence[bytes]] = field(default_factory=dict[str, Sequence[bytes]])
    faults: Mapping[str, Failure | str] = field(default_factory=dict[str, "Failure | str"])
    delays: Mapping[str, float] = field(default_factory=dict[str, float])
    anchors: Anchors
    policy: Policy = field(default_factory=Policy)
    at: datetime = NOW

    def __str__(self) -> str:
        return self.name

    def machine(self, now: float) -> Outbound:
        """The machine of this scenario."""
        return Outbound(self.uri, policy=self.policy, now=now, at=self.at, randbelow=first, anchors=self.anchors)

    def paced(self, pace: float) -> Scenario:
        """The same with all times multiplied."""
        policy = self.policy
        times = {
            name: max(0.01, getattr(policy, name) * pace)
            for name in ("attempt_delay", "lookup_timeout", "connect_timeout", "path_timeout")
        }
        limits = policy.limits.replace(seconds=policy.limits.seconds * pace)
        delays = {what: delay * pace for what, delay in self.delays.items()}
        return replace(self, policy=policy.replace(limits=limits, **times), delays=delays)

    @property
    def timed(self) -> bool:
        """Whether time matters."""
        return bool(self.delays)


def summary(verdict: Verdict) -> str:
    """A verdict as a scenario states it."""
    address = "-" if verdict.endpoint is None else verdict.endpoint.address
    return f"{verdict.outcome.name} {verdict.method} {verdict.code} {address}"


def report(verdict: Verdict, *, times: bool) -> dict[str, Any]:
    """Everything that a verdict says; without ``times`` nothing that depends on how fast this machine is."""
    told: dict[str, Any] = verdict.to_dict()
    if not times:
        del told["expires_in"]
        for step in told["steps"]:
            del step["seconds"]
    return told


class Script:
    """What comes of each action, and when.

    Attributes:
        opened: the connections that were presented, in their order.
        closed: those that were closed.
        cancelled: what was cancelled while it was awaited.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        zones = ZoneFiles(scenario.zones, scenario.statuses, scenario.dnssec)
        self._world = OfflinePerformer(zones, scenario.chains).blocking()
        self._cancellation = Cancellation()
        self._cancellation.close()  # nothing waits by it
        self.opened: list[Connect] = []
        self.closed: list[Connect] = []
        self.cancelled: list[str] = []

    def delay(self, action: Errand) -> float:
        """When an action is answered, in seconds after it was asked for."""
        return self.scenario.delays.get(key(action), 0.0)

    def lookup(self, action: Lookup) -> LookupEvent:
        fault = self.scenario.faults.get(key(action))
        if isinstance(fault, Failure):
            return LookupFailed(action, fault, "as the script says")
        return self._world.lookup(action, self._cancellation)

    def connect(self, action: Connect) -> ConnectEvent:
        fault = self.scenario.faults.get(key(action))
        if isinstance(fault, str):
            return ConnectFailed(action, fault, "as the script says")
        event = self._world.connect(action, self._cancellation)
        if isinstance(event, Presented):
            self.opened.append(action)
        return event

    def validate(self, action: ValidatePath) -> PathEvent:
        return self._world.validate(action)

    def close(self, connect: Connect) -> None:
        self.closed.append(connect)

    def left_open(self) -> set[Connect]:
        """The connections that are still open; no connection is closed twice."""
        assert len(set(self.closed)) == len(self.closed)
        assert set(self.closed) <= set(self.opened)
        return set(self.opened) - set(self.closed)


def key(action: Errand) -> str:
    """How scripts name an action."""
    if isinstance(action, Lookup):
        return f"{action.name} {action.rrtype}"
    return action.endpoint.address if isinstance(action, Connect) else "path"


class Played:
    """Plays a script in an event loop."""

    def __init__(self, scenario: Scenario) -> None:
        self.script = Script(scenario)

    async def lookup(self, action: Lookup, /) -> LookupEvent:
        await self._wait(action)
        return self.script.lookup(action)

    async def connect(self, action: Connect, /) -> ConnectEvent:
        await self._wait(action)
        return self.script.connect(action)

    async def validate(self, action: ValidatePath, /) -> PathEvent:
        await self._wait(action)
        return self.script.validate(action)

    async def close(self, connect: Connect, /) -> None:
        self.script.close(connect)

    async def _wait(self, action: Errand) -> None:
        if seconds := self.script.delay(action):
            try:
                await anyio.sleep(seconds)
            except BaseException:
                self.script.cancelled.append(key(action))
                raise


class PlayedInThreads:
    """Plays a script in threads, in real time."""

    def __init__(self, scenario: Scenario) -> None:
        self.script = Script(scenario)

    def lookup(self, action: Lookup, cancellation: Cancellation, /) -> LookupEvent:
        self._wait(action, cancellation)
        return self.script.lookup(action)

    def connect(self, action: Connect, cancellation: Cancellation, /) -> ConnectEvent:
        self._wait(action, cancellation)
        return self.script.connect(action)

    def validate(self, action: ValidatePath, /) -> PathEvent:
        time.sleep(self.script.delay(action))
        return self.script.validate(action)

    def close(self, connect: Connect, /) -> None:
        self.script.close(connect)

    def _wait(self, action: Errand, cancellation: Cancellation) -> None:
        if seconds := self.script.delay(action):
            until = time.monotonic() + seconds
            silent, open_end = socket.socketpair()
            with silent, open_end:
                try:
                    with suppress(TimeoutError):
                        cancellation.wait(silent, EVENT_READ, until)
                except BaseException:
                    self.script.cancelled.append(key(action))
                    raise


def simulated(scenario: Scenario) -> tuple[Verdict, Script, float]:
    """What an ideal driver does: no time passes but by the script, and all that comes at once comes in order.

    Returns:
        The verdict, what became of the connections, and how many seconds it took.
    """
    script = Script(scenario)
    machine = scenario.machine(0.0)
    performed: list[tuple[float, int, Callable[[], Event]]] = []
    numbers = count()
    now = 0.0
    while machine.verdict is None:
        for action in machine.next_actions(now=now):
            if isinstance(action, Close):
                script.close(action.connect)
            else:
                heapq.heappush(performed, (now + script.delay(action), next(numbers), _deed(script, action)))
        now = max(now, min(machine.deadline, performed[0][0] if performed else math.inf))
        assert now < math.inf, "an undecided machine awaits something"
        while performed and performed[0][0] <= now:
            machine.receive(heapq.heappop(performed)[2](), now=now)
        machine.advance(now=now)
    for action in machine.next_actions(now=now):
        assert isinstance(action, Close)
        script.close(action.connect)
    return machine.verdict, script, now


def _deed(script: Script, action: Errand) -> Callable[[], Event]:
    if isinstance(action, Lookup):
        return lambda: script.lookup(action)
    if isinstance(action, ValidatePath):
        return lambda: script.validate(action)
    assert isinstance(action, Connect)  # no script has a policy that looks at CRLs
    return lambda: script.connect(action)
