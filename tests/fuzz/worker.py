"""One target in a process of its own: looks for inputs that break it, or tries given ones again.

python -m fuzz.worker NAME FILE...
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, cast

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

_MAX_OCTETS = 4096
_EXAMPLES = 500


def loaded(target: str) -> tuple[Callable[[bytes], None], tuple[bytes, ...]]:
    """Return the check of a target and the inputs with which its search begins.

    Args:
        target: the name of a module in this folder.
    """
    module = importlib.import_module(f"fuzz.{target}")
    return module.check, tuple(getattr(module, "SEEDS", (b"",)))


def octets(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Draw any octets, or a seed with a piece of it replaced."""

    def spliced(seed: bytes, piece: bytes, start: int, length: int) -> bytes:
        return seed[:start] + piece + seed[start + length :]

    spliced_seeds = st.builds(
        spliced, st.sampled_from(seeds), st.binary(max_size=8), st.integers(0, 255), st.integers(0, 16)
    )
    return st.binary(max_size=_MAX_OCTETS) | spliced_seeds


def with_hypothesis(target: str, seconds: int, folder: Path) -> None:
    """Search with Hypothesis, from a new seed after every so many examples."""
    check, seeds = loaded(target)
    executed, ends = 0, monotonic() + seconds
    last = b""

    def once(data: bytes) -> None:
        nonlocal executed, last
        executed, last = executed + 1, data
        check(data)

    rounds = 0
    try:
        while monotonic() < ends:
            rounds += 1
            plain = settings(
                database=None, deadline=None, max_examples=_EXAMPLES, phases=(Phase.generate, Phase.shrink)
            )
            seed(int(monotonic() * 1e6))(plain(given(octets(seeds))(once)))()
    except BaseException:
        # Hypothesis runs the smallest failing example last.
        (folder / f"crash-{hashlib.sha256(last).hexdigest()[:40]}").write_bytes(last)
        raise
    finally:
        print(f"stat::number_of_executed_units: {executed}")


def with_atheris(target: str, seconds: int, folder: Path) -> None:
    """Search with Atheris, which ends the process itself and keeps what it finds in ``folder``."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["siptls"]):
        check, seeds = loaded(target)
    for data in seeds:
        (folder / "corpus" / hashlib.sha256(data).hexdigest()[:40]).write_bytes(data)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_MAX_OCTETS}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
        "-timeout=10",
        "-rss_limit_mb=2048",
    ]
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], check)
    atheris.Fuzz()


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target")
    parser.add_argument("files", nargs="*", type=Path, help="try these inputs instead of looking for others")
    parser.add_argument("--engine", choices=("atheris", "hypothesis"), default="hypothesis")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=Path())
    chosen = parser.parse_args()
    files = cast("list[Path]", chosen.files)
    if files:
        check, _ = loaded(chosen.target)
        for file in files:
            check(file.read_bytes())
            print(f"{file}: holds")
    elif chosen.engine == "atheris":
        with_atheris(chosen.target, chosen.seconds, chosen.folder)
    else:
        with_hypothesis(chosen.target, chosen.seconds, chosen.folder)


if __name__ == "__main__":
    main()
