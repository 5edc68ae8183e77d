"""Builds a wheel with the core compiled by mypyc, where the environment variable SIPTLS_COMPILE=1 asks for it.

Without it the wheel is pure Python. The compiled wheel holds the same Python files, and beside those of `compiled()` a
library that Python prefers to them; it needs nothing more at run time. An editable installation is never compiled.
"""

from __future__ import annotations

import os
import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WANTED: Final = "SIPTLS_COMPILE"

# Every other module of the core is compiled.
INTERPRETED: Final = {
    "bases": "weak references, and enumerations with another hash, are what compiled classes cannot have",
    "errors": "an exception that is also a ValueError has two bases, which a compiled class cannot have",
    "policy": "it tells what is wrong with options of any type, which compiled code would refuse with a TypeError",
    **dict.fromkeys(
        ("address_selection", "certificate_choice", "route_set", "sips", "transaction", "trapezoid", "via"),
        "no part of judging a peer",
    ),
    **dict.fromkeys(
        ("certificate_lint", "rollover", "served", "served_names", "served_path", "tlsa_lint", "zone_lint"),
        "for those who publish, once in a while",
    ),
    "codes": "tables of texts",
    "__init__": "nothing but imports",
}

# All calls stay inside of one library, so the compiler may inline them.
_FLAGS: Final = ["-fvisibility=hidden", "-fno-semantic-interposition", "-fno-plt"]


def compiled(core: Path) -> list[str]:
    """Return the modules that are compiled.

    Args:
        core: the source root of the core.

    Returns:
        Their paths, relative to the source root.
    """
    paths = [path.relative_to(core) for path in sorted(core.glob("siptls/**/*.py"))]
    return [str(path) for path in paths if not {path.stem, path.parts[1]} & INTERPRETED.keys()]


class CompiledCore(BuildHookInterface):
    """Adds the libraries to the wheel."""

    @property
    def _wanted(self) -> bool:
        return self.target_name == "wheel" and os.environ.get(WANTED) == "1"

    def dependencies(self) -> list[str]:
        """Return what the build needs beside hatchling; a C compiler and Python's headers come from the system."""
        return ["mypy[mypyc]>=2.4.1", "setuptools>=80"] if self._wanted else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say where the libraries belong."""
        if not self._wanted or version == "editable":
            return
        root = Path(self.root)
        work = root / "build" / "compiled"
        shutil.rmtree(work, ignore_errors=True)
        for library in _libraries(root / "core", work):
            build_data["force_include"][str(library)] = str(library.relative_to(work / "lib"))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def _libraries(core: Path, work: Path) -> list[Path]:
    """Compile the core; return the libraries, which stand below ``lib`` of the working directory."""
    from mypyc.build import mypycify  # noqa: PLC0415 - there for this build only
    from setuptools import Distribution  # noqa: PLC0415

    with chdir(core):  # the names of the modules come from the paths
        options = ["--config-file=", "--strict", f"--cache-dir={work / 'cache'}"]
        extensions = mypycify(
            [*options, *compiled(core)],
            opt_level="3",
            debug_level="0",
            target_dir=str(work / "c"),
            group_name="siptls",
        )
        for extension in extensions:
            extension.extra_compile_args += _FLAGS
        command = Distribution({"name": "siptls", "ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(work / "lib"), str(work / "objects")
        command.ensure_finalized()
        command.run()
    return sorted((work / "lib").rglob("*.so")) + sorted((work / "lib").rglob("*.pyd"))
