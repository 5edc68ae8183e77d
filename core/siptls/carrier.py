"""A TLS connection and the transactions on it, from the handshake to the closure (RFC 5923 sections 8.1 and 8.3).

A connection outlives its transactions and dialogs: nothing here asks for it to be closed because one of them ended.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from .alias_row import Refusal
from .journal import Step
from .verdict import Role
from .via import Via

CarrierState: TypeAlias = Literal["open", "draining", "closing", "closed"]


class Carrier:
    """Says what may begin on a connection, and when it may be closed. The caller does it, and tells of it.

    Args:
        role: our own role: ``client`` when we opened the connection.

    Attributes:
        role: as given.
        state: ``open``; ``draining`` when we want to close and wait for transactions to end; ``closing`` when a closure
            alert was sent or received, and the other one is still missing; ``closed`` after both.
        offered: whether we have put the parameter alias into a Via that we sent. Whether the server made an alias of
            it is never known: the rule that requests come on the listening port as well stays (RFC 5923 section 8.1).
        discards: whether what still arrives is to be thrown away unread, since we sent a closure alert and none has
            come back (section 8.3).

    Source: RFC 5923 sections 8.1 and 8.3.
    """

    __slots__ = ("_running", "discards", "offered", "role", "state")

    def __init__(self, role: Role) -> None:
        self.role: Final[Role] = role
        self.state: CarrierState = "open"
        self.offered: bool = False
        self.discards: bool = False
        self._running: dict[object, None] = {}

    @property
    def pending(self) -> tuple[object, ...]:
        """The transactions that have not ended, the oldest first."""
        return tuple(self._running)

    def send(self, transaction: object, via: Via | None = None) -> Refusal | None:
        """Say whether a request may be sent, which begins a transaction.

        Args:
            transaction: the caller's handle, hashable.
            via: our own Via in it.

        Returns:
            None if it may; else why not, and then it needs another connection.
        """
        if self.state != "open":
            return Refusal("reuse.closing")
        self._running[transaction] = None
        if via is not None and via.alias and self.role == "client":
            self.offered = True
        return None

    def receive(self, transaction: object) -> Step | None:
        """Take notice of a request that came, which begins a transaction.

        Args:
            transaction: the caller's handle, hashable.

        Returns:
            None, or what is strange about it. A client takes requests on a connection that it offered (RFC 5923 section
            8.1); on any other one nobody had a reason to send it one. When ``discards`` is set, there is nothing to be
            taken notice of.
        """
        if self.state in ("closing", "closed"):
            return Refusal("reuse.closing").step
        self._running[transaction] = None
        return Refusal("reuse.not-offered").step if self.role == "client" and not self.offered else None

    def end(self, transaction: object) -> bool:
        """Forget a transaction that has ended; one that is not known is ignored.

        Returns:
            True if we wait for nothing else: send a closure alert now. False otherwise, so always while the connection
            is open.
        """
        self._running.pop(transaction, None)
        return self.state == "draining" and not self._running and self._alert()

    def close(self, *, abandon: bool = False) -> tuple[object, ...]:
        """Begin to close the connection: no transaction begins any more.

        Args:
            abandon: whether to give up the transactions that have not ended.

        Returns:
            The transactions that are waited for; `end` says when to send the closure alert. With none, or with
            ``abandon``, nothing is waited for: ``state`` is ``closing``, and the closure alert is to be sent now. Those
            that were abandoned are in ``pending`` until they are told to have ended.

        Source: RFC 5923 section 8.3.
        """
        if self.state in ("open", "draining"):
            self.state = "draining"
            if self._running and not abandon:
                return self.pending
            self._alert()
        return ()

    def closure_received(self) -> bool:
        """Take notice of the peer's closure alert: no transaction begins any more.

        Returns:
            True if the peer was first: answer with a closure alert. Responses to what is ``pending`` will not come on
            this connection.

        Source: RFC 5923 section 8.3, RFC 8446 section 6.1.
        """
        first = self.state in ("open", "draining")
        self.state = "closed"
        self.discards = False
        return first

    def _alert(self) -> bool:
        self.state = "closing"
        self.discards = True
        return True
