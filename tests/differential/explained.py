"""Where OpenSSL judges otherwise by itself: each class has a name, a predicate of the world, and the way it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from differential.certificates import DATES, Description
from differential.dane_worlds import SIP_HOSTS, World
from differential.every_way import Allowance, Counting, is_misread, matches
from pki import ANY_EKU, SERVER_AUTH, SIP_DOMAIN

Way: TypeAlias = Literal["only siptls accepts", "only OpenSSL accepts"]
OURS: Final[Way] = "only siptls accepts"
THEIRS: Final[Way] = "only OpenSSL accepts"


@dataclass(frozen=True)
class Explanation:
    """A class of disagreements.

    Attributes:
        name: what it is, for people.
        source: why siptls does as it does.
        allowance: what has to be left out of the questions to see it.
        way: who accepts where the two differ because of it; never the other one.
        holds: whether a world may show it.
    """

    name: str
    source: str
    allowance: Allowance
    way: Way
    holds: Callable[[World], bool]


def _named_by_dns(world: World) -> bool:
    """Whether OpenSSL finds a name that is looked for, without wildcards."""
    return not {name.lower() for name in world.leaf.dns}.isdisjoint({world.domain, world.host})


def _matches_leaf(world: World) -> bool:
    return not _named_by_dns(world) and any(
        record[0] == 3 and matches(world.leaf, record) for record in Counting.of(world).records
    )


def _common_name_is_wanted(world: World) -> bool:
    leaf = world.leaf
    labels = (
        {name.partition(".")[2] for name in (world.domain, world.host)} if leaf.subject.startswith("*.") else set[str]()
    )
    return not leaf.dns and (leaf.subject in {world.domain, world.host} or leaf.subject.removeprefix("*.") in labels)


def _common_name_is_constrained(world: World) -> bool:
    constrained = any(each.permitted or each.excluded for each in world.certificates)
    return not world.leaf.dns and "." in world.leaf.subject and constrained


def _has_wildcard(world: World) -> bool:
    return any("*" in name for name in world.leaf.dns)


def _sip_hosts(world: World) -> set[str]:
    return {SIP_HOSTS[uri] for uri in world.leaf.uris if uri in SIP_HOSTS}


def _sip_uri_is_wanted(world: World) -> bool:
    return not _named_by_dns(world) and not _sip_hosts(world).isdisjoint({world.domain, world.host})


def _sip_uri_hides_dns(world: World) -> bool:
    """Only a host that DNSSEC or its TLSA records speak for is held against all names (RFC 7673 section 4.1)."""
    sip = _sip_hosts(world)
    is_host = world.target is None and bool(Counting.of(world).records)
    return bool(sip) and world.domain not in sip and world.domain in world.leaf.dns and not is_host


def _sip_purpose(world: World) -> bool:
    taken = {SIP_DOMAIN, ANY_EKU}
    return any(SERVER_AUTH not in each.purposes and not taken.isdisjoint(each.purposes) for each in world.certificates)


def _web_purpose(world: World) -> bool:
    taken = {SIP_DOMAIN, ANY_EKU}
    strict = world.eku == "strict"
    return strict and any(
        SERVER_AUTH in each.purposes and taken.isdisjoint(each.purposes) for each in world.certificates
    )


def _purpose_above(world: World) -> bool:
    return any(each.purposes for each in world.certificates[1:])


def _digest_decides_for_us(world: World) -> bool:
    """With our digests other records count, or none does and the path decides."""
    ours, default = Counting.of(world), Counting.by_default(world)
    return not ours.records <= default.records or (not ours.records and bool(default.records))


def _digest_decides_for_them(world: World) -> bool:
    return not Counting.by_default(world).records <= Counting.of(world).records


def _there_is_a_choice(world: World) -> bool:
    """Some name has two certificates, or there are two usages to choose from, with our digests or OpenSSL's."""
    usages = [{record[0] for record in each.records} for each in (Counting.of(world), Counting.by_default(world))]
    subjects = [each.subject for each in world.certificates]
    return max(map(len, usages)) > 1 or any(subjects.count(each.issuer) > 1 for each in world.certificates)


def _key_is_pinned(world: World) -> bool:
    """A record names the key of an authority that was sent."""
    keys = [record for record in Counting.of(world).records if record[:2] == (2, 1)]
    return any(matches(world.certificates[each], record) for record in keys for each in world.sent if each)


def _trusted(world: World) -> list[Description]:
    return [world.certificates[each] for each in world.trusted]


def _intermediate_is_trusted(world: World) -> bool:
    return any(not each.self_signed and each != world.leaf for each in _trusted(world))


def _outdated_authority_is_pinned(world: World) -> bool:
    """A record names a certificate that is no root, and whose time is not now."""
    records = [record for record in Counting.of(world).records if record[:2] == (2, 0)]
    return any(
        matches(each, record) and not each.self_signed and not DATES[each.dates][0] <= world.at < DATES[each.dates][1]
        for record in records
        for each in world.certificates[1:]
    )


def _vouches_for_itself(world: World) -> bool:
    own = any(each.key == world.leaf.key for each in world.certificates[1:])
    bare = any(each[:3] == (2, 1, 0) and matches(world.leaf, each) for each in Counting.of(world).records)
    return own or ((world.leaf.self_signed or is_misread(world.leaf)) and (bare or world.leaf in _trusted(world)))


