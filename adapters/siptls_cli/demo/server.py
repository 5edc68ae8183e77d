"""A TLS SIP server on loopback that answers OPTIONS with 200, and counts what it was sent."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from pathlib import Path
from types import TracebackType

from .certificates import Credential

ADDRESS = "127.0.0.1"
_REQUEST = 16 * 1024  # octets of one request
_PATIENCE = 1.0  # seconds
_COPIED = (b"via", b"from", b"to", b"call-id", b"cseq")
"""The header fields of a request that its response repeats (RFC 3261 section 8.2.6.2)."""


class SipServer:
    """Listens on a free port of 127.0.0.1 while its block runs: ``async with SipServer(credential) as server:``.

    Args:
        credential: what it presents.

    Attributes:
        octets: how many octets it received after handshakes.
    """

    def __init__(self, credential: Credential) -> None:
        self._context = _context(credential)
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self.octets: int = 0

    @property
    def port(self) -> int:
        """The port, 1-65535."""
        assert self._server is not None, "the port is known inside of the block only"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> SipServer:
        self._server = await asyncio.start_server(self._converse, ADDRESS, 0, ssl=self._context, limit=_REQUEST)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        if self._conversations:
            # What a client sent before it closed is still to be counted.
            await asyncio.wait(self._conversations, timeout=_PATIENCE)
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await self._server.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        task.add_done_callback(self._conversations.discard)
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                self.octets += len(request)
                writer.write(_response(request))
                await writer.drain()
        except asyncio.IncompleteReadError as error:
            self.octets += len(error.partial)
        except (OSError, asyncio.LimitOverrunError):
            pass  # who breaks off or sends too much is not answered
        finally:
            writer.close()


def _response(request: bytes) -> bytes:
    """Answer OPTIONS with 200 and everything else with 501 (RFC 3261 section 11.2)."""
    first, *fields = request.rstrip(b"\r\n").split(b"\r\n")
    status = b"200 OK" if first.startswith(b"OPTIONS ") else b"501 Not Implemented"
    copied = [field for field in fields if field.partition(b":")[0].strip().lower() in _COPIED]
    return b"\r\n".join([b"SIP/2.0 " + status, *copied, b"Allow: OPTIONS", b"Content-Length: 0", b"", b""])


def _context(credential: Credential) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # OpenSSL reads keys from files only; the folder is ours alone, and gone a moment later.
    with tempfile.TemporaryDirectory(prefix="siptls-demo-") as folder:
        path = Path(folder) / "server.pem"
        path.write_bytes(credential.pem)
        context.load_cert_chain(path)
    return context
