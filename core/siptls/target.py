"""The servers that a domain names, in the order in which a client tries them, and what a client tells of them."""

from __future__ import annotations

import math
from enum import Enum
from typing import Final, TypeAlias

from .delegation import Delegation
from .errors import LocalProtocolError
from .events import Endpoint
from .journal import Note, Step, rendered
from .verdict import Outcome


class Target:
    """One server that a domain names: a host, a port and a transport.

    Args:
        host: the host's name, or its address where the URI gives one.
        port: 1-65535.
        transport: ``udp`` ``tcp`` ``tls`` ``sctp`` ``tls-sctp`` ``ws`` or ``wss``.
        priority: of the SRV record, else 0.
        weight: of the SRV record, else 0.
        delegation: what the host's name is worth as an identity.

    Attributes:
        addresses: the addresses as text in the order in which to try them; empty until they are known.
    """

    __slots__ = ("addresses", "delegation", "host", "port", "priority", "transport", "weight")

    def __init__(
        self, host: str, port: int, transport: str, priority: int, weight: int, delegation: Delegation
    ) -> None:
        self.host: Final = host
        self.port: Final = port
        self.transport: Final = transport
        self.priority: Final = priority
        self.weight: Final = weight
        self.delegation: Final = delegation
        self.addresses: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        told = (self.host, self.port, self.transport, self.priority, self.weight, self.delegation)
        return Target, told, (None, {"addresses": self.addresses})

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The endpoints of this target, in order; never mixed with those of another one (RFC 7984 section 4)."""
        return tuple([Endpoint(self.host, address, self.port, self.transport) for address in self.addresses])

    def to_dict(self) -> dict[str, object]:
        """Return the target as values for JSON."""
        return {
            "transport": self.transport.upper(),
            "host": self.host,
            "port": self.port,
            "priority": self.priority,
            "weight": self.weight,
        }

    def __repr__(self) -> str:
        return f"<Target {self.host!r} port {self.port} {self.transport}, {self.delegation.value}>"


class TargetFailure(Enum):
    """What counts as the failure of a target, so that the next one is tried (RFC 3263 section 4.3, D-SEC-11)."""

    UNAVAILABLE = "a 503 response"
    TRANSPORT = "a transport error"
    TIMEOUT = "no response at all in time"
    """Timer B or F fired without a response, not even a provisional one (RFC 3261 section 17.1)."""
    PEER = "the peer is not who it should be"

    @classmethod
    def of_status(cls, status: int) -> TargetFailure | None:
        """Say whether a final response makes its target a failed one.

        Args:
            status: the status code of the response, 200-699.

        Returns:
            UNAVAILABLE for 503; None for any other: the server has answered, and the next one is not asked.
        """
        return cls.UNAVAILABLE if status == 503 else None


class TargetInUse:
    """The caller sends its request to a target; CANCEL, retransmissions and the ACK of a failure go there too.

    Args:
        target: one that the machine showed.
        address: which of its addresses; None for the first that has not failed.

    Source: RFC 3263 section 4.
    """

    __slots__ = ("address", "target")

    def __init__(self, target: Target, address: str | None = None) -> None:
        self.target: Final = target
        self.address: Final = address

    def __repr__(self) -> str:
        return f"<TargetInUse {self.target!r}>"


class TargetFailed:
    """A target, or one of its addresses, did not lead to a response that ends the search.

    The next request is another transaction, with another Via branch (RFC 3263 section 4.3).

    Args:
        target: one that the machine showed.
        reason: what counts as its failure.
        address: which of its addresses failed; None for the target as a whole.

    Raises:
        LocalProtocolError: the reason is none, such as what `TargetFailure.of_status` returns for most responses.

    Source: RFC 3263 sections 4.2 and 4.3.
    """

    __slots__ = ("address", "reason", "target")

    def __init__(self, target: Target, reason: TargetFailure, address: str | None = None) -> None:
        if type(reason) is not TargetFailure:
            raise LocalProtocolError(f"{reason!r} is no failure of a target, which would be a TargetFailure")
        self.target: Final = target
        self.reason: Final = reason
        self.address: Final = address

    def __repr__(self) -> str:
        return f"<TargetFailed {self.target!r}: {self.reason.value}>"


TargetEvent: TypeAlias = TargetInUse | TargetFailed
"""What the caller of `Locate` tells it."""


class Route:
    """Where a client goes for a URI, and why.

    Attributes:
        targets: the targets with their addresses, in the order in which to try them.
        complete: whether these are all: False if a failure or a limit ended the search early.
        outcome: None if there are targets; else NO_SERVICE, or UNDETERMINED when something that is needed failed.
        code: None if there are targets, else the code of the catalogue that says why there are none.
        expires: until when the answers hold, on the machine's ``now`` clock; expired ones must not be fallen back on.
        sips: whether the domain's NAPTR or SRV records offer TLS; None if nothing was asked that could tell. Worth
            keeping for the next time (``sips_seen``, RFC 3263 section 7).
    """

    __slots__ = ("_began", "_ended", "_notes", "_steps", "code", "complete", "expires", "outcome", "sips", "targets")

    def __init__(
        self,
        targets: tuple[Target, ...],
        complete: bool,
        outcome: Outcome | None,
        code: str | None,
        expires: float,
        notes: tuple[Note, ...],
        began: float,
        ended: float,
        sips: bool | None,
    ) -> None:
        self.targets: Final = targets
        self.complete: Final = complete
        self.outcome: Final = outcome
        self.code: Final = code
        self.expires: Final = expires
        self._notes: Final = notes
        self._began: Final = began
        self._ended: Final = ended
        self.sips: Final = sips
        self._steps: tuple[Step, ...] | None = None

    @property
    def findings(self) -> tuple[Step, ...]:
        """All findings in the order in which they came, made when first asked for."""
        if self._steps is None:
            self._steps = rendered(self._notes, self._began)
        return self._steps

    def to_dict(self) -> dict[str, object]:
        """Return the route as values for JSON: one entry for each address, in the order in which to try them."""
        return {
            "targets": [
                {**target.to_dict(), "address": address} for target in self.targets for address in target.addresses
            ],
            "complete": self.complete,
            "outcome": None if self.outcome is None else self.outcome.value,
            "code": self.code,
            "sips": self.sips,
            "expires_in": None if self.expires == math.inf else max(0.0, round(self.expires - self._ended, 3)),
            "steps": [step.to_dict() for step in self.findings],
        }

    def __repr__(self) -> str:
        return f"<Route of {len(self.targets)} target(s){'' if self.complete else ', incomplete'}>"
