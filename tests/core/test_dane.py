"""TLSA records: text form, usability, agility, matching (RFC 6698, 7218, 7671)."""

from __future__ import annotations

import hashlib
import json
import ssl
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import certificate, sequence
from judging import CA, LEAF, OTHER, ROOT, judge, said
from siptls import Certificate, InvalidCertificate, InvalidRecord, Policy
from siptls.dane import Matcher, RecordSet, acronyms, association, parse, unusable
from siptls.dns.records import Tlsa
from siptls.policy import Digest
from world import AT

VECTORS = Path(__file__).parents[1] / "vectors" / "rfc6698"
APPENDIX_C: dict[str, str] = json.loads((VECTORS / "appendix_c.json").read_text(encoding="ascii"))
APPENDIX_C_DER = (VECTORS / "appendix_c.der").read_bytes()

# RFC 7671 section 9.
AGILITY = (
    "3 1 1 3FE246A848798236DD2AB78D39F0651D 6B6E7CA8E2984012EB0A2E1AC8A87B72",
    """3 1 2 D4F5AF015B46C5057B841C7E7BAB759C BF029526D29520C5BE6A32C67475439E
             54AB3A945D80C743347C9BD4DADC9D8D 57FAB78EAA835362F3CA07CCC19A3214""",
    """3 1 0 3059301306072A8648CE3D020106082A 8648CE3D0301070342000471CB1F504F 9E4B33971376C005445DACD33CD79A28
             81C3DED1981F18E7AAA76609DD0E4EF2 8265C82703030AD60C5DBA6FB8A9397A C0FCF06D424C885D484887""",
)


class TestPresentationForm:
    @pytest.mark.req("R6698-2.2-1")
    def test_the_data_may_hold_white_space(self) -> None:
        record = parse("3 1 1 00112233 4455\t6677\n8899aabb", "_5061._tcp.sip1.host.example")
        assert (record.usage, record.selector, record.matching) == (3, 1, 1)
        assert record.data == bytes.fromhex("00112233445566778899aabb")
        assert record.owner == "_5061._tcp.sip1.host.example"

    @pytest.mark.req("R6698-2.2-1")
    @given(st.builds(Tlsa, st.just(""), *[st.integers(0, 255)] * 3, st.binary(min_size=1)))
    def test_what_is_written_is_read_back(self, record: Tlsa) -> None:
        again = parse(str(record))
        assert str(again) == str(record)
        assert again.data == record.data

    @pytest.mark.req("R7218-2-1")
    @pytest.mark.parametrize(
        ("words", "numbers"),
        [
            ("dane-ee spki sha2-256", (3, 1, 1)),
            ("DANE-EE SPKI SHA2-256", (3, 1, 1)),
            ("Dane-TA Cert Full", (2, 0, 0)),
            ("PKIX-EE cert SHA2-512", (1, 0, 2)),
            ("pkix-ta SPKI full", (0, 1, 0)),
            ("PrivCert PrivSel PrivMatch", (255, 255, 255)),
            ("3 SPKI 1", (3, 1, 1)),
        ],
    )
    def test_acronyms_are_read_in_any_case(self, words: str, numbers: tuple[int, int, int]) -> None:
        record = parse(f"{words} ab")
        assert (record.usage, record.selector, record.matching) == numbers

    @pytest.mark.req("R7218-2-1")
    @pytest.mark.parametrize(
        ("numbers", "words"),
        [
            ((0, 0, 0), "PKIX-TA Cert Full"),
            ((1, 1, 1), "PKIX-EE SPKI SHA2-256"),
            ((2, 0, 2), "DANE-TA Cert SHA2-512"),
            ((3, 1, 1), "DANE-EE SPKI SHA2-256"),
            ((255, 255, 255), "PrivCert PrivSel PrivMatch"),
            ((4, 2, 3), "4 2 3"),
        ],
    )
    def test_acronyms_are_shown_and_read_back(self, numbers: tuple[int, int, int], words: str) -> None:
        shown = acronyms(Tlsa("", *numbers, b"\xab"))
        assert shown == words
        again = parse(f"{shown} ab")
        assert (again.usage, again.selector, again.matching) == numbers

    @pytest.mark.req("R6698-2.2-1")
    @pytest.mark.parametrize(
        ("text", "wrong"),
        [
            ("", "certificate usage, selector"),
            ("3 1 1", "hexadecimal data"),
            ("256 1 1 ab", "certificate usage"),
            ("3 1000 1 ab", "selector"),
            ("3 1 -1 ab", "matching type"),
            ("\u0663 1 1 ab", "certificate usage"),  # a digit to str.isdigit() and int()
            ("3 dane-ee 1 ab", "selector"),
            ("3 1 1 abc", "even number"),
            ("3 1 1 0x12", "hexadecimal"),
            ("3 1 1 \uff41\uff42", "hexadecimal"),  # fullwidth letters
            ("3 1 1 ( ab )", "hexadecimal"),
        ],
    )
    def test_other_text_is_refused_and_the_field_is_named(self, text: str, wrong: str) -> None:
        with pytest.raises(InvalidRecord) as caught:
            parse(text)
        assert wrong in caught.value.expected
        assert caught.value.text == text

    @given(st.text())
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            record = parse(text)
        except InvalidRecord:
            return
        assert all(0 <= number <= 255 for number in (record.usage, record.selector, record.matching))


