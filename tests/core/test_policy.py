"""Policy and limits: safe defaults, values that cannot change, and every wrong value named at once."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siptls import InvalidPolicy, Limits, Policy
from siptls.policy import METHODS, SECURE_TRANSPORTS, TRANSPORTS


class TestDefaults:
    @pytest.mark.req("A-04", "A-06", "A-10", "A-11", "A-15", "A-17", "A-19", "A-23", "T-P01", "R7671-2-1", "R7671-9-2")
    def test_they_are_the_safe_choices(self) -> None:
        policy = Policy()
        assert policy.require == "any"
        assert policy.transports is None
        assert policy.families == ("ipv6", "ipv4")
        assert policy.tlsa_usages == {0, 1, 2, 3}
        assert policy.digests == ("sha512", "sha256")
        assert policy.eku == "interop"
        assert (policy.revocation, policy.from_policy) == ("off", "off")
        assert policy.attempt_delay == math.inf
        relaxations = (policy.allow_cn, policy.allow_wildcards, policy.allow_ip_identity)
        assert relaxations == (False, False, False)
        assert (policy.strict_dane, policy.require_target_name, policy.audit) == (False, False, False)
        assert (policy.lookup_timeout, policy.connect_timeout, policy.path_timeout) == (10.0, 10.0, 10.0)
        assert policy.limits == Limits()

    def test_the_limits_are_those_that_the_documentation_names(self) -> None:
        limits = Limits()
        assert (limits.aliases, limits.records, limits.targets, limits.addresses, limits.lookups) == (
            8,
            2000,
            16,
            8,
            64,
        )
        assert (limits.chain, limits.chain_octets, limits.sans) == (20, 256 * 1024, 20_000)
        assert (limits.paths, limits.attempts, limits.inbound_targets, limits.seconds) == (8, 32, 8, 30.0)

    def test_every_method_satisfies_something_and_secure_transports_are_transports(self) -> None:
        assert METHODS["any"] == frozenset().union(*METHODS.values())
        assert METHODS["dane-ee"] < METHODS["dane"] < METHODS["any"]
        assert METHODS["pkix"] < METHODS["any"]
        assert set(TRANSPORTS) > SECURE_TRANSPORTS
        assert not {"udp", "tcp", "sctp", "ws"} & SECURE_TRANSPORTS


WRONG: list[tuple[str, list[object]]] = [
    ("require", ["", "none", "PKIX", None, 1, ["any"]]),
    ("eku", ["", "lax", None, ["strict"]]),
    ("revocation", ["", "on", None, True, ["crl"]]),
    ("from_policy", ["", "on", None, False, ["warn"]]),
    ("transports", [(), ("tls", "tls"), ("tls", "http"), ["tls"], "tls", {"tls"}, 1, (["tls"],)]),
    ("families", [(), None, ("ipv4", "ipv4"), ("ipv5",), ["ipv4"], "ipv4"]),
    ("digests", [(), None, ("sha1",), ("sha256", "sha256"), ["sha256"], ([],)]),
    (
        "tlsa_usages",
        [None, frozenset({4}), frozenset({-1}), {3}, [3], (3,), 3, "3", frozenset({"3"}), frozenset({3.5})],
    ),
    ("strict_dane", [None, 0, 1, "no"]),
    ("require_target_name", [None, 1]),
    ("allow_cn", [None, 1, "False"]),
    ("allow_wildcards", [1]),
    ("allow_ip_identity", [1]),
    ("audit", [None, 1]),
    ("prefetch", [-1, 1.0, True, "1"]),
    ("attempt_delay", [0, 0.009, -1.0, math.nan, "0.25", None]),
    ("lookup_timeout", [0, -1, math.nan, "10", None]),
    ("connect_timeout", [0, -1, math.nan, "10", None]),
    ("path_timeout", [0, -1, math.nan, "10", None]),
    ("limits", [None, {}, 8]),
]
COUNTS = (
    *("aliases", "records", "targets", "addresses", "lookups"),
    *("chain", "chain_octets", "sans", "paths", "attempts", "inbound_targets"),
)


class TestWrongValues:
    @pytest.mark.parametrize(("option", "value"), [(option, value) for option, values in WRONG for value in values])
    def test_an_option_that_has_a_wrong_value_is_named(self, option: str, value: Any) -> None:
        with pytest.raises(InvalidPolicy) as caught:
            Policy(**{option: value})
        assert caught.value.option == option
        assert caught.value.value is value
        assert caught.value.expected
        assert option in str(caught.value)

    def test_every_option_is_tried(self) -> None:
        assert {option for option, _ in WRONG} == set(inspect.signature(Policy).parameters)

    @pytest.mark.parametrize("count", COUNTS)
    @pytest.mark.parametrize("value", [0, -1, 1.5, True, "8", None, math.inf])
    def test_a_count_is_a_whole_number_of_at_least_one(self, count: str, value: Any) -> None:
        with pytest.raises(InvalidPolicy) as caught:
            Limits(**{count: value})
        assert caught.value.option == f"limits.{count}"
        assert getattr(Limits(**{count: 1}), count) == 1

    @pytest.mark.parametrize("value", [0, -1, math.nan, "30", None])
    def test_the_seconds_are_above_zero(self, value: Any) -> None:
        with pytest.raises(InvalidPolicy) as caught:
            Limits(seconds=value)
        assert caught.value.option == "limits.seconds"

    def test_every_limit_is_tried(self) -> None:
        assert {*COUNTS, "seconds"} == set(inspect.signature(Limits).parameters)

    @pytest.mark.req("R8305-5-1")
    def test_connections_are_never_raced_closer_than_ten_milliseconds(self) -> None:
        assert Policy(attempt_delay=0.01).attempt_delay == 0.01

    def test_options_have_names(self) -> None:
        with pytest.raises(TypeError):
            Policy("dane")  # type: ignore[call-arg]  # the mistake that is tested
        with pytest.raises(TypeError):
            Limits(8)  # type: ignore[call-arg]  # the mistake that is tested


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any policy that can be."""
    return Policy(
        require=draw(st.sampled_from(["any", "pkix", "dane", "dane-ee"])),
        transports=draw(st.none() | st.permutations(TRANSPORTS).map(tuple)),
        tlsa_usages=draw(st.frozensets(st.integers(0, 3))),
        allow_cn=draw(st.booleans()),
        prefetch=draw(st.none() | st.integers(0, 3)),
        attempt_delay=draw(st.floats(0.01, allow_nan=False)),
        limits=Limits(paths=draw(st.integers(1, 9))),
    )


