"""Staggered connects (policy.attempt_delay): two in flight at most, the first ACCEPTED wins, the other is closed."""

from __future__ import annotations

import hashlib
import math

import pytest

from pki import Issuer
from siptls import (
    Action,
    Close,
    Connect,
    ConnectFailed,
    InvalidPolicy,
    Limits,
    Outbound,
    Outcome,
    PathRejected,
    PathValidated,
    Policy,
    Presented,
    TlsFacts,
    ValidatePath,
    Verdict,
)
from world import AT, World, first

ROOT = Issuer.root()
GOOD = ROOT.leaf(uris=["sip:example.com"])
BAD = ROOT.leaf(uris=["sip:example.net"])
DELAY = 0.25


def two_targets(*, pinned: bool = False) -> World:
    """Four addresses at the first server, one at each of the next two."""
    world = World()
    servers = [(n, 0, 5061, f"sip{n}.example.com") for n in (1, 2, 3)]
    world.srv("_sips._tcp.example.com", *servers)
    world.address("sip1.example.com", *[f"192.0.2.{n}" for n in (1, 2, 3, 4)])
    world.address("sip2.example.com", "192.0.2.21")
    world.address("sip3.example.com", "192.0.2.31")
    world.trust(ROOT.der, GOOD.chain)
    if pinned:
        world.tlsa("_5061._tcp.sip1.example.com", "3 1 1 " + hashlib.sha256(GOOD.spki).hexdigest())
    return world


class Stage:
    """A machine whose DNS answers at once, while connections and paths are left to the test."""

    def __init__(self, world: World, policy: Policy | None = None) -> None:
        self.world = world
        self.machine = Outbound(
            "sips:example.com",
            policy=policy or Policy(attempt_delay=DELAY, families=("ipv4",)),
            now=0.0,
            at=AT,
            randbelow=first,
            anchors=world.anchors,
        )
        self.connects: list[Connect] = []
        self.paths: list[ValidatePath] = []
        self.closed: list[Connect] = []
        self.now = 0.0
        self.to(0.0)

    def to(self, now: float) -> None:
        """Let time pass until then, and do what is to be done."""
        self.now = now
        self.machine.advance(now=now)
        while actions := self.machine.next_actions(now=now):
            for action in actions:
                self.do(action)

    def do(self, action: Action) -> None:
        match action:
            case Connect():
                self.connects.append(action)
            case ValidatePath():
                self.paths.append(action)
            case Close():
                self.closed.append(action.connect)
            case _:
                self.machine.receive(self.world.reply(action), now=self.now)

    def present(self, number: int, *chain: bytes, at: float | None = None) -> None:
        """Let connection number n present a chain."""
        self.now = self.now if at is None else at
        self.machine.receive(Presented(self.connects[number], chain, TlsFacts()), now=self.now)
        self.to(self.now)

    def fail(self, number: int, *, at: float | None = None) -> None:
        """Let connection number n fail."""
        self.now = self.now if at is None else at
        self.machine.receive(ConnectFailed(self.connects[number], "net.refused"), now=self.now)
        self.to(self.now)

    def answer(self, number: int, *, valid: bool) -> None:
        """Answer the question for a path number n."""
        question = self.paths[number]
        path = PathValidated(question, GOOD.chain) if valid else PathRejected(question, "chain.unknown-ca")
        self.machine.receive(path, now=self.now)
        self.to(self.now)

    @property
    def addresses(self) -> list[str]:
        """The addresses connected to so far."""
        return [connect.endpoint.address for connect in self.connects]

    @property
    def verdict(self) -> Verdict:
        assert self.machine.verdict is not None
        return self.machine.verdict


@pytest.fixture
def stage() -> Stage:
    return Stage(two_targets())


def test_without_a_delay_one_connection_follows_the_other() -> None:
    stage = Stage(two_targets(), Policy(families=("ipv4",)))
    assert stage.machine.deadline == 10.0
    stage.to(9.999)
    assert stage.addresses == ["192.0.2.1"]
    stage.to(10.0)
    assert stage.addresses == ["192.0.2.1", "192.0.2.2"]


