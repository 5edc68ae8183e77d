"""Second opinions on single certificates: what changed ones say, and which names they have."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import Any

import pytest

import second_reader
from assurance.parts import PARTS, share
from differential import der_reading, name_opinion
from differential.mutants import mutants, seeds
from siptls.certificate import Certificate
from siptls.identity import Identity


def test_changed_certificates_are_read_alike_or_refused() -> None:
    tally = share(PARTS["der"], 50_000, secrets.randbelow(10**9))
    assert tally["certificates"] == 50_000
    assert tally["read by both, alike"] > 5_000
    assert tally["facts alike beside what ours refuses"] > 1_000


def test_hosts_are_found_among_dns_names_as_service_identity_finds_them() -> None:
    tally = share(PARTS["names"], 600, secrets.randbelow(10**9))
    assert tally["both accept"] > 20
    assert tally["no limit holds"] > 100


def test_changed_certificates_come_again_from_their_seed_and_are_all_changed() -> None:
    assert mutants(300, 7) == mutants(300, 7) != mutants(300, 8)
    assert not {seed.der for seed in seeds()}.intersection(mutants(3_000, 7))
    assert all(len(seed.elements) > 20 for seed in seeds())


class Misread:
    """A reader of certificates that gets one fact wrong."""

    def __init__(self, der: bytes) -> None:
        self._read = Certificate(der)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read, name)


class WrongNames(Misread):
    @property
    def names(self) -> object:
        return (self._read.names or ())[:1] or None


class NoConstraints(Misread):
    @property
    def name_constraints(self) -> None:
        return None


class Blind(Misread):
    @property
    def serial(self) -> int:
        return 1


@pytest.mark.parametrize("broken", [WrongNames, NoConstraints])
def test_a_broken_reader_is_found_and_the_failure_comes_again_as_it_says(
    broken: type[Misread], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_reader, "Certificate", broken)
    with pytest.raises(AssertionError, match=r"certificate [0-9a-f]+\n") as found:
        share(PARTS["der"], 10_000, 1)
    (note,) = found.value.__notes__
    assert note == "again: PYTHONPATH=tests .venv/bin/python -m assurance der --count 10000 --seed 1 --jobs 1"
    der = bytes.fromhex(str(found.value).rpartition(" ")[2])
    with pytest.raises(AssertionError):
        der_reading.check(der, Counter())
    monkeypatch.undo()
    der_reading.check(der, Counter())


def test_facts_where_there_is_no_certificate_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(der_reading, "Certificate", Blind)
    with pytest.raises(AssertionError, match="serial number read where there is no certificate"):
        der_reading.run(10_000, 1)


def test_a_broken_comparison_of_names_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def first(_host: str, names: tuple[Identity, ...], *, allow_wildcards: bool = False) -> Identity | None:
        return names[0] if names else None

    monkeypatch.setattr(name_opinion, "matches_host", first)
    with pytest.raises(AssertionError, match="service-identity: False"):
        name_opinion.run(1_000, 1)
