"""Runs the large comparisons on all processors and tells what came of them.

    PYTHONPATH=tests python -m assurance [PART ...] [--seed N] [--scale F] [--write]

The exit status is 1 when a difference was found that nothing explains, or a class of differences never occurred.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import secrets
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from assurance.page import PAGE, table, write
from assurance.parts import PARTS, Part, again, never_decided

_MOST_JOBS = 256
_MOST = 1_000.0
"""The largest scale."""


@dataclass(frozen=True)
class Chunk:
    """Comparisons that one process makes from one seed."""

    part: str
    count: int
    seed: int


def chunks(part: Part, count: int, seed: int) -> list[Chunk]:
    """Divide the comparisons; each chunk has seeds of its own."""
    starts = range(0, count, part.at_once)
    return [
        Chunk(part.name, min(part.at_once, count - start), seed + 1_000 * number) for number, start in enumerate(starts)
    ]


def compared(chunk: Chunk) -> tuple[Chunk, Counter[str], str]:
    """Make the comparisons of a chunk: what was seen, or what is wrong."""
    try:
        return chunk, PARTS[chunk.part].run(chunk.count, chunk.seed), ""
    except AssertionError as error:
        return chunk, Counter(), f"{error}"
    except Exception:  # noqa: BLE001 - a comparison that breaks is reported like one that fails
        return chunk, Counter(), traceback.format_exc()


def compare(wanted: list[Chunk], jobs: int) -> dict[str, Counter[str]] | None:
    """Make all comparisons, and print what comes of each chunk.

    Returns:
        What was seen, by part; None where something is wrong.
    """
    tallies: dict[str, Counter[str]] = {chunk.part: Counter() for chunk in wanted}
    done: Counter[str] = Counter()
    failed = False
    began = time.monotonic()
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(compared, chunk) for chunk in wanted]):
            chunk, tally, wrong = future.result()
            tallies[chunk.part].update(tally)  # keeps what was never seen, which += would forget
            done[chunk.part] += chunk.count
            of = sum(each.count for each in wanted if each.part == chunk.part)
            print(f"{time.monotonic() - began:6.0f} s  {chunk.part:8} {done[chunk.part]:>9,} of {of:,}", flush=True)
            if wrong:
                failed = True
                print(f"{wrong}\nagain: {again(PARTS[chunk.part], chunk.count, chunk.seed)}", flush=True)
    return None if failed else tallies


def _whole(text: str) -> int:
    """How many there are to be, at least one."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1 on")
    return number


def _jobs(text: str) -> int:
    """How many processes, each of which wants some memory."""
    number = _whole(text)
    if number > _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r}: expected at most {_MOST_JOBS} processes")
    return number


def _scale(text: str) -> float:
    """By how much a count is multiplied: 0 would compare nothing, and say that all is well."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number above 0, at most {_MOST:g}")
    return number


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m assurance", description="Large comparisons with other judges.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; or all")
    parser.add_argument("--seed", type=int, default=None, help="the same seed makes the same comparisons")
    parser.add_argument("--scale", type=_scale, default=1.0, help="this times the usual number of comparisons")
    parser.add_argument("--count", type=_whole, default=None, help="so many comparisons for each part, from one seed")
    parser.add_argument("--jobs", type=_jobs, default=os.cpu_count() or 1, help="how many processes")
    parser.add_argument(
        "--write", action="store_true", help=f"write the figures into {PAGE.name}, after a complete run"
    )
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.parts if name not in PARTS]:
        parser.error(f"{', '.join(unknown)}: not one of {', '.join(PARTS)}")
    seed: int = secrets.randbelow(10**9) if chosen.seed is None else chosen.seed
    parts = [PARTS[name] for name in chosen.parts] or [*PARTS.values()]
    print(f"seed {seed}", flush=True)
    if chosen.count is not None:
        wanted = [Chunk(part.name, chosen.count, seed) for part in parts]
    else:
        wanted = [each for part in parts for each in chunks(part, max(1, round(part.count * chosen.scale)), seed)]
    tallies = compare(wanted, chosen.jobs)
    if tallies is None:
        print("there are differences that nothing explains")
        return 1
    print(table(tallies))
    complete = chosen.count is None and chosen.scale >= 1
    missing = {name: never for name, tally in tallies.items() if complete and (never := never_decided(tally))}
    for name, never in missing.items():
        print(f"{name}: these never made a difference: {', '.join(never)}")
    if chosen.write and complete and not missing and len(parts) == len(PARTS):
        write(tallies, seed)
        print(f"written into {PAGE}")
    return 1 if missing else 0
