"""What a server publishes and presents, found the way a client goes: address, TLSA records, TLS."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

from siptls import Anchors, Outbound, Outcome, Policy, Verdict
from siptls.codes import CATALOGUE
from siptls.dns import Alias, Answer, Lookup, Security, Tlsa
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
from siptls.names import same, tlsa_owner
from siptls.served import Served
from siptls_io import Performer
from siptls_io.asyncio import drive

from .dane_server import Server
from .problem import Problem, shown

if TYPE_CHECKING:
    from siptls.policy import Transport

UNDETERMINED: Final = 3
"""The exit code for what may go better another time."""
PROTOCOLS: Final[dict[Transport, str]] = {"tls": "tcp", "tls-sctp": "sctp", "wss": "tcp"}
"""The label of the layer below TLS in an owner name (RFC 6698 section 3)."""


class Recorder:
    """Has another performer do everything, and keeps what came.

    Args:
        performer: does it.

    Attributes:
        answers: the answers to questions, in the order in which they came.
        connected: what came of connections, in the order in which it came.
    """

    def __init__(self, performer: Performer) -> None:
        self._performer = performer
        self.answers: list[Answer] = []
        self.connected: list[ConnectEvent] = []

    async def lookup(self, action: Lookup, /) -> LookupEvent:
        """Answer a question to the DNS."""
        event = await self._performer.lookup(action)
        if isinstance(event, Answered):
            self.answers.append(event.answer)
        return event

    async def connect(self, action: Connect, /) -> ConnectEvent:
        """Connect, and do the TLS handshake."""
        event = await self._performer.connect(action)
        self.connected.append(event)
        return event

    async def validate(self, action: ValidatePath, /) -> PathEvent:
        """Find a valid certificate path."""
        return await self._performer.validate(action)

    async def close(self, connect: Connect, /) -> None:
        """Close a connection that was presented."""
        await self._performer.close(connect)


class Looked:
    """What was found at a server.

    Args:
        server: the host and the port.
        protocol: the protocol label of the owner name.
        verdict: what a client comes to that wants DANE.
        recorder: what came.

    Attributes:
        answer: the answer with the TLSA records, or the last one without any; None if nobody asked or it failed.
        owner: the owner name of the records that were asked for last.
        base: the TLSA base domain.
        chain: the certificates that the server presented, in DER; empty if nothing is known of them.
        key: the DER of the SubjectPublicKeyInfo that it presented instead (RFC 7250), or None.
        addresses: the answers for the addresses of the host.
        connected: what came of the connections that the verdict rests on.
        others: what came of connections to the addresses that the verdict does not speak of.
    """

    def __init__(self, server: Server, protocol: str, verdict: Verdict, recorder: Recorder) -> None:
        self.server: Final = server
        self.verdict: Final = verdict
        asked = [answer for answer in recorder.answers if answer.question.rrtype == "TLSA"]
        self.answer: Final = next((answer for answer in asked[::-1] if answer.records), asked[-1] if asked else None)
        owner = tlsa_owner(server.port, protocol, server.host)
        self.owner: Final = owner if self.answer is None else self.answer.question.name
        self.base: Final = self.owner.split(".", 2)[2]
        self.connected: Final[Sequence[ConnectEvent]] = recorder.connected
        all_presented = [event for event in recorder.connected if isinstance(event, Presented)]
        of_verdict = [event for event in all_presented if event.action.endpoint == verdict.endpoint]
        presented = (of_verdict or all_presented)[-1:]
        self.chain: Final = presented[0].chain if presented else ()
        self.key: Final = presented[0].public_key if presented else None
        self.addresses: Final = [
            answer
            for answer in recorder.answers
            if answer.question.rrtype in ("A", "AAAA") and same(answer.question.name, server.host)
        ]

        self.others: list[ConnectEvent] = []

    @property
    def records(self) -> tuple[Tlsa, ...]:
        """The TLSA records."""
        return () if self.answer is None else cast("tuple[Tlsa, ...]", self.answer.records)

    @property
    def served(self) -> Served:
        """What the server presented."""
        return Served(self.chain, key=self.key)

    @property
    def endpoints(self) -> list[Endpoint]:
        """All addresses of the host with the port."""
        found = [str(record) for answer in self.addresses for record in answer.records]
        return [Endpoint(self.server.host, each, self.server.port, "tls") for each in dict.fromkeys(found)]

    @property
    def address_security(self) -> Security:
        """The best DNSSEC status of the answers that hold addresses: one that is SECURE suffices (RFC 7673 3.2)."""
        return max([answer.security for answer in self.addresses if answer.records], default=Security.INSECURE)

    @property
    def security(self) -> Security:
        """The weakest DNSSEC status on the way from the host to its records."""
        return Security.INSECURE if self.answer is None else min(self.answer.security, self.address_security)

    @property
    def aliases(self) -> tuple[Alias, ...]:
        """The alias steps from the host to the TLSA base domain; none if that is the host itself."""
        if same(self.base, self.server.host):
            return ()
        return next((answer.aliases for answer in self.addresses if same(answer.owner, self.base)), ())

    @property
    def canonical(self) -> str:
        """The name of the host itself, where its name is an alias; empty if that is not known."""
        return next((answer.owner for answer in self.addresses if answer.records), "")


async def look(server: Server, policy: Policy, performer: Performer, anchors: Anchors, at: datetime) -> Looked:
    """Go to a server as a client does, and keep what was seen.

    Args:
        server: the host, by its name, and the port.
        policy: what is wanted of the server; its first transport is used.
        performer: looks up, connects, validates.
        anchors: the trust anchors for PKIX.
        at: the wall clock.
    """
    recorder = Recorder(performer)
    now = asyncio.get_running_loop().time()
    uri = f"sip:{server}"
    machine = Outbound(uri, policy=policy, now=now, at=at, randbelow=secrets.randbelow, anchors=anchors)
    verdict = await drive(machine, recorder)
    if verdict.connection is not None:
        await performer.close(verdict.connection)  # what it presented was all that was wanted
    protocol = PROTOCOLS[(policy.transports or ("tls",))[0]]
    if verdict.outcome is not Outcome.UNDETERMINED and not any(a.question.rrtype == "TLSA" for a in recorder.answers):
        # Without DNSSEC no client asks. Who publishes wants to see the records nevertheless.
        await recorder.lookup(Lookup(tlsa_owner(server.port, protocol, server.host), "TLSA"))
    return Looked(server, protocol, verdict, recorder)


async def look_around(looked: Looked, policy: Policy, performer: Performer, seconds: float) -> None:
    """Connect to the addresses of a server that were not needed for the verdict, and keep what they present.

    Args:
        looked: what was found so far; its ``others`` are filled in.
        policy: how many addresses are looked at.
        performer: connects.
        seconds: how long it may take.
    """
    seen = {looked.verdict.endpoint.address} if looked.verdict.endpoint is not None else set[str]()
    endpoints = [each for each in looked.endpoints if each.address not in seen][: policy.limits.addresses]
    connects = [Connect(number, each, looked.base) for number, each in enumerate(endpoints, 1)]
    tasks = [asyncio.ensure_future(performer.connect(connect)) for connect in connects]
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connect, task in zip(connects, tasks, strict=True):
            event = ConnectFailed(connect, "limit.seconds") if task.cancelled() else task.result()
            looked.others.append(event)
            if isinstance(event, Presented):
                await performer.close(event.action)


async def presented_by(server: Server, performer: Performer, seconds: float) -> tuple[bytes, ...]:
    """Connect to a server and return the certificates that it presents, judged by nothing.

    Args:
        server: the host, by its name or address, and the port.
        performer: looks up and connects.
        seconds: how long it may take.

    Raises:
        Problem: there is no such server, or it presents no certificate.
    """
    code, detail = "locate.no-address", "no address was found"
    try:
        async with asyncio.timeout(seconds):
            for address in await _addresses_of(server, performer):
                endpoint = Endpoint(server.host, address, server.port, "tls")
                event = await performer.connect(Connect(1, endpoint, None if server.is_address else server.host))
                if isinstance(event, Presented):
                    await performer.close(event.action)
                    if event.chain:
                        return event.chain
                    code, detail = "tls.no-certificate", f"none at {address}"
                else:
                    code, detail = event.reason, f"{address}: {event.detail}"
    except TimeoutError:
        code, detail = "limit.seconds", f"{seconds:g} s"
    raise Problem(code, shown(f"{server} presents no certificate: {CATALOGUE[code].title}: {detail}"), UNDETERMINED)


async def _addresses_of(server: Server, performer: Performer) -> Sequence[str]:
    if server.is_address:
        return [server.host]
    found: list[str] = []
    for rrtype in ("AAAA", "A"):
        event = await performer.lookup(Lookup(server.host, rrtype))
        if isinstance(event, Answered):
            found += [str(record) for record in event.answer.records]
    return found
