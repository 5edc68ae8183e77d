"""The certificate reader: strict DER, lazy facts, bounded work (RFC 5280 section 4.1, X.690)."""

from __future__ import annotations

import gc
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import (
    ANY_EKU,
    BASIC_CONSTRAINTS,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    NAME_CONSTRAINTS,
    SERVER_AUTH,
    SHA256_ECDSA,
    SIP_DOMAIN,
    SPKI,
    SUBJECT_ALT_NAME,
    alternative_names,
    attribute,
    authority,
    bit_string,
    certificate,
    common_name,
    constraints,
    der,
    dns,
    email,
    extension,
    integer,
    ip,
    name,
    oid,
    other_name,
    purposes,
    sequence,
    uri,
    utf8,
)
from siptls.certificate import KEY_USAGES, Certificate, TooManyNames
from siptls.errors import InvalidCertificate, SiptlsError
from siptls.general_name import GeneralName
from siptls.identity import violates_constraints

VECTORS = Path(__file__).parent.parent / "vectors"


def vector(path: str) -> Certificate:
    return Certificate(ssl.PEM_cert_to_DER_cert((VECTORS / path).read_text("ascii")))


def read_everything(read: Certificate) -> None:
    assert read.spki
    assert read.issuer
    assert read.subject
    assert isinstance(read.serial, int)
    assert read.not_before.tzinfo is UTC
    assert read.not_after.tzinfo is UTC
    assert read.self_issued in {True, False}
    assert read.is_ca in {True, False}
    assert read.path_length is None or read.path_length >= 0
    assert read.key_usage is None or read.key_usage <= set(KEY_USAGES)
    for value in (read.extended_key_usage, read.names, read.common_names, read.critical_extensions):
        assert value is None or isinstance(value, tuple)
    assert read.name_constraints is None or read.may_constrain()
    assert read.extended_key_usage is None or read.may_have_purposes()


def is_readable(octets: bytes) -> bool:
    """Whether the octets are a certificate; an exception of another kind than the one meant for this fails the test."""
    try:
        read_everything(Certificate(octets))
    except InvalidCertificate:
        return False
    return True


# What is read.


def test_every_fact_of_a_leaf_is_read() -> None:
    read = Certificate(
        certificate(
            serial=integer(0x123456789ABCDEF),
            subject=name(attribute("2.5.4.6", der(0x13, b"DE")), attribute("2.5.4.3", utf8("sip1.example.com"))),
            validity=sequence(der(0x17, b"260131235959Z"), der(0x18, b"20510228000000Z")),
            names=[uri("sip:example.com"), dns("example.com")],
            eku=[SERVER_AUTH, SIP_DOMAIN, ANY_EKU, "2.999.16384.1"],
            extensions=[extension(KEY_USAGE, bit_string(b"\x88", 3), critical=True)],
        )
    )
    assert read.serial == 0x123456789ABCDEF
    assert read.not_before == datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    assert read.not_after == datetime(2051, 2, 28, tzinfo=UTC)
    assert read.spki == SPKI
    assert read.issuer == common_name("Forged Issuer")
    assert read.common_names == (GeneralName("cn", "sip1.example.com"),)
    assert not read.self_issued
    assert read.names == (GeneralName("uri", "sip:example.com"), GeneralName("dns", "example.com"))
    assert read.extended_key_usage == (SERVER_AUTH, SIP_DOMAIN, ANY_EKU, "2.999.16384.1")
    assert read.key_usage == frozenset({"digitalSignature", "keyAgreement"})
    assert (read.is_ca, read.path_length, read.name_constraints) == (False, None, None)
    assert read.critical_extensions == (KEY_USAGE,)


def test_every_fact_of_an_authority_is_read() -> None:
    read = Certificate(
        certificate(
            subject=common_name("Root"),
            issuer=common_name("Root"),
            extensions=[
                authority(3),
                extension(KEY_USAGE, bit_string(b"\x06", 1), critical=True),
                constraints([dns("example.com"), ip(bytes(8))], [dns(".x.example.com"), ip(bytes(32))]),
            ],
        )
    )
    assert (read.is_ca, read.path_length) == (True, 3)
    assert read.key_usage == frozenset({"keyCertSign", "cRLSign"})
    assert read.self_issued
    limits = read.name_constraints
    assert limits is not None
    assert limits.permitted == (GeneralName("dns", "example.com"), GeneralName("ip", bytes(8)))
    assert limits.excluded == (GeneralName("dns", ".x.example.com"), GeneralName("ip", bytes(32)))
    assert repr(limits).startswith("NameConstraints(permitted=(GeneralName('dns', 'example.com')")
    assert read.name_constraints is limits
    assert read.names is None
    assert read.extended_key_usage is None
    assert read.critical_extensions == (BASIC_CONSTRAINTS, KEY_USAGE, NAME_CONSTRAINTS)


def test_a_certificate_of_version_1_has_no_extensions() -> None:
    read = Certificate(certificate(version=b"", unique_ids=b""))
    read_everything(read)
    assert (read.names, read.key_usage, read.is_ca) == (None, None, False)


