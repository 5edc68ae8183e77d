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
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

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
    PathValidated,
    Presented,
    ValidatePath,
)
from .names import fold, same

if TYPE_CHECKING:
    from .journal import Note
    from .policy import Policy

R = TypeVar("R")


class _Pending:
    """An action that is not answered yet, and what waits for it."""

    __slots__ = ("action", "deadline", "others", "then")

    def __init__(self, action: Action, deadline: float, then: Callable[[Any], None]) -> None:
        self.action: Final = action
        self.deadline: Final = deadline
        self.then: Final = then
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
        "_at",
        "_began",
        "_due",
        "_ends",
        "_fresh",
        "_journal",
        "_ledger",
        "_lookups",
        "_now",
        "_open",
        "_ready",
        "_result",
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
        self._ledger: dict[Action, _Pending | Event] = {}
        self._open: list[_Pending] = []
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
        return min([self._ends, *[pending.deadline for pending in self._open]])

    @property
    def outstanding(self) -> tuple[Action, ...]:
        """The actions that were handed out and are not answered yet; empty once there is a result."""
        return tuple([pending.action for pending in self._open if pending.action not in self._fresh])

    def next_actions(self, *, now: float) -> tuple[Action, ...]:
        """Return the actions that became necessary since the last call, each exactly once.

        Call it after every other call, until it returns nothing; after the result once more, for `Close`.

        Args:
            now: the monotonic clock, in seconds.
        """
        if now >= self._due:
            self.advance(now=now)
        fresh = self._fresh
        if not fresh:
            return ()
        self._fresh = []
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
        pending = self._ledger.get(action)
        if type(pending) is not _Pending:
            self._receive_late(event, known=pending is not None)
            return
        if type(action) is not event.answers:
            raise LocalProtocolError(f"{event!r} does not answer {action!r}")
        if self._fresh and action in self._fresh:
            raise LocalProtocolError(f"{action!r} was not handed out yet, so {event!r} cannot answer it")
        if type(event) is Answered:
            event = self._sound(event)
        elif type(event) is PathValidated and event.path[:1] != (event.action.leaf,):
            raise LocalProtocolError(f"{event!r} is not a path from the certificate that was asked about")
        self._ledger[action] = event
        self._open.remove(pending)
        pending.then(event)
        if pending.others:
            self._ready.extend([(then, event) for then in pending.others])
        if self._ready:
            self._settle()

    def advance(self, *, now: float) -> None:
        """Let time pass. Calling this too early, or too often, is harmless.

        Args:
            now: the monotonic clock, in seconds.
        """
        if now > self._now:
            self._now = now
        if self._now < self._due:
            return
        if self._now >= self._ends:
            self._run_out()
        else:
            self._on_time()
            self._settle()

    # For the machines built on this.

    def _ask(self, question: Lookup, then: Callable[[LookupEvent], None]) -> None:
        """Ask the DNS, unless that is asked or answered already, and go on with ``then``."""
        if question in self._ledger:
            self._share(question, then)
            return
        self._lookups += 1
        if self._lookups > self.policy.limits.lookups:
            detail = f"more than {self.policy.limits.lookups} lookups"
            self._ledger[question] = LookupFailed(question, Failure.LIMIT, detail)
            self._share(question, then)
            return
        self._issue(question, then, self.policy.lookup_timeout)

    def _validate(self, question: ValidatePath, then: Callable[[PathEvent], None]) -> None:
        """Ask for a validated path, unless that is asked or answered already, and go on with ``then``."""
        if question in self._ledger:
            self._share(question, then)
        else:
            self._issue(question, then, self.policy.path_timeout)

    def _connect(self, connect: Connect, then: Callable[[ConnectEvent], None]) -> None:
        """Ask for a connection and go on with ``then``."""
        self._issue(connect, then, self.policy.connect_timeout)

    def _answer_to(self, question: Lookup) -> LookupEvent:
        """What came of a question that is answered."""
        event = self._ledger[question]
        assert isinstance(event, (Answered, LookupFailed))
        return event

    def _close(self, connect: Connect) -> None:
        """Have a presented connection closed."""
        self._fresh.append(Close(connect))

    def _note(self, code: str, hop: object, evidence: object) -> None:
        """Write a finding into the journal; the text is made when somebody reads it."""
        self._journal.append((self._now, code, hop, evidence))

    def _note_at(self, hop: object, code: str, evidence: object) -> None:
        """Write a finding into the journal, for a part of the machine that looks at one hop only."""
        self._journal.append((self._now, code, hop, evidence))

    def _later(self, then: Callable[[Any], None]) -> None:
        """Go on with ``then`` after the current continuation, so that the stack stays flat."""
        self._ready.append((then, None))

    def _wall_clock(self) -> datetime:
        """What the wall clock shows now."""
        passed = self._now - self._began
        return self._at + timedelta(seconds=passed) if passed else self._at

    def _finish(self, result: R) -> None:
        """Set the result. Actions nobody knows of yet are forgotten, all but `Close`."""
        self._result = result
        self._due = math.inf
        for pending in self._open:
            if pending.action in self._fresh:
                del self._ledger[pending.action]
            else:
                self._abandoned.append(pending.action)
                self._ledger[pending.action] = _timed_out(pending.action)
        self._fresh = [action for action in self._fresh if type(action) is Close]
        self._open.clear()
        self._ready.clear()

    def _run_out(self) -> None:
        """End the run, because its time is over."""
        raise NotImplementedError

    def _on_time(self) -> None:
        """Treat what is overdue as a time-out."""
        overdue = [pending for pending in self._open if pending.deadline <= self._now]
        for pending in overdue:
            event = _timed_out(pending.action)
            self._open.remove(pending)
            self._ledger[pending.action] = event
            if pending.action in self._fresh:
                self._fresh.remove(pending.action)
            else:
                self._abandoned.append(pending.action)
            self._ready.extend([(then, event) for then in (pending.then, *(pending.others or ()))])
        self._due = min([self._ends, *[pending.deadline for pending in self._open]])

    # Private.

    def _issue(self, action: Action, then: Callable[[Any], None], patience: float) -> None:
        deadline = self._now + patience
        pending = _Pending(action, deadline, then)
        self._ledger[action] = pending
        self._open.append(pending)
        self._fresh.append(action)
        if deadline < self._due:
            self._due = deadline

    def _share(self, question: Lookup | ValidatePath, then: Callable[[Any], None]) -> None:
        """Share the answer to a question that was asked before, even one that is already here."""
        known = self._ledger[question]
        if not isinstance(known, _Pending):
            self._ready.append((then, known))
        elif known.others is None:
            known.others = [then]
        else:
            known.others.append(then)

    def _settle(self) -> None:
        """Run the continuations whose answers are here."""
        ready = self._ready
        while ready and self._result is None:
            then, event = ready.pop(0)
            then(event)

    def _receive_late(self, event: Event, *, known: bool) -> None:
        action = event.action
        if action in self._abandoned:
            self._abandoned.remove(action)
            if isinstance(event, Presented):
                self._close(event.action)
        elif not known:
            raise LocalProtocolError(f"{action!r} was never asked for, so {event!r} cannot answer it")
        elif self._result is None:
            raise LocalProtocolError(f"{action!r} was answered before")

    def _sound(self, event: Answered) -> LookupEvent:
        """Return the event if its answer is what it says, else what it amounts to."""
        answer, question = event.answer, event.action
        records, owner = answer.records, answer.owner
        if (
            answer.question == question
            and owner == question.name
            and not answer.aliases
            and (answer.denial is None) is bool(records)
            and (answer.security is SECURE or answer.security is INSECURE)
            and len(records) <= self.policy.limits.records
        ):
            kind = RECORD_TYPE[question.rrtype]
            for record in records:
                if record.owner != owner or type(record) is not kind:
                    break
            else:
                return event  # nearly all answers are like this
        return self._mended(event)

    def _mended(self, event: Answered) -> LookupEvent:
        """Return the event with an answer that is what it says, or the failure that it amounts to."""
        answer = event.answer
        if answer.question != event.action:
            raise LocalProtocolError(f"{answer!r} is no answer to {event.action!r}")
        if not {answer.security, *[alias.security for alias in answer.aliases]} <= {SECURE, INSECURE}:
            raise LocalProtocolError(f"{answer!r}: a failed lookup is LookupFailed, not an answer")
        limits = self.policy.limits
        if len(answer.records) > limits.records:
            return LookupFailed(event.action, Failure.LIMIT, f"{len(answer.records)} records")
        if len(answer.aliases) > limits.aliases:
            return LookupFailed(event.action, Failure.LIMIT, f"{len(answer.aliases)} aliases")
        if not _leads_to_owner(answer):
            return LookupFailed(event.action, Failure.MALFORMED, "the aliases do not lead to the owner name")
        answer = self._without_strangers(answer)
        if (answer.denial is None) is not bool(answer.records):
            return LookupFailed(event.action, Failure.MALFORMED, "neither records nor a denial, or both")
        for alias in answer.aliases:
            if alias.security < answer.security or alias.ttl < answer.ttl:
                # An answer is as strong and as lasting as its weakest step (RFC 6672 section 5.3.3).
                answer = answer.changed(security=min(answer.security, alias.security), ttl=min(answer.ttl, alias.ttl))
        return Answered(event.action, answer)

    def _without_strangers(self, answer: Answer) -> Answer:
        """Drop the records that stand at another name or are of another type: nobody asked for them."""
        records = belonging(answer.records, answer.owner, answer.question.rrtype)
        if len(records) == len(answer.records):
            return answer
        question, dropped = answer.question, len(answer.records) - len(records)
        self._note("locate.foreign-record", "LOCATE", f"{dropped} record(s) beside {question.name} {question.rrtype}")
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
