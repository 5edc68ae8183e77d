"""What came of judging a peer, with the evidence."""

from __future__ import annotations

import hashlib
import math
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, NoReturn, TypeAlias

from .codes import EFFECT
from .journal import Note, Step, hop_text, printable, rendered

if TYPE_CHECKING:
    from .events import Connect, Endpoint
    from .identity import Identity
    from .target import Target

Method: TypeAlias = Literal["dane-ee", "dane-ta", "pkix-ee", "pkix-ta", "pkix", "none"]
Role: TypeAlias = Literal["client", "server"]

_NAMED: Final = 8  # identities of a client


class Outcome(Enum):
    """What a verdict comes to."""

    ACCEPTED = "ACCEPTED"
    """The peer is the domain."""
    REJECTED = "REJECTED"
    """There is evidence against the peer."""
    UNDETERMINED = "UNDETERMINED"
    """Something that is needed failed: a lookup, a connection, time. Trying again may help."""
    NO_SERVICE = "NO_SERVICE"
    """The domain offers nothing to connect to."""
    INSUFFICIENT = "INSUFFICIENT"
    """Verified, but by less than the policy requires."""


# Several attempts that all failed are told by the first one of the outcome that stands first here.
GRAVEST: Final = (Outcome.REJECTED, Outcome.UNDETERMINED, Outcome.INSUFFICIENT, Outcome.NO_SERVICE)


class Elsewhere(Enum):
    """What stands for the handle of an open connection where the handle itself means nothing."""

    HANDLE = "in a copy of the verdict"


class RawKey:
    """A key that a peer presented instead of certificates (RFC 7250).

    Args:
        der: its SubjectPublicKeyInfo in DER.
    """

    __slots__ = ("der",)

    def __init__(self, der: bytes) -> None:
        self.der: Final = der

    def __reduce__(self) -> tuple[object, ...]:
        return RawKey, (self.der,)