def test_a_certificate_of_version_3_may_have_no_extensions_and_unique_identifiers() -> None:
    read = Certificate(certificate(unique_ids=der(0x81, b"\0\1") + der(0x82, b"\4\xf0")))
    read_everything(read)
    read = Certificate(certificate(unique_ids=der(0x82, b"\0"), names=[dns("example.com")]))
    assert read.names == (GeneralName("dns", "example.com"),)


def test_the_certificate_of_rfc_6698_is_read() -> None:
    read = Certificate((VECTORS / "rfc6698/appendix_c.der").read_bytes())
    read_everything(read)
    assert read.spki.hex().upper() in (VECTORS / "rfc6698/appendix_c.json").read_text("ascii")
    assert read.common_names == (GeneralName("cn", "dane.kiev.practicum.os3.nl"),)
    assert read.not_after == datetime(2022, 1, 13, 16, 57, 3, tzinfo=UTC)
    assert read.self_issued


def test_the_certificates_of_rfc_6216_are_read() -> None:
    domain = vector("rfc6216/eku_domain_example.com_cert.pem")
    assert domain.names == (GeneralName("dns", "example.com"), GeneralName("uri", "sip:example.com"))
    assert domain.extended_key_usage == (SERVER_AUTH, SIP_DOMAIN)
    assert not domain.is_ca
    root = vector("rfc6216/ca_root_sipit_cert.pem")
    assert root.is_ca
    assert root.self_issued
    assert domain.issuer == root.subject
    intermediate = vector("rfc6216/ca_intermediate_example.net_cert.pem")
    assert intermediate.is_ca
    assert intermediate.names is None
    assert [each.value for each in intermediate.common_names] == ["example.net"]


@pytest.mark.parametrize(
    ("general_name", "expected"),
    [
        (dns("Example.COM"), GeneralName("dns", "Example.COM")),
        (uri("SIP:example.com;x=y"), GeneralName("uri", "SIP:example.com;x=y")),
        (email("alice@example.com"), GeneralName("email", "alice@example.com")),
        (ip(b"\x7f\0\0\1"), GeneralName("ip", b"\x7f\0\0\1")),
        (ip(bytes(16)), GeneralName("ip", bytes(16))),
        (
            other_name("1.3.6.1.5.5.7.8.7", der(0x16, b"_sip.a")),
            GeneralName("other:1.3.6.1.5.5.7.8.7", b"\x16\6_sip.a"),
        ),
        (der(0xA4, common_name("a")), GeneralName("dirname", common_name("a"))),
        (der(0x88, oid("2.999.3")[2:]), GeneralName("rid", "2.999.3")),
        (der(0xA3, sequence()), GeneralName("x400", sequence())),
        (der(0xA5, b""), GeneralName("ediparty", b"")),
        (dns(b"a" * 200), GeneralName("dns", "a" * 200)),
    ],
)
def test_every_kind_of_general_name_is_told_apart(general_name: bytes, expected: GeneralName) -> None:
    read = Certificate(certificate(names=[general_name, dns("last.example")]))
    assert read.names == (expected, GeneralName("dns", "last.example"))


def test_general_names_are_compared_by_value() -> None:
    assert GeneralName("dns", "a") == GeneralName("dns", "a")
    assert GeneralName("dns", "a") != GeneralName("uri", "a")
    assert GeneralName("dns", "a") != GeneralName("dns", b"a")
    assert GeneralName("dns", "a") != "a"
    assert len({GeneralName("dns", "a"), GeneralName("dns", "a"), GeneralName("cn", "a")}) == 2
    assert repr(GeneralName("dns", "a")) == "GeneralName('dns', 'a')"


@pytest.mark.req("T-N01", "T-N02", "A-25", "R5922-7.2-3")
@pytest.mark.parametrize(
    "octets",
    [
        b"good.example\0.evil.example",
        b"good.example\0",
        b"\0good.example",
        b"good .example",
        b" good.example",
        b"good.example\n",
        b"good.example\x7f",
        b"good\x1b[2Jexample",
        b"b\xfccher.example",
        "b\xfccher.example".encode(),
        "good\u3002example".encode(),
        b"",
    ],
)
def test_a_name_with_other_characters_than_visible_ascii_is_kept_but_unusable(octets: bytes) -> None:
    for kind in ("dns", "uri"):
        read = Certificate(certificate(names=[dns(octets) if kind == "dns" else uri(octets)]))
        assert read.names is not None
        (found,) = read.names
        assert not found.usable
        assert found.value == (octets.decode() if octets.isascii() else octets)


def test_a_name_of_visible_ascii_is_usable() -> None:
    assert GeneralName("dns", "_!~.*").usable
    assert not GeneralName("ip", b"\x7f\0\0\1").usable


@pytest.mark.req("T-N01")
@pytest.mark.parametrize(
    ("string", "value"),
    [
        (utf8("example.com"), "example.com"),
        (der(0x13, b"example.com"), "example.com"),
        (der(0x16, b"example.com"), "example.com"),
        (der(0x14, b"example.com"), "example.com"),
        (der(0x14, b"b\xfccher"), b"b\xfccher"),
        (der(0x1E, "example.com".encode("utf-16-be")), "example.com"),
        (der(0x1C, "example.com".encode("utf-32-be")), "example.com"),
        (utf8("good.example\0.evil.example"), "good.example\0.evil.example"),
        (der(0x1E, "good.example\0".encode("utf-16-be")), "good.example\0"),
        (utf8("good\u3002example"), "good\u3002example"),
        (utf8(""), ""),
        (der(0x03, b"\0ab"), b"\0ab"),
    ],
)
def test_a_common_name_is_read_in_every_string_type(string: bytes, value: str | bytes) -> None:
    read = Certificate(certificate(subject=common_name("first", string)))
    assert read.common_names == (GeneralName("cn", "first"), GeneralName("cn", value))


