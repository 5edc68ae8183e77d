"""What runs under callgrind: each kind of run a few times, and one kind more often.

python -m benchmarks.counted KIND FEW LOOPS
"""

from __future__ import annotations

import gc
import hashlib
import sys

from siptls import Security

from . import reference
from .certificates import INTERMEDIATE, key_of
from .deployments import Deployment


def main(kind: str, few: int, loops: int) -> None:
    """Loop the runs.

    Args:
        kind: the one that is counted; empty for none.
        few: how often the others run.
        loops: how often this one runs.
    """
    runs = {
        "dane-ee": Deployment(),
        "dane-ta": Deployment(usage=2, tlsa=(b"\0" * 32, hashlib.sha256(key_of(INTERMEDIATE)).digest())),
        "rfc5922": Deployment(Security.INSECURE),
    }
    # A collection of garbage, whenever it comes, is to look at what the runs leave, and not at all that was loaded.
    gc.collect()
    gc.freeze()
    for name, deployment in runs.items():
        for _ in range(loops if name == kind else few):
            assert deployment.run().accepted
    for _ in range(loops if kind == "reference" else few):
        assert reference.run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
