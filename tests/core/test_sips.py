"""What proxies, user agents, registrars and redirect servers may make of sip and sips (RFC 5630 section 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siptls import InvalidUri, SipUri, Step, next_hop
from siptls.codes import CATALOGUE
from siptls.sips import (
    RESPONSES,
    Scheme,
    binding_faults,
    contact_faults,
    forwarding_faults,
    recursion_faults,
    redirect_faults,
    register_faults,
    same_resource,
    unwanted_scheme,
)

SIP, SIPS = "sip:bob@b.example", "sips:bob@b.example"
PHONE, PHONES = "sip:bob@phone.b.example", "sips:bob@phone.b.example"


def told(found: Sequence[Step]) -> list[str]:
    return [step.code for step in found]


class TestForwarding:
    """A proxy that gets a request for one URI and is about to send it to another."""

    @pytest.mark.req("R5630-5.3-1")
    @pytest.mark.parametrize("binding", [True, False])
    @pytest.mark.parametrize("tls", [True, False])
    def test_a_sips_request_goes_to_no_sip_uri_not_even_on_the_last_hop_or_over_tls(
        self, binding: bool, tls: bool
    ) -> None:
        (step,) = forwarding_faults(SIPS, PHONE, binding=binding, tls=tls)
        assert (step.code, step.severity, step.found) == ("sips.not-allowed", "error", PHONE)
        assert RESPONSES[step.code] == (480, 380)
        with pytest.raises(InvalidUri):
            next_hop(PHONE, received=SIPS)

    @pytest.mark.req("R5630-5.3-1", "R3261-26.2.2-1")
    def test_a_sips_request_goes_to_a_sips_uri_over_tls_or_not_at_all(self) -> None:
        assert forwarding_faults(SIPS, PHONES) == ()
        assert next_hop(PHONES, received=SIPS).tls_required
        (step,) = forwarding_faults(SIPS, PHONES, binding=True, tls=False)
        assert (step.code, step.severity) == ("sips.no-tls", "error")
        assert step.code not in RESPONSES  # the target failed; there may be another one

    @pytest.mark.req("R5630-5.3-2", "S-B-5")
    def test_a_sip_request_is_not_promoted_and_the_advice_is_tls_with_the_sip_uri(self) -> None:
        (step,) = forwarding_faults(SIP, "sips:bob@c.example")
        assert (step.code, step.severity, step.found) == ("sips.promotion", "error", "sips:bob@c.example")
        assert "keep the sip URI and send it over TLS" in step.fix
        assert "480 with Warning 381" in step.fix  # that is how the domain asks for sips
        assert RESPONSES["sips.required"] == (480, 381)
        assert told(forwarding_faults(SIP, "sip:bob@c.example")) == ["sips.over-tls"]

    @pytest.mark.req("R5630-5.3-3")
    def test_a_sips_binding_takes_a_sip_request_over_tls(self) -> None:
        (step,) = forwarding_faults(SIP, PHONES, binding=True)
        assert (step.code, step.severity) == ("sips.binding", "note")
        hop = next_hop(PHONES, received=SIP)
        assert (hop.request_uri.text, hop.tls_required) == (PHONE, True)

    @pytest.mark.req("R5630-5.3-6")
    def test_a_sips_binding_without_tls_may_be_answered_with_480_and_381(self) -> None:
        (step,) = forwarding_faults(SIP, PHONES, binding=True, tls=False)
        assert (step.code, RESPONSES[step.code]) == ("sips.required", (480, 381))

    @pytest.mark.req("R5630-5.3-4", "S-B-5")
    def test_a_sip_request_goes_over_tls_where_it_can_and_else_without(self) -> None:
        (step,) = forwarding_faults(SIP, PHONE)
        assert (step.code, step.severity) == ("sips.over-tls", "note")
        assert forwarding_faults(SIP, PHONE, binding=True, tls=False) == ()

    @pytest.mark.req("R5630-5.3-1", "R5630-5.3-2", "R5630-5.3-3")
    @given(
        received=st.sampled_from([SIP, SIPS]),
        target=st.sampled_from([PHONE, PHONES, "SIPS:x@y.example;transport=tcp", "sip:[2001:db8::1]:5061;lr"]),
        binding=st.booleans(),
        tls=st.booleans(),
    )
    def test_what_may_be_forwarded_keeps_the_scheme_of_the_request(
        self, received: str, target: str, binding: bool, tls: bool
    ) -> None:
        found = forwarding_faults(received, target, binding=binding, tls=tls)
        if not any(step.severity == "error" for step in found):
            hop = next_hop(target, received=received)
            assert hop.request_uri.scheme == SipUri.parse(received).scheme
            assert tls or not hop.tls_required


class TestRecursion:
    """What a proxy does with a response."""

    @pytest.mark.req("R5630-5.3-5")
    @pytest.mark.parametrize(
        ("sent", "status", "contacts", "warning", "recurses"),
        [
            (SIPS, 302, [PHONES], None, True),
            (SIPS, 302, [PHONE], None, False),
            (SIPS, 300, [PHONES, PHONE], None, False),
            (SIPS, 302, ["tel:+15551234"], None, True),
            (SIPS, 416, [], None, False),
            (SIPS, 480, [], 380, False),
            (SIPS, 480, [], None, True),
            (SIPS, 480, [], 381, True),
            (SIPS, 404, [PHONE], 380, True),
            (SIP, 302, [PHONE], None, True),
            (SIP, 302, [PHONES], None, False),
            (SIP, 399, [PHONE, "mailto:bob@b.example", PHONES], None, False),
            (SIP, 480, [], 381, False),
            (SIP, 480, [], 380, True),
            (SIP, 416, [], None, True),
            (SIP, 200, [PHONES], None, True),
            (SIP, 400, [PHONES], None, True),
        ],
    )
    def test_a_proxy_does_not_change_the_scheme_by_itself_after_a_response(
        self, sent: str, status: int, contacts: list[str], warning: int | None, recurses: bool
    ) -> None:
        found = recursion_faults(sent, status, contacts=contacts, warning=warning)
        assert told(found) == ([] if recurses else ["sips.no-recursion"])
        if found:
            assert found[0].fix == "forward the best response to the caller"
            assert str(status) in found[0].found


class TestContact:
    """The Contact of a request that begins a dialog."""

    @pytest.mark.req("R5630-5.1.1-6")
    @pytest.mark.parametrize(
        ("request_uri", "route"),
        [(SIPS, []), (SIP, ["sips:p.example;lr", "sip:q.example;lr"]), (SIPS, ["sip:p.example;lr"])],
    )
    def test_a_sips_uri_on_top_asks_for_a_sips_contact(self, request_uri: str, route: list[str]) -> None:
        assert contact_faults(request_uri, PHONES, route=route) == ()
        (step,) = contact_faults(request_uri, PHONE, route=route)
        assert (step.code, step.severity, step.found) == ("sips.inconsistent", "error", PHONE)

    @pytest.mark.req("R5630-5.1.1.2-1")
    @pytest.mark.parametrize("route", [[], ["sip:p.example;lr"], ["sip:p.example;lr", "sips:q.example;lr"]])
    def test_without_one_the_contact_stays_sip_even_over_tls(self, route: list[str]) -> None:
        assert contact_faults(SIP, PHONE, route=route) == ()
        (step,) = contact_faults(SIP, PHONES, route=route)
        assert (step.code, step.severity) == ("sips.contact-promoted", "warning")

    @pytest.mark.req("R5630-5.3-7", "R5630-5.1.2-1")
    def test_who_gets_uris_that_contradict_each_other_answers_with_400(self) -> None:
        (step,) = contact_faults(SIPS, "sip:alice@pc.a.example")
        assert RESPONSES[step.code] == (400, None)
        (other,) = contact_faults(SIPS, "tel:+15551234")
        assert other.code == "sips.inconsistent"
        # What a proxy promoted on the way is nothing that the one who receives it answers.
        (promoted,) = contact_faults(SIP, PHONES)
        assert promoted.code not in RESPONSES


class TestUserAgentServer:
    @pytest.mark.req("R5630-5.1.2-1")
    @pytest.mark.parametrize(
        ("request_uri", "wanted", "answer"),
        [(SIP, "sip", None), (SIPS, "sips", None), (SIPS, "sip", (480, 380)), (SIP, "sips", (480, 381))],
    )
    def test_a_scheme_that_is_not_wanted_is_answered_and_never_taken_for_the_other(
        self, request_uri: str, wanted: Scheme, answer: tuple[int, int] | None
    ) -> None:
        found = unwanted_scheme(request_uri, wanted)
        assert [RESPONSES[step.code] for step in found] == ([] if answer is None else [answer])
        assert all(step.found == request_uri for step in found)


class TestRegistration:
    @pytest.mark.req("R5630-5.1.1.1-1")
    def test_who_wants_to_be_reached_by_sips_registers_sips_contacts_without_their_sip_twins(self) -> None:
        assert register_faults([PHONES], from_uri=SIPS, to_uri=SIPS, wanted="sips") == ()
        assert told(register_faults([PHONE], from_uri=SIP, to_uri=SIP, wanted="sips")) == ["sips.contact-unwanted"]
        assert told(register_faults([PHONES], from_uri=SIPS, to_uri=SIPS, wanted="sip")) == ["sips.contact-unwanted"]
        both = register_faults([PHONES, PHONE], from_uri=SIP, to_uri=SIP, wanted="sips")
        assert told(both) == ["sips.contact-unwanted", "sips.twin"]
        assert both[1].found == PHONE

    @pytest.mark.req("R5630-5.1.1.1-1")
    def test_twins_are_the_same_uri_but_for_the_scheme(self) -> None:
        for other in ("sip:bob@pc.b.example", "sip:bob@phone.b.example:5070", "sip:eve@phone.b.example"):
            found = register_faults([PHONES, other], from_uri=SIP, to_uri=SIP, wanted="sips")
            assert "sips.twin" not in told(found)
        found = register_faults([PHONES, "sip:%62ob@PHONE.b.example;ob"], from_uri=SIP, to_uri=SIP, wanted="sips")
        assert "sips.twin" in told(found)

    @pytest.mark.req("R5630-5.1.1.1-2")
    @pytest.mark.parametrize(
        ("contacts", "scheme"),
        [
            ([PHONES], "sips"),
            ([PHONES, "sips:bob@pc.b.example"], "sips"),
            ([PHONE], "sip"),
            ([PHONES, "sip:bob@pc.b.example"], "sip"),
            ([PHONES, "mailto:bob@b.example"], "sip"),
            (["tel:+15551234"], "sip"),
        ],
    )
    def test_from_and_to_are_sips_only_if_all_contacts_are(self, contacts: list[str], scheme: str) -> None:
        right, wrong = (SIPS, SIP) if scheme == "sips" else (SIP, SIPS)

        def said(from_uri: str, to_uri: str) -> list[str]:
            found = register_faults(contacts, from_uri=from_uri, to_uri=to_uri, wanted="sips")
            return [step.found for step in found if step.code == "sips.register-scheme"]

        assert said(right, right) == []
        assert said(wrong, right) == said(right, wrong) == [wrong]
        assert said(wrong, wrong) == [f"{wrong}, {wrong}"]

    def test_a_query_of_the_bindings_has_no_contact_and_may_use_either_scheme(self) -> None:
        for uri in (SIP, SIPS):
            assert register_faults([], from_uri=uri, to_uri=uri, wanted="sips") == ()

    @pytest.mark.req("R5630-5.2-1")
    def test_a_registrar_takes_both_schemes_of_an_address_of_record_for_one(self) -> None:
        assert same_resource(SIP, SIPS)
        assert same_resource("SIPS:%62ob@B.example.;transport=tcp", SipUri.parse(SIP))
        for other in ("sips:eve@b.example", "sips:bob@c.example", "sips:Bob@b.example", "sips:bob@b.example:5061"):
            assert not same_resource(SIP, other)
        assert not same_resource("sip:b.example", SIPS)

    @pytest.mark.req("R5630-5.2-2")
    @pytest.mark.parametrize(
        ("request_uri", "contacts", "path", "clear"),
        [
            ("sips:b.example", [PHONES], [], []),
            ("sips:b.example", [PHONES], ["sips:eb.b.example;lr"], []),
            ("sip:b.example", [PHONES], [], ["sip:b.example"]),
            ("sips:b.example", [PHONES, "sip:bob@pc.b.example"], [], ["sip:bob@pc.b.example"]),
            ("sips:b.example", [PHONES], ["sips:q.b.example;lr", "sip:eb.b.example;lr"], ["sip:eb.b.example;lr"]),
            ("sip:b.example", [PHONE], ["sips:eb.b.example;lr"], []),  # no sips Contact: nothing is asked of the rest
            ("sip:b.example", ["tel:+15551234"], [], []),
            ("sip:b.example", [], [], []),
        ],
    )
    def test_a_registrar_binds_a_sips_contact_only_if_request_uri_contacts_and_path_are_sips(
        self, request_uri: str, contacts: list[str], path: list[str], clear: list[str]
    ) -> None:
        found = binding_faults(request_uri, contacts, path=path)
        assert [step.found for step in found] == ([", ".join(clear)] if clear else [])
        assert [RESPONSES[step.code] for step in found] == [(400, None)] * len(found)


class TestRedirection:
    @pytest.mark.req("R5630-5.4-1")
    @pytest.mark.parametrize(
        ("binding", "contact", "tls", "right"),
        [
            (PHONE, PHONE, True, True),
            (PHONE, PHONES, True, False),
            (PHONE, PHONES, False, False),
            (PHONES, PHONES, True, True),
            (PHONES, PHONE, True, False),
            (PHONES, PHONE, False, True),
        ],
    )
    def test_a_redirection_offers_the_scheme_of_the_binding(
        self, binding: str, contact: str, tls: bool, right: bool
    ) -> None:
        found = redirect_faults(binding, contact, tls=tls)
        assert told(found) == ([] if right else ["sips.redirect"])


class TestInput:
    def test_responses_belong_to_errors_of_the_catalogue(self) -> None:
        assert {CATALOGUE[code].severity for code in RESPONSES} == {"error"}
        for code, (status, warning) in RESPONSES.items():
            for number in (status, warning):
                assert number is None or str(number) in CATALOGUE[code].impact

    @pytest.mark.parametrize(
        "call",
        [
            lambda: recursion_faults("tel:+15551234", 302),
            lambda: recursion_faults(SIP, 302, contacts=SIPS),
            lambda: contact_faults(SIP, SIP, route=SIPS),
            lambda: register_faults([SIP], from_uri="bob", to_uri=SIP, wanted="sip"),
            lambda: register_faults(SIPS, from_uri=SIP, to_uri=SIP, wanted="sip"),
            lambda: binding_faults(SIP, [SIPS], path="sips:p.example"),
            lambda: binding_faults(SIP, SIPS),
            lambda: redirect_faults(SIP, "http://b.example"),
        ],
    )
    def test_what_the_program_itself_passes_is_refused_if_it_is_no_uri(self, call: Callable[[], object]) -> None:
        with pytest.raises(InvalidUri):
            call()

    @pytest.mark.parametrize(
        ("call", "found"),
        [
            (lambda: forwarding_faults("b.example", SIP), "no URI"),
            (lambda: forwarding_faults("tel:+15551234", SIP), "a URI of the scheme tel"),
            (lambda: forwarding_faults(SIP, "SIPS:bob:secret@"), "a sips URI that cannot be read"),
            (lambda: recursion_faults(SIP, 302, contacts=["bob", SIPS]), "no URI"),
            (lambda: recursion_faults(SIPS, 302, contacts=["sip:bob:secret@"]), "a sip URI that cannot be read"),
            (lambda: contact_faults("", SIP), "no URI"),
            (lambda: contact_faults(SIPS, "*"), "no URI"),
            (lambda: contact_faults(SIPS, SIPS, route=["sips:\x1b@h"]), "a sips URI that cannot be read"),
            (lambda: unwanted_scheme("mailto:bob@b.example", "sip"), "a URI of the scheme mailto"),
            (lambda: binding_faults("tel:+15551234", [SIPS]), "a URI of the scheme tel"),
            (lambda: binding_faults(SIPS, ["sips:\x1b@h", SIPS]), "a sips URI that cannot be read"),
            (lambda: binding_faults(SIPS, [SIPS], path=["p"] * 10), ", ".join(["no URI"] * 8) + ", and 2 more"),
            (lambda: redirect_faults("http://b.example", SIP), "a URI of the scheme http"),
        ],
    )
    def test_what_a_message_says_is_one_finding_if_it_is_no_uri(
        self, call: Callable[[], Sequence[Step]], found: str
    ) -> None:
        (step,) = call()
        assert (step.code, step.severity, step.found) == ("sips.unreadable", "error", found)

    def test_a_contact_of_a_response_that_leads_nowhere_else_is_not_read(self) -> None:
        assert recursion_faults(SIP, 200, contacts=["bob"]) == ()
        assert told(recursion_faults(SIPS, 416, contacts=["bob"])) == ["sips.no-recursion"]

    def test_what_is_no_sip_uri_is_the_same_resource_as_nothing(self) -> None:
        for text in ("tel:+15551234", "", "sip:bob@"):
            assert not same_resource(SIP, text)
            assert not same_resource(text, text)

    @given(st.text(max_size=20).map("sips:{}".format) | st.text(max_size=20), st.sampled_from((SIP, SIPS, "tel:+1")))
    def test_no_text_of_a_message_raises_anything(self, text: str, good: str) -> None:
        for one, other in ((text, good), (good, text), (text, text)):
            found = (
                *forwarding_faults(one, other),
                *recursion_faults(SIPS, 302, contacts=[one, other]),
                *contact_faults(one, other, route=[other]),
                *unwanted_scheme(one, "sips"),
                *binding_faults(one, [other], path=[one]),
                *redirect_faults(one, SIPS),
            )
            assert all(str(step).isascii() and str(step).isprintable() for step in found)
            assert same_resource(one, other) is same_resource(other, one)

    def test_a_uri_that_is_read_already_counts_as_its_text(self) -> None:
        sips, phone, phones = SipUri.parse(SIPS), SipUri.parse(PHONE), SipUri.parse(PHONES)
        assert str(forwarding_faults(sips, phone)) == str(forwarding_faults(SIPS, PHONE))
        assert str(recursion_faults(sips, 302, contacts=[phone])) == str(recursion_faults(SIPS, 302, contacts=[PHONE]))
        assert str(contact_faults(sips, phone)) == str(contact_faults(SIPS, PHONE))
        assert told(register_faults([phones, phone], from_uri=SIP, to_uri=SIP, wanted="sips"))[-1] == "sips.twin"

    def test_a_password_is_not_told(self) -> None:
        uri = "sip:bob:secret@b.example"
        for found in (
            forwarding_faults(SIPS, uri),
            contact_faults(SIPS, uri),
            unwanted_scheme(uri, "sips"),
            register_faults([uri], from_uri=uri.replace("sip", "sips"), to_uri=SIP, wanted="sips"),
            binding_faults(uri, [SIPS, uri]),
            redirect_faults(SIPS, uri),
        ):
            assert found
            assert not [step for step in found if "secret" in str(step)]

    @given(st.from_regex(r"[a-zA-Z][a-zA-Z0-9+.\-]{0,8}:[^\n]*", fullmatch=True))
    def test_a_contact_of_any_scheme_is_told_in_plain_text_or_refused(self, uri: str) -> None:
        try:
            found = contact_faults(SIPS, uri)
        except InvalidUri:
            assert uri.lower().startswith(("sip:", "sips:"))
            return
        for step in found:
            assert str(step).isascii()
            assert str(step).isprintable()
