"""What the names in a client's certificate are held against: nothing, or the one name that the client signalled.

Both are `siptls.path_rules.Names`: a path that is valid binds them by its constraints.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from .certificate import Certificate, TooManyNames
from .comparison import comparisons
from .general_name import GeneralName
from .identity import Identity, permitted, sip_identities
from .journal import listed
from .names import fold
from .policy import Policy
from .references import Identification, barred

_SHOWN: Final = 8  # names in one text


class CertificateNames:
    """The names in a client's certificate, held against nothing: each identity counts."""

    __slots__ = ("domain",)

    def __init__(self) -> None:
        self.domain: Final = ""

    def check(self, path: list[Certificate], policy: Policy) -> Identification:
        """Collect the identities of a certificate (RFC 5922 section 7.1) for which its issuers may speak (D-PATH-1)."""
        leaf = path[0]
        try:
            leaf.names_up_to(policy.limits.sans)
        except TooManyNames:
            return _too_many(policy)
        # A wildcard is the name of no domain, so it proves none (RFC 5922 section 7.2).
        seen = [each for each in sip_identities(leaf, allow_cn=policy.allow_cn) if "*" not in each.domain]
        identities = tuple([identity for identity in seen if permitted(identity, path)])
        if identities:
            notes = (("inbound.identities", told(identities)), *barred(seen, identities))
            return Identification("inbound.identities", identities, notes)
        if seen:
            fault, found = "chain.name-constraints", told(tuple(seen))
        else:
            fault = "cert.no-identities"
            compared = comparisons("", "domain", path, policy, wildcards=False)
            found = "; ".join([str(each) for each in islice(compared, _SHOWN)]) or "no names"
        return Identification(fault, (), ((fault, ("a SIP domain", found)),))


class ClientName:
    """The name that a client signalled, held against every dNSName of its certificate.

    Labels with underscores are no host names and yet stand in certificates (section 10 of the draft), so texts are
    compared: equal or not, and never by a wildcard.

    Args:
        name: the name, folded.
    """

    __slots__ = ("domain",)

    def __init__(self, name: str) -> None:
        self.domain: Final = name

    def check(self, path: list[Certificate], policy: Policy) -> Identification:
        """Look for the name among the dNSNames of a certificate; a path that is valid keeps their constraints."""
        try:
            names = path[0].names_up_to(policy.limits.sans) or ()
        except TooManyNames:
            return _too_many(policy)
        texts = [_text(name) for name in names if name.kind == "dns"]
        if self.domain in [fold(text) for text in texts]:
            match = ("id.match-target", (self.domain, f"dns {self.domain}"))
            return Identification("id.match-target", (Identity(self.domain, "client-name"),), (match,))
        fault = "inbound.client-name-mismatch"
        return Identification(fault, (), ((fault, (self.domain, listed(texts))),))


def _text(name: GeneralName) -> str:
    """The text of a dNSName; octets that are no text equal no name."""
    return name.value if isinstance(name.value, str) else "octets that are no text"


def told(identities: tuple[Identity, ...]) -> str:
    """Return identities with their origins in one text: the first ones, and how many there are besides."""
    return listed([f"{identity.origin} {identity.domain}" for identity in identities])


def _too_many(policy: Policy) -> Identification:
    return Identification("limit.sans", (), (("limit.sans", f"more than {policy.limits.sans} names"),))