class TestUsability:
    @pytest.mark.req("R6698-6-1")
    @pytest.mark.parametrize("usage", range(4))
    @pytest.mark.parametrize("selector", range(2))
    @pytest.mark.parametrize("matching", range(3))
    def test_every_combination_of_the_standard_is_usable(self, usage: int, selector: int, matching: int) -> None:
        assert unusable(LEAF.record(usage, selector, matching)) == ""

    @pytest.mark.req("R6698-4.1-5", "T-D02")
    @pytest.mark.parametrize(
        ("usage", "selector", "matching", "data", "why"),
        [
            (4, 1, 1, bytes(32), "usage 4 is unknown"),
            (255, 1, 1, bytes(32), "usage 255 is unknown"),
            (3, 2, 1, bytes(32), "selector 2 is unknown"),
            (3, 255, 1, bytes(32), "selector 255 is unknown"),
            (3, 1, 3, bytes(32), "matching type 3 is unknown"),
            (3, 1, 9, bytes(32), "matching type 9 is unknown"),
            (3, 1, 1, bytes(31), "31 octets, not 32"),
            (3, 1, 1, bytes(33), "33 octets, not 32"),
            (3, 1, 1, b"", "0 octets, not 32"),
            (3, 1, 1, bytes(64), "64 octets, not 32"),
            (3, 1, 2, bytes(32), "32 octets, not 64"),
            (3, 1, 2, b"", "0 octets, not 64"),
            (3, 0, 0, b"", "not a certificate"),
            (3, 0, 0, bytes(32), "not a certificate"),
            (3, 0, 0, LEAF.der[:-1], "not a certificate"),
            (3, 0, 0, LEAF.der + b"\0", "not a certificate"),
            (3, 0, 0, LEAF.spki, "not a certificate"),
            (2, 0, 0, sequence(), "not a certificate"),
            (3, 1, 0, b"", "not a SubjectPublicKeyInfo"),
            (3, 1, 0, b"\x30", "not a SubjectPublicKeyInfo"),
            (3, 1, 0, bytes(32), "not a SubjectPublicKeyInfo"),
            (3, 1, 0, LEAF.spki[:-1], "not a SubjectPublicKeyInfo"),
            (3, 1, 0, LEAF.spki + b"\0", "not a SubjectPublicKeyInfo"),
            (3, 1, 0, LEAF.der, "not a SubjectPublicKeyInfo"),
            (2, 1, 0, sequence(), "not a SubjectPublicKeyInfo"),
            (2, 1, 0, b"\x30\x80\x00\x00", "not a SubjectPublicKeyInfo"),  # indefinite length
            (2, 1, 0, b"\x30\x81\x02\x05\x00", "not a SubjectPublicKeyInfo"),  # a longer length than it needs
        ],
    )
    def test_what_can_match_nothing_is_unusable_and_says_why(
        self, usage: int, selector: int, matching: int, data: bytes, why: str
    ) -> None:
        record = Tlsa("", usage, selector, matching, data)
        assert why in unusable(record)
        records = RecordSet([record], Policy())
        assert records.counting == []
        assert [code for code, _ in records.notes] == ["dane.record-unusable"]

    @pytest.mark.req("R6698-4.1-5")
    @given(st.builds(Tlsa, st.just(""), *[st.integers(0, 3)] * 3, st.binary(max_size=80)))
    def test_no_record_makes_it_raise(self, record: Tlsa) -> None:
        records = RecordSet([record], Policy())
        assert len(records.counting) + len(records.unusable) == 1

    @pytest.mark.req("R6698-4.1-6", "R7671-9-1")
    def test_a_digest_that_the_policy_does_not_take_is_unusable(self) -> None:
        records = RecordSet([LEAF.record(3, 1, 1), LEAF.record(3, 0, 2)], Policy(digests=("sha512",)))
        assert [str(record)[:5] for record in records.counting] == ["3 0 2"]
        assert records.unusable[0][1] == "the policy does not take its digest"

    @pytest.mark.req("R6698-4.1-6")
    def test_full_data_needs_no_digest(self) -> None:
        assert RecordSet([LEAF.record(3, 1, 0)], Policy(digests=("sha512",))).counting != []


