"""Is an answer what it says it is? A resolver, or who speaks in its place, may answer anything; a validator may err."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .codes import CATALOGUE
from .dns.answer import INSECURE, SECURE, Answer
from .dns.question import Lookup
from .dns.records import RECORD_TYPE, belonging
from .errors import LocalProtocolError
from .events import (
    Action,
    Answered,
    Connect,
    ConnectFailed,
    Event,
    Failure,
    LookupEvent,
    LookupFailed,
    PathRejected,
    PathValidated,
    Presented,
    ValidatePath,
)
from .names import fold, is_domain_name, same
from .revocation import CheckRevocation, Revocation, RevocationChecked

if TYPE_CHECKING:
    from .policy import Limits

_LONGEST: Final = 2.0**31 - 1  # seconds; a TTL beyond it counts as 0 (RFC 2181 section 8)
_NOT_TO_OWNER: Final = "the aliases do not lead to the owner name"


def plain(event: Answered, most: int) -> bool:
    """Say whether an answer is what it says, without aliases: nearly all are. Of others `mended` says what they are.

    Args:
        event: what a resolver answered.
        most: how many records an answer may have.
    """
    answer, question = event.answer, event.action
    records, owner = answer.records, answer.owner
    if (
        answer.question == question
        and owner == question.name
        and not answer.aliases
        and (answer.denial is None) is bool(records)
        and (answer.security is SECURE or answer.security is INSECURE)
        and len(records) <= most
        and 0 <= answer.ttl <= _LONGEST
    ):
        kind = RECORD_TYPE[question.rrtype]
        for record in records:
            if record.owner != owner or type(record) is not kind:
                break
        else:
            return True
    return False


def mended(event: Answered, limits: Limits, note: Callable[[str, object, object], None]) -> LookupEvent:
    """Return the event with an answer that is what it says, or the failure that it amounts to.

    Args:
        event: what a resolver answered, if it is not `plain`.
        limits: how many records and aliases an answer may have.
        note: takes a code, a hop and the evidence for what was dropped.

    Returns:
        The event; or the same without the records that stand at another name or are of another type, and with the
        status and TTL of its weakest alias step; or the failure, where nothing can be made of the answer.

    Raises:
        LocalProtocolError: the answer is for another question, or has the status of a failed lookup.
    """
    answer = event.answer
    if answer.question != event.action:
        raise LocalProtocolError(f"{answer!r} is no answer to {event.action!r}")
    if not {answer.security, *[alias.security for alias in answer.aliases]} <= {SECURE, INSECURE}:
        raise LocalProtocolError(f"{answer!r}: a failed lookup is LookupFailed, not an answer")
    if len(answer.records) > limits.records:
        return LookupFailed(event.action, Failure.LIMIT, f"limits.records: {len(answer.records)} records")
    if len(answer.aliases) > limits.aliases:
        return LookupFailed(event.action, Failure.LIMIT, f"limits.aliases: {len(answer.aliases)} aliases")
    if wrong := _wrong_way(answer):
        return LookupFailed(event.action, *wrong)
    answer = _without_strangers(answer, note)
    if (answer.denial is None) is not bool(answer.records):
        return LookupFailed(event.action, Failure.MALFORMED, "neither records nor a denial, or both")
    if not 0 <= answer.ttl <= _LONGEST:
        answer = answer.changed(ttl=0.0)
    for alias in answer.aliases:
        if alias.security < answer.security or not answer.ttl <= alias.ttl <= _LONGEST:
            # An answer is as strong and as lasting as its weakest step (RFC 6672 section 5.3.3).
            ttl = min(answer.ttl, alias.ttl) if 0 <= alias.ttl <= _LONGEST else 0.0
            answer = answer.changed(security=min(answer.security, alias.security), ttl=ttl)
    return Answered(event.action, answer)


def flaw(event: Event) -> str:
    """Say what is wrong with what a driver reports, or return an empty text.

    Args:
        event: anything but `Answered`, which `plain` and `mended` look at.

    Returns:
        A path must be one that was asked for: from the leaf, through the certificate it must contain, to an anchor,
        which is never the leaf itself. A reason must be a code of the catalogue that fits.
    """
    if isinstance(event, Presented):
        return two_kinds(event.chain, event.public_key)
    if isinstance(event, PathValidated):
        question, above = event.action, event.path[1:]
        goes_through = question.through is None or question.through in above
        leads = bool(above) and event.path[0] == question.leaf and goes_through
        return "" if leads else "is not a path that was asked for"
    if isinstance(event, RevocationChecked):
        return _flaw_of_findings(event)
    if isinstance(event, ConnectFailed):
        rooms: tuple[str, ...] = ("net.", "tls.")
    elif isinstance(event, PathRejected):
        rooms = ("chain.",)
    else:
        return ""
    code = CATALOGUE.get(event.reason)
    fits = code is not None and code.severity == "error" and event.reason.startswith(rooms)
    return "" if fits else f"gives a reason that is no code of the catalogue for an error in {' or '.join(rooms)}"


def two_kinds(chain: tuple[bytes, ...], public_key: bytes | None) -> str:
    """Say what is wrong with what a peer is said to have presented, or return an empty text.

    One handshake negotiates one type of certificate, X.509 or a raw public key, so a peer presents one of them
    (RFC 7250 section 4.2, RFC 8446 section 4.4.2).

    Args:
        chain: its certificates.
        public_key: its raw public key, or None.
    """
    return (
        "has both a chain and a public key, and a peer presents one of them" if public_key is not None and chain else ""
    )


def refuse_two_kinds(chain: tuple[bytes, ...], public_key: bytes | None) -> None:
    """Raise `LocalProtocolError` if a peer is said to have presented what `two_kinds` calls wrong."""
    if wrong := two_kinds(chain, public_key):
        raise LocalProtocolError(f"this peer {wrong}")


def unanswered(action: Action) -> Event:
    """Return what an action comes to that was not answered before its deadline.

    Args:
        action: anything but `Close`, which is never awaited.
    """
    if isinstance(action, Lookup):
        return LookupFailed(action, Failure.TIMEOUT, "no answer in time")
    if isinstance(action, ValidatePath):
        return PathRejected(action, "chain.timeout", "no answer in time")
    if isinstance(action, CheckRevocation):
        unknown = Revocation("unknown", "crl.timeout", "no answer in time")
        return RevocationChecked(action, (unknown,) * (len(action.path) - 1))
    assert isinstance(action, Connect)
    return ConnectFailed(action, "net.timeout", "no connection in time")


def _flaw_of_findings(event: RevocationChecked) -> str:
    """One finding for each certificate below the anchor, and a code that fits its status."""
    if len(event.findings) != len(event.action.path) - 1:
        return "has not one finding for each certificate below the anchor"
    for finding in event.findings:
        code = finding.code
        known = {"good": code == "", "revoked": code == "chain.revoked"}
        if not known.get(finding.status, finding.status == "unknown" and code.startswith("crl.") and code in CATALOGUE):
            return f"gives {code!r} as the code of the status {finding.status!r}"
    return ""


def _without_strangers(answer: Answer, note: Callable[[str, object, object], None]) -> Answer:
    """Drop the records that stand at another name or are of another type: nobody asked for them."""
    records = belonging(answer.records, answer.owner, answer.question.rrtype)
    if len(records) == len(answer.records):
        return answer
    question, dropped = answer.question, len(answer.records) - len(records)
    note("locate.foreign-record", "LOCATE", f"{dropped} record(s) beside {question.name} {question.rrtype}")
    return answer.changed(records=records)


def _wrong_way(answer: Answer) -> tuple[Failure, str] | None:
    """Say what is wrong with the alias chain: it runs from the name asked for to the owner, each name once."""
    name = answer.question.name
    seen: set[str] = set()
    for alias in answer.aliases:
        if not same(alias.owner, name):
            return Failure.MALFORMED, _NOT_TO_OWNER
        seen.add(fold(name))
        name = alias.target
        if not is_domain_name(fold(name)):
            return Failure.MALFORMED, f"an alias to {name!r}, which is no name"
        if fold(name) in seen:
            return Failure.LOOP, f"{name} again, after {len(seen)} alias(es)"
    return None if same(name, answer.owner) else (Failure.MALFORMED, _NOT_TO_OWNER)
