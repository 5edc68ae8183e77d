"""Threads that perform actions for the blocking driver, one each, side by side."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from siptls.dns import Lookup
from siptls.events import Close, Connect, Event, Presented, ValidatePath
from siptls.machine import Machine
from siptls.revocation import CheckRevocation
from siptls.verdict import Verdict

from .cancellation import Cancellation, Cancelled
from .performer import BlockingPerformer, Errand
from .revocation import check_revocation

R = TypeVar("R")

_SETTLED = 0.05
"""How long those that neither wait nor have ended are waited for, in seconds."""


class Workers:
    """What runs and what is open while a machine is driven.

    Args:
        performer: does the work.
    """

    def __init__(self, performer: BlockingPerformer) -> None:
        self._performer = performer
        self._cancellation = Cancellation(self._idle)
        self._all: list[_Worker] = []
        self._awaited: list[_Worker] = []
        self._changed = threading.Condition()
        self._busy = 0
        self._cancelled = False
        self._open: set[Connect] = set()

    def start(self, action: Errand) -> None:
        """Have an action performed.

        Raises:
            Cancelled: it was cancelled.
        """
        if self._cancelled:
            raise Cancelled
        worker = _Worker(self, action)
        self._count(1)
        worker.start()
        self._all.append(worker)
        self._awaited.append(worker)

    def events(self, until: float) -> list[Event]:
        """Block until something came of an action.

        Args:
            until: when to give up, in seconds on the clock of ``time.monotonic()``.

        Returns:
            The events that are there, in the order in which the actions were started.

        Raises:
            BaseException: whatever the performer raised.
            Cancelled: it was cancelled.
        """
        with self._changed:
            if not self._awaited:
                return []  # what was to be done is overdue already
            patience = None if until == math.inf else max(0.0, until - time.monotonic())
            if self._changed.wait_for(self._stirred, patience) and not self._cancelled:
                # Who needs nothing from outside ends at the same time, whichever thread the system lets run first:
                # equal worlds give equal reports.
                self._changed.wait_for(lambda: not self._busy, _SETTLED)
            if self._cancelled:
                raise Cancelled
            ended = [worker for worker in self._awaited if worker.outcome is not None]
            self._awaited = [worker for worker in self._awaited if worker.outcome is None]
        events: list[Event] = []
        for worker in ended:
            if isinstance(worker.outcome, BaseException):
                raise worker.outcome
            assert worker.outcome is not None
            events.append(worker.outcome)
        return events

    def close(self, connect: Connect) -> None:
        """Close a connection that was presented."""
        self._open.remove(connect)
        self._performer.close(connect)

    def cancel(self) -> None:
        """End every wait, that for events too, from another thread."""
        self._cancellation.cancel()
        with self._changed:
            self._cancelled = True
            self._changed.notify()

    def end(self, kept: Connect | None) -> None:
        """Stop whoever works, and close what is open, all but one connection. It may be called again."""
        self.cancel()
        for worker in self._all:
            worker.join()
        self._cancellation.close()
        for connect in self._open - {kept}:
            self.close(connect)

    def work(self, action: Errand) -> Event:
        """Perform an action, in the thread of a worker, and note what is open then, though nobody may await it."""
        event = _perform(self._performer, action, self._cancellation)
        if isinstance(event, Presented):
            self._open.add(event.action)
        return event

    def ended(self, worker: _Worker, outcome: Event | BaseException) -> None:
        """Take the outcome of a worker, in its thread."""
        worker.outcome = outcome
        self._count(-1)

    def _stirred(self) -> bool:
        return self._cancelled or any(worker.outcome is not None for worker in self._awaited)

    @contextmanager
    def _idle(self) -> Generator[None]:
        self._count(-1)
        try:
            yield
        finally:
            self._count(1)

    def _count(self, more: int) -> None:
        with self._changed:
            self._busy += more
            self._changed.notify()


def drive_aside(machine: Machine[R], workers: Workers, outcome: Future[R]) -> None:
    """Run a machine in a thread that Ctrl-C does not hit; others may cancel the workers.

    Args:
        machine: as for `drive`.
        workers: perform the actions. Whoever waits for the outcome ends them if that is an exception.
        outcome: is given what the machine is ready with, or what was raised.
    """
    left = machine.outstanding  # by a driver that was cancelled
    try:
        while (result := machine.ready) is None:
            for action in (*left, *machine.next_actions(now=time.monotonic())):
                if isinstance(action, Close):
                    workers.close(action.connect)
                else:
                    workers.start(action)
            left = ()
            if machine.ready is None:  # else its time was over
                for event in workers.events(machine.deadline):
                    machine.receive(event, now=time.monotonic())
            machine.advance(now=time.monotonic())
        workers.end(result.connection if isinstance(result, Verdict) else None)
        outcome.set_result(result)
    except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
        outcome.set_exception(error)


class _Worker(threading.Thread):
    def __init__(self, workers: Workers, action: Errand) -> None:
        super().__init__(name="siptls")
        self._workers = workers
        self._action = action
        self.outcome: Event | BaseException | None = None

    def run(self) -> None:
        try:
            outcome: Event | BaseException = self._workers.work(self._action)
        except BaseException as error:  # noqa: BLE001 - the driver raises it, or it is Cancelled
            outcome = error
        self._workers.ended(self, outcome)


def _perform(performer: BlockingPerformer, action: Errand, cancellation: Cancellation) -> Event:
    if isinstance(action, Lookup):
        return performer.lookup(action, cancellation)
    if isinstance(action, ValidatePath):
        return performer.validate(action)
    if isinstance(action, CheckRevocation):
        return check_revocation(action)
    return performer.connect(action, cancellation)
