"""Processing of the inbox: turns received events into due assets in the ledgers."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from damlink._model import SourceAsset
from damlink._plugin.under_way import warn_of_long_calls
from damlink._run.session import Session
from damlink._serve.event_calls import EventCalls
from damlink._serve.fanout import Fanout, Result, postpone
from damlink._serve.service import OneThread
from damlink._state.inbox import DISPATCHER, CoalescedEvent, Inbox
from damlink._state.latencies import Latencies
from damlink._state.lease import Lease
from damlink._system.keepable import describe
from damlink.errors import DamlinkError, LeaseLostError, RunActiveError, StateError

__all__ = ["Dispatcher"]

POLL_SECONDS: Final = 1.0
STANDBY_SECONDS: Final = 2.0  # between two attempts to take over the lease of the dispatcher
END_SECONDS: Final = 3.0
PRUNE_SECONDS: Final = 3600.0
FOLD_SECONDS: Final = 15.0
MOST_BATCHES: Final = 20  # of one portal in one job

_log = logging.getLogger("damlink.events")


class Dispatcher(OneThread):
    """Background service that processes the inbox. Only one process on a database does; the others stand by.

    Args:
        on_new_rows: called after rows have been added to a ledger.
        calls: of the connectors' `on_event`.
    """

    def __init__(
        self,
        session: Session,
        on_new_rows: Callable[[], None] = lambda: None,
        calls: EventCalls | None = None,
    ) -> None:
        super().__init__("dispatcher", self._run)
        self._session = session
        self._inbox = Inbox(session.database)
        self._on_new_rows = on_new_rows
        self._calls = calls or EventCalls()
        self._portals: dict[str, Fanout] = {}
        self._stopped = threading.Event()
        self._pruned_at: datetime | None = None
        self._latencies, self._fold_again = Latencies(session.database), -math.inf

    @property
    def _pause(self) -> float:
        return self._session.config.serve.event_pause

    def stop(self) -> None:
        """Ask the thread to end; unsettled events stay in the inbox."""
        self._stopped.set()

    def join(self, timeout: float) -> bool:
        """Wait briefly for the end of the thread, and return whether it has ended.

        The wait is short: the inbox is settled in transactions, so the thread may be cut off at any point.
        """
        return super().join(min(timeout, END_SECONDS))

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with Lease(self._session.database, DISPATCHER, warn_of_long_calls) as lease:
                    self._work(lease)
            except RunActiveError:
                self._stopped.wait(STANDBY_SECONDS)
            except DamlinkError as error:
                _log.error("events wait: %s", error)
                self._stopped.wait(STANDBY_SECONDS)
            except BaseException:  # noqa: BLE001 - a bug must not stop event processing for good
                _log.exception("events wait: a bug")
                self._stopped.wait(STANDBY_SECONDS)

    def _work(self, lease: Lease) -> None:
        self._inbox = Inbox(self._session.database, lease.epoch)
        while not self._stopped.is_set():
            lease.verify()
            self._session.pace.keep_reserve()
            if not self.step():
                self._stopped.wait(min(POLL_SECONDS, max(self._pause / 4, 0.01)))

    def step(self) -> bool:
        """Process one batch of each portal, and return whether there was any event."""
        self._prune()
        self.fold_latencies()
        portals = self._session.config.portals
        self._portals = {name: self._portals.get(name) or self._open(name) for name in portals}
        has_worked = [self._process_batch(name, fanout) for name, fanout in self._portals.items()]
        return any(has_worked)

    def work_portal(self, portal: str) -> None:
        """Process the events of a portal that are ready now, unless another process works the inbox.

        It is for a job of the engine: after a number of batches, other portals have their turn.
        """
        self._portals.setdefault(portal, self._open(portal))
        with (
            contextlib.suppress(RunActiveError),
            Lease(self._session.database, DISPATCHER, warn_of_long_calls) as lease,
        ):
            self._inbox = Inbox(self._session.database, lease.epoch)
            self.fold_latencies()
            for _ in range(MOST_BATCHES):
                if self._stopped.is_set() or not self._process_batch(portal, self._portals[portal]):
                    return
                lease.verify()

    def fold_latencies(self) -> None:
        """Count what events have delivered meanwhile, now and then."""
        if time.monotonic() >= self._fold_again:
            self._fold_again = time.monotonic() + FOLD_SECONDS
            self._latencies.fold()

    def has_ready(self, portal: str) -> bool:
        """Return whether a portal has events to process now, as far as this process knows."""
        fanout = self._portals.get(portal)
        if fanout is not None and not fanout.is_reachable():
            return False
        return self._inbox.has_ready(portal, self._pause)

    def _open(self, portal: str) -> Fanout:
        return Fanout(self._session, portal, self._calls)

    def _process_batch(self, portal: str, fanout: Fanout) -> bool:
        if not fanout.is_reachable():
            return False
        events = self._inbox.gather(portal, self._pause)
        if not events:
            return False
        try:
            results = self._process(fanout, events)
        except StateError:
            raise
        except DamlinkError as error:
            fanout.pause(error)
            return False
        if self._settle(results):
            self._on_new_rows()
        return True

    def _process(self, fanout: Fanout, events: Sequence[CoalescedEvent]) -> list[Result]:
        """Process a batch. If a bug breaks it, process each event alone and postpone the broken one."""
        try:
            return fanout.process(events, self._session.now())
        except DamlinkError:
            raise
        except Exception as error:  # noqa: BLE001 - one event must not hold up the others
            if len(events) == 1:
                _log.exception("the event of %s is put off: a bug", events[0].notification.asset_id)
                return [Result(postpone(events[0], describe(error), self._session.now()))]
            return [result for event in events for result in self._process(fanout, [event])]

    def _settle(self, results: Sequence[Result]) -> bool:
        """Save a batch in one transaction, or one by one if that fails; return whether it has new rows."""
        try:
            self._save(results)
        except LeaseLostError:
            raise
        except Exception as error:  # noqa: BLE001 - an unwritable event must not hold up the others
            _log.warning("one by one: %s", describe(error))
            has_rows = [self._settle_one(each) for each in results]
            return any(has_rows)
        return any(each.new_rows for each in results)

    def _settle_one(self, result: Result) -> bool:
        try:
            self._save([result])
        except LeaseLostError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            event = result.outcome.event
            _log.exception("the event of %s is put off", event.notification.asset_id)
            self._save([Result(postpone(event, describe(error), self._session.now()))])
            return False
        return bool(result.new_rows)

    def _save(self, results: Iterable[Result]) -> None:
        outcomes, new_rows = [], dict[str, list[SourceAsset]]()
        causes: dict[tuple[str, str], int] = {}
        for each in results:
            outcomes.append(each.outcome)
            for name, assets in each.new_rows.items():
                new_rows.setdefault(name, []).extend(assets)
                for asset in assets:
                    causes.setdefault((name, asset.source_id), each.outcome.event.numbers[0])
        self._inbox.settle(outcomes, new_rows, causes)

    def _prune(self) -> None:
        now = self._session.now()
        # Either way: the system clock may be set back.
        if self._pruned_at is None or abs((now - self._pruned_at).total_seconds()) > PRUNE_SECONDS:
            self._pruned_at = now
            self._inbox.prune()
            self._latencies.prune()
