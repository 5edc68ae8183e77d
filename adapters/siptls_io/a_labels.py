"""Internationalised domain names (RFC 5891): U-labels such as ``bücher`` become A-labels such as ``xn--bcher-kva``."""

from __future__ import annotations

import re

import idna

from siptls.errors import InvalidName, InvalidUri

# The host ends where port, parameters or headers begin (RFC 3261 section 25.1). What is wrong is the core's to tell.
_HOST = re.compile(r"(?P<before>sips?:(?:[^@]*@)?)(?P<host>[^:;?\[\]]+)", re.IGNORECASE)

_NAMED = re.compile(r"at position (?P<position>\d+) of '(?P<label>.*)'")


def to_a_labels(uri: str) -> str:
    """Return a SIP URI with the host in A-labels.

    Args:
        uri: the text of a SIP or SIPS URI; its host may hold U-labels.

    Returns:
        The text, with only the host changed, and only if it is not ASCII. It may still be no URI.

    Raises:
        InvalidUri: the host is no internationalised name (RFC 5891 section 5: in lower case, nothing is mapped).
    """
    match = _HOST.match(uri)
    if match is None:
        return uri
    try:
        return f"{match['before']}{host_to_a_labels(match['host'])}{uri[match.end('host') :]}"
    except InvalidName as error:
        raise InvalidUri(uri, match.start("host") + _offset(match["host"], error), error.expected) from error


def _offset(host: str, error: InvalidName) -> int:
    """Return where in a host the character stands that idna complains of; 0 if it names none."""
    named = _NAMED.search(str(error.__cause__))
    return 0 if named is None else max(0, host.find(named["label"])) + int(named["position"]) - 1


def host_to_a_labels(host: str) -> str:
    """Return a host name in A-labels.

    Args:
        host: a domain name, which may hold U-labels, or an IP address.

    Returns:
        The same text if it is ASCII, whatever it is, else the name in A-labels.

    Raises:
        InvalidName: the text is not ASCII and no internationalised name (RFC 5891 section 5: in lower case, nothing is
            mapped).
    """
    if host.isascii():
        return host
    try:
        return idna.encode(host, strict=True, std3_rules=True).decode("ascii")
    except idna.IDNAError as error:
        raise InvalidName(host, f"an internationalised domain name ({error})") from error
