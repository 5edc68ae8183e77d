from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from siptls.dns import Denial, Lookup, Security, Tlsa
from siptls.dns.question import RRType
from siptls.errors import InvalidName
from siptls.events import Answered, Failure, LookupFailed
from siptls_io.errors import InvalidStatus, InvalidZone
from siptls_io.zone_files import Status, ZoneFiles

SECURE, INSECURE, BOGUS = Security.SECURE, Security.INSECURE, Security.BOGUS

EXAMPLE_COM = """
$TTL 600
@            SOA   ns hostmaster 1 7200 3600 1209600 60
@            NS    ns
@            NAPTR 10 5 "s" "SIPS+D2T" "" _sips._tcp
@            NAPTR 20 5 "s" "SIP+D2T" "" _sip._tcp.z.net.
_sips._tcp   300 IN SRV 10 60 5061 sip1
             IN 200 SRV 20  0 5061 Backup.Example.NET.
sip1         A     192.0.2.1
             A     192.0.2.2
             AAAA  2001:db8::1
_5061._tcp.sip1 TLSA 3 1 1 ( 8d02536c887482bc34ff54e41d2ba659
                             bf85b341a0a20afadb5813dcfbcf286d ) ; parentheses and a comment
_5062._tcp.sip1 30 IN TLSA 3 1 1 8d02
_5063._tcp.sip1 IN 30 TLSA 3 1 1 8d
alias        CNAME sip1
outside      CNAME www.example.net.
nowhere      CNAME www.example.org.
loop         CNAME loop.loop
loop.loop    CNAME loop
dname        DNAME example.net.
self.dname2  TXT   "beside"
dname2       DNAME sub.dname2
*.wild       A     192.0.2.9
*.wild       TXT   "w"
a.b.wild     A     192.0.2.8
*.cwild      CNAME sip1
a*.star      A     192.0.2.7
_sips._tcp.*.star SRV 1 1 1 sip1
*.dwild      DNAME example.net.
cut          NS    ns.cut
ns.cut       A     192.0.2.53
tlsa         A     192.0.2.60
"""
EXAMPLE_NET = """
@            SOA   ns hostmaster 1 7200 3600 1209600 30
www          A     198.51.100.1
a.b          A     198.51.100.2
"""
NESTED = "host A 203.0.113.1\n"
ZONES = {"example.com": EXAMPLE_COM, "example.net.": EXAMPLE_NET, "Nested.Example.COM": NESTED}


def ask(world: ZoneFiles, name: str, rrtype: RRType) -> str:
    """Write an answer as one line: aliases, records or denial, status, TTL; or why there is none."""
    event = world.answer(Lookup(name, rrtype))
    if isinstance(event, LookupFailed):
        return event.reason.name
    answer = event.answer
    assert answer.question == Lookup(name, rrtype)
    way = "".join(f"{step.owner}>{step.target} {step.security.name}; " for step in answer.aliases)
    found = ", ".join(str(record) for record in answer.records) or (answer.denial.name if answer.denial else "?")
    owners = {record.owner for record in answer.records} or {answer.owner}
    assert owners == {answer.owner}
    return f"{way}{answer.owner}: {found}, {answer.security.name} {answer.ttl:g}"


