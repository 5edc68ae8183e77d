from __future__ import annotations

import pytest

from siptls.errors import InvalidName, InvalidUri
from siptls.uri import SipUri
from siptls_io.a_labels import host_to_a_labels, to_a_labels


@pytest.mark.req("R5922-7.2-3", "R6698-3-2")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:alice@bücher.example", "sip:alice@xn--bcher-kva.example"),
        ("sips:bücher.example:5061;transport=tcp?x=y", "sips:xn--bcher-kva.example:5061;transport=tcp?x=y"),
        ("SIP:bücher.example.", "SIP:xn--bcher-kva.example."),
        ("sip:a:b@straße.example", "sip:a:b@xn--strae-oqa.example"),
        ("sip:bücher.例え", "sip:xn--bcher-kva.xn--r8jz45g"),
        # What is ASCII is left as it is, wrong or not.
        ("sip:alice@example.com", "sip:alice@example.com"),
        ("sip:[2001:db8::1]:5061", "sip:[2001:db8::1]:5061"),
        ("sip:alice@xn--a.example", "sip:alice@xn--a.example"),
        ("sip:", "sip:"),
        ("tel:+1", "tel:+1"),
        ("example.com", "example.com"),
        ("", ""),
        # Only the host is an internationalised name.
        ("sip:jürgen@example.com", "sip:jürgen@example.com"),
        ("sip:example.com;x=ü", "sip:example.com;x=ü"),
        ("mailto:a@bücher.example", "mailto:a@bücher.example"),
    ],
)
def test_the_host_of_a_uri_is_turned_into_a_labels(text: str, expected: str) -> None:
    assert to_a_labels(text) == expected


def test_the_result_is_a_uri() -> None:
    assert SipUri.parse(to_a_labels("sip:alice@bücher.example")).host == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("Bücher.example", 0),
        ("ü..example", 0),
        ("a\u3002ü.example", 1),
        ("\u2665.example", 0),
        ("ü_x.example", 1),
        ("-ü.x", 0),
        ("ok.büXcher.example", 5),
    ],
)
def test_a_host_that_is_no_internationalised_name_is_refused_where_it_goes_wrong(host: str, place: int) -> None:
    with pytest.raises(InvalidUri) as raised:
        to_a_labels(f"sip:alice@{host}:5061")
    assert raised.value.position == len("sip:alice@") + place
    with pytest.raises(InvalidName):
        host_to_a_labels(host)


def test_a_name_may_be_given_alone() -> None:
    assert host_to_a_labels("bücher.example") == "xn--bcher-kva.example"
    assert host_to_a_labels("example.com") == "example.com"
    assert host_to_a_labels("192.0.2.1") == "192.0.2.1"
