"""What all verbs have in common: how options are taken, and the options that several of them share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import click

from .parameters import CHAIN, LONGEST_RUN, STATUS, TIME, ZONE

P = ParamSpec("P")
R = TypeVar("R")

FILE: Final = click.Path(path_type=Path)


class Verb(click.Command):
    """A command that refuses an option which is given twice, unless it may be repeated.

    Otherwise all values but the last would be dropped without a word, and nothing would have been said of them.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the arguments.

        Args:
            ctx: where the values go.
            args: the words behind the command; they are used up.

        Returns:
            The words that are left.

        Raises:
            click.UsageError: an option is given twice, or whatever else is wrong with the arguments.
        """
        words = [*args]
        left = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            _, _, order = self.make_parser(ctx).parse_args(words)
            seen: set[str | None] = set()
            for each in order:
                if isinstance(each, click.Option) and not each.multiple:
                    if each.name in seen:
                        raise click.UsageError(f"{each.opts[0]} is given twice: expected it once", ctx)
                    seen.add(each.name)
        return left


class Verbs(click.Group):
    """A group of such commands."""

    command_class: type[click.Command] | None = Verb


def together(*options: Callable[[Callable[P, R]], Callable[P, R]]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make one decorator of several options.

    Args:
        options: in the order in which --help lists them.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


SHOWN: Final = (
    click.option("--format", type=click.Choice(["text", "json"]), default="text", help="json: always JSON alone."),
    click.option("--ascii", is_flag=True, help="Words instead of glyphs."),
    click.option("--no-color", is_flag=True, help="No colours; NO_COLOR and FORCE_COLOR are obeyed too."),
    click.option("--debug", is_flag=True, help="A traceback if siptls itself fails."),
)

CA_FILE: Final = click.option(
    "--ca-file", type=FILE, metavar="FILE", help="Trust anchors (PEM) instead of the system's."
)
NOW: Final = click.option("--now", type=TIME, help="Judge as of this time, such as 2026-11-22T00:00:00Z.")

JUDGED: Final = (
    click.option(
        "--eku",
        type=click.Choice(["strict", "interop", "lax-client"]),
        default="interop",
        show_default=True,
        help="Purposes: RFC 5924 alone, or TLS server too.",
    ),
    click.option(
        "--crl", type=FILE, multiple=True, metavar="FILE", help="Revocation lists (PEM or DER), of any issuer."
    ),
    click.option(
        "--revocation",
        type=click.Choice(["off", "crl", "crl-required"]),
        help="Required: each certificate needs a list that counts.  [default: crl with --crl]",
    ),
    click.option("--allow-cn", is_flag=True, help="Take a Common Name where there is no subjectAltName."),
    click.option("--allow-wildcards", is_flag=True, help="Let *. names match a target host, never a domain."),
)

WORLD: Final = (
    click.option(
        "--resolver", multiple=True, metavar="ADDR[:PORT]", help="Ask this DNS resolver; also tls://ADDR, https://ADDR."
    ),
    click.option("--validate", is_flag=True, help="Validate what --resolver says, with libunbound in this process."),
    click.option(
        "--trust-anchor", type=FILE, metavar="FILE", help="Validate from these DS or DNSKEY records, not the root's."
    ),
    click.option("--trust-ad", is_flag=True, help="Believe the AD bit of --resolver: it validates, the way is safe."),
    click.option("--zone", type=ZONE, multiple=True, help="Offline: the zone NAME from a master file."),
    click.option("--dnssec", type=STATUS, multiple=True, help="Offline: secure, insecure (default), bogus or failed."),
    click.option("--chain", type=CHAIN, multiple=True, help="Offline: what servers present (PEM, leaf first)."),
    CA_FILE,
    NOW,
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True, max=LONGEST_RUN),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="For the whole run.",
    ),
    click.option("-4", "ipv4", is_flag=True, help="IPv4 only."),
    click.option("-6", "ipv6", is_flag=True, help="IPv6 only."),
    click.option("--no-audit", is_flag=True, help="Stop at what decides, instead of making every check."),
)
