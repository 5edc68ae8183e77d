"""What the servers of the model's worlds present: certificates of which everything is known by construction.

They are forged and signed by nobody; who has signed whom is a fact of this module. `Cert` holds the facts, and
`valid_paths` says which paths exist (RFC 5280 section 6); a validator in a test returns any one of them. Extended key
usage, and name constraints on anything but dNSNames, are left to the core (D-PATH), as real validators leave them.

The first element of each tuple of choices is the good one, so that failing examples shrink towards it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Literal, TypeAlias

from forged import (
    ANY_EKU,
    EMAIL_PROTECTION,
    KEY_USAGE,
    SERVER_AUTH,
    SIP_DOMAIN,
    SPKI,
    authority,
    bit_string,
    certificate,
    common_name,
    constraints,
    der,
    dns,
    extension,
    ip,
    sequence,
    uri,
)
from world import AT

Days: TypeAlias = Literal["valid", "ending", "expired", "future"]
Flaw: TypeAlias = Literal["", "garbage", "broken"]

_HOUR = timedelta(hours=1)
_DAYS: dict[Days, tuple[datetime, datetime]] = {
    "valid": (AT - 1000 * _HOUR, AT + 1000 * _HOUR),
    "ending": (AT - 1000 * _HOUR, AT + timedelta(seconds=20)),
    "expired": (AT - 1000 * _HOUR, AT - _HOUR),
    "future": (AT + _HOUR, AT + 1000 * _HOUR),
}


@dataclass(frozen=True)
class Names:
    """What a certificate says of its subject: sip URIs, other URIs, DNS names, addresses, or a bare common name."""

    uris: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    ips: tuple[bytes, ...] = ()
    cn: str | None = None
    """Also the subject; without any other name there is no subjectAltName extension."""

    @property
    def has_san(self) -> bool:
        return bool(self.uris or self.dns or self.ips)


@dataclass(frozen=True)
class Cert:
    """The facts of a certificate.

    Attributes:
        subject: the common name of the subject.
        key: the number of its own key.
        issuer: the subject of whoever issued it.
        signer: the number of the key that signed it.
        flaw: ``garbage`` cannot be read at all; ``broken`` can be read up to its key, but its extensions cannot.
    """

    subject: str
    key: int
    issuer: str
    signer: int
    names: Names = Names()
    eku: tuple[str, ...] = ()
    ca: bool = False
    path_length: int | None = None
    permitted: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    days: Days = "valid"
    flaw: Flaw = ""

    @cached_property
    def spki(self) -> bytes:
        octets = SPKI[:-64] + bytes((self.key,)) * 64
        BY_SPKI[octets] = self.key
        return octets

    @cached_property
    def der(self) -> bytes:
        octets = _encoded(self)
        BY_DER[octets] = self
        BY_NAME.update({common_name(name): name for name in (self.subject, self.issuer)})
        return octets

    @property
    def not_after(self) -> datetime:
        return _DAYS[self.days][1]

    def data(self, selector: int, matching: int) -> bytes:
        """The association data of a TLSA record for it (RFC 6698 sections 2.1.2 and 2.1.3)."""
        octets = self.spki if selector == 1 else self.der
        found = (bytes, _sha256, _sha512)[matching](octets)
        BY_DATA[found] = self
        return found


def _sha256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def _sha512(octets: bytes) -> bytes:
    return hashlib.sha512(octets).digest()


BY_DATA: dict[bytes, Cert] = {}
"""A certificate for each association data that was ever asked for."""
BY_DER: dict[bytes, Cert] = {}
"""Every certificate that was ever encoded."""
BY_SPKI: dict[bytes, int] = {}
"""The number of every key in them."""
BY_NAME: dict[bytes, str] = {}
"""The common name in each distinguished name."""


def _encoded(cert: Cert) -> bytes:
    if cert.flaw == "garbage":
        return b"garbage"
    names = [*map(uri, cert.names.uris), *map(dns, cert.names.dns), *map(ip, cert.names.ips)]
    bits = bit_string(b"\x06", 1) if cert.ca else bit_string(b"\x80", 7)
    extensions = [extension(KEY_USAGE, bits, critical=True)]
    if cert.ca:
        extensions.append(authority(cert.path_length))
    if cert.permitted or cert.excluded:
        extensions.append(constraints(list(map(dns, cert.permitted)), list(map(dns, cert.excluded))))
    octets = certificate(
        subject=common_name(cert.subject),
        issuer=common_name(cert.issuer),
        spki=cert.spki,
        names=names,
        eku=cert.eku,
        extensions=extensions,
        validity=sequence(*[der(0x17, f"{day:%y%m%d%H%M%S}Z".encode()) for day in _DAYS[cert.days]]),
    )
    if cert.flaw == "broken":  # the first extension is no SEQUENCE any more
        place = octets.index(b"\x06\x03\x55\x1d")
        return octets[:place] + b"\x07" + octets[place + 1 :]
    return octets


# Authorities.

ROOT = Cert("Root", 1, "Root", 1, ca=True)
CA = Cert("CA", 2, "Root", 1, ca=True)
OTHER_ROOT = Cert("Other Root", 3, "Other Root", 3, ca=True)
CROSSED = Cert("CA", 2, "Other Root", 3, ca=True)
"""The same authority as `CA`, signed by another root."""
PRIVATE = Cert("Private Root", 4, "Private Root", 4, ca=True)
PRIVATE_CA = Cert("Private CA", 5, "Private Root", 4, ca=True)
ONLY_EXAMPLE = Cert("Only example.com", 6, "Root", 1, ca=True, permitted=("example.com",))
NOT_EXAMPLE = Cert("Not example.com", 7, "Root", 1, ca=True, excluded=("example.com",))
ONLY_EVIL = Cert("Only evil.example", 8, "Private Root", 4, ca=True, permitted=("evil.example",))
FOR_MAIL = Cert("For mail", 9, "Root", 1, ca=True, eku=(EMAIL_PROTECTION,))
FOR_TLS = Cert("For TLS", 10, "Root", 1, ca=True, eku=(SERVER_AUTH,))
SHORT = Cert("Short", 11, "Short", 11, ca=True, path_length=0)
BELOW_SHORT = Cert("Below short", 12, "Short", 11, ca=True)
OLD = Cert("Old", 13, "Old", 13, ca=True, days="expired")
EXPIRED_CA = Cert("Expired CA", 14, "Root", 1, ca=True, days="expired")
ENDING_CA = Cert("Ending CA", 15, "Root", 1, ca=True, days="ending")
STRICT_ROOT = Cert("Strict", 16, "Strict", 16, ca=True, excluded=("example.com",), eku=(EMAIL_PROTECTION,))

AUTHORITIES: dict[str, tuple[Cert, ...]] = {
    "CA": (CA, ROOT),
    "private": (PRIVATE_CA, PRIVATE),
    "crossed": (CA, CROSSED, ROOT, OTHER_ROOT),
    "crossed, the other first": (CROSSED, CA, OTHER_ROOT, ROOT),
    "root": (ROOT,),
    "private root": (PRIVATE,),
    "only example.com": (ONLY_EXAMPLE, ROOT),
    "not example.com": (NOT_EXAMPLE, ROOT),
    "only evil.example": (ONLY_EVIL, PRIVATE),
    "for mail": (FOR_MAIL, ROOT),
    "for TLS": (FOR_TLS, ROOT),
    "short": (SHORT,),
    "below short": (BELOW_SHORT, SHORT),
    "old": (OLD,),
    "expired CA": (EXPIRED_CA, ROOT),
    "ending CA": (ENDING_CA, ROOT),
    "strict root": (STRICT_ROOT,),
}
"""What stands above a leaf: its issuer first."""

TRUSTED: tuple[tuple[Cert, ...], ...] = (
    (ROOT,),
    (ROOT, PRIVATE),
    (ROOT, OTHER_ROOT),
    (CA, ROOT),
    (OTHER_ROOT,),
    (STRICT_ROOT, ROOT),
    (),
)
"""Sets of local trust anchors."""


# Leaves.

NAMES: dict[str, Names] = {
    "domain": Names(uris=("sip:example.com",)),
    "domain and hosts": Names(uris=("sip:example.com",), dns=("sip.example.com", "sip.hoster.example")),
    "hosts": Names(dns=("sip.example.com", "sip.hoster.example", "x.example")),
    "domain as DNS": Names(dns=("EXAMPLE.com", "other.example")),
    "canonical hosts": Names(dns=("www.example.com", "edge.example.com", "node.hoster.example")),
    "two domains": Names(uris=("sip:other.example", "SIP:Example.com;transport=tls")),
    "stranger's URI, domain as DNS": Names(uris=("sip:evil.example",), dns=("example.com", "sip.example.com")),
    "user": Names(uris=("sip:alice@example.com",)),
    "user and DNS": Names(uris=("sip:alice@example.com", "https://x.example"), dns=("example.com",)),
    "sips": Names(uris=("sips:example.com",)),
    "host as URI": Names(uris=("sip:sip.example.com",)),
    "wildcards": Names(dns=("*.example.com", "*.hoster.example")),
    "parent": Names(uris=("sip:com",), dns=("example",)),
    "stranger": Names(uris=("sip:evil.example",), dns=("evil.example",)),
    "address": Names(ips=(bytes((192, 0, 2, 11)),)),
    "common name": Names(cn="example.com"),
    "other common name": Names(cn="Example Corporation"),
    "common name beside": Names(ips=(bytes((192, 0, 2, 77)),), cn="example.com"),
    "none": Names(),
}

PURPOSES: tuple[tuple[str, ...], ...] = (
    (),
    (SERVER_AUTH,),
    (SIP_DOMAIN,),
    (ANY_EKU,),
    (EMAIL_PROTECTION,),
    (SERVER_AUTH, EMAIL_PROTECTION),
)


@cache
def leaf(
    names: str = "domain",
    under: str = "CA",
    eku: tuple[str, ...] = (),
    days: Days = "valid",
    flaw: Flaw = "",
    key: int = 100,
) -> Cert:
    """A leaf with names of `NAMES`, below one of `AUTHORITIES`, or ``"itself"``."""
    what = NAMES[names]
    subject = what.cn or "leaf"
    issuer, signer = (subject, key) if under == "itself" else (AUTHORITIES[under][0].subject, AUTHORITIES[under][0].key)
    return Cert(subject, key, issuer, signer, what, eku, days=days, flaw=flaw)


@dataclass(frozen=True)
class Server:
    """What is behind an address: a chain, leaf first; a bare key; or nothing but a code."""

    chain: tuple[Cert, ...] = ()
    raw_key: Cert | None = None
    """Whose key is presented without a certificate (RFC 7250)."""
    down: str = ""

    @cached_property
    def octets(self) -> tuple[bytes, ...]:
        return tuple([cert.der for cert in self.chain])


# Paths.


def _permits(authority_: Cert, name: str) -> bool:
    """Whether an authority's constraints let a DNS name be (RFC 5280 section 4.2.1.10)."""

    def within(base: str) -> bool:
        return name == base or name.endswith(f".{base}")

    inside = not authority_.permitted or any(map(within, authority_.permitted))
    return inside and not any(map(within, authority_.excluded))