TABLE: list[tuple[str, RRType, str]] = [
    (
        "example.com",
        "NAPTR",
        'example.com: 10 5 "s" "SIPS+D2T" "" _sips._tcp.example.com, 20 5 "s" "SIP+D2T" "" _sip._tcp.z.net, SECURE 600',
    ),
    (
        "_sips._tcp.example.com",
        "SRV",
        "_sips._tcp.example.com: 10 60 5061 sip1.example.com, 20 0 5061 backup.example.net, SECURE 200",
    ),
    ("sip1.example.com", "A", "sip1.example.com: 192.0.2.1, 192.0.2.2, SECURE 600"),
    ("sip1.example.com", "AAAA", "sip1.example.com: 2001:db8::1, SECURE 600"),
    ("SIP1.example.COM", "AAAA", "sip1.example.com: 2001:db8::1, SECURE 600"),
    # Aliases, each step with its own status.
    (
        "alias.example.com",
        "A",
        "alias.example.com>sip1.example.com SECURE; sip1.example.com: 192.0.2.1, 192.0.2.2, SECURE 600",
    ),
    ("alias.example.com", "CNAME", "alias.example.com: sip1.example.com, SECURE 600"),
    ("alias.example.com", "SRV", "alias.example.com>sip1.example.com SECURE; sip1.example.com: NODATA, SECURE 60"),
    (
        "outside.example.com",
        "A",
        "outside.example.com>www.example.net SECURE; www.example.net: 198.51.100.1, INSECURE 600",
    ),
    ("nowhere.example.com", "A", "REFUSED"),
    ("loop.example.com", "A", "LOOP"),
    # DNAME: names below the owner only.
    (
        "www.dname.example.com",
        "A",
        "www.dname.example.com>www.example.net SECURE; www.example.net: 198.51.100.1, INSECURE 600",
    ),
    (
        "a.b.dname.example.com",
        "A",
        "a.b.dname.example.com>a.b.example.net SECURE; a.b.example.net: 198.51.100.2, INSECURE 600",
    ),
    ("www.dname.example.com", "CNAME", "www.dname.example.com: www.example.net, SECURE 600"),
    ("dname.example.com", "A", "dname.example.com: NODATA, SECURE 60"),
    ("x.dname2.example.com", "A", "LIMIT"),
    (f"{'.'.join(['a' * 60] * 3)}.{'b' * 40}.dname2.example.com", "A", "MALFORMED"),
    # Wildcards and empty non-terminals.
    ("x.wild.example.com", "A", "x.wild.example.com: 192.0.2.9, SECURE 600"),
    ("x.y.wild.example.com", "A", "x.y.wild.example.com: 192.0.2.9, SECURE 600"),
    ("x.wild.example.com", "SRV", "x.wild.example.com: NODATA, SECURE 60"),
    ("*.wild.example.com", "A", "*.wild.example.com: 192.0.2.9, SECURE 600"),
    ("wild.example.com", "A", "wild.example.com: NODATA, SECURE 60"),
    ("b.wild.example.com", "A", "b.wild.example.com: NODATA, SECURE 60"),
    ("x.b.wild.example.com", "A", "x.b.wild.example.com: NXDOMAIN, SECURE 60"),
    ("x.a.b.wild.example.com", "A", "x.a.b.wild.example.com: NXDOMAIN, SECURE 60"),
    (
        "x.cwild.example.com",
        "A",
        "x.cwild.example.com>sip1.example.com SECURE; sip1.example.com: 192.0.2.1, 192.0.2.2, SECURE 600",
    ),
    ("ab.star.example.com", "A", "ab.star.example.com: NXDOMAIN, SECURE 60"),
    ("_sips._tcp.x.star.example.com", "SRV", "_sips._tcp.x.star.example.com: NXDOMAIN, SECURE 60"),
    ("x.dwild.example.com", "A", "MALFORMED"),
    ("_tcp.sip1.example.com", "TLSA", "_tcp.sip1.example.com: NODATA, SECURE 60"),
    ("_9._tcp.sip1.example.com", "TLSA", "_9._tcp.sip1.example.com: NXDOMAIN, SECURE 60"),
    # Zone cuts, nested zones, and no zone at all.
    ("cut.example.com", "A", "REFUSED"),
    ("ns.cut.example.com", "A", "REFUSED"),
    ("host.nested.example.com", "A", "host.nested.example.com: 203.0.113.1, SECURE 3600"),
    ("nope.nested.example.com", "A", "nope.nested.example.com: NXDOMAIN, SECURE 0"),
    ("example.org", "A", "REFUSED"),
    ("com", "A", "REFUSED"),
    # Names that are none.
    ("a..b", "A", "MALFORMED"),
    (f"{'a' * 64}.example.com", "A", "MALFORMED"),
    ("bücher.example.com", "A", "MALFORMED"),
]


@pytest.mark.req(
    "R2308-2-1",
    "R2308-5-1",
    "R4592-2.1.1-1",
    "R4592-2.2.2-1",
    "R4592-3.3.1-1",
    "R4592-4.3-1",
    "R4592-4.5-1",
    "R6672-2.2-1",
    "R6672-2.2-2",
    "R6672-3.3-1",
    "R6698-A.2-1",
)
@pytest.mark.parametrize(("name", "rrtype", "expected"), TABLE, ids=[f"{n[:40]} {t}" for n, t, _ in TABLE])
def test_zones_answer_as_an_authoritative_server_and_a_resolver_do(name: str, rrtype: RRType, expected: str) -> None:
    world = ZoneFiles(ZONES, {"example.com": "secure"})
    assert ask(world, name, rrtype) == expected
    event = asyncio.run(world.answer_async(Lookup(name, rrtype)))
    assert repr(event) == repr(world.answer(Lookup(name, rrtype)))


