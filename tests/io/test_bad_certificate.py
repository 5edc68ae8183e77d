"""A peer with another name ends in an error that says why, and nothing lets a caller pass it by accident (RFC 9525)."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable

import pytest

import siptls_io.anyio
import siptls_io.asyncio
import siptls_io.blocking
import siptls_io.trio
from loopback_tls import CURRENT, LoopbackServer, server_context, tls
from loops import Loop, on_every_loop
from pki import Issuer
from siptls.events import Anchors
from siptls_io.connection import PeerRejected
from siptls_io.zone_files import ZoneFiles

ROOT = Issuer.root(**CURRENT)
STRANGER = ROOT.leaf(cn="example.com", uris=["sip:stranger.example"], dns=["example.com"], **CURRENT)


@on_every_loop
@pytest.mark.req("R9525-6.6-1", "R5922-7.3-2", "R5922-7.3-4")
def test_the_error_is_one_of_its_own_and_fit_for_a_log(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    with LoopbackServer(tls(server_context(STRANGER))) as server:
        zones = ZoneFiles({"example.com": f"_sips._tcp SRV 1 1 {server.port} sip\nsip A 127.0.0.1\n"})
        with pytest.raises(PeerRejected) as raised:
            loop.reach("sips:example.com", resolver=zones, anchors=Anchors((ROOT.der,)))
        assert server.only().received == b""
    assert raised.value.verdict.code == "id.mismatch"
    with caplog.at_level(logging.ERROR):
        logging.getLogger("a caller").error("%s", raised.value)
    (logged,) = caplog.messages
    assert logged.isascii()
    for why in (
        "example.com",
        "id.mismatch",
        "uri sip:stranger.example: different name",
        "dns example.com: not an identity: a sip URI is present",
        "cn example.com: CN ignored: a SAN extension is present",
    ):
        assert why in logged


@pytest.mark.req("R9525-6.6-1", "R5922-7.3-2")
@pytest.mark.parametrize(
    "connect",
    [siptls_io.asyncio.connect, siptls_io.trio.connect, siptls_io.anyio.connect, siptls_io.blocking.connect],
)
def test_no_argument_of_a_connection_turns_verification_off(connect: Callable[..., object]) -> None:
    arguments = set(inspect.signature(connect).parameters)
    assert {"uri", "policy", "anchors"} <= arguments
    assert not {name for name in arguments if any(word in name for word in ("verify", "check", "insecure", "ignore"))}
