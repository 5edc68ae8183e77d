"""A phone: it has no certificate, finds and verifies the proxy of its domain, and stays connected to it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import anyio
import anyio.abc

import siptls_io.anyio
from loops import PATIENCE
from siptls import Anchors, Verdict, Via
from siptls_io.resolver import Resolver
from trapezoid.sip import Message, messages, request

LATER = b"take your time"


class Phone:
    """One phone; `run` runs it.

    Args:
        uris: its addresses of record.
        resolver: answers questions to the DNS.
        anchors: for certificates that no TLSA record speaks of.

    Attributes:
        heard: the requests that came.
        verdict: on its proxy.
        released: until this is set, nobody answers a request whose body is `LATER`.
    """

    def __init__(self, *uris: str, resolver: Resolver, anchors: Anchors) -> None:
        self.uris: Sequence[str] = uris
        self.heard: list[Message] = []
        self.verdict: Verdict | None = None
        self.released = anyio.Event()
        self._resolver, self._anchors = resolver, anchors
        self._stream: anyio.abc.ByteStream | None = None
        self._number = 0
        self._awaited: dict[str, anyio.Event] = {}
        self._responses: dict[str, Message] = {}
        self._rung = anyio.Event()
        self._sending = anyio.Lock()

    async def run(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Connect, register, and take what comes until this is cancelled."""
        connection = await siptls_io.anyio.connect(self.uris[0], resolver=self._resolver, anchors=self._anchors)
        self._stream, self.verdict = connection.stream, connection.verdict
        async with connection.stream, anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen)
            for uri in self.uris:
                response = await self._ask("REGISTER", "sip:" + uri.partition("@")[2], uri, uri)
                assert response.status == 200
            task_status.started()

    async def say(self, uri: str, text: str, *, sender: str | None = None) -> Message:
        """Send a MESSAGE, and return the response."""
        return await self._ask("MESSAGE", uri, uri, sender or self.uris[0], text.encode())

    async def rung(self) -> None:
        """Wait for a request that is not answered yet."""
        with anyio.fail_after(PATIENCE):
            await self._rung.wait()

    async def _ask(self, method: str, uri: str, to: str, sender: str, body: bytes = b"") -> Message:
        self._number += 1
        via = Via.build("tls", "phone.invalid", branch=f"z9hG4bK{secrets.token_hex(8)}")
        assert via.branch is not None
        asked = request(method, uri, sender, via, self._number, body)
        asked.fields = [(name, f"<{to}>" if name == "to" else value) for name, value in asked.fields]
        answered = self._awaited[via.branch] = anyio.Event()
        await self._send(asked)
        with anyio.fail_after(PATIENCE):
            await answered.wait()
        return self._responses[via.branch]

    async def _listen(self) -> None:
        assert self._stream is not None
        async with anyio.create_task_group() as tasks:
            async for message in messages(self._stream):
                if message.status:
                    self._responses[message.branch] = message
                    self._awaited[message.branch].set()
                else:
                    self.heard.append(message)
                    tasks.start_soon(self._respond, message)

    async def _respond(self, message: Message) -> None:
        if message.body == LATER:
            self._rung.set()
            await self.released.wait()
        await self._send(message.response(200, "OK", b"heard: " + message.body))

    async def _send(self, message: Message) -> None:
        assert self._stream is not None
        async with self._sending:
            await self._stream.send(bytes(message))
