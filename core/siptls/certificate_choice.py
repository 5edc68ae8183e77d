"""Which of a server's own certificates to show to a client: it depends on the name that the client asks for.

Two kinds of clients ask for two kinds of names in the server_name extension (RFC 6066 section 3). One that follows DANE
asks for the TLSA base domain, which is the server's host (RFC 7671 section 10.2). Every other one asks for the SIP
domain (RFC 5922 section 7.8). So the name tells which certificate such a client can verify:

============================ ================= ==========================================================
The client                   asks for          and is shown
============================ ================= ==========================================================
follows secure SRV and TLSA  the host          the host's certificate, which the TLSA records are about
knows RFC 5922 only          the SIP domain    a certificate that has the domain among its identities
sends no name                nothing           the default: best one with all SIP domains as its identities
asks for a name unknown here whatever          the default: a handshake never fails for a name
============================ ================= ==========================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Final

from .certificate import Certificate
from .identity import host_names, sip_identities
from .names import fold


class CertificateChoice:
    """A server's own certificates, sorted by the names in them; made once, for all handshakes.

    Args:
        certificates: the certificates of the server itself, without those of their issuers, the preferred first.
        default: what is shown to a client that sends no name, or one that no certificate holds. It need not stand
            among ``certificates``; where it does not, it comes last.

    Raises:
        InvalidCertificate: one of them is malformed.

    Source: RFC 7671 sections 3 and 5.2, RFC 7672 section 8.1, RFC 5922 section 7.8.
    """

    __slots__ = ("_by_name", "default")

    def __init__(self, certificates: Iterable[Certificate], *, default: Certificate) -> None:
        self.default: Final = default
        own = (*certificates, default)
        by_name: dict[str, Certificate] = {}
        # An identity tells more than a name beside it: where a sip URI stands, a dNSName is good for a host only. The
        # common name counts here as a last resort: what a client takes it for is the client's own affair.
        identities = [(identity, each) for each in own for identity in sip_identities(each, allow_cn=True)]
        hosts = [(name, each) for each in own for name in host_names(each)]
        for name, certificate in chain(identities, hosts):
            by_name.setdefault(name.domain, certificate)
        self._by_name: Final = by_name

    def choose(self, server_name: str | None) -> Certificate:
        """Return the certificate to show.

        Args:
            server_name: the name that the client sent, as it came; None if it sent none.

        Returns:
            The first certificate with this SIP identity; else the first with this name of a host; else the default.
            Names are compared whole and without regard to ASCII case. A wildcard in a certificate covers no name here,
            since no SIP client has to believe it. Nothing that a client sends makes this raise.
        """
        return self.default if server_name is None else self._by_name.get(fold(server_name), self.default)

    def __repr__(self) -> str:
        return f"<CertificateChoice for {len(self._by_name)} name(s)>"


def choose(server_name: str | None, certificates: Iterable[Certificate], *, default: Certificate) -> Certificate:
    """Choose once; where many handshakes are to come, make a `CertificateChoice`.

    Args:
        server_name: the name that the client sent, as it came; None if it sent none.
        certificates: as for `CertificateChoice`.
        default: as for `CertificateChoice`.

    Returns:
        What `CertificateChoice.choose` returns.

    Raises:
        InvalidCertificate: one of the certificates is malformed.
    """
    return CertificateChoice(certificates, default=default).choose(server_name)