def test_attributes_of_one_rdn_are_all_read() -> None:
    both = der(0x31, attribute("2.5.4.3", utf8("a")), attribute("2.5.4.3", utf8("b")))
    other = der(0x31, attribute("0.9.2342.19200300.100.1.25", der(0x16, b"example")))
    assert Certificate(certificate(subject=sequence(other, both))).common_names == (
        GeneralName("cn", "a"),
        GeneralName("cn", "b"),
    )


@pytest.mark.req("R5280-4.2.1.6-2")
def test_an_empty_subject_is_read() -> None:
    read = Certificate(certificate(subject=sequence(), names=[dns("example.com")]))
    assert read.subject == b"\x30\0"
    assert read.common_names == ()
    assert read.names == (GeneralName("dns", "example.com"),)
    critical = extension(SUBJECT_ALT_NAME, sequence(dns("example.com")), critical=True)
    assert Certificate(certificate(subject=sequence(), extensions=[critical])).critical_extensions == (
        SUBJECT_ALT_NAME,
    )


@pytest.mark.parametrize(
    ("bits", "usages"),
    [
        (bit_string(b"\x80", 7), {"digitalSignature"}),
        (bit_string(b"\x80"), {"digitalSignature"}),
        (bit_string(b"\x01\x80", 7), {"encipherOnly", "decipherOnly"}),
        (bit_string(b"\xff\xff\xff"), set(KEY_USAGES)),
        (bit_string(b""), set[str]()),
    ],
)
def test_key_usage_is_read_bit_by_bit(bits: bytes, usages: set[str]) -> None:
    assert Certificate(certificate(extensions=[extension(KEY_USAGE, bits)])).key_usage == frozenset(usages)


def test_basic_constraints_without_ca_are_no_authority() -> None:
    read = Certificate(certificate(extensions=[extension(BASIC_CONSTRAINTS, sequence())]))
    assert (read.is_ca, read.path_length) == (False, None)
    read = Certificate(certificate(extensions=[authority()]))
    assert (read.is_ca, read.path_length) == (True, None)


