"""The deployments that are measured, and the shortest driver that runs a machine through one.

The driver makes each event when its turn comes, as an adapter does; the answers lie ready, as in a resolver's cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from siptls import (
    Anchors,
    Answered,
    Close,
    Connect,
    ConnectFailed,
    Inbound,
    Lookup,
    Outbound,
    PathValidated,
    Policy,
    Presented,
    Security,
    SipUri,
    TlsFacts,
    ValidatePath,
    Verdict,
    Verification,
)
from siptls.dns import Address, Answer, Denial, Naptr, Record, Source, Srv, Tlsa
from siptls.dns.question import RRType

from .certificates import AT, INTERMEDIATE, LEAF, ROOT, SPKI

TEXT: Final = "sip:alice@example.com"
URI: Final = SipUri.parse(TEXT)
NOW: Final = 1_000.0
ANCHORS: Final = Anchors((ROOT,), name="the root")
POLICY: Final = Policy()

_SRV: Final = "_sips._tcp.example.com"
_FACTS: Final = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "sip0.example.com", False)
_SOURCE: Final = Source("a cache")
_WRONG: Final = hashlib.sha256(b"another key").digest()


def _draw(_below: int) -> int:
    """A source of randomness that costs nothing and always draws the first."""
    return 0


class Deployment:
    """What DNS and the servers of example.com say.

    Args:
        security: the DNSSEC status of all answers.
        leaf: the certificate of the servers in DER.
        targets: how many targets there are.
        tlsa: the association data of the TLSA records; without any there are none.
        usage: the certificate usage of these records; their selector and matching type are 1.
        alive: whether connections succeed.
        policy: the policy of the runs.
    """

    def __init__(
        self,
        security: Security = Security.SECURE,
        *,
        leaf: bytes = LEAF,
        targets: int = 3,
        tlsa: Iterable[bytes] = (_WRONG, hashlib.sha256(SPKI).digest()),
        usage: int = 3,
        alive: bool = True,
        policy: Policy = POLICY,
    ) -> None:
        self.answers: dict[Lookup, Answer] = {}
        self.security = security
        self.spki = SPKI
        self.chain = (leaf, INTERMEDIATE)
        self.path = (leaf, INTERMEDIATE) if usage == 2 else (leaf, INTERMEDIATE, ROOT)
        self.alive = alive
        self.policy = policy
        services = (("SIPS+D2T", _SRV), ("SIP+D2T", "_sip._tcp.example.com"), ("SIP+D2U", "_sip._udp.example.com"))
        order = enumerate(services, 1)
        self._say(
            "example.com", "NAPTR", [Naptr("example.com", 10 * i, 10, "s", s, "", name) for i, (s, name) in order]
        )
        hosts = [f"sip{i}.example.com" for i in range(targets)]
        # The last target is the spare one where there are several.
        priorities = [10] * max(1, targets - 1) + [20]
        self._say(_SRV, "SRV", [Srv(_SRV, p, 60, 5061, host) for p, host in zip(priorities, hosts, strict=False)])
        for host in hosts:
            self._say(host, "A", [Address(host, "192.0.2.1"), Address(host, "192.0.2.2")])
            self._say(host, "AAAA", [Address(host, "2001:db8::1"), Address(host, "2001:db8::2")])
            owner = f"_5061._tcp.{host}"
            self._say(owner, "TLSA", [Tlsa(owner, usage, 1, 1, data) for data in tlsa])

    def _say(self, name: str, rrtype: RRType, records: Iterable[Record]) -> None:
        question, records = Lookup(name, rrtype), tuple(records)
        denial = None if records else Denial.NODATA
        self.answers[question] = Answer(question, (), name, records, denial, self.security, 300, _SOURCE)

    def machine(self, uri: SipUri = URI) -> Outbound:
        """Make a machine that has asked its first question."""
        return Outbound(uri, policy=self.policy, now=NOW, at=AT, randbelow=_draw, anchors=ANCHORS)

    def drive_to_connect(self, machine: Outbound) -> Connect:
        """Drive a machine until it waits for the peer's chain."""
        while True:
            for action in machine.next_actions(now=NOW):
                if type(action) is Connect:
                    return action
                assert type(action) is Lookup
                machine.receive(Answered(action, self.answers[action]), now=NOW)

    def drive(self, machine: Outbound) -> None:
        """Drive a machine to its verdict."""
        answers = self.answers
        while machine.result is None:
            for action in machine.next_actions(now=NOW):
                if type(action) is Lookup:
                    machine.receive(Answered(action, answers[action]), now=NOW)
                elif type(action) is Connect:
                    if self.alive:
                        machine.receive(Presented(action, self.chain, _FACTS), now=NOW)
                    else:
                        machine.receive(ConnectFailed(action, "net.refused"), now=NOW)
                elif type(action) is ValidatePath:
                    machine.receive(PathValidated(action, self.path), now=NOW)
                else:
                    assert type(action) is Close

    def run(self) -> Verdict:
        """Run a machine to its verdict."""
        machine = self.machine()
        self.drive(machine)
        verdict = machine.verdict
        assert verdict is not None
        return verdict

    def judge(self) -> Verdict:
        """Judge the chain alone, as a caller does who located the server and holds the connection."""
        machine = Verification(self.chain, domain="example.com", anchors=ANCHORS, policy=self.policy, now=NOW, at=AT)
        return self._validated(machine)

    def judge_client(self) -> Verdict:
        """Judge the chain of a client that has connected."""
        return self._validated(Inbound(self.chain, anchors=ANCHORS, policy=self.policy, now=NOW, at=AT))

    def _validated(self, machine: Verification | Inbound) -> Verdict:
        for action in machine.next_actions(now=NOW):
            assert isinstance(action, ValidatePath)
            machine.receive(PathValidated(action, self.path), now=NOW)
        verdict = machine.verdict
        assert verdict is not None
        assert verdict.accepted
        return verdict

    def run_from_text(self) -> Verdict:
        """Run a machine to its verdict, with the URI as text."""
        machine = self.machine(SipUri.parse(TEXT))
        self.drive(machine)
        verdict = machine.verdict
        assert verdict is not None
        return verdict
