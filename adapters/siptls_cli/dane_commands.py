"""The `dane` verbs and their options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from .dane_parameters import DEFAULT_PORT, MATCHING, PORT, SECONDS, SELECTOR, USAGE
from .options import FILE, SHOWN, WORLD, Verbs, together
from .parameters import TIME, ZONE

if TYPE_CHECKING:
    from typing import Unpack

    from .dane_given import DaneCheck, DaneGenerate, DaneLint, DaneRollover

_TRANSPORTS: Final = click.Choice(["tls", "tls-sctp", "wss"])

_EXAMPLES: Final = """\b
Examples:
  siptls dane generate --cert chain.pem --host sip1.example.com
  siptls dane lint "3 1 1 8d0d..." --chain chain.pem --domain example.com
  siptls dane check sip1.example.com:5061 --domain example.com
  siptls dane rollover sip1.example.com --next-key next.key --ttl 3600
"""
_GENERATE_EXAMPLES: Final = """\b
Examples:
  siptls dane generate --cert chain.pem --host sip1.example.com
  siptls dane generate --cert chain.pem --usage DANE-TA --selector Cert
  siptls dane generate --key next.key --host sip1.example.com --ttl 3600
  siptls dane generate --connect sip1.example.com:5061

\b
Exit codes: 0 printed, 2 usage or unreadable file, 3 the server presents
nothing, 70 our bug, 130 interrupted.
"""
_LINT_EXAMPLES: Final = """\b
Examples:
  siptls dane lint "3 1 1 8d0d..." "3 1 1 11aa..."
  siptls dane lint "2 0 1 8d0d..." --chain chain.pem --domain example.com
  siptls dane lint --zone example.com=zone.txt --host sip1.example.com

\b
Exit codes: 0 no error is among the findings, 1 one is, 2 usage or
unreadable file, 4 the zone has no such host, 70 our bug,
130 interrupted.
"""
_CHECK_EXAMPLES: Final = """\b
Examples:
  siptls dane check sip1.example.com
  siptls dane check sip1.example.com:5061 --domain example.com
  siptls dane check sip1.example.com --zone example.com=zone.txt \\
      --dnssec secure --chain chain.pem --ca-file roots.pem

\b
Exit codes: 0 verified by DANE, 1 rejected, 2 usage or unreadable file,
3 undetermined, 4 no such server, 5 verified but not by DANE, or with an
error among the findings, 70 our bug, 130 interrupted.
"""
_ROLLOVER_EXAMPLES: Final = """\b
Examples:
  siptls dane rollover sip1.example.com --next-cert next.pem --ttl 3600
  siptls dane rollover sip1.example.com --next-key next.key \\
      --switch 2026-12-01T03:00:00Z

\b
Exit codes: 0 the plan can be kept, 1 it cannot, 2 usage or unreadable
file, 3 undetermined, 70 our bug, 130 interrupted.
"""


def _alone(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Return what the policy takes several of: a server has its records at one name, so one transport counts."""
    return () if value is None else (value,)


_TRANSPORT: Final = click.option(
    "--transport", type=_TRANSPORTS, callback=_alone, help="The transport.  [default: tls]"
)

