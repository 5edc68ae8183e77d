"""What explain prints, and what any verb prints instead of a result."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from siptls.codes import Severity


class CodeEntry(TypedDict):
    """An entry of the catalogue of codes."""

    id: str
    severity: Severity
    title: str
    why: str
    impact: str
    causes: list[str]
    confirm: list[str]
    fix: str
    reference: str


class ExplainCodeOutput(TypedDict):
    """What `siptls explain CODE` prints."""

    code: CodeEntry
    exit: int


class ExplainListOutput(TypedDict):
    """What `siptls explain --list` prints."""

    codes: list[CodeEntry]
    exit: int


class ExitCode(TypedDict):
    """What a process returns, and what that means."""

    code: int
    title: str
    why: str


class ExplainExitOutput(TypedDict):
    """What `siptls explain exit` prints."""

    exit_codes: list[ExitCode]
    exit: int


class Error(TypedDict):
    """What ended a run without a result, and where."""

    code: str
    message: str
    position: NotRequired[int]
    file: NotRequired[str]
    line: NotRequired[int]


class ErrorOutput(TypedDict):
    """What any verb prints instead of a result."""

    error: Error
