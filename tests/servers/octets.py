"""A TLS server that counts octets: Kamailio reports whole SIP requests only, this one whatever was decrypted."""

import contextlib
import dataclasses
import socket
import ssl
import threading
from collections.abc import Generator
from pathlib import Path

from servers.daemon import require_free, wait_until

_PATIENCE_SECONDS = 20.0


@dataclasses.dataclass
class Conversation:
    """One connection: the server name asked for, the application octets received, how the peer ended it."""

    server_name: str | None = None
    secured: bool = False
    octets: bytes = b""
    ending: str = ""


@dataclasses.dataclass
class OctetRecorder:
    """The conversations held so far, oldest first; each is added when it is over."""

    conversations: list[Conversation] = dataclasses.field(default_factory=list[Conversation])

    def next_after(self, count: int) -> list[Conversation]:
        """All conversations but the first `count`; waits until there is at least one."""
        wait_until(
            lambda: len(self.conversations) > count, seconds=_PATIENCE_SECONDS, what="a connection to the recorder"
        )
        return self.conversations[count:]


def _listen_to(raw: socket.socket, context: ssl.SSLContext) -> Conversation:
    conversation = Conversation()

    def note_server_name(_socket: ssl.SSLObject, server_name: str | None, _context: ssl.SSLContext) -> None:
        conversation.server_name = server_name

    context.sni_callback = note_server_name
    raw.settimeout(_PATIENCE_SECONDS)
    try:
        with context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False) as stream:
            conversation.secured = True
            while received := stream.recv(4096):
                conversation.octets += received
            conversation.ending = "close_notify"
            with contextlib.suppress(OSError):  # the peer need not wait for our half of the closure
                stream.unwrap()
    except ssl.SSLEOFError:
        conversation.ending = "end of stream"
    except OSError as error:
        conversation.ending = f"{type(error).__name__}"
    return conversation


@contextlib.contextmanager
def recording(address: str, port: int, certificate: Path, key: Path) -> Generator[OctetRecorder]:
    """Accept TLS connections on `address`:`port`, one after the other, and never answer, while the block runs."""
    require_free(address, port, socket.SOCK_STREAM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    # A peer that closes with unread session tickets resets the connection, and a reset may lose octets sent before.
    context.num_tickets = 0
    recorder = OctetRecorder()
    stopping = threading.Event()
    with socket.create_server((address, port)) as listener:
        listener.settimeout(0.05)

        def serve() -> None:
            while not stopping.is_set():
                try:
                    raw, _ = listener.accept()
                except TimeoutError:
                    continue
                with raw:
                    recorder.conversations.append(_listen_to(raw, context))

        thread = threading.Thread(target=serve, name="octet recorder")
        thread.start()
        try:
            yield recorder
        finally:
            stopping.set()
            thread.join()
