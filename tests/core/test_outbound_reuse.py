"""A connection that is open already carries requests to a domain only if a new one would have been accepted for it."""

from __future__ import annotations

import copy
import dataclasses
import gc
import hashlib
import random
import weakref
from collections.abc import Sequence
from typing import Final

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from peers import PEERS
from pki import Issued, Issuer
from play import GENTLE, Player
from siptls import (
    AliasTable,
    Connect,
    ConnectFailed,
    Endpoint,
    Limits,
    Lookup,
    Outbound,
    Outcome,
    PathRejected,
    Policy,
    Presentation,
    Row,
    Security,
    ValidatePath,
    Verdict,
)
from world import AT, INSECURE, SECURE, World, first
from worlds import ADDRESSES, all_worlds, policies, seeds, sound_worlds, uris

ROOT: Final = Issuer.root()
HOST_LEAF: Final = ROOT.leaf(cn="h", dns=["sip.hoster.example"])
FOO_LEAF: Final = ROOT.leaf(cn="f", uris=["sip:foo.example"])
BOTH_LEAF: Final = ROOT.leaf(cn="b", uris=["sip:foo.example", "sip:bar.example"])
ADDRESS, PORT = "192.0.2.1", 5061


def pin(leaf: Issued) -> str:
    return "3 1 1 " + hashlib.sha256(leaf.spki).hexdigest()


def hoster(leaf: Issued, security: Security = SECURE, *domains: str) -> World:
    """Domains that have the same server, which presents one certificate."""
    world = World(security)
    for domain in domains or ("foo.example", "bar.example"):
        world.srv(f"_sips._tcp.{domain}", (10, 0, PORT, "sip.hoster.example"))
    world.address("sip.hoster.example", ADDRESS)
    world.server(ADDRESS, leaf.presented)
    world.trust(ROOT.der, leaf.chain)
    return world


def connected(world: World, table: AliasTable, uri: str = "sip:foo.example", local_domain: str = "") -> Row:
    """Reach a domain by a new connection, and remember it under the handle ``first``."""
    verdict = world.outbound(uri)
    assert verdict.accepted
    assert verdict.connection is not None
    server = world.servers[verdict.connection.endpoint.address]
    assert not isinstance(server, str)
    row = table.add(verdict, "first", Presentation(server), local_domain=local_domain, now=0.0)
    assert isinstance(row, Row)
    return row


def asked_for_a_path(world: World, machine: Outbound) -> ValidatePath:
    """Drive a machine until it asks for a path."""
    while True:
        for action in machine.next_actions(now=0.0):
            if isinstance(action, ValidatePath):
                return action
            came = world.perform(action)
            assert came is not None
            machine.receive(came, now=0.0)


def connects(world: World) -> list[str]:
    return [action.endpoint.address for action in world.asked if isinstance(action, Connect)]


