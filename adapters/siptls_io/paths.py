"""Path validation (RFC 5280 section 6) by `cryptography`: signatures, dates, CA bits, path lengths, name constraints.

Names and extended key usage are left to the core, which knows what they mean for SIP. Therefore the *client* verifier
is used, which compares no name, with policies that let every extension pass which the core looks at itself.

It accepts no Ed25519 or Ed448 signature of a CA, no RSA key of a CA below 2,048 bits, and no CA, anchors included,
without basicConstraints; none of this can be relaxed.

Nor can what it asks of dates, of anchors too. The time of judging must lie within them, though RFC 5280 section 6.1
leaves the dates of an anchor to whoever trusts it. And dates from 1950 to 2049 must be UTCTime: the root "Certum
Trusted Network CA 2" of many systems has them as GeneralizedTime, and what stands below it is refused with
`chain.invalid`. A `KeyAnchor` has no dates, so those of a certificate that stands for it do not matter.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from siptls.events import PathEvent, PathRejected, PathValidated, ValidatePath

from .anchors import Prepared, by_subject, issuer_of, loaded, loaded_issuer, subject_of

MAX_DEPTH = 8
"""The most certificates between the leaf and the anchor."""
_MAX_STEPS = 2_000
_MAX_PATHS = 32
_DETAIL = 200
_OWN_ANCHOR = "the certificate is itself given as a trust anchor, but nothing vouches for itself"
_GAVE_UP = "maximum signature check limit"
_SHOWN_BY_LIBRARY = " (encountered processing"
_IN_OUR_WORDS = (
    ("not valid at validation time", "a certificate is out of its dates"),
    ("signature does not match", "a signature was not made by the key of the issuer that is named"),
    ("without keyCertSign", "the keyUsage of an authority has no keyCertSign"),
    ("basicConstraints.cA must be", "the basicConstraints of an issuer do not say that it is an authority"),
    ("has no basicConstraints", "an issuer has no basicConstraints, so it is no authority"),
    ("path length constraint", "more authorities stand below one than its pathLenConstraint allows"),
    ("exceeds max depth", f"more than {MAX_DEPTH} authorities stand above the certificate"),
    ("permitted name constraints", "an authority may speak only for other names than those of the certificate"),
    ("excluded name constraint", "an authority may not speak for a name of the certificate"),
    ("unsupported name constraint", "an authority has a name constraint of a kind that is not supported"),
    ("Exceeded maximum", "it is too much work: too many certificates, names or constraints"),
    ("RSA key is too weak", "the RSA key of an authority is too short"),
    ("Forbidden", "a key or a signature is of a kind that is not supported"),
    ("non-empty Issuer", "a certificate names no issuer"),
    ("serial", "a certificate has a serial number that is 0, negative or too long"),
    ("must be UtcTime", "a date before 2050 is not written as UTCTime, as RFC 5280 section 4.1.2.5 has it"),
    ("X509v3", "a certificate is not of version 3"),
    ("no interior errors", "no certificate that is here leads to a trust anchor"),
)
"""What the library says, by a part of it, and what that means."""

Chain = tuple[x509.Certificate, ...]


def _may_sign(_policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    # The library looks at keyUsage only where a policy asks for it (RFC 5280 section 6.1.4 (n)).
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("a CA without keyCertSign")


_EE_POLICY = ExtensionPolicy.permit_all()
_CA_POLICY = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign)
)


def validate_path(action: ValidatePath) -> PathEvent:
    """Find a valid path and return it.

    The order of the pool decides nothing, so neither does the order in which a peer sends its certificates. Malformed
    certificates in the pool and among the anchors are passed over. The leaf itself is never an anchor.

    Args:
        action: the question.

    Returns:
        `PathValidated`, or `PathRejected` with a code of the catalogue; whatever a library raises is a rejection too.
    """
    leaf = loaded(action.leaf)
    if leaf is None:
        return PathRejected(action, "chain.malformed", "the certificate cannot be parsed")
    pool = [certificate for der in sorted({*action.pool} - {action.leaf}) if (certificate := loaded_issuer(der))]
    given = Prepared.of(action.anchors)
    anchors = given.without(leaf, action.leaf)
    if anchors.store is None:
        reason = "chain.self-signed" if _self_issued(leaf) else "chain.unknown-ca"
        return PathRejected(action, reason, "no trust anchor" if anchors is given else _OWN_ANCHOR)
    try:
        found = _found(leaf, pool, anchors, action.at)
        path = found if action.through is None else _through(found, pool, anchors, action)
    except Exception as error:  # noqa: BLE001 - hostile certificates may make a library raise anything
        reason, detail = _told(str(error).removeprefix("validation failed: "), (leaf, *pool), anchors, action.at)
        if reason == "chain.self-signed" and anchors is not given:
            detail = _OWN_ANCHOR
        return PathRejected(action, reason, detail[:_DETAIL])
    if path is None:
        return PathRejected(action, "chain.invalid", "no valid path contains the certificate that it must contain")
    return PathValidated(action, tuple([certificate.public_bytes(Encoding.DER) for certificate in path]))


def _found(leaf: x509.Certificate, pool: list[x509.Certificate], anchors: Prepared, at: datetime) -> Chain:
    """Return a valid path.

    Certificates that could each have issued the other, such as a root and its renewal, keep the library busy until it
    gives up. Then each way that the names allow is validated alone.
    """
    assert anchors.store is not None
    try:
        return _verified(leaf, pool, anchors.store, at)
    except VerificationError as error:
        if _GAVE_UP not in str(error):
            raise
        for way in islice(_ways(leaf, _Above(pool, anchors), None), _MAX_PATHS):
            with contextlib.suppress(VerificationError):
                return _verified(way[0], list(way[1:-1]), Store([way[-1]]), at)
        raise


def _verified(leaf: x509.Certificate, pool: list[x509.Certificate], store: Store, at: datetime) -> Chain:
    builder = PolicyBuilder().store(store).time(at).max_chain_depth(MAX_DEPTH)
    verifier = builder.extension_policies(ca_policy=_CA_POLICY, ee_policy=_EE_POLICY).build_client_verifier()
    return tuple(verifier.verify(leaf, pool).chain)


def _through(path: Chain, pool: list[x509.Certificate], anchors: Prepared, action: ValidatePath) -> Chain | None:
    """Return a valid path that contains a certificate, if there is one (RFC 7671 section 5.4).

    The library stops at the first anchor it finds. So each way that the names allow is validated alone, beginning with
    the one that it found, until one is valid and contains the certificate.
    """
    if _contains(path, action.through):
        return path
    for way in islice(_ways(path[0], _Above(pool, anchors), action.through), _MAX_PATHS):
        try:
            valid = _verified(way[0], list(way[1:-1]), Store([way[-1]]), action.at)
        except VerificationError:
            continue
        if _contains(valid, action.through):
            return valid
    return None


class _Above:
    """Who may stand above a certificate, by names alone."""

    def __init__(self, pool: Iterable[x509.Certificate], anchors: Prepared) -> None:
        self._pool = by_subject(pool)
        self._anchors = anchors

    def __call__(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        issuer = issuer_of(certificate)
        return [] if issuer is None else [*self._pool.get(issuer, ()), *self._anchors.named(issuer)]

    def trusts(self, certificate: x509.Certificate) -> bool:
        return certificate.public_bytes(Encoding.DER) in self._anchors.certificates


def _ways(leaf: x509.Certificate, above: _Above, through: bytes | None) -> Iterator[Chain]:
    """Yield the paths to an anchor, or those of them that contain a certificate."""
    unfinished: list[Chain] = [(leaf,)]
    for _ in range(_MAX_STEPS):
        if not unfinished:
            return
        way = unfinished.pop()
        if above.trusts(way[-1]) and (through is None or _contains(way, through)):
            yield way
        if len(way) <= MAX_DEPTH + 1:
            unfinished.extend([(*way, issuer) for issuer in above(way[-1]) if issuer not in way])


def _contains(path: Chain, der: bytes | None) -> bool:
    return any(certificate.public_bytes(Encoding.DER) == der for certificate in path[1:])


def _told(detail: str, presented: Chain, anchors: Prepared, at: datetime) -> tuple[str, str]:
    """Return the code of a rejection, and the library's text or what says more."""
    above = _Above(presented[1:], anchors)
    line = _line(presented[0], above)
    try:
        reason = _reason(detail, line, above, at)
        if reason in {"chain.unknown-ca", "chain.missing-intermediate"}:
            return (
                reason,
                f"no trust anchor and no certificate that was sent is named {line[-1].issuer.rfc4514_string()}",
            )
    except Exception as error:  # noqa: BLE001 - names and dates are parsed only now, and are as hostile as the rest
        return "chain.malformed", str(error)
    return reason, _in_our_words(detail)


