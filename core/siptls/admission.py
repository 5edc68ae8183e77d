"""How a server goes on with a client: what it makes of a verdict, and who may connect (RFC 5922 section 7.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final, Literal, TypeAlias

from .errors import InvalidName
from .identity import Identity
from .journal import Note, Step, listed
from .names import domain as checked_domain
from .verdict import Method, Outcome, RawKey, Verdict

Authorize: TypeAlias = Callable[[tuple[Identity, ...]], bool]
"""Says of the identities of an authenticated client whether it may connect."""
ClientCertificate: TypeAlias = Literal["required", "optional"]
DaneFailure: TypeAlias = Literal["abort", "unauthenticated"]


class Admission(Enum):
    """How a server goes on with a connection."""

    AUTHENTICATED = "authenticated"
    """The client is who its identities say, and may connect."""
    UNAUTHENTICATED = "unauthenticated"
    """The client is nobody, and the server serves such clients. Single requests may be challenged with Digest; a good
    response speaks for its request alone, and makes nobody of the connection (RFC 5922 section 8.1)."""
    CLOSE = "close"
    """Close the connection before a byte of SIP is read from it or sent on it."""


class AllowList:
    """Lets clients connect that are one of these domains, for ``authorize`` of `Inbound`; made once, for all of them.

    Args:
        domains: SIP domains, in A-labels. With none, nobody may connect.

    Raises:
        InvalidName: one is no domain name in A-labels, or ``domains`` is one text and no collection.

    Attributes:
        domains: the domains in lower case.
    """

    __slots__ = ("domains",)

    def __init__(self, domains: Iterable[str]) -> None:
        if isinstance(domains, str):
            raise InvalidName(domains, "a collection of domain names, not one text")
        self.domains: Final = frozenset([checked_domain(name) for name in domains])

    def __call__(self, identities: tuple[Identity, ...]) -> bool:
        """Say whether any of the identities is in the list: its whole name, neither its parent nor a part of it."""
        return any(identity.domain in self.domains for identity in identities)

    def __str__(self) -> str:
        return listed(sorted(self.domains)) if self.domains else "nobody"

    def __repr__(self) -> str:
        return f"<AllowList of {len(self.domains)} domain(s)>"


class ClientVerdict(Verdict):
    """What came of judging a client. Its ``identities`` are SIP domains only, each with the way that proved it.

    Attributes:
        hosts: the DNS names that the client is proven to be and that are no SIP domains: the name that it signalled
            (``client-name``), the host of its alias request (``sent-by``), the server of a claimed domain
            (``server-records``). They give no right to requests for a SIP domain of the same name (D-DANCE-1).
        admission: how the server goes on with the connection.

    All else is as in `Verdict`. ``method`` is that of the first way in the order client name, server records, sent-by
    host, certificate that proved anything.
    """

    __slots__ = ("admission", "hosts")

    hosts: tuple[Identity, ...]
    admission: Admission

    def __init__(
        self,
        outcome: Outcome,
        method: Method,
        code: str,
        leaf: bytes | RawKey | None,
        identities: tuple[Identity, ...],
        hosts: tuple[Identity, ...],
        admission: Admission,
        expires: float,
        notes: tuple[Note, ...],
        began: float,
        decided: float,
        place: int = -1,
        steps: tuple[Step, ...] | None = None,
    ) -> None:
        super().__init__(
            outcome,
            method,
            code,
            "",
            None,
            None,
            "server",
            leaf,
            None,
            identities,
            expires,
            notes,
            began,
            decided,
            place,
            steps,
        )
        object.__setattr__(self, "hosts", hosts)
        object.__setattr__(self, "admission", admission)

    def __reduce__(self) -> tuple[object, ...]:
        told = (self.outcome, self.method, self.code, self._leaf, self.identities, self.hosts, self.admission)
        return ClientVerdict, (*told, self.expires, (), self._began, self._decided, self._place, self.steps)

    def to_dict(self) -> dict[str, object]:
        """Return the verdict as values for JSON: as `Verdict.to_dict`, with ``hosts`` and ``admission``."""
        hosts = [{"domain": host.domain, "origin": host.origin} for host in self.hosts]
        return {**super().to_dict(), "hosts": hosts, "admission": self.admission.value}
