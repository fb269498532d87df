"""The carrying of a run: the listing and the transfer threads in parallel."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Final

from damlink._config.watch import ConnectorSwitch
from damlink._http.lanes import urgent_requests
from damlink._plugin.under_way import describe_hanging
from damlink._run.listing import list_into
from damlink._run.options import RunOptions, Stopping
from damlink._run.report import RunCounter, RunReport
from damlink._run.runtime import ConnectorRuntime
from damlink._run.transfer import Job, Outcome, Transfer
from damlink._run.workers import Workers
from damlink._secrets.crypto import Cipher
from damlink._state.checkpoint import LedgerCheckpoint
from damlink._state.ledger import Ledger
from damlink._state.rows import Row, RowState
from damlink.errors import DamlinkError, LeaseLostError, StoppedError

__all__ = ["Carrying"]

# A change wakes a transfer thread sooner; this is for rows that become due by time.
IDLE_SECONDS: Final = 1.0
# Assets that wait for the portal while others are carried.
MOST_PARKED: Final = 64


class Carrying:
    """One run under its lease."""

    def __init__(
        self,
        runtime: ConnectorRuntime,
        ledger: Ledger,
        cipher: Cipher,
        options: RunOptions,
        counter: RunCounter,
        stop: threading.Event,
        stopping: Stopping,
        switch: ConnectorSwitch,
    ) -> None:
        self._switch = switch
        self._runtime = runtime
        self._name = runtime.name
        self._ledger = ledger
        self._cipher = cipher
        self._options = options
        self._counter = counter
        self._stop = stop
        self._stopping = stopping
        self._transfer = Transfer(runtime, ledger, max_wait=options.max_wait)
        self._error: DamlinkError | None = None
        self._listing = True
        self._claims = 0
        self._active = 0
        self._parked: list[tuple[float, int, Job]] = []
        self._order = itertools.count()
        # Number of changes: a thread that looked for work before the last one looks again.
        self._news = 0
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        # For the threads that carry parked jobs only.
        self._parking = threading.Condition(lock)
        self._claiming = options.workers or runtime.config.workers
        self._workers = Workers(runtime.name, self._is_ending, options.grace)
        counter.after_batch = self._wake

    def execute(self) -> RunReport:
        """List and carry until nothing is due."""
        began = time.monotonic()
        hanging: list[str] = []
        try:
            # An interrupt before the end must stop the workers, or nobody would.
            try:
                self._start()
                self._list()
            except KeyboardInterrupt:
                self._interrupt()
            finally:
                hanging = self._wait()
        finally:
            # Also after a bug in the core: a row left running would come first in every later run.
            with contextlib.suppress(LeaseLostError):
                if self._options.carries:
                    self._ledger.release()
        if self._stopping.soon.is_set():
            self._end(StoppedError(f"{self._name}: stopped; the next run goes on from here"), drain=True)
        elif self._switch.is_off():
            self._end(StoppedError(f"{self._name}: disabled; once enabled it goes on from here"), drain=True)
        return self._counter.report(self._runtime.name, time.monotonic() - began, self._error, hanging)

    def _start(self) -> None:
        count = (self._options.workers or self._runtime.config.workers) if self._options.carries else 0
        for _ in range(count):
            self._workers.start(self._claim_and_carry_all)
        # An asset that waits for the portal takes no place of one that is sent.
        for _ in range(count // 2):
            self._workers.start(lambda: self._carry_all(self._next_parked))
        # A back-fill holds all others while it waits for the rate limiter, where urgent requests do not.
        if count and self._ledger.is_shared:
            self._workers.start(lambda: self._carry_all(self._next_urgent))

    def _wait(self) -> list[str]:
        """Wait for the workers, at most once interrupted; return what is said of the hooks that hang."""
        try:
            has_ended = self._workers.wait()
        except KeyboardInterrupt:
            has_ended = self._wait_after_interrupt(is_second=self._stop.is_set())
        return [] if has_ended else describe_hanging(self._name)

    def _wait_after_interrupt(self, *, is_second: bool) -> bool:
        self._interrupt()
        if is_second:
            return False
        try:
            return self._workers.wait()
        except KeyboardInterrupt:
            return False

    def _interrupt(self) -> None:
        self._end(StoppedError(f"{self._name}: interrupted; the next run goes on from here"))

    def _is_ending(self) -> bool:
        return self._stop.is_set() or self._stopping.now.is_set()

    # --- listing -----------------------------------------------------------------------------------

    def _list(self) -> None:
        try:
            if "list_source_assets" in self._runtime.plugin.hooks and not self._options.events_only:
                list_into(
                    self._ledger,
                    self._runtime,
                    full=self._options.full,
                    listener=self._counter,
                    is_stopped=self._is_stopped,
                )
        except DamlinkError as error:
            # Rows that are listed already can still be carried, unless every request would be refused.
            self._end(error, drain=error.stops == "asset")
        finally:
            with self._changed:
                self._listing = False
            self._wake()

    def _wake(self) -> None:
        with self._changed:
            self._news += 1
            self._changed.notify_all()
            if self._stop.is_set():
                self._parking.notify_all()

    def _end(self, error: DamlinkError, *, drain: bool = False) -> None:
        """Store the error of the run; unless `drain`, stop the transfer threads."""
        with self._changed:
            if not self._stop.is_set() and (self._error is None or not drain):
                self._error = error
            if not drain:
                self._stop.set()
        self._wake()

    # --- workers -----------------------------------------------------------------------------------

    def _claim_and_carry_all(self) -> None:
        try:
            self._carry_all(self._next)
        finally:
            with self._changed:
                self._claiming -= 1
                self._parking.notify_all()

    def _carry_all(self, find: Callable[[], Job | None]) -> None:
        healthy = False
        try:
            while (job := find()) is not None:
                self._carry(job)
            healthy = True
        except DamlinkError as error:
            self._end(error)
            healthy = True
        finally:
            # A bug: the main thread raises it, and the other threads stop.
            if not healthy:
                self._stop.set()
                self._wake()

    def _next(self) -> Job | None:
        """Return the next job, a parked one that is ready or a row; `None` if nothing is left."""
        while not self._is_stopped():
            with self._changed:
                if (job := self._take_parked()) is not None:
                    return job
                listing, news = self._listing, self._news
            if (row := self._claim()) is not None:
                return self._begin(row)
            with self._changed:
                if news != self._news:
                    # Something has changed since the claim: look again before waiting.
                    continue
                if not listing and not self._active and not self._parked:
                    return None
                self._changed.wait(self._pause())
        return None

    def _next_parked(self) -> Job | None:
        """Return the next parked job that is ready; `None` if nothing is left."""
        while not self._is_stopped():
            with self._changed:
                if (job := self._take_parked()) is not None:
                    return job
                if not self._claiming:
                    return None
                self._parking.wait(self._pause())
        return None

    def _next_urgent(self) -> Job | None:
        """Return the next job of a row that an event has made due; `None` once the other threads end."""
        while not self._is_stopped():
            if (row := self._claim(urgent=True)) is not None:
                return self._begin(row)
            with self._changed:
                if not self._claiming:
                    return None
                self._parking.wait(IDLE_SECONDS)
        return None

    def _take_parked(self) -> Job | None:
        if not self._parked or self._parked[0][0] > time.monotonic():
            return None
        self._active += 1
        return heapq.heappop(self._parked)[2]

    def _is_stopped(self) -> bool:
        is_asked_to = self._stopping.soon.is_set() or self._stop.is_set()
        return is_asked_to or self._switch.is_off(recent=True)

    def _pause(self) -> float:
        until_parked = self._parked[0][0] - time.monotonic() if self._parked else IDLE_SECONDS
        return max(0.0, min(IDLE_SECONDS, until_parked))

    def _claim(self, *, urgent: bool = False) -> Row | None:
        with self._changed:
            limit = self._options.limit
            if (limit is not None and self._claims >= limit) or len(self._parked) >= MOST_PARKED:
                return None
            self._claims += 1
            self._active += 1
        row = self._ledger.claim(urgent=urgent)
        if row is None:
            with self._changed:
                self._claims -= 1
                self._active -= 1
                # Threads that waited for this one only can end. Were others woken, each of them would claim
                # in vain and wake the rest again, for as long as an asset waits.
                if not (self._active or self._parked or self._listing):
                    self._changed.notify_all()
        return row

    def _begin(self, row: Row) -> Job:
        self._counter.on_start(row)
        cipher = self._cipher
        return Job(row, LedgerCheckpoint(self._ledger, row, cipher.seal, cipher.open))

    def _carry(self, job: Job) -> None:
        outcome = Outcome(RowState.RUNNING)
        try:
            with urgent_requests(is_urgent=job.row.is_urgent):
                outcome = self._transfer.carry(job)
        finally:
            with self._changed:
                self._active -= 1
                if outcome.again_after is not None:
                    due = time.monotonic() + outcome.again_after
                    heapq.heappush(self._parked, (due, next(self._order), job))
                    self._parking.notify()
            if outcome.again_after is None:
                job.close()
            self._wake()
        if outcome.again_after is None:
            self._counter.on_finish(job.row, outcome.state, outcome.message)
