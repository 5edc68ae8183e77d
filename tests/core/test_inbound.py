"""Judging a client that connected to us: who it is, whether it may, and what becomes of one without a certificate."""

from __future__ import annotations

import copy
import math
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import (
    ANY_EKU,
    CLIENT_AUTH,
    EMAIL_PROTECTION,
    SERVER_AUTH,
    SIP_DOMAIN,
    SPKI,
    bit_string,
    constraints,
    dns,
    email,
    extension,
    ip,
    uri,
)
from judging import CA, DOMAIN, LEAF, OTHER, ROOT, Court, Made, ca, codes, issued, made, said, valid_between
from siptls import (
    Admission,
    AllowList,
    Anchors,
    CheckRevocation,
    Close,
    Connect,
    ConnectFailed,
    Crls,
    Endpoint,
    Identity,
    Inbound,
    InvalidName,
    InvalidPolicy,
    KeyAnchor,
    Limits,
    LocalProtocolError,
    Lookup,
    LookupFailed,
    Outcome,
    PathRejected,
    PathValidated,
    Policy,
    Presented,
    Revocation,
    RevocationChecked,
    TlsFacts,
    ValidatePath,
    Verdict,
)
from siptls.admission import Authorize, ClientCertificate
from siptls.events import Failure
from siptls.policy import Purpose, RevocationCheck
from siptls.revocation import Status
from world import AT, INSECURE
from world import Path as FoundPath

WAY = (LEAF, CA, ROOT)
VECTORS = Path(__file__).parents[1] / "vectors" / "rfc6216"
NO_CERTIFICATE = ("REJECTED", "none", "tls.no-certificate")


def refuse_nobody(_identities: tuple[Identity, ...]) -> bool:
    return True


@dataclass
class Door:
    """A server that a client connects to, with the answers that usually hold."""

    chain: Sequence[Made | bytes] = (LEAF, CA)
    valid: Sequence[Sequence[Made]] = (WAY,)
    trusted: Anchors | None = None
    public_key: bytes | None = None
    policy: Policy = field(default_factory=Policy)
    authorize: Authorize | None = None
    client_certificate: ClientCertificate = "required"
    crls: Crls = field(default_factory=Crls)
    status: Status = "good"
    at: datetime = AT
    paths: Callable[[ValidatePath], FoundPath] | None = None
    asked: list[ValidatePath | CheckRevocation] = field(default_factory=list[ValidatePath | CheckRevocation])

    def machine(self) -> Inbound:
        return Inbound(
            tuple([each.der if isinstance(each, Made) else each for each in self.chain]),
            public_key=self.public_key,
            anchors=self.trusted or Anchors((ROOT.der,)),
            crls=self.crls,
            authorize=self.authorize,
            client_certificate=self.client_certificate,
            policy=self.policy,
            now=0.0,
            at=self.at,
        )

    def answer(self, action: object) -> PathValidated | PathRejected | RevocationChecked:
        if isinstance(action, CheckRevocation):
            self.asked.append(action)
            code = {"good": "", "revoked": "chain.revoked", "unknown": "crl.missing"}[self.status]
            until = None if self.status == "unknown" else AT + timedelta(days=1)
            found = Revocation(self.status, code, "", until)
            return RevocationChecked(action, (found,) * (len(action.path) - 1))
        assert isinstance(action, ValidatePath)
        self.asked.append(action)
        path = (self.paths or issued(*self.valid))(action)
        if isinstance(path, tuple):
            return PathValidated(action, path)
        return PathRejected(action, path or "chain.unknown-ca")

    def open(self) -> Inbound:
        """Run a machine to its verdict."""
        machine = self.machine()
        while machine.verdict is None:
            actions = machine.next_actions(now=0.0)
            assert actions, "an undecided machine awaits something"
            for action in actions:
                machine.receive(self.answer(action), now=0.0)
        assert machine.next_actions(now=0.0) == ()
        return machine

    def verdict(self) -> Verdict:
        verdict = self.open().verdict
        assert verdict is not None
        return verdict


def of(*names: bytes, eku: Sequence[str] = (), extensions: Sequence[bytes] = (), cn: str = "leaf", **more: Any) -> Door:
    """A door at which a client with such a certificate, validly issued, stands."""
    leaf = made(cn, names=names, eku=eku, extensions=extensions)
    return Door([leaf, CA], [(leaf, CA, ROOT)], **more)


