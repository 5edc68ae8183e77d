"""The facts of an X.509 certificate, read strictly and only when they are asked for (RFC 5280 section 4.1).

Nothing here judges trust: signatures and paths belong to the path validator. What is read here decides about names, so
a certificate that two readers could read in two ways is refused.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from types import EllipsisType
from typing import Final

from . import der as asn1
from . import structure
from .errors import InvalidCertificate
from .general_name import GeneralName, NameConstraints, common_names, general_names, name_constraints

_KEY_USAGE: Final = b"\x55\x1d\x0f"
_SUBJECT_ALT_NAME: Final = b"\x55\x1d\x11"
_BASIC_CONSTRAINTS: Final = b"\x55\x1d\x13"
_NAME_CONSTRAINTS: Final = b"\x55\x1d\x1e"
_EXTENDED_KEY_USAGE: Final = b"\x55\x1d\x25"
# The same with tag and length, as they must stand somewhere in a certificate that has such an extension.
_NAME_CONSTRAINTS_HERE: Final = b"\x06\x03\x55\x1d\x1e"
_EXTENDED_KEY_USAGE_HERE: Final = b"\x06\x03\x55\x1d\x25"

KEY_USAGES: Final = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
"""The bits of keyUsage in their order (RFC 5280 section 4.2.1.3)."""


@lru_cache(maxsize=512)  # as many as there are
def _key_usages(bits: int) -> frozenset[str]:
    return frozenset([name for place, name in enumerate(KEY_USAGES) if bits & (0x100 >> place)])


class TooManyNames(InvalidCertificate):
    """A certificate holds more subject alternative names than the caller is willing to read."""


class Certificate:
    """An X.509 certificate. Making one only keeps the octets; every attribute is read when it is first asked for.

    Each attribute first checks the structure of the whole certificate and then the extension that it is in. Only
    `pinned_key` reads just the way to it, however large the rest is. Any of them raises `InvalidCertificate`, and
    nothing else, when what it reads is malformed: not DER, data behind the end, an extension that occurs twice, an
    empty subjectAltName, and so on.

    Args:
        der: the octets.
    """

    __slots__ = ("_body", "_constraints", "_may_constrain", "_names", "_purposes", "_spki", "der")

    def __init__(self, der: bytes) -> None:
        self.der: Final = der
        self._spki: bytes | None = None
        self._body: structure.Body | None = None
        self._names: tuple[GeneralName, ...] | EllipsisType | None = ...
        self._constraints: NameConstraints | EllipsisType | None = ...
        self._may_constrain: bool | None = None
        self._purposes: tuple[str, ...] | EllipsisType | None = ...

    def __repr__(self) -> str:
        return f"Certificate({self.der!r})"

    @property
    def spki(self) -> bytes:
        """The DER of SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7)."""
        self._read()
        return self.pinned_key

    @property
    def pinned_key(self) -> bytes:
        """The same as ``spki``, without a look at what follows it.

        For those who have pinned the key: whatever else is in the certificate, they hold against nothing (RFC 7671
        section 5.1). It says nothing of whether the rest is a certificate.
        """
        spki = self._spki
        if spki is None:
            self._spki = spki = structure.spki(self.der)
        return spki

    @property
    def serial(self) -> int:
        """The serial number, at most 32 octets; certificates in the wild also have 0 and negative ones."""
        return self._read().serial

    @property
    def issuer(self) -> bytes:
        """The DER of the issuer's Name."""
        return self._read().issuer

    @property
    def subject(self) -> bytes:
        """The DER of the subject's Name."""
        return self._read().subject

    @property
    def self_issued(self) -> bool:
        """True if subject and issuer are the same Name, octet for octet."""
        return self.subject == self.issuer

    @property
    def not_before(self) -> datetime:
        """The first second of the validity, aware in UTC (RFC 5280 section 4.1.2.5)."""
        return self._read().dates[0]

    @property
    def not_after(self) -> datetime:
        """The last second of the validity, aware in UTC (RFC 5280 section 4.1.2.5)."""
        return self._read().dates[1]

    @property
    def critical_extensions(self) -> tuple[str, ...]:
        """The object identifiers of the critical extensions, dotted, in their order."""
        table = self._read().extensions
        return tuple(
            asn1.object_identifier(oid, "extensions") for oid, (_, critical, _, _) in table.items() if critical
        )

    @property
    def is_ca(self) -> bool:
        """True if basicConstraints says that the subject is a CA (RFC 5280 section 4.2.1.9)."""
        return self._basic_constraints()[0]

    @property
    def path_length(self) -> int | None:
        """How many intermediate CAs may follow, or None for no limit (RFC 5280 section 4.2.1.9)."""
        return self._basic_constraints()[1]

    @property
    def key_usage(self) -> frozenset[str] | None:
        """The names of the bits in keyUsage, out of `KEY_USAGES`; None if there is no such extension."""
        found = self._extension(_KEY_USAGE)
        if found is None:
            return None
        start, end, place = found
        value = asn1.bits(self.der, start, end, place)
        # The first bit is the highest one of the first octet; bits behind the ninth have no meaning.
        first = value[0] << 1 if value else 0
        return _key_usages(first | (value[1] >> 7 if len(value) > 1 else 0))

    @property
    def extended_key_usage(self) -> tuple[str, ...] | None:
        """The purposes as dotted object identifiers; None if there is no such extension (RFC 5280 section 4.2.1.12)."""
        purposes = self._purposes
        if purposes is ...:
            self._purposes = purposes = self._read_purposes()
        return purposes

    @property
    def names(self) -> tuple[GeneralName, ...] | None:
        """All subject alternative names; None if there is no such extension (RFC 5280 section 4.2.1.6)."""
        return self.names_up_to(len(self.der))

    def names_up_to(self, limit: int) -> tuple[GeneralName, ...] | None:
        """Return `names`, but stop reading when there are too many.

        Args:
            limit: how many names are wanted at most.

        Raises:
            TooManyNames: there are more than ``limit``.
            InvalidCertificate: the certificate is malformed.
        """
        names = self._names
        if names is ...:
            self._names = names = self._read_names(limit)
        elif names is not None and len(names) > limit:
            raise TooManyNames("subjectAltName", f"at most {limit} names")
        return names

    @property
    def common_names(self) -> tuple[GeneralName, ...]:
        """The common names of the subject, in their order; those that cannot be decoded hold their octets."""
        return common_names(self._read().subject)

    @property
    def name_constraints(self) -> NameConstraints | None:
        """The name constraints; None if there is no such extension (RFC 5280 section 4.2.1.10)."""
        constraints = self._constraints
        if constraints is ...:
            found = self._extension(_NAME_CONSTRAINTS)
            self._constraints = constraints = None if found is None else name_constraints(self.der, *found)
        return constraints

    def may_constrain(self) -> bool:
        """Say quickly whether there can be name constraints at all: their identifier must then occur somewhere."""
        may = self._may_constrain
        if may is None:  # looked for once: it is asked for each name of a leaf, and both may be large
            may = self.der.find(_NAME_CONSTRAINTS_HERE) >= 0  # "in" would try the octets as a number first
            self._may_constrain = may
        return may

    def may_have_purposes(self) -> bool:
        """Say quickly whether there can be an extended key usage at all: its identifier must then occur somewhere."""
        return self.der.find(_EXTENDED_KEY_USAGE_HERE) >= 0

    def _read(self) -> structure.Body:
        body = self._body
        if body is None:
            self._body = body = structure.body(self.der)
        return body

    def _extension(self, oid: bytes) -> tuple[int, int, str] | None:
        """Return where the value of an extension begins and ends, and its name for an exception."""
        found = self._read().extensions.get(oid)
        if found is None:
            return None
        index, _, start, end = found
        return start, end, f"extensions[{index}] {structure.EXTENSIONS[oid]}"

    def _basic_constraints(self) -> tuple[bool, int | None]:
        found = self._extension(_BASIC_CONSTRAINTS)
        if found is None:
            return False, None
        start, end, place = found
        start, end = asn1.only(self.der, start, end, asn1.SEQUENCE, place)
        if start == end:
            return False, None
        start = asn1.boolean_true(self.der, start, end, place)
        if start == end:
            return True, None
        length, start = asn1.integer(self.der, start, end, place)
        if length < 0 or start != end:
            raise InvalidCertificate(place, "a pathLenConstraint that is not negative, and nothing behind it")
        return True, length

    def _read_purposes(self) -> tuple[str, ...] | None:
        found = self._extension(_EXTENDED_KEY_USAGE)
        if found is None:
            return None
        start, end, place = found
        start, end = asn1.only(self.der, start, end, asn1.SEQUENCE, place)
        purposes: list[str] = []
        while start < end:
            content, start = asn1.tagged(self.der, start, end, asn1.OBJECT_IDENTIFIER, place)
            purposes.append(asn1.object_identifier(self.der[content:start], place))
        if not purposes:
            raise InvalidCertificate(place, "at least one purpose")
        return tuple(purposes)

    def _read_names(self, limit: int) -> tuple[GeneralName, ...] | None:
        found = self._extension(_SUBJECT_ALT_NAME)
        if found is None:
            return None
        start, end, place = found
        start, end = asn1.only(self.der, start, end, asn1.SEQUENCE, place)
        names = general_names(self.der, start, end, place, limit)
        if len(names) > limit:
            raise TooManyNames(place, f"at most {limit} names")
        return names
