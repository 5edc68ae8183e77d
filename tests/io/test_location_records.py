"""NAPTR and SRV records as servers and zone files really write them, read by a resolver and used by `Locate`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest

from located import located
from loopback_dns import NameServer, Script, octets, response
from resolving import Ask, blocking, in_every_way
from signed_root import signed_root
from siptls import Delegation, Policy, Security
from siptls.dns import Lookup, Naptr, Srv
from siptls.events import Answered, LookupEvent
from siptls_io import AdResolver, UnboundResolver, ZoneFiles
from siptls_io.resolver import Resolver

OWNER = "_sips._tcp.example.com"
SRV = Lookup(OWNER, "SRV")
NAPTR = Lookup("example.com", "NAPTR")
SOA = "example.com. 60 IN SOA ns.example.com. hostmaster.example.com. 1 60 60 60 60"
FORGED = "203.0.113.66"


@contextmanager
def trusting(script: Script) -> Generator[tuple[AdResolver, NameServer]]:
    """A resolver that believes the AD bit of this server."""
    with NameServer(script) as server:
        yield AdResolver([server.address], [server.address], timeout=60, patience=60), server


def asked_of(server: NameServer) -> list[tuple[str, str, bool]]:
    """Name, type, and whether it came over TCP."""
    return [
        (each.question[0].name.to_text(omit_final_dot=True), dns.rdatatype.to_text(each.question[0].rdtype), tcp)
        for each, tcp in server.queries
    ]


def srv_of(event: LookupEvent) -> list[str]:
    assert isinstance(event, Answered), event
    assert all(isinstance(record, Srv) for record in event.answer.records)
    return sorted([str(record) for record in event.answer.records])


def replacements_of(event: LookupEvent) -> list[str]:
    assert isinstance(event, Answered), event
    return sorted([record.replacement for record in event.answer.records if isinstance(record, Naptr)])


# The records of a whole answer.

MANY = 300


def crowd(query: dns.message.Message, tcp: bool) -> dns.message.Message:
    """Three hundred servers, which no datagram holds; of the datagram's own records the first is forged."""
    name = query.question[0].name.to_text()
    match dns.rdatatype.to_text(query.question[0].rdtype):
        case "SRV" if tcp:
            return response(query, *[f"{name} 60 IN SRV {n} 0 5061 h{n}.example.com." for n in range(MANY)], ad=True)
        case "SRV":
            return response(query, f"{name} 60 IN SRV 0 0 5061 evil.example.", ad=True, tc=True)
        case "A":
            return response(query, f"{name} 60 IN A 192.0.2.1", ad=True)
        case _:
            return response(query, authority=(SOA,), ad=True)


@in_every_way
@pytest.mark.req("R2782-use-1", "R2782-use-2", "R2181-9-1")
def test_a_truncated_srv_reply_is_ignored_and_every_record_is_read_over_tcp(ask: Ask) -> None:
    with trusting(crowd) as (resolver, server):
        event = ask(resolver, SRV)
        assert asked_of(server) == [(OWNER, "SRV", False), (OWNER, "SRV", True)]
    assert srv_of(event) == sorted([f"{n} 0 5061 h{n}.example.com" for n in range(MANY)])
    assert isinstance(event, Answered)
    assert event.answer.security is Security.SECURE


@pytest.mark.req("R2782-use-2")
def test_no_client_goes_to_a_server_that_only_a_truncated_reply_names() -> None:
    with trusting(crowd) as (resolver, server):
        route = located("sips:example.com", resolver.answer, Policy(families=("ipv4",)))
        assert "evil.example" not in [name for name, _, _ in asked_of(server)]
    assert [target.host for target in route.targets[:3]] == ["h0.example.com", "h1.example.com", "h2.example.com"]
    assert "evil" not in str(route.to_dict())


