"""The table of loops and scenarios, shown by sample runs of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loops import LOOPS
from scenarios import table
from scenarios.scripts import SCENARIOS

TESTS = Path(__file__).parents[1]
SAMPLE = """
import pytest

LOOPS = ["asyncio", "trio", "anyio+asyncio", "anyio+trio", "blocking"]

class Loop:
    def __init__(self, name): self.name = name

every = pytest.mark.parametrize("loop", [pytest.param(Loop(name), id=name) for name in LOOPS])

@pytest.mark.scenario
@every
@pytest.mark.parametrize("scenario", ["a first one", "a second one"])
def test_scenario(loop, scenario):
    {scenario}

@pytest.mark.scenario("fault")
@every
@pytest.mark.parametrize("fault", ["reset"])
def test_fault(loop, fault):
    {fault}

def test_without_a_table(): pass
"""
ALONE = {"PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONIOENCODING": "utf-8"}
SKIP = "if loop.name == 'trio': pytest.skip('not today')"
FAIL = "assert (loop.name, scenario) != ('blocking', 'a second one')"


def run_sample(folder: Path, *arguments: str, scenario: str = "pass", fault: str = "pass") -> tuple[int, str]:
    """Run a sample with the table, which tests/conftest.py loads always; return the exit status and the output."""
    (folder / "test_sample.py").write_text(SAMPLE.format(scenario=scenario, fault=fault), encoding="utf-8")
    (folder / "test_other.py").write_text("def test_other(): pass\n", encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "scenarios.table", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, **ALONE, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_run_ends_with_the_table_and_says_that_it_has_no_hole(tmp_path: Path) -> None:
    status, said = run_sample(tmp_path)
    assert status == pytest.ExitCode.OK
    start = said.index("\nscenario ")
    assert said[start:].splitlines()[1:9] == [
        "scenario                                   asyncio trio  anyio  anyio blocking",
        "                                                        asyncio trio",
        "a first one                                   ✓     ✓      ✓      ✓      ✓",
        "a second one                                  ✓     ✓      ✓      ✓      ✓",
        "fault                                      asyncio trio  anyio  anyio blocking",
        "                                                        asyncio trio",
        "reset                                         ✓     ✓      ✓      ✓      ✓",
        "no hole: 15 of 15 cells passed",
    ]
    assert all(len(line) <= 80 for line in said[start:].splitlines()[:9])


def test_a_test_that_was_skipped_leaves_a_hole_and_a_hole_is_a_failure(tmp_path: Path) -> None:
    status, said = run_sample(tmp_path, fault=SKIP)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "reset                                         ✓     ·      ✓      ✓      ✓\n" in said
    assert "holes: 1 of 15 cells\n  reset-trio\n" in said
    assert "1 failed" not in said


def test_a_failure_is_a_hole_too(tmp_path: Path) -> None:
    status, said = run_sample(tmp_path, scenario=FAIL)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "a second one                                  ✓     ✓      ✓      ✓      ✗\n" in said
    assert "holes: 1 of 15 cells\n  a second one-blocking\n" in said


@pytest.mark.parametrize(
    ("arguments", "cells"),
    [
        (["-k", "asyncio"], "6 of 15"),
        (["test_sample.py::test_fault"], "5 of 5"),
    ],
)
def test_a_part_that_the_caller_selected_may_have_holes(tmp_path: Path, arguments: list[str], cells: str) -> None:
    status, said = run_sample(tmp_path, *arguments)
    assert status == pytest.ExitCode.OK
    assert f"{cells} cells passed" in said
    assert "holes:" not in said


def test_a_run_without_scenarios_prints_no_table(tmp_path: Path) -> None:
    status, said = run_sample(tmp_path, "test_other.py")
    assert status == pytest.ExitCode.OK
    assert "loops and scenarios" not in said


def test_a_scenario_without_its_parameters_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "test_wrong.py").write_text(
        "import pytest\n@pytest.mark.scenario\n@pytest.mark.parametrize('loop', ['trio'])\ndef test_it(loop): pass\n"
    )
    status, _ = run_sample(tmp_path, "test_wrong.py")
    assert status == pytest.ExitCode.USAGE_ERROR


def test_the_columns_are_the_loops_and_the_names_fit() -> None:
    assert tuple(LOOPS) == table.LOOPS
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names) >= 45
    assert all(len(name) <= table.NAME_WIDTH for name in names)
