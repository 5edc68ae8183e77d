"""The extension in which a client says where its TLSA records stand (draft-ietf-dance-client-auth section 7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siptls import InvalidName
from siptls.dane_clientid import MALFORMED, REQUEST, extension_of_client, is_request, name_of_client
from siptls.names import is_domain_name

NAMES = ["_sip-client.example.com", "42._device.example.org", "p1.example.com", "xn--bcher-kva.example", "EXAMPLE.com"]


@pytest.mark.req("RDANCE-7-1", "RDANCE-2-2")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_octet_of_length_and_its_text(name: str) -> None:
    data = extension_of_client(name, REQUEST)
    assert data == bytes([len(name)]) + name.encode()
    assert name_of_client(data) == name


@pytest.mark.req("RDANCE-7-1")
def test_a_name_of_full_length_fits() -> None:
    name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    data = extension_of_client(name, REQUEST)
    assert data is not None
    assert len(data) == 254
    assert name_of_client(data) == name


@pytest.mark.req("RDANCE-7-2", "RDANCE-7-1")
@pytest.mark.parametrize(
    "name", ["b\xfccher.example", "example.com.", "", ".", "a..b", "a b.example", "\\065.example", "x" * 64, "a." * 130]
)
def test_a_client_signals_no_other_text_than_a_name_in_a_labels_without_the_trailing_dot(name: str) -> None:
    with pytest.raises(InvalidName):
        extension_of_client(name, REQUEST)


@pytest.mark.req("RDANCE-7-3")
def test_the_server_asks_with_an_empty_name_and_only_then_the_client_answers() -> None:
    assert REQUEST == b"\x00"
    assert is_request(REQUEST)
    assert extension_of_client(NAMES[0], REQUEST) is not None
    for request in (None, b"", b"\x01a", b"\x00\x00"):
        assert not is_request(request)
        assert extension_of_client(NAMES[0], request) is None


@pytest.mark.req("RDANCE-8.2-1", "RDANCE-7-3")
def test_no_extension_an_empty_name_and_a_name_are_three_things() -> None:
    assert name_of_client(None) is None
    assert name_of_client(b"\x00") == ""
    assert name_of_client(b"\x01a") == "a"


@pytest.mark.req("RDANCE-7-2", "RDANCE-7-3")
@pytest.mark.parametrize("data", [b"", b"\x02a", b"\x01ab", b"\x02\xc3\xbc", b"\xff"])
def test_what_has_no_form_is_a_name_of_nobody(data: bytes) -> None:
    assert name_of_client(data) == MALFORMED
    assert not is_domain_name(MALFORMED)


@pytest.mark.req("RDANCE-7-3")
def test_a_name_that_nobody_asked_for_is_a_name_of_nobody() -> None:
    assert name_of_client(b"\x01a", asked=False) == MALFORMED
    assert name_of_client(None, asked=False) is None


@given(st.binary(max_size=300))
def test_no_data_makes_it_raise_and_what_comes_out_is_ascii(data: bytes) -> None:
    name = name_of_client(data)
    assert name is not None
    assert name.isascii()
    if is_domain_name(name) and not name.endswith("."):
        assert extension_of_client(name, REQUEST) == data
