"""The certificate reader against `cryptography`: the same facts, or ours refuses; never facts where the other refuses.

Ours may refuse more: what RFC 5280 forbids, but readers commonly take. It may read on in a few places, which are listed
in `only_ours_reads_on`, because nothing is decided by them.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from forged import (
    ANY_EKU,
    KEY_USAGE,
    SERVER_AUTH,
    SIP_DOMAIN,
    attribute,
    authority,
    bit_string,
    certificate,
    common_name,
    constraints,
    dns,
    email,
    extension,
    ip,
    name,
    other_name,
    uri,
    utf8,
)
from pki import NOW, Issuer
from siptls.certificate import Certificate
from siptls.errors import InvalidCertificate
from siptls.general_name import GeneralName, directory_name
from siptls.structure import EXTENSIONS, body

VECTORS = Path(__file__).parent.parent / "vectors"

Kind = TypeVar("Kind", bound=x509.ExtensionType)

KEY_USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
    "encipher_only": "encipherOnly",
    "decipher_only": "decipherOnly",
}


def expected_name(theirs: x509.GeneralName) -> GeneralName:
    """What ours should say of a name that the other reader has read."""
    match theirs:
        case x509.DNSName() | x509.UniformResourceIdentifier() | x509.RFC822Name():
            kind = {x509.DNSName: "dns", x509.UniformResourceIdentifier: "uri", x509.RFC822Name: "email"}[type(theirs)]
            return GeneralName(kind, theirs.value if theirs.value.isascii() else theirs.value.encode())
        case x509.IPAddress():
            address = theirs.value
            if isinstance(address, ipaddress.IPv4Network | ipaddress.IPv6Network):
                return GeneralName("ip", address.network_address.packed + address.netmask.packed)
            return GeneralName("ip", address.packed)
        case x509.OtherName():
            return GeneralName(f"other:{theirs.type_id.dotted_string}", theirs.value)
        case x509.DirectoryName():
            return GeneralName("dirname", theirs.value.public_bytes())
        case x509.RegisteredID():
            return GeneralName("rid", theirs.value.dotted_string)
        case _:
            raise AssertionError(theirs)


def compare_structure(ours: Certificate, theirs: x509.Certificate) -> None:
    assert ours.serial == theirs.serial_number
    assert ours.not_before == theirs.not_valid_before_utc
    assert ours.not_after == theirs.not_valid_after_utc
    # The other reader decodes the rest of T61, too.
    read = [name.value for name in ours.common_names]
    found = [attribute.value for attribute in theirs.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    assert len(read) == len(found)
    assert all(mine == other for mine, other in zip(read, found, strict=True) if isinstance(mine, str))


def found(theirs: x509.Certificate, kind: type[Kind]) -> Kind | None:
    try:
        return theirs.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def compare_extensions(ours: Certificate, theirs: x509.Certificate) -> None:
    critical = tuple(each.oid.dotted_string for each in theirs.extensions if each.critical)
    assert ours.critical_extensions == critical

    basic = found(theirs, x509.BasicConstraints)
    assert ours.is_ca == (basic is not None and basic.ca)
    assert ours.path_length == (basic.path_length if basic is not None else None)

    usage = found(theirs, x509.KeyUsage)
    if usage is not None:
        agreement = usage.key_agreement  # without it the other reader does not tell the last two bits
        bits = [bit for bit in KEY_USAGES if agreement or not bit.endswith("_only")]
        wanted = {KEY_USAGES[bit] for bit in bits if getattr(usage, bit)}
        assert ours.key_usage is not None
        assert ours.key_usage - (set() if agreement else {"encipherOnly", "decipherOnly"}) == wanted
    else:
        assert ours.key_usage is None

    purposes = found(theirs, x509.ExtendedKeyUsage)
    assert ours.extended_key_usage == (purposes and tuple(purpose.dotted_string for purpose in purposes))

    names = found(theirs, x509.SubjectAlternativeName)
    assert ours.names == (None if names is None else tuple(map(expected_name, names)))

    limits = found(theirs, x509.NameConstraints)
    read = ours.name_constraints
    if limits is None:
        assert read is None
    else:
        assert read is not None
        assert read.permitted == tuple(map(expected_name, limits.permitted_subtrees or ()))
        assert read.excluded == tuple(map(expected_name, limits.excluded_subtrees or ()))


def compare(der: bytes) -> None:
    ours, theirs = Certificate(der), x509.load_der_x509_certificate(der)
    compare_structure(ours, theirs)
    compare_extensions(ours, theirs)
    assert ours.spki == theirs.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert ours.issuer == theirs.issuer.public_bytes()
    assert ours.subject == theirs.subject.public_bytes()
    assert ours.self_issued == (theirs.issuer == theirs.subject)


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


SEEDS = [
    certificate(
        names=[
            uri("sip:example.com"),
            dns("example.com"),
            dns("*.example.com"),
            ip(b"\x7f\0\0\1"),
            ip(bytes(16)),
            email("a@example.com"),
            other_name("1.3.6.1.5.5.7.8.7", b"\x16\x10_sip.example.com"),
        ],
        eku=[SERVER_AUTH, SIP_DOMAIN],
        extensions=[extension(KEY_USAGE, bit_string(b"\x80", 7), critical=True)],
    ),
    certificate(
        subject=name(attribute("2.5.4.6", b"\x13\x02DE"), attribute("2.5.4.3", utf8("Authority"))),
        extensions=[
            authority(3),
            constraints([dns("example.com"), ip(b"\x0a\0\0\0\xff\0\0\0")], [dns("x.example.com"), email("y.example")]),
            extension(KEY_USAGE, bit_string(b"\x06", 1), critical=True),
        ],
    ),
    certificate(subject=common_name("example.com", b"\x1e\x04\0a\0b", b"\x14\x02ab"), unique_ids=b"\x81\x02\0\1"),
    certificate(version=b"", names=()),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    octets = bytearray(draw(st.sampled_from(SEEDS)))
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


def facts(ours: Certificate) -> bool:
    """Whether everything in the certificate can be read."""
    try:
        _ = (ours.serial, ours.common_names, ours.critical_extensions, ours.is_ca, ours.key_usage)
        _ = (ours.extended_key_usage, ours.names, ours.name_constraints)
    except InvalidCertificate:
        return False
    return True


def only_ours_reads_on(ours: Certificate, reason: str) -> bool:
    """What the other reader refuses and ours does not: nothing of it can become an identity or a match."""
    limits = ours.name_constraints
    names = (*(ours.names or ()), *(limits.permitted + limits.excluded if limits is not None else ()))
    return (
        # The parameters of an algorithm: the concern of whoever uses the key.
        "lgorithm" in reason
        or "AlgorithmParameters" in reason
        # T61 beyond ASCII, which the other reader takes for UTF-8, and attributes that are no strings.
        or any(isinstance(value, bytes) for _, value in directory_name(ours.subject, 0, len(ours.subject), "subject"))
        # Extensions that ours does not read.
        or not body(ours.der).extensions.keys() <= EXTENSIONS.keys()
        # Text that is no UTF-8 where ASCII should be: kept as octets, which match nothing. Kinds that nobody uses.
        or any(
            isinstance(each.value, bytes) and each.kind in {"dns", "uri", "email", "x400", "ediparty"} for each in names
        )
        # IP constraints whose mask is none: they are not applied to domains.
        or any(each.kind == "ip" and len(each.value) in {8, 32} for each in names)
        # Directory names inside of a GeneralName, whose strings the other reader does not take.
        or any(each.kind == "dirname" for each in names)
    )


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@given(damaged())
def test_damaged_certificates_are_read_alike_or_refused(der: bytes) -> None:
    ours = Certificate(der)
    if not facts(ours):
        return
    theirs = read_by_the_other(der)
    if isinstance(theirs, Exception):
        assert only_ours_reads_on(ours, str(theirs)), theirs
    else:
        compare_structure(ours, theirs)
        compare_extensions(ours, theirs)


def read_by_the_other(der: bytes) -> x509.Certificate | Exception:
    try:
        theirs = x509.load_der_x509_certificate(der)
        _ = (list(theirs.subject), list(theirs.extensions))
    except (ValueError, TypeError, x509.InvalidVersion, x509.UnsupportedGeneralNameType) as error:
        return error
    return theirs
