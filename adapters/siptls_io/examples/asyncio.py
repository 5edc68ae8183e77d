"""Connect to the domain of a SIP URI with asyncio, say why the peer is the domain, and ask it for its options."""

import asyncio
import sys
from contextlib import suppress

from siptls import SipUri
from siptls_io import NotConnected, Resolver
from siptls_io.asyncio import connect
from siptls_io.examples import options


async def main(uri: SipUri, resolver: Resolver) -> int:
    """Do all of it, and return the program's exit code."""
    try:
        connection = await connect(uri, resolver=resolver)
    except NotConnected as error:
        return options.not_connected(error)
    print(connection.verdict.explain())  # why the peer is the domain; from here on it may be spoken to

    reader, writer = connection.stream
    received = b""
    try:
        async with asyncio.timeout(options.PATIENCE):
            writer.write(options.request(uri))
            while not options.complete(received) and (more := await reader.read(4096)):
                received += more
    except OSError as error:  # a TimeoutError is one, too
        return options.no_answer(error)
    finally:
        writer.transport.abort()  # does not wait for the peer
        with suppress(OSError):
            await writer.wait_closed()
    return options.answered(received)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*options.arguments())))
