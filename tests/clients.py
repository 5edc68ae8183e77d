"""A server that a client connects to, in a world whose DNS may speak for the client.

gate = Gate([P1], client_name="p1.example.com")
gate.world.tlsa("p1.example.com", pin(P1, 3, 1, 1))
verdict = gate.verdict()
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from forged import dns, uri
from judging import CA, ROOT, Made, issued, made
from siptls import Anchors, ClientVerdict, Identity, Inbound, Policy, Security, TlsFacts
from siptls.admission import Authorize, ClientCertificate, DaneFailure
from siptls.inbound import DomainOfClientName
from world import AT, SECURE, World

DOMAIN, OTHER_DOMAIN = "example.com", "example.org"
HOST, SECOND = "p1.example.com", "p2.example.com"
SRV = "_sips._tcp.example.com"

P1 = made(names=[dns(HOST)])
"""The certificate of the first server: it names the host alone."""
BOTH = made(number=4, names=[uri(f"sip:{DOMAIN}"), dns(HOST)])
"""It names the SIP domain and the host."""
ONLY_DOMAIN = made(number=5, names=[uri(f"sip:{DOMAIN}")])
TWO_DOMAINS = made(number=6, names=[uri(f"sip:{DOMAIN}"), uri(f"sip:{OTHER_DOMAIN}"), dns(HOST)])
NAMELESS = made(number=7)
ALL = (P1, BOTH, ONLY_DOMAIN, TWO_DOMAINS, NAMELESS)


def pin(who: Made, usage: int = 3, selector: int = 1, matching: int = 1) -> str:
    """The TLSA record of a certificate, as text."""
    record = who.record(usage, selector, matching)
    return f"{usage} {selector} {matching} {record.data.hex()}"


STRANGERS_PIN = pin(made(number=99))
"""A record that matches nobody here."""


def secure_delegation(world: World, *hosts: str, domain: str = DOMAIN, security: Security = SECURE) -> None:
    """Let a domain name its servers, each with an address."""
    servers = [(10 + n, 0, 5061, host) for n, host in enumerate(hosts)]
    world.srv(f"_sips._tcp.{domain}", *servers, security=security)
    for number, host in enumerate(hosts):
        world.address(host, f"192.0.2.{number + 1}")


@dataclass
class Gate:
    """A client at the gate, and what the caller passes for it."""

    chain: Sequence[Made | bytes] = ()
    client_name: str | None = None
    claims: Iterable[str] = ()
    sent_by: str | None = None
    version: str | None = "TLSv1.3"
    domain_of: DomainOfClientName | None = None
    dane_failure: DaneFailure = "abort"
    public_key: bytes | None = None
    authorize: Authorize | None = None
    client_certificate: ClientCertificate = "required"
    trusted: bool = True
    policy: Policy = field(default_factory=Policy)
    world: World = field(default_factory=World)

    def machine(self) -> Inbound:
        valid = [(each, CA, ROOT) for each in self.chain if isinstance(each, Made)] if self.trusted else []
        self.world.paths = issued(*valid)
        return Inbound(
            tuple([each.der if isinstance(each, Made) else each for each in [*self.chain, *([CA] if valid else [])]]),
            public_key=self.public_key,
            facts=None if self.version is None else TlsFacts(self.version),
            client_name=self.client_name,
            claims=self.claims,
            sent_by=self.sent_by,
            domain_of_client_name=self.domain_of,
            dane_failure=self.dane_failure,
            anchors=Anchors((ROOT.der,)),
            authorize=self.authorize,
            client_certificate=self.client_certificate,
            policy=self.policy,
            now=0.0,
            at=AT,
        )

    def verdict(self, order: random.Random | None = None) -> ClientVerdict:
        """Drive the machine to its verdict; the world knows afterwards what was asked."""
        self.world.asked.clear()
        machine = self.machine()
        self.world.run(machine, order)
        assert machine.verdict is not None
        assert self.world.open == []
        return machine.verdict


def proven(verdict: ClientVerdict) -> tuple[list[str], list[str]]:
    """The SIP domains and the hosts that are proven, each with the way that proved it."""
    return _told(verdict.identities), _told(verdict.hosts)


def _told(identities: tuple[Identity, ...]) -> list[str]:
    return [f"{identity.origin} {identity.domain}" for identity in identities]
