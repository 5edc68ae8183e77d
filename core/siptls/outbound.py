"""Reach the domain of a SIP URI over TLS, and know that it is the domain.

`Outbound` locates the servers, asks for the TLSA records of each where the delegation allows it, has connections made
one after the other, and judges what each peer presents. A peer that is not accepted is closed before a byte of SIP
is sent to it, and the next one is tried (RFC 5922 section 7.3, D-SEC-11).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from .addresses import OrderAddresses
from .alias_row import Row
from .attempt import Attempt, rows_for
from .decision import Decision
from .errors import InvalidPolicy
from .events import (
    Anchors,
    Connect,
    ConnectEvent,
    ConnectFailed,
    Endpoint,
    Presented,
)
from .journal import listed
from .judgement import Judgement
from .planning import Planning
from .policy import SECURE_TRANSPORTS, Policy
from .reuse import AliasTable
from .revocation import NO_CRLS, Crls
from .target import Target
from .uri import SipUri
from .verdict import GRAVEST, Method, Outcome, RawKey, Verdict

_DEFAULT_TRANSPORTS: Final = ("tls",)
_NO_ANCHORS: Final = Anchors(name="no trust anchors")


class Outbound(Planning[Verdict]):
    """Find out where the servers of a SIP URI are, and which connection to one of them is verified.

    Args:
        uri: a SIP or SIPS URI; whatever its scheme, only TLS is used.
        policy: what the caller wants.
        now: the monotonic clock, in seconds.
        at: the wall clock at ``now``, an aware datetime; certificates must be valid then.
        randbelow: a source of randomness for SRV weights, for example ``secrets.randbelow``.
        anchors: the trust anchors for PKIX; without any, only DANE can accept a peer.
        crls: the CRLs for ``policy.revocation``.
        order_addresses: puts the addresses of one target into the order in which to try them (RFC 6724 section 6);
            None takes them by ``policy.families``.
        aliases: the connections that are open already; None opens a new one in any case. Where one leads to a server
            of the domain, what its peer presented is judged for this domain first, and only if it is not accepted a
            new connection is made. The table is read and never changed; see `AliasTable.grant`.
        local_domain: the domain of ours on behalf of which the connection is used, as in ``aliases``.

    Raises:
        InvalidUri: ``uri`` is not a SIP URI.
        InvalidPolicy: the policy names a transport without TLS.
        LocalProtocolError: ``at`` is naive; later, ``order_addresses`` made no permutation of what it was given.

    Source: RFC 3263 section 4, RFC 5922 section 7.3, RFC 7673.
    """

    __slots__ = (
        "_aliases",
        "_anchors",
        "_attempts",
        "_audits",
        "_crls",
        "_held",
        "_in_flight",
        "_next_address",
        "_staggered_at",
        "_worst",
    )

    def __init__(
        self,
        uri: str | SipUri,
        *,
        policy: Policy = Policy(),
        now: float,
        at: datetime,
        randbelow: Callable[[int], int],
        anchors: Anchors = _NO_ANCHORS,
        crls: Crls = NO_CRLS,
        order_addresses: OrderAddresses | None = None,
        aliases: AliasTable | None = None,
        local_domain: str = "",
    ) -> None:
        if policy.transports is not None and not SECURE_TRANSPORTS.issuperset(policy.transports):
            raise InvalidPolicy("transports", policy.transports, "only tls, tls-sctp and wss: a peer is to be verified")
        super().__init__(uri, policy, now, at, randbelow, _DEFAULT_TRANSPORTS, order_addresses)
        self._anchors = anchors
        self._crls = crls
        self._aliases = None if aliases is None else (aliases, local_domain)
        self._attempts = 0
        self._worst: Attempt | None = None
        self._in_flight: tuple[Attempt, ...] = ()
        self._audits: tuple[Judgement, ...] = ()
        self._held: Callable[[], None] | None = None  # what is settled, while audits are made
        self._next_address = 0
        self._staggered_at = math.inf
        self._locate()
        self._settle()

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, once there is one: the same as `result`."""
        return self._result

    @property
    def deadline(self) -> float:
        """When `advance` must be called at the latest, on the ``now`` clock; ``math.inf`` when nothing is awaited."""
        return min(super().deadline, self._staggered_at)

    def _on_time(self) -> None:
        due = self._now >= self._staggered_at
        if due:
            self._staggered_at = math.inf
        super()._on_time()
        # A connection that has just timed out is followed by the next one anyway.
        if due and not self._ready and len(self._in_flight) == 1 and self._in_flight[0].judgement is None:
            self._later(self._start_attempt)
        self._due = min(self._due, self._staggered_at)

    # From target to target.

    def _not_located(self, outcome: Outcome, code: str) -> None:
        if outcome is Outcome.NO_SERVICE and self._srv_questions:  # else the reason stands in the journal already
            self._note(code, "LOCATE", None)
        if self._worst is None:
            self._conclude(outcome, "none", code, None, None)
            return
        attempt = Attempt(None, None)  # the run had started again, and what failed before still counts
        attempt.outcome, attempt.code = outcome, code
        self._remember(attempt)
        self._give_up()

    def _begin_target(self, target: Target) -> None:
        self._next_address = 0
        self._staggered_at = math.inf
        self._records = None
        self._ask_addresses(target)
        if self.policy.prefetch:
            self._ask_ahead(self._taken, self.policy.prefetch)

    def _no_more_targets(self) -> None:
        self._give_up()

    def _cut_short(self) -> None:
        self._give_up()

    def _failed_endpoints(self) -> frozenset[Endpoint]:
        return frozenset([action.endpoint for action in self._ledger if isinstance(action, Connect)])

    # Connections.

    def _start_attempt(self, _event: object = None) -> None:
        """Connect to the next address of the target; with none left, go on to the next target."""
        if self._held is not None:
            return
        target = self._target
        assert target is not None
        self._staggered_at = math.inf
        if self._next_address >= len(target.addresses):
            if not self._in_flight:
                self._later(self._go_on)
            return
        endpoint = Endpoint(target.host, target.addresses[self._next_address], target.port, target.transport)
        if rows := self._rows_at(endpoint):
            assert self._aliases is not None
            self._next_address += 1
            self._judge_row(Attempt(target, None, endpoint, rows, self._aliases[0]))
        elif self._may_connect():
            self._next_address += 1
            self._connect_to(target, endpoint)

    def _may_connect(self) -> bool:
        """Whether another connection may be made; if not, and nothing is under way, the run ends."""
        if self._attempts < self._limits.attempts:
            return True
        if not self._in_flight:
            most = f"limits.attempts: {self._attempts} are made, and there are more addresses"
            self._note("limit.attempts", "LOCATE", most)
            self._give_up()
        return False

    def _connect_to(self, target: Target, endpoint: Endpoint) -> None:
        self._attempts += 1
        connect = Connect(self._attempts, endpoint, self._server_name)
        self._in_flight += (Attempt(target, connect),)
        if len(self._in_flight) == 1 and self._next_address < len(target.addresses):
            self._staggered_at = self._now + self.policy.attempt_delay
            if self._staggered_at < self._due:
                self._due = self._staggered_at
        self._connect(connect, self._presented)

    def _presented(self, event: ConnectEvent) -> None:
        if self._held is not None:
            if isinstance(event, Presented):
                self._close(event.action)
            return
        attempt = self._attempt_of(event.action)
        endpoint = event.action.endpoint
        if isinstance(event, ConnectFailed):
            self._note(event.reason, endpoint, event)
            attempt.code = event.reason
            self._failed(attempt)
            return
        self._note("tls.presented", endpoint, event)
        self._judge(attempt, event.chain, event.public_key, endpoint)

    def _judge(self, attempt: Attempt, chain: tuple[bytes, ...], public_key: bytes | None, hop: object) -> None:
        assert self._references is not None
        if public_key is not None:
            attempt.key = RawKey(public_key)
        judgement = attempt.judgement = Judgement(
            chain,
            self._references,
            self._records,
            self._anchors,
            public_key=public_key,
            crls=self._crls,
            policy=self.policy,
            now=self._now,
            at=self._wall_clock(),
            hop=hop,
            note=self._note_at,
            validate=self._validate,
            refused=self._refused,
            done=self._judged,
        )
        judgement.begin()

    def _attempt_of(self, part: Connect | Judgement) -> Attempt:
        """The attempt in flight that a connection or a judgement belongs to."""
        (attempt,) = [a for a in self._in_flight if a.connect is part or a.judgement is part]
        return attempt

    def _refused(self, judgement: Judgement) -> None:
        """Close at once what is not accepted (RFC 5922 section 7.3)."""
        if self._held is not None:
            return  # it is closed already
        attempt = self._attempt_of(judgement)
        if attempt.connect is not None:
            attempt.closed = True
            self._close(attempt.connect)

    def _judged(self, judgement: Judgement, decision: Decision) -> None:
        if self._held is not None:
            return
        attempt = self._attempt_of(judgement)
        if attempt.rows:
            if decision.outcome is not Outcome.ACCEPTED or attempt.gone:
                self._later(partial(self._pass_by, attempt))
                return
            self._audits = ()  # nothing holds the verdict up, so that the connection cannot end before it
        elif judgement.wants_audit:
            self._audits += (judgement,)
        attempt.decided(decision)
        if decision.outcome is Outcome.ACCEPTED:
            self._accept(attempt, decision)
            return
        self._failed(attempt)

    # Connections that are open already (RFC 5923).

    def _rows_at(self, endpoint: Endpoint) -> tuple[Row, ...]:
        """The open connections that lead to an endpoint."""
        if self._aliases is None:
            return ()
        table, local_domain = self._aliases
        return rows_for(self.uri.host, table.candidates(endpoint, local_domain=local_domain, now=self._now))

    def _judge_row(self, attempt: Attempt) -> None:
        """Judge what the peer of an open connection presented, as if it had presented it now (A-16)."""
        row = attempt.rows[0]
        self._in_flight += (attempt,)
        # The row itself would keep its handle, and whatever hangs on that, as long as the verdict lives.
        self._note("reuse.candidate", row.hop, f"{row.state}, for {listed(row.domains) or 'no domain'}")
        self._judge(attempt, row.presentation.chain, row.presentation.public_key, row.hop)

    def _pass_by(self, attempt: Attempt, _event: object) -> None:
        """Take the next open connection, or make one, where one may not be used: it is no evidence of the server."""
        if self._held is not None:
            return
        target, endpoint, row = attempt.target, attempt.endpoint, attempt.rows[0]
        assert target is not None
        assert endpoint is not None
        self._note("reuse.identity", row.hop, (self.uri.host, listed(row.domains) or "no domain"))
        self._in_flight = tuple([other for other in self._in_flight if other is not attempt])
        if len(attempt.rows) > 1:
            self._judge_row(Attempt(target, None, endpoint, attempt.rows[1:], attempt.table))
        elif self._may_connect():
            self._connect_to(target, endpoint)

    # What comes of them.

    def _failed(self, attempt: Attempt) -> None:
        """One connection led to nothing: take the next address, or wait for the one that is still in flight."""
        self._in_flight = tuple([other for other in self._in_flight if other is not attempt])
        self._remember(attempt)
        if not self._in_flight or self._next_address < len(self._target.addresses if self._target else ()):
            self._later(self._start_attempt)

    def _skip(self, target: Target, outcome: Outcome, code: str) -> None:
        """Do not connect to this target; others may be tried (RFC 7673 sections 3.2 and 3.4)."""
        attempt = Attempt(target, None)
        attempt.outcome, attempt.code = outcome, code
        self._remember(attempt)
        self._later(self._go_on)

    def _remember(self, attempt: Attempt) -> None:
        """The first failure of the gravest kind speaks for all."""
        worst = self._worst
        if worst is None or GRAVEST.index(attempt.outcome) < GRAVEST.index(worst.outcome):
            self._worst = attempt

    # Ends.

    def _give_up(self) -> None:
        """No target is left: the gravest failure decides."""
        attempt = self._worst
        assert attempt is not None
        # An absence is proven only if that of every target is, and now all of them are known.
        code = self._no_service if attempt.outcome is Outcome.NO_SERVICE else attempt.code
        self._conclude(attempt.outcome, attempt.method, code, attempt, None)

    def _run_out(self) -> None:
        self._audits = ()
        if self._held is not None:
            self._held()
            return
        for attempt in self._in_flight:
            decision = None if attempt.judgement is None else attempt.judgement.decision
            if decision is not None and decision.outcome is Outcome.ACCEPTED and not attempt.gone:
                # Only further ways were still tried for an audit, which never changes the outcome.
                attempt.decided(decision)
                self._accept(attempt, decision)
                return
        self._note("limit.seconds", "LOCATE", f"limits.seconds: {self._limits.seconds:g} s")
        for attempt in self._in_flight or (Attempt(self._target, None),):
            self._remember(attempt)
        self._give_up()

    def _accept(self, attempt: Attempt, decision: Decision) -> None:
        self._conclude(Outcome.ACCEPTED, decision.method, decision.code, attempt, decision)

    def _conclude(
        self, outcome: Outcome, method: Method, code: str, attempt: Attempt | None, decision: Decision | None
    ) -> None:
        expires = min(self._expires, self._target_expires)
        if decision is not None and decision.until < expires:
            expires = decision.until
        leaf = None if attempt is None or attempt.judgement is None else attempt.judgement.leaf
        for other in self._in_flight:
            presented = other.judgement is not None and not other.closed
            if presented and other.connect is not None and (decision is None or other is not attempt):
                self._close(other.connect)
        self._in_flight = ()
        self._staggered_at = math.inf
        if self._audits:
            # What is settled no audit changes, so that a slow one takes no server its turn.
            self._held = partial(self._conclude, outcome, method, code, attempt, decision)
            for judgement in self._audits:
                judgement.audit(partial(self._audited, judgement))
            return
        verdict = Verdict(
            outcome,
            method,
            code,
            self.uri.host,
            None if attempt is None else attempt.target,
            None if attempt is None else attempt.endpoint,
            "client",
            (None if attempt is None else attempt.key) if leaf is None else leaf.der,
            None if attempt is None or decision is None else attempt.connect,
            () if decision is None else decision.identities,
            expires,
            tuple(self._journal),
            self._began,
            self._now,
            -1 if attempt is None else attempt.place,
            None,
            attempt.rows[0].connection if attempt is not None and attempt.rows and decision is not None else None,
        )
        self._finish(verdict)

    def _audited(self, judgement: Judgement) -> None:
        self._audits = tuple([other for other in self._audits if other is not judgement])
        if not self._audits and self._held is not None:
            self._held()
