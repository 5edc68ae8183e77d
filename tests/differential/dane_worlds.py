"""Worlds for a judge of certificates: what a peer sends, what is trusted, what the DNS says, what is looked for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from hypothesis import strategies as st

from differential.certificates import Description, Key, as_expression, certificate, spki
from differential.libssl import Record
from pki import ANY_EKU, CLIENT_AUTH, EMAIL_PROTECTION, NOW, SERVER_AUTH, SIP_DOMAIN
from siptls.policy import Digest, Purpose

DOMAIN: Final = "example.com"
TARGET: Final = "sip1.example.net"

Fault: TypeAlias = Literal["", "short", "empty", "behind"]


@dataclass(frozen=True, repr=False)
class Pin:
    """A TLSA record: its three numbers, which certificate of the world it is about, and what is wrong with its data.

    A record about no certificate of the world has the data of one that nobody has.
    """

    usage: int
    selector: int
    matching: int
    about: int | None
    fault: Fault = ""

    def __repr__(self) -> str:
        return as_expression(self)


@dataclass(frozen=True, kw_only=True, repr=False)
class World:
    """One question to a judge.

    Attributes:
        certificates: all that there are, the peer's own first; no two are alike.
        sent: which of them the peer sends, its own first.
        trusted: which of them are trust anchors of the caller.
        pins: the TLSA records, all SECURE as the whole way to the server is.
        target: the host of the SRV record, or None.
        hours: the time of judging, after `pki.NOW`.
    """

    certificates: tuple[Description, ...]
    sent: tuple[int, ...]
    trusted: tuple[int, ...] = ()
    pins: tuple[Pin, ...] = ()
    target: str | None = None
    hours: int = 0
    eku: Purpose = "interop"
    digests: tuple[Digest, ...] = ("sha512", "sha256")
    allow_cn: bool = False
    allow_wildcards: bool = False
    strict_dane: bool = False
    domain: str = DOMAIN

    def __repr__(self) -> str:
        return as_expression(self)

    @property
    def leaf(self) -> Description:
        return self.certificates[0]

    @property
    def at(self) -> datetime:
        return NOW + timedelta(hours=self.hours)

    @property
    def host(self) -> str:
        """The TLSA base domain."""
        return self.target or self.domain

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple([record(pin, self.certificates) for pin in self.pins])

    def ders(self, which: Sequence[int]) -> tuple[bytes, ...]:
        return tuple([certificate(self.certificates[each]) for each in which])


_NOBODY: Final = Description(subject="Nobody", key=("p256", 99), issuer="Nobody", signer=("p256", 99), ca=True)


def record(pin: Pin, certificates: Sequence[Description]) -> Record:
    """The record that a pin describes."""
    about = _NOBODY if pin.about is None else certificates[pin.about]
    data = spki(about.key) if pin.selector == 1 else certificate(about)
    data = {1: hashlib.sha256(data).digest(), 2: hashlib.sha512(data).digest()}.get(pin.matching, data)
    data = {"": data, "short": data[:-1], "empty": b"", "behind": data + b"\0"}[pin.fault]
    return pin.usage, pin.selector, pin.matching, data


# What a leaf may name: subject, URIs, dNSNames, e-mail addresses.
Names: TypeAlias = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]

_RIGHT: Final[list[Names]] = [
    ("leaf", (), (DOMAIN,), ()),
    ("leaf", (), (DOMAIN, TARGET), ()),
    ("leaf", ("sip:example.com",), (), ()),
    ("leaf", ("sip:example.com",), (DOMAIN,), ()),
    (DOMAIN, ("sip:example.com",), (TARGET,), ()),
]
_ODD: Final[list[Names]] = [
    ("leaf", (), (), ()),
    (DOMAIN, (), (), ()),
    (DOMAIN, (), (), ("a@example.com",)),
    (TARGET, ("sip:example.com",), (), ()),
    (DOMAIN, (), ("other.example.org",), ()),
    ("*.example.net", (), (), ()),
    (TARGET, (), (), ()),
    ("leaf", (), (TARGET,), ()),
    ("leaf", (), ("EXAMPLE.com", "other.example.org"), ()),
    ("leaf", (), ("other.example.org",), ()),
    ("leaf", (), ("www.example.com",), ()),
    ("leaf", (), ("*.example.com",), ()),
    ("leaf", (), ("*.example.net",), ()),
    ("leaf", (), ("sip*.example.net",), ()),
    ("leaf", (), ("*.net", "*"), ()),
    ("leaf", (), ("*.example.net", "other.example.org"), ()),
    ("leaf", ("SIP:Example.COM",), (), ()),
    ("leaf", ("sip:other.example.org",), (), ()),
    ("leaf", ("sip:other.example.org",), (DOMAIN,), ()),
    ("leaf", ("sip:other.example.org", "sip:example.com"), ("other.example.org",), ()),
    ("leaf", ("sip:sip1.example.net",), (), ()),
    ("leaf", ("sip:sip1.example.net",), (DOMAIN,), ()),
    ("leaf", ("sips:example.com", "sip:alice@example.com"), (), ()),
    ("leaf", ("sips:example.com", "sip:alice@example.com"), (DOMAIN,), ()),
    ("leaf", ("https://example.com/",), (TARGET,), ()),
    (DOMAIN, ("https://example.com/",), (), ()),
]

SIP_HOSTS: Final = {
    "sip:example.com": DOMAIN,
    "SIP:Example.COM": DOMAIN,
    "sip:other.example.org": "other.example.org",
    "sip:sip1.example.net": TARGET,
}
"""The domain that a URI stands for (RFC 5922 section 7.1); those that are not here stand for none."""

Flaw: TypeAlias = tuple[str, object]
_FLAWS: Final[list[Flaw]] = [
    ("dates", "expired"),
    ("dates", "future"),
    ("dates", "last second"),
    ("dates", "first second"),
    ("purposes", (SIP_DOMAIN,)),
    ("purposes", (SERVER_AUTH,)),
    ("purposes", (ANY_EKU,)),
    ("purposes", (EMAIL_PROTECTION,)),
    ("purposes", (CLIENT_AUTH, SIP_DOMAIN)),
    ("key_usage", ()),
    ("key_ids", False),
    ("algorithm", "p384"),
    ("algorithm", "rsa"),
    ("algorithm", "ed25519"),
    ("signer", ("p256", 50)),
]
_LEAF_FLAWS: Final[list[Flaw]] = [
    ("key_usage", ("key_agreement",)),
    ("key_usage", ("content_commitment",)),
    ("key_usage", ("crl_sign",)),
    ("ca", True),
    ("ca", None),
]
_CA_FLAWS: Final[list[Flaw]] = [
    ("ca", False),
    ("ca", None),
    ("path_length", 0),
    ("path_length", 1),
    ("key_usage", ("crl_sign",)),
    ("permitted", (DOMAIN,)),
    ("permitted", (DOMAIN, "example.net")),
    ("permitted", ("example.org",)),
    ("permitted", ("example.net", "example.org")),
    ("excluded", (DOMAIN,)),
    ("excluded", ("example.org",)),
    ("excluded", ("example.net",)),
    ("key", ("p256", 10)),
    ("subject", "Level 2"),
]
_CA: Final[dict[str, Any]] = {"ca": True, "key_usage": ("key_cert_sign", "crl_sign")}
_OTHER_ROOT: Final = Description(
    subject="Other Root", key=("p256", 20), issuer="Other Root", signer=("p256", 20), **_CA
)


def _with_flaw(certificates: list[Description], level: int, flaw: Flaw) -> None:
    """Change one certificate; where its key or name changes, what it issued follows."""
    what, value = flaw
    changed = certificates[level]
    if what == "algorithm":
        algorithm: Any = value
        what, value = "key", (algorithm, changed.key[1])
    options: dict[str, Any] = {what: value}
    before, after = changed, replace(changed, **options)
    if before.self_signed and what in {"key", "subject"}:
        after = replace(after, issuer=after.subject, signer=after.key)
    certificates[level] = after
    if level and what in {"key", "subject"}:
        below = certificates[level - 1]
        certificates[level - 1] = replace(below, issuer=after.subject, signer=after.key)


def _line(depth: int, names: Names, key_ids: bool) -> list[Description]:
    """A leaf and the authorities above it, the last of which is a root."""
    subjects = [f"Level {level}" for level in range(1, depth + 1)]
    keys: list[Key] = [("p256", level) for level in range(1, depth + 1)]
    cn, uris, dns, emails = names
    leaf_key: Key = ("p256", 10)
    issuer, signer = (subjects[0], keys[0]) if depth else (cn, leaf_key)
    leaf = Description(subject=cn, key=leaf_key, issuer=issuer, signer=signer, uris=uris, dns=dns, emails=emails)
    line = [leaf]
    for level in range(depth):
        above = min(level + 1, depth - 1)
        own, issuing = (subjects[level], keys[level]), (subjects[above], keys[above])
        line.append(Description(subject=own[0], key=own[1], issuer=issuing[0], signer=issuing[1], **_CA))
    return [replace(each, key_ids=key_ids) for each in line]


def _relative(kind: str, of: Description) -> Description:
    """Another certificate for the name of an authority."""
    match kind:
        case "cross-signed":
            return replace(of, issuer=_OTHER_ROOT.subject, signer=_OTHER_ROOT.key)
        case "cross-signed, expired":
            return replace(of, issuer=_OTHER_ROOT.subject, signer=_OTHER_ROOT.key, dates="expired")
        case "expired before":
            return replace(of, dates="expired")
        case "renewed":
            return replace(of, dates="first second")
        case "constrained":
            return replace(of, permitted=("example.org",))
        case "namesake":
            return replace(of, key=("p256", 30), issuer=_OTHER_ROOT.subject, signer=_OTHER_ROOT.key)
        case "namesake, self-signed":
            return replace(of, key=("p256", 31), issuer=of.subject, signer=("p256", 31))
        case _:
            return _OTHER_ROOT


_RELATIVES: Final = (
    "cross-signed",
    "cross-signed, expired",
    "expired before",
    "renewed",
    "constrained",
    "namesake",
    "namesake, self-signed",
    "other root",
)


@st.composite
def _certificates(draw: st.DrawFn) -> tuple[list[Description], int]:
    """The certificates of a world, and how many of them are the line from the leaf to its root."""
    depth = draw(st.sampled_from([0, 1, 1, 2, 2, 2, 3, 3]))
    names = draw(st.sampled_from(_RIGHT if draw(st.booleans()) else _ODD))
    line = _line(depth, names, draw(st.sampled_from([True, True, False])))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        level = draw(st.sampled_from(range(depth + 1)))
        specific = _CA_FLAWS if level else _LEAF_FLAWS
        _with_flaw(line, level, draw(st.sampled_from(_FLAWS + specific)))
    certificates = list(dict.fromkeys(line))
    length = len(certificates)
    if depth:
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
            of = certificates[draw(st.sampled_from(range(1, length)))] if length > 1 else _OTHER_ROOT
            certificates.append(_relative(draw(st.sampled_from(_RELATIVES)), of))
            if certificates[-1].issuer == _OTHER_ROOT.subject:
                certificates.append(_OTHER_ROOT)
    return list(dict.fromkeys(certificates)), length


@st.composite
def _sent(draw: st.DrawFn, length: int, count: int) -> tuple[int, ...]:
    """What is sent: in order or not, whole or not, with strangers or without."""
    above = list(range(1, length)) + [each for each in range(length, count) if draw(st.booleans())]
    change = draw(
        st.sampled_from(["", "", "", "no root", "no root", "shuffle", "shuffle", "one less", "twice", "alone"])
    )
    match change:
        case "no root" if length > 1:
            above.remove(length - 1)
        case "shuffle":
            above = draw(st.permutations(above))
        case "one less" if above:
            above.remove(draw(st.sampled_from(above)))
        case "twice":
            above = [*above, 0, *above]
        case "alone":
            above = []
        case _:
            pass
    return (0, *above)


@st.composite
def _trusted(draw: st.DrawFn, length: int, count: int) -> tuple[int, ...]:
    """What is trusted: most often the root of the line."""
    which = draw(
        st.sampled_from(
            ["root", "root", "root", "root", "root", "root", "root", "nothing", "last", "any", "any two", "leaf"]
        )
    )
    anyone = st.sampled_from(range(count))
    match which:
        case "root":
            return (length - 1,)
        case "nothing":
            return ()
        case "last":
            return (count - 1,)
        case "any":
            return (draw(anyone),)
        case "any two":
            return tuple(dict.fromkeys([draw(anyone), draw(anyone)]))
        case _:
            return (0,)


@st.composite
def _pin(draw: st.DrawFn, length: int, count: int) -> Pin:
    usage = draw(st.sampled_from([0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 0, 1, 2, 2, 3, 4, 255]))
    selector = draw(st.sampled_from([0, 0, 0, 1, 1, 1, 0, 1, 2]))
    matching = draw(st.sampled_from([0, 0, 1, 1, 1, 2, 2, 1, 2, 3]))
    anyone = draw(st.sampled_from(range(count)))
    usual = 0 if usage in {1, 3} else draw(st.sampled_from(range(min(1, length - 1), length)))
    about = draw(st.sampled_from([usual, usual, usual, usual, anyone, None]))
    faults: list[Fault] = ["short", "empty", "behind", "", "", "", "", "", "", "", "", "", ""]
    fault = draw(st.sampled_from(faults))
    return Pin(usage, selector, matching, about, fault)


_EKUS: Final[list[Purpose]] = ["interop", "strict"]
_DIGESTS: Final[list[tuple[Digest, ...]]] = [
    ("sha512", "sha256"),
    ("sha512", "sha256"),
    ("sha512", "sha256"),
    ("sha256", "sha512"),
    ("sha256",),
    ("sha512",),
]
_LIMITED: Final[list[Flaw]] = [
    ("dates", "expired"),
    ("dates", "future"),
    ("ca", False),
    ("key_usage", ("crl_sign",)),
    ("permitted", ("example.org",)),
    ("purposes", (EMAIL_PROTECTION,)),
]


@st.composite
def _rare(draw: st.DrawFn) -> World:
    """A world of a kind that chance alone makes too seldom."""
    depth = draw(st.sampled_from([2, 3]))
    line = _line(depth, draw(st.sampled_from(_RIGHT)), draw(st.booleans()))
    level = draw(st.sampled_from(range(1, depth)))
    matching = draw(st.sampled_from([0, 1, 2]))
    everyone = tuple(range(depth + 1))
    match draw(st.sampled_from(["key", "issuer", "name", "twice", "purpose", "self-issued", "crossed"])):
        case "key":
            _with_flaw(line, level, draw(st.sampled_from(_LIMITED)))
            world = World(certificates=tuple(line), sent=everyone, pins=(Pin(2, 1, matching, level),))
        case "issuer":
            sent = tuple([each for each in everyone if each != level])
            pins = (Pin(0, 0, 0, level), Pin(0, draw(st.sampled_from([0, 1])), matching, depth))
            world = World(certificates=tuple(line), sent=sent, trusted=(depth,), pins=pins)
        case "name":
            line[0] = replace(line[0], subject=draw(st.sampled_from([TARGET, "a.example.org"])), dns=())
            line[0] = replace(line[0], uris=("sip:example.com",))
            _with_flaw(line, level, ("permitted", (DOMAIN,)))
            world = World(certificates=tuple(line), sent=everyone, trusted=(depth,))
        case "purpose":
            purposes = draw(st.sampled_from([(SERVER_AUTH,), (SIP_DOMAIN,), (ANY_EKU,)]))
            _with_flaw(line, draw(st.sampled_from(everyone)), ("purposes", purposes))
            eku: Purpose = draw(st.sampled_from(_EKUS))
            world = World(certificates=tuple(line), sent=everyone, trusted=(depth,), eku=eku)
        case "crossed":
            crossed = _relative("cross-signed", line[depth])
            world = World(
                certificates=(*line, crossed, _OTHER_ROOT),
                sent=(*everyone, depth + 1),
                trusted=(depth + 2,),
                pins=(Pin(0, draw(st.sampled_from([0, 1])), matching, depth),),
            )
        case "self-issued":
            line = _line(2, draw(st.sampled_from(_RIGHT)), key_ids=False)
            _with_flaw(line, 1, ("subject", "Level 2"))
            world = World(certificates=tuple(line), sent=(0, 1, 2), trusted=(2,))
        case _:
            pins = (Pin(2, 0, matching, level), Pin(draw(st.sampled_from([0, 1, 2])), 0, 1, depth))
            _with_flaw(line, level, draw(st.sampled_from(_LIMITED)))
            world = World(certificates=tuple(line), sent=everyone, trusted=(depth,), pins=pins)
    return replace(world, target=draw(st.sampled_from([None, TARGET])))


@st.composite
def _usual(draw: st.DrawFn) -> World:
    """Any world; most are right but for one or two things."""
    certificates, length = draw(_certificates())
    count = len(certificates)
    number = draw(st.sampled_from([0, 1, 1, 1, 2, 2, 3]))
    return World(
        certificates=tuple(certificates),
        sent=draw(_sent(length, count)),
        trusted=draw(_trusted(length, count)),
        pins=tuple([draw(_pin(length, count)) for _ in range(number)]),
        target=draw(st.sampled_from([None, TARGET])),
        hours=draw(st.sampled_from([*[0] * 16, 2, -2, 9000, -9000])),
        eku=draw(st.sampled_from(["interop", "interop", "interop", "strict"])),
        digests=draw(st.sampled_from(_DIGESTS)),
        allow_cn=draw(st.sampled_from([False, False, False, True])),
        allow_wildcards=draw(st.sampled_from([False, False, False, True])),
        strict_dane=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def _named(draw: st.DrawFn) -> World:
    """A world in which nothing but the names may be wrong."""
    depth = draw(st.sampled_from([1, 2]))
    line = _line(depth, draw(st.sampled_from([*_RIGHT, *_ODD])), True)
    usage = draw(st.sampled_from([None, 0, 1, 2]))
    about = 0 if usage == 1 else depth
    return World(
        certificates=tuple(line),
        sent=tuple(range(depth + 1)),
        trusted=(depth,),
        pins=() if usage is None else (Pin(usage, draw(st.sampled_from([0, 1])), 1, about),),
        target=draw(st.sampled_from([None, TARGET])),
        allow_cn=draw(st.booleans()),
        allow_wildcards=draw(st.booleans()),
    )


def worlds() -> st.SearchStrategy[World]:
    """Any world; some of them of kinds that are rare."""
    return st.sampled_from([*[_usual()] * 7, _rare(), _named(), _named()]).flatmap(lambda kind: kind)
