"""One certificate revocation list, and what can be taken from it (RFC 5280 section 5).

Nothing here is to be believed before `Crl.is_signed_by` says so. A list that proves nobody good says why in
`Crl.problem`. Whom it names is read as far as that goes: to speak against a certificate takes less than to clear it.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from enum import IntEnum
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from .anchors import spki_of

Name: TypeAlias = tuple[frozenset[tuple[str, str | bytes]], ...]
"""A distinguished name in a form in which equal names are equal."""
Problem: TypeAlias = tuple[str, str]
"""A code of the catalogue, and more about it."""


class Listed(IntEnum):
    """How a list names a certificate; what stands higher counts if it is named twice."""

    REMOVED = 1
    """removeFromCRL, which only a delta CRL may say (RFC 5280 section 5.3.1)."""
    HELD = 2
    """Until further notice: certificateHold."""
    REVOKED = 3
    """For good: it stays on the lists as long as it is valid (RFC 5280 section 3.3)."""


_LISTED: Final = {
    x509.ReasonFlags.certificate_hold: Listed.HELD,
    x509.ReasonFlags.remove_from_crl: Listed.REMOVED,
}
_HEEDED: Final = (x509.IssuingDistributionPoint, x509.AuthorityKeyIdentifier)
"""The extensions of a list that may be critical: what they say is heeded here, or leaves nothing to heed."""
_HEEDED_IN_ENTRIES: Final = (x509.CRLReason, x509.InvalidityDate, x509.CertificateIssuer)
_STRONG: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
"""The digests that path validation takes, too."""
_KEYS: Final = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)
_MAX_KEYS: Final = 64
"""How many keys the result of a signature check is remembered for: the peer may have a say in what they are."""
_MALFORMED: Final = (
    ValueError,
    TypeError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    Warning,
)


class Crl:
    """A list that could be parsed. Its entries and extensions are looked at when somebody asks for them.

    Args:
        parsed: the list.

    Raises:
        ValueError, TypeError, Warning: its name or dates are malformed.

    Attributes:
        issuer: who issued it.
        since: its thisUpdate.
        until: its nextUpdate; None if it has none.
    """

    __slots__ = (
        "_ambiguous",
        "_entries",
        "_limit",
        "_parsed",
        "_scope",
        "_seen",
        "_unread",
        "_verified",
        "issuer",
        "since",
        "until",
    )

    def __init__(self, parsed: x509.CertificateRevocationList) -> None:
        self._parsed: Final = parsed
        self._seen = False
        self._entries: dict[str, Listed] = {}
        self._ambiguous: set[str] = set()
        self._limit: Problem | None = None
        self._unread: Problem | None = None
        self._scope: x509.IssuingDistributionPoint | None = None
        self._verified: dict[bytes, bool] = {}
        self.issuer: Final = comparable(parsed.issuer)
        self.since: Final = parsed.last_update_utc
        self.until: Final = parsed.next_update_utc

    @property
    def problem(self) -> Problem | None:
        """Why the list proves no certificate good, or None."""
        self._look()
        return self._unread or self._limit

    @property
    def unread(self) -> Problem | None:
        """What is not understood in the list, so that it may say more than is seen here, or None."""
        self._look()
        return self._unread

    def listed(self, certificate: x509.Certificate) -> Listed | None:
        """Return how the list names a certificate of its issuer, or None if it does not.

        An entry with something that is not understood names the certificate for good, unless a reason can be read.
        """
        self._look()
        return self._entries.get(_key(certificate.serial_number))

    def revoked_at(self, certificate: x509.Certificate) -> datetime | None:
        """Return the date at which a certificate of this issuer was revoked, or None if that cannot be told."""
        if _key(certificate.serial_number) in self._ambiguous:
            return None
        try:
            entry = self._parsed.get_revoked_certificate_by_serial_number(certificate.serial_number)
        except ValueError:  # a negative number
            return None
        return None if entry is None else entry.revocation_date_utc

    def covers(self, certificate: x509.Certificate) -> bool:
        """Say whether the list would surely name a certificate of its issuer, were it revoked.

        A list of some certificates only must say so in a way that includes this one, and it must be for all reasons
        (RFC 5280 section 6.3.3 (b), (d)).

        Raises:
            ValueError, TypeError, Warning: an extension of the certificate is malformed.
        """
        scope = self._scope
        if scope is None:
            return True
        if scope.only_some_reasons is not None:
            return False
        if scope.only_contains_user_certs or scope.only_contains_ca_certs:
            if certificate.version is not x509.Version.v3:
                return False  # nobody knows what it is
            if scope.only_contains_ca_certs is not _is_ca(certificate):
                return False
        return (scope.full_name is None and scope.relative_name is None) or _leads_to(certificate, scope)

    def is_signed_by(self, certificate: x509.Certificate) -> bool:
        """Say whether the key of a certificate has signed the list, with a digest that is still strong.

        Each key is tried once.
        """
        key = spki_of(certificate)
        if key is None:
            return False
        if (verified := self._verified.get(key)) is None:
            while len(self._verified) >= _MAX_KEYS:
                self._verified.pop(next(iter(self._verified)), None)
            verified = self._verified[key] = self.verify(certificate)
        return verified

    def verify(self, certificate: x509.Certificate) -> bool:
        """Check the signature of the list with the key of a certificate, which takes time for a long list."""
        try:
            key = certificate.public_key()
            digest = self._parsed.signature_hash_algorithm
            if not isinstance(key, _KEYS) or not (digest is None or isinstance(digest, _STRONG)):
                return False
            return self._parsed.is_signature_valid(key)
        except (*_MALFORMED, UnsupportedAlgorithm):
            return False

    def _look(self) -> None:
        """Read the whole list, once. What cannot be read in one place hides nothing in another."""
        if self._seen:
            return
        for read in (self._read_extensions, self._read_entries):
            try:
                read()
            except _MALFORMED as error:
                self._is_unread("crl.malformed", str(error))
        self._seen = True

    def _read_extensions(self) -> None:
        for extension in self._parsed.extensions:
            value = extension.value
            if isinstance(value, x509.IssuingDistributionPoint):
                self._scope = value
            limit = _limit(value)
            self._limit = self._limit or limit
            if limit is None and extension.critical and not isinstance(value, _HEEDED):
                self._is_unread("crl.critical-extension", f"the list has the extension {extension.oid.dotted_string}")

    def _read_entries(self) -> None:
        own = True
        for entry in self._parsed:
            how = Listed.REVOKED
            try:
                own = self._is_own(entry, own)
                how = self._how(entry)
            except _MALFORMED as error:
                self._is_unread("crl.malformed", str(error))
            key = _key(entry.serial_number)
            if not own or key in self._entries:
                self._ambiguous.add(key)
            if own:
                self._entries[key] = max(how, self._entries.get(key, how))

    def _how(self, entry: x509.RevokedCertificate) -> Listed:
        how = Listed.REVOKED
        for extension in entry.extensions:
            value = extension.value
            if isinstance(value, x509.CRLReason):
                how = _LISTED.get(value.reason, Listed.REVOKED)
            elif extension.critical and not isinstance(value, _HEEDED_IN_ENTRIES):
                self._is_unread("crl.critical-extension", f"an entry has the extension {extension.oid.dotted_string}")
        return how

    def _is_own(self, entry: x509.RevokedCertificate, own: bool) -> bool:
        """Say whether an entry is of a certificate of the list's issuer, by the one before it (section 5.3.3)."""
        for extension in entry.extensions:
            if isinstance(extension.value, x509.CertificateIssuer):
                if self._scope is None or not self._scope.indirect_crl:  # which alone may have it
                    self._is_unread("crl.indirect", "an entry has the extension certificateIssuer")
                names = extension.value.get_values_for_type(x509.DirectoryName)
                if not names:
                    raise ValueError("certificateIssuer holds no distinguished name")
                return self.issuer in [comparable(name) for name in names]
        return own

    def _is_unread(self, code: str, detail: str) -> None:
        self._unread = self._unread or (code, detail)


