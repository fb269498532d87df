"""Live display of a run on a terminal. Owns rich."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from damlink._cli._output import bytes_text, seconds_text
from damlink._cli._progress import HOLD_SHOWN_SECONDS, Lines, colour_of
from damlink._run.report import HookProgress
from damlink._state.listed import Tally
from damlink._state.rows import Row, RowState
from damlink._system.printable import one_line

__all__ = ["show_screen"]


class Screen(Lines):
    """Progress as the same lines, with the present state of the run below them."""

    def __init__(self, connector: str, live: Live) -> None:
        super().__init__(connector)
        self._live = live
        self._lock = threading.Lock()
        self._now: dict[str, str] = {}
        self._progress: dict[str | None, str] = {}
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
        self._progress.pop(None, None)

    def on_start(self, row: Row) -> None:
        """Show the asset that is being carried."""
        with self._lock:
            self._now[row.source_id] = one_line(row.title or row.source_id)

    def on_bytes(self, count: int) -> None:
        """Count the bytes that were sent."""
        with self._lock:
            self._bytes += count

    def on_progress(self, progress: HookProgress) -> None:
        """Show how far a hook is, behind its asset."""
        with self._lock:
            if progress.source_id is None or progress.source_id in self._now:
                self._progress[progress.source_id] = one_line(progress.text)

    def on_finish(self, row: Row, state: RowState, message: str) -> None:
        """Count an asset; write a line only if the administrator may have to act."""
        with self._lock:
            self._now.pop(row.source_id, None)
            self._progress.pop(row.source_id, None)
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
        colour = colour_of(state) or "default"
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
            if None in self._progress:
                head.append(f"  {self._progress[None]}", style="dim")
            shown = (
                " ".join(filter(None, (f"  {title}", self._progress.get(source_id))))
                for source_id, title in self._now.items()
            )
            current = [Text(each, style="cyan", overflow="ellipsis") for each in shown]
        return Group(head, *current[:8])


@contextlib.contextmanager
def show_screen(connector: str) -> Iterator[Screen]:
    """Show the progress of a run on stderr, which is a terminal."""
    console = Console(stderr=True)
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        screen = Screen(connector, live)
        live.update(screen)
        yield screen
