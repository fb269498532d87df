"""Reading of a partner's rate limit from the headers of an answer."""

from __future__ import annotations

import re
import time
from typing import Final

import attrs
import httpx

from damlink._http.status import retry_after

__all__ = ["Rate", "read_rate"]

# A larger number is a moment in seconds since 1970, and a much larger one in milliseconds.
_MOMENT: Final = 1e9
_MILLISECONDS: Final = 1e11
_NUMBER: Final = re.compile(r"\s*(\d+(?:\.\d+)?)")
_PARTS: Final = {"limit": ("q", "limit"), "remaining": ("r", "remaining"), "reset": ("t", "reset")}


@attrs.frozen
class Rate:
    """Rate limit of a partner, as an answer states it. What the answer does not say is `None`.

    Attributes:
        limit: requests in the window.
        remaining: requests that are left in it.
        reset_seconds: until the next window.
        retry_after: seconds to wait before the next request.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None
    retry_after: float | None = None

    @property
    def pause_seconds(self) -> float:
        """Seconds to wait before the next request: `ctx.http.pause(read_rate(response).pause_seconds)`."""
        if self.retry_after is not None:
            return self.retry_after
        return (self.reset_seconds or 0.0) if self.remaining == 0 else 0.0


def read_rate(response: httpx.Response) -> Rate:
    """Return what the headers of an answer say about the rate limit.

    Read are `Retry-After`, `RateLimit` in both forms of its drafts, `RateLimit-Limit` and its like, and
    these with `X-` before them; a large number of a reset is taken for a moment and not for a duration.

    Source: RFC 9110, 10.2.3; draft-ietf-httpapi-ratelimit-headers, versions 07 and 10.
    """
    limit, remaining = _read(response, "limit"), _read(response, "remaining")
    reset = _read(response, "reset")
    return Rate(
        limit=None if limit is None else int(limit),
        remaining=None if remaining is None else int(remaining),
        reset_seconds=None if reset is None else _until(reset),
        retry_after=retry_after(response),
    )


def _read(response: httpx.Response, what: str) -> float | None:
    for name in (f"ratelimit-{what}", f"x-ratelimit-{what}", f"x-rate-limit-{what}"):
        if found := _NUMBER.match(response.headers.get(name, "")):
            return float(found[1])
    for key in _PARTS[what]:
        for name in ("ratelimit", "ratelimit-policy"):
            if found := re.search(rf"(?:^|[;,\s]){key}=(\d+)", response.headers.get(name, "")):
                return float(found[1])
    return None


def _until(reset: float) -> float:
    if reset < _MOMENT:
        return reset
    moment = reset / 1000 if reset > _MILLISECONDS else reset
    return max(0.0, moment - time.time())
