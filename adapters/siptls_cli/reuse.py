"""What `reuse` does: find out whether the connection that was verified for one domain may carry another (RFC 5923)."""

from __future__ import annotations

import asyncio
import secrets
import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from siptls import AliasTable, Anchors, Crls, Outbound, Outcome, Policy, Presented, Refusal, Row, SipUri, Verdict
from siptls.names import domain as checked_domain
from siptls_io import Performer, crls_from_files
from siptls_io.a_labels import host_to_a_labels
from siptls_io.asyncio import drive

from . import inputs
from .problem import Problem, shown
from .report import EXITS
from .reuse_text import reuse_text
from .terminal import put
from .verbs import put_json, read_uri, terminal_of, wall_clock

if TYPE_CHECKING:
    from datetime import datetime

    from siptls.dns import Lookup
    from siptls.events import Connect, ConnectEvent, LookupEvent, PathEvent, ValidatePath

    from . import given as options

Missing: TypeAlias = Literal["connection", "local-domain", "address", "identity", "dnssec"]

_CODES: Final[dict[Missing, str]] = {
    "local-domain": "reuse.other-local-domain",
    "address": "reuse.address",
    "identity": "reuse.identity",
}
_REACHED: Final = (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.INSUFFICIENT)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out.

    Attributes:
        first: the URI for which the connection was made.
        second: the URI that it is to carry.
        local_domains: the domains of ours on behalf of which they are called.
        made: what came of connecting for the first.
        row: what the table knows of the connection at the end; None if there is none, or the table did not take it.
        refusal: why the table did not take the connection, or does not remember the second domain.
        judged: what came of the second with the connection in the table; None if there is no connection.
    """

    first: SipUri
    second: SipUri
    local_domains: tuple[str, str]
    made: Verdict
    row: Row | None = None
    refusal: Refusal | None = None
    judged: Verdict | None = None

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry requests to the second."""
        return self.judged is not None and self.judged.reused is not None

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What it takes and is not there; nothing if it may, or if that could not be found out."""
        judged = self.judged
        if judged is None or self.row is None:
            return ("connection",)
        if self.local_domains[0] != self.local_domains[1]:
            return ("local-domain",)
        if judged.reused is not None:
            return ()
        if not any(step.code == "reuse.identity" for step in judged.steps):
            return ("address",) if judged.outcome in _REACHED else ()
        insecure = any(step.security == "insecure" for step in judged.steps)
        return ("identity", "dnssec") if insecure else ("identity",)

    @property
    def code(self) -> str:
        """What decided."""
        if self.judged is None:
            return self.made.code
        if self.row is None and self.refusal is not None:
            return self.refusal.code
        return _CODES[self.missing[0]] if self.missing else self.judged.code

    @property
    def exit_code(self) -> int:
        """0 if it may, 1 if it is certain that it may not; else that of the verdict that came to less."""
        if self.judged is None:
            return EXITS[self.made.outcome]
        if self.missing and self.judged.outcome is not Outcome.INSUFFICIENT:
            return 1
        return EXITS[self.judged.outcome]

    def to_dict(self) -> dict[str, object]:
        """Return it as values for JSON."""
        judged = self.judged
        return {
            "reusable": self.reusable,
            "code": self.code,
            "missing": list(self.missing),
            "expires_in": judged.to_dict()["expires_in"] if judged is not None and self.reusable else None,
            "connection": None if self.row is None else self.row.to_dict(),
            "refusal": None if self.refusal is None else self.refusal.step.to_dict(),
            "a": {"uri": str(self.first), "verdict": self.made.to_dict()},
            "b": {"uri": str(self.second), "verdict": None if judged is None else judged.to_dict()},
        }


def reuse(given: options.Reuse) -> int:
    """Find out whether the connection for one URI may carry requests to another, and print why.

    Args:
        given: the command line.

    Returns:
        The exit code.

    Raises:
        Problem, SiptlsError: what was given cannot be used.
    """
    first = read_uri(given["uri"], "reuse", f" {shlex.quote(given['other'])}")
    second = read_uri(given["other"], f"reuse {shlex.quote(given['uri'])}")
    local_domains = _local_domains(given["local_domain"])
    inputs.refuse_contradictions(given)
    policy = inputs.policy(given)
    performer, anchors = inputs.performer(given, inputs.certificate(given)), inputs.anchors(given)
    crls = crls_from_files(*given["crl"])
    began = time.monotonic()
    world = _World(_Remembering(performer), policy, anchors, crls, wall_clock(given))
    found = asyncio.run(world.find_out(first, second, local_domains))
    seconds = time.monotonic() - began
    if given["format"] == "json":
        put_json(found.to_dict(), seconds, found.exit_code)
    else:
        put(reuse_text(found, terminal_of(given), seconds))
    return found.exit_code


def _local_domains(given: tuple[str, ...]) -> tuple[str, str]:
    if len(given) > 2:
        problem = f"--local-domain is given {len(given)} times: once for both, or once for A and once for B"
        raise Problem("usage.error", shown(problem))
    domains = [checked_domain(host_to_a_labels(name)) for name in given] or [""]
    return domains[0], domains[-1]


class _Remembering:
    """Does as another performer does, and remembers what the servers presented."""

    def __init__(self, performer: Performer) -> None:
        self._performer = performer
        self.presented: dict[Connect, Presented] = {}

    async def lookup(self, action: Lookup, /) -> LookupEvent:
        return await self._performer.lookup(action)

    async def connect(self, action: Connect, /) -> ConnectEvent:
        event = await self._performer.connect(action)
        if isinstance(event, Presented):
            self.presented[action] = event
        return event

    async def validate(self, action: ValidatePath, /) -> PathEvent:
        return await self._performer.validate(action)

    async def close(self, connect: Connect, /) -> None:
        await self._performer.close(connect)


class _World:
    """Where, by which rules and when the two are judged."""

    def __init__(self, performer: _Remembering, policy: Policy, anchors: Anchors, crls: Crls, at: datetime) -> None:
        self._performer = performer
        self._policy = policy
        self._anchors = anchors
        self._crls = crls
        self._at = at

    async def find_out(self, first: SipUri, second: SipUri, local_domains: tuple[str, str]) -> Found:
        """Connect for the first, and judge for the second, while that connection is open."""
        table = AliasTable()
        made = await self._judged(first, table, local_domains[0])
        connect = made.connection
        if connect is None:
            return Found(first, second, local_domains, made)
        clock = asyncio.get_running_loop().time
        presented = self._performer.presented[connect]
        try:
            added = table.add(made, connect, presented, local_domain=local_domains[0], now=clock())
            judged = await self._judged(second, table, local_domains[1])
        finally:
            await self._performer.close(connect)
        if judged.connection is not None:
            await self._performer.close(judged.connection)
        told = added if judged.reused is None else table.grant(connect, judged, now=clock())
        row = next(iter(table.of(connect)), None)
        return Found(first, second, local_domains, made, row, told if isinstance(told, Refusal) else None, judged)

    async def _judged(self, uri: SipUri, table: AliasTable, local_domain: str) -> Verdict:
        machine = Outbound(
            uri,
            policy=self._policy,
            now=asyncio.get_running_loop().time(),
            at=self._at,
            randbelow=secrets.randbelow,
            anchors=self._anchors,
            crls=self._crls,
            aliases=table,
            local_domain=local_domain,
        )
        return await drive(machine, self._performer)
