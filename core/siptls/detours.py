"""Ways past authorities: an authority may have several certificates, and which one a validator takes is chance.

So a path is asked for again without the certificates that were found to be bad, until one is good or none is left. Each
question leaves out one more, so there are no more questions than certificates; only where no single certificate is to
blame, each one of the path is left out by turns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .certificate import Certificate
from .events import Anchors, ValidatePath
from .path_rules import Blame
from .trust_anchors import readable


class Lists:
    """What CRLs have come to so far.

    Attributes:
        revoked: whether a certificate of a valid path is revoked.
        doubt: whether there is a path of which nothing is worse than that something of it is not known.
        late: whether a question was not answered in time.
        count: how many questions there were.
        checked: the authorities that were asked about.
        looked_for: those that a path had to contain to ask about them, each with the anchors of that path.
    """

    __slots__ = ("checked", "count", "doubt", "late", "looked_for", "revoked")

    def __init__(self) -> None:
        self.revoked: bool = False
        self.doubt: bool = False
        self.late: bool = False
        self.count: int = 0
        self.checked: set[bytes] = set()
        self.looked_for: set[tuple[Anchors, bytes]] = set()

    def next_to_look_for(self, leaf: Certificate, pool: list[Certificate], anchors: Anchors) -> bytes | None:
        """Return an authority between a certificate and some anchors that nobody has asked about, if there is one.

        It counts as looked for from now on.
        """
        ways = standing_above(leaf, pool, anchors).difference(self.checked, anchors.certificates)
        left = sorted([each.der for each in pool if each.der in ways and (anchors, each.der) not in self.looked_for])
        if not left:
            return None
        self.looked_for.add((anchors, left[0]))
        return left[0]


class Detours:
    """The paths that are still to be asked for, instead of those that one question led to.

    Args:
        pool: the presented certificates that can be read.
        blame: says what to leave out.
    """

    __slots__ = ("_asked", "_base", "_planned", "_pool", "_queue", "_without", "blame")

    def __init__(self, pool: list[Certificate], blame: Blame) -> None:
        self.blame: Final = blame
        self._pool = pool
        self._base: ValidatePath | None = None
        self._asked: ValidatePath | None = None
        self._without: frozenset[bytes] = frozenset()  # what the question under way leaves out
        self._planned: set[frozenset[bytes]] = set()
        self._queue: list[tuple[frozenset[bytes], ValidatePath]] = []

    def __len__(self) -> int:
        return len(self._queue)

    def is_detour(self, question: ValidatePath) -> bool:
        """Whether a question is the last one that was taken from here."""
        return question == self._asked

    def leave_out(self, question: ValidatePath, choices: Iterable[Iterable[bytes]]) -> None:
        """Plan to ask again without some certificates, if any path can be left then, as far as names tell.

        Args:
            question: what led to the path that does not suffice; a new question begins anew.
            choices: the certificates that bring each choice about; one of the choices is made by any better path.
        """
        if self._base is None or not self.is_detour(question):
            self._base, self._without = question, frozenset()
            self._planned.clear()
        base = self._base
        present = {*base.pool, *base.anchors.certificates}
        for choice in choices:
            without = self._without.union(present.intersection(choice))
            if without in self._planned or without == self._without:
                continue
            self._planned.add(without)
            anchors = _anchors_without(base.anchors, without)
            at_hand = [each for each in self._pool if each.der not in without]
            above = standing_above(Certificate(base.leaf), at_hand, anchors)
            if above if base.through is None else base.through in above:
                pool = tuple([der for der in base.pool if der not in without])
                self._queue.append((without, ValidatePath(base.leaf, pool, anchors, base.at, base.through)))

    def take(self) -> ValidatePath:
        """Return the next question; there must be one."""
        self._without, self._asked = self._queue.pop(0)
        return self._asked

    def drop(self) -> None:
        """Forget what was planned."""
        self._queue.clear()


def standing_above(leaf: Certificate, pool: list[Certificate], anchors: Anchors) -> set[bytes]:
    """Return the certificates that may stand in a path from a certificate to an anchor, as far as their names tell.

    Args:
        leaf: where the path begins; it must be readable.
        pool: the certificates from which the path may be built; all must be readable.
        anchors: where it may end. A bare key is returned as the name of its holder.
    """
    found: dict[bytes, Certificate] = {}
    ends: dict[bytes, None] = {}  # names of whoever may stand at a place from which an anchor can be reached
    above: set[bytes] = set()
    keys = {anchor.name for anchor in anchors.keys}
    names = [leaf.issuer]
    for name in names:  # grows while it is walked
        if name in keys:
            above.add(name)
            ends[name] = None
        # A trust store is large, and few of it can have one of these names.
        for anchor in readable([der for der in anchors.certificates if name in der]):
            if anchor.subject == name and anchor.der != leaf.der:
                above.add(anchor.der)
                ends[name] = None
                found[anchor.der] = anchor
        found.update({each.der: each for each in pool if each.subject == name and each.der != leaf.der})
        names.extend({each.issuer for each in found.values()}.difference(names))
    below: dict[bytes, list[Certificate]] = {}
    for each in found.values():
        below.setdefault(each.issuer, []).append(each)
    reached = [*ends]
    for name in reached:  # grows while it is walked
        for each in below.get(name, ()):
            above.add(each.der)
            if each.subject not in reached:
                reached.append(each.subject)
    return above if leaf.issuer in reached else set()


def _anchors_without(anchors: Anchors, without: frozenset[bytes]) -> Anchors:
    """Return the same anchors if all may stay: they are compared by identity, and prepared once."""
    if without.isdisjoint(anchors.certificates):
        return anchors
    left = tuple([der for der in anchors.certificates if der not in without])
    return Anchors(left, anchors.keys, name=anchors.name)
