"""What was found out about a certificate file, as text for people and as values for JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from siptls.certificate import KEY_USAGES, Certificate
from siptls.comparison import Comparison, shown
from siptls.errors import InvalidCertificate
from siptls.identity import dns_host, sip_identities, uri_host
from siptls.journal import printable, when
from siptls.path_rules import PURPOSES
from siptls_io.anchors import loaded

from .report import HEADS, REMARKS, head, heading, milliseconds, remarks, section_lines
from .steps import shortened, step_lines

if TYPE_CHECKING:
    from .cert import Judged
    from .terminal import Mark, Terminal

T = TypeVar("T")

_LABEL: Final = 10
_NAMES: Final = 20  # shown in text for each reference
_DAY: Final = timedelta(days=1)


def report_dict(judged: Judged) -> dict[str, object]:
    """Return what was found out as values for JSON.

    Args:
        judged: the certificate, what its peers say, and why.
    """
    role, verdict = judged.deciding
    return {
        "file": printable(judged.file),
        "domain": judged.domain,
        "hosts": list(judged.hosts),
        "at": when(judged.at),
        "verdict": {
            "outcome": verdict.outcome.value,
            "method": verdict.method,
            "code": verdict.code,
            "certificate_role": role,
        },
        "verdicts": {role: verdict.to_dict() for role, verdict in judged.verdicts.items()},
        "certificate": _certificate_dict(judged.leaf),
        "names": _names(judged),
        "comparisons": [comparison.to_dict() for comparison in judged.comparisons],
        "path": [_path_dict(der, judged) for der in judged.path] or None,
        "lint": [step.to_dict() for step in judged.findings],
        "subject_alt_name": judged.wanted,
    }


def report_text(judged: Judged, terminal: Terminal, seconds: float) -> str:
    """Return what was found out as text for people.

    Args:
        judged: the certificate, what its peers say, and why.
        terminal: what the text is shown on.
        seconds: how long it took.
    """
    role, verdict = judged.deciding
    mark, word = HEADS[verdict.outcome]
    roles = " and ".join(judged.verdicts) if verdict.accepted else role
    by = f"by {verdict.method.upper()}" if verdict.accepted else verdict.code
    lines = head(terminal, mark, word, printable(f"{judged.file} for {judged.domain}"), f"{by} as {roles}")
    lines += ["", *heading(terminal, "CERTIFICATE"), *_certificate_lines(judged, terminal)]
    for reference in (judged.domain, *judged.hosts):
        lines += _reference_lines(reference, judged, terminal)
    for role, verdict in judged.verdicts.items():
        lines += heading(terminal, f"{role.upper()}  {judged.domain}")
        lines += section_lines([s for s in verdict.steps if not s.code.startswith(REMARKS)], terminal)
        lines += remarks(verdict.steps, terminal)
    lines += _path_lines(judged, terminal)
    lines += _lint_lines(judged, terminal)
    lines += [*heading(terminal, "CSR"), *terminal.wrapped(judged.wanted, "     ", "       ")]
    lines += terminal.wrapped(f"{milliseconds(seconds)} · exit {judged.exit_code}", "  ", "  ")
    return "\n".join(lines)


# The certificate.


def _read(attribute: Callable[[], T]) -> T | None:
    """Read an attribute; of a malformed one the verdict says what is wrong."""
    try:
        return attribute()
    except InvalidCertificate:
        return None


def _usages(certificate: Certificate) -> list[str] | None:
    usages = _read(lambda: certificate.key_usage)
    return None if usages is None else [usage for usage in KEY_USAGES if usage in usages]


def _purposes(certificate: Certificate) -> list[str] | None:
    purposes = _read(lambda: certificate.extended_key_usage)
    return None if purposes is None else [PURPOSES.get(purpose, purpose) for purpose in purposes]


def _name(der: bytes, *, issuer: bool = False) -> str:
    """The subject or issuer as RFC 4514 writes it; empty if there is none, or none that the library can read."""
    certificate = loaded(der)
    try:
        name = None if certificate is None else certificate.issuer if issuer else certificate.subject
        return "" if name is None else printable(name.rfc4514_string())
    except (ValueError, TypeError, Warning):
        return ""


def _time(read: Callable[[], datetime]) -> str | None:
    time = _read(read)
    return None if time is None else when(time)


def _digest(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def _certificate_dict(certificate: Certificate) -> dict[str, object]:
    return {
        "sha256": _digest(certificate.der),
        "spki_sha256": _digest(certificate.spki),
        "subject": _name(certificate.der),
        "issuer": _name(certificate.der, issuer=True),
        "serial": f"{certificate.serial:x}",
        "not_before": _time(lambda: certificate.not_before),
        "not_after": _time(lambda: certificate.not_after),
        "ca": _read(lambda: certificate.is_ca),
        "key_usage": _usages(certificate),
        "extended_key_usage": _purposes(certificate),
    }


def _path_dict(der: bytes, judged: Judged) -> dict[str, object]:
    """One certificate of the path; what the file does not have comes from the trust anchors."""
    return {
        "subject": _name(der),
        "sha256": _digest(der),
        "not_after": _time(lambda: Certificate(der).not_after),
        "source": "file" if der in judged.chain else "anchors",
    }


def _names(judged: Judged) -> list[dict[str, object]]:
    """Each name once, with the SIP domain that it makes the certificate speak for, if any (RFC 5922 section 7.1)."""
    try:
        names = (*(judged.leaf.names or ()), *judged.leaf.common_names)
        identities = {(i.origin, i.domain) for i in sip_identities(judged.leaf, allow_cn=judged.allow_cn)}
    except InvalidCertificate:
        return []
    found: list[dict[str, object]] = []
    for name in names:
        kind, text = shown(name)
        host = uri_host(name) if name.kind == "uri" else dns_host(name) if name.kind in ("dns", "cn") else None
        found.append({"kind": kind, "text": text, "identity": host if (name.kind, host) in identities else None})
    return found


def _certificate_lines(judged: Judged, terminal: Terminal) -> Iterator[str]:
    leaf = judged.leaf
    begin, end = _read(lambda: leaf.not_before), _read(lambda: leaf.not_after)
    if begin is not None and end is not None:
        in_time = begin <= judged.at <= end
        left = f"{(end - judged.at) // _DAY} days left" if in_time else f"not at {when(judged.at)}"
        mark: Mark = "ok" if in_time else "error"
        yield from terminal.item(mark, f"{'dates':<{_LABEL}}{when(begin)} to {when(end)}, {left}", hang=_LABEL)
    purposes, usages = _purposes(leaf), _usages(leaf)
    facts = (
        ("subject", _name(leaf.der) or "empty"),
        ("issuer", _name(leaf.der, issuer=True) or "empty"),
        ("purposes", ", ".join(purposes) if purposes else "not limited"),
        ("key usage", ", ".join(usages) if usages else "not limited"),
        ("SHA-256", shortened(_digest(leaf.der))),
    )
    for label, fact in facts:
        yield from terminal.item("nothing", f"{label:<{_LABEL}}{fact}", hang=_LABEL)


# The names.


def _reference_lines(reference: str, judged: Judged, terminal: Terminal) -> Iterator[str]:
    compared = [each for each in judged.comparisons if each.reference == reference]
    is_domain = reference == judged.domain
    what = "the SIP domain" if is_domain else "a host, which counts where DNSSEC leads to it"
    yield from heading(terminal, f"NAMES  {reference}, {what}")
    if not compared:
        yield from terminal.item("nothing", "no name that could be compared")
    told = [each for place, each in enumerate(compared) if place < _NAMES or each.matches]
    for each in told:
        yield from terminal.item("ok" if each.matches else "nothing", _compared(each), hang=2)
    if len(compared) > len(told):
        yield from terminal.item("nothing", f"and {len(compared) - len(told)} more, none of which matches")


def _compared(comparison: Comparison) -> str:
    return f"{comparison.kind} {comparison.text}: {comparison.reason}"


# The path and the lint.


def _path_lines(judged: Judged, terminal: Terminal) -> Iterator[str]:
    if judged.path:
        yield from heading(terminal, "PATH")
    for der in judged.path:
        source = "from the file" if der in judged.chain else "a trust anchor"
        facts = _path_dict(der, judged)
        yield from terminal.item("ok", f"{facts['subject'] or 'empty subject'}, until {facts['not_after']}, {source}")


def _lint_lines(judged: Judged, terminal: Terminal) -> Iterator[str]:
    """What the lint says and no verdict has said before."""
    said = {step.code for verdict in judged.verdicts.values() for step in verdict.steps}
    steps = [step for step in judged.findings if step.code not in said]
    yield from heading(terminal, "LINT") if steps else []
    for step in steps:
        yield from step_lines(step, terminal)
