"""Show the scenarios as they are played: with a progress bar for people, as lines for files, as JSON for programs."""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from ..problem import missing_extra, shown
from ..terminal import Terminal, put
from .clients import CLIENTS
from .play import Player, Take
from .scenarios import CHAPTERS
from .server import Servers

if TYPE_CHECKING:
    from ..given import Demo

Played: TypeAlias = Iterator[tuple[str, list[Take]]]
"""The takes of each scenario, with the heading that stands above it; empty for none."""

_INDENT: Final = " " * 4


def show(given: Demo) -> int:
    """Play all scenarios and print what comes of each.

    Args:
        given: which kinds of event loop to play with, and how to show it.

    Returns:
        0 if each verdict is the expected one, and the same with every kind of event loop; else 1.

    Raises:
        Problem: a package is missing that a kind of event loop needs, or nothing can be written.
    """
    began = time.perf_counter()
    loops = tuple(CLIENTS) if given["loop"] == "all" else (given["loop"],)
    _require(loops)
    terminal = Terminal.of(sys.stdout, ascii_only=given["ascii"], no_color=given["no_color"])
    as_json = given["format"] == "json"
    with Servers() as servers:
        played = _played(Player(servers, loops))
        if as_json:
            scenarios = [takes for _, takes in played]
        elif terminal.live:
            scenarios = _with_progress_bar(played, terminal)
        else:
            scenarios = _line_by_line(played, terminal)
    seconds = time.perf_counter() - began
    takes = [take for takes in scenarios for take in takes]
    wrong = sum(not take.as_expected for take in takes)
    code = 1 if wrong else 0
    times = {"duration_ms": round(seconds * 1000), "exit": code}
    if as_json:
        entries = [take.to_dict() for take in takes]
        put(json.dumps({"scenarios": entries, "as_expected": len(takes) - wrong, **times}, indent=2))
    else:
        right = sum(all(take.as_expected for take in takes) for takes in scenarios)
        put(terminal.plain(f"\n{right} of {len(scenarios)} as expected · {times['duration_ms']} ms · exit {code}"))
    return code


def _require(loops: Sequence[str]) -> None:
    """Refuse to begin if a package is missing, instead of failing in the middle."""
    if "trio" in loops:
        try:
            importlib.import_module("trio")
        except ModuleNotFoundError as error:
            raise missing_extra(error) from error


def _played(player: Player) -> Played:
    for heading, scenarios in CHAPTERS.items():
        for number, scenario in enumerate(scenarios):
            yield "" if number else heading, player.play(scenario)


def _line_by_line(played: Played, terminal: Terminal) -> list[list[Take]]:
    scenarios: list[list[Take]] = []
    for heading, takes in played:
        put("\n".join([*_heading(heading, terminal, first=not scenarios), *_lines(takes, terminal)]))
        scenarios.append(takes)
    return scenarios


def _with_progress_bar(played: Played, terminal: Terminal) -> list[list[Take]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.text import Text

    console = Console(file=sys.stdout, no_color=not terminal.colour, markup=False, highlight=False, emoji=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    scenarios: list[list[Take]] = []
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("playing", total=sum(map(len, CHAPTERS.values())))
        for heading, takes in played:
            lines = [*_heading(heading, terminal, first=not scenarios), *_lines(takes, terminal)]
            console.print(Text.from_ansi("\n".join(lines)), soft_wrap=True)
            progress.advance(task)
            scenarios.append(takes)
    return scenarios


def _heading(heading: str, terminal: Terminal, *, first: bool) -> list[str]:
    return [*([] if first else [""]), terminal.coloured("strong", heading)] if heading else []


def _lines(takes: Sequence[Take], terminal: Terminal) -> list[str]:
    """One scenario: name, verdict, method and code; what was done, by whom it was seen, and what became of it."""
    wrong = [take for take in takes if not take.as_expected]
    take = (wrong or takes)[0]
    scenario, verdict = take.scenario, take.verdict
    head = f"{scenario.name:<24} {verdict.outcome.value:<12} {verdict.method:<7} {verdict.code:<22}"
    if len(takes) == 1:
        head += f" {_ms(take)}"
    lines = terminal.item("error" if wrong else "ok", head, 0)
    texts = [scenario.story]
    if len(takes) > 1:
        texts.append("  ".join(f"{t.loop} {terminal.bare('ok' if t.as_expected else 'error')} {_ms(t)}" for t in takes))
    texts += [_mismatch(one) for one in wrong]
    if verdict.accepted:
        texts.append(f"server {take.server} answered OPTIONS: {shown(take.answer)}")
    elif take.connections:
        texts.append(f"closed; octets of SIP that the server saw: {take.stray}")
    else:
        texts.append("nobody was connected to")
    for text in texts:
        lines += terminal.wrapped(text, _INDENT, _INDENT)
    return lines


def _mismatch(take: Take) -> str:
    expected, verdict = take.scenario.expected, take.verdict
    found = f"{verdict.outcome.value} {verdict.method} {verdict.code} at server {take.server}"
    wanted = f"{expected.outcome.value} {expected.method} {expected.code} at server {expected.server}"
    if found == wanted:
        differs = f", differs from the first in {take.difference}" if take.difference else ""
        return f"{take.loop}: {found}{differs}; connections: {take.connections}, stray octets: {take.stray}"
    return f"{take.loop}: expected {wanted}, found {found}"


def _ms(take: Take) -> str:
    return f"{round(take.seconds * 1000)} ms"
