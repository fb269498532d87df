"""Background service that makes a process a worker: it carries rows beside other workers, on any machines."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from damlink._run.session import Session
from damlink._serve.engine import EngineRunner
from damlink._serve.jobs import Job, JobKind
from damlink._serve.service import OneThread
from damlink._serve.work import Threads, Work
from damlink._state.worker import Worker
from damlink._state.worker_records import list_workers
from damlink.errors import DamlinkError

__all__ = ["THREADS", "WorkerProcess"]

# Assets that a worker carries at once, unless it is told otherwise.
THREADS: Final = 16
# Below 30 seconds, after which systemd, Docker and Kubernetes usually kill a process.
END_SECONDS: Final = 24.0
LAST_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.5
# Before the process becomes a worker again, when the database was away.
PAUSE_SECONDS: Final = 2.0
# Jobs that are no transfer: the timetable, and listings.
OTHER_JOBS: Final = 4

_log = logging.getLogger("damlink.serve")


class WorkerProcess(OneThread):
    """A worker, and another one in its place whenever its number has ended.

    Args:
        name: of the sessions of this database.
        only: the connectors that it carries; all if empty.
        threads: the most assets that it carries at once.

    Attributes:
        ended: set when it has ended, as when a person has drained it.
    """

    def __init__(
        self, session: Session, name: str, *, only: Sequence[str] = (), threads: int = THREADS
    ) -> None:
        super().__init__("worker", self._run)
        self._session, self._name = session, name
        self._only, self._count = tuple(only), threads
        self._stopped = threading.Event()
        self.ended = threading.Event()
        self._has_ended_in_time = True
        self._offer: Callable[[Job], bool] = _offer_nothing
        self._stop_work: Callable[[], None] = _stop_nothing

    def stop(self) -> None:
        """Ask the worker to end: it begins no other asset, and finishes those under way."""
        self._stopped.set()
        self._stop_work()

    def join(self, timeout: float) -> bool:
        """Wait for the end, and return whether everything has ended; what has not is carried by others."""
        return super().join(timeout) and self._has_ended_in_time

    def wake(self) -> None:
        """Have a worker look what is due."""
        self._offer(Job(JobKind.TIMETABLE))

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._work()
            except DamlinkError as error:
                _log.error("the worker waits: %s", error)
            except Exception:  # noqa: BLE001 - a bug must not stop it for good
                _log.exception("the worker waits: a bug")
            self._stopped.wait(PAUSE_SECONDS)
        self.ended.set()

    def _work(self) -> None:
        """Be one worker until its number ends, or the process is asked to end."""
        database, threads = self._session.database, Threads(self._count)
        with Worker(database, self._name, only=self._only, threads=self._count, on_freed=self.wake) as worker:
            _log.info("worker %d begins", worker.number)
            work = Work(self._session, worker, threads)
            runner = EngineRunner(
                database.url,
                work.do,
                number=worker.number,
                most=self._count + OTHER_JOBS,
                list_alive=lambda: [each.number for each in list_workers(database)],
                takes_any=not self._only,
            )
            work.offer = self._offer = runner.offer
            self._stop_work = work.stop
            runner.start()
            try:
                self.wake()
                self._wait(worker, runner)
            finally:
                self._offer, self._stop_work = _offer_nothing, _stop_nothing
                self._has_ended_in_time = self._end(worker, work, runner)

    def _wait(self, worker: Worker, runner: EngineRunner) -> None:
        while not self._stopped.wait(LOOK_SECONDS) and not worker.is_lost and runner.is_alive:
            if worker.drains:
                _log.info("worker %d drains: it ends after what is under way", worker.number)
                self._stopped.set()

    def _end(self, worker: Worker, work: Work, runner: EngineRunner) -> bool:
        """Let what is under way finish; interrupt what has not ended in time. Its checkpoints stay."""
        deadline = time.monotonic() + END_SECONDS
        work.stop(now=worker.is_lost)
        runner.stop()
        if runner.join(END_SECONDS - LAST_SECONDS):
            return True
        work.stop(now=True)
        return runner.join(max(0.0, deadline - time.monotonic()))


def _stop_nothing() -> None:
    pass


def _offer_nothing(_job: Job) -> bool:
    return False
