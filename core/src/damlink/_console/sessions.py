"""The right to see the pages: a link that works once, then a session that ends by itself. All in memory."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from typing import Final

import attrs

__all__ = ["ABSOLUTE_SECONDS", "IDLE_SECONDS", "LINK_SECONDS", "Sessions"]

LINK_SECONDS: Final = 300.0
IDLE_SECONDS: Final = 1800.0
ABSOLUTE_SECONDS: Final = 12 * 3600.0
MOST_SESSIONS: Final = 20


@attrs.define
class _Times:
    began: float
    used: float


class Sessions:
    """One-time links and sessions of one process; only hashes of their secrets are kept.

    Args:
        now: a clock in seconds that is never set back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._links: dict[str, float] = {}
        self._sessions: dict[str, _Times] = {}

    def make_link(self) -> str:
        """Return the secret of a new one-time link."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            self._links[_hash(secret)] = self._now()
        return secret

    def begin(self, link: str) -> str | None:
        """Use a link up, and return the secret of a new session; `None` if it is unknown, used or old."""
        with self._lock:
            made = self._links.pop(_hash(link), None)
            if made is None or self._now() - made > LINK_SECONDS:
                return None
            return self._begin()

    def _begin(self) -> str:
        self._forget_ended()
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda each: self._sessions[each].used)]
        secret, now = secrets.token_urlsafe(32), self._now()
        self._sessions[_hash(secret)] = _Times(now, now)
        return secret

    def touch(self, secret: str) -> bool:
        """Return whether a session is open, and note that it was used."""
        with self._lock:
            self._forget_ended()
            times = self._sessions.get(_hash(secret))
            if times is not None:
                times.used = self._now()
            return times is not None

    def end(self, secret: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(_hash(secret), None)

    def _forget_ended(self) -> None:
        now = self._now()
        self._sessions = {
            key: times
            for key, times in self._sessions.items()
            if now - times.used <= IDLE_SECONDS and now - times.began <= ABSOLUTE_SECONDS
        }


def _hash(secret: str) -> str:
    """Return the hash under which a secret is looked up, so that no time of a comparison tells about it."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
