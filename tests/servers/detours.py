"""The SIP domains of the lab whose way through the DNS is the point: jumps, aliases, wildcards, families, proofs."""

from collections.abc import Iterator

from dns.rdatatype import RdataType

from pki import Issued
from servers.deployments import SIP_ADDRESS, Authorities, Deployment, offer, records_at, services, tlsa
from servers.tree import Signing

SIP_ADDRESS_6 = "::1"

_ADDRESS = f"sip A {SIP_ADDRESS}"
_HOSTER = "sip.hoster.example"
_UNSIGNED_HOST = "sip.unsigned-host.example"


def _server(target: str, priority: int = 10) -> str:
    """The SRV record alone, without NAPTR records before it."""
    return f"_sips._tcp SRV {priority} 10 5061 {target}"


def _pin(owner: str, pinned: Issued) -> str:
    return records_at(owner, [tlsa(3, 1, 1, pinned)])


def _led(
    name: str,
    *records: str,
    shown: Issued | None = None,
    host: str = "",
    pinned: Issued | None = None,
    label: str = "",
    signing: Signing = Signing.SIGNED,
    address: str = SIP_ADDRESS,
    forged: tuple[RdataType, ...] = (),
) -> Deployment:
    """A deployment of these records, which shows `shown`; the record of `host` is 3 1 1 of `pinned`."""
    return Deployment(
        name=name,
        label=label,
        records="\n".join(records),
        host=host or f"sip.{name}.example",
        tlsa=() if pinned is None else (tlsa(3, 1, 1, pinned),),
        address=address,
        shown=shown,
        chain=b"" if shown is None else shown.presented_pem,
        signing=signing,
        forged=frozenset(forged),
    )


def _jumps(ca: Authorities) -> Iterator[Deployment]:
    hoster = ca.hoster
    unsigned = Signing.UNSIGNED
    yield offer("hoster", hoster, [tlsa(3, 1, 1, hoster)])
    yield _led("hosted", services(f"{_HOSTER}."), host=_HOSTER, pinned=hoster)
    # The same words, but anybody could have said them.
    yield _led("hosted-unsigned", services(f"{_HOSTER}."), host=_HOSTER, pinned=hoster, signing=unsigned)
    naptr = '@ NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.{}.example.'
    yield _led("naptr-signed", naptr.format("hoster"), host=_HOSTER, pinned=hoster)
    yield _led("naptr-unsigned", naptr.format("hoster"), host=_HOSTER, pinned=hoster, signing=unsigned)
    shown = ca.domain("naptr-to-unsigned")
    yield _led("naptr-to-unsigned", naptr.format("unsigned-host"), shown=shown, host=_UNSIGNED_HOST)
    yield _led("naptr-to-bogus", naptr.format("bogus-srv"), host="sip.bogus-srv.example")
    yield _led("srv-to-bogus", services("sip.bogus.example."), host="sip.bogus.example")
    shown = ca.host("srv-only")
    yield _led("srv-only", _server("sip"), _ADDRESS, _pin("sip", shown), shown=shown, pinned=shown)
    yield _led("srv-root", "_sips._tcp SRV 0 0 0 .", f"@ A {SIP_ADDRESS}", host="srv-root.example")
    yield _led("silent", "@ TXT silence", host="silent.example")
    yield _led("silent-unsigned", "@ TXT silence", host="silent-unsigned.example", signing=unsigned)


def _two_servers(ca: Authorities) -> Iterator[Deployment]:
    """The first server is a worse one than the second."""
    shown, other = ca.both("failover", "second.failover.example"), ca.both("failover", "second.failover.example")
    first = f"first A {SIP_ADDRESS}\n{_pin('first', other)}\n{_server('first')}"
    second = f"second A {SIP_ADDRESS}\n{_server('second', 20)}\n"
    naptr = '@ NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp'
    records = [naptr, first, second, _pin("second", shown)]
    yield _led("failover", *records, shown=shown, host="second.failover.example", pinned=shown)
    shown = ca.both("failover-bogus", "second.failover-bogus.example")
    records = [_server("sip.bogus.example."), second, _pin("second", shown)]
    yield _led("failover-bogus", *records, shown=shown, host="second.failover-bogus.example", pinned=shown)
    shown = ca.both("order", "second.order.example")
    records = [_server(f"{_UNSIGNED_HOST}."), second, _pin("second", shown)]
    yield _led("order", *records, shown=shown, host="second.order.example", pinned=shown)


