"""Conversions of finalised uploads, polled together.

Source: api.bynder.com, "Retrieve poll state". Conversion takes 10 to 15 seconds on average, and
longer under load (according to a maintainer of an official SDK).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

from damlink.bynder.records.uploads import Poll
from damlink.bynder.resources.uploads import Uploads

__all__ = ["ConversionState", "Conversions"]

FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 8.0
GROWTH: Final = 1.5
# As long as polls bring results, but fewer than these, the pause grows up to the second figure: each poll
# is a counted request, and other uploads are carried meanwhile.
ENOUGH_RESULTS: Final = 12
LONGEST_GATHERING_SECONDS: Final = 1.0
# The ids of one poll are part of its address.
MOST_IN_ONE_POLL: Final = 100


class ConversionState(Enum):
    """State of a conversion in the portal."""

    CONVERTING = "converting"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"


class Conversions:
    """Shared poll of all conversions that transfer threads wait for.

    No thread waits for a poll that another one has sent: the results are there at its next call.
    """

    def __init__(self, uploads: Uploads, clock: Callable[[], float] = time.monotonic) -> None:
        self._uploads = uploads
        self._clock = clock
        self._waited_for: dict[str, None] = {}
        self._known: dict[str, ConversionState] = {}
        self._lock = threading.Lock()
        self._pause = FIRST_PAUSE_SECONDS
        self._next_at = 0.0
        self._polling_since: float | None = None

    def state(self, import_id: str, *, at_once: bool = False) -> ConversionState:
        """Return the state of an import, from an earlier poll or a new one.

        Args:
            at_once: poll a new import without waiting for others, since its caller does nothing else.
        """
        with self._lock:
            asked = self._select(import_id, at_once)
        if asked:
            self._poll(asked)
        return self._known.pop(import_id, ConversionState.CONVERTING)

    @property
    def pause_seconds(self) -> float:
        """Seconds to wait before the next call."""
        now, since = self._clock(), self._polling_since
        # A poll may itself wait for minutes, for the rate limiter: look for its end less and less often.
        left = self._next_at - now if since is None else now - since
        return min(max(left, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)

    def _select(self, import_id: str, at_once: bool) -> Sequence[str]:
        """Return the imports to poll now; none if the state is known, or it is too early."""
        if import_id in self._known:
            return ()
        is_awaited = at_once and import_id not in self._waited_for
        self._waited_for[import_id] = None
        if is_awaited:
            self._pause = FIRST_PAUSE_SECONDS
        elif self._polling_since is not None or self._clock() < self._next_at:
            return ()
        self._polling_since = self._clock()
        others = [each for each in self._waited_for if each != import_id]
        return [import_id, *others[: MOST_IN_ONE_POLL - 1]]

    def _poll(self, asked: Sequence[str]) -> None:
        results = 0
        try:
            results = self._note(asked, self._uploads.poll(items=asked))
        finally:
            with self._lock:
                self._pause = _following_pause(self._pause, results)
                self._next_at, self._polling_since = self._clock() + self._pause, None

    def _note(self, asked: Sequence[str], answer: Poll) -> int:
        """Store the states in an answer, and return how many are final."""
        ids_of = {
            ConversionState.DONE: answer.done,
            ConversionState.FAILED: answer.failed,
            ConversionState.REJECTED: answer.rejected,
        }
        found = {each: state for state, ids in ids_of.items() for each in ids}
        with self._lock:
            self._known.update(found)
            for import_id in found:
                self._waited_for.pop(import_id, None)
            # Move the others to the end: if there are many, all take turns.
            for import_id in asked:
                if import_id in self._waited_for:
                    self._waited_for[import_id] = self._waited_for.pop(import_id)
        return len(found)


def _following_pause(pause: float, results: int) -> float:
    """Return the pause after a poll with so many results."""
    if results > ENOUGH_RESULTS:
        return max(pause / GROWTH, FIRST_PAUSE_SECONDS)
    longest = LONGEST_GATHERING_SECONDS if results else LONGEST_PAUSE_SECONDS
    return min(pause * GROWTH, longest)
