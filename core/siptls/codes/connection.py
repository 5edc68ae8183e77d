"""Connections and TLS."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "net.refused",
        "error",
        "connection refused",
        why="nothing was presented that could be judged; this says nothing against the certificate",
        impact="calls do not reach this server; another address or server of the domain is tried, if there is one",
        causes=(
            "the server does not run, or listens on another port or address",
            "a firewall answers for it",
            "offline, no --chain is given for this server",
        ),
        confirm=(
            "$ nc -vz ADDRESS PORT",
            "on the server:",
            "$ ss -ltn",
        ),
        fix="is the server running, and listening on this port?",
        reference="RFC 9293 section 3.5.2",
    ),
    Code(
        "net.timeout",
        "error",
        "no connection in time",
        why="nothing was presented that could be judged; this says nothing against the certificate",
        impact=(
            "calls do not reach this server; another address or server of the domain is tried, if there is one; "
            "callers wait until then"
        ),
        causes=(
            "a firewall drops the packets",
            "the server is down, or the address is an old one",
            "the server accepts the connection and then says nothing, for example because it is overloaded",
        ),
        confirm=(
            "$ nc -vz ADDRESS PORT",
            "$ traceroute ADDRESS",
        ),
        fix="check routing and firewalls",
        reference="RFC 9293 section 3.8.3",
    ),
    Code(
        "net.reset",
        "error",
        "connection reset by the peer",
        why="nothing was presented that could be judged; this says nothing against the certificate",
        impact="calls do not reach this server; another address or server of the domain is tried, if there is one",
        causes=(
            "a firewall or a load balancer cuts the connection",
            "the server refuses this client by its address",
            "the server process has died",
        ),
        confirm=(
            "$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",
            "look at the server's log",
        ),
        fix="try again; look at the server's log",
        reference="RFC 9293 section 3.5.3",
    ),
    Code(
        "net.unreachable",
        "error",
        "the address cannot be reached from here",
        why="nothing was presented that could be judged; this says nothing against the certificate",
        impact="calls do not reach this server; another address or server of the domain is tried, if there is one",
        causes=(
            "there is no route: this machine has no IPv6, for example",
            "a firewall on this machine forbids it",
            "the network between has a fault",
        ),
        confirm=(
            "$ ip route get ADDRESS",
            "$ ping ADDRESS",
        ),
        fix="check routing and firewalls of this machine; with -4 or -6 only one family is used",
        reference="RFC 1122 section 3.2.2.1, RFC 4443 section 3.1",
    ),
    Code(
        "net.closed",
        "error",
        "the peer closed the connection during the handshake",
        why="nothing was presented that could be judged; this says nothing against the certificate",
        impact="calls do not reach this server; another address or server of the domain is tried, if there is one",
        causes=(
            "the port is not for TLS, and the server did not understand",
            "a load balancer has no server behind it",
            "the server refuses this client, or this server name, without an alert",
        ),
        confirm=(
            "$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",
            "look at the server's log",
        ),
        fix="try again; look at the server's log",
        reference="RFC 8446 section 6.1",
    ),
    Code(
        "net.unsupported",
        "error",
        "this program cannot connect over that transport",
        why="siptls connects over TCP with TLS only, and leaves SCTP and WebSocket to programs that have them",
        impact="none for calls: it is this check that cannot be made from here",
        causes=("the URI or the NAPTR record asks for TLS over SCTP, or for WebSocket",),
        confirm=("$ siptls locate URI",),
        fix="check with --transport tls; or save the chain by other means, and use siptls cert",
        reference="RFC 4168 section 3, RFC 7118 section 5",
    ),
    Code(
        "tls.presented",
        "ok",
        "the server presented its certificates",
        why="the handshake is complete; who the server is was not yet judged",
        reference="RFC 8446 section 4.4.2",
    ),
    Code(
        "tls.no-certificate",
        "error",
        "the peer presented no certificate",
        why="without a certificate or a key there is nothing that could be verified",
        impact="calls with this peer fail from everybody who verifies",
        causes=(
            "the server has no certificate for the name that was asked for",
            "the server offers anonymous cipher suites",
        ),
        confirm=("$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",),
        fix="configure a certificate",
        reference="RFC 5922 section 7.3, RFC 8446 section 4.4.2",
    ),
    Code(
        "tls.alert",
        "error",
        "the server ended the handshake with an alert",
        why="the server complains about us, not we about it",
        impact="calls do not reach this server; another address or server of the domain is tried, if there is one",
        causes=(
            "unrecognized_name: the server has nothing for this name (SNI)",
            "protocol_version or handshake_failure: the server offers no TLS 1.2 or newer, or no common cipher",
            "unknown_ca, bad_certificate or certificate_expired: the server does not accept our own certificate",
        ),
        confirm=(
            "$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",
            "the finding names the alert",
        ),
        fix="read the server's log",
        reference="RFC 8446 section 6",
    ),
    Code(
        "tls.client-cert-required",
        "error",
        "the server demands a client certificate",
        why="it asked for one, got none, and ended the connection",
        impact="calls to this server fail from everybody who has no certificate that it takes",
        causes=("the server wants mutual TLS, as between providers and on trunks",),
        confirm=(
            "$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",
            "look for Acceptable client certificate CA names",
        ),
        fix="give one that the server takes: --cert FILE",
        reference="RFC 8446 section 4.3.2, RFC 5922 section 7.4",
    ),
    Code(
        "tls.plain-sip",
        "error",
        "the port answers in clear text, not in TLS",
        why="the server speaks SIP without TLS on this port, so nothing can be verified, and nothing was sent",
        impact="calls over TLS fail; a client that falls back sends everything in clear text",
        causes=(
            "the SRV record names the port 5060 instead of 5061",
            "the server is not configured for TLS on this port",
        ),
        confirm=(
            "$ dig +dnssec _sips._tcp.DOMAIN SRV",
            "$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",
        ),
        fix="point SRV at the TLS port",
        reference="RFC 3261 section 19.1.2, RFC 3261 section 18.1",
    ),
    Code(
        "tls.handshake",
        "error",
        "the TLS handshake failed",
        why="nothing was presented that could be judged",
        impact="calls do not reach this server; another address or server of the domain is tried, if there is one",
        causes=(
            "the server offers only versions of TLS before 1.2",
            "the server and this side have no cipher suite or group in common",
            "something else than a SIP server listens there",
        ),
        confirm=(
            "$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",
            "the finding says what the TLS library said",
        ),
        fix="look at the server's log; offer TLS 1.2 or newer",
        reference="RFC 8446 section 4.1.3, RFC 8996 section 4",
    ),
)
