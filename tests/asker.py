"""The least machine there can be, to show the driving contract with, and the values that its tests share."""

from __future__ import annotations

from datetime import datetime

from pki import Issuer
from siptls import (
    Anchors,
    Answered,
    Connect,
    Endpoint,
    Event,
    Lookup,
    LookupFailed,
    Machine,
    Policy,
    Security,
    TlsFacts,
    ValidatePath,
)
from siptls.dns import Alias, Answer, Denial, Record
from world import AT, SECURE, SOURCE

ROOT = Issuer.root()
LEAF = ROOT.leaf(uris=["sip:example.com"])
FACTS = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "example.com", None)
ENDPOINT = Endpoint("sip.example.com", "192.0.2.1", 5061, "tls")
ANCHORS = Anchors((ROOT.der,))
A = Lookup("sip.example.com", "A")
AAAA = Lookup("sip.example.com", "AAAA")
PATH = ValidatePath(LEAF.der, (), ANCHORS, AT)


class Asker(Machine[str]):
    """The least machine there can be: it asks what it is told to ask, and keeps what it hears."""

    def __init__(self, policy: Policy | None = None, *, now: float = 0.0, at: datetime = AT) -> None:
        super().__init__(policy or Policy(), now, at)
        self.heard: list[Event] = []

    def ask(self, *actions: Lookup | ValidatePath | Connect) -> None:
        for action in actions:
            if isinstance(action, Lookup):
                self._ask(action, self.heard.append)
            elif isinstance(action, ValidatePath):
                self._validate(action, self.heard.append)
            else:
                self._connect(action, self.heard.append)
        self._settle()

    def end(self, result: str) -> None:
        self._finish(result)

    def _run_out(self) -> None:
        self._finish("out of time")


def found(question: Lookup, *records: Record, security: Security = SECURE, aliases: tuple[Alias, ...] = ()) -> Answered:
    """The answer with these records, or the denial of any."""
    owner = aliases[-1].target if aliases else question.name
    denial = None if records else Denial.NODATA
    return Answered(question, Answer(question, aliases, owner, records, denial, security, 300.0, SOURCE))


def connect(attempt: int = 1) -> Connect:
    return Connect(attempt, ENDPOINT, "example.com")


def handed_out(*actions: Lookup | ValidatePath | Connect, policy: Policy | None = None) -> Asker:
    """A machine whose actions were handed out at 0.0."""
    machine = Asker(policy)
    machine.ask(*actions)
    assert machine.next_actions(now=0.0) == actions
    return machine


def heard(event: Answered) -> Answered | LookupFailed:
    """What a machine hears when its driver reports this."""
    machine = handed_out(event.action)
    machine.receive(event, now=0.0)
    assert not machine.outstanding
    (received,) = machine.heard
    assert isinstance(received, (Answered, LookupFailed))
    return received
