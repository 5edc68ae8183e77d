"""The trapezoid: alice, her proxy P1, bob's proxy P2, bob; each connection is real TLS on loopback.

async with trapezoid() as all_four:
    response = await all_four.alice.say(BOB, "hello")
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import anyio
import anyio.abc
from anyio.abc import SocketAttribute
from anyio.streams.stapled import MultiListener

from loopback_tls import CURRENT
from pki import Issued, Issuer
from siptls import Anchors, Lookup, Policy, Security
from siptls.events import LookupEvent
from siptls_io import Cancellation, ZoneFiles
from trapezoid.phone import Phone
from trapezoid.proxy import Link, Proxy

A_DOMAIN, B_DOMAIN, SECOND, CUSTOMER = "atlanta.example", "biloxi.example", "shop.example", "customer.example"
"""P1 serves the first domain and the last one, P2 the two between them."""
ALICE, BOB, CAROL = f"sip:alice@{A_DOMAIN}", f"sip:bob@{B_DOMAIN}", f"sip:carol@{SECOND}"
P1_HOST, P2_HOST = f"p1.{A_DOMAIN}", f"p2.{B_DOMAIN}"
P1_ADDRESS, P2_ADDRESS = "127.0.0.1", "127.0.0.2"
TTL, SHORT = 600, 120
"""Seconds; the second domain's SRV records have the short one."""

ROOT = Issuer.root(**CURRENT)
ANCHORS = Anchors((ROOT.der,))
P1 = ROOT.leaf(cn="P1", dns=[P1_HOST], **CURRENT)
P2 = ROOT.leaf(cn="P2", dns=[P2_HOST], **CURRENT)
"""Both name the host alone: nobody who does not ask the DNS can tell whose proxies they are."""
P1_FOR_DOMAIN = ROOT.leaf(cn="P1", uris=[f"sip:{A_DOMAIN}"], **CURRENT)
P2_FOR_DOMAIN = ROOT.leaf(cn="P2", uris=[f"sip:{B_DOMAIN}"], **CURRENT)
P2_FOR_BOTH = ROOT.leaf(cn="P2", uris=[f"sip:{B_DOMAIN}", f"sip:{SECOND}"], **CURRENT)

_POLICY = Policy()


def pin(leaf: Issued, usage: int = 3) -> str:
    """The TLSA record that binds the key of a certificate."""
    return f"{usage} 1 1 {hashlib.sha256(leaf.spki).hexdigest()}"


class World:
    """What the DNS says; it may change while everything runs.

    Args:
        default: the DNSSEC status of all names.
    """

    def __init__(self, default: Security = Security.SECURE) -> None:
        self._zones: dict[str, str] = {}
        self._statuses: dict[str, Security] = {}
        self._default = default
        self._now = ZoneFiles({})

    def publish(self, domain: str, *records: str, security: Security | None = None) -> None:
        """Let a domain have these records and no others."""
        # Without an SOA record a denial would hold for no time at all (RFC 2308 section 5).
        soa = f"@ SOA ns.{domain}. hostmaster.{domain}. 1 7200 3600 1209600 {TTL}"
        self._zones[domain] = "\n".join([f"$TTL {TTL}", soa, *records, ""])
        if security is not None:
            self._statuses[domain] = security
        self._now = ZoneFiles(dict(self._zones), dict(self._statuses), self._default)

    def answer(self, lookup: Lookup, cancellation: Cancellation | None = None, /) -> LookupEvent:
        return self._now.answer(lookup, cancellation)

    async def answer_async(self, lookup: Lookup, /) -> LookupEvent:
        return await self._now.answer_async(lookup)


@dataclass
class Trapezoid:
    """All of them, running."""

    world: World
    p1: Proxy
    p2: Proxy
    alice: Phone
    bob: Phone
    ports: dict[str, int] = field(default_factory=dict[str, int])

    def publish(self, domain: str, tlsa: str | None = None) -> None:
        """Let a domain name its proxy, and pin its certificate if there is a record for that."""
        proxy, host, address = ("p1", P1_HOST, P1_ADDRESS) if domain == A_DOMAIN else ("p2", P2_HOST, P2_ADDRESS)
        publish(self.world, domain, host, address, self.ports[proxy], tlsa)

    def between(self) -> tuple[int, int]:
        """How many connections came in at P2, and how many at P1, those of the two phones aside."""
        return _came(self.p2), _came(self.p1)

    def from_p1(self) -> Link:
        """The one connection that P1 opened, as P2 has it."""
        (link,) = [link for link in self.p2.accepted if link.presentation.chain]
        return link

    def nothing_failed(self) -> None:
        """Make sure that no proxy has raised anything."""
        assert self.p1.failed == self.p2.failed == []


def _came(proxy: Proxy) -> int:
    return len(proxy.accepted) + len(proxy.refused) - 1


def publish(world: World, domain: str, host: str, address: str, port: int, tlsa: str | None) -> None:
    pinned = [] if tlsa is None else [f"_{port}._tcp.{host}. TLSA {tlsa}"]
    srv = f"_sips._tcp SRV 10 0 {port} {host}."
    world.publish(domain, srv, f"{host}. A {address}", *pinned)


@asynccontextmanager
async def trapezoid(
    *,
    security: Security = Security.SECURE,
    p1: Sequence[Issued] = (P1,),
    p2: Sequence[Issued] = (P2,),
    pinned: bool = True,
    pinned_at_p2: Issued | None = None,
    offers: bool = True,
    shows: bool = True,
    policy: Policy = _POLICY,
) -> AsyncGenerator[Trapezoid]:
    """Run alice, P1, P2 and bob as long as the block runs.

    Args:
        security: the DNSSEC status of all names.
        p1: the certificates of P1, the default one first, which it also shows as a client.
        p2: the same of P2.
        pinned: whether TLSA records pin the default certificates.
        pinned_at_p2: which one of P2 is pinned instead.
        offers: whether the proxies offer their connections for requests in the other direction.
        shows: whether P1 shows its certificate when it connects.
        policy: that of both proxies.
    """
    world = World(security)
    async with (
        await anyio.create_tcp_listener(local_host=P1_ADDRESS, local_port=0) as one,
        await anyio.create_tcp_listener(local_host=P2_ADDRESS, local_port=0) as two,
        anyio.create_task_group() as tasks,
    ):
        ports = {"p1": _port(one), "p2": _port(two)}
        proxy = partial(Proxy, resolver=world, anchors=ANCHORS, offers=offers, policy=policy)
        left = proxy(P1_HOST, [A_DOMAIN, CUSTOMER], one, ports["p1"], p1, claims=[B_DOMAIN], shows=shows)
        right = proxy(P2_HOST, [B_DOMAIN, SECOND], two, ports["p2"], p2, claims=[A_DOMAIN])
        alice = Phone(ALICE, resolver=world, anchors=ANCHORS)
        bob = Phone(BOB, resolver=world, anchors=ANCHORS)
        running = Trapezoid(world, left, right, alice, bob, ports)
        running.publish(A_DOMAIN, pin(p1[0]) if pinned else None)
        running.publish(B_DOMAIN, pin(pinned_at_p2 or p2[0]) if pinned else None)
        for each in (left, right, alice, bob):
            await tasks.start(each.run)
        yield running
        running.nothing_failed()
        tasks.cancel_scope.cancel()


def _port(listener: MultiListener[anyio.abc.SocketStream]) -> int:
    return listener.extra(SocketAttribute.local_port)  # noqa: S610 - Django's method of that name is another
