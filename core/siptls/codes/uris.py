"""URIs and header fields: what was asked for, and the route of a request."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "uri.invalid",
        "error",
        "not a SIP URI",
        why=(
            "what is not written as RFC 3261 defines it can be read in more than one way, so nothing is looked up for "
            "it"
        ),
        impact="no call to this URI can be made, by anybody; nothing was asked and nothing was sent",
        causes=(
            "the scheme is missing: a bare domain or a telephone number was given",
            "a character stands there unescaped, such as a blank or an umlaut in the user part",
            "the host is no domain name: it has an underscore, or a label of more than 63 characters",
        ),
        confirm=("look at the column that the caret points to; in JSON it is the position, counted from 0",),
        fix="write it as sip:user@example.com or sips:user@example.com",
        reference="RFC 3261 section 25.1",
    ),
    Code(
        "uri.ip-literal",
        "error",
        "an IP address has no domain to verify",
        why="SIP certificates name domains; the URI names an address",
        impact=(
            "calls to this URI fail at every element that verifies SIP certificates; calls to the domain's own URI are "
            "not affected"
        ),
        causes=(
            "the contact or the trunk was configured with an address instead of a domain",
            "an element inserted its own address into Contact or Record-Route",
        ),
        confirm=("look where the URI comes from: the configuration of the trunk, or the Contact of a registration",),
        fix="use the domain's URI, or allow it by policy",
        reference="RFC 5922 section 7.3, RFC 5922 section 4",
    ),
    Code(
        "via.invalid",
        "error",
        "not a Via header field value",
        why="the way of a response is read from the Via header field, so it must be readable in one way only",
        impact="no response can be sent by this Via; the client that sent it waits until its transaction times out",
        causes=(
            "the name of the header field, Via: or v:, was given with its value",
            "the sent-protocol is not written as SIP/2.0/TLS",
            "more than one Via was given, or a line was cut off",
        ),
        confirm=(
            "look at the column that the caret points to; in JSON it is the position, counted from 0",
            "look at the message itself in a trace, with sngrep or Wireshark",
        ),
        fix="write it without the name of the header field: SIP/2.0/TLS proxy.example.com;branch=z9hG4bK1",
        reference="RFC 3261 section 20.42",
    ),
    Code(
        "route.strict",
        "note",
        "the route begins with a strict router",
        why=(
            "its URI has no lr parameter, so it becomes the Request-URI, and the Request-URI goes to the end of the "
            "route"
        ),
        impact=(
            "none, where all elements on the way follow RFC 3261; an element that does not know loose routing may "
            "reject the request with 482 or 483"
        ),
        reference="RFC 3261 section 16.6",
    ),
    Code(
        "route.promoted",
        "note",
        "sip entries of the route became sips",
        why="the Request-URI is a sips URI, or the entry asked for TLS by transport=tls",
        impact=(
            "each hop of the route must now be made over TLS; a proxy in the route without TLS fails the call instead "
            "of weakening it"
        ),
        reference="RFC 5630 section 5.1.1",
    ),
    Code(
        "route.transport-tls",
        "warning",
        "a URI has transport=tls, which nobody may use",
        why="it is deprecated: it asks for TLS on one hop only, and sips asks for TLS on every hop",
        impact="calls work, but the caller may believe in a protection that ends at the first hop",
        causes=(
            "an older device or PBX still writes transport=tls into its Contact",
            "the URI was typed by hand from an old manual",
        ),
        confirm=("look at the Contact of the registration, and at the configuration of the device that owns the URI",),
        fix="use a sips URI, or a sip URI and a connection over TLS",
        reference="RFC 5630 section 5.1.1, RFC 3261 section 26.2.2",
    ),
    Code(
        "route.tls-lost",
        "warning",
        "the Request-URI asks for TLS on a hop that another element makes",
        why=(
            "transport=tls may not be sent and a sip Request-URI has no other way to ask, so that hop may be made "
            "without TLS"
        ),
        impact="the call is set up, but signalling, and with SDES the media keys, may pass a hop in clear text",
        causes=("the owner of the URI registered a sip URI with transport=tls instead of a sips URI",),
        confirm=("look at the Contact with which the owner of the URI is registered",),
        fix="ask the owner of the URI for a sips URI",
        reference="RFC 5630 section 3.1.4",
    ),
    Code(
        "route.address-literal",
        "warning",
        "the URI names an address, so no backup can take over",
        why="an address leads to one element; when that fails, requests of the dialog fail",
        impact=(
            "calls that are up lose their signalling when that one element fails: no re-INVITE, and BYE does not arrive"
        ),
        causes=("the proxy is configured to put its address into Record-Route or Contact",),
        confirm=(
            "$ siptls locate sip:DOMAIN",
            "look at the Record-Route of a request that has passed the element",
        ),
        fix="use a name with SRV records: this element first, its backups next",
        reference="RFC 3263 section 6",
    ),
    Code(
        "route.port",
        "note",
        "the URI names a port, so SRV records are not asked and can name no backup",
        why=(
            "a URI with a port leads to one server's port, not to the set of servers that SRV records name (RFC 3263 "
            "section 4.2)"
        ),
        impact="none while the server runs; when it fails, its backups are not found by this URI",
        fix="leave the port to the SRV records",
        reference="RFC 3263 section 4.2",
    ),
    Code(
        "route.transport",
        "note",
        "the Record-Route names a transport",
        why="the element that will use it may not support this transport",
        impact=(
            "none, if every element that is to use the Record-Route has that transport; else requests of the dialog "
            "fail there"
        ),
        fix="leave the parameter away",
        reference="RFC 3261 section 16.6",
    ),
    Code(
        "route.no-lr",
        "warning",
        "the Record-Route has no lr parameter",
        why="elements that use it take this proxy for a strict router",
        impact=(
            "requests within the dialog, such as BYE and re-INVITE, are routed in the old way, and may end at the "
            "wrong element"
        ),
        causes=("the Record-Route was written by hand, or by an element from before RFC 3261",),
        confirm=("look at the Record-Route of a request that has passed the element",),
        fix="add the parameter lr",
        reference="RFC 3261 section 16.6, RFC 3261 section 19.1.1",
    ),
    Code(
        "route.component",
        "warning",
        "the URI holds a component that may not stand there",
        why="method never may, and in Record-Route neither ttl nor header fields",
        impact="elements that are strict refuse the request with 400; others ignore the component",
        causes=("the URI was copied from a Contact, a Request-URI or a web page, where the component may stand",),
        confirm=("hold the URI against the table in RFC 3261 section 19.1.1",),
        fix="leave it away",
        reference="RFC 3261 section 19.1.1",
    ),
)
