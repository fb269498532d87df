"""A run under its lease: the listing and the transfer threads in parallel, and the result."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import attrs

from damlink._config.watch import ConnectorSwitch
from damlink._run.accounts import adapt
from damlink._run.backup_marker import Marker, verify_not_restored
from damlink._run.listing import list_into
from damlink._run.report import RunCounter, RunReport
from damlink._run.runtime import ConnectorRuntime
from damlink._run.session import Session
from damlink._run.transfer import MAX_WAIT_SECONDS, Job, Outcome, Transfer
from damlink._secrets.crypto import Cipher
from damlink._state.checkpoint import LedgerCheckpoint
from damlink._state.health import Health
from damlink._state.history import History
from damlink._state.identity import Identity
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.rows import Row, RowState
from damlink._state.runs import Runs
from damlink._system.disk import translating
from damlink.errors import DamlinkError, LeaseLostError, StoppedError

__all__ = ["RunOptions", "RunReport", "Stopping", "run_connector"]

# A change wakes a transfer thread sooner; this is for rows that become due by time.
IDLE_SECONDS: Final = 1.0
# Assets that wait for the portal while others are carried.
MOST_PARKED: Final = 64


@attrs.frozen(kw_only=True)
class RunOptions:
    """Options of one run.

    Attributes:
        full: list from the beginning.
        limit: number of assets to carry at most.
        workers: number of transfer threads, in place of the config's.
        events_only: carry what is due, and list nothing.
        max_wait: seconds that the run waits for rows that are not ready yet.
    """

    full: bool = False
    limit: int | None = None
    workers: int | None = None
    events_only: bool = False
    max_wait: float = MAX_WAIT_SECONDS


@attrs.frozen
class Stopping:
    """Two signals that end a run.

    Attributes:
        soon: begin no other asset, and finish those under way.
        now: send no other request; assets under way keep their checkpoints.
    """

    soon: threading.Event = attrs.field(factory=threading.Event)
    now: threading.Event = attrs.field(factory=threading.Event)


def run_connector(
    session: Session, name: str, options: RunOptions, stopping: Stopping | None = None
) -> RunReport:
    """Run one connector now, and notify people if it begins to fail or works again.

    Raises:
        ConfigError, PluginLoadError, StateError, RunActiveError: the run could not begin.
    """
    listing = not options.events_only
    try:
        with translating():
            report = _run(session, name, options, stopping or Stopping())
    except DamlinkError as error:
        _notify(session, name, error, str(error), listing=listing)
        raise
    _notify(session, name, report.error, report.cause, listing=listing)
    return report


def _run(session: Session, name: str, options: RunOptions, stopping: Stopping) -> RunReport:
    stop = threading.Event()
    counter = RunCounter(session.listener)
    # A wrong config or a broken plugin ends the run before anything is changed.
    parsed = session.check(name)
    with Lease(session.database, name) as lease:

        def verify() -> None:
            if stop.is_set() or stopping.now.is_set():
                raise StoppedError(f"{name}: stopped")
            lease.verify()

        verify_not_restored(session.database, name)
        # With a wrong key the run ends here.
        cipher = session.cipher
        switch = ConnectorSwitch(session.config, name)
        runtime = session.open_connector(name, verify, counter, parsed)
        runtime.context.http.guard_effects(switch.verify)
        identity = Identity(session.database)
        marker = Marker(identity.ensure(), name)
        marker.note(identity.raise_count(name), durable=True)
        ledger = Ledger(session.database, name, lease.epoch, runtime.siblings, marker.note)
        adapt(session, runtime, ledger)
        runs = Runs(session.database, name)
        number = runs.begin(lease.epoch, listing=not options.events_only, every=runtime.interval)
        History(session.database, name).prune()
        report = _Run(runtime, ledger, cipher, options, counter, stop, stopping, switch).execute()
        error = str(report.error) if report.error else ""
        runs.end(number, report.exit_code, report.totals(), error)
        marker.note(identity.raise_count(name), durable=True)
    return report


def _notify(session: Session, name: str, error: DamlinkError | None, cause: str, *, listing: bool) -> None:
    """Send a notification if the connector begins to fail, or works again."""
    if not session.config.notify.table or (error is not None and not error.fails_run):
        return
    # The run has ended by now: a failure to notify must not replace its result.
    with contextlib.suppress(DamlinkError):
        notifier, health = session.notifier, Health(session.database, name)
        change = health.detect_change(has_failed=bool(cause), listing=listing)
        if change is None:
            return
        what, why = ("fails", cause) if change == "failing" else ("works again", "the last run went well")
        if notifier.send(f"Damlink: {name} {what}", f"{name}: {why.removeprefix(f'{name}: ')}"):
            health.mark_reported(change, listing=listing)


class _Run:
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
        counter.after_batch = self._wake

    def execute(self) -> RunReport:
        """List and carry until nothing is due."""
        began = time.monotonic()
        count = self._options.workers or self._runtime.config.workers
        try:
            with ThreadPoolExecutor(count + count // 2, thread_name_prefix=self._runtime.name) as pool:
                # The workers start inside: an interrupt meanwhile must stop them, or the pool waits for them.
                try:
                    workers = [pool.submit(self._claim_and_carry_all) for _ in range(count)]
                    # An asset that waits for the portal takes no place of one that is sent.
                    workers += [pool.submit(self._carry_all, self._next_parked) for _ in range(count // 2)]
                    self._list()
                    for worker in workers:
                        worker.result()
                except KeyboardInterrupt:
                    self._end(StoppedError(f"{self._name}: interrupted; the next run goes on from here"))
        finally:
            # Also after a bug in the core: a row left running would come first in every later run.
            with contextlib.suppress(LeaseLostError):
                self._ledger.release()
        if self._stopping.soon.is_set():
            self._end(StoppedError(f"{self._name}: stopped; the next run goes on from here"), drain=True)
        elif self._switch.is_off():
            self._end(StoppedError(f"{self._name}: disabled; once enabled it goes on from here"), drain=True)
        return self._counter.report(self._runtime.name, time.monotonic() - began, self._error)

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

    def _claim(self) -> Row | None:
        with self._changed:
            limit = self._options.limit
            if (limit is not None and self._claims >= limit) or len(self._parked) >= MOST_PARKED:
                return None
            self._claims += 1
            self._active += 1
        row = self._ledger.claim()
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
