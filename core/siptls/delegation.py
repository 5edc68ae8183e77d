"""Which names on the way to a server DNSSEC lets us trust, and what follows for judging the server.

The taint rule: only the AUS domain (the host of the URI that is resolved) is trusted to begin with. A name that came
out of a SECURE answer for a trusted name is trusted too; every other name is tainted, and taint is never taken back.
Only a trusted name may be the base of TLSA records or a reference identifier (RFC 7673, RFC 9525 section 6.1.1).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from .bases import State
from .dns.answer import SECURE, Answer


class Delegation(State):
    """How the URI's domain led to the host of a target."""

    SRV = "srv"
    """By SECURE answers all the way, the last of them an SRV record: the host speaks for the domain (RFC 7673)."""
    HOST = "host"
    """The host is the domain itself, SRV being proven absent or not asked for (RFC 6698, RFC 7671)."""
    TAINTED = "tainted"
    """Some step was not SECURE, or was not the domain's own word: only the domain counts (RFC 5922)."""


class Addressed(State):
    """What came of the address lookups of a target's host."""

    FAILED = "failed"
    NONE = "none"
    INSECURE = "insecure"
    SECURE = "secure"


class Pinned(State):
    """What came of the TLSA lookup of a target."""

    NOT_ASKED = "not asked"
    FAILED = "failed"
    NONE = "none"
    UNUSABLE = "unusable"
    USABLE = "usable"


class Treatment(State):
    """What is to be done with a target."""

    SKIP = "skip"
    """Do not connect to it; others may be tried."""
    RFC5922 = "rfc5922"
    """TLS; PKIX by the domain alone (RFC 5922 section 7.3)."""
    DOMAIN_OR_TARGET = "domain-or-target"
    """TLS; PKIX by the domain or the target host (RFC 7673 section 4.1)."""
    DANE = "dane"
    """TLS; the TLSA records decide; no PKIX fall-back (RFC 6698 section 4.1, RFC 7671 section 10.2)."""


class Name(State):
    """A name on the way to a target that the peer can be held against, or asked for in SNI."""

    DOMAIN = "domain"
    """The AUS domain, held against the SIP identities of RFC 5922 section 7.1."""
    TARGET = "target"
    """The target host; this and the following are held against every dNSName and the host of every sip URI."""
    BASE = "base"
    """The TLSA base domain: the target host, or its canonical name if SECURE aliases lead to it."""
    EXPANSION = "expansion"
    """The canonical name of the AUS domain, where that is an alias in a SECURE answer."""


CODES: Final = {
    Delegation.SRV: "delegation.srv",
    Delegation.HOST: "delegation.host",
    Delegation.TAINTED: "delegation.tainted",
}
"""The code of the catalogue for each kind of delegation."""

_ASKED: Final = (Pinned.NONE, Pinned.UNUSABLE)

# One row for each case of a target that TLS is wanted for. What is not here cannot be reached: without a trusted host
# and a SECURE address no TLSA question is asked (RFC 7673 section 3.2). A failed SRV lookup ends the whole run, so it
# never comes to a row (RFC 7673 section 3.1).
D_STATE: Final[dict[tuple[Delegation, Addressed, Pinned], Treatment]] = {
    **{(delegation, Addressed.FAILED, Pinned.NOT_ASKED): Treatment.SKIP for delegation in Delegation},
    **{(delegation, Addressed.NONE, Pinned.NOT_ASKED): Treatment.SKIP for delegation in Delegation},
    (Delegation.TAINTED, Addressed.INSECURE, Pinned.NOT_ASKED): Treatment.RFC5922,
    (Delegation.TAINTED, Addressed.SECURE, Pinned.NOT_ASKED): Treatment.RFC5922,
    (Delegation.SRV, Addressed.INSECURE, Pinned.NOT_ASKED): Treatment.DOMAIN_OR_TARGET,
    (Delegation.SRV, Addressed.SECURE, Pinned.FAILED): Treatment.SKIP,
    **{(Delegation.SRV, Addressed.SECURE, pinned): Treatment.DOMAIN_OR_TARGET for pinned in _ASKED},
    (Delegation.SRV, Addressed.SECURE, Pinned.USABLE): Treatment.DANE,
    (Delegation.HOST, Addressed.INSECURE, Pinned.NOT_ASKED): Treatment.RFC5922,
    # An alias whose first step is SECURE has TLSA records asked for at its own name even where the address at the end
    # is INSECURE (RFC 7671 section 7, RFC 7672 section 2.2.2), so these rows hold for both.
    **{
        (Delegation.HOST, addressed, pinned): treatment
        for addressed in (Addressed.INSECURE, Addressed.SECURE)
        for pinned, treatment in (
            (Pinned.FAILED, Treatment.SKIP),
            (Pinned.NONE, Treatment.RFC5922),
            (Pinned.UNUSABLE, Treatment.RFC5922),
            (Pinned.USABLE, Treatment.DANE),
        )
    },
}


class Terms(NamedTuple):
    """What a peer is held against, settled before it is seen (RFC 9525 section 6.1).

    Attributes:
        server_name: the name for SNI (A-05).
        references: the reference identifiers, the primary one first. DANE-EE needs none of them (RFC 7671 5.1).
    """

    server_name: Name
    references: tuple[Name, ...]


# One row for each treatment that connects (D-REF).
D_REF: Final[dict[Treatment, Terms]] = {
    Treatment.RFC5922: Terms(Name.DOMAIN, (Name.DOMAIN,)),
    Treatment.DOMAIN_OR_TARGET: Terms(Name.DOMAIN, (Name.DOMAIN, Name.TARGET)),
    Treatment.DANE: Terms(Name.BASE, (Name.BASE, Name.DOMAIN, Name.EXPANSION)),
}


def leads(owner_trusted: bool, answer: Answer) -> bool:
    """Say whether names that stand in an answer are trusted.

    Args:
        owner_trusted: whether the name that was asked for is trusted.
        answer: the answer; its status is that of its weakest step, aliases included.
    """
    return owner_trusted and answer.security is SECURE
