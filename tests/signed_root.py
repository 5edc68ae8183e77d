"""A signed zone in memory, the root, and a name server's script that answers from it as a recursive server would."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from functools import cache

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.DNSKEY import DNSKEY

_HEAD = """\
$TTL 300
@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60
@ NS ns.example.
"""


class SignedRoot:
    """The root zone.

    Args:
        records: what it holds, in master-file syntax.
        raw: what it holds besides, octets that dnspython would not take as records of their type.

    Attributes:
        anchor: its key, as a DNSKEY record.
    """

    def __init__(self, records: str = "", raw: Mapping[tuple[str, RdataType], list[bytes]] | None = None) -> None:
        self._zone = dns.zone.from_text(_HEAD + records, origin=".", relativize=False)
        for (owner, rdtype), octets in (raw or {}).items():
            rdatas = [dns.rdata.GenericRdata(dns.rdataclass.IN, rdtype, each) for each in octets]
            self._zone.replace_rdataset(owner, dns.rdataset.from_rdata_list(300, rdatas))
        private = ec.generate_private_key(ec.SECP256R1())
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        # RFC 6605 section 4: the key is the point without the octet that says "uncompressed".
        key = dns.rdata.from_text("IN", "DNSKEY", f"257 3 13 {base64.b64encode(point[1:]).decode()}")
        assert isinstance(key, DNSKEY)
        now = int(time.time())
        dns.dnssec.sign_zone(
            self._zone, keys=[(private, key)], inception=now - 3_600, expiration=now + 86_400, dnskey_ttl=300
        )
        self.anchor = f". IN DNSKEY {key}"
        self._owners = sorted(name for name, _ in self._zone.iterate_rdatasets(RdataType.NSEC))

    def signed(self, name: dns.name.Name, rdtype: RdataType) -> list[dns.rrset.RRset]:
        """Return records and their signature; nothing if there are none."""
        found = self._zone.get_rrset(name, rdtype)
        signature = self._zone.get_rrset(name, RdataType.RRSIG, rdtype)
        return [] if found is None else [found] if signature is None else [found, signature]

    def proofs(self, name: dns.name.Name) -> list[dns.rrset.RRset]:
        """Return the NSEC records that deny a name, or a type of it, and every wildcard above it (RFC 4035 3.1.3)."""
        wildcards = [dns.name.Name((b"*", *name.split(depth)[1].labels)) for depth in range(1, len(name))]
        owners = {max(owner for owner in self._owners if owner <= denied) for denied in (name, *wildcards)}
        return [rrset for owner in sorted(owners) for rrset in self.signed(owner, RdataType.NSEC)]

    def truth(self, query: dns.message.Message, _tcp: bool = False) -> dns.message.Message:
        """Answer a query with what the zone holds, or with the proofs that it holds nothing."""
        response = dns.message.make_response(query, recursion_available=True)
        response.flags |= dns.flags.AD
        question = query.question[0]
        name = question.name
        response.answer += self.signed(name, RdataType.CNAME)
        if response.answer and question.rdtype != RdataType.CNAME:
            name = dns.name.from_text(str(response.answer[0].processing_order()[0]))
        if question.rdtype != RdataType.CNAME:
            response.answer += self.signed(name, question.rdtype)
        if not any(rrset.rdtype == question.rdtype for rrset in response.answer):
            response.authority += [*self.signed(dns.name.root, RdataType.SOA), *self.proofs(name)]
            exists = any(each.is_subdomain(name) for each in self._zone)
            response.set_rcode(dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN)
        return response


@cache
def signed_root() -> SignedRoot:
    """The zone of most tests; every run has other keys."""
    names = "\n".join(f"q{number}.example. A 192.0.2.{number}" for number in range(200))
    return SignedRoot(f"""\
a.example. A 192.0.2.1
b.example. A 192.0.2.2
alias.example. CNAME a.example.
_5061._tcp.a.example. TLSA 3 1 1 {"ab" * 32}
{names}
""")
