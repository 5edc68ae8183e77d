"""Finding the servers: what came of it."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "locate.not-checked",
        "note",
        "not everything that the domain publishes could be checked",
        why="these lookups gave no answer; none of them has a say in where to go",
        fix="try again; raise policy.limits",
    ),
    Code(
        "locate.audited",
        "ok",
        "asked for the audit only",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.no-service",
        "error",
        "the domain proves that it offers no such service",
        why="DNSSEC vouches for the denial",
        fix="publish NAPTR, SRV and address records",
        reference="RFC 3263 section 4.2",
    ),
    Code(
        "locate.no-service.unproven",
        "error",
        "the domain seems to offer no such service",
        why=(
            "the denial is not protected by DNSSEC, so it may be forged: never fall back to another transport because "
            "of it"
        ),
        fix="publish NAPTR, SRV and address records; sign the zone",
        reference="RFC 3263 section 7",
    ),
    Code(
        "locate.servfail",
        "error",
        "a name server failed to answer",
        why="a failed lookup is never the same as no record",
        fix="ask the operator of the name servers; try again",
        reference="RFC 7673 section 3.1",
    ),
    Code(
        "locate.refused",
        "error",
        "a name server refused to answer",
        why="no zone at hand holds the name",
        fix="ask another resolver; offline, add the zone",
        reference="RFC 7673 section 3.1",
    ),
    Code(
        "locate.timeout",
        "error",
        "no name server answered in time",
        fix="try again; check the resolver",
        reference="RFC 7673 section 3.1",
    ),
    Code(
        "locate.malformed",
        "error",
        "the DNS answer makes no sense",
        fix="check the zone and the resolver",
        reference="RFC 7673 section 3.1",
    ),
    Code(
        "locate.target-failed",
        "note",
        "a server failed, so the next one, or the next address, is tried",
        why="it answered 503, not at all, or the transport failed",
        reference="RFC 3263 section 4.3",
    ),
    Code(
        "locate.restarted",
        "note",
        "records have expired meanwhile, so the servers are located anew",
        reference="RFC 3403 section 3",
    ),
    Code(
        "locate.expired",
        "note",
        "records have expired once more, so no further server is tried",
        fix="try again",
        reference="RFC 3403 section 3",
    ),
    Code(
        "locate.failed-before",
        "note",
        "the addresses of this server have failed already",
        reference="RFC 3263 section 4.3",
    ),
    Code(
        "locate.stopped",
        "error",
        "the search was ended before a server was found",
        fix="let it run on",
    ),
)
