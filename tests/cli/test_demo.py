"""`siptls demo`: scenarios on loopback, each with the verdict that it must have, whatever the client runs in."""

import asyncio
import dataclasses
import json
import os
import pty
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from cli.console import Run, environment, run, run_process
from siptls.dns import Lookup, Srv
from siptls.events import Answered
from siptls_cli.demo import play, show
from siptls_cli.demo.certificates import server
from siptls_cli.demo.clients import CLIENTS, Call, Ended
from siptls_cli.demo.scenarios import CHAPTERS
from siptls_cli.demo.server import SipServer

LOOPS = ("asyncio", "trio", "anyio", "blocking")

# What the standards make of each scenario, and the requirements that say so.
EXPECTED: dict[tuple[str, str, str, str, int], tuple[str, ...]] = {
    ("DANE-EE", "ACCEPTED", "dane-ee", "dane.match", 1): ("D-SEC-1", "R6698-2.1.1-3", "S-A-8", "S-A-12"),
    ("DANE-TA, private CA", "ACCEPTED", "dane-ta", "dane.match", 1): ("R6698-2.1.1-2", "S-A-18"),
    ("PKIX-EE", "ACCEPTED", "pkix-ee", "dane.match", 1): ("S-A-17",),
    ("PKIX-TA", "ACCEPTED", "pkix-ta", "dane.match", 1): ("S-A-17",),
    ("SRV target's certificate", "ACCEPTED", "pkix", "id.match-target", 1): ("R7673-4.1-3", "S-A-12"),
    ("first bad, second good", "ACCEPTED", "dane-ee", "dane.match", 2): ("D-SEC-11",),
    ("sideways, both signed", "ACCEPTED", "dane-ee", "dane.match", 1): ("D-SEC-3", "R3263-4.1-13", "S-A-20"),
    ("sips, but no TLS", "NO_SERVICE", "none", "locate.no-service", 0): ("D-SEC-10", "R3263-4.1-8"),
    ("RFC 5922, URI in SAN", "ACCEPTED", "pkix", "id.match", 1): ("R5922-7.1-7", "S-A-1", "RJOH-m-3"),
    ("RFC 5922, DNS in SAN", "ACCEPTED", "pkix", "id.match", 1): ("RJOH-m-3",),
    ("certificate for the host", "REJECTED", "none", "id.srv-target-only", 1): ("R5922-7.3-1", "R7673-4.1-2", "S-A-13"),
    ("Common Name only", "REJECTED", "none", "id.cn-only", 1): ("S-A-3",),
    ("Common Name, allowed", "ACCEPTED", "pkix", "id.match", 1): ("S-A-3",),
    ("wildcard", "REJECTED", "none", "id.wildcard", 1): ("S-A-10",),
    ("DANE required", "INSUFFICIENT", "pkix", "policy.too-weak", 1): (),
    ("TLSA mismatch", "REJECTED", "none", "dane.no-match", 1): ("R6698-4.1-7", "S-A-19"),
    ("bogus SRV", "UNDETERMINED", "none", "dnssec.bogus", 0): ("R7673-3.1-2",),
    ("sideways, unsigned", "REJECTED", "none", "id.srv-target-only", 1): ("D-SEC-4", "S-A-20", "RJOH-m-2"),
    ("maddr to a signed zone", "REJECTED", "none", "id.srv-target-only", 1): ("D-SEC-15",),
    ("name-constrained CA", "REJECTED", "none", "chain.name-constraints", 1): ("D-PATH-1",),
}
NAMES = [name for name, *_ in EXPECTED]
SCENARIOS = [scenario for scenarios in CHAPTERS.values() for scenario in scenarios]


@pytest.fixture(scope="module")
def played() -> Run:
    """All scenarios in all loops, as JSON."""
    began = time.process_time()
    ran = run("demo", "--loop", "all", "--format", "json")
    assert time.process_time() - began < 10  # about one on an idle machine
    return ran


