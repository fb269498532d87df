"""A partner's limit of requests."""

from __future__ import annotations

from collections import deque

import attrs
from starlette.responses import JSONResponse

from damlink_sandbox.application import Refusal

__all__ = ["RateLimit"]


@attrs.define
class RateLimit:
    """At most `requests` in any `seconds`; beyond that 429 with `Retry-After`.

    Attributes:
        refused: how many requests were refused so far.
    """

    requests: int
    seconds: float = 1.0
    refused: int = 0
    _times: deque[float] = attrs.field(factory=deque, init=False)

    def verify(self, now: float) -> None:
        """Count a request.

        Raises:
            Refusal: it is beyond the limit.
        """
        while self._times and self._times[0] <= now - self.seconds:
            self._times.popleft()
        if len(self._times) < self.requests:
            self._times.append(now)
            return
        self.refused += 1
        wait = max(1, round(self._times[0] + self.seconds - now))
        body = {"error": "too many requests"}
        raise Refusal(JSONResponse(body, 429, {"Retry-After": str(wait)}))
