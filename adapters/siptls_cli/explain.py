"""What `explain` does: the catalogue of codes as a manual, without any network."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple

from siptls.codes import CATALOGUE, ROOMS, Code

from .problem import Problem, shown
from .terminal import Terminal, put

if TYPE_CHECKING:
    from .given import Explain


class ExitCode(NamedTuple):
    """What a process returns, and what that means.

    Attributes:
        code: the number.
        title: what it is called.
        why: what it says, and when.
    """

    code: int
    title: str
    why: str


EXIT_CODES: Final = (
    ExitCode(0, "verified", "all that was asked for is well; there may be warnings"),
    ExitCode(1, "rejected", "there is evidence that the peer, the certificate or the record must not be trusted"),
    ExitCode(2, "usage error", "a wrong command line, or a file that cannot be read or written; never a verdict"),
    ExitCode(3, "undetermined", "a lookup or a connection failed; trying again may help"),
    ExitCode(4, "no service", "the domain offers nothing to connect to"),
    ExitCode(5, "insufficient", "verified, but by less than --require"),
    ExitCode(70, "internal error", "a bug of siptls; never a verdict"),
    ExitCode(130, "interrupted", "Ctrl-C; never a verdict"),
)
"""All exit codes of all verbs."""

_EXIT: Final = "exit"
_SUGGESTIONS: Final = 4
_DOCUMENT: Final = re.compile(", (?=[A-Z])")


def explain(given: Explain) -> int:
    """Print what the catalogue has on a code, on all codes of a room, or on all; or the exit codes.

    Args:
        given: the command line.

    Returns:
        The exit code: 0.

    Raises:
        Problem: there is no such code, or not exactly one thing was asked for.
    """
    topic = given["topic"]
    if (topic is None) is not given["list"]:
        raise Problem("usage.error", "explain takes one code, or exit, or --list; for example: dane.no-match")
    word = "" if topic is None else topic.strip().lower()
    if topic is not None and not word:
        raise Problem("usage.error", "explain takes one code, not an empty one; siptls explain --list shows all")
    terminal = Terminal.of(sys.stdout, ascii_only=given["ascii"], no_color=given["no_color"])
    result, lines = _of(word, terminal)
    if given["format"] == "json":
        put(json.dumps({**result, "exit": 0}, indent=2))
    else:
        put("\n".join(lines))
    return 0


def _of(word: str, terminal: Terminal) -> tuple[dict[str, object], Iterator[str]]:
    """What is to be printed about a topic, as values for JSON and as lines."""
    if word == _EXIT:
        return {"exit_codes": [exit_code._asdict() for exit_code in EXIT_CODES]}, _exit_lines(terminal)
    if word in CATALOGUE:
        code = CATALOGUE[word]
        return {"code": to_dict(code)}, code_lines(code, terminal)
    if word and word not in ROOMS:
        raise Problem("usage.error", shown(f"there is no code {word!r}{_suggestion(word)}"))
    rooms = {room: codes for room, codes in by_room().items() if word in ("", room)}
    return {"codes": [to_dict(code) for codes in rooms.values() for code in codes]}, _list_lines(rooms, terminal)


def by_room() -> dict[str, list[Code]]:
    """Return the catalogue by rooms, in the order in which to read it."""
    rooms: dict[str, list[Code]] = {room: [] for room in ROOMS}
    for code in CATALOGUE.values():
        rooms[code.id.partition(".")[0]].append(code)
    return rooms


def to_dict(code: Code) -> dict[str, object]:
    """Return an entry of the catalogue as values for JSON, under the names of its attributes."""
    return {**code._asdict(), "causes": list(code.causes), "confirm": list(code.confirm)}


def code_lines(code: Code, terminal: Terminal) -> Iterator[str]:
    """Yield the lines of one entry of the catalogue.

    Args:
        code: the entry.
        terminal: what they are shown on.
    """
    head = terminal.item(code.severity, f"{code.id}  {code.title}", indent=0, hang=2)
    yield head[0].replace(code.id, terminal.coloured("strong", code.id), 1)
    yield from head[1:]
    sections = (
        ("WHAT IT MEANS", (code.why,)),
        ("USER IMPACT", (code.impact,)),
        ("LIKELY CAUSES", code.causes),
        ("HOW TO CONFIRM", code.confirm),
        ("HOW TO FIX", (code.fix,)),
        ("REFERENCE", tuple(_DOCUMENT.split(code.reference))),
    )
    for heading, texts in sections:
        if any(texts):
            yield from ("", "  " + terminal.coloured("strong", heading))
            for text in texts:
                yield from _paragraph(text, terminal, listed=len(texts) > 1)


def _paragraph(text: str, terminal: Terminal, *, listed: bool) -> list[str]:
    if text.startswith("$ "):
        return terminal.wrapped(text, "    ", "      ")
    return terminal.wrapped(text, "    - " if listed else "    ", "      " if listed else "    ")


def _list_lines(rooms: dict[str, list[Code]], terminal: Terminal) -> Iterator[str]:
    width = max(len(code.id) for codes in rooms.values() for code in codes) + 2
    for place, (room, codes) in enumerate(rooms.items()):
        yield from ("",) if place else ()
        yield "  " + terminal.coloured("strong", ROOMS[room])
        for code in codes:
            yield from terminal.item(code.severity, f"{code.id:<{width}}{code.title}", hang=width)


def _exit_lines(terminal: Terminal) -> Iterator[str]:
    yield "  " + terminal.coloured("strong", "Exit codes of all verbs")
    for code, title, why in EXIT_CODES:
        yield from terminal.wrapped(f"{title:<16}{why}", f"  {code:>4}  ", " " * 24)


def _suggestion(word: str) -> str:
    known = [*CATALOGUE, *ROOMS, _EXIT]
    near = get_close_matches(word, known, _SUGGESTIONS, 0.6)
    near += [code for code in known if word in code and code not in near]
    if not near:
        return "; all codes: siptls explain --list"
    return f"; near it are {', '.join(near[:_SUGGESTIONS])}"
