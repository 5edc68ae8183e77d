"""Judging what a peer presents: limits, purposes, dates, ways and their order, audits (RFC 5922 7, RFC 5924 5)."""

from __future__ import annotations

import math
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forged import (
    ANY_EKU,
    CLIENT_AUTH,
    EMAIL_PROTECTION,
    SERVER_AUTH,
    SIP_DOMAIN,
    bit_string,
    constraints,
    dns,
    extension,
    purposes,
    uri,
)
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
    issued,
    judge,
    made,
    said,
    valid_between,
)
from siptls import (
    Anchors,
    Identity,
    Limits,
    LocalProtocolError,
    Outcome,
    PathRejected,
    PathValidated,
    Policy,
    ValidatePath,
    Verification,
)
from siptls.codes import CATALOGUE
from siptls.dns.records import Tlsa
from siptls.policy import Purpose, Require
from world import AT, INSECURE, SECURE
from world import Path as FoundPath

WAY = (LEAF, CA, ROOT)
VECTORS = Path(__file__).parents[1] / "vectors" / "rfc6216"


class TestWhatIsPresented:
    @pytest.mark.req("T-N10", "R5922-7.3-2")
    @pytest.mark.parametrize("records", [(), (LEAF.record(3, 1, 1),), (Tlsa("", 9, 9, 9, b""),)])
    def test_no_certificate_is_a_rejection(self, records: tuple[Tlsa, ...]) -> None:
        assert said(judge([], *records)) == ("REJECTED", "none", "tls.no-certificate")

    @pytest.mark.parametrize("junk", [b"", b"junk", LEAF.der[:-1], LEAF.der + b"\0", b"\x30\x80\x00\x00"])
    @pytest.mark.parametrize("records", [(), (LEAF.record(3, 1, 1),), (CA.record(2, 0, 1),), (CA.record(0, 0, 1),)])
    def test_garbage_is_a_rejection(self, junk: bytes, records: tuple[Tlsa, ...]) -> None:
        court = Court([junk, CA], records, valid=[WAY])
        verdict = court.verdict()
        assert said(verdict) == ("REJECTED", "none", "cert.malformed")
        assert verdict.leaf is None
        assert court.questions == []

    def test_more_certificates_than_the_limit_are_not_looked_at(self) -> None:
        policy = Policy(limits=Limits(chain=3))
        assert judge([LEAF, CA, ROOT], LEAF.record(3, 1, 1), policy=policy).accepted
        verdict = judge([LEAF, CA, ROOT, ROOT], LEAF.record(3, 1, 1), policy=policy)
        assert said(verdict) == ("REJECTED", "none", "limit.chain")
        assert verdict.steps[-1].found.startswith("4 certificates of ")

    def test_more_octets_than_the_limit_are_not_looked_at(self) -> None:
        size = len(LEAF.der) + len(CA.der)
        at_limit, below = Policy(limits=Limits(chain_octets=size)), Policy(limits=Limits(chain_octets=size - 1))
        assert judge([LEAF, CA], LEAF.record(3, 1, 1), policy=at_limit).accepted
        assert judge([LEAF, CA], LEAF.record(3, 1, 1), policy=below).code == "limit.chain"
        assert judge([LEAF, bytes(5_000_000)], LEAF.record(3, 1, 1)).code == "limit.chain"

    @given(st.data())
    @settings(max_examples=300)
    def test_whatever_octets_come_there_is_a_verdict_that_can_be_read(self, data: st.DataObject) -> None:
        octets = bytearray(LEAF.der)
        for _ in range(data.draw(st.integers(0, 4))):
            octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
        broken = Made(bytes(octets), LEAF.spki)
        above = bytearray(CA.der)
        above[data.draw(st.integers(0, len(above) - 1))] ^= data.draw(st.integers(0, 255))
        issuer = Made(bytes(above), CA.spki)
        pool = [each.record(u, s, m) for each in (broken, issuer) for u in range(4) for s in (0, 1) for m in range(3)]
        records = data.draw(st.lists(st.sampled_from(pool), max_size=3))
        policy = Policy(audit=data.draw(st.booleans()), allow_cn=True)

        def paths(question: ValidatePath) -> FoundPath:
            return (question.leaf, issuer.der, question.through or ROOT.der)

        verdict = Court([broken, issuer], records, paths=paths, policy=policy).verdict()
        assert verdict.code in CATALOGUE
        assert verdict.explain().isascii()
        assert verdict.to_dict()["code"] == verdict.code


