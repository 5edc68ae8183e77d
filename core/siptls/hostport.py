"""Hosts and ports as RFC 3261 section 25.1 writes them, in a URI and in a header field alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn, TypeAlias

from .names import fold, ip_literal, is_host

LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS: Final = "0123456789"
_HOST: Final = LETTERS + DIGITS + "-."

_HOST_EXPECTED: Final = "a domain name or an IP address"
_TOP_LABEL_EXPECTED: Final = "a last label that begins with a letter, or an IPv4 address of four numbers from 0 to 255"
_A_LABELS_EXPECTED: Final = "A-labels (xn--...) for an internationalised domain name"

Refusal: TypeAlias = Callable[[str, int, str], Exception]
"""Makes the exception of a text, the position of the first offending character, and what should stand there."""


def read_host(text: str, start: int, end: int, refusal: Refusal) -> str:
    """Return the folded name or the address without brackets that stands in ``text[start:end]``.

    Args:
        text: the whole text.
        start: where the host begins.
        end: where it ends.
        refusal: makes the exception that is raised where no domain name, IPv4 address or IPv6 address in brackets is.
    """
    host = text[start:end]
    if host.startswith("["):
        address = host[1:-1].lower()
        if not host.endswith("]") or ":" not in address or ip_literal(address) is None:
            raise refusal(text, start + 1, "an IPv6 address in brackets, without a zone")
        return address
    name = fold(host)
    if ip_literal(name) is not None and ":" not in name and not host.endswith("."):
        return name
    if not is_host(name) or not name[name.rfind(".") + 1].isalpha():
        _refuse_host(text, start, end, refusal)
    return name


def read_port(text: str, start: int, end: int, refusal: Refusal) -> int:
    """Return the port, 1-65535, that stands in ``text[start:end]``.

    Args:
        text: the whole text.
        start: where the port begins.
        end: where it ends.
        refusal: makes the exception that is raised where no such number is.
    """
    segment = text[start:end]
    if not segment or segment.strip(DIGITS):
        position = next((at for at in range(start, end) if text[at] not in DIGITS), start)
        raise refusal(text, position, "a digit of the port, 1 to 65535")
    # Python refuses to read thousands of digits, so the length is looked at first.
    digits = segment.lstrip("0")
    if not 0 < len(digits) < 6 or int(digits) > 65535:
        raise refusal(text, start, "a port from 1 to 65535")
    return int(digits)


def refuse_bare_ipv6(text: str, start: int, end: int, refusal: Refusal) -> None:
    """Raise if an IPv6 address without brackets stands in ``text[start:end]``: what is its port is anybody's guess."""
    if text.count(":", start, end) > 1 and ip_literal(text[start:end]) is not None:
        raise refusal(text, start, "brackets around an IPv6 address")


def _refuse_host(text: str, start: int, end: int, refusal: Refusal) -> NoReturn:
    """Raise for the first place at which ``text[start:end]`` stops to be a host name."""
    for position in range(start, end):
        if text[position] not in _HOST:
            expected = _HOST_EXPECTED if text[position].isascii() else _A_LABELS_EXPECTED
            raise refusal(text, position, expected)
    position = start
    labels = text[start:end].removesuffix(".").split(".")
    for label in labels:
        if not label:
            raise refusal(text, position, _HOST_EXPECTED)
        if label[0] == "-":
            raise refusal(text, position, "a letter or a digit, not a hyphen, where a label begins")
        if label[-1] == "-":
            raise refusal(text, position + len(label) - 1, "a letter or a digit, not a hyphen, where a label ends")
        if len(label) > 63:
            raise refusal(text, position + 63, "labels of at most 63 characters")
        position += len(label) + 1
    if position - start > 254:
        raise refusal(text, start + 253, "a domain name of at most 253 characters")
    raise refusal(text, position - len(labels[-1]) - 1, _TOP_LABEL_EXPECTED)