class TestWithoutACertificate:
    """RFC 5922 section 7.4: such a client must not be considered authenticated; to close is a matter of policy."""

    @pytest.mark.req("R5922-7.4-1", "R5922-7.4-2", "S-B-2", "T-N10")
    @pytest.mark.parametrize(
        ("client_certificate", "admission"),
        [("required", Admission.CLOSE), ("optional", Admission.UNAUTHENTICATED)],
    )
    @pytest.mark.parametrize("authorize", [None, refuse_nobody, AllowList([DOMAIN])])
    def test_it_is_never_authenticated_and_served_only_where_the_server_says_so(
        self, client_certificate: ClientCertificate, admission: Admission, authorize: Authorize | None
    ) -> None:
        machine = Door([], client_certificate=client_certificate, authorize=authorize).open()
        assert machine.verdict is not None
        assert said(machine.verdict) == NO_CERTIFICATE
        assert not machine.verdict.accepted
        assert machine.verdict.identities == ()
        assert machine.verdict.leaf is None
        assert machine.admission is admission

    @pytest.mark.req("R5922-7.4-2")
    def test_the_verdict_tells_that_such_a_client_is_served(self) -> None:
        assert codes(Door([]).verdict()) == ["tls.no-certificate"]
        served = Door([], client_certificate="optional").verdict()
        assert codes(served) == ["tls.no-certificate", "inbound.unauthenticated"]
        assert served.findings[0].code == "tls.no-certificate"

    @pytest.mark.req("R5922-7.4-1", "S-B-2")
    @pytest.mark.parametrize(
        "door",
        [
            Door([b"junk"]),
            Door(valid=[]),
            Door([OTHER]),
            of(email("a@example.com")),
            of(uri("sips:example.com")),
            of(uri(f"sip:{DOMAIN}"), eku=[EMAIL_PROTECTION]),
            Door(authorize=AllowList([])),
            Door(public_key=SPKI, chain=[]),
            Door(policy=Policy(require="dane")),
            Door(policy=Policy(revocation="crl"), status="revoked"),
            Door(policy=Policy(revocation="crl-required"), status="unknown"),
        ],
    )
    def test_one_that_is_presented_and_not_accepted_is_not_served_even_where_none_is_needed(self, door: Door) -> None:
        door.client_certificate = "optional"
        machine = door.open()
        assert machine.verdict is not None
        assert not machine.verdict.accepted
        assert machine.verdict.code != "tls.no-certificate"
        assert machine.verdict.identities == ()
        assert machine.admission is Admission.CLOSE

    @pytest.mark.req("R5922-7.4-1")
    def test_a_raw_public_key_is_no_certificate_and_nobody(self) -> None:
        assert said(Door([], public_key=SPKI).verdict()) == ("REJECTED", "none", "cert.raw-public-key")
        assert said(Door([], public_key=b"junk").verdict()) == ("REJECTED", "none", "cert.malformed")


class TestDigest:
    """RFC 5922 section 8.1: a Digest response speaks for its request alone."""

    @pytest.mark.req("R5922-8.1-1", "R5922-8.1-2", "R5922-7.6-1")
    def test_nothing_that_a_caller_can_do_makes_somebody_of_a_client_that_is_nobody(self) -> None:
        machine = Door([], client_certificate="optional").open()
        verdict = machine.verdict
        assert verdict is not None
        # A registrar may challenge its requests; that is all there is for it.
        assert machine.admission is Admission.UNAUTHENTICATED
        for event in (
            PathValidated(ValidatePath(LEAF.der, (), Anchors(), AT), tuple([each.der for each in WAY])),
            *foreign(),
        ):
            with pytest.raises(LocalProtocolError):
                machine.receive(event, now=1.0)
        machine.advance(now=math.inf)
        assert machine.verdict is verdict
        assert machine.admission is Admission.UNAUTHENTICATED
        for name in ("outcome", "identities", "code"):
            with pytest.raises(AttributeError):
                setattr(verdict, name, None)

    @pytest.mark.req("R5922-8.1-1")
    def test_the_machine_has_no_other_way_in_than_the_driving_contract(self) -> None:
        public = {name for name in dir(Inbound) if not name.startswith("_")}
        contract = {"next_actions", "receive", "advance", "deadline", "outstanding", "policy", "ready", "result"}
        assert public == contract | {"verdict", "admission"}
        page = (Path(__file__).parents[2] / "docs" / "reference" / "driving-contract.md").read_text(encoding="utf-8")
        assert "there is no call that tells the machine of a Digest response" in " ".join(page.split())


def foreign() -> list[Any]:
    """Events of other machines, which an `Inbound` never asks for."""
    connect = Connect(1, Endpoint("sip.example.com", "192.0.2.1", 5061, "tls"), None)
    lookup = Lookup("example.com", "SRV")
    return [
        Presented(connect, (LEAF.der,), TlsFacts()),
        ConnectFailed(connect, "net.refused"),
        LookupFailed(lookup, Failure.TIMEOUT),
        "a Digest response",
        None,
    ]


