"""What a valid path must fulfil beyond RFC 5280 path validation: purposes, key usage, dates (D-PATH, RFC 5924).

The validator lets all of these pass, because they mean something else for SIP than for the web.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from .certificate import Certificate
from .errors import InvalidCertificate
from .events import Anchors
from .identity import acceptable_purpose, purpose_violation
from .policy import Purpose

_KEY_USAGES_FOR_TLS: Final = frozenset({"digitalSignature", "keyEncipherment", "keyAgreement"})


def purpose_fault(path: list[Certificate], eku: Purpose) -> tuple[str, object] | None:
    """Say what in a path is for another purpose than SIP over TLS (A-04, D-PATH-2, RFC 5280 section 4.2.1.12).

    Args:
        path: the validated path, leaf first and anchor last.
        eku: which purposes the policy takes.

    Returns:
        A code with what was expected and found, or None if nothing is wrong.

    Raises:
        InvalidCertificate: a certificate is malformed where it is read.
    """
    leaf, expected = path[0], f"a purpose that policy {eku!r} takes"
    if not acceptable_purpose(leaf.extended_key_usage, eku, "server"):
        return "chain.eku", (expected, ", ".join(leaf.extended_key_usage or ()))
    if leaf.key_usage is not None and leaf.key_usage.isdisjoint(_KEY_USAGES_FOR_TLS):
        return "chain.key-usage", ("digitalSignature", ", ".join(sorted(leaf.key_usage)))
    authority = purpose_violation(path, eku, "server")
    if authority is not None:
        purposes = ", ".join(authority.extended_key_usage or ())
        return "chain.eku", (expected, f"an authority limited to {purposes}")
    return None


def date_fault(leaf: Certificate, at: datetime) -> str:
    """Return the code of what is wrong with the dates of a certificate, or an empty text.

    Args:
        leaf: the certificate.
        at: the time at which it must be valid (RFC 5280 section 6.1.3 (a) (2)).
    """
    try:
        if at > leaf.not_after:
            return "chain.expired"
        if at < leaf.not_before:
            return "chain.not-yet-valid"
    except InvalidCertificate:
        return "cert.malformed"
    return ""


def seconds_left(path: list[Certificate], anchors: Anchors, at: datetime) -> float:
    """Return how long a path stays valid: until its first certificate expires.

    Args:
        path: the validated path, leaf first and anchor last.
        anchors: the anchors it was looked for to. A bare key has no dates, so what stands for it does not count.
        at: the time of the validation.

    Raises:
        InvalidCertificate: the dates of a certificate are malformed.
    """
    dated = path if path[-1].der in anchors.certificates else path[:-1]
    return (min([certificate.not_after for certificate in dated]) - at) / timedelta(seconds=1)


def malformed(leaf: Certificate) -> str:
    """Return the code that says whether the malformed certificate of a path is the leaf or one above it.

    Args:
        leaf: the peer's certificate.
    """
    try:
        _ = leaf.names, leaf.key_usage, leaf.extended_key_usage, leaf.not_after
    except InvalidCertificate:
        return "cert.malformed"
    return "chain.malformed"
