"""What the caller wants of a verdict, and how much work it may cost. The defaults are the safe choices."""

from __future__ import annotations

import math
from typing import Any, Final, Literal, NoReturn, Self, TypeAlias, cast

from .errors import InvalidPolicy

Require: TypeAlias = Literal["any", "pkix", "dane", "dane-ee"]
Transport: TypeAlias = Literal["udp", "tcp", "tls", "sctp", "tls-sctp", "ws", "wss"]
Family: TypeAlias = Literal["ipv6", "ipv4"]
Digest: TypeAlias = Literal["sha512", "sha256"]
Purpose: TypeAlias = Literal["strict", "interop", "lax-client"]
RevocationCheck: TypeAlias = Literal["off", "crl", "crl-required"]
FromPolicy: TypeAlias = Literal["off", "warn", "reject"]

TRANSPORTS: Final[tuple[Transport, ...]] = ("udp", "tcp", "tls", "sctp", "tls-sctp", "ws", "wss")
SECURE_TRANSPORTS: Final[frozenset[str]] = frozenset({"tls", "tls-sctp", "wss"})

# Which methods satisfy a requirement. "pkix" asks for a path to a locally trusted anchor, "dane" for DNSSEC's word.
METHODS: Final[dict[str, frozenset[str]]] = {
    "any": frozenset({"dane-ee", "dane-ta", "pkix-ee", "pkix-ta", "pkix"}),
    "pkix": frozenset({"pkix-ee", "pkix-ta", "pkix"}),
    "dane": frozenset({"dane-ee", "dane-ta", "pkix-ee", "pkix-ta"}),
    "dane-ee": frozenset({"dane-ee"}),
}

_COUNTS: Final = (
    "aliases",
    "records",
    "targets",
    "addresses",
    "lookups",
    "chain",
    "chain_octets",
    "sans",
    "paths",
    "attempts",
    "inbound_targets",
)


_TIMEOUTS: Final = ("lookup_timeout", "connect_timeout", "path_timeout")
_SWITCHES: Final = (
    "strict_dane",
    "require_target_name",
    "allow_cn",
    "allow_wildcards",
    "allow_ip_identity",
    "audit",
)


