"""RFC 3263 as a table: every form of a URI in every state of the domain's NAPTR and SRV records, written by hand.

A row is a URI. Its first columns say how the search begins, and in which states of NAPTR the row holds; the other
columns are the states of SRV. A row without a URI goes on with the one above; a row with one cell has the same in all
states of SRV.

    asks   NAPTR       NAPTR of the URI's TARGET, before anything else
           _sips._tcp  SRV of _sips._tcp.TARGET, and no NAPTR
           A+AAAA      both address types of TARGET, and nothing else
           nothing     nothing

    NAPTR  good        as below: TLS over WebSocket before TLS, TCP and UDP, all at a provider
           broken      records of which nobody can use one
           failed      SERVFAIL
           absent      there are none
           any         all four

    SRV    good        as below: two servers of each kind, each at a port of its own
           "."         one record that says "decidedly not available"
           bad         two records: one without a port, one without a host
           failed      SERVFAIL
           absent      there are none

    cell   tls@s1,s2   the hosts s1 and s2 at the ports of their SRV records by TLS, in this order
           tcp@own:80  all addresses of example.com, IPv6 first, at port 80; with gate: those of gate.example
           udp@192.0.2.9:5060
           no          no targets: the domain offers nothing that this client can use
           bad         no targets: the domain offers something, but the records lead nowhere
           failed      no targets: a name server failed, so nobody knows
           transport   no targets: the client has no transport that the URI allows
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from siptls import Failure, InvalidUri, Outcome, Policy, Route, Security
from siptls.dns import Address
from siptls.dns.question import RRType
from siptls.policy import Family, Transport
from world import INSECURE, SECURE, World

NAPTR_GOOD = """
10 0 "s" "SIPS+D2W" "" _sips._ws.provider.example
20 0 "s" "SIPS+D2T" "" _sips._tcp.provider.example
30 0 "s" "SIP+D2T"  "" _sip._tcp.provider.example
40 0 "s" "SIP+D2U"  "" _sip._udp.provider.example
"""
# Another application; an unknown transport; TLS over UDP, which there is not; no flag and a flag that leads not to SRV;
# a record that is in error because it has both; nowhere to go; an unknown protocol.
NAPTR_BROKEN = """
10 0 "u" "E2U+sip"  "!^.*$!sip:info@example.com!" .
11 0 "s" "SIP+D2N"  "" _sip._nctp.provider.example
12 0 "s" "SIPS+D2U" "" _sips._udp.provider.example
13 0 ""  "SIP+D2T"  "" _sip._tcp.provider.example
14 0 "a" "SIP+D2U"  "" u1.example.com
15 0 "s" "SIPS+D2T" "!^.*$!_sips._tcp.provider.example!" _sips._tcp.provider.example
16 0 "s" "SIPS+D2T" "" .
17 0 "s" "XMPP+D2T" "" _xmpp._tcp.provider.example
"""
SRV_GOOD = """
_sips._tcp.example.com        10 0 5111 s1.example.com
_sips._tcp.example.com        20 0 5112 s2.example.com
_sip._tcp.example.com         10 0 5121 t1.example.com
_sip._tcp.example.com         20 0 5122 t2.example.com
_sip._udp.example.com         10 0 5131 u1.example.com
_sip._udp.example.com         20 0 5132 u2.example.com
_sips._sctp.example.com       10 0 5141 x1.example.com
_sips._sctp.example.com       20 0 5142 x2.example.com
_sip._sctp.example.com        10 0 5151 c1.example.com
_sip._sctp.example.com        20 0 5152 c2.example.com
_sips._tcp.gate.example   10 0 5211 gs1.gate.example
_sips._tcp.gate.example   20 0 5212 gs2.gate.example
_sip._tcp.gate.example    10 0 5221 gt1.gate.example
_sip._tcp.gate.example    20 0 5222 gt2.gate.example
_sip._udp.gate.example    10 0 5231 gu1.gate.example
_sip._udp.gate.example    20 0 5232 gu2.gate.example
_sips._ws.provider.example    10 0 5301 pw1.provider.example
_sips._ws.provider.example    20 0 5302 pw2.provider.example
_sips._tcp.provider.example   10 0 5311 ps1.provider.example
_sips._tcp.provider.example   20 0 5312 ps2.provider.example
_sip._tcp.provider.example    10 0 5321 pt1.provider.example
_sip._tcp.provider.example    20 0 5322 pt2.provider.example
_sip._udp.provider.example    10 0 5331 pu1.provider.example
_sip._udp.provider.example    20 0 5332 pu2.provider.example
"""
SRV_ROOT = "0 0 0 ."
SRV_BAD = r"""
10 0 0    s1.example.com
20 0 5112 not\032a\032host.example.com
"""
ADDRESSES = """
example.com           2001:db8::10  192.0.2.10
gate.example      2001:db8::20  192.0.2.20
provider.example      192.0.2.30
s1.example.com        192.0.2.111
s2.example.com        192.0.2.112
t1.example.com        192.0.2.121
t2.example.com        192.0.2.122
u1.example.com        192.0.2.131
u2.example.com        192.0.2.132
x1.example.com        192.0.2.141
x2.example.com        192.0.2.142
c1.example.com        192.0.2.151
c2.example.com        192.0.2.152
gs1.gate.example       192.0.2.211
gs2.gate.example       192.0.2.212
gt1.gate.example       192.0.2.221
gt2.gate.example       192.0.2.222
gu1.gate.example       192.0.2.231
gu2.gate.example       192.0.2.232
pw1.provider.example  203.0.113.1
pw2.provider.example  203.0.113.2
ps1.provider.example  203.0.113.11
ps2.provider.example  203.0.113.12
pt1.provider.example  203.0.113.21
pt2.provider.example  203.0.113.22
pu1.provider.example  203.0.113.31
pu2.provider.example  203.0.113.32
"""

# A client with TLS, TCP and UDP that likes TLS best: what `Locate` is without being told otherwise.
USUAL_CLIENT = """
URI                                  asks        NAPTR         | good           | "." | bad | failed | absent

