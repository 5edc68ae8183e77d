"""The lab itself: a test that leans on it proves nothing unless the lab is what it says."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Generator

import dns.edns
import dns.flags
import dns.rdatatype
import pytest
from dns.rcode import Rcode

from servers.deployments import RECORDER_ADDRESS, SIP_ADDRESS
from servers.kamailio import SIPS_PORT, options
from servers.lab import Lab
from servers.nameservers import ask

pytestmark = pytest.mark.server("nsd", "unbound", "kamailio", "openssl")


@pytest.mark.parametrize(
    ("name", "rrtype"),
    [
        (".", "SOA"),
        ("example", "SOA"),
        ("dane-ee.example", "NAPTR"),
        ("_sips._tcp.dane-ee.example", "SRV"),
        ("sip.dane-ee.example", "A"),
        ("_5061._tcp.sip.dane-ee.example", "TLSA"),
        ("_5061._tcp.sip.tlsa-alias.example", "TLSA"),
        ("www.alias.example", "A"),
        ("_sips._tcp.hosted.example", "SRV"),
        ("_sips._tcp.mixed.example", "SRV"),
        ("bogus.example", "SOA"),
        ("sip.bogus-denial.example", "A"),
    ],
)
def test_the_resolver_validates_what_is_signed(lab: Lab, name: str, rrtype: str) -> None:
    answer = ask(name, rrtype)
    assert answer.rcode() == Rcode.NOERROR
    assert answer.answer
    assert answer.flags & dns.flags.AD


@pytest.mark.parametrize(
    ("name", "rrtype", "rcode"),
    [
        ("_5061._tcp.sip.no-tlsa.example", "TLSA", Rcode.NXDOMAIN),
        ("sip.dane-ee.example", "AAAA", Rcode.NOERROR),
        ("silent.example", "NAPTR", Rcode.NOERROR),
        ("_sips._tcp.silent.example", "SRV", Rcode.NXDOMAIN),
    ],
)
def test_the_resolver_validates_the_proof_that_there_is_nothing(lab: Lab, name: str, rrtype: str, rcode: Rcode) -> None:
    answer = ask(name, rrtype)
    assert answer.rcode() == rcode
    assert not answer.answer
    assert answer.flags & dns.flags.AD


@pytest.mark.parametrize(
    ("name", "rrtype"),
    [
        ("unsigned.example", "NAPTR"),
        ("_5061._tcp.sip.unsigned.example", "TLSA"),
        ("naptr-unsigned.example", "NAPTR"),
        ("sip.unsigned-host.example", "A"),
    ],
)
def test_the_resolver_answers_for_unsigned_zones_without_the_ad_bit(lab: Lab, name: str, rrtype: str) -> None:
    answer = ask(name, rrtype)
    assert answer.rcode() == Rcode.NOERROR
    assert answer.answer
    assert not answer.flags & dns.flags.AD


@pytest.mark.parametrize(
    ("name", "rrtype", "reason"),
    [
        ("bogus.example", "NAPTR", dns.edns.EDECode.DNSSEC_BOGUS),
        ("_5061._tcp.sip.bogus-tlsa.example", "TLSA", dns.edns.EDECode.DNSSEC_BOGUS),
        ("_5061._tcp.sip.bogus-denial.example", "TLSA", dns.edns.EDECode.DNSSEC_BOGUS),
        # A name that no other test asks for: unbound tells the exact reason only the first time.
        ("sip.expired.example", "A", dns.edns.EDECode.SIGNATURE_EXPIRED),
    ],
)
def test_the_resolver_refuses_broken_zones_and_says_why(
    lab: Lab, name: str, rrtype: str, reason: dns.edns.EDECode
) -> None:
    answer = ask(name, rrtype)
    assert answer.rcode() == Rcode.SERVFAIL
    assert reason in {error.code for error in answer.extended_errors()}


def test_the_dns_holds_the_records_that_openssl_is_given(lab: Lab) -> None:
    for deployment in lab.deployments.values():
        if not deployment.tlsa or any(deployment.forged):
            continue
        answer = ask(f"_{SIPS_PORT}._tcp.{deployment.host}", "TLSA")
        served = {
            record.to_text(chunksize=0)
            for rrset in answer.answer
            if rrset.rdtype == dns.rdatatype.TLSA
            for record in rrset.processing_order()
        }
        assert served == set(deployment.tlsa), deployment.name


ACCEPTED_BY_OPENSSL = {
    "dane-ee": "matched EE certificate at depth 0",
    "dane-ee-bare": "matched EE certificate at depth 0",
    "rollover": "matched EE certificate at depth 0",
    "tlsa-alias": "matched EE certificate at depth 0",
    "alias": "matched EE certificate at depth 0",
    "hosted": "matched EE certificate at depth 0",
    "dane-ta": "matched TA certificate at depth 1",
    "dane-ta-key": "signed the certificate at depth 0",
    "dane-ta-full": "matched TA certificate at depth 2",
    "dane-either": "matched TA certificate at depth 1",
    "pkix-ee": "matched EE certificate at depth 0",
    "pkix-ta": "matched TA certificate at depth 1",
    "pkix-ta-root": "matched TA certificate at depth 2",
}
REFUSED_BY_OPENSSL = {
    "mismatch": "no matching DANE TLSA records",
    "agility": "no matching DANE TLSA records",
    "dane-ta-absent": "no matching DANE TLSA records",
    "dane-ta-name": "hostname mismatch",
    "dane-ta-expired": "certificate has expired",
    "dane-ta-uri": "hostname mismatch",
    "pkix-ee-private": "unable to get local issuer certificate",
    "pkix-ta-other": "no matching DANE TLSA records",
}


@pytest.mark.parametrize(("name", "because"), [*ACCEPTED_BY_OPENSSL.items(), *REFUSED_BY_OPENSSL.items()])
def test_openssl_finds_in_each_deployment_what_its_name_says(lab: Lab, name: str, because: str) -> None:
    opinion = lab.openssl_opinion_of(name)
    assert opinion.accepted is (name in ACCEPTED_BY_OPENSSL), opinion.text
    assert because in opinion.text


@contextlib.contextmanager
def secured(address: str, server_name: str) -> Generator[ssl.SSLSocket]:
    """A TLS connection on which nothing was sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((address, SIPS_PORT), timeout=5) as raw,
        context.wrap_socket(raw, server_hostname=server_name) as stream,
    ):
        yield stream


