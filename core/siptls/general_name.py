"""The names inside a certificate, and the constraints on them (RFC 5280 sections 4.1.2.4, 4.2.1.6 and 4.2.1.10).

For SRVName, which is an otherName, see RFC 4985.
"""

from __future__ import annotations

from typing import Final

from . import der as asn1
from .errors import InvalidCertificate
from .names import fold, is_host

_COMMON_NAME: Final = b"\x55\x04\x03"
_TEXT_KINDS: Final = {0x81: "email", 0x82: "dns", 0x86: "uri"}
_OPAQUE_KINDS: Final = {0xA3: "x400", 0xA5: "ediparty"}

SRV_NAME: Final = "other:1.3.6.1.5.5.7.8.7"
"""The kind of an SRVName, id-on-dnsSRV (RFC 4985 section 2)."""

UTF8_STRING: Final = 0x0C
PRINTABLE_STRING: Final = 0x13
_T61_STRING: Final = 0x14
_IA5_STRING: Final = 0x16
# The string types of a directory name. T61 is read as ASCII: that part is all that its readers agree on.
_ENCODINGS: Final = {
    UTF8_STRING: "utf-8",
    PRINTABLE_STRING: "ascii",
    _T61_STRING: "ascii",
    _IA5_STRING: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}

PRINTABLE: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 '()+,-./:=?"
"""The characters of a PrintableString (X.680 section 41.4)."""


class GeneralName:
    """A name in a certificate (RFC 5280 section 4.2.1.6).

    Attributes:
        kind: ``"dns"``, ``"uri"``, ``"email"``, ``"ip"``, ``"dirname"``, ``"rid"``, ``"x400"``, ``"ediparty"``,
            ``"other:OID"``, or ``"cn"`` for a common name of the subject.
        value: text, exactly as it stands in the certificate, for dns, uri, email, cn and (dotted) rid; octets for the
            others, and where the octets are not the text they should be. It may hold any character: escape it
            before you show it.
    """

    __slots__ = ("kind", "value")

    def __init__(self, kind: str, value: str | bytes) -> None:
        self.kind: Final = kind
        self.value: Final = value

    @property
    def usable(self) -> bool:
        """True if the name is text of visible ASCII characters only, so that it cannot be read in two ways."""
        value = self.value
        return isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value and value != ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GeneralName):
            return NotImplemented
        return self.kind == other.kind and self.value == other.value

    def __hash__(self) -> int:
        return hash((self.kind, self.value))

    def __repr__(self) -> str:
        return f"GeneralName({self.kind!r}, {self.value!r})"


def srv_name(name: GeneralName) -> tuple[str, str] | None:
    """Read an SRVName: the right of a server to offer one service of a domain (RFC 4985 section 2).

    Args:
        name: a name of any kind.

    Returns:
        The service with its underscore, for example ``_sips``, and the domain, both in lower case; None for another
        kind of name, and for an SRVName that is not an IA5String of a service label and a host name in A-labels: it has
        no label for the protocol.
    """
    value = name.value
    if name.kind != SRV_NAME or not isinstance(value, bytes):
        return None
    try:
        start, end = asn1.only(value, 0, len(value), _IA5_STRING, "SRVName")
    except InvalidCertificate:
        return None
    octets = value[start:end]
    service, _, domain = octets.decode("ascii", "replace").partition(".")
    if service[:1] != "_" or not is_host(f"{service[1:]}.example") or "." in service or not is_host(domain):
        return None
    return fold(service), fold(domain)


