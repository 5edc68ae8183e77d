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
        impact="none: what could not be asked has no say in where to go; only advice may be missing",
        fix="try again; raise policy.limits",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.audited",
        "ok",
        "asked for the audit only",
        why="an operator wants to know of records that this client does not need, but that others go by",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.no-service",
        "error",
        "the domain proves that it offers no such service",
        why="DNSSEC vouches for the denial",
        impact="calls to the domain fail for everybody who asks for this transport",
        causes=(
            "the domain has no SIP service, or none with TLS",
            "the records stand at another name, such as _sip._tls",
            "the zone was changed, and the records were lost",
        ),
        confirm=(
            "$ siptls locate sip:DOMAIN",
            "$ dig +dnssec _sips._tcp.DOMAIN SRV",
            "$ dig +dnssec DOMAIN NAPTR",
        ),
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
        impact="calls to the domain fail from here; if the denial is forged, they fail only where the attacker stands",
        causes=(
            "the domain has no SIP service, or none with TLS",
            "the zone is not signed, or the resolver does not validate",
            "somebody on the path removes records from answers",
        ),
        confirm=(
            "$ siptls locate sip:DOMAIN",
            "$ dig +dnssec _sips._tcp.DOMAIN SRV",
            "ask again through another resolver, and compare",
        ),
        fix="publish NAPTR, SRV and address records; sign the zone",
        reference="RFC 3263 section 7",
    ),
    Code(
        "locate.servfail",
        "error",
        "a name server failed to answer",
        why="a failed lookup is never the same as no record",
        impact=(
            "calls from here to the domain, or to this server, fail until the lookup works; other callers may have an "
            "answer in their cache"
        ),
        causes=(
            "the name servers of the zone are down, or do not have the zone any more",
            "the resolver validates, and found the zone bogus",
            "the resolver has a fault of its own",
        ),
        confirm=(
            "$ dig +dnssec NAME TYPE",
            "$ dig +cd +dnssec NAME TYPE",
            "if only the second one has an answer, the zone is bogus: see dnssec.bogus",
        ),
        fix="ask the operator of the name servers; try again",
        reference="RFC 7673 section 3.1, RFC 2308 section 7.1",
    ),
    Code(
        "locate.refused",
        "error",
        "a name server refused to answer",
        why="no zone at hand holds the name",
        impact="calls from here to the domain, or to this server, fail; callers with another resolver are not affected",
        causes=(
            "the resolver answers only its own network",
            "the address is that of a name server that does not have the zone",
            "offline, no --zone holds the name",
        ),
        confirm=(
            "$ dig NAME TYPE",
            "$ dig @ADDRESS NAME TYPE",
        ),
        fix="ask another resolver; offline, add the zone",
        reference="RFC 7673 section 3.1, RFC 1035 section 4.1.1",
    ),
    Code(
        "locate.timeout",
        "error",
        "no name server answered in time",
        why="a lookup without an answer is never the same as no record: somebody may be holding the answer back",
        impact="calls from here to the domain, or to this server, fail or are slow until the lookup works",
        causes=(
            "the resolver is down or out of reach",
            "the name servers of the zone are down",
            "a firewall drops DNS over TCP, or large answers over UDP",
        ),
        confirm=(
            "$ dig +dnssec NAME TYPE",
            "$ dig +tcp +dnssec NAME TYPE",
            "$ dig +trace NAME TYPE",
        ),
        fix="try again; check the resolver",
        reference="RFC 7673 section 3.1",
    ),
    Code(
        "locate.malformed",
        "error",
        "the DNS answer makes no sense",
        why="an answer that breaks the DNS format proves nothing, and is treated as a failed lookup",
        impact="calls from here to the domain, or to this server, fail",
        causes=(
            "a middlebox or an old resolver changes answers",
            "a record of the zone has data that its type does not allow",
            "somebody forges answers",
        ),
        confirm=(
            "$ dig +dnssec NAME TYPE",
            "ask again through another resolver, and compare",
        ),
        fix="check the zone and the resolver",
        reference="RFC 7673 section 3.1, RFC 1035 section 4.1",
    ),
    Code(
        "locate.target-failed",
        "note",
        "a server failed, so the next one, or the next address, is tried",
        why="it answered 503, not at all, or the transport failed",
        impact="the call takes longer; it works if one of the others answers",
        reference="RFC 3263 section 4.3",
    ),
    Code(
        "locate.restarted",
        "note",
        "records have expired meanwhile, so the servers are located anew",
        why="records may be used only as long as their TTL says, so the servers are looked up again",
        impact="the call takes one more lookup",
        reference="RFC 3403 section 3, RFC 2181 section 8",
    ),
    Code(
        "locate.expired",
        "note",
        "records have expired once more, so no further server is tried",
        why="looking the servers up again and again, with a TTL of a few seconds, would never end",
        impact="the call fails, if no server that was tried has answered",
        fix="try again",
        reference="RFC 3403 section 3",
    ),
    Code(
        "locate.failed-before",
        "note",
        "the addresses of this server have failed already",
        why="a server that has failed is not tried again for the same request",
        impact="none: the next server is tried",
        reference="RFC 3263 section 4.3",
    ),
    Code(
        "locate.stopped",
        "error",
        "the search was ended before a server was found",
        why="the program that drives the search ended it",
        impact="no server is known, so no call is made",
        causes=("the caller hung up, or the program was stopped",),
        confirm=("look at the log of the program that called siptls",),
        fix="let it run on",
        reference="RFC 3263 section 4.3",
    ),
)
