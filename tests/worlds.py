"""Worlds as Hypothesis strategies.

Every world is small and could exist: all types at one name share its aliases, a SECURE answer is SECURE at every step.
The first choice is always the good one, so that a failing example shrinks to a world that is nearly sound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol, TypeVar

from hypothesis import strategies as st

from peers import (
    BROKEN,
    CANON,
    DOMAIN,
    EVIL,
    FOR_BOTH,
    FOR_DOMAIN,
    FOR_HOSTS,
    FOR_MAIL,
    FOR_STRANGER,
    HOST,
    HOSTER,
    ISSUER,
    NAMELESS,
    NAMES,
    OWN_CA,
    PEERS,
    PRIVATE,
    PRIVATE_ISSUER,
    ROOT,
    SELF_MADE,
    Peer,
    ideal_path,
)
from pki import Issued
from siptls import Anchors, Failure, Limits, Policy, Security
from siptls.dane import parse
from siptls.dns import Address, Alias, Cname, Denial, Naptr, Record, Srv
from world import INSECURE, SECURE, Said, World

T = TypeVar("T")
ADDRESSES = {
    DOMAIN: ("192.0.2.1", "192.0.2.2", "2001:db8::1"),
    HOST: ("192.0.2.11", "192.0.2.12", "2001:db8::11"),
    HOSTER: ("192.0.2.21", "192.0.2.22", "2001:db8::21"),
}
EVIL_ADDRESSES = ("203.0.113.66", "2001:db8:666::1")
OWN_SRV, HOSTERS_SRV, SCTP_SRV = "_sips._tcp.example.com", "_sips._tcp.hoster.example", "_sips._sctp.example.com"


class _Printer(Protocol):
    def text(self, text: str, /) -> None: ...


@dataclass(repr=False)
class Drawn(World):
    """A world that shows itself briefly: certificates by their names here, records cut off."""

    def __repr__(self) -> str:
        lines = [f"security={self.security.name}, {len(self.anchors.certificates)} anchor(s)"]
        for (name, rrtype), said in self.said.items():
            if EVIL not in name:
                aliases = "".join([f"-> {a.target} ({a.security.name}) " for a in said.aliases])
                what = said.failure or said.denial or ", ".join([str(record)[:24] for record in said.records[:5]])
                what = f"{what}, and more" if len(said.records) > 5 else what
                lines.append(f"{name} {rrtype} {aliases}{what} {said.security.name}")
        for address, server in self.servers.items():
            names = [name for name, peer in NAMES.items() if peer.chain == server]
            lines.append(f"{address} {server if isinstance(server, str) else names or 'no certificate'}")
        return "\n".join(["", *lines, ""])

    def _repr_pretty_(self, printer: _Printer, _cycle: bool) -> None:
        """Say to Hypothesis that this is how a world is shown."""
        printer.text(repr(self))


# Choices. A world is decoded from octets: one draw for Hypothesis instead of a hundred, and zeros are the sound choice.


class Choices:
    """Makes one choice after the other; when the octets are used up, always the first one."""

    def __init__(self, octets: bytes) -> None:
        self._octets = iter(octets)

    def of(self, options: Sequence[T]) -> T:
        return options[next(self._octets, 0) % len(options)]

    def some(self, options: Sequence[T], most: int) -> list[T]:
        return [self.of(options) for _ in range(self.of(range(most + 1)))]


_OCTETS = 192
_STATUSES = (SECURE,) * 7 + (INSECURE,) * 3
_FAILURES = (None,) * 14 + (Failure.SERVFAIL, Failure.BOGUS)
_DENIALS = (Denial.NODATA, Denial.NXDOMAIN)


# TLSA records.


def _pin(usage: int, selector: int, matching: int, issued: Issued) -> str:
    octets = issued.spki if selector else issued.der
    digests: list[Callable[[bytes], bytes]] = [bytes, _sha256, _sha512]
    return f"{usage} {selector} {matching} {digests[matching](octets).hex()}"


def _sha256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def _sha512(octets: bytes) -> bytes:
    return hashlib.sha512(octets).digest()


_PINNED = (FOR_BOTH.leaf, FOR_DOMAIN.leaf, FOR_HOSTS.leaf, OWN_CA.leaf, NAMELESS.leaf, FOR_MAIL.leaf)
_AUTHORITIES = (ROOT.issued, ISSUER.issued, PRIVATE.issued, PRIVATE_ISSUER.issued)
_PINS = (
    *[_pin(u, s, m, i) for i in _PINNED for u, s, m in ((3, 1, 1), (1, 1, 1), (3, 0, 2), (3, 1, 0))],
    *[_pin(u, s, m, i) for i in _AUTHORITIES for u, s, m in ((2, 0, 1), (2, 1, 1), (0, 0, 1), (0, 1, 2), (2, 0, 0))],
    # The first line is unusable, the second one usable; neither matches anybody.
    *["4 1 1 " + "00" * 32, "3 2 1 " + "00" * 32, "3 1 9 00", "3 1 1 abcd", "2 0 0 3000"],
    *["3 1 1 " + "00" * 32, "3 1 2 " + "11" * 64, "2 0 1 " + "22" * 32, "0 0 1 " + "33" * 32],
)
EVIL_PIN = _pin(3, 1, 1, FOR_STRANGER.leaf)
AUTHORITY_PINS = tuple([_pin(0, 0, 1, authority) for authority in _AUTHORITIES])
NAMELESS_PIN = _pin(3, 1, 1, NAMELESS.leaf)


# Worlds.

_NAPTRS: tuple[tuple[tuple[int, int, str, str, str, str], ...], ...] = (
    (),
    ((10, 10, "s", "SIPS+D2T", "", OWN_SRV),),
    ((10, 10, "S", "sips+d2t", "", HOSTERS_SRV),),
    ((20, 10, "s", "SIPS+D2T", "", HOSTERS_SRV), (10, 50, "s", "SIP+D2U", "", "x.example")),
    ((10, 10, "u", "SIPS+D2T", "!.*!sip:evil!", "."), (10, 20, "s", "E2U+sip", "", OWN_SRV)),
    ((10, 20, "s", "SIPS+D2T", "", HOSTERS_SRV), (10, 10, "s", "SIPS+D2S", "", SCTP_SRV)),
)
_TARGETS = (HOST, HOSTER, HOST, HOSTER, HOST, HOSTER, DOMAIN, EVIL, ".", "192.0.2.99", "_bad name")
_PORTS = (5061,) * 7 + (5062, 0)
_SERVERS: tuple[tuple[bytes, ...] | str, ...] = (
    *[peer.chain for peer in PEERS],
    *(FOR_BOTH.chain, OWN_CA.chain, FOR_HOSTS.chain),
    *((), "net.refused", "net.closed"),
)


def _said(
    choices: Choices, records: Sequence[Record], aliases: tuple[Alias, ...] = (), zone: Security | None = None
) -> Said:
    """These records, or their denial if there are none, with some status; or a failure."""
    failure, status = choices.of(_FAILURES), choices.of(_STATUSES)
    denial, ttl = choices.of(_DENIALS), choices.of((300.0, 5.0))
    if failure is not None:
        return Said(failure=failure)
    if zone is not None:
        status = zone
    if any(alias.security is INSECURE for alias in aliases):
        status = INSECURE
    return Said(tuple(records), status, None if records else denial, aliases, ttl)


def _add_host(choices: Choices, world: World, host: str) -> None:
    """Give a host its addresses, alias steps, TLSA records, and servers."""
    hops = choices.of((0, 0, 0, 1, 2))
    names = (host, CANON[host]) if hops == 1 else (host, f"via.{host}", CANON[host])
    aliases = tuple([Alias(names[n], names[n + 1], choices.of(_STATUSES), 60.0) for n in range(hops)])
    owner = aliases[-1].target if aliases else host
    # What aliases lead to stands in one zone, which is signed or not; RFC 7673 section 3.2 has mixed families else.
    zone = choices.of(_STATUSES) if aliases else None
    first, second, third = ADDRESSES[host]
    ipv4 = [Address(owner, address) for address in choices.of(((first,), (first, second), ()))]
    ipv6 = [Address(owner, address) for address in choices.of(((), (third,)))]
    world.said[host, "A"] = _said(choices, ipv4, aliases, zone)
    world.said[host, "AAAA"] = _said(choices, ipv6, aliases, zone)
    if aliases:
        cname = Said((Cname(host, aliases[0].target),), aliases[0].security)
        world.said[host, "CNAME"] = Said(failure=Failure.SERVFAIL) if choices.of(_FAILURES) else cname
    for base in dict.fromkeys((host, owner)):
        name = f"_5061._tcp.{base}"
        world.said[name, "TLSA"] = _said(choices, [parse(pin, name) for pin in choices.some(_PINS, 3)])
    for address in ADDRESSES[host]:
        world.servers[address] = choices.of(_SERVERS)


def _world(octets: bytes) -> World:
    choices = Choices(octets)
    world = Drawn(choices.of(_STATUSES), paths=ideal_path)
    world.anchors = Anchors(choices.of(((ROOT.der,), (ROOT.der, PRIVATE.der), ())))
    world.said[DOMAIN, "NAPTR"] = _said(choices, [Naptr(DOMAIN, *text) for text in choices.of(_NAPTRS)])
    for name in (OWN_SRV, HOSTERS_SRV):
        records = [
            Srv(name, choices.of((10, 20)), choices.of((0, 1)), choices.of(_PORTS), choices.of(_TARGETS))
            for _ in range(choices.of((1, 2, 0, 3, 4)))
        ]
        world.said[name, "SRV"] = _said(choices, records)
    for host in (HOST, HOSTER, DOMAIN):
        _add_host(choices, world, host)
    _add_evil(world, choices.of((FOR_STRANGER, SELF_MADE)))
    return world


def _add_evil(world: World, peer: Peer) -> None:
    """Let the attacker have a domain of his own, where everything is in order; his servers are this peer."""
    for name in (f"_sips._tcp.{EVIL}", f"_sips._sctp.{EVIL}"):
        world.srv(name, (0, 0, 5061, EVIL), security=SECURE)
    world.address(EVIL, *EVIL_ADDRESSES, security=SECURE)
    for port in (5061, 5062):
        world.tlsa(f"_{port}._tcp.{EVIL}", EVIL_PIN, security=SECURE)
    for address in EVIL_ADDRESSES:
        world.server(address, peer.chain)


_WAYS: tuple[tuple[Peer, tuple[str, ...]], ...] = (
    (NAMELESS, (NAMELESS_PIN,)),
    (FOR_HOSTS, (_pin(3, 0, 2, FOR_HOSTS.leaf), _pin(2, 0, 1, PRIVATE.issued))),
    (OWN_CA, (_pin(2, 1, 1, PRIVATE_ISSUER.issued),)),
    (OWN_CA, (_pin(2, 0, 0, PRIVATE.issued), _pin(3, 1, 1, FOR_BOTH.leaf))),
    (FOR_BOTH, (_pin(1, 1, 1, FOR_BOTH.leaf),)),
    (FOR_DOMAIN, (_pin(0, 0, 1, ISSUER.issued), "4 1 1 " + "00" * 32)),
    (FOR_BOTH, (_pin(0, 1, 2, ROOT.issued),)),
    (FOR_BOTH, (_pin(1, 1, 1, FOR_BOTH.leaf), _pin(3, 1, 1, FOR_BOTH.leaf), _pin(2, 0, 1, ROOT.issued))),
    # Ways that end in a rejection, each for one reason.
    (NAMELESS, (_pin(2, 0, 1, PRIVATE.issued),)),
    (NAMELESS, (NAMELESS_PIN, "3 1 2 " + "11" * 64)),
    (FOR_MAIL, (_pin(0, 0, 1, ISSUER.issued), _pin(0, 0, 1, ROOT.issued))),
    (FOR_BOTH, ("3 1 1 " + "00" * 32,)),
    (BROKEN, (_pin(2, 0, 1, PRIVATE.issued), _pin(2, 1, 1, ISSUER.issued))),
    (FOR_DOMAIN, ()),
    (FOR_HOSTS, ()),
    (FOR_BOTH, ()),
)


def _secured(said: Said) -> Said:
    """The same, signed."""
    aliases = tuple([Alias(alias.owner, alias.target, SECURE, alias.ttl) for alias in said.aliases])
    denial = said.denial or (None if said.records else Denial.NODATA)
    return replace(said, security=SECURE, aliases=aliases, failure=None, denial=denial)


def sound_world(octets: bytes) -> World:
    """Take a world and set right what the way to one kind of acceptance needs, most of the time."""
    choices = Choices(octets[::-1])
    world = _world(octets)
    peer, pins = choices.of(_WAYS)
    world.anchors = Anchors((ROOT.der,))
    keep = choices.of((False,) * 5 + (True,))  # one of these is left as it was drawn
    for place, (key, said) in enumerate(world.said.items()):
        signed = bool(pins) or choices.of((True, False))
        if signed and not (keep and place == choices.of(range(9))):
            world.said[key] = _secured(said)
    for host in (HOST, HOSTER, DOMAIN):
        if not world.said[host, "A"].records and not world.said[host, "AAAA"].records:
            owner = world.said[host, "A"].aliases[-1].target if world.said[host, "A"].aliases else host
            records = (Address(owner, ADDRESSES[host][0]),)
            world.said[host, "A"] = replace(world.said[host, "A"], records=records, denial=None, failure=None)
        for base in (host, CANON[host]):
            world.tlsa(f"_5061._tcp.{base}", *pins, security=SECURE, ttl=choices.of((300.0, 5.0)))
        for address in ADDRESSES[host]:
            world.servers[address] = peer.chain
    return world


seeds = st.integers(0, 2**32 - 1)
_octets = st.binary(min_size=_OCTETS, max_size=_OCTETS)


def worlds() -> st.SearchStrategy[World]:
    """Draw a world in which example.com may or may not be reached."""
    return _octets.map(_world)


def sound_worlds() -> st.SearchStrategy[World]:
    """Draw a world in which example.com is reached more often than not, by any of the methods."""
    return _octets.map(sound_world)


def all_worlds() -> st.SearchStrategy[World]:
    """Draw a world of either kind."""
    return worlds() | sound_worlds()


_SIZES = (9, 33, 400, 2_000, 2_001)


def _swollen_world(octets: bytes) -> World:
    choices = Choices(octets[::-1])
    world = sound_world(octets) if choices.of((True, False)) else _world(octets)
    for name in (OWN_SRV, HOSTERS_SRV):
        if choices.of((True, False)):
            host = choices.of((HOST, "h{}.example", "{}", "h{}." + "x" * 64))
            world.srv(name, *[(n % 7, n % 3, 5061, host.format(n)) for n in range(choices.of(_SIZES))])
    for host in (HOST, HOSTER, DOMAIN):
        if choices.of((False, True)):
            world.address(host, *[f"192.0.2.{n % 256}" for n in range(choices.of(_SIZES))])
        if choices.of((False, True)):
            names = [host, *[f"n{n}.example" for n in range(1 + choices.of(range(12)))]]
            world.address(host, "192.0.2.1", alias=[Alias(a, b, SECURE, 60.0) for a, b in pairwise(names)])
        if choices.of((False, True)):
            world.tlsa(f"_5061._tcp.{host}", *[choices.of(_PINS)] * choices.of(_SIZES))
    for address in (*ADDRESSES[HOST], *ADDRESSES[HOSTER], *ADDRESSES[DOMAIN]):
        if choices.of((False, True)):
            more = choices.of((ISSUER.der, bytes(20_000)))
            world.server(address, (*choices.of(PEERS).chain, *[more] * choices.of((1, 16, 17, 18, 400))))
    if choices.of((False, True)):
        world.naptr(DOMAIN, *[(n, n, "s", "SIPS+D2T", "", OWN_SRV) for n in range(choices.of(_SIZES))])
    return world


def swollen_worlds() -> st.SearchStrategy[World]:
    """Draw a world in which some answers and chains are far too large."""
    return _octets.map(_swollen_world)


_URIS = (
    "sips:alice@example.com",
    "sip:example.com",
    "sips:example.com:5061",
    "sips:example.com;transport=tcp",
    f"sips:example.com;maddr={HOSTER}",
    "sips:example.com;maddr=192.0.2.11",
    "sips:192.0.2.1",
)
uris = st.sampled_from(_URIS[:1] * 9 + _URIS)
"""Mostly the plain one: it takes the longest way."""

_POLICIES = (
    Policy(),
    Policy(audit=True),
    Policy(families=("ipv4",)),
    Policy(prefetch=2),
    Policy(require="dane"),
    Policy(require="pkix", audit=True),
    Policy(require="dane-ee"),
    Policy(strict_dane=True, families=("ipv4", "ipv6")),
    Policy(require_target_name=True),
    Policy(tlsa_usages=frozenset({2, 3})),
    Policy(tlsa_usages=frozenset({0, 1}), digests=("sha256",)),
    Policy(transports=("tls-sctp", "tls", "wss"), allow_cn=True, allow_wildcards=True),
)
policies = st.sampled_from((Policy(),) * 6 + _POLICIES)
"""One connection after the other; limits that no world reaches."""


def _limits(octets: bytes) -> Limits:
    choices, few = Choices(octets), (3, 2, 1)
    return Limits(
        aliases=choices.of(few),
        records=choices.of((6, 3, 1)),
        targets=choices.of(few),
        addresses=choices.of(few),
        lookups=1 + choices.of(range(12)),
        chain=choices.of(few),
        paths=choices.of((2, 1)),
        attempts=choices.of(few),
    )


limits = st.binary(min_size=8, max_size=8).map(_limits)
"""Limits that worlds do reach."""


def altered(world: World) -> World:
    """A copy of a world that can be changed without changing the world."""
    return replace(world, said=dict(world.said), servers=dict(world.servers), asked=[], open=[], names_sent=[])


def heard_in(world: World, name: str, rrtype: str) -> Said:
    """What the DNS of a world says to a question."""
    return world.said.get((name, rrtype)) or Said(security=world.security, denial=Denial.NXDOMAIN)
