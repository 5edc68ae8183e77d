"""SIP identities of a certificate and their comparison (RFC 5922 section 7, RFC 5924, RFC 9525, A-03 to A-25)."""

from __future__ import annotations

import ssl
from pathlib import Path
from time import process_time
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import (
    ANY_EKU,
    CLIENT_AUTH,
    EMAIL_PROTECTION,
    SERVER_AUTH,
    SIP_DOMAIN,
    authority,
    certificate,
    common_name,
    constraints,
    der,
    dns,
    email,
    extension,
    ip,
    other_name,
    uri,
)
from siptls import Policy, compare_names
from siptls.certificate import Certificate
from siptls.errors import InvalidCertificate
from siptls.identity import (
    Identity,
    acceptable_purpose,
    host_names,
    matches_address,
    matches_domain,
    matches_host,
    purpose_violation,
    sip_identities,
    violates_constraints,
)

VECTORS = Path(__file__).parent.parent / "vectors"

SRV_NAME = other_name("1.3.6.1.5.5.7.8.7", der(0x16, b"_sips.example.com"))


def cert(*names: bytes, cn: str | None = None) -> Certificate:
    return Certificate(certificate(names=names, subject=common_name(*([] if cn is None else [cn]))))


def identities(*names: bytes, cn: str | None = None, allow_cn: bool = False) -> list[tuple[str, str]]:
    return [(each.domain, each.origin) for each in sip_identities(cert(*names, cn=cn), allow_cn=allow_cn)]


def accepts(reference: str, *names: bytes) -> bool:
    return matches_domain(reference, sip_identities(cert(*names))) is not None


# Which names are identities (RFC 5922 section 7.1).


@pytest.mark.req("R5922-7.1-7", "R5922-7.1-8", "R5922-7.1-11", "R9525-4.1-1")
def test_the_host_of_a_sip_uri_is_an_identity() -> None:
    assert identities(uri("sip:example.com")) == [("example.com", "uri")]
    assert identities(uri("SIP:Example.COM")) == [("example.com", "uri")]
    assert identities(uri("sip:a.example"), uri("sip:b.example"), uri("Sip:A.Example")) == [
        ("a.example", "uri"),
        ("b.example", "uri"),
    ]


@pytest.mark.req("R5922-7.1-5", "R9525-4.1-1", "R9525-6.5-1", "T-N07")
@pytest.mark.parametrize(
    "text",
    [
        "sips:example.com",
        "SIPS:example.com",
        "im:example.com",
        "pres:example.com",
        "https://example.com",
        "tel:+1",
        "xmpp:example.com",
        "example.com",
        "//example.com",
        "",
    ],
)
def test_a_uri_of_another_scheme_is_no_identity(text: str) -> None:
    assert identities(uri(text), cn="example.com", allow_cn=True) == []


@pytest.mark.req("R5922-7.1-6", "T-N07")
@pytest.mark.parametrize(
    "text", ["sip:fluffy@example.com", "sip:alice:pw@example.com", "sip:%61@example.com", "sip:@example.com"]
)
def test_a_sip_uri_with_a_user_part_is_no_identity(text: str) -> None:
    assert identities(uri(text), cn="example.com", allow_cn=True) == []


@pytest.mark.req("A-24", "R5922-7.2-1", "T-N07")
@pytest.mark.parametrize(
    "text",
    [
        "sip:example.com:5061",
        "sip:example.com;transport=tls",
        "sip:example.com;x",
        "sip:example.com?subject=x",
        "sip:example.com:5061;maddr=evil.example;x=y",
        "SIP:EXAMPLE.COM.",
    ],
)
def test_only_the_host_of_a_sip_uri_counts(text: str) -> None:
    assert identities(uri(text)) == [("example.com", "uri")]
    assert accepts("example.com", uri(text))


@pytest.mark.req("A-24", "A-25", "R5280-4.2.1.6-1", "R9525-6.2-1", "T-N02", "T-N07")
@pytest.mark.parametrize(
    "text",
    [
        "sip:",
        "sip:.",
        "sip://example.com",
        "sip:%65xample.com",
        "sip:*.example.com",
        "sip:.example.com",
        "sip:example.com:0",
        "sip:example.com:70000",
        "sip:example.com;",
        "sip:exa mple.com",
        "sip:example.com ",
        "sip:good.example\0.evil.example",
        "sip:good.example\0",
        "sip:b\xfccher.example",
    ],
)
def test_a_malformed_uri_is_ignored_and_leaves_the_dns_names_their_turn(text: str) -> None:
    assert identities(uri(text), cn="example.com", allow_cn=True) == []
    assert identities(uri(text), dns("example.com")) == [("example.com", "dns")]


