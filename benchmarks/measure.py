"""Measures one build of the core beside its peers, in one process, and prints what came of it as JSON.

    python -m benchmarks.measure

The build is the one that this process imports; `benchmarks.run` starts one process for each.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from typing import Final

import siptls.machine
from siptls import Outcome, Policy, Security

from . import chains, crowd, interleaved, locations, peers
from .certificates import INTERMEDIATE, LEAF, key_of, leaf_with
from .deployments import Deployment
from .memory import held
from .openssl import OpenSslDane, OpenSslMissing

NAMES: Final = (1, 10, 100, 1_000, 10_000)
_WIDE: Final = Policy(limits=locations.WIDE)
_WRONG: Final = hashlib.sha256(b"another key").digest()


def _accepted(deployment: Deployment) -> Callable[[], object]:
    verdict = deployment.run()
    assert verdict.accepted, verdict.explain()
    return deployment.run


def _dead(targets: int) -> Callable[[], object]:
    """No target can be reached: for each, 2 address lookups, 1 TLSA lookup and 4 connections."""
    deployment = Deployment(targets=targets, alive=False, policy=_WIDE)
    verdict = deployment.run()
    assert verdict.outcome is Outcome.UNDETERMINED, verdict.explain()
    return deployment.run


def dane_ta() -> Deployment:
    """A deployment whose second TLSA record matches the key of the authority."""
    return Deployment(usage=2, tlsa=(_WRONG, hashlib.sha256(key_of(INTERMEDIATE)).digest()))


def _candidates() -> dict[str, Callable[[], object]]:
    """Everything that is timed."""
    dane, insecure = Deployment(), Deployment(Security.INSECURE)
    assert Deployment(tlsa=[_WRONG]).run().outcome is Outcome.REJECTED, "siptls accepts a wrong digest"
    assert dane.run_from_text().accepted
    assert insecure.judge_client().accepted
    candidates: dict[str, Callable[[], object]] = {
        "U": lambda: hashlib.sha256(LEAF).digest(),
        "dane-ee": _accepted(dane),
        "dane-ee, text": dane.run_from_text,
        "dane-ee, 1000 names": _accepted(Deployment(leaf=leaf_with(1000))),
        "dane-ta": _accepted(dane_ta()),
        "rfc5922": _accepted(insecure),
        "chain": insecure.judge,
        "inbound": insecure.judge_client,
        "path validation": peers.path_validation(),
        "names parsed": peers.service_identity(parsed=True),
        "names from DER": peers.service_identity(parsed=False),
    }
    for count in (100, 1000):
        candidates[f"targets {count}"] = _dead(count)
        candidates[f"at once {count}"] = locations.at_once(count)
        candidates[f"lazily {count}"] = locations.lazily(count)
        candidates[f"srv {count}"] = locations.srv_order(count)
    for count in NAMES:
        candidates[f"names {count}"] = _accepted(Deployment(Security.INSECURE, leaf=leaf_with(count), policy=_WIDE))
    for certificates in chains.CERTIFICATES:
        for records in chains.RECORDS:
            candidates[f"tlsa {records} x {certificates}"] = chains.judged(records, certificates)
    return candidates


def _memory() -> dict[str, float]:
    deployment = Deployment()

    def first() -> object:
        machine = deployment.machine()
        machine.next_actions(now=0)
        return machine

    def chain() -> object:
        machine = deployment.machine()
        deployment.drive_to_connect(machine)
        return machine

    return {"memory, first answer": held(first), "memory, chain": held(chain)}


def main() -> None:
    """Measure and print."""
    candidates = _candidates()
    openssl = None
    try:
        library = OpenSslDane()
    except OpenSslMissing as error:
        print(f"OpenSSL's DANE is not measured: {error}", file=sys.stderr)
    else:
        openssl = library.version
        candidates["openssl, leaf"] = peers.openssl_dane(library, (LEAF,))
        candidates["openssl, chain"] = peers.openssl_dane(library, (LEAF, INTERMEDIATE))
    measured: dict[str, object] = {
        "compiled": not str(siptls.machine.__file__).endswith(".py"),
        "openssl": openssl,
        **interleaved.measured(candidates),
        **_memory(),
        **{f"crowd, {name}": value for name, value in crowd.measured().items()},
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