class TestPaths:
    @pytest.mark.req("R5922-7.1-1", "R5922-7.1-12", "R5922-8-1", "GJ-4", "D-STATE-6", "R7673-3.4-3")
    def test_without_a_valid_path_nothing_is_accepted(self) -> None:
        verdict = judge([LEAF, CA])
        assert said(verdict) == ("REJECTED", "none", "chain.unknown-ca")
        assert verdict.identities == ()

    @pytest.mark.req("R5922-8-1")
    def test_without_anchors_nothing_is_accepted(self) -> None:
        assert said(judge([LEAF, CA], valid=[WAY], trusted=[])) == ("REJECTED", "none", "chain.unknown-ca")

    @pytest.mark.req("GJ-4", "GJ-5", "GJ-6", "R5280-6.1.3-1")
    @pytest.mark.parametrize(
        "code",
        [
            "chain.self-signed",
            "chain.missing-intermediate",
            "chain.name-constraints",
            "chain.weak",
            "chain.malformed",
            "chain.invalid",
            "chain.expired",  # somebody above the leaf
        ],
    )
    def test_the_reason_of_the_validator_is_the_code(self, code: str) -> None:
        verdict = Court([LEAF, CA], paths=lambda _question: code).verdict()
        assert said(verdict) == ("REJECTED", "none", code)

    @pytest.mark.req("GJ-6", "R5280-6.1.3-1")
    @pytest.mark.parametrize(
        ("validity", "code"),
        [
            (valid_between("240101", "250101"), "chain.expired"),
            (valid_between("280101", "290101"), "chain.not-yet-valid"),
        ],
    )
    def test_dates_of_the_leaf_are_told_before_what_the_validator_says(self, validity: bytes, code: str) -> None:
        leaf = made(names=[uri(f"sip:{DOMAIN}")], validity=validity)
        verdict = Court([leaf, CA], paths=lambda _question: "chain.invalid").verdict()
        assert said(verdict) == ("REJECTED", "none", code)

    def test_malformed_dates_are_told_as_such(self) -> None:
        leaf = made(names=[uri(f"sip:{DOMAIN}")], validity=valid_between("261301", "270101"))
        verdict = Court([leaf, CA], paths=lambda _question: "chain.invalid").verdict()
        assert said(verdict) == ("REJECTED", "none", "cert.malformed")
        by_dane = judge([leaf], leaf.record(3, 1, 1))
        assert said(by_dane) == ("ACCEPTED", "dane-ee", "dane.match")

    @pytest.mark.req("R5280-6.1.3-1")
    def test_the_path_is_asked_for_at_the_time_of_the_handshake(self) -> None:
        court = Court([LEAF, CA], valid=[WAY], at=AT + timedelta(days=3))
        court.verdict()
        assert [question.at for question in court.questions] == [AT + timedelta(days=3)]

    def test_a_malformed_authority_in_the_path_is_told_apart_from_a_malformed_leaf(self) -> None:
        broken = ca(extensions=[constraints(), constraints()])
        assert judge([LEAF, broken], valid=[(LEAF, broken, ROOT)]).code == "chain.malformed"
        leaf = made(names=[uri(f"sip:{DOMAIN}")], extensions=[purposes()])
        assert judge([leaf, CA], valid=[(leaf, CA, ROOT)]).code == "cert.malformed"

    def test_a_malformed_date_of_an_authority_is_told(self) -> None:
        broken = ca(validity=valid_between("261301", "270101"))
        assert judge([LEAF, broken], valid=[(LEAF, broken, ROOT)]).code == "chain.malformed"


class TestAnswersThatNobodyAskedFor:
    """A driver that answers with something else than a path as it was asked for has a bug; it is told at once."""

    def verification(self, *records: Tlsa) -> tuple[Verification, ValidatePath]:
        machine = Verification(
            (LEAF.der, CA.der),
            domain=DOMAIN,
            target=TARGET,
            tlsa=records,
            delegation=SECURE,
            anchors=Anchors((ROOT.der,)),
            now=0.0,
            at=AT,
        )
        (question,) = machine.next_actions(now=0.0)
        assert isinstance(question, ValidatePath)
        return machine, question

    @pytest.mark.parametrize("path", [(), (OTHER.der, CA.der, ROOT.der), (LEAF.der,)])
    @pytest.mark.parametrize("records", [(), (CA.record(2, 0, 1),)])
    def test_a_path_that_is_not_from_the_leaf_to_an_anchor(
        self, path: tuple[bytes, ...], records: tuple[Tlsa, ...]
    ) -> None:
        machine, question = self.verification(*records)
        with pytest.raises(LocalProtocolError, match="path"):
            machine.receive(PathValidated(question, path), now=0.0)
        assert machine.verdict is None

    @pytest.mark.req("R6698-2.1.1-0")
    def test_a_path_that_misses_the_certificate_it_must_contain(self) -> None:
        machine, question = self.verification(CA.record(0, 0, 1))
        assert question.through == CA.der
        with pytest.raises(LocalProtocolError, match="path"):
            machine.receive(PathValidated(question, (LEAF.der, OTHER_CA.der, ROOT.der)), now=0.0)
        assert machine.verdict is None


