"""What was chosen among the records on the way to the servers, what was passed over, and why (RFC 3263 section 4).

A machine keeps only what it needs to tell this; the sentences are made when somebody reads them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Final

from .delegation import Delegation
from .dns.answer import Answer
from .dns.records import Naptr, Srv
from .names import fold, is_domain_name
from .policy import SECURE_TRANSPORTS, TRANSPORTS
from .transport import transport_of
from .uri import SipUri

_SHOWN: Final = 8  # records of one kind
_LONGEST: Final = 110  # characters of one record: eight of them, and the reason, must fit into one text

# Why a target is the URI's own host, and what is said of the question for its addresses.
BY_ADDRESS: Final = "an address is given, and no name"
BY_PORT: Final = "a port is given, so neither NAPTR nor SRV is asked"
NO_SRV_NAMES: Final = "WebSocket has no SRV names"
NO_ROOM_FOR_SRV: Final = "the name is so long that it cannot have SRV records"
NO_SRV_RECORDS: Final = "there are no SRV records"

_RULES: Final = {
    "NAPTR": "the URI names neither port nor transport (RFC 3263 section 4.1)",
    "SRV": "a transport is given and no port (RFC 3263 section 4.2)",
    "CNAME": "the answer is insecure as a whole; is its first step? (RFC 7672 section 2.1.3)",
    "TLSA": "the server's name and address are secure (RFC 7673 section 3.2)",
}


def rules() -> dict[str, str]:
    """Return for each record type the rule by which it is asked for, as long as no choice was made."""
    return dict(_RULES)


class Choice(ABC):
    """A choice that was made on the way."""

    __slots__ = ()

    @abstractmethod
    def findings(self, code: str) -> Iterator[tuple[str, object]]:
        """Return the findings, each with its code and its evidence.

        Args:
            code: the code under which the choice was noted.
        """

    @abstractmethod
    def change(self, rules: dict[str, str]) -> None:
        """Say in ``rules`` by which rule the questions that follow from this choice are asked."""


class NaptrChoice(Choice):
    """The answer to the NAPTR question, and what was made of it.

    Args:
        answer: the answer.
        chosen: the record that is followed, or None.
        uri: the URI that is resolved.
        usable: the transports that may be used.
    """

    __slots__ = ("answer", "chosen", "uri", "usable")

    def __init__(self, answer: Answer, chosen: Naptr | None, uri: SipUri, usable: tuple[str, ...]) -> None:
        self.answer: Final = answer
        self.chosen: Final = chosen
        self.uri: Final = uri
        self.usable: Final = usable

    def findings(self, code: str) -> Iterator[tuple[str, object]]:
        """Return the answer, what was chosen, and each record that was passed over with the reason."""
        yield code, self.answer
        if self.chosen is not None:
            yield "locate.naptr-chosen", self.chosen
            replacement, domain = fold(self.chosen.replacement), self.uri.target
            if replacement != domain and not replacement.endswith(f".{domain}"):
                yield "locate.naptr-foreign", f"{_short(replacement)}, which is not below {domain}"
        elif self.answer.records:
            yield "locate.naptr-unusable", self.answer
        passed_over = [record for record in self.answer.records if record is not self.chosen]
        passed_over.sort(key=_naptr_rank)
        for record in passed_over[:_SHOWN]:
            assert type(record) is Naptr
            yield "locate.naptr-passed-over", f"{_short(record)}: {self._why_not(record)}"
        if len(passed_over) > _SHOWN:
            yield "locate.naptr-passed-over", f"and {len(passed_over) - _SHOWN} more"

    def change(self, rules: dict[str, str]) -> None:
        """Say by which rule SRV is asked."""
        if self.chosen is None:
            rules["SRV"] = "no NAPTR record is there to use: SRV is asked for each transport (RFC 3263 section 4.1)"
        else:
            rules["SRV"] = "the chosen NAPTR record names it (RFC 3263 section 4.2)"

    def _why_not(self, record: Naptr) -> str:
        flaw = naptr_flaw(record, self.uri.scheme, self.usable)
        chosen = self.chosen
        if flaw or chosen is None:
            return flaw
        if record.order != chosen.order:
            return f"order {chosen.order} comes first"
        if record.preference != chosen.preference:
            return f"preference {chosen.preference} comes first"
        if transport_of(record.service) != transport_of(chosen.service):
            return f"{str(transport_of(chosen.service)).upper()} is preferred here"
        return "of equal records the first by name is taken"


class Way(Choice):
    """How the targets were found: by an SRV record set, or as the URI's own host.

    Args:
        transport: of all targets.
        delegation: what the names of the targets are worth.
        order: the SRV records in the order in which they are tried, or None for the URI's own host.
        found: the answer with these records; or why it is the URI's own host.
        others: the answers with SRV records for other transports.
    """

    __slots__ = ("delegation", "found", "order", "others", "transport")

    def __init__(
        self,
        transport: str,
        delegation: Delegation,
        order: list[Srv] | None,
        found: Answer | str,
        others: tuple[Answer, ...] = (),
    ) -> None:
        self.transport: Final = transport
        self.delegation: Final = delegation
        self.order: Final = order
        self.found: Final = found
        self.others: Final = others

    def findings(self, code: str) -> Iterator[tuple[str, object]]:
        """Return the SRV records in the order in which they are tried, and what was passed over; or why none are."""
        transport = self.transport.upper()
        if isinstance(self.found, str) or self.order is None:
            yield code, f"{transport}: {self.found}"
            return
        if code == "locate.srv":
            yield code, self.found
        more = len(self.order) - _SHOWN
        shown = [_short(record) for record in self.order[:_SHOWN]] + ([f"and {more} more"] if more > 0 else [])
        yield "locate.srv-chosen", f"{transport}: {'; '.join(shown)}"
        servers = [record for record in self.found.records if isinstance(record, Srv) and record.target != "."]
        if len(servers) < len(self.found.records):
            yield "locate.srv-passed-over", f'{self.found.question.name}: the target "." among others names no server'
        if len(self.order) < len(servers):
            again = f"{len(servers) - len(self.order)} more for the same servers"
            yield "locate.srv-passed-over", f"{self.found.question.name}: {again}"
        for other in self.others:
            count = f"{len(other.records)} record{'' if len(other.records) == 1 else 's'}"
            yield "locate.srv-passed-over", f"{other.question.name}: {count}; {transport} is preferred here"

    def change(self, rules: dict[str, str]) -> None:
        """Say by which rule addresses and TLSA records are asked."""
        if isinstance(self.found, str):
            rules["A"] = rules["AAAA"] = f"{self.found} (RFC 3263 section 4.2, RFC 7984 section 3.1)"
            rules["TLSA"] = "the server is the domain itself, and its address is secure (RFC 6698 section 3)"
        else:
            rules["A"] = rules["AAAA"] = "the SRV record names this host (RFC 2782, RFC 7984 section 3.1)"


def naptr_flaw(record: Naptr, scheme: str, usable: tuple[str, ...]) -> str:
    """Say why a NAPTR record cannot be used, or return an empty text (RFC 3263 section 4.1, RFC 3403 section 4.1).

    Args:
        record: the record.
        scheme: of the URI.
        usable: the transports that may be used.
    """
    transport = transport_of(record.service)
    if transport is None:
        return "its service is not one of SIP"
    if scheme == "sips" and transport not in SECURE_TRANSPORTS:
        return "a sips URI goes only over TLS"
    if transport not in usable:
        return f"{transport.upper()} is not open to this request"
    if record.flags not in {"s", "S"}:
        return "its flag is not s"
    if record.regexp:
        return "it has a regular expression"
    replacement = fold(record.replacement)
    if replacement == "." or not is_domain_name(replacement):
        return "its replacement is no name to go to"
    return ""


def offers_tls(answer: Answer) -> bool:
    """Say whether NAPTR records, or the SRV records for a transport with TLS, offer TLS (RFC 3263 section 7).

    Args:
        answer: the answer with these records, or their denial.
    """
    if answer.question.rrtype == "SRV":
        return offers_service(answer)
    return any(isinstance(record, Naptr) and not naptr_flaw(record, "sips", TRANSPORTS) for record in answer.records)


def offers_service(answer: Answer) -> bool:
    """Say whether SRV records name a server; the target "." says that there is none (RFC 2782).

    Args:
        answer: the answer with these records, or their denial.
    """
    return any(isinstance(record, Srv) and record.target != "." for record in answer.records)


def _short(record: object) -> str:
    text = str(record)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _naptr_rank(record: object) -> tuple[int, int, str]:
    assert isinstance(record, Naptr)
    return record.order, record.preference, str(record)