def _address_aliases(ca: Authorities) -> Iterator[Deployment]:
    shown = ca.host("alias")
    records = [services("www"), "www CNAME sip", _ADDRESS, _pin("sip", shown)]
    yield _led("alias", *records, shown=shown, pinned=shown)
    # There are records at the alias only, none at the name that it stands for.
    shown = ca.public_issuing.leaf(dns=["www.alias-original.example"], **ca.valid)
    records = [services("www"), "www CNAME sip", _ADDRESS, _pin("www", shown)]
    yield _led("alias-original", *records, shown=shown, host="www.alias-original.example", pinned=shown)
    # The alias is signed, the address is not; the record at the alias would refuse the server.
    shown = ca.host("alias-unsigned")
    records = [services("sip"), f"sip CNAME {_UNSIGNED_HOST}.", _pin("sip", ca.unsigned_host)]
    yield _led("alias-unsigned", *records, shown=shown, pinned=ca.unsigned_host)
    records = [services("sip.pbx"), "pbx DNAME hoster.example."]
    yield _led("dname", *records, host="sip.pbx.dname.example", pinned=ca.hoster)
    shown = ca.public_issuing.leaf(dns=["sip.pbx.dname-unsigned.example"], **ca.valid)
    records = [services("sip.pbx"), "pbx DNAME unsigned-host.example."]
    host, pinned = "sip.pbx.dname-unsigned.example", ca.unsigned_host
    yield _led("dname-unsigned", *records, shown=shown, host=host, pinned=pinned)


def _service_aliases(ca: Authorities) -> Iterator[Deployment]:
    records = ["_sips._tcp CNAME _sips._tcp.hoster.example."]
    yield _led("srv-alias", *records, host=_HOSTER, pinned=ca.hoster)
    records = ["_sips._tcp CNAME _sips._tcp.unsigned-host.example."]
    shown = ca.unsigned_host
    yield _led("srv-alias-unsigned", *records, shown=shown, host=_UNSIGNED_HOST, pinned=shown)
    records = ["_sips._tcp CNAME round", "round CNAME _sips._tcp"]
    yield _led("srv-alias-loop", *records, host="srv-alias-loop.example")
    records = ["office CNAME hoster.example."]
    yield _led("naptr-alias", *records, label="office", host=_HOSTER, pinned=ca.hoster)
    # That there is no NAPTR record is said without signature; the SRV record is at the name that was given.
    shown = ca.host("naptr-alias-unsigned")
    records = [f"office CNAME {_UNSIGNED_HOST}.", _server("sip").replace("_tcp ", "_tcp.office ")]
    records += [_ADDRESS, _pin("sip", shown)]
    yield _led("naptr-alias-unsigned", *records, label="office", shown=shown, pinned=shown)


def _tlsa_aliases(ca: Authorities) -> Iterator[Deployment]:
    shown = ca.both("tlsa-alias")
    key = f"_keys TLSA {tlsa(3, 1, 1, shown)}"
    records = [services("sip"), _ADDRESS, "_5061._tcp.sip CNAME _keys", key]
    yield _led("tlsa-alias", *records, shown=shown, pinned=shown)
    records = [services("sip"), _ADDRESS, f"_tcp.sip DNAME _tcp.{_HOSTER}."]
    yield _led("tlsa-dname", *records, shown=ca.hoster, pinned=ca.hoster)
    shown = ca.host("tlsa-alias-unsigned")
    records = [services("sip"), _ADDRESS, f"_5061._tcp.sip CNAME _5061._tcp.{_UNSIGNED_HOST}."]
    yield _led("tlsa-alias-unsigned", *records, shown=shown, pinned=ca.unsigned_host)
    records = [services("sip"), _ADDRESS, "_5061._tcp.sip CNAME _5061._tcp.sip.bogus-tlsa.example."]
    yield _led("tlsa-alias-bogus", *records, shown=ca.host("tlsa-alias-bogus"))
    records = [services("sip"), _ADDRESS, "_5061._tcp.sip CNAME round", "round CNAME _5061._tcp.sip"]
    yield _led("tlsa-alias-loop", *records, shown=ca.host("tlsa-alias-loop"))
    # Nine steps: one more than is followed by default.
    shown = ca.host("tlsa-alias-long")
    steps = [f"step{number} CNAME step{number + 1}" for number in range(1, 9)]
    records = [services("sip"), _ADDRESS, "_5061._tcp.sip CNAME step1", *steps, f"step9 TLSA {tlsa(3, 1, 1, shown)}"]
    yield _led("tlsa-alias-long", *records, shown=shown, pinned=shown)


def _wildcards(ca: Authorities) -> Iterator[Deployment]:
    shown = ca.host("wildcard-tlsa")
    record = tlsa(3, 1, 1, shown)
    yield _led("wildcard-tlsa", services("sip"), _ADDRESS, f"*._tcp.sip TLSA {record}", shown=shown, pinned=shown)
    shown = ca.host("wildcard-alias")
    key = f"_keys TLSA {tlsa(3, 1, 1, shown)}"
    yield _led("wildcard-alias", services("sip"), _ADDRESS, "*._tcp.sip CNAME _keys", key, shown=shown, pinned=shown)
    shown = ca.host("wildcard-host")
    records = [services("sip"), f"* A {SIP_ADDRESS}", f"* TLSA {tlsa(3, 1, 1, shown)}"]
    yield _led("wildcard-host", *records, shown=shown, pinned=shown)
    # The host exists, so that the wildcard beside it says nothing of names below the host (RFC 4592 section 3.3.1).
    shown = ca.host("wildcard-beside")
    yield _led("wildcard-beside", services("sip"), _ADDRESS, f"* TLSA {record}", shown=shown)
    shown = ca.host("wildcard-srv")
    records = ["* SRV 10 10 5061 sip", _ADDRESS, _pin("sip", shown)]
    yield _led("wildcard-srv", *records, shown=shown, pinned=shown)


