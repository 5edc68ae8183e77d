"""Whole judgements of certificates with real signatures, by the real path validator."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given, settings
from hypothesis import strategies as st

from judging import codes, said
from pki import (
    ANY_EKU,
    CLIENT_AUTH,
    EMAIL_PROTECTION,
    NOW,
    SERVER_AUTH,
    SIP_DOMAIN,
    Issued,
    Issuer,
    new_key,
    self_signed,
)
from siptls import Anchors, Identity, Policy, Security, Verdict
from siptls.dns.records import Tlsa
from siptls_io import verify_chain

DOMAIN, TARGET = "example.com", "sip1.host.example"
URI = ["sip:example.com"]
VECTORS = Path(__file__).parents[1] / "vectors" / "rfc6216"

ROOT = Issuer.root("Root")
CA = ROOT.intermediate("CA")
LEAF = CA.leaf(uris=URI)
OTHER_ROOT = Issuer.root("Other Root")


def record(of: Issued | Issuer, usage: int, selector: int, matching: int) -> Tlsa:
    octets = of.spki if selector else of.der
    data = (octets, hashlib.sha256(octets).digest(), hashlib.sha512(octets).digest())[matching]
    return Tlsa("", usage, selector, matching, data)


def judge(
    chain: Sequence[Issued | Issuer | bytes],
    *records: Tlsa,
    trusted: Sequence[Issuer] = (),
    policy: Policy | None = None,
    at: datetime = NOW,
    delegation: Security = Security.SECURE,
) -> Verdict:
    """Judge a chain for the domain, whose delegation to the target is secure."""
    return verify_chain(
        [each if isinstance(each, bytes) else each.der for each in chain],
        domain=DOMAIN,
        target=TARGET,
        tlsa=records,
        delegation=delegation,
        anchors=Anchors(tuple([each.der for each in trusted])),
        at=at,
        policy=policy or Policy(),
    )


class TestPkix:
    """The eight cases of the TLS test plan and their two companions, from the client's side."""

    @pytest.mark.req("GJ-1", "R5922-7.1-1", "R5922-7.3-1", "S-B-1")
    @pytest.mark.parametrize("delegation", [Security.SECURE, Security.INSECURE])
    def test_the_domain_in_a_subject_alternative_name_is_accepted(self, delegation: Security) -> None:
        for leaf in (LEAF, CA.leaf(dns=[DOMAIN])):
            verdict = judge([leaf, CA], trusted=[ROOT], delegation=delegation)
            assert said(verdict) == ("ACCEPTED", "pkix", "id.match")

    @pytest.mark.req("GJ-2", "A-10", "T-N05", "S-B-1")
    def test_the_domain_in_the_common_name_counts_only_alone_and_by_policy(self) -> None:
        policy = Policy(allow_cn=True)
        alone, beside = CA.leaf(cn=DOMAIN), CA.leaf(cn=DOMAIN, emails=["a@example.com"])
        assert judge([alone, CA], trusted=[ROOT]).code == "id.cn-only"
        assert judge([alone, CA], trusted=[ROOT], policy=policy).accepted
        assert judge([beside, CA], trusted=[ROOT], policy=policy).code == "id.cn-only"

    @pytest.mark.req("GJ-3", "S-B-1")
    def test_other_names_are_rejected(self) -> None:
        leaf = CA.leaf(cn="other.example", dns=["other.example"])
        assert said(judge([leaf, CA], trusted=[ROOT])) == ("REJECTED", "none", "id.mismatch")

    @pytest.mark.req("GJ-4", "R5922-8-1", "S-B-1")
    def test_an_authority_that_is_not_trusted_is_rejected(self) -> None:
        assert said(judge([LEAF, CA, ROOT], trusted=[OTHER_ROOT])) == ("REJECTED", "none", "chain.unknown-ca")
        assert said(judge([LEAF, CA, ROOT])) == ("REJECTED", "none", "chain.unknown-ca")

    @pytest.mark.req("GJ-5", "S-B-1")
    def test_a_missing_issuer_is_rejected(self) -> None:
        assert said(judge([LEAF], trusted=[ROOT])) == ("REJECTED", "none", "chain.missing-intermediate")

    @pytest.mark.req("GJ-6", "R5280-6.1.3-1", "S-B-1")
    def test_a_time_outside_the_validity_is_rejected(self) -> None:
        past, future = LEAF.certificate.not_valid_before_utc, LEAF.certificate.not_valid_after_utc
        second = timedelta(seconds=1)
        assert judge([LEAF, CA], trusted=[ROOT], at=past - second).code == "chain.not-yet-valid"
        assert judge([LEAF, CA], trusted=[ROOT], at=past).accepted
        assert judge([LEAF, CA], trusted=[ROOT], at=future).accepted
        assert judge([LEAF, CA], trusted=[ROOT], at=future + second).code == "chain.expired"
        expired = ROOT.intermediate("Expired CA", not_after=NOW - timedelta(days=1))
        assert judge([expired.leaf(uris=URI), expired], trusted=[ROOT]).code == "chain.expired"

    @pytest.mark.req("GJ-8", "GJ-10", "R5924-5-4", "R5924-5-2", "A-04", "S-B-1")
    @pytest.mark.parametrize(
        ("eku", "strict", "interop"),
        [
            ([], True, True),
            ([SIP_DOMAIN], True, True),
            ([ANY_EKU], True, True),
            ([SERVER_AUTH], False, True),
            ([CLIENT_AUTH], False, False),
            ([EMAIL_PROTECTION], False, False),
        ],
    )
    def test_purposes_are_obeyed_as_the_policy_says(self, eku: list[str], strict: bool, interop: bool) -> None:
        leaf = CA.leaf(uris=URI, eku=eku)
        assert judge([leaf, CA], trusted=[ROOT], policy=Policy(eku="strict")).accepted is strict
        assert judge([leaf, CA], trusted=[ROOT]).accepted is interop

    @pytest.mark.req("GJ-9", "A-23", "T-N09")
    def test_an_address_names_no_domain(self) -> None:
        leaf = CA.leaf(ips=["192.0.2.1"])
        assert said(judge([leaf, CA], trusted=[ROOT])) == ("REJECTED", "none", "cert.no-identities")
        for policy, code in ((Policy(), "uri.ip-literal"), (Policy(allow_ip_identity=True), "id.match")):
            verdict = verify_chain(
                [leaf.der, CA.der], domain="192.0.2.1", anchors=Anchors((ROOT.der,)), at=NOW, policy=policy
            )
            assert verdict.code == code

    @pytest.mark.req("R5280-4.2.1.3-1")
    @pytest.mark.parametrize(
        "above",
        [
            ROOT.intermediate("No CA", ca=False),
            ROOT.intermediate("No basicConstraints", ca=None),
            ROOT.intermediate("No keyCertSign", key_usage=["digital_signature"]),
            ROOT.intermediate("Upper", path_length=0).intermediate("Too deep"),
            OTHER_ROOT.intermediate("Of another root"),
        ],
    )
    def test_a_false_authority_is_rejected(self, above: Issuer) -> None:
        leaf = above.leaf(uris=URI)
        assert said(judge(leaf.presented, trusted=[ROOT]))[:2] == ("REJECTED", "none")

    @pytest.mark.req("R5280-6.1.3-1", "R5922-7.1-1")
    def test_a_forged_signature_is_rejected(self) -> None:
        impostor = Issuer(Issued(CA.certificate, new_key(), CA.issued.above))
        assert said(judge([impostor.leaf(uris=URI), CA], trusted=[ROOT]))[:2] == ("REJECTED", "none")

    @pytest.mark.req("R5280-4.2-1")
    def test_an_unknown_critical_extension_is_rejected(self) -> None:
        strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
        leaf = CA.leaf(uris=URI, extensions=[(strange, True)])
        assert said(judge([leaf, CA], trusted=[ROOT]))[:2] == ("REJECTED", "none")
        assert judge([CA.leaf(uris=URI, extensions=[(strange, False)]), CA], trusted=[ROOT]).accepted


