"""Pytest plugin: a table of scenarios and loops at the end of a run, and whether it has a hole.

A test that fills cells is marked, and parametrised by ``loop`` and by what is played:

    @pytest.mark.scenario
    @on_every_loop
    @pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
    def test_...(loop: Loop, scenario: Scenario) -> None: ...

The value of ``loop`` names the column and the other value the row, each by its ``name``, or by itself if it is text.
The mark may name another parameter that holds the row, ``@pytest.mark.scenario("fault")``; rows of one parameter stand
in one table. Several tests may share a cell: then all of them have to pass. A cell without a passed test is a hole. A
hole makes a whole run fail, but not one that the caller confined to a part of the tests.

Only the standard library is imported here, because every run loads this, whatever is installed.
"""

from __future__ import annotations

from typing import Final

import pytest

LOOPS: Final = ("asyncio", "trio", "anyio+asyncio", "anyio+trio", "blocking")
"""The columns: the names of the loops in tests/loops.py."""
NAME_WIDTH: Final = 42
"""How wide the names of rows may be, so that 80 columns hold the table."""

_SIGNS: Final = {"passed": "✓", "failed": "✗", "": "·"}
_SHOWN_HOLES: Final = 20


class Table:
    """The rows of one parameter, and what came of each cell: ``passed``, ``failed``, or nothing yet."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.rows: dict[str, dict[str, str]] = {}

    def add(self, row: str, column: str) -> None:
        """Make room for a row; all its cells are to be filled."""
        if column not in LOOPS:
            raise pytest.UsageError(f"no loop is named {column!r}: {', '.join(LOOPS)}")
        self.rows.setdefault(row, dict.fromkeys(LOOPS, ""))

    def fill(self, row: str, column: str, outcome: str) -> None:
        """Take what came of one test; no other can make up for a failure."""
        if self.rows[row][column] != "failed":
            self.rows[row][column] = outcome

    def holes(self) -> list[str]:
        """The cells without a passed test."""
        return [f"{row}-{column}" for row, cells in self.rows.items() for column in LOOPS if cells[column] != "passed"]

    def lines(self, *, whole: bool) -> list[str]:
        """The table as text; without ``whole`` only the rows in which something ran."""
        shown = {row: cells for row, cells in self.rows.items() if whole or any(cells.values())}
        heads = [(*loop.split("+"), "")[:2] for loop in LOOPS]
        widths = [max(map(len, head)) for head in heads]

        def line(name: str, cells: list[str]) -> str:
            centred = "".join([f" {cell:^{width}}" for cell, width in zip(cells, widths, strict=True)])
            cut = name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"
            return f"{cut:<{NAME_WIDTH}}{centred}".rstrip()

        head = [line(self.title, [first for first, _ in heads]), line("", [second for _, second in heads])]
        return [*head, *[line(row, [_SIGNS[cells[loop]] for loop in LOOPS]) for row, cells in shown.items()]]


class ScenarioTables:
    """Collects which cells there are, and what came of them."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.cells: dict[str, tuple[str, str, str]] = {}
        self.outcomes: dict[str, str] = {}
        self.confined = False

    @pytest.hookimpl(tryfirst=True)  # before anything is deselected
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        self.confined = self.confined or _confined(config)
        for item in items:
            for marker in item.iter_markers("scenario"):
                title = str(marker.args[0]) if marker.args else "scenario"
                row, column = _value(item, title), _value(item, "loop")
                self.tables.setdefault(title, Table(title)).add(row, column)
                self.cells[item.nodeid] = (title, row, column)

    def pytest_deselected(self) -> None:
        self.confined = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test passed only when set-up, call and tear-down all did; a test that was skipped fills nothing."""
        if report.nodeid not in self.cells:
            return
        if report.failed:
            self.outcomes[report.nodeid] = "failed"
        elif report.when == "call" and report.passed:
            self.outcomes[report.nodeid] = "passed"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        for test, outcome in self.outcomes.items():
            title, row, column = self.cells[test]
            self.tables[title].fill(row, column, outcome)
        if session.exitstatus == pytest.ExitCode.OK and self.outcomes and not self.confined and self.holes():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.outcomes:
            return
        terminalreporter.section("loops and scenarios")
        for table in self.tables.values():
            for line in table.lines(whole=not self.confined):
                terminalreporter.write_line(line)
        self._conclude(terminalreporter)

    def _conclude(self, terminalreporter: pytest.TerminalReporter) -> None:
        holes = self.holes()
        total = sum(len(table.rows) * len(LOOPS) for table in self.tables.values())
        if not holes:
            terminalreporter.write_line(f"no hole: {total} of {total} cells passed", green=True)
        elif self.confined:
            terminalreporter.write_line(f"{total - len(holes)} of {total} cells passed; only a part was selected")
        else:
            terminalreporter.write_line(f"holes: {len(holes)} of {total} cells", red=True)
            for hole in holes[:_SHOWN_HOLES]:
                terminalreporter.write_line(f"  {hole}", red=True)
            if len(holes) > _SHOWN_HOLES:
                terminalreporter.write_line(f"  and {len(holes) - _SHOWN_HOLES} more", red=True)

    def holes(self) -> list[str]:
        """The cells of all tables without a passed test."""
        return [hole for table in self.tables.values() for hole in table.holes()]


def _value(item: pytest.Item, parameter: str) -> str:
    """The name of the value that a parameter has in a test."""
    callspec: object = getattr(item, "callspec", None)
    values: dict[str, object] = getattr(callspec, "params", {})
    if parameter not in values:
        raise pytest.UsageError(f"{item.nodeid} is marked as a scenario and has no parameter {parameter!r}")
    value = values[parameter]
    return str(getattr(value, "name", value))


def _confined(config: pytest.Config) -> bool:
    """Whether the caller asked for a part of the tests only; deselected tests tell of themselves."""
    if config.args_source is pytest.Config.ArgsSource.ARGS and set(config.args) != set(config.getini("testpaths")):
        return True
    return any(config.getoption(option, None) for option in ("lf", "ignore", "ignore_glob"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "scenario(parameter): fills one cell of the table of loops and scenarios; the parameter holds the row",
    )
    config.pluginmanager.register(ScenarioTables(), "scenario-tables")