def forms(records: RecordSet) -> set[str]:
    """Usage, selector and matching type of the records that count."""
    return {f"{record.usage} {record.selector} {record.matching}" for record in records.counting}


class TestAgility:
    @pytest.mark.req("R7671-9-1", "T-D10", "R7671-2-1")
    def test_the_example_of_rfc_7671_sets_the_weaker_digest_aside(self) -> None:
        for order in permutations(AGILITY):
            records = RecordSet([parse(text) for text in order], Policy())
            assert forms(records) == {"3 1 2", "3 1 0"}
            assert [code for code, _ in records.notes] == ["dane.record-set-aside"]

    @pytest.mark.req("R7671-9-2")
    def test_the_order_of_the_digests_is_the_callers(self) -> None:
        records = RecordSet([parse(text) for text in AGILITY], Policy(digests=("sha256", "sha512")))
        assert forms(records) == {"3 1 1", "3 1 0"}

    @pytest.mark.req("R7671-9-1")
    def test_unusable_records_are_dropped_before_the_strongest_is_sought(self) -> None:
        broken = Tlsa("", 3, 1, 2, bytes(63))
        assert forms(RecordSet([broken, LEAF.record(3, 1, 1)], Policy())) == {"3 1 1"}
        policy = Policy(digests=("sha256",))
        assert forms(RecordSet([OTHER.record(3, 1, 2), LEAF.record(3, 1, 1)], policy)) == {"3 1 1"}

    @pytest.mark.req("R7671-9-3", "T-D10")
    @pytest.mark.parametrize("other", ["3 0 1", "2 1 1", "1 1 1", "0 1 1", "2 0 1"])
    def test_a_digest_of_another_usage_or_selector_changes_nothing(self, other: str) -> None:
        usage, selector, matching = map(int, other.split())
        records = [OTHER.record(3, 1, 2), LEAF.record(usage, selector, matching)]
        assert forms(RecordSet(records, Policy())) == {"3 1 2", other}

    @pytest.mark.req("R7671-9-1")
    def test_all_records_of_the_strongest_digest_count(self) -> None:
        records = [LEAF.record(3, 1, 2), OTHER.record(3, 1, 2), LEAF.record(3, 1, 1)]
        assert len(RecordSet(records, Policy()).counting) == 2


