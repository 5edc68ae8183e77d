"""DNS as data: questions, records, answers and their DNSSEC status.

Names are text in presentation form, without the trailing dot; the root is ``"."``. Case does not matter.
"""

from __future__ import annotations

from .answer import Alias, Answer, Denial, Security, Source
from .question import RRTYPES, Lookup
from .records import Address, Cname, Naptr, Record, Srv, Tlsa

__all__ = [
    "RRTYPES",
    "Address",
    "Alias",
    "Answer",
    "Cname",
    "Denial",
    "Lookup",
    "Naptr",
    "Record",
    "Security",
    "Source",
    "Srv",
    "Tlsa",
]
