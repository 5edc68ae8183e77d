"""The two builds of the core that are measured: interpreted, as it stands here, and compiled, from a wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final
from zipfile import ZipFile

ROOT: Final = Path(__file__).parents[1]
INTERPRETED: Final = ROOT / "core"
_WORK: Final = ROOT / "build" / "benchmarks"


class BuildFailed(Exception):
    """There is no compiled wheel; the text is what the build said."""


def compiled() -> Path:
    """Return a directory that holds the compiled core; built when the sources have changed since the last time.

    Raises:
        BuildFailed: the build failed, for want of a C compiler for example.
    """
    made = _WORK / _state()
    if not made.is_dir():
        wheels = _WORK / "wheels"
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-q", "--no-deps"]
        done = subprocess.run(
            [*command, "--wheel-dir", str(wheels), str(ROOT)],
            env=os.environ | {"SIPTLS_COMPILE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BuildFailed(done.stdout + done.stderr)
        (wheel,) = wheels.glob("*.whl")
        with ZipFile(wheel) as archive:
            archive.extractall(made)
        wheel.unlink()
    return made


def _state() -> str:
    """A name that changes with everything that the wheel is made of."""
    digest = sha256(sys.version.encode())
    for path in (ROOT / "hatch_build.py", ROOT / "pyproject.toml", *sorted(INTERPRETED.rglob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def environment(core: Path) -> dict[str, str]:
    """Return the environment of a process that is to import the core of one build.

    Args:
        core: `INTERPRETED`, or what `compiled` returned.
    """
    return os.environ | {"PYTHONPATH": str(core)}
