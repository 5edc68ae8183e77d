"""The server's side of one TLS connection without any I/O: octets of the network go in, and come out.

OpenSSL works on memory here. So whoever moves the octets can be asyncio, trio or a thread, and nothing is sent to a
client but what its owner lets go: also the end of the handshake, which TLS 1.2 clients wait for.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Final, cast

from OpenSSL import SSL, crypto

from siptls import Presentation
from siptls.events import TlsFacts
from siptls.names import fold, is_host

_CHUNK: Final = 65_536
_RECORD: Final = 16_384
"""What one record holds at the most (RFC 8446 section 5.1); OpenSSL hands out one at a time."""
_HANDSHAKE_OCTETS: Final = 160 * 1024
"""More than OpenSSL takes of one client's handshake: 100 KB of certificates, and a ClientHello."""


class Heard:
    """What OpenSSL tells while a handshake goes on.

    Attributes:
        certificate: whether a certificate came in this very handshake, and not in that of a session before it.
    """

    __slots__ = ("certificate",)

    def __init__(self) -> None:
        self.certificate: bool = False


class TlsSession:
    """One TLS connection of a server.

    Args:
        tls: a connection on memory, to which nothing has happened yet. Its context asks for a certificate without
            judging it; see `ServerContext.session`.
        heard: what the callbacks of the context tell.

    Attributes:
        established: whether the handshake is done.
    """

    __slots__ = ("_heard", "_received", "_tls", "established")

    def __init__(self, tls: SSL.Connection, heard: Heard) -> None:
        self._tls = tls
        self._heard = heard
        self._received = 0
        self.established: bool = False

    def received(self, octets: bytes) -> None:
        """Take what came from the network.

        Args:
            octets: the octets; empty at the end of the connection.

        Raises:
            SSLError: the handshake is not done, although more came than any handshake takes.
        """
        if not octets:
            self._tls.bio_shutdown()
            return
        if not self.established:
            if self._received > _HANDSHAKE_OCTETS:
                raise ssl.SSLError(ssl.SSL_ERROR_SSL, "the handshake is too long")
            self._received += len(octets)
        self._tls.bio_write(octets)

    def to_send(self) -> bytes:
        """Return all that is to be sent now; then it is gone from here."""
        octets: list[bytes] = []
        with suppress(SSL.WantReadError):
            while True:
                octets.append(self._tls.bio_read(_CHUNK))
        return b"".join(octets)

    def shake_hands(self) -> bool:
        """Go on with the handshake.

        Returns:
            Whether it is done; else more has to be sent and received.

        Raises:
            SSLError: it failed.
            EOFError: the client closed the connection.
        """
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error as error:
            raise _as_pythons(error) from None
        if self._tls.get_peer_certificate() is not None and not self._heard.certificate:
            # The context keeps no sessions. If one could be resumed all the same, the client has shown nothing now.
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, "the client resumed a session, and presented no certificate")
        self.established = True
        return True

    def read(self, most: int) -> bytes | None:
        """Return what the client said.

        Args:
            most: how many octets to return at the most, 1 or more.

        Returns:
            The octets; none at the end of what the client says; None if more has to be received first.

        Raises:
            SSLError: what came was no TLS, or an alert.
        """
        try:
            return self._tls.recv(min(most, _RECORD))
        except SSL.WantReadError:
            return None
        except SSL.ZeroReturnError:
            return b""
        except SSL.Error as error:
            translated = _as_pythons(error)
            if isinstance(translated, EOFError):
                return b""  # a message of SIP tells its own length (RFC 3261 section 18.3)
            raise translated from None

    def write(self, octets: bytes | bytearray | memoryview) -> None:
        """Say something to the client; `to_send` then has it.

        Raises:
            SSLError: a closure alert was sent, or the session failed.
        """
        try:
            self._tls.sendall(octets)
        except SSL.Error as error:
            translated = _as_pythons(error)
            if isinstance(translated, EOFError):
                raise ssl.SSLError(ssl.SSL_ERROR_EOF, "the connection is closed") from None
            raise translated from None

    def shut_down(self) -> None:
        """Say that nothing more will be said: the closure alert, which `to_send` then has. Saying so twice is fine."""
        with suppress(SSL.Error):
            self._tls.shutdown()

    def presentation(self) -> Presentation:
        """Return the certificates that the client presented; only once the handshake is done."""
        leaf = self._tls.get_peer_certificate()
        if leaf is None:
            return Presentation(())
        # For a server, OpenSSL leaves the client's own certificate out of the chain.
        chain = [leaf, *(self._tls.get_peer_cert_chain() or ())]
        return Presentation(tuple([crypto.dump_certificate(crypto.FILETYPE_ASN1, each) for each in chain]))

    def facts(self) -> TlsFacts:
        """Return what else is known of the session.

        Returns:
            The facts. The server name is in lower case and the name of a host; what is none counts as not sent.
        """
        return TlsFacts(
            self._tls.get_protocol_version_name(), self._tls.get_cipher_name() or "", server_name(self._tls)
        )


def server_name(tls: SSL.Connection) -> str | None:
    """Return the name that a client asked for, or None if that was no name of a host, or no name at all."""
    asked = tls.get_servername()
    if asked is None or not asked.isascii():
        return None
    name = fold(asked.decode("ascii"))
    return name if is_host(name) else None


def _as_pythons(error: SSL.Error) -> ssl.SSLError | EOFError:
    """Return an error of this library as Python's own ssl module would have put it, for `siptls_io.tls.failure`."""
    if isinstance(error, SSL.SysCallError | SSL.ZeroReturnError):
        return EOFError("the client closed the connection")
    reason = _reason(error)
    translated = ssl.SSLError(ssl.SSL_ERROR_SSL, reason)
    translated.reason = reason.upper().replace("SSL/TLS", "SSLV3").replace(" ", "_")
    return translated


def _reason(error: SSL.Error) -> str:
    """Return the first reason of those that OpenSSL has put on its stack: (library, function, reason)."""
    stack = cast("list[tuple[str, str, str]]", error.args[0]) if error.args else []
    return stack[0][-1] if stack else "the TLS library gives no reason"
