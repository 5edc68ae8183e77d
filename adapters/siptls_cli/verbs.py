"""What `check` and `locate` do: make a machine of what was given, drive it, print the result."""

from __future__ import annotations

import asyncio
import json
import secrets
import shlex
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from siptls import (
    Anchors,
    Crls,
    InvalidUri,
    InvalidVia,
    Locate,
    Outbound,
    Policy,
    ResponsePath,
    Route,
    SipUri,
    TargetFailure,
    Verdict,
    Via,
    too_large_for_udp,
)
from siptls_io import Performer, crls_from_files, to_a_labels
from siptls_io.asyncio import drive

from . import inputs
from .problem import Problem, of_uri, of_via, shown
from .report import EXITS, route_exit, route_text, verdict_text
from .terminal import Terminal, put

if TYPE_CHECKING:
    from . import given as options


def check(given: options.Check) -> int:
    """Judge the servers of a URI, and print the verdict.

    Args:
        given: the command line.

    Returns:
        The exit code for the verdict.

    Raises:
        Problem, SiptlsError: what was given cannot be used.
    """
    uri = read_uri(given["uri"], "check")
    inputs.refuse_contradictions(given)
    policy = inputs.policy(given)
    performer, anchors = inputs.performer(given, inputs.certificate(given)), inputs.anchors(given)
    crls = crls_from_files(*given["crl"])
    began = time.monotonic()
    verdict = asyncio.run(_judge(uri, policy, performer, anchors, crls, wall_clock(given)))
    seconds = time.monotonic() - began
    code = EXITS[verdict.outcome]
    if given["format"] == "json":
        put_json({"uri": str(uri), "verdict": verdict.to_dict()}, seconds, code)
    else:
        put(verdict_text(verdict, uri, terminal_of(given), seconds))
    return code


def locate(given: options.Locate) -> int:
    """Find the servers of a URI, or of a Via, and print them in their order.

    Args:
        given: the command line.

    Returns:
        The exit code: 0 with targets, else that of the reason why there are none.

    Raises:
        Problem, SiptlsError: what was given cannot be used.
    """
    via = _via(given["uri"]) if given["via"] else None
    uri = read_uri(given["uri"], "locate") if via is None else via.uri
    _refuse_of_responses(given)
    inputs.refuse_contradictions(given)
    performer = inputs.performer(given)
    began = time.monotonic()
    route = asyncio.run(_find(uri, via, given, performer))
    seconds = time.monotonic() - began
    code = route_exit(route)
    if given["format"] == "json":
        of_via = {} if via is None else {"via": str(via)}
        put_json({"uri": str(uri), **of_via, **route.to_dict()}, seconds, code)
    else:
        put(route_text(route, uri, terminal_of(given), seconds, "" if via is None else str(via)))
    return code


async def _judge(
    uri: SipUri, policy: Policy, performer: Performer, anchors: Anchors, crls: Crls, at: datetime
) -> Verdict:
    now = asyncio.get_running_loop().time()
    machine = Outbound(uri, policy=policy, now=now, at=at, randbelow=secrets.randbelow, anchors=anchors, crls=crls)
    verdict = await drive(machine, performer)
    if verdict.connection is not None:
        await performer.close(verdict.connection)  # the verdict was all that was wanted
    return verdict


async def _find(uri: SipUri, via: Via | None, given: options.Locate, performer: Performer) -> Route:
    policy = Policy(
        transports=given["transport"] or None,
        families=inputs.families(given),
        audit=not given["no_audit"],
        limits=inputs.limits(given),
    )
    now, at = asyncio.get_running_loop().time(), wall_clock(given)
    randbelow = None if given["stateless"] else secrets.randbelow
    if via is None:
        large = given["request_size"] is not None and too_large_for_udp(given["request_size"])
        machine = Locate(uri, policy=policy, now=now, at=at, randbelow=randbelow, large=large)
    else:
        machine = ResponsePath(via, failure=TargetFailure.TRANSPORT, policy=policy, now=now, at=at, randbelow=randbelow)
    return await drive(machine, performer)


def read_uri(text: str, verb: str, rest: str = "") -> SipUri:
    """Read a URI; a bare domain is refused too, but with what to type instead.

    Args:
        text: the URI.
        verb: what stands before it.
        rest: what stands after it.

    Raises:
        Problem: it is none.
    """
    try:
        return SipUri.parse(to_a_labels(text))
    except InvalidUri as error:
        raise of_uri(error, _hint(text, verb, rest)) from error


def _hint(text: str, verb: str, rest: str) -> str:
    """What to type instead of a text that is a Via, or only the rest of a URI; nothing is guessed."""
    if verb == "locate" and _is_via(text):
        return shown(f"type: siptls locate --via {shlex.quote(text)}")
    try:
        SipUri.parse(to_a_labels(f"sip:{text}"))
    except InvalidUri:
        return ""
    return shown(f"type: siptls {verb} {shlex.quote(f'sip:{text}')}{rest}")


def _via(text: str) -> Via:
    """Read the Via whose transport a URI can name; with the header field's name it is refused, with what to type."""
    try:
        via = Via.parse(text)
        _ = via.uri
    except InvalidVia as error:
        _, colon, value = text.partition(":")
        value = value.strip()
        hint = shown(f"type: siptls locate --via {shlex.quote(value)}") if colon and _is_via(value) else ""
        raise of_via(error, hint) from error
    return via


def _is_via(text: str) -> bool:
    try:
        _ = Via.parse(text).uri
    except InvalidVia:
        return False
    return True


def _refuse_of_responses(given: options.Locate) -> None:
    """Refuse the options that say something of a request, where the way of a response is asked for."""
    if given["via"]:
        for option, value in (("--transport", given["transport"]), ("--request-size", given["request_size"])):
            if value:
                raise Problem("usage.error", f"{option} contradicts --via: a response takes the transport of the Via")


def wall_clock(given: options.World) -> datetime:
    """Return the time of judging."""
    return given["now"] or datetime.now(UTC)


def terminal_of(given: options.World) -> Terminal:
    """Return what standard output can show."""
    return Terminal.of(sys.stdout, ascii_only=given["ascii"], no_color=given["no_color"])


def put_json(result: dict[str, object], seconds: float, code: int) -> None:
    """Print a result as JSON, with how long the run took and what the process returns."""
    put(json.dumps({**result, "duration_ms": round(seconds * 1000), "exit": code}, indent=2))