_GENERATE: Final = (
    click.option("--cert", type=FILE, metavar="FILE", help="Of this certificate, or an authority of its chain."),
    click.option("--key", type=FILE, metavar="FILE", help="Of this key; of a private one only the public key is read."),
    click.option("--connect", metavar="HOST[:PORT]", help="Of what this server presents. Nothing is verified."),
    click.option("--usage", type=USAGE, default=3, show_default=True, help="0-3 or an acronym, such as DANE-EE."),
    click.option("--selector", type=SELECTOR, default=1, show_default=True, help="0 or Cert, 1 or SPKI."),
    click.option("--matching", type=MATCHING, default=1, show_default=True, help="0 Full, 1 SHA2-256, 2 SHA2-512."),
    click.option("--owner", metavar="NAME", help="The owner name, such as _5061._tcp.sip1.example.com."),
    click.option("--host", metavar="NAME", help="The server's name, of which the owner name is made."),
    click.option("--port", type=PORT, help=f"Its port.  [default: {DEFAULT_PORT}]"),
    _TRANSPORT,
    click.option("--ttl", type=SECONDS, metavar="SECONDS", help="Print this TTL."),
)
_LINT: Final = (
    click.option("--zone", type=ZONE, multiple=True, help="Take the records from the zone NAME in a master file."),
    click.option("--chain", type=FILE, metavar="FILE", help="What the server presents (PEM, leaf first, or DER)."),
    click.option("--domain", metavar="NAME", help="The SIP domain whose SRV records lead to the server."),
    click.option("--host", metavar="NAME", help="The server's name."),
    click.option("--port", type=PORT, default=DEFAULT_PORT, show_default=True, help="Its port."),
    click.option("--transport", type=_TRANSPORTS, default="tls", show_default=True, help="The transport."),
    click.option("--ttl", type=SECONDS, metavar="SECONDS", help="The TTL of the records."),
    click.option("--ca-file", type=FILE, metavar="FILE", help="What clients trust (PEM), for usage 0."),
    click.option("--now", type=TIME, help="As of this time, such as 2026-11-22T00:00:00Z."),
)
_ROLLOVER: Final = (
    click.option("--next-cert", type=FILE, metavar="FILE", help="The next certificate with its chain (PEM or DER)."),
    click.option("--next-key", type=FILE, metavar="FILE", help="The next key; only the public key is read."),
    click.option("--ttl", type=SECONDS, metavar="SECONDS", help="The TTL that the zone gives the records."),
    click.option("--switch", type=TIME, help="When the server is to switch."),
    click.option("--published", type=TIME, help="Since when the next record has been published."),
)


@click.group(cls=Verbs, epilog=_EXAMPLES)
def dane() -> None:
    """Make, check and change the TLSA records of a server (RFC 6698, RFC 7671)."""


@dane.command(epilog=_GENERATE_EXAMPLES)
@together(*_GENERATE, *WORLD, *SHOWN)
def generate(**given: Unpack[DaneGenerate]) -> int:
    """Print the TLSA record of a certificate, a key or a server, ready for the zone.

    Usages 1 and 3 name the first certificate of the file, 0 and 2 the highest authority in it. Resolver, zone and chain
    options are for --connect.
    """
    from .dane import generate

    return generate({**given, "uri": ""})


@dane.command(epilog=_LINT_EXAMPLES)
@click.argument("records", nargs=-1, metavar="[RDATA]...")
@together(*_LINT, *SHOWN)
def lint(**given: Unpack[DaneLint]) -> int:
    """Hold TLSA records against the rules for those who publish them (RFC 7671, RFC 7673 section 6).

    With --chain it is also said what each record matches. Nothing is sent anywhere.
    """
    from .dane import lint_records

    return lint_records(given)


@dane.command(epilog=_CHECK_EXAMPLES)
@click.argument("uri", metavar="HOST[:PORT]")
@click.option("--domain", metavar="NAME", help="Judge for this SIP domain; its SRV records must lead here.")
@together(_TRANSPORT, *WORLD, *SHOWN)
def check(**given: Unpack[DaneCheck]) -> int:
    """Look up the TLSA records of a server, connect, and say what each record is good for.

    Nothing is sent after the TLS handshake. With any --zone nothing is sent anywhere.
    """
    from .dane_live import check

    return check(given)


@dane.command(epilog=_ROLLOVER_EXAMPLES)
@click.argument("uri", metavar="HOST[:PORT]")
@together(*_ROLLOVER, _TRANSPORT, *WORLD, *SHOWN)
def rollover(**given: Unpack[DaneRollover]) -> int:
    """Plan a new certificate or key for a server: what to publish, when to switch, what to remove.

    Nothing is sent after the TLS handshake. With any --zone nothing is sent anywhere.
    """
    from .dane_live import rollover

    return rollover(given)
