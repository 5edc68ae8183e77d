"""Each kind of outcome has its exit code, and nothing but an acceptance exits with 0."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.console import environment, run
from cli.offline import HOST, URI, ZONE, World, accepted, leaf, root, tlsa
from siptls import LocalProtocolError, Outcome
from siptls_cli import report, verbs
from siptls_cli.explain import EXIT_CODES

EXITS = {"ACCEPTED": 0, "REJECTED": 1, "UNDETERMINED": 3, "NO_SERVICE": 4, "INSUFFICIENT": 5}
WORDS = {"VERIFIED": 0, "REJECTED": 1, "UNDETERMINED": 3, "NO SERVICE": 4, "INSUFFICIENT": 5}
EMPTY = "@ SOA ns1 hostmaster 1 7200 3600 1209600 3600\n"


@pytest.mark.req("D-SEC-1", "R7673-4.2-1")
def test_a_server_with_the_published_key_is_accepted_with_0(tmp_path: Path) -> None:
    ran = run(*accepted(tmp_path).check("--format", "json"))
    assert (ran.exit_code, ran.verdict) == (0, ("ACCEPTED", "dane-ee", "dane.match"))
    assert ran.json["exit"] == 0
    assert ran.json["uri"] == URI
    assert isinstance(ran.json["duration_ms"], int)


def test_a_server_with_another_key_than_the_published_one_is_rejected_with_1(world: World) -> None:
    world.zone(ZONE + tlsa(leaf(domain=False))).dnssec("secure").chain(leaf()).trust(root())
    ran = run(*world.check("--format", "json"))
    assert (ran.exit_code, ran.verdict) == (1, ("REJECTED", "none", "dane.no-match"))


@pytest.mark.req("R5922-7.3-1")
def test_a_certificate_for_the_srv_target_alone_is_rejected_with_1(world: World) -> None:
    world.zone(ZONE).chain(leaf(domain=False)).trust(root())
    ran = run(*world.check("--format", "json"))
    assert (ran.exit_code, ran.verdict) == (1, ("REJECTED", "none", "id.srv-target-only"))


@pytest.mark.req("R7673-3.1-2", "D-SEC-6")
def test_a_bogus_zone_leaves_the_verdict_open_with_3(world: World) -> None:
    world.zone(ZONE + tlsa(leaf())).dnssec("bogus").chain(leaf()).trust(root())
    ran = run(*world.check("--format", "json"))
    assert (ran.exit_code, ran.verdict) == (3, ("UNDETERMINED", "none", "dnssec.bogus"))


def test_a_domain_without_servers_exits_with_4(world: World) -> None:
    world.zone(EMPTY).dnssec("secure")
    ran = run(*world.check("--format", "json"))
    assert (ran.exit_code, ran.verdict) == (4, ("NO_SERVICE", "none", "locate.no-service"))


def test_a_server_verified_by_less_than_is_required_exits_with_5(world: World) -> None:
    world.zone(ZONE).chain(leaf()).trust(root())
    ran = run(*world.check("--format", "json", "--require", "dane"))
    assert (ran.exit_code, ran.verdict) == (5, ("INSUFFICIENT", "pkix", "policy.too-weak"))


def test_locate_exits_with_0_3_or_4(tmp_path: Path) -> None:
    outcomes: list[tuple[int, object]] = []
    for name, zone, status in (("found", ZONE, "secure"), ("none", EMPTY, "secure"), ("bogus", ZONE, "bogus")):
        (tmp_path / name).mkdir()
        ran = run(*World(tmp_path / name).zone(zone).dnssec(status).locate("--format", "json"))
        outcomes.append((ran.exit_code, ran.json["outcome"]))
    assert outcomes == [(0, None), (4, "NO_SERVICE"), (3, "UNDETERMINED")]


@pytest.mark.parametrize("error", [RuntimeError("surprise \x1b[31m"), LocalProtocolError("answered twice")])
def test_an_unexpected_exception_is_our_bug_with_70(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(verbs, "verdict_text", broken)
    monkeypatch.setattr(verbs, "put_json", broken)
    text = run(*accepted(tmp_path).check())
    assert (text.exit_code, text.out) == (70, "")
    assert text.err.startswith(f"siptls: this is our bug: {type(error).__name__}: ")
    assert "Traceback" not in text.err
    assert "\x1b" not in text.err
    assert "Traceback" in run(*accepted(tmp_path).check("--debug")).err
    ran = run(*accepted(tmp_path).check("--format", "json"))
    assert (ran.exit_code, ran.error["code"]) == (70, "internal.bug")


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, object]:
    """What differs from world to world."""
    return {
        "status": draw(st.sampled_from(["secure", "insecure", "bogus", "failed"])),
        "host_status": draw(st.sampled_from(["secure", "insecure", "bogus", "failed", ""])),
        "pinned": draw(st.sampled_from(["", "right", "wrong", "unusable"])),
        "srv": draw(st.sampled_from([True, True, False])),
        "chain": draw(st.booleans()),
        "domain": draw(st.booleans()),
        "trusted": draw(st.booleans()),
        "require": draw(st.sampled_from(["any", "pkix", "dane", "dane-ee"])),
        "audit": draw(st.booleans()),
    }


def built(folder: Path, wanted: dict[str, object]) -> tuple[str, ...]:
    presented = leaf(domain=bool(wanted["domain"]), trusted=bool(wanted["trusted"]))
    other = leaf(domain=not wanted["domain"], trusted=bool(wanted["trusted"]))
    pins = {"right": tlsa(presented), "wrong": tlsa(other), "unusable": "_5061._tcp.sip1 TLSA 9 1 1 00\n", "": ""}
    world = World(folder).zone((ZONE if wanted["srv"] else EMPTY) + pins[str(wanted["pinned"])]).trust(root())
    world.dnssec(str(wanted["status"]))
    if wanted["host_status"]:
        world.dnssec(f"{HOST}={wanted['host_status']}")
    if wanted["chain"]:
        world.chain(presented)
    return (*world.check("--require", str(wanted["require"])), *([] if wanted["audit"] else ["--no-audit"]))


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_text_json_and_exit_code_say_the_same_in_every_world(wanted: dict[str, object]) -> None:
    with TemporaryDirectory() as folder:
        arguments = built(Path(folder), wanted)
        text, as_json = run(*arguments), run(*arguments, "--format", "json")
    outcome, method, code = as_json.verdict
    assert as_json.exit_code == as_json.json["exit"] == text.exit_code == EXITS[outcome]
    word = next(word for word in WORDS if f" {word}  " in text.first_line)
    assert WORDS[word] == text.exit_code
    assert (f"by {method.upper()}" if outcome == "ACCEPTED" else code) in text.out.partition("\n\n")[0]
    assert text.out.splitlines()[-1].endswith(f" · exit {text.exit_code}")
    assert text.err == as_json.err == ""


def test_a_verdict_keeps_its_exit_code_when_nobody_reads_it(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "siptls_cli", *accepted(tmp_path).check()]
    ran = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.parametrize(("redirection", "code", "lines"), [(">&-", 0, 0), (">&- 2>&-", 0, 0), (">/dev/full", 2, 1)])
def test_a_place_that_takes_no_output_leaves_an_exit_code(
    tmp_path: Path, redirection: str, code: int, lines: int
) -> None:
    command = [sys.executable, "-m", "siptls_cli", *accepted(tmp_path).check()]
    shell = ["sh", "-c", f'exec "$0" "$@" {redirection}', *command]
    demo = ["sh", "-c", shell[2], sys.executable, "-m", "siptls_cli", "demo"]
    for run_it in (shell, [*shell, "--format", "json"], demo):
        ran = subprocess.run(run_it, capture_output=True, env=environment(), timeout=60, check=False)
        assert (ran.returncode, ran.stdout) == (code, b"")
        assert ran.stderr.count(b"\n") <= lines
        assert b"Traceback" not in ran.stderr


def test_the_exit_codes_of_the_manual_and_of_the_documentation_are_these() -> None:
    assert {exit_code.code for exit_code in EXIT_CODES} == {*EXITS.values(), 2, 70, 130}
    page = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert "```{include} generated/exit-codes.md" in page  # which docs/_ext makes of the same table


def test_the_outcomes_are_all_that_the_core_knows() -> None:
    assert {outcome.value: code for outcome, code in report.EXITS.items()} == EXITS
    assert set(report.EXITS) == set(Outcome)
