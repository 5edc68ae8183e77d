"""A scripted world: answers, servers and a path validator that a machine is run against, without any I/O.

    world = World()
    world.srv("_sips._tcp.example.com", (10, 0, 5061, "sip.example.com"), security=SECURE)
    world.address("sip.example.com", "192.0.2.1", security=SECURE)
    world.server("192.0.2.1", leaf.presented)
    verdict = world.outbound("sips:alice@example.com")

A name the world does not know is denied with the world's own status; an address without a server refuses.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypedDict, Unpack

from siptls import (
    Action,
    AliasTable,
    Anchors,
    CheckRevocation,
    Close,
    Connect,
    ConnectFailed,
    Event,
    Failure,
    Locate,
    Lookup,
    LookupFailed,
    Outbound,
    PathRejected,
    PathValidated,
    Policy,
    Presented,
    Revocation,
    RevocationChecked,
    Route,
    Security,
    SipUri,
    TargetFailed,
    TargetFailure,
    TargetInUse,
    TlsFacts,
    ValidatePath,
    Verdict,
)
from siptls.dane import parse
from siptls.dns import Address, Alias, Answer, Denial, Naptr, Record, Source, Srv
from siptls.dns.question import RRType
from siptls.events import Answered
from siptls.machine import Machine

SECURE, INSECURE = Security.SECURE, Security.INSECURE
AT = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
SOURCE = Source("a scripted world")

Path: TypeAlias = tuple[bytes, ...] | str | None
"""A valid path, or the code of the reason why there is none; None for chain.unknown-ca."""


def first(_n: int) -> int:
    """A source of randomness that always draws 0."""
    return 0


@dataclass
class Said:
    """What the DNS of the world says to one question."""

    records: tuple[Record, ...] = ()
    security: Security = SECURE
    denial: Denial | None = None
    aliases: tuple[Alias, ...] = ()
    ttl: float = 300.0
    failure: Failure | None = None


class How(TypedDict, total=False):
    """How the DNS says something."""

    security: Security
    denial: Denial | None
    aliases: tuple[Alias, ...]
    ttl: float
    failure: Failure | None


@dataclass
class World:
    """What there is, and what was asked of it."""

    security: Security = SECURE
    said: dict[tuple[str, str], Said] = field(default_factory=dict[tuple[str, str], Said])
    servers: dict[str, tuple[bytes, ...] | str] = field(default_factory=dict[str, "tuple[bytes, ...] | str"])
    paths: Callable[[ValidatePath], Path] = lambda _question: None
    revocation: Callable[[bytes], Revocation] = lambda _der: Revocation("good")
    """What CRLs say of a certificate."""
    keys: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """The raw public keys that servers present instead of certificates."""
    anchors: Anchors = field(default_factory=Anchors)
    asked: list[Action] = field(default_factory=list[Action])
    open: list[Connect] = field(default_factory=list[Connect])
    names_sent: list[str | None] = field(default_factory=list["str | None"])

    # What there is.

    def say(self, name: str, rrtype: RRType, *records: Record, **how: Unpack[How]) -> None:
        """Let the DNS answer a question; without records it denies with NODATA."""
        how.setdefault("security", self.security)
        how.setdefault("denial", None if records or how.get("failure") else Denial.NODATA)
        self.said[name, rrtype] = Said(records, **how)

    def fail(self, name: str, rrtype: RRType, failure: Failure = Failure.SERVFAIL) -> None:
        """Let a lookup fail."""
        self.say(name, rrtype, failure=failure)

    def naptr(self, name: str, *texts: tuple[int, int, str, str, str, str], **how: Unpack[How]) -> None:
        """Publish NAPTR records: order, preference, flags, service, regexp, replacement."""
        self.say(name, "NAPTR", *[Naptr(name, *text) for text in texts], **how)

    def srv(self, name: str, *texts: tuple[int, int, int, str], **how: Unpack[How]) -> None:
        """Publish SRV records: priority, weight, port, target."""
        self.say(name, "SRV", *[Srv(name, *text) for text in texts], **how)

    def address(self, name: str, *addresses: str, alias: Sequence[Alias] = (), **how: Unpack[How]) -> None:
        """Publish A and AAAA records; ``alias`` gives the steps that lead from the name to them."""
        owner = alias[-1].target if alias else name
        ipv4 = [Address(owner, address) for address in addresses if ":" not in address]
        ipv6 = [Address(owner, address) for address in addresses if ":" in address]
        how.setdefault("aliases", tuple(alias))
        self.say(name, "A", *ipv4, **how)
        self.say(name, "AAAA", *ipv6, **how)

    def tlsa(self, name: str, *texts: str, **how: Unpack[How]) -> None:
        """Publish TLSA records in presentation form."""
        self.say(name, "TLSA", *[parse(text, name) for text in texts], **how)

    def server(self, address: str, chain: Sequence[bytes] | str) -> None:
        """Let a server at an address present a chain, or fail with a code."""
        self.servers[address] = chain if isinstance(chain, str) else tuple(chain)

    def trust(self, root: bytes, path: Iterable[bytes]) -> None:
        """Let the trust anchor ``root`` end the valid path ``path``, and nothing else be valid."""
        valid = tuple(path)
        self.anchors = Anchors((root,))
        self.paths = lambda question: valid if question.leaf == valid[0] else None

    # What comes of an action.

    def answer(self, lookup: Lookup) -> Answered | LookupFailed:
        said = self.said.get((lookup.name, lookup.rrtype))
        if said is None:
            said = Said(security=self.security, denial=Denial.NXDOMAIN)
        if said.failure is not None:
            return LookupFailed(lookup, said.failure, "as the script says")
        owner = said.aliases[-1].target if said.aliases else lookup.name
        return Answered(
            lookup, Answer(lookup, said.aliases, owner, said.records, said.denial, said.security, said.ttl, SOURCE)
        )

    def connect(self, connect: Connect) -> Presented | ConnectFailed:
        key = self.keys.get(connect.endpoint.address)
        if key is not None:
            return Presented(connect, (), TlsFacts("TLSv1.3", "", connect.server_name, None), key)
        server = self.servers.get(connect.endpoint.address, "net.refused")
        if isinstance(server, str):
            return ConnectFailed(connect, server, "as the script says")
        return Presented(connect, server, TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", connect.server_name, None))

    def validate(self, question: ValidatePath) -> PathValidated | PathRejected:
        path = self.paths(question)
        if isinstance(path, tuple):
            return PathValidated(question, path)
        return PathRejected(question, path or "chain.unknown-ca", "as the script says")

    def look_at_crls(self, question: CheckRevocation) -> RevocationChecked:
        return RevocationChecked(question, tuple([self.revocation(der) for der in question.path[:-1]]))

    def reply(self, action: Lookup | Connect | ValidatePath | CheckRevocation) -> Event:
        """What comes of an action, without any bookkeeping."""
        match action:
            case CheckRevocation():
                return self.look_at_crls(action)
            case Lookup():
                return self.answer(action)
            case ValidatePath():
                return self.validate(action)
            case Connect():
                return self.connect(action)

    def perform(self, action: Action) -> Event | None:
        """Do what an action says, and keep book of the open connections."""
        match action:
            case Lookup():
                return self.answer(action)
            case ValidatePath():
                return self.validate(action)
            case CheckRevocation():
                return self.look_at_crls(action)
            case Connect():
                event = self.connect(action)
                self.names_sent.append(action.server_name)
                if isinstance(event, Presented):
                    self.open.append(action)
                return event
            case Close():
                self.open.remove(action.connect)
                return None

    # Runs.

    def run(self, machine: Machine[Any], order: random.Random | None = None) -> None:
        """Drive a machine to its result; ``order`` shuffles the order in which events arrive."""
        waiting: list[Event] = []
        for _ in range(100_000):
            for action in machine.next_actions(now=0.0):
                self.asked.append(action)
                event = self.perform(action)
                if event is not None:
                    waiting.append(event)
            if machine.result is not None:
                return
            if isinstance(machine, Locate) and machine.ready is not None:
                self.disappoint(machine)
                continue
            assert waiting, "an undecided machine awaits something"
            machine.receive(waiting.pop(order.randrange(len(waiting)) if order else 0), now=0.0)
        raise AssertionError("the machine does not end")

    def run_to_the_caller(self, machine: Locate, now: float) -> None:
        """Drive a machine until it waits for its caller, or is done."""
        while machine.ready is None:
            for action in machine.next_actions(now=now):
                assert isinstance(action, Lookup)
                self.asked.append(action)
                machine.receive(self.answer(action), now=now)

    @staticmethod
    def disappoint(machine: Locate) -> None:
        """Be the caller for whom each target fails."""
        target = machine.next_target
        assert target is not None
        machine.receive(TargetInUse(target), now=0.0)
        machine.receive(TargetFailed(target, TargetFailure.TIMEOUT), now=0.0)

    def outbound(
        self,
        uri: str,
        policy: Policy | None = None,
        *,
        order: random.Random | None = None,
        at: datetime = AT,
        aliases: AliasTable | None = None,
        local_domain: str = "",
    ) -> Verdict:
        """Run an `Outbound` machine to its verdict and check that only an accepted connection stays open."""
        self.open.clear()
        self.asked.clear()
        self.names_sent.clear()
        machine = Outbound(
            SipUri.parse(uri),
            policy=policy or Policy(),
            now=0.0,
            at=at,
            randbelow=first,
            anchors=self.anchors,
            aliases=aliases,
            local_domain=local_domain,
        )
        self.run(machine, order)
        assert machine.verdict is not None
        assert self.open == ([machine.verdict.connection] if machine.verdict.connection else [])
        return machine.verdict

    def locate(self, uri: str, policy: Policy | None = None, *, order: random.Random | None = None) -> Route:
        """Run a `Locate` machine to its route."""
        self.asked.clear()
        machine = Locate(uri, policy=policy or Policy(), now=0.0, at=AT, randbelow=first)
        self.run(machine, order)
        assert machine.result is not None
        return machine.result

    def questions(self) -> list[tuple[str, str]]:
        """The names and types that were looked up, in order."""
        return [(action.name, action.rrtype) for action in self.asked if isinstance(action, Lookup)]
