"""Both sides of one TLS connection: our client on each event loop, and a server that judges it by `Inbound`."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from loopback_tls import CURRENT, LoopbackServer, server_context, tls
from loops import Loop, on_every_loop
from pki import NOW, Issuer
from siptls import Admission, Anchors, Inbound, Policy, ValidatePath
from siptls.admission import ClientCertificate as Wanted
from siptls_io import validate_path
from siptls_io.connection import PeerRejected
from siptls_io.tls import ClientCertificate
from siptls_io.zone_files import ZoneFiles

ROOT = Issuer.root(**CURRENT)
ANCHORS = Anchors((ROOT.der,))
SERVER = ROOT.leaf(uris=["sip:example.com"], **CURRENT)
CLIENT = ROOT.leaf(uris=["sip:client.example"], **CURRENT)
STRANGER = ROOT.leaf(uris=["sip:stranger.example"], **CURRENT)


def zones(domain: str, port: int) -> ZoneFiles:
    return ZoneFiles({domain: f"_sips._tcp SRV 1 1 {port} sip\nsip A 127.0.0.1\n"})


def ours(folder: Path) -> ClientCertificate:
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(CLIENT.presented_pem)
    key.write_bytes(CLIENT.key_pem)
    return ClientCertificate(chain, key)


def judged(presented: bytes | None, client_certificate: Wanted) -> Inbound:
    """What the server makes of what the client presented."""
    chain = () if presented is None else (presented,)
    machine = Inbound(chain, anchors=ANCHORS, client_certificate=client_certificate, policy=Policy(), now=0.0, at=NOW)
    for action in machine.next_actions(now=0.0):
        assert isinstance(action, ValidatePath)
        machine.receive(validate_path(action), now=0.0)
    return machine


@on_every_loop
@pytest.mark.req("R5922-7.4-6", "R5922-7.4-3", "R5922-7.4-1", "R5922-7.4-2", "R5922-8.1-2")
@pytest.mark.parametrize("asks", [True, False])
def test_a_client_is_authenticated_only_where_it_is_asked_and_the_server_always_presents_itself(
    loop: Loop, asks: bool, tmp_path: Path
) -> None:
    context = server_context(SERVER, client_root=ROOT if asks else None, newest=ssl.TLSVersion.TLSv1_2)
    with LoopbackServer(tls(context)) as server:
        verdict, _ = loop.reach(
            "sips:example.com",
            resolver=zones("example.com", server.port),
            anchors=ANCHORS,
            client_certificate=ours(tmp_path),
        )
        seen = server.only()
    assert (verdict.accepted, verdict.domain) == (True, "example.com")  # its own certificate came in both cases
    if asks:
        assert seen.client_chain == CLIENT.der
        machine = judged(seen.client_chain, "required")
        assert machine.admission is Admission.AUTHENTICATED
        assert machine.verdict is not None
        assert [identity.domain for identity in machine.verdict.identities] == ["client.example"]
    else:
        assert seen.client_chain is None
        expected: dict[Wanted, Admission] = {"required": Admission.CLOSE, "optional": Admission.UNAUTHENTICATED}
        for wanted, admission in expected.items():
            machine = judged(seen.client_chain, wanted)
            assert machine.admission is admission
            assert machine.verdict is not None
            assert not machine.verdict.accepted
            assert machine.verdict.identities == ()


@on_every_loop
@pytest.mark.req("R5922-7.4-5")
def test_the_connection_of_an_authenticated_client_carries_no_requests_to_its_domain(loop: Loop) -> None:
    machine = judged(CLIENT.der, "required")
    verdict = machine.verdict
    assert verdict is not None
    assert verdict.accepted
    assert verdict.connection is None  # there is nothing to send on
    # Who wants to reach that domain looks it up, connects anew, and judges who is there.
    with LoopbackServer(tls(server_context(STRANGER))) as server:
        with pytest.raises(PeerRejected) as raised:
            loop.reach("sips:client.example", resolver=zones("client.example", server.port), anchors=ANCHORS)
        assert server.only().received == b""
    assert raised.value.verdict.code == "id.mismatch"
