"""What `dane check` and `dane rollover` do: look at a server as a client does, judge it, and plan its next change."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from siptls import Anchors, Limits, Policy, Verdict
from siptls.codes import CATALOGUE
from siptls.delegation import Delegation
from siptls.dns import Security
from siptls.events import ConnectFailed
from siptls.journal import printable
from siptls.names import same
from siptls.rollover import Plan, plan
from siptls.served import Served, acronyms, examine, missing
from siptls.tlsa_lint import Finding, lint
from siptls_io import Performer, verify_chain

from . import inputs
from .dane import described, put_json, terminal_of
from .dane_files import chain_from, key_from
from .dane_server import Server, host_name, named_server
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
from .dane_world import UNDETERMINED, Looked, look, look_around, route_of
from .problem import Problem, shown
from .report import EXITS, HEADS
from .steps import step_lines
from .terminal import put

if TYPE_CHECKING:
    from siptls.journal import Step

    from .dane_given import DaneCheck, DaneRollover
    from .given import World

_FLAWED: Final = 5
_LEAST: Final = 0.1
"""What is left at the least of the time that a run may take, in seconds."""
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
    began, at = time.monotonic(), _wall_clock(given)
    checked = asyncio.run(_check(given, server, domain, performer, anchors, at))
    looked, verdict, found = checked
    steps = steps_of(found, looked.owner)
    code = EXITS[verdict.outcome] or (_FLAWED if has_errors(steps) else 0)
    examined = examine(looked.records, _served(looked), _policy(given))
    ttl = None if looked.answer is None or not looked.records else round(looked.answer.ttl)
    security = None if looked.answer is None else looked.answer.security.name.lower()
    seconds = time.monotonic() - began
    if given["format"] == "json":
        records = [examined_dict(each, looked.owner, ttl) for each in examined]
        place: dict[str, object] = {"host": server.host, "port": server.port, "domain": domain, "owner": looked.owner}
        lacking = [record_dict(each, looked.owner, ttl) for each in missing(examined, _served(looked))]
        told: dict[str, object] = {"security": security, "ttl": ttl, "records": records, "verdict": verdict.to_dict()}
        rest = {
            "missing": lacking,
            "findings": [finding_dict(step) for step in steps],
            "duration_ms": round(seconds * 1000),
        }
        put_json({**place, **told, **rest}, code)
        return code
    terminal = terminal_of(given)
    mark, word = HEADS[verdict.outcome]
    by = f"by {verdict.method.upper()}" if verdict.accepted else verdict.code
    lines = [*head_lines(mark, word, f"{server}  {by}{f' for {domain}' if domain else ''}", terminal), ""]
    about = f"{len(examined)} record(s), {security or 'not known'}{'' if ttl is None else f', TTL {ttl} s'}"
    lines += heading(f"TLSA  {looked.owner}  {about}", terminal)
    for number, each in enumerate(examined, 1):
        lines += record_lines(number, each, terminal)
    lines += missing_lines(missing(examined, _served(looked)), looked.owner, ttl, terminal)
    lines += heading(f"PEER  {_peer(looked)}", terminal)
    for step in verdict.findings:
        lines += step_lines(step, terminal)
    lines += finding_lines(steps, terminal)
    lines += terminal.wrapped(f"{round(seconds * 1000)} ms · exit {code}", "  ", "  ")
    put("\n".join(lines))
    return code


async def _check(
    given: DaneCheck, server: Server, domain: str | None, performer: Performer, anchors: Anchors, at: datetime
) -> tuple[Looked, Verdict, list[Finding]]:
    """Look, judge for the host or for the domain, and lint."""
    policy, began = _policy(given), time.monotonic()
    looked = await look(server, policy, performer, anchors, at)
    verdict, security = looked.verdict, looked.security
    found: list[Finding] = []
    if domain is not None and not same(domain, server.host):
        limits = Limits(seconds=max(_LEAST, policy.limits.seconds - (time.monotonic() - began)))
        wanted = Policy(transports=policy.transports or ("tls",), limits=limits)
        route = await route_of(domain, wanted, performer, at)
        targets = [each for each in route.targets if same(each.host, server.host) and each.port == server.port]
        if not targets:
            others = ", ".join([f"{each.host}:{each.port}" for each in route.targets[:8]])
            found.append(Finding("dane.not-a-target", str(server), others or route.code or "no servers"))
        tainted = not targets or targets[0].delegation is Delegation.TAINTED
        way = Security.INSECURE if tainted else Security.SECURE
        security = min(security, way)
        if targets and looked.chain:
            verdict = verify_chain(
                looked.chain,
                domain=domain,
                target=server.host,
                tlsa=looked.records,
                tlsa_security=None if looked.answer is None else looked.answer.security,
                delegation=min(way, looked.address_security),
                aliases=looked.aliases,
                anchors=anchors,
                at=at,
                policy=policy,
            )
    if looked.answer is not None and looked.chain:
        seconds = max(_LEAST, policy.limits.seconds - (time.monotonic() - began))
        found += await _around(looked, policy, performer, seconds)
    if looked.answer is not None:
        found += lint(
            looked.records,
            chain=looked.chain,
            base=looked.base,
            domain=domain or "",
            host=looked.canonical,
            ttl=looked.answer.ttl if looked.records else None,
            at=at,
            trusted=anchors.certificates,
            security=security,
        )
    return looked, verdict, found


async def _around(looked: Looked, policy: Policy, performer: Performer, seconds: float) -> list[Finding]:
    """Whether the other addresses of the server present what the records name, too."""
    found: list[Finding] = []
    if not policy.audit or not any(_served(looked).matches(record) for record in looked.records):
        return found
    await look_around(looked, policy, performer, seconds)
    for event in looked.others:
        address = event.action.endpoint.address
        if isinstance(event, ConnectFailed):
            found.append(Finding("dane.address-not-seen", "", f"{address}: {event.reason} {event.detail}".rstrip()))
            continue
        there = Served(event.chain, key=event.public_key)
        if not any(there.matches(record) for record in looked.records):
            what = "nothing" if there.leaf is None else described(there.leaf)
            found.append(Finding("dane.address-differs", "what a record matches", f"{address}: {what}"))
    return found


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
    following = None
    if given["next_cert"] is not None:
        following = Served(chain_from(given["next_cert"]))
    elif given["next_key"] is not None:
        following = Served(key=key_from(given["next_key"]))
    performer, anchors, now = inputs.performer(given), inputs.anchors(given), _wall_clock(given)
    looked = asyncio.run(look(server, _policy(given), performer, anchors, now))
    if looked.answer is None or not (looked.chain or looked.key):
        code = looked.verdict.code
        raise Problem(code, shown(f"{server} cannot be looked at: {looked.verdict.explain()}", 1_000), UNDETERMINED)
    ttl = given["ttl"]
    if ttl is None:
        ttl = round(looked.answer.ttl) if looked.records else _NO_TTL
    planned = plan(
        looked.records,
        _served(looked),
        following,
        ttl=ttl,
        now=now,
        switch=given["switch"],
        since=given["published"],
    )
    steps = steps_of(_about(planned, looked, following, given, ttl), looked.owner)
    return _put_plan(given, looked, planned, ttl, steps)


def _about(planned: Plan, looked: Looked, following: Served | None, given: DaneRollover, ttl: int) -> list[Finding]:
    """What stands against a plan."""
    found: list[Finding] = []
    if not planned.in_time:
        text = f"{when_of(planned.switch)}, which is {planned.late_by} too early"
        found.append(Finding("dane.rollover-late", f"not before {when_of(planned.earliest)}", text))
    for form, reason in planned.unmade:
        found.append(Finding("dane.rollover-unmade", reason.removeprefix("expected "), acronyms(form)))
    if following is not None and following.leaf is not None:
        at_the_end = planned.stages[-1].records if planned.stages else looked.records
        chain = [following.leaf.der, *[authority.der for authority in following.authorities]]
        # Which SIP domain it is for is not known here, so names are not looked at.
        found += [f for f in lint(at_the_end, chain=chain, at=planned.switch) if CATALOGUE[f.code].severity == "error"]
    leaf = _served(looked).leaf
    if leaf is not None and planned.stages and leaf.not_after < planned.switch:
        found.append(Finding("dane.rollover-expires", "", f"{described(leaf)}; switch at {when_of(planned.switch)}"))
    if given["ttl"] is None and not given["zone"] and looked.records:
        found.append(Finding("dane.rollover-ttl", "", f"{ttl} s"))
    return found


def _put_plan(given: DaneRollover, looked: Looked, planned: Plan, ttl: int, steps: list[Step]) -> int:
    code = int(has_errors(steps))
    if given["format"] == "json":
        place: dict[str, object] = {"host": looked.server.host, "port": looked.server.port, "owner": looked.owner}
        found = {"ttl": ttl, "plan": plan_dict(planned, looked.owner, ttl)}
        put_json({**place, **found, "findings": [finding_dict(step) for step in steps]}, code)
        return code
    terminal = terminal_of(given)
    text = f"{looked.server}  the records fit what comes next: nothing has to be published or awaited"
    if planned.stages:
        text = f"{looked.server}  switch from {when_of(planned.earliest)} on, TTL {ttl} s"
    if code:
        lines = head_lines("error", "STOP", text if planned.stages else str(looked.server), terminal)
    else:
        lines = head_lines("ok", "PLAN", text, terminal)
    lines += ["", *plan_lines(planned, looked.owner, ttl, terminal), *finding_lines(steps, terminal, "FINDINGS")]
    put("\n".join([*lines, f"  exit {code}"]))
    return code


def _policy(given: World) -> Policy:
    return Policy(
        require="dane",
        transports=given["transport"] or None,
        families=inputs.families(given),
        audit=not given["no_audit"],
        limits=inputs.limits(given),
    )


def _served(looked: Looked) -> Served:
    return Served(looked.chain, key=looked.key)


def _peer(looked: Looked) -> str:
    leaf = _served(looked).leaf
    address = "" if looked.verdict.endpoint is None else printable(f"{looked.verdict.endpoint.address}  ")
    return f"{address}{'nothing was presented' if leaf is None else described(leaf)}"


def _wall_clock(given: World) -> datetime:
    return given["now"] or datetime.now(UTC)
