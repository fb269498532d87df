"""The lease: one active run of a connector, across processes and machines.

Beside the row with epoch, owner and heartbeat the holder keeps a lock that ends with its process:
on a file (SQLite) or advisory on a connection of its own (PostgreSQL). If that lock is free the
lease is taken at once; the heartbeat's time-out is for a machine that vanished or a process that
froze. Taking it raises the epoch, which fences off whoever held it before.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Protocol, Self

import sqlalchemy as sa

from damlink._process import age_clock, owner
from damlink._state._engine import Database
from damlink._state._tables import lease as t
from damlink.errors import LeaseLostError, RunActiveError, StateError

__all__ = ["BEAT_SECONDS", "LOST_AFTER_SECONDS", "Lease", "lease_of"]

BEAT_SECONDS: Final = 10.0
LOST_AFTER_SECONDS: Final = 60.0


class Lease:
    """Held while a run works; a context manager.

    Raises:
        RunActiveError: on entering, if another run holds it.
    """

    def __init__(
        self, database: Database, connector: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._connector = connector
        self._now = now
        self._lock = _lock(database, connector)
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease-{connector}", daemon=True)
        self.epoch = 0

    def __enter__(self) -> Self:
        free = self._lock.acquire()
        try:
            self.epoch = self._take(free=free)
        except BaseException:
            self._lock.release()
            raise
        self._seen_at = age_clock()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        with contextlib.suppress(StateError):  # what matters has been written, or has failed before
            self._write(heartbeat_at=None)
        self._lock.release()

    def verify(self) -> None:
        """Make sure that the lease is still ours, right before an effect.

        Costs nothing while the heartbeat is young. A process that was frozen notices it here.

        Raises:
            LeaseLostError: another run has taken over.
        """
        if not self._lost.is_set() and age_clock() - self._seen_at > 2 * BEAT_SECONDS:
            self._renew()
        if self._lost.is_set():
            raise LeaseLostError(f"{self._connector}: another run has taken over; this one stops")

    def _take(self, *, free: bool) -> int:
        mine = t.c.connector == self._connector
        with self._database.write() as connection:
            held = connection.execute(sa.select(t).where(mine).with_for_update()).one_or_none()
            now = self._now()
            if not free and not _is_stale(held, now):
                whose = f" ({held.owner})" if held and held.heartbeat_at else ""  # else it is just beginning
                hint = "wait for it to end, or stop that process"
                raise RunActiveError(f"{self._connector}: another run is active{whose}", hint=hint)
            epoch = int(held.epoch) + 1 if held else 1
            values = {"connector": self._connector, "epoch": epoch, "owner": owner(), "heartbeat_at": now}
            connection.execute(
                sa.update(t).where(mine).values(values) if held else sa.insert(t).values(values)
            )
            return epoch

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS) and not self._lost.is_set():
            with contextlib.suppress(StateError):  # the next write of the run will say it aloud
                self._renew()

    def _renew(self) -> None:
        began = age_clock()
        if self._write(heartbeat_at=self._now()):
            self._seen_at = began
        else:
            self._lost.set()

    def _write(self, heartbeat_at: datetime | None) -> bool:
        mine = (t.c.connector == self._connector, t.c.epoch == self.epoch)
        with self._database.write() as connection:
            beat = sa.update(t).where(*mine).values(heartbeat_at=heartbeat_at)
            return bool(connection.execute(beat).rowcount)


def lease_of(database: Database, connector: str) -> dict[str, Any] | None:
    """Who held a connector's lease last, under which epoch, and whether it still beats."""
    with database.read() as connection:
        held = connection.execute(sa.select(t).where(t.c.connector == connector)).one_or_none()
    if held is None:
        return None
    return {"owner": held.owner, "epoch": held.epoch, "heartbeat_at": held.heartbeat_at}


def _is_stale(held: Any, now: datetime) -> bool:
    """Whether the heart of whoever held it has stopped."""
    beat: datetime | None = held.heartbeat_at if held else None
    return beat is not None and now - beat >= timedelta(seconds=LOST_AFTER_SECONDS)


class _ProcessLock(Protocol):
    """A lock that ends with the process."""

    def acquire(self) -> bool:
        """Take it if it is free; says whether."""

    def release(self) -> None:
        """Give it back."""


def _lock(database: Database, connector: str) -> _ProcessLock:
    if database.file is None:
        return _AdvisoryLock(database, connector)
    return _FileLock(f"{database.file}.locks", connector)


class _FileLock:
    """An OS lock on a file beside an SQLite database."""

    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder
        self._path = os.path.join(folder, f"{name}.lock")  # noqa: PTH118 - the database's path is text
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Take it if it is free."""
        import fcntl  # not on every system; there the heartbeat alone decides

        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)  # noqa: PTH103
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StateError(f"{self._path}: cannot lock: {error}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def release(self) -> None:
        """Give it back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class _AdvisoryLock:
    """An advisory lock of PostgreSQL, on a connection of its own."""

    def __init__(self, database: Database, connector: str) -> None:
        self._database = database
        digest = hashlib.blake2b(f"damlink:{connector}".encode(), digest_size=8).digest()
        self._number = int.from_bytes(digest, "big", signed=True)
        self._connection: sa.Connection | None = None

    def acquire(self) -> bool:
        """Take it if it is free."""
        with self._database.translated(), contextlib.ExitStack() as unless_taken:
            connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            unless_taken.callback(connection.close)
            taken = bool(connection.execute(sa.select(sa.func.pg_try_advisory_lock(self._number))).scalar())
            if taken:
                self._connection = connection
                unless_taken.pop_all()
            return taken

    def release(self) -> None:
        """Give it back, and the connection with it."""
        if self._connection is not None:
            with contextlib.suppress(sa.exc.DBAPIError):  # a session that is lost has lost it already
                self._connection.execute(sa.select(sa.func.pg_advisory_unlock(self._number)))
            self._connection.invalidate()  # the session ends, and with it whatever it might still hold
            self._connection.close()
            self._connection = None
