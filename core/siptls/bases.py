"""Base classes that are never compiled, because they do what compiled classes cannot."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING


class State(Enum):
    """A state that hashes by identity, in C, since tables are keyed by states."""

    if not TYPE_CHECKING:  # to the type checkers Enum's own is the same
        __hash__ = object.__hash__


class Shared:
    """What can be referred to weakly: a driver keeps what it has prepared of such a value while the value lives."""
