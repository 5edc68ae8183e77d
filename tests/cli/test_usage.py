"""What cannot be understood or read ends with exit code 2, says what was expected, and is never a verdict."""

import json
import re
import resource
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.console import run, run_process
from cli.offline import URI, ZONE, World, accepted, leaf, root
from house.pages import verbs
from siptls.policy import Purpose, Require, Transport
from siptls_cli.commands import cli

ZONE_FILE = str(Path(__file__).parents[2] / "docs" / "examples" / "example.com.zone")
OFFLINE = ("--zone", f"example.com={ZONE_FILE}")

USAGE_ERRORS = [
    (),
    ("chek", URI),
    ("check",),
    ("check", URI, "sip:bob@example.com"),
    ("check", URI, "--unknown"),
    ("check", URI, "--require"),
    ("check", URI, "--require", "magic"),
    ("check", URI, "--timeout", "0"),
    ("check", URI, "--timeout", "nan"),
    ("check", URI, "--timeout", "inf"),
    ("check", URI, "--timeout", "soon"),
    ("check", URI, "--transport", "udp"),
    ("check", URI, "--transport", "tls", "--transport", "tls", *OFFLINE),
    ("check", URI, "--now", "yesterday", *OFFLINE),
    ("check", URI, "--now", "2026-11-22", *OFFLINE),
    ("check", URI, "--now", "2026-11-22T00:00:00", *OFFLINE),
    ("check", URI, "--now", "2026-02-30T00:00:00Z", *OFFLINE),
    ("check", URI, "--now", "9999-12-31T23:59:59-00:01", *OFFLINE),
    ("check", URI, "--zone", "example.com"),
    ("check", URI, "--zone", f"exa mple..com={ZONE_FILE}"),
    ("check", URI, *OFFLINE, *OFFLINE),
    ("check", URI, *OFFLINE, "--dnssec", "signed"),
    ("check", URI, *OFFLINE, "--dnssec", "example.com=signed"),
    ("check", URI, *OFFLINE, "--dnssec", "=secure"),
    ("check", URI, *OFFLINE, "--dnssec", "..=secure"),
    ("check", URI, *OFFLINE, "--dnssec", "secure", "--dnssec", "bogus"),
    ("check", URI, *OFFLINE, "--chain", "sip1.example.com=chain.pem"),
    ("check", URI, *OFFLINE, "--chain", "sip1.example.com:99999=chain.pem"),
    ("check", URI, *OFFLINE, "--chain", "[::g]:5061=chain.pem"),
    ("check", URI, *OFFLINE, "--chain", "[::1::]:5061=chain.pem"),
    ("check", URI, *OFFLINE, "--resolver", "127.0.0.1"),
    ("check", URI, *OFFLINE, "--trust-ad"),
    ("check", URI, "--dnssec", "secure"),
    ("check", URI, "--chain", ZONE_FILE),
    ("check", URI, "--trust-ad"),
    ("check", URI, "--resolver", "not an address"),
    ("check", URI, "--resolver", "127.0.0.1:99999"),
    ("check", URI, "--resolver", "127.0.0.1:99999", "--validate"),
    ("check", URI, "--resolver", "tls://127.0.0.1", "--validate"),
    ("check", URI, "--resolver", "https://127.0.0.1/dns-query", "--validate"),
    ("check", URI, "--resolver", "127.0.0.1", "--validate", "--trust-ad"),
    ("check", URI, "--resolver", "127.0.0.1", "--trust-ad", "--trust-anchor", ZONE_FILE),
    ("check", URI, "--resolver", "127.0.0.1", "--trust-anchor", ZONE_FILE),
    ("check", URI, *OFFLINE, "--validate"),
    ("locate", URI, *OFFLINE, "--trust-anchor", ZONE_FILE),
    ("check", URI, "--key", ZONE_FILE),
    ("locate", URI, "--require", "dane"),
    ("demo", "--zone", "example.com=x"),
]


