"""A worker: a process that carries rows of a PostgreSQL database beside others, until a signal ends it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from damlink._run.session import Session
from damlink._serve.dispatcher import Dispatcher
from damlink._serve.engine import EngineRunner
from damlink._serve.follower import ConfigFollower
from damlink._serve.jobs import Job, JobKind
from damlink._serve.work import Threads, Work
from damlink._state.worker import Worker
from damlink._state.worker_records import list_workers
from damlink.errors import DamlinkError

__all__ = ["WorkerProcess"]

# Below 30 seconds, after which systemd, Docker and Kubernetes usually kill a process.
END_SECONDS: Final = 25.0
LAST_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.5
# Before the process becomes a worker again, when the database was away.
PAUSE_SECONDS: Final = 2.0
# Jobs that are no transfer: the timetable, and listings.
OTHER_JOBS: Final = 4

_log = logging.getLogger("damlink.serve")


class WorkerProcess:
    """A worker, and another one in its place whenever its number has ended.

    Args:
        name: of the sessions of this database.
        only: the connectors that it carries; all if empty.
        threads: the most assets that it carries at once.
        on_number: called with the number of each worker.
    """

    def __init__(
        self,
        session: Session,
        name: str,
        *,
        only: Sequence[str] = (),
        threads: int,
        on_number: Callable[[int], None] = lambda _number: None,
    ) -> None:
        self._session, self._name = session, name
        self._only, self._count, self._on_number = tuple(only), threads, on_number
        self._stopped = threading.Event()
        self._has_ended = True
        self._offer: Callable[[Job], bool] = _offer_nothing

    def stop(self) -> None:
        """Ask the process to end; from any thread."""
        self._stopped.set()

    def run(self) -> bool:
        """Work until `stop`, or until a person drains it; return whether everything ended in time."""
        follower = ConfigFollower(self._session, [])
        dispatcher = Dispatcher(self._session, self._look)
        services = (follower, dispatcher)
        for service in services:
            service.start()
        try:
            while not self._stopped.is_set():
                with self._unless_away():
                    self._work()
        finally:
            for service in services:
                service.stop()
            for service in services:
                service.join(LAST_SECONDS)
        return self._has_ended

    @contextlib.contextmanager
    def _unless_away(self) -> Iterator[None]:
        try:
            yield
        except DamlinkError as error:
            _log.error("the worker waits: %s", error)
            self._stopped.wait(PAUSE_SECONDS)

    def _work(self) -> None:
        """Be one worker until its number ends, or the process is asked to end."""
        threads = Threads(self._count)
        with Worker(
            self._session.database,
            self._name,
            only=self._only,
            threads=self._count,
            on_freed=self._look,
        ) as worker:
            self._on_number(worker.number)
            work = Work(self._session, worker, threads)
            runner = EngineRunner(
                self._session.database.url,
                work.do,
                number=worker.number,
                most=self._count + OTHER_JOBS,
                list_alive=lambda: [each.number for each in list_workers(self._session.database)],
                takes_any=not self._only,
            )
            work.offer = runner.offer
            runner.start()
            self._offer = runner.offer
            try:
                self._look()
                self._wait(worker, runner)
            finally:
                self._offer = _offer_nothing
                self._has_ended = self._end(worker, work, runner)

    def _look(self) -> None:
        """Have a worker look what is due."""
        self._offer(Job(JobKind.TIMETABLE))

    def _wait(self, worker: Worker, runner: EngineRunner) -> None:
        while not self._stopped.wait(LOOK_SECONDS) and not worker.is_lost and runner.is_alive:
            if worker.drains:
                _log.info("worker %d drains: it ends after what is under way", worker.number)
                self._stopped.set()
        if not self._stopped.is_set():
            self._stopped.wait(PAUSE_SECONDS)

    def _end(self, worker: Worker, work: Work, runner: EngineRunner) -> bool:
        """Let what is under way finish; interrupt what has not ended in time. Its checkpoints stay."""
        deadline = time.monotonic() + END_SECONDS
        work.stop(now=worker.is_lost)
        runner.stop()
        if runner.join(END_SECONDS - LAST_SECONDS):
            return True
        work.stop(now=True)
        return runner.join(max(0.0, deadline - time.monotonic()))


def _offer_nothing(_job: Job) -> bool:
    return False
