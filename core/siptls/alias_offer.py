"""What a connection must bring before the alias table has a row for it (RFC 5923 sections 8.1, 8.2 and 9)."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from itertools import islice
from typing import Final, TypeAlias

from .alias_row import Presentation, Refusal, Row, packed_address, written_address
from .events import Endpoint
from .identity import Identity
from .names import fold
from .policy import SECURE_TRANSPORTS
from .verdict import Verdict
from .via import Via

Place: TypeAlias = tuple[str, bytes, int, str]
"""Where a row is found: the local domain, the octets of the address, the port, the transport."""

DOMAINS: Final = 256
"""How many domains of a kind one row keeps: a certificate may name many thousands."""

_OCTETS: Final = 65_536  # of certificates that one row keeps
_SHOWN: Final = 8  # names in one text
_RAW: Final = b"key"  # before the digest of a key, which is no digest of a certificate
_DIGEST: Final = 32  # octets of SHA-256
# Those that RFC 5923 speaks of. A browser behind WebSocket has no address to which others could connect.
_ALIASED: Final = frozenset({"tls", "tls-sctp"})
_NAMES: Final = frozenset({"uri", "dns"})  # kinds of names in a certificate; never the common name
_IN_CERTIFICATE: Final = frozenset({"uri", "dns", "cn", "ip"})


class Offer:
    """A connection with nothing against it so far.

    Attributes:
        place: where its row would be found.
        address: the address for people.
        presentation: what the peer presented.
        key: tells the peer's certificate, or public key, from every other one.
        verdict: what came of judging it.
        proven: the domains that the verdict proved, each with the end of its proof.
        candidates: the SIP domains in the certificate, if a locally trusted anchor vouches for them.
    """

    __slots__ = ("address", "candidates", "key", "place", "presentation", "proven", "verdict")

    def __init__(self, place: Place, address: str, presentation: Presentation, verdict: Verdict) -> None:
        self.place: Final = place
        self.address: Final = address
        self.presentation: Final = presentation
        self.key: Final = key_of(presentation)
        self.verdict: Final = verdict
        self.proven: Final = _proven(verdict)
        self.candidates: Final = _candidates(verdict)


def offered(
    verdict: Verdict,
    presentation: Presentation,
    local_domain: str,
    now: float,
    source: str | None,
    via: Via | None,
) -> Offer | Refusal:
    """Say what a connection brings, or what it lacks.

    Args:
        verdict: what came of judging its peer.
        presentation: what the peer presented.
        local_domain: the domain of ours, folded.
        now: the monotonic clock, in seconds.
        source: the address from which a request came, for a connection that was opened to us.
        via: the topmost Via of that request.
    """
    if verdict.role == "server" and (via is None or not via.alias):
        return Refusal(
            "reuse.no-alias", "the parameter alias in the topmost Via", "no Via" if via is None else str(via)
        )
    if not verdict.accepted:
        return not_authenticated(verdict)
    if verdict.reused is not None:
        return Refusal("reuse.not-new", "a verdict on a connection of its own", repr(verdict))
    if verdict.expires <= now:
        return over(verdict, now)
    key = key_of(presentation)
    if not key or key != key_of(verdict):
        return other_certificate(key, key_of(verdict))
    if presentation.octets > _OCTETS:
        return Refusal("reuse.too-large", f"at most {_OCTETS} octets", f"{presentation.octets}")
    found = (
        _ours(verdict, local_domain) if via is None or verdict.role == "client" else _theirs(via, source, local_domain)
    )
    if isinstance(found, Refusal):
        return found
    offer = Offer(*found, presentation, verdict)
    if not offer.proven and not offer.candidates:
        names = ", ".join([f"{i.origin} {i.domain}" for i in verdict.identities[:_SHOWN]])
        return Refusal("reuse.no-identities", "a SIP domain in subjectAltName", names or "none")
    return offer


def by_delegation_alone(verdict: Verdict) -> bool:
    """Say whether neither TLSA records nor the certificate name the domain, but only the way to its host (A-16)."""
    return verdict.method == "pkix" and not any(
        identity.domain == fold(verdict.domain) and identity.origin != "delegation" for identity in verdict.identities
    )


def not_authenticated(verdict: Verdict) -> Refusal:
    """The refusal of a peer that was not accepted."""
    return Refusal("reuse.not-authenticated", "ACCEPTED", f"{verdict.outcome.value} ({verdict.code})")


def over(verdict: Verdict, now: float) -> Refusal:
    """The refusal of a verdict whose evidence does not hold any more."""
    return Refusal("reuse.expired", "", f"since {now - verdict.expires:.3f} s")


def key_of(shown: Presentation | Verdict) -> bytes:
    """Return what tells a certificate, or a raw public key, from every other one; nothing where there is neither."""
    if (leaf := shown.leaf) is not None:
        return leaf
    return b"" if (key := shown.raw_key) is None else _RAW + key


def other_certificate(expected: bytes, found: bytes) -> Refusal:
    """The refusal of a verdict on another peer than that of the connection, by what `key_of` says of both."""
    return Refusal("reuse.other-certificate", _key_text(expected), _key_text(found))


def place_of(local_domain: str, endpoint: Endpoint | Row) -> Place | None:
    """Return where rows of an endpoint are found, or None if its address is none.

    Args:
        local_domain: the domain of ours, folded.
        endpoint: an address with its port and transport.
    """
    octets = packed_address(endpoint.address)
    return None if octets is None else (local_domain, octets, endpoint.port, endpoint.transport)


def refreshed(old: Mapping[str, float], new: Mapping[str, float]) -> dict[str, float]:
    """Return the proven domains of a row that is added once more.

    The peer decides how many those are over time. If they are too many, those stay that hold for longest.

    Args:
        old: the domains in the row, each with the end of its proof.
        new: those that the verdict proves now, at most `DOMAINS`.
    """
    past = [domain for domain in old if domain not in new]
    room = DOMAINS - len(new)
    if len(past) > room:
        past = heapq.nlargest(room, past, key=old.__getitem__)
    return {**{domain: old[domain] for domain in past}, **new}


def _ours(verdict: Verdict, local_domain: str) -> tuple[Place, str] | Refusal:
    """A connection that we opened leads to where we opened it (RFC 5923 section 8.1)."""
    endpoint = verdict.endpoint
    place = None if endpoint is None else place_of(local_domain, endpoint)
    if endpoint is None or place is None:
        found = "no endpoint" if endpoint is None else endpoint.address
        return Refusal("reuse.no-address", "the address that was connected to", found)
    if endpoint.transport not in SECURE_TRANSPORTS:
        return Refusal("reuse.not-tls", "TLS", endpoint.transport.upper())
    return place, written_address(endpoint.address, place[1])


def _theirs(via: Via, source: str | None, local_domain: str) -> tuple[Place, str] | Refusal:
    """A connection that was opened to us leads to where it comes from; of sent-by only the port counts (section 8.2).

    The client writes the Via itself: with its host, or its received parameter, it could name anybody's address.
    """
    if via.transport not in _ALIASED:
        return Refusal("reuse.not-tls", "TLS or TLS-SCTP in the topmost Via", via.transport.upper())
    octets = None if source is None else packed_address(source)
    if source is None or octets is None:
        return Refusal("reuse.no-address", "the IP address that the request came from", source or "none")
    port = via.reply_port or 0
    if not 0 < port < 65_536:
        return Refusal("reuse.port", "1 to 65535", str(port))
    return (local_domain, octets, port, via.transport), written_address(source, octets)


def _key_text(key: bytes) -> str:
    if not key:
        return "no certificate"
    kind = "raw public key, " if key.startswith(_RAW) and len(key) > _DIGEST else ""
    return f"{kind}SHA-256 {key[-_DIGEST:].hex()}"


def _proven(verdict: Verdict) -> dict[str, float]:
    """The domains that a verdict proves by more than their standing in the certificate (A-16)."""
    if verdict.role == "client":
        return {fold(verdict.domain): verdict.expires}
    by_dns = [identity.domain for identity in verdict.identities if identity.origin not in _IN_CERTIFICATE]
    return dict.fromkeys(islice(by_dns, DOMAINS), verdict.expires)


def _candidates(verdict: Verdict) -> tuple[Identity, ...]:
    """The identities of RFC 5922 section 7.1 that an anchor of ours vouches for; none by DANE-EE or DANE-TA (A-16).

    Otherwise a host could issue itself any domain and be sent its requests.
    """
    if not verdict.method.startswith("pkix"):
        return ()
    return tuple(islice([identity for identity in verdict.identities if identity.origin in _NAMES], DOMAINS))