class TestIdentities:
    @pytest.mark.req("R5922-7.4-3", "R5922-7.4-4", "R5922-7.1-11", "S-B-3", "S-B-4")
    def test_the_verdict_lists_all_identities_with_their_origins_and_names_no_domain(self) -> None:
        door = of(uri("sip:a.example"), dns("c.example"), uri("sip:B.example"))
        verdict = door.verdict()
        assert said(verdict) == ("ACCEPTED", "pkix", "inbound.identities")
        assert verdict.identities == (Identity("a.example", "uri"), Identity("b.example", "uri"))
        assert (verdict.domain, verdict.target, verdict.endpoint, verdict.connection) == ("", None, None, None)
        assert verdict.role == "server"
        assert door.open().admission is Admission.AUTHENTICATED
        (step,) = [step for step in verdict.steps if step.code == "inbound.identities"]
        assert (step.hop, step.found) == ("CLIENT", "uri a.example, uri b.example")

    @pytest.mark.req("R5922-7.1-9", "R5922-7.4-3")
    def test_dns_names_count_where_there_is_no_sip_uri(self) -> None:
        assert of(dns("a.example"), uri("sips:b.example")).verdict().identities == (Identity("a.example", "dns"),)

    @pytest.mark.req("R5922-7.8-1", "R5922-7.4-4")
    def test_a_client_of_many_domains_is_each_of_them(self) -> None:
        names = [f"d{number}.example" for number in range(20)]
        verdict = of(*[uri(f"sip:{name}") for name in names], authorize=AllowList(["d13.example"])).verdict()
        assert [identity.domain for identity in verdict.identities] == names
        assert verdict.code == "inbound.allowed"
        assert "uri d7.example, and 12 more" in verdict.explain()

    @pytest.mark.req("R5922-7.1-4", "R5922-7.1-5", "R5922-7.1-6", "R5922-7.2-5", "S-A-10")
    @pytest.mark.parametrize(
        "names",
        [
            [],
            [email("a@example.com")],
            [ip(b"\xc0\0\2\1")],
            [uri("sips:example.com")],
            [uri("sip:alice@example.com")],
            [uri("https://example.com")],
            [dns("*.example.com")],
            [dns("192.0.2.1")],
            [uri("sip:192.0.2.1")],
        ],
    )
    def test_a_certificate_that_names_no_sip_domain_makes_nobody_of_a_client(self, names: Sequence[bytes]) -> None:
        calls: list[object] = []

        def hook(identities: tuple[Identity, ...]) -> bool:
            calls.append(identities)
            return True

        verdict = of(*names, authorize=hook).verdict()
        assert said(verdict) == ("REJECTED", "none", "cert.no-identities")
        assert calls == []

    def test_wildcards_beside_names_are_left_out(self) -> None:
        verdict = of(dns("*.example.com"), dns("a.example"), policy=Policy(allow_wildcards=True)).verdict()
        assert verdict.identities == (Identity("a.example", "dns"),)

    @pytest.mark.req("A-10", "R5922-7.1-10")
    def test_a_common_name_counts_only_where_the_policy_allows_it_and_is_named_then(self) -> None:
        assert of(cn=DOMAIN).verdict().code == "cert.no-identities"
        verdict = of(cn=DOMAIN, policy=Policy(allow_cn=True)).verdict()
        assert verdict.identities == (Identity(DOMAIN, "cn"),)
        assert "policy.relaxed" in codes(verdict)
        assert not of(email("a@b.example"), cn=DOMAIN, policy=Policy(allow_cn=True)).verdict().accepted

    @pytest.mark.req("D-PATH-1", "T-N12")
    def test_an_authority_speaks_only_for_the_names_that_it_may(self) -> None:
        limited = ca(extensions=[constraints(permitted=[dns("a.example")])])
        mine, both, foreign = [
            made(names=[uri(f"sip:{name}") for name in names])
            for names in (["a.example"], ["x.a.example", "b.example"], ["b.example"])
        ]
        for leaf, identities in ((mine, ["a.example"]), (both, ["x.a.example"]), (foreign, list[str]())):
            verdict = Door([leaf, limited], [(leaf, limited, ROOT)]).verdict()
            assert [identity.domain for identity in verdict.identities] == identities
            assert verdict.code == ("inbound.identities" if identities else "chain.name-constraints")
            assert [step.found for step in verdict.steps if step.code == "chain.name-barred"] == (
                ["uri b.example"] if leaf is both else []
            )
        refused = Door([both, limited], [(both, limited, ROOT)], authorize=AllowList(["b.example"])).verdict()
        assert said(refused) == ("REJECTED", "none", "inbound.not-allowed")