class TestTime:
    def start(self, *records: Tlsa, policy: Policy) -> tuple[Verification, list[ValidatePath]]:
        machine = Verification(
            (LEAF.der, CA.der),
            domain=DOMAIN,
            target=TARGET,
            tlsa=records,
            delegation=SECURE,
            anchors=Anchors((ROOT.der,)),
            policy=policy,
            now=100.0,
            at=AT,
        )
        return machine, [action for action in machine.next_actions(now=100.0) if isinstance(action, ValidatePath)]

    @pytest.mark.parametrize("records", [(), (CA.record(2, 0, 1),), (LEAF.record(1, 1, 1),), (CA.record(0, 0, 1),)])
    def test_no_path_in_time_leaves_it_undetermined(self, records: tuple[Tlsa, ...]) -> None:
        machine, questions = self.start(*records, policy=Policy(path_timeout=3.0))
        assert len(questions) == 1
        assert machine.deadline == 103.0
        machine.advance(now=103.0)
        assert machine.verdict is not None
        assert said(machine.verdict) == ("UNDETERMINED", "none", "chain.timeout")

    def test_a_time_out_outweighs_a_fault_since_the_peer_may_be_right(self) -> None:
        machine, (question,) = self.start(CA.record(2, 0, 1), LEAF.record(1, 1, 1), policy=Policy(path_timeout=3.0))
        machine.receive(PathRejected(question, "chain.invalid"), now=101.0)
        assert len(machine.next_actions(now=101.0)) == 1
        machine.advance(now=104.0)
        assert machine.verdict is not None
        assert said(machine.verdict) == ("UNDETERMINED", "none", "chain.timeout")

    def test_after_a_time_out_the_next_way_can_still_accept(self) -> None:
        machine, _ = self.start(CA.record(2, 0, 1), LEAF.record(1, 1, 1), policy=Policy(path_timeout=3.0))
        machine.advance(now=103.0)
        (question,) = machine.next_actions(now=103.0)
        assert isinstance(question, ValidatePath)
        machine.receive(PathValidated(question, (LEAF.der, CA.der, ROOT.der)), now=104.0)
        assert machine.verdict is not None
        assert said(machine.verdict) == ("ACCEPTED", "pkix-ee", "dane.match")

    def test_the_whole_run_has_an_end(self) -> None:
        policy = Policy(path_timeout=3.0, limits=Limits(seconds=2.0))
        machine, _ = self.start(policy=policy)
        assert machine.deadline == 102.0
        machine.advance(now=102.0)
        assert machine.verdict is not None
        assert said(machine.verdict) == ("UNDETERMINED", "none", "limit.seconds")
        assert codes(machine.verdict)[-1] == "limit.seconds"

    @pytest.mark.parametrize("record", [LEAF.record(3, 1, 1), OTHER.record(3, 1, 1)])
    def test_an_audit_that_takes_too_long_changes_nothing(self, record: Tlsa) -> None:
        without, none = self.start(record, policy=Policy())
        assert none == []
        assert without.verdict is not None
        for limit in (Policy(audit=True, limits=Limits(seconds=2.0)), Policy(audit=True, path_timeout=2.0)):
            machine, (question,) = self.start(record, policy=limit)
            assert machine.verdict is None
            machine.advance(now=102.0)
            assert machine.verdict is not None
            assert said(machine.verdict) == said(without.verdict)
            assert "chain.not-pkix" not in codes(machine.verdict)  # nobody knows
            machine.receive(PathValidated(question, (LEAF.der, ROOT.der)), now=103.0)  # too late, and harmless


