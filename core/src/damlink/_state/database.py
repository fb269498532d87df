"""The database: one engine on SQLite or PostgreSQL, and transactions whose errors name cause and hint."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite

from damlink._state.conflicts import ConflictError, is_conflict, repeating
from damlink._state.hints import cause_of, hint_for
from damlink._state.tables import alembic_version, metadata
from damlink._state.triggers import guard_audit, install_triggers
from damlink._state.writer import Writer
from damlink._system.disk import cure_of
from damlink._system.private_files import make_file, warn_if_shared
from damlink._system.process import age_clock
from damlink.errors import StateError

__all__ = [
    "CREATION_LOCK",
    "SCHEMA",
    "Database",
    "UnpreparedError",
    "find_version",
    "insert_into",
    "is_sqlite",
    "upsert",
]

SCHEMA: Final = "0019"  # the newest migration
BUSY_MILLISECONDS: Final = 30_000
CREATION_LOCK: Final = 0x64616D6C696E6B  # "damlink" as a number


class UnpreparedError(StateError):
    """There is no database yet, or its tables are missing or older, and this command must not create them.

    Attributes:
        version: of its tables; `None` if there are none.
    """

    version: str | None = None


class Database:
    """An open database with the tables of this version.

    Args:
        url: an SQLAlchemy address; a relative SQLite file begins at `folder`.
        create: create missing tables, and upgrade those of an older version.
        now: the clock of everything that is stored.

    Raises:
        StateError: it cannot be opened, or is newer than this version.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        create: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.now = now
        self.url = _resolve(url, folder)
        self.file = Path(self.url.database) if self._is_sqlite and self.url.database else None
        self._inode: int | None = None
        with self.translate_errors():
            if self.file and not create and not self.file.exists():
                raise UnpreparedError(f"{self.file}: there is no database yet", hint="run a connector first")
            self._check_names()
        self.engine = _engine(self.url)
        self._writer = Writer(self._connect_to_write, self._check_file)
        try:
            self._make_private(create=create)
            self._prepare(create=create)
        except BaseException:
            self.close()
            raise
        if self.file:
            with self.translate_errors():
                self._inode = self.file.stat().st_ino

    def _make_private(self, *, create: bool) -> None:
        """Create SQLite's file for this user alone; warn if it is readable by others."""
        if self.file is None:
            return
        if create:
            with contextlib.suppress(OSError):  # SQLite's own error names the cause
                make_file(self.file)
        warn_if_shared(self.file)

    @property
    def _is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def place(self) -> str:
        """The database's file or address, without a password."""
        url = self.url.difference_update_query(["application_name"])
        return str(self.file) if self.file else url.render_as_string(hide_password=True)

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Begin a transaction that only reads."""
        with self.translate_errors(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def write(self, *, ordered: bool = False, single: bool = False) -> Iterator[sa.Connection]:
        """Run the block in a transaction that may write; durable when it has ended, rolled back on any error.

        Args:
            ordered: the block begins with a lock that all processes take first; see `Writer`.
            single: the block writes by one statement; see `Writer`.
        """
        # A statement that fails makes PostgreSQL refuse all that follow, up to a savepoint.
        kind = {"ordered": ordered and not self._is_sqlite, "single": single and self._is_sqlite}
        with self.translate_errors(), self._writer.write(**kind) as connection:
            yield connection

    def _connect_to_write(self) -> sa.Connection:
        return self.engine.connect().execution_options(damlink_write=True)

    def clock(self, connection: sa.Connection) -> datetime:
        """Return the time on a monotonic clock that all processes using this database share.

        On PostgreSQL it is the server's clock. On SQLite, where all processes run on one machine, it is the
        boot clock, which begins at zero with each start of the machine.
        """
        if self._is_sqlite:
            return datetime.fromtimestamp(age_clock(), UTC)
        now: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return now.astimezone(UTC)

    def close(self) -> None:
        """Close every connection."""
        self._writer.close()
        self.engine.dispose()

    def _check_names(self) -> None:
        """Refuse a file with a second name: SQLite keeps its log by the name, and would damage the file.

        Source: https://sqlite.org/howtocorrupt.html, section 2.5.
        """
        if self.file and self.file.is_file() and (names := self.file.stat().st_nlink) > 1:
            hint = "copy it to a file of its own, and use that under one name"
            raise StateError(f"{self.file}: the database file has {names} names (hard links)", hint=hint)

    def _check_file(self) -> None:
        """Raise an error if the file was removed or replaced: writes to a removed file are lost silently."""
        if self.file is None or self._inode is None:
            return
        try:
            same = self.file.stat().st_ino == self._inode
        except FileNotFoundError:
            same = False
        if not same:
            raise StateError(f"{self.file}: the database file is gone", hint="put it back, then run again")

    @repeating
    def _prepare(self, *, create: bool) -> None:
        with self.translate_errors():
            found = self._version()
        if found == SCHEMA:
            return
        if found is not None and found > SCHEMA:
            hint = "install the Damlink that wrote it, or a newer one"
            raise StateError(f"{self.place}: the database is newer ({found}) than this Damlink", hint=hint)
        if not create:
            hint = "run a connector first"
            unprepared = UnpreparedError(f"{self.place}: the database is not set up yet", hint=hint)
            unprepared.version = found
            raise unprepared
        # Two processes may find the same empty or old database at once.
        if found is None:
            with self.write() as connection:
                if not self._is_sqlite:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({CREATION_LOCK})")
                _create(connection)
        else:
            self._upgrade()

    @repeating
    def _upgrade(self) -> None:
        from damlink._state.migrations import upgrade, upgrade_beside_writers  # slow, and rarely needed

        if not self._is_sqlite:
            with self.translate_errors():
                upgrade_beside_writers(self.engine, self.write, CREATION_LOCK)
            return
        with self.write() as connection:
            upgrade(connection)

    def _version(self) -> str | None:
        with self.engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.execute(sa.select(alembic_version.c.version_num)).scalar()
            return found

    @contextlib.contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise a `StateError` with cause and hint in place of the driver's error."""
        try:
            yield
        except sa.exc.DBAPIError as error:
            kind = ConflictError if is_conflict(error) else StateError
            raised = kind(f"{self.place}: {cause_of(error)}", hint=hint_for(error, self.file))
            raised.is_away = isinstance(error, sa.exc.OperationalError) or error.connection_invalidated
            raise raised from error
        except OSError as error:
            hint = cure_of(error, "check the file and its folder, then run again")
            raise StateError(f"{self.place}: {error.strerror}", hint=hint) from error


