"""What happens in each scenario, and which verdict it must come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.x509 import DNSName, UniformResourceIdentifier

from siptls import Outcome, Security
from siptls.verdict import Method

from .certificates import Credential, authority, server
from .server import ADDRESS

DOMAIN: Final = "example.com"
URI: Final = f"sip:alice@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Expected:
    """The verdict that a scenario must come to.

    Args:
        outcome: what it comes to.
        method: by what the peer is verified; ``none`` if it is not.
        code: what decides.
        server: which of the servers the verdict speaks of, counted from 1 in the order in which they are tried.
    """

    outcome: Outcome
    method: Method
    code: str
    server: int = 1

    def to_dict(self) -> dict[str, object]:
        """Return the expectation as values for JSON."""
        return {"outcome": self.outcome.value, "method": self.method, "code": self.code, "server": self.server}


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands on the stage when a scenario begins.

    Args:
        credentials: what the servers present, in the order in which they are tried.
        tlsa: the TLSA data at each server's name; empty for none.
    """

    credentials: tuple[Credential, ...]
    tlsa: tuple[str, ...] = ()

    def zone(self, ports: Sequence[int]) -> str:
        """Return the zone of the domain in master-file syntax.

        Args:
            ports: where the servers listen.
        """
        lines = ['@ NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp']
        for number, port in enumerate(ports, 1):
            lines += [f"_sips._tcp SRV {10 * number} 0 {port} sip{number}", f"sip{number} A {ADDRESS}"]
        for number, (port, data) in enumerate(zip(ports, self.tlsa, strict=False), 1):
            lines.append(f"_{port}._tcp.sip{number} TLSA {data}")
        return "\n".join([*lines, ""])


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    Args:
        name: for people.
        story: in one line, what an operator or an attacker did.
        security: the DNSSEC status of the zone.
        expected: the verdict that it must come to.
        stage: makes what stands on the stage from the root that the client trusts.
    """

    name: str
    story: str
    security: Security
    expected: Expected
    stage: Callable[[Credential], Stage]


def _dane_ee(_root: Credential) -> Stage:
    own = server(None, [])
    return Stage((own,), (own.tlsa(3, 1),))


def _dane_ta(_root: Credential) -> Stage:
    private = authority("A private CA")
    return Stage((server(private, [DNSName(f"sip1.{DOMAIN}")], send_issuer=True),), (private.tlsa(2, 0),))


def _domain_named(root: Credential) -> Stage:
    return Stage((server(root, [UniformResourceIdentifier(f"sip:{DOMAIN}")]),))


def _host_named(root: Credential) -> Stage:
    return Stage((server(root, [DNSName(f"sip1.{DOMAIN}")]),))


def _other_key(root: Credential) -> Stage:
    published, presented = server(None, []), server(root, [UniformResourceIdentifier(f"sip:{DOMAIN}")])
    return Stage((presented,), (published.tlsa(3, 1),))


def _second_good(_root: Credential) -> Stage:
    first, renewed, second = server(None, []), server(None, []), server(None, [])
    return Stage((renewed, second), (first.tlsa(3, 1), second.tlsa(3, 1)))


SCENARIOS: Final = (
    Scenario(
        "DANE-EE",
        "the operator signed the zone and published the key of a self-signed certificate",
        Security.SECURE,
        Expected(Outcome.ACCEPTED, "dane-ee", "dane.match"),
        _dane_ee,
    ),
    Scenario(
        "DANE-TA, private CA",
        "the operator signed the zone and published the company's own CA",
        Security.SECURE,
        Expected(Outcome.ACCEPTED, "dane-ta", "dane.match"),
        _dane_ta,
    ),
    Scenario(
        "RFC 5922, URI in SAN",
        "the operator has no DNSSEC, but a certificate for URI:sip:example.com from a trusted CA",
        Security.INSECURE,
        Expected(Outcome.ACCEPTED, "pkix", "id.match"),
        _domain_named,
    ),
    Scenario(
        "certificate for the host",
        "the operator has no DNSSEC, and a certificate that names the server instead of the domain",
        Security.INSECURE,
        Expected(Outcome.REJECTED, "none", "id.srv-target-only"),
        _host_named,
    ),
    Scenario(
        "TLSA mismatch",
        "an attacker got a certificate for example.com from a trusted CA, but not the published key",
        Security.SECURE,
        Expected(Outcome.REJECTED, "none", "dane.no-match"),
        _other_key,
    ),
    Scenario(
        "first bad, second good",
        "the operator renewed the first server's key and forgot its TLSA record; the second one is well",
        Security.SECURE,
        Expected(Outcome.ACCEPTED, "dane-ee", "dane.match", server=2),
        _second_good,
    ),
)
