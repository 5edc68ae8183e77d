"""Two proxies that verify each other by DANE: P1 is a process of the tests, P2 is Kamailio.

The certificates name hosts alone, so that nobody who does not ask the DNS can tell whose proxies they are.
"""

import dataclasses

from pki import Issued
from servers.deployments import Authorities, tlsa
from servers.tree import Zone

A_DOMAIN, B_DOMAIN, SECOND = "left.example", "right.example", "shop.example"
P1_HOST, P2_HOST = f"p1.{A_DOMAIN}", f"p2.{B_DOMAIN}"
# The address from which P1 connects to others on this machine: who offers a connection offers its own address.
P1_ADDRESS, P1_PORT = "127.0.0.1", 5071
P2_ADDRESS, P2_PORT = "127.0.0.33", 5061
SHORT = 60
"""The TTL of the SRV records of the second domain, in seconds."""


@dataclasses.dataclass(frozen=True)
class Proxies:
    """The certificates of the proxies, of somebody else, and of a stranger who says that he is P1; the zones."""

    p1: Issued
    p2: Issued
    somebody: Issued
    stranger: Issued
    zones: tuple[Zone, ...]


def make_proxies(ca: Authorities) -> Proxies:
    """Both proxies, and a second domain of P2 that pins nothing of its own."""
    leaf = ca.public_issuing.leaf
    p1, p2 = leaf(cn="P1", dns=[P1_HOST], **ca.valid), leaf(cn="P2", dns=[P2_HOST], **ca.valid)
    # Kamailio tells its script of no certificate but the first one, so this one needs no other.
    somebody = ca.public.leaf(cn="somebody", uris=["sip:somebody.example"], **ca.valid)
    stranger = ca.private_issuing.leaf(uris=[f"sip:{A_DOMAIN}"], dns=[P1_HOST], **ca.valid)
    left = f"""\
_sips._tcp SRV 10 0 {P1_PORT} p1
p1 A {P1_ADDRESS}
_{P1_PORT}._tcp.p1 TLSA {tlsa(3, 1, 1, p1)}"""
    right = f"""\
_sips._tcp SRV 10 0 {P2_PORT} p2
p2 A {P2_ADDRESS}
_{P2_PORT}._tcp.p2 TLSA {tlsa(3, 1, 1, p2)}"""
    shop = f"_sips._tcp {SHORT} SRV 10 0 {P2_PORT} {P2_HOST}."
    zones = (Zone(f"{A_DOMAIN}.", left), Zone(f"{B_DOMAIN}.", right), Zone(f"{SECOND}.", shop))
    return Proxies(p1, p2, somebody, stranger, zones)