class TestThePath:
    @pytest.mark.req("R5922-7.1-1", "R5922-7.1-12", "R5922-7.4-3")
    @pytest.mark.parametrize("reason", ["chain.unknown-ca", "chain.expired", "chain.invalid", "chain.weak"])
    def test_without_a_valid_path_names_are_seen_and_nobody_is_accepted(self, reason: str) -> None:
        door = Door(authorize=refuse_nobody, paths=lambda _question: reason)
        verdict = door.verdict()
        assert said(verdict) == ("REJECTED", "none", reason)
        assert verdict.identities == ()
        # What the leaf names is told all the same; it proves nothing.
        assert "uri example.com" in verdict.explain()

    @pytest.mark.req("R5922-7.1-12")
    def test_the_rule_of_the_server_is_not_asked_before_everything_else_is_settled(self) -> None:
        def never(_identities: tuple[Identity, ...]) -> bool:
            raise AssertionError("asked for somebody who is not authenticated")

        wrong: list[Door] = [
            Door(valid=[]),
            Door(policy=Policy(require="dane-ee")),
            Door(policy=Policy(revocation="crl"), status="revoked"),
            of(uri(f"sip:{DOMAIN}"), eku=[EMAIL_PROTECTION]),
            of(uri(f"sip:{DOMAIN}"), extensions=[extension("2.5.29.15", bit_string(b"\x04", 2))]),
        ]
        for door in wrong:
            door.authorize = never
            assert not door.verdict().accepted

    @pytest.mark.req("R5922-7.1-1")
    def test_the_question_is_about_what_was_presented_under_the_anchors_now(self) -> None:
        door = Door(at=AT + timedelta(hours=1))
        door.verdict()
        (question,) = door.asked
        assert isinstance(question, ValidatePath)
        assert (question.leaf, question.pool, question.through) == (LEAF.der, (CA.der,), None)
        assert question.anchors.certificates == (ROOT.der,)
        assert question.at == AT + timedelta(hours=1)

    def test_limits_hold_for_clients_too(self) -> None:
        assert Door([LEAF] * 3, policy=Policy(limits=Limits(chain=2))).verdict().code == "limit.chain"
        many = of(*[uri(f"sip:n{number}.example") for number in range(4)], policy=Policy(limits=Limits(sans=3)))
        assert many.verdict().code == "limit.sans"

    def test_a_malformed_certificate_is_a_rejection(self) -> None:
        for junk in (b"", b"junk", LEAF.der[:-1], LEAF.der + b"\0"):
            assert Door([junk, CA]).verdict().code == "cert.malformed"

    def test_only_what_is_accepted_has_an_end(self) -> None:
        short = made(names=[uri(f"sip:{DOMAIN}")], validity=valid_between("260101", "261123"))
        assert Door([short, CA], [(short, CA, ROOT)]).verdict().expires == 12 * 3600.0
        assert Door([short, CA], [(short, CA, ROOT)], authorize=AllowList([])).verdict().expires == math.inf

    def test_what_a_policy_requires_beyond_pkix_no_certificate_alone_can_give(self) -> None:
        verdict = Door(policy=Policy(require="dane")).verdict()
        assert said(verdict) == ("INSUFFICIENT", "pkix", "policy.too-weak")
        assert verdict.identities == ()
        assert verdict.expires == math.inf

    @pytest.mark.parametrize(
        ("revocation", "status", "told"),
        [
            ("off", "revoked", "inbound.identities"),
            ("crl", "good", "inbound.identities"),
            ("crl", "unknown", "inbound.identities"),
            ("crl", "revoked", "chain.revoked"),
            ("crl-required", "good", "inbound.identities"),
            ("crl-required", "unknown", "chain.revocation-unknown"),
            ("crl-required", "revoked", "chain.revoked"),
        ],
    )
    def test_revocation_counts_as_the_policy_says(self, revocation: RevocationCheck, status: Status, told: str) -> None:
        crls = Crls((b"a list",))
        door = Door(policy=Policy(revocation=revocation), status=status, crls=crls)
        verdict = door.verdict()
        assert verdict.code == told
        assert verdict.accepted is (told == "inbound.identities")
        questions = [action for action in door.asked if isinstance(action, CheckRevocation)]
        assert [question.crls for question in questions] == ([] if revocation == "off" else [crls])
        if status == "unknown" and revocation == "crl-required":
            assert verdict.outcome is Outcome.UNDETERMINED


