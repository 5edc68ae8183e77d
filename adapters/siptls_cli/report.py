"""Verdicts and routes as text: what came of it on the first line, then the way to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from siptls.journal import printable
from siptls.verdict import Outcome

from .steps import AUDIT, WEIGHED, note_lines, rule_lines, step_lines

if TYPE_CHECKING:
    from siptls import Identity, Route, SipUri, Step, Verdict

    from .terminal import Mark, Terminal

EXITS: Final = {
    Outcome.ACCEPTED: 0,
    Outcome.REJECTED: 1,
    Outcome.UNDETERMINED: 3,
    Outcome.NO_SERVICE: 4,
    Outcome.INSUFFICIENT: 5,
}
"""What the process returns for each outcome."""

HEADS: Final[dict[Outcome, tuple[Mark, str]]] = {
    Outcome.ACCEPTED: ("ok", "VERIFIED"),
    Outcome.REJECTED: ("error", "REJECTED"),
    Outcome.UNDETERMINED: ("question", "UNDETERMINED"),
    Outcome.NO_SERVICE: ("note", "NO SERVICE"),
    Outcome.INSUFFICIENT: ("warning", "INSUFFICIENT"),
}
"""The mark and the word for each outcome."""
REMARKS: Final = ("resolver.", "limit.", "policy.relaxed")
"""How the codes of remarks on the whole run begin."""
_IDENTITIES_SHOWN: Final = 8
_AUDIT: Final = "AUDIT"  # no hop is called so
_REUSE: Final = "REUSE"  # the hop of a connection that is open already; no host is called so, for names are lower case
_DURATIONS_END: Final = 100  # the last column of a duration, however wide the terminal is


def verdict_text(verdict: Verdict, uri: SipUri, terminal: Terminal, seconds: float) -> str:
    """Return a verdict and all that led to it as text for people.

    Args:
        verdict: the verdict.
        uri: the URI that was checked.
        terminal: what the text is shown on.
        seconds: how long the run took.
    """
    mark, word = HEADS[verdict.outcome]
    lines = [*head(terminal, mark, word, str(uri), came_by(verdict)), ""]
    lines += verdict_sections(verdict, terminal)
    if verdict.identities:
        lines += terminal.wrapped(_identities(verdict.identities), "  PROVEN  ", " " * 10)
    lines += remarks(verdict.steps, terminal)
    expires = verdict.to_dict()["expires_in"] if verdict.accepted else None
    holds = f" · holds for {expires:.0f} s" if isinstance(expires, float) else ""
    lines += terminal.wrapped(f"{milliseconds(seconds)}{holds} · exit {EXITS[verdict.outcome]}", "  ", "  ")
    return "\n".join(lines)


def came_by(verdict: Verdict) -> str:
    """Return by what and where a verdict came about."""
    server = verdict.endpoint or verdict.target
    place = "" if server is None else printable(f" at {server.host}")
    if verdict.accepted:
        return f"by {verdict.method.upper()}{place}"
    only = f": by {verdict.method.upper()} only" if verdict.method != "none" else ""
    return f"{verdict.code}{only}{place}"


def verdict_sections(verdict: Verdict, terminal: Terminal) -> list[str]:
    """Return the lines of all that led to a verdict, in their sections."""
    return _sections([step for step in verdict.steps if step.code not in WEIGHED], verdict.domain, terminal)


def route_text(route: Route, uri: SipUri, terminal: Terminal, seconds: float, via: str = "") -> str:
    """Return where a client goes for a URI, or a response for a Via, and why, as text for people.

    Args:
        route: the route.
        uri: the URI that was asked about, or that of the Via.
        terminal: what the text is shown on.
        seconds: how long the run took.
        via: the Via header field value that was asked about; empty for a URI.
    """
    asked = printable(via) or str(uri)
    if route.outcome is None:
        count = sum(len(target.addresses) for target in route.targets)
        by = f"{count} address{'' if count == 1 else 'es'}{'' if route.complete else ', but there may be more'}"
        lines = head(terminal, "ok", "LOCATED", asked, by)
    else:
        mark, word = HEADS[route.outcome]
        lines = head(terminal, mark, word, asked, route.code or "")
    by_srv = any(step.code == "locate.srv-chosen" for step in route.findings)
    number = 0
    for target in route.targets:
        for endpoint in target.endpoints:
            number += 1
            place = f"{printable(target.host)}  {printable(_address(endpoint.address))}:{target.port}"
            order = f"  priority {target.priority} weight {target.weight}" if by_srv else ""
            lines += terminal.wrapped(f"{target.transport.upper():<5}{place}{order}", f"  {number:>2}  ", " " * 11)
    lines += ["", *_sections(route.findings, uri.target, terminal, rules=True), *remarks(route.findings, terminal)]
    expires = route.to_dict()["expires_in"] if route.targets else None
    holds = f" · holds for {expires:.0f} s" if isinstance(expires, float) else ""
    lines += terminal.wrapped(f"{milliseconds(seconds)}{holds} · exit {route_exit(route)}", "  ", "  ")
    return "\n".join(lines)


def route_exit(route: Route) -> int:
    """Return what the process returns for a route: 0 with targets, else as for the outcome."""
    return 0 if route.outcome is None else EXITS[route.outcome]


def head(terminal: Terminal, mark: Mark, word: str, what: str, by: str) -> list[str]:
    """Return the first lines: what came of it, of what, and by what."""
    lines = terminal.item(mark, f"{word}  {what}  {by}", indent=0, hang=2)
    lines[0] = lines[0].replace(word, terminal.coloured("strong", word), 1)
    return lines


class _Section:
    """The steps at one place, and how long they took."""

    def __init__(self, place: str, address: str) -> None:
        self.place = place
        self.address = address
        self.seconds = 0.0
        self.steps: list[Step] = []

    def holds(self, place: str, address: str) -> bool:
        """Whether a step at this place belongs here: a server's first address joins what is known of its name."""
        if place != self.place or (self.address and address and address != self.address):
            return False
        self.address = self.address or address
        return True


