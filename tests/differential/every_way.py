"""OpenSSL asked for each way by which a peer could be accepted, with what SIP and RFC 7671 add translated for it.

OpenSSL judges signatures, dates, authorities, name constraints, purposes, names and association data. What is done here
is to put the questions: one for each path that the names allow, each usage and each name that is looked for, about
certificates that say in the web's words what these say in those of SIP. Each such translation is an `Allowance`, and
each can be left out: then OpenSSL says what it would have said without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache, lru_cache
from typing import Final, TypeAlias

from differential.certificates import DATES, Dates, Description, Key, certificate, spki
from differential.dane_worlds import SIP_HOSTS, World
from differential.libssl import (
    NEVER_CHECK_SUBJECT,
    NO_PARTIAL_WILDCARDS,
    NO_WILDCARDS,
    Asked,
    LibSsl,
    Record,
    crashes,
)
from pki import ANY_EKU, EMAIL_PROTECTION, SERVER_AUTH, SIP_DOMAIN
from siptls.policy import Digest


class Allowance(Enum):
    """One thing that OpenSSL does otherwise unless it is asked in another way."""

    DANE_EE_NAMES = "names count with DANE-EE"
    COMMON_NAME = "the common name stands in for dNSNames"
    WILDCARDS = "wildcards match"
    SIP_URI = "sip URIs are no names"
    PURPOSES = "serverAuth is the only purpose"
    ANCHOR_PURPOSES = "the purposes of an anchor count"
    DIGESTS = "another order of digests"
    ONE_WAY = "the first issuer and the first match decide"
    KEY_ANCHORS = "a pinned key brings the limits of its certificate"
    INTERMEDIATE_ANCHORS = "only self-signed certificates end a path, and only their dates count there"
    OWN_ANCHOR = "the peer's own key may vouch for it"
    LAST_SECOND = "the last second is too late"
    WEAK_AUTHORITY = "authorities without basicConstraints or with Ed25519"
    PUBLISHED_ISSUER = "a certificate published for PKIX-TA completes the chain"
    SELF_ISSUED = "whoever has its issuer's name is taken to sign itself"
    SELF_SIGNED_WITHIN = "a self-signed certificate ends a path"
    STRICT = "unusable records are no records"


EVERYTHING: Final = frozenset(Allowance)
NO_USABLE: Final = -1
"""Stands for the usage where there is no usable record: plain PKIX."""

Way: TypeAlias = tuple[Description, ...]


@cache
def libssl() -> LibSsl:
    """The library, loaded once."""
    return LibSsl()


def plainly(world: World) -> bool | None:
    """What OpenSSL says by itself: one question, all defaults, names of RFC 7671 section 5.2; None if it `crashes`."""
    hosts = tuple(dict.fromkeys([world.host, world.domain]))
    chain, store = world.ders(world.sent), world.ders(world.trusted)
    asked = Asked(chain=chain, store=store, records=world.records, hosts=hosts, at=world.at)
    return None if crashes(asked) else libssl().ask(asked).accepted


@dataclass(frozen=True)
class Counting:
    """The TLSA records that count."""

    records: frozenset[Record]

    @classmethod
    def of(cls, world: World) -> Counting:
        """With the digests of the world's policy."""
        return cls(frozenset(_counting(world.records, world.digests)))

    @classmethod
    def by_default(cls, world: World) -> Counting:
        """With the digests that OpenSSL takes by itself."""
        return cls(frozenset(_counting(world.records, ("sha512", "sha256"))))


@lru_cache(maxsize=256)
def _counting(records: tuple[Record, ...], digests: tuple[Digest, ...]) -> tuple[Record, ...]:
    """The records that OpenSSL takes and the agility of RFC 7671 section 9 leaves."""
    asked = Asked(chain=(_anyone(),), records=records, digests=digests, at=DATES["good"][0])
    usable = [each for each, taken in zip(records, libssl().ask(asked).usable, strict=True) if taken]
    strength = {{"sha256": 1, "sha512": 2}[digest]: rank for rank, digest in enumerate(digests)}
    best: dict[tuple[int, int], int] = {}
    for usage, selector, matching, _ in usable:
        if matching:
            best[usage, selector] = min(best.get((usage, selector), 9), strength[matching])
    return tuple([each for each in usable if not each[2] or strength[each[2]] == best[each[0], each[1]]])


@cache
def _anyone() -> bytes:
    return certificate(Description(subject="x", key=("p256", 98), issuer="x", signer=("p256", 98)))