@in_every_way
@pytest.mark.req("R2782-use-1", "T-L01")
def test_a_record_that_is_sent_twice_is_read_once_with_the_lower_time_to_live(ask: Ask) -> None:
    def script(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        record = f"{OWNER}. {{}} IN SRV 10 0 5061 {{}}.example.com."
        return response(query, record.format(60, "sip"), record.format(9, "SIP"), record.format(60, "other"))

    with trusting(script) as (resolver, _):
        event = ask(resolver, SRV)
    assert srv_of(event) == ["10 0 5061 other.example.com", "10 0 5061 sip.example.com"]
    assert isinstance(event, Answered)
    assert event.answer.ttl == 9


# The additional section.


def tempting(query: dns.message.Message, tcp: bool) -> dns.message.Message:
    """Says the truth where it is asked, and says more than it was asked: the additional records are all forged."""
    name = query.question[0].name.to_text()
    rrtype = dns.rdatatype.to_text(query.question[0].rdtype)
    truth = {
        "example.com. NAPTR": 'example.com. 60 IN NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.example.com.',
        f"{OWNER}. SRV": f"{OWNER}. 60 IN SRV 10 0 5061 sip.example.com.",
        "sip.example.com. A": "sip.example.com. 60 IN A 192.0.2.1",
    }.get(f"{name} {rrtype}")
    made = response(query, *([truth] if truth else []), authority=() if truth else (SOA,), ad=True)
    for owner, kind, rdata in (
        ("sip.example.com.", "A", FORGED),
        ("sip.example.com.", "AAAA", "2001:db8:666::1"),
        (f"{OWNER}.", "SRV", "1 0 5061 evil.example."),
        ("_5061._tcp.sip.example.com.", "TLSA", "3 1 1 " + "00" * 32),
        (name, rrtype if rrtype in ("A", "AAAA") else "A", FORGED if rrtype != "AAAA" else "2001:db8:666::1"),
    ):
        made.additional.append(dns.rrset.from_text(owner, 60, "IN", kind, rdata))
    return made


@in_every_way
@pytest.mark.req("D-2782-2", "R3403-4.2-1", "R2782-use-1", "T-L01")
def test_what_stands_in_the_additional_section_is_asked_for_all_the_same_and_never_used(ask: Ask) -> None:
    with trusting(tempting) as (resolver, server):
        asked: list[Lookup] = []
        route = located("sip:example.com", partial(ask, resolver), asked=asked)
        again = ask(resolver, Lookup("sip.example.com", "A"))
        assert {(name, rrtype) for name, rrtype, _ in asked_of(server)} == set(asked)
    assert asked == [NAPTR, SRV, Lookup("sip.example.com", "AAAA"), Lookup("sip.example.com", "A")]
    (target,) = route.targets
    assert (target.host, target.addresses, target.delegation) == ("sip.example.com", ("192.0.2.1",), Delegation.SRV)
    assert FORGED not in str(route.to_dict())
    # Nor was any of it kept for later.
    assert isinstance(again, Answered)
    assert [str(record) for record in again.answer.records] == ["192.0.2.1"]


@pytest.mark.req("D-2782-2", "R3403-4.2-1", "T-L01")
def test_additional_records_do_not_fill_an_answer_that_has_none() -> None:
    with trusting(tempting) as (resolver, _):
        tlsa = Lookup("_5061._tcp.sip.example.com", "TLSA")
        for lookup in (Lookup("sip.example.com", "AAAA"), tlsa, Lookup("x.example", "A")):
            event = resolver.answer(lookup)
            assert isinstance(event, Answered)
            assert event.answer.records == ()


@pytest.mark.server("unbound")
@pytest.mark.req("D-2782-2", "R3403-4.2-1")
def test_libunbound_lets_no_additional_record_through_either() -> None:
    elsewhere = signed_root().anchor.replace(". IN", "other.example. IN", 1)
    with NameServer(tempting) as server, UnboundResolver([server.address], elsewhere, 60.0) as resolver:
        (target,) = located("sip:example.com", resolver.answer).targets
    assert (target.host, target.addresses, target.delegation) == (
        "sip.example.com",
        ("192.0.2.1",),
        Delegation.TAINTED,
    )


@in_every_way
@pytest.mark.req("T-L01")
@pytest.mark.parametrize("section", ["answer", "authority", "additional"])
def test_records_of_another_owner_are_not_taken_for_those_of_the_name_that_was_asked(ask: Ask, section: str) -> None:
    def script(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        made = response(query, f"{OWNER}. 60 IN SRV 10 0 5061 sip.example.com.", ad=True)
        strangers = ("_sips._tcp.example.org.", "_sips._tcp.sub.example.com.", "_sip._tcp.example.com.", "example.com.")
        for owner in strangers:
            getattr(made, section).append(dns.rrset.from_text(owner, 60, "IN", "SRV", "0 0 5061 evil.example."))
        return made

    with trusting(script) as (resolver, _):
        assert srv_of(ask(resolver, SRV)) == ["10 0 5061 sip.example.com"]


# Compressed names.


def written(query: dns.message.Message, *rdatas: bytes) -> bytes:
    """A response with these data as records of the type that was asked for, the owner being a pointer (RFC 1035)."""
    question = query.question[0]
    head = response(query).to_wire()
    behind = 12 + len(name(question.name.to_text())) + 4
    records = [
        b"\xc0\x0c" + question.rdtype.to_bytes(2) + b"\0\1" + (60).to_bytes(4) + len(rdata).to_bytes(2) + rdata
        for rdata in rdatas
    ]
    # Without the OPT record, which is the only additional one.
    return head[:6] + len(rdatas).to_bytes(2) + bytes(4) + head[12:behind] + b"".join(records)


def name(text: str) -> bytes:
    return b"".join([bytes([len(label)]) + label for label in dns.name.from_text(text).labels])


def srv(priority: int, target: bytes) -> bytes:
    return priority.to_bytes(2) + (0).to_bytes(2) + (5061).to_bytes(2) + target


def naptr(order: int, replacement: bytes) -> bytes:
    strings = b"".join(bytes([len(text)]) + text for text in (b"s", b"SIPS+D2T", b""))
    return order.to_bytes(2) + (10).to_bytes(2) + strings + replacement


# In the question, `_sips._tcp.example.com` begins at octet 12, and `example.com` 11 octets behind it.
EXAMPLE_COM_IN_SRV = b"\xc0" + bytes([12 + 11])
EXAMPLE_COM_IN_NAPTR = b"\xc0\x0c"


def old_server(query: dns.message.Message, tcp: bool) -> bytes | dns.message.Message:
    """Names in the data are written out in the first record and compressed in the second, as before RFC 3597."""
    match dns.rdatatype.to_text(query.question[0].rdtype):
        case "SRV":
            return written(query, srv(1, name("one.example.com")), srv(2, b"\3two" + EXAMPLE_COM_IN_SRV))
        case "NAPTR":
            service = b"\5_sips\4_tcp"
            return written(query, naptr(1, name("_sips._tcp.example.com")), naptr(2, service + EXAMPLE_COM_IN_NAPTR))
        case _:
            return response(query, authority=(SOA,))


def through_ad(server: NameServer) -> Resolver:
    return AdResolver([server.address], timeout=60, patience=60)


def through_unbound(server: NameServer) -> Resolver:
    return UnboundResolver([server.address], signed_root().anchor.replace(". IN", "other.example. IN", 1), 60.0)


READERS = pytest.mark.parametrize(
    "reader",
    [
        pytest.param(through_ad, id="AdResolver"),
        pytest.param(through_unbound, id="UnboundResolver", marks=pytest.mark.server("unbound")),
    ],
)
Reader = Callable[[NameServer], Resolver]


def test_the_old_server_really_compresses() -> None:
    query = dns.message.make_query(OWNER, "SRV")
    wire = octets(old_server(query, False))
    assert wire.endswith(b"\3two\xc0\x17")
    assert wire.count(b"\7example\3com\0") == 2  # in the question and in the first record
    read = dns.message.from_wire(wire)
    assert sorted(map(str, read.answer[0].processing_order())) == [
        "1 0 5061 one.example.com.",
        "2 0 5061 two.example.com.",
    ]


@READERS
@pytest.mark.req("R2782-tgt-3")
def test_an_srv_target_is_read_whether_it_is_compressed_or_not(reader: Reader) -> None:
    with NameServer(old_server) as server:
        event = blocking(reader(server), SRV)
    assert srv_of(event) == ["1 0 5061 one.example.com", "2 0 5061 two.example.com"]


@READERS
@pytest.mark.req("R3403-4.1-5")
def test_a_naptr_replacement_is_read_whether_it_is_compressed_or_not(reader: Reader) -> None:
    with NameServer(old_server) as server:
        event = blocking(reader(server), NAPTR)
    assert replacements_of(event) == ["_sips._tcp.example.com"] * 2


@in_every_way
@pytest.mark.req("R2782-tgt-3", "R3403-4.1-5", "T-L01")
@pytest.mark.parametrize("lookup", [SRV, NAPTR])
@pytest.mark.parametrize("pointer", [b"\xc0\xff", b"\xff\xff", b"\3two", b""])
def test_a_name_that_points_nowhere_makes_no_record(ask: Ask, lookup: Lookup, pointer: bytes) -> None:
    sent: list[bool] = []

    def script(query: dns.message.Message, tcp: bool) -> bytes | dns.message.Message:
        sent.append(tcp)
        if len(sent) > 1:  # what cannot be read is no response: the question is asked again
            return response(query, authority=(SOA,))
        return written(query, srv(1, pointer) if lookup is SRV else naptr(1, pointer))

    with NameServer(script) as server:
        event = ask(AdResolver([server.address], timeout=60, patience=0.1), lookup)
    assert isinstance(event, Answered)
    assert event.answer.records == ()


# Zone files.

ZONE = """
$ORIGIN example.com.
@           NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp
@           NAPTR 20 10 "s" "SIP+D2T"  "" _sip._tcp.example.org
@           NAPTR 30 10 "s" "SIP+D2U"  "" _sip._udp.example.org.
$ORIGIN office.example.com.
@           NAPTR 10 10 "S" "sips+d2t" "" _sips._tcp
_sips._tcp  SRV   0 0 5061 sip
            SRV   1 0 5061 sip.example.org
            SRV   2 0 5061 sip.example.org.
sip         A     192.0.2.1
"""


@pytest.mark.req("R3403-4.1-5")
def test_a_replacement_that_looks_relative_in_a_zone_file_is_absolute_once_it_is_read() -> None:
    zones = ZoneFiles({"example.com": ZONE}, default="secure")
    assert replacements_of(zones.answer(NAPTR)) == sorted(
        ["_sips._tcp.example.com", "_sip._tcp.example.org.example.com", "_sip._udp.example.org"]
    )
    assert replacements_of(zones.answer(Lookup("office.example.com", "NAPTR"))) == ["_sips._tcp.office.example.com"]


@pytest.mark.req("R3403-4.1-5")
def test_locate_goes_to_the_absolute_names_of_a_zone_file() -> None:
    asked: list[Lookup] = []
    zones = ZoneFiles({"example.com": ZONE}, default="secure")
    route = located("sip:office.example.com", zones.answer, asked=asked)
    assert [target.host for target in route.targets] == ["sip.office.example.com"]
    hosts = ["sip.office.example.com", "sip.example.org.office.example.com", "sip.example.org"]
    assert asked[:2] == [Lookup("office.example.com", "NAPTR"), Lookup("_sips._tcp.office.example.com", "SRV")]
    assert {lookup.name for lookup in asked[2:]} == set(hosts)


@pytest.mark.req("R3403-4.1-5", "R2782-tgt-3")
def test_names_of_a_zone_file_and_of_the_wire_are_the_same_values() -> None:
    text = f"""
@           NAPTR 1 10 "s" "SIPS+D2T" "" _sips._tcp
@           NAPTR 2 10 "s" "SIPS+D2T" "" {OWNER}.
_sips._tcp  SRV   1 0 5061 one
            SRV   2 0 5061 two
"""
    zones = ZoneFiles({"example.com": text})
    with NameServer(old_server) as server:
        resolver = AdResolver([server.address], timeout=60, patience=60)
        for lookup in (SRV, NAPTR):
            by_wire, by_file = resolver.answer(lookup), zones.answer(lookup)
            assert isinstance(by_wire, Answered)
            assert isinstance(by_file, Answered)
            assert sorted(map(repr, by_wire.answer.records)) == sorted(map(repr, by_file.answer.records))
