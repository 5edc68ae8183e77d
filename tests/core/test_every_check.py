"""Every check is reported, ordered by effect, one code each, and the verdict says which one decided."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import EMAIL_PROTECTION, bit_string, dns, extension, uri
from judging import CA, DOMAIN, LEAF, OTHER, ROOT, TARGET, Court, Made, ca, codes, made, said, valid_between
from siptls import Policy, Verdict
from siptls.codes import EFFECT
from siptls.dns.records import Tlsa
from world import AT, World

EXPIRED = valid_between("250101", "260101")
KEY_USAGE = extension("2.5.29.15", bit_string(b"\x02", 1), critical=True)  # cRLSign alone
WAY = (LEAF, CA, ROOT)

RECORDS = [
    each.record(usage, selector, matching)
    for each, usage, selector, matching in product((LEAF, CA, OTHER), range(4), (0, 1), (0, 1, 2))
]


def wrong_in(*, date: bool, name: bool, purpose: bool = False, usage: bool = False) -> Made:
    """A leaf with these mistakes."""
    return made(
        number=40,
        names=[uri("sip:other.example") if name else uri(f"sip:{DOMAIN}")],
        eku=[EMAIL_PROTECTION] if purpose else (),
        extensions=[KEY_USAGE] if usage else (),
        validity=EXPIRED if date else valid_between("260101", "270101"),
    )


def errors(verdict: Verdict) -> list[str]:
    return [step.code for step in verdict.findings if step.severity == "error"]


class TestAllAtOnce:
    @pytest.mark.parametrize("usage", [0, 1, 2, 3])
    @pytest.mark.parametrize(("date", "name", "purpose", "key_usage"), list(product([False, True], repeat=4)))
    def test_a_mismatch_is_told_together_with_all_that_is_wrong_in_the_certificate(
        self, date: bool, name: bool, purpose: bool, key_usage: bool, usage: int
    ) -> None:
        leaf = wrong_in(date=date, name=name, purpose=purpose, usage=key_usage)
        verdict = Court((leaf, CA), [OTHER.record(usage, 1, 0)], [(leaf, CA, ROOT)]).verdict()
        mismatch = "chain.unknown-ca" if usage == 2 else "dane.no-match"
        expected = {mismatch}
        expected |= {"chain.expired"} if date else set()
        expected |= {"id.mismatch"} if name else set()
        expected |= {"chain.eku"} if purpose else set()
        expected |= {"chain.key-usage"} if key_usage else set()
        found = errors(verdict)
        assert set(found) == expected
        assert len(found) == len(expected), "one code each"
        assert found[0] == verdict.code
        if usage != 2:
            assert verdict.code == "dane.no-match"

    def test_the_peer_of_the_specification(self) -> None:
        """An expired certificate, a wrong name and a TLSA mismatch."""
        verdict = Court((wrong_in(date=True, name=True), CA), [LEAF.record(3, 1, 1)]).verdict()
        assert said(verdict) == ("REJECTED", "none", "dane.no-match")
        assert errors(verdict) == ["dane.no-match", "chain.expired", "id.mismatch"]

    @pytest.mark.parametrize("reason", ["chain.unknown-ca", "chain.expired", "chain.missing-intermediate"])
    def test_without_a_path_the_dates_decide_and_the_missing_anchor_is_told(self, reason: str) -> None:
        leaf = wrong_in(date=True, name=True, purpose=True)
        verdict = Court((leaf, CA), (), paths=lambda _question: reason).verdict()
        assert verdict.code == "chain.expired"
        rest = [] if reason == "chain.expired" else [reason]
        assert errors(verdict) == ["chain.expired", *rest, "chain.eku", "id.mismatch"]

    def test_an_usage_that_matches_nothing_is_told_beside_one_that_failed(self) -> None:
        leaf = wrong_in(date=False, name=True)
        records = [OTHER.record(3, 1, 1), CA.record(2, 0, 1)]
        verdict = Court((leaf, CA), records, [(leaf, CA, ROOT)]).verdict()
        assert said(verdict) == ("REJECTED", "none", "id.mismatch")
        assert errors(verdict) == ["id.mismatch", "dane.no-match"]
        (step,) = [step for step in verdict.steps if step.code == "dane.no-match"]
        assert step.expected == str(records[0])

    def test_a_certificate_that_cannot_be_read_further_is_told_so(self) -> None:
        broken = made(names=[b"\x82"])  # the SAN is cut off, the key is not
        verdict = Court((broken, CA), [OTHER.record(3, 1, 1)]).verdict()
        assert errors(verdict) == ["dane.no-match", "cert.malformed"]


class TestOrder:
    def test_what_decided_comes_first_even_if_it_is_no_error(self) -> None:
        verdict = Court((LEAF, CA), [LEAF.record(3, 1, 1), Tlsa("", 9, 1, 1, b"")]).verdict()
        assert [step.code for step in verdict.findings] == ["dane.match", "dane.record-unusable"]

    @given(
        st.sampled_from([LEAF, OTHER, wrong_in(date=True, name=True), wrong_in(date=False, name=False, purpose=True)]),
        st.lists(
            st.sampled_from(
                [each.record(u, s, m) for each in (LEAF, CA, OTHER) for u, s, m in product(range(4), (0, 1), (0, 1, 2))]
            ),
            max_size=5,
        ),
        st.sampled_from([None, TARGET]),
        st.booleans(),
    )
    def test_they_are_ordered_by_effect_and_nothing_is_left_out(
        self, leaf: Made, records: list[Tlsa], target: str | None, audit: bool
    ) -> None:
        verdict = Court((leaf, CA), records, [(leaf, CA, ROOT)], target=target, policy=Policy(audit=audit)).verdict()
        findings = verdict.findings
        assert findings[0].code == verdict.code
        ranks = [EFFECT.index(step.severity) for step in findings[1:]]
        assert ranks == sorted(ranks)
        told = sorted(step.code for step in verdict.steps if step.severity != "ok")
        rest = findings if findings[0].severity != "ok" else findings[1:]
        assert sorted(step.code for step in rest) == told

    def test_the_peer_that_decided_comes_before_its_predecessors(self) -> None:
        world = World()
        world.naptr(DOMAIN)
        world.srv(f"_sips._tcp.{DOMAIN}", (10, 0, 5061, "a.example"), (20, 0, 5061, "b.example"))
        for number, host in enumerate(("a.example", "b.example"), 1):
            world.address(host, f"192.0.2.{number}")
            world.tlsa(f"_5061._tcp.{host}", str(LEAF.record(3, 1, 1)))
        world.server("192.0.2.2", [OTHER.der])
        verdict = world.outbound(f"sips:{DOMAIN}")
        assert said(verdict) == ("REJECTED", "none", "dane.no-match")
        assert [step.code for step in verdict.findings][:3] == ["dane.no-match", "id.mismatch", "net.refused"]
        assert codes(verdict).index("net.refused") < codes(verdict).index("dane.no-match")


@pytest.mark.req("R5924-7-1")
@pytest.mark.parametrize(
    ("eku", "told"),
    [
        (["1.3.6.1.5.5.7.3.20"], "sipDomain"),
        (["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.20", "2.999.1"], "serverAuth, sipDomain, 2.999.1"),
        ([], None),
    ],
)
def test_the_purposes_that_satisfied_the_check_are_named(eku: list[str], told: str | None) -> None:
    leaf = made(names=[uri(f"sip:{DOMAIN}"), dns(DOMAIN)], eku=eku)
    verdict = Court((leaf, CA), (), [(leaf, CA, ROOT)]).verdict()
    assert verdict.accepted
    steps = [step.found for step in verdict.steps if step.code == "chain.purpose"]
    assert steps == ([] if told is None else [told])


def test_a_path_that_is_not_answered_in_time_decides_nothing_against_the_peer() -> None:
    for date, expected in ((False, ("UNDETERMINED", "chain.timeout")), (True, ("REJECTED", "chain.expired"))):
        leaf = wrong_in(date=date, name=False)
        verdict = Court((leaf, CA), (), paths=lambda _question: "chain.timeout").verdict()
        assert (verdict.outcome.value, verdict.code) == expected


@pytest.mark.req("A-17", "A-05", "A-06")
class TestDisabledUsagesAlone:
    """A set that holds only disabled PKIX usages is no DANE, and constrains the PKIX path all the same."""

    def run(self, leaf: Made, record: Tlsa, **policy: object) -> tuple[World, Verdict]:
        world = World()
        world.naptr(DOMAIN)
        world.srv(f"_sips._tcp.{DOMAIN}", (10, 0, 5061, TARGET))
        world.address(TARGET, "192.0.2.1")
        world.tlsa(f"_5061._tcp.{TARGET}", str(record))
        world.server("192.0.2.1", [leaf.der, CA.der])
        world.trust(ROOT.der, [leaf.der, CA.der, ROOT.der])
        return world, world.outbound(f"sips:{DOMAIN}", Policy(tlsa_usages=frozenset({2, 3})).replace(**policy))

    def test_the_server_name_is_the_domain_as_for_unusable_records(self) -> None:
        world, verdict = self.run(LEAF, LEAF.record(1, 1, 1))
        assert said(verdict)[:2] == ("ACCEPTED", "pkix-ee")
        assert world.names_sent == [DOMAIN]

    def test_a_path_that_does_not_match_is_refused(self) -> None:
        assert self.run(LEAF, OTHER.record(1, 1, 1))[1].code == "dane.no-match"

    def test_it_is_no_dane(self) -> None:
        assert self.run(LEAF, LEAF.record(1, 1, 1), require="dane")[1].outcome.value == "INSUFFICIENT"

    def test_strict_dane_refuses(self) -> None:
        world, verdict = self.run(LEAF, LEAF.record(1, 1, 1), strict_dane=True)
        assert said(verdict) == ("REJECTED", "none", "dane.unusable")
        assert world.names_sent == []


def test_the_texts_of_dates_say_which_time_was_meant() -> None:
    verdict = replace(Court((wrong_in(date=True, name=False), CA)), at=AT + timedelta(hours=1)).verdict()
    (step,) = [step for step in verdict.steps if step.code == "chain.expired"]
    assert step.expected == "valid at 2026-11-22T13:00:00Z"
    assert step.found == "valid from 2025-01-01T00:00:00Z to 2026-01-01T00:00:00Z"


class TestWhatDecided:
    """Several records may match; the finding that comes first is the one by which the peer was accepted."""

    SIDE = ca("Side", "Side", 80)

    @pytest.mark.req("R6698-4.1-8")
    @pytest.mark.parametrize("audit", [False, True])
    def test_a_way_that_failed_is_not_what_decided(self, audit: bool) -> None:
        records = [self.SIDE.record(2, 0, 1), LEAF.record(1, 1, 1)]
        chain = (LEAF, CA, self.SIDE)
        verdict = Court(chain, records, [WAY], policy=Policy(audit=audit)).verdict()
        assert said(verdict) == ("ACCEPTED", "pkix-ee", "dane.match")
        assert verdict.findings[0].expected == str(records[1])

    def test_an_anchor_that_stands_only_in_the_dns_is_named(self) -> None:
        record = ROOT.record(2, 0, 0)
        verdict = Court((LEAF, CA), [CA.record(2, 0, 2), record], [WAY]).verdict()
        assert verdict.accepted
        only = Court((LEAF, CA), [record], [WAY]).verdict()
        assert said(only) == ("ACCEPTED", "dane-ta", "dane.match")
        assert only.findings[0].found == "the trust anchor, which stands in the DNS"

    def test_of_two_candidates_the_one_that_led_to_an_anchor_is_named(self) -> None:
        other = ca("CA", "Other Root", 2)
        records = [CA.record(0, 0, 1), other.record(0, 0, 1)]
        for end in (CA, other):
            verdict = Court((LEAF, CA, other), records, [(LEAF, end, ROOT)]).verdict()
            assert said(verdict) == ("ACCEPTED", "pkix-ta", "dane.match")
            assert verdict.findings[0].expected == str(end.record(0, 0, 1))

    def test_a_copy_knows_it_too(self) -> None:
        verdict = Court((LEAF, CA, self.SIDE), [self.SIDE.record(2, 0, 1), LEAF.record(1, 1, 1)], [WAY]).verdict()
        assert copy.copy(verdict).findings[0].expected == verdict.findings[0].expected


@pytest.mark.req("T-D05", "A-21")
@pytest.mark.parametrize(("usage", "selector", "matching"), list(product((0, 2), (0, 1), (0, 1, 2))))
def test_a_record_that_makes_the_peer_its_own_authority_is_told_so(usage: int, selector: int, matching: int) -> None:
    own = made("own", "own", 90, names=[uri(f"sip:{DOMAIN}")])
    verdict = Court((own,), [own.record(usage, selector, matching)]).verdict()
    assert said(verdict) == ("REJECTED", "none", "dane.ta-depth-0")


@pytest.mark.req("D-PATH-3")
class TestTooManyAnchorsInTheDns:
    OTHERS = tuple([ca(f"Stranger {n}", f"Stranger {n}", 100 + n) for n in range(12)])

    def test_the_one_above_the_leaf_has_its_turn(self) -> None:
        records = [each.record(2, 0, 0) for each in (*self.OTHERS, ROOT)]
        for order in (records, records[::-1]):
            assert said(Court((LEAF, CA), order, [WAY]).verdict()) == ("ACCEPTED", "dane-ta", "dane.match")

    def test_what_was_not_tried_is_no_evidence_against_the_peer(self) -> None:
        records = [each.record(2, 1, 0) for each in self.OTHERS]
        assert said(Court((LEAF, CA), records).verdict()) == ("UNDETERMINED", "none", "limit.paths")
