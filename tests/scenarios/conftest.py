from __future__ import annotations

import gc
import os
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

FILES = Path("/proc/self/fd")


def open_files() -> int:
    return len(os.listdir(FILES)) if FILES.exists() else 0  # noqa: PTH208 - a listing of numbers


@pytest.fixture(scope="module", autouse=True)
def garbage_collected_once() -> Generator[None]:
    """Hundreds of short tests share one collection at their end; it would warn of what none of them closed."""
    gc.collect()
    gc.freeze()  # what is there already stays
    yield
    gc.unfreeze()
    gc.collect()


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> Generator[None]:
    """No test here may leave a file, a socket or a thread open; ResourceWarnings are errors anyway."""
    files, threads = open_files(), threading.active_count()
    yield
    if open_files() > files:
        gc.collect()
    assert threading.active_count() == threads
    assert open_files() <= files
