"""When to publish which TLSA records, so that a server gets a new certificate or key and nobody notices (RFC 7671 8).

Arithmetic on times that the caller gives; nothing is looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias

from .dane import DANE_EE, DANE_TA, PKIX_EE, PKIX_TA, SHA256, SPKI, unusable
from .dns.records import Tlsa
from .errors import InvalidRecord, LocalProtocolError
from .journal import when
from .served import Form, Served, form_of, record_of

Action: TypeAlias = Literal["publish", "switch", "remove"]

_RECOMMENDED: Final[Form] = (DANE_EE, SPKI, SHA256)
_SPAN: Final = timedelta(seconds=6)  # no stage is further than six TTLs from a given time, if each is a second
"""What RFC 7671 section 5.1 recommends to publish where nothing is published yet."""


class Stage(NamedTuple):
    """One thing to do.

    Attributes:
        action: ``publish`` the new records beside the old ones, ``switch`` the server to the new certificate or key, or
            ``remove`` the old records.
        at: the first moment at which to do it.
        records: all records that are to stand in the DNS from then on.
        pending: the forms of further records that cannot be made yet, because the next certificate or key is not known.
    """

    action: Action
    at: datetime
    records: tuple[Tlsa, ...]
    pending: tuple[Form, ...] = ()


class Plan:
    """What to do in which order, and whether it can be done in time.

    Attributes:
        stages: what to do; empty if the records stay as they are whatever day the server changes.
        added: the records that are not published yet.
        removed: the records that go at the end.
        unmade: records that the next certificate or key should have and cannot, each with the reason.
        earliest: the first moment at which the server may switch.
        switch: when it is going to switch: what was planned, or `earliest`.
        publish_by: the last moment at which the new records can be published for that switch.
    """

    __slots__ = ("added", "earliest", "publish_by", "removed", "stages", "switch", "unmade")

    def __init__(
        self,
        stages: tuple[Stage, ...],
        added: tuple[Tlsa, ...],
        removed: tuple[Tlsa, ...],
        unmade: tuple[tuple[Form, str], ...],
        earliest: datetime,
        switch: datetime,
        publish_by: datetime,
    ) -> None:
        self.stages: Final = stages
        self.added: Final = added
        self.removed: Final = removed
        self.unmade: Final = unmade
        self.earliest: Final = earliest
        self.switch: Final = switch
        self.publish_by: Final = publish_by

    @property
    def late_by(self) -> timedelta:
        """How much too early the switch is planned; zero if it is in time."""
        return max(self.earliest - self.switch, timedelta(0))

    @property
    def in_time(self) -> bool:
        """Whether all clients that cache the old records will have forgotten them before the server switches."""
        return self.switch >= self.earliest

    def __repr__(self) -> str:
        return f"<Plan of {len(self.stages)} stage(s), {len(self.added)} record(s) added, {len(self.removed)} removed>"


def plan(
    published: Iterable[Tlsa],
    current: Served,
    following: Served | None,
    *,
    ttl: int,
    now: datetime,
    switch: datetime | None = None,
    since: datetime | None = None,
) -> Plan:
    """Plan the change of a server's certificate, key or trust anchor with the forms of records that it has.

    Args:
        published: the TLSA records that stand in the DNS; without any, 3 1 1 is what will.
        current: what the server presents now.
        following: what it is going to present; None for a new key that does not exist yet, of the same authority.
        ttl: the time to live of the records in the zone, in seconds, at least 0. What remains of it in a cache is less,
            and too little.
        now: the time, aware.
        switch: when the server is going to switch, aware; None for as soon as it may.
        since: since when records for what follows have been published, aware; None for not before now.

    Returns:
        The plan. At every moment of it each form that is published has a record that matches what the server presents,
        in the DNS and in all caches, if that is so today.

    Raises:
        LocalProtocolError: a time is naive, or ``ttl`` is negative, or the plan would lead beyond the calendar.

    Source: RFC 7671 sections 8.1 and 8.4. That the old records stay for two TTLs after the switch is our own advice:
        until then a way back is open.
    """
    for name, time in (("now", now), ("switch", switch), ("since", since)):
        if time is not None and time.utcoffset() is None:
            raise LocalProtocolError(f"{name} must be an aware datetime")
    if ttl < 0:
        raise LocalProtocolError("ttl must not be negative")
    for name, time in (("now", now), ("switch", switch), ("since", since)):
        if time is None:
            continue
        try:
            _ = time - _SPAN * ttl, time + _SPAN * ttl
        except OverflowError:
            raise LocalProtocolError(
                f"{name}, {when(time)}, is too near to an end of the calendar for this TTL"
            ) from None
    usable = [record for record in published if not unusable(record)]
    forms = sorted({form_of(record) for record in usable}) or [_RECOMMENDED]
    owner = usable[0].owner if usable else ""
    old = [] if usable else _made(current, None, forms, owner)[0]  # what should stand there already
    wanted, unmade = ([], []) if following is None else _made(following, (usable, current), forms, owner)
    pending = tuple([form for form in forms if form[0] in (PKIX_EE, DANE_EE)]) if following is None else ()
    return _dated(_Records(usable, [*old, *wanted], current, following), pending, unmade, ttl, now, switch, since)


class _Records:
    """The records before, during and after the change."""

    def __init__(
        self, published: Sequence[Tlsa], wanted: Sequence[Tlsa], current: Served, following: Served | None
    ) -> None:
        standing = {(form_of(record), record.data) for record in published}
        new = {(form_of(record), record.data): record for record in wanted}
        self.added: Final = tuple([record for key, record in new.items() if key not in standing])
        self.during: Final = (*published, *self.added)
        # What matches neither is not ours to judge: it may be the key after the next one.
        self.removed: Final = tuple([r for r in self.during if current.matches(r) and not _stays(r, following)])
        gone = set(map(id, self.removed))
        self.after: Final = tuple([record for record in self.during if id(record) not in gone])


def _stays(record: Tlsa, following: Served | None) -> bool:
    """Whether a record matches what follows, too; of a key that does not exist yet only authorities are known."""
    return record.usage in (PKIX_TA, DANE_TA) if following is None else following.matches(record)


def _dated(
    records: _Records,
    pending: tuple[Form, ...],
    unmade: Sequence[tuple[Form, str]],
    ttl: int,
    now: datetime,
    switch: datetime | None,
    since: datetime | None,
) -> Plan:
    """Lay the stages out in time: two TTLs between publishing and switching (RFC 7671 section 8.1)."""
    wait = timedelta(seconds=2 * ttl)
    changes = bool(records.added or pending)
    published_at = now if changes or since is None else min(since, now)
    must_wait = changes or bool(records.removed)
    earliest = max(now, published_at + wait) if must_wait else now
    at = earliest if switch is None else switch
    stages: list[Stage] = []
    if changes:
        stages.append(Stage("publish", now, records.during, pending))
    if must_wait:
        stages.append(Stage("switch", max(at, earliest), records.during, pending))
        stages.append(Stage("remove", max(at, earliest) + wait, records.after, pending))
    return Plan(tuple(stages), records.added, records.removed, tuple(unmade), earliest, at, at - wait)


def _made(
    served: Served, before: tuple[Sequence[Tlsa], Served] | None, forms: Sequence[Form], owner: str
) -> tuple[list[Tlsa], list[tuple[Form, str]]]:
    """Make a record of each form, or say why that cannot be done."""
    records: list[Tlsa] = []
    unmade: list[tuple[Form, str]] = []
    for form in forms:
        try:
            records.append(_counterpart(served, before, form, owner))
        except InvalidRecord as error:
            unmade.append((form, f"expected {error.expected}"))
    return records, unmade


def _counterpart(served: Served, before: tuple[Sequence[Tlsa], Served] | None, form: Form, owner: str) -> Tlsa:
    """Make the record of a form; an authority's stands for the one at the same place of the path as before."""
    if before is not None and form[0] in (PKIX_TA, DANE_TA):
        published, current = before
        own = [record for record in published if form_of(record) == form]
        for record in own:
            if served.matches(record):
                return record  # the authority stays
        places = [n for n, above in enumerate(current.authorities) for r in own if current.match(r) is above]
        if served.leaf is None:
            raise InvalidRecord("usage 0 or 2", "the next certificate chain, since a key alone has no issuer")
        for place in places:
            if place < len(served.authorities):
                return record_of(served.authorities[place], form, owner)
    return served.record(form, owner)
