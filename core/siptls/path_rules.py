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
    usage = leaf.key_usage
    if usage is not None and usage.isdisjoint(_KEY_USAGES_FOR_TLS):
        return "chain.key-usage", ("digitalSignature", ", ".join(sorted(usage)))
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


def up_to_anchor(path: list[Certificate], anchors: Anchors) -> list[Certificate]:
    """Return a path without what stands above the first certificate that has the name and the key of a bare-key anchor.

    Such a certificate is the anchor, whatever else is in it, and however the validator went on (RFC 5280 section 6.1).

    Args:
        path: the validated path, leaf first and anchor last.
        anchors: the anchors it was looked for to.

    Raises:
        InvalidCertificate: a certificate is malformed.
    """
    keys = {(anchor.name, anchor.spki) for anchor in anchors.keys}
    if keys:
        for position, authority in enumerate(path[1:], 2):
            if (authority.subject, authority.spki) in keys:
                return path[:position]
    return path


def binding(path: list[Certificate], anchors: Anchors) -> list[Certificate]:
    """Return the certificates of a path whose dates and constraints bind: a bare key has none (D-PATH-4).

    Args:
        path: the path from `up_to_anchor`.
        anchors: the anchors it was looked for to.
    """
    return path[:-1] if anchors.keys and path[-1].der not in anchors.certificates else path


def seconds_left(certificates: list[Certificate], at: datetime) -> float:
    """Return how long certificates stay valid: until the first of them expires.

    Args:
        certificates: at least one.
        at: the time from which it is counted.

    Raises:
        InvalidCertificate: the dates of a certificate are malformed.
    """
    return (min([certificate.not_after for certificate in certificates]) - at) / timedelta(seconds=1)


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
