"""The names of a certificate, as those who publish TLSA records have to see them (RFC 7673 section 6)."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Final

from .certificate import Certificate
from .comparison import comparisons
from .errors import InvalidCertificate
from .identity import host_names, matches_domain, matches_host, sip_identities
from .journal import day
from .policy import Policy

Found = tuple[str, str, str]
"""A code of the catalogue, what was expected, and what was found."""
_TOLD: Final = 8  # names


def name_findings(leaf: Certificate, domain: str, base: str) -> list[Found]:
    """Say whether a certificate names whom clients look for where usages 0, 1 or 2 decide.

    Args:
        leaf: the server's certificate.
        domain: the SIP domain; empty if it is not known.
        base: the TLSA base domain; empty if it is not known.

    Returns:
        A finding if it names neither; none if neither is known.

    Source: RFC 7671 section 10.2, RFC 7673 sections 4.1 and 6.
    """
    if not domain and not base:
        return []
    try:
        if _names_domain(leaf, domain) or (base and matches_host(base, host_names(leaf)) is not None):
            return []
        return [("dane.names", _wanted(domain, base), _told(domain or base, leaf))]
    except InvalidCertificate as error:
        return [("cert.malformed", error.expected, error.place)]


def other_client_findings(leaf: Certificate, domain: str, at: datetime | None) -> list[Found]:
    """Say whether clients without DANE are shut out, for a server that is vouched for by DANE-EE records only.

    Args:
        leaf: the server's certificate.
        domain: the SIP domain; empty if it is not known, and then any will do.
        at: the time of asking, aware, or None.

    Returns:
        A finding if the certificate names itself as its issuer, does not name the domain, or is out of date.

    Source: RFC 7673 section 6, RFC 5922 section 7.3.
    """
    reasons: list[str] = []
    try:
        if leaf.self_issued:
            reasons.append("it is self-signed")
        if domain and not _names_domain(leaf, domain):
            reasons.append(_told(domain, leaf))
        elif not sip_identities(leaf):
            reasons.append("it names no SIP domain")
        if at is not None and not leaf.not_before <= at <= leaf.not_after:
            reasons.append(f"it is valid from {day(leaf.not_before)} to {day(leaf.not_after)}")
    except InvalidCertificate as error:
        reasons.append(f"malformed in {error.place}")
    if not reasons:
        return []
    return [("dane.ee-only", f"a valid certificate for {domain or 'the SIP domain'}", "; ".join(reasons))]


def _names_domain(leaf: Certificate, domain: str) -> bool:
    return bool(domain) and matches_domain(domain, sip_identities(leaf)) is not None


def _wanted(domain: str, base: str) -> str:
    return " or ".join(dict.fromkeys([name for name in (domain, base) if name]))


def _told(reference: str, leaf: Certificate) -> str:
    compared = comparisons(reference, "domain", [leaf], Policy(), wildcards=False)
    return "; ".join(map(str, islice(compared, _TOLD))) or "it has no names"
