"""Types the tutorial word for word: into a fresh virtual environment, in a copy of the checkout, with a new home.

Run as ``python -m house.tutorial``, with ``tests`` on the path; `.ci/check-tutorial` does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from house.pages import ROOT, TUTORIAL, Terminal, examples


def copy_of_the_checkout(folder: Path) -> Path:
    """Copy what is under version control, as it stands now."""
    checkout = folder / "siptls"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
    return checkout


def variables(home: Path) -> dict[str, str]:
    """The environment of a new user, whose pip keeps its settings and its cache where the real one has them."""
    real = Path.home()
    ours = Path(sys.prefix, "bin").resolve()
    path = [each for each in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(each).resolve() != ours]
    return {
        "HOME": os.fspath(home),
        "PATH": os.pathsep.join(path),
        "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME", os.fspath(real / ".config")),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", os.fspath(real / ".cache")),
    }


def main() -> None:
    """Type it, and say how long it took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="siptls-tutorial-") as name:
        home = Path(name)
        with Terminal(copy_of_the_checkout(home), variables(home)) as terminal:
            found = examples(TUTORIAL, terminal)
            for example in found:
                example.evaluate()
    print(f"the tutorial works: {len(found)} blocks in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