class TestPurposes:
    """RFC 5924 section 5 for the role of a client (A-04)."""

    @pytest.mark.req("R5924-5-5", "R5924-5-4", "R5924-5-2", "R5924-5-1", "R5924-5-3", "A-04", "R5922-7.1-2")
    @pytest.mark.parametrize(
        ("eku", "strict", "interop", "lax"),
        [
            ([], True, True, True),
            ([ANY_EKU], True, True, True),
            ([SIP_DOMAIN], True, True, True),
            ([SIP_DOMAIN, EMAIL_PROTECTION], True, True, True),
            ([CLIENT_AUTH], False, True, True),
            ([SERVER_AUTH, CLIENT_AUTH], False, True, True),
            ([SERVER_AUTH], False, False, True),
            ([EMAIL_PROTECTION], False, False, False),
        ],
    )
    def test_which_purposes_a_client_may_have(self, eku: Sequence[str], strict: bool, interop: bool, lax: bool) -> None:
        expected: dict[Purpose, bool] = {"strict": strict, "interop": interop, "lax-client": lax}
        for policy_eku, accepted in expected.items():
            verdict = of(uri(f"sip:{DOMAIN}"), eku=eku, policy=Policy(eku=policy_eku)).verdict()
            assert verdict.accepted is accepted
            assert verdict.code == ("inbound.identities" if accepted else "chain.eku")
            relaxed = [step.found for step in verdict.steps if step.code == "policy.relaxed"]
            assert relaxed == (["eku=lax-client"] if accepted and not interop else [])

    def test_what_was_relaxed_is_named_once_whatever_else_was_asked(self) -> None:
        policy = Policy(eku="lax-client", revocation="crl")
        verdict = of(uri(f"sip:{DOMAIN}"), eku=[SERVER_AUTH], policy=policy).verdict()
        assert codes(verdict).count("policy.relaxed") == 1

    @pytest.mark.req("R5924-7-1")
    def test_the_verdict_names_the_purposes(self) -> None:
        verdict = of(uri(f"sip:{DOMAIN}"), eku=[SIP_DOMAIN, CLIENT_AUTH]).verdict()
        (step,) = [step for step in verdict.steps if step.code == "chain.purpose"]
        assert step.found == "sipDomain, clientAuth"

    @pytest.mark.req("D-PATH-2", "R5924-5-5", "T-N13")
    def test_authorities_are_held_against_the_same_role(self) -> None:
        for eku, accepted in ((CLIENT_AUTH, True), (SERVER_AUTH, False), (SIP_DOMAIN, True)):
            limited = ca(eku=[eku])
            door = Door([LEAF, limited], [(LEAF, limited, ROOT)])
            assert door.verdict().accepted is accepted
            door.policy = Policy(eku="lax-client")
            verdict = door.verdict()
            assert verdict.accepted
            assert ("policy.relaxed" in codes(verdict)) is not accepted

    def test_a_path_that_was_passed_by_relaxes_nothing(self) -> None:
        limited, sound = ca(eku=[EMAIL_PROTECTION]), ca(number=99, eku=[CLIENT_AUTH])
        for policy in (Policy(), Policy(eku="lax-client")):
            door = Door([LEAF, limited, sound], policy=policy)
            door.paths = lambda question: (LEAF.der, (limited if limited.der in question.pool else sound).der, ROOT.der)
            verdict = door.verdict()
            assert verdict.accepted
            assert "policy.relaxed" not in codes(verdict)

    def test_under_a_bare_key_the_highest_authority_counts_for_what_was_relaxed(self) -> None:
        limited = ca(eku=[SERVER_AUTH])
        anchors = Anchors(keys=(KeyAnchor(ROOT.subject, ROOT.spki),))
        door = Door([LEAF, limited], trusted=anchors, policy=Policy(eku="lax-client"))
        door.paths = lambda _question: (LEAF.der, limited.der, ROOT.der)
        verdict = door.verdict()
        assert verdict.accepted
        assert "policy.relaxed" in codes(verdict)

    @pytest.mark.req("R5922-7.5-1", "R5922-7.7-1", "S-B-4")
    @pytest.mark.parametrize(
        ("eku", "as_client", "as_server"),
        [([CLIENT_AUTH], True, False), ([SERVER_AUTH], False, True), ([], True, True)],
    )
    def test_a_proxy_judges_who_connects_by_these_rules_and_whom_it_connects_to_by_those_of_a_client(
        self, eku: Sequence[str], as_client: bool, as_server: bool
    ) -> None:
        leaf = made(names=[uri("sip:other.example")], eku=eku)
        chain, valid = [leaf, CA], [(leaf, CA, ROOT)]
        assert Door(chain, valid).verdict().accepted is as_client
        outbound = Court(chain, valid=valid, domain="other.example", target=None, delegation=INSECURE)
        assert outbound.verdict().accepted is as_server
        elsewhere = Court(chain, valid=valid, domain=DOMAIN, target=None, delegation=INSECURE)
        assert not elsewhere.verdict().accepted  # a client is looked for by no name, a server always


