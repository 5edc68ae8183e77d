"""Revocation by the CRLs that the caller has (RFC 5280 sections 5 and 6.3). Nothing is fetched.

Each certificate of a path is looked for in the lists of its issuer that the issuer's key in the path has signed.

* Whom such a list names is revoked, whatever else the list or its issuer lacks: the key that signed the certificate has
  taken it back. Only a list that is out of date gives way, to a newer one that proves the certificate good.
* Good is who is missing on a list that must name him: complete, current, and of an issuer that may sign lists. Delta
  CRLs, indirect CRLs, lists of a CRL issuer that is not the CA itself, and lists without nextUpdate prove nobody good.
* A signed list with something in it that is not understood may name anybody. No list that is as old or older proves
  the contrary.
"""

from __future__ import annotations

import os
import reprlib
import threading
import warnings
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from cryptography import x509

from siptls.errors import InvalidPolicy
from siptls.journal import when
from siptls.policy import Policy
from siptls.revocation import CheckRevocation, Crls, Revocation, RevocationChecked

from .anchors import loaded, loaded_issuer
from .crl import Crl, Listed, Name, comparable
from .errors import InvalidCrl
from .pem import numbered_crls

# As in `anchors`: nobody who runs this could do anything about the warning.
warnings.filterwarnings("ignore", module=r"siptls_io\.(crl|revocation)\Z")

_DETAIL: Final = 200
_SHOWN: Final = 100
_NEAREST: Final = (
    "crl.missing",
    "crl.malformed",
    "crl.critical-extension",
    "crl.delta",
    "crl.indirect",
    "crl.scope",
    "crl.key-usage",
    "crl.signature",
    "crl.not-yet-valid",
    "crl.expired",
)
"""Why a list proves nobody good: the later in this row, the nearer it came."""

_lock = threading.Lock()


def check_revocation(action: CheckRevocation) -> RevocationChecked:
    """Say of each certificate of a path but the last whether its issuer has revoked it.

    Args:
        action: the question.

    Returns:
        The findings. Whatever is wrong with a list or a certificate is a finding ``unknown``.
    """
    prepared = _Prepared.of(action.crls)
    certificates = [loaded_issuer(der) if place else loaded(der) for place, der in enumerate(action.path)]
    findings: list[Revocation] = []
    with prepared.lock:
        for certificate, issuer in pairwise(certificates):
            try:
                findings.append(_finding(certificate, issuer, prepared, action.at))
            except Exception as error:  # noqa: BLE001 - hostile certificates and lists may make a library raise anything
                findings.append(_unknown("crl.malformed", str(error)))
    return RevocationChecked(action, tuple(findings))


def crls_from_files(*paths: str | os.PathLike[str]) -> Crls:
    """Read CRLs from files, each with one list in DER, or with one or more in PEM (RFC 7468 section 6).

    All entries are read here, which takes the time that large lists take, and not later while something waits.

    Args:
        paths: the files.

    Returns:
        All lists of the files. Whether they are in date, and who signed them, is not looked at.

    Raises:
        InvalidCrl: a file cannot be read, holds no list, or one that is malformed; with file and line.
    """
    lists: dict[bytes, Crl] = {}
    for path in paths:
        for number, (der, line) in enumerate(numbered_crls(path), 1):
            crl = loaded_crl(der)
            if crl is None or (crl.problem is not None and crl.problem[0] == "crl.malformed"):
                raise InvalidCrl(os.fspath(path), line, f"CRL {number} of the file is malformed")
            lists[der] = crl
    crls = Crls(tuple(lists), name=", ".join([os.fspath(path) for path in paths]))
    with _lock:
        _prepared[crls] = _Prepared(lists.values())
    return crls


def given_crls(crls: Crls | Iterable[bytes], policy: Policy) -> Crls:
    """Return the lists that a caller gives together with a policy.

    Args:
        crls: the lists, or each in DER.
        policy: says whether anybody looks at them.

    Raises:
        InvalidPolicy: there are lists, and by the policy nobody would look at them.
        TypeError: one list was given in place of several, or something that is no octets in place of a list.
    """
    if isinstance(crls, (bytes, bytearray, memoryview, str)):  # whose parts would be lists that nobody can read
        raise TypeError("crls: expected lists in DER, or Crls, and not a single list")
    lists = tuple([_octets(place, each) for place, each in enumerate(crls.lists if isinstance(crls, Crls) else crls)])
    given = crls if isinstance(crls, Crls) else Crls(lists)
    if given.lists and policy.revocation == "off":
        raise InvalidPolicy("revocation", policy.revocation, "crl or crl-required, since CRLs are given")
    return given


def _octets(place: int, given: object) -> bytes:
    if not isinstance(given, (bytes, bytearray)):  # bytes() would make as many zeros of a number
        raise TypeError(f"crls[{place}]: expected a list in DER as bytes; found {reprlib.repr(given)[:_SHOWN]}")
    return bytes(given)


class _Said(NamedTuple):
    """What one list says of one certificate.

    Attributes:
        list: the list.
        finding: what it says.
        current: whether it is in date.
        may_name: whether it may name the certificate in a way that is not understood.
    """

    list: Crl
    finding: Revocation
    current: bool = False
    may_name: bool = False


