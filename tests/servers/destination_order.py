"""What the C library thinks of the order of destination addresses, in a network namespace with addresses of ours.

The names, and the table that the C library orders their addresses by, are files that only the namespace sees; there is
no device in it but the loopback, so nothing leaves it. An address of the host and a route to a destination are enough
for a source to be chosen.
"""

import json
import random
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from servers.nameservers import program
from servers.namespace import unshare
from siptls_io import rfc6724_order, source_address

_SECONDS = 300.0

SOURCES = {
    "192.0.2.1": ("198.51.100.0/24", "192.0.2.0/24"),
    "10.1.2.4": ("10.0.0.0/8",),
    "169.254.13.78": ("203.0.113.0/25", "169.254.0.0/16"),
    "2001:db8:1::2": ("2001:db8:1::/48", "3ffe::/16"),
    "2001:db8:3f44::2": ("2001:db8:3ffe::/48",),
    "2001:db8:5::2": ("2001:db8:5::/48",),
    "2002:c633:6401::2": ("2002::/16", "2001:db8:6::/48"),
    "fd00:1::2": ("fd00::/8",),
    "fec0::2": ("fec0::/10",),
}
"""The addresses that the host has in the namespace, and the destinations for which each is the source."""

DEPRECATED = "2001:db8:5::2"

DESTINATIONS = (
    *("127.0.0.9", "127.1.2.3", "192.0.2.7", "192.0.2.200", "198.51.100.7", "198.51.100.121", "10.1.2.3", "10.200.0.1"),
    *("169.254.1.1", "203.0.113.9", "203.0.113.200", "::1", "3ffe::1", "fec0::1", "fec0:0:0:7::1", "fd00:1::9"),
    *("fd77::1", "2001:0:1::1", "2001:db8:1::1", "2001:db8:1:8000::1", "2001:db8:3ffe::1", "2001:db8:5::1"),
    *("2001:db8:6::1", "2001:db8:9::1", "2002:c633:6401::1", "2002:1::1", "2600::1"),
)
"""Some of each scope and each row of the table, some that share a prefix, and some to which no route leads."""

# RFC 6724 section 2.1. The words of gai.conf(5); the C library's own table is older than the RFC.
_TABLE = """::1/128 50 0, ::/0 40 1, ::ffff:0:0/96 35 4, 2002::/16 30 2, 2001::/32 5 5, fc00::/7 3 13, ::/96 1 3,
    fec0::/10 1 11, 3ffe::/16 1 12"""
_IPV4_SCOPES = "::ffff:169.254.0.0/112 2, ::ffff:127.0.0.0/104 2, ::ffff:0.0.0.0/96 14"


class Ordered(NamedTuple):
    """What was found in the namespace.

    Attributes:
        names: the addresses of each name, in the order in which the C library gives them.
        again: the same, put into order by `rfc6724_order`.
        sources: the source address for each destination; None if there is none.
    """

    names: Mapping[str, Sequence[str]]
    again: Mapping[str, Sequence[str]]
    sources: Mapping[str, str | None]


def ordered_inside(hosts: Mapping[str, Sequence[str]], directory: Path) -> Ordered:
    """Have the C library order the addresses of each name, and find out the sources."""
    run = subprocess.run(
        [*unshare(), sys.executable, "-m", "servers.destination_order"],
        check=False,
        input=json.dumps({"hosts": hosts, "directory": str(directory)}),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        cwd=Path(__file__).parents[1],
    )
    assert run.returncode == 0, run.stderr
    told: dict[str, Any] = json.loads(run.stdout)
    return Ordered(**told)


def random_hosts(seed: int, names: int) -> dict[str, list[str]]:
    """Names with two to twelve addresses each, in any order; the same for the same seed."""
    chance = random.Random(seed)
    return {f"host{number}.example": chance.sample(DESTINATIONS, chance.randint(2, 12)) for number in range(names)}


def _ip(*arguments: str) -> None:
    subprocess.run([program("ip"), *arguments], check=True, stdin=subprocess.DEVNULL, timeout=30)


def _set_up_addresses() -> None:
    _ip("link", "set", "lo", "up")
    for source, destinations in SOURCES.items():
        family, length = ("-6", 128) if ":" in source else ("-4", 32)
        lifetime = ("preferred_lft", "0") if source == DEPRECATED else ()
        # Not one of these prefixes is that of a subnet: within one, the C library would count the bits of IPv4, too.
        _ip(family, "address", "add", f"{source}/{length}", "dev", "lo", *lifetime)
        for destination in destinations:
            _ip(family, "route", "add", destination, "dev", "lo", "src", source)


def _set_up_names(hosts: Mapping[str, Sequence[str]], directory: Path) -> None:
    """Let /etc hold nothing but what the C library shall read. No program can be started after that."""
    etc = directory / "etc"
    etc.mkdir()
    lines = [f"{address} {name}\n" for name, addresses in hosts.items() for address in addresses]
    (etc / "hosts").write_text("".join(lines))
    (etc / "host.conf").write_text("multi on\n")
    (etc / "nsswitch.conf").write_text("hosts: files\n")
    rows = [row.split() for row in _TABLE.split(",")]
    words = [f"precedence {prefix} {precedence}\nlabel {prefix} {label}\n" for prefix, precedence, label in rows]
    words += [f"scopev4 {scope}\n" for scope in _IPV4_SCOPES.split(", ")]
    (etc / "gai.conf").write_text("".join(words))
    subprocess.run([program("mount"), "--bind", str(etc), "/etc"], check=True, stdin=subprocess.DEVNULL, timeout=30)


def _addresses(name: str) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)]


def main() -> None:
    """Inside: set up addresses and names, print what the C library and the operating system say."""
    job: dict[str, Any] = json.load(sys.stdin)
    hosts: dict[str, list[str]] = job["hosts"]
    _set_up_addresses()
    _set_up_names(hosts, Path(job["directory"]))
    names = {name: _addresses(name) for name in hosts}
    again = {name: rfc6724_order(addresses) for name, addresses in names.items()}
    sources = {address: source_address(address) for address in DESTINATIONS}
    json.dump({"names": names, "again": again, "sources": sources}, sys.stdout)


if __name__ == "__main__":
    main()