def test_every_scenario_is_played_in_every_loop(played: Run) -> None:
    assert (played.exit_code, played.err) == (0, "")
    scenarios = played.json["scenarios"]
    assert [(one["name"], one["loop"]) for one in scenarios] == [(name, loop) for name in NAMES for loop in LOOPS]
    assert set(played.json) == {"scenarios", "as_expected", "duration_ms", "exit"}
    assert (played.json["as_expected"], played.json["exit"]) == (len(NAMES) * len(LOOPS), 0)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    "expected",
    [pytest.param(row, marks=pytest.mark.req(*ids) if ids else (), id=row[0]) for row, ids in EXPECTED.items()],
)
@pytest.mark.req("R5922-4-3", "R5922-7.3-4")
def test_each_scenario_has_its_verdict_and_who_is_not_accepted_sees_no_sip(
    played: Run, expected: tuple[str, str, str, str, int], loop: str
) -> None:
    name, outcome, method, code, number = expected
    (one,) = [one for one in played.json["scenarios"] if (one["name"], one["loop"]) == (name, loop)]
    verdict = one["verdict"]
    assert (verdict["outcome"], verdict["method"], verdict["code"], one["server"]) == (outcome, method, code, number)
    assert one["expected"] == {"outcome": outcome, "method": method, "code": code}
    assert one["expected_server"] == number
    assert (one["as_expected"], one["difference"], one["stray_octets"]) == (True, None, 0)
    assert one["connections"] == number  # each scenario's servers are tried in their order, up to this one
    assert one["answer"] == ("SIP/2.0 200 OK" if outcome == "ACCEPTED" else None)
    assert one["milliseconds"] > 0
    assert one["story"]


@pytest.mark.parametrize("name", NAMES)
def test_all_loops_come_to_the_same_verdict_by_the_same_steps(played: Run, name: str) -> None:
    verdicts = [one["verdict"] for one in played.json["scenarios"] if one["name"] == name]
    assert len(verdicts) == len(LOOPS)
    for verdict in verdicts:
        del verdict["expires_in"]
        for step in verdict["steps"]:
            del step["seconds"]
        assert verdict == verdicts[0]
    assert len(verdicts[0]["steps"]) >= 2


@pytest.mark.req("D-SEC-11")
def test_the_bad_server_stands_in_the_report_beside_the_good_one(played: Run) -> None:
    one = played.json["scenarios"][NAMES.index("first bad, second good") * len(LOOPS)]
    assert {"dane.no-match", "dane.match"} <= {step["code"] for step in one["verdict"]["steps"]}


@pytest.mark.parametrize("loop", LOOPS)
def test_one_loop_can_be_chosen(loop: str) -> None:
    ran = run("demo", "--loop", loop, "--format", "json")
    assert (ran.exit_code, ran.err) == (0, "")
    assert [(one["name"], one["loop"]) for one in ran.json["scenarios"]] == [(name, loop) for name in NAMES]


def test_without_a_terminal_there_are_lines_for_each_scenario() -> None:
    ran = run_process("demo", TERM="xterm-256color")
    assert (ran.exit_code, ran.err) == (0, "")
    assert "\x1b" not in ran.out
    lines = ran.out.splitlines()
    for name, outcome, method, code, _ in EXPECTED:
        line = next(line for line in lines if line.startswith(f"✓ {name} "))
        assert line.split()[-5:-2] == [outcome, method, code]
        assert line.endswith(" ms")
    assert [line for line in lines if line in CHAPTERS] == list(CHAPTERS)
    for scenario in SCENARIOS:
        assert scenario.story in " ".join(ran.out.split())
    outcomes = [outcome for _, outcome, *_ in EXPECTED]
    assert ran.out.count("answered OPTIONS: SIP/2.0 200 OK") == outcomes.count("ACCEPTED")
    assert ran.out.count("octets of SIP that the server saw: 0") == len(EXPECTED) - outcomes.count("ACCEPTED") - 2
    assert ran.out.count("nobody was connected to") == 2
    assert lines[-1].startswith(f"{len(EXPECTED)} of {len(EXPECTED)} as expected · ")
    assert lines[-1].endswith(" ms · exit 0")


