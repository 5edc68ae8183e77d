"""What the examples have in common: their arguments, the request that they send, and how they end."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Final, NoReturn

from siptls import Outcome, SiptlsError, SipUri
from siptls.journal import printable
from siptls_io import AdResolver, MissingLibrary, NotConnected, Resolver, UnboundResolver, to_a_labels

PATIENCE: Final = 10.0
"""How long an accepted peer is given for its answer, in seconds."""
USAGE: Final = 2
EXIT_CODES: Final = {
    Outcome.ACCEPTED: 0,
    Outcome.REJECTED: 1,
    Outcome.UNDETERMINED: 3,
    Outcome.NO_SERVICE: 4,
    Outcome.INSUFFICIENT: 5,
}
_LONGEST: Final = 4096
"""How many octets a status line may have."""


def arguments() -> tuple[SipUri, Resolver]:
    """Return the SIP URI and the resolver that the command line asks for, or end the program with one clear line."""
    try:
        match sys.argv[1:]:
            case [text]:
                return _uri(text), _of_the_system()
            case [text, address]:
                return _uri(text), AdResolver([address], trusted=[address])
            case _:
                refuse("expected a SIP URI, and perhaps the address of a validating resolver that you trust")
    except SiptlsError as error:
        refuse(str(error).splitlines()[0])


def _of_the_system() -> Resolver:
    """Return a resolver that validates what the system's name servers say; without libunbound, one that trusts none."""
    try:
        return UnboundResolver.system()
    except MissingLibrary:
        return AdResolver.system()


def _uri(text: str) -> SipUri:
    return SipUri.parse(to_a_labels(text))


def refuse(problem: str) -> NoReturn:
    """End the program: it was not called as it should be, or something that it needs is missing."""
    print(f"siptls_io.examples.{Path(sys.argv[0]).stem}: {problem}", file=sys.stderr)
    sys.exit(USAGE)


def not_connected(error: NotConnected) -> int:
    """Say why there is no connection, and return the program's exit code: that of the command line."""
    print(error.verdict.explain())
    return EXIT_CODES[error.verdict.outcome]


def request(uri: SipUri) -> bytes:
    """Return a request that asks a server what it can do (RFC 3261 section 11.1)."""
    to = str(uri).partition("?")[0]  # headers have no place in a request (RFC 3261 section 19.1.1)
    us = "sip:anonymous@anonymous.invalid"
    lines = [
        f"OPTIONS {to} SIP/2.0",
        f"Via: SIP/2.0/TLS anonymous.invalid;branch=z9hG4bK{secrets.token_hex(8)};rport",
        "Max-Forwards: 70",
        f"To: <{to}>",
        f"From: <{us}>;tag={secrets.token_hex(8)}",
        f"Call-ID: {secrets.token_hex(16)}",
        "CSeq: 1 OPTIONS",
        f"Contact: <{us}>",
        "Accept: application/sdp",
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def complete(received: bytes) -> bool:
    """Say whether a status line is here, or more than a status line may be."""
    return b"\n" in received or len(received) >= _LONGEST


def answered(received: bytes) -> int:
    """Print the status line of an answer, which is the peer's text, and return the program's exit code."""
    if not complete(received):
        print("The peer closed the connection without an answer.")
        return EXIT_CODES[Outcome.UNDETERMINED]
    print(printable(received.partition(b"\n")[0].rstrip().decode("ascii", "backslashreplace")))
    return 0


def no_answer(error: Exception) -> int:
    """Say why there was no answer, and return the program's exit code."""
    print(f"The peer did not answer: {printable(str(error) or 'the connection broke')}")
    return EXIT_CODES[Outcome.UNDETERMINED]
