from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import anyio
import dns.flags
import dns.message
import dns.rcode
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from loopback_dns import RESET, NameServer, Reset, Script, response
from loops import EVENT_LOOPS
from resolving import Ask, WithoutFiles, in_every_way, no_more_files
from siptls.dns import Address, Denial, Lookup, Security
from siptls.events import Answered, Failure, LookupEvent, LookupFailed
from siptls_io.ad_resolver import AdResolver
from siptls_io.cancellation import Cancellation, Cancelled
from siptls_io.errors import InvalidServer
from siptls_io.resolver import Cache

QUESTION = Lookup("a.example.com", "A")
RECORD = "a.example.com. 60 IN A 192.0.2.1"
NO_AUTHORITY = dns.rcode.SERVFAIL


def plain(query: dns.message.Message, tcp: bool) -> dns.message.Message:
    return response(query, RECORD)


def with_ad(query: dns.message.Message, tcp: bool) -> dns.message.Message:
    return response(query, RECORD, ad=True)


def silent(query: dns.message.Message, tcp: bool) -> None:
    return None


def failing(query: dns.message.Message, tcp: bool) -> dns.message.Message:
    return response(query, rcode=dns.rcode.SERVFAIL)


def bogus(query: dns.message.Message, tcp: bool) -> dns.message.Message:
    return response(query, rcode=dns.rcode.SERVFAIL, ede=(6, "signature crypto failed"))


def refusing(query: dns.message.Message, tcp: bool) -> dns.message.Message:
    return response(query, rcode=dns.rcode.REFUSED)


def not_implementing(query: dns.message.Message, tcp: bool) -> dns.message.Message:
    return response(query, rcode=dns.rcode.NOTIMP)