# Section 4.1: NAPTR for the domain; the server's order decides, among what the client has. Section 4.2: then SRV of the
# replacement, and if there is none the addresses of the domain. "If no NAPTR records are found": SRV for each
# transport; "if no SRV records are found", UDP for sip and TCP for sips. NAPTR that failed is not NAPTR that is absent
# (D-SEC-6). A record with target "." is no absence either: "decidedly not available" (RFC 2782), so nothing is tried at
# the domain itself.
sip:example.com                      NAPTR       good          | tls@ps1,ps2    | no  | bad | failed | tls@own:5061
                                                 broken absent | tls@s1,s2      | no  | bad | failed | udp@own:5060
                                                 failed        | failed
sips:example.com                     NAPTR       good          | tls@ps1,ps2    | no  | bad | failed | tls@own:5061
                                                 broken absent | tls@s1,s2      | no  | bad | failed | tls@own:5061
                                                 failed        | failed

# The user part, passwords, other parameters, case and a final dot change nothing.
sip:alice@example.com                NAPTR       good          | tls@ps1,ps2    | no  | bad | failed | tls@own:5061
                                                 broken absent | tls@s1,s2      | no  | bad | failed | udp@own:5060
                                                 failed        | failed
SIPS:alice:pw@EXAMPLE.Com.;lr;user=phone NAPTR       good      | tls@ps1,ps2    | no  | bad | failed | tls@own:5061
                                                 broken absent | tls@s1,s2      | no  | bad | failed | tls@own:5061
                                                 failed        | failed

# Section 4.1: "an explicit port is provided": UDP for sip, TCP for sips. Section 4.2: "if the port was explicit, but
# with a value of 5060, SRV records were used. Now, A or AAAA records will be used."
sip:example.com:5060                 A+AAAA      any           | udp@own:5060
sip:example.com:5061                 A+AAAA      any           | udp@own:5061
sip:example.com:5070                 A+AAAA      any           | udp@own:5070
sips:example.com:5060                A+AAAA      any           | tls@own:5060
sips:example.com:5061                A+AAAA      any           | tls@own:5061
sips:alice@EXAMPLE.COM:5070          A+AAAA      any           | tls@own:5070

# Section 4.1: "the TARGET is a numeric IP address": UDP for sip, TCP for sips. Section 4.2: "the client uses that
# address", and the port of the URI or the default one.
sip:192.0.2.9                        nothing     any           | udp@192.0.2.9:5060
sip:alice@192.0.2.9:5061             nothing     any           | udp@192.0.2.9:5061
sips:192.0.2.9                       nothing     any           | tls@192.0.2.9:5061
sips:192.0.2.9:5070                  nothing     any           | tls@192.0.2.9:5070
sip:[2001:db8::9]                    nothing     any           | udp@[2001:db8::9]:5060
sip:[2001:DB8::9]:5070               nothing     any           | udp@[2001:db8::9]:5070
sips:[2001:db8::9]                   nothing     any           | tls@[2001:db8::9]:5061
sips:[2001:db8::9]:5060              nothing     any           | tls@[2001:db8::9]:5060

