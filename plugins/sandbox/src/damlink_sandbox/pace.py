"""The portal's limit of requests per client address, and its judgement on how it was kept."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import attrs

from damlink_sandbox.world import Clock


@attrs.define
class _Address:
    times: deque[float] = attrs.field(factory=deque)
    blocked: bool = False


class Pace:
    """At most `requests` in any `seconds` per address; beyond that 429 until a whole window of silence.

    Requests in the block keep it alive, since they keep the window from emptying. Source: Bynder's help
    centre, "rate limiting".
    """

    def __init__(self, clock: Clock, requests: int = 4500, seconds: float = 300.0) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.limit(requests, seconds)

    def limit(self, requests: int, seconds: float) -> None:
        """Set the limit and forget what has been seen."""
        with self._lock:
            self._requests, self._seconds = requests, seconds
            self._addresses: dict[str, _Address] = {}
            self._most = self._refused = 0

    def admits(self, client: str) -> bool:
        """Count a request of this address; whether it is let in."""
        with self._lock:
            address = self._forget_old(client)
            # While the address is blocked, too: such requests prolong the block.
            address.times.append(self._clock.seconds())
            self._most = max(self._most, len(address.times))
            address.blocked = address.blocked or len(address.times) > self._requests
            self._refused += address.blocked
            return not address.blocked

    def _forget_old(self, client: str) -> _Address:
        address = self._addresses.setdefault(client, _Address())
        oldest = self._clock.seconds() - self._seconds
        while address.times and address.times[0] <= oldest:
            address.times.popleft()
        if not address.times:
            address.blocked = False
        return address

    def judgement(self) -> dict[str, Any]:
        """Return the limit, the most requests in any window, the refusals, and the addresses asked from."""
        with self._lock:
            blocked = [client for client in list(self._addresses) if self._forget_old(client).blocked]
            return {
                "requests": self._requests, "seconds": self._seconds, "most": self._most,
                "refused": self._refused, "blocked": bool(blocked), "blocked_addresses": blocked,
                "addresses": sorted(self._addresses),
            }  # fmt: skip