@pytest.mark.req("R5922-7.1-9", "A-09", "R9525-6.1-3")
def test_dns_names_are_identities_only_without_a_sip_uri_in_whatever_order() -> None:
    assert identities(dns("a.example"), uri("sip:b.example")) == [("b.example", "uri")]
    assert identities(uri("sip:b.example"), dns("a.example")) == [("b.example", "uri")]
    assert identities(dns("A.example"), dns("b.example"), dns("a.EXAMPLE")) == [
        ("a.example", "dns"),
        ("b.example", "dns"),
    ]


@pytest.mark.req("A-03", "R5922-7.1-9")
@pytest.mark.parametrize(
    "other", ["sip:alice@b.example", "sips:b.example", "im:b.example", "sip:192.0.2.1", "sip:[2001:db8::1]"]
)
def test_a_uri_that_is_no_identity_does_not_hide_the_dns_names(other: str) -> None:
    assert identities(uri(other), dns("a.example")) == [("a.example", "dns")]


@pytest.mark.req("A-03", "R9525-6.2-1")
@pytest.mark.parametrize("text", ["sip:192.0.2.1", "sip:[2001:db8::1]"])
def test_an_address_in_a_sip_uri_is_no_identity(text: str) -> None:
    assert identities(uri(text)) == []


@pytest.mark.req("R5922-7.1-3", "R5922-7.1-4", "R4985-2-2")
def test_other_kinds_of_names_are_skipped() -> None:
    rest = (SRV_NAME, ip(b"\xc0\0\2\1"), email("alice@example.net"), der(0xA4, common_name("example.net")))
    assert identities(*rest, uri("sip:example.com")) == [("example.com", "uri")]
    for each in rest:
        assert identities(each, cn="example.com", allow_cn=True) == []


@pytest.mark.req("R5922-7.1-10", "A-10", "T-N04", "T-N05", "R9525-A-1")
def test_the_common_name_counts_only_without_any_alternative_name_and_if_allowed() -> None:
    assert identities(cn="Example.com", allow_cn=True) == [("example.com", "cn")]
    assert identities(cn="example.com") == []
    for other in (email("alice@example.com"), dns("other.example"), uri("sips:example.com"), ip(bytes(4))):
        assert ("example.com", "cn") not in identities(other, cn="example.com", allow_cn=True)


@pytest.mark.req("R5922-7.1-10", "A-10", "T-N01", "T-N08", "A-25")
@pytest.mark.parametrize(
    "cn",
    [
        "Example Corp",
        "",
        "*.example.com",
        "*",
        "192.0.2.1",
        "sip:example.com",
        "example.com.",
        "good.example\0.evil.example",
        "good.example\0",
        "good\u3002example",
        "\u0130.example",
        "_sip.example.com",
    ],
)
def test_a_common_name_that_is_no_host_name_is_no_identity(cn: str) -> None:
    assert identities(cn=cn, allow_cn=True) == []


@pytest.mark.req("T-N01")
def test_a_common_name_in_another_character_set_is_read_as_what_it_says() -> None:
    for string, expected in (
        (der(0x1E, "example.com".encode("utf-16-be")), {"example.com"}),
        (der(0x1E, "good.example\0.evil.example".encode("utf-16-be")), set[str]()),
        (der(0x14, b"b\xfccher.example"), set[str]()),
    ):
        read = Certificate(certificate(subject=common_name(string)))
        assert {each.domain for each in sip_identities(read, allow_cn=True)} == expected


@pytest.mark.req("R5922-7.1-10")
def test_two_common_names_are_none() -> None:
    read = Certificate(certificate(subject=common_name("good.example", "evil.example")))
    assert sip_identities(read, allow_cn=True) == ()


