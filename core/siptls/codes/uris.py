"""URIs and header fields: what was asked for, and the route of a request."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "uri.invalid",
        "error",
        "not a SIP URI",
        fix="write it as sip:user@example.com or sips:user@example.com",
        reference="RFC 3261 section 25.1",
    ),
    Code(
        "uri.ip-literal",
        "error",
        "an IP address has no domain to verify",
        why="SIP certificates name domains; the URI names an address",
        fix="use the domain's URI, or allow it by policy",
        reference="RFC 5922 section 7.3",
    ),
    Code(
        "via.invalid",
        "error",
        "not a Via header field value",
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
        reference="RFC 3261 section 16.6",
    ),
    Code(
        "route.promoted",
        "note",
        "sip entries of the route became sips",
        why="the Request-URI is a sips URI, or the entry asked for TLS by transport=tls",
        reference="RFC 5630 section 5.1.1",
    ),
    Code(
        "route.transport-tls",
        "warning",
        "a URI has transport=tls, which nobody may use",
        why="it is deprecated: it asks for TLS on one hop only, and sips asks for TLS on every hop",
        fix="use a sips URI, or a sip URI and a connection over TLS",
        reference="RFC 5630 section 5.1.1",
    ),
    Code(
        "route.tls-lost",
        "warning",
        "the Request-URI asks for TLS on a hop that another element makes",
        why=(
            "transport=tls may not be sent and a sip Request-URI has no other way to ask, so that hop may be made "
            "without TLS"
        ),
        fix="ask the owner of the URI for a sips URI",
        reference="RFC 5630 section 3.1.4",
    ),
    Code(
        "route.address-literal",
        "warning",
        "the URI names an address, so no backup can take over",
        why="an address leads to one element; when that fails, requests of the dialog fail",
        fix="use a name with SRV records: this element first, its backups next",
        reference="RFC 3263 section 6",
    ),
    Code(
        "route.port",
        "note",
        "the URI names a port, so SRV records are not asked and can name no backup",
        fix="leave the port to the SRV records",
        reference="RFC 3263 section 4.2",
    ),
    Code(
        "route.transport",
        "note",
        "the Record-Route names a transport",
        why="the element that will use it may not support this transport",
        fix="leave the parameter away",
        reference="RFC 3261 section 16.6",
    ),
    Code(
        "route.no-lr",
        "warning",
        "the Record-Route has no lr parameter",
        why="elements that use it take this proxy for a strict router",
        fix="add the parameter lr",
        reference="RFC 3261 section 16.6",
    ),
    Code(
        "route.component",
        "warning",
        "the URI holds a component that may not stand there",
        why="method never may, and in Record-Route neither ttl nor header fields",
        fix="leave it away",
        reference="RFC 3261 section 19.1.1",
    ),
)
