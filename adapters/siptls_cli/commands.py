"""The verbs and their options. What a verb needs is imported when it runs, so that ``--help`` is quick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from .dane_commands import dane
from .options import CA_FILE, FILE, JUDGED, NOW, SHOWN, WORLD, Verbs, together

if TYPE_CHECKING:
    from typing import Unpack

    from .given import Cert, Check, Demo, Explain, Locate, Reuse, Shown

_SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_EXAMPLES: Final = """\b
Examples:
  siptls check sip:alice@example.com
  siptls check sips:example.com --resolver 127.0.0.1 --trust-ad --require dane
  siptls check sip:example.com --format json
  siptls locate sip:alice@example.com
  siptls cert chain.pem --domain example.com
  siptls reuse sip:alice@example.com sip:bob@example.org
  siptls explain dane.no-match
  siptls demo

\b
Exit codes: 0 verified, 1 rejected, 2 usage or unreadable file,
3 undetermined, 4 no service, 5 verified by less than --require,
70 our bug, 130 interrupted.
"""
_CHECK_EXAMPLES: Final = """\b
Examples:
  siptls check sip:alice@example.com
  siptls check sips:example.com --resolver 127.0.0.1 --trust-ad --require dane
  siptls check sip:example.com --format json | jq .verdict.outcome

\b
Before it is published, without sending anything:
  siptls check sip:example.com --zone example.com=zone.txt --dnssec secure \\
      --chain chain.pem --ca-file roots.pem --now 2026-11-22T00:00:00Z

\b
Exit codes: 0 verified, 1 rejected, 2 usage or unreadable file,
3 undetermined, 4 no service, 5 verified by less than --require,
70 our bug, 130 interrupted.
"""
_LOCATE_EXAMPLES: Final = """\b
Examples:
  siptls locate sip:alice@example.com
  siptls locate sip:example.com --transport tls --transport tcp --format json
  siptls locate sip:example.com --zone example.com=zone.txt --dnssec secure
  siptls locate --via "SIP/2.0/TLS proxy.example.com;branch=z9hG4bK1"

\b
Exit codes: 0 there are targets, 2 usage or unreadable file, 3 undetermined,
4 no service, 70 our bug, 130 interrupted.
"""

_REUSE_EXAMPLES: Final = """\b
Examples:
  siptls reuse sip:alice@example.com sip:bob@example.org
  siptls reuse sip:example.com sip:example.org --format json | jq .missing

\b
Before it is published, without sending anything:
  siptls reuse sip:example.com sip:example.org --dnssec secure \\
      --zone example.com=com.txt --zone example.org=org.txt --chain chain.pem

\b
Exit codes: 0 B may use it, 1 it may not, 2 usage or unreadable file,
3 undetermined, 4 no service, 5 proven by less than --require,
70 our bug, 130 interrupted.
"""
_DEMO_EXAMPLES: Final = """\b
Examples:
  siptls demo
  siptls demo --loop all
  siptls demo --loop trio --format json

\b
Exit codes: 0 each verdict is the expected one, and the same with every
loop; 1 one is not; 2 usage; 70 our bug, 130 interrupted.
"""

_CERT_EXAMPLES: Final = """\b
Examples:
  siptls cert chain.pem --domain example.com
  siptls cert chain.pem --domain example.com --host sip1.example.com --role both
  siptls cert chain.pem --domain example.com --ca-file roots.pem --crl ca.crl
  openssl s_client -connect sip1.example.com:5061 -showcerts </dev/null |
      siptls cert - --domain example.com --format json

\b
Exit codes: 0 verified, 1 rejected, 2 usage or unreadable file,
3 undetermined, 70 our bug, 130 interrupted.
"""

_EXPLAIN_EXAMPLES: Final = """\b
Examples:
  siptls explain dane.no-match
  siptls explain chain
  siptls explain exit
  siptls explain --list --format json

