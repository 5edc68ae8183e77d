"""Second opinions on whole judgements: OpenSSL's DANE and PKIX, and libdane; `make assurance` asks them more often."""

from __future__ import annotations

import ast
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from assurance.parts import PARTS, share
from differential import libdane_opinion, openssl_dane
from differential.certificates import Description
from differential.dane_worlds import Pin, World
from differential.every_way import EVERYTHING, Allowance, EveryWay, plainly
from differential.examples import EXAMPLES
from differential.explained import EXPLANATIONS, OURS, Explanation
from pki import NOW
from siptls.certificate import Certificate
from siptls.dane import association
from siptls.dns import Tlsa
from siptls.events import Anchors
from siptls.verdict import Verdict
from siptls_io import verify_chain

with_openssl = pytest.mark.server("openssl")
with_libdane = pytest.mark.server("openssl", "gnutls-cli")

LEAF = Description(subject="leaf", key=("p256", 10), issuer="CA", signer=("p256", 1), dns=("example.com",))
CA = Description(
    subject="CA", key=("p256", 1), issuer="CA", signer=("p256", 1), ca=True, key_usage=("key_cert_sign", "crl_sign")
)


@with_openssl
def test_openssl_and_siptls_agree_or_differ_for_a_reason_that_has_a_name() -> None:
    tally = share(PARTS["openssl"], 1_000, secrets.randbelow(10**9))
    assert tally["worlds"] == 1_000
    assert tally["no explanation holds"] > 100  # there they agree without any allowance
    assert tally["OpenSSL by itself differs"] > 100
    for method in openssl_dane.METHODS.values():
        assert tally[f"accepted by {method}"] > 0


@with_libdane
def test_libdane_and_siptls_agree_as_far_as_libdane_goes() -> None:
    tally = share(PARTS["libdane"], 600, secrets.randbelow(10**9))
    assert tally["no limit holds"] > 50
    assert tally["matched alike"] > 50


@with_openssl
@pytest.mark.parametrize("explanation", EXPLANATIONS, ids=lambda explanation: explanation.name)
def test_each_explanation_has_a_world_in_which_it_makes_the_difference(explanation: Explanation) -> None:
    tally: Counter[str] = Counter()
    openssl_dane.check(EXAMPLES[explanation.name], tally)
    assert tally[f"decides: {explanation.name}"] == 1


@with_openssl
def test_where_no_explanation_holds_openssl_is_asked_just_once_and_says_the_same() -> None:
    world = World(certificates=(LEAF, CA), sent=(0, 1), trusted=(1,), pins=(Pin(2, 1, 1, 1),))
    for each, accepted in ((world, True), (replace(world, pins=(Pin(2, 1, 1, None),)), False)):
        assert not any(explanation.holds(each) for explanation in EXPLANATIONS if explanation is not PINNED_KEY)
        assert openssl_dane.judged(each).accepted is accepted
        assert plainly(each) is accepted
        assert bool(EveryWay(each).accepting()) is accepted


PINNED_KEY = next(each for each in EXPLANATIONS if each.allowance is Allowance.KEY_ANCHORS)


def test_an_explanation_says_who_accepts_alone_and_each_allowance_has_one() -> None:
    assert {each.allowance for each in EXPLANATIONS} == EVERYTHING
    assert len({each.name for each in EXPLANATIONS}) == len(EXPLANATIONS) == len(EXAMPLES)
    assert {each.way for each in EXPLANATIONS if each.allowance is Allowance.DANE_EE_NAMES} == {OURS}


Broken = Callable[[dict[str, Any]], dict[str, Any]]
"""Changes the arguments of `verify_chain`, so that what it says is wrong."""


def _takes_a_wrong_digest(said: dict[str, Any]) -> dict[str, Any]:
    def about_the_leaf(record: Tlsa) -> Tlsa:
        if record.selector > 1 or record.matching > 2 or record.usage not in {1, 3}:
            return record
        data = association(Certificate(said["chain"][0]), record.selector, record.matching)
        return Tlsa(record.owner, record.usage, record.selector, record.matching, data)

    return said | {"tlsa": [about_the_leaf(each) for each in said["tlsa"]]}


def _knows_no_time(said: dict[str, Any]) -> dict[str, Any]:
    return said | {"at": NOW}


def _forgets_the_target(said: dict[str, Any]) -> dict[str, Any]:
    return said | {"target": None}


def _sees_no_records(said: dict[str, Any]) -> dict[str, Any]:
    return said | {"tlsa": ()}


def _takes_the_first_record_alone(said: dict[str, Any]) -> dict[str, Any]:
    return said | {"tlsa": said["tlsa"][:1]}


def _believes_in_strangers(said: dict[str, Any]) -> dict[str, Any]:
    return said | {"anchors": Anchors(said["chain"])}


def break_siptls(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(chain: tuple[bytes, ...], **said: Any) -> Verdict:
        return verify_chain(**broken(said | {"chain": chain}))

    monkeypatch.setattr(openssl_dane, "verify_chain", wrong)


@with_openssl
@pytest.mark.parametrize(
    "broken",
    [
        _takes_a_wrong_digest,
        _knows_no_time,
        _forgets_the_target,
        _sees_no_records,
        _takes_the_first_record_alone,
        _believes_in_strangers,
    ],
)
def test_a_broken_judge_is_found_with_a_world_that_shows_it(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    break_siptls(broken, monkeypatch)
    with pytest.raises(AssertionError) as found:
        openssl_dane.run(1_000, 1)
    world = _read(str(found.value))
    with pytest.raises(AssertionError, match=r"World\("):
        openssl_dane.check(world, Counter())
    monkeypatch.undo()
    openssl_dane.check(world, Counter())


@with_openssl
def test_a_failure_names_the_command_by_which_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    break_siptls(_takes_a_wrong_digest, monkeypatch)
    with pytest.raises(AssertionError) as found:
        share(PARTS["openssl"], 300, 1)
    (note,) = [note for note in found.value.__notes__ if note.startswith("again: ")]
    assert note == "again: PYTHONPATH=tests .venv/bin/python -m assurance openssl --count 300 --seed 1 --jobs 1"
    with pytest.raises(AssertionError) as again:
        openssl_dane.run(300, 1)
    assert _read(str(again.value)) == _read(str(found.value))


def _value(node: ast.expr) -> Any:
    """What an expression of values means."""
    match node:
        case ast.Call(func=ast.Name(id=name), keywords=keywords):
            kinds: dict[str, Callable[..., object]] = {"World": World, "Description": Description, "Pin": Pin}
            return kinds[name](**{str(each.arg): _value(each.value) for each in keywords})
        case ast.Tuple(elts=elements):
            return tuple([_value(each) for each in elements])
        case _:
            return ast.literal_eval(node)


def _read(failure: str) -> World:
    """The world in what a failure prints."""
    text = f"World({failure.partition('World(')[2]}".splitlines()[0]
    world = _value(ast.parse(text, mode="eval").body)
    assert isinstance(world, World)
    return world


@with_libdane
def test_a_broken_matcher_is_found_by_libdane(monkeypatch: pytest.MonkeyPatch) -> None:
    class Everything:
        def __init__(self, records: list[object]) -> None:
            self._records = records

        def match(self, certificate: object) -> object:
            return self._records[0]

    monkeypatch.setattr(libdane_opinion, "Matcher", Everything)
    with pytest.raises(AssertionError, match="siptls matches: True; libdane: False"):
        libdane_opinion.run(1_000, 1)
