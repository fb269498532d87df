"""Conversions of finalised uploads, polled together.

Source: api.bynder.com, "Retrieve poll state". Conversion takes 10 to 15 seconds on average, and
longer under load (according to a maintainer of an official SDK).
"""

from __future__ import annotations

import threading
import time
from enum import Enum
from typing import Final

from damlink.bynder.resources.uploads import Uploads

__all__ = ["ConversionState", "Conversions"]

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 8.0
# The ids of one poll are part of its address.
MOST_IN_ONE_POLL: Final = 100


class ConversionState(Enum):
    """State of a conversion in the portal."""

    CONVERTING = "converting"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"


class Conversions:
    """Shared poll of all conversions that transfer threads wait for."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._waited_for: dict[str, None] = {}
        self._known: dict[str, ConversionState] = {}
        self._lock = threading.Lock()
        self._pause = FIRST_PAUSE_SECONDS
        self._polled_at = 0.0

    def state(self, import_id: str) -> ConversionState:
        """Return the state of an import, from the last poll or a new one."""
        with self._lock:
            if import_id not in self._known:
                self._waited_for[import_id] = None
                if time.monotonic() - self._polled_at >= self._pause:
                    self._poll()
            return self._known.pop(import_id, ConversionState.CONVERTING)

    @property
    def pause_seconds(self) -> float:
        """Seconds to wait before the next call."""
        return self._pause

    def _poll(self) -> None:
        asked = list(self._waited_for)[:MOST_IN_ONE_POLL]
        answer = self._uploads.poll(items=asked)
        self._polled_at = time.monotonic()
        before = len(self._known)
        ids_of = {
            ConversionState.DONE: answer.done,
            ConversionState.FAILED: answer.failed,
            ConversionState.REJECTED: answer.rejected,
        }
        for state, ids in ids_of.items():
            for import_id in ids:
                self._known[import_id] = state
                self._waited_for.pop(import_id, None)
        # Move the imports of this poll behind the others: if there are many, all take turns.
        for import_id in asked:
            if import_id in self._waited_for:
                self._waited_for[import_id] = self._waited_for.pop(import_id)
        has_news = len(self._known) > before
        self._pause = FIRST_PAUSE_SECONDS if has_news else min(self._pause * 1.5, LONGEST_PAUSE_SECONDS)
