import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from siptls.codes import CATALOGUE

ROOT = Path(__file__).parents[2]
ROOMS = frozenset(code.partition(".")[0] for code in CATALOGUE)


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


def test_every_error_says_what_to_do_or_where_the_rule_stands() -> None:
    silent = [code.id for code in CATALOGUE.values() if code.severity == "error" and not (code.fix or code.reference)]
    assert [code for code in silent if not code.startswith(("net.", "tls."))] == []


def test_codes_and_texts_are_written_as_the_house_writes_them() -> None:
    for code in CATALOGUE.values():
        assert re.fullmatch(r"[a-z]+(\.[a-z0-9-]+)+", code.id)
        for text in (code.title, code.why, code.fix):
            assert text == text.strip()
            assert not text.endswith(".")
            assert text.isascii()
