"""What is wrong for certain with the path from a certificate to an authority that TLSA records name.

These are the rules of RFC 5280 section 6 that can be told without verifying a signature, and those of `path_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from .certificate import Certificate
from .dane import DANE_TA, PKIX_EE, SPKI
from .dns.records import Tlsa
from .errors import InvalidCertificate
from .identity import host_names, violates_constraints
from .journal import day
from .names import fold
from .path_rules import purpose_faults
from .policy import Limits
from .served import Served
from .served_names import Found


def path_findings(served: Served, records: Sequence[Tlsa], names: tuple[str, str], at: datetime | None) -> list[Found]:
    """Hold the paths to what records name against the rules for paths.

    Args:
        served: what the server presents, which is certificates.
        records: records of usages 0, 1 and 2 that match, at least one.
        names: the SIP domain and the TLSA base domain, each empty if it is not known.
        at: the time at which certificates must be valid, aware; None leaves dates out.

    Returns:
        Nothing if one path has nothing wrong with it; else what is wrong with the first.
    """
    first: list[Found] = []
    for record in records:
        authority = served.match(record)
        assert authority is not None  # they match, and not a bare key
        if record.usage == PKIX_EE:
            authority = ([authority, *served.above])[-1]
        path = served.path_to(authority)
        # A bare key has neither dates nor constraints (RFC 7671 section 5.2.1).
        bound = path[:-1] if record.usage == DANE_TA and record.selector == SPKI else path
        found = _faults(path, bound, names, at)
        if not found:
            return []
        first = first or found
    return first


def _faults(
    path: list[Certificate], bound: list[Certificate], names: tuple[str, str], at: datetime | None
) -> list[Found]:
    found: list[Found] = []
    try:
        if at is not None:
            found += _date_faults(bound, at)
        found += _authority_faults(bound)
        for code, evidence in purpose_faults(path, "interop", "server"):
            expected, seen = cast("tuple[str, str]", evidence)
            found.append((code, expected, seen))
        found += _constraint_faults(bound, names)
    except InvalidCertificate as error:
        found.append(("chain.malformed", error.expected, error.place))
    return found


def _date_faults(bound: list[Certificate], at: datetime) -> list[Found]:
    for number, certificate in enumerate(bound):
        place = "the server's certificate" if number == 0 else f"the certificate authority {number} above it"
        if at > certificate.not_after:
            return [("chain.expired", f"valid at {day(at)}", f"{place}: until {day(certificate.not_after)}")]
        if at < certificate.not_before:
            text = f"{place}: from {day(certificate.not_before)}"
            return [("chain.not-yet-valid", f"valid at {day(at)}", text)]
    return []


def _authority_faults(bound: list[Certificate]) -> list[Found]:
    """CA bits, key usage and path lengths (RFC 5280 section 6.1.4 (k) to (n))."""
    between = 0
    for number, authority in enumerate(bound[1:], 1):
        place = f"the certificate authority {number} above the server's certificate"
        usage, most = authority.key_usage, authority.path_length
        if not authority.is_ca:
            return [("chain.invalid", "basicConstraints with cA", f"{place} has none")]
        if usage is not None and "keyCertSign" not in usage:
            return [("chain.invalid", "keyCertSign", f"{place} may not sign certificates")]
        if most is not None and between > most:
            text = f"{between} below {place}"
            return [("chain.invalid", f"at most {most} intermediate certificate authorities", text)]
        between += not authority.self_issued
    return []


def _constraint_faults(bound: list[Certificate], names: tuple[str, str]) -> list[Found]:
    """Name constraints, on the domain whatever carries it (D-PATH-1), and on URIs (A-31)."""
    leaf = bound[0]
    given = leaf.names_up_to(Limits().sans) or ()
    wanted = {fold(name) for name in names}
    for identity in host_names(leaf):
        if "*" in identity.domain or (identity.origin != "dns" and identity.domain not in wanted):
            continue
        authority = violates_constraints(identity.domain, bound)
        if authority is not None:
            return [("chain.name-constraints", identity.domain, f"constraints: {_subtrees(authority)}")]
    # A URI without an authority component cannot be held against a constraint on URIs, so it must be rejected.
    uris = [str(n.value) for n in given if n.kind == "uri" and "://" not in str(n.value)]
    for authority in bound[1:] if uris else ():
        constraints = authority.name_constraints
        if constraints is None:
            continue
        if any(name.kind == "uri" for name in (*constraints.permitted, *constraints.excluded)):
            return [("chain.uri-constraints", "no constraint on URIs", f"{uris[0]} below {_subtrees(authority)}")]
    return []


def _subtrees(authority: Certificate) -> str:
    constraints = authority.name_constraints
    assert constraints is not None
    permitted = [f"permitted {name.kind} {name.value!r}" for name in constraints.permitted]
    excluded = [f"excluded {name.kind} {name.value!r}" for name in constraints.excluded]
    return ", ".join((permitted + excluded)[:8])
