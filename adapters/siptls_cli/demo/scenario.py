"""What a scenario is: who presents what, what stands in the DNS, and which verdict that must come to."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from cryptography.x509 import DNSName, GeneralName, UniformResourceIdentifier

from siptls import Outcome, Policy
from siptls.verdict import Method
from siptls_io import ZoneFiles
from siptls_io.zone_files import Status

from .certificates import Credential, authority, server, sha256


class Issuer(Enum):
    """Who signs the certificate of a server."""

    ROOT = "an authority that everybody trusts"
    PRIVATE_CA = "an authority that nobody trusts"
    CONSTRAINED_CA = "an authority that the trusted one lets speak for evil.example and names below it only"
    ITSELF = "the server"


@dataclass(frozen=True, slots=True)
class Presents:
    """A server, told by the certificate that it presents.

    Args:
        issuer: who signed that.
        names: its subjectAltName, such as ``URI:sip:example.com`` and ``DNS:example.com``; may be empty.
        common_name: its Common Name.
    """

    issuer: Issuer
    names: tuple[str, ...] = ()
    common_name: str = "a SIP server"


SELF_SIGNED: Final = Presents(Issuer.ITSELF)
CLEAR_TEXT: Final = None
"""A server that presents nothing: it does not speak TLS."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The verdict that a scenario must come to.

    Args:
        outcome: what it comes to.
        method: by what the peer is verified; ``none`` if it is not.
        code: what decides.
        server: which of the servers the verdict speaks of, counted from 1; 0 if nobody may be connected to.
    """

    outcome: Outcome
    method: Method
    code: str
    server: int = 1

    def to_dict(self) -> dict[str, object]:
        """Return the expected verdict as values for JSON."""
        return {"outcome": self.outcome.value, "method": self.method, "code": self.code}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    In the zones ``{port1}`` stands for the port of the first server, ``{key1}`` for the SHA-256 digest of its public
    key, ``{cert1}`` for that of its certificate and ``{ca1}`` for that of its issuer's; ``{port2}`` and so on for the
    second; ``{old_key}`` for the digest of a key that nobody has any more.

    Args:
        name: for people; at most 24 characters.
        story: in one line, what an operator or an attacker did.
        servers: the servers.
        zones: the text of each zone by its name.
        statuses: the DNSSEC status of names, and of those below them.
        expected: the verdict that it must come to.
        uri: what is called.
        policy: what the caller wants.
    """

    name: str
    story: str
    servers: tuple[Presents | None, ...]
    zones: Mapping[str, str]
    statuses: Mapping[str, Status]
    expected: Expected
    uri: str = "sip:alice@example.com"
    policy: Policy = field(default_factory=Policy)

    def world(self, credentials: Sequence[Credential | None], ports: Sequence[int], issuers: Authorities) -> ZoneFiles:
        """Return the DNS of the scenario.

        Args:
            credentials: what the servers present.
            ports: where they listen.
            issuers: who issued what they present.
        """
        known: dict[str, object] = {"old_key": sha256(b"the key before the renewal")}
        known |= {f"port{number}": port for number, port in enumerate(ports, 1)}
        for number, (presents, credential) in enumerate(zip(self.servers, credentials, strict=True), 1):
            if presents is not None and credential is not None:
                known |= {f"key{number}": sha256(credential.spki), f"cert{number}": sha256(credential.der)}
                issuer = issuers.get(presents.issuer)
                known |= {} if issuer is None else {f"ca{number}": sha256(issuer.der)}
        zones = {name: textwrap.dedent(text).format(**known) for name, text in self.zones.items()}
        return ZoneFiles(zones, self.statuses)


class Authorities:
    """Those who sign certificates; made once, and forgotten when the demonstration ends.

    Attributes:
        root: the authority that the client trusts.
    """

    def __init__(self) -> None:
        self.root: Final = authority("A root that everybody trusts")
        self._known: Final = {
            Issuer.ROOT: self.root,
            Issuer.PRIVATE_CA: authority("A private CA"),
            Issuer.CONSTRAINED_CA: authority("A CA for evil.example", self.root, ["evil.example"]),
        }

    def get(self, issuer: Issuer) -> Credential | None:
        """Return an authority, or None for those who sign themselves."""
        return self._known.get(issuer)

    def credential(self, presents: Presents | None) -> Credential | None:
        """Make what a server presents, with a new key; None for one that speaks clear text."""
        if presents is None:
            return None
        # The root's certificate need not be sent; what stands between it and the server has to be.
        send_issuer = presents.issuer is not Issuer.ROOT
        names = [_general_name(name) for name in presents.names]
        return server(self.get(presents.issuer), names, common_name=presents.common_name, send_issuer=send_issuer)


def _general_name(text: str) -> GeneralName:
    kind, _, name = text.partition(":")
    return {"DNS": DNSName, "URI": UniformResourceIdentifier}[kind](name)
