# Invariant: any octets are either refused with InvalidCertificate or read as a certificate; what is read is what
# `cryptography` reads, and nothing is read where it refuses (tests/second_reader.py lists the exceptions); an identity
# is a name that stands in the certificate; and a second reading says the same. Nothing else is ever raised.
"""Hostile octets for the reader of certificates."""

from __future__ import annotations

import warnings

from second_reader import compare_or_refuse
from siptls.certificate import Certificate
from siptls.errors import InvalidCertificate
from siptls.identity import host_names, sip_identities, violates_constraints
from siptls.references import compare_names


def check(data: bytes) -> None:
    """Read the octets as a certificate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the other reader warns of serial numbers below 1
        compare_or_refuse(data)
    _check_key_and_dates(data)
    _check_identities(data)


def _check_key_and_dates(data: bytes) -> None:
    read = Certificate(data)
    try:
        spki, dates = read.spki, (read.not_before, read.not_after)
    except InvalidCertificate:
        return
    assert spki in data
    assert dates == (Certificate(data).not_before, Certificate(data).not_after)


def _check_identities(data: bytes) -> None:
    read = Certificate(data)
    try:
        identities = sip_identities(read, allow_cn=True)
        hosts = host_names(read)
        reasons = compare_names(read, "example.com", hosts=["host.example"])
        violates_constraints("example.com", [read, read])
    except InvalidCertificate:
        return
    assert identities == sip_identities(Certificate(data), allow_cn=True)
    for identity in (*identities, *hosts):
        assert identity.domain.isascii()
        assert identity.domain.isprintable()
        # A common name may be written in wider characters than octets.
        assert identity.origin == "cn" or identity.domain.encode() in data.lower()
    assert all(each.text.isascii() and each.text.isprintable() for each in reasons)