class TestPurposes:
    """Extended key usage: RFC 5924 section 5 and A-04, for the leaf and for every authority below the anchor."""

    def accepted(self, leaf_eku: list[str], ca_eku: list[str], eku: Purpose) -> bool:
        leaf = made(names=[uri(f"sip:{DOMAIN}")], eku=leaf_eku)
        above = ca(eku=ca_eku)
        verdict = judge([leaf, above], valid=[(leaf, above, ROOT)], policy=Policy(eku=eku))
        assert verdict.code == ("id.match" if verdict.accepted else "chain.eku")
        return verdict.accepted

    @pytest.mark.req(
        "A-04", "R5924-4-1", "R5924-4.1-1", "R5924-5-1", "R5924-5-2", "R5924-5-3", "R5924-5-4", "R5922-7.1-2",
        "R5280-4.2.1.12-1", "GJ-8", "GJ-10",
    )  # fmt: skip
    @pytest.mark.parametrize(
        ("leaf_eku", "strict", "interop"),
        [
            ([], True, True),
            ([SIP_DOMAIN], True, True),
            ([ANY_EKU], True, True),
            ([SERVER_AUTH], False, True),
            ([SERVER_AUTH, CLIENT_AUTH], False, True),
            ([SERVER_AUTH, SIP_DOMAIN], True, True),
            ([SIP_DOMAIN, "1.2.3.4"], True, True),
            ([CLIENT_AUTH], False, False),
            ([EMAIL_PROTECTION], False, False),
            (["1.2.3.4"], False, False),
        ],
    )
    def test_of_the_leaf(self, leaf_eku: list[str], strict: bool, interop: bool) -> None:
        assert self.accepted(leaf_eku, [], "strict") is strict
        assert self.accepted(leaf_eku, [], "interop") is interop
        assert self.accepted(leaf_eku, [], "lax-client") is interop  # only relaxed for a client

    @pytest.mark.req("D-PATH-2", "T-N13")
    @pytest.mark.parametrize(
        ("ca_eku", "strict", "interop"),
        [
            ([], True, True),
            ([SIP_DOMAIN], True, True),
            ([ANY_EKU], True, True),
            ([SERVER_AUTH], False, True),
            ([EMAIL_PROTECTION, SERVER_AUTH], False, True),
            ([CLIENT_AUTH], False, False),
            ([EMAIL_PROTECTION], False, False),
        ],
    )
    @pytest.mark.parametrize("leaf_eku", [[], [SIP_DOMAIN]])
    def test_of_an_authority(self, ca_eku: list[str], leaf_eku: list[str], strict: bool, interop: bool) -> None:
        assert self.accepted(leaf_eku, ca_eku, "strict") is strict
        assert self.accepted(leaf_eku, ca_eku, "interop") is interop

    @pytest.mark.req("D-PATH-2")
    @pytest.mark.parametrize("record", [None, CA.record(0, 1, 1), LEAF.record(1, 1, 1), ROOT.record(2, 0, 0)])
    def test_every_authority_below_the_anchor_counts_and_the_anchor_does_not(self, record: Tlsa | None) -> None:
        records = [] if record is None else [record]
        limited = ca(eku=[EMAIL_PROTECTION])
        verdict = judge([LEAF, limited], *records, valid=[(LEAF, limited, ROOT)])
        assert said(verdict) == ("REJECTED", "none", "chain.eku")
        root = ca("Root", "Root", 1, eku=[EMAIL_PROTECTION])
        chain, trusted, way = [LEAF, CA], [root], (LEAF, CA, root)
        records = [root.record(2, 0, 0)] if record is not None and record.usage == 2 else records
        assert judge(chain, *records, valid=[way], trusted=trusted).accepted

    @pytest.mark.req("D-PATH-2")
    def test_the_fault_says_what_is_limited_to_what(self) -> None:
        limited = ca(eku=[EMAIL_PROTECTION])
        verdict = judge([LEAF, limited], valid=[(LEAF, limited, ROOT)])
        step = next(step for step in verdict.steps if step.code == "chain.eku")
        assert step.found == f"an authority limited to {EMAIL_PROTECTION}"

    @pytest.mark.req("R5924-4.1-2", "R5280-4.2.1.12-1")
    @pytest.mark.parametrize(
        ("bits", "accepted"),
        [
            (bit_string(b"\x80", 7), True),  # digitalSignature
            (bit_string(b"\x20", 5), True),  # keyEncipherment
            (bit_string(b"\x08", 3), True),  # keyAgreement
            (bit_string(b"\xa0", 5), True),
            (bit_string(b"\x04", 2), False),  # keyCertSign
            (bit_string(b"\x40", 6), False),  # nonRepudiation
            (bit_string(b""), False),
        ],
    )
    def test_the_key_must_be_usable_for_tls(self, bits: bytes, accepted: bool) -> None:
        leaf = made(names=[uri(f"sip:{DOMAIN}")], eku=[SIP_DOMAIN], extensions=[extension("2.5.29.15", bits)])
        verdict = judge([leaf, CA], valid=[(leaf, CA, ROOT)])
        assert verdict.code == ("id.match" if accepted else "chain.key-usage")


