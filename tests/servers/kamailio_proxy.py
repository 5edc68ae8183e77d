"""A Kamailio that is a proxy, and asks about each request whom it is from and where it may go.

It asks its clients for a certificate and takes any and none (`optional_no_ca`). Its script is in Python (KEMI), with
nothing but the standard library, so that it runs with whatever Python Kamailio was built for.
"""

import contextlib
import socket
from collections.abc import Generator
from pathlib import Path

from pki import Issued
from servers.daemon import accepts_connections, require_free, running
from servers.nameservers import program
from servers.proxies import P2_ADDRESS, P2_HOST, P2_PORT

_SETTINGS = """\
#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
tcp_children=2
auto_aliases=no
disable_tcp=no
enable_tls=yes
listen=tls:{address}:{port}
loadmodule "tls.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "kex.so"
loadmodule "tcpops.so"
loadmodule "app_python3.so"
modparam("tls", "config", "{tls}")
modparam("app_python3", "load", "{handler}")
cfgengine "python"
"""

# Who asks for the host gets its certificate; who asks for anything else, or for nothing, gets another one.
_TLS = """\
[server:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
verify_client = optional_no_ca
certificate = {other}.pem
private_key = {other}.key

[server:any]
server_name = {host}
method = TLSv1.2+
verify_certificate = no
require_certificate = no
verify_client = optional_no_ca
certificate = {own}.pem
private_key = {own}.key
"""

_HANDLER = """\
import json
import socket

import KSR

FACTS = {{
    "method": "$rm",
    "uri": "$ru",
    "sender": "$fu",
    "to": "$tu",
    "via": "$hdr(Via)",
    "source": "$si",
    "port": "$sp",
    "connection": "$conid",
    "certificate": "$tls_peer_raw_cert",
    "server_name": "$tls_peer_server_name",
    "version": "$tls_version",
}}


def advice():
    facts = {{name: str(KSR.pv.gete(variable)) for name, variable in FACTS.items()}}
    with socket.create_connection(("127.0.0.1", {advice}), 60) as asked:
        asked.sendall(json.dumps(facts).encode() + b"\\n")
        with asked.makefile() as answer:
            return json.loads(answer.readline())


def mod_init():
    return Handler()


class Handler:
    def child_init(self, rank):
        return 0

    # Kamailio looks for these two, and an exception would hang over the next call if they were not here.
    def ksr_reply_route(self, msg):
        return 1

    def ksr_onsend_route(self, msg):
        return 1

    def ksr_request_route(self, msg):
        what = advice()
        if "over" in what:
            KSR.setdsturi("sip:" + what["over"] + ";transport=tls")
            KSR.set_forward_no_connect()
            if KSR.tm.t_relay() < 0:
                KSR.sl.send_reply(503, "Service Unavailable")
        else:
            KSR.sl.send_reply(what["status"], what["phrase"])
            if what.get("close"):
                KSR.tcpops.tcp_close_connection()
        return 1
"""


@contextlib.contextmanager
def proxying(own: Issued, other: Issued, advice: int, directory: Path) -> Generator[Path]:
    """Kamailio as P2, while the block runs; it asks at the port `advice`. The value is its log.

    It shows the certificate `own` to who asks for its host, and `other` to everybody else.
    """
    require_free(P2_ADDRESS, P2_PORT, socket.SOCK_STREAM)
    for name, issued in (("own", own), ("other", other)):
        (directory / f"{name}.pem").write_bytes(issued.presented_pem)
        (directory / f"{name}.key").write_bytes(issued.key_pem)
    tls, script, handler, log = (directory / name for name in ("tls.cfg", "p2.cfg", "p2.py", "p2.log"))
    tls.write_text(_TLS.format(own=directory / "own", other=directory / "other", host=P2_HOST))
    handler.write_text(_HANDLER.format(advice=advice))
    script.write_text(_SETTINGS.format(address=P2_ADDRESS, port=P2_PORT, tls=tls, handler=handler))
    command = [program("kamailio"), "-DD", "-E", "-f", str(script), "-m", "64", "-M", "8"]
    command += ["-Y", str(directory), "-P", str(directory / "p2.pid")]
    with running(command, log=log, ready=lambda: accepts_connections(P2_ADDRESS, P2_PORT)):
        yield log
