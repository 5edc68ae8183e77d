"""Counts the machine instructions of one run under callgrind: the same count each time, on a busy machine too.

    python -m benchmarks.instructions                 the interpreted core
    python -m benchmarks.instructions --compiled      the compiled core, built if need be
    python -m benchmarks.instructions --core DIR      the core in a directory
    ... --record                                      renews the baseline

Ends with status 1 if a run takes 3 % more than the baseline says, or a run of the compiled core more than the goal.

Callgrind counts a whole process. So the run is looped some times in one process and more often in another; the
difference of the counts, divided by that of the loops, is one run. Callgrind has no SHA instructions, so hashing counts
for more than it costs, but there is only one hash of 91 octets in a DANE-EE run. The interpreter's own instructions are
counted too: therefore `BASELINE` has an entry for each build of Python.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from . import builds

MUST: Final = 240_000
STRETCH: Final = 170_000
TOLERANCE: Final = 1.03
RUNS: Final = ("dane-ee", "dane-ta", "rfc5922")
BASELINE: Final = Path(__file__).with_name("baseline.json")
MISSING: Final = "valgrind is missing, so no instructions are counted: install Debian's package valgrind"
_FEW, _MANY = 50, 150


class CallgrindFailed(Exception):
    """The counted process did not end as it should; the text is what it said."""


def available() -> bool:
    """Say whether callgrind can be run."""
    return shutil.which("valgrind") is not None


def counted(core: Path) -> dict[str, int]:
    """Return the instructions of one run of each kind, from answers and DER to the verdict.

    Args:
        core: the directory that holds the core.

    Raises:
        CallgrindFailed: there is no count.
    """
    few = _started(core, "", _FEW)
    many = {name: _started(core, name, _MANY) for name in RUNS}
    least = _collected(few)
    return {name: (_collected(process) - least) // (_MANY - _FEW) for name, process in many.items()}


def _started(core: Path, name: str, loops: int) -> subprocess.Popen[str]:
    command = [
        *("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"),
        *(sys.executable, "-m", "benchmarks.counted", name, str(_FEW), str(loops)),
    ]
    # Without a fixed seed the places of the names in the dictionaries change from run to run.
    environment = builds.environment(core) | {"PYTHONHASHSEED": "0"}
    return subprocess.Popen(command, env=environment, cwd=builds.ROOT, text=True, stderr=subprocess.PIPE)


def _collected(process: subprocess.Popen[str]) -> int:
    _, said = process.communicate()
    found = re.search(r"Collected : (\d+)", said)
    if process.returncode or found is None:
        raise CallgrindFailed(said)
    return int(found[1])


def interpreter() -> str:
    """Name the build of Python, on which the counts depend."""
    build = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{build}, {platform.python_compiler()}, {platform.machine()}"


def verdicts(counts: dict[str, int], baseline: dict[str, int] | None, *, compiled: bool) -> tuple[list[str], bool]:
    """Hold counts against the baseline and the goal.

    Args:
        counts: what was counted, by the name of the run.
        baseline: what was counted when the baseline was recorded; None if there is none for this build of Python.
        compiled: whether it is the compiled core, for which the goal holds.

    Returns:
        What to print, and whether all is well.
    """
    lines: list[str] = []
    well = True
    for name, count in counts.items():
        text = f"{name:8} {count:>9,} instructions"
        if baseline is not None:
            allowed = int(baseline[name] * TOLERANCE)
            well = well and count <= allowed
            change = 100 * (count / baseline[name] - 1)
            text += f", {change:+.1f} % of the baseline: {'pass' if count <= allowed else 'MORE THAN +3 %'}"
        if compiled and name == "dane-ee":
            well = well and count <= MUST
            text += f"; must be at most {MUST:,}: {'pass' if count <= MUST else 'MISS'}"
        lines.append(text)
    if baseline is None:
        lines.append(f"NO BASELINE for {interpreter()}: changes are not judged on this machine; --record makes one")
    return lines, well


def _record(recorded: dict[str, dict[str, dict[str, int]]], build: str, counts: dict[str, int]) -> None:
    recorded.setdefault(interpreter(), {})[build] = counts
    BASELINE.write_text(json.dumps(recorded, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Count, print and compare; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions")
    parser.add_argument("--compiled", action="store_true", help="count the compiled core, built if need be")
    parser.add_argument("--core", type=Path, help="the directory that holds the core; with --compiled a compiled one")
    parser.add_argument("--record", action="store_true", help="make this the baseline")
    options = parser.parse_args(arguments)
    if not available():
        print(MISSING)
        return 1 if os.environ.get("CI", "").lower() == "true" or options.record else 0
    core = options.core or (builds.compiled() if options.compiled else builds.INTERPRETED)
    build = "compiled" if options.compiled else "interpreted"
    counts = counted(core)
    recorded: dict[str, dict[str, dict[str, int]]] = (
        json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.is_file() else {}
    )
    if options.record:
        _record(recorded, build, counts)
    print(f"{build} core, {interpreter()}")
    lines, well = verdicts(counts, recorded.get(interpreter(), {}).get(build), compiled=options.compiled)
    print("\n".join(lines))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