@pytest.mark.parametrize("arguments", USAGE_ERRORS, ids=shlex.join)
def test_a_wrong_command_line_exits_with_2_in_text_and_in_json(arguments: Sequence[str]) -> None:
    text = run(*arguments)
    assert (text.exit_code, text.out) == (2, "")
    assert text.err.startswith("siptls: ")
    assert "Traceback" not in text.err
    for as_json in (run(*arguments, "--format", "json"), run(*arguments, "--format=json")):
        assert (as_json.exit_code, as_json.err) == (2, "")
        assert as_json.error["code"] == "usage.error"
        if arguments and arguments[-1] != "--require":  # which then wants the next word as its value
            assert text.err.startswith(f"siptls: {as_json.error['message']}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("chek", URI), "check"),
        (("check", URI, "--requir", "any"), "--require"),
        (("check", URI, *OFFLINE, "--dnssec", "signed"), "secure, insecure, bogus, failed"),
        (("check", URI, "--require", "magic"), "'any', 'pkix', 'dane', 'dane-ee'"),
        (("check", URI, "--now", "noon"), "2026-11-22T00:00:00Z"),
        (("check", URI, "--dnssec", "secure"), "--zone"),
        (("check", URI, "--trust-ad"), "--resolver"),
        (("check", URI, "--resolver", "::1", "--trust-anchor", ZONE_FILE), "needs --validate"),
        (("check", URI, "--resolver", "::1", "--trust-ad", "--validate"), "the resolver validates, or we do"),
        (("check", URI, "--resolver", "tls://127.0.0.1", "--validate"), "tls://127.0.0.1"),
        (("check", URI, "--zone", f"exa mple..com={ZONE_FILE}"), "exa mple..com"),
    ],
)
def test_a_wrong_command_line_is_told_what_would_be_right(arguments: Sequence[str], said: str) -> None:
    assert said in run(*arguments).err


# Options that are given twice.

REPEATED = {
    "check": {"--transport", "--resolver", "--zone", "--dnssec", "--chain", "--crl"},
    "locate": {"--transport", "--resolver", "--zone", "--dnssec", "--chain"},
    "reuse": {"--local-domain", "--transport", "--resolver", "--zone", "--dnssec", "--chain", "--crl"},
    "cert": {"--host", "--crl"},
    "dane generate": {"--resolver", "--zone", "--dnssec", "--chain"},
    "dane lint": {"--zone"},
    "dane check": {"--resolver", "--zone", "--dnssec", "--chain"},
    "dane rollover": {"--resolver", "--zone", "--dnssec", "--chain"},
}
COMMANDS = {name: command for name, command in verbs(cli) if not isinstance(command, click.Group)}
OPTIONS = [(verb, each) for verb, command in COMMANDS.items() for each in command.params if each.opts[0][0] == "-"]


def typed(verb: str, option: click.Parameter) -> list[str]:
    """The least that is typed behind a verb, with a value for one option that is taken, twice."""
    needed = [each for each in COMMANDS[verb].params if each.required and each is not option]
    words = [word for each in needed for word in ([each.opts[0], "a"] if each.opts[0][0] == "-" else ["a"])]
    values = {"NAME=FILE": "a=b", "[NAME=]STATUS": "secure", "TIME": "2026-11-22T00:00:00Z"}
    value = option.type.choices[0] if isinstance(option.type, click.Choice) else values.get(option.type.name, "1")
    once = [option.opts[0]] if isinstance(option, click.Option) and option.is_flag else [option.opts[0], str(value)]
    return [*once, *words, *once]


