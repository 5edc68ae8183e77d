"""Looks for inputs that break an invariant: each target gets an equal share of the time, in a process of its own.

    python tests/fuzz/run.py --seconds 60 [--target NAME]

With Atheris (coverage-guided) where it is installed, else with Hypothesis. An input that breaks something is saved
below build/fuzz/ and named, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

TARGETS: Final = ("uri", "via", "der", "tlsa", "events")
_ROOT: Final = Path(__file__).parents[2]
FOUND: Final = _ROOT / "build" / "fuzz"
"""Where inputs are kept."""
_PATIENCE: Final = 60
"""Seconds beyond its share after which a worker hangs."""


def engine() -> str:
    """Return what looks for inputs on this machine."""
    return "atheris" if importlib.util.find_spec("atheris") is not None else "hypothesis"


def fuzz(target: str, seconds: int, engine: str, found: Path = FOUND) -> bool:
    """Run one target and print what came of it.

    Args:
        target: the name of a module in this folder.
        seconds: how long.
        engine: ``atheris`` or ``hypothesis``.
        found: where inputs are kept.

    Returns:
        Whether the invariant held.
    """
    folder = found / target
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    before = set(folder.glob("crash-*"))
    command = [sys.executable, "-m", "fuzz.worker", target, "--engine", engine, "--seconds", str(seconds)]
    path = [str(_ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))}
    try:
        done = subprocess.run(
            [*command, "--folder", str(folder)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + _PATIENCE,
            check=False,
        )
        said, failed = done.stdout + done.stderr, done.returncode != 0
    except subprocess.TimeoutExpired as error:
        said, failed = f"no end after {error.timeout:.0f} seconds", True
    counted = re.findall(r"number_of_executed_units: (\d+)", said)
    executions = f"{int(counted[-1]):>10,}" if counted else "         ?"
    print(
        f"{target:8} {executions} executions in {seconds} s with {engine}: {'BROKEN' if failed else 'holds'}",
        flush=True,
    )
    if failed:
        for crash in sorted(set(folder.glob("crash-*")) - before):
            print(f"  broken by {crash}; again: PYTHONPATH=tests python -m fuzz.worker {target} {crash}")
        print("  " + "\n  ".join(said.splitlines()[-40:]))
    return not failed


def main() -> int:
    """Run the targets; the exit status is 1 when an invariant broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="how long in all (default: 60)")
    parser.add_argument("--target", choices=TARGETS, help="this one only")
    parser.add_argument("--engine", choices=("atheris", "hypothesis"), default=engine())
    chosen = parser.parse_args()
    targets = TARGETS if chosen.target is None else (chosen.target,)
    share = max(1, chosen.seconds // len(targets))
    held = [fuzz(target, share, chosen.engine) for target in targets]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
