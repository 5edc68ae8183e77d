"""The order of destination addresses: the examples of RFC 6724, and each rule by itself."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siptls import InvalidPolicy, Limits, LocalProtocolError, Locate, Policy
from siptls.address_selection import DEFAULT_POLICY_TABLE, PolicyTable, destination_order, subnet_prefix_length
from world import AT, World, first

# RFC 6724 section 2.1, as the RFC prints it.
DEFAULT = """
      ::1/128               50     0
      ::/0                  40     1
      ::ffff:0:0/96         35     4
      2002::/16             30     2
      2001::/32              5     5
      fc00::/7               3    13
      ::/96                  1     3
      fec0::/10              1    11
      3ffe::/16              1    12
"""


def rows(text: str, *more: tuple[str, int, int]) -> list[tuple[str, int, int]]:
    """The rows of a printed table, with others added or put in the place of those for the same prefix."""
    by_prefix = {prefix: (prefix, int(precedence), int(label)) for prefix, precedence, label in _fields(text)}
    by_prefix |= {row[0]: row for row in more}
    return list(by_prefix.values())


def _fields(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


PREFER_IPV4 = PolicyTable(rows(DEFAULT, ("::ffff:0:0/96", 100, 4)))
PREFER_GLOBAL = PolicyTable(rows(DEFAULT, ("fe80::/10", 33, 1)))
MULTI_HOMED = PolicyTable(rows(DEFAULT, ("2001:db8:1aaa::/48", 43, 6), ("2001:db8:1bbb::/48", 43, 6)))
PREFER_ULA = PolicyTable(rows(DEFAULT, ("fd11:1111:1111::/48", 45, 14)))
PREFER_6TO4 = PolicyTable(rows(DEFAULT, ("2002:c633:6401::/48", 45, 14)))

order = destination_order

Pair = tuple[str, str]
Sources = dict[str, str | None]
Order = Callable[[tuple[str, ...], Callable[[str], str | None]], tuple[str, ...]]


def one_of(*addresses: str) -> Callable[[str], bool]:
    return lambda address: address in addresses


@pytest.mark.req("R6724-6-1")
class TestExamples:
    """Section 10. Each is a result: the first destination with its source, then the second."""

    def check(self, first: Pair, second: Pair, order: Order) -> None:
        sources: Sources = dict((first, second))
        expected = (first[0], second[0])
        assert order(expected, sources.__getitem__) == expected
        assert order((second[0], first[0]), sources.__getitem__) == expected

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            pytest.param(
                ("2001:db8:1::1", "2001:db8:1::2"), ("198.51.100.121", "169.254.13.78"), id="prefer matching scope"
            ),
            pytest.param(("198.51.100.121", "198.51.100.117"), ("2001:db8:1::1", "fe80::1"), id="matching scope, IPv4"),
            pytest.param(("2001:db8:1::1", "2001:db8:1::2"), ("10.1.2.3", "10.1.2.4"), id="prefer higher precedence"),
            pytest.param(("fe80::1", "fe80::2"), ("2001:db8:1::1", "2001:db8:1::2"), id="prefer smaller scope"),
            pytest.param(
                ("2001:db8:1::1", "2001:db8:1::2"),
                ("2001:db8:3ffe::1", "2001:db8:3f44::2"),
                id="longest matching prefix",
            ),
            pytest.param(
                ("2002:c633:6401::1", "2002:c633:6401::2"),
                ("2001:db8:1::1", "2002:c633:6401::2"),
                id="prefer matching label",
            ),
            pytest.param(
                ("2001:db8:1::1", "2001:db8:1::2"),
                ("2002:c633:6401::1", "2002:c633:6401::2"),
                id="prefer higher precedence than 6to4",
            ),
        ],
    )
    def test_section_10_2_with_the_default_table(self, first: Pair, second: Pair) -> None:
        self.check(first, second, order)

    def test_section_10_2_prefer_home_address(self) -> None:
        mobile = partial(
            order,
            home=one_of("2001:db8:3::1"),
            care_of=one_of("2001:db8:1::2", "fe80::2"),
        )
        self.check(("2001:db8:1::1", "2001:db8:3::1"), ("fe80::1", "fe80::2"), mobile)

    def test_section_10_2_avoid_deprecated_addresses(self) -> None:
        careful = partial(order, deprecated=one_of("fe80::2"))
        self.check(("2001:db8:1::1", "2001:db8:1::2"), ("fe80::1", "fe80::2"), careful)

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (("2001:db8::1", "2001:db8::2"), ("198.51.100.121", "169.254.13.78")),
            (("198.51.100.121", "198.51.100.117"), ("2001:db8::1", "fe80::1")),
            (("10.1.2.3", "10.1.2.4"), ("2001:db8::1", "2001:db8::2")),
        ],
    )
    def test_section_10_3_preference_for_ipv4(self, first: Pair, second: Pair) -> None:
        self.check(first, second, partial(order, table=PREFER_IPV4))

    def test_section_10_4_preference_for_link_local_addresses(self) -> None:
        prefer_global = partial(order, table=PREFER_GLOBAL)
        self.check(("2001:db8::1", "2001:db8::2"), ("fe80::1", "fe80::2"), prefer_global)
        careful = partial(prefer_global, deprecated=one_of("2001:db8::2"))
        self.check(("fe80::1", "fe80::2"), ("2001:db8::1", "2001:db8::2"), careful)

    def test_section_10_5_a_multi_homed_site(self) -> None:
        expensive, normal = ("2001:db8:1bbb::b", "2001:db8:1aaa::a"), ("2001:db8:70bb::b", "2001:db8:70aa::a")
        self.check(normal, expensive, order)
        self.check(("2001:db8:1ccc::c", "2001:db8:1aaa::a"), ("2001:db8:6ccc::c", "2001:db8:70aa::a"), order)
        configured = partial(order, table=MULTI_HOMED)
        self.check(expensive, normal, configured)
        self.check(("2001:db8:6ccc::c", "2001:db8:70aa::a"), ("2001:db8:1ccc::c", "2001:db8:70aa::a"), configured)

    def test_section_10_6_unique_local_addresses(self) -> None:
        everywhere = ("2001:db8:2::2", "2001:db8:1::1")
        elsewhere = ("fd22:2222:2222:2::2", "fd11:1111:1111:1::1")
        own_site = ("fd11:1111:1111:2::2", "fd11:1111:1111:1::1")
        self.check(everywhere, elsewhere, order)
        configured = partial(order, table=PREFER_ULA)
        self.check(everywhere, elsewhere, configured)
        self.check(own_site, everywhere, configured)

    def test_section_10_7_6to4(self) -> None:
        self.check(("203.0.113.1", "10.1.2.3"), ("2001:db8:1::1", "2002:c633:6401::2"), order)
        own_site = ("2002:c633:6401:2::2", "2002:c633:6401:1::1")
        self.check(own_site, ("203.0.113.1", "10.1.2.3"), partial(order, table=PREFER_6TO4))


def first_of(first: str, second: str, sources: Sources, order: Order = order) -> str:
    """The destination that is first, whichever of them was given first."""
    one, other = order((first, second), sources.get), order((second, first), sources.get)
    assert one == other
    return one[0]


@pytest.mark.req("R6724-6-1")
class TestRules:
    def test_an_address_without_a_source_comes_last_however_much_is_preferred_in_it(self) -> None:
        assert first_of("::1", "3ffe::1", {"::1": None, "3ffe::1": "192.0.2.1"}) == "3ffe::1"

    @pytest.mark.parametrize(
        ("better", "worse"),
        [
            pytest.param(("fd00::a", "2001:db8:1::a"), ("fe80::b", None), id="1 before 2"),
            pytest.param(("2001:db8::a", "2001:db8:1::dead"), ("2001:db8::b", "fe80::b"), id="2 before 3"),
            pytest.param(("2001:db8::a", "2001:db8:1::ca"), ("2001:db8::b", "2001:db8:1::dead"), id="3 before 4"),
            pytest.param(("2001:db8::a", "2002:1::a"), ("2001:db8::b", "2001:db8:1::ca"), id="4 before 5"),
            pytest.param(("fd00::a", "fd01::a"), ("2001:db8::b", "2002:1::b"), id="5 before 6"),
            pytest.param(("2001:db8::6d", "2001:db8:1::a"), ("fd00::b", "fd01::b"), id="6 before 7"),
            pytest.param(("2001:db8::a", "2001:db8:1::a"), ("fe80::6d", "fe80::a"), id="7 before 8"),
            pytest.param(("fe80::a", "fe80:0:0:5::a"), ("2001:db8::b", "2001:db8::a"), id="8 before 9"),
            pytest.param(("2001:db8::a", "2001:db8::c"), ("2001:db8:0:5::b", "2001:db8::c"), id="9 before 10"),
        ],
    )
    def test_a_rule_counts_more_than_the_next_one(self, better: Pair, worse: tuple[str, str | None]) -> None:
        knowing = partial(
            order,
            deprecated=lambda source: source.endswith("::dead"),
            care_of=lambda source: source.endswith("::ca"),
            encapsulated=lambda destination: destination.endswith("::6d"),
        )
        assert first_of(better[0], worse[0], dict((better, worse)), knowing) == better[0]

    def test_among_unusable_addresses_decide_the_rules_that_need_no_source(self) -> None:
        addresses = ("192.0.2.1", "2002::1", "ff05::1", "2001:db8::1", "192.0.2.2", "ff02::1")
        expected = ("ff02::1", "ff05::1", "2001:db8::1", "192.0.2.1", "192.0.2.2", "2002::1")
        assert order(addresses, dict[str, str]().get) == expected
        tunnel = one_of("192.0.2.1")
        assert order(addresses, dict[str, str]().get, encapsulated=tunnel)[3:5] == ("192.0.2.2", "192.0.2.1")

    @pytest.mark.parametrize(
        ("scope", "addresses"),
        [
            ("link-local", "fe80::1 febf::1 ::1 127.0.0.1 127.255.255.255 169.254.1.1 ff02::1"),
            ("site-local", "fec0::1 feff::1 ff05::1"),
            ("global", "2001:db8::1 fd00::1 fe7f::1 ::2 :: 2002:7f00:1::1 ff0e::1 ff3e::1 64:ff9b::a9fe:101"),
            ("global", "10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 169.253.1.1 128.0.0.1 126.0.0.1 224.0.0.1"),
            ("global", "::ffff:127.0.0.1 ::127.0.0.1"),  # section 3.3
        ],
    )
    def test_the_scope_of_an_address_is_that_of_section_3(self, scope: str, addresses: str) -> None:
        own = {"link-local": "fe80::9", "site-local": "fec0::9", "global": "2001:db8::9"}
        for address in addresses.split():
            assert first_of(address, "192.0.2.1", {address: own[scope], "192.0.2.1": "169.254.1.1"}) == address
            for wrong in own.keys() - {scope}:
                assert first_of(address, "192.0.2.1", {address: own[wrong], "192.0.2.1": "192.0.2.2"}) == "192.0.2.1"

    @pytest.mark.parametrize("number", range(16))
    def test_the_scope_of_a_multicast_address_stands_in_it(self, number: int) -> None:
        smaller, greater = f"ff0{number:x}::1", "ff0e::1"
        expected = smaller if number <= 0xE else greater
        assert order((smaller, greater), lambda _: None)[0] == expected

    def test_home_addresses_are_before_care_of_addresses_and_those_that_are_both_before_all(self) -> None:
        destinations = ("2001:db8::a", "2001:db8::b", "2001:db8::c", "2001:db8::d")
        sources = {f"2001:db8::{letter}": f"2001:db8:1::{letter}" for letter in "abcd"}
        result = order(
            destinations,
            sources.__getitem__,
            home=one_of("2001:db8:1::b", "2001:db8:1::d"),
            care_of=one_of("2001:db8:1::a", "2001:db8:1::d"),
        )
        assert result == ("2001:db8::d", "2001:db8::b", "2001:db8::c", "2001:db8::a")

    def test_native_transport_is_before_a_tunnel_but_not_before_what_the_table_prefers(self) -> None:
        native, tunnelled = "2001:db8:ffff::1", "2001:db8::1"
        sources: Sources = {native: "2001:db8::2", tunnelled: "2001:db8::2", "192.0.2.1": "192.0.2.2"}
        assert first_of(native, tunnelled, sources) == tunnelled
        knowing = partial(order, encapsulated=one_of(tunnelled))
        assert first_of(native, tunnelled, sources, knowing) == native
        assert first_of("192.0.2.1", tunnelled, sources, knowing) == tunnelled

    def test_bits_of_the_interface_identifier_decide_nothing(self) -> None:
        near, far = "2001:db8::1", "2001:db8::ffff:0:0:1"
        assert order((far, near), lambda _: "2001:db8::2") == (far, near)
        assert order((far, near), lambda _: "2001:db8::2", prefix_length=lambda _: 128) == (near, far)

    def test_ipv4_addresses_stay_as_the_domain_gave_them_unless_the_prefix_of_the_subnet_is_known(self) -> None:
        given_order = ("203.0.113.1", "198.51.100.9", "198.51.100.121")
        assert order(given_order, lambda _: "198.51.100.117") == given_order
        knowing = order(given_order, lambda _: "198.51.100.117", prefix_length=lambda _: 24)
        assert knowing == ("198.51.100.9", "198.51.100.121", "203.0.113.1")
        assert order(given_order, lambda _: "198.51.100.117", prefix_length=lambda _: 32)[0] == "198.51.100.121"

    @pytest.mark.parametrize(
        ("source", "length"), [("192.0.2.1", 0), ("2001:db8::1", 64), ("fe80::1%eth0", 64), ("::ffff:192.0.2.1", 0)]
    )
    def test_the_prefix_of_a_source_is_as_long_as_its_address_tells(self, source: str, length: int) -> None:
        assert subnet_prefix_length(source) == length

    def test_where_rules_9_and_10_go_in_a_circle_each_family_is_sorted_among_its_own_places(self) -> None:
        level = PolicyTable([("::/0", 1, 1)])
        far, ipv6, near = "203.0.113.1", "2001:db8::1", "192.0.2.9"
        sources: Sources = {far: "192.0.2.1", near: "192.0.2.1", ipv6: "2001:db8::2"}
        result = order((far, ipv6, near), sources.__getitem__, table=level, prefix_length=lambda _: 24)
        assert result == (near, ipv6, far)

    def test_a_zone_behind_the_source_address_says_nothing_to_the_rules(self) -> None:
        sources: Sources = {"fe80::1": "fe80::2%eth0", "2001:db8::1": "2001:db8::2"}
        assert first_of("fe80::1", "2001:db8::1", sources) == "fe80::1"

    def test_a_socket_for_both_families_may_tell_its_ipv4_address_as_ipv4_mapped(self) -> None:
        sources: Sources = {"127.0.0.1": "::ffff:127.0.0.1", "192.0.2.1": "::ffff:192.0.2.9"}
        assert first_of("127.0.0.1", "192.0.2.1", sources) == "127.0.0.1"  # scopes match, and rule 8
        given_order = ("203.0.113.1", "192.0.2.1")
        assert order(given_order, lambda _: "::ffff:c000:209") == given_order
        assert order(given_order, lambda _: "::ffff:c000:209", prefix_length=lambda _: 24) == given_order[::-1]

    def test_a_source_of_the_other_family_has_another_label_and_no_bit_in_common(self) -> None:
        assert first_of("192.0.2.1", "198.51.100.1", {"192.0.2.1": "2001:db8::1", "198.51.100.1": "192.0.2.9"}) == (
            "198.51.100.1"
        )
        same = ("192.0.2.1", "32.1.13.184")
        assert order(same, lambda _: "2001:db8::1", prefix_length=lambda _: 128) == same

    def test_a_text_that_is_no_address_comes_last_and_nobody_is_asked_for_its_source(self) -> None:
        asked: list[str] = []

        def source(address: str) -> None:
            asked.append(address)

        texts = ("sip.example.com", "fe80::1%eth0", "192.0.2.1", "", "2001:db8::1")
        assert order(texts, source) == ("2001:db8::1", "192.0.2.1", "sip.example.com", "fe80::1%eth0", "")
        assert asked == ["192.0.2.1", "2001:db8::1"]

    def test_who_has_one_address_is_not_asked_for_its_source(self) -> None:
        asked: list[str] = []
        assert order(("192.0.2.1",), asked.append) == ("192.0.2.1",)
        assert order((), asked.append) == ()
        assert asked == []

    def test_a_source_that_is_no_address_is_a_mistake_of_the_caller(self) -> None:
        with pytest.raises(LocalProtocolError, match=r"source for '192\.0\.2\.1' must be an IP address .* not 'eth0'"):
            order(("192.0.2.1", "192.0.2.2"), lambda _: "eth0")


class TestPolicyTable:
    def test_the_default_table_is_that_of_section_2_1(self) -> None:
        printed = PolicyTable(rows(DEFAULT))
        for text in (
            "::1",
            "2001:db8::1",
            "192.0.2.1",
            "2002::1",
            "2001:0:1::1",
            "fd00::1",
            "::2",
            "fec0::1",
            "3ffe::1",
        ):
            octets = ip_address(text).packed
            assert DEFAULT_POLICY_TABLE.lookup(octets) == printed.lookup(octets) == by_longest_prefix(text)

    @given(st.ip_addresses(v=6).map(str) | st.ip_addresses(v=4).map(str))
    def test_the_longest_prefix_counts(self, text: str) -> None:
        assert DEFAULT_POLICY_TABLE.lookup(ip_address(text).packed) == by_longest_prefix(text)

    def test_a_prefix_of_ipv4_is_one_of_ipv4_mapped_addresses(self) -> None:
        table = PolicyTable([("::/0", 40, 1), ("198.51.100.0/24", 60, 7), ("::ffff:203.0.113.0/120", 61, 8)])
        assert table.lookup(bytes((198, 51, 100, 1))) == (60, 7)
        assert table.lookup(bytes((203, 0, 113, 255))) == (61, 8)
        assert table.lookup(bytes((198, 51, 101, 1))) == (40, 1)

    @pytest.mark.parametrize(
        "prefix",
        [
            "2002::",
            "2002::/",
            "2002::/129",
            "2002::/1000",
            "2002::/-1",
            "2002::/ 8",
            "2002::/٨",
            "2002::1/16",
            "192.0.2.0/33",
            "192.0.2.1/24",
            "example.com/8",
            "/16",
            "",
        ],
    )
    def test_what_is_no_prefix_is_refused(self, prefix: str) -> None:
        with pytest.raises(InvalidPolicy, match="a prefix like 2002::/16"):
            PolicyTable([("::/0", 40, 1), (prefix, 1, 1)])

    def test_a_prefix_stands_there_once_however_it_is_written(self) -> None:
        with pytest.raises(InvalidPolicy, match="each prefix once"):
            PolicyTable([("::/0", 40, 1), ("10.0.0.0/8", 1, 1), ("::ffff:a00:0/104", 2, 2)])

    def test_every_address_must_have_a_precedence(self) -> None:
        with pytest.raises(InvalidPolicy, match="a row for ::/0"):
            PolicyTable([("2000::/3", 40, 1)])


def by_longest_prefix(text: str) -> tuple[int, int]:
    """The same by the words of the RFC, with the networks of the standard library."""
    found = [row for row in rows(DEFAULT) if mapped(text) in IPv6Network(row[0])]
    return max(found, key=lambda row: IPv6Network(row[0]).prefixlen)[1:]


def mapped(text: str) -> IPv6Address:
    address = ip_address(text)
    return IPv6Address(f"::ffff:{address}") if isinstance(address, IPv4Address) else address


def order_of_scopes(text: str) -> int:
    """Sections 3.1 to 3.4, in their words."""
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return 0x2 if address.is_link_local or address.is_loopback else 0xE
    if address.is_multicast:
        return int(address) >> 112 & 0xF
    if address.is_link_local or int(address) == 1:
        return 0x2
    return 0x5 if address.is_site_local else 0xE


def preferred(a: str, b: str, sources: Sources) -> int:
    """Section 6, in its words: how many of the rules 1 to 9 say that A is before B; negative if B is before A."""
    source_a, source_b = used(sources[a], a), used(sources[b], b)
    if source_a is None or source_b is None:
        if (source_a is None) is not (source_b is None):
            return 1 if source_b is None else -1
    else:
        match_a = order_of_scopes(a) == order_of_scopes(source_a)
        match_b = order_of_scopes(b) == order_of_scopes(source_b)
        if match_a is not match_b:
            return 2 if match_a else -2
        match_a = by_longest_prefix(a)[1] == by_longest_prefix(source_a)[1]
        match_b = by_longest_prefix(b)[1] == by_longest_prefix(source_b)[1]
        if match_a is not match_b:
            return 5 if match_a else -5
    if by_longest_prefix(a)[0] != by_longest_prefix(b)[0]:
        return 6 if by_longest_prefix(a)[0] > by_longest_prefix(b)[0] else -6
    if order_of_scopes(a) != order_of_scopes(b):
        return 8 if order_of_scopes(a) < order_of_scopes(b) else -8
    if source_a is not None and source_b is not None and ip_address(a).version == ip_address(b).version == 6:
        common_a, common_b = common_prefix(source_a, a), common_prefix(source_b, b)
        if common_a != common_b:
            return 9 if common_a > common_b else -9
    return 0


def of_version(version: int, addresses: tuple[str, ...]) -> list[str]:
    return [address for address in addresses if ip_address(address).version == version]


def used(source: str | None, destination: str) -> str | None:
    """The source, without the clothes that a socket for both families gives to an IPv4 address."""
    if source is not None and ip_address(destination).version == 4:
        within = mapped(source).ipv4_mapped
        return source if within is None else str(within)
    return source


def common_prefix(source: str, destination: str) -> int:
    if mapped(source).ipv4_mapped is not None:
        return 0
    return next((n for n in range(64) if (int(mapped(source)) ^ int(mapped(destination))) >> 127 - n), 64)


# Addresses near each other and of every row of the table, so that each rule has something to decide.
NEAR = """::1 fe80::1 fe80:0:1::1 fec0::1 fd00::1 fd00:1::1 2001:db8::1 2001:db8::2 2001:db8:1::1 2001:db8:8000::1
2001:0:1::1 2002:1::1 2002:2::1 3ffe::1 ::2 ff02::1 ff05::1 ff0e::1 ::ffff:192.0.2.1 ::ffff:127.0.0.1 127.0.0.1
169.254.1.1 10.0.0.1 192.0.2.1 192.0.2.2 198.51.100.1 64:ff9b::c000:201"""
ADDRESSES = st.sampled_from(NEAR.split()) | st.ip_addresses().map(str)
WORLDS = st.dictionaries(ADDRESSES, st.none() | ADDRESSES, min_size=1, max_size=12)


@pytest.mark.req("R6724-6-1")
class TestProperties:
    @given(WORLDS)
    def test_any_two_addresses_stand_as_the_rules_say_in_the_words_of_the_rfc(self, sources: Sources) -> None:
        result = order(tuple(sources), sources.__getitem__)
        assert sorted(result) == sorted(sources)
        given_order = list(sources)
        for index, before in enumerate(result):
            for behind in result[index + 1 :]:
                said = preferred(before, behind, sources)
                assert said >= 0, (before, behind, said)
                if said == 0 and ip_address(before).version == ip_address(behind).version:
                    assert given_order.index(before) < given_order.index(behind)

    @given(WORLDS, st.randoms(use_true_random=False))
    def test_the_order_given_decides_only_where_no_rule_does(self, sources: Sources, chance: random.Random) -> None:
        one = order(tuple(sources), sources.__getitem__)
        other = list(sources)
        chance.shuffle(other)
        again = order(other, sources.__getitem__)
        for version in (4, 6):  # rule 10 has a word in how the two lie among each other
            for a, b in zip(of_version(version, one), of_version(version, again), strict=True):
                assert preferred(a, b, sources) == 0

    @given(WORLDS)
    def test_what_is_in_order_stays_as_it_is(self, sources: Sources) -> None:
        once = order(tuple(sources), sources.__getitem__)
        assert order(once, sources.__getitem__) == once

    @given(st.lists(ADDRESSES, max_size=12), WORLDS)
    def test_an_address_that_is_there_twice_stays_there_twice(self, addresses: list[str], sources: Sources) -> None:
        assert sorted(order(addresses, sources.get)) == sorted(addresses)

    @given(st.lists(st.ip_addresses().map(str) | st.text(max_size=20), max_size=8), st.ip_addresses().map(str))
    def test_no_text_makes_it_raise(self, addresses: list[str], source: str) -> None:
        assert sorted(order(addresses, lambda _: source)) == sorted(addresses)


# RFC 7984 section 4: "as ordered by RFC6724".
SIP_1 = (
    *("2001:0db8:58:c02::face", "2001:0db8:c:a06::2:cafe", "2001:0db8:44:204::d1ce"),
    *("192.0.2.45", "203.0.113.109", "198.51.100.24"),
)
SIP_2 = (
    *("2001:0db8:58:c02::dead", "2001:0db8:c:a06::2:beef", "2001:0db8:44:204::c0de"),
    *("192.0.2.75", "203.0.113.38", "198.51.100.140"),
)
# A host for which RFC 6724 gives that order: it has an interface in the network of the first, and so on.
DUAL_STACK = {
    "2001:0db8:58": "2001:db8:58:c02::9",
    "2001:0db8:c": "2001:db8:c:a00::9",
    "2001:0db8:44": "2001:db8:40::9",
}


def dual_stack(address: str) -> str | None:
    return next((source for prefix, source in DUAL_STACK.items() if address.startswith(f"{prefix}:")), "192.0.2.9")


def ipv4_only(address: str) -> str | None:
    return "192.0.2.9" if "." in address else None


class Sorting:
    """An `order_addresses` that remembers what it was given."""

    def __init__(self, source: Callable[[str], str | None], table: PolicyTable = DEFAULT_POLICY_TABLE) -> None:
        self.source, self.table = source, table
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, addresses: tuple[str, ...]) -> tuple[str, ...]:
        self.calls.append(addresses)
        return destination_order(addresses, self.source, table=self.table)


def located(
    world: World,
    uri: str,
    sorting: Sorting,
    *,
    limits: Limits | None = None,
    draw: Callable[[int], int] = first,
    arrival: random.Random | None = None,
) -> list[str]:
    """All addresses, in the order in which a client tries them."""
    machine = Locate(
        uri, policy=Policy(limits=limits or Limits()), now=0.0, at=AT, randbelow=draw, order_addresses=sorting
    )
    world.run(machine, arrival)
    assert machine.result is not None
    assert machine.result.complete is (limits is None)
    return [endpoint.address for target in machine.result.targets for endpoint in target.endpoints]


def last(below: int) -> int:
    """A source of randomness that always draws the greatest number."""
    return below - 1


def rfc7984_world(second_priority: int = 20) -> World:
    """The example of section 4; the DNS gives the addresses in another order than the RFC's."""
    world = World()
    world.srv(
        "_sip._tcp.example.com", (10, 1, 5060, "sip-1.example.com"), (second_priority, 1, 5060, "sip-2.example.com")
    )
    # Those of IPv4 stay as they come: rule 10.
    world.address("sip-1.example.com", SIP_1[2], SIP_1[1], SIP_1[0], *SIP_1[3:])
    world.address("sip-2.example.com", SIP_2[1], SIP_2[2], SIP_2[0], *SIP_2[3:])
    return world