def _sections(steps: Iterable[Step], domain: str, terminal: Terminal, *, rules: bool = False) -> list[str]:
    """LOCATE, then one section for each server and address in the order in which they were tried, and AUDIT.

    With ``rules`` it is said, too, by which rule each question was asked.
    """
    sections: list[_Section] = []
    audit = _Section(_AUDIT, "")
    seconds = 0.0
    for step in steps:
        if step.code.startswith(REMARKS) and step.severity != "error":
            continue
        section = audit
        if step.code not in AUDIT:
            place, address = _place(step.hop)
            # What an audit finds comes when all servers were tried, and belongs to the one that it is about.
            known = [each for each in sections if address and (each.place, each.address) == (place, address)]
            if not known and not (sections and sections[-1].holds(place, address)):
                sections.append(_Section(place, address))
            section = known[0] if known else sections[-1]
        section.steps.append(step)
        section.seconds += step.seconds - seconds
        seconds = step.seconds
    lines: list[str] = []
    peers = 0
    for section in [*sections, audit] if audit.steps else sections:
        title = f"LOCATE  {domain}"
        if section.place == _AUDIT:
            title = f"{_AUDIT}  {domain}"
        elif section.place.startswith(f"{_REUSE}:"):
            title = f"{_REUSE}  {section.address}"
        elif section.place:
            peers += 1
            host = section.place.rpartition(":")[0] if section.address else section.place
            title = f"PEER {peers}  {host}  {section.address}".rstrip()
        lines += heading(terminal, title, section.seconds)
        lines += section_lines(section.steps, terminal, rules=rules)
    return lines


def section_lines(steps: Iterable[Step], terminal: Terminal, *, rules: bool = False) -> list[str]:
    """Return the lines of the steps of one section; with ``rules`` they say, too, by which each question was asked."""
    lines: list[str] = []
    rule = above = ""
    said: set[str] = set()
    for step in steps:
        lines += step_lines(step, terminal, above=above, known=step.code in said)
        above = step.found
        said.add(step.code)
        if rules and step.rule and step.rule != rule:  # questions that are asked together have one rule
            rule = step.rule
            lines += rule_lines(step, terminal)
    return lines


def heading(terminal: Terminal, title: str, seconds: float | None = None) -> list[str]:
    """Return the lines of the heading of a section, and how long that took if it is known."""
    lines = terminal.wrapped(title, "  ", "    ")
    duration = "" if seconds is None else milliseconds(seconds)
    blanks = min(terminal.width, _DURATIONS_END) - len(lines[0]) - len(duration)
    if duration and len(lines) == 1 and blanks >= 2:
        lines[0] += " " * blanks + duration
    lines[0] = "  " + terminal.coloured("strong", lines[0][2:])
    return lines


def _place(hop: str) -> tuple[str, str]:
    """Split a hop into a server's name and its address with the port; both are empty for LOCATE."""
    host, blank, address = hop.rpartition(" ")
    if blank:
        return f"{host}:{address.rpartition(':')[2]}", address
    return ("", "") if hop == "LOCATE" else (hop, "")


def remarks(steps: Iterable[Step], terminal: Terminal) -> list[str]:
    """Return the lines of those steps that are remarks on the whole run."""
    lines: list[str] = []
    for step in steps:
        if step.code.startswith(REMARKS) and step.severity != "error":
            lines += note_lines(step, terminal)
    return lines


def _identities(identities: tuple[Identity, ...]) -> str:
    shown = ", ".join([printable(f"{i.domain} ({i.origin})") for i in identities[:_IDENTITIES_SHOWN]])
    more = len(identities) - _IDENTITIES_SHOWN
    return shown if more <= 0 else f"{shown} and {more} more"


def _address(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def milliseconds(seconds: float) -> str:
    """Return a duration as it is shown."""
    return f"{round(seconds * 1000)} ms"
