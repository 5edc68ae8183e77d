"""Whose certificates a server takes: its CertificateRequest, as real servers write it, and as nobody should."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from loopback_tls import CURRENT, s_server
from loops import Loop, on_every_loop
from pki import Issuer
from siptls.events import Anchors
from siptls.verdict import Outcome
from siptls_io.certificate_request import certificate_authorities
from siptls_io.connection import PeerUndetermined
from siptls_io.zone_files import ZoneFiles

COUNTRY, ORGANIZATION, COMMON_NAME = NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME
ROOT = Issuer.root(**CURRENT)
LEAF = ROOT.leaf(uris=["sip:example.com"], **CURRENT)
HOSTILE = "\x1b[2J, O=Bank; \u202ecte\r\nnet.refused"
VERSIONS = pytest.mark.parametrize("tls_1_3", [False, True], ids=["TLS 1.2", "TLS 1.3"])


def vector(size: int, octets: bytes) -> bytes:
    return len(octets).to_bytes(size) + octets


def request(names: bytes, *, tls_1_3: bool) -> bytes:
    """A CertificateRequest with a list of names, which is to be told in octets."""
    if tls_1_3:
        algorithms = b"\0\x0d" + vector(2, vector(2, b"\4\3"))
        return b"\x0d" + vector(3, vector(1, b"") + vector(2, algorithms + b"\0\x2f" + vector(2, vector(2, names))))
    return b"\x0d" + vector(3, vector(1, b"\1\x40") + vector(2, b"\4\3") + vector(2, names))


def named(*attributes: tuple[x509.ObjectIdentifier, str]) -> bytes:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in attributes]).public_bytes()


def listed(*names: bytes) -> bytes:
    return b"".join([vector(2, name) for name in names])


@VERSIONS
def test_names_are_told_as_people_write_them(tls_1_3: bool) -> None:
    one = named((NameOID.COUNTRY_NAME, "SE"), (ORGANIZATION, "Example, Inc."), (COMMON_NAME, "Root"))
    two = named((COMMON_NAME, "#3 + <4>"), (x509.ObjectIdentifier("1.2.3.4"), "other"))
    found = certificate_authorities(request(listed(one, two), tls_1_3=tls_1_3), tls_1_3=tls_1_3)
    assert found == (r"CN=Root,O=Example\, Inc.,C=SE", r"1.2.3.4=other,CN=\#3 \+ \<4\>")


@VERSIONS
def test_what_is_no_name_is_told_in_octets_and_keeps_nobody_from_reading_the_others(tls_1_3: bool) -> None:
    octets = b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x04\x01\x61"
    found = certificate_authorities(
        request(listed(b"junk", named((COMMON_NAME, "Root")), octets, b""), tls_1_3=tls_1_3), tls_1_3=tls_1_3
    )
    assert found == ("#6a756e6b", "CN=Root", "CN=#61", "#")


@VERSIONS
def test_a_request_without_names_names_nobody(tls_1_3: bool) -> None:
    assert certificate_authorities(request(b"", tls_1_3=tls_1_3), tls_1_3=tls_1_3) == ()
    assert certificate_authorities(b"\x0d\0\0\3\0\0\0", tls_1_3=True) == ()  # no extensions


@VERSIONS
def test_however_many_and_long_they_are_a_few_short_ones_are_told(tls_1_3: bool) -> None:
    many = [named((COMMON_NAME, f"Root {number}")) for number in range(500)]
    found = certificate_authorities(request(listed(*many), tls_1_3=tls_1_3), tls_1_3=tls_1_3)
    assert found == tuple([f"CN=Root {number}" for number in range(16)])
    long = [named((COMMON_NAME, "x" * 64), *[(ORGANIZATION, "y" * 64)] * 20), b"z" * 10_000]
    found = certificate_authorities(request(listed(*long), tls_1_3=tls_1_3), tls_1_3=tls_1_3)
    assert [len(name) for name in found] == [200, 200]
    assert all(name.endswith("...") for name in found)


@VERSIONS
@given(octets=st.binary(max_size=80), names=st.lists(st.binary(max_size=40), max_size=20))
def test_no_octets_of_a_server_are_too_much_for_it(tls_1_3: bool, octets: bytes, names: list[bytes]) -> None:
    good = request(listed(*names), tls_1_3=tls_1_3)
    for hostile in (octets, b"\x0d\0\0\0" + octets, request(octets, tls_1_3=tls_1_3), good[: len(octets)], good):
        found = certificate_authorities(hostile, tls_1_3=tls_1_3)
        assert len(found) <= 16
        assert all(len(name) <= 200 for name in found)
    assert len(certificate_authorities(good, tls_1_3=tls_1_3)) == min(len(names), 16)


@VERSIONS
def test_a_message_that_is_cut_off_names_nobody(tls_1_3: bool) -> None:
    whole = request(listed(ROOT.certificate.subject.public_bytes()), tls_1_3=tls_1_3)
    assert certificate_authorities(whole, tls_1_3=tls_1_3) == ("CN=Test Root",)
    for end in range(len(whole)):
        assert certificate_authorities(whole[:end], tls_1_3=tls_1_3) == ()


# As a real server writes it.


@on_every_loop
@pytest.mark.server("openssl")
@pytest.mark.usefixtures("time_to_refuse")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_the_verdict_says_whose_certificates_a_server_demands(loop: Loop, version: str, tmp_path: Path) -> None:
    other = Issuer.root("Partners, Inc.", **CURRENT)
    hostile = Issuer.root(HOSTILE, **CURRENT)
    with s_server(tmp_path, LEAF, ROOT.pem + other.pem + hostile.pem, version) as port:
        zones = ZoneFiles({"example.com": f"_sips._tcp SRV 1 1 {port} sip\nsip A 127.0.0.1\n"})
        with pytest.raises(PeerUndetermined) as raised:
            loop.reach("sips:example.com", resolver=zones, anchors=Anchors((ROOT.der,)))
    verdict = raised.value.verdict
    assert (verdict.outcome, verdict.code) == (Outcome.UNDETERMINED, "tls.client-cert-required")
    (step,) = [step for step in verdict.steps if step.code == "tls.client-cert-required"]
    assert "CN=Test Root" in step.found
    assert r"CN=Partners\, Inc." in step.found
    assert r"CN=\x1b[2J\, O=Bank\; \u202ecte\x0d\x0anet.refused" in step.found
    assert step.found.isascii()
    assert step.found.isprintable()
