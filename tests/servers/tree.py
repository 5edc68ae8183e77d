"""A DNS tree of our own, from a signed root down: made anew for each run, so that no signature grows old."""

import base64
import dataclasses
import enum
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

NAME_SERVER = "ns.example."
NAME_SERVER_ADDRESS = "127.0.0.10"
TTL = 300
DAY = 86_400


class Signing(enum.Enum):
    """What is done to a zone; the parent holds a DS record for each kind but UNSIGNED."""

    SIGNED = enum.auto()
    UNSIGNED = enum.auto()
    EXPIRED = enum.auto()


@dataclasses.dataclass(frozen=True)
class Zone:
    """One zone: `records` are master-file lines relative to `name`; SOA and NS are added.

    After signing, each signature over a type in `forged` is damaged.
    """

    name: str
    records: str
    signing: Signing = Signing.SIGNED
    forged: frozenset[RdataType] = frozenset()

    @property
    def origin(self) -> dns.name.Name:
        return dns.name.from_text(self.name)


@dataclasses.dataclass(frozen=True)
class Tree:
    """What was written: the file of each zone by its name with the trailing dot, and the root's key."""

    zone_files: Mapping[str, Path]
    trust_anchor: Path


def _master_file(zone: Zone, delegations: Iterable[str]) -> str:
    return "\n".join(
        (
            f"$TTL {TTL}",
            f"@ SOA {NAME_SERVER} hostmaster.{NAME_SERVER} 1 3600 600 86400 60",
            f"@ NS {NAME_SERVER}",
            *delegations,
            zone.records,
            "",
        )
    )


def _sign(zone: dns.zone.Zone, signing: Signing, now: int) -> DNSKEY:
    """Sign `zone` with one new P-256 key that is both key-signing and zone-signing key; return its record."""
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    # RFC 6605 section 4: the key is the point without the octet that says "uncompressed".
    key = dns.rdata.from_text("IN", "DNSKEY", f"257 3 13 {base64.b64encode(point[1:]).decode()}")
    assert isinstance(key, DNSKEY)
    inception, expiration = now - 3_600, now + 7 * DAY
    if signing is Signing.EXPIRED:
        # unbound forgives an expired signature by a tenth of its lifetime, up to one day (val-sig-skew-max).
        inception, expiration = now - 20 * DAY, now - 3 * DAY
    dns.dnssec.sign_zone(zone, keys=[(private, key)], inception=inception, expiration=expiration, dnskey_ttl=TTL)
    return key


def _forge(zone: dns.zone.Zone, types: frozenset[RdataType]) -> None:
    for owner, signatures in list(zone.iterate_rdatasets()):
        if signatures.rdtype == RdataType.RRSIG and signatures.covers in types:
            damaged = [_damaged(record) for record in signatures.processing_order()]
            zone.replace_rdataset(owner, dns.rdataset.from_rdata_list(signatures.ttl, damaged))


def _damaged(record: dns.rdata.Rdata) -> dns.rdata.Rdata:
    assert isinstance(record, RRSIG)
    return record.replace(signature=bytes([record.signature[0] ^ 1]) + record.signature[1:])


def write_tree(directory: Path, zones: Iterable[Zone]) -> Tree:
    """Write all `zones`, the root among them, into `directory`, each delegated from its parent.

    Every zone but the root needs its parent (one label less) among the zones.
    """
    now = int(time.time())
    by_depth = sorted(zones, key=lambda zone: -len(zone.origin.labels))  # children first: their parents hold the DS
    delegations: dict[dns.name.Name, list[str]] = {zone.origin: [] for zone in by_depth}
    zone_files: dict[str, Path] = {}
    trust_anchor = directory / "root.key"
    for zone in by_depth:
        lines = delegations[zone.origin]
        text = _master_file(zone, lines)
        signed = dns.zone.from_text(text, origin=zone.origin, relativize=False)
        referral = [] if zone.origin == dns.name.root else delegations[zone.origin.parent()]
        referral.append(f"{zone.origin} NS {NAME_SERVER}")
        if zone.signing is not Signing.UNSIGNED:
            key = _sign(signed, zone.signing, now)
            _forge(signed, zone.forged)
            referral.append(f"{zone.origin} DS {dns.dnssec.make_ds(zone.origin, key, 'SHA256')}")
            if zone.origin == dns.name.root:
                trust_anchor.write_text(f". {TTL} IN DNSKEY {key}\n")
        zone_files[zone.name] = directory / f"{zone.name.rstrip('.') or 'root'}.zone"
        zone_files[zone.name].write_text(signed.to_text(relativize=False))
    return Tree(zone_files, trust_anchor)
