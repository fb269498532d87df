"""The other side's clock, by the dates of its answers."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime, timedelta

import httpx

from damlink._system.process import age_clock

__all__ = ["RemoteClock"]


class RemoteClock:
    """Clock of the other side, by its last answer.

    The time since that answer is measured by the machine's boot clock: the system clock may be set meanwhile,
    and an asset must never seem older than its own save.
    """

    def __init__(self) -> None:
        self._known: tuple[datetime, float] | None = None

    def set_by(self, response: httpx.Response) -> None:
        """Read the date of an answer; keep what is known if it has none."""
        try:
            date = email.utils.parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return
        self._known = date.astimezone(UTC), age_clock()

    def now(self) -> datetime:
        """Return the time on the other side's clock; on ours before there is an answer."""
        if self._known is None:
            return datetime.now(UTC)
        date, since = self._known
        return date + timedelta(seconds=age_clock() - since)
