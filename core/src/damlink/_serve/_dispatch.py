"""From the inbox to the ledgers: what portals told us becomes assets that are due."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from damlink._assembly import Assembly
from damlink._serve._fanout import Fanout
from damlink._state import DISPATCHER, Inbox, Lease
from damlink.errors import DamlinkError, RunActiveError, StateError

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
        assembly: Assembly,
        on_brought: Callable[[], None] = lambda: None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._assembly = assembly
        self._inbox = Inbox(assembly.database)
        self._on_brought, self._now = on_brought, now
        self._portals: dict[str, Fanout] = {}
        self._stopped = threading.Event()
        self._pruned_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    @property
    def _pause(self) -> float:
        return self._assembly.config.serve.event_pause

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
                with Lease(self._assembly.database, DISPATCHER) as lease:
                    self._work(lease)
            except RunActiveError:
                self._stopped.wait(STANDBY_SECONDS)
            except DamlinkError as error:
                _log.error("events wait: %s", error)
                self._stopped.wait(STANDBY_SECONDS)
            except Exception:  # noqa: BLE001 - a bug must not end the events for good
                _log.exception("events wait: a bug")
                self._stopped.wait(STANDBY_SECONDS)

    def _work(self, lease: Lease) -> None:
        self._inbox = Inbox(self._assembly.database, lease.epoch)
        while not self._stopped.is_set():
            lease.verify()
            if not self.step():
                self._stopped.wait(min(POLL_SECONDS, max(self._pause / 4, 0.01)))

    def step(self) -> bool:
        """Work what is ready now, a batch of each portal; whether there was any."""
        self._prune()
        portals = self._assembly.config.portals
        self._portals = {name: self._portals.get(name) or Fanout(self._assembly, name) for name in portals}
        worked = [self._batch(name, fanout) for name, fanout in self._portals.items()]
        return any(worked)

    def _batch(self, portal: str, fanout: Fanout) -> bool:
        if not fanout.is_reachable():
            return False
        gathered = self._inbox.gather(portal, self._now(), self._pause)
        if not gathered:
            return False
        try:
            verdicts, brought = fanout.work(gathered, self._now())
        except StateError:
            raise
        except DamlinkError as error:
            fanout.put_off(error)
            return False
        self._inbox.settle(verdicts, brought, self._now())
        if brought:
            self._on_brought()
        return True

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at > PRUNE_SECONDS:
            self._pruned_at = time.monotonic()
            self._inbox.prune(self._now())
