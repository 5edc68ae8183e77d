"""`locate` says what was asked and why, what was chosen and what was passed over; zone files and name servers agree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.node
import dns.rcode
import dns.rdatatype
import dns.zone
import pytest

import siptls.zone_lint
from cli.console import Run, run
from cli.offline import URI, World
from loopback_dns import NameServer, Script
from siptls.codes import CATALOGUE
from siptls.journal import Step
from siptls_cli.steps import AUDIT, WEIGHED, step_lines
from siptls_cli.terminal import Terminal

RICH = """\
$TTL 600
@ SOA ns1 hostmaster 1 7200 3600 1209600 300
@ NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp
@ NAPTR 10 60 "s" "SIP+D2T" "" _sip._tcp
@ NAPTR 20 50 "s" "SIP+D2U" "" _sip._udp
@ NAPTR 5 50 "u" "E2U+sip" "!^.*$!sip:x@example.com!" .
@ NAPTR 5 50 "s" "SIP+D2S" "" _sip._sctp
_sips._tcp SRV 20 0 5061 far.example.net.
_sips._tcp SRV 10 60 5061 sip1
_sips._tcp SRV 10 40 5062 sip2
_sip._tcp SRV 10 0 5060 sip1
_sip._tcp SRV 10 0 5060 sip2
_sip._udp SRV 0 0 0 .
_sip._tls SRV 0 0 5061 sip1
sip1 A 192.0.2.10
sip1 AAAA 2001:db8::10
sip2 CNAME sip1
bare A 192.0.2.20
bad NAPTR 10 10 "s" "SIP+D2X" "" _sip._tcp
bad NAPTR 20 10 "a" "SIP+D2T" "" _sip._tcp
_sip._udp.bad SRV 1 1 5060 nowhere
"""
NET = "$TTL 600\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\nfar A 198.51.100.7\n"
PORT = "sip:bare.example.com:5080"
VIA = "SIP/2.0/TLS bare.example.com:5071;branch=z9hG4bK1"


@pytest.fixture
def rich(world: World) -> World:
    return world.zone(RICH).zone(NET, "example.net")


def lines(ran: Run) -> list[str]:
    """The items of a text, each in one line."""
    return [" ".join(item.split()) for item in re.split(r"\n(?! {9,}\S)", ran.out)]


def steps(ran: Run, code: str) -> list[dict[str, Any]]:
    return [step for step in ran.json["steps"] if step["code"] == code]


# What was asked, and by which rule.


@pytest.mark.req("R3263-4.1-5")
def test_each_question_is_shown_with_the_rule_that_asked_it(rich: World) -> None:
    told = lines(run(*rich.locate("--stateless")))
    for question, rule in (
        ("NAPTR example.com:", "the URI names neither port nor transport (RFC 3263 section 4.1)"),
        ("SRV _sips._tcp.example.com: 10 40 5062", "the chosen NAPTR record names it (RFC 3263 section 4.2)"),
        ("A far.example.net: 198.51.100.7", "the SRV record names this host (RFC 2782, RFC 7984 section 3.1)"),
        ("SRV _sip._udp.example.com: 0 0 0 .", "the audit asks what the domain has to publish (RFC 3263 section 4.1,"),
    ):
        at = next(number for number, line in enumerate(told) if question in line)
        rules = [line for line in told[: at + 3] if line.startswith("rule ")]
        assert rules[-1].startswith(f"rule {rule}")


def test_questions_that_are_asked_together_have_their_rule_once(rich: World) -> None:
    out = run(*rich.locate(uri="sip:bare.example.com")).out
    assert out.count("no NAPTR record is there to use") == 1
    assert out.count("SRV    _sip") == 3 + 1  # and one of the audit


@pytest.mark.parametrize(
    ("uri", "rrtypes"),
    [
        (URI, {"NAPTR", "SRV", "A", "AAAA"}),
        (f"{URI};transport=tcp", {"SRV", "A", "AAAA"}),
        (PORT, {"A", "AAAA"}),
        ("sip:192.0.2.1", set[str]()),
    ],
)
def test_json_has_the_rule_and_the_security_of_every_answer_and_of_nothing_else(
    rich: World, uri: str, rrtypes: set[str]
) -> None:
    ran = run(*rich.dnssec("example.net=secure").locate("--format", "json", uri=uri))
    answers = [step for step in ran.json["steps"] if step["rule"]]
    assert {step["found"].split(":")[0].split()[1] for step in answers} == rrtypes
    assert {step["security"] for step in answers} <= {"secure", "insecure"}
    assert [step["code"] for step in ran.json["steps"] if step["security"] and not step["rule"]] == []


@pytest.mark.parametrize("status", ["bogus", "failed"])
def test_a_question_that_failed_has_its_rule_too(rich: World, status: str) -> None:
    rich.dnssec(status)
    assert "rule the URI names neither port nor transport (RFC 3263 section 4.1)" in lines(run(*rich.locate()))
    (step,) = [step for step in run(*rich.locate("--format", "json")).json["steps"] if step["severity"] == "error"]
    assert (step["rule"] != "", step["security"]) == (True, "bogus" if status == "bogus" else "indeterminate")


# What was chosen, and what was passed over.


@pytest.mark.req("R3263-4.1-10", "R3263-4.1-11")
def test_what_was_chosen_is_shown_and_what_was_passed_over_with_the_reason(rich: World) -> None:
    told = lines(run(*rich.locate("--stateless")))
    ordered = ("10 60 5061 sip1.example.com", "10 40 5062 sip2.example.com", "20 0 5061 far.example.net")
    for line in (
        '✓ NAPTR chosen: 10 50 "s" "SIPS+D2T" "" _sips._tcp.example.com',
        '○ NAPTR passed over: 5 50 "s" "SIP+D2S" "" _sip._sctp.example.com: SCTP is not open to this request',
        '○ NAPTR passed over: 5 50 "u" "E2U+sip" "!^.*$!sip:x@example.com!" .: its service is not one of SIP',
        '○ NAPTR passed over: 10 60 "s" "SIP+D2T" "" _sip._tcp.example.com: preference 50 comes first',
        '○ NAPTR passed over: 20 50 "s" "SIP+D2U" "" _sip._udp.example.com: order 10 comes first',
        f"✓ SRV in this order over TLS: {'; '.join(ordered)}",
    ):
        assert line in told


def test_offers_of_other_transports_are_passed_over(rich: World) -> None:
    told = lines(run(*rich.locate(uri=f"{URI};transport=tcp")))
    assert "○ SRV passed over: _sip._tcp.example.com: 2 records; TLS is preferred here" in told


def test_records_that_nobody_can_use_are_a_warning(rich: World) -> None:
    ran = run(*rich.locate(uri="sip:bad.example.com"))
    assert "! NAPTR no NAPTR record can be used, so SRV is asked at the domain itself" in " ".join(ran.out.split())
    assert '○ NAPTR passed over: 20 10 "a" "SIP+D2T" "" _sip._tcp.example.com: its flag is not s' in lines(ran)
    assert "✗ locate.no-address" in ran.out
    assert ran.exit_code == 4


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        (PORT, "UDP: a port is given, so neither NAPTR nor SRV is asked"),
        ("sips:192.0.2.1", "TLS: an address is given, and no name"),
        ("sip:bare.example.com", "UDP: there are no SRV records"),
        ("sip:bare.example.com;transport=ws", "WS: WebSocket has no SRV names"),
    ],
)
def test_it_is_said_why_the_host_of_the_uri_is_the_server(rich: World, uri: str, reason: str) -> None:
    more = ("--transport", "ws") if reason.startswith("WS") else ()
    assert f"✓ host the host itself is the server, over {reason}" in lines(run(*rich.locate(*more, uri=uri)))


def test_a_dot_is_told_with_the_rule_that_asked_for_it(rich: World) -> None:
    ran = run(*rich.locate(uri=f"{URI};transport=udp"))
    assert (ran.exit_code, ran.first_line) == (4, f"○ NO SERVICE  {URI};transport=udp  locate.no-service.unproven")
    assert "rule a transport is given and no port (RFC 3263 section 4.2)" in lines(ran)


def test_a_limit_is_told_by_its_name(world: World) -> None:
    servers = "".join(f"_sips._tcp SRV {n} 0 5061 s{n}\ns{n} A 192.0.2.{n}\n" for n in range(1, 20))
    out = " ".join(run(*world.zone(servers).locate()).out.split())
    assert "○ limit.targets more targets than are tried: limits.targets: 16 are tried" in out


def test_nothing_is_said_twice_in_a_row(rich: World) -> None:
    out = run(*rich.locate(uri="sip:bare.example.com")).out
    assert "   ○ DNS    the choice of transport is not protected\n" in out
    out = run(*rich.locate("--stateless", "--no-audit")).out
    assert out.count("the target of an SRV record is an alias") == 1  # though both A and AAAA are behind it
    assert out.count("let the SRV record name the host itself") == 1


# What check leaves out, and the audit.


def test_check_stays_compact_and_its_json_has_everything(rich: World) -> None:
    text, as_json = run(*rich.check()), run(*rich.check("--format", "json"))
    assert "passed over" not in text.out
    assert "rule " not in text.out
    assert {"locate.naptr-passed-over", "locate.srv-chosen"} <= {s["code"] for s in as_json.json["verdict"]["steps"]}
    assert all("rule" in step for step in as_json.json["verdict"]["steps"])
    assert "passed over" in run(*rich.locate()).out


def test_what_the_domain_should_mend_stands_apart_at_the_end(rich: World) -> None:
    out = run(*rich.locate()).out
    before, audit = out.split("\n  AUDIT  example.com ")
    assert before.index("  LOCATE  ") < before.index("  PEER 1  ") < before.index("  PEER 3  ")
    for said in ("NAPTR does not prefer TLS", "_sip._tls", "have the same weight"):
        assert said in audit
        assert said not in before


@pytest.mark.parametrize("uri", [URI, PORT, "sip:bad.example.com"])
def test_the_audit_changes_nothing_of_the_answer_and_can_be_left_out(rich: World, uri: str) -> None:
    audited = run(*rich.locate("--stateless", "--format", "json", uri=uri))
    plain = run(*rich.locate("--stateless", "--no-audit", "--format", "json", uri=uri))
    for name in ("targets", "complete", "outcome", "code", "sips", "exit"):
        assert audited.json[name] == plain.json[name]
    assert {step["code"] for step in audited.json["steps"]} & AUDIT
    assert not {step["code"] for step in plain.json["steps"]} & AUDIT
    assert "AUDIT" not in run(*rich.locate("--no-audit", uri=uri)).out


def test_every_finding_of_the_audit_is_known_as_one() -> None:
    source = Path(siptls.zone_lint.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r'"(locate\.[a-z-]+)"', source)) | {"locate.audited"} == AUDIT
    assert {*AUDIT, *WEIGHED} <= CATALOGUE.keys()


def test_every_label_is_as_narrow_as_its_column() -> None:
    for code in CATALOGUE.values():
        if code.severity in {"ok", "note"}:
            (line, *_) = step_lines(Step(0.0, "LOCATE", code.id, "", ""), Terminal(200))
            assert line[11] == " "
            assert line[12] != " "


def test_json_says_whether_tls_is_offered_and_how_long_the_answer_holds(rich: World) -> None:
    found = run(*rich.locate("--format", "json")).json
    assert found["sips"] is True
    assert 0 < found["expires_in"] <= 600
    found = run(*rich.locate("--format", "json", uri="sip:192.0.2.1")).json
    assert (found["sips"], found["expires_in"]) == (None, None)
    assert [set(target) for target in found["targets"]] == [
        {"transport", "host", "address", "port", "priority", "weight"}
    ]
    assert re.search(r"^  \d+ ms · holds for \d+ s · exit 0$", run(*rich.locate()).out, re.MULTILINE)
    assert re.search(r"^  \d+ ms · exit 0$", run(*rich.locate(uri="sip:192.0.2.1")).out, re.MULTILINE)


# Options.


@pytest.mark.req("R3263-4.4-1")
def test_a_stateless_proxy_goes_the_same_way_each_time(world: World) -> None:
    servers = "".join(f"_sips._tcp SRV 1 {n} 5061 s{n}\ns{n} A 192.0.2.{n}\n" for n in range(1, 10))
    world.zone(servers)
    seen = {tuple(target["host"] for target in found(run(*world.locate("--stateless")))) for _ in range(5)}
    assert seen == {tuple(f"s{n}.example.com" for n in range(9, 0, -1))}
    drawn = {tuple(target["host"] for target in found(run(*world.locate()))) for _ in range(20)}
    assert len(drawn) > 1


def found(ran: Run) -> list[dict[str, str]]:
    """The targets that a text shows."""
    pattern = r"^ +\d+  (\S+) +(\S+)  (\S+):(\d+)(?:  priority|$)"
    return [
        {"transport": transport, "host": host, "address": address, "port": port}
        for transport, host, address, port in re.findall(pattern, ran.out, re.MULTILINE)
    ]


@pytest.mark.req("R3261-18.1.1-2", "R3263-4.1-4")
@pytest.mark.parametrize(("octets", "transport"), [("1300", "UDP"), ("1301", "TCP")])
@pytest.mark.parametrize("uri", [PORT, f"{PORT};transport=udp"])
def test_a_large_request_does_not_go_over_udp(rich: World, octets: str, transport: str, uri: str) -> None:
    (target,) = found(run(*rich.locate("--request-size", octets, uri=uri)))
    assert (target["transport"], target["port"]) == (transport, "5080")


@pytest.mark.req("R3263-5-3", "R3263-5-4")
def test_a_via_shows_where_a_response_goes(rich: World) -> None:
    ran = run("locate", VIA, "--via", *rich.arguments, "--format", "json")
    assert ran.exit_code == 0
    assert (ran.json["uri"], ran.json["via"]) == ("sips:bare.example.com:5071;transport=tcp", VIA)
    assert [(t["transport"], t["address"], t["port"]) for t in ran.json["targets"]] == [("TLS", "192.0.2.20", 5071)]
    assert run("locate", "--via", VIA, *rich.arguments).first_line == f"✓ LOCATED  {VIA}  1 address"


@pytest.mark.req("R3263-5-5")
def test_a_via_without_a_port_is_looked_up_by_srv_over_its_transport_only(rich: World) -> None:
    ran = run("locate", "SIP/2.0/TCP example.com;branch=z9hG4bK1", "--via", *rich.arguments, "--format", "json")
    assert {target["transport"] for target in ran.json["targets"]} == {"TCP"}
    assert [step["found"].split()[0] for step in steps(ran, "locate.srv")] == ["_sip._tcp.example.com"]
    assert steps(ran, "locate.naptr") == []


BAD_VIAS = [
    ("SIP/2.0/TLS exa_mple.com", "_", "siptls: not a Via header field value: at column 16 expected a domain name"),
    ("SIP/2.0/TLS", "", "siptls: not a Via header field value: at column 12 expected a blank, and then the host"),
    (
        "SIP/2.0/FOO example.com",
        "F",
        "siptls: not a Via header field value: at column 9 expected one of the transports",
    ),
    (
        "SIP/2.0/TLS a.example, SIP/2.0/TLS b.example",
        ",",
        "siptls: not a Via header field value: at column 22 expected",
    ),
    ("sip:alice@example.com", ":", "siptls: not a Via header field value: at column 4 expected / after SIP"),
    ("SIP/2.0/TLS a.example;x=\x1b[31m", "\\", "siptls: not a Via header field value: at column 25 expected a value"),
]


@pytest.mark.parametrize(("via", "character", "message"), BAD_VIAS)
def test_a_caret_stands_under_the_character_at_fault_of_a_via(via: str, character: str, message: str) -> None:
    ran = run("locate", "--via", via)
    first, shown, caret, *_ = ran.err.splitlines()
    assert (ran.exit_code, ran.out) == (2, "")
    assert first.startswith(message)
    assert caret.strip() == "^"
    assert shown[len(caret) - 1 : len(caret)] == character
    as_json = run("locate", "--via", via, "--format", "json")
    assert (as_json.exit_code, as_json.error["code"], as_json.err) == (2, "via.invalid", "")
    assert as_json.error["position"] == int(re.findall(r"at column (\d+)", first)[0]) - 1


@pytest.mark.parametrize(
    "arguments", [("--via", f"Via: {VIA}"), ("--via", f"v:{VIA}"), (VIA,)], ids=["name", "compact", "no option"]
)
def test_a_via_that_is_given_in_another_way_is_told_what_to_type(arguments: Sequence[str]) -> None:
    ran = run("locate", *arguments)
    assert ran.exit_code == 2
    assert ran.err.splitlines()[-1] == f"  type: siptls locate --via '{VIA}'"
    assert "type:" not in run("locate", "--via", "Via: nonsense").err
    assert "--via" not in run("check", VIA).err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--via", VIA, "--transport", "tls"),
        ("--via", VIA, "--request-size", "2000"),
        (URI, "--request-size", "0"),
        (URI, "--request-size", "many"),
        (URI, "--stateless", "--require", "dane"),
    ],
)
def test_options_that_make_no_sense_are_refused(arguments: Sequence[str]) -> None:
    text, as_json = run("locate", *arguments), run("locate", *arguments, "--format", "json")
    assert (text.exit_code, text.out, as_json.exit_code, as_json.err) == (2, "", 2, "")
    assert as_json.error["code"] == "usage.error"
    assert text.err.startswith(f"siptls: {as_json.error['message']}\n")


def test_only_locate_takes_its_options() -> None:
    for option in ("--via", "--stateless"):
        assert run("check", URI, option).exit_code == 2


# Zone files and name servers.


def serving(zones: Mapping[str, str], *, ad: bool, failing: str = "") -> Script:
    """An authoritative answer out of master files by dnspython alone, aliases from zone to zone included.

    A name in no zone is refused, and at and below the name that is ``failing`` everything fails.
    """
    read = {
        dns.name.from_text(name): dns.zone.from_text(text, name, relativize=False, check_origin=False)
        for name, text in zones.items()
    }

    def script(query: dns.message.Message, _tcp: bool) -> dns.message.Message:
        reply = dns.message.make_response(query, recursion_available=True)
        reply.flags |= dns.flags.AD if ad else 0
        (question,) = query.question
        name, wanted = question.name, question.rdtype
        if failing and name.is_subdomain(dns.name.from_text(failing)):
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply
        if not any(name.is_subdomain(zone) for zone in read):
            reply.set_rcode(dns.rcode.REFUSED)
            return reply
        while True:
            zone = read[max((z for z in read if name.is_subdomain(z)), key=lambda z: len(z.labels))]
            node: dns.node.Node | None = zone.get_node(name)
            alias = zone.get_rrset(name, dns.rdatatype.CNAME)
            if (rrset := zone.get_rrset(name, wanted)) is not None:
                reply.answer.append(rrset)
                return reply
            if alias is None:
                below = any(owner.is_subdomain(name) for owner in zone)  # an empty non-terminal
                reply.set_rcode(dns.rcode.NOERROR if node is not None or below else dns.rcode.NXDOMAIN)
                soa = zone.get_rrset(zone.origin or dns.name.root, dns.rdatatype.SOA)
                assert soa is not None
                reply.authority.append(soa)
                return reply
            reply.answer.append(alias)
            name = dns.name.from_text(alias.to_text().split()[-1])

    return script


def comparable(ran: Run) -> dict[str, Any]:
    """What was found and why, without times, sources, and the order in which answers happened to come."""
    kept = ("hop", "code", "severity", "finding", "expected", "found", "rule", "security")
    told = [[step[name] for name in kept] for step in ran.json["steps"] if not step["code"].startswith("resolver.")]
    answer = {name: ran.json[name] for name in ("uri", "targets", "complete", "outcome", "code", "sips", "exit")}
    return {**answer, "steps": sorted(told)}


@pytest.mark.parametrize("secure", [False, True], ids=["insecure", "secure"])
@pytest.mark.parametrize(
    "asked",
    [
        (URI,),
        ("sips:example.com",),
        (f"{URI};transport=tcp",),
        (f"{URI};transport=udp",),
        (f"{URI};transport=sctp", "--transport", "sctp"),
        (PORT,),
        ("sip:192.0.2.1",),
        ("sip:bare.example.com",),
        ("sip:sip2.example.com",),
        ("sip:bad.example.com",),
        ("sip:nowhere.example.com",),
        (URI, "-4", "--no-audit"),
        (URI, "--transport", "udp", "--transport", "tcp"),
        (PORT, "--request-size", "9999"),
        (VIA, "--via"),
    ],
    ids=" ".join,
)
def test_zone_files_give_the_same_answer_as_the_network(rich: World, asked: Sequence[str], secure: bool) -> None:
    zones = {"example.com": RICH, "example.net": NET}
    more = ("--dnssec", "secure") if secure else ()
    offline = run("locate", *asked, "--stateless", *rich.arguments, *more, "--format", "json")
    with NameServer(serving(zones, ad=secure)) as server:
        trust = ("--resolver", server.address, *(["--trust-ad"] if secure else []))
        online = run("locate", *asked, "--stateless", *trust, "--format", "json")
    assert comparable(online) == comparable(offline)
    assert offline.json["steps"] != []


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("sip:anybody@nowhere.test", "locate.refused"),
        (URI, "locate.servfail"),
        (f"{URI};transport=udp", "locate.no-service.unproven"),
    ],
)
def test_zone_files_fail_as_the_network_does(rich: World, uri: str, code: str) -> None:
    failing = "_sips._tcp.example.com"
    offline = run("locate", uri, *rich.arguments, "--dnssec", f"{failing}=failed", "--format", "json")
    with NameServer(serving({"example.com": RICH, "example.net": NET}, ad=False, failing=failing)) as server:
        online = run("locate", uri, "--resolver", server.address, "--format", "json")
    told: list[list[tuple[str, str, str]]] = []
    for ran in (offline, online):
        assert (ran.json["code"], ran.json["targets"]) == (code, [])
        steps = [step for step in ran.json["steps"] if not step["code"].startswith("resolver.")]
        told.append(sorted((step["code"], step["rule"], step["security"]) for step in steps))
    assert told[0] == told[1]