def test_the_next_address_is_tried_when_the_delay_has_passed_and_no_third_beside_them(stage: Stage) -> None:
    assert stage.addresses == ["192.0.2.1"]
    assert stage.machine.deadline == DELAY
    stage.to(DELAY - 0.001)
    assert stage.addresses == ["192.0.2.1"]
    stage.to(DELAY)
    assert stage.addresses == ["192.0.2.1", "192.0.2.2"]
    assert stage.machine.deadline == 10.0  # no timer runs while two are in flight
    stage.to(9.0)
    assert stage.addresses == ["192.0.2.1", "192.0.2.2"]


def test_a_connection_that_fails_is_followed_at_once_and_the_delay_begins_anew(stage: Stage) -> None:
    stage.fail(0, at=0.1)
    assert stage.addresses == ["192.0.2.1", "192.0.2.2"]
    assert stage.machine.deadline == 0.1 + DELAY
    stage.to(0.1 + DELAY)
    stage.fail(1)
    assert stage.addresses == [f"192.0.2.{n}" for n in (1, 2, 3, 4)]


def test_the_first_accepted_wins_and_the_other_is_closed_when_it_comes_late() -> None:
    stage = Stage(two_targets(pinned=True))
    stage.to(DELAY)
    stage.present(1, GOOD.der)
    assert stage.verdict.outcome is Outcome.ACCEPTED
    assert stage.verdict.connection is stage.connects[1]
    assert not stage.closed
    assert stage.machine.deadline == math.inf
    stage.present(0, GOOD.der, at=0.5)
    assert stage.closed == [stage.connects[0]]
    assert stage.verdict.connection is stage.connects[1]


def test_the_first_accepted_wins_and_the_other_that_is_being_judged_is_closed(stage: Stage) -> None:
    stage.to(DELAY)
    stage.present(0, *GOOD.chain)
    stage.present(1, *GOOD.chain, at=0.3)  # another time, another question
    assert len(stage.paths) == 2
    stage.answer(1, valid=True)
    assert stage.verdict.connection is stage.connects[1]
    assert stage.closed == [stage.connects[0]]
    stage.answer(0, valid=True)  # too late, ignored
    assert stage.verdict.connection is stage.connects[1]
    assert stage.closed == [stage.connects[0]]


def test_two_that_ask_for_the_same_path_share_the_answer_and_the_first_connection_wins(stage: Stage) -> None:
    stage.to(DELAY)
    stage.present(1, *GOOD.chain)
    stage.present(0, *GOOD.chain)
    assert len(stage.paths) == 1
    stage.answer(0, valid=True)
    assert stage.verdict.connection is stage.connects[1]
    assert stage.closed == [stage.connects[0]]


@pytest.mark.req("D-SEC-11")
def test_a_rejected_peer_is_closed_and_the_other_connection_goes_on(stage: Stage) -> None:
    stage.to(DELAY)
    stage.present(0)  # no certificate
    assert stage.closed == [stage.connects[0]]
    assert stage.addresses == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    stage.present(1, *GOOD.chain)
    stage.answer(0, valid=True)
    assert stage.verdict.connection is stage.connects[1]


def test_a_peer_that_is_being_judged_holds_the_next_address_back(stage: Stage) -> None:
    stage.present(0, *GOOD.chain, at=0.1)
    stage.to(5.0)
    assert stage.addresses == ["192.0.2.1"]
    stage.answer(0, valid=False)
    assert stage.closed == [stage.connects[0]]
    assert stage.addresses == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.req("R7984-4-2")
def test_the_next_server_waits_until_all_addresses_of_this_one_have_failed(stage: Stage) -> None:
    stage.to(DELAY)
    stage.fail(0)
    stage.fail(1)
    stage.to(1.0)
    assert stage.addresses == [f"192.0.2.{n}" for n in (1, 2, 3, 4)]
    stage.fail(2)
    assert len(stage.connects) == 4
    stage.fail(3)
    assert stage.addresses[4:] == ["192.0.2.21"]
    assert stage.machine.deadline == 11.0  # one address only: no timer


