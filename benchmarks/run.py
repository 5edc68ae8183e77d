"""Measures siptls beside its peers in one process, prints a table and writes ``latest.json`` and ``latest.txt``.

    python -m benchmarks.run

A MISS is printed and changes nothing else: times on a shared machine are no reason to fail. The instruction count is;
see `benchmarks.instructions`.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from siptls import Connect, Lookup, Outcome, Policy, Security

from . import instructions, interleaved, locations, peers
from .certificates import INTERMEDIATE, LEAF, leaf_with
from .deployments import Deployment
from .memory import held
from .openssl import OpenSslDane, OpenSslMissing

_LATEST: Final = Path(__file__).with_name("latest.json")
_TABLE: Final = _LATEST.with_suffix(".txt")  # what the documentation shows
_WIDE: Final = Policy(limits=locations.WIDE)
_WRONG: Final = hashlib.sha256(b"another key").digest()


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    value: float
    unit: str
    must: float | None = None
    stretch: float | None = None

    @property
    def result(self) -> str:
        """How the value compares with the goals; empty where there is none."""
        if self.stretch is not None and self.value <= self.stretch:
            return "pass, stretch"
        if self.must is None:
            return ""
        return "pass" if self.value <= self.must else "MISS"

    def __str__(self) -> str:
        goals = [f"{goal:,.10g}" if goal is not None else "" for goal in (self.must, self.stretch)]
        digits = 0 if self.value >= 1000 else 2 if self.value < 100 else 1
        return f"{self.what:66} {self.value:>9,.{digits}f} {self.unit:12} {goals[0]:>8} {goals[1]:>8}  {self.result}"


def _digests(count: int) -> list[bytes]:
    """The data of ``count`` TLSA records of which none matches."""
    return [hashlib.sha256(b"%d" % i).digest() for i in range(count)]


def _accepted(deployment: Deployment) -> Callable[[], object]:
    verdict = deployment.run()
    assert verdict.accepted, verdict.explain()
    return deployment.run


def _dead(targets: int) -> Callable[[], object]:
    """No target can be reached: for each, 2 address lookups, 1 TLSA lookup and 4 connections."""
    deployment = Deployment(targets=targets, alive=False, policy=_WIDE)
    verdict = deployment.run()
    assert verdict.outcome is Outcome.UNDETERMINED, verdict.explain()
    return deployment.run


def _candidates() -> dict[str, Callable[[], object]]:
    """Everything of siptls that is timed."""
    dane = Deployment()
    assert Deployment(tlsa=[_WRONG]).run().outcome is Outcome.REJECTED, "siptls accepts a wrong digest"
    from_text = dane.run_from_text
    assert from_text().accepted
    matching = hashlib.sha256(dane.spki).digest()
    candidates: dict[str, Callable[[], object]] = {
        "U": lambda: hashlib.sha256(LEAF).digest(),
        "dane": _accepted(dane),
        "dane, text": from_text,
        "dane, 1000 names": _accepted(Deployment(leaf=leaf_with(1000))),
        "rfc5922": _accepted(Deployment(Security.INSECURE)),
        "chain": Deployment(Security.INSECURE).judge,
    }
    for count in (100, 1000):
        tlsa = [*_digests(count - 1), matching]
        candidates[f"targets {count}"] = _dead(count)
        candidates[f"tlsa {count}"] = _accepted(Deployment(tlsa=tlsa))
        candidates[f"names {count}"] = _accepted(Deployment(Security.INSECURE, leaf=leaf_with(count)))
        candidates[f"at once {count}"] = locations.at_once(count)
        candidates[f"lazily {count}"] = locations.lazily(count)
        candidates[f"srv {count}"] = locations.srv_order(count)
    return candidates


def _rows(least: dict[str, float], openssl: str | None) -> list[Row]:
    unit, dane = least["U"], least["dane"]
    rows = [
        Row("U: SHA-256 of a certificate of 1,200 octets", unit / 1000, "us"),
        Row("DANE-EE: answers and DER in, verdict out", dane / unit, "U", 18, 12),
        Row("DANE-EE: the same with the URI parsed from text", least["dane, text"] / unit, "U"),
        Row("DANE-EE: the same with 1,000 names in the leaf", least["dane, 1000 names"] / unit, "U"),
    ]
    if openssl is not None:
        # What OpenSSL 3.0 needs to decode a certificate is a multiple of what later releases need.
        slow = re.match(r"OpenSSL 3\.[01]\.", openssl) is not None
        rows += [
            Row(
                "DANE-EE / OpenSSL's DANE, cold, leaf decoded",
                dane / least["openssl, leaf"],
                "x its time",
                0.2 if slow else None,
                None if slow else 0.5,
            ),
            Row("DANE-EE / OpenSSL's DANE, cold, leaf and intermediate", dane / least["openssl, chain"], "x its time"),
        ]
    path = least["path validation"]
    rows += [
        Row("path validation by cryptography, from DER", path / unit, "U"),
        Row("RFC 5922 run / path validation", 100 * least["rfc5922"] / path, "%", 15, 10),
        Row("RFC 5922, the chain alone / path validation", 100 * least["chain"] / path, "%"),
        Row("DANE-EE / service-identity, certificate parsed", dane / least["names parsed"], "x its time"),
        Row("DANE-EE / service-identity, from DER", dane / least["names from DER"], "x its time"),
    ]
    for what, name, must in (
        ("targets, all failing", "targets", 12),
        ("TLSA records", "tlsa", 12),
        ("names in the leaf", "names", 12),
        ("targets, all located at once", "at once", 12),
        ("targets, three of them tried", "lazily", 12),
        ("SRV records, put in order", "srv", 15),
    ):
        rows.append(Row(f"growth from 100 to 1,000 {what}", least[f"{name} 1000"] / least[f"{name} 100"], "x", must))
    rows.append(
        Row(
            "1,000 targets: three of them tried / all located at once",
            100 * least["lazily 1000"] / least["at once 1000"],
            "%",
        )
    )
    return rows


def _memory() -> list[Row]:
    deployment = Deployment()

    def waiting_for(action: type[Lookup | Connect]) -> Callable[[], object]:
        def make() -> object:
            machine = deployment.machine()
            deployment.drive(machine, until=action)
            return machine

        return make

    return [
        Row("memory of a run that waits for its first answer", held(waiting_for(Lookup)), "octets", 1024, 600),
        Row("memory of a run that waits for the peer's chain", held(waiting_for(Connect)), "octets", 4096, 2560),
    ]


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found is not None else platform.machine()


def main() -> None:
    """Measure, print and write."""
    candidates = _candidates()
    candidates["path validation"] = peers.path_validation()
    candidates["names parsed"] = peers.service_identity(parsed=True)
    candidates["names from DER"] = peers.service_identity(parsed=False)
    openssl = None
    try:
        library = OpenSslDane()
    except OpenSslMissing as error:
        print(f"OpenSSL's DANE is not measured: {error}")
    else:
        openssl = library.version
        candidates["openssl, leaf"] = peers.openssl_dane(library, (LEAF,))
        candidates["openssl, chain"] = peers.openssl_dane(library, (LEAF, INTERMEDIATE))
    least = interleaved.measured(candidates)
    rows = [*_rows(least, openssl), *_memory()]
    if instructions.available():
        count = instructions.counted()
        rows.append(Row("instructions of a DANE-EE run", count, "", instructions.MUST, instructions.STRETCH))
    else:
        print(instructions.MISSING)
    facts = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{_processor()}, {os.cpu_count()} processors, {platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "openssl": openssl,
        **{name: version(name) for name in ("siptls", "cryptography", "service-identity")},
    }
    lines = [f"{'':66} {'measured':>9} {'':12} {'must':>8} {'stretch':>8}", *map(str, rows), ""]
    table = "\n".join([line.rstrip() for line in lines] + [f"{name}: {fact}" for name, fact in facts.items() if fact])
    print(table)
    record = {
        **facts,
        "microseconds": {name: round(time / 1000, 3) for name, time in least.items()},
        "rows": [{**asdict(row), "value": round(row.value, 3), "result": row.result} for row in rows],
    }
    _LATEST.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    _TABLE.write_text(table + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
