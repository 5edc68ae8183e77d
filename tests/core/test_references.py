"""Which names of a certificate count for which reference, and the code for those that do not (D-REF, RFC 5922 7)."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import alternative_names, certificate, common_name, constraints, dns, email, extension, ip, other_name, uri
from judging import CA, DOMAIN, ROOT, TARGET, Court, Made, ca, codes, judge, made, said
from siptls import Certificate, Identity, Limits, Policy, Security
from siptls.dns import Alias
from siptls.references import Identification, References
from world import INSECURE, SECURE

HOST = TARGET
DEFAULT = Policy()


def check(references: References, names: Sequence[bytes], policy: Policy = DEFAULT, cn: str = "") -> Identification:
    """Hold the names of a leaf, and its common name, against references."""
    subject = common_name(cn) if cn else common_name("Nobody in particular")
    leaf = Certificate(certificate(names=names, subject=subject))
    return references.check([leaf, Certificate(CA.der), Certificate(ROOT.der)], policy)


RFC5922 = References(DOMAIN, (), True, HOST)
EITHER = References(DOMAIN, (HOST,), True, HOST)
TARGET_ONLY = References(DOMAIN, (HOST,), False, HOST)


class TestTheDomain:
    """D-REF row 1: the AUS domain against the identities of RFC 5922 section 7.1, exactly."""

    @pytest.mark.req("D-REF-1", "D-REF", "R5922-7.3-1", "R5922-7.3-3", "R9525-6.6-2", "S-A-1", "S-A-2", "GJ-1")
    @pytest.mark.parametrize(
        ("names", "origin"),
        [
            ([uri("sip:example.com")], "uri"),
            ([uri("SIP:EXAMPLE.com")], "uri"),
            ([uri("sip:example.com;transport=tls")], "uri"),
            ([dns("example.com")], "dns"),
            ([dns("Example.COM")], "dns"),
            ([dns("example.com"), uri("sips:other.example")], "dns"),
            ([uri("sip:alice@other.example"), dns("example.com")], "dns"),
            ([ip(b"\xc0\0\2\1"), email("a@other.example"), uri("sip:example.com")], "uri"),
            ([uri("sip:other.example"), uri("sip:example.com")], "uri"),
        ],
    )
    def test_it_is_found(self, names: Sequence[bytes], origin: str) -> None:
        found = check(RFC5922, names)
        assert found.code == "id.match"
        assert (DOMAIN, origin) in {(identity.domain, identity.origin) for identity in found.identities}

    @pytest.mark.req(
        "D-REF-1", "R5922-4-1", "R5922-7.1-5", "R5922-7.1-6", "R5922-7.1-9", "R5922-7.2-4", "R5922-7.2-5",
        "R5922-7.2-6", "R5922-7.3-1", "R5922-7.3-2", "T-N04", "T-N07", "T-N08", "GJ-3", "S-A-10", "R9525-6.5-1",
    )  # fmt: skip
    @pytest.mark.parametrize(
        ("names", "code"),
        [
            ([uri("sip:sub.example.com")], "id.mismatch"),
            ([uri("sip:com")], "id.mismatch"),
            ([uri("sip:example.com.evil.example")], "id.mismatch"),
            ([uri("sip:other.example"), dns("example.com")], "id.mismatch"),  # the sip URI hides the dNSName
            ([uri("sip:other.example"), dns("*.com")], "id.mismatch"),  # and *.com covers nothing
            ([dns("sub.example.com"), dns(".example.com")], "id.mismatch"),
            ([uri("sips:example.com")], "cert.no-identities"),
            ([uri("sip:alice@example.com")], "cert.no-identities"),
            ([uri("https://example.com"), uri("xmpp:example.com")], "cert.no-identities"),
            ([email("alice@example.com")], "cert.no-identities"),
            ([other_name("1.3.6.1.5.5.7.8.7", b"\x16\x10_sip.example.com")], "cert.no-identities"),
            ([ip(b"\xc0\0\2\1")], "cert.no-identities"),
            ([dns("example.com\0.evil.example")], "cert.no-identities"),
            ([], "cert.no-identities"),
        ],
    )
    def test_it_is_not_found(self, names: Sequence[bytes], code: str) -> None:
        found = check(RFC5922, names)
        assert found.code == code
        assert found.identities == ()
        assert [note[0] for note in found.notes] == [code]

    @pytest.mark.req("R5922-7.2-5", "A-11", "R7671-10.2-3", "T-N08", "S-A-10")
    @pytest.mark.parametrize("references", [RFC5922, EITHER])
    @pytest.mark.parametrize("allow", [False, True])
    def test_a_wildcard_never_stands_for_it(self, references: References, allow: bool) -> None:
        wild = References("sip.example.com", references.hosts, True, HOST)
        found = check(wild, [dns("*.example.com")], Policy(allow_wildcards=allow))
        assert found.code == "id.wildcard"
        assert found.identities == ()

    @pytest.mark.req("R5922-7.2-5", "A-11")
    def test_not_even_where_the_domain_is_its_own_host(self) -> None:
        host = References("sip.example.com", ("sip.example.com",), True, "sip.example.com")
        assert check(host, [dns("*.example.com")], Policy(allow_wildcards=True)).code == "id.wildcard"

    @pytest.mark.req("R5922-7.1-12", "A-16", "R5922-7.1-11", "R5922-7.8-1", "S-A-9")
    def test_all_identities_of_the_certificate_come_with_the_match(self) -> None:
        found = check(RFC5922, [uri("sip:a.example"), uri("sip:example.com"), uri("sip:b.example"), dns("c.example")])
        assert {identity.domain for identity in found.identities} == {"a.example", DOMAIN, "b.example"}


class TestTheCommonName:
    @pytest.mark.req("A-10", "R5922-7.1-10", "R9525-A-1", "GJ-2", "S-A-3")
    def test_it_counts_only_where_the_policy_allows_it_and_is_named_then(self) -> None:
        assert check(RFC5922, [], cn=DOMAIN).code == "id.cn-only"
        found = check(RFC5922, [], Policy(allow_cn=True), cn=DOMAIN)
        assert found.code == "id.match"
        assert found.identities == (Identity(DOMAIN, "cn"),)
        assert ("policy.relaxed", "allow_cn") in found.notes

    @pytest.mark.req("A-10", "R5922-7.1-10", "T-N04", "T-N05", "GJ-2", "S-A-3")
    @pytest.mark.parametrize("names", [[email("a@example.com")], [uri("sip:other.example")], [dns("other.example")]])
    def test_it_never_counts_beside_a_subject_alternative_name(self, names: Sequence[bytes]) -> None:
        assert check(RFC5922, names, Policy(allow_cn=True), cn=DOMAIN).code == "id.cn-only"

    @pytest.mark.req("A-10", "R5922-7.1-9")
    def test_where_a_hidden_dns_name_says_the_same_it_is_not_told_as_the_only_one(self) -> None:
        assert check(RFC5922, [uri("sip:other.example"), dns(DOMAIN)], cn=DOMAIN).code == "id.mismatch"
        assert check(RFC5922, [uri("sip:other.example"), dns("x.example")], cn=DOMAIN).code == "id.cn-only"

    @pytest.mark.req("A-10", "R5922-7.2-5")
    def test_a_wildcard_in_it_never_counts(self) -> None:
        wild = References("sip.example.com", (), True, HOST)
        assert not check(wild, [], Policy(allow_cn=True, allow_wildcards=True), cn="*.example.com").identities

    @pytest.mark.req("R5922-7.3-2")
    def test_another_name_in_it_is_a_mismatch_where_it_counts_and_no_identity_where_it_does_not(self) -> None:
        assert check(RFC5922, [], Policy(allow_cn=True), cn="other.example").code == "id.mismatch"
        assert check(RFC5922, [], cn="other.example").code == "cert.no-identities"

    @pytest.mark.req("A-10")
    def test_it_never_names_a_target_host(self) -> None:
        found = check(EITHER, [], Policy(allow_cn=True), cn=HOST)
        assert found.identities == ()
        assert found.code == "id.cn-only"

    @pytest.mark.req("R5922-7.1-10")
    def test_a_certificate_that_the_relaxed_rule_did_not_need_names_no_relaxation(self) -> None:
        found = check(RFC5922, [uri("sip:example.com")], Policy(allow_cn=True), cn=DOMAIN)
        assert [code for code, _ in found.notes] == ["id.match"]


class TestTheTargetHost:
    """D-REF row 2: a host that a SECURE delegation names, against every dNSName and the host of every sip URI."""

    @pytest.mark.req("D-REF-2", "D-REF", "R7673-4.1-3", "R7673-4.1-5", "A-12", "A-19", "A-36", "S-A-12", "S-A-16")
    @pytest.mark.parametrize(
        ("names", "origin"),
        [
            ([dns(HOST)], "dns"),
            ([dns(HOST.upper())], "dns"),
            ([uri("sip:other.example"), dns(HOST)], "dns"),  # a sip URI hides dNSNames from the domain only
            ([uri(f"sip:{HOST}")], "uri"),
            ([uri("sip:other.example"), uri(f"sip:{HOST}")], "uri"),
        ],
    )
    def test_it_is_found(self, names: Sequence[bytes], origin: str) -> None:
        found = check(EITHER, names)
        assert found.code == "id.match-target"
        assert found.identities[0] == Identity(DOMAIN, "delegation")
        assert found.notes == (("id.match-target", (HOST, f"{origin} {HOST}")),)

    @pytest.mark.req("D-REF-2", "R7673-4.1-5")
    @pytest.mark.parametrize(
        "names",
        [
            [dns("host.example")],
            [dns(f"x.{HOST}")],
            [uri(f"sips:{HOST}")],
            [uri(f"sip:bob@{HOST}")],
            [email(f"a@{HOST}")],
            [dns("*.host.example")],
            [],
        ],
    )
    def test_it_is_not_found(self, names: Sequence[bytes]) -> None:
        assert check(EITHER, names).identities == ()

    @pytest.mark.req("A-19", "R7673-4.1-3", "D-REF-2")
    def test_the_domain_suffices_as_well(self) -> None:
        assert check(EITHER, [uri("sip:example.com")]).code == "id.match"
        assert check(EITHER, [dns(DOMAIN)]).code == "id.match"

    @pytest.mark.req("A-19", "RJOH-m-3", "S-A-23")
    def test_require_target_name_takes_the_host_only(self) -> None:
        assert check(TARGET_ONLY, [dns(HOST)]).code == "id.match-target"
        assert check(TARGET_ONLY, [uri("sip:example.com"), dns(HOST)]).code == "id.match-target"
        assert check(TARGET_ONLY, [uri("sip:example.com")]).code == "id.target-name"
        assert check(TARGET_ONLY, [dns(DOMAIN)]).code == "id.target-name"
        assert check(TARGET_ONLY, [dns("other.example")]).code == "id.mismatch"
        assert check(TARGET_ONLY, [uri("sip:example.com")], cn=HOST).code == "id.target-name"

    @pytest.mark.req("R5922-7.3-1", "R7673-4.1-2", "T-S01", "S-B-7", "A-01")
    def test_without_a_secure_delegation_it_proves_nothing_and_the_code_says_so(self) -> None:
        assert check(RFC5922, [dns(HOST)]).code == "id.srv-target-only"
        assert check(RFC5922, [uri(f"sip:{HOST}")]).code == "id.srv-target-only"
        assert check(RFC5922, [dns("other.example")]).code == "id.mismatch"

    @pytest.mark.req("A-11", "R9525-6.3-2", "T-N08")
    @pytest.mark.parametrize(
        ("name", "covers"),
        [
            ("*.host.example", True),
            ("*.HOST.example", True),
            ("*.example", False),  # stands for one label, not two
            ("*1.host.example", False),
            ("s*.host.example", False),
            ("sip1.*.example", False),
            ("*", False),
            ("*.*.example", False),
            ("*.sip1.host.example", False),
        ],
    )
    def test_a_wildcard_covers_it_only_where_the_policy_allows_it(self, name: str, covers: bool) -> None:
        assert not check(EITHER, [dns(name)]).identities
        found = check(EITHER, [dns(name)], Policy(allow_wildcards=True))
        assert bool(found.identities) is covers
        assert (("policy.relaxed", "allow_wildcards") in found.notes) is covers
        assert Identity(DOMAIN, "uri") not in found.identities

    @pytest.mark.req("A-11")
    def test_a_wildcard_that_would_cover_it_has_its_own_code(self) -> None:
        assert check(EITHER, [dns("*.host.example")]).code == "id.wildcard"
        assert check(EITHER, [uri("sip:*.host.example")], Policy(allow_wildcards=True)).identities == ()

    @pytest.mark.req("A-11")
    def test_an_exact_name_needs_no_relaxation(self) -> None:
        found = check(EITHER, [dns("*.host.example"), dns(HOST)], Policy(allow_wildcards=True))
        assert [code for code, _ in found.notes] == ["id.match-target"]


class TestTheBaseDomain:
    """D-REF row 3: the TLSA base domain, the AUS domain, and the canonical name of the AUS domain."""

    @pytest.mark.req("D-REF-3", "R7671-10.2-2", "R7671-7-3", "R7672-3.2.2-1", "D-SEC-8")
    @pytest.mark.parametrize(
        ("names", "accepted"),
        [
            ([dns(DOMAIN)], True),
            ([uri("sip:unrelated.example"), dns("canonical.example")], True),
            ([uri("sip:unrelated.example"), dns(DOMAIN)], False),
        ],
    )
    def test_the_base_counts_as_a_host_and_the_domain_as_a_sip_domain(self, names: list[bytes], accepted: bool) -> None:
        aliases = (
            Alias(DOMAIN, "middle.example", SECURE, 300),
            Alias("middle.example", "canonical.example", SECURE, 300),
        )
        leaf = made(names=names)
        court = Court([leaf, CA], [CA.record(2, 0, 1)], [(leaf, CA, ROOT)], target=None, aliases=aliases)
        assert court.verdict().accepted is accepted

    @pytest.mark.req("D-REF-3", "R7672-2.2.3-2")
    def test_names_in_the_middle_of_an_alias_chain_are_none(self) -> None:
        aliases = (
            Alias(DOMAIN, "middle.example", SECURE, 300),
            Alias("middle.example", "canonical.example", SECURE, 300),
        )
        leaf = made(names=[dns("middle.example")])
        court = Court([leaf, CA], [CA.record(2, 0, 1)], [(leaf, CA, ROOT)], target=None, aliases=aliases)
        assert court.verdict().code == "id.mismatch"

    @pytest.mark.req("R7671-7-4", "T-D11", "R7672-2.1.3-1")
    @pytest.mark.parametrize("insecure_step", [0, 1])
    def test_one_insecure_step_takes_the_canonical_name_away(self, insecure_step: int) -> None:
        levels = [INSECURE if step == insecure_step else SECURE for step in range(2)]
        aliases = (
            Alias(DOMAIN, "middle.example", levels[0], 300),
            Alias("middle.example", "canonical.example", levels[1], 300),
        )
        leaf = made(names=[dns("canonical.example")])
        court = Court([leaf, CA], [CA.record(2, 0, 1)], [(leaf, CA, ROOT)], target=None, aliases=aliases)
        assert court.verdict().code == "id.mismatch"

    @pytest.mark.req("R7671-7-4")
    def test_steps_that_do_not_begin_at_the_host_prove_no_canonical_name(self) -> None:
        aliases = (Alias("elsewhere.example", "canonical.example", SECURE, 300),)
        leaf = made(names=[dns("canonical.example")])
        court = Court([leaf, CA], [CA.record(2, 0, 1)], [(leaf, CA, ROOT)], target=None, aliases=aliases)
        assert court.verdict().code == "id.mismatch"

    @pytest.mark.req("D-REF-2", "D-REF-1")
    @pytest.mark.parametrize("target", [TARGET, None])
    def test_without_tlsa_records_the_canonical_name_is_no_reference(self, target: str | None) -> None:
        aliases = (Alias(target or DOMAIN, "canonical.example", SECURE, 300),)
        leaf = made(names=[dns("canonical.example")])
        court = Court([leaf, CA], (), [(leaf, CA, ROOT)], target=target, aliases=aliases)
        assert court.verdict().code == "id.mismatch"

    @pytest.mark.req("D-REF-1", "D-STATE-2", "R9525-6.1-2", "R7673-4.1-2")
    def test_under_an_insecure_delegation_neither_target_nor_canonical_name_count(self) -> None:
        aliases = (Alias(TARGET, "canonical.example", SECURE, 300),)
        for name, code in ((TARGET, "id.srv-target-only"), ("canonical.example", "id.mismatch")):
            leaf = made(names=[dns(name)])
            court = Court([leaf, CA], [CA.record(2, 0, 1)], [(leaf, CA, ROOT)], aliases=aliases)
            court.delegation = Security.INSECURE
            assert court.verdict().code == code


class TestAddresses:
    V6 = "2001:db8::1"
    PACKED = bytes.fromhex("20010db8000000000000000000000001")

    @pytest.mark.req("A-23", "D-SEC-9", "T-N09", "GJ-9", "R9525-6.2-1", "R7672-2.2-1")
    @pytest.mark.parametrize("domain", ["192.0.2.1", V6])
    def test_a_uri_that_names_an_address_matches_nothing_by_default(self, domain: str) -> None:
        names = [ip(b"\xc0\0\2\1"), ip(self.PACKED), dns("192.0.2.1"), uri("sip:192.0.2.1"), uri(f"sip:[{self.V6}]")]
        found = check(References(domain, (), True, domain), names, cn=domain)
        assert found.code == "uri.ip-literal"
        assert found.identities == ()

    @pytest.mark.req("A-23", "T-N09", "GJ-9")
    @pytest.mark.parametrize(
        ("domain", "packed"),
        [("192.0.2.1", b"\xc0\0\2\1"), (V6, PACKED), ("2001:DB8:0::0:1", PACKED)],
    )
    def test_with_allow_ip_identity_an_ip_address_of_exactly_these_octets_does(
        self, domain: str, packed: bytes
    ) -> None:
        references, policy = References(domain, (), True, domain), Policy(allow_ip_identity=True)
        found = check(references, [ip(packed)], policy)
        assert found.code == "id.match"
        assert found.identities == (Identity(domain, "ip"),)
        assert ("policy.relaxed", "allow_ip_identity") in found.notes
        for names in ([dns(domain)], [uri("sip:192.0.2.1")], [ip(bytes(4))], [ip(bytes(10) + b"\xff\xff\xc0\0\2\1")]):
            assert check(references, names, policy, cn=domain).code == "uri.ip-literal"

    @pytest.mark.req("A-23")
    def test_allow_ip_identity_gives_a_domain_nothing(self) -> None:
        assert check(RFC5922, [ip(b"\xc0\0\2\1")], Policy(allow_ip_identity=True)).code == "cert.no-identities"

    @pytest.mark.req("D-SEC-9", "R7672-2.2-1")
    def test_dane_never_applies_to_an_address(self) -> None:
        leaf = made(names=[ip(b"\xc0\0\2\1")])
        verdict = judge([leaf], leaf.record(3, 1, 1), domain="192.0.2.1", target=None)
        assert said(verdict) == ("REJECTED", "none", "chain.unknown-ca")
        policy = Policy(allow_ip_identity=True)
        verdict = judge([leaf, CA], domain="192.0.2.1", target=None, policy=policy, valid=[(leaf, CA, ROOT)])
        assert said(verdict) == ("ACCEPTED", "pkix", "id.match")


class TestNameConstraints:
    """D-PATH-1: an authority that is limited to some dNSNames cannot speak for others by a sip URI or a common name."""

    @pytest.mark.req("D-PATH-1", "T-N12")
    @pytest.mark.parametrize(
        ("above", "permitted"),
        [
            (ca(extensions=[constraints(permitted=[dns("evil.example")])]), False),
            (ca(extensions=[constraints(permitted=[dns("evil.example"), dns(DOMAIN)])]), True),
            (ca(extensions=[constraints(permitted=[dns("com")])]), True),
            (ca(extensions=[constraints(permitted=[dns(f".{DOMAIN}")])]), False),
            (ca(extensions=[constraints(excluded=[dns(DOMAIN)])]), False),
            (ca(extensions=[constraints(excluded=[dns("com")])]), False),
            (ca(extensions=[constraints(excluded=[dns("evil.example")])]), True),
            (ca(extensions=[constraints(permitted=[email("example.com")])]), True),
            (ca(), True),
        ],
    )
    @pytest.mark.parametrize("beside", [(), (dns("evil.example"),)])
    @pytest.mark.parametrize("at_root", [False, True])
    def test_a_sip_uri_must_be_within_them(
        self, above: Made, permitted: bool, beside: tuple[bytes, ...], at_root: bool
    ) -> None:
        leaf = made(names=[uri(f"sip:{DOMAIN}"), *beside])
        path = (leaf, CA, above) if at_root else (leaf, above, ROOT)
        verdict = judge([leaf, path[1]], valid=[path], trusted=[path[2]])
        assert verdict.accepted is permitted
        assert verdict.code == ("id.match" if permitted else "chain.name-constraints")

    @pytest.mark.req("D-PATH-1", "T-N12")
    def test_so_must_a_common_name(self) -> None:
        leaf = made(DOMAIN)
        above = ca(extensions=[constraints(permitted=[dns("evil.example")])])
        policy = Policy(allow_cn=True)
        assert judge([leaf, CA], valid=[(leaf, CA, ROOT)], policy=policy).accepted
        verdict = judge([leaf, above], valid=[(leaf, above, ROOT)], policy=policy)
        assert verdict.code == "chain.name-constraints"

    @pytest.mark.req("D-PATH-1", "A-16")
    def test_a_barred_identity_is_not_proven_beside_a_permitted_one(self) -> None:
        leaf = made(names=[uri("sip:bank.example"), uri(f"sip:{DOMAIN}")])
        above = ca(extensions=[constraints(permitted=[dns(DOMAIN)])])
        verdict = judge([leaf, above], valid=[(leaf, above, ROOT)])
        assert verdict.identities == (Identity(DOMAIN, "uri"),)
        (step,) = [step for step in verdict.findings if step.code == "chain.name-barred"]
        assert (step.severity, step.found) == ("warning", "uri bank.example")
        assert verdict.code == "id.match"
        assert "chain.name-barred" not in codes(judge([leaf, CA], valid=[(leaf, CA, ROOT)]))

    @pytest.mark.req("D-PATH-1")
    def test_nor_beside_a_target_host(self) -> None:
        leaf = made(names=[uri("sip:bank.example"), uri(f"sip:{TARGET}")])
        above = ca(extensions=[constraints(permitted=[dns(TARGET)])])
        verdict = judge([leaf, above], valid=[(leaf, above, ROOT)])
        assert verdict.code == "id.match-target"
        assert "chain.name-barred" in codes(verdict)

    @pytest.mark.req("D-PATH-1")
    def test_many_barred_names_are_told_in_a_short_text(self) -> None:
        many = [uri(f"sip:n{number}.bank.example") for number in range(5_000)]
        leaf = made(names=[*many, *[uri(f"sip:n{number}.{DOMAIN}") for number in range(5_000)], uri(f"sip:{DOMAIN}")])
        above = ca(extensions=[constraints(permitted=[dns(DOMAIN)])])
        verdict = judge([leaf, above], valid=[(leaf, above, ROOT)])
        (step,) = [step for step in verdict.steps if step.code == "chain.name-barred"]
        assert step.found.endswith("and 4992 more")
        assert len(verdict.identities) == 5_001

    @pytest.mark.req("D-PATH-1")
    def test_so_must_the_sip_uri_of_a_target_host(self) -> None:
        leaf = made(names=[uri(f"sip:{TARGET}")])
        above = ca(extensions=[constraints(excluded=[dns("host.example")])])
        assert judge([leaf, CA], valid=[(leaf, CA, ROOT)]).accepted
        assert judge([leaf, above], valid=[(leaf, above, ROOT)]).code == "chain.name-constraints"

    @pytest.mark.req("D-PATH-1")
    def test_a_name_that_nobody_looked_for_being_barred_is_not_told_as_the_reason(self) -> None:
        leaf = made(names=[uri("sip:other.example")])
        above = ca(extensions=[constraints(permitted=[dns("evil.example")])])
        assert judge([leaf, above], valid=[(leaf, above, ROOT)]).code == "id.mismatch"


class TestManyNames:
    @pytest.mark.req("R5922-7.8-1")
    def test_ten_thousand_names_are_searched(self) -> None:
        names = [dns(f"host-{n}.example") for n in range(9_999)]
        leaf = made(names=[*names, dns(DOMAIN)])
        verdict = judge([leaf, CA], valid=[(leaf, CA, ROOT)])
        assert said(verdict) == ("ACCEPTED", "pkix", "id.match")

    def test_more_names_than_the_limit_are_refused_and_dane_ee_never_looks(self) -> None:
        leaf = made(names=[dns(DOMAIN)] * 11)
        policy = Policy(limits=Limits(sans=10))
        verdict = judge([leaf, CA], valid=[(leaf, CA, ROOT)], policy=policy)
        assert said(verdict) == ("REJECTED", "none", "limit.sans")
        assert judge([leaf, CA], leaf.record(3, 1, 1), policy=policy).accepted
        assert judge([leaf, CA], valid=[(leaf, CA, ROOT)], policy=Policy(limits=Limits(sans=11))).accepted

    def test_twenty_thousand_mismatches_are_told_quickly_and_briefly(self) -> None:
        leaf = made(names=[uri(f"sip:h{n}.example") for n in range(8_000)])
        above = ca(extensions=[constraints(permitted=[dns("evil.example")])])
        began = perf_counter()
        verdict = judge([leaf, above], valid=[(leaf, above, ROOT)])
        found = next(step.found for step in verdict.steps if step.code == "id.mismatch")
        assert perf_counter() - began < 5
        assert len(found) < 1_000

    @pytest.mark.req("T-N03", "R5280-4.2-1", "R5280-4.2.1.6-1")
    @pytest.mark.parametrize(
        "extensions",
        [
            [alternative_names(uri("sip:example.com"))] * 2,
            [extension("2.5.29.17", b"\x30\x00")],
            [extension("2.5.29.17", b"\x30\x03\x82\x7fa")],
            [extension("2.5.29.17", b"")],
        ],
    )
    def test_a_malformed_subject_alternative_name_is_never_replaced_by_the_common_name(
        self, extensions: list[bytes]
    ) -> None:
        leaf = made(DOMAIN, extensions=extensions)
        verdict = judge([leaf, CA], valid=[(leaf, CA, ROOT)], policy=Policy(allow_cn=True))
        assert said(verdict) == ("REJECTED", "none", "cert.malformed")

    @pytest.mark.req("T-N06", "R5922-7.1-4")
    def test_the_names_of_the_issuers_do_not_count(self) -> None:
        leaf = made(names=[dns("other.example")])
        above = ca(DOMAIN, extensions=[alternative_names(uri(f"sip:{DOMAIN}"), dns(DOMAIN))])
        assert judge([leaf, above], valid=[(leaf, above, ROOT)]).code == "id.mismatch"


class TestWhatIsReported:
    @pytest.mark.req("R9525-6.6-1", "R5922-7.3-2", "GJ-3")
    def test_a_mismatch_says_what_was_expected_and_why_each_name_is_not_it(self) -> None:
        leaf = made(names=[uri("sip:other.example"), dns(DOMAIN), ip(bytes(4))])
        verdict = judge([leaf, CA], valid=[(leaf, CA, ROOT)])
        step = next(step for step in verdict.steps if step.code == "id.mismatch")
        assert step.expected == f"{DOMAIN} or {TARGET}"
        assert "uri sip:other.example: different name" in step.found
        assert "dns example.com: not an identity: a sip URI is present" in step.found

    @pytest.mark.req("R9525-6.6-1")
    def test_a_certificate_without_names_says_so(self) -> None:
        found = check(RFC5922, [])
        assert found.notes[0][1] == (DOMAIN, "cn Nobody in particular: CN not allowed by policy")
        nameless = References(DOMAIN, (), True, HOST).check([Certificate(certificate(subject=b"\x30\x00"))], DEFAULT)
        assert nameless.notes[0][1] == (DOMAIN, "no names")

    @pytest.mark.req("R9525-6.1-1")
    @given(st.lists(st.sampled_from([uri("sip:example.com"), dns(HOST), dns("x.example"), email("a@b.example")])))
    def test_what_counts_does_not_depend_on_the_order_of_the_names(self, names: list[bytes]) -> None:
        for references in (RFC5922, EITHER, TARGET_ONLY):
            one, other = check(references, names), check(references, names[::-1])
            assert one.code == other.code
            assert set(one.identities) == set(other.identities)

    @pytest.mark.req("R5922-7.1-12")
    def test_names_of_a_certificate_without_a_valid_path_are_reported_and_not_proven(self) -> None:
        leaf = made(names=[uri(f"sip:{DOMAIN}")])
        verdict = judge([leaf, CA])
        assert said(verdict) == ("REJECTED", "none", "chain.unknown-ca")
        assert "id.match" in codes(verdict)
        assert verdict.identities == ()
