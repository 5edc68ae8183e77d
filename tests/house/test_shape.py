"""The house's measure: a module that outgrows it wants to become two."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path.relative_to(ROOT).as_posix() for root in ("core", "adapters") for path in (ROOT / root).rglob("*.py")
)
MODULE_LINES = 400
FUNCTION_LINES = 40


def long_functions(source: str) -> list[str]:
    """The functions with more than FUNCTION_LINES lines; the docstring and the decorators are not counted."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node, clean=False) is not None:
                docstring = node.body[0]
                lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
            if lines > FUNCTION_LINES:
                found.append(f"{node.name}: {lines} lines")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_at_most_400_lines_and_its_functions_40(module: str) -> None:
    source = (ROOT / module).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MODULE_LINES
    assert long_functions(source) == []


def test_a_function_of_41_lines_is_found_and_its_docstring_is_not_counted() -> None:
    body = "    x = 1\n" * 39
    docstring = '    """One.\n\n    Two.\n    """\n'
    assert long_functions(f"def f():\n{docstring}{body}") == []
    assert long_functions(f"def f():\n{docstring}{body}    return\n") == ["f: 41 lines"]


def test_the_source_roots_are_no_packages() -> None:
    assert [name for name in ("core", "adapters") if (ROOT / name / "__init__.py").exists()] == []
