"""What a machine noted on its way, and the steps that are made of it when somebody wants to read them.

A machine writes short notes, because most verdicts are never read. All text that comes from the network passes
`printable` here, so that a step is safe for terminals and logs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias, cast

from .choice import Choice, rules
from .codes import CATALOGUE, Severity
from .dns.answer import Answer, Security, Source
from .dns.records import Naptr, Record, Srv
from .events import Answered, ConnectFailed, Endpoint, Failure, LookupFailed, PathRejected, PathValidated, Presented

# The time on the machine's clock, a code of the catalogue, the hop, the evidence.
Note: TypeAlias = tuple[float, str, object, object]

_SHOWN: Final = 8  # records of one answer, or names in one text
_LONGEST: Final = 1_000  # characters of one text
# The codes under which an answer to a question is noted; under others an answer is only the evidence of a finding.
_ANSWERS: Final = frozenset(
    {"locate.naptr", "locate.srv", "locate.srv-root", "locate.address", "locate.alias", "dane.tlsa", "locate.audited"}
)
_AUDIT: Final = "the audit asks what the domain has to publish (RFC 3263 section 4.1, RFC 7984 section 3.2)"


class Step:
    """One finding of a run.

    Attributes:
        seconds: when it was found, in seconds since the run began.
        hop: where: ``LOCATE`` for the way to the servers, else a server.
        code: what was found, a code of the catalogue.
        expected: what should have been there; may be empty.
        found: what was there; may be empty.
        rule: by which rule the DNS was asked, in one line; empty for what is no answer to a question.
        security: of an answer: ``secure`` ``insecure`` ``bogus`` ``indeterminate``; empty for what is no answer.
        place: which note of the run it was made of, counted from 0; -1 if of none.
    """

    __slots__ = ("code", "expected", "found", "hop", "place", "rule", "seconds", "security")

    def __init__(
        self,
        seconds: float,
        hop: str,
        code: str,
        expected: str,
        found: str,
        rule: str = "",
        security: str = "",
        place: int = -1,
    ) -> None:
        self.seconds: Final = seconds
        self.hop: Final = hop
        self.code: Final = code
        self.expected: Final = expected
        self.found: Final = found
        self.rule: Final = rule
        self.security: Final = security
        self.place: Final = place

    def __reduce__(self) -> tuple[object, ...]:
        told = (self.seconds, self.hop, self.code, self.expected)
        return Step, (*told, self.found, self.rule, self.security, self.place)

    @property
    def severity(self) -> Severity:
        """``ok``, ``note``, ``warning`` or ``error``."""
        return CATALOGUE[self.code].severity

    @property
    def finding(self) -> str:
        """The finding in one line."""
        return CATALOGUE[self.code].title

    @property
    def why(self) -> str:
        """What it means; may be empty."""
        return CATALOGUE[self.code].why

    @property
    def fix(self) -> str:
        """What to do about it; may be empty."""
        return CATALOGUE[self.code].fix

    @property
    def reference(self) -> str:
        """The documents and sections that the rule comes from."""
        return CATALOGUE[self.code].reference

    def to_dict(self) -> dict[str, object]:
        """Return the step as values for JSON."""
        return {
            "seconds": round(self.seconds, 6),
            "hop": self.hop,
            "code": self.code,
            "severity": self.severity,
            "finding": self.finding,
            "expected": self.expected,
            "found": self.found,
            "rule": self.rule,
            "security": self.security,
            "why": self.why,
            "fix": self.fix,
            "reference": self.reference,
        }

    def __str__(self) -> str:
        parts = [f"{self.hop}: {self.finding} ({self.code})"]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.found:
            parts.append(f"found {self.found}")
        return "; ".join([*parts, f"[{self.reference}]"])

    def __repr__(self) -> str:
        return f"<Step {self}>"


def finding(hop: str, code: str, expected: str = "", found: str = "") -> Step:
    """Return a finding that belongs to no run, for functions that judge what they are given.

    Args:
        hop: where it was found.
        code: what was found, a code of the catalogue.
        expected: what should have been there; like the following, it may be text of a peer.
        found: what was there.
    """
    return Step(0.0, printable(hop), code, printable(expected, _LONGEST), printable(found, _LONGEST))


def listed(names: Sequence[str]) -> str:
    """Return names in one text: the first ones, and how many there are besides.

    Args:
        names: any number of names.
    """
    more = [f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more]) or "no names"


def printable(text: str, limit: int = 300) -> str:
    """Return text from the network as plain ASCII that no terminal or log acts upon.

    Args:
        text: any text.
        limit: how many characters to keep at the most.
    """
    if len(text) > limit:
        text = text[:limit] + "..."
    if text.isascii() and text.isprintable():
        return text
    return text.encode("ascii", "backslashreplace").decode("ascii").translate(_CONTROLS)


def when(time: datetime) -> str:
    """Return a time as RFC 3339 has it, in UTC and to the second; every year has four digits.

    Args:
        time: an aware datetime.
    """
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def day(time: datetime) -> str:
    """Return the day of a time in UTC, as RFC 3339 has it.

    Args:
        time: an aware datetime.
    """
    return when(time)[:10]


_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F)}


def rendered(notes: tuple[Note, ...], began: float) -> tuple[Step, ...]:
    """Make the steps of a run from its notes.

    Args:
        notes: the notes in their order.
        began: when the run began, on the machine's clock.

    Returns:
        The steps, and at the end one for each resolver that deserves a note.
    """
    steps: list[Step] = []
    sources: dict[Source, float] = {}
    asked_by = rules()
    for place, (now, noted, hop, about) in enumerate(notes):
        seconds = now - began
        if isinstance(about, Choice):
            findings = tuple(about.findings(noted))
        else:
            findings = ((noted, about),)
            if noted == "locate.restarted":
                asked_by = rules()
        for code, evidence in findings:
            expected, found = texts(evidence)
            answer = evidence.answer if isinstance(evidence, Answered) else evidence
            rule = security = ""
            if isinstance(answer, LookupFailed):
                rule = asked_by.get(answer.action.rrtype, "")
                security = (Security.BOGUS if answer.reason is Failure.BOGUS else Security.INDETERMINATE).name.lower()
            elif isinstance(answer, Answer) and code in _ANSWERS:
                rule = _AUDIT if code == "locate.audited" else asked_by.get(answer.question.rrtype, "")
                security = answer.security.name.lower()
            steps.append(Step(seconds, hop_text(hop), code, expected, found, rule, security, place))
            if isinstance(answer, (Answer, LookupFailed)) and answer.source is not None:
                sources.setdefault(answer.source, seconds)
        if isinstance(about, Choice):
            about.change(asked_by)
    for source, seconds in sources.items():
        if source.note is not None:
            steps.append(Step(seconds, "LOCATE", source.note, "", printable(source.name)))
    return tuple(steps)


def hop_text(hop: object) -> str:
    """Return how a hop is written in a step: ``LOCATE``, or a server with its port and, once known, its address.

    Args:
        hop: a text, an endpoint, or a target.
    """
    if isinstance(hop, str):
        return printable(hop)
    if isinstance(hop, Endpoint):
        address = f"[{hop.address}]" if ":" in hop.address else hop.address
        return printable(f"{hop.host} {address}:{hop.port}")
    host, port = getattr(hop, "host", ""), getattr(hop, "port", "")
    return printable(f"{host}:{port}")


def texts(evidence: object) -> tuple[str, str]:
    """Return what was expected and what was found, as text.

    Args:
        evidence: the evidence of a note.
    """
    if evidence is None:
        return "", ""
    if isinstance(evidence, tuple):
        expected, found = cast("tuple[object, object]", evidence)
        return _text(expected), _text(found)
    return "", _text(evidence)


def _text(evidence: object) -> str:
    if isinstance(evidence, Answered):
        return _answer(evidence.answer)
    if isinstance(evidence, Answer):
        return _answer(evidence)
    if isinstance(evidence, LookupFailed):
        return printable(f"{evidence.action.name} {evidence.action.rrtype}: {evidence.reason.value}: {evidence.detail}")
    if isinstance(evidence, PathRejected):
        return printable(f"{CATALOGUE[evidence.reason].title}: {evidence.detail}".removesuffix(": "))
    if isinstance(evidence, ConnectFailed):
        return printable(evidence.detail)
    if isinstance(evidence, PathValidated):
        return f"a path of {len(evidence.path)} certificate(s)"
    if isinstance(evidence, Presented):
        facts = evidence.facts
        asked = ", the server asked for ours" if facts.certificate_asked else ""
        return printable(f"{len(evidence.chain)} certificate(s), {facts.version} {facts.cipher}".strip() + asked)
    return printable(str(evidence), _LONGEST)


def _rank(record: Record) -> tuple[int, str]:
    if isinstance(record, Naptr):
        return record.order, f"{record.preference:05} {record}"
    return (record.priority if isinstance(record, Srv) else 0), str(record)


def _answer(answer: Answer) -> str:
    """An answer in one line: the question, the alias steps, the records or the denial, the status."""
    name = f"{answer.question.name} {answer.question.rrtype}"
    for alias in answer.aliases:
        name += f" -> {alias.target} ({alias.security.name.lower()})"
    if answer.denial is not None:
        what = answer.denial.value
    else:
        # The order on the wire says nothing and changes from answer to answer.
        what = "; ".join([str(record) for record in sorted(answer.records, key=_rank)[:_SHOWN]])
        if len(answer.records) > _SHOWN:
            what += f"; and {len(answer.records) - _SHOWN} more"
    return printable(f"{name}: {what} ({answer.security.name.lower()})", _LONGEST)