@dataclass(frozen=True)
class Name:
    """A host that is looked for, the names of the certificate that may be it, and whether wildcards may."""

    host: str
    among: tuple[str, ...]
    wildcards: bool


def names_wanted(world: World, usage: int) -> list[Name]:
    """The references, each with the names that count for it (D-REF)."""
    leaf = world.leaf
    sip = tuple(dict.fromkeys([SIP_HOSTS[uri] for uri in leaf.uris if uri in SIP_HOSTS]))
    nameless = not (leaf.uris or leaf.dns or leaf.emails)
    common = (leaf.subject,) if nameless and world.allow_cn and "*" not in leaf.subject else ()
    wanted = [Name(world.domain, sip or leaf.dns or common, False)]
    if usage != NO_USABLE or world.target is not None:
        wanted.append(Name(world.host, leaf.dns + sip, world.allow_wildcards and world.target is not None))
    return wanted


class EveryWay:
    """OpenSSL's judgement of a world, by every way and with some allowances.

    Attributes:
        unanswered: whether there was a question that OpenSSL has no answer to.
    """

    def __init__(self, world: World, allowances: frozenset[Allowance] = EVERYTHING) -> None:
        self.unanswered = False
        self._world = world
        self._allowances = allowances
        self._digests: tuple[Digest, ...] = world.digests if Allowance.DIGESTS in allowances else ("sha512", "sha256")
        self._records = _counting(world.records, self._digests)
        self._at = world.at

    def accepting(self) -> frozenset[int]:
        """The usages by which OpenSSL accepts the peer; `NO_USABLE` for plain PKIX."""
        usages = {usage for usage, *_ in self._records} or {NO_USABLE}
        if usages == {NO_USABLE} and self._world.pins and self._world.strict_dane and self._allows(Allowance.STRICT):
            return frozenset()
        if not self._allows(Allowance.ONE_WAY):
            return self._one_way(usages)
        return frozenset([usage for usage in usages if self._by(usage)])

    def _accepts(self, asked: Asked) -> bool:
        if crashes(asked):
            self.unanswered = True
            return False
        return libssl().ask(asked).accepted

    def _allows(self, allowance: Allowance) -> bool:
        return allowance in self._allowances

    def _of(self, usage: int) -> tuple[Record, ...]:
        return tuple([each for each in self._records if each[0] == usage])

    def _by(self, usage: int) -> bool:
        if usage == 3:
            return self._dane_ee()
        if usage == 2:
            return any(self._valid(way, (), records, 2) for way, records in self._ways_to_pinned())
        return any(self._valid(way, way[-1:], self._of(usage), usage) for way in self._ways_to_trusted(usage))

    def _dane_ee(self) -> bool:
        named = not self._allows(Allowance.DANE_EE_NAMES)
        asked = Asked(
            chain=self._world.ders((0,)),
            records=self._of(3),
            at=self._at,
            names_with_dane_ee=named,
            digests=self._digests,
        )
        if not named:
            return self._accepts(asked)
        return self._named(asked, (self._world.leaf,), 3)

    # The ways.

    def _ways(self, pool: Sequence[Description]) -> Iterator[Way]:
        """Every line from the peer's certificate upwards that the names allow."""
        unfinished: list[Way] = [(self._world.leaf,)]
        while unfinished:
            way = unfinished.pop()
            yield way
            unfinished.extend([(*way, each) for each in pool if each.subject == way[-1].issuer and each not in way])

    def _pool(self, which: Sequence[int]) -> list[Description]:
        return list(dict.fromkeys([self._world.certificates[each] for each in which]))

    def _ways_to_trusted(self, usage: int) -> Iterator[Way]:
        world = self._world
        published = self._published(0) if usage == 0 and not self._allows(Allowance.PUBLISHED_ISSUER) else ()
        trusted = self._pool(world.trusted)
        for way in self._ways(self._pool((*world.sent, *world.trusted, *published))):
            if way[-1] in trusted and self._is_anchor(way):
                yield way

    def _is_anchor(self, way: Way) -> bool:
        """Whether the last of a way may end it."""
        last = way[-1]
        if len(way) == 1:
            return not self._allows(Allowance.OWN_ANCHOR)
        return last.self_signed or self._allows(Allowance.INTERMEDIATE_ANCHORS)

    def _published(self, usage: int) -> tuple[int, ...]:
        """The certificates that stand in the DNS as a whole."""
        return tuple(
            [
                pin.about
                for pin in self._world.pins
                if (pin.usage, pin.selector, pin.matching, pin.fault) == (usage, 0, 0, "") and pin.about is not None
            ]
        )

    def _ways_to_pinned(self) -> Iterator[tuple[Way, tuple[Record, ...]]]:
        """The ways to what DANE-TA records name, with the record that is left to match."""
        records = self._of(2)
        sent, published = self._pool(self._world.sent[1:]), self._pool(self._published(2))
        without = {spki(self._world.leaf.key)} if self._allows(Allowance.OWN_ANCHOR) else set[bytes]()
        keys = {data for _, selector, matching, data in records if (selector, matching) == (1, 0)}
        for way in self._ways([*sent, *[each for each in published if each not in sent]]):
            last, own = way[-1], way[-1].key == self._world.leaf.key
            yield from [(way, ((2, 1, 0, key),)) for key in keys if key not in without]
            if len(way) == 1 or (own and self._allows(Allowance.OWN_ANCHOR)):
                continue
            if any(matches(last, each) for each in records if each[1] == 0):
                yield way, ((2, 0, 0, certificate(last)),)
            if last in sent and any(matches(last, each) for each in records if each[1] == 1):
                key = ((2, 1, 0, spki(last.key)),)
                yield (way[:-1], key) if self._allows(Allowance.KEY_ANCHORS) else (way, key)

    # The questions.

    def _valid(self, way: Way, store: Way, records: tuple[Record, ...], usage: int) -> bool:
        """Whether one way is good."""
        bare = usage == 2 and records[0][1] == 1 and spki(way[-1].key) != records[0][3]
        if self._allows(Allowance.WEAK_AUTHORITY) and _weak(way, records if bare else ()):
            return False
        within = next((place for place in range(1, len(way) - 2) if way[place].self_signed), None)
        if within is None or not self._allows(Allowance.SELF_SIGNED_WITHIN):
            return self._is_valid(way, store, records, usage, anchored=not bare)
        # Up to it, and past it: whoever certifies its key stands for it, but for an anchor, which ends the path below.
        itself, above = way[within : within + 1], way[within + 1 : within + 2]
        moved = tuple([_about(each, itself, above) for each in records])
        return self._is_valid(way[: within + 1], itself, None, usage, anchored=False) and self._valid(
            way[:within] + way[within + 1 :], store, moved, usage
        )

    def _is_valid(
        self, way: Way, store: Way, records: tuple[Record, ...] | None, usage: int, *, anchored: bool
    ) -> bool:
        """Whether OpenSSL takes a way; without records, as plain PKIX."""
        said = self._translated(way, anchored=anchored)
        wanted, records = records is not None and usage != NO_USABLE, records or ()
        translated = tuple([_about(each, way, said) for each in records if usage != 0 or _could_match(each, way)])
        if wanted and not translated:
            return False
        asked = Asked(
            chain=tuple([certificate(each) for each in said]),
            store=tuple([certificate(said[way.index(each)]) for each in store]),
            records=translated,
            at=self._at,
            partial=self._allows(Allowance.INTERMEDIATE_ANCHORS),
            digests=self._digests,
        )
        return self._named(asked, said, usage)

    def _named(self, asked: Asked, said: Way, usage: int) -> bool:
        """Ask for each name, in the certificate as it is or one that has the domain of a sip URI as a dNSName."""
        world, leaf = self._world, said[0]
        wanted = names_wanted(world, usage)
        hosts = tuple(dict.fromkeys([name.host for name in wanted]))
        flags = (NEVER_CHECK_SUBJECT if self._allows(Allowance.COMMON_NAME) else 0) | (
            NO_WILDCARDS if self._allows(Allowance.WILDCARDS) else 0
        )
        as_it_is = replace(asked, hosts=hosts, name_flags=flags)
        if not self._allows(Allowance.SIP_URI):
            return self._accepts(as_it_is)
        if not self._allows(Allowance.COMMON_NAME) and self._accepts(as_it_is):
            return True
        constrained = replace(asked, hosts=(), name_flags=flags)
        if not self._accepts(constrained):
            return False
        return any(
            self._is(replace(asked, hosts=(name.host,)), leaf, said, each, name)
            for name in wanted
            for each in name.among
        )

    def _is(self, asked: Asked, leaf: Description, said: Way, each: str, name: Name) -> bool:
        twin = replace(leaf, uris=(), emails=(), dns=(each,))
        loose = name.wildcards or not self._allows(Allowance.WILDCARDS)
        flags = NEVER_CHECK_SUBJECT | (NO_PARTIAL_WILDCARDS if name.wildcards else 0) | (0 if loose else NO_WILDCARDS)
        records = tuple([_about(record, (leaf,), (twin,)) for record in asked.records])
        chain = (certificate(twin), *asked.chain[1:])
        return self._accepts(replace(asked, chain=chain, records=records, name_flags=flags))

    def _translated(self, way: Way, *, anchored: bool) -> Way:
        """The certificates with serverAuth for what the policy takes, and an anchor without purposes.

        Their key identifiers tell OpenSSL which of several issuers of one name is meant, and what ends this second ends
        later.
        """
        said = [
            replace(each, key_ids=each.key_ids or self._needs_key_ids(each), dates=self._dates(each)) for each in way
        ]
        for place, each in enumerate(way):
            if each.purposes:
                if anchored and place and place == len(way) - 1 and self._allows(Allowance.ANCHOR_PURPOSES):
                    said[place] = replace(said[place], purposes=())
                elif self._allows(Allowance.PURPOSES):
                    purpose = SERVER_AUTH if self._takes(each) else EMAIL_PROTECTION
                    said[place] = replace(said[place], purposes=(purpose,))
        return tuple(said)

    def _dates(self, each: Description) -> Dates:
        in_its_last_second = DATES[each.dates][1] == self._at
        return "good" if in_its_last_second and self._allows(Allowance.LAST_SECOND) else each.dates

    def _needs_key_ids(self, each: Description) -> bool:
        return self._allows(Allowance.SELF_ISSUED if is_misread(each) else Allowance.ONE_WAY)

    def _takes(self, each: Description) -> bool:
        taken = {SIP_DOMAIN, ANY_EKU} | ({SERVER_AUTH} if self._world.eku == "interop" else set[str]())
        return not taken.isdisjoint(each.purposes)

    def _one_way(self, usages: set[int]) -> frozenset[int]:
        """One question for all: OpenSSL looks for its way and its record."""
        world = self._world
        pool = self._pool((*world.sent, *world.trusted))
        way = (world.leaf, *[each for each in pool if each != world.leaf])
        anchors = [way.index(world.certificates[each]) for each in world.trusted]
        said = self._translated(way, anchored=False)
        usage = NO_USABLE if usages == {NO_USABLE} else max(usages)
        asked = Asked(
            chain=tuple([certificate(said[way.index(each)]) for each in self._pool(world.sent)]),
            store=tuple(
                [certificate(said[each]) for each in anchors if each or not self._allows(Allowance.OWN_ANCHOR)]
            ),
            records=tuple([_about(each, way, said) for each in self._records]),
            at=self._at,
            partial=self._allows(Allowance.INTERMEDIATE_ANCHORS),
            names_with_dane_ee=not self._allows(Allowance.DANE_EE_NAMES),
            digests=self._digests,
        )
        return frozenset({usage}) if self._named(asked, said, usage) else frozenset()


