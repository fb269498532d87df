"""Confirmation of subscriptions in the background: at once, then repeatedly while their tokens are valid."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import Final

from damlink._serve.service import OneThread
from damlink._serve.subscriptions import Subscriptions
from damlink.errors import ConnectorError, DamlinkError, TransientError

__all__ = ["Confirmer"]

AGAIN_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


class Confirmer(OneThread):
    """Background service that confirms pending subscriptions, after the sender has received its answer."""

    def __init__(
        self,
        subscriptions: Iterable[Subscriptions],
        *,
        again_seconds: float = AGAIN_SECONDS,
    ) -> None:
        super().__init__("confirmer", self._run)
        self._subscriptions = tuple(subscriptions)
        self._again_seconds = again_seconds
        self._wake, self._stopping = threading.Event(), threading.Event()
        # Tokens that SNS refused for good. A new subscription brings a new token.
        self._refused: set[bytes] = set()

    def follow(self, subscriptions: Iterable[Subscriptions]) -> None:
        """Confirm the subscriptions of another version of the config from now on."""
        self._subscriptions = tuple(subscriptions)
        self.wake()

    def wake(self) -> None:
        """Look for pending confirmations now."""
        self._wake.set()

    def stop(self) -> None:
        """Ask the thread to end."""
        self._stopping.set()
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            for each in self._subscriptions:
                try:
                    self._confirm_pending(each)
                except DamlinkError as error:
                    _log.error("%s: confirmations wait: %s", each.portal, error)
            self._wake.wait(self._again_seconds)

    def _confirm_pending(self, subscriptions: Subscriptions) -> None:
        for arn, sealed in subscriptions.pending():
            if sealed in self._refused:
                continue
            try:
                subscriptions.confirm(arn)
            except TransientError as error:
                _log.warning("%s: %s is not confirmed yet: %s", subscriptions.portal, arn, error)
            except ConnectorError as error:
                self._refused.add(sealed)
                again = f"damlink events subscribe {subscriptions.portal}"
                _log.error("%s: %s cannot be confirmed: %s; %s", subscriptions.portal, arn, error, again)
