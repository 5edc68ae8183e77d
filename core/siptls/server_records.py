"""Is the client one of the servers of a SIP domain? What the domain's own records say, if DNSSEC protects them.

A proxy that is a server of a domain connects to others as a client. The domain is located as for a connection to it
(RFC 3263), each server comes to its row of D-STATE (RFC 7673), and in place of connecting to it, what the client has
presented is held against the server's TLSA records. A match makes the client an authoritative proxy of the domain
(D-DANCE-2). The same question about one host, with its port, proves that host (D-DANCE-3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from .choice import Choice
from .choice import rules as usual_rules
from .decision import Decision
from .errors import InvalidName, InvalidUri
from .events import Answered, Endpoint
from .journal import Note
from .judgement import Judgement
from .names import domain as checked_domain
from .names import fold
from .planning import Planning
from .policy import Policy
from .proof import Proof, Shown, Way
from .target import Target
from .uri import SipUri
from .verdict import Outcome

_TRANSPORTS: Final = ("tls",)
_SIPS_PORT: Final = 5061


class Claimed(Choice):
    """A name that is looked up for a client, and the rule by which its TLSA records are asked for.

    Args:
        way: which way the name came.
        name: the name.
        rule: the rule, or an empty text for the usual one.
    """

    __slots__ = ("name", "rule", "way")

    def __init__(self, way: Way, name: str, rule: str = "") -> None:
        self.way: Final = way
        self.name: Final = name
        self.rule: Final = rule

    def findings(self, code: str) -> Iterator[tuple[str, object]]:
        """Return what is looked up."""
        yield code, f"{self.way} {self.name}"

    def change(self, rules: dict[str, str]) -> None:
        """Begin with the usual rules again: what was chosen for another name does not count here."""
        rules.update(usual_rules())
        if self.rule:
            rules["TLSA"] = self.rule


class ServerRecords(Planning[Proof]):
    """Hold what a client presented against the TLSA records of the servers of a URI.

    A certificate that names one of the servers is held against the records of that one; one that names the domain
    itself, or nothing, like a raw public key, against those of each server, up to ``limits.inbound_targets``. One that
    names others only is none of the servers. The host of an alias request is the only server there is.

    Where there are more servers than are looked at, the domain is doubted, as it is after a lookup that failed. But a
    limit of ours is no bogus answer. So the domain is not doubted if nothing speaks against the client, and a server
    without TLSA records was seen that it may be: then no mismatch at another server would refute it either.

    Args:
        uri: the SIPS URI of the domain, without a port; or of the host of an alias request, with its port.
        way: what the URI stands for.
        shown: what the client presented.
        policy: what the caller wants.
        now: the monotonic clock, in seconds.
        at: the wall clock at ``now``.
        holds_until: says until when an answer may be used, for the machine that this is a part of and that shares its
            answers.
    """

    __slots__ = (
        "_doubted",
        "_holds",
        "_named",
        "_refuted",
        "_shown",
        "_unknown",
        "_unlooked",
        "_unpinned",
        "_wanted",
        "_way_here",
        "_weak",
    )

    def __init__(
        self,
        uri: SipUri,
        way: Way,
        shown: Shown,
        policy: Policy,
        now: float,
        at: datetime,
        holds_until: Callable[[Answered], float],
    ) -> None:
        # Servers that are not looked at cost nothing, so all of them may be looked through for the one that is named.
        limits = policy.limits.replace(targets=policy.limits.records)
        super().__init__(uri, policy.replace(limits=limits), now, at, None, _TRANSPORTS, None)
        self._way_here: Final[Way] = way
        self._shown = shown
        self._holds = holds_until
        self._wanted: frozenset[str] | None = None
        self._named = False
        self._unpinned = False  # whether a server may present what its TLSA records do not name, having none
        self._doubted: frozenset[str] = frozenset((self.uri.host,))
        self._refuted: Decision | None = None
        self._unknown: Decision | None = None
        self._weak: Decision | None = None
        self._unlooked: Decision | None = None  # the client may be a server that was not looked at, and need not be
        self._note("inbound.claim", "LOCATE", Claimed(way, self.uri.host))
        self._locate()
        self._settle()

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was found so far."""
        return tuple(self._journal)

    def _holds_until(self, event: Answered) -> float:
        return self._holds(event)

    # The servers that count.

    def _begin_target(self, target: Target) -> None:
        if self._wanted is None:
            self._wanted = self._chosen()
        if target.host not in self._wanted:
            self._tried -= 1  # only those that are looked at count
            self._later(self._go_on)
        elif self._tried > self.policy.limits.inbound_targets:
            most = self.policy.limits.inbound_targets
            self._note("limit.inbound-targets", "LOCATE", f"{most} servers are looked at, and there are more")
            self._leave_the_rest("limit.inbound-targets")
        else:
            self._records = None
            self._ask_addresses(target)

    def _chosen(self) -> frozenset[str]:
        """The hosts that the client can be, by the names in its certificate."""
        domain = self.uri.host
        order = None if self._way is None else self._way.order
        hosts = frozenset([domain] if order is None else [fold(record.target) for record in order])
        if self._way_here == "sent-by":
            return hosts
        names = self._shown.hosts(self.policy.limits.sans)
        if names is None:
            return frozenset()
        exact = {name.domain for name in names}
        covered = {name.domain for name in names if name.origin == "dns" and self.policy.allow_wildcards}
        named = [host for host in hosts if host in exact or (host != domain and _wildcard(host) in covered)]
        self._named = bool(named)
        if named or (names and domain not in exact):
            return frozenset(named)
        return hosts

    # What each of them comes to.

    def _start_attempt(self, _event: object = None) -> None:
        """Hold what the client presented against the records of the server, in place of connecting to it."""
        target, records = self._target, self._records
        assert target is not None
        assert self._references is not None
        if records is None or records.only_constrains:
            self._unpinned = True
            self._later(self._go_on)
            return
        Judgement(
            self._shown.chain,
            self._references,
            records,
            self._shown.anchors,
            public_key=self._shown.public_key,
            crls=self._shown.crls,
            role="client",
            policy=self.policy,
            now=self._now,
            at=self._wall_clock(),
            hop=target,
            note=self._note_at,
            validate=self._validate,
            done=self._judged,
        ).begin()

    def _judged(self, _judgement: Judgement, decision: Decision) -> None:
        target = self._target
        assert target is not None
        if decision.outcome is Outcome.ACCEPTED:
            until = min(self._expires, self._target_expires, decision.until)
            self._finish(Proof(self._way_here, self.uri.host, decision, target.host, until=until))
            return
        if decision.outcome is Outcome.INSUFFICIENT:
            self._weak = self._weak or decision
        elif decision.outcome is Outcome.UNDETERMINED:
            self._unknown = self._unknown or decision
            self._doubted |= {target.host}
        else:
            self._refuted = self._refuted or decision
            self._doubted |= {target.host}
        self._later(self._go_on)

    def _skip(self, target: Target, outcome: Outcome, code: str) -> None:
        if outcome is Outcome.UNDETERMINED:
            self._fail(code)
            self._doubted |= {target.host}
        elif outcome is Outcome.REJECTED:
            self._refuted = self._refuted or Decision(outcome, "none", code, place=len(self._journal) - 1)
            self._doubted |= {target.host}
        self._later(self._go_on)

    def _fail(self, code: str) -> None:
        """Something that is needed is not known, as the last note says."""
        failed = Decision(Outcome.UNDETERMINED, "none", code, place=len(self._journal) - 1)
        self._unknown = self._unknown or failed

    # Ends.

    def _leave_the_rest(self, code: str) -> None:
        """End although there are more servers, as the last note says."""
        if self._named or not self._unpinned or self._refuted is not None or self._unknown is not None:
            self._fail(code)
        else:
            self._unlooked = Decision(Outcome.UNDETERMINED, "none", code, place=len(self._journal) - 1)
        self._end()

    def _not_located(self, outcome: Outcome, code: str) -> None:
        if outcome is Outcome.UNDETERMINED:
            self._fail(code)
        self._end()

    def _no_more_targets(self) -> None:
        self._end()

    def _cut_short(self) -> None:
        self._run_out()

    def _run_out(self) -> None:
        self._note("limit.seconds", "LOCATE", f"limits.seconds: {self.policy.limits.seconds:g} s")
        self._fail("limit.seconds")
        self._end()

    def _end(self) -> None:
        """No server is left, and the client is proven to be none of them."""
        refuted = self._refuted if self._named or not self._unpinned else None
        against = self._unknown or (None if self._weak is not None else refuted)
        decision = against or self._unlooked or self._weak
        if decision is None:
            not_named = self._wanted is not None and not self._wanted
            self._note("inbound.not-a-server" if not_named else "inbound.no-proof", "LOCATE", self.uri.host)
        doubted = frozenset[str]() if against is None else self._doubted
        self._finish(Proof(self._way_here, self.uri.host, decision, doubted=doubted))

    def _failed_endpoints(self) -> frozenset[Endpoint]:
        return frozenset()  # none is connected to


