"""Domain names: comparison, checking, owner names, IP addresses (RFC 4343, 1035, 1123, 6698, 2782)."""

import ipaddress
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siptls.errors import InvalidName, SiptlsError
from siptls.names import domain, fold, ip_literal, is_domain_name, is_host, same, srv_owner, tlsa_owner

LABEL = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?", fullmatch=True)
TOP = st.from_regex(r"[A-Za-z]([A-Za-z0-9-]{0,10}[A-Za-z0-9])?", fullmatch=True)
HOSTS = st.tuples(st.lists(LABEL, max_size=5).map(lambda labels: "".join(f"{label}." for label in labels)), TOP).map(
    "".join
)


@pytest.mark.req("R5922-7.2-2", "R4343-3-1", "R5280-7.2-1", "R9525-6.3-1")
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com", "example.COM"),
        ("example.com.", "example.com"),
        ("xn--BCHER-kva.Example", "XN--bcher-KVA.example"),
        ("b\xfccher.EXAMPLE", "b\xfccher.example"),
        (".", "."),
    ],
)
def test_names_that_differ_in_ascii_case_or_a_final_dot_are_the_same(a: str, b: str) -> None:
    assert same(a, b)
    assert same(b, a)


@pytest.mark.req("R5922-7.2-2", "R5922-7.2-4", "R5922-7.2-6", "R4343-3-1", "R5280-7.2-1")
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("example.com", "example.org"),
        ("sub.example.com", "example.com"),
        ("example.com", "example.com.."),
        ("\u0130.example", "i.example"),  # I with dot above: str.lower() would make it an i and a combining dot
        ("\u0130.example", "I.example"),
        ("\u212a.example", "k.example"),  # the Kelvin sign: str.lower() would make it a k
        ("\xc9.example", "\xe9.example"),
        ("\xdf.example", "ss.example"),
        (".", ""),
    ],
)
def test_all_other_differences_count(a: str, b: str) -> None:
    assert not same(a, b)
    assert not same(b, a)


@pytest.mark.req("R4343-3-1")
@given(st.text())
def test_folding_changes_only_ascii_letters_and_one_final_dot(text: str) -> None:
    folded = fold(text)
    kept = text[:-1] if text.endswith(".") and text != "." else text
    assert len(folded) == len(kept)
    assert all(b == (a.lower() if a.isascii() else a) for a, b in zip(kept, folded, strict=True))


@given(HOSTS)
def test_a_host_name_is_returned_in_lower_case(name: str) -> None:
    assert domain(name) == name.lower()
    assert domain(f"{name}.") == name.lower()
    assert is_host(name)
    assert is_domain_name(name)


LONGEST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])


@pytest.mark.parametrize("name", ["a", "1.example", "a-b.c--d.x1", "xn--bcher-kva.example", LONGEST])
def test_names_at_the_limits_are_host_names(name: str) -> None:
    assert is_host(name)
    assert domain(name) == name


NO_HOSTS = [
    "",
    ".",
    "..",
    ".example.com",
    "example..com",
    "example.com..",
    "*",
    "*.example.com",
    "_sip.example.com",
    "-a.example",
    "a-.example",
    "a" * 64 + ".example",
    LONGEST + "x",
    "example.1",
    "1",
    "exam ple.com",
    "example.com\n",
    "good.example\0.evil.example",
    "good.example\0",
    "good\u3002example",
    "example.com:5061",
    "sip:example.com",
    "127.1",
    "01.02.03.04",
    "1.2.3.4.5",
]


@pytest.mark.req("T-N11", "T-N01")
@pytest.mark.parametrize("text", [*NO_HOSTS, "192.0.2.1", "2001:db8::1", "b\xfccher.example"])
def test_a_reference_that_is_no_host_name_is_the_callers_mistake(text: str) -> None:
    with pytest.raises(InvalidName) as caught:
        domain(text)
    assert caught.value.text == text
    assert isinstance(caught.value, SiptlsError)
    assert isinstance(caught.value, ValueError)
    assert not is_host(text)


@pytest.mark.req("R9525-6.3-1")
def test_an_internationalised_reference_is_wanted_in_a_labels() -> None:
    with pytest.raises(InvalidName, match="A-labels"):
        domain("b\xfccher.example")