def _last_second(world: World) -> bool:
    return any(DATES[each.dates][1] == world.at for each in world.certificates)


def _weak_authority(world: World) -> bool:
    return any(each.signer[0] == "ed25519" for each in world.certificates) or any(
        each.ca is None for each in world.certificates[1:]
    )


def _self_issued(world: World) -> bool:
    return any(map(is_misread, world.certificates))


def _self_signed_within(world: World) -> bool:
    """A record of PKIX-TA counts, and a self-signed authority has a cross-certificate, or looks as if it had one."""
    roots = {each.subject for each in world.certificates[1:] if each.self_signed}
    crossed = any(each.subject in roots and not each.self_signed for each in world.certificates[1:])
    return crossed and any(record[0] == 0 for record in Counting.of(world).records)


def _issuer_is_published(world: World) -> bool:
    known = {*world.sent, *world.trusted}
    return any((p.usage, p.selector, p.matching, p.fault) == (0, 0, 0, "") and p.about not in known for p in world.pins)


def _unusable_is_fatal(world: World) -> bool:
    return world.strict_dane and bool(world.pins) and not Counting.of(world).records


NOT_IN_ONE_WAY: Final = frozenset({Allowance.WEAK_AUTHORITY, Allowance.PUBLISHED_ISSUER, Allowance.OWN_ANCHOR})
"""These are made by leaving ways out, which is no question that can be put where OpenSSL looks for its way."""

EXPLANATIONS: Final = (
    Explanation("DANE-EE needs no name", "RFC 7671 5.1, RFC 7673 4.2", Allowance.DANE_EE_NAMES, OURS, _matches_leaf),
    Explanation(
        "a common name is no name", "RFC 9525 2, RFC 5922 7.1", Allowance.COMMON_NAME, THEIRS, _common_name_is_wanted
    ),
    Explanation(
        "a common name is not constrained",
        "RFC 5280 4.2.1.10",
        Allowance.COMMON_NAME,
        OURS,
        _common_name_is_constrained,
    ),
    Explanation("a wildcard is no SIP domain", "RFC 5922 7.2", Allowance.WILDCARDS, THEIRS, _has_wildcard),
    Explanation("a sip URI is a name", "RFC 5922 7.1", Allowance.SIP_URI, OURS, _sip_uri_is_wanted),
    Explanation("beside a sip URI a dNSName is none", "RFC 5922 7.1", Allowance.SIP_URI, THEIRS, _sip_uri_hides_dns),
    Explanation("sipDomain is a purpose", "RFC 5924 4", Allowance.PURPOSES, OURS, _sip_purpose),
    Explanation("serverAuth is none when strict", "RFC 5924 5", Allowance.PURPOSES, THEIRS, _web_purpose),
    Explanation("an anchor's purposes", "RFC 5280 6.1.1 (d)", Allowance.ANCHOR_PURPOSES, OURS, _purpose_above),
    Explanation("the policy's digests match", "RFC 7671 9", Allowance.DIGESTS, OURS, _digest_decides_for_us),
    Explanation("only other digests match", "RFC 7671 9", Allowance.DIGESTS, THEIRS, _digest_decides_for_them),
    Explanation("one way fails, another one not", "RFC 6698 4.1", Allowance.ONE_WAY, OURS, _there_is_a_choice),
    Explanation("a pinned key is no certificate", "RFC 7671 5.2.1", Allowance.KEY_ANCHORS, OURS, _key_is_pinned),
    Explanation(
        "any certificate may be an anchor",
        "RFC 5280 6.1.1 (d)",
        Allowance.INTERMEDIATE_ANCHORS,
        OURS,
        _intermediate_is_trusted,
    ),
    Explanation(
        "the dates of a pinned authority count",
        "RFC 5280 6.1.3 (a)",
        Allowance.INTERMEDIATE_ANCHORS,
        THEIRS,
        _outdated_authority_is_pinned,
    ),
    Explanation("nobody vouches for itself", "RFC 6698 2.1.1", Allowance.OWN_ANCHOR, THEIRS, _vouches_for_itself),
    Explanation("the last second is valid", "RFC 5280 4.1.2.5", Allowance.LAST_SECOND, OURS, _last_second),
    Explanation(
        "authorities that the path library refuses",
        "no basicConstraints, or Ed25519",
        Allowance.WEAK_AUTHORITY,
        THEIRS,
        _weak_authority,
    ),
    Explanation(
        "a constraint is not an issuer", "RFC 6698 2.1.1", Allowance.PUBLISHED_ISSUER, THEIRS, _issuer_is_published
    ),
    Explanation("self-issued is not self-signed", "RFC 5280 3.2", Allowance.SELF_ISSUED, OURS, _self_issued),
    Explanation(
        "a self-signed certificate within a path",
        "RFC 5280 6.1",
        Allowance.SELF_SIGNED_WITHIN,
        OURS,
        _self_signed_within,
    ),
    Explanation(
        "unusable records are fatal when strict", "RFC 7671 10.3", Allowance.STRICT, THEIRS, _unusable_is_fatal
    ),
)