def test_kamailio_answers_options_and_tells_of_it(lab: Lab) -> None:
    before = lab.kamailio.now()
    with secured(SIP_ADDRESS, "dane-ee.example") as stream:
        stream.sendall(options("dane-ee.example"))
        assert stream.recv(4096).startswith(b"SIP/2.0 200 OK\r\n")
    (seen,) = lab.kamailio.ended(before, count=1)
    assert seen.methods == ["OPTIONS"]
    assert seen.server_name == "dane-ee.example"


@pytest.mark.parametrize("farewell", ["close_notify", "end of stream", "reset"])
def test_kamailio_tells_a_silent_connection_from_none_at_all(lab: Lab, farewell: str) -> None:
    before = lab.kamailio.now()
    assert lab.kamailio.connections(before) == []
    with secured(SIP_ADDRESS, "dane-ee.example") as stream:
        if farewell == "close_notify":
            with contextlib.suppress(ssl.SSLEOFError):  # Kamailio does not answer it
                stream.unwrap()
        elif farewell == "end of stream":
            stream.shutdown(socket.SHUT_WR)
        else:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    (seen,) = lab.kamailio.ended(before, count=1)
    assert seen.secured
    assert seen.methods == []


@pytest.mark.parametrize("sent", [b"", b"OPT"])
def test_the_recorder_counts_every_octet_and_none_where_none_was_sent(lab: Lab, sent: bytes) -> None:
    before = len(lab.recorder.conversations)
    with secured(RECORDER_ADDRESS, "watched.example") as stream:
        stream.sendall(sent)
    (conversation,) = lab.recorder.next_after(before)
    assert conversation.secured
    assert conversation.server_name == "watched.example"
    assert conversation.octets == sent
