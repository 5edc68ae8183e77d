"""What a driver is asked to do (actions, imperatives) and what it reports (events, participles).

Questions (`Lookup`, `ValidatePath`, `CheckRevocation`) are hashable by value: an equal question is asked once and its
answer shared.
Commands (`Connect`, `Close`) are themselves: the `Connect` is the name of the connection that it makes.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import ClassVar, Final, TypeAlias

from .bases import Shared
from .dns.answer import Answer, Source
from .dns.question import Lookup
from .revocation import CheckRevocation, RevocationChecked


class Endpoint:
    """One address to connect to: one attempt is one address.

    Args:
        host: the name of the server: the SRV target or the URI's host; never an authenticated fact by itself.
        address: the IP address as text.
        port: 1-65535.
        transport: ``tls`` ``tls-sctp`` ``wss`` (or, in a `Route`, ``udp`` ``tcp`` ``sctp`` ``ws``).
    """

    __slots__ = ("address", "host", "port", "transport")

    def __init__(self, host: str, address: str, port: int, transport: str) -> None:
        self.host: Final = host
        self.address: Final = address
        self.port: Final = port
        self.transport: Final = transport

    def __reduce__(self) -> tuple[object, ...]:
        return Endpoint, (self.host, self.address, self.port, self.transport)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Endpoint):
            return NotImplemented
        return (self.host, self.address, self.port, self.transport) == (
            other.host,
            other.address,
            other.port,
            other.transport,
        )

    def __hash__(self) -> int:
        return hash((self.host, self.address, self.port, self.transport))

    def to_dict(self) -> dict[str, object]:
        """Return the endpoint as values for JSON."""
        return {
            "transport": self.transport.upper(),
            "host": self.host,
            "address": self.address,
            "port": self.port,
        }

    def __repr__(self) -> str:
        return f"Endpoint({self.host!r}, {self.address!r}, {self.port}, {self.transport!r})"


class KeyAnchor:
    """A trust anchor that is only a name and a key (RFC 5280 section 6.1.1 (d); RFC 7671 section 5.2.3).

    Args:
        name: the DER of the anchor's distinguished name.
        spki: the DER of its SubjectPublicKeyInfo.
    """

    __slots__ = ("name", "spki")

    def __init__(self, name: bytes, spki: bytes) -> None:
        self.name: Final = name
        self.spki: Final = spki

    def __repr__(self) -> str:
        return f"<KeyAnchor {len(self.spki)} octets of key>"


class Anchors(Shared):
    """A set of trust anchors, compared by identity so that it can be prepared once and shared by many machines.

    Args:
        certificates: certificates in DER; they need not be self-signed.
        keys: bare keys.
        name: for people, for example ``the system's roots``.
    """

    __slots__ = ("certificates", "keys", "name")

    def __init__(
        self,
        certificates: tuple[bytes, ...] = (),
        keys: tuple[KeyAnchor, ...] = (),
        *,
        name: str = "given anchors",
    ) -> None:
        self.certificates: Final = certificates
        self.keys: Final = keys
        self.name: Final = name

    def __repr__(self) -> str:
        return f"<Anchors {self.name!r}: {len(self.certificates)} certificate(s), {len(self.keys)} key(s)>"


class ValidatePath:
    """Find a path from a certificate to a trust anchor and validate it (RFC 5280 section 6), names left aside.

    Args:
        leaf: the end entity's certificate in DER.
        pool: further certificates in DER from which the path may be built, in any order.
        anchors: where a path may end.
        at: the time at which the path must be valid, aware and in UTC.
        through: a certificate in DER that the path must contain, or None (RFC 7671 section 5.4).
    """

    __slots__ = ("_hash", "anchors", "at", "leaf", "pool", "through")

    def __init__(
        self, leaf: bytes, pool: tuple[bytes, ...], anchors: Anchors, at: datetime, through: bytes | None = None
    ) -> None:
        self.leaf: Final = leaf
        self.pool: Final = pool
        self.anchors: Final = anchors
        self.at: Final = at
        self.through: Final = through
        self._hash: Final = hash((leaf, pool, id(anchors), at, through))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ValidatePath):
            return NotImplemented
        return (
            self.anchors is other.anchors
            and self.leaf == other.leaf
            and self.pool == other.pool
            and self.at == other.at
            and self.through == other.through
        )

    def __repr__(self) -> str:
        through = ", through one certificate" if self.through is not None else ""
        return f"<ValidatePath pool of {len(self.pool)}, {self.anchors!r}, at {self.at:%Y-%m-%dT%H:%M:%SZ}{through}>"


class Connect:
    """Connect to one address, do the TLS handshake without judging the peer, and present its certificates.

    Send no application data before a verdict names this connection.

    Args:
        attempt: counts up from 1 within one machine.
        endpoint: where to.
        server_name: the name for the server_name extension (RFC 6066 section 3), or None for no extension.
    """

    __slots__ = ("attempt", "endpoint", "server_name")

    def __init__(self, attempt: int, endpoint: Endpoint, server_name: str | None) -> None:
        self.attempt: Final = attempt
        self.endpoint: Final = endpoint
        self.server_name: Final = server_name

    def __reduce__(self) -> tuple[object, ...]:
        return Connect, (self.attempt, self.endpoint, self.server_name)

    def __repr__(self) -> str:
        return f"<Connect {self.attempt}: {self.endpoint!r}, server name {self.server_name!r}>"


class Close:
    """Close a connection that was presented and is not wanted. Nothing answers this.

    Args:
        connect: the connection.
    """

    __slots__ = ("connect",)

    def __init__(self, connect: Connect) -> None:
        self.connect: Final = connect

    def __repr__(self) -> str:
        return f"<Close {self.connect!r}>"


Question: TypeAlias = Lookup | ValidatePath | CheckRevocation
Action: TypeAlias = Lookup | ValidatePath | CheckRevocation | Connect | Close


class Failure(Enum):
    """Why a lookup gave no answer. BOGUS is a validation failure, all others leave the status INDETERMINATE."""

    BOGUS = "BOGUS"
    SERVFAIL = "SERVFAIL"
    REFUSED = "REFUSED"
    TIMEOUT = "TIMEOUT"
    MALFORMED = "MALFORMED"
    LOOP = "LOOP"
    LIMIT = "LIMIT"


_FAILURE_CODES: Final = {
    Failure.BOGUS: "dnssec.bogus",
    Failure.SERVFAIL: "locate.servfail",
    Failure.REFUSED: "locate.refused",
    Failure.TIMEOUT: "locate.timeout",
    Failure.MALFORMED: "locate.malformed",
    Failure.LOOP: "locate.loop",
    Failure.LIMIT: "limit.dns",
}


class Answered:
    """The DNS answered: with records, or with a denial.

    Args:
        action: the question.
        answer: the answer to it.
    """

    __slots__ = ("action", "answer")
    answers: ClassVar[type[Lookup]] = Lookup

    def __init__(self, action: Lookup, answer: Answer) -> None:
        self.action: Final = action
        self.answer: Final = answer

    def __repr__(self) -> str:
        return f"<Answered {self.answer!r}>"


class LookupFailed:
    """The DNS gave no usable answer; that is never the same as "no records" (RFC 7672 section 2.1).

    Args:
        action: the question.
        reason: why.
        detail: what the resolver says of it; hostile text.
        source: where the answer should have come from, if somebody was asked.
    """

    __slots__ = ("action", "detail", "reason", "source")
    answers: ClassVar[type[Lookup]] = Lookup

    def __init__(self, action: Lookup, reason: Failure, detail: str = "", source: Source | None = None) -> None:
        self.action: Final = action
        self.reason: Final = reason
        self.detail: Final = detail
        self.source: Final = source

    @property
    def code(self) -> str:
        """The code of the catalogue for the reason."""
        return _FAILURE_CODES[self.reason]

    def __repr__(self) -> str:
        return f"<LookupFailed {self.action!r}: {self.reason.name} {self.detail!r}>"


class TlsFacts:
    """What is known of a TLS session besides the certificates.

    Args:
        version: for example ``TLSv1.3``.
        cipher: the name of the cipher suite.
        server_name: the name that was sent in the server_name extension, or None.
        certificate_asked: whether the peer asked for our certificate; None when that cannot be told.
    """

    __slots__ = ("certificate_asked", "cipher", "server_name", "version")

    def __init__(
        self, version: str = "", cipher: str = "", server_name: str | None = None, certificate_asked: bool | None = None
    ) -> None:
        self.version: Final = version
        self.cipher: Final = cipher
        self.server_name: Final = server_name
        self.certificate_asked: Final = certificate_asked

    def __repr__(self) -> str:
        return f"TlsFacts({self.version!r}, {self.cipher!r}, {self.server_name!r}, {self.certificate_asked!r})"


class Presented:
    """The handshake is done, the peer proved possession of its key, and these are its certificates.

    Args:
        action: the connection.
        chain: the certificates in DER as the peer sent them, its own first; empty when it sent none.
        facts: what else is known of the session.
        public_key: the DER of the SubjectPublicKeyInfo that the peer presented instead of certificates (RFC 7250);
            ``chain`` is empty then.
    """

    __slots__ = ("action", "chain", "facts", "public_key")
    answers: ClassVar[type[Connect]] = Connect

    def __init__(
        self, action: Connect, chain: tuple[bytes, ...], facts: TlsFacts, public_key: bytes | None = None
    ) -> None:
        self.action: Final = action
        self.chain: Final = chain
        self.facts: Final = facts
        self.public_key: Final = public_key

    def __repr__(self) -> str:
        return f"<Presented {self.action!r}: {len(self.chain)} certificate(s)>"


class ConnectFailed:
    """There is no connection.

    Args:
        action: the connection.
        reason: a code of the catalogue that begins with ``net.`` or ``tls.``.
        detail: what the operating system or the TLS library says of it; hostile text.
    """

    __slots__ = ("action", "detail", "reason")
    answers: ClassVar[type[Connect]] = Connect

    def __init__(self, action: Connect, reason: str, detail: str = "") -> None:
        self.action: Final = action
        self.reason: Final = reason
        self.detail: Final = detail

    def __repr__(self) -> str:
        return f"<ConnectFailed {self.action!r}: {self.reason} {self.detail!r}>"


class PathValidated:
    """A path is valid.

    Args:
        action: the question.
        path: the certificates of the path in DER, leaf first, anchor last. For a `KeyAnchor` the last one is
            whatever certificate stands for the key.
    """

    __slots__ = ("action", "path")
    answers: ClassVar[type[ValidatePath]] = ValidatePath

    def __init__(self, action: ValidatePath, path: tuple[bytes, ...]) -> None:
        self.action: Final = action
        self.path: Final = path

    def __repr__(self) -> str:
        return f"<PathValidated {len(self.path)} certificate(s)>"


class PathRejected:
    """No path is valid.

    Args:
        action: the question.
        reason: a code of the catalogue that begins with ``chain.``.
        detail: what the library says of it; hostile text.
    """

    __slots__ = ("action", "detail", "reason")
    answers: ClassVar[type[ValidatePath]] = ValidatePath

    def __init__(self, action: ValidatePath, reason: str, detail: str = "") -> None:
        self.action: Final = action
        self.reason: Final = reason
        self.detail: Final = detail

    def __repr__(self) -> str:
        return f"<PathRejected {self.reason} {self.detail!r}>"


LookupEvent: TypeAlias = Answered | LookupFailed
ConnectEvent: TypeAlias = Presented | ConnectFailed
PathEvent: TypeAlias = PathValidated | PathRejected
Event: TypeAlias = LookupEvent | ConnectEvent | PathEvent | RevocationChecked