@pytest.mark.parametrize(("verb", "option"), OPTIONS, ids=[f"{verb} {each.opts[0]}" for verb, each in OPTIONS])
def test_an_option_is_refused_the_second_time_unless_it_may_be_repeated(verb: str, option: click.Parameter) -> None:
    def taken() -> dict[str, Any]:
        # The command keeps the help option that it makes for its first context.
        context = COMMANDS[verb].make_context(verb, typed(verb, option), help_option_names=["-h", "--help"])
        return context.params

    if option.opts[0] in REPEATED.get(verb, ()):
        assert len(taken()[str(option.name)]) == 2
    else:
        with pytest.raises(click.UsageError, match=f"^{option.opts[0]} is given twice: expected it once"):
            taken()


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("cert", "chain.pem", "--domain", "example.org", "--host", "a.example", "--domain=example.com"), "--domain"),
        (("cert", "chain.pem", "--domain", "example.com", "--ca-file", "a", "--ca-file", "b"), "--ca-file"),
        (("cert", "chain.pem", "--role", "server", "--role", "client", "--domain", "example.com"), "--role"),
        (("dane", "check", "sip1.example.com", "--domain", "example.org", "--domain", "example.com"), "--domain"),
        (("dane", "check", "sip1.example.com", "--transport", "tls", "--transport", "wss"), "--transport"),
        (("check", "sip:example.com", "--require", "dane", "--require", "any"), "--require"),
        (("check", "sip:example.com", "-44", *OFFLINE), "-4"),
    ],
)
def test_no_value_is_lost_without_a_word(arguments: Sequence[str], option: str) -> None:
    said = f"{option} is given twice: expected it once"
    text = run(*arguments)
    assert (text.exit_code, text.out) == (2, "")
    assert text.err.startswith(f"siptls: {said}\n")
    as_json = run(*arguments, "--format", "json")
    assert (as_json.exit_code, as_json.err) == (2, "")
    assert as_json.error == {"code": "usage.error", "message": said}


def test_help_is_given_whatever_else_is_typed_twice() -> None:
    ran = run("cert", "--domain", "a", "--domain", "b", "-h", "-h")
    assert (ran.exit_code, ran.err) == (0, "")
    assert ran.out.startswith("Usage: siptls cert")


WHEN = [
    ("9999-12-31T23:59:59-00:01", "a time from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z"),
    ("0001-01-01T00:00:00+00:01", "a time from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z"),
    ("0000-01-01T00:00:00Z", "a time from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z"),
    ("2026-02-30T00:00:00Z", "a day and a time of day that there are"),
    ("2026-06-30T23:59:60Z", "a day and a time of day that there are"),
    ("2026-11-22T00:00:00+25:00", "a day and a time of day that there are"),
    ("2026-11-22", "a time of RFC 3339, for example 2026-11-22T00:00:00Z"),
    ("10000-01-01T00:00:00Z", "a time of RFC 3339, for example 2026-11-22T00:00:00Z"),
]


@pytest.mark.parametrize(("time", "expected"), WHEN)
def test_a_time_is_refused_for_what_is_wrong_with_it(time: str, expected: str) -> None:
    ran = run("check", URI, *OFFLINE, "--now", time)
    assert (ran.exit_code, ran.out) == (2, "")
    assert f"{time!r}: expected {expected}" in ran.err


EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
SERVED = (
    *OFFLINE,
    "--dnssec",
    "secure",
    "--chain",
    str(EXAMPLES / "chain.pem"),
    "--ca-file",
    str(EXAMPLES / "roots.pem"),
)
AT_ANY_TIME: dict[tuple[str, ...], int] = {
    ("check", URI, *SERVED): 0,
    ("check", URI, *OFFLINE, "--chain", str(EXAMPLES / "chain.pem"), "--ca-file", str(EXAMPLES / "roots.pem")): 1,
    ("locate", URI, *OFFLINE): 0,
    ("cert", str(EXAMPLES / "chain.pem"), "--domain", "example.com", "--ca-file", str(EXAMPLES / "roots.pem")): 1,
    ("dane", "check", "sip1.example.com", *SERVED): 0,
    ("dane", "lint", "2 0 1 " + "ab" * 32, "--chain", str(EXAMPLES / "chain.pem")): 1,
    ("dane", "rollover", "sip1.example.com", *SERVED): 2,  # no time is left for it
}


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999Z"])
@pytest.mark.parametrize("arguments", AT_ANY_TIME, ids=lambda arguments: " ".join(arguments[:2]))
def test_the_first_and_the_last_second_of_the_calendar_are_times_like_others(
    arguments: tuple[str, ...], time: str
) -> None:
    for more in ((), ("--format", "json")):
        ran = run(*arguments, "--now", time, *more)
        assert ran.exit_code == AT_ANY_TIME[arguments]
        told = ran.out + ran.err
        assert "bug" not in told
        assert "datetime" not in told
        assert not re.search(r"\b\d{1,3}-\d\d-\d\d", told)


