"""The resource records a SIP client asks for (RFC 1035, 2782, 3403, 6698).

They are plain values that are cheap to make: an adapter may make thousands of them. Treat them as immutable.
``owner`` is the name that the record really stood at; the core drops records of another owner.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from ..names import fold


class Address:
    """An A or AAAA record (RFC 1035 section 3.4.1, RFC 3596).

    Args:
        owner: the owner name.
        address: the address as text, for example ``192.0.2.1`` or ``2001:db8::1``.
    """

    __slots__ = ("address", "owner")

    def __init__(self, owner: str, address: str) -> None:
        self.owner: Final = owner
        self.address: Final = address

    def __repr__(self) -> str:
        return f"Address({self.owner!r}, {self.address!r})"

    def __str__(self) -> str:
        return self.address


class Cname:
    """A CNAME record (RFC 1035 section 3.3.1), as the answer to a question for type CNAME.

    Args:
        owner: the owner name.
        target: the canonical name.
    """

    __slots__ = ("owner", "target")

    def __init__(self, owner: str, target: str) -> None:
        self.owner: Final = owner
        self.target: Final = target

    def __repr__(self) -> str:
        return f"Cname({self.owner!r}, {self.target!r})"

    def __str__(self) -> str:
        return self.target


class Naptr:
    """A NAPTR record (RFC 3403 section 4.1).

    Args:
        owner: the owner name.
        order: 0-65535; the lowest is taken first, and no other once one fits.
        preference: 0-65535; the order within one ``order``.
        flags: for SIP ``"s"``; case does not matter.
        service: for example ``"SIPS+D2T"``; case does not matter.
        regexp: empty for SIP.
        replacement: the owner name of the SRV records, or ``"."``.
    """

    __slots__ = ("flags", "order", "owner", "preference", "regexp", "replacement", "service")

    def __init__(
        self, owner: str, order: int, preference: int, flags: str, service: str, regexp: str, replacement: str
    ) -> None:
        self.owner: Final = owner
        self.order: Final = order
        self.preference: Final = preference
        self.flags: Final = flags
        self.service: Final = service
        self.regexp: Final = regexp
        self.replacement: Final = replacement

    def __repr__(self) -> str:
        return f"Naptr({self.owner!r}, {self})"

    def __str__(self) -> str:
        strings = " ".join([f'"{_escaped(text)}"' for text in (self.flags, self.service, self.regexp)])
        return f"{self.order} {self.preference} {strings} {self.replacement}"


def _escaped(text: str) -> str:
    """Return a character string as in a master file, so that it cannot look like two (RFC 1035 section 5.1)."""
    return text.replace("\\", r"\\").replace('"', r"\"")


class Srv:
    """An SRV record (RFC 2782).

    Args:
        owner: the owner name.
        priority: 0-65535; the lowest is tried first.
        weight: 0-65535; the share within one priority.
        port: 0-65535.
        target: the host name, or ``"."`` when the service is not offered.
    """

    __slots__ = ("owner", "port", "priority", "target", "weight")

    def __init__(self, owner: str, priority: int, weight: int, port: int, target: str) -> None:
        self.owner: Final = owner
        self.priority: Final = priority
        self.weight: Final = weight
        self.port: Final = port
        self.target: Final = target

    def __repr__(self) -> str:
        return f"Srv({self.owner!r}, {self})"

    def __str__(self) -> str:
        return f"{self.priority} {self.weight} {self.port} {self.target}"


class Tlsa:
    """A TLSA record (RFC 6698 section 2.1).

    Args:
        owner: the owner name.
        usage: 0-255; 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE (RFC 7218).
        selector: 0-255; 0 the whole certificate, 1 its SubjectPublicKeyInfo.
        matching: 0-255; 0 the octets themselves, 1 SHA-256, 2 SHA-512.
        data: the certificate association data.
    """

    __slots__ = ("data", "matching", "owner", "selector", "usage")

    def __init__(self, owner: str, usage: int, selector: int, matching: int, data: bytes) -> None:
        self.owner: Final = owner
        self.usage: Final = usage
        self.selector: Final = selector
        self.matching: Final = matching
        self.data: Final = data

    def __repr__(self) -> str:
        return f"Tlsa({self.owner!r}, {self})"

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching} {self.data.hex()}"


Record: TypeAlias = Address | Cname | Naptr | Srv | Tlsa


RECORD_TYPE: Final[dict[str, type[Record]]] = {
    "A": Address,
    "AAAA": Address,
    "CNAME": Cname,
    "NAPTR": Naptr,
    "SRV": Srv,
    "TLSA": Tlsa,
}


def belonging(records: tuple[Record, ...], owner: str, rrtype: str) -> tuple[Record, ...]:
    """Return the records that really stand at ``owner`` and are of the type asked for, in their order."""
    wanted, kind = fold(owner), RECORD_TYPE[rrtype]
    return tuple([r for r in records if type(r) is kind and (r.owner == owner or fold(r.owner) == wanted)])
