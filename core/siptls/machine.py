"""The driving contract that every machine keeps.

A machine is driven by four names::

    for action in machine.next_actions(now=t): ...   # perform it somewhere, each action exactly once
    machine.receive(event, now=t)                    # report what came of an action
    machine.advance(now=t)                           # when machine.deadline has passed
    machine.result                                   # None, then for ever the same value

Theory of operation. An action is *fresh* until ``next_actions`` hands it out, then *outstanding* until it is
*answered*, or *abandoned* when its own deadline passes; an abandoned action counts as a time-out. Asking something
equal again shares the answer, even one that is already here. What happens when an answer arrives is a continuation
that was given with the question. Continuations for answers that are already here run after the current one, from a queue, so that a
thousand of them need no deeper stack than one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .dns.answer import INSECURE, SECURE, Answer
from .dns.question import Lookup
from .dns.records import RECORD_TYPE, belonging
from .errors import LocalProtocolError
from .events import (
    Action,
    Answered,
    Close,
    Connect,
    ConnectEvent,
    ConnectFailed,
    Event,
    Failure,
    LookupEvent,
    LookupFailed,
    PathEvent,
    PathRejected,
    Presented,
    ValidatePath,
)
from .names import fold, same

if TYPE_CHECKING:
    from .journal import Note
    from .policy import Policy

R = TypeVar("R")


class _Pending:
    """What waits for one action."""

    __slots__ = ("deadline", "others", "then")

    def __init__(self, deadline: float, then: Callable[[Any], None]) -> None:
        self.deadline = deadline
        self.then = then
        self.others: list[Callable[[Any], None]] | None = None


class Machine(Generic[R]):
    """The part that all machines share: who asked what, what is awaited until when, and the journal.

    Args:
        policy: what the caller wants.
        now: the monotonic clock, in seconds.
        at: the wall clock at ``now``, an aware datetime.

    Raises:
        LocalProtocolError: ``at`` is naive.
    """

    __slots__ = (
        "_abandoned",
        "_answers",
        "_at",
        "_began",
        "_due",
        "_ends",
        "_fresh",
        "_journal",
        "_lookups",
        "_now",
        "_ready",
        "_result",
        "_waiting",
        "policy",
    )

    def __init__(self, policy: Policy, now: float, at: datetime) -> None:
        if at.tzinfo is None:
            raise LocalProtocolError(f"the wall clock must be an aware datetime, not {at!r}")
        self.policy = policy
        self._began = now
        self._now = now
        self._at = at
        self._ends = now + policy.limits.seconds
        self._due = self._ends
        self._lookups = 0
        self._waiting: dict[Action, _Pending] = {}
        self._answers: dict[Action, Event] = {}
        self._abandoned: list[Action] = []
        self._fresh: list[Action] = []
        self._ready: list[tuple[Callable[[Any], None], Event | None]] = []
        self._journal: list[Note] = []
        self._result: R | None = None

    # The contract.

    @property
    def result(self) -> R | None:
        """What came of it, once that is known. It never changes afterwards."""
        return self._result

    @property
    def deadline(self) -> float:
        """When `advance` must be called at the latest, on the ``now`` clock; ``math.inf`` when nothing is awaited."""
        if self._result is not None:
            return math.inf
        deadline = self._ends
        for pending in self._waiting.values():
            if pending.deadline < deadline:
                deadline = pending.deadline
        return deadline

    @property
    def outstanding(self) -> tuple[Action, ...]:
        """The actions that were handed out and are not answered yet; empty once there is a result."""
        return tuple([action for action in self._waiting if action not in self._fresh])

    def next_actions(self, *, now: float) -> tuple[Action, ...]:
        """Return the actions that became necessary since the last call, each exactly once.

        Call it after every other call, until it returns nothing; after the result once more, for `Close`.

        Args:
            now: the monotonic clock, in seconds.
        """
        self.advance(now=now)
        if not self._fresh:
            return ()
        fresh, self._fresh = self._fresh, []
        return tuple(fresh)

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
        action = event.action
        pending = self._waiting.get(action)
        if pending is None:
            self._receive_late(event)
            return
        if action.kind != event.kind:
            raise LocalProtocolError(f"{event!r} does not answer {action!r}")
        if self._fresh and action in self._fresh:
            raise LocalProtocolError(f"{action!r} was not handed out yet, so {event!r} cannot answer it")
        if type(event) is Answered:
            event = self._sound(event)
        del self._waiting[action]
        self._answers[action] = event
        pending.then(event)
        if pending.others:
            self._ready.extend([(then, event) for then in pending.others])
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
            self._abandon_due()
            self._settle()

    # For the machines built on this.

    def _ask(self, question: Lookup, then: Callable[[LookupEvent], None]) -> None:
        """Ask the DNS, unless that is asked or answered already, and go on with ``then``."""
        if question not in self._waiting and question not in self._answers:
            self._lookups += 1
            if self._lookups > self.policy.limits.lookups:
                detail = f"more than {self.policy.limits.lookups} lookups"
                self._answers[question] = LookupFailed(question, Failure.LIMIT, detail)
        self._await(question, then, self.policy.lookup_timeout)

    def _validate(self, question: ValidatePath, then: Callable[[PathEvent], None]) -> None:
        """Ask for a validated path and go on with ``then``."""
        self._await(question, then, self.policy.path_timeout)

    def _connect(self, connect: Connect, then: Callable[[ConnectEvent], None]) -> None:
        """Ask for a connection and go on with ``then``."""
        self._await(connect, then, self.policy.connect_timeout)

    def _close(self, connect: Connect) -> None:
        """Have a presented connection closed."""
        self._fresh.append(Close(connect))

    def _note(self, code: str, hop: object, evidence: object) -> None:
        """Write a finding into the journal; the text is made when somebody reads it."""
        self._journal.append((self._now - self._began, code, hop, evidence))

    def _note_at(self, hop: object, code: str, evidence: object) -> None:
        """Write a finding into the journal, for a part of the machine that looks at one hop only."""
        self._journal.append((self._now - self._began, code, hop, evidence))

    def _later(self, then: Callable[[Any], None]) -> None:
        """Go on with ``then`` after the current continuation, so that the stack stays flat."""
        self._ready.append((then, None))

    def _wall_clock(self) -> datetime:
        """What the wall clock shows now."""
        return self._at + timedelta(seconds=self._now - self._began)

    def _finish(self, result: R) -> None:
        """Set the result. Actions nobody knows of yet are forgotten, all but `Close`."""
        self._result = result
        for action in self._fresh:
            self._waiting.pop(action, None)
        self._fresh = [action for action in self._fresh if action.kind == "close"]
        self._abandoned.extend(self._waiting)
        self._waiting.clear()
        self._ready.clear()

    def _run_out(self) -> None:
        """End the run, because its time is over."""
        raise NotImplementedError

    # Private.

    def _await(self, action: Action, then: Callable[[Any], None], patience: float) -> None:
        pending = self._waiting.get(action)
        if pending is not None:
            if pending.others is None:
                pending.others = []
            pending.others.append(then)
            return
        event = self._answers.get(action)
        if event is not None:
            self._ready.append((then, event))
            return
        deadline = self._now + patience
        self._waiting[action] = _Pending(deadline, then)
        self._fresh.append(action)
        if deadline < self._due:
            self._due = deadline

    def _settle(self) -> None:
        """Run the continuations whose answers are here."""
        ready = self._ready
        while ready and self._result is None:
            then, event = ready.pop(0)
            then(event)

    def _abandon_due(self) -> None:
        """Treat what is overdue as a time-out."""
        for action, pending in tuple(self._waiting.items()):
            if pending.deadline <= self._now and self._result is None:
                event = _timed_out(action)
                del self._waiting[action]
                if action in self._fresh:
                    self._fresh.remove(action)
                else:
                    self._abandoned.append(action)
                self._answers[action] = event
                self._ready.extend([(then, event) for then in (pending.then, *(pending.others or ()))])
        self._due = min([self._ends, *[pending.deadline for pending in self._waiting.values()]])

    def _receive_late(self, event: Event) -> None:
        action = event.action
        if action in self._abandoned:
            self._abandoned.remove(action)
            self._answers[action] = event
            if isinstance(event, Presented):
                self._close(event.action)
        elif action not in self._answers:
            raise LocalProtocolError(f"{action!r} was never asked for, so {event!r} cannot answer it")
        elif self._result is None:
            raise LocalProtocolError(f"{action!r} was answered before")

    def _sound(self, event: Answered) -> LookupEvent:
        """Return the event with an answer that is what it says, or the failure that it amounts to."""
        answer = event.answer
        if answer.question is not event.action and answer.question != event.action:
            raise LocalProtocolError(f"{answer!r} is no answer to {event.action!r}")
        if answer.security is not SECURE and answer.security is not INSECURE:
            raise LocalProtocolError(f"{answer!r}: a failed lookup is LookupFailed, not an answer")
        limits = self.policy.limits
        if len(answer.records) > limits.records:
            return LookupFailed(event.action, Failure.LIMIT, f"{len(answer.records)} records")
        if len(answer.aliases) > limits.aliases:
            return LookupFailed(event.action, Failure.LIMIT, f"{len(answer.aliases)} aliases")
        if not _leads_to_owner(answer):
            return LookupFailed(event.action, Failure.MALFORMED, "the aliases do not lead to the owner name")
        kind = RECORD_TYPE[answer.question.rrtype]
        for record in answer.records:
            if record.owner != answer.owner or type(record) is not kind:
                answer = self._without_strangers(answer)
                break
        if (answer.denial is None) is not bool(answer.records):
            return LookupFailed(event.action, Failure.MALFORMED, "neither records nor a denial, or both")
        for alias in answer.aliases:
            if alias.security < answer.security or alias.ttl < answer.ttl:
                # An answer is as strong and as lasting as its weakest step (RFC 6672 section 5.3.3).
                answer = answer.changed(security=min(answer.security, alias.security), ttl=min(answer.ttl, alias.ttl))
        return event if answer is event.answer else Answered(event.action, answer)

    def _without_strangers(self, answer: Answer) -> Answer:
        """Drop the records that stand at another name or are of another type: nobody asked for them."""
        records = belonging(answer.records, answer.owner, answer.question.rrtype)
        if len(records) == len(answer.records):
            return answer
        self._note("locate.foreign-record", answer.question, f"{len(answer.records) - len(records)} record(s)")
        return answer.changed(records=records)


def _leads_to_owner(answer: Answer) -> bool:
    """Whether the alias chain runs from the name asked for to the owner, each name once."""
    name = answer.question.name
    if not answer.aliases:
        return answer.owner == name or same(answer.owner, name)
    seen: set[str] = set()
    for alias in answer.aliases:
        if not same(alias.owner, name) or fold(name) in seen:
            return False
        seen.add(fold(name))
        name = alias.target
    return same(name, answer.owner) and fold(name) not in seen


def _timed_out(action: Action) -> Event:
    if isinstance(action, Lookup):
        return LookupFailed(action, Failure.TIMEOUT, "no answer in time")
    if isinstance(action, ValidatePath):
        return PathRejected(action, "chain.timeout", "no answer in time")
    assert isinstance(action, Connect)  # Close is never awaited
    return ConnectFailed(action, "net.timeout", "no connection in time")
