"""An independent opinion on who may be accepted: it reads the whole world at once and knows every certificate.

It shares no code with the core, and knows nothing of order, time or failover. What it cannot vouch for must never be
ACCEPTED.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from peers import DOMAIN, GARBAGE, PEERS, Peer, ideal_path, peer_of
from siptls import Policy, SipUri, ValidatePath, Verdict
from siptls.dns import Naptr, Srv, Tlsa
from world import AT, SECURE, World
from worlds import heard_in

_ISSUED = {issued.der: issued for peer in PEERS for issued in (peer.leaf, *peer.leaf.above)}
_FULL_DATA = {*_ISSUED, *[issued.spki for issued in _ISSUED.values()]}
_DIGESTS = {1: hashlib.sha256, 2: hashlib.sha512}


def presented(world: World, verdict: Verdict) -> Peer:
    """The peer that a verdict accepted."""
    assert verdict.endpoint is not None
    peer = peer_of(world.servers[verdict.endpoint.address])
    assert verdict.leaf == hashlib.sha256(peer.chain[0]).digest()
    return peer


def validated(world: World, peer: Peer) -> bool:
    """Whether a locally trusted anchor stands behind a peer, and it may be used for SIP now."""
    question = ValidatePath(peer.chain[0], peer.chain[1:], world.anchors, AT)
    return peer.sound and isinstance(ideal_path(question), tuple)


def named_and_validated(world: World, verdict: Verdict) -> bool:
    """Whether the presented chain has a validated path and names the AUS domain."""
    peer = presented(world, verdict)
    return validated(world, peer) and verdict.domain in peer.identities


def matches(record: Tlsa, certificate: bytes) -> bool:
    """Whether a certificate is the one that a record means (RFC 6698 section 2.1)."""
    issued = _ISSUED.get(certificate)
    if issued is None:
        return False
    octets = issued.spki if record.selector == 1 else issued.der
    digest = _DIGESTS.get(record.matching)
    return record.data == (octets if digest is None else digest(octets).digest())


class SecureTrail:
    """What SECURE answers alone say of the way from the AUS domain to its servers.

    Args:
        world: what there is.
        uri: where to.
        policy: which records count.
    """

    def __init__(self, world: World, uri: SipUri, policy: Policy) -> None:
        self.world = world
        self.uri = uri
        self.policy = policy

    def vouches_for(self, verdict: Verdict) -> bool:
        """Whether SECURE answers stand behind an ACCEPTED verdict."""
        assert verdict.target is not None
        host, port, peer = verdict.target.host, verdict.target.port, presented(self.world, verdict)
        delegated = (host, port) in set(self.delegated())
        if not delegated and not (host == self.uri.host and self.no_srv()):
            return False
        bases = list(dict.fromkeys(self.bases(host)))
        if any(self.pinned(base, port, peer, {self.uri.host, *bases}) for base in bases):
            return True
        deciding = [base for base in reversed(bases) if self.secure_records(base, port)][:1]
        pins = [record for base in deciding for record in self.counting(base, port)]
        return delegated and not pins and validated(self.world, peer) and host in peer.hosts

    def delegated(self) -> Iterator[tuple[str, int]]:
        """The servers to which SECURE answers lead."""
        if self.uri.port is not None or self.uri.maddr not in (None, self.uri.host):
            return
        for name in self.srv_names():
            srv = heard_in(self.world, name, "SRV")
            if srv.security is SECURE:
                yield from [(record.target, record.port) for record in srv.records if isinstance(record, Srv)]

    def srv_names(self) -> Iterator[str]:
        """The names at which SRV records speak for the domain."""
        yield from [f"_sips._{label}.{DOMAIN}" for label in ("tcp", "sctp")]
        naptr = heard_in(self.world, DOMAIN, "NAPTR")
        if naptr.security is SECURE:
            yield from [record.replacement for record in naptr.records if isinstance(record, Naptr)]

    def no_srv(self) -> bool:
        """Whether the domain itself is the server: a port says so, or a SECURE denial."""
        if self.uri.maddr not in (None, self.uri.host):
            return False
        if self.uri.port is not None:
            return True
        said = [heard_in(self.world, name, "SRV") for name in self.srv_names()]
        return any(each.denial is not None and each.security is SECURE for each in said)

    def bases(self, host: str) -> Iterator[str]:
        """The names at which TLSA records of a host count (RFC 7671 section 7)."""
        for rrtype in ("A", "AAAA"):
            said = heard_in(self.world, host, rrtype)
            if said.records and said.failure is None:
                if said.security is SECURE:
                    yield from [host, *[alias.target for alias in said.aliases[-1:]]]
                elif host == self.uri.host and said.aliases and said.aliases[0].security is SECURE:
                    yield host

    def secure_records(self, base: str, port: int) -> list[Tlsa]:
        """The SECURE records at a base, usable or not."""
        said = heard_in(self.world, f"_{port}._tcp.{base}", "TLSA")
        if said.security is not SECURE or said.failure is not None:
            return []
        return [record for record in said.records if isinstance(record, Tlsa)]

    def counting(self, base: str, port: int) -> list[Tlsa]:
        """The usable SECURE records at a base that the policy lets count (RFC 7671 section 9)."""
        usable = [record for record in self.secure_records(base, port) if _usable(record, self.policy)]
        enabled = [record for record in usable if record.usage in self.policy.tlsa_usages]
        enabled = enabled or [record for record in usable if record.usage < 2]
        strong = {(r.usage, r.selector) for r in enabled if r.matching == 2 and self.policy.digests[0] == "sha512"}
        return [r for r in enabled if r.matching != 1 or (r.usage, r.selector) not in strong]

    def pinned(self, base: str, port: int, peer: Peer, names: set[str]) -> bool:
        """Whether a record means this peer, and the rest that its usage asks for holds."""
        named = bool(names & (peer.hosts | peer.identities)) and peer.sound
        for record in self.counting(base, port):
            leaf, above = matches(record, peer.chain[0]), any(matches(record, der) for der in peer.leaf.chain[1:])
            if record.usage == 3 and self._is_leaf(record, peer):
                return True
            if (record.usage == 2 and above and named) or (
                (leaf if record.usage == 1 else above) and record.usage < 2 and named and validated(self.world, peer)
            ):
                return True
        return False

    def _is_leaf(self, record: Tlsa, peer: Peer) -> bool:
        """DANE-EE asks for the key or the certificate only, whatever else is wrong with it."""
        if record.selector == 1 and peer is not GARBAGE:
            return matches(record, peer.leaf.der)
        return matches(record, peer.chain[0])


def _usable(record: Tlsa, policy: Policy) -> bool:
    if record.usage > 3 or record.selector > 1:
        return False
    if record.matching == 0:
        return record.data in _FULL_DATA
    lengths = {1: (32, "sha256"), 2: (64, "sha512")}
    octets, digest = lengths.get(record.matching, (0, ""))
    return len(record.data) == octets and digest in policy.digests
