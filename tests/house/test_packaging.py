import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import siptls

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORTED_AS = {"dnspython": "dns", "pyOpenSSL": "OpenSSL"}
OURS = {"siptls", "siptls_io", "siptls_cli"}


def required(extra: str) -> set[str]:
    """The import names of what an extra asks for by itself."""
    requirements: list[str] = PROJECT["optional-dependencies"][extra]
    names = {re.split(r"[\[<>=; ]", requirement)[0] for requirement in requirements}
    return {IMPORTED_AS.get(name, name) for name in names} - OURS


def imported(package: str) -> set[str]:
    """The third-party modules that a package of the adapters imports anywhere."""
    sources = (ROOT / "adapters" / package).rglob("*.py")
    modules = {module for source in sources for module in modules_of(ast.parse(source.read_text(encoding="utf-8")))}
    return modules - OURS - sys.stdlib_module_names - {"_typeshed"}  # that one exists for type checkers only


def modules_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(level=0, module=str(module)):
                yield module.partition(".")[0]
            case _:
                pass


def test_the_core_depends_on_nothing() -> None:
    assert PROJECT["dependencies"] == []


@pytest.mark.parametrize(
    ("package", "extras"), [("siptls_io", ("io", "trio", "doh", "server")), ("siptls_cli", ("cli", "io", "trio"))]
)
def test_a_package_imports_only_what_its_extra_brings(package: str, extras: tuple[str, ...]) -> None:
    assert imported(package) <= set().union(*map(required, extras))


@pytest.mark.parametrize(
    ("extra", "package"),
    [("io", "siptls_io"), ("trio", "siptls_io"), ("doh", "siptls_io"), ("server", "siptls_io"), ("cli", "siptls_cli")],
)
def test_an_extra_brings_only_what_its_package_imports(extra: str, package: str) -> None:
    assert required(extra) <= imported(package)


def without(modules: set[str], code: str) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter in which some modules seem not to be installed."""
    blocker = f"import sys\nfor name in {sorted(modules)}: sys.modules[name] = None\n"
    command = [sys.executable, "-c", blocker + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_what_needs_no_trio_no_http_and_no_server_is_there_without_them() -> None:
    code = "import siptls_io, siptls_io.asyncio, siptls_io.anyio, siptls_io.blocking, siptls_cli.__main__"
    run = without({"trio", "h11", "h2", "httpcore2", "httpx2", "OpenSSL"}, code)
    assert (run.returncode, run.stderr) == (0, "")


def test_without_trio_its_driver_says_what_to_install() -> None:
    run = without({"trio"}, "import siptls_io.trio")
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].endswith('siptls_io.trio needs trio: pip install "siptls[trio]"')


def test_without_pyopenssl_the_servers_say_what_to_install() -> None:
    for module in ("siptls_io.server", "siptls_io.server.blocking"):
        run = without({"OpenSSL"}, f"import {module}")
        assert run.returncode == 1
        assert run.stderr.splitlines()[-1].endswith('siptls_io.server needs pyOpenSSL: pip install "siptls[server]"')


def test_the_version_is_the_same_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert siptls.__version__ == PROJECT["version"]
    assert f"\nversion: {PROJECT['version']}\n" in citation
