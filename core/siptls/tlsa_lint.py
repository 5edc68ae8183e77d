"""The TLSA records of a server, held against the rules for those who publish them (RFC 7671, RFC 7673 section 6).

A client copes with most of what breaks these rules, so nothing here has a say in a verdict. But clients differ in what
they support, and a rule that is broken today is an outage at the next renewal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from .certificate import Certificate
from .dane import CERT, DANE_EE, DANE_TA, FULL, PKIX_EE, PKIX_TA, SHA256, SHA512, SPKI
from .dns.answer import SECURE, Security
from .dns.records import Tlsa
from .journal import day
from .names import same
from .policy import Policy
from .served import Examined, Form, Served, examine, form_of
from .served_names import name_findings, other_client_findings
from .served_path import path_findings


class Finding(NamedTuple):
    """One finding.

    Attributes:
        code: a code of the catalogue.
        expected: what should be there; may be empty.
        found: what is there. Both may hold text from the DNS or from certificates, as it came.
    """

    code: str
    expected: str
    found: str


_NAMED: Final = 8  # of what is wrong in the same way
_LONGEST: Final = 100  # characters of one record
_LARGEST: Final = 1_232
"""How many octets of a DNS answer pass everywhere in one UDP datagram: those of IPv6's least MTU (RFC 8200 5)."""
_OVERHEAD: Final = 12 + 4 + 11
"""The header, type and class of the question, and the OPT record (RFC 1035 section 4, RFC 6891 section 6.1.2)."""
_SIGNATURE: Final = 12 + 18 + 64
"""An RRSIG record of the shortest common kind, ECDSA with P-256, without the signer's name (RFC 4034 section 3.1)."""
_DAY: Final = 86_400


def lint(
    records: Iterable[Tlsa],
    *,
    chain: Iterable[bytes] = (),
    base: str = "",
    domain: str = "",
    host: str = "",
    ttl: float | None = None,
    at: datetime | None = None,
    trusted: Iterable[bytes] = (),
    security: Security | None = None,
) -> list[Finding]:
    """Hold the TLSA records of a server against the rules for those who publish them.

    Args:
        records: all records at one owner name, in any order.
        chain: what the server presents: certificates in DER, its own first. Without it only the records are looked at.
        base: the TLSA base domain, without the labels for port and protocol; empty if it is not known.
        domain: the SIP domain whose SRV records lead there; empty if it is not known.
        host: the name of the server itself, where the base domain is only an alias of it; empty if it is not known.
        ttl: the time to live of the records, in seconds; None if it is not known.
        at: the time at which certificates must be valid, aware; None leaves dates out.
        trusted: certificates in DER that clients trust, for PKIX-TA records that name one the server does not send.
        security: the weakest DNSSEC status of the records and the way to them; None if it is not known.

    Returns:
        Findings, at most one for each rule and form, in an order that does not depend on that of the records. Issuers
        are found by their names: no signature is verified.

    Source: RFC 7671 sections 4, 5, 8, 9, 10 and 13, RFC 7673 section 6.
    """
    given = sorted(records, key=_rank)
    served = Served(chain, trusted)
    examined = examine(given, served, Policy())
    usable = [each for each in examined if each.result != "unusable"]
    findings = _status_findings(given, security)
    findings += _unusable_findings(examined)
    for rule in _RULES:
        findings += rule([each.record for each in usable])
    findings += _size_findings(given, base)
    findings += _hosting_findings(usable, base, host)
    if ttl is not None and ttl > _DAY:
        findings.append(Finding("dane.long-ttl", f"at most {_DAY} s", f"{ttl:.0f} s"))
    if served.unread:
        findings.append(Finding("chain.malformed", "certificates in DER", f"{served.unread} that cannot be read"))
    if served.leaf is not None and usable:
        findings += _chain_findings(usable, served, served.leaf, (domain, base), at)
    return findings


# The records alone.


def _status_findings(records: Sequence[Tlsa], security: Security | None) -> list[Finding]:
    if not records:
        return [Finding("dane.none-published", "at least one record", "none")]
    if security is None or security is SECURE:
        return []
    return [Finding("dane.unsigned", "DNSSEC all the way", security.name.lower())]