def test_json_is_given_where_the_last_wish_is_json() -> None:
    assert run("check", "--format", "text", "--format", "json").error["code"] == "usage.error"
    assert run("check", "--format", "json", "--format", "text").out == ""
    assert run("check", "--format", "xml").out == ""


# URIs and the caret.

BAD_URIS = [
    ("sip:alice@exa_mple.com", "_", "siptls: not a SIP URI: at column 14 expected a domain name or an IP address"),
    ("sip:alice@example.com:50x1", "x", "siptls: not a SIP URI: at column 25 expected a digit of the port, 1 to 65535"),
    ("sip:alice@-example.com", "-", "siptls: not a SIP URI: at column 11 expected a letter or a digit"),
    ("sip:a\x1b[31m@example.com", "\\", "siptls: not a SIP URI: at column 6 expected a character of a user name"),
    (
        "sip:\x07\x07bob smith@example.com",
        "\\",
        "siptls: not a SIP URI: at column 5 expected a character of a user name",
    ),
    ("sip:a%zz@example.com", "%", "siptls: not a SIP URI: at column 6 expected two hexadecimal digits after %"),
    ("http://example.com", "h", "siptls: not a SIP URI: at column 1 expected sip: or sips:"),
    ("tel:+15551234", "t", "siptls: not a SIP URI: at column 1 expected sip: or sips: (a tel URI"),
]


@pytest.mark.parametrize(("uri", "character", "message"), BAD_URIS)
@pytest.mark.parametrize("verb", ["check", "locate"])
def test_a_caret_stands_under_the_character_at_fault(verb: str, uri: str, character: str, message: str) -> None:
    ran = run(verb, uri)
    first, shown, caret, *_ = ran.err.splitlines()
    assert (ran.exit_code, ran.out) == (2, "")
    assert first.startswith(message)
    assert caret.strip() == "^"
    assert shown[len(caret) - 1] == character
    assert shown.isascii()
    assert shown.isprintable()


def test_a_position_counts_from_0_in_json() -> None:
    ran = run("check", "sip:alice@exa_mple.com", "--format", "json")
    assert ran.exit_code == 2
    assert ran.error == {
        "code": "uri.invalid",
        "message": "not a SIP URI: at column 14 expected a domain name or an IP address",
        "position": 13,
    }


def test_a_long_uri_is_cut_around_the_place() -> None:
    ran = run("check", "sip:" + "a" * 500 + "<" + "b" * 500 + "@example.com")
    _, shown, caret = ran.err.splitlines()
    assert shown[len(caret) - 1] == "<"
    assert shown.strip().startswith("...aaa")
    assert shown.endswith("bbb...")
    assert len(shown) <= 80


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("example.com", "type: siptls check sip:example.com"),
        ("alice@example.com", "type: siptls check sip:alice@example.com"),
        ("example.com:5061", "type: siptls check sip:example.com:5061"),
        ("example.com;transport=tls", "type: siptls check 'sip:example.com;transport=tls'"),
    ],
)
def test_a_bare_domain_is_refused_with_what_to_type(typed: str, hint: str) -> None:
    ran = run("check", typed)
    assert ran.exit_code == 2
    assert ran.err.splitlines()[-1].strip() == hint


