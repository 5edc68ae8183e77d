"""A minimal proxy that shows how the parts fit: who may connect, where a request goes, and over which connection.

It serves the phones of its domains, which have no certificates, and speaks with other proxies, which have. It does what
the pages about connection reuse and about proxies say, and of SIP no more than the tests need.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import anyio
import anyio.abc
from anyio.streams.stapled import MultiListener
from anyio.streams.tls import TLSAttribute

from pki import Issued
from serving import context, in_files, own
from siptls import (
    AliasTable,
    Anchors,
    Carrier,
    ClientVerdict,
    Crls,
    Inbound,
    Outbound,
    Policy,
    Presentation,
    Refusal,
    Row,
    Step,
    Verdict,
    Via,
)
from siptls.trapezoid import authoritative_proxy, from_domain, via_trail
from siptls_io import ClientCertificate
from siptls_io.anyio import StreamPerformer, drive
from siptls_io.resolver import Resolver
from siptls_io.server import Arrival, ClientConnection, Judge, NotServed, ServerStream, serve
from siptls_io.tls import client_context, presented_chain
from trapezoid.sip import Message, Stream, messages


class Link:
    """A connection of the proxy; it is also its handle in the alias table.

    Args:
        stream: to read from and write to.
        verdict: on its peer.
        presentation: what the peer presented.
        source: the address of the peer.
        carrier: the transactions on it.

    Attributes:
        offers: what the table said to each request that came on it.
        heard: the messages that came on it.
        said: the messages that were sent on it.
    """

    def __init__(self, stream: Stream, verdict: Verdict, presentation: Presentation, source: str) -> None:
        self.verdict: Final = verdict
        self.presentation: Final = presentation
        self.source: Final = source
        self.carrier: Final = Carrier("client" if verdict.role == "client" else "server")
        self.stream: Final = stream
        self.offers: Final[list[Row | Refusal]] = []
        self.heard: Final[list[Message]] = []
        self.said: Final[list[Message]] = []
        self._sending = anyio.Lock()

    async def send(self, message: Message) -> None:
        """Send a message; several tasks may do so."""
        self.said.append(message)
        async with self._sending:
            await self.stream.send(bytes(message))

    def __repr__(self) -> str:
        return f"<Link {self.carrier.role} {self.verdict!r}>"


class Proxy:
    """One proxy; `run` runs it.

    Args:
        host: its name, as SRV records have it.
        domains: the SIP domains that it serves.
        listener: where it listens.
        port: the port of the listener.
        certificates: its own, the default one first; that is also what it shows as a client.
        resolver: answers questions to the DNS.
        anchors: for certificates that no TLSA record speaks of.
        claims: the domains whose proxies may come, by their own records.
        offers: whether it offers its connections for requests in the other direction.
        shows: whether it shows its certificate when it connects.
        policy: for all verdicts.

    Attributes:
        table: the alias table.
        crls: the CRLs; another list holds from then on.
        accepted: the connections of clients that were served, in their order.
        opened: the connections that it opened itself.
        refused: the clients that were not served.
        failed: what raised an exception, which nothing should.
        verdicts: what came of looking for servers.
        grants: what the table said of each connection that was used again.
        findings: what was found of each request of another proxy.
    """

    def __init__(
        self,
        host: str,
        domains: Sequence[str],
        listener: MultiListener[anyio.abc.SocketStream],
        port: int,
        certificates: Sequence[Issued],
        *,
        resolver: Resolver,
        anchors: Anchors,
        claims: Sequence[str] = (),
        offers: bool = True,
        shows: bool = True,
        policy: Policy,
    ) -> None:
        self.host, self.domains, self.port = host, domains, port
        self.offers, self.policy, self.crls = offers, policy, Crls()
        self.table = AliasTable()
        self.accepted: list[Link] = []
        self.opened: list[Link] = []
        self.arrivals: list[Arrival] = []
        self.refused: list[NotServed] = []
        self.failed: list[Exception] = []
        self.verdicts: list[Verdict] = []
        self.grants: list[Row | Refusal] = []
        self.findings: list[tuple[Step, ...]] = []
        self._listener, self._resolver, self._anchors, self._claims = listener, resolver, anchors, claims
        self._server_context = context(*certificates)
        with in_files(certificates[0]) as files:
            self._client_context = client_context(ClientCertificate(*files) if shows else None)
        self._flows: dict[str, Link] = {}
        self._running: dict[str, tuple[Message, Link, Link]] = {}
        self._tasks: anyio.abc.TaskGroup | None = None

    async def run(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Serve until this is cancelled."""
        async with anyio.create_task_group() as self._tasks:
            await serve(
                self._serve,
                self._listener,
                context=self._server_context,
                judge=self._judge,
                resolver=self._resolver,
                refused=self.refused.append,
                failed=lambda _arrival, error: self.failed.append(error),
                task_status=task_status,
            )

    def show(self, *certificates: Issued) -> None:
        """Show other certificates to clients from now on."""
        self._server_context.renew(own(certificates[0]), [own(each) for each in certificates[1:]])

    # Connections.

    def _judge(self, arrival: Arrival, /, *, now: float, at: datetime) -> Inbound:
        """Phones have no certificates; whoever shows one must be known by it."""
        rules = Judge(
            anchors=self._anchors,
            crls=self.crls,
            claims=self._claims,
            client_certificate="optional",
            policy=self.policy,
        )
        return rules(arrival, now=now, at=at)

    async def _serve(self, connection: ClientConnection[ServerStream]) -> None:
        arrival = connection.arrival
        self.arrivals.append(arrival)
        link = Link(connection.stream, connection.verdict, arrival.presentation, arrival.source.ip)
        self.accepted.append(link)
        await self._listen(link)

    async def _reach(self, request: Message) -> Link | None:
        """Find a connection that may carry a request: an open one, or a new one."""
        machine = Outbound(
            request.uri,
            policy=self.policy,
            now=anyio.current_time(),
            at=datetime.now(UTC),
            randbelow=secrets.randbelow,
            anchors=self._anchors,
            crls=self.crls,
            aliases=self.table,
            local_domain=self._local_domain(request),
        )
        performer = StreamPerformer(self._resolver, self._client_context)
        verdict = await drive(machine, performer)
        self.verdicts.append(verdict)
        if isinstance(verdict.reused, Link):
            self.grants.append(self.table.grant(verdict.reused, verdict, now=anyio.current_time()))
            return verdict.reused
        if verdict.connection is None or verdict.endpoint is None:
            return None
        stream = performer.streams[verdict.connection]
        chain = presented_chain(stream.extra(TLSAttribute.ssl_object))  # noqa: S610 - Django's is another
        link = Link(stream, verdict, Presentation(chain), verdict.endpoint.address)
        self.opened.append(link)
        row = self.table.add(
            verdict,
            link,
            link.presentation,
            local_domain=self._local_domain(request),
            now=anyio.current_time(),
        )
        link.offers.append(row)
        assert self._tasks is not None
        self._tasks.start_soon(self._listen, link)
        return link

    def _local_domain(self, request: Message) -> str:
        """For which of its domains the proxy speaks: that of the sender, or that of the receiver."""
        sender = request.address("from").host
        return sender if sender in self.domains else request.uri.host

    async def _listen(self, link: Link) -> None:
        """Take what comes on a connection until it ends; then nobody finds it any more."""
        assert self._tasks is not None
        try:
            async for message in messages(link.stream):
                link.heard.append(message)
                # A request may have to wait for the DNS, and nothing else shall wait for it.
                self._tasks.start_soon(self._response if message.status else self._request, link, message)
        except Exception as error:  # noqa: BLE001 - a test looks at it
            self.failed.append(error)
        finally:
            self.table.close(link)
            link.carrier.closure_received()
            with anyio.CancelScope(shield=True), suppress(anyio.BrokenResourceError):
                await link.stream.aclose()

    # Messages.

    async def _request(self, link: Link, request: Message) -> None:
        strange = link.carrier.receive(request.branch)
        if strange is not None:
            self.findings.append((strange,))
            await self._answer(link, request, 403, "Forbidden")
            return
        if link.verdict.role == "server":
            row = self.table.add(
                link.verdict,
                link,
                link.presentation,
                local_domain=self._local_domain(request),
                now=anyio.current_time(),
                source=link.source,
                via=request.vias[0],
            )
            link.offers.append(row)
        if self._is_refused(link, request):
            await self._answer(link, request, 403, "Forbidden")
        elif request.method == "REGISTER":
            self._flows[str(request.address("to"))] = link
            await self._answer(link, request, 200, "OK")
        else:
            await self._forward(link, request)

    def _is_refused(self, link: Link, request: Message) -> bool:
        """Say what is to be said of a request that another proxy brings, and whether it ends here."""
        is_phone = request.method == "REGISTER" or link in self._flows.values()
        if is_phone or not isinstance(link.verdict, ClientVerdict):
            return False
        sender = request.address("from")
        found = (
            *authoritative_proxy(link.verdict, sender.host),
            *from_domain(sender, link.verdict, policy=self.policy),
            *via_trail(request.vias, claimed=sender.host),
        )
        self.findings.append(found)
        return any(step.code == "proxy.from-refused" for step in found)

    async def _forward(self, link: Link, request: Message) -> None:
        """Send a request on: to a phone over the flow that it keeps, or to the proxy of another domain."""
        if request.uri.host in self.domains:
            onward, failure = self._flows.get(str(request.uri)), (480, "Temporarily Unavailable")
        else:
            onward, failure = await self._reach(request), (503, "Service Unavailable")
        if onward is None:
            await self._answer(link, request, *failure)
            return
        via = Via.build("tls", self.host, self.port, branch=f"z9hG4bK{secrets.token_hex(8)}", alias=self.offers)
        if onward.carrier.send(via.branch, via) is not None:
            await self._answer(link, request, 503, "Service Unavailable")
            return
        assert via.branch is not None
        self._running[via.branch] = request, link, onward
        await onward.send(request.below(via))

    async def _response(self, link: Link, response: Message) -> None:
        """Send a response back over the connection that its request came on (RFC 3261 section 18.2.2)."""
        running = self._running.pop(response.branch, None)
        if running is None or running[2] is not link:
            return
        request, before, _ = running
        link.carrier.end(response.branch)
        before.carrier.end(request.branch)
        await before.send(response.without_top())

    async def _answer(self, link: Link, request: Message, status: int, phrase: str) -> None:
        link.carrier.end(request.branch)
        await link.send(request.response(status, phrase))
