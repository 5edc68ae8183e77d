"""Certificates in families, a path validator that knows them, and one call that judges what a peer presents.

    verdict = judge([LEAF, CA], LEAF.record(3, 1, 1))
    verdict = judge([LEAF, CA], valid=[(LEAF, CA, ROOT)])

The certificates are forged and signed by nobody: the scripted validator says which paths are valid. It holds them
against the question as a real one does: anchors, pool, and the certificate that the path must contain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict, Unpack

from forged import SPKI, authority, certificate, common_name, der, dns, sequence, uri
from siptls import Anchors, Policy, Revocation, Security, ValidatePath, Verdict, Verification
from siptls.dns import Alias
from siptls.dns.records import Tlsa
from world import AT, SECURE, Path, World

DOMAIN = "example.com"
TARGET = "sip1.host.example"


def valid_between(not_before: str, not_after: str) -> bytes:
    """A Validity; the times are written YYMMDD."""
    return sequence(*[der(0x17, f"{day}000000Z".encode()) for day in (not_before, not_after)])


VALIDITY = valid_between("260101", "270101")


class Elements(TypedDict, total=False):
    """Complete elements that stand in a certificate as they are; see `forged.certificate`."""

    all_extensions: bytes
    behind: bytes
    version: bytes


def key(number: int) -> bytes:
    """A SubjectPublicKeyInfo of its own for each number from 1 to 255."""
    return SPKI[:-64] + bytes((number,)) * 64


@dataclass(frozen=True)
class Made:
    """A certificate, with its key and its subject as they stand in it."""

    der: bytes
    spki: bytes
    subject: bytes = b""

    def record(self, usage: int, selector: int, matching: int) -> Tlsa:
        """The TLSA record for this certificate, made without the code under test."""
        octets = self.spki if selector == 1 else self.der
        data = (octets, hashlib.sha256(octets).digest(), hashlib.sha512(octets).digest())[matching]
        return Tlsa("", usage, selector, matching, data)


def made(
    subject: str = "leaf",
    issuer: str = "CA",
    number: int = 3,
    *,
    names: Sequence[bytes] = (),
    eku: Sequence[str] = (),
    extensions: Sequence[bytes] = (),
    validity: bytes = VALIDITY,
    **more: Unpack[Elements],
) -> Made:
    """Forge a certificate; see `forged.certificate` for what else can be given."""
    spki = key(number)
    der = certificate(
        subject=common_name(subject),
        issuer=common_name(issuer),
        spki=spki,
        names=names,
        eku=eku,
        extensions=extensions,
        validity=validity,
        **more,
    )
    return Made(der, spki, common_name(subject))


def ca(
    subject: str = "CA",
    issuer: str = "Root",
    number: int = 2,
    *,
    eku: Sequence[str] = (),
    extensions: Sequence[bytes] = (),
    validity: bytes = VALIDITY,
) -> Made:
    """Forge the certificate of an authority."""
    return made(subject, issuer, number, eku=eku, extensions=[authority(), *extensions], validity=validity)


ROOT = ca("Root", "Root", 1)
CA = ca()
LEAF = made(names=[uri(f"sip:{DOMAIN}")])
OTHER = made("other", "Other CA", 9, names=[uri("sip:other.example")])
OTHER_CA = ca("Other CA", "Other CA", 8)
TARGET_LEAF = made(names=[dns(TARGET)])


def issued(*chains: Sequence[Made]) -> Callable[[ValidatePath], Path]:
    """Let these chains, leaf first and root last, be validly signed, and nothing else."""

    def validate(question: ValidatePath) -> Path:
        at_hand = {*question.pool, *question.anchors.certificates}
        keys = {(anchor.name, anchor.spki) for anchor in question.anchors.keys}
        for chain in chains:
            ders = [each.der for each in chain]
            for end in range(1, len(ders)):
                path, top = tuple(ders[: end + 1]), chain[end]
                anchored = top.der in question.anchors.certificates or (top.subject, top.spki) in keys
                if (
                    ders[0] == question.leaf
                    and anchored
                    and at_hand.issuperset(path[1:-1])
                    and (question.through is None or question.through in path[1:])
                ):
                    return path
        return None

    return validate


@dataclass
class Court:
    """What is to be judged, with the answers that usually hold; `verdict` judges it."""

    chain: Sequence[Made | bytes] = ()
    records: Sequence[Tlsa] = ()
    valid: Sequence[Sequence[Made]] = ()
    trusted: Sequence[Made] = (ROOT,)
    domain: str = DOMAIN
    target: str | None = TARGET
    delegation: Security = SECURE
    tlsa_security: Security | None = None
    aliases: Sequence[Alias] = ()
    policy: Policy = field(default_factory=Policy)
    at: datetime = AT
    paths: Callable[[ValidatePath], Path] | None = None
    revocation: Callable[[bytes], Revocation] = lambda _der: Revocation("good")
    public_key: bytes | None = None
    questions: list[ValidatePath] = field(default_factory=list[ValidatePath])

    def verdict(self) -> Verdict:
        chain = tuple([each.der if isinstance(each, Made) else each for each in self.chain])
        world = World(paths=self.paths or issued(*self.valid), revocation=self.revocation)
        machine = Verification(
            chain,
            domain=self.domain,
            target=self.target,
            tlsa=self.records,
            tlsa_security=self.tlsa_security,
            delegation=self.delegation,
            aliases=self.aliases,
            anchors=Anchors(tuple([each.der for each in self.trusted])),
            public_key=self.public_key,
            policy=self.policy,
            now=0.0,
            at=self.at,
        )
        world.run(machine)
        self.questions = [action for action in world.asked if isinstance(action, ValidatePath)]
        assert machine.verdict is not None
        return machine.verdict


def judge(
    chain: Sequence[Made | bytes],
    *records: Tlsa,
    valid: Sequence[Sequence[Made]] = (),
    trusted: Sequence[Made] = (ROOT,),
    domain: str = DOMAIN,
    target: str | None = TARGET,
    delegation: Security = SECURE,
    policy: Policy | None = None,
    at: datetime = AT,
) -> Verdict:
    """Judge a chain whose server the domain delegates to, securely unless said otherwise."""
    return Court(chain, records, valid, trusted, domain, target, delegation, policy=policy or Policy(), at=at).verdict()


def said(verdict: Verdict) -> tuple[str, str, str]:
    """Outcome, method and code."""
    return verdict.outcome.value, verdict.method, verdict.code


def codes(verdict: Verdict) -> list[str]:
    """The codes of all steps in their order."""
    return [step.code for step in verdict.steps]
