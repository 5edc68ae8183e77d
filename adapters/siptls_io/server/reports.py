"""Tell the caller what happened to connections, or the log if the caller does not ask."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeAlias

from .arrival import Arrival, NotServed

Refused: TypeAlias = Callable[[NotServed], object]
Failed: TypeAlias = Callable[[Arrival, Exception], object]

log: Final = logging.getLogger("siptls_io.server")


class Reports:
    """Where reports go; whatever their receivers raise ends in the log.

    Args:
        refused: is told of connections that are not served; None for the log.
        failed: is told what the caller's own code raised; None for the log.
    """

    __slots__ = ("_failed", "_refused")

    def __init__(self, refused: Refused | None, failed: Failed | None) -> None:
        self._refused = refused
        self._failed = failed

    def refused(self, why: NotServed) -> None:
        """Tell of a connection that is not served."""
        if self._refused is None:
            log.info("%r", why)  # the detail is hostile text
            return
        try:
            self._refused(why)
        except Exception:
            log.exception("the receiver of refused connections failed")

    def failed(self, arrival: Arrival, error: Exception) -> None:
        """Tell what the caller's own code raised for a connection, which is closed."""
        if self._failed is None:
            log.error("the connection from %s was closed", arrival.source.ip, exc_info=error)
            return
        try:
            self._failed(arrival, error)
        except Exception:
            log.exception("the receiver of failures failed")
