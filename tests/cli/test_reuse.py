"""`reuse` says whether the connection for one domain may carry another, by what, and what is missing if not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest

from cli.console import Run, run
from cli.offline import NOW, World, root
from loopback_dns import NameServer, answering
from loopback_tls import CURRENT, LoopbackServer, server_context, tls
from pki import Issued, Issuer

A, B = "sip:alice@sip.foo", "sip:bob@sip.bar"
START = "$TTL 600\n@ SOA ns hostmaster 1 7200 3600 1209600 600\n"
SRV = START + "_sips._tcp SRV 1 1 5061 sip.host.example.\n"
HOST = START + "sip A 192.0.2.10\n"


def named(*domains: str, host: str = "") -> Issued:
    return root().leaf(uris=[f"sip:{domain}" for domain in domains], dns=[host] if host else [])


def pin(issued: Issued) -> str:
    return f"_5061._tcp.sip TLSA 3 1 1 {hashlib.sha256(issued.spki).hexdigest()}\n"


def shared(world: World, issued: Issued, *, host: str = HOST, bar: str = SRV) -> World:
    """Two domains with the same server, and what that presents."""
    return world.zone(SRV, "sip.foo").zone(bar, "sip.bar").zone(host, "host.example").chain(issued).trust(root())


def asked(world: World, *more: str, a: str = A, b: str = B) -> Sequence[str]:
    return ("reuse", a, b, *world.arguments, "--now", NOW, *more)


def as_json(world: World, *more: str, a: str = A, b: str = B) -> Run:
    return run(*asked(world, *more, "--format", "json", a=a, b=b))


def answer(ran: Run) -> tuple[int, str, list[str]]:
    found = ran.json
    assert found["exit"] == ran.exit_code
    assert found["reusable"] is (ran.exit_code == 0)
    return ran.exit_code, found["code"], found["missing"]


# It may.


@pytest.mark.req("T-A01", "R5923-8.1-7")
def test_a_certificate_that_names_both_domains_carries_both(world: World) -> None:
    ran = as_json(shared(world, named("sip.foo", "sip.bar")))
    assert answer(ran) == (0, "id.match", [])
    found = ran.json
    assert found["connection"] == {
        "address": "192.0.2.10",
        "port": 5061,
        "transport": "TLS",
        "local_domain": "",
        "role": "client",
        "proven": ["sip.bar", "sip.foo"],
        "candidates": [{"domain": "sip.foo", "origin": "uri"}, {"domain": "sip.bar", "origin": "uri"}],
        "state": "live",
    }
    assert (found["a"]["uri"], found["b"]["uri"]) == (A, B)
    assert found["a"]["verdict"]["reused"] is False
    assert (found["b"]["verdict"]["reused"], found["b"]["verdict"]["outcome"]) == (True, "ACCEPTED")
    assert 590 < found["expires_in"] <= 600
    assert found["refusal"] is None


@pytest.mark.req("R5923-5-3")
def test_dnssec_adds_a_domain_that_no_name_in_the_certificate_is(world: World) -> None:
    issued = named("sip.foo")
    shared(world, issued, host=HOST + pin(issued)).dnssec("secure")
    ran = as_json(world)
    assert answer(ran) == (0, "dane.match", [])
    assert ran.json["connection"]["proven"] == ["sip.bar", "sip.foo"]
    assert ran.json["connection"]["candidates"] == []
    text = run(*asked(world)).out
    assert "✓ DNSSEC        protects the way from sip.bar to this server" in text


def test_the_way_alone_lets_it_carry_a_domain_that_the_table_does_not_remember(world: World) -> None:
    shared(world, named("sip.foo", host="sip.host.example")).dnssec("secure")
    ran = as_json(world)
    assert answer(ran) == (0, "id.match-target", [])
    assert ran.json["refusal"]["code"] == "reuse.no-tlsa"
    assert ran.json["connection"]["proven"] == ["sip.foo"]
    assert "only the way to the host speaks for this domain" in " ".join(run(*asked(world)).out.split())


# It may not.


@pytest.mark.req("T-A01", "R5923-9.3-2", "R5923-8.1-7")
def test_a_domain_that_the_certificate_does_not_name_has_neither_identity_nor_dnssec(world: World) -> None:
    shared(world, named("sip.foo"))
    ran = as_json(world)
    assert answer(ran) == (1, "reuse.identity", ["identity", "dnssec"])
    assert ran.json["b"]["verdict"]["code"] == "id.mismatch"
    assert ran.json["connection"]["proven"] == ["sip.foo"]
    assert ran.json["expires_in"] is None
    out = run(*asked(world)).out
    assert out.startswith("✗ NOT REUSABLE  sip:bob@sip.bar over the connection to sip.foo  reuse.identity\n")
    assert "✓ address       a server of sip.bar is there, too" in out
    assert "✗ identity      the peer did not prove to be sip.bar: id.mismatch" in out
    assert "✗ otherwise     a connection of its own does not lead to sip.bar either" in out


@pytest.mark.req("T-A05")
def test_a_name_in_the_certificate_helps_nobody_whose_records_do_not_match(world: World) -> None:
    issued = named("sip.foo", "sip.bar")
    shared(world, issued, bar=SRV.replace("sip.host.example.", "other"))
    zone = (world.folder / "sip.bar.zone").read_text(encoding="utf-8")
    wrong = pin(named("sip.bar")).replace("_tcp.sip", "_tcp.other")
    world.write("sip.bar.zone", f"{zone}other A 192.0.2.10\n{wrong}")
    ran = as_json(world.dnssec("secure"))
    assert answer(ran) == (1, "reuse.identity", ["identity"])
    assert "dane.no-match" in run(*asked(world)).out


@pytest.mark.req("R5923-9.3-3")
def test_a_connection_of_another_domain_of_ours_is_not_looked_at(world: World) -> None:
    shared(world, named("sip.foo", "sip.bar"))
    ran = as_json(world, "--local-domain", "a.example", "--local-domain", "B.example")
    assert answer(ran) == (1, "reuse.other-local-domain", ["local-domain"])
    assert ran.json["connection"]["local_domain"] == "a.example"
    assert answer(as_json(world, "--local-domain", "a.example"))[0] == 0
    failed = as_json(world, "--local-domain", "a.example", "--local-domain", "b.example", "--dnssec", "sip.bar=failed")
    assert answer(failed) == (1, "reuse.other-local-domain", ["local-domain"])  # whatever is in the DNS
    out = run(*asked(world, "--local-domain", "a.example", "--local-domain", "b.example")).out
    assert "it belongs to a.example, and B is called on behalf of b.example" in " ".join(out.split())
    assert "✓ otherwise     sip.bar is reached by a connection of its own" in out


@pytest.mark.req("R5923-8.1-7")
def test_the_same_certificate_at_another_address_needs_another_connection(world: World) -> None:
    bar = START + "_sips._tcp SRV 1 1 5061 other\nother A 192.0.2.11\n"
    ran = as_json(shared(world, named("sip.foo", "sip.bar"), bar=bar))
    assert answer(ran) == (1, "reuse.address", ["address"])
    assert ran.json["b"]["verdict"]["outcome"] == "ACCEPTED"
    assert "requests to sip.bar go to other.sip.bar 192.0.2.11 port 5061" in " ".join(run(*asked(world)).out.split())


@pytest.mark.req("R5923-10-1")
def test_the_order_of_the_srv_records_goes_before_an_open_connection(world: World) -> None:
    bar = SRV + "_sips._tcp SRV 0 1 5061 other\nother A 192.0.2.11\n"
    assert answer(as_json(shared(world, named("sip.foo", "sip.bar"), bar=bar))) == (1, "reuse.address", ["address"])


# Nobody knows, or there is nothing.


def test_what_decides_for_each_of_the_two_is_the_exit_code(world: World) -> None:
    shared(world, named("sip.foo", "sip.bar"))
    assert answer(as_json(world, "--dnssec", "sip.bar=failed")) == (3, "locate.servfail", [])
    assert answer(as_json(world, "--dnssec", "sip.foo=bogus")) == (3, "dnssec.bogus", ["connection"])
    assert answer(as_json(world, "--require", "dane")) == (5, "policy.too-weak", ["connection"])
    assert answer(as_json(world, a="sip:host.example")) == (4, "locate.no-service.unproven", ["connection"])
    assert answer(as_json(world, b="sip:host.example")) == (4, "locate.no-service.unproven", [])
    ran = as_json(world, a="sip:host.example")
    assert (ran.json["connection"], ran.json["b"]["verdict"]) == (None, None)


def test_the_first_is_rejected_and_nothing_is_asked_of_the_second(world: World) -> None:
    shared(world, named("sip.bar"))
    ran = as_json(world)
    assert answer(ran) == (1, "id.mismatch", ["connection"])
    assert ran.json["b"]["verdict"] is None
    assert run(*asked(world)).first_line.startswith("✗ REJECTED  sip:bob@sip.bar over the connection to sip.foo")


def test_less_than_is_required_of_the_second_is_told_by_5(world: World) -> None:
    issued = named("sip.foo", "sip.bar")
    foo = SRV.replace("sip.host.example.", "own") + "own A 192.0.2.10\n" + pin(issued).replace("_tcp.sip", "_tcp.own")
    shared(world, issued)
    world.write("sip.foo.zone", foo)
    world.dnssec("sip.foo=secure")
    assert answer(as_json(world, "--require", "dane")) == (5, "reuse.identity", ["identity", "dnssec"])


def test_evidence_that_holds_for_no_time_makes_no_connection_to_remember(world: World) -> None:
    shared(world, named("sip.foo", "sip.bar"))
    world.write("sip.foo.zone", SRV.replace("$TTL 600", "$TTL 0"))
    ran = as_json(world)
    assert answer(ran) == (1, "reuse.expired", ["connection"])
    assert ran.json["refusal"]["code"] == "reuse.expired"
    assert ran.json["b"]["verdict"]["outcome"] == "ACCEPTED"
    assert "what the verdict rests on does not hold any more" in run(*asked(world)).out


# What is typed.


@pytest.mark.parametrize(
    ("a", "b", "hint"),
    [
        ("sip.foo", B, f"type: siptls reuse sip:sip.foo {B}"),
        (A, "sip.bar", f"type: siptls reuse {A} sip:sip.bar"),
    ],
)
def test_a_bare_domain_is_refused_with_what_to_type(a: str, b: str, hint: str) -> None:
    ran = run("reuse", a, b)
    assert ran.exit_code == 2
    assert hint in ran.err


@pytest.mark.parametrize(
    "names", [("a.example", "b.example", "c.example"), ("a..example",), ("\x1b[31m",)], ids=("three", "empty", "escape")
)
def test_local_domains_are_one_or_two_names(world: World, names: Sequence[str]) -> None:
    shared(world, named("sip.foo"))
    options = [word for name in names for word in ("--local-domain", name)]
    ran = run(*asked(world, *options))
    assert (ran.exit_code, ran.out) == (2, "")
    assert ran.err.isascii()
    assert "\x1b" not in ran.err


def test_the_text_fits_the_terminal_and_ascii(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    shared(world, named("sip.foo"))
    monkeypatch.setenv("COLUMNS", "44")
    ran = run(*asked(world, "--ascii"))
    assert ran.out.isascii()
    assert max(len(line) for line in ran.out.splitlines()) <= 44


# Real connections.


@pytest.mark.parametrize(
    ("domains", "code", "connections"), [(("sip.foo", "sip.bar"), 0, 1), (("sip.foo",), 1, 2)], ids=("both", "one")
)
def test_on_the_network_one_connection_is_made_for_both_if_it_may_carry_both(
    world: World, domains: Sequence[str], code: int, connections: int
) -> None:
    authority = Issuer.root(**CURRENT)
    issued = authority.leaf(uris=[f"sip:{domain}" for domain in domains], **CURRENT)
    world.trust(authority)
    with LoopbackServer(tls(server_context(issued))) as server:
        srv = [f"1 1 {server.port} sip.host.example."]
        records = {f"_sips._tcp.{name} SRV": srv for name in ("sip.foo", "sip.bar")}
        with NameServer(answering({**records, "sip.host.example A": ["127.0.0.1"]})) as resolver:
            ran = run("reuse", A, B, *world.arguments, "--resolver", resolver.address, "--format", "json")
    assert (ran.exit_code, ran.json["reusable"]) == (code, code == 0)
    assert ran.json["connection"]["address"] == "127.0.0.1"
    assert len(server.seen) == connections
    assert all(seen.ended.wait(30) and seen.received == b"" for seen in server.seen)
