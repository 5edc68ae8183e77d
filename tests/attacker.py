"""What an attacker can do: he owns the network, but neither a key of the DNS nor one of an honest server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from peers import DOMAIN, EVIL, HOST, HOSTER
from siptls import Failure
from siptls.dane import parse
from siptls.dns import Address, Alias, Cname, Denial, Naptr, Record, Srv
from world import INSECURE, SECURE, Said, World
from worlds import ADDRESSES, EVIL_ADDRESSES, EVIL_PIN, OWN_SRV, altered


def _evil_records(name: str, rrtype: str) -> tuple[Record, ...]:
    records: dict[str, tuple[Record, ...]] = {
        "A": (Address(name, EVIL_ADDRESSES[0]),),
        "AAAA": (Address(name, EVIL_ADDRESSES[1]),),
        "CNAME": (Cname(name, EVIL),),
        "NAPTR": (Naptr(name, 0, 0, "s", "SIPS+D2T", "", f"_sips._tcp.{EVIL}"),),
        "SRV": (Srv(name, 0, 0, 5061, EVIL),),
        "TLSA": (parse(EVIL_PIN, name),),
    }
    return records[rrtype]


def _deny(_world: World, _name: str, _rrtype: str, _said: Said) -> Said:
    return Said(security=INSECURE, denial=Denial.NODATA)


def _replace(_world: World, name: str, rrtype: str, _said: Said) -> Said:
    return Said(_evil_records(name, rrtype), INSECURE)


def _redirect(_world: World, name: str, rrtype: str, said: Said) -> Said:
    """Keep the steps that are signed, and lead away behind them."""
    kept: list[Alias] = []
    for alias in said.aliases:
        if alias.security is not SECURE:
            break
        kept.append(alias)
    end = kept[-1].target if kept else name
    aliases = (*kept, Alias(end, EVIL, INSECURE, 60.0))
    return Said(_evil_records(EVIL, rrtype), INSECURE, None, aliases)


def _honest_elsewhere(world: World, name: str, rrtype: str, _said: Said) -> Said:
    """Say here what is said elsewhere of an honest server."""
    if rrtype == "SRV":
        return Said(tuple([Srv(name, 0, 0, 5061, host) for host in (HOSTER, HOST, DOMAIN)]), INSECURE)
    if rrtype == "NAPTR":
        return Said((Naptr(name, 0, 0, "s", "SIPS+D2T", "", OWN_SRV),), INSECURE)
    if rrtype in ("A", "AAAA"):
        every = [address for addresses in ADDRESSES.values() for address in addresses]
        return Said(tuple([Address(name, a) for a in every if (":" in a) is (rrtype == "AAAA")]), INSECURE)
    return _replace(world, name, rrtype, _said)


def _fail(failure: Failure) -> Callable[[World, str, str, Said], Said]:
    return lambda _world, _name, _rrtype, _said: Said(failure=failure)


DROPS = tuple([_fail(failure) for failure in (Failure.TIMEOUT, Failure.SERVFAIL, Failure.BOGUS, Failure.REFUSED)])
LIES = (_replace, _deny, _redirect, _honest_elsewhere)

Move = tuple[int, int]
moves = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), min_size=1, max_size=5)
"""Which question, server or path, and what is done to it."""


def attacked(world: World, chosen: Sequence[Move], *, lies: bool) -> World:
    """Let the attacker move: drop any answer or connection, alter INSECURE answers, turn SECURE ones into failures.

    Args:
        world: the world as it is.
        chosen: his moves.
        lies: whether he alters answers, too.
    """
    result = altered(world)
    answers, servers = sorted(world.said), sorted(world.servers)
    kinds = (*DROPS, *LIES) if lies else DROPS
    for number, what in chosen:
        where = number % (len(answers) + len(servers))
        if where >= len(answers):
            result.servers[servers[where - len(answers)]] = ("net.timeout", "net.refused", "net.closed")[what % 3]
            continue
        name, rrtype = answers[where]
        kind = kinds[what % len(kinds)]
        said = result.said[name, rrtype]
        if kind in DROPS or (said.security is INSECURE and said.failure is None):  # what is signed cannot be altered
            result.said[name, rrtype] = kind(world, name, rrtype, said)
    return result


def weakened(said: Said) -> Said:
    """The same without DNSSEC."""
    aliases = tuple([Alias(a.owner, a.target, INSECURE, a.ttl) for a in said.aliases])
    return replace(said, security=INSECURE, aliases=aliases)