@pytest.mark.req("T-N03", "R5280-4.2.1.6-1")
@pytest.mark.parametrize(
    "broken",
    [
        certificate(subject=common_name("example.com"), extensions=[extension("2.5.29.17", b"\x30\0")]),
        certificate(subject=common_name("example.com"), extensions=[extension("2.5.29.17", b"")]),
        certificate(subject=common_name("example.com"), names=[dns("a"), b"\x82"]),
        certificate(
            subject=common_name("example.com"),
            extensions=[extension("2.5.29.17", b"\x30\3\x82\1a"), extension("2.5.29.17", b"\x30\3\x82\1b")],
        ),
    ],
)
def test_a_broken_alternative_name_never_leads_to_the_common_name(broken: bytes) -> None:
    read = Certificate(broken)
    with pytest.raises(InvalidCertificate):
        sip_identities(read, allow_cn=True)
    with pytest.raises(InvalidCertificate):
        host_names(read)
    with pytest.raises(InvalidCertificate):
        compare_names(read, "example.com", policy=Policy(allow_cn=True))


@pytest.mark.req("R5922-7.1-11", "R5280-4.2.1.6-1")
def test_a_certificate_may_have_no_identity_at_all() -> None:
    assert identities() == []
    assert identities(dns("")) == []


@pytest.mark.req("A-25", "T-N01", "T-N09", "R5922-7.2-3", "R5280-4.2.1.6-1")
@pytest.mark.parametrize(
    "octets",
    [
        b"good.example\0.evil.example",
        b"good.example\0",
        b"good .example",
        b"good.example\n",
        b"b\xfccher.example",
        "b\xfccher.example".encode(),
        "good\u3002example".encode(),
        b"",
        b".",
        b".example.com",
        b"a..b",
        b"example.com.",
        b"192.0.2.1",
        b"-a.example",
        b"a" * 64 + b".example",
        b".".join([b"a" * 60] * 5),
        b"_sip.example.com",
        b"sip:example.com",
        b"*",
        b"*.*.example.com",
        b"a*.example.com",
        b"a.*.example.com",
        b"*.192.0.2.1",
    ],
)
def test_a_dns_name_that_is_no_host_name_is_ignored(octets: bytes) -> None:
    assert identities(dns(octets), dns("last.example")) == [("last.example", "dns")]
    assert [each.domain for each in host_names(cert(dns(octets)))] == []


@pytest.mark.req("R5922-7.1-9", "R5922-7.8-1")
def test_a_certificate_of_many_domains_speaks_for_each_and_no_other() -> None:
    names = [uri(f"sip:{label}.example") for label in "abc"]
    assert accepts("a.example", *names)
    assert accepts("b.example", *names)
    assert accepts("C.Example.", *names)
    assert not accepts("d.example", *names)


VECTOR_IDENTITIES = [
    ("eku_domain_example.com_cert.pem", [("example.com", "uri")]),
    ("eku_domain_example.net_cert.pem", [("example.net", "uri")]),
    ("noeku_domain_example.com_cert.pem", [("example.com", "uri")]),
    ("noeku_domain_example.net_cert.pem", [("example.net", "uri")]),
    ("eku_user_fluffy_example.com_cert.pem", list[tuple[str, str]]()),
    ("eku_user_robert_example.net_cert.pem", list[tuple[str, str]]()),
    ("ca_intermediate_example.net_cert.pem", [("example.net", "cn")]),
]


@pytest.mark.req("R5922-7.1-6", "R5922-7.1-7", "R5922-7.1-10", "R5924-4.1-1", "R5924-5-1", "R5924-5-2")
@pytest.mark.parametrize(("file", "expected"), VECTOR_IDENTITIES)
def test_the_certificates_of_rfc_6216_have_their_identities(file: str, expected: list[tuple[str, str]]) -> None:
    read = Certificate(ssl.PEM_cert_to_DER_cert((VECTORS / "rfc6216" / file).read_text("ascii")))
    found = sip_identities(read, allow_cn=True)
    assert [(each.domain, each.origin) for each in found] == expected
    assert (read.extended_key_usage is None) == (not file.startswith("eku"))
    assert acceptable_purpose(read.extended_key_usage, "strict", "server")


# How a domain is compared (RFC 5922 section 7.2).


