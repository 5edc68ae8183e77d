"""The catalogue of codes: everything that a verdict or a step can say, with its meaning and what to do about it.

A code is stable: it is never renamed, and new ones come only with a minor release. This catalogue is the one source of
the texts of the command line, of the reference documentation and of the codes in the JSON schema. Each module holds the
codes of one or a few rooms; a room is what stands before the first dot.
"""

from __future__ import annotations

from typing import Final

from . import (
    certificate,
    chain,
    command_line,
    connection,
    dane,
    dane_publishing,
    inbound,
    limits,
    locate,
    locate_naptr,
    locate_srv,
    own_certificate,
    reuse,
    revocation,
    sips,
    trapezoid,
    uris,
)
from .entry import EFFECT, ROOMS, Code, Severity

__all__ = ["CATALOGUE", "EFFECT", "ROOMS", "Code", "Severity"]

CATALOGUE: Final[dict[str, Code]] = {
    code.id: code
    for module in (
        uris,
        sips,
        trapezoid,
        locate_naptr,
        locate_srv,
        locate,
        dane,
        dane_publishing,
        certificate,
        own_certificate,
        chain,
        revocation,
        inbound,
        reuse,
        connection,
        limits,
        command_line,
    )
    for code in module.ENTRIES
}
"""All codes by their id."""