def _unusable_findings(examined: Sequence[Examined]) -> list[Finding]:
    useless = [each for each in examined if each.result == "unusable"]
    if not useless:
        return []
    text = _listed([f"{_short(each.record)}: {each.reason}" for each in useless])
    found = [Finding("dane.record-unusable", "", text)]
    if len(useless) == len(examined):
        found.append(Finding("dane.unusable", "at least one record that can be used", _records(examined)))
    return found


def _full_findings(usable: Sequence[Tlsa]) -> list[Finding]:
    """Digests do the same in less space (RFC 7671 sections 5.2.1 and 10.1.2)."""
    found: list[Finding] = []
    for code, selector in (("dane.full-certificate", CERT), ("dane.full-key", SPKI)):
        full = [record for record in usable if record.matching == FULL and record.selector == selector]
        if full:
            texts = _listed([f"{_short(record)} ({len(record.data)} octets)" for record in full])
            found.append(Finding(code, "a digest, as in 3 1 1", texts))
    return found


def _digest_findings(usable: Sequence[Tlsa]) -> list[Finding]:
    """All clients know SHA-256; those that know a stronger digest look at nothing else (RFC 7671 sections 8.3, 9)."""
    forms = sorted({form_of(record) for record in usable})
    counts = {form: len({record.data for record in usable if form_of(record) == form}) for form in forms}
    found: list[Finding] = []
    for (usage, selector, matching), strong in counts.items():
        if matching != SHA512:
            continue
        weak = counts.get((usage, selector, SHA256), 0)
        if not weak and (usage, selector, FULL) not in counts:
            text = f"{usage} {selector} 2 alone"
            found.append(Finding("dane.sha512-only", f"{usage} {selector} 1 beside it", text))
        elif weak and weak != strong:
            text = f"{weak} with SHA-256 and {strong} with SHA-512 for {usage} {selector}"
            found.append(Finding("dane.digest-gap", "both digests of each certificate or key", text))
    return found


def _usage_findings(usable: Sequence[Tlsa]) -> list[Finding]:
    """What works, but not as well as 3 1 1 (RFC 7671 sections 4.1, 5.1, 5.2.1 and 5.4)."""
    rules: tuple[tuple[str, str, Callable[[Tlsa], bool]], ...] = (
        ("dane.pkix-published", "DANE-EE or DANE-TA", lambda record: record.usage in (PKIX_TA, PKIX_EE)),
        ("dane.pkix-ta", "", lambda record: record.usage == PKIX_TA),
        ("dane.cert-selector", "", lambda record: record.usage in (PKIX_EE, DANE_EE) and record.selector == CERT),
        ("dane.ta-key", "selector 0 with DANE-TA", lambda record: record.usage == DANE_TA and record.selector == SPKI),
    )
    found: list[Finding] = []
    for code, expected, applies in rules:
        if concerned := [_short(record) for record in usable if applies(record)]:
            found.append(Finding(code, expected, _listed(concerned)))
    return found


_RULES: Final = (_full_findings, _digest_findings, _usage_findings)


def _size_findings(records: Sequence[Tlsa], base: str) -> list[Finding]:
    """Answers that do not fit into one datagram do not arrive everywhere (RFC 7671 section 10.1.1)."""
    name = len(base) + 2
    octets = _OVERHEAD + name + len("_65535_tcp") + sum([12 + 3 + len(record.data) for record in records])
    octets += _SIGNATURE + name
    if not records or octets <= _LARGEST:
        return []
    text = f"about {octets} octets with {len(records)} record(s) and one signature"
    return [Finding("dane.large-answer", f"at most {_LARGEST} octets", text)]


def _hosting_findings(usable: Sequence[Examined], base: str, host: str) -> list[Finding]:
    """Who does not run the server cannot know to which roots its clients' paths lead (RFC 7671 section 5.4)."""
    concerned = [_short(each.record) for each in usable if each.record.usage == PKIX_TA]
    if not concerned or not base or not host or same(base, host):
        return []
    found = f"{_listed(concerned)} at {base}, which is an alias of {host}"
    return [Finding("dane.pkix-ta-hosted", "DANE-EE or DANE-TA, or records at the provider's name", found)]


# The records and the chain.