@pytest.mark.parametrize("number", [0, 1, 127, 128, -1, -129, 2**159, -(2**255)])
def test_serial_numbers_in_the_wild_are_read(number: int) -> None:
    assert Certificate(certificate(serial=integer(number))).serial == number


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (der(0x17, b"500101000000Z"), datetime(1950, 1, 1, tzinfo=UTC)),
        (der(0x17, b"491231235959Z"), datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (der(0x17, b"240229120000Z"), datetime(2024, 2, 29, 12, tzinfo=UTC)),
        (der(0x18, b"20500101000000Z"), datetime(2050, 1, 1, tzinfo=UTC)),
        (der(0x18, b"99991231235959Z"), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_both_forms(time: bytes, expected: datetime) -> None:
    read = Certificate(certificate(validity=sequence(time, time)))
    assert read.not_before == read.not_after == expected
    assert read.serial == 1
    assert read.not_after == expected


def test_dates_that_were_read_with_the_whole_are_not_read_again() -> None:
    read = Certificate(certificate())
    assert read.serial == 1
    assert read.not_before == datetime(2026, 1, 1, tzinfo=UTC)


def test_making_a_certificate_reads_nothing() -> None:
    assert Certificate(b"garbage").der == b"garbage"
    assert repr(Certificate(b"ab")) == "Certificate(b'ab')"


def test_every_fact_is_read_once() -> None:
    read = Certificate(certificate(names=[dns("example.com")], eku=[SIP_DOMAIN]))
    assert read.spki is read.spki
    assert read.names is read.names
    assert read.subject is read.subject
    assert read.extended_key_usage is read.extended_key_usage


# What is refused.

LARGE = certificate(unique_ids=der(0x82, bytes(300)))  # its lengths take two octets, as those of most certificates
WRONG = [
    # what is wrong, the certificate, a part of the place that is named
    ("nothing", b"", "certificate"),
    ("one octet", b"\x30", "certificate"),
    ("no sequence", b"\x31\x00", "certificate"),
    ("an empty sequence", b"\x30\x00", "tbsCertificate"),
    ("data behind the certificate", certificate(behind=b"\0"), "certificate"),
    ("a tag of several octets", b"\x3f\x30\x00", "certificate"),
    ("an indefinite length", b"\x30\x80" + certificate()[4:] + b"\0\0", "certificate"),
    ("a length of five octets", b"\x30\x85\0\0\0\1\0" + certificate(), "certificate"),
    ("a length that is cut off", b"\x30\x82\x01", "certificate"),
    ("a long form for a short length", b"\x30\x81\x02\x30\x00", "certificate"),
    ("a length with a leading zero", b"\x30\x83\x00" + certificate()[2:], "certificate"),
    ("a length beyond the end", certificate()[:-1], "certificate"),
    ("version 1 spelled out", certificate(version=b"\xa0\x03\x02\x01\x00"), "version"),
    ("version 2", certificate(version=b"\xa0\x03\x02\x01\x01"), "version"),
    ("version 4", certificate(version=b"\xa0\x03\x02\x01\x03"), "version"),
    ("extensions in version 1", certificate(version=b"", names=[dns("a.example")]), "version"),
    ("unique identifiers in version 1", certificate(version=b"", unique_ids=der(0x81, b"\0")), "version"),
    ("a serial number without octets", certificate(serial=b"\x02\x00"), "serialNumber"),
    ("a serial number of 33 octets", certificate(serial=der(2, b"\1" * 33)), "serialNumber"),
    ("a serial number with a leading zero", certificate(serial=b"\x02\x02\x00\x01"), "serialNumber"),
    ("a serial number with a leading minus one", certificate(serial=b"\x02\x02\xff\xff"), "serialNumber"),
    ("a serial number that is no number", certificate(serial=b"\x04\x01\x01"), "serialNumber"),
    ("another signature algorithm outside", certificate(outer_algorithm=sequence(oid("1.2.3"))), "signatureAlgorithm"),
    ("an algorithm without identifier", certificate(algorithm=sequence()), "signature"),
    ("an algorithm with two parameters", certificate(algorithm=sequence(oid("1.2"), b"\5\0\5\0")), "signature"),
    ("an identifier that is empty", certificate(algorithm=sequence(b"\6\0")), "signature"),
    ("an identifier that is cut off", certificate(algorithm=sequence(b"\6\2\x2a\x86")), "signature"),
    ("an identifier with a leading zero", certificate(algorithm=sequence(b"\6\3\x2a\x80\1")), "signature"),
    ("an identifier that begins with zero", certificate(algorithm=sequence(b"\6\2\x80\1")), "signature"),
    ("an identifier of 64 octets", certificate(algorithm=sequence(der(6, b"\1" * 64))), "signature"),
    ("a signature that is no bit string", certificate(signature=der(4, b"\0a")), "signatureValue"),
    ("a signature without the number of unused bits", certificate(signature=b"\x03\x00"), "signatureValue"),
    ("a signature with eight unused bits", certificate(signature=bit_string(b"a", 8)), "signatureValue"),
    ("a signature with unused bits of nothing", certificate(signature=bit_string(b"", 1)), "signatureValue"),
    ("a signature with unused bits that are set", certificate(signature=bit_string(b"\1", 1)), "signatureValue"),
    ("data behind the signature", certificate(signature=bit_string(b"a") + b"\5\0"), "signatureValue"),
    ("no signature", certificate(signature=b""), "signatureValue"),
    ("a name that is no sequence", certificate(issuer=b"\x31\x00"), "issuer"),
    ("an RDN that is no set", certificate(issuer=sequence(sequence())), "issuer"),
    ("an empty RDN", certificate(subject=sequence(der(0x31))), "subject"),
    ("an attribute that is no sequence", certificate(subject=name(b"\5\0")), "subject"),
    ("an attribute without value", certificate(subject=name(sequence(oid("2.5.4.3")))), "subject"),
    (
        "an attribute with two values",
        certificate(subject=name(sequence(oid("2.5.4.3"), utf8("a"), utf8("b")))),
        "subject",
    ),
    ("an attribute of an empty type", certificate(subject=name(sequence(b"\6\0", utf8("a")))), "subject"),
    ("an attribute value that is cut off", certificate(subject=name(sequence(oid("2.5.4.3"), b"\x0c\2a"))), "subject"),
    ("an attribute value with a long tag", certificate(subject=name(attribute("2.5.4.3", b"\x1f\1a"))), "subject"),
    ("data behind an RDN", certificate(subject=sequence(common_name("a")[2:], b"\0")), "subject"),
    (
        "attributes of one RDN in disorder",
        certificate(subject=sequence(der(0x31, attribute("2.5.4.6", utf8("a")), attribute("2.5.4.3", utf8("b"))))),
        "subject",
    ),
    ("a PrintableString with an at sign", certificate(subject=common_name(der(0x13, b"a@b"))), "subject"),
    ("a UTF8String that is none", certificate(subject=common_name(der(0x0C, b"\xff"))), "subject"),
    ("an IA5String beyond ASCII", certificate(subject=common_name(der(0x16, b"\xe4"))), "subject"),
    ("a BMPString of odd length", certificate(subject=common_name(der(0x1E, b"abc"))), "subject"),
    ("a BMPString with half a pair", certificate(subject=common_name(der(0x1E, b"\xd8\0"))), "subject"),
    ("a UniversalString of odd length", certificate(subject=common_name(der(0x1C, b"abc"))), "subject"),
    ("a validity that is no sequence", certificate(validity=b"\5\0"), "validity"),
    ("three dates", certificate(validity=sequence(*[der(0x17, b"260101000000Z")] * 3)), "validity"),
    ("one date", certificate(validity=sequence(der(0x17, b"260101000000Z"))), "validity.notAfter"),
    ("a key that is no sequence", certificate(spki=b"\5\0"), "subjectPublicKeyInfo"),
    ("a key without bits", certificate(spki=sequence(sequence(oid("1.2.3")))), "subjectPublicKeyInfo"),
    (
        "data behind the bits of a key",
        certificate(spki=sequence(SPKI[2:25], bit_string(b"a"), b"\5\0")),
        "subjectPublicKeyInfo",
    ),
    ("a unique identifier that is no bit string", certificate(unique_ids=der(0x81)), "issuerUniqueID"),
    ("unique identifiers in disorder", certificate(unique_ids=b"\x82\1\0\x81\1\0"), "extensions"),
    ("no extension in the extensions", certificate(all_extensions=der(0xA3, sequence())), "extensions"),
    ("extensions that are no sequence", certificate(all_extensions=der(0xA3, b"\5\0")), "extensions"),
    ("data behind the extensions", certificate(all_extensions=der(0xA3, sequence(authority()), b"\5\0")), "extensions"),
    ("data behind the body", certificate(all_extensions=der(0xA3, sequence(authority())) + b"\5\0"), "extensions"),
    ("an extension that is no sequence", certificate(extensions=[authority(), b"\5\0"]), "extensions[1]"),
    ("an empty extension", certificate(extensions=[sequence()]), "extensions[0]"),
    ("an extension without value", certificate(extensions=[sequence(oid(KEY_USAGE))]), "extensions[0]"),
    (
        "an extension without value that is critical",
        certificate(extensions=[sequence(oid(KEY_USAGE), b"\1\1\xff")]),
        "extensions[0]",
    ),
    (
        "an extension that is critical as 01",
        certificate(extensions=[sequence(oid(KEY_USAGE), b"\1\1\1\4\0")]),
        "extensions[0]",
    ),
    (
        "an extension that is critical as 00",
        certificate(extensions=[sequence(oid(KEY_USAGE), b"\1\1\0\4\0")]),
        "extensions[0]",
    ),
    (
        "an extension with data behind it",
        certificate(extensions=[sequence(oid(KEY_USAGE), b"\4\0\5\0")]),
        "extensions[0]",
    ),
    (
        "an extension with a wrong identifier",
        certificate(extensions=[sequence(b"\6\3\x55\x1d\x8f\4\0")]),
        "extensions[0]",
    ),
    (
        "an extension beyond the end",
        certificate(all_extensions=der(0xA3, sequence(b"\x30\x0a\6\3\x55\x1d\x0f\4\1"))),
        "extensions[0]",
    ),
    (
        "an unknown extension twice",
        certificate(extensions=[extension("1.2.3", b""), extension("1.2.3", b"")]),
        "extensions[1]",
    ),
    (
        "two subjectAltName",
        certificate(names=[dns("a.example")], extensions=[alternative_names(dns("b.example"))]),
        "extensions[1] subjectAltName",
    ),
    (
        "a subjectAltName that is no sequence",
        certificate(extensions=[extension(SUBJECT_ALT_NAME, b"\5\0")]),
        "subjectAltName",
    ),
    (
        "a subjectAltName without names",
        certificate(extensions=[authority(), alternative_names()]),
        "extensions[1] subjectAltName",
    ),
    (
        "data behind the names",
        certificate(extensions=[extension(SUBJECT_ALT_NAME, sequence(dns("a")) + b"\0")]),
        "subjectAltName",
    ),
    ("a name that is cut off", certificate(extensions=[alternative_names(b"\x82\x09a")]), "subjectAltName"),
    ("a name with half a header", certificate(names=[dns("a"), b"\x82"]), "subjectAltName"),
    ("an unknown kind of name", certificate(names=[der(0x89, b"a")]), "subjectAltName"),
    ("an address of 5 octets", certificate(names=[ip(bytes(5))]), "subjectAltName"),
    ("a network as an address", certificate(names=[ip(bytes(8))]), "subjectAltName"),
    ("an otherName without value", certificate(names=[der(0xA0, oid("1.2.3"))]), "subjectAltName"),
    (
        "an otherName with two values",
        certificate(names=[der(0xA0, oid("1.2.3"), der(0xA0, b"\5\0\5\0"))]),
        "subjectAltName",
    ),
    ("an otherName with an empty value", certificate(names=[der(0xA0, oid("1.2.3"), der(0xA0))]), "subjectAltName"),
    ("an otherName without type", certificate(names=[der(0xA0, der(0xA0, b"\5\0"))]), "subjectAltName"),
    ("a directoryName that is none", certificate(names=[der(0xA4, b"\5\0")]), "subjectAltName"),
    ("a registeredID that is none", certificate(names=[der(0x88, b"\x80")]), "subjectAltName"),
    (
        "basicConstraints that are no sequence",
        certificate(extensions=[extension(BASIC_CONSTRAINTS, b"\5\0")]),
        "basicConstraints",
    ),
    (
        "CA FALSE spelled out",
        certificate(extensions=[extension(BASIC_CONSTRAINTS, sequence(b"\1\1\0"))]),
        "basicConstraints",
    ),
    ("CA TRUE as 01", certificate(extensions=[extension(BASIC_CONSTRAINTS, sequence(b"\1\1\1"))]), "basicConstraints"),
    (
        "a path length without CA",
        certificate(extensions=[extension(BASIC_CONSTRAINTS, sequence(integer(1)))]),
        "basicConstraints",
    ),
    ("a negative path length", certificate(extensions=[authority(-1)]), "basicConstraints"),
    (
        "data behind the path length",
        certificate(extensions=[extension(BASIC_CONSTRAINTS, sequence(b"\1\1\xff\2\1\1\5\0"))]),
        "basicConstraints",
    ),
    ("keyUsage that is no bit string", certificate(extensions=[extension(KEY_USAGE, b"\2\1\1")]), "keyUsage"),
    ("no purpose", certificate(extensions=[purposes()]), "extKeyUsage"),
    (
        "a purpose that is none",
        certificate(extensions=[extension(EXTENDED_KEY_USAGE, sequence(b"\5\0"))]),
        "extKeyUsage",
    ),
    (
        "a purpose that is empty",
        certificate(extensions=[extension(EXTENDED_KEY_USAGE, sequence(b"\6\0"))]),
        "extKeyUsage",
    ),
    ("no constraint", certificate(extensions=[extension(NAME_CONSTRAINTS, sequence())]), "nameConstraints"),
    ("no subtree", certificate(extensions=[extension(NAME_CONSTRAINTS, sequence(der(0xA0)))]), "nameConstraints"),
    (
        "constraints in disorder",
        certificate(
            extensions=[extension(NAME_CONSTRAINTS, sequence(*[der(t, sequence(dns("a"))) for t in (0xA1, 0xA0)]))]
        ),
        "nameConstraints",
    ),
    (
        "a subtree that is no sequence",
        certificate(extensions=[extension(NAME_CONSTRAINTS, sequence(der(0xA0, dns("a"))))]),
        "nameConstraints",
    ),
    (
        "a subtree with a minimum",
        certificate(extensions=[extension(NAME_CONSTRAINTS, sequence(der(0xA0, sequence(dns("a"), b"\x80\1\1"))))]),
        "nameConstraints",
    ),
    ("an address as a network", certificate(extensions=[constraints([ip(bytes(4))])]), "nameConstraints"),
    ("a part that is longer than the whole", LARGE[:6] + len(LARGE).to_bytes(2) + LARGE[8:], "tbsCertificate"),
]


@pytest.mark.req("R5280-4.2.1.6-1", "T-N03")
@pytest.mark.parametrize(("octets", "place"), [pytest.param(octets, place, id=what) for what, octets, place in WRONG])
def test_what_is_malformed_is_refused_at_its_place(octets: bytes, place: str) -> None:
    with pytest.raises(InvalidCertificate) as caught:
        read_everything(Certificate(octets))
    assert place in caught.value.place
    assert caught.value.expected
    assert isinstance(caught.value, SiptlsError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "time",
    [
        der(0x17, b"260101000000"),
        der(0x17, b"2601010000Z"),
        der(0x17, b"260101000000+0000"),
        der(0x17, b"20260101000000Z"),
        der(0x17, b"26010100000aZ"),
        der(0x17, b"261301000000Z"),
        der(0x17, b"260100000000Z"),
        der(0x17, b"260229000000Z"),
        der(0x17, b"260101240000Z"),
        der(0x17, b"260101006000Z"),
        der(0x17, b"260101000060Z"),
        der(0x17, b""),
        der(0x18, b"500101000000Z"),
        der(0x18, b"20491231235959Z"),
        der(0x18, b"00000101000000Z"),
        der(0x18, b"20500101000000.5Z"),
        der(0x18, b"2050W011000000Z"),
        der(0x16, b"260101000000Z"),
        b"",
    ],
)
def test_a_time_that_does_not_follow_the_profile_is_refused(time: bytes) -> None:
    good = der(0x17, b"260101000000Z")
    for validity, place in ((sequence(time, good), "validity.notBefore"), (sequence(good, time), "validity.notAfter")):
        read = Certificate(certificate(validity=validity))
        with pytest.raises(InvalidCertificate, match="validity"):
            _ = read.not_before
        with pytest.raises(InvalidCertificate) as caught:
            _ = read.serial
        assert time == b"" or caught.value.place == place


@pytest.mark.req("T-N03", "R5280-4.2-1")
@pytest.mark.parametrize("critical", [False, True])
def test_every_extension_may_occur_only_once(critical: bool) -> None:
    for type_id in (KEY_USAGE, SUBJECT_ALT_NAME, BASIC_CONSTRAINTS, NAME_CONSTRAINTS, EXTENDED_KEY_USAGE, "1.2.3"):
        twice = certificate(extensions=[extension(type_id, b"a"), extension(type_id, b"b", critical=critical)])
        with pytest.raises(InvalidCertificate, match="only once"):
            _ = Certificate(twice).names


def test_an_extension_with_long_lengths_is_read_like_a_short_one() -> None:
    names = [dns(f"{n}.example") for n in range(20)]
    read = Certificate(certificate(extensions=[extension(SUBJECT_ALT_NAME, sequence(*names), critical=True)]))
    assert read.names is not None
    assert len(read.names) == 20
    assert read.critical_extensions == (SUBJECT_ALT_NAME,)


# Algorithms.

NULL = b"\5\0"
SHA_256 = sequence(oid("2.16.840.1.101.3.4.2.1"), NULL)
MGF_1 = "1.2.840.113549.1.1.8"
PSS = "1.2.840.113549.1.1.10"


def pss(*fields: bytes) -> bytes:
    return sequence(oid(PSS), sequence(*fields))


SALT = der(0xA2, der(2, b"\x20"))
FITTING = [
    *[sequence(oid(rsa), *null) for rsa in ("1.2.840.113549.1.1.1", "1.2.840.113549.1.1.13") for null in ((), (NULL,))],
    sequence(oid("1.2.840.10045.4.3.4")),
    sequence(oid("1.3.101.113")),
    sequence(oid("1.2.840.10045.2.1"), oid("1.3.132.0.35")),
    sequence(oid("2.16.840.1.101.3.4.3.18")),
    sequence(oid("1.2.840.10040.4.1"), sequence(der(2, b"\x7f"), der(2, b"\0\x80"), der(2, b"\2"))),
    sequence(oid("1.2.3.4")),
    sequence(oid("1.2.3.4"), NULL),
    sequence(oid("1.2.643.7.1.1.1.1"), sequence(oid("1.2.643.2.2.35.1"))),
    sequence(oid(PSS)),
    pss(),
    pss(der(0xA0, SHA_256), der(0xA1, sequence(oid(MGF_1), SHA_256)), SALT),
]
UNFITTING = [
    sequence(oid("1.2.840.10045.2.1")),
    sequence(oid("1.2.840.10045.2.1"), NULL),
    sequence(oid("1.2.840.10045.2.1"), der(6, b"")),
    sequence(oid("1.2.840.10045.2.1"), oid("1.3.132.0.35"), NULL),
    sequence(oid("1.2.840.10045.4.3.2"), NULL),
    sequence(oid("1.2.840.113549.1.1.1"), der(5, b"a")),
    sequence(oid("1.2.840.113549.1.1.11"), oid("1.2.3")),
    sequence(oid("1.2.840.113549.1.3.1"), NULL),
    sequence(oid("1.3.101.112"), NULL),
    sequence(oid("1.2.3.4"), der(4, b"")),
    sequence(oid("1.2.3.4"), NULL, NULL),
    sequence(oid("1.2.840.10040.4.1")),
    sequence(oid("1.2.840.10040.4.1"), sequence(der(2, b"\x7f"), der(2, b"\x80"), der(2, b"\2"))),
    sequence(oid("1.2.840.10040.4.1"), sequence(der(2, b"\x7f"), der(2, b""), der(2, b"\2"))),
    sequence(oid("1.2.840.10040.4.1"), sequence(*[der(2, b"\2")] * 4)),
    sequence(oid(PSS), NULL),
    pss(SALT, SALT),
    pss(der(0xA2, der(2, b"\x14"))),
    pss(der(0xA2, der(2, b"\xff"))),
    pss(der(0xA0, sequence(oid("1.3.14.3.2.26"), NULL))),
    pss(der(0xA1, sequence(oid("1.2.3"), SHA_256))),
    pss(der(0xA3, der(2, b"\1"))),
]


@pytest.mark.parametrize("algorithm", FITTING, ids=bytes.hex)
def test_an_algorithm_has_its_own_parameters(algorithm: bytes) -> None:
    key = sequence(algorithm, bit_string(b"key"))
    assert Certificate(certificate(spki=key)).spki == key


@pytest.mark.parametrize("algorithm", UNFITTING, ids=bytes.hex)
def test_parameters_of_another_algorithm_are_refused(algorithm: bytes) -> None:
    with pytest.raises(InvalidCertificate, match="subjectPublicKeyInfo"):
        _ = Certificate(certificate(spki=sequence(algorithm, bit_string(b"key")))).pinned_key


# What is not read.

SUBJECT_OF_GARBAGE = certificate(subject=der(0x30, b"garbage"), all_extensions=b"garbage", signature=b"garbage")


def test_only_a_pinned_key_is_read_whatever_stands_in_the_rest() -> None:
    read = Certificate(SUBJECT_OF_GARBAGE)
    assert read.pinned_key == SPKI
    for fact in ("spki", "not_before", "not_after", "serial", "names"):
        with pytest.raises(InvalidCertificate):
            getattr(read, fact)


def test_a_malformed_extension_spoils_only_what_stands_in_it() -> None:
    read = Certificate(certificate(names=[dns("example.com")], extensions=[purposes()]))
    assert read.names == (GeneralName("dns", "example.com"),)
    assert read.may_have_purposes()
    with pytest.raises(InvalidCertificate):
        _ = read.extended_key_usage


@pytest.mark.parametrize("path", ["pinned_key", "spki", "not_after"])
@pytest.mark.parametrize("cut", ["before the name", "in the key"])
def test_what_is_malformed_on_the_way_to_the_key_is_refused(path: str, cut: str) -> None:
    whole = certificate()
    end = whole.index(b"\x30\x18") if cut == "before the name" else whole.index(SPKI) + 9
    tbs = sequence(whole[whole.index(b"\xa0\3\2\1\2") : end])
    octets = sequence(tbs, SHA256_ECDSA, bit_string(b""))
    with pytest.raises(InvalidCertificate):
        getattr(Certificate(octets), path)


def test_quick_answers_on_constraints_and_purposes_are_never_a_wrong_no() -> None:
    plain = Certificate(certificate())
    assert not plain.may_constrain()
    assert not plain.may_have_purposes()
    assert Certificate(certificate(extensions=[constraints([dns("a")])])).may_constrain()
    assert Certificate(certificate(eku=[SIP_DOMAIN])).may_have_purposes()


# How much is read.


def test_names_are_read_up_to_a_limit() -> None:
    octets = certificate(names=[dns(f"{n}.example") for n in range(100)])
    names = Certificate(octets).names_up_to(100)
    assert names is not None
    assert len(names) == 100
    with pytest.raises(TooManyNames, match="at most 99 names"):
        Certificate(octets).names_up_to(99)
    read = Certificate(octets)
    assert read.names is not None
    assert read.names_up_to(100) is read.names
    with pytest.raises(TooManyNames, match="at most 99 names"):
        read.names_up_to(99)
    assert Certificate(certificate()).names_up_to(0) is None


def test_what_follows_the_limit_is_not_read() -> None:
    octets = certificate(names=[dns("a.example"), dns("b.example"), b"garbage"])
    with pytest.raises(TooManyNames):
        Certificate(octets).names_up_to(1)
    with pytest.raises(InvalidCertificate) as caught:
        Certificate(octets).names_up_to(2)
    assert not isinstance(caught.value, TooManyNames)


def _growth(small: Callable[[], object], large: Callable[[], object], limit: float) -> float:
    """How much more processor time the large one takes; measured again while neighbours may disturb it."""
    growth = float("inf")
    gc.collect()
    gc.disable()  # the garbage of others would count only for the one that takes longer
    try:
        for _ in range(20):
            growth = min(growth, min(_cost(large) for _ in range(5)) / min(_cost(small) for _ in range(5)))
            if growth <= limit:
                break
    finally:
        gc.enable()
    return growth


def _cost(action: Callable[[], object]) -> float:
    begun = process_time()
    action()
    return process_time() - begun


def _certificate_of(count: int) -> bytes:
    return certificate(names=[dns(f"host-{n}.example.com") for n in range(count)])


def test_ten_times_the_names_cost_at_most_twelve_times_as_much() -> None:
    small, large = _certificate_of(1_000), _certificate_of(10_000)
    assert _growth(lambda: Certificate(small).names, lambda: Certificate(large).names, 12) <= 12


def test_a_pinned_key_costs_the_same_however_many_names_there_are() -> None:
    small, large = _certificate_of(1), _certificate_of(10_000)

    def read(octets: bytes) -> Callable[[], object]:
        return lambda: [Certificate(octets).pinned_key for _ in range(200)]

    assert _growth(read(small), read(large), 2) <= 2


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\x30\x80" * 100_000, id="nested indefinite lengths"),
        pytest.param(b"\x30" * 1_000_000, id="nested tags"),
        pytest.param(
            certificate(names=[der(0xA4, name(attribute("2.5.4.3", utf8("a"))))] * 20_000), id="directory names"
        ),
        pytest.param(certificate(subject=common_name(*["a"] * 50_000)), id="common names"),
        pytest.param(certificate(extensions=[extension(f"1.2.{n}", b"") for n in range(30_000)]), id="extensions"),
        pytest.param(certificate(eku=[f"1.2.{n}" for n in range(30_000)]), id="purposes"),
        pytest.param(certificate(extensions=[constraints([dns("a")] * 30_000)]), id="subtrees"),
    ],
)
def test_hostile_certificates_take_bounded_time(octets: bytes) -> None:
    begun = process_time()
    is_readable(octets)
    assert process_time() - begun < 5


