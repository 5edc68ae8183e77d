"""What the options of the command line are made of, checked as far as that needs no file."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from ipaddress import IPv6Address
from pathlib import Path
from typing import Final, Literal, TypeAlias

import click

Security: TypeAlias = Literal["secure", "insecure", "bogus", "failed"]
STATUSES: Final[tuple[Security, ...]] = ("secure", "insecure", "bogus", "failed")

Zone: TypeAlias = tuple[str, Path]
"""A zone's name and its file."""
Status: TypeAlias = tuple[str | None, Security]
"""A name, or None for all others, and a DNSSEC status."""
Chain: TypeAlias = tuple[str, Path]
"""``host:port``, ``address:port``, ``[address]:port`` or ``*`` for all others, and a PEM file."""

LONGEST_RUN: Final = 86_400.0
"""The most that --timeout takes, in seconds."""

_CALENDAR: Final = "a time from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z"
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_CHAIN: Final = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]=:/]+)):(?P<port>\d{1,5})=(?P<file>.+)", re.ASCII
)


class _ZoneType(click.ParamType[Zone]):
    name = "NAME=FILE"

    def convert(self, value: str | Zone, param: click.Parameter | None, ctx: click.Context | None) -> Zone:
        if not isinstance(value, str):
            return value
        name, equals, file = value.partition("=")
        if not (name and equals and file):
            raise click.BadParameter(f"{value!r}: expected NAME=FILE, for example example.com=zone.txt", ctx, param)
        return name, Path(file)


class _StatusType(click.ParamType[Status]):
    name = "[NAME=]STATUS"

    def convert(self, value: str | Status, param: click.Parameter | None, ctx: click.Context | None) -> Status:
        if not isinstance(value, str):
            return value
        name, equals, word = value.rpartition("=")
        for status in STATUSES:
            if word == status and bool(name) is bool(equals):
                return name or None, status
        choices = ", ".join(STATUSES)
        raise click.BadParameter(
            f"{value!r}: expected STATUS or NAME=STATUS, and as STATUS one of {choices}", ctx, param
        )


class _ChainType(click.ParamType[Chain]):
    name = "[HOST:PORT=]FILE"

    def convert(self, value: str | Chain, param: click.Parameter | None, ctx: click.Context | None) -> Chain:
        if not isinstance(value, str):
            return value
        match = _CHAIN.fullmatch(value)
        if match is None:
            if "=" in value and not Path(value).exists():
                raise click.BadParameter(
                    f"{value!r}: expected FILE or HOST:PORT=FILE, with an IPv6 address in brackets", ctx, param
                )
            return "*", Path(value)
        port = int(match["port"])
        if not 0 < port < 65536:
            raise click.BadParameter(f"{value!r}: expected a port from 1 to 65535", ctx, param)
        try:
            host = f"[{IPv6Address(match['ipv6'])}]" if match["ipv6"] else match["host"].removesuffix(".").lower()
        except ValueError as error:
            raise click.BadParameter(f"{value!r}: expected an IPv6 address in the brackets", ctx, param) from error
        return f"{host}:{port}", Path(match["file"])


class _TimeType(click.ParamType[datetime]):
    name = "TIME"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        if not _RFC3339.fullmatch(value):
            expected = "a time of RFC 3339, for example 2026-11-22T00:00:00Z"
            raise click.BadParameter(f"{value!r}: expected {expected}", ctx, param)
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except OverflowError:
            expected = _CALENDAR
        except ValueError:  # a 30th of February, for example; or the year 0000
            expected = _CALENDAR if value.startswith("0000") else "a day and a time of day that there are"
        raise click.BadParameter(f"{value!r}: expected {expected}", ctx, param)


ZONE: Final = _ZoneType()
STATUS: Final = _StatusType()
CHAIN: Final = _ChainType()
TIME: Final = _TimeType()
