"""Each name of a certificate held against each reference: whether it matches, and why (RFC 5922 7, 9525 6, 4985)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import certificate, common_name, constraints, der, dns, email, ip, oid, other_name, uri
from judging import CA, LEAF, ROOT, Made, ca, made
from siptls import Certificate, Comparison, InvalidCertificate, InvalidName, Limits, Policy, compare_names
from siptls.certificate import TooManyNames
from siptls.comparison import REASONS, shown
from siptls.general_name import GeneralName, srv_name
from siptls.identity import host_names, sip_identities
from siptls.references import References

DOMAIN, HOST = "example.com", "sip1.host.example"
DEFAULT = Policy()
ON_SRV = "1.3.6.1.5.5.7.8.7"


def srv(text: str | bytes, *, tag: int = 0x16, behind: bytes = b"") -> bytes:
    """An SRVName (RFC 4985 section 2)."""
    return other_name(ON_SRV, der(tag, text.encode() if isinstance(text, str) else text) + behind)


def cert(*names: bytes, cn: str | None = None) -> Certificate:
    return Certificate(certificate(names=names, subject=common_name(*([] if cn is None else [cn]))))


def only(certificate: Certificate) -> GeneralName:
    names = certificate.names
    assert names is not None
    (name,) = names
    return name


def compared(*names: bytes, cn: str | None = None, host: str = "", policy: Policy = DEFAULT) -> list[tuple[bool, str]]:
    """Whether each name matches the domain, or the host instead of it, and why."""
    references = References(DOMAIN, (host,), False, host) if host else References(DOMAIN, (), True, DOMAIN)
    return [(each.matches, each.reason) for each in references.compare([cert(*names, cn=cn)], policy)]


def reasons(*names: bytes, cn: str | None = None, host: str = "", policy: Policy = DEFAULT) -> list[str]:
    """The reasons of names none of which matches."""
    told = compared(*names, cn=cn, host=host, policy=policy)
    assert not any(matches for matches, _ in told)
    return [reason for _, reason in told]


class TestReasons:
    @pytest.mark.req("R5922-7.1-4", "R5922-7.1-5", "R5922-7.1-6", "T-N01", "T-N02", "T-N07", "T-N08", "T-N09", "A-25")
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            (uri("sip:other.example"), "different name"),
            (uri("sip:alice@example.com"), "has a user part"),
            (uri("sips:example.com"), "scheme is not sip"),
            (uri("im:example.com"), "scheme is not sip"),
            (uri("example.com"), "scheme is not sip"),
            (uri("sip:192.0.2.1"), "IP address"),
            (uri("sip:*.example.com"), "not a valid URI"),
            (uri("sip:%65xample.com"), "not a valid URI"),
            (uri("sips:"), "not a valid URI"),
            (uri("sip:example.com\0"), "unusable characters"),
            (uri("sip:example.com\0.evil.example"), "unusable characters"),
            (uri("sip:example\u3002com"), "unusable characters"),
            (uri(b"sip:\xff"), "unusable characters"),
            (uri(""), "unusable characters"),
            (dns("other.example"), "different name"),
            (dns("*.example.com"), "wildcard"),
            (dns("ex*.com"), "not a host name"),
            (dns("192.0.2.1"), "IP address"),
            (dns(".example.com"), "not a host name"),
            (dns("example.com."), "not a host name"),
            (dns("example.com\0"), "unusable characters"),
            (dns("example\u3002com"), "unusable characters"),
            (dns(b"\xff"), "unusable characters"),
            (ip(b"\xc0\0\2\1"), "IP address"),
            (email("alice@example.com"), "not a domain"),
            (other_name("1.3.6.1.4.1.311.20.2.3", der(0x0C, b"example.com")), "not a domain"),
            (der(0xA4, common_name(DOMAIN)), "not a domain"),
            (der(0x88, oid("1.2.3")[2:]), "not a domain"),
        ],
    )
    def test_each_name_has_the_reason_why_it_does_not_match(self, name: bytes, reason: str) -> None:
        assert reasons(name) == [reason]

    @pytest.mark.req("R5922-7.1-7", "R5922-7.2-1", "R5922-7.2-2", "R5922-4-2", "A-24")
    def test_a_name_that_matches_says_so(self) -> None:
        same = [(True, "same name")]
        for text in ("sip:example.com", "SIP:Example.COM", "sip:example.com:5061;transport=tls", "SIP:EXAMPLE.COM."):
            assert compared(uri(text)) == same
        assert compared(dns("Example.com")) == same
        assert compared(dns(HOST), host=HOST) == compared(uri(f"sip:{HOST}"), host=HOST) == same
        assert compared(cn="example.com", policy=Policy(allow_cn=True)) == same

    @pytest.mark.req("R5922-7.1-9", "R5922-4-2", "A-12")
    def test_a_sip_uri_makes_dns_names_no_identities_of_a_domain_but_leaves_them_hosts(self) -> None:
        names = (uri("sip:other.example"), dns(DOMAIN))
        hidden = "not an identity: a sip URI is present"
        assert reasons(*names) == ["different name", hidden]
        assert reasons(*names[::-1]) == [hidden, "different name"]
        assert compared(*names, host=DOMAIN) == [(False, "different name"), (True, "same name")]
        assert compared(uri("sips:other.example"), dns(DOMAIN)) == [(False, "scheme is not sip"), (True, "same name")]

    @pytest.mark.req("A-11", "R9525-6.3-2", "T-N08")
    def test_wildcards_are_explained_as_the_policy_treats_them(self) -> None:
        allow = Policy(allow_wildcards=True)
        assert reasons(dns("*.host.example"), host=HOST) == ["wildcard"]
        assert compared(dns("*.host.example"), host=HOST, policy=allow) == [(True, "wildcard covers it")]
        assert reasons(dns("*.other.example"), host=HOST, policy=allow) == ["different name"]
        assert reasons(dns("*.example"), dns("*.com"), host=HOST, policy=allow) == ["different name"] * 2
        assert reasons(dns("*.com"), policy=allow) == ["wildcard"]
        assert reasons(dns("*.host.example"), host="host.example", policy=allow) == ["different name"]

    @pytest.mark.req("A-11")
    def test_where_the_host_is_the_domain_no_wildcard_covers_it(self) -> None:
        references = References("sip.example.com", ("sip.example.com",), True, "sip.example.com")
        told = references.compare([cert(dns("*.example.com"))], Policy(allow_wildcards=True))
        assert [(each.reference_kind, each.reason) for each in told] == [("domain", "wildcard"), ("host", "wildcard")]

    @pytest.mark.req("T-N05", "R5922-7.1-10", "A-10")
    @pytest.mark.parametrize(
        ("cn", "allow_cn", "reason"),
        [
            ("example.com", False, "CN not allowed by policy"),
            ("other.example", True, "different name"),
            ("Example Corp", True, "unusable characters"),
            ("example.com\0", True, "unusable characters"),
            ("example\u3002com", True, "unusable characters"),
            ("Example_Corp", True, "not a host name"),
            ("example.com.", True, "not a host name"),
            ("*.example.com", True, "wildcard"),
        ],
    )
    def test_a_common_name_has_its_reason(self, cn: str, allow_cn: bool, reason: str) -> None:
        policy = Policy(allow_cn=allow_cn)
        assert reasons(cn=cn, policy=policy) == [reason]
        ignored = "CN ignored: a SAN extension is present"
        assert reasons(email("a@example.com"), cn=cn, policy=policy) == ["not a domain", ignored]
        assert reasons(cn=cn, host=DOMAIN, policy=policy) == ["CN ignored: it never names a host"]

    @pytest.mark.req("T-N01")
    @pytest.mark.parametrize("tag", [0x1E, 0x0C, 0x14])
    def test_a_common_name_of_another_string_type_counts_as_what_it_says(self, tag: int) -> None:
        encoding = {0x1E: "utf-16-be", 0x0C: "utf-8", 0x14: "latin-1"}[tag]
        policy = Policy(allow_cn=True)
        for text, reason in ((DOMAIN, "same name"), ("b\xfccher.example", "unusable characters")):
            read = Certificate(certificate(subject=common_name(der(tag, text.encode(encoding)))))
            assert [each.reason for each in compare_names(read, DOMAIN, policy=policy)] == [reason]

    @pytest.mark.req("R5922-7.1-10")
    def test_a_common_name_beside_another_has_its_reason(self) -> None:
        read = Certificate(certificate(subject=common_name("example.com", "other.example")))
        told = compare_names(read, DOMAIN, policy=Policy(allow_cn=True))
        assert [each.reason for each in told] == ["CN ignored: there is another"] * 2

    @pytest.mark.req("A-23", "T-N09")
    @pytest.mark.parametrize(
        ("address", "packed"), [("192.0.2.1", b"\xc0\0\2\1"), ("2001:db8::1", b"\x20\1\x0d\xb8" + bytes(11) + b"\1")]
    )
    def test_an_address_matches_an_ip_address_of_the_same_octets_by_policy(self, address: str, packed: bytes) -> None:
        literal = f"[{address}]" if ":" in address else address
        mapped = bytes(10) + b"\xff\xff\xc0\0\2\1"
        read = cert(ip(packed), ip(mapped), dns("192.0.2.1"), uri(f"sip:{literal}"), dns(DOMAIN))
        for allowed in (False, True):
            told = compare_names(read, address, policy=Policy(allow_ip_identity=allowed))
            assert {each.reference_kind for each in told} == {"address"}
            assert [(each.matches, each.reason) for each in told] == [
                (True, "same address") if allowed else (False, "IP address not allowed by policy"),
                (False, "different address"),
                *[(False, "not an iPAddress")] * 3,
            ]

    @pytest.mark.req("D-PATH-1", "T-N12")
    def test_a_name_that_an_issuer_may_not_give_does_not_match(self) -> None:
        above = Certificate(ca(extensions=[constraints(permitted=[dns("evil.example")])]).der)
        references = References(DOMAIN, (HOST,), True, HOST)
        leaf = Certificate(made(names=[uri("sip:example.com"), uri(f"sip:{HOST}"), uri("sip:x.example")]).der)
        assert [each.matches for each in references.compare([leaf], DEFAULT)][:2] == [True, False]
        told = references.compare([leaf, above, Certificate(ROOT.der)], DEFAULT)
        barred, other = "the name constraints of an issuer do not allow it", "different name"
        assert [each.reason for each in told if each.kind == "uri"] == [barred, other, other, other, barred, other]
        assert not any(each.matches for each in told)


class TestSrvNames:
    """RFC 4985: read and told, and never an identity."""

    @pytest.mark.req("R4985-2-1", "R4985-3-1")
    @pytest.mark.parametrize(
        ("text", "read"),
        [
            ("_sips.example.com", ("_sips", "example.com")),
            ("_SIP.Example.COM", ("_sip", "example.com")),
            ("_xmpp-client.xn--bcher-kva.example", ("_xmpp-client", "xn--bcher-kva.example")),
            ("_a.b", ("_a", "b")),
        ],
    )
    def test_a_service_and_a_domain_are_read(self, text: str, read: tuple[str, str]) -> None:
        name = only(cert(srv(text)))
        assert srv_name(name) == read
        assert shown(name) == ("srv", ".".join(read))

    @pytest.mark.req("R4985-2-1", "R4985-3-1", "T-N01")
    @pytest.mark.parametrize(
        "name",
        [
            srv("_sips._tcp.example.com"),  # no label for the protocol
            srv("sips.example.com"),
            srv("_.example.com"),
            srv("_-sips.example.com"),
            srv("_sips"),
            srv("_sips."),
            srv("_sips.example.com."),
            srv("_sips.*.example.com"),
            srv("_sips.192.0.2.1"),
            srv("_sips.example.com\0.evil.example"),
            srv("_sips\0.example.com"),
            srv("_si ps.example.com"),
            srv("_sips.b\xfccher.example"),
            srv(b"_sips.b\xfccher.example"),
            srv(""),
            srv("_sips.example.com", tag=0x0C),
            srv("_sips.example.com", tag=0x1E),
        ],
    )
    def test_what_is_no_srv_name_is_told_as_such_and_shown_as_octets(self, name: bytes) -> None:
        read = only(cert(name))
        assert srv_name(read) is None
        assert shown(read)[0] == f"other:{ON_SRV}"
        assert reasons(name) == ["not a valid SRVName"]

    def test_other_names_are_none(self) -> None:
        assert srv_name(GeneralName("dns", "_sips.example.com")) is None
        assert srv_name(GeneralName("other:1.2.3", der(0x16, b"_sips.example.com"))) is None
        assert srv_name(GeneralName(f"other:{ON_SRV}", "_sips.example.com")) is None

    @pytest.mark.req("R4985-2-2", "R4985-3-1", "R5922-7.1-4")
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("_sips.example.com", "an SRVName for this domain, which is no SIP identity"),
            ("_sip.EXAMPLE.com", "an SRVName for this domain, which is no SIP identity"),
            ("_sips.sub.example.com", "an SRVName for another name"),
            ("_sips.com", "an SRVName for another name"),
            ("_sips.badexample.com", "an SRVName for another name"),
            ("_imap.example.com", "an SRVName for another name"),
        ],
    )
    def test_it_is_compared_whole_and_never_matches(self, text: str, reason: str) -> None:
        read = cert(srv(text), cn=DOMAIN)
        for policy in (DEFAULT, Policy(allow_cn=True, allow_wildcards=True)):
            told = compare_names(read, DOMAIN, hosts=[HOST], policy=policy)
            assert not any(each.matches for each in told)
            assert (told[0].kind, told[0].reason) == ("srv", reason)
        assert sip_identities(read, allow_cn=True) == ()
        assert host_names(read) == ()

    @pytest.mark.req("R4985-3-1")
    def test_an_internationalised_name_is_compared_as_a_labels(self) -> None:
        read = cert(srv("_sips.xn--bcher-kva.example"))
        (told,) = compare_names(read, "xn--bcher-kva.example")
        assert told.reason == "an SRVName for this domain, which is no SIP identity"


class TestEveryPair:
    @pytest.mark.req("R5922-7.1-11", "R9525-6.6-1")
    def test_each_name_is_told_with_each_reference_by_its_own_rules(self) -> None:
        read = cert(uri("sip:example.com"), dns(HOST), cn="x")
        told = compare_names(read, "Example.COM.", hosts=["SIP1.host.example"])
        assert [(each.reference, each.reference_kind, each.kind, each.text, each.matches) for each in told] == [
            (DOMAIN, "domain", "uri", "sip:example.com", True),
            (DOMAIN, "domain", "dns", HOST, False),
            (DOMAIN, "domain", "cn", "x", False),
            (HOST, "host", "uri", "sip:example.com", False),
            (HOST, "host", "dns", HOST, True),
            (HOST, "host", "cn", "x", False),
        ]

    @pytest.mark.req("A-19")
    def test_with_require_target_name_the_domain_is_no_reference_beside_a_host(self) -> None:
        policy = Policy(require_target_name=True)
        read = cert(uri("sip:example.com"), dns(HOST))
        assert {each.reference for each in compare_names(read, DOMAIN, hosts=[HOST], policy=policy)} == {HOST}
        assert {each.reference for each in compare_names(read, DOMAIN, policy=policy)} == {DOMAIN}

    @pytest.mark.req("T-N11", "R5922-7.2-3", "R9525-6.3-1")
    @pytest.mark.parametrize(
        "wrong", ["", ".", "*", "*.example.com", "a b", "a..b", "b\xfccher.example", "sip:a.example"]
    )
    def test_what_is_no_name_to_look_for_is_refused(self, wrong: str) -> None:
        with pytest.raises(InvalidName) as caught:
            compare_names(cert(dns(DOMAIN)), wrong)
        assert ("A-labels" in caught.value.expected) is not wrong.isascii()
        with pytest.raises(InvalidName):
            compare_names(cert(dns(DOMAIN)), DOMAIN, hosts=[HOST, wrong])

    def test_an_address_is_no_host(self) -> None:
        with pytest.raises(InvalidName):
            compare_names(cert(dns(DOMAIN)), DOMAIN, hosts=["192.0.2.1"])

    def test_what_the_names_say_is_fit_for_a_terminal(self) -> None:
        read = cert(
            dns("plain.example"),
            dns("red\x1b[31m\0"),
            dns(b"\xff\xfe"),
            dns("a" * 300),
            ip(b"\xc0\0\2\1"),
            ip(b"\x20\1\x0d\xb8" + bytes(11) + b"\1"),
            uri("\0" * 300),
            other_name("1.2.3", der(4, bytes(300))),
            cn="b\xfccher\u202e",
        )
        told = compare_names(read, DOMAIN)
        texts = [each.text for each in told]
        assert all(text.isascii() and text.isprintable() and len(text) <= 258 for text in texts)
        assert texts[:3] == ["plain.example", "red\\x1b[31m\\x00", "fffe"]
        assert texts[3] == "a" * 255 + "..."
        assert texts[4:6] == ["192.0.2.1", "2001:db8:0:0:0:0:0:1"]
        assert texts[6].endswith("...")
        assert told[7].kind == "other:1.2.3"
        assert texts[7].endswith("...")
        assert texts[8] == "b\\xfccher\\u202e"
        assert str(told[0]) == "dns plain.example: different name"
        assert repr(told[0]) == "<Comparison with domain example.com: dns plain.example: different name>"

    def test_a_comparison_can_be_written_as_json(self) -> None:
        assert Comparison(DOMAIN, "domain", "dns", DOMAIN, "same name").to_dict() == {
            "reference": DOMAIN,
            "reference_kind": "domain",
            "kind": "dns",
            "text": DOMAIN,
            "matches": True,
            "reason": "same name",
            "rule": "RFC 5922 section 7.2",
        }

    def test_only_the_first_names_are_told_and_those_that_match(self) -> None:
        read = cert(*[dns(f"{n}.example") for n in range(300)], dns(DOMAIN), cn="x")
        told = compare_names(read, DOMAIN, hosts=[HOST])
        assert len(told) == 201
        assert told[100].matches
        references = References(DOMAIN, (), True, DOMAIN)
        assert len(references.compare([read], DEFAULT, limit=0)) == 1
        assert len(references.compare([read], DEFAULT, limit=1_000)) == 302

    def test_the_time_grows_with_the_names_and_no_faster(self) -> None:
        subject = common_name(*[f"{n}.example" for n in range(5_000)])
        read = Certificate(certificate(subject=subject))
        begun = process_time()
        assert len(compare_names(read, DOMAIN, policy=Policy(allow_cn=True))) == 100
        many = cert(*[uri(f"sip:a@{n}.example") for n in range(10_000)])
        assert len(compare_names(many, DOMAIN, hosts=[HOST])) == 200
        assert process_time() - begun < 20

    def test_more_names_than_the_policy_wants_to_look_at_are_refused(self) -> None:
        read = cert(*[dns(f"{n}.example") for n in range(11)])
        with pytest.raises(TooManyNames):
            compare_names(read, DOMAIN, policy=Policy(limits=Limits(sans=10)))
        assert len(compare_names(read, DOMAIN, policy=Policy(limits=Limits(sans=11)))) == 11

    def test_a_malformed_certificate_is_refused(self) -> None:
        with pytest.raises(InvalidCertificate):
            compare_names(Certificate(LEAF.der[:-1]), DOMAIN)


def test_the_reference_lists_every_reason_with_its_rule() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    _, _, section = page.partition("## siptls.comparison\n")
    section, _, _ = section.partition("\n## ")
    assert dict(re.findall(r"^\| `([^`]+)` \| (.+?) \|", section, re.MULTILINE)) == REASONS


def test_every_reason_is_one_that_some_name_has() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [reason for reason in REASONS if f'"{reason}"' not in source] == []


NAMES = st.sampled_from(
    [
        uri("sip:example.com"),
        uri("sip:other.example"),
        uri(f"sip:{HOST}"),
        uri("sips:example.com"),
        uri("sip:a@example.com"),
        dns(DOMAIN),
        dns(HOST),
        dns("*.host.example"),
        dns("other.example"),
        ip(b"\xc0\0\2\1"),
        srv("_sips.example.com"),
        email("a@example.com"),
    ]
)
ABOVE = [
    CA,
    ca(extensions=[constraints(permitted=[dns(DOMAIN)])]),
    ca(extensions=[constraints(excluded=[dns(DOMAIN)])]),
]


@pytest.mark.req("D-REF", "D-REF-1", "D-REF-2", "R9525-6.6-2", "D-PATH-1")
@given(
    names=st.lists(NAMES, max_size=5),
    cn=st.sampled_from(["nobody", DOMAIN, HOST]),
    domain=st.sampled_from([DOMAIN, "192.0.2.1"]),
    hosts=st.sampled_from([(), (HOST,), (DOMAIN,), (HOST, DOMAIN)]),
    flags=st.tuples(*[st.booleans()] * 4),
    above=st.sampled_from(ABOVE),
)
def test_some_pair_matches_exactly_if_the_certificate_is_found_to_name_the_peer(
    names: Sequence[bytes],
    cn: str,
    domain: str,
    hosts: tuple[str, ...],
    flags: tuple[bool, bool, bool, bool],
    above: Made,
) -> None:
    allow_cn, allow_wildcards, allow_ip_identity, domain_counts = flags
    policy = Policy(allow_cn=allow_cn, allow_wildcards=allow_wildcards, allow_ip_identity=allow_ip_identity)
    references = References(domain, hosts, domain_counts or not hosts, HOST)
    path = [cert(*names, cn=cn), Certificate(above.der), Certificate(ROOT.der)]
    pairs = references.compare(path, policy)
    assert {each.reason for each in pairs} <= set(REASONS)
    assert any(each.matches for each in pairs) is bool(references.check(path, policy).identities)
