"""The shape of an entry of the catalogue."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["ok", "note", "warning", "error"]

EFFECT: Final[tuple[Severity, ...]] = ("error", "warning", "note", "ok")
"""The severities, the gravest first."""

ROOMS: Final[dict[str, str]] = {
    "uri": "The URI",
    "via": "The Via header field",
    "route": "The route of a request",
    "sips": "The schemes sip and sips",
    "proxy": "Proxies and the domains that they act for",
    "site": "What a certificate proves of a server",
    "locate": "Finding the servers",
    "dnssec": "DNSSEC",
    "delegation": "Delegation",
    "dane": "DANE",
    "cert": "The certificate",
    "id": "Identities",
    "chain": "The certificate path",
    "crl": "Revocation",
    "inbound": "Clients that connect",
    "reuse": "Connection reuse",
    "net": "Connections",
    "tls": "TLS",
    "limit": "Limits",
    "policy": "Policy",
    "resolver": "The resolver",
    "usage": "The command line",
    "input": "Files",
    "output": "Output",
    "internal": "Bugs",
    "run": "The run",
}
"""What stands before the first dot of a code, and what such codes are about; in the order in which to read them."""


class Code(NamedTuple):
    """One entry of the catalogue.

    An error or a warning has all fields. A note says at least what it means and where the rule stands. What is ``ok``
    is plain, and needs no more than its title. No text ends with a full stop.

    Attributes:
        id: the dotted name.
        severity: ``ok`` speaks for the peer or is a plain step; ``note`` is worth knowing; ``warning`` will or may
            break something; ``error`` can decide against a peer.
        title: the finding in one line.
        why: what it means, for the person who has to mend it; one line.
        impact: what users notice: which calls fail, and for whom.
        causes: the likely causes, the likeliest first.
        confirm: how to make sure, one step each; a step that begins with ``$`` and a blank is a command to type,
            and what stands in capital letters is to be replaced.
        fix: what to do about it; one line.
        reference: the documents and sections that the rule comes from.
    """

    id: str
    severity: Severity
    title: str
    why: str = ""
    impact: str = ""
    causes: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    fix: str = ""
    reference: str = ""
