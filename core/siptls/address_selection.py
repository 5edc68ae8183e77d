"""The order in which to try the addresses of one host (RFC 6724 section 6).

Which rules apply depends on what is known of a destination and of the source address that would be used for it:

==== ========================== ========================================================================
Rule                            Known from
==== ========================== ========================================================================
1    unusable destinations last no source address
2    matching scope             both addresses (sections 3.1 to 3.4)
3    deprecated sources last    ``deprecated``: an operating system does not tell who only asks for a source
4    home addresses first       ``home`` and ``care_of``: only a mobile node (RFC 6275) has such addresses
5    matching label             both addresses and the policy table
6    higher precedence          the destination and the policy table
7    native transport           ``encapsulated``: the address of a tunnel like 6rd or ISATAP does not show it
8    smaller scope              the destination
9    longest matching prefix    both addresses and ``prefix_length``
10   the order as it was        the order as it was
==== ========================== ========================================================================

Rules 1 to 8 compare what can be put into one key, so one stable sort applies them, and rule 10 with them. Rule 9
compares only addresses of one family, so it is no part of that key: see `_apply_rule_9`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple, TypeAlias

from .errors import InvalidPolicy, LocalProtocolError
from .names import ip_literal

_Predicate: TypeAlias = Callable[[str], bool]

_LINK_LOCAL: Final = 0x2
_SITE_LOCAL: Final = 0x5
_GLOBAL: Final = 0xE
_MAPPED_PREFIX: Final = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, where IPv4 addresses stand among those of IPv6
_IPV6_LOOPBACK: Final = bytes(15) + b"\x01"

_USABLE: Final = 0
_UNUSABLE: Final = (1, 0, 0, 0, 0)  # rules 1 to 5: without a source only the first can tell something
_NO_ADDRESS: Final = 2


class PolicyTable:
    """What a host or its administrator prefers, by the prefix of an address (RFC 6724 section 2.1).

    Args:
        rows: prefix, precedence and label of each row. A prefix is an address and a length, like ``"2002::/16"``; one
            of IPv4 like ``"192.0.2.0/24"`` means ``::ffff:192.0.2.0/120``. The order of the rows does not matter:
            the longest prefix counts.

    Raises:
        InvalidPolicy: a text is no prefix, or has ones behind its length; a prefix stands there twice; the row for
            ``::/0`` is missing, so that not every address would have a precedence and a label.
    """

    __slots__ = ("_by_length", "_everywhere")

    def __init__(self, rows: Iterable[tuple[str, int, int]]) -> None:
        by_length: dict[int, dict[int, tuple[int, int]]] = {}
        for prefix, precedence, label in rows:
            length, bits = _prefix(prefix)
            same_length = by_length.setdefault(length, {})
            if bits in same_length:
                raise InvalidPolicy("table", prefix, "each prefix once")
            same_length[bits] = (precedence, label)
        if 0 not in by_length:
            raise InvalidPolicy("table", sorted(by_length), "a row for ::/0, of length 0")
        self._everywhere: Final = by_length.pop(0)[0]
        self._by_length: Final = [(128 - length, by_length[length]) for length in sorted(by_length, reverse=True)]

    def lookup(self, address: bytes) -> tuple[int, int]:
        """Return the precedence and the label of an address.

        Args:
            address: 4 or 16 octets in network order, as `siptls.names.ip_literal` returns them.

        Returns:
            The values of the row with the longest prefix that the address has.
        """
        number = _number(address)
        for behind, same_length in self._by_length:
            found = same_length.get(number >> behind)
            if found is not None:
                return found
        return self._everywhere


def _prefix(text: str) -> tuple[int, int]:
    """Read a prefix: its length among the 128 bits, and these bits as a number."""
    address, _, digits = text.partition("/")
    octets = ip_literal(address)
    if octets is None or not 0 < len(digits) < 4 or not (digits.isascii() and digits.isdigit()):
        raise InvalidPolicy("table", text, "a prefix like 2002::/16")
    length, number = 128 - 8 * len(octets) + int(digits), _number(octets)
    bits = number >> (128 - length) if length <= 128 else -1
    if bits < 0 or bits << (128 - length) != number:
        raise InvalidPolicy(
            "table", text, "a prefix like 2002::/16, no longer than the address and only zeros behind it"
        )
    return length, bits


def _number(octets: bytes) -> int:
    """Return an address as a number of 128 bits, one of IPv4 as IPv4-mapped (RFC 6724 section 3.2)."""
    return int.from_bytes(octets if len(octets) == 16 else _MAPPED_PREFIX + octets, "big")


DEFAULT_POLICY_TABLE: Final = PolicyTable(
    (
        ("::1/128", 50, 0),
        ("::/0", 40, 1),
        ("::ffff:0:0/96", 35, 4),
        ("2002::/16", 30, 2),
        ("2001::/32", 5, 5),
        ("fc00::/7", 3, 13),
        ("::/96", 1, 3),
        ("fec0::/10", 1, 11),
        ("3ffe::/16", 1, 12),
    )
)
"""The table of a host that nobody has configured (RFC 6724 section 2.1)."""


def subnet_prefix_length(source: str) -> int:
    """Return the length of the prefix of a source address, as far as the address alone tells it.

    Args:
        source: an IP address.

    Returns:
        64 for IPv6: there the interface identifier begins (RFC 4291 section 2.5.1). 0 for IPv4, IPv4-mapped or not: it
        has no interface identifier. How long the prefix of its subnet is, the address does not tell; and bits beyond
        that are equal by accident, but would undo each time what a domain does to share its load: to answer with its
        addresses in an order that changes. RFC 6724 section 6 lets rule 9 be superseded.
    """
    octets = ip_literal(source.partition("%")[0])
    return 0 if octets is None or len(octets) == 4 or octets.startswith(_MAPPED_PREFIX) else 64


def _never(_address: str) -> bool:
    return False


class _Destination(NamedTuple):
    """What the rules compare.

    Attributes:
        rank: rules 1 to 8, each as a value that is less for what is preferred.
        family: how many octets its address has; 0 if the text is no address.
        common: for rule 9, how many leading bits destination and source have in common.
        address: the text.
    """

    rank: tuple[int, ...]
    family: int
    common: int
    address: str


def destination_order(
    addresses: Sequence[str],
    source: Callable[[str], str | None],
    *,
    table: PolicyTable = DEFAULT_POLICY_TABLE,
    prefix_length: Callable[[str], int] = subnet_prefix_length,
    deprecated: Callable[[str], bool] = _never,
    home: Callable[[str], bool] = _never,
    care_of: Callable[[str], bool] = _never,
    encapsulated: Callable[[str], bool] = _never,
) -> tuple[str, ...]:
    """Put the addresses of one host into the order in which to try them (RFC 6724 section 6).

    Args:
        addresses: IPv4 and IPv6 addresses of one host: the addresses of different SRV targets must not be mixed
            (RFC 7984 section 4).
        source: returns the source address that would be used for a destination, or None if there is none: then the
            destination is unusable. It is asked once for each address, in their order; for a single one never. A zone
            behind the source address (``fe80::1%eth0``) says nothing to the rules; an IPv4-mapped one for an IPv4
            destination is the IPv4 address.
        table: precedences and labels.
        prefix_length: returns how many leading bits of a source address, 0-32 or 0-128, rule 9 compares with the
            destination.
        deprecated: says whether a source address, as ``source`` returned it, is deprecated (RFC 4862 section 5.5.4).
        home: says whether a source address is a home address (RFC 6275).
        care_of: says whether a source address is a care-of address. One that is neither counts as a home address.
        encapsulated: says whether a destination is reached through a tunnel.

    Returns:
        The same addresses; the one to try first is the first. Among those that are unusable, rules 6, 7, 8 and 10
        decide, which need no source. A text that is no address is unusable and comes after all others.

    Raises:
        LocalProtocolError: ``source`` returned a text that is no address.
    """
    if len(addresses) < 2:
        return tuple(addresses)
    destinations: list[_Destination] = []
    for address in addresses:
        octets = ip_literal(address)
        if octets is None:
            destinations.append(_Destination((_NO_ADDRESS,), 0, 0, address))
            continue
        precedence, label = table.lookup(octets)
        scope = _scope(octets)
        using = source(address)
        if using is None:
            by_source, common = _UNUSABLE, 0
        else:
            own = _source_octets(using, address, len(octets))
            _, own_label = table.lookup(own)
            mobility = _mobility(home=home(using), care_of=care_of(using))
            by_source = (_USABLE, scope != _scope(own), deprecated(using), mobility, label != own_label)
            common = _common_prefix_length(own, octets, prefix_length(using))
        rank = (*by_source, -precedence, encapsulated(address), scope)
        destinations.append(_Destination(rank, len(octets), common, address))
    destinations.sort(key=_by_rank)
    return tuple([each.address for _, group in groupby(destinations, _by_rank) for each in _apply_rule_9([*group])])


def _by_rank(destination: _Destination) -> tuple[int, ...]:
    return destination.rank


def _apply_rule_9(equal: list[_Destination]) -> list[_Destination]:
    """Sort destinations among which rules 1 to 8 decide nothing.

    Rule 9 compares addresses of one family, rule 10 all others, and so the two together may go round in a circle: of
    A (IPv4), B (IPv6) and C (IPv4, longer prefix), A is before B, B before C, and C before A. So each family is sorted
    among the places that it has: any two addresses of one family stand as rules 9 and 10 say, and nothing moves where
    rule 9 says nothing.
    """
    for family in {each.family for each in equal}:
        places = [place for place, each in enumerate(equal) if each.family == family]
        by_prefix = sorted([equal[place] for place in places], key=_by_common_prefix)
        for place, each in zip(places, by_prefix, strict=True):
            equal[place] = each
    return equal


def _by_common_prefix(destination: _Destination) -> int:
    return -destination.common


def _source_octets(source: str, destination: str, length: int) -> bytes:
    octets = ip_literal(source.partition("%")[0])
    if octets is None:
        raise LocalProtocolError(f"the source for {destination!r} must be an IP address or None, not {source!r}")
    # A socket for both families writes its IPv4 address like that.
    return octets[-4:] if length == 4 and octets.startswith(_MAPPED_PREFIX) else octets


def _mobility(*, home: bool, care_of: bool) -> int:
    """Rule 4: at home, then a home address, then a care-of address."""
    if care_of:
        return 0 if home else 2
    return 1


def _scope(octets: bytes) -> int:
    """Return the scope of an address, as the scope field of multicast addresses has it (sections 3.1 to 3.4)."""
    first, second = octets[0], octets[1]
    if len(octets) == 4:
        return _LINK_LOCAL if first == 127 or (first, second) == (169, 254) else _GLOBAL
    if first == 0xFF:
        return second & 0x0F
    if first == 0xFE and second >= 0x80:
        return _LINK_LOCAL if second < 0xC0 else _SITE_LOCAL
    return _LINK_LOCAL if octets == _IPV6_LOOPBACK else _GLOBAL


def _common_prefix_length(source: bytes, destination: bytes, longest: int) -> int:
    """Return how many leading bits the addresses have in common, up to the prefix of the source (section 2.2)."""
    differing = (_number(source) ^ _number(destination)).bit_length()
    return min(max(8 * len(destination) - differing, 0), longest)
