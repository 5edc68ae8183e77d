"""TLSA records, findings and plans as text and as values for JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from siptls.journal import Step, finding, when
from siptls.served import Examined, Result, form_of, form_text

from .steps import shortened, step_lines

if TYPE_CHECKING:
    from siptls.dns import Tlsa
    from siptls.rollover import Plan
    from siptls.served import Form
    from siptls.tlsa_lint import Finding

    from .terminal import Mark, Terminal

_DIGITS: Final = 64  # of association data in one line
_SHOWN: Final = 8  # digests computed for one record
_PART: Final = " " * 5
_ORDER: Final = ("error", "warning", "note", "ok")
_MARKS: Final[dict[Result, Mark]] = {
    "match": "ok",
    "no-match": "nothing",
    "set-aside": "note",
    "unusable": "warning",
    "unknown": "question",
}
_DOES: Final = {
    "publish": "publish the new records beside the old ones",
    "switch": "switch the server to what comes next, and see that it works",
    "remove": "remove what matches only the certificate or key that is gone",
}


def steps_of(findings: Iterable[Finding], hop: str) -> list[Step]:
    """Return findings as steps, the gravest first.

    Args:
        findings: what was found, with texts from the network as they came.
        hop: where.
    """
    found = [finding(hop, f.code, f.expected, f.found) for f in findings]
    return sorted(found, key=lambda step: _ORDER.index(step.severity))


def has_errors(steps: Iterable[Step]) -> bool:
    """Say whether a finding of the severity error is among these."""
    return any(step.severity == "error" for step in steps)


# Text.


def zone_lines(record: Tlsa, owner: str, ttl: int | None, width: int) -> list[str]:
    """Return a record as lines of a master file (RFC 1035 section 5.1, RFC 6698 section 2.2).

    Args:
        record: the record.
        owner: its owner name, without the trailing dot; empty for that of the record above.
        ttl: its time to live in seconds, or None for that of the zone.
        width: a record that is longer goes over several lines.
    """
    lead = " ".join([f"{owner}." if owner else " " * 7, *([] if ttl is None else [str(ttl)]), "IN TLSA"])
    head = f"{lead} {record.usage} {record.selector} {record.matching}"
    digits = record.data.hex()
    if len(head) + 1 + len(digits) <= width:
        return [f"{head} {digits}"]
    return [f"{head} (", *[f"    {line}" for line in textwrap.wrap(digits, _DIGITS)], "    )"]


def record_lines(number: int, examined: Examined, terminal: Terminal) -> list[str]:
    """Return the lines that say what one record is good for."""
    record = examined.record
    kind = f"{record.usage} {record.selector} {record.matching}"
    text = f"#{number}  {kind} {shortened(record.data.hex())}  {examined.reason}"
    lines = terminal.item(_MARKS[examined.result], text, hang=4)
    for place, data in examined.computed[:_SHOWN]:
        lines += terminal.below("", f"    {kind} {shortened(data.hex())} would be {place}", hang=4)
    return lines


def missing_lines(records: Sequence[Tlsa], owner: str, ttl: int | None, terminal: Terminal) -> list[str]:
    """Return the lines of records that should be published, under their heading; none if there are none."""
    lines = heading("PUBLISH  what matches now, if this server is the right one", terminal) if records else []
    for record in records:
        lines += ["     " + line for line in zone_lines(record, owner, ttl, terminal.width - 5)]
    return lines


def heading(text: str, terminal: Terminal) -> list[str]:
    """Return the lines of a heading."""
    first, *rest = terminal.wrapped(text, "  ", "    ")
    return ["  " + terminal.coloured("strong", first[2:]), *rest]


def finding_lines(steps: Sequence[Step], terminal: Terminal, title: str = "LINT") -> list[str]:
    """Return the lines of findings under their heading; none if there are none."""
    lines = heading(title, terminal) if steps else []
    for step in steps:
        lines += step_lines(step, terminal) if step.severity == "error" else _remark_lines(step, terminal)
    return lines


def _remark_lines(step: Step, terminal: Terminal) -> list[str]:
    """A warning or a note with its code, which leads to the rest of what there is to say."""
    lines = terminal.item(step.severity, f"{step.code} — {step.finding}", hang=2)
    parts = [("expected", step.expected), ("found", step.found)]
    parts += [("why", step.why), ("fix", step.fix)] if step.severity == "warning" else [("fix", step.fix)]
    for name, text in parts:
        if text:
            lines += terminal.wrapped(shortened(text), f"{_PART}{name:<10}", _PART + " " * 10)
    return lines


def head_lines(mark: Mark, word: str, text: str, terminal: Terminal) -> list[str]:
    """Return the first lines of a result: what came of it."""
    lines = terminal.item(mark, f"{word}  {text}", indent=0, hang=2)
    lines[0] = lines[0].replace(word, terminal.coloured("strong", word), 1)
    return lines


def plan_lines(plan: Plan, owner: str, ttl: int, terminal: Terminal) -> list[str]:
    """Return the stages of a plan, each with its time and the records that stand in the zone from then on."""
    lines: list[str] = []
    for number, stage in enumerate(plan.stages, 1):
        when = f"from {when_of(stage.at)}"
        if stage.action == "publish" and plan.publish_by > stage.at:
            when = f"now; {when_of(plan.publish_by)} at the latest"
        lines += heading(f"{number}  {when}: {_DOES[stage.action]}", terminal)
        if stage.action == "switch":
            continue
        for record in stage.records:
            lines += ["     " + line for line in zone_lines(record, owner, ttl, terminal.width - 5)]
        for form in stage.pending:
            text = f"{owner}. {ttl} IN TLSA {' '.join(map(str, form))} and the digest of what comes next"
            lines += terminal.wrapped(text, "     ; ", "     ; ")
    return lines


def when_of(time: datetime) -> str:
    """Return a time as RFC 3339 has it, in UTC."""
    return when(time)


# JSON.


def record_dict(record: Tlsa, owner: str, ttl: int | None) -> dict[str, object]:
    """Return a record as values for JSON."""
    return {
        "owner": owner,
        "ttl": ttl,
        "usage": record.usage,
        "selector": record.selector,
        "matching": record.matching,
        "data": record.data.hex(),
        "acronyms": form_text(form_of(record)),
        "rdata": str(record),
    }


def examined_dict(examined: Examined, owner: str, ttl: int | None) -> dict[str, object]:
    """Return what a record is good for as values for JSON."""
    computed = [{"of": place, "data": data.hex()} for place, data in examined.computed]
    return {
        **record_dict(examined.record, owner, ttl),
        "result": examined.result,
        "reason": examined.reason,
        "computed": computed,
    }


def finding_dict(step: Step) -> dict[str, object]:
    """Return a finding as values for JSON."""
    unwanted = {"seconds", "hop", "rule", "security"}
    return {name: value for name, value in step.to_dict().items() if name not in unwanted}


def form_dict(form: Form) -> dict[str, object]:
    """Return usage, selector and matching type as values for JSON."""
    usage, selector, matching = form
    return {"usage": usage, "selector": selector, "matching": matching, "acronyms": form_text(form)}


def plan_dict(plan: Plan, owner: str, ttl: int) -> dict[str, object]:
    """Return a plan as values for JSON."""
    return {
        "stages": [
            {
                "action": stage.action,
                "at": when_of(stage.at),
                "records": [record_dict(record, owner, ttl) for record in stage.records],
                "pending": [form_dict(form) for form in stage.pending],
            }
            for stage in plan.stages
        ],
        "added": [record_dict(record, owner, ttl) for record in plan.added],
        "removed": [record_dict(record, owner, ttl) for record in plan.removed],
        "earliest": when_of(plan.earliest),
        "switch": when_of(plan.switch),
        "publish_by": when_of(plan.publish_by),
        "in_time": plan.in_time,
    }