def find_version(url: str, folder: Path) -> str | None:
    """Return the version of the tables of a database, and change nothing; `None` if it has none.

    Raises:
        StateError: it cannot be reached.
    """
    try:
        database = Database(url, folder, create=False)
    except UnpreparedError as error:
        return error.version
    database.close()
    return SCHEMA


def is_sqlite(url: str) -> bool:
    """Return whether an address is that of an SQLite database.

    Raises:
        StateError: it is not the address of a database.
    """
    return _resolve(url, Path()).get_backend_name() == "sqlite"


def upsert(
    connection: sa.Connection, table: sa.Table, values: Mapping[str, Any], changes: Mapping[str, Any]
) -> None:
    """Insert a row, or change the one with the same key, in one statement."""
    row = insert_into(connection, table).values(values)
    connection.execute(row.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes))


def insert_into(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert statement that supports `on_conflict_do_…`."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def _resolve(url: str, folder: Path) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        hint = "write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        raise StateError("state.url is not a database address", hint=hint) from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StateError(f"state.url: {backend} is not supported", hint="use sqlite or postgresql")
    if not parsed.database or parsed.database == ":memory:":
        raise StateError("state.url: a database in memory would forget every asset", hint="name a file")
    return parsed.set(database=str(folder / parsed.database))


def _create(connection: sa.Connection) -> None:
    """Create the tables as the migrations leave them."""
    metadata.create_all(connection)
    versions = sa.select(alembic_version.c.version_num)
    if connection.execute(versions).scalar() is None:
        install_triggers(connection)
        guard_audit(connection)
        connection.execute(sa.insert(alembic_version).values(version_num=SCHEMA))


def _engine(url: sa.URL) -> sa.Engine:
    try:
        engine = sa.create_engine(url, pool_size=32, max_overflow=32, pool_timeout=60)
    except ModuleNotFoundError as error:
        raise StateError("PostgreSQL needs psycopg", hint="pip install 'damlink[postgres]'") from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver must not begin transactions: `_on_sqlite_begin` does.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", f"busy_timeout = {BUSY_MILLISECONDS}"):
        connection.execute(f"PRAGMA {pragma}")


def _on_sqlite_begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("damlink_write")
    # SQLite may refuse the first write of a transaction that began by reading.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
