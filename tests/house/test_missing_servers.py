import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SAMPLE = """
import pytest

@pytest.fixture
def server():
    raise OSError("started although it is missing")

@pytest.mark.server("sh", "no-such-program")
def test_that_needs_it(server): pass

@pytest.mark.server("sh")
def test_whose_programs_are_there(): pass
"""


def run_sample(folder: Path, ci: str) -> subprocess.CompletedProcess[str]:
    """Run a sample with the hooks of tests/conftest.py, and the variable CI set to ``ci``."""
    (folder / "test_sample.py").write_text(SAMPLE, encoding="utf-8")
    (folder / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n    server(*programs): .\n    req(*ids): .\n", encoding="utf-8"
    )
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TESTS), "PYTEST_ADDOPTS": "", "CI": ci},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_test_whose_server_is_missing_is_reported_as_not_run_by_name(tmp_path: Path) -> None:
    run = run_sample(tmp_path, "")
    assert run.returncode == pytest.ExitCode.OK
    assert "not run: test_sample.py::test_that_needs_it (no-such-program missing" in run.stdout
    assert "1 passed, 1 skipped" in run.stdout


def test_in_ci_a_missing_server_is_a_failure(tmp_path: Path) -> None:
    run = run_sample(tmp_path, "true")
    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    assert "no-such-program missing on PATH" in run.stdout
    assert "1 passed, 1 error" in run.stdout
