"""Connections and TLS."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "net.refused",
        "error",
        "connection refused",
        fix="is the server running, and listening on this port?",
    ),
    Code(
        "net.timeout",
        "error",
        "no connection in time",
        fix="check routing and firewalls",
    ),
    Code(
        "net.reset",
        "error",
        "connection reset by the peer",
    ),
    Code(
        "net.unreachable",
        "error",
        "the address cannot be reached from here",
    ),
    Code(
        "net.closed",
        "error",
        "the peer closed the connection during the handshake",
    ),
    Code(
        "net.unsupported",
        "error",
        "this program cannot connect over that transport",
    ),
    Code(
        "tls.presented",
        "ok",
        "the server presented its certificates",
        reference="RFC 8446 section 4.4.2",
    ),
    Code(
        "tls.no-certificate",
        "error",
        "the server presented no certificate",
        fix="configure a certificate",
        reference="RFC 5922 section 7.3",
    ),
    Code(
        "tls.alert",
        "error",
        "the server ended the handshake with an alert",
        why="the server complains about us, not we about it",
        fix="read the server's log",
        reference="RFC 8446 section 6",
    ),
    Code(
        "tls.client-cert-required",
        "error",
        "the server demands a client certificate",
        why="it asked for one, got none, and ended the connection",
        fix="give one that the server takes",
        reference="RFC 8446 section 4.3.2",
    ),
    Code(
        "tls.plain-sip",
        "error",
        "the port answers in clear text, not in TLS",
        fix="point SRV at the TLS port",
    ),
    Code(
        "tls.handshake",
        "error",
        "the TLS handshake failed",
    ),
)
