"""Connect to the domain of a SIP URI without an event loop, say why the peer is the domain, and ask for its options."""

import sys

from siptls import SipUri
from siptls_io import NotConnected, Resolver
from siptls_io.blocking import connect
from siptls_io.examples import options


def main(uri: SipUri, resolver: Resolver) -> int:
    """Do all of it, and return the program's exit code."""
    try:
        connection = connect(uri, resolver=resolver)
    except NotConnected as error:
        return options.not_connected(error)
    print(connection.verdict.explain())  # why the peer is the domain; from here on it may be spoken to

    received = b""
    with connection.stream as stream:
        stream.settimeout(options.PATIENCE)
        try:
            stream.sendall(options.request(uri))
            while not options.complete(received) and (more := stream.recv(4096)):
                received += more
        except OSError as error:  # a TimeoutError is one, too
            return options.no_answer(error)
    return options.answered(received)


if __name__ == "__main__":
    sys.exit(main(*options.arguments()))
