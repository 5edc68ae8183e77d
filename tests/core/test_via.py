"""The Via header field against the grammar of RFC 3261 section 25.1, and the way that a response takes from it."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki import SERVER_AUTH, Issued, Issuer
from siptls import Close, Outbound, Outcome, Policy, Verdict
from siptls.errors import InvalidVia, SiptlsError
from siptls.names import ip_literal
from siptls.via import Via
from world import AT, INSECURE, World, first


def read(text: str) -> tuple[Via, ...] | InvalidVia:
    try:
        return Via.parse_all(text)
    except InvalidVia as error:
        return error


def test_all_parts_of_a_via_are_told_apart() -> None:
    text = "sip/2.0/tls Edge.Example.COM.:5071;Branch=z9hG4bK-Aa.!%66*_+`'~;alias;RECEIVED=192.0.2.7;rport=05072"
    text += ';x="a;b,c"'
    via = Via.parse(text)
    assert (via.transport, via.host, via.port, via.is_ip) == ("tls", "edge.example.com", 5071, False)
    assert via.branch == "z9hG4bK-Aa.!%66*_+`'~"
    assert (via.received, via.rport, via.rport_wanted, via.maddr, via.alias) == ("192.0.2.7", 5072, False, None, True)
    assert via.parameters == (
        ("branch", "z9hG4bK-Aa.!%66*_+`'~"),
        ("alias", None),
        ("received", "192.0.2.7"),
        ("rport", "5072"),
        ("x", '"a;b,c"'),
    )
    assert via.text == text


def test_a_via_may_be_a_protocol_and_a_host_alone() -> None:
    via = Via.parse("SIP/2.0/UDP example.com")
    assert (via.transport, via.host, via.port, via.parameters) == ("udp", "example.com", None, ())
    assert (via.branch, via.received, via.rport, via.rport_wanted, via.maddr, via.alias) == (
        None,
        None,
        None,
        False,
        None,
        False,
    )


EXAMPLES = [
    # RFC 3261 sections 7.3.1, 8.1.1.7, 18.2.1, 20.42 and 24; RFC 3581 section 6; RFC 5923 section 7
    ("SIP/2.0/UDP erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7", ("udp", "erlang.bell-telephone.com", 5060)),
    (
        "SIP/2.0/UDP 192.0.2.1:5060 ;received=192.0.2.207\r\n         ;branch=z9hG4bK77asjd",
        ("udp", "192.0.2.1", 5060),
    ),
    (
        "SIP / 2.0 / UDP first.example.com: 4000;ttl=16\r\n     ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1",
        ("udp", "first.example.com", 4000),
    ),
    ("SIP/2.0/UDP bobspc.biloxi.com:5060;received=192.0.2.4", ("udp", "bobspc.biloxi.com", 5060)),
    ("SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff", ("udp", "10.1.1.1", 4540)),
    ("SIP/2.0/UDP 10.1.1.1:4540;received=192.0.2.1;rport=9988;branch=z9hG4bKkjshdyff", ("udp", "10.1.1.1", 4540)),
    ("SIP/2.0/TLS 10.54.32.1:5061;branch=z9hG4bKa7c8dze;alias", ("tls", "10.54.32.1", 5061)),
    ("SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks", ("ws", "df7jal23ls0d.invalid", None)),
    # RFC 4475 sections 3.1.1.1, 3.1.1.2 and 3.1.1.10; RFC 5118 sections 4.1 and 4.5
    ("SIP  / 2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw", ("udp", "192.0.2.2", None)),
    ("SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239", ("udp", "192.168.255.111", None)),
    ("SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~", ("tcp", "host1.example.com", None)),
    ("SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKmcjb", ("unknown", "t4.example.com", None)),
    ("SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111", ("udp", "2001:db8::9:1", None)),
    ("SIP/2.0/UDP [2001:db8::9:1]:6050;received=[2001:db8::9:255]", ("udp", "2001:db8::9:1", 6050)),
]


@pytest.mark.parametrize(("text", "sent"), EXAMPLES)
def test_the_examples_of_the_standards_are_read(text: str, sent: tuple[str, str, int | None]) -> None:
    via = Via.parse(text)
    assert (via.transport, via.host, via.port) == sent
    assert via.text == text
    assert Via.parse(str(via)) == via


def test_a_header_is_split_at_the_commas_between_its_hops() -> None:
    header = (
        " SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
        ' SIP/2.0/TLS b.example;x="a, SIP/2.0/UDP evil.example;\\"received=192.0.2.66" ,SIP/2.0/WSS [::1]:443;rport '
    )
    vias = Via.parse_all(header)
    assert [(via.transport, via.host, via.port) for via in vias] == [
        ("tcp", "spindle.example.com", None),
        ("tls", "b.example", None),
        ("wss", "::1", 443),
    ]
    assert [via.branch for via in vias] == ["z9hG4bK9ikj8", None, None]
    assert vias[1].parameters == (("x", '"a, SIP/2.0/UDP evil.example;\\"received=192.0.2.66"'),)
    assert vias[1].received is None
    assert vias[2].text == "SIP/2.0/WSS [::1]:443;rport"


def test_a_comma_is_too_much_where_one_via_is_asked_for() -> None:
    with pytest.raises(InvalidVia) as caught:
        Via.parse("SIP/2.0/UDP a.example , SIP/2.0/UDP b.example")
    assert caught.value.position == 22


TRANSPORTS = [
    # transport of the Via, what it is called here, the URI for the response
    ("UDP", "udp", "sip:edge.example;transport=udp"),
    ("TCP", "tcp", "sip:edge.example;transport=tcp"),
    ("SCTP", "sctp", "sip:edge.example;transport=sctp"),
    pytest.param("TLS", "tls", "sips:edge.example;transport=tcp", marks=pytest.mark.req("R4168-4-1")),
    pytest.param(
        "TLS-SCTP",
        "tls-sctp",
        "sips:edge.example;transport=sctp",
        marks=pytest.mark.req("R4168-4-1"),
    ),
    pytest.param("WS", "ws", "sip:edge.example;transport=ws", marks=pytest.mark.req("R7118-5.1-1")),
    pytest.param("WSS", "wss", "sips:edge.example;transport=ws", marks=pytest.mark.req("R7118-5.1-1")),
]


@pytest.mark.parametrize(("written", "transport", "uri"), TRANSPORTS)
def test_a_response_goes_over_the_transport_of_the_request_and_never_over_less(
    written: str, transport: str, uri: str
) -> None:
    for token in (written, written.lower()):
        via = Via.parse(f"SIP/2.0/{token} edge.example;maddr=192.0.2.9;received=192.0.2.8;rport=9")
        assert via.transport == transport
        assert str(via.uri) == uri
    # What the URI leaves open is settled by the DNS and the caller, who wants all transports here.
    world = World()
    world.address("edge.example", "192.0.2.1")
    route = world.locate(uri, Policy(transports=("udp", "tcp", "sctp", "ws", "tls", "tls-sctp", "wss")))
    assert [target.transport for target in route.targets] == [transport]


@pytest.mark.req("R3263-5-3")
@pytest.mark.parametrize("transport", ["TLS", "TLS-SCTP", "WSS"])
def test_a_response_to_a_request_over_tls_has_no_way_without(transport: str) -> None:
    world = World()
    world.address("edge.example", "192.0.2.1")
    uri = Via.parse(f"SIP/2.0/{transport} edge.example").uri
    route = world.locate(str(uri), Policy(transports=("udp", "tcp", "sctp", "ws")))
    assert route.targets == ()


@pytest.mark.parametrize("transport", ["CARRIER-PIGEON", "TLS-TCP", "DTLS", "T%4CS"])
def test_an_unknown_transport_is_read_and_leads_nowhere(transport: str) -> None:
    via = Via.parse(f" SIP / 2.0 / {transport} edge.example")
    assert via.transport == transport.lower()
    with pytest.raises(InvalidVia, match="transports UDP") as caught:
        _ = via.uri
    assert caught.value.text[caught.value.position :].startswith(transport)


@pytest.mark.parametrize(
    ("sent_by", "uri"),
    [
        ("edge.example:5071", "sips:edge.example:5071;transport=tcp"),
        ("192.0.2.1", "sips:192.0.2.1;transport=tcp"),
        ("[2001:DB8::1]:5071", "sips:[2001:db8::1]:5071;transport=tcp"),
    ],
)
def test_the_uri_has_the_host_and_the_port_of_sent_by(sent_by: str, uri: str) -> None:
    via = Via.parse(f"SIP/2.0/TLS {sent_by};alias")
    assert str(via.uri) == uri
    assert via.is_ip == (":5071" not in sent_by or "[" in sent_by)


ROOT = Issuer.root()
SENT_BY = ROOT.leaf(cn="edge", uris=["sip:edge.example"], eku=[SERVER_AUTH])
TARGET = ROOT.leaf(cn="target", dns=["host.provider.example"])
ADDRESS = ROOT.leaf(cn="address", ips=["192.0.2.1"])


def opened_for(via: Via, leaf: Issued) -> tuple[Verdict, World]:
    """Open a new connection for a response; the server that DNS names presents a leaf of ROOT's."""
    world = World(INSECURE)
    world.srv("_sips._tcp.edge.example", (10, 0, 5061, "host.provider.example"))
    world.address("host.provider.example", "192.0.2.1")
    world.server("192.0.2.1", leaf.presented)
    world.trust(ROOT.der, leaf.chain)
    machine = Outbound(via.uri, now=0.0, at=AT, randbelow=first, anchors=world.anchors)
    world.run(machine)
    assert machine.verdict is not None
    return machine.verdict, world


