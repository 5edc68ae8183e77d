"""The reference model can fail: a core with one rule broken is found out within the share of worlds of one test run."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest

from model import disagreements
from model_cases import OCTETS, case_of
from siptls import Certificate, Delegation, InvalidCertificate
from siptls.dane import Matcher, RecordSet
from siptls.delegation import D_REF, D_STATE, Addressed, Name, Pinned, Terms, Treatment
from siptls.dns import Answer, Srv, Tlsa
from siptls.events import Answered, LookupFailed
from siptls.judgement import Judgement
from siptls.planning import Planning
from siptls.policy import Policy
from siptls.references import References
from world import INSECURE, SECURE, SOURCE

pytestmark = pytest.mark.skipif(
    not isinstance(vars(Judgement)["begin"], FunctionType),
    reason="a rule of a compiled core cannot be broken from outside; the interpreted one shows that the model can fail",
)

SHARE = 2_500
"""How many worlds `test_reference_model` draws."""

Break = Callable[[pytest.MonkeyPatch], None]


def always(value: object) -> Callable[..., object]:
    """A rule that says the same whatever it is asked."""
    return lambda *_asked: value


def takes_insecure_for_secure(patch: pytest.MonkeyPatch) -> None:
    def leads(owner_trusted: bool, _answer: Answer) -> bool:
        return owner_trusted

    patch.setattr("siptls.locating.leads", leads)


def trusts_what_an_untrusted_name_says(patch: pytest.MonkeyPatch) -> None:
    def leads(_owner_trusted: bool, answer: Answer) -> bool:
        return answer.security is SECURE

    patch.setattr("siptls.locating.leads", leads)


def trusts_the_target_of_an_insecure_srv_record(patch: pytest.MonkeyPatch) -> None:
    for addressed in (Addressed.INSECURE, Addressed.SECURE):
        patch.setitem(D_STATE, (Delegation.TAINTED, addressed, Pinned.NOT_ASKED), Treatment.DOMAIN_OR_TARGET)


def falls_back_to_pkix_after_a_mismatch(patch: pytest.MonkeyPatch) -> None:
    begin: Callable[[Any], None] = vars(Judgement)["begin"]

    def lax(self: Any) -> None:
        records: RecordSet | None = self._records
        if records is not None and not any(_matches(records, der) for der in self._chain):
            self._records = None
        begin(self)

    patch.setattr("siptls.judgement.Judgement.begin", lax)


def _matches(records: RecordSet, der: bytes) -> bool:
    try:
        return Matcher(records.counting).match(Certificate(der)) is not None
    except InvalidCertificate:
        return False


def takes_a_failed_tlsa_lookup_for_no_record(patch: pytest.MonkeyPatch) -> None:
    answered: Callable[[Any, object], None] = vars(Planning)["_tlsa_answered"]

    def forgiving(self: Any, event: Answered | LookupFailed) -> None:
        if isinstance(event, LookupFailed):
            nothing = Answer(event.action, (), event.action.name, (), None, INSECURE, 300.0, SOURCE)
            event = Answered(event.action, nothing)
        answered(self, event)

    patch.setattr("siptls.planning.Planning._tlsa_answered", forgiving)


def ignores_require_target_name(patch: pytest.MonkeyPatch) -> None:
    under = vars(References)["under"].__func__

    def lax(cls: type[References], treatment: Treatment, policy: Policy, *names: str) -> object:
        return under(cls, treatment, policy.replace(require_target_name=False), *names)

    patch.setattr(References, "under", classmethod(lax))


def lets_a_strong_digest_rule_out_other_selectors(patch: pytest.MonkeyPatch) -> None:
    strongest: Callable[..., list[Tlsa]] = vars(RecordSet)["_strongest"]

    def across(self: Any, usable: list[Tlsa], policy: Policy) -> list[Tlsa]:
        kept = strongest(self, usable, policy)
        sha512 = {record.usage for record in kept if record.matching == 2}
        strong = policy.digests[0] == "sha512"
        return [r for r in kept if not (strong and r.matching == 1 and r.usage in sha512)]

    patch.setattr("siptls.dane.RecordSet._strongest", across)


def lets_weak_digests_count_beside_strong_ones(patch: pytest.MonkeyPatch) -> None:
    def strongest(_self: object, usable: list[Tlsa], _policy: Policy) -> list[Tlsa]:
        return usable

    patch.setattr("siptls.dane.RecordSet._strongest", strongest)


def drops_a_disabled_constraint_silently(patch: pytest.MonkeyPatch) -> None:
    def enabled(_self: object, usable: list[Tlsa], policy: Policy) -> list[Tlsa]:
        return [record for record in usable if record.usage in policy.tlsa_usages]

    patch.setattr("siptls.dane.RecordSet._enabled", enabled)


def lets_a_sip_uri_escape_name_constraints(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("siptls.references.permitted", always(True))


def does_not_look_at_the_purposes_of_authorities(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("siptls.path_rules.purpose_faults", always([]))


def sends_the_domain_where_tlsa_records_count(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(D_REF, Treatment.DANE, Terms(Name.DOMAIN, D_REF[Treatment.DANE].references))


def forgets_the_canonical_name_as_third_reference(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(D_REF, Treatment.DANE, Terms(Name.BASE, (Name.BASE, Name.DOMAIN)))


def ignores_the_priority_of_srv_records(patch: pytest.MonkeyPatch) -> None:
    def reversed_order(records: list[Srv], _randbelow: object) -> list[Srv]:
        return sorted(records, key=lambda record: -record.priority)

    patch.setattr("siptls.locating.ordered", reversed_order)


def takes_what_no_crl_speaks_of_for_good(patch: pytest.MonkeyPatch) -> None:
    nothing: tuple[list[object], str, None] = ([], "", None)
    patch.setattr("siptls.path_weighing.revocation_notes", always(nothing))


BROKEN: tuple[Break, ...] = (
    takes_insecure_for_secure,
    trusts_what_an_untrusted_name_says,
    trusts_the_target_of_an_insecure_srv_record,
    falls_back_to_pkix_after_a_mismatch,
    takes_a_failed_tlsa_lookup_for_no_record,
    ignores_require_target_name,
    lets_a_strong_digest_rule_out_other_selectors,
    lets_weak_digests_count_beside_strong_ones,
    drops_a_disabled_constraint_silently,
    lets_a_sip_uri_escape_name_constraints,
    does_not_look_at_the_purposes_of_authorities,
    sends_the_domain_where_tlsa_records_count,
    forgets_the_canonical_name_as_third_reference,
    ignores_the_priority_of_srv_records,
    takes_what_no_crl_speaks_of_for_good,
)


def worlds_until_caught(seed: int) -> int:
    """How many worlds it takes until the model and the core disagree."""
    rng = random.Random(seed)
    for number in range(1, SHARE + 1):
        case = case_of(rng.randbytes(OCTETS))
        if any(disagreements(case, order) for order in range(3)):
            return number
    pytest.fail(f"{SHARE} worlds, and the model has noticed nothing")


def name_of(broken: Break) -> str:
    """The rest of the sentence that the test begins."""
    return getattr(broken, "__name__", "")


@pytest.mark.parametrize("broken", BROKEN, ids=name_of)
def test_the_model_catches_a_core_that(broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    assert worlds_until_caught(seed=2026) <= SHARE
