"""The job engine, Procrastinate. The only importer of it.

It hands out jobs, wakes workers, and keeps no truth about assets. Its tables lie in a schema of their own
in the database of the state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector, exceptions, metadata, schema
from procrastinate.jobs import Status

from damlink._serve.jobs import Job, JobKind
from damlink._serve.service import OneThread
from damlink._state.database import CREATION_LOCK, Database
from damlink.errors import DamlinkError

__all__ = ["ENGINE", "JOBS_SCHEMA", "EngineRunner", "adopt_log", "find_pending", "upgrade_engine"]

JOBS_SCHEMA: Final = "damlink_jobs"
ENGINE: Final = f"Procrastinate {metadata.extract_metadata()['version']}"
WHOLE: Final = "schema.sql"
TASK: Final = "damlink"
ANY_QUEUE: Final = "any"
TIMETABLE_QUEUE: Final = "timetable"
# Every two seconds; the sixth field stands for the second.
TIMETABLE_CRON: Final = "* * * * * */2"
POLL_SECONDS: Final = 1.0
BEAT_SECONDS: Final = 1.0
# A job of a worker without a heartbeat for so long is put back. It may still be worked: that does no harm.
STALLED_SECONDS: Final = 6.0
# While the database is away, a pool and an unfinished task report it as well, each with a trace.
ENGINE_LOGS: Final = ("procrastinate", "psycopg.pool", "asyncio")
_TIMETABLE: Final = Job(JobKind.TIMETABLE)

_log = logging.getLogger("damlink.jobs")

_applied: Final = sa.Table(
    "applied",
    sa.MetaData(schema=JOBS_SCHEMA),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)


def find_pending(database: Database) -> list[str]:
    """Return the names of the engine's files of SQL that are not applied yet, in order.

    A database without its tables needs one file, which makes them as all others would leave them.
    """
    with database.read() as connection:
        return _find_pending(connection)


def upgrade_engine(database: Database) -> None:
    """Apply the files that are missing, each in a transaction of its own."""
    for name in find_pending(database):
        with database.write() as connection:
            # Two processes may find the same tables at once.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({CREATION_LOCK})")
            if name in _find_pending(connection):
                _apply(connection, name)


def _apply(connection: sa.Connection, name: str) -> None:
    connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {JOBS_SCHEMA}")
    connection.exec_driver_sql(f"SET LOCAL search_path = {JOBS_SCHEMA}")
    _applied.create(connection, checkfirst=True)
    # The text has several statements, which the server takes only without parameters.
    connection.exec_driver_sql(_text_of(name), execution_options={"no_parameters": True})
    known = [each.name for each in _steps()] if name == WHOLE else [name]
    connection.execute(sa.insert(_applied), [{"name": each} for each in known])


def _find_pending(connection: sa.Connection) -> list[str]:
    if not sa.inspect(connection).has_table(_applied.name, schema=JOBS_SCHEMA):
        return [WHOLE]
    done = set(connection.execute(sa.select(_applied.c.name)).scalars())
    return [path.name for path in _steps() if path.name not in done]


def _steps() -> list[Path]:
    """Return the files that lead from one version of the engine to the next, in order."""
    return sorted(schema.migrations_path.glob("*.sql"))


def _text_of(name: str) -> str:
    if name == WHOLE:
        return str(schema.SchemaManager.get_schema())
    return (schema.migrations_path / name).read_text(encoding="utf-8")


class _OneLine(logging.Handler):
    """Handler that logs a report of the engine in one line; its trace is logged at `debug` only."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record of the engine as one of ours."""
        error = record.exc_info[1] if record.exc_info else None
        cause = f": {' '.join(str(error.__cause__ or error).split())}" if error else ""
        trace = record.exc_info if _log.isEnabledFor(logging.DEBUG) else None
        _log.log(record.levelno, "%s%s", " ".join(record.getMessage().split()), cause, exc_info=trace)


def adopt_log() -> None:
    """Let warnings and errors of the engine, and of what it works with, appear in ours, each in one line."""
    for name in ENGINE_LOGS:
        engine = logging.getLogger(name)
        if not any(isinstance(each, _OneLine) for each in engine.handlers):
            engine.addHandler(_OneLine(logging.WARNING))
            engine.propagate = False


