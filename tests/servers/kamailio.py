"""A Kamailio that answers OPTIONS over TLS and tells, connection by connection, what it received."""

import contextlib
import dataclasses
import re
import socket
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from servers.daemon import START_SECONDS, accepts_connections, require_free, running, wait_until
from servers.nameservers import program

SIPS_PORT = 5061

# The TLS module logs each finished handshake, the script each request; the three events of an ending also come for
# connections on which nothing was ever sent. Hence a log in which silence can be told from absence.
_SCRIPT = """\
#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
tcp_children=1
auto_aliases=no
disable_tcp=no
enable_tls=yes
{listeners}
loadmodule "tls.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "kex.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "tcpops.so"
modparam("tls", "config", "{tls}")
modparam("tls", "tls_log", 1)
modparam("tcpops", "closed_event", 1)
request_route {{
    xlog("L_NOTICE", "lab request from=$si:$sp method=$rm sni=$tls_peer_server_name\\n");
    if (is_method("OPTIONS")) {{
        sl_send_reply("200", "OK");
        exit;
    }}
    sl_send_reply("405", "Method Not Allowed");
}}
event_route[tcp:closed] {{
    xlog("L_NOTICE", "lab closed from=$si:$sp\\n");
}}
event_route[tcp:reset] {{
    xlog("L_NOTICE", "lab closed from=$si:$sp\\n");
}}
event_route[tcp:timeout] {{
    xlog("L_NOTICE", "lab closed from=$si:$sp\\n");
}}
"""

_DOMAIN = """\
[server:{where}]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
certificate = {certificate}
private_key = {key}
"""


def options(domain: str) -> bytes:
    """A request that asks a server of `domain` what it can do, and changes nothing there (RFC 3261 section 11)."""
    lines = (
        f"OPTIONS sip:{domain} SIP/2.0",
        "Via: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bKlab;rport",
        "Max-Forwards: 70",
        "From: <sip:probe@probe.invalid>;tag=lab",
        f"To: <sip:{domain}>",
        "Call-ID: lab",
        "CSeq: 1 OPTIONS",
        "Content-Length: 0",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


_ENTRY = re.compile(
    r"tls_accept: new connection from (?P<secured>\S+) using"
    r"|lab request from=(?P<asked>\S+) method=(?P<method>\S+) sni=(?P<sni>\S+)"
    r"|lab closed from=(?P<closed>\S+)"
)


@dataclasses.dataclass
class Lifeline:
    """One connection as Kamailio saw it: whether TLS was set up, the requests that came, whether it is over."""

    peer: str
    secured: bool = False
    closed: bool = False
    server_name: str | None = None
    """The server name of the handshake; Kamailio tells it only with a request."""
    methods: list[str] = dataclasses.field(default_factory=list[str])


def _lifelines(log: str) -> list[Lifeline]:
    seen: list[Lifeline] = []
    open_now: dict[str, Lifeline] = {}
    for entry in _ENTRY.finditer(log):
        peer = entry["secured"] or entry["asked"] or entry["closed"]
        if peer not in open_now:
            seen.append(Lifeline(peer))
            open_now[peer] = seen[-1]
        lifeline = open_now[peer]
        if entry["secured"]:
            lifeline.secured = True
        elif entry["asked"]:
            lifeline.methods.append(entry["method"])
            lifeline.server_name = entry["sni"]
        else:
            lifeline.closed = True
            del open_now[peer]
    return seen


@dataclasses.dataclass(frozen=True)
class Kamailio:
    """A running Kamailio, known by its log."""

    log: Path

    def now(self) -> int:
        """The place in the log that `since` means: all that happened up to here is left out."""
        return self.log.stat().st_size

    def connections(self, since: int) -> list[Lifeline]:
        """Every connection with an event after `since`, in the order in which they appeared."""
        with self.log.open("rb") as log:
            log.seek(since)
            return _lifelines(log.read().decode(errors="backslashreplace"))

    def ended(self, since: int, *, count: int, seconds: float = 20.0) -> list[Lifeline]:
        """The connections since `since`, as soon as there are `count` and all are over.

        `ServerFailed` if that is not so in `seconds`.
        """

        def over() -> bool:
            connections = self.connections(since)
            return len(connections) >= count and all(lifeline.closed for lifeline in connections)

        wait_until(over, seconds=seconds, what=f"Kamailio to see the end of {count} connection(s), see {self.log}")
        return self.connections(since)


@contextlib.contextmanager
def answering(
    addresses: Sequence[str], credentials: Mapping[str, tuple[Path, Path]], default: tuple[Path, Path], directory: Path
) -> Generator[Kamailio]:
    """Kamailio on port 5061 of each of `addresses`, while the block runs.

    `credentials` maps a domain to the PEM files of the chain and the key shown for that server name and all below it;
    `default` is shown for every other name and for none.
    """
    for address in addresses:
        require_free(address, SIPS_PORT, socket.SOCK_STREAM)
    tls, script, log = directory / "tls.cfg", directory / "kamailio.cfg", directory / "kamailio.log"
    domains = [_DOMAIN.format(where="default", certificate=default[0], key=default[1])]
    for domain, (certificate, key) in credentials.items():
        names = f"server_name = {domain}\nserver_name_mode = 1\n"
        domains.append(_DOMAIN.format(where="any", certificate=certificate, key=key) + names)
    tls.write_text("\n".join(domains))
    hosts = [f"[{address}]" if ":" in address else address for address in addresses]
    listeners = "\n".join(f"listen=tls:{host}:{SIPS_PORT}" for host in hosts)
    script.write_text(_SCRIPT.format(listeners=listeners, tls=tls))
    # The default allocator searches a list for each block, which takes seconds with this many TLS contexts.
    command = [program("kamailio"), "-DD", "-E", "-f", str(script), "-m", "64", "-M", "8", "-x", "tlsf"]
    command += ["-Y", str(directory), "-P", str(directory / "kamailio.pid")]
    kamailio = Kamailio(log)
    with running(command, log=log, ready=lambda: all(accepts_connections(a, SIPS_PORT) for a in addresses)):
        # The probes of start-up must not appear among the connections of the first test.
        kamailio.ended(0, count=len(addresses), seconds=START_SECONDS)
        yield kamailio
