"""Connect to the domain of a SIP URI with trio, say why the peer is the domain, and ask it for its options."""

import sys

from siptls import SipUri
from siptls_io import NotConnected, Resolver
from siptls_io.examples import options

try:
    import trio

    from siptls_io.trio import connect
except ModuleNotFoundError:
    options.refuse('trio is missing: pip install "siptls[trio]"')


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
            with trio.fail_after(options.PATIENCE):
                await stream.send_all(options.request(uri))
                while not options.complete(received) and (more := await stream.receive_some(4096)):
                    received += more
        except (trio.TooSlowError, trio.BrokenResourceError) as error:
            return options.no_answer(error)
    return options.answered(received)


if __name__ == "__main__":
    sys.exit(trio.run(main, *options.arguments()))