class TestByDns:
    @pytest.mark.req("A-16", "S-A-25", "S-A-26", "R5923-5-3", "T-A05")
    def test_a_domain_that_shares_a_host_uses_the_connection_once_its_own_records_prove_it(self) -> None:
        world, table = hoster(HOST_LEAF), AliasTable()
        world.tlsa("_5061._tcp.sip.hoster.example", pin(HOST_LEAF), ttl=120.0)
        row = connected(world, table)
        assert dict(row.proven) == {"foo.example": 120.0}
        verdict = world.outbound("sip:bar.example", aliases=table)
        assert (verdict.outcome, verdict.method, verdict.code) == (Outcome.ACCEPTED, "dane-ee", "dane.match")
        assert (verdict.reused, verdict.connection) == ("first", None)
        assert verdict.endpoint == Endpoint("sip.hoster.example", ADDRESS, PORT, "tls")
        assert verdict.to_dict()["reused"] is True
        assert not connects(world)
        granted = table.grant("first", verdict, now=0.0)
        assert isinstance(granted, Row)
        assert dict(granted.proven) == {"foo.example": 120.0, "bar.example": 120.0}

    @pytest.mark.req("A-16", "R5923-9.3-2", "T-A01", "T-A05")
    def test_records_that_the_stored_chain_does_not_match_refuse_it_whatever_names_are_in_it(self) -> None:
        world, table = hoster(BOTH_LEAF), AliasTable()
        connected(world, table)
        # bar.example names another server at the same address, and pins its key there.
        world.srv("_sips._tcp.bar.example", (10, 0, PORT, "sip.bar.example"))
        world.address("sip.bar.example", ADDRESS)
        world.tlsa("_5061._tcp.sip.bar.example", pin(HOST_LEAF))
        verdict = world.outbound("sip:bar.example", aliases=table)
        assert verdict.outcome is Outcome.REJECTED
        assert verdict.reused is None
        assert connects(world) == [ADDRESS]
        world.server(ADDRESS, HOST_LEAF.presented)  # as a server with two certificates would, asked by SNI
        verdict = world.outbound("sip:bar.example", aliases=table)
        assert verdict.accepted
        assert verdict.reused is None

    @pytest.mark.req("A-16", "D-SEC-5")
    def test_without_dnssec_a_shared_host_proves_nothing(self) -> None:
        world, table = hoster(FOO_LEAF, INSECURE), AliasTable()
        connected(world, table)
        verdict = world.outbound("sip:bar.example", aliases=table)
        assert (verdict.outcome, verdict.reused) == (Outcome.REJECTED, None)
        told = [(step.code, step.hop) for step in verdict.steps if step.hop.startswith("REUSE")]
        assert told[0] == ("reuse.candidate", "REUSE 192.0.2.1:5061")
        assert told[-1] == ("reuse.identity", "REUSE 192.0.2.1:5061")
        assert verdict.findings[0].hop == "sip.hoster.example 192.0.2.1:5061"

    @pytest.mark.req("A-16")
    def test_a_failed_lookup_for_the_second_domain_is_no_reason_to_use_what_is_there(self) -> None:
        world, table = hoster(BOTH_LEAF), AliasTable()
        connected(world, table)
        world.fail("_sips._tcp.bar.example", "SRV")
        verdict = world.outbound("sip:bar.example", aliases=table)
        assert (verdict.outcome, verdict.reused) == (Outcome.UNDETERMINED, None)


