"""Finding the servers: which service, by NAPTR records (RFC 3263 section 4.1)."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "locate.transport",
        "error",
        "the URI leaves no transport that may be used",
        why="its scheme and transport parameter exclude every transport of the policy",
        impact="calls to this URI fail from here; callers whose policy has the transport are not affected",
        causes=(
            "the URI says transport=udp or transport=tcp, and only TLS may be used here",
            "a sips URI names a transport that has no TLS, such as udp",
        ),
        confirm=("$ siptls locate URI",),
        fix="change the URI or the policy",
        reference="RFC 3263 section 4.1, RFC 3261 section 26.2.2",
    ),
    Code(
        "locate.family",
        "error",
        "the URI gives an address of a family that may not be used",
        why="the address is IPv4 or IPv6, and this side is told to use only the other family",
        impact="calls to this URI fail from here; callers that have the other family are not affected",
        causes=(
            "-4 or -6 was given, or Policy.families has one family only",
            "the URI holds an address where it should hold a name",
        ),
        confirm=("$ siptls locate URI",),
        fix="give an address of the other family, or a name; or change the policy",
        reference="RFC 7984 section 3.1",
    ),
    Code(
        "locate.maddr",
        "note",
        "the maddr parameter is looked up instead of the host",
        why="it is no promise of the host: only the host counts as identity",
        impact=(
            "none for the identity: the peer must still be the domain of the host; but the way there is that of maddr"
        ),
        reference="RFC 3263 section 4",
    ),
    Code(
        "locate.naptr",
        "ok",
        "NAPTR asked",
        why="the NAPTR records of a domain say which transports it offers, and which one it prefers",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.naptr-chosen",
        "ok",
        "NAPTR record chosen",
        why="the most preferred one with a usable transport",
        reference="RFC 3403 section 4.1",
    ),
    Code(
        "locate.naptr-foreign",
        "note",
        "the NAPTR record leads into another domain",
        why="the identity stays that of the URI's host, unless DNSSEC protects each step",
        impact=(
            "none, if that domain's servers have a certificate for the domain of the URI; otherwise they are rejected"
        ),
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.naptr-passed-over",
        "note",
        "NAPTR record passed over",
        why="its service, flag or order does not fit what is wanted here; the reason stands beside the record",
        impact="none: another record was chosen, or SRV records are asked at the domain itself",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.naptr-unusable",
        "warning",
        "no NAPTR record can be used, so SRV is asked at the domain itself",
        why="none has flag s, no regexp, a name to go to and a transport that may be used",
        impact="clients go on with SRV records at the domain itself; those that insist on NAPTR find no server",
        causes=(
            "the records are for another service, such as ENUM or STUN",
            "the flag is not s, or there is a regular expression",
            "no record offers a transport that may be used here",
        ),
        confirm=(
            "$ dig +dnssec DOMAIN NAPTR",
            "$ siptls locate sip:DOMAIN",
        ),
        fix='publish for example: NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp',
        reference="RFC 3263 section 4.1, RFC 3403 section 4.1",
    ),
    Code(
        "locate.naptr-incomplete",
        "warning",
        "NAPTR does not offer what every SIP domain with NAPTR records must offer",
        why="a client goes by what NAPTR offers, so one that has only the other transports may find no server",
        impact="calls from clients that have only the transports that are missing fail; all others work",
        causes=("only the records for TLS were published, or only those for UDP",),
        confirm=("$ dig +dnssec DOMAIN NAPTR",),
        fix='publish what is missing, for example: NAPTR 100 50 "s" "SIP+D2U" "" _sip._udp',
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.naptr-order",
        "warning",
        "NAPTR does not prefer TLS",
        why="clients take the lowest order that they can use, so those that have TLS may go without it",
        impact="calls work, but those from clients that could use TLS may go in clear text",
        causes=("UDP was published first, and TLS was added below it later",),
        confirm=(
            "$ dig +dnssec DOMAIN NAPTR",
            "compare the first number, the order, of the SIPS records with that of the SIP records",
        ),
        fix="give SIPS records a lower order than all SIP records, for example 50 and 90",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.naptr-sips-udp",
        "note",
        "a NAPTR record offers TLS over UDP, which SIP does not have",
        why="TLS needs a transport that delivers in order, and no NAPTR service is registered for TLS over UDP",
        impact="none: no client can use the record",
        fix="remove it; SIPS+D2T is TLS over TCP",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.naptr-equal",
        "note",
        "NAPTR records for one service have the same order and preference",
        why="a stateless proxy must send a repeated request the same way again, and these records do not say which way",
        impact=(
            "a call through a stateless proxy may be set up twice or break, when a request is repeated and goes to "
            "another server"
        ),
        fix="give each its own preference, for example 50 and 51",
        reference="RFC 3263 section 4.4",
    ),
    Code(
        "locate.naptr-malformed",
        "warning",
        "a NAPTR record has both a regular expression and a replacement",
        why="one excludes the other; the record is ignored here, other clients may fail",
        impact="none here; clients that evaluate the regular expression find no server, or the wrong one",
        causes=("the record was copied from an ENUM zone, where a regular expression is usual",),
        confirm=("$ dig +dnssec DOMAIN NAPTR",),
        fix='publish "" as the regular expression: SIP uses only the replacement',
        reference="RFC 3403 section 4.1",
    ),
    Code(
        "locate.downgrade-possible",
        "note",
        "the choice of transport is not protected",
        why="DNSSEC does not protect the NAPTR answer: somebody on the path may have removed records from it",
        impact=(
            "calls work; an attacker on the path could make a client use a transport without TLS, if its policy allows "
            "one"
        ),
        confirm=("$ delv DOMAIN NAPTR",),
        fix="use a sips URI, or sign the zone",
        reference="RFC 3263 section 7",
    ),
    Code(
        "locate.sips-vanished",
        "warning",
        "the domain offered TLS before, and does not now",
        why="somebody on the path may have removed the records that say so",
        impact="a client that allows other transports now calls without TLS; one that insists on TLS finds no server",
        causes=(
            "the zone was changed, and the records for TLS were lost",
            "an answer was forged, or a resolver filters NAPTR or SRV records",
        ),
        confirm=(
            "$ dig +dnssec DOMAIN NAPTR",
            "$ dig +dnssec _sips._tcp.DOMAIN SRV",
            "ask again through another resolver, and compare",
        ),
        fix="use a sips URI; ask the domain's operator",
        reference="RFC 3263 section 7",
    ),
)
