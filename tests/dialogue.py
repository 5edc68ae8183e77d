"""A conversation between a client and the DNS, written down turn by turn.

    client = Dialogue(Locate("sip:user@example.com", now=0.0, at=AT, randbelow=first))
    client.asks("example.com NAPTR")
    client.is_told('IN NAPTR 90 50 "s" "SIP+D2T" "" _sip._tcp.example.com.')
    client.asks("_sip._tcp.example.com SRV")
    ...
    client.goes_to("tcp server1.example.com 192.0.2.1 5060")

The records are in master-file syntax (RFC 1035 section 5.1). One without an owner stands at the name that is asked for.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

from siptls import (
    Failure,
    Locate,
    Lookup,
    LookupFailed,
    Route,
    Security,
    Target,
    TargetFailed,
    TargetFailure,
    TargetInUse,
)
from siptls.dns import Address, Answer, Denial, Naptr, Record, Srv
from siptls.events import Answered
from world import INSECURE, SOURCE

READERS: dict[str, Callable[[str, list[str]], Record]] = {
    "A": lambda owner, data: Address(owner, *data),
    "AAAA": lambda owner, data: Address(owner, *data),
    "SRV": lambda owner, data: Srv(owner, int(data[0]), int(data[1]), int(data[2]), absolute(data[3])),
    "NAPTR": lambda owner, data: Naptr(owner, int(data[0]), int(data[1]), data[2], data[3], data[4], absolute(data[5])),
}


def absolute(name: str) -> str:
    """Return a name as the core has it; RFC 3263 forgets the final dot now and then, and means it."""
    return name.rstrip(".") or "."


def records(text: str, question: Lookup) -> Iterator[Record]:
    """Read the records that answer a question."""
    for line in text.splitlines():
        fields = shlex.split(line.partition(";")[0])
        if not fields:
            continue
        at = next(position for position, field in enumerate(fields) if field in READERS)
        owner = [absolute(field) for field in fields[:at] if field != "IN" and not field.isdigit()] or [question.name]
        if fields[at] == question.rrtype and owner == [question.name]:
            yield READERS[question.rrtype](question.name, fields[at + 1 :])


class Dialogue:
    """What a client asks, hears and does.

    Attributes:
        now: the time; a test moves it on.
        questions: what was asked in all, in the order in which it was asked.
    """

    def __init__(self, machine: Locate, *, security: Security = INSECURE, now: float = 0.0) -> None:
        self.machine = machine
        self.security = security
        self.now = now
        self.questions: list[str] = []
        self.open: list[Lookup] = []

    def _drain(self) -> list[str]:
        new: list[str] = []
        for action in self.machine.next_actions(now=self.now):
            assert isinstance(action, Lookup)
            self.open.append(action)
            new.append(f"{action.name} {action.rrtype}")
        self.questions += new
        return new

    def asks(self, *questions: str) -> None:
        """Check what is asked now, in any order; address types may stand together: ``host A AAAA``."""
        expected = [f"{name} {rrtype}" for name, *rrtypes in map(str.split, questions) for rrtype in rrtypes]
        new = self._drain()
        assert sorted(new) == sorted(expected), new

    def asks_about_one_host(self) -> str:
        """Check that the addresses of one host are asked for, and return its name."""
        new = sorted(self._drain())
        host = new[0].split()[0]
        assert new == [f"{host} A", f"{host} AAAA"], new
        return host

    def asks_nothing(self) -> None:
        """Check that nothing is asked now."""
        new = self._drain()
        assert not new, new

    def is_told(self, text: str = "", *, ttl: float = 300.0) -> None:
        """Answer all open questions from the same records; what is not among them does not exist."""
        self._answer(lambda question: self.answered(question, text, ttl))

    def is_served(self, text: str, *, ttl: float = 300.0) -> None:
        """Answer from the same records whatever is asked, until nothing more is."""
        while self._drain() or self.open:
            self.is_told(text, ttl=ttl)

    def hears_of_a_failure(self, reason: Failure = Failure.SERVFAIL) -> None:
        """Let all open questions fail."""
        self._answer(lambda question: LookupFailed(question, reason, "as the script says"))

    def answered(self, question: Lookup, text: str, ttl: float = 300.0) -> Answered:
        """The answer to a question from these records."""
        found = tuple(records(text, question))
        denial = None if found else Denial.NODATA
        return Answered(question, Answer(question, (), question.name, found, denial, self.security, ttl, SOURCE))

    def _answer(self, event: Callable[[Lookup], Answered | LookupFailed]) -> None:
        assert self.open, "nothing was asked"
        waiting, self.open = self.open, []
        for question in waiting:
            self.machine.receive(event(question), now=self.now)

    def route(self) -> Route:
        """The route as far as it is known; nothing else is to be asked."""
        self.asks_nothing()
        route = self.machine.ready
        assert route is not None
        return route

    def goes_to(self, *lines: str) -> None:
        """Check the targets in their order, each as transport, host, address and port."""
        assert [
            f"{endpoint.transport} {endpoint.host} {endpoint.address} {endpoint.port}"
            for target in self.route().targets
            for endpoint in target.endpoints
        ] == list(lines)

    def goes_nowhere(self, code: str) -> None:
        """Check that there is no target, and why."""
        route = self.route()
        assert (route.targets, route.code) == ((), code)

    def target(self, host: str) -> Target:
        """The target of a host, which the machine has to have shown."""
        return next(target for target in self.machine.targets if target.host == host)

    def uses(self, host: str, address: str | None = None) -> None:
        """Let the client send its request to a host."""
        self.machine.receive(TargetInUse(self.target(host), address), now=self.now)

    def fails(self, host: str, reason: TargetFailure = TargetFailure.TIMEOUT) -> None:
        """Let the request to a host come to nothing."""
        self.machine.receive(TargetFailed(self.target(host), reason), now=self.now)

    def passes(self, seconds: float) -> None:
        """Let time pass, and let the machine know."""
        self.now += seconds
        self.machine.advance(now=self.now)

    @property
    def next_host(self) -> str | None:
        """The host to which the request goes now."""
        target = self.machine.next_target
        return None if target is None else target.host

    @property
    def codes(self) -> list[str]:
        """The codes of all findings so far."""
        return [step.code for step in self.route().findings]
