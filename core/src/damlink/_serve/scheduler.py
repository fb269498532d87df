"""Schedule of runs: at each connector's interval, and when events or retries have made assets due."""

from __future__ import annotations

import logging
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from damlink._config.duration import Duration
from damlink._config.load import Config
from damlink._config.watch import ConnectorSwitch
from damlink._run.report import PROGRESS_SECONDS, HookProgress, RunListener
from damlink._run.runner import RunOptions, RunReport, Stopping, run_connector
from damlink._run.session import Session
from damlink._state.ledger import Ledger
from damlink._state.listed import Tally
from damlink._state.rows import Row, RowState
from damlink._state.runs import RunRecord, Runs
from damlink._system.backoff import Backoff
from damlink._system.cadence import Cadence
from damlink.errors import DamlinkError, RunActiveError, StoppedError

__all__ = [
    "BACKOFF",
    "AbortRateLimitWait",
    "ConnectorLoop",
    "Schedule",
    "due_at",
    "interval_of",
    "read_interval",
    "summarize",
]

POLL_SECONDS: Final = 2.0  # assets also become due by time, and through other processes
JITTER: Final = 0.1  # share of the interval, so that not all installations start at the full hour
MOST_JITTER: Final = 300.0
FIRST_PAUSE: Final = 60.0  # after a failed run; then doubled
LONGEST_PAUSE: Final = 900.0
BACKOFF: Final = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
# For a plugin that cannot be loaded: its run reports the error.
UNKNOWN_INTERVAL: Final = Duration(3600)
MOST_SKEW: Final = timedelta(minutes=1)  # between the clocks of two machines on one database
LONGEST_END_WAIT: Final = 20.0  # seconds that a run may wait for the rate limiter during shutdown
LAST_SECONDS: Final = 5.0  # end of the shutdown, in which assets under way are interrupted

NOT_CARRIED: Final = frozenset({RowState.REJECTED, RowState.FAILED, RowState.UNCERTAIN})

_log = logging.getLogger("damlink.schedule")
_serve_log = logging.getLogger("damlink.serve")


