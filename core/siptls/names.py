"""Domain names as text: comparison, checking, and the owner names of TLSA and SRV records.

A name is in presentation form without the trailing dot; ``"."`` is the root. Internationalised names are A-labels
(RFC 5890): turning ``bücher.example`` into ``xn--bcher-kva.example`` needs tables that belong into an adapter.
"""

from __future__ import annotations

from typing import Final

from .errors import InvalidName

# str.strip() with a set of characters tells in C whether a text holds only these: nothing is left of it then.
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS: Final = "0123456789"
_HEX_DIGITS: Final = "0123456789abcdefABCDEF"
_LDH: Final = _LETTERS + _DIGITS + "-"
# Printable ASCII without the characters that the presentation form escapes (RFC 1035 section 5.1).
_DNS_CHARACTERS: Final = _LDH + "_!#%&'*+,/:<=>?[]^`{|}~"
_ASCII_LOWER: Final = {ord(upper): upper.lower() for upper in _LETTERS[26:]}


def fold(name: str) -> str:
    """Return the form of a domain name that is equal for equal names.

    Args:
        name: any text; a trailing dot is taken away (not from the root).

    Returns:
        The name with its ASCII letters in lower case; all other characters stay as they are, so that neither U+0130
        nor U+212A becomes a letter (RFC 4343 section 3).
    """
    if name.endswith(".") and name != ".":
        name = name[:-1]
    if name.isascii():
        return name.lower()
    return name.translate(_ASCII_LOWER)


def same(a: str, b: str) -> bool:
    """Say whether two domain names are the same name (RFC 4343 section 3).

    Args:
        a: one name.
        b: the other name.

    Returns:
        True if they differ at most in ASCII case and one trailing dot.
    """
    return a == b or fold(a) == fold(b)


def domain(text: str) -> str:
    """Check a domain name that the caller wants to reach or to verify.

    Args:
        text: the name of a host or SIP domain, in A-labels; one trailing dot is allowed.

    Returns:
        The name in lower case without the trailing dot.

    Raises:
        InvalidName: the text is empty, a wildcard, an IP address, not ASCII, or breaks the host syntax: letters,
            digits and hyphens in labels of 1 to 63, 253 characters in total, the last label not all digits
            (RFC 1123 section 2.1, RFC 952).
    """
    name = fold(text)
    if not name.isascii():
        raise InvalidName(text, "A-labels for an internationalised name (xn--...), not other characters than ASCII")
    if ip_literal(name) is not None:
        raise InvalidName(text, "a domain name, not an IP address")
    if not is_host(name):
        raise InvalidName(
            text,
            "labels of 1 to 63 letters, digits and inner hyphens, the last one not all digits, at most 253 characters",
        )
    return name


def is_host(name: str) -> bool:
    """Say whether a text from the network is a host name (RFC 1123 section 2.1, RFC 952).

    Args:
        name: the text, without a trailing dot.

    Returns:
        True for what `domain` accepts, except that a trailing dot counts as an empty label. IP addresses are no names.
    """
    if len(name) > 253 or not _plain(name):
        return False
    labels = name.split(".")
    for label in labels:
        if not 0 < len(label) < 64 or label[0] == "-" or label[-1] == "-":
            return False
    return not labels[-1].isdigit()


def _plain(name: str) -> bool:
    """Say whether a text holds nothing but ASCII letters, digits, hyphens and dots, and one of them at least."""
    return name.isascii() and name.replace(".", "0").replace("-", "0").isalnum()


def is_domain_name(name: str) -> bool:
    """Say whether a text from the network is a domain name that may be looked up (RFC 1035 2.3.4, RFC 2181 11).

    Args:
        name: the text in presentation form, without a trailing dot; ``"."`` is the root.

    Returns:
        True for labels of 1 to 63 printable ASCII characters, underscores and asterisks included, and at most 253
        characters in total; False for an empty label, a blank, a control character, an escape, or a character that is
        not ASCII.
    """
    if name == ".":
        return True
    if not name or len(name) > 253 or not (_plain(name.replace("_", "0")) or not name.strip(_DNS_CHARACTERS + ".")):
        return False
    if ".." in name or name[0] == "." or name[-1] == ".":
        return False
    return len(name) < 64 or max(map(len, name.split("."))) < 64


def tlsa_owner(port: int, protocol: str, base: str) -> str:
    """Return the owner name of the TLSA records of a service (RFC 6698 section 3).

    Args:
        port: 1-65535.
        protocol: ``"tcp"``, ``"udp"`` or ``"sctp"``, without underscore.
        base: the TLSA base domain.

    Returns:
        For example ``_5061._tcp.sip1.example.com``. It may be too long for a domain name when ``base`` is.
    """
    return f"_{port}._{protocol}.{base}"


def srv_owner(service: str, protocol: str, domain: str) -> str:
    """Return the owner name of the SRV records of a service (RFC 2782).

    Args:
        service: ``"sip"`` or ``"sips"``, without underscore.
        protocol: ``"tcp"``, ``"udp"`` or ``"sctp"``, without underscore.
        domain: the domain that is looked for.

    Returns:
        For example ``_sips._tcp.example.com``. It may be too long for a domain name when ``domain`` is.
    """
    return f"_{service}._{protocol}.{domain}"


def ip_literal(host: str) -> bytes | None:
    """Read an IP address in text form.

    Args:
        host: the text, without brackets. A zone id (``fe80::1%eth0``) is not an address that a peer could prove.

    Returns:
        The 4 or 16 octets of the address in network order, or None if the text is not an address: a dotted quad without
        superfluous zeros (RFC 3986 section 3.2.2), or the forms of RFC 4291 section 2.2.
    """
    if ":" in host:
        return _ipv6(host)
    # Nearly all hosts are names, and these end in a letter.
    return _ipv4(host) if host[-1:].isdigit() else None


def _ipv4(text: str) -> bytes | None:
    parts = text.split(".", 4)
    if len(parts) != 4:
        return None
    octets = bytearray()
    for part in parts:
        # "010" is 8 to some readers and 10 to others, so it is no address.
        if not 0 < len(part) < 4 or part.strip(_DIGITS) or (part[0] == "0" and part != "0"):
            return None
        value = int(part)
        if value > 255:
            return None
        octets.append(value)
    return bytes(octets)


def _ipv6(text: str) -> bytes | None:
    if len(text) > 45:
        return None
    head, gap, tail = text.partition("::")
    front = _groups(head, last=not gap)
    back = _groups(tail, last=True)
    if front is None or back is None:
        return None
    missing = 16 - len(front) - len(back)
    # "::" stands for one group of zeros or more (RFC 4291 section 2.2).
    fits = missing >= 2 if gap else missing == 0
    return front + bytes(missing) + back if fits else None


def _groups(text: str, *, last: bool) -> bytes | None:
    """Read the groups on one side of ``::``; only the last group of the address may be a dotted quad."""
    if not text:
        return b""
    groups = text.split(":")
    quad = b""
    if last and "." in groups[-1]:
        address = _ipv4(groups.pop())
        if address is None:
            return None
        quad = address
    octets = bytearray()
    for group in groups:
        if not 0 < len(group) < 5 or group.strip(_HEX_DIGITS):
            return None
        octets += int(group, 16).to_bytes(2, "big")
    return bytes(octets + quad)