class TestTheCertificatesOfRfc6216:
    ROOT = "ca_root_sipit_cert"

    def made(self, name: str) -> Made:
        der = ssl.PEM_cert_to_DER_cert((VECTORS / f"{name}.pem").read_text(encoding="ascii"))
        return Made(der, b"")

    def verdict(self, *names: str, domain: str, policy: Policy) -> tuple[str, str, str]:
        chain = [self.made(name) for name in names]
        root = self.made(self.ROOT)
        court = Court(chain, paths=lambda _question: (*[each.der for each in chain], root.der), domain=domain)
        return said(replace(court, trusted=[root], target=None, policy=policy).verdict())

    @pytest.mark.req("R5924-4.1-1", "R5924-5-1", "R5924-5-2", "R5922-7.1-7", "A-04")
    @pytest.mark.parametrize("eku", ["strict", "interop"])
    @pytest.mark.parametrize("kind", ["eku", "noeku"])
    @pytest.mark.parametrize("domain", ["example.com", "example.net"])
    def test_the_domain_certificates_are_accepted_for_their_domain(self, kind: str, domain: str, eku: Purpose) -> None:
        name, policy = f"{kind}_domain_{domain}_cert", Policy(eku=eku)
        assert self.verdict(name, domain=domain, policy=policy) == ("ACCEPTED", "pkix", "id.match")
        assert self.verdict(name, domain="example.org", policy=policy) == ("REJECTED", "none", "id.mismatch")

    @pytest.mark.req("R5922-7.1-6")
    @pytest.mark.parametrize(
        ("names", "domain"),
        [
            (("eku_user_fluffy_example.com_cert",), "example.com"),
            (("eku_user_robert_example.net_cert", "ca_intermediate_example.net_cert"), "example.net"),
        ],
    )
    def test_the_user_certificates_name_no_domain(self, names: tuple[str, ...], domain: str) -> None:
        expected = ("REJECTED", "none", "cert.no-identities")
        assert self.verdict(*names, domain=domain, policy=Policy(allow_cn=True)) == expected

    @pytest.mark.req("GJ-5", "R5922-7.1-1")
    def test_without_the_intermediate_there_is_no_path(self) -> None:
        chain = [self.made("eku_user_robert_example.net_cert")]
        verdict = Court(chain, paths=lambda _question: "chain.missing-intermediate", domain="example.net").verdict()
        assert said(verdict) == ("REJECTED", "none", "chain.missing-intermediate")

    @pytest.mark.req("R5924-4.1-2", "R5922-7.1-10")
    def test_the_authority_that_has_the_domain_as_common_name_is_no_server(self) -> None:
        authority = "ca_intermediate_example.net_cert"
        expected = ("REJECTED", "none", "chain.key-usage")
        assert self.verdict(authority, domain="example.net", policy=Policy(allow_cn=True)) == expected


class TestWhatThePolicyRequires:
    @pytest.mark.req("R7672-6-1")
    @pytest.mark.parametrize(
        ("require", "sufficient"),
        [
            ("any", {"dane-ee", "dane-ta", "pkix-ee", "pkix-ta", "pkix"}),
            ("pkix", {"pkix-ee", "pkix-ta", "pkix"}),
            ("dane", {"dane-ee", "dane-ta", "pkix-ee", "pkix-ta"}),
            ("dane-ee", {"dane-ee"}),
        ],
    )
    @pytest.mark.parametrize("method", ["dane-ee", "dane-ta", "pkix-ee", "pkix-ta", "pkix"])
    def test_what_is_verified_by_less_is_insufficient(
        self, require: Require, sufficient: set[str], method: str
    ) -> None:
        records = {
            "dane-ee": [LEAF.record(3, 1, 1)],
            "dane-ta": [CA.record(2, 1, 1)],
            "pkix-ee": [LEAF.record(1, 1, 1)],
            "pkix-ta": [CA.record(0, 1, 1)],
            "pkix": [],
        }
        verdict = judge([LEAF, CA], *records[method], valid=[WAY], policy=Policy(require=require))
        assert verdict.method == method
        assert verdict.outcome is (Outcome.ACCEPTED if method in sufficient else Outcome.INSUFFICIENT)
        if method not in sufficient:
            assert verdict.code == "policy.too-weak"
            assert not verdict.accepted
            step = next(step for step in verdict.steps if step.code == "policy.too-weak")
            assert (step.expected, step.found) == (f"require {require}", method)

    @pytest.mark.parametrize(
        ("require", "method"),
        [("any", "dane-ee"), ("pkix", "pkix-ee"), ("dane", "dane-ee"), ("dane-ee", "dane-ee")],
    )
    def test_of_several_ways_one_that_suffices_is_taken(self, require: Require, method: str) -> None:
        records = [LEAF.record(usage, 1, 1) for usage in (3, 1)] + [CA.record(usage, 1, 1) for usage in (2, 0)]
        verdict = judge([LEAF, CA], *records, valid=[WAY], policy=Policy(require=require))
        assert said(verdict) == ("ACCEPTED", method, "dane.match")

    def test_when_the_way_that_would_suffice_fails_another_one_leaves_it_insufficient(self) -> None:
        records = [LEAF.record(3, 1, 1), OTHER.record(1, 1, 1)]
        verdict = judge([LEAF, CA], *records, valid=[WAY], policy=Policy(require="pkix"))
        assert said(verdict) == ("INSUFFICIENT", "dane-ee", "policy.too-weak")
        records = [OTHER.record(3, 1, 1), CA.record(2, 1, 1), CA.record(0, 1, 1)]
        verdict = judge([LEAF, CA], *records, valid=[WAY], policy=Policy(require="dane-ee"))
        assert said(verdict) == ("INSUFFICIENT", "dane-ta", "policy.too-weak")

    @pytest.mark.req("R7672-6-1", "R6698-4.1-9")
    def test_records_that_prove_nothing_do_not_satisfy_dane(self) -> None:
        unusable = Tlsa("", 3, 1, 1, b"")
        policy = Policy(require="dane")
        assert said(judge([LEAF, CA], unusable, valid=[WAY], policy=policy))[0] == "INSUFFICIENT"
        assert said(judge([LEAF, CA], LEAF.record(3, 1, 1), valid=[WAY], policy=policy, delegation=INSECURE)) == (
            "INSUFFICIENT",
            "pkix",
            "policy.too-weak",
        )

    @pytest.mark.req("A-17", "R7672-6-1")
    @pytest.mark.parametrize("usage", [0, 1])
    def test_a_usage_that_is_disabled_constrains_and_does_not_satisfy_dane(self, usage: int) -> None:
        record = (LEAF if usage else CA).record(usage, 1, 1)
        for require, outcome in (("any", "ACCEPTED"), ("pkix", "ACCEPTED"), ("dane", "INSUFFICIENT")):
            policy = Policy(require=require, tlsa_usages=frozenset({2, 3}))  # type: ignore[arg-type]
            assert said(judge([LEAF, CA], record, valid=[WAY], policy=policy))[0] == outcome

    def test_what_is_insufficient_names_what_it_is_sure_of(self) -> None:
        verdict = judge([LEAF, CA], valid=[WAY], policy=Policy(require="dane"))
        assert verdict.identities == (Identity(DOMAIN, "uri"),)