# Properties.


@given(st.binary(max_size=200))
def test_random_octets_are_refused(octets: bytes) -> None:
    assert not is_readable(octets)


WHOLE = certificate(
    names=[uri("sip:example.com"), ip(bytes(4)), other_name("1.2.3", b"\5\0")],
    eku=[SIP_DOMAIN],
    extensions=[authority(1), constraints([dns("a")], [ip(bytes(8))]), extension(KEY_USAGE, bit_string(b"\x80", 7))],
)


@given(st.data())
def test_a_damaged_certificate_is_read_or_refused(data: st.DataObject) -> None:
    octets = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    is_readable(bytes(octets))


def test_every_prefix_of_a_certificate_is_refused() -> None:
    for end in range(len(WHOLE)):
        with pytest.raises(InvalidCertificate):
            read_everything(Certificate(WHOLE[:end]))


@given(st.lists(st.tuples(st.sampled_from(["dns", "uri"]), st.binary(max_size=300)), min_size=1, max_size=5))
def test_names_come_back_as_they_were_written(pairs: list[tuple[str, bytes]]) -> None:
    names = [dns(octets) if kind == "dns" else uri(octets) for kind, octets in pairs]
    expected = [GeneralName(kind, octets.decode() if octets.isascii() else octets) for kind, octets in pairs]
    assert Certificate(certificate(names=names)).names == tuple(expected)


class Watched(bytes):
    """Octets that count how often they are searched."""

    searches = 0

    def find(self, *arguments: Any) -> int:
        type(self).searches += 1
        return super().find(*arguments)


def test_an_authority_is_searched_once_however_many_names_it_is_held_against() -> None:
    """A leaf may hold thousands of names, and an authority a hundred thousand octets; both belong to the peer."""
    Watched.searches = 0
    authority = Certificate(Watched(certificate()))
    leaf = Certificate(certificate())
    for number in range(50):
        assert violates_constraints(f"host{number}.example", [leaf, authority]) is None
    assert Watched.searches == 1