class TestPathRules:
    @pytest.mark.req("D-PATH-1", "T-N12")
    @pytest.mark.parametrize("more", [[], ["evil.example"]])
    def test_an_authority_for_one_domain_cannot_issue_a_sip_uri_of_another(self, more: list[str]) -> None:
        limited = ROOT.intermediate("Limited", permitted=[x509.DNSName("evil.example")])
        leaf = limited.leaf(uris=URI, dns=more)
        assert said(judge([leaf, limited], trusted=[ROOT])) == ("REJECTED", "none", "chain.name-constraints")
        barred = ROOT.intermediate("Barred", excluded=[x509.DNSName(DOMAIN)])
        assert judge([barred.leaf(uris=URI), barred], trusted=[ROOT]).code == "chain.name-constraints"
        allowed = ROOT.intermediate("Allowed", permitted=[x509.DNSName(DOMAIN)])
        assert judge([allowed.leaf(uris=URI), allowed], trusted=[ROOT]).accepted

    @pytest.mark.req("R5280-4.2.1.10-1", "R7673-9.2-1")
    def test_constraints_on_dns_names_hold_for_dns_names(self) -> None:
        limited = ROOT.intermediate("Limited", permitted=[x509.DNSName("evil.example")])
        leaf = limited.leaf(dns=[DOMAIN])
        assert judge([leaf, limited], trusted=[ROOT]).code == "chain.name-constraints"
        assert judge([leaf, limited, ROOT], record(ROOT, 2, 0, 1)).code == "chain.name-constraints"

    @pytest.mark.req("A-31", "R5280-4.2.1.10-2")
    def test_no_sip_uri_can_live_under_a_constraint_on_uris(self) -> None:
        limited = ROOT.intermediate("Limited", permitted=[x509.UniformResourceIdentifier("example.com")])
        verdict = judge([limited.leaf(uris=URI), limited], trusted=[ROOT])
        assert said(verdict) == ("REJECTED", "none", "chain.name-constraints")

    @pytest.mark.req("D-PATH-2", "T-N13")
    @pytest.mark.parametrize("usage", [None, 0, 1, 2])
    def test_an_authority_for_another_purpose_cannot_issue_a_sip_domain(self, usage: int | None) -> None:
        limited = ROOT.intermediate("Mail CA", eku=[EMAIL_PROTECTION])
        leaf = limited.leaf(uris=URI)
        records = [] if usage is None else [record(leaf if usage == 1 else ROOT, usage, 0, 0)]
        verdict = judge([leaf, limited], *records, trusted=[ROOT])
        assert said(verdict) == ("REJECTED", "none", "chain.eku")
        assert judge([leaf, limited], record(leaf, 3, 1, 1), trusted=[ROOT]).accepted

    @pytest.mark.req("D-PATH-3", "T-D08", "R6698-A.1.1-1", "R7671-5.4-1")
    def test_cross_signed_authorities_are_judged_alike_in_every_order(self) -> None:
        cross = OTHER_ROOT.cross_sign(CA)
        for named in (ROOT, OTHER_ROOT, CA, cross):
            for selector in (0, 1):
                found = {
                    said(judge([LEAF, *above], record(named, 0, selector, 1), trusted=[ROOT, OTHER_ROOT]))
                    for above in permutations([CA, cross, ROOT, OTHER_ROOT])
                }
                assert found == {("ACCEPTED", "pkix-ta", "dane.match")}
        only_root = judge([LEAF, CA, cross], record(cross, 0, 0, 1), trusted=[ROOT])
        assert only_root.outcome.value == "REJECTED"

    @pytest.mark.req("R7671-5.4-1")
    def test_a_trusted_intermediate_does_not_hide_the_root_that_is_named(self) -> None:
        verdict = judge([LEAF, CA], record(ROOT, 0, 0, 1), trusted=[CA, ROOT])
        assert said(verdict) == ("ACCEPTED", "pkix-ta", "dane.match")


