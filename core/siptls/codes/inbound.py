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
        "inbound.unauthenticated",
        "note",
        "the client is served, and nobody knows who it is",
        why="it presented no certificate, and the server does not insist on one; no Digest response changes that",
        reference="RFC 5922 sections 7.4 and 8.1",
    ),
)
