"""Pauses that double, and the progress of a poll that survives a restart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs

__all__ = ["LONGEST_SECONDS", "Backoff", "Poll", "pause_by_age"]

FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 8.0

# A float holds no larger power; any longest pause is reached long before.
_MOST_DOUBLINGS: Final = 64


def pause_by_age(age_seconds: float) -> float:
    """Return a pause that grows with the time since the first attempt, up to a limit."""
    return min(max(FIRST_SECONDS, age_seconds / 2), LONGEST_SECONDS)


@attrs.frozen
class Backoff:
    """Pauses that double, up to the longest."""

    first_seconds: float = 2.0
    longest_seconds: float = 60.0

    def pause_seconds(self, number: int) -> float:
        """Return the pause after `number` earlier pauses."""
        return min(self.first_seconds * float(2 ** min(number, _MOST_DOUBLINGS)), self.longest_seconds)


@attrs.frozen
class Poll:
    """Progress of a poll, small enough for a checkpoint.

    Attributes:
        since: begin of the poll.
        count: requests so far.
    """

    since: datetime
    count: int = 0

    @classmethod
    def read(cls, noted: Mapping[str, Any] | None, now: datetime) -> Poll:
        """Return the poll of a note; a poll that begins now if there is no note."""
        since = (noted or {}).get("since")
        return cls(datetime.fromisoformat(since), int((noted or {}).get("count", 0))) if since else cls(now)

    def note(self) -> dict[str, Any]:
        """Return the poll in a form that a checkpoint keeps."""
        return {"since": self.since.isoformat(), "count": self.count}

    def advance(self) -> Poll:
        """Return the poll with one more request counted."""
        return attrs.evolve(self, count=self.count + 1)

    def age_seconds(self, now: datetime) -> float:
        """Return the time since the poll began."""
        return (now - self.since).total_seconds()