def _families(ca: Authorities) -> Iterator[Deployment]:
    six = f"sip AAAA {SIP_ADDRESS_6}"
    shown = ca.both("ipv6-unsigned")
    records = [services("sip"), six, _pin("sip", ca.domain("ipv6-unsigned"))]
    yield _led("ipv6-unsigned", *records, shown=shown, signing=Signing.UNSIGNED)
    for name, addresses, forged in (
        ("ipv6", (six,), ()),
        ("dual", (six, _ADDRESS), ()),
        ("dual-bogus-a", (six, _ADDRESS), (RdataType.A,)),
        ("dual-bogus-aaaa", (six, _ADDRESS), (RdataType.AAAA,)),
        ("bogus-address", (_ADDRESS,), (RdataType.A,)),
    ):
        shown = ca.host(name)
        records = [services("sip"), *addresses, _pin("sip", shown)]
        address = SIP_ADDRESS_6 if name == "ipv6" else SIP_ADDRESS
        yield _led(name, *records, shown=shown, pinned=shown, address=address, forged=forged)


def _without_srv(ca: Authorities) -> Iterator[Deployment]:
    """The domain is the server; in `opt-out-direct` nobody proves that there is no SRV record."""
    address = f"@ A {SIP_ADDRESS}"
    for name, signing, pinned in (
        ("direct", Signing.SIGNED, True),
        ("direct-unsigned", Signing.UNSIGNED, False),
        ("nsec3-direct", Signing.NSEC3, True),
        ("opt-out-direct", Signing.OPT_OUT, False),
    ):
        shown, other = ca.both(name, f"{name}.example"), ca.domain(name)
        key = shown if pinned else other
        records = [address, f"_5061._tcp TLSA {tlsa(3, 1, 1, key)}"]
        yield _led(name, *records, shown=shown, host=f"{name}.example", pinned=key, signing=signing)
    yield _led("direct-no-tlsa", address, shown=ca.domain("direct-no-tlsa"), host="direct-no-tlsa.example")


def _hashed_denial(ca: Authorities) -> Iterator[Deployment]:
    hashed, opt_out = Signing.NSEC3, Signing.OPT_OUT
    shown = ca.host("nsec3")
    yield offer("nsec3", shown, [tlsa(3, 1, 1, shown)], signing=hashed)
    yield offer("nsec3-no-tlsa", ca.host("nsec3-no-tlsa"), signing=hashed)
    yield _led("nsec3-silent", "@ TXT silence", host="nsec3-silent.example", signing=hashed)
    shown = ca.host("nsec3-wildcard")
    records = [services("sip"), _ADDRESS, f"*._tcp.sip TLSA {tlsa(3, 1, 1, shown)}"]
    yield _led("nsec3-wildcard", *records, shown=shown, pinned=shown, signing=hashed)
    yield offer("opt-out", ca.host("opt-out"), signing=opt_out)
    yield _led("opt-out-silent", "@ TXT silence", host="opt-out-silent.example", signing=opt_out)
    for parent in ("nsec3", "opt-out"):
        name = f"signed.{parent}"
        shown = ca.host(name)
        yield offer(name, shown, [tlsa(3, 1, 1, shown)])
        name = f"unsigned.{parent}"
        shown = ca.host(name)
        yield offer(name, shown, [tlsa(3, 1, 1, shown)], signing=Signing.UNSIGNED)


def _cut_off(ca: Authorities) -> Iterator[Deployment]:
    """The delegation, the name server or the resolver is broken."""
    for signing, name in {
        Signing.WRONG_DS: "wrong-ds",
        Signing.UNKNOWN_ALGORITHM: "unknown-algorithm",
        Signing.UNKNOWN_DIGEST: "unknown-digest",
        Signing.UNSERVED: "unserved",
    }.items():
        # Whoever takes the zone for a signed one, refuses the server.
        yield offer(name, ca.both(name), [tlsa(3, 1, 1, ca.domain(name))], signing=signing)
    for name in ("naptr-bogus", "refused", "unanswered"):
        shown = ca.both(name)
        forged = [RdataType.NAPTR] if name == "naptr-bogus" else []
        yield offer(name, shown, [tlsa(3, 1, 1, shown)], forged=forged)
    yield offer("naptr-refused", ca.both("naptr-refused"))


def make_detours(ca: Authorities) -> dict[str, Deployment]:
    """The deployments that differ in the way to their servers, by name."""
    kinds = (
        _jumps,
        _two_servers,
        _address_aliases,
        _service_aliases,
        _tlsa_aliases,
        _wildcards,
        _families,
        _without_srv,
        _hashed_denial,
        _cut_off,
    )
    return {deployment.name: deployment for kind in kinds for deployment in kind(ca)}
