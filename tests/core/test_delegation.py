"""The decision table of a target, and the same table lived through by whole runs (D-STATE, D-SEC)."""

from __future__ import annotations

from itertools import product
from typing import Literal, TypeAlias

import pytest

from forged import dns
from judging import CA, DOMAIN, LEAF, OTHER, ROOT, TARGET, TARGET_LEAF, Made, codes, issued, made, said
from siptls import Anchors, Connect, Delegation, Failure, Policy, Security, Verdict
from siptls.delegation import CODES, D_REF, D_STATE, Addressed, Name, Pinned, Treatment, leads
from siptls.dns import Alias, Answer
from siptls.dns.question import Lookup
from siptls.references import References
from world import INSECURE, SECURE, SOURCE, World

HOST, SRV, TAINTED = Delegation.HOST, Delegation.SRV, Delegation.TAINTED
NONE, UNUSABLE, USABLE, FAILED = Pinned.NONE, Pinned.UNUSABLE, Pinned.USABLE, Pinned.FAILED
NOT_ASKED = Pinned.NOT_ASKED

# By hand from the requirements; what is not here must not be in the table either.
TABLE = {
    (SRV, Addressed.FAILED, NOT_ASKED): Treatment.SKIP,
    (HOST, Addressed.FAILED, NOT_ASKED): Treatment.SKIP,
    (TAINTED, Addressed.FAILED, NOT_ASKED): Treatment.SKIP,
    (SRV, Addressed.NONE, NOT_ASKED): Treatment.SKIP,
    (HOST, Addressed.NONE, NOT_ASKED): Treatment.SKIP,
    (TAINTED, Addressed.NONE, NOT_ASKED): Treatment.SKIP,
    (TAINTED, Addressed.INSECURE, NOT_ASKED): Treatment.RFC5922,
    (TAINTED, Addressed.SECURE, NOT_ASKED): Treatment.RFC5922,
    (SRV, Addressed.INSECURE, NOT_ASKED): Treatment.DOMAIN_OR_TARGET,
    (SRV, Addressed.SECURE, FAILED): Treatment.SKIP,
    (SRV, Addressed.SECURE, NONE): Treatment.DOMAIN_OR_TARGET,
    (SRV, Addressed.SECURE, UNUSABLE): Treatment.DOMAIN_OR_TARGET,
    (SRV, Addressed.SECURE, USABLE): Treatment.DANE,
    (HOST, Addressed.SECURE, FAILED): Treatment.SKIP,
    (HOST, Addressed.SECURE, NONE): Treatment.RFC5922,
    (HOST, Addressed.SECURE, UNUSABLE): Treatment.RFC5922,
    (HOST, Addressed.SECURE, USABLE): Treatment.DANE,
    (HOST, Addressed.INSECURE, NOT_ASKED): Treatment.RFC5922,
    # an alias whose first step is SECURE, with an INSECURE address at its end.
    (HOST, Addressed.INSECURE, FAILED): Treatment.SKIP,
    (HOST, Addressed.INSECURE, NONE): Treatment.RFC5922,
    (HOST, Addressed.INSECURE, UNUSABLE): Treatment.RFC5922,
    (HOST, Addressed.INSECURE, USABLE): Treatment.DANE,
}


@pytest.mark.req("D-STATE")
@pytest.mark.parametrize(("delegation", "addressed", "pinned"), list(product(Delegation, Addressed, Pinned)))
def test_every_combination_is_treated_as_the_requirements_say(
    delegation: Delegation, addressed: Addressed, pinned: Pinned
) -> None:
    assert D_STATE.get((delegation, addressed, pinned)) is TABLE.get((delegation, addressed, pinned))


DOMAIN_NAME, TARGET_NAME, BASE, EXPANSION = Name.DOMAIN, Name.TARGET, Name.BASE, Name.EXPANSION

# By hand from the requirements (D-REF, A-05): SNI, then the references, the primary one first.
REFERENCES = {
    Treatment.RFC5922: (DOMAIN_NAME, (DOMAIN_NAME,)),
    Treatment.DOMAIN_OR_TARGET: (DOMAIN_NAME, (DOMAIN_NAME, TARGET_NAME)),
    Treatment.DANE: (BASE, (BASE, DOMAIN_NAME, EXPANSION)),
}


@pytest.mark.req("D-REF", "A-05", "R7671-10.2-2", "R7673-4.1-3", "R7672-3.2.2-1")
@pytest.mark.parametrize("treatment", Treatment)
def test_every_treatment_that_connects_has_its_references(treatment: Treatment) -> None:
    assert D_REF.get(treatment) == REFERENCES.get(treatment)


