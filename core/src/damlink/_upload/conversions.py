"""Imports under conversion: one poll for all of them.

Source: api.bynder.com, "Retrieve poll state". Conversion takes 10 to 15 seconds on average, and
longer under load (said by a maintainer of an official SDK).
"""

from __future__ import annotations

import threading
import time
from enum import Enum
from typing import Final

from damlink.bynder.resources.uploads import Uploads

__all__ = ["ImportState", "Imports"]

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 8.0
MOST_IN_ONE_POLL: Final = 100  # so that the address stays short


class ImportState(Enum):
    """What the portal says of an import."""

    CONVERTING = "converting"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"


class Imports:
    """Asks about all imports that anybody waits for at once, and seldom."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._waited_for: dict[str, None] = {}
        self._known: dict[str, ImportState] = {}
        self._lock = threading.Lock()
        self._pause = FIRST_PAUSE_SECONDS
        self._asked_at = 0.0

    def state(self, import_id: str) -> ImportState:
        """What the portal says of an import, as of the last poll or a new one."""
        with self._lock:
            if import_id not in self._known:
                self._waited_for[import_id] = None
                if time.monotonic() - self._asked_at >= self._pause:
                    self._poll()
            return self._known.pop(import_id, ImportState.CONVERTING)

    @property
    def pause_seconds(self) -> float:
        """How long to wait before asking again."""
        return self._pause

    def _poll(self) -> None:
        asked = list(self._waited_for)[:MOST_IN_ONE_POLL]
        answer = self._uploads.poll(items=asked)
        self._asked_at = time.monotonic()
        before = len(self._known)
        told = {
            ImportState.DONE: answer.done,
            ImportState.FAILED: answer.failed,
            ImportState.REJECTED: answer.rejected,
        }
        for state, ids in told.items():
            for import_id in ids:
                self._known[import_id] = state
                self._waited_for.pop(import_id, None)
        for import_id in asked:  # those that wait longest go last the next time
            if import_id in self._waited_for:
                self._waited_for[import_id] = self._waited_for.pop(import_id)
        moved = len(self._known) > before
        self._pause = FIRST_PAUSE_SECONDS if moved else min(self._pause * 1.5, LONGEST_PAUSE_SECONDS)
