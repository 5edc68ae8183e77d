"""What is heard from a peer during one TLS handshake, beyond what Python's ssl module tells of it.

Python tells neither what a peer sent that does not speak TLS, nor whether a server asked for our certificate. The
drivers note the first, a callback of the TLS library the second. Both belong to one connection attempt, but several
share the context that the callback is set on; so the attempt is kept in a context variable, which asyncio's callbacks
inherit from the task that began it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from typing import Final

from .certificate_request import certificate_authorities

REMEMBERED: Final = 64
"""How many of the first octets that a peer sends are remembered, to tell clear text from broken TLS."""

_HEADER: Final = 256
_HANDSHAKE: Final = 22
_FATAL: Final = 2
_NEW_SESSION_TICKET: Final = 4
_CERTIFICATE: Final = 11
_CERTIFICATE_REQUEST: Final = 13
_EMPTY_CERTIFICATE: Final = 8
"""How many octets a Certificate message without a certificate has at the most."""

_ALERT: Final = 21
_ENCRYPTED: Final = 23
_ENCRYPTED_ALERT: Final = 19
"""The length of an alert of TLS 1.3 on the wire: two octets, their type, a tag of 16 octets (RFC 8446 section 5.2)."""

_PATIENCE: Final = (0.25, 1.0)
"""The least and the most, in seconds, that a server is given to refuse us."""
A_MOMENT: Final = 0.01
"""How long to wait, in seconds, for the rest of what came in part only and can only be looked at."""


class Handshake:
    """One handshake.

    Attributes:
        first_octets: what the peer sent first, at most `REMEMBERED`; empty if nothing came or nobody looked.
        first_header: what the TLS library took for the header of the first record.
        alert: the name of the alert that ended the connection, or its number; None if there was none.
        certificate_shown: whether a certificate of ours was sent.
        settled: is called, if anybody wants to know, when the server has gone on after the handshake.
    """

    def __init__(self) -> None:
        self.first_octets: bytes = b""
        self.first_header: bytes = b""
        self.alert: str | None = None
        self.certificate_shown: bool = False
        self.settled: Callable[[], object] | None = None
        self._request: bytes | None = None
        self._newest = False
        self._began = time.monotonic()

    @property
    def certificate_asked(self) -> bool | None:
        """Whether the server asked for a certificate of ours; None where this Python cannot tell."""
        return self._request is not None if _CAN_TELL else None

    @property
    def certificate_authorities(self) -> tuple[str, ...]:
        """Whose certificates the server takes, as far as it said so; hostile text."""
        return () if self._request is None else certificate_authorities(self._request, tls_1_3=self._newest)

    def may_be_refused(self) -> bool:
        """Say whether the server may still refuse us, though the handshake is over on our side.

        Under TLS 1.3 a server judges our certificate, or that there is none, when we are through (RFC 8446 section
        4.4.2.4). Whoever uses the connection would be told at the first read.
        """
        return self._request is not None and self._newest

    def patience(self) -> float:
        """Return how long to wait for a refusal, in seconds: it needs one round trip, the handshake needed two."""
        least, most = _PATIENCE
        return min(max(least, time.monotonic() - self._began), most)

    def noted(self, octets: bytes | bytearray | memoryview) -> None:
        """Note octets that came from the peer; only the first ones are kept."""
        if len(self.first_octets) < REMEMBERED:
            self.first_octets = (self.first_octets + bytes(octets[:REMEMBERED]))[:REMEMBERED]

    def saw_header(self, octets: bytes) -> None:
        """Take note of the header of a record that came."""
        self.first_header = self.first_header or octets

    def saw_alert(self, kind: int, octets: bytes) -> None:
        """Take note of an alert that came."""
        if octets[0] == _FATAL:
            self.alert = kind.name.lower() if isinstance(kind, IntEnum) else str(octets[1])

    def saw(self, direction: str, kind: int, message: bytes, version: int) -> None:
        """Take note of a message of the handshake."""
        if direction == "write":
            self.certificate_shown |= kind == _CERTIFICATE and len(message) > _EMPTY_CERTIFICATE
        elif kind == _CERTIFICATE_REQUEST:
            self._request = message
            self._newest = version == ssl.TLSVersion.TLSv1_3
        elif kind == _NEW_SESSION_TICKET and self.settled is not None:
            self.settled()


_current: ContextVar[Handshake] = ContextVar("siptls_io.handshake")


@contextmanager
def handshake() -> Generator[Handshake]:
    """Make a handshake the one that messages are noted for, in this thread or task, while the block runs."""
    begun = Handshake()
    token = _current.set(begun)
    try:
        yield begun
    finally:
        _current.reset(token)


def looks_like_a_refusal(octets: bytes) -> bool | None:
    """Say whether what a server sent first after the handshake may be an alert, or the end of the connection.

    Args:
        octets: the beginning of it, as it came over TCP; empty for the end of the connection.

    Returns:
        Whether it may; None if it takes some more octets to tell.
    """
    if not octets or octets[0] == _ALERT:
        return True
    if octets[0] != _ENCRYPTED:
        return False
    return int.from_bytes(octets[3:5]) == _ENCRYPTED_ALERT if len(octets) >= 5 else None


def refused(octets: bytes | bytearray) -> None:
    """Say what it means that a server sent no alert, though it looked like one.

    Args:
        octets: what was read from the session; empty at its end.

    Raises:
        EOFError: the server closed the connection.
        SSLError: it sent data, which are lost now: nobody shall use the connection.
    """
    if octets:
        raise ssl.SSLError(ssl.SSL_ERROR_SSL, "the server began to speak before it was known whether it takes us")
    raise EOFError("the server closed the connection")


def watch(context: ssl.SSLContext) -> None:
    """Have the messages of each handshake with a context noted."""
    if _CAN_TELL:
        setattr(context, _CALLBACK, _saw)


def _saw(_tls: object, direction: str, version: int, content_type: int, message_type: int, message: bytes, /) -> None:
    begun = _current.get(None)
    if begun is None:
        return
    if content_type == _HANDSHAKE:
        begun.saw(direction, message_type, message, version)
    elif direction == "read" and content_type == _HEADER:
        begun.saw_header(message)
    elif direction == "read" and content_type == _ALERT:
        begun.saw_alert(message_type, message)


_CALLBACK: Final = "_msg_callback"
_CAN_TELL: Final = hasattr(ssl.SSLContext, _CALLBACK)
"""Whether this Python lets others see the messages of a handshake; CPython does, but does not promise it."""
