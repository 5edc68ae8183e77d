"""A world that answers anything: well-typed, but otherwise as bad as an attacker can make it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import strategies as st

from peers import DOMAIN, FOR_BOTH, HOST, HOSTER, PEERS, PRIVATE, ROOT
from siptls import (
    Answered,
    Connect,
    ConnectFailed,
    Failure,
    Lookup,
    LookupFailed,
    PathRejected,
    PathValidated,
    Presented,
    Security,
    TlsFacts,
    ValidatePath,
)
from siptls.dns import Address, Alias, Answer, Cname, Denial, Naptr, Record, Source, Srv, Tlsa
from siptls.dns.question import RRType
from world import INSECURE, SECURE, World
from worlds import OWN_SRV, Choices, Drawn

_NAMES = (HOST, HOSTER, DOMAIN, OWN_SRV, "", ".", "..", "a..b", "192.0.2.1", "::1", "-", "x" * 64 + ".example")
_ODD_NAMES = ("*.example.com", "SIP.EXAMPLE.COM.", "a b", "\x00", "\x1b[2J", "\u212a", "\ud800", "." + "y" * 300)
_SERVICES = ("SIPS+D2T", "sips+d2t", "SIP+D2U", "", "SIPS+D2X", "\x1b]0;x\x07")
_TTLS = (300.0, 0.0, -1.0, 1e300)
_SOURCE = Source("\x1b[31mred\x00", "resolver.not-trusted")
_LEAF = FOR_BOTH.leaf.der
_USAGES = (3, 2, 1, 0, 3, 2, 1, 0, 255)
_SMALL = (1, 0, 2, 1, 0, 2, 255)


@dataclass(frozen=True)
class Reply:
    """How to answer one action: octets that choose, and text that stands wherever text can stand."""

    octets: bytes
    text: str


hostile_replies = st.lists(st.builds(Reply, st.binary(max_size=24), st.text(max_size=8)), min_size=1, max_size=12).map(
    tuple[Reply, ...]
)
"""At least one."""


class HostileWorld(Drawn):
    """A world in which some actions are answered by a reply, one after the other; after the last it begins anew."""

    def __init__(self, world: World, replies: tuple[Reply, ...]) -> None:
        super().__init__(world.security, world.said, world.servers, world.paths, anchors=world.anchors)
        self.replies = replies
        self.answered = 0

    def next_reply(self) -> tuple[Choices, str]:
        reply = self.replies[self.answered % len(self.replies)]
        self.answered += 1
        return Choices(reply.octets), reply.text

    def answer(self, lookup: Lookup) -> Answered | LookupFailed:
        choices, text = self.next_reply()
        if choices.of((True,) * 4 + (False,)):
            return super().answer(lookup)
        if choices.of((False,) * 23 + (True,)):
            return LookupFailed(lookup, choices.of(tuple(Failure)), text)
        security = choices.of((SECURE, SECURE, INSECURE))
        owner = choices.of((*(lookup.name,) * 9, lookup.name.upper(), text, HOST))
        names = [lookup.name, *[_name(choices, text) for _ in range(choices.of((*(0,) * 20, 1, 2, 9)))]]
        aliases = tuple([_alias(choices, a, b) for a, b in pairwise(names)])
        if aliases:
            owner = choices.of((names[-1], owner))
        rrtype = choices.of((lookup.rrtype,) * 15 + (_OTHER[lookup.rrtype],))
        records = tuple([_record(choices, rrtype, owner, text) for _ in range(choices.of((1, 2, 0, 3)))])
        denial = choices.of((None,) * 14 + tuple(Denial)) if records else choices.of((*tuple(Denial), None))
        return Answered(lookup, Answer(lookup, aliases, owner, records, denial, security, choices.of(_TTLS), _SOURCE))

    def connect(self, connect: Connect) -> Presented | ConnectFailed:
        choices, text = self.next_reply()
        if choices.of((True, False)):
            return super().connect(connect)
        if choices.of((False,) * 5 + (True,)):
            return ConnectFailed(connect, "net.reset", text)
        chain = tuple([_certificate(choices) for _ in range(choices.of((1, 2, 3, 0)))])
        return Presented(connect, chain, TlsFacts(text, text, text, None))

    def validate(self, question: ValidatePath) -> PathValidated | PathRejected:
        choices, text = self.next_reply()
        if choices.of((True, False)):
            return super().validate(question)
        if choices.of((False, True)):
            return PathRejected(question, "chain.invalid", text)
        # A validator that takes anything: what the core reads on the path must not make it raise either.
        through = () if question.through is None else (question.through,)
        return PathValidated(question, (question.leaf, *[_certificate(choices) for _ in range(2)], *through, ROOT.der))


_OTHER: dict[RRType, RRType] = {"A": "SRV", "AAAA": "NAPTR", "CNAME": "A", "NAPTR": "SRV", "SRV": "TLSA", "TLSA": "A"}


def _name(choices: Choices, text: str) -> str:
    return choices.of((*_NAMES[:4] * 6, *_NAMES, *_ODD_NAMES, text))


def _alias(choices: Choices, owner: str, target: str) -> Alias:
    security: Security = choices.of((SECURE, INSECURE))
    return Alias(choices.of((owner, owner, target)), target, security, choices.of(_TTLS))


def _record(choices: Choices, rrtype: RRType, owner: str, text: str) -> Record:
    owner = choices.of((*(owner,) * 9, _name(choices, text)))
    number = choices.of((0, 1, 65_535))
    match rrtype:
        case "A" | "AAAA":
            return Address(owner, choices.of(("192.0.2.1", "2001:db8::1", text, "")))
        case "CNAME":
            return Cname(owner, _name(choices, text))
        case "NAPTR":
            flags, service = choices.of(("s", "s", "S", "u", text)), choices.of((*_SERVICES[:2] * 4, *_SERVICES, text))
            return Naptr(
                owner, number, number, flags, service, choices.of(("", "", "", "", text)), _name(choices, text)
            )
        case "SRV":
            return Srv(owner, number, number, choices.of((5061, 5061, 5061, 0, 65_535)), _name(choices, text))
        case "TLSA":
            return _tlsa(choices, owner)


def _tlsa(choices: Choices, owner: str) -> Tlsa:
    usage, selector, matching = choices.of(_USAGES), choices.of(_SMALL), choices.of(_SMALL)
    issued = choices.of((FOR_BOTH.leaf, PRIVATE.issued, ROOT.issued))
    data = issued.spki if selector == 1 else issued.der
    digest = {1: hashlib.sha256, 2: hashlib.sha512}.get(matching)
    if digest is not None:
        data = digest(data).digest()
    return Tlsa(owner, usage, selector, matching, choices.of((data, data, data, data[:-1], b"", b"\x30\x00")))


def _certificate(choices: Choices) -> bytes:
    """A certificate with up to two octets changed, or cut off, or none at all."""
    der = bytearray(choices.of((_LEAF, PRIVATE.der, ROOT.der, *[peer.leaf.der for peer in PEERS])))
    for _ in range(choices.of((0, 1, 1, 2))):
        place = choices.of(range(256)) * 256 + choices.of(range(256))
        der[place % len(der)] ^= 1 << choices.of(range(8))
    return choices.of((bytes(der), bytes(der), bytes(der), bytes(der[:-1]), b"", bytes(der) + b"\x00"))