@pytest.mark.req("R5922-7.2-2", "R5922-7.2-3", "R9525-6.3-1", "R5280-7.2-1")
def test_the_identity_that_matches_is_returned() -> None:
    found = sip_identities(cert(uri("sip:a.example"), uri("sip:xn--bcher-kva.example")))
    assert matches_domain("XN--BCHER-KVA.Example.", found) == Identity("xn--bcher-kva.example", "uri")
    assert matches_domain("b\xfccher.example", found) is None
    assert matches_domain("a.example", []) is None


@pytest.mark.req("R9525-6.2-2")
def test_the_first_match_is_enough() -> None:
    first, second = Identity("a.example", "uri"), Identity("a.example", "dns")
    assert matches_domain("a.example", iter([first, second])) is first


@pytest.mark.req("R5922-4-1", "R5922-7.2-4", "R5922-7.2-6", "R5280-7.2-1", "T-N08")
@pytest.mark.parametrize(
    ("presented", "reference"),
    [
        ("example.com", "sub.example.com"),
        ("sub.example.com", "example.com"),
        ("b.example", "a.b.example"),
        ("a.b.example", "b.example"),
        ("example.com", "badexample.com"),
        ("example.com", "example.com.evil.example"),
        ("example.com", "example"),
    ],
)
def test_only_the_whole_name_matches(presented: str, reference: str) -> None:
    assert not accepts(reference, uri(f"sip:{presented}"))
    assert not accepts(reference, dns(presented))


@pytest.mark.req("R5922-7.2-5", "A-11", "T-N08")
@pytest.mark.parametrize("presented", ["*.example.com", ".example.com", "*", "*.com", "f*.example.com", "foo.*.com"])
def test_no_wildcard_matches_a_domain(presented: str) -> None:
    for reference in ("foo.example.com", "example.com", "a.foo.example.com"):
        assert not accepts(reference, dns(presented))
        assert not accepts(reference, uri(f"sip:{presented}"))


@pytest.mark.req("R5922-7.2-5")
def test_a_wildcard_equals_itself_and_nothing_else() -> None:
    found = sip_identities(cert(dns("*.Example.com")))
    assert found == (Identity("*.example.com", "dns"),)
    assert matches_domain("*.example.COM", found) is found[0]


