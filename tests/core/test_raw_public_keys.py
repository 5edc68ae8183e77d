"""A peer that presents a bare key instead of certificates (RFC 7250, RFC 7671 section 5.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging import CA, DOMAIN, LEAF, OTHER, ROOT, TARGET, Court, codes, said
from siptls import Connect, Inbound, Limits, LocalProtocolError, Outbound, Policy, Presented, Security, dane
from siptls.dns.records import Tlsa
from siptls.events import TlsFacts
from world import AT, World, first

COURT = Court((), (), [(LEAF, CA, ROOT)], public_key=LEAF.spki)


class TestMatching:
    @pytest.mark.req("R7671-5.1-3")
    @pytest.mark.parametrize("matching", [0, 1, 2])
    def test_3_1_x_accepts_the_key(self, matching: int) -> None:
        verdict = replace(COURT, records=[OTHER.record(3, 0, 1), LEAF.record(3, 1, matching)]).verdict()
        assert said(verdict) == ("ACCEPTED", "dane-ee", "dane.match")
        assert verdict.leaf is None
        assert [(i.domain, i.origin) for i in verdict.identities] == [(DOMAIN, "dane")]

    @pytest.mark.req("R7671-5.1-3")
    @pytest.mark.parametrize(
        "records",
        [
            (),
            (LEAF.record(3, 0, 1),),
            (LEAF.record(3, 0, 0),),
            (LEAF.record(2, 1, 1),),
            (LEAF.record(1, 1, 1),),
            (LEAF.record(0, 1, 1), LEAF.record(2, 1, 0)),
        ],
    )
    def test_nothing_else_does(self, records: tuple[Tlsa, ...]) -> None:
        verdict = replace(COURT, records=records).verdict()
        assert said(verdict) == ("REJECTED", "none", "cert.raw-public-key")

    def test_a_record_for_another_key_is_a_mismatch(self) -> None:
        verdict = replace(COURT, records=[OTHER.record(3, 1, 1), LEAF.record(2, 1, 1)]).verdict()
        assert said(verdict) == ("REJECTED", "none", "dane.no-match")
        (step,) = [step for step in verdict.steps if step.code == "dane.no-match"]
        assert step.found == str(LEAF.record(3, 1, 1))

    @pytest.mark.req("T-D10", "R7671-9-1")
    def test_the_stronger_digest_decides(self) -> None:
        wrong = Tlsa("", 3, 1, 2, OTHER.record(3, 1, 2).data)
        verdict = replace(COURT, records=[wrong, LEAF.record(3, 1, 1)]).verdict()
        assert said(verdict) == ("REJECTED", "none", "dane.no-match")

    @pytest.mark.parametrize("audit", [False, True])
    def test_a_policy_that_requires_a_path_is_not_satisfied(self, audit: bool) -> None:
        policy = Policy(require="pkix", audit=audit)
        verdict = replace(COURT, records=[LEAF.record(3, 1, 1)], policy=policy).verdict()
        assert said(verdict) == ("INSUFFICIENT", "dane-ee", "policy.too-weak")

    def test_an_audit_asks_for_no_path(self) -> None:
        court = replace(COURT, records=[LEAF.record(3, 1, 1)], policy=Policy(audit=True), questions=[])
        assert court.verdict().accepted
        assert court.questions == []


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The matching types of all digests that are computed."""
    computed: list[int] = []
    digest = dane.digest

    def counting(octets: bytes, matching: int) -> bytes:
        computed.append(matching)
        return digest(octets, matching)

    monkeypatch.setattr(dane, "digest", counting)
    return computed


