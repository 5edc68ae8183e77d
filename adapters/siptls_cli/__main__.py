"""`siptls`, and ``python -m siptls_cli``."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .problem import Problem

_EXTRA: Final = frozenset({"anyio", "click", "cryptography", "dns", "idna", "rich"})
"""What the extra `cli` brings, as import names."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what follows the program's name; None for what the process was started with.

    Returns:
        The exit code: 0 verified, 1 rejected, 2 usage or unreadable input, 3 undetermined, 4 no service, 5 below
        ``--require``, 70 a bug of ours, 130 interrupted.
    """
    given = tuple(sys.argv[1:] if arguments is None else arguments)
    with warnings.catch_warnings():
        # What libraries remark on the certificates of others is not for standard error; what matters is in the verdict.
        warnings.filterwarnings("ignore", category=UserWarning)
        try:
            from .commands import cli

            code: int = cli.main(given, "siptls", standalone_mode=False) or 0
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, the exit code must be no verdict
            return _report(error, given)
    return code


def _report(error: BaseException, given: Sequence[str]) -> int:
    from . import problem, terminal

    found = _problem(error)
    if "--debug" in given and found.exit_code == problem.BUG:
        import traceback

        traceback.print_exception(error)
    with suppress(OSError):  # nobody can be told then, but by the exit code
        if _wants_json(given) and not found.told_apart:
            terminal.put(found.to_json())
        else:
            print(found.to_text(), file=sys.stderr)
    return found.exit_code


def _problem(error: BaseException) -> Problem:
    from . import problem

    if isinstance(error, problem.Problem):
        return error
    if isinstance(error, KeyboardInterrupt):
        return problem.interrupted()
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _EXTRA:
        return problem.missing_extra(error)
    import click

    from siptls.errors import SiptlsError

    if isinstance(error, click.Abort):
        return problem.interrupted()
    if isinstance(error, click.ClickException):
        return problem.of_click(error)
    return problem.of_siptls(error) if isinstance(error, SiptlsError) else problem.bug(error)


def _wants_json(given: Sequence[str]) -> bool:
    """Whether JSON is asked for, also where the rest of the command line makes no sense; the last wish counts."""
    wish = ""
    for word, following in zip_longest(given, given[1:], fillvalue=""):
        if word == "--format" and following in ("text", "json"):
            wish = following
        elif word.startswith("--format="):
            wish = word.partition("=")[2]
    return wish == "json"


if __name__ == "__main__":
    sys.exit(main())
