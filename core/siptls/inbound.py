"""Judge a client that connected to us (RFC 5922 section 7.4).

Nobody was asked for, so there is no name to look for: the certificate says who the client is, if its path is valid,
and then the server decides whether that one may connect.

A registrar and a redirect server are servers like any other (RFC 5922 sections 7.6 and 7.7). A proxy judges who
connects to it by `Inbound`, and whom it connects to by `Outbound` (section 7.5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from itertools import islice
from typing import Final, Literal, TypeAlias

from .certificate import Certificate, TooManyNames
from .comparison import comparisons
from .decision import Decision
from .errors import InvalidName, InvalidPolicy, LocalProtocolError
from .events import Anchors, PathValidated
from .identity import Identity, permitted, sip_identities
from .judgement import Judgement
from .machine import Machine
from .names import domain as checked_domain
from .path_rules import purpose_faults, up_to_anchor
from .policy import Policy
from .references import Identification
from .revocation import NO_CRLS, Crls
from .verdict import Outcome, Verdict

Authorize: TypeAlias = Callable[[tuple[Identity, ...]], bool]
"""Says of the identities of an authenticated client whether it may connect."""
ClientCertificate: TypeAlias = Literal["required", "optional"]

_HOP: Final = "CLIENT"
_SHOWN: Final = 8  # names in one text


class Admission(Enum):
    """How a server goes on with a connection."""

    AUTHENTICATED = "authenticated"
    """The client is who its identities say, and may connect."""
    UNAUTHENTICATED = "unauthenticated"
    """The client showed no certificate, and the server serves such clients: it is nobody. Single requests may be
    challenged with Digest; a good response speaks for its request alone, and makes nobody of the connection (RFC 5922
    section 8.1)."""
    CLOSE = "close"
    """Close the connection before a byte of SIP is read from it or sent on it."""


class AllowList:
    """Lets clients connect that are one of these domains, for ``authorize`` of `Inbound`; made once, for all of them.

    Args:
        domains: SIP domains, in A-labels. With none, nobody may connect.

    Raises:
        InvalidName: one is no domain name in A-labels, or ``domains`` is one text and no collection.

    Attributes:
        domains: the domains in lower case.
    """

    __slots__ = ("domains",)

    def __init__(self, domains: Iterable[str]) -> None:
        if isinstance(domains, str):
            raise InvalidName(domains, "a collection of domain names, not one text")
        self.domains: Final = frozenset([checked_domain(name) for name in domains])

    def __call__(self, identities: tuple[Identity, ...]) -> bool:
        """Say whether any of the identities is in the list: its whole name, neither its parent nor a part of it."""
        return any(identity.domain in self.domains for identity in identities)

    def __str__(self) -> str:
        return _listed(sorted(self.domains)) if self.domains else "nobody"

    def __repr__(self) -> str:
        return f"<AllowList of {len(self.domains)} domain(s)>"


class Inbound(Machine[Verdict]):
    """Find out who a client is that connected to us, and whether it may; the actions are those of `Verification`.

    The verdict's ``role`` is ``server`` and its ``domain`` empty, for nobody was looked for: ``identities`` are all
    SIP domains that the client is proven to be, and only of an ACCEPTED verdict are there any. Whether requests may be
    sent back to one of them over this connection is another question (RFC 5923), so no connection is named.

    Without a certificate a client is never authenticated: the verdict is REJECTED with the code
    ``tls.no-certificate``. Whether it is served all the same is the server's own policy: see ``client_certificate``
    and `admission`. No event can turn such a verdict into another one, least of all a Digest response.

    Args:
        chain: the certificates in DER as the client presented them, its own first; empty if it presented none.
        public_key: the DER of the SubjectPublicKeyInfo that the client presented instead of certificates (RFC 7250);
            ``chain`` is empty then.
        anchors: the trust anchors for PKIX.
        crls: the CRLs for ``policy.revocation``.
        authorize: who may connect. None lets everybody who is authenticated; an `AllowList` lets those in it; any other
            function is called once with all identities, and only if nothing else stands against the client. It must
            be pure: it does no I/O. A server of several domains gives the connections of each its own.
        client_certificate: ``required`` closes connections without a certificate, ``optional`` serves them. One that
            is presented and not accepted is never served.
        policy: what the caller wants. ``eku`` holds for the role of a client.
        now: the monotonic clock, in seconds.
        at: the wall clock at ``now``, an aware datetime; certificates must be valid then.

    Raises:
        InvalidPolicy: ``authorize`` cannot be called, or ``client_certificate`` is neither of the two.
        LocalProtocolError: ``at`` is naive; later, ``authorize`` returned something else than True or False. Whatever
            it raises itself passes through. In both cases the client is not accepted.

    Source: RFC 5922 sections 7.1, 7.4 to 7.8 and 8.1, RFC 5924 section 5.
    """

    __slots__ = ("_authorize", "_judgement", "_optional")

    def __init__(
        self,
        chain: tuple[bytes, ...],
        *,
        public_key: bytes | None = None,
        anchors: Anchors = Anchors(),
        crls: Crls = NO_CRLS,
        authorize: Authorize | None = None,
        client_certificate: ClientCertificate = "required",
        policy: Policy = Policy(),
        now: float,
        at: datetime,
    ) -> None:
        if authorize is not None and not callable(authorize):
            raise InvalidPolicy("authorize", authorize, "None, an AllowList or another function")
        if client_certificate not in ("required", "optional"):
            raise InvalidPolicy("client_certificate", client_certificate, "required or optional")
        super().__init__(policy, now, at)
        self._authorize = authorize
        self._optional = client_certificate == "optional"
        self._judgement = Judgement(
            chain,
            _ClientNames(),
            None,
            anchors,
            public_key=public_key,
            crls=crls,
            role="client",
            policy=policy,
            now=now,
            at=self._wall_clock(),
            hop=_HOP,
            note=self._note_at,
            validate=self._validate,
            refused=_no_connection,
            done=self._judged,
        )
        self._judgement.begin()

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, once there is one: the same as `result`."""
        return self._result

    @property
    def admission(self) -> Admission | None:
        """How the server goes on with the connection, once there is a verdict."""
        verdict = self._result
        if verdict is None:
            return None
        if verdict.accepted:
            return Admission.AUTHENTICATED
        served = self._optional and verdict.code == "tls.no-certificate"
        return Admission.UNAUTHENTICATED if served else Admission.CLOSE

    def _judged(self, _judgement: Judgement, decision: Decision) -> None:
        if decision.outcome is Outcome.ACCEPTED:
            decision = self._authorized(decision)
        elif self._optional and decision.code == "tls.no-certificate":
            self._note("inbound.unauthenticated", _HOP, None)
        self._conclude(decision)

    def _authorized(self, decision: Decision) -> Decision:
        """Ask whether an authenticated client may connect; before that it is nobody who could."""
        self._note_relaxations(decision.identities)
        authorize = self._authorize
        if authorize is None:
            return decision
        answer: object = authorize(decision.identities)
        if type(answer) is not bool:
            # A coroutine, for example, is true whatever it will return.
            raise LocalProtocolError(f"authorize must return True or False, not {answer!r}")
        rule = str(authorize) if isinstance(authorize, AllowList) else "what the server's own rule allows"
        code = "inbound.allowed" if answer else "inbound.not-allowed"
        self._note(code, _HOP, (rule, _told(decision.identities)))
        if not answer:
            return Decision(Outcome.REJECTED, "none", code)
        return Decision(decision.outcome, decision.method, code, decision.identities, decision.until)

    def _note_relaxations(self, identities: tuple[Identity, ...]) -> None:
        """Name what would not have been accepted under the default policy."""
        if any(identity.origin == "cn" for identity in identities):
            self._note("policy.relaxed", _HOP, "allow_cn")
        if self.policy.eku == "lax-client":
            for entry in self._ledger.values():
                event = entry.event
                if isinstance(event, PathValidated):
                    path = up_to_anchor([Certificate(der) for der in event.path], event.action.anchors)
                    if purpose_faults(path, "interop", "client"):
                        self._note("policy.relaxed", _HOP, "eku=lax-client")

    def _run_out(self) -> None:
        self._note("limit.seconds", _HOP, self.policy.limits.seconds)
        self._conclude(Decision(Outcome.UNDETERMINED, "none", "limit.seconds"))

    def _conclude(self, decision: Decision) -> None:
        accepted = decision.outcome is Outcome.ACCEPTED
        leaf = self._judgement.leaf
        self._finish(
            Verdict(
                decision.outcome,
                decision.method,
                decision.code,
                "",
                None,
                None,
                "server",
                None if leaf is None else leaf.der,
                None,
                decision.identities if accepted else (),
                decision.until if accepted else math.inf,
                tuple(self._journal),
                self._began,
                self._now,
                decision.place,
            )
        )


