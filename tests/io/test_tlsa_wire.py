"""TLSA records on the wire: type 52, three octets and the association data (RFC 6698 section 2.1)."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopback_dns import response
from siptls.dane import parse, unusable
from siptls.dns import Lookup, Security, Source, Tlsa
from siptls.events import Answered
from siptls_io.message import from_message
from siptls_io.wire import read_response

OWNER = "_5061._tcp.sip1.host.example"
LOOKUP = Lookup(OWNER, "TLSA")


def read(*rdatas: bytes) -> list[Tlsa] | None:
    """The records of a response whose RDATA are these octets; None if it cannot be read."""
    query = dns.message.make_query(OWNER, "TLSA")
    made = response(query)
    for rdata in rdatas:
        generic = dns.rdata.GenericRdata(dns.rdataclass.IN, dns.rdatatype.RdataType.make(52), rdata)
        made.answer.append(dns.rrset.from_rdata(dns.name.from_text(OWNER), 60, generic))
    received = read_response(query, made.to_wire())
    if received is None:
        return None
    event = from_message(LOOKUP, received, Security.SECURE, Source("a test"))
    assert isinstance(event, Answered)
    records = [record for record in event.answer.records if isinstance(record, Tlsa)]
    assert len(records) == len(event.answer.records)
    return records


@pytest.mark.req("R6698-2.1-1", "R6698-2.2-1")
@given(st.tuples(*[st.integers(0, 255)] * 3), st.binary(min_size=1, max_size=600))
def test_what_a_zone_publishes_is_what_is_read(numbers: tuple[int, int, int], data: bytes) -> None:
    records = read(bytes(numbers) + data)
    assert records is not None
    (record,) = records
    assert (record.usage, record.selector, record.matching, record.data) == (*numbers, data)
    assert record.owner == OWNER
    again = parse(str(record), OWNER)
    assert (again.usage, again.selector, again.matching, again.data) == (*numbers, data)


@pytest.mark.req("R6698-2.1-1")
@pytest.mark.parametrize("usual", ["3 1 1 " + "ab" * 32, "3 1 2 " + "cd" * 64])
def test_the_octets_are_those_of_other_implementations(usual: str) -> None:
    theirs = dns.rdata.from_text("IN", "TLSA", usual)
    assert theirs.rdtype == 52
    wire = theirs.to_wire()
    assert wire is not None
    assert wire[:3] == bytes(map(int, usual.split()[:3]))
    records = read(wire)
    assert records is not None
    assert [str(record) for record in records] == [theirs.to_text()]


@pytest.mark.req("R6698-2.1-1", "R6698-4.1-5", "T-D02")
@pytest.mark.parametrize("octets", [b"", b"\3", b"\3\1"])
def test_less_than_the_three_octets_is_malformed(octets: bytes) -> None:
    assert read(octets) is None
    assert read(bytes.fromhex("030101") + bytes(32), octets) is None


@pytest.mark.req("R6698-2.1-1", "R6698-4.1-5", "T-D02")
def test_the_three_octets_without_data_are_a_record_that_nothing_matches() -> None:
    records = read(b"\3\1\1", b"\3\1\1" + bytes(32))
    assert records is not None
    assert sorted(len(record.data) for record in records) == [0, 32]
    assert sorted(bool(unusable(record)) for record in records) == [False, True]
