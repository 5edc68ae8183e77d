"""Plans for the change of a certificate, a key or a trust anchor (RFC 7671 section 8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import uri
from judging import CA, DOMAIN, LEAF, OTHER, OTHER_CA, ROOT, Made, ca, made
from siptls.dns import Tlsa
from siptls.errors import LocalProtocolError
from siptls.rollover import Plan, plan
from siptls.served import Served, form_of
from siptls.tlsa_lint import lint

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TTL = 3_600
FORMS = [(u, s, m) for u in range(4) for s in range(2) for m in range(3)]

RENEWED = made(names=[uri(f"sip:{DOMAIN}"), uri("sip:renewed.example")])  # another certificate of the same key
NEXT = made(number=7, names=[uri(f"sip:{DOMAIN}")])
NEW_ROOT = ca("New Root", "New Root", 5)
NEW_CA = ca("New CA", "New Root", 6)
NEW_LEAF = made("leaf", "New CA", 7, names=[uri(f"sip:{DOMAIN}")])


def served(*chain: Made) -> Served:
    return Served([each.der for each in chain])


NOW_SERVED = served(LEAF, CA, ROOT)


def planned(
    *published: Tlsa,
    following: Served | None,
    current: Served = NOW_SERVED,
    ttl: int = TTL,
    switch: datetime | None = None,
    since: datetime | None = None,
) -> Plan:
    return plan(published, current, following, ttl=ttl, now=NOW, switch=switch, since=since)


def texts(records: tuple[Tlsa, ...]) -> list[str]:
    return [str(record) for record in records]


class TestANewKey:
    @pytest.mark.req("R7671-8.1-1")
    def test_the_new_record_stands_beside_the_old_one_for_two_ttls_before_the_switch(self) -> None:
        made_plan = planned(LEAF.record(3, 1, 1), following=served(NEXT, CA))
        old, new = str(LEAF.record(3, 1, 1)), str(NEXT.record(3, 1, 1))
        assert [(stage.action, stage.at, texts(stage.records)) for stage in made_plan.stages] == [
            ("publish", NOW, [old, new]),
            ("switch", NOW + 2 * HOUR, [old, new]),
            ("remove", NOW + 4 * HOUR, [new]),
        ]
        assert (made_plan.earliest, made_plan.switch, made_plan.in_time) == (NOW + 2 * HOUR, NOW + 2 * HOUR, True)
        assert (texts(made_plan.added), texts(made_plan.removed), made_plan.unmade) == ([new], [old], ())

    @pytest.mark.req("R7671-8.1-1")
    @pytest.mark.parametrize(
        ("switch", "in_time", "late_by"),
        [
            (NOW + 2 * HOUR, True, timedelta(0)),
            (NOW + 3 * HOUR, True, timedelta(0)),
            (NOW + 2 * HOUR - timedelta(seconds=1), False, timedelta(seconds=1)),
            (NOW, False, 2 * HOUR),
        ],
    )
    def test_a_switch_is_in_time_or_it_is_told_by_how_much_it_is_not(
        self, switch: datetime, in_time: bool, late_by: timedelta
    ) -> None:
        made_plan = planned(LEAF.record(3, 1, 1), following=served(NEXT, CA), switch=switch)
        assert (made_plan.in_time, made_plan.late_by) == (in_time, late_by)
        assert made_plan.publish_by == switch - 2 * HOUR
        # What is to be done is never what breaks, whatever was planned.
        assert made_plan.stages[1].at == max(switch, NOW + 2 * HOUR)

    def test_a_record_that_is_published_already_counts_from_then(self) -> None:
        records = LEAF.record(3, 1, 1), NEXT.record(3, 1, 1)
        known = planned(*records, following=served(NEXT, CA), since=NOW - HOUR)
        assert [(stage.action, stage.at) for stage in known.stages] == [
            ("switch", NOW + HOUR),
            ("remove", NOW + 3 * HOUR),
        ]
        assert planned(*records, following=served(NEXT, CA), since=NOW - 9 * HOUR).earliest == NOW
        assert planned(*records, following=served(NEXT, CA), since=NOW + HOUR).earliest == NOW + 2 * HOUR
        assert planned(*records, following=served(NEXT, CA)).earliest == NOW + 2 * HOUR

    def test_records_of_neither_are_left_alone(self) -> None:
        spare = OTHER.record(3, 1, 1)
        made_plan = planned(LEAF.record(3, 1, 1), spare, following=served(NEXT, CA))
        assert str(spare) in texts(made_plan.stages[-1].records)

    def test_a_key_is_enough_where_records_name_the_key(self) -> None:
        made_plan = planned(LEAF.record(3, 1, 1), following=Served(key=NEXT.spki))
        assert texts(made_plan.added) == [str(NEXT.record(3, 1, 1))]

    def test_a_key_is_not_enough_where_records_name_a_certificate_or_an_authority(self) -> None:
        made_plan = planned(LEAF.record(3, 0, 1), CA.record(2, 1, 1), following=Served(key=NEXT.spki))
        assert [form for form, _ in made_plan.unmade] == [(2, 1, 1), (3, 0, 1)]
        assert all("expected" in reason for _, reason in made_plan.unmade)

    def test_of_a_key_that_does_not_exist_yet_the_dates_are_known(self) -> None:
        made_plan = planned(LEAF.record(3, 1, 1), CA.record(2, 0, 1), following=None)
        assert [(stage.action, stage.pending) for stage in made_plan.stages] == [
            ("publish", ((3, 1, 1),)),
            ("switch", ((3, 1, 1),)),
            ("remove", ((3, 1, 1),)),
        ]
        assert texts(made_plan.stages[-1].records) == [str(CA.record(2, 0, 1))]
        assert made_plan.earliest == NOW + 2 * HOUR
        assert planned(CA.record(2, 0, 1), following=None).stages == ()

    def test_where_nothing_is_published_both_keys_are(self) -> None:
        made_plan = planned(following=served(NEXT, CA))
        both = [str(LEAF.record(3, 1, 1)), str(NEXT.record(3, 1, 1))]
        assert texts(made_plan.stages[0].records) == both
        assert texts(made_plan.stages[-1].records) == both[1:]
        assert texts(planned(Tlsa("", 9, 9, 9, b""), following=served(NEXT, CA)).added) == both

    def test_records_of_a_server_that_nobody_has_seen_are_not_called_old(self) -> None:
        made_plan = planned(LEAF.record(3, 1, 1), following=served(NEXT, CA), current=Served())
        assert made_plan.removed == ()


class TestTheSameKey:
    @pytest.mark.parametrize("form", [(u, 1, m) for u in (1, 3) for m in range(3)])
    def test_with_selector_1_there_is_nothing_to_do(self, form: tuple[int, int, int]) -> None:
        made_plan = planned(LEAF.record(*form), following=served(RENEWED, CA, ROOT), switch=NOW)
        assert (made_plan.stages, made_plan.in_time) == ((), True)

    @pytest.mark.req("R7671-8.1-1")
    @pytest.mark.parametrize("form", [(u, 0, m) for u in (1, 3) for m in range(3)])
    def test_with_selector_0_there_is(self, form: tuple[int, int, int]) -> None:
        made_plan = planned(LEAF.record(*form), following=served(RENEWED, CA, ROOT), switch=NOW)
        assert texts(made_plan.added) == [str(RENEWED.record(*form))]
        assert not made_plan.in_time


class TestANewTrustAnchor:
    @pytest.mark.req("R7671-8.1-1")
    @pytest.mark.parametrize("form", [(2, 0, 1), (2, 1, 1), (0, 0, 1), (2, 0, 0)])
    def test_a_new_authority_is_published_before_it_is_used(self, form: tuple[int, int, int]) -> None:
        made_plan = planned(ROOT.record(*form), following=served(NEW_LEAF, NEW_CA, NEW_ROOT))
        assert texts(made_plan.added) == [str(NEW_ROOT.record(*form))]
        assert texts(made_plan.removed) == [str(ROOT.record(*form))]
        assert made_plan.earliest == NOW + 2 * HOUR

    def test_the_authority_at_the_same_place_of_the_path_takes_over(self) -> None:
        made_plan = planned(CA.record(2, 1, 1), following=served(NEW_LEAF, NEW_CA, NEW_ROOT))
        assert texts(made_plan.added) == [str(NEW_CA.record(2, 1, 1))]

    def test_in_a_shorter_path_it_is_the_highest(self) -> None:
        made_plan = planned(ROOT.record(2, 0, 1), following=served(NEW_LEAF, NEW_CA))
        assert texts(made_plan.added) == [str(NEW_CA.record(2, 0, 1))]

    def test_with_the_same_authority_there_is_nothing_to_do(self) -> None:
        made_plan = planned(CA.record(2, 0, 1), following=served(NEXT, CA, ROOT), switch=NOW)
        assert (made_plan.stages, made_plan.in_time) == ((), True)

    def test_without_an_authority_there_is_no_record(self) -> None:
        made_plan = planned(CA.record(2, 0, 1), following=served(made("leaf", "Other", 7)))
        assert [form for form, _ in made_plan.unmade] == [(2, 0, 1)]

    def test_the_present_chain_need_not_be_known(self) -> None:
        made_plan = planned(OTHER_CA.record(2, 0, 1), following=served(NEW_LEAF, NEW_CA))
        assert texts(made_plan.added) == [str(NEW_CA.record(2, 0, 1))]


class TestWhatTheCallerGives:
    def test_times_are_aware(self) -> None:
        naive = NOW.replace(tzinfo=None)
        for times in ({"now": naive}, {"now": NOW, "switch": naive}, {"now": NOW, "since": naive}):
            with pytest.raises(LocalProtocolError, match="aware"):
                plan([], NOW_SERVED, None, ttl=TTL, **times)

    def test_a_ttl_is_not_negative(self) -> None:
        with pytest.raises(LocalProtocolError, match="ttl"):
            planned(following=None, ttl=-1)

    def test_any_time_zone_will_do(self) -> None:
        there = NOW.astimezone(timezone(timedelta(hours=-7)))
        assert plan([LEAF.record(3, 1, 1)], NOW_SERVED, served(NEXT, CA), ttl=TTL, now=there).earliest == NOW + 2 * HOUR

    def test_a_plan_says_what_it_is(self) -> None:
        assert (
            repr(planned(LEAF.record(3, 1, 1), following=served(NEXT)))
            == "<Plan of 3 stage(s), 1 record(s) added, 1 removed>"
        )


CHAINS = [(LEAF, CA, ROOT), (NEXT, CA, ROOT), (RENEWED, CA, ROOT), (NEW_LEAF, NEW_CA, NEW_ROOT)]


@pytest.mark.req("R7671-8.1-1", "R7671-8-1", "R7671-9-4")
@given(
    st.lists(st.sampled_from(FORMS), min_size=1, max_size=6, unique=True),
    st.sampled_from(CHAINS),
    st.sampled_from(CHAINS),
    st.integers(0, 200_000),
    st.integers(0, 500_000),
)
def test_at_every_moment_each_form_matches_what_is_served(
    forms: list[tuple[int, int, int]], before: tuple[Made, ...], after: tuple[Made, ...], ttl: int, later: int
) -> None:
    """A client looks up at any time, and uses what it got until its TTL is over."""
    old, new = served(*before), served(*after)
    published = tuple([old.record(form) for form in forms])
    made_plan = plan(published, old, new, ttl=ttl, now=NOW)
    assert made_plan.unmade == ()
    times = {stage.action: stage.at for stage in made_plan.stages}
    switch = times.get("switch", NOW)
    zone = [(NOW - timedelta(days=99), published), *[(stage.at, stage.records) for stage in made_plan.stages]]
    for at, records in zone:
        moments = {at, *[other - timedelta(seconds=1) for other, _ in zone if other > at][:1]}
        for looked_up in moments:
            for used in (looked_up, looked_up + timedelta(seconds=min(ttl, later)), looked_up + timedelta(seconds=ttl)):
                server = old if used < switch else new
                assert {form_of(r) for r in records if server.matches(r)} == set(forms)
    at_the_end = made_plan.stages[-1].records if made_plan.stages else published
    assert all(new.matches(record) for record in at_the_end)
    found = lint(at_the_end, chain=[each.der for each in after])
    assert not {finding.code for finding in found} & {"dane.no-match", "dane.form-unmatched", "dane.ta-not-sent"}