@pytest.mark.req("D-REF", "A-05", "A-19", "R6066-3-2", "R9525-6.1-1")
@pytest.mark.parametrize(
    ("treatment", "domain", "base", "expansion", "require_target_name"),
    list(
        product(REFERENCES, (DOMAIN, "192.0.2.1"), ("base.example", DOMAIN), ("", "canonical.example"), (False, True))
    ),
)
def test_the_references_of_every_case(
    treatment: Treatment, domain: str, base: str, expansion: str, require_target_name: bool
) -> None:
    policy = Policy(require_target_name=require_target_name)
    references, server_name = References.under(treatment, policy, domain, TARGET, base, expansion)
    hosts = {
        Treatment.RFC5922: [],
        Treatment.DOMAIN_OR_TARGET: [TARGET],
        Treatment.DANE: [base, *([expansion] if expansion and not require_target_name else [])],
    }[treatment]
    assert references.domain == domain
    assert list(references.hosts) == hosts
    assert references.domain_counts is not (require_target_name and treatment is not Treatment.RFC5922)
    if treatment is Treatment.DANE:
        assert server_name == base
    else:
        assert server_name == (DOMAIN if domain == DOMAIN else None)


@pytest.mark.req("D-STATE", "R7673-3.2-2", "D-SEC-5", "D-SEC-15")
def test_a_tainted_host_never_comes_to_dane_and_never_counts_as_a_name() -> None:
    found = {treatment for (delegation, _, _), treatment in D_STATE.items() if delegation is TAINTED}
    assert found == {Treatment.SKIP, Treatment.RFC5922}


def test_every_delegation_has_its_code() -> None:
    assert {CODES[delegation] for delegation in Delegation} == {
        "delegation.srv",
        "delegation.host",
        "delegation.tainted",
    }


@pytest.mark.req("D-SEC-4", "D-SEC-14")
@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("security", [SECURE, INSECURE])
def test_a_name_is_trusted_only_when_a_secure_answer_for_a_trusted_name_gave_it(
    trusted: bool, security: Security
) -> None:
    answer = Answer(Lookup("a.example", "SRV"), (), "a.example", (), None, security, 60, SOURCE)
    assert leads(trusted, answer) is (trusted and security is SECURE)


Way: TypeAlias = Literal[
    "secure", "insecure", "failed", "bogus", "none-secure", "none-insecure", "port", "naptr-insecure", "maddr"
]
Addresses: TypeAlias = Literal["secure", "insecure", "failed", "bogus"]
Tlsa: TypeAlias = Literal["none", "insecure", "usable", "unusable", "failed", "bogus"]
Expected: TypeAlias = Literal["abort", "skip", "rfc5922", "either", "dane"]

WAYS: tuple[Way, ...] = (
    "secure", "insecure", "failed", "bogus", "none-secure", "none-insecure", "port", "naptr-insecure", "maddr",
)  # fmt: skip
ADDRESSES: tuple[Addresses, ...] = ("secure", "insecure", "failed", "bogus")
TLSA: tuple[Tlsa, ...] = ("none", "insecure", "usable", "unusable", "failed", "bogus")

FAILURES = {"failed": Failure.SERVFAIL, "bogus": Failure.BOGUS}
UNPROTECTED = ("insecure", "none-insecure", "naptr-insecure", "maddr")
OWN_HOST = ("none-secure", "port")

# The rows of D-STATE: way, addresses, TLSA, what is done, whether TLSA is asked for.
ROWS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...], Expected, bool], ...] = (
    ("D-STATE-1", ("failed", "bogus"), ADDRESSES, TLSA, "abort", False),
    ("D-STATE-2", UNPROTECTED, ("secure", "insecure"), TLSA, "rfc5922", False),
    ("D-SEC-13", UNPROTECTED, ("failed", "bogus"), TLSA, "skip", False),
    ("D-STATE-3", ("secure",), ("failed", "bogus"), TLSA, "skip", False),
    ("D-STATE-4", ("secure",), ("insecure",), TLSA, "either", False),
    ("D-STATE-5", ("secure",), ("secure",), ("failed", "bogus"), "skip", True),
    ("D-STATE-6", ("secure",), ("secure",), ("insecure", "none"), "either", True),
    ("D-STATE-7", ("secure",), ("secure",), ("unusable",), "either", True),
    ("D-STATE-8", ("secure",), ("secure",), ("usable",), "dane", True),
    ("D-STATE-9", OWN_HOST, ("secure",), ("usable",), "dane", True),
    ("D-STATE-10", OWN_HOST, ("secure",), ("insecure", "none"), "rfc5922", True),
    ("D-STATE-11", OWN_HOST, ("secure",), ("unusable",), "rfc5922", True),
    ("D-STATE-12", OWN_HOST, ("secure",), ("failed", "bogus"), "skip", True),
    ("D-STATE-13", OWN_HOST, ("insecure",), TLSA, "rfc5922", False),
    ("D-STATE-14", OWN_HOST, ("failed", "bogus"), TLSA, "skip", False),
)
CASES = [
    pytest.param(
        way, addresses, tlsa, expected, asked, marks=pytest.mark.req(row), id=f"{row}-{way}-{addresses}-{tlsa}"
    )
    for row, ways, all_addresses, all_tlsa, expected, asked in ROWS
    for way in ways
    for addresses in all_addresses
    for tlsa in all_tlsa
]

