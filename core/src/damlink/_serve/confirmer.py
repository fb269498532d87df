"""Confirms subscriptions beside the server: at once, and again for as long as their tokens live."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

from damlink._serve.subscriptions import Subscriptions
from damlink.errors import ConnectorError, DamlinkError, TransientError

__all__ = ["Confirmer"]

AGAIN_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


class Confirmer:
    """A worker that confirms what waits for it: after the sender has had its answer, never before."""

    def __init__(
        self,
        subscriptions: Iterable[Subscriptions],
        *,
        again_seconds: float = AGAIN_SECONDS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._subscriptions = tuple(subscriptions)
        self._again_seconds, self._now = again_seconds, now
        self._woken, self._stopping = threading.Event(), threading.Event()
        self._refused: set[bytes] = (
            set()
        )  # tokens that are of no use; a new one comes with a new subscription
        self._thread = threading.Thread(target=self._work, name="confirmer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def follow(self, subscriptions: Iterable[Subscriptions]) -> None:
        """Confirm those of another version of the config from now on."""
        self._subscriptions = tuple(subscriptions)
        self.wake()

    def wake(self) -> None:
        """A confirmation has come."""
        self._woken.set()

    def stop(self) -> None:
        """Ask it to end."""
        self._stopping.set()
        self._woken.set()

    def join(self, timeout: float) -> bool:
        """Wait for its end."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            for each in self._subscriptions:
                try:
                    self._confirm(each)
                except DamlinkError as error:
                    _log.error("%s: confirmations wait: %s", each.portal, error)
            self._woken.wait(self._again_seconds)

    def _confirm(self, subscriptions: Subscriptions) -> None:
        for arn, sealed in subscriptions.waiting():
            if sealed in self._refused:
                continue
            try:
                subscriptions.confirm(arn, self._now())
            except TransientError as error:
                _log.warning("%s: %s is not confirmed yet: %s", subscriptions.portal, arn, error)
            except ConnectorError as error:
                self._refused.add(sealed)
                again = f"damlink events subscribe {subscriptions.portal}"
                _log.error("%s: %s cannot be confirmed: %s; %s", subscriptions.portal, arn, error, again)