def test_an_address_as_a_domain_is_named_as_such() -> None:
    with pytest.raises(InvalidName, match="not an IP address"):
        domain("192.0.2.1")


@given(st.text())
def test_what_the_raising_check_accepts_the_other_accepts_as_well(text: str) -> None:
    try:
        name = domain(text)
    except InvalidName:
        assert not is_host(fold(text))
    else:
        assert is_host(name)
        assert ip_literal(name) is None


@pytest.mark.parametrize(
    "name", [".", "example.com", "_5061._tcp.example.com", "*.example.com", "a" * 63, LONGEST, "1.2.3.4"]
)
def test_a_name_that_may_be_looked_up(name: str) -> None:
    assert is_domain_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "a..b",
        ".a",
        "a.",
        "a" * 64,
        LONGEST + "x",
        "a b",
        "a\tb",
        "a\0b",
        "a\x7fb",
        "a\\046b",
        'a"b',
        "a;b",
        "(a)",
        "a@b",
        "$a",
        "b\xfccher.example",
    ],
)
def test_a_name_that_must_not_be_looked_up(name: str) -> None:
    assert not is_domain_name(name)


@pytest.mark.req("R6698-3-1")
def test_the_owner_of_tlsa_records_is_port_protocol_and_base() -> None:
    assert tlsa_owner(5061, "tcp", "sip1.example.com") == "_5061._tcp.sip1.example.com"
    assert tlsa_owner(5068, "udp", "sip02.example.org") == "_5068._udp.sip02.example.org"


def test_the_owner_of_srv_records_is_service_protocol_and_domain() -> None:
    assert srv_owner("sips", "tcp", "example.com") == "_sips._tcp.example.com"


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("192.0.2.1", bytes([192, 0, 2, 1])),
        ("0.0.0.1", b"\0\0\0\1"),
        ("255.255.255.255", b"\xff" * 4),
        ("::", bytes(16)),
        ("::1", bytes(15) + b"\1"),
        ("1::", b"\0\1" + bytes(14)),
        ("2001:DB8::1", bytes.fromhex("20010db8000000000000000000000001")),
        ("1:2:3:4:5:6:7:8", bytes([0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8])),
        ("1:2:3:4:5:6:7::", bytes([0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0])),
        ("::ffff:192.0.2.1", bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1])),
        ("1:2:3:4:5:6:192.0.2.1", bytes([0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 192, 0, 2, 1])),
    ],
)
def test_an_address_in_text_form_is_read(text: str, packed: bytes) -> None:
    assert ip_literal(text) == packed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "example.com",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.1000",
        "01.2.3.4",
        "1..3.4",
        "1.2.3.x4",
        "0x7f.0.0.1",
        "\u0661.2.3.\u0664",
        ":",
        ":::",
        "1::2::3",
        ":1",
        "1:",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4::5:6:7:8",
        "12345::",
        "g::",
        "::1.2.3",
        "1.2.3.4::",
        "::1.2.3.4:5",
        "[::1]",
        "fe80::1%eth0",
        "::" + "0" * 100,
        "example.com:5061",
    ],
)
def test_any_other_text_is_no_address(text: str) -> None:
    assert ip_literal(text) is None


def _oracle(text: str) -> bytes | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else address.packed


@given(st.lists(st.sampled_from(["1", "ab", "::", ":", ".", "0", "255", "%", "ffff", "g"]), max_size=20).map("".join))
def test_addresses_are_read_as_the_standard_library_reads_them(text: str) -> None:
    assert ip_literal(text) == _oracle(text)


@given(st.ip_addresses().map(lambda address: (address.packed, (str(address), address.exploded))))
def test_every_address_is_read_in_short_and_long_form(case: tuple[bytes, tuple[str, str]]) -> None:
    packed, forms = case
    assert [ip_literal(form) for form in forms] == [packed, packed]


@pytest.mark.parametrize("text", ["a" * 1_000_000, "a." * 500_000, "1." * 500_000, ":" * 1_000_000, "1:" * 500_000])
def test_long_texts_are_refused_in_linear_time(text: str) -> None:
    begun = process_time()
    assert not is_host(text)
    assert not is_domain_name(text)
    assert ip_literal(text) is None
    assert process_time() - begun < 1
