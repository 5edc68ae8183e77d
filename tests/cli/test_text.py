"""Text for people: what it says, that it fits the terminal, and that nothing from the network can act on a terminal.

After a change that is meant, write the golden texts anew (``PYTHONPATH=tests python -m cli.test_text``) and read what
differs.
"""

import contextlib
import io
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from cli.console import GLYPHS, Run, run, run_process
from cli.offline import HOST, URI, ZONE, World, accepted, leaf, root, tlsa
from forged import SUBJECT_ALT_NAME, der, sequence
from siptls.codes import CATALOGUE
from siptls.journal import Step, printable
from siptls_cli.steps import rule_lines, shortened, step_lines
from siptls_cli.terminal import Terminal

GOLDEN = Path(__file__).parent / "golden"
OWN = ("via.", "usage.", "input.", "output.", "internal.", "run.")
PARTS = ("expected", "found", "why", "fix", "see")
SGR = re.compile(r"\x1b\[[0-9;]*m")

SIGNED = ("--zone", "example.com=signed.zone", "--zone", "example.net=backup.zone", "--dnssec", "secure")
PLAIN = ("--zone", "example.com=plain.zone")
TENANT, TENANTS = "sip:bob@example.org", ("--zone", "example.org=tenant.zone")
JUDGED = ("--ca-file", "roots.pem", "--now", "2026-11-22T12:00:00Z")


def comparable(text: str) -> str:
    """Text without its durations."""
    return re.sub(r" *\b\d+ ms\b", " N ms", text)


WORLDS = (
    ("verified", ("check", URI, *SIGNED, *JUDGED, "--chain", "domain.pem")),
    ("rejected", ("check", URI, *SIGNED, *JUDGED, "--chain", f"{HOST}:5061=host.pem")),
    ("host-only", ("check", URI, "--zone", "example.com=plain.zone", *JUDGED, "--chain", "host.pem")),
    ("undetermined", ("check", URI, *SIGNED, *JUDGED, "--dnssec", "_sips._tcp.example.com=failed", "--ascii")),
    ("no-service", ("check", URI, "--zone", "example.com=empty.zone", "--dnssec", "secure")),
    ("located", ("locate", URI, *SIGNED)),
    ("reusable", ("reuse", URI, TENANT, *SIGNED, *TENANTS, *JUDGED, "--chain", "domain.pem")),
    ("not-reusable", ("reuse", URI, TENANT, *PLAIN, *TENANTS, *JUDGED, "--chain", "domain.pem")),
    ("reuse-json", ("reuse", URI, TENANT, *SIGNED, *TENANTS, *JUDGED, "--chain", "domain.pem", "--format", "json")),
    ("json", ("check", URI, *SIGNED, *JUDGED, "--chain", "domain.pem", "--format", "json")),
)


def golden(arguments: Sequence[str]) -> str:
    """What is printed in a world whose files do not change."""
    with contextlib.chdir(GOLDEN):
        ran = run(*arguments)
    assert ran.err == ""
    return re.sub(r'("(seconds|duration_ms|expires_in)":) [0-9.e-]+', r"\1 0", comparable(ran.out))


@pytest.mark.parametrize(("name", "arguments"), WORLDS)
def test_the_text_is_the_golden_one(name: str, arguments: Sequence[str]) -> None:
    assert golden(arguments) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


# What a failure says.


def test_every_failure_of_a_verdict_has_its_five_parts(world: World) -> None:
    world.zone(ZONE + tlsa(leaf())).dnssec("secure").chain(leaf(domain=False)).trust(root())
    lines = run(*world.check()).out.splitlines()
    failures = [number for number, line in enumerate(lines) if re.match(r" +✗ [a-z.-]+ — ", line)]
    assert failures
    for number in failures:
        names = [match[1] for line in lines[number + 1 :] if (match := re.match(r" {5}(\w+) +\S", line))]
        assert tuple(names[:5]) == PARTS


# The command line's own codes are never steps of a verdict.
FAILURES = [c.id for c in CATALOGUE.values() if c.severity == "error" and not c.id.startswith(OWN)]


@pytest.mark.parametrize("code", FAILURES)
def test_every_failure_of_the_catalogue_has_its_five_parts(code: str) -> None:
    lines = step_lines(Step(0.0, HOST, code, "", ""), Terminal())
    assert lines[0].startswith(f"   ✗ {code} — ")
    names = [line.split()[0] for line in lines[1:] if re.match(r" {5}\w", line)]
    assert tuple(names) == PARTS


