"""Work of a worker, as jobs ask for it."""

from __future__ import annotations

import contextlib
import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Final

import attrs

from damlink._config.duration import Duration
from damlink._run.runner import RunOptions, Stopping, run_connector
from damlink._run.session import Session
from damlink._serve.dispatcher import Dispatcher
from damlink._serve.jobs import Job, JobKind
from damlink._serve.scheduler import (
    BACKOFF,
    AbortRateLimitWait,
    due_at,
    interval_of,
    read_interval,
    summarize,
)
from damlink._state.inbox import Inbox
from damlink._state.latencies import Latencies
from damlink._state.ledger import Ledger
from damlink._state.runs import RunRecord, Runs
from damlink._state.worker import Worker
from damlink._state.worker_records import WorkerRecord, find_unfinished, list_workers
from damlink.errors import DamlinkError, RunActiveError, StateError

__all__ = ["Threads", "Work"]

# A connector that carries for so long lets others have its threads, if they wait for some.
TURN_SECONDS: Final = 20.0
LOOK_SECONDS: Final = 0.5
# A changed interval, and a listing on a person's word, are seen that late at most.
LONGEST_LOOK_SECONDS: Final = 30.0
TIDY_SECONDS: Final = 3600.0
# Of errors that a later attempt may meet again: the config, credentials, a partner.
_FAILED: Final = (1, 3, 4)
MOST_RUNS: Final = 16
# After a database that was away: the workers, and not the connector, have failed.
DATABASE_PAUSE: Final = 4.0

_log = logging.getLogger("damlink.serve")


@attrs.define
class _Turn:
    stopping: Stopping
    count: int
    is_extra: bool = False
    began: float = attrs.field(factory=time.monotonic)


