"""What the command line was given: the parameters of the `dane` verbs with their types."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from siptls.policy import Transport

from .given import Shown, World
from .parameters import Zone


class DaneGenerate(World):
    """The options of `dane generate`."""

    cert: Path | None
    key: Path | None
    connect: str | None
    usage: int
    selector: int
    matching: int
    owner: str | None
    host: str | None
    port: int | None
    ttl: int | None


class DaneLint(Shown):
    """The options of `dane lint`."""

    records: tuple[str, ...]
    zone: tuple[Zone, ...]
    chain: Path | None
    domain: str | None
    host: str | None
    port: int
    transport: Transport
    ttl: int | None
    ca_file: Path | None
    now: datetime | None


class DaneCheck(World):
    """The options of `dane check`."""

    domain: str | None


class DaneRollover(World):
    """The options of `dane rollover`."""

    next_cert: Path | None
    next_key: Path | None
    ttl: int | None
    switch: datetime | None
    published: datetime | None
