"""One row of the alias table, and why a connection got none (RFC 5923 section 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from .journal import Step, printable
from .names import fold, ip_literal

if TYPE_CHECKING:
    from .identity import Identity
    from .verdict import Role

RowState: TypeAlias = Literal["live", "stale", "closing"]

_MAPPED: Final = bytes(10) + b"\xff\xff"  # RFC 4291 section 2.5.5.2
_SHOWN: Final = 8  # domains in one text


class Presentation:
    """What a peer presented in the handshake, kept so that it can be judged again for another domain.

    Args:
        chain: the certificates in DER as the peer sent them, its own first; empty when it sent none.
        public_key: the DER of the SubjectPublicKeyInfo that the peer presented instead of certificates (RFC 7250);
            ``chain`` is empty then.
    """

    __slots__ = ("chain", "public_key")

    def __init__(self, chain: tuple[bytes, ...], public_key: bytes | None = None) -> None:
        self.chain: Final = chain
        self.public_key: Final = public_key

    @property
    def leaf(self) -> bytes | None:
        """The SHA-256 digest of the peer's certificate in DER, or None when there is none: as in a verdict."""
        return hashlib.sha256(self.chain[0]).digest() if self.chain else None

    @property
    def raw_key(self) -> bytes | None:
        """The SHA-256 digest of the key in DER, or None when there is none: as in a verdict."""
        return None if self.public_key is None else hashlib.sha256(self.public_key).digest()

    @property
    def octets(self) -> int:
        """How long all of it is."""
        return sum([len(der) for der in self.chain]) + len(self.public_key or b"")

    def __repr__(self) -> str:
        key = "" if self.public_key is None else f", a public key of {len(self.public_key)} octets"
        return f"<Presentation of {len(self.chain)} certificate(s){key}>"


class Row:
    """A connection that may carry requests to an address, as the alias table knew it when it was asked; immutable.

    A row permits nothing by itself: before the connection carries a request to a domain, what stands in
    ``presentation`` is judged for that domain.

    Attributes:
        address: the IP address as text; an IPv4 address that came in an IPv6 one is written as IPv4.
        port: 1-65535.
        transport: ``tls`` ``tls-sctp`` or ``wss``.
        local_domain: the domain of ours on behalf of which the connection is used; empty where there is only one.
        role: our own role: ``client`` when we opened the connection.
        connection: the caller's handle.
        presentation: what the peer presented in the handshake.
        identities: SIP domains in the peer's certificate, which a locally trusted anchor vouches for. They are
            candidates, and prove nothing of what the DNS says of these domains.
        names: the domains of ``identities``, where one is found at once.
        proven: the domains that verdicts proved for this connection, each with the end of its proof on the ``now``
            clock. Without those that are over.
        expires: when the last of the evidence ends, on the ``now`` clock; ``math.inf`` when nothing limits it.
        changes: when the row will be another one, since something in it is over, on the ``now`` clock; `at` tells how.
        state: ``live``; ``stale`` when all evidence is over, so that the connection is to be judged again; ``closing``
            when a closure alert was sent or received.
    """

    __slots__ = (
        "address",
        "changes",
        "connection",
        "expires",
        "identities",
        "local_domain",
        "names",
        "port",
        "presentation",
        "proven",
        "role",
        "state",
        "transport",
    )

    def __init__(
        self,
        address: str,
        port: int,
        transport: str,
        local_domain: str,
        role: Role,
        connection: object,
        presentation: Presentation,
        identities: tuple[Identity, ...],
        proven: Mapping[str, float],
        expires: float,
        state: RowState = "live",
        names: frozenset[str] | None = None,
    ) -> None:
        self.names: Final = frozenset([identity.domain for identity in identities]) if names is None else names
        self.address: Final = address
        self.port: Final = port
        self.transport: Final = transport
        self.local_domain: Final = local_domain
        self.role: Final[Role] = role
        self.connection: Final = connection
        self.presentation: Final = presentation
        self.identities: Final = identities
        self.proven: Final[Mapping[str, float]] = MappingProxyType(dict(proven))
        self.expires: Final = expires
        self.state: Final[RowState] = state
        self.changes: Final = min(expires, *proven.values()) if proven else expires

    def identifies(self, domain: str) -> bool:
        """Whether a domain stands in the row's column of identities, proven or as a candidate (RFC 5923 section 5).

        Args:
            domain: a SIP domain in A-labels.
        """
        name = fold(domain)
        return name in self.proven or name in self.names

    @property
    def hop(self) -> str:
        """Where the row leads, for a journal."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"REUSE {address}:{self.port}"

    @property
    def domains(self) -> tuple[str, ...]:
        """The row's column of identities: the proven domains, then the candidates, each once."""
        return tuple(dict.fromkeys([*self.proven, *[identity.domain for identity in self.identities]]))

    def at(self, now: float) -> Row:
        """Return the row as it is at a time: without what is over by then.

        Args:
            now: the monotonic clock, in seconds; not before the time of this view.
        """
        if now < self.changes or self.state == "stale":
            return self
        state: RowState = "stale" if self.state == "live" and self.expires <= now else self.state
        proven = {domain: until for domain, until in self.proven.items() if now < until}
        return renewed(self, self.identities, proven, self.expires, state)

    def to_dict(self) -> dict[str, object]:
        """Return the row as values for JSON, the handle and the certificates aside."""
        return {
            "address": self.address,
            "port": self.port,
            "transport": self.transport.upper(),
            "local_domain": self.local_domain,
            "role": self.role,
            "proven": sorted(self.proven),
            "candidates": [{"domain": i.domain, "origin": i.origin} for i in self.identities],
            "state": self.state,
        }

    def __repr__(self) -> str:
        shown = ", ".join([*self.domains[:_SHOWN], *(["..."] if len(self.domains) > _SHOWN else [])])
        where = f"{printable(self.address)} {self.port} {self.transport.upper()}"
        return f"<Row {where} for {shown or 'nobody'}: {self.state}>"