class TestByCertificate:
    @pytest.mark.req("R5923-8.1-7", "R5923-8.2-7", "R3261-18.1.1-3", "A-14", "T-A01")
    @pytest.mark.parametrize("address", [ADDRESS, "192.0.2.2"])
    @pytest.mark.parametrize("leaf", [FOO_LEAF, BOTH_LEAF], ids=["foo alone", "both"])
    def test_address_and_identity_must_both_fit(self, address: str, leaf: Issued) -> None:
        world, table = hoster(leaf, INSECURE), AliasTable()
        connected(world, table)
        world.address("sip.hoster.example", address)
        world.server(address, leaf.presented)
        verdict = world.outbound("sip:bar.example", aliases=table)
        fits = address == ADDRESS and leaf is BOTH_LEAF
        assert verdict.reused == ("first" if fits else None)
        assert connects(world) == ([] if fits else [address])

    @pytest.mark.req("R5923-3-2", "R5923-8.1-10", "A-14")
    def test_the_same_domain_goes_forward_on_its_own_connection_without_any_alias(self) -> None:
        world, table = hoster(FOO_LEAF, INSECURE), AliasTable()
        connected(world, table)
        assert world.outbound("sip:foo.example", aliases=table).reused == "first"
        assert not connects(world)

    @pytest.mark.req("R5923-9.3-3")
    def test_connections_of_another_local_domain_are_not_seen(self) -> None:
        world, table = hoster(FOO_LEAF, INSECURE), AliasTable()
        connected(world, table, local_domain="ours.example")
        assert world.outbound("sip:foo.example", aliases=table, local_domain="theirs.example").reused is None
        assert world.outbound("sip:foo.example", aliases=table, local_domain="OURS.example").reused == "first"

    @pytest.mark.req("R5923-8.3-3", "R5923-8.1-8", "R5923-8.2-8")
    @pytest.mark.parametrize("end", ["close", "closing"])
    def test_a_connection_that_ends_while_its_peer_is_judged_is_not_used(self, end: str) -> None:
        world, table = hoster(FOO_LEAF, INSECURE), AliasTable()
        connected(world, table)
        machine = Outbound("sip:foo.example", now=0.0, at=AT, randbelow=first, anchors=world.anchors, aliases=table)
        path = asked_for_a_path(world, machine)
        getattr(table, end)("first")
        machine.receive(world.validate(path), now=0.0)
        world.run(machine)
        assert machine.verdict is not None
        assert machine.verdict.accepted
        assert machine.verdict.reused is None
        assert machine.verdict.connection is not None

    @pytest.mark.req("T-A01", "A-16", "R5923-9.3-4")
    def test_a_handle_that_names_another_connection_by_now_is_not_used(self) -> None:
        world, table = hoster(FOO_LEAF, INSECURE), AliasTable()
        connected(world, table)
        machine = Outbound("sip:foo.example", now=0.0, at=AT, randbelow=first, anchors=world.anchors, aliases=table)
        path = asked_for_a_path(world, machine)
        table.close("first")
        held(table, ADDRESS, PORT, HOST_LEAF.presented, "first")
        machine.receive(world.validate(path), now=0.0)
        world.run(machine)
        assert machine.verdict is not None
        assert machine.verdict.accepted
        assert machine.verdict.reused is None

    @pytest.mark.req("R5923-8.3-3")
    def test_no_audit_lies_between_the_judging_of_an_open_connection_and_the_verdict(self) -> None:
        world, table = hoster(HOST_LEAF), AliasTable()
        world.tlsa("_5061._tcp.sip.hoster.example", pin(HOST_LEAF))
        connected(world, table)
        machine = Outbound(
            *("sip:foo.example",),
            policy=Policy(audit=True),
            now=0.0,
            at=AT,
            randbelow=first,
            anchors=world.anchors,
            aliases=table,
        )
        while machine.verdict is None:
            for action in machine.next_actions(now=0.0):
                assert isinstance(action, Lookup)
                machine.receive(world.answer(action), now=0.0)
        assert machine.verdict.reused == "first"

    @pytest.mark.req("R5923-8.3-3")
    @pytest.mark.parametrize("end", [None, "close", "closing"])
    def test_a_connection_that_ends_before_the_time_is_over_is_not_used(self, end: str | None) -> None:
        world, table = hoster(HOST_LEAF), AliasTable()
        records = (pin(HOST_LEAF), "2 0 1 " + hashlib.sha256(ROOT.der).hexdigest(), "2 0 0 " + ROOT.der.hex())
        world.tlsa("_5061._tcp.sip.hoster.example", *records)
        connected(world, table)
        policy = Policy(audit=True, path_timeout=60.0)  # a further way is looked at, and its path never comes
        machine = Outbound(
            *("sip:foo.example",), policy=policy, now=0.0, at=AT, randbelow=first, anchors=world.anchors, aliases=table
        )
        asked_for_a_path(world, machine)
        if end is not None:
            getattr(table, end)("first")
        machine.advance(now=31.0)
        assert machine.verdict is not None
        expected = (Outcome.ACCEPTED, "first") if end is None else (Outcome.UNDETERMINED, None)
        assert (machine.verdict.outcome, machine.verdict.reused) == expected

    @pytest.mark.req("R5923-10-1")
    def test_the_order_of_srv_records_comes_first_and_an_open_connection_draws_nothing_to_itself(self) -> None:
        world, table = hoster(FOO_LEAF, INSECURE), AliasTable()
        connected(world, table)
        servers = [("sip.hoster.example", ADDRESS), ("two.hoster.example", "192.0.2.2"), ("three", "192.0.2.3")]
        world.srv("_sips._tcp.foo.example", *[(10, 1, PORT, host) for host, _ in servers])
        for host, address in servers:
            world.address(host, address)
            world.server(address, FOO_LEAF.presented)

        def taken(aliases: AliasTable | None) -> list[str]:
            chosen: list[str] = []
            for seed in range(200):
                draw = random.Random(seed).randrange
                machine = Outbound(
                    "sip:foo.example", now=0.0, at=AT, randbelow=draw, anchors=world.anchors, aliases=aliases
                )
                world.run(machine)
                assert machine.verdict is not None
                assert machine.verdict.endpoint is not None
                chosen.append(machine.verdict.endpoint.address)
                assert (machine.verdict.reused is not None) is (aliases is not None and chosen[-1] == ADDRESS)
            return chosen

        cold = taken(None)
        assert taken(table) == cold
        assert set(cold) == {address for _, address in servers}

    @pytest.mark.req("R5923-5-2", "R5923-9.3-4")
    def test_of_several_connections_to_one_address_that_of_the_domain_is_taken(self) -> None:
        world, table = hoster(FOO_LEAF, INSECURE), AliasTable()
        connected(world, table)
        bar = ROOT.leaf(cn="r", uris=["sip:bar.example"])
        world.server(ADDRESS, bar.presented)
        world.trust(ROOT.der, bar.chain)
        verdict = world.outbound("sip:bar.example", aliases=table)
        assert verdict.reused is None
        assert isinstance(table.add(verdict, "second", Presentation(bar.presented), local_domain="", now=0.0), Row)
        assert world.outbound("sip:bar.example", aliases=table).reused == "second"

    @pytest.mark.req("T-A03")
    def test_no_more_than_eight_are_judged_at_one_endpoint(self) -> None:
        world, table = hoster(FOO_LEAF, INSECURE), AliasTable()
        row = connected(world, table)
        verdict = world.outbound("sip:foo.example")
        for number in range(12):
            table.add(verdict, number, row.presentation, local_domain="", now=0.0)
        found = world.outbound("sip:bar.example", aliases=table)
        assert [step.code for step in found.steps].count("reuse.candidate") == 8
        assert found.reused is None


