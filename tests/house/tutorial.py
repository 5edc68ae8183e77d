"""Types the tutorial word for word: into a fresh virtual environment, in a copy of the checkout, with a new home.

Run as ``python -m house.tutorial``, with ``tests`` on the path; `.ci/check-tutorial` does.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from house.pages import ROOT, TUTORIAL, Terminal, examples


def copy_of_the_checkout(folder: Path) -> Path:
    """Copy the checkout as it stands, without what make made in it."""
    made = shutil.ignore_patterns(".*", "build", "dist", "_build", "__pycache__")
    return Path(shutil.copytree(ROOT, folder / "siptls", ignore=made))


def variables(home: Path) -> dict[str, str]:
    """The environment of a new user, whose pip keeps its settings and its cache where the real one has them."""
    real = Path.home()
    programs = home / ".local" / "bin"
    programs.mkdir(parents=True)
    (programs / "python3").symlink_to(Path(sys.executable).resolve())  # the Python from which .venv was made
    ours = Path(sys.prefix, "bin").resolve()
    path = [each for each in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(each).resolve() != ours]
    return {
        "HOME": os.fspath(home),
        "PATH": os.pathsep.join([os.fspath(programs), *path]),
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
