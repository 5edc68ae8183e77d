"""The JSON schema is what the types in `siptls_cli.output` say, and what is printed is what the schema says.

Every JSON output that a test of the command line reads is held against it: see `cli.console.Run.json`. After a change
that is meant, write the schema anew: ``PYTHONPATH=tests python -m cli.test_schema``.
"""

import json
from copy import deepcopy
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from cli.conforming import kind_of, published
from cli.console import run
from siptls.codes import CATALOGUE
from siptls_cli.output import OUTPUTS

GOLDEN = Path(__file__).parent / "golden"
FILE = Path(str(files("siptls_cli"))) / "schema.json"
Schema = dict[str, Any]


def with_codes(definitions: dict[str, Schema]) -> dict[str, Schema]:
    """Definitions in which each text called `code` is one of the codes of the catalogue."""
    found = deepcopy(definitions)
    code = {"$ref": "#/$defs/Code"}
    for name, definition in found.items():
        properties: Schema = definition.get("properties", {})
        if properties.get("code") == {"type": "string"}:
            properties["code"] = code
        elif properties.get("code") == {"anyOf": [{"type": "string"}, {"type": "null"}]}:
            properties["code"] = {"anyOf": [code, {"type": "null"}]}
        if name == "CodeEntry":
            properties["id"] = code
    return found


def generated() -> str:
    """The schema, made of the types and the catalogue."""
    outputs, definitions = msgspec.json.schema_components(OUTPUTS, ref_template="#/$defs/{name}")
    code = {"title": "Code", "description": "A code of the catalogue: siptls explain CODE.", "enum": sorted(CATALOGUE)}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What siptls prints with --format json",
        "description": "One object for each run. Fields may be added in minor releases: ignore those you do not know.",
        "anyOf": list(outputs),
        "$defs": {**with_codes(definitions), "Code": code},
    }
    return json.dumps(schema, indent=2) + "\n"


def test_the_schema_is_made_of_the_types_and_of_the_catalogue() -> None:
    assert FILE.read_text(encoding="utf-8") == generated()


def test_the_schema_is_one_that_validators_understand() -> None:
    Draft202012Validator.check_schema(published())
    assert published()["$defs"]["Code"]["enum"] == sorted(CATALOGUE)


@pytest.mark.parametrize("options", [(), ("--format", "json"), ("--format", "text", "--ascii")])
def test_schema_prints_it(options: tuple[str, ...]) -> None:
    ran = run("schema", *options)
    assert (ran.exit_code, ran.out, ran.err) == (0, FILE.read_text(encoding="utf-8"), "")


@pytest.mark.parametrize(
    "file", [pytest.param(file, id=file.name) for file in sorted(GOLDEN.glob("*.txt")) if file.read_text()[0] == "{"]
)
def test_the_golden_outputs_conform(file: Path) -> None:
    kind_of(json.loads(file.read_text(encoding="utf-8")))


def golden(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / name).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("explain", "id.match"), "ExplainCodeOutput"),
        (("explain", "--list"), "ExplainListOutput"),
        (("explain", "exit"), "ExplainExitOutput"),
        (("explain", "nothing"), "ErrorOutput"),
        (("cert", str(GOLDEN / "domain.pem"), "--domain", "example.com"), "CertOutput"),
        (("cert", str(GOLDEN / "missing.pem"), "--domain", "example.com"), "ErrorOutput"),
        (("check", "sip:alice@example..com"), "ErrorOutput"),
        (("check", "sip:a@example.com", "--zone", f"example.com={GOLDEN / 'empty.zone'}"), "CheckOutput"),
        (("locate", "sip:a@example.com", "--zone", f"example.com={GOLDEN / 'empty.zone'}"), "LocateOutput"),
        (
            ("reuse", "sip:a@example.com", "sip:b@b.example", "--zone", f"b.example={GOLDEN / 'empty.zone'}"),
            "ReuseOutput",
        ),
        (("demo",), "DemoOutput"),
    ],
)
def test_each_kind_of_output_conforms(arguments: tuple[str, ...], kind: str) -> None:
    assert kind_of(json.loads(run(*arguments, "--format", "json").out)) == kind


def test_an_output_that_breaks_the_schema_is_found() -> None:
    good = golden("json.txt")
    assert kind_of(good) == "CheckOutput"
    for path, value in (
        (("exit",), "0"),
        (("verdict", "outcome"), "accepted"),
        (("verdict", "method"), None),
        (("verdict", "code"), "dane.unheard-of"),
        (("verdict", "steps", 0, "severity"), "fatal"),
        (("verdict", "steps", 0, "colour"), "red"),
        (("verdict", "endpoint", "port"), "5061"),
    ):
        bad: Any = deepcopy(good)
        place = bad
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        with pytest.raises(AssertionError):
            kind_of(bad)
    for missing in good:
        with pytest.raises(AssertionError):
            kind_of({name: value for name, value in good.items() if name != missing})


def test_readers_are_told_to_ignore_what_they_do_not_know() -> None:
    assert "additionalProperties" not in json.dumps(published())


if __name__ == "__main__":
    FILE.write_text(generated(), encoding="utf-8")
