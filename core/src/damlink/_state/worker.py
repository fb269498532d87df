"""Workers: processes, on any machines, that carry the rows of one PostgreSQL database together.

A worker has a number, an advisory lock on a connection of its own, and a heartbeat by the server's clock.
The number ends for good, and the rows claimed under it are free, as soon as another worker sees that the
lock is gone (the process has died), or that the heartbeat is old (it is frozen, or cut off). Then nothing
is written under the number any more; and a worker sends nothing unless its last heartbeat is recent by its
own clocks. See `claim` for the rows, and `lease` for work that only one process may do.
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import sqlalchemy as sa

from damlink._state.conflicts import repeating
from damlink._state.database import Database
from damlink._state.dead_workers import LOCK_CLASS, end_dead, end_worker
from damlink._state.lease import KEEPALIVE, active_error, lock_number, read_clocks
from damlink._state.tables import lease
from damlink._state.tables import worker as t
from damlink._system.process import owner
from damlink._version import __version__
from damlink.errors import LeaseLostError, StateError

__all__ = ["Worker", "check_worker", "open_worker_database"]

BEAT_SECONDS: Final = 0.5
# By its own clocks, a worker sends only while its last heartbeat is younger than this: less than
# half of the age at which others take its rows.
CERTAIN_SECONDS: Final = 4.0
# How long a request waits for the heartbeat that is late.
LONGEST_LATE_SECONDS: Final = 30.0

_log = logging.getLogger("damlink.worker")
# A heartbeat does not conflict with this lock, the end of a worker does.
_ALIVE: Final = (
    sa.select(t.c.id)
    .where(t.c.id == sa.bindparam("worker"), t.c.ended_at.is_(None))
    .with_for_update(read=True, key_share=True)
)
# In the `info` of a connection: a transaction, and the worker that was verified in it.
_VERIFIED: Final = "damlink.verified_worker"
_BEAT: Final = (
    "UPDATE worker SET heartbeat_at = clock_timestamp() WHERE id = %s AND ended_at IS NULL RETURNING drains"
)


def open_worker_database(url: str, folder: Path) -> tuple[Database, str]:
    """Open a database for a worker; also return the name of its sessions there.

    By that name, others end the sessions of a frozen worker: an open transaction of it would keep its locks.
    """
    session = f"damlink-{secrets.token_hex(8)}"
    parsed = sa.make_url(url).update_query_dict({"application_name": session})
    return Database(parsed.render_as_string(hide_password=False), folder), session


class Worker:
    """Context manager that makes this process a worker of a PostgreSQL database.

    Args:
        session: name of the sessions of this database.
        only: the connectors that it carries; all if empty.
        threads: the most assets that it carries at once.
        on_freed: called after rows of a dead worker have been freed.

    Attributes:
        number: of the worker; never used again.
    """

    def __init__(
        self,
        database: Database,
        session: str,
        *,
        only: Sequence[str] = (),
        threads: int = 1,
        on_freed: Callable[[], None] = lambda: None,
    ) -> None:
        self._database, self._name = database, session
        self._only, self._threads, self._on_freed = tuple(only), threads, on_freed
        self._stopped, self._lost = threading.Event(), threading.Event()
        self._beaten = threading.Condition()
        self._drains = False
        self._beating = threading.Thread(target=self._beat_forever, name="heartbeat", daemon=True)
        self._looking = threading.Thread(target=self._look_forever, name="dead-workers", daemon=True)
        self.number = 0

    def __enter__(self) -> Self:
        with self._database.translate_errors(), contextlib.ExitStack() as unless_taken:
            engine = self._database.engine
            self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            unless_taken.callback(self._connection.close)
            settings = (sa.func.set_config(name, value, False) for name, value in KEEPALIVE.items())
            self._connection.execute(sa.select(*settings))
            # The driver's connection: SQLAlchemy would replace a lost session by a new one without the lock.
            self._session: Any = self._connection.connection.driver_connection
            self._seen_at = read_clocks()
            self.number = self._register()
            unless_taken.pop_all()
        self._beating.start()
        self._looking.start()
        return self

    def _register(self) -> int:
        # An earlier number of this process: others would end the sessions of both.
        earlier = sa.select(t.c.id).where(t.c.session == self._name, t.c.ended_at.is_(None))
        for number in self._connection.execute(earlier).scalars().all():
            end_worker(self._database, number)
        values = {
            "owner": owner(),
            "session": self._name,
            "version": __version__,
            "only": json.dumps(self._only),
            "threads": self._threads,
            "started_at": sa.func.clock_timestamp(),
            "heartbeat_at": sa.func.clock_timestamp(),
        }
        number = int(self._connection.execute(sa.insert(t).values(values).returning(t.c.id)).scalar_one())
        # Before it, the worker counts as dead only after a second: nobody else knows its number.
        self._connection.execute(sa.select(sa.func.pg_advisory_lock(LOCK_CLASS, number)))
        return number

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._beating.join()
        self._looking.join()
        # What cannot be written now, the next worker writes.
        with contextlib.suppress(StateError):
            end_worker(self._database, self.number)
        self._connection.invalidate()
        self._connection.close()

    @property
    def is_lost(self) -> bool:
        """True if the number has ended: the process can go on as another worker only."""
        return self._lost.is_set()

    @property
    def drains(self) -> bool:
        """True if a person has asked this worker to claim nothing more."""
        return self._drains

    def verify(self) -> None:
        """Verify that the number has not ended, right before an effect.

        Needs no query while the last heartbeat is recent. Detects that the process was frozen, or is cut off
        from the database.

        Raises:
            LeaseLostError: others may have taken its rows.
        """
        with self._beaten:
            if not self._is_certain() and not self._lost.is_set():
                self._beaten.wait_for(lambda: self._lost.is_set() or self._is_certain(), LONGEST_LATE_SECONDS)
            if self._lost.is_set() or not self._is_certain():
                raise _make_lost_error()

    @contextlib.contextmanager
    def share(self, connector: str) -> Iterator[int]:
        """Share a connector with other workers, and yield the epoch of its lease.

        While any worker shares it, no run of its own takes the lease.

        Raises:
            RunActiveError: a run holds the lease.
            LeaseLostError: the number has ended.
        """
        number = lock_number(connector)
        if not self._ask("SELECT pg_try_advisory_lock_shared(%s)", number):
            raise self._refusal(connector)
        try:
            yield self._read_epoch(connector)
        finally:
            # If it fails, the session has ended, and with it the lock.
            with contextlib.suppress(LeaseLostError):
                self._ask("SELECT pg_advisory_unlock_shared(%s)", number)

    @repeating
    def _read_epoch(self, connector: str) -> int:
        from sqlalchemy.dialects.postgresql import insert

        new = insert(lease).values(connector=connector, epoch=1, owner=owner())
        with self._database.write() as connection:
            connection.execute(new.on_conflict_do_nothing())
            query = sa.select(lease.c.epoch).where(lease.c.connector == connector)
            return int(connection.execute(query).scalar_one())

    def _refusal(self, connector: str) -> Exception:
        with self._database.read() as connection:
            held = connection.execute(sa.select(lease).where(lease.c.connector == connector)).one_or_none()
            return active_error(connector, held, self._database.clock(connection))

    def _ask(self, statement: str, *given: object) -> Any:
        """Send a statement to the worker's own session; return the first column of its answer."""
        import psycopg

        try:
            row = self._session.execute(statement, given).fetchone()
        except psycopg.Error as error:
            self._lose()
            raise _make_lost_error() from error
        return row[0] if row else None

    # --- heartbeat ---------------------------------------------------------------------------------

    def _beat_forever(self) -> None:
        while not self._lost.is_set() and not self._stopped.wait(BEAT_SECONDS):
            began = read_clocks()
            try:
                drains = self._ask(_BEAT, self.number)
            except LeaseLostError:
                return
            if drains is None:
                self._lose()
                return
            with self._beaten:
                self._seen_at, self._drains = began, bool(drains)
                self._beaten.notify_all()

    def _lose(self) -> None:
        with self._beaten:
            if not self._lost.is_set() and not self._stopped.is_set():
                _log.error("worker %d has lost the database: others take its assets over", self.number)
            self._lost.set()
            self._beaten.notify_all()

    def _is_certain(self) -> bool:
        """Return whether the last heartbeat is recent, by both clocks, and the session lives."""
        age = max(now - seen for now, seen in zip(read_clocks(), self._seen_at, strict=True))
        return age <= CERTAIN_SECONDS and not self._session.closed and not self._has_news()

    def _has_news(self) -> bool:
        """Return whether the server has closed the session."""
        waiting = select.poll()
        waiting.register(self._session.fileno(), getattr(select, "POLLRDHUP", select.POLLHUP))
        return bool(waiting.poll(0))

    # --- dead workers ------------------------------------------------------------------------------

    def _look_forever(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS) and not self._lost.is_set():
            # The next look tries again.
            with contextlib.suppress(StateError):
                if end_dead(self._database, self.number):
                    self._on_freed()


def check_worker(connection: sa.Connection, number: int) -> None:
    """Verify that a worker has not ended, and keep it so until the transaction ends.

    Raises:
        LeaseLostError: it has ended.
    """
    transaction = connection.get_transaction()
    if connection.info.get(_VERIFIED) == (transaction, number):
        return
    if connection.execute(_ALIVE, {"worker": number}).scalar() is None:
        raise _make_lost_error()
    connection.info[_VERIFIED] = (transaction, number)


def _make_lost_error() -> LeaseLostError:
    return LeaseLostError("this worker was taken for dead: others carry its assets; it stops")
