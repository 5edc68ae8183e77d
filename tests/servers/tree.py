"""A DNS tree of our own, from a signed root down: made anew for each run, so that no signature grows old."""

import base64
import dataclasses
import enum
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

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
    NSEC3 = enum.auto()
    """Signed; denial by NSEC3 records, without salt and further iterations (RFC 9276)."""
    OPT_OUT = enum.auto()
    """The same with the opt-out flag on every NSEC3 record (RFC 5155 section 6)."""
    UNSIGNED = enum.auto()
    EXPIRED = enum.auto()
    WRONG_DS = enum.auto()
    """Signed, and the DS record is that of another key."""
    UNKNOWN_ALGORITHM = enum.auto()
    """Signed, and the DS record names an algorithm that nobody has (RFC 4035 section 5.2)."""
    UNKNOWN_DIGEST = enum.auto()
    """Signed, and the DS record is made by a digest that nobody has (RFC 6840 section 5.2)."""
    UNSERVED = enum.auto()
    """Signed and delegated, but no name server holds the zone."""


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


@dataclasses.dataclass(frozen=True)
class _Key:
    """One new P-256 key that is both key-signing and zone-signing key."""

    private: ec.EllipticCurvePrivateKey
    record: DNSKEY

    @classmethod
    def new(cls) -> Self:
        private = ec.generate_private_key(ec.SECP256R1())
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        # RFC 6605 section 4: the key is the point without the octet that says "uncompressed".
        record = dns.rdata.from_text("IN", "DNSKEY", f"257 3 13 {base64.b64encode(point[1:]).decode()}")
        assert isinstance(record, DNSKEY)
        return cls(private, record)

    def written(self, origin: dns.name.Name, directory: Path) -> Path:
        """Write the key as ldns wants it; return the name that its two files share."""
        base = directory / f"K{origin}+013+{dns.dnssec.key_id(self.record):05}"
        secret = self.private.private_numbers().private_value.to_bytes(32, "big")
        Path(f"{base}.key").write_text(f"{origin} {TTL} IN DNSKEY {self.record}\n")
        Path(f"{base}.private").write_text(
            "Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\n"
            f"PrivateKey: {base64.b64encode(secret).decode()}\n"
        )
        return base


def _sign(zone: dns.zone.Zone, key: _Key, signing: Signing, now: int) -> None:
    inception, expiration = now - 3_600, now + 7 * DAY
    if signing is Signing.EXPIRED:
        # unbound forgives an expired signature by a tenth of its lifetime, up to one day (val-sig-skew-max).
        inception, expiration = now - 20 * DAY, now - 3 * DAY
    dns.dnssec.sign_zone(
        zone, keys=[(key.private, key.record)], inception=inception, expiration=expiration, dnskey_ttl=TTL
    )


def _sign_with_nsec3(zone: Zone, text: str, key: _Key, file: Path, now: int) -> None:
    """Write the signed zone to `file`: dnspython makes NSEC records only."""
    unsigned = file.with_suffix(".unsigned")
    unsigned.write_text(text)
    command = ["ldns-signzone", "-n", "-t", "0", "-i", str(now - 3_600), "-e", str(now + 7 * DAY)]
    command += ["-o", zone.name, "-f", str(file)] + (["-p"] if zone.signing is Signing.OPT_OUT else [])
    command += [str(unsigned), str(key.written(zone.origin, file.parent))]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run.stderr


def _ds(origin: dns.name.Name, key: _Key, signing: Signing) -> str:
    """The DS record (RFC 4034 section 5) for the parent."""
    ds = dns.dnssec.make_ds(origin, _Key.new().record if signing is Signing.WRONG_DS else key.record, "SHA256")
    if signing is Signing.UNKNOWN_ALGORITHM:
        return f"{ds.key_tag} 200 2 {ds.digest.hex()}"
    if signing is Signing.UNKNOWN_DIGEST:
        return f"{ds.key_tag} 13 200 {ds.digest.hex()}"
    return str(ds)


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
        file = directory / f"{zone.name.rstrip('.') or 'root'}.zone"
        key = _write_zone(zone, delegations[zone.origin], file, now)
        if zone.signing is not Signing.UNSERVED:
            zone_files[zone.name] = file
        if zone.origin == dns.name.root:
            trust_anchor.write_text(f". {TTL} IN DNSKEY {key.record}\n")
            continue
        referral = delegations[zone.origin.parent()]
        referral.append(f"{zone.origin} NS {NAME_SERVER}")
        if zone.signing is not Signing.UNSIGNED:
            referral.append(f"{zone.origin} DS {_ds(zone.origin, key, zone.signing)}")
    return Tree(zone_files, trust_anchor)


def _write_zone(zone: Zone, delegations: Iterable[str], file: Path, now: int) -> _Key:
    """Write the zone as it is served; return the key that signed it, if it is signed."""
    key = _Key.new()
    text = _master_file(zone, delegations)
    if zone.signing in {Signing.NSEC3, Signing.OPT_OUT}:
        _sign_with_nsec3(zone, text, key, file, now)
        return key
    served = dns.zone.from_text(text, origin=zone.origin, relativize=False)
    if zone.signing is not Signing.UNSIGNED:
        _sign(served, key, zone.signing, now)
        _forge(served, zone.forged)
    file.write_text(served.to_text(relativize=False))
    return key
