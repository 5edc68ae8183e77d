"""A driver with caprices: it answers in any order, late or never, lets time jump, and sometimes breaks the contract.

It watches the laws while it does so: what is issued, what is awaited, and which connections are open at the end.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from siptls import (
    Action,
    Close,
    Connect,
    Event,
    LocalProtocolError,
    Locate,
    Lookup,
    Machine,
    Outbound,
    Policy,
    Presented,
    TargetFailed,
    TargetFailure,
    TargetInUse,
    ValidatePath,
    Verdict,
)
from siptls.events import Question
from world import AT, World, first

GENTLE = (0.0, 0.001, 0.3, 1.0, 3.0)
"""Jumps in time, in seconds, that few deadlines are passed by."""
WILD = (0.0,) * 6 + (0.001, 0.3, 0.3, 2.0, 2.0, 9.999, 10.0, 11.0, 31.0)
"""Jumps that pass deadlines, meet them, and put several of them behind at once."""


def outbound(world: World, uri: str, policy: Policy) -> Outbound:
    """A machine that reaches a domain of this world."""
    return Outbound(uri, policy=policy, now=0.0, at=AT, randbelow=first, anchors=world.anchors)


def locate(_world: World, uri: str, policy: Policy) -> Locate:
    """A machine that finds the servers of a domain of this world."""
    return Locate(uri, policy=policy, now=0.0, at=AT, randbelow=first)


def judged_at(verdict: Verdict) -> tuple[str, int] | None:
    """The server that a verdict speaks of."""
    return None if verdict.target is None else (verdict.target.host, verdict.target.port)


def everything(_action: Action) -> bool:
    """Every action is answered."""
    return True


@dataclass
class Player:
    """Drives one machine through one world.

    Args:
        world: what there is.
        rng: which event comes next, and how much time passes.
        jumps: how much time may pass between two events, in seconds.
        answers: which actions are ever answered.
        provoke: whether the driver also answers twice, and answers what was never asked.
    """

    world: World
    rng: random.Random
    jumps: tuple[float, ...] = ()
    answers: Callable[[Action], bool] = everything
    provoke: bool = False
    now: float = 0.0
    issued: list[Action] = field(default_factory=list[Action])
    open: list[Connect] = field(default_factory=list[Connect])
    waiting: list[Event] = field(default_factory=list[Event])
    told: list[Event] = field(default_factory=list[Event])
    asked_at: dict[Question, float] = field(default_factory=dict[Question, float])
    heard_at: dict[Question, float] = field(default_factory=dict[Question, float])
    unanswered: list[Action] = field(default_factory=list[Action])

    def play(self, machine: Machine[Any]) -> None:
        """Drive the machine to its end, and this driver to its own."""
        for _ in range(5_000):
            self.perform(machine)
            if machine.result is not None:
                break
            if isinstance(machine, Locate) and machine.ready is not None:
                self.disappoint(machine)
                continue
            self.watch(machine)
            self.go_on(machine)
        else:
            raise AssertionError("the machine does not end")
        result = machine.result
        self.come_late(machine)
        assert machine.result is result
        assert machine.deadline == math.inf
        assert not machine.outstanding

    def disappoint(self, machine: Locate) -> None:
        """Be the caller for whom each target fails, some after a while."""
        target = machine.next_target
        assert target is not None
        assert target in machine.targets
        if self.rng.random() < 0.5:
            machine.receive(TargetInUse(target), now=self.now)
            self.perform(machine)
        machine.receive(TargetFailed(target, TargetFailure.TIMEOUT), now=self.now)
        assert machine.next_target is not target

    def perform(self, machine: Machine[Any]) -> None:
        """Do what is to be done, until nothing is left to do."""
        while actions := machine.next_actions(now=self.now):
            for action in actions:
                self.issued.append(action)
                if isinstance(action, Close):
                    self.open.remove(action.connect)  # what is closed was open
                    continue
                if isinstance(action, (Lookup, ValidatePath)):
                    assert self.may_be_asked(action), "a question is asked once"
                    self.asked_at[action] = self.now
                if self.answers(action):
                    self.waiting.append(self.world.reply(action))
                else:
                    self.unanswered.append(action)

    def may_be_asked(self, action: Question) -> bool:
        """A question is asked once, unless what was answered is so old that the run had to start again."""
        return action not in self.asked_at or self.now >= self.asked_at[action] + 30.0

    def watch(self, machine: Machine[Any]) -> None:
        """An undecided machine awaits something, and only what it asked for."""
        assert machine.deadline < math.inf
        assert machine.outstanding, "an undecided machine has asked something"
        connecting = [action for action in machine.outstanding if isinstance(action, Connect)]
        assert len(connecting) + len(self.open) <= (1 if machine.policy.attempt_delay == math.inf else 2)
        awaited = {id(action) for action in [*[event.action for event in self.waiting], *self.unanswered]}
        assert awaited.issuperset([id(action) for action in machine.outstanding])

    def go_on(self, machine: Machine[Any]) -> None:
        """Let one thing happen: time passes, an event comes, or both."""
        if self.provoke:
            self.break_the_contract(machine)
        if self.jumps:
            self.now += self.rng.choice(self.jumps)
            if self.rng.random() < 0.5:
                machine.advance(now=self.now)
                return
        if self.waiting:
            self.tell(machine, self.waiting.pop(self.rng.randrange(len(self.waiting))))
        else:
            self.now = max(self.now, machine.deadline)
            machine.advance(now=self.now)

    def tell(self, machine: Machine[Any], event: Event) -> None:
        if isinstance(event, Presented):
            self.open.append(event.action)
        self.told.append(event)
        if isinstance(event.action, (Lookup, ValidatePath)):
            self.heard_at[event.action] = self.now
        machine.receive(event, now=self.now)

    def break_the_contract(self, machine: Machine[Any]) -> None:
        """Answer twice, and answer what was never asked: refused, and nothing changes."""
        before = (machine.deadline, machine.outstanding, machine.result)
        strangers: list[Event] = [self.world.answer(Lookup("never.asked.example", "A"))]
        for event in (*strangers, *self.told[-3:]):
            with pytest.raises(LocalProtocolError):
                machine.receive(event, now=self.now)
        assert before == (machine.deadline, machine.outstanding, machine.result)

    def come_late(self, machine: Machine[Any]) -> None:
        """After the result: some of what was under way still comes, the rest is cancelled."""
        for event in self.waiting:
            if self.rng.random() < 0.6:
                self.tell(machine, event)
        for event in self.told[-3:]:
            machine.receive(event, now=self.now)  # ignored, however often
        self.perform(machine)
