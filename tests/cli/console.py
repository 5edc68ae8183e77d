"""Run the command line as a process does, or inside this one, and read what it printed."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cli.conforming import kind_of
from siptls_cli.__main__ import main

GLYPHS = frozenset("✓✗○\N{EN DASH}…·—")
"""All characters beyond ASCII that text for people may hold."""


@dataclass(frozen=True)
class Run:
    """What a run came to."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """What was printed, which must be one JSON object and nothing else, as the schema describes it."""
        found: dict[str, Any] = json.loads(self.out)
        kind_of(found)
        return found

    @property
    def verdict(self) -> tuple[str, str, str]:
        verdict = self.json["verdict"]
        return verdict["outcome"], verdict["method"], verdict["code"]

    @property
    def error(self) -> dict[str, Any]:
        assert set(self.json) == {"error"}
        error: dict[str, Any] = self.json["error"]
        return error

    @property
    def first_line(self) -> str:
        return self.out.partition("\n")[0]


def run(*arguments: str, encoding: str = "utf-8") -> Run:
    """Run `siptls` in this process, with pipes as its standard output and error."""
    out, err = io.BytesIO(), io.BytesIO()
    with (
        io.TextIOWrapper(out, encoding, write_through=True) as out_text,
        io.TextIOWrapper(err, encoding, write_through=True) as err_text,
        contextlib.redirect_stdout(out_text),
        contextlib.redirect_stderr(err_text),
    ):
        code = main(arguments)
        return Run(code, out.getvalue().decode(encoding), err.getvalue().decode(encoding))


def environment(**changed: str) -> dict[str, str]:
    """The environment of a process whose output nobody's settings change."""
    unwanted = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM", "PYTHONIOENCODING", "PYTHONUTF8")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error::ResourceWarning", **changed}


def start(*arguments: str, program: Sequence[str] = ("-m", "siptls_cli"), **changed: str) -> subprocess.Popen[str]:
    """Start `siptls` as a process of its own."""
    # Whoever runs the tests in the background may let them ignore SIGINT; children inherit that, but no handler.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, *program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environment(**changed),
        )
    finally:
        signal.signal(signal.SIGINT, before)


def run_process(*arguments: str, program: Sequence[str] = ("-m", "siptls_cli"), **changed: str) -> Run:
    """Run `siptls` as a process of its own."""
    with start(*arguments, program=program, **changed) as process:
        out, err = process.communicate(timeout=60)
    return Run(process.returncode, out, err)