def test_a_failed_lookup_is_told_once_with_what_the_resolver_said(world: World) -> None:
    world.zone(ZONE).dnssec("failed")
    out = run(*world.check()).out
    assert "✗ locate.servfail — a name server failed to answer" in out
    assert "found     example.com NAPTR: SERVFAIL: example.com fails in this world" in out


def test_unusable_records_are_the_evidence_that_they_are(world: World) -> None:
    world.zone(ZONE + "_5061._tcp.sip1 TLSA 3 1 9 00\n").dnssec("secure").chain(leaf()).trust(root())
    out = run(*world.check("--strict-dane")).out
    assert "found     _5061._tcp.sip1.example.com TLSA: 3 1 9 00 (secure)" in out


def test_long_digests_are_shortened_in_text_but_not_in_json(tmp_path: Path) -> None:
    digest = tlsa(leaf()).split()[-1]
    text, as_json = run(*accepted(tmp_path).check()).out, run(*accepted(tmp_path).check("--format", "json")).out
    assert digest in as_json
    assert digest not in text
    assert f"{digest[:8]}…{digest[-8:]}" in text


def test_a_text_that_is_no_digest_stays() -> None:
    assert shortened("deadbeef cafe 0123456789abcdef") == "deadbeef cafe 0123456789abcdef"
    assert shortened("3 1 1 " + "ab" * 64 + " x") == "3 1 1 abababab…abababab x"
    host = "0123456789abcdef" * 2 + ".example.com"  # two names must not look like one
    assert shortened(f"{host}: _{host}") == f"{host}: _{host}"


# Hostile data.

ESCAPES = (b"\x1b[31mRED\x1b[0m", b"\x1b]0;title\x07", b"\x9b31m", b"\r\n\x1b[2J", b"[red]bold[/red]", b"\xe2\x80\xae")


def master_file(octets: bytes) -> str:
    """Octets as a quoted string of a master file (RFC 1035 section 5.1)."""
    return "".join(f"\\{octet:03d}" for octet in octets)


def harmless(ran: Run) -> bool:
    """Whether everything printed is printable ASCII, our own glyphs and newlines."""
    return all(c == "\n" or c in GLYPHS or (c.isascii() and c.isprintable()) for c in ran.out + ran.err)


@pytest.mark.parametrize("octets", ESCAPES)
@pytest.mark.parametrize("shown", [(), ("--ascii",), ("--format", "json")])
def test_hostile_records_act_on_no_terminal(world: World, octets: bytes, shown: Sequence[str]) -> None:
    hostile = master_file(octets)
    world.zone(
        f'@ NAPTR 10 50 "s" "{hostile}" "" _sips._tcp\n@ NAPTR 20 50 "s" "SIPS+D2T" "{hostile}" {hostile}\n'
        f"_sips._tcp SRV 10 0 5061 {hostile}.example.com.\n{hostile} A 192.0.2.1\n"
        f"_sips._tcp SRV 20 0 5061 sip1\nsip1 A 192.0.2.10\n"
    )
    world.dnssec("secure").chain(leaf(domain=False)).trust(root())
    for ran in (run(*world.check(*shown)), run(*world.locate(*shown))):
        assert harmless(ran)
        assert ran.exit_code in (0, 1, 3)


@pytest.mark.parametrize("octets", ESCAPES)
@pytest.mark.parametrize("shown", [(), ("--ascii",), ("--format", "json")])
def test_hostile_certificates_act_on_no_terminal(world: World, octets: bytes, shown: Sequence[str]) -> None:
    # What no certificate builder would put there.
    names = sequence(der(0x82, octets), der(0x86, b"sip:" + octets), der(0x81, octets), der(0x82, b"other.example"))
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(SUBJECT_ALT_NAME), names)
    issued = root().leaf(extensions=[(extension, False)], cn=octets.decode("utf-8", "replace"))
    world.zone(ZONE).dnssec("secure").chain(issued).trust(root())
    ran = run(*world.check(*shown))
    assert ran.exit_code == 1
    assert harmless(ran)
    assert "other.example" in ran.out