class TestDisabledUsages:
    @pytest.mark.req("A-17", "R7671-4-1")
    def test_all_four_usages_are_enabled_by_default(self) -> None:
        records = [LEAF.record(usage, 1, 1) for usage in range(4)]
        assert forms(RecordSet(records, Policy())) == {"0 1 1", "1 1 1", "2 1 1", "3 1 1"}

    @pytest.mark.req("A-17", "R7671-4-1")
    @pytest.mark.parametrize(
        ("enabled", "published", "counting"),
        [
            ({2, 3}, (0, 1, 2, 3), {"2 1 1", "3 1 1"}),
            ({2, 3}, (0, 3), {"3 1 1"}),
            ({2, 3}, (0, 1), {"0 1 1", "1 1 1"}),  # they still constrain the PKIX path
            ({2}, (1, 3), {"1 1 1"}),
            ({0, 1}, (0, 1, 2, 3), {"0 1 1", "1 1 1"}),
            ({0, 1}, (2, 3), set[str]()),
            ({3}, (2,), set[str]()),
            (set[int](), (0, 3), {"0 1 1"}),
        ],
    )
    def test_disabled_usages_are_set_aside_but_a_lone_pkix_constraint_stays(
        self, enabled: set[int], published: tuple[int, ...], counting: set[str]
    ) -> None:
        policy = Policy(tlsa_usages=frozenset(enabled))
        records = RecordSet([LEAF.record(usage, 1, 1) for usage in published], policy)
        assert forms(records) == counting
        assert {record.usage for record, why in records.set_aside if "disabled" in why} == {
            usage for usage in published if f"{usage} 1 1" not in counting
        }

    @pytest.mark.req("A-17")
    def test_an_unusable_enabled_record_does_not_lift_a_lone_pkix_constraint(self) -> None:
        policy = Policy(tlsa_usages=frozenset({2, 3}))
        assert forms(RecordSet([Tlsa("", 3, 1, 1, b""), LEAF.record(1, 1, 1)], policy)) == {"1 1 1"}

    @pytest.mark.req("A-17", "R7671-9-1")
    def test_a_disabled_usage_takes_no_part_in_agility(self) -> None:
        policy = Policy(tlsa_usages=frozenset({3}))
        records = RecordSet([LEAF.record(3, 1, 1), OTHER.record(2, 1, 2)], policy)
        assert forms(records) == {"3 1 1"}


