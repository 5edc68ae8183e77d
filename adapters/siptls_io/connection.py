"""A connection that may be used, and why there is none."""

from __future__ import annotations

from typing import Final, Generic, TypeVar, cast

from siptls.alias_row import Presentation
from siptls.errors import LocalProtocolError, SiptlsError
from siptls.verdict import Outcome, Verdict

from .performer import NetworkPerformer

S = TypeVar("S")


class Opened(Generic[S]):
    """What a call of ``connect()`` has opened; a later call for another domain may hand it out again.

    Attributes:
        stream: what is read from and written to.
        presentation: what the peer presented in the handshake.
        performer: the kind of performer that made the stream.
    """

    __slots__ = ("performer", "presentation", "stream")

    def __init__(self, stream: S, presentation: Presentation, performer: type[object]) -> None:
        self.stream: Final = stream
        self.presentation: Final = presentation
        self.performer: Final = performer


class Connection(Generic[S]):
    """A connection to a peer that is the domain.

    It is a good handle for an `AliasTable`: what a later ``connect()`` returns for the same connection and another
    domain is equal to it.

    Attributes:
        verdict: why it may be used, and until when: see `Verdict.expires`.
        opened: what ``connect()`` has opened; None for a connection that the caller has under another handle.
    """

    __slots__ = ("opened", "verdict")

    def __init__(self, verdict: Verdict, opened: Opened[S] | None) -> None:
        self.verdict: Final = verdict
        self.opened: Final = opened

    @property
    def stream(self) -> S:
        """What is read from and written to; its kind depends on the adapter.

        Raises:
            LocalProtocolError: the caller has the stream: the table has this connection under another handle than a
                `Connection` of the same adapter. The handle is ``verdict.reused``.
        """
        return self._ours.stream

    @property
    def presentation(self) -> Presentation:
        """What the peer presented in the handshake, as `AliasTable.add` wants it.

        Raises:
            LocalProtocolError: as with ``stream``.
        """
        return self._ours.presentation

    @property
    def _ours(self) -> Opened[S]:
        if self.opened is None:
            raise LocalProtocolError(f"the caller has the stream: the handle is {self.verdict.reused!r}")
        return self.opened

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Connection) and self._same is cast("Connection[object]", other)._same

    def __hash__(self) -> int:
        return hash(self._same)

    @property
    def _same(self) -> object:
        """What is the same for all domains to which this connection may carry requests."""
        return self.verdict.reused if self.opened is None else self.opened

    def __repr__(self) -> str:
        return f"<Connection {self.verdict!r}>"


class NotConnected(SiptlsError):
    """There is no connection that may be used.

    Attributes:
        verdict: why.
    """

    _LINES = 12

    def __init__(self, verdict: Verdict) -> None:
        lines = verdict.explain().splitlines()
        more = (
            [f"... and {len(lines) - self._LINES} more lines of verdict.explain()"] if len(lines) > self._LINES else []
        )
        super().__init__("\n".join([*lines[: self._LINES], *more]))
        self.verdict = verdict


class PeerRejected(NotConnected):
    """There is evidence against every peer that was reached."""


class PeerInsufficient(PeerRejected):
    """A peer was verified, but by less than ``policy.require``."""


class PeerUndetermined(NotConnected):
    """Something that is needed failed: a lookup, a connection, time. Trying again may help."""


class NoService(NotConnected):
    """The domain offers nothing to connect to."""


_EXCEPTIONS: Final = {
    Outcome.REJECTED: PeerRejected,
    Outcome.INSUFFICIENT: PeerInsufficient,
    Outcome.UNDETERMINED: PeerUndetermined,
    Outcome.NO_SERVICE: NoService,
}


def connected(performer: NetworkPerformer[S], verdict: Verdict) -> Connection[S]:
    """Return the connection of a verdict that is ACCEPTED.

    Args:
        performer: what made it, if it is a new one.
        verdict: the verdict.

    Returns:
        The connection that may be used.

    Raises:
        PeerRejected: the outcome is REJECTED, or, as `PeerInsufficient`, INSUFFICIENT.
        PeerUndetermined: the outcome is UNDETERMINED.
        NoService: the outcome is NO_SERVICE.
    """
    if not verdict.accepted:
        raise _EXCEPTIONS[verdict.outcome](verdict)
    connect, handle = verdict.connection, verdict.reused
    kind: type[object] = type(performer)
    if connect is not None:
        return Connection(verdict, Opened(performer.streams[connect], performer.presentations[connect], kind))
    opened = cast("Connection[S]", handle).opened if isinstance(handle, Connection) else None
    return Connection(verdict, opened if opened is not None and opened.performer is kind else None)
