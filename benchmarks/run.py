"""Measures both builds of siptls beside its peers, prints a table and writes ``latest.json`` and ``latest.txt``.

    python -m benchmarks.run

The goals are held against the compiled build. A MISS is printed and changes nothing else: times on a shared machine are
no reason to fail. The instruction count is; see `benchmarks.instructions`.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from . import builds, instructions

_LATEST: Final = Path(__file__).with_name("latest.json")
_TABLE: Final = _LATEST.with_suffix(".txt")  # what the documentation shows
Measured = dict[str, float]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    compiled: float
    interpreted: float
    unit: str
    must: float | None = None
    stretch: float | None = None

    @property
    def result(self) -> str:
        """How the compiled build compares with the goals; empty where there is none."""
        if self.stretch is not None and self.compiled <= self.stretch:
            return "pass, stretch"
        if self.must is None:
            return ""
        return "pass" if self.compiled <= self.must else "MISS"

    def __str__(self) -> str:
        goals = [f"{goal:,.10g}" if goal is not None else "" for goal in (self.must, self.stretch)]
        values = [
            f"{value:>9,.{0 if value >= 1000 else 2 if value < 100 else 1}f}"
            for value in (self.compiled, self.interpreted)
        ]
        return f"{self.what:58} {values[0]} {values[1]:>11} {self.unit:10} {goals[0]:>8} {goals[1]:>8}  {self.result}"


def _measured(core: Path, compiled: bool) -> tuple[Measured, str | None]:
    """Measure one build in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure"],
        env=builds.environment(core),
        cwd=builds.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    values = json.loads(done.stdout)
    assert values.pop("compiled") is compiled, f"{core} holds the other build"
    return values, values.pop("openssl")


class _Table:
    """Rows made of what was measured of both builds.

    Args:
        compiled: of the compiled one.
        interpreted: of the interpreted one.
    """

    def __init__(self, compiled: Measured, interpreted: Measured) -> None:
        self._both = (compiled, interpreted)
        self.rows: list[Row] = []

    def ratio(
        self,
        what: str,
        name: str,
        other: str | None,
        unit: str,
        must: float | None = None,
        stretch: float | None = None,
        *,
        scale: float = 1.0,
    ) -> None:
        """Add one measured value, divided by another one."""
        values = [scale * each[name] / (1 if other is None else each[other]) for each in self._both]
        self.rows.append(Row(what, values[0], values[1], unit, must, stretch))


def _rows(compiled: Measured, interpreted: Measured, openssl: str | None) -> list[Row]:
    table = _Table(compiled, interpreted)
    table.ratio("U: SHA-256 of a certificate of 1,200 octets", "U", None, "us", scale=0.001)
    table.ratio("DANE-EE: answers and DER in, verdict out", "dane-ee", "U", "U", 18, 12)
    table.ratio("DANE-EE: the same with the URI parsed from text", "dane-ee, text", "U", "U")
    table.ratio("DANE-EE: the same with 1,000 names in the leaf", "dane-ee, 1000 names", "U", "U")
    table.ratio("DANE-TA, the path validation aside", "dane-ta", "U", "U")
    table.ratio("RFC 5922, the path validation aside", "rfc5922", "U", "U")
    table.ratio("inbound, the path validation aside", "inbound", "U", "U")
    if openssl is not None:
        # What OpenSSL 3.0 needs to decode a certificate is a multiple of what later releases need.
        slow = re.match(r"OpenSSL 3\.[01]\.", openssl) is not None
        goals = (0.2, None) if slow else (None, 0.5)
        table.ratio("DANE-EE / OpenSSL's DANE, cold, leaf decoded", "dane-ee", "openssl, leaf", "x its time", *goals)
        table.ratio("DANE-EE / OpenSSL's DANE, cold, leaf and issuer", "dane-ee", "openssl, chain", "x its time")
    path = "path validation"
    table.ratio("path validation by cryptography, from DER", path, "U", "U")
    table.ratio("RFC 5922 run / path validation", "rfc5922", path, "%", 15, 10, scale=100)
    table.ratio("RFC 5922, the chain alone / path validation", "chain", path, "%", scale=100)
    table.ratio("inbound / path validation", "inbound", path, "%", scale=100)
    table.ratio("DANE-EE / service-identity, certificate parsed", "dane-ee", "names parsed", "x its time")
    table.ratio("DANE-EE / service-identity, from DER", "dane-ee", "names from DER", "x its time")
    for what, name, must in (
        ("targets, all failing", "targets {}", 12),
        ("TLSA records, chain of 1", "tlsa {} x 1", 12),
        ("TLSA records, chain of 20", "tlsa {} x 20", 12),
        ("names in the leaf", "names {}", 12),
        ("targets, all located at once", "at once {}", 12),
        ("targets, three of them tried", "lazily {}", 12),
        ("SRV records, put in order", "srv {}", 15),
    ):
        table.ratio(f"growth from 100 to 1,000 {what}", name.format(1000), name.format(100), "x", must)
    table.ratio("growth from 1,000 to 10,000 names in the leaf", "names 10000", "names 1000", "x", 12)
    for certificates in (1, 3, 20):
        for records in (1, 10, 100, 1000):
            name = f"tlsa {records} x {certificates}"
            table.ratio(f"chain of {certificates} held against {records:,} TLSA record(s)", name, "U", "U")
    for names in (1, 10, 100, 1000, 10_000):
        table.ratio(f"RFC 5922 with {names:,} name(s) in the leaf", f"names {names}", "U", "U")
    table.ratio("memory of a run that waits for its first answer", "memory, first answer", None, "octets", 1024, 600)
    table.ratio("memory of a run that waits for the peer's chain", "memory, chain", None, "octets", 4096, 2560)
    table.ratio("100,000 runs that wait for chains, in all", "crowd, megabytes", None, "MB")
    table.ratio("100,000 runs side by side, one event", "crowd, side by side", "U", "U")
    table.ratio("the same / one by one without the collector", "crowd, side by side", "crowd, one by one", "x")
    return table.rows


def _instructions(core: Path) -> list[Row]:
    counts = [instructions.counted(each) for each in (core, builds.INTERPRETED)]
    return [
        Row(
            f"instructions of a run, {name}",
            counts[0][name],
            counts[1][name],
            "",
            *((instructions.MUST, instructions.STRETCH) if name == "dane-ee" else ()),
        )
        for name in instructions.RUNS
    ]


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found is not None else platform.machine()


def main() -> None:
    """Build, measure, print and write."""
    core = builds.compiled()
    compiled, openssl = _measured(core, compiled=True)
    interpreted, _ = _measured(builds.INTERPRETED, compiled=False)
    rows = _rows(compiled, interpreted, openssl)
    if instructions.available():
        rows += _instructions(core)
    else:
        print(instructions.MISSING)
    facts = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{_processor()}, {os.cpu_count()} processors, {platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "openssl": openssl,
        **{name: version(name) for name in ("siptls", "mypy", "cryptography", "service-identity")},
    }
    lines = [
        f"{'':58} {'compiled':>9} {'interpreted':>11} {'':10} {'must':>8} {'stretch':>8}  of the compiled",
        *map(str, rows),
        "",
    ]
    table = "\n".join([line.rstrip() for line in lines] + [f"{name}: {fact}" for name, fact in facts.items() if fact])
    print(table)
    record = {
        **facts,
        "measured": {"compiled": compiled, "interpreted": interpreted},
        "rows": [{**asdict(row), "result": row.result} for row in rows],
    }
    _LATEST.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    _TABLE.write_text(table + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
