"""Which of our certificates a client is shown, by the name that it asks for (RFC 7671 section 3, RFC 5922 7.8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forged import certificate, common_name, dns, email, uri
from judging import CA, ROOT, TARGET, Court, made, said
from siptls import Certificate, InvalidCertificate, Policy
from siptls.certificate_choice import CertificateChoice, choose
from siptls.identity import host_names
from world import INSECURE

DOMAIN, HOST = "example.com", "sip1.host.example"


def names(*of_certificate: bytes, cn: str = "Nobody in particular") -> Certificate:
    return Certificate(certificate(names=of_certificate, subject=common_name(cn)))


FOR_DOMAIN = names(uri(f"sip:{DOMAIN}"))
FOR_HOST = names(dns(HOST))
FOR_ALL = names(uri(f"sip:{DOMAIN}"), uri("sip:other.example"), cn=HOST)
OWN = [FOR_DOMAIN, FOR_HOST]


class TestTheCompatibilityTable:
    """The table of the slides: who asks for what, and gets what."""

    @pytest.mark.req("S-A-22", "A-05")
    @pytest.mark.parametrize("asked", [HOST, HOST.upper(), HOST + "."])
    def test_a_client_that_follows_srv_and_dane_gets_the_certificate_of_the_host(self, asked: str) -> None:
        assert choose(asked, OWN, default=FOR_ALL) is FOR_HOST

    @pytest.mark.req("S-A-22", "A-05", "R5922-7.8-1")
    @pytest.mark.parametrize("asked", [DOMAIN, "Example.COM", DOMAIN + "."])
    def test_a_client_that_asks_for_the_sip_domain_gets_the_certificate_of_the_domain(self, asked: str) -> None:
        assert choose(asked, OWN, default=FOR_ALL) is FOR_DOMAIN

    @pytest.mark.req("R7671-3-2", "R7672-8.1-2")
    def test_a_client_that_sends_no_name_gets_the_default(self) -> None:
        assert choose(None, OWN, default=FOR_ALL) is FOR_ALL

    @pytest.mark.req("S-A-23")
    def test_one_certificate_with_the_host_as_common_name_and_the_domain_as_sip_uri_serves_both_kinds(self) -> None:
        both = made(TARGET, names=[uri(f"sip:{DOMAIN}")])
        for asked in (None, TARGET, DOMAIN):
            assert choose(asked, [], default=Certificate(both.der)).der == both.der
        by_srv = Court([both, CA], valid=[(both, CA, ROOT)])
        assert said(by_srv.verdict()) == ("ACCEPTED", "pkix", "id.match")
        by_domain = Court([both, CA], valid=[(both, CA, ROOT)], target=None, delegation=INSECURE)
        assert said(by_domain.verdict()) == ("ACCEPTED", "pkix", "id.match")
        strict = Court([both, CA], valid=[(both, CA, ROOT)], policy=Policy(require_target_name=True))
        assert strict.verdict().code == "id.target-name"  # the common name is not read

    @pytest.mark.req("R7671-3-2", "R7672-8.1-2", "A-05")
    @pytest.mark.parametrize(
        "asked", ["", ".", "unknown.example", "sip1.example.com", "192.0.2.1", "::1", "b\xfccher.example", "\0", "*"]
    )
    def test_an_unknown_name_gets_the_default_and_never_a_failure(self, asked: str) -> None:
        assert choose(asked, OWN, default=FOR_ALL) is FOR_ALL

    @pytest.mark.req("R7671-3-2", "R7672-8.1-2")
    @given(st.one_of(st.none(), st.text()))
    def test_nothing_that_a_client_sends_makes_it_raise(self, asked: str | None) -> None:
        assert CertificateChoice(OWN, default=FOR_ALL).choose(asked) in {FOR_DOMAIN, FOR_HOST, FOR_ALL}


class TestUnrelatedDomains:
    @pytest.mark.req("R7671-5.2-3")
    def test_each_customer_of_a_hoster_gets_the_own_certificate(self) -> None:
        """With usage 2 the certificate has to name the base domain, and one certificate cannot name all customers."""
        customers = {name: names(dns(name)) for name in ("a.example", "b.example", "c.example")}
        choice = CertificateChoice(customers.values(), default=FOR_ALL)
        assert {name: choice.choose(name) for name in customers} == customers

    @given(st.lists(st.integers(0, 30), min_size=1, max_size=8), st.integers(0, 40))
    def test_what_is_shown_for_a_known_name_holds_that_name(self, numbers: list[int], asked: int) -> None:
        own = [names(dns(f"c{number}.example"), uri(f"sip:c{number + 1}.example")) for number in numbers]
        shown = choose(f"C{asked}.example", own, default=FOR_ALL)
        held = {identity.domain for identity in host_names(shown)}
        assert (f"c{asked}.example" in held) is any(asked - number in {0, 1} for number in numbers)


class TestWhichOfSeveral:
    def test_an_identity_comes_before_a_name_beside_a_sip_uri(self) -> None:
        beside = names(uri("sip:other.example"), dns(DOMAIN))
        assert choose(DOMAIN, [beside, FOR_DOMAIN], default=FOR_ALL) is FOR_DOMAIN
        assert choose(DOMAIN, [beside], default=FOR_DOMAIN) is FOR_DOMAIN
        assert choose(DOMAIN, [beside], default=FOR_HOST) is beside

    def test_the_first_one_is_preferred_and_the_default_comes_last(self) -> None:
        twin = names(dns(DOMAIN))
        assert choose(DOMAIN, [twin, FOR_DOMAIN], default=FOR_ALL) is twin
        assert choose(DOMAIN, [FOR_DOMAIN, twin], default=FOR_ALL) is FOR_DOMAIN
        assert choose(DOMAIN, [], default=FOR_ALL) is FOR_ALL
        assert choose(DOMAIN, [FOR_ALL, FOR_DOMAIN], default=FOR_ALL) is FOR_ALL

    @pytest.mark.req("S-A-10")
    def test_a_wildcard_covers_no_name(self) -> None:
        wild = names(dns("*.example.com"))
        assert choose("sip.example.com", [wild], default=FOR_ALL) is FOR_ALL

    def test_a_common_name_counts_only_where_there_is_no_other_kind_of_name(self) -> None:
        old, mail = names(cn=HOST), names(email("a@example.com"), cn=HOST)
        assert choose(HOST, [old], default=FOR_DOMAIN) is old
        assert choose(HOST, [mail], default=FOR_DOMAIN) is FOR_DOMAIN


class TestTheCallersMistakes:
    def test_a_malformed_certificate_is_refused_when_the_choice_is_made_and_not_in_a_handshake(self) -> None:
        for own, default in (([Certificate(b"junk")], FOR_ALL), ([], Certificate(b"junk"))):
            with pytest.raises(InvalidCertificate):
                CertificateChoice(own, default=default)

    def test_it_shows_itself_by_the_number_of_its_names(self) -> None:
        assert repr(CertificateChoice(OWN, default=FOR_ALL)) == "<CertificateChoice for 3 name(s)>"
