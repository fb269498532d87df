"""Durable record of a failing connector, so that a failure is reported only once."""

from __future__ import annotations

from typing import Final, Literal

from damlink._state.database import Database
from damlink._state.values import Values

__all__ = ["Change", "Health"]

Change = Literal["failing", "recovered"]

KEY: Final = "failing"


class Health:
    """The last reported state of a connector."""

    def __init__(self, database: Database, connector: str) -> None:
        # No connector's name begins with a tilde, so that these values are apart from every `ctx.state`.
        self._values = Values(database, f"~{connector}")

    def detect_change(self, *, has_failed: bool, listing: bool) -> Change | None:
        """Return the change to report after a run; `None` if there is none.

        A run without a listing is no proof that listing works again.
        """
        failing = self._values.get(KEY)
        if has_failed:
            return None if failing else "failing"
        return "recovered" if failing and (listing or not failing["listing"]) else None

    def mark_reported(self, change: Change, *, listing: bool) -> None:
        """Store that a change has been reported."""
        if change == "failing":
            self._values.put(KEY, {"listing": listing})
        else:
            self._values.delete(KEY)
