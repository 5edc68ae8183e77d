"""What a domain publishes, held against the rules for operators (RFC 3263 sections 4.1 and 4.4, RFC 7984, RFC 3403)."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from play import Player
from siptls import (
    Action,
    Failure,
    Limits,
    Locate,
    Lookup,
    LookupFailed,
    Outcome,
    Policy,
    Route,
    SipUri,
    TargetFailed,
    TargetFailure,
)
from siptls.codes import CATALOGUE
from siptls.dns import Address, Answer, Denial, Naptr, Record, Srv
from siptls.dns.question import RRTYPES, RRType
from siptls.events import Answered, LookupEvent
from siptls.names import is_domain_name
from siptls.zone_lint import (
    Finding,
    audit_findings,
    audit_questions,
    family_findings,
    missing_srv_findings,
    naptr_findings,
    nonstandard_srv_findings,
    srv_findings,
)
from world import AT, SECURE, SOURCE, World, first
from worlds import all_worlds, limits, policies, seeds
from worlds import uris as drawn_uris

NaptrText: TypeAlias = tuple[int, int, str, str, str, str]
SrvText: TypeAlias = tuple[int, int, int, str]

DOMAIN = "example.com"
ALICE = SipUri.parse("sip:alice@example.com")
TLS_NAME, TCP_NAME, UDP_NAME = "_sips._tcp.example.com", "_sip._tcp.example.com", "_sip._udp.example.com"
ODD_NAME = "_sip._tls.example.com"

# The example of RFC 3263 section 4.1.
TLS: NaptrText = (50, 50, "s", "SIPS+D2T", "", TLS_NAME)
TCP: NaptrText = (90, 50, "s", "SIP+D2T", "", TCP_NAME)
UDP: NaptrText = (100, 50, "s", "SIP+D2U", "", UDP_NAME)
ENUM: NaptrText = (10, 10, "u", "E2U+sip", "!^.*$!sip:info@example.com!", ".")


def answer(name: str, rrtype: RRType, *records: Record, denial: Denial | None = None) -> Answer:
    """An answer with these records; without any, a denial."""
    denial = None if records else denial or Denial.NODATA
    return Answer(Lookup(name, rrtype), (), name, records, denial, SECURE, 300.0, SOURCE)


def naptr(*texts: NaptrText) -> Answer:
    return answer(DOMAIN, "NAPTR", *[Naptr(DOMAIN, *text) for text in texts])


def srv(name: str, *texts: SrvText) -> Answer:
    return answer(name, "SRV", *[Srv(name, *text) for text in texts])


def addresses(name: str, *texts: str) -> list[Answer]:
    """The answers for both families."""
    ipv4 = [Address(name, text) for text in texts if ":" not in text]
    ipv6 = [Address(name, text) for text in texts if ":" in text]
    return [answer(name, "A", *ipv4), answer(name, "AAAA", *ipv6)]


def events(*answers: Answer, failed: Sequence[tuple[str, RRType]] = ()) -> list[LookupEvent]:
    """What came of lookups."""
    failures = [LookupFailed(Lookup(*question), Failure.TIMEOUT) for question in failed]
    return [*[Answered(a.question, a) for a in answers], *failures]


def codes(findings: list[Finding]) -> list[str]:
    return [code.removeprefix("locate.") for code, _ in findings]


class TestNaptr:
    @pytest.mark.req("R3263-4.1-12")
    def test_the_example_of_rfc_3263_breaks_no_rule(self) -> None:
        assert naptr_findings(naptr(TLS, TCP, UDP)) == []

    @pytest.mark.req("R3263-4.1-12")
    def test_case_does_not_count_and_neither_do_more_transports(self) -> None:
        more: list[NaptrText] = [
            (60, 50, "S", "sips+d2s", "", "_sips._sctp.example.com"),
            (95, 50, "S", "sip+d2w", "", "_ws.example.com"),
            (1, 1, "s", "SIP+D2N", "", "_sip._nowhere.example.com"),
        ]
        lower: list[NaptrText] = [(50, 50, "S", "sips+d2t", "", TLS_NAME), TCP, UDP]
        assert naptr_findings(naptr(*lower, *more)) == []

    @pytest.mark.req("R3263-4.1-12")
    @pytest.mark.parametrize(
        ("published", "missing"),
        [
            ([TLS, TCP], "SIP+D2U"),
            ([TLS, UDP], "SIP+D2T"),
            ([TCP, UDP], "SIPS+D2T"),
            ([TLS], "SIP+D2T, SIP+D2U"),
            ([(10, 10, "s", "SIP+D2W", "", "_ws.example.com")], "SIPS+D2T, SIP+D2T, SIP+D2U"),
            # What no client can use is as good as missing.
            ([TLS, TCP, (100, 50, "u", "SIP+D2U", "", UDP_NAME)], "SIP+D2U"),
            ([TLS, TCP, (100, 50, "", "SIP+D2U", "", UDP_NAME)], "SIP+D2U"),
            ([TLS, TCP, (100, 50, "s", "SIP+D2U", "!.*!sip:x@example.com!", ".")], "SIP+D2U"),
            ([TLS, TCP, (100, 50, "s", "SIP+D2U", "", ".")], "SIP+D2U"),
            ([TLS, TCP, (100, 50, "s", "SIP+D2U", "", "..")], "SIP+D2U"),
            ([TLS, TCP, (100, 50, "s", "SIP+D2U", "", "bad..name")], "SIP+D2U"),
            ([TLS, TCP, (100, 50, "\u017f", "SIP+D2U", "", UDP_NAME)], "SIP+D2U"),
            ([TLS, TCP, (100, 50, "s", "\u017fIP+D2U", "", UDP_NAME)], "SIP+D2U"),
        ],
    )
    def test_a_domain_with_naptr_must_offer_tls_tcp_and_udp(self, published: list[NaptrText], missing: str) -> None:
        assert naptr_findings(naptr(*published)) == [("locate.naptr-incomplete", f"no usable record for {missing}")]

    @pytest.mark.req("R3263-4.1-12")
    @pytest.mark.parametrize(
        "others",
        [
            [],
            [ENUM],
            [ENUM, (10, 10, "u", "E2U+sip", "!^.*$!sip:info@example.com!", "both.example.com")],
            [(10, 10, "s", "\u017fIPS+D2U", "", "_sips._udp.example.com")],
            [(10, 10, "s", "http+I2L", "", "_http._tcp.example.com"), (10, 10, "a", "", "", "sip.example.com")],
        ],
    )
    def test_records_of_other_applications_are_no_finding(self, others: list[NaptrText]) -> None:
        assert naptr_findings(naptr(*others)) == []
        assert naptr_findings(naptr(TLS, TCP, UDP, *others)) == []

    @pytest.mark.req("R3263-4.1-12")
    @pytest.mark.parametrize(
        ("tls", "tcp", "udp", "found"),
        [
            (50, 50, 100, "SIPS+D2T has order 50, SIP+D2T has order 50"),
            (60, 100, 50, "SIPS+D2T has order 60, SIP+D2U has order 50"),
            (50, 51, 51, ""),
        ],
    )
    def test_tls_should_have_the_lowest_order(self, tls: int, tcp: int, udp: int, found: str) -> None:
        published = naptr((tls, *TLS[1:]), (tcp, *TCP[1:]), (udp, *UDP[1:]))
        assert naptr_findings(published) == ([("locate.naptr-order", found)] if found else [])

    @pytest.mark.req("R3263-4.1-12")
    def test_each_record_with_tls_should_stand_before_each_one_without(self) -> None:
        sctp: NaptrText = (95, 1, "s", "SIPS+D2S", "", "_sips._sctp.example.com")
        found = "SIPS+D2S has order 95, SIP+D2T has order 90"
        assert naptr_findings(naptr(TLS, TCP, UDP, sctp)) == [("locate.naptr-order", found)]

    @pytest.mark.req("R3263-4.1-12")
    def test_preference_does_not_make_up_for_order(self) -> None:
        equal = naptr((50, 1, *TLS[2:]), (50, 2, *TCP[2:]), (50, 3, *UDP[2:]))
        assert codes(naptr_findings(equal)) == ["naptr-order"]

    @pytest.mark.req("R3263-4.1-12")
    @pytest.mark.parametrize("flags", ["s", "u", ""])
    def test_there_is_no_tls_over_udp(self, flags: str) -> None:
        absurd: NaptrText = (200, 1, flags, "sips+d2u", "", "_sips._udp.example.com")
        assert naptr_findings(naptr(TLS, TCP, UDP, absurd)) == [("locate.naptr-sips-udp", "200 1 SIPS+D2U")]

    @pytest.mark.req("R3263-4.4-3")
    def test_records_for_one_service_should_differ_in_order_or_preference(self) -> None:
        twin: NaptrText = (50, 50, "s", "sips+d2t", "", "_sips._tcp.example.NET")
        assert naptr_findings(naptr(TLS, TCP, UDP, twin)) == [
            ("locate.naptr-equal", f"50 50 SIPS+D2T {TLS_NAME}, 50 50 SIPS+D2T _sips._tcp.example.net")
        ]
        assert naptr_findings(naptr(TLS, TCP, UDP, (50, 51, *twin[2:]))) == []
        assert naptr_findings(naptr(TLS, TCP, UDP, (51, 50, *twin[2:]))) == []

    @pytest.mark.req("R3263-4.4-3")
    def test_records_for_two_services_are_told_apart_by_the_client_and_a_repetition_is_one_record(self) -> None:
        same_rank = naptr(TLS, (90, 50, *TCP[2:]), (90, 50, *UDP[2:]), TLS, (50, 50, "S", "SIPS+D2T", "", TLS_NAME))
        assert naptr_findings(same_rank) == []

    @pytest.mark.req("R3403-4.1-4")
    @pytest.mark.parametrize("service", ["SIPS+D2T", "sips+d2t", "SIP+D2N"])
    def test_a_record_with_regular_expression_and_replacement_is_in_error(self, service: str) -> None:
        both: NaptrText = (10, 20, "s", service, "!^.*$!sips:x@example.net!", "_sips._tcp.example.net")
        found = f"10 20 {service.upper()}"
        assert naptr_findings(naptr(TLS, TCP, UDP, both)) == [("locate.naptr-malformed", found)]

    @pytest.mark.req("R3403-4.1-4")
    def test_several_records_in_error_are_told_in_their_order(self) -> None:
        wrong: list[NaptrText] = [(n, 1, "s", "SIP+D2T", "!a!b!", "x.example") for n in (6, 100, 8, 30, 7)]
        expected = ", ".join([f"{n} 1 SIP+D2T" for n in (6, 7, 8, 30, 100)])
        assert naptr_findings(naptr(TLS, TCP, UDP, *wrong)) == [("locate.naptr-malformed", expected)]

    @pytest.mark.req("R3403-4.1-4")
    def test_a_regular_expression_alone_is_no_error_of_that_kind(self) -> None:
        alone: NaptrText = (10, 20, "u", "SIP+D2T", "!^.*$!sip:x@example.net!", ".")
        assert naptr_findings(naptr(TLS, TCP, UDP, alone)) == []

    def test_all_that_is_wrong_is_told_at_once(self) -> None:
        published = naptr(
            (50, 50, "s", "SIP+D2T", "", TCP_NAME),
            (50, 50, "s", "SIP+D2T", "", "_sip._tcp.example.net"),
            (50, 50, "s", "SIPS+D2T", "", TLS_NAME),
            (50, 50, "s", "SIPS+D2U", "!x!y!", "_sips._udp.example.com"),
        )
        assert codes(naptr_findings(published)) == [
            "naptr-incomplete",
            "naptr-order",
            "naptr-sips-udp",
            "naptr-equal",
            "naptr-malformed",
        ]


class TestSrv:
    @pytest.mark.req("R3263-4.4-3")
    @pytest.mark.parametrize(
        ("published", "found"),
        [
            ([], ""),
            ([(0, 0, 5061, "a.example")], ""),
            ([(0, 1, 5061, "a.example"), (0, 2, 5061, "b.example")], ""),
            ([(0, 0, 5061, "a.example"), (1, 0, 5061, "b.example")], ""),
            ([(0, 0, 5061, "a.example"), (0, 1, 5061, "b.example")], ""),
            ([(0, 5, 5061, "a.example"), (0, 5, 5061, "b.example")], "0 5 a.example:5061, 0 5 b.example:5061"),
            ([(0, 0, 5061, "b.example"), (0, 0, 5061, "a.example")], "0 0 a.example:5061, 0 0 b.example:5061"),
            ([(7, 9, 5061, "a.example"), (7, 9, 5062, "a.example")], "7 9 a.example:5061, 7 9 a.example:5062"),
            (
                [(0, 1, 1, "a"), (0, 2, 1, "b"), (0, 2, 1, "c"), (1, 2, 1, "d"), (2, 1, 1, "e"), (2, 1, 1, "F.")],
                "0 2 b:1, 0 2 c:1, 2 1 e:1, 2 1 f:1",
            ),
            ([(0, 5, 5061, "a.example"), (0, 5, 5061, "A.example.")], ""),
        ],
    )
    def test_records_of_one_priority_should_differ_in_weight(self, published: list[SrvText], found: str) -> None:
        expected = [("locate.srv-equal-weights", f"{TLS_NAME}: {found}")] if found else []
        assert srv_findings(srv(TLS_NAME, *published)) == expected

    def test_not_offered_contradicts_the_records_beside_it(self) -> None:
        published = srv(TLS_NAME, (0, 0, 0, "."), (0, 0, 5061, "a.example"), (1, 0, 5061, "b.example"))
        assert srv_findings(published) == [("locate.srv-root-beside", f'{TLS_NAME}: "." beside 2 other(s)')]
        assert srv_findings(srv(TLS_NAME, (0, 0, 0, "."))) == []
        assert srv_findings(srv(TLS_NAME, (0, 0, 0, "."), (1, 0, 0, "."))) == []

    @pytest.mark.req("R3263-4.1-12")
    def test_srv_must_also_stand_under_the_domains_own_name(self) -> None:
        answers = [
            srv(TLS_NAME, (0, 0, 5061, "sip.example.net")),
            srv(TCP_NAME),
            srv(UDP_NAME, (0, 0, 0, ".")),
            answer("_sips._sctp.example.com", "SRV", denial=Denial.NXDOMAIN),
        ]
        assert missing_srv_findings(DOMAIN, {"tls", "tcp", "udp", "ws"}, answers) == [
            ("locate.srv-missing", f"{UDP_NAME}: ."),
            ("locate.srv-missing", f"{TCP_NAME}: NODATA"),
        ]
        assert missing_srv_findings(DOMAIN, {"tls", "tls-sctp"}, answers) == [
            ("locate.srv-missing", "_sips._sctp.example.com: NXDOMAIN")
        ]

    @pytest.mark.req("R3263-4.1-12")
    def test_what_was_not_answered_is_not_called_missing(self) -> None:
        answers = [answer(TLS_NAME, "A"), srv("_sips._tcp.example.net")]
        assert missing_srv_findings(DOMAIN, {"tls", "tcp"}, answers) == []

    def test_a_nonstandard_name_is_told_with_the_standard_one(self) -> None:
        found = f"{ODD_NAME}; the standard name is {TLS_NAME}"
        published = srv(ODD_NAME, (0, 0, 5061, "sip.example.com"))
        assert nonstandard_srv_findings(DOMAIN, published) == [("locate.nonstandard-srv", found)]

    @pytest.mark.parametrize("published", [[], [(0, 0, 0, ".")]])
    def test_a_nonstandard_name_without_a_server_is_no_finding(self, published: list[SrvText]) -> None:
        assert nonstandard_srv_findings(DOMAIN, srv(ODD_NAME, *published)) == []


FIVE = [f"{name}.example" for name in "abcde"]
DARK: tuple[str, list[str]] = ("dark.example", [])


class TestFamilies:
    @pytest.mark.req("R7984-3.2-3")
    def test_a_name_of_one_family_is_right_where_the_set_serves_both(self) -> None:
        # RFC 7984 section 3.2: IPv6 alone at the lowest priority, both families at the next one.
        preferring_ipv6 = [("v6.example", ["2001:db8::1"]), ("both.example", ["192.0.2.1", "2001:db8::1"])]
        assert family_findings(preferring_ipv6) == []
        assert family_findings([("v6.example", ["2001:db8::1"]), ("v4.example", ["192.0.2.1"])]) == []

    @pytest.mark.req("R7984-3.2-3")
    @pytest.mark.parametrize(
        ("targets", "found"),
        [
            ([("a.example", ["192.0.2.1"])], "IPv4 only: a.example"),
            ([("b.example", ["2001:db8::1", "2001:db8::2"])], "IPv6 only: b.example"),
            ([("b.example", ["192.0.2.2"]), ("a.example", ["192.0.2.1"])], "IPv4 only: a.example, b.example"),
            ([("b.example", ["192.0.2.2"]), DARK], "IPv4 only: b.example"),
            ([(f"{name}.example", ["192.0.2.1"]) for name in "edcba"], "IPv4 only: " + ", ".join(FIVE)),
            ([DARK], ""),
            ([], ""),
        ],
    )
    def test_a_set_that_serves_one_family_is_told(self, targets: list[tuple[str, list[str]]], found: str) -> None:
        assert family_findings(targets) == ([("locate.one-family", found)] if found else [])


SIDEWAYS = naptr(
    (50, 50, "s", "SIPS+D2T", "", "_sips._tcp.school.edu"),
    (90, 50, "s", "SIP+D2T", "", "_sip._tcp.school.edu"),
    (100, 50, "s", "SIP+D2U", "", "_sip._udp.school.edu"),
)


class TestAuditQuestions:
    @pytest.mark.req("R3263-4.1-12")
    def test_the_domains_own_names_are_asked_where_naptr_leads_elsewhere(self) -> None:
        found = srv("_sips._tcp.school.edu", (0, 1, 5061, "sip.school.edu"))
        asked = audit_questions(ALICE, events(SIDEWAYS, found, *addresses("sip.school.edu", "192.0.2.1")))
        assert asked == tuple([Lookup(name, "SRV") for name in (UDP_NAME, TCP_NAME, TLS_NAME, ODD_NAME)])

    def test_nothing_is_asked_twice(self) -> None:
        first = events(SIDEWAYS, srv("_sips._tcp.school.edu", (0, 1, 5061, "sip.school.edu")), srv(TCP_NAME))
        asked = audit_questions(ALICE, first)
        assert Lookup(TCP_NAME, "SRV") not in asked
        assert len(set(asked)) == len(asked)
        assert audit_questions(ALICE, [*first, *events(*[answer(*question) for question in asked])]) == ()

    def test_without_naptr_only_the_nonstandard_name_is_asked(self) -> None:
        known = [naptr(), srv(TLS_NAME), srv(TCP_NAME), srv(UDP_NAME), *addresses(DOMAIN, "192.0.2.1")]
        assert audit_questions(ALICE, events(*known)) == (Lookup(ODD_NAME, "SRV"),)

    @pytest.mark.parametrize("uri", ["sip:example.com:5070", "sip:192.0.2.1", "sips:[2001:db8::1]:5061"])
    def test_an_address_or_a_port_in_the_uri_leaves_nothing_to_ask(self, uri: str) -> None:
        assert audit_questions(SipUri.parse(uri), events(*addresses(DOMAIN, "192.0.2.1"))) == ()

    @pytest.mark.parametrize("failed", [(DOMAIN, "NAPTR"), (TLS_NAME, "SRV")])
    def test_where_the_way_is_not_known_nothing_more_is_asked(self, failed: tuple[str, RRType]) -> None:
        assert audit_questions(ALICE, events(srv(TCP_NAME, (0, 0, 5060, "sip.example.com")), failed=[failed])) == ()

    @pytest.mark.req("R7984-3.2-3")
    def test_the_other_family_is_asked_for_each_host_that_was_asked_for_one(self) -> None:
        known = [srv(TLS_NAME, (0, 1, 5061, "a.example"), (0, 2, 5061, "b.example")), *addresses("b.example")]
        asked = audit_questions(ALICE, events(*known, answer("a.example", "A", Address("a.example", "192.0.2.1"))))
        assert asked == (Lookup(ODD_NAME, "SRV"), Lookup("a.example", "AAAA"))

    def test_the_other_family_of_a_host_whose_lookup_failed_is_not_asked(self) -> None:
        known = events(srv(TLS_NAME, (0, 1, 5061, "a.example")), failed=[("a.example", "A")])
        assert audit_questions(ALICE, known) == (Lookup(ODD_NAME, "SRV"),)

    def test_a_name_that_would_be_too_long_is_not_asked(self) -> None:
        long = SipUri.parse("sip:" + ".".join(["x" * 61] * 4))
        assert audit_questions(long, ()) == ()

    def test_the_name_that_is_looked_up_counts_not_the_host(self) -> None:
        uri = SipUri.parse("sip:alice@example.com;maddr=other.example")
        assert audit_questions(uri, ()) == (Lookup("_sip._tls.other.example", "SRV"),)

    def test_a_nonstandard_name_that_naptr_leads_to_is_like_any_other(self) -> None:
        odd = naptr(TCP, UDP, (50, 50, "s", "SIPS+D2T", "", "_SIP._TLS.Example.com."))
        known = events(odd)
        assert audit_questions(ALICE, known) == tuple([Lookup(name, "SRV") for name in (UDP_NAME, TCP_NAME, TLS_NAME)])
        known += events(srv(ODD_NAME, (0, 0, 5061, "a.example"), (0, 0, 5061, "b.example")), srv(TLS_NAME))
        assert audit_findings(ALICE, known, ()) == [
            ("locate.srv-equal-weights", f"{ODD_NAME}: 0 0 a.example:5061, 0 0 b.example:5061"),
            ("locate.srv-missing", f"{TLS_NAME}: NODATA"),
        ]


class TestAuditFindings:
    @pytest.mark.req("R3263-4.1-12", "R7984-3.2-3")
    def test_school_edu_serves_example_com_over_one_family_and_old_clients_fail(self) -> None:
        known = [
            SIDEWAYS,
            srv("_sips._tcp.school.edu", (0, 1, 5061, "sip.school.edu")),
            *addresses("sip.school.edu", "192.0.2.1"),
            srv(TLS_NAME, (0, 1, 5061, "sip.school.edu")),
            srv(TCP_NAME),
            srv(UDP_NAME, (0, 1, 5060, "elsewhere.example")),
            srv(ODD_NAME, (0, 1, 5061, "sip.school.edu")),
        ]
        assert audit_findings(ALICE, events(*known), ()) == [
            ("locate.nonstandard-srv", f"{ODD_NAME}; the standard name is {TLS_NAME}"),
            ("locate.srv-missing", f"{TCP_NAME}: NODATA"),
            ("locate.one-family", "IPv4 only: sip.school.edu"),
        ]

    def test_a_sound_zone_gives_no_finding(self) -> None:
        known = [
            naptr(TLS, TCP, UDP),
            srv(TLS_NAME, (0, 1, 5061, "a.example"), (0, 2, 5061, "b.example")),
            srv(TCP_NAME, (0, 1, 5060, "a.example")),
            srv(UDP_NAME, (0, 1, 5060, "a.example")),
            srv(ODD_NAME),
            *addresses("a.example", "192.0.2.1", "2001:db8::1"),
            *addresses("b.example", "192.0.2.2"),
        ]
        questions = [Lookup(name, "SRV") for name in (UDP_NAME, TCP_NAME, ODD_NAME)]
        assert audit_findings(ALICE, events(*known), questions) == []

    @pytest.mark.req("R7984-3.2-3")
    @pytest.mark.parametrize("unknown", [[], [("b.example", "A")], [("b.example", "AAAA")]])
    def test_nothing_is_said_of_families_while_one_is_not_known(self, unknown: list[tuple[str, RRType]]) -> None:
        known = [
            srv(TLS_NAME, (0, 1, 5061, "a.example"), (0, 2, 5061, "b.example")),
            *addresses("a.example", "192.0.2.1"),
            *[a for a in addresses("b.example") if unknown and (a.question.name, a.question.rrtype) not in unknown],
        ]
        assert audit_findings(ALICE, events(*known, failed=unknown), ()) == []

    @pytest.mark.req("R7984-3.2-3")
    def test_a_host_without_srv_counts_alone_and_one_of_several_counts_with_them(self) -> None:
        alone = [srv(TLS_NAME), *addresses(DOMAIN, "2001:db8::1")]
        assert audit_findings(ALICE, events(*alone), ()) == [("locate.one-family", f"IPv6 only: {DOMAIN}")]
        together = [
            srv(TLS_NAME, (0, 1, 5061, "Example.COM."), (0, 2, 5061, "b.example")),
            *addresses(DOMAIN, "2001:db8::1"),
            *addresses("b.example", "192.0.2.1"),
        ]
        assert audit_findings(ALICE, events(*together), ()) == []

    def test_records_at_other_names_are_none_of_the_domains(self) -> None:
        other = answer("other.example", "NAPTR", Naptr("other.example", 1, 1, "s", "SIPS+D2U", "", "x.example"))
        assert audit_findings(ALICE, events(other), ()) == []

    @pytest.mark.req("R7984-3.2-3")
    def test_the_hosts_of_all_services_are_told_at_once_by_family(self) -> None:
        known = [
            srv(TLS_NAME, (0, 1, 5061, "a.example")),
            srv(TCP_NAME, (0, 1, 5060, "a.example"), (0, 2, 5060, "b.example")),
            srv(UDP_NAME, (0, 1, 5060, "c.example"), (0, 2, 5060, "dark.example")),
            srv("_sips._sctp.example.com", (0, 1, 5061, "a.example"), (0, 2, 5061, "c.example")),
            *addresses("a.example", "192.0.2.1"),
            *addresses("b.example", "192.0.2.2"),
            *addresses("c.example", "2001:db8::1"),
            *addresses("dark.example"),
        ]
        assert audit_findings(ALICE, events(*known), ()) == [
            ("locate.one-family", "IPv4 only: a.example, b.example"),
            ("locate.one-family", "IPv6 only: c.example"),
        ]

    def test_questions_without_an_answer_are_told_as_not_checked(self) -> None:
        questions = [Lookup(UDP_NAME, "SRV"), Lookup(TCP_NAME, "SRV"), Lookup(ODD_NAME, "SRV")]
        known = events(SIDEWAYS, srv(TCP_NAME, (0, 1, 5060, "a.example")), failed=[(ODD_NAME, "SRV")])
        found = f"{ODD_NAME} SRV, {UDP_NAME} SRV"
        assert audit_findings(ALICE, known, questions) == [("locate.not-checked", found)]


# Through Locate.


def school() -> World:
    """The sideways NAPTR of RFC 3263 section 4.1: school.edu serves example.com, here with much that is not right."""
    world = World()
    for name in (DOMAIN, "school.edu"):
        world.naptr(name, (50, 50, "s", "SIPS+D2T", "", "_sips._tcp.school.edu"), (40, 50, "s", "SIP+D2T", "", "x.y"))
    world.srv("_sips._tcp.school.edu", (0, 1, 5061, "a.school.edu"), (0, 1, 5061, "b.school.edu"))
    world.srv(TCP_NAME, (0, 0, 5060, "a.school.edu"), (0, 0, 0, "."))
    world.srv(ODD_NAME, (0, 0, 5061, "a.school.edu"))
    world.address("a.school.edu", "192.0.2.1")
    world.address("b.school.edu", "192.0.2.2")
    return world


TLS_ONLY = Policy(transports=("tls",))
EXTRA = [(TCP_NAME, "SRV"), (TLS_NAME, "SRV"), (ODD_NAME, "SRV")]
NOT_CHECKED = f"{TCP_NAME} SRV, {ODD_NAME} SRV, {TLS_NAME} SRV"
FOUND = [
    ("locate.nonstandard-srv", f"{ODD_NAME}; the standard name is {TLS_NAME}"),
    ("locate.srv-root-beside", f'{TCP_NAME}: "." beside 1 other(s)'),
    ("locate.srv-equal-weights", "_sips._tcp.school.edu: 0 1 a.school.edu:5061, 0 1 b.school.edu:5061"),
    ("locate.one-family", "IPv4 only: a.school.edu, b.school.edu"),
    ("locate.naptr-incomplete", "no usable record for SIP+D2U"),
    ("locate.naptr-order", "SIPS+D2T has order 50, SIP+D2T has order 40"),
    ("locate.srv-missing", f"{TLS_NAME}: NXDOMAIN"),
]
LINT = frozenset(
    [code for code, _ in FOUND]
    + [f"locate.{code}" for code in ("naptr-sips-udp", "naptr-equal", "naptr-malformed", "not-checked")]
)


def linted(route: Route) -> list[Finding]:
    """What the route says about the zone."""
    assert {step.hop for step in route.findings if step.code in LINT} <= {"LOCATE"}
    return [(step.code, step.found) for step in route.findings if step.code in LINT]


def gist(route: Route) -> tuple[object, ...]:
    """What a client goes by: all but the findings."""
    targets = [(t.host, t.port, t.transport, t.addresses, t.priority, t.weight, t.delegation) for t in route.targets]
    return targets, route.outcome, route.code, route.complete, route.expires, route.sips


def is_among(action: Action, questions: Sequence[tuple[str, str]]) -> bool:
    return isinstance(action, Lookup) and (action.name, action.rrtype) in questions


class TestLocate:
    @pytest.mark.req("R3263-4.1-12", "R3263-4.4-3", "R7984-3.2-3")
    def test_an_audit_tells_the_operator_what_is_wrong_and_asks_when_all_else_is_known(self) -> None:
        world = school()
        plain = world.locate("sip:alice@example.com", TLS_ONLY)
        asked = world.questions()
        assert linted(plain) == []
        audited = world.locate("sip:alice@example.com", TLS_ONLY.replace(audit=True))
        assert sorted(linted(audited)) == sorted(FOUND)
        assert world.questions() == asked + EXTRA
        assert gist(audited) == gist(plain)
        assert [target.host for target in audited.targets] == ["a.school.edu", "b.school.edu"]

    def test_without_audit_nothing_is_told_and_only_what_leads_there_is_asked(self) -> None:
        world = school()
        assert linted(world.locate("sip:alice@example.com", TLS_ONLY)) == []
        assert not set(world.questions()) & set(EXTRA)

    def test_findings_stand_behind_all_others_in_an_order_of_their_own(self) -> None:
        policy = TLS_ONLY.replace(audit=True)
        routes = [school().locate("sip:alice@example.com", policy, order=random.Random(seed)) for seed in range(5)]
        assert len({tuple(linted(route)) for route in routes}) == 1
        for route in routes:
            codes = [step.code for step in route.findings]
            assert set(codes[-len(FOUND) :]) <= LINT

    @pytest.mark.req("R3263-4.1-12")
    def test_a_sound_zone_stays_without_a_finding(self) -> None:
        world = World()
        world.naptr(DOMAIN, TLS, TCP, UDP)
        for name in (TLS_NAME, TCP_NAME, UDP_NAME):
            world.srv(name, (0, 1, 5061, "a.example.com"), (0, 2, 5061, "b.example.com"))
        world.address("a.example.com", "192.0.2.1", "2001:db8::1")
        world.address("b.example.com", "192.0.2.2")
        route = world.locate("sip:alice@example.com", Policy(audit=True))
        assert linted(route) == []
        assert world.questions()[-3:] == [(UDP_NAME, "SRV"), (TCP_NAME, "SRV"), (ODD_NAME, "SRV")]

    @pytest.mark.parametrize("failure", list(Failure))
    def test_lookups_of_the_audit_that_fail_are_told_as_not_checked_and_decide_nothing(self, failure: Failure) -> None:
        world = school()
        plain = world.locate("sip:alice@example.com", TLS_ONLY)
        for name, _ in EXTRA:
            world.fail(name, "SRV", failure)
        audited = world.locate("sip:alice@example.com", TLS_ONLY.replace(audit=True))
        assert gist(audited) == gist(plain)
        assert ("locate.not-checked", NOT_CHECKED) in linted(audited)
        assert not [step for step in audited.findings if step.severity == "error"]

    @pytest.mark.parametrize("seconds", [3.0, 30.0])
    def test_lookups_of_the_audit_without_an_answer_cost_time_and_nothing_else(self, seconds: float) -> None:
        world, policy = school(), TLS_ONLY.replace(audit=True, limits=Limits(seconds=seconds))
        machine = Locate(ALICE, policy=policy, now=0.0, at=AT, randbelow=first)
        player = Player(world, random.Random(1), answers=lambda action: not is_among(action, EXTRA))
        player.play(machine)
        assert player.now == min(seconds, policy.lookup_timeout)
        assert machine.result is not None
        assert gist(machine.result) == gist(world.locate("sip:alice@example.com", TLS_ONLY))
        assert ("locate.not-checked", NOT_CHECKED) in linted(machine.result)

    def test_a_search_that_a_limit_cut_short_stays_incomplete(self) -> None:
        world, policy = school(), TLS_ONLY.replace(limits=Limits(targets=1))
        plain = world.locate("sip:alice@example.com", policy)
        audited = world.locate("sip:alice@example.com", policy.replace(audit=True))
        assert world.questions()[-3:] == EXTRA
        assert (len(audited.targets), audited.complete) == (1, False)
        assert gist(audited) == gist(plain)

    def test_what_goes_beyond_the_limit_of_lookups_is_not_checked(self) -> None:
        world, policy = school(), TLS_ONLY.replace(limits=Limits(lookups=7))
        plain = world.locate("sip:alice@example.com", policy)
        assert len(world.questions()) == 6
        audited = world.locate("sip:alice@example.com", policy.replace(audit=True))
        assert len(world.questions()) == 7
        assert gist(audited) == gist(plain)
        assert ("locate.not-checked", f"{ODD_NAME} SRV, {TLS_NAME} SRV") in linted(audited)

    @pytest.mark.req("R7984-3.2-3")
    def test_a_client_of_one_family_learns_of_the_other_one_but_does_not_use_it(self) -> None:
        world, policy = school(), TLS_ONLY.replace(families=("ipv4",))
        plain = world.locate("sip:alice@example.com", policy)
        audited = world.locate("sip:alice@example.com", policy.replace(audit=True))
        assert world.questions()[-2:] == [("a.school.edu", "AAAA"), ("b.school.edu", "AAAA")]
        assert gist(audited) == gist(plain)
        assert sorted(linted(audited)) == sorted(FOUND)
        world.address("a.school.edu", "192.0.2.1", "2001:db8::1")
        assert "one-family" not in codes(linted(world.locate("sip:alice@example.com", policy.replace(audit=True))))

    def test_where_the_way_fails_the_audit_asks_nothing(self) -> None:
        world = school()
        world.fail(DOMAIN, "NAPTR", Failure.BOGUS)
        route = world.locate("sip:alice@example.com", TLS_ONLY.replace(audit=True))
        assert world.questions() == [(DOMAIN, "NAPTR")]
        assert (route.outcome, route.code) == (Outcome.UNDETERMINED, "dnssec.bogus")

    @pytest.mark.req("R3263-4.1-12")
    def test_a_domain_with_the_nonstandard_name_alone_has_no_service_and_learns_why(self) -> None:
        world = World()
        world.srv(ODD_NAME, (0, 0, 5061, "sip.example.com"))
        world.address("sip.example.com", "192.0.2.1")
        route = world.locate("sips:alice@example.com", Policy(audit=True))
        assert (route.outcome, route.code) == (Outcome.NO_SERVICE, "locate.no-service")
        assert linted(route) == [FOUND[0]]

    def test_hostile_names_are_harmless_when_they_are_shown(self) -> None:
        world = World()
        nasty = "\x1b[2J\u202e\n.example"
        world.srv(TLS_NAME, *[(0, 0, 5061, f"{n}{nasty}") for n in range(2)])
        world.naptr(DOMAIN, (0, 0, "s", f"SIP+{nasty}", f"!{nasty}!", nasty))
        route = world.locate("sip:alice@example.com", TLS_ONLY.replace(audit=True))
        assert set(codes(linted(route))) == {"naptr-incomplete", "naptr-malformed", "srv-equal-weights"}
        assert all(found.isascii() and found.isprintable() for _, found in linted(route))

    @pytest.mark.parametrize("stop", [True, False])
    def test_a_caller_who_ends_the_search_during_the_audit_has_what_there_would_be_without(self, stop: bool) -> None:
        world = school()
        machine = Locate(ALICE, policy=TLS_ONLY.replace(audit=True), now=0.0, at=AT, randbelow=first)
        while not any(is_among(action, EXTRA) for action in machine.outstanding):
            for action in machine.next_actions(now=0.0):
                if isinstance(action, Lookup) and not is_among(action, EXTRA):
                    machine.receive(world.answer(action), now=0.0)
        if stop:
            machine.stop(now=0.0)
        else:
            machine.advance(now=30.0)
        assert machine.result is not None
        assert gist(machine.result) == gist(world.locate("sip:alice@example.com", TLS_ONLY))

    def test_a_target_that_fails_during_the_audit_does_not_begin_it_again(self) -> None:
        world = school()
        world.srv("_sips._tcp.school.edu", (0, 1, 5061, "a.school.edu"))
        machine = Locate(ALICE, policy=TLS_ONLY.replace(audit=True, prefetch=0), now=0.0, at=AT, randbelow=first)
        late: list[Lookup] = []
        while len(late) < len(EXTRA):
            for action in machine.next_actions(now=0.0):
                assert isinstance(action, Lookup)
                if is_among(action, EXTRA):
                    late.append(action)
                else:
                    machine.receive(world.answer(action), now=0.0)
        assert machine.next_target is not None
        machine.receive(TargetFailed(machine.next_target, TargetFailure.TIMEOUT), now=0.0)
        for action in late:
            machine.receive(world.answer(action), now=0.0)
        assert machine.result is not None
        assert sorted(linted(machine.result)) == sorted(
            [("locate.one-family", "IPv4 only: a.school.edu")]
            + [finding for finding in FOUND if codes([finding])[0] not in {"one-family", "srv-equal-weights"}]
        )


def questions_of(world: World, uri: str, policy: Policy) -> tuple[Route, list[tuple[str, str]]]:
    route = world.locate(uri, policy)
    return route, world.questions()


@given(world=all_worlds(), uri=drawn_uris, policy=policies, few=st.none() | limits)
def test_an_audit_never_changes_where_a_client_goes(world: World, uri: str, policy: Policy, few: Limits | None) -> None:
    policy = policy.replace(prefetch=None, limits=few or policy.limits)
    plain, asked = questions_of(world, uri, policy.replace(audit=False))
    audited, asked_by_audit = questions_of(world, uri, policy.replace(audit=True))
    assert gist(audited) == gist(plain)
    assert asked_by_audit[: len(asked)] == asked
    assert linted(plain) == []
    told = [(step.code, step.found) for step in audited.findings]
    assert [step for step in plain.findings if (step.code, step.found) not in told] == []


@given(world=all_worlds(), uri=drawn_uris, policy=policies, seed=seeds, share=st.floats(0, 1))
def test_an_audit_that_nobody_answers_changes_nothing_either(
    world: World, uri: str, policy: Policy, seed: int, share: float
) -> None:
    policy = policy.replace(prefetch=None)
    plain, asked = questions_of(world, uri, policy.replace(audit=False))
    rng = random.Random(seed)
    machine = Locate(uri, policy=policy.replace(audit=True), now=0.0, at=AT, randbelow=first)
    Player(world, rng, answers=lambda action: is_among(action, asked) or rng.random() < share).play(machine)
    assert machine.result is not None
    assert gist(machine.result) == gist(plain)


# Whatever the DNS says.

NAMES = (DOMAIN, "school.edu", TLS_NAME, TCP_NAME, UDP_NAME, ODD_NAME, "a.example", ".", "..", "", "x" * 300)
names = st.sampled_from(NAMES) | st.text(max_size=12)
small = st.integers(0, 2)
services = st.sampled_from(("SIP+D2U", "SIP+D2T", "SIPS+D2T", "SIPS+D2U", "sip+d2w", "E2U+sip", "\u017fIP+D2T"))
records = st.one_of(
    st.builds(
        Naptr, names, small, small, st.sampled_from("sSu\u017f"), services | st.text(), st.text(max_size=2), names
    ),
    st.builds(Srv, names, small, small, small, names),
    st.builds(Address, names, st.sampled_from(("192.0.2.1", "2001:db8::1")) | st.text(max_size=5)),
)
lookups = st.builds(Lookup, names, st.sampled_from(RRTYPES))


@st.composite
def lookup_events(draw: st.DrawFn) -> LookupEvent:
    question = draw(lookups)
    if draw(st.booleans()):
        return LookupFailed(question, draw(st.sampled_from(Failure)), draw(st.text(max_size=5)))
    return Answered(question, answer(*question, *draw(st.lists(records, max_size=8))))


uris = st.sampled_from(
    (
        "sip:a@example.com",
        "sips:example.com",
        "sip:example.com:5060",
        "sip:192.0.2.1",
        "sip:a@b.example;maddr=school.edu",
    )
).map(SipUri.parse)
many_events = st.lists(lookup_events(), max_size=20, unique_by=lambda event: event.action)


@pytest.mark.req("R3263-4.1-12", "R3263-4.4-3", "R7984-3.2-3")
@given(uri=uris, known=many_events, data=st.data())
def test_whatever_the_dns_says_findings_are_few_short_and_the_same_in_any_order(
    uri: SipUri, known: list[LookupEvent], data: st.DataObject
) -> None:
    questions = audit_questions(uri, known)
    findings = audit_findings(uri, known, questions)
    assert len(findings) <= 12 + 3 * len(known)
    for code, found in findings:
        assert CATALOGUE[code].severity in {"note", "warning"}
        assert 0 < len(found) < 1_000
    assert len(set(findings)) == len(findings)
    shuffled = data.draw(st.permutations(known))
    assert audit_findings(uri, shuffled, questions) == findings
    assert sorted(audit_questions(uri, shuffled)) == sorted(questions)


@given(uri=uris, known=many_events)
def test_an_audit_asks_little_nothing_twice_and_only_what_may_be_asked(uri: SipUri, known: list[LookupEvent]) -> None:
    questions = audit_questions(uri, known)
    assert len(set(questions)) == len(questions)
    assert not set(questions) & {event.action for event in known}
    assert all(is_domain_name(question.name) for question in questions)
    assert sum(question.rrtype == "SRV" for question in questions) <= 6
    assert {question.rrtype for question in questions} <= {"SRV", "A", "AAAA"}
    asked_for = {event.action.name for event in known if event.action.rrtype in {"A", "AAAA"}}
    assert {question.name for question in questions if question.rrtype != "SRV"} <= asked_for


@given(st.lists(records, max_size=12), st.data())
def test_the_order_of_records_does_not_matter(published: list[Record], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(published))
    for check in (naptr_findings, srv_findings):
        assert check(answer(DOMAIN, "SRV", *published)) == check(answer(DOMAIN, "SRV", *shuffled))


def test_a_long_name_is_cut_off() -> None:
    long, cut_off = "x" * 10_000, "x" * 64 + "..."
    published = srv(TLS_NAME, (0, 0, 5061, f"{long}.a"), (0, 0, 5061, f"{long}.b"))
    assert srv_findings(published) == [("locate.srv-equal-weights", f"{TLS_NAME}: 0 0 {cut_off}, 0 0 {cut_off}")]
    assert family_findings([(long, ["192.0.2.1"])]) == [("locate.one-family", f"IPv4 only: {cut_off}")]


def crowded_naptr(count: int) -> list[Finding]:
    """Each thing that can be wrong, as often as it fits."""
    texts: list[NaptrText] = []
    for n in range(count // 2):
        texts.append((n % 7, 1, "s", "SIP+D2T", "", f"_sip._tcp.{n}.example"))
        texts.append((n % 7, n, "s", "SIPS+D2U", "!a!b!", f"_sips._udp.{n}.example"))
    return naptr_findings(naptr(*texts))


def crowded_srv(count: int) -> list[Finding]:
    return srv_findings(srv(TLS_NAME, (0, 0, 0, "."), *[(n % 5, n % 2, 5061, f"{n}.example") for n in range(count)]))


def crowded_families(count: int) -> list[Finding]:
    hosts = [f"{n}.example" for n in range(count)]
    known = [a for host in hosts for a in addresses(host, "192.0.2.1")]
    published = srv(TLS_NAME, *[(n, 0, 5061, host) for n, host in enumerate(hosts)])
    return audit_findings(ALICE, events(published, *known), [Lookup(host, "SRV") for host in hosts])


CROWDS = [crowded_naptr, crowded_srv, crowded_families]


@pytest.mark.parametrize("crowd", CROWDS)
def test_of_thousands_of_records_the_count_and_eight_are_named(crowd: Callable[[int], list[Finding]]) -> None:
    listing = [found for _, found in crowd(2_000) if "among them" in found]
    assert listing
    for found in listing:
        count, _, named = found.partition(", among them ")
        assert int(count.rpartition(" ")[2]) >= 1_000
        assert len(named.split(", ")) == 8


def calls(crowd: Callable[[int], list[Finding]], count: int) -> int:
    """How many functions are called, those in C included."""
    called = 0

    def one_more(_frame: object, event: str, _argument: object) -> None:
        nonlocal called
        called += event in {"call", "c_call"}

    sys.setprofile(one_more)
    try:
        crowd(count)
    finally:
        sys.setprofile(None)
    return called


@pytest.mark.parametrize("crowd", CROWDS)
def test_ten_times_the_records_cost_no_more_than_twelve_times_the_work(
    crowd: Callable[[int], list[Finding]],
) -> None:
    assert calls(crowd, 1_000) <= 12 * calls(crowd, 100)
