"""Prints one line per requirement, ``ID level state tests``, and a summary line.

Exit status 1 when a row failed, or when a MUST row of a finished table is open; else 0.
"""

import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest's pythonpath does: this file is run as a script

from conformance.table import Document, Outcome, Row, read, read_outcomes

STATES = ("passed", "failed", "open", "not-ours")


@dataclass(frozen=True, slots=True)
class Line:
    row: Row
    finished: bool
    state: str
    tests: tuple[str, ...]

    @property
    def wrong(self) -> bool:
        return self.state == "failed" or (self.state == "open" and self.finished and self.row.mandatory)

    def __str__(self) -> str:
        level = self.row.level.replace(" / ", "/").replace(" ", "-")
        return f"{self.row.id} {level} {self.state} {','.join(self.tests) or '-'}"


def judge(documents: Sequence[Document], outcomes: Mapping[str, Outcome]) -> list[Line]:
    """The state of every row, in the order of the table."""
    tests: dict[str, dict[str, set[str]]] = {}
    for test, outcome in outcomes.items():
        for each in outcome["req"]:
            tests.setdefault(each, {}).setdefault(outcome["outcome"], set()).add(test.partition("[")[0])
    own = {row.id: _own_state(row, tests.get(row.id, {})) for document in documents for row in document.rows}
    shown_by = {each: tuple(sorted(set[str]().union(*by_outcome.values()))) for each, by_outcome in tests.items()}
    return [
        Line(row, document.is_finished(row), _state(row, own), shown_by.get(row.id, ()))
        for document in documents
        for row in document.rows
    ]


def _own_state(row: Row, outcomes: Mapping[str, Iterable[str]]) -> str:
    if "failed" in outcomes:
        return "failed"
    if "passed" in outcomes:
        return "passed"
    return "not-ours" if row.not_ours else "open"


def _state(row: Row, own: Mapping[str, str]) -> str:
    if own[row.id] != "open" or not row.covered_by:
        return own[row.id]
    covering = {own[each] for each in row.covered_by}
    if "failed" in covering:
        return "failed"
    return "passed" if covering <= {"passed", "not-ours"} else "open"


def summary(lines: Iterable[Line]) -> str:
    counts = Counter(line.state for line in lines)
    return f"{sum(counts.values())} requirements: " + ", ".join(f"{counts[state]} {state}" for state in STATES)


def _errors(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        if line.wrong:
            why = "a test fails" if line.state == "failed" else "it is finished, and no passing test shows it"
            yield f"{line.row.id}: {why}: {line.row.requirement}"


def main() -> int:
    """Report on the runs since .conformance.json was begun."""
    lines = judge(read(), read_outcomes())
    for line in lines:
        print(line)
    errors = list(_errors(lines))
    for error in errors:
        print(error, file=sys.stderr)
    print(summary(lines))
    return 1 if errors else 0


if __name__ == "__main__":
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `make conformance | head` ends quietly
    sys.exit(main())
