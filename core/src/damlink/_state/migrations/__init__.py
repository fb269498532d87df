"""Upgrade of a database. Imported only when the database is of an older version."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from damlink._system.waiting import wait

__all__ = ["upgrade", "upgrade_beside_writers"]

LOCK_POLL_SECONDS: Final = 0.1

_Begin: TypeAlias = Callable[[], contextlib.AbstractContextManager[sa.Connection]]


def upgrade(connection: sa.Connection, to: str = "head") -> None:
    """Apply every migration that is missing, in the transaction of this connection."""
    config = _read_config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def upgrade_beside_writers(engine: sa.Engine, begin: _Begin, lock: int) -> None:
    """Apply every migration that is missing to a PostgreSQL database; none blocks its writers for long.

    Each is applied in a transaction of its own, or outside of any if the migration says so. What an
    interruption leaves is continued by the next call.

    Args:
        begin: begins a transaction that writes.
        lock: number of the advisory lock that one process holds at a time.
    """
    alone = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with alone as connection, _holding(connection, lock):
        for revision, is_concurrent in _find_missing(connection):
            with contextlib.nullcontext(connection) if is_concurrent else begin() as upgraded:
                upgrade(upgraded, revision)


@contextlib.contextmanager
def _holding(connection: sa.Connection, lock: int) -> Iterator[None]:
    # An index that is built beside writers waits for every statement that has begun: one that waits for the
    # lock would never end.
    while not connection.execute(sa.select(sa.func.pg_try_advisory_lock(lock))).scalar_one():
        wait(LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        connection.execute(sa.select(sa.func.pg_advisory_unlock(lock)))


def _find_missing(connection: sa.Connection) -> list[tuple[str, bool]]:
    """Return the migrations that are missing, the first to apply first, and whether each is concurrent."""
    version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    scripts = ScriptDirectory.from_config(_read_config()).iterate_revisions("head", version)
    missing = [(each.revision, bool(getattr(each.module, "IS_CONCURRENT", False))) for each in scripts]
    return missing[::-1]


def _read_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