class TestTargets:
    """RFC 7984: the order is one of the addresses of one target, and `Locate` asks for it so."""

    URI = "sip:example.com;transport=tcp"

    @pytest.mark.req("R7984-4-2", "R7984-4-4", "R6724-6-1")
    def test_the_example_of_rfc_7984_section_4(self) -> None:
        assert located(rfc7984_world(), self.URI, Sorting(dual_stack)) == [*SIP_1, *SIP_2]

    @pytest.mark.req("R7984-4-1", "R7984-4-3")
    def test_each_sorting_is_given_the_addresses_of_one_srv_target_once(self) -> None:
        for seed in range(20):
            sorting = Sorting(dual_stack)
            located(rfc7984_world(), self.URI, sorting, arrival=random.Random(seed))
            assert sorted(map(sorted, sorting.calls)) == sorted([sorted(SIP_1), sorted(SIP_2)])

    @pytest.mark.req("R7984-4-2")
    @pytest.mark.parametrize(("draw", "expected"), [(first, (*SIP_1, *SIP_2)), (last, (*SIP_2, *SIP_1))])
    def test_targets_of_one_priority_are_not_interleaved_whichever_is_drawn(
        self, draw: Callable[[int], int], expected: tuple[str, ...]
    ) -> None:
        found = located(rfc7984_world(second_priority=10), self.URI, Sorting(dual_stack), draw=draw)
        assert found == list(expected)

    @pytest.mark.req("R7984-4-4")
    def test_a_target_of_a_lower_priority_does_not_come_first_for_its_better_addresses(self) -> None:
        world = World()
        world.srv("_sip._tcp.example.com", (10, 0, 5060, "a.example.com"), (20, 0, 5060, "b.example.com"))
        world.address("a.example.com", "2001:db8:9::1", "3ffe::1")
        world.address("b.example.com", "2001:db8:9::2", "192.0.2.2")
        # Neither address of a.example.com can be reached.
        assert located(world, self.URI, Sorting(ipv4_only)) == [
            "2001:db8:9::1",
            "3ffe::1",
            "192.0.2.2",
            "2001:db8:9::2",
        ]

    @pytest.mark.req("R7984-3.2-2")
    @pytest.mark.parametrize("table", [DEFAULT_POLICY_TABLE, PREFER_IPV4])
    def test_a_domain_prefers_ipv6_by_a_target_that_has_nothing_else(self, table: PolicyTable) -> None:
        world = World()
        world.srv("_sip._tcp.example.com", (1, 0, 5060, "v6.example.com"), (2, 0, 5060, "both.example.com"))
        world.address("v6.example.com", "2001:db8::6")
        world.address("both.example.com", "192.0.2.1", "2001:db8::1")
        found = located(world, self.URI, Sorting(lambda a: "2001:db8::9" if ":" in a else "192.0.2.9", table))
        own = ["192.0.2.1", "2001:db8::1"] if table is PREFER_IPV4 else ["2001:db8::1", "192.0.2.1"]
        assert found == ["2001:db8::6", *own]

    @pytest.mark.req("R7984-4-3", "R7984-3.1-3")
    @pytest.mark.parametrize(
        "uri",
        [
            pytest.param("sip:example.com;transport=tcp", id="no SRV records found"),
            pytest.param("sip:example.com:5060;transport=tcp", id="explicit port"),
            pytest.param("sip:example.com", id="neither NAPTR nor SRV records found"),
            pytest.param("sip:other.example;maddr=example.com", id="maddr"),
        ],
    )
    def test_without_srv_the_addresses_of_the_name_in_the_uri_are_sorted_in_one_call(self, uri: str) -> None:
        world = World()
        world.address("example.com", "2001:db8:9::1", "192.0.2.1", "192.0.2.2")
        world.address("other.example", "192.0.2.99", "2001:db8:9::99")
        sorting = Sorting(ipv4_only)
        assert located(world, uri, sorting) == ["192.0.2.1", "192.0.2.2", "2001:db8:9::1"]
        assert [sorted(call) for call in sorting.calls] == [["192.0.2.1", "192.0.2.2", "2001:db8:9::1"]]

    def test_what_is_left_out_for_being_too_many_are_the_worst_addresses(self) -> None:
        world = World()
        world.address("example.com", *[f"2001:db8:9::{n:x}" for n in range(1, 9)], "192.0.2.1")
        found = located(world, "sip:example.com:5060", Sorting(ipv4_only), limits=Limits(addresses=2))
        assert found == ["192.0.2.1", "2001:db8:9::1"]
