"""What `dane generate` and `dane lint` do: make TLSA records, and hold records against the rules for publishers."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from siptls import Outcome, Policy, dane
from siptls.certificate import Certificate
from siptls.dns import Denial, Lookup, Tlsa
from siptls.errors import InvalidCertificate, InvalidRecord
from siptls.events import LookupFailed
from siptls.journal import Step, day, printable
from siptls.names import fold, is_domain_name, is_host, tlsa_owner
from siptls.served import Served, examine, form_text, missing
from siptls.tlsa_lint import Finding, lint
from siptls_io import ZoneFiles, certificates_from_pem

from . import inputs
from .dane_files import chain_from, key_from
from .dane_parameters import DEFAULT_PORT
from .dane_server import host_name, server
from .dane_text import (
    examined_dict,
    finding_dict,
    finding_lines,
    has_errors,
    head_lines,
    heading,
    missing_lines,
    record_dict,
    record_lines,
    steps_of,
    zone_lines,
)
from .dane_world import PROTOCOLS, presented_by
from .problem import Problem, shown
from .report import EXITS, HEADS
from .terminal import Terminal, put

if TYPE_CHECKING:
    from siptls.policy import Transport

    from .dane_given import DaneGenerate, DaneLint
    from .given import Shown
    from .terminal import Mark

_PREFIX: Final = re.compile(r"(?:_[a-z0-9-]{1,62}\.)+", re.ASCII)
"""The labels before the base domain."""
_NAMES: Final = 4  # of a certificate that are shown


def generate(given: DaneGenerate) -> int:
    """Print the TLSA record of a certificate, a key or a server.

    Args:
        given: the command line.

    Returns:
        The exit code: 0.

    Raises:
        Problem, SiptlsError: what was given cannot be used, or the server presents nothing.
    """
    sources = {"--cert": given["cert"], "--key": given["key"], "--connect": given["connect"]}
    if len([value for value in sources.values() if value is not None]) != 1:
        raise Problem("usage.error", f"expected one of {', '.join(sources)}: of what is the record to be?")
    owner = _owner(given)
    form = given["usage"], given["selector"], given["matching"]
    if given["key"] is not None:
        source, served = str(given["key"]), Served(key=key_from(given["key"]))
    elif given["cert"] is not None:
        source, served = str(given["cert"]), Served(chain_from(given["cert"]))
    else:
        source, served = f"{given['connect']}, connected to just now", Served(_connected(given))
    try:
        record = served.record(form, owner)
    except InvalidRecord as error:
        raise Problem("usage.error", shown(f"{source}: expected {error.expected}")) from error
    which = _which(served, record)
    steps = steps_of(lint([record]), owner)
    remarks = _remarks(given)
    if given["format"] == "json":
        records = [record_dict(record, owner, given["ttl"])]
        found: dict[str, object] = {"records": records, "of": which, "source": shown(source), "verified": False}
        put_json({**found, "remarks": remarks, "findings": [finding_dict(step) for step in steps]}, 0)
        return 0
    terminal = terminal_of(given)
    about = f"{form_text(form)} of {which}, from {shown(source)}"
    lines = terminal.wrapped(about, "; ", ";   ")
    lines += zone_lines(record, owner, given["ttl"], terminal.width)
    for step in steps:
        lines += terminal.wrapped(f"{step.severity}: {step.finding}", "; ", ";   ")
    for remark in remarks:
        lines += terminal.wrapped(remark, "; ", ";   ")
    put("\n".join(lines))
    return 0


def _remarks(given: DaneGenerate) -> list[str]:
    """What to know of a record that was made, whatever is in it."""
    remarks: list[str] = []
    if given["usage"] == dane.DANE_TA:
        remarks.append("the server must send this authority's certificate in its handshake (RFC 7671 section 5.2.2)")
    if given["connect"] is not None:
        remarks.append("nothing was verified: whoever answered there presented this")
    return remarks


def _connected(given: DaneGenerate) -> tuple[bytes, ...]:
    inputs.refuse_contradictions(given)
    performer = inputs.performer(given)
    return asyncio.run(presented_by(server(given["connect"] or ""), performer, given["timeout"]))


def _owner(given: DaneGenerate) -> str:
    """The owner name that was given, or made of host, port and transport; empty if there is neither."""
    host, port = given["host"], given["port"]
    if given["owner"] is not None:
        if host is not None or port is not None:
            raise Problem("usage.error", "--owner contradicts --host and --port: it is made of them")
        owner = fold(given["owner"])
        if not is_domain_name(owner) or not is_host(_PREFIX.sub("", owner, 1)):
            expected = "a domain name such as _5061._tcp.sip1.example.com"
            raise Problem("usage.error", shown(f"--owner {given['owner']!r}: expected {expected}"))
        return owner
    if host is None and given["connect"] is not None:
        connected = server(given["connect"])
        if not connected.is_address:
            host, port = connected.host, port or connected.port
    if host is None:
        if port is not None:
            raise Problem("usage.error", "--port needs --host NAME: the two make the owner name")
        return ""
    return owner_of(host_name(host), port or DEFAULT_PORT, given["transport"])


def _which(served: Served, record: Tlsa) -> str:
    """Which certificate or key a record is of, in words."""
    if served.leaf is None:
        return "a key"
    meant = served.named_by(record.usage)
    sent = [served.leaf, *served.authorities]
    place = [certificate.der for certificate in sent].index(meant.der)
    kind = "the server's certificate" if place == 0 else f"the certificate authority {place} above the server's"
    if place == 0 and record.usage in (dane.PKIX_TA, dane.DANE_TA):
        kind = "the certificate authority itself"
    return shown(f"{kind} ({described(meant)})")


def described(certificate: Certificate) -> str:
    """Return a few words that tell a certificate from others.

    Args:
        certificate: any certificate that can be read.
    """
    try:
        names = [f"{name.kind} {name.value!r}" for name in certificate.common_names]
        names += [f"{name.kind} {name.value!r}" for name in certificate.names or ()]
        until = f"valid until {day(certificate.not_after)}"
    except InvalidCertificate as error:
        return f"malformed in {error.place}"
    return printable(", ".join([*names[:_NAMES], until]))


class _Published(NamedTuple):
    """What is to be linted.

    Attributes:
        owner: the owner name of the records; empty if it is not known.
        records: the records.
        ttl: their time to live in seconds, or None if it is not known.
        absent: what is said of a host that the zone does not have; None if it may be there.
    """

    owner: str
    records: tuple[Tlsa, ...]
    ttl: int | None
    absent: Finding | None = None


def lint_records(given: DaneLint) -> int:
    """Hold TLSA records against the rules for those who publish them, and print what is wrong.

    Args:
        given: the command line.

    Returns:
        The exit code: 4 if the zone has no such host, 1 if there is another error among the findings, else 0.

    Raises:
        Problem, SiptlsError: what was given cannot be used.
    """
    owner, records, ttl, absent = published = _published(given)
    chain = () if given["chain"] is None else chain_from(given["chain"])
    trusted = () if given["ca_file"] is None else certificates_from_pem(given["ca_file"])
    steps = steps_of(_found(given, published, chain, trusted), owner)
    served = Served(chain, trusted)
    examined = examine(records, served, Policy())
    lacking = () if absent else missing(examined, served)
    code = EXITS[Outcome.NO_SERVICE] if absent else int(has_errors(steps))
    if given["format"] == "json":
        shown_records = [examined_dict(each, owner, ttl) for each in examined]
        result: dict[str, object] = {"owner": owner or None, "records": shown_records}
        result["missing"] = [record_dict(each, owner, ttl) for each in lacking]
        put_json({**result, "findings": [finding_dict(step) for step in steps]}, code)
        return code
    terminal = terminal_of(given)
    lines = [*head_lines(*_head(published, steps), terminal), "", *heading(f"TLSA  {owner}".rstrip(), terminal)]
    for number, each in enumerate(examined, 1):
        lines += record_lines(number, each, terminal)
    lines += missing_lines(lacking, owner, ttl, terminal)
    lines += [*finding_lines(steps, terminal), f"  exit {code}"]
    put("\n".join(lines))
    return code


def _found(given: DaneLint, published: _Published, chain: Sequence[bytes], trusted: Sequence[bytes]) -> list[Finding]:
    """What the rules, and the zone, say of the records."""
    owner, records, ttl, absent = published
    found = lint(
        records,
        chain=chain,
        base=_base(owner),
        domain="" if given["domain"] is None else host_name(given["domain"]),
        ttl=ttl,
        at=given["now"] or datetime.now(UTC),
        trusted=trusted,
    )
    return found if absent is None else [absent, *found]


def _head(published: _Published, steps: Sequence[Step]) -> tuple[Mark, str, str]:
    """The mark, the word and the text of the first line."""
    if published.absent is not None:
        return *HEADS[Outcome.NO_SERVICE], f"{_base(published.owner)}  the zone has no such host"
    counts = [(len([s for s in steps if s.severity == kind]), kind) for kind in ("error", "warning", "note")]
    counted = ", ".join([f"{len(published.records)} record(s)", *[f"{count} {kind}(s)" for count, kind in counts]])
    if has_errors(steps):
        return "error", "BROKEN", counted
    return ("ok", "SOUND", counted) if published.records else ("warning", "NO RECORDS", counted)


def _base(owner: str) -> str:
    """The host of which an owner name is made."""
    return owner.split(".", 2)[2] if owner else ""


def _published(given: DaneLint) -> _Published:
    """The records, from the arguments or from zones."""
    owner = "" if given["host"] is None else owner_of(host_name(given["host"]), given["port"], (given["transport"],))
    if not given["zone"]:
        if not given["records"]:
            raise Problem(
                "usage.error", 'expected records such as "3 1 1 8d0d...", or --zone NAME=FILE with --host NAME'
            )
        return _Published(owner, parsed(given["records"], owner), given["ttl"])
    if given["records"]:
        raise Problem("usage.error", "records contradict --zone: they stand in the zone")
    if not owner:
        raise Problem("usage.error", "--zone needs --host NAME: at which name do the records stand?")
    zones = ZoneFiles(dict(given["zone"]))
    event = zones.answer(Lookup(owner, "TLSA"))
    if isinstance(event, LookupFailed):
        raise Problem("usage.error", shown(f"{owner} TLSA: {event.detail}"))
    answer = event.answer
    if not answer.records:
        return _Published(owner, (), given["ttl"], _absent(zones, _base(owner)))
    ttl = round(answer.ttl) if given["ttl"] is None else given["ttl"]
    return _Published(owner, cast("tuple[Tlsa, ...]", answer.records), ttl)


def _absent(zones: ZoneFiles, host: str) -> Finding | None:
    """What is said of a host without an address; None if it has one, or may have one that does not stand here."""
    found = "no such name"
    for rrtype in ("AAAA", "A"):
        event = zones.answer(Lookup(host, rrtype))
        if isinstance(event, LookupFailed) or event.answer.records:
            return None
        if event.answer.denial is not Denial.NXDOMAIN:
            found = "none"
    return Finding("locate.no-address", f"an address of {host} in the zone", found)


def parsed(texts: Sequence[str], owner: str) -> tuple[Tlsa, ...]:
    """Read TLSA records that stand on the command line.

    Args:
        texts: the records in presentation form.
        owner: the owner name that they are to have.

    Raises:
        Problem: one of them is none; with its number and what was expected.
    """
    records: list[Tlsa] = []
    for number, text in enumerate(texts, 1):
        try:
            records.append(dane.parse(text, owner))
        except InvalidRecord as error:
            raise Problem("usage.error", shown(f"record {number}: {text!r}: expected {error.expected}")) from error
    return tuple(records)


def owner_of(host: str, port: int, transports: Sequence[Transport]) -> str:
    """Return the owner name of the TLSA records of a server.

    Args:
        host: its name.
        port: its port.
        transports: the first of them counts; TLS if there is none.

    Raises:
        Problem: the name is too long for a domain name.
    """
    owner = tlsa_owner(port, PROTOCOLS[transports[0] if transports else "tls"], host)
    if not is_domain_name(owner):
        raise Problem("usage.error", shown(f"{host!r}: expected a name that leaves room for _{port}._tcp before it"))
    return owner


def terminal_of(given: Shown) -> Terminal:
    """Return what text is shown on."""
    return Terminal.of(sys.stdout, ascii_only=given["ascii"], no_color=given["no_color"])


def put_json(result: dict[str, object], code: int) -> None:
    """Print a result as JSON, with the exit code."""
    put(json.dumps({**result, "exit": code}, indent=2))
