"""The pages of the documentation: their blocks, and a terminal into which their commands are typed word for word."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType

import click
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.deflist import deflist_plugin
from sybil import Document, Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

from siptls_cli.commands import cli

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial" / "first-verdict.md"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if "generated" not in page.parts),
]
_PATIENCE = 600.0
"""How long one command may take, in seconds: an installation over a slow network."""
_BACKGROUND_PATIENCE = 60.0
_MARK = "=-=-= the command is over:"


def comparable(text: str) -> str:
    """Text without what differs from run to run: durations, blanks before them, and which of A and AAAA is first."""
    text = re.sub(r" *\b\d+(\.\d+)? ms\b", " N ms", text.strip())
    text = re.sub(r"^(.* AAAA .*)\n(.* A     .*)$", r"\2\n\1", text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.splitlines())


def agree(printed: str, shown: str) -> bool:
    """Say whether a command printed what a page shows: a line "…" stands for any lines, and keys are always new."""
    pattern = re.escape(comparable(shown) + "\n")
    pattern = re.sub(r"^…\n", "(?:.*\n)*", pattern.replace("\\\n", "\n"), flags=re.MULTILINE)
    pattern = re.sub(r"\b[0-9a-f]{64}\b", "[0-9a-f]{64}", pattern)
    pattern = re.sub(r"\b[0-9a-f]{8}…[0-9a-f]{8}\b", "[0-9a-f]{8}…[0-9a-f]{8}", pattern)
    return re.fullmatch(pattern, comparable(printed) + "\n") is not None


def commands(console: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with what the page shows that it prints."""
    found: list[tuple[str, str]] = []
    for block in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        match = re.fullmatch(r"((?:.*\\\n)*.*)\n?((?:.*\n?)*)", block)
        assert match is not None
        found.append((match[1], match[2]))
    return found