def constrained(path: Sequence[Cert], names: Sequence[str]) -> bool:
    """Whether every authority of a path lets these names be."""
    return all(_permits(above, name.lower()) for above in path[1:] for name in names)


@dataclass(frozen=True)
class Path:
    """A path that is valid, leaf first; of a bare key at its end only the key is known."""

    certs: tuple[Cert, ...]
    ends_in_key: bool = False

    @property
    def binding(self) -> tuple[Cert, ...]:
        """The certificates whose fields bind: all but one that stands for a bare key (D-PATH-4)."""
        return self.certs[:-1] if self.ends_in_key else self.certs


def valid_paths(
    end: Cert, pool: Sequence[Cert], certificates: Sequence[Cert], keys: Sequence[tuple[str, int]], at: datetime
) -> Iterator[Path]:
    """All paths from a certificate to an anchor (RFC 5280 section 6).

    Args:
        end: where they begin.
        pool: what the peer sent besides.
        certificates: anchors; their dates and constraints bind.
        keys: anchors that are a name and the number of a key.
        at: when.
    """
    known = list(dict.fromkeys([*certificates, *pool]))
    known = [cert for cert in known if not cert.flaw]

    def grow(path: tuple[Cert, ...]) -> Iterator[Path]:
        last = path[-1]
        if (last.issuer, last.signer) in keys:
            stand_in = [cert for cert in known if (cert.subject, cert.key) == (last.issuer, last.signer)]
            if _holds(path, at):
                yield Path((*path, *(stand_in[:1] or [Cert(last.issuer, last.signer, "?", 0, ca=True)])), True)
        for above in known:
            if above.ca and (above.subject, above.key) == (last.issuer, last.signer) and above not in path:
                if above in certificates and _holds((*path, above), at):
                    yield Path((*path, above))
                yield from grow((*path, above))

    if not end.flaw:
        yield from grow((end,))


def _holds(path: tuple[Cert, ...], at: datetime) -> bool:
    """Dates, path lengths, and dNSNames within the constraints."""
    in_time = all(_DAYS[cert.days][0] <= at <= _DAYS[cert.days][1] for cert in path)
    below = [n for n, cert in enumerate(path[1:]) if cert.path_length is not None and n > cert.path_length]
    return in_time and not below and constrained(path, path[0].names.dns)
