"""Custody of tokens: storage that all users of a credential share, and the right to renew its token."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Protocol

from damlink._http.token import Token
from damlink._system.waiting import Verify, hold, verify_nothing

__all__ = ["Custody", "MemoryCustody"]


class Custody(Protocol):
    """Storage for the token of one credential, shared by all its users."""

    def load(self) -> Token | None:
        """Return the stored token, or `None`."""

    def save(self, token: Token) -> None:
        """Store a token; durable when this returns, so that it may be used."""

    def replace(self, token: Token, read: Token | None) -> Token:
        """Store a renewed token if the stored one is still the one that was read.

        Returns:
            The token that is stored now; durable, so that it may be used.
        """

    def exclusive(self) -> contextlib.AbstractContextManager[Verify]:
        """Hold the lock for renewing the token.

        Yields:
            A function that verifies the lock; it raises `TransientError` if the lock was lost.
        """


class MemoryCustody:
    """Custody that ends with the process."""

    def __init__(self) -> None:
        self._token: Token | None = None
        self._lock = threading.Lock()

    def load(self) -> Token | None:
        """Return the stored token, or `None`."""
        return self._token

    def save(self, token: Token) -> None:
        """Store a token."""
        self._token = token

    def replace(self, token: Token, read: Token | None) -> Token:
        """Store a token, unless another one was stored since."""
        if self._token is None or self._token is read:
            self._token = token
        return self._token

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[Verify]:
        """Hold the lock for renewing the token."""
        with hold(self._lock):
            yield verify_nothing