class NameConstraints:
    """The nameConstraints extension of a CA (RFC 5280 section 4.2.1.10).

    Attributes:
        permitted: the permitted subtrees; where there is one of a kind, names of this kind must be in one of them.
        excluded: the excluded subtrees.
    """

    __slots__ = ("_excluded_domains", "_permitted_domains", "excluded", "permitted")

    def __init__(self, permitted: tuple[GeneralName, ...], excluded: tuple[GeneralName, ...]) -> None:
        self.permitted: Final = permitted
        self.excluded: Final = excluded
        self._permitted_domains: Final = _domains(permitted)
        self._excluded_domains: Final = _domains(excluded)

    def allow_domain(self, domain: str) -> bool:
        """Say whether a domain is within the dNSName constraints.

        A permitted ``.example.com`` means the names below example.com only; an excluded one keeps out example.com as
        well, since its readers differ. A constraint that is no domain name allows nothing.

        Args:
            domain: a domain name, folded.

        Returns:
            True if the domain is in a permitted subtree, if there is one for dNSName, and in no excluded one. The time
            does not depend on the number of subtrees, which belongs to the peer, as does the number of names.
        """
        permitted, excluded = self._permitted_domains, self._excluded_domains
        if permitted is None or excluded is None:
            return False
        above = [""]
        position = domain.find(".")
        while position >= 0:
            above += (domain[position:], domain[position + 1 :])
            position = domain.find(".", position + 1)
        if permitted and domain not in permitted and permitted.isdisjoint(above):
            return False
        return excluded.isdisjoint((domain, f".{domain}", *above))

    def __repr__(self) -> str:
        return f"NameConstraints(permitted={self.permitted!r}, excluded={self.excluded!r})"


def _domains(subtrees: tuple[GeneralName, ...]) -> frozenset[str] | None:
    """Return the dNSName subtrees, folded, or None if one of them cannot be processed."""
    domains: set[str] = set()
    for name in subtrees:
        if name.kind == "dns":
            value = name.value
            if (
                not isinstance(value, str)
                or value.endswith(".")
                or not (value == "" or is_host(value.removeprefix(".")))
            ):
                return None
            domains.add(fold(value))
    return frozenset(domains)


def general_name(
    octets: bytes, start: int, end: int, place: str, address_lengths: tuple[int, int]
) -> tuple[GeneralName, int]:
    """Read one GeneralName.

    Args:
        octets: the certificate.
        start: where the name begins.
        end: where the enclosing element ends.
        place: the name of the extension for the exception.
        address_lengths: how many octets an iPAddress may have: (4, 16), or (8, 32) in constraints.

    Returns:
        The name and where it ends.

    Raises:
        InvalidCertificate: it is malformed or of no known kind.
    """
    content, stop = asn1.element(octets, start, end, place)
    tag = octets[start]
    kind = _TEXT_KINDS.get(tag)
    value = octets[content:stop]
    if kind is not None:
        # An IA5String holds ASCII; other octets stay octets, so that nobody reads them as this or that character set.
        return GeneralName(kind, value.decode("ascii") if value.isascii() else value), stop
    if tag == 0x87:
        if stop - content not in address_lengths:
            raise InvalidCertificate(place, "an iPAddress of {} or {} octets".format(*address_lengths))
        return GeneralName("ip", value), stop
    if tag == 0xA0:
        return _other_name(octets, content, stop, place), stop
    if tag == 0xA4:
        directory_name(octets, content, stop, place)
        return GeneralName("dirname", value), stop
    if tag == 0x88:
        return GeneralName("rid", asn1.object_identifier(value, place)), stop
    kind = _OPAQUE_KINDS.get(tag)
    if kind is None:
        raise InvalidCertificate(place, f"a kind of GeneralName, not tag 0x{tag:02x}")
    return GeneralName(kind, value), stop


def general_names(octets: bytes, start: int, end: int, place: str, limit: int) -> tuple[GeneralName, ...]:
    """Read the GeneralNames from ``start`` to ``end``, but not more than one beyond ``limit``.

    Raises:
        InvalidCertificate: there is none, or one of those that are read is malformed or of no known kind.
    """
    if start == end:
        raise InvalidCertificate(place, "at least one name")
    names: list[GeneralName] = []
    while start < end and len(names) <= limit:
        content = start + 2
        kind = _TEXT_KINDS.get(octets[start])
        if kind is not None and content <= end:
            stop = content + octets[start + 1]
            value = octets[content:stop]
            if stop <= end and stop < content + 0x80 and value.isascii():
                names.append(GeneralName(kind, value.decode()))  # the shape of nearly all names
                start = stop
                continue
        name, start = general_name(octets, start, end, place, (4, 16))
        names.append(name)
    return tuple(names)


def _other_name(octets: bytes, start: int, end: int, place: str) -> GeneralName:
    content, start = asn1.tagged(octets, start, end, asn1.OBJECT_IDENTIFIER, place)
    oid = asn1.object_identifier(octets[content:start], place)
    content, end = asn1.only(octets, start, end, 0xA0, place)
    _, stop = asn1.element(octets, content, end, place)
    if stop != end:
        raise InvalidCertificate(place, "one value in an otherName")
    return GeneralName(f"other:{oid}", octets[content:end])