class TestForm:
    @pytest.mark.parametrize("key", [b"", b"\x30\x00", LEAF.spki[:-1], LEAF.spki + b"\0", LEAF.der])
    @pytest.mark.parametrize("records", [(), (LEAF.record(3, 1, 1),)])
    def test_what_is_no_key_is_malformed(self, key: bytes, records: tuple[Tlsa, ...]) -> None:
        verdict = replace(COURT, records=records, public_key=key).verdict()
        assert said(verdict) == ("REJECTED", "none", "cert.malformed")

    @given(st.binary(max_size=200))
    def test_a_key_of_any_octets_raises_nothing(self, key: bytes) -> None:
        records = [LEAF.record(3, 1, 1)]
        assert replace(COURT, records=records, public_key=key).verdict().accepted is (key == LEAF.spki)

    def test_a_key_that_is_too_large_is_not_looked_at(self) -> None:
        policy = Policy(limits=Limits(chain_octets=len(LEAF.spki) - 1))
        verdict = replace(COURT, records=[LEAF.record(3, 1, 1)], policy=policy).verdict()
        assert said(verdict) == ("REJECTED", "none", "limit.chain")

    def test_it_is_hashed_once_for_each_form_however_many_records_there_are(self, hashed: list[int]) -> None:
        """The zone, the key and so the size of both may belong to an attacker."""
        records = [Tlsa("", 3, 1, 1, number.to_bytes(32)) for number in range(1_000)]
        assert not replace(COURT, records=records).verdict().accepted
        assert len(hashed) <= 4

    @pytest.mark.parametrize("usage", [0, 1, 2, 3])
    def test_so_is_a_certificate(self, hashed: list[int], usage: int) -> None:
        records = [Tlsa("", usage, selector, 1, n.to_bytes(32)) for n in range(500) for selector in (0, 1)]
        court = replace(COURT, chain=[LEAF, CA], public_key=None, records=records)
        assert not court.verdict().accepted
        assert len(hashed) <= 4 * len([LEAF, CA, ROOT])

    @pytest.mark.parametrize("key", [LEAF.spki, b""])
    def test_beside_certificates_it_is_a_mistake_of_who_gives_them(self, key: bytes) -> None:
        for delegation in (Security.SECURE, Security.INSECURE, Security.BOGUS):
            with pytest.raises(LocalProtocolError, match="both a chain and a public key"):
                replace(COURT, chain=[LEAF], public_key=key, delegation=delegation).verdict()
        with pytest.raises(LocalProtocolError, match="both a chain and a public key"):
            Inbound((LEAF.der,), public_key=key, now=0.0, at=AT)

    def test_a_driver_that_presents_both_is_told_so_and_may_answer_again(self) -> None:
        machine = Outbound("sips:192.0.2.1", now=0.0, at=AT, randbelow=first)
        (connect,) = machine.next_actions(now=0.0)
        assert isinstance(connect, Connect)
        with pytest.raises(LocalProtocolError, match="both a chain and a public key"):
            machine.receive(Presented(connect, (LEAF.der,), TlsFacts(), LEAF.spki), now=0.0)
        machine.receive(Presented(connect, (), TlsFacts(), LEAF.spki), now=0.0)
        assert machine.verdict is not None
        assert machine.verdict.code == "cert.raw-public-key"


@pytest.mark.req("R7671-5.1-3", "D-STATE-8")
def test_a_whole_run_accepts_a_bare_key() -> None:
    world = World(keys={"192.0.2.1": LEAF.spki})
    world.naptr(DOMAIN)
    world.srv(f"_sips._tcp.{DOMAIN}", (10, 0, 5061, TARGET))
    world.address(TARGET, "192.0.2.1")
    world.tlsa(f"_5061._tcp.{TARGET}", str(LEAF.record(3, 1, 1)))
    verdict = world.outbound(f"sips:{DOMAIN}")
    assert said(verdict) == ("ACCEPTED", "dane-ee", "dane.match")
    assert "tls.presented" in codes(verdict)
    world.keys["192.0.2.1"] = OTHER.spki
    assert said(world.outbound(f"sips:{DOMAIN}")) == ("REJECTED", "none", "dane.no-match")
    assert world.open == []
