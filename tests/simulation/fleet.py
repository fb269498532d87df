"""Workers of the simulation: the product's own, on SQLite, with a model of what PostgreSQL does for them.

The model answers for the session that holds a worker's locks, and knows which process has died or is frozen.
What a worker verifies and sends, how its number ends, and how its rows are freed, is the product's code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Self

import attrs
import sqlalchemy as sa
from simulation.tasks import Process, active, current_process

from damlink._state import dead_workers
from damlink._state.database import Database
from damlink._state.dead_workers import FROZEN_SECONDS, GONE_SECONDS
from damlink._state.lease import read_clocks
from damlink._state.tables import worker as t
from damlink._state.worker import Worker

__all__ = ["Fleet", "SimulatedWorker"]

_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


@attrs.define
class _Session:
    """The session of a worker: it ends with its process, or when another worker ends it."""

    process: Process
    beaten_at: float
    shares: int = 0
    is_ended: bool = False

    @property
    def closed(self) -> bool:
        """True if nothing can be asked any more."""
        return self.is_ended


@attrs.define
class Fleet:
    """The workers of a schedule, by number."""

    sessions: dict[int, _Session] = attrs.field(factory=dict)

    def has_ended(self, process: Process | None) -> bool:
        """Return whether a process was a worker whose number has ended, and is none again."""
        numbers = [number for number, each in self.sessions.items() if each.process is process]
        return bool(numbers) and self.sessions[max(numbers)].is_ended

    def find_dead(self, number: int) -> list[int]:
        """Return the workers, except one, that count as dead for it."""
        now = _now()
        return [
            other
            for other, each in self.sessions.items()
            if other != number and not each.is_ended and _is_dead(each, now - each.beaten_at)
        ]


def _is_dead(session: _Session, silent_seconds: float) -> bool:
    return silent_seconds > (GONE_SECONDS if session.process.is_crashed else FROZEN_SECONDS)


def _now() -> float:
    scheduler = active()
    assert scheduler is not None
    return scheduler.now


class SimulatedWorker(Worker):
    """Worker whose session is a model."""

    def __init__(self, fleet: Fleet, database: Database, on_freed: Callable[[], None] = lambda: None) -> None:
        super().__init__(database, "simulated", on_freed=on_freed)
        self._fleet = fleet
        self._looking = threading.Thread(target=self._look_forever, name="dead-workers", daemon=True)

    def __enter__(self) -> Self:
        process = current_process()
        assert process is not None
        values = {"owner": str(process), "session": f"{process}", "version": "", "threads": 1}
        values |= {"started_at": _EPOCH, "heartbeat_at": _EPOCH}
        with self._database.write() as connection:
            inserted = connection.execute(sa.insert(t).values(values).returning(t.c.id))
            self.number = int(inserted.scalar_one())
        self._seen_at = read_clocks()
        self._session: Any = _Session(process, _now())
        self._fleet.sessions[self.number] = self._session
        self._beating.start()
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._beating.join()
        self._looking.join()
        dead_workers.end_worker(self._database, self.number)
        self._session.is_ended = True

    def _ask(self, statement: str, *given: object) -> Any:
        """Answer as the server does: a heartbeat, or the lock of a connector."""
        if "UPDATE worker" in statement:
            if self._session.is_ended:
                return None
            self._session.beaten_at = _now()
            return False
        return True

    def _has_news(self) -> bool:
        return bool(self._session.is_ended)

    def _look_forever(self) -> None:
        from damlink._state import worker
        from damlink.errors import StateError

        while not self._stopped.wait(worker.BEAT_SECONDS) and not self._lost.is_set():
            for number in self._fleet.find_dead(self.number):
                try:
                    self._end(number)
                except StateError:
                    break

    def _end(self, number: int) -> None:
        # As the server does: it ends the session of a worker before the number.
        if dead_workers.end_worker(self._database, number):
            self._fleet.sessions[number].is_ended = True
            self._on_freed()