# Section 4.1: "If the URI specifies a transport protocol in the transport parameter, that transport protocol SHOULD be
# used." Section 4.2: then no NAPTR, but SRV "for that specific transport", with "_sips" for sips, and also for sip "if
# the client wishes to use TLS". If there is none: the default port of what the URI says.
sip:example.com;transport=udp        _sip._udp   any           | udp@u1,u2      | no  | bad | failed | udp@own:5060
sip:example.com;transport=tcp        _sips._tcp  any           | tls@s1,s2      | no  | bad | failed | tcp@own:5060
sip:example.com;TRANSPORT=TCP        _sips._tcp  any           | tls@s1,s2      | no  | bad | failed | tcp@own:5060
sips:example.com;transport=tcp       _sips._tcp  any           | tls@s1,s2      | no  | bad | failed | tls@own:5061
# Deprecated, still understood (RFC 3261 section 26.2.2, RFC 5630 section 3.1.4): TLS over TCP.
sip:example.com;transport=tls        _sips._tcp  any           | tls@s1,s2      | no  | bad | failed | tls@own:5061
sips:example.com;transport=tls       _sips._tcp  any           | tls@s1,s2      | no  | bad | failed | tls@own:5061
# What this client does not speak, or nobody.
sip:example.com;transport=sctp       nothing     any           | transport
sip:example.com;transport=tls-sctp   nothing     any           | transport
sip:example.com;transport=ws         nothing     any           | transport
sip:example.com;transport=wss        nothing     any           | transport
sip:example.com;transport=nctp       nothing     any           | transport
sips:example.com;transport=sctp      nothing     any           | transport
sips:example.com;transport=tls-sctp  nothing     any           | transport
sips:example.com;transport=ws        nothing     any           | transport
sips:example.com;transport=wss       nothing     any           | transport
sips:example.com;transport=nctp      nothing     any           | transport

# Transport with port, and with an address: neither NAPTR nor SRV (section 4.2).
sip:example.com:5070;transport=udp   A+AAAA      any           | udp@own:5070
sip:example.com:5061;transport=tcp   A+AAAA      any           | tcp@own:5061
sip:example.com:5061;transport=tls   A+AAAA      any           | tls@own:5061
sips:example.com:5060;transport=tcp  A+AAAA      any           | tls@own:5060
sip:192.0.2.9;transport=udp          nothing     any           | udp@192.0.2.9:5060
sip:192.0.2.9;transport=tcp          nothing     any           | tcp@192.0.2.9:5060
sip:192.0.2.9;transport=tls          nothing     any           | tls@192.0.2.9:5061
sip:[2001:db8::9]:5070;transport=tcp nothing     any           | tcp@[2001:db8::9]:5070
sips:[2001:db8::9];transport=tcp     nothing     any           | tls@[2001:db8::9]:5061
sip:192.0.2.9;transport=sctp         nothing     any           | transport

# Section 4: "We define TARGET as the value of the maddr parameter of the URI, if present", for every question (A-02).
# Port and transport of the URI belong to it (RFC 3261 section 19.1.1).
sip:example.com;maddr=gate.example   NAPTR       good          | tls@ps1,ps2    | no  | bad | failed | tls@gate:5061
                                                 broken absent | tls@gs1,gs2    | no  | bad | failed | udp@gate:5060
                                                 failed        | failed
sips:a@example.com;maddr=GATE.Example NAPTR       good         | tls@ps1,ps2    | no  | bad | failed | tls@gate:5061
                                                 broken absent | tls@gs1,gs2    | no  | bad | failed | tls@gate:5061
                                                 failed        | failed
sip:example.com:5070;maddr=gate.example A+AAAA      any        | udp@gate:5070
sips:example.com:5060;maddr=gate.example A+AAAA      any       | tls@gate:5060
sip:example.com;maddr=gate.example;transport=udp _sip._udp   any | udp@gu1,gu2  | no  | bad | failed | udp@gate:5060
sip:example.com;maddr=gate.example;transport=tls _sips._tcp  any | tls@gs1,gs2  | no  | bad | failed | tls@gate:5061
sip:192.0.2.9;maddr=gate.example     NAPTR       good          | tls@ps1,ps2    | no  | bad | failed | tls@gate:5061
                                                 broken absent | tls@gs1,gs2    | no  | bad | failed | udp@gate:5060
                                                 failed        | failed
sip:example.com;maddr=192.0.2.7      nothing     any           | udp@192.0.2.7:5060
sip:example.com:5070;maddr=192.0.2.7 nothing     any           | udp@192.0.2.7:5070
sip:example.com;maddr=192.0.2.7;transport=tcp nothing     any  | tcp@192.0.2.7:5060
sips:example.com;maddr=192.0.2.7     nothing     any           | tls@192.0.2.7:5061
sips:example.com:5060;maddr=192.0.2.7 nothing     any          | tls@192.0.2.7:5060
"""

# A client that has everything, and likes TLS over SCTP best: the server's order comes first, then the client's.
FULL_CLIENT = """
URI                                  asks        NAPTR         | good           | "." | bad | failed | absent

