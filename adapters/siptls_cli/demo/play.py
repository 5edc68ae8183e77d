"""Play one scenario: start its servers, connect as any client would, and compare the verdict with the expected one."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

from siptls import Anchors, Verdict
from siptls_io import NotConnected, ZoneFiles
from siptls_io.asyncio import connect

from .certificates import Credential
from .scenarios import DOMAIN, URI, Scenario
from .server import SipServer

_PATIENCE = 2.0  # seconds to wait for the answer to OPTIONS
_OPTIONS = (
    f"OPTIONS sip:{DOMAIN} SIP/2.0\r\n"
    "Via: SIP/2.0/TLS demo.invalid;branch=z9hG4bK-siptls-demo\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:demo@demo.invalid>;tag=siptls\r\n"
    f"To: <sip:{DOMAIN}>\r\n"
    "Call-ID: siptls-demo\r\n"
    "CSeq: 1 OPTIONS\r\n"
    "Content-Length: 0\r\n"
    "\r\n"
)


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a scenario.

    Args:
        scenario: the scenario.
        verdict: the verdict that it came to.
        server: the number of the server that the verdict speaks of, from 1; 0 for none.
        answer: the status line that came back for OPTIONS; empty if none was sent.
        stray: how many octets of SIP the servers received that were not accepted.
        seconds: from the URI to the verdict.
    """

    scenario: Scenario
    verdict: Verdict
    server: int
    answer: str
    stray: int
    seconds: float

    @property
    def as_expected(self) -> bool:
        """Whether all is as it must be: the verdict, the server, the answer, and that nobody else heard of it."""
        expected, verdict = self.scenario.expected, self.verdict
        return (
            (verdict.outcome, verdict.method, verdict.code, self.server)
            == (expected.outcome, expected.method, expected.code, expected.server)
            and self.answer == ("SIP/2.0 200 OK" if verdict.accepted else "")
            and self.stray == 0
        )

    def to_dict(self) -> dict[str, object]:
        """Return what came of it as values for JSON."""
        return {
            "name": self.scenario.name,
            "story": self.scenario.story,
            "expected": self.scenario.expected.to_dict(),
            "as_expected": self.as_expected,
            "verdict": self.verdict.to_dict(),
            "server": self.server,
            "answer": self.answer or None,
            "stray_octets": self.stray,
            "milliseconds": round(self.seconds * 1000, 1),
        }


async def play(scenario: Scenario, root: Credential, anchors: Anchors) -> Played:
    """Play a scenario.

    Args:
        scenario: the scenario.
        root: signs what a trusted authority signs in it.
        anchors: the same root, as the client knows it.
    """
    stage = scenario.stage(root)
    answer = ""
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(SipServer(credential)) for credential in stage.credentials]
        ports = [server.port for server in servers]
        world = ZoneFiles({DOMAIN: stage.zone(ports)}, default=scenario.security)
        began = time.perf_counter()
        try:
            connection = await connect(URI, resolver=world, anchors=anchors)
        except NotConnected as refused:
            verdict, seconds = refused.verdict, time.perf_counter() - began
        else:
            verdict, seconds = connection.verdict, time.perf_counter() - began
            answer = await _ask_options(*connection.stream)
    number = 0 if verdict.endpoint is None else ports.index(verdict.endpoint.port) + 1
    stray = sum(s.octets for i, s in enumerate(servers, 1) if not (verdict.accepted and i == number))
    return Played(scenario, verdict, number, answer, stray, seconds)


async def _ask_options(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    try:
        writer.write(_OPTIONS.encode("ascii"))
        await writer.drain()
        response = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE)
    except (OSError, EOFError, TimeoutError):
        return "no answer"
    finally:
        writer.close()
    return response.partition(b"\r\n")[0].decode("ascii", "replace")
