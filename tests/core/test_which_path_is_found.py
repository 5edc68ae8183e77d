"""Which of the valid paths a validator finds is chance, and so is the order of what a peer sends: they decide nothing.

Two levels of authorities have several certificates each. What is to be decided of them is worked out from all paths at
once, and then each order of the paths, as the validator likes them, must come to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Literal, TypeAlias

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from forged import (
    CLIENT_AUTH,
    EMAIL_PROTECTION,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    bit_string,
    constraints,
    dns,
    extension,
    uri,
)
from judging import CA, DOMAIN, LEAF, ROOT, TARGET, Court, Made, ca, codes, issued, made, said
from siptls import Limits, Policy, Revocation, ValidatePath
from siptls.dns import Tlsa
from siptls.policy import RevocationCheck
from world import Path

Fact: TypeAlias = Literal["good", "unknown", "revoked", "for mail", "constrained", "malformed"]

FACTS: tuple[Fact, ...] = ("good", "good", "unknown", "revoked", "for mail", "constrained", "malformed")
WORST: tuple[Fact, ...] = ("revoked", "malformed", "for mail", "constrained", "unknown", "good")
ONLY_CLIENT = made(names=[uri(f"sip:{DOMAIN}")], eku=[CLIENT_AUTH])
SAYS = {
    "unknown": Revocation("unknown", "crl.missing"),
    "revoked": Revocation("revoked", "chain.revoked"),
}
ROOTS = [ca(f"Root {number}", f"Root {number}", 60 + number) for number in range(3)]
Chain: TypeAlias = tuple[Made, ...]
Validate: TypeAlias = Callable[[ValidatePath], Path]


def certified(name: str, issuer: str, fact: Fact, serial: int) -> Made:
    """A certificate of an authority for which a fact holds; what lists say of it stands elsewhere."""
    also = {
        "constrained": [constraints([dns("elsewhere.example")])],
        "malformed": [extension(EXTENDED_KEY_USAGE, b"\x30\x00")],
    }
    return ca(
        name,
        issuer,
        {"CA": 2, "J 0": 40, "J 1": 41}[name],
        eku=[EMAIL_PROTECTION] if fact == "for mail" else [],
        extensions=[*also.get(fact, []), extension("1.2.3.4", bytes((serial,)))],
    )


@dataclass(frozen=True)
class Scene:
    """Certificates with what holds for each, which roots are trusted, and which usages have records.

    Attributes:
        facts: what holds, by DER; of all others only good is known.
        chains: all that is validly signed, leaf first, root last.
        trusted: the local trust anchors.
        usages: of which there are records.
        named: the certificates that records of usage 2, and of usage 0, name.
    """

    facts: dict[bytes, Fact]
    chains: tuple[Chain, ...]
    trusted: tuple[Made, ...]
    usages: frozenset[int]
    named: tuple[tuple[Made, ...], tuple[Made, ...]]
    revocation: RevocationCheck

    @property
    def records(self) -> list[Tlsa]:
        of_anchors = [made.record(2, 0, 1) for made in self.named[0]] if 2 in self.usages else []
        of_issuers = [made.record(0, 0, 1) for made in self.named[1]] if 0 in self.usages else []
        return [*of_anchors, *([LEAF.record(1, 1, 1)] if 1 in self.usages else []), *of_issuers]

    def judged(self, chains: Sequence[Chain], limits: Limits) -> Court:
        sent = {made: None for chain in chains for made in chain[1:]}
        return Court(
            (LEAF, *sent),
            self.records,
            chains,
            self.trusted,
            policy=Policy(revocation=self.revocation, limits=limits),
            revocation=self.list_says,
        )

    def list_says(self, der: bytes) -> Revocation:
        return SAYS.get(self.facts.get(der, "good"), Revocation("good"))

    def paths(self, anchors: Sequence[Made]) -> list[Chain]:
        """The paths to the first anchor of each chain."""
        found = [[end for end, made in enumerate(chain) if made in anchors] for chain in self.chains]
        return [chain[: ends[0] + 1] for chain, ends in zip(self.chains, found, strict=True) if ends]

    def known(self, path: Chain) -> Fact:
        """What is known of a path: the worst of all that counts of it."""
        below = [self.facts.get(made.der, "good") for made in path[:-1]]
        top = self.facts.get(path[-1].der, "good")
        if self.revocation == "off":
            below = ["good" if fact in SAYS else fact for fact in below]
        if top == "constrained":
            below.append(top)  # the constraints of an anchor bind, its purposes are not asked for
        return WORST[min([WORST.index(fact) for fact in below])]

    def decided(self) -> tuple[str, str]:
        """Outcome and method, from all paths at once."""
        ways: list[tuple[str, list[Chain], list[Chain]]] = []
        local = self.paths(self.trusted)
        if not self.usages:
            ways = [("pkix", local, local)]
        if 2 in self.usages:
            to_named = self.paths(self.named[0])
            ways.append(("dane-ta", to_named, to_named))
        if 1 in self.usages:
            ways.append(("pkix-ee", local, local))
        if 0 in self.usages:
            ways.append(("pkix-ta", [path for path in local if {*path[1:]} & {*self.named[1]}], local))
        revoked = doubt = False
        for method, paths, all_paths in ways:
            known = {self.known(path) for path in paths}
            if "good" in known:
                return "ACCEPTED", method
            if self.revocation != "off":
                facts = {self.facts.get(made.der, "good") for path in all_paths for made in path[:-1]}
                revoked = revoked or "revoked" in facts
            doubt = doubt or "unknown" in known
            if "unknown" in known and not revoked and self.revocation == "crl":
                return "ACCEPTED", method
        return ("UNDETERMINED" if doubt and not revoked else "REJECTED"), "none"


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    fact = st.sampled_from(FACTS)
    facts: dict[bytes, Fact] = {LEAF.der: draw(st.sampled_from(["good", "good", "good", "unknown", "revoked"]))}
    lower: list[tuple[Made, int]] = []
    upper: list[tuple[Made, int, int]] = []
    for serial in range(draw(st.integers(1, 3))):
        name, holds = draw(st.integers(0, 1)), draw(fact)
        lower.append((certified("CA", f"J {name}", holds, serial), name))
        facts[lower[-1][0].der] = holds
    for serial in range(draw(st.integers(1, 4))):
        name, root, holds = draw(st.integers(0, 1)), draw(st.integers(0, 2)), draw(fact)
        upper.append((certified(f"J {name}", f"Root {root}", holds, 10 + serial), name, root))
        facts[upper[-1][0].der] = holds
    chains = [(LEAF, i, j, ROOTS[root]) for (i, of), (j, name, root) in product(lower, upper) if of == name]
    authorities = [*ROOTS, *[i for i, _ in lower], *[j for j, _, _ in upper]]
    some = st.lists(st.sampled_from(authorities), min_size=1, max_size=2, unique=True)
    return Scene(
        facts,
        tuple(chains),
        tuple(ROOTS[: draw(st.integers(1, 3))]),
        draw(st.frozensets(st.sampled_from([0, 1, 2]))),
        (tuple(draw(some)), tuple(draw(some))),
        draw(st.sampled_from(["off", "crl", "crl", "crl-required"])),
    )


many = settings(max_examples=4 * settings().max_examples, suppress_health_check=[HealthCheck.too_slow])


@many
@given(scene=scenes(), data=st.data())
@pytest.mark.req("D-PATH-3", "R5922-8-1", "GJ-7", "R6698-4.1-8")
def test_all_paths_together_decide_in_whichever_order_they_are_found(scene: Scene, data: st.DataObject) -> None:
    outcome = scene.decided()
    event(" ".join(outcome))
    for _ in range(4):
        order = data.draw(st.permutations(scene.chains))
        verdict = scene.judged(order, Limits(paths=100)).verdict()
        assert (verdict.outcome.value, verdict.method) == outcome


@many
@given(scene=scenes(), data=st.data(), most=st.integers(1, 3))
def test_what_the_limit_cuts_off_is_neither_for_nor_against_the_peer(
    scene: Scene, data: st.DataObject, most: int
) -> None:
    order = data.draw(st.permutations(scene.chains))
    court = scene.judged(order, Limits(paths=most))
    verdict = court.verdict()
    accepted = scene.decided()[0] == "ACCEPTED"
    cut = "limit.paths" in codes(verdict)
    # Evidence of revocation stands, however much there is that nobody looked at.
    assert verdict.accepted is accepted or cut
    assert not verdict.accepted or accepted
    assert not cut or verdict.outcome.value != "REJECTED" or "chain.revoked" in codes(verdict)
    ways = len(scene.usages - {0}) + most * (0 in scene.usages) + (not scene.usages)
    assert len(court.questions) <= ways + most * max(1, len(scene.usages))


def two_levels(first: Fact, second: Fact) -> tuple[Scene, tuple[Made, Made], tuple[Made, Made]]:
    """Two certificates for each of two authorities, of which one of each is bad."""
    lower = certified("CA", "J 0", first, 0), certified("CA", "J 0", "good", 1)
    upper = certified("J 0", "Root 0", second, 2), certified("J 0", "Root 0", "good", 3)
    chains = tuple([(LEAF, i, j, ROOTS[0]) for i in lower for j in upper])
    facts: dict[bytes, Fact] = {lower[0].der: first, upper[0].der: second}
    return Scene(facts, chains, (ROOTS[0],), frozenset(), ((), ()), "crl"), lower, upper


@pytest.mark.req("D-PATH-3")
@pytest.mark.parametrize("usage", [None, 0, 1, 2])
@pytest.mark.parametrize(("first", "second"), list(product(FACTS[2:], repeat=2)))
def test_only_the_good_certificates_of_two_levels_make_a_good_path(
    first: Fact, second: Fact, usage: int | None
) -> None:
    scene, *_ = two_levels(first, second)
    records = {None: [], 0: [ROOTS[0].record(0, 0, 1)], 1: [LEAF.record(1, 1, 1)], 2: [ROOTS[0].record(2, 0, 1)]}[usage]
    for order in permutations(scene.chains):
        court = scene.judged(order, Limits())
        court.chain, court.records = (*court.chain, ROOTS[0]), records
        assert court.verdict().accepted
        assert len(court.questions) <= 3


class TestTogetherToBlame:
    """Names that one authority may not speak for, and those that another one may not: each alone leaves one."""

    def court(self, order: Sequence[int]) -> Court:
        leaf = two_names()
        lower = [ca("CA", "J 0", 2, extensions=[barring("example.com")]), ca("CA", "J 0", 2)]
        upper = [ca("J 0", "Root 0", 40, extensions=[barring("sip1.host.example")]), ca("J 0", "Root 0", 40)]
        # Without the second certificate of either level only that one pair is left.
        chains = [(leaf, lower[0], upper[0], ROOTS[0]), (leaf, lower[1], upper[1], ROOTS[0])]
        chains += [(leaf, lower[0], upper[1], ROOTS[0]), (leaf, lower[1], upper[0], ROOTS[0])]
        return Court((leaf, *lower, *upper), [leaf.record(1, 1, 1)], [chains[place] for place in order], [ROOTS[0]])

    def test_each_of_them_is_left_out_by_turns(self) -> None:
        for order in permutations(range(4)):
            assert self.court(order).verdict().accepted
        court = self.court([0])
        assert said(court.verdict()) == ("REJECTED", "none", "chain.name-constraints")
        assert 1 < len(court.questions) <= 4


def barring(host: str) -> bytes:
    """Name constraints that exclude a host."""
    return constraints(excluded=[dns(host)])


def two_names() -> Made:
    """A leaf that is known by a sip URI for the domain, and by one for the server's host."""
    return made(names=[uri(f"sip:{DOMAIN}"), uri(f"sip:{TARGET}")])


