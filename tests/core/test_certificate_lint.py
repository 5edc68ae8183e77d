"""What peers would miss in our own certificate, or hold against it (RFC 5922, 5924, 7673, 5280)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import (
    ANY_EKU,
    CLIENT_AUTH,
    EMAIL_PROTECTION,
    KEY_USAGE,
    SERVER_AUTH,
    SIP_DOMAIN,
    SUBJECT_ALT_NAME,
    bit_string,
    certificate,
    common_name,
    dns,
    email,
    extension,
    ip,
    sequence,
    uri,
)
from judging import CA, DOMAIN, ROOT, Court, made, valid_between
from siptls import Certificate, InvalidCertificate, InvalidName, InvalidUri, LocalProtocolError, Policy, SipUri, Step
from siptls.certificate_lint import Role, lint, record_route_fault, subject_alt_name
from siptls.codes import CATALOGUE
from world import AT, INSECURE

HOST = "sip1.host.example"
GOOD = (uri(f"sip:{DOMAIN}"), dns(DOMAIN), dns(HOST))


def found(
    names: Sequence[bytes] = GOOD,
    *,
    eku: Sequence[str] = (),
    extensions: Sequence[bytes] = (),
    domains: Sequence[str] = (DOMAIN,),
    hosts: Sequence[str] = (),
    role: Role = "server",
    cn: str = "Nobody in particular",
) -> dict[str, Step]:
    """The findings for a certificate, by their codes."""
    leaf = Certificate(certificate(names=names, eku=eku, extensions=extensions, subject=common_name(cn)))
    steps = lint(leaf, domains=domains, hosts=hosts, at=AT, role=role)
    return {step.code: step for step in steps}


def usage(*bits: int) -> bytes:
    """A keyUsage extension with these bits, counted as in RFC 5280 section 4.2.1.3."""
    octet = sum(0x80 >> bit for bit in bits)
    unused = 7 - max(bits, default=7)
    return extension(KEY_USAGE, bit_string(bytes([octet]) if bits else b"", unused if bits else 0))


class TestNames:
    @pytest.mark.req("R5922-A-1")
    def test_a_certificate_with_all_names_is_found_good(self) -> None:
        for eku in ((), (ANY_EKU,), (SIP_DOMAIN, SERVER_AUTH, CLIENT_AUTH)):
            assert found(eku=eku, hosts=[HOST], role="both") == {}
        assert found(GOOD, domains=[DOMAIN.upper() + "."], hosts=[HOST.upper()]) == {}

    @pytest.mark.req("R5922-6-1", "R5922-6-3", "R5922-A-1", "S-A-9")
    @pytest.mark.parametrize(
        ("names", "why"),
        [
            ([uri("sip:other.example")], "uri sip:other.example: different name"),
            ([uri("sip:other.example"), dns(DOMAIN)], "dns example.com: not an identity: a sip URI is present"),
            ([dns(HOST)], f"dns {HOST}: different name"),
            ([dns(f"sub.{DOMAIN}")], "dns sub.example.com: different name"),
        ],
    )
    def test_a_served_domain_that_is_no_identity_is_told_with_what_stands_there_instead(
        self, names: Sequence[bytes], why: str
    ) -> None:
        step = found(names)["cert.domain-missing"]
        assert step.severity == "error"
        assert step.found.startswith("example.com: ")
        assert why in step.found
        assert step.expected == "subjectAltName = URI:sip:example.com, DNS:example.com"

    @pytest.mark.req("R5922-6-1", "R5922-6-3", "S-A-9")
    def test_each_served_domain_is_looked_for(self) -> None:
        leaf = Certificate(certificate(names=[uri("sip:a.example"), uri("sip:b.example")]))
        steps = lint(leaf, domains=["a.example", "c.example", "b.example", "d.example"], at=AT)
        missing = [step.found.partition(":")[0] for step in steps if step.code == "cert.domain-missing"]
        assert missing == ["c.example", "d.example"]

    @pytest.mark.req("R5922-6-2", "A-10", "S-A-3")
    def test_a_domain_that_stands_only_in_the_common_name_is_told(self) -> None:
        assert set(found([], cn=DOMAIN)) == {"id.cn-only"}
        assert "CN ignored" in found([uri("sip:other.example")], cn=DOMAIN)["id.cn-only"].found
        assert set(found(GOOD, cn=DOMAIN)) == set()
        assert set(found([], cn="other.example")) == {"cert.no-identities"}
        both = found([], cn=DOMAIN, domains=[DOMAIN, "b.example"])
        assert set(both) == {"id.cn-only", "cert.domain-missing"}

    def test_a_common_name_that_is_no_text_is_no_name(self) -> None:
        leaf = Certificate(certificate(names=[dns(DOMAIN)], subject=common_name(b"\x04\x01a")))
        assert [step.code for step in lint(leaf, domains=[HOST], at=AT)] == ["cert.domain-missing"]

    @pytest.mark.req("R5922-4-2")
    def test_a_domain_without_a_sip_uri_is_worth_a_note(self) -> None:
        step = found([dns(DOMAIN), dns(HOST)])["cert.dns-only"]
        assert (step.severity, step.expected, step.found) == ("note", "URI:sip:example.com", "example.com")
        assert "cert.dns-only" not in found([uri(f"sip:{DOMAIN}")])
        assert "cert.dns-only" not in found([dns(DOMAIN)], domains=())

    @pytest.mark.req("R5922-7.2-5", "S-A-10")
    def test_a_wildcard_is_told_and_missed_where_a_domain_leans_on_it(self) -> None:
        leaning = found([dns("*.example.com")], domains=["sip.example.com"])
        assert set(leaning) == {"id.wildcard", "cert.wildcard"}
        assert leaning["cert.wildcard"].found == "*.example.com"
        assert set(found([*GOOD, dns("*.host.example")])) == {"cert.wildcard"}
        assert set(found([dns("*.com")], domains=["a.b.com"])) == {"cert.domain-missing", "cert.wildcard"}

    @pytest.mark.req("R5922-7.1-5", "R5922-7.1-6")
    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("sips:example.com", "scheme is not sip"),
            ("SIPS:example.com", "scheme is not sip"),
            ("sip:alice@example.com", "has a user part"),
            ("sip:192.0.2.1", "IP address"),
            ("sip:*.example.com", "not a valid URI"),
            ("sip:exam ple.com", "unusable characters"),
        ],
    )
    def test_a_sip_uri_that_is_no_identity_is_told(self, name: str, why: str) -> None:
        step = found([*GOOD, uri(name)])["cert.uri-ignored"]
        assert step.found == f"{name}: {why}"
        assert step.severity == "warning"

    @pytest.mark.parametrize("name", ["https://example.com", "xmpp:a@example.com", "sip:example.com;transport=tls"])
    def test_other_uris_and_good_ones_are_no_finding(self, name: str) -> None:
        assert found([*GOOD, uri(name)]) == {}

    @pytest.mark.req("R5922-6-1")
    @pytest.mark.parametrize(
        "names", [[email("a@example.com")], [uri("sips:example.com")], [ip(b"\xc0\0\2\1")], [dns("192.0.2.1")]]
    )
    def test_a_certificate_without_any_identity_is_told_once(self, names: Sequence[bytes]) -> None:
        for domains in ((), (DOMAIN,), (DOMAIN, "b.example")):
            step = found(names, domains=domains)["cert.no-identities"]
            assert ": " in step.found
        assert "cert.domain-missing" not in found(names)
        assert found(names, domains=())["cert.no-identities"].expected == "URI:sip: and a domain"
        assert found([], domains=(), hosts=[HOST])["cert.no-identities"].expected == f"subjectAltName = DNS:{HOST}"

    @pytest.mark.req("RJOH-m-4", "S-A-23")
    def test_a_host_is_looked_for_among_all_names_but_never_in_the_common_name(self) -> None:
        assert "cert.host-missing" not in found(GOOD, hosts=[HOST])
        assert "cert.host-missing" not in found([uri(f"sip:{HOST}")], hosts=[HOST])
        step = found([uri(f"sip:{DOMAIN}")], hosts=[HOST], cn=HOST)["cert.host-missing"]
        assert step.found.startswith(f"{HOST}: ")
        assert "CN ignored" in step.found
        assert step.expected == f"subjectAltName = URI:sip:{DOMAIN}, DNS:{DOMAIN}, DNS:{HOST}"
        assert "wildcard" in found([*GOOD[:1], dns("*.host.example")], hosts=[HOST])["cert.host-missing"].found
        assert found([uri(f"sip:{DOMAIN}")], hosts=["a.example", "b.example"])["cert.host-missing"].found.startswith(
            "a.example, b.example: uri sip:example.com"
        )

    def test_of_many_names_only_some_are_shown(self) -> None:
        step = found([dns(f"*.n{number}.example") for number in range(30)])["cert.wildcard"]
        assert step.found.endswith("*.n7.example, and 22 more")

    def test_what_stands_in_the_certificate_is_shown_as_plain_text(self) -> None:
        evil = found([*GOOD, uri(b"sip:\x1b[2J")], domains=[DOMAIN])["cert.uri-ignored"]
        assert evil.found.isprintable()
        assert evil.found.isascii()


class TestPurposes:
    @pytest.mark.req("R5924-4-2")
    @pytest.mark.parametrize("eku", [(), (SERVER_AUTH,), (ANY_EKU,)])
    def test_a_certificate_for_sip_domains_alone_should_say_so(self, eku: Sequence[str]) -> None:
        only = [uri("sip:a.example"), uri(f"sip:{DOMAIN}")]
        assert found(only, eku=eku)["cert.sip-domain-purpose"].severity == "note"
        assert "cert.sip-domain-purpose" not in found(only, eku=[SIP_DOMAIN, *eku])
        for more in (dns(HOST), email("a@example.com"), uri("https://example.com"), uri("sip:a@example.com")):
            assert "cert.sip-domain-purpose" not in found([*only, more], eku=eku)
        assert "cert.sip-domain-purpose" not in found([], eku=eku, cn=DOMAIN)

    @pytest.mark.req("R5924-5-4", "A-04")
    @pytest.mark.parametrize("eku", [[SERVER_AUTH], [SERVER_AUTH, CLIENT_AUTH]])
    def test_purposes_that_rfc_5924_refuses_are_worth_a_note(self, eku: Sequence[str]) -> None:
        step = found(eku=eku)["cert.strict-purpose"]
        assert step.severity == "note"
        assert "serverAuth" in step.found
        for good in ([], [ANY_EKU], [SIP_DOMAIN], [EMAIL_PROTECTION, SIP_DOMAIN]):
            assert "cert.strict-purpose" not in found(eku=good)

    @pytest.mark.req("A-04")
    @pytest.mark.parametrize(
        ("eku", "role", "told"),
        [
            ([SERVER_AUTH], "server", set[str]()),
            ([SERVER_AUTH], "client", {"cert.client-purpose"}),
            ([SERVER_AUTH], "both", {"cert.client-purpose"}),
            ([CLIENT_AUTH], "server", {"chain.eku"}),
            ([CLIENT_AUTH], "client", set[str]()),
            ([CLIENT_AUTH], "both", {"chain.eku"}),
            ([SERVER_AUTH, CLIENT_AUTH], "both", set[str]()),
            ([EMAIL_PROTECTION], "server", {"chain.eku"}),
            ([EMAIL_PROTECTION], "client", {"chain.eku"}),
            ([SIP_DOMAIN], "both", set[str]()),
            ([ANY_EKU], "both", set[str]()),
            ([], "both", set[str]()),
        ],
    )
    def test_purposes_are_held_against_the_role(self, eku: Sequence[str], role: Role, told: set[str]) -> None:
        findings = found(eku=eku, role=role)
        assert set(findings) - {"cert.strict-purpose"} == told

    def test_an_unknown_purpose_is_shown_as_it_is(self) -> None:
        assert found(eku=["1.2.3.4"])["chain.eku"].found == "1.2.3.4"

    @pytest.mark.req("R5924-6-1")
    @pytest.mark.parametrize("names", [[uri("sips:example.com")], [uri("sip:alice@example.com")], []])
    def test_the_purpose_of_a_sip_domain_needs_a_sip_domain(self, names: Sequence[bytes]) -> None:
        assert found(names, eku=[SIP_DOMAIN])["cert.purpose-without-domain"].severity == "warning"
        assert "cert.purpose-without-domain" not in found(names, eku=[SERVER_AUTH])
        assert "cert.purpose-without-domain" not in found(GOOD, eku=[SIP_DOMAIN])

    @pytest.mark.parametrize(
        ("bits", "told"),
        [
            ([0], set[str]()),
            ([0, 2], set[str]()),
            ([2], {"cert.no-digital-signature"}),
            ([4], {"cert.no-digital-signature"}),
            ([1], {"chain.key-usage"}),
            ([5, 6], {"chain.key-usage"}),
            ([], {"chain.key-usage"}),
        ],
    )
    def test_the_key_usage_must_allow_signatures(self, bits: Sequence[int], told: set[str]) -> None:
        findings = found(extensions=[usage(*bits)])
        assert set(findings) == told
        assert all(step.expected == "digitalSignature" and step.found for step in findings.values())


class TestDatesAndForm:
    @pytest.mark.parametrize(
        ("not_before", "not_after", "told"),
        [
            ("251123", "271123", None),
            ("250101", "261223", None),
            ("250101", "261222", "cert.expires-soon"),  # 29.5 days are left
            ("261121", "261127", None),  # a certificate for six days has four and a half left
            ("261119", "261125", None),  # two and a half
            ("261117", "261123", "cert.expires-soon"),
            ("250101", "261122", "chain.expired"),
            ("261123", "271123", "chain.not-yet-valid"),
        ],
    )
    def test_dates(self, not_before: str, not_after: str, told: str | None) -> None:
        leaf = Certificate(certificate(names=GOOD, validity=valid_between(not_before, not_after)))
        steps = lint(leaf, domains=[DOMAIN], at=AT)
        assert [step.code for step in steps] == ([told] if told else [])
        assert all(f"to 20{not_after[:2]}-{not_after[2:4]}-{not_after[4:]}T00:00:00Z" in step.found for step in steps)

    def test_the_time_may_be_told_in_any_zone(self) -> None:
        leaf = Certificate(certificate(names=GOOD, validity=valid_between("260101", "261122")))
        for zone in (UTC, timezone(timedelta(hours=5))):
            (step,) = lint(leaf, domains=[DOMAIN], at=AT.astimezone(zone))
            assert step.expected == "valid at 2026-11-22T12:00:00Z"

    def test_an_empty_subject_needs_a_critical_subject_alt_name(self) -> None:
        def told(critical: bool, subject: bytes) -> list[str]:
            names = extension(SUBJECT_ALT_NAME, sequence(*GOOD), critical=critical)
            leaf = Certificate(certificate(extensions=[names], subject=subject))
            return [step.code for step in lint(leaf, domains=[DOMAIN], at=AT)]

        assert told(False, b"\x30\x00") == ["cert.subject-empty"]
        assert told(True, b"\x30\x00") == []
        assert told(False, common_name("Somebody")) == []

    @pytest.mark.parametrize("der", [b"", b"junk", certificate(names=GOOD)[:-1], certificate(names=GOOD) + b"\0"])
    def test_a_malformed_certificate_is_a_finding(self, der: bytes) -> None:
        steps = lint(Certificate(der), domains=[DOMAIN], at=AT)
        assert [step.code for step in steps][-1:] == ["cert.malformed"]

    @given(st.integers(min_value=0), st.integers(1, 255))
    def test_whatever_is_broken_in_a_certificate_is_told_as_plain_text(self, place: int, change: int) -> None:
        octets = bytearray(certificate(names=GOOD, eku=[SERVER_AUTH], extensions=[usage(0)]))
        octets[place % len(octets)] ^= change
        for step in lint(Certificate(bytes(octets)), domains=[DOMAIN], hosts=[HOST], at=AT, role="both"):
            assert (step.expected + step.found).isascii()
            assert str(step).isprintable()

    def test_findings_are_those_of_the_catalogue_at_the_certificate(self) -> None:
        steps = lint(Certificate(certificate(eku=[EMAIL_PROTECTION])), domains=[DOMAIN], hosts=[HOST], at=AT)
        assert len(steps) >= 3
        for step in steps:
            assert (step.seconds, step.hop, step.severity) == (0.0, "CERT", CATALOGUE[step.code].severity)
            assert step.fix


class TestTheCallersMistakes:
    @pytest.mark.parametrize("name", ["", "*", "*.example.com", "192.0.2.1", "b\xfccher.example", "a..b", "a, DNS:b"])
    def test_a_name_that_is_none_is_refused(self, name: str) -> None:
        leaf = Certificate(certificate(names=GOOD))
        with pytest.raises(InvalidName):
            lint(leaf, domains=[name], at=AT)
        with pytest.raises(InvalidName):
            lint(leaf, domains=[], hosts=[name], at=AT)
        with pytest.raises(InvalidName):
            subject_alt_name([name])
        with pytest.raises(InvalidName):
            subject_alt_name([], [name])

    def test_a_time_without_a_zone_is_refused(self) -> None:
        with pytest.raises(LocalProtocolError):
            lint(Certificate(certificate(names=GOOD)), domains=[DOMAIN], at=datetime(2026, 11, 22))  # noqa: DTZ001 - the mistake


class TestSubjectAltName:
    def test_it_has_the_sip_uri_and_the_dns_name_of_each_domain_and_the_name_of_each_host(self) -> None:
        assert subject_alt_name(["example.com"]) == "subjectAltName = URI:sip:example.com, DNS:example.com"
        assert (
            subject_alt_name(["Example.com", "b.example."], ["sip1.example.com", "b.example"])
            == "subjectAltName = URI:sip:example.com, URI:sip:b.example, DNS:example.com, DNS:b.example, "
            "DNS:sip1.example.com"
        )
        assert subject_alt_name([], ["h.example"]) == "subjectAltName = DNS:h.example"

    def test_nothing_to_name_is_refused(self) -> None:
        with pytest.raises(InvalidName):
            subject_alt_name([])

    @pytest.mark.req("R5922-6-1", "R5922-A-1", "RJOH-m-4")
    @given(
        st.lists(st.sampled_from(["a.example", "B.example", "c.d.example"]), min_size=1, max_size=3),
        st.lists(st.sampled_from(["h1.example", "h2.host.example", "a.example"]), max_size=3),
    )
    def test_a_certificate_with_these_names_misses_nothing(self, domains: list[str], hosts: list[str]) -> None:
        written = subject_alt_name(domains, hosts).removeprefix("subjectAltName = ").split(", ")
        names = [uri(text[4:]) if text.startswith("URI:") else dns(text[4:]) for text in written]
        assert found(names, domains=domains, hosts=hosts, role="both") == {}


class TestAgainstTheJudge:
    """What the lint says of names and purposes is what a judge says."""

    @pytest.mark.req("R5922-6-1", "R5922-6-3")
    @given(
        st.lists(
            st.sampled_from(
                [
                    uri(f"sip:{DOMAIN}"), uri(f"sips:{DOMAIN}"), uri(f"sip:a@{DOMAIN}"), uri("sip:other.example"),
                    dns(DOMAIN), dns("*.com"), dns(HOST), email("a@example.com"),
                ]
            ),
            max_size=4,
        ),
        st.lists(st.sampled_from([SERVER_AUTH, CLIENT_AUTH, SIP_DOMAIN, EMAIL_PROTECTION]), max_size=2, unique=True),
        st.sampled_from(["", DOMAIN]),
    )  # fmt: skip
    def test_an_error_is_told_exactly_where_a_client_that_knows_rfc_5922_would_reject(
        self, names: list[bytes], eku: list[str], cn: str
    ) -> None:
        leaf = made(cn or "leaf", names=names, eku=eku)
        court = Court([leaf, CA], valid=[(leaf, CA, ROOT)], target=None, delegation=INSECURE, policy=Policy())
        steps = lint(Certificate(leaf.der), domains=[DOMAIN], at=AT)
        assert any(step.severity == "error" for step in steps) is not court.verdict().accepted


class TestRecordRoute:
    @pytest.mark.req("R5922-7.5-2")
    @pytest.mark.parametrize(
        "text", ["sip:example.com;lr", "sips:EXAMPLE.com;lr", "sip:p1@example.com;lr", "sip:b.example:5071;lr"]
    )
    def test_a_host_that_is_an_identity_is_right(self, text: str) -> None:
        leaf = Certificate(certificate(names=[uri(f"sip:{DOMAIN}"), uri("sip:b.example")]))
        assert record_route_fault(text, leaf) is None
        assert record_route_fault(SipUri.parse(text), leaf) is None

    @pytest.mark.req("R5922-7.5-2")
    @pytest.mark.parametrize(
        "text",
        ["sip:192.0.2.1;lr", "sip:[2001:db8::1];lr", f"sip:{HOST};lr", "sip:sub.example.com", "sip:other.example"],
    )
    def test_an_address_or_another_host_is_a_fault(self, text: str) -> None:
        leaf = Certificate(certificate(names=GOOD))  # HOST is a DNS name beside a sip URI
        step = record_route_fault(text, leaf)
        assert step is not None
        assert (step.code, step.severity, step.expected) == ("route.not-an-identity", "warning", DOMAIN)
        assert step.found == SipUri.parse(text).host

    @pytest.mark.req("R5922-7.5-2")
    def test_neither_wildcards_nor_common_names_help(self) -> None:
        leaf = Certificate(certificate(names=[dns("*.example.com")]))
        assert record_route_fault("sip:p1.example.com;lr", leaf) is not None
        step = record_route_fault("sip:example.com", Certificate(certificate(subject=common_name(DOMAIN))))
        assert step is not None
        assert step.expected == "no names"

    def test_what_is_no_uri_or_no_certificate_is_refused(self) -> None:
        with pytest.raises(InvalidUri):
            record_route_fault("example.com", Certificate(certificate(names=GOOD)))
        with pytest.raises(InvalidCertificate):
            record_route_fault("sip:example.com", Certificate(b"junk"))
