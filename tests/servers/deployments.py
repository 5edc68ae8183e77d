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
from servers.tree import NAME_SERVER_ADDRESS, Signing, Zone

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

    `records` are its zone. `tlsa` repeats the TLSA records of the server `host`, for those who judge without DNS.
    `shown` is the certificate that the server presents for the domain and all names below it, `chain` its PEM file.
    """

    name: str
    records: str
    tlsa: tuple[str, ...] = ()
    host: str = ""
    shown: Issued | None = None
    chain: bytes = b""
    signing: Signing = Signing.SIGNED
    forged: frozenset[RdataType] = frozenset()

    @property
    def domain(self) -> str:
        return f"{self.name}.example"

    @property
    def zone(self) -> Zone:
        return Zone(f"{self.domain}.", self.records, self.signing, self.forged)


def _at(owner: str, records: Sequence[str]) -> str:
    return "\n".join(f"_5061._tcp.{owner} TLSA {record}" for record in records)


def _services(target: str) -> str:
    return f"""\
@ NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp
@ NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp
_sips._tcp SRV 10 10 5061 {target}
_sip._tcp SRV 10 10 5060 {target}"""


def _offer(
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
        records=f"{_services('sip')}\nsip A {address}\n{_at('sip', records)}",
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

    def domain(self, name: str) -> Issued:
        """A public certificate with the SIP domain as URI, as RFC 5922 section 4 prefers it."""
        return self.public_issuing.leaf(uris=[f"sip:{name}.example"], **self.valid)

    def host(self, name: str) -> Issued:
        """A public certificate with the server's name only."""
        return self.public_issuing.leaf(dns=[f"sip.{name}.example"], **self.valid)

    def private_host(self, name: str) -> Issued:
        """The same from the private authority."""
        return self.private_issuing.leaf(dns=[f"sip.{name}.example"], **self.valid)


def _dane_end_entity(ca: Authorities) -> Iterator[Deployment]:
    shown = ca.domain("dane-ee")
    yield _offer("dane-ee", shown, [tlsa(3, 1, 1, shown)])
    # Nothing about this certificate is right but its key: RFC 7671 section 5.1.
    bare = self_signed(dns=["other.invalid"], **ca.expired)
    yield _offer("dane-ee-bare", bare, [tlsa(3, 0, 2, bare)])
    shown, other = ca.domain("mismatch"), ca.domain("mismatch")
    yield _offer("mismatch", shown, [tlsa(3, 1, 1, other)])
    shown, other = ca.domain("watched"), ca.domain("watched")
    yield _offer("watched", shown, [tlsa(3, 1, 1, other)], address=RECORDER_ADDRESS)
    shown, following = ca.domain("rollover"), ca.domain("rollover")
    yield _offer("rollover", shown, [tlsa(3, 1, 1, following), tlsa(3, 1, 1, shown)])
    # The weaker digest matches, the stronger does not: RFC 7671 section 9 counts the stronger only.
    shown, other = ca.domain("agility"), ca.domain("agility")
    yield _offer("agility", shown, [tlsa(3, 1, 2, other), tlsa(3, 1, 1, shown)])
    shown = ca.domain("unusable")
    yield _offer("unusable", shown, ["9 1 1 " + "00" * 32])
    shown = ca.domain("tlsa-alias")
    plain = _offer("tlsa-alias", shown, [tlsa(3, 1, 1, shown)])
    records = plain.records.replace("_5061._tcp.sip TLSA", "_keys TLSA") + "\n_5061._tcp.sip CNAME _keys"
    yield dataclasses.replace(plain, records=records)


def _dane_trust_anchor(ca: Authorities) -> Iterator[Deployment]:
    anchor, root = ca.private_issuing.issued, ca.private.issued
    shown = ca.private_host("dane-ta")
    yield _offer("dane-ta", shown, [tlsa(2, 0, 1, anchor)])
    # The authority is not in the handshake, only its bare key is in the DNS: RFC 7671 section 5.2.3.
    shown = ca.private_host("dane-ta-key")
    yield _offer("dane-ta-key", shown, [tlsa(2, 1, 0, anchor)], chain=shown.pem)
    # The root's certificate is in the DNS and nowhere else: RFC 7671 section 5.2.2.
    yield _offer("dane-ta-full", ca.private_host("dane-ta-full"), [tlsa(2, 0, 0, root)])
    yield _offer("dane-ta-absent", ca.private_host("dane-ta-absent"), [tlsa(2, 0, 1, root)])
    yield _offer("dane-ta-name", ca.private_host("other"), [tlsa(2, 0, 1, anchor)])
    late = ca.private_issuing.leaf(dns=["sip.dane-ta-expired.example"], **ca.expired)
    yield _offer("dane-ta-expired", late, [tlsa(2, 0, 1, anchor)])
    by_uri = ca.private_issuing.leaf(uris=["sip:dane-ta-uri.example"], **ca.valid)
    yield _offer("dane-ta-uri", by_uri, [tlsa(2, 0, 1, anchor)])
    # One record that matches is enough: RFC 6698 section 4.1.
    shown = ca.private_host("dane-either")
    yield _offer("dane-either", shown, [tlsa(3, 1, 1, ca.domain("dane-either")), tlsa(2, 0, 1, anchor)])