class TestHowLongItHolds:
    @pytest.mark.req("R7671-13-1")
    @pytest.mark.parametrize("record", [None, LEAF.record(1, 1, 1), CA.record(0, 1, 1), CA.record(2, 0, 1)])
    def test_until_the_first_certificate_of_the_path_expires(self, record: Tlsa | None) -> None:
        short = ca(validity=valid_between("260101", "261201"))
        way = (LEAF, short, ROOT)
        records = [] if record is None else [record]
        if record is not None and record.usage != 1:
            records = [short.record(record.usage, record.selector, record.matching)]
        verdict = judge([LEAF, short], *records, valid=[way])
        assert verdict.accepted
        assert verdict.expires == (datetime(2026, 12, 1, tzinfo=UTC) - AT).total_seconds()

    @pytest.mark.req("R7671-5.1-2")
    def test_dane_ee_asks_for_no_dates(self) -> None:
        assert judge([LEAF], LEAF.record(3, 1, 1)).expires == math.inf

    @pytest.mark.req("D-PATH-4")
    def test_a_bare_key_has_no_dates(self) -> None:
        expired_anchor = ca(validity=valid_between("240101", "250101"))
        verdict = judge([LEAF, expired_anchor], expired_anchor.record(2, 1, 1), valid=[(LEAF, expired_anchor)])
        assert verdict.accepted
        assert verdict.expires == (datetime(2027, 1, 1, tzinfo=UTC) - AT).total_seconds()