def test_a_timer_without_a_further_address_means_nothing(stage: Stage) -> None:
    for number, now in enumerate((0.1, 0.11, 0.12)):
        stage.fail(number, at=now)
    assert stage.addresses == [f"192.0.2.{n}" for n in (1, 2, 3, 4)]
    assert stage.machine.deadline == 10.12
    stage.to(5.0)
    assert len(stage.connects) == 4
    stage.to(10.12)
    assert stage.addresses[4:] == ["192.0.2.21"]


@pytest.mark.parametrize("failures", [0, 1, 2, 3])
@pytest.mark.parametrize("now", [10.25, 11.0, 25.0])
def test_a_driver_that_slept_past_all_deadlines_finds_one_target_being_tried(failures: int, now: float) -> None:
    stage = Stage(two_targets())
    for number in range(failures):
        stage.fail(number, at=0.1 + number / 100)
    stage.to(now)
    in_flight = [action for action in stage.machine.outstanding if isinstance(action, Connect)]
    assert 1 <= len(in_flight) <= 2
    assert len({connect.endpoint.host for connect in in_flight}) == 1
    while stage.machine.verdict is None:
        stage.fail(stage.connects.index(in_flight[0]))
        in_flight = [action for action in stage.machine.outstanding if isinstance(action, Connect)]
    assert stage.addresses == ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.21", "192.0.2.31"]
    assert stage.verdict.outcome is Outcome.UNDETERMINED


def test_both_time_out_together_and_the_next_two_addresses_follow(stage: Stage) -> None:
    stage.fail(0, at=0.1)
    stage.to(0.1 + DELAY)
    assert len(stage.connects) == 3
    stage.to(10.4)
    assert stage.addresses == [f"192.0.2.{n}" for n in (1, 2, 3, 4)]
    assert [connect.attempt for connect in stage.connects] == [1, 2, 3, 4]


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_the_limit_of_attempts_holds_for_both_together(attempts: int) -> None:
    policy = Policy(attempt_delay=DELAY, families=("ipv4",), limits=Limits(attempts=attempts))
    stage = Stage(two_targets(), policy)
    stage.to(DELAY)
    for number in range(attempts):
        assert stage.machine.verdict is None
        stage.fail(number)
    assert len(stage.connects) == attempts
    assert stage.verdict.outcome is Outcome.UNDETERMINED
    assert "limit.attempts" in [step.code for step in stage.verdict.steps]


def test_when_the_time_is_over_what_is_open_is_closed_and_what_comes_late_too() -> None:
    stage = Stage(two_targets(), Policy(attempt_delay=DELAY, families=("ipv4",), path_timeout=100, connect_timeout=100))
    stage.to(DELAY)
    stage.present(0, *GOOD.chain)
    stage.to(30.0)
    assert (stage.verdict.outcome, stage.verdict.code) == (Outcome.UNDETERMINED, "limit.seconds")
    assert stage.closed == [stage.connects[0]]
    stage.present(1, *GOOD.chain)
    assert stage.closed == stage.connects


@pytest.mark.req("R8305-5-1")
def test_a_delay_below_ten_milliseconds_is_refused() -> None:
    for delay in (0.0, 0.009, -1.0, math.nan):
        with pytest.raises(InvalidPolicy, match="attempt_delay"):
            Policy(attempt_delay=delay)
    assert Policy(attempt_delay=0.01).attempt_delay == 0.01


