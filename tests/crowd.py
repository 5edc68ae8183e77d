"""Many connects at a time on one loop, in a process of its own, and what is left of them there.

    python -W error tests/crowd.py < plan.json > report.json

In a process of its own, what is left can be counted exactly: nothing else happens there.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias, TypedDict
from unittest.mock import patch

import anyio
import anyio.lowlevel

import siptls_io.blocking
from loops import LOOPS, Blocking, EventLoop
from siptls.events import Anchors
from siptls.policy import Limits, Policy
from siptls_io.ad_resolver import AdResolver
from siptls_io.connection import Connection, NotConnected

_LONG: Final = Limits(seconds=300)
_PATIENT: Final = Policy(connect_timeout=120, lookup_timeout=120, limits=_LONG)
_HASTY: Final = Policy(connect_timeout=0.5, lookup_timeout=120, limits=_LONG)
"""For those that are never answered; no verdict of the others depends on how fast this machine is."""

_HELLO, _REPLY = b"OPTIONS sip:example SIP/2.0\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"


# The members of a C structure, see mallinfo(3).
_MALLINFO2 = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)


class Plan(TypedDict):
    """What to do: to connect to the domains, first to some for a warm-up, and to all of these before the others."""

    loop: str
    at_a_time: int
    warm_up: int
    domains: list[str]
    names: str
    root: str
    forget: bool
    """False is a mistake made on purpose: connections are remembered for ever, and every second one is not closed."""


Left: TypeAlias = dict[str, int]
"""What is there when no connect is under way: open files, threads, blocks of memory that Python holds, and octets that
C holds, OpenSSL among it, 0 where the C library does not tell.

Not the size of the process: that tells how much there was at the busiest moment.
"""


class Report(TypedDict):
    """What came of it: outcome and code for each domain, and what was there after the warm-up and at the end."""

    verdicts: list[tuple[str, str]]
    seconds: float
    before: Left
    after: Left


class Crowd:
    """Connects, and remembers outcomes and codes."""

    def __init__(self, plan: Plan) -> None:
        names = plan["names"]
        self._anchors = Anchors((bytes.fromhex(plan["root"]),))
        self._patient = AdResolver([names], timeout=120, patience=10)
        self._again = AdResolver([names], timeout=120, patience=3)
        self._hasty = AdResolver([names], timeout=0.4, patience=0.2)
        self._kept: list[Connection[Any]] | None = None if plan["forget"] else []
        self.verdicts: list[tuple[str, str] | None] = [None] * len(plan["domains"])

    def arguments(self, domain: str) -> dict[str, Any]:
        """How to connect to a domain."""
        resolver = {"late": self._again, "mute": self._hasty}.get(domain[:4], self._patient)
        policy = _HASTY if domain.startswith(("swallowed", "silent")) else _PATIENT
        return {"uri": f"sips:{domain}", "policy": policy, "resolver": resolver, "anchors": self._anchors}

    def refused(self, number: int, error: NotConnected) -> None:
        """Take a verdict without a connection."""
        self.verdicts[number] = error.verdict.outcome.name, error.verdict.code

    def accepted(self, number: int, connection: Connection[Any]) -> bool:
        """Take a connection, and say whether to use and close it."""
        self.verdicts[number] = connection.verdict.outcome.name, connection.verdict.code
        if self._kept is None:
            return True
        self._kept.append(connection)
        return len(self._kept) % 2 == 0


def run(plan: Plan) -> Report:
    """Run the warm-up, see what is there, run the others, and see again."""
    crowd = Crowd(plan)
    numbered = list(enumerate(plan["domains"]))
    parts = [iter(numbered[: plan["warm_up"]]), iter(numbered[plan["warm_up"] :])]
    loop = LOOPS[plan["loop"]]
    began = time.monotonic()
    # Who asks for a certificate here refuses us without one, sooner or later, and is not to be accepted before.
    with patch("siptls_io.handshake._PATIENCE", (120.0, 120.0)):
        if isinstance(loop, Blocking):
            before, after = [_by_threads(loop, crowd, part, plan["at_a_time"]) for part in parts]
        else:
            before, after = _by_tasks(loop, crowd, parts, plan["at_a_time"])
    verdicts = [verdict for verdict in crowd.verdicts if verdict is not None]
    return {"verdicts": verdicts, "seconds": time.monotonic() - began, "before": before, "after": after}


def _by_tasks(loop: EventLoop, crowd: Crowd, parts: list[Iterator[tuple[int, str]]], at_a_time: int) -> list[Left]:
    async def connect(part: Iterator[tuple[int, str]]) -> None:
        for number, domain in part:
            try:
                connection = await loop.module.connect(**crowd.arguments(domain))
            except NotConnected as error:
                crowd.refused(number, error)
                continue
            if crowd.accepted(number, connection):
                assert await loop.ask(connection.stream, _HELLO) == _REPLY

    async def main() -> list[Left]:
        seen: list[Left] = []
        for part in parts:
            async with anyio.create_task_group() as tasks:
                for _ in range(at_a_time):
                    tasks.start_soon(connect, part)
            for _ in range(10):
                await anyio.lowlevel.checkpoint()  # event loops close sockets a round or two later
            seen.append(left())
        return seen

    seen: list[Left] = loop.run(main)
    return seen


def _by_threads(loop: Blocking, crowd: Crowd, part: Iterator[tuple[int, str]], at_a_time: int) -> Left:
    taking = threading.Lock()

    def connect() -> None:
        while True:
            with taking:
                number, domain = next(part, (0, ""))
            if not domain:
                return
            try:
                connection = siptls_io.blocking.connect(**crowd.arguments(domain))
            except NotConnected as error:
                crowd.refused(number, error)
                continue
            if crowd.accepted(number, connection):
                assert loop.ask(connection.stream, _HELLO) == _REPLY

    threads = [threading.Thread(target=connect) for _ in range(at_a_time)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return left()


def left() -> Left:
    """Count what is there."""
    gc.collect()
    descriptors = Path("/proc/self/fd")
    files = len(list(descriptors.iterdir())) if descriptors.exists() else 0
    blocks, octets = sys.getallocatedblocks(), _held_by_c()
    return {"files": files, "threads": threading.active_count(), "blocks": blocks, "octets": octets}


class _Mallinfo2(ctypes.Structure):
    _fields_ = tuple([(name, ctypes.c_size_t) for name in _MALLINFO2])


def _held_by_c() -> int:
    """Return how many octets are allocated; with ``MALLOC_ARENA_MAX=1`` in the environment, by all threads."""
    try:
        mallinfo2: Any = ctypes.CDLL(None).mallinfo2
    except AttributeError:  # only the GNU C library has it, since 2.33
        return 0
    mallinfo2.restype = _Mallinfo2
    told = mallinfo2()
    return int(told.uordblks + told.hblkhd)


if __name__ == "__main__":
    gc.freeze()  # what is there for ever need not be looked through again and again
    json.dump(run(json.load(sys.stdin)), sys.stdout)