class TestInDoubt:
    """Where nothing is known of a path, it counts what is known of all others: also of such as cannot be taken."""

    OF_0, OF_1 = certified("CA", "Root 0", "good", 0), certified("CA", "Root 1", "good", 1)
    UNKNOWN, REVOKED = SAYS["unknown"], SAYS["revoked"]

    def court(self, records: Sequence[Tlsa], of_0: Revocation, validate: Validate) -> Court:
        """Of the authority's certificate by Root 1 nothing is known."""
        says = {self.OF_0.der: of_0, self.OF_1.der: self.UNKNOWN}
        return Court(
            (LEAF, self.OF_0, self.OF_1, *ROOTS[:2]),
            records,
            trusted=ROOTS[:2],
            policy=Policy(revocation="crl"),
            paths=validate,
            revocation=lambda der: says.get(der, Revocation("good")),
        )

    @property
    def both(self) -> Validate:
        return issued((LEAF, self.OF_1, ROOTS[1]), (LEAF, self.OF_0, ROOTS[0]))

    @pytest.mark.req("R5922-8-1")
    @pytest.mark.parametrize("records", [(), (LEAF.record(1, 1, 1),)])
    def test_a_path_that_was_not_found_in_time_leaves_it_open(self, records: tuple[Tlsa, ...]) -> None:
        def late(question: ValidatePath) -> Path:
            return "chain.timeout" if self.OF_1.der not in question.pool else self.both(question)

        assert said(self.court(records, self.REVOKED, self.both).verdict()) == ("REJECTED", "none", "chain.revoked")
        court = self.court(records, self.REVOKED, late)
        assert said(court.verdict()) == ("UNDETERMINED", "none", "chain.timeout")

    def test_what_lists_did_not_say_in_time_leaves_it_open_too(self) -> None:
        court = self.court((), Revocation("unknown", "crl.timeout"), self.both)
        assert said(court.verdict()) == ("UNDETERMINED", "none", "chain.timeout")

    @pytest.mark.req("R6698-4.1-8")
    def test_so_does_another_way_that_was_not_looked_at_in_time(self) -> None:
        records = ROOTS[0].record(2, 0, 1), LEAF.record(1, 1, 1)

        def late(question: ValidatePath) -> Path:
            return "chain.timeout" if ROOTS[1].der not in question.anchors.certificates else self.both(question)

        court = self.court(records, Revocation("good"), late)
        court.trusted = ROOTS[1:2]
        assert said(court.verdict()) == ("UNDETERMINED", "none", "chain.timeout")
        assert self.court(records, Revocation("good"), self.both).verdict().accepted

    @pytest.mark.parametrize("usage", [0, 2])
    def test_an_authority_counts_in_whichever_paths_it_stands(self, usage: int) -> None:
        """The record names Root 1, and only Root 0 has revoked its certificate of the authority."""
        records = ROOTS[1].record(usage, 0, 1), ROOTS[1].record(usage, 1, 1)
        outcomes = {0: "REJECTED", 2: "ACCEPTED"}  # for usage 2, Root 0 is a stranger
        assert self.court(records, self.REVOKED, self.both).verdict().outcome.value == outcomes[usage]
        assert self.court(records, Revocation("good"), self.both).verdict().accepted

        def strict(question: ValidatePath) -> Path:
            return None if question.through == self.OF_0.der else self.both(question)

        def late(question: ValidatePath) -> Path:
            return "chain.timeout" if question.through == self.OF_0.der else self.both(question)

        assert self.court(records, self.REVOKED, strict).verdict().accepted
        assert self.court(records, self.REVOKED, late).verdict().accepted is (usage == 2)

    @pytest.mark.parametrize("holds", ["good", "for mail"])
    def test_what_is_decided_stays_and_no_other_path_is_asked_for(self, holds: Fact) -> None:
        other = certified("CA", "Root 1", holds, 2)
        court = self.court([ROOTS[0].record(2, 0, 1), LEAF.record(1, 1, 1)], Revocation("good"), self.both)
        court.chain, court.trusted = (LEAF, self.OF_0, self.OF_1, other, ROOTS[0]), ROOTS[1:2]
        first = other if holds == "for mail" else self.OF_1
        court.paths = issued((LEAF, first, ROOTS[1]), (LEAF, self.OF_0, ROOTS[0]))
        court.policy = Policy(revocation="crl", audit=True)
        assert said(court.verdict()) == ("ACCEPTED", "dane-ta", "dane.match")
        assert len(court.questions) == 2

    def test_what_there_is_too_much_of_leaves_it_open(self) -> None:
        others = [certified("CA", "Root 0", "good", 10 + serial) for serial in range(3)]
        chains = [(LEAF, self.OF_1, ROOTS[1]), *[(LEAF, other, ROOTS[0]) for other in others]]
        court = self.court([ROOTS[1].record(0, 0, 1)], self.REVOKED, issued(*chains))
        court.chain = (LEAF, self.OF_1, *others, *ROOTS[:2])
        assert court.verdict().accepted
        court.policy = Policy(revocation="crl", limits=Limits(paths=2))
        assert said(court.verdict()) == ("UNDETERMINED", "none", "limit.paths")

    def test_a_list_that_the_issuers_certificate_keeps_from_counting_is_asked_again_with_another_one(self) -> None:
        """One certificate of the issuer has no cRLSign, another one cannot be read as a whole."""
        unfit = ca("CA", "Root 0", 2, extensions=[extension(KEY_USAGE, bit_string(b"\x04", 2))])
        odd = certified("CA", "Root 0", "malformed", 1)
        fit = certified("CA", "Root 0", "good", 2)
        finding = {unfit.der: "crl.key-usage", odd.der: "crl.malformed"}
        for sent in permutations([unfit, odd, fit]):
            validate = issued(*[(LEAF, each, ROOTS[0]) for each in sent])
            issuers: list[bytes] = []

            def validated(question: ValidatePath, validate: Validate = validate, found: list[bytes] = issuers) -> Path:
                path = validate(question)
                found.append(path[1] if isinstance(path, tuple) else b"")
                return path

            def says(der: bytes, found: list[bytes] = issuers) -> Revocation:
                code = finding.get(found[-1], "") if der == LEAF.der else ""
                return Revocation("unknown" if code else "good", code)

            court = Court((LEAF, *sent), (), (), ROOTS[:1], policy=Policy(revocation="crl-required"))
            court.paths, court.revocation = validated, says
            assert court.verdict().accepted


