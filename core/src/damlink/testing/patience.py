"""Time that a rule takes of its own: what it waits for a processor, on a busy machine, does not count."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["OWN_SECONDS", "Patience", "describe_load"]

# A rule takes a few seconds of its own, and some of them a pause of half a minute; only one that hangs
# reaches this.
OWN_SECONDS: Final = 60.0
_TASKS: Final = Path("/proc/self/task")


class Patience:
    """Time since it was made, without what the threads of this process have waited for a processor."""

    def __init__(self) -> None:
        self.own = 0.0
        self.starved = 0.0
        self._at = time.monotonic()
        self._worked = time.process_time()
        self._delays = _delays()

    def look(self) -> float:
        """Count the time since the last look, and return the seconds of its own so far."""
        at, worked, delays = time.monotonic(), time.process_time(), _delays()
        passed = at - self._at
        delay = _delay_between(self._delays, delays) if delays else passed * _busy_share()
        own = own_seconds(passed, worked - self._worked, delay)
        self.own += own
        self.starved += passed - own
        self._at, self._worked, self._delays = at, worked, delays
        return self.own


def own_seconds(passed: float, worked: float, delay: float) -> float:
    """Return how much of the time that has passed was the process's own.

    Args:
        passed: by the clock.
        worked: of a processor, by all threads.
        delay: that threads were ready to work, and waited for a processor; of all threads together.
    """
    return min(passed, max(worked, passed - delay))


def describe_load() -> str:
    """Return the load of this machine, in words."""
    return f"load {_load():.0f} on {os.cpu_count() or 1} processors"


def _delays() -> Mapping[str, int]:
    """Return how long each thread has waited for a processor, in nanoseconds; empty if unknown."""
    found = {}
    with contextlib.suppress(OSError):
        for task in _TASKS.iterdir():
            # A thread may end meanwhile.
            with contextlib.suppress(OSError, ValueError, IndexError):
                found[task.name] = int((task / "schedstat").read_text("ascii").split()[1])
    return found


def _delay_between(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    return sum(max(0, delay - before.get(task, 0)) for task, delay in after.items()) / 1e9


def _busy_share() -> float:
    """Return the share of its time that a thread waits, by the load of the machine."""
    return max(0.0, 1 - (os.cpu_count() or 1) / max(_load(), 1.0))


def _load() -> float:
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):
        return 0.0