def _wildcard(host: str) -> str:
    """The wildcard that covers a host; one needs two more labels: ``*.com`` covers nothing (RFC 9525 section 6.3)."""
    parent = host.partition(".")[2]
    return f"*.{parent}" if "." in parent else ""


def uris_of(claims: Iterable[str]) -> tuple[SipUri, ...]:
    """Return the URIs by which claimed domains are located, each once.

    Args:
        claims: SIP domains in A-labels.

    Raises:
        InvalidName: one is no domain name, or ``claims`` is one text.
    """
    if isinstance(claims, str):
        raise InvalidName(claims, "a collection of domain names, not one text")
    uris: list[SipUri] = []
    for claim in dict.fromkeys([checked_domain(claim) for claim in claims]):
        try:
            uris.append(SipUri.parse(f"sips:{claim}"))
        except InvalidUri:
            raise InvalidName(claim, "a domain that can stand in a SIP URI") from None
    return tuple(uris)


def uri_of_host(sent_by: str) -> SipUri | None:
    """Return the URI of one host and port; None unless the text is the name of a host, with or without a port.

    Args:
        sent_by: text of an alias request.
    """
    try:
        uri = SipUri.parse(f"sips:{sent_by}")
    except InvalidUri:
        return None
    if uri.is_ip or uri.user is not None or uri.parameters or uri.headers is not None:
        return None
    return SipUri.parse(f"sips:{uri.host}:{_SIPS_PORT if uri.port is None else uri.port}")
