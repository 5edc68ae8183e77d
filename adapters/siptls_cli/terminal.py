"""What the place that text is written to can show: its width, its characters, its colours."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TextIO, TypeAlias

from .problem import cut_off, unwritable

Mark: TypeAlias = Literal["ok", "error", "warning", "note", "nothing", "question"]

_GLYPHS: Final[Mapping[Mark, str]] = {
    "ok": "✓", "error": "✗", "warning": "!", "note": "○", "nothing": "\N{EN DASH}", "question": "?",
}  # fmt: skip
_WORDS: Final[Mapping[Mark, str]] = {
    "ok": "OK", "error": "FAIL", "warning": "WARN", "note": "--", "nothing": "..", "question": "??",
}  # fmt: skip
# Select Graphic Rendition (ECMA-48 section 8.3.117): green, red, yellow, cyan, faint, yellow, bold.
_COLOURS: Final[Mapping[str, str]] = {
    "ok": "32", "error": "31", "warning": "33", "note": "36", "nothing": "2", "question": "33", "strong": "1",
}  # fmt: skip
_PUNCTUATION: Final = {"…": "..", "·": "-", "—": "-"}
_LEAST_WIDTH: Final = 40


@dataclass(frozen=True, slots=True)
class Terminal:
    """How to write for a terminal, or for a file or pipe.

    Args:
        width: columns; no line is longer.
        ascii_only: words instead of glyphs.
        colour: whether to colour; colour never says what the text does not say.
        live: whether what was written can be overwritten, as a progress bar is.
    """

    width: int = 80
    ascii_only: bool = False
    colour: bool = False
    live: bool = False

    @classmethod
    def of(cls, stream: TextIO | None, *, ascii_only: bool = False, no_color: bool = False) -> Terminal:
        """Find out what a stream can show, from itself and the environment (COLUMNS, NO_COLOR, FORCE_COLOR, TERM).

        Args:
            stream: where the text goes, or None if it goes nowhere.
            ascii_only: the user wants no other characters than ASCII.
            no_color: the user wants no colours.
        """
        if stream is None:
            return cls(ascii_only=ascii_only)
        width = max(_LEAST_WIDTH, shutil.get_terminal_size((80, 24)).columns)
        colour = not no_color and _wants_colour(stream, os.environ)
        live = stream.isatty() and os.environ.get("TERM") != "dumb"
        return cls(width, ascii_only or not _can_encode(stream), colour, live)

    def mark(self, mark: Mark) -> str:
        """Return the mark that a line begins with, coloured."""
        return self.coloured(mark, self.bare(mark))

    def coloured(self, style: str, text: str) -> str:
        """Return a text in the colour of a mark, or ``strong``."""
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if self.colour else text

    def plain(self, text: str) -> str:
        """Return one of our own texts without the characters that the terminal cannot show."""
        if self.ascii_only:
            for glyph, word in _PUNCTUATION.items():
                text = text.replace(glyph, word)
        return text

    def wrapped(self, text: str, first: str, rest: str) -> list[str]:
        """Break a text into lines that fit.

        Args:
            text: the text.
            first: what the first line begins with.
            rest: what the other lines begin with.
        """
        text = self.plain(text)
        lines = textwrap.wrap(
            text, self.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, tabsize=1
        )
        return lines or [first.rstrip()]

    def item(self, mark: Mark, text: str, indent: int = 3, hang: int = 0) -> list[str]:
        """Return the lines of one item: its mark, then its text with the other lines below.

        Args:
            mark: the mark.
            text: the text.
            indent: columns before the mark.
            hang: further columns before the second line and those after it.
        """
        bare = self.bare(mark)
        lead = " " * indent + bare.ljust(4 if self.ascii_only else 1) + " "
        lines = self.wrapped(text, lead, " " * (len(lead) + hang))
        lines[0] = " " * indent + self.mark(mark) + lines[0][indent + len(bare) :]
        return lines

    def below(self, label: str, text: str, indent: int = 3, hang: int = 0) -> list[str]:
        """Return the lines of what is said of the item above, faint, in the columns of its text.

        Args:
            label: what it says of it; at most ``hang`` characters.
            text: what it says.
            indent: columns before the mark of the item.
            hang: columns of the item's label.
        """
        lead = " " * (indent + (5 if self.ascii_only else 2))
        lines = self.wrapped(text, lead + label.ljust(hang), lead + " " * hang)
        return [lead + self.coloured("nothing", line[len(lead) :]) for line in lines]

    def bare(self, mark: Mark) -> str:
        """Return a mark without colour."""
        return (_WORDS if self.ascii_only else _GLYPHS)[mark]


def put(text: str) -> None:
    """Write text and a newline to standard output; if nobody reads there, go on without.

    Args:
        text: the text.

    Raises:
        Problem: it cannot be written, for example because the disk is full, or the user interrupted that.
    """
    stream: TextIO | None = getattr(sys, "stdout", None)
    if stream is None:
        return  # closed before we were started
    try:
        stream.write(text + "\n")
        stream.flush()
    except KeyboardInterrupt as interrupt:
        raise cut_off() from interrupt
    except OSError as error:
        # What is still buffered would fail again at exit, and spoil the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise unwritable(error) from error


def _wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """NO_COLOR goes before FORCE_COLOR (no-color.org, force-color.org), and both before what the stream is."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


def _can_encode(stream: TextIO) -> bool:
    try:
        "".join([*_GLYPHS.values(), *_PUNCTUATION]).encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
