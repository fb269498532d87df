"""Progress of a run: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from damlink._cli._output import bytes_text, echo, seconds_text
from damlink._run.report import RunListener
from damlink._state.listed import Tally
from damlink._state.rows import Row, RowState
from damlink._system.printable import one_line

__all__ = ["show_progress"]

_COLOURS = {
    RowState.PUSHED: "green",
    RowState.SKIPPED: "dim",
    RowState.WAITING: "yellow",
    RowState.FAILED: "red",
    RowState.REJECTED: "red",
    RowState.UNCERTAIN: "magenta",
}
HOLD_SHOWN_SECONDS = 2.0  # shorter waits are the normal spacing of the rate limiter


class Lines(RunListener):
    """Progress as one line for each asset, on stderr."""

    def __init__(self, connector: str) -> None:
        self._connector = connector
        self._held_until = 0.0

    def on_finish(self, row: Row, state: RowState, message: str) -> None:
        """Write the outcome of an asset."""
        self.say(line(self._connector, row, state, message), state)

    def on_rate_limit(self, seconds: float) -> None:
        """Write that the rate limiter holds the run back, once for each wait."""
        if seconds >= HOLD_SHOWN_SECONDS and time.monotonic() > self._held_until:
            self._held_until = time.monotonic() + seconds
            waiting = seconds_text(seconds)
            self.say(f"{self._connector}: waiting {waiting} for the pace ([pace] in the config)", None)

    def say(self, text: str, state: RowState | None) -> None:
        """Write one line."""
        colour = _COLOURS.get(state) if state else None
        echo(text, err=True, fg=colour if colour != "dim" else None)


def line(connector: str, row: Row, state: RowState, message: str) -> str:
    """Return the outcome of an asset in one line."""
    title = f" {row.title!r}" if row.title else ""
    return f"{connector}: {state.value} {row.source_id}{title}{': ' + message if message else ''}"


class Screen(Lines):
    """Progress as the same lines, with the present state of the run below them."""

    def __init__(self, connector: str, live: Live) -> None:
        super().__init__(connector)
        self._live = live
        self._lock = threading.Lock()
        self._now: dict[str, str] = {}
        self._listed = self._done = self._bad = self._bytes = 0
        self._listing = True
        self._hold = 0.0
        self._began = time.monotonic()

    def on_batch(self, tally: Tally) -> None:
        """Count the assets to carry."""
        with self._lock:
            self._listed += tally.new + tally.changed

    def on_listing_end(self) -> None:
        """Show the total from now on."""
        self._listing = False

    def on_start(self, row: Row) -> None:
        """Show the asset that is being carried."""
        with self._lock:
            self._now[row.source_id] = one_line(row.title or row.source_id)

    def on_bytes(self, count: int) -> None:
        """Count the bytes that were sent."""
        with self._lock:
            self._bytes += count

    def on_finish(self, row: Row, state: RowState, message: str) -> None:
        """Count an asset; write a line only if the administrator may have to act."""
        with self._lock:
            self._now.pop(row.source_id, None)
            self._done += 1
            self._bad += state in (RowState.FAILED, RowState.REJECTED, RowState.UNCERTAIN)
        # A line for each success would push the lines that need attention off the screen.
        if state is not RowState.PUSHED or message:
            super().on_finish(row, state, message)

    def on_rate_limit(self, seconds: float) -> None:
        """Show that the rate limiter holds the run back."""
        self._hold = time.monotonic() + seconds if seconds >= HOLD_SHOWN_SECONDS else 0.0

    def say(self, text: str, state: RowState | None) -> None:
        """Write one line above the display."""
        colour = _COLOURS.get(state, "default") if state else "default"
        self._live.console.print(Text(one_line(text), style=colour), soft_wrap=True)

    def __rich__(self) -> Group:
        """Return the present state of the run for the display."""
        elapsed = max(time.monotonic() - self._began, 0.001)
        with self._lock:
            known = f"{self._done}" if self._listing else f"{self._done} of {max(self._listed, self._done)}"
            head = Text(f"{self._connector}  ", style="bold")
            head.append(f"{known} assets  {bytes_text(self._bytes)}  ", style="default")
            head.append(f"{bytes_text(int(self._bytes / elapsed))}/s  {seconds_text(elapsed)}", style="dim")
            if self._bad:
                head.append(f"  {self._bad} not carried", style="red")
            if (hold := self._hold - time.monotonic()) > 0:
                head.append(f"  waiting {seconds_text(hold)} for the pace", style="yellow")
            current = [Text(f"  {title}", style="cyan", overflow="ellipsis") for title in self._now.values()]
        return Group(head, *current[:8])


@contextlib.contextmanager
def show_progress(connector: str) -> Iterator[RunListener]:
    """Show the progress of a run on stderr: live on a terminal, else as lines."""
    if not sys.stderr.isatty():
        yield Lines(connector)
        return
    console = Console(stderr=True)
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        screen = Screen(connector, live)
        live.update(screen)
        yield screen
