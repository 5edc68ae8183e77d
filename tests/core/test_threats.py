"""Mistakes that others made, tried on whole judgements; beside each stands what differs in one point and passes."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import CLIENT_AUTH, certificate, common_name, der, dns, email, extension, ip, other_name, uri, utf8
from judging import CA, DOMAIN, LEAF, OTHER, ROOT, TARGET, VALIDITY, Court, Made, codes, issued, judge, key, made, said
from siptls import (
    Anchors,
    CheckRevocation,
    Close,
    Connect,
    Inbound,
    InvalidName,
    InvalidUri,
    Lookup,
    Outbound,
    Policy,
    Security,
    SipUri,
    ValidatePath,
)
from world import AT, INSECURE, SECURE, World, first

ALLOWING = Policy(allow_cn=True, allow_wildcards=True, allow_ip_identity=True)


def with_subject(*strings: bytes, names: Sequence[bytes] = ()) -> Made:
    """A leaf with these string elements as its common names."""
    subject = common_name(*strings)
    octets = certificate(subject=subject, issuer=common_name("CA"), spki=key(3), names=names, validity=VALIDITY)
    return Made(octets, key(3), subject)


def named(
    *names: bytes, cn: str | bytes | None = None, policy: Policy = ALLOWING, domain: str = DOMAIN
) -> tuple[str, str, str]:
    """The verdict on a certificate of these names, with a valid path, under the laxest rules for names."""
    string = utf8(cn) if isinstance(cn, str) else cn
    leaf = with_subject(*([] if string is None else [string]), names=names)
    return said(judge([leaf, CA], valid=[(leaf, CA, ROOT)], policy=policy, domain=domain, delegation=INSECURE))


class TestNames:
    @pytest.mark.req("T-N01", "T-N02", "A-25")
    @pytest.mark.parametrize(
        "text",
        [
            f"{DOMAIN}\0.evil.example",
            f"{DOMAIN}\0",
            f"\0{DOMAIN}",
            "example\u3002com",
            "example\uff0ecom",
            f"{DOMAIN}\n",
        ],
    )
    def test_a_name_that_some_readers_cut_off_or_fold_is_no_name(self, text: str) -> None:
        octets = text.encode()
        for names in (
            [dns(octets)],
            [uri(b"sip:" + octets)],
            [other_name("1.3.6.1.5.5.7.8.7", der(0x16, b"_sips." + octets))],
            [other_name("1.3.6.1.5.5.7.8.7", der(0x0C, b"_sips." + octets))],
            [email("a@x.example"), der(0x81, b"a@" + octets)],
        ):
            assert named(*names)[0] == "REJECTED"
        for tag, encoding in ((0x0C, "utf-8"), (0x1E, "utf-16-be"), (0x1C, "utf-32-be")):
            assert named(cn=der(tag, text.encode(encoding)))[0] == "REJECTED"
            assert named(cn=der(tag, DOMAIN.encode(encoding))) == ("ACCEPTED", "pkix", "id.match")

    @pytest.mark.req("T-N03", "T-N04", "T-N05", "A-10")
    def test_beside_anything_that_is_or_should_be_a_subject_alternative_name_no_common_name_counts(self) -> None:
        assert named(cn=DOMAIN)[0] == "ACCEPTED"
        for names in ([email("a@example.com")], [ip(bytes(4))], [dns("")], [uri("sips:example.com")], [uri("")]):
            assert named(*names, cn=DOMAIN)[2] == "id.cn-only"
        for value in (b"\x30\x00", b"\x30\x03\x82\x05a", b"\x05\x00", b"", b"\x30\x02\x9f\x00"):
            leaf = made(DOMAIN, extensions=[extension("2.5.29.17", value)])
            verdict = judge([leaf, CA], valid=[(leaf, CA, ROOT)], policy=ALLOWING)
            assert said(verdict) == ("REJECTED", "none", "cert.malformed")

    @pytest.mark.req("T-N07", "R5922-7.1-5", "R5922-7.1-6")
    @pytest.mark.parametrize(
        ("text", "accepted"),
        [
            ("sips:example.com", False),
            ("sip:alice@example.com", False),
            ("sip:%65xample.com", False),
            ("sip:example.com%00", False),
            ("sip:*.com", False),
            ("sip:example.com@evil.example", False),
            ("sip:evil.example?x=sip:example.com", False),
            ("sip:evil.example;maddr=example.com", False),
            ("sip:[::ffff:192.0.2.1]", False),
            ("SIP:EXAMPLE.COM.", True),
            ("sip:example.com:5061", True),
            ("sip:example.com;x", True),
        ],
    )
    def test_of_a_uri_only_the_host_counts_and_only_of_a_domain(self, text: str, accepted: bool) -> None:
        assert (named(uri(text))[0] == "ACCEPTED") is accepted

    @pytest.mark.req("T-N08", "A-11", "R5922-7.2-5")
    @pytest.mark.parametrize(
        "presented", ["*.example.com", ".example.com", "*", "s*.example.com", "*p.example.com", "com"]
    )
    def test_no_pattern_speaks_for_a_domain_however_lax_the_policy(self, presented: str) -> None:
        for domain in ("sip.example.com", "a.sip.example.com", "example.com"):
            assert named(dns(presented), domain=domain)[0] == "REJECTED"
            assert named(cn=presented, domain=domain)[0] == "REJECTED"

    @pytest.mark.req("T-N09", "A-23")
    def test_an_address_is_proven_by_its_octets_alone_and_only_where_the_policy_says_so(self) -> None:
        for address, octets in (("192.0.2.1", b"\xc0\0\2\1"), ("2001:db8::1", b"\x20\1\x0d\xb8" + bytes(11) + b"\1")):
            assert named(ip(octets), domain=address) == ("ACCEPTED", "pkix", "id.match")
            assert named(ip(octets), domain=address, policy=Policy())[2] == "uri.ip-literal"
            for names in ([dns(address)], [uri(f"sip:{address}")], [ip(octets[:-1] + b"\2")], [dns("example.com")]):
                assert named(*names, cn=address, domain=address)[2] == "uri.ip-literal"
        assert named(ip(b"\xc0\0\2\1"), domain="host.example")[0] == "REJECTED"

    @pytest.mark.req("T-N10", "R5922-7.3-2")
    def test_a_peer_without_certificate_or_without_any_name_in_it_is_nobody(self) -> None:
        for records in ((), (LEAF.record(3, 1, 1),)):
            assert said(judge([], *records)) == ("REJECTED", "none", "tls.no-certificate")
            assert said(judge([b""], *records)) == ("REJECTED", "none", "cert.malformed")
        old = made("nobody", version=b"", all_extensions=b"")  # v1: no extensions, so no names and no purposes
        bare = with_subject()
        for leaf in (old, bare):
            assert said(judge([leaf, CA], valid=[(leaf, CA, ROOT)]))[2] == "cert.no-identities"

    @pytest.mark.req("T-N11")
    @pytest.mark.parametrize("wrong", ["", "*", "*.example.com", ".", ".example.com", "a..b", "\0", "example.com\0.x"])
    def test_what_is_no_name_cannot_be_looked_for(self, wrong: str) -> None:
        for uri_text in (f"sip:{wrong}", f"sips:alice@{wrong}"):
            with pytest.raises(InvalidUri):
                SipUri.parse(uri_text)
            with pytest.raises(InvalidUri):
                Outbound(uri_text, now=0.0, at=AT, randbelow=first)
        for court in (Court([LEAF], domain=wrong), Court([LEAF], target=wrong)):
            with pytest.raises(InvalidName):
                court.verdict()


class TestLookups:
    @pytest.mark.req("T-S03", "D-SEC-15", "A-02")
    def test_a_maddr_gains_nothing_that_its_owner_would_have_under_his_own_name(self) -> None:
        attacker = made("attacker", "attacker", 7, names=[dns("evil.example"), uri("sip:evil.example")])
        world = World()
        world.address("evil.example", "192.0.2.66")
        world.tlsa("_5061._tcp.evil.example", str(attacker.record(3, 1, 1)))
        world.server("192.0.2.66", [attacker.der])
        assert said(world.outbound("sips:a@evil.example")) == ("ACCEPTED", "dane-ee", "dane.match")
        verdict = world.outbound("sips:a@bank.example;maddr=evil.example")
        assert said(verdict)[:2] == ("REJECTED", "none")
        assert verdict.domain == "bank.example"
        assert world.names_sent == ["bank.example"]
        assert "TLSA" not in {rrtype for _, rrtype in world.questions()}

    @pytest.mark.req("T-S05")
    @given(
        st.lists(
            st.sampled_from(
                [
                    uri("sip:bank.example"),
                    uri("sip:other.example:5061"),
                    dns("mail.example"),
                    dns("*.example"),
                    other_name("1.3.6.1.5.5.7.8.7", der(0x16, b"_sips.bank.example")),
                    ip(b"\xc0\0\2\1"),
                ]
            ),
            max_size=30,
        ),
        st.sampled_from([Policy(), Policy(audit=True), Policy(revocation="crl"), Policy(revocation="crl-required")]),
    )
    def test_nothing_is_looked_up_for_a_client_whatever_its_certificate_names(
        self, names: list[bytes], policy: Policy
    ) -> None:
        leaf = made(names=names, eku=[CLIENT_AUTH])
        world = World(paths=issued((leaf, CA, ROOT)))
        machine = Inbound((leaf.der, CA.der), anchors=Anchors((ROOT.der,)), policy=policy, now=0.0, at=AT)
        world.run(machine)
        assert machine.verdict is not None
        assert {type(action) for action in world.asked} <= {ValidatePath, CheckRevocation}
        assert not [action for action in world.asked if isinstance(action, (Lookup, Connect))]


class TestWaivers:
    """T-P01: what a policy waives is told, and waives nothing else."""

    @pytest.mark.req("T-P01", "A-10", "A-11", "A-23")
    @pytest.mark.parametrize(
        ("waiver", "leaf", "domain"),
        [
            ("allow_cn", made(DOMAIN), DOMAIN),
            ("allow_wildcards", made(names=[dns("*.host.example")]), DOMAIN),
            ("allow_ip_identity", made(names=[ip(b"\xc0\0\2\1")]), "192.0.2.1"),
        ],
    )
    def test_it_is_named_where_it_decided_and_no_waiver_makes_up_for_a_path(
        self, waiver: str, leaf: Made, domain: str
    ) -> None:
        policy = {
            "allow_cn": Policy(allow_cn=True),
            "allow_wildcards": Policy(allow_wildcards=True),
            "allow_ip_identity": Policy(allow_ip_identity=True),
        }[waiver]
        target = TARGET if domain == DOMAIN else None

        def verdict(chosen: Policy, *, valid: bool, records: Sequence[Made] = ()) -> tuple[str, bool]:
            found = judge(
                [leaf, CA],
                *[each.record(3, 1, 1) for each in records],
                valid=[(leaf, CA, ROOT)] if valid else [],
                domain=domain,
                target=target,
                policy=chosen,
            )
            told = [step.found for step in found.steps if step.code == "policy.relaxed"]
            assert told in ([], [waiver])
            return found.outcome.value, bool(told)

        assert verdict(policy, valid=True) == ("ACCEPTED", True)
        assert verdict(Policy(), valid=True) == ("REJECTED", False)
        assert verdict(policy, valid=False)[0] == "REJECTED"
        if target is not None:
            assert verdict(policy, valid=True, records=[OTHER])[0] == "REJECTED"

    @pytest.mark.req("T-P01")
    def test_it_is_not_named_where_it_was_not_needed(self) -> None:
        verdict = judge([LEAF, CA], valid=[(LEAF, CA, ROOT)], policy=ALLOWING)
        assert verdict.accepted
        assert "policy.relaxed" not in codes(verdict)

    @pytest.mark.req("T-P01", "T-P02")
    @pytest.mark.parametrize("waiver", [Policy(allow_cn=True), ALLOWING, Policy(eku="lax-client", audit=True)])
    @pytest.mark.parametrize("security", [SECURE, INSECURE])
    def test_with_every_waiver_a_stranger_is_still_closed(self, waiver: Policy, security: Security) -> None:
        world = World(security, paths=issued((OTHER, CA, ROOT)))
        world.anchors = Anchors((ROOT.der,))
        world.srv(f"_sips._tcp.{DOMAIN}", (10, 0, 5061, TARGET))
        world.address(TARGET, "192.0.2.1")
        world.server("192.0.2.1", [OTHER.der, CA.der])
        verdict = world.outbound(f"sips:{DOMAIN}", waiver, order=Random(1))
        assert said(verdict) == ("REJECTED", "none", "id.mismatch")
        assert [type(action) for action in world.asked if isinstance(action, (Connect, Close))] == [Connect, Close]