class _Options:
    """Named values that never change, equal when all of them are.

    By hand, because the dataclasses module would take half of the time that importing the core takes.
    """

    __slots__: tuple[str, ...] = ()

    def _keep(self, given: dict[str, Any]) -> None:
        """Take over the arguments of a constructor, its ``locals()``."""
        for name in self.__slots__:
            object.__setattr__(self, name, given[name])

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name} cannot be deleted")

    def replace(self, **options: object) -> Self:
        """Return the same with some options changed.

        Args:
            options: the options by name.

        Raises:
            InvalidPolicy: an option has a value that it cannot have.
            TypeError: there is no such option.
        """
        given: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return type(self)(**(given | options))

    def _values(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in self.__slots__])

    def __reduce__(self) -> tuple[object, ...]:
        # Copies and other processes make it anew, since nothing can be set afterwards.
        return _made, (type(self), dict(zip(self.__slots__, self._values(), strict=True)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Options) or type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        values = ", ".join([f"{name}={getattr(self, name)!r}" for name in self.__slots__])
        return f"{type(self).__name__}({values})"


def _made(kind: type[_Options], options: dict[str, Any]) -> _Options:
    """Make options from their names and values; unpickling needs a function for that."""
    return kind(**options)


def _number(value: object) -> float:
    """Return a number as it is, and for all else NaN, which is neither above nor below anything."""
    return cast("float", value) if type(value) in (int, float) else math.nan


class Limits(_Options):
    """How much work one machine does at the most, whatever DNS or the peer sends.

    Args:
        aliases: CNAME and DNAME steps in one answer.
        records: records in one answer.
        targets: targets tried.
        addresses: addresses tried of one target.
        lookups: questions to the DNS in all.
        chain: certificates that a peer may present.
        chain_octets: octets of them in all.
        sans: names in one certificate.
        paths: how many of each of these are looked at for one connection: issuers that TLSA records of usage 0 name;
            trust anchors that stand whole in records of usage 2; and, anew for each usage that needs a path, or once
            without any, further paths past an authority. No more paths than that, in all, are asked for that lead
            through a certain certificate.
        attempts: connections in all.
        inbound_targets: servers of one domain, or of one host, that a client is held against.
        seconds: how long a run may take, in seconds; for a `Locate` that waits for its caller, each search anew.

    Raises:
        InvalidPolicy: a count is not a whole number of at least 1, or ``seconds`` is not above 0.
    """

    __slots__ = (*_COUNTS, "seconds")

    aliases: int
    records: int
    targets: int
    addresses: int
    lookups: int
    chain: int
    chain_octets: int
    sans: int
    paths: int
    attempts: int
    inbound_targets: int
    seconds: float

    def __init__(
        self,
        *,
        aliases: int = 8,
        records: int = 2_000,
        targets: int = 16,
        addresses: int = 8,
        lookups: int = 64,
        chain: int = 20,
        chain_octets: int = 256 * 1024,
        sans: int = 20_000,
        paths: int = 8,
        attempts: int = 32,
        inbound_targets: int = 8,
        seconds: float = 30.0,
    ) -> None:
        self._keep(locals())
        for name in _COUNTS:
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise InvalidPolicy(f"limits.{name}", value, "a whole number of at least 1")
        if not _number(self.seconds) > 0:
            raise InvalidPolicy("limits.seconds", self.seconds, "a number of seconds above 0")


_NO_MORE_THAN_USUAL: Final = Limits()


class Policy(_Options):
    """What a verdict must fulfil and how it may be reached.

    Args:
        require: the least that is accepted: ``any`` method; ``pkix``, a path to a locally trusted anchor; ``dane``, a
            TLSA match; ``dane-ee``, a TLSA match of usage 3. What is verified below it is INSUFFICIENT.
        transports: in order of preference; None takes the machine's own: ``("tls",)`` for `Outbound`,
            ``("tls", "tcp", "udp")`` for `Locate`.
        families: address families to use, the preferred first.
        tlsa_usages: certificate usages that may authenticate (RFC 7671 section 4; all four by default).
        digests: digest agility, the strongest first (RFC 7671 section 9).
        strict_dane: refuse a server whose SECURE TLSA records are all unusable (RFC 7671 section 10.3), instead of
            judging it by PKIX (RFC 7673 section 4.1).
        require_target_name: under a secure delegation accept only the target host's name, not the SIP domain's.
        allow_cn: take a Common Name as identity where there is no subjectAltName extension (RFC 5922 section 7.1).
        allow_wildcards: let ``*.`` names match a target host; never a SIP domain (RFC 5922 section 7.2).
        allow_ip_identity: let an iPAddress name authenticate a URI whose host is that address (RFC 6216 section 6).
        eku: extended key usage: ``strict`` is RFC 5924; ``interop`` also takes the TLS purpose of the peer's role;
            ``lax-client`` also takes serverAuth for a client.
        revocation: ``off`` looks at no CRL; with ``crl`` a certificate that a CRL lists is refused, and one that no
            CRL speaks of is reported; with ``crl-required`` it leaves the peer UNDETERMINED (RFC 5280 section 6.3).
        from_policy: what a proxy says where the domain of the From header field is none of the client's identities:
            ``off`` nothing, ``warn`` a warning, ``reject`` an error (RFC 3261 section 26.3.2.2).
        audit: make every check and report it, instead of stopping at what decides. Never changes the outcome.
        prefetch: how many targets ahead addresses are asked for. None takes the machine's own: 0 for `Outbound`, and
            for `Locate` 16. Only with a number `Locate` waits for what its caller tells of each target.
        attempt_delay: start on the next address of a target when the last one has not answered after so many
            seconds; at most two at a time. At least 0.01 (RFC 8305 section 8); infinite means one after the other.
        lookup_timeout: seconds to wait for one DNS answer.
        connect_timeout: seconds to wait for one connection with its handshake.
        path_timeout: seconds to wait for one path validation.
        limits: bounds on the work.

    Raises:
        InvalidPolicy: an option has a value that it cannot have.
    """

    __slots__ = (
        "require",
        "transports",
        "families",
        "tlsa_usages",
        "digests",
        "eku",
        "revocation",
        "from_policy",
        "prefetch",
        "attempt_delay",
        *_TIMEOUTS,
        *_SWITCHES,
        "limits",
    )

    require: Require
    transports: tuple[Transport, ...] | None
    families: tuple[Family, ...]
    tlsa_usages: frozenset[int]
    digests: tuple[Digest, ...]
    strict_dane: bool
    require_target_name: bool
    allow_cn: bool
    allow_wildcards: bool
    allow_ip_identity: bool
    eku: Purpose
    revocation: RevocationCheck
    from_policy: FromPolicy
    audit: bool
    prefetch: int | None
    attempt_delay: float
    lookup_timeout: float
    connect_timeout: float
    path_timeout: float
    limits: Limits

    def __init__(
        self,
        *,
        require: Require = "any",
        transports: tuple[Transport, ...] | None = None,
        families: tuple[Family, ...] = ("ipv6", "ipv4"),
        tlsa_usages: frozenset[int] = frozenset({0, 1, 2, 3}),
        digests: tuple[Digest, ...] = ("sha512", "sha256"),
        strict_dane: bool = False,
        require_target_name: bool = False,
        allow_cn: bool = False,
        allow_wildcards: bool = False,
        allow_ip_identity: bool = False,
        eku: Purpose = "interop",
        revocation: RevocationCheck = "off",
        from_policy: FromPolicy = "off",
        audit: bool = False,
        prefetch: int | None = None,
        attempt_delay: float = math.inf,
        lookup_timeout: float = 10.0,
        connect_timeout: float = 10.0,
        path_timeout: float = 10.0,
        limits: Limits = _NO_MORE_THAN_USUAL,
    ) -> None:
        self._keep(locals())
        self._check_choices()
        for name in _TIMEOUTS:
            if not _number(getattr(self, name)) > 0:
                raise InvalidPolicy(name, getattr(self, name), "a number of seconds above 0")
        for name in _SWITCHES:
            if type(getattr(self, name)) is not bool:
                raise InvalidPolicy(name, getattr(self, name), "True or False")
        if not _number(self.attempt_delay) >= 0.01:
            raise InvalidPolicy("attempt_delay", self.attempt_delay, "at least 0.01 seconds, or inf")
        if self.prefetch is not None and (type(self.prefetch) is not int or self.prefetch < 0):
            raise InvalidPolicy("prefetch", self.prefetch, "a whole number of at least 0, or None")
        if type(self.tlsa_usages) is not frozenset or not self.tlsa_usages <= {0, 1, 2, 3}:
            raise InvalidPolicy("tlsa_usages", self.tlsa_usages, "a frozenset of usages from 0 to 3")
        if type(self.limits) is not Limits:
            raise InvalidPolicy("limits", self.limits, "Limits")

    def _check_choices(self) -> None:
        if self.require not in tuple(METHODS):
            raise InvalidPolicy("require", self.require, "one of " + ", ".join(METHODS))
        if self.eku not in ("strict", "interop", "lax-client"):
            raise InvalidPolicy("eku", self.eku, "one of strict, interop, lax-client")
        if self.revocation not in ("off", "crl", "crl-required"):
            raise InvalidPolicy("revocation", self.revocation, "one of off, crl, crl-required")
        if self.from_policy not in ("off", "warn", "reject"):
            raise InvalidPolicy("from_policy", self.from_policy, "one of off, warn, reject")
        _check_tuple("families", self.families, ("ipv6", "ipv4"))
        _check_tuple("digests", self.digests, ("sha512", "sha256"))
        if self.transports is not None:
            _check_tuple("transports", self.transports, TRANSPORTS)


def _check_tuple(option: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse anything but a tuple of one or more different choices; a list, or one text, is refused as well."""
    chosen = cast("tuple[object, ...]", value)
    sound = type(value) is tuple and chosen and all(chosen.count(each) == 1 and each in choices for each in chosen)
    if not sound:
        expected = "a tuple of one or more of " + ", ".join(choices) + ", each once"
        raise InvalidPolicy(option, chosen, expected)
