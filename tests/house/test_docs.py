"""What the documentation shows is run, block by block, and what it lists is complete."""

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from sphinx.util.inventory import InventoryFile

import siptls
import siptls.dns
import siptls_io
import siptls_io.anyio
import siptls_io.asyncio
import siptls_io.blocking
import siptls_io.trio
from house.pages import (
    PAGES,
    ROOT,
    TUTORIAL,
    Terminal,
    agree,
    blocks_nobody_runs,
    commands,
    comparable,
    copy_of_examples,
    examples,
    make_targets,
    of_this_environment,
    runnable,
    verbs,
)
from siptls_cli.commands import cli

KINDS = ("security", "breaking", "added", "changed", "fixed")

each_page = pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.relative_to(ROOT).as_posix()) for page in PAGES]
)


def run(page: Path, folder: Path) -> int:
    """Run all examples of a page, and return how many there are."""
    with Terminal(copy_of_examples(folder), of_this_environment(folder)) as terminal:
        found = examples(page, terminal)
        for example in found:
            example.evaluate()
    return len(found)


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.relative_to(ROOT).as_posix()) for page in PAGES if page != TUTORIAL]
)
def test_the_examples_of_a_page_do_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(page, tmp_path) == runnable(page.read_text(encoding="utf-8"))


def is_installation(command: str) -> bool:
    """Say whether a command of the tutorial makes the environment; .ci/check-tutorial types those, too."""
    return command.startswith(("python3 -m venv ", ". ~/", "pip install "))


@pytest.mark.server("openssl")
def test_the_tutorial_works_in_this_environment(tmp_path: Path) -> None:
    (tmp_path / "siptls-tutorial").mkdir()
    with Terminal(ROOT, of_this_environment(tmp_path), is_installation) as terminal:
        found = examples(TUTORIAL, terminal)
        for example in found:
            example.evaluate()
    assert len(found) == runnable(TUTORIAL.read_text(encoding="utf-8"))


def test_the_tutorial_is_typed_into_a_fresh_environment_by_lint() -> None:
    typed = [command for command, _ in commands(TUTORIAL.read_text(encoding="utf-8")) if is_installation(command)]
    assert len(typed) == 3
    assert "\n.ci/check-tutorial\n" in (ROOT / ".ci" / "lint").read_text(encoding="utf-8")


@each_page
def test_a_page_has_no_block_that_nobody_runs(page: Path) -> None:
    assert blocks_nobody_runs(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "A list:\n\n    make demo\n",
        "```\nmake demo\n```\n",
        "```sh\nmake demo\n```\n",
        "```text\nsiptls check --all\n```\n",
        "- a list\n\n  ```bash\n  make demo\n  ```\n",
        ":::{code-block} python\nassert False\n:::\n",
        "```{code-block} python\nassert False\n```\n",
    ],
)
def test_a_block_that_nobody_runs_is_found(text: str) -> None:
    assert len(blocks_nobody_runs(text)) == 1


def test_the_synopsis_of_a_command_is_no_such_block() -> None:
    assert blocks_nobody_runs("```text\nsiptls check [OPTIONS] URI\n```\n") == []


def test_a_wrong_example_is_found(tmp_path: Path) -> None:
    shown = (
        "python\nassert 1 == 2",
        "console\n$ siptls --version\n0.0.0",
        "console\n$ make nothing",
        "console\n$ false x",
    )
    for number, text in enumerate(shown):
        page = tmp_path / f"{number}.md"
        page.write_text(f"```{text}\n```\n", encoding="utf-8")
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(AssertionError):
            run(page, folder)