RECEIVED = Via.parse("SIP/2.0/TLS Edge.Example;branch=z9hG4bK1;received=192.0.2.1;rport=40000;alias")


@pytest.mark.req("D-5-6")
def test_a_new_connection_for_a_response_is_proven_to_be_the_host_of_sent_by() -> None:
    verdict, world = opened_for(RECEIVED, SENT_BY)
    assert (verdict.outcome, verdict.domain, verdict.code) == (Outcome.ACCEPTED, "edge.example", "id.match")
    assert world.open == [verdict.connection]
    assert world.names_sent == ["edge.example"]


@pytest.mark.req("D-5-6")
@pytest.mark.parametrize("leaf", [TARGET, ADDRESS], ids=["of the SRV target", "of the address in received"])
def test_any_other_server_is_not_accepted_and_its_connection_is_closed(leaf: Issued) -> None:
    verdict, world = opened_for(RECEIVED, leaf)
    assert (verdict.outcome, verdict.domain) == (Outcome.REJECTED, "edge.example")
    assert verdict.connection is None
    assert len([action for action in world.asked if isinstance(action, Close)]) == 1
    assert world.open == []


@pytest.mark.parametrize(
    ("parameters", "alias"),
    [("alias", True), ("ALIAS", True), ("x;alias;y", True), ("alias=x", False), ("aliased", False), ("x=alias", False)],
)
@pytest.mark.req("R5923-7-1")
def test_only_an_alias_parameter_without_a_value_offers_the_connection(parameters: str, alias: bool) -> None:
    assert Via.parse(f"SIP/2.0/TLS a.example;{parameters}").alias is alias