class EngineRunner(OneThread):
    """Runner of jobs that all workers on a database share.

    Args:
        url: of the database.
        work: does a job; called in a thread.
        number: of this worker.
        takes_any: whether it does jobs for any worker.
        most: the most jobs at once.
        list_alive: returns the numbers of the living workers.
    """

    def __init__(
        self,
        url: sa.URL,
        work: Callable[[Job], None],
        *,
        number: int,
        most: int,
        list_alive: Callable[[], Collection[int]],
        takes_any: bool = True,
    ) -> None:
        super().__init__("jobs", self._run)
        self._work, self._most, self._list_alive = work, most, list_alive
        self._queues = [TIMETABLE_QUEUE, _queue_of(number), *([ANY_QUEUE] if takes_any else [])]
        pool = _pool_arguments(url)
        self._app = App(connector=PsycopgConnector(**pool))
        self._offers = App(connector=SyncPsycopgConnector(**pool))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = threading.Event()
        self._app.task(name=TASK)(self._do)
        timetable = self._app.task(
            name=f"{TASK}.timetable",
            queue=TIMETABLE_QUEUE,
            lock=_TIMETABLE.lock,
            queueing_lock=_TIMETABLE.waiting_lock,
        )
        self._app.periodic(cron=TIMETABLE_CRON)(timetable(self._do_timetable))

    def start(self) -> None:
        """Start the thread."""
        adopt_log()
        self._offers.open()
        super().start()

    def stop(self) -> None:
        """Ask the thread to end: no other job begins."""
        self._is_stopped.set()
        if self._loop is not None and self._task is not None:
            # It may have ended by itself meanwhile.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._task.cancel)

    def join(self, timeout: float) -> bool:
        """Wait for the end of the jobs under way, and return whether they have ended."""
        has_ended = super().join(timeout)
        if has_ended:
            self._offers.close()
        return has_ended

    def offer(self, job: Job) -> bool:
        """Hand out a job; return whether none like it was waiting already. A failure is only logged."""
        task = self._offers.configure_task(
            TASK, queue=_queue_for(job), lock=job.lock, queueing_lock=job.waiting_lock
        )
        try:
            task.defer(kind=job.kind.value, subject=job.subject, worker=job.worker)
        except exceptions.AlreadyEnqueued:
            return False
        except exceptions.ConnectorException as error:
            _log.warning("a job waits for the timetable: %s", error.__cause__ or error)
            return False
        return True

    # --- jobs --------------------------------------------------------------------------------------

    def _do(self, kind: str, subject: str, worker: int | None) -> None:
        self._call(Job(JobKind(kind), subject, worker))

    def _do_timetable(self, timestamp: int) -> None:  # noqa: ARG002 - the engine gives it
        self._call(_TIMETABLE)

    def _call(self, job: Job) -> None:
        """Do a job. It is over however it ends: what is still due is found by the timetable."""
        if self._is_stopped.is_set():
            return
        try:
            self._work(job)
        except DamlinkError as error:
            _log.error("%s", error)
        except Exception:  # noqa: BLE001 - a bug must not stop the worker
            _log.exception("%s %s: a bug", job.kind, job.subject)

    # --- the engine --------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except exceptions.ConnectorException as error:
            _log.error("jobs wait: %s", error.__cause__ or error)
        except Exception:  # noqa: BLE001 - the worker begins anew
            _log.exception("jobs wait: a bug")

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        # asyncio's own has few threads, and a job takes one for as long as it lasts.
        self._loop.set_default_executor(ThreadPoolExecutor(self._most + 4, thread_name_prefix="job"))
        async with self._app.open_async():
            self._task = asyncio.create_task(self._app.run_worker_async(**self._options()))
            tidying = asyncio.create_task(self._tidy_forever())
            if self._is_stopped.is_set():
                self._task.cancel()
            try:
                await self._task
            except asyncio.CancelledError:
                _log.debug("no other job begins")
            finally:
                tidying.cancel()

    def _options(self) -> dict[str, Any]:
        return {
            "queues": self._queues,
            "concurrency": self._most,
            "install_signal_handlers": False,
            "delete_jobs": "always",
            "fetch_job_polling_interval": POLL_SECONDS,
            "update_heartbeat_interval": BEAT_SECONDS,
        }

    async def _tidy_forever(self) -> None:
        """Put the jobs of dead workers back: the engine would leave them under way for ever."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._tidy()
            except (exceptions.ConnectorException, DamlinkError) as error:
                _log.warning("jobs of dead workers wait: %s", error.__cause__ or error)

    async def _tidy(self) -> None:
        manager = self._app.job_manager
        alive = {_queue_of(number) for number in await asyncio.to_thread(self._list_alive)}
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
            if job.id is not None:
                await self._put_back(job.id, is_wanted=_is_wanted(job.queue, alive))
        for job in await manager.list_jobs_async(status="todo"):
            if job.id is not None and not _is_wanted(job.queue, alive):
                await manager.cancel_job_by_id_async(job.id, delete_job=True)

    async def _put_back(self, number: int, *, is_wanted: bool) -> None:
        manager = self._app.job_manager
        if is_wanted:
            # Another one like it may wait already.
            with contextlib.suppress(exceptions.ConnectorException):
                await manager.retry_job_by_id_async(number, retry_at=datetime.now(UTC))
                return
        with contextlib.suppress(exceptions.ConnectorException):
            await manager.finish_job_by_id_async(number, status=Status.FAILED, delete_job=True)


def _queue_of(number: int) -> str:
    return f"worker {number}"


def _is_wanted(queue: str, alive: Collection[str]) -> bool:
    return queue in alive or queue in (TIMETABLE_QUEUE, ANY_QUEUE)


def _queue_for(job: Job) -> str:
    if job.worker is not None:
        return _queue_of(job.worker)
    return TIMETABLE_QUEUE if job.kind is JobKind.TIMETABLE else ANY_QUEUE


def _pool_arguments(url: sa.URL) -> dict[str, Any]:
    """Return the arguments of a pool whose connections see the engine's tables alone."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    options = f"-c search_path={JOBS_SCHEMA}"
    return {"conninfo": address, "kwargs": {"options": options}, "min_size": 1, "max_size": 4}
