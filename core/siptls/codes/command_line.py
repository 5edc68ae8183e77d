"""The command line."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "usage.error",
        "error",
        "the command line cannot be understood",
        fix="see the help of the command",
    ),
    Code(
        "input.unreadable",
        "error",
        "a file cannot be read as what it should be",
        fix="correct the file, or name another one",
    ),
    Code(
        "output.unwritable",
        "error",
        "standard output cannot be written",
        fix="make room there, or write to another place",
    ),
    Code(
        "internal.bug",
        "error",
        "this is a bug of siptls",
        why="something happened that its authors did not think of",
        fix="report it with the output of --debug",
    ),
    Code(
        "run.interrupted",
        "error",
        "interrupted before there was a result",
        fix="run it again",
    ),
)