@pytest.mark.parametrize(
    ("statuses", "default", "name", "expected"),
    [
        ({}, INSECURE, "sip1.example.com", "INSECURE"),
        ({}, "secure", "sip1.example.com", "SECURE"),
        ({"example.com": "bogus"}, "secure", "sip1.example.com", "BOGUS"),
        ({"example.com": "failed"}, "secure", "sip1.example.com", "SERVFAIL"),
        ({"example.com": "bogus", "sip1.example.com": SECURE}, INSECURE, "sip1.example.com", "SECURE"),
        ({"sip1.example.com": "bogus"}, "secure", "xsip1.example.com", "SECURE"),
        # A status can be given to a name that no zone holds.
        ({"example.org": "failed"}, "secure", "www.example.org", "SERVFAIL"),
        ({"EXAMPLE.org.": "bogus"}, "secure", "example.org", "BOGUS"),
        ({".": "bogus"}, "secure", "sip1.example.com", "BOGUS"),
        # Any step on the way decides, the owner of a DNAME too.
        ({"example.net": "bogus"}, "secure", "outside.example.com", "BOGUS"),
        ({"example.net": "failed"}, "secure", "outside.example.com", "SERVFAIL"),
        ({"dname.example.com": "insecure"}, "secure", "www.dname.example.com", "INSECURE"),
        ({"dname.example.com": "bogus", "www.dname.example.com": SECURE}, SECURE, "www.dname.example.com", "BOGUS"),
        (
            {"dname.example.com": "insecure", "www.dname.example.com": SECURE},
            SECURE,
            "www.dname.example.com",
            "INSECURE",
        ),
    ],
)
@pytest.mark.req("R4035-4.3-1", "R6672-5.3.3-1")
def test_the_longest_name_with_a_status_decides_and_the_weakest_step_of_a_way(
    statuses: dict[str, Status], default: Status, name: str, expected: str
) -> None:
    event = ZoneFiles(ZONES, statuses, default).answer(Lookup(name, "A"))
    if isinstance(event, LookupFailed):
        assert event.reason.name == expected
    else:
        assert event.answer.security.name == expected


def test_a_tlsa_record_with_a_digest_of_a_wrong_length_is_handed_on() -> None:
    world = ZoneFiles(ZONES)
    for port, data in (("5061", "8d02536c887482bc34ff54e41d2ba659bf85b341a0a20afadb5813dcfbcf286d"), ("5062", "8d02")):
        event = world.answer(Lookup(f"_{port}._tcp.sip1.example.com", "TLSA"))
        assert isinstance(event, Answered)
        (record,) = event.answer.records
        assert isinstance(record, Tlsa)
        assert (record.usage, record.selector, record.matching, record.data.hex()) == (3, 1, 1, data)
    assert ask(world, "_5063._tcp.sip1.example.com", "TLSA").endswith("3 1 1 8d, INSECURE 30")


TLSA_WRITTEN = r"""
a IN 60 tlsa 3 1 1 aa
b 1h IN TLSA 3 1 1 aa
c.x	TLSA	3 1 1 aa bb
 TLSA 2 0 0 3000
d TYPE52 \# 4 030101aa
TLSA A 192.0.2.1
e TXT "TLSA 3 1 1"
f CNAME TLSA
g (TLSA 3 1 1 aa)
h ( IN 60
  TLSA
  3 1 1 aa )
"""


def test_tlsa_records_may_be_written_in_every_way_that_master_files_know() -> None:
    world = ZoneFiles({"x": TLSA_WRITTEN})
    assert ask(world, "a.x", "TLSA") == "a.x: 3 1 1 aa, INSECURE 60"
    assert ask(world, "b.x", "TLSA") == "b.x: 3 1 1 aa, INSECURE 3600"
    assert ask(world, "c.x.x", "TLSA") == "c.x.x: 3 1 1 aabb, 2 0 0 3000, INSECURE 3600"
    assert ask(world, "d.x", "TLSA") == "d.x: 3 1 1 aa, INSECURE 3600"
    assert ask(world, "f.x", "A") == "f.x>tlsa.x INSECURE; tlsa.x: 192.0.2.1, INSECURE 3600"
    assert ask(world, "g.x", "TLSA") == "g.x: 3 1 1 aa, INSECURE 3600"
    assert ask(world, "h.x", "TLSA") == "h.x: 3 1 1 aa, INSECURE 60"


