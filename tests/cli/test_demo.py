"""`siptls demo`: six scenarios on loopback, each with the verdict it must have."""

import asyncio
import dataclasses
import json
import os
import pty
import ssl
import subprocess
import sys
import time

import pytest

from cli.console import environment, run, run_process
from siptls_cli.demo import show
from siptls_cli.demo.certificates import server
from siptls_cli.demo.scenarios import SCENARIOS
from siptls_cli.demo.server import SipServer

EXPECTED = [
    ("DANE-EE", "ACCEPTED", "dane-ee", "dane.match"),
    ("DANE-TA, private CA", "ACCEPTED", "dane-ta", "dane.match"),
    ("RFC 5922, URI in SAN", "ACCEPTED", "pkix", "id.match"),
    ("certificate for the host", "REJECTED", "none", "id.srv-target-only"),
    ("TLSA mismatch", "REJECTED", "none", "dane.no-match"),
    ("first bad, second good", "ACCEPTED", "dane-ee", "dane.match"),
]


@pytest.mark.req("R5922-7.3-1", "R5922-7.3-4", "R7673-4.2-1", "D-SEC-1", "D-SEC-11")
def test_each_scenario_has_its_verdict_and_rejected_servers_see_no_sip() -> None:
    began = time.monotonic()
    ran = run("demo", "--format", "json")
    assert time.monotonic() - began < 5
    assert (ran.exit_code, ran.err) == (0, "")
    scenarios = ran.json["scenarios"]
    verdicts = [(one["verdict"]["outcome"], one["verdict"]["method"], one["verdict"]["code"]) for one in scenarios]
    assert [(one["name"], *verdict) for one, verdict in zip(scenarios, verdicts, strict=True)] == EXPECTED
    for one in scenarios:
        assert one["as_expected"] is True
        assert one["stray_octets"] == 0
        assert one["milliseconds"] > 0
        assert one["answer"] == ("SIP/2.0 200 OK" if one["verdict"]["outcome"] == "ACCEPTED" else None)
    assert scenarios[-1]["server"] == 2
    assert {"dane.no-match", "dane.match"} <= {step["code"] for step in scenarios[-1]["verdict"]["steps"]}


def test_without_a_terminal_there_are_lines_for_each_scenario() -> None:
    ran = run_process("demo", TERM="xterm-256color")
    assert (ran.exit_code, ran.err) == (0, "")
    assert "\x1b" not in ran.out
    lines = ran.out.splitlines()
    for scenario, (name, *verdict) in zip(SCENARIOS, EXPECTED, strict=True):
        line = next(line for line in lines if line.startswith(f"✓ {name} "))
        assert line.split()[-5:-2] == verdict
        assert line.endswith(" ms")
        assert scenario.story in " ".join(ran.out.split())
    assert ran.out.count("answered OPTIONS: SIP/2.0 200 OK") == 4
    assert ran.out.count("octets of SIP that the server saw: 0") == 2
    assert lines[-1].startswith("6 of 6 as expected · ")
    assert lines[-1].endswith(" ms · exit 0")
    assert max(len(line) for line in lines) <= 80


def on_a_terminal(*arguments: str, **changed: str) -> tuple[int, str]:
    """Run `siptls` on a pseudo-terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "siptls_cli", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment(COLUMNS="80", **changed),
    )
    os.close(theirs)
    read: list[bytes] = []
    while True:
        try:
            octets = os.read(ours, 65_536)
        except OSError:  # how Linux says that nobody writes any more
            break
        if not octets:
            break
        read.append(octets)
    os.close(ours)
    return process.wait(timeout=60), b"".join(read).decode("utf-8")


def test_on_a_terminal_there_is_a_progress_bar() -> None:
    code, out = on_a_terminal("demo", TERM="xterm-256color")
    assert code == 0
    assert "playing" in out
    assert "6/6" in out
    assert "\x1b[32m✓" in out
    assert "6 of 6 as expected" in out


def test_a_dumb_terminal_gets_plain_lines() -> None:
    code, out = on_a_terminal("demo", TERM="dumb")
    assert (code, "\x1b" in out, "playing" in out) == (0, False, False)
    assert out.count("✓") == 6


@pytest.mark.parametrize("shown", [(), ("--format", "json")])
def test_a_verdict_that_is_not_the_expected_one_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, shown: tuple[str, ...]
) -> None:
    first, *others = SCENARIOS
    wrong = dataclasses.replace(first, expected=dataclasses.replace(first.expected, method="pkix"))
    monkeypatch.setattr(show, "SCENARIOS", (wrong, *others))
    ran = run("demo", *shown)
    assert ran.exit_code == 1
    if shown:
        assert [one["as_expected"] for one in ran.json["scenarios"]] == [False, *[True] * 5]
    else:
        assert ran.first_line.startswith("✗ DANE-EE ")
        assert "expected ACCEPTED pkix dane.match at server 1" in ran.out
        assert "5 of 6 as expected" in ran.out


def test_the_servers_of_the_demonstration_count_what_they_are_sent() -> None:
    async def talk() -> tuple[bytes, int]:
        async with SipServer(server(None, [])) as listening:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            reader, writer = await asyncio.open_connection("127.0.0.1", listening.port, ssl=context)
            writer.write(b"REGISTER sip:example.com SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\nrest")
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            await writer.wait_closed()
        return answer, listening.octets

    answer, octets = asyncio.run(talk())
    assert answer.startswith(b"SIP/2.0 501 Not Implemented\r\nCSeq: 1 REGISTER\r\n")
    assert octets == len(b"REGISTER sip:example.com SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\nrest")


def test_the_json_of_the_demonstration_is_one_object() -> None:
    ran = run_process("demo", "--format", "json")
    assert ran.err == ""
    assert set(json.loads(ran.out)) == {"scenarios", "as_expected", "duration_ms", "exit"}
