"""What the command line prints as JSON, held against the schema that comes with the package.

For readers the schema is open, since fields may be added. Here it is closed: what is printed and not described is a
mistake, too.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Protocol, cast

from jsonschema import Draft202012Validator, ValidationError

Schema = dict[str, Any]


class Validator(Protocol):
    """What is needed of a validator."""

    def validate(self, instance: object) -> None: ...


@cache
def published() -> Schema:
    """The schema that comes with the package."""
    return cast("Schema", json.loads(files("siptls_cli").joinpath("schema.json").read_text("utf-8")))


def closed(schema: object) -> object:
    """A schema in which no object has more fields than those that are described."""
    if isinstance(schema, list):
        return [closed(each) for each in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(value) for name, value in cast("Schema", schema).items()}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found["additionalProperties"] = False
    return found


@cache
def _outputs() -> dict[str, tuple[frozenset[str], frozenset[str], Validator]]:
    """For each kind of output the fields that it must have, those that it may have, and what checks the rest."""
    schema = cast("Schema", closed(published()))
    definitions: dict[str, Schema] = schema["$defs"]
    names = [each["$ref"].rpartition("/")[2] for each in schema["anyOf"]]
    return {
        name: (
            frozenset(definitions[name]["required"]),
            frozenset(definitions[name]["properties"]),
            cast("Validator", Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions})),
        )
        for name in names
    }


def kind_of(output: dict[str, Any]) -> str:
    """Return the name of the definition that describes an output, and hold the output against it.

    Raises:
        AssertionError: not exactly one does, or it is broken somewhere; with the place.
    """
    kinds = [name for name, (must, may, _) in _outputs().items() if must <= output.keys() <= may]
    assert len(kinds) == 1, f"fields {sorted(output)} are those of {kinds}"
    try:
        _outputs()[kinds[0]][2].validate(output)
    except ValidationError as flaw:
        raise AssertionError(f"{kinds[0]}: {flaw.json_path}: {flaw.message}") from flaw
    return kinds[0]
