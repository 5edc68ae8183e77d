"""Counts the machine instructions of one run under callgrind: the same count each time, on a busy machine too.

    python -m benchmarks.instructions                 the interpreted core
    python -m benchmarks.instructions --compiled      the compiled core, built if need be
    python -m benchmarks.instructions --core DIR      the core in a directory
    ... --record                                      renews the baseline

Ends with status 1 if a run takes 3 % more than the baseline says, or a run of the compiled core more than the goal.

Callgrind counts a whole process. So the run is looped some times in one process and more often in another; the
difference of the counts, divided by that of the loops, is one run. Callgrind has no SHA instructions, so hashing counts
for more than it costs, but there is only one hash of 91 octets in a DANE-EE run. The interpreter's own instructions are
counted too: therefore `BASELINE` has an entry for each build of Python. Where there is none for this build, what counts
is how many times as much a run takes as a reference, a program that never changes: see `ELSEWHERE`.
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
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

from . import builds

MUST: Final = 240_000
STRETCH: Final = 170_000
TOLERANCE: Final = 1.03
ELSEWHERE: Final = 1.12
"""On a build of Python that has no baseline, for what a run takes in times of the reference.

Measured with the interpreted core against CPython 3.11.7: Debian's 3.11.2 takes 2 to 4 % more, 3.12.1 2 to 8 % less,
3.13.0 between 3 % less and 6 % more. So twice the most that a build alone has been seen to do.
"""
SAME_BUILD: Final = 0.01
"""By how much of its count the reference may differ on what is the same build; the same build was within 0.2 %."""
RUNS: Final = ("dane-ee", "dane-ta", "rfc5922")
REFERENCE: Final = "reference"
BASELINE: Final = Path(__file__).with_name("baseline.json")
MISSING: Final = "valgrind is missing, so no instructions are counted: install Debian's package valgrind"
_FEW, _MANY = 50, 150


class CallgrindFailed(Exception):
    """The counted process did not end as it should; the text is what it said."""


def available() -> bool:
    """Say whether callgrind can be run."""
    return shutil.which("valgrind") is not None


def counted(core: Path) -> dict[str, int]:
    """Return the instructions of one run of each kind, from answers and DER to the verdict, and of the reference.

    Args:
        core: the directory that holds the core.

    Raises:
        CallgrindFailed: there is no count.
    """
    with TemporaryDirectory() as caches:
        environment = _environment(core, Path(caches))
        # Writes the caches. Compiling the modules takes as much as 500 runs, and not the same in each process.
        subprocess.run(
            [sys.executable, "-m", "benchmarks.counted", "", "1", "1"], env=environment, cwd=builds.ROOT, check=True
        )
        # Of a kind, too: the length of an argument moves things in memory, and that alone is worth some 1,000 a run.
        few = _started(environment, REFERENCE, _FEW)
        many = {name: _started(environment, name, _MANY) for name in (*RUNS, REFERENCE)}
        least = _collected(few)
        return {name: (_collected(process) - least) // (_MANY - _FEW) for name, process in many.items()}


def _environment(core: Path, caches: Path) -> dict[str, str]:
    """Nothing but what is needed, so that the places of things in memory depend on nothing else."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    # Without a fixed seed the places of the names in the dictionaries change from run to run.
    fixed = {"PYTHONHASHSEED": "0", "PYTHONPYCACHEPREFIX": str(caches), "PYTHONPATH": str(core)}
    return kept | fixed


def _started(environment: dict[str, str], name: str, loops: int) -> subprocess.Popen[str]:
    command = [
        *("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"),
        *(sys.executable, "-m", "benchmarks.counted", name, str(_FEW), str(loops)),
    ]
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


Recorded: TypeAlias = "dict[str, dict[str, dict[str, int]]]"
"""Counts by the name of the run, by the build of the core, by the build of Python."""


def expected(counts: dict[str, int], recorded: Recorded, build: str) -> tuple[dict[str, int] | None, float]:
    """Find what counts are to be held against.

    Args:
        counts: what was counted.
        recorded: all baselines.
        build: the build of the core that was counted.

    Returns:
        The counts that a baseline lets expect, None where there is no baseline at all, and how many times as much is
        allowed: `TOLERANCE` on a build of Python with a baseline. On another one, or one that only has the same name,
        `ELSEWHERE` of what the baselines come to when the reference takes what it takes here.
    """
    reference = counts[REFERENCE]
    own = recorded.get(interpreter(), {}).get(build)
    if own is not None and abs(reference / own[REFERENCE] - 1) <= SAME_BUILD:
        return own, TOLERANCE
    others = [builds[build] for builds in recorded.values() if build in builds]
    if not others:
        return None, ELSEWHERE
    return {name: max([each[name] * reference // each[REFERENCE] for each in others]) for name in counts}, ELSEWHERE


def verdicts(counts: dict[str, int], recorded: Recorded, build: str) -> tuple[list[str], bool]:
    """Hold counts against the baseline and the goal.

    Args:
        counts: what was counted, by the name of the run.
        recorded: all baselines.
        build: the build of the core that was counted; the goal holds for ``compiled``.

    Returns:
        What to print, and whether all is well.
    """
    baseline, tolerance = expected(counts, recorded, build)
    lines: list[str] = []
    well = baseline is not None
    for name, count in counts.items():
        text = f"{name:9} {count:>9,} instructions"
        if baseline is not None and name != REFERENCE:
            fits = count <= int(baseline[name] * tolerance)
            well = well and fits
            change = 100 * (count / baseline[name] - 1)
            text += f", {change:+.1f} % of what is expected: {'pass' if fits else f'MORE THAN {tolerance - 1:+.0%}'}"
        if build == "compiled" and name == "dane-ee":
            well = well and count <= MUST
            text += f"; must be at most {MUST:,}: {'pass' if count <= MUST else 'MISS'}"
        lines.append(text)
    if baseline is None:
        lines.append(f"NO BASELINE for the {build} core: --record makes one")
    elif tolerance == ELSEWHERE:
        lines.append(f"no baseline for {interpreter()} as it is here: judged by the reference")
    return lines, well


def _record(recorded: Recorded, build: str, counts: dict[str, int]) -> None:
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
    recorded: Recorded = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.is_file() else {}
    if options.record:
        _record(recorded, build, counts)
    print(f"{build} core, {interpreter()}")
    lines, well = verdicts(counts, recorded, build)
    print("\n".join(lines))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
