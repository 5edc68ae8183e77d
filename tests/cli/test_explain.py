"""`siptls explain`: the catalogue as a manual.

After a change that is meant, write the golden texts anew (``PYTHONPATH=tests python -m cli.test_explain``).
"""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.console import GLYPHS, run, run_process
from siptls.codes import CATALOGUE, ROOMS, Code
from siptls_cli.explain import EXIT_CODES, code_lines
from siptls_cli.terminal import Terminal

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_TOPICS = ("dane.no-match", "id.match", "exit", "delegation")
SECTIONS = ("WHAT IT MEANS", "USER IMPACT", "LIKELY CAUSES", "HOW TO CONFIRM", "HOW TO FIX", "REFERENCE")

each_code = pytest.mark.parametrize("code", CATALOGUE.values(), ids=CATALOGUE)


def shown(topic: str) -> str:
    ran = run("explain", topic)
    assert (ran.exit_code, ran.err) == (0, "")
    return ran.out


def words(text: str) -> str:
    """Text without its line breaks, so that it can be looked for."""
    return " ".join(text.split())


@pytest.mark.parametrize("topic", GOLDEN_TOPICS)
def test_the_text_is_the_golden_one(topic: str) -> None:
    assert shown(topic) == (GOLDEN / f"explain-{topic}.txt").read_text(encoding="utf-8")


@each_code
def test_all_that_the_catalogue_says_of_a_code_is_told(code: Code) -> None:
    text = shown(code.id)
    told = words(text)
    assert told.split(" ", 1)[1].startswith(words(f"{code.id} {code.title}"))
    for said in (code.why, code.impact, *code.causes, *code.confirm, code.fix):
        assert words(said) in told
    assert [section for section in SECTIONS if f"\n\n  {section}\n" in text] == [
        section
        for section, said in zip(
            SECTIONS, (code.why, code.impact, code.causes, code.confirm, code.fix, code.reference), strict=True
        )
        if said
    ]


@each_code
def test_json_has_the_entry_under_the_names_of_its_attributes(code: Code) -> None:
    entry = {**code._asdict(), "causes": [*code.causes], "confirm": [*code.confirm]}
    assert run("explain", code.id, "--format", "json").json == {"code": entry, "exit": 0}


@each_code
@pytest.mark.parametrize("terminal", [Terminal(80), Terminal(40, ascii_only=True), Terminal(120, colour=True)])
def test_no_line_is_wider_than_the_terminal_and_no_command_is_broken_at_80(code: Code, terminal: Terminal) -> None:
    lines = list(code_lines(code, terminal))
    bare = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert all(len(line) <= terminal.width or " " not in line.strip() for line in bare)
    if terminal.width >= 80:
        assert {f"    {text}" for text in code.confirm if text.startswith("$ ")} <= set(bare)
    assert all(character.isascii() or character in GLYPHS for line in bare for character in line)
    if terminal.ascii_only:
        assert all(line.isascii() for line in bare)


def test_the_list_has_each_code_with_its_finding_below_the_title_of_its_room() -> None:
    ran = run("explain", "--list")
    assert (ran.exit_code, ran.err) == (0, "")
    told = words(ran.out)
    assert [code.id for code in CATALOGUE.values() if words(f"{code.id} {code.title}") not in told] == []
    headings = [line.strip() for line in ran.out.splitlines() if re.match(r"  \S", line)]
    assert headings == [*ROOMS.values()]
    codes = run("explain", "--list", "--format", "json").json["codes"]
    assert sorted(entry["id"] for entry in codes) == sorted(CATALOGUE)


def test_a_room_lists_its_codes() -> None:
    listed = run("explain", "tls", "--format", "json").json["codes"]
    assert [entry["id"] for entry in listed] == [code for code in CATALOGUE if code.startswith("tls.")]
    assert "tls.alert" in shown("tls")
    assert "net.refused" not in shown("tls")


def test_exit_tells_all_exit_codes() -> None:
    told = words(shown("exit"))
    assert [code for code in EXIT_CODES if words(f"{code.code} {code.title} {code.why}") not in told] == []
    codes = run("explain", "exit", "--format", "json").json
    assert codes == {"exit_codes": [code._asdict() for code in EXIT_CODES], "exit": 0}


def test_capital_letters_and_blanks_around_a_code_do_not_matter() -> None:
    assert shown(" DANE.No-Match ") == shown("dane.no-match")


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("dane.nomatch", "dane.no-match"),
        ("no-match", "dane.no-match"),
        ("chain.expire", "chain.expired"),
        ("exits", "exit"),
        ("tsl", "tls"),
    ],
)
def test_an_unknown_code_is_a_usage_error_that_names_what_is_near(word: str, near: str) -> None:
    ran = run("explain", word)
    assert (ran.exit_code, ran.out) == (2, "")
    assert near in re.split(r"[ ,\n]+", ran.err)
    as_json = run("explain", word, "--format", "json")
    assert (as_json.exit_code, as_json.err, as_json.error["code"]) == (2, "", "usage.error")
    assert near in as_json.error["message"]


def test_a_word_that_is_near_to_nothing_leads_to_the_list() -> None:
    ran = run("explain", "0123456789")
    assert (ran.exit_code, ran.err) == (2, "siptls: there is no code '0123456789'; all codes: siptls explain --list\n")


@pytest.mark.parametrize("arguments", [(), ("dane.no-match", "--list")])
def test_exactly_one_thing_must_be_asked_for(arguments: tuple[str, ...]) -> None:
    ran = run("explain", *arguments)
    assert (ran.exit_code, ran.out) == (2, "")
    assert "explain takes one code" in ran.err


@given(st.text(max_size=300))
def test_whatever_is_asked_for_nothing_of_it_acts_on_a_terminal(word: str) -> None:
    ran = run("explain", "--", word)
    assert ran.exit_code in (0, 2)
    assert re.fullmatch(r"[\x20-\x7e\n]*", ran.err)


def test_explaining_loads_nothing_that_connects() -> None:
    script = (
        "import json, sys, siptls_cli.__main__ as m; m.main(); print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    ran = run_process("explain", "exit", program=("-c", script))
    assert ran.exit_code == 0
    assert not {name for name in ("siptls_io", "asyncio", "ssl", "cryptography", "dns") if f'"{name}"' in ran.err}


if __name__ == "__main__":
    for golden in GOLDEN_TOPICS:
        (GOLDEN / f"explain-{golden}.txt").write_text(shown(golden), encoding="utf-8")