@pytest.mark.req("R7118-5.3-1")
@pytest.mark.parametrize("transport", ["WS", "WSS"])
def test_a_response_over_websocket_needs_no_received(transport: str) -> None:
    via = Via.parse(f"SIP/2.0/{transport} df7jal23ls0d.invalid;branch=z9hG4bK56sdasks;rport")
    assert (via.host, via.received, via.rport, via.rport_wanted) == ("df7jal23ls0d.invalid", None, None, True)


@pytest.mark.parametrize(
    ("written", "received"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8::7", "2001:db8::7"),
        ("[2001:DB8::7]", "2001:db8::7"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        (" \r\n\t2001:db8::7\t", "2001:db8::7"),
    ],
)
def test_an_ipv6_address_in_received_is_shown_without_the_brackets_it_may_have(written: str, received: str) -> None:
    via = Via.parse(f"SIP/2.0/UDP a.example;received={written};x")
    assert via.received == received
    assert str(via) == f"SIP/2.0/UDP a.example;received={received};x"


@pytest.mark.parametrize(
    ("written", "maddr"),
    [("H.Example.", "h.example"), ("224.2.0.1", "224.2.0.1"), ("[FF02::1]", "ff02::1")],
)
def test_maddr_is_a_host(written: str, maddr: str) -> None:
    via = Via.parse(f"SIP/2.0/UDP a.example;maddr={written}")
    assert via.maddr == maddr
    assert Via.parse(str(via)) == via


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("Token", "Token"),
        ("a.example", "a.example"),
        ("[2001:DB8::1]", "[2001:db8::1]"),
        ('""', '""'),
        ('"a,b;c=d"', '"a,b;c=d"'),
        (r'"\"\\"', r'"\"\\"'),
        ('"a\r\n\tb"', '"a b"'),
        ('"a \t b"', '"a   b"'),
        ('"b\xfccher \U0001f4de"', '"b\xfccher \U0001f4de"'),
    ],
)
def test_a_value_of_another_parameter_is_kept_without_its_folds(written: str, value: str) -> None:
    via = Via.parse(f"SIP/2.0/UDP a.example;x={written};y")
    assert via.parameters == (("x", value), ("y", None))
    assert Via.parse(str(via)) == via


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sip/2.0/tls Example.COM.", "SIP/2.0/TLS example.com"),
        ("SIP / 2.0 / x-Y\t[2001:DB8::1] : 05061", "SIP/2.0/X-Y [2001:db8::1]:5061"),
        ("SIP/2.0/UDP a.b;TTL=007 ; Rport = 05060 ;X=Y", "SIP/2.0/UDP a.b;ttl=7;rport=5060;x=Y"),
    ],
)
def test_a_via_is_shown_in_one_form(text: str, shown: str) -> None:
    via = Via.parse(text)
    assert str(via) == shown
    assert repr(via) == f"Via.parse({shown!r})"
    assert via == Via.parse(shown)
    assert hash(via) == hash(Via.parse(shown))


