"""The driving contract: the states of an action, what a driver may not do, deadlines, answers that are not sound."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from asker import AAAA, ANCHORS, FACTS, LEAF, PATH, ROOT, A, Asker, connect, found, handed_out
from pki import Issuer
from siptls import (
    Action,
    Anchors,
    Answered,
    Close,
    Connect,
    ConnectFailed,
    Event,
    Failure,
    Limits,
    LocalProtocolError,
    Locate,
    Lookup,
    LookupFailed,
    Outbound,
    Outcome,
    PathRejected,
    PathValidated,
    Policy,
    Presented,
    Security,
    ValidatePath,
    Verification,
)
from siptls.dns import Address, Alias
from world import AT, World, first


class TestFresh:
    def test_each_action_is_handed_out_once_and_asking_again_is_harmless(self) -> None:
        machine = Asker()
        assert machine.next_actions(now=0.0) == ()
        machine.ask(A, AAAA)
        assert machine.next_actions(now=0.0) == (A, AAAA)
        assert machine.next_actions(now=0.0) == ()
        assert machine.next_actions(now=9.0) == ()

    def test_an_answer_to_an_action_that_was_not_handed_out_is_refused_and_changes_nothing(self) -> None:
        machine = Asker()
        machine.ask(A)
        with pytest.raises(LocalProtocolError, match="not handed out"):
            machine.receive(found(A), now=0.0)
        assert machine.heard == []
        assert not machine.outstanding
        assert machine.next_actions(now=0.0) == (A,)
        machine.receive(found(A), now=0.0)
        assert len(machine.heard) == 1

    def test_other_actions_can_be_answered_while_one_is_fresh(self) -> None:
        machine = handed_out(A)
        machine.ask(AAAA)
        machine.receive(found(A), now=0.0)
        assert machine.next_actions(now=0.0) == (AAAA,)

    def test_an_action_that_nobody_fetched_in_time_is_never_handed_out(self) -> None:
        machine = Asker()
        machine.ask(A, connect())
        assert machine.next_actions(now=10.0) == ()
        assert [type(event) for event in machine.heard] == [LookupFailed, ConnectFailed]
        with pytest.raises(LocalProtocolError):
            machine.receive(found(A), now=10.0)

    def test_actions_that_nobody_fetched_before_the_result_are_forgotten(self) -> None:
        machine = handed_out(A)
        machine.ask(AAAA)
        machine.end("enough")
        assert machine.next_actions(now=0.0) == ()
        with pytest.raises(LocalProtocolError, match="never asked"):
            machine.receive(found(AAAA), now=0.0)


class TestOutstanding:
    def test_it_lists_what_was_handed_out_and_is_not_answered(self) -> None:
        machine = Asker()
        machine.ask(A, AAAA)
        assert not machine.outstanding
        machine.next_actions(now=0.0)
        assert list(machine.outstanding) == [A, AAAA]
        machine.receive(found(AAAA), now=0.0)
        assert list(machine.outstanding) == [A]

    def test_an_answer_to_what_was_never_asked_is_refused(self) -> None:
        machine = handed_out(A)
        strangers: list[Event] = [
            found(AAAA),
            LookupFailed(AAAA, Failure.SERVFAIL),
            ConnectFailed(connect(), "net.refused"),
            Presented(connect(), LEAF.chain, FACTS),
            PathRejected(PATH, "chain.unknown-ca"),
        ]
        for event in strangers:
            with pytest.raises(LocalProtocolError, match="never asked"):
                machine.receive(event, now=0.0)
        assert list(machine.outstanding) == [A]
        assert machine.heard == []

    def test_nothing_can_be_reported_of_close(self) -> None:
        machine = handed_out()
        wrong: list[Callable[..., Event]] = [ConnectFailed]  # a driver without type checks
        with pytest.raises(LocalProtocolError, match="never asked"):
            machine.receive(wrong[0](Close(connect()), "net.refused"), now=0.0)

    def test_an_event_of_another_kind_is_refused_and_changes_nothing(self) -> None:
        dial = connect()
        machine = handed_out(A, dial, PATH)
        wrong: list[tuple[Callable[..., Event], Action]] = [
            (PathRejected, A),
            (ConnectFailed, PATH),
            (LookupFailed, dial),
        ]
        for kind, action in wrong:
            with pytest.raises(LocalProtocolError, match="does not answer"):
                machine.receive(kind(action, Failure.REFUSED), now=0.0)
        assert list(machine.outstanding) == [A, dial, PATH]
        assert machine.heard == []
        right = (found(A), Presented(dial, LEAF.chain, FACTS), PathRejected(PATH, "chain.unknown-ca"))
        for event in right:
            machine.receive(event, now=0.0)
        assert machine.heard == list(right)

    @pytest.mark.parametrize("path", [(), (LEAF.der,), (ROOT.der,), (ROOT.der, LEAF.der)])
    def test_a_path_from_elsewhere_or_to_nowhere_is_refused_and_changes_nothing(self, path: tuple[bytes, ...]) -> None:
        machine = handed_out(PATH)
        with pytest.raises(LocalProtocolError, match="not a path"):
            machine.receive(PathValidated(PATH, path), now=0.0)
        assert list(machine.outstanding) == [PATH]
        machine.receive(PathValidated(PATH, (LEAF.der, ROOT.der)), now=0.0)
        assert len(machine.heard) == 1

    @pytest.mark.req("D-PATH-3")
    def test_a_path_beside_the_certificate_that_it_must_contain_is_refused(self) -> None:
        other = Issuer.root("Another root").der
        question = ValidatePath(LEAF.der, (), ANCHORS, AT, through=other)
        machine = handed_out(question)
        with pytest.raises(LocalProtocolError, match="not a path"):
            machine.receive(PathValidated(question, (LEAF.der, ROOT.der)), now=0.0)
        machine.receive(PathValidated(question, (LEAF.der, other, ROOT.der)), now=0.0)
        assert len(machine.heard) == 1

    def test_an_answer_to_another_question_is_refused_and_changes_nothing(self) -> None:
        machine = handed_out(A)
        with pytest.raises(LocalProtocolError, match="no answer to"):
            machine.receive(Answered(A, found(AAAA).answer), now=0.0)
        assert list(machine.outstanding) == [A]

    @pytest.mark.req("R7672-2.1.1-1")
    @pytest.mark.parametrize("status", [Security.BOGUS, Security.INDETERMINATE])
    def test_a_failed_lookup_cannot_be_reported_as_an_answer(self, status: Security) -> None:
        record = Address("b.example", "192.0.2.1")
        machine = handed_out(A)
        for event in (
            found(A, Address(A.name, "192.0.2.1"), security=status),
            found(A, security=status),
            found(A, record, aliases=(Alias(A.name, "b.example", status, 60.0),)),
        ):
            with pytest.raises(LocalProtocolError, match="LookupFailed"):
                machine.receive(event, now=0.0)
        assert list(machine.outstanding) == [A]


class TestAnswered:
    def test_a_second_answer_is_refused_and_changes_nothing(self) -> None:
        dial = connect()
        machine = handed_out(A, dial)
        machine.receive(found(A), now=0.0)
        machine.receive(ConnectFailed(dial, "net.refused"), now=0.0)
        before = list(machine.heard)
        for event in (found(A), LookupFailed(A, Failure.SERVFAIL), Presented(dial, (), FACTS)):
            with pytest.raises(LocalProtocolError, match="answered before"):
                machine.receive(event, now=0.0)
        assert machine.heard == before
        assert machine.next_actions(now=0.0) == ()

    def test_equal_questions_are_asked_once_and_share_the_answer(self) -> None:
        machine = Asker()
        same = Lookup("sip.example.com", "A")
        equal = ValidatePath(LEAF.der, (), ANCHORS, AT)
        machine.ask(A, same, same, PATH, equal)
        assert machine.next_actions(now=0.0) == (A, PATH)
        machine.receive(found(same), now=0.0)
        assert len(machine.heard) == 3
        machine.receive(PathRejected(equal, "chain.unknown-ca"), now=0.0)
        assert len(machine.heard) == 5

    def test_an_answer_that_is_already_here_is_shared_without_asking(self) -> None:
        machine = handed_out(A, PATH)
        machine.receive(found(A), now=0.0)
        machine.receive(PathRejected(PATH, "chain.unknown-ca"), now=0.0)
        machine.ask(Lookup("sip.example.com", "A"), ValidatePath(LEAF.der, (), ANCHORS, AT))
        assert machine.next_actions(now=0.0) == ()
        assert machine.heard[0] is machine.heard[2]
        assert machine.heard[1] is machine.heard[3]

    def test_paths_to_other_anchors_are_other_questions_even_if_they_look_alike(self) -> None:
        other = ValidatePath(LEAF.der, (), Anchors((ROOT.der,)), AT)
        through = ValidatePath(LEAF.der, (), ANCHORS, AT, ROOT.der)
        machine = handed_out(PATH, other, through)
        assert list(machine.outstanding) == [PATH, other, through]

    def test_no_two_connections_are_equal(self) -> None:
        dial, again = connect(), connect()
        machine = handed_out(dial, again)
        machine.receive(ConnectFailed(again, "net.refused"), now=0.0)
        assert list(machine.outstanding) == [dial]

    def test_a_thousand_shared_answers_need_no_deep_stack(self) -> None:
        world = World()
        world.srv("_sips._tcp.example.com", *[(n, 0, 5061, "sip.example.com") for n in range(1_000)])
        world.address("sip.example.com")
        limits = Limits(targets=1_000)
        assert world.outbound("sips:example.com", Policy(limits=limits)).outcome is Outcome.NO_SERVICE
        assert len(world.questions()) == 4

    def test_beyond_the_limit_of_lookups_a_question_fails_without_being_asked(self) -> None:
        machine = handed_out(A, policy=Policy(limits=Limits(lookups=1)))
        machine.ask(AAAA, A)
        assert machine.next_actions(now=0.0) == ()
        (event,) = machine.heard
        assert isinstance(event, LookupFailed)
        assert (event.action, event.reason, event.code) == (AAAA, Failure.LIMIT, "limit.dns")
        machine.receive(found(A), now=0.0)
        assert len(machine.heard) == 3


class TestAbandoned:
    def test_an_action_past_its_deadline_counts_as_a_time_out(self) -> None:
        dial = connect()
        policy = Policy(lookup_timeout=1.0, connect_timeout=2.0, path_timeout=3.0)
        machine = handed_out(A, dial, PATH, policy=policy)
        codes: list[str] = []
        for now in (1.0, 2.0, 3.0):
            assert machine.deadline == now
            machine.advance(now=now)
            event = machine.heard[-1]
            assert isinstance(event, (LookupFailed, ConnectFailed, PathRejected))
            codes.append(event.code if isinstance(event, LookupFailed) else event.reason)
        assert codes == ["locate.timeout", "net.timeout", "chain.timeout"]
        assert not machine.outstanding
        assert machine.deadline == 30.0

    def test_what_shared_the_question_hears_of_the_time_out_too(self) -> None:
        machine = Asker()
        machine.ask(A, A)
        machine.next_actions(now=0.0)
        machine.advance(now=10.0)
        machine.ask(A)
        assert [type(event) for event in machine.heard] == [LookupFailed] * 3
        assert machine.next_actions(now=10.0) == ()

    def test_the_first_late_answer_is_ignored_and_the_second_is_refused(self) -> None:
        machine = handed_out(A)
        machine.receive(found(A), now=10.0)  # arrives just too late
        assert [type(event) for event in machine.heard] == [LookupFailed]
        with pytest.raises(LocalProtocolError, match="answered before"):
            machine.receive(found(A), now=10.0)

    def test_a_connection_that_is_presented_too_late_is_closed(self) -> None:
        dial = connect()
        machine = handed_out(dial)
        machine.advance(now=10.0)
        machine.receive(Presented(dial, LEAF.chain, FACTS), now=10.5)
        (close,) = machine.next_actions(now=10.5)
        assert isinstance(close, Close)
        assert close.connect is dial
        assert [type(event) for event in machine.heard] == [ConnectFailed]
        with pytest.raises(LocalProtocolError, match="answered before"):
            machine.receive(Presented(dial, LEAF.chain, FACTS), now=10.5)
        assert machine.next_actions(now=10.5) == ()

    def test_a_connection_that_fails_too_late_needs_no_close(self) -> None:
        dial = connect()
        machine = handed_out(dial)
        machine.advance(now=10.0)
        machine.receive(ConnectFailed(dial, "net.timeout"), now=11.0)
        assert machine.next_actions(now=11.0) == ()


class TestDeadlines:
    def test_the_deadline_is_the_earliest_of_all_and_infinite_after_the_result(self) -> None:
        machine = Asker(Policy(lookup_timeout=4.0, limits=Limits(seconds=5.0)), now=100.0)
        assert machine.deadline == 105.0
        machine.ask(A)
        assert machine.deadline == 104.0
        machine.next_actions(now=100.0)
        machine.receive(found(A), now=101.0)
        assert machine.deadline == 105.0
        machine.ask(AAAA)  # 101.0 + 4.0 is no earlier than the end of the run
        assert machine.deadline == 105.0
        machine.end("done")
        assert machine.deadline == math.inf

    def test_a_run_that_takes_too_long_ends_by_itself(self) -> None:
        for wake in ("advance", "next_actions", "receive"):
            machine = handed_out(A, policy=Policy(lookup_timeout=math.inf))
            assert machine.deadline == 30.0
            if wake == "advance":
                machine.advance(now=30.0)
            elif wake == "next_actions":
                assert machine.next_actions(now=31.0) == ()
            else:
                machine.receive(found(A), now=30.0)
            assert machine.result == "out of time"
            assert machine.heard == []

    def test_letting_no_time_pass_is_harmless(self) -> None:
        machine = handed_out(A)
        for now in (0.0, 9.9, 5.0, 9.999):
            machine.advance(now=now)
        assert machine.heard == []
        assert machine.deadline == 10.0
        machine.receive(found(A), now=9.999)
        machine.advance(now=10.0)  # the deadline of an action that is answered
        assert [type(event) for event in machine.heard] == [Answered]
        machine.end("done")
        machine.advance(now=1e9)
        assert machine.result == "done"

    def test_a_clock_that_goes_backwards_does_not_turn_time_back(self) -> None:
        machine = handed_out(A)
        machine.advance(now=9.0)
        machine.receive(found(A), now=1.0)
        machine.ask(AAAA)
        assert machine.deadline == 19.0

    def test_the_wall_clock_goes_on_with_the_other_clock(self) -> None:
        machine = Outbound("sips:192.0.2.1", now=50.0, at=AT, randbelow=first, anchors=ANCHORS)
        (dial,) = machine.next_actions(now=50.0)
        assert isinstance(dial, Connect)
        machine.receive(Presented(dial, LEAF.chain, FACTS), now=53.5)
        (question,) = machine.next_actions(now=54.0)
        assert isinstance(question, ValidatePath)
        assert (question.at - AT).total_seconds() == 3.5
        machine.receive(PathRejected(question, "chain.unknown-ca"), now=54.0)
        assert machine.verdict is not None
        assert [step.seconds for step in machine.verdict.steps if step.code == "chain.unknown-ca"] == [4.0]

    def test_a_wall_clock_without_a_time_zone_is_refused(self) -> None:
        naive = AT.replace(tzinfo=None)
        with pytest.raises(LocalProtocolError, match="aware"):
            Outbound("sips:example.com", now=0.0, at=naive, randbelow=first)
        with pytest.raises(LocalProtocolError, match="aware"):
            Locate("sips:example.com", now=0.0, at=naive, randbelow=first)
        with pytest.raises(LocalProtocolError, match="aware"):
            Verification(LEAF.chain, domain="example.com", now=0.0, at=naive)


class TestAfterTheResult:
    def test_the_result_stays_and_what_was_issued_may_be_answered_or_not(self) -> None:
        machine = handed_out(A, AAAA, PATH)
        machine.receive(found(A), now=0.0)
        machine.end("done")
        assert not machine.outstanding
        for event in (found(AAAA), found(AAAA), found(A), PathRejected(PATH, "chain.expired")):
            machine.receive(event, now=1.0)
        assert machine.result == "done"
        assert machine.next_actions(now=1.0) == ()
        assert len(machine.heard) == 1

    def test_what_was_never_issued_is_still_refused(self) -> None:
        machine = handed_out()
        machine.end("done")
        with pytest.raises(LocalProtocolError, match="never asked"):
            machine.receive(found(A), now=0.0)

    def test_a_connection_presented_after_the_result_is_closed_once(self) -> None:
        dial, failed = connect(), connect(2)
        machine = handed_out(dial, failed)
        machine.end("done")
        machine.receive(ConnectFailed(failed, "net.refused"), now=0.0)
        machine.receive(Presented(dial, LEAF.chain, FACTS), now=0.0)
        (close,) = machine.next_actions(now=0.0)
        assert isinstance(close, Close)
        assert close.connect is dial
        machine.receive(Presented(dial, LEAF.chain, FACTS), now=0.0)
        assert machine.next_actions(now=0.0) == ()

    def test_answers_that_were_waiting_their_turn_are_dropped(self) -> None:
        class Ending(Asker):
            def ask_and_end(self) -> None:
                self._ask(A, lambda _: self._finish("done"))
                self._ask(A, self.heard.append)

        machine = Ending()
        machine.ask_and_end()
        machine.next_actions(now=0.0)
        machine.receive(found(A), now=0.0)
        assert machine.result == "done"
        assert machine.heard == []


def test_a_question_that_is_asked_anew_is_answered_anew_though_the_first_answer_is_still_to_come() -> None:
    machine = handed_out(A, policy=Policy(limits=Limits(seconds=1_000.0)))
    machine.advance(now=10.0)  # given up
    machine.advance(now=40.0)  # and too old to be shared
    machine.ask(A)
    assert machine.next_actions(now=40.0) == (A,)
    machine.receive(found(A), now=41.0)
    machine.receive(found(A), now=42.0)  # one of the two was late
    assert [type(event) for event in machine.heard] == [LookupFailed, Answered]
    with pytest.raises(LocalProtocolError, match="answered before"):
        machine.receive(found(A), now=43.0)


def test_the_answer_to_a_question_is_shared_for_half_a_minute_at_least_and_as_long_as_it_lives() -> None:
    for ttl, shared_at, asked_at in ((0.0, 29.9, 30.0), (60.0, 59.9, 60.0)):
        machine = handed_out(A, policy=Policy(limits=Limits(seconds=1_000.0)))
        answer = found(A).answer.changed(ttl=ttl)
        machine.receive(Answered(A, answer), now=0.0)
        machine.advance(now=shared_at)
        machine.ask(A)
        assert machine.next_actions(now=shared_at) == ()
        assert len(machine.heard) == 2
        machine.advance(now=asked_at)
        machine.ask(A)
        assert machine.next_actions(now=asked_at) == (A,)


def test_a_result_stays_when_time_runs_to_its_end() -> None:
    machine = Verification((), domain="example.com", now=0.0, at=AT)
    verdict = machine.verdict
    machine.advance(now=math.inf)
    assert machine.next_actions(now=math.inf) == ()
    assert machine.verdict is verdict
