"""Whether a connector is known to fail: durable, so that people are told once."""

from __future__ import annotations

from typing import Final, Literal

from damlink._state.database import Database
from damlink._state.values import Values

__all__ = ["Change", "Health"]

Change = Literal["failing", "recovered"]

KEY: Final = "failing"
_SAYS_NOTHING: Final = (5, 130)  # another run was active, or a person stopped it


class Health:
    """What people have been told of a connector last."""

    def __init__(self, database: Database, connector: str) -> None:
        self._values = Values(database, f"~{connector}")  # no connector is called so: it is not `ctx.state`

    def detect_change(self, exit_code: int, *, listing: bool) -> Change | None:
        """What a run's end changes, as far as people know; `None`: nothing.

        A run that did not list is no proof that listing works again.
        """
        if exit_code in _SAYS_NOTHING:
            return None
        failing = self._values.get(KEY)
        if exit_code:
            return None if failing else "failing"
        return "recovered" if failing and (listing or not failing["listing"]) else None

    def mark_reported(self, change: Change, *, listing: bool) -> None:
        """Note that people know."""
        if change == "failing":
            self._values.put(KEY, {"listing": listing})
        else:
            self._values.delete(KEY)