def test_another_name_for_the_same_path_ends_the_search() -> None:
    """A validator that returns what it was not given is asked no more than others."""
    bad = certified("CA", "Root 0", "for mail", 0)
    other = certified("CA", "Root 0", "good", 1)
    court = Court((LEAF, bad, other), (), (), ROOTS[:1], paths=lambda _question: (LEAF.der, bad.der, ROOTS[0].der))
    assert said(court.verdict()) == ("REJECTED", "none", "chain.eku")
    assert len(court.questions) == 2


@pytest.mark.req("D-PATH-3")
def test_an_anchor_may_be_left_out_too() -> None:
    """Two roots of one name and one key, of which one binds other names."""
    bad = ca("Root 0", "Root 0", 60, extensions=[barring(DOMAIN)])
    for usage, trusted in product((None, 0, 1, 2), permutations([bad, ROOTS[0]])):
        below = certified("CA", "Root 0", "good", 0)
        of = {None: [], 0: [each.record(0, 0, 1) for each in trusted], 1: [LEAF.record(1, 1, 1)],
              2: [each.record(2, 0, 1) for each in trusted]}[usage]  # fmt: skip
        court = Court((LEAF, below, *trusted), of, [(LEAF, below, each) for each in trusted], trusted)
        assert court.verdict().accepted


def test_a_purpose_is_told_by_its_name_with_those_that_are_taken() -> None:
    (step,) = [step for step in Court((ONLY_CLIENT, CA), (), [(ONLY_CLIENT, CA, ROOT)]).verdict().findings
               if step.code == "chain.eku"]  # fmt: skip
    assert step.expected == "sipDomain or serverAuth or anyExtendedKeyUsage, as policy 'interop' has it for a server"
    assert step.found == "clientAuth"