def _pkix_constraints(ca: Authorities) -> Iterator[Deployment]:
    shown = ca.host("pkix-ee")
    yield _offer("pkix-ee", shown, [tlsa(1, 1, 1, shown)])
    shown = ca.private_host("pkix-ee-private")
    yield _offer("pkix-ee-private", shown, [tlsa(1, 1, 1, shown)])
    yield _offer("pkix-ta", ca.host("pkix-ta"), [tlsa(0, 0, 1, ca.public_issuing.issued)])
    # No server sends its root; the validated path reaches it all the same: RFC 7671 section 5.4.
    yield _offer("pkix-ta-root", ca.host("pkix-ta-root"), [tlsa(0, 0, 1, ca.public.issued)])
    yield _offer("pkix-ta-other", ca.host("pkix-ta-other"), [tlsa(0, 0, 1, ca.private.issued)])


def _without_tlsa(ca: Authorities) -> Iterator[Deployment]:
    yield _offer("no-tlsa", ca.domain("no-tlsa"))
    yield _offer("host-only", ca.host("host-only"))
    # A TLSA record that is not signed says nothing: this one would refuse the certificate.
    stray = [tlsa(3, 1, 1, ca.domain("unsigned"))]
    yield _offer("unsigned", ca.domain("unsigned"), stray, signing=Signing.UNSIGNED)
    shown = ca.host("unsigned-host")
    yield _offer("unsigned-host", shown, [tlsa(3, 1, 1, shown)], signing=Signing.UNSIGNED)
    # A signed SRV record that names a server in an unsigned zone.
    shown = ca.host("unsigned-host")
    records = _services("sip.unsigned-host.example.")
    yield Deployment(name="mixed", records=records, shown=shown, chain=shown.presented_pem)


def _broken(ca: Authorities) -> Iterator[Deployment]:
    for name, forged in {
        "bogus": [RdataType.NAPTR, RdataType.SRV, RdataType.A, RdataType.TLSA],
        "bogus-srv": [RdataType.SRV],
        "bogus-tlsa": [RdataType.TLSA],
        "bogus-denial": [RdataType.NSEC],
    }.items():
        shown = ca.domain(name)
        records = [] if name == "bogus-denial" else [tlsa(3, 1, 1, shown)]
        yield _offer(name, shown, records, forged=forged)
    yield _offer("expired", ca.domain("expired"), signing=Signing.EXPIRED)
    yield Deployment(name="silent", records="@ TXT silence")
    yield Deployment(name="silent-unsigned", records="@ TXT silence", signing=Signing.UNSIGNED)


def _jumps(ca: Authorities) -> Iterator[Deployment]:
    hoster = ca.host("hoster")
    record = tlsa(3, 1, 1, hoster)
    yield _offer("hoster", hoster, [record])
    host = "sip.hoster.example"
    yield Deployment(name="hosted", records=_services(f"{host}."), tlsa=(record,), host=host)
    naptr = '@ NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.hoster.example.'
    yield Deployment(name="naptr-signed", records=naptr, tlsa=(record,), host=host)
    # The same words, but anybody could have said them.
    yield Deployment(name="naptr-unsigned", records=naptr, signing=Signing.UNSIGNED)
    shown = ca.host("alias")
    plain = _offer("alias", shown, [tlsa(3, 1, 1, shown)])
    records = plain.records.replace("5061 sip\n", "5061 www\n") + "\nwww CNAME sip"
    yield dataclasses.replace(plain, records=records)
    # Two servers; the first has a record of another key, the second its own.
    shown, other = ca.domain("failover"), ca.domain("failover")
    records = f"""\
@ NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp
_sips._tcp SRV 10 10 5061 first
_sips._tcp SRV 20 10 5061 second
first A {SIP_ADDRESS}
second A {SIP_ADDRESS}
{_at("first", [tlsa(3, 1, 1, other)])}
{_at("second", [tlsa(3, 1, 1, shown)])}"""
    yield Deployment(name="failover", records=records, shown=shown, chain=shown.presented_pem)


def make_deployments(ca: Authorities) -> dict[str, Deployment]:
    """All deployments by name."""
    kinds = (_dane_end_entity, _dane_trust_anchor, _pkix_constraints, _without_tlsa, _broken, _jumps)
    return {deployment.name: deployment for kind in kinds for deployment in kind(ca)}


def make_zones(deployments: dict[str, Deployment]) -> list[Zone]:
    """The zones of all deployments and the two above them."""
    above = [Zone(".", ""), Zone("example.", f"ns A {NAME_SERVER_ADDRESS}")]
    return [*above, *(deployment.zone for deployment in deployments.values())]
