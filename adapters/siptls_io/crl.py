"""One certificate revocation list, and what can be taken from it (RFC 5280 section 5).

Nothing here is to be believed before `Crl.is_signed_by` says so. A list of a kind that cannot be read with certainty
says why in `Crl.problem`, and is not to be used.
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
_HEEDED_IN_ENTRIES: Final = (x509.CRLReason, x509.InvalidityDate)
_STRONG: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
"""The digests that path validation takes, too."""
_KEYS: Final = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)
_MAX_KEYS: Final = 64
"""How many keys the result of a signature check is remembered for: the peer may have a say in what they are."""
_MALFORMED: Final = (ValueError, TypeError, x509.DuplicateExtension, x509.InvalidVersion, Warning)


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

    __slots__ = ("_entries", "_parsed", "_problem", "_scope", "_verified", "issuer", "since", "until")

    def __init__(self, parsed: x509.CertificateRevocationList) -> None:
        self._parsed: Final = parsed
        self._entries: dict[str, Listed] = {}
        self._problem: Problem | type[Crl] | None = Crl  # not looked for yet
        self._scope: x509.IssuingDistributionPoint | None = None
        self._verified: dict[bytes, bool] = {}
        self.issuer: Final = comparable(parsed.issuer)
        self.since: Final = parsed.last_update_utc
        self.until: Final = parsed.next_update_utc

    @property
    def problem(self) -> Problem | None:
        """Why the list cannot be used for any certificate, or None."""
        if isinstance(self._problem, type):
            try:
                self._problem = self._problem_of_the_list() or self._problem_of_an_entry()
            except _MALFORMED as error:
                self._problem = ("crl.malformed", str(error))
        return self._problem

    def listed(self, certificate: x509.Certificate) -> Listed | None:
        """Return how the list names a certificate of its issuer, or None if it does not."""
        return self._entries.get(_key(certificate.serial_number))

    def revoked_at(self, certificate: x509.Certificate) -> datetime | None:
        """Return the date at which a certificate of this issuer was revoked, or None if that cannot be told."""
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

    def _problem_of_the_list(self) -> Problem | None:
        for extension in self._parsed.extensions:
            value = extension.value
            if isinstance(value, x509.DeltaCRLIndicator):
                return "crl.delta", "the list has a deltaCRLIndicator"
            if isinstance(value, x509.IssuingDistributionPoint):
                if value.indirect_crl:
                    return "crl.indirect", "the list has indirectCRL in its issuingDistributionPoint"
                if value.only_contains_attribute_certs:
                    return "crl.scope", "the list is of attribute certificates"  # whose numbers are others
                self._scope = value
            if extension.critical and not isinstance(value, _HEEDED):
                return "crl.critical-extension", f"the list has the extension {extension.oid.dotted_string}"
        return None

    def _problem_of_an_entry(self) -> Problem | None:
        """Read all entries: one that cannot be understood makes the list useless (RFC 5280 section 5.3)."""
        for entry in self._parsed:
            how = Listed.REVOKED
            for extension in entry.extensions:
                value = extension.value
                if isinstance(value, x509.CertificateIssuer):
                    return "crl.indirect", "an entry has the extension certificateIssuer"
                if extension.critical and not isinstance(value, _HEEDED_IN_ENTRIES):
                    return "crl.critical-extension", f"an entry has the extension {extension.oid.dotted_string}"
                if isinstance(value, x509.CRLReason):
                    how = _LISTED.get(value.reason, Listed.REVOKED)
            key = _key(entry.serial_number)
            self._entries[key] = max(how, self._entries.get(key, how))
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