class _ClientNames:
    """The names in a client's certificate, held against nothing: each identity counts."""

    __slots__ = ("domain",)

    def __init__(self) -> None:
        self.domain: Final = ""

    def check(self, path: list[Certificate], policy: Policy) -> Identification:
        """Collect the identities of a certificate (RFC 5922 section 7.1) for which its issuers may speak (D-PATH-1)."""
        leaf = path[0]
        try:
            leaf.names_up_to(policy.limits.sans)
        except TooManyNames:
            return Identification("limit.sans", (), (("limit.sans", f"more than {policy.limits.sans} names"),))
        # A wildcard is the name of no domain, so it proves none (RFC 5922 section 7.2).
        seen = [each for each in sip_identities(leaf, allow_cn=policy.allow_cn) if "*" not in each.domain]
        identities = tuple([identity for identity in seen if permitted(identity, path)])
        if identities:
            return Identification("inbound.identities", identities, (("inbound.identities", _told(identities)),))
        if seen:
            fault, found = "chain.name-constraints", _told(tuple(seen))
        else:
            fault = "cert.no-identities"
            compared = comparisons("", "domain", path, policy, wildcards=False)
            found = "; ".join([str(each) for each in islice(compared, _SHOWN)]) or "no names"
        return Identification(fault, (), ((fault, ("a SIP domain", found)),))


def _told(identities: tuple[Identity, ...]) -> str:
    return _listed([f"{identity.origin} {identity.domain}" for identity in identities])


def _listed(names: list[str]) -> str:
    return ", ".join([*names[:_SHOWN], *([f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else [])])


def _no_connection(_judgement: Judgement) -> None:
    """There is no connection to close: the caller holds it."""
