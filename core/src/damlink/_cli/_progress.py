"""Progress of a run as plain lines."""

from __future__ import annotations

import time

from damlink._cli._output import echo, seconds_text
from damlink._run.report import PROGRESS_SECONDS, HookProgress, RunListener
from damlink._state.rows import Row, RowState
from damlink._system.cadence import Cadence

__all__ = ["HOLD_SHOWN_SECONDS", "Lines", "colour_of"]

_COLOURS = {
    RowState.PUSHED: "green",
    RowState.SKIPPED: "dim",
    RowState.REMOVED: "dim",
    RowState.WAITING: "yellow",
    RowState.FAILED: "red",
    RowState.REJECTED: "red",
    RowState.UNCERTAIN: "magenta",
}
HOLD_SHOWN_SECONDS = 2.0  # shorter waits are the normal spacing of the rate limiter


class Lines(RunListener):
    """Progress as one line for each asset, on stderr."""

    def __init__(self, connector: str, cadence: Cadence | None = None) -> None:
        self._connector = connector
        self._held_until = 0.0
        self._progress_cadence = cadence or Cadence(PROGRESS_SECONDS)

    def on_finish(self, row: Row, state: RowState, message: str) -> None:
        """Write the outcome of an asset."""
        self.say(line(self._connector, row, state, message), state)

    def on_progress(self, progress: HookProgress) -> None:
        """Write how far a hook is, now and then."""
        if self._progress_cadence.is_due():
            self.say(f"{self._connector}: {progress}", None)

    def on_rate_limit(self, seconds: float) -> None:
        """Write that the rate limiter holds the run back, once for each wait."""
        if seconds >= HOLD_SHOWN_SECONDS and time.monotonic() > self._held_until:
            self._held_until = time.monotonic() + seconds
            waiting = seconds_text(seconds)
            self.say(f"{self._connector}: waiting {waiting} for the pace ([pace] in the config)", None)

    def say(self, text: str, state: RowState | None) -> None:
        """Write one line."""
        colour = colour_of(state)
        echo(text, err=True, fg=colour if colour != "dim" else None)


def colour_of(state: RowState | None) -> str | None:
    """Return the colour of a line about an asset in a state."""
    return _COLOURS.get(state) if state else None


def line(connector: str, row: Row, state: RowState, message: str) -> str:
    """Return the outcome of an asset in one line."""
    title = f" {row.title!r}" if row.title else ""
    return f"{connector}: {state.value} {row.source_id}{title}{': ' + message if message else ''}"
