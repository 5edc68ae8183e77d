"""Chains and TLSA records of all sizes, judged for a caller that holds the connection already."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from siptls import PathValidated, Policy, Security, ValidatePath, Verdict, Verification
from siptls.dns import Tlsa

from .certificates import AT, LEAF, SPKI, authorities, key_of
from .deployments import NOW

RECORDS: Final = (1, 10, 100, 1_000)
CERTIFICATES: Final = (1, 3, 20)
_POLICY: Final = Policy()
_ISSUERS: Final = authorities(max(CERTIFICATES) - 1)


def digests(count: int) -> list[bytes]:
    """The data of ``count`` TLSA records of which none matches."""
    return [hashlib.sha256(b"%d" % i).digest() for i in range(count)]


def judged(records: int, certificates: int) -> Callable[[], object]:
    """Judge a chain by TLSA records of which the last one matches the last certificate, and no other does.

    With one certificate this is DANE-EE, with more of them DANE-TA.
    """
    chain = (LEAF, *_ISSUERS[: certificates - 1])
    usage, key = (3, SPKI) if certificates == 1 else (2, key_of(chain[-1]))
    data = [*digests(records - 1), hashlib.sha256(key).digest()]
    tlsa = tuple([Tlsa("_5061._tcp.sip0.example.com", usage, 1, 1, each) for each in data])

    def judge() -> Verdict:
        machine = Verification(
            chain,
            domain="example.com",
            target="sip0.example.com",
            tlsa=tlsa,
            delegation=Security.SECURE,
            policy=_POLICY,
            now=NOW,
            at=AT,
        )
        for action in machine.next_actions(now=NOW):
            assert type(action) is ValidatePath
            machine.receive(PathValidated(action, (LEAF, chain[-1])), now=NOW)
        verdict = machine.verdict
        assert verdict is not None
        return verdict

    verdict = judge()
    assert verdict.accepted, verdict.explain()
    return judge