def test_markup_is_shown_as_it_is(world: World) -> None:
    world.zone(ZONE.replace("SIPS+D2T", "[red]x[/red]"))
    assert '"[red]x[/red]"' in run(*world.check()).out


@pytest.mark.parametrize("octets", ESCAPES)
def test_hostile_arguments_act_on_no_terminal(octets: bytes) -> None:
    text = octets.decode("latin-1")
    for arguments in (
        ("check", text),
        ("check", f"sip:{text}@example.com"),
        (text,),
        ("check", URI, "--zone", f"{text}=x"),
        ("check", URI, "--zone", f"example.com={text}"),
        ("check", URI, "--require", text),
        ("check", URI, f"--{text}"),
        ("check", URI, "--resolver", text),
        ("check", URI, "--now", text),
    ):
        for shown in ((), ("--format", "json")):
            ran = run(*arguments, *shown)
            assert ran.exit_code == 2
            assert harmless(ran)


@given(st.sampled_from(sorted(CATALOGUE)), st.text(), st.text(), st.integers(40, 120), st.booleans())
def test_no_step_is_wider_than_the_terminal(code: str, expected: str, found: str, width: int, words: bool) -> None:
    terminal = Terminal(width, ascii_only=words)
    step = Step(0.0, HOST, code, printable(expected), printable(found), rule=printable(expected) or "a rule")
    lines = [*step_lines(step, terminal), *rule_lines(step, terminal)]
    assert all(len(line) <= width for line in lines)
    assert all(line.isprintable() for line in lines)
    assert not words or all(line.isascii() for line in lines)


@pytest.mark.parametrize("columns", ["20", "40", "57", "80", "200"])
def test_a_report_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, world: World, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    zone = ZONE.replace("5061 sip1", "5061 " + "a" * 60 + "." + "b" * 60) + f"{'a' * 60}.{'b' * 60} A 192.0.2.1\n"
    world.zone(zone).dnssec("secure").chain(leaf()).trust(root())
    for ran in (run(*world.check()), run(*world.locate())):
        assert max(len(line) for line in ran.out.splitlines()) <= max(40, int(columns))


# Colours and characters.


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "tty", "flag", "coloured"),
    [
        ({}, True, False, True),
        ({}, False, False, False),
        ({}, True, True, False),
        ({"NO_COLOR": "1"}, True, False, False),
        ({"NO_COLOR": ""}, True, False, True),
        ({"TERM": "dumb"}, True, False, False),
        ({"FORCE_COLOR": "1"}, False, False, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False, False),
        ({"FORCE_COLOR": "1"}, True, True, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], tty: bool, flag: bool, coloured: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = Screen() if tty else io.StringIO()
    assert Terminal.of(stream, no_color=flag).colour is coloured


def test_colour_says_nothing_that_the_text_does_not_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for arguments in (accepted(tmp_path).check(), accepted(tmp_path).locate()):
        monkeypatch.delenv("FORCE_COLOR", raising=False)
        plain = run(*arguments)
        monkeypatch.setenv("FORCE_COLOR", "1")
        coloured = run(*arguments)
        assert SGR.search(coloured.out)
        assert comparable(SGR.sub("", coloured.out)) == comparable(plain.out)
    assert run(*accepted(tmp_path).check("--no-color")).out.count("\x1b") == 0
    assert run(*accepted(tmp_path).check("--format", "json")).out.count("\x1b") == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_where_glyphs_cannot_be_shown_there_are_words(tmp_path: Path, encoding: str) -> None:
    ran = run(*accepted(tmp_path).check(), encoding=encoding)
    assert ran.first_line == f"OK   VERIFIED  {URI}  by DANE-EE at {HOST}"
    assert ran.out.isascii()
    assert comparable(run(*accepted(tmp_path).check("--ascii")).out) == comparable(ran.out)


def test_a_process_with_a_pipe_prints_80_columns_without_colour(tmp_path: Path) -> None:
    ran = run_process(*accepted(tmp_path).check(), TERM="xterm-256color")
    assert ran.first_line == f"✓ VERIFIED  {URI}  by DANE-EE at {HOST}"
    assert "\x1b" not in ran.out
    assert max(len(line) for line in ran.out.splitlines()) <= 80


if __name__ == "__main__":
    for world_name, its_arguments in WORLDS:
        (GOLDEN / f"{world_name}.txt").write_text(golden(its_arguments), encoding="utf-8")