def _limit(value: x509.ExtensionType) -> Problem | None:
    """Return why a list with an extension that is understood proves nobody good, or None."""
    if isinstance(value, x509.DeltaCRLIndicator):
        return "crl.delta", "the list has a deltaCRLIndicator"
    if isinstance(value, x509.IssuingDistributionPoint):
        if value.indirect_crl:
            return "crl.indirect", "the list has indirectCRL in its issuingDistributionPoint"
        if value.only_contains_attribute_certs:
            return "crl.scope", "the list is of attribute certificates"
    return None


def comparable(name: x509.Name) -> Name:
    """Return a distinguished name in a form in which equal names are equal (RFC 5280 section 7.1).

    How a text is encoded, its case, and its spaces at the ends and beyond the first between words make no difference.

    Raises:
        ValueError, TypeError, Warning: the name is malformed.
    """
    return tuple([frozenset([(part.oid.dotted_string, _folded(part.value)) for part in rdn]) for rdn in name.rdns])


def _folded(value: str | bytes) -> str | bytes:
    if isinstance(value, bytes):
        return value
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def _key(serial_number: int) -> str:
    # Not the number itself: whoever makes the list could choose numbers whose hashes are equal.
    return f"{serial_number:x}"


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _leads_to(certificate: x509.Certificate, scope: x509.IssuingDistributionPoint) -> bool:
    """Say whether a distribution point of a certificate is that of a list, for all reasons and by the same issuer."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return False
    names = scope.full_name or ()
    return any(
        point.crl_issuer is None
        and point.reasons is None
        and (
            any(name in names for name in point.full_name or ())
            or (scope.relative_name is not None and scope.relative_name == point.relative_name)
        )
        for point in points
    )
