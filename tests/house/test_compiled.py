import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The build hook, without hatchling, which only a build needs."""
    interface = ModuleType("interface")
    interface.__dict__["BuildHookInterface"] = object
    for name in ("hatchling", "hatchling.builders", "hatchling.builders.hooks", "hatchling.builders.hooks.plugin"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "hatchling.builders.hooks.plugin.interface", interface)
    specification = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_modules_that_judge_are_compiled(hook: ModuleType) -> None:
    modules = set(hook.compiled(CORE))
    assert {f"siptls/{name}.py" for name in ("judgement", "dane", "der", "identity", "machine", "outbound")} <= modules


def test_whatever_stays_interpreted_is_there_and_has_a_reason(hook: ModuleType) -> None:
    there = {path.stem for path in (CORE / "siptls").rglob("*.py")} | {"codes"}
    assert set(hook.INTERPRETED) <= there
    assert all(hook.INTERPRETED.values())


def test_no_interpreted_module_has_a_machine_since_machines_are_compiled(hook: ModuleType) -> None:
    compiled = set(hook.compiled(CORE))
    for path in (CORE / "siptls").rglob("*.py"):
        if str(path.relative_to(CORE)) not in compiled:
            bases = [
                ast.unparse(base)
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.ClassDef)
                for base in node.bases
            ]
            assert not [base for base in bases if base.partition("[")[0] in {"Machine", "Addressing", "Locating"}]