def _in_our_words(detail: str) -> str:
    """Say what the library says without its terms, and without its way to show a certificate."""
    said = detail.partition(_SHOWN_BY_LIBRARY)[0].replace("candidates exhausted: ", "")
    return next((words for part, words in _IN_OUR_WORDS if part in said), said)


def _reason(detail: str, line: list[x509.Certificate], above: _Above, at: datetime) -> str:
    """Return the code of a rejection. The library has one exception for all, so its text and the certificates tell."""
    leaf = line[0]
    if "not valid at validation time" in detail:
        # The leaf, and if it is in time, somebody above it.
        for certificate in line:
            if at > certificate.not_valid_after_utc:
                return "chain.expired"
            if at < certificate.not_valid_before_utc:
                return "chain.not-yet-valid"
    if _self_issued(leaf):
        return "chain.self-signed"
    if "Exceeded maximum name constraint" in detail:
        return "chain.invalid"  # too much work for the library: that says nothing of names
    if "name constraint" in detail.lower():
        return "chain.name-constraints"
    if "too weak" in detail or "Forbidden" in detail:
        return "chain.weak"
    if any(above.trusts(certificate) for certificate in line):
        return "chain.invalid"
    return "chain.unknown-ca" if _is_ca(line[-1]) else "chain.missing-intermediate"


def _line(leaf: x509.Certificate, above: _Above) -> list[x509.Certificate]:
    """Return the leaf and whoever may stand above it, nearest first, each once."""
    line = [leaf]
    for certificate in line:  # grows while it is walked
        line.extend([issuer for issuer in above(certificate) if issuer not in line])
    return line


def _self_issued(certificate: x509.Certificate) -> bool:
    subject = subject_of(certificate)
    return subject is not None and subject == issuer_of(certificate)


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError, Warning):
        return False
