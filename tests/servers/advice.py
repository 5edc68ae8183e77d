"""What a proxy that is no Python program asks: who is this client, and over which connection may this request go?

`Advice` answers one line of JSON with another one, for any number of askers at a time.
"""

import contextlib
import dataclasses
import json
import secrets
import socketserver
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from siptls import (
    Admission,
    AliasTable,
    Anchors,
    ClientVerdict,
    Outbound,
    Presentation,
    Refusal,
    Row,
    SipUri,
    TlsFacts,
    Verdict,
    Via,
)
from siptls_io import OfflinePerformer, judge_client
from siptls_io.ad_resolver import AdResolver
from siptls_io.blocking import drive

_REFUSED = {"status": 403, "phrase": "Forbidden", "close": True}


@dataclasses.dataclass
class Client:
    """A connection of the proxy: who opened it, and what the table said to the requests that came on it."""

    verdict: ClientVerdict
    presentation: Presentation
    address: str
    offers: list[Row | Refusal] = dataclasses.field(default_factory=list[Row | Refusal])


@dataclasses.dataclass
class Advice:
    """The part of a proxy that knows whom it speaks to.

    `domains` are its own; the proxies of those in `claims` may come by their own records.
    """

    domains: Sequence[str]
    claims: Sequence[str]
    resolver: AdResolver
    anchors: Anchors
    table: AliasTable = dataclasses.field(default_factory=AliasTable)
    clients: dict[str, Client] = dataclasses.field(default_factory=dict[str, Client])
    asked: list[Mapping[str, str]] = dataclasses.field(default_factory=list[Mapping[str, str]])
    verdicts: list[Verdict] = dataclasses.field(default_factory=list[Verdict])
    grants: list[Row | Refusal] = dataclasses.field(default_factory=list[Row | Refusal])
    _flows: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    _one: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def __call__(self, request: Mapping[str, str]) -> Mapping[str, Any]:
        """Say what to do with a request: a connection to send it on, or a response."""
        with self._one:
            self.asked.append(request)
            client = self._client(request)
            if client.verdict.admission is Admission.CLOSE:
                return _REFUSED
            via = Via.parse_all(request["via"])[0]
            now = time.monotonic()
            row = self.table.add(
                client.verdict,
                request["connection"],
                client.presentation,
                local_domain="",
                now=now,
                source=request["source"],
                via=via,
            )
            client.offers.append(row)
            return self._way(request)

    def others(self) -> list[Client]:
        """The clients that presented a certificate, in the order in which they came."""
        return [client for client in self.clients.values() if client.presentation.chain]

    def _client(self, request: Mapping[str, str]) -> Client:
        known = self.clients.get(request["connection"])
        if known is None:
            pem = request["certificate"].encode()
            chain = (x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER),) if pem else ()
            verdict = judge_client(
                chain,
                facts=TlsFacts(request["version"]),
                claims=self.claims,
                client_certificate="optional",
                resolver=self.resolver,
                anchors=self.anchors,
            )
            address = f"{request['source']}:{request['port']}"
            known = self.clients[request["connection"]] = Client(verdict, Presentation(chain), address)
        return known

    def _way(self, request: Mapping[str, str]) -> Mapping[str, Any]:
        if request["method"] == "REGISTER":
            self._flows[request["to"]] = request["connection"]
            return {"status": 200, "phrase": "OK"}
        if SipUri.parse(request["uri"]).host in self.domains:
            flow = self._flows.get(request["uri"])
            return {"status": 480, "phrase": "Temporarily Unavailable"} if flow is None else self._over(flow)
        verdict = self._reached(request["uri"])
        if verdict.reused is None:
            return {"status": 503, "phrase": "Service Unavailable"}
        self.grants.append(self.table.grant(verdict.reused, verdict, now=time.monotonic()))
        return self._over(str(verdict.reused))

    def _over(self, connection: str) -> Mapping[str, Any]:
        return {"over": self.clients[connection].address}

    def _reached(self, uri: str) -> Verdict:
        """Look for an open connection to a domain; this proxy makes no new one."""
        machine = Outbound(
            uri,
            now=time.monotonic(),
            at=datetime.now(UTC),
            randbelow=secrets.randbelow,
            anchors=self.anchors,
            aliases=self.table,
        )
        verdict = drive(machine, OfflinePerformer(self.resolver, {}).blocking())
        self.verdicts.append(verdict)
        return verdict


@contextlib.contextmanager
def advising(advice: Advice) -> Generator[int]:
    """Answer on a port of 127.0.0.1 while the block runs."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            answer = advice(json.loads(self.rfile.readline()))
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
