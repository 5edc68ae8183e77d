"""What the options of the `dane` verbs are made of, checked as far as that needs no file."""

from __future__ import annotations

from typing import Final

import click

DEFAULT_PORT: Final = 5061
"""Of SIP over TLS (RFC 3261 section 19.1.2)."""


class FieldType(click.ParamType[int]):
    """A field of a TLSA record: a number or an acronym in any case (RFC 7218).

    Args:
        acronyms: those of the field, in the order of the numbers from 0 on.
    """

    name = "FIELD"

    def __init__(self, *acronyms: str) -> None:
        self._acronyms = acronyms

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        if isinstance(value, int):
            return value
        for number, acronym in enumerate(self._acronyms):
            if value == str(number) or value.lower() == acronym.lower():
                return number
        choices = ", ".join([f"{number} or {acronym}" for number, acronym in enumerate(self._acronyms)])
        raise click.BadParameter(f"{value!r}: expected {choices}", ctx, param)


USAGE: Final = FieldType("PKIX-TA", "PKIX-EE", "DANE-TA", "DANE-EE")
SELECTOR: Final = FieldType("Cert", "SPKI")
MATCHING: Final = FieldType("Full", "SHA2-256", "SHA2-512")
PORT: Final = click.IntRange(1, 65535)
SECONDS: Final = click.IntRange(0, 2**31 - 1)
"""A TTL (RFC 2181 section 8)."""
