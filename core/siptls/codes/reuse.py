"""Connections that are used again."""

from __future__ import annotations

from typing import Final

from .entry import Code

_AS_WITHOUT: Final = (
    "the request proceeds as if no alias had been offered, and later ones get a connection of their own"
)

ENTRIES: Final = (
    Code(
        "reuse.candidate",
        "ok",
        "an open connection leads here; what its peer presented is judged for this domain",
        reference="RFC 5923 sections 5 and 8.1",
    ),
    Code(
        "reuse.identity",
        "note",
        "the open connection may not carry requests to this domain",
        why="the address is the same, but its peer did not prove to be this domain; a connection of its own is made",
        reference="RFC 5923 sections 8.1 and 9.3",
    ),
    Code(
        "reuse.address",
        "note",
        "the open connection leads to no server that this domain was reached at",
        why="requests go where RFC 3263 sends them, in the order of the SRV records; there no connection is open",
        reference="RFC 5923 sections 8.1 and 10",
    ),
    Code(
        "reuse.no-alias",
        "note",
        "the client does not offer its connection for requests in the other direction",
        why="only the parameter alias in the topmost Via does; further Vias are the word of somebody else",
        reference="RFC 5923 sections 7 and 8.2",
    ),
    Code(
        "reuse.not-tls",
        "note",
        "only a TLS connection has an alias",
        why="without TLS nobody is authenticated, and whoever has the address could be sent the requests of others",
        reference="RFC 5923 sections 8.2 and 9.3",
    ),
    Code(
        "reuse.not-authenticated",
        "note",
        "the connection has no alias, since nobody is authenticated at its other end",
        why=f"no certificate, or one that is not accepted, proves nothing; {_AS_WITHOUT}",
        reference="RFC 5923 sections 9.1 and 9.2",
    ),
    Code(
        "reuse.no-address",
        "note",
        "the connection leads to no address that could be remembered",
        why="a row stands under an IP address without a zone: where we connected to, or where the request came from",
        reference="RFC 5923 sections 8.1 and 8.2",
    ),
    Code(
        "reuse.port",
        "note",
        "the port of sent-by is none",
        why="nobody can listen there, so no request will ever go there; the default is not taken in its place",
        reference="RFC 5923 section 8.2, RFC 3261 section 25.1",
    ),
    Code(
        "reuse.no-identities",
        "note",
        "no SIP domain stands in the subjectAltName of the client's certificate",
        why="a common name authenticates a client where the policy lets it, but it makes no alias",
        reference="RFC 5923 section 8.2",
    ),
    Code(
        "reuse.expired",
        "note",
        "what the verdict rests on does not hold any more",
        why="records in the DNS and certificates speak for a time; after it the peer is judged again",
        reference="RFC 5923 section 5, RFC 7671 section 7",
    ),
    Code(
        "reuse.too-large",
        "note",
        "the peer's certificates are too large to be kept",
        why="each row keeps them, and a peer chooses how large they are; its requests get connections of their own",
        reference="RFC 5923 section 5",
    ),
    Code(
        "reuse.closing",
        "note",
        "the connection is being closed",
        why="after a closure alert no new transaction begins on it; those that run may come to their ends",
        reference="RFC 5923 section 8.3",
    ),
    Code(
        "reuse.not-offered",
        "note",
        "a request came over a connection that was not offered for it",
        why="we opened it, and sent no alias: the peer had no reason to believe that requests are welcome there",
        reference="RFC 5923 section 8.1",
    ),
    Code(
        "reuse.not-new",
        "note",
        "the verdict speaks of a connection that has its row already",
        why="it judged what stands in that row, not what the peer of a new connection presented",
        reference="RFC 5923 section 8.1",
    ),
    Code(
        "reuse.not-reused",
        "note",
        "the verdict is not on what stands in the row of this connection",
        why="a domain is added to a row only by judging, for that domain, what this very connection's peer presented",
        reference="RFC 5923 sections 5 and 9.3",
    ),
    Code(
        "reuse.one-place",
        "note",
        "a connection that we opened leads to one place only",
        why="it leads where it was opened to; a verdict on another address speaks of another connection",
        reference="RFC 5923 section 8.1",
    ),
    Code(
        "reuse.no-row",
        "note",
        "the connection has no row at this address, port and transport",
        why="it was closed in the meantime, or its row gave way to another one of the same peer",
        reference="RFC 5923 section 8.1",
    ),
    Code(
        "reuse.no-tlsa",
        "note",
        "only the way to the host speaks for this domain, so it is not added to the row",
        why="a domain that the certificate does not name needs matching TLSA records to be remembered here",
        reference="RFC 5923 section 5, RFC 7673 section 4.1",
    ),
    Code(
        "reuse.domains-full",
        "note",
        "the row has as many domains as it may have",
        why="the connection can be used for this one all the same, after each request to it is judged",
        reference="RFC 5923 section 5",
    ),
    Code(
        "reuse.other-certificate",
        "warning",
        "the verdict is on another peer than that of this connection",
        why="the identities of a certificate belong to one connection: none moves to another",
        impact=_AS_WITHOUT,
        causes=(
            "the handle names a new connection, and the old one was not reported as closed",
            "the verdict and what the peer presented are those of two connections",
        ),
        confirm=("compare the digests with those of the certificates that the program got on this connection",),
        fix="tell the table of each connection that is closed, before its handle is used again",
        reference="RFC 5923 section 9.3",
    ),
    Code(
        "reuse.other-local-domain",
        "warning",
        "the connection is used on behalf of another domain of ours",
        why="a connection that was opened for one local domain never carries requests of another one",
        impact="each local domain has connections of its own, also to the same server",
        causes=(
            "the program asks for a connection without saying for whom",
            "a client uses one connection for two of our domains",
        ),
        confirm=("compare the local domain that the connection was added for with that of this request",),
        fix="give the same local_domain to Outbound and to the table for all that one connection does",
        reference="RFC 5923 section 9.3",
    ),
    Code(
        "reuse.connection-full",
        "warning",
        "the connection has as many rows as one may have",
        why="a client that advertises ever more ports on one connection would fill the table",
        impact=_AS_WITHOUT,
        causes=("the client puts another port into sent-by with each request", "many servers share one connection"),
        confirm=("look at the topmost Via of the requests on this connection",),
        fix="raise rows_per_connection if the client does so on purpose",
        reference="RFC 5923 section 8.2",
    ),
    Code(
        "reuse.table-full",
        "warning",
        "the table has no room for a peer that is new to it",
        why="rows of one identity never give way to another: a flood by one peer must not push out the others",
        impact=_AS_WITHOUT,
        causes=("more peers than there are rows", "somebody opens connections under many identities"),
        confirm=("compare the number of rows with that of the connections that are open",),
        fix="raise rows, close connections that nobody needs, and report closed ones to the table",
        reference="RFC 5923 section 8.2",
    ),
)