@pytest.mark.parametrize(("form", "mark"), [((), "✓"), (("--ascii",), "OK")])
def test_all_loops_stand_side_by_side_in_lines_that_fit(form: tuple[str, ...], mark: str) -> None:
    ran = run("demo", "--loop", "all", *form)
    assert (ran.exit_code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert max(len(line) for line in lines) <= 80
    together = [" ".join(line.split()[::4]) for line in lines if line.startswith(f"    asyncio {mark} ")]
    assert together == [" ".join(LOOPS)] * len(EXPECTED)
    assert sum(line.startswith(f"{mark} ") for line in lines) == len(EXPECTED)
    assert ran.out.isascii() == (mark == "OK")


def test_every_scenario_tells_one_story_of_its_own() -> None:
    stories = [scenario.story for scenario in SCENARIOS]
    assert len(set(stories)) == len(stories) >= 16
    for scenario in SCENARIOS:
        assert len(scenario.name) <= 24
        assert "\n" not in scenario.story
        assert not scenario.story.endswith(".")
        assert any(word in scenario.story for word in ("the operator", "an attacker", "the caller"))


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
    assert f"{len(EXPECTED)}/{len(EXPECTED)}" in out
    assert "\x1b[32m✓" in out
    assert f"{len(EXPECTED)} of {len(EXPECTED)} as expected" in out


def test_a_dumb_terminal_gets_plain_lines() -> None:
    code, out = on_a_terminal("demo", TERM="dumb")
    assert (code, "\x1b" in out, "playing" in out) == (0, False, False)
    assert out.count("✓") == len(EXPECTED)


# What is not as it must be.


@pytest.mark.parametrize("shown", [(), ("--format", "json")])
@pytest.mark.parametrize("loop", ["asyncio", "all"])
def test_a_verdict_that_is_not_the_expected_one_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, loop: str, shown: tuple[str, ...]
) -> None:
    first, second, *_ = SCENARIOS
    wrong = dataclasses.replace(first, expected=dataclasses.replace(first.expected, method="pkix"))
    monkeypatch.setattr(show, "CHAPTERS", {"Wrong": (wrong, second)})
    ran = run("demo", "--loop", loop, *shown)
    assert ran.exit_code == 1
    count = len(LOOPS) if loop == "all" else 1
    if shown:
        assert [one["as_expected"] for one in ran.json["scenarios"]] == [False] * count + [True] * count
        assert ran.json["as_expected"] == count
    else:
        assert ran.out.startswith("Wrong\n✗ DANE-EE ")
        told = "expected ACCEPTED pkix dane.match at server 1, found ACCEPTED dane-ee dane.match at server 1"
        assert " ".join(ran.out.split()).count(f"asyncio: {told}") == 1
        assert " ".join(ran.out.split()).count(told) == count
        assert "1 of 2 as expected" in ran.out


def otherwise(call: Call) -> Ended:
    """Comes to the same verdict by more steps."""
    return CLIENTS["blocking"](dataclasses.replace(call, policy=call.policy.replace(audit=True)))


def silent(call: Call) -> Ended:
    """Says nothing to the peer, though it is accepted."""
    return dataclasses.replace(CLIENTS["blocking"](call), response=b"")


def port_of(call: Call, owner: str) -> int:
    answered = call.resolver.answer(Lookup(owner, "SRV"))
    assert isinstance(answered, Answered)
    record = answered.answer.records[0]
    assert isinstance(record, Srv)
    return record.port


def talkative(call: Call) -> Ended:
    """Talks to the server, whatever the verdict is."""
    ended = CLIENTS["blocking"](call)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    address = ("127.0.0.1", port_of(call, "_sips._tcp.example.com"))
    with socket.create_connection(address) as tcp, context.wrap_socket(tcp) as tls:
        tls.sendall(b"OPTIONS")
        tls.unwrap()
    return ended


def degrading(call: Call) -> Ended:
    """Takes the server without TLS, where there is none with it."""
    with socket.create_connection(("127.0.0.1", port_of(call, "_sip._tcp.example.com"))):
        return CLIENTS["blocking"](call)


WRONG: list[tuple[Callable[[Call], Ended], str, dict[str, Any], str]] = [
    (otherwise, "DANE-EE", {"difference": "steps.11"}, "differs from the first in steps."),
    (silent, "DANE-EE", {"answer": "no answer"}, "answered OPTIONS: no answer"),
    (talkative, "TLSA mismatch", {"stray_octets": 7, "connections": 2}, "connections: 2, stray octets: 7"),
    (degrading, "sips, but no TLS", {"stray_octets": 0, "connections": 1}, "connections: 1, stray octets: 0"),
]


