"""Attempts to sign in elsewhere, bound to the browser that began each; good once; and their results."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

import attrs

from damlink.errors import AuthError

__all__ = ["LASTS", "Attempts", "Results"]

LASTS: Final = timedelta(minutes=10)
MOST_ATTEMPTS: Final = 10_000

T = TypeVar("T")


@attrs.frozen
class _Begun(Generic[T]):
    attempt: T
    browser: str
    until: datetime


class Attempts(Generic[T]):
    """Attempts under way, by the state that comes back with their answer.

    Args:
        now: the clock.
        again: what a person does whose attempt is not known.
    """

    def __init__(self, now: Callable[[], datetime], again: str) -> None:
        self._now, self._again = now, again
        self._lock = threading.Lock()
        self._begun: dict[str, _Begun[T]] = {}

    def begin(self, state: str, attempt: T) -> str:
        """Keep an attempt; return the secret that the browser keeps for it."""
        browser, now = secrets.token_urlsafe(32), self._now()
        with self._lock:
            self._begun = {key: each for key, each in self._begun.items() if now < each.until}
            while len(self._begun) >= MOST_ATTEMPTS:
                del self._begun[next(iter(self._begun))]
            self._begun[state] = _Begun(attempt, _hash(browser), now + LASTS)
        return browser

    def take(self, browser: str, state: str) -> T:
        """Return an attempt, and forget it.

        Raises:
            AuthError: it was not begun in this browser, is used, or is too old.
        """
        with self._lock:
            begun = self._begun.get(state)
            is_own = begun is not None and begun.browser == _hash(browser)
            if is_own:
                del self._begun[state]
        if begun is None or not is_own or self._now() >= begun.until:
            raise self.unknown()
        return begun.attempt

    def find(self, browser: str) -> T | None:
        """Return the last attempt that was begun in a browser, or `None`; it stays good."""
        hashed, now = _hash(browser), self._now()
        with self._lock:
            own = [each for each in self._begun.values() if each.browser == hashed and now < each.until]
        return own[-1].attempt if own else None

    def unknown(self) -> AuthError:
        """Return the error of an attempt that is not known."""
        what = "this sign-in was not begun in this browser, is used, or is older than 10 minutes (state)"
        return AuthError(what, hint=self._again)


class Results(Generic[T]):
    """What became of attempts, for the browsers that began them.

    Args:
        now: the clock.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self._lock = now, threading.Lock()
        self._kept: dict[str, tuple[T, datetime]] = {}

    def keep(self, browser: str, result: T) -> None:
        """Keep the result of the last attempt of a browser."""
        now = self._now()
        with self._lock:
            self._kept = {key: each for key, each in self._kept.items() if now < each[1]}
            while len(self._kept) >= MOST_ATTEMPTS:
                del self._kept[next(iter(self._kept))]
            self._kept[_hash(browser)] = (result, now + LASTS)

    def find(self, browser: str) -> T | None:
        """Return the result of the last attempt of a browser, or `None`."""
        result, until = self._kept.get(_hash(browser), (None, self._now()))
        return result if self._now() < until else None


def _hash(secret: str) -> str:
    """Return the hash that an attempt is compared by, so that no time of a comparison tells the secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