class TestAuthorization:
    """RFC 5922 section 7.4: open, a list of domains, or a rule of the server's own."""

    @pytest.mark.req("R5922-7.4-4", "S-B-3")
    def test_open_lets_everybody_who_is_authenticated_and_tells_who_it_is(self) -> None:
        verdict = Door().verdict()
        assert said(verdict) == ("ACCEPTED", "pkix", "inbound.identities")
        assert not Door(valid=[]).verdict().accepted

    @pytest.mark.req("R5922-7.4-4", "R5922-7.4-7", "R5922-4-1")
    @pytest.mark.parametrize(
        ("listed", "allowed"),
        [
            (["b.example"], True),
            (["B.Example."], True),
            (["a.example", "c.example"], True),
            (["c.example", "d.example"], False),
            (["x.b.example"], False),
            (["example"], False),
            ([], False),
        ],
    )
    def test_a_list_lets_a_client_that_is_any_of_its_domains(self, listed: list[str], allowed: bool) -> None:
        machine = of(uri("sip:a.example"), uri("sip:b.example"), authorize=AllowList(listed)).open()
        verdict = machine.verdict
        assert verdict is not None
        if allowed:
            assert said(verdict) == ("ACCEPTED", "pkix", "inbound.allowed")
            assert machine.admission is Admission.AUTHENTICATED
        else:
            assert said(verdict) == ("REJECTED", "none", "inbound.not-allowed")
            assert machine.admission is Admission.CLOSE
        assert len(verdict.identities) == (2 if allowed else 0)
        step = verdict.findings[0]
        assert step.code == verdict.code
        assert step.found == "uri a.example, uri b.example"
        assert step.expected == (", ".join(sorted(name.lower().rstrip(".") for name in listed)) or "nobody")

    @pytest.mark.req("R5922-7.4-4", "S-B-3")
    @pytest.mark.parametrize("answer", [True, False])
    def test_a_rule_of_the_server_is_asked_once_with_all_identities(self, answer: bool) -> None:
        asked: list[tuple[Identity, ...]] = []

        def rule(identities: tuple[Identity, ...]) -> bool:
            asked.append(identities)
            return answer

        verdict = of(uri("sip:a.example"), uri("sip:b.example"), authorize=rule).verdict()
        assert asked == [(Identity("a.example", "uri"), Identity("b.example", "uri"))]
        assert verdict.accepted is answer
        assert verdict.code == ("inbound.allowed" if answer else "inbound.not-allowed")
        assert verdict.findings[0].expected == "what the server's own rule allows"

    @pytest.mark.req("R5922-7.4-4")
    @pytest.mark.parametrize("answer", [None, 1, "yes", (), object()])
    def test_a_rule_that_does_not_say_yes_or_no_is_a_mistake_and_lets_nobody_in(self, answer: Any) -> None:
        self.mistaken(lambda _identities: answer, LocalProtocolError)

    def test_what_a_rule_raises_passes_through_and_lets_nobody_in(self) -> None:
        def broken(_identities: tuple[Identity, ...]) -> bool:
            raise ZeroDivisionError

        self.mistaken(broken, ZeroDivisionError)

    def mistaken(self, rule: Authorize, error: type[Exception]) -> None:
        door = Door(authorize=rule)
        machine = door.machine()
        (question,) = machine.next_actions(now=0.0)
        with pytest.raises(error):
            machine.receive(door.answer(question), now=0.0)
        assert machine.verdict is not None
        assert said(machine.verdict) == ("REJECTED", "none", "inbound.rule-failed")
        assert machine.verdict.findings[0].code == "inbound.rule-failed"
        assert machine.verdict.identities == ()
        assert (machine.admission, machine.outstanding) == (Admission.CLOSE, ())

    @pytest.mark.req("R5922-7.8-1", "R5922-7.4-7")
    def test_each_domain_of_a_virtual_host_may_have_a_list_of_its_own(self) -> None:
        """The name that the client asked for chooses the list, as it chooses the certificate."""
        lists = {"one.example": AllowList([DOMAIN]), "two.example": AllowList(["partner.example"])}
        admitted = {asked: Door(authorize=allowed).open().admission for asked, allowed in lists.items()}
        assert admitted == {"one.example": Admission.AUTHENTICATED, "two.example": Admission.CLOSE}

    def test_a_list_tells_what_it_holds(self) -> None:
        allowed = AllowList(iter([f"d{number}.example" for number in range(10)]))
        assert repr(allowed) == "<AllowList of 10 domain(s)>"
        assert str(allowed).endswith("d7.example, and 2 more")
        assert allowed.domains >= {"d0.example", "d9.example"}


