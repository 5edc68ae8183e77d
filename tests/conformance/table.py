"""Reads requirements.toml: the rows that tests name with ``@pytest.mark.req``."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

TABLE = Path(__file__).with_name("requirements.toml")
OUTCOMES = Path(__file__).parents[2] / ".conformance.json"

_MANDATORY = {"MUST", "MUST NOT", "SHALL", "SHALL NOT", "REQUIRED"}


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    level: str
    requirement: str
    section: str = ""
    binds: str = ""
    not_ours: str = ""
    covered_by: tuple[str, ...] = ()

    @property
    def mandatory(self) -> bool:
        """A lower-case must counts: the document says it in prose, or the rule is ours."""
        return any(word.strip().upper() in _MANDATORY for word in self.level.split("/"))


class Outcome(TypedDict):
    """What became of one test, and the rows that it shows."""

    outcome: str  # passed, skipped or failed
    req: list[str]


@dataclass(frozen=True, slots=True)
class Document:
    key: str
    title: str
    finished: bool | tuple[str, ...]  # all rows, none, or those whose ids begin so
    rows: tuple[Row, ...]

    def is_finished(self, row: Row) -> bool:
        """Whether a row of this table must be shown from now on."""
        return self.finished if isinstance(self.finished, bool) else row.id.startswith(self.finished)


def read(path: Path = TABLE) -> tuple[Document, ...]:
    """All documents in the order of the file; ValueError for a row that is not well formed."""
    with path.open("rb") as file:
        documents = tuple(_document(key, table) for key, table in tomllib.load(file).items())
    seen: set[str] = set()
    for row in rows(documents):
        if row.id in seen:
            raise ValueError(f"{path}: {row.id} stands twice")
        seen.add(row.id)
    for row in rows(documents):
        if unknown := set(row.covered_by) - seen:
            raise ValueError(f"{path}: {row.id} is covered by unknown rows: {sorted(unknown)}")
    return documents


def rows(documents: tuple[Document, ...]) -> Iterator[Row]:
    for document in documents:
        yield from document.rows


def read_outcomes(path: Path = OUTCOMES) -> dict[str, Outcome]:
    """What the runs so far have left, by node id; nothing when there was none."""
    if not path.exists():
        return {}
    return cast(dict[str, Outcome], json.loads(path.read_text(encoding="utf-8")))


def _document(key: str, table: Mapping[str, object]) -> Document:
    title, entries = table["title"], cast(list[dict[str, object]], table["row"])
    finished, rows = table["finished"], tuple(map(_row, entries))
    if not isinstance(title, str) or not isinstance(finished, (bool, list)) or len(table) != 3:
        raise ValueError(f"table {key}: needs title, finished and rows, and nothing else")
    if isinstance(finished, bool):
        return Document(key, title, finished, rows)
    prefixes = cast("list[object]", finished)
    for prefix in prefixes:
        if not isinstance(prefix, str) or not any(row.id.startswith(prefix) for row in rows):
            raise ValueError(f"table {key}: finished names {prefix!r}, and no row begins so")
    return Document(key, title, tuple(map(str, prefixes)), rows)


def _row(entry: Mapping[str, object]) -> Row:
    texts = {name: value for name, value in entry.items() if isinstance(value, str) and value}
    covered_by = tuple(cast(list[str], entry.get("covered_by", [])))
    if wrong := set(entry) - set(texts) - {"covered_by"}:
        raise ValueError(f"row {entry.get('id')}: {sorted(wrong)} must be text that is not empty")
    return Row(**texts, covered_by=covered_by)