def test_what_would_be_no_uri_either_gets_no_hint() -> None:
    assert "type:" not in run("check", "not a domain").err


@given(st.text(max_size=60))
def test_any_text_is_a_uri_or_gets_one_caret_below_it(text: str) -> None:
    ran = run("locate", "--", text) if text.startswith("-") else run("locate", text, *OFFLINE)
    assert ran.exit_code in (0, 2, 3, 4)
    if ran.exit_code == 2:
        lines = ran.err.splitlines()
        assert all(line.isascii() and line.isprintable() for line in lines)
        assert lines[2].strip() == "^"
        assert len(lines[2]) <= len(lines[1]) + 1


# Files.


@pytest.mark.parametrize(
    ("option", "content", "line"),
    [
        ("--zone", "@ SOA ns1 h 1 2 3 4 5\nsip1 A 192.0.2.300\n", 2),
        ("--zone", "sip1 A 192.0.2.1\nsip1 BLOB 1\n", 2),
        ("--zone", "\n\n\nsip1 TLSA 3 1 1 xyz\n", 4),
        ("--zone", b"sip1 A 192.0.2.1\n\xff\xfe\n", 2),
        ("--chain", "-----BEGIN CERTIFICATE-----\nMII!\n-----END CERTIFICATE-----\n", 2),
        ("--chain", "hello\n\n-----BEGIN CERTIFICATE-----\nMIIB\n", 3),
        ("--chain", "no certificate at all\n", None),
        ("--ca-file", "\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", 2),
        ("--ca-file", "", None),
        ("--trust-anchor", "; nothing\n", None),
        ("--trust-anchor", "\n. IN A 192.0.2.1\n", 2),
        ("--trust-anchor", ". IN DS 20326 8 2 E06D\n", 1),
    ],
)
def test_an_unreadable_file_is_named_with_its_line(
    world: World, option: str, content: str | bytes, line: int | None
) -> None:
    file = world.write("bad", content)
    good = [] if option == "--trust-anchor" else accepted(world.folder).arguments
    value = f"bad.example={file}" if option == "--zone" else file
    if option in good and option != "--zone":
        at = good.index(option)
        del good[at : at + 2]
    ran = run("check", URI, *good, option, value, "--format", "json")
    assert (ran.exit_code, ran.error["code"]) == (2, "input.unreadable")
    assert ran.error["file"] == file
    assert ran.error.get("line") == line
    text = run("check", URI, *good, option, value)
    assert (text.exit_code, text.out) == (2, "")
    assert text.err.startswith(f"siptls: {file}:{line}: " if line else f"siptls: {file}: ")


@pytest.mark.parametrize("option", ["--zone", "--chain", "--ca-file", "--cert"])
def test_a_file_that_is_not_there_is_named(world: World, option: str) -> None:
    missing = str(world.folder / "missing")
    arguments = {
        "--zone": ("--zone", f"example.com={missing}"),
        "--chain": (*OFFLINE, "--chain", missing),
        "--ca-file": (*OFFLINE, "--ca-file", missing),
        "--cert": ("--cert", missing, "--resolver", "127.0.0.1"),
    }[option]
    ran = run("check", URI, *arguments, "--format", "json")
    assert (ran.exit_code, ran.error["code"], ran.error["file"]) == (2, "input.unreadable", missing)
    assert "No such file" in ran.error["message"]


def test_a_directory_is_no_file(world: World) -> None:
    ran = run("check", URI, "--zone", f"example.com={world.folder}", "--format", "json")
    assert (ran.exit_code, ran.error["code"]) == (2, "input.unreadable")


def test_a_key_of_another_certificate_is_refused_before_anything_is_sent(world: World) -> None:
    cert, key = world.write("cert.pem", leaf().presented_pem), world.write("key.pem", leaf(domain=False).key_pem)
    ran = run("check", URI, "--cert", cert, "--key", key, "--resolver", "127.0.0.1:1", "--format", "json")
    assert (ran.exit_code, ran.error["code"], ran.error["file"]) == (2, "input.unreadable", key)


