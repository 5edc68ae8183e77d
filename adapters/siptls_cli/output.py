"""The shape of all that ``--format json`` prints, as types: one for each verb, and one for errors.

The JSON schema that comes with the package, and that ``siptls schema`` prints, is made of these types. Fields may be
added in minor releases.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict

from siptls.codes import Severity
from siptls.comparison import ReferenceKind
from siptls.identity import Origin, Role
from siptls.rollover import Action
from siptls.served import Result
from siptls.verdict import Method, Outcome

Transport: TypeAlias = Literal["UDP", "TCP", "TLS", "SCTP", "TLS-SCTP", "WS", "WSS"]
Status: TypeAlias = Literal["secure", "insecure", "bogus", "indeterminate"]
NameKind: TypeAlias = str
"""``uri`` ``dns`` ``srv`` ``cn`` ``ip`` ``email`` ``dirname`` ``rid`` ``x400`` ``ediparty``, or ``other:OID``."""

# Verdicts.


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
    identities: list[ProvenIdentity]
    expires_in: float | None
    findings: list[Weighed]
    steps: list[Step]


# check, locate, demo.


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


# cert.


class Deciding(TypedDict):
    """What decided, and for which role of the certificate."""

    outcome: Outcome
    method: Method
    code: str
    certificate_role: Role


class Verdicts(TypedDict):
    """The verdicts by what the certificate is shown as."""

    server: NotRequired[Verdict]
    client: NotRequired[Verdict]


class CertificateFacts(TypedDict):
    """A certificate; null for what it does not have or what is malformed."""

    sha256: str
    spki_sha256: str
    subject: str
    issuer: str
    serial: str
    not_before: str | None
    not_after: str | None
    ca: bool | None
    key_usage: list[str] | None
    extended_key_usage: list[str] | None


class PresentedName(TypedDict):
    """A name in a certificate, and the SIP domain that it proves, if any."""

    kind: NameKind
    text: str
    identity: str | None


class Compared(TypedDict):
    """A name in a certificate, held against a reference."""

    reference: str
    reference_kind: ReferenceKind
    kind: NameKind
    text: str
    matches: bool
    reason: str
    rule: str


class PathStep(TypedDict):
    """A certificate of a valid path."""

    subject: str
    sha256: str
    not_after: str | None
    source: Literal["file", "anchors"]


class CertOutput(TypedDict):
    """What `siptls cert` prints."""

    file: str
    domain: str
    hosts: list[str]
    at: str
    verdict: Deciding
    verdicts: Verdicts
    certificate: CertificateFacts
    names: list[PresentedName]
    comparisons: list[Compared]
    path: list[PathStep] | None
    lint: list[Step]
    subject_alt_name: str
    duration_ms: int
    exit: int


# dane.


class TlsaRecord(TypedDict):
    """A TLSA record."""

    owner: str
    ttl: int | None
    usage: int
    selector: int
    matching: int
    data: str
    acronyms: str
    rdata: str


class Association(TypedDict):
    """What a record would hold for a certificate or a key."""

    of: str
    data: str


class ExaminedRecord(TlsaRecord):
    """A TLSA record, and what it is good for."""

    result: Result
    reason: str
    computed: list[Association]


class DaneCheckOutput(TypedDict):
    """What `siptls dane check` prints."""

    host: str
    port: int
    domain: str | None
    owner: str
    security: Status | None
    ttl: int | None
    records: list[ExaminedRecord]
    missing: list[TlsaRecord]
    verdict: Verdict
    findings: list[Finding]
    duration_ms: int
    exit: int


class DaneGenerateOutput(TypedDict):
    """What `siptls dane generate` prints."""

    records: list[TlsaRecord]
    of: str
    source: str
    verified: bool
    remarks: list[str]
    findings: list[Finding]
    exit: int


class DaneLintOutput(TypedDict):
    """What `siptls dane lint` prints."""

    owner: str | None
    records: list[ExaminedRecord]
    missing: list[TlsaRecord]
    findings: list[Finding]
    exit: int


class Pending(TypedDict):
    """A record that is to be made as soon as there is what comes next."""

    usage: int
    selector: int
    matching: int
    acronyms: str


class Stage(TypedDict):
    """What to do, from when on, and the records that stand in the zone then."""

    action: Action
    at: str
    records: list[TlsaRecord]
    pending: list[Pending]


class Plan(TypedDict):
    """The change of a server's certificate or key."""

    stages: list[Stage]
    added: list[TlsaRecord]
    removed: list[TlsaRecord]
    earliest: str
    switch: str
    publish_by: str
    in_time: bool


class DaneRolloverOutput(TypedDict):
    """What `siptls dane rollover` prints."""

    host: str
    port: int
    owner: str
    ttl: int
    plan: Plan
    findings: list[Finding]
    exit: int


# explain, and errors.


class CodeEntry(TypedDict):
    """An entry of the catalogue of codes."""

    id: str
    severity: Severity
    title: str
    why: str
    impact: str
    causes: list[str]
    confirm: list[str]
    fix: str
    reference: str


class ExplainCodeOutput(TypedDict):
    """What `siptls explain CODE` prints."""

    code: CodeEntry
    exit: int


class ExplainListOutput(TypedDict):
    """What `siptls explain --list` prints."""

    codes: list[CodeEntry]
    exit: int


class ExitCode(TypedDict):
    """What a process returns, and what that means."""

    code: int
    title: str
    why: str


class ExplainExitOutput(TypedDict):
    """What `siptls explain exit` prints."""

    exit_codes: list[ExitCode]
    exit: int


class Error(TypedDict):
    """What ended a run without a result, and where."""

    code: str
    message: str
    position: NotRequired[int]
    file: NotRequired[str]
    line: NotRequired[int]


class ErrorOutput(TypedDict):
    """What any verb prints instead of a result."""

    error: Error


OUTPUTS = (
    CheckOutput,
    LocateOutput,
    CertOutput,
    DaneCheckOutput,
    DaneGenerateOutput,
    DaneLintOutput,
    DaneRolloverOutput,
    ExplainCodeOutput,
    ExplainListOutput,
    ExplainExitOutput,
    DemoOutput,
    ErrorOutput,
)
"""All that can be printed."""