class Schedule:
    """Background service with one loop for each enabled connector that has an interval or receives events."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._is_started = self._is_stopped = False
        self._errors: list[str] = []
        self._retired: list[ConnectorLoop] = []
        self._loops: dict[str, ConnectorLoop] = {}
        self._update_loops()

    @property
    def loops(self) -> list[ConnectorLoop]:
        """The loops of the present config."""
        return list(self._loops.values())

    def start(self) -> None:
        """Start all loops."""
        with self._lock:
            self._is_started = True
            for loop in self.loops:
                loop.start()

    def wake(self) -> None:
        """Have all loops look for due assets now."""
        for loop in self.loops:
            loop.wake.set()

    def follow(self) -> list[str]:
        """Apply the session's present config to the loops.

        A changed connector gets a new loop, which waits for the lease until the run with the old settings
        has ended. A removed or disabled connector starts no further asset. A connector with invalid new
        settings continues with the old ones.

        Returns:
            The errors in new settings, one line each.
        """
        with self._lock:
            self._errors = []
            if not self._is_stopped:
                self._update_loops()
            return self._errors

    def stop(self) -> None:
        """Ask the loops to end: they start no further asset, and finish those under way."""
        with self._lock:
            self._is_stopped = True
        for loop in self._all_loops():
            loop.stop()

    def join(self, timeout: float) -> bool:
        """Wait for the end of all loops, and return whether they have ended.

        In the last seconds, assets under way are interrupted; their checkpoints stay.
        """
        deadline = time.monotonic() + timeout
        if not self._join_until(deadline - min(LAST_SECONDS, timeout / 2)):
            for loop in self._all_loops():
                loop.stopping.now.set()
        return self._join_until(deadline)

    def _join_until(self, deadline: float) -> bool:
        # A list, not a generator: every loop is joined, even after one has missed the deadline.
        return all([loop.join(deadline - time.monotonic()) for loop in self._all_loops()])  # noqa: C419

    def _all_loops(self) -> list[ConnectorLoop]:
        return [*self.loops, *self._retired]

    @property
    def is_alive(self) -> bool:
        """True while the loops of all connectors run."""
        return all(loop.is_alive for loop in self.loops)

    def _update_loops(self) -> None:
        config = self._session.config
        enabled = {name: each for name, each in config.connectors.items() if each.enabled}
        loops = {name: self._loop(name) for name in enabled}
        for name, loop in self._loops.items():
            if loops.get(name) is not loop:
                loop.stop()
                self._retired.append(loop)
        self._retired = [loop for loop in self._retired if loop.is_alive]
        self._loops = {name: loop for name, loop in loops.items() if loop is not None}
        for loop in self.loops if self._is_started else ():
            loop.start()

    def _loop(self, name: str) -> ConnectorLoop | None:
        """Return the loop of a connector: the present one, unless the settings of its runs have changed."""
        present, config = self._loops.get(name), self._session.config
        if present is not None and present.basis == _basis(config, name):
            present.config = config
            return present
        if self._is_started and not self._is_usable(name) and present is not None:
            return present
        interval, is_subscribed = interval_of(self._session, name)
        if not interval and not is_subscribed:
            return None
        return ConnectorLoop(self._session, name, interval, Stopping())

    def _is_usable(self, name: str) -> bool:
        try:
            self._session.check(name)
        except DamlinkError as error:
            self._errors.append(str(error))
            return False
        return True


def _basis(config: Config, name: str) -> tuple[object, ...]:
    connector = config.connectors[name]
    return connector, config.portals[connector.portal]


class ConnectorLoop:
    """Thread that runs one connector whenever it is due.

    Attributes:
        config: the config of the next run.
        basis: the settings that the runs depend on; if they change, a new loop replaces this one.
        wake: set when assets may have become due.
        stopping: the signals that ask a run to end.
    """

    def __init__(
        self,
        session: Session,
        name: str,
        interval: Duration | None,
        stopping: Stopping,
    ) -> None:
        self.name = name
        self.wake = threading.Event()
        self.config, self.basis, self._interval = session.config, _basis(session.config, name), interval
        self.stopping = stopping
        self._switch = ConnectorSwitch(session.config, name)
        self._runs, self._ledger = Runs(session.database, name), Ledger(session.database, name)
        self._now = session.now
        self._failures = 0
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self._thread = threading.Thread(target=self.run_forever, name=f"loop-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread, unless it was started before."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """Ask the thread and its run to end."""
        self.stopping.soon.set()
        self.wake.set()

    def join(self, timeout: float) -> bool:
        """Wait for the end of the thread if it was started, and return whether it has ended."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, timeout))
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    def run_forever(self) -> None:
        """Run the connector whenever it is due, until asked to end."""
        while not self.stopping.soon.is_set():
            try:
                pause = self.step()
            # The database does not answer, which `/readyz` reports as well.
            except DamlinkError as error:
                _log.error("%s: %s", self.name, error)
                pause = POLL_SECONDS
            except BaseException:  # noqa: BLE001 - a bug must not stop the schedule for good
                _log.exception("%s: a bug", self.name)
                pause = FIRST_PAUSE
            self.wake.wait(pause)
            self.wake.clear()

    def step(self) -> float:
        """Run the connector if it is due; return the seconds until the next step, at most."""
        if self._switch.is_off():
            return POLL_SECONDS
        now = self._now()
        left = (self._not_before - now).total_seconds()
        # A longer pause than the longest means that the system clock was set back: do not wait for it.
        if 0 < left <= LONGEST_PAUSE:
            return min(POLL_SECONDS, left)
        listing_at = self.due_at(now)
        if listing_at is not None and listing_at <= now:
            return self._run(RunOptions())
        if self._ledger.has_ready():
            return self._run(RunOptions(events_only=True))
        left = (listing_at - now).total_seconds() if listing_at else POLL_SECONDS
        return min(POLL_SECONDS, left)

    def due_at(self, now: datetime) -> datetime | None:
        """Return the moment of the next listing; `None` without an interval."""
        if self._interval is None:
            return None
        return due_at(self.name, self._interval, self._runs.latest_listing(), now)

    def _run(self, options: RunOptions) -> float:
        """Run the connector, and return the seconds until the next step."""
        listener = AbortRateLimitWait(self.name, self.stopping)
        try:
            # A run without a listing carries what events have made due.
            urgent = options.events_only
            with Session(self.config, listener=listener, now=self._now, urgent=urgent) as session:
                report = run_connector(session, self.name, options, self.stopping)
        except RunActiveError:
            # The other run may end before it sees the assets that are due now: try again soon.
            return POLL_SECONDS / 2
        except DamlinkError as error:
            self._pause_after(str(error))
        else:
            self._finish(report)
        return 0.0

    def _finish(self, report: RunReport) -> None:
        _serve_log.info("%s: run ended: %s", self.name, summarize(report))
        if report.error is None:
            self._failures = 0
        elif report.error.fails_run:
            self._pause_after(report.cause)

    def _pause_after(self, cause: str) -> None:
        pause = min(BACKOFF.pause_seconds(self._failures), self._interval or LONGEST_PAUSE)
        self._failures += 1
        self._not_before = self._now() + timedelta(seconds=pause)
        _log.error("%s", cause if cause.startswith(self.name) else f"{self.name}: {cause}")


