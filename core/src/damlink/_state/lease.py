"""The lease: one active run of a connector, across processes and machines.

In addition to the row with epoch, owner and heartbeat the holder has a lock that ends with its process:
on a file (SQLite) or an advisory lock on a connection of its own (PostgreSQL). The lock alone decides:
while it is held no other run takes the lease, whatever any clock shows; if it is free the lease is
taken at once. PostgreSQL frees the lock of a vanished machine in less than a minute. Taking the lease
raises the epoch, which rejects writes of the previous holder; a holder that has lost its lock detects it
before it sends its next request.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import select
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database
from damlink._state.tables import lease as t
from damlink._system.disk import cure_of
from damlink._system.private_files import make_folder
from damlink._system.process import age_clock, owner
from damlink.errors import LeaseLostError, RunActiveError, StateError

__all__ = [
    "BEAT_SECONDS",
    "KEEPALIVE",
    "SILENT_AFTER_SECONDS",
    "Lease",
    "active_error",
    "check_epoch",
    "lock_number",
    "read_clocks",
    "read_lease",
]

BEAT_SECONDS: Final = 10.0
# After this time without a heartbeat, errors and `status` call the run silent.
SILENT_AFTER_SECONDS: Final = 60.0
_HELD: Final = (
    sa.select(t.c.epoch)
    .where(t.c.connector == sa.bindparam("connector"), t.c.epoch == sa.bindparam("epoch"))
    .with_for_update(read=True)
)
# In the `info` of a connection: a transaction, and the epochs that were verified in it.
_VERIFIED: Final = "damlink.verified"
# The server frees the lock of a machine that no longer answers after 10 + 4 * 10 seconds.
KEEPALIVE: Final = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "4"}


@repeat_conflicts
class Lease:
    """Context manager that holds a connector's lease during a run.

    Args:
        on_beat: called between two heartbeats, in a thread of its own.

    Raises:
        RunActiveError: another run holds the lease.
    """

    def __init__(
        self, database: Database, connector: str, on_beat: Callable[[], None] = lambda: None
    ) -> None:
        self._on_beat = on_beat
        self._database = database
        self._connector = connector
        self._renewing = threading.Lock()
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
        self._seen_at = read_clocks()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        # Only the heartbeat is cleared: a failure here would hide the result of the run.
        with contextlib.suppress(StateError):
            self._write(beats=False)
        self._lock.release()

    def verify(self) -> None:
        """Verify that the lease is still ours, right before an effect.

        Needs no query while the heartbeat is recent and the lock is held. Detects that the process was
        frozen or has lost its lock.

        Raises:
            LeaseLostError: another run has taken over.
        """
        if not self._lost.is_set() and not self._is_certain():
            self._renew()
        if self._lost.is_set():
            raise _lease_lost(self._connector)

    def _take(self, *, free: bool) -> int:
        mine = t.c.connector == self._connector
        with self._database.write() as connection:
            held = connection.execute(sa.select(t).where(mine).with_for_update()).one_or_none()
            now = self._now(connection)
            if not free:
                raise active_error(self._connector, held, now)
            epoch = int(held.epoch) + 1 if held else 1
            values = {"connector": self._connector, "epoch": epoch, "owner": owner(), "heartbeat_at": now}
            connection.execute(
                sa.update(t).where(mine).values(values) if held else sa.insert(t).values(values)
            )
            connection.info.pop(_VERIFIED, None)
            return epoch

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS) and not self._lost.is_set():
            self._on_beat()
            # The next write of the run raises the same error.
            with contextlib.suppress(StateError):
                self._renew()

    def _is_certain(self) -> bool:
        """Return whether the heartbeat is recent, by the boot clock and by the date, and the lock is held."""
        youngest = max(now - seen for now, seen in zip(read_clocks(), self._seen_at, strict=True))
        return youngest <= 2 * BEAT_SECONDS and self._lock.is_held()

    def _renew(self) -> None:
        """Write a heartbeat. Take a lost lock again if it is free; then the epoch decides."""
        with self._renewing:
            began = read_clocks()
            if (self._lock.is_held() or self._lock.acquire()) and self._write(beats=True):
                self._seen_at = began
            else:
                self._lost.set()

    def _write(self, *, beats: bool) -> bool:
        mine = (t.c.connector == self._connector, t.c.epoch == self.epoch)
        with self._database.write() as connection:
            values = {"heartbeat_at": self._now(connection) if beats else None}
            return bool(connection.execute(sa.update(t).where(*mine).values(values)).rowcount)

    def _now(self, connection: sa.Connection) -> datetime:
        """Return the time of a heartbeat for display: the server's, or this machine's."""
        return datetime.now(UTC) if self._database.file else self._database.clock(connection)


def check_epoch(connection: sa.Connection, connector: str, epoch: int | None) -> None:
    """Verify that the lease is still ours, and keep it so until the transaction ends.

    Writes that share a transaction verify it once: only `Lease._take` raises an epoch; it clears the note.

    Raises:
        LeaseLostError: another run has taken over.
    """
    transaction = connection.get_transaction()
    noted, verified = connection.info.get(_VERIFIED, (None, set()))
    if noted is transaction and (connector, epoch) in verified:
        return
    if connection.execute(_HELD, {"connector": connector, "epoch": epoch}).scalar() is None:
        raise _lease_lost(connector)
    known = verified if noted is transaction else set()
    connection.info[_VERIFIED] = (transaction, {*known, (connector, epoch)})


def read_lease(database: Database, connector: str) -> dict[str, Any] | None:
    """Return owner, epoch and heartbeat of a connector's last lease, or `None`."""
    with database.read() as connection:
        held = connection.execute(sa.select(t).where(t.c.connector == connector)).one_or_none()
    if held is None:
        return None
    return {"owner": held.owner, "epoch": held.epoch, "heartbeat_at": held.heartbeat_at}


