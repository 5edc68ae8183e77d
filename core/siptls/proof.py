"""What a client showed, and what one of the ways came to by which DNSSEC can speak for it."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from .certificate import Certificate, TooManyNames
from .decision import Decision
from .errors import InvalidCertificate
from .events import Anchors
from .identity import Identity, host_names
from .revocation import NO_CRLS, Crls

Way: TypeAlias = Literal["client-name", "server-records", "sent-by"]
"""Which name was looked up: the one that the client signalled, a claimed SIP domain, the host of an alias request."""


class Shown:
    """What a client presented in the handshake, and what it is held against.

    Args:
        chain: the certificates in DER, the client's own first; empty if it presented none.
        public_key: the DER of the key that it presented instead of certificates (RFC 7250).
        anchors: the trust anchors for PKIX.
        crls: the CRLs.
    """

    __slots__ = ("anchors", "chain", "crls", "public_key")

    def __init__(
        self, chain: tuple[bytes, ...], public_key: bytes | None, anchors: Anchors = Anchors(), crls: Crls = NO_CRLS
    ) -> None:
        self.chain: Final = chain
        self.public_key: Final = public_key
        self.anchors: Final = anchors
        self.crls: Final = crls

    def hosts(self, most: int) -> tuple[Identity, ...] | None:
        """Return the hosts that the certificate names: its dNSNames and the hosts of its sip URIs.

        Args:
            most: how many names are looked at.

        Returns:
            The hosts; none for a raw public key. None if the names cannot be read, or there are more.
        """
        if not self.chain:
            return ()
        try:
            leaf = Certificate(self.chain[0])
            leaf.names_up_to(most)
            return host_names(leaf)
        except (InvalidCertificate, TooManyNames):
            return None


class Proof:
    """What one way came to.

    Args:
        way: which way.
        name: the DNS name or SIP domain that it is about, in lower case.
        decision: ACCEPTED if the client is proven to be that name; REJECTED if what the DNS says stands against it;
            UNDETERMINED if something failed that is needed to know; INSUFFICIENT if the method is less than the policy
            requires; None if the DNS says nothing of this client.
        host: the host that was proven: the server of the domain, or the name itself; empty if none was.
        doubted: the names that a certificate cannot prove any more: a bogus answer is not an absent one, and records
            that do not match are evidence (D-DANCE-4).
        until: until when that holds, on the ``now`` clock.
    """

    __slots__ = ("decision", "doubted", "host", "name", "until", "way")

    def __init__(
        self,
        way: Way,
        name: str,
        decision: Decision | None,
        host: str = "",
        doubted: frozenset[str] = frozenset(),
        until: float = 0.0,
    ) -> None:
        self.way: Final[Way] = way
        self.name: Final = name
        self.decision: Final = decision
        self.host: Final = host
        self.doubted: Final = doubted
        self.until: Final = until

    def told(self, identities: tuple[Identity, ...]) -> tuple[str, str]:
        """Return the name that was looked up, and what the client is by that, as texts.

        Args:
            identities: the SIP domains that the client is by that.
        """
        domains = [f"the SIP domain {each.domain}" for each in identities]
        return self.name, ", ".join([f"the host {self.host}", *domains])


def moved(decision: Decision, begin: int) -> Decision:
    """Return the decision of a part, with its place in the journal of the whole.

    Args:
        decision: the decision; ACCEPTED ones are not moved, for they are told anew.
        begin: where the journal of the part begins.
    """
    place = decision.place + begin if decision.place >= 0 else -1
    return Decision(decision.outcome, decision.method, decision.code, place=place)
