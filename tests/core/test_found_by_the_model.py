"""What the reference model found, each as a world of its own."""

from __future__ import annotations

import pytest

from model_certificates import AUTHORITIES, OLD, SHORT, Cert, Server, leaf
from model_worlds import ModelWorld
from siptls import Connect, Policy, Revocation
from siptls.dns import Address, Alias, Cname, Tlsa
from world import INSECURE, SECURE, Said

HOST = "sip.example.com"


def world(names: str, under: str, *pins: tuple[int, int, Cert]) -> ModelWorld:
    """One SECURE server with TLSA records: usage, selector, and which certificate."""
    made = ModelWorld()
    made.paths, made.crls = made.any_path, {"": Revocation("good")}
    made.srv("_sips._tcp.example.com", (10, 0, 5061, HOST))
    made.address(HOST, "192.0.2.1")
    owner = f"_5061._tcp.{HOST}"
    made.said[owner, "TLSA"] = Said(tuple([Tlsa(owner, u, s, 1, cert.data(s, 1)) for u, s, cert in pins]))
    made.peers["192.0.2.1"] = Server((leaf(names, under), *AUTHORITIES[under]))
    return made


@pytest.mark.req("R2782-pri-1")
def test_a_server_that_is_named_again_later_keeps_its_first_place() -> None:
    made = ModelWorld()
    made.srv("_sips._tcp.example.com", (1, 0, 5061, "a.example"), (2, 0, 5061, "b.example"), (2, 0, 5061, "a.example"))
    made.address("a.example", "192.0.2.1")
    made.address("b.example", "192.0.2.2")
    made.outbound("sips:example.com")
    tried = [action.endpoint.host for action in made.asked if isinstance(action, Connect)]
    assert tried == ["a.example", "b.example"]


@pytest.mark.req("R6698-4.1-8", "D-PATH-4")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_bare_key_binds_no_path_length_whatever_another_record_says(order: tuple[int, int]) -> None:
    made = world("domain", "below short", *[(2, selector, SHORT) for selector in order])
    verdict = made.outbound("sips:example.com")
    assert (verdict.outcome.value, verdict.method) == ("ACCEPTED", "dane-ta")
    alone = world("domain", "below short", (2, 0, SHORT)).outbound("sips:example.com")
    assert (alone.outcome.value, alone.code) == ("REJECTED", "chain.unknown-ca")


@pytest.mark.req("R6698-4.1-8", "D-PATH-4")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_bare_key_binds_no_dates_whatever_another_record_says(order: tuple[int, int]) -> None:
    verdict = world("domain", "old", *[(2, selector, OLD) for selector in order]).outbound("sips:example.com")
    assert (verdict.outcome.value, verdict.method, verdict.expires) == ("ACCEPTED", "dane-ta", 300.0)


@pytest.mark.req("A-19", "D-REF")
@pytest.mark.parametrize(
    ("policy", "outcome"), [(Policy(), "ACCEPTED"), (Policy(require_target_name=True), "REJECTED")]
)
def test_the_canonical_name_of_the_domain_is_a_reference_but_not_a_name_of_the_target(
    policy: Policy, outcome: str
) -> None:
    made = world("canonical hosts", "private", (2, 0, AUTHORITIES["private"][0]))
    made.naptr("example.com", aliases=(Alias("example.com", "www.example.com", SECURE, 300.0),))
    assert made.outbound("sips:example.com", policy).outcome.value == outcome


PLAIN: tuple[Alias, ...] = ()
WEAK = (Alias("example.com", "www.example.com", INSECURE, 300.0),)
STRONG = (Alias("example.com", "www.example.com", SECURE, 300.0),)


@pytest.mark.req("A-28", "R7671-7-4", "R7672-2.1.3-3", "R7672-2.2.2-2")
@pytest.mark.parametrize(
    ("ipv6", "ipv4", "asks_alone"),
    [
        (PLAIN, WEAK, True),
        (WEAK, PLAIN, True),
        (WEAK, WEAK, True),
        (WEAK, STRONG, False),
        (STRONG, WEAK, False),
        (PLAIN, STRONG, False),
        (STRONG, PLAIN, False),
    ],
)
def test_an_alias_with_a_secure_first_step_is_seen_in_the_answer_of_either_family(
    ipv6: tuple[Alias, ...], ipv4: tuple[Alias, ...], *, asks_alone: bool
) -> None:
    made = ModelWorld()
    for rrtype, aliases, address in (("AAAA", ipv6, "2001:db8::1"), ("A", ipv4, "192.0.2.1")):
        owner = aliases[-1].target if aliases else "example.com"
        made.said["example.com", rrtype] = Said((Address(owner, address),), INSECURE, None, aliases)
    made.said["example.com", "CNAME"] = Said((Cname("example.com", "www.example.com"),))
    made.outbound("sips:example.com:5061")
    assert ("_5061._tcp.example.com", "TLSA") in made.questions()
    assert ("_5061._tcp.www.example.com", "TLSA") not in made.questions()
    assert (("example.com", "CNAME") in made.questions()) is asks_alone
