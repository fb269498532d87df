"""Rate limiter of threads some of whose requests are urgent: two lanes of one account."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from damlink._http.rate_limiter import Budget, RateLimiter
from damlink._system.waiting import Verify, verify_nothing

__all__ = ["Lanes", "urgent_requests"]

_thread = threading.local()


@contextlib.contextmanager
def urgent_requests(*, is_urgent: bool = True) -> Iterator[None]:
    """Let the requests of this thread be urgent ones, where the rate limiter has lanes."""
    _thread.is_urgent = is_urgent
    try:
        yield
    finally:
        _thread.is_urgent = False


class Lanes(RateLimiter):
    """Rate limiter that gives each request a permit of its thread's lane: see `urgent_requests`.

    Args:
        urgent: for urgent requests.
        other: for the others, of the same account.
    """

    def __init__(self, urgent: RateLimiter, other: RateLimiter) -> None:
        self.allowed, self.seconds, self.on_hold = other.allowed, other.seconds, other.on_hold
        self._urgent, self._other = urgent, other

    @contextlib.contextmanager
    def permit(self, verify: Verify = verify_nothing) -> Iterator[float]:
        """Hold a permit of the thread's lane."""
        lane = self._urgent if getattr(_thread, "is_urgent", False) else self._other
        with lane.permit(verify) as held:
            yield held

    def silence(self) -> None:
        """Send nothing for a whole window, because the portal answered 429."""
        self._other.silence()
        self._urgent.silence()

    def keep_reserve(self) -> None:
        """Keep the reserved tenth free although no urgent request is sent now."""
        self._urgent.keep_reserve()

    def budget(self) -> Budget:
        """Return the current state of the account."""
        return self._other.budget()

    def close(self) -> None:
        """Close both lanes."""
        self._urgent.close()
        self._other.close()