class Terminal:
    """A shell into which the commands of one page are typed, while its block runs.

    Args:
        folder: where it begins.
        variables: what it finds in its environment, besides ours.
        skip: says of a command that it is not typed.
    """

    def __init__(
        self, folder: Path, variables: Mapping[str, str], skip: Callable[[str], bool] = lambda _command: False
    ) -> None:
        self._folder = folder
        self._skip = skip
        self._background = False
        plain = {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        hidden = {"PYTHONPATH", "VIRTUAL_ENV", "FORCE_COLOR"}
        ours = {name: value for name, value in os.environ.items() if name not in hidden}
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env={**ours, **plain, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._shell.pid, signal.SIGKILL)  # the shell and what runs in its background
        self._shell.communicate()

    def console(self, example: Example) -> None:
        """Type the commands of a block, and hold what they print against what the page shows."""
        for command, shown in commands(str(example.parsed)):
            if command.startswith("make "):
                assert command.split()[1] in make_targets(), f"$ {command}"
            elif not self._skip(command):
                self._hold(command, shown)

    def file(self, example: Example) -> None:
        """Write a block with a caption into the file of that name, where the shell is."""
        name = example.region.lexemes["options"]["caption"]
        Path(self.type("pwd")[0].strip(), name).write_text(str(example.parsed), encoding="utf-8")

    def type(self, command: str) -> tuple[str, int]:
        """Run one command, and return what it printed and its exit code."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        # eval, so that it changes the shell's own folder and variables; and it must not read what is typed next.
        quoted = "'" + command.replace("'", "'\\''") + "'"
        self._shell.stdin.write(f'eval {quoted} </dev/null\nprintf "\\n%s %s\\n" "{_MARK}" $?\n')
        self._shell.stdin.flush()
        alarm = threading.Timer(_PATIENCE, os.killpg, (self._shell.pid, signal.SIGKILL))
        alarm.start()
        printed = ""
        try:
            while not (line := self._shell.stdout.readline()).startswith(_MARK):
                assert line, f"$ {command}\n{printed}\nthe shell is gone"
                printed += line
        finally:
            alarm.cancel()
        return printed[:-1], int(line.rpartition(" ")[2])

    def _hold(self, command: str, shown: str) -> None:
        printed, status = self.type(command)
        until = time.monotonic() + _BACKGROUND_PATIENCE
        # What a program in the background writes comes when it comes: a reader would look again.
        while self._background and command.startswith("cat ") and time.monotonic() < until:
            if agree(printed, shown):
                break
            time.sleep(0.05)
            printed, status = self.type(command)
        self._background |= command.endswith("&")
        if not command.startswith("pip "):  # which warns of whatever it does not like about this machine
            assert agree(printed, shown), f"$ {command}\nprinted:\n{printed}\nthe page shows:\n{shown}"
        told = re.search(r" · exit (\d+)$", shown.rstrip())
        if told is not None or not shown:  # silence is success
            assert status == int(told[1] if told else 0), f"$ {command}\nexits with {status}:\n{printed}"


def make_targets() -> set[str]:
    """The targets of the Makefile that say what they are."""
    return set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def examples(page: Path, terminal: Terminal) -> list[Example]:
    """What a page shows and can be run, in the order of the page."""
    sybil = Sybil(parsers=[PythonCodeBlockParser(), CodeBlockParser("console", terminal.console)])
    document: Document = sybil.parse(page)
    found: list[Example] = list(document.examples())
    for example in found:
        if "caption" in example.region.lexemes.get("options", {}):
            example.region.evaluator = terminal.file
    return found


def of_this_environment(folder: Path) -> dict[str, str]:
    """The variables with which a terminal finds the programs of this virtual environment."""
    binaries = os.fspath(Path(sys.executable).parent)
    return {"PATH": os.pathsep.join([binaries, os.environ.get("PATH", os.defpath)]), "HOME": os.fspath(folder)}


def copy_of_examples(folder: Path) -> Path:
    """Copy the files of the documentation, so that nothing is written into the checkout."""
    return Path(shutil.copytree(ROOT / "docs" / "examples", folder / "examples"))


# Blocks that nobody runs.

_PROSE = {"{toctree}", "{eval-rst}", "{include}", "{literalinclude}"}


def tokens(text: str) -> list[Token]:
    """The Markdown of a page, as Sphinx reads it."""
    return MarkdownIt("commonmark").enable("table").use(deflist_plugin).use(colon_fence_plugin).parse(text)


def blocks_nobody_runs(text: str) -> list[str]:
    """The code blocks of a page that are neither run nor the synopsis of a command."""
    found: list[str] = []
    for token in tokens(text):
        if token.type == "code_block":
            found.append(f"indented: {token.content}")
        elif token.type in {"fence", "colon_fence"}:
            language = token.info.strip()
            run = language in {"python", "console"} or (language == "text" and is_synopsis(token.content))
            shown = language.split(" ")[0] in _PROSE
            typed = language.startswith("{code-block}") and token.content.startswith(":caption: ")
            if not (run or shown or typed):
                found.append(f"{language}: {token.content}")
    return found


def verbs(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """The commands of a group, each with what is typed behind siptls, and those of the groups in it."""
    for name, command in group.commands.items():
        yield f"{above}{name}", command
        if isinstance(command, click.Group):
            yield from verbs(command, f"{above}{name} ")


def is_synopsis(text: str) -> bool:
    """Say whether a text is the usage of a command, as its help gives it."""
    for name, command in verbs(cli):
        # The command keeps the help option that it makes for its first context.
        context = click.Context(command, info_name=f"siptls {name}", help_option_names=["-h", "--help"])
        if text.split() == command.get_usage(context).split()[1:]:
            return True
    return False


def runnable(text: str) -> int:
    """How many blocks of a page are to be run."""
    languages = [token.info.strip() for token in tokens(text) if token.type == "fence"]
    return sum(each in {"python", "console"} or each.startswith("{code-block}") for each in languages)
