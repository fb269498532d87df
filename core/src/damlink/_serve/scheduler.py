"""Runs connectors when they are due: by their `every`, and when events or time have made assets due."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from damlink._config.duration import Duration
from damlink._config.load import Config
from damlink._config.watch import ConnectorSwitch
from damlink._run.report import RunListener
from damlink._run.runner import RunOptions, RunReport, Stopping, run_connector
from damlink._run.session import Session
from damlink._state.ledger import Ledger
from damlink._state.listed import Tally
from damlink._state.rows import Row, RowState
from damlink._state.runs import Runs
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

NOT_CARRIED: Final = frozenset({RowState.REJECTED, RowState.FAILED, RowState.UNCERTAIN})

_log = logging.getLogger("damlink.schedule")
_said = logging.getLogger("damlink.serve")


class Schedule:
    """Keeps every enabled connector that has an interval or hears events; each in a thread of its own.

    Args:
        now: the clock by which runs begin.
    """

    def __init__(self, session: Session, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._session, self._now = session, now
        self._lock = threading.Lock()
        self._is_started = self._is_stopped = False
        self._errors: list[str] = []
        self._retired: list[Keeper] = []
        self._kept: dict[str, Keeper] = {}
        self._keep_enabled()

    @property
    def keepers(self) -> list[Keeper]:
        """Those of the present config."""
        return list(self._kept.values())

    def start(self) -> None:
        """Begin; returns at once."""
        with self._lock:
            self._is_started = True
            for keeper in self.keepers:
                keeper.start()

    def wake(self) -> None:
        """An event alone makes nothing due; see `brought`."""

    def brought(self) -> None:
        """Assets have become due."""
        for keeper in self.keepers:
            keeper.news.set()

    def follow(self) -> list[str]:
        """Keep the connectors as the session's config says now.

        One that has changed begins anew once its run has ended: what is under way is finished with the old
        settings. One that is gone or disabled begins no further asset. One whose new settings are faulty
        goes on with the old ones.

        Returns:
            What is faulty, a line each.
        """
        with self._lock:
            self._errors = []
            if not self._is_stopped:
                self._keep_enabled()
            return self._errors

    def stop(self) -> None:
        """Ask it to end: no asset is begun any more, those under way are finished."""
        with self._lock:
            self._is_stopped = True
        for keeper in self._all():
            keeper.stop()

    def join(self, timeout: float) -> bool:
        """Wait until it has ended; what is left in the last seconds keeps its checkpoint. Whether it has."""
        deadline = time.monotonic() + timeout
        if not self._joined(deadline - min(LAST_SECONDS, timeout / 2)):
            for keeper in self._all():
                keeper.stopping.now.set()
        return self._joined(deadline)

    def _joined(self, deadline: float) -> bool:
        return all([keeper.join(deadline - time.monotonic()) for keeper in self._all()])  # noqa: C419

    def _all(self) -> list[Keeper]:
        return [*self.keepers, *self._retired]

    @property
    def is_alive(self) -> bool:
        """Whether every connector is kept."""
        return all(keeper.is_alive for keeper in self.keepers)

    def _keep_enabled(self) -> None:
        config = self._session.config
        enabled = {name: each for name, each in config.connectors.items() if each.enabled}
        kept = {name: self._keeper(name) for name in enabled}
        for name, keeper in self._kept.items():
            if kept.get(name) is not keeper:
                keeper.stop()
                self._retired.append(keeper)
        self._retired = [keeper for keeper in self._retired if keeper.is_alive]
        self._kept = {name: keeper for name, keeper in kept.items() if keeper is not None}
        for keeper in self.keepers if self._is_started else ():
            keeper.start()

    def _keeper(self, name: str) -> Keeper | None:
        """The keeper of a connector: the one there is, unless what its runs rest on has changed for good."""
        kept, config = self._kept.get(name), self._session.config
        if kept is not None and kept.basis == _basis(config, name):
            kept.config = config
            return kept
        if self._is_started and not self._is_usable(name) and kept is not None:
            return kept
        interval, hears = _interval(self._session, name)
        if not interval and not hears:
            return None
        return Keeper(self._session, name, interval, Stopping(), self._now)

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


class Keeper:
    """Keeps one connector: decides when it runs, and runs it.

    Attributes:
        config: of its next run.
        basis: what its runs rest on; where that changes, another keeper takes over.
        news: set when assets may have become due.
        stopping: how its runs are asked to end.
    """

    def __init__(
        self,
        session: Session,
        name: str,
        interval: Duration | None,
        stopping: Stopping,
        now: Callable[[], datetime],
    ) -> None:
        self.name = name
        self.news = threading.Event()
        self.config, self.basis, self._interval = session.config, _basis(session.config, name), interval
        self.stopping = stopping
        self._switch = ConnectorSwitch(session.config, name)
        self._runs, self._ledger = Runs(session.database, name), Ledger(session.database, name)
        self._now = now
        self._failures = 0
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self._thread = threading.Thread(target=self.keep, name=f"keeper-{name}", daemon=True)

    def start(self) -> None:
        """Begin, unless it has begun already."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """Ask it to end."""
        self.stopping.soon.set()
        self.news.set()

    def join(self, timeout: float) -> bool:
        """Wait for its end, if it ever began."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, timeout))
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether it keeps."""
        return self._thread.is_alive()

    def keep(self) -> None:
        """Run it whenever it is due, until asked to end."""
        while not self.stopping.soon.is_set():
            try:
                pause = self.step()
            except DamlinkError as error:  # the database: whoever looks at `/readyz` is told as well
                _log.error("%s: %s", self.name, error)
                pause = POLL_SECONDS
            except BaseException:  # noqa: BLE001 - nothing must end the schedule for good
                _log.exception("%s: a bug", self.name)
                pause = FIRST_PAUSE
            self.news.wait(pause)
            self.news.clear()

    def step(self) -> float:
        """Run it if it is due; in how many seconds to ask again, at the latest."""
        if self._switch.is_off():
            return POLL_SECONDS
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
            with Session(self.config, listener=_Watched(self.name, self.stopping), now=self._now) as session:
                report = run_connector(session, self.name, options, self.stopping)
        except RunActiveError:
            return POLL_SECONDS / 2
        except DamlinkError as error:
            self._failed(str(error))
        else:
            self._ended(report)
        return 0.0

    def _ended(self, report: RunReport) -> None:
        _said.info("%s: run ended: %s", self.name, _summary(report))
        if report.error is None:
            self._failures = 0
        elif not isinstance(report.error, (LeaseLostError, StoppedError)):
            self._failed(report.cause)

    def _failed(self, cause: str) -> None:
        pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE, self._interval or LONGEST_PAUSE)
        self._failures += 1
        self._not_before = self._now() + timedelta(seconds=pause)
        _log.error("%s", cause if cause.startswith(self.name) else f"{self.name}: {cause}")


class _Watched(RunListener):
    """Tells of assets that a person should look at, and ends waits for the pace that are too long to end in.

    Args:
        name: the connector's.
    """

    def __init__(self, name: str, stopping: Stopping) -> None:
        self._name, self._stopping = name, stopping
        self._has_begun = False

    def listed(self, tally: Tally) -> None:  # noqa: ARG002
        """Tell that the run has begun."""
        self._begin()

    def started(self, row: Row) -> None:  # noqa: ARG002
        """Tell that the run has begun."""
        self._begin()

    def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            _said.info("%s: run begins", self._name)

    def finished(self, row: Row, state: RowState, message: str) -> None:
        """Tell of an asset that was not carried."""
        if state in NOT_CARRIED:
            _said.info("%s: %s is %s: %s", self._name, row.source_id, state.value, message)

    def held(self, seconds: float) -> None:
        """End instead of waiting.

        Raises:
            StoppedError: the run is to end.
        """
        in_vain = self._stopping.soon.is_set() and seconds > WORTH_WAITING
        if in_vain or self._stopping.now.is_set():
            raise StoppedError("stopped while the pace held it")


def _summary(report: RunReport) -> str:
    """Say in a few words what a run did."""
    counts = {**report.listed, **report.outcomes}
    done = ", ".join(f"{count} {what!s}" for what, count in counts.items() if count) or "nothing to do"
    return f"{done}, in {report.seconds:.1f} s"


def _interval(session: Session, name: str) -> tuple[Duration | None, bool]:
    """How often a connector lists, if at all, and whether it hears events."""
    given = session.config.connector(name).every
    try:
        connector = session.load_plugin(name)
    except DamlinkError:
        return given or UNKNOWN_INTERVAL, False
    every = connector.about.every
    return given or (Duration.parse(every) if every else None), "on_event" in connector.hooks
