"""nsd serves the tree, unbound validates it: the resolver of the tests."""

import contextlib
import shutil
import socket
from collections.abc import Generator
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query

from loopback_tls import CURRENT
from pki import SERVER_AUTH, Issuer
from servers.daemon import require_free, running
from servers.tree import NAME_SERVER_ADDRESS, Tree

NAME_SERVER_PORT = 5310
RESOLVER_ADDRESS = "127.0.0.20"
RESOLVER_PORT = 5320
TLS_PORT = 8853
HTTPS_PORT = 8443
RESOLVER_NAME = "resolver.example"
RESOLVER_ROOTS = "resolver-roots.pem"
"""The file in the lab's directory with the root of the resolver's own certificate."""
REFUSED_NAMES = ("sip.refused.example.", "naptr-refused.example.")
UNANSWERED_NAME = "_5061._tcp.sip.unanswered.example."


def program(name: str) -> str:
    """The path of a server; Debian keeps servers in /usr/sbin, which is not on every user's PATH."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found


def ask(name: str, rrtype: str, *, seconds: float = 5.0) -> dns.message.Message:
    """The resolver's answer to one question with DO and AD set, over TCP when UDP is too small."""
    query = dns.message.make_query(name, rrtype, want_dnssec=True)
    query.flags |= dns.flags.AD
    return dns.query.udp_with_fallback(query, RESOLVER_ADDRESS, port=RESOLVER_PORT, timeout=seconds)[0]


def _answers(address: str, port: int, flag: dns.flags.Flag) -> bool:
    query = dns.message.make_query(".", "SOA", want_dnssec=True)
    try:
        # Nobody says that a datagram was lost because nobody listened yet: hence the short patience.
        return bool(dns.query.udp(query, address, port=port, timeout=0.1).flags & flag)
    except (OSError, dns.exception.DNSException):
        return False


@contextlib.contextmanager
def serving(tree: Tree, directory: Path) -> Generator[None]:
    """nsd with every zone of `tree` on 127.0.0.10 port 5310, while the block runs."""
    require_free(NAME_SERVER_ADDRESS, NAME_SERVER_PORT, socket.SOCK_DGRAM, socket.SOCK_STREAM)
    configuration = directory / "nsd.conf"
    zones = "".join(f'zone:\n  name: "{name}"\n  zonefile: "{file}"\n' for name, file in tree.zone_files.items())
    configuration.write_text(f"""\
server:
  ip-address: {NAME_SERVER_ADDRESS}@{NAME_SERVER_PORT}
  username: ""
  chroot: ""
  zonesdir: "{directory}"
  database: ""
  pidfile: "{directory}/nsd.pid"
  xfrdfile: "{directory}/xfrd.state"
  xfrdir: "{directory}"
  zonelistfile: "{directory}/zone.list"
  server-count: 1
remote-control:
  control-enable: no
{zones}""")
    with running(
        [program("nsd"), "-d", "-c", str(configuration)],
        log=directory / "nsd.log",
        ready=lambda: _answers(NAME_SERVER_ADDRESS, NAME_SERVER_PORT, dns.flags.AA),
    ):
        yield


def _write_certificate(address: str, directory: Path) -> tuple[Path, Path]:
    """The PEM files of chain and key for TLS at `address`; the root goes to `RESOLVER_ROOTS`."""
    root = Issuer.root(**CURRENT)
    leaf = root.intermediate(**CURRENT).leaf(dns=[RESOLVER_NAME], ips=[address], eku=[SERVER_AUTH], **CURRENT)
    chain, key = directory / "resolver.pem", directory / "resolver.key"
    chain.write_bytes(leaf.presented_pem)
    key.write_bytes(leaf.key_pem)
    (directory / RESOLVER_ROOTS).write_bytes(root.pem)
    return chain, key


@contextlib.contextmanager
def validating(
    tree: Tree, directory: Path, *, address: str = RESOLVER_ADDRESS, port: int = RESOLVER_PORT
) -> Generator[None]:
    """unbound on `address`:`port` with the tree's root key as its only anchor, while the block runs.

    It also speaks DNS over TLS and over HTTPS, with a certificate for `RESOLVER_NAME` and `address`.
    It refuses every question below one of `REFUSED_NAMES`, and leaves those below `UNANSWERED_NAME` without any answer.
    """
    require_free(address, port, socket.SOCK_DGRAM, socket.SOCK_STREAM)
    require_free(address, TLS_PORT, socket.SOCK_STREAM)
    require_free(address, HTTPS_PORT, socket.SOCK_STREAM)
    chain, key = _write_certificate(address, directory)
    refused = "\n".join(f"  local-zone: {name} refuse" for name in REFUSED_NAMES)
    configuration = directory / "unbound.conf"
    # A stub-zone for the root would not do: unbound would then follow the NS records to port 53.
    configuration.write_text(f"""\
server:
  interface: {address}
  interface: {address}@{TLS_PORT}
  interface: {address}@{HTTPS_PORT}
  port: {port}
  tls-port: {TLS_PORT}
  https-port: {HTTPS_PORT}
  tls-service-pem: "{chain}"
  tls-service-key: "{key}"
  access-control: {address}/8 allow
{refused}
  local-zone: {UNANSWERED_NAME} deny
  do-daemonize: no
  do-ip6: no
  do-not-query-localhost: no
  username: ""
  chroot: ""
  directory: "{directory}"
  pidfile: "{directory}/unbound.pid"
  use-syslog: no
  logfile: ""
  num-threads: 1
  module-config: "validator iterator"
  trust-anchor-file: "{tree.trust_anchor}"
  trust-anchor-signaling: no
  root-key-sentinel: no
  val-log-level: 2
  ede: yes
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {NAME_SERVER_ADDRESS}@{NAME_SERVER_PORT}
""")
    with running(
        [program("unbound"), "-d", "-c", str(configuration)],
        log=directory / "unbound.log",
        ready=lambda: _answers(address, port, dns.flags.AD),
    ):
        yield
