from __future__ import annotations

import asyncio
import copy
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rrset
import pytest
from dns.rdatatype import RdataType
from hypothesis import given, settings
from hypothesis import strategies as st

from loopback_dns import NameServer, response
from loops import EventLoop, on_every_event_loop
from resolving import Ask, WithoutFiles, in_every_way
from signed_root import SignedRoot, signed_root
from siptls.dns import Address, Denial, Lookup, Security, Tlsa
from siptls.errors import SiptlsError
from siptls.events import Answered, Failure, LookupEvent, LookupFailed
from siptls_io import (
    AdResolver,
    Cache,
    Cancellation,
    Cancelled,
    InvalidServer,
    InvalidTrustAnchor,
    MissingLibrary,
    UnboundResolver,
    libunbound,
)

# Debian's unbound comes with the library, and test-deps installs both.
pytestmark = pytest.mark.server("unbound")

QUESTION = Lookup("a.example", "A")
OTHER = Lookup("b.example", "A")
Main = Callable[[], Coroutine[Any, Any, None]]


def through(server: NameServer, root: SignedRoot | None = None, timeout: float = 20.0) -> UnboundResolver:
    anchor = (root or signed_root()).anchor
    return UnboundResolver([server.address], anchor, timeout)


def silent(query: dns.message.Message, tcp: bool) -> None:
    return None


def garbage(query: dns.message.Message, tcp: bool) -> bytes:
    return b"garbage" * 3


def silent_about(*names: str) -> Callable[[dns.message.Message, bool], dns.message.Message | None]:
    """Tell the truth, but nothing of some names."""

    def script(query: dns.message.Message, tcp: bool) -> dns.message.Message | None:
        asked = query.question[0].name.to_text(omit_final_dot=True)
        return None if asked in names else signed_root().truth(query)

    return script


def run_script(script: str, *arguments: str) -> tuple[int, str, str]:
    """Run a script in an interpreter of its own, in which memory that was freed is overwritten."""
    command = [sys.executable, "-W", "ignore", "-c", script, *arguments]
    changed = {**os.environ, "MALLOC_PERTURB_": "165"}
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=changed)
    return ran.returncode, ran.stdout, ran.stderr


async def asked_of(server: NameServer) -> None:
    """Wait until a query has come."""
    while not server.queries:  # noqa: ASYNC110 - it serves in a thread of its own, which knows no loop to tell
        await anyio.sleep(0.01)


def addresses(event: LookupEvent) -> list[str]:
    assert isinstance(event, Answered), event
    return [record.address for record in event.answer.records if isinstance(record, Address)]


def secure(event: LookupEvent, *expected: str) -> bool:
    assert isinstance(event, Answered), (event, getattr(event, "detail", ""))
    return event.answer.security is Security.SECURE and addresses(event) == list(expected)


# What the answers are.


@in_every_way
@pytest.mark.req("R4035-4.3-1", "R4035-4.4-1", "R4035-4.2-1")
def test_what_validates_from_the_anchor_down_is_secure(ask: Ask) -> None:
    with NameServer(signed_root().truth) as server, through(server) as resolver:
        event = ask(resolver, QUESTION)
        assert secure(event, "192.0.2.1")
        assert isinstance(event, Answered)
        assert event.answer.source.name == f"libunbound, asking {server.address}"
        assert event.answer.source.note is None
        assert 290 <= event.answer.ttl <= 300


@pytest.mark.req("R4035-4.3-1", "R2308-2-1")
def test_aliases_and_denials_are_as_secure_as_their_proofs() -> None:
    with NameServer(signed_root().truth) as server, through(server) as resolver:
        aliased = resolver.answer(Lookup("alias.example", "A"))
        assert secure(aliased, "192.0.2.1")
        assert isinstance(aliased, Answered)
        (step,) = aliased.answer.aliases
        assert (step.owner, step.target, step.security) == ("alias.example", "a.example", Security.SECURE)
        for lookup, denial in (
            (Lookup("a.example", "AAAA"), Denial.NODATA),
            (Lookup("nobody.example", "A"), Denial.NXDOMAIN),
            (Lookup("pbx.test", "A"), Denial.NXDOMAIN),
            (Lookup("pbx.home.arpa", "A"), Denial.NXDOMAIN),
        ):
            event = resolver.answer(lookup)
            assert isinstance(event, Answered)
            assert (event.answer.denial, event.answer.security) == (denial, Security.SECURE)
            assert 50 <= event.answer.ttl <= 60


