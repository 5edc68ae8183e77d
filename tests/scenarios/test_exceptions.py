"""What performers, their callers and their neighbours raise comes out of a drive as it is, never in a group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
import trio

import siptls_io.anyio
import siptls_io.trio
from loops import BLOCKING, Blocking, EventLoop, on_every_loop
from scenarios.scripts import BOTH_FAMILIES, DOMAIN, STRANGER, V4, V6, scenario
from scenarios.virtual import on_every_virtual_loop, run_anyio_on_asyncio, run_anyio_on_trio, run_trio
from scenarios.worlds import NEVER, Played, PlayedInThreads, Scenario
from siptls import LocalProtocolError, Policy
from siptls.dns import Lookup
from siptls.events import Anchors, Answered, Connect, ConnectEvent, LookupEvent, PathEvent, ValidatePath
from siptls_io.cancellation import Cancellation

STRANGERS = scenario("strangers", BOTH_FAMILIES, STRANGER, "")
STAGGERED = scenario(
    "staggered", BOTH_FAMILIES, DOMAIN, "", delays={V6: 2, V4: 1, "path": 5}, policy=Policy(attempt_delay=1)
)


class Broken(Played):
    """Raises where it is told to: in ``lookup``, or for one type of record, in ``connect``, ``validate``, ``close``."""

    def __init__(self, scenario: Scenario, *where: str, error: Callable[[str], BaseException]) -> None:
        super().__init__(scenario)
        self.where = where
        self.error = error

    def _break(self, *places: str) -> None:
        for place in places:
            if place in self.where:
                raise self.error(place)

    async def lookup(self, action: Lookup, /) -> LookupEvent:
        self._break("lookup", action.rrtype)
        return await super().lookup(action)

    async def connect(self, action: Connect, /) -> ConnectEvent:
        event = await super().connect(action)
        if "connect" in self.where:
            self.script.close(action)
        self._break("connect")
        return event

    async def validate(self, action: ValidatePath, /) -> PathEvent:
        self._break("validate")
        return await super().validate(action)

    async def close(self, connect: Connect, /) -> None:
        await super().close(connect)
        self._break("close")


def caused(place: str) -> BaseException:
    """An exception with a cause and a context of its own."""
    error = ZeroDivisionError(place)
    error.__cause__ = KeyError("the cause")
    error.__context__ = IndexError("the context")
    return error


PLACES = [("lookup",), ("connect",), ("validate",), ("close",), ("A", "AAAA"), ("A",), ("AAAA",)]


@on_every_virtual_loop
@pytest.mark.parametrize("where", PLACES, ids="+".join)
def test_an_exception_of_a_performer_comes_out_as_it_is(loop: EventLoop, where: tuple[str, ...]) -> None:
    performer = Broken(STRANGERS, *where, error=caused)
    with pytest.raises(ZeroDivisionError) as raised:
        loop.drive(STRANGERS.machine, performer)
    assert str(raised.value) in where
    assert isinstance(raised.value.__cause__, KeyError)
    assert isinstance(raised.value.__context__, IndexError)
    assert performer.script.left_open() == set()


@on_every_virtual_loop
def test_when_no_connection_can_be_closed_each_is_tried_all_the_same(loop: EventLoop) -> None:
    """Two are open when one of them is accepted: the other one cannot be closed, so the first one may not be kept."""
    performer = Broken(STAGGERED, "close", error=ZeroDivisionError)
    with pytest.raises(ZeroDivisionError, match="close"):
        loop.drive(STAGGERED.machine, performer)
    assert len(performer.script.opened) == 2
    assert performer.script.left_open() == set()


def test_in_threads_each_is_tried_too() -> None:
    class BrokenInThreads(PlayedInThreads):
        def close(self, connect: Connect, /) -> None:
            super().close(connect)
            raise ZeroDivisionError("close")

    played = BrokenInThreads(STAGGERED.paced(0.1))
    with pytest.raises(ZeroDivisionError, match="close"):
        BLOCKING.drive(played.script.scenario.machine, played)
    assert played.script.left_open() == set()


@on_every_virtual_loop
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_performer_comes_out_as_it_is(loop: EventLoop, error: type[BaseException]) -> None:
    performer = Broken(STAGGERED, "validate", error=error)
    with pytest.raises(error) as raised:
        loop.drive(STAGGERED.machine, performer)
    assert raised.type is error
    assert performer.script.left_open() == set()


@on_every_virtual_loop
def test_an_event_that_does_not_fit_is_the_performers_fault_alone(loop: EventLoop) -> None:
    class Confused(Played):
        async def lookup(self, action: Lookup, /) -> LookupEvent:
            event = await super().lookup(Lookup("other.example", "A"))
            assert not isinstance(event, Answered)
            return event

    with pytest.raises(LocalProtocolError):
        loop.drive(STRANGERS.machine, Confused(STRANGERS))


SILENT = scenario("silent", BOTH_FAMILIES, DOMAIN, "", delays={V6: NEVER, V4: NEVER}, policy=Policy(attempt_delay=1))
ON_TRIO = [
    pytest.param(siptls_io.trio, run_trio, id="trio"),
    pytest.param(siptls_io.anyio, run_anyio_on_trio, id="anyio+trio"),
]
Run = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


async def drive(module: Any, performer: Played) -> None:
    await module.drive(performer.script.scenario.machine(anyio.current_time()), performer)


@on_every_virtual_loop
def test_a_deadline_of_the_caller_is_a_time_out(loop: EventLoop) -> None:
    performer = Played(SILENT)

    async def hurried() -> None:
        with anyio.fail_after(4):
            await drive(loop.module, performer)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await (asyncio.wait_for(drive(loop.module, performer), 4) if loop.name == "asyncio" else hurried())
        assert anyio.current_time() == 4

    loop.run(main)
    assert sorted(performer.script.cancelled) == [V4, V6]


@pytest.mark.parametrize(("module", "run"), ON_TRIO)
def test_trio_sees_its_own_time_out(module: Any, run: Run) -> None:
    async def main() -> None:
        with pytest.raises(trio.TooSlowError), trio.fail_after(4):
            await drive(module, Played(SILENT))

    run(main)


@pytest.mark.parametrize(
    ("module", "run"), [*ON_TRIO, pytest.param(siptls_io.anyio, run_anyio_on_asyncio, id="anyio+asyncio")]
)
def test_a_neighbour_that_fails_is_the_only_one_who_is_heard_of(module: Any, run: Run) -> None:
    """A task of the same group fails while a drive waits: the group holds this one exception."""
    performer = Played(SILENT)

    async def fail() -> None:
        await anyio.sleep(3)
        raise ZeroDivisionError("the neighbour")

    async def main() -> None:
        with pytest.raises(BaseExceptionGroup) as raised:  # noqa: PT012 - what raises is the end of the block
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(drive, module, performer)
                tasks.start_soon(fail)
        (error,) = raised.value.exceptions
        assert isinstance(error, ZeroDivisionError)

    run(main)
    assert sorted(performer.script.cancelled) == [V4, V6]


@pytest.mark.parametrize(
    ("module", "run"), [*ON_TRIO, pytest.param(siptls_io.anyio, run_anyio_on_asyncio, id="anyio+asyncio")]
)
def test_groups_within_groups_come_out_as_one_exception(module: Any, run: Run) -> None:
    """A performer drives a machine itself, in a task group, and the inner performer fails twice."""

    class Nested(Played):
        async def lookup(self, action: Lookup, /) -> LookupEvent:
            async with anyio.create_task_group() as tasks:
                for _ in range(2):
                    tasks.start_soon(drive, module, Broken(STRANGERS, "A", "AAAA", error=caused))
            return await super().lookup(action)

    async def main() -> None:
        with pytest.raises(ZeroDivisionError) as raised:
            await drive(module, Nested(STRANGERS))
        assert isinstance(raised.value.__cause__, KeyError)

    run(main)


@on_every_loop
def test_a_group_of_the_performers_own_comes_out_as_one_exception(loop: EventLoop | Blocking) -> None:
    class Grouping:
        def answer(self, lookup: Lookup, cancellation: Cancellation | None = None, /) -> LookupEvent:
            raise ExceptionGroup("two", [ValueError("one"), KeyError("other")])

        async def answer_async(self, lookup: Lookup, /) -> LookupEvent:
            return self.answer(lookup)

    with pytest.raises(ValueError, match="one"):
        loop.reach("sip:alice@example.com", resolver=Grouping(), anchors=Anchors())
