"""A connection that may be used, and why there is none."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from siptls.errors import SiptlsError
from siptls.events import Connect
from siptls.verdict import Outcome, Verdict

S = TypeVar("S")


class Connection(Generic[S]):
    """A connection to a peer that is the domain.

    Attributes:
        stream: what is read from and written to; its kind depends on the adapter.
        verdict: why it may be used, and until when: see `Verdict.expires`.
    """

    __slots__ = ("stream", "verdict")

    def __init__(self, stream: S, verdict: Verdict) -> None:
        self.stream: Final = stream
        self.verdict: Final = verdict

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


def accepted(verdict: Verdict) -> Connect:
    """Return the connection of a verdict that is ACCEPTED.

    Args:
        verdict: the verdict.

    Returns:
        The connection that may be used.

    Raises:
        PeerRejected: the outcome is REJECTED, or, as `PeerInsufficient`, INSUFFICIENT.
        PeerUndetermined: the outcome is UNDETERMINED.
        NoService: the outcome is NO_SERVICE.
    """
    if not verdict.accepted or verdict.connection is None:
        raise _EXCEPTIONS[verdict.outcome](verdict)
    return verdict.connection
