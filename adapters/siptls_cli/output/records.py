"""What dane prints: TLSA records, what they are good for, and plans."""

from __future__ import annotations

from typing import TypedDict

from siptls.rollover import Action
from siptls.served import Result

from .verdicts import Finding, Status, Verdict


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
