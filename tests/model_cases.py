"""Cases for the reference model: a world, and the URI and the policy with which it is asked.

A case is decoded from octets, so Hypothesis and a plain generator of random numbers draw the same cases, and one that
fails can be had again from what it prints: ``case_of("...")``.
"""

from __future__ import annotations

from dataclasses import dataclass

from model_certificates import BY_DATA, NAMES, Server
from model_worlds import EVIL, HOSTER, RARELY, Leaning, ModelWorld, world_of
from siptls import Policy
from siptls.dns import Address, Record, Tlsa
from siptls.policy import Digest, Family, Require, RevocationCheck
from worlds import Choices

OCTETS = 360
"""As many as one case uses, or more."""


@dataclass(frozen=True)
class Case:
    """A world with what is asked of it; printed, it can be had again."""

    world: ModelWorld
    uri: str
    policy: Policy
    seed: int
    octets: bytes

    def __repr__(self) -> str:
        lines = [f"case_of({self.octets.rstrip(bytes(1)).hex()!r})", f"{self.uri} {_unusual(self.policy)}"]
        lines.append(f"CRLs: {self.world.crls}" if self.policy.revocation != "off" else "CRLs are not asked")
        lines.append(f"anchors: {', '.join([cert.subject for cert in self.world.trusted])}")
        for (name, rrtype), said in self.world.said.items():
            if EVIL not in name:
                aliases = "".join([f"-> {a.target} ({a.security.name}) " for a in said.aliases])
                what = said.failure or said.denial or ", ".join([_record(record) for record in said.records])
                lines.append(f"{name} {rrtype} {aliases}{what} {'' if said.failure else said.security.name} {said.ttl}")
        asked = {r.address for said in self.world.said.values() for r in said.records if isinstance(r, Address)}
        lines += [f"{address} {_peer(self.world.peers[address])}" for address in self.world.peers if address in asked]
        return "\n".join(["", *lines, ""])


def _unusual(policy: Policy) -> str:
    usual = Policy()
    names = [name for name in policy.__slots__ if getattr(policy, name) != getattr(usual, name)]
    return ", ".join([f"{name}={getattr(policy, name)!r}" for name in names])


def _record(record: Record) -> str:
    if not isinstance(record, Tlsa):
        return str(record)
    meant = BY_DATA.get(record.data)
    whose = f"{meant.subject}/{meant.issuer}" if meant else record.data.hex()[:16]
    return f"{record.usage} {record.selector} {record.matching} of {whose}"


def _peer(server: Server) -> str:
    certs = [f"{c.subject}/{c.issuer} {c.names if c.names != NAMES['none'] else ''}" for c in server.chain]
    more = [f"{server.chain[0].eku} {server.chain[0].days} {server.chain[0].flaw}"] if server.chain else []
    return server.down or f"presents {' | '.join(certs + more)}{' a raw key' if server.raw_key else ''}"


# Policies and URIs.

_URIS = ("sips:alice@example.com",) * 12 + (
    "sip:example.com",
    "sips:example.com:5061",
    "sips:example.com:5062",
    "sip:bob@example.com;transport=tcp",
    f"sips:example.com;maddr={HOSTER}",
    f"sips:example.com:5062;maddr={HOSTER}",
    "sips:example.com;maddr=example.com",
    "sips:example.com;maddr=192.0.2.21",
    "sips:192.0.2.11",
    "sips:[2001:db8::11]:5062",
)
_REQUIRE: tuple[Require, ...] = ("any",) * 12 + ("pkix", "dane", "dane-ee")
_USAGES = (frozenset({0, 1, 2, 3}),) * 9 + (frozenset({2, 3}), frozenset({0, 1}), frozenset({3}), frozenset[int]())
_DIGEST_ORDERS: tuple[tuple[Digest, ...], ...] = (
    ("sha512", "sha256"),
    ("sha256", "sha512"),
    ("sha256",),
    ("sha512",),
)
_FAMILY_ORDERS: tuple[tuple[Family, ...], ...] = (("ipv6", "ipv4"), ("ipv4", "ipv6"), ("ipv4",), ("ipv6",))
_DIGESTS = _DIGEST_ORDERS[:1] * 6 + _DIGEST_ORDERS[1:]
_FAMILIES = _FAMILY_ORDERS[:1] * 6 + _FAMILY_ORDERS[1:]
_REVOCATION: tuple[RevocationCheck, ...] = ("off",) * 6 + ("crl", "crl-required")


def _policy(choices: Choices) -> Policy:
    return Policy(
        require=choices.of(_REQUIRE),
        tlsa_usages=choices.of(_USAGES),
        digests=choices.of(_DIGESTS),
        families=choices.of(_FAMILIES),
        strict_dane=choices.of(RARELY),
        require_target_name=choices.of(RARELY),
        allow_cn=choices.of(RARELY),
        allow_wildcards=choices.of(RARELY),
        allow_ip_identity=choices.of(RARELY),
        eku="strict" if choices.of(RARELY) else "interop",
        revocation=choices.of(_REVOCATION),
        audit=choices.of((False, False, True)),
        prefetch=choices.of((None, None, 2)),
    )


def case_of(octets: bytes | str) -> Case:
    """Decode a case.

    Args:
        octets: what is decided, or that in hexadecimal.
    """
    octets = bytes.fromhex(octets) if isinstance(octets, str) else octets
    seed, choices = octets[0] if octets else 0, Leaning(octets[1:])
    uri, policy = choices.of(_URIS), _policy(choices)
    return Case(world_of(choices, seed), uri, policy, seed, octets)
