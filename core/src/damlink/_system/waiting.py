"""Interruptible waiting: every pause within a run goes through this module.

A wait is cut into short slices. After each one `verify` is called, which raises when the run has been
asked to stop or another run has taken its lease over, so that a pause of minutes ends within a second.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from damlink._system.process import age_clock
from damlink.errors import StateError

__all__ = ["Verify", "hold", "slices", "verify_nothing", "wait"]

SLICE_SECONDS: Final = 0.25

Verify = Callable[[], None]
"""Raises `StoppedError` or `LeaseLostError` to end a wait, or to keep a request from being sent."""


def verify_nothing() -> None:
    """Accept everything: for work that no lease protects and nobody stops."""


def wait(seconds: float, verify: Verify = verify_nothing) -> None:
    """Wait so many seconds, on a clock that nobody sets and that goes on while the machine sleeps.

    Raises:
        StoppedError, LeaseLostError: from `verify`.
    """
    for left in slices(seconds, verify):
        time.sleep(left)


def slices(seconds: float, verify: Verify = verify_nothing) -> Iterator[float]:
    """Yield the length of one slice after another until the time has passed."""
    ends_at = age_clock() + seconds
    _check(verify)
    while (left := ends_at - age_clock()) > 0:
        yield min(left, SLICE_SECONDS)
        _check(verify)


@contextlib.contextmanager
def hold(lock: threading.Lock, verify: Verify = verify_nothing) -> Iterator[None]:
    """Hold a lock that another thread may keep for minutes.

    Raises:
        StoppedError, LeaseLostError: from `verify`, before the lock is held.
    """
    while not lock.acquire(timeout=SLICE_SECONDS):
        _check(verify)
    try:
        yield
    finally:
        lock.release()


def _check(verify: Verify) -> None:
    # A database that is away for a moment ends no wait: before the bytes leave it is asked again.
    with contextlib.suppress(StateError):
        verify()
