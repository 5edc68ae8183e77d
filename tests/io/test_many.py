"""Two thousand connects on each loop, two hundred at a time, one of five to somebody who is out of order."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import pytest

import crowd
from crowd import Left, Plan, Report
from loopback_crowd import ACCEPTED, FAULTS, LoopbackCrowd
from loops import Loop, on_every_loop

CONNECTS, WARM_UP, AT_A_TIME = 2_000, 500, 200
TOLERATED = {"files": 0.0, "threads": 0.0, "blocks": 10.0, "octets": 2_000.0}
"""How much more of each may be left by one connect, on average. What one stream holds is several times as much."""


def kind(domain: str) -> str:
    return domain.removesuffix(".example").partition("-")[0]


def expected(domain: str) -> tuple[str, str]:
    return FAULTS.get(kind(domain), ACCEPTED)


def part(seed: int, size: int) -> list[str]:
    """Domains, one of five out of order, none of these at the end: those that take long are not waited for alone."""
    domains = ["good.example"] * size
    for number, place in enumerate(random.Random(seed).sample(range(size * 3 // 4), size // 5)):
        fault = list(FAULTS)[number % len(FAULTS)]
        # Who is late is so to everybody once.
        domains[place] = f"{fault}-{seed}-{number}.example" if fault == "late" else f"{fault}.example"
    return domains


def run(loop: Loop, servers: LoopbackCrowd, domains: list[str], warm_up: int, *, forget: bool = True) -> Report:
    plan: Plan = {
        "loop": loop.name,
        "at_a_time": AT_A_TIME,
        "warm_up": warm_up,
        "domains": domains,
        "names": servers.names,
        "root": servers.root.der.hex(),
        "forget": forget,
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", str(crowd.__file__)],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        env=os.environ | {"MALLOC_ARENA_MAX": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not forget or not done.stderr
    report: Report = json.loads(done.stdout)
    return report


def leaks(before: Left, after: Left, connects: int) -> dict[str, float]:
    """What every connect leaves behind, on average, as far as that is too much."""
    found = {what: after[what] - before[what] for what in TOLERATED}
    return {what: more / connects for what, more in found.items() if more > TOLERATED[what] * connects}


@on_every_loop
def test_of_many_connects_every_verdict_is_as_expected_and_nothing_is_left(loop: Loop) -> None:
    domains = part(1, WARM_UP) + part(2, CONNECTS - WARM_UP)
    assert sum(kind(domain) in FAULTS for domain in domains) == CONNECTS // 5
    assert {kind(domain) for domain in domains} == {"good", *FAULTS}
    with LoopbackCrowd(domains) as servers:
        report = run(loop, servers, domains, WARM_UP)
    verdicts = [tuple(verdict) for verdict in report["verdicts"]]
    wrong = [each for each in zip(domains, verdicts, strict=True) if each[1] != expected(each[0])]
    assert not wrong
    assert leaks(report["before"], report["after"], CONNECTS - WARM_UP) == {}
    print(f"\n{loop.name}: {CONNECTS} connects in {report['seconds']:.1f} s")


@on_every_loop
def test_connections_that_are_not_forgotten_would_be_found(loop: Loop) -> None:
    domains = ["good.example"] * 90
    with LoopbackCrowd(domains) as servers:
        report = run(loop, servers, domains, 30, forget=False)
    assert [tuple(verdict) for verdict in report["verdicts"]] == [ACCEPTED] * 90
    found = leaks(report["before"], report["after"], 60)
    assert found.pop("octets", None) is not None or not report["after"]["octets"]
    assert set(found) == {"files", "blocks"}


@pytest.mark.parametrize("what", ["files", "threads", "blocks", "octets"])
def test_a_leak_of_one_kind_is_called_by_its_name(what: str) -> None:
    before: Left = {"files": 7, "threads": 1, "blocks": 100_000, "octets": 1_000_000}
    assert leaks(before, before, 1_500) == {}
    assert leaks(before, {**before, what: before[what] + 1_500 * 3_000}, 1_500) == {what: 3_000}
