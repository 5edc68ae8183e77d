"""`make assurance` itself: what it divides, prints, finds and writes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assurance import large, page
from assurance.parts import PARTS, Part, never_decided
from differential.explained import EXPLANATIONS
from differential.libdane_opinion import LIMITS

ROOT = Path(__file__).parents[2]


def test_the_counts_are_those_that_are_promised() -> None:
    assert PARTS["openssl"].count >= 20_000
    assert PARTS["der"].count >= 1_000_000
    assert PARTS["aliases"].count >= 1_000_000
    assert set(PARTS) == {"openssl", "der", "libdane", "names", "model", "aliases"}


def test_chunks_are_all_of_it_and_no_two_have_a_seed_in_common() -> None:
    for part in PARTS.values():
        made = large.chunks(part, part.count, 5)
        assert sum(chunk.count for chunk in made) == part.count
        assert made[0].seed == 5
        assert len({chunk.seed for chunk in made}) == len(made)
        assert part.at_once <= 1_000 * 1_000  # each thousand, or ten thousand, of a chunk takes the next seed


def test_what_never_made_a_difference_is_named() -> None:
    assert never_decided(Counter({"decides: a": 1, "decides: b": 0, "holds: c": 0})) == ["decides: b"]


@pytest.mark.parametrize(
    "wrong",
    [
        *[("--jobs", value) for value in ("0", "-1", "two", "1.5", "100000")],
        *[("--count", value) for value in ("0", "-5", "", "1e3")],
        *[("--scale", value) for value in ("0", "-1", "nan", "inf", "much")],
    ],
)
def test_a_number_that_would_compare_nothing_is_refused_by_its_name(
    wrong: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["assurance", "names", *wrong])
    with pytest.raises(SystemExit) as ended:
        large.main()
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert f"argument {wrong[0]}: {wrong[1]!r}: expected" in told.err


def test_a_run_tells_its_seed_and_its_figures() -> None:
    command = [sys.executable, "-m", "assurance", "names", "--seed", "3", "--count", "40", "--jobs", "1"]
    path = os.pathsep.join([str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("seed 3\n")
    assert "names: service-identity, 40 questions" in run.stdout
    assert run.stdout.endswith("no difference is unexplained\n")


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def threads(jobs: int, **_more: object) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(jobs)

    monkeypatch.setattr(large, "ProcessPoolExecutor", threads)


@pytest.mark.parametrize(
    ("source", "said"), [("assert count < 0, 'odd world'", "odd world"), ("1 / 0", "ZeroDivision")]
)
def test_a_difference_ends_it_with_status_1_and_the_command_that_shows_it_again(
    source: str,
    said: str,
    in_this_process: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = f"broken_part_{len(said)}"
    (tmp_path / f"{module}.py").write_text(f"def run(count, seed):\n    {source}\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setitem(PARTS, "broken", Part("broken", "nobody", module, 20, 10, "worlds"))
    monkeypatch.setattr(sys, "argv", ["assurance", "broken", "--seed", "9", "--write"])
    before = page.PAGE.read_bytes()
    assert large.main() == 1
    printed = capsys.readouterr().out
    assert said in printed
    for seed in (9, 1_009):
        assert f"-m assurance broken --count 10 --seed {seed} --jobs 1\n" in printed
    assert page.PAGE.read_bytes() == before


def test_a_class_that_never_occurs_ends_it_with_status_1(
    in_this_process: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "from collections import Counter\n\n\ndef run(count, seed):\n    return Counter({'decides: x': 0})\n"
    (tmp_path / "idle_part.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setitem(PARTS, "idle", Part("idle", "nobody", "idle_part", 10, 10, "worlds"))
    monkeypatch.setattr(sys, "argv", ["assurance", "idle"])
    assert large.main() == 1
    assert "idle: these never made a difference: decides: x" in capsys.readouterr().out


def test_an_unknown_part_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["assurance", "nothing"])
    with pytest.raises(SystemExit) as ended:
        large.main()
    assert ended.value.code == 2


def test_the_page_holds_the_figures_of_a_complete_run() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert re.search(r"^Seed \d+; siptls \S+, OpenSSL \S+, GnuTLS \S+, cryptography \S+", text, re.MULTILINE)
    for part in PARTS.values():
        (found,) = re.findall(rf"^\| {re.escape(part.title)} \| ([0-9,]+) {part.counted} \| 0 \|$", text, re.MULTILINE)
        assert int(found.replace(",", "")) >= part.count
    for name in [*[each.name for each in EXPLANATIONS], *LIMITS]:
        (decided,) = re.findall(rf"^\| {re.escape(name)} \|.* ([0-9,]+) \|$", text, re.MULTILINE)
        assert int(decided.replace(",", "")) > 0


@pytest.mark.server("openssl", "gnutls-cli")
def test_figures_stand_between_the_marks_and_what_is_around_them_stays() -> None:
    tallies = {name: Counter({part.counted: 7, "holds: x": 3, "decides: x": 2}) for name, part in PARTS.items()}
    text = page.replaced("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n", page.figures(tallies, 11))
    assert text.startswith("before\n<!-- figures -->\n\nSeed 11; siptls ")
    assert text.endswith("<!-- end of figures -->\nafter\n")
    assert "old" not in text
    assert "| x | 3 | 2 |" in text