class TestBareKeys:
    """D-PATH-4: a certificate that only carries the key of an anchor binds by nothing but the key."""

    LIMITED = ca(
        "Limited",
        "Limited",
        6,
        eku=[EMAIL_PROTECTION],
        extensions=[constraints(permitted=[dns("evil.example")])],
        validity=valid_between("240101", "250101"),
    )
    LEAF = made("leaf", "Limited", 7, names=[uri(f"sip:{DOMAIN}")])

    @pytest.mark.req("D-PATH-4", "R7671-5.2.1-1")
    @pytest.mark.parametrize("matching", [0, 1, 2])
    @pytest.mark.parametrize("times", [0, 1, 2])
    @pytest.mark.parametrize("stand_in", [(), (ca("Limited", "Limited", 6),)])
    def test_however_far_the_validator_went_the_path_ends_at_the_key(
        self, times: int, stand_in: tuple[Made, ...], matching: int
    ) -> None:
        top = (self.LIMITED,) * times + stand_in or (self.LIMITED,)
        path = tuple([each.der for each in (self.LEAF, *top)])
        records = [self.LIMITED.record(2, 1, matching)]
        court = Court([self.LEAF, self.LIMITED], records, trusted=[], paths=lambda _question: path)
        verdict = court.verdict()
        assert said(verdict) == ("ACCEPTED", "dane-ta", "dane.match")
        assert verdict.expires == (datetime(2027, 1, 1, tzinfo=UTC) - AT).total_seconds()

    @pytest.mark.req("D-PATH-4", "D-PATH-1", "D-PATH-2", "R7671-5.2.1-1")
    def test_named_as_a_certificate_its_constraints_bind(self) -> None:
        valid = [(self.LEAF, self.LIMITED)]
        verdict = judge([self.LEAF, self.LIMITED], self.LIMITED.record(2, 0, 1), valid=valid, trusted=[])
        assert said(verdict) == ("REJECTED", "none", "chain.name-constraints")

    @pytest.mark.req("D-PATH-4", "D-PATH-1")
    def test_a_named_certificate_binds_although_a_key_is_named_beside_it(self) -> None:
        short = ca(validity=valid_between("260101", "261201"))
        records = [short.record(2, 0, 1), OTHER_CA.record(2, 1, 0)]
        verdict = judge([LEAF, short], *records, valid=[(LEAF, short, ROOT)], trusted=[])
        assert said(verdict) == ("ACCEPTED", "dane-ta", "dane.match")
        assert verdict.expires == (datetime(2026, 12, 1, tzinfo=UTC) - AT).total_seconds()

    @pytest.mark.req("D-PATH-2", "D-PATH-1")
    def test_what_stands_below_the_key_binds(self) -> None:
        for middle, code in (
            (ca("Middle", "Limited", 5, eku=[EMAIL_PROTECTION]), "chain.eku"),
            (ca("Middle", "Limited", 5, extensions=[constraints(excluded=[dns(DOMAIN)])]), "chain.name-constraints"),
        ):
            leaf = made("leaf", "Middle", 7, names=[uri(f"sip:{DOMAIN}")])
            valid = [(leaf, middle, self.LIMITED)]
            verdict = judge([leaf, middle], self.LIMITED.record(2, 1, 0), valid=valid, trusted=[])
            assert said(verdict) == ("REJECTED", "none", code)

    def test_a_malformed_certificate_on_the_way_to_the_key_is_told(self) -> None:
        broken = ca("Middle", "Limited", 5, extensions=[constraints(), constraints()])
        leaf = made("leaf", "Middle", 7, names=[uri(f"sip:{DOMAIN}")])
        path = (leaf.der, broken.der, self.LIMITED.der)
        court = Court([leaf, broken], [self.LIMITED.record(2, 1, 0)], trusted=[], paths=lambda _question: path)
        assert court.verdict().code == "chain.malformed"


GOOD_PATHS = issued(WAY, (TARGET_LEAF, CA, ROOT))


def _no_path(_question: ValidatePath) -> FoundPath:
    return "chain.invalid"


def _odd_path(question: ValidatePath) -> FoundPath:
    """Valid for PKIX, but not for DANE-TA."""
    return GOOD_PATHS(question) if question.anchors.name != "DANE-TA records" else None


RECORDS = [
    each.record(usage, selector, matching)
    for each in (LEAF, CA, OTHER, OTHER_CA)
    for usage in range(4)
    for selector in (0, 1)
    for matching in (0, 1)
] + [Tlsa("", 3, 1, 1, b""), Tlsa("", 9, 1, 1, bytes(32))]


@st.composite
def courts(draw: st.DrawFn) -> Court:
    """Anything that can be asked of a judgement, without audit."""
    usages = draw(st.frozensets(st.integers(0, 3)))
    policy = Policy(
        require=draw(st.sampled_from(["any", "pkix", "dane", "dane-ee"])),
        strict_dane=draw(st.booleans()),
        require_target_name=draw(st.booleans()),
        tlsa_usages=usages,
        eku=draw(st.sampled_from(["strict", "interop", "lax-client"])),
        limits=Limits(paths=draw(st.integers(1, 3))),
    )
    return Court(
        chain=[draw(st.sampled_from([LEAF, TARGET_LEAF, OTHER])), *draw(st.permutations([CA, OTHER_CA]))],
        records=draw(st.lists(st.sampled_from(RECORDS), max_size=5)),
        paths=draw(st.sampled_from([GOOD_PATHS, _no_path, _odd_path])),
        trusted=draw(st.sampled_from([(ROOT,), ()])),
        target=draw(st.sampled_from([TARGET, None])),
        delegation=draw(st.sampled_from([SECURE, INSECURE])),
        policy=policy,
    )


