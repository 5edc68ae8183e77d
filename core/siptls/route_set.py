"""Which URI of a request is resolved, and what sips asks of the URIs beside it (RFC 3261 8.1.2, RFC 5630 section 5).

RFC 3261 "provides guidelines on determining which URI needs to be resolved in DNS" (RFC 3263 section 4): the
Request-URI, or the first entry of the route set. `next_hop` follows them. The host of that URI, and not that of the
Request-URI, is the domain that the peer has to be.

RFC 5630 adds what may become of a scheme. "When presented with a SIPS URI, a UAC MUST NOT change it to a SIP URI"; when
the Request-URI is sips, it "MUST change the SIP URIs" of the route set "to SIPS URIs simply by changing the scheme";
and nobody may use ``transport=tls``, which "was specific to a single hop of the request". No URI made here has it.

All of this speaks of the one hop that is made now. SIPS "is useful to request that a resource be contacted securely, it
is not useful as an indication that a resource was in fact contacted securely" (section 4): nothing here tells of other
hops.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .errors import InvalidUri
from .names import ip_literal
from .uri import SipUri

# RFC 3261 section 19.1.1, Table 1. Header fields may stand in neither of the two.
_NOT_IN_REQUEST_URI: Final = frozenset({"method"})
_NOT_IN_RECORD_ROUTE: Final = frozenset({"method", "ttl"})


class NextHop:
    """Where the next hop of a request is looked for, and with what Request-URI and Route the request is sent.

    Attributes:
        uri: the URI to resolve by RFC 3263, for `Locate` or `Outbound`. Its host is the domain that the peer has to be.
        request_uri: the Request-URI to send. What is sent of a URI is its ``text``.
        route: the URIs of the Route header field to send, in order; empty for none.
        tls_required: whether this hop, and only this one, must be made over TLS, whatever the scheme of ``uri``. A
            `Policy` with no transports but those over TLS does it. It says nothing of hops before and after.
        codes: what was changed in the URIs and why, as codes of the catalogue, each one once.
    """

    __slots__ = ("codes", "request_uri", "route", "tls_required", "uri")

    def __init__(
        self, uri: SipUri, request_uri: SipUri, route: tuple[SipUri, ...], tls_required: bool, codes: tuple[str, ...]
    ) -> None:
        self.uri: Final = uri
        self.request_uri: Final = request_uri
        self.route: Final = route
        self.tls_required: Final = tls_required
        self.codes: Final = codes

    def __repr__(self) -> str:
        return f"<NextHop {str(self.uri)!r}{', TLS required' if self.tls_required else ''}>"


def next_hop(
    request_uri: SipUri | str, route: Iterable[SipUri | str] = (), *, received: SipUri | str | None = None
) -> NextHop:
    """Say which URI of a request is resolved, and form the Request-URI and Route to send.

    Without a route it is the Request-URI. A first entry with the lr parameter is resolved itself, and the Request-URI
    stays. A first entry without lr is a strict router: it becomes the Request-URI, and the Request-URI becomes the last
    entry of the route (RFC 3261 sections 12.2.1.1 and 16.6).

    A sips Request-URI turns all sip entries into sips (`to_sips`). RFC 5630 asks this of a UAC; a proxy does no less,
    for it has to resolve "as if the input URI were a SIPS URI" (RFC 3261 section 16.6). A sip Request-URI under a sips
    entry stays sip, and goes over TLS.

    ``transport=tls`` asks for TLS on the hop to one element. It is taken out everywhere. On the hop that is made now,
    ``tls_required`` takes its place; in an entry further down, the scheme sips, which asks for TLS on that hop "even if
    the Request-URI is SIP" (RFC 5630 section 5.2). In a sip Request-URI that another element resolves nothing can take
    its place: the code ``route.tls-lost`` says so.

    Args:
        request_uri: the Request-URI, or the remote target of the dialog. Header fields and a method in it are for the
            message that a UAC makes, and are left out here (RFC 3261 section 19.1.5).
        route: the URIs of the route set in order, or of the Route header field after this proxy took its own entry out;
            without angle brackets.
        received: for a proxy that forwards to the binding ``request_uri``: the Request-URI that it received. If that is
            a sip URI and the binding is sips, then the binding's scheme becomes sip and TLS is required (RFC 5630
            section 5.3). The figures of section 6.3 have a message without TLS between two proxies on such a way; here
            the rule counts at each of them.

    Returns:
        The next hop. The time is linear in the length of all URIs.

    Raises:
        InvalidUri: a text is no SIP or SIPS URI; the route is one text and no sequence; or a request to a sips URI was
            received and the binding is a sip URI (RFC 5630 section 5.3: it must not be used).
    """
    if isinstance(route, str):
        raise InvalidUri(route, 0, "the URIs of the route one by one, in a tuple or a list")
    target, tls = _retargeted(_read(request_uri), received)
    entries = tuple([_read(entry) for entry in route])
    return _formed(target, entries, tls)


def to_sips(uri: SipUri | str) -> SipUri:
    """Return the sips form of a URI.

    "Simply by changing the scheme" (RFC 5630 section 5.1.1): user, host, port, lr, maddr and unknown parameters stay.
    The port stays even if it is 5060: another one would be a guess, and where nobody speaks TLS there the request
    fails, but does not leak. What a sips URI may not have is taken out: ``transport=tls``, which says nothing more in
    it, and ``transport=udp`` and ttl, since TLS runs neither over UDP nor to a multicast address (RFC 3261 sections
    19.1.1 and 26.2.2).

    Args:
        uri: a sip or sips URI.

    Returns:
        The sips URI. That the sip form can be reached does not promise that this one can be (RFC 5630 section 4.1).

    Raises:
        InvalidUri: a text is no SIP or SIPS URI.
    """
    uri = _read(uri)
    if uri.scheme == "sips":
        return _without_tls(uri)
    return _edited(uri, "sips", {"transport", "ttl"} if uri.transport in {"tls", "udp"} else {"ttl"})


def to_sip(uri: SipUri | str, *, leave: bool = False) -> SipUri:
    """Return the sip form of a URI; of a sips URI only with leave.

    Nobody changes a sips URI to sip by himself, also not after a 416, or a 480 with the Warning 380 (RFC 5630 section
    5.1.1), nor in a dialog or transaction that comes from a sips one, by REFER, Replaces, Join or third-party call
    control (section 5.1.1.3).

    Args:
        uri: a sip or sips URI.
        leave: True if the user, or the recipient of the REFER, has expressly agreed to this very change.

    Returns:
        The sip URI, with all else as it was, except ``transport=tls``.

    Raises:
        InvalidUri: a sips URI without leave, or a text that is no SIP or SIPS URI.
    """
    uri = _read(uri)
    # Not just any true value: an answer such as "no" is true as well.
    if uri.scheme == "sips" and leave is not True:
        raise InvalidUri(str(uri), 0, "leave of the user: sips is not turned into sip without it")
    return _edited(uri, "sip", {"transport"} if uri.transport == "tls" else set())


def own_uri_advice(uri: SipUri | str, *, record_route: bool = False) -> tuple[str, ...]:
    """Judge a URI that an element constructs for itself, for Contact or Record-Route (RFC 3263 section 6).

    Args:
        uri: the URI.
        record_route: whether it is for Record-Route; else for Contact.

    Returns:
        Codes of the catalogue, each one once; none if there is nothing to say.
        ``route.address-literal``: it names an address, so no backup can take over;
        ``route.port``: it names a port, so SRV records cannot name backups (RFC 3263 section 4.2);
        ``route.transport-tls``: nobody may use transport=tls (RFC 5630 section 5.1.1);
        ``route.component``: it holds what may not stand there (RFC 3261 section 19.1.1, Table 1);
        for Record-Route also ``route.no-lr`` and ``route.transport`` (RFC 3261 section 16.6).

    Raises:
        InvalidUri: a text is no SIP or SIPS URI.
    """
    uri = _read(uri)
    names = {name for name, _ in uri.parameters}
    told: list[str] = []
    if ip_literal(uri.target) is not None:
        told.append("route.address-literal")
    elif uri.port is not None:
        told.append("route.port")
    if uri.transport == "tls":
        told.append("route.transport-tls")
    elif record_route and uri.transport is not None:
        told.append("route.transport")
    if record_route and "lr" not in names:
        told.append("route.no-lr")
    # In Contact, header fields and ttl depend on the request: REGISTER may have them, INVITE may not.
    if names & (_NOT_IN_RECORD_ROUTE if record_route else _NOT_IN_REQUEST_URI) or (record_route and uri.headers):
        told.append("route.component")
    return tuple(told)


def _read(uri: SipUri | str) -> SipUri:
    return SipUri.parse(uri) if isinstance(uri, str) else uri


def _retargeted(target: SipUri, received: SipUri | str | None) -> tuple[SipUri, bool]:
    """Return the Request-URI of a proxy that forwards to a binding, and whether the hop needs TLS for that."""
    if received is None or (scheme := _read(received).scheme) == target.scheme:
        return target, False
    if scheme == "sips":
        raise InvalidUri(str(target), 0, "a sips URI: a request to a sips URI is forwarded to no other")
    # The binding is sips: its scheme must not reach the UAS, its demand for TLS must be met (RFC 5630 section 5.3).
    return _edited(target, "sip", ()), True


def _formed(target: SipUri, entries: tuple[SipUri, ...], tls: bool) -> NextHop:
    """Form the Request-URI and Route, and choose between them (RFC 3261 sections 12.2.1.1 and 16.6)."""
    first, *rest = entries or (target,)
    # Before it is taken out: this hop is the one that the parameter speaks of.
    tls = tls or first.transport == "tls"
    sips = target.scheme == "sips"
    lost = bool(entries) and target.transport == "tls" and not sips
    further = [to_sips(entry) if sips or entry.transport == "tls" else entry for entry in rest]
    top = to_sips(first) if sips else _without_tls(first)
    strict = bool(entries) and not any(name == "lr" for name, _ in top.parameters)
    request_uri = _for_request(target)
    if strict:
        route = (*further, request_uri)
        uri = request_uri = _for_request(top)
    elif entries:
        route = (top, *further)
        uri = top
    else:
        route = ()
        uri = request_uri
    promoted = any(new.scheme != old.scheme for new, old in zip((top, *further), (first, *rest), strict=True))
    deprecated = any(each.transport == "tls" for each in (target, *entries))
    told = {
        "route.strict": strict,
        "route.promoted": promoted,
        "route.transport-tls": deprecated,
        "route.tls-lost": lost,
    }
    # Where the Request-URI is sips, so is every entry by now.
    return NextHop(
        uri, request_uri, route, tls or uri.scheme == "sips", tuple([code for code, said in told.items() if said])
    )


def _without_tls(uri: SipUri) -> SipUri:
    return _edited(uri, uri.scheme, {"transport"}) if uri.transport == "tls" else uri


def _for_request(uri: SipUri) -> SipUri:
    """Return what may stand in a Request-URI (RFC 3261 section 19.1.5 and Table 1)."""
    dropped = _NOT_IN_REQUEST_URI | {"transport"} if uri.transport == "tls" else _NOT_IN_REQUEST_URI
    return _edited(uri, uri.scheme, dropped, headers=False)


def _edited(uri: SipUri, scheme: str, dropped: Iterable[str], *, headers: bool = True) -> SipUri:
    """Return the URI with another scheme and without some parameters; itself if nothing changes.

    All else is taken from the text, so that a password and the spelling of the host are sent as they came.
    """
    unwanted = frozenset(dropped)
    kept = [(name, value) for name, value in uri.parameters if name not in unwanted]
    tail = uri.headers if headers else None
    if scheme == uri.scheme and len(kept) == len(uri.parameters) and tail == uri.headers:
        return uri
    begin = len(uri.scheme) + 1
    host = uri.text.find("@") + 1 or begin
    ends = [at for at in (uri.text.find(";", host), uri.text.find("?", host)) if at >= 0]
    parameters = "".join(f";{name}" if value is None else f";{name}={value}" for name, value in kept)
    asked = "" if tail is None else f"?{tail}"
    return SipUri.parse(f"{scheme}:{uri.text[begin : min(ends, default=None)]}{parameters}{asked}")
