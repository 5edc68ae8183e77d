"""The four certificate usages against chains right and wrong (RFC 6698 section 2.1.1, RFC 7671 section 5)."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from forged import EMAIL_PROTECTION, authority, certificate, common_name, constraints, dns, extension, purposes, uri
from judging import (
    CA,
    DOMAIN,
    LEAF,
    OTHER,
    OTHER_CA,
    ROOT,
    TARGET,
    TARGET_LEAF,
    Court,
    Made,
    ca,
    codes,
    judge,
    made,
    said,
    valid_between,
)
from siptls import Identity, Limits, Policy
from siptls.dns.records import Tlsa

WAY = (LEAF, CA, ROOT)
METHODS = ("pkix-ta", "pkix-ee", "dane-ta", "dane-ee")
COMBINATIONS = [(u, s, m) for u in range(4) for s in range(2) for m in range(3)]

NEVER_VALID = valid_between("270101", "260101")
STRANGER = made(names=[uri("sip:stranger.example")])
EXPIRED = made(names=[uri(f"sip:{DOMAIN}")], validity=valid_between("240101", "250101"))


class TestTheTwentyFourCombinations:
    @pytest.mark.req(
        "R6698-6-1", "R6698-2.1.1-0", "R6698-2.1.1-1", "R6698-2.1.1-2", "R6698-2.1.1-3", "R6698-4.1-1", "R6698-4.1-9",
        "R7673-4.2-2", "R7671-2-1", "S-A-4", "S-A-5", "S-A-6", "S-A-17", "S-A-18", "D-STATE-8",
    )  # fmt: skip
    @pytest.mark.parametrize(("usage", "selector", "matching"), COMBINATIONS)
    def test_a_match_accepts_by_the_method_of_its_usage(self, usage: int, selector: int, matching: int) -> None:
        named = CA if usage in (0, 2) else LEAF
        verdict = judge([LEAF, CA], named.record(usage, selector, matching), valid=[WAY])
        assert said(verdict) == ("ACCEPTED", METHODS[usage], "dane.match")

    @pytest.mark.req(
        "R6698-2.1.1-0", "R6698-2.1.1-1", "R6698-2.1.1-2", "R6698-2.1.1-3", "R6698-4.1-7", "R7673-1-1", "S-A-19",
        "R7671-4.1-2", "A-32", "D-STATE-8",
    )  # fmt: skip
    @pytest.mark.parametrize(("usage", "selector", "matching"), COMBINATIONS)
    def test_a_mismatch_rejects_although_pkix_would_accept(self, usage: int, selector: int, matching: int) -> None:
        other = OTHER_CA if usage in (0, 2) else OTHER
        verdict = judge([LEAF, CA], other.record(usage, selector, matching), valid=[WAY])
        code = "dane.no-match"
        if usage == 2:
            code = "dane.ta-not-sent" if matching else "chain.unknown-ca"
        assert said(verdict) == ("REJECTED", "none", code)
        assert verdict.identities == ()

    @pytest.mark.req("R6698-2.1.1-0", "R6698-2.1.1-1", "R7671-4-2", "R7671-5.3-1", "R5922-7.1-1", "GJ-4")
    @pytest.mark.parametrize(("usage", "selector", "matching"), [c for c in COMBINATIONS if c[0] < 3])
    def test_a_match_without_a_valid_path_rejects(self, usage: int, selector: int, matching: int) -> None:
        named = LEAF if usage == 1 else CA
        verdict = judge([LEAF, CA], named.record(usage, selector, matching))
        assert said(verdict) == ("REJECTED", "none", "chain.unknown-ca")

    @pytest.mark.req("R6698-2.1.1-0", "R7671-5.1-1", "R7671-5.2-2", "R7671-5.3-1", "R7671-10.2-2", "D-REF-3", "D-REF-4")
    @pytest.mark.parametrize(("usage", "accepted"), [(0, False), (1, False), (2, False), (3, True)])
    def test_wrong_names_count_with_every_usage_but_dane_ee(self, usage: int, accepted: bool) -> None:
        named = CA if usage in (0, 2) else STRANGER
        verdict = judge([STRANGER, CA], named.record(usage, 1, 1), valid=[(STRANGER, CA, ROOT)])
        assert verdict.accepted is accepted
        assert verdict.code == ("dane.match" if accepted else "id.mismatch")


class TestSeveralRecords:
    @pytest.mark.req("T-D03", "R6698-4.1-8")
    @pytest.mark.parametrize("usage", range(4))
    @pytest.mark.parametrize("other_usage", range(4))
    def test_one_matching_record_is_enough_whatever_stands_beside_it(self, usage: int, other_usage: int) -> None:
        match = (CA if usage in (0, 2) else LEAF).record(usage, 1, 1)
        mismatch = (OTHER_CA if other_usage in (0, 2) else OTHER).record(other_usage, 0, 1)
        for records in permutations([match, mismatch]):
            assert said(judge([LEAF, CA], *records, valid=[WAY])) == ("ACCEPTED", METHODS[usage], "dane.match")

    @pytest.mark.req("T-D03")
    def test_a_dane_ee_match_needs_none_of_what_dane_ta_lacks(self) -> None:
        records = [LEAF.record(3, 1, 1), CA.record(2, 0, 1)]
        assert said(judge([LEAF, CA], *records)) == ("ACCEPTED", "dane-ee", "dane.match")

    @pytest.mark.req("T-D03")
    def test_when_one_usage_finds_no_path_the_next_is_tried(self) -> None:
        records = [OTHER_CA.record(2, 0, 0), LEAF.record(1, 1, 1)]
        court = Court([LEAF, CA], records, valid=[WAY])
        assert said(court.verdict()) == ("ACCEPTED", "pkix-ee", "dane.match")
        assert len(court.questions) == 2

    @pytest.mark.req("T-D02", "R6698-4.1-5", "R6698-4.1-7")
    def test_unusable_records_beside_a_usable_one_change_nothing(self) -> None:
        broken = [Tlsa("", 3, 1, 1, bytes(31)), Tlsa("", 7, 1, 1, bytes(32)), Tlsa("", 3, 0, 0, b"junk")]
        assert judge([LEAF], *broken, LEAF.record(3, 1, 1)).code == "dane.match"
        assert judge([LEAF, CA], *broken, OTHER.record(3, 1, 1), valid=[WAY]).code == "dane.no-match"

    @pytest.mark.req("T-D10", "R7671-9-1")
    @pytest.mark.parametrize("usage", [1, 3])
    def test_a_match_by_the_weaker_digest_only_is_none(self, usage: int) -> None:
        weak, strong = LEAF.record(usage, 1, 1), OTHER.record(usage, 1, 2)
        assert judge([LEAF, CA], weak, strong, valid=[WAY]).code == "dane.no-match"
        assert judge([LEAF, CA], weak, strong, LEAF.record(usage, 1, 0), valid=[WAY]).accepted
        assert judge([LEAF, CA], weak, OTHER.record(usage, 0, 2), valid=[WAY]).accepted

    @pytest.mark.req("T-D02", "R6698-4.1-7", "R7673-4.1-1", "A-06", "D-STATE-7")
    @pytest.mark.parametrize(
        "broken",
        [
            Tlsa("", 4, 1, 1, bytes(32)),
            Tlsa("", 3, 2, 1, bytes(32)),
            Tlsa("", 3, 1, 9, bytes(32)),
            Tlsa("", 3, 1, 1, bytes(31)),
            Tlsa("", 3, 1, 1, b""),
            Tlsa("", 3, 0, 0, LEAF.der + b"\0"),
        ],
    )
    def test_when_all_are_unusable_pkix_decides_and_both_names_count(self, broken: Tlsa) -> None:
        assert said(judge([LEAF, CA], broken, valid=[WAY])) == ("ACCEPTED", "pkix", "id.match")
        verdict = judge([TARGET_LEAF, CA], broken, valid=[(TARGET_LEAF, CA, ROOT)])
        assert said(verdict) == ("ACCEPTED", "pkix", "id.match-target")
        assert "dane.unusable" in codes(verdict)
        assert said(judge([LEAF, CA], broken)) == ("REJECTED", "none", "chain.unknown-ca")

    @pytest.mark.req("A-06", "R7671-10.3-1", "D-STATE-7", "D-STATE-11")
    @pytest.mark.parametrize("target", [TARGET, None])
    def test_when_all_are_unusable_strict_dane_refuses(self, target: str | None) -> None:
        policy = Policy(strict_dane=True)
        verdict = judge([LEAF, CA], Tlsa("", 4, 1, 1, b""), valid=[WAY], target=target, policy=policy)
        assert said(verdict) == ("REJECTED", "none", "dane.unusable")
        assert judge([LEAF, CA], LEAF.record(3, 1, 1), target=target, policy=policy).accepted
        assert judge([LEAF, CA], valid=[WAY], target=target, policy=policy).accepted  # no records are not bad records

    @pytest.mark.req("A-17", "R7671-4-1")
    def test_a_lone_record_of_a_disabled_pkix_usage_still_constrains_the_path(self) -> None:
        policy = Policy(tlsa_usages=frozenset({2, 3}))
        assert judge([LEAF, CA], OTHER.record(1, 1, 1), valid=[WAY], policy=policy).code == "dane.no-match"
        verdict = judge([LEAF, CA], LEAF.record(1, 1, 1), valid=[WAY], policy=policy)
        assert said(verdict) == ("ACCEPTED", "pkix-ee", "dane.match")

    @pytest.mark.req("A-17", "A-06")
    def test_lone_records_of_disabled_dane_usages_leave_pkix(self) -> None:
        policy = Policy(tlsa_usages=frozenset({0, 1}))
        verdict = judge([LEAF, CA], OTHER.record(3, 1, 1), valid=[WAY], policy=policy)
        assert said(verdict) == ("ACCEPTED", "pkix", "id.match")

    @pytest.mark.req("A-17")
    @pytest.mark.parametrize("usage", [0, 1])
    @pytest.mark.parametrize(("enabled", "noted"), [({0, 1, 2, 3}, True), ({0, 1, 3}, True), ({0, 1}, False)])
    def test_leaning_on_a_pkix_usage_while_dane_usages_are_enabled_is_noted(
        self, usage: int, enabled: set[int], noted: bool
    ) -> None:
        record = (LEAF if usage else CA).record(usage, 1, 1)
        policy = Policy(tlsa_usages=frozenset(enabled))
        verdict = judge([LEAF, CA], record, valid=[WAY], policy=policy)
        assert verdict.accepted
        assert ("dane.pkix-usage" in codes(verdict)) is noted


class TestDaneEe:
    @pytest.mark.req(
        "T-D09", "R6698-2.1.1-3", "R7671-5.1-1", "R7671-5.1-2", "R7673-4.2-1", "A-22", "S-A-8", "D-REF-4",
    )  # fmt: skip
    @pytest.mark.parametrize(
        "leaf",
        [
            made(validity=NEVER_VALID),
            EXPIRED,
            made(validity=valid_between("300101", "310101")),
            made(names=[uri("sip:other.example"), dns("*.example.net")]),
            made(names=[dns("\0")]),
            made(eku=[EMAIL_PROTECTION]),
            made(extensions=[extension("2.5.29.15", b"\x03\x02\x02\x04")]),  # keyCertSign only
            made(extensions=[extension("1.2.3.4", b"", critical=True)]),
            made("self", "self"),
            made(extensions=[extension("2.5.29.17", b"\x30\x00")] * 2),  # malformed, and twice
            made(all_extensions=b"\xa3\x02\xff\xff"),
            ca("an authority"),
        ],
    )
    @pytest.mark.parametrize("selector", [0, 1])
    def test_only_the_match_counts(self, leaf: Made, selector: int) -> None:
        court = Court([leaf], [leaf.record(3, selector, 1)], trusted=[])
        verdict = court.verdict()
        assert said(verdict) == ("ACCEPTED", "dane-ee", "dane.match")
        assert verdict.identities == (Identity(DOMAIN, "dane"),)
        assert verdict.expires == float("inf")
        assert court.questions == []

    @pytest.mark.req("A-22", "R6698-2.1.2-1")
    def test_a_record_of_the_key_outlives_the_certificate_and_one_of_the_certificate_does_not(self) -> None:
        renewed = made(names=[dns("renewed.example")])
        assert renewed.spki == LEAF.spki
        assert judge([renewed], LEAF.record(3, 1, 1)).accepted
        assert judge([renewed], LEAF.record(3, 0, 1)).code == "dane.no-match"

    @pytest.mark.req("A-22")
    def test_a_certificate_whose_key_cannot_be_read_is_rejected_although_its_digest_matches(self) -> None:
        broken = Made(certificate(spki=b"\x30\x03\x02\x01\x05"), b"")
        assert said(judge([broken], broken.record(3, 0, 1))) == ("REJECTED", "none", "cert.malformed")

    @pytest.mark.req("R6698-2.1.1-3")
    def test_only_the_peers_own_certificate_is_held_against_it(self) -> None:
        assert judge([LEAF, CA, ROOT], CA.record(3, 1, 1), valid=[WAY]).code == "dane.no-match"


class TestDaneTa:
    @pytest.mark.req("T-D04", "R6698-2.1.1-2", "R7671-5.2.2-3", "S-A-6")
    @pytest.mark.parametrize("selector", [0, 1])
    @pytest.mark.parametrize("matching", [0, 1, 2])
    def test_a_private_authority_in_the_chain_needs_no_local_trust(self, selector: int, matching: int) -> None:
        court = Court([LEAF, CA, ROOT], [ROOT.record(2, selector, matching)], valid=[WAY], trusted=[])
        assert said(court.verdict()) == ("ACCEPTED", "dane-ta", "dane.match")
        (question,) = court.questions
        assert question.anchors.certificates == ((ROOT.der,) if selector == 0 else ())

    @pytest.mark.req("R7671-5.2.2-1")
    def test_a_full_certificate_in_the_dns_need_not_be_sent(self) -> None:
        record = ROOT.record(2, 0, 0)
        assert said(judge([LEAF, CA], record, valid=[WAY], trusted=[])) == ("ACCEPTED", "dane-ta", "dane.match")

    @pytest.mark.req("R7671-5.2.2-2")
    @pytest.mark.parametrize("selector", [0, 1])
    @pytest.mark.parametrize("matching", [1, 2])
    def test_a_digest_of_what_is_not_sent_cannot_match(self, selector: int, matching: int) -> None:
        verdict = judge([LEAF, CA], ROOT.record(2, selector, matching), valid=[WAY])
        assert said(verdict) == ("REJECTED", "none", "dane.ta-not-sent")

    @pytest.mark.req("R7671-5.2.3-1", "T-D06")
    @pytest.mark.parametrize("chain", [(LEAF,), (LEAF, CA), (LEAF, CA, ROOT)])
    def test_a_bare_key_is_an_anchor_for_whatever_it_may_have_signed(self, chain: tuple[Made, ...]) -> None:
        signer = CA if chain == (LEAF,) else ROOT
        court = Court(chain, [signer.record(2, 1, 0)], valid=[WAY], trusted=[])
        assert said(court.verdict()) == ("ACCEPTED", "dane-ta", "dane.match")
        (question,) = court.questions
        assert {anchor.spki for anchor in question.anchors.keys} == {signer.spki}
        issuers = {common_name("CA"), common_name("Root")} if len(chain) > 1 else {common_name("CA")}
        assert {anchor.name for anchor in question.anchors.keys} == issuers

    @pytest.mark.req("R7671-5.2.3-1", "T-D06")
    def test_a_wrong_bare_key_is_no_anchor(self) -> None:
        verdict = judge([LEAF, CA], OTHER_CA.record(2, 1, 0), valid=[WAY])
        assert said(verdict) == ("REJECTED", "none", "chain.unknown-ca")

    @pytest.mark.req("T-D05", "A-21", "R6698-A.1-1")
    @pytest.mark.parametrize("selector", [0, 1])
    @pytest.mark.parametrize("matching", [0, 1, 2])
    def test_a_certificate_is_never_its_own_anchor(self, selector: int, matching: int) -> None:
        alone = made("self", "self", names=[uri(f"sip:{DOMAIN}")])
        record = alone.record(2, selector, matching)
        for chain in ([alone], [alone, alone], [alone, ROOT]):
            court = Court(chain, [record], valid=[(alone, alone), (alone, ROOT)])
            assert court.verdict().outcome.value == "REJECTED"
            assert court.questions == []

    @pytest.mark.req("T-D05", "A-21")
    @pytest.mark.parametrize("selector", [0, 1])
    @pytest.mark.parametrize("matching", [0, 1, 2])
    def test_nor_in_the_clothes_of_an_authority_with_its_key(self, selector: int, matching: int) -> None:
        leaf = made("leaf", "disguise", 5, names=[uri(f"sip:{DOMAIN}")])
        disguise = ca("disguise", "disguise", 5)
        assert leaf.spki == disguise.spki
        court = Court([leaf, disguise], [disguise.record(2, selector, matching)], valid=[(leaf, disguise)])
        assert court.verdict().outcome.value == "REJECTED"
        assert court.questions == []

    @pytest.mark.req("T-D07")
    @pytest.mark.parametrize("selector", [0, 1])
    def test_an_anchor_that_is_sent_but_did_not_issue_the_chain_proves_nothing(self, selector: int) -> None:
        evil = ca("Evil CA", "Evil CA", 6)
        leaf = made("leaf", "Evil CA", 7, names=[uri(f"sip:{DOMAIN}")])
        verdict = judge([leaf, evil, ROOT], ROOT.record(2, selector, 1), valid=[(leaf, evil)])
        assert said(verdict) == ("REJECTED", "none", "chain.unknown-ca")

    @pytest.mark.req("R6698-A.1.1-1", "T-D08")
    def test_with_a_cross_signed_authority_the_path_ends_at_the_named_certificate(self) -> None:
        cross = ca("CA", "Other CA", 2)
        assert cross.spki == CA.spki
        ways = [WAY, (LEAF, cross, OTHER_CA)]
        for chain in ([LEAF, CA, cross], [LEAF, cross, CA]):
            court = Court(chain, [cross.record(2, 0, 1)], valid=ways, trusted=[])
            assert court.verdict().accepted
            assert court.questions[0].anchors.certificates == (cross.der,)
            by_key = Court(chain, [cross.record(2, 1, 1)], valid=ways, trusted=[])
            assert by_key.verdict().accepted

    @pytest.mark.req("R7671-5.2-2", "R7673-9.2-1", "D-PATH-1", "D-PATH-2")
    @pytest.mark.parametrize(
        ("leaf", "above", "code"),
        [
            (STRANGER, CA, "id.mismatch"),
            (EXPIRED, CA, "chain.expired"),
            (made(names=[uri(f"sip:{DOMAIN}")], eku=[EMAIL_PROTECTION]), CA, "chain.eku"),
            (LEAF, ca(extensions=[purposes(EMAIL_PROTECTION)]), "chain.eku"),
            (LEAF, ca(extensions=[constraints(permitted=[dns("evil.example")])]), "chain.name-constraints"),
            (LEAF, ca(extensions=[constraints(excluded=[dns(DOMAIN)])]), "chain.name-constraints"),
        ],
    )
    def test_names_dates_purposes_and_constraints_count(self, leaf: Made, above: Made, code: str) -> None:
        valid = [] if leaf is EXPIRED else [(leaf, above, ROOT)]
        verdict = judge([leaf, above, ROOT], ROOT.record(2, 0, 1), valid=valid, trusted=[])
        assert said(verdict) == ("REJECTED", "none", code)

    @pytest.mark.req("R7671-6-1", "A-16")
    def test_the_names_under_a_zones_own_anchor_prove_only_the_domain(self) -> None:
        leaf = made(names=[uri(f"sip:{DOMAIN}"), uri("sip:bank.example")])
        verdict = judge([leaf, CA], CA.record(2, 0, 1), valid=[(leaf, CA, ROOT)], trusted=[])
        assert verdict.identities == (Identity(DOMAIN, "dane"),)

    @pytest.mark.req("R6698-4.1-5")
    def test_a_leaf_that_is_malformed_behind_its_key_is_rejected(self) -> None:
        for twice in (made(extensions=[authority()] * 2), made(all_extensions=b"\xa3\x02\xff\xff")):
            for record in (CA.record(2, 1, 1), CA.record(2, 0, 0), CA.record(2, 1, 0)):
                verdict = judge([twice, CA], record, valid=[(twice, CA)])
                assert said(verdict) == ("REJECTED", "none", "cert.malformed")

    def test_a_malformed_issuer_is_passed_over(self) -> None:
        verdict = judge([LEAF, b"junk", CA], CA.record(2, 0, 1), valid=[WAY], trusted=[])
        assert said(verdict) == ("ACCEPTED", "dane-ta", "dane.match")

    def test_a_malformed_issuer_matches_by_no_digest(self) -> None:
        junk = Made(b"junk", b"")
        assert judge([LEAF, junk], junk.record(2, 0, 1)).code == "dane.ta-not-sent"

    def test_the_order_of_many_full_records_decides_nothing(self) -> None:
        strangers = [ca(f"CA {n}", f"CA {n}", n).record(2, 0, 0) for n in range(20, 40)]
        policy = Policy(limits=Limits(paths=3))
        found = {
            judge([LEAF, CA], *records, valid=[WAY], trusted=[], policy=policy).code
            for records in ([*strangers, ROOT.record(2, 0, 0)], [ROOT.record(2, 0, 0), *strangers])
        }
        assert len(found) == 1


class TestPkixTa:
    @pytest.mark.req("R6698-2.1.1-0", "R7671-5.4-1")
    @pytest.mark.parametrize("named", [CA, ROOT])
    @pytest.mark.parametrize("selector", [0, 1])
    def test_any_authority_of_the_path_can_be_named_sent_or_not(self, named: Made, selector: int) -> None:
        court = Court([LEAF, CA], [named.record(0, selector, 1)], valid=[WAY])
        assert said(court.verdict()) == ("ACCEPTED", "pkix-ta", "dane.match")
        assert [question.through for question in court.questions] == [named.der]

    @pytest.mark.req("R7671-5.4-1")
    def test_a_trusted_intermediate_does_not_end_the_path_before_the_named_root(self) -> None:
        court = Court([LEAF], [ROOT.record(0, 0, 1)], valid=[WAY], trusted=[CA, ROOT])
        assert court.verdict().accepted
        assert [question.through for question in court.questions] == [ROOT.der]

    @pytest.mark.req("R6698-2.1.1-0")
    @pytest.mark.parametrize("selector", [0, 1])
    def test_the_leaf_is_no_authority_even_if_it_is_sent_twice(self, selector: int) -> None:
        for chain in ([LEAF, CA], [LEAF, LEAF, CA]):
            court = Court(chain, [LEAF.record(0, selector, 1)], valid=[WAY, (LEAF, LEAF, CA, ROOT)])
            assert court.verdict().code == "dane.ta-depth-0"
            assert court.questions == []

    def test_an_authority_that_is_both_sent_and_trusted_is_asked_about_once(self) -> None:
        court = Court([LEAF, CA, ROOT], [ROOT.record(0, 0, 1)], valid=[WAY])
        assert court.verdict().accepted
        refused = Court([LEAF, CA, ROOT], [ROOT.record(0, 0, 1)])
        assert not refused.verdict().accepted
        assert len(court.questions) == len(refused.questions) == 1

    def test_anchors_that_cannot_be_read_are_passed_over(self) -> None:
        junk = Made(b"junk", b"")
        court = Court([LEAF, CA], [CA.record(0, 1, 1)], valid=[WAY], trusted=[junk, ROOT])
        assert said(court.verdict()) == ("ACCEPTED", "pkix-ta", "dane.match")

    @pytest.mark.req("D-PATH-3", "T-D08", "R6698-A.1.1-1")
    def test_a_cross_signed_pair_is_judged_alike_in_both_orders(self) -> None:
        cross = ca("CA", "Other CA", 2)
        for record in (CA.record(0, 0, 1), CA.record(0, 1, 1)):
            verdicts = [
                judge(chain, record, valid=[WAY, (LEAF, cross, OTHER_CA)])
                for chain in ([LEAF, CA, cross], [LEAF, cross, CA])
            ]
            assert [said(verdict) for verdict in verdicts] == [("ACCEPTED", "pkix-ta", "dane.match")] * 2
        assert judge([LEAF, CA, cross], cross.record(0, 0, 1), valid=[WAY]).outcome.value == "REJECTED"

    @pytest.mark.req("D-PATH-3")
    def test_with_more_candidates_than_paths_the_order_decides_nothing_either(self) -> None:
        decoys = [ca("CA", f"Decoy {n}", 2) for n in range(6)]
        policy = Policy(limits=Limits(paths=2))
        chains = ([LEAF, CA, *decoys], [LEAF, *decoys, CA], [LEAF, *decoys[3:], CA, *decoys[:3]])
        court = Court((), [CA.record(0, 1, 1)], valid=[WAY], policy=policy)
        courts = [replace(court, chain=chain) for chain in chains]
        assert len({said(each.verdict()) for each in courts}) == 1
        assert {len(each.questions) for each in courts} <= {1, 2}
        assert said(courts[0].verdict())[2] in ("dane.match", "limit.paths")

    @pytest.mark.req("D-PATH-3")
    def test_at_most_as_many_paths_are_asked_for_as_the_limits_allow(self) -> None:
        decoys = [ca("CA", f"Decoy {n}", 2) for n in range(19)]
        court = Court([LEAF, *decoys], [CA.record(0, 1, 1)])
        assert said(court.verdict()) == ("UNDETERMINED", "none", "limit.paths")
        assert len(court.questions) == Limits().paths

    @pytest.mark.req("D-PATH-3", "R6698-4.1-8")
    def test_records_for_authorities_of_others_leave_the_own_one_its_turn(self) -> None:
        """A zone may name more roots than paths are asked for; the order of the trust store decides nothing."""
        roots = [ca(f"Root {n}", f"Root {n}", 70 + n) for n in range(10)]
        records = [root.record(0, 0, 1) for root in roots]
        for own in (roots[0], roots[9]):
            middle = ca("CA", f"Root {roots.index(own)}", 2)
            for trusted in (roots, roots[::-1]):
                court = Court([LEAF, middle], records, valid=[(LEAF, middle, own)], trusted=trusted)
                assert said(court.verdict()) == ("ACCEPTED", "pkix-ta", "dane.match")
                assert len(court.questions) == 1

    @pytest.mark.req("A-16")
    @pytest.mark.parametrize("usage", [0, 1])
    def test_a_locally_trusted_path_proves_all_names_of_the_certificate(self, usage: int) -> None:
        leaf = made(names=[uri(f"sip:{DOMAIN}"), uri("sip:bank.example")])
        record = (leaf if usage else CA).record(usage, 1, 1)
        verdict = judge([leaf, CA], record, valid=[(leaf, CA, ROOT)])
        assert verdict.identities == (Identity(DOMAIN, "uri"), Identity("bank.example", "uri"))


class TestPkixEe:
    @pytest.mark.req("R7671-5.3-1", "R6698-2.1.1-1")
    def test_the_path_is_looked_for_only_after_a_match(self) -> None:
        court = Court([LEAF, CA], [OTHER.record(1, 1, 1)], valid=[WAY])
        assert court.verdict().code == "dane.no-match"
        assert court.questions == []

    @pytest.mark.req("R7671-5.3-1")
    def test_the_target_host_is_a_reference_too(self) -> None:
        verdict = judge([TARGET_LEAF, CA], TARGET_LEAF.record(1, 1, 1), valid=[(TARGET_LEAF, CA, ROOT)])
        assert said(verdict) == ("ACCEPTED", "pkix-ee", "dane.match")
        assert verdict.identities == (Identity(DOMAIN, "delegation"), Identity(TARGET, "dns"))
