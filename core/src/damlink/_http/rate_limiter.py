"""The port of every rate limiter for requests to Bynder: a permit while a request is in flight."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Callable

import attrs

from damlink._system.waiting import Verify, verify_nothing

__all__ = ["Budget", "RateLimiter"]


@attrs.frozen
class Budget:
    """State of the rate limiter: requests allowed and used in the window, and seconds of silence left."""

    allowed: int
    used: int
    window_seconds: float
    silent_seconds: float


class RateLimiter(abc.ABC):
    """Rate limiter that gives permits for requests to Bynder.

    Attributes:
        allowed: how many requests a window may contain.
        seconds: the window's length.
        on_hold: called with the seconds before each wait, for the progress display.
    """

    allowed: int
    seconds: float
    on_hold: Callable[[float], None]

    @abc.abstractmethod
    def permit(self, verify: Verify = verify_nothing) -> contextlib.AbstractContextManager[float]:
        """Hold a permit while one request is in flight; yield the seconds of waiting for it.

        Raises:
            StoppedError, LeaseLostError: raised by `verify` during the wait.
            StateError: the account cannot be used.
        """

    @abc.abstractmethod
    def silence(self) -> None:
        """Send nothing for a whole window, because the portal answered 429."""

    @abc.abstractmethod
    def keep_reserve(self) -> None:
        """Keep the reserved tenth free although no urgent request is sent now; call this often."""

    @abc.abstractmethod
    def budget(self) -> Budget:
        """Return the current state of the account."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close the account."""
