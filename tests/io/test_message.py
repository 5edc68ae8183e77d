from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from loopback_dns import response
from siptls.dns import Lookup, Naptr, Security, Source, Tlsa
from siptls.dns.question import RRType
from siptls.events import Answered, Failure, LookupEvent, LookupFailed
from siptls_io.message import from_message, question_name
from siptls_io.wire import MAX_RECORDS, read_response

SOURCE = Source("a test")
NXDOMAIN, SERVFAIL = dns.rcode.NXDOMAIN, dns.rcode.SERVFAIL
SOA = "example.com. 300 IN SOA ns. hostmaster. 1 7200 3600 1209600 60"
LONG = ".".join(["a" * 60] * 3)
Answering = Callable[[dns.message.Message], dns.message.Message]


def judge(name: str, rrtype: RRType, answering: Answering, security: Security = Security.SECURE) -> LookupEvent:
    """What comes of a response that went over the wire."""
    lookup = Lookup(name, rrtype)
    asked = question_name(lookup)
    assert asked is not None
    query = dns.message.make_query(asked, rrtype, want_dnssec=True)
    received = read_response(query, answering(query).to_wire())
    assert received is not None
    return from_message(lookup, received, security, SOURCE)


def line(event: LookupEvent) -> str:
    if isinstance(event, LookupFailed):
        return f"{event.reason.name}: {event.detail}"
    answer = event.answer
    way = "".join(f"{step.owner}>{step.target} {step.security.name} {step.ttl:g}; " for step in answer.aliases)
    found = ", ".join(str(record) for record in answer.records) or (answer.denial.name if answer.denial else "?")
    return f"{way}{answer.owner}: {found}, {answer.security.name} {answer.ttl:g}"


def says(*records: str, **more: Any) -> Answering:
    return lambda query: response(query, *records, **more)


A, AAAA, SRV, CNAME = "a.example.com A", "a.example.com AAAA", "_sips._tcp.example.com SRV", "a.example.com CNAME"
A_TO_B, B_TO_C = "a.example.com. 60 IN CNAME b.example.com.", "b.example.com. 9 IN CNAME c.net."
HERE, AT_B, AT_C = (f"{name}. 5 IN A 192.0.2.1" for name in ("a.example.com", "b.example.com", "c.net"))
DNAME = "d.example.com. 60 IN DNAME example.net."
NS = "example.com. 60 IN NS ns.example.com."
X_AT_NET = "x.example.net. 90 IN A 192.0.2.1"

