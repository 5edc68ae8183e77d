"""What `schema` does: print the JSON schema of all that ``--format json`` prints."""

from __future__ import annotations

from importlib.resources import files

from .terminal import put


def schema() -> int:
    """Print the schema that comes with the package.

    Returns:
        The exit code: 0.

    Raises:
        Problem: it cannot be written.
    """
    put(files("siptls_cli").joinpath("schema.json").read_text("utf-8").rstrip("\n"))
    return 0
