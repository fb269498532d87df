"""A run: the lease, the listing and the workers side by side, and what came of it."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import attrs

from damlink._assembly import Assembled, Assembly
from damlink._crypto import Cipher
from damlink._listing import list_into
from damlink._observer import Observer
from damlink._state import Lease, Ledger, LedgerCheckpoint, Row, RowState, Runs, Tally
from damlink._transfer import Job, Outcome, Transfer
from damlink.errors import DamlinkError, LeaseLostError, StoppedError

__all__ = ["RunOptions", "RunReport", "run_connector"]

IDLE_SECONDS: Final = 2.0  # a change wakes a worker sooner; this is for rows that come due by themselves
MOST_PARKED: Final = 64  # assets that wait for the portal while others are carried
_BAD: Final = (RowState.FAILED, RowState.REJECTED, RowState.UNCERTAIN)


@attrs.frozen(kw_only=True)
class RunOptions:
    """What a person may ask of one run."""

    full: bool = False
    limit: int | None = None
    workers: int | None = None


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

    def totals(self) -> dict[str, Any]:
        """The numbers, as they are kept of the run."""
        return {
            "listed": self.listed,
            "outcomes": self.outcomes,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
        }


def run_connector(assembly: Assembly, name: str, options: RunOptions) -> RunReport:
    """Sync one connector now.

    Raises:
        ConfigError, PluginLoadError, StateError, RunActiveError: it could not even begin.
    """
    stop = threading.Event()
    watch = _Watch(assembly.observer)
    assembly.check(name)  # what is wrong with the config or the plugin is said before anything is touched
    with Lease(assembly.database, name) as lease:

        def verify() -> None:
            if stop.is_set():
                raise StoppedError(f"{name}: stopped")
            lease.verify()

        cipher = assembly.cipher  # with a wrong key nothing is begun
        work = assembly.assemble(name, verify, watch)
        ledger = Ledger(assembly.database, name, lease.epoch, work.siblings)
        runs = Runs(assembly.database, name)
        number = runs.begin(lease.epoch, work.context.now())
        report = _Run(work, ledger, cipher, options, watch, stop).execute()
        error = str(report.error) if report.error else ""
        runs.end(number, work.context.now(), report.exit_code, report.totals(), error)
    return report


class _Run:
    """One run under its lease."""

    def __init__(
        self,
        work: Assembled,
        ledger: Ledger,
        cipher: Cipher,
        options: RunOptions,
        watch: _Watch,
        stop: threading.Event,
    ) -> None:
        self._work = work
        self._ledger = ledger
        self._cipher = cipher
        self._options = options
        self._watch = watch
        self._stop = stop
        self._transfer = Transfer(work, ledger)
        self._error: DamlinkError | None = None
        self._listing = True
        self._claims = 0
        self._active = 0
        self._parked: list[tuple[float, int, Job]] = []
        self._order = itertools.count()
        self._news = 0  # counts what a waiting worker should look at
        self._changed = threading.Condition()
        watch.on_listed = self._wake

    def execute(self) -> RunReport:
        """List and carry until nothing is left to do now."""
        began = time.monotonic()
        count = self._options.workers or self._work.config.workers
        with ThreadPoolExecutor(count, thread_name_prefix=self._work.name) as pool:
            workers = [pool.submit(self._work_through) for _ in range(count)]
            try:
                self._list()
                for worker in workers:
                    worker.result()
            except KeyboardInterrupt:
                self._end(StoppedError(f"{self._work.name}: interrupted; the next run goes on from here"))
        with contextlib.suppress(LeaseLostError):
            self._ledger.release(self._work.context.now())
        return self._watch.report(self._work.name, time.monotonic() - began, self._error)

    # --- listing -----------------------------------------------------------------------------------

    def _list(self) -> None:
        try:
            if "list_source_assets" in self._work.connector.hooks:
                list_into(
                    self._ledger,
                    self._work,
                    full=self._options.full,
                    observer=self._watch,
                    is_stopped=self._stop.is_set,
                )
        except DamlinkError as error:
            # What has been listed can still be carried, unless nothing would be let in.
            self._end(error, drain=error.exit_code == 1)
        finally:
            with self._changed:
                self._listing = False
            self._wake()

    def _wake(self) -> None:
        with self._changed:
            self._news += 1
            self._changed.notify_all()

    def _end(self, error: DamlinkError, *, drain: bool = False) -> None:
        """Note what went wrong; unless what is listed may still be carried, stop the workers."""
        with self._changed:
            if not self._stop.is_set() and (self._error is None or not drain):
                self._error = error
            if not drain:
                self._stop.set()
        self._wake()

    # --- workers -----------------------------------------------------------------------------------

    def _work_through(self) -> None:
        healthy = False
        try:
            while (job := self._next()) is not None:
                self._carry(job)
            healthy = True
        except DamlinkError as error:
            self._end(error)
            healthy = True
        finally:
            if not healthy:  # a bug: it comes out in the main thread, and nobody else goes on
                self._stop.set()
                self._wake()

    def _next(self) -> Job | None:
        """The next job: one that was parked and is ready, else a row; `None` when all is done."""
        while not self._stop.is_set():
            with self._changed:
                if self._parked and self._parked[0][0] <= time.monotonic():
                    self._active += 1
                    return heapq.heappop(self._parked)[2]
                listing, news = self._listing, self._news
            if (row := self._claim()) is not None:
                return self._begin(row)
            with self._changed:
                if news != self._news:
                    continue  # something happened while we looked
                if not listing and not self._active and not self._parked:
                    return None
                self._changed.wait(self._pause())
        return None

    def _pause(self) -> float:
        until_parked = self._parked[0][0] - time.monotonic() if self._parked else IDLE_SECONDS
        return max(0.0, min(IDLE_SECONDS, until_parked))

    def _claim(self) -> Row | None:
        with self._changed:
            limit = self._options.limit
            if (limit is not None and self._claims >= limit) or len(self._parked) >= MOST_PARKED:
                return None
            self._claims += 1
            self._active += 1
        row = self._ledger.claim(self._work.context.now())
        if row is None:
            with self._changed:
                self._claims -= 1
                self._active -= 1
                if not self._active:  # others may have stayed only for us
                    self._changed.notify_all()
        return row

    def _begin(self, row: Row) -> Job:
        self._watch.started(row)
        cipher = self._cipher
        return Job(row, LedgerCheckpoint(self._ledger, row, cipher.seal, cipher.open, self._work.context.now))

    def _carry(self, job: Job) -> None:
        outcome = Outcome(RowState.RUNNING)
        try:
            outcome = self._transfer.carry(job)
        finally:
            with self._changed:
                self._active -= 1
                if outcome.again_after is not None:
                    due = time.monotonic() + outcome.again_after
                    heapq.heappush(self._parked, (due, next(self._order), job))
                elif job.prepared is not None:
                    job.prepared.content.close()
            self._wake()
        if outcome.again_after is None:
            self._watch.finished(job.row, outcome.state, outcome.message)


class _Watch(Observer):
    """Counts what a run does and passes it on."""

    def __init__(self, inner: Observer) -> None:
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
