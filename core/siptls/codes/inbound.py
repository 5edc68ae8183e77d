"""Clients that connect to a server."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "inbound.identities",
        "ok",
        "the client's certificate names these SIP domains",
        reference="RFC 5922 section 7.4",
    ),
    Code(
        "inbound.allowed",
        "ok",
        "the client is one of those who may connect",
        reference="RFC 5922 section 7.4",
    ),
    Code(
        "inbound.not-allowed",
        "error",
        "the client is none of those who may connect",
        why="it is authenticated, and the server's own rule for these identities says no",
        impact="the connection is closed before any SIP is exchanged",
        causes=(
            "the client's domain is not in the list yet",
            "the client shows a certificate of another domain than the one that was agreed upon",
        ),
        confirm=("compare the identities that were found with the list of the server",),
        fix="add one of the client's identities to the list, or ask the client for another certificate",
        reference="RFC 5922 section 7.4",
    ),
    Code(
        "inbound.rule-failed",
        "error",
        "a function of the server's own program failed, so the client may not connect",
        why="whether it may was left to a function of the server, and that has raised an exception",
        impact="the connection is closed before any SIP is exchanged",
        causes=(
            "authorize or domain_of_client_name has a bug, or something that it needs is missing",
            "one of them returned something else than what it must return",
        ),
        confirm=("look for the exception in the log of the server",),
        fix="correct the function",
        reference="RFC 5922 section 7.4",
    ),
    Code(
        "inbound.unauthenticated",
        "note",
        "the client is served, and nobody knows who it is",
        why="it proved nothing, and the server does not insist on that; no Digest response changes that",
        reference="RFC 5922 sections 7.4 and 8.1",
    ),
    Code(
        "inbound.claim",
        "ok",
        "a name is looked up for the client",
        why="the server was told to ask the DNS whether the client is this name; nothing else is looked up",
        reference="RFC 7673 section 3, draft-ietf-dance-client-auth-13 section 6",
    ),
    Code(
        "inbound.client-name",
        "ok",
        "the client is the DNS name that it signalled",
        why="the TLSA records at that name say so; it is the name of a client, and no SIP domain by itself",
        reference="draft-ietf-dance-client-auth-13 section 8.2",
    ),
    Code(
        "inbound.server-records",
        "ok",
        "the client is one of the domain's own servers: an authoritative proxy for it",
        why="by DNSSEC the domain names this server, and the server's TLSA records name what the client presented",
        reference="RFC 7673 section 3, RFC 5922 section 7.4",
    ),
    Code(
        "inbound.sent-by",
        "ok",
        "the client is the host that its alias request names",
        why="the TLSA records of that host and port name what it presented; that proves a host, and no SIP domain",
        reference="RFC 5923 section 9.2, RFC 7671 section 3",
    ),
    Code(
        "inbound.sent-by-unusable",
        "note",
        "the alias request names no host that could be looked up",
        why="TLSA records stand at names of hosts; an address has none",
        reference="RFC 7671 section 3",
    ),
    Code(
        "inbound.not-a-server",
        "note",
        "the client's certificate names none of the domain's servers",
        why="it may be issued for another host; the records of the domain's servers say nothing of it",
        reference="RFC 7673 section 4.1",
    ),
    Code(
        "inbound.no-proof",
        "note",
        "the DNS says nothing of this client",
        why="without a secure delegation and TLSA records that can be used nothing is proven, and nothing refuted",
        reference="RFC 7673 sections 3.1 and 3.4",
    ),
    Code(
        "inbound.held-back",
        "warning",
        "the certificate names domains that it is not believed for",
        why=(
            "they were looked up, and the lookup failed or the TLSA records do not match; a certificate authority's "
            "word does not outweigh that"
        ),
        impact="the client is not taken for these domains; requests for them are not accepted from it as theirs",
        causes=(
            "the certificate was renewed, and the TLSA records were not changed",
            "the client uses another certificate than the domain's servers",
            "DNSSEC is broken at the domain",
            "the certificate was issued to somebody else",
        ),
        confirm=(
            "the steps say which lookup or which record it was",
            "$ siptls check sips:DOMAIN",
        ),
        fix="publish TLSA records that match what the domain's servers present as clients, too",
        reference="RFC 7673 section 3.4, RFC 6698 section 4.1",
    ),
    Code(
        "inbound.client-name-unusable",
        "error",
        "the name that the client signalled is empty, or no DNS name",
        why="a client that sends the extension must send the whole name of its TLSA records, in A-labels",
        impact="the connection is closed before any SIP is exchanged",
        causes=(
            "the client follows an older draft, in which an empty name had a meaning",
            "the client signals a name with characters that are not ASCII, or with a trailing dot",
        ),
        confirm=("the finding shows the name",),
        fix="let the client signal the owner name of its TLSA records, without the trailing dot",
        reference="draft-ietf-dance-client-auth-13 sections 7 and 8.2",
    ),
    Code(
        "inbound.client-name-version",
        "error",
        "a client name was signalled outside TLS 1.3",
        why="the extension exists only in TLS 1.3, where it is protected like the certificate itself",
        impact="the connection is closed before any SIP is exchanged",
        causes=(
            "the session was negotiated with an older version of TLS",
            "the server does not tell which version was negotiated",
        ),
        confirm=("look at the version that the TLS library reports",),
        fix="let both sides use TLS 1.3, and pass the facts of the session",
        reference="draft-ietf-dance-client-auth-13 sections 1 and 12",
    ),
    Code(
        "inbound.client-name-unproven",
        "error",
        "no TLSA record that counts stands at the name that the client signalled",
        why="without records that DNSSEC protects and that can be used, the name is only a claim",
        impact="the client is not authenticated: its connection is closed, or it is served as nobody",
        causes=(
            "the zone is not signed, or has no DS record at its parent",
            "the TLSA records are missing, or cannot be used",
            "the resolver does not validate, or is not trusted to",
        ),
        confirm=("$ delv NAME TLSA",),
        fix="publish TLSA records at that name in a signed zone",
        reference="draft-ietf-dance-client-auth-13 section 8.2",
    ),
    Code(
        "inbound.client-name-mismatch",
        "error",
        "the certificate does not name what the client signalled",
        why="with TLSA usages 0, 1 and 2 the signalled name must be one of the dNSNames of the certificate",
        impact="the connection is closed before any SIP is exchanged",
        causes=(
            "the certificate was issued for another name of the client",
            "the name has labels with underscores, which public authorities do not certify",
        ),
        confirm=("compare the dNSNames that were found with the signalled name",),
        fix="issue a certificate with that dNSName, or publish records of usage 3",
        reference="draft-ietf-dance-client-auth-13 sections 5 and 10",
    ),
)
