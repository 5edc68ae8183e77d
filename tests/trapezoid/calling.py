"""A client that calls a TLS server on loopback through the public ``connect()``, and what both saw of it.

    verdict = accepted(loop, leaf, anchors=ANCHORS)
    verdict = refused(loop, leaf, PeerRejected, anchors=ANCHORS)

Both make sure of what must hold in every case: an accepted peer has got the message and the client its reply; one that
is not accepted has seen its connection closed, and not one octet on it.
"""

from __future__ import annotations

import hashlib
import ssl
from typing import Any, Literal

import pytest

from loopback_tls import LoopbackServer, Seen, server_context, tls
from loops import MESSAGE, Loop
from pki import Issued
from siptls import Verdict
from siptls_io import NotConnected, ZoneFiles

DOMAIN, HOST = "example.com", "sip.example.com"
REPLY = b"SIP/2.0 200 OK\r\n\r\n"


def world(port: int, dnssec: Literal["secure", "insecure"], tlsa: str, domain: str) -> ZoneFiles:
    """A domain with one server, a host of its own name below it, on loopback."""
    pinned = f"_{port}._tcp.sip TLSA {tlsa}\n" if tlsa else ""
    zone = f'@ NAPTR 1 1 "s" "SIPS+D2T" "" _sips._tcp\n_sips._tcp SRV 1 1 {port} sip\nsip A 127.0.0.1\n{pinned}'
    return ZoneFiles({domain: zone}, default=dnssec)


def pin(leaf: Issued) -> str:
    """The TLSA record that binds the key of a certificate."""
    return f"3 1 1 {hashlib.sha256(leaf.spki).hexdigest()}"


def accepted(loop: Loop, server: Issued | ssl.SSLContext, **more: Any) -> Verdict:
    """Call a server that is accepted; see `_call` for the arguments."""
    with _running(server) as running:
        verdict, reply = _call(loop, running, **more)
        seen = _only(running)
    assert verdict.accepted
    assert (seen.received, reply) == (MESSAGE, REPLY)
    return verdict


def refused(loop: Loop, server: Issued | ssl.SSLContext, kind: type[NotConnected], **more: Any) -> Verdict:
    """Call a server that is not accepted; see `_call` for the arguments."""
    with _running(server) as running:
        with pytest.raises(kind) as raised:
            _call(loop, running, **more)
        seen = _only(running)
    verdict = raised.value.verdict
    assert type(raised.value) is kind
    assert not verdict.accepted
    assert seen.received == b""
    assert verdict.code in {finding.code for finding in verdict.findings}
    return verdict


def _running(server: Issued | ssl.SSLContext) -> LoopbackServer:
    context = server if isinstance(server, ssl.SSLContext) else server_context(server)
    return LoopbackServer(tls(context, greeting=b"", reply=REPLY))


def _call(
    loop: Loop,
    running: LoopbackServer,
    *,
    uri: str = "sip:alice@example.com",
    dnssec: Literal["secure", "insecure"] = "insecure",
    tlsa: str = "",
    domain: str = DOMAIN,
    **more: Any,
) -> tuple[Verdict, bytes]:
    """Call the URI, in which PORT stands for the port; what is not named here goes to ``connect()``."""
    zones = world(running.port, dnssec, tlsa, domain)
    return loop.reach(uri.replace("PORT", str(running.port)), resolver=zones, **more)


def _only(running: LoopbackServer) -> Seen:
    """What the server saw of the one connection that was made, after the client has closed it."""
    seen = running.only()
    assert not isinstance(seen.error, TimeoutError), "the client left the connection open"
    return seen