def test_identities_are_values() -> None:
    assert Identity("a", "uri") == Identity("a", "uri")
    assert Identity("a", "uri") != Identity("a", "dns")
    assert Identity("a", "uri") != "a"
    assert len({Identity("a", "uri"), Identity("a", "uri"), Identity("b", "uri")}) == 2
    assert repr(Identity("a", "uri")) == "Identity('a', 'uri')"


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True)
DOMAINS = st.lists(LABEL, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example"]))
PRESENTED = st.one_of(
    DOMAINS.map("sip:{}".format).map(uri),
    DOMAINS.map("sip:alice@{}".format).map(uri),
    DOMAINS.map("sips:{}".format).map(uri),
    DOMAINS.map(dns),
    DOMAINS.map("*.{}".format).map(dns),
    st.binary(max_size=12).map(dns),
    st.binary(max_size=12).map(uri),
    st.just(SRV_NAME),
)


@pytest.mark.req("R5922-7.1-9", "R5922-7.2-6")
@given(DOMAINS, st.lists(PRESENTED, min_size=1, max_size=6))
def test_a_domain_matches_exactly_if_its_own_name_stands_there(domain: str, names: list[bytes]) -> None:
    own = uri(f"sip:{domain}")
    assert accepts(domain, *names, own)
    assert accepts(domain, own, *names)
    found = sip_identities(cert(*names))
    assert {each.origin for each in found} <= {"uri"} or {each.origin for each in found} == {"dns"}
    assert (matches_domain(domain, found) is not None) == (domain in {each.domain for each in found})
    assert set(found) <= set(host_names(cert(*names)))


# How a host of a secure delegation is compared (D-REF, RFC 7673 section 4.1).


@pytest.mark.req("A-12")
def test_dns_names_count_for_a_host_although_a_sip_uri_stands_beside_them() -> None:
    names = host_names(
        cert(uri("sip:example.com"), dns("SIP1.host.example"), uri("sip:alice@x.example"), dns("example.com"), SRV_NAME)
    )
    assert names == (
        Identity("example.com", "uri"),
        Identity("sip1.host.example", "dns"),
        Identity("example.com", "dns"),
    )
    assert matches_host("sip1.HOST.example", names) == Identity("sip1.host.example", "dns")
    assert matches_host("sip2.host.example", names) is None


def test_the_common_name_never_counts_for_a_host() -> None:
    assert host_names(cert(cn="host.example")) == ()


@pytest.mark.req("A-11", "R9525-6.3-2", "T-N08")
def test_a_wildcard_covers_one_label_of_a_host_if_allowed() -> None:
    names = host_names(cert(dns("*.host.example"), dns("exact.host.example")))
    assert matches_host("sip1.host.example", names) is None
    assert matches_host("Sip1.Host.example", names, allow_wildcards=True) == Identity("*.host.example", "dns")
    assert matches_host("exact.host.example", names, allow_wildcards=True) == Identity("exact.host.example", "dns")
    for reference in ("host.example", "a.b.host.example", "host.example.com", ""):
        assert matches_host(reference, names, allow_wildcards=True) is None


@pytest.mark.req("A-11", "R9525-6.3-2", "T-N08")
@pytest.mark.parametrize(
    "presented",
    ["*", "*.*", "*.example", "f*.host.example", "*1.host.example", "sip1.*.example", "*.*.example", "**.host.example"],
)
def test_no_other_form_of_wildcard_covers_a_host(presented: str) -> None:
    for reference in ("sip1.host.example", "host.example"):
        assert matches_host(reference, host_names(cert(dns(presented))), allow_wildcards=True) is None


def test_a_wildcard_in_a_uri_covers_nothing() -> None:
    assert matches_host("a.host.example", [Identity("*.host.example", "uri")], allow_wildcards=True) is None


# Addresses.


@pytest.mark.req("A-23", "T-N09")
def test_an_address_matches_the_same_octets_only() -> None:
    mapped = bytes(10) + b"\xff\xff\xc0\0\2\1"
    read = cert(dns("192.0.2.1"), uri("sip:192.0.2.1"), ip(b"\xc0\0\2\1"), ip(bytes(15) + b"\1"))
    assert matches_address(b"\xc0\0\2\1", read)
    assert matches_address(bytes(15) + b"\1", read)
    assert not matches_address(b"\xc0\0\2\2", read)
    assert not matches_address(mapped, read)
    assert not matches_address(b"\xc0\0\2\1", cert(dns("192.0.2.1"), uri("sip:192.0.2.1"), ip(mapped)))
    assert not matches_address(b"\xc0\0\2\1", cert(cn="192.0.2.1"))


# Purposes (RFC 5924 section 5, A-04).

EkuPolicy = Literal["strict", "interop", "lax-client"]
Role = Literal["server", "client"]


@pytest.mark.req("R5924-5-1")
@pytest.mark.parametrize("policy", ["strict", "interop", "lax-client"])
@pytest.mark.parametrize("role", ["server", "client"])
def test_a_certificate_without_the_extension_serves_every_purpose(policy: EkuPolicy, role: Role) -> None:
    assert acceptable_purpose(None, policy, role)


@pytest.mark.req("R5924-4-1", "R5924-4.1-1", "R5924-5-2", "R5924-5-3", "R5280-4.2.1.12-1")
@pytest.mark.parametrize("policy", ["strict", "interop", "lax-client"])
@pytest.mark.parametrize("role", ["server", "client"])
def test_sip_domain_and_any_purpose_are_taken_whatever_stands_beside_them(policy: EkuPolicy, role: Role) -> None:
    for purpose in (SIP_DOMAIN, ANY_EKU):
        assert acceptable_purpose((purpose,), policy, role)
        assert acceptable_purpose((EMAIL_PROTECTION, "2.999.1", purpose), policy, role)


@pytest.mark.req("A-04", "R5924-5-4", "R5924-5-5", "R5922-7.1-2", "R5280-4.2.1.12-1")
@pytest.mark.parametrize(
    ("purposes", "policy", "role", "taken"),
    [
        ((SERVER_AUTH,), "strict", "server", False),
        ((CLIENT_AUTH,), "strict", "client", False),
        ((SERVER_AUTH, CLIENT_AUTH), "strict", "server", False),
        ((SERVER_AUTH,), "interop", "server", True),
        ((CLIENT_AUTH,), "interop", "client", True),
        ((SERVER_AUTH,), "interop", "client", False),
        ((CLIENT_AUTH,), "interop", "server", False),
        ((SERVER_AUTH,), "lax-client", "client", True),
        ((CLIENT_AUTH,), "lax-client", "client", True),
        ((SERVER_AUTH,), "lax-client", "server", True),
        ((CLIENT_AUTH,), "lax-client", "server", False),
        ((EMAIL_PROTECTION,), "interop", "server", False),
        ((EMAIL_PROTECTION,), "lax-client", "client", False),
        (("1.3.6.1.5.5.7.3.201",), "interop", "server", False),
        ((), "interop", "server", False),
    ],
)
def test_the_purposes_of_tls_are_taken_as_the_policy_says(
    purposes: tuple[str, ...], policy: EkuPolicy, role: Role, taken: bool
) -> None:
    assert acceptable_purpose(purposes, policy, role) is taken


LEAF = Certificate(certificate(names=[uri("sip:bank.example")]))
ROOT = Certificate(certificate(extensions=[authority()]))


def issuing(*purposes: str) -> Certificate:
    return Certificate(certificate(eku=purposes, extensions=[authority()]))


@pytest.mark.req("D-PATH-2", "T-N13")
def test_an_authority_that_is_limited_to_another_purpose_is_found() -> None:
    mail = issuing(EMAIL_PROTECTION)
    assert purpose_violation([LEAF, mail, ROOT], "interop", "server") is mail
    assert purpose_violation([LEAF, issuing(SIP_DOMAIN), mail, ROOT], "interop", "server") is mail
    assert purpose_violation([LEAF, issuing(SERVER_AUTH), ROOT], "strict", "server") is not None
    assert purpose_violation([LEAF, issuing(SERVER_AUTH), ROOT], "interop", "client") is not None


@pytest.mark.req("D-PATH-2")
def test_an_authority_with_a_purpose_that_the_policy_takes_is_none() -> None:
    for purposes in ((), (SIP_DOMAIN,), (ANY_EKU,), (SERVER_AUTH,), (EMAIL_PROTECTION, SERVER_AUTH)):
        assert purpose_violation([LEAF, issuing(*purposes), ROOT], "interop", "server") is None


@pytest.mark.req("D-PATH-2")
def test_the_purposes_of_leaf_and_anchor_do_not_matter_here() -> None:
    mail = issuing(EMAIL_PROTECTION)
    assert purpose_violation([mail, ROOT, mail], "strict", "server") is None
    assert purpose_violation([mail, mail], "strict", "server") is None
    assert purpose_violation([mail], "strict", "server") is None


# Name constraints (D-PATH-1).


def limited(permitted: list[bytes] | None = None, excluded: list[bytes] | None = None) -> Certificate:
    return Certificate(certificate(extensions=[authority(), constraints(permitted or [], excluded or [])]))


@pytest.mark.req("D-PATH-1", "T-N12", "R5280-4.2.1.10-1")
def test_an_authority_of_one_domain_cannot_speak_for_another_by_a_sip_uri() -> None:
    evil = limited([dns("evil.example")])
    assert violates_constraints("bank.example", [LEAF, evil, ROOT]) is evil
    assert violates_constraints("evil.example", [LEAF, evil, ROOT]) is None
    assert violates_constraints("SIP.Evil.Example.", [LEAF, evil, ROOT]) is None
    shut = limited(excluded=[dns("bank.example")])
    assert violates_constraints("bank.example", [LEAF, shut, ROOT]) is shut
    assert violates_constraints("a.bank.example", [LEAF, shut, ROOT]) is shut
    assert violates_constraints("other.example", [LEAF, shut, ROOT]) is None


@pytest.mark.req("D-PATH-1")
def test_every_authority_of_the_path_counts_the_anchor_included_and_the_leaf_not() -> None:
    one, two = limited([dns("evil.example")]), limited([dns("other.example")])
    assert violates_constraints("bank.example", [LEAF, ROOT, one]) is one
    assert violates_constraints("bank.example", [LEAF, two, one]) is two
    assert violates_constraints("evil.example", [LEAF, one, two]) is two
    assert violates_constraints("bank.example", [one, ROOT]) is None
    assert violates_constraints("bank.example", [LEAF]) is None


@pytest.mark.req("D-PATH-1", "R5280-4.2.1.10-1")
@pytest.mark.parametrize(
    ("permitted", "excluded", "domain", "allowed"),
    [
        (["example.com"], [], "example.com", True),
        (["example.com"], [], "a.b.example.com", True),
        (["EXAMPLE.com"], [], "a.example.com", True),
        (["example.com"], [], "badexample.com", False),
        (["example.com"], [], "com", False),
        (["a.example.com"], [], "example.com", False),
        (["com"], [], "example.com", True),
        (["a.example", "b.example"], [], "b.example", True),
        ([".example.com"], [], "a.example.com", True),
        ([".example.com"], [], "example.com", False),
        ([""], [], "example.com", True),
        ([], [""], "example.com", False),
        ([], ["example.com"], "a.example.com", False),
        ([], [".example.com"], "a.example.com", False),
        ([], [".example.com"], "example.com", False),
        ([], [".example.com"], "badexample.com", True),
        ([], ["example.com"], "badexample.com", True),
        (["example.com"], ["a.example.com"], "a.example.com", False),
        (["example.com"], ["a.example.com"], "b.example.com", True),
        (["example.com\0"], [], "example.com", False),
        (["other.example", "example.com."], [], "other.example", False),
        ([], ["evil.example\0"], "good.example", False),
        ([], ["*.evil.example"], "good.example", False),
        ([], ["."], "good.example", False),
        ([], ["b\xfccher.example"], "good.example", False),
    ],
)
def test_subtrees_hold_label_by_label(permitted: list[str], excluded: list[str], domain: str, allowed: bool) -> None:
    limits = limited([*map(dns, permitted)], [*map(dns, excluded)]).name_constraints
    assert limits is not None
    assert limits.allow_domain(domain) is allowed


@pytest.mark.req("D-PATH-1")
def test_constraints_on_other_kinds_of_names_do_not_bind_a_domain() -> None:
    other = limited([email("evil.example"), ip(bytes(8))], [uri(".bank.example"), email("bank.example")])
    assert violates_constraints("bank.example", [LEAF, other]) is None


@pytest.mark.req("D-PATH-1", "R5280-4.2.1.10-1")
def test_an_authority_whose_constraints_cannot_be_read_is_malformed() -> None:
    broken = Certificate(certificate(extensions=[extension("2.5.29.30", b"\5\0")]))
    with pytest.raises(InvalidCertificate):
        violates_constraints("bank.example", [LEAF, broken])
    without = Certificate(certificate(extensions=[extension("2.999.1", b"\6\3\x55\x1d\x1e\6\3\x55\x1d\x25")]))
    assert violates_constraints("bank.example", [LEAF, without, ROOT]) is None
    assert purpose_violation([LEAF, without, ROOT], "strict", "server") is None


def naive(domain: str, permitted: list[str], excluded: list[str]) -> bool:
    """The words of RFC 5280: the name, or the name with labels added on the left."""

    def within(tree: str) -> bool:
        return domain == tree or domain.endswith(f".{tree}")

    return (not permitted or any(map(within, permitted))) and not any(map(within, excluded))


NESTED = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(".".join)


@pytest.mark.req("D-PATH-1", "R5280-7.2-1")
@given(NESTED, st.lists(NESTED, max_size=3), st.lists(NESTED, max_size=3))
def test_subtrees_hold_as_the_words_of_the_standard_say(domain: str, permitted: list[str], excluded: list[str]) -> None:
    expected = naive(domain, permitted, excluded)
    path = [LEAF, limited([*map(dns, permitted)], [*map(dns, excluded)]) if permitted or excluded else ROOT]
    assert (violates_constraints(domain, path) is None) is expected


# Bounded work.


def test_many_names_under_many_constraints_take_bounded_time() -> None:
    many = cert(*[uri(f"sip:host-{n}.example.com") for n in range(10_000)])
    strict = limited([dns(f"{n}.example.com") for n in range(5_000)], [dns(f"{n}.example.net") for n in range(5_000)])
    begun = process_time()
    found = sip_identities(many)
    assert len(found) == 10_000
    assert all(violates_constraints(each.domain, [many, strict]) is strict for each in found)
    assert matches_domain("example.com", found) is None
    assert len(compare_names(many, "example.com")) == 100
    assert len(host_names(many)) == 10_000
    assert process_time() - begun < 5
