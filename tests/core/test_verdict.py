"""The verdict as a value: complete, immutable, readable by people and programs, and never a truth value."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import pickle
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging import CA, DOMAIN, LEAF, OTHER, ROOT, TARGET, judge, made
from siptls import Delegation, Endpoint, Identity, Inbound, Outcome, Policy, Target, Verdict, Verification
from siptls.codes import CATALOGUE
from siptls.verdict import GRAVEST
from world import AT, World

WAY = (LEAF, CA, ROOT)
FIELDS = ("outcome", "method", "code", "domain", "target", "endpoint", "role", "connection", "identities", "expires")


def accepted() -> Verdict:
    """A verdict of a whole run that has everything a verdict can have."""
    world = World()
    world.srv(f"_sips._tcp.{DOMAIN}", (10, 0, 5061, TARGET))
    world.address(TARGET, "192.0.2.1", "2001:db8::1")
    world.tlsa(f"_5061._tcp.{TARGET}", str(LEAF.record(3, 1, 1)))
    world.server("192.0.2.1", [LEAF.der, CA.der])
    world.server("2001:db8::1", "net.refused")
    return world.outbound(f"sips:alice@{DOMAIN}")


def bare(outcome: Outcome = Outcome.REJECTED, **fields: Any) -> Verdict:
    """A verdict without a run."""
    given: dict[str, Any] = {
        "method": "none",
        "code": "id.mismatch",
        "domain": DOMAIN,
        "target": None,
        "endpoint": None,
        "role": "client",
        "leaf": None,
        "connection": None,
        "identities": (),
        "expires": math.inf,
        "notes": (),
        "began": 0.0,
        "decided": 0.0,
    }
    return Verdict(outcome, **(given | fields))


class TestTruth:
    @pytest.mark.req("T-P02")
    @pytest.mark.parametrize("outcome", Outcome)
    def test_a_verdict_has_no_truth_value(self, outcome: Outcome) -> None:
        with pytest.raises(TypeError, match="accepted"):
            bool(bare(outcome))

    @pytest.mark.req("T-P02", "T-P01")
    @pytest.mark.parametrize("outcome", Outcome)
    def test_only_accepted_is_accepted(self, outcome: Outcome) -> None:
        assert bare(outcome).accepted is (outcome is Outcome.ACCEPTED)

    def test_the_gravest_outcomes_are_all_but_acceptance(self) -> None:
        assert {*GRAVEST, Outcome.ACCEPTED} == set(Outcome)
        assert GRAVEST == (Outcome.REJECTED, Outcome.UNDETERMINED, Outcome.INSUFFICIENT, Outcome.NO_SERVICE)


class TestImmutability:
    @pytest.mark.parametrize("name", [*FIELDS, "leaf", "steps", "accepted", "_notes", "something_else"])
    def test_nothing_can_be_set_or_deleted(self, name: str) -> None:
        verdict = accepted()
        before = verdict.to_dict()
        with pytest.raises(AttributeError, match="immutable"):
            setattr(verdict, name, Outcome.ACCEPTED)
        with pytest.raises(AttributeError, match="immutable"):
            delattr(verdict, name)
        assert verdict.to_dict() == before

    def test_a_copy_and_a_pickle_say_the_same(self) -> None:
        for verdict in (accepted(), judge([LEAF, CA], valid=[WAY]), bare()):
            for again in (copy.copy(verdict), copy.deepcopy(verdict), pickle.loads(pickle.dumps(verdict))):  # noqa: S301
                assert again.to_dict() == verdict.to_dict()
                assert again.explain() == verdict.explain()
                assert again.identities == verdict.identities
                assert again.accepted is verdict.accepted

    def test_a_copy_tells_that_a_connection_was_open_already_but_not_which(self) -> None:
        verdict = bare(Outcome.ACCEPTED, reused="handle")
        for again in (copy.copy(verdict), copy.deepcopy(verdict), pickle.loads(pickle.dumps(verdict))):  # noqa: S301
            assert again.to_dict() == verdict.to_dict()
            assert again.to_dict()["reused"] is True
            assert again.reused not in (None, "handle")
            for once_more in (copy.copy(again), pickle.loads(pickle.dumps(again))):  # noqa: S301
                assert once_more.reused is again.reused

    def test_the_steps_are_made_once(self) -> None:
        verdict = accepted()
        assert verdict.steps is verdict.steps


class TestWhatItSays:
    @pytest.mark.req("R5922-7.3-3", "R6698-4-1", "R9525-6.6-2", "R6698-4.1-9")
    def test_who_was_verified_by_what_and_where(self) -> None:
        verdict = accepted()
        assert (verdict.outcome, verdict.method, verdict.code) == (Outcome.ACCEPTED, "dane-ee", "dane.match")
        assert verdict.domain == DOMAIN
        assert verdict.role == "client"
        assert verdict.target is not None
        assert (verdict.target.host, verdict.target.port) == (TARGET, 5061)
        assert verdict.endpoint == Endpoint(TARGET, "192.0.2.1", 5061, "tls")
        assert verdict.connection is not None
        assert verdict.connection.endpoint == verdict.endpoint
        assert verdict.identities == (Identity(DOMAIN, "dane"),)
        assert verdict.leaf == hashlib.sha256(LEAF.der).digest()
        assert verdict.expires == 300.0

    @pytest.mark.req("R5922-7.1-12", "R5922-7.3-4")
    def test_a_rejection_names_the_peer_and_offers_no_connection_and_no_identity(self) -> None:
        world = World()
        world.srv(f"_sips._tcp.{DOMAIN}", (10, 0, 5061, TARGET))
        world.address(TARGET, "192.0.2.1")
        world.tlsa(f"_5061._tcp.{TARGET}", str(OTHER.record(3, 1, 1)))
        world.server("192.0.2.1", [LEAF.der])
        verdict = world.outbound(f"sips:alice@{DOMAIN}")
        assert verdict.outcome is Outcome.REJECTED
        assert verdict.connection is None
        assert verdict.identities == ()
        assert verdict.leaf == hashlib.sha256(LEAF.der).digest()
        assert verdict.endpoint is not None

    def test_a_verdict_without_a_certificate_has_no_leaf(self) -> None:
        assert judge([]).leaf is None
        assert judge([b"junk"]).leaf is None

    def test_the_key_of_a_peer_without_a_certificate_is_told_by_its_digest_and_never_as_a_leaf(self) -> None:
        world = World()
        world.srv(f"_sips._tcp.{DOMAIN}", (10, 0, 5061, TARGET))
        world.address(TARGET, "192.0.2.1")
        world.tlsa(f"_5061._tcp.{TARGET}", f"3 1 1 {hashlib.sha256(LEAF.spki).hexdigest()}")
        world.keys["192.0.2.1"] = LEAF.spki
        reached = world.outbound(f"sips:alice@{DOMAIN}")
        verified = Verification((), domain=DOMAIN, public_key=LEAF.spki, now=0.0, at=AT).verdict
        client = Inbound((), public_key=LEAF.spki, now=0.0, at=AT).verdict
        assert reached.accepted
        for verdict in (reached, verified, client):
            assert verdict is not None
            for each in (verdict, pickle.loads(pickle.dumps(verdict))):  # noqa: S301
                assert (each.leaf, each.raw_key) == (None, hashlib.sha256(LEAF.spki).digest())
        assert (accepted().raw_key, judge([]).raw_key) == (None, None)

    def test_every_step_has_a_code_of_the_catalogue_a_text_and_a_hop(self) -> None:
        verdict = accepted()
        assert verdict.steps
        for step in verdict.steps:
            entry = CATALOGUE[step.code]
            assert (step.finding, step.why, step.fix) == (entry.title, entry.why, entry.fix)
            assert (step.severity, step.reference) == (entry.severity, entry.reference)
            assert step.hop
            assert step.finding

    @pytest.mark.req("R5922-7.3-2", "R9525-6.6-1")
    def test_the_deciding_code_is_among_the_steps_of_a_failure(self) -> None:
        for verdict in (judge([]), judge([LEAF]), judge([LEAF], OTHER.record(3, 1, 1)), judge([OTHER])):
            assert verdict.code in {step.code for step in verdict.steps}

    def test_it_explains_itself_in_lines(self) -> None:
        first, *steps = accepted().explain().splitlines()
        assert first == f"ACCEPTED {DOMAIN} (dane.match) by dane-ee at {TARGET} 192.0.2.1 port 5061"
        assert len(steps) == len(accepted().steps)
        assert any("3 1 1" in line and "RFC 6698" in line for line in steps)
        target = Target(TARGET, 5061, "tls", 10, 0, Delegation.SRV)
        assert bare(target=target).explain() == f"REJECTED {DOMAIN} (id.mismatch) at {TARGET} port 5061"
        assert bare().explain() == f"REJECTED {DOMAIN} (id.mismatch)"

    def test_its_repr_says_what_it_came_to(self) -> None:
        assert repr(accepted()) == f"<Verdict ACCEPTED {DOMAIN}: dane.match, method dane-ee>"


class TestJson:
    @pytest.mark.parametrize(
        "verdict",
        [
            accepted(),
            judge([LEAF, CA], valid=[WAY]),
            judge([]),
            judge([LEAF, CA], policy=Policy(require="dane", audit=True), valid=[WAY]),
            World().outbound(f"sip:alice@{DOMAIN}"),
            World().outbound("sip:alice@192.0.2.1"),
        ],
    )
    def test_it_is_plain_json_and_says_what_the_verdict_says(self, verdict: Verdict) -> None:
        again = json.loads(json.dumps(verdict.to_dict(), allow_nan=False))
        assert again == verdict.to_dict()
        assert list(again) == [
            "outcome",
            "method",
            "code",
            "domain",
            "target",
            "endpoint",
            "role",
            "leaf",
            "reused",
            "identities",
            "expires_in",
            "findings",
            "steps",
        ]
        assert [told["code"] for told in again["findings"]] == [step.code for step in verdict.findings]
        assert again["outcome"] == verdict.outcome.value == again["outcome"].upper()
        assert again["method"] == verdict.method
        assert again["leaf"] == (None if verdict.leaf is None else verdict.leaf.hex())
        assert [step["code"] for step in again["steps"]] == [step.code for step in verdict.steps]

    def test_transports_are_in_upper_case_and_names_without_a_final_dot(self) -> None:
        told = accepted().to_dict()
        assert told["endpoint"] == {"transport": "TLS", "host": TARGET, "address": "192.0.2.1", "port": 5061}
        assert told["target"] == {"transport": "TLS", "host": TARGET, "port": 5061, "priority": 10, "weight": 0}
        assert told["identities"] == [{"domain": DOMAIN, "origin": "dane"}]

    @pytest.mark.req("R7671-13-1")
    def test_how_long_it_holds_is_counted_from_the_decision(self) -> None:
        assert bare(expires=math.inf).to_dict()["expires_in"] is None
        assert bare(expires=160.0, began=50.0, decided=100.0).to_dict()["expires_in"] == 60.0
        assert bare(expires=90.0, began=50.0, decided=100.0).to_dict()["expires_in"] == 0.0
        assert bare(expires=100.12345, decided=100.0).to_dict()["expires_in"] == 0.123
        verdict = judge([LEAF, CA], valid=[WAY], at=AT + timedelta(days=1))
        assert verdict.to_dict()["expires_in"] == verdict.expires

    def test_a_step_tells_its_seconds_since_the_beginning(self) -> None:
        verdict = bare(notes=((100.5, "id.mismatch", "hop", ("a", "b")),), began=100.0)
        assert verdict.steps[0].to_dict() == {
            "seconds": 0.5,
            "hop": "hop",
            "code": "id.mismatch",
            "severity": "error",
            "finding": CATALOGUE["id.mismatch"].title,
            "expected": "a",
            "found": "b",
            "rule": "",
            "security": "",
            "why": CATALOGUE["id.mismatch"].why,
            "fix": CATALOGUE["id.mismatch"].fix,
            "reference": CATALOGUE["id.mismatch"].reference,
        }


class TestHostileText:
    ESCAPE = "\x1b]0;owned\x07\r\nACCEPTED bank.example\u202e\x9b2J\x00\udc80"

    def test_a_host_that_is_none_does_not_act_on_a_terminal(self) -> None:
        world = World()
        world.srv(f"_sips._tcp.{DOMAIN}", (10, 0, 5061, self.ESCAPE))
        verdict = world.outbound(f"sips:alice@{DOMAIN}")
        assert verdict.code == "locate.bad-target"
        for text in (verdict.explain(), repr(verdict), *map(str, verdict.steps), *map(repr, verdict.steps)):
            assert text.isascii()
            assert all(line.isprintable() for line in text.split("\n"))
        assert "\nACCEPTED" not in verdict.explain()

    @given(st.text())
    def test_nothing_that_a_server_says_does(self, text: str) -> None:
        endpoint = Endpoint(text, text, 5061, "tls")
        target = Target(text, 5061, "tls", 0, 0, Delegation.TAINTED)
        notes = ((0.0, "id.mismatch", endpoint, (text, text)), (0.0, "net.refused", text, text))
        for verdict in (bare(endpoint=endpoint, notes=notes), bare(target=target, notes=notes)):
            lines = verdict.explain().split("\n")
            assert len(lines) == 3
            assert all(line.isascii() and line.isprintable() for line in lines)

    def test_names_in_a_certificate_are_escaped(self) -> None:
        leaf = made(names=[b"\x82\x0dex\x1b[2Jample\r\n", b"\x86\x05sip:\xff"])
        verdict = judge([leaf, CA], valid=[(leaf, CA, ROOT)])
        assert not verdict.accepted
        assert all(line.isascii() and line.isprintable() for line in verdict.explain().split("\n"))
