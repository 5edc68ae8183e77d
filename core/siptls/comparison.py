"""Each name of a certificate held against a reference: whether it matches, and why (RFC 9525 section 6).

What decides is in `references`. This is the account of it, made only when somebody is to read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

from .certificate import Certificate
from .general_name import SRV_NAME, GeneralName, srv_name
from .identity import Identity, dns_host, matches_host, sip_uri, uri_host, violates_constraints
from .names import fold, ip_literal
from .policy import Policy

ReferenceKind: TypeAlias = Literal["domain", "host", "address"]

SAME_NAME: Final = "same name"
COVERED: Final = "wildcard covers it"
SAME_ADDRESS: Final = "same address"
_MATCHES: Final = frozenset({SAME_NAME, COVERED, SAME_ADDRESS})

_DIFFERENT: Final = "different name"
_UNUSABLE: Final = "unusable characters"
_NO_HOST: Final = "not a host name"
_NO_SIP: Final = "scheme is not sip"
_ADDRESS: Final = "IP address"
_WILDCARD: Final = "wildcard"
_BARRED: Final = "the name constraints of an issuer do not allow it"
_LONGEST: Final = 256

REASONS: Final = {
    SAME_NAME: "RFC 5922 section 7.2",
    COVERED: "RFC 9525 section 6.3",
    SAME_ADDRESS: "RFC 5280 section 4.2.1.6",
    _DIFFERENT: "RFC 5922 section 7.2",
    _WILDCARD: "RFC 5922 section 7.2",
    _UNUSABLE: "RFC 5280 section 7.2",
    _NO_HOST: "RFC 5280 section 4.2.1.6",
    _NO_SIP: "RFC 5922 section 7.1",
    "has a user part": "RFC 5922 section 7.1",
    "not a valid URI": "RFC 3261 section 25.1",
    "not an identity: a sip URI is present": "RFC 5922 section 7.1",
    _BARRED: "RFC 5280 section 4.2.1.10",
    _ADDRESS: "RFC 9525 section 6.2",
    "IP address not allowed by policy": "RFC 5922 section 7.1",
    "different address": "RFC 5280 section 4.2.1.6",
    "not an iPAddress": "RFC 5280 section 4.2.1.6",
    "CN ignored: a SAN extension is present": "RFC 5922 section 7.1",
    "CN ignored: it never names a host": "RFC 9525 appendix A",
    "CN ignored: there is another": "RFC 5922 section 7.1",
    "CN not allowed by policy": "RFC 9525 appendix A",
    "an SRVName for this domain, which is no SIP identity": "RFC 4985 section 2",
    "an SRVName for another name": "RFC 4985 section 3",
    "not a valid SRVName": "RFC 4985 section 2",
    "not a domain": "RFC 5922 section 7.1",
}
"""All that `Comparison.reason` can say, each with the document and section that the rule comes from."""


class Comparison:
    """One name of a certificate, held against one reference.

    Attributes:
        reference: the name, or the address as text, that is looked for.
        reference_kind: ``"domain"``: the SIP domain, held against the identities of RFC 5922 section 7.1; ``"host"``:
            a host that a SECURE delegation names, held against every dNSName and the host of every sip URI (RFC 7673
            section 4.1); ``"address"``: an IP address, held against every iPAddress.
        kind: the kind of the name, as in `siptls.general_name.GeneralName`; ``"srv"`` for an SRVName (RFC 4985).
        text: the name in printable ASCII, other characters escaped, cut off after 256 characters.
        matches: whether this name is the reference.
        reason: why, in a few words out of `siptls.comparison.REASONS`, which stay the same from release to release.
    """

    __slots__ = ("kind", "matches", "reason", "reference", "reference_kind", "text")

    def __init__(self, reference: str, reference_kind: ReferenceKind, kind: str, text: str, reason: str) -> None:
        self.reference: Final = reference
        self.reference_kind: Final[ReferenceKind] = reference_kind
        self.kind: Final = kind
        self.text: Final = text
        self.matches: Final = reason in _MATCHES
        self.reason: Final = reason

    @property
    def rule(self) -> str:
        """The document and section that the reason comes from."""
        return REASONS[self.reason]

    def to_dict(self) -> dict[str, object]:
        """Return the comparison as values for JSON, under the names of the attributes and ``rule``."""
        return {
            "reference": self.reference,
            "reference_kind": self.reference_kind,
            "kind": self.kind,
            "text": self.text,
            "matches": self.matches,
            "reason": self.reason,
            "rule": self.rule,
        }

    def __str__(self) -> str:
        return f"{self.kind} {self.text}: {self.reason}"

    def __repr__(self) -> str:
        return f"<Comparison with {self.reference_kind} {self.reference}: {self}>"


def comparisons(
    reference: str, reference_kind: ReferenceKind, path: Sequence[Certificate], policy: Policy, *, wildcards: bool
) -> Iterator[Comparison]:
    """Hold every name of a certificate against one reference.

    Args:
        reference: the domain, host or address.
        reference_kind: by which rules it is compared.
        path: the certificate, and those above it as far as their constraints bind.
        policy: whether common names and IP addresses count.
        wildcards: whether ``*`` as the whole left-most label of a dNSName stands for one label of a host.

    Yields:
        One comparison for each name, in the order of the certificate, the common names last.

    Raises:
        InvalidCertificate: the certificate, or one above it, is malformed.
    """
    names, common = path[0].names, path[0].common_names
    hidden = reference_kind == "domain" and any(
        name.kind == "uri" and uri_host(name) is not None for name in names or ()
    )
    packed = ip_literal(reference) if reference_kind == "address" else None
    if names is not None:
        ignored = "CN ignored: a SAN extension is present"
    elif reference_kind == "host":
        ignored = "CN ignored: it never names a host"
    elif not policy.allow_cn:
        ignored = "CN not allowed by policy"
    else:
        ignored = "CN ignored: there is another" if len(common) > 1 else ""
    for name in (*(names or ()), *common):
        if packed is not None:
            reason = _address_reason(packed, name, allowed=policy.allow_ip_identity)
        elif name.kind == "cn":
            reason = ignored or _cn_reason(reference, name)
        elif name.kind == "uri":
            reason = _uri_reason(reference, name)
        elif name.kind == "dns":
            reason = _dns_reason(reference, name, hidden=hidden, wildcards=wildcards)
        else:
            reason = _other_reason(reference, name)
        if reason == SAME_NAME and name.kind != "dns" and violates_constraints(reference, path) is not None:
            reason = _BARRED
        kind, text = shown(name)
        yield Comparison(reference, reference_kind, kind, text, reason)


def shown(name: GeneralName) -> tuple[str, str]:
    """Return the kind of a name and what it says, in text that is safe in a log and on a terminal.

    Args:
        name: the name.

    Returns:
        ``"srv"`` for an SRVName that can be read, else the kind of the name; and the text, an address in its usual
        form, other octets in hexadecimal, cut off after 256 characters.
    """
    kind, value = name.kind, name.value
    service = srv_name(name)
    if service is not None:
        kind, value = "srv", ".".join(service)
    if isinstance(value, bytes):
        text = _address(value) if kind == "ip" else value[: _LONGEST // 2 + 1].hex()
    else:
        cut = value[: _LONGEST + 1]
        text = cut if value.isascii() and value.isprintable() else ascii(cut)[1:-1]
    return kind, text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}..."


def _address(octets: bytes) -> str:
    if len(octets) == 4:
        return ".".join(map(str, octets))
    return ":".join([f"{int.from_bytes(octets[place : place + 2]):x}" for place in range(0, len(octets), 2)])


def _address_reason(packed: bytes, name: GeneralName, *, allowed: bool) -> str:
    if name.kind != "ip":
        return "not an iPAddress"
    if name.value != packed:
        return "different address"
    return SAME_ADDRESS if allowed else "IP address not allowed by policy"


def _uri_reason(reference: str, name: GeneralName) -> str:
    if not name.usable:
        return _UNUSABLE
    uri = sip_uri(name)
    if uri is None:
        scheme = str(name.value).partition(":")[0].lower()
        return "not a valid URI" if scheme in {"sip", "sips"} else _NO_SIP
    if uri.scheme != "sip":
        return _NO_SIP
    if uri.user is not None:
        return "has a user part"
    if uri.is_ip:
        return _ADDRESS
    return SAME_NAME if uri.host == fold(reference) else _DIFFERENT


def _dns_reason(reference: str, name: GeneralName, *, hidden: bool, wildcards: bool) -> str:
    if not name.usable:
        return _UNUSABLE
    host = dns_host(name)
    if host is None:
        return _ADDRESS if ip_literal(str(name.value)) is not None else _NO_HOST
    if hidden:
        return "not an identity: a sip URI is present"
    if host == fold(reference):
        return SAME_NAME
    if host.startswith("*."):
        if not wildcards:
            return _WILDCARD
        return COVERED if matches_host(reference, [Identity(host, "dns")], allow_wildcards=True) else _DIFFERENT
    return _DIFFERENT


def _cn_reason(reference: str, name: GeneralName) -> str:
    if not name.usable:
        return _UNUSABLE
    read = dns_host(name)
    if read is None:
        return _NO_HOST
    if read.startswith("*."):
        return _WILDCARD
    return SAME_NAME if read == fold(reference) else _DIFFERENT


def _other_reason(reference: str, name: GeneralName) -> str:
    """Why a name of any other kind is no SIP identity (RFC 5922 section 7.1)."""
    if name.kind == "ip":
        return _ADDRESS
    if name.kind != SRV_NAME:
        return "not a domain"
    service = srv_name(name)
    if service is None:
        return "not a valid SRVName"
    if service[0] in {"_sip", "_sips"} and service[1] == fold(reference):
        return "an SRVName for this domain, which is no SIP identity"
    return "an SRVName for another name"
