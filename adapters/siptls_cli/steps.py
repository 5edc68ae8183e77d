"""The text of one step: a mark, a label and a line; for a failure its five parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from siptls.journal import Step

    from .terminal import Mark, Terminal

_LABEL_WIDTH: Final = 7
_PART_WIDTH: Final = 10

# "name TYPE -> alias: records (status)" and "name TYPE: REASON: detail", as the core words them. A name holds no blank.
_ANSWER: Final = re.compile(r"(\S+) (A|AAAA|CNAME|NAPTR|SRV|TLSA)((?: -> \S+ \(\w+\))*): (.*)", re.DOTALL)
_DENIED: Final = re.compile(r"(NODATA|NXDOMAIN) \(\w+\)")
# A digest stands alone; what is part of a name is not one.
_DIGEST: Final = re.compile(r"(?<![\w.-])([0-9a-f]{8})[0-9a-f]{16,}([0-9a-f]{8})(?![\w.-])")

_LABELS: Final = {
    "locate.direct": "host", "locate.naptr": "NAPTR", "locate.srv": "SRV", "locate.nonstandard-srv": "SRV",
    "uri": "URI", "locate": "DNS", "dnssec": "DNSSEC", "delegation": "way", "dane": "TLSA", "cert": "cert",
    "chain": "chain", "crl": "CRL", "id": "name", "inbound": "client", "reuse": "reuse", "net": "TCP", "tls": "TLS",
    "limit": "limit", "policy": "policy", "resolver": "DNS",
}  # fmt: skip

WEIGHED: Final = frozenset({"locate.naptr-passed-over", "locate.srv-chosen", "locate.srv-passed-over", "locate.direct"})
"""Why it is these servers and in this order: for those who ask where to go, not for those who ask who is there."""

AUDIT: Final = frozenset(
    {
        "locate.audited", "locate.naptr-incomplete", "locate.naptr-order", "locate.naptr-sips-udp",
        "locate.naptr-equal", "locate.naptr-malformed", "locate.srv-missing", "locate.srv-equal-weights",
        "locate.srv-root-beside", "locate.nonstandard-srv", "locate.one-family", "locate.not-checked",
    }
)  # fmt: skip
"""What an operator should know of the records; none of it has a say in where to go."""

# Where the evidence of a step that speaks for the peer reads better inside a sentence than after it.
_SENTENCES: Final = {
    "locate.naptr-chosen": "chosen: {found}",
    "locate.naptr-passed-over": "passed over: {found}",
    "locate.srv-chosen": "in this order over {found}",
    "locate.srv-passed-over": "passed over: {found}",
    "locate.direct": "the host itself is the server, over {found}",
    "tls.presented": "{found}",
    "chain.valid": "valid: {found}",
    "reuse.candidate": "judged for this domain: {found}",
    "dane.match": "{expected} matches {found}",
    "id.match": "{expected} is named by {found}",
    "id.match-target": "{expected}, to which the domain securely delegates, is named by {found}",
}

# What should have been there, where a step leaves it to the room; the catalogue has the rest.
_EXPECTED: Final = {
    "uri": "a URI that names a domain",
    "locate": "records that lead to a server",
    "route": "a URI that leads back to this element",
    "sips": "a scheme that RFC 5630 allows here",
    "proxy": "a peer that is proven to be the domain for which it acts",
    "dnssec": "an answer that DNSSEC validates",
    "dane": "an answer to the TLSA question, with records that can be used",
    "cert": "a certificate as RFC 5280 defines it",
    "chain": "a valid path to a trust anchor",
    "crl": "a current CRL of the certificate's issuer",
    "id": "a certificate that names the domain",
    "inbound": "a client that may connect",
    "net": "a connection",
    "tls": "a TLS handshake in which the server presents its certificate",
    "limit": "what the limits of the policy allow",
    "policy": "what the policy requires",
}


def shortened(text: str) -> str:
    """Return a text with long digests cut to their first and last eight digits."""
    return _DIGEST.sub(r"\1…\2", text)


def step_lines(step: Step, terminal: Terminal, *, above: str = "", known: bool = False) -> list[str]:
    """Return the lines of one step.

    Args:
        step: the step; its texts are printable ASCII already.
        terminal: what they are shown on.
        above: what the step above has found; a remark on it does not repeat it.
        known: whether it was said before why this matters and what to do.
    """
    lookup = _ANSWER.fullmatch(step.found) if step.severity == "ok" else None
    if lookup is not None:
        return _lookup_lines(lookup, terminal)
    if step.severity == "error":
        return _failure_lines(step, terminal)
    repeats = step.severity != "ok" and step.found != "" and step.found == above
    sentence = step.finding if repeats else _sentence(step)
    lines = terminal.item(step.severity, _label(step.code) + shortened(sentence), hang=_LABEL_WIDTH)
    if step.severity == "warning" and not known:
        lines += _parts(terminal, [("why", step.why), ("fix", step.fix)])
    return lines


def rule_lines(step: Step, terminal: Terminal) -> list[str]:
    """Return the lines that say by which rule a question was asked, to stand below those of its answer.

    Args:
        step: a step with a rule.
        terminal: what they are shown on.
    """
    if step.severity == "error":
        return _parts(terminal, [("rule", step.rule)])
    return terminal.below("rule", step.rule, hang=_LABEL_WIDTH)


def note_lines(step: Step, terminal: Terminal) -> list[str]:
    """Return the lines of a step that is no part of a section but a remark on the whole run."""
    found = f": {shortened(step.found)}" if step.found else ""
    text = f"{step.code}  {step.finding}{found}"
    if step.fix:
        text += f"; {step.fix}"
    return terminal.item(step.severity, text, indent=2, hang=2)


def _lookup_lines(lookup: re.Match[str], terminal: Terminal) -> list[str]:
    name, rrtype, aliases, rest = lookup.groups()
    mark: Mark = "nothing" if _DENIED.fullmatch(rest) else "ok"
    text = f"{rrtype:<{_LABEL_WIDTH}}{name}{aliases}: {shortened(rest)}"
    return terminal.item(mark, text, hang=_LABEL_WIDTH)


def _failure_lines(step: Step, terminal: Terminal) -> list[str]:
    """Each failure says what should have been there, what was, what is behind it, what to do, and where that stands."""
    room = step.code.partition(".")[0]
    lines = terminal.item("error", f"{step.code} — {step.finding}", hang=2)
    parts = [
        ("expected", step.expected or _EXPECTED.get(room, "")),
        ("found", step.found or "none"),
        ("why", step.why),
        ("fix", step.fix),
        ("see", f"siptls explain {step.code}; {step.reference}"),
    ]
    return lines + _parts(terminal, parts)


def _parts(terminal: Terminal, parts: list[tuple[str, str]]) -> list[str]:
    indent = " " * 5
    lines: list[str] = []
    for name, text in parts:
        if text:
            lines += terminal.wrapped(shortened(text), f"{indent}{name:<{_PART_WIDTH}}", indent + " " * _PART_WIDTH)
    return lines


def _label(code: str) -> str:
    room, _, what = code.partition(".")
    label = _LABELS.get(code) or _LABELS.get(f"{room}.{what.partition('-')[0]}") or _LABELS.get(room, "")
    return f"{label:<{_LABEL_WIDTH}}"


def _sentence(step: Step) -> str:
    sentence = _SENTENCES.get(step.code)
    if sentence is not None and step.found and (step.expected or "{expected}" not in sentence):
        return sentence.format(expected=step.expected, found=step.found.rstrip(","))
    return ": ".join(_filled(step.finding, step.expected and f"expected {step.expected}", step.found))


def _filled(*texts: str) -> Iterator[str]:
    return (text for text in texts if text)