def name_constraints(octets: bytes, start: int, end: int, place: str) -> NameConstraints:
    """Read the value of a nameConstraints extension that fills everything from ``start`` to ``end``.

    Raises:
        InvalidCertificate: it is malformed, empty, or has a minimum or a maximum, which RFC 5280 does not allow.
    """
    start, end = asn1.only(octets, start, end, asn1.SEQUENCE, place)
    if start == end:
        raise InvalidCertificate(place, "permitted or excluded subtrees")
    subtrees: list[tuple[GeneralName, ...]] = []
    for tag in (0xA0, 0xA1):
        if start < end and octets[start] == tag:
            content, start = asn1.element(octets, start, end, place)
            subtrees.append(_subtrees(octets, content, start, place))
        else:
            subtrees.append(())
    if start != end:
        raise InvalidCertificate(place, "permitted, then excluded subtrees, and nothing behind them")
    return NameConstraints(*subtrees)


def _subtrees(octets: bytes, start: int, end: int, place: str) -> tuple[GeneralName, ...]:
    if start == end:
        raise InvalidCertificate(place, "at least one subtree")
    names: list[GeneralName] = []
    while start < end:
        content, start = asn1.tagged(octets, start, end, asn1.SEQUENCE, place)
        name, stop = general_name(octets, content, start, place, (8, 32))
        if stop != start:
            raise InvalidCertificate(place, "a subtree without minimum and maximum")
        names.append(name)
    return tuple(names)


def directory_name(octets: bytes, start: int, end: int, place: str) -> list[tuple[bytes, str | bytes]]:
    """Read a directory Name that fills everything from ``start`` to ``end`` (RFC 5280 section 4.1.2.4).

    Returns:
        For each attribute the octets of its type, and its value: text, or octets where it is no string or none that all
        readers would decode alike.

    Raises:
        InvalidCertificate: it is malformed; or a string does not hold what its type allows; or the attributes of one
            RDN are not in the order of X.690 section 11.6.
    """
    start, end = asn1.only(octets, start, end, asn1.SEQUENCE, place)
    attributes: list[tuple[bytes, str | bytes]] = []
    while start < end:
        content, start = asn1.tagged(octets, start, end, asn1.SET, place)
        if content == start:
            raise InvalidCertificate(place, "at least one attribute in an RDN")
        last = b""
        while content < start:
            first, content = content, asn1.tagged(octets, content, start, asn1.SEQUENCE, place)[1]
            attribute = octets[first:content]
            if attribute < last:
                raise InvalidCertificate(place, "the attributes of an RDN in ascending order")
            last = attribute
            attributes.append(_attribute(attribute, place))
    return attributes


def _attribute(octets: bytes, place: str) -> tuple[bytes, str | bytes]:
    content, end = asn1.element(octets, 0, len(octets), place)
    first, start = asn1.tagged(octets, content, end, asn1.OBJECT_IDENTIFIER, place)
    oid = octets[first:start]
    asn1.check_object_identifier(oid, place)
    first, last = asn1.element(octets, start, end, place)
    if last != end:
        raise InvalidCertificate(place, "one value of an attribute")
    return oid, _string(octets[start], octets[first:last], place)


def _string(tag: int, value: bytes, place: str) -> str | bytes:
    encoding = _ENCODINGS.get(tag)
    if encoding is None or (tag == _T61_STRING and not value.isascii()):
        return value
    if tag == PRINTABLE_STRING and value.strip(PRINTABLE):
        raise InvalidCertificate(place, "the characters of a PrintableString")
    try:
        return value.decode(encoding)
    except UnicodeDecodeError:
        raise InvalidCertificate(place, f"text in {encoding}") from None


def common_names(subject: bytes) -> tuple[GeneralName, ...]:
    """Return the common names in the DER of a Name, in their order; see `directory_name` for their values."""
    attributes = directory_name(subject, 0, len(subject), "subject")
    return tuple(GeneralName("cn", value) for oid, value in attributes if oid == _COMMON_NAME)
