"""A hundred thousand verifications at once: what they hold, and what an event costs with the garbage collector on."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from time import thread_time_ns
from typing import Final

from siptls import Action, Answered, Connect, Lookup, Outbound, Presented, TlsFacts

from .deployments import NOW, Deployment

SIZE: Final = 100_000
EVENTS: Final = 6
"""The events of one run: five answers and a chain."""

_FACTS: Final = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "sip0.example.com", False)


def _resident() -> int:
    """How many octets of this process are in memory; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return 4096 * pages


def measured() -> dict[str, float]:
    """Drive many machines side by side: each step of all of them before the next step of any.

    Returns:
        ``megabytes`` that all machines hold while they wait for the chain, and the nanoseconds of one event:
        ``one by one`` without the garbage collector, and ``side by side`` with it.
    """
    deployment = Deployment()
    gc.collect()
    gc.disable()
    started = thread_time_ns()
    for _ in range(SIZE // 10):
        deployment.run()
    alone = (thread_time_ns() - started) / (SIZE // 10) / EVENTS
    gc.enable()
    gc.collect()
    before = _resident()
    started = thread_time_ns()
    crowd = [deployment.machine() for _ in range(SIZE)]
    waiting = _located(deployment, crowd)
    held = _resident() - before
    for machine, connect in waiting:
        machine.receive(Presented(connect, deployment.chain, _FACTS), now=NOW)
    together = (thread_time_ns() - started) / SIZE / EVENTS
    assert all(machine.verdict is not None and machine.verdict.accepted for machine in crowd)
    return {"megabytes": held / 1e6, "one by one": alone, "side by side": together}


def _located(deployment: Deployment, crowd: list[Outbound]) -> list[tuple[Outbound, Connect]]:
    """Answer all questions of all machines, one round after the other."""
    while True:
        asked = [(machine, action) for machine in crowd for action in machine.next_actions(now=NOW)]
        if asked and type(asked[0][1]) is Connect:
            return list(_connects(asked))
        for machine, action in asked:
            assert type(action) is Lookup
            machine.receive(Answered(action, deployment.answers[action]), now=NOW)


def _connects(asked: list[tuple[Outbound, Action]]) -> Iterator[tuple[Outbound, Connect]]:
    for machine, action in asked:
        assert type(action) is Connect
        yield machine, action
