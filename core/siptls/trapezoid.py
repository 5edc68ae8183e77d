"""What a proxy knows of the proxy before it and of the one behind it, and what it does not know.

SIP between domains goes alice, P1, P2, bob: the trapezoid. P1 opens a connection to P2 and judges it by `Outbound`; P2
judges who connected by `Inbound`. Here stands what follows from these verdicts for a request, and what a message says
of its own way. All functions are pure and return findings. None of them authenticates anybody: that is done by the
verdicts alone, and what a message says of itself never enters a verdict. A finding holds as long as the verdict that it
was made of (`Verdict.expires`).

What a proxy may make of sip and sips is in `siptls.sips`; what it sends on the next hop, `siptls.next_hop` forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .admission import ClientVerdict
from .certificate import Certificate
from .certificate_lint import record_route_fault
from .delegation import Treatment
from .errors import InvalidCertificate, InvalidName, InvalidUri, LocalProtocolError
from .identity import Identity, matches_domain
from .journal import Step, finding, listed, texts
from .names import domain as checked_domain
from .names import same
from .policy import SECURE_TRANSPORTS, Policy
from .references import References
from .route_set import own_uri_advice
from .uri import SipUri
from .verdict import Role, Verdict
from .via import Via

_STRICT: Final = Policy(require_target_name=True)


def authoritative_proxy(verdict: Verdict, domain: str) -> tuple[Step, ...]:
    """Say whether a proxy that connected to us is proven to act for a domain.

    It is where the domain is a SIP domain identity of its certificate (RFC 5922 section 7.4), or where the domain's own
    records, all of them SECURE, name its host as a server and pin its certificate: then it may answer for the domain,
    so it may ask for it as well. Attribute certificates and SAML are not looked at.

    Args:
        verdict: the verdict of `Inbound` on the connection.
        domain: the SIP domain in question, in A-labels; for example the one of the From header field. It is held
            against the verdict, and not looked up: what `Inbound` is to look up it has to be told before. Nobody is
            an IP address, or a text that is no domain name.

    Returns:
        One finding.
        ``proxy.authoritative`` (ok): by its certificate. ``proxy.by-server-records`` (ok): by the domain's records.
        ``proxy.host-only`` (warning): a host or a device is proven, and no SIP domain at all.
        ``proxy.other-domain`` (warning): it is proven to be others.
        ``proxy.unauthenticated`` (warning): nobody knows who it is.

    Raises:
        LocalProtocolError: the verdict is about a server that we connected to.

    Source: RFC 5922 section 7.4, RFC 7673 section 4.1.
    """
    _expect(verdict, "server")
    name = _domain(domain)
    domain = name or domain
    if not verdict.accepted:
        return (finding("CLIENT", "proxy.unauthenticated", domain, verdict.code),)
    ways = [identity for identity in verdict.identities if name and matches_domain(name, (identity,)) is not None]
    if ways:
        by_records = all(identity.origin == "server-records" for identity in ways)
        code = "proxy.by-server-records" if by_records else "proxy.authoritative"
        return (finding("CLIENT", code, domain, _told(ways)),)
    code = "proxy.other-domain" if verdict.identities else "proxy.host-only"
    return (finding("CLIENT", code, domain, _who(verdict)),)


def mutual_authentication(server: Verdict, client: Verdict) -> tuple[Step, ...]:
    """Say what is proven between two proxies, given the verdicts of both on one connection.

    Neither verdict makes up for the other: the one who connected looked for a name, the other one looked for none.

    Args:
        server: the verdict of `Outbound` at the proxy that connected: on the one that accepts.
        client: the verdict of `Inbound` at the proxy that accepts: on the one that connected.

    Returns:
        ``proxy.mutual`` (ok): both are proven. Else ``proxy.server-unproven`` (error) or ``proxy.one-way`` (warning) or
        both of them, for each side that is not.

    Raises:
        LocalProtocolError: the verdicts have the wrong roles.

    Source: RFC 3261 sections 26.3.1 and 26.3.2.2, RFC 5922 section 7.5.
    """
    _expect(server, "client")
    _expect(client, "server")
    if server.accepted and client.accepted:
        found = f"server {server.domain} by {server.method}; client {_who(client)} by {client.method}"
        return (finding("CONNECTION", "proxy.mutual", "", found),)
    found_out: list[Step] = []
    if not server.accepted:
        found_out.append(finding("SERVER", "proxy.server-unproven", server.domain, server.code))
    if not client.accepted:
        found_out.append(finding("CLIENT", "proxy.one-way", "a client that is authenticated", client.code))
    return tuple(found_out)


def from_domain(from_uri: SipUri | str, verdict: Verdict, *, policy: Policy) -> tuple[Step, ...]:
    """Hold the domain of the From header field against the proxy that brought the request.

    This is a policy against those who send for anybody, and wrong in general: a request that was forwarded has the From
    of its caller. So it is off by default. Where it is on, a client without a certificate brings no domain at all; if
    the request itself was authenticated, by Digest, do not ask.

    Args:
        from_uri: the URI of the From header field. A URI of another scheme names no SIP domain.
        verdict: the verdict of `Inbound` on the connection.
        policy: its ``from_policy`` says what a difference means.

    Returns:
        Nothing with ``off``. Else one finding: ``proxy.from-matches`` (ok), or for a difference with ``warn``
        ``proxy.from-differs`` (warning), with ``reject`` ``proxy.from-refused`` (error): answer 403.

    Raises:
        LocalProtocolError: the verdict is about a server that we connected to.

    Source: RFC 3261 section 26.3.2.2, RFC 5922 section 5.
    """
    _expect(verdict, "server")
    if policy.from_policy == "off":
        return ()
    host = _host(from_uri)
    found = matches_domain(host, verdict.identities) if host else None
    if found is not None:
        return (finding("FROM", "proxy.from-matches", _told((found,)), host),)
    code = "proxy.from-refused" if policy.from_policy == "reject" else "proxy.from-differs"
    return (finding("FROM", code, _told(verdict.identities), host or "no SIP domain"),)


def site_certificate(certificate: Certificate, *, domain: str, host: str) -> tuple[Step, ...]:
    """Say what a certificate proves of a server, and to which clients.

    RFC 3261 wanted the canonical host name in it. RFC 5922 put the SIP domain in its place, since a client without
    DNSSEC has no other name that nobody could have forged. A client that DNSSEC leads to the host takes either.

    Only the names are looked at: the path is taken for valid, or pinned by TLSA records.

    Args:
        certificate: the certificate of the server.
        domain: the SIP domain that it serves, in A-labels.
        host: the host that the domain's SRV records name, in A-labels.

    Returns:
        First ``site.domain`` (ok) if it names the domain, or ``site.host`` (warning) if it names only the host. Then
        one finding for each kind of client, with the code with which that client would find it: ``id.match`` and
        ``id.match-target`` accept it. The hops are ``RFC 5922`` for a client without DNSSEC, ``RFC 7673`` for one that
        a secure delegation leads to the host, ``DANE`` for one that holds names against TLSA records of the usages 0 to
        2, ``TARGET NAME`` for one that wants the host's name (``require_target_name``), and ``DANE-EE`` for one that
        finds the key in TLSA records of usage 3, and looks at no name.
        A malformed certificate is a finding.

    Raises:
        InvalidName: ``domain`` or ``host`` is not a host name in A-labels.

    Source: RFC 5922 sections 7.3 and appendix A.2.1; RFC 7673 section 4.1; RFC 7671 sections 5.1 and 10.2.
    """
    domain, host = checked_domain(domain), checked_domain(host)
    kinds = (
        ("RFC 5922", Treatment.RFC5922, Policy()),
        ("RFC 7673", Treatment.DOMAIN_OR_TARGET, Policy()),
        ("DANE", Treatment.DANE, Policy()),
        ("TARGET NAME", Treatment.DOMAIN_OR_TARGET, _STRICT),
    )
    found: list[Step] = []
    try:
        for hop, treatment, policy in kinds:
            references, _ = References.under(treatment, policy, domain, host, base=host)
            code, evidence = references.check([certificate], policy).notes[0]
            found.append(finding(hop, code, *texts(evidence)))
    except InvalidCertificate as error:
        return (finding("CERT", "cert.malformed", error.expected, error.place),)
    found.append(finding("DANE-EE", "site.any-name"))
    by_delegation = found[1]  # that client takes either name, and the domain first
    kind = {"id.match": "site.domain", "id.match-target": "site.host"}.get(by_delegation.code)
    if kind is not None:
        found.insert(0, finding("CERT", kind, domain, by_delegation.found))
    return tuple(found)


def via_trail(vias: Sequence[Via], *, claimed: str | None = None) -> tuple[Step, ...]:
    """Say of each hop of a request whether its Via claims TLS, and whether the claimed domain was on the way.

    This is advice. The topmost Via is of the element that sent the request to us, and even that is what it says of
    itself; all others are hearsay, which any element on the way could write. So nothing of this proves anybody, and
    that the domain is missing proves nothing either: an element may hide the Vias before it.

    Args:
        vias: all Vias of the request as it came, the topmost one first (`siptls.Via.parse_all`).
        claimed: the domain that the request claims to come from, in A-labels: usually that of From; None to pass it
            over. On no way there is an IP address, or a text that is no domain name.

    Returns:
        For each Via ``via.tls`` (ok) or ``via.clear`` (note), with the hop ``VIA 1`` for the topmost one; then
        ``via.domain-present`` (note) or ``via.domain-absent`` (warning). A host below the domain counts here.

    Source: RFC 3261 section 26.4.4, RFC 5630 section 3.2.
    """
    found: list[Step] = []
    for number, via in enumerate(vias, 1):
        code = "via.tls" if via.transport in SECURE_TRANSPORTS else "via.clear"
        found.append(finding(f"VIA {number}", code, "", _sent(via)))
    if claimed is not None:
        domain = _domain(claimed)
        hosts = [via.host for via in vias]
        there = [host for host in hosts if domain and (same(host, domain) or host.endswith(f".{domain}"))]
        code = "via.domain-present" if there else "via.domain-absent"
        found.append(finding("VIA", code, domain or claimed, listed(there or hosts)))
    return tuple(found)


def scheme_tampering(request_uri: SipUri | str, to: SipUri | str, vias: Sequence[Via] = ()) -> tuple[Step, ...]:
    """Look for signs that the scheme of a request was changed on the way.

    For the user agent that receives it: it tells its user of what is found. None of it is proof, and no finding is no
    proof that all hops were made over TLS.

    Args:
        request_uri: the Request-URI as it came. One of another scheme can show no signs.
        to: the URI of the To header field, of any scheme.
        vias: all Vias of the request, the topmost one first.

    Returns:
        ``sips.to-differs`` (warning) if one of the two URIs is sips and the other sip; ``sips.clear-hop`` (warning) if
        the Request-URI is sips and a Via names a transport without TLS. Else nothing.

    Source: RFC 3261 section 26.4.4.
    """
    uri, named = _sip_uri(request_uri), _sip_uri(to)
    if uri is None:
        return ()
    found: list[Step] = []
    if named is not None and named.scheme != uri.scheme:
        found.append(finding("TO", "sips.to-differs", f"a {uri.scheme} URI", str(named)))
    clear = [f"VIA {n} {_sent(via)}" for n, via in enumerate(vias, 1) if via.transport not in SECURE_TRANSPORTS]
    if uri.scheme == "sips" and clear:
        found.append(finding("VIA", "sips.clear-hop", "TLS on every hop", listed(clear)))
    return tuple(found)


def record_route(uri: SipUri | str, certificate: Certificate) -> tuple[Step, ...]:
    """Judge the URI that a proxy is about to put into Record-Route.

    Args:
        uri: the URI.
        certificate: the proxy's own certificate.

    Returns:
        What `siptls.route_set.own_uri_advice` says of the URI, and what `siptls.certificate_lint.record_route_fault`
        says of its host.

    Raises:
        InvalidUri: the text is no SIP or SIPS URI.
        InvalidCertificate: the certificate is malformed.

    Source: RFC 5922 section 7.5, RFC 3263 section 6, RFC 3261 section 16.6.
    """
    uri = SipUri.parse(uri) if isinstance(uri, str) else uri
    advice = [finding("URI", code, "", str(uri)) for code in own_uri_advice(uri, record_route=True)]
    fault = record_route_fault(uri, certificate)
    return (*advice, *(() if fault is None else (fault,)))


def _expect(verdict: Verdict, role: Role) -> None:
    if verdict.role != role:
        judged, by = ("client", "Inbound") if role == "server" else ("server", "Outbound")
        raise LocalProtocolError(f"a verdict of {by} on a {judged} is needed here, not {verdict!r}")


def _who(verdict: Verdict) -> str:
    """Who a client is proven to be: SIP domains; if there are none, hosts."""
    hosts = verdict.hosts if isinstance(verdict, ClientVerdict) else ()
    return _told(verdict.identities or hosts)


def _told(identities: Sequence[Identity]) -> str:
    return listed([f"{identity.origin} {identity.domain}" for identity in identities])


def _sip_uri(uri: SipUri | str) -> SipUri | None:
    """A URI from a message; None if it is none of SIP."""
    if not isinstance(uri, str):
        return uri
    try:
        return SipUri.parse(uri)
    except InvalidUri:
        return None


def _domain(text: str) -> str:
    """A domain from a message, in lower case; empty if it is none."""
    try:
        return checked_domain(text)
    except InvalidName:
        return ""


def _host(uri: SipUri | str) -> str:
    """The domain of a URI from a message; empty if it names none."""
    read = _sip_uri(uri)
    return "" if read is None or read.is_ip else read.host


def _sent(via: Via) -> str:
    """The protocol and the host of a Via, without its parameters."""
    return str(via).partition(";")[0]
