"""What ends a run without a verdict: a wrong command line, an unreadable file, a bug, Ctrl-C."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import click

    from siptls.errors import InvalidUri, InvalidVia, SiptlsError

# Exit codes; those of a verdict stand in `report`. None of them can be mistaken for a verdict (BSD's sysexits for 70).
USAGE: Final = 2
BUG: Final = 70
INTERRUPTED: Final = 130

_SHOWN: Final = 60  # characters of a URI beside the caret


class Problem(Exception):
    """A reason for which there is no verdict.

    Args:
        code: a code of the catalogue.
        message: one line for people: plain ASCII without control characters.
        exit_code: what the process returns.
        below: further lines for people.
        position: the column of the offending character of an argument, counted from 0.
        file: the offending file.
        line: the offending line of the file, counted from 1.
        told_apart: whether it is told on standard error in any case, because standard output is of no use any more.
    """

    def __init__(
        self,
        code: str,
        message: str,
        exit_code: int = USAGE,
        *,
        below: tuple[str, ...] = (),
        position: int | None = None,
        file: str | None = None,
        line: int | None = None,
        told_apart: bool = False,
    ) -> None:
        super().__init__(message)
        self.code: Final = code
        self.message: Final = message
        self.exit_code: Final = exit_code
        self.below: Final = below
        self.position: Final = position
        self.file: Final = file
        self.line: Final = line
        self.told_apart: Final = told_apart

    def to_text(self) -> str:
        """Return the problem as text for people, without a newline at the end."""
        return "\n".join((f"siptls: {self.message}", *self.below))

    def to_json(self) -> str:
        """Return the problem as a JSON object, without a newline at the end."""
        places = {"position": self.position, "file": self.file, "line": self.line}
        known = {name: place for name, place in places.items() if place is not None}
        return json.dumps({"error": {"code": self.code, "message": self.message, **known}}, indent=2)


def interrupted() -> Problem:
    """Return the problem that Ctrl-C is."""
    return Problem("run.interrupted", "interrupted", INTERRUPTED)


def bug(error: BaseException) -> Problem:
    """Return the problem that an unexpected exception is: always ours."""
    message = f"this is our bug: {type(error).__name__}: {error}"
    return Problem("internal.bug", shown(message, 500), BUG, below=("  please report it with the output of --debug",))


def missing_extra(error: ModuleNotFoundError) -> Problem:
    """Return the problem that a package which is not installed is."""
    extra = "trio" if error.name == "trio" else "cli"
    return Problem("usage.error", f'{error.name} is missing: install it with: python -m pip install "siptls[{extra}]"')


def cut_off() -> Problem:
    """Return the problem that Ctrl-C is while a result is being written."""
    return Problem("run.interrupted", "interrupted, and the result was cut off", INTERRUPTED, told_apart=True)


def unwritable(error: OSError) -> Problem:
    """Return the problem that a standard output which takes nothing is, for example because the disk is full."""
    return Problem(
        "output.unwritable", shown(f"standard output cannot be written: {error.strerror or error}"), told_apart=True
    )


def of_click(error: click.ClickException) -> Problem:
    """Return the problem that click found in the command line."""
    from click import UsageError
    from click.exceptions import NoArgsIsHelpError

    below: tuple[str, ...] = ()
    if isinstance(error, NoArgsIsHelpError):
        return Problem("usage.error", "a command is missing", below=("", error.format_message()))
    if isinstance(error, UsageError) and error.ctx is not None:
        below = (f"  try: {error.ctx.command_path} --help",)
    return Problem("usage.error", shown(error.format_message()), below=below)


def of_siptls(error: SiptlsError) -> Problem:
    """Return the problem that an argument or a file which siptls refuses is; anything else is a bug."""
    from siptls.errors import InvalidName, InvalidPolicy, InvalidUri
    from siptls_io import InvalidFile, InvalidServer, InvalidStatus, MissingLibrary

    if isinstance(error, InvalidUri):
        return of_uri(error)
    if isinstance(error, InvalidFile):
        return Problem("input.unreadable", shown(str(error)), file=shown(error.file), line=error.line)
    if isinstance(error, (InvalidName, InvalidPolicy, InvalidServer, InvalidStatus, MissingLibrary)):
        return Problem("usage.error", shown(str(error)))
    return bug(error)


def of_uri(error: InvalidUri, hint: str = "") -> Problem:
    """Return the problem that a text which is no SIP URI is: the text, and a caret under the offending character.

    Args:
        error: what the parser says.
        hint: what to type instead, if that can be told.
    """
    return _pointed_at(error, "uri.invalid", "a SIP URI", hint)


def of_via(error: InvalidVia, hint: str = "") -> Problem:
    """Return the problem that a text which is no Via header field value is, in the same form.

    Args:
        error: what the parser says.
        hint: what to type instead, if that can be told.
    """
    return _pointed_at(error, "via.invalid", "a Via header field value", hint)


def _pointed_at(error: InvalidUri | InvalidVia, code: str, wanted: str, hint: str) -> Problem:
    text, position = error.text, error.position
    start = max(0, position - _SHOWN // 2)
    end = min(len(text), start + _SHOWN)
    before = ("..." if start else "") + shown(text[start:position])
    after = shown(text[position:end]) + ("..." if end < len(text) else "")
    message = f"not {wanted}: at column {position + 1} expected {error.expected}"
    below = (f"  {before}{after}", f"  {' ' * len(before)}^", *([f"  {hint}"] if hint else []))
    return Problem(code, shown(message), below=below, position=position)


def shown(text: str, limit: int = 2_000) -> str:
    """Return a text from outside as plain ASCII in one line, which no terminal acts upon."""
    from siptls.journal import printable

    return printable(text, limit)
