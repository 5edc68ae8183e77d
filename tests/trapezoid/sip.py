"""As much of SIP messages as two proxies and two phones need: read one, write one, put a Via on top, take it off."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

import anyio

from siptls import SipUri, Via

_END = b"\r\n\r\n"
_LONGEST = 65_536
_COPIED = ("via", "from", "to", "call-id", "cseq")


class Stream(Protocol):
    """What anyio's streams have in common."""

    async def receive(self) -> bytes: ...

    async def send(self, item: bytes, /) -> None: ...

    async def aclose(self) -> None: ...


class Message:
    """A request or a response; immutable.

    Args:
        start: the Request-Line or the Status-Line.
        fields: the header fields in their order, names in lower case; without Content-Length.
        body: the body.
    """

    def __init__(self, start: str, fields: list[tuple[str, str]], body: bytes = b"") -> None:
        self.start = start
        self.fields = fields
        self.body = body

    @classmethod
    def read(cls, head: bytes) -> tuple[Message, int]:
        """Read all but the body, and say how long that is."""
        start, *lines = head.decode().split("\r\n")
        fields = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        length = int(dict(fields).get("content-length", "0"))
        return cls(start, [field for field in fields if field[0] != "content-length"]), length

    @property
    def status(self) -> int:
        """The status code of a response; 0 for a request."""
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        return self.start.split(" ")[0]

    @property
    def uri(self) -> SipUri:
        """The Request-URI."""
        return SipUri.parse(self.start.split(" ")[1])

    @property
    def vias(self) -> tuple[Via, ...]:
        """All Vias, the topmost one first."""
        return Via.parse_all(", ".join([value for name, value in self.fields if name == "via"]))

    @property
    def branch(self) -> str:
        """The branch of the topmost Via, which names the transaction."""
        branch = self.vias[0].branch
        assert branch is not None
        return branch

    def address(self, name: str) -> SipUri:
        """The URI between angle brackets in From or To."""
        return SipUri.parse(dict(self.fields)[name].partition("<")[2].partition(">")[0])

    def below(self, via: Via) -> Message:
        """The message with one more Via on top."""
        return Message(self.start, [("via", str(via)), *self.fields], self.body)

    def without_top(self) -> Message:
        """The message without its topmost Via."""
        others = [field for field in self.fields if field[0] != "via"]
        return Message(self.start, [*[("via", str(via)) for via in self.vias[1:]], *others], self.body)

    def response(self, status: int, phrase: str, body: bytes = b"") -> Message:
        """The response to this request (RFC 3261 section 8.2.6)."""
        return Message(f"SIP/2.0 {status} {phrase}", [field for field in self.fields if field[0] in _COPIED], body)

    def __bytes__(self) -> bytes:
        lines = [self.start, *[f"{name}: {value}" for name, value in self.fields], f"content-length: {len(self.body)}"]
        return "\r\n".join(lines).encode() + _END + self.body

    def __repr__(self) -> str:
        return f"<{self.start}>"


def request(method: str, uri: str, sender: str, via: Via, number: int, body: bytes = b"") -> Message:
    """A request outside of a dialog."""
    fields = [
        ("via", str(via)),
        ("max-forwards", "70"),
        ("from", f"<{sender}>;tag=1"),
        ("to", f"<{uri}>"),
        ("call-id", str(via.branch)),
        ("cseq", f"{number} {method}"),
    ]
    return Message(f"{method} {uri} SIP/2.0", fields, body)


async def messages(stream: Stream) -> AsyncGenerator[Message]:
    """Read the messages on a connection until it ends.

    Raises:
        ValueError: something came that is no SIP, or is too long.
    """
    waiting = b""
    while True:
        waiting = waiting.lstrip(b"\r\n")
        head, end, rest = waiting.partition(_END)
        if end:
            message, length = Message.read(head)
            if len(rest) >= length:
                message.body, waiting = rest[:length], rest[length:]
                yield message
                continue
        if len(waiting) > _LONGEST:
            raise ValueError("too long")
        try:
            waiting += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return
