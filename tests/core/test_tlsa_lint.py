"""TLSA records, held against the rules for those who publish them (RFC 7671 sections 4-10, RFC 7673 section 6)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import EMAIL_PROTECTION, authority, bit_string, constraints, dns, extension, uri
from judging import CA, DOMAIN, LEAF, OTHER, OTHER_CA, ROOT, TARGET, Made, ca, judge, made, valid_between
from siptls import Policy, Security
from siptls.codes import CATALOGUE
from siptls.dns import Tlsa
from siptls.errors import InvalidRecord
from siptls.policy import Digest
from siptls.served import Served, examine, form_text, missing
from siptls.tlsa_lint import Finding, lint
from world import AT

FORMS = list(product(range(4), range(2), range(3)))
CHAIN = (LEAF, CA, ROOT)
NAMED = made(names=[uri(f"sip:{DOMAIN}"), dns(TARGET)])
KEY_USAGE = "2.5.29.15"


def ders(*chain: Made) -> tuple[bytes, ...]:
    return tuple([each.der for each in chain])


def found(
    *records: Tlsa,
    chain: tuple[Made, ...] = CHAIN,
    base: str = TARGET,
    domain: str = DOMAIN,
    host: str = "",
    ttl: float | None = None,
    at: datetime | None = AT,
    trusted: tuple[Made, ...] = (),
    security: Security | None = None,
) -> list[Finding]:
    return lint(
        records,
        chain=ders(*chain),
        base=base,
        domain=domain,
        host=host,
        ttl=ttl,
        at=at,
        trusted=ders(*trusted),
        security=security,
    )


def codes(findings: list[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def errors(findings: list[Finding]) -> set[str]:
    return {code for code in codes(findings) if CATALOGUE[code].severity == "error"}


def text_of(findings: list[Finding], code: str) -> str:
    (text,) = [finding.found for finding in findings if finding.code == code]
    return text


NEXT = OTHER.record(3, 1, 1)


class TestWhatIsFine:
    @pytest.mark.req("R7671-8-1", "R7671-5.2-1", "R7671-5.2.2-4")
    @pytest.mark.parametrize("form", FORMS)
    def test_what_is_made_for_a_chain_breaks_no_rule_with_it(self, form: tuple[int, int, int]) -> None:
        record = Served(ders(*CHAIN)).record(form, "_5061._tcp.sip1.host.example")
        assert errors(found(record)) == set()
        assert record.owner == "_5061._tcp.sip1.host.example"

    @pytest.mark.req("R7671-8-1")
    @pytest.mark.parametrize("form", FORMS)
    def test_what_is_made_for_a_chain_is_what_a_client_accepts(self, form: tuple[int, int, int]) -> None:
        record = Served(ders(*CHAIN)).record(form)
        assert judge(CHAIN, record, valid=[CHAIN]).accepted
        assert str(record) == str((LEAF if form[0] in (1, 3) else ROOT).record(*form))

    def test_the_recommended_set_has_no_finding_but_the_next_key(self) -> None:
        assert codes(found(LEAF.record(3, 1, 1), NEXT)) == {"dane.next-or-stale"}
        assert codes(found(ROOT.record(2, 0, 1))) == set()

    @given(st.permutations([*[LEAF.record(3, s, m) for s in (0, 1) for m in range(3)], NEXT, OTHER.record(2, 0, 1)]))
    def test_the_order_of_the_records_says_nothing(self, records: list[Tlsa]) -> None:
        assert found(*records) == found(*records[::-1])

    def test_hundreds_of_records_take_few_words(self) -> None:
        rand = random.Random(1)
        records = [Tlsa("", 3, 1, 1 + n % 2, rand.randbytes(32 + 32 * (n % 2))) for n in range(400)]
        findings = found(*records)
        assert any(finding.expected.startswith("400, among them ") for finding in findings)
        assert all(len(finding.found) + len(finding.expected) < 4_000 for finding in findings)


class TestRecordsAlone:
    def test_nothing_published_is_told(self) -> None:
        assert codes(lint([])) == {"dane.none-published"}

    @pytest.mark.req("R7671-10.3-2")
    def test_records_that_cannot_be_used_are_told_with_the_reason(self) -> None:
        useless = [Tlsa("", 4, 1, 1, bytes(32)), Tlsa("", 3, 2, 1, bytes(32)), Tlsa("", 3, 1, 1, bytes(31))]
        findings = found(*useless, LEAF.record(3, 1, 1), NEXT)
        assert codes(findings) == {"dane.record-unusable", "dane.next-or-stale"}
        text = text_of(findings, "dane.record-unusable")
        assert "certificate usage 4 is unknown" in text
        assert "selector 2 is unknown" in text
        assert "31 octets, not 32" in text
        assert errors(found(*useless)) == {"dane.unusable"}

    @pytest.mark.req("R7671-10.1-1")
    def test_full_data_is_discouraged_certificates_more_than_keys(self) -> None:
        assert "dane.full-certificate" in codes(lint([ROOT.record(2, 0, 0)]))
        assert "dane.full-key" in codes(lint([LEAF.record(3, 1, 0)]))
        assert CATALOGUE["dane.full-certificate"].severity == "warning"
        assert CATALOGUE["dane.full-key"].severity == "note"
        assert not codes(lint([LEAF.record(3, 1, 1)])) & {"dane.full-certificate", "dane.full-key"}

    @pytest.mark.req("R7671-10.1-1")
    def test_an_answer_that_does_not_fit_into_one_datagram_is_told(self) -> None:
        records = [Tlsa("", 3, 1, 1, bytes((n,)) * 32) for n in range(40)]
        assert "dane.large-answer" in codes(lint(records, base=TARGET))
        assert "dane.large-answer" not in codes(lint(records[:20], base=TARGET))

    def test_sha512_alone_is_not_understood_by_all(self) -> None:
        assert "dane.sha512-only" in codes(lint([LEAF.record(3, 1, 2)]))
        for beside in (LEAF.record(3, 1, 1), LEAF.record(3, 1, 0)):
            assert "dane.sha512-only" not in codes(lint([LEAF.record(3, 1, 2), beside]))
        assert "dane.sha512-only" in codes(lint([LEAF.record(3, 1, 2), LEAF.record(3, 0, 1)]))

    @pytest.mark.req("R7671-9-4")
    def test_both_digests_must_cover_the_same_keys(self) -> None:
        half = [LEAF.record(3, 1, 1), LEAF.record(3, 1, 2), NEXT]
        assert "dane.digest-gap" in codes(found(*half))
        assert "dane.digest-gap" not in codes(found(*half, OTHER.record(3, 1, 2)))

    @pytest.mark.req("R7671-4.1-1")
    def test_pkix_usages_are_noted(self) -> None:
        assert codes(lint([LEAF.record(1, 1, 1)])) == {"dane.pkix-published"}
        assert codes(lint([ROOT.record(0, 0, 1)])) == {"dane.pkix-published", "dane.pkix-ta"}

    @pytest.mark.req("R7671-5.4-2")
    def test_pkix_ta_at_an_alias_of_a_server_that_somebody_else_runs_is_told(self) -> None:
        record = ROOT.record(0, 0, 1)
        at_alias = lint([record], base="sip.example.com", host="edge.provider.example")
        assert "dane.pkix-ta-hosted" in codes(at_alias)
        assert "edge.provider.example" in text_of(at_alias, "dane.pkix-ta-hosted")
        assert "dane.pkix-ta-hosted" not in codes(lint([record], base="edge.example", host="EDGE.example."))
        assert "dane.pkix-ta-hosted" not in codes(lint([record], base="edge.example"))
        assert "dane.pkix-ta-hosted" not in codes(lint([ROOT.record(2, 0, 1)], base="a.example", host="b.example"))

    def test_what_has_to_be_renewed_with_each_certificate_is_noted(self) -> None:
        assert codes(lint([LEAF.record(3, 0, 1)])) == {"dane.cert-selector"}
        assert "dane.cert-selector" in codes(lint([LEAF.record(1, 0, 1)]))
        assert codes(lint([ROOT.record(2, 0, 1)])) == set()

    @pytest.mark.req("R7671-5.2.1-1")
    def test_a_trust_anchor_by_its_key_alone_is_noted(self) -> None:
        assert codes(lint([ROOT.record(2, 1, 1)])) == {"dane.ta-key"}

    def test_a_long_ttl_is_noted(self) -> None:
        assert codes(lint([LEAF.record(3, 1, 1)], ttl=86_401)) == {"dane.long-ttl"}
        assert codes(lint([LEAF.record(3, 1, 1)], ttl=86_400)) == set()

    @pytest.mark.req("R7673-6-1")
    def test_records_without_dnssec_are_an_error(self) -> None:
        assert errors(lint([LEAF.record(3, 1, 1)], security=Security.INSECURE)) == {"dane.unsigned"}
        assert errors(lint([LEAF.record(3, 1, 1)], security=Security.SECURE)) == set()


class TestFormsAndTheChain:
    @pytest.mark.req("R7671-10.3-2")
    def test_records_none_of_which_matches_are_an_error(self) -> None:
        findings = found(NEXT)
        assert "dane.no-match" in errors(findings)
        assert str(LEAF.record(3, 1, 1)) in text_of(findings, "dane.no-match")

    @pytest.mark.req("R7671-8-1", "R7671-9-4")
    @pytest.mark.parametrize("other", [OTHER.record(3, 1, 2), OTHER.record(3, 0, 1), OTHER.record(1, 1, 1)])
    def test_each_form_that_is_present_must_match_by_itself(self, other: Tlsa) -> None:
        findings = found(LEAF.record(3, 1, 1), other)
        assert errors(findings) == {"dane.form-unmatched"}
        same_form = LEAF.record(other.usage, other.selector, other.matching)
        assert errors(found(LEAF.record(3, 1, 1), other, same_form)) == set()

    @pytest.mark.req("R7671-9-4")
    def test_what_is_called_broken_does_break_clients_that_know_a_stronger_digest(self) -> None:
        records = LEAF.record(3, 1, 1), OTHER.record(3, 1, 2)
        assert not judge(CHAIN, *records, valid=[CHAIN]).accepted
        assert judge(CHAIN, *records, valid=[CHAIN], policy=Policy(digests=("sha256",))).accepted

    def test_a_record_that_matches_nothing_now_is_noted(self) -> None:
        assert text_of(found(LEAF.record(3, 1, 1), NEXT), "dane.next-or-stale") == str(NEXT)

    @pytest.mark.req("R7671-8.1-1")
    def test_with_nothing_published_but_what_is_in_use_the_next_key_breaks(self) -> None:
        findings = found(LEAF.record(3, 1, 1))
        assert codes(findings) == {"dane.no-rollover"}
        assert "2027-01-01" in text_of(findings, "dane.no-rollover")
        assert "dane.no-rollover" not in codes(found(LEAF.record(3, 1, 1), NEXT))
        assert "dane.no-rollover" not in codes(found(LEAF.record(3, 1, 1), ROOT.record(2, 0, 1)))

    @pytest.mark.req("R7671-5.2-1", "R7671-5.2.2-4")
    @pytest.mark.parametrize(("selector", "matching"), [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2)])
    def test_the_trust_anchor_must_be_in_the_handshake_even_a_self_signed_root(
        self, selector: int, matching: int
    ) -> None:
        record = ROOT.record(2, selector, matching)
        assert "dane.ta-not-sent" in errors(found(record, chain=(LEAF, CA)))
        assert errors(found(record, chain=CHAIN)) == set()

    @pytest.mark.req("R7671-5.2-1", "R7671-5.2.2-1")
    def test_a_trust_anchor_that_stands_whole_in_the_dns_need_not_be_sent(self) -> None:
        record = ROOT.record(2, 0, 0)
        assert errors(found(record, chain=(LEAF, CA))) == set()
        assert judge((LEAF, CA), record, valid=[CHAIN]).accepted

    @pytest.mark.req("R7671-5.2-1")
    def test_beside_the_whole_one_a_digest_still_has_to_be_sent(self) -> None:
        records = ROOT.record(2, 0, 0), ROOT.record(2, 0, 1)
        assert errors(found(*records, chain=(LEAF, CA))) == {"dane.ta-not-sent"}

    def test_a_whole_certificate_of_a_stranger_is_no_trust_anchor(self) -> None:
        assert "dane.ta-not-sent" in errors(found(OTHER_CA.record(2, 0, 0)))

    def test_data_that_is_hardly_a_certificate_is_no_trust_anchor(self) -> None:
        broken = made(behind=b"")
        data = broken.der.replace(bytes.fromhex("06035504030c"), bytes.fromhex("06035504030d"), 1)
        assert "dane.ta-not-sent" in errors(found(Tlsa("", 2, 0, 0, data)))

    @pytest.mark.req("A-21", "T-D05")
    @pytest.mark.parametrize("form", [(2, 0, 1), (2, 1, 1), (2, 0, 0), (2, 1, 0)])
    def test_the_servers_own_certificate_is_no_trust_anchor(self, form: tuple[int, int, int]) -> None:
        record = LEAF.record(*form)
        assert "dane.ta-depth-0" in errors(found(record))
        assert not judge(CHAIN, record, valid=[CHAIN]).accepted

    @pytest.mark.req("T-D07")
    def test_a_certificate_that_is_sent_but_has_issued_nothing_is_no_trust_anchor(self) -> None:
        chain = (LEAF, CA, OTHER_CA)
        record = OTHER_CA.record(2, 0, 1)
        assert "dane.ta-not-ancestor" in errors(found(record, chain=chain))
        assert not judge(chain, record, valid=[CHAIN]).accepted

    def test_a_pkix_ta_record_may_mean_a_root_that_clients_have(self) -> None:
        record = ROOT.record(0, 0, 1)
        assert errors(found(record, chain=(LEAF, CA))) == set()
        assert errors(found(record, chain=(LEAF, CA), trusted=(ROOT, OTHER_CA))) == set()
        wrong = found(OTHER_CA.record(0, 0, 1), chain=(LEAF, CA), trusted=(ROOT, OTHER_CA))
        assert "dane.no-match" in errors(wrong)
        mixed = found(OTHER_CA.record(0, 0, 1), LEAF.record(3, 1, 1), chain=(LEAF, CA))
        assert errors(mixed) == set()

    def test_a_certificate_that_cannot_be_read_is_told(self) -> None:
        findings = lint([LEAF.record(3, 1, 1)], chain=(LEAF.der, b"\x30\x00", ROOT.der))
        assert errors(findings) == {"chain.malformed"}
        assert errors(lint([LEAF.record(3, 1, 1)], chain=(b"\x30\x00", CA.der))) == {"chain.malformed"}


class TestNames:
    @pytest.mark.req("R7673-6-1", "R7671-10.2-2")
    @pytest.mark.parametrize("form", [(0, 0, 1), (1, 1, 1), (2, 0, 1)])
    def test_where_names_count_the_certificate_must_hold_the_domain_or_the_host(
        self, form: tuple[int, int, int]
    ) -> None:
        for names in ([uri(f"sip:{DOMAIN}")], [dns(TARGET)], [uri("sip:x.example"), dns(TARGET.upper())]):
            leaf = made(names=names)
            record = Served(ders(leaf, CA, ROOT)).record(form)
            assert errors(found(record, chain=(leaf, CA, ROOT))) == set()
        stranger = made(names=[dns("stranger.example")])
        record = Served(ders(stranger, CA, ROOT)).record(form)
        findings = found(record, chain=(stranger, CA, ROOT))
        assert errors(findings) == {"dane.names"}
        assert "stranger.example: different name" in text_of(findings, "dane.names")
        assert not judge((stranger, CA, ROOT), record, valid=[(stranger, CA, ROOT)]).accepted

    def test_a_certificate_without_names_is_told_as_such(self) -> None:
        nameless = made()
        findings = found(ROOT.record(2, 0, 1), chain=(nameless, CA, ROOT))
        assert text_of(findings, "dane.names").endswith(("it has no names", "CN not allowed by policy"))

    def test_names_are_left_out_where_nobody_is_looked_for(self) -> None:
        stranger = made(names=[dns("stranger.example")])
        assert errors(found(ROOT.record(2, 0, 1), chain=(stranger, CA, ROOT), base="", domain="")) == set()

    def test_names_that_cannot_be_read_are_an_error(self) -> None:
        broken = made(extensions=[extension("2.5.29.17", b"\x30\x03\x82\x05a")])
        findings = found(ROOT.record(2, 0, 1), chain=(broken, CA, ROOT))
        assert {"cert.malformed", "chain.malformed"} <= errors(findings)
        assert "dane.ee-only" in codes(found(broken.record(3, 1, 1), NEXT, chain=(broken,)))

    @pytest.mark.req("R7673-6-2")
    @pytest.mark.parametrize(
        ("leaf", "said"),
        [
            (made("leaf", "leaf", names=[uri(f"sip:{DOMAIN}")]), "self-signed"),
            (made(names=[dns(TARGET)]), "different name"),
            (made(names=[uri(f"sip:{DOMAIN}")], validity=valid_between("240101", "250101")), "2025-01-01"),
        ],
    )
    def test_with_dane_ee_alone_clients_without_dane_may_be_shut_out(self, leaf: Made, said: str) -> None:
        findings = found(leaf.record(3, 1, 1), NEXT, chain=(leaf, CA))
        assert said in text_of(findings, "dane.ee-only")
        assert errors(findings) == set()
        assert "dane.ee-only" not in codes(found(LEAF.record(3, 1, 1), NEXT))

    def test_without_a_domain_any_sip_domain_will_do(self) -> None:
        record = made().record(3, 1, 1)
        assert "no SIP domain" in text_of(found(record, NEXT, chain=(made(),), domain=""), "dane.ee-only")
        assert "dane.ee-only" not in codes(found(LEAF.record(3, 1, 1), NEXT, domain="", at=None))


class TestPaths:
    def path_errors(self, *chain: Made, form: tuple[int, int, int] = (2, 0, 1), at: datetime | None = AT) -> set[str]:
        return errors(found(Served(ders(*chain)).record(form), chain=chain, at=at))

    @pytest.mark.req("R7671-5.2-2")
    def test_dates_count_for_all_usages_but_dane_ee(self) -> None:
        old = made(names=[uri(f"sip:{DOMAIN}")], validity=valid_between("240101", "250101"))
        young = made(names=[uri(f"sip:{DOMAIN}")], validity=valid_between("300101", "310101"))
        for form in ((0, 0, 1), (1, 1, 1), (2, 0, 1)):
            assert self.path_errors(old, CA, ROOT, form=form) == {"chain.expired"}
            assert self.path_errors(young, CA, ROOT, form=form) == {"chain.not-yet-valid"}
            assert self.path_errors(old, CA, ROOT, form=form, at=None) == set()
        assert self.path_errors(old, CA, ROOT, form=(3, 1, 1)) == set()

    @pytest.mark.req("R7671-5.2.1-1", "D-PATH-4")
    def test_dates_and_constraints_of_a_bare_key_do_not_bind(self) -> None:
        expired = ca(validity=valid_between("240101", "250101"), extensions=[constraints([dns("other.example")])])
        assert "chain.expired" in self.path_errors(LEAF, expired)
        assert self.path_errors(LEAF, expired, form=(2, 1, 1)) == set()

    @pytest.mark.req("R7671-5.2.1-1")
    def test_path_lengths_and_ca_bits_are_looked_at(self) -> None:
        short = made("Root", "Root", 1, extensions=[authority(0)])
        assert self.path_errors(LEAF, CA, short) == {"chain.invalid"}
        assert self.path_errors(LEAF, CA, made("Root", "Root", 1, extensions=[authority(1)])) == set()
        assert errors(found(CA.record(2, 0, 1), chain=(LEAF, made("CA", "CA", 2)))) >= {"dane.ta-not-sent"}
        no_ca = made("CA", "Root", 2)
        assert errors(found(no_ca.record(2, 0, 1), chain=(LEAF, no_ca))) == {"chain.invalid"}

    def test_an_authority_that_may_not_sign_is_told(self) -> None:
        barred = ca(extensions=[extension(KEY_USAGE, bit_string(b"\x80", 7))])
        assert self.path_errors(LEAF, barred) == {"chain.invalid"}
        assert self.path_errors(LEAF, ca(extensions=[extension(KEY_USAGE, bit_string(b"\x04", 2))])) == set()

    @pytest.mark.req("D-PATH-2")
    def test_authorities_for_other_purposes_are_told(self) -> None:
        assert self.path_errors(LEAF, ca(eku=[EMAIL_PROTECTION]), ROOT) == {"chain.eku"}

    @pytest.mark.req("D-PATH-1", "R7673-9.2-1")
    def test_name_constraints_hold_for_sip_uris_too(self) -> None:
        limited = ca(extensions=[constraints([dns("other.example")])])
        assert self.path_errors(LEAF, limited) == {"chain.name-constraints"}
        allowing = ca(extensions=[constraints([dns(DOMAIN), dns(TARGET)])])
        assert self.path_errors(NAMED, allowing) == set()
        excluded = ca(extensions=[constraints((), [dns(TARGET)])])
        assert self.path_errors(NAMED, excluded) == {"chain.name-constraints"}

    def test_names_that_nobody_looks_for_are_constrained_only_as_rfc_5280_has_it(self) -> None:
        limited = ca(extensions=[constraints([dns(DOMAIN), dns(f".{DOMAIN}")])])
        more = made(names=[uri(f"sip:{DOMAIN}"), uri("sip:other.example"), dns(f"*.{DOMAIN}")])
        assert self.path_errors(more, limited) == set()
        other = made(names=[uri(f"sip:{DOMAIN}"), dns("other.example")])
        assert self.path_errors(other, limited) == {"chain.name-constraints"}

    @pytest.mark.req("R5280-4.2.1.10-2", "A-31")
    def test_below_a_constraint_on_uris_no_sip_uri_can_live(self) -> None:
        for limits in (constraints([uri("example.com")]), constraints((), [uri("other.example")])):
            limited = ca(extensions=[limits])
            assert self.path_errors(LEAF, limited) == {"chain.uri-constraints"}
            assert self.path_errors(made(names=[dns(TARGET)]), limited) == set()
            assert self.path_errors(made(names=[dns(TARGET), uri("https://example.com/")]), limited) == set()
        assert self.path_errors(LEAF, ca(extensions=[constraints([dns(DOMAIN)])])) == set()

    def test_one_good_path_is_enough(self) -> None:
        bad, good = ca(validity=valid_between("240101", "250101")), ca("CA", "Other", 7)
        records = bad.record(2, 0, 1), good.record(2, 0, 1)
        assert errors(found(*records, chain=(LEAF, bad, good))) == set()
        assert errors(found(records[0], chain=(LEAF, bad, good))) == {"chain.expired"}

    def test_an_authority_that_cannot_be_read_is_told(self) -> None:
        broken = made("CA", "Root", 2, extensions=[extension("2.5.29.19", b"\x30\x01")])
        assert errors(found(broken.record(2, 0, 1), chain=(LEAF, broken))) == {"chain.malformed"}


class TestWhatARecordIsGoodFor:
    def test_each_record_is_told_with_what_it_would_have_to_hold(self) -> None:
        records = (
            LEAF.record(3, 1, 1), OTHER.record(3, 1, 1), ROOT.record(2, 0, 1), OTHER_CA.record(2, 1, 1),
            Tlsa("", 9, 1, 1, b""), LEAF.record(3, 0, 1), OTHER.record(3, 0, 2), OTHER_CA.record(0, 0, 1),
        )  # fmt: skip
        results = examine(records, Served(ders(*CHAIN)), Policy())
        assert [each.result for each in results] == [
            "match", "no-match", "match", "no-match", "unusable", "set-aside", "no-match", "no-match",
        ]  # fmt: skip
        assert results[1].computed == (("the server's certificate", LEAF.record(3, 1, 1).data),)
        assert [data for _, data in results[3].computed] == [CA.record(2, 1, 1).data, ROOT.record(2, 1, 1).data]
        assert results[0].reason == "matches the server's certificate"
        assert results[2].reason == "matches the certificate authority 2 above it"

    def test_what_only_the_record_holds_is_told_as_such(self) -> None:
        (only,) = examine([ROOT.record(2, 0, 0)], Served(ders(LEAF, CA)), Policy())
        assert only.reason == "matches a certificate authority that only the record holds"

    def test_without_a_server_nothing_is_known(self) -> None:
        (only,) = examine([LEAF.record(3, 1, 1)], Served(), Policy())
        assert (only.result, only.computed) == ("unknown", ())
        (root,) = examine([ROOT.record(0, 0, 1)], Served(ders(LEAF, CA)), Policy())
        assert root.result == "unknown"

    @pytest.mark.req("R7671-5.1-3")
    def test_a_bare_key_matches_records_of_keys_only(self) -> None:
        bare = Served(key=LEAF.spki)
        records = [LEAF.record(*form) for form in FORMS]
        matched = [(r.usage, r.selector) for r in records if bare.matches(r)]
        assert set(matched) == {(1, 1), (3, 1)}
        results = examine([OTHER.record(3, 1, 1), OTHER.record(3, 0, 1), LEAF.record(3, 1, 1)], bare, Policy())
        assert results[0].computed == (("the server's key", LEAF.record(3, 1, 1).data),)
        assert results[1].computed == ()
        assert results[2].reason == "matches the server's key"

    @pytest.mark.req("R7671-8-1")
    def test_what_is_missing_for_each_form_is_made_for_what_is_presented(self) -> None:
        records = LEAF.record(3, 1, 1), OTHER.record(3, 1, 1), OTHER.record(3, 0, 1), OTHER.record(3, 1, 2)
        served = Served(ders(*CHAIN))
        others = OTHER_CA.record(2, 0, 1), Tlsa("", 9, 1, 1, b"")
        wanted = missing(examine((*records, *others), served, Policy()), served)
        assert [str(each) for each in wanted] == [str(LEAF.record(3, 0, 1)), str(LEAF.record(3, 1, 2))]
        assert "dane.form-unmatched" not in codes(found(*records, *wanted))
        bare = Served(key=LEAF.spki)
        of_key = missing(examine([OTHER.record(3, 1, 1), OTHER.record(3, 0, 1)], bare, Policy()), bare)
        assert [str(each) for each in of_key] == [str(LEAF.record(3, 1, 1))]
        assert missing((), served) == ()

    @pytest.mark.req("R7218-2-1")
    def test_forms_are_shown_with_their_acronyms(self) -> None:
        assert form_text((3, 1, 1)) == "DANE-EE(3) SPKI(1) SHA2-256(1)"
        assert form_text((0, 0, 0)) == "PKIX-TA(0) Cert(0) Full(0)"
        assert form_text((255, 255, 255)) == "PrivCert(255) PrivSel(255) PrivMatch(255)"
        assert form_text((4, 2, 3)) == "4 2 3"


class TestWhatANewRecordNames:
    def test_an_authority_alone_names_itself(self) -> None:
        assert str(Served((ROOT.der,)).record((2, 0, 1))) == str(ROOT.record(2, 0, 1))

    def test_without_an_authority_there_is_no_such_record(self) -> None:
        for chain in ((LEAF.der,), ()):
            with pytest.raises(InvalidRecord, match="authority"):
                Served(chain).record((2, 0, 1))
        with pytest.raises(InvalidRecord, match="the server's certificate"):
            Served().record((3, 1, 1))
        broken = made(extensions=[extension("2.5.29.19", b"\x30\x01")])
        with pytest.raises(InvalidRecord, match="authority"):
            Served((broken.der,)).record((2, 0, 1))

    def test_a_key_alone_makes_no_record_of_a_certificate(self) -> None:
        with pytest.raises(InvalidRecord, match="only a key"):
            Served(key=LEAF.spki).record((3, 0, 1))
        assert str(Served(key=LEAF.spki).record((3, 1, 2))) == str(LEAF.record(3, 1, 2))

    def test_a_certificate_that_is_sent_twice_counts_once(self) -> None:
        served = Served(ders(LEAF, LEAF, CA, CA, OTHER_CA))
        assert [each.der for each in served.above] == [CA.der]
        assert [each.der for each in served.strangers] == [OTHER_CA.der]

    def test_a_certificate_does_not_stand_above_itself(self) -> None:
        own = made("leaf", "leaf")
        assert Served((own.der,), (own.der, ROOT.der)).above == ()

    def test_authorities_that_name_each_other_end_somewhere(self) -> None:
        one, two = ca("CA", "Root", 2), ca("Root", "CA", 1)
        served = Served(ders(LEAF, one, two))
        assert [each.der for each in served.path_to(served.above[-1])] == [LEAF.der, one.der, two.der]


POOL = [each.record(*form) for each in (LEAF, CA, ROOT, OTHER, OTHER_CA) for form in FORMS]
DIGESTS: tuple[tuple[Digest, ...], ...] = (("sha512", "sha256"), ("sha256", "sha512"), ("sha256",))
CLIENTS = [
    Policy(tlsa_usages=frozenset(usages), digests=digests)
    for usages in ({0, 1, 2, 3}, {2, 3}, {0, 1}, {0}, {1}, {2}, {3})
    for digests in DIGESTS
]


@pytest.mark.req("R7671-8-1", "R7671-9-4", "R7671-10.3-2")
@given(st.lists(st.sampled_from(POOL), min_size=1, max_size=6, unique_by=str))
def test_what_has_no_error_is_accepted_by_clients_of_every_kind(records: list[Tlsa]) -> None:
    if errors(found(*records)):
        return
    for policy in CLIENTS:
        assert judge(CHAIN, *records, valid=[CHAIN], policy=policy).accepted


@pytest.mark.req("R7671-8-1", "R7671-9-4")
@given(
    st.integers(0, 3),
    st.integers(0, 1),
    st.lists(st.sampled_from([LEAF, CA, ROOT, OTHER]), min_size=1, max_size=2),
    st.lists(st.sampled_from([LEAF, CA, ROOT, OTHER]), min_size=1, max_size=2),
)
def test_an_error_in_one_usage_and_selector_is_a_client_that_refuses(
    usage: int, selector: int, with_256: list[Made], with_512: list[Made]
) -> None:
    records = [
        *[each.record(usage, selector, 1) for each in with_256],
        *[each.record(usage, selector, 2) for each in with_512],
    ]
    verdicts = [judge(CHAIN, *records, valid=[CHAIN], policy=policy).accepted for policy in CLIENTS]
    assert bool(errors(found(*records))) is not all(verdicts)


# Of a certificate that only the DNS holds no octet but those of name and key says whether it is the anchor.
@given(st.sampled_from([f for f in FORMS if f[2] or f[0] in (1, 3)]), st.integers(0, 10**6), st.integers(1, 255))
def test_any_change_of_the_data_makes_a_match_none(form: tuple[int, int, int], place: int, change: int) -> None:
    served = Served(ders(*CHAIN))
    record = served.record(form)
    octets = bytearray(record.data)
    octets[place % len(octets)] ^= change
    changed = Tlsa("", *form, bytes(octets))
    assert served.matches(record)
    assert not served.matches(changed)
    strict = Policy(strict_dane=True)  # full data may have become unusable
    assert not judge(CHAIN, changed, valid=[CHAIN], policy=strict).accepted


@given(st.lists(st.binary(max_size=80), max_size=4), st.lists(st.binary(max_size=80), max_size=4))
def test_nothing_that_the_network_says_makes_it_raise(chain: list[bytes], data: list[bytes]) -> None:
    records = [Tlsa("", n % 5, n % 3, n % 4, each) for n, each in enumerate(data)]
    for given_chain in (chain, [LEAF.der, *chain, CA.der]):
        findings = lint(records, chain=given_chain, base=TARGET, domain=DOMAIN, at=datetime.now(UTC) + timedelta(1))
        assert codes(findings) <= CATALOGUE.keys()


@given(st.data())
def test_no_mutated_certificate_makes_it_raise(data: st.DataObject) -> None:
    chain = [bytearray(each.der) for each in (NAMED, CA, ROOT)]
    octets = data.draw(st.sampled_from(chain))
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    whole = [bytes(each) for each in chain]
    records = [
        *[each.record(*form) for each, form in zip((NAMED, CA, ROOT), FORMS[6:9], strict=True)],
        Tlsa("", 2, 0, 0, whole[1]), Tlsa("", 0, 0, 0, whole[2]), LEAF.record(1, 1, 1), ROOT.record(2, 1, 1),
    ]  # fmt: skip
    findings = lint(records, chain=whole, base=TARGET, domain=DOMAIN, at=AT)
    assert codes(findings) <= CATALOGUE.keys()