class _Prepared:
    """Lists, parsed, by their issuers. Those that cannot be parsed are None, and counted."""

    def __init__(self, lists: Iterable[Crl | None]) -> None:
        self.lock: Final = threading.Lock()
        self.malformed: int = 0
        self.by_issuer: Final[dict[Name, list[Crl]]] = {}
        for crl in lists:
            if crl is None:
                self.malformed += 1
            else:
                self.by_issuer.setdefault(crl.issuer, []).append(crl)

    @classmethod
    def of(cls, crls: Crls) -> _Prepared:
        """Return lists in their prepared form, which is made once and lives as long as they do."""
        with _lock:
            prepared = _prepared.get(crls)
            if prepared is None:
                prepared = _prepared[crls] = cls([loaded_crl(der) for der in dict.fromkeys(crls.lists)])
        return prepared


_prepared: WeakKeyDictionary[Crls, _Prepared] = WeakKeyDictionary()


def loaded_crl(der: bytes) -> Crl | None:
    """Return a list, or None if it is malformed."""
    try:
        return Crl(x509.load_der_x509_crl(der))
    except Exception:  # noqa: BLE001 - hostile lists may make a library raise anything
        return None


def _finding(
    certificate: x509.Certificate | None, issuer: x509.Certificate | None, prepared: _Prepared, at: datetime
) -> Revocation:
    """Say what all lists together say of a certificate."""
    if certificate is None or issuer is None:
        return _unknown("crl.malformed", "a certificate of the path cannot be parsed")
    lists = prepared.by_issuer.get(comparable(certificate.issuer), [])
    if not lists:
        return _none_of(certificate, prepared.malformed)
    all_said = [_heard(crl, certificate, issuer, at) for crl in lists]
    good = max((said for said in all_said if said.finding.status == "good"), key=_since, default=None)
    against = [said for said in all_said if said.finding.status == "revoked" and not _gives_way(said, good)]
    if against:
        return max(against, key=_since).finding
    doubts = [said for said in all_said if good is None or (said.may_name and _since(said) >= _since(good))]
    if good is not None and not doubts:
        return good.finding
    return max((said.finding for said in doubts), key=lambda finding: _NEAREST.index(finding.code))


def _since(said: _Said) -> datetime:
    return said.list.since


def _gives_way(against: _Said, good: _Said | None) -> bool:
    """Say whether a list that names a certificate is out of date, and the next one that is in date does not."""
    return good is not None and not against.current and _since(against) < _since(good)


def _none_of(certificate: x509.Certificate, malformed: int) -> Revocation:
    issuer = certificate.issuer.rfc4514_string()
    detail = f"no list is issued by {issuer}"
    if malformed:
        return _unknown("crl.malformed", f"{malformed} list(s) cannot be parsed; {detail}")
    return _unknown("crl.missing", detail)


def _heard(crl: Crl, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime) -> _Said:
    """Say what one list says; what cannot be read in it, or in the certificate, leaves it open whom it names."""
    signed = False
    try:
        signed = crl.is_signed_by(issuer)
        if signed:
            return _said(crl, certificate, issuer, at)
    except Exception as error:  # noqa: BLE001 - hostile certificates and lists may make a library raise anything
        return _Said(crl, _unknown("crl.malformed", str(error)), may_name=signed)
    return _Said(crl, _unknown("crl.signature", "not signed by the issuer's key in this path, or with a weak digest"))


def _said(crl: Crl, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime) -> _Said:
    """Say what a list that the issuer has signed says of a certificate."""
    outdated = _outdated(crl, at)
    listed = crl.listed(certificate)
    if listed in (Listed.REVOKED, Listed.HELD):
        revoked_at = crl.revoked_at(certificate)
        if outdated is not None and at < crl.since and revoked_at is not None and at < revoked_at:
            return _Said(crl, outdated)
        since = "" if revoked_at is None else f" as of {when(revoked_at)}"
        how = "on hold" if listed is Listed.HELD else "revoked"
        detail = f"serial number {certificate.serial_number:x} is {how}{since}"
        return _Said(crl, Revocation("revoked", "chain.revoked", detail[:_DETAIL]), current=outdated is None)
    if crl.unread is not None:
        return _Said(crl, _unknown(*crl.unread), may_name=True)
    finding = _doubt(crl, certificate, issuer) or outdated
    return _Said(crl, finding or Revocation("good", until=crl.until), current=outdated is None)


def _doubt(crl: Crl, certificate: x509.Certificate, issuer: x509.Certificate) -> Revocation | None:
    """Return why a list that does not revoke a certificate does not prove it good, whatever the time is, or None."""
    if crl.problem is not None:
        return _unknown(*crl.problem)
    if crl.listed(certificate) is Listed.REMOVED:
        return _unknown("crl.delta", "the list names the certificate with removeFromCRL, as only delta CRLs may")
    if not crl.covers(certificate):
        return _unknown("crl.scope", "the list does not surely name all certificates of this kind, for all reasons")
    if not _may_sign_lists(issuer):
        return _unknown("crl.key-usage", "the issuer's certificate has keyUsage without cRLSign")
    return None


def _outdated(crl: Crl, at: datetime) -> Revocation | None:
    if at < crl.since:
        return _unknown("crl.not-yet-valid", f"the list is of {when(crl.since)}")
    if crl.until is None:
        return _unknown("crl.expired", "the list has no nextUpdate, so nobody knows when it is too old")
    if at >= crl.until:
        return _unknown("crl.expired", f"the next list was due on {when(crl.until)}")
    return None


def _unknown(code: str, detail: str) -> Revocation:
    return Revocation("unknown", code, detail[:_DETAIL])


def _may_sign_lists(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True
