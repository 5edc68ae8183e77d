"""Peers of whom everything is known by construction, and a path validator that makes no mistakes about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from pki import EMAIL_PROTECTION, NOW, SERVER_AUTH, Issued, Issuer, self_signed
from siptls import Certificate, ValidatePath
from world import Path

DOMAIN, HOST, HOSTER, EVIL = "example.com", "sip.example.com", "sip.hoster.example", "evil.example"
CANON = {DOMAIN: "www.example.com", HOST: "edge.example.com", HOSTER: "node.hoster.example"}

ROOT = Issuer.root()
ISSUER = ROOT.intermediate()
PRIVATE = Issuer.root("A private root")
PRIVATE_ISSUER = PRIVATE.intermediate("A private intermediate")


@dataclass(frozen=True)
class Peer:
    """What a server presents, and what is true of it: known by construction, not read from the certificate."""

    leaf: Issued
    chain: tuple[bytes, ...]
    identities: frozenset[str] = frozenset()
    """Its SIP domain identities (RFC 5922 section 7.1)."""
    hosts: frozenset[str] = frozenset()
    """Its names that count for a host (RFC 7673 section 4.1)."""
    sound: bool = True
    """Whether it is valid now, may be used for SIP, and can be read."""


def _peer(leaf: Issued, *uris: str, dns: Iterable[str] = (), sound: bool = True) -> Peer:
    """A peer that sends its whole chain, the root included, so that DANE-TA has something to match."""
    hosts = frozenset(dns)
    return Peer(leaf, leaf.chain, frozenset(uris) or hosts, hosts.union(uris), sound)


def _malformed_behind_the_key(der: bytes) -> bytes:
    place = der.rfind(b"\x06\x03\x55\x1d")
    return der[:place] + b"\x07" + der[place + 1 :]


FOR_DOMAIN = _peer(ISSUER.leaf(uris=["sip:example.com"], eku=[SERVER_AUTH]), DOMAIN)
FOR_HOSTS = _peer(ISSUER.leaf(dns=[HOST, HOSTER, "x.example"]), dns=[HOST, HOSTER, "x.example"])
FOR_BOTH = _peer(ISSUER.leaf(uris=["sip:example.com"], dns=[HOST, HOSTER]), DOMAIN, dns=[HOST, HOSTER])
FOR_CANON = _peer(ISSUER.leaf(dns=list(CANON.values())), dns=CANON.values())
OWN_CA = _peer(PRIVATE_ISSUER.leaf(dns=[DOMAIN, *CANON.values()]), dns=[DOMAIN, *CANON.values()])
NAMELESS = _peer(PRIVATE.leaf(cn="nobody"))
SELF_MADE = _peer(self_signed(uris=["sip:example.com"]), DOMAIN)
FOR_STRANGER = _peer(ISSUER.leaf(uris=[f"sip:{EVIL}"], dns=[EVIL]), EVIL, dns=[EVIL])
EXPIRED = _peer(ISSUER.leaf(uris=["sip:example.com"], not_after=NOW - timedelta(days=1)), DOMAIN, sound=False)
FOR_MAIL = _peer(ISSUER.leaf(uris=["sip:example.com"], eku=[EMAIL_PROTECTION]), DOMAIN, sound=False)
BROKEN = Peer(
    FOR_DOMAIN.leaf, (_malformed_behind_the_key(FOR_DOMAIN.leaf.der), *FOR_DOMAIN.chain[1:], PRIVATE.der), sound=False
)
GARBAGE = Peer(FOR_DOMAIN.leaf, (b"garbage", FOR_DOMAIN.leaf.der), sound=False)
NAMES = {
    "FOR_BOTH": FOR_BOTH,
    "FOR_DOMAIN": FOR_DOMAIN,
    "FOR_HOSTS": FOR_HOSTS,
    "FOR_CANON": FOR_CANON,
    "OWN_CA": OWN_CA,
    "NAMELESS": NAMELESS,
    "FOR_STRANGER": FOR_STRANGER,
    "SELF_MADE": SELF_MADE,
    "EXPIRED": EXPIRED,
    "FOR_MAIL": FOR_MAIL,
    "BROKEN": BROKEN,
    "GARBAGE": GARBAGE,
}
PEERS = tuple(NAMES.values())
_BY_CHAIN = {peer.chain: peer for peer in PEERS}
_ISSUED = {peer.leaf.der: peer.leaf for peer in PEERS}
_SUBJECTS = {issued.der: Certificate(issued.der).subject for peer in PEERS for issued in (peer.leaf, *peer.leaf.above)}


def peer_of(chain: tuple[bytes, ...] | str) -> Peer:
    """The peer that presents this chain."""
    assert isinstance(chain, tuple)
    return _BY_CHAIN[chain]


def ideal_path(question: ValidatePath) -> Path:
    """Build and judge a path without any mistake, from what is known of the certificates by construction."""
    leaf = _ISSUED.get(question.leaf)
    if leaf is None:
        return "chain.unknown-ca"
    if question.leaf == EXPIRED.leaf.der:
        return "chain.expired"
    keys = {(key.name, key.spki) for key in question.anchors.keys}
    path = [leaf.der]
    for issued in leaf.above:
        path.append(issued.der)
        ends = issued.der in question.anchors.certificates or (_SUBJECTS[issued.der], issued.spki) in keys
        if ends and (question.through is None or question.through in path):
            return tuple(path)
        if issued.der not in question.pool and issued.der not in question.anchors.certificates:
            break
    return "chain.unknown-ca"
