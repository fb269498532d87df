"""The rate limiter's shared file: opening, locking, and replacement of a damaged one."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from damlink._system.disk import cure_of, naming
from damlink._system.private_files import make_file, make_folder
from damlink._system.process import holders
from damlink._system.waiting import Verify, hold, slices, verify_nothing
from damlink.errors import StateError

__all__ = ["PaceFile"]

BUSY_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.01
_COMPANIONS: Final = ("-wal", "-shm")
_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# A missing table or column counts as well: such a file is not ours.
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
_WRITABLE: Final = (
    "make room on the disk if it is full, and make the file and its folder writable for this user"
)
_CURES: Final = {
    sqlite3.SQLITE_FULL: "make room on the disk",
    sqlite3.SQLITE_IOERR: "check the disk and that it has room",
}
_ELSEWHERE: Final = "or set DAMLINK_STATE_DIR to a folder of your own"

_log = logging.getLogger("damlink.pace")

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


class PaceFile:
    """SQLite file that many processes write to.

    Args:
        path: the file; it is created if necessary, with its folder.
        prepare: called in a transaction after each opening. Its second argument is true if the content of
            the file was lost.
        busy_seconds: how long a transaction waits for other processes.

    Raises:
        StateError: the file cannot be used; with path, cause and hint.
    """

    def __init__(
        self,
        path: Path,
        prepare: Callable[[sqlite3.Connection, bool], None],
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.path = path
        self._prepare = prepare
        self._busy_seconds = busy_seconds
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        with self._translate_errors():
            self._make_folder()
            self._open()

    def run(self, work: Work[T], verify: Verify = verify_nothing) -> T:
        """Call a function in one writing transaction; replace a damaged file first.

        Raises:
            StateError: the file cannot be used.
            StoppedError, LeaseLostError: raised by `verify` while another process has the file locked.
        """
        with hold(self._lock, verify), self._translate_errors():
            if self._is_replaced():
                self._open(lost=True)
            try:
                return self._transact(work, verify)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
            self._open(damaged=self._identity)
            return self._transact(work, verify)

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    # --- opening -----------------------------------------------------------------------------------

    def _make_folder(self) -> None:
        try:
            make_folder(self.path.parent)
        except OSError as error:
            cause = f"{self.path.parent}: this folder cannot be made: {error.strerror}"
            hint = f"{cure_of(error, 'make it')}, {_ELSEWHERE}"
            raise StateError(cause, hint=hint) from error

    def _open(self, *, lost: bool = False, damaged: tuple[int, int] | None = None) -> None:
        """Open the file; rename a damaged one and create a new one in its place."""
        self.close()
        with self._exclusive():
            # Otherwise another process has replaced it already.
            if damaged is not None and self._identify() == damaged:
                self._set_aside()
            lost = lost or damaged is not None or self._is_empty()
            try:
                self._connect(lost=lost)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                self.close()
                self._set_aside()
                self._connect(lost=True)

    def _connect(self, *, lost: bool) -> None:
        with contextlib.suppress(OSError):  # SQLite's own error names the cause
            make_file(self.path)
        database = sqlite3.connect(self.path, timeout=0.0, isolation_level=None, check_same_thread=False)
        self._database = database
        self._when_free(lambda: database.execute("PRAGMA journal_mode = WAL"), verify_nothing)
        # No fsync: after a power failure the portal's window has passed before the machine runs again.
        database.execute("PRAGMA synchronous = OFF")
        self._transact(lambda connection: self._prepare(connection, lost), verify_nothing)
        self._identity = self._identify()

    def _set_aside(self) -> None:
        """Rename the file and its companions, so that a new one can be created."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        aside = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        # The companions first: an old log must never be applied to the new file.
        for companion in (*_COMPANIONS, ""):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}{companion}", f"{aside}{companion}")  # noqa: PTH105 - suffixed
        _log.warning("%s was damaged and is now %s; a new one begins", self.path, aside.name)

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Hold the lock for opening, creating and replacing the file."""
        handle = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with naming(self._lock_path):
                self._when_free(lambda: fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB), verify_nothing)
            yield
        finally:
            os.close(handle)

    def _is_empty(self) -> bool:
        """Return whether the file exists and is empty: never written, or truncated."""
        try:
            return self.path.stat().st_size == 0
        except FileNotFoundError:
            return False

    def _identify(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _is_replaced(self) -> bool:
        """Return whether the open file was removed or replaced, so that other processes use another one."""
        return self._database is None or self._identify() != self._identity

    # --- transactions ------------------------------------------------------------------------------

    def _transact(self, work: Work[T], verify: Verify) -> T:
        database = self._database
        assert database is not None  # noqa: S101 - opened by every way here
        try:
            self._when_free(lambda: database.execute("BEGIN IMMEDIATE"), verify)
            result = work(database)
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.rollback()
            raise
        return result

    def _when_free(self, begin: Callable[[], object], verify: Verify) -> None:
        """Call a function that other processes may block, repeatedly for a limited time."""
        if self._is_begun(begin):
            return
        for seconds in slices(self._busy_seconds, verify):
            time.sleep(min(seconds, POLL_SECONDS))
            if self._is_begun(begin):
                return
        who = holders(self.path, *(Path(f"{self.path}{each}") for each in _COMPANIONS), self._lock_path)
        by = f" by process {', '.join(map(str, who))}" if who else ""
        cause = f"{self.path}: held{by} for more than {self._busy_seconds:.0f} s"
        raise StateError(cause, hint="end the program that holds it, then run again")

    def _is_begun(self, begin: Callable[[], object]) -> bool:
        """Call a function, and return whether no other process blocked it."""
        try:
            begin()
        except BlockingIOError:
            return False
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _BUSY:
                raise
            return False
        return True

    @property
    def _lock_path(self) -> Path:
        return self.path.with_suffix(".lock")

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Raise a `StateError` in place of the system's error."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            file = getattr(error, "filename", None) or self.path
            cause = error.strerror if isinstance(error, OSError) else str(error)
            raise StateError(f"{file}: {cause}", hint=self._hint(error)) from error

    def _hint(self, error: Exception) -> str:
        # Unlike a path's own method this raises nothing, where the folder cannot be read for example.
        if os.path.isdir(self.path):  # noqa: PTH112
            return f"this is a folder: move it away, {_ELSEWHERE}"
        if isinstance(error, OSError):
            return f"{cure_of(error, _WRITABLE)}, {_ELSEWHERE}"
        return f"{_CURES.get(getattr(error, 'sqlite_errorcode', 0) & 0xFF, _WRITABLE)}, {_ELSEWHERE}"


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE
