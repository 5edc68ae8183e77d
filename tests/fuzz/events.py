# Invariant: whatever DNS, peers and path validators say, as long as the driver keeps to the contract, a machine raises
# nothing; until it has a result it awaits something, if only a word of its caller, and its result comes, never to
# change; it asks nothing twice unless the first answer is half a minute old; its lookups, connections and paths stay
# within the limits; afterwards exactly the connection of an accepted verdict is open; nothing is accepted unless SECURE
# TLSA records of usage 3 or a validated path were among what it was told; and what it says of all that is printable
# ASCII.
"""Streams of events, hostile but well typed, for `Outbound`, `Locate` and `Verification`."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

from pki import NOW, SERVER_AUTH, Issuer, self_signed
from siptls import (
    Action,
    Anchors,
    Answered,
    Close,
    Connect,
    ConnectFailed,
    Failure,
    Limits,
    Locate,
    Lookup,
    LookupFailed,
    Outbound,
    Outcome,
    PathRejected,
    PathValidated,
    Policy,
    Presented,
    ResponsePath,
    Route,
    Security,
    TargetFailed,
    TargetFailure,
    TargetInUse,
    TlsFacts,
    ValidatePath,
    Verdict,
    Verification,
)
from siptls.codes import CATALOGUE
from siptls.dns import Address, Alias, Answer, Cname, Denial, Naptr, Record, Source, Srv, Tlsa
from siptls.machine import Machine
from siptls.policy import METHODS

T = TypeVar("T")

_ROOT: Final = Issuer.root()
_ISSUER: Final = _ROOT.intermediate()
_GOOD: Final = _ISSUER.leaf(uris=["sip:example.com"], dns=["sip.example.com"], eku=[SERVER_AUTH])
_LEAVES: Final = (
    _GOOD,
    _ISSUER.leaf(dns=["example.com", "*.example.com", "sip.example.com"]),
    _ISSUER.leaf(cn="example.com", not_after=NOW - timedelta(days=1)),
    _ISSUER.leaf(uris=["sip:evil\x1b[2J.example", "http://example.com", "sip:alice@example.com"], ips=["192.0.2.1"]),
    self_signed(uris=["sip:example.com"]),
)
_AUTHORITIES: Final = (_ISSUER, _ROOT)
_DER: Final = (*[issued.der for issued in _LEAVES], *[issued.der for issued in _AUTHORITIES])
_KEYS: Final = (*[issued.spki for issued in _LEAVES], *[issued.spki for issued in _AUTHORITIES])
_ANCHORS: Final = (Anchors((_ROOT.der,)), Anchors(), Anchors((b"garbage", _ISSUER.der, _GOOD.der)))

_URIS: Final = (
    "sips:alice@example.com",
    "sip:example.com",
    "sip:example.com;transport=tls",
    "sips:example.com:5061",
    "sip:example.com;maddr=sip.example.com",
    "sips:192.0.2.1",
    "sip:[2001:db8::1]:5061;transport=sctp",
    "sip:example.com;transport=ws",
)
_VIAS: Final = (
    "SIP/2.0/TLS example.com;branch=z9hG4bK1",
    "SIP/2.0/UDP example.com:5070;rport;received=192.0.2.9",
    "SIP/2.0/TCP 192.0.2.1",
    "SIP/2.0/TLS-SCTP [2001:db8::1]:5061",
    "SIP/2.0/WS df7jal23ls0d.invalid",
)
_NAMES: Final = (
    *("example.com", "sip.example.com", "_sips._tcp.example.com", "hoster.example", "_5061._tcp.sip.example.com"),
    *(
        "SIP.Example.COM.",
        ".",
        "",
        "*.example.com",
        "a..b",
        "\x1b[31mred\x1b[0m",
        "b\u00fccher.example",
        "\u212aelvin.example",
    ),
    *(
        "192.0.2.1",
        "2001:db8::1",
        "x" * 64 + ".example",
        "long." * 60 + "example",
        "a b",
        "\\046",
        "\ud800",
        "new\nline",
    ),
)
_ADDRESSES: Final = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "::", "", "999.1.1.1", "no address", "fe80::1%\x07")
_SERVICES: Final = ("SIPS+D2T", "sips+d2t", "SIP+D2T", "SIPS+D2S", "SIPS+D2W", "E2U+sip", "", "\x00")
_NUMBERS: Final = (0, 1, 5061, 65535)
_STATUSES: Final = (Security.SECURE, Security.INSECURE)
_TTLS: Final = (300.0, 0.0, 1.0, 2.0**31)
_FAULTS: Final = tuple(code for code, entry in CATALOGUE.items() if entry.severity == "error")
_PEER_FAILURES: Final = tuple(code for code in _FAULTS if code.startswith(("net.", "tls.")))
_PATH_FAILURES: Final = tuple(code for code in _FAULTS if code.startswith("chain."))
_DETAILS: Final = ("", "as text", "\x1b]0;title\x07", "x" * 5_000, "\u202e\ud800")
_LIMITS: Final = (
    Limits(),
    Limits(aliases=1, records=2, targets=1, addresses=1, lookups=3, chain=1, paths=1, attempts=1, sans=1),
    Limits(lookups=1, seconds=1.0),
    Limits(chain_octets=1_500, sans=2, attempts=3),
    Limits(seconds=1_000.0),
)
_POLICIES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"audit": True},
    {"audit": True, "require": "dane", "families": ("ipv4",)},
    {"require": "pkix", "prefetch": 3},
    {"require": "dane-ee", "attempt_delay": 0.25, "digests": ("sha256",)},
    {"attempt_delay": 0.01, "prefetch": 1, "tlsa_usages": frozenset({0, 1}), "eku": "strict"},
    {"tlsa_usages": frozenset[int](), "strict_dane": True, "allow_cn": True, "allow_ip_identity": True},
    {
        "transports": ("wss", "tls-sctp", "tls"),
        "require_target_name": True,
        "allow_wildcards": True,
        "eku": "lax-client",
    },
)
_MAX_EVENTS: Final = 600

SEEDS: Final = (b"", bytes(64), bytes(range(256)), bytes(range(255, -1, -1)), b"\x00\x01\x02\x03" * 40, b"\x01" * 200)
"""Where the search begins."""


class _Choices:
    """Makes one choice after the other out of octets; when they are used up, always the first one."""

    def __init__(self, octets: bytes) -> None:
        self._octets = iter(octets)

    def below(self, number: int) -> int:
        return next(self._octets, 0) % number

    def of(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def rarely(self) -> bool:
        return next(self._octets, 0) >= 0xE0


class _Play:
    """A driver that keeps to the contract, in a world that keeps to nothing."""

    def __init__(self, octets: bytes) -> None:
        self.choices = _Choices(octets)
        self.now = 0.0
        self.unanswered: list[Action] = []
        self.issued: list[Action] = []
        self.asked_at: dict[Action, float] = {}
        self.open: set[Connect] = set()
        self.pinned = False
        self.validated = False
        self.policy = Policy(**self.choices.of(_POLICIES), limits=self.choices.of(_LIMITS))
        self.anchors = self.choices.of(_ANCHORS)
        self.machine = self._machine()

    def _machine(self) -> Machine[Any]:
        choices, policy, anchors = self.choices, self.policy, self.anchors
        kind, uri = choices.below(4), choices.of(_URIS)

        def draw(below: int) -> int:
            return choices.below(256) % below

        if kind < 2:
            return Outbound(uri, policy=policy, now=self.now, at=NOW, randbelow=draw, anchors=anchors)
        if kind == 2:
            by_chance = choices.of((draw, None))
            order_addresses = choices.of((None, sorted))
            if choices.below(4) == 3:
                return ResponsePath(
                    choices.of(_VIAS),
                    failure=TargetFailure.TRANSPORT,
                    policy=policy,
                    now=self.now,
                    at=NOW,
                    randbelow=by_chance,
                    order_addresses=order_addresses,
                )
            large, sips_seen = choices.below(2) == 1, choices.below(2) == 1
            return Locate(
                uri,
                policy=policy,
                now=self.now,
                at=NOW,
                randbelow=by_chance,
                order_addresses=order_addresses,
                large=large,
                sips_seen=sips_seen,
            )
        tlsa = self._records("TLSA", "_5061._tcp.sip.example.com")
        security, delegation = choices.of((None, *Security)), choices.of(tuple(Security)[::-1])
        self.pinned = any(type(record) is Tlsa and record.usage == 3 for record in tlsa)
        return Verification(
            self._chain(),
            domain=choices.of(("example.com", "hoster.example", "192.0.2.1")),
            target=choices.of((None, "sip.example.com")),
            tlsa=[record for record in tlsa if type(record) is Tlsa],
            tlsa_security=security,
            delegation=delegation,
            aliases=self._aliases("example.com"),
            anchors=anchors,
            policy=policy,
            now=self.now,
            at=NOW,
        )

    # The driver.

    def run(self) -> None:
        """Drive the machine to its result and behind it."""
        for _ in range(_MAX_EVENTS):
            self._drain()
            if self.machine.result is not None:
                break
            self._step()
        else:
            raise AssertionError("the machine does not end")
        result = self.machine.result
        while self.unanswered:  # what comes too late changes nothing
            self._answer(self.unanswered.pop())
            self._drain()
        self.machine.advance(now=self.now + 1e6)
        assert self.machine.result is result
        assert self.machine.deadline == math.inf
        assert self.machine.outstanding == ()
        self._check_bounds()
        if isinstance(result, Verdict):
            self._check_verdict(result)
        else:
            assert isinstance(result, Route)
            self._check_route(result)

    def _drain(self) -> None:
        for action in self.machine.next_actions(now=self.now):
            if isinstance(action, Close):
                self.open.remove(action.connect)
                continue
            assert action not in self.asked_at or self.now >= self.asked_at[action] + 30.0, "asked twice"
            self.asked_at[action] = self.now
            self.issued.append(action)
            self.unanswered.append(action)
        assert self.machine.next_actions(now=self.now) == ()

    def _step(self) -> None:
        machine = self.machine
        if isinstance(machine, Locate) and machine.targets and self._tell(machine):
            return
        awaited = machine.outstanding
        assert awaited or machine.deadline < math.inf, "undecided, and nothing is awaited"
        assert set(awaited) <= set(self.unanswered)
        assert machine.deadline <= self.now + self.policy.limits.seconds
        move = self.choices.below(8)
        if move == 7 or not self.unanswered:
            self.now = max(self.now, machine.deadline)
            machine.advance(now=self.now)
            return
        if move == 6:
            self.now += self.choices.of((0.0, 0.01, 0.3, 4.0, 31.0))
        self._answer(self.unanswered.pop(self.choices.below(len(self.unanswered))))

    def _tell(self, machine: Locate) -> bool:
        """Be the caller, at any time, and always when nothing else is awaited; say whether anything was told."""
        target, move = machine.next_target, self.choices.below(8)
        if target is None or (machine.ready is None and move < 6):
            return False
        if move in {1, 6}:
            endpoint = machine.next_endpoint
            assert endpoint is not None
            machine.receive(TargetInUse(target, self.choices.of((None, endpoint.address))), now=self.now)
            assert machine.in_use == endpoint
        elif move == 7:
            machine.stop(now=self.now)
        else:
            self.now += self.choices.of((0.0, 32.0))
            endpoint = machine.next_endpoint
            assert endpoint is not None
            address = self.choices.of((None, endpoint.address))
            machine.receive(TargetFailed(target, self.choices.of(tuple(TargetFailure)), address), now=self.now)
            assert machine.next_endpoint != endpoint or machine.next_target is not target
        return True

    def _answer(self, action: Action) -> None:
        if isinstance(action, Lookup):
            event = self._looked_up(action)
            if isinstance(event, Answered) and event.answer.security is Security.SECURE:
                self.pinned |= any(type(record) is Tlsa and record.usage == 3 for record in event.answer.records)
            self.machine.receive(event, now=self.now)
        elif isinstance(action, Connect):
            self._connected(action)
        else:
            assert isinstance(action, ValidatePath)
            self._validated(action)

    def _connected(self, action: Connect) -> None:
        if self.choices.below(4) == 3:
            failed = ConnectFailed(action, self.choices.of(_PEER_FAILURES), self.choices.of(_DETAILS))
            self.machine.receive(failed, now=self.now)
            return
        self.open.add(action)
        facts = TlsFacts(self.choices.of(("TLSv1.3", "", "\x1b[1m")), "", action.server_name)
        self.machine.receive(Presented(action, self._chain(), facts), now=self.now)

    def _validated(self, action: ValidatePath) -> None:
        choices = self.choices
        if choices.below(3) == 2:
            rejected = PathRejected(action, choices.of(_PATH_FAILURES), choices.of(_DETAILS))
            self.machine.receive(rejected, now=self.now)
            return
        self.validated = True
        ends = (*action.anchors.certificates, *_DER)
        through = () if action.through is None else (action.through,)
        inner = [choices.of((*action.pool, *_DER)) for _ in range(choices.below(3))]
        path = (action.leaf, *inner, *through, choices.of(ends))
        self.machine.receive(PathValidated(action, path), now=self.now)

    # What the world says.

    def _looked_up(self, question: Lookup) -> Answered | LookupFailed:
        choices = self.choices
        if choices.rarely():
            return LookupFailed(question, choices.of(tuple(Failure)), choices.of(_DETAILS))
        aliases = self._aliases(question.name)
        owner = aliases[-1].target if aliases else question.name
        if choices.rarely():
            owner = choices.of(_NAMES)
        records = self._records(question.rrtype, owner)
        denial = None if records else choices.of(tuple(Denial))
        if choices.rarely():
            denial = choices.of((None, *Denial))
        source = Source(choices.of(_NAMES), choices.of((None, "resolver.not-trusted")))
        status, ttl = choices.of(_STATUSES), choices.of(_TTLS)
        return Answered(question, Answer(question, aliases, owner, records, denial, status, ttl, source))

    def _aliases(self, name: str) -> tuple[Alias, ...]:
        choices = self.choices
        aliases: list[Alias] = []
        for _ in range(choices.of((0, 0, 0, 0, 1, 1, 2, 9))):
            owner = choices.of(_NAMES) if choices.rarely() else name
            name = choices.of(_NAMES)
            aliases.append(Alias(owner, name, choices.of(_STATUSES), choices.of(_TTLS)))
        return tuple(aliases)

    def _records(self, rrtype: str, owner: str) -> tuple[Record, ...]:
        choices = self.choices
        count = choices.of((1, 1, 2, 3, 0, 5, 40))
        return tuple([self._record(rrtype, choices.of(_NAMES) if choices.rarely() else owner) for _ in range(count)])

    def _record(self, rrtype: str, owner: str) -> Record:
        choices = self.choices
        if choices.rarely():
            rrtype = choices.of(("A", "CNAME", "NAPTR", "SRV", "TLSA"))
        match rrtype:
            case "NAPTR":
                flags, regexp = choices.of(("s", "S", "u", "")), choices.of(("", "", "", "!^.*$!sip:x!"))
                service, name = choices.of(_SERVICES), choices.of((_NAMES[2], *_NAMES))
                return Naptr(owner, choices.of(_NUMBERS), choices.of(_NUMBERS), flags, service, regexp, name)
            case "SRV":
                port = choices.of((5061, *_NUMBERS))
                return Srv(owner, choices.below(3), choices.below(3), port, choices.of((_NAMES[1], *_NAMES)))
            case "TLSA":
                return Tlsa(owner, *self._association())
            case "CNAME":
                return Cname(owner, choices.of(_NAMES))
            case _:
                return Address(owner, choices.of(_ADDRESSES))

    def _association(self) -> tuple[int, int, int, bytes]:
        choices = self.choices
        usage, selector, matching = choices.of((3, 2, 1, 0, 4)), choices.of((1, 0, 2)), choices.of((1, 2, 0, 3))
        octets = choices.of(_KEYS if selector else _DER)
        if choices.rarely():
            octets = octets[: choices.below(64)]
        digest = {1: hashlib.sha256, 2: hashlib.sha512}.get(matching)
        return usage, selector, matching, octets if digest is None else digest(octets).digest()

    def _chain(self) -> tuple[bytes, ...]:
        choices = self.choices
        kind = choices.below(8)
        leaf = choices.of(_LEAVES)
        if kind < 4:
            return leaf.presented if kind < 2 else leaf.chain
        if kind == 4:
            place = choices.below(256) * choices.below(8)
            return (leaf.der[:place] + bytes([choices.below(256)]) + leaf.der[place + 1 :], *leaf.chain[1:])
        if kind == 5:
            return ()
        garbage = choices.of((b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", b"garbage", bytes(300_000)))
        return (garbage, leaf.der) if kind == 6 else (leaf.der, *[garbage] * choices.of((1, 5, 30)))

    # What must hold.

    def _check_bounds(self) -> None:
        limits = self.policy.limits
        lookups, connects, paths = (
            sum(isinstance(action, kind) for action in self.issued) for kind in (Lookup, Connect, ValidatePath)
        )
        assert lookups <= limits.lookups
        assert connects <= limits.attempts
        # For each chain one path by PKIX, one by DANE-TA, and one for each candidate of PKIX-TA.
        assert paths <= max(1, connects) * (limits.paths + 2)

    def _check_verdict(self, verdict: Verdict) -> None:
        assert self.open == (set[Connect]() if verdict.connection is None else {verdict.connection})
        if isinstance(self.machine, Outbound):
            assert verdict.accepted is (verdict.connection is not None)
        if verdict.accepted:
            assert self.validated if verdict.method != "dane-ee" else self.pinned
            assert verdict.identities
            assert verdict.method in METHODS[self.policy.require]
        else:
            assert verdict.method == "none" or verdict.outcome is Outcome.INSUFFICIENT
        assert CATALOGUE[verdict.code].severity == ("ok" if verdict.accepted else "error")
        _check_text(verdict.explain())
        _check_text(json.dumps(verdict.to_dict(), allow_nan=False))

    def _check_route(self, route: Route) -> None:
        assert self.open == set()
        assert (route.outcome is None) is bool(route.targets)
        assert route.code is None or route.code in CATALOGUE
        assert len(route.targets) <= self.policy.limits.targets
        _check_text("\n".join([str(step) for step in route.findings]))
        _check_text(json.dumps(route.to_dict(), allow_nan=False))


def _check_text(text: str) -> None:
    assert text.isascii()
    assert all(line.isprintable() for line in text.split("\n"))


def check(data: bytes) -> None:
    """Play what the octets say."""
    _Play(data).run()