class TestMatching:
    @pytest.mark.req("R6698-2.1.2-1", "R6698-2.1.3-1")
    @pytest.mark.parametrize("form", APPENDIX_C)
    def test_the_vectors_of_rfc_6698_appendix_c(self, form: str) -> None:
        selector, matching = map(int, form.split())
        assert association(Certificate(APPENDIX_C_DER), selector, matching).hex() == APPENDIX_C[form].lower()
        record = parse(f"3 {form} {APPENDIX_C[form]}")
        assert unusable(record) == ""
        assert Matcher([record]).match(Certificate(APPENDIX_C_DER)) is record
        assert Matcher([record]).match(Certificate(LEAF.der)) is None

    @pytest.mark.req("R7671-5.1-2", "R6698-2.1.1-3", "R6698-2.1.1-1", "R6698-2.1.2-1", "R6698-2.1.3-1")
    @pytest.mark.parametrize("form", APPENDIX_C)
    def test_the_certificate_of_appendix_c_has_expired_which_counts_for_pkix_ee_and_not_for_dane_ee(
        self, form: str
    ) -> None:
        expired = Certificate(APPENDIX_C_DER)
        assert expired.not_after < AT
        verdict = judge([APPENDIX_C_DER], parse(f"3 {form} {APPENDIX_C[form]}"))
        assert said(verdict) == ("ACCEPTED", "dane-ee", "dane.match")
        verdict = judge([APPENDIX_C_DER], parse(f"1 {form} {APPENDIX_C[form]}"))
        assert said(verdict) == ("REJECTED", "none", "chain.expired")
        other = judge([LEAF], parse(f"3 {form} {APPENDIX_C[form]}"))
        assert said(other) == ("REJECTED", "none", "dane.no-match")

    def test_the_two_files_of_appendix_c_hold_the_same_certificate_and_all_six_values(self) -> None:
        assert ssl.PEM_cert_to_DER_cert((VECTORS / "appendix_c.pem").read_text("ascii")) == APPENDIX_C_DER
        assert set(APPENDIX_C) == {f"{selector} {matching}" for selector in (0, 1) for matching in (0, 1, 2)}

    @pytest.mark.req("R6698-2.1.2-1", "R6698-2.1.3-1", "R6698-6-1", "R7671-2-1", "S-A-7")
    @pytest.mark.parametrize("selector", range(2))
    @pytest.mark.parametrize("matching", range(3))
    def test_a_certificate_matches_its_own_records_and_no_others(self, selector: int, matching: int) -> None:
        records = [each.record(3, selector, matching) for each in (ROOT, CA, LEAF, OTHER)]
        for each, record in zip((ROOT, CA, LEAF, OTHER), records, strict=True):
            assert Matcher(records).match(Certificate(each.der)) is record

    @pytest.mark.req("R6698-2.1.2-1")
    def test_the_key_is_that_of_the_certificate_and_not_the_bare_key_bits(self) -> None:
        bits = LEAF.spki[-65:]
        record = Tlsa("", 3, 1, 1, hashlib.sha256(bits).digest())
        assert Matcher([record]).match(Certificate(LEAF.der)) is None

    @pytest.mark.req("R6698-4.1-8")
    def test_one_matching_record_among_many_is_enough(self) -> None:
        strangers = [Tlsa("", 3, 1, 1, bytes((n,)) * 32) for n in range(50)]
        assert Matcher([*strangers, LEAF.record(3, 1, 1)]).match(Certificate(LEAF.der)) is not None
        assert Matcher(strangers).match(Certificate(LEAF.der)) is None

    def test_a_certificate_without_a_readable_key_raises_where_the_key_is_compared(self) -> None:
        garbage = Certificate(b"garbage")
        assert Matcher([LEAF.record(3, 0, 1)]).match(garbage) is None
        with pytest.raises(InvalidCertificate):
            Matcher([LEAF.record(3, 1, 1)]).match(garbage)

    def test_without_records_nothing_matches(self) -> None:
        assert Matcher([]).match(Certificate(LEAF.der)) is None

    @pytest.mark.req("R7671-9-1")
    @pytest.mark.parametrize("digests", [("sha512", "sha256"), ("sha256", "sha512"), ("sha256",), ("sha512",)])
    @given(data=st.data())
    def test_the_order_of_the_records_decides_nothing(self, digests: tuple[Digest, ...], data: st.DataObject) -> None:
        pool = [
            each.record(usage, selector, matching)
            for each in (LEAF, OTHER)
            for usage in (1, 3)
            for selector in (0, 1)
            for matching in (0, 1, 2)
        ]
        records = data.draw(st.lists(st.sampled_from(pool), unique_by=str))
        shuffled = data.draw(st.permutations(records))
        policy = Policy(digests=digests, tlsa_usages=data.draw(st.frozensets(st.integers(0, 3))))
        one, other = RecordSet(records, policy), RecordSet(shuffled, policy)
        assert {str(r) for r in one.counting} == {str(r) for r in other.counting}
        assert {str(r) for r, _ in one.unusable} == {str(r) for r, _ in other.unusable}
        assert len(one.counting) + len(one.unusable) + len(one.set_aside) == len(records)


@pytest.mark.req("R7671-9-1", "T-D10", "R6698-2.1.3-1")
def test_the_key_of_the_example_of_rfc_7671_matches_by_full_data_or_the_strongest_digest_only() -> None:
    weak, strong, full = map(parse, AGILITY)
    holder = Certificate(certificate(spki=full.data))
    for record in (weak, strong, full):
        assert Matcher([record]).match(holder) is record
    stronger = OTHER.record(3, 1, 2)
    for others, matched in (([stronger], False), ([stronger, strong], True), ([stronger, full], True)):
        records = RecordSet([weak, *others], Policy())
        assert (Matcher(records.counting).match(holder) is not None) is matched


@pytest.mark.req("T-D02")
def test_of_thousands_of_useless_records_a_few_are_named_and_the_rest_counted() -> None:
    records = [Tlsa("o", 9, 0, 0, n.to_bytes(2, "big")) for n in range(2_000)]
    notes = RecordSet(records, Policy()).notes
    assert [code for code, _ in notes] == ["dane.record-unusable"] * 9
    assert notes[-1][1] == ("1992 more record(s)", "not named here")
