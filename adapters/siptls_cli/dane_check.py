"""A server looked at as a client does and judged for its name or a SIP domain; its records held against the rules."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Final

from siptls import Anchors, Limits, Outcome, Policy, Verdict
from siptls.delegation import Delegation
from siptls.dns import Security
from siptls.events import ConnectFailed
from siptls.journal import Step
from siptls.names import same
from siptls.served import Examined, Served, examine
from siptls.tlsa_lint import Finding, lint
from siptls_io import Performer, verify_chain

from . import inputs
from .dane import described
from .dane_server import Server
from .dane_text import has_errors, steps_of
from .dane_world import UNDETERMINED, Looked, look, look_around, route_of
from .report import EXITS

if TYPE_CHECKING:
    from siptls import Target

    from .given import World

_FLAWED: Final = 5
_LEAST: Final = 0.1
"""What is left at the least of the time that a run may take, in seconds."""


class Check:
    """One run of `dane check`.

    Args:
        server: the host, by its name, and the port.
        domain: the SIP domain that it is judged for, or None for the host itself.
        policy: what is wanted.
        performer: looks up, connects, validates.
        anchors: the trust anchors for PKIX.
        at: the wall clock.

    Attributes:
        looked: what was found at the server.
        verdict: for the domain; for the host if there is no domain, or it does not lead here.
        examined: what each record is good for.
        steps: what is found wrong, the gravest first.
    """

    looked: Looked
    verdict: Verdict
    examined: tuple[Examined, ...]
    steps: list[Step]

    def __init__(
        self, server: Server, domain: str | None, policy: Policy, performer: Performer, anchors: Anchors, at: datetime
    ) -> None:
        self.server: Final = server
        self.domain: Final = domain
        self._policy = policy
        self._performer = performer
        self._anchors = anchors
        self._at = at
        self._began = time.monotonic()
        self._way = Security.SECURE
        self._open = False
        self._found: list[Finding] = []

    async def run(self) -> None:
        """Look, judge and lint."""
        self.looked = looked = await look(self.server, self._policy, self._performer, self._anchors, self._at)
        self.verdict = looked.verdict
        if self.domain is not None and not same(self.domain, self.server.host):
            await self._judge_for(self.domain)
        if looked.answer is not None:
            await self._look_around()
            self._lint()
        self.examined = examine(looked.records, looked.served, self._policy)
        self.steps = steps_of(self._found, looked.owner)

    @property
    def exit_code(self) -> int:
        """That of the verdict; or what it is lowered to by a domain whose servers are not known, or by an error."""
        code = EXITS[self.verdict.outcome]
        if code == 0 and self._open:
            return UNDETERMINED
        return code or (_FLAWED if has_errors(self.steps) else 0)

    @property
    def ttl(self) -> int | None:
        """The TTL of the records, in seconds."""
        answer = self.looked.answer
        return round(answer.ttl) if answer is not None and answer.records else None

    @property
    def status(self) -> str | None:
        """The DNSSEC status of the answer with the records."""
        return None if self.looked.answer is None else self.looked.answer.security.name.lower()

    def _left(self) -> float:
        return max(_LEAST, self._policy.limits.seconds - (time.monotonic() - self._began))

    async def _judge_for(self, domain: str) -> None:
        """Find out whether a domain leads to the server, and judge what it presented for that domain."""
        wanted = Policy(transports=self._policy.transports or ("tls",), limits=Limits(seconds=self._left()))
        route = await route_of(domain, wanted, self._performer, self._at)
        targets = [each for each in route.targets if same(each.host, self.server.host)]
        targets = [each for each in targets if each.port == self.server.port]
        if targets:
            self._judge_as(domain, targets[0])
            return
        self._way = Security.INSECURE
        self._open = route.outcome is Outcome.UNDETERMINED
        others = ", ".join([f"{each.host}:{each.port}" for each in route.targets[:8]])
        self._found.append(Finding("dane.not-a-target", str(self.server), others or route.code or "no servers"))

    def _judge_as(self, domain: str, target: Target) -> None:
        looked = self.looked
        if target.delegation is Delegation.TAINTED:
            self._way = Security.INSECURE
        if not looked.chain:
            return  # the verdict says why
        self.verdict = verify_chain(
            looked.chain,
            domain=domain,
            target=self.server.host,
            tlsa=looked.records,
            tlsa_security=None if looked.answer is None else looked.answer.security,
            delegation=min(self._way, looked.address_security),
            aliases=looked.aliases,
            anchors=self._anchors,
            at=self._at,
            policy=self._policy,
        )

    async def _look_around(self) -> None:
        """Whether the other addresses of the server present what the records name, too."""
        looked, records = self.looked, self.looked.records
        if not self._policy.audit or not any(looked.served.matches(record) for record in records):
            return
        await look_around(looked, self._policy, self._performer, self._left())
        for event in looked.others:
            address = event.action.endpoint.address
            if isinstance(event, ConnectFailed):
                text = f"{address}: {event.reason} {event.detail}".rstrip()
                self._found.append(Finding("dane.address-not-seen", "", text))
                continue
            there = Served(event.chain, key=event.public_key)
            if not any(there.matches(record) for record in records):
                what = "nothing" if there.leaf is None else described(there.leaf)
                self._found.append(Finding("dane.address-differs", "what a record matches", f"{address}: {what}"))

    def _lint(self) -> None:
        looked = self.looked
        self._found += lint(
            looked.records,
            chain=looked.chain,
            base=looked.base,
            domain=self.domain or "",
            host=looked.canonical,
            ttl=self.ttl,
            at=self._at,
            trusted=self._anchors.certificates,
            security=min(looked.security, self._way),
        )


def policy_of(given: World) -> Policy:
    """Return what is wanted: a server that DANE vouches for.

    Args:
        given: the command line.
    """
    return Policy(
        require="dane",
        transports=given["transport"] or None,
        families=inputs.families(given),
        audit=not given["no_audit"],
        limits=inputs.limits(given),
    )
