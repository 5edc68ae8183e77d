"""Counts the machine instructions of one DANE-EE run under callgrind: the same count each time, on a busy machine too.

Callgrind counts a whole process. So the run is looped 100 times in one process and 400 times in another; the
difference of the counts, divided by 300, is one run. Callgrind has no SHA instructions, so hashing counts for more than
it costs, but there is only one hash of 91 octets in a run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

MUST: Final = 240_000
STRETCH: Final = 170_000
MISSING: Final = "valgrind is missing, so no instructions are counted: install Debian's package valgrind"
_FEW, _MANY = 100, 400
_ROOT: Final = Path(__file__).parents[1]


class CallgrindFailed(Exception):
    """The counted process did not end as it should; the text is what it said."""


def available() -> bool:
    """Say whether callgrind can be run."""
    return shutil.which("valgrind") is not None


def counted() -> int:
    """Return the instructions of one DANE-EE run, from answers and DER to the verdict.

    Raises:
        CallgrindFailed: there is no count.
    """
    few, many = _started(_FEW), _started(_MANY)
    return (_collected(many) - _collected(few)) // (_MANY - _FEW)


def _started(loops: int) -> subprocess.Popen[str]:
    command = [
        *("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"),
        *(sys.executable, "-m", "benchmarks.instructions", "--loops", str(loops)),
    ]
    # Without a fixed seed the places of the names in the dictionaries change from run to run.
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    return subprocess.Popen(command, env=environment, cwd=_ROOT, text=True, stderr=subprocess.PIPE)


def _collected(process: subprocess.Popen[str]) -> int:
    _, said = process.communicate()
    found = re.search(r"Collected : (\d+)", said)
    if process.returncode or found is None:
        raise CallgrindFailed(said)
    return int(found[1])


def _loop(loops: int) -> None:
    from .deployments import Deployment  # noqa: PLC0415 - the parent process does not need it

    deployment = Deployment()
    for _ in range(loops):
        deployment.run()


def main(arguments: list[str]) -> int:
    """Print the count; the exit status is 1 if it is above `MUST`."""
    if arguments[:1] == ["--loops"]:
        _loop(int(arguments[1]))
        return 0
    if not available():
        print(MISSING)
        return 1 if os.environ.get("CI", "").lower() == "true" else 0
    count = counted()
    verdict = "pass" if count <= MUST else "MISS"
    print(f"{count:,} instructions for one DANE-EE run; must be at most {MUST:,}: {verdict} (stretch: {STRETCH:,})")
    return 0 if count <= MUST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