# NAPTR: the server prefers TLS over WebSocket; its SRV name is whatever the record says (RFC 7118 section 5.5). Without
# NAPTR no SRV is asked for WebSocket, because no document gives it a name. "If no SRV records are found": UDP and TCP.
sip:example.com                      NAPTR       good          | wss@pw1,pw2    | no  | bad | failed | wss@own:443
                                                 broken absent | tls-sctp@x1,x2 | no  | bad | failed | udp@own:5060
                                                 failed        | failed
sips:example.com                     NAPTR       good          | wss@pw1,pw2    | no  | bad | failed | wss@own:443
                                                 broken absent | tls-sctp@x1,x2 | no  | bad | failed | tls@own:5061
                                                 failed        | failed

# Section 4.1: with a port or an address UDP for sip and TCP for sips, whatever else the client likes.
sip:example.com:5061                 A+AAAA      any           | udp@own:5061
sips:example.com:5070                A+AAAA      any           | tls@own:5070
sip:192.0.2.9                        nothing     any           | udp@192.0.2.9:5060
sips:[2001:db8::9]                   nothing     any           | tls@[2001:db8::9]:5061

# RFC 3263 section 4.2, RFC 4168 section 4 (TLS over SCTP, port as for SIPS), RFC 7118 section 5.5 (80 and 443).
sip:example.com;transport=udp        _sip._udp   any           | udp@u1,u2      | no  | bad | failed | udp@own:5060
sip:example.com;transport=tcp        _sips._tcp  any           | tls@s1,s2      | no  | bad | failed | tcp@own:5060
sip:example.com;transport=tls        _sips._tcp  any           | tls@s1,s2      | no  | bad | failed | tls@own:5061
sip:example.com;transport=sctp       _sips._sctp any           | tls-sctp@x1,x2 | no  | bad | failed | sctp@own:5060
sip:example.com;transport=tls-sctp   _sips._sctp any           | tls-sctp@x1,x2 | no  | bad | failed | tls-sctp@own:5061
sip:example.com;transport=ws         A+AAAA      any           | ws@own:80
sip:example.com;transport=wss        A+AAAA      any           | wss@own:443
sip:example.com;transport=nctp       nothing     any           | transport
sips:example.com;transport=tcp       _sips._tcp  any           | tls@s1,s2      | no  | bad | failed | tls@own:5061
sips:example.com;transport=tls       _sips._tcp  any           | tls@s1,s2      | no  | bad | failed | tls@own:5061
sips:example.com;transport=sctp      _sips._sctp any           | tls-sctp@x1,x2 | no  | bad | failed | tls-sctp@own:5061
sips:example.com;transport=tls-sctp  _sips._sctp any           | tls-sctp@x1,x2 | no  | bad | failed | tls-sctp@own:5061
sips:example.com;transport=ws        A+AAAA      any           | wss@own:443
sips:example.com;transport=WSS       A+AAAA      any           | wss@own:443
sips:example.com;transport=nctp      nothing     any           | transport

sip:example.com:5070;transport=sctp  A+AAAA      any           | sctp@own:5070
sips:example.com:5070;transport=sctp A+AAAA      any           | tls-sctp@own:5070
sip:example.com:8080;transport=ws    A+AAAA      any           | ws@own:8080
sips:example.com:8443;transport=ws   A+AAAA      any           | wss@own:8443
sip:192.0.2.9;transport=sctp         nothing     any           | sctp@192.0.2.9:5060
sip:192.0.2.9;transport=tls-sctp     nothing     any           | tls-sctp@192.0.2.9:5061
sip:[2001:db8::9];transport=ws       nothing     any           | ws@[2001:db8::9]:80
sips:192.0.2.9;transport=tcp         nothing     any           | tls@192.0.2.9:5061
sips:192.0.2.9;transport=sctp        nothing     any           | tls-sctp@192.0.2.9:5061
sips:192.0.2.9;transport=ws          nothing     any           | wss@192.0.2.9:443
sips:192.0.2.9:8443;transport=wss    nothing     any           | wss@192.0.2.9:8443
"""

# A client without TLS: it can do nothing for sips, and never does less (section 7: "always sent only over TLS").
CLIENT_WITHOUT_TLS = """
URI                                  asks        NAPTR         | good           | "." | bad | failed | absent

sip:example.com                      NAPTR       good          | tcp@pt1,pt2    | no  | bad | failed | tcp@own:5060
                                                 broken absent | tcp@t1,t2      | no  | bad | failed | udp@own:5060
                                                 failed        | failed
