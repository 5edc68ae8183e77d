"""Judge a client that connected to us (RFC 5922 section 7.4).

Nobody was asked for, so there is no name to look for: the certificate says who the client is, if its path is valid.
Beside that, DNSSEC can speak for a client in three ways, each for the name that the caller passes and for no other. All
ways are taken, what each has proven counts, and then the server decides whether that one may connect.

A registrar and a redirect server are servers like any other (RFC 5922 sections 7.6 and 7.7). A proxy judges who
connects to it by `Inbound`, and whom it connects to by `Outbound` (section 7.5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final, TypeAlias

from .admission import Admission, AllowList, Authorize, ClientCertificate, ClientVerdict, DaneFailure
from .certificate import Certificate
from .client_names import CertificateNames, told
from .decision import Decision
from .dns.question import Lookup
from .errors import InvalidPolicy, LocalProtocolError
from .events import Anchors, Event, PathValidated, TlsFacts, ValidatePath
from .identity import Identity
from .judgement import Judgement
from .machine import Machine
from .names import domain as checked_domain
from .path_rules import purpose_faults, up_to_anchor
from .policy import SECURE_TRANSPORTS, Policy
from .proof import Proof, Shown, moved
from .revocation import NO_CRLS, CheckRevocation, Crls
from .server_records import ServerRecords, uri_of_host, uris_of
from .signalled_name import ABORTING, SignalledName
from .soundness import refuse_two_kinds
from .uri import SipUri
from .verdict import Outcome, RawKey

DomainOfClientName: TypeAlias = Callable[[str], str | None]
"""Says which SIP domain a client is that has proven a name which it signalled; None for none."""

_HOP: Final = "CLIENT"
_CODES: Final = {
    "client-name": "inbound.client-name",
    "server-records": "inbound.server-records",
    "sent-by": "inbound.sent-by",
}


class Inbound(Machine[ClientVerdict]):
    """Find out who a client is that connected to us, and whether it may.

    The actions are `ValidatePath` and `CheckRevocation`, and `Lookup` for the names that the caller passes. The
    verdict's ``role`` is ``server`` and its ``domain`` empty, for nobody was looked for: ``identities`` are all SIP
    domains that the client is proven to be, and only of an ACCEPTED verdict are there any. Whether requests may be
    sent back to one of them over this connection is another question (RFC 5923), so no connection is named.

    Without a certificate a client is never authenticated: the verdict is REJECTED with the code
    ``tls.no-certificate``. Whether it is served all the same is the server's own policy: see ``client_certificate``
    and `admission`. No event can turn such a verdict into another one, least of all a Digest response.

    A name is looked up only if it is passed here: none is taken from the certificate, from a From or from a Via. What
    each way proves is added to what the others prove. But a domain or host whose lookups failed, or whose SECURE TLSA
    records do not match, is taken from no name in the certificate; and a client that signalled a name is nobody unless
    that name is proven (D-DANCE-4).

    Args:
        chain: the certificates in DER as the client presented them, its own first; empty if it presented none.
        public_key: the DER of the SubjectPublicKeyInfo that the client presented instead of certificates (RFC 7250);
            ``chain`` is empty then.
        facts: what is known of the TLS session; ``client_name`` counts only under TLS 1.3.
        client_name: the name in the client's ``dane_clientid`` extension as it came, even an empty one: see
            `siptls.dane_clientid`; None if the client sent none. It is the owner name of its TLSA records.
        claims: SIP domains in A-labels that the client may be a server of: their SRV, address and TLSA records decide.
            One that comes when ``limits.lookups`` is used up counts as one whose lookups failed.
        sent_by: the sent-by of an alias request, ``host`` or ``host:port``, from its topmost Via. It proves the host.
        domain_of_client_name: says which SIP domain a proven ``client_name`` stands for; None means that it stands for
            none. It must be pure: it does no I/O.
        dane_failure: what becomes of a client where the name that was looked up is not proven and nothing else is:
            ``abort`` closes the connection; ``unauthenticated`` serves it as nobody. Where the standard says that a
            server must abort, it is closed in any case.
        anchors: the trust anchors for PKIX.
        crls: the CRLs for ``policy.revocation``.
        authorize: who may connect. None lets everybody who is authenticated; an `AllowList` lets those in it; any other
            function is called once with all identities, and only if nothing else stands against the client. It must
            be pure: it does no I/O. A server of several domains gives the connections of each its own.
        client_certificate: ``required`` closes connections without a certificate, ``optional`` serves them. One that
            is presented and not accepted is never served, unless ``dane_failure`` says so.
        policy: what the caller wants. ``eku`` holds for the role of a client, ``transports`` for ``claims``.
        now: the monotonic clock, in seconds.
        at: the wall clock at ``now``, an aware datetime; certificates must be valid then.

    Raises:
        InvalidName: a claim is no domain name in A-labels, or ``claims`` is one text; later,
            ``domain_of_client_name`` returned such a text.
        InvalidPolicy: ``authorize`` or ``domain_of_client_name`` cannot be called, ``client_certificate`` or
            ``dane_failure`` is none of its values, or the policy names a transport without TLS for ``claims``.
        LocalProtocolError: ``at`` is naive, or there is a public key beside a chain; later, ``authorize`` returned
            something else than True or False, or ``domain_of_client_name`` something else than a text or None.
            Whatever they raise themselves passes through. In all these cases the verdict is REJECTED by then.

    Source: RFC 5922 sections 7.1, 7.4 to 7.8 and 8.1, RFC 5924 section 5, draft-ietf-dance-client-auth-13.
    """

    __slots__ = ("_authorize", "_certified", "_domain_of", "_judgement", "_key", "_lenient", "_optional", "_parts")

    def __init__(
        self,
        chain: tuple[bytes, ...],
        *,
        public_key: bytes | None = None,
        facts: TlsFacts | None = None,
        client_name: str | None = None,
        claims: Iterable[str] = (),
        sent_by: str | None = None,
        domain_of_client_name: DomainOfClientName | None = None,
        dane_failure: DaneFailure = "abort",
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
        if domain_of_client_name is not None and not callable(domain_of_client_name):
            raise InvalidPolicy("domain_of_client_name", domain_of_client_name, "None or a function")
        if client_certificate not in ("required", "optional"):
            raise InvalidPolicy("client_certificate", client_certificate, "required or optional")
        if dane_failure not in ("abort", "unauthenticated"):
            raise InvalidPolicy("dane_failure", dane_failure, "abort or unauthenticated")
        claimed = uris_of(claims)
        if claimed and policy.transports is not None and not SECURE_TRANSPORTS.issuperset(policy.transports):
            raise InvalidPolicy("transports", policy.transports, "only tls, tls-sctp and wss: a peer is to be verified")
        refuse_two_kinds(chain, public_key)
        super().__init__(policy, now, at)
        self._authorize = authorize
        self._domain_of = domain_of_client_name
        self._optional = client_certificate == "optional"
        self._lenient = dane_failure == "unauthenticated"
        self._parts: tuple[SignalledName | ServerRecords, ...] | None = None  # None until all of them have begun
        self._certified: Decision | None = None
        self._key = None if public_key is None else RawKey(public_key)
        shown = Shown(chain, public_key, anchors, crls)
        self._judgement = self._judge(shown)
        self._judgement.begin()
        if self._worth_a_lookup(public_key):
            self._look_up(shown, client_name, "" if facts is None else facts.version, claimed, sent_by)
        else:
            self._parts = ()
        self._settle()
        self._go_on()

    @property
    def verdict(self) -> ClientVerdict | None:
        """The verdict, once there is one: the same as `result`."""
        return self._result

    @property
    def admission(self) -> Admission | None:
        """How the server goes on with the connection, once there is a verdict."""
        return None if self._result is None else self._result.admission

    # The ways.

    def _judge(self, shown: Shown) -> Judgement:
        """Judge by the certificate alone (RFC 5922 section 7.4)."""
        return Judgement(
            shown.chain,
            CertificateNames(),
            None,
            shown.anchors,
            public_key=shown.public_key,
            crls=shown.crls,
            role="client",
            policy=self.policy,
            now=self._now,
            at=self._wall_clock(),
            hop=_HOP,
            note=self._note_at,
            validate=self._validate,
            done=self._judged,
        )

    def _judged(self, _judgement: Judgement, decision: Decision) -> None:
        self._certified = decision
        self._go_on()

    def _worth_a_lookup(self, public_key: bytes | None) -> bool:
        """Whether the client presented anything that records could match."""
        refused = self._certified
        return self._judgement.leaf is not None or (
            public_key is not None and refused is not None and refused.code == "cert.raw-public-key"
        )

    def _look_up(
        self, shown: Shown, client_name: str | None, version: str, claimed: tuple[SipUri, ...], sent_by: str | None
    ) -> None:
        """Begin with the ways that DNSSEC can speak for the client."""
        parts: list[SignalledName | ServerRecords] = []
        policy, now, at, holds_until = self.policy, self._now, self._at, self._holds_until
        if client_name is not None:
            parts.append(SignalledName(client_name, version, shown, policy, now, at, holds_until))
        if not parts or parts[0].result is None:  # else the client broke the protocol, and nothing else counts
            parts += [ServerRecords(uri, "server-records", shown, policy, now, at, holds_until) for uri in claimed]
            if sent_by is not None:
                host = uri_of_host(sent_by)
                if host is None:
                    self._note("inbound.sent-by-unusable", _HOP, sent_by)
                else:
                    parts.append(ServerRecords(host, "sent-by", shown, policy, now, at, holds_until))
        for part in parts:
            self._forward(part)
        self._parts = tuple(parts)

    def _forward(self, part: SignalledName | ServerRecords) -> None:
        """Ask what a part wants to know. Equal questions of several parts are asked once."""
        for action in part.next_actions(now=self._now):
            if isinstance(action, Lookup):
                self._ask(action, partial(self._pass_on, part))
            else:
                assert isinstance(action, (ValidatePath, CheckRevocation))  # no part connects
                self._validate(action, partial(self._pass_on, part))

    def _pass_on(self, part: SignalledName | ServerRecords, event: Event) -> None:
        """Tell a part what came of its question."""
        part.receive(event, now=self._now)
        self._forward(part)
        self._go_on()

    def _go_on(self) -> None:
        """Come to the verdict, when nothing is awaited any more."""
        if self._certified is None or self._parts is None:
            return
        proofs = [part.result for part in self._parts if part.result is not None]
        if len(proofs) == len(self._parts):
            try:
                self._weigh(self._certified, proofs)
            except BaseException:
                # One of the caller's own functions failed. Who goes on all the same finds the client refused.
                place = self._note_at(_HOP, "inbound.rule-failed", None)
                self._conclude(Decision(Outcome.REJECTED, "none", "inbound.rule-failed", place=place))
                raise

    # What the ways come to together.

    def _weigh(self, certified: Decision, proofs: list[Proof]) -> None:
        """Unite what is proven, without what is doubted (D-DANCE-4)."""
        begins = self._tell_parts()
        signalled = proofs[0] if proofs and proofs[0].way == "client-name" else None
        if signalled is not None and not _accepted(signalled.decision):
            self._fail(certified, [signalled], begins)
            return
        proven = [proof for proof in proofs if _accepted(proof.decision)]
        identities: tuple[Identity, ...] = ()
        first: Decision | None = None
        until = math.inf
        for proof in proven:
            added = self._identities_of(proof)
            self._note(_CODES[proof.way], _HOP, proof.told(added))
            assert proof.decision is not None
            place = len(self._journal) - 1
            first = first or Decision(Outcome.ACCEPTED, proof.decision.method, _CODES[proof.way], place=place)
            identities += added
            until = min(until, proof.until)
        named = self._undoubted(certified, proofs)
        if named:
            self._note_relaxations(named)
            first = first or certified
            identities += named
            until = min(until, certified.until)
        if first is None:
            self._fail(certified, proofs, begins)
            return
        decision = Decision(first.outcome, first.method, first.code, identities, until, first.place)
        hosts = tuple([Identity(proof.host, proof.way) for proof in proven])
        self._conclude(self._authorized(decision), tuple(dict.fromkeys(hosts)))

    def _identities_of(self, proof: Proof) -> tuple[Identity, ...]:
        """The SIP domain that a proof makes of the client: a claimed one, or what the caller's mapping says."""
        if proof.way == "server-records":
            return (Identity(proof.name, proof.way),)
        if proof.way == "sent-by" or self._domain_of is None:
            return ()
        domain: object = self._domain_of(proof.name)
        if domain is None:
            return ()
        if type(domain) is not str:
            raise LocalProtocolError(f"domain_of_client_name must return a domain or None, not {domain!r}")
        return (Identity(checked_domain(domain), proof.way),)

    def _undoubted(self, certified: Decision, proofs: list[Proof]) -> tuple[Identity, ...]:
        """The identities that the certificate proves, without those that DNSSEC speaks against or is kept from."""
        if not _accepted(certified):
            return ()
        doubted = frozenset[str]().union(*[proof.doubted for proof in proofs])
        held_back = tuple([each for each in certified.identities if each.domain in doubted])
        if held_back:
            self._note("inbound.held-back", _HOP, told(held_back))
        return tuple([each for each in certified.identities if each.domain not in doubted])

    def _authorized(self, decision: Decision) -> Decision:
        """Ask whether an authenticated client may connect; before that it is nobody who could."""
        authorize = self._authorize
        if authorize is None:
            return decision
        answer: object = authorize(decision.identities)
        if type(answer) is not bool:
            # A coroutine, for example, is true whatever it will return.
            raise LocalProtocolError(f"authorize must return True or False, not {answer!r}")
        rule = str(authorize) if isinstance(authorize, AllowList) else "what the server's own rule allows"
        code = "inbound.allowed" if answer else "inbound.not-allowed"
        place = self._note_at(_HOP, code, (rule, told(decision.identities)))
        if not answer:
            return Decision(Outcome.REJECTED, "none", code, place=place)
        return Decision(decision.outcome, decision.method, code, decision.identities, decision.until, place)

    def _note_relaxations(self, identities: tuple[Identity, ...]) -> None:
        """Name what would not have been accepted under the default policy."""
        if any(identity.origin == "cn" for identity in identities):
            self._note("policy.relaxed", _HOP, "allow_cn")
        if self.policy.eku == "lax-client":
            events = [entry.event for entry in self._ledger.values()]
            found = [event for event in events if isinstance(event, PathValidated)]
            # Those before it led to nothing: the way past an authority was asked for later.
            path = up_to_anchor([Certificate(der) for der in found[-1].path], found[-1].action.anchors)
            if purpose_faults(path, "interop", "client"):
                self._note("policy.relaxed", _HOP, "eku=lax-client")

    # Ends.

    def _fail(self, certified: Decision, proofs: list[Proof], begins: list[int]) -> None:
        """Nothing is proven. What is not known might have been, so it comes before what stands against the client."""
        by_records = [moved(p.decision, begin) for p, begin in zip(proofs, begins, strict=False) if p.decision]
        decisions = [*by_records, *([] if _accepted(certified) else [certified])]
        unknown = [each for each in decisions if each.outcome is Outcome.UNDETERMINED]
        refuted = [each for each in by_records if each.outcome is Outcome.REJECTED]
        weak = [each for each in decisions if each.outcome is Outcome.INSUFFICIENT]
        decision = [*unknown, *refuted, *weak, certified][0]
        served = self._optional and decision.code == "tls.no-certificate"
        if decision in by_records and decision.code not in ABORTING:
            served = self._lenient
        if served:
            self._note("inbound.unauthenticated", _HOP, None)
        self._conclude(decision, (), Admission.UNAUTHENTICATED if served else Admission.CLOSE)

    def _tell_parts(self) -> list[int]:
        """Take over what the parts have found, each as a whole; return where in the journal each begins."""
        begins: list[int] = []
        for part in self._parts or ():
            begins.append(len(self._journal))
            self._journal += part.notes
        return begins

    def _run_out(self) -> None:
        self._tell_parts()
        self._note("limit.seconds", _HOP, self.policy.limits.seconds)
        self._conclude(Decision(Outcome.UNDETERMINED, "none", "limit.seconds", place=len(self._journal) - 1))

    def _conclude(
        self, decision: Decision, hosts: tuple[Identity, ...] = (), admission: Admission = Admission.CLOSE
    ) -> None:
        accepted = decision.outcome is Outcome.ACCEPTED
        leaf = self._judgement.leaf
        self._finish(
            ClientVerdict(
                decision.outcome,
                decision.method,
                decision.code,
                self._key if leaf is None else leaf.der,
                decision.identities if accepted else (),
                hosts if accepted else (),
                Admission.AUTHENTICATED if accepted else admission,
                decision.until if accepted else math.inf,
                tuple(self._journal),
                self._began,
                self._now,
                decision.place,
            )
        )


def _accepted(decision: Decision | None) -> bool:
    return decision is not None and decision.outcome is Outcome.ACCEPTED
