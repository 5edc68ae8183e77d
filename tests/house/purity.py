"""Finds what a pure core must not contain: I/O, clocks, randomness, threads, logging, third-party modules.

What may be imported is an allow-list: a module that nobody thought of is refused, not missed.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ALLOWED_MODULES = frozenset({
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "collections.abc", "contextlib", "copy",
    "dataclasses", "datetime", "enum", "functools", "hashlib", "heapq", "ipaddress", "itertools", "math", "operator",
    "re", "string", "struct", "textwrap", "types", "typing", "unicodedata",
})  # fmt: skip

# They do I/O or run text as code.
FORBIDDEN_BUILTINS = frozenset({
    "__import__", "breakpoint", "compile", "eval", "exec", "globals", "help", "input", "open", "print", "vars",
})  # fmt: skip

# Methods of datetime and date that read the clock. `now` is also this project's word for a time that is given.
CLOCK_METHODS = frozenset({"now", "today", "utcnow"})
CLOCK_CLASSES = frozenset({"datetime", "date"})

FORBIDDEN_ATTRIBUTES = {"hashlib": frozenset({"file_digest"})}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    line: int
    what: str


def impurities(source: str) -> list[Finding]:
    """Everything in ``source`` that the core must not contain."""
    tree = ast.parse(source)
    return sorted({*_imports(tree), *_builtins(tree), *_attributes(tree)})


def impurities_below(root: Path) -> list[str]:
    """The same for every module below ``root``, as ``path:line: what``."""
    return [
        f"{path.relative_to(root)}:{finding.line}: {finding.what}"
        for path in sorted(root.rglob("*.py"))
        for finding in impurities(path.read_text(encoding="utf-8"))
    ]


def _imports(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(level=0, module=str(module)):
                modules = [module]
            case _:  # relative imports stay in the package
                continue
        for module in modules:
            if module not in ALLOWED_MODULES and module.partition(".")[0] != "siptls":
                yield Finding(node.lineno, f"imports {module}")


def _builtins(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in FORBIDDEN_BUILTINS:
            yield Finding(node.lineno, f"uses {node.id}")


def _attributes(tree: ast.Module) -> Iterator[Finding]:
    modules, classes = _clock_names(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = node.value
        of_class = (isinstance(owner, ast.Name) and owner.id in classes) or (
            isinstance(owner, ast.Attribute)
            and owner.attr in CLOCK_CLASSES
            and isinstance(owner.value, ast.Name)
            and owner.value.id in modules
        )
        if of_class and node.attr in CLOCK_METHODS:
            yield Finding(node.lineno, f"reads the clock: {ast.unparse(node)}")
        elif isinstance(owner, ast.Name) and node.attr in FORBIDDEN_ATTRIBUTES.get(owner.id, ()):
            yield Finding(node.lineno, f"uses {ast.unparse(node)}")


def _clock_names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The local names of the module datetime and of its classes."""
    modules: set[str] = set()
    classes: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                modules |= {alias.asname or alias.name for alias in names if alias.name == "datetime"}
            case ast.ImportFrom(module="datetime", names=names):
                classes |= {alias.asname or alias.name for alias in names if alias.name in CLOCK_CLASSES}
            case _:
                pass
    return modules, classes
