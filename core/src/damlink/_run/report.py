"""The progress of a run, as a listener receives it, and the result of the run."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from damlink._state.listed import Tally
from damlink._state.rows import NOT_CARRIED, Row, RowState
from damlink.errors import DamlinkError, StoppedError

__all__ = ["PROGRESS_SECONDS", "HookProgress", "RunCounter", "RunListener", "RunReport"]

PROGRESS_SECONDS: Final = 10.0  # between two lines that say how far a hook is


@attrs.frozen
class HookProgress:
    """Progress of a hook, as its plugin says.

    Attributes:
        source_id: of the asset; `None` outside of a transfer.
        text: such as `40 of 100 frames`.
    """

    source_id: str | None
    text: str

    def __str__(self) -> str:
        return f"{self.source_id} {self.text}" if self.source_id else self.text


class RunListener:
    """Receiver of a run's progress; each method does nothing until a subclass overrides it.

    Every method may be called from any thread.
    """

    def on_batch(self, tally: Tally) -> None:
        """Receive the counts of a batch that the listing has stored."""

    def on_listing_end(self) -> None:
        """Receive the end of the listing."""

    def on_start(self, row: Row) -> None:
        """Receive an asset whose transfer begins."""

    def on_bytes(self, count: int) -> None:
        """Receive the number of bytes that have arrived at a target."""

    def on_progress(self, progress: HookProgress) -> None:
        """Receive how far a hook is, once a second for each thread at most."""

    def on_finish(self, row: Row, state: RowState, message: str) -> None:
        """Receive the state that a transfer ended in; the message says why, or is empty."""

    def on_rate_limit(self, seconds: float) -> None:
        """Receive the seconds for which the rate limiter holds the run, at least."""


@attrs.frozen(kw_only=True)
class RunReport:
    """Result of one run.

    Attributes:
        listed: number of rows that are new, changed, unchanged, or found in the portal.
        outcomes: number of assets by the state that this run left them in.
        notices: messages for a person, by source id.
        error: the error that stopped the run, or `None`.
        hanging: one line for each hook that had not returned when the run ended.
    """

    connector: str
    listed: dict[str, int]
    outcomes: dict[str, int]
    bytes: int
    seconds: float
    notices: dict[str, str]
    error: DamlinkError | None
    hanging: list[str] = attrs.field(factory=list)

    @property
    def exit_code(self) -> int:
        """The exit code of a process that does this run alone."""
        if self.error is not None:
            return self.error.exit_code
        if self.hanging:
            return StoppedError.exit_code
        return 1 if any(self.outcomes.get(state) for state in NOT_CARRIED) else 0

    @property
    def cause(self) -> str:
        """The failure and its remedy in one line; empty if the run succeeded."""
        if self.error is not None:
            return str(self.error)
        bad = [f"{self.outcomes[state]} {state.value}" for state in NOT_CARRIED if self.outcomes.get(state)]
        return f"{', '.join(bad)}; `damlink assets {self.connector}` says which and why" if bad else ""

    def totals(self) -> dict[str, Any]:
        """Return the numbers that the table of runs stores, and the type of the error if there is one."""
        totals = {
            "listed": self.listed,
            "outcomes": self.outcomes,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
        }
        return totals if self.error is None else totals | {"error_type": type(self.error).__name__}


class RunCounter(RunListener):
    """Counter of a run's progress that passes each call on to another listener."""

    def __init__(self, inner: RunListener) -> None:
        self.after_batch: Callable[[], None] = lambda: None
        self._inner = inner
        self._lock = threading.Lock()
        self._listed: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        # A failed asset may be tried again within the run: count each by its last state.
        self._left: dict[str, RowState] = {}
        self._notices: dict[str, str] = {}
        self._bytes = 0

    def on_batch(self, tally: Tally) -> None:
        """Count a batch, and wake the transfer threads."""
        with self._lock:
            self._listed.update(attrs.asdict(tally))
        self._inner.on_batch(tally)
        self.after_batch()

    def on_listing_end(self) -> None:
        """Pass it on."""
        self._inner.on_listing_end()

    def on_start(self, row: Row) -> None:
        """Pass it on."""
        self._inner.on_start(row)

    def on_bytes(self, count: int) -> None:
        """Count bytes."""
        with self._lock:
            self._bytes += count
        self._inner.on_bytes(count)

    def on_progress(self, progress: HookProgress) -> None:
        """Pass it on."""
        self._inner.on_progress(progress)

    def on_finish(self, row: Row, state: RowState, message: str) -> None:
        """Count an asset by its last state."""
        with self._lock:
            self._left.pop(row.source_id, None)
            if state in (RowState.PUSHED, RowState.SKIPPED, RowState.REMOVED):
                self._done[state.value] += 1
            else:
                self._left[row.source_id] = state
            if message and state is RowState.PUSHED:
                self._notices[row.source_id] = message
        self._inner.on_finish(row, state, message)

    def on_rate_limit(self, seconds: float) -> None:
        """Pass it on."""
        self._inner.on_rate_limit(seconds)

    def report(
        self, connector: str, seconds: float, error: DamlinkError | None, hanging: Sequence[str] = ()
    ) -> RunReport:
        """Return the result of the run."""
        outcomes = self._done + Counter(state.value for state in self._left.values())
        return RunReport(
            connector=connector,
            listed=dict(self._listed),
            outcomes=dict(outcomes),
            bytes=self._bytes,
            seconds=seconds,
            notices=dict(self._notices),
            error=error,
            hanging=list(hanging),
        )
