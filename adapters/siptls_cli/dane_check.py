"""A server looked at as a client does and judged for its name or a SIP domain; its records held against the rules."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Final

from siptls import Anchors, Policy, Verdict
from siptls.delegation import Delegation
from siptls.dns import Security
from siptls.events import ConnectFailed
from siptls.journal import Step
from siptls.served import Examined, Served, examine
from siptls.tlsa_lint import Finding, lint
from siptls_io import Performer

from . import inputs
from .dane import described
from .dane_domain import NOT_A_TARGET, judge_for
from .dane_server import Server
from .dane_text import has_errors, steps_of
from .dane_world import Looked, look, look_around
from .report import EXITS

if TYPE_CHECKING:
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
        verdict: for the domain, if there is one; else for the host.
        peer: what the server presented to the client whose verdict this is.
        examined: what each record is good for, with what the server presents to clients that use DANE.
        steps: what is found wrong, the gravest first.
    """

    looked: Looked
    verdict: Verdict
    peer: Served
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
        self._found: list[Finding] = []

    async def run(self) -> None:
        """Look, judge and lint."""
        self.looked = looked = await look(self.server, self._policy, self._performer, self._anchors, self._at)
        self.verdict, self.peer = looked.verdict, looked.served
        if self.domain is not None:
            await self._judge_for(self.domain)
        if looked.answer is not None:
            await self._look_around()
            self._lint()
        self.examined = examine(looked.records, looked.served, self._policy)
        self.steps = steps_of(self._found, looked.owner)

    @property
    def exit_code(self) -> int:
        """That of the verdict, or what a good one is lowered to by an error among the findings."""
        return EXITS[self.verdict.outcome] or (_FLAWED if has_errors(self.steps) else 0)

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
        """Judge as a client does that calls the domain, if it leads to the server."""
        limits = self._policy.limits.replace(targets=1, seconds=self._left())
        policy = self._policy.replace(limits=limits)
        judged = await judge_for(domain, self.looked, policy, self._performer, self._anchors, self._at)
        self.verdict = judged.verdict
        if judged.presented is not None:
            self.peer = Served(judged.presented.chain, key=judged.presented.public_key)
        target = judged.verdict.target
        if target is not None and target.delegation is Delegation.TAINTED:
            self._way = Security.INSECURE
        if judged.elsewhere:
            self._found.append(Finding(NOT_A_TARGET, str(self.server), judged.elsewhere))

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
