"""The lab itself: a test that leans on it proves nothing unless the lab is what it says."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Generator

import dns.edns
import dns.exception
import dns.flags
import dns.rdatatype
import pytest
from dns.rcode import Rcode

from servers.deployments import RECORDER_ADDRESS, SIP_ADDRESS
from servers.kamailio import SIPS_PORT, options
from servers.lab import Lab
from servers.nameservers import ask

pytestmark = pytest.mark.server("nsd", "unbound", "kamailio", "openssl", "ldns-signzone")


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
        ("sip.ipv6.example", "AAAA"),
        ("sip.dual-bogus-a.example", "AAAA"),
        ("sip.dual-bogus-aaaa.example", "A"),
        ("_5061._tcp.sip.nsec3.example", "TLSA"),
        ("_5061._tcp.sip.signed.nsec3.example", "TLSA"),
        ("_5061._tcp.sip.signed.opt-out.example", "TLSA"),
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
        # NSEC3 records prove it too; here the first name is an empty one, the second a host without that type.
        ("_tcp.sip.nsec3.example", "TLSA", Rcode.NOERROR),
        ("sip.nsec3.example", "AAAA", Rcode.NOERROR),
        ("_5061._tcp.sip.nsec3-no-tlsa.example", "TLSA", Rcode.NXDOMAIN),
        ("_sips._tcp.nsec3-silent.example", "SRV", Rcode.NXDOMAIN),
        # The host stands between this name and the wildcard.
        ("_5061._tcp.sip.wildcard-beside.example", "TLSA", Rcode.NXDOMAIN),
    ],
)
def test_the_resolver_validates_the_proof_that_there_is_nothing(lab: Lab, name: str, rrtype: str, rcode: Rcode) -> None:
    answer = ask(name, rrtype)
    assert answer.rcode() == rcode
    assert not answer.answer
    assert answer.flags & dns.flags.AD


@pytest.mark.parametrize(
    ("name", "rrtype", "kinds"),
    [
        ("www.alias.example", "A", "CNAME"),
        ("sip.pbx.dname.example", "A", "DNAME CNAME"),
        ("_5061._tcp.sip.tlsa-dname.example", "TLSA", "DNAME CNAME"),
        ("_sips._tcp.srv-alias.example", "SRV", "CNAME"),
        ("office.naptr-alias.example", "NAPTR", "CNAME"),
        ("_5061._tcp.sip.wildcard-alias.example", "TLSA", "CNAME"),
    ],
)
def test_the_resolver_validates_the_aliases_on_the_way(lab: Lab, name: str, rrtype: str, kinds: str) -> None:
    answer = ask(name, rrtype)
    assert answer.rcode() == Rcode.NOERROR
    assert answer.flags & dns.flags.AD
    found = [dns.rdatatype.to_text(rrset.rdtype) for rrset in answer.answer if rrset.rdtype != dns.rdatatype.RRSIG]
    assert found == [*kinds.split(), rrtype]


@pytest.mark.parametrize(
    ("name", "rrtype", "proof"),
    [
        ("_5061._tcp.sip.wildcard-tlsa.example", "TLSA", "NSEC"),
        ("sip.wildcard-host.example", "A", "NSEC"),
        ("_sips._tcp.wildcard-srv.example", "SRV", "NSEC"),
        ("_5061._tcp.sip.nsec3-wildcard.example", "TLSA", "NSEC3"),
    ],
)
def test_the_resolver_validates_what_a_wildcard_answers(lab: Lab, name: str, rrtype: str, proof: str) -> None:
    answer = ask(name, rrtype)
    assert answer.rcode() == Rcode.NOERROR
    assert answer.answer
    assert answer.flags & dns.flags.AD
    assert proof in {dns.rdatatype.to_text(rrset.rdtype) for rrset in answer.authority}


@pytest.mark.parametrize(
    ("name", "rrtype"),
    [
        ("_5061._tcp.sip.opt-out.example", "TLSA"),
        ("_sips._tcp.opt-out-silent.example", "SRV"),
        ("_sips._tcp.opt-out-direct.example", "SRV"),
    ],
)
def test_the_resolver_takes_a_denial_with_the_opt_out_flag_for_no_proof(lab: Lab, name: str, rrtype: str) -> None:
    answer = ask(name, rrtype)
    assert answer.rcode() == Rcode.NXDOMAIN
    assert not answer.flags & dns.flags.AD


@pytest.mark.parametrize(
    ("name", "rrtype"),
    [
        ("unsigned.example", "NAPTR"),
        ("_5061._tcp.sip.unsigned.example", "TLSA"),
        ("naptr-unsigned.example", "NAPTR"),
        ("sip.unsigned-host.example", "A"),
        ("sip.unsigned.nsec3.example", "A"),
        ("sip.unsigned.opt-out.example", "A"),
        ("sip.unknown-algorithm.example", "A"),
        ("sip.unknown-digest.example", "A"),
        # Signed until an alias leads to where nothing is.
        ("sip.alias-unsigned.example", "A"),
        ("sip.pbx.dname-unsigned.example", "A"),
        ("_sips._tcp.srv-alias-unsigned.example", "SRV"),
        ("_5061._tcp.sip.tlsa-alias-unsigned.example", "TLSA"),
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
        ("sip.dual-bogus-a.example", "A", dns.edns.EDECode.DNSSEC_BOGUS),
        ("sip.dual-bogus-aaaa.example", "AAAA", dns.edns.EDECode.DNSSEC_BOGUS),
        ("naptr-bogus.example", "NAPTR", dns.edns.EDECode.DNSSEC_BOGUS),
        # A name that no other test asks for: unbound tells the exact reason only the first time.
        ("expired.example", "SOA", dns.edns.EDECode.SIGNATURE_EXPIRED),
    ],
)
def test_the_resolver_refuses_broken_zones_and_says_why(
    lab: Lab, name: str, rrtype: str, reason: dns.edns.EDECode
) -> None:
    answer = ask(name, rrtype)
    assert answer.rcode() == Rcode.SERVFAIL
    assert reason in {error.code for error in answer.extended_errors()}


@pytest.mark.parametrize("name", ["wrong-ds.example", "unserved.example"])
def test_the_resolver_refuses_zones_without_the_key_that_their_parent_names(lab: Lab, name: str) -> None:
    answer = ask(name, "NAPTR")
    assert answer.rcode() == Rcode.SERVFAIL
    # unbound knows the first of the two only as long as it has not noted that the zone is bad.
    reasons = {dns.edns.EDECode.DNSKEY_MISSING, dns.edns.EDECode.DNSSEC_BOGUS}
    assert reasons & {error.code for error in answer.extended_errors()}


@pytest.mark.parametrize(
    ("name", "rrtype", "rcode"),
    [
        ("sip.refused.example", "A", Rcode.REFUSED),
        ("_5061._tcp.sip.tlsa-alias-loop.example", "TLSA", Rcode.SERVFAIL),
        ("_sips._tcp.srv-alias-loop.example", "SRV", Rcode.SERVFAIL),
    ],
)
def test_the_resolver_fails_and_blames_no_signature(lab: Lab, name: str, rrtype: str, rcode: Rcode) -> None:
    answer = ask(name, rrtype)
    assert answer.rcode() == rcode
    assert not list(answer.extended_errors())


def test_the_resolver_leaves_one_question_without_an_answer(lab: Lab) -> None:
    with pytest.raises(dns.exception.Timeout):
        ask("_5061._tcp.sip.unanswered.example", "TLSA", seconds=0.5)


OUT_OF_REACH = {"wrong-ds", "unserved", "refused", "unanswered"}
"""The deployments whose TLSA records nobody gets to see, without any of them being forged."""


def test_the_dns_holds_the_records_that_openssl_is_given(lab: Lab) -> None:
    for deployment in lab.deployments.values():
        if not deployment.tlsa or deployment.forged or deployment.name in OUT_OF_REACH:
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
    "ipv6": "matched EE certificate at depth 0",
    "dane-ee-full": "matched EE certificate at depth 0",
    "dane-ee-key-full": "matched EE certificate at depth 0",
    "part-unusable": "matched EE certificate at depth 0",
    "pkix-ee": "matched EE certificate at depth 0",
    "pkix-ta": "matched TA certificate at depth 1",
    "pkix-ta-root": "matched TA certificate at depth 2",
}
REFUSED_BY_OPENSSL = {
    "mismatch": "no matching DANE TLSA records",
    "agility": "no matching DANE TLSA records",
    "part-unusable-mismatch": "no matching DANE TLSA records",
    "dane-ee-second": "no matching DANE TLSA records",
    "dane-ta-leaf": "no matching DANE TLSA records",
    "dane-ta-stranger": "no matching DANE TLSA records",
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