def test_a_peer_that_names_another_domain_costs_nothing_but_time(stage: Stage) -> None:
    stage.to(DELAY)
    stage.present(0, *BAD.chain)
    (question,) = stage.paths
    stage.machine.receive(PathValidated(question, BAD.chain), now=stage.now)
    stage.to(stage.now)
    assert stage.closed == [stage.connects[0]]
    stage.present(1, *GOOD.chain)
    stage.answer(1, valid=True)
    assert stage.verdict.connection is stage.connects[1]
    codes = [step.code for step in stage.verdict.steps]
    assert "id.mismatch" in codes


class TestAnAuditThatGoesOnAfterTheOutcomeIsSettled:
    """Nothing changes any more, nothing new begins, and whatever connection still comes is closed."""

    def begun(self, *more: str, **policy: object) -> Stage:
        """Two connections to the first server, whose zone pins the good key."""
        world = two_targets(pinned=True)
        if more:
            pin = "3 1 1 " + hashlib.sha256(GOOD.spki).hexdigest()
            world.tlsa("_5061._tcp.sip1.example.com", pin, *more)
        given = Policy(attempt_delay=DELAY, families=("ipv4",), audit=True)
        stage = Stage(world, given.replace(**policy))
        stage.to(DELAY)
        assert len(stage.connects) == 2
        return stage

    def accepted(self, stage: Stage, number: int) -> None:
        assert stage.verdict.outcome is Outcome.ACCEPTED
        assert stage.verdict.connection is stage.connects[number]

    def test_a_connection_that_comes_late_is_closed(self) -> None:
        stage = self.begun()
        stage.present(0, *GOOD.chain)
        assert stage.machine.verdict is None
        stage.present(1, *GOOD.chain)
        assert stage.closed == [stage.connects[1]]
        stage.answer(0, valid=True)
        self.accepted(stage, 0)
        assert "chain.also-pkix" in [step.code for step in stage.verdict.steps]
        assert stage.closed == [stage.connects[1]]

    def test_one_that_fails_late_is_followed_by_none(self) -> None:
        stage = self.begun()
        stage.present(0, *GOOD.chain)
        stage.fail(1)
        assert len(stage.connects) == 2
        stage.answer(0, valid=False)
        self.accepted(stage, 0)
        assert stage.closed == []

    def test_when_the_time_is_over_it_is_not_waited_for(self) -> None:
        stage = self.begun(path_timeout=100.0, connect_timeout=100.0)
        stage.present(0, *GOOD.chain)
        stage.to(30.0)
        self.accepted(stage, 0)

    def test_another_peer_that_is_being_judged_has_its_answer_ignored(self) -> None:
        stage = self.begun("1 1 1 " + hashlib.sha256(BAD.spki).hexdigest())
        stage.present(0, *BAD.chain)
        stage.present(1, *GOOD.chain)
        assert stage.closed == [stage.connects[0]]
        stage.answer(0, valid=False)
        assert stage.machine.verdict is None
        stage.answer(1, valid=True)
        self.accepted(stage, 1)
        assert stage.closed == [stage.connects[0]]

    def test_further_ways_that_are_tried_do_not_outlast_the_time_either(self) -> None:
        good = hashlib.sha256(GOOD.spki).hexdigest()
        stage = self.begun("1 1 1 " + good, path_timeout=100.0, connect_timeout=100.0)
        stage.present(0, *GOOD.chain)
        stage.to(30.0)
        self.accepted(stage, 0)
        assert stage.verdict.method == "dane-ee"

    def test_nothing_new_begins_when_it_is_settled_at_the_same_moment(self) -> None:
        good = hashlib.sha256(GOOD.spki).hexdigest()
        stage = self.begun("1 1 1 " + good, path_timeout=9.0, connect_timeout=9.0)
        stage.present(0, *BAD.chain)  # refused, and to be audited; the third address is begun
        stage.to(2 * DELAY)
        stage.present(len(stage.connects) - 1, *GOOD.chain)  # accepted, while PKIX-EE is still tried
        begun = len(stage.connects)
        stage.to(20.0)
        assert len(stage.connects) == begun
        while stage.machine.verdict is None:
            stage.to(stage.machine.deadline)
        self.accepted(stage, begun - 1)