class TestDaneTa:
    @pytest.mark.req("T-D04", "R7671-5.2.2-3", "R6698-2.1.1-2")
    @pytest.mark.parametrize("selector", [0, 1])
    @pytest.mark.parametrize("matching", [0, 1, 2])
    def test_a_private_root_in_the_chain(self, selector: int, matching: int) -> None:
        for named in (ROOT, CA):
            verdict = judge([LEAF, CA, ROOT], record(named, 2, selector, matching))
            assert said(verdict) == ("ACCEPTED", "dane-ta", "dane.match")
            assert verdict.identities == (Identity(DOMAIN, "dane"),)

    @pytest.mark.req("R7671-5.2.2-1", "R7671-5.2.2-2")
    def test_a_root_that_is_not_sent_must_stand_in_full_in_the_dns(self) -> None:
        assert judge([LEAF, CA], record(ROOT, 2, 0, 0)).accepted
        assert judge([LEAF, CA], record(ROOT, 2, 1, 0)).accepted
        for selector, matching in ((0, 1), (0, 2), (1, 1), (1, 2)):
            assert judge([LEAF, CA], record(ROOT, 2, selector, matching)).code == "dane.ta-not-sent"

    @pytest.mark.req("R7671-5.2.3-1", "T-D06")
    def test_a_bare_key_must_have_signed_what_is_sent(self) -> None:
        assert judge([LEAF], record(CA, 2, 1, 0)).accepted
        assert judge([LEAF, CA], record(ROOT, 2, 1, 0)).accepted
        for above in ([], [CA], [CA, ROOT]):
            assert said(judge([LEAF, *above], record(OTHER_ROOT, 2, 1, 0)))[:2] == ("REJECTED", "none")
        expired = ROOT.intermediate("Expired CA", not_after=NOW - timedelta(days=1))
        top = expired.leaf(uris=URI)
        assert said(judge([top, expired], record(ROOT, 2, 1, 0)))[:2] == ("REJECTED", "none")
        assert judge([top], record(expired, 2, 1, 0)).accepted  # the key has no dates

    @pytest.mark.req("T-D05", "A-21")
    @pytest.mark.parametrize("selector", [0, 1])
    @pytest.mark.parametrize("matching", [0, 1, 2])
    def test_a_self_signed_leaf_is_no_anchor(self, selector: int, matching: int) -> None:
        for ca in (False, True):
            alone = self_signed(cn=DOMAIN, uris=URI, ca=ca, key_usage=["digital_signature", "key_cert_sign"])
            for times in (1, 2):
                verdict = judge([alone] * times, record(alone, 2, selector, matching))
                assert said(verdict)[:2] == ("REJECTED", "none")
            assert judge([alone], record(alone, 3, selector, matching)).accepted

    @pytest.mark.req("T-D07")
    @pytest.mark.parametrize("selector", [0, 1])
    @pytest.mark.parametrize("matching", [0, 1])
    def test_an_anchor_that_issued_nothing_here_is_none(self, selector: int, matching: int) -> None:
        evil = Issuer.root("Evil CA")
        namesake = Issuer.root("Root")  # the same name as the real one, another key
        for forger in (evil, namesake):
            leaf = forger.leaf(uris=URI)
            verdict = judge([leaf, forger, ROOT], record(ROOT, 2, selector, matching), trusted=[ROOT])
            assert said(verdict)[:2] == ("REJECTED", "none")

    @pytest.mark.req("T-D08", "R6698-A.1.1-1")
    def test_a_cross_signed_anchor_is_found_in_every_order(self) -> None:
        cross = OTHER_ROOT.cross_sign(CA)
        for named in (CA, cross, ROOT, OTHER_ROOT):
            for selector in (0, 1):
                for above in permutations([CA, cross, ROOT, OTHER_ROOT]):
                    assert judge([LEAF, *above], record(named, 2, selector, 1)).accepted

    @pytest.mark.req("D-PATH-4", "R7671-5.2.1-1", "T-D06")
    @pytest.mark.parametrize(
        ("root", "binds"),
        [
            (Issuer.root("Limited Root", path_length=0), True),
            (Issuer.root("Limited Root", permitted=[x509.DNSName("evil.example")]), True),
            # RFC 5280 leaves the dates of an anchor to whoever trusts it; the validator here looks at them.
            (Issuer.root("Expired Root", not_after=NOW - timedelta(days=1)), True),
            (Issuer.root("Root for mail", eku=[EMAIL_PROTECTION]), False),
        ],
    )
    def test_the_limits_of_a_named_certificate_bind_and_those_of_a_named_key_do_not(
        self, root: Issuer, binds: bool
    ) -> None:
        leaf = root.intermediate("Middle").leaf(uris=URI)
        chain = [leaf, *leaf.above]
        assert judge(chain, record(root, 2, 0, 1)).accepted is not binds
        for matching in (0, 1, 2):
            by_key = judge(chain, record(root, 2, 1, matching))
            assert said(by_key) == ("ACCEPTED", "dane-ta", "dane.match")
            assert by_key.expires > 0

    @pytest.mark.req("R7671-5.2-2")
    def test_names_and_dates_of_the_leaf_count(self) -> None:
        wrong, late = CA.leaf(uris=["sip:other.example"]), CA.leaf(uris=URI, not_after=NOW - timedelta(days=1))
        assert judge([wrong, CA], record(CA, 2, 0, 1)).code == "id.mismatch"
        assert judge([late, CA], record(CA, 2, 0, 1)).code == "chain.expired"

    @pytest.mark.req("R6698-4.1-5")
    @pytest.mark.parametrize(
        "data", [bytes.fromhex("300a300606022a03050003010000"), bytes.fromhex("300930050603550403030100")[:-1]]
    )
    def test_a_key_that_nobody_can_use_is_an_anchor_for_nothing(self, data: bytes) -> None:
        assert not judge([LEAF, CA], Tlsa("", 2, 1, 0, data)).accepted


