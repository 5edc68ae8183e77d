"""SIP and SIPS URIs against the grammar of RFC 3261 section 25.1."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siptls.errors import InvalidUri, SiptlsError
from siptls.uri import SipUri


def read(text: str) -> SipUri | InvalidUri:
    try:
        return SipUri.parse(text)
    except InvalidUri as error:
        return error


def test_all_parts_of_a_uri_are_told_apart() -> None:
    uri = SipUri.parse(
        "sips:alice;day=tuesday:secret@Example.COM.:5061;transport=TCP;lr;X-a=%20b?Subject=call%20me&To="
    )
    assert uri.scheme == "sips"
    assert uri.user == "alice;day=tuesday"
    assert uri.host == "example.com"
    assert uri.port == 5061
    assert uri.transport == "tcp"
    assert uri.maddr is None
    assert uri.parameters == (("transport", "TCP"), ("lr", None), ("x-a", "%20b"))
    assert uri.headers == "Subject=call%20me&To="
    assert uri.target == "example.com"
    assert not uri.is_ip


def test_a_uri_may_be_a_scheme_and_a_host_alone() -> None:
    uri = SipUri.parse("SIP:Example.COM")
    assert (uri.scheme, uri.user, uri.host, uri.port) == ("sip", None, "example.com", None)
    assert (uri.transport, uri.maddr, uri.parameters, uri.headers) == (None, None, (), None)
    assert uri.text == "SIP:Example.COM"


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@atlanta.com",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:1212@gateway.com",
        "sip:alice@192.0.2.4",
        "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com",
        "sip:%61lice@atlanta.com;transport=TCP",
        "sip:carol@chicago.com;newparam=5",
        "sip:carol@chicago.com;security=on",
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        "sip:a/b?c=d&e,f$g+h@example.com",
        "sip:[2001:db8::1]:5060",
        "sip:alice@example.com;maddr=239.255.255.1;ttl=15",
    ],
)
def test_the_examples_of_the_standard_are_read(text: str) -> None:
    assert SipUri.parse(text).text == text


@pytest.mark.parametrize("token", ["udp", "tcp", "tls", "sctp", "tls-sctp", "ws", "wss", "carrier-pigeon"])
@pytest.mark.req("R3261-26.2.2-3", "R5630-3.1.4-1")
def test_every_transport_is_kept_in_lower_case(token: str) -> None:
    uri = SipUri.parse(f"sip:example.com;Transport={token.upper()}")
    assert uri.transport == token
    assert uri.parameters == (("transport", token.upper()),)


@pytest.mark.req("R3261-19.1.1-1", "R3261-26.2.2-1")
@pytest.mark.parametrize("value", ["udp", "UDP", "Udp"])
def test_a_sips_uri_cannot_use_udp(value: str) -> None:
    text = f"sips:alice@example.com;lr;transport={value};x"
    with pytest.raises(InvalidUri, match="TLS") as caught:
        SipUri.parse(text)
    assert caught.value.position == text.index(value)


@pytest.mark.req("R3261-19.1.1-1", "R3261-26.2.2-1")
def test_an_escape_does_not_hide_a_parameter() -> None:
    with pytest.raises(InvalidUri, match="TLS"):
        SipUri.parse("sips:example.com;%74r%61nsport=udp")
    with pytest.raises(InvalidUri, match="only once"):
        SipUri.parse("sip:example.com;transport=tcp;%74ransport=tls")
    assert SipUri.parse("sip:example.com;%6Daddr=192.0.2.1").maddr == "192.0.2.1"


def test_an_escaped_reserved_character_stays_escaped() -> None:
    uri = SipUri.parse("sip:example.com;a%3Bb%00=1")
    assert uri.parameters == (("a%3bb%00", "1"),)


@pytest.mark.req("R3261-19.1.1-1")
@pytest.mark.parametrize("value", ["tcp", "sctp", "ws", "tls"])
def test_a_sips_uri_can_use_every_transport_that_can_carry_tls(value: str) -> None:
    assert SipUri.parse(f"sips:example.com;transport={value}").transport == value


@pytest.mark.parametrize(
    ("maddr", "target"),
    [("h.Example.", "h.example"), ("192.0.2.7", "192.0.2.7"), ("[2001:DB8::7]", "2001:db8::7")],
)
def test_maddr_is_the_target_and_the_host_stays_the_domain(maddr: str, target: str) -> None:
    uri = SipUri.parse(f"sip:a@d.example:5070;maddr={maddr}")
    assert (uri.host, uri.port, uri.maddr, uri.target) == ("d.example", 5070, target, target)
    assert uri.parameters == (("maddr", maddr),)


@pytest.mark.parametrize(("text", "host"), [("192.0.2.1", "192.0.2.1"), ("[2001:DB8::1]", "2001:db8::1")])
def test_an_address_as_the_host_is_known_as_one(text: str, host: str) -> None:
    uri = SipUri.parse(f"sip:{text}:5061")
    assert (uri.host, uri.port, uri.is_ip) == (host, 5061, True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SIP:Example.COM.", "sip:example.com"),
        ("sip:alice:secret@example.com:5060;LR?a=b", "sip:alice@example.com:5060;lr?a=b"),
        ("sips:[2001:DB8::1]:5061;transport=tcp", "sips:[2001:db8::1]:5061;transport=tcp"),
    ],
)
def test_a_uri_is_shown_in_one_form_and_without_its_password(text: str, shown: str) -> None:
    uri = SipUri.parse(text)
    assert str(uri) == shown
    assert repr(uri) == f"SipUri.parse({shown!r})"


@pytest.mark.req("R3263-4-4")
@pytest.mark.parametrize(
    ("next_hop", "uri"),
    [
        ("proxy.example", "sip:proxy.example"),
        ("Proxy.Example.", "sip:proxy.example"),
        ("localhost", "sip:localhost"),
        ("192.0.2.1", "sip:192.0.2.1"),
        ("2001:DB8::1", "sip:[2001:db8::1]"),
        ("[2001:db8::1]", "sip:[2001:db8::1]"),
        ("::ffff:192.0.2.1", "sip:[::ffff:192.0.2.1]"),
    ],
)
def test_a_next_hop_that_is_a_host_alone_gets_a_temporary_uri(next_hop: str, uri: str) -> None:
    made = SipUri.of_next_hop(next_hop)
    assert str(made) == uri
    assert (made.scheme, made.user, made.port, made.parameters, made.headers) == ("sip", None, None, (), None)


@pytest.mark.req("R3263-4-4")
@pytest.mark.parametrize(
    ("next_hop", "position", "expected"),
    [
        ("", 0, "a domain name or an IP address"),
        (" proxy.example", 0, "a domain name or an IP address"),
        ("sip:proxy.example", 3, "without a scheme"),
        ("proxy.example:5060", 13, "without a port"),
        ("192.0.2.1:5060", 9, "without a port"),
        ("[2001:db8::1]:5060", 13, "without a port"),
        ("[2001:db8::1", 1, "an IPv6 address in brackets"),
        ("2001:db8::x", 0, "an IPv6 address"),
        ("fe80::1%eth0", 0, "without a zone"),
        ("[fe80::1%25eth0]", 1, "without a zone"),
        (":", 0, "a domain name or an IP address"),
        ("alice@proxy.example", 5, "a domain name or an IP address"),
        ("proxy.example;lr", 13, "a domain name or an IP address"),
        ("proxy.example?a=b", 13, "a domain name or an IP address"),
        ("192.0.2", 6, "four numbers"),
        ("b\xfccher.example", 1, "A-labels"),
    ],
)
def test_a_next_hop_that_is_no_host_alone_is_refused_at_its_place(next_hop: str, position: int, expected: str) -> None:
    with pytest.raises(InvalidUri) as caught:
        SipUri.of_next_hop(next_hop)
    assert (caught.value.text, caught.value.position) == (next_hop, position)
    assert expected in caught.value.expected


def test_a_uri_is_made_of_its_parts() -> None:
    assert SipUri.of("sip", "Example.COM").text == "sip:Example.COM"
    assert SipUri.of("sips", "2001:db8::1", port=5061).text == "sips:[2001:db8::1]:5061"
    assert SipUri.of("sips", "[2001:db8::1]").text == "sips:[2001:db8::1]"
    uri = SipUri.of("sip", "p1.example", user="a;b=%40", port=5070, transport="tcp", lr=True)
    assert uri.text == "sip:a;b=%40@p1.example:5070;transport=tcp;lr"
    assert (uri.user, uri.host, uri.port, uri.transport) == ("a;b=%40", "p1.example", 5070, "tcp")


@pytest.mark.req("R5630-5.1.1-4", "R5630-3.1.4-1")
@pytest.mark.parametrize("scheme", ["sip", "sips"])
@pytest.mark.parametrize("transport", ["tls", "TLS", "Tls"])
def test_no_uri_is_made_with_transport_tls(scheme: str, transport: str) -> None:
    with pytest.raises(InvalidUri, match="deprecated: sips asks for TLS"):
        SipUri.of(scheme, "example.com", transport=transport)


@pytest.mark.parametrize("scheme", ["", "SIP", "tel", "sip:", "sip:evil.example;x"])
def test_a_uri_is_made_with_the_scheme_sip_or_sips_alone(scheme: str) -> None:
    with pytest.raises(InvalidUri, match="sip or sips"):
        SipUri.of(scheme, "example.com")


@pytest.mark.parametrize(
    "host", ["", "a b", "example.com:5060", "example.com;lr", "evil@example.com", "x?a=b", "[::1]:1"]
)
def test_a_host_that_would_be_more_than_a_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidUri):
        SipUri.of("sip", host)


@pytest.mark.parametrize("user", ["", "a:b", "a@b", "a b", "a%4", "\xe4", "a>", 'a"', "a\r\nVia: x"])
def test_a_user_that_would_be_more_than_a_user_is_refused(user: str) -> None:
    with pytest.raises(InvalidUri, match=r"a user name|two hexadecimal digits"):
        SipUri.of("sip", "example.com", user=user)


@pytest.mark.parametrize("port", [0, -1, 65536, 10**30])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(InvalidUri, match="1 to 65535"):
        SipUri.of("sip", "example.com", port=port)


@pytest.mark.parametrize("transport", ["", "tcp;maddr=evil.example", "t cp", "tcp?a=b", "%74ls"])
def test_a_transport_that_would_be_more_than_a_token_is_refused(transport: str) -> None:
    with pytest.raises(InvalidUri, match="a transport such as tcp"):
        SipUri.of("sip", "example.com", transport=transport)


@pytest.mark.req("R3261-19.1.1-1", "R3261-26.2.2-1")
def test_no_sips_uri_is_made_for_udp() -> None:
    with pytest.raises(InvalidUri, match="cannot use udp"):
        SipUri.of("sips", "example.com", transport="UDP")
    assert SipUri.of("sip", "example.com", transport="udp").transport == "udp"


LONG_NAME = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])

REFUSED = [
    # text, column of the offending character, what is expected there
    ("", 0, "sip: or sips:"),
    ("example.com", 0, "sip: or sips:"),
    ("example.com:5061", 0, "sip: or sips:"),
    (" sip:example.com", 0, "sip: or sips:"),
    ("sip%3Aexample.com", 0, "sip: or sips:"),
    ("tel:+12125551212", 0, "tel URI names no domain"),
    ("xmpp:example.com", 0, "sip: or sips:"),
    ("https://example.com", 0, "sip: or sips:"),
    ("sip:", 4, "a domain name or an IP address"),
    ("sip: example.com", 4, "a domain name"),
    ("sip:exam\0ple.com", 8, "a domain name"),
    ("sip:example.com\n", 15, "a domain name"),
    ("sip:%65xample.com", 4, "a domain name"),
    ("sip:*.example.com", 4, "a domain name"),
    ("sip:_x.example.com", 4, "a domain name"),
    ("sip:b\xfccher.example", 5, "A-labels"),
    ("sip:alice@b\xfccher.example", 11, "A-labels"),
    ("sip:good\u3002example", 8, "A-labels"),
    ("sip:@example.com", 4, "a user name"),
    ("sip::pw@example.com", 4, "a user name"),
    ("sip:a:@example.com", 6, "a password"),
    ("sip:a:b:c@example.com", 7, "a password"),
    ("sip:a b@example.com", 5, "a user name"),
    ("sip:\xe4@example.com", 4, "a user name"),
    ("sip:a%4@example.com", 5, "two hexadecimal digits"),
    ("sip:a%zz@example.com", 5, "two hexadecimal digits"),
    ("sip:a%", 5, "a domain name"),
    ("sip:a@b@example.com", 7, "a domain name"),
    ("sip:.", 4, "a domain name"),
    ("sip:.example.com", 4, "a domain name"),
    ("sip:a..example", 6, "a domain name"),
    ("sip:example.com..", 16, "a domain name"),
    ("sip:-a.example", 4, "not a hyphen"),
    ("sip:b.a-.example", 7, "not a hyphen"),
    ("sip:" + "a" * 64 + ".example", 67, "at most 63"),
    ("sip:x." + LONG_NAME, 257, "at most 253"),
    ("sip:example.1", 12, "begins with a letter"),
    ("sip:example.3com", 12, "begins with a letter"),
    ("sip:192.0.2", 10, "begins with a letter"),
    ("sip:192.0.2.256", 12, "four numbers from 0 to 255"),
    ("sip:192.0.02.1", 13, "four numbers"),
    ("sip:192.0.2.1.", 12, "four numbers"),
    ("sip:[2001:db8::1", 16, "]"),
    ("sip:[2001:db8::1;lr]", 16, "]"),
    ("sip:[]", 5, "an IPv6 address"),
    ("sip:[192.0.2.1]", 5, "an IPv6 address"),
    ("sip:[fe80::1%25eth0]", 5, "without a zone"),
    ("sip:[::1]x", 9, ":port"),
    ("sip:2001:db8::1", 4, "brackets"),
    ("sip:2001:db8::x", 4, "begins with a letter"),
    ("sip:x::5061", 6, "a digit of the port"),
    ("sip:example.com:", 16, "a digit of the port"),
    ("sip:example.com:;lr", 16, "a digit of the port"),
    ("sip:example.com:5061x", 20, "a digit of the port"),
    ("sip:example.com:+5", 16, "a digit of the port"),
    ("sip:example.com:%35", 16, "a digit of the port"),
    ("sip:example.com:\u0665", 16, "a digit of the port"),
    ("sip:example.com:0", 16, "from 1 to 65535"),
    ("sip:example.com:65536", 16, "from 1 to 65535"),
    ("sip:example.com:" + "9" * 5000, 16, "from 1 to 65535"),
    ("sip:example.com;", 16, "a parameter name"),
    ("sip:example.com;;lr", 16, "a parameter name"),
    ("sip:example.com;=1", 16, "a parameter name"),
    ("sip:example.com;a=", 18, "a parameter value"),
    ("sip:example.com;a==", 18, "a parameter value"),
    ("sip:example.com;a=b=c", 19, "a parameter value"),
    ("sip:example.com;a b", 17, "a parameter name"),
    ("sip:example.com;a=%f", 18, "two hexadecimal digits"),
    ("sip:example.com;a%g0", 17, "two hexadecimal digits"),
    ("sip:example.com;lr;LR", 19, "only once"),
    ("sip:example.com;transport=udp;transport=tcp", 30, "only once"),
    ("sip:example.com;maddr=a.example;maddr=b.example", 32, "only once"),
    ("sip:example.com;transport", 25, "a transport"),
    ("sip:example.com;transport=", 26, "a transport"),
    ("sip:example.com;transport;lr", 25, "a transport"),
    ("sip:example.com;transport=t%63p", 27, "a transport"),
    ("sip:example.com;maddr", 21, "as maddr"),
    ("sip:example.com;maddr=", 22, "as maddr"),
    ("sip:example.com;maddr=-x", 22, "not a hyphen"),
    ("sip:example.com;maddr=2001:db8::1", 22, "brackets"),
    ("sip:example.com;maddr=a:5060", 23, "a domain name"),
    ("sip:example.com;maddr=[::1]x", 23, "an IPv6 address in brackets"),
    ("sip:example.com;maddr=[x", 23, "an IPv6 address in brackets"),
    ("sip:example.com?", 16, "a header name"),
    ("sip:example.com?a", 17, "= after"),
    ("sip:example.com?=b", 16, "a header name"),
    ("sip:example.com?a=b&", 20, "a header name"),
    ("sip:example.com?a=b=c", 19, "a header value"),
    ("sip:example.com?a=b c", 19, "a header value"),
    ("sip:example.com?a%=b", 17, "two hexadecimal digits"),
]


@pytest.mark.parametrize(("text", "position", "expected"), REFUSED)
def test_what_breaks_the_grammar_is_refused_at_its_place(text: str, position: int, expected: str) -> None:
    with pytest.raises(InvalidUri) as caught:
        SipUri.parse(text)
    error = caught.value
    assert error.position == position
    assert expected in error.expected
    assert error.text == text
    assert isinstance(error, SiptlsError)


def test_a_name_of_253_characters_is_a_host() -> None:
    assert SipUri.parse(f"sip:{LONG_NAME}").host == LONG_NAME
    assert SipUri.parse(f"sip:{LONG_NAME}.").host == LONG_NAME


@pytest.mark.parametrize("port", [1, 5061, 65535])
def test_the_port_may_have_leading_zeros(port: int) -> None:
    assert SipUri.parse(f"sip:example.com:{port:08}").port == port


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABEL, max_size=3).map(lambda labels: ".".join([*labels, "example"]))
ADDRESSES = st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(lambda address: f"[{address}]"))
HOSTS = st.one_of(NAMES, ADDRESSES)
ESCAPED = st.integers(0, 255).map("%{:02X}".format)


def _written(alphabet: str, least: int = 1) -> st.SearchStrategy[str]:
    return st.lists(st.one_of(st.sampled_from(alphabet), ESCAPED), min_size=least, max_size=8).map("".join)


UNRESERVED = "aZ09-_.!~*'()"
PARAMETERS = st.lists(
    st.tuples(
        _written(UNRESERVED + "[]/:&+$").map(lambda rest: f"a{rest}"),
        st.one_of(st.none(), _written(UNRESERVED + "[]/:&+$")),
    ),
    max_size=3,
    unique_by=lambda parameter: parameter[0].lower(),
)


@given(
    scheme=st.sampled_from(["sip", "sips", "SiP"]),
    user=st.one_of(st.none(), _written(UNRESERVED + "&=+$,;?/")),
    password=st.one_of(st.none(), _written(UNRESERVED + "&=+$,")),
    host=HOSTS,
    port=st.one_of(st.none(), st.integers(1, 65535)),
    maddr=st.one_of(st.none(), HOSTS),
    headers=st.lists(st.tuples(_written(UNRESERVED + "[]/?:+$"), _written(UNRESERVED + "[]/?:+$", 0)), max_size=3),
)
def test_every_uri_of_the_grammar_is_read_and_shown_and_read_again(
    scheme: str,
    user: str | None,
    password: str | None,
    host: str,
    port: int | None,
    maddr: str | None,
    headers: list[tuple[str, str]],
) -> None:
    userinfo = "" if user is None else f"{user}@" if password is None else f"{user}:{password}@"
    parameters = "" if maddr is None else f";maddr={maddr}"
    written = "&".join(f"{name}={value}" for name, value in headers)
    text = (
        f"{scheme}:{userinfo}{host}{'' if port is None else f':{port}'}{parameters}{f'?{written}' if written else ''}"
    )
    uri = SipUri.parse(text)
    assert uri.text == text
    assert uri.scheme == scheme.lower()
    assert uri.user == user
    assert uri.host == host.strip("[]")
    assert uri.port == port
    assert uri.maddr == (None if maddr is None else maddr.strip("[]"))
    assert uri.target == (uri.maddr or uri.host)
    assert uri.is_ip == (host[0] == "[" or host.replace(".", "").isdigit())
    assert uri.headers == (written or None)
    again = SipUri.parse(str(uri))
    assert str(again) == str(uri)
    assert (again.user, again.host, again.port, again.maddr) == (uri.user, uri.host, uri.port, uri.maddr)


@given(PARAMETERS)
def test_parameters_are_kept_in_their_order(parameters: list[tuple[str, str | None]]) -> None:
    written = "".join(f";{name}" if value is None else f";{name}={value}" for name, value in parameters)
    uri = read(f"sip:example.com{written}")
    if isinstance(uri, InvalidUri):
        assert uri.expected == "each parameter only once"  # %61 is another spelling of a
    else:
        assert [value for _, value in uri.parameters] == [value for _, value in parameters]
        assert SipUri.parse(str(uri)).parameters == uri.parameters


@given(st.one_of(st.text(), st.text(alphabet="sip:@;=?&[]%.-09aA\0\xe4", max_size=30).map(lambda rest: f"sip:{rest}")))
def test_any_text_is_a_uri_or_is_refused_inside_of_it(text: str) -> None:
    uri = read(text)
    if isinstance(uri, InvalidUri):
        assert 0 <= uri.position <= len(text)
    else:
        assert uri.host.isascii()
        assert SipUri.parse(str(uri)).host == uri.host


@pytest.mark.parametrize(
    "text",
    [
        "sip:" + "a" * 1_000_000,
        "sip:" + "a." * 500_000 + "example",
        "sip:" + "%41" * 300_000 + "@example.com",
        "sip:" + "%41" * 300_000 + "%@example.com",
        "sip:" + ":" * 1_000_000 + "@example.com",
        "sip:" + "@" * 1_000_000,
        "sip:example.com" + ";" * 1_000_000,
        "sip:example.com" + "".join(f";a{n}=b" for n in range(100_000)),
        "sip:example.com;" + "%" * 1_000_000,
        "sip:example.com;" + "%61" * 300_000,
        "sip:example.com?" + "a=b&" * 250_000,
        "sip:example.com?" + "&" * 1_000_000,
        "sip:[" + "1:" * 500_000,
        "sip:example.com:" + "1" * 1_000_000,
        "sip" * 300_000,
        "\0" * 1_000_000,
    ],
)
def test_hostile_texts_take_linear_time(text: str) -> None:
    begun = process_time()
    read(text)
    assert process_time() - begun < 3


@given(
    scheme=st.sampled_from(["sip", "sips"]),
    host=st.one_of(HOSTS, st.text(max_size=12)),
    user=st.one_of(st.none(), st.text(max_size=8)),
    port=st.one_of(st.none(), st.integers(-5, 70000)),
    transport=st.one_of(st.none(), st.sampled_from(["tcp", "udp", "tls", "TLS"]), st.text(max_size=6)),
    lr=st.booleans(),
)
def test_no_part_of_a_made_uri_becomes_another_one(
    scheme: str, host: str, user: str | None, port: int | None, transport: str | None, lr: bool
) -> None:
    try:
        uri = SipUri.of(scheme, host, user=user, port=port, transport=transport, lr=lr)
    except InvalidUri:
        return
    assert (uri.scheme, uri.user, uri.port, uri.headers) == (scheme, user, port, None)
    assert uri.host == host.strip("[]").lower().removesuffix(".")
    assert uri.transport == (None if transport is None else transport.lower()) != "tls"
    names = [name for name, _ in uri.parameters]
    assert names == ["transport"] * (transport is not None) + ["lr"] * lr
    assert ":" not in uri.text.partition("@")[0].removeprefix(f"{scheme}:") or user is None
