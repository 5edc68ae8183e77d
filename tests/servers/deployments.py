"""The SIP domains of the lab: what each publishes in the DNS and which certificate its server shows.

Every deployment is a zone of its own below `example.`, so that each can be signed, unsigned or broken by itself.
Unless it says otherwise its server is `sip` in that zone, found by NAPTR and SRV (RFC 3263 section 4.1).
"""

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from dns.rdatatype import RdataType

from pki import Issued, Issuer, self_signed
from servers.tree import Signing, Zone

SIP_ADDRESS = "127.0.0.30"
RECORDER_ADDRESS = "127.0.0.32"


def tlsa(usage: int, selector: int, matching: int, issued: Issued) -> str:
    """The record (RFC 6698 section 2.2) that `issued` matches, made by other code than the one under test."""
    selected = issued.spki if selector else issued.der
    data = selected if matching == 0 else hashlib.new({1: "sha256", 2: "sha512"}[matching], selected).digest()
    return f"{usage} {selector} {matching} {data.hex()}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deployment:
    """One SIP domain, `name`.example.

    `records` are its zone; `label` stands before the zone's name in the SIP domain, if the domain is not the zone.
    `host` at `address` is the server for those who judge hosts, not SIP domains; `tlsa` repeats the TLSA records that
    the DNS holds for it, for those who judge without DNS.
    `shown` is the certificate that the server presents for the domain and all names below it, `chain` its PEM file.
    """

    name: str
    records: str
    label: str = ""
    tlsa: tuple[str, ...] = ()
    host: str
    address: str = SIP_ADDRESS
    shown: Issued | None = None
    chain: bytes = b""
    signing: Signing = Signing.SIGNED
    forged: frozenset[RdataType] = frozenset()

    @property
    def apex(self) -> str:
        return f"{self.name}.example"

    @property
    def domain(self) -> str:
        return f"{self.label}.{self.apex}" if self.label else self.apex

    @property
    def zone(self) -> Zone:
        return Zone(f"{self.apex}.", self.records, self.signing, self.forged)


def records_at(owner: str, records: Sequence[str]) -> str:
    return "\n".join(f"_5061._tcp.{owner} TLSA {record}" for record in records)


def services(target: str) -> str:
    return f"""\
@ NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp
@ NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp
_sips._tcp SRV 10 10 5061 {target}
_sip._tcp SRV 10 10 5060 {target}"""


def offer(
    name: str,
    shown: Issued,
    records: Sequence[str] = (),
    *,
    chain: bytes | None = None,
    address: str = SIP_ADDRESS,
    signing: Signing = Signing.SIGNED,
    forged: Sequence[RdataType] = (),
) -> Deployment:
    """The usual deployment: services, one server with one address, its TLSA records."""
    return Deployment(
        name=name,
        records=f"{services('sip')}\nsip A {address}\n{records_at('sip', records)}",
        tlsa=tuple(records),
        host=f"sip.{name}.example",
        shown=shown,
        chain=shown.presented_pem if chain is None else chain,
        signing=signing,
        forged=frozenset(forged),
    )


class _Validity(TypedDict):
    not_before: datetime
    not_after: datetime


class Authorities:
    """The certification authorities: `public` goes into `--ca-file`, `private` is known to nobody."""

    def __init__(self) -> None:
        now = datetime.now(UTC)
        self.valid: _Validity = {"not_before": now - timedelta(days=1), "not_after": now + timedelta(days=30)}
        self.expired: _Validity = {"not_before": now - timedelta(days=60), "not_after": now - timedelta(days=10)}
        self.public = Issuer.root("Lab Public Root", **self.valid)
        self.public_issuing = self.public.intermediate("Lab Public Issuing CA", **self.valid)
        self.private = Issuer.root("Lab Private Root", **self.valid)
        self.private_issuing = self.private.intermediate("Lab Private Issuing CA", **self.valid)
        # Other domains point to these two servers.
        self.hoster = self.host("hoster")
        self.unsigned_host = self.host("unsigned-host")

    def domain(self, name: str) -> Issued:
        """A public certificate with the SIP domain as URI, as RFC 5922 section 4 prefers it."""
        return self.public_issuing.leaf(uris=[f"sip:{name}.example"], **self.valid)

    def both(self, name: str, host: str = "") -> Issued:
        """A public certificate that names the SIP domain and the server, for whoever knows hosts only."""
        return self.public_issuing.leaf(uris=[f"sip:{name}.example"], dns=[host or f"sip.{name}.example"], **self.valid)

    def host(self, name: str) -> Issued:
        """A public certificate with the server's name only."""
        return self.public_issuing.leaf(dns=[f"sip.{name}.example"], **self.valid)

    def private_host(self, name: str) -> Issued:
        """The same from the private authority."""
        return self.private_issuing.leaf(dns=[f"sip.{name}.example"], **self.valid)