def is_misread(each: Description) -> bool:
    """Whether OpenSSL takes a certificate for self-signed that is not: only key identifiers would tell it."""
    return each.subject == each.issuer and not each.self_signed and not each.key_ids


def matches(each: Description, record: Record) -> bool:
    """Whether a certificate is what a record is about (RFC 6698 section 2.1)."""
    octets = spki(each.key) if record[1] else certificate(each)
    return record[3] == _digest(octets, record[2])


def _digest(octets: bytes, matching: int) -> bytes:
    match matching:
        case 0:
            return octets
        case 1:
            return hashlib.sha256(octets).digest()
        case _:
            return hashlib.sha512(octets).digest()


def _could_match(record: Record, way: Way) -> bool:
    """OpenSSL would also build paths with a whole certificate that a record holds."""
    return record[1:3] != (0, 0) or record[3] in [certificate(each) for each in way]


def _about(record: Record, way: Way, said: Way) -> Record:
    """The record about the translation of what it was about."""
    usage, selector, matching, data = record
    if selector == 0:
        for each, twin in zip(way, said, strict=True):
            if each != twin and matches(each, record):
                return usage, 0, matching, _digest(certificate(twin), matching)
    return usage, selector, matching, data


def _weak(way: Way, bare: Sequence[Record]) -> bool:
    """Whether the library that builds our paths takes an authority of this way for none."""
    signers: list[Key] = [each.signer for each in (way if bare else way[:-1])]
    return any(algorithm == "ed25519" for algorithm, _ in signers) or any(each.ca is None for each in way[1:])
