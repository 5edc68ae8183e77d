"""Somebody stands between the caller and the domain, and has good certificates and signed zones of their own."""

from __future__ import annotations

from typing import Final

from siptls import Outcome

from .scenario import SELF_SIGNED, Expected, Issuer, Presents, Scenario

ATTACKED: Final = (
    Scenario(
        "TLSA mismatch",
        "an attacker got a certificate for example.com from a trusted CA, but not the published key",
        servers=(Presents(Issuer.ROOT, ("URI:sip:example.com",)),),
        statuses={"example.com": "secure"},
        zones={
            "example.com": """
                @                   NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp
                _sips._tcp          SRV    10 0 {port1} sip1
                sip1                A      127.0.0.1
                _{port1}._tcp.sip1  TLSA   3 1 1 {old_key}
            """
        },
        expected=Expected(Outcome.REJECTED, "none", "dane.no-match"),
    ),
    Scenario(
        "bogus SRV",
        "an attacker forged the SRV record of a signed zone; its signature does not fit, so nobody is called",
        servers=(SELF_SIGNED,),
        statuses={"example.com": "secure", "_sips._tcp.example.com": "bogus", "evil.example": "secure"},
        zones={
            "example.com": """
                @           NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp
                _sips._tcp  SRV    10 0 {port1} sip.evil.example.
            """,
            "evil.example": """
                sip                A     127.0.0.1
                _{port1}._tcp.sip  TLSA  3 1 1 {key1}
            """,
        },
        expected=Expected(Outcome.UNDETERMINED, "none", "dnssec.bogus", server=0),
    ),
    Scenario(
        "sideways, unsigned",
        "an attacker forged the NAPTR record of an unsigned zone; the attacker's own zone is signed, with TLSA",
        servers=(Presents(Issuer.ROOT, ("DNS:sip.evil.example",)),),
        statuses={"example.com": "insecure", "evil.example": "secure"},
        zones={
            "example.com": """
                @  NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp.evil.example.
            """,
            "evil.example": """
                _sips._tcp         SRV   10 0 {port1} sip
                sip                A     127.0.0.1
                _{port1}._tcp.sip  TLSA  3 1 1 {key1}
            """,
        },
        expected=Expected(Outcome.REJECTED, "none", "id.srv-target-only"),
    ),
    Scenario(
        "maddr to a signed zone",
        "an attacker sent a link with maddr=evil.example, whose own zone is signed, with TLSA",
        uri="sip:alice@example.com;maddr=evil.example",
        servers=(Presents(Issuer.ROOT, ("DNS:sip.evil.example",)),),
        statuses={"example.com": "secure", "evil.example": "secure"},
        zones={
            "example.com": "",
            "evil.example": """
                @                  NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp
                _sips._tcp         SRV    10 0 {port1} sip
                sip                A      127.0.0.1
                _{port1}._tcp.sip  TLSA   3 1 1 {key1}
            """,
        },
        expected=Expected(Outcome.REJECTED, "none", "id.srv-target-only"),
    ),
    Scenario(
        "name-constrained CA",
        "an attacker runs a CA that may speak for evil.example only, and issued URI:sip:example.com with it",
        servers=(Presents(Issuer.CONSTRAINED_CA, ("URI:sip:example.com",)),),
        statuses={"example.com": "insecure"},
        zones={
            "example.com": """
                @           NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp
                _sips._tcp  SRV    10 0 {port1} sip1
                sip1        A      127.0.0.1
            """
        },
        expected=Expected(Outcome.REJECTED, "none", "chain.name-constraints"),
    ),
)
