"""What check, locate and demo print: verdicts, routes, and the steps that led to them."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict

from siptls.codes import Severity
from siptls.identity import Origin, Role
from siptls.verdict import Method, Outcome

Transport: TypeAlias = Literal["UDP", "TCP", "TLS", "SCTP", "TLS-SCTP", "WS", "WSS"]
Status: TypeAlias = Literal["secure", "insecure", "bogus", "indeterminate"]


class Server(TypedDict):
    """A server that was located."""

    transport: Transport
    host: str
    port: int
    priority: int
    weight: int


class Endpoint(TypedDict):
    """One address of a server."""

    transport: Transport
    host: str
    address: str
    port: int


class ProvenIdentity(TypedDict):
    """A domain that is proven for the peer, and what says so."""

    domain: str
    origin: Origin


class Weighed(TypedDict):
    """A finding among those that count, in the order of their effect; the step with its code has the rest of it."""

    code: str
    severity: Severity
    hop: str


class Finding(TypedDict):
    """What was found, what it means, and what to do about it."""

    code: str
    severity: Severity
    finding: str
    expected: str
    found: str
    why: str
    fix: str
    reference: str


class Step(Finding):
    """A finding with its place and time; its rule and security are empty for all but answers from the DNS."""

    seconds: float
    hop: str
    rule: str
    security: Status | Literal[""]


class Verdict(TypedDict):
    """What came of judging a peer."""

    outcome: Outcome
    method: Method
    code: str
    domain: str
    target: Server | None
    endpoint: Endpoint | None
    role: Role
    leaf: str | None
    reused: bool
    identities: list[ProvenIdentity]
    expires_in: float | None
    findings: list[Weighed]
    steps: list[Step]


class ClientVerdict(Verdict):
    """What came of judging a client: the names that are proven for it besides, and how a server goes on with it."""

    hosts: list[ProvenIdentity]
    admission: Literal["authenticated", "unauthenticated", "close"]


class CheckOutput(TypedDict):
    """What `siptls check` prints."""

    uri: str
    verdict: Verdict
    duration_ms: int
    exit: int


class Target(Server):
    """A server that was located, with one of its addresses."""

    address: str


class LocateOutput(TypedDict):
    """What `siptls locate` prints."""

    uri: str
    via: NotRequired[str]
    targets: list[Target]
    complete: bool
    outcome: Outcome | None
    code: str | None
    sips: bool | None
    expires_in: float | None
    steps: list[Step]
    duration_ms: int
    exit: int


class Expected(TypedDict):
    """The verdict that a scenario must come to."""

    outcome: Outcome
    method: Method
    code: str


class Scenario(TypedDict):
    """What came of one scenario with one kind of event loop."""

    name: str
    story: str
    loop: Literal["asyncio", "trio", "anyio", "blocking"]
    uri: str
    expected: Expected
    expected_server: int
    as_expected: bool
    difference: str | None
    verdict: Verdict
    server: int
    answer: str | None
    connections: int
    stray_octets: int
    milliseconds: float


class DemoOutput(TypedDict):
    """What `siptls demo` prints."""

    scenarios: list[Scenario]
    as_expected: int
    duration_ms: int
    exit: int
