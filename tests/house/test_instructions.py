import pytest
from benchmarks import instructions

BASELINE = {"dane-ee": 100_000, "dane-ta": 200_000, "rfc5922": 300_000}


def test_three_percent_more_passes_and_more_than_that_does_not() -> None:
    assert instructions.verdicts(BASELINE | {"dane-ta": 206_000}, BASELINE, compiled=True)[1]
    assert not instructions.verdicts(BASELINE | {"dane-ta": 206_001}, BASELINE, compiled=True)[1]


def test_the_goal_holds_for_the_compiled_core_whatever_the_baseline_says() -> None:
    above = BASELINE | {"dane-ee": instructions.MUST + 1}
    assert not instructions.verdicts(above, above, compiled=True)[1]
    assert not instructions.verdicts(above, None, compiled=True)[1]
    assert instructions.verdicts(above, above, compiled=False)[1]


def test_a_machine_without_a_baseline_says_so() -> None:
    lines, well = instructions.verdicts(BASELINE, None, compiled=False)
    assert well
    assert lines[-1].startswith("NO BASELINE for ")


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("false", 0)])
def test_without_valgrind_ci_fails(monkeypatch: pytest.MonkeyPatch, ci: str, status: int) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert instructions.main([]) == status


@pytest.mark.server("valgrind")
def test_the_interpreted_core_takes_no_more_instructions_than_recorded() -> None:
    assert instructions.main([]) == 0
