"""What `cert` does: judge a certificate that stands in a file, before anybody meets it. Nothing is sent anywhere."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from siptls import AllowList, Anchors, Crls, Inbound, Policy, Verdict
from siptls.certificate import Certificate
from siptls.certificate_lint import lint, subject_alt_name
from siptls.comparison import Comparison
from siptls.errors import InvalidCertificate
from siptls.events import PathValidated, ValidatePath
from siptls.identity import host_names, matches_host
from siptls.journal import Step
from siptls.names import domain as checked_domain
from siptls.names import ip_literal
from siptls.references import References
from siptls.revocation import CheckRevocation
from siptls.verification import Verification
from siptls_io import InvalidPem, crls_from_files
from siptls_io.a_labels import host_to_a_labels
from siptls_io.paths import validate_path
from siptls_io.pem import numbered_certificates_of
from siptls_io.revocation import check_revocation

from . import inputs
from .cert_text import report_dict, report_text
from .problem import Problem, shown
from .report import EXITS
from .terminal import Terminal, put

if TYPE_CHECKING:
    from .given import Cert

Role: TypeAlias = Literal["server", "client"]

_LARGEST: Final = 1 << 20  # octets of a file
GRAVEST: Final = (1, 3, 5, 4, 0)
"""The exit codes, the gravest first: with two roles that one counts."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found out about a certificate.

    Attributes:
        file: where it stands.
        domain: the SIP domain that it is to name.
        hosts: the hosts that it is to name besides.
        at: the time of judging.
        allow_cn: whether a common name may count.
        leaf: the certificate.
        chain: the same in DER, and what is presented with it.
        verdicts: what its peers say, by what it is shown as.
        path: the validated path in DER, leaf first, anchor last; empty if there is none.
        comparisons: each of its names held against each reference.
        findings: what the lint says.
        wanted: the subjectAltName that would be right.
    """

    file: str
    domain: str
    hosts: tuple[str, ...]
    at: datetime
    allow_cn: bool
    leaf: Certificate
    chain: tuple[bytes, ...]
    verdicts: dict[Role, Verdict]
    path: tuple[bytes, ...]
    comparisons: tuple[Comparison, ...]
    findings: tuple[Step, ...]
    wanted: str

    @property
    def exit_code(self) -> int:
        """The exit code of the gravest verdict."""
        codes = {EXITS[verdict.outcome] for verdict in self.verdicts.values()}
        return next(code for code in GRAVEST if code in codes)

    @property
    def deciding(self) -> tuple[Role, Verdict]:
        """The verdict that the exit code tells, the first one if there are several."""
        return next(pair for pair in self.verdicts.items() if EXITS[pair[1].outcome] == self.exit_code)


def cert(given: Cert) -> int:
    """Judge a certificate file, and print the verdict with all reasons.

    Args:
        given: the command line.

    Returns:
        The exit code for the verdict; with two roles that of the graver one.

    Raises:
        Problem, SiptlsError: what was given cannot be used.
    """
    domain, hosts = _domain(given["domain"]), tuple([checked_domain(host_to_a_labels(h)) for h in given["host"]])
    policy = Policy(
        eku=given["eku"],
        allow_cn=given["allow_cn"],
        allow_wildcards=given["allow_wildcards"],
        revocation=inputs.revocation(given),
    )
    chain, anchors, crls = _chain(given["file"]), inputs.anchors(given), crls_from_files(*given["crl"])
    at = given["now"] or datetime.now(UTC)
    began = time.monotonic()
    judged = _judged(given, domain, hosts, chain, policy, at, anchors, crls)
    seconds = time.monotonic() - began
    if given["format"] == "json":
        result = report_dict(judged)
        put(json.dumps({**result, "duration_ms": round(seconds * 1000), "exit": judged.exit_code}, indent=2))
    else:
        terminal = Terminal.of(sys.stdout, ascii_only=given["ascii"], no_color=given["no_color"])
        put(report_text(judged, terminal, seconds))
    return judged.exit_code


def _domain(text: str) -> str:
    if ip_literal(text) is not None:
        raise Problem("usage.error", f"--domain {text}: expected a SIP domain; an address has no domain to verify")
    if text.partition(":")[0].lower() in ("sip", "sips"):
        problem = f"--domain {text!r}: expected a SIP domain such as example.com, without sip: and user"
        raise Problem("usage.error", shown(problem))
    return checked_domain(host_to_a_labels(text))


def _chain(file: str) -> tuple[bytes, ...]:
    """Read the certificates, in PEM or DER, and make sure that each is one."""
    name = "standard input" if file == "-" else file
    try:
        octets = _octets(file)
    except OSError as error:
        raise InvalidPem(name, None, error.strerror or str(error)) from error
    if len(octets) > _LARGEST:
        raise InvalidPem(name, None, f"expected at most {_LARGEST} octets")
    numbered = numbered_certificates_of(octets, name)
    for number, (der, line) in enumerate(numbered, 1):
        try:
            _ = Certificate(der).subject
        except InvalidCertificate as error:
            problem = f"certificate {number}: {error.place}: expected {error.expected}"
            raise InvalidPem(name, line, problem) from error
    return tuple([der for der, _ in numbered])


def _octets(file: str) -> bytes:
    if file == "-":
        if sys.stdin is None:  # closed before we were started
            raise OSError("it is closed")
        return sys.stdin.buffer.read(_LARGEST + 1)
    with Path(file).open("rb") as stream:
        return stream.read(_LARGEST + 1)


def _judged(
    given: Cert,
    domain: str,
    hosts: tuple[str, ...],
    chain: tuple[bytes, ...],
    policy: Policy,
    at: datetime,
    anchors: Anchors,
    crls: Crls,
) -> Judged:
    leaf = Certificate(chain[0])
    verdicts: dict[Role, Verdict] = {}
    path: tuple[bytes, ...] = ()
    if given["role"] != "client":
        target = _target(leaf, hosts)
        server = Verification(
            chain, domain=domain, target=target, anchors=anchors, crls=crls, policy=policy, now=0.0, at=at
        )
        verdicts["server"], path = _driven(server)
    if given["role"] != "server":
        allowed = AllowList([domain])
        client = Inbound(chain, anchors=anchors, crls=crls, authorize=allowed, policy=policy, now=0.0, at=at)
        verdicts["client"], found = _driven(client)
        path = path or found
    return Judged(
        file=given["file"],
        domain=domain,
        hosts=hosts,
        at=at,
        allow_cn=policy.allow_cn,
        leaf=leaf,
        chain=chain,
        verdicts=verdicts,
        path=path,
        comparisons=_compared(leaf, path, domain, hosts, policy),
        findings=lint(leaf, domains=[domain], hosts=hosts, at=at, role=given["role"]),
        wanted=subject_alt_name([domain], hosts),
    )


def _target(leaf: Certificate, hosts: tuple[str, ...]) -> str | None:
    """Return the host of which to say that its name alone does not suffice, if the certificate names one."""
    try:
        names = host_names(leaf)
    except InvalidCertificate:
        names = ()
    named = [host for host in hosts if matches_host(host, names) is not None]
    return next(iter((*named, *hosts)), None)


def _driven(machine: Verification | Inbound) -> tuple[Verdict, tuple[bytes, ...]]:
    """Drive a machine to its verdict, which takes no time on its clock; return the valid path, too."""
    path: tuple[bytes, ...] = ()
    while machine.result is None:
        for action in machine.next_actions(now=0.0):
            if isinstance(action, CheckRevocation):
                machine.receive(check_revocation(action), now=0.0)
                continue
            assert isinstance(action, ValidatePath)  # these machines ask for nothing else
            event = validate_path(action)
            path = event.path if isinstance(event, PathValidated) else path
            machine.receive(event, now=0.0)
    return machine.result, path


def _compared(
    leaf: Certificate, path: tuple[bytes, ...], domain: str, hosts: tuple[str, ...], policy: Policy
) -> tuple[Comparison, ...]:
    """Hold each name against each reference; nothing is compared where the names cannot be read."""
    certificates = [leaf, *[Certificate(der) for der in path[1:]]]
    try:
        return References(domain, hosts, True, domain).compare(certificates, policy)
    except InvalidCertificate:
        return ()