class TestSideBySide:
    """One server is an impostor, the connection to the second one is slow, and to the third one is open already."""

    def begun(self, world: World, table: AliasTable, policy: Policy) -> tuple[Outbound, Connect, list[ValidatePath]]:
        machine = Outbound(
            "sip:foo.example", policy=policy, now=0.0, at=AT, randbelow=first, anchors=world.anchors, aliases=table
        )
        connecting: list[Connect] = []
        paths: list[ValidatePath] = []
        now = 0.0
        while not paths:
            for action in machine.next_actions(now=now):
                if isinstance(action, Connect) and action.endpoint.address == "192.0.2.99":
                    connecting.append(action)
                    now = machine.deadline
                elif isinstance(action, ValidatePath):
                    paths.append(action)
                else:
                    came = world.perform(action)
                    if came is not None:
                        machine.receive(came, now=now)
            machine.advance(now=now)
        return machine, connecting[0], paths

    def world(self, table: AliasTable) -> World:
        world = hoster(HOST_LEAF)
        world.tlsa("_5061._tcp.sip.hoster.example", "1 1" + pin(HOST_LEAF)[3:])
        connected(world, table)
        world.open.clear()
        world.address("sip.hoster.example", "192.0.2.66", "192.0.2.99", ADDRESS)
        world.server("192.0.2.66", FOO_LEAF.presented)
        world.server("192.0.2.99", HOST_LEAF.presented)
        return world

    def test_a_row_that_is_gone_asks_for_nothing_once_the_other_one_is_accepted(self) -> None:
        table = AliasTable()
        world = self.world(table)
        machine, connect, (path,) = self.begun(world, table, Policy(attempt_delay=0.3, audit=True))
        came = world.perform(connect)
        assert came is not None
        machine.receive(came, now=0.3)  # asks for the same path
        table.close("first")
        machine.receive(world.validate(path), now=0.3)
        world.run(machine)
        assert machine.verdict is not None
        assert machine.verdict.connection is connect
        assert world.open == [connect]

    def test_where_no_more_connections_may_be_made_the_slow_one_is_waited_for(self) -> None:
        table = AliasTable()
        world = self.world(table)
        policy = Policy(attempt_delay=0.3, limits=Limits(attempts=2))
        machine, connect, (path,) = self.begun(world, table, policy)
        machine.receive(PathRejected(path, "chain.unknown-ca", ""), now=0.3)
        assert machine.outstanding == (connect,)
        assert not machine.next_actions(now=0.3)
        machine.receive(ConnectFailed(connect, "net.refused"), now=0.4)
        assert machine.verdict is not None
        assert (machine.verdict.outcome, machine.verdict.code) == (Outcome.REJECTED, "dane.no-match")


