"""What the documentation shows is run: Python blocks one after the other, and the console blocks of siptls."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

from siptls_cli.commands import cli

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
KINDS = ("security", "breaking", "added", "changed", "fixed")


def comparable(text: str) -> str:
    """Text without what differs from run to run: durations, blanks before them, and which of A and AAAA is first."""
    text = re.sub(r" *\b\d+(\.\d+)? ms\b", " N ms", text.strip())
    text = re.sub(r"^(.* AAAA .*)\n(.* A     .*)$", r"\2\n\1", text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.splitlines())


def run_console(example: Example) -> None:
    """Run the commands of one console block in docs/examples, and compare what they print."""
    for block in re.split(r"^\$ ", str(example.parsed), flags=re.MULTILINE)[1:]:
        command, _, expected = re.sub(r" \\\n +", " ", block).partition("\n")
        program, *arguments = shlex.split(command)
        if program != "siptls":
            continue
        run = subprocess.run(
            [sys.executable, "-m", "siptls_cli", *arguments],
            cwd=EXAMPLES,
            env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert comparable(run.stdout + run.stderr) == comparable(expected), f"$ {command}"


def blocks(page: Path) -> list[Example]:
    parser = Sybil(parsers=[PythonCodeBlockParser(), CodeBlockParser("console", run_console)])
    return list(parser.parse(page).examples())


@pytest.mark.parametrize("page", [pytest.param(page, id=page.relative_to(ROOT).as_posix()) for page in PAGES])
def test_the_examples_of_a_page_do_what_the_page_says(page: Path) -> None:
    for example in blocks(page):
        example.evaluate()


def test_there_are_examples_to_run() -> None:
    assert sum(len(blocks(page)) for page in PAGES) >= 5


def test_a_wrong_example_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nassert 1 == 2\n```\n\n```console\n$ siptls --version\n0.0.0\n```\n", encoding="utf-8")
    for example in blocks(page):
        with pytest.raises(AssertionError):
            example.evaluate()


def test_every_command_and_option_stands_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    context = click.Context(cli)
    names = {name for parameter in cli.get_params(context) for name in parameter.opts}
    for command in cli.commands.values():
        names |= {f"siptls {command.name}"}
        names |= {name for parameter in command.get_params(context) for name in parameter.opts if name.startswith("-")}
    assert "--zone" in names
    assert [name for name in sorted(names) if not re.search(rf"{name}\b", page)] == []


def test_news_fragments_have_names_that_towncrier_reads() -> None:
    pattern = re.compile(rf"(\+[a-z0-9-]+|[0-9]+)\.({'|'.join(KINDS)})\.md")
    names = [path.name for path in (ROOT / "docs" / "newsfragments").iterdir()]
    assert [name for name in names if name != "README.md" and not pattern.fullmatch(name)] == []
