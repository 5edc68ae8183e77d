"""What a client comes to that calls a SIP domain and goes to one of its servers: the one that is looked at."""

from __future__ import annotations

import asyncio
import math
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from siptls import Anchors, Outbound, Outcome, Policy, Verdict
from siptls.dns import Lookup, Srv
from siptls.events import (
    Answered,
    Connect,
    ConnectEvent,
    ConnectFailed,
    Endpoint,
    LookupEvent,
    PathEvent,
    Presented,
    ValidatePath,
)
from siptls.names import same
from siptls_io.asyncio import drive

from .dane_server import Server

if TYPE_CHECKING:
    from siptls import Target
    from siptls_io import Performer

    from .dane_world import Looked

NOT_A_TARGET: Final = "dane.not-a-target"
_NAMED: Final = 8  # servers that the domain leads to


class Judged(NamedTuple):
    """What came of it.

    Attributes:
        verdict: for the domain; REJECTED `dane.not-a-target` if it does not lead to the server.
        presented: what the server presented to a client of the domain, or None if none went there.
        elsewhere: where the domain leads instead, or why nowhere; empty if it leads to the server, or nobody knows.
    """

    verdict: Verdict
    presented: Presented | None = None
    elsewhere: str = ""


async def judge_for(
    domain: str, looked: Looked, policy: Policy, performer: Performer, anchors: Anchors, at: datetime
) -> Judged:
    """Call a domain as a client does, but go to no other server than the one that was looked at.

    Args:
        domain: the SIP domain, in A-labels.
        looked: what was found at the server. What it presents is asked again only under another name (SNI).
        policy: what is wanted.
        performer: looks up, connects, validates.
        anchors: the trust anchors for PKIX.
        at: the wall clock.

    Returns:
        The verdict for the domain, and never that for the host.

    Source: RFC 3263 section 4, RFC 7673 sections 3 and 4.
    """
    server = looked.server
    only = _Only(looked, performer)
    now = asyncio.get_running_loop().time()
    machine = Outbound(f"sip:{domain}", policy=policy, now=now, at=at, randbelow=secrets.randbelow, anchors=anchors)
    verdict = await drive(machine, only)
    if verdict.connection is not None:
        await only.close(verdict.connection)
    target = verdict.target
    if target is not None and _is(server, target.host, target.port):
        return Judged(verdict, only.presented.get(verdict.endpoint))
    if target is None and verdict.outcome is Outcome.UNDETERMINED:
        return Judged(verdict)  # nobody knows the servers, so nobody knows that this is none of them
    # Whether DNSSEC proves it or not: clients that call the domain do not come here.
    elsewhere = only.elsewhere(target) or verdict.code
    return Judged(_not_a_target(domain, server, elsewhere), elsewhere=elsewhere)


class _Only:
    """A performer for which a domain has one server only, if that is among those that its SRV records name.

    Args:
        looked: what was found at the server.
        performer: does what is left to do.

    Attributes:
        presented: what each address of the server presented.
    """

    def __init__(self, looked: Looked, performer: Performer) -> None:
        self._looked = looked
        self._performer = performer
        self._others: list[str] = []
        self._again: set[Connect] = set()
        self.presented: dict[Endpoint | None, Presented] = {}

    async def lookup(self, action: Lookup, /) -> LookupEvent:
        """Answer a question to the DNS; of SRV records that lead to the server and elsewhere leave out the others."""
        event = await self._performer.lookup(action)
        if not isinstance(event, Answered) or action.rrtype != "SRV":
            return event
        records = [record for record in event.answer.records if isinstance(record, Srv)]
        here = tuple([record for record in records if _is(self._looked.server, record.target, record.port)])
        if here:
            return Answered(action, event.answer.changed(records=here))
        self._others += [f"{record.target}:{record.port}" for record in records if record.target != "."]
        return event

    async def connect(self, action: Connect, /) -> ConnectEvent:
        """Connect to the server, unless it is known what comes of that; to no other."""
        endpoint = action.endpoint
        if not _is(self._looked.server, endpoint.host, endpoint.port):
            return ConnectFailed(action, "net.refused", "only the server that is looked at is connected to")
        event = self._known(action) or await self._performer.connect(action)
        if isinstance(event, Presented):
            self.presented[endpoint] = event
        return event

    def _known(self, action: Connect) -> ConnectEvent | None:
        """What came of the same connection before."""
        for event in self._looked.connected:
            if not _alike(event.action, action):
                continue
            if isinstance(event, ConnectFailed):
                return ConnectFailed(action, event.reason, event.detail)
            self._again.add(action)
            return Presented(action, event.chain, event.facts, event.public_key)
        return None

    async def validate(self, action: ValidatePath, /) -> PathEvent:
        """Find a valid certificate path."""
        return await self._performer.validate(action)

    async def close(self, connect: Connect, /) -> None:
        """Close a connection; one that was only remembered is closed already."""
        if connect not in self._again:
            await self._performer.close(connect)

    def elsewhere(self, target: Target | None) -> str:
        """Say where the domain leads; empty if nowhere."""
        if target is None:
            return ""
        return ", ".join(self._others[:_NAMED]) or f"{target.host}:{target.port}"


def _is(server: Server, host: str, port: int) -> bool:
    return port == server.port and same(host, server.host)


def _alike(one: Connect, other: Connect) -> bool:
    """Whether two connections go to the same place and ask for the same name."""
    return _place(one.endpoint) == _place(other.endpoint) and one.server_name == other.server_name


def _place(endpoint: Endpoint) -> tuple[str, int, str]:
    return endpoint.address, endpoint.port, endpoint.transport


def _not_a_target(domain: str, server: Server, elsewhere: str) -> Verdict:
    """The verdict on a server that has nothing to do with the domain, whatever it presents."""
    note = (0.0, NOT_A_TARGET, str(server), (str(server), elsewhere))
    outcome = Outcome.REJECTED
    return Verdict(
        outcome, "none", NOT_A_TARGET, domain, None, None, "client", None, None, (), math.inf, (note,), 0.0, 0.0
    )
