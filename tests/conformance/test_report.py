import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import plugin, report, table
from conformance.table import Document, Outcome, Row

TESTS = Path(__file__).parents[1]
REQUIRED = Row("X-1", "MUST", "The peer is judged.")


def run_pytest(folder: Path, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One test file, run with the plugin and a record of its own."""
    (folder / "test_sample.py").write_text(source, encoding="utf-8")
    (folder / "conftest.py").write_text(
        "from pathlib import Path\n"
        "from conformance.plugin import Recorder\n"
        "def pytest_configure(config):\n"
        "    config.addinivalue_line('markers', 'req(*ids): rows')\n"
        "    config.pluginmanager.register(Recorder(frozenset({'X-1', 'X-2'}), Path('record.json')))\n",
        encoding="utf-8",
    )
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TESTS), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def record(folder: Path) -> dict[str, Outcome]:
    return table.read_outcomes(folder / "record.json")


def state(
    row: Row, *outcomes: tuple[str, str], finished: bool | tuple[str, ...] = False, others: tuple[Row, ...] = ()
) -> report.Line:
    """The line of ``row`` when tests with these (id, outcome) pairs ran."""
    document = Document("x", "X", finished, (row, *others))
    ran = {f"test_x.py::test_{n}": Outcome(outcome=what, req=[row_id]) for n, (row_id, what) in enumerate(outcomes)}
    return report.judge([document], ran)[0]


def test_the_table_of_requirements_is_well_formed() -> None:
    rows = list(table.rows(table.read()))
    assert len(rows) > 600
    assert all(row.not_ours == "" for row in rows if row.id.startswith("D-"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[a]\ntitle="A"\nfinished=false\n[[a.row]]\nid="X-1"\nlevel="may"\nrequirement="."\nlevle="x"\n', "levle"),
        ('[a]\ntitle="A"\nfinished=false\n[[a.row]]\nid="X-1"\nlevel=""\nrequirement="."\n', "level"),
        ('[a]\ntitle="A"\nfinished=["X-2"]\n[[a.row]]\nid="X-1"\nlevel="may"\nrequirement="."\n', "finished"),
        ('[a]\ntitle="A"\nfinished=1\n[[a.row]]\nid="X-1"\nlevel="may"\nrequirement="."\n', "finished"),
        ('[a]\ntitle="A"\nfinished=false\n' + 2 * '[[a.row]]\nid="X-1"\nlevel="may"\nrequirement="."\n', "twice"),
        (
            '[a]\ntitle="A"\nfinished=false\n[[a.row]]\nid="X-1"\nlevel="may"\nrequirement="."\ncovered_by=["X-2"]\n',
            "X-2",
        ),
    ],
)
def test_a_malformed_table_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "requirements.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((ValueError, TypeError), match=complaint):
        table.read(path)


def test_an_unknown_id_stops_the_collection(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, "import pytest\n@pytest.mark.req('X-1', 'X-9')\ndef test_it(): pass\n")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "test_sample.py::test_it: X-9" in run.stderr
    assert record(tmp_path) == {}


def test_a_marker_without_an_id_stops_the_collection(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, "import pytest\n@pytest.mark.req()\ndef test_it(): pass\n")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "without an id" in run.stderr


def test_outcomes_are_kept_by_test_and_merged_over_runs(tmp_path: Path) -> None:
    source = (
        "import pytest\n"
        "@pytest.fixture\n"
        "def broken(): yield; raise OSError\n"
        "@pytest.mark.req('X-1')\ndef test_good(): pass\n"
        "@pytest.mark.req('X-1')\ndef test_bad(): assert False\n"
        "@pytest.mark.req('X-2')\ndef test_bad_at_the_end(broken): pass\n"
        "@pytest.mark.req('X-2')\ndef test_skipped(): pytest.skip('why')\n"
        "def test_of_nothing(): pass\n"
    )
    run_pytest(tmp_path, source, "-k", "not skipped")
    run_pytest(tmp_path, source, "-k", "skipped")
    assert record(tmp_path) == {
        "test_sample.py::test_good": {"outcome": "passed", "req": ["X-1"]},
        "test_sample.py::test_bad": {"outcome": "failed", "req": ["X-1"]},
        "test_sample.py::test_bad_at_the_end": {"outcome": "failed", "req": ["X-2"]},
        "test_sample.py::test_skipped": {"outcome": "skipped", "req": ["X-2"]},
    }


def test_tests_that_are_gone_leave_the_record(tmp_path: Path) -> None:
    before = {
        "test_sample.py::test_renamed": Outcome(outcome="failed", req=["X-1"]),
        "test_gone.py::test_it": Outcome(outcome="failed", req=["X-1"]),
        "test_other.py::test_it": Outcome(outcome="passed", req=["X-2"]),
    }
    (tmp_path / "record.json").write_text(json.dumps(before), encoding="utf-8")
    (tmp_path / "test_other.py").write_text("def test_it(): pass\n", encoding="utf-8")
    run_pytest(tmp_path, "def test_it(): pass\n", "test_sample.py")
    assert set(record(tmp_path)) == {"test_other.py::test_it"}


def test_a_row_is_open_until_a_test_passes() -> None:
    assert state(REQUIRED).state == "open"
    assert state(REQUIRED, ("X-1", "skipped")).state == "open"
    assert state(REQUIRED, ("X-1", "skipped"), ("X-1", "passed")).state == "passed"


def test_one_failing_test_makes_the_row_fail() -> None:
    line = state(REQUIRED, ("X-1", "passed"), ("X-1", "failed"))
    assert line.state == "failed"
    assert line.wrong


@pytest.mark.parametrize("level", ["MUST", "must", "MUST NOT / SHOULD", "SHOULD / SHALL"])
def test_an_open_must_row_is_wrong_only_in_a_finished_table(level: str) -> None:
    row = dataclasses.replace(REQUIRED, level=level)
    assert not state(row).wrong
    assert state(row, finished=True).wrong
    assert not state(row, ("X-1", "passed"), finished=True).wrong


def test_rows_can_be_finished_before_their_table_is() -> None:
    assert state(REQUIRED, finished=("X-",)).wrong
    assert not state(REQUIRED, finished=("Y-", "Z-")).wrong


@pytest.mark.parametrize("level", ["MAY", "should", "note", "NOT RECOMMENDED / RECOMMENDED"])
def test_an_open_row_of_a_lower_level_is_never_wrong(level: str) -> None:
    assert not state(dataclasses.replace(REQUIRED, level=level), finished=True).wrong


def test_a_row_that_is_not_ours_is_never_wrong() -> None:
    line = state(dataclasses.replace(REQUIRED, not_ours="binds the CA"), finished=True)
    assert (line.state, line.wrong) == ("not-ours", False)


def test_a_row_passes_when_all_rows_that_cover_it_do() -> None:
    row = dataclasses.replace(REQUIRED, covered_by=("X-2", "X-3"))
    others = (Row("X-2", "MUST", "."), Row("X-3", "MUST", "."))
    assert state(row, ("X-2", "passed"), others=others).state == "open"
    assert state(row, ("X-2", "passed"), ("X-3", "passed"), others=others).state == "passed"
    assert state(row, ("X-2", "passed"), ("X-3", "failed"), others=others).state == "failed"


def test_a_line_names_id_level_state_and_tests_without_their_parameters() -> None:
    document = Document("x", "X", False, (dataclasses.replace(REQUIRED, level="MUST NOT / MAY"),))
    ran = {f"test_x.py::test_it[{n}]": Outcome(outcome="passed", req=["X-1"]) for n in range(3)}
    assert [str(line) for line in report.judge([document], ran)] == ["X-1 MUST-NOT/MAY passed test_x.py::test_it"]


def test_the_summary_counts_every_state() -> None:
    lines = [state(REQUIRED), state(REQUIRED, ("X-1", "passed"))]
    assert report.summary(lines) == "2 requirements: 1 passed, 0 failed, 1 open, 0 not-ours"


def test_the_plugin_of_this_run_knows_every_row(request: pytest.FixtureRequest) -> None:
    recorder = request.config.pluginmanager.get_plugin("conformance-recorder")
    assert isinstance(recorder, plugin.Recorder)
    assert "R5922-7.1-9" in recorder.known