class TestAudit:
    @given(courts())
    def test_it_never_changes_the_outcome(self, court: Court) -> None:
        plain = court.verdict()
        policy = court.policy
        audited = replace(
            court,
            policy=Policy(
                require=policy.require,
                strict_dane=policy.strict_dane,
                require_target_name=policy.require_target_name,
                tlsa_usages=policy.tlsa_usages,
                eku=policy.eku,
                limits=policy.limits,
                audit=True,
            ),
        ).verdict()
        assert said(audited) == said(plain)
        assert audited.identities == plain.identities
        assert audited.expires == plain.expires
        assert audited.leaf == plain.leaf
        assert set(codes(plain)) <= set(codes(audited))

    @given(courts(), st.data())
    def test_neither_does_the_order_of_records_and_issuers(self, court: Court, data: st.DataObject) -> None:
        plain = court.verdict()
        first, *issuers = court.chain
        other = replace(
            court,
            chain=[first, *data.draw(st.permutations(issuers))],
            records=data.draw(st.permutations(court.records)),
        )
        verdict = other.verdict()
        assert (verdict.outcome, verdict.method, verdict.identities) == (
            plain.outcome,
            plain.method,
            plain.identities,
        )

    @given(courts())
    def test_paths_are_asked_for_within_the_limit(self, court: Court) -> None:
        for audit in (False, True):
            policy = Policy(limits=court.policy.limits, audit=audit)
            run = replace(court, policy=policy, questions=[])
            run.verdict()
            # One each for DANE-TA and PKIX-EE, as many as the limit for PKIX-TA, one for what PKIX alone says.
            assert len(run.questions) <= policy.limits.paths + 3

    def test_after_dane_it_says_what_pkix_alone_would_have_said(self) -> None:
        policy = Policy(audit=True)
        for record in (LEAF.record(3, 1, 1), OTHER.record(3, 1, 1)):
            court = Court([LEAF, CA], [record], valid=[WAY], policy=policy)
            assert "chain.also-pkix" in codes(court.verdict())
            assert [question.anchors.certificates for question in court.questions] == [(ROOT.der,)]
            verdict = judge([LEAF, CA], record, policy=policy)
            (step,) = [step for step in verdict.steps if step.code == "chain.not-pkix"]
            assert step.found.startswith("the path ends at an authority that is not trusted here: ")

    def test_without_anchors_there_is_nothing_to_say_about_pkix(self) -> None:
        court = Court([LEAF, CA], [LEAF.record(3, 1, 1)], trusted=[], policy=Policy(audit=True))
        assert court.verdict().accepted
        assert court.questions == []

    @pytest.mark.parametrize("record", [None, LEAF.record(1, 1, 1), CA.record(0, 1, 1)])
    def test_a_method_that_is_pkix_itself_is_not_asked_twice(self, record: Tlsa | None) -> None:
        records = [] if record is None else [record]
        court = Court([LEAF, CA], records, valid=[WAY], policy=Policy(audit=True))
        assert court.verdict().accepted
        assert len(court.questions) == 1

    def test_it_reports_the_ways_that_were_not_needed(self) -> None:
        records = [LEAF.record(3, 1, 1), CA.record(2, 1, 1), LEAF.record(1, 1, 1), CA.record(0, 1, 1)]
        plain = judge([LEAF, CA], *records, valid=[WAY])
        audited = judge([LEAF, CA], *records, valid=[WAY], policy=Policy(audit=True))
        assert codes(plain).count("dane.match") == 1
        assert codes(audited).count("dane.match") == 4
        assert said(audited) == said(plain) == ("ACCEPTED", "dane-ee", "dane.match")


class TestAllReasons:
    """On a rejection all checks are made that need no further question, since people ask for all reasons."""

    def test_a_mismatch_also_tells_dates_and_names(self) -> None:
        leaf = made(names=[dns("other.example")], validity=valid_between("240101", "250101"))
        verdict = judge([leaf, CA], OTHER.record(3, 1, 1))
        assert verdict.code == "dane.no-match"
        assert {"dane.no-match", "chain.expired", "id.mismatch"} <= set(codes(verdict))

    def test_each_reason_once(self) -> None:
        leaf = made(names=[dns("other.example")], validity=valid_between("240101", "250101"))
        verdict = Court([leaf, CA], paths=lambda _question: "chain.invalid").verdict()
        assert codes(verdict).count("chain.expired") == 1
        assert codes(verdict).count("id.mismatch") == 1

    def test_names_that_cannot_be_read_are_told_as_well(self) -> None:
        leaf = made(extensions=[extension("2.5.29.17", b"\x30\x00")])
        verdict = judge([leaf, CA], OTHER.record(3, 1, 1))
        assert verdict.code == "dane.no-match"
        assert "cert.malformed" in codes(verdict)

    def test_a_wrong_name_and_a_wrong_purpose_are_both_told(self) -> None:
        leaf = made(names=[dns("other.example")], eku=[EMAIL_PROTECTION])
        verdict = judge([leaf, CA], valid=[(leaf, CA, ROOT)])
        assert verdict.code == "id.mismatch"
        assert {"id.mismatch", "chain.eku"} <= set(codes(verdict))

    @pytest.mark.req("R6698-4.1-7")
    def test_a_mismatch_shows_what_was_published_and_what_was_found(self) -> None:
        published = OTHER.record(3, 1, 1)
        verdict = judge([LEAF, CA], published)
        step = next(step for step in verdict.steps if step.code == "dane.no-match")
        assert step.expected == str(published)
        assert LEAF.record(3, 1, 1).data.hex() in step.found
        full = judge([LEAF, CA], OTHER.record(3, 1, 0))
        assert next(step for step in full.steps if step.code == "dane.no-match").found == "other certificates"
