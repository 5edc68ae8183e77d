"""Every scenario on every loop: the verdict that was written down, and step for step the same way to it."""

from __future__ import annotations

from functools import cache

import pytest

import siptls_io.workers
from loops import BLOCKING, LOOPS
from scenarios.scripts import SCENARIOS
from scenarios.virtual import VIRTUAL_LOOPS
from scenarios.worlds import Played, PlayedInThreads, Scenario, Script, report, simulated, summary
from siptls.verdict import Verdict

PACES = (0.05, 0.3, 2.0, 6.0)
"""Real seconds for one of a script in threads: a busy machine gets more time, which does not help a wrong driver."""

SHOWN: dict[str, tuple[str, ...]] = {
    "DANE-EE": ("D-SEC-1",),
    "sideways, both zones signed": ("D-SEC-3",),
    "sideways to a signed attacker, unsigned": ("D-SEC-4",),
    "SRV to a signed attacker, unsigned": ("D-SEC-5",),
    "NAPTR bogus": ("D-SEC-6",),
    "NAPTR server fails": ("D-SEC-6",),
    "DANE-EE at the host, port in the URI": ("D-SEC-8",),
    "sips and an IPv6 address": ("D-SEC-9",),
    "sips, but clear text only": ("D-SEC-10",),
    "the first target is a stranger": ("D-SEC-11",),
    "AAAA bogus, A signed": ("D-SEC-13",),
    "AAAA fails, A unsigned, SRV signed": ("D-SEC-13",),
    "A fails, AAAA fine, nothing signed": ("D-SEC-13",),
    "maddr to a signed attacker": ("D-SEC-15",),
    "a CA that may not name the domain": ("D-PATH-1",),
    "wrong pin, PKIX would accept": ("R6698-4.1-7",),
}
"""The requirements that some scenarios show."""


def param(scenario: Scenario) -> object:
    shown = SHOWN.get(scenario.name)
    return pytest.param(scenario, id=scenario.name, marks=[pytest.mark.req(*shown)] if shown else [])


every = pytest.mark.parametrize("scenario", [param(scenario) for scenario in SCENARIOS])


@cache
def ideal(scenario: str) -> tuple[Verdict, Script, float]:
    return simulated(next(each for each in SCENARIOS if each.name == scenario))


@every
def test_a_script_leads_to_the_verdict_that_was_written_down(scenario: Scenario) -> None:
    verdict, script, seconds = ideal(scenario.name)
    assert summary(verdict) == scenario.expected
    assert seconds == scenario.seconds
    assert script.left_open() == {verdict.connection} - {None}


@pytest.mark.scenario
@pytest.mark.parametrize("loop", [pytest.param(name, id=name) for name in LOOPS])
@every
def test_every_loop_comes_to_the_same_verdict_by_the_same_steps(
    loop: str, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    if loop == "blocking":
        in_threads(scenario, monkeypatch)
    else:
        in_virtual_time(loop, scenario)


def in_virtual_time(loop: str, scenario: Scenario) -> None:
    performer = Played(scenario)
    verdict = VIRTUAL_LOOPS[loop].drive(scenario.machine, performer)
    assert summary(verdict) == scenario.expected
    assert report(verdict, times=True) == report(ideal(scenario.name)[0], times=True)
    assert performer.script.left_open() == {verdict.connection} - {None}


def in_threads(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    # However long this machine keeps a thread from running.
    monkeypatch.setattr(siptls_io.workers, "_SETTLED", 10.0)
    *quick, slow = PACES if scenario.timed else (1.0,)
    for pace in quick:
        got, wanted = played_in_threads(scenario.paced(pace))
        if got == wanted:
            return
    got, wanted = played_in_threads(scenario.paced(slow))
    assert got == wanted


def played_in_threads(scenario: Scenario) -> tuple[object, object]:
    """What the driver comes to, and what the script and the ideal driver come to."""
    performer = PlayedInThreads(scenario)
    verdict = BLOCKING.drive(scenario.machine, performer)
    assert performer.script.left_open() == {verdict.connection} - {None}
    ideal_report = report(simulated(scenario)[0], times=False)
    return (summary(verdict), report(verdict, times=False)), (scenario.expected, ideal_report)


def test_every_requirement_is_shown_by_a_scenario_that_is_there() -> None:
    assert set(SHOWN) <= {scenario.name for scenario in SCENARIOS}
