"""siptls and libdane on the same worlds, one usage at a time, as far as libdane goes.

It never looks at names, so all worlds here have the right ones. It matches a record of usage 0 or 1 and does not look
for a trusted root. For an authority it needs the certificate in the chain that was sent, and what it then asks of the
chain is little. Digest agility it does not know, so it gets the records that agility leaves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Final

from differential.certificates import DATES, Description
from differential.dane_worlds import DOMAIN, TARGET, World, worlds
from differential.every_way import Counting, matches
from differential.explained import OURS, THEIRS, Way
from differential.libdane import LibDane
from differential.openssl_dane import judged
from differential.search import search
from siptls.certificate import Certificate
from siptls.dane import Matcher
from siptls.dns import Tlsa

_FOR_TLS = {"digital_signature", "key_encipherment", "key_agreement"}


@cache
def libdane() -> LibDane:
    """The library, loaded once."""
    return LibDane()


def _well_named(world: World) -> World:
    """The world with a peer that has the right names, and nobody who limits them."""
    leaf = replace(world.leaf, uris=(), emails=(), dns=(DOMAIN, TARGET), purposes=())
    above = [replace(each, permitted=(), excluded=(), purposes=()) for each in world.certificates[1:]]
    return replace(world, certificates=(leaf, *above), strict_dane=False)


def _in_time(each: Description, world: World) -> bool:
    begin, end = DATES[each.dates]
    return begin <= world.at <= end


def _is_sound(each: Description, world: World) -> bool:
    """Whether a certificate is of the kind that everybody takes in its place."""
    is_leaf = each == world.leaf
    usage = set(each.key_usage) & (_FOR_TLS if is_leaf else {"key_cert_sign"})
    kind = each.ca is not True if is_leaf else each.ca is True and each.path_length is None
    return kind and bool(usage) and _in_time(each, world) and each.signer[0] != "ed25519"


def is_straight(world: World) -> bool:
    """Whether the peer sent a line of sound certificates, each signed by the next one, and none twice or a namesake."""
    line = [world.certificates[each] for each in world.sent]
    pairs = list(pairwise(line))
    signed = all((one.issuer, one.signer) == (two.subject, two.key) for one, two in pairs)
    distinct = len({each.key for each in line}) == len({each.subject for each in line}) == len(line)
    return signed and distinct and all(_is_sound(each, world) for each in line)


def _is_sent(world: World) -> bool:
    """Whether a record is about an authority that was sent."""
    above = [world.certificates[each] for each in world.sent[1:]]
    return any(matches(each, record) for record in Counting.of(world).records for each in above)


LIMITS: Final[dict[str, Way]] = {
    "it looks for no trusted root": THEIRS,
    "it needs the authority in the chain": OURS,
    "it takes chains that are not sound": THEIRS,
    "it takes no chain that is not straight": OURS,
}


def _limits(world: World, usage: int) -> dict[str, Way]:
    """What libdane is known not to do, by name, with who then accepts alone."""
    crooked = usage in {0, 2} and not is_straight(world)
    holds = (usage in {0, 1}, usage in {0, 2} and not _is_sent(world), crooked, crooked)
    return {limit: way for (limit, way), it in zip(LIMITS.items(), holds, strict=True) if it}


def check(world: World, tally: Counter[str]) -> None:
    """Hold both opinions against each other, for each usage of the world's records.

    Raises:
        AssertionError: they differ, and no limit explains it.
    """
    world = _well_named(world)
    for usage in sorted({record[0] for record in Counting.of(world).records}):
        one = replace(world, pins=tuple([pin for pin in world.pins if pin.usage == usage]))
        _check_usage(one, usage, tally)


def _check_usage(world: World, usage: int, tally: Counter[str]) -> None:
    records = sorted(Counting.of(world).records)
    theirs = libdane().ask(world.ders(world.sent), records, world.at)
    if usage in {1, 3}:
        matcher = Matcher([Tlsa("", *record) for record in records])
        matched = matcher.match(Certificate(world.ders((0,))[0])) is not None
        assert matched == theirs, f"usage {usage}: siptls matches: {matched}; libdane: {theirs}; {world}"
        tally["matched alike"] += 1
    ours = judged(world).accepted
    limits = _limits(world, usage)
    way = None if ours == theirs else OURS if ours else THEIRS
    assert way is None or way in limits.values(), f"usage {usage}: {way}, which no limit explains; {world}"
    tally["record sets"] += 1
    tally[f"usage {usage}: both accept"] += ours and theirs
    for limit, known in limits.items():
        tally[f"holds: {limit}"] += 1
        tally[f"decides: {limit}"] += way == known
    tally["no limit holds"] += not limits


def run(count: int, seed: int) -> Counter[str]:
    """Compare on so many worlds.

    Raises:
        AssertionError: there is a difference that nothing explains; with the smallest world that shows it.
    """
    tally = Counter({f"decides: {limit}": 0 for limit in LIMITS})
    search(worlds(), lambda world: check(world, tally), count, seed)
    tally["worlds"] += count
    return tally
