"""Each fuzz target runs shortly with the ordinary tests; `make fuzz` lets it run for longer."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings

from fuzz.run import TARGETS, fuzz
from fuzz.worker import loaded, octets

_ENGINES = ["hypothesis", *(["atheris"] if importlib.util.find_spec("atheris") is not None else [])]


@pytest.mark.parametrize("target", TARGETS)
def test_the_invariant_holds(target: str) -> None:
    check, seeds = loaded(target)
    for data in seeds:
        check(data)
    settings(max_examples=100)(given(octets(seeds))(check))()


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_begins_with_its_invariant(target: str) -> None:
    source = Path(__file__).with_name(f"{target}.py").read_text(encoding="utf-8")
    assert source.startswith("# Invariant: ")


@pytest.mark.parametrize("engine", _ENGINES)
def test_an_input_that_breaks_the_invariant_is_saved_and_named(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    more = tmp_path / "more" / "fuzz"
    more.mkdir(parents=True)
    (more / "broken.py").write_text(
        "def check(data: bytes) -> None:\n    assert b'x' not in data\n\n\nSEEDS = (b'a', b'xx')\n", encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(more.parent))
    assert fuzz("broken", 10, engine, tmp_path) is False
    (crash,) = (tmp_path / "broken").glob("crash-*")
    assert b"x" in crash.read_bytes()
    said = capsys.readouterr().out
    assert "BROKEN" in said
    assert str(crash) in said