class TestTheMachine:
    def test_result_and_verdict_are_the_same_and_there_is_none_before_the_path_is_known(self) -> None:
        door = Door()
        machine = door.machine()
        assert (machine.result, machine.verdict, machine.admission) == (None, None, None)
        (question,) = machine.next_actions(now=0.0)
        assert machine.outstanding == (question,)
        assert machine.deadline == machine.policy.path_timeout
        machine.receive(door.answer(question), now=0.0)
        assert machine.result is machine.verdict
        assert machine.deadline == math.inf

    def test_a_path_that_is_not_validated_in_time_leaves_it_undetermined(self) -> None:
        machine = Door().machine()
        assert len(machine.next_actions(now=0.0)) == 1
        machine.advance(now=machine.deadline)
        assert machine.verdict is not None
        assert said(machine.verdict) == ("UNDETERMINED", "none", "chain.timeout")
        slow = Door(policy=Policy(path_timeout=60.0)).machine()
        slow.advance(now=30.0)
        assert slow.verdict is not None
        assert said(slow.verdict) == ("UNDETERMINED", "none", "limit.seconds")

    def test_there_is_never_anything_to_close_since_the_caller_holds_the_connection(self) -> None:
        for door in (Door(), Door(valid=[]), Door([])):
            assert not any(isinstance(action, Close) for action in door.open().next_actions(now=0.0))

    def test_an_audit_changes_no_outcome(self) -> None:
        for door in (Door(), Door(valid=[]), Door([]), of(email("a@example.com"))):
            plain = door.verdict()
            door.policy = Policy(audit=True)
            audited = door.verdict()
            assert said(audited) == said(plain)
            assert audited.identities == plain.identities

    def test_a_verdict_can_be_copied_and_told(self) -> None:
        verdict = Door(authorize=AllowList([DOMAIN])).verdict()
        assert verdict.explain().startswith("ACCEPTED client example.com (inbound.allowed) by pkix\n")
        assert Door([]).verdict().explain().startswith("REJECTED client (tls.no-certificate)\n")
        told = verdict.to_dict()
        assert (told["role"], told["domain"], told["target"], told["endpoint"]) == ("server", "", None, None)
        assert told["identities"] == [{"domain": DOMAIN, "origin": "uri"}]
        assert copy.copy(verdict).to_dict() == told


class TestTheCallersMistakes:
    @pytest.mark.parametrize("authorize", [[DOMAIN], DOMAIN, (), 1, True])
    def test_what_cannot_be_called_is_no_rule(self, authorize: Any) -> None:
        with pytest.raises(InvalidPolicy):
            Door(authorize=authorize).machine()

    @pytest.mark.parametrize("value", [None, "", "Optional", True])
    def test_a_certificate_is_required_or_optional(self, value: Any) -> None:
        with pytest.raises(InvalidPolicy):
            Door(client_certificate=value).machine()

    @pytest.mark.parametrize(
        "domains", [DOMAIN, "", ["*"], ["*.example.com"], ["192.0.2.1"], ["b\xfccher.example"], [""]]
    )
    def test_a_list_holds_domain_names(self, domains: str | list[str]) -> None:
        with pytest.raises(InvalidName):
            AllowList(domains)

    def test_a_time_without_a_zone_is_refused(self) -> None:
        with pytest.raises(LocalProtocolError):
            Door(at=datetime(2026, 11, 22)).machine()  # noqa: DTZ001 - the mistake that is tested


class TestTheCertificatesOfRfc6216:
    """Domain certificates make somebody of a client, certificates of users do not; the paths are scripted."""

    @pytest.mark.req("R5922-7.1-6", "R5922-7.4-3", "R5924-5-5")
    @pytest.mark.parametrize(
        ("name", "domains"),
        [
            ("eku_domain_example.com_cert", ["example.com"]),
            ("noeku_domain_example.com_cert", ["example.com"]),
            ("eku_domain_example.net_cert", ["example.net"]),
            ("noeku_domain_example.net_cert", ["example.net"]),
            ("eku_user_fluffy_example.com_cert", []),
            ("eku_user_robert_example.net_cert", []),
        ],
    )
    def test_who_they_are(self, name: str, domains: list[str]) -> None:
        leaf, root = [
            ssl.PEM_cert_to_DER_cert((VECTORS / f"{each}.pem").read_text(encoding="ascii"))
            for each in (name, "ca_root_sipit_cert")
        ]
        verdict = Door([leaf], trusted=Anchors((root,)), paths=lambda _question: (leaf, root)).verdict()
        assert [identity.domain for identity in verdict.identities] == domains
        if not domains:
            assert not verdict.accepted
            assert "cert.no-identities" in codes(verdict)