# The rest of the interface.


@pytest.mark.parametrize("arguments", [("--help",), ("check", "--help"), ("locate", "-h"), ("demo", "--help")])
def test_help_fits_80_columns_and_exits_with_0(arguments: Sequence[str]) -> None:
    ran = run(*arguments)
    assert (ran.exit_code, ran.err) == (0, "")
    assert all(len(line) <= 80 for line in ran.out.splitlines())


@pytest.mark.parametrize("verb", ["check", "locate"])
def test_the_examples_in_the_help_are_understood(verb: str) -> None:
    text = run(verb, "--help").out.replace("\\\n", "")
    examples = [line.split("|")[0] for line in text.splitlines() if line.startswith("    siptls ")]
    assert len(examples) >= 3
    for example in examples:
        _, name, *words = shlex.split(example)
        context = cli.commands[name].make_context(name, words)
        assert context.params["uri"].startswith("SIP/2.0/" if context.params.get("via") else "sip")


def test_version_is_that_of_the_distribution() -> None:
    import siptls

    assert run("--version").out == f"siptls {siptls.__version__}\n"


def test_the_choices_are_those_of_the_core() -> None:
    def choices(verb: str, option: str) -> set[str]:
        parameter = next(p for p in cli.commands[verb].params if p.name == option)
        assert isinstance(parameter.type, click.Choice)
        return set(parameter.type.choices)

    assert choices("check", "require") == set(get_args(Require))
    assert choices("check", "eku") == set(get_args(Purpose))
    assert choices("locate", "transport") == set(get_args(Transport))
    assert choices("check", "transport") < set(get_args(Transport))


def test_the_documented_options_are_those_that_there_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    known = {o for c in (cli, *dict(verbs(cli)).values()) for p in c.params for o in p.opts if o.startswith("-")}
    lines = [line for line in page.splitlines() if line.startswith("`-")]
    documented = set(re.findall(r"`(--?[a-z0-9-]+)", "\n".join(lines)))
    assert documented - {"-h", "--help"} == known


@pytest.mark.parametrize("module", ["click", "dns", "cryptography", "idna"])
def test_a_missing_package_is_told_in_one_line_with_the_command(module: str, tmp_path: Path) -> None:
    script = f"import sys; sys.modules[{module!r}] = None; from siptls_cli.__main__ import main; sys.exit(main())"
    arguments = accepted(tmp_path).check()
    ran = run_process(*arguments, program=("-c", script))
    assert (ran.exit_code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"siptls: {module}")
    assert 'python -m pip install "siptls[cli]"' in ran.err
    as_json = run_process(*arguments, "--format", "json", program=("-c", script))
    assert (as_json.exit_code, as_json.err, as_json.error["code"]) == (2, "", "usage.error")


def test_help_loads_neither_the_core_nor_what_connects() -> None:
    script = (
        "import json, sys, siptls_cli.__main__ as m; m.main(); print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    ran = run_process("check", "--help", program=("-c", script))
    loaded = set(json.loads(ran.err))
    assert not loaded & {"siptls", "siptls_io", "asyncio", "ssl", "cryptography", "dns", "rich", "anyio"}


def test_help_costs_less_than_150_ms() -> None:
    def seconds() -> float:
        """What a child costs, however busy the machine is with other things."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run_process("--help").exit_code == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(7)) < 0.150


def test_a_world_can_be_described_from_any_folder(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("zone.txt", ZONE)
    world.write("roots.pem", root().pem)
    monkeypatch.chdir(world.folder)
    ran = run("locate", URI, "--zone", "example.com=zone.txt", "--ca-file", "roots.pem", "--format", "json")
    assert [target["host"] for target in ran.json["targets"]] == ["sip1.example.com"]
