"""Finding the servers: which hosts and addresses, by SRV and address records (RFC 3263 section 4.2)."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "locate.srv",
        "ok",
        "SRV asked",
        why="the SRV records of a name say which hosts and ports offer the service, and in which order",
        reference="RFC 3263 section 4.2",
    ),
    Code(
        "locate.srv-chosen",
        "ok",
        "SRV records chosen",
        why="lowest priority first, within it drawn by weight",
        reference="RFC 2782",
    ),
    Code(
        "locate.srv-passed-over",
        "note",
        "SRV records passed over",
        why="a record of a lower priority number comes first; the reason stands beside the records",
        impact="none: other records were chosen",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.direct",
        "ok",
        "the host of the URI is the server",
        why="the URI has a port, or there are neither NAPTR nor SRV records, so the address of the host is asked",
        reference="RFC 3263 section 4.2",
    ),
    Code(
        "locate.srv-root",
        "note",
        'the domain says that it does not offer this (SRV target ".")',
        why='the only SRV record has the target ".", which says: this service is decidedly not available here',
        impact="clients do not try this transport at all; if no other one is offered, calls to the domain fail at once",
        reference="RFC 2782",
    ),
    Code(
        "locate.srv-missing",
        "warning",
        "what NAPTR offers has no SRV records under the domain's own name",
        why="clients that do not ask for NAPTR look there, even where NAPTR leads to another domain",
        impact="clients without NAPTR support, and there are many, find no server with TLS",
        causes=("the SRV records stand only at the provider's domain, to which NAPTR leads",),
        confirm=(
            "$ dig +dnssec _sips._tcp.DOMAIN SRV",
            "$ dig +dnssec DOMAIN NAPTR",
        ),
        fix="publish SRV records at that name too; they may name the same servers",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.srv-equal-weights",
        "note",
        "SRV records of one priority have the same weight",
        why="a stateless proxy must send a repeated request the same way again, and these records do not say which way",
        impact=(
            "a call through a stateless proxy may be set up twice or break, when a request is repeated and goes to "
            "another server"
        ),
        fix="make the weights differ a little, for example 1000 and 1001",
        reference="RFC 3263 section 4.4, RFC 2782",
    ),
    Code(
        "locate.srv-root-beside",
        "warning",
        'an SRV record with the target "." stands beside others',
        why='"." says that the service is not offered; it is ignored here, other clients may believe it',
        impact='clients that believe the record with "." do not call; others work',
        causes=("the service was switched off or on, and the other records were forgotten",),
        confirm=("$ dig +dnssec _sips._tcp.DOMAIN SRV",),
        fix='remove the record with ".", or all others',
        reference="RFC 2782",
    ),
    Code(
        "locate.nonstandard-srv",
        "warning",
        "there are SRV records for _sip._tls, a name that no standard knows",
        why="they are not followed here; clients that keep to RFC 3263 do not look for them",
        impact="clients that follow RFC 3263 do not find the servers with TLS; some clients that ask for _sip._tls do",
        causes=("the name was copied from the manual of a product that asks for _sip._tls",),
        confirm=(
            "$ dig +dnssec _sip._tls.DOMAIN SRV",
            "$ dig +dnssec _sips._tcp.DOMAIN SRV",
        ),
        fix="publish the same records at _sips._tcp",
        reference="RFC 3263 section 4.2",
    ),
    Code(
        "locate.one-family",
        "note",
        "not both address families are served",
        why="clients that have only the other family cannot reach any of them",
        impact="callers in a network that has only the other family cannot call; all others can",
        fix="publish A and AAAA records for at least one of the hosts",
        reference="RFC 7984 section 3.2",
    ),
    Code(
        "locate.address",
        "ok",
        "address asked",
        why="the A and AAAA records of a host are its addresses",
        reference="RFC 7984 section 3.1",
    ),
    Code(
        "locate.alias",
        "ok",
        "alias asked alone, to see whether its first step is signed",
        why=(
            "where an alias leads from an unsigned zone, its first step alone decides whether TLSA records at the "
            "alias itself count"
        ),
        reference="RFC 7672 section 2.1.3",
    ),
    Code(
        "locate.bad-target",
        "error",
        "the SRV record names no host or no port",
        why="the target of an SRV record must be a host name, and its port a number above 0",
        impact="calls do not reach this server; if the domain has no other one, all calls fail",
        causes=(
            "an address was written where the name of a host must stand",
            "the port is 0",
            "the name has a character that no host name has, such as an underscore",
        ),
        confirm=("$ dig +dnssec _sips._tcp.DOMAIN SRV",),
        fix="correct the SRV record",
        reference="RFC 2782",
    ),
    Code(
        "locate.srv-cname",
        "warning",
        "the target of an SRV record is an alias, which RFC 2782 forbids",
        why="it is followed here; other clients may not do so",
        impact=(
            "calls work from here; from clients that refuse aliases they fail, and TLSA records may be looked for at "
            "the other name"
        ),
        causes=("the host was moved to a provider, and its name became an alias",),
        confirm=("$ dig +dnssec HOST CNAME",),
        fix="let the SRV record name the host itself",
        reference="RFC 2782, RFC 7671 section 7",
    ),
    Code(
        "locate.no-address",
        "error",
        "the host has no address",
        why="a server without an address cannot be connected to",
        impact="calls do not reach this server; if the domain has no other one, all calls fail",
        causes=(
            "the A and AAAA records of the host were removed or never published",
            "the SRV record names a host that no longer exists, or has a typing error",
            "the host has addresses of one family only, and this side uses only the other",
        ),
        confirm=(
            "$ dig +dnssec HOST A",
            "$ dig +dnssec HOST AAAA",
        ),
        fix="publish A or AAAA records for it",
        reference="RFC 3263 section 4.2",
    ),
    Code(
        "locate.foreign-record",
        "note",
        "records that stand at another name, or are of another type, were dropped",
        why="a resolver must answer what was asked, so nothing else in its answer is believed",
        impact="none: the records that belong to the question are used",
        reference="RFC 2181 section 5.4.1, RFC 5452 section 6",
    ),
    Code(
        "locate.loop",
        "error",
        "the aliases run in a circle",
        why="a CNAME or DNAME leads back to a name that was already passed, so no answer is ever reached",
        impact="calls to the domain, or to this server, fail for everybody",
        causes=("two aliases name each other, often after a move between providers",),
        confirm=(
            "$ dig +dnssec HOST CNAME",
            "$ dig +trace HOST A",
        ),
        fix="correct the CNAME or DNAME records",
        reference="RFC 1034 section 3.6.2, RFC 6672 section 2.2, RFC 7672 section 2.1.3",
    ),
)
