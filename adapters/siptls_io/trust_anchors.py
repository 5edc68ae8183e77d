"""What DNSSEC validation starts from: the keys of the root zone, or those that the caller trusts instead."""

from __future__ import annotations

import os
from typing import Final

import dns.name
import dns.rdata
import dns.rdataset
import dns.rdatatype
import dns.transaction
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.dnskeybase import Flag

from .errors import InvalidTrustAnchor, InvalidZone
from .zone import read_records, read_text

ROOT: Final = """\
; KSK-2017
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
; KSK-2024
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
"""
"""The root zone's trust anchors as IANA publishes them at https://data.iana.org/root-anchors/root-anchors.xml.

Taken from /usr/share/dns/root.ds of Debian's package dns-root-data 2024071801~deb12u1, and equal to the digests of the
keys in its root.key.
"""

_ALGORITHMS: Final = frozenset({8, 10, 13, 14, 15})
"""Those that validators still take (RFC 8624 sections 3.1 and 3.3); not Ed448, which not every libunbound knows."""
_DIGESTS: Final = frozenset({2, 4})


def read_trust_anchors(source: str | os.PathLike[str] | None) -> list[str]:
    """Read DS and DNSKEY records.

    Args:
        source: their text in master-file syntax (RFC 1035 section 5.1); a `Path` is read instead; None: those of the
            root zone that come with this package.

    Returns:
        The records, one line each.

    Raises:
        InvalidTrustAnchor: there is none, something else is there too, or one that no zone's keys can agree with; with
            file and line. A validator would take an anchor of an unknown algorithm as if there were none.
    """
    text = ROOT if source is None else source
    try:
        if isinstance(text, str):
            return _records(text, "trust anchors")
        return _records(read_text(text), os.fspath(text))
    except InvalidZone as error:
        raise InvalidTrustAnchor(error.file, error.line, error.problem) from error


def _records(text: str, file: str) -> list[str]:
    zone = read_records(dns.name.root, text, file, _check)
    found = [f"{name} IN {_kind(rdata)} {rdata}" for name, _, rdata in zone.iterate_rdatas()]
    if not found:
        raise InvalidTrustAnchor(file, None, "no DS and no DNSKEY record")
    return found


def _kind(rdata: dns.rdata.Rdata) -> str:
    """Return the type of a record as text."""
    return dns.rdatatype.to_text(rdata.rdtype)


def _check(_: dns.transaction.Transaction, __: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> None:
    for rdata in rdataset.processing_order():
        if isinstance(rdata, DNSKEY):
            if rdata.protocol != 3 or rdata.flags & (Flag.ZONE | Flag.REVOKE) != Flag.ZONE:
                raise ValueError("no key that signs a zone (RFC 4034 section 2.1, RFC 5011 section 2.1)")
        elif not isinstance(rdata, DS):
            raise ValueError(f"expected DS or DNSKEY, not {_kind(rdata)}")
        elif rdata.digest_type not in _DIGESTS:
            raise ValueError(f"unknown or outdated digest type {rdata.digest_type}")
        if rdata.algorithm not in _ALGORITHMS:
            raise ValueError(f"unknown or outdated algorithm {int(rdata.algorithm)}")
