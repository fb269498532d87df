"""From the inbox to the ledgers: what portals told us becomes assets that are due."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from damlink._model import SourceAsset
from damlink._run.session import Session
from damlink._serve.fanout import Fanout, Worked, put_off
from damlink._state.inbox import DISPATCHER, Gathered, Inbox
from damlink._state.lease import Lease
from damlink._system.keepable import describe
from damlink.errors import DamlinkError, LeaseLostError, RunActiveError, StateError

__all__ = ["Dispatcher"]

POLL_SECONDS: Final = 1.0
STANDBY_SECONDS: Final = 2.0  # until the next look whether the process that dispatches has ended
END_SECONDS: Final = 3.0
PRUNE_SECONDS: Final = 3600.0

_log = logging.getLogger("damlink.events")


class Dispatcher:
    """Works the inbox in a thread of its own. One process on a database does; the others stand by.

    Args:
        on_brought: told after something has been put into a ledger.
        now: the clock.
    """

    def __init__(
        self,
        session: Session,
        on_brought: Callable[[], None] = lambda: None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._session = session
        self._inbox = Inbox(session.database)
        self._on_brought, self._now = on_brought, now
        self._portals: dict[str, Fanout] = {}
        self._stopped = threading.Event()
        self._pruned_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    @property
    def _pause(self) -> float:
        return self._session.config.serve.event_pause

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wake(self) -> None:
        """Something new may lie in the inbox; it has to come to rest first, and is found by then."""

    def stop(self) -> None:
        """Ask it to end; what it has not settled stays in the inbox."""
        self._stopped.set()

    def join(self, timeout: float) -> bool:
        """Wait a little until it has ended; whether it has. It may be cut off anywhere."""
        self._thread.join(min(timeout, END_SECONDS))
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether it works or stands by."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with Lease(self._session.database, DISPATCHER) as lease:
                    self._work(lease)
            except RunActiveError:
                self._stopped.wait(STANDBY_SECONDS)
            except DamlinkError as error:
                _log.error("events wait: %s", error)
                self._stopped.wait(STANDBY_SECONDS)
            except BaseException:  # noqa: BLE001 - nothing must end the events for good
                _log.exception("events wait: a bug")
                self._stopped.wait(STANDBY_SECONDS)

    def _work(self, lease: Lease) -> None:
        self._inbox = Inbox(self._session.database, lease.epoch)
        while not self._stopped.is_set():
            lease.verify()
            if not self.step():
                self._stopped.wait(min(POLL_SECONDS, max(self._pause / 4, 0.01)))

    def step(self) -> bool:
        """Work what is ready now, a batch of each portal; whether there was any."""
        self._prune()
        portals = self._session.config.portals
        self._portals = {name: self._portals.get(name) or Fanout(self._session, name) for name in portals}
        worked = [self._batch(name, fanout) for name, fanout in self._portals.items()]
        return any(worked)

    def _batch(self, portal: str, fanout: Fanout) -> bool:
        if not fanout.is_reachable():
            return False
        gathered = self._inbox.gather(portal, self._now(), self._pause)
        if not gathered:
            return False
        try:
            worked = self._worked(fanout, gathered)
        except StateError:
            raise
        except DamlinkError as error:
            fanout.put_off(error)
            return False
        if self._settle(worked):
            self._on_brought()
        return True

    def _worked(self, fanout: Fanout, gathered: Sequence[Gathered]) -> list[Worked]:
        """Work a batch; where a bug spoils it, each by itself, and the one at fault is put off."""
        try:
            return fanout.work(gathered, self._now())
        except DamlinkError:
            raise
        except Exception as error:  # noqa: BLE001 - one event must not hold up the others
            if len(gathered) == 1:
                _log.exception("the event of %s is put off: a bug", gathered[0].notification.asset_id)
                return [Worked(put_off(gathered[0], describe(error), self._now()))]
            return [each for one in gathered for each in self._worked(fanout, [one])]

    def _settle(self, worked: Sequence[Worked]) -> bool:
        """Close what was worked in one transaction, or else each by itself; whether it brought anything."""
        try:
            self._close(worked)
        except LeaseLostError:
            raise
        except Exception as error:  # noqa: BLE001 - one that cannot be written must not hold up the others
            _log.warning("one by one: %s", describe(error))
            brought = [self._settle_one(each) for each in worked]
            return any(brought)
        return any(each.brought for each in worked)

    def _settle_one(self, worked: Worked) -> bool:
        try:
            self._close([worked])
        except LeaseLostError:
            raise
        except Exception as error:  # noqa: BLE001 - the same
            gathered = worked.verdict.gathered
            _log.exception("the event of %s is put off", gathered.notification.asset_id)
            self._close([Worked(put_off(gathered, describe(error), self._now()))])
            return False
        return bool(worked.brought)

    def _close(self, worked: Iterable[Worked]) -> None:
        verdicts, brought = [], dict[str, list[SourceAsset]]()
        for each in worked:
            verdicts.append(each.verdict)
            for name, assets in each.brought.items():
                brought.setdefault(name, []).extend(assets)
        self._inbox.settle(verdicts, brought, self._now())

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at > PRUNE_SECONDS:
            self._pruned_at = time.monotonic()
            self._inbox.prune(self._now())
