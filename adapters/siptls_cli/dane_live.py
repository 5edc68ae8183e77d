"""What `dane check` and `dane rollover` do: look at a server as a client does, judge it, and plan its next change."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

from siptls.codes import CATALOGUE
from siptls.dns import Security
from siptls.errors import LocalProtocolError
from siptls.journal import printable, when
from siptls.path_rules import date_fault
from siptls.rollover import Plan, plan
from siptls.served import Served, form_text, missing
from siptls.tlsa_lint import Finding, lint

from . import inputs
from .dane import described, put_json, terminal_of
from .dane_check import Check, policy_of
from .dane_domain import NOT_A_TARGET
from .dane_files import key_from, whole_chain_from
from .dane_server import host_name, named_server
from .dane_text import (
    examined_dict,
    finding_dict,
    finding_lines,
    has_errors,
    head_lines,
    heading,
    missing_lines,
    plan_dict,
    plan_lines,
    record_dict,
    record_lines,
    steps_of,
    when_of,
)
from .dane_world import UNDETERMINED, Looked, look
from .problem import Problem, shown
from .report import HEADS
from .steps import step_lines
from .terminal import put

if TYPE_CHECKING:
    from siptls import Anchors
    from siptls.journal import Step

    from .dane_given import DaneCheck, DaneRollover
    from .given import World
    from .terminal import Terminal

_NO_MATCH: Final = "dane.no-match"
_NO_TTL: Final = 3_600
"""Of records that are not published yet, in seconds."""


def check(given: DaneCheck) -> int:
    """Look at a server, judge it by its TLSA records, and hold these against the rules for publishers.

    Args:
        given: the command line.

    Returns:
        The exit code for the verdict; 5 if it is ACCEPTED but there is an error among the findings.

    Raises:
        Problem, SiptlsError: what was given cannot be used.
    """
    server = named_server(given["uri"])
    domain = None if given["domain"] is None else host_name(given["domain"])
    inputs.refuse_contradictions(given)
    performer, anchors = inputs.performer(given), inputs.anchors(given)
    began = time.monotonic()
    looking = Check(server, domain, policy_of(given), performer, anchors, _wall_clock(given))
    asyncio.run(looking.run())
    seconds = time.monotonic() - began
    if given["format"] == "json":
        put_json(_check_dict(looking, seconds), looking.exit_code)
    else:
        put("\n".join(_check_lines(looking, seconds, terminal_of(given))))
    return looking.exit_code


def _check_dict(check: Check, seconds: float) -> dict[str, object]:
    owner, ttl = check.looked.owner, check.ttl
    return {
        "host": check.server.host,
        "port": check.server.port,
        "domain": check.domain,
        "owner": owner,
        "security": check.status,
        "ttl": ttl,
        "records": [examined_dict(each, owner, ttl) for each in check.examined],
        "missing": [record_dict(each, owner, ttl) for each in missing(check.examined, check.looked.served)],
        "verdict": check.verdict.to_dict(),
        "findings": [finding_dict(step) for step in check.steps],
        "duration_ms": round(seconds * 1000),
    }


def _check_lines(check: Check, seconds: float, terminal: Terminal) -> list[str]:
    looked, verdict, ttl = check.looked, check.verdict, check.ttl
    mark, word = HEADS[verdict.outcome]
    by = f"by {verdict.method.upper()}" if verdict.accepted else verdict.code
    what = "" if check.domain is None else f" for {check.domain}"
    lines = [*head_lines(mark, word, f"{check.server}  {by}{what}", terminal), ""]
    about = f"{len(check.examined)} record(s), {check.status or 'not known'}{'' if ttl is None else f', TTL {ttl} s'}"
    lines += heading(f"TLSA  {looked.owner}  {about}", terminal)
    for number, each in enumerate(check.examined, 1):
        lines += record_lines(number, each, terminal)
    lines += missing_lines(missing(check.examined, looked.served), looked.owner, ttl, terminal)
    of_domain: list[Step] = []
    of_peer: list[Step] = []
    for step in verdict.findings:
        of_its_way = step.hop == "LOCATE" or step.code == NOT_A_TARGET
        (of_domain if check.domain is not None and of_its_way else of_peer).append(step)
    lines += heading(f"DOMAIN  {check.domain}", terminal) if of_domain else []
    lines += [line for step in of_domain for line in step_lines(step, terminal)]
    lines += heading(f"PEER  {_peer(check)}", terminal)
    lines += [line for step in of_peer for line in step_lines(step, terminal)]
    lines += finding_lines([step for step in check.steps if step.code != NOT_A_TARGET], terminal)
    return lines + terminal.wrapped(f"{round(seconds * 1000)} ms · exit {check.exit_code}", "  ", "  ")


def rollover(given: DaneRollover) -> int:
    """Plan the next change of a server's certificate or key, and print what to do when.

    Args:
        given: the command line.

    Returns:
        The exit code: 1 if there is an error among the findings, such as a switch that is planned too early, else 0.

    Raises:
        Problem, SiptlsError: what was given cannot be used, or the server and its records cannot be looked at.
    """
    server = named_server(given["uri"])
    if given["next_cert"] is not None and given["next_key"] is not None:
        raise Problem("usage.error", "--next-cert contradicts --next-key: the certificate holds the key")
    inputs.refuse_contradictions(given)
    if given["published"] is not None and given["published"] > _wall_clock(given):
        raise Problem("usage.error", f"--published {when(given['published'])}: expected a time that has passed")
    following = None
    if given["next_cert"] is not None:
        following = Served(whole_chain_from(given["next_cert"]))
    elif given["next_key"] is not None:
        following = Served(key=key_from(given["next_key"]))
    performer, anchors, now = inputs.performer(given), inputs.anchors(given), _wall_clock(given)
    looked = asyncio.run(look(server, policy_of(given), performer, anchors, now))
    if looked.answer is None or not (looked.chain or looked.key):
        code = looked.verdict.code
        raise Problem(code, shown(f"{server} cannot be looked at: {looked.verdict.explain()}", 1_000), UNDETERMINED)
    ttl = given["ttl"]
    if ttl is None:
        ttl = round(looked.answer.ttl) if looked.records else _NO_TTL
    switch, since = given["switch"], given["published"]
    try:
        planned = plan(looked.records, looked.served, following, ttl=ttl, now=now, switch=switch, since=since)
    except LocalProtocolError as error:  # the times come from the command line
        raise Problem("usage.error", shown(str(error))) from None
    found = [*_about(planned, looked, following, given, ttl), *_about_publication(planned, looked, since)]
    found += _about_today(looked, anchors)
    return _put_plan(given, looked, planned, ttl, steps_of(found, looked.owner))


def _about(planned: Plan, looked: Looked, following: Served | None, given: DaneRollover, ttl: int) -> list[Finding]:
    """What stands against a plan."""
    found: list[Finding] = []
    if not planned.in_time:
        text = f"{when_of(planned.switch)}, which is {planned.late_by} too early"
        found.append(Finding("dane.rollover-late", f"not before {when_of(planned.earliest)}", text))
    for form, reason in planned.unmade:
        found.append(Finding("dane.rollover-unmade", reason.removeprefix("expected "), form_text(form)))
    if following is not None and following.leaf is not None:
        at_the_end = planned.stages[-1].records if planned.stages else looked.records
        chain = [following.leaf.der, *[authority.der for authority in following.authorities]]
        # Which SIP domain it is for is not known here, so names are not looked at.
        found += [f for f in lint(at_the_end, chain=chain, at=planned.switch) if CATALOGUE[f.code].severity == "error"]
        dates = date_fault(following.leaf, max(planned.switch, planned.earliest))
        if dates is not None and not {"chain.expired", "chain.not-yet-valid"} & {each.code for each in found}:
            found.append(Finding("dane.rollover-dates", *cast("tuple[str, str]", dates[1])))
    leaf = looked.served.leaf
    if leaf is not None and planned.stages and leaf.not_after < planned.switch:
        found.append(Finding("dane.rollover-expires", "", f"{described(leaf)}; switch at {when_of(planned.switch)}"))
    if given["ttl"] is None and not given["zone"] and looked.records:
        found.append(Finding("dane.rollover-ttl", "", f"{ttl} s"))
    return found


def _about_publication(planned: Plan, looked: Looked, published: datetime | None) -> list[Finding]:
    """What is wrong with the time since when records for what comes next are said to be published."""
    pending = planned.stages[0].pending if planned.stages else ()
    unknown = [f"{' '.join(map(str, form))} and the digest of what comes next" for form in pending]
    awaited = [*map(str, planned.added), *unknown]
    if published is None or not awaited:
        return []
    found = f"nothing of it; {when_of(published)} was given as the time of publication"
    return [Finding("dane.rollover-unpublished", f"{'; '.join(awaited)} at {looked.owner}", found)]


def _about_today(looked: Looked, anchors: Anchors) -> list[Finding]:
    """What stands against the records that the plan begins with."""
    # A plan keeps what works today; where nothing does, waiting is an outage, and so is every day before the switch.
    today = lint(looked.records, chain=looked.chain, trusted=anchors.certificates)
    found = [finding for finding in today if finding.code == _NO_MATCH]
    if looked.records and looked.security is not Security.SECURE:
        # They stand in the plan, ready for the zone, and whoever signs the zone vouches for them.
        text = f"{len(looked.records)} record(s) that may be forged: compare them with those in the zone"
        found.append(Finding("dane.insecure", "", text))
    return found


def _put_plan(given: DaneRollover, looked: Looked, planned: Plan, ttl: int, steps: list[Step]) -> int:
    code = int(has_errors(steps))
    if given["format"] == "json":
        place: dict[str, object] = {"host": looked.server.host, "port": looked.server.port, "owner": looked.owner}
        found = {"ttl": ttl, "plan": plan_dict(planned, looked.owner, ttl)}
        put_json({**place, **found, "findings": [finding_dict(step) for step in steps]}, code)
        return code
    terminal = terminal_of(given)
    if planned.stages:
        text = f"switch from {when_of(planned.earliest)} on, TTL {ttl} s"
    elif any(step.code == _NO_MATCH for step in steps):
        text = "no record matches what it presents now; the records fit what comes next"
    else:
        text = "" if code else "the records fit what comes next: nothing has to be published or awaited"
    told = f"{looked.server}  {text}".rstrip()
    lines = head_lines("error", "STOP", told, terminal) if code else head_lines("ok", "PLAN", told, terminal)
    lines += ["", *plan_lines(planned, looked.owner, ttl, terminal), *finding_lines(steps, terminal, "FINDINGS")]
    put("\n".join([*lines, f"  exit {code}"]))
    return code


def _peer(check: Check) -> str:
    leaf = check.peer.leaf
    endpoint = check.verdict.endpoint or check.looked.verdict.endpoint
    address = "" if endpoint is None else printable(f"{endpoint.address}  ")
    return f"{address}{'nothing was presented' if leaf is None else described(leaf)}"


def _wall_clock(given: World) -> datetime:
    return given["now"] or datetime.now(UTC)