@pytest.mark.req("R6698-4.1-1")
def test_a_tlsa_record_of_a_wrong_length_does_not_spoil_the_others() -> None:
    owner = "_5061._tcp.a.example."
    root = SignedRoot(raw={(owner, RdataType.TLSA): [bytes.fromhex("0301010102"), bytes.fromhex("030101" + "ab" * 32)]})
    with NameServer(root.truth) as server, through(server, root) as resolver:
        event = resolver.answer(Lookup(owner[:-1], "TLSA"))
    assert isinstance(event, Answered)
    assert event.answer.security is Security.SECURE
    assert {r.data.hex() for r in event.answer.records if isinstance(r, Tlsa)} == {"0102", "ab" * 32}


@in_every_way
@pytest.mark.req("R4035-4.3-1", "R4035-5.5-1")
def test_what_does_not_validate_is_bogus_and_says_why(ask: Ask) -> None:
    other = SignedRoot("a.example. A 192.0.2.1")
    with NameServer(signed_root().truth) as server, through(server, other) as resolver:
        event = ask(resolver, QUESTION)
    assert isinstance(event, LookupFailed)
    assert event.reason is Failure.BOGUS
    assert "validation failure <a.example. A IN>" in event.detail
    assert event.source is not None
    assert event.source.name.startswith("libunbound")


@pytest.mark.req("R4035-5.1-1")
def test_what_no_anchor_speaks_of_is_insecure() -> None:
    elsewhere = signed_root().anchor.replace(". IN", "other.example. IN", 1)
    with NameServer(signed_root().truth) as server, UnboundResolver([server.address], elsewhere) as resolver:
        event = resolver.answer(QUESTION)
    assert isinstance(event, Answered)
    assert (event.answer.security, addresses(event)) == (Security.INSECURE, ["192.0.2.1"])