\b
Exit codes: 0, or 2 if there is no such code.
"""


_CHECK: Final = (
    click.option(
        "--transport",
        type=click.Choice(["tls", "tls-sctp", "wss"]),
        multiple=True,
        help="To use, the preferred first.  [default: tls]",
    ),
    click.option("--cert", type=FILE, metavar="FILE", help="Our certificate (PEM), if a server asks for it."),
    click.option("--key", type=FILE, metavar="FILE", help="Its private key (PEM); without it, looked for in --cert."),
    click.option(
        "--require",
        type=click.Choice(["any", "pkix", "dane", "dane-ee"]),
        default="any",
        show_default=True,
        help="The least that is accepted.",
    ),
    *JUDGED,
    click.option("--strict-dane", is_flag=True, help="Reject a server whose TLSA records are all unusable."),
    click.option("--require-target-name", is_flag=True, help="With a secure delegation, only the host's name counts."),
)

_LOCATE: Final = (
    click.option(
        "--transport",
        type=click.Choice(["udp", "tcp", "tls", "sctp", "tls-sctp", "ws", "wss"]),
        multiple=True,
        help="To use, the preferred first.  [default: tls tcp udp]",
    ),
    click.option(
        "--request-size",
        type=click.IntRange(min=1),
        metavar="OCTETS",
        help="Of the request: above 1300 octets it does not go over UDP.",
    ),
    click.option("--stateless", is_flag=True, help="As a stateless proxy: the same way each time, nothing drawn."),
    click.option("--via", is_flag=True, help="The argument is a Via header field value: where does a response go?"),
)

_LOCAL_DOMAIN: Final = click.option(
    "--local-domain",
    multiple=True,
    metavar="NAME",
    help="The domain of ours that calls; given twice, for A and for B.",
)

_DEMO: Final = (
    click.option(
        "--loop",
        type=click.Choice(["asyncio", "trio", "anyio", "blocking", "all"]),
        default="asyncio",
        show_default=True,
        help="What the client runs in; anyio is on asyncio.",
    ),
)


@click.group("siptls", cls=Verbs, context_settings=_SETTINGS, epilog=_EXAMPLES)
@click.version_option(package_name="siptls", prog_name="siptls", message="%(prog)s %(version)s")
def cli() -> None:
    """Is this SIP peer really the domain it should be, and why?"""


cli.add_command(dane)


@cli.command(epilog=_CHECK_EXAMPLES)
@click.argument("uri")
@together(*WORLD, *_CHECK, *SHOWN)
def check(**given: Unpack[Check]) -> int:
    """Find the servers of a SIP URI, connect over TLS, and judge them.

    Nothing is sent after the TLS handshake. With any --zone nothing is sent anywhere.
    """
    from .verbs import check

    return check(given)


@cli.command(epilog=_LOCATE_EXAMPLES)
@click.argument("uri")
@together(*WORLD, *_LOCATE, *SHOWN)
def locate(**given: Unpack[Locate]) -> int:
    """Find the servers of a SIP URI (RFC 3263), in the order in which a client tries them, and say why.

    Nothing is sent but questions to the DNS. With any --zone nothing is sent anywhere.
    """
    from .verbs import locate

    return locate(given)


@cli.command(epilog=_REUSE_EXAMPLES)
@click.argument("uri", metavar="A")
@click.argument("other", metavar="B")
@together(_LOCAL_DOMAIN, *WORLD, *_CHECK, *SHOWN)
def reuse(**given: Unpack[Reuse]) -> int:
    """Connect for the SIP URI A, and find out whether that connection may carry requests to B, too (RFC 5923).

    It may if the servers of B are there and its peer is proven to be the domain of B as well. Nothing is sent after the
    TLS handshake. With any --zone nothing is sent anywhere.
    """
    from .reuse import reuse

    return reuse(given)


@cli.command(epilog=_DEMO_EXAMPLES)
@together(*_DEMO, *SHOWN)
def demo(**given: Unpack[Demo]) -> int:
    """Play scenarios against SIP servers on loopback: operators at work, careless ones, attackers.

    A client connects in each, with the loop of your choice, and asks OPTIONS if the server is accepted.
    """
    from .demo.show import show

    return show(given)


@cli.command(epilog=_CERT_EXAMPLES)
@click.argument("file")
@click.option("--domain", required=True, metavar="NAME", help="The SIP domain that the certificate is to name.")
@click.option(
    "--host", multiple=True, metavar="NAME", help="A host that it is to name, too: the target of SRV records."
)
@click.option(
    "--role",
    type=click.Choice(["server", "client", "both"]),
    default="server",
    show_default=True,
    help="As what it is shown: by a server, by a client, or by both.",
)
@together(*JUDGED, CA_FILE, NOW, *SHOWN)
def cert(**given: Unpack[Cert]) -> int:
    """Judge a certificate file (PEM or DER, leaf first; - is standard input) for a SIP domain, as its peers would.

    Each name is told with the reason why it counts or not, and what a request for a better one should ask for. Nothing
    is sent anywhere, and no DNS is asked: DANE is judged by check and dane.
    """
    from .cert import cert

    return cert(given)


@cli.command()
@together(*SHOWN)
def schema(**_given: Unpack[Shown]) -> int:
    """Print the JSON schema of all that --format json prints, always in JSON."""
    from .schema import schema

    return schema()


@cli.command(epilog=_EXPLAIN_EXAMPLES)
@click.argument("topic", required=False, metavar="CODE|exit")
@click.option("--list", is_flag=True, help="All codes, each with its finding in one line.")
@together(*SHOWN)
def explain(**given: Unpack[Explain]) -> int:
    """Say what a code means, what users notice, its likely causes, how to confirm and how to fix it.

    In place of a code, what stands before its first dot lists all codes that begin so; exit tells the exit codes.
    """
    from .explain import explain

    return explain(given)
