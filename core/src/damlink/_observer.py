"""What a run tells whoever watches it. Every method may be called from any thread."""

from __future__ import annotations

from damlink._state import Row, RowState, Tally

__all__ = ["Observer"]


class Observer:
    """Watches nothing; a progress display overrides what it wants to know."""

    def listed(self, tally: Tally) -> None:
        """A batch of the listing has been written."""

    def listing_done(self) -> None:
        """The listing has been walked to its end."""

    def started(self, row: Row) -> None:
        """A worker has taken an asset."""

    def sent(self, count: int) -> None:
        """So many bytes have arrived at a target."""

    def finished(self, row: Row, state: RowState, message: str) -> None:
        """An asset has reached a state; the message says why, or is empty."""

    def held(self, seconds: float) -> None:
        """The pace holds the run back for so long at least."""
