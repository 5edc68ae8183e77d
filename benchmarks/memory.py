"""Counts the octets that one pending machine alone holds on to."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Final

_MACHINES: Final = 500


def held(make: Callable[[], object]) -> float:
    """Return how many octets each of many objects keeps allocated.

    Args:
        make: makes an object. What existed before, such as shared answers and certificates, is not counted.
    """
    make()  # fills caches that are filled once
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = [make() for _ in range(_MACHINES)]
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        return (after - before) / len(kept) - 8  # the list's own pointer
    finally:
        tracemalloc.stop()
