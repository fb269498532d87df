"""Interruptible waiting, for every pause within a run.

A wait consists of short slices. After each one `verify` is called, which raises when the run is
stopping or another run has taken over its lease, so that a pause of minutes ends within a second.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from damlink._system.process import age_clock
from damlink.errors import StateError

__all__ = [
    "SLICE_SECONDS",
    "Verify",
    "hold",
    "interrupt_waits",
    "slices",
    "verify_nothing",
    "verify_wait",
    "wait",
]

SLICE_SECONDS: Final = 0.25

Verify = Callable[[], None]
"""Raises `StoppedError` or `LeaseLostError` to end a wait, or to stop a request."""


_thread = threading.local()


def verify_nothing() -> None:
    """Do nothing: for work without a lease that cannot be stopped."""


def wait(seconds: float, verify: Verify = verify_nothing) -> None:
    """Wait so many seconds, on a monotonic clock that also runs while the machine is suspended.

    Raises:
        StoppedError, LeaseLostError: raised by `verify`.
    """
    for left in slices(seconds, verify):
        time.sleep(left)


def slices(seconds: float, verify: Verify = verify_nothing) -> Iterator[float]:
    """Yield the length of one slice after another until the time has passed."""
    ends_at = age_clock() + seconds
    verify_wait(verify)
    while (left := ends_at - age_clock()) > 0:
        yield min(left, SLICE_SECONDS)
        verify_wait(verify)


@contextlib.contextmanager
def hold(lock: threading.Lock, verify: Verify = verify_nothing) -> Iterator[None]:
    """Hold a lock that another thread may hold for minutes.

    Raises:
        StoppedError, LeaseLostError: raised by `verify` before the lock is held.
    """
    while not lock.acquire(timeout=SLICE_SECONDS):
        verify_wait(verify)
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def interrupt_waits(verify: Verify) -> Iterator[None]:
    """Call `verify` during every wait of this thread as well; it raises to end the wait."""
    _thread.verify = verify
    try:
        yield
    finally:
        _thread.verify = verify_nothing


def verify_wait(verify: Verify) -> None:
    """Verify during a wait that it may go on.

    Raises:
        StoppedError, LeaseLostError: raised by `verify`.
    """
    getattr(_thread, "verify", verify_nothing)()
    # A short failure of the database must not end the wait: the lease is verified again before sending.
    with contextlib.suppress(StateError):
        verify()