def _dane_end_entity(ca: Authorities) -> Iterator[Deployment]:
    shown = ca.both("dane-ee")
    yield offer("dane-ee", shown, [tlsa(3, 1, 1, shown)])
    # Nothing about this certificate is right but its key: RFC 7671 section 5.1.
    bare = self_signed(dns=["other.invalid"], **ca.expired)
    yield offer("dane-ee-bare", bare, [tlsa(3, 0, 2, bare)])
    shown, other = ca.both("mismatch"), ca.both("mismatch")
    yield offer("mismatch", shown, [tlsa(3, 1, 1, other)])
    shown, other = ca.both("watched"), ca.both("watched")
    yield offer("watched", shown, [tlsa(3, 1, 1, other)], address=RECORDER_ADDRESS)
    shown, following = ca.both("rollover"), ca.both("rollover")
    yield offer("rollover", shown, [tlsa(3, 1, 1, following), tlsa(3, 1, 1, shown)])
    # The weaker digest matches, the stronger does not: RFC 7671 section 9 counts the stronger only.
    shown, other = ca.both("agility"), ca.both("agility")
    yield offer("agility", shown, [tlsa(3, 1, 2, other), tlsa(3, 1, 1, shown)])
    shown = ca.both("unusable")
    yield offer("unusable", shown, ["9 1 1 " + "00" * 32])
    shown = ca.domain("tlsa-alias")
    yield offer("unknown-matching", ca.both("unknown-matching"), ["3 1 7 " + "00" * 32])
    shown, other = ca.both("part-unusable"), ca.both("part-unusable")
    yield offer("part-unusable", shown, ["9 1 1 " + "00" * 32, tlsa(3, 1, 1, shown)])
    yield offer("part-unusable-mismatch", shown, ["9 1 1 " + "00" * 32, tlsa(3, 1, 1, other)])
    shown = ca.both("dane-ee-full")
    yield offer("dane-ee-full", shown, [tlsa(3, 0, 0, shown)])
    shown = ca.both("dane-ee-key-full")
    yield offer("dane-ee-key-full", shown, [tlsa(3, 1, 0, shown)])
    # The record means the second certificate that is sent; it is no end entity's there.
    shown, second = ca.both("dane-ee-second"), ca.both("dane-ee-second")
    yield offer("dane-ee-second", shown, [tlsa(3, 1, 1, second)], chain=shown.presented_pem + second.pem)
    shown, other = ca.both("other-port"), ca.both("other-port")
    plain = offer("other-port", shown)
    yield dataclasses.replace(plain, records=f"{plain.records}\n_443._tcp.sip TLSA {tlsa(3, 1, 1, other)}")