def _chain_findings(
    usable: Sequence[Examined], served: Served, leaf: Certificate, names: tuple[str, str], at: datetime | None
) -> list[Finding]:
    matched = [each.record for each in usable if served.matches(each.record)]
    findings = _form_findings(usable, served, matched)
    findings += _renewal_findings(usable, leaf, matched)
    checked = [record for record in matched if record.usage != DANE_EE]
    if checked:
        findings += [Finding(*found) for found in name_findings(leaf, *names)]
        findings += [Finding(*found) for found in path_findings(served, checked, names, at)]
    if all(each.record.usage == DANE_EE for each in usable):
        findings += [Finding(*found) for found in other_client_findings(leaf, names[0], at)]
    return findings


def _form_findings(usable: Sequence[Examined], served: Served, matched: Sequence[Tlsa]) -> list[Finding]:
    """Each usage, selector and matching type that is present must match by itself (RFC 7671 section 8)."""
    forms: dict[Form, list[Examined]] = {}
    for each in usable:
        forms.setdefault(form_of(each.record), []).append(each)
    good = set(map(form_of, matched))
    known = {form: group for form, group in forms.items() if all(each.result != "unknown" for each in group)}
    bad = {form: group for form, group in known.items() if form not in good}
    findings: list[Finding] = []
    if bad and not good and len(known) == len(forms):
        findings.append(Finding("dane.no-match", _records(usable), _presented(usable)))
    for form, group in sorted(bad.items()):
        code = _why_not([each.record for each in group], served) if form[0] == DANE_TA else "dane.form-unmatched"
        if code != "dane.form-unmatched" or good:
            findings.append(Finding(code, _records(group), _presented(group)))
    idle = [each.record for form in sorted(good) for each in forms[form] if not served.matches(each.record)]
    if idle:
        findings.append(Finding("dane.next-or-stale", "", _listed(list(map(_short, idle)))))
    return findings


def _why_not(records: Sequence[Tlsa], served: Served) -> str:
    """Why no trust anchor of these records, which have one form, stands above the leaf as the server sends it."""
    as_leaf = [Tlsa(r.owner, DANE_EE, r.selector, r.matching, r.data) for r in records]
    if any(served.match(record) is not None for record in as_leaf):
        return "dane.ta-depth-0"
    for stranger in served.strangers:
        alone = Served((stranger.der,))
        if any(alone.matches(record) for record in as_leaf):
            return "dane.ta-not-ancestor"
    return "dane.ta-not-sent"


def _renewal_findings(usable: Sequence[Examined], leaf: Certificate, matched: Sequence[Tlsa]) -> list[Finding]:
    """With nothing but the present certificate or key published, the next one matches nothing (RFC 7671 8.1)."""
    if not matched or len(matched) < len(usable) or any(r.usage in (PKIX_TA, DANE_TA) for r in matched):
        return []
    until = f"the certificate is valid until {day(leaf.not_after)}"
    return [
        Finding("dane.no-rollover", "a record for the next key, too", f"{_listed(list(map(_short, matched)))}; {until}")
    ]


# Texts.


def _rank(record: Tlsa) -> tuple[Form, bytes]:
    return form_of(record), record.data


def _presented(examined: Sequence[Examined]) -> str:
    """What the records would have to hold."""
    texts: dict[str, None] = {}
    for each in examined:
        usage, selector, matching = form_of(each.record)
        for place, data in each.computed:
            if matching != FULL:
                texts[f"{usage} {selector} {matching} {data.hex()} ({place})"] = None
    return _listed([*texts]) or "other certificates"


def _records(examined: Sequence[Examined]) -> str:
    return _listed([_short(each.record) for each in examined])


def _listed(texts: Sequence[str]) -> str:
    """Name the first few. The count comes first, so that a long text that is cut off still tells it."""
    shown = "; ".join(texts[:_NAMED])
    return shown if len(texts) <= _NAMED else f"{len(texts)}, among them {shown}"


def _short(record: Tlsa) -> str:
    """A record as text; of a full certificate or key only the beginning."""
    digits = record.data[: _LONGEST // 2 + 32].hex()
    if len(record.data) <= 64:
        return f"{record.usage} {record.selector} {record.matching} {digits}"
    return f"{record.usage} {record.selector} {record.matching} {digits[:16]}..."
