"""One's own certificate, held against what peers will look for in it (RFC 5922, 5924, 7673, 5280).

This is for whoever issues or installs a certificate for SIP. It looks at one certificate only, and verifies no
signature: whether peers find a path from it to an anchor is for `Verification` to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, Literal, TypeAlias

from .certificate import Certificate
from .comparison import comparisons
from .errors import InvalidCertificate, InvalidName, LocalProtocolError
from .identity import (
    SERVER_AUTH,
    SIP_DOMAIN,
    Identity,
    acceptable_purpose,
    host_names,
    matches_domain,
    matches_host,
    sip_identities,
    uri_host,
)
from .journal import Step, finding, listed, when
from .names import domain as checked_domain
from .names import fold
from .path_rules import PURPOSES
from .policy import Policy
from .uri import SipUri

Role: TypeAlias = Literal["server", "client", "both"]

# A code of the catalogue, what was expected, and what was found: text that may come from the certificate as it stands.
_Finding: TypeAlias = tuple[str, str, str]

_SUBJECT_ALT_NAME: Final = "2.5.29.17"
_NO_NAME: Final = b"\x30\x00"  # the DER of an empty directory name
_HOP: Final = "CERT"
_SHOWN: Final = 8  # names in one finding
_SOON: Final = timedelta(days=30)
_USAGES: Final = frozenset({"digitalSignature", "keyEncipherment", "keyAgreement"})
_DEFAULT: Final = Policy()


def lint(
    certificate: Certificate,
    *,
    domains: Sequence[str],
    hosts: Sequence[str] = (),
    at: datetime,
    role: Role = "server",
) -> tuple[Step, ...]:
    """Say what peers will miss in a certificate, or hold against it.

    Args:
        certificate: the own certificate.
        domains: the SIP domains that are served with it: each has to be one of its identities. With none, only those
            findings come that do not depend on it.
        hosts: the hosts that the SRV records of these domains name, for clients that follow a secure delegation.
        at: the time for which to judge, aware.
        role: how the certificate is shown: to clients that connect (``server``), to servers that are connected to
            (``client``), or to both.

    Returns:
        The findings in a fixed order, all with ``seconds`` 0 and the hop ``CERT``; none if all is well. What is found
        in the certificate is plain ASCII there. A malformed certificate is a finding.

    Raises:
        InvalidName: a domain or host is not a host name in A-labels.
        LocalProtocolError: ``at`` is naive.

    Source: RFC 5922 sections 4, 6, 7.1, 7.2 and appendix A.2.1; RFC 5924 sections 4 to 6; RFC 5280 sections 4.1.2.5,
    4.2.1.3, 4.2.1.6 and 4.2.1.12; RFC 7673 section 4.1; RFC 8446 section 4.4.2.2.
    """
    if at.tzinfo is None:
        raise LocalProtocolError(f"the wall clock must be an aware datetime, not {at!r}")
    served, targets = [checked_domain(name) for name in domains], [checked_domain(name) for name in hosts]
    steps: list[Step] = []
    try:
        for code, expected, found in _findings(certificate, served, targets, at, role):
            steps.append(finding(_HOP, code, expected, found))
    except InvalidCertificate as error:
        steps.append(finding(_HOP, "cert.malformed", error.expected, error.place))
    return tuple(steps)


def record_route_fault(uri: SipUri | str, certificate: Certificate) -> Step | None:
    """Hold a URI that a proxy puts into Record-Route against the certificate that the proxy shows.

    Requests of the dialog come back to the host of this URI. Over TLS the peer then looks for that host among the
    identities of the proxy, so it has to be one of them (RFC 5922 section 7.5).

    Args:
        uri: the URI; what is wrong with it in itself, `siptls.route_set.own_uri_advice` tells.
        certificate: the proxy's own certificate.

    Returns:
        A finding if the host of the URI, for example an IP address, is no identity of the certificate; else None.

    Raises:
        InvalidUri: a text is no SIP or SIPS URI.
        InvalidCertificate: the certificate is malformed.
    """
    uri = SipUri.parse(uri) if isinstance(uri, str) else uri
    identities = sip_identities(certificate)
    if matches_domain(uri.host, identities) is not None:
        return None
    return finding(_HOP, "route.not-an-identity", listed([identity.domain for identity in identities]), uri.host)


def subject_alt_name(domains: Sequence[str], hosts: Sequence[str] = ()) -> str:
    """Return the names that a certificate for SIP should have, as OpenSSL reads them in a request.

    Args:
        domains: the SIP domains that are served.
        hosts: the hosts that their SRV records name.

    Returns:
        For example ``subjectAltName = URI:sip:example.com, DNS:example.com, DNS:sip1.example.com``. The sip URI is the
        identity (RFC 5922 section 4). The DNS names are for peers that do not know sip URIs, and for those that look
        for the host to which a secure delegation leads.

    Raises:
        InvalidName: a domain or host is not a host name in A-labels, or none is given.
    """
    served, targets = [checked_domain(name) for name in domains], [checked_domain(name) for name in hosts]
    names = [*[f"URI:sip:{name}" for name in served], *[f"DNS:{name}" for name in (*served, *targets)]]
    if not names:
        raise InvalidName("", "at least one SIP domain or host")
    return "subjectAltName = " + ", ".join(dict.fromkeys(names))


def _findings(
    certificate: Certificate, domains: list[str], hosts: list[str], at: datetime, role: Role
) -> Iterator[_Finding]:
    wanted = subject_alt_name(domains, hosts) if domains or hosts else "URI:sip: and a domain"
    yield from _of_dates(certificate, at)
    yield from _of_domains(certificate, domains, wanted)
    yield from _of_hosts(certificate, hosts, wanted)
    yield from _of_names(certificate)
    yield from _of_purposes(certificate, role)
    yield from _of_key_usage(certificate)
    if certificate.subject == _NO_NAME and _SUBJECT_ALT_NAME not in certificate.critical_extensions:
        yield "cert.subject-empty", "a critical subjectAltName, or a subject", "neither"


def _of_dates(certificate: Certificate, at: datetime) -> Iterator[_Finding]:
    begin, end = certificate.not_before, certificate.not_after
    times = f"valid from {when(begin)} to {when(end)}"
    if at > end:
        yield "chain.expired", f"valid at {when(at)}", times
    elif at < begin:
        yield "chain.not-yet-valid", f"valid at {when(at)}", times
    elif end - at < min(_SOON, (end - begin) / 3):
        yield "cert.expires-soon", "", f"{(end - at).days} day(s) left; {times}"


def _of_domains(certificate: Certificate, domains: list[str], wanted: str) -> Iterator[_Finding]:
    identities = sip_identities(certificate)
    by_domain = {identity.domain: identity for identity in identities}
    common = {fold(name.value) for name in certificate.common_names if isinstance(name.value, str)}
    if not identities and common.isdisjoint(domains):
        yield "cert.no-identities", wanted, _reasons("", certificate)
        return
    for domain in domains:
        if domain in by_domain:
            continue
        code = "cert.domain-missing"
        if domain in common:
            code = "id.cn-only"
        elif matches_host(domain, identities, allow_wildcards=True) is not None:
            code = "id.wildcard"
        yield code, wanted, f"{domain}: {_reasons(domain, certificate)}"
    # Whether one is found by a DNS name is the same for all: a sip URI beside it would hide it.
    by_dns = [domain for domain in domains if by_domain.get(domain) == Identity(domain, "dns")]
    if by_dns:
        yield "cert.dns-only", ", ".join([f"URI:sip:{domain}" for domain in by_dns[:_SHOWN]]), listed(by_dns)


def _reasons(domain: str, certificate: Certificate) -> str:
    """Why the names of a certificate are not the one that is looked for, the first of them."""
    compared = comparisons(domain, "domain", [certificate], _DEFAULT, wildcards=False)
    return "; ".join([str(each) for each in islice(compared, _SHOWN)]) or "no names"


def _of_hosts(certificate: Certificate, hosts: list[str], wanted: str) -> Iterator[_Finding]:
    names = {name.domain for name in host_names(certificate)}
    missing = [host for host in hosts if host not in names]
    if missing:
        compared = comparisons(missing[0], "host", [certificate], _DEFAULT, wildcards=False)
        found = "; ".join([str(each) for each in islice(compared, _SHOWN)]) or "no names"
        yield "cert.host-missing", wanted, f"{listed(missing)}: {found}"


def _of_names(certificate: Certificate) -> Iterator[_Finding]:
    """What stands in the certificate and counts for nothing, whatever domain is looked for."""
    names = certificate.names or ()
    wild: list[str] = []
    ignored: list[str] = []
    for name, each in zip(names, comparisons("", "domain", [certificate], _DEFAULT, wildcards=False), strict=False):
        if name.kind == "dns" and each.text.startswith("*."):
            wild.append(each.text)
        elif name.kind == "uri" and each.text.lower().startswith(("sip:", "sips:")) and uri_host(name) is None:
            ignored.append(f"{each.text}: {each.reason}")
    if wild:
        yield "cert.wildcard", "", listed(wild)
    if ignored:
        yield "cert.uri-ignored", "", listed(ignored)


def _of_purposes(certificate: Certificate, role: Role) -> Iterator[_Finding]:
    purposes, names = certificate.extended_key_usage, certificate.names
    identities = sip_identities(certificate)
    found = "no extended key usage" if purposes is None else ", ".join([PURPOSES.get(each, each) for each in purposes])
    if purposes is not None:
        if role != "client" and not acceptable_purpose(purposes, "interop", "server"):
            yield "chain.eku", "sipDomain or serverAuth", found
        if role != "server" and not acceptable_purpose(purposes, "interop", "client"):
            yield "cert.client-purpose" if SERVER_AUTH in purposes else "chain.eku", "sipDomain or clientAuth", found
        if not acceptable_purpose(purposes, "strict", "server"):
            yield "cert.strict-purpose", "sipDomain, anyExtendedKeyUsage or no extended key usage", found
        if SIP_DOMAIN in purposes and not identities:
            yield "cert.purpose-without-domain", "a SIP domain among the names", found
    only_domains = bool(names) and all(name.kind == "uri" and uri_host(name) is not None for name in names or ())
    if only_domains and SIP_DOMAIN not in (purposes or ()):
        yield "cert.sip-domain-purpose", "sipDomain", found


def _of_key_usage(certificate: Certificate) -> Iterator[_Finding]:
    usage = certificate.key_usage
    if usage is None or "digitalSignature" in usage:
        return
    code = "chain.key-usage" if usage.isdisjoint(_USAGES) else "cert.no-digital-signature"
    yield code, "digitalSignature", ", ".join(sorted(usage)) or "no key usage at all"
