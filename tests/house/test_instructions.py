from hashlib import sha256
from pathlib import Path

import pytest
from benchmarks import instructions, reference

BASELINE = {"dane-ee": 100_000, "dane-ta": 200_000, "rfc5922": 300_000, "reference": 50_000}
HERE: instructions.Recorded = {instructions.interpreter(): {"interpreted": BASELINE, "compiled": BASELINE}}
ELSEWHERE: instructions.Recorded = {"Another 3.0": {"interpreted": BASELINE}}
TWICE = {name: 2 * count for name, count in BASELINE.items()}


def test_three_percent_more_passes_and_more_than_that_does_not() -> None:
    assert instructions.verdicts(BASELINE | {"dane-ta": 206_000}, HERE, "interpreted")[1]
    assert not instructions.verdicts(BASELINE | {"dane-ta": 206_001}, HERE, "interpreted")[1]


def test_the_goal_holds_for_the_compiled_core_whatever_the_baseline_says() -> None:
    above = BASELINE | {"dane-ee": instructions.MUST + 1}
    recorded: instructions.Recorded = {instructions.interpreter(): {"interpreted": above, "compiled": above}}
    assert not instructions.verdicts(above, recorded, "compiled")[1]
    assert instructions.verdicts(above, recorded, "interpreted")[1]


def test_a_build_of_python_without_a_baseline_is_judged_by_the_reference() -> None:
    lines, well = instructions.verdicts(TWICE, ELSEWHERE, "interpreted")
    assert well
    assert lines[-1].startswith("no baseline for ")
    assert instructions.verdicts(TWICE | {"dane-ta": 448_000}, ELSEWHERE, "interpreted")[1]
    lines, well = instructions.verdicts(TWICE | {"dane-ta": 448_001}, ELSEWHERE, "interpreted")
    assert not well
    assert lines[1].endswith("MORE THAN +12%")


def test_so_is_a_build_that_has_only_the_name_of_one_with_a_baseline() -> None:
    assert instructions.verdicts(BASELINE | {"reference": 50_400}, HERE, "interpreted")[0][-1].startswith("reference ")
    assert instructions.verdicts(TWICE, HERE, "interpreted")[1]
    half = BASELINE | {"reference": 25_000}
    assert not instructions.verdicts(half, HERE, "interpreted")[1]


def test_of_several_baselines_elsewhere_the_most_generous_counts() -> None:
    slower = {"Third 3.0": {"interpreted": BASELINE | {"dane-ee": 120_000}}}
    assert instructions.verdicts(BASELINE | {"dane-ee": 130_000}, ELSEWHERE | slower, "interpreted")[1]
    assert not instructions.verdicts(BASELINE | {"dane-ee": 130_000}, ELSEWHERE, "interpreted")[1]


def test_without_any_baseline_it_fails_and_says_so() -> None:
    lines, well = instructions.verdicts(BASELINE, {}, "interpreted")
    assert not well
    assert lines[-1].startswith("NO BASELINE for ")
    assert not instructions.verdicts(BASELINE, ELSEWHERE, "compiled")[1]


def test_the_reference_returns_what_it_always_did_and_is_what_it_always_was() -> None:
    assert reference.run() == "efbb03b7 Example.COM of 4"
    source = Path(reference.__file__).read_bytes()
    assert sha256(source).hexdigest() == "4c0c22fb9aa4f650739831166fe51742b3b511206754b0ad6ec1b2d227346540"


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("false", 0)])
def test_without_valgrind_ci_fails(monkeypatch: pytest.MonkeyPatch, ci: str, status: int) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert instructions.main([]) == status


@pytest.mark.server("valgrind")
def test_the_interpreted_core_takes_no_more_instructions_than_recorded() -> None:
    assert instructions.main([]) == 0