TABLE: list[tuple[str, Answering, str]] = [
    # Records, the lowest of different TTLs, and nothing that was not asked for.
    (A, says(HERE, "A.Example.COM. 9 IN A 192.0.2.2"), "a.example.com: 192.0.2.1, 192.0.2.2, SECURE 5"),
    (AAAA, says("a.example.com. 5 IN AAAA 2001:DB8::1", HERE, AT_B), "a.example.com: 2001:db8::1, SECURE 5"),
    (
        SRV,
        says(f"{SRV[:-4]}. 5 IN SRV 1 2 5061 SIP.Example.com.", f"{SRV[:-4]}. 5 IN SRV 2 0 0 ."),
        "_sips._tcp.example.com: 1 2 5061 sip.example.com, 2 0 0 ., SECURE 5",
    ),
    # Aliases, followed by their owners and not by their order.
    (
        A,
        says(AT_C, B_TO_C, A_TO_B),
        "a.example.com>b.example.com SECURE 60; b.example.com>c.net SECURE 9; c.net: 192.0.2.1, SECURE 5",
    ),
    (A, says(A_TO_B, A_TO_B, AT_B), "a.example.com>b.example.com SECURE 60; b.example.com: 192.0.2.1, SECURE 5"),
    (
        "x.d.example.com A",
        says(DNAME, "x.d.example.com. 0 IN CNAME x.example.net.", X_AT_NET),
        "x.d.example.com>x.example.net SECURE 0; x.example.net: 192.0.2.1, SECURE 0",
    ),
    (
        "x.d.example.com A",
        says(DNAME, X_AT_NET),
        "x.d.example.com>x.example.net SECURE 60; x.example.net: 192.0.2.1, SECURE 60",
    ),
    ("d.example.com A", says(DNAME, "d.example.com. 90 IN A 192.0.2.1"), "d.example.com: 192.0.2.1, SECURE 90"),
    (CNAME, says(A_TO_B, B_TO_C), "a.example.com: b.example.com, SECURE 60"),
    # What aliases cannot be.
    (A, says(A_TO_B, HERE), "MALFORMED: other records beside an alias"),
    (A, says(A_TO_B, A_TO_B.replace(" b.", " c.")), "MALFORMED: several aliases at one name"),
    (A, says(A_TO_B, "b.example.com. 60 IN CNAME a.example.com."), "LOOP: the aliases come back to a.example.com"),
    (A, says("a.example.com. 60 IN CNAME A.example.com."), "LOOP: the aliases come back to a.example.com"),
    (A, says(A_TO_B, "b.example.com. 9 IN CNAME B.example.com."), "LOOP: the aliases come back to b.example.com"),
    ("x.l.example.com A", says("l.example.com. 60 IN DNAME m.l.example.com."), "LIMIT: more than 16 aliases"),
    (
        f"{LONG}.d.example.com A",
        says(f"d.example.com. 60 IN DNAME {LONG}."),
        "MALFORMED: a DNAME makes a name that is too long",
    ),
    # Denials in their several shapes.
    (A, says(authority=(SOA,), rcode=NXDOMAIN), "a.example.com: NXDOMAIN, SECURE 60"),
    (A, says(authority=(SOA.replace("300", "30"),)), "a.example.com: NODATA, SECURE 30"),
    (A, says(), "a.example.com: NODATA, SECURE 0"),
    (A, says(rcode=NXDOMAIN), "a.example.com: NXDOMAIN, SECURE 0"),
    (A, says(authority=(SOA, NS)), "a.example.com: NODATA, SECURE 60"),
    (A, says(authority=(SOA.replace(".com.", ".org."),)), "a.example.com: NODATA, SECURE 0"),
    (
        A,
        says(A_TO_B, authority=(SOA,), rcode=NXDOMAIN),
        "a.example.com>b.example.com SECURE 60; b.example.com: NXDOMAIN, SECURE 60",
    ),
    (
        A,
        says(A_TO_B.replace("60", "20"), authority=(SOA,)),
        "a.example.com>b.example.com SECURE 20; b.example.com: NODATA, SECURE 20",
    ),
    (A, says(authority=(NS,)), "MALFORMED: a referral instead of an answer"),
    (A, says(HERE, rcode=NXDOMAIN), "MALFORMED: records of a name that does not exist"),
    # Another class is another DNS.
    (A, says("a.example.com. 60 CH TXT x", authority=(SOA,)), "a.example.com: NODATA, SECURE 60"),
    # Failures.
    (A, says(rcode=SERVFAIL), "SERVFAIL: SERVFAIL"),
    (A, says(rcode=SERVFAIL, ede=(6, "it fails")), "BOGUS: SERVFAIL, EDE 6 (DNSSEC Bogus): it fails"),
    (A, says(rcode=SERVFAIL, ede=(7, "")), "BOGUS: SERVFAIL, EDE 7 (Signature Expired)"),
    (A, says(rcode=SERVFAIL, ede=(12, "x")), "BOGUS: SERVFAIL, EDE 12 (NSEC Missing): x"),
    (A, says(rcode=SERVFAIL, ede=(22, "x")), "SERVFAIL: SERVFAIL, EDE 22 (No Reachable Authority): x"),
    (A, says(rcode=dns.rcode.REFUSED), "REFUSED: REFUSED"),
    (A, says(rcode=dns.rcode.FORMERR), "MALFORMED: FORMERR"),
    (A, says(rcode=dns.rcode.YXDOMAIN), "MALFORMED: YXDOMAIN"),
    (A, says(tc=True), "MALFORMED: the response is truncated, or has more records than are read"),
]


@pytest.mark.req("R2308-2-1", "R2308-5-1", "R2181-5.2-1", "R2181-10.1-1", "R6672-2.2-2", "R6672-3.1-1", "R4035-4.9-1")
@pytest.mark.parametrize(("question", "answering", "expected"), TABLE)
def test_a_response_amounts_to(question: str, answering: Answering, expected: str) -> None:
    name, rrtype = question.split()
    assert line(judge(name, cast("RRType", rrtype), answering)) == expected


def test_one_status_holds_for_every_step() -> None:
    event = judge("a.example.com", "A", says(A_TO_B, AT_B), Security.INSECURE)
    assert line(event) == "a.example.com>b.example.com INSECURE 60; b.example.com: 192.0.2.1, INSECURE 5"
    assert isinstance(event, Answered)
    assert event.answer.source is SOURCE


def test_naptr_texts_keep_their_octets_and_cannot_pass_for_ascii() -> None:
    record = r'example.com. 60 IN NAPTR 1 2 "s" "SIPS+D2T\255\027[2J" "" _sips._tcp.example.com.'
    event = judge("example.com", "NAPTR", says(record))
    assert isinstance(event, Answered)
    (naptr,) = event.answer.records
    assert isinstance(naptr, Naptr)
    assert naptr.service == "SIPS+D2T\\xff\x1b[2J"
    assert naptr.service.isascii()