def test_a_file_is_read_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "zone.txt"
    file.write_bytes(EXAMPLE_NET.replace("\n", "\r\n").encode())
    world = ZoneFiles({"example.net": file})
    assert ask(world, "www.example.net", "A") == "www.example.net: 198.51.100.1, INSECURE 600".replace("600", "3600")
    assert ask(ZoneFiles({"example.net": EXAMPLE_NET.replace("\n", "\r\n")}), "www.example.net", "A").startswith("www")


@pytest.mark.req("R2181-10.1-1")
@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a A 192.0.2.1\nb FOO bar\n", 2, "unknown rdatatype 'FOO'"),
        ("\n; comment\na A 192.0.2\n", 3, "a A 192.0.2"),
        ("a A 192.0.2.1\n( \n", 2, "unbalanced parentheses"),
        ("a CNAME b\na A 192.0.2.1\n", 2, "not compatible with a CNAME"),
        ("a A 192.0.2.1\na CNAME b\n", 2, "not compatible with"),
        ("a CNAME b\nx A 192.0.2.1\na CNAME c\n", 3, "a second CNAME record at a.example.com"),
        ("a DNAME b\na DNAME c\n", 2, "a second DNAME record at a.example.com"),
        ("$INCLUDE /etc/passwd\n", 1, "'$INCLUDE' is not allowed"),
        ("$GENERATE 1-100000000 a$ A 192.0.2.1\n", 1, "'$GENERATE' is not allowed"),
        ("$TTL never\n", 1, "TTL"),
        ("a SRV 1 1 70000 b\n", 1, "a SRV 1 1 70000 b"),
        ("a TLSA 3 1 1 xyz\n", 1, "a TLSA 3 1 1 xyz"),
        ("a TLSA 3 1 (\n1\nxyz )\n", 1, "a TLSA 3 1 ("),
        (f"{'a' * 64} A 192.0.2.1\n", 1, "63 octets"),
        ("xn--\u00fc A 192.0.2.1\n", 1, "IDNA"),
    ],
)
def test_what_is_no_zone_is_refused_with_its_line(text: str, line: int, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "zone.txt"
    file.write_text(text, encoding="utf-8")
    for source, name in ((text, "zone example.com"), (file, str(file))):
        with pytest.raises(InvalidZone) as raised:
            ZoneFiles({"example.com": source})
        assert raised.value.line == line
        assert raised.value.file == name
        assert problem in raised.value.problem
        assert str(raised.value).startswith(f"{name}:{line}: ")


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidZone, match="No such file") as raised:
        ZoneFiles({"example.com": tmp_path / "missing"})
    assert raised.value.line is None
    with pytest.raises(InvalidZone, match="Is a directory"):
        ZoneFiles({"example.com": tmp_path})
    (tmp_path / "latin").write_bytes(b"a A 192.0.2.1\nb TXT \xfc\n")
    with pytest.raises(InvalidZone, match="not UTF-8") as raised:
        ZoneFiles({"example.com": tmp_path / "latin"})
    assert raised.value.line == 2


def test_names_and_statuses_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidName):
        ZoneFiles({"a..b": ""})
    with pytest.raises(InvalidName):
        ZoneFiles({}, {"a..b": "secure"})
    with pytest.raises(InvalidStatus, match="'signed'"):
        ZoneFiles({}, {"example.com": cast("Status", "signed")})
    with pytest.raises(InvalidStatus):
        ZoneFiles({}, default=cast("Status", ""))


def test_internationalised_names_in_zones_become_a_labels() -> None:
    world = ZoneFiles({"bücher.example": "größe A 192.0.2.1\n"})
    assert ask(world, "xn--gre-6ka8i.xn--bcher-kva.example", "A").endswith(": 192.0.2.1, INSECURE 3600")


def test_a_denial_says_of_which_kind_it_is() -> None:
    event = ZoneFiles(ZONES).answer(Lookup("nope.example.com", "A"))
    assert isinstance(event, Answered)
    assert event.answer.denial is Denial.NXDOMAIN
    assert event.answer.records == ()
    assert event.answer.source.note is None
    failed = ZoneFiles(ZONES).answer(Lookup("example.org", "A"))
    assert isinstance(failed, LookupFailed)
    assert failed.reason is Failure.REFUSED
    assert "example.org" in failed.detail