NAMES = [
    uri("sip:a.example"), uri("sip:b.example"), uri("SIP:c.example;transport=tls"), uri("sips:d.example"),
    uri("sip:alice@e.example"), uri("sip:192.0.2.1"), uri("https://f.example"), dns("g.example"), dns("*.h.example"),
    dns("192.0.2.2"), email("a@i.example"), ip(b"\xc0\0\2\1"),
]  # fmt: skip
SIP_DOMAINS = {NAMES[0]: "a.example", NAMES[1]: "b.example", NAMES[2]: "c.example"}


class TestProperties:
    @pytest.mark.req("R5922-7.1-1", "R5922-7.1-9", "R5922-7.1-12", "R5922-7.4-1", "R5922-7.4-3")
    @given(
        names=st.lists(st.sampled_from(NAMES), max_size=5),
        path=st.sampled_from(["valid", "chain.unknown-ca", "chain.expired"]),
        eku=st.sampled_from(["", CLIENT_AUTH, SERVER_AUTH, SIP_DOMAIN, EMAIL_PROTECTION]),
        policy_eku=st.sampled_from(["strict", "interop", "lax-client"]),
        status=st.sampled_from(["good", "revoked", "unknown"]),
        revocation=st.sampled_from(["off", "crl", "crl-required"]),
        listed=st.none() | st.lists(st.sampled_from(["a.example", "b.example", "g.example", "d.example"]), max_size=3),
        optional=st.booleans(),
        audit=st.booleans(),
    )
    def test_accepted_means_a_valid_path_and_identities_of_the_leaf_that_may_connect(
        self,
        names: list[bytes],
        path: str,
        eku: str,
        policy_eku: Purpose,
        status: Status,
        revocation: RevocationCheck,
        listed: list[str] | None,
        optional: bool,
        audit: bool,
    ) -> None:
        leaf = made(names=names, eku=[eku] if eku else [])
        valid = (leaf.der, CA.der, ROOT.der)
        door = Door(
            [leaf, CA],
            policy=Policy(eku=policy_eku, revocation=revocation, audit=audit),
            status=status,
            authorize=None if listed is None else AllowList(listed),
            client_certificate="optional" if optional else "required",
            paths=lambda _question: valid if path == "valid" else path,
        )
        machine = door.open()
        verdict = machine.verdict
        assert verdict is not None
        # What RFC 5922 section 7.1 says, without the code under test.
        in_uris = [SIP_DOMAINS[name] for name in names if name in SIP_DOMAINS]
        in_leaf = set(in_uris or (["g.example"] if NAMES[7] in names else []))
        purposes = {
            "strict": {"", SIP_DOMAIN},
            "interop": {"", SIP_DOMAIN, CLIENT_AUTH},
            "lax-client": {"", SIP_DOMAIN, CLIENT_AUTH, SERVER_AUTH},
        }
        revoked = revocation != "off" and status == "revoked"
        unknown = revocation == "crl-required" and status == "unknown"
        authenticated = path == "valid" and bool(in_leaf) and eku in purposes[policy_eku] and not (revoked or unknown)
        may = listed is None or not in_leaf.isdisjoint(listed)
        assert verdict.accepted is (authenticated and may)
        assert {identity.domain for identity in verdict.identities} == (in_leaf if verdict.accepted else set())
        assert machine.admission is (Admission.AUTHENTICATED if verdict.accepted else Admission.CLOSE)

    @pytest.mark.req("R5922-7.1-12", "R5922-7.4-1")
    @given(st.lists(st.binary(max_size=60) | st.sampled_from([LEAF.der, CA.der, ROOT.der, OTHER.der]), max_size=4))
    def test_nothing_that_a_client_presents_makes_it_raise_or_be_somebody_else(self, chain: list[bytes]) -> None:
        machine = Door(chain).open()
        assert machine.verdict is not None
        if machine.verdict.accepted:
            assert chain[0] == LEAF.der
            assert machine.verdict.identities == (Identity(DOMAIN, "uri"),)
        assert machine.verdict.explain().isascii()
