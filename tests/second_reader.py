"""A second reader of certificates, from `cryptography`: the same facts, or ours refuses; never facts where it refuses.

Ours may refuse more: what RFC 5280 forbids, but readers commonly take. It may read on in a few places, which are listed
in `only_ours_reads_on`, because nothing is decided by them.
"""

from __future__ import annotations

import ipaddress
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from siptls.certificate import Certificate
from siptls.errors import InvalidCertificate
from siptls.general_name import GeneralName, directory_name
from siptls.structure import EXTENSIONS, body

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
        # encipherOnly without keyAgreement: undefined (RFC 5280 section 4.2.1.3), and nobody asks for it.
        or "key_agreement" in reason
        # The same attribute twice in one RDN: two common names, so none counts.
        or "duplicate attributes" in reason
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


def read_by_the_other(der: bytes) -> x509.Certificate | Exception:
    try:
        theirs = x509.load_der_x509_certificate(der)
        _ = (list(theirs.subject), list(theirs.extensions))
    except (ValueError, TypeError, x509.InvalidVersion, x509.UnsupportedGeneralNameType) as error:
        return error
    return theirs


def compare_or_refuse(der: bytes) -> None:
    """Fail if ours reads a fact that the other reader reads differently or refuses to read."""
    ours = Certificate(der)
    if not facts(ours):
        return
    theirs = read_by_the_other(der)
    if isinstance(theirs, Exception):
        assert only_ours_reads_on(ours, str(theirs)), theirs
    else:
        compare_structure(ours, theirs)
        compare_extensions(ours, theirs)