PINNED = made("pinned", "pinned", 7, names=[])


def test_the_rows_cover_every_case_once() -> None:
    cases = [case.values[:3] for case in CASES]
    assert len(cases) == len(set(cases))
    assert set(cases) == set(product(WAYS, ADDRESSES, TLSA))


def host_of(way: str) -> str:
    """The name that the addresses stand at."""
    return {"none-secure": DOMAIN, "none-insecure": DOMAIN, "port": DOMAIN, "maddr": "elsewhere.example"}.get(
        way, TARGET
    )


def world_of(way: str, addresses: str, tlsa: str, leaf: Made) -> World:
    """A world in this state, whose server presents a leaf."""
    world = World()
    world.naptr(DOMAIN)
    owner = f"_sips._tcp.{DOMAIN}"
    if way == "naptr-insecure":
        owner = "_sips._tcp.hoster.example"
        world.naptr(DOMAIN, (10, 10, "s", "SIPS+D2T", "", owner), security=INSECURE)
    if way in FAILURES:
        world.fail(owner, "SRV", FAILURES[way])
    elif way.startswith("none"):
        world.srv(owner, security=SECURE if way == "none-secure" else INSECURE)
    elif way != "maddr":
        world.srv(owner, (10, 0, 5061, TARGET), security=INSECURE if way == "insecure" else SECURE)
    host = host_of(way)
    if addresses in FAILURES:
        world.fail(host, "A", FAILURES[addresses])
        world.fail(host, "AAAA", FAILURES[addresses])
    else:
        world.address(host, "192.0.2.1", security=SECURE if addresses == "secure" else INSECURE)
    name = f"_5061._tcp.{host}"
    if tlsa in FAILURES:
        world.fail(name, "TLSA", FAILURES[tlsa])
    elif tlsa == "unusable":
        world.tlsa(name, "3 1 1 00")
    elif tlsa != "none":
        world.tlsa(name, str(PINNED.record(3, 1, 1)), security=SECURE if tlsa == "usable" else INSECURE)
    world.server("192.0.2.1", [leaf.der, CA.der])
    world.anchors = Anchors((ROOT.der,))
    world.paths = issued((LEAF, CA, ROOT), (TARGET_LEAF, CA, ROOT), (OTHER, CA, ROOT))
    return world


URIS = {"port": f"sip:a@{DOMAIN}:5061", "maddr": f"sip:a@{DOMAIN};maddr=elsewhere.example"}


