"""The certificate reader against `cryptography`: the same facts, or ours refuses; none where the other one refuses."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from differential.mutants import FORGED, VECTORS
from forged import ANY_EKU, SERVER_AUTH, SIP_DOMAIN, utf8
from pki import NOW, Issuer
from second_reader import KEY_USAGES, compare, compare_or_refuse


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*/*.pem")), ids=lambda path: str(path.stem))
def test_the_certificates_of_the_standards_are_read_alike(path: Path) -> None:
    compare(x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER))


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
DOMAINS = st.lists(LABEL, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example"]))
TEXT = st.text(st.characters(codec="ascii"), max_size=20)
ADDRESSES = st.ip_addresses().map(str)
NETWORKS = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(
    lambda pair: ipaddress.ip_network((pair[0] >> pair[1] << pair[1], 32 - pair[1]))
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
OTHER = st.one_of(
    st.builds(x509.OtherName, st.just(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")), TEXT.map(utf8)),
    NAMES.map(lambda cn: x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, cn)]))),
    st.just(x509.RegisteredID(x509.ObjectIdentifier("2.999.1.300"))),
)
SUBTREES = st.one_of(DOMAINS.map(x509.DNSName), NETWORKS.map(x509.IPAddress), DOMAINS.map(x509.RFC822Name))
OIDS = st.sampled_from([SIP_DOMAIN, SERVER_AUTH, ANY_EKU, "2.999.16384.1", "1.2.840.113549.1.9.15"])
ISSUER = Issuer.root()


@given(
    cn=st.one_of(st.none(), NAMES),
    uris=st.lists(TEXT, max_size=3),
    domains=st.lists(st.one_of(DOMAINS, TEXT), max_size=40),
    ips=st.lists(ADDRESSES, max_size=2),
    emails=st.lists(DOMAINS.map("alice@{}".format), max_size=2),
    other=st.lists(OTHER, max_size=2),
    eku=st.lists(OIDS, max_size=3, unique=True),
    eku_critical=st.booleans(),
    ca=st.sampled_from([None, False, True]),
    path_length=st.one_of(st.none(), st.integers(0, 300)),
    key_usage=st.lists(st.sampled_from([bit for bit in KEY_USAGES if not bit.endswith("_only")]), unique=True),
    permitted=st.lists(SUBTREES, max_size=2),
    excluded=st.lists(SUBTREES, max_size=2),
    days=st.integers(-20_000, 40_000),
    serial=st.integers(1, 2**159 - 1),
)
def test_certificates_of_many_shapes_are_read_alike(
    cn: str | None,
    uris: list[str],
    domains: list[str],
    ips: list[str],
    emails: list[str],
    other: list[x509.GeneralName],
    eku: list[str],
    eku_critical: bool,
    ca: bool | None,
    path_length: int | None,
    key_usage: list[str],
    permitted: list[x509.GeneralName],
    excluded: list[x509.GeneralName],
    days: int,
    serial: int,
) -> None:
    issued = ISSUER.leaf(
        cn=cn,
        uris=uris,
        dns=domains,
        ips=ips,
        emails=emails,
        other=other,
        eku=eku,
        eku_critical=eku_critical,
        ca=ca,
        path_length=path_length if ca else None,
        key_usage=key_usage,
        permitted=permitted,
        excluded=excluded,
        not_before=NOW - timedelta(days=20_001),
        not_after=NOW + timedelta(days=days),
        serial=serial,
    )
    compare(issued.der)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    octets = bytearray(draw(st.sampled_from(FORGED)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(octets) - 1))
        match draw(st.sampled_from(["set", "tag", "step", "cut", "add"])):
            case "set":
                octets[place] = draw(st.integers(0, 255))
            case "tag":
                tags = [0, 1, 2, 3, 4, 5, 6, 12, 19, 20, 23, 24, 28, 30, 48, 49, 127, 128, 129, 130, 160, 163, 255]
                octets[place] = draw(st.sampled_from(tags))
            case "step":
                octets[place] = (octets[place] + draw(st.sampled_from([1, 255]))) & 0xFF
            case "cut":
                del octets[place : place + draw(st.integers(1, 4))]
            case _:
                octets[place:place] = draw(st.binary(min_size=1, max_size=4))
        if not octets:
            break
    return bytes(octets)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@given(damaged())
def test_damaged_certificates_are_read_alike_or_refused(der: bytes) -> None:
    compare_or_refuse(der)
