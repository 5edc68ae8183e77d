"""What the command line was given: the parameters of each verb with their types."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal, TypedDict

from siptls.policy import Purpose, Require, RevocationCheck, Transport

from .parameters import Chain, Status, Zone


class Shown(TypedDict):
    """How the result is shown."""

    format: Literal["text", "json"]
    ascii: bool
    no_color: bool
    debug: bool


class Demo(Shown):
    """The options of `demo`."""

    loop: Literal["asyncio", "trio", "anyio", "blocking", "all"]


class Explain(Shown):
    """What `explain` was given."""

    topic: str | None
    list: bool


class Trust(TypedDict):
    """Whom to trust, and when."""

    ca_file: Path | None
    now: datetime | None


class Judged(TypedDict):
    """By which rules a certificate is judged."""

    eku: Purpose
    crl: tuple[Path, ...]
    revocation: RevocationCheck | None
    allow_cn: bool
    allow_wildcards: bool


class Cert(Shown, Trust, Judged):
    """What `cert` was given."""

    file: str
    domain: str
    host: tuple[str, ...]
    role: Literal["server", "client", "both"]


class World(Shown, Trust):
    """Where answers come from, when, and how much is asked; the options of `check`, `reuse` and `locate`."""

    uri: str
    resolver: tuple[str, ...]
    validate: bool
    trust_anchor: Path | None
    trust_ad: bool
    zone: tuple[Zone, ...]
    dnssec: tuple[Status, ...]
    chain: tuple[Chain, ...]
    timeout: float
    transport: tuple[Transport, ...]
    ipv4: bool
    ipv6: bool
    no_audit: bool


class Locate(World):
    """The options of `locate`."""

    via: bool
    stateless: bool
    request_size: int | None


class Check(World, Judged):
    """The options of `check`."""

    cert: Path | None
    key: Path | None
    require: Require
    strict_dane: bool
    require_target_name: bool


class Reuse(Check):
    """The options of `reuse`; ``uri`` is that for which the connection is made."""

    other: str
    local_domain: tuple[str, ...]
