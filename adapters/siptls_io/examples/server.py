"""Serve SIP over TLS with anyio: say who each client is, and answer its requests.

python -m siptls_io.examples.server ADDRESS PORT CHAIN KEY [CHAIN KEY ...]

The first certificate is the default, the others are shown to clients that ask for a name in them.
"""

import sys
from contextlib import suppress

import anyio

from siptls_io.server import ClientConnection, Judge, ServerCertificate, ServerStream, serve, server_context

COPIED = ("via:", "v:", "from:", "f:", "to:", "t:", "call-id:", "i:", "cseq:")
LONGEST = 65_536
IDLE = 600.0  # seconds


async def answer(connection: ClientConnection[ServerStream]) -> None:
    """Answer the requests on one connection, until the client closes it or says nothing any more."""
    print(connection.verdict.explain(), flush=True)  # who the client is; here nothing of SIP was read yet
    waiting = b""
    with anyio.move_on_after(IDLE) as limit:
        async for octets in connection.stream:
            limit.deadline = anyio.current_time() + IDLE
            waiting += octets
            while b"\r\n\r\n" in waiting:
                request, _, waiting = waiting.partition(b"\r\n\r\n")
                await connection.stream.send(response(request))
            if len(waiting) > LONGEST:
                return  # which closes the connection


def response(request: bytes) -> bytes:
    """Return the response to a request without a body (RFC 3261 section 8.2.6)."""
    _, *fields = request.decode("utf-8", "replace").split("\r\n")
    copied = [field for field in fields if field.lower().startswith(COPIED)]
    lines = ["SIP/2.0 200 OK", *copied, "Content-Length: 0"]
    return "\r\n".join([*lines, "", ""]).encode()


async def main(address: str, port: int, *files: str) -> None:
    """Serve until somebody presses Ctrl-C."""
    default, *others = [ServerCertificate(*pair) for pair in zip(files[::2], files[1::2], strict=True)]
    listener = await anyio.create_tcp_listener(local_host=address, local_port=port)
    await serve(
        answer,
        listener,
        context=server_context(default, others),
        judge=Judge(client_certificate="optional"),
        refused=lambda why: print(why, flush=True),
    )


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        anyio.run(main, sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