class TestValues:
    @pytest.mark.parametrize("value", [Policy(), Limits()])
    def test_they_cannot_change(self, value: Policy | Limits) -> None:
        for name in (*inspect.signature(type(value)).parameters, "something_else"):
            with pytest.raises(AttributeError):
                setattr(value, name, 1)
            with pytest.raises(AttributeError):
                delattr(value, name)

    @given(policies())
    def test_they_can_be_copied_and_sent_to_another_process(self, policy: Policy) -> None:
        for again in (copy.copy(policy), copy.deepcopy(policy), pickle.loads(pickle.dumps(policy))):  # noqa: S301 - our own
            assert again == policy
            assert hash(again) == hash(policy)
            assert repr(again) == repr(policy)

    @given(policies(), policies())
    def test_they_are_equal_when_all_options_are(self, one: Policy, other: Policy) -> None:
        assert (one == other) is (repr(one) == repr(other))
        assert len({one, other}) == (1 if one == other else 2)

    def test_they_equal_nothing_else(self) -> None:
        assert Policy() != Limits()
        assert Policy() != "any"

    def test_the_repr_shows_every_option(self) -> None:
        assert all(f"{name}=" in repr(Policy()) for name in inspect.signature(Policy).parameters)

    def test_one_option_can_be_changed_in_a_copy(self) -> None:
        policy = Policy(require="dane")
        assert policy.replace(audit=True) == Policy(require="dane", audit=True)
        assert policy == Policy(require="dane")
        with pytest.raises(InvalidPolicy):
            policy.replace(audit=1)
        with pytest.raises(TypeError):
            policy.replace(no_such_option=1)
