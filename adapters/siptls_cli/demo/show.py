"""Show the scenarios as they are played: with a progress bar for people, as lines for files, as JSON for programs."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from siptls import Anchors

from ..problem import shown
from ..terminal import Terminal, put
from .certificates import authority
from .play import Played, play
from .scenarios import SCENARIOS

if TYPE_CHECKING:
    from ..given import Shown


def show(given: Shown) -> int:
    """Play all scenarios and print what comes of each.

    Args:
        given: how to show it.

    Returns:
        0 if each verdict is the expected one, else 1.
    """
    began = time.perf_counter()
    terminal = Terminal.of(sys.stdout, ascii_only=given["ascii"], no_color=given["no_color"])
    if given["format"] == "json":
        played = asyncio.run(_play_all(lambda _: None))
    elif terminal.live:
        played = _with_progress_bar(terminal)
    else:
        played = asyncio.run(_play_all(lambda one: put("\n".join(_lines(one, terminal)))))
    right = sum(one.as_expected for one in played)
    code = 0 if right == len(SCENARIOS) else 1
    seconds = time.perf_counter() - began
    if given["format"] == "json":
        scenarios = [one.to_dict() for one in played]
        times = {"duration_ms": round(seconds * 1000), "exit": code}
        put(json.dumps({"scenarios": scenarios, "as_expected": right, **times}, indent=2))
    else:
        end = f"{right} of {len(SCENARIOS)} as expected · {round(seconds * 1000)} ms · exit {code}"
        put(terminal.plain(end))
    return code


async def _play_all(done: Callable[[Played], None]) -> list[Played]:
    root = authority("A root that everybody trusts")
    anchors = Anchors((root.der,), name="the root of the demonstration")
    played: list[Played] = []
    for scenario in SCENARIOS:
        played.append(await play(scenario, root, anchors))
        done(played[-1])
    return played


def _with_progress_bar(terminal: Terminal) -> list[Played]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.text import Text

    console = Console(file=sys.stdout, no_color=not terminal.colour, markup=False, highlight=False, emoji=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("playing", total=len(SCENARIOS))

        def done(one: Played) -> None:
            console.print(Text.from_ansi("\n".join(_lines(one, terminal))), soft_wrap=True)
            progress.advance(task)

        return asyncio.run(_play_all(done))


def _lines(played: Played, terminal: Terminal) -> list[str]:
    """One scenario: name, verdict, method, code and duration; then what was done, and what became of the connection."""
    scenario, verdict = played.scenario, played.verdict
    result = f"{scenario.name:<24} {verdict.outcome.value:<8} {verdict.method:<7} {verdict.code:<18}"
    lines = terminal.item("ok" if played.as_expected else "error", f"{result} {round(played.seconds * 1000)} ms", 0)
    indent = " " * 4
    lines += terminal.wrapped(scenario.story, indent, indent)
    if not played.as_expected:
        expected = scenario.expected
        what = f"expected {expected.outcome.value} {expected.method} {expected.code} at server {expected.server}"
        lines += terminal.wrapped(what, indent, indent)
    if verdict.accepted:
        lines += terminal.wrapped(f"server {played.server} answered OPTIONS: {shown(played.answer)}", indent, indent)
    else:
        lines += terminal.wrapped(f"closed; octets of SIP that the server saw: {played.stray}", indent, indent)
    return lines