sip:example.com:5061                 A+AAAA      any           | udp@own:5061
sip:192.0.2.9                        nothing     any           | udp@192.0.2.9:5060
sip:example.com;transport=udp        _sip._udp   any           | udp@u1,u2      | no  | bad | failed | udp@own:5060
sip:example.com;transport=tcp        _sip._tcp   any           | tcp@t1,t2      | no  | bad | failed | tcp@own:5060
sip:example.com:5061;transport=tcp   A+AAAA      any           | tcp@own:5061
sip:example.com;transport=tls        nothing     any           | transport
sip:example.com:5061;transport=tls   nothing     any           | transport
sip:192.0.2.9;transport=tls          nothing     any           | transport
sip:example.com;maddr=gate.example   NAPTR       good          | tcp@pt1,pt2    | no  | bad | failed | tcp@gate:5060
                                                 broken absent | tcp@gt1,gt2    | no  | bad | failed | udp@gate:5060
                                                 failed        | failed
sips:example.com                     nothing     any           | transport
sips:example.com:5061                nothing     any           | transport
sips:example.com;transport=tcp       nothing     any           | transport
sips:192.0.2.9                       nothing     any           | transport
sips:[2001:db8::9]:5061              nothing     any           | transport
sips:example.com;maddr=gate.example  nothing     any           | transport
"""

# A client that has TLS and likes it least. The order of the server's NAPTR records comes first; where the client may
# choose, it does not "wish to use TLS" (section 4.2).
CLIENT_THAT_LIKES_UDP = """
URI                                  asks        NAPTR         | good           | "." | bad | failed | absent

sip:example.com                      NAPTR       good          | tls@ps1,ps2    | no  | bad | failed | tls@own:5061
                                                 broken absent | udp@u1,u2      | no  | bad | failed | udp@own:5060
                                                 failed        | failed
sips:example.com                     NAPTR       good          | tls@ps1,ps2    | no  | bad | failed | tls@own:5061
                                                 broken absent | tls@s1,s2      | no  | bad | failed | tls@own:5061
                                                 failed        | failed
