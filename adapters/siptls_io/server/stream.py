"""The stream that a server reads from and writes to, on asyncio and on trio by anyio."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import anyio
import anyio.abc
from anyio.lowlevel import checkpoint

from ..handshake import Handshake
from .session import TlsSession

_CHUNK: Final = 65_536
_OWED: Final = 65_536
"""How many octets a client may have us owe it, such as for its wishes to change the keys, before it has to wait."""
_LAST_WORDS: Final = 1.0
"""How long the closure alert may take to be sent, in seconds."""


class ServerStream(anyio.abc.ByteStream):
    """The server's end of a TLS connection over TCP.

    One task at a time may receive. Any number may send: what each of them sends comes in one piece.

    Args:
        transport: the TCP connection; it belongs to this stream.
        session: the TLS session on it.

    Attributes:
        session: the TLS session.
    """

    def __init__(self, transport: anyio.abc.SocketStream, session: TlsSession) -> None:
        self._transport = transport
        self.session: Final = session
        self._owed = bytearray()
        self._sending = anyio.Lock()
        self._receiving = anyio.ResourceGuard("reading from")
        self._broken = False
        self._closed = False

    async def shake_hands(self, begun: Handshake) -> None:
        """Do the handshake, but keep back what the server says at its end: `welcome` says that.

        Args:
            begun: where the first octets of the client are noted.

        Raises:
            OSError, EOFError, anyio.BrokenResourceError: it failed.
        """
        try:
            while not self.session.shake_hands():
                await self._transport.send(self.session.to_send())
                octets = await self._received()
                begun.noted(octets)
                self.session.received(octets)
        except ssl.SSLError:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError), anyio.move_on_after(_LAST_WORDS):
                await self._transport.send(self.session.to_send())  # the alert that says why
            raise

    async def welcome(self) -> None:
        """Send what ends the handshake.

        Raises:
            anyio.BrokenResourceError: the connection failed.
        """
        async with self._sending:
            await self._flush()

    async def receive(self, max_bytes: int = 65_536) -> bytes:
        """Return what the client says; wait for it if necessary.

        Args:
            max_bytes: how many octets to return at the most, 1 or more.

        Raises:
            anyio.EndOfStream: the client says no more.
            anyio.BrokenResourceError: the connection failed.
            anyio.ClosedResourceError: this stream was closed.
        """
        if max_bytes < 1:
            raise ValueError("max_bytes must be 1 or more")
        await checkpoint()
        with self._receiving:
            while (said := self._read(max_bytes)) is None:
                await self._answer()
                self.session.received(await self._received())
            await self._answer()
        if not said:
            raise anyio.EndOfStream
        return said

    async def send(self, item: bytes) -> None:
        """Say something to the client.

        Args:
            item: all of it.

        Raises:
            anyio.BrokenResourceError: the connection failed, or an earlier call was cancelled, so that nobody can tell
                what was sent of it.
            anyio.ClosedResourceError: this stream was closed.
        """
        async with self._sending:
            view = memoryview(item)
            for begin in range(0, len(view), _CHUNK):
                self._writable()
                try:
                    self.session.write(view[begin : begin + _CHUNK])
                except ssl.SSLError as error:
                    raise anyio.BrokenResourceError from error
                await self._flush()

    async def send_eof(self) -> None:
        """Say that nothing more will be said, by a closure alert; what the client says can still be received.

        Raises:
            anyio.BrokenResourceError: the connection failed.
            anyio.ClosedResourceError: this stream was closed.
        """
        async with self._sending:
            self._writable()
            self.session.shut_down()
            await self._flush()

    async def aclose(self) -> None:
        """Close the connection with a closure alert, if there is anybody to hear it; the client's is not waited for."""
        if self._closed:
            await checkpoint()
            return
        self._closed = True
        try:
            if self.session.established and not self._broken:
                # Also who is cancelled says that it goes (RFC 8446 section 6.1), unless somebody is amid a sentence.
                with suppress(anyio.BrokenResourceError), anyio.move_on_after(_LAST_WORDS, shield=True):
                    async with self._sending:
                        self.session.shut_down()
                        await self._flush()
        finally:
            await anyio.aclose_forcefully(self._transport)

    async def abandon(self) -> None:
        """Close the connection without a word."""
        self._closed = True
        await anyio.aclose_forcefully(self._transport)

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """What is known of the TCP connection: ``anyio.abc.SocketAttribute``."""
        return self._transport.extra_attributes

    def _read(self, most: int) -> bytes | None:
        if self._closed:
            raise anyio.ClosedResourceError
        try:
            return self.session.read(most)
        except ssl.SSLError as error:
            self._broken = True
            raise anyio.BrokenResourceError from error

    def _writable(self) -> None:
        if self._closed:
            raise anyio.ClosedResourceError
        if self._broken:
            raise anyio.BrokenResourceError

    async def _received(self) -> bytes:
        """Wait for octets; empty at the end of the connection."""
        try:
            return await self._transport.receive(_CHUNK)
        except anyio.EndOfStream:
            return b""

    async def _answer(self) -> None:
        """Send what TLS has to answer to what was read, unless somebody sends just now and will do it."""
        self._owed += self.session.to_send()
        if self._owed and (len(self._owed) > _OWED or not self._sending.locked()):
            async with self._sending:
                await self._flush()

    async def _flush(self) -> None:
        """Send all that is there; only for who holds the lock."""
        while octets := bytes(self._owed) + self.session.to_send():
            self._owed.clear()
            whole = False
            try:
                await self._transport.send(octets)
                whole = True
            finally:
                self._broken |= not whole
