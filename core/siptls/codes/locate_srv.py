"""Finding the servers: which hosts and addresses, by SRV and address records (RFC 3263 section 4.2)."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "locate.srv",
        "ok",
        "SRV asked",
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
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.direct",
        "ok",
        "the host of the URI is the server",
        reference="RFC 3263 section 4.2",
    ),
    Code(
        "locate.srv-root",
        "note",
        'the domain says that it does not offer this (SRV target ".")',
        reference="RFC 2782",
    ),
    Code(
        "locate.srv-missing",
        "warning",
        "what NAPTR offers has no SRV records under the domain's own name",
        why="clients that do not ask for NAPTR look there, even where NAPTR leads to another domain",
        fix="publish SRV records at that name too; they may name the same servers",
        reference="RFC 3263 section 4.1",
    ),
    Code(
        "locate.srv-equal-weights",
        "note",
        "SRV records of one priority have the same weight",
        why="a stateless proxy must send a repeated request the same way again, and these records do not say which way",
        fix="make the weights differ a little, for example 1000 and 1001",
        reference="RFC 3263 section 4.4",
    ),
    Code(
        "locate.srv-root-beside",
        "warning",
        'an SRV record with the target "." stands beside others',
        why='"." says that the service is not offered; it is ignored here, other clients may believe it',
        fix='remove the record with ".", or all others',
        reference="RFC 2782",
    ),
    Code(
        "locate.nonstandard-srv",
        "warning",
        "there are SRV records for _sip._tls, a name that no standard knows",
        why="they are not followed here; clients that keep to RFC 3263 do not look for them",
        fix="publish the same records at _sips._tcp",
        reference="RFC 3263 section 4.2",
    ),
    Code(
        "locate.one-family",
        "note",
        "not both address families are served",
        why="clients that have only the other family cannot reach any of them",
        fix="publish A and AAAA records for at least one of the hosts",
        reference="RFC 7984 section 3.2",
    ),
    Code(
        "locate.address",
        "ok",
        "address asked",
        reference="RFC 7984 section 3.1",
    ),
    Code(
        "locate.alias",
        "ok",
        "alias asked alone, to see whether its first step is signed",
        reference="RFC 7672 section 2.1.3",
    ),
    Code(
        "locate.bad-target",
        "error",
        "the SRV record names no host or no port",
        fix="correct the SRV record",
        reference="RFC 2782",
    ),
    Code(
        "locate.srv-cname",
        "warning",
        "the target of an SRV record is an alias, which RFC 2782 forbids",
        why="it is followed here; other clients may not do so",
        fix="let the SRV record name the host itself",
        reference="RFC 2782",
    ),
    Code(
        "locate.no-address",
        "error",
        "the host has no address",
        fix="publish A or AAAA records for it",
        reference="RFC 3263 section 4.2",
    ),
    Code(
        "locate.foreign-record",
        "note",
        "records that stand at another name, or are of another type, were dropped",
        reference="RFC 2181 section 5.4.1",
    ),
    Code(
        "locate.loop",
        "error",
        "the aliases run in a circle",
        fix="correct the CNAME or DNAME records",
        reference="RFC 7672 section 2.1.3",
    ),
)