def test_vias_that_differ_in_anything_are_not_equal() -> None:
    texts = [
        "SIP/2.0/UDP a.example",
        "SIP/2.0/TCP a.example",
        "SIP/2.0/UDP b.example",
        "SIP/2.0/UDP a.example:5060",
        "SIP/2.0/UDP a.example;branch=z9hG4bK1",
        "SIP/2.0/UDP a.example;branch=Z9hG4bK1",
        "SIP/2.0/UDP a.example;rport",
    ]
    assert len({Via.parse(text) for text in texts}) == len(texts)
    assert Via.parse(texts[0]) != texts[0]


U = "SIP/2.0/UDP "
A = "SIP/2.0/UDP a.example"

REFUSED = [
    # text, column of the offending character, what is expected there
    ("", 0, "SIP/2.0 and a transport"),
    (" ", 1, "SIP/2.0"),
    ("a.example", 0, "SIP/2.0"),
    ("Via: SIP/2.0/UDP a.example", 0, "SIP/2.0"),
    ("\u017fIP/2.0/UDP a.example", 0, "SIP/2.0"),
    ("SIP", 3, "/ after SIP"),
    ("SIPS/2.0/TLS a.example", 3, "/ after SIP"),
    ("HTTP/1.1/TCP a.example", 0, "SIP/2.0"),
    ("SIP/TLS/2.0 a.example", 4, "SIP/2.0"),
    ("SIP/7.0/UDP a.example", 4, "SIP/2.0"),
    ("SIP/2.0", 7, "/ after 2.0"),
    ("SIP/2.01/UDP a.example", 7, "/ after 2.0"),
    ("SIP/2.0 a.example", 8, "/ after 2.0"),
    ("SIP/2.0/ ", 9, "a transport"),
    ("SIP/2.0/\r\nUDP a.example", 8, "a transport"),
    ("SIP/2.0/\xb5DP a.example", 8, "a transport"),
    ("SIP/2.0/UDP", 11, "a blank"),
    ("SIP/2.0/UDP\0a.example", 11, "a blank"),
    ("SIP/2.0/UDP\na.example", 11, "a blank"),
    ("SIP/2.0/UDP\r\na.example", 11, "a blank"),
    ("SIP/2.0/UDP;rport", 11, "a blank"),
    (U, 12, "a domain name or an IP address"),
    (U + ":5060", 12, "a domain name"),
    (U + "alice@a.example", 17, "a domain name"),
    (U + "a_b.example", 13, "a domain name"),
    (U + "b\xfccher.example", 13, "A-labels"),
    (U + "-a.example", 12, "not a hyphen"),
    (U + "a-.example", 13, "not a hyphen"),
    (U + "a..example", 14, "a domain name"),
    (U + "a" * 64 + ".example", 75, "at most 63"),
    (U + "a." * 127 + "example", 265, "at most 253"),
    (U + "192.0.2.256", 20, "four numbers"),
    (U + "2001:db8::1", 12, "brackets around an IPv6 address"),
    (U + "::1;rport", 12, "brackets around an IPv6 address"),
    (U + "[2001:db8::1", 24, "]"),
    (U + "[192.0.2.1]", 13, "an IPv6 address in brackets"),
    (U + "[fe80::1%eth0]", 13, "without a zone"),
    (U + "[::1]x", 17, "a parameter, a comma or the end"),
    (A + ":", 22, "a digit of the port"),
    (A + ":0", 22, "1 to 65535"),
    (A + ":65536", 22, "1 to 65535"),
    (A + ": 50x0", 25, "a digit of the port"),
    (A + ":-1", 22, "a digit of the port"),
    (A + ":\uff11", 22, "a digit of the port"),
    (A + ":5060:5061", 26, "a parameter, a comma or the end"),
    (A + " (comment)", 22, "a parameter, a comma or the end"),
    (A + " b.example", 22, "a parameter, a comma or the end"),
    (A + "\r\n", 21, "a parameter, a comma or the end"),
    (A + "\r\n;rport", 21, "a parameter, a comma or the end"),
    (A + "\r\n\r\n ;rport", 21, "a parameter, a comma or the end"),
    (A + "\n ;rport", 21, "a parameter, a comma or the end"),
    (A + ",", 22, "SIP/2.0"),
    (A + ",,SIP/2.0/UDP b.example", 22, "SIP/2.0"),
    (A + ";", 22, "a parameter name"),
    (A + ";;rport", 22, "a parameter name"),
    (A + ";=x", 22, "a parameter name"),
    (A + ";\xe4", 22, "a parameter name"),
    (A + ";x\0", 23, "a parameter, a comma or the end"),
    (A + ";x=", 24, "a value of x"),
    (A + ";x=a=b", 25, "a parameter, a comma or the end"),
    (A + ";x=2001:db8::1", 28, "a parameter, a comma or the end"),
    (A + ";x=[a]", 25, "an IPv6 address in brackets"),
    (A + ';x="a', 26, 'the closing "'),
    (A + ';x="a\\"', 28, 'the closing "'),
    (A + ';x="a\\', 26, "without controls"),
    (A + ';x="a\0"', 26, "without controls"),
    (A + ';x="a\x1b[2J"', 26, "without controls"),
    (A + ';x="a\x7f"', 26, "without controls"),
    (A + ';x="a\x9b2J"', 26, "without controls"),
    (A + ';x="a\\\0"', 26, "without controls"),
    (A + ';x="a\\\r\n "', 26, "without controls"),
    (A + ';x="a\r\nb"', 26, "without controls"),
    (A + ';x="a\nb"', 26, "without controls"),
    (A + ';x="\udcff"', 25, "without controls"),
    (A + ";x;y;X", 26, "only once"),
    (A + ";rport;rport=1", 28, "only once"),
    (A + ";alias;alias=x", 28, "only once"),
    (A + ";received=192.0.2.1;received=192.0.2.2", 41, "only once"),
    (A + ";rport=", 28, "a digit of the port"),
    (A + ";rport=0", 28, "1 to 65535"),
    (A + ";rport=65536", 28, "1 to 65535"),
    (A + ";rport=1x", 29, "a digit of the port"),
    (A + ";received", 30, "= and a value of received"),
    (A + ";received ;x", 31, "= and a value of received"),
    (A + ";received=", 31, "an IP address as received"),
    (A + ";received=b.example", 31, "an IP address as received"),
    (A + ";received=192.0.2.01", 31, "an IP address as received"),
    (A + ";received=[192.0.2.1]", 31, "an IP address as received"),
    (A + ";received=[::1", 31, "an IP address as received"),
    (A + ";received=fe80::1%eth0", 31, "an IP address as received"),
    (A + ';received="192.0.2.1"', 31, "an IP address as received"),
    (A + ";maddr", 27, "= and a value of maddr"),
    (A + ";maddr=", 28, "a domain name"),
    (A + ";maddr=::1", 28, "brackets"),
    (A + ";maddr=a_b", 29, "a domain name"),
    (A + ";branch", 28, "= and a value of branch"),
    (A + ';branch="z9hG4bK"', 29, "a value of branch"),
    (A + ";branch=[::1]", 29, "a value of branch"),
    (A + ";ttl", 25, "= and a value of ttl"),
    (A + ";ttl=256", 26, "0 to 255"),
    (A + ";ttl=0001", 26, "0 to 255"),
    (A + ";ttl=x", 26, "0 to 255"),
    (A + ";ttl=1x", 27, "a parameter, a comma or the end"),
]


