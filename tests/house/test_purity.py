import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from house.purity import impurities, impurities_below

CORE = Path(__file__).parents[2] / "core"

# What `import siptls` must not load, unless a bare start of the interpreter has loaded it already.
BANNED = frozenset({
    "asyncio", "concurrent", "ctypes", "ftplib", "getpass", "http", "importlib.metadata", "logging", "mmap",
    "multiprocessing", "queue", "random", "sched", "secrets", "select", "selectors", "shutil", "signal", "smtplib",
    "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib", "uuid", "xml",
})  # fmt: skip

MEASURE_AN_IMPORT = """
import sys
from time import process_time
before = set(sys.modules)
start = process_time()
import {module}
seconds = process_time() - start
print([seconds, sorted(set(sys.modules) - before), sorted(sys.stdlib_module_names)].__repr__().replace("'", '"'))
"""


def imported(module: str) -> tuple[float, set[str], set[str]]:
    """Processor seconds that an import takes in a new interpreter, what it loads, and the library's names."""
    run = subprocess.run(
        [sys.executable, "-I", "-c", MEASURE_AN_IMPORT.replace("{module}", module)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    seconds, loaded, library = json.loads(run.stdout)
    return float(seconds), set(loaded), set(library)


def test_the_core_is_pure() -> None:
    assert list(CORE.rglob("*.py")), f"no modules below {CORE}"
    assert impurities_below(CORE) == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import socket", "imports socket"),
        ("import os.path", "imports os.path"),
        ("import json, math", "imports json"),
        ("from time import monotonic", "imports time"),
        ("def f():\n    import random", "imports random"),
        ("if False:\n    from secrets import randbelow", "imports secrets"),
        ("import threading as t", "imports threading"),
        ("import logging", "imports logging"),
        ("from dns.name import Name", "imports dns.name"),
        ("from cryptography import x509", "imports cryptography"),
        ("from siptlsx import y", "imports siptlsx"),
        ("open('/etc/passwd')", "uses open"),
        ("f = print", "uses print"),
        ("eval('1')", "uses eval"),
        ("__import__('socket')", "uses __import__"),
        ("import datetime\nx = datetime.datetime.now()", "reads the clock: datetime.datetime.now"),
        ("import datetime as dt\nx = dt.date.today()", "reads the clock: dt.date.today"),
        ("from datetime import datetime\nx = datetime.now(None)", "reads the clock: datetime.now"),
        ("from datetime import datetime as D\nread = D.utcnow", "reads the clock: D.utcnow"),
        ("import hashlib\nhashlib.file_digest(f, 'sha256')", "uses hashlib.file_digest"),
    ],
)
def test_the_walk_finds_what_is_not_pure(source: str, what: str) -> None:
    assert [finding.what for finding in impurities(source)] == [what]


@pytest.mark.parametrize(
    "source",
    [
        "import hashlib\nhashlib.sha256(b'')",
        "from datetime import datetime, timedelta\ndef later(at: datetime) -> datetime: return at + timedelta(1)",
        "class Machine:\n    def run(self): return self.now, event.now",
        "from .names import fold\nfrom ..names import same\nfrom . import dns",
        "import siptls.dns",
    ],
)
def test_the_walk_lets_pure_code_pass(source: str) -> None:
    assert impurities(source) == []


def test_the_walk_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "bad.py").write_text("import math\n\nimport ssl\n", encoding="utf-8")
    assert impurities_below(tmp_path) == ["package/bad.py:3: imports ssl"]


def test_importing_the_core_loads_no_banned_and_no_foreign_module() -> None:
    _, loaded, library = imported("siptls")
    assert "siptls" in loaded
    banned = {name for name in loaded if name in BANNED or name.partition(".")[0] in BANNED}
    foreign = {name for name in loaded if name.partition(".")[0] not in library | {"siptls"}}
    assert (banned, foreign) == (set(), set())


def test_importing_the_core_takes_less_than_nine_tenths_of_what_importing_asyncio_takes() -> None:
    # The core is to be imported in less than 40 ms on a machine that imports asyncio in 44.4 ms. How long it takes
    # elsewhere is a matter of that machine and of what else runs there. So the two are measured in turn; of each the
    # best counts, which is the one that was disturbed the least. The core takes 0.75 to 0.77 of asyncio's time: a core
    # that were a fifth dearer would fail. A busy machine gets more rounds, but no verdict comes from a few.
    core = asyncio = math.inf
    for rounds in range(1, 61):
        core = min(core, imported("siptls")[0])
        asyncio = min(asyncio, imported("asyncio")[0])
        if rounds >= 10 and core < 0.9 * asyncio:
            break
    assert core < 0.9 * asyncio
