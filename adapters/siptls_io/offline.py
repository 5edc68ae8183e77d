"""A performer for offline worlds: zones instead of the DNS, chains instead of servers. Nothing is sent anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from siptls.dns import Lookup
from siptls.events import (
    Connect,
    ConnectEvent,
    ConnectFailed,
    Endpoint,
    LookupEvent,
    PathEvent,
    Presented,
    TlsFacts,
    ValidatePath,
)
from siptls.names import fold

from .cancellation import Cancellation
from .paths import validate_path
from .performer import BlockingPerformer
from .resolver import Resolver


class OfflinePerformer:
    """Presents chains that it was given.

    Args:
        resolver: answers questions, for example `ZoneFiles`.
        chains: what the server at an endpoint presents, in DER, its own certificate first. A key is ``host:port`` with
            the name of the SRV target or URI, ``address:port``, for IPv6 ``[address]:port``, or ``*`` for all others.
            An endpoint without a chain refuses connections.
    """

    def __init__(self, resolver: Resolver, chains: Mapping[str, Sequence[bytes]]) -> None:
        self._resolver = resolver
        self._chains = {fold(key): tuple(chain) for key, chain in chains.items()}

    async def lookup(self, action: Lookup, /) -> LookupEvent:
        """Ask the resolver."""
        return await self._resolver.answer_async(action)

    async def validate(self, action: ValidatePath, /) -> PathEvent:
        """Find a valid certificate path."""
        return validate_path(action)

    async def connect(self, action: Connect, /) -> ConnectEvent:
        """Present the chain of the endpoint."""
        return self._presented(action)

    async def close(self, connect: Connect, /) -> None:
        """Do nothing: there is no connection."""

    def blocking(self) -> BlockingPerformer:
        """Return the same world for the blocking driver."""
        return _Blocking(self._resolver, self._presented)

    def _presented(self, action: Connect) -> ConnectEvent:
        for key in _keys(action.endpoint):
            if (chain := self._chains.get(key)) is not None:
                return Presented(action, chain, TlsFacts(server_name=action.server_name))
        return ConnectFailed(action, "net.refused", "no certificate chain was given for this endpoint")


class _Blocking:
    def __init__(self, resolver: Resolver, presented: Callable[[Connect], ConnectEvent]) -> None:
        self._resolver = resolver
        self._presented = presented

    def lookup(self, action: Lookup, cancellation: Cancellation, /) -> LookupEvent:
        return self._resolver.answer(action, cancellation)

    def connect(self, action: Connect, _cancellation: Cancellation, /) -> ConnectEvent:
        return self._presented(action)

    def validate(self, action: ValidatePath, /) -> PathEvent:
        return validate_path(action)

    def close(self, connect: Connect, /) -> None:
        pass


def _keys(endpoint: Endpoint) -> tuple[str, ...]:
    """Return the keys under which a chain may stand, the most specific one first."""
    address = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    return f"{fold(address)}:{endpoint.port}", f"{fold(endpoint.host)}:{endpoint.port}", "*"
