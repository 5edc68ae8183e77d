"""What cert prints."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict

from siptls.comparison import ReferenceKind
from siptls.identity import Role
from siptls.verdict import Method, Outcome

from .verdicts import ClientVerdict, Step, Verdict

NameKind: TypeAlias = str
"""``uri`` ``dns`` ``srv`` ``cn`` ``ip`` ``email`` ``dirname`` ``rid`` ``x400`` ``ediparty``, or ``other:OID``."""


class Deciding(TypedDict):
    """What decided, and for which role of the certificate."""

    outcome: Outcome
    method: Method
    code: str
    certificate_role: Role


class Verdicts(TypedDict):
    """The verdicts by what the certificate is shown as."""

    server: NotRequired[Verdict]
    client: NotRequired[ClientVerdict]


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
