"""Lock on the database's key: shared by the processes that use it, exclusive for the one that replaces it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from damlink._state.database import Database
from damlink._system.disk import cure_of, naming
from damlink._system.private_files import make_folder
from damlink.errors import RunActiveError, StateError

__all__ = ["using_key"]

NUMBER: Final = 0x64616D6C6B6579  # "damlkey" as a number
_IN_USE: Final = "another process uses the database"
_STOP: Final = "stop `damlink serve` and wait for runs to end, on every machine; then try again"


@contextlib.contextmanager
def using_key(database: Database, *, replaces: bool = False) -> Iterator[None]:
    """Hold a lock that ends with the process: shared, or exclusive with `replaces`.

    Raises:
        StateError: another process is replacing the key.
        RunActiveError: with `replaces`, while other processes use the key.
    """
    lock = _advisory_lock if database.file is None else _file_lock
    with lock(database, replaces) as taken:
        if not taken and replaces:
            raise RunActiveError(_IN_USE, hint=_STOP)
        if not taken:
            hint = "wait for `damlink secret rotate` to end, then run again"
            raise StateError("the key of the database is being replaced", hint=hint)
        yield


@contextlib.contextmanager
def _file_lock(database: Database, exclusive: bool) -> Iterator[bool]:
    import fcntl

    folder = Path(f"{os.path.realpath(str(database.file))}.locks")
    try:
        make_folder(folder)
        handle = os.open(folder / ".key", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        if exclusive:
            cause = f"{folder / '.key'}: cannot be locked: {error.strerror}"
            raise StateError(cause, hint=cure_of(error, "make its folder writable")) from error
        # A read-only folder needs no lock: no value can be sealed with an old key there.
        yield True
        return
    try:
        yield _lock(handle, folder / ".key", fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
    finally:
        os.close(handle)


def _lock(handle: int, path: Path, kind: int) -> bool:
    """Lock an open file; return whether it was free."""
    import fcntl

    try:
        with naming(path):
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        cause = f"{path}: cannot be locked: {error.strerror}"
        raise StateError(cause, hint=cure_of(error, "put it on a disk that can lock files")) from error
    return True


@contextlib.contextmanager
def _advisory_lock(database: Database, exclusive: bool) -> Iterator[bool]:
    take = sa.func.pg_try_advisory_lock if exclusive else sa.func.pg_try_advisory_lock_shared
    with contextlib.closing(_own_connection(database)) as connection:
        with database.translate_errors():
            taken = bool(connection.execute(sa.select(take(NUMBER))).scalar())
        try:
            yield taken
        finally:
            # Ends the session, and the lock with it.
            connection.invalidate()


def _own_connection(database: Database) -> sa.Connection:
    with database.translate_errors():
        return database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
