"""A connection and its transactions: what may begin on it, and when it may be closed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alias_model import Peer, judged
from dialogue import Dialogue
from siptls import AliasTable, Carrier, Endpoint, Locate, Policy, Refusal, Via
from siptls.verdict import Role
from world import AT, first

OFFER = Via.build("tls", "p1.example.com", branch="z9hG4bKa7c8dze", alias=True)
NO_OFFER = Via.build("tls", "p1.example.com", branch="z9hG4bKa7c8dze")


def carrier(role: Role = "client", *transactions: str) -> Carrier:
    """A connection on which these transactions run."""
    made = Carrier(role)
    for transaction in transactions:
        assert made.send(transaction) is None
    return made


def code(answer: Refusal | None) -> str:
    return "" if answer is None else answer.code


class TestWhileItIsOpen:
    @pytest.mark.req("R5923-8.1-1", "R5923-8.2-9")
    @pytest.mark.parametrize("role", ["client", "server"])
    def test_the_end_of_a_transaction_or_dialog_closes_nothing(self, role: Role) -> None:
        connection = carrier(role, "INVITE", "BYE")
        assert [connection.end(each) for each in ("INVITE", "BYE", "BYE", "unknown")] == [False] * 4
        assert (connection.state, connection.pending) == ("open", ())
        assert connection.send("another dialog") is None

    @pytest.mark.req("R5923-8.1-3")
    def test_a_client_takes_requests_on_a_connection_that_it_offered(self) -> None:
        connection = Carrier("client")
        connection.send("INVITE", OFFER)
        assert connection.receive("their OPTIONS") is None
        assert connection.pending == ("INVITE", "their OPTIONS")

    @pytest.mark.req("R5923-8.1-3")
    @pytest.mark.parametrize("via", [NO_OFFER, None])
    def test_a_request_on_a_connection_that_was_not_offered_is_told_of(self, via: Via | None) -> None:
        connection = Carrier("client")
        connection.send("INVITE", via)
        step = connection.receive("their OPTIONS")
        assert step is not None
        assert (step.code, step.reference) == ("reuse.not-offered", "RFC 5923 section 8.1")

    def test_a_server_gets_requests_anyway(self) -> None:
        connection = Carrier("server")
        assert connection.receive("INVITE") is None
        connection.send("their OPTIONS", OFFER)
        assert connection.offered is False  # who accepted a connection offers nothing by a Via

    @pytest.mark.req("R5923-8.1-4")
    def test_all_that_is_known_of_an_alias_is_that_it_was_offered(self) -> None:
        connection = Carrier("client")
        connection.send("INVITE", OFFER)
        connection.end("INVITE")  # a 200 came: it says nothing of an alias
        assert connection.offered is True
        says = {name for name in dir(connection) if not name.startswith("_")}
        assert says == {
            "close", "closure_received", "discards", "end", "offered", "pending", "receive", "role", "send", "state",
        }  # fmt: skip


class TestClosure:
    @pytest.mark.req("R5923-8.3-1", "R5923-8.3-4")
    @pytest.mark.parametrize("role", ["client", "server"])
    def test_who_closes_waits_for_the_transactions_that_run(self, role: Role) -> None:
        connection = carrier(role, "INVITE", "OPTIONS")
        assert connection.close() == ("INVITE", "OPTIONS")
        assert connection.state == "draining"
        assert code(connection.send("BYE")) == "reuse.closing"
        assert connection.end("OPTIONS") is False
        assert connection.close() == ("INVITE",)
        assert connection.end("INVITE") is True
        assert (connection.state, connection.discards) == ("closing", True)

    @pytest.mark.req("R5923-8.3-1")
    def test_or_abandons_them_in_so_many_words(self) -> None:
        connection = carrier("client", "INVITE")
        assert connection.close(abandon=True) == ()
        assert (connection.state, connection.pending) == ("closing", ("INVITE",))
        assert connection.end("INVITE") is False  # the alert was sent already

    @pytest.mark.req("R5923-8.3-1")
    def test_it_may_give_up_waiting(self) -> None:
        connection = carrier("client", "INVITE")
        connection.close()
        assert connection.close(abandon=True) == ()
        assert connection.state == "closing"

    @pytest.mark.req("R5923-8.3-2")
    def test_after_a_closure_alert_nothing_is_read_until_the_other_one_comes(self) -> None:
        connection = Carrier("client")
        assert connection.close() == ()
        assert connection.discards
        step = connection.receive("a request that was under way")
        assert step is not None
        assert step.code == "reuse.closing"
        assert connection.pending == ()
        assert connection.closure_received() is False
        assert (connection.state, connection.discards) == ("closed", False)

    @pytest.mark.req("R5923-8.3-3", "R5923-8.3-4")
    @pytest.mark.parametrize("role", ["client", "server"])
    @pytest.mark.parametrize("draining", [False, True])
    def test_after_the_alert_of_the_peer_nothing_begins(self, role: Role, draining: bool) -> None:
        connection = carrier(role, "INVITE")
        if draining:
            connection.close()
        assert connection.closure_received() is True
        assert code(connection.send("BYE")) == "reuse.closing"
        assert connection.pending == ("INVITE",)
        assert connection.end("INVITE") is False
        assert (connection.close(), connection.closure_received()) == ((), False)

    @given(st.lists(st.sampled_from(["send", "receive", "end", "close", "abandon", "alert"]), max_size=30))
    def test_whatever_happens_one_alert_is_sent_at_the_most_and_none_while_something_is_waited_for(
        self, happenings: list[str]
    ) -> None:
        connection, alerts = Carrier("client"), 0
        for number, happening in enumerate(happenings):
            before = connection.state
            if happening == "send":
                assert (connection.send(number) is None) == (before == "open")
            elif happening == "receive":
                connection.receive(number)
            elif happening == "end" and connection.pending:
                alerts += connection.end(connection.pending[0])
            elif happening in ("close", "abandon"):
                waits = connection.close(abandon=happening == "abandon")
                alerts += before in ("open", "draining") and connection.state == "closing"
                assert bool(waits) == (connection.state == "draining")
            elif happening == "alert":
                alerts += connection.closure_received()
            assert connection.discards == (connection.state == "closing")
            assert (alerts == 1) == (connection.state in ("closing", "closed"))


class TestAConnectionThatDied:
    """CANCEL, and the ACK of a failure response, go where the INVITE went (RFC 5923 section 8.1)."""

    @pytest.mark.req("R5923-8.1-9", "R5923-8.1-8")
    def test_cancel_goes_to_the_same_address_over_a_new_connection_and_nothing_is_looked_up(self) -> None:
        policy = Policy(transports=("tls",), prefetch=0)
        invite = Dialogue(Locate("sips:example.com;transport=tcp", policy=policy, now=0.0, at=AT, randbelow=first))
        invite.asks("_sips._tcp.example.com SRV")
        invite.is_told("IN SRV 10 1 5061 s1.example.com.\nIN SRV 10 1 5061 s2.example.com.")
        host = invite.asks_about_one_host()
        invite.is_told(f"{host}. A 192.0.2.1\n{host}. A 192.0.2.2")
        invite.uses(host, "192.0.2.2")
        pinned = Endpoint(host, "192.0.2.2", 5061, "tls")
        peer = Peer("a server", ("example.com",))
        verdict = judged(peer, "client", domain="example.com", endpoint=pinned)
        table, connection = AliasTable(), carrier("client", "INVITE")
        table.add(verdict, connection, peer.presentation, local_domain="", now=0.0)
        # The server closes the connection before it has answered.
        assert connection.closure_received() is True
        assert connection.pending == ("INVITE",)
        table.close(connection)
        assert code(connection.send("CANCEL")) == "reuse.closing"
        assert table.candidates(pinned, local_domain="", now=0.0) == ()
        assert invite.machine.in_use == pinned
        invite.asks_nothing()
        # The new connection may have the row.
        new = carrier("client", "CANCEL")
        table.add(verdict, new, peer.presentation, local_domain="", now=0.0)
        assert [row.connection for row in table.candidates(pinned, local_domain="", now=0.0)] == [new]