def test_odd_octets_in_names_are_escaped() -> None:
    record = r"_sips._tcp.example.com. 60 IN SRV 1 1 5061 a\.b\000\032c.example.com."
    event = judge("_sips._tcp.example.com", "SRV", says(record))
    assert line(event) == r"_sips._tcp.example.com: 1 1 5061 a\.b\000\032c.example.com, SECURE 60"


def tlsa_response(*rdatas: bytes, rdtype: int = 52) -> Answering:
    def answering(query: dns.message.Message) -> dns.message.Message:
        made = response(query)
        owner = query.question[0].name
        for rdata in rdatas:
            generic = dns.rdata.GenericRdata(dns.rdataclass.IN, dns.rdatatype.RdataType.make(rdtype), rdata)
            made.answer.append(dns.rrset.from_rdata(owner, 60, generic))
        return made

    return answering


@pytest.mark.req("R6698-4.1-5", "T-D02")
def test_a_tlsa_record_with_a_digest_of_a_wrong_length_does_not_spoil_the_others() -> None:
    answering = tlsa_response(bytes.fromhex("030101aabb"), bytes.fromhex("030101") + bytes(32), bytes.fromhex("09ffff"))
    event = judge("_5061._tcp.example.com", "TLSA", answering)
    assert line(event) == f"_5061._tcp.example.com: 3 1 1 aabb, 3 1 1 {'00' * 32}, 9 255 255 , SECURE 60"
    assert isinstance(event, Answered)
    assert all(isinstance(record, Tlsa) for record in event.answer.records)


def test_a_tlsa_record_without_its_three_numbers_makes_the_response_unreadable() -> None:
    query = dns.message.make_query("_5061._tcp.example.com", "TLSA")
    wire = tlsa_response(b"\3\1")(query).to_wire()
    assert read_response(query, wire) is None


def test_a_record_of_the_type_that_stands_in_for_tlsa_is_no_tlsa_record() -> None:
    event = judge("_5061._tcp.example.com", "TLSA", tlsa_response(bytes.fromhex("030101") + bytes(32), rdtype=0xFF34))
    assert line(event) == "_5061._tcp.example.com: NODATA, SECURE 0"


@pytest.mark.req("R2181-5.2-1")
def test_what_is_no_response_to_the_query_is_not_read() -> None:
    query = dns.message.make_query("a.example.com", "A")
    good = response(query, "a.example.com. 60 IN A 192.0.2.1").to_wire()
    assert read_response(query, good) is not None
    other_id = bytes([good[0] ^ 1]) + good[1:]
    other_question = response(dns.message.make_query("b.example.com", "A", id=query.id)).to_wire()
    for wire in (b"", b"\0" * 11, good[:-1], good[:13], good + b"\0", other_id, other_question, query.to_wire()):
        assert read_response(query, wire) is None
    # A name that points at itself.
    assert read_response(query, good[:12] + b"\xc0\x0c" + good[12:]) is None


def test_octets_cut_anywhere_or_changed_anywhere_are_read_or_not_but_nothing_is_raised() -> None:
    query = dns.message.make_query("_5061._tcp.example.com", "TLSA")
    good = tlsa_response(bytes.fromhex("030101") + bytes(32), b"\2\1\0" + bytes(40))(query).to_wire()
    lookup = Lookup("_5061._tcp.example.com", "TLSA")
    for position in range(len(good)):
        for octets in (
            good[:position],
            *(good[:position] + bytes([n]) + good[position + 1 :] for n in (0, 0x34, 0xC0, 0xFF)),
        ):
            message = read_response(query, octets)
            if message is not None:
                from_message(lookup, message, Security.SECURE, SOURCE)


def test_a_hostile_explanation_is_cut() -> None:
    event = judge("a.example.com", "A", says(rcode=SERVFAIL, ede=(6, "x" * 500)))
    assert isinstance(event, LookupFailed)
    assert event.reason is Failure.BOGUS
    assert len(event.detail) == 200


@pytest.mark.parametrize("section", ["answer", "authority", "additional"])
def test_a_crowded_message_is_not_read(section: str) -> None:
    def crowded(query: dns.message.Message, size: int) -> dns.message.Message:
        made = response(query, HERE)
        many = dns.rrset.from_text_list(
            "x.example.com.", 5, "IN", "A", [f"192.0.{n // 250}.{n % 250}" for n in range(size)]
        )
        getattr(made, section).append(many)
        made.request_payload = 65_535
        return made

    # One record is the answer, and one is the OPT record of the response.
    full = judge("a.example.com", "A", lambda query: crowded(query, MAX_RECORDS - 2))
    assert isinstance(full, Answered)
    over = judge("a.example.com", "A", lambda query: crowded(query, MAX_RECORDS))
    assert line(over) == "MALFORMED: the response is truncated, or has more records than are read"