sip:example.com;transport=udp        _sip._udp   any           | udp@u1,u2      | no  | bad | failed | udp@own:5060
sip:example.com;transport=tcp        _sip._tcp   any           | tcp@t1,t2      | no  | bad | failed | tcp@own:5060
sip:example.com;transport=tls        _sips._tcp  any           | tls@s1,s2      | no  | bad | failed | tls@own:5061
sips:example.com;transport=tcp       _sips._tcp  any           | tls@s1,s2      | no  | bad | failed | tls@own:5061
sip:example.com:5061                 A+AAAA      any           | udp@own:5061
sips:example.com:5060                A+AAAA      any           | tls@own:5060
sip:192.0.2.9                        nothing     any           | udp@192.0.2.9:5060
sips:192.0.2.9                       nothing     any           | tls@192.0.2.9:5061
"""

USUAL: tuple[Transport, ...] | None = None
LIKES_UDP: tuple[Transport, ...] = ("udp", "tcp", "tls")
FULL: tuple[Transport, ...] = ("tls-sctp", "tls", "wss", "sctp", "tcp", "ws", "udp")
WITHOUT_TLS: tuple[Transport, ...] = ("tcp", "udp")

BOTH: tuple[Family, ...] = ("ipv6", "ipv4")
IPV4: tuple[Family, ...] = ("ipv4",)

NAPTR = {"good": NAPTR_GOOD, "broken": NAPTR_BROKEN, "failed": None, "absent": ""}
SRV = {"good": SRV_GOOD, '"."': SRV_ROOT, "bad": SRV_BAD, "failed": None, "absent": ""}
SRV_NAMES = sorted({line.split()[0] for line in SRV_GOOD.splitlines() if line})
SERVERS = {line.split()[4].partition(".")[0]: line.split()[3:] for line in SRV_GOOD.splitlines() if line}
HOSTS = {line.split()[0]: line.split()[1:] for line in ADDRESSES.splitlines() if line}
NAMES = {"own": "example.com", "gate": "gate.example"}


@dataclass
class Row:
    """One row of a table."""

    uri: str
    asks: str
    naptr: str
    cells: dict[str, str]

    def __str__(self) -> str:
        return f"{self.uri} NAPTR {self.naptr}"


def rows(table: str) -> list[Row]:
    """Read a table; each state of NAPTR becomes a row of its own."""
    found: list[Row] = []
    uri = asks = ""
    for line in table.splitlines():
        if not line or line.startswith(("#", "URI")):
            continue
        left, *cells = [cell.strip() for cell in line.split("|")]
        if not line.startswith(" "):
            uri, asks, left = left.split(maxsplit=2)
        assert len(cells) in (1, len(SRV)), line
        by_srv = dict(zip(SRV, cells * (len(SRV) // len(cells)), strict=True))
        found.extend([Row(uri, asks, naptr, by_srv) for naptr in (NAPTR if left == "any" else left.split())])
    return found


def meaning(cell: str) -> list[str]:
    """Write a cell out: one ``transport@address:port`` for each address, or the word that it is."""
    transport, found, hosts = cell.partition("@")
    if not found:
        return [cell]
    if ":" not in hosts:
        at = [(HOSTS[name], port) for port, name in (SERVERS[host] for host in hosts.split(","))]
    else:
        host, _, port = hosts.rpartition(":")
        at = [(HOSTS[NAMES[host]] if host in NAMES else [host.strip("[]")], port)]
    return [f"{transport}@{address}:{port}" for addresses, port in at for address in addresses]


def told(route: Route, security: Security) -> list[str]:
    """Write a route in the same way."""
    if route.targets:
        whole = not [step for step in route.findings if step.security == "indeterminate"]
        assert (route.outcome, route.code, route.complete) == (None, None, whole)
        return [f"{one.transport}@{address}:{one.port}" for one in route.targets for address in one.addresses]
    if route.outcome is Outcome.UNDETERMINED:
        return [{"locate.servfail": "failed", "locate.bad-target": "bad"}.get(str(route.code), str(route.code))]
    assert route.outcome is Outcome.NO_SERVICE
    if "locate.transport" in [step.code for step in route.findings]:
        assert route.code == "locate.no-service.unproven"  # nobody was asked
        return ["transport"]
    # Only what is proven to be absent may lead a caller elsewhere.
    denied = "locate.no-service" if security is SECURE else "locate.no-service.unproven"
    return ["no" if route.code == denied else str(route.code)]


def naptr(world: World, name: str, text: str | None) -> None:
    """Publish a NAPTR set; None lets the lookup fail."""
    if text is None:
        world.fail(name, "NAPTR")
        return
    records = [[field.strip('"') for field in line.split()] for line in text.splitlines() if line]
    world.naptr(name, *[(int(a), int(b), c, d, e, f) for a, b, c, d, e, f in records])


def srv(world: World, name: str, text: str | None) -> None:
    """Publish the SRV set of one name: what a text has for this name, or what it has for all; None lets it fail."""
    if text is None:
        world.fail(name, "SRV")
        return
    records = [line.split() for line in text.splitlines() if line]
    own = [record[-4:] for record in records if len(record) == 4 or record[0] == name]
    world.srv(name, *[(int(a), int(b), int(c), d) for a, b, c, d in own])


def world_of(naptr_text: str | None, srv_text: str | None, security: Security) -> World:
    world = World(security)
    for host, addresses in HOSTS.items():
        world.address(host, *addresses)
    for name in NAMES.values():
        naptr(world, name, naptr_text)
    for name in SRV_NAMES:
        srv(world, name, srv_text)
    return world


def target_of(uri: str) -> str:
    """The name that is asked for: this table has only two."""
    return NAMES["gate"] if "maddr=gate" in uri.lower() else NAMES["own"]


def check_questions(world: World, row: Row) -> None:
    questions, target = world.questions(), target_of(row.uri)
    match row.asks:
        case "NAPTR":
            assert questions[0] == (target, "NAPTR")
            assert [rrtype for _, rrtype in questions].count("NAPTR") == 1
        case "A+AAAA":
            assert sorted(questions) == [(target, "A"), (target, "AAAA")]
        case "nothing":
            assert questions == []
        case label:
            assert (f"{label}.{target}", "SRV") in questions
            assert "NAPTR" not in [rrtype for _, rrtype in questions]


def check(row: Row, transports: tuple[Transport, ...] | None, security: Security) -> None:
    """Hold one row against the machine, all of its cells at once."""
    found: dict[str, list[str]] = {}
    for state, text in SRV.items():
        world = world_of(NAPTR[row.naptr], text, security)
        found[state] = told(world.locate(row.uri, Policy(transports=transports)), security)
        check_questions(world, row)
    assert found == {state: meaning(cell) for state, cell in row.cells.items()}


SECURITIES = pytest.mark.parametrize("security", [SECURE, INSECURE], ids=["secure", "insecure"])


class TestEveryUriInEveryState:
    """Whether the answers are secure changes no target and no order, only what a denial is worth."""

    @pytest.mark.req(
        "R3263-4-5",
        "R3263-4.1-1",
        "R3263-4.1-2",
        "R3263-4.1-3",
        "R3263-4.1-5",
        "R3263-4.1-7",
        "R3263-4.1-8",
        "R3263-4.1-9",
        "R3263-4.1-11",
        "R3263-4.1-13",
        "R3263-4.1-15",
        "R3263-4.1-17",
        "R3263-4.1-18",
        "R3263-4.1-19",
        "R3263-4.2-1",
        "R3263-4.2-2",
        "R3263-4.2-4",
        "R3263-4.2-5",
        "R3263-8-1",
        "R3403-4.1-1",
        "R3403-4.1-4",
        "R3403-4.1-6",
        "R3403-5-1",
        "R2782-pri-1",
        "R2782-tgt-2",
        "R2782-use-3",
        "R7984-3.1-3",
        "R5630-3.1.3-1",
        "R5630-3.1.4-1",
        "A-02",
        "A-18",
        "D-SEC-6",
        "D-SEC-12",
    )
    @SECURITIES
    @pytest.mark.parametrize("row", rows(USUAL_CLIENT), ids=str)
    def test_the_usual_client(self, row: Row, security: Security) -> None:
        check(row, USUAL, security)

    @pytest.mark.req(
        "R3263-4.1-10",
        "R3263-4.1-11",
        "R3263-4.1-16",
        "R7118-5.2-1",
        "R7118-5.5-2",
        "D-7118-1",
        "R3261-19.1.2-1",
    )
    @SECURITIES
    @pytest.mark.parametrize("row", rows(FULL_CLIENT), ids=str)
    def test_a_client_that_has_every_transport(self, row: Row, security: Security) -> None:
        check(row, FULL, security)

    @pytest.mark.req("R3263-4.1-10", "R3263-4.1-11", "R3263-7-2", "D-SEC-10")
    @SECURITIES
    @pytest.mark.parametrize("row", rows(CLIENT_WITHOUT_TLS), ids=str)
    def test_a_client_without_tls(self, row: Row, security: Security) -> None:
        check(row, WITHOUT_TLS, security)

    @pytest.mark.req("R3263-4.1-9", "R3263-4.1-11", "R3263-4.1-16", "R3263-4.2-4")
    @SECURITIES
    @pytest.mark.parametrize("row", rows(CLIENT_THAT_LIKES_UDP), ids=str)
    def test_a_client_that_likes_udp(self, row: Row, security: Security) -> None:
        check(row, LIKES_UDP, security)

    @pytest.mark.req("R3261-26.2.2-1", "R3261-19.1.1-1")
    def test_there_is_no_cell_for_sips_over_udp_because_it_is_no_uri(self) -> None:
        with pytest.raises(InvalidUri):
            World().locate("sips:example.com;transport=udp")


# Section 4.1: "constructs SRV queries for those transport protocols it supports, and does a query for each". Nobody has
# given WebSocket a name. In this world all of them are absent, so that none can be left out.
QUESTIONS = """
client       URI                           questions besides NAPTR and addresses
usual        sip:example.com               _sips._tcp _sip._tcp _sip._udp
usual        sips:example.com              _sips._tcp
usual        sip:example.com;transport=tls _sips._tcp
full         sip:example.com               _sips._tcp _sips._sctp _sip._tcp _sip._sctp _sip._udp
full         sips:example.com              _sips._tcp _sips._sctp
without-tls  sip:example.com               _sip._tcp _sip._udp
without-tls  sip:example.com;transport=tcp _sip._tcp
"""


class TestQuestions:
    @pytest.mark.req("R3263-4.1-15", "R3263-4.1-10", "D-7118-1", "R7984-3.1-1")
    @pytest.mark.parametrize("line", QUESTIONS.splitlines()[2:])
    def test_without_naptr_each_transport_is_asked_for_and_no_other(self, line: str) -> None:
        client, uri, *labels = line.split()
        world = world_of("", "", SECURE)
        world.locate(uri, Policy(transports={"usual": USUAL, "full": FULL, "without-tls": WITHOUT_TLS}[client]))
        asked = [(name, rrtype) for name, rrtype in world.questions() if rrtype != "NAPTR"]
        assert sorted(asked) == sorted(
            [(f"{label}.example.com", "SRV") for label in labels] + [("example.com", "A"), ("example.com", "AAAA")]
        )

    @pytest.mark.req("R3263-4.1-7", "R3263-4.1-13", "R3263-4.2-4")
    def test_with_naptr_only_the_replacement_is_asked_for(self) -> None:
        world = world_of(NAPTR_GOOD, SRV_GOOD, SECURE)
        world.locate("sip:example.com")
        assert [question for question in world.questions() if question[1] in ("NAPTR", "SRV")] == [
            ("example.com", "NAPTR"),
            ("_sips._tcp.provider.example", "SRV"),
        ]


# Section 4.1: "A particular transport is supported if the query is successful. The client MAY use any transport
# protocol it desires which is supported by the server." The usual client desires TLS, then TCP, then UDP. There is no
# NAPTR.
MIXED = """
_sips._tcp  _sip._tcp  _sip._udp  sip:example.com
good        good       good       tls@s1,s2
absent      good       good       tcp@t1,t2
absent      good       absent     tcp@t1,t2
absent      absent     good       udp@u1,u2
not-here    good       good       tcp@t1,t2
not-here    good       absent     tcp@t1,t2
not-here    not-here   good       udp@u1,u2
absent      not-here   good       udp@u1,u2
not-here    not-here   not-here   no
good        not-here   not-here   tls@s1,s2
good        absent     absent     tls@s1,s2
failed      good       good       failed
failed      absent     good       failed
failed      failed     good       failed
failed      not-here   not-here   failed
absent      failed     good       failed
not-here    failed     good       failed
absent      absent     failed     failed
not-here    not-here   failed     failed
"""

# Section 4.2, "if the client wishes to use TLS" over the transport that the URI names. It wishes to, as long as the
# domain does not deny it.
MIXED_TCP = """
_sips._tcp  _sip._tcp  sip:example.com;transport=tcp
good        good       tls@s1,s2
good        absent     tls@s1,s2
good        not-here   tls@s1,s2
absent      good       tcp@t1,t2
absent      not-here   no
not-here    good       tcp@t1,t2
not-here    not-here   no
failed      good       failed
failed      absent     failed
failed      not-here   failed
absent      failed     failed
not-here    failed     failed
"""


class TestSrvSetsThatDiffer:
    """Nothing weaker is chosen because the lookup of something stronger failed (D-SEC-12)."""

    @pytest.mark.req("R3263-4.1-15", "R3263-4.1-16", "R3263-4.1-18", "R2782-tgt-2", "D-SEC-12")
    @SECURITIES
    @pytest.mark.parametrize("line", MIXED.splitlines()[2:])
    def test_the_best_transport_that_is_offered_is_taken(self, line: str, security: Security) -> None:
        *states, cell = line.split()
        self.check("sip:example.com", ("_sips._tcp", "_sip._tcp", "_sip._udp"), states, cell, security)

    @pytest.mark.req("R3263-4.2-4", "R3263-4.1-18", "R2782-tgt-2", "D-SEC-12")
    @SECURITIES
    @pytest.mark.parametrize("line", MIXED_TCP.splitlines()[2:])
    def test_the_same_goes_for_the_service_of_one_transport(self, line: str, security: Security) -> None:
        *states, cell = line.split()
        self.check("sip:example.com;transport=tcp", ("_sips._tcp", "_sip._tcp"), states, cell, security)

    def check(self, uri: str, labels: Sequence[str], states: list[str], cell: str, security: Security) -> None:
        world = world_of("", "", security)
        for label, state in zip(labels, states, strict=True):
            text = {"good": SRV_GOOD, "absent": "", "not-here": SRV_ROOT, "failed": None}[state]
            srv(world, f"{label}.example.com", text)
        assert told(world.locate(uri), security) == meaning(cell)


# RFC 7984 section 3.1: "A and AAAA". Of two families one that failed is no reason to leave the other (D-SEC-13).
ADDRESSES_OF_THE_DOMAIN = """
A      | AAAA   | sip:example.com:5070                        | with IPv4 alone
good   | good   | udp@[2001:db8::10]:5070 udp@192.0.2.10:5070 | udp@192.0.2.10:5070
good   | absent | udp@192.0.2.10:5070                         | udp@192.0.2.10:5070
good   | failed | udp@192.0.2.10:5070                         | udp@192.0.2.10:5070
absent | good   | udp@[2001:db8::10]:5070                     | unproven
absent | absent | no                                          | unproven
absent | failed | failed                                      | unproven
failed | good   | udp@[2001:db8::10]:5070                     | failed
failed | absent | failed                                      | failed
failed | failed | failed                                      | failed
"""


class TestAddresses:
    @pytest.mark.req("R7984-3.1-1", "R7984-3.1-2", "R7984-3.1-3", "D-SEC-13", "A-29")
    @SECURITIES
    @pytest.mark.parametrize("line", ADDRESSES_OF_THE_DOMAIN.splitlines()[2:])
    def test_both_families_are_asked_for_and_what_there_is_is_taken(self, line: str, security: Security) -> None:
        a, aaaa, both, ipv4 = [cell.strip() for cell in line.split("|")]
        world = World(security)
        published: list[tuple[RRType, str, str]] = [("A", a, "192.0.2.10"), ("AAAA", aaaa, "2001:db8::10")]
        for rrtype, state, address in published:
            records = [Address("example.com", address)] if state == "good" else []
            world.say("example.com", rrtype, *records, failure=Failure.SERVFAIL if state == "failed" else None)
        for cell, families in ((both, BOTH), (ipv4, IPV4)):
            route = world.locate("sip:example.com:5070", Policy(families=families))
            if cell == "unproven":  # nobody asked for the other family
                assert (route.outcome, route.code) == (Outcome.NO_SERVICE, "locate.no-service.unproven")
            else:
                assert told(route, security) == [one for word in cell.split() for one in meaning(word)]
            assert {rrtype for _, rrtype in world.questions()} == ({"A", "AAAA"} if families == BOTH else {"A"})
