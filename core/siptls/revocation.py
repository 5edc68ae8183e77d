"""Certificate revocation lists: the question whether a path is revoked, and what can be said of each certificate.

Reading the lists and checking their signatures is the driver's part, because it needs cryptography. What follows from
it is the judge's part (RFC 5280 sections 5 and 6.3).
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final, Literal, TypeAlias

from .bases import Shared
from .errors import LocalProtocolError

Status: TypeAlias = Literal["good", "revoked", "unknown"]


class Crls(Shared):
    """The CRLs that the caller has, compared by identity so that they can be prepared once and shared by many machines.

    Args:
        lists: certificate revocation lists in DER, of any issuers, in any order.
        name: for people, for example ``the CRLs of 22 November``.
    """

    __slots__ = ("lists", "name")

    def __init__(self, lists: tuple[bytes, ...] = (), *, name: str = "given CRLs") -> None:
        self.lists: Final = lists
        self.name: Final = name

    def __repr__(self) -> str:
        return f"<Crls {self.name!r}: {len(self.lists)} list(s)>"


NO_CRLS: Final = Crls(name="no CRLs")
"""What there is when the caller gives none."""


class CheckRevocation:
    """Say of each certificate of a path but the last, its anchor, whether its issuer has revoked it.

    Args:
        path: a validated path in DER, leaf first, anchor last.
        crls: the lists that there are.
        at: the time at which the lists must be current, aware and in UTC.
    """

    __slots__ = ("_hash", "at", "crls", "path")

    def __init__(self, path: tuple[bytes, ...], crls: Crls, at: datetime) -> None:
        self.path: Final = path
        self.crls: Final = crls
        self.at: Final = at
        self._hash: Final = hash((path, id(crls), at))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CheckRevocation):
            return NotImplemented
        return self.crls is other.crls and self.path == other.path and self.at == other.at

    def __repr__(self) -> str:
        return f"<CheckRevocation path of {len(self.path)}, {self.crls!r}, at {self.at:%Y-%m-%dT%H:%M:%SZ}>"


class Revocation:
    """What CRLs say of one certificate (RFC 5280 section 6.3).

    Args:
        status: ``"good"``: a CRL that counts does not list it; ``"revoked"``: one that counts does; ``"unknown"``: no
            CRL counts.
        code: a code of the catalogue: empty for good, ``chain.revoked``, or one that begins with ``crl.`` and says why
            no CRL counts.
        detail: more about it, for people; hostile text.
        until: when the CRL says that the next one comes, aware; None if no CRL counts. From then on it proves nobody
            good: such a finding counts as unknown, with ``crl.expired``.

    Raises:
        LocalProtocolError: ``until`` is naive.
    """

    __slots__ = ("code", "detail", "status", "until")

    def __init__(self, status: Status, code: str = "", detail: str = "", until: datetime | None = None) -> None:
        if until is not None and until.utcoffset() is None:
            raise LocalProtocolError(f"until must be an aware datetime, not {until!r}")
        self.status: Final[Status] = status
        self.code: Final = code
        self.detail: Final = detail
        self.until: Final = until

    def __repr__(self) -> str:
        return f"Revocation({self.status!r}, {self.code!r}, {self.detail!r}, {self.until!r})"


class RevocationChecked:
    """The CRLs were looked at.

    Args:
        action: the question.
        findings: one for each certificate of the path but the last, in their order.
    """

    __slots__ = ("action", "findings")
    answers: ClassVar[type[CheckRevocation]] = CheckRevocation

    def __init__(self, action: CheckRevocation, findings: tuple[Revocation, ...]) -> None:
        self.action: Final = action
        self.findings: Final = findings

    def __repr__(self) -> str:
        return f"<RevocationChecked {', '.join([finding.status for finding in self.findings])}>"
