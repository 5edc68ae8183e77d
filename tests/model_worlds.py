"""Worlds for the reference model: DNS with a status at each hop, servers, trust anchors, and what CRLs say.

A world is small, and could exist. The first of all choices is the good one, so that failing worlds shrink towards one
where all is well.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

from model_certificates import (
    AUTHORITIES,
    BY_DATA,
    BY_DER,
    BY_NAME,
    NAMES,
    PRIVATE_CA,
    PURPOSES,
    TRUSTED,
    Cert,
    Days,
    Server,
    leaf,
    valid_paths,
)
from siptls import (
    Anchors,
    Connect,
    ConnectFailed,
    Failure,
    Presented,
    Revocation,
    Security,
    TlsFacts,
    ValidatePath,
)
from siptls.dns import Address, Alias, Cname, Denial, Naptr, Record, Srv, Tlsa
from world import AT, INSECURE, SECURE, Path, Said, World
from worlds import Choices

T = TypeVar("T")

DOMAIN, HOST, HOSTER, BACKUP = "example.com", "sip.example.com", "sip.hoster.example", "backup.example.com"
HOSTS = (DOMAIN, HOST, HOSTER, BACKUP)
EVIL = "evil.example"
CANON = dict(zip(HOSTS, ("www.example.com", "edge.example.com", "node.hoster.example", "spare.example"), strict=True))
ADDRESSES = {host: (f"192.0.2.{n}1", f"192.0.2.{n}2", f"2001:db8::{n}1") for n, host in enumerate(HOSTS, 1)}
EVIL_ADDRESSES = ("203.0.113.66", "2001:db8:666::1")
OWN_SRV, HOSTERS_SRV = f"_sips._tcp.{DOMAIN}", "_sips._tcp.hoster.example"
PORTS = (5061, 5062)


@dataclass(repr=False)
class ModelWorld(World):
    """A world whose servers and trust anchors are facts, and whose validator makes no mistake."""

    peers: dict[str, Server] = field(default_factory=dict[str, Server])
    trusted: tuple[Cert, ...] = ()
    crls: dict[str, Revocation] = field(default_factory=dict[str, Revocation])
    """What CRLs say of certificates, by their subjects; of others, what is at the empty one."""
    pick: random.Random = field(default_factory=lambda: random.Random(0))
    """Which of several valid paths the validator returns: the core may not depend on it (D-PATH-3)."""

    def connect(self, connect: Connect) -> Presented | ConnectFailed:
        server = self.peers.get(connect.endpoint.address, Server(down="net.refused"))
        if server.down:
            return ConnectFailed(connect, server.down, "as the script says")
        facts = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", connect.server_name, None)
        return Presented(connect, server.octets, facts, server.raw_key.spki if server.raw_key else None)

    def crl_says(self, cert: Cert) -> Revocation:
        """What the CRLs say of a certificate."""
        return self.crls.get(cert.subject, self.crls[""])

    def any_path(self, question: ValidatePath) -> Path:
        """Answer as an ideal validator does."""
        end = BY_DER.get(question.leaf)
        if end is None:
            return "chain.malformed"
        pool = [BY_DER[octets] for octets in question.pool if octets in BY_DER]
        ends = [BY_DER[octets] for octets in question.anchors.certificates if octets in BY_DER]
        keys = [(BY_NAME[key.name], key.spki[-1]) for key in question.anchors.keys]
        paths = [tuple([cert.der for cert in path.certs]) for path in valid_paths(end, pool, ends, keys, question.at)]
        paths = [path for path in paths if question.through is None or question.through in path]
        return self.pick.choice(paths) if paths else "chain.unknown-ca"


# Chance.


class Leaning(Choices):
    """Takes the good choice more often than not, as much as the world is a good one."""

    def __init__(self, octets: bytes) -> None:
        super().__init__(octets)
        self._lean = (0, 90, 150, 205)[next(self._octets, 0) % 4]

    def of(self, options: Sequence[T]) -> T:
        octet = next(self._octets, 0)
        return options[0] if octet < self._lean else options[(octet - self._lean) % len(options)]


_STATUSES = (SECURE,) * 10 + (INSECURE,) * 2
_FAILURES = (None,) * 61 + (Failure.SERVFAIL, Failure.BOGUS, Failure.TIMEOUT)
RARELY = (False,) * 7 + (True,)
_DENIALS = (Denial.NODATA, Denial.NXDOMAIN)
_TTLS = (300.0, 300.0, 300.0, 7.0)


def _said(choices: Choices, zone: Security, records: Sequence[Record], aliases: Sequence[Alias] = ()) -> Said:
    """These records, or their denial, or a failure, from a zone that is signed or not."""
    failure, ttl, denial = choices.of(_FAILURES), choices.of(_TTLS), choices.of(_DENIALS)
    if failure is not None:
        return Said(failure=failure)
    weakest = min([zone, *[alias.security for alias in aliases]])
    return Said(tuple(records), weakest, None if records else denial, tuple(aliases), ttl)


def _aliases(choices: Choices, name: str, end: str, counts: Sequence[int] = (0,) * 7 + (1, 1, 2)) -> tuple[Alias, ...]:
    """The alias steps from a name to its canonical one, each with its status; mostly none."""
    hops = choices.of(counts)
    names = {0: [name], 1: [name, end], 2: [name, f"via.{name}", end]}[hops]
    return tuple([Alias(a, b, choices.of(_STATUSES), 300.0) for a, b in pairwise(names)])


# Servers.

_UNDER = ("CA",) * 14 + ("private",) * 6 + (*AUTHORITIES, "itself")
_NAMED = ("domain",) * 6 + ("domain and hosts",) * 9 + ("hosts",) * 6 + ("canonical hosts",) * 3 + tuple(NAMES)
_DAYS: tuple[Days, ...] = ("valid",) * 16 + ("ending", "expired", "future")
_USABLE = (PURPOSES[0],) * 6 + PURPOSES
_SHAPES = ("whole",) * 20 + ("no root",) * 3 + ("leaf", "reversed", "extra", "empty", "raw", "down")
_DOWN = ("net.refused", "net.timeout", "net.closed")


def _leaf(choices: Choices) -> tuple[Cert, tuple[Cert, ...]]:
    """A leaf, and what stands above it."""
    under, names = choices.of(_UNDER), choices.of(_NAMED)
    flaw = choices.of(("",) * 24 + ("broken", "garbage"))
    end = leaf(names, under, choices.of(_USABLE), choices.of(_DAYS), flaw, 100 + choices.of((0, 1)))
    return end, AUTHORITIES.get(under, ())


def _server(choices: Choices) -> Server:
    """What a server presents: mostly the whole chain, the root included, so that DANE-TA has something to match."""
    end, above = _leaf(choices)
    shape = choices.of(
        ("whole",) * 20 + ("no root", "no root", "no root", "leaf", "reversed", "extra", "empty", "raw", "down")
    )
    if shape == "empty":
        return Server()
    if shape == "raw":
        return Server(raw_key=end)
    if shape == "down":
        return Server(down=choices.of(_DOWN))
    sent = {"leaf": (), "no root": above[:-1], "reversed": above[::-1], "extra": (PRIVATE_CA, *above)}.get(shape, above)
    return Server((end, *sent))


_FORMS = tuple([(selector, matching) for selector in (1, 0) for matching in (1, 2, 0)])
_STYLES = ((2, 3, 1, 0), (3,), (2,), (1,), (0,), (3, 2), (0, 1))
"""The usages that one zone publishes."""
_UNUSABLE = (
    (4, 1, 1, bytes(32)),
    (3, 2, 1, bytes(32)),
    (3, 1, 9, bytes(32)),
    (3, 1, 1, bytes(31)),
    (2, 0, 0, b"\x30\x00"),
    (0, 1, 0, b"\x30\x00"),
)


def _tlsa(choices: Choices, name: str, server: Server, usages: tuple[int, ...]) -> Tlsa:
    """A record that means something of what a server presents, or something else, or nothing."""
    kind = choices.of(("match",) * 9 + ("other", "nobody", "unusable"))
    if kind == "unusable":
        return Tlsa(name, *choices.of(_UNUSABLE))
    usage, (selector, matching) = choices.of(usages), choices.of(_FORMS)
    if kind == "nobody":
        return Tlsa(name, usage, selector, matching or 1, bytes(64 if matching == 2 else 32))
    end = server.chain[0] if server.chain else (server.raw_key or leaf())
    above = server.chain[1:] or next((chain for chain in AUTHORITIES.values() if chain[0].subject == end.issuer), ())
    if kind == "other":
        end, above = _leaf(choices)
    place = choices.of((0, 1, 2, 3))
    if usage in (0, 2) and choices.of((True,) * 7 + (False,)):
        cert = above[place % len(above)] if above else end
    else:
        cert = end
    if cert.flaw == "garbage":
        selector = 0
        matching = matching or 1
    return Tlsa(name, usage, selector, matching, cert.data(selector, matching))


# DNS.

_NAPTRS: tuple[tuple[tuple[int, int, str, str, str, str], ...], ...] = (
    *[()] * 3,
    *[((10, 10, "s", "SIPS+D2T", "", OWN_SRV),)] * 2,
    *[((10, 10, "S", "sips+d2t", "", HOSTERS_SRV),)] * 2,
    ((20, 10, "s", "SIPS+D2T", "", HOSTERS_SRV), (10, 50, "s", "SIP+D2U", "", "_sip._udp.example.com")),
    ((10, 20, "s", "SIPS+D2T", "", HOSTERS_SRV), (10, 10, "s", "SIPS+D2T", "", OWN_SRV)),
    ((10, 10, "u", "SIPS+D2T", "!.*!sip:evil!", "."), (10, 20, "s", "E2U+sip", "", OWN_SRV)),
    ((10, 10, "s", "SIPS+D2T", "", f"_sips._tcp.{EVIL}"),),
)
_TARGETS = (HOST, HOST, HOSTER, HOSTER, BACKUP, DOMAIN, EVIL)


def _add_srv(choices: Choices, world: ModelWorld, name: str, elsewhere: str) -> None:
    aliases = _aliases(choices, name, elsewhere) if choices.of((False, False, False, True)) else ()
    owner = aliases[-1].target if aliases else name
    count = choices.of((1, 1, 2, 2, 3, 4, 0, 0, 0))
    records = [
        Srv(owner, choices.of((10, 20)), choices.of((0, 1, 7)), choices.of((5061,) * 6 + (5062,)), choices.of(_TARGETS))
        for _ in range(count)
    ]
    if count == 1 and choices.of((False,) * 15 + (True,)):
        records = [Srv(owner, 0, 0, 0, ".")]
    world.said[name, "SRV"] = _said(choices, choices.of(_STATUSES), records, aliases)


def _add_host(choices: Choices, world: ModelWorld, host: str, zone: Security, aliases: tuple[Alias, ...]) -> None:
    owner = aliases[-1].target if aliases else host
    first, second, third = ADDRESSES[host]
    ipv4 = [
        Address(owner, address)
        for address in choices.of(((first,), (first, second), (first,), (first, second), (first,), ()))
    ]
    ipv6 = [Address(owner, address) for address in choices.of(((), (third,)))]
    other_zone = zone if bool(aliases) or choices.of((True,) * 5 + (False,)) else choices.of(_STATUSES)
    world.said[host, "A"] = _said(choices, zone, ipv4, aliases)
    world.said[host, "AAAA"] = _said(choices, other_zone, ipv6, aliases)
    if aliases:
        failure = choices.of(_FAILURES)
        step = Said((Cname(host, aliases[0].target),), aliases[0].security, ttl=choices.of(_TTLS))
        world.said[host, "CNAME"] = Said(failure=failure) if failure else step
        if world.said[host, "A"].security is INSECURE and choices.of((False, False, False, True)):
            _forget_the_steps(world, host)
    servers = [_server(choices)] * 3 if choices.of((True, True, False)) else [_server(choices) for _ in range(3)]
    world.peers.update(zip(ADDRESSES[host], servers, strict=True))
    for base in dict.fromkeys((owner, host)):
        for port in PORTS:
            _add_tlsa(choices, world, f"_{port}._tcp.{base}", servers[0])


def _forget_the_steps(world: ModelWorld, host: str) -> None:
    """Be a resolver that knows one status for a whole chain."""
    for rrtype in ("A", "AAAA"):
        said = world.said[host, rrtype]
        weak = tuple([Alias(alias.owner, alias.target, INSECURE, alias.ttl) for alias in said.aliases])
        world.said[host, rrtype] = Said(said.records, said.security, said.denial, weak, said.ttl, said.failure)


def _beside(choices: Choices, record: Tlsa) -> list[Tlsa]:
    """A record that may rule out another one by its digest, may not by its selector, or means the same certificate."""
    kind = choices.of(("",) * 8 + ("stronger", "other selector", "same certificate"))
    selector = record.selector if kind == "stronger" else 1 - record.selector % 2
    if kind in ("stronger", "other selector"):
        matching = 1 if record.matching == 2 else 2
        return [Tlsa(record.owner, record.usage, selector, matching, bytes(32 * matching))]
    meant = BY_DATA.get(record.data)
    if kind == "same certificate" and meant is not None and meant.flaw != "garbage":
        return [Tlsa(record.owner, record.usage, selector, 1, meant.data(selector, 1))]
    return []


def _add_tlsa(choices: Choices, world: ModelWorld, name: str, server: Server) -> None:
    count, usages = choices.of((1, 1, 1, 0, 0, 2, 3)), choices.of(_STYLES)
    aliases = _aliases(choices, name, f"pin.{name}") if choices.of(RARELY) else ()
    owner = aliases[-1].target if aliases else name
    records = [_tlsa(choices, owner, server, usages) for _ in range(count)]
    if records:
        records += _beside(choices, records[0])
    world.said[name, "TLSA"] = _said(choices, choices.of(_STATUSES), records, aliases)


def _add_evil(world: ModelWorld) -> None:
    """Let the attacker have a domain of his own, where everything is in order."""
    own = leaf("stranger", "CA", key=200)
    world.srv(f"_sips._tcp.{EVIL}", (0, 0, 5061, EVIL), security=SECURE)
    world.address(EVIL, *EVIL_ADDRESSES, security=SECURE)
    for port in PORTS:
        world.said[f"_{port}._tcp.{EVIL}", "TLSA"] = Said((Tlsa(f"_{port}._tcp.{EVIL}", 3, 1, 1, own.data(1, 1)),))
    world.peers |= {address: Server((own, *AUTHORITIES["CA"])) for address in EVIL_ADDRESSES}


# What CRLs say.

_CURRENT = (Revocation("good", until=AT + timedelta(hours=1)), Revocation("good", until=AT + timedelta(seconds=9)))
_REVOKED = Revocation("revoked", "chain.revoked")
_UNKNOWN = (Revocation("unknown", "crl.missing"), Revocation("unknown", "crl.expired"))
_SUBJECTS = ("leaf", "CA", "Private CA")


def _crls(choices: Choices) -> dict[str, Revocation]:
    said = {"": choices.of((*_CURRENT * 3, _UNKNOWN[0]))}
    for subject in choices.some(_SUBJECTS, 2):
        said[subject] = choices.of((*_CURRENT, _REVOKED, *_UNKNOWN))
    return said


def world_of(choices: Choices, seed: int) -> ModelWorld:
    """Decode a world.

    Args:
        choices: what is decided in it.
        seed: for its validator.
    """
    world = ModelWorld(SECURE, trusted=choices.of(TRUSTED[:1] * 5 + TRUSTED), pick=random.Random(seed))
    world.anchors = Anchors(tuple([cert.der for cert in world.trusted]))
    world.paths = world.any_path
    world.crls = _crls(choices)
    world.revocation = lambda der: world.crl_says(BY_DER[der])
    for host in HOSTS:
        aliases = _aliases(choices, host, CANON[host], (0, 1, 0, 2) if host == DOMAIN else (0,) * 7 + (1, 1, 2))
        zone = choices.of(_STATUSES)
        if host == DOMAIN:
            owner = aliases[-1].target if aliases else host
            naptrs = [Naptr(owner, *text) for text in choices.of(_NAPTRS)]
            world.said[DOMAIN, "NAPTR"] = _said(choices, zone, naptrs, aliases)
            _add_srv(choices, world, OWN_SRV, "_sips._tcp.pool.example")
            _add_srv(choices, world, HOSTERS_SRV, "_sips._tcp.pool.hoster.example")
            records = [Srv(f"_sips._tcp.{HOSTER}", 0, 0, 5061, HOST)] if choices.of((False, True)) else []
            world.said[HOSTER, "NAPTR"] = _said(choices, choices.of(_STATUSES), [])
            world.said[f"_sips._tcp.{HOSTER}", "SRV"] = _said(choices, choices.of(_STATUSES), records)
        _add_host(choices, world, host, zone, aliases)
    _add_evil(world)
    return world
