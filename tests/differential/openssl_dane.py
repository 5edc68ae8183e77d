"""siptls and OpenSSL on the same worlds: the same verdict, or a difference that has a name and goes the way it says."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from differential.dane_worlds import World, worlds
from differential.every_way import EVERYTHING, NO_USABLE, Allowance, EveryWay, plainly
from differential.explained import (
    EXPLANATIONS,
    NOT_IN_ONE_WAY,
    OURS,
    THEIRS,
    Explanation,
    Way,
)
from differential.search import search
from siptls.dns import Security, Tlsa
from siptls.events import Anchors
from siptls.policy import Policy
from siptls.verdict import Verdict
from siptls_io import verify_chain

METHODS = {3: "dane-ee", 2: "dane-ta", 1: "pkix-ee", 0: "pkix-ta", NO_USABLE: "pkix"}
"""The methods in the order of what they cost, which is the order in which siptls names them."""


@lru_cache(maxsize=1_000)
def _anchors(certificates: tuple[bytes, ...]) -> Anchors:
    return Anchors(certificates)


def judged(world: World) -> Verdict:
    """What siptls says."""
    policy = Policy(
        eku=world.eku,
        digests=world.digests,
        allow_cn=world.allow_cn,
        allow_wildcards=world.allow_wildcards,
        strict_dane=world.strict_dane,
    )
    return verify_chain(
        world.ders(world.sent),
        domain=world.domain,
        target=world.target,
        tlsa=[Tlsa(f"_5061._tcp.{world.host}", *record) for record in world.records],
        delegation=Security.SECURE,
        anchors=_anchors(world.ders(world.trusted)),
        at=world.at,
        policy=policy,
    )


def check(world: World, tally: Counter[str]) -> None:
    """Hold both judges against each other.

    Asked for every way, OpenSSL must say exactly the same, down to the method. Asked plainly it must say the same
    wherever no explanation holds. Where one holds, leaving its allowance out may only change the answer its way.

    Args:
        world: what is judged.
        tally: counts what was seen.

    Raises:
        AssertionError: there is a difference that nothing explains.
    """
    verdict = judged(world)
    method = verdict.method if verdict.accepted else "none"
    by = EveryWay(world).accepting()
    theirs = next((name for usage, name in METHODS.items() if usage in by), "none")
    tally["worlds"] += 1
    assert method == theirs, f"siptls: {method} ({verdict.code}); OpenSSL by every way: {theirs}; {world}"
    tally[f"accepted by {method}" if verdict.accepted else "rejected"] += 1
    holding = [each for each in EXPLANATIONS if each.holds(world)]
    _check_plainly(world, verdict.accepted, holding, tally)
    for each in holding:
        _check_explanation(world, verdict.accepted, each, holding, tally)


def _way(ours: bool, theirs: bool) -> Way | None:
    return None if ours == theirs else OURS if ours else THEIRS


def _check_plainly(world: World, ours: bool, holding: list[Explanation], tally: Counter[str]) -> None:
    theirs = plainly(world)
    if theirs is None:
        tally["OpenSSL would crash"] += 1
        return
    way = _way(ours, theirs)
    tally["OpenSSL by itself agrees" if way is None else "OpenSSL by itself differs"] += 1
    tally["no explanation holds"] += not holding
    ways = {each.way for each in holding}
    assert way is None or way in ways, f"{way}, which nothing explains ({[each.name for each in holding]}): {world}"


def _check_explanation(
    world: World, ours: bool, explanation: Explanation, holding: list[Explanation], tally: Counter[str]
) -> None:
    also = {each.allowance for each in holding}
    if explanation.allowance is Allowance.ONE_WAY and not also.isdisjoint(NOT_IN_ONE_WAY):
        return
    without = EveryWay(world, EVERYTHING - {explanation.allowance})
    way = _way(ours, bool(without.accepting()))
    if without.unanswered:
        return
    ways = {each.way for each in holding if each.allowance is explanation.allowance}
    assert way is None or way in ways, f"{explanation.name}: {way}, not {explanation.way}: {world}"
    tally[f"holds: {explanation.name}"] += 1
    tally[f"decides: {explanation.name}"] += way == explanation.way


def run(count: int, seed: int) -> Counter[str]:
    """Compare on so many worlds.

    Args:
        count: how many.
        seed: the same seed finds the same worlds.

    Raises:
        AssertionError: there is a difference that nothing explains; with the smallest world that shows it.
    """
    tally = Counter({f"decides: {each.name}": 0 for each in EXPLANATIONS})
    search(worlds(), lambda world: check(world, tally), count, seed)
    return tally