@pytest.mark.parametrize(("text", "position", "expected"), REFUSED)
def test_what_breaks_the_grammar_is_refused_at_its_place(text: str, position: int, expected: str) -> None:
    with pytest.raises(InvalidVia) as caught:
        Via.parse_all(text)
    error = caught.value
    assert error.position == position
    assert expected in error.expected
    assert error.text == text
    assert isinstance(error, SiptlsError)
    with pytest.raises(InvalidVia):
        Via.parse(text)


def test_the_place_is_one_of_the_whole_header() -> None:
    header = f'{A};x=",", SIP/2.0/UDP b.example:0'
    with pytest.raises(InvalidVia) as caught:
        Via.parse_all(header)
    assert (caught.value.text, caught.value.position) == (header, len(header) - 1)


def test_a_refusal_shows_no_control_character() -> None:
    with pytest.raises(InvalidVia) as caught:
        Via.parse(A + "\x1b[2J\r\n\x9b")
    assert str(caught.value).isprintable()


BLANKS = st.sampled_from(["", "", " ", "\t", " \t ", "\r\n ", " \r\n\t "])
LABEL = st.from_regex(r"[a-zA-Z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABEL, max_size=3).map(lambda labels: ".".join([*labels, "example"]))
IPV4 = st.ip_addresses(v=4).map(str)
IPV6 = st.ip_addresses(v=6).map(str)
HOSTS = st.one_of(NAMES, IPV4, IPV6.map("[{}]".format))
TOKENS = st.text("aZ09-.!%*_+`'~", min_size=1, max_size=8)
PORTS = st.integers(1, 65535)
ESCAPED = st.characters(min_codepoint=32, max_codepoint=126).map("\\{}".format)
QUOTED_PARTS = st.lists(st.one_of(st.sampled_from("aZ ,;=()<>@'\xe4\u20ac"), ESCAPED))
QUOTED = QUOTED_PARTS.map(lambda parts: f'"{"".join(parts)}"')
VALUES = st.one_of(st.none(), TOKENS, QUOTED, IPV6.map("[{}]".format))
OTHERS = st.lists(st.tuples(TOKENS.map("x{}".format), VALUES), max_size=3, unique_by=lambda each: each[0].lower())


@st.composite
def vias(draw: st.DrawFn) -> tuple[str, Via]:
    """A via-parm with blanks wherever the grammar allows them, and the same without."""
    transport = draw(st.one_of(st.sampled_from(["UDP", "tcp", "TLS", "TLS-SCTP", "wss"]), TOKENS))
    host = draw(HOSTS)
    port = draw(st.none() | PORTS)
    known: list[tuple[str, str | None]] = [
        ("branch", draw(TOKENS)),
        ("received", draw(st.one_of(IPV4, IPV6))),
        ("rport", draw(st.none() | PORTS.map(str))),
        ("maddr", draw(HOSTS).lower()),
        ("ttl", str(draw(st.integers(0, 255)))),
        ("alias", None),
    ]
    parameters = draw(st.permutations([*draw(st.lists(st.sampled_from(known), unique=True)), *draw(OTHERS)]))
    plain = [part for name, value in parameters for part in ((";", name) if value is None else (";", name, "=", value))]
    if port is not None:
        plain = [":", str(port), *plain]
    spread = "".join(draw(BLANKS) + part + draw(BLANKS) if part in {";", "=", ":"} else part for part in plain)
    slashes = "/".join(draw(BLANKS) + word + draw(BLANKS) for word in ("SIP", "2.0"))
    blank = draw(BLANKS.filter(bool))
    written = f"{slashes}/{draw(BLANKS)}{transport}{blank}{host}{spread}{draw(BLANKS)}"
    via = Via.parse(f"SIP/2.0/{transport} {host}{''.join(plain)}")
    assert (via.transport, via.host, via.port) == (transport.lower(), host.strip("[]").lower(), port)
    assert via.parameters == tuple((name.lower(), value) for name, value in parameters)
    return written, via


@given(vias())
def test_every_via_of_the_grammar_is_read_and_shown_and_read_again(drawn: tuple[str, Via]) -> None:
    written, via = drawn
    assert Via.parse(written) == via
    assert Via.parse(str(via)) == via
    assert str(Via.parse(str(via))) == str(via)
    values = dict(via.parameters)
    assert via.rport == (None if values.get("rport") is None else int(values["rport"] or ""))
    assert via.rport_wanted == ("rport" in values and values["rport"] is None)
    assert via.is_ip == (via.host.replace(".", "").isdigit() or ":" in via.host)


@given(st.lists(vias(), min_size=1, max_size=4))
def test_a_header_is_read_as_its_hops_one_by_one(drawn: list[tuple[str, Via]]) -> None:
    assert Via.parse_all(",".join(written for written, _ in drawn)) == tuple(via for _, via in drawn)


HOSTILE = st.text(alphabet='sip/2.0 \t\r\n:;,="\\[]%-9aA\0\x9b\xe4', max_size=40)


@given(st.one_of(st.text(), HOSTILE.map(U.__add__), HOSTILE.map(f"{A};".__add__), HOSTILE.map(f'{A};x="'.__add__)))
def test_any_text_is_a_via_header_or_is_refused_inside_of_it(text: str) -> None:
    found = read(text)
    if isinstance(found, InvalidVia):
        assert 0 <= found.position <= len(text)
        return
    assert Via.parse_all(",".join(map(str, found))) == found
    for via in found:
        assert via.host.isascii()
        assert not {*str(via)} & {"\0", "\r", "\n", "\t", "\x9b"}
        assert via.received is None or ip_literal(via.received) is not None


@pytest.mark.parametrize(
    "text",
    [
        "SIP" + " " * 1_000_000 + "/2.0/UDP a.example",
        "SIP" + " " * 1_000_000 + "\r\n",
        "SIP" + " \r\n" * 300_000,
        "SIP/2.0/" + "U" * 1_000_000,
        U + "a." * 500_000 + "example",
        U + ":" * 1_000_000,
        U + "[" * 1_000_000,
        U + "[" + "1:" * 500_000 + "]",
        A + ":" + "1" * 1_000_000,
        A + ";" * 1_000_000,
        A + "".join(f";a{n}=b" for n in range(100_000)),
        A + "".join(f" ; a{n} = [::1]" for n in range(50_000)),
        A + "".join(f';a{n}="\\""' for n in range(100_000)),
        A + ';x="' + "\\" * 1_000_001,
        A + ';x="' + "a " * 500_000,
        A + ';x="' + "\r\n " * 300_000,
        A + ";received=" + ":" * 1_000_000,
        A + ";received=[" + "1" * 1_000_000 + "]",
        A + ";rport=" + "0" * 1_000_000,
        A + ";ttl=" + "0" * 1_000_000,
        ",".join([A] * 50_000),
        A + "," * 1_000_000,
        "\0" * 1_000_000,
    ],
)
def test_hostile_texts_take_linear_time(text: str) -> None:
    begun = process_time()
    read(text)
    assert process_time() - begun < 3


@pytest.mark.req("R5923-8.1-2")
@pytest.mark.parametrize(
    ("transport", "offered"),
    [("tls", True), ("TLS", True), ("tls-sctp", True), ("tcp", False), ("udp", False), ("sctp", False), ("wss", False)],
)
def test_a_client_offers_a_tls_connection_and_no_other_one(transport: str, offered: bool) -> None:
    via = Via.build(transport, "p1.example.com", 5071, branch="z9hG4bK1", alias=True)
    assert via.alias is offered
    assert (via.transport, via.host, via.port) == (transport.lower(), "p1.example.com", 5071)
    assert str(via) == f"SIP/2.0/{transport.upper()} p1.example.com:5071;branch=z9hG4bK1{';alias' * offered}"
    assert Via.build(transport, "p1.example.com", branch="z9hG4bK1").alias is False


@pytest.mark.req("R5923-8.1-2", "R3261-18.1.1-1")
def test_the_via_of_the_rfc_is_built_of_its_parts() -> None:
    via = Via.build("tls", "p1.example.com", branch="z9hG4bKa7c8dze", alias=True)
    assert via == Via.parse("SIP/2.0/TLS p1.example.com;branch=z9hG4bKa7c8dze;alias")
    rport = Via.build("udp", "2001:DB8::1", branch="z9hG4bK1", rport=True)
    assert str(rport) == "SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1;rport"
    assert rport.rport_wanted


@pytest.mark.req("R3261-18.1.1-1")
@pytest.mark.parametrize(
    ("transport", "port"),
    [("udp", 5060), ("tcp", 5060), ("sctp", 5060), ("tls", 5061), ("tls-sctp", 5061), ("ws", 80), ("wss", 443)],
)
def test_without_a_port_sent_by_means_the_default_of_the_transport(transport: str, port: int) -> None:
    assert Via.build(transport, "p1.example.com", branch="z9hG4bK1").reply_port == port
    assert Via.build(transport, "p1.example.com", 7000, branch="z9hG4bK1").reply_port == 7000
    assert Via.build("dccp", "p1.example.com", branch="z9hG4bK1").reply_port is None


@pytest.mark.parametrize(
    ("transport", "host", "port", "branch"),
    [
        ("tls", "p1.example.com;alias", None, "z9hG4bK1"),
        ("tls", "p1.example.com, SIP/2.0/TLS evil.example", None, "z9hG4bK1"),
        ("tls", "p1.example.com:5071", None, "z9hG4bK1"),
        ("tls", "p1.example.com\r\nX: y", None, "z9hG4bK1"),
        ("tls", "", None, "z9hG4bK1"),
        ("tls", "fe80::1%eth0", None, "z9hG4bK1"),
        ("tls p1.example.com;x=", "y", None, "z9hG4bK1"),
        ("tls", "p1.example.com", 0, "z9hG4bK1"),
        ("tls", "p1.example.com", 65536, "z9hG4bK1"),
        ("tls", "p1.example.com", None, "z9hG4bK1;received=192.0.2.1"),
        ("tls", "p1.example.com", None, "1"),
        ("tls", "p1.example.com", None, ""),
    ],
)
def test_what_is_no_part_of_a_via_builds_none(transport: str, host: str, port: int | None, branch: str) -> None:
    with pytest.raises(InvalidVia):
        Via.build(transport, host, port, branch=branch, alias=True)