def held(table: AliasTable, address: str, port: int, chain: Sequence[bytes], handle: object) -> None:
    """Put a row into the table, as if its peer had been proven to be a domain that nobody asks for."""
    endpoint = Endpoint("anything.example", address, port, "tls")
    verdict = Verdict(
        *(Outcome.ACCEPTED, "dane-ee", "dane.match", "somebody.example", None, endpoint, "client", chain[0]),
        *(None, (), 1_000.0, (), 0.0, 0.0),
    )
    row = table.add(verdict, handle, Presentation(tuple(chain)), local_domain="", now=0.0)
    assert isinstance(row, Row)


def table_for(world: World, seed: int) -> AliasTable:
    """Open connections to the servers of a world: to those that are there, and to others at the same addresses."""
    draw, table = random.Random(seed), AliasTable()
    for number, address in enumerate(2 * [address for each in ADDRESSES.values() for address in each]):
        server = world.servers[address]
        chains = [peer.chain for peer in PEERS if peer.chain]
        if server and not isinstance(server, str):
            chains += len(chains) * [server]
        if draw.random() < 0.5:
            held(table, address, draw.choice([5061] * 7 + [5062]), draw.choice(chains), f"connection {number}")
    return table


def test_a_verdict_keeps_no_connection_that_was_passed_by() -> None:
    class Handle:
        pass

    world, table = hoster(FOO_LEAF, INSECURE), AliasTable()
    connected(world, table)
    handle = Handle()
    held(table, ADDRESS, PORT, HOST_LEAF.presented, handle)
    verdict = world.outbound("sip:bar.example", aliases=table)
    assert [step.code for step in verdict.steps].count("reuse.candidate") == 2
    table.close(handle)
    table.expire(2_000.0)  # its queue forgets a closed connection when its time comes
    gone = weakref.ref(handle)
    del handle
    gc.collect()
    assert gone() is None
    assert verdict.explain()


class TestEveryWorld:
    @pytest.mark.req("R5923-5-3", "T-A05", "A-16", "R5923-9-1")
    @given(world=all_worlds() | sound_worlds(), uri=uris, policy=policies, draw=seeds)
    def test_what_is_reused_a_new_connection_would_have_delivered_and_otherwise_nothing_is_changed(
        self, world: World, uri: str, policy: Policy, draw: int
    ) -> None:
        table = table_for(world, draw)
        found = world.outbound(uri, policy, aliases=table)
        event("reused" if found.reused else found.outcome.value)
        if found.reused is None:
            cold = world.outbound(uri, policy)
            assert (found.outcome, found.method, found.code) == (cold.outcome, cold.method, cold.code)
            assert (found.endpoint, found.identities, found.expires) == (cold.endpoint, cold.identities, cold.expires)
            return
        assert found.accepted
        assert found.connection is None
        assert found.endpoint is not None
        row = next(row for row in table.of(found.reused))
        assert (row.address, row.port) == (found.endpoint.address, found.endpoint.port)
        again = dataclasses.replace(copy.copy(world), servers={**world.servers, row.address: row.presentation.chain})
        cold = again.outbound(uri, policy)
        assert cold.accepted
        if cold.endpoint == found.endpoint:
            assert (cold.method, cold.code, cold.identities) == (found.method, found.code, found.identities)
            assert (cold.expires, cold.leaf) == (found.expires, found.leaf)

    @given(
        world=all_worlds() | sound_worlds(),
        uri=uris,
        policy=policies,
        draw=seeds,
        seed=seeds,
        delay=st.sampled_from([1e9, 0.3]),
    )
    def test_the_laws_hold_with_open_connections_too(
        self, world: World, uri: str, policy: Policy, draw: int, seed: int, delay: float
    ) -> None:
        machine = Outbound(
            uri,
            policy=policy.replace(attempt_delay=delay),
            now=0.0,
            at=AT,
            randbelow=first,
            anchors=world.anchors,
            aliases=table_for(world, draw),
        )
        player = Player(world, random.Random(seed), GENTLE)
        player.play(machine)
        verdict = machine.verdict
        assert verdict is not None
        assert player.open == ([verdict.connection] if verdict.connection is not None else [])
        assert verdict.accepted is (verdict.connection is not None or verdict.reused is not None)
