"""The operator signed the zone: DNSSEC protects the way to the server, and TLSA records say what it presents."""

from __future__ import annotations

from typing import Final

from siptls import Outcome

from .scenario import CLEAR_TEXT, SELF_SIGNED, Expected, Issuer, Presents, Scenario

SIGNED: Final = (
    Scenario(
        "DANE-EE",
        "the operator signed the zone and published the key of a self-signed certificate",
        servers=(SELF_SIGNED,),
        statuses={"example.com": "secure"},
        zones={
            "example.com": """
                @                   NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp
                _sips._tcp          SRV    10 0 {port1} sip1
                sip1                A      127.0.0.1
                _{port1}._tcp.sip1  TLSA   3 1 1 {key1}
            """
        },
        expected=Expected(Outcome.ACCEPTED, "dane-ee", "dane.match"),
    ),
    Scenario(
        "DANE-TA, private CA",
        "the operator signed the zone and published the company's own CA",
        servers=(Presents(Issuer.PRIVATE_CA, ("DNS:sip1.example.com",)),),
        statuses={"example.com": "secure"},
        zones={
            "example.com": """
                @                   NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp
                _sips._tcp          SRV    10 0 {port1} sip1
                sip1                A      127.0.0.1
                _{port1}._tcp.sip1  TLSA   2 0 1 {ca1}
            """
        },
        expected=Expected(Outcome.ACCEPTED, "dane-ta", "dane.match"),
    ),
    Scenario(
        "PKIX-EE",
        "the operator published the server's key, and wants a trusted CA to vouch for it as well",
        servers=(Presents(Issuer.ROOT, ("DNS:sip1.example.com",)),),
        statuses={"example.com": "secure"},
        zones={
            "example.com": """
                @                   NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp
                _sips._tcp          SRV    10 0 {port1} sip1
                sip1                A      127.0.0.1
                _{port1}._tcp.sip1  TLSA   1 1 1 {key1}
            """
        },
        expected=Expected(Outcome.ACCEPTED, "pkix-ee", "dane.match"),
    ),
    Scenario(
        "PKIX-TA",
        "the operator published which one of all trusted CAs may vouch for the server",
        servers=(Presents(Issuer.ROOT, ("DNS:sip1.example.com",)),),
        statuses={"example.com": "secure"},
        zones={
            "example.com": """
                @                   NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp
                _sips._tcp          SRV    10 0 {port1} sip1
                sip1                A      127.0.0.1
                _{port1}._tcp.sip1  TLSA   0 0 1 {ca1}
            """
        },
        expected=Expected(Outcome.ACCEPTED, "pkix-ta", "dane.match"),
    ),
    Scenario(
        "SRV target's certificate",
        "the operator signed the zone, but published no TLSA record; the certificate names the server",
        servers=(Presents(Issuer.ROOT, ("DNS:sip1.example.com",)),),
        statuses={"example.com": "secure"},
        zones={
            "example.com": """
                @           NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp
                _sips._tcp  SRV    10 0 {port1} sip1
                sip1        A      127.0.0.1
            """
        },
        expected=Expected(Outcome.ACCEPTED, "pkix", "id.match-target"),
    ),
    Scenario(
        "first bad, second good",
        "the operator renewed the first server's key and forgot its TLSA record; the second one is well",
        servers=(SELF_SIGNED, SELF_SIGNED),
        statuses={"example.com": "secure"},
        zones={
            "example.com": """
                @                   NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp
                _sips._tcp          SRV    10 0 {port1} sip1
                _sips._tcp          SRV    20 0 {port2} sip2
                sip1                A      127.0.0.1
                sip2                A      127.0.0.1
                _{port1}._tcp.sip1  TLSA   3 1 1 {old_key}
                _{port2}._tcp.sip2  TLSA   3 1 1 {key2}
            """
        },
        expected=Expected(Outcome.ACCEPTED, "dane-ee", "dane.match", server=2),
    ),
    Scenario(
        "sideways, both signed",
        "the operator lets a hoster answer for the domain; both signed, and the hoster published its key",
        servers=(SELF_SIGNED,),
        statuses={"example.com": "secure", "hoster.example": "secure"},
        zones={
            "example.com": """
                @  NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp.hoster.example.
            """,
            "hoster.example": """
                _sips._tcp         SRV   10 0 {port1} sip
                sip                A     127.0.0.1
                _{port1}._tcp.sip  TLSA  3 1 1 {key1}
            """,
        },
        expected=Expected(Outcome.ACCEPTED, "dane-ee", "dane.match"),
    ),
    Scenario(
        "sips, but no TLS",
        "the operator offers SIP in clear text only; somebody calls a sips URI, and rather reaches nobody",
        uri="sips:alice@example.com",
        servers=(CLEAR_TEXT,),
        statuses={"example.com": "secure"},
        zones={
            "example.com": """
                @          NAPTR  10 50 "s" "SIP+D2T" "" _sip._tcp
                @          NAPTR  20 50 "s" "SIP+D2U" "" _sip._udp
                _sip._tcp  SRV    10 0 {port1} sip1
                _sip._udp  SRV    10 0 {port1} sip1
                sip1       A      127.0.0.1
            """
        },
        expected=Expected(Outcome.NO_SERVICE, "none", "locate.no-service", server=0),
    ),
)