def test_what_differs_from_run_to_run_is_not_compared() -> None:
    assert commands("$ one \\\n    two\nprinted\n$ three\n") == [("one \\\n    two", "printed\n"), ("three", "")]
    assert agree("a\nb\nc\n", "a\n…\nc")
    assert agree("a\nc\n", "a\n…\nc\n")
    assert not agree("a\nb\nd\n", "a\n…\nc\n")
    assert agree(f"3 1 1 {'ab' * 32} 7 ms", f"3 1 1 {'cd' * 32}   12.5 ms")
    assert agree("(1 key) 01234567…89abcdef", "(1 key) fedcba98…76543210")
    assert not agree("01234567…89abcdef", "01234567…89abcdef and more")
    assert not agree("b", ".")
    assert comparable("x  5 ms \n") == comparable("x 17 ms")


def test_the_targets_of_the_makefile_are_known() -> None:
    assert {"demo", "test", "docs", "lint"} <= make_targets()


def test_every_command_and_option_stands_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    context = click.Context(cli, help_option_names=cli.context_settings["help_option_names"])
    names = {name for parameter in cli.get_params(context) for name in parameter.opts}
    for name, command in verbs(cli):
        names |= {f"siptls {name}"}
        names |= {name for parameter in command.get_params(context) for name in parameter.opts if name.startswith("-")}
    assert "--zone" in names
    assert [name for name in sorted(names) if not re.search(rf"{name}\b", page)] == []


def public_names() -> Iterator[tuple[str, object]]:
    """Everything that a user may import, with its full name."""
    for module in (siptls, siptls.dns, siptls_io):
        for name in module.__all__:
            value = getattr(module, name)
            if not inspect.ismodule(value):
                yield f"{module.__name__}.{name}", value
    for loop in (siptls_io.asyncio, siptls_io.trio, siptls_io.anyio, siptls_io.blocking):
        for name, value in vars(loop).items():
            defined = inspect.isclass(value) or inspect.isfunction(value)
            if defined and value.__module__ == loop.__name__ and not name.startswith("_"):
                yield f"{loop.__name__}.{name}", value


def test_everything_public_stands_in_the_reference_and_nothing_in_it_is_broken(tmp_path: Path) -> None:
    """The documentation is built as .ci/lint builds it; its inventory says what it describes."""
    strictly = ("-q", "-n", "-W", "--keep-going")
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *strictly, "-d", tmp_path / "trees", ROOT / "docs", tmp_path / "html"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, built.stderr) == (0, "")
    inventory = InventoryFile.loads((tmp_path / "html" / "objects.inv").read_bytes(), uri="")
    described = {name for kind, names in inventory.data.items() if kind.startswith("py:") for name in names}
    names: dict[int, set[str]] = {}
    for name, value in public_names():
        names.setdefault(id(value), set()).add(name)  # what may be imported from two places is described in one
    assert {"siptls.dns.Lookup", "siptls.Lookup"} in names.values()
    assert {"siptls_io.trio.connect"} in names.values()
    assert [each for each in names.values() if not each & described] == []


def included(page: str, file: str) -> str:
    """The parts of a file that a page shows by the texts in the lines at which they begin and end."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines(keepends=True)
    shown = ""
    parts = rf'^```{{literalinclude}} \S+/{file}\n:start-at: "(.*)"\n:end-before: "(.*)"\n```'
    for start, end in re.findall(parts, text, re.MULTILINE):
        first = next(number for number, line in enumerate(lines) if start in line)
        last = next(number for number, line in enumerate(lines) if end in line and number > first)
        shown += "".join(lines[first:last])
    return shown


def test_the_guide_to_drivers_explains_every_line_of_the_trio_loop() -> None:
    file = "adapters/siptls_io/trio.py"
    source = (ROOT / file).read_text(encoding="utf-8")
    loop = source[source.index("async def drive(") : source.index("class StreamPerformer")]
    assert included("how-to/write-your-own-driver.md", file) == loop


def test_news_fragments_have_names_that_towncrier_reads() -> None:
    pattern = re.compile(rf"(\+[a-z0-9-]+|[0-9]+)\.({'|'.join(KINDS)})\.md")
    names = [path.name for path in (ROOT / "docs" / "newsfragments").iterdir()]
    assert [name for name in names if name != "README.md" and not pattern.fullmatch(name)] == []
