"""What a run tells whoever watches it, and what it all came to."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs

from damlink._state.listed import Tally
from damlink._state.rows import Row, RowState
from damlink.errors import DamlinkError

__all__ = ["RunCounter", "RunListener", "RunReport"]

_BAD: Final = (RowState.FAILED, RowState.REJECTED, RowState.UNCERTAIN)


class RunListener:
    """Watches nothing; a progress display overrides what it wants to know.

    Every method may be called from any thread.
    """

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


@attrs.frozen(kw_only=True)
class RunReport:
    """What a run did.

    Attributes:
        listed: rows by what the listing made of them: new, changed, unchanged, found.
        outcomes: assets by the state in which this run left them.
        notices: what a person should know, by source id.
        error: what stopped it, if something did.
    """

    connector: str
    listed: dict[str, int]
    outcomes: dict[str, int]
    bytes: int
    seconds: float
    notices: dict[str, str]
    error: DamlinkError | None

    @property
    def exit_code(self) -> int:
        """0, or what is wrong."""
        if self.error is not None:
            return self.error.exit_code
        return 1 if any(self.outcomes.get(state) for state in _BAD) else 0

    @property
    def cause(self) -> str:
        """What is wrong and what to do, in one line; empty if all is well."""
        if self.error is not None:
            return str(self.error)
        bad = [f"{self.outcomes[state]} {state.value}" for state in _BAD if self.outcomes.get(state)]
        return f"{', '.join(bad)}; `damlink assets {self.connector}` says which and why" if bad else ""

    def totals(self) -> dict[str, Any]:
        """The numbers, as they are kept of the run."""
        return {
            "listed": self.listed,
            "outcomes": self.outcomes,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
        }


class RunCounter(RunListener):
    """Counts what a run does and passes it on."""

    def __init__(self, inner: RunListener) -> None:
        self.on_listed: Callable[[], None] = lambda: None
        self._inner = inner
        self._lock = threading.Lock()
        self._listed: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self._left: dict[str, RowState] = {}  # what may still change within the run
        self._notices: dict[str, str] = {}
        self._bytes = 0

    def listed(self, tally: Tally) -> None:
        """Count a batch, and wake the workers."""
        with self._lock:
            self._listed.update(attrs.asdict(tally))
        self._inner.listed(tally)
        self.on_listed()

    def listing_done(self) -> None:
        """Pass it on."""
        self._inner.listing_done()

    def started(self, row: Row) -> None:
        """Pass it on."""
        self._inner.started(row)

    def sent(self, count: int) -> None:
        """Count bytes."""
        with self._lock:
            self._bytes += count
        self._inner.sent(count)

    def finished(self, row: Row, state: RowState, message: str) -> None:
        """Count an asset by the state it was left in last."""
        with self._lock:
            self._left.pop(row.source_id, None)
            if state in (RowState.PUSHED, RowState.SKIPPED):
                self._done[state.value] += 1
            else:
                self._left[row.source_id] = state
            if message and state is RowState.PUSHED:
                self._notices[row.source_id] = message
        self._inner.finished(row, state, message)

    def held(self, seconds: float) -> None:
        """Pass it on."""
        self._inner.held(seconds)

    def report(self, connector: str, seconds: float, error: DamlinkError | None) -> RunReport:
        """What it all came to."""
        outcomes = self._done + Counter(state.value for state in self._left.values())
        return RunReport(
            connector=connector,
            listed=dict(self._listed),
            outcomes=dict(outcomes),
            bytes=self._bytes,
            seconds=seconds,
            notices=dict(self._notices),
            error=error,
        )
