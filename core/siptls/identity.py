"""Which SIP domains a certificate speaks for, and whether one of them is meant (RFC 5922 section 7, RFC 5924).

All functions take a certificate whose path has been validated, and raise `InvalidCertificate` where it turns out to be
malformed in what they read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias

from .certificate import Certificate
from .errors import InvalidUri
from .general_name import GeneralName
from .names import fold, is_host
from .policy import Purpose
from .uri import SipUri

Origin: TypeAlias = Literal["uri", "dns", "cn", "dane", "delegation", "ip", "client-name", "server-records", "sent-by"]
Role: TypeAlias = Literal["server", "client"]

SIP_DOMAIN: Final = "1.3.6.1.5.5.7.3.20"
"""id-kp-sipDomain (RFC 5924 section 4.1)."""
ANY_PURPOSE: Final = "2.5.29.37.0"
SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH: Final = "1.3.6.1.5.5.7.3.2"

# What each policy takes besides sipDomain and anyExtendedKeyUsage, which RFC 5924 section 5 allows.
_PURPOSES: Final[dict[tuple[Purpose, Role], frozenset[str]]] = {
    ("strict", "server"): frozenset(),
    ("strict", "client"): frozenset(),
    ("interop", "server"): frozenset({SERVER_AUTH}),
    ("interop", "client"): frozenset({CLIENT_AUTH}),
    ("lax-client", "server"): frozenset({SERVER_AUTH}),
    ("lax-client", "client"): frozenset({CLIENT_AUTH, SERVER_AUTH}),
}


class Identity:
    """A domain that a peer is proven to be, and what says so; compared by value.

    Attributes:
        domain: the domain in lower case without a trailing dot, or an IP address as text.
        origin: ``"uri"``, ``"dns"`` or ``"cn"`` for a name in the certificate (RFC 5922 section 7.1), ``"ip"`` for an
            address in it, ``"dane"`` or ``"delegation"`` for a domain that DNSSEC speaks for. Of a client that DNSSEC
            speaks for: ``"client-name"``, ``"server-records"`` or ``"sent-by"``, see `Inbound`.
    """

    __slots__ = ("domain", "origin")

    def __init__(self, domain: str, origin: Origin) -> None:
        self.domain: Final = domain
        self.origin: Final = origin

    def __reduce__(self) -> tuple[object, ...]:
        return Identity, (self.domain, self.origin)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Identity):
            return NotImplemented
        return self.domain == other.domain and self.origin == other.origin

    def __hash__(self) -> int:
        return hash((self.domain, self.origin))

    def __repr__(self) -> str:
        return f"Identity({self.domain!r}, {self.origin!r})"


def sip_identities(certificate: Certificate, *, allow_cn: bool = False) -> tuple[Identity, ...]:
    """Return the SIP domain identities in a certificate (RFC 5922 section 7.1).

    Args:
        certificate: the certificate of the peer.
        allow_cn: whether the common name counts when there is no subjectAltName extension at all.

    Returns:
        The hosts of the sip URIs that have no user part; if there are none, the dNSNames; if there is no subjectAltName
        extension, the common name where it is allowed and the only one. Names that are not plain ASCII are ignored
        (A-25), and so are hosts that are IP addresses (A-03). A wildcard is a name that only equals itself
        (section 7.2). Each identity occurs once, in the order of the certificate.

    Raises:
        InvalidCertificate: the certificate is malformed.
    """
    names = certificate.names
    if names is None:
        common = certificate.common_names if allow_cn else ()
        # With two common names it is anybody's guess which one the issuer has checked.
        hosts = [dns_host(common[0])] if len(common) == 1 else []
        return tuple(Identity(host, "cn") for host in hosts if host is not None and not host.startswith("*"))
    hosts = [uri_host(name) for name in names if name.kind == "uri"]
    identities = tuple(Identity(host, "uri") for host in dict.fromkeys(hosts) if host is not None)
    if identities:
        return identities
    hosts = [dns_host(name) for name in names if name.kind == "dns"]
    return tuple(Identity(host, "dns") for host in dict.fromkeys(hosts) if host is not None)


def host_names(certificate: Certificate) -> tuple[Identity, ...]:
    """Return the names that count for a host which a secure delegation names (RFC 7673 section 4.1).

    Args:
        certificate: the certificate of the peer.

    Returns:
        All dNSNames, whether or not a sip URI stands beside them, and the hosts of sip URIs without user part.

    Raises:
        InvalidCertificate: the certificate is malformed.
    """
    found: dict[Identity, None] = {}
    for name in certificate.names or ():
        if name.kind == "dns":
            host = dns_host(name)
            if host is not None:
                found[Identity(host, "dns")] = None
        elif name.kind == "uri":
            host = uri_host(name)
            if host is not None:
                found[Identity(host, "uri")] = None
    return tuple(found)


def matches_domain(reference: str, identities: Iterable[Identity]) -> Identity | None:
    """Look for a SIP domain among the identities of a certificate (RFC 5922 section 7.2).

    Args:
        reference: the domain.
        identities: from `sip_identities`.

    Returns:
        The first identity whose whole name is the reference, ASCII case aside; None if there is none. Neither suffixes
        nor wildcards match.
    """
    domain = fold(reference)
    for identity in identities:
        if identity.domain == domain:
            return identity
    return None


def matches_host(reference: str, names: Iterable[Identity], *, allow_wildcards: bool = False) -> Identity | None:
    """Look for a host among the names of a certificate (RFC 7673 section 4.1, RFC 9525 section 6.3).

    Args:
        reference: the host name that a secure delegation names; never the domain of the URI, where wildcards are wrong.
        names: from `host_names`.
        allow_wildcards: whether ``*`` as the whole left-most label of a dNSName stands for one label.

    Returns:
        The first name that equals the reference, else the first wildcard that covers it, else None. A wildcard needs
        two more labels: ``*.com`` covers nothing.
    """
    names = tuple(names)
    exact = matches_domain(reference, names)
    if exact is not None or not allow_wildcards:
        return exact
    parent = fold(reference).partition(".")[2]
    return matches_domain(f"*.{parent}", [n for n in names if n.origin == "dns"]) if "." in parent else None


def matches_address(packed: bytes, certificate: Certificate) -> bool:
    """Say whether a certificate names an IP address: an iPAddress of exactly these octets (RFC 5280 section 4.2.1.6).

    Args:
        packed: 4 or 16 octets in network order.
        certificate: the certificate of the peer.

    Raises:
        InvalidCertificate: the certificate is malformed.
    """
    return any(name.kind == "ip" and name.value == packed for name in certificate.names or ())


def acceptable_purpose(extended_key_usage: Sequence[str] | None, policy_eku: Purpose, role: Role) -> bool:
    """Say whether a certificate may be used for SIP (RFC 5924 section 5, RFC 5280 section 4.2.1.12).

    Args:
        extended_key_usage: the purposes, dotted; None if the certificate has no such extension.
        policy_eku: ``"strict"`` takes sipDomain and anyExtendedKeyUsage, as RFC 5924 has it; ``"interop"`` also the TLS
            purpose of the peer's role; ``"lax-client"`` also serverAuth for a client.
        role: what the peer is on this connection: ``"server"`` or ``"client"``.

    Returns:
        True if there is no such extension or one of its purposes is taken.
    """
    if extended_key_usage is None:
        return True
    taken = _PURPOSES[policy_eku, role]
    return any(purpose in {SIP_DOMAIN, ANY_PURPOSE} or purpose in taken for purpose in extended_key_usage)


def purpose_violation(path: Sequence[Certificate], policy_eku: Purpose, role: Role) -> Certificate | None:
    """Find a CA below the anchor that is limited to other purposes (D-PATH-2).

    Args:
        path: the validated path, leaf first, anchor last.
        policy_eku: as for `acceptable_purpose`.
        role: as for `acceptable_purpose`.

    Returns:
        The first such CA, or None.

    Raises:
        InvalidCertificate: a CA is malformed.
    """
    for authority in path[1:-1]:
        if authority.may_have_purposes() and not acceptable_purpose(authority.extended_key_usage, policy_eku, role):
            return authority
    return None


def violates_constraints(domain: str, path: Sequence[Certificate]) -> Certificate | None:
    """Find a CA that may not speak for a domain, whatever kind of name carries it (D-PATH-1).

    The dNSName constraints of RFC 5280 section 4.2.1.10 bind only dNSNames. Taken for the host of a sip URI as well,
    they keep a CA that is limited to one domain from issuing ``sip:`` and any other.

    Args:
        domain: the domain of an identity.
        path: the validated path, leaf first, anchor last.

    Returns:
        The first CA, the anchor included, whose permitted and excluded dNSNames do not allow the domain; or None.

    Raises:
        InvalidCertificate: a CA is malformed.
    """
    folded = fold(domain)
    for authority in path[1:]:
        if authority.may_constrain():
            constraints = authority.name_constraints
            if constraints is not None and not constraints.allow_domain(folded):
                return authority
    return None


def permitted(identity: Identity, path: Sequence[Certificate]) -> bool:
    """Say whether every authority of a path may speak for an identity (D-PATH-1).

    Args:
        identity: an identity of the first certificate. A dNSName always is: path validation has looked at it.
        path: the validated path, leaf first.

    Raises:
        InvalidCertificate: a CA is malformed.
    """
    return identity.origin == "dns" or violates_constraints(identity.domain, path) is None


def uri_host(name: GeneralName) -> str | None:
    """Return the domain that a URI names as a SIP domain identity; None if it names none (RFC 5922 section 7.1)."""
    value = name.value
    if isinstance(value, str) and value[:4].lower() == "sip:":
        # Nearly all of them are a scheme and a host; the grammar wants a letter where the last label begins.
        host = value[4:]
        if is_host(host) and host[host.rfind(".") + 1].isalpha():
            return fold(host)
    uri = sip_uri(name)
    return None if uri is None or uri.scheme != "sip" or uri.user is not None or uri.is_ip else uri.host


def sip_uri(name: GeneralName) -> SipUri | None:
    """Return the SIP or SIPS URI that a name is, user part and all; None if it is none."""
    if not isinstance(name.value, str):
        return None
    try:
        return SipUri.parse(name.value)
    except InvalidUri:
        return None


def dns_host(name: GeneralName) -> str | None:
    """Return the host in a dNSName or common name, a wildcard being a name of its own; None if it is none."""
    if not isinstance(name.value, str) or name.value.endswith("."):
        return None
    host = fold(name.value)
    return host if is_host(host.removeprefix("*.")) else None
