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
        fix="change the URI or the policy",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.family",
        "error",
        "the URI gives an address of a family that may not be used",
        fix="give an address of the other family, or a name; or change the policy",
        reference="RFC 7984 section 3.1",
    ),
    Code(
        "locate.maddr",
        "note",
        "the maddr parameter is looked up instead of the host",
        why="it is no promise of the host: only the host counts as identity",
        reference="RFC 3263 section 4",
    ),
    Code(
        "locate.naptr",
        "ok",
        "NAPTR asked",
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
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.naptr-passed-over",
        "note",
        "NAPTR record passed over",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.naptr-unusable",
        "warning",
        "no NAPTR record can be used, so SRV is asked at the domain itself",
        why="none has flag s, no regexp, a name to go to and a transport that may be used",
        fix='publish for example: NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp',
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.naptr-incomplete",
        "warning",
        "NAPTR does not offer what every SIP domain with NAPTR records must offer",
        why="a client goes by what NAPTR offers, so one that has only the other transports may find no server",
        fix='publish what is missing, for example: NAPTR 100 50 "s" "SIP+D2U" "" _sip._udp',
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.naptr-order",
        "warning",
        "NAPTR does not prefer TLS",
        why="clients take the lowest order that they can use, so those that have TLS may go without it",
        fix="give SIPS records a lower order than all SIP records, for example 50 and 90",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.naptr-sips-udp",
        "note",
        "a NAPTR record offers TLS over UDP, which SIP does not have",
        fix="remove it; SIPS+D2T is TLS over TCP",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.naptr-equal",
        "note",
        "NAPTR records for one service have the same order and preference",
        why="a stateless proxy must send a repeated request the same way again, and these records do not say which way",
        fix="give each its own preference, for example 50 and 51",
        reference="RFC 3263 section 4.4",
    ),
    Code(
        "locate.naptr-malformed",
        "warning",
        "a NAPTR record has both a regular expression and a replacement",
        why="one excludes the other; the record is ignored here, other clients may fail",
        fix='publish "" as the regular expression: SIP uses only the replacement',
        reference="RFC 3403 section 4.1",
    ),
    Code(
        "locate.downgrade-possible",
        "note",
        "the choice of transport is not protected",
        why="DNSSEC does not protect the NAPTR answer: somebody on the path may have removed records from it",
        fix="use a sips URI, or sign the zone",
        reference="RFC 3263 section 7",
    ),
    Code(
        "locate.sips-vanished",
        "warning",
        "the domain offered TLS before, and does not now",
        why="somebody on the path may have removed the records that say so",
        fix="use a sips URI; ask the domain's operator",
        reference="RFC 3263 section 7",
    ),
)
