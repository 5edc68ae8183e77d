"""Play one scenario: start its servers, let each client call, and compare the verdicts with the expected one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from siptls import Anchors, SipUri, Verdict

from .clients import CLIENTS, Call
from .scenario import Authorities, Scenario
from .server import Servers, SipServer

_OK: Final = "SIP/2.0 200 OK"


@dataclass(frozen=True, slots=True)
class Take:
    """What came of a scenario with one kind of event loop.

    Args:
        scenario: the scenario.
        loop: the kind of event loop.
        verdict: the verdict that it came to.
        server: the number of the server that the verdict speaks of, from 1; 0 for none.
        answer: the status line that came back for OPTIONS; empty if none was sent.
        connections: how many connections were made to the servers.
        stray: how many octets of SIP the servers received that were not accepted.
        seconds: from the URI to the verdict.
        difference: where the verdict is another than with the first kind of event loop; empty if nowhere.
    """

    scenario: Scenario
    loop: str
    verdict: Verdict
    server: int
    answer: str
    connections: int
    stray: int
    seconds: float
    difference: str

    @property
    def as_expected(self) -> bool:
        """Whether all is as it must be: verdict, server, answer, that nobody else heard of it, that loops agree."""
        expected, verdict = self.scenario.expected, self.verdict
        return (
            (verdict.outcome, verdict.method, verdict.code, self.server)
            == (expected.outcome, expected.method, expected.code, expected.server)
            and self.answer == (_OK if verdict.accepted else "")
            and self.stray == 0
            and (self.connections > 0) == (expected.server > 0)
            and not self.difference
        )

    def to_dict(self) -> dict[str, object]:
        """Return what came of it as values for JSON."""
        return {
            "name": self.scenario.name,
            "story": self.scenario.story,
            "loop": self.loop,
            "uri": self.scenario.uri,
            "expected": self.scenario.expected.to_dict(),
            "expected_server": self.scenario.expected.server,
            "as_expected": self.as_expected,
            "difference": self.difference or None,
            "verdict": self.verdict.to_dict(),
            "server": self.server,
            "answer": self.answer or None,
            "connections": self.connections,
            "stray_octets": self.stray,
            "milliseconds": round(self.seconds * 1000, 1),
        }


class Player:
    """Plays scenarios.

    Args:
        servers: where servers run.
        loops: the kinds of event loops to play with, keys of `CLIENTS`.
    """

    def __init__(self, servers: Servers, loops: Sequence[str]) -> None:
        self._servers = servers
        self._loops = loops
        self._authorities = Authorities()
        self._anchors = Anchors((self._authorities.root.der,), name="the root of the demonstration")

    def play(self, scenario: Scenario) -> list[Take]:
        """Play a scenario, with the same servers for each kind of event loop.

        Args:
            scenario: the scenario.
        """
        credentials = [self._authorities.credential(presents) for presents in scenario.servers]
        with self._servers.listening(credentials) as servers:
            world = scenario.world(credentials, [server.port for server in servers], self._authorities)
            call = Call(scenario.uri, scenario.policy, world, self._anchors, _options(SipUri.parse(scenario.uri).host))
            first, *others = self._loops
            takes = [self._take(scenario, call, first, servers, None)]
            takes += [self._take(scenario, call, loop, servers, takes[0].verdict) for loop in others]
        return takes

    def _take(
        self, scenario: Scenario, call: Call, loop: str, servers: Sequence[SipServer], first: Verdict | None
    ) -> Take:
        for server in servers:
            server.connections = server.octets = 0
        ended = CLIENTS[loop](call)
        self._servers.settle(servers)
        verdict = ended.verdict
        ports = [server.port for server in servers]
        number = 0 if verdict.endpoint is None else ports.index(verdict.endpoint.port) + 1
        accepted = number if verdict.accepted else 0
        status_line = ended.response.partition(b"\r\n")[0].decode("ascii", "replace")
        return Take(
            scenario=scenario,
            loop=loop,
            verdict=verdict,
            server=number,
            answer=status_line or ("no answer" if accepted else ""),
            connections=sum(server.connections for server in servers),
            stray=sum(server.octets for i, server in enumerate(servers, 1) if i != accepted),
            seconds=ended.seconds,
            difference="" if first is None else _difference(first, verdict),
        )


def _options(domain: str) -> bytes:
    lines = (
        f"OPTIONS sip:{domain} SIP/2.0",
        "Via: SIP/2.0/TLS demo.invalid;branch=z9hG4bK-siptls-demo",
        "Max-Forwards: 70",
        "From: <sip:demo@demo.invalid>;tag=siptls",
        f"To: <sip:{domain}>",
        "Call-ID: siptls-demo",
        "CSeq: 1 OPTIONS",
        "Content-Length: 0",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")


def _difference(first: Verdict, other: Verdict) -> str:
    """Return where two verdicts differ, times aside, such as ``code`` or ``steps.3``; empty if they do not."""
    one, two = _parts(first), _parts(other)
    return next((place for place in one | two if one.get(place) != two.get(place)), "")


def _parts(verdict: Verdict) -> dict[str, object]:
    parts = verdict.to_dict()
    del parts["expires_in"], parts["steps"], parts["findings"]  # which are some of the steps in another order
    for number, step in enumerate(verdict.steps):
        told = step.to_dict()
        del told["seconds"]
        parts[f"steps.{number}"] = told
    return parts
