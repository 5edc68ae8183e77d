"""Pytest plugin: checks the ids of ``@pytest.mark.req`` and keeps what became of those tests in .conformance.json."""

import json
import os
from pathlib import Path

import pytest

from conformance.table import OUTCOMES, Outcome, read, read_outcomes, rows

_WORST_FIRST = ("failed", "skipped", "passed")


class Recorder:
    """Merges the outcomes of one run into those of the runs before."""

    def __init__(self, known: frozenset[str], path: Path) -> None:
        self.known = known
        self.path = path
        self.ids: dict[str, list[str]] = {}
        self.outcomes: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)  # before anything is deselected: the ids of those tests are checked, too
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        wrong: list[str] = []
        for item in items:
            markers = list(item.iter_markers("req"))
            ids = sorted({str(each) for marker in markers for each in marker.args})
            wrong += [f"{item.nodeid}: {each}" for each in ids if each not in self.known]
            wrong += [f"{item.nodeid}: a req marker without an id" for marker in markers if not marker.args]
            self.ids[item.nodeid] = ids
        if wrong:
            raise pytest.UsageError("\n".join(["ids that tests/conformance/requirements.toml does not know:", *wrong]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test passed only when set-up, call and tear-down all did."""
        so_far = self.outcomes.get(report.nodeid, "passed")
        self.outcomes[report.nodeid] = min(so_far, report.outcome, key=_WORST_FIRST.index)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self.outcomes or session.config.rootpath != self.path.resolve().parent:
            return  # tests of another place have names that mean nothing in this record
        kept = {test: outcome for test, outcome in read_outcomes(self.path).items() if not self._gone(session, test)}
        for test, outcome in self.outcomes.items():
            if ids := self.ids[test]:
                kept[test] = Outcome(outcome=outcome, req=ids)
            else:
                kept.pop(test, None)
        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        fresh.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        fresh.replace(self.path)  # whole or not at all: runs may overlap

    def _gone(self, session: pytest.Session, test: str) -> bool:
        """Whether a test of an earlier run does not exist any more, as far as this run can tell."""
        if test in self.ids:
            return False
        file = test.partition("::")[0]
        collected_whole = not any("::" in argument for argument in session.config.args)
        return not (session.config.rootpath / file).exists() or (
            collected_whole and any(each.startswith(f"{file}::") for each in self.ids)
        )


def pytest_configure(config: pytest.Config) -> None:
    known = frozenset(row.id for row in rows(read()))
    config.pluginmanager.register(Recorder(known, OUTCOMES), "conformance-recorder")