def due_at(name: str, interval: Duration, last: RunRecord | None, now: datetime) -> datetime:
    """Return the moment of a connector's next listing.

    It is due at once if no listing was ever completed or the last one failed, or if the last one lies in
    the future, since the system clock was set back. Intervals missed while stopped cause one listing.
    """
    if last is None or last.finished_at is None or last.error or last.started_at > now + MOST_SKEW:
        return now
    jitter = random.Random(f"{name} {last.started_at}").uniform(-1, 1)  # noqa: S311 - no secret
    shift = jitter * min(JITTER * interval, MOST_JITTER)
    return last.started_at + timedelta(seconds=interval + shift)


class _RunLog(RunListener):
    """Log of a run: its start, and the assets that were not carried.

    Args:
        name: the name of the connector.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._has_begun = False
        self._progress_cadence = Cadence(PROGRESS_SECONDS)

    def on_batch(self, tally: Tally) -> None:  # noqa: ARG002
        """Log the start of the run."""
        self._begin()

    def on_start(self, row: Row) -> None:  # noqa: ARG002
        """Log the start of the run."""
        self._begin()

    def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            _serve_log.info("%s: run begins", self._name)

    def on_progress(self, progress: HookProgress) -> None:
        """Log how far a hook is, now and then."""
        if self._progress_cadence.is_due():
            _serve_log.info("%s: %s", self._name, progress)

    def on_finish(self, row: Row, state: RowState, message: str) -> None:
        """Log an asset that was not carried."""
        if state in NOT_CARRIED:
            _serve_log.info("%s: %s is %s: %s", self._name, row.source_id, state.value, message)


class AbortRateLimitWait(_RunLog):
    """Log of a run that also ends waits for the rate limiter during shutdown."""

    def __init__(self, name: str, stopping: Stopping) -> None:
        super().__init__(name)
        self._stopping = stopping

    def on_rate_limit(self, seconds: float) -> None:
        """Raise StoppedError during shutdown instead of waiting for the rate limiter.

        Raises:
            StoppedError: the process ends now, or before the wait would be over.
        """
        is_too_long = self._stopping.soon.is_set() and seconds > LONGEST_END_WAIT
        if is_too_long or self._stopping.now.is_set():
            raise StoppedError("stopped while the pace held it")


def summarize(report: RunReport) -> str:
    """Return in a few words what a run did."""
    counts = {**report.listed, **report.outcomes}
    done = ", ".join(f"{count} {what!s}" for what, count in counts.items() if count) or "nothing to do"
    return f"{done}, in {report.seconds:.1f} s"


def interval_of(session: Session, name: str) -> tuple[Duration | None, bool]:
    """Return the interval of a connector's listings, or `None`, and whether it receives events."""
    try:
        return read_interval(session, name)
    except DamlinkError:
        return session.config.connector(name).every or UNKNOWN_INTERVAL, False


def read_interval(session: Session, name: str) -> tuple[Duration | None, bool]:
    """Return the same, of a plugin that can be loaded.

    Raises:
        DamlinkError: it cannot.
    """
    given, plugin = session.config.connector(name).every, session.load_plugin(name)
    every = plugin.about.every
    return given or (Duration.parse(every) if every else None), "on_event" in plugin.hooks
