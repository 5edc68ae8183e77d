"""Offline worlds as files: zones, what servers present, trust anchors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pki import Issued, Issuer

DOMAIN = "example.com"
URI = f"sip:alice@{DOMAIN}"
HOST = f"sip1.{DOMAIN}"
NOW = "2026-11-22T12:00:00Z"

ZONE = """\
@ NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp
_sips._tcp SRV 10 0 5061 sip1
sip1 A 192.0.2.10
"""


@cache
def root() -> Issuer:
    """The authority that worlds trust."""
    return Issuer.root("Trusted Root")


@cache
def leaf(*, domain: bool = True, trusted: bool = True) -> Issued:
    """A certificate for the domain or for the host, from the trusted authority or another one."""
    issuer = root() if trusted else Issuer.root("Other Root")
    return issuer.leaf(uris=[f"sip:{DOMAIN}"]) if domain else issuer.leaf(dns=[HOST])


def tlsa(issued: Issued, owner: str = "_5061._tcp.sip1") -> str:
    """The line of a zone that pins the key of a certificate."""
    return f"{owner} TLSA 3 1 1 {hashlib.sha256(issued.spki).hexdigest()}\n"


@dataclass
class World:
    """A folder with the files of an offline world, and the arguments that name them."""

    folder: Path
    arguments: list[str] = field(default_factory=list[str])

    def write(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def zone(self, text: str, name: str = DOMAIN) -> World:
        self.arguments += ["--zone", f"{name}={self.write(f'{name}.zone', text)}"]
        return self

    def dnssec(self, *statuses: str) -> World:
        for status in statuses:
            self.arguments += ["--dnssec", status]
        return self

    def chain(self, issued: Issued, server: str = "") -> World:
        file = self.write(f"{server.replace(':', '_')}chain.pem", issued.presented_pem)
        self.arguments += ["--chain", f"{server}={file}" if server else file]
        return self

    def trust(self, *issuers: Issuer) -> World:
        self.arguments += ["--ca-file", self.write("roots.pem", b"".join(issuer.pem for issuer in issuers))]
        return self

    def check(self, *more: str, uri: str = URI) -> Sequence[str]:
        return ("check", uri, *self.arguments, "--now", NOW, *more)

    def locate(self, *more: str, uri: str = URI) -> Sequence[str]:
        return ("locate", uri, *self.arguments, *more)


def accepted(folder: Path) -> World:
    """A world in which DANE-EE and PKIX both accept the server."""
    return World(folder).zone(ZONE + tlsa(leaf())).dnssec("secure").chain(leaf()).trust(root())
