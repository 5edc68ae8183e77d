"""The figures of a complete run, as the documentation shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

import siptls
from assurance.parts import PARTS
from differential.every_way import libssl
from differential.explained import EXPLANATIONS
from differential.libdane_opinion import libdane

PAGE: Final = Path(__file__).parents[2] / "docs" / "explanation" / "assurance.md"
_FIGURES: Final = re.compile(r"(<!-- figures -->\n).*(<!-- end of figures -->\n)", re.DOTALL)


def versions() -> str:
    """Everything that took part."""
    libraries = [f"{name} {version(name)}" for name in ("cryptography", "service-identity", "hypothesis")]
    openssl = " ".join(libssl().version.split()[:2])
    return ", ".join([f"siptls {siptls.__version__}", openssl, f"GnuTLS {libdane().version}", *libraries])


def table(tallies: Mapping[str, Counter[str]]) -> str:
    """The figures of each part, for a terminal."""
    lines: list[str] = []
    for name, tally in tallies.items():
        lines += ["", f"{name}: {PARTS[name].title}, {tally[PARTS[name].counted]:,} {PARTS[name].counted}"]
        lines += [f"{times:>12,}  {key}" for key, times in sorted(tally.items()) if key != PARTS[name].counted]
    return "\n".join([*lines, "", "no difference is unexplained"])


def figures(tallies: Mapping[str, Counter[str]], seed: int) -> str:
    """The figures of a complete run, for the page."""
    lines = [
        f"Seed {seed}; {versions()}.",
        "",
        "| compared with | comparisons | unexplained differences |",
        "|---|---:|---:|",
    ]
    for name, tally in tallies.items():
        lines.append(f"| {PARTS[name].title} | {tally[PARTS[name].counted]:,} {PARTS[name].counted} | 0 |")
    lines += ["", "The classes of differences with OpenSSL as it judges by itself:", ""]
    lines += [
        "| class | where it comes from | accepts alone | possible | made a difference |",
        "|---|---|---|---:|---:|",
    ]
    openssl = tallies["openssl"]
    for each in EXPLANATIONS:
        who = each.way.removeprefix("only ").removesuffix(" accepts")
        possible, decided = openssl[f"holds: {each.name}"], openssl[f"decides: {each.name}"]
        lines.append(f"| {each.name} | {each.source} | {who} | {possible:,} | {decided:,} |")
    for name in ("libdane", "names"):
        lines += [
            "",
            f"The limits of {PARTS[name].title}:",
            "",
            "| limit | possible | made a difference |",
            "|---|---:|---:|",
        ]
        tally = tallies[name]
        limits = sorted(key.removeprefix("decides: ") for key in tally if key.startswith("decides: "))
        lines += [f"| {each} | {tally[f'holds: {each}']:,} | {tally[f'decides: {each}']:,} |" for each in limits]
    for name in tallies:
        lines += ["", f"What was seen besides, with {PARTS[name].title}:", "", "| | |", "|---|---:|"]
        rest = {key: times for key, times in tallies[name].items() if not key.startswith(("holds: ", "decides: "))}
        lines += [f"| {key} | {times:,} |" for key, times in sorted(rest.items())]
    return "\n".join([*lines, ""])


def replaced(page: str, text: str) -> str:
    """The page with other figures between its marks."""
    assert _FIGURES.search(page), "the page has lost its marks"
    return _FIGURES.sub(lambda marks: f"{marks[1]}\n{text}\n{marks[2]}", page)


def write(tallies: Mapping[str, Counter[str]], seed: int) -> None:
    """Write the figures into the page."""
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), figures(tallies, seed)), encoding="utf-8")
