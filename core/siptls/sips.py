"""What may become of the schemes sip and sips on the way of a request (RFC 5630 section 5).

`siptls.route_set` forms what is sent on the next hop, and asks for TLS there. The functions here say beforehand whether
the request may go there at all, and what else an element owes: a proxy, a user agent, a registrar, a redirect server.
All of them return findings, and decide nothing: "The presence of a SIPS Request-URI does not necessarily indicate that
the request was sent securely on each hop" (section 3.2), and nothing here claims that it was.

What stands in a message may be anything. A URI of a message that cannot be read, or is of another scheme where it must
be sip or sips, is the finding ``sips.unreadable`` (error), which comes alone. It tells nothing of the text.

The old question whether a proxy may turn sip into sips, because the request came over TLS, has the answer no: the
caller would be told of a protection that nobody asked for and nobody can promise. What a proxy can do is to keep the
sip URI and to send it over TLS (section 5.3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from .errors import InvalidUri
from .journal import Step, finding, listed
from .uri import SipUri

Scheme: TypeAlias = Literal["sip", "sips"]

RESPONSES: Final[dict[str, tuple[int, int | None]]] = {
    "sips.not-allowed": (480, 380),
    "sips.required": (480, 381),
    "sips.inconsistent": (400, None),
}
"""The status code, and the code of the Warning header field or None, with which a request is rejected for a finding of
these codes (RFC 5630 sections 5.1.2, 5.2 and 5.3)."""

_HOP: Final = "URI"
_SIP: Final = frozenset({"sip", "sips"})
_OTHER_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")


def forwarding_faults(
    received: SipUri | str, target: SipUri | str, *, binding: bool = False, tls: bool = True
) -> tuple[Step, ...]:
    """Say what a proxy has to mind before it forwards a request to a URI.

    A proxy neither demotes nor promotes. With a sips URI there is no exception for the last hop any more.

    Args:
        received: the Request-URI of the request as it came.
        target: the URI to which the request would go, as it was registered or as the proxy found it.
        binding: whether ``target`` is a Contact that the user agent registered.
        tls: whether the next hop can be made over TLS. None but the caller knows; by RFC 5630 it "SHOULD" be, where it
            can, for a sip URI, too.

    Returns:
        The findings; none if there is nothing to mind.
        ``sips.not-allowed`` (error): sips would become sip; take another target, or reject the request.
        ``sips.no-tls`` (error): a sips URI, and no TLS; the target failed.
        ``sips.promotion`` (error): sip would become sips.
        ``sips.required`` (error): the binding is sips, so TLS is needed, and there is none.
        ``sips.binding`` (note): the binding is sips; `siptls.next_hop` with ``received`` forms what is sent.
        ``sips.over-tls`` (note): a sip URI goes over TLS as well.
        ``sips.unreadable`` (error): one of the two is no SIP or SIPS URI.

    Source: RFC 5630 section 5.3.
    """
    if unreadable := _unreadable([received, target]):
        return unreadable
    asked, offered = _sip_scheme(received), _sip_scheme(target)
    if asked == "sips":
        if offered == "sip":
            return (finding(_HOP, "sips.not-allowed", "a sips URI", _shown(target)),)
        return () if tls else (finding(_HOP, "sips.no-tls", "TLS", "none"),)
    if offered == "sip":
        return (finding(_HOP, "sips.over-tls"),) if tls else ()
    if not binding:
        return (finding(_HOP, "sips.promotion", "a sip URI", _shown(target)),)
    if not tls:
        return (finding(_HOP, "sips.required", "TLS", "none"),)
    return (finding(_HOP, "sips.binding", "TLS and a sip URI", _shown(target)),)


def recursion_faults(
    sent: SipUri | str, status: int, *, contacts: Sequence[SipUri | str] = (), warning: int | None = None
) -> tuple[Step, ...]:
    """Say whether a proxy may try again by itself after a response.

    Args:
        sent: the Request-URI of the request that was answered.
        status: the status code of the response.
        contacts: the URIs of its Contact header fields, of any scheme.
        warning: the code of its Warning header field, or None.

    Returns:
        ``sips.no-recursion`` if another scheme would be needed: then the best response is forwarded, and the caller
        decides. ``sips.unreadable`` (error) if that cannot be known, since a Contact is no URI. Else nothing.

    Raises:
        InvalidUri: ``sent`` is no SIP or SIPS URI, or ``contacts`` is one text.

    Source: RFC 5630 section 5.3.
    """
    scheme = _sip_scheme(sent)
    other = "sip" if scheme == "sips" else "sips"
    refused = (scheme == "sips" and status == 416) or (status == 480 and warning == (380 if scheme == "sips" else 381))
    unreadable = _unreadable(contacts, other=True)
    if not refused and 300 <= status <= 399 and unreadable:
        return unreadable
    if refused or (300 <= status <= 399 and other in _schemes(contacts)):
        return (finding(_HOP, "sips.no-recursion", f"a {scheme} URI", f"{status}, which leads to a {other} URI"),)
    return ()


def contact_faults(
    request_uri: SipUri | str, contact: SipUri | str, *, route: Sequence[SipUri | str] = ()
) -> tuple[Step, ...]:
    """Hold the Contact of a request that begins a dialog, or refreshes its target, against the schemes beside it.

    For the user agent that makes the request; and for those who get it, to see whether it contradicts itself. They give
    no route: what stood at its top has changed on the way.

    Args:
        request_uri: the Request-URI.
        contact: the URI of the Contact header field.
        route: the URIs of the Route header field as the request is sent, in their order.

    Returns:
        ``sips.inconsistent`` (error): the Request-URI or the top of the route is sips, and the Contact is not.
        ``sips.contact-promoted`` (warning): neither of them is sips, and the Contact is, which is wrong over TLS, too.
        ``sips.unreadable`` (error): a text is no SIP or SIPS URI; a Contact may be of any scheme.
        None of them if all is well.

    Raises:
        InvalidUri: ``route`` is one text.

    Source: RFC 5630 sections 5.1.1, 5.1.1.2, 5.1.2, 5.3 and 5.4; RFC 3261 section 8.1.1.8.
    """
    _one_by_one(route)
    if unreadable := _unreadable([request_uri, *route[:1]]) or _unreadable([contact], other=True):
        return unreadable
    secured = "sips" in {_sip_scheme(request_uri), *[_sip_scheme(uri) for uri in route[:1]]}
    if (_scheme(contact) == "sips") is secured:
        return ()
    if secured:
        return (finding(_HOP, "sips.inconsistent", "a sips URI in Contact", _shown(contact)),)
    return (finding(_HOP, "sips.contact-promoted", "a sip URI in Contact", _shown(contact)),)


def unwanted_scheme(request_uri: SipUri | str, wanted: Scheme) -> tuple[Step, ...]:
    """Say how a user agent, or the proxy before it, rejects a request to a URI of the scheme that it does not want.

    It never takes the request for one of the other scheme.

    Args:
        request_uri: the Request-URI as it came.
        wanted: the only scheme by which the user agent wants to be reached.

    Returns:
        ``sips.not-allowed`` or ``sips.required``, or nothing if the scheme is the one that is wanted; `RESPONSES` has
        the response. ``sips.unreadable`` (error) if it is no SIP or SIPS URI.

    Source: RFC 5630 section 5.1.2.
    """
    if unreadable := _unreadable([request_uri]):
        return unreadable
    if _sip_scheme(request_uri) == wanted:
        return ()
    code = "sips.not-allowed" if wanted == "sip" else "sips.required"
    return (finding(_HOP, code, f"a {wanted} URI", _shown(request_uri)),)


def register_faults(
    contacts: Sequence[SipUri | str], *, from_uri: SipUri | str, to_uri: SipUri | str, wanted: Scheme
) -> tuple[Step, ...]:
    """Hold a REGISTER request that a user agent is about to send against the rules for its schemes.

    Args:
        contacts: the URIs of its Contact header fields, of any scheme; none for a query.
        from_uri: the URI of its From header field.
        to_uri: the URI of its To header field: the address-of-record.
        wanted: ``sips`` if the user agent wants to be reached by sips URIs, which includes sip ones; else ``sip``.

    Returns:
        ``sips.contact-unwanted``: a Contact has the other scheme than the one that is wanted.
        ``sips.twin``: the sip form of a Contact stands beside the sips one, which implies it.
        ``sips.register-scheme``: From and To are sips if all Contacts are, and else sip; one is not.
        All are warnings.

    Raises:
        InvalidUri: From or To is no SIP or SIPS URI, or a Contact is no URI.

    Source: RFC 5630 section 5.1.1.1.
    """
    found: list[Step] = []
    uris = [_read(uri) for uri in contacts if _scheme(uri) in _SIP]
    other = [str(uri) for uri in uris if uri.scheme != wanted]
    if other:
        found.append(finding(_HOP, "sips.contact-unwanted", f"only {wanted} URIs in Contact", listed(other)))
    secured = {_resource(uri) for uri in uris if uri.scheme == "sips"}
    twins = [str(uri) for uri in uris if uri.scheme == "sip" and _resource(uri) in secured]
    if twins:
        found.append(finding(_HOP, "sips.twin", "the sips URI alone", listed(twins)))
    scheme = "sips" if _schemes(contacts) == {"sips"} else "sip"
    wrong = [_shown(uri) for uri in (from_uri, to_uri) if _sip_scheme(uri) != scheme]
    if contacts and wrong:
        found.append(finding(_HOP, "sips.register-scheme", f"{scheme} URIs in From and To", listed(wrong)))
    return tuple(found)


def binding_faults(
    request_uri: SipUri | str, contacts: Sequence[SipUri | str], *, path: Sequence[SipUri | str] = ()
) -> tuple[Step, ...]:
    """Say whether a registrar may accept the bindings of a REGISTER request. From and To play no part in it.

    Args:
        request_uri: the Request-URI as it came.
        contacts: the URIs of the Contact header fields, of any scheme.
        path: the URIs of the Path header fields (RFC 3327).

    Returns:
        ``sips.inconsistent`` if there is a sips Contact and something beside it is not sips; ``sips.unreadable``
        (error) if the Request-URI is no SIP or SIPS URI, or one of the others is no URI; else nothing.

    Raises:
        InvalidUri: ``contacts`` or ``path`` is one text.

    Source: RFC 5630 section 5.2.
    """
    _one_by_one(contacts)
    _one_by_one(path)
    if unreadable := _unreadable([request_uri]) or _unreadable([*contacts, *path], other=True):
        return unreadable
    clear = [_shown(uri) for uri in (request_uri, *contacts, *path) if _scheme(uri) != "sips"]
    if "sips" not in _schemes(contacts) or not clear:
        return ()
    return (finding(_HOP, "sips.inconsistent", "sips URIs alone", listed(clear)),)


def redirect_faults(binding: SipUri | str, contact: SipUri | str, *, tls: bool = True) -> tuple[Step, ...]:
    """Hold the Contact of a 3xx response against the binding that it comes from, whatever the Request-URI was.

    Args:
        binding: the Contact that the user agent registered.
        contact: the Contact that the redirect server is about to return for it.
        tls: whether the one who asked can reach the user agent over TLS, without a connection that already stands.

    Returns:
        ``sips.redirect`` if the scheme has to be the one of the binding, and is not; ``sips.unreadable`` (error) if the
        binding is no SIP or SIPS URI; else nothing.

    Raises:
        InvalidUri: ``contact`` is no SIP or SIPS URI.

    Source: RFC 5630 section 5.4.
    """
    offered = _sip_scheme(contact)
    if unreadable := _unreadable([binding]):
        return unreadable
    bound = _sip_scheme(binding)
    if bound == offered or (bound == "sips" and not tls):
        return ()
    return (finding(_HOP, "sips.redirect", f"a {bound} URI", _shown(contact)),)


def same_resource(one: SipUri | str, other: SipUri | str) -> bool:
    """Say whether two addresses-of-record are the same but for the scheme, so that a registrar takes them for one.

    Args:
        one: a sip or sips URI. Parameters and header fields are left out, escapes are resolved (RFC 3261 section 10.3).
        other: another one. What is no SIP or SIPS URI is the same as nothing.

    Source: RFC 5630 section 5.2.
    """
    if _unreadable([one, other]):
        return False
    return _resource(_read(one)) == _resource(_read(other))


def _one_by_one(uris: Sequence[SipUri | str]) -> None:
    # A text is a sequence of texts as well, each of one letter.
    if isinstance(uris, str):
        raise InvalidUri(uris, 0, "the URIs one by one, in a tuple or a list")


def _unreadable(uris: Sequence[SipUri | str], *, other: bool = False) -> tuple[Step, ...]:
    """One finding if some are no SIP or SIPS URIs; with ``other``, URIs of other schemes are good as well."""
    _one_by_one(uris)
    wrong = [_kind(uri) for uri in uris if not _readable(uri, other)]
    if not wrong:
        return ()
    return (finding(_HOP, "sips.unreadable", "a URI" if other else "a SIP or SIPS URI", listed(wrong)),)


def _readable(uri: SipUri | str, other: bool) -> bool:
    if isinstance(uri, SipUri):
        return True
    found = _OTHER_SCHEME.match(uri)
    if found is not None and found[0].lower() not in _SIP:
        return other
    try:
        SipUri.parse(uri)
    except InvalidUri:
        return False
    return True


def _kind(uri: SipUri | str) -> str:
    """What kind of text it is. The text itself may hold a password."""
    found = _OTHER_SCHEME.match(str(uri))
    if found is None:
        return "no URI"
    scheme = found[0].lower()
    return f"a {scheme} URI that cannot be read" if scheme in _SIP else f"a URI of the scheme {scheme}"


def _read(uri: SipUri | str) -> SipUri:
    return SipUri.parse(uri) if isinstance(uri, str) else uri


def _shown(uri: SipUri | str) -> str:
    """A URI as text, without the password that a sip URI may have."""
    return str(_read(uri)) if _scheme(uri) in _SIP else str(uri)


def _sip_scheme(uri: SipUri | str) -> str:
    return _read(uri).scheme


def _scheme(uri: SipUri | str) -> str:
    """The scheme of a URI of any kind. A sip or sips URI has to be a good one."""
    if isinstance(uri, SipUri):
        return uri.scheme
    found = _OTHER_SCHEME.match(uri)
    if found is None or found[0].lower() in _SIP:
        return SipUri.parse(uri).scheme
    return found[0].lower()


def _schemes(uris: Sequence[SipUri | str]) -> set[str]:
    _one_by_one(uris)
    return {_scheme(uri) for uri in uris}


def _resource(uri: SipUri) -> tuple[str | None, str, int | None]:
    user = uri.user
    if user is not None:
        user = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), user)
    return user, uri.host, uri.port
