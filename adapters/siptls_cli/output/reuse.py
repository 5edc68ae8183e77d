"""What reuse prints."""

from __future__ import annotations

from typing import Literal, TypedDict

from siptls.alias_row import RowState
from siptls.identity import Role

from .verdicts import ProvenIdentity, Step, Transport, Verdict


class AliasRow(TypedDict):
    """What the alias table knows of a connection (RFC 5923 section 5)."""

    address: str
    port: int
    transport: Transport
    local_domain: str
    role: Role
    proven: list[str]
    candidates: list[ProvenIdentity]
    state: RowState


class Made(TypedDict):
    """The URI for which the connection was made, and what came of that."""

    uri: str
    verdict: Verdict


class Carried(TypedDict):
    """The URI that the connection is to carry, and what came of that; null if there is no connection."""

    uri: str
    verdict: Verdict | None


class ReuseOutput(TypedDict):
    """What `siptls reuse` prints."""

    reusable: bool
    code: str
    missing: list[Literal["connection", "local-domain", "address", "identity", "dnssec"]]
    expires_in: float | None
    connection: AliasRow | None
    refusal: Step | None
    a: Made
    b: Carried
    duration_ms: int
    exit: int