class Verdict:
    """The result of judging a peer. It is immutable, and has no truth value: ask for `accepted`.

    Attributes:
        outcome: what it comes to.
        method: how the peer was authenticated; ``none`` if it was not.
        code: what decided, a code of the catalogue.
        domain: the SIP domain that was asked for (the AUS domain); empty for a client, of which no name is expected.
        target: the server that this speaks of, or None.
        endpoint: the address that this speaks of, or None.
        role: our own role: ``client`` when we connected.
        connection: for ACCEPTED the connection that was made and may be used, else None.
        reused: for ACCEPTED the handle of the connection that was open already and may be used, where there is one, as
            `AliasTable.add` was given it, else None; ``connection`` is None then. A copy of the verdict, and one that
            was pickled, has something in its place that is no handle and not None.
        identities: the domains that are proven for the peer, each with where that comes from.
        expires: until when the evidence holds, on the machine's ``now`` clock; ``math.inf`` when nothing limits it.
    """

    __slots__ = (
        "_began",
        "_decided",
        "_leaf",
        "_notes",
        "_place",
        "_steps",
        "code",
        "connection",
        "domain",
        "endpoint",
        "expires",
        "identities",
        "method",
        "outcome",
        "reused",
        "role",
        "target",
    )

    outcome: Outcome
    method: Method
    code: str
    domain: str
    target: Target | None
    endpoint: Endpoint | None
    role: Role
    connection: Connect | None
    reused: object | None
    identities: tuple[Identity, ...]
    expires: float
    _leaf: bytes | RawKey | None
    _notes: tuple[Note, ...]
    _began: float
    _decided: float
    _place: int
    _steps: tuple[Step, ...] | None

    def __init__(
        self,
        outcome: Outcome,
        method: Method,
        code: str,
        domain: str,
        target: Target | None,
        endpoint: Endpoint | None,
        role: Role,
        leaf: bytes | RawKey | None,
        connection: Connect | None,
        identities: tuple[Identity, ...],
        expires: float,
        notes: tuple[Note, ...],
        began: float,
        decided: float,
        place: int = -1,
        steps: tuple[Step, ...] | None = None,
        reused: object | None = None,
    ) -> None:
        object.__setattr__(self, "outcome", outcome)
        object.__setattr__(self, "method", method)
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "domain", domain)
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "endpoint", endpoint)
        object.__setattr__(self, "role", role)
        object.__setattr__(self, "_leaf", leaf)
        object.__setattr__(self, "connection", connection)
        object.__setattr__(self, "identities", identities)
        object.__setattr__(self, "expires", expires)
        object.__setattr__(self, "_notes", notes)
        object.__setattr__(self, "_began", began)
        object.__setattr__(self, "_decided", decided)
        object.__setattr__(self, "_place", place)
        object.__setattr__(self, "_steps", steps)
        object.__setattr__(self, "reused", reused)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a verdict is immutable: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a verdict is immutable: {name} cannot be deleted")

    def __reduce__(self) -> tuple[object, ...]:
        # Copies and other processes make it anew, since nothing can be set afterwards. They get the steps in place of
        # the notes, which refer to whatever was there: answers, anchors, tables of the machine.
        # The handle of an open connection means something to this process only; that there is one always does.
        reused = None if self.reused is None else Elsewhere.HANDLE
        told = (self.outcome, self.method, self.code, self.domain, self.target, self.endpoint, self.role, self._leaf)
        rest = (self.connection, self.identities, self.expires, (), self._began, self._decided, self._place, self.steps)
        return Verdict, (*told, *rest, reused)

    def __bool__(self) -> bool:
        raise TypeError("a verdict has no truth value, since a rejection is a verdict too: ask for verdict.accepted")

    @property
    def accepted(self) -> bool:
        """Whether the peer is the domain, by at least what the policy requires."""
        return self.outcome is Outcome.ACCEPTED

    @property
    def leaf(self) -> bytes | None:
        """The SHA-256 digest of the peer's certificate in DER, or None when there was none."""
        shown = self._leaf
        return None if shown is None or isinstance(shown, RawKey) else hashlib.sha256(shown).digest()

    @property
    def raw_key(self) -> bytes | None:
        """The SHA-256 digest of the key in DER that the peer presented instead of certificates, or None (RFC 7250)."""
        return hashlib.sha256(self._leaf.der).digest() if isinstance(self._leaf, RawKey) else None

    @property
    def steps(self) -> tuple[Step, ...]:
        """All findings in the order in which they came, made when first asked for."""
        if self._steps is None:
            object.__setattr__(self, "_steps", rendered(self._notes, self._began))
        assert self._steps is not None
        return self._steps

    @property
    def findings(self) -> tuple[Step, ...]:
        """The steps that are more than plain ones, ordered by effect.

        The step that decided comes first, whatever it is; then the errors, the warnings and the notes, each kind in the
        order in which they were found. Those of the peer that decided come before those of its predecessors.
        """
        here = "" if self.endpoint is None else hop_text(self.endpoint)
        decisive = [step for step in self.steps if step.code == self.code]
        decided = decisive[-1] if decisive else None
        for step in reversed(decisive):
            if step.hop == here:
                decided = step
            if step.place == self._place:
                decided = step
                break
        told = [step for step in self.steps if step is decided or step.severity != "ok"]
        told.sort(key=lambda step: (step is not decided, EFFECT.index(step.severity), step.hop != here))
        return tuple(told)

    def explain(self) -> str:
        """Return the verdict and all findings as text for people: plain ASCII, control characters escaped."""
        what = f"{self.outcome.value} {self._whom} ({self.code})"
        if self.method != "none":
            what += f" by {self.method}"
        if self.endpoint is not None:
            what += f" at {self.endpoint.host} {self.endpoint.address} port {self.endpoint.port}"
        elif self.target is not None:
            what += f" at {self.target.host} port {self.target.port}"
        return "\n".join([printable(what, 1000), *[str(step) for step in self.steps]])

    def to_dict(self) -> dict[str, object]:
        """Return the verdict as values for JSON (see the reference documentation for the schema)."""
        target, endpoint, leaf = self.target, self.endpoint, self.leaf
        return {
            "outcome": self.outcome.value,
            "method": self.method,
            "code": self.code,
            "domain": self.domain,
            "target": None if target is None else target.to_dict(),
            "endpoint": None if endpoint is None else endpoint.to_dict(),
            "role": self.role,
            "leaf": None if leaf is None else leaf.hex(),
            "reused": self.reused is not None,
            "identities": [{"domain": i.domain, "origin": i.origin} for i in self.identities],
            "expires_in": None if self.expires == math.inf else max(0.0, round(self.expires - self._decided, 3)),
            "findings": [{"code": step.code, "severity": step.severity, "hop": step.hop} for step in self.findings],
            "steps": [step.to_dict() for step in self.steps],
        }

    def __repr__(self) -> str:
        return f"<Verdict {self.outcome.value} {self._whom}: {self.code}, method {self.method}>"

    @property
    def _whom(self) -> str:
        """The domain that was asked for; or who the client is that was judged, as far as it is known."""
        if self.role == "client":
            return self.domain
        names = [identity.domain for identity in self.identities[:_NAMED]]
        if len(self.identities) > _NAMED:
            names.append(f"{len(self.identities) - _NAMED} more")
        return f"client {', '.join(names)}".strip()
