"""Limit of how often something is said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Cadence"]


class Cadence:
    """Answers yes at most once in so many seconds, in whichever thread.

    Args:
        seconds: between two times.
        clock: seconds that only grow.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._last: float | None = None

    def is_due(self) -> bool:
        """Return whether it is time; if so, it is not again until the seconds have passed."""
        with self._lock:
            now = self._clock()
            if self._last is not None and now - self._last < self._seconds:
                return False
            self._last = now
            return True