@contextmanager
def closed_port() -> Generator[str]:
    """An address on loopback at which nobody listens, and nobody else will."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        port: int = udp.getsockname()[1]
    yield f"127.0.0.1:{port}"


def answered(event: LookupEvent) -> Security:
    assert isinstance(event, Answered)
    (record,) = event.answer.records
    assert isinstance(record, Address)
    assert record.address == "192.0.2.1"
    return event.answer.security


def failed(event: LookupEvent) -> Failure:
    assert isinstance(event, LookupFailed)
    return event.reason


@in_every_way
@pytest.mark.req("T-S02", "R4035-4.6-2", "R4035-4.9.3-1", "R6698-4.1-4")
def test_the_ad_bit_counts_only_from_a_server_that_is_trusted_and_loopback_is_none_by_itself(ask: Ask) -> None:
    with NameServer(with_ad) as lying:
        believing = AdResolver([lying.address], trusted=[lying.address])
        event = ask(believing, QUESTION)
        assert answered(event) is Security.SECURE
        assert isinstance(event, Answered)
        assert event.answer.source.note == "resolver.trust-ad"
        for trusted in ([], ["127.0.0.2"], [("127.0.0.1", 1)]):
            event = ask(AdResolver([lying.address], trusted=trusted), QUESTION)
            assert answered(event) is Security.INSECURE
            assert isinstance(event, Answered)
            assert event.answer.source.note == "resolver.not-trusted"
            assert event.answer.source.name == lying.address


@in_every_way
def test_trust_in_an_address_without_a_port_covers_every_port(ask: Ask) -> None:
    with NameServer(with_ad) as server:
        assert answered(ask(AdResolver([server.address], trusted=["127.0.0.1"]), QUESTION)) is Security.SECURE


@in_every_way
@pytest.mark.req("T-S02")
def test_an_answer_without_the_ad_bit_is_insecure_though_the_server_is_trusted(ask: Ask) -> None:
    with NameServer(plain) as server:
        assert answered(ask(AdResolver([server.address], trusted=[server.address]), QUESTION)) is Security.INSECURE


@in_every_way
@pytest.mark.req("R4035-4.1-1", "R4035-4.1-2", "R6840-5.7-1", "R6840-5.6-1")
def test_a_query_asks_for_validation_and_announces_its_size(ask: Ask) -> None:
    with NameServer(with_ad) as server:
        ask(AdResolver([server.address]), QUESTION)
        ((query, tcp),) = server.queries
    assert not tcp
    assert query.flags & dns.flags.RD
    assert query.flags & dns.flags.AD
    assert not query.flags & dns.flags.CD
    assert query.edns == 0
    assert query.ednsflags & dns.flags.DO
    assert 1220 <= query.payload <= 1452


@in_every_way
@pytest.mark.req("R2181-9-1")
def test_a_truncated_response_is_asked_for_again_over_tcp(ask: Ask) -> None:
    many = [f"a.example.com. 60 IN A 192.0.2.{n}" for n in range(250)]

    def script(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        return response(query, *many, ad=True) if tcp else response(query, RECORD, tc=True)

    with NameServer(script) as server:
        event = ask(AdResolver([server.address], trusted=[server.address]), QUESTION)
        assert [tcp for _, tcp in server.queries] == [False, True]
    assert isinstance(event, Answered)
    assert len(event.answer.records) == 250
    assert event.answer.security is Security.SECURE


@in_every_way
def test_nothing_but_garbage_over_tcp_is_malformed(ask: Ask) -> None:
    def script(query: dns.message.Message, tcp: bool) -> dns.message.Message | bytes:
        return b"\0" * 20 if tcp else response(query, tc=True)

    with NameServer(script) as server:
        assert failed(ask(AdResolver([server.address]), QUESTION)) is Failure.MALFORMED


@in_every_way
def test_a_server_that_hangs_up_over_tcp_is_malformed(ask: Ask) -> None:
    def script(query: dns.message.Message, tcp: bool) -> dns.message.Message | None:
        return None if tcp else response(query, tc=True)

    with NameServer(script) as server:
        event = ask(AdResolver([server.address]), QUESTION)
    assert failed(event) is Failure.MALFORMED


def resetting(query: dns.message.Message, tcp: bool) -> Reset:
    return RESET


def truncating_over_udp(over_tcp: Script) -> Script:
    return lambda query, tcp: over_tcp(query, tcp) if tcp else response(query, RECORD, tc=True, ad=True)


@in_every_way
def test_a_question_without_files_is_a_failure_and_the_next_one_is_answered(ask: Ask) -> None:
    with NameServer(plain) as server:
        resolver = AdResolver([server.address])
        event = ask(WithoutFiles(resolver), QUESTION)
        assert failed(event) is Failure.TIMEOUT
        assert isinstance(event, LookupFailed)
        assert event.detail == f"{server.address}: Too many open files"
        assert isinstance(ask(resolver, QUESTION), Answered)
        assert isinstance(ask(WithoutFiles(resolver), QUESTION), Answered)  # is known by now


def test_a_server_on_loopback_that_begins_without_files_serves_as_soon_as_there_are_some() -> None:
    with ExitStack() as around:
        server = NameServer(truncating_over_udp(plain))
        with no_more_files():
            around.enter_context(server)
            time.sleep(0.05)  # until its thread has tried to accept; if that takes longer, less is shown
        assert isinstance(AdResolver([server.address]).answer(QUESTION), Answered)
        assert [tcp for _, tcp in server.queries] == [False, True]


@in_every_way
@pytest.mark.req("R2181-9-1")
def test_what_is_truncated_over_tcp_too_is_malformed_and_its_records_do_not_count(ask: Ask) -> None:
    with NameServer(lambda query, tcp: response(query, RECORD, tc=True, ad=True)) as server:
        event = ask(AdResolver([server.address], [server.address]), QUESTION)
        assert failed(event) is Failure.MALFORMED
        assert [tcp for _, tcp in server.queries] == [False, True]
    assert isinstance(event, LookupFailed)
    assert event.detail == "the response is truncated, or has more records than are read"


@in_every_way
@pytest.mark.req("R2181-9-1")
@pytest.mark.parametrize(
    ("over_tcp", "udp_only", "reason", "detail"),
    [
        (plain, True, Failure.TIMEOUT, "Connection refused"),
        (resetting, False, Failure.MALFORMED, "the name server closed the connection"),
        (silent, False, Failure.MALFORMED, "the name server closed the connection"),
        (failing, False, Failure.SERVFAIL, "SERVFAIL"),
    ],
    ids=["refused", "reset", "closed", "servfail"],
)
def test_a_truncated_response_is_no_answer_when_tcp_fails(
    ask: Ask, over_tcp: Script, udp_only: bool, reason: Failure, detail: str
) -> None:
    with NameServer(truncating_over_udp(over_tcp), udp_only=udp_only) as server:
        event = ask(AdResolver([server.address], [server.address]), QUESTION)
        assert failed(event) is reason
        assert isinstance(event, LookupFailed)
        assert event.detail.endswith(detail)


@in_every_way
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (failing, Failure.SERVFAIL),
        (bogus, Failure.BOGUS),
        (refusing, Failure.REFUSED),
        (not_implementing, Failure.MALFORMED),
    ],
)
@pytest.mark.req("T-S02", "R4035-4.3-1")
def test_a_failure_is_told_by_its_reason_and_not_asked_again(ask: Ask, script: Script, reason: Failure) -> None:
    with NameServer(script) as server:
        event = ask(AdResolver([server.address], trusted=[server.address]), QUESTION)
        assert failed(event) is reason
        assert len(server.queries) == 1
    assert isinstance(event, LookupFailed)
    assert event.source is not None
    assert event.source.note == "resolver.trust-ad"
    if reason is Failure.BOGUS:
        assert "signature crypto failed" in event.detail


@in_every_way
def test_a_silent_server_is_asked_three_times_and_then_it_is_a_time_out(ask: Ask) -> None:
    with NameServer(silent) as server:
        began = time.monotonic()
        event = ask(AdResolver([server.address], patience=0.1), QUESTION)
        assert failed(event) is Failure.TIMEOUT
        assert 0.25 < time.monotonic() - began < 4
        assert len(server.queries) == 3
        assert len({query.id for query, _ in server.queries}) > 1


@in_every_way
def test_the_time_for_one_question_is_bounded_whatever_the_number_of_servers(ask: Ask) -> None:
    with NameServer(silent) as server:
        began = time.monotonic()
        event = ask(AdResolver([server.address] * 20, timeout=0.3, patience=0.1), QUESTION)
        assert failed(event) is Failure.TIMEOUT
        assert time.monotonic() - began < 4


@in_every_way
@pytest.mark.parametrize("first", [failing, refusing, silent])
def test_the_next_server_is_asked_when_one_fails(ask: Ask, first: Script) -> None:
    with NameServer(first) as one, NameServer(plain) as two:
        event = ask(AdResolver([one.address, two.address], patience=0.1), QUESTION)
        assert answered(event) is Security.INSECURE
        assert isinstance(event, Answered)
        assert event.answer.source.name == two.address
        assert len(one.queries) == 1


@in_every_way
def test_the_next_server_is_asked_when_nobody_listens(ask: Ask) -> None:
    with closed_port() as nobody, NameServer(plain) as two:
        assert answered(ask(AdResolver([nobody, two.address], patience=0.2), QUESTION)) is Security.INSECURE


@in_every_way
def test_the_next_server_is_asked_when_the_system_lets_nothing_be_sent(ask: Ask) -> None:
    # A datagram to the broadcast address needs a permission that was not asked for: nothing is sent.
    with NameServer(plain) as two:
        assert answered(ask(AdResolver(["255.255.255.255", two.address], patience=0.2), QUESTION)) is Security.INSECURE


@in_every_way
@pytest.mark.req("T-S02")
@pytest.mark.parametrize("first", [failing, bogus, refusing, silent])
def test_after_a_trusted_server_failed_no_server_without_trust_decides(ask: Ask, first: Script) -> None:
    with NameServer(first) as trusted, NameServer(plain) as other, NameServer(with_ad) as reserve:
        event = ask(AdResolver([trusted.address, other.address], [trusted.address], patience=0.05), QUESTION)
        assert isinstance(event, LookupFailed)
        assert other.queries == []
        trust = [trusted.address, reserve.address]
        event = ask(AdResolver([trusted.address, other.address, reserve.address], trust, patience=0.05), QUESTION)
        assert answered(event) is Security.SECURE
        assert other.queries == []


@in_every_way
def test_what_one_server_found_bogus_no_other_makes_true_that_would_not_know(ask: Ask) -> None:
    with NameServer(bogus) as validating, NameServer(plain) as other:
        event = ask(AdResolver([validating.address, other.address]), QUESTION)
        assert other.queries == []
    assert isinstance(event, LookupFailed)
    assert event.reason is Failure.BOGUS


@in_every_way
@pytest.mark.req("T-S02")
def test_silent_servers_are_asked_three_times_each_and_those_without_trust_only_before_a_trusted_one(ask: Ask) -> None:
    with NameServer(silent) as one, NameServer(silent) as trusted, NameServer(silent) as other:
        servers = [one.address, trusted.address, other.address]
        assert failed(ask(AdResolver(servers, [trusted.address], patience=0.05), QUESTION)) is Failure.TIMEOUT
        assert [len(server.queries) for server in (one, trusted, other)] == [1, 3, 0]


@in_every_way
def test_of_several_failures_the_one_that_says_the_most_is_reported(ask: Ask) -> None:
    with NameServer(silent) as one, NameServer(failing) as two, NameServer(bogus) as three:
        servers = [one.address, two.address]
        assert failed(ask(AdResolver(servers, patience=0.05), QUESTION)) is Failure.SERVFAIL
        assert failed(ask(AdResolver([*servers, three.address], patience=0.05), QUESTION)) is Failure.BOGUS


@in_every_way
def test_what_does_not_answer_the_query_is_passed_over(ask: Ask) -> None:
    sent: list[dns.message.Message] = []

    def script(query: dns.message.Message, tcp: bool) -> bytes:
        # The first two times something else; the resolver waits on, asks again, and is answered then.
        sent.append(query)
        forged = response(query, "a.example.com. 60 IN A 203.0.113.66", ad=True).to_wire()
        if len(sent) == 1:
            return bytes([forged[0] ^ 0xFF]) + forged[1:]
        if len(sent) == 2:
            return forged[:-1]
        return response(query, RECORD).to_wire()

    with NameServer(script) as server:
        event = ask(AdResolver([server.address], trusted=[server.address], patience=0.15), QUESTION)
    assert answered(event) is Security.INSECURE


@in_every_way
@pytest.mark.req("T-L01")
@pytest.mark.parametrize("forgery", ["ID", "question", "class", "type", "opcode", "QR", "octets", "nothing"])
def test_a_forged_datagram_before_the_response_changes_nothing(ask: Ask, forgery: str) -> None:
    def script(query: dns.message.Message, tcp: bool) -> list[dns.message.Message | bytes | None]:
        forged = response(query, "a.example.com. 60 IN A 203.0.113.66", ad=True)
        wire = forged.to_wire()
        question = b"\1a\7example\3com\0"
        return [
            {
                "ID": bytes([wire[0] ^ 1]) + wire[1:],
                "question": wire.replace(question, b"\1b" + question[2:], 1),
                "class": wire.replace(question + b"\0\1\0\1", question + b"\0\1\0\3", 1),
                "type": wire.replace(question + b"\0\1\0\1", question + b"\0\x1c\0\1", 1),
                "opcode": wire[:2] + bytes([wire[2] | 0x28]) + wire[3:],
                "QR": wire[:2] + bytes([wire[2] & 0x7F]) + wire[3:],
                "octets": wire[:-5],
                "nothing": b"",
            }[forgery],
            response(query, RECORD),
        ]

    with NameServer(script) as server:
        event = ask(AdResolver([server.address], [server.address], timeout=60, patience=60), QUESTION)
        assert answered(event) is Security.INSECURE
        assert len(server.queries) == 1


@in_every_way
def test_a_second_response_is_ignored(ask: Ask) -> None:
    def script(query: dns.message.Message, tcp: bool) -> list[dns.message.Message | bytes | None]:
        return [response(query, RECORD), response(query, "a.example.com. 60 IN A 203.0.113.66", ad=True)]

    with NameServer(script) as server:
        resolver = AdResolver([server.address], [server.address], timeout=60, patience=60)
        assert answered(ask(resolver, QUESTION)) is Security.INSECURE
        event = ask(resolver, Lookup("b.example.com", "A"))
        assert isinstance(event, Answered)  # what came second a moment ago is no answer to this
        assert event.answer.denial is Denial.NODATA
        assert answered(ask(resolver, QUESTION)) is Security.INSECURE  # and it was not kept


@in_every_way
def test_a_late_response_is_ignored_and_the_question_asked_again(ask: Ask) -> None:
    late = threading.Event()

    def script(query: dns.message.Message, tcp: bool) -> dns.message.Message | None:
        if not late.is_set():
            late.wait(0.7)  # nobody sets it: this long after its query the response has nobody to go to
            late.set()
            return response(query, "a.example.com. 60 IN A 203.0.113.66", ad=True)
        return response(query, RECORD)

    with NameServer(script) as server:
        event = ask(AdResolver([server.address], [server.address], timeout=60, patience=0.6), QUESTION)
        assert answered(event) is Security.INSECURE
        assert len(server.queries) > 1


@in_every_way
@pytest.mark.req("T-S02")
def test_the_reasons_that_a_server_gives_are_kept_with_their_names(ask: Ask) -> None:
    errors = [(7, "signature expired 2026-05-01"), (9, ""), (23, "192.0.2.1:53 rcode=REFUSED"), (65_000, "\x1b[2Jx")]
    with NameServer(lambda query, tcp: response(query, rcode=dns.rcode.SERVFAIL, ede=errors)) as server:
        event = ask(AdResolver([server.address]), QUESTION)
    assert failed(event) is Failure.BOGUS
    assert isinstance(event, LookupFailed)
    assert event.detail == (
        "SERVFAIL, EDE 7 (Signature Expired): signature expired 2026-05-01, EDE 9 (DNSKEY Missing), "
        "EDE 23 (Network Error): 192.0.2.1:53 rcode=REFUSED, EDE 65000: \\027[2Jx"
    )


@in_every_way
def test_a_datagram_from_another_sender_is_passed_over(ask: Ask) -> None:
    with NameServer(plain, from_elsewhere=True) as server:
        assert failed(ask(AdResolver([server.address], patience=0.1), QUESTION)) is Failure.TIMEOUT
        assert len(server.queries) == 3


@in_every_way
@pytest.mark.req("R6698-8.2-1", "R2308-7.1-1")
def test_answers_are_kept_and_failures_are_not(ask: Ask) -> None:
    now = [0.0]
    with NameServer(with_ad) as server:
        resolver = AdResolver([server.address], [server.address], cache=Cache(clock=lambda: now[0]))
        assert answered(ask(resolver, QUESTION)) is Security.SECURE
        now[0] = 59.0
        event = ask(resolver, QUESTION)
        assert answered(event) is Security.SECURE
        assert isinstance(event, Answered)
        assert event.answer.ttl == 1.0
        assert len(server.queries) == 1
        now[0] = 60.0
        ask(resolver, QUESTION)
        assert len(server.queries) == 2
    with NameServer(failing) as server:
        resolver = AdResolver([server.address])
        ask(resolver, QUESTION)
        ask(resolver, QUESTION)
        assert len(server.queries) == 2


@in_every_way
def test_a_name_that_is_none_is_not_asked_for(ask: Ask) -> None:
    with NameServer(plain) as server:
        assert failed(ask(AdResolver([server.address]), Lookup("a..b", "A"))) is Failure.MALFORMED
        assert server.queries == []


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.53", "192.0.2.53", 53),
        ("192.0.2.53:5320", "192.0.2.53", 5320),
        ("2001:DB8::53", "2001:db8::53", 53),
        ("[2001:db8::53]", "2001:db8::53", 53),
        ("[2001:db8::53]:5320", "2001:db8::53", 5320),
        (("2001:db8:0::53", 5320), "2001:db8::53", 5320),
    ],
)
def test_a_server_is_written(text: str | tuple[str, int], address: str, port: int) -> None:
    (server,) = AdResolver([text], trusted=[text]).servers
    assert (server.address, server.port, server.trusted) == (address, port, True)
    bracketed = f"[{address}]" if ":" in address else address
    assert server.source.name == f"{bracketed}:{port}"


@pytest.mark.parametrize(
    "text",
    """|ns.example.com|192.0.2.53:|192.0.2.53:0|192.0.2.53:65536|192.0.2.53:x|192.0.2.53:+53|192.0.2|[2001:db8::53
    |[2001:db8::53]5|[2001:db8::53]:|[192.0.2.53|192.0.2.53:\u0661|[ns]:53|:53|2001:db8::53]""".replace(
        "\n    ", ""
    ).split("|"),
)
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(InvalidServer) as raised:
        AdResolver([text])
    assert raised.value.text == text
    with pytest.raises(InvalidServer):
        AdResolver(["192.0.2.53"], trusted=[text])


def test_there_must_be_a_server() -> None:
    with pytest.raises(InvalidServer, match="at least one address"):
        AdResolver([])
    with pytest.raises(InvalidServer, match="70000"):
        AdResolver([("192.0.2.53", 70_000)])


@pytest.mark.req("T-S02")
def test_of_the_systems_name_servers_none_is_trusted() -> None:
    resolver = AdResolver.system()
    assert resolver.servers
    assert not any(server.trusted for server in resolver.servers)


# Servers that lie.

FLAGS = st.integers(0, 0xFFFF)
# Nobody, or somebody else; loopback is no exception.
ELSEWHERE = ["", "127.0.0.2", "127.0.0.2:{port}", "::1", "127.0.0.1:{other}", "tls://127.0.0.1:{port}", "192.0.2.53"]


class Lying:
    """A server that sets flags as it likes, and those who ask it."""

    def __init__(self) -> None:
        self.server = NameServer(self._reply)
        self.address = self.server.address
        self.flags: dict[bool, int] = {}
        self.ednsflags = 0
        self.rcode = 0

    def _reply(self, query: dns.message.Message, tcp: bool) -> dns.message.Message:
        reply = response(query, RECORD, rcode=dns.rcode.Rcode.make(self.rcode))
        reply.flags |= self.flags[tcp]
        reply.ednsflags |= self.ednsflags
        return reply


@pytest.fixture(scope="module")
def lying() -> Generator[Lying]:
    lying = Lying()
    with lying.server:
        yield lying


def secure(event: LookupEvent) -> bool:
    """Whether anything of an event is SECURE."""
    if isinstance(event, LookupFailed):
        return False
    return Security.SECURE in (event.answer.security, *(step.security for step in event.answer.aliases))


@pytest.mark.req("T-S02", "R4035-4.9.3-1")
@given(
    flags=FLAGS, ednsflags=FLAGS, rcode=st.sampled_from([0, 2, 3]), over_tcp=FLAGS, trusted=st.sampled_from(ELSEWHERE)
)
def test_whatever_a_server_that_is_not_trusted_says_nothing_is_secure(
    lying: Lying, flags: int, ednsflags: int, rcode: int, over_tcp: int, trusted: str
) -> None:
    lying.flags, lying.ednsflags, lying.rcode = {False: flags, True: over_tcp}, ednsflags, rcode
    trust = [trusted.format(port=lying.server.port, other=lying.server.port ^ 1)] if trusted else []
    assert secure(AdResolver([lying.address], trust, timeout=0.05, patience=0.05).answer(QUESTION)) is False


@pytest.mark.req("T-S02", "R4035-4.9.3-1")
@given(flags=FLAGS, ednsflags=FLAGS)
def test_of_all_that_a_trusted_server_says_only_the_ad_bit_makes_an_answer_secure(
    lying: Lying, flags: int, ednsflags: int
) -> None:
    meaningful = flags & ~(dns.flags.TC | 0x7800 | 0xF)
    lying.flags, lying.ednsflags, lying.rcode = {False: meaningful, True: meaningful}, ednsflags, 0
    event = AdResolver([lying.address], [lying.address], timeout=60, patience=60).answer(QUESTION)
    assert secure(event) is bool(flags & dns.flags.AD)


# Cancelled, and another clock.


@pytest.mark.parametrize("way", ["blocking", *EVENT_LOOPS])
@pytest.mark.parametrize("truncating", [False, True])
def test_cancelling_a_lookup_leaves_nothing_behind(way: str, truncating: bool) -> None:
    reached, reaching = socket.socketpair()
    ended = threading.Event()

    def script(query: dns.message.Message, tcp: bool) -> dns.message.Message | None:
        if truncating and not tcp:
            return response(query, tc=True)
        reaching.send(b"!")
        if tcp:
            ended.wait(30)  # the connection stays open until the client is gone
        return None

    with NameServer(script) as server, reached, reaching:
        resolver = AdResolver([server.address], timeout=600, patience=600)
        if way == "blocking":
            cancel_in_a_thread(resolver, reached)
        else:
            EVENT_LOOPS[way].run(lambda: cancel_in_a_loop(resolver, reached))
        ended.set()


def cancel_in_a_thread(resolver: AdResolver, reached: socket.socket) -> None:
    with Cancellation() as cancellation:

        def cancel_then() -> None:
            reached.recv(1)
            cancellation.cancel()

        canceller = threading.Thread(target=cancel_then)
        canceller.start()
        with pytest.raises(Cancelled):
            resolver.answer(QUESTION, cancellation)
        canceller.join()


async def cancel_in_a_loop(resolver: AdResolver, reached: socket.socket) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(resolver.answer_async, QUESTION)
        await anyio.wait_readable(reached)
        tasks.cancel_scope.cancel()


def test_an_event_loop_measures_time_by_its_own_clock() -> None:
    async def main(resolver: AdResolver) -> tuple[LookupEvent, float]:
        began = trio.current_time()
        return await resolver.answer_async(QUESTION), trio.current_time() - began

    with NameServer(silent) as server:
        clock = trio.testing.MockClock(autojump_threshold=0.05)
        resolver = AdResolver([server.address], timeout=10_000, patience=4_000)
        event, took = trio.run(main, resolver, clock=clock)
        assert failed(event) is Failure.TIMEOUT
        assert took == pytest.approx(10_000)  # 4,000 seconds for the first two queries, what remains for the third
        assert len(server.queries) == 3
