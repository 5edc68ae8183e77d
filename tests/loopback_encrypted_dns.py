"""Name servers on loopback that speak DNS over TLS or DNS over HTTPS, and say what a test wants them to say."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import time
from collections.abc import Callable
from typing import Literal, TypeAlias

import dns.message
import h2.config
import h2.connection
import h2.events

from loopback_dns import octets
from loopback_tls import LoopbackServer, Seen, server_context
from pki import Issued

MEDIA_TYPE = "application/dns-message"
NAME = "dns.example"
PATH = "/dns-query"
Protocol: TypeAlias = Literal["dot", "h2", "http/1.1"]


@dataclasses.dataclass(frozen=True)
class Http:
    """A reply over HTTP; over TLS alone its content is sent as a message."""

    content: bytes = b""
    status: int | str = 200
    media_type: str = MEDIA_TYPE
    more: tuple[tuple[str, str], ...] = ()
    chunked: bool = False


@dataclasses.dataclass(frozen=True)
class Raw:
    """Octets as they go into TLS, whatever the protocol; then the client is waited for.

    With ``closes`` the connection is closed instead. With ``again`` the octets are sent for ever, with so many seconds
    between them.
    """

    content: bytes
    closes: bool = False
    again: float | None = None


Reply: TypeAlias = "dns.message.Message | bytes | Http | Raw | None"
Script: TypeAlias = Callable[[dns.message.Message], Reply]
"""Called with each query; None sends nothing."""


class EncryptedNameServer(LoopbackServer):
    """Answers as its script says, while its context lasts.

    Args:
        script: what to say.
        protocol: what it speaks.
        leaf: its certificate.
        address: where it listens.

    Attributes:
        queries: all that came, as octets.
        requests: their header fields, over HTTP.
    """

    def __init__(self, script: Script, protocol: Protocol, leaf: Issued, address: str = "127.0.0.1") -> None:
        super().__init__(self._serve, address)
        self._script = script
        self.protocol: Protocol = protocol
        self._context = server_context(leaf)
        self._context.set_alpn_protocols([protocol])
        self.queries: list[bytes] = []
        self.requests: list[dict[str, str]] = []

    def __enter__(self) -> EncryptedNameServer:
        super().__enter__()
        return self

    @property
    def host(self) -> str:
        """Address and port."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    @property
    def by_address(self) -> str:
        """How a resolver is told of it, with a certificate for its address."""
        return f"tls://{self.host}" if self.protocol == "dot" else f"https://{self.host}{PATH}"

    @property
    def by_name(self) -> str:
        """How a resolver is told of it, with a certificate for its name."""
        return f"{self.by_address}#{NAME}"

    def _serve(self, connection: socket.socket, seen: Seen) -> None:
        def note(_tls: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
            seen.server_name = name

        self._context.sni_callback = note
        with self._context.wrap_socket(connection, server_side=True) as tls:
            assert tls.selected_alpn_protocol() == self.protocol
            {"dot": self._over_tls, "h2": self._over_http2, "http/1.1": self._over_http11}[self.protocol](tls)

    def _replied(self, query: bytes) -> Http | Raw | None:
        self.queries.append(query)
        reply = self._script(dns.message.from_wire(query))
        return reply if reply is None or isinstance(reply, Http | Raw) else Http(octets(reply))

    def _over_tls(self, tls: ssl.SSLSocket) -> None:
        received = _received(tls, lambda received: 2 + int.from_bytes(received[:2]) if len(received) > 1 else 2)
        reply = self._replied(received[2:])
        if isinstance(reply, Raw):
            _send(tls, reply)
            return
        if reply is not None:
            # In two pieces, as TLS is free to do.
            tls.sendall(len(reply.content).to_bytes(2)[:1])
            tls.sendall(len(reply.content).to_bytes(2)[1:] + reply.content)
        _wait_for_the_end(tls)

    def _over_http11(self, tls: ssl.SSLSocket) -> None:
        def wanted(received: bytes) -> int:
            head, end, _ = received.partition(b"\r\n\r\n")
            return len(head) + 4 + int(_fields(head).get("content-length", "0")) if end else len(received) + 1

        received = _received(tls, wanted)
        head, _, content = received.partition(b"\r\n\r\n")
        self.requests.append(_fields(head))
        reply = self._replied(content)
        if isinstance(reply, Raw):
            _send(tls, reply)
        elif reply is not None:
            tls.sendall(_http11(reply))
        if reply is None:
            _wait_for_the_end(tls)

    def _over_http2(self, tls: ssl.SSLSocket) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="ascii"))
        connection.initiate_connection()
        tls.sendall(connection.data_to_send())
        query, unsent = b"", b""
        while received := tls.recv(65_536):
            for event in connection.receive_data(received):
                if isinstance(event, h2.events.RequestReceived):
                    self.requests.append({str(name): str(value) for name, value in event.headers})
                elif isinstance(event, h2.events.DataReceived):
                    query += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    reply = self._replied(query)
                    if isinstance(reply, Raw):
                        _send(tls, reply)
                        return
                    if reply is not None:
                        fields = [("content-type", reply.media_type), *reply.more]
                        connection.send_headers(1, [(":status", str(reply.status)), *fields], not reply.content)
                        unsent = reply.content
            unsent = _as_much_as_fits(connection, unsent)
            tls.sendall(connection.data_to_send())


def _as_much_as_fits(connection: h2.connection.H2Connection, unsent: bytes) -> bytes:
    while unsent and (fits := min(connection.local_flow_control_window(1), connection.max_outbound_frame_size)):
        connection.send_data(1, unsent[:fits], end_stream=len(unsent) <= fits)
        unsent = unsent[fits:]
    return unsent


def _fields(head: bytes) -> dict[str, str]:
    request, *lines = head.decode("ascii").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return {":method": request.split(" ")[0], ":path": request.split(" ")[1], **fields} if " " in request else fields


def _http11(reply: Http) -> bytes:
    length = ("Transfer-Encoding", "chunked") if reply.chunked else ("Content-Length", str(len(reply.content)))
    fields = [("Content-Type", reply.media_type), length, *reply.more]
    head = f"HTTP/1.1 {reply.status} so\r\n" + "".join([f"{name}: {value}\r\n" for name, value in fields])
    content = reply.content
    if reply.chunked:
        content = (
            b"1\r\n" + content[:1] + b"\r\n" + f"{len(content) - 1:x}\r\n".encode() + content[1:] + b"\r\n0\r\n\r\n"
        )
    return head.encode() + b"\r\n" + content


def _received(tls: ssl.SSLSocket, wanted: Callable[[bytes], int]) -> bytes:
    received = b""
    while len(received) < wanted(received):
        more = tls.recv(65_536)
        if not more:
            raise ConnectionResetError("the client went away")
        received += more
    return received


def _send(tls: ssl.SSLSocket, raw: Raw) -> None:
    tls.sendall(raw.content)
    while raw.again is not None:
        time.sleep(raw.again)
        tls.sendall(raw.content)
    if not raw.closes:
        _wait_for_the_end(tls)


def _wait_for_the_end(tls: ssl.SSLSocket) -> None:
    while tls.recv(65_536):
        pass
