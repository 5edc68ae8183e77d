"""What a server knows of a client, before and after it was judged, and how much clients may ask of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from siptls import ClientVerdict, Inbound, Presentation
from siptls.admission import Authorize, ClientCertificate, DaneFailure
from siptls.errors import InvalidName, InvalidPolicy
from siptls.events import Anchors, TlsFacts
from siptls.policy import Policy
from siptls.revocation import Crls

from ..a_labels import host_to_a_labels
from ..anchors import system_anchors
from ..revocation import given_crls

S = TypeVar("S")


class Address(NamedTuple):
    """One end of a TCP connection."""

    ip: str
    """The IP address; an IPv4 address that came over IPv6 is written as the IPv4 address that it is."""
    port: int


class Arrival:
    """A client after its handshake, of whom nobody knows yet who it is.

    Attributes:
        presentation: the certificates that it presented; it holds the key of the first one.
        facts: the version of TLS, the cipher suite, and the name that it asked for: in lower case and the name of a
            host, else None. What a client asks for is no proof of anything.
        source: where it came from.
        local: the end of the connection that is ours.
    """

    __slots__ = ("facts", "local", "presentation", "source")

    def __init__(self, presentation: Presentation, facts: TlsFacts, source: Address, local: Address) -> None:
        self.presentation: Final = presentation
        self.facts: Final = facts
        self.source: Final = source
        self.local: Final = local

    def __repr__(self) -> str:
        return f"<Arrival from {self.source.ip} port {self.source.port}, {self.presentation!r}>"


class ClientConnection(Generic[S]):
    """A connection that a client has opened and that is served.

    Attributes:
        stream: what is read from and written to; nothing has been read from it yet.
        verdict: who the client is. It is ACCEPTED, or else the client has presented no certificate and is served by
            the server's own policy: ``verdict.admission`` tells.
        arrival: the certificates that it presented, and where it came from.
    """

    __slots__ = ("arrival", "stream", "verdict")

    def __init__(self, stream: S, verdict: ClientVerdict, arrival: Arrival) -> None:
        self.stream: Final = stream
        self.verdict: Final = verdict
        self.arrival: Final = arrival

    def __repr__(self) -> str:
        return f"<ClientConnection from {self.arrival.source.ip} {self.verdict!r}>"


class NotServed:
    """A connection that was closed before a byte of SIP was read from it or sent on it.

    Attributes:
        source: where it came from; None if it was gone before anybody could ask.
        code: why, by the catalogue of codes.
        detail: more about it, hostile text; empty if there is a verdict.
        verdict: that of a client whose handshake went well, else None.
    """

    __slots__ = ("code", "detail", "source", "verdict")

    def __init__(
        self, source: Address | None, code: str, detail: str = "", verdict: ClientVerdict | None = None
    ) -> None:
        self.source: Final = source
        self.code: Final = code
        self.detail: Final = detail
        self.verdict: Final = verdict

    def __repr__(self) -> str:
        came = "somewhere" if self.source is None else self.source.ip
        return f"<NotServed from {came}: {self.code} {self.detail!r}>"


class MakeInbound(Protocol):
    """Makes the judge of a client: a `Judge`, or any function with the same arguments."""

    def __call__(self, arrival: Arrival, /, *, now: float, at: datetime) -> Inbound:
        """Return a new machine for this client.

        Args:
            arrival: the client.
            now: the monotonic clock of the server, in seconds, for the machine.
            at: the wall clock at ``now``, an aware datetime, for the machine.
        """
        ...


class Judge:
    """Judges all clients of a server by the same rules; made once, for all of them.

    A server of several domains that have rules of their own has a `Judge` for each, and a function that calls one of
    them, by ``arrival.facts.server_name`` or ``arrival.local``.

    Args:
        anchors: the trust anchors; None takes the system's.
        crls: certificate revocation lists, each in DER; better as `Crls`, which are prepared once and may be large.
        authorize: who may connect: as for `siptls.Inbound`.
        client_certificate: ``required`` closes connections without a certificate, ``optional`` serves them.
        claims: SIP domains that clients may be servers of, by the SRV and TLSA records of these domains: as for
            `siptls.Inbound`, so they are looked up for every client. They may be internationalised names.
        dane_failure: ``abort`` or ``unauthenticated``: as for `siptls.Inbound`.
        policy: what is wanted.

    Raises:
        InvalidName: a claim is no domain name, or ``claims`` is one text.
        InvalidPolicy: as for `siptls.Inbound`, or there are CRLs while ``policy.revocation`` is ``off``.
        TypeError: ``crls`` is a single list, or holds something that is no octets.
    """

    __slots__ = ("_anchors", "_authorize", "_claims", "_client_certificate", "_crls", "_dane_failure", "_policy")

    def __init__(
        self,
        *,
        anchors: Anchors | None = None,
        crls: Crls | Iterable[bytes] = (),
        authorize: Authorize | None = None,
        client_certificate: ClientCertificate = "required",
        claims: Iterable[str] = (),
        dane_failure: DaneFailure = "abort",
        policy: Policy = Policy(),
    ) -> None:
        if isinstance(claims, str):
            raise InvalidName(claims, "a collection of domain names, not one text")
        self._anchors = system_anchors() if anchors is None else anchors
        self._crls = given_crls(crls, policy)
        self._authorize = authorize
        self._client_certificate: ClientCertificate = client_certificate
        self._claims = tuple([host_to_a_labels(claim) for claim in claims])
        self._dane_failure: DaneFailure = dane_failure
        self._policy = policy
        # What is wrong with these arguments is said now, and not when the first client comes.
        nobody = Arrival(Presentation(()), TlsFacts(), Address("", 0), Address("", 0))
        self(nobody, now=0.0, at=datetime.now(UTC))

    def __call__(self, arrival: Arrival, /, *, now: float, at: datetime) -> Inbound:
        """Return a new machine for this client."""
        return Inbound(
            arrival.presentation.chain,
            public_key=arrival.presentation.public_key,
            facts=arrival.facts,
            claims=self._claims,
            dane_failure=self._dane_failure,
            anchors=self._anchors,
            crls=self._crls,
            authorize=self._authorize,
            client_certificate=self._client_certificate,
            policy=self._policy,
            now=now,
            at=at,
        )


class Bounds:
    """How much clients may ask of a server before and after it knows them.

    Args:
        connections: how many are open at a time; who comes then waits to be accepted.
        connections_per_source: how many of them one source may have, which is an IPv4 address or an IPv6 network of 64
            bits; who comes then is not served, so that nobody can keep all others waiting. None stands for a tenth of
            ``connections``, but no less than ``handshakes_per_source``.
        handshakes: how many of them may be doing the handshake or be waiting for the verdict; who comes then waits.
        handshakes_per_source: the same for one source; who comes then is not served.
        seconds: how long a handshake may take. The verdict then has ``policy.limits.seconds``.

    Raises:
        InvalidPolicy: one of them is not above zero.
    """

    __slots__ = ("connections", "connections_per_source", "handshakes", "handshakes_per_source", "seconds")

    def __init__(
        self,
        *,
        connections: int = 10_000,
        connections_per_source: int | None = None,
        handshakes: int = 200,
        handshakes_per_source: int = 20,
        seconds: float = 10.0,
    ) -> None:
        if connections_per_source is None:
            connections_per_source = max(connections // 10, handshakes_per_source)
        for name, value in (
            ("connections", connections),
            ("connections_per_source", connections_per_source),
            ("handshakes", handshakes),
            ("handshakes_per_source", handshakes_per_source),
            ("seconds", seconds),
        ):
            if not value > 0:
                raise InvalidPolicy(name, value, "more than 0")
        self.connections: Final = connections
        self.connections_per_source: Final = connections_per_source
        self.handshakes: Final = handshakes
        self.handshakes_per_source: Final = handshakes_per_source
        self.seconds: Final = seconds


BOUNDS: Final = Bounds()
"""What holds where the caller says nothing else."""


class Crowd:
    """How many of something each source has: connections, or handshakes.

    Args:
        most: how many one source may have at a time.
    """

    __slots__ = ("_here", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._here: dict[str, int] = {}

    def enter(self, source: Address) -> bool:
        """Say whether one more may begin; if so, `leave` has to follow."""
        network = _network(source.ip)
        here = self._here.get(network, 0)
        if here >= self._most:
            return False
        self._here[network] = here + 1
        return True

    def leave(self, source: Address) -> None:
        """Note that one is over."""
        network = _network(source.ip)
        self._here[network] -= 1
        if not self._here[network]:
            del self._here[network]


def address(of_socket: tuple[str, int] | str) -> Address:
    """Return an end of a connection as the system tells it.

    Args:
        of_socket: what ``getpeername()`` or ``getsockname()`` returned, without what IPv6 adds.

    Raises:
        ValueError: it is the path of a socket in the file system.
    """
    if isinstance(of_socket, str):
        raise ValueError(f"no IP address: {of_socket!r}")
    ip, port = of_socket
    if ":" in ip:
        mapped = IPv6Address(ip).ipv4_mapped
        ip = ip if mapped is None else str(mapped)
    return Address(ip, port)


def _network(ip: str) -> str:
    parsed = ip_address(ip)
    return ip if parsed.version == 4 else str(int(parsed) >> 64)