def lock_number(connector: str) -> int:
    """Return the number of a connector's advisory lock."""
    digest = hashlib.blake2b(f"damlink:{connector}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _lease_lost(connector: str) -> LeaseLostError:
    return LeaseLostError(f"{connector}: another run has taken over; this one stops")


def active_error(connector: str, held: Any, now: datetime) -> RunActiveError:
    """Return the error of a second run, with the lease's owner and the age of its heartbeat."""
    what, hint = f"{connector}: another run is active", "wait for it to end, or stop that process"
    # Without a heartbeat the other run is just beginning.
    if held is None or held.heartbeat_at is None:
        return RunActiveError(what, hint=hint)
    silent = now - held.heartbeat_at
    what = f"{what} ({held.owner})"
    if silent < timedelta(seconds=SILENT_AFTER_SECONDS):
        return RunActiveError(what, hint=hint)
    hint = "it may be frozen: stop that process, then run again"
    return RunActiveError(f"{what}, without a heartbeat for {silent.total_seconds():.0f} s", hint=hint)


def read_clocks() -> tuple[float, float]:
    """Return the boot clock and the date. Suspending the machine may stop one of the two."""
    return age_clock(), time.time()


class _ProcessLock(Protocol):
    """A lock that ends with the process."""

    def acquire(self) -> bool:
        """Take the lock if it is free; return whether it was."""

    def is_held(self) -> bool:
        """Return whether the lock is still held, without a query where possible."""

    def release(self) -> None:
        """Release the lock, if it is held."""


def _lock(database: Database, connector: str) -> _ProcessLock:
    if database.file is None:
        return _AdvisoryLock(database, connector)
    # By its real path, so that a database opened by different links has one lock folder.
    return _FileLock(Path(f"{database.file.resolve()}.locks"), connector)


class _FileLock:
    """An OS lock on a file beside an SQLite database."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.lock"
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Take the lock if it is free; return whether it was."""
        self.release()
        try:
            make_folder(self._path.parent)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        except OSError as error:
            self.release()
            hint = cure_of(error, "make this folder writable for this user, on a disk that can lock files")
            raise StateError(f"{self._path}: cannot be locked: {error.strerror}", hint=hint) from error
        return True

    def is_held(self) -> bool:
        """Return whether the locked file still has its name: another run would lock a new file."""
        try:
            found = self._path.stat()
        except OSError:
            return False
        return self._handle is not None and os.path.samestat(found, os.fstat(self._handle))

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class _AdvisoryLock:
    """An advisory lock of PostgreSQL, on a connection of its own."""

    def __init__(self, database: Database, connector: str) -> None:
        self._database = database
        self._number = lock_number(connector)
        self._connection: sa.Connection | None = None
        # The driver's connection: SQLAlchemy would replace a lost session by a new one without the lock.
        self._session: Any = None
        self._asking = threading.Lock()

    def acquire(self) -> bool:
        """Take the lock if it is free; return whether it was."""
        self.release()
        with self._database.translate_errors(), contextlib.ExitStack() as unless_taken:
            connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            unless_taken.callback(connection.close)
            settings = (sa.func.set_config(name, value, False) for name, value in KEEPALIVE.items())
            connection.execute(sa.select(*settings))
            taken = bool(connection.execute(sa.select(sa.func.pg_try_advisory_lock(self._number))).scalar())
            if taken:
                self._connection, self._session = connection, connection.connection.driver_connection
                unless_taken.pop_all()
            return taken

    def is_held(self) -> bool:
        """Return whether the session lives. It does as long as the server has sent nothing on it."""
        with self._asking:
            if self._session is None or self._session.closed:
                return False
            waiting = select.poll()
            waiting.register(self._session.fileno(), select.POLLIN)
            return not waiting.poll(0) or self._ask("SELECT 1")

    def release(self) -> None:
        """Release the lock and its connection."""
        if self._connection is None:
            return
        with self._asking:
            if not self._session.closed:
                self._ask(f"SELECT pg_advisory_unlock({self._number})")
            # Ends the session, and with it the lock if the statement above failed.
            self._connection.invalidate()
            self._connection.close()
            self._connection = self._session = None

    def _ask(self, statement: str) -> bool:
        """Send a statement to the session; return whether it still answers."""
        import psycopg

        try:
            self._session.execute(statement)
        except psycopg.Error:
            return False
        return True