def test_a_server_that_fails_is_no_denial() -> None:
    def failing(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        return response(query, rcode=dns.rcode.SERVFAIL)

    with NameServer(failing) as server, through(server) as resolver:
        event = resolver.answer(QUESTION)
    assert isinstance(event, LookupFailed)
    assert event.reason in (Failure.SERVFAIL, Failure.BOGUS)


@in_every_way
def test_a_silent_server_is_a_time_out(ask: Ask) -> None:
    with NameServer(silent) as server, through(server, timeout=0.2) as resolver:
        event = ask(resolver, QUESTION)
        assert server.queries
    assert isinstance(event, LookupFailed)
    assert event.reason is Failure.TIMEOUT
    assert server.address in event.detail


@in_every_way
def test_what_comes_too_late_serves_the_next_who_asks(ask: Ask) -> None:
    released = threading.Event()

    def late(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        released.wait(20)
        return signed_root().truth(query)

    with NameServer(late) as server, through(server, timeout=0.2) as resolver:
        assert isinstance(ask(resolver, QUESTION), LookupFailed)
        released.set()
        until = time.monotonic() + 20
        while isinstance(event := ask(resolver, QUESTION), LookupFailed):
            assert event.reason is Failure.TIMEOUT
            assert time.monotonic() < until
        assert secure(event, "192.0.2.1")


@in_every_way
def test_what_is_no_name_is_not_asked(ask: Ask) -> None:
    with NameServer(silent) as server, through(server) as resolver:
        for text in ("a..example", "\N{LATIN SMALL LETTER E WITH ACUTE}.example", "x" * 64):
            event = ask(resolver, Lookup(text, "A"))
            assert isinstance(event, LookupFailed)
            assert event.reason is Failure.MALFORMED
        assert not server.queries


def test_the_reply_to_another_question_is_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = libunbound.Context.ask

    def confused(self: libunbound.Context, query: libunbound.Query, name: str, rrtype: int) -> None:
        ask(self, query, "b.example.", rrtype)

    monkeypatch.setattr(libunbound.Context, "ask", confused)
    with NameServer(signed_root().truth) as server, through(server) as resolver:
        event = resolver.answer(QUESTION)
        assert isinstance(event, LookupFailed)
        assert event.reason is Failure.MALFORMED
        assert isinstance(resolver.answer(Lookup("alias.example", "A")), LookupFailed)


@pytest.mark.parametrize("failing", ["ask", "process"])
def test_an_error_of_the_library_is_a_failure(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = libunbound.Reply(b"", secure=False, bogus=False, why="libunbound: broken pipe")

    def failed(self: object, *arguments: object) -> libunbound.Reply:
        if arguments:
            query = arguments[0]
            assert isinstance(query, libunbound.Query)
            query.reply = broken
        return broken

    with NameServer(silent) as server, through(server) as resolver:
        monkeypatch.setattr(libunbound.Context, failing, failed)
        event = resolver.answer(QUESTION)
        monkeypatch.undo()
    assert isinstance(event, LookupFailed)
    assert (event.reason, event.detail) == (Failure.SERVFAIL, "libunbound: broken pipe")


# Who lies.


def lie_about_address(honest: dns.message.Message, root: SignedRoot) -> None:
    for number, rrset in enumerate(honest.answer):
        if rrset.rdtype == RdataType.A:
            honest.answer[number] = dns.rrset.from_text(rrset.name, rrset.ttl, "IN", "A", "203.0.113.66")


def take_the_signatures_out(honest: dns.message.Message, root: SignedRoot) -> None:
    for section in (honest.answer, honest.authority):
        section[:] = [rrset for rrset in section if rrset.rdtype != RdataType.RRSIG]


def add_an_address(honest: dns.message.Message, root: SignedRoot) -> None:
    for number, rrset in enumerate(honest.answer):
        if rrset.rdtype == RdataType.A:
            texts = [str(rdata) for rdata in rrset.processing_order()]
            honest.answer[number] = dns.rrset.from_text(rrset.name, rrset.ttl, "IN", "A", *texts, "203.0.113.66")


def borrow_from_another_name(honest: dns.message.Message, root: SignedRoot) -> None:
    if honest.question[0].rdtype == RdataType.A:
        borrowed = copy.deepcopy(root.signed(dns.name.from_text("b.example."), RdataType.A))
        for rrset in borrowed:
            rrset.name = honest.question[0].name
        honest.answer[:] = borrowed


def deny_the_name(honest: dns.message.Message, root: SignedRoot) -> None:
    if honest.question[0].rdtype == RdataType.A:
        honest.answer.clear()
        honest.set_rcode(dns.rcode.NXDOMAIN)


def deny_with_proofs_for_others(honest: dns.message.Message, root: SignedRoot) -> None:
    if honest.question[0].rdtype == RdataType.A:
        honest.answer.clear()
        honest.authority += root.signed(dns.name.root, RdataType.SOA)
        honest.authority += root.signed(dns.name.from_text("b.example."), RdataType.NSEC)


def point_elsewhere(honest: dns.message.Message, root: SignedRoot) -> None:
    name = honest.question[0].name
    if honest.question[0].rdtype == RdataType.A and name != dns.name.from_text("evil.example."):
        honest.answer[:] = [
            dns.rrset.from_text(name, 60, "IN", "CNAME", "evil.example."),
            dns.rrset.from_text("evil.example.", 60, "IN", "A", "203.0.113.66"),
        ]


def give_an_own_key(honest: dns.message.Message, root: SignedRoot) -> None:
    if honest.question[0].rdtype == RdataType.DNSKEY:
        honest.answer[:] = OTHER_ROOT.signed(dns.name.root, RdataType.DNSKEY)
    elif honest.question[0].rdtype == RdataType.A:
        honest.answer[:] = OTHER_ROOT.signed(honest.question[0].name, RdataType.A)


OTHER_ROOT = SignedRoot("a.example. A 203.0.113.66\nb.example. A 203.0.113.67\n")
LIES = (
    lie_about_address,
    take_the_signatures_out,
    add_an_address,
    borrow_from_another_name,
    deny_the_name,
    deny_with_proofs_for_others,
    point_elsewhere,
    give_an_own_key,
)
TRUE = {"a.example": ["192.0.2.1"], "alias.example": ["192.0.2.1"], "q7.example": ["192.0.2.7"]}


@pytest.mark.req("T-S02", "R4035-4.9.3-2", "R4035-4.6-2", "R4035-5-2")
@given(lies=st.lists(st.sampled_from(LIES), min_size=1, max_size=3), name=st.sampled_from(sorted(TRUE)))
@settings(max_examples=40)
def test_a_server_that_lies_and_sets_the_ad_bit_is_never_believed(
    lies: list[Callable[[dns.message.Message, SignedRoot], None]], name: str
) -> None:
    def lying(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        said = dns.message.from_wire(signed_root().truth(query).to_wire(max_size=65_535))
        for lie in lies:
            lie(said, signed_root())
        said.flags |= dns.flags.AD
        return said

    with NameServer(lying) as server, through(server) as resolver:
        event = resolver.answer(Lookup(name, "A"))
    if isinstance(event, Answered):
        assert event.answer.security is Security.INSECURE or addresses(event) == TRUE[name]


@pytest.mark.parametrize("lie", LIES)
def test_every_lie_alone_is_found_out(lie: Callable[[dns.message.Message, SignedRoot], None]) -> None:
    def lying(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        said = dns.message.from_wire(signed_root().truth(query).to_wire(max_size=65_535))
        lie(said, signed_root())
        return said

    with NameServer(lying) as server, through(server) as resolver:
        event = resolver.answer(QUESTION)
    assert isinstance(event, LookupFailed)
    assert event.reason is Failure.BOGUS


# Many at a time, and those who leave early.


@on_every_event_loop
def test_two_hundred_at_a_time_in_one_loop(loop: EventLoop) -> None:
    found: dict[int, LookupEvent] = {}

    with NameServer(signed_root().truth) as server, through(server) as resolver:

        async def one(number: int) -> None:
            found[number] = await resolver.answer_async(Lookup(f"q{number}.example", "A"))

        async def main() -> None:
            async with anyio.create_task_group() as group:
                for number in range(200):
                    group.start_soon(one, number)

        loop.run(main)
    assert all(secure(found[number], f"192.0.2.{number}") for number in range(200))


def test_loops_and_threads_share_one_resolver() -> None:
    found: list[bool] = []

    with NameServer(signed_root().truth) as server, through(server) as resolver:

        async def some(start: int) -> None:
            async def one(number: int) -> None:
                event = await resolver.answer_async(Lookup(f"q{number}.example", "A"))
                found.append(secure(event, f"192.0.2.{number}"))

            async with anyio.create_task_group() as group:
                for number in range(start, start + 50):
                    group.start_soon(one, number)

        def alone(number: int) -> None:
            event = resolver.answer(Lookup(f"q{number}.example", "A"))
            found.append(secure(event, f"192.0.2.{number}"))

        threads = [
            threading.Thread(target=anyio.run, args=(some, start), kwargs={"backend": backend})
            for start in (0, 40, 80)
            for backend in ("asyncio", "trio")
        ]
        threads += [threading.Thread(target=alone, args=(number,)) for number in range(150, 200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [True] * 350


@on_every_event_loop
@pytest.mark.parametrize("steps", range(8))
def test_cancelling_at_any_moment_leaves_nothing_and_disturbs_nobody(loop: EventLoop, steps: int) -> None:
    with NameServer(silent_about("b.example")) as server, through(server) as resolver:

        async def main() -> None:
            async with anyio.create_task_group() as others:
                async with anyio.create_task_group() as cancelled:
                    cancelled.start_soon(resolver.answer_async, OTHER)
                    cancelled.start_soon(resolver.answer_async, Lookup("q1.example", "A"))
                    others.start_soon(expect, Lookup("q2.example", "A"), "192.0.2.2")
                    for _ in range(steps):
                        await anyio.lowlevel.checkpoint()
                    if steps == 7:
                        await asked_of(server)
                    cancelled.cancel_scope.cancel()
                others.start_soon(expect, Lookup("q3.example", "A"), "192.0.2.3")
            await expect(QUESTION, "192.0.2.1")

        async def expect(lookup: Lookup, address: str) -> None:
            assert secure(await resolver.answer_async(lookup), address)

        loop.run(main)


def test_who_reads_for_the_others_hands_that_on_when_it_is_cancelled() -> None:
    released = threading.Event()

    def held(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        released.wait(20)
        return signed_root().truth(query)

    async def main() -> None:
        tasks = [asyncio.create_task(resolver.answer_async(Lookup(f"q{n}.example", "A"))) for n in range(10)]
        await asked_of(server)
        for task in tasks[:5]:
            task.cancel()
        released.set()
        events = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(event, asyncio.CancelledError) for event in events[:5])
        for number, event in enumerate(events[5:], 5):
            assert isinstance(event, Answered)
            assert secure(event, f"192.0.2.{number}")

    with NameServer(held) as server, through(server) as resolver:
        asyncio.run(main())


def test_a_loop_that_stands_still_holds_up_nobody_else() -> None:
    with NameServer(silent_about("b.example")) as server, through(server) as resolver:
        loop = asyncio.new_event_loop()
        task = loop.create_task(resolver.answer_async(OTHER))
        loop.run_until_complete(asyncio.sleep(0.05))  # it waits for libunbound, and now nobody runs its loop
        assert secure(resolver.answer(QUESTION), "192.0.2.1")

        async def elsewhere() -> None:
            assert secure(await resolver.answer_async(Lookup("q1.example", "A")), "192.0.2.1")

        asyncio.run(elsewhere())
        anyio.run(elsewhere_uncached(resolver), backend="trio")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()


def elsewhere_uncached(resolver: UnboundResolver) -> Main:
    async def main() -> None:
        assert secure(await resolver.answer_async(Lookup("q2.example", "A")), "192.0.2.2")

    return main


def test_a_thread_stops_waiting_when_it_is_cancelled() -> None:
    outcomes: list[BaseException] = []

    def wait(lookup: Lookup) -> None:
        try:
            resolver.answer(lookup, cancellation)
        except Cancelled as error:
            outcomes.append(error)

    with NameServer(silent_about("b.example", "q1.example")) as server, through(server) as resolver:
        with Cancellation() as cancellation:
            threads = [
                threading.Thread(target=wait, args=(each,)) for each in (OTHER, OTHER, Lookup("q1.example", "A"))
            ]
            for thread in threads:
                thread.start()
            while not server.queries:
                time.sleep(0.01)
            cancellation.cancel()
            for thread in threads:
                thread.join()
        assert secure(resolver.answer(QUESTION), "192.0.2.1")
    assert len(outcomes) == 3


# Its end.


def test_closing_lets_everybody_go() -> None:
    events: list[LookupEvent] = []
    with NameServer(silent) as server:
        resolver = through(server)

        async def waiting() -> None:
            events.append(await resolver.answer_async(QUESTION))

        threads = [
            threading.Thread(target=asyncio.run, args=(waiting(),)),
            threading.Thread(target=anyio.run, args=(waiting,), kwargs={"backend": "trio"}),
            *(threading.Thread(target=lambda: events.append(resolver.answer(OTHER))) for _ in range(2)),
        ]
        for thread in threads:
            thread.start()
        while len({query.question[0].name for query, _ in server.queries}) < 2:
            time.sleep(0.01)
        resolver.close()
        resolver.close()
        for thread in threads:
            thread.join()
        events.append(resolver.answer(OTHER))
    assert len(events) == 5
    for event in events:
        assert isinstance(event, LookupFailed)
        assert (event.reason, event.detail) == (Failure.SERVFAIL, "the resolver was closed")


def test_a_resolver_that_is_let_go_leaves_nothing_behind() -> None:
    with NameServer(silent_about("b.example")) as server:
        resolver = through(server, timeout=0.2)
        resolver.answer(OTHER)
        assert secure(resolver.answer(QUESTION), "192.0.2.1")
        del resolver  # that nothing is open is what the fixture looks at


def test_a_loop_that_is_let_go_with_its_questions_does_no_harm() -> None:
    script = """
import asyncio, gc, sys
from siptls.dns import Lookup
from siptls_io import UnboundResolver

def abandoned():
    resolver = UnboundResolver([sys.argv[1]])
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    tasks = [loop.create_task(resolver.answer_async(Lookup(f"q{n}.example", "A"))) for n in range(3)]
    loop.run_until_complete(asyncio.sleep(0.05))
    resolver.me, tasks[0].loop_of_references = resolver, None
"""
    script = script.replace(
        "    resolver.me, tasks[0].loop_of_references = resolver, None\n", "    resolver.me = resolver\n"
    )
    script += "abandoned()\ngc.collect()\nprint('alive')\n"
    with NameServer(silent) as server:
        assert run_script(script, server.address) == (0, "alive\n", "")


def test_after_a_fork_both_processes_get_answers() -> None:
    script = """
import os, sys
from siptls.dns import Lookup
from siptls_io import UnboundResolver
resolver = UnboundResolver([sys.argv[1]], sys.argv[2], 20.0)
resolver.answer(Lookup("a.example", "A"))
child = os.fork()
names = ["q3.example", "q4.example"] if child else ["q4.example", "q3.example"]
found = [str(resolver.answer(Lookup(name, "A")).answer.records[0]) for name in names]
assert found == (["192.0.2.3", "192.0.2.4"] if child else ["192.0.2.4", "192.0.2.3"]), found
if child:
    assert os.waitpid(child, 0)[1] == 0
    resolver.close()
    print("both")
"""
    with NameServer(signed_root().truth) as server:
        assert run_script(script, server.address, signed_root().anchor) == (0, "both\n", "")


def resident() -> int:
    """The memory of this process, in octets."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is looked up as Linux tells it")
def test_thousands_of_lookups_take_no_more_memory_than_hundreds() -> None:
    with NameServer(silent_about("b.example")) as server:
        resolver = UnboundResolver([server.address], signed_root().anchor, 20.0, cache=Cache(0))

        async def some(count: int) -> None:
            for number in range(count):
                if number % 4 == 0:
                    with anyio.move_on_after(0):
                        await resolver.answer_async(QUESTION)
                assert secure(await resolver.answer_async(QUESTION), "192.0.2.1")

        asyncio.run(some(1_000))
        before = resident()
        asyncio.run(some(4_000))
        grown = resident() - before
        resolver.close()
    # One reply takes more than 500 octets: not to free it would take 2 MB.
    assert grown < 1_000_000


def test_a_child_can_let_go_what_it_inherits_though_a_thread_of_the_parent_is_in_the_middle_of_a_call() -> None:
    script = """
import dns.name, dns.rdatatype, os, signal, sys, threading
from siptls.dns import Lookup
from siptls_io import UnboundResolver
from siptls_io.turns import Question
resolver = UnboundResolver([sys.argv[1]], sys.argv[2], 20.0)
turns, question = resolver._started[1], Question(None)
turns.begin(question, dns.name.from_text("b.example"), dns.rdatatype.A)
held, released = threading.Event(), threading.Event()
def hold():
    with turns._lock:
        held.set()
        released.wait()
threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if not child:
    signal.alarm(20)
    turns.end(question)
    resolver.close()
    print(resolver.answer(Lookup("a.example", "A")).detail, flush=True)
    os._exit(0)
status = os.waitpid(child, 0)[1]
released.set()
turns.end(question)
print(status, resolver.answer(Lookup("a.example", "A")).answer.records[0])
"""
    with NameServer(signed_root().truth) as server:
        ran = run_script(script, server.address, signed_root().anchor)
    assert ran == (0, "the resolver was closed\n0 192.0.2.1\n", "")


def test_a_question_at_the_very_end_of_the_program_fails() -> None:
    script = """
import atexit, sys
late = []
atexit.register(lambda: print(late[0].answer(late[1]).detail))  # before the first weakref.finalize: runs after it
from siptls.dns import Lookup
from siptls_io import UnboundResolver
late += [UnboundResolver([sys.argv[1]], sys.argv[2], 20.0), Lookup("b.example", "A")]
print(late[0].answer(Lookup("a.example", "A")).answer.records[0])
"""
    with NameServer(signed_root().truth) as server:
        ran = run_script(script, server.address, signed_root().anchor)
    assert ran == (0, "192.0.2.1\nlibunbound: it has ended\n", "")


# Without files.

LIMITED = """
import os, resource, sys, time
from siptls.dns import Lookup
from siptls.events import Answered, LookupFailed
from siptls_io import UnboundResolver
from siptls_io.libunbound import Context, Query, load

def limited(more):
    resource.setrlimit(resource.RLIMIT_NOFILE, (HARD, HARD))
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + more, HARD))

HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
load()
"""


@in_every_way
def test_a_question_without_files_is_a_failure_and_the_next_one_is_answered(ask: Ask) -> None:
    with NameServer(signed_root().truth) as server, through(server) as resolver:
        event = ask(WithoutFiles(resolver), QUESTION)
        assert isinstance(event, LookupFailed)
        assert event.reason is Failure.SERVFAIL
        assert event.detail in ("Too many open files", "SERVFAIL")  # libunbound may have failed before we wait for it
        assert secure(ask(resolver, OTHER), "192.0.2.2")
        assert secure(ask(WithoutFiles(resolver), OTHER), "192.0.2.2")  # is known by now


def test_however_few_files_can_be_opened_making_a_resolver_and_asking_it_never_end_the_process() -> None:
    script = """
kinds = []
for more in range(24):
    limited(more)
    try:
        with UnboundResolver(["127.0.0.1"]) as resolver:
            limited(0)
            event = resolver.answer(Lookup("localhost", "A"))
        assert isinstance(event, LookupFailed), event
        kinds.append("made")
    except OSError:
        kinds.append("refused")
print(*kinds)
"""
    code, out, err = run_script(LIMITED + script)
    assert (code, err) == (0, "")
    kinds = out.split()
    assert kinds == sorted(kinds, reverse=True)  # refused at first, and made from some number on
    assert set(kinds) == {"made", "refused"}


def test_libunbound_itself_survives_that_files_run_out() -> None:
    script = """
def reply(name):
    query = Query()
    context.ask(query, name, 1)
    while not context.take(query):
        time.sleep(0.01)
        context.process()
    return query.reply

context = Context([sys.argv[1].replace(":", "@")], [sys.argv[2]])
limited(0)
without = reply("a.example.")
limited(30)
again = reply("b.example.")
print(without.packet[3] & 15, without.secure, without.bogus, again.packet[3] & 15, again.secure)
"""
    with NameServer(signed_root().truth) as server:
        ran = run_script(LIMITED + script, server.address, signed_root().anchor)
    assert ran == (0, "2 False False 0 True\n", "")


def test_a_child_with_few_files_gets_failures() -> None:
    script = """
resolver = UnboundResolver([sys.argv[1]], sys.argv[2], 20.0)
for more in range(0, 21, 2):
    child = os.fork()
    if not child:
        limited(more)
        event = resolver.answer(Lookup("a.example", "A"))
        os._exit(0 if isinstance(event, LookupFailed) or more > 16 else 2)
    assert os.waitpid(child, 0)[1] == 0, more
print("all")
"""
    with NameServer(signed_root().truth) as server:
        assert run_script(LIMITED + script, server.address, signed_root().anchor) == (0, "all\n", "")


# The cache in front of it.


def test_the_second_time_nobody_is_asked_and_the_answer_has_aged() -> None:
    now = [1_000.0]
    with NameServer(signed_root().truth) as server:
        cache = Cache(clock=lambda: now[0])
        with UnboundResolver([server.address], signed_root().anchor, 20.0, cache=cache) as resolver:
            first = resolver.answer(QUESTION)
            resolver.close()  # from now on only the cache answers
            now[0] += 100
            second = resolver.answer(QUESTION)
    assert isinstance(first, Answered)
    assert isinstance(second, Answered)
    assert second.answer.security is Security.SECURE
    assert second.answer.ttl == first.answer.ttl - 100


@pytest.mark.req("T-S02")
def test_a_secure_answer_reaches_a_resolver_that_validates_nothing_only_through_a_cache_that_the_caller_shares() -> (
    None
):
    with NameServer(signed_root().truth) as server, through(server) as validating:
        assert secure(validating.answer(QUESTION), "192.0.2.1")
        alone = AdResolver([server.address])
        event = alone.answer(QUESTION)
        assert isinstance(event, Answered)
        assert event.answer.security is Security.INSECURE
        shared = Cache()
        with UnboundResolver([server.address], signed_root().anchor, 20.0, cache=shared) as first:
            assert secure(first.answer(QUESTION), "192.0.2.1")
        assert secure(AdResolver([server.address], cache=shared).answer(QUESTION), "192.0.2.1")


@pytest.mark.req("R4035-4.7-1", "R2308-7.1-1")
def test_a_failure_is_not_kept() -> None:
    failing = [True]

    def script(query: dns.message.Message, tcp: bool) -> dns.message.Message | None:
        return None if failing[0] else signed_root().truth(query)

    cache = Cache()
    with NameServer(script) as server:
        with UnboundResolver([server.address], signed_root().anchor, 0.2, cache=cache) as resolver:
            assert isinstance(resolver.answer(QUESTION), LookupFailed)
        failing[0] = False
        with UnboundResolver([server.address], signed_root().anchor, 20.0, cache=cache) as resolver:
            assert secure(resolver.answer(QUESTION), "192.0.2.1")


# What it is made of.


@pytest.mark.parametrize(
    "text",
    ["ns.example.com", "127.0.0.1:0", "127.0.0.1:99999", "[::1", "tls://127.0.0.1", "https://127.0.0.1/dns-query"],
)
def test_what_is_no_forwarder_is_refused(text: str) -> None:
    with pytest.raises(InvalidServer) as raised:
        UnboundResolver([text])
    assert raised.value.text == text


def tuple_of(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


@pytest.mark.parametrize("form", [str, tuple_of])
def test_forwarders_are_written_as_for_the_other_resolver(form: Callable[[str], str | tuple[str, int]]) -> None:
    with NameServer(signed_root().truth) as server:
        resolver = UnboundResolver([form(server.address)], signed_root().anchor, 20.0)
        assert secure(resolver.answer(QUESTION), "192.0.2.1")
        resolver.close()


def test_the_next_forwarder_answers_for_one_that_is_silent() -> None:
    with NameServer(silent) as first, NameServer(signed_root().truth) as second:
        resolver = UnboundResolver([first.address, second.address], signed_root().anchor, 20.0)
        assert secure(resolver.answer(QUESTION), "192.0.2.1")
        resolver.close()


def test_the_systems_name_servers_are_asked_and_what_they_say_is_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    with NameServer(signed_root().truth) as server:
        monkeypatch.setattr(AdResolver, "system", lambda: AdResolver([server.address]))
        with UnboundResolver.system(signed_root().anchor, 20.0) as resolver:
            assert secure(resolver.answer(QUESTION), "192.0.2.1")


def test_without_forwarders_it_needs_nobody() -> None:
    with UnboundResolver() as resolver:
        event = resolver.answer(Lookup("localhost", "A"))  # the only name that is answered without asking anybody
    assert addresses(event) == ["127.0.0.1"]


def test_a_missing_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for names in (("libnowhere.so.8",), ("libc.so.6",)):
        libunbound.load.cache_clear()
        monkeypatch.setattr(libunbound, "NAMES", names)
        with pytest.raises(MissingLibrary, match="libunbound is missing: install the package libunbound8") as raised:
            UnboundResolver(["127.0.0.1"])
        assert isinstance(raised.value, SiptlsError)
        assert isinstance(raised.value, ImportError)
        assert (raised.value.library, raised.value.package) == ("libunbound", "libunbound8")
    libunbound.load.cache_clear()


def test_nothing_but_the_resolver_needs_the_library() -> None:
    script = (
        "import sys, ctypes; ctypes.CDLL = None; import siptls_io, siptls_io.asyncio;"
        "siptls_io.UnboundResolver; siptls_io.AdResolver(['127.0.0.1']); print('fine')"
    )
    assert run_script(script) == (0, "fine\n", "")


def test_libunbound_says_nothing_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    other = SignedRoot("a.example. A 192.0.2.1")
    with NameServer(signed_root().truth) as server, through(server, other) as resolver:
        resolver.answer(QUESTION)
    with NameServer(garbage) as server, through(server, timeout=0.3) as resolver:
        resolver.answer(QUESTION)
    assert capfd.readouterr() == ("", "")


# Trust anchors.


@pytest.mark.req("R4035-4.4-1")
def test_the_anchors_may_be_ds_or_dnskey_records_several_and_in_a_file(tmp_path: Path) -> None:
    root = signed_root()
    key = dns.rdata.from_text("IN", "DNSKEY", root.anchor.partition("DNSKEY ")[2])
    ds = f". 172800 IN DS {dns.dnssec.make_ds('.', key, 'SHA256')} ; its digest\n"
    file = tmp_path / "anchors"
    file.write_text(f"; two\n{OTHER_ROOT.anchor}\n{ds}")
    with NameServer(root.truth) as server:
        for anchors in (ds, f"{ds}{root.anchor}\n", file, root.anchor.replace(" 3 13 ", " 3 13 (\n") + " )"):
            with UnboundResolver([server.address], anchors, 20.0) as resolver:
                assert secure(resolver.answer(QUESTION), "192.0.2.1")


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", None, "no DS and no DNSKEY record"),
        ("; nothing\n", None, "no DS and no DNSKEY record"),
        ("\n. IN A 192.0.2.1\n", 2, "expected DS or DNSKEY, not A"),
        (". IN DS 20326 8 2 E06D\n", 1, "digest"),
        (". IN DS 20326 8 1 " + "00" * 20, 1, "unknown or outdated digest type 1"),
        (". IN DS 20326 253 2 " + "00" * 32, 1, "unknown or outdated algorithm 253"),
        (". IN DNSKEY 256 2 13 AAAA", 1, "no key that signs a zone"),
        (". IN DNSKEY 0 3 13 AAAA", 1, "no key that signs a zone"),
        (". IN DNSKEY 385 3 13 AAAA", 1, "no key that signs a zone"),
        (". IN DNSKEY 257 3 1 AAAA", 1, "unknown or outdated algorithm 1"),
        ("hello\n", 1, "malformed"),
        ("$INCLUDE /etc/passwd\n", 1, "INCLUDE"),
    ],
)
@pytest.mark.parametrize("in_a_file", [False, True])
def test_what_is_no_trust_anchor_is_refused_with_its_line(
    text: str, line: int | None, problem: str, in_a_file: bool, tmp_path: Path
) -> None:
    file = tmp_path / "anchors"
    file.write_text(text)
    with pytest.raises(InvalidTrustAnchor, match=problem) as raised:
        UnboundResolver(["127.0.0.1"], file if in_a_file else text)
    assert raised.value.line == line
    assert raised.value.file == (str(file) if in_a_file else "trust anchors")


def test_a_file_of_anchors_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidTrustAnchor, match="No such file") as raised:
        UnboundResolver(["127.0.0.1"], tmp_path / "missing")
    assert raised.value.file == str(tmp_path / "missing")
    (tmp_path / "binary").write_bytes(b"; ok\n\xff\n")
    with pytest.raises(InvalidTrustAnchor, match="not UTF-8") as raised:
        UnboundResolver(["127.0.0.1"], tmp_path / "binary")
    assert raised.value.line == 2


def test_the_roots_anchors_are_those_of_the_two_keys_that_iana_publishes() -> None:
    from siptls_io.trust_anchors import read_trust_anchors

    tags = sorted(int(record.split()[3]) for record in read_trust_anchors(None))
    assert tags == [20326, 38696]


def test_servers_that_keep_silent_do_not_take_the_place_of_others() -> None:
    def selective(query: dns.message.Message, tcp: bool) -> dns.message.Message | None:
        name = query.question[0].name.to_text()
        return None if name.startswith("silent") else response(query, f"{name} 60 IN A 192.0.2.1")

    async def main(resolver: UnboundResolver) -> None:
        lookups = [Lookup(f"silent.of{number}", "A") for number in range(300)]
        asked = [asyncio.create_task(resolver.answer_async(lookup)) for lookup in lookups]
        await asyncio.sleep(0.3)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        for number in range(10):
            event = await resolver.answer_async(Lookup(f"good.of{number}", "A"))
            assert isinstance(event, Answered)

    with (
        NameServer(selective) as server,
        UnboundResolver([server.address], "nowhere. IN DS 1 13 2 " + "ab" * 32, 20.0) as resolver,
    ):
        asyncio.run(main(resolver))
