"""What a machine noted, as steps for people: every kind of evidence, and text from the network that is only text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siptls import (
    Anchors,
    Connect,
    ConnectFailed,
    Delegation,
    Endpoint,
    Failure,
    Lookup,
    LookupFailed,
    PathRejected,
    PathValidated,
    Presented,
    SipUri,
    Target,
    TlsFacts,
    ValidatePath,
)
from siptls.codes import CATALOGUE, Code
from siptls.dns import Address, Alias, Answer, Cname, Denial, Naptr, Record, Source, Srv
from siptls.dns.question import RRType
from siptls.dns.records import Tlsa
from siptls.events import Answered
from siptls.journal import Step, printable, rendered
from world import AT, INSECURE, SECURE, SOURCE

ENDPOINT = Endpoint("sip1.host.example", "192.0.2.1", 5061, "tls")
CONNECT = Connect(1, ENDPOINT, "example.com")
PATH = ValidatePath(b"leaf", (), Anchors(name="some anchors"), AT)


def answer(rrtype: RRType, *records: Record, **more: object) -> Answer:
    """An answer for example.com."""
    given_values: dict[str, object] = {
        "aliases": (), "owner": "example.com", "denial": None, "security": SECURE, "ttl": 300.0, "source": SOURCE,
    }  # fmt: skip
    question = Lookup("example.com", rrtype)
    return Answer(question=question, records=records, **(given_values | more))  # type: ignore[arg-type]


def only(evidence: object, hop: object = "LOCATE") -> Step:
    """The step that is made of one note."""
    (step,) = rendered(((0.0, "id.match", hop, evidence),), 0.0)
    return step


class TestPrintable:
    @pytest.mark.parametrize(
        ("text", "safe"),
        [
            ("", ""),
            ("sip1.host.example", "sip1.host.example"),
            ("a\nb", r"a\x0ab"),
            ("\r\x1b[2J\x07\x00\x7f", r"\x0d\x1b[2J\x07\x00\x7f"),
            ("\x9b31m", r"\x9b31m"),  # the eight-bit form of ESC [
            ("caf\xe9", r"caf\xe9"),
            ("\u202eevil", r"\u202eevil"),  # right-to-left override
            ("\U0001f600", r"\U0001f600"),
            ("\udc80", r"\udc80"),
        ],
    )
    def test_what_could_act_on_a_terminal_is_escaped(self, text: str, safe: str) -> None:
        assert printable(text) == safe

    def test_long_text_is_cut(self) -> None:
        assert printable("a" * 300) == "a" * 300
        assert printable("a" * 301) == "a" * 300 + "..."
        assert printable("abcdef", 3) == "abc..."

    @given(st.text(), st.integers(1, 50))
    def test_every_text_becomes_one_line_of_printable_ascii(self, text: str, limit: int) -> None:
        safe = printable(text, limit)
        assert safe.isascii()
        assert safe.isprintable()
        assert len(safe) <= 10 * limit + 3


class TestHops:
    @pytest.mark.parametrize(
        ("hop", "text"),
        [
            ("LOCATE", "LOCATE"),
            ("host\n.example", r"host\x0a.example"),
            (ENDPOINT, "sip1.host.example 192.0.2.1:5061"),
            (Endpoint("h.example", "2001:db8::1", 5061, "tls"), "h.example [2001:db8::1]:5061"),
            (Endpoint("h\x1b", "1\x1b", 1, "tls"), r"h\x1b 1\x1b:1"),
            (Target("sip1.host.example", 5061, "tls", 10, 0, Delegation.SRV), "sip1.host.example:5061"),
            (Target("bad\x00", 0, "tls", 10, 0, Delegation.SRV), r"bad\x00:0"),
        ],
    )
    def test_a_hop_is_a_word_a_server_or_an_address(self, hop: object, text: str) -> None:
        assert only(None, hop).hop == text


class TestEvidence:
    @pytest.mark.parametrize(
        ("evidence", "expected", "found"),
        [
            (None, "", ""),
            ("text\x07", "", r"text\x07"),
            (8, "", "8"),
            (("this", "that\n"), "this", r"that\x0a"),
            (("", ""), "", ""),
            ((Tlsa("", 3, 1, 1, b"\xab"), "the peer's certificate"), "3 1 1 ab", "the peer's certificate"),
            (SipUri.parse("sip:alice@example.com"), "", "sip:alice@example.com"),
            (Naptr("a", 10, 50, "s", "SIPS+D2T", "", "_sips._tcp.example.com"), "",
             '10 50 "s" "SIPS+D2T" "" _sips._tcp.example.com'),
            (LookupFailed(Lookup("a.example", "SRV"), Failure.SERVFAIL, "EDE 9: \x1b"), "",
             r"a.example SRV: SERVFAIL: EDE 9: \x1b"),
            (ConnectFailed(CONNECT, "net.refused", "errno\n111"), "", r"errno\x0a111"),
            (PathRejected(PATH, "chain.invalid", "no\tgood"), "", r"no valid certificate path was found: no\x09good"),
            (PathValidated(PATH, (b"leaf", b"root")), "", "a path of 2 certificate(s)"),
            (Presented(CONNECT, (b"leaf",), TlsFacts("TLSv1.3", "TLS_AES\x1b", None, None)), "",
             r"1 certificate(s), TLSv1.3 TLS_AES\x1b"),
            (Presented(CONNECT, (b"leaf",), TlsFacts("TLSv1.3", "TLS", None, certificate_asked=True)), "",
             "1 certificate(s), TLSv1.3 TLS, the server asked for ours"),
        ],
    )  # fmt: skip
    def test_each_kind_becomes_text(self, evidence: object, expected: str, found: str) -> None:
        step = only(evidence)
        assert (step.expected, step.found) == (expected, found)

    @pytest.mark.parametrize(
        ("said", "text"),
        [
            (answer("A", Address("example.com", "192.0.2.1")), "example.com A: 192.0.2.1 (secure)"),
            (answer("CNAME", Cname("example.com", "b\x1b.example")), r"example.com CNAME: b\x1b.example (secure)"),
            (answer("A", denial=Denial.NODATA, security=INSECURE), "example.com A: NODATA (insecure)"),
            (answer("A", denial=Denial.NXDOMAIN), "example.com A: NXDOMAIN (secure)"),
            (
                answer(
                    "A",
                    Address("c.example", "192.0.2.1"),
                    aliases=(
                        Alias("example.com", "b.example", SECURE, 300),
                        Alias("b.example", "c.example", INSECURE, 300),
                    ),
                    owner="c.example",
                    security=INSECURE,
                ),
                "example.com A -> b.example (secure) -> c.example (insecure): 192.0.2.1 (insecure)",
            ),
        ],
    )
    def test_an_answer_is_one_line_with_its_aliases_and_its_status(self, said: Answer, text: str) -> None:
        assert only(said).found == text
        assert only(Answered(said.question, said)).found == text

    def test_records_stand_in_the_order_in_which_they_count(self) -> None:
        records = [Srv("example.com", priority, 0, 5061, f"h{priority}.example") for priority in (30, 10, 20)]
        assert only(answer("SRV", *records)).found == (
            "example.com SRV: 10 0 5061 h10.example; 20 0 5061 h20.example; 30 0 5061 h30.example (secure)"
        )
        naptrs = [
            Naptr("example.com", order, preference, "s", "SIPS+D2T", "", "_sips._tcp.example.com")
            for order, preference in ((20, 5), (10, 100), (10, 50))
        ]
        found = only(answer("NAPTR", *naptrs)).found
        assert found.index('10 50 "s"') < found.index('10 100 "s"') < found.index('20 5 "s"')

    def test_many_records_are_counted_and_long_ones_cut(self) -> None:
        addresses = [Address("example.com", f"192.0.2.{n}") for n in range(1, 21)]
        assert only(answer("A", *addresses)).found.endswith("; and 12 more (secure)")
        huge = [Tlsa("example.com", 3, 0, 0, bytes(60_000)) for _ in range(20)]
        assert len(only(answer("TLSA", *huge)).found) == 1_003

    @given(st.text(), st.text())
    def test_whatever_the_network_says_a_step_is_one_line_of_ascii(self, one: str, other: str) -> None:
        endpoint = Endpoint(one, other, 1, "tls")
        connect = Connect(1, endpoint, one)
        question = Lookup(one, "SRV")
        records = (Srv(one, 1, 1, 1, other), Srv(other, 1, 1, 1, one))
        said = Answer(
            question, (Alias(one, other, SECURE, 1),), other, records, None, SECURE, 1, Source(one, "resolver.trust-ad")
        )
        evidence: list[object] = [
            one,
            (one, other),
            said,
            Answered(question, said),
            LookupFailed(question, Failure.BOGUS, other),
            ConnectFailed(connect, "net.reset", one),
            PathRejected(PATH, "chain.invalid", one),
            Presented(connect, (), TlsFacts(one, other)),
            Naptr(one, 1, 1, other, one, other, one),
        ]
        notes = tuple((0.0, "id.match", hop, each) for hop in (one, endpoint) for each in evidence)
        for step in rendered(notes, 0.0):
            for text in (str(step), repr(step), *map(str, step.to_dict().values())):
                assert text.isascii()
                assert text.isprintable()


class TestSteps:
    def test_time_counts_from_the_beginning(self) -> None:
        steps = rendered(((100.25, "id.match", "", None), (101.5, "id.match", "", None)), 100.0)
        assert [step.seconds for step in steps] == [0.25, 1.5]

    def test_a_step_is_readable_in_one_line(self) -> None:
        step = Step(0.0, "host.example:5061", "dane.no-match", "3 1 1 ab", "3 1 1 cd")
        title = CATALOGUE["dane.no-match"].title
        assert str(step) == (
            f"host.example:5061: {title} (dane.no-match); expected 3 1 1 ab; found 3 1 1 cd; "
            "[RFC 7671 section 8.1, RFC 7673 section 4]"
        )
        assert repr(step) == f"<Step {step}>"
        bare = Step(0.0, "LOCATE", "limit.seconds", "", "")
        assert str(bare) == f"LOCATE: {CATALOGUE['limit.seconds'].title} (limit.seconds); [RFC 4732 section 2.1.2]"

    @pytest.mark.req("T-S02", "R6698-4.1-4")
    @pytest.mark.parametrize("code", ["resolver.not-trusted", "resolver.trust-ad"])
    def test_a_resolver_that_deserves_a_note_gets_one_at_the_end(self, code: str) -> None:
        source = Source("192.0.2.53:53\x1b", code)
        said = answer("A", Address("example.com", "192.0.2.1"), source=source)
        failed = LookupFailed(Lookup("example.com", "AAAA"), Failure.TIMEOUT, "", source)
        notes = (
            (0.5, "locate.address", "LOCATE", Answered(said.question, said)),
            (1.0, "locate.timeout", "LOCATE", failed),
            (2.0, "id.match", "LOCATE", said),
        )
        steps = rendered(notes, 0.0)
        assert [step.code for step in steps] == ["locate.address", "locate.timeout", "id.match", code]
        assert (steps[-1].seconds, steps[-1].hop, steps[-1].found) == (0.5, "LOCATE", r"192.0.2.53:53\x1b")

    def test_other_resolvers_get_none(self) -> None:
        said = answer("A", Address("example.com", "192.0.2.1"))
        assert len(rendered(((0.0, "locate.address", "LOCATE", said),), 0.0)) == 1

    def test_without_notes_there_are_no_steps(self) -> None:
        assert rendered((), 0.0) == ()


class TestTheCatalogue:
    def test_every_entry_stands_under_its_own_id(self) -> None:
        assert all(CATALOGUE[code.id] is code for code in CATALOGUE.values())
        assert {code.severity for code in CATALOGUE.values()} == {"ok", "note", "warning", "error"}

    def test_an_entry_cannot_change(self) -> None:
        entry: Code = CATALOGUE["id.match"]
        with pytest.raises(AttributeError):
            entry.title = "something else"  # type: ignore[misc]  # the mistake that is tested
