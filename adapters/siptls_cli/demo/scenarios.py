"""All scenarios, in the order in which they are played."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .attacked import ATTACKED
from .scenario import Scenario
from .signed import SIGNED
from .unsigned import UNSIGNED

CHAPTERS: Final[Mapping[str, tuple[Scenario, ...]]] = {
    "The zone is signed": SIGNED,
    "The zone is not signed": UNSIGNED,
    "Somebody attacks": ATTACKED,
}
"""The scenarios by the heading under which they are shown."""
