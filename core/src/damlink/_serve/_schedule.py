"""Runs connectors when they are due: by their `every`, and when events or time have made assets due."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from damlink._assembly import Assembly
from damlink._duration import Duration
from damlink._observer import Observer
from damlink._runner import RunOptions, RunReport, Stopping, run_connector
from damlink._state import Ledger, Runs
from damlink.errors import DamlinkError, LeaseLostError, RunActiveError, StoppedError

__all__ = ["Keeper", "Schedule"]

POLL_SECONDS: Final = 2.0  # assets come due by time, and by other processes
JITTER: Final = 0.1  # of the interval, either way, so that not all of the world begins at the full hour
MOST_JITTER: Final = 300.0
FIRST_PAUSE: Final = 60.0  # after a run that could not work; then twice as long
LONGEST_PAUSE: Final = 900.0
UNKNOWN_INTERVAL: Final = Duration(3600)  # of a plugin that cannot be asked: its run says what is wrong
MOST_SKEW: Final = timedelta(minutes=1)  # between the clocks of two machines on one database
WORTH_WAITING: Final = 20.0  # seconds for the pace, once asked to end
LAST_SECONDS: Final = 5.0  # of the time given to end, for what has not ended by itself

_log = logging.getLogger("damlink.schedule")


class Schedule:
    """Keeps every enabled connector that has an interval or hears events; each in a thread of its own.

    Args:
        now: the clock by which runs begin.
    """

    def __init__(
        self, assembly: Assembly, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._stopping = Stopping()
        enabled = (each.name for each in assembly.config.connectors.values() if each.enabled)
        kept = ((name, *_interval(assembly, name)) for name in enabled)
        self.keepers = [
            Keeper(assembly, name, interval, self._stopping, now)
            for name, interval, hears in kept
            if interval or hears
        ]
        self._threads = [
            threading.Thread(target=keeper.keep, name=f"keeper-{keeper.name}", daemon=True)
            for keeper in self.keepers
        ]

    def start(self) -> None:
        """Begin; returns at once."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """An event alone makes nothing due; see `brought`."""

    def brought(self) -> None:
        """Assets have become due."""
        for keeper in self.keepers:
            keeper.news.set()

    def stop(self) -> None:
        """Ask it to end: no asset is begun any more, those under way are finished."""
        self._stopping.soon.set()
        self.brought()

    def join(self, timeout: float) -> bool:
        """Wait until it has ended; what is left in the last seconds keeps its checkpoint. Whether it has."""
        deadline = time.monotonic() + timeout
        if not self._joined(deadline - min(LAST_SECONDS, timeout / 2)):
            self._stopping.now.set()
        return self._joined(deadline)

    def _joined(self, deadline: float) -> bool:
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def is_alive(self) -> bool:
        """Whether every connector is kept."""
        return all(thread.is_alive() for thread in self._threads)


class Keeper:
    """Keeps one connector: decides when it runs, and runs it.

    Attributes:
        news: set when assets may have become due.
    """

    def __init__(
        self,
        assembly: Assembly,
        name: str,
        interval: Duration | None,
        stopping: Stopping,
        now: Callable[[], datetime],
    ) -> None:
        self.name = name
        self.news = threading.Event()
        self._config, self._interval = assembly.config, interval
        self._runs, self._ledger = Runs(assembly.database, name), Ledger(assembly.database, name)
        self._stopping, self._now = stopping, now
        self._failures = 0
        self._not_before = datetime.min.replace(tzinfo=UTC)

    def keep(self) -> None:
        """Run it whenever it is due, until asked to end."""
        while not self._stopping.soon.is_set():
            try:
                pause = self.step()
            except DamlinkError as error:  # the database: whoever looks at `/readyz` is told as well
                _log.error("%s: %s", self.name, error)
                pause = POLL_SECONDS
            except Exception:  # noqa: BLE001 - a bug must not end the schedule for good
                _log.exception("%s: a bug", self.name)
                pause = FIRST_PAUSE
            self.news.wait(pause)
            self.news.clear()

    def step(self) -> float:
        """Run it if it is due; in how many seconds to ask again, at the latest."""
        now = self._now()
        left = (self._not_before - now).total_seconds()
        if 0 < left <= LONGEST_PAUSE:  # longer: the clock was set back
            return min(POLL_SECONDS, left)
        listing_at = self.due_at(now)
        if listing_at is not None and listing_at <= now:
            return self._run(RunOptions())
        if self._ledger.has_ready(now):
            return self._run(RunOptions(events_only=True))
        left = (listing_at - now).total_seconds() if listing_at else POLL_SECONDS
        return min(POLL_SECONDS, left)

    def due_at(self, now: datetime) -> datetime | None:
        """When it lists next: at once if it never did or broke off; once, however long it was stopped.

        A clock that was set back makes it list once more, and not wait until the clock has caught up.
        """
        if self._interval is None:
            return None
        last = self._runs.latest_listing()
        if last is None or last.finished_at is None or last.error or last.started_at > now + MOST_SKEW:
            return now
        jitter = random.Random(f"{self.name} {last.started_at}").uniform(-1, 1)  # noqa: S311 - no secret
        shift = jitter * min(JITTER * self._interval, MOST_JITTER)
        return last.started_at + timedelta(seconds=self._interval + shift)

    def _run(self, options: RunOptions) -> float:
        """Run it now. One that is active elsewhere may end before it sees what is due: ask again soon."""
        try:
            with Assembly(self._config, observer=_Held(self._stopping), now=self._now) as assembly:
                report = run_connector(assembly, self.name, options, self._stopping)
        except RunActiveError:
            return POLL_SECONDS / 2
        except DamlinkError as error:
            self._failed(str(error))
        else:
            self._ended(report)
        return 0.0

    def _ended(self, report: RunReport) -> None:
        _log.info("%s: ended: %s", self.name, report.totals())
        if report.error is None:
            self._failures = 0
        elif not isinstance(report.error, (LeaseLostError, StoppedError)):
            self._failed(report.cause)

    def _failed(self, cause: str) -> None:
        pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE, self._interval or LONGEST_PAUSE)
        self._failures += 1
        self._not_before = self._now() + timedelta(seconds=pause)
        _log.error("%s", cause if cause.startswith(self.name) else f"{self.name}: {cause}")


class _Held(Observer):
    """Lets nobody wait for the pace who is to end now, or who would wait longer than there is time to end."""

    def __init__(self, stopping: Stopping) -> None:
        self._stopping = stopping

    def held(self, seconds: float) -> None:
        """End instead of waiting.

        Raises:
            StoppedError: the run is to end.
        """
        in_vain = self._stopping.soon.is_set() and seconds > WORTH_WAITING
        if in_vain or self._stopping.now.is_set():
            raise StoppedError("stopped while the pace held it")


def _interval(assembly: Assembly, name: str) -> tuple[Duration | None, bool]:
    """How often a connector lists, if at all, and whether it hears events."""
    given = assembly.config.connector(name).every
    try:
        connector = assembly.connector(name)
    except DamlinkError:
        return given or UNKNOWN_INTERVAL, False
    every = connector.about.every
    return given or (Duration.parse(every) if every else None), "on_event" in connector.hooks
