"""Actions, events and DNS data: what they are equal to, and how they show themselves."""

from __future__ import annotations

from datetime import UTC, datetime

from asker import ANCHORS, ENDPOINT, FACTS, LEAF, PATH, ROOT, A, connect, found
from siptls import (
    Anchors,
    Close,
    ConnectFailed,
    Endpoint,
    Failure,
    KeyAnchor,
    LookupFailed,
    PathRejected,
    PathValidated,
    Presented,
    ValidatePath,
)
from siptls.dns import Address, Alias, Cname, Naptr, Record, Source, Srv, Tlsa
from world import AT, INSECURE, SECURE


def test_endpoints_are_equal_by_value() -> None:
    same = Endpoint("sip.example.com", "192.0.2.1", 5061, "tls")
    assert same == ENDPOINT
    assert hash(ENDPOINT) == hash(same)
    assert Endpoint("sip.example.com", "192.0.2.1", 5062, "tls") != ENDPOINT
    assert ENDPOINT != "sip.example.com"
    assert ENDPOINT.to_dict() == {
        "transport": "TLS",
        "host": "sip.example.com",
        "address": "192.0.2.1",
        "port": 5061,
    }


def test_questions_are_equal_by_value_and_commands_are_only_themselves() -> None:
    assert ValidatePath(LEAF.der, (), ANCHORS, AT) == PATH
    for other in (
        ValidatePath(ROOT.der, (), ANCHORS, AT),
        ValidatePath(LEAF.der, (ROOT.der,), ANCHORS, AT),
        ValidatePath(LEAF.der, (), Anchors((ROOT.der,)), AT),
        ValidatePath(LEAF.der, (), ANCHORS, datetime(2027, 1, 1, tzinfo=UTC)),
        ValidatePath(LEAF.der, (), ANCHORS, AT, ROOT.der),
    ):
        assert other != PATH
    assert PATH != A
    dial = connect()
    assert dial != connect()
    assert Close(dial) != Close(dial)


def test_each_failure_has_its_own_code_and_only_bogus_says_bogus() -> None:
    codes = {failure: LookupFailed(A, failure).code for failure in Failure}
    assert len(set(codes.values())) == len(Failure)
    assert [failure for failure, code in codes.items() if code == "dnssec.bogus"] == [Failure.BOGUS]


def test_nothing_that_shows_itself_shows_certificates_or_keys() -> None:
    dial, secret = connect(), b"\x30\x82\x01\x0a"
    key = KeyAnchor(secret, secret)
    path = ValidatePath(secret, (secret,), Anchors((secret,), (key,)), AT, secret)
    values = [
        dial,
        Close(dial),
        key,
        path,
        PATH,
        Presented(dial, (secret,), FACTS),
        ConnectFailed(dial, "tls.closed", "by the peer"),
        PathValidated(path, (secret,)),
        PathRejected(path, "chain.expired", "yesterday"),
        LookupFailed(A, Failure.SERVFAIL, "lame"),
        FACTS,
    ]
    shown = [repr(value) for value in values]
    assert not [text for text in shown if "\\x" in text or "3082010a" in text]
    assert shown[0] in shown[1]
    assert shown[3] == (
        "<ValidatePath pool of 1, <Anchors 'given anchors': 1 certificate(s), 1 key(s)>, "
        "at 2026-11-22T12:00:00Z, through one certificate>"
    )
    assert "through" not in shown[4]
    assert shown[-2] == "<LookupFailed Lookup(name='sip.example.com', rrtype='A'): SERVFAIL 'lame'>"


def test_dns_data_shows_itself_as_in_a_zone_file() -> None:
    name = "example.com"
    records: list[tuple[Record, str]] = [
        (Address(name, "192.0.2.1"), "192.0.2.1"),
        (Cname(name, "b.example"), "b.example"),
        (Naptr(name, 1, 2, "s", "SIPS+D2T", "", "x.example"), '1 2 "s" "SIPS+D2T" "" x.example'),
        (Srv(name, 1, 2, 5061, "sip.example"), "1 2 5061 sip.example"),
        (Tlsa(name, 3, 1, 1, b"\xab\xcd"), "3 1 1 abcd"),
    ]
    for record, text in records:
        assert str(record) == text
        assert type(record).__name__ in repr(record)
        assert name in repr(record)
    alias = Alias("a.example", "b.example", INSECURE, 60.0)
    assert repr(alias) == "Alias('a.example', 'b.example', INSECURE, 60.0)"
    assert repr(Source("127.0.0.1:53", "resolver.trust-ad")) == "Source('127.0.0.1:53', 'resolver.trust-ad')"
    one, none = found(A, Address(A.name, "192.0.2.1")), found(A, security=INSECURE)
    assert repr(one) == "<Answered <Answer sip.example.com A: 1 record(s), SECURE>>"
    assert repr(none) == "<Answered <Answer sip.example.com A: NODATA, INSECURE>>"


def test_a_changed_answer_keeps_what_was_not_changed() -> None:
    answer = found(A, Address(A.name, "192.0.2.1")).answer
    weaker = answer.changed(security=INSECURE)
    assert (weaker.records, weaker.security, weaker.ttl) == (answer.records, INSECURE, 300.0)
    shorter = answer.changed(ttl=1.0)
    assert (shorter.records, shorter.security, shorter.ttl) == (answer.records, SECURE, 1.0)
    emptied = answer.changed(records=())
    assert (emptied.records, emptied.security, emptied.ttl) == ((), SECURE, 300.0)
