"""The driving contract that every machine keeps.

A machine is driven by four names::

    for action in machine.next_actions(now=t): ...   # perform it somewhere, each action exactly once
    machine.receive(event, now=t)                    # report what came of an action
    machine.advance(now=t)                           # when machine.deadline has passed
    machine.result                                   # None, then for ever the same value

Theory of operation. An action is *fresh* until ``next_actions`` hands it out, then *outstanding* until it is
*answered*, or *abandoned* when its own deadline passes; an abandoned action counts as a time-out. Asking something
equal again shares the answer, even one that is already here. What happens when an answer arrives is a continuation
that was given with the question. Continuations for answers that are already here run after the current one, from a
queue, so that a thousand of them need no deeper stack than one.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from .dns.question import Lookup
from .errors import LocalProtocolError
from .events import (
    Action,
    Answered,
    Close,
    Connect,
    ConnectEvent,
    Event,
    Failure,
    LookupEvent,
    LookupFailed,
    Presented,
    ValidatePath,
)
from .ledger import ABANDONED, ANSWERED, FRESH, OUTSTANDING, Entry
from .revocation import CheckRevocation
from .soundness import flaw, mended, plain, unanswered

if TYPE_CHECKING:
    from .journal import Note
    from .policy import Limits, Policy

R = TypeVar("R")


_FRESH_FOR: Final = 30.0  # seconds


class Machine(ABC, Generic[R]):
    """The part that all machines share: who asked what, what is awaited until when, and the journal.

    Args:
        policy: what the caller wants.
        now: the monotonic clock, in seconds.
        at: the wall clock at ``now``, an aware datetime.

    Raises:
        LocalProtocolError: ``at`` is naive.
    """

    __slots__ = (
        "_at",
        "_began",
        "_closes",
        "_due",
        "_ends",
        "_fresh",
        "_journal",
        "_late",
        "_ledger",
        "_limits",
        "_lookups_left",
        "_now",
        "_open",
        "_patience",
        "_ready",
        "_records_at_most",
        "_result",
        "policy",
    )

    def __init__(self, policy: Policy, now: float, at: datetime) -> None:
        if at.tzinfo is not UTC:
            at = _in_utc(at)
        self.policy: Final[Policy] = policy
        self._limits: Final[Limits] = policy.limits  # these three are read for every answer
        self._records_at_most: Final = self._limits.records
        self._patience: Final[float] = policy.lookup_timeout
        self._began = self._now = now
        self._at = at
        self._ends = now + self._limits.seconds
        self._due = self._ends
        self._lookups_left = self._limits.lookups
        self._ledger: dict[Action, Entry] = {}
        self._open: list[Entry] = []
        # Nearly always empty, and then they cost nothing: a machine that waits is mostly what it references.
        self._fresh: list[Entry] | None = None
        self._closes: tuple[Close, ...] = ()
        self._late: tuple[Lookup, ...] = ()  # asked anew while the first answer may still come
        self._ready: tuple[tuple[Callable[[Any], None], Event | None], ...] = ()
        self._journal: list[Note] = []
        self._result: R | None = None

    # The contract.

    @property
    def result(self) -> R | None:
        """What came of it, once that is known. It never changes afterwards."""
        return self._result

    @property
    def ready(self) -> R | None:
        """The result; or what there is so far, as long as the machine waits for nothing but a word of its caller.

        A driver drives until this is not None. Only `Locate` with a ``prefetch`` ever waits for its caller.
        """
        return self._result

    @property
    def deadline(self) -> float:
        """When `advance` must be called at the latest, on the ``now`` clock; ``math.inf`` when nothing is awaited."""
        if self._result is not None:
            return math.inf
        return min([self._ends, *[entry.when for entry in self._open]])

    @property
    def outstanding(self) -> tuple[Action, ...]:
        """The actions that were handed out and are not answered yet; empty once there is a result."""
        return tuple([entry.action for entry in self._open if entry.state == OUTSTANDING])

    def next_actions(self, *, now: float) -> tuple[Action, ...]:
        """Return the actions that became necessary since the last call, each exactly once.

        Call it after every other call, until it returns nothing; after the result once more, for `Close`.

        Args:
            now: the monotonic clock, in seconds.
        """
        if now >= self._due:
            self.advance(now=now)
        fresh, closes = self._fresh, self._closes
        self._closes = ()
        if fresh is None:
            return closes
        self._fresh = None
        for entry in fresh:
            entry.state = OUTSTANDING
        return (*closes, *[entry.action for entry in fresh])

    def receive(self, event: Event, *, now: float) -> None:
        """Take in what came of an action.

        The first answer to an action whose deadline has passed is ignored, and so is everything after the result,
        except that a connection which is presented too late is closed.

        Args:
            event: what came of ``event.action``.
            now: the monotonic clock, in seconds.

        Raises:
            LocalProtocolError: the action was never handed out, is answered already, or the event does not fit it.
        """
        if now >= self._due:
            self.advance(now=now)
        elif now > self._now:
            self._now = now
        try:
            action = event.action
        except AttributeError:
            raise LocalProtocolError(f"{event!r} is no event that {type(self).__name__} takes") from None
        entry = self._ledger.get(action)
        if entry is None or entry.state != OUTSTANDING:
            self._receive_unawaited(event, entry)
            return
        if type(event) is Answered and type(action) is Lookup:
            if not plain(event, self._records_at_most):
                event = mended(event, self._limits, self._note)
        elif type(action) is not event.answers:
            raise LocalProtocolError(f"{event!r} does not answer {action!r}")
        elif wrong := flaw(event):
            raise LocalProtocolError(f"{event!r} {wrong}")
        self._open.remove(entry)
        entry.state = ANSWERED
        self._enter(entry, event)
        if self._ready:
            self._settle()

    def advance(self, *, now: float) -> None:
        """Let time pass. Calling this too early, or too often, is harmless.

        Args:
            now: the monotonic clock, in seconds.
        """
        if now > self._now:
            self._now = now
        if self._now < self._due or self._result is not None:
            return
        if self._now >= self._ends:
            self._run_out()
        else:
            self._on_time()
            self._settle()

    # For the machines built on this.

    def _ask(self, question: Lookup, then: Callable[[LookupEvent], None]) -> None:
        """Ask the DNS, unless that is asked or answered already, and go on with ``then``."""
        entry = self._ledger.get(question)
        if entry is not None and not self._is_stale(entry):
            self._share(entry, then)
            return
        if entry is not None and entry.state == ABANDONED:
            self._late += (question,)
        self._lookups_left -= 1
        if self._lookups_left < 0:
            detail = f"limits.lookups: more than {self._limits.lookups} lookups"
            entry = self._ledger[question] = Entry(question, self._now, then)
            entry.state = ANSWERED
            self._put_off(entry, LookupFailed(question, Failure.LIMIT, detail))
            return
        self._issue(question, then, self._patience)

    def _validate(self, question: ValidatePath | CheckRevocation, then: Callable[[Any], None]) -> None:
        """Ask for a validated path, or what CRLs say of one, unless that is asked or answered already."""
        entry = self._ledger.get(question)
        if entry is not None:
            self._share(entry, then)
        else:
            self._issue(question, then, self.policy.path_timeout)

    def _connect(self, connect: Connect, then: Callable[[ConnectEvent], None]) -> None:
        """Ask for a connection and go on with ``then``."""
        self._issue(connect, then, self.policy.connect_timeout)

    def _answer_to(self, question: Lookup) -> LookupEvent:
        """What came of a question that is answered."""
        event = self._ledger[question].event
        assert isinstance(event, (Answered, LookupFailed))
        return event

    def _holds_until(self, event: Answered) -> float:
        """Until when an answer may be used: it ages from when it came, not from when it is needed (RFC 1035 3.2.1)."""
        return self._ledger[event.action].when + event.answer.ttl

    def _stale_from(self, event: Answered) -> float:
        """From when on an answer must not be used to fall back (RFC 3403 section 3).

        Records are fresh for the run they were fetched in, even with a TTL of 0; half a minute is a run.
        """
        return self._ledger[event.action].when + max(event.answer.ttl, _FRESH_FOR)

    def _close(self, connect: Connect) -> None:
        """Have a presented connection closed."""
        self._closes += (Close(connect),)

    def _note(self, code: str, hop: object, evidence: object) -> None:
        """Write a finding into the journal; the text is made when somebody reads it."""
        self._journal.append((self._now, code, hop, evidence))

    def _note_at(self, hop: object, code: str, evidence: object) -> int:
        """Write a finding into the journal, for a part of the machine that judges; return its place."""
        self._journal.append((self._now, code, hop, evidence))
        return len(self._journal) - 1

    def _later(self, then: Callable[[Any], None]) -> None:
        """Go on with ``then`` after the current continuation, so that the stack stays flat."""
        self._ready += ((then, None),)

    def _wall_clock(self) -> datetime:
        """What the wall clock shows now."""
        try:
            return self._at if self._now == self._began else self._at + timedelta(seconds=self._now - self._began)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)

    def _finish(self, result: R) -> None:
        """Set the result. Actions nobody knows of yet are forgotten, all but `Close`."""
        self._result, self._due = result, math.inf
        for entry in self._open:
            if entry.state == FRESH:
                del self._ledger[entry.action]
            else:
                self._abandon(entry)
        self._open.clear()
        self._fresh = None
        self._ready = ()

    @abstractmethod
    def _run_out(self) -> None:
        """End the run, because its time is over."""

    def _on_time(self) -> None:
        """Treat what is overdue as a time-out."""
        for entry in [entry for entry in self._open if entry.when <= self._now]:
            self._open.remove(entry)
            if entry.state == FRESH and self._fresh is not None:
                self._fresh.remove(entry)
            self._abandon(entry)
        self._due = min([self._ends, *[entry.when for entry in self._open]])

    def _issue(self, action: Action, then: Callable[[Any], None], patience: float) -> None:
        deadline = self._now + patience
        entry = Entry(action, deadline, then)
        self._ledger[action] = entry
        self._open.append(entry)
        if self._fresh is None:
            self._fresh = [entry]
        else:
            self._fresh.append(entry)
        if deadline < self._due:
            self._due = deadline

    def _enter(self, entry: Entry, event: Event) -> None:
        """Write into the ledger what came of an action, and go on with those who wait for it."""
        then, entry.then = entry.then, None
        entry.event = event
        entry.when = self._now
        if entry.others is not None:
            self._ready += tuple([(other, event) for other in entry.others])
            entry.others = None
        assert then is not None  # each is entered once
        then(event)

    def _put_off(self, entry: Entry, event: Event) -> None:
        """Write into the ledger what came of an action; those who wait for it go on when the machine settles."""
        self._later(lambda _event: self._enter(entry, event))

    def _abandon(self, entry: Entry) -> None:
        entry.state = ABANDONED if entry.state == OUTSTANDING else ANSWERED
        self._put_off(entry, unanswered(entry.action))

    def _is_stale(self, entry: Entry) -> bool:
        """Whether a question must be asked anew, because its answer is too old to be shared."""
        if self._now < self._began + _FRESH_FOR or entry.event is None:
            return False
        ttl = entry.event.answer.ttl if isinstance(entry.event, Answered) else 0.0
        return self._now >= entry.when + max(ttl, _FRESH_FOR)

    def _share(self, entry: Entry, then: Callable[[Any], None]) -> None:
        """Share the answer to a question that was asked before, even one that is already here."""
        if entry.event is not None:
            self._ready += ((then, entry.event),)
        elif entry.others is None:
            entry.others = [then]
        else:
            entry.others.append(then)

    def _settle(self) -> None:
        """Run the continuations whose answers are here."""
        while self._ready and self._result is None:
            then, event = self._ready[0]
            self._ready = self._ready[1:]
            then(event)

    def _receive_unawaited(self, event: Event, entry: Entry | None) -> None:
        """Let a late answer pass once, and refuse what nobody waits for."""
        if isinstance(event.action, Lookup) and event.action in self._late:
            at = self._late.index(event.action)
            self._late = self._late[:at] + self._late[at + 1 :]
            return
        if entry is None:
            raise LocalProtocolError(f"{event.action!r} was never asked for, so {event!r} cannot answer it")
        if entry.state == FRESH:
            raise LocalProtocolError(f"{event.action!r} was not handed out yet, so {event!r} cannot answer it")
        if entry.state == ABANDONED:
            entry.state = ANSWERED
            if isinstance(event, Presented):
                self._close(event.action)
        elif self._result is None:
            raise LocalProtocolError(f"{event.action!r} was answered before")


def _in_utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise LocalProtocolError(f"the wall clock must be an aware datetime, not {at!r}")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise LocalProtocolError(f"the wall clock must be a time that UTC can express, not {at!r}") from None
