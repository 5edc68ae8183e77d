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
def quick_garbage_collection() -> Generator[None]:
    """What is there already stays; to look through it before and after each test would take long."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> Generator[None]:
    """No test here may leave a file, a socket or a thread open; ResourceWarnings are errors anyway."""
    gc.collect()
    files, threads = open_files(), threading.active_count()
    yield
    gc.collect()
    assert threading.active_count() == threads
    assert open_files() == files
