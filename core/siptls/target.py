"""The servers that a domain names, in the order in which a client tries them."""

from __future__ import annotations

import math
from typing import Final

from .delegation import Delegation
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
            "expires_in": None if self.expires == math.inf else max(0.0, self.expires - self._ended),
            "steps": [step.to_dict() for step in self.findings],
        }

    def __repr__(self) -> str:
        return f"<Route of {len(self.targets)} target(s){'' if self.complete else ', incomplete'}>"
