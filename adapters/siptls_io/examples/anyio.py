"""Connect to the domain of a SIP URI with anyio, say why the peer is the domain, and ask it for its options."""

import sys

import anyio

from siptls import SipUri
from siptls_io import NotConnected, Resolver
from siptls_io.anyio import connect
from siptls_io.examples import options


async def main(uri: SipUri, resolver: Resolver) -> int:
    """Do all of it, and return the program's exit code."""
    try:
        connection = await connect(uri, resolver=resolver)
    except NotConnected as error:
        return options.not_connected(error)
    print(connection.verdict.explain())  # why the peer is the domain; from here on it may be spoken to

    received = b""
    async with connection.stream as stream:
        try:
            with anyio.fail_after(options.PATIENCE):
                await stream.send(options.request(uri))
                while not options.complete(received):
                    received += await stream.receive(4096)
        except anyio.EndOfStream:
            pass
        except (OSError, anyio.BrokenResourceError) as error:
            return options.no_answer(error)
    return options.answered(received)


if __name__ == "__main__":
    sys.exit(anyio.run(main, *options.arguments()))
