"""What may go wrong where connections are accepted, and what then."""

from __future__ import annotations

import errno
from typing import Final

REST: Final = 0.1
"""How long to wait, in seconds, when the system has nothing to accept a connection with."""

_SHORT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
# What Linux tells of a connection that failed before it was accepted (accept(2)).
_OVER: Final = frozenset(
    {errno.ECONNABORTED, errno.ECONNRESET, errno.EPROTO, errno.EPERM, errno.ETIMEDOUT, errno.EOPNOTSUPP}
    | {errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOPROTOOPT}
)


def is_short(error: OSError) -> bool:
    """Say whether something has run out that may be there again soon: files, or memory of the system."""
    return error.errno in _SHORT


def is_over(error: OSError) -> bool:
    """Say whether only the one connection failed that was to be accepted."""
    return error.errno in _OVER
