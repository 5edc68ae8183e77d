"""What a domain publishes for SIP, held against the rules for those who publish it (RFC 3263, 3403, 7984).

These are rules for operators. A client copes with what breaks them, so nothing here has a say in where it goes.
`audit_questions` and `audit_findings` are made for the end of a run, when everything else is known; the other functions
look at one thing each. All of them take what the DNS says as it comes, in time n log n.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, TypeAlias

from .choice import naptr_flaw
from .dns.answer import Answer
from .dns.question import Lookup, RRType
from .dns.records import Address, Naptr, Srv
from .events import Answered, LookupEvent, LookupFailed
from .names import fold, ip_literal, is_domain_name, srv_owner
from .policy import TRANSPORTS
from .transport import SERVICES, SRV_NAMES
from .uri import SipUri

# A code of the catalogue, and what was found: text that holds names from the DNS as they came.
Finding: TypeAlias = tuple[str, str]

_REQUIRED: Final = ("SIPS+D2T", "SIP+D2T", "SIP+D2U")
_NAMED: Final = 8  # of what is wrong in the same way
_LONGEST: Final = 64  # characters of one name
_FAMILIES: Final[tuple[RRType, ...]] = ("A", "AAAA")


def naptr_findings(answer: Answer) -> list[Finding]:
    """Hold the NAPTR records of a domain against the rules for them.

    Args:
        answer: the answer to the NAPTR question.

    Returns:
        At most one finding for each rule, whatever the order of the records. Records of other applications, such as
        ``E2U+sip``, are none, and a domain without NAPTR records for SIP breaks no rule.

    Source: RFC 3263 sections 4.1 and 4.4, RFC 3403 section 4.1.
    """
    ours = [record for record in answer.records if type(record) is Naptr and _is_for_sip(record)]
    if not ours:
        return []
    findings: list[Finding] = []
    offered = _offered(ours)
    if missing := [service for service in _REQUIRED if service not in {_service(record) for record in offered}]:
        findings.append(("locate.naptr-incomplete", f"no usable record for {', '.join(missing)}"))
    findings += _order_findings(offered)
    if absurd := [record for record in ours if _service(record) == "SIPS+D2U"]:
        findings.append(("locate.naptr-sips-udp", _ranks(absurd)))
    if equal := _sharing([((r.order, r.preference, _service(r)), fold(r.replacement)) for r in offered]):
        findings.append(("locate.naptr-equal", _listed(equal)))
    if wrong := [record for record in ours if _is_malformed(record)]:
        findings.append(("locate.naptr-malformed", _ranks(wrong)))
    return findings


def srv_findings(answer: Answer) -> list[Finding]:
    """Hold the SRV records of one name against the rules for them.

    Args:
        answer: the answer to an SRV question.

    Returns:
        At most one finding for each rule, whatever the order of the records: records of one priority with the same
        weight (0 as well), and a record that says "not offered" beside others.

    Source: RFC 3263 section 4.4, RFC 2782.
    """
    findings: list[Finding] = []
    name, servers = _short(answer.question.name), _servers(answer)
    if servers and any(type(record) is Srv and record.target == "." for record in answer.records):
        findings.append(("locate.srv-root-beside", f'{name}: "." beside {len(servers)} other(s)'))
    if equal := _sharing([((r.priority, r.weight, ""), f"{fold(r.target)}:{r.port}") for r in servers]):
        findings.append(("locate.srv-equal-weights", f"{name}: {_listed(equal)}"))
    return findings


def family_findings(targets: Iterable[tuple[str, Iterable[str]]]) -> list[Finding]:
    """Say whether the servers of one service can be reached over one address family only.

    Args:
        targets: the host names of one SRV record set, or the only host where there is none, each with all of its
            addresses as text.

    Returns:
        A finding if all addresses are of one family. One family for one name is no finding where the set serves both:
        this is how a domain says which family it prefers. Hosts without addresses do not count.

    Source: RFC 7984 section 3.2.
    """
    families: set[str] = set()
    hosts: set[str] = set()
    for host, addresses in targets:
        of_host = {"IPv6" if ":" in address else "IPv4" for address in addresses}
        families |= of_host
        if of_host:
            hosts.add(host)
    if len(families) != 1:
        return []
    return [("locate.one-family", f"{families.pop()} only: {_listed([_short(host) for host in sorted(hosts)])}")]


def missing_srv_findings(domain: str, transports: Collection[str], answers: Iterable[Answer]) -> list[Finding]:
    """Say where a domain that publishes NAPTR has no SRV records under its own name.

    Args:
        domain: the name whose NAPTR records were asked for.
        transports: those that its NAPTR records offer, wherever these lead.
        answers: to SRV questions; those for other names, and names without an answer, do not count.

    Returns:
        One finding for each of the domain's own SRV names where clients without NAPTR find no server. A sole record
        with the target "." is no server.

    Source: RFC 3263 section 4.1.
    """
    given = {answer.question.name: answer for answer in answers if answer.question.rrtype == "SRV"}
    findings: list[Finding] = []
    for owner in _own_names(domain, transports):
        answer = given.get(owner)
        if answer is not None and not _servers(answer):
            found = "." if answer.denial is None else answer.denial.value
            findings.append(("locate.srv-missing", f"{owner}: {found}"))
    return findings


def nonstandard_srv_findings(domain: str, answer: Answer) -> list[Finding]:
    """Say whether SRV records stand at ``_sip._tls``, where no client has to look.

    Args:
        domain: the domain.
        answer: the answer to the SRV question for ``_sip._tls.<domain>``.

    Returns:
        A finding if a server is named there.

    Source: RFC 3263 section 4.2.
    """
    if not _servers(answer):
        return []
    standard = srv_owner(*SRV_NAMES["tls"], domain)
    return [("locate.nonstandard-srv", f"{_nonstandard(domain)}; the standard name is {standard}")]


def audit_questions(uri: SipUri, events: Iterable[LookupEvent]) -> tuple[Lookup, ...]:
    """Return what else must be asked to hold a domain against the rules, once its servers are known.

    Args:
        uri: the URI whose servers were located.
        events: what came of all lookups so far.

    Returns:
        Questions that were not asked yet, each once: the domain's own SRV names for what its NAPTR records offer and
        the nonstandard name, six at the most; and the other address family of each host that was asked for one. There
        are none where a lookup of NAPTR or SRV failed, because the way to the servers is not known then.
    """
    given = {event.action: event for event in events}
    if any(isinstance(event, LookupFailed) and event.action.rrtype in {"NAPTR", "SRV"} for event in given.values()):
        return ()
    wanted: list[Lookup] = []
    domain = uri.target
    if uri.port is None and ip_literal(domain) is None:
        offered = _offered_by(domain, given.values())
        names = _own_names(domain, {SERVICES[_service(record)] for record in offered})
        if not _leads_to_nonstandard(domain, offered):
            names.append(_nonstandard(domain))
        wanted += [Lookup(name, "SRV") for name in names]
    wanted += [Lookup(host, rrtype) for host in _hosts(given.values()) for rrtype in _FAMILIES]
    return tuple([question for question in wanted if question not in given and is_domain_name(question.name)])


def audit_findings(uri: SipUri, events: Iterable[LookupEvent], questions: Iterable[Lookup]) -> list[Finding]:
    """Hold everything that was learned of a domain against the rules.

    Args:
        uri: the URI whose servers were located.
        events: what came of all lookups, with those that `audit_questions` asked for.
        questions: what `audit_questions` returned; those without an answer are told as not checked.

    Returns:
        Findings, in an order that does not depend on that of the events.
    """
    given = {event.action: event for event in events}
    domain = uri.target
    offered = _offered_by(domain, given.values())
    answers = [event.answer for _, event in sorted(given.items()) if isinstance(event, Answered)]
    findings: list[Finding] = []
    services: list[set[str]] = []  # the hosts of each
    for answer in answers:
        if answer.question == (domain, "NAPTR"):
            findings += naptr_findings(answer)
        elif answer.question == (_nonstandard(domain), "SRV") and not _leads_to_nonstandard(domain, offered):
            findings += nonstandard_srv_findings(domain, answer)
        elif answer.question.rrtype == "SRV":
            services.append({fold(record.target) for record in _servers(answer)})
            findings += srv_findings(answer)
    findings += missing_srv_findings(domain, {SERVICES[_service(record)] for record in offered}, answers)
    if domain not in set[str]().union(*services):  # else it is one of several servers
        services.append({domain})
    findings += _family_findings_of(services, given)
    unknown = sorted({question for question in questions if not isinstance(given.get(question), Answered)})
    if unknown:
        findings.append(("locate.not-checked", _listed([f"{_short(name)} {rrtype}" for name, rrtype in unknown])))
    return findings


# NAPTR.


def _service(record: Naptr) -> str:
    """The service in upper case. Other letters than those of ASCII have no case here: U+017F is no S."""
    return record.service.upper() if record.service.isascii() else record.service


def _is_for_sip(record: Naptr) -> bool:
    return _service(record).startswith(("SIP+", "SIPS+"))


def _is_malformed(record: Naptr) -> bool:
    """Regexp and replacement exclude each other (RFC 3403 section 4.1)."""
    return bool(record.regexp) and record.replacement not in {"", "."}


def _offered(records: Iterable[Naptr]) -> tuple[Naptr, ...]:
    """The records that a client with all transports can use."""
    return tuple([record for record in records if not naptr_flaw(record, "sip", TRANSPORTS)])


def _offered_by(domain: str, events: Iterable[LookupEvent]) -> tuple[Naptr, ...]:
    for event in events:
        if event.action == (domain, "NAPTR") and isinstance(event, Answered):
            return _offered([record for record in event.answer.records if type(record) is Naptr])
    return ()


def _order_findings(offered: Sequence[Naptr]) -> list[Finding]:
    """Each record with TLS should have a lower order than each one without (RFC 3263 section 4.1)."""
    ranks = [(record.order, _service(record)) for record in offered]
    last = max([rank for rank in ranks if rank[1].startswith("SIPS+")], default=None)
    first = min([rank for rank in ranks if rank[1].startswith("SIP+")], default=None)
    if last is None or first is None or last[0] < first[0]:
        return []
    return [("locate.naptr-order", f"{last[1]} has order {last[0]}, {first[1]} has order {first[0]}")]


def _ranks(records: Iterable[Naptr]) -> str:
    """Order, preference and service of records that are wrong; what else they say is nothing to show."""
    ranks = sorted({(record.order, record.preference, _service(record)) for record in records})
    return _listed([f"{order} {preference} {_short(service)}" for order, preference, service in ranks])


# SRV.


def _servers(answer: Answer) -> list[Srv]:
    """The records that name a server: all but those that say that there is none (RFC 2782)."""
    return [record for record in answer.records if type(record) is Srv and record.target != "."]


def _own_names(domain: str, transports: Collection[str]) -> list[str]:
    return [srv_owner(*names, domain) for transport, names in SRV_NAMES.items() if transport in transports]


def _nonstandard(domain: str) -> str:
    return srv_owner("sip", "tls", domain)


def _leads_to_nonstandard(domain: str, offered: Iterable[Naptr]) -> bool:
    """Whether NAPTR leads there: such a name is as good as any other, and clients go to it."""
    return any(fold(record.replacement) == _nonstandard(domain) for record in offered)


# Addresses.


def _hosts(events: Iterable[LookupEvent]) -> list[str]:
    """The hosts whose addresses were asked for and answered, each once."""
    return list(
        dict.fromkeys(
            [event.action.name for event in events if event.action.rrtype in _FAMILIES and isinstance(event, Answered)]
        )
    )


def _family_findings_of(services: Iterable[set[str]], given: dict[Lookup, LookupEvent]) -> list[Finding]:
    """One finding for each family that all hosts of a service have alone; none where not all is known of them."""
    alone: dict[str, list[str]] = {}
    for hosts in services:
        known = [(host, addresses) for host in hosts if (addresses := _addresses(host, given)) is not None]
        if len(known) == len(hosts) and family_findings(known):
            alone.update([(host, addresses) for host, addresses in known if addresses])
    ipv6 = {host for host, addresses in alone.items() if ":" in addresses[0]}
    return [
        *family_findings([(host, addresses) for host, addresses in alone.items() if host not in ipv6]),
        *family_findings([(host, addresses) for host, addresses in alone.items() if host in ipv6]),
    ]


def _addresses(host: str, given: dict[Lookup, LookupEvent]) -> list[str] | None:
    """The addresses of a host, or None unless both families are known."""
    addresses: list[str] = []
    for rrtype in _FAMILIES:
        event = given.get(Lookup(host, rrtype))
        if not isinstance(event, Answered):
            return None
        addresses += [record.address for record in event.answer.records if type(record) is Address]
    return addresses


# Texts.


def _sharing(ranked: Iterable[tuple[tuple[int, int, str], str]]) -> list[str]:
    """Those that share their rank with another one, as text, the lowest ranks first; a repetition is not another."""
    sharing: dict[tuple[int, int, str], set[str]] = {}
    for rank, name in ranked:
        sharing.setdefault(rank, set()).add(name)
    return [
        " ".join([str(first), str(second), *([service] if service else []), _short(name)])
        for (first, second, service), names in sorted(sharing.items())
        if len(names) > 1
        for name in sorted(names)
    ]


def _listed(texts: Sequence[str]) -> str:
    """Name the first few. The count comes first, so that a long text that is cut off still tells it."""
    shown = ", ".join(texts[:_NAMED])
    return shown if len(texts) <= _NAMED else f"{len(texts)}, among them {shown}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else name[:_LONGEST] + "..."