def _dane_trust_anchor(ca: Authorities) -> Iterator[Deployment]:
    anchor, root = ca.private_issuing.issued, ca.private.issued
    shown = ca.private_host("dane-ta")
    yield offer("dane-ta", shown, [tlsa(2, 0, 1, anchor)])
    # The authority is not in the handshake, only its bare key is in the DNS: RFC 7671 section 5.2.3.
    shown = ca.private_host("dane-ta-key")
    yield offer("dane-ta-key", shown, [tlsa(2, 1, 0, anchor)], chain=shown.pem)
    # The root's certificate is in the DNS and nowhere else: RFC 7671 section 5.2.2.
    yield offer("dane-ta-full", ca.private_host("dane-ta-full"), [tlsa(2, 0, 0, root)])
    yield offer("dane-ta-absent", ca.private_host("dane-ta-absent"), [tlsa(2, 0, 1, root)])
    yield offer("dane-ta-name", ca.private_host("other"), [tlsa(2, 0, 1, anchor)])
    late = ca.private_issuing.leaf(dns=["sip.dane-ta-expired.example"], **ca.expired)
    yield offer("dane-ta-expired", late, [tlsa(2, 0, 1, anchor)])
    by_uri = ca.private_issuing.leaf(uris=["sip:dane-ta-uri.example"], **ca.valid)
    yield offer("dane-ta-uri", by_uri, [tlsa(2, 0, 1, anchor)])
    wildcard = ca.private_issuing.leaf(dns=["*.dane-ta-wildcard.example"], **ca.valid)
    yield offer("dane-ta-wildcard", wildcard, [tlsa(2, 0, 1, anchor)])
    common_name = ca.private_issuing.leaf(cn="sip.dane-ta-cn.example", **ca.valid)
    yield offer("dane-ta-cn", common_name, [tlsa(2, 0, 1, anchor)])
    shown = ca.private_host("dane-ta-leaf")
    yield offer("dane-ta-leaf", shown, [tlsa(2, 0, 1, shown)])
    # The authority of the record is sent along, but another one has signed.
    shown = ca.host("dane-ta-stranger")
    yield offer("dane-ta-stranger", shown, [tlsa(2, 0, 1, anchor)], chain=shown.presented_pem + anchor.pem)
    # One record that matches is enough: RFC 6698 section 4.1.
    shown = ca.private_host("dane-either")
    yield offer("dane-either", shown, [tlsa(3, 1, 1, ca.domain("dane-either")), tlsa(2, 0, 1, anchor)])


def _pkix_constraints(ca: Authorities) -> Iterator[Deployment]:
    shown = ca.host("pkix-ee")
    yield offer("pkix-ee", shown, [tlsa(1, 1, 1, shown)])
    shown = ca.private_host("pkix-ee-private")
    yield offer("pkix-ee-private", shown, [tlsa(1, 1, 1, shown)])
    yield offer("pkix-ta", ca.host("pkix-ta"), [tlsa(0, 0, 1, ca.public_issuing.issued)])
    # No server sends its root; the validated path reaches it all the same: RFC 7671 section 5.4.
    yield offer("pkix-ta-root", ca.host("pkix-ta-root"), [tlsa(0, 0, 1, ca.public.issued)])
    yield offer("pkix-ta-other", ca.host("pkix-ta-other"), [tlsa(0, 0, 1, ca.private.issued)])


def _without_tlsa(ca: Authorities) -> Iterator[Deployment]:
    yield offer("no-tlsa", ca.domain("no-tlsa"))
    yield offer("host-only", ca.host("host-only"))
    # A TLSA record that is not signed says nothing: this one would refuse the certificate.
    stray = [tlsa(3, 1, 1, ca.both("unsigned"))]
    yield offer("unsigned", ca.both("unsigned"), stray, signing=Signing.UNSIGNED)
    shown = ca.unsigned_host
    record = tlsa(3, 1, 1, shown)
    yield offer("unsigned-host", shown, [record], signing=Signing.UNSIGNED)
    # A signed SRV record that names a server in an unsigned zone.
    host = "sip.unsigned-host.example"
    records = services(f"{host}.")
    yield Deployment(name="mixed", records=records, host=host, tlsa=(record,), shown=shown, chain=shown.presented_pem)


def _broken(ca: Authorities) -> Iterator[Deployment]:
    for name, forged in {
        "bogus": [RdataType.NAPTR, RdataType.SRV, RdataType.A, RdataType.TLSA],
        "bogus-srv": [RdataType.SRV],
        "bogus-tlsa": [RdataType.TLSA],
        "bogus-denial": [RdataType.NSEC],
    }.items():
        shown = ca.both(name)
        records = [] if name == "bogus-denial" else [tlsa(3, 1, 1, shown)]
        yield offer(name, shown, records, forged=forged)
    yield offer("expired", ca.both("expired"), signing=Signing.EXPIRED)


def make_deployments(ca: Authorities) -> dict[str, Deployment]:
    """The deployments that differ in what their servers show and in what the DNS says of it, by name."""
    kinds = (_dane_end_entity, _dane_trust_anchor, _pkix_constraints, _without_tlsa, _broken)
    return {deployment.name: deployment for kind in kinds for deployment in kind(ca)}