class Threads:
    """The transfer threads of a worker, which its connectors share.

    There is one more than the most, so that an event need not wait for another connector's back-fill.

    Args:
        most: the most of them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._turns: list[_Turn] = []

    @contextlib.contextmanager
    def take(
        self, wanted: int, stopping: Stopping, *, is_urgent: Callable[[], bool] = lambda: False
    ) -> Iterator[int]:
        """Hold as many threads as are free, and not more than wanted; wait for the first one.

        Args:
            stopping: asked to end soon if others wait, and the turn has been long.
            is_urgent: whether an event waits; it then needs no free thread, unless another one did before.
        """
        turn = self._wait(wanted, stopping, is_urgent)
        try:
            yield turn.count
        finally:
            with self._changed:
                self._turns.remove(turn)
                self._changed.notify_all()

    def _wait(self, wanted: int, stopping: Stopping, is_urgent: Callable[[], bool]) -> _Turn:
        while True:
            with self._changed:
                if self._free or stopping.soon.is_set():
                    return self._begin(_Turn(stopping, min(wanted, self._free)))
            # It asks the database, which may take long: nothing is locked meanwhile.
            urgent = self._has_extra and is_urgent()
            with self._changed:
                if urgent and self._has_extra:
                    return self._begin(_Turn(stopping, 1, is_extra=True))
                if not self._free:
                    self._end_longest_turn()
                    self._changed.wait(LOOK_SECONDS)

    def _begin(self, turn: _Turn) -> _Turn:
        self._turns.append(turn)
        return turn

    @property
    def _free(self) -> int:
        return self._most - sum(turn.count for turn in self._turns if not turn.is_extra)

    @property
    def _has_extra(self) -> bool:
        return not any(turn.is_extra for turn in self._turns)

    def _end_longest_turn(self) -> None:
        longest = min(self._turns, key=lambda turn: turn.began)
        if time.monotonic() - longest.began >= TURN_SECONDS:
            longest.stopping.soon.set()

    def stop(self, *, now: bool = False) -> None:
        """Ask all that hold threads to end."""
        with self._changed:
            for turn in self._turns:
                turn.stopping.soon.set()
                if now:
                    turn.stopping.now.set()
            self._changed.notify_all()


class Work:
    """The work of one worker.

    Attributes:
        offer: hands out a job.
    """

    def __init__(self, session: Session, worker: Worker, threads: Threads) -> None:
        self._session, self._worker, self._threads = session, worker, threads
        self._database = session.database
        self.offer: Callable[[Job], bool] = lambda _job: False
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._carried: set[str] = set()
        self._listings: list[Stopping] = []
        self._look_again: dict[str, float] = {}
        self._dispatcher = Dispatcher(session, self._offer_timetable)
        self._tidy_again = -math.inf
        # Of each connector, with whether it receives events: to load a plugin costs some milliseconds.
        self._intervals: dict[str, tuple[Duration | None, bool]] = {}

    def do(self, job: Job) -> None:
        """Do a job."""
        if job.kind is JobKind.TIMETABLE:
            self._look()
        elif job.kind is JobKind.TIDY:
            Inbox(self._database).prune()
            self._dispatcher.fold_latencies()
            Latencies(self._database).prune()
        elif job.kind is JobKind.INBOX:
            self._work_inbox(job.subject)
        elif job.subject not in self._session.config.connectors:
            _log.warning("%s: not in the config of this worker", job.subject)
        elif job.kind is JobKind.LIST:
            self._list(job.subject)
        else:
            self._carry(job.subject)

    def stop(self, *, now: bool = False) -> None:
        """Ask the work under way to end: soon, when its assets are finished, or now."""
        self._stopping.set()
        self._dispatcher.stop()
        self._threads.stop(now=now)
        with self._lock:
            for each in self._listings:
                each.soon.set()
                if now:
                    each.now.set()

    # --- the timetable -----------------------------------------------------------------------------

    def _look(self) -> None:
        """Offer what is due: whatever became of earlier jobs, nothing is forgotten."""
        workers = [each for each in list_workers(self._database) if not each.drains]
        unfinished = find_unfinished(self._database)
        for name, config in self._session.config.connectors.items():
            able = [each for each in workers if each.accepts(name)]
            if not config.enabled or not able:
                continue
            # Most connectors have nothing to do: they cost no query.
            is_listing_due = self._may_list(name) and self._is_listing_due(name)
            is_ready = name in unfinished and Ledger(self._database, name).has_ready(is_shared=True)
            if not (is_listing_due or is_ready) or self._rests(name):
                continue
            if is_listing_due:
                self.offer(Job(JobKind.LIST, name, _choose(able)))
            for each in able if is_ready else ():
                self.offer(Job(JobKind.CARRY, name, each.number))
        self._look_at_inbox(workers)

    def _look_at_inbox(self, workers: list[WorkerRecord]) -> None:
        if not workers:
            return
        if any(hears for _, hears in self._intervals.values()):
            self._session.pace.keep_reserve()
        for portal in self._session.config.portals:
            if self._dispatcher.has_ready(portal):
                self.offer(Job(JobKind.INBOX, portal, _choose(workers)))
        if time.monotonic() >= self._tidy_again:
            self._tidy_again = time.monotonic() + TIDY_SECONDS
            self.offer(Job(JobKind.TIDY, worker=_choose(workers)))

    def _rests(self, name: str) -> bool:
        """Return whether a connector whose last runs have failed waits before the next one."""
        now = self._session.now()
        of_database, others = _split_failures(Runs(self._database, name).latest(MOST_RUNS))
        pauses = [(others, BACKOFF.pause_seconds(_count_rounds(others) - 1)), (of_database, DATABASE_PAUSE)]
        return any(
            _is_within(now - run.finished_at, seconds)
            for runs, seconds in pauses
            for run in runs[:1]
            if run.finished_at is not None
        )

    def _may_list(self, name: str) -> bool:
        """Return whether a listing may be due, as far as this process knows without a query."""
        return time.monotonic() >= self._look_again.get(name, -math.inf)

    def _is_listing_due(self, name: str) -> bool:
        interval, _ = self._read_interval(name)
        pause = LONGEST_LOOK_SECONDS
        if interval is not None:
            now = self._session.now()
            moment = due_at(name, interval, Runs(self._database, name).latest_listing(), now)
            if moment <= now:
                return True
            pause = min(pause, (moment - now).total_seconds())
        self._look_again[name] = time.monotonic() + pause
        return False

    def _read_interval(self, name: str) -> tuple[Duration | None, bool]:
        """Return the interval of a connector, and whether it receives events."""
        if name not in self._intervals:
            # A plugin that cannot be loaded may be mended; one that was loaded stays as it is.
            with contextlib.suppress(DamlinkError):
                self._intervals[name] = read_interval(self._session, name)
        return self._intervals.get(name) or interval_of(self._session, name)

    def _work_inbox(self, portal: str) -> None:
        if portal in self._session.config.portals:
            self._dispatcher.work_portal(portal)
        else:
            _log.warning("%s: not in the config of this worker", portal)

    def _offer_timetable(self) -> None:
        self.offer(Job(JobKind.TIMETABLE))

    # --- one connector -----------------------------------------------------------------------------

    def _list(self, name: str) -> None:
        # Another worker may have listed it while this job waited.
        if not self._is_listing_due(name):
            return
        stopping = Stopping()
        with self._lock:
            self._listings.append(stopping)
        try:
            self._run(name, RunOptions(carries=False), stopping)
        finally:
            with self._lock:
                self._listings.remove(stopping)
        self._offer_timetable()

    def _carry(self, name: str) -> None:
        with self._alone(name) as is_alone:
            ledger = Ledger(self._database, name)
            if not is_alone or not ledger.has_ready(is_shared=True):
                return
            stopping = Stopping()
            wanted = self._session.config.connectors[name].workers
            with self._threads.take(wanted, stopping, is_urgent=ledger.has_urgent) as count:
                if count and not self._stopping.is_set():
                    self._run(name, RunOptions(events_only=True, workers=count), stopping)

    @contextlib.contextmanager
    def _alone(self, name: str) -> Iterator[bool]:
        """Yield whether this worker does not carry the connector already."""
        with self._lock:
            is_alone = name not in self._carried
            self._carried.add(name)
        try:
            yield is_alone
        finally:
            if is_alone:
                with self._lock:
                    self._carried.discard(name)

    def _run(self, name: str, options: RunOptions, stopping: Stopping) -> None:
        listener = AbortRateLimitWait(name, stopping)
        config = self._session.config
        shared = Session(
            config,
            listener=listener,
            now=self._session.now,
            database=self._database,
            urgent=options.events_only,
            worker=self._worker.number,
        )
        # A run that holds the lease is waited for.
        with contextlib.suppress(RunActiveError), shared as session:
            report = run_connector(session, name, options, stopping, self._worker)
            _log.info("%s: %s", name, summarize(report))


def _split_failures(latest: Iterable[RunRecord]) -> tuple[list[RunRecord], list[RunRecord]]:
    """Return the runs that have failed since the last one that has not: by the database, and otherwise."""
    of_database: list[RunRecord] = []
    others: list[RunRecord] = []
    for run in latest:
        if run.finished_at is None:
            continue
        if run.exit_code not in _FAILED or not run.error:
            break
        (of_database if run.error_type == StateError.__name__ else others).append(run)
    return of_database, others


def _count_rounds(failed: Iterable[RunRecord]) -> int:
    """Count failed runs, the newest first; those of several workers at the same time count as one."""
    count, began = 0, None
    for run in failed:
        if began is None or (run.finished_at is not None and run.finished_at <= began):
            count, began = count + 1, run.started_at
    return count


def _choose(able: list[WorkerRecord]) -> int | None:
    """Return the worker that is to do a job which any may do; `None` if all workers take it."""
    if not all(each.only for each in able):
        return None
    return random.choice(able).number  # noqa: S311 - no secret


def _is_within(age: timedelta, seconds: float) -> bool:
    # A time in the future means that the clock was set back: it does not hold anything up.
    return timedelta(0) <= age < timedelta(seconds=seconds)
