import ast
import importlib.util
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from siptls.codes import CATALOGUE, ROOMS, Code
from siptls.codes.entry import EFFECT
from siptls_cli.commands import cli
from siptls_cli.explain import EXIT_CODES, by_room

ROOT = Path(__file__).parents[2]
FIELDS = {
    "error": ("why", "impact", "causes", "confirm", "fix", "reference"),
    "warning": ("why", "impact", "causes", "confirm", "fix", "reference"),
    "note": ("why", "reference"),
    "ok": ("reference",),
}
"""What an entry has to say besides its finding, by its severity."""

each_code = pytest.mark.parametrize("code", CATALOGUE.values(), ids=CATALOGUE)


def texts(source: str) -> Iterator[str]:
    """All string literals of a module, docstrings aside."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def used() -> Counter[str]:
    """How often each text that looks like a code stands in core/ and adapters/, the catalogue aside."""
    found: Counter[str] = Counter()
    for root in ("core", "adapters"):
        for path in (ROOT / root).rglob("*.py"):
            if path.parent.name != "codes":
                found.update(
                    text
                    for text in texts(path.read_text(encoding="utf-8"))
                    if re.fullmatch(r"[a-z]+(\.[a-z0-9-]+)+", text) and text.partition(".")[0] in ROOMS
                )
    return found


def test_every_code_that_is_used_stands_in_the_catalogue() -> None:
    assert sorted(set(used()) - CATALOGUE.keys()) == []


def test_every_code_of_the_catalogue_is_used() -> None:
    assert sorted(CATALOGUE.keys() - set(used())) == []


def generated_pages() -> dict[str, str]:
    """The pages of the reference that are made of the catalogue, as the documentation is built with them."""
    found = importlib.util.spec_from_file_location("generated_pages", ROOT / "docs" / "_ext" / "generated_pages.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    pages: dict[str, Iterator[str]] = {"codes": module.codes(), "exit-codes": module.exit_codes()}
    return {name: "\n".join(lines).replace("\\", "") for name, lines in pages.items()}


def test_the_pages_of_the_reference_say_all_that_the_catalogue_says() -> None:
    pages = generated_pages()
    sections = dict(re.findall(r"^### `(.*?)`\n(.*?)(?=^##|\Z)", pages["codes"], re.MULTILINE | re.DOTALL))
    assert sorted(sections) == sorted(CATALOGUE)
    for code in CATALOGUE.values():
        for text in (code.severity, code.title[1:], code.why, code.impact, *code.causes, code.fix, code.reference):
            assert text.replace("\\", "") in sections[code.id]
        assert all(step.replace("\\", "") in sections[code.id] for step in code.confirm)
    for exit_code in EXIT_CODES:
        assert f"| {exit_code.code} | {exit_code.title} | {exit_code.why} |" in pages["exit-codes"]
    for page in ("codes", "cli"):
        assert "```{include} generated/" in (ROOT / "docs" / "reference" / f"{page}.md").read_text(encoding="utf-8")


def test_no_two_entries_have_the_same_id() -> None:
    entries = re.compile(r'^ {8}"([a-z]+\.[a-z0-9.-]+)",$', re.MULTILINE)
    modules = (ROOT / "core" / "siptls" / "codes").glob("*.py")
    written = Counter(code for module in modules for code in entries.findall(module.read_text(encoding="utf-8")))
    assert written == Counter(CATALOGUE.keys())


def test_every_room_has_a_title_and_codes() -> None:
    assert [room for room, codes in by_room().items() if not codes] == []
    assert sorted(code.id for codes in by_room().values() for code in codes) == sorted(CATALOGUE)


@each_code
def test_an_entry_says_all_that_its_severity_asks_for(code: Code) -> None:
    assert set(FIELDS) == set(EFFECT)
    assert [name for name in ("title", *FIELDS[code.severity]) if not getattr(code, name)] == []


@each_code
def test_texts_are_written_as_the_house_writes_them(code: Code) -> None:
    assert re.fullmatch(r"[a-z]+(\.[a-z0-9-]+)+", code.id)
    for text in (code.title, code.why, code.impact, *code.causes, *code.confirm, code.fix, code.reference):
        assert text == text.strip()
        assert text.isascii()
        assert text.isprintable()
        assert not text.endswith(".") or text.startswith("$ ")
        assert "`" not in text
    assert len(code.title) <= 100
    for line in (code.why, code.fix):
        assert len(line) <= 180
    for lines in (code.causes, code.confirm):
        assert len(lines) <= 6
        assert len(set(lines)) == len(lines)


@each_code
def test_a_command_to_type_fits_into_one_line_of_a_terminal(code: Code) -> None:
    assert [text for text in code.confirm if text.startswith("$ ") and len(text) > 76] == []


COMMANDS = sorted({text for code in CATALOGUE.values() for text in code.confirm if text.startswith("$ siptls ")})


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_siptls_that_are_to_be_typed_exist(command: str) -> None:
    words = command.removeprefix("$ siptls ").split()
    if words == ["--help"]:
        return
    group: click.Command = cli
    while isinstance(group, click.Group):
        group = group.commands[words.pop(0)]
    known = {name for parameter in group.params for name in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("-")} <= known


@each_code
def test_a_reference_names_a_document_and_a_place_in_it(code: Code) -> None:
    place = r"(section|appendix) [\dA-Z]+(\.\d+)*|sections \d[\d.]*(, \d[\d.]*)*( and| to) \d[\d.]*"
    written = rf"(RFC \d{{4}}|NIST SP 800-\w+|draft(-[a-z]+)+-\d\d)( ({place}))?"
    assert re.fullmatch(rf"siptls documentation: [A-Z][\w ]+|{written}(, {written})*", code.reference)
