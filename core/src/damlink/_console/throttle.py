"""A limit on wrong passwords: for one name, and for all together."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import attrs

__all__ = ["FREE", "MOST_A_MINUTE", "Throttle"]

FREE: Final = 5  # wrong passwords before a name has to wait
FIRST_SECONDS: Final = 30.0
LONGEST_SECONDS: Final = 900.0
MOST_A_MINUTE: Final = 30  # of all names
MOST_NAMES: Final = 1000


@attrs.define
class _Wrong:
    count: int = 0
    until: float = 0.0


class Throttle:
    """Counts of wrong passwords in this process.

    Args:
        now: a clock in seconds that is never set back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._names: OrderedDict[str, _Wrong] = OrderedDict()
        self._latest: list[float] = []

    def wait_seconds(self, name: str) -> float:
        """Return how long a sign-in under this name is refused unread; 0 if it is not."""
        with self._lock:
            now = self._now()
            self._latest = [each for each in self._latest if now - each < 60]
            of_all = 60 - (now - self._latest[0]) if len(self._latest) >= MOST_A_MINUTE else 0.0
            of_name = self._names[name].until - now if name in self._names else 0.0
            return max(of_all, of_name, 0.0)

    def note_wrong(self, name: str) -> bool:
        """Count a wrong password, and return whether the name has to wait now."""
        with self._lock:
            now = self._now()
            self._latest.append(now)
            wrong = self._names.setdefault(name, _Wrong())
            self._names.move_to_end(name)
            while len(self._names) > MOST_NAMES:
                self._names.popitem(last=False)
            wrong.count += 1
            if wrong.count < FREE:
                return False
            wrong.until = now + min(FIRST_SECONDS * 2 ** min(wrong.count - FREE, 10), LONGEST_SECONDS)
            return True

    def note_right(self, name: str) -> None:
        """Forget the wrong passwords of a name."""
        with self._lock:
            self._names.pop(name, None)