@pytest.mark.parametrize(("client", "name", "found", "told"), WRONG, ids=[client.__name__ for client, *_ in WRONG])
def test_a_client_that_gives_itself_away_by_less_than_its_verdict_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, client: Callable[[Call], Ended], name: str, found: dict[str, Any], told: str
) -> None:
    monkeypatch.setattr(show, "CHAPTERS", {"One": [scenario for scenario in SCENARIOS if scenario.name == name]})
    clients = {"asyncio": CLIENTS["asyncio"], "blocking": client}
    monkeypatch.setattr(show, "CLIENTS", clients)
    monkeypatch.setattr(play, "CLIENTS", clients)
    as_json, text = run("demo", "--loop", "all", "--format", "json"), run("demo", "--loop", "all")
    assert as_json.exit_code == text.exit_code == 1
    good, bad = as_json.json["scenarios"]
    assert (good["as_expected"], bad["as_expected"], as_json.json["as_expected"]) == (True, False, 1)
    assert bad | found == bad
    assert told in " ".join(text.out.split())
    assert "✗ " + name in text.out
    assert "asyncio ✓" in text.out
    assert "blocking ✗" in text.out
    assert "0 of 1 as expected" in text.out


@pytest.mark.parametrize("loop", ["trio", "all"])
def test_without_trio_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch, loop: str) -> None:
    monkeypatch.setitem(sys.modules, "trio", None)  # an import then fails as if it were not installed
    text, as_json = run("demo", "--loop", loop), run("demo", "--loop", loop, "--format", "json")
    assert (text.exit_code, text.out, as_json.exit_code, as_json.err) == (2, "", 2, "")
    assert text.err == 'siptls: trio is missing: install it with: python -m pip install "siptls[trio]"\n'
    assert as_json.error["code"] == "usage.error"
    assert run("demo", "--loop", "blocking").exit_code == 0


def test_a_loop_that_there_is_not_is_a_usage_error() -> None:
    assert run("demo", "--loop", "twisted").exit_code == 2


def test_ctrl_c_leaves_no_thread_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(call: Call) -> Ended:
        raise KeyboardInterrupt

    before = threading.active_count()
    monkeypatch.setattr(play, "CLIENTS", {"asyncio": interrupted})
    ran = run("demo")
    assert (ran.exit_code, ran.err.strip()) == (130, "siptls: interrupted")
    assert threading.active_count() == before


# The servers of the demonstration.


def test_a_server_counts_what_it_is_sent_over_tls() -> None:
    request = b"REGISTER sip:example.com SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\nrest"

    async def talk() -> tuple[bytes, int, int]:
        async with SipServer(server(None, [])) as listening:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            reader, writer = await asyncio.open_connection("127.0.0.1", listening.port, ssl=context)
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            await writer.wait_closed()
        return answer, listening.octets, listening.connections

    answer, octets, connections = asyncio.run(talk())
    assert answer.startswith(b"SIP/2.0 501 Not Implemented\r\nCSeq: 1 REGISTER\r\n")
    assert (octets, connections) == (len(request), 1)


def test_a_server_counts_what_it_is_sent_in_clear_text_by_clients_that_are_gone() -> None:
    async def talk() -> list[tuple[int, int]]:
        counted: list[tuple[int, int]] = []
        async with SipServer(None) as listening:
            for octets in (b"", b"OPTIONS", b"x" * 100_000):
                with socket.create_connection(("127.0.0.1", listening.port)) as tcp:
                    tcp.sendall(octets)
                await listening.settle()
                counted.append((listening.connections, listening.octets))
        return counted

    few, some, many = asyncio.run(talk())
    assert (few, some) == ((1, 0), (2, 7))
    assert many[0] == 3
    assert 16 * 1024 <= many[1] - 7 <= 100_000  # who sends too much is not listened to


def test_a_client_that_stays_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siptls_cli.demo.server._PATIENCE", 0.5)

    async def stay() -> int:
        async with SipServer(None) as listening:
            with socket.create_connection(("127.0.0.1", listening.port)):
                await listening.settle()
                return listening.connections

    assert asyncio.run(stay()) == 1


def test_the_json_of_the_demonstration_is_one_object() -> None:
    ran = run_process("demo", "--format", "json")
    assert ran.err == ""
    assert set(json.loads(ran.out)) == {"scenarios", "as_expected", "duration_ms", "exit"}