class TestTheCertificatesOfRfc6216:
    def der(self, name: str) -> bytes:
        return ssl.PEM_cert_to_DER_cert((VECTORS / f"{name}.pem").read_text(encoding="ascii"))

    @pytest.mark.req("R5280-6.1.3-1")
    def test_their_signatures_are_too_weak_for_pkix_today(self) -> None:
        verdict = verify_chain(
            [self.der("eku_domain_example.com_cert")],
            domain="example.com",
            anchors=Anchors((self.der("ca_root_sipit_cert"),)),
            at=NOW,
        )
        assert said(verdict) == ("REJECTED", "none", "chain.weak")
        assert "id.match" in codes(verdict)

    @pytest.mark.req("R7671-5.1-1", "R7673-4.2-1")
    def test_dane_ee_takes_them(self) -> None:
        der = self.der("eku_user_fluffy_example.com_cert")
        tlsa = Tlsa("", 3, 0, 1, hashlib.sha256(der).digest())
        verdict = verify_chain([der], domain="example.com", tlsa=[tlsa], delegation=Security.SECURE, at=NOW)
        assert said(verdict) == ("ACCEPTED", "dane-ee", "dane.match")


def resigned(name: str, issuer: Issuer | None) -> Issuer:
    """A certificate of RFC 6216 with its names, dates and extensions as they are, and a signature of today."""
    old = x509.load_pem_x509_certificate((VECTORS / f"{name}_cert.pem").read_bytes())
    key = new_key("ec", name)
    signer, subject = (key, old.subject) if issuer is None else (issuer.key, issuer.certificate.subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    for extension in old.extensions:
        if not isinstance(extension.value, (x509.AuthorityKeyIdentifier, x509.SubjectKeyIdentifier)):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    above = () if issuer is None else (issuer.issued, *issuer.issued.above)
    return Issuer(Issued(builder.sign(signer, hashes.SHA256()), key, above))


class TestTheCertificatesOfRfc6216SignedAnew:
    """As in the RFC, but for signatures that validators of today still take."""

    ROOT = resigned("ca_root_sipit", None)
    INTERMEDIATE = resigned("ca_intermediate_example.net", ROOT)

    def verdict(
        self, name: str, issuer: Issuer, domain: str, *above: Issuer, policy: Policy | None = None
    ) -> tuple[str, str, str]:
        leaf = resigned(name, issuer)
        return said(
            verify_chain(
                [leaf.der, *[each.der for each in above]],
                domain=domain,
                anchors=Anchors((self.ROOT.der,)),
                at=NOW,
                policy=policy or Policy(),
            )
        )

    @pytest.mark.req("R5922-7.1-7", "R5922-7.2-6", "R5924-4.1-1", "R5924-5-1", "R5924-5-2", "GJ-1")
    @pytest.mark.parametrize("kind", ["eku", "noeku"])
    @pytest.mark.parametrize(("own", "other"), [("example.com", "example.net"), ("example.net", "example.com")])
    def test_a_domain_certificate_is_accepted_for_its_domain_and_for_no_other(
        self, kind: str, own: str, other: str
    ) -> None:
        name = f"{kind}_domain_{own}"
        for eku in ("strict", "interop"):
            policy = Policy(eku="strict") if eku == "strict" else Policy()
            assert self.verdict(name, self.ROOT, own, policy=policy) == ("ACCEPTED", "pkix", "id.match")
        assert self.verdict(name, self.ROOT, other) == ("REJECTED", "none", "id.mismatch")

    @pytest.mark.req("R5922-7.1-6", "R5922-7.1-10", "T-N05", "GJ-5")
    def test_a_user_certificate_names_no_domain_whatever_its_common_name_and_needs_its_issuer(self) -> None:
        policy = Policy(allow_cn=True)
        fluffy = "eku_user_fluffy_example.com"
        expected = ("REJECTED", "none", "cert.no-identities")
        assert self.verdict(fluffy, self.ROOT, "example.com", policy=policy) == expected
        robert = "eku_user_robert_example.net"
        assert self.verdict(robert, self.INTERMEDIATE, "example.net", self.INTERMEDIATE, policy=policy) == expected
        assert self.verdict(robert, self.INTERMEDIATE, "example.net", policy=policy) == (
            "REJECTED",
            "none",
            "chain.missing-intermediate",
        )

    @pytest.mark.req("R5280-4.2.1.3-1", "R5924-4.1-2")
    def test_the_intermediate_authority_is_no_server_although_its_common_name_is_the_domain(self) -> None:
        verdict = verify_chain(
            [self.INTERMEDIATE.der],
            domain="example.net",
            anchors=Anchors((self.ROOT.der,)),
            at=NOW,
            policy=Policy(allow_cn=True),
        )
        assert said(verdict)[:2] == ("REJECTED", "none")


class TestHostileConstraints:
    @pytest.mark.req("T-N02", "A-31", "R5280-4.2.1.10-1")
    @pytest.mark.parametrize("text", ["example.com", "evil.example", "evil.example\0.example.com", ".example.com"])
    @pytest.mark.parametrize("excluded", [False, True])
    def test_a_constraint_on_uris_is_never_read_in_favour_of_a_sip_uri(self, text: str, excluded: bool) -> None:
        tree = [x509.UniformResourceIdentifier(text)]
        limited = ROOT.intermediate("Limited", permitted=[] if excluded else tree, excluded=tree if excluded else [])
        leaf = limited.leaf(uris=URI)
        verdict = judge([leaf, limited], trusted=[ROOT])
        assert said(verdict)[:2] == ("REJECTED", "none")
        for matching in (0, 1):
            assert said(judge([leaf, limited, ROOT], record(ROOT, 2, 0, matching)))[:2] == ("REJECTED", "none")

    @pytest.mark.req("T-N01", "R5280-4.2.1.10-1", "D-PATH-1")
    @pytest.mark.parametrize("text", ["evil.example\0.example.com", "example.com\0", "example.com."])
    def test_a_constraint_that_is_no_name_allows_no_sip_uri(self, text: str) -> None:
        for permitted, excluded in (([x509.DNSName(text)], []), ([], [x509.DNSName(text)])):
            limited = ROOT.intermediate("Limited", permitted=permitted, excluded=excluded)
            assert not judge([limited.leaf(uris=URI), limited], trusted=[ROOT]).accepted


class TestTransparency:
    @pytest.mark.req("R7671-4.2-1")
    @pytest.mark.parametrize("scts", [None, b"\x04\x02\x00\x00", b"junk"])
    def test_what_logs_say_of_a_certificate_counts_for_nothing_with_dane(self, scts: bytes | None) -> None:
        oid = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
        extensions = [] if scts is None else [(x509.UnrecognizedExtension(oid, scts), False)]
        leaf = CA.leaf(uris=URI, extensions=extensions)
        assert said(judge([leaf, CA], record(CA, 2, 0, 1))) == ("ACCEPTED", "dane-ta", "dane.match")
        assert said(judge([leaf, CA], record(leaf, 3, 1, 1))) == ("ACCEPTED", "dane-ee", "dane.match")


@given(st.data())
@settings(max_examples=100)
def test_a_chain_with_wrong_octets_is_judged_and_never_accepted_by_pkix(data: st.DataObject) -> None:
    chain = [bytearray(LEAF.der), bytearray(CA.der)]
    spoiled = data.draw(st.sampled_from(chain))
    place, mask = data.draw(st.integers(0, len(spoiled) - 1)), data.draw(st.integers(1, 255))
    spoiled[place] ^= mask
    records = data.draw(st.lists(st.sampled_from([record(ROOT, 2, 0, 0), record(CA, 2, 1, 0)]), max_size=2))
    verdict = judge([bytes(chain[0]), bytes(chain[1])], *records, trusted=[ROOT], policy=Policy(audit=True))
    key_alone_signed_the_leaf = spoiled is chain[1] and any(each.selector == 1 for each in records)
    assert not verdict.accepted or key_alone_signed_the_leaf
    assert verdict.explain().isascii()


def test_a_version_that_does_not_exist_is_malformed_and_nothing_worse() -> None:
    for issued in (LEAF, CA):
        place = issued.der.index(b"\xa0\x03\x02\x01\x02") + 4
        spoiled = issued.der[:place] + b"\x03" + issued.der[place + 1 :]
        chain = [LEAF.der, CA.der]
        chain[chain.index(issued.der)] = spoiled
        verdict = judge(chain, trusted=[ROOT], policy=Policy(audit=True))
        code = "cert.malformed" if issued is LEAF else "chain.missing-intermediate"
        assert said(verdict) == ("REJECTED", "none", code)


@pytest.mark.parametrize("tag", range(256))
def test_a_name_of_any_string_type_is_judged_and_nothing_worse(tag: int) -> None:
    leaf = CA.leaf(cn="leaf", uris=URI)
    for spoiled, other in ((leaf, CA), (CA.issued, leaf)):
        place = -1
        while (place := spoiled.der.find(b"\x55\x04\x03", place + 1)) >= 0:
            octets = spoiled.der[: place + 3] + bytes((tag,)) + spoiled.der[place + 4 :]
            chain = [octets, other.der] if spoiled is leaf else [other.der, octets]
            verdict = judge(chain, trusted=[ROOT])
            assert verdict.accepted is (octets == spoiled.der)