class TestWholeRuns:
    def run(
        self, way: str, addresses: str, tlsa: str, leaf: Made, policy: Policy | None = None
    ) -> tuple[World, Verdict]:
        world = world_of(way, addresses, tlsa, leaf)
        return world, world.outbound(URIS.get(way, f"sips:a@{DOMAIN}"), policy)

    @pytest.mark.req("D-STATE", "D-REF", "A-05", "A-32", "R5922-7.8-2", "R7671-10.2-1", "R7673-4.1-4", "T-S01", "T-D01")
    @pytest.mark.parametrize(("way", "addresses", "tlsa", "expected", "asked"), CASES)
    def test_each_row_of_the_table(self, way: str, addresses: str, tlsa: str, expected: Expected, asked: bool) -> None:
        for leaf in (LEAF, TARGET_LEAF, OTHER, PINNED):
            world, verdict = self.run(way, addresses, tlsa, leaf)
            assert ("TLSA" in {rrtype for _, rrtype in world.questions()}) is asked
            if expected in ("abort", "skip"):
                assert said(verdict)[:2] == ("UNDETERMINED", "none")
                assert not any(isinstance(action, Connect) for action in world.asked)
                continue
            assert world.names_sent == [host_of(way) if expected == "dane" else DOMAIN]
            accepted = {
                "rfc5922": (LEAF,),
                "either": (LEAF, TARGET_LEAF),
                "dane": (PINNED,),
            }[expected]
            method = "dane-ee" if expected == "dane" else "pkix"
            assert said(verdict)[:2] == (("ACCEPTED", method) if leaf in accepted else ("REJECTED", "none"))

    @pytest.mark.req("A-06", "R7671-10.3-1", "D-STATE-7", "D-STATE-11")
    @pytest.mark.parametrize("way", ["secure", "none-secure", "port"])
    def test_strict_dane_makes_no_connection_where_all_records_are_unusable(self, way: str) -> None:
        world, verdict = self.run(way, "secure", "unusable", LEAF, Policy(strict_dane=True))
        assert said(verdict) == ("REJECTED", "none", "dane.unusable")
        assert world.names_sent == []

    @pytest.mark.req("T-S01", "R7673-4.1-2")
    @pytest.mark.parametrize("way", ["insecure", "naptr-insecure"])
    def test_a_server_that_only_names_itself_is_told_so(self, way: str) -> None:
        assert self.run(way, "secure", "usable", TARGET_LEAF)[1].code == "id.srv-target-only"

    @pytest.mark.req("R6698-4.1-3", "R6698-4.1-9", "R7673-3.4-3")
    @pytest.mark.parametrize("way", ["secure", "none-secure"])
    def test_insecure_records_are_reported_and_change_nothing(self, way: str) -> None:
        verdict = self.run(way, "secure", "insecure", LEAF)[1]
        assert said(verdict) == ("ACCEPTED", "pkix", "id.match")
        assert "dane.insecure" in codes(verdict)

    @pytest.mark.req("R7671-4.1-2", "R6698-4.1-7", "S-A-19")
    def test_after_a_mismatch_there_is_no_way_back_to_pkix(self) -> None:
        verdict = self.run("secure", "secure", "usable", LEAF)[1]
        assert said(verdict) == ("REJECTED", "none", "dane.no-match")


@pytest.mark.req("D-REF", "R7672-3.2.2-1")
class TestTheExpansionOfTheDomain:
    """The canonical name of the AUS domain is a third reference where a SECURE lookup of that name gave it."""

    def run(self, *, naptr: Security = SECURE, srv: Security = SECURE, usage: int = 2) -> tuple[World, Verdict]:
        leaf = made(names=[dns("www.example.com")], number=11)
        world = World()
        world.naptr(DOMAIN, aliases=(Alias(DOMAIN, "www.example.com", naptr, 300.0),), security=naptr)
        world.srv(f"_sips._tcp.{DOMAIN}", (10, 0, 5061, TARGET), security=srv)
        world.address(TARGET, "192.0.2.1")
        world.tlsa(f"_5061._tcp.{TARGET}", str((leaf if usage == 1 else CA).record(usage, 1, 1)))
        world.server("192.0.2.1", [leaf.der, CA.der])
        world.anchors = Anchors((ROOT.der,))
        world.paths = issued((leaf, CA, ROOT))
        return world, world.outbound(f"sips:a@{DOMAIN}")

    @pytest.mark.parametrize("usage", [0, 1, 2])
    def test_an_alias_in_the_naptr_answer_counts(self, usage: int) -> None:
        world, verdict = self.run(usage=usage)
        assert verdict.accepted
        assert world.names_sent == [TARGET]
        assert [(i.domain, i.origin) for i in verdict.identities][:1] == [
            (DOMAIN, "dane" if usage == 2 else "delegation")
        ]

    def test_without_dnssec_it_does_not(self) -> None:
        assert self.run(naptr=INSECURE)[1].code == "id.mismatch"
        assert not self.run(srv=INSECURE)[1].accepted

    def test_a_target_that_is_the_domain_itself_may_be_an_alias(self) -> None:
        leaf = made(names=[dns("www.example.com")], number=11)
        world = World()
        world.naptr(DOMAIN)
        world.srv(f"_sips._tcp.{DOMAIN}", (10, 0, 5061, DOMAIN))
        world.address(DOMAIN, "192.0.2.1", alias=[Alias(DOMAIN, "www.example.com", SECURE, 300.0)])
        world.tlsa(f"_5061._tcp.{DOMAIN}", str(CA.record(2, 1, 1)))
        world.server("192.0.2.1", [leaf.der, CA.der])
        world.paths = issued((leaf, CA, ROOT))
        assert said(world.outbound(f"sips:a@{DOMAIN}")) == ("ACCEPTED", "dane-ta", "dane.match")
        assert world.names_sent == [DOMAIN], "the records stood at the name before the alias"
