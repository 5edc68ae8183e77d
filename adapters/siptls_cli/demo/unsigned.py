"""The operator has no DNSSEC: nothing protects the way, so the certificate must name the domain itself (RFC 5922)."""

from __future__ import annotations

from typing import Final

from siptls import Outcome, Policy
from siptls_io.zone_files import Status

from .scenario import Expected, Issuer, Presents, Scenario

_INSECURE: Final[dict[str, Status]] = {"example.com": "insecure"}
_ZONES: Final = {
    "example.com": """
        @           NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp
        _sips._tcp  SRV    10 0 {port1} sip1
        sip1        A      127.0.0.1
    """
}

UNSIGNED: Final = (
    Scenario(
        "RFC 5922, URI in SAN",
        "the operator has a certificate for URI:sip:example.com from a trusted CA",
        servers=(Presents(Issuer.ROOT, ("URI:sip:example.com",)),),
        statuses=_INSECURE,
        zones=_ZONES,
        expected=Expected(Outcome.ACCEPTED, "pkix", "id.match"),
    ),
    Scenario(
        "RFC 5922, DNS in SAN",
        "the operator has an ordinary certificate, for DNS:example.com, from a trusted CA",
        servers=(Presents(Issuer.ROOT, ("DNS:example.com",)),),
        statuses=_INSECURE,
        zones=_ZONES,
        expected=Expected(Outcome.ACCEPTED, "pkix", "id.match"),
    ),
    Scenario(
        "certificate for the host",
        "the operator has a certificate that names the server instead of the domain",
        servers=(Presents(Issuer.ROOT, ("DNS:sip1.example.com",)),),
        statuses=_INSECURE,
        zones=_ZONES,
        expected=Expected(Outcome.REJECTED, "none", "id.srv-target-only"),
    ),
    Scenario(
        "Common Name only",
        "the operator's old PBX made a certificate with the domain in the Common Name and nowhere else",
        servers=(Presents(Issuer.ROOT, common_name="example.com"),),
        statuses=_INSECURE,
        zones=_ZONES,
        expected=Expected(Outcome.REJECTED, "none", "id.cn-only"),
    ),
    Scenario(
        "Common Name, allowed",
        "the same certificate, and the caller decided to take Common Names where there is no SAN",
        servers=(Presents(Issuer.ROOT, common_name="example.com"),),
        statuses=_INSECURE,
        zones=_ZONES,
        policy=Policy(allow_cn=True),
        expected=Expected(Outcome.ACCEPTED, "pkix", "id.match"),
    ),
    Scenario(
        "wildcard",
        "the operator bought one wildcard certificate for every host, and serves voice.example.com with it",
        uri="sip:alice@voice.example.com",
        servers=(Presents(Issuer.ROOT, ("DNS:*.example.com",)),),
        statuses=_INSECURE,
        zones={
            "example.com": """
                voice             NAPTR  10 50 "s" "SIPS+D2T" "" _sips._tcp.voice
                _sips._tcp.voice  SRV    10 0 {port1} sip1
                sip1              A      127.0.0.1
            """
        },
        expected=Expected(Outcome.REJECTED, "none", "id.wildcard"),
    ),
    Scenario(
        "DANE required",
        "the caller insists on DANE; the operator has a good certificate, but no signed zone",
        servers=(Presents(Issuer.ROOT, ("URI:sip:example.com",)),),
        statuses=_INSECURE,
        zones=_ZONES,
        policy=Policy(require="dane"),
        expected=Expected(Outcome.INSUFFICIENT, "pkix", "policy.too-weak"),
    ),
)
