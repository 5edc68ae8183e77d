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
    """The functions whose body has more than FUNCTION_LINES lines; signature and docstring are not counted."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body if ast.get_docstring(node, clean=False) is None else node.body[1:]
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            if lines > FUNCTION_LINES:
                found.append(f"{node.name}: {lines} lines")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_at_most_400_lines_and_its_functions_have_40(module: str) -> None:
    source = (ROOT / module).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MODULE_LINES
    assert long_functions(source) == []


def test_a_body_of_41_lines_is_found_and_signature_and_docstring_are_not_counted() -> None:
    head = 'def f(\n    a,\n    b,\n):\n    """One.\n\n    Two.\n    """\n'
    body = "    x = 1\n"
    assert long_functions(head + 40 * body) == []
    assert long_functions(head + 41 * body) == ["f: 41 lines"]
    assert long_functions(head) == []


def test_the_source_roots_are_no_packages() -> None:
    assert [name for name in ("core", "adapters") if (ROOT / name / "__init__.py").exists()] == []