def renewed(
    row: Row, identities: tuple[Identity, ...], proven: Mapping[str, float], expires: float, state: RowState
) -> Row:
    """Return a row with other evidence."""
    return Row(
        row.address,
        row.port,
        row.transport,
        row.local_domain,
        row.role,
        row.connection,
        row.presentation,
        identities,
        proven,
        expires,
        state,
        row.names if identities is row.identities else None,
    )


class Refusal:
    """Why the alias table did not do what it was asked for. It is false in a condition, which a `Row` is not.

    Nothing is wrong with the request that came: it proceeds as if no alias had been offered (RFC 5923 section 8.2).

    Attributes:
        code: a code of the catalogue that begins with ``reuse.``.
        step: the finding, with its texts and the sections that the rule comes from.
    """

    __slots__ = ("code", "step")

    def __init__(self, code: str, expected: str = "", found: str = "") -> None:
        self.code: Final = code
        self.step: Final = Step(0.0, "REUSE", code, printable(expected), printable(found))

    def __bool__(self) -> Literal[False]:
        return False

    def __str__(self) -> str:
        return str(self.step)

    def __repr__(self) -> str:
        return f"<Refusal {self.step}>"


def packed_address(address: str) -> bytes | None:
    """Return the octets of an IP address: 4 for IPv4, also where it came in an IPv6 address; None if it is none.

    Args:
        address: the address as text. One with a zone is none: it means another machine on every link.
    """
    octets = ip_literal(address)
    return octets[12:] if octets is not None and len(octets) == 16 and octets.startswith(_MAPPED) else octets


def written_address(address: str, octets: bytes) -> str:
    """Return an address as people write it: an IPv4 address without the IPv6 address around it."""
    return ".".join([str(octet) for octet in octets]) if len(octets) == 4 else address.lower()
