"""DNS messages in wire format, read so that one bad TLSA record does not spoil the others.

dnspython refuses a TLSA record whose digest has a length that does not fit its matching type, and the whole message or
zone with it. The standard says that such a record is unusable and leaves the rest as it is (RFC 6698 section 4.1), and
the core knows how. So TLSA records travel through dnspython under another type number, one for private use.
"""

from __future__ import annotations

import re

import dns.exception
import dns.flags
import dns.message
import dns.rdata
import dns.rdatatype
from dns.rdtypes.tlsabase import TLSABase

_TLSA = b"\0\x34"
_STANDS_FOR_TLSA = b"\xff\x34"
_NOTHING = b"\xff\x35"
_TYPE_TEXT = "UNCHECKED-TLSA"

# An owner name or a blank, then TTL and class in any order or none, then the type (RFC 1035 section 5.1).
_TLSA_IN_TEXT = re.compile(
    r"^([^\s(]*(?:[ \t(]+(?:\d[\dsmhdw]*|IN))*[ \t(]+)(?:TLSA|TYPE52)(?=\s)", re.IGNORECASE | re.MULTILINE
)


MAX_RECORDS = 2_000
"""How many records of a message are read; the core takes no more of an answer by default."""


class UncheckedTlsa(TLSABase):
    """A TLSA record with association data of any length."""

    _cert_length_by_mtype = {}  # noqa: RUF012 - as the base class declares it


STANDS_FOR_TLSA = dns.rdatatype.RdataType.make(int.from_bytes(_STANDS_FOR_TLSA))
"""The type under which TLSA records are found in what this module returns."""

dns.rdata.register_type(UncheckedTlsa, STANDS_FOR_TLSA, _TYPE_TEXT)


def rdatatype(text: str) -> dns.rdatatype.RdataType:
    """Return the type under which records of a type are found in what this module returns."""
    return STANDS_FOR_TLSA if text == "TLSA" else dns.rdatatype.from_text(text)


def unchecked_zone(text: str) -> str:
    """Return the text of a master file whose TLSA records dnspython takes as they are; lines keep their numbers."""
    return _TLSA_IN_TEXT.sub(rf"\g<1>{_TYPE_TEXT}", text)


def read_response(query: dns.message.Message, wire: bytes) -> dns.message.Message | None:
    """Read the response to a query.

    Args:
        query: the query.
        wire: octets from the network.

    Returns:
        The message with each record in a set of its own; of a truncated one no more than the question. None if the
        octets are no message, or no response to the query.
    """
    message = read_message(wire)
    return message if message is not None and query.is_response(message) else None


def read_message(wire: bytes) -> dns.message.Message | None:
    """Read a message that is not checked to be the response to anything.

    Args:
        wire: octets from the network, or from a library.

    Returns:
        The message with each record in a set of its own; of a truncated one no more than the question. One with more
        than `MAX_RECORDS` is taken for truncated. None if the octets are no message.
    """
    try:
        # The more records there are, the longer the event loop stands still, about 0.1 ms for each.
        crowded = sum(int.from_bytes(wire[place : place + 2]) for place in (6, 8, 10)) > MAX_RECORDS
        if crowded or (len(wire) > 2 and wire[2] & dns.flags.TC >> 8):
            message = dns.message.from_wire(wire, question_only=True)
            message.flags |= dns.flags.TC
            return message
        return dns.message.from_wire(_unchecked_message(wire), one_rr_per_rrset=True)
    except (dns.exception.DNSException, ValueError, IndexError):
        return None


def _unchecked_message(wire: bytes) -> bytes:
    """Return the message with the other type number in the TLSA records of its answer section.

    Raises:
        IndexError: the message ends too early.
    """
    copy = bytearray(wire)
    questions, answers = int.from_bytes(wire[4:6]), int.from_bytes(wire[6:8])
    position = 12
    for _ in range(questions):
        position = _behind_name(wire, position) + 4
    for _ in range(answers):
        position = _behind_name(wire, position)
        if wire[position : position + 2] == _TLSA:
            copy[position : position + 2] = _STANDS_FOR_TLSA
        elif wire[position : position + 2] == _STANDS_FOR_TLSA:
            copy[position : position + 2] = _NOTHING  # whoever sends this type does not thereby send TLSA records
        position += 10 + int.from_bytes(wire[position + 8 : position + 10])
    return bytes(copy)


def _behind_name(wire: bytes, position: int) -> int:
    """Return where a name ends (RFC 1035 section 4.1.4)."""
    while length := wire[position]:
        if length >= 0xC0:
            return position + 2
        position += 1 + length
    return position + 1
